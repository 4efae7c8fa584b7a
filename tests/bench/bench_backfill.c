/* bench_backfill -- what is live beside a log of hours: how late ticks run, and how long a live sample waits for its answer, without and with the log.
 *
 * A server with a history, in this process; a device with four tags at 10 Hz, and one that was offline for HOURS and sends its log of as many tags as
 * fast as it can. Answers come when samples are on disk. The folder should be on a real disk.
 *
 * bench_backfill FOLDER [HOURS]: 4 hours, 576,000 samples. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "connectors/websocket/device.h"

enum { TANKS = 4, CALM_S = 30, TIMES_MAX = 1 << 16, LOG_BATCH = 4 * 128 };
static const int64_t PERIOD = NS_PER_S / 10;

static const char tank_text[] =
    "return model \"tank\" {\n"
    "  states = { level = { 1, \"m\", min = 0, noise = 1e-3, sd = 0.1 } },\n"
    "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\", every = 0.1 } },\n"
    "}\n";
static const char plant_text[] =
    "return plant \"works\" { step = 0.1, clock = \"utc\", wait = 0.1,\n"
    "  assets = { tank1 = { \"tank\" }, tank2 = { \"tank\" }, tank3 = { \"tank\" }, tank4 = { \"tank\" } } }\n";
static const char *const names[TANKS] = {"tank1.gauge", "tank2.gauge", "tank3.gauge", "tank4.gauge"};

typedef struct Times {
    int64_t items[TIMES_MAX];
    size_t count;
} Times;

/* The two devices, on a thread of their own. */
typedef struct Yard {
    char url[64];
    size_t log;  // samples
    Times answers[2];  // of the live device: calm, busy
    int64_t log_took;
    DeviceState live_state, log_state;
    _Atomic bool busy, done;
} Yard;

static Times lateness[2];
static Yard yard;

static int64_t elapsed(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

static int64_t utc(void)
{
    return clock_system.utc_ns(clock_system.self);
}

static void note(Times *times, int64_t time)
{
    if (times->count < TIMES_MAX)
        times->items[times->count++] = time;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, Times *times)
{
    if (times->count == 0)
        return;
    qsort(times->items, times->count, sizeof *times->items, compare);
    printf("%-34s %6zu   median %7.2f ms   p99 %7.2f ms   most %7.2f ms\n", what, times->count, (double)times->items[times->count / 2] / 1e6,
           (double)times->items[times->count * 99 / 100] / 1e6, (double)times->items[times->count - 1] / 1e6);
}

static void note_tick(void *self, const App *app, Batch batch)
{
    (void)self, (void)batch;
    note(&lateness[yard.busy], utc() - app->now - app->plant->wait_ns);
}

static void require(Err err, const ErrText *why)
{
    if (!err)
        return;
    fprintf(stderr, "bench_backfill: %s\n", why->text);
    exit(1);
}

static Device *open_device(const char *name, size_t log)
{
    ErrText why = {""};
    Device *device;
    WireTag tags[TANKS];
    for (size_t i = 0; i < TANKS; i++)
        tags[i] = (WireTag){.name = names[i]};
    const DeviceDef def = {.url = yard.url, .name = name, .tags = tags, .tag_count = TANKS, .log = log};
    require(device_open(&def, &device, &why), &why);
    return device;
}

/* All that a device measured before `end`, while it had no line. */
static void keep_log(Device *device, size_t count, int64_t end)
{
    WireSample batch[LOG_BATCH];
    device_cut(device, true);
    for (size_t done = 0; done < count; done += LOG_BATCH) {
        for (size_t i = 0; i < LOG_BATCH; i++)
            batch[i] = (WireSample){.tag = names[i % TANKS], .time = end - (int64_t)((count - done - i) / TANKS) * PERIOD, .value = 1};
        require(device_send(device, batch, LOG_BATCH), &(ErrText){"the log is full"});
    }
}

/* A live sample per tag, and how long until all have their answers. */
static void live_round(Device *live, Device *log, int64_t due, Times *answers)
{
    WireSample batch[TANKS];
    while (elapsed() < due) {
        device_service(live, NS_PER_MS);
        if (log)
            device_service(log, 0);
    }
    const int64_t sent = elapsed();
    for (size_t i = 0; i < TANKS; i++)
        batch[i] = (WireSample){.tag = names[i], .time = utc(), .value = 1};
    require(device_send(live, batch, TANKS), &(ErrText){"the live device is full"});
    while (device_state(live).waiting) {
        device_service(live, NS_PER_MS / 2);
        if (log)
            device_service(log, 0);
    }
    note(answers, elapsed() - sent);
}

static void *run_yard(void *self)
{
    (void)self;
    const int64_t began = utc();
    Device *live = open_device("live", 0), *log = open_device("offline", yard.log);
    keep_log(log, yard.log, began - 60 * NS_PER_S);
    while (!device_state(live).connected)
        device_service(live, NS_PER_MS);

    int64_t due = elapsed();
    for (int i = 0; i < CALM_S * 10; i++)
        live_round(live, NULL, due += PERIOD, &yard.answers[0]);

    device_cut(log, false);
    yard.busy = true;
    const int64_t start = elapsed();
    while (device_state(log).waiting)
        live_round(live, log, due += PERIOD, &yard.answers[1]);
    yard.log_took = elapsed() - start;
    yard.live_state = device_state(live);
    yard.log_state = device_state(log);
    device_close(live);
    device_close(log);
    yard.done = true;
    return NULL;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        require(ERR_IO, &(ErrText){"cannot write to the folder"});
}

static void serve(const char *folder)
{
    ErrText why = {""};
    char model[512], plant[512], history[512];
    App *app;
    Server *server;
    Websocket *websocket;
    pthread_t thread;
    snprintf(model, sizeof model, "%s/tank.lua", folder);
    snprintf(plant, sizeof plant, "%s/works.lua", folder);
    snprintf(history, sizeof history, "%s/works.db", folder);
    write_file(model, tank_text);
    write_file(plant, plant_text);
    require(app_create(&(AppDef){.plant = plant, .history = history, .quiet = true, .ticked = note_tick}, &app, &why), &why);
    require(websocket_create(&(WebsocketDef){.tags = app->plant->tags, .plant = "works", .step = 0.1, .speed = 1}, &websocket), &why);
    require(server_create(&(ServerDef){.plant = app->plant, .history = history, .devices = websocket_handler(websocket)}, &server, &why), &why);
    app_serve(app, server, websocket);
    app_add_connector(app, (Connector){&websocket_connector, websocket});
    app_add_connector(app, (Connector){&websocket_log_connector, websocket});
    snprintf(yard.url, sizeof yard.url, "ws://127.0.0.1:%d", server_port(server));
    pthread_create(&thread, NULL, run_yard, NULL);
    while (!yard.done)
        if (!app_poll(app))
            clock_system.sleep_ns(clock_system.self, app_patience(app, 2 * NS_PER_MS));
    pthread_join(thread, NULL);

    const SyncCounters *counters = sync_counters(app->sync);
    report("ticks run late by, calm", &lateness[0]);
    report("ticks run late by, with the log", &lateness[1]);
    report("live samples answered in, calm", &yard.answers[0]);
    report("live samples answered in, with it", &yard.answers[1]);
    printf("log: %zu samples in %.1f s, %.0f/s; stored %llu, rejected %llu, lost %llu; overruns %llu, history waits %llu; used %llu late %llu duplicate %llu dropped %llu\n", yard.log,
           (double)yard.log_took / 1e9, (double)yard.log / ((double)yard.log_took / 1e9), (unsigned long long)yard.log_state.stored, (unsigned long long)yard.log_state.rejected,
           (unsigned long long)yard.log_state.lost, (unsigned long long)app->overruns, (unsigned long long)history_stats(app->history).waits, (unsigned long long)counters->used,
           (unsigned long long)counters->late, (unsigned long long)counters->duplicate, (unsigned long long)counters->dropped);
    server_destroy(server);
    app_destroy(app);
    websocket_destroy(websocket);
}

int main(int argc, char **argv)
{
    const double hours = argc > 2 ? strtod(argv[2], NULL) : 4;
    if (argc < 2 || !(hours > 0 && hours <= 24)) {
        fprintf(stderr, "bench_backfill FOLDER [HOURS]\n");
        return 2;
    }
    yard.log = (size_t)(hours * 36000 * TANKS) / LOG_BATCH * LOG_BATCH;
    serve(argv[1]);
    return 0;
}
