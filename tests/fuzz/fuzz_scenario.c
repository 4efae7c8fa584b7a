/* fuzz_scenario.c -- any bytes as a scenario of JSON: what is read is within its limits, and a short one can be forecast. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alarm/rehearse.h"
#include "forecast/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    require(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Two tanks, the one above the other; loaded once. */
static Plant *load(void)
{
    char folder[] = "/tmp/pollux-fuzz-XXXXXX", path[64];
    Plant *plant;
    require(mkdtemp(folder));
    write_file(
        folder, "tank.lua",
        "return model 'tank' { params = { area = { 1, 'm^2', min = 0.1 } }, inputs = { inflow = { 1, 'l/s', min = 0, max = 9 } },\n"
        "  states = { level = { 1, 'm', min = 0, noise = 0.01, sd = 0.1 } },\n"
        "  equations = function(t) local out = quantity(1, 'l/s/m') * t.level t.out = output(out, 'l/s') t.level.rate = (t.inflow - out) / t.area end,\n"
        "  sensors = { gauge = { of = 'level', noise = 0.1 } }, actuators = { valve = { 1, '1' } }, alarms = { high = { high = { 'level', 1.2 }, hold = 1 } } }\n");
    write_file(folder, "plant.lua",
               "return plant 'tanks' { step = 0.5, clock = 'provider', assets = { a = { 'tank' }, b = { 'tank' } }, connect = { ['a.out'] = 'b.inflow' },\n"
               "  control = function(device) device['a.inflow'] = math.min(math.max(device['a.valve'], 0), 9) end,\n"
               "  on = { alarm = function(event) command('a.valve', event.state == 'raised' and 0 or 1) end } }\n");
    snprintf(path, sizeof path, "%s/plant.lua", folder);
    require(!plant_load(path, 1, &plant, NULL));
    unlink(path);
    snprintf(path, sizeof path, "%s/tank.lua", folder);
    unlink(path);
    rmdir(folder);
    return plant;
}

static void check(const Scenario *scenario, const Plant *plant)
{
    require(scenario->members >= 1 && scenario->members <= SCENARIO_MEMBERS_MAX);
    require(scenario->horizon >= plant->step && scenario->horizon <= plant->step * SCENARIO_STEPS_MAX);
    require(scenario->tag_count >= 1 && scenario->tag_count <= SCENARIO_TAGS_MAX && scenario->case_count >= 1 && scenario->case_count <= SCENARIO_CASES_MAX);
    require(scenario->quantile_count >= 1 && scenario->quantile_count <= SCENARIO_QUANTILES_MAX && scenario->time_count <= SCENARIO_TIMES_MAX);
    for (size_t c = 0; c < scenario->case_count; c++)
        for (size_t i = 0; i < scenario->cases[c].change_count; i++)
            for (size_t k = 0; k < scenario->cases[c].changes[i].count; k++)
                require(isfinite(scenario->cases[c].changes[i].points[k].value) && scenario->cases[c].changes[i].points[k].at >= 0);
}

static void run(const Scenario *scenario, const Plant *plant)
{
    Fork *fork;
    Forecast *forecast;
    Text text = {0};
    require(!scenario_fork(scenario, plant, 0, &fork, NULL));
    if (!forecast_run(fork, scenario, &(ForecastDef){.threads = 1, .rehearsal = &rehearse_kind}, &forecast, NULL)) {
        forecast_json(forecast, &text);
        forecast_csv(forecast, &text);
        forecast_svg(forecast, &text);
        forecast_destroy(forecast);
    }
    text_fini(&text);
    fork_destroy(fork);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static Plant *plant;
    if (!plant)
        plant = load();
    Scenario *scenario;
    if (scenario_read_json("input", (const char *)bytes, size, plant, &scenario, NULL))
        return 0;
    check(scenario, plant);
    if (scenario->horizon * scenario->members * (double)scenario->case_count < 1e5)
        run(scenario, plant);
    scenario_destroy(scenario);
    return 0;
}
