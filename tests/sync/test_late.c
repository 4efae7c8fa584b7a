/* However late samples come, in whatever order and how often: within the window the twins end as if all had come in time. */
#include "late.h"
#include "sync/detect.h"

enum { TICKS = 20, LAG = 8 };  // of a case, and of the window

static const double STEP = 0.25;

static double uniform(uint64_t seed, uint64_t stream, uint64_t i)
{
    return random_uniform(seed, stream, i);
}

// --- what is measured ----------------------------------------------------------------------------------------------

/* What a tag is expected to read at the beginning, and how far off it may be. */
typedef struct Expected {
    double value, sd;
} Expected;

static Expected expect_sensor(Plant *plant, Place place)
{
    const Twin *twin = &plant->twins[place.twin];
    Block *block = &plant->blocks[twin->block];
    const Sensor *sensor = block->model->sensors;
    while (sensor->channel != place.channel)
        sensor++;
    double *value = plant_cell(plant, place.twin, block->model->channels[place.channel].column), before = *value;
    *value = 0;
    detect_spread(UINT64_C(1) << twin->lane, block_column(block, sensor->mask));
    program_run(&sensor->measure, block->columns, &plant->scratch[0]);
    *value = before;
    return (Expected){-block_column(block, sensor->innovation)[twin->lane], sqrt(block_column(block, sensor->innovation_variance)[twin->lane])};
}

static Expected expect(Plant *plant, TagId tag)
{
    const Place place = plant_place(plant, tag);
    if (plant_model(plant, place.twin)->channels[place.channel].kind == CHANNEL_SENSOR)
        return expect_sensor(plant, place);
    return (Expected){plant_value(plant, tag), 0.05 * fabs(plant_value(plant, tag))};
}

/* Noise, an outlier here and there, some sensors that go off half way, and once in a while no number at all. */
static double value_of(const Expected *expected, TagId tag, int tick, uint64_t seed, uint64_t i)
{
    if (uniform(seed, 21, i) < 0.0005)
        return NAN;
    const double off = uniform(seed, 20, tag) < 0.2 && tick > TICKS / 2 ? 6 : 0, outlier = uniform(seed, 23, i) < 0.02 ? 20 : 0;
    return expected->value + expected->sd * (random_normal(seed, 22, i) + off + outlier);
}

/* Samples of four tags in ten at each tick, in order of time. The plant must be as it was loaded. */
static void measure(Plant *plant, uint64_t seed, Delivery *out)
{
    uint64_t i = 0;
    out->count = 0;
    for (int tick = 0; tick < TICKS; tick++)
        for (TagId tag = 0; tag < tags_count(plant->tags); tag++, i++) {
            if (tags_get(plant->tags, tag).role != TAG_SAMPLED || uniform(seed, 1, i) > 0.4 || out->count == LATE_SAMPLES_MAX / 2)
                continue;
            const double stamp = (tick + uniform(seed, 2, i)) * STEP;
            const Expected expected = expect(plant, tag);
            out->items[out->count++] = (LateArrival){.sample = {.time = feeds_at(stamp), .tag = tag, .value = value_of(&expected, tag, tick, seed, i)}, .stamp = stamp, .arrives = stamp};
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

/* What there was at the ends of cases, so that it is known that there was something. */
typedef struct Seen {
    uint64_t parted, stopped, calm, amended;
} Seen;

/* One random case. */
static void check_case(Scene *scene, uint64_t seed, Seen *seen)
{
    static Delivery measured, delivery;
    scene_reset(scene);
    measure(scene->feed.plant, seed, &measured);
    run(scene, &measured, 0, ALL, true);
    ck_assert_uint_eq(sync_rewinds(scene->feed.sync)->rewinds, 0);
    for (uint32_t twin = 0; twin < scene->feed.plant->twin_count; twin++) {
        const bool stopped = plant_is_quarantined(scene->feed.plant, twin), parted = sync_verdict(scene->feed.sync, twin)->kind != VERDICT_NONE;
        seen->stopped += stopped;
        seen->parted += parted;
        seen->calm += !stopped && !parted;
    }

    delay(&measured, seed, &delivery);
    scene_reset(scene);
    run(scene, &delivery, 0, ALL, false);
    check_counters(&scene->feed, &measured, &delivery);
    seen->amended += sync_rewinds(scene->feed.sync)->amended;
}

static void check_cases(Plant *plant, uint64_t first, uint64_t count)
{
    Scene scene = scene_open(plant);
    Seen seen = {0};
    for (uint64_t seed = first; seed < first + count; seed++)
        check_case(&scene, seed, &seen);
    printf("%llu cases: at their ends %llu twins parted, %llu stopped, %llu calm; %llu samples came late\n", (unsigned long long)count, (unsigned long long)seen.parted,
           (unsigned long long)seen.stopped, (unsigned long long)seen.calm, (unsigned long long)seen.amended);
    ck_assert(seen.parted > 0 && seen.stopped > 0 && seen.calm > 0 && seen.amended > count);
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

// --- over a restart ------------------------------------------------------------------------------------------------

/* What history would have at the stop: every sample with its fate, and a snapshot. */
typedef struct Past {
    Filed filed[LATE_SAMPLES_MAX];
    size_t count, told;  // of the delivery
    void *plant, *sync;
    size_t sync_size;
} Past;

static int by_tick(const void *a, const void *b)
{
    const Filed *x = a, *y = b;
    return x->tick != y->tick ? (x->tick > y->tick) - (x->tick < y->tick) : (x->seq > y->seq) - (x->seq < y->seq);
}

/* Run up to `stop`, with a snapshot behind tick `kept`; every tick from there on leaves its hash. */
static void run_to_stop(Scene *scene, const Delivery *delivery, int kept, int stop, Past *past, uint64_t *hashes)
{
    past->count = past->told = 0;
    for (int tick = 0; tick < stop; tick++) {
        for (; past->told < delivery->count && delivery->items[past->told].arrives < (tick + 1) * STEP; past->told++)
            past->filed[past->count++] = feeds_sample(&scene->feed, FEEDS_PROVIDER, delivery->items[past->told].sample);
        hashes[tick] = late_tick(&scene->feed);
        if (tick != kept)
            continue;
        past->plant = mem_alloc(plant_snapshot_size(scene->feed.plant));
        past->sync_size = sync_snapshot_size(scene->feed.sync);
        past->sync = mem_alloc(past->sync_size);
        plant_snapshot(scene->feed.plant, past->plant);
        sync_snapshot(scene->feed.sync, past->sync);
    }
}

static void restart(Scene *scene, Past *past)
{
    sync_destroy(scene->feed.sync);
    scene->feed = feeds_open(scene->feed.plant);
    put_back(&scene->feed, past->plant, past->sync, past->sync_size);
    qsort(past->filed, past->count, sizeof *past->filed, by_tick);
    for (size_t i = 0; i < past->count; i++)
        if (past->filed[i].tick >= sync_next_tick(scene->feed.sync))
            sync_refile(scene->feed.sync, &past->filed[i]);
    mem_free(past->plant);
    mem_free(past->sync);
}

/* A run that was interrupted repeats every tick with the samples that it had then, and goes on as if nothing had been. */
static void check_restart(Scene *scene, uint64_t seed)
{
    static Delivery measured, delivery;
    static Past past;
    uint64_t hashes[LATE_TICKS_MAX];
    const int kept = (int)(uniform(seed, 30, 0) * TICKS), stop = kept + 1 + (int)(uniform(seed, 30, 1) * LAG);
    scene_reset(scene);
    measure(scene->feed.plant, seed, &measured);
    run(scene, &measured, 0, ALL, true);
    delay(&measured, seed, &delivery);
    scene_reset(scene);
    run_to_stop(scene, &delivery, kept, stop, &past, hashes);

    restart(scene, &past);
    int tick = kept + 1;
    for (; sync_ready(scene->feed.sync, TIME_NONE) && tick < stop; tick++)
        ck_assert_msg(late_tick(&scene->feed) == hashes[tick], "tick %d begins otherwise behind the restart", tick);
    for (; tick < stop; tick++)
        ck_assert_msg(late_tick(&scene->feed) == hashes[tick], "tick %d begins otherwise behind the restart", tick);
    run(scene, &delivery, stop, ALL, false);
}

START_TEST(a_run_that_was_interrupted_rewinds_where_it_would_have)
{
    Scene scenes[] = {scene_open(late_fleet(3, LAG, 1)), scene_open(late_works(LAG, 2))};
    for (uint64_t seed = 0; seed < 150; seed++)
        for (size_t i = 0; i < 2; i++)
            check_restart(&scenes[i], seed);
    scene_close(&scenes[0]);
    scene_close(&scenes[1]);
}
END_TEST

// --- what it costs -------------------------------------------------------------------------------------------------

/* 70 pendulums are two blocks that know nothing of each other: what comes late for the last one leaves the others alone. */
START_TEST(only_the_island_of_a_late_sample_runs_again)
{
    Scene scene = scene_open(late_fleet(70, LAG, 1));
    const TagId late = plants_tag(scene.feed.plant, "p0070.encoder");
    for (int tick = 0; tick < 10; tick++)
        late_tick(&scene.feed);
    feeds_sample(&scene.feed, FEEDS_PROVIDER, (Sample){.time = feeds_at(9.5 * STEP), .tag = late, .value = 0.3});
    late_tick(&scene.feed);
    const SyncRewinds *rewinds = sync_rewinds(scene.feed.sync);
    ck_assert_uint_eq(rewinds->amended, 1);
    ck_assert_uint_eq(rewinds->rewinds, 1);
    ck_assert_uint_eq(rewinds->steps, 2);  // checkpoints are every other tick: 8 and 9
    scene_close(&scene);
}
END_TEST

/* However many come late, a tick replays its window once. */
START_TEST(a_tick_runs_an_island_again_at_most_once_over_its_window)
{
    Scene scene = scene_open(late_works(LAG, 1));
    const TagId tags[] = {plants_tag(scene.feed.plant, "q.encoder"), plants_tag(scene.feed.plant, "a.gauge"), plants_tag(scene.feed.plant, "m.probe")};
    for (int tick = 0; tick < 20; tick++)
        late_tick(&scene.feed);
    for (int i = 0; i < 3 * LAG; i++)
        feeds_sample(&scene.feed, FEEDS_PROVIDER, (Sample){.time = feeds_at((12 + i / 3 + 0.1) * STEP), .tag = tags[i % 3], .value = 0.3});
    late_tick(&scene.feed);
    const SyncRewinds *rewinds = sync_rewinds(scene.feed.sync);
    ck_assert_uint_eq(rewinds->amended, 3 * LAG);
    ck_assert_uint_eq(rewinds->rewinds, 2);
    ck_assert_uint_eq(rewinds->steps, 4 * LAG);  // of the blocks of pendulums, tanks, pipe and mixer
    scene_close(&scene);
}
END_TEST

// --- beyond the window ---------------------------------------------------------------------------------------------

START_TEST(behind_the_window_a_sample_is_late_and_changes_nothing)
{
    Scene scene = scene_open(late_fleet(1, LAG, 1));
    const TagId tag = plants_tag(scene.feed.plant, "p0001.encoder");
    for (int tick = 0; tick < 12; tick++)
        late_tick(&scene.feed);
    const uint64_t hash = plant_hash(scene.feed.plant);
    const Filed late = feeds_sample(&scene.feed, FEEDS_PROVIDER, (Sample){.time = feeds_at(4 * STEP) - 1, .tag = tag, .value = 1});
    ck_assert_int_eq(late.fate, FATE_LATE);
    ck_assert_int_eq(late.tick, -1);
    sync_amend(scene.feed.sync);
    ck_assert_uint_eq(plant_hash(scene.feed.plant), hash);

    const Filed used = feeds_sample(&scene.feed, FEEDS_PROVIDER, (Sample){.time = feeds_at(4 * STEP), .tag = tag, .value = 1});
    ck_assert_int_eq(used.fate, FATE_USED);
    ck_assert_uint_eq(used.late, LAG);
    ck_assert_int_eq(used.tick, sync_next_tick(scene.feed.sync));
    sync_amend(scene.feed.sync);
    ck_assert_uint_ne(plant_hash(scene.feed.plant), hash);
    ck_assert_uint_eq(sync_counters(scene.feed.sync)->late, 1);
    scene_close(&scene);
}
END_TEST

/* Of the 4,096 newest samples one is known by its hash alone; within the window it is known however many came in between. */
START_TEST(a_sample_of_the_window_is_known_when_it_comes_again)
{
    enum { MANY = 20000 };
    Scene scene = scene_open(late_fleet(3, LAG, 1));
    const TagId tag = plants_tag(scene.feed.plant, "p0001.encoder");
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(feeds_sample(&scene.feed, FEEDS_PROVIDER, (Sample){.time = feeds_at(0) + i, .tag = tag, .value = 0.2}).fate, FATE_USED);
    late_tick(&scene.feed);
    for (int i = 0; i < MANY; i += 7)
        ck_assert_int_eq(feeds_sample(&scene.feed, FEEDS_PROVIDER, (Sample){.time = feeds_at(0) + i, .tag = tag, .value = 0.2}).fate, FATE_DUPLICATE);
    scene_close(&scene);
}
END_TEST

START_TEST(without_a_window_nothing_late_is_used)
{
    Scene scene = scene_open(late_fleet(1, 0, 1));
    late_tick(&scene.feed);
    ck_assert_int_eq(feeds_good(&scene.feed, "p0001.encoder", 0.1, 1).fate, FATE_LATE);
    scene_close(&scene);
}
END_TEST

/* What each part of the plant would need is allocated when it is opened; where the rest fails, less is used and nothing breaks. */
START_TEST(memory_that_fails_costs_samples_and_nothing_else)
{
    static Delivery measured, delivery;
    Plant *plant = late_fleet(3, LAG, 1);
    Scene scene = scene_open(plant);
    uint64_t lost = 0;
    measure(plant, 7, &measured);
    delay(&measured, 7, &delivery);
    for (size_t n = 1; n < 60; n++) {
        scene_reset(&scene);
        kit_fail_allocation(n);
        for (int tick = 0, next = 0; tick < ALL; tick++) {
            for (; next < (int)delivery.count && delivery.items[next].arrives < (tick + 1) * STEP; next++)
                late_file(&scene.feed, &delivery.items[next]);
            late_tick(&scene.feed);
        }
        kit_fail_allocation(0);
        const SyncCounters *counters = sync_counters(scene.feed.sync);
        lost += counters->dropped + counters->late;
        ck_assert_uint_eq(counters->samples, delivery.count);
        ck_assert_uint_eq(plant_quarantined(plant), 0);
    }
    ck_assert_uint_gt(lost, 0);
    scene_close(&scene);
}
END_TEST

KIT_MAIN("sync.late", a_thousand_deliveries_to_a_pendulum_end_as_the_one_in_order, five_hundred_deliveries_to_a_fleet_end_as_the_one_in_order_on_two_threads,
         a_thousand_deliveries_to_connected_twins_end_as_the_one_in_order, a_run_that_was_interrupted_rewinds_where_it_would_have, only_the_island_of_a_late_sample_runs_again,
         a_tick_runs_an_island_again_at_most_once_over_its_window, behind_the_window_a_sample_is_late_and_changes_nothing,
         a_sample_of_the_window_is_known_when_it_comes_again, without_a_window_nothing_late_is_used, memory_that_fails_costs_samples_and_nothing_else)
