/* test_broker.c -- an engine beside a broker that is killed and started again: it ticks on, the gap is known, and samples and commands find their way again. */
#include "connectors/mosquitto.h"

#include <time.h>

#include "app/app.h"
#include "flow/flow.h"

enum { STEP_MS = 100, KILLS = 2 };

static const char model[] = "return model \"still\" { states = { level = { 30, \"cm\", sd = 1, noise = 0.1 } },\n"
                            "  equations = function(t) t.level.rate = 0 * t.level / quantity(1, \"s\") end,\n"
                            "  sensors = { gauge = { of = \"level\", noise = 0.3, unit = \"cm\" } }, actuators = { valve = { 0, \"1\", min = 0, max = 1 } } }\n";
static const char plant[] = "return plant \"works\" { step = 0.1, wait = 0.05, lag = 0, assets = { tank = { \"still\" } },\n"
                            "  connectors = { line = { \"mqtt\", url = \"%s\", retry = 0.05, retry_most = 0.2 } },\n"
                            "  bind = { [\"tank.gauge\"] = { \"line\", topic = \"works/level\", unit = \"cm\" }, [\"tank.valve\"] = { \"line\", topic = \"works/valve\" } } }\n";

/* What the ticks cost, and how late they were. */
typedef struct Ticks {
    uint64_t count;
    double most_work, latest;  // s: of the processor in one poll; behind its end and the plant's wait
} Ticks;

static Ticks ticks;
static App *app;
static BrokerProcess broker;
static Witness witness;

static void note_tick(void *self, const App *ticked, Batch batch)
{
    (void)self, (void)batch;
    const double lateness = (double)(app_utc(ticked) - ticked->now - ticked->plant->wait_ns) / 1e9;
    ticks.count++;
    ticks.latest = lateness > ticks.latest ? lateness : ticks.latest;
}

static double worked(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void turn(void)
{
    const double before = worked();
    const bool busy = app_poll(app);
    const double work = worked() - before;
    ticks.most_work = work > ticks.most_work ? work : ticks.most_work;
    if (!busy)
        broker_nap();
}

static ExchangeState state(void)
{
    return ways_state(app->ways, 0).exchange;
}

#define TURN_UNTIL(fact)                                            \
    for (const int64_t until = broker_until(); !(fact); turn())     \
    ck_assert_msg(!broker_is_late(until), "never: %s; %s", #fact, state().fault)

static void say_level(void)
{
    mosquitto_publish(witness.client, NULL, "works/level", 2, "30", 0, false);
}

/* Samples and ticks, for as long as some ticks take. */
static void stream(uint64_t count)
{
    for (const uint64_t end = ticks.count + count; ticks.count < end; turn())
        say_level();
}

START_TEST(the_engine_ticks_on_while_the_broker_is_gone)
{
    char script[1024];
    broker = broker_open("allow_anonymous true");
    witness_open(&witness, &broker, "works/valve");
    snprintf(script, sizeof script, plant, broker.url);
    flow_write("still.lua", model);
    const FlowPath path = flow_write("works.lua", script);
    app = flow_app(&(AppDef){.plant = path.text, .quiet = true, .connects = true, .ticked = note_tick});
    TURN_UNTIL(state().connected);
    stream(5);
    TURN_UNTIL(state().samples > 0);
    ticks.most_work = ticks.latest = 0;

    for (int i = 0; i < KILLS; i++) {
        broker_kill(&broker);
        TURN_UNTIL(!state().connected);
        const uint64_t began = ticks.count;
        ck_assert_uint_eq(state().stale, 1);
        TURN_UNTIL(ticks.count >= began + 5);
        broker_start(&broker);
        TURN_UNTIL(state().connected);
        witness_await(&witness);
        const uint64_t before = state().samples;
        stream(5);
        TURN_UNTIL(state().samples > before && state().stale == 0);
    }
    printf("%llu ticks: at most %.2f ms of work in one poll, the latest %.1f ms behind its time\n", (unsigned long long)ticks.count, 1e3 * ticks.most_work, 1e3 * ticks.latest);
    // how late a tick was is the machine's affair too; that it did nothing for as long is ours
    ck_assert_double_lt(ticks.most_work, STEP_MS / 1e3);
    app_destroy(app);
    witness_close(&witness);
    broker_close(&broker);
}
END_TEST

KIT_MAIN("flow.broker", the_engine_ticks_on_while_the_broker_is_gone)
