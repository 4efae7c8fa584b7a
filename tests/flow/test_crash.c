/* kill -9 in the middle, with the real program: what a device was told is stored is there, and the estimates come out as if nothing had happened.
 *
 * POLLUX_CRASH_ROUNDS rounds (3), of the seed POLLUX_CRASH_SEED (the time); scripts/crash runs many. */
#include "flow/flow.h"

#include "connectors/websocket/device.h"

enum {
    TAGS_MAX = 32,
    PORTION_MAX = 40,  // samples between two looks at the socket
    KILLS_MAX = 2,
    PATIENCE_MS = 60000,
    SNAPSHOT_MS = 5500,  // a server has written a snapshot by then
};

/* The device, its tape, and the server that it speaks with. */
typedef struct Rig {
    Plant *plant;
    Tape *tape;
    const Sample *samples;
    size_t count, sent;
    WireTag tags[TAGS_MAX];
    TagName names[256];  // by TagId
    size_t tag_count;
    Device *device;
    Child server;
    FlowPath history;
    uint64_t seed, draws;
} Rig;

static uint64_t draw(Rig *rig, uint64_t below)
{
    return (uint64_t)((double)below * random_uniform(rig->seed, 0, rig->draws++));
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

// The device.

static const char *obey(void *self, uint64_t id, const char *tag, double value, const char *reason)
{
    (void)self, (void)id, (void)tag, (void)value, (void)reason;
    return NULL;
}

static void connect_device(Rig *rig)
{
    static const char *const actuators[] = {"incubator.heater_enable"};
    ErrText why = {""};
    const FlowPath url = child_url(&rig->server);
    for (TagId tag = 0; tag < tags_count(rig->plant->tags); tag++) {
        rig->names[tag] = tags_name(rig->plant->tags, tag);
        if (tags_get(rig->plant->tags, tag).role == TAG_SAMPLED)
            rig->tags[rig->tag_count++] = (WireTag){.name = rig->names[tag].text, .unit = "K"};
    }
    for (size_t i = 0; i < rig->tag_count; i++)
        if (strcmp(rig->tags[i].name, "incubator.heater_on") == 0)
            rig->tags[i].unit = "1";
    const DeviceDef def = {.url = url.text, .name = "rig", .tags = rig->tags, .tag_count = rig->tag_count, .actuators = actuators, .actuator_count = 1, .command = obey};
    ck_assert_msg(device_open(&def, &rig->device, &why) == ERR_OK, "%s", why.text);
}

/* Queue some samples. Values go in SI: nothing is converted, no bit is lost. */
static void send_portion(Rig *rig, size_t until)
{
    WireSample out[PORTION_MAX];
    size_t portion = 1 + draw(rig, PORTION_MAX);
    portion = portion < until - rig->sent ? portion : until - rig->sent;
    for (size_t i = 0; i < portion; i++) {
        const Sample *sample = &rig->samples[rig->sent + i];
        out[i] = (WireSample){.tag = rig->names[sample->tag].text, .time = sample->time, .value = sample->value};
    }
    ck_assert_int_eq(device_send(rig->device, out, portion), ERR_OK);
    rig->sent += portion;
}

static void serve_device_for(Rig *rig, int64_t ms)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + ms * NS_PER_MS;
    do
        device_service(rig->device, NS_PER_MS);
    while (clock_system.elapsed_ns(clock_system.self) < until);
}

/* Until everything that was queued has its answer. */
static void await_answers(Rig *rig)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + PATIENCE_MS * NS_PER_MS;
    while (device_state(rig->device).waiting && clock_system.elapsed_ns(clock_system.self) < until)
        device_service(rig->device, 5 * NS_PER_MS);
    const DeviceState state = device_state(rig->device);
    ck_assert_msg(state.waiting == 0 && state.rejected == 0, "%zu samples have no answer, %llu were rejected", state.waiting, (unsigned long long)state.rejected);
}

// The server.

static void start_server(Rig *rig, int port)
{
    char text[16];
    snprintf(text, sizeof text, "%d", port);
    rig->server = CHILD_START("server", "serve", FLOW_PLANT, "--port", text, "--history", rig->history.text);
    child_await_port(&rig->server);
}

/* kill -9, look at what is left, start again at the same place. Returns how many samples had been acknowledged. */
static uint64_t crash(Rig *rig)
{
    Record record;
    const int port = rig->server.port;
    child_kill(&rig->server);
    serve_device_for(rig, 5);  // answers that were on their way count
    const uint64_t stored = device_state(rig->device).stored;
    printf("  killed behind sample %zu of %zu; %llu were acknowledged\n", rig->sent, rig->count, (unsigned long long)stored);
    fflush(stdout);
    record_open(&record, rig->history.text, FLOW_PLANT);
    assert_samples_kept(&record, rig->samples, stored);
    record_close(&record);
    start_server(rig, port);
    ck_assert_int_eq(rig->server.port, port);
    return stored;
}

static void rig_open(Rig *rig, const char *tape, const char *history, uint64_t seed)
{
    ErrText why = {""};
    *rig = (Rig){.history = flow_path(history), .seed = seed};
    ck_assert_msg(plant_load(FLOW_PLANT, 1, &rig->plant, &why) == ERR_OK, "%s", why.text);
    rig->tape = flow_open_tape(tape, rig->plant);
    rig->samples = tape_samples(rig->tape, &rig->count);
    start_server(rig, 0);
    connect_device(rig);
}

/* Send what is left, end the server in order. */
static void rig_finish(Rig *rig)
{
    while (rig->sent < rig->count) {
        send_portion(rig, rig->count);
        device_service(rig->device, 0);
    }
    await_answers(rig);
    child_stop(&rig->server, SIGTERM);
    device_close(rig->device);
    tape_close(rig->tape);
    plant_destroy(rig->plant);
}

// Rounds.

/* Send up to a random place, on the way with a pause of `pause_ms`. */
static void send_some(Rig *rig, int64_t pause_ms)
{
    const size_t until = rig->sent + 1 + draw(rig, rig->count - rig->sent), pause = rig->sent + draw(rig, until - rig->sent);
    while (rig->sent < until) {
        const bool before = rig->sent <= pause;
        send_portion(rig, until);
        serve_device_for(rig, before && rig->sent > pause ? pause_ms : (int64_t)draw(rig, 12));
    }
}

/* One or two crashes at random places; every third round long enough that a snapshot lies before the first. Returns how many samples had
 * been acknowledged at the last. */
static uint64_t play_round(const char *tape, const char *history, uint64_t seed, uint64_t round)
{
    Rig rig;
    uint64_t stored = 0;
    rig_open(&rig, tape, history, seed + round);
    const size_t kills = 1 + draw(&rig, KILLS_MAX);
    for (size_t kill = 0; kill < kills; kill++) {
        send_some(&rig, kill == 0 && round % 3 == 2 ? SNAPSHOT_MS : 0);
        stored = crash(&rig);
        // the device comes back by itself; or it has not yet when the next samples are there
        for (bool waits = draw(&rig, 2); waits && !device_state(rig.device).connected;)
            serve_device_for(&rig, 50);
    }
    rig_finish(&rig);
    return stored;
}

static void assert_round(const char *history, Record *whole)
{
    Record record;
    const FlowPath path = flow_path(history);
    record_open(&record, path.text, FLOW_PLANT);
    assert_same_estimates(whole, &record, true);
    assert_same_alarms(whole, &record);
    for (size_t i = 0; i < record.command_count; i++)
        ck_assert(command_has_ended(&record.commands[i].command) || i + 1 == record.command_count);
    record_close(&record);
}

START_TEST(nothing_acknowledged_is_lost_by_kill_9_and_no_bit_of_the_estimates_changes)
{
    const uint64_t rounds = from_environment("POLLUX_CRASH_ROUNDS", 3), seed = from_environment("POLLUX_CRASH_SEED", (uint64_t)clock_system.utc_ns(NULL) % 1000000000);
    const FlowPath tape = flow_tape(), whole_path = flow_path("whole.db");
    Rig whole_rig;
    Record whole;
    rig_open(&whole_rig, tape.text, "whole.db", 0);
    rig_finish(&whole_rig);
    record_open(&whole, whole_path.text, FLOW_PLANT);
    ck_assert_uint_ge(whole.alarm_count, 1);

    uint64_t stored = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        char history[32];
        printf("round %llu of %llu (POLLUX_CRASH_SEED=%llu)\n", (unsigned long long)round + 1, (unsigned long long)rounds, (unsigned long long)seed);
        fflush(stdout);
        snprintf(history, sizeof history, "round%llu.db", (unsigned long long)round % 3);
        unlink(flow_path(history).text);
        stored += play_round(tape.text, history, seed, round);
        assert_round(history, &whole);
    }
    ck_assert_msg(stored > 0, "no crash came behind an answer: nothing was tested");
    record_close(&whole);
}
END_TEST

KIT_MAIN("flow.crash", nothing_acknowledged_is_lost_by_kill_9_and_no_bit_of_the_estimates_changes)
