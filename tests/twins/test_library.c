/* What holds for every model of the library: it loads, it is documented, and nothing in it divides by zero when the plant stands still. */
#include <dirent.h>

#include "twins/bench.h"

typedef struct Entry {
    const char *model;
    double step;  // s: the longest that its opening lines allow, or a common one
} Entry;

static const Entry library[] = {
    {"air_handler", 60}, {"battery", 10}, {"battery_pack", 10}, {"bearing", 60}, {"boiler", 60}, {"conveyor", 0.2}, {"dc_motor", 0.01}, {"district", 1},
    {"heat_exchanger", 1}, {"incubator", 0.5}, {"induction_motor", 0.2}, {"pipe", 1},
    {"pump", 0.2}, {"pv_array", 5}, {"quadruple_tank", 2}, {"radiator", 60}, {"reservoir", 10}, {"robot_joint", 0.005},
    {"room", 300}, {"sand_filter", 20}, {"storage_cell", 60}, {"storage_site", 60}, {"tank", 10}, {"valve", 1}, {"wind_turbine", 0.5},
};
enum { LIBRARY_COUNT = sizeof library / sizeof *library };

static bool is_listed(const char *name)
{
    for (size_t i = 0; i < LIBRARY_COUNT; i++)
        if (strcmp(library[i].model, name) == 0)
            return true;
    return false;
}

START_TEST(every_model_of_the_folder_is_tested_here)
{
    DIR *folder = opendir(POLLUX_SOURCE "/twins/models");
    ck_assert_ptr_nonnull(folder);
    size_t found = 0;
    for (const struct dirent *file; (file = readdir(folder));) {
        char name[256];
        if (sscanf(file->d_name, "%255[a-z0-9_].lua", name) != 1 || !strstr(file->d_name, ".lua"))
            continue;
        ck_assert_msg(is_listed(name), "no test for %s", file->d_name);
        found++;
    }
    closedir(folder);
    ck_assert_uint_eq(found, LIBRARY_COUNT);
}
END_TEST

START_TEST(every_model_says_what_it_is_and_what_each_value_means)
{
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        Plant *plant = bench_open(library[i].model, library[i].step, "");
        const Model *model = plant_model(plant, 0);
        ck_assert_str_ne(model->doc, "");
        ck_assert_str_eq(model->name, library[i].model);
        ck_assert_uint_gt(model->sensor_count, 0);
        ck_assert_uint_gt(model->alarm_count, 0);
        for (uint16_t c = 0; c < model->channel_count; c++)
            ck_assert_msg(*model->channels[c].doc, "%s.%s has no doc", model->name, model->channels[c].name);
        for (uint16_t f = 0; f < model->fault_count; f++)
            ck_assert_msg(*model->faults[f].doc, "the fault %s of %s has no doc", model->faults[f].name, model->name);
        plant_destroy(plant);
    }
}
END_TEST

/* Five lines, or four, that stand before the model: the plant, the source, and what is left out. */
START_TEST(every_model_opens_with_its_source_and_its_limits)
{
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        char path[512], text[2048] = "", line[512];
        snprintf(path, sizeof path, "%s/twins/models/%s.lua", POLLUX_SOURCE, library[i].model);
        FILE *file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        int lines = 0;
        while (fgets(line, sizeof line, file) && strncmp(line, "--", 2) == 0 && strlen(text) + strlen(line) < sizeof text) {
            strcat(text, line);
            lines++;
        }
        fclose(file);
        ck_assert_msg(lines == 4 || lines == 5, "%s: %d opening lines", path, lines);
        ck_assert_msg(strstr(text, "Left out:"), "%s does not say what is left out", path);
    }
}
END_TEST

/* Everything that can be zero is: no flow, no speed, no voltage, 0 degC. Whoever divides by it, or takes its root's slope, is found in mean or covariance. */
START_TEST(no_model_breaks_when_everything_stands_still)
{
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        Plant *plant = bench_open(library[i].model, library[i].step, "");
        const Model *model = plant_model(plant, 0);
        for (uint16_t c = 0; c < model->channel_count; c++) {
            const Channel *channel = &model->channels[c];
            if (channel->kind == CHANNEL_STATE || channel->kind == CHANNEL_INPUT)
                *plant_cell(plant, 0, channel->column) = fmin(fmax(unit_to_si(channel->unit, 0), channel->min), channel->max);
        }
        plant_derive(plant);
        for (int k = 0; k < 300; k++) {
            plant_advance(plant);
            ck_assert_msg(plant_quarantined(plant) == 0, "%s breaks at step %d", library[i].model, k);
        }

        plant_derive(plant);
        for (uint16_t c = 0; c < model->channel_count; c++)
            ck_assert_msg(model->channels[c].kind == CHANNEL_SENSOR || isfinite(*plant_cell(plant, 0, model->channels[c].column)), "%s.%s is not finite",
                          model->name, model->channels[c].name);
        for (uint16_t c = 0; c < model->state_count; c++)
            ck_assert_msg(isfinite(*plant_cell(plant, 0, model->channels[c].variance)), "%s.%s has no finite variance", model->name, model->channels[c].name);
        plant_destroy(plant);
    }
}
END_TEST

/* Declared values describe a healthy asset in ordinary service. */
START_TEST(every_model_settles_at_its_declared_values_without_an_alarm)
{
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        Plant *plant = bench_open(library[i].model, library[i].step, "");
        const Model *model = plant_model(plant, 0);
        bench_run(plant, 100 * library[i].step);
        for (uint16_t a = 0; a < model->alarm_count; a++) {
            const AlarmDef *alarm = &model->alarms[a];
            const double value = *plant_cell(plant, 0, model->channels[alarm->channel].column);
            ck_assert_msg(alarm->side == LIMIT_HIGH ? value < alarm->limit : value > alarm->limit, "%s: %s stands at its declared values", model->name, alarm->name);
        }
        plant_destroy(plant);
    }
}
END_TEST

KIT_MAIN("twins.library", every_model_of_the_folder_is_tested_here, every_model_says_what_it_is_and_what_each_value_means,
         every_model_opens_with_its_source_and_its_limits, no_model_breaks_when_everything_stands_still,
         every_model_settles_at_its_declared_values_without_an_alarm)
