/* Everything at once, as after an outage: no sample is lost, and how much waited for how long is told. */
#include "flow/feed.h"
#include "flow/flow.h"

enum { TWINS = 500, ROUNDS = 200, SAMPLES = TWINS * ROUNDS };
static const int64_t BEGIN = INT64_C(1700000000) * NS_PER_S;

static const char tank[] =
    "return model \"tank\" {\n"
    "  states = { level = { 1, \"m\", min = 0, noise = 1e-3, sd = 0.1 } },\n"
    "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"m\" } },\n"
    "}\n";

typedef struct Works {
    FakeClock fake;
    Clock clock;
    uint64_t folded, ticks;
} Works;

/* A tick takes two seconds of elapsed time. */
static void note_tick(void *self, const App *app, Batch batch)
{
    Works *w = self;
    (void)app;
    w->folded += batch.count;
    w->ticks++;
    w->clock.sleep_ns(w->clock.self, 2 * NS_PER_S);
}

/* All gauges speak in each round, and all rounds lie in one tick; then time goes on. */
static Arrival *make_burst(const App *app)
{
    Arrival *arrivals = mem_alloc((SAMPLES + 1) * sizeof *arrivals);
    ck_assert_ptr_nonnull(arrivals);
    char name[32];
    for (size_t i = 0; i < SAMPLES; i++) {
        snprintf(name, sizeof name, "tank_%03zu.gauge", i % TWINS + 1);
        const TagId tag = tags_find(app->plant->tags, name);
        ck_assert_uint_ne(tag, TAG_NONE);
        arrivals[i] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = {.time = BEGIN + (int64_t)(i / TWINS), .value = 1, .tag = tag}};
    }
    arrivals[SAMPLES] = (Arrival){.kind = ARRIVAL_TIME, .sample = {.time = BEGIN + NS_PER_S, .tag = TAG_NONE}};
    return arrivals;
}

START_TEST(a_burst_in_one_tick_is_folded_in_whole_and_its_backlog_is_told)
{
    Works w = {.fake = {.utc_ns = BEGIN}};
    w.clock = clock_fake(&w.fake);
    char script[128];
    flow_write("tank.lua", tank);
    snprintf(script, sizeof script, "return plant \"works\" { step = 1, clock = \"provider\", assets = { fleet(\"tank\", %d, \"tank\", {}) } }\n", TWINS);
    const FlowPath plant = flow_write("works.lua", script);
    App *app = flow_app(&(AppDef){.plant = plant.text, .quiet = true, .clock = &w.clock, .ticked = note_tick, .self = &w});
    Arrival *const arrivals = make_burst(app);
    Feed feed = {.items = arrivals, .count = SAMPLES + 1};
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_connector, &feed}), ERR_OK);

    while (app_poll(app))
        ck_assert(app->backlog.since != TIME_NONE);
    ck_assert_uint_eq(w.ticks, 1);
    ck_assert_uint_eq(w.folded, SAMPLES);
    ck_assert_uint_eq(sync_counters(app->sync)->used, SAMPLES);
    ck_assert_uint_eq(sync_counters(app->sync)->dropped, 0);
    ck_assert_uint_eq(app->backlog.longest_samples, SAMPLES);
    ck_assert_int_eq(app->backlog.longest_ns, 2 * NS_PER_S);
    ck_assert_int_eq(app->backlog.since, TIME_NONE);
    ck_assert_uint_eq(app->backlog.samples, 0);
    app_destroy(app);
    mem_free(arrivals);
}
END_TEST

KIT_MAIN("flow.burst", a_burst_in_one_tick_is_folded_in_whole_and_its_backlog_is_told)
