/* A plant that lives by the time of day: when ticks run, how long they wait for their samples, and what a pause costs. */
#include "flow/feed.h"
#include "flow/flow.h"

static const char tank[] =
    "return model \"tank\" {\n"
    "  states = { level = { 1, \"m\", min = 0, noise = 1e-3, sd = 0.1 } },\n"
    "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 } },\n"
    "  divergence = { settle = 60, whiteness = 1, false_alarm_days = 30 },\n"
    "}\n";

static const char works[] = "return plant \"works\" { step = 1, clock = \"utc\", wait = 0.5, assets = { tank = { \"tank\" } } }\n";

enum { TICKS_MAX = 64 };
static const int64_t BEGIN = INT64_C(1700000000) * NS_PER_S;
static const int64_t STEP = NS_PER_S, WAIT = NS_PER_S / 2;

/* An App on a clock that is turned by hand, and when each of its ticks ran. */
typedef struct Works {
    FakeClock fake;
    Clock clock;
    Feed feed;
    Arrival arrivals[8];
    App *app;
    int64_t ends[TICKS_MAX], ran[TICKS_MAX];
    size_t ticks;
} Works;

static void note_tick(void *self, const App *app, Batch batch)
{
    (void)batch;
    Works *w = self;
    ck_assert_uint_lt(w->ticks, TICKS_MAX);
    w->ends[w->ticks] = app->now;
    w->ran[w->ticks++] = app_utc(app);
}

static void works_open(Works *w, double speed)
{
    *w = (Works){.fake = {.utc_ns = BEGIN}};
    w->clock = clock_fake(&w->fake);
    w->feed = (Feed){.items = w->arrivals};
    flow_write("tank.lua", tank);
    const FlowPath plant = flow_write("works.lua", works);
    w->app = flow_app(&(AppDef){.plant = plant.text, .quiet = true, .clock = &w->clock, .speed = speed, .ticked = note_tick, .self = w});
    ck_assert_int_eq(app_add_connector(w->app, (Connector){&feed_connector, &w->feed}), ERR_OK);
}

static void works_sleep(Works *w, int64_t duration)
{
    w->clock.sleep_ns(w->clock.self, duration);
}

/* A sample of the gauge comes. */
static void works_sample(Works *w, int64_t time)
{
    w->arrivals[w->feed.count++] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = {.time = time, .value = 1, .tag = tags_find(w->app->plant->tags, "tank.gauge")}};
}

START_TEST(a_tick_runs_when_its_wait_is_over_and_not_before)
{
    Works w;
    works_open(&w, 1);
    for (int i = 0; i < 100; i++) {
        app_poll(w.app);
        works_sleep(&w, NS_PER_S / 10);
    }
    ck_assert_uint_eq(w.ticks, 9);
    for (size_t i = 0; i < w.ticks; i++) {
        ck_assert_int_eq(w.ends[i], BEGIN + (int64_t)(i + 1) * STEP);
        ck_assert_int_eq(w.ran[i], w.ends[i] + WAIT);
    }
    ck_assert_uint_eq(w.app->overruns, 0);
    app_destroy(w.app);
}
END_TEST

START_TEST(who_sleeps_as_long_as_patience_says_wakes_for_every_tick)
{
    Works w;
    works_open(&w, 1);
    for (size_t i = 1; i <= 5; i++) {
        ck_assert_int_eq(app_patience(w.app, NS_PER_MS), NS_PER_MS);
        works_sleep(&w, app_patience(w.app, 3600 * NS_PER_S));
        app_poll(w.app);
        ck_assert_uint_eq(w.ticks, i);
    }
    app_destroy(w.app);
}
END_TEST

START_TEST(a_sample_is_used_in_time_and_within_the_window_and_late_behind_it)
{
    Works w;
    works_open(&w, 1);
    const SyncCounters *counters = sync_counters(w.app->sync);

    // measured within the first tick, and here just before the wait is over
    works_sleep(&w, STEP + WAIT - 1);
    works_sample(&w, BEGIN + STEP / 4);
    app_poll(w.app);
    ck_assert_uint_eq(w.ticks, 0);
    ck_assert_uint_eq(counters->used, 1);

    // from the same second, and one instant later: the tick has run
    works_sleep(&w, 1);
    app_poll(w.app);
    ck_assert_uint_eq(w.ticks, 1);
    works_sample(&w, BEGIN + STEP / 2);
    app_poll(w.app);
    ck_assert_uint_eq(counters->used, 2);
    ck_assert_uint_eq(sync_rewinds(w.app->sync)->amended, 0);  // before the next tick, and not at once
    works_sleep(&w, STEP);
    app_poll(w.app);
    ck_assert_uint_eq(w.ticks, 2);
    ck_assert_uint_eq(sync_rewinds(w.app->sync)->amended, 1);

    // the window is 30 s
    works_sleep(&w, 30 * NS_PER_S - STEP);
    app_poll(w.app);
    works_sample(&w, BEGIN + STEP - 1);
    app_poll(w.app);
    ck_assert_uint_eq(counters->used, 2);
    ck_assert_uint_eq(counters->late, 1);
    app_destroy(w.app);
}
END_TEST

START_TEST(a_sample_far_ahead_of_the_day_is_refused_and_moves_nothing)
{
    Works w;
    works_open(&w, 1);
    app_poll(w.app);
    works_sample(&w, BEGIN + 3600 * NS_PER_S);
    app_poll(w.app);
    ck_assert_uint_eq(sync_counters(w.app->sync)->future, 1);
    ck_assert_uint_eq(w.ticks, 0);
    app_destroy(w.app);
}
END_TEST

START_TEST(a_pause_is_caught_up_tick_by_tick_and_counted)
{
    Works w;
    works_open(&w, 1);
    works_sleep(&w, STEP + WAIT);
    app_poll(w.app);
    ck_assert_uint_eq(w.ticks, 1);
    works_sleep(&w, 10 * STEP);
    app_poll(w.app);
    ck_assert_uint_eq(w.ticks, 11);
    for (size_t i = 0; i < w.ticks; i++)
        ck_assert_int_eq(w.ends[i], BEGIN + (int64_t)(i + 1) * STEP);

    // of the ten that came due together the last is in time, and the one before it ends just when its successor does
    ck_assert_uint_eq(w.app->overruns, 8);
    works_sleep(&w, STEP);
    app_poll(w.app);
    ck_assert_uint_eq(w.ticks, 12);
    ck_assert_uint_eq(w.app->overruns, 8);
    app_destroy(w.app);
}
END_TEST

START_TEST(the_day_being_set_back_lets_no_tick_run_twice)
{
    Works w;
    works_open(&w, 1);
    works_sleep(&w, 3 * STEP + WAIT);
    app_poll(w.app);
    ck_assert_uint_eq(w.ticks, 3);
    w.fake.utc_ns -= 2 * STEP;
    app_poll(w.app);
    ck_assert_uint_eq(w.ticks, 3);
    works_sleep(&w, 3 * STEP);
    app_poll(w.app);
    ck_assert_uint_eq(w.ticks, 4);
    ck_assert_int_eq(w.ends[3], BEGIN + 4 * STEP);
    app_destroy(w.app);
}
END_TEST

START_TEST(at_ten_times_the_speed_ten_times_the_ticks_run)
{
    Works w;
    works_open(&w, 10);
    for (int i = 0; i < 40; i++) {
        works_sleep(&w, NS_PER_S / 20);
        app_poll(w.app);
    }
    // two seconds are twenty of the plant; the last tick still waits
    ck_assert_uint_eq(w.ticks, 19);
    ck_assert_int_eq(app_utc(w.app), BEGIN + 20 * STEP);
    ck_assert_int_le(app_patience(w.app, NS_PER_S), NS_PER_S / 20);
    ck_assert_uint_eq(w.app->overruns, 0);
    app_destroy(w.app);
}
END_TEST

KIT_MAIN("flow.clock", a_tick_runs_when_its_wait_is_over_and_not_before, who_sleeps_as_long_as_patience_says_wakes_for_every_tick,
         a_sample_is_used_in_time_and_within_the_window_and_late_behind_it, a_sample_far_ahead_of_the_day_is_refused_and_moves_nothing, a_pause_is_caught_up_tick_by_tick_and_counted,
         the_day_being_set_back_lets_no_tick_run_twice, at_ten_times_the_speed_ten_times_the_ticks_run)
