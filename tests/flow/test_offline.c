/* A device that was offline, and back with its log: within the plant's window everything is as if it had never been away; beyond it, as if it had
 * measured nothing there. */
#include "flow/feed.h"
#include "flow/flow.h"

static const char tank[] =
    "return model \"tank\" {\n"
    "  states = { level = { 1, \"m\", min = 0, noise = 0.1, sd = 0.1 } },\n"
    "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 } },\n"
    "  alarms = { full = { high = { \"level\", 1.2 }, hysteresis = 0.05, hold = 2 }, low = { low = { \"level\", 0.9 } } },\n"
    "}\n";

static const char works[] = "return plant \"works\" { step = 1, clock = \"utc\", wait = 0.5, lag = 60, assets = { here = { \"tank\" }, away = { \"tank\" } } }\n";

enum { SECONDS = 300, OFF = 60, WINDOW = 60, POLLS = 4 };
static const int64_t BEGIN = INT64_C(1700000000) * NS_PER_S;
static const ConnectorType log_connector = {.name = "log", .is_patient = true, .poll = feed_poll, .stored = feed_stored};

typedef struct Works {
    FakeClock fake;
    Clock clock;
    Arrival live_items[2 * SECONDS], log_items[SECONDS];
    size_t live_until[SECONDS];  // by second: how many of them have been sent
    Feed live, log;
    App *app;
    uint64_t hash;
    SyncCounters counters;
} Works;

/* Up and down by 0.3 m in 50 s, the tanks against each other. */
static Sample measured(const Works *w, const char *tag, int second)
{
    const double phase = strcmp(tag, "away.gauge") == 0 ? 2 : 0;
    return (Sample){.time = BEGIN + second * NS_PER_S + NS_PER_S / 4, .value = 1.05 + 0.3 * sin(second * 0.1257 + phase), .tag = tags_find(w->app->plant->tags, tag)};
}

/* One device is away from OFF on for `away` seconds; the first `lost` samples of these nobody ever has. It keeps the others and sends them later, or live
 * where `dutiful`. */
static void schedule(Works *w, int away, size_t lost, bool dutiful)
{
    for (int second = 0; second < SECONDS; second++) {
        const bool is_away = second >= OFF && second < OFF + away;
        const Sample sample = measured(w, "away.gauge", second);
        w->live_items[w->live.count++] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = measured(w, "here.gauge", second)};
        if (!is_away || (dutiful && second >= OFF + (int)lost))
            w->live_items[w->live.count++] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = sample};
        else if (!dutiful)
            w->log_items[w->log.count++] = (Arrival){.kind = ARRIVAL_SAMPLE, .historical = true, .sample = sample};
        w->live_until[second] = w->live.count;
    }
}

static void run(Works *w, int away)
{
    const size_t logged = w->log.count;
    w->log.count = 0;
    for (int quarter = 0; quarter < (SECONDS + 2) * 4; quarter++) {
        const int second = quarter / 4;
        w->live.count = second < SECONDS ? w->live_until[quarter % 4 ? second : second ? second - 1 : 0] : w->live_until[SECONDS - 1];
        w->log.count = second >= OFF + away ? logged : 0;
        for (int i = 0; i < POLLS; i++)
            app_poll(w->app);
        w->clock.sleep_ns(w->clock.self, NS_PER_S / 4);
    }
}

static void play(Works *w, const char *history, int away, size_t lost, bool dutiful)
{
    *w = (Works){.fake = {.utc_ns = BEGIN}};
    w->clock = clock_fake(&w->fake);
    w->live = (Feed){.items = w->live_items};
    w->log = (Feed){.items = w->log_items, .joined = true};
    flow_write("tank.lua", tank);
    const FlowPath plant = flow_write("works.lua", works);
    w->app = flow_app(&(AppDef){.plant = plant.text, .history = history, .quiet = true, .clock = &w->clock});
    ck_assert_int_eq(app_add_connector(w->app, (Connector){&log_connector, &w->log}), ERR_OK);
    ck_assert_int_eq(app_add_connector(w->app, (Connector){&feed_connector, &w->live}), ERR_OK);
    schedule(w, away, lost, dutiful);
    run(w, away);
    w->hash = plant_hash(w->app->plant);
    w->counters = *sync_counters(w->app->sync);
    app_destroy(w->app);
}

static int by_episode(const void *a, const void *b)
{
    const HistoryAlarm *x = a, *y = b;
    const int twin = strcmp(x->twin, y->twin), name = strcmp(x->alarm.name, y->alarm.name);
    return twin ? twin : name ? name : (x->alarm.raised > y->alarm.raised) - (x->alarm.raised < y->alarm.raised);
}

/* What was, without what never was; returns how many of those there are. */
static size_t keep_episodes(Record *record)
{
    size_t count = 0;
    const size_t all = record->alarm_count;
    for (size_t i = 0; i < all; i++)
        if (record->alarms[i].alarm.returned != record->alarms[i].alarm.raised)
            record->alarms[count++] = record->alarms[i];
    record->alarm_count = count;
    qsort(record->alarms, count, sizeof *record->alarms, by_episode);
    return all - count;
}

static void assert_same_episodes(const Record *a, const Record *b)
{
    ck_assert_uint_eq(a->alarm_count, b->alarm_count);
    for (size_t i = 0; i < a->alarm_count; i++) {
        ck_assert_str_eq(a->alarms[i].twin, b->alarms[i].twin);
        ck_assert_str_eq(a->alarms[i].alarm.name, b->alarms[i].alarm.name);
        ck_assert_int_eq(a->alarms[i].alarm.raised, b->alarms[i].alarm.raised);
        ck_assert_int_eq(a->alarms[i].alarm.returned, b->alarms[i].alarm.returned);
        ck_assert_int_eq(a->alarms[i].alarm.state, b->alarms[i].alarm.state);
    }
}

/* Away for so long, and back; beside a run in which it was there but for the first `lost` seconds. */
static void compare(int away, size_t lost, size_t taken_back)
{
    static Works back, there;
    const FlowPath one = flow_path("back.db"), other = flow_path("there.db");
    Record record, reference;
    play(&back, one.text, away, 0, false);
    play(&there, other.text, away, lost, true);
    ck_assert_uint_eq(back.log.next, (size_t)away);
    ck_assert_uint_eq(back.counters.late, lost);
    ck_assert_uint_eq(there.counters.late, 0);
    ck_assert_uint_eq(back.counters.used, there.counters.used);
    ck_assert_uint_eq(back.hash, there.hash);

    const FlowPath plant = flow_path("works.lua");
    record_open(&record, one.text, plant.text);
    record_open(&reference, other.text, plant.text);
    assert_same_estimates(&record, &reference, true);
    ck_assert_uint_eq(keep_episodes(&reference), 0);
    ck_assert_uint_eq(keep_episodes(&record), taken_back);
    ck_assert_uint_gt(record.alarm_count, 8);
    assert_same_episodes(&record, &reference);
    record_close(&record);
    record_close(&reference);
}

/* People were told that it is silent, which is taken back. */
START_TEST(within_the_window_it_is_as_if_it_had_never_been_away)
{
    compare(40, 0, 1);
}
END_TEST

/* When it is back the tick of the second before is the next to run, and the window reaches back from there. */
START_TEST(beyond_the_window_it_is_as_if_it_had_measured_nothing_there)
{
    compare(130, 130 - 1 - WINDOW, 0);
}
END_TEST

KIT_MAIN("flow.offline", within_the_window_it_is_as_if_it_had_never_been_away, beyond_the_window_it_is_as_if_it_had_measured_nothing_there)
