/* A log of hours beside a plant that lives by the time of day: what is live is as if there were no log, and the log is kept, once, in time order. */
#include "connectors/websocket/device.h"
#include "flow/feed.h"
#include "flow/flow.h"

static const char tank[] =
    "return model \"tank\" {\n"
    "  states = { level = { 1, \"m\", min = 0, noise = 1e-3, sd = 0.1 } },\n"
    "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 } },\n"
    "}\n";

static const char works[] = "return plant \"works\" { step = 1, clock = \"utc\", wait = 0.5, assets = { tank = { \"tank\" } } }\n";

enum { TICKS = 60, LOG = 20000, PATIENT = 64 };
static const int64_t BEGIN = INT64_C(1700000000) * NS_PER_S;
static const int64_t LOG_BEGIN = INT64_C(1700000000 - 4 * 3600) * NS_PER_S;

static const ConnectorType log_connector = {.name = "log", .is_patient = true, .poll = feed_poll, .stored = feed_stored};

/* What a run left: of each tick its hash, when it ran, and how many samples it took. */
typedef struct Run {
    uint64_t hashes[TICKS];
    int64_t ran[TICKS];
    size_t taken[TICKS];
    size_t ticks;
} Run;

typedef struct Works {
    FakeClock fake;
    Clock clock;
    Feed live, log;
    Arrival samples[TICKS], *past;
    App *app;
    Run run;
} Works;

static void note_tick(void *self, const App *app, Batch batch)
{
    Run *run = &((Works *)self)->run;
    if (run->ticks == TICKS)
        return;
    run->hashes[run->ticks] = plant_hash(app->plant);
    run->ran[run->ticks] = app_utc(app);
    run->taken[run->ticks++] = batch.count;
}

static double level_at(int64_t i)
{
    return 1 + 0.01 * random_normal(5, 0, (uint64_t)i);
}

static void works_open(Works *w, const char *history)
{
    *w = (Works){.fake = {.utc_ns = BEGIN}};
    w->clock = clock_fake(&w->fake);
    w->past = mem_alloc(LOG * sizeof *w->past);
    ck_assert_ptr_nonnull(w->past);
    w->live = (Feed){.items = w->samples};
    w->log = (Feed){.items = w->past, .joined = true};
    flow_write("tank.lua", tank);
    const FlowPath plant = flow_write("works.lua", works);
    w->app = flow_app(&(AppDef){.plant = plant.text, .history = history, .quiet = true, .clock = &w->clock, .ticked = note_tick, .self = w});
    ck_assert_int_eq(app_add_connector(w->app, (Connector){&log_connector, &w->log}), ERR_OK);
    ck_assert_int_eq(app_add_connector(w->app, (Connector){&feed_connector, &w->live}), ERR_OK);

    const TagId gauge = tags_find(w->app->plant->tags, "tank.gauge");
    for (int64_t i = 0; i < TICKS; i++)
        w->samples[i] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = {.time = BEGIN + i * NS_PER_S + NS_PER_S / 4, .value = level_at(i), .tag = gauge}};
    for (int64_t i = 0; i < LOG; i++)
        w->past[i] = (Arrival){.kind = ARRIVAL_SAMPLE, .historical = true, .sample = {.time = LOG_BEGIN + i * NS_PER_S / 10, .value = 5, .tag = gauge}};
}

static void works_close(Works *w)
{
    app_destroy(w->app);
    mem_free(w->past);
}

/* A minute in steps of 10 ms: a live sample every second, and of the log all that is asked for. */
static void works_run(Works *w, size_t log)
{
    w->log.count = log;
    for (int64_t i = 0; i < TICKS * 100 + 100; i++) {
        w->live.count = (size_t)(i / 100 + 1 < TICKS ? i / 100 + 1 : TICKS);
        app_poll(w->app);
        w->clock.sleep_ns(w->clock.self, NS_PER_S / 100);
    }
}

START_TEST(a_log_leaves_every_tick_as_it_was)
{
    Works calm, busy;
    works_open(&calm, NULL);
    works_run(&calm, 0);
    works_open(&busy, NULL);
    works_run(&busy, LOG);
    ck_assert_uint_eq(busy.log.next, LOG);
    ck_assert_uint_eq(sync_counters(busy.app->sync)->late, LOG);
    ck_assert_uint_eq(busy.run.ticks, calm.run.ticks);
    ck_assert_uint_eq(busy.run.ticks, TICKS);
    ck_assert_mem_eq(busy.run.hashes, calm.run.hashes, sizeof calm.run.hashes);
    ck_assert_mem_eq(busy.run.ran, calm.run.ran, sizeof calm.run.ran);
    ck_assert_mem_eq(busy.run.taken, calm.run.taken, sizeof calm.run.taken);
    ck_assert_uint_eq(busy.app->overruns, 0);
    works_close(&calm);
    works_close(&busy);
}
END_TEST

START_TEST(what_is_live_goes_first_and_a_log_a_few_at_a_time)
{
    Works w;
    works_open(&w, NULL);
    w.live.count = 3;
    w.log.count = LOG;
    app_poll(w.app);
    ck_assert_uint_eq(w.live.next, 3);
    ck_assert_uint_eq(w.log.next, PATIENT);

    // the log connector was added first, and yet the live samples have the lower numbers
    Filed filed;
    ck_assert(sync_file(w.app->sync, &w.past[LOG - 1], &filed));
    ck_assert_uint_eq(filed.seq, 3 + PATIENT + 1);
    ck_assert_uint_eq(sync_counters(w.app->sync)->used, 3);
    works_close(&w);
}
END_TEST

/* A clock that devices carry is not carried by a log. */
START_TEST(a_log_does_not_begin_the_time_of_a_plant)
{
    Works w;
    const FlowPath plant = flow_write("carried.lua", "return plant \"carried\" { step = 1, clock = \"provider\", assets = { tank = { \"tank\" } } }\n");
    works_open(&w, NULL);
    App *app = flow_app(&(AppDef){.plant = plant.text, .quiet = true, .clock = &w.clock});
    Feed log = {.items = w.past, .count = 100, .joined = true};
    ck_assert_int_eq(app_add_connector(app, (Connector){&log_connector, &log}), ERR_OK);
    while (app_poll(app))
        continue;
    ck_assert_uint_eq(log.next, 100);
    ck_assert_int_eq(sync_next_tick(app->sync), TIME_NONE);
    app_destroy(app);
    works_close(&w);
}
END_TEST

START_TEST(a_log_that_comes_twice_is_kept_once_in_the_order_of_its_times)
{
    Works w;
    Record record;
    const FlowPath history = flow_path("twice.db");
    works_open(&w, history.text);
    works_run(&w, 0);
    for (int round = 0; round < 2; round++) {
        w.log.next = 0;
        w.log.count = LOG / 4;
        for (int64_t until = 0; w.log.next < w.log.count && until < 60000; until++) {
            app_poll(w.app);
            flow_sleep(1);  // the writer's time is real
        }
        ck_assert_uint_eq(w.log.next, LOG / 4);
    }
    works_close(&w);

    size_t count;
    record_open(&record, history.text, flow_path("works.lua").text);
    const HistoryPoint *points = record_points(&record, tags_find(record.plant->tags, "tank.gauge"), &count);
    ck_assert_uint_eq(count, LOG / 4 + TICKS);
    for (size_t i = 0; i < count; i++) {
        const int64_t time = i < LOG / 4 ? LOG_BEGIN + (int64_t)i * NS_PER_S / 10 : BEGIN + (int64_t)(i - LOG / 4) * NS_PER_S + NS_PER_S / 4;
        ck_assert_int_eq(points[i].time, time);
    }
    record_close(&record);
}
END_TEST

static void await_answers(Device *device)
{
    for (int round = 0; round < 6000 && (!device_state(device).connected || device_state(device).waiting); round++)
        device_service(device, 10 * NS_PER_MS);
    ck_assert_uint_eq(device_state(device).waiting, 0);
}

/* One sample every 0.1 s from `from` on, up to now. */
static void measure(Device *device, int64_t from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const WireSample sample = {.tag = "tank.gauge", .time = from + (int64_t)i * NS_PER_S / 10, .value = 1};
        ck_assert_int_eq(device_send(device, &sample, 1), ERR_OK);
    }
}

static void send_log_over_the_wire(bool bulk)
{
    static const WireTag tag = {.name = "tank.gauge"};
    ErrText why = {""};
    Record record;
    Device *device;
    flow_write("tank.lua", tank);
    const FlowPath plant = flow_write("works.lua", works), history = flow_path(bulk ? "offline_bulk.db" : "offline.db");
    Child server = CHILD_START("server", "serve", plant.text, "--port", "0", "--history", history.text);
    child_await_port(&server);
    const FlowPath url = child_url(&server);
    const DeviceDef def = {.url = url.text, .name = "well", .tags = &tag, .tag_count = 1, .log = 10000, .bulk = bulk};
    ck_assert_msg(device_open(&def, &device, &why) == ERR_OK, "%s", why.text);

    const int64_t now = clock_system.utc_ns(clock_system.self), began = now - 60 * NS_PER_S;
    measure(device, began, 1);
    await_answers(device);
    device_cut(device, true);
    measure(device, began + NS_PER_S / 10, 599);
    ck_assert(!device_state(device).connected);
    device_cut(device, false);
    while (!device_state(device).connected)
        device_service(device, 10 * NS_PER_MS);
    ck_assert_uint_eq(device_state(device).logged, 599 - DEVICE_LIVE_S * 10 - 1);
    await_answers(device);
    const DeviceState state = device_state(device);
    ck_assert_uint_eq(state.stored, 600);
    ck_assert_uint_eq(state.rejected + state.lost + state.duplicate, 0);
    device_close(device);
    child_stop(&server, SIGTERM);

    size_t count;
    record_open(&record, history.text, plant.text);
    const HistoryPoint *points = record_points(&record, tags_find(record.plant->tags, "tank.gauge"), &count);
    ck_assert_uint_eq(count, 600);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(points[i].time, began + (int64_t)i * NS_PER_S / 10);
    record_close(&record);
}

START_TEST(a_device_that_was_offline_sends_all_it_measured_over_the_real_wire)
{
    send_log_over_the_wire(false);
}
END_TEST

START_TEST(a_log_goes_over_the_real_wire_as_records)
{
    send_log_over_the_wire(true);
}
END_TEST

KIT_MAIN("flow.backfill", a_device_that_was_offline_sends_all_it_measured_over_the_real_wire, a_log_goes_over_the_real_wire_as_records,
         a_log_leaves_every_tick_as_it_was, what_is_live_goes_first_and_a_log_a_few_at_a_time, a_log_does_not_begin_the_time_of_a_plant,
         a_log_that_comes_twice_is_kept_once_in_the_order_of_its_times)
