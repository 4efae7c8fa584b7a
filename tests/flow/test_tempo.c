/* A plant whose devices carry its time can be held, gone through tick by tick and slowed down, and what comes of it stays the same. */
#include "flow/feed.h"
#include "flow/flow.h"

static const char tank[] =
    "return model \"tank\" {\n"
    "  states = { level = { 1, \"m\", min = 0, noise = 1e-3, sd = 0.1 } },\n"
    "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\" } },\n"
    "}\n";

static const char works[] = "return plant \"works\" { step = 1, clock = \"provider\", assets = { tank = { \"tank\" } } }\n";

enum { SECONDS = 40 };
static const int64_t BEGIN = INT64_C(1700000000) * NS_PER_S;

typedef struct Works {
    FakeClock fake;
    Clock clock;
    Feed feed;
    Arrival arrivals[SECONDS + 1];
    App *app;
} Works;

/* All of the samples have come already: nothing but the tempo holds the ticks up. */
static void works_open(Works *w)
{
    *w = (Works){.fake = {.utc_ns = BEGIN}};
    w->clock = clock_fake(&w->fake);
    flow_write("tank.lua", tank);
    const FlowPath plant = flow_write("works.lua", works);
    w->app = flow_app(&(AppDef){.plant = plant.text, .quiet = true, .clock = &w->clock});
    const TagId gauge = tags_find(w->app->plant->tags, "tank.gauge");
    w->arrivals[0] = (Arrival){.kind = ARRIVAL_JOINED};
    for (int i = 0; i < SECONDS; i++)
        w->arrivals[i + 1] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = {.time = BEGIN + i * NS_PER_S + NS_PER_S / 2, .value = 1 + 0.01 * (i % 7), .tag = gauge}};
    w->feed = (Feed){.items = w->arrivals, .count = SECONDS + 1};
    ck_assert_int_eq(app_add_connector(w->app, (Connector){&feed_connector, &w->feed}), ERR_OK);
}

static void works_live(Works *w, double seconds)
{
    for (int64_t end = w->clock.elapsed_ns(w->clock.self) + (int64_t)(seconds * 1e9); w->clock.elapsed_ns(w->clock.self) < end;) {
        while (app_poll(w->app))
            continue;
        w->clock.sleep_ns(w->clock.self, NS_PER_S / 100);
    }
}

START_TEST(held_it_runs_the_ticks_that_are_asked_for_and_no_other)
{
    Works w;
    works_open(&w);
    w.app->tempo = (Tempo){.paused = true};
    works_live(&w, 5);
    ck_assert_uint_eq(w.app->ticks, 0);
    w.app->tempo.steps = 3;
    works_live(&w, 5);
    ck_assert_uint_eq(w.app->ticks, 3);
    ck_assert_uint_eq(w.app->tempo.steps, 0);
    app_destroy(w.app);
}
END_TEST

START_TEST(slowed_down_a_tick_takes_its_time)
{
    Works w;
    works_open(&w);
    w.app->tempo = (Tempo){.speed = 2};
    works_live(&w, 5);
    ck_assert_uint_ge(w.app->ticks, 10);
    ck_assert_uint_le(w.app->ticks, 11);
    w.app->tempo = (Tempo){0};
    works_live(&w, 0.1);
    ck_assert_uint_eq(w.app->ticks, SECONDS - 1);
    app_destroy(w.app);
}
END_TEST

START_TEST(what_was_held_ends_in_the_same_bits)
{
    Works held, free;
    works_open(&free);
    works_live(&free, 0.1);
    works_open(&held);
    held.app->tempo = (Tempo){.paused = true, .steps = 5};
    works_live(&held, 1);
    held.app->tempo = (Tempo){.speed = 10};
    works_live(&held, 1);
    held.app->tempo = (Tempo){0};
    works_live(&held, 0.1);
    ck_assert_uint_eq(held.app->ticks, free.app->ticks);
    ck_assert_uint_eq(plant_hash(held.app->plant), plant_hash(free.app->plant));
    app_destroy(held.app);
    app_destroy(free.app);
}
END_TEST

KIT_MAIN("flow.tempo", held_it_runs_the_ticks_that_are_asked_for_and_no_other, slowed_down_a_tick_takes_its_time, what_was_held_ends_in_the_same_bits)
