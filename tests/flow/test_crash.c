/* kill -9 in the middle, with the real program: what a device was told is stored is there, and the estimates come out as if nothing had happened.
 *
 * Half of the samples come behind their tick, so twins go back and on again all the time.
 *
 * POLLUX_CRASH_ROUNDS rounds (3), of the seed POLLUX_CRASH_SEED (the time); scripts/crash runs many. */
#include "flow/rig.h"

enum {
    KILLS_MAX = 2,
    SAMPLES_MAX = 16384,
    SNAPSHOT_MS = 5500,  // a server has written a snapshot by then
};

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

// What the device says, and when.

typedef struct Delivered {
    Sample sample;
    int64_t arrives;
} Delivered;

static int by_arrival(const void *a, const void *b)
{
    const Delivered *x = a, *y = b;
    return (x->arrives > y->arrives) - (x->arrives < y->arrives);
}

static int by_time(const void *a, const void *b)
{
    const Sample *x = a, *y = b;
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : (x->tag > y->tag) - (x->tag < y->tag);
}

/* The network keeps every sample for some seconds, in every run for the same: half of them come behind their tick. */
static void delay_samples(Rig *rig)
{
    static Delivered delivered[SAMPLES_MAX];
    static Sample arrived[SAMPLES_MAX];
    ck_assert_uint_le(rig->count, SAMPLES_MAX);
    for (size_t i = 0; i < rig->count; i++) {
        const double delay = i ? fmin(-4 * log(1 - random_uniform(4, 0, i)), 25) : 0;  // with the first one the plant's time begins
        delivered[i] = (Delivered){rig->samples[i], rig->samples[i].time + (int64_t)(delay * 1e9)};
    }
    qsort(delivered, rig->count, sizeof *delivered, by_arrival);
    for (size_t i = 0; i < rig->count; i++)
        arrived[i] = delivered[i].sample;
    rig->samples = arrived;
}

/* The first of the samples, as they were sent, are in the history. */
static void assert_sent_kept(Record *record, const Rig *rig, size_t count)
{
    static Sample sorted[SAMPLES_MAX];
    memcpy(sorted, rig->samples, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_time);
    assert_samples_kept(record, sorted, count);
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
    assert_sent_kept(&record, rig, stored);
    record_close(&record);
    start_server(rig, port);
    ck_assert_int_eq(rig->server.port, port);
    return stored;
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
    delay_samples(&rig);
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
    delay_samples(&whole_rig);
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
