/* modbus.c -- 2,000 registers of a Modbus server, ten times a second, into a plant that ticks; scripts/load modbus starts it.
 *
 * load_modbus SERVER SECONDS: SERVER is the program of tests/peers, libmodbus' own server in a process of its own. Pollux runs in this process as
 * `pollux serve` does, connector's thread and tick's thread. Markdown; fails when a turn was missed, a sample was lost, or a tick was late by more than a step. */
#include <string.h>
#include <sys/wait.h>

#include "app/app.h"
#include "load/beside.h"

enum { REGISTERS = 2000, RATE_HZ = 10, PATIENCE_S = 60 };

static const double STEP_S = 1.0 / RATE_HZ;

static const char model_text[] = "return model \"still\" { doc = \"Water that stands still\", states = { level = { 30, \"cm\", sd = 1, noise = 0.01 } },\n"
                                 "  equations = function(t) t.level.rate = 0 * t.level / quantity(1, \"s\") end, sensors = { gauge = { of = \"level\", noise = 0.15, unit = \"cm\" } } }\n";
static const char plant_text[] = "local bind = {}\n"
                                 "for i = 1, %d do bind[(\"tank_%%04d.gauge\"):format(i)] = { \"plc\", holding = i - 1, scale = 0.01, unit = \"cm\" } end\n"
                                 "return plant \"still\" { step = %g, wait = 0.05, lag = 0, assets = { fleet(\"tank\", %d, \"still\", function(i) return {} end) },\n"
                                 "  connectors = { plc = { \"modbus\", host = \"127.0.0.1\", port = %d, every = %g } }, bind = bind }\n";

typedef struct Told {
    uint64_t ticks, late;  // by more than a step
    double latest;         // s
} Told;

static Told told;

static void note_tick(void *self, const App *app, Batch batch)
{
    (void)self, (void)batch;
    const double lateness = (double)(app_utc(app) - app->now) / 1e9 - (double)app->plant->wait_ns / 1e9;
    told.ticks++;
    told.late += lateness > STEP_S;
    told.latest = lateness > told.latest ? lateness : told.latest;
}

static pid_t start_server(const char *program, int port)
{
    char text[8], line[16];
    int ends[2];
    snprintf(text, sizeof text, "%d", port);
    if (pipe(ends))
        die("no pipe");
    const pid_t id = begin_child();
    if (id == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(program, program, text, "wavering", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (read(ends[0], line, sizeof line) <= 0)
        die("the server does not begin");
    close(ends[0]);
    return id;
}

static App *open_app(int port)
{
    static char text[1024], path[256];
    App *app;
    ErrText why = {""};
    write_file("still.lua", model_text);
    snprintf(text, sizeof text, plant_text, REGISTERS, STEP_S, REGISTERS, port, STEP_S);
    write_file("plant.lua", text);
    snprintf(path, sizeof path, "%s/plant.lua", folder);
    const AppDef def = {.plant = path, .speed = 1, .quiet = true, .connects = true, .ticked = note_tick};
    if (program_codegen(CODEGEN_AUTO, &why) || app_create(&def, &app, &why))
        die(why.text);
    return app;
}

static ExchangeState state_of(const App *app)
{
    return ways_state(app->ways, 0).exchange;
}

static void turn(App *app)
{
    if (!app_poll(app))
        clock_system.sleep_ns(clock_system.self, app_patience(app, 2 * NS_PER_MS));
}

static void warm_up(App *app)
{
    const int64_t until = elapsed() + PATIENCE_S * NS_PER_S;
    while (state_of(app).samples < RATE_HZ * REGISTERS || app->ticks < 2 * RATE_HZ) {
        if (elapsed() > until)
            die("the connector does not come to the server");
        turn(app);
    }
}

static bool measure(App *app, pid_t server, double seconds)
{
    const double server_before = worked(server), tick_before = worked_here();
    const ExchangeState before = state_of(app);
    const int64_t began = elapsed();
    told = (Told){0};
    while (elapsed() - began < (int64_t)(seconds * 1e9))
        turn(app);

    const ExchangeState after = state_of(app);
    const double s = (double)(elapsed() - began) / 1e9;
    const uint64_t missed = after.missed - before.missed, lost = after.dropped - before.dropped + after.refused - before.refused;
    const double connector = (double)(after.busy_ns - before.busy_ns) / 1e9, tick = worked_here() - tick_before, other = worked(server) - server_before;
    printf("| %.0f | %llu | %llu |", (double)(after.samples - before.samples) / s, (unsigned long long)missed, (unsigned long long)lost);
    printf(" %.1f %% | %.1f %% | %.1f %% |", 100 * connector / s, 100 * tick / s, 100 * other / s);
    printf(" %llu, %llu, %.0f |\n", (unsigned long long)told.ticks, (unsigned long long)told.late, 1e3 * told.latest);
    return missed + lost + told.late == 0;
}

int main(int argc, char **argv)
{
    const double seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
    if (!(seconds >= 1 && seconds <= 3600) || !mkdtemp(folder))
        die("load_modbus SERVER SECONDS");
    log_set_level(LOG_ERROR);
    const int port = find_port();
    const pid_t server = start_server(argv[1], port);
    App *app = open_app(port);
    warm_up(app);
    const bool good = measure(app, server, seconds);
    app_destroy(app);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
