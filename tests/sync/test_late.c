/* However late samples come, in whatever order and how often: within the window the twins end as if all had come in time. */
#include "late.h"

enum { TICKS = 20, LAG = 8 };  // of a case, and of the window

static const double STEP = 0.25;

static double uniform(uint64_t seed, uint64_t stream, uint64_t i)
{
    return random_uniform(seed, stream, i);
}

// --- what is measured ----------------------------------------------------------------------------------------------

/* Near what the plant declares, with an outlier here and there, now and then far off for good, and once in a while no number. */
static double value_of(const Plant *plant, TagId tag, uint64_t seed, uint64_t i)
{
    const double declared = plant_value(plant, tag), off = uniform(seed, 20, tag) < 0.2 && i > LATE_SAMPLES_MAX / 2 ? 3 : 0;
    if (uniform(seed, 21, i) < 0.0005)
        return NAN;
    return declared * (1 + 0.02 * random_normal(seed, 22, i)) + (uniform(seed, 23, i) < 0.02 ? 5 : 0.05) * random_normal(seed, 24, i) + off;
}

/* Samples of about every third tag and tick in order of time. Values follow from the place in the case, which `off` of some tags depends on. */
static void measure(const Plant *plant, uint64_t seed, Delivery *out)
{
    uint64_t i = 0;
    out->count = 0;
    for (int tick = 0; tick < TICKS; tick++)
        for (TagId tag = 0; tag < tags_count(plant->tags); tag++, i++) {
            if (tags_get(plant->tags, tag).role != TAG_SAMPLED || uniform(seed, 1, i) > 0.4 || out->count == LATE_SAMPLES_MAX / 2)
                continue;
            const double stamp = (tick + uniform(seed, 2, i)) * STEP;
            out->items[out->count++] = (LateArrival){.sample = {.time = feeds_at(stamp), .tag = tag, .value = value_of(plant, tag, seed, i)}, .stamp = stamp, .arrives = stamp};
        }
    late_sort(out);
}

/* Late by up to the window, some twice, at another time within it. */
static void delay(const Delivery *measured, uint64_t seed, Delivery *out)
{
    const double late = uniform(seed, 3, 0), twice = uniform(seed, 3, 1) * 0.3;
    *out = *measured;
    for (size_t i = 0; i < measured->count; i++) {
        LateArrival *arrival = &out->items[i];
        if (uniform(seed, 4, i) < late)
            arrival->arrives += uniform(seed, 5, i) * LAG * STEP;
        if (uniform(seed, 6, i) < twice) {
            out->items[out->count] = *arrival;
            out->items[out->count].again = true;
            out->items[out->count++].arrives = arrival->stamp + uniform(seed, 7, i) * LAG * STEP;
        }
    }
    late_sort(out);
}

// --- running -------------------------------------------------------------------------------------------------------

typedef struct Scene {
    Feed feed;
    void *plant, *sync;  // snapshots of the beginning
    uint64_t hashes[LATE_TICKS_MAX];  // with which ticks begin, of the run in order
} Scene;

static Scene scene_open(Plant *plant)
{
    Scene scene = {.feed = feeds_open(plant)};
    sync_begin(scene.feed.sync, FEEDS_START);
    scene.plant = mem_alloc(plant_snapshot_size(plant));
    scene.sync = mem_alloc(sync_snapshot_size(scene.feed.sync));
    plant_snapshot(plant, scene.plant);
    sync_snapshot(scene.feed.sync, scene.sync);
    return scene;
}

static void scene_close(Scene *scene)
{
    mem_free(scene->plant);
    mem_free(scene->sync);
    feeds_close(&scene->feed);
}

static void put_back(Feed *feed, const void *plant, const void *sync, size_t sync_size)
{
    ErrText why = {""};
    ck_assert_msg(plant_restore(feed->plant, plant, plant_snapshot_size(feed->plant), &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(sync_restore(feed->sync, sync, sync_size, &why) == ERR_OK, "%s", why.text);
}

static void scene_reset(Scene *scene)
{
    sync_destroy(scene->feed.sync);
    scene->feed = feeds_open(scene->feed.plant);
    put_back(&scene->feed, scene->plant, scene->sync, sync_snapshot_size(scene->feed.sync));
}

/* Whether all samples stamped before a tick have arrived by its end. */
static bool is_complete(const Delivery *delivery, int tick)
{
    for (size_t i = 0; i < delivery->count; i++)
        if (!delivery->items[i].again && delivery->items[i].stamp < tick * STEP && delivery->items[i].arrives >= (tick + 1) * STEP)
            return false;
    return true;
}

/* The ticks [from, to), each with what arrives by its end. Those that begin with everything they should know begin with the hash of the run in order. */
static void run(Scene *scene, const Delivery *delivery, int from, int to, bool in_order)
{
    size_t next = 0;
    while (next < delivery->count && delivery->items[next].arrives < from * STEP)
        next++;
    for (int tick = from; tick < to; tick++) {
        for (; next < delivery->count && delivery->items[next].arrives < (tick + 1) * STEP; next++)
            late_file(&scene->feed, &delivery->items[next]);
        const uint64_t hash = late_tick(&scene->feed);
        if (in_order)
            scene->hashes[tick] = hash;
        else if (is_complete(delivery, tick))
            ck_assert_msg(hash == scene->hashes[tick], "tick %d begins otherwise than in order", tick);
    }
}

enum { ALL = TICKS + LAG + 1 };

static void check_counters(const Feed *feed, const Delivery *measured, const Delivery *delivery)
{
    const SyncCounters *counters = sync_counters(feed->sync);
    ck_assert_uint_eq(counters->samples, delivery->count);
    ck_assert_uint_eq(counters->used, measured->count);
    ck_assert_uint_eq(counters->duplicate, delivery->count - measured->count);
    ck_assert_uint_eq(counters->late + counters->future + counters->bad + counters->dropped, 0);
}

/* One random case. Returns how many verdicts and quarantines stood at its end, so that it is known that there were some. */
static size_t check_case(Scene *scene, uint64_t seed)
{
    static Delivery measured, delivery;
    size_t parted = 0;
    scene_reset(scene);
    measure(scene->feed.plant, seed, &measured);
    run(scene, &measured, 0, ALL, true);
    ck_assert_uint_eq(sync_rewinds(scene->feed.sync)->rewinds, 0);
    for (uint32_t twin = 0; twin < scene->feed.plant->twin_count; twin++)
        parted += sync_verdict(scene->feed.sync, twin)->kind != VERDICT_NONE || plant_is_quarantined(scene->feed.plant, twin);

    delay(&measured, seed, &delivery);
    scene_reset(scene);
    run(scene, &delivery, 0, ALL, false);
    check_counters(&scene->feed, &measured, &delivery);
    return parted;
}

static void check_cases(Plant *plant, uint64_t first, uint64_t count)
{
    Scene scene = scene_open(plant);
    size_t parted = 0;
    uint64_t amended = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        parted += check_case(&scene, seed);
        amended += sync_rewinds(scene.feed.sync)->amended;
    }
    ck_assert_uint_gt(parted, count / 10);
    ck_assert_uint_gt(amended, count * 3);
    scene_close(&scene);
}

START_TEST(a_thousand_deliveries_to_a_pendulum_end_as_the_one_in_order)
{
    check_cases(late_fleet(1, LAG, 1), 1000, 1000);
}
END_TEST

START_TEST(five_hundred_deliveries_to_a_fleet_end_as_the_one_in_order_on_two_threads)
{
    check_cases(late_fleet(70, LAG, 2), 2000, 500);
}
END_TEST

START_TEST(a_thousand_deliveries_to_connected_twins_end_as_the_one_in_order)
{
    check_cases(late_works(LAG, 1), 3000, 800);
    check_cases(late_works(LAG, 2), 4000, 200);
}
END_TEST

KIT_MAIN("sync.late", a_thousand_deliveries_to_a_pendulum_end_as_the_one_in_order, five_hundred_deliveries_to_a_fleet_end_as_the_one_in_order_on_two_threads,
         a_thousand_deliveries_to_connected_twins_end_as_the_one_in_order)
