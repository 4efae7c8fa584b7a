/* The lid recording as networks deliver it: every thermometer's samples with their own times, each late by some seconds. Where the recordings are not at hand, an emulated
 * one stands in, and says so. */
#include "flow/feed.h"
#include "flow/flow.h"

enum { TICKS_MAX = 8192, SAMPLES_MAX = 8192 };

static const double MEAN_DELAY_S = 4, DELAY_MAX_S = 29;  // the plant's window is 30 s

/* The samples in the order in which they arrive, and what came of them. */
typedef struct Trip {
    const Plant *plant;
    Arrival arrivals[SAMPLES_MAX];
    Feed feed;
    size_t unordered;             // came behind a newer one
    uint64_t hashes[TICKS_MAX];   // by tick, at its end
    bool complete[TICKS_MAX];     // all samples up to there had arrived
    int64_t complete_until[SAMPLES_MAX + 1];  // when the first n have arrived: nothing before this time is missing
    int64_t first;
    size_t ticks;
    uint64_t last_hash;
    SyncRewinds rewinds;
    SyncCounters counters;
} Trip;

typedef struct Delivered {
    Sample sample;
    int64_t arrives;
} Delivered;

static int by_arrival(const void *a, const void *b)
{
    const Delivered *x = a, *y = b;
    return (x->arrives > y->arrives) - (x->arrives < y->arrives);
}

/* Exponential, cut where the window ends: one sample in 1,400. */
static int64_t delay_of(uint64_t seed, size_t i)
{
    const double delay = -MEAN_DELAY_S * log(1 - random_uniform(seed, 0, i));
    return (int64_t)(fmin(delay, DELAY_MAX_S) * 1e9);
}

/* The oldest time that is still missing after each arrival, from behind. */
static void find_complete(Trip *trip, size_t count)
{
    trip->complete_until[count] = INT64_MAX;
    for (size_t i = count; i-- > 0;) {
        const int64_t time = trip->arrivals[i].sample.time;
        trip->complete_until[i] = time < trip->complete_until[i + 1] ? time : trip->complete_until[i + 1];
    }
}

/* The whole recording, with delays of this seed, or none for 0. */
static void make_trip(Trip *trip, const char *tape_path, const Plant *plant, uint64_t seed)
{
    static Delivered delivered[SAMPLES_MAX];
    Tape *tape = flow_open_tape(tape_path, plant);
    size_t count;
    const Sample *samples = tape_samples(tape, &count);
    ck_assert_uint_lt(count, SAMPLES_MAX);
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < count; i++)
        delivered[i] = (Delivered){samples[i], samples[i].time + (seed && i > 0 ? delay_of(seed, i) : 0)};  // with the first one the plant's time begins
    qsort(delivered, count, sizeof *delivered, by_arrival);
    for (size_t i = 0; i < count; i++) {
        trip->arrivals[i] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = delivered[i].sample};
        trip->unordered += delivered[i].sample.time < newest;
        newest = delivered[i].sample.time > newest ? delivered[i].sample.time : newest;
    }
    // the end of all: ticks up to half a minute behind it run
    trip->arrivals[count] = (Arrival){.kind = ARRIVAL_TIME, .sample = {.time = newest + 30 * NS_PER_S}};
    find_complete(trip, count);
    trip->feed = (Feed){.items = trip->arrivals, .count = count + 1, .portion = 1};
    tape_close(tape);
}

static void see_tick(void *self, const App *app, Batch batch)
{
    Trip *trip = self;
    (void)batch;
    if (trip->ticks == 0)
        trip->first = app->tick;
    ck_assert_int_eq(app->tick - trip->first, (int64_t)trip->ticks);
    ck_assert_uint_lt(trip->ticks, TICKS_MAX);
    trip->complete[trip->ticks] = trip->feed.next >= trip->feed.count || trip->complete_until[trip->feed.next] >= app->now;
    trip->hashes[trip->ticks++] = trip->last_hash = plant_hash(app->plant);
}

/* Deliver the recording to an App of its own, one arrival at a time. */
static Trip *travel(const char *tape, uint64_t seed, size_t threads, const char *history)
{
    Trip *trip = mem_alloc(sizeof *trip);
    ck_assert_ptr_nonnull(trip);
    App *app = flow_app(&(AppDef){.plant = FLOW_PLANT, .history = history, .threads = threads, .quiet = true, .speed = INFINITY, .ticked = see_tick, .self = trip});
    make_trip(trip, tape, app->plant, seed);
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_connector, &trip->feed}), ERR_OK);
    while (app_poll(app))
        continue;
    trip->rewinds = *sync_rewinds(app->sync);
    trip->counters = *sync_counters(app->sync);
    app_destroy(app);
    return trip;
}

static void report(const Trip *trip, size_t count, size_t complete)
{
    const SyncRewinds *rewinds = &trip->rewinds;
    printf("%zu samples, %zu (%.0f %%) out of order, %llu behind their tick: %zu ticks and %llu once more in %llu rewinds (%.1f a late sample), %.1f us a late sample; "
           "%zu ticks had all of their samples when they ran\n", count, trip->unordered, 100.0 * (double)trip->unordered / (double)count, (unsigned long long)rewinds->amended, trip->ticks,
           (unsigned long long)rewinds->steps, (unsigned long long)rewinds->rewinds, (double)rewinds->steps / (double)rewinds->amended,
           (double)rewinds->spent_ns / 1e3 / (double)rewinds->amended, complete);
    fflush(stdout);
}

/* Bit for bit: at the end, and at every tick that had all that belongs to it. */
static void check_trip(const Trip *ordered, const Trip *late)
{
    const size_t count = ordered->feed.count - 1;
    size_t complete = 0;
    ck_assert_uint_eq(ordered->rewinds.amended, 0);
    ck_assert_uint_ge(late->unordered * 5, count * 2);
    ck_assert_uint_eq(late->counters.used, count);
    ck_assert_uint_eq(late->counters.late + late->counters.duplicate + late->counters.dropped, 0);
    ck_assert_uint_eq(late->ticks, ordered->ticks);
    for (size_t i = 0; i < late->ticks; i++) {
        complete += late->complete[i];
        ck_assert_msg(!late->complete[i] || late->hashes[i] == ordered->hashes[i], "tick %zu of %zu differs", i, late->ticks);
    }
    report(late, count, complete);
    ck_assert_uint_eq(late->last_hash, ordered->last_hash);
    ck_assert_uint_gt(complete, 60);
}

static void check_tape(const char *tape)
{
    Trip *ordered = travel(tape, 0, 1, NULL);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        Trip *late = travel(tape, seed, 1 + seed % 2, NULL);
        check_trip(ordered, late);
        mem_free(late);
    }
    mem_free(ordered);
}

START_TEST(a_recording_that_comes_late_and_out_of_order_ends_with_the_same_bits)
{
    check_tape(flow_tape().text);
}
END_TEST

START_TEST(so_does_an_emulated_one)
{
    check_tape(flow_emulated_tape(900).text);
}
END_TEST

/* What the history shows in the end is what it would show had all come in time; what was told first is there beside it. */
START_TEST(estimates_that_late_samples_changed_are_told_again)
{
    const FlowPath tape = flow_tape(), ordered_path = flow_path("ordered.db"), late_path = flow_path("late.db");
    Trip *ordered = travel(tape.text, 0, 1, ordered_path.text), *late = travel(tape.text, 5, 1, late_path.text);
    Record one, other;
    size_t first_count, count, changed = 0;
    HistoryPoint *first, *points;
    record_open(&one, ordered_path.text, FLOW_PLANT);
    record_open(&other, late_path.text, FLOW_PLANT);
    assert_same_estimates(&one, &other, true);

    const TagId box = tags_find(other.plant->tags, "incubator.T_box");
    first = record_told(&other, box, true, &first_count);
    points = record_points(&other, box, &count);
    ck_assert_uint_eq(first_count, count);
    for (size_t i = 0; i < count; i++)
        changed += !same_bits(first[i].value, points[i].value);
    ck_assert_uint_gt(changed, count / 4);
    record_close(&one);
    record_close(&other);
    mem_free(ordered);
    mem_free(late);
}
END_TEST

KIT_MAIN("flow.late", a_recording_that_comes_late_and_out_of_order_ends_with_the_same_bits, so_does_an_emulated_one, estimates_that_late_samples_changed_are_told_again)
