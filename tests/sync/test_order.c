/* Nothing but the samples decides what comes out of a tick [I4]: not the order in which they came, not how often, not a restart in between. */
#include "fleet.h"

enum { TANKS = 150, PER_TANK = 4 };  // three blocks, the last one partly used

/* One tick's samples: two of the upper gauge, one of the lower, one of the inflow; every 16th tank at the same moment. */
static size_t make_samples(const Rig *rig, Sample *out)
{
    size_t count = 0;
    for (uint32_t twin = 0; twin < TANKS; twin++) {
        const double s = 0.5 * random_uniform(3, 0, twin) * (twin % 16 != 0);
        out[count++] = sample_of(rig, twin, rig->upper, s, reading(twin, rig->upper, 0));
        out[count++] = sample_of(rig, twin, rig->lower, s, reading(twin, rig->lower, 0));
        out[count++] = sample_of(rig, twin, rig->upper, s + 0.4, reading(twin, rig->upper, 1));
        out[count++] = sample_of(rig, twin, rig->inflow, s + 0.1, 1e-3 * (1 + random_uniform(3, 1, twin)));
    }
    return count;
}

static void shuffle(Sample *samples, size_t count, uint64_t seed)
{
    for (size_t i = count; i > 1; i--) {
        const size_t j = (size_t)(random_uniform(seed, 9, i) * (double)i);
        const Sample held = samples[i - 1];
        samples[i - 1] = samples[j];
        samples[j] = held;
    }
}

/* A rig that has run for 30 ticks, with one sensor taken out, and what it is to be put back to. */
typedef struct Scene {
    Rig rig;
    void *plant, *sync;
} Scene;

static Scene scene_open(size_t threads)
{
    Scene scene = {.rig = rig_open(&(FleetDef){.tanks = TANKS, .threads = threads})};
    sync_begin(scene.rig.sync, at(-30));
    rig_run(&scene.rig, -30, -20, 7, 0, 0);
    rig_run(&scene.rig, -20, 0, 7, 0, 0.5);
    ck_assert_int_eq(sync_verdict(scene.rig.sync, 7)->kind, VERDICT_SENSOR);
    scene.plant = mem_alloc(plant_snapshot_size(scene.rig.plant));
    scene.sync = mem_alloc(sync_snapshot_size(scene.rig.sync));
    plant_snapshot(scene.rig.plant, scene.plant);
    sync_snapshot(scene.rig.sync, scene.sync);
    return scene;
}

static void scene_reset(Scene *scene)
{
    ErrText why;
    ck_assert_int_eq(plant_restore(scene->rig.plant, scene->plant, plant_snapshot_size(scene->rig.plant), &why), ERR_OK);
    ck_assert_int_eq(sync_restore(scene->rig.sync, scene->sync, sync_snapshot_size(scene->rig.sync), &why), ERR_OK);
}

static void scene_close(Scene *scene)
{
    mem_free(scene->plant);
    mem_free(scene->sync);
    rig_close(&scene->rig);
}

/* The state after the tick of the samples and one more, in which the inputs act. */
static uint64_t scene_run(Scene *scene, const Sample *samples, size_t count)
{
    scene_reset(scene);
    for (size_t i = 0; i < count; i++)
        rig_file(&scene->rig, samples[i]);
    rig_tick(&scene->rig);
    return rig_tick(&scene->rig);
}

START_TEST(samples_of_a_tick_give_the_same_fleet_in_whatever_order_they_came)
{
    static Sample samples[TANKS * PER_TANK];
    uint64_t expected = 0;
    for (size_t threads = 1; threads <= 2; threads++) {
        Scene scene = scene_open(threads);
        const size_t count = make_samples(&scene.rig, samples);
        const uint64_t in_order = scene_run(&scene, samples, count);
        if (threads == 1)
            expected = in_order;
        ck_assert_uint_eq(in_order, expected);
        for (uint64_t seed = 0; seed < 150; seed++) {
            shuffle(samples, count, seed);
            ck_assert_uint_eq(scene_run(&scene, samples, count), expected);
        }

        // and one sample less would show
        ck_assert_uint_ne(scene_run(&scene, samples, count - 1), expected);
        scene_close(&scene);
    }
}
END_TEST

/* A device that was not answered sends again what it has, and nothing may count twice, however much came in between. */
START_TEST(samples_that_come_twice_count_once)
{
    static Sample samples[2 * TANKS * PER_TANK];
    Scene scene = scene_open(1);
    const size_t count = make_samples(&scene.rig, samples);
    const uint64_t expected = scene_run(&scene, samples, count);
    memcpy(samples + count, samples, count * sizeof *samples);
    for (uint64_t seed = 0; seed < 20; seed++) {
        shuffle(samples, 2 * count, seed);
        scene_reset(&scene);
        const SyncCounters before = *sync_counters(scene.rig.sync);
        for (size_t i = 0; i < 2 * count; i++) {
            const int fate = rig_file(&scene.rig, samples[i]).fate;
            ck_assert(fate == FATE_USED || fate == FATE_DUPLICATE);
        }
        rig_tick(&scene.rig);
        ck_assert_uint_eq(rig_tick(&scene.rig), expected);
        const SyncCounters *after = sync_counters(scene.rig.sync);
        ck_assert_uint_eq(after->samples - before.samples, 2 * count);
        ck_assert_uint_eq(after->used - before.used, count);
        ck_assert_uint_eq(after->duplicate - before.duplicate, count);
    }
    scene_close(&scene);
}
END_TEST

// --- several samples in a tick -------------------------------------------------------------------------------------

/* What sync_correct does, by hand and for one tank. */
static void fold_by_hand(Plant *plant, Desk *desk, uint16_t index, int64_t tick, double value)
{
    Block *block = &plant->blocks[0];
    const Model *model = block->model;
    const Sensor *sensor = &model->sensors[index];
    DetectLimits limits;
    detect_limits(model, &limits);
    *plant_cell(plant, 0, model->channels[sensor->channel].column) = value;
    *plant_cell(plant, 0, sensor->mask) = 1;
    program_run(&sensor->measure, block->columns, &plant->scratch[0]);
    detect_heard(block, 1, index, tick);
    ck_assert(detect_judge(&limits, block, 1, index, tick, desk) == 1);
    detect_index(&limits, block, 1);
    plant_correct(plant, 0, sensor, 0);
}

START_TEST(samples_of_two_sensors_are_folded_in_by_their_times)
{
    static const double values[] = {1.02, 0.97, 1.01, 0.99};
    static const uint16_t sensors[] = {UPPER, LOWER, UPPER, UPPER};
    Rig rig = rig_open(&(FleetDef){0}), other = rig_open(&(FleetDef){0});
    sync_begin(rig.sync, at(0));
    for (int i = 3; i >= 0; i--)
        rig_file(&rig, sample_of(&rig, 0, sensors[i] == UPPER ? rig.upper : rig.lower, 0.1 + 0.2 * i, values[i]));
    const uint64_t hash = rig_tick(&rig);

    Arena arena = {0};
    Desk *desk = cause_create(other.plant, &other.plant->scratch[0], &arena);
    ck_assert_ptr_nonnull(desk);
    void *fresh = mem_alloc(plant_snapshot_size(other.plant));
    ErrText why;
    plant_snapshot(other.plant, fresh);
    plant_advance(other.plant);
    for (int i = 0; i < 4; i++)
        fold_by_hand(other.plant, desk, sensors[i], at(0) / NS_PER_S, values[i]);
    ck_assert_uint_eq(plant_hash(other.plant), hash);

    // the other way round it is another result, in the last bits at least
    ck_assert_int_eq(plant_restore(other.plant, fresh, plant_snapshot_size(other.plant), &why), ERR_OK);
    plant_advance(other.plant);
    for (int i = 4; i-- > 0;)
        fold_by_hand(other.plant, desk, sensors[i], at(0) / NS_PER_S, values[i]);
    ck_assert_uint_ne(plant_hash(other.plant), hash);
    mem_free(fresh);
    arena_fini(&arena);
    rig_close(&rig);
    rig_close(&other);
}
END_TEST

/* A level with variance P that is measured k times with noise r has the variance r P / (k P + r), and the weighted mean of all that is known. */
START_TEST(samples_of_one_tick_weigh_as_the_closed_form_says)
{
    enum { K = 10 };
    Rig rig = rig_open(&(FleetDef){.sensors = FLEET_ONE_GAUGE});
    const TagId level = plant_tag(rig.plant, 0, rig.level);
    sync_begin(rig.sync, at(0));
    for (int i = 0; i < K; i++)
        rig_file(&rig, sample_of(&rig, 0, rig.upper, 0.05 * i, 1 + 0.001 * i));
    const Batch batch = sync_collect(rig.sync);
    ck_assert_uint_eq(batch.count, K);
    plant_advance(rig.plant);
    const double prior = plant_value(rig.plant, level), p = plant_sd(rig.plant, level) * plant_sd(rig.plant, level), r = 0.01 * 0.01;
    sync_correct(rig.sync, rig.plant, batch);

    const double mean = 1 + 0.001 * (K - 1) / 2;
    ck_assert_double_eq_tol(plant_sd(rig.plant, level) * plant_sd(rig.plant, level) / (r * p / (K * p + r)), 1, 1e-9);
    ck_assert_double_eq_tol(plant_value(rig.plant, level), (prior * r + K * p * mean) / (K * p + r), 1e-12);
    rig_close(&rig);
}
END_TEST

START_TEST(of_70000_samples_in_one_tick_the_last_one_is_last)
{
    enum { MANY = 70000 };
    Rig rig = rig_open(&(FleetDef){0});
    sync_begin(rig.sync, at(0));
    for (int i = MANY; i >= 1; i--)
        ck_assert_int_eq(rig_file(&rig, sample_of(&rig, 0, rig.inflow, 1e-6 * i, i)).fate, FATE_USED);
    rig_tick(&rig);
    ck_assert_double_eq(plant_value(rig.plant, plant_tag(rig.plant, 0, rig.inflow)), MANY);
    rig_close(&rig);
}
END_TEST

// --- time ----------------------------------------------------------------------------------------------------------

START_TEST(time_does_not_begin_at_the_end_of_all_numbers)
{
    Rig rig = rig_open(&(FleetDef){.plant = "clock = \"provider\""});
    Sample last = sample_of(&rig, 0, rig.upper, 0, 1);
    last.time = INT64_MAX;
    ck_assert_int_eq(rig_file(&rig, last).fate, FATE_FUTURE);
    ck_assert_int_eq(sync_now(rig.sync), TIME_NONE);
    ck_assert(!sync_ready(rig.sync, at(0)));
    ck_assert(sync_is_settling(rig.sync, 0));
    ck_assert_int_eq(rig_file(&rig, sample_of(&rig, 0, rig.upper, 0, 1)).fate, FATE_USED);
    ck_assert_int_eq(sync_now(rig.sync), at(0));
    rig_close(&rig);
}
END_TEST

START_TEST(without_a_time_of_day_only_what_is_filed_again_runs)
{
    Rig rig = rig_open(&(FleetDef){.plant = "wait = 0.25"});
    sync_begin(rig.sync, at(0));
    ck_assert(!sync_ready(rig.sync, TIME_NONE));
    sync_refile(rig.sync, &(Filed){.sample = sample_of(&rig, 0, rig.upper, 2.5, 1), .tick = at(2) / NS_PER_S, .seq = 7});
    for (int i = 0; i < 2; i++) {
        ck_assert(sync_ready(rig.sync, TIME_NONE));
        rig_tick(&rig);
    }
    ck_assert(!sync_ready(rig.sync, TIME_NONE));  // its own tick may still get more
    rig_close(&rig);
}
END_TEST

// --- over a restart ------------------------------------------------------------------------------------------------

enum { TICKS = 60, SNAPSHOT_AT = 27, STOPPED_AT = 40, FLEET = 70, AHEAD = 2 };

/* What the uninterrupted run left behind. */
typedef struct Log {
    Filed filed[TICKS * FLEET * 3];
    size_t count, until_stop;
    uint64_t hashes[TICKS];
    void *plant, *sync;  // snapshots
} Log;

/* The samples of one second; from the 20th on, tank 3 is fuller and the upper gauge of tank 66 is off. */
static void file_second(Rig *rig, Log *log, int s)
{
    for (uint32_t twin = 0; twin < FLEET; twin++) {
        const double full = s >= 20 && twin == 3 ? 0.3 : 0, off = s >= 20 && twin == 66 ? 0.4 : 0;
        const Sample samples[] = {sample_of(rig, twin, rig->lower, s + 0.9, reading(twin, rig->lower, s) + full),
                                  sample_of(rig, twin, rig->upper, s + 0.1, reading(twin, rig->upper, s) + full + off),
                                  sample_of(rig, twin, rig->upper, s + 0.1, 7)};  // a duplicate
        for (size_t i = 0; i < 3; i++)
            log->filed[log->count++] = rig_file(rig, samples[i]);
    }
}

/* Run all the way, keep what history would keep, and take the snapshot on the way: samples that are ahead of the tick lie in the queue then. */
static void run_and_log(Rig *rig, Log *log)
{
    sync_begin(rig->sync, at(0));
    for (int s = 0; s < AHEAD; s++)
        file_second(rig, log, s);
    for (int tick = 0; tick < TICKS; tick++) {
        if (tick + AHEAD < TICKS)
            file_second(rig, log, tick + AHEAD);
        log->hashes[tick] = rig_tick(rig);
        if (tick == STOPPED_AT)
            log->until_stop = log->count;
        if (tick != SNAPSHOT_AT)
            continue;
        log->plant = mem_alloc(plant_snapshot_size(rig->plant));
        log->sync = mem_alloc(sync_snapshot_size(rig->sync));
        plant_snapshot(rig->plant, log->plant);
        sync_snapshot(rig->sync, log->sync);
    }
}

/* What was filed again runs at once, up to the tick of its last sample; then live samples go on where the others ended. */
static void run_again(Rig *rig, Log *log)
{
    ErrText why;
    ck_assert_int_eq(plant_restore(rig->plant, log->plant, plant_snapshot_size(rig->plant), &why), ERR_OK);
    ck_assert_int_eq(sync_restore(rig->sync, log->sync, sync_snapshot_size(rig->sync), &why), ERR_OK);
    for (size_t i = 0; i < log->until_stop; i++)
        if (log->filed[i].tick >= sync_next_tick(rig->sync))
            sync_refile(rig->sync, &log->filed[i]);

    int tick = (int)(sync_next_tick(rig->sync) - at(0) / NS_PER_S);
    ck_assert_int_eq(tick, SNAPSHOT_AT + 1);
    for (; sync_ready(rig->sync, TIME_NONE); tick++)
        ck_assert_uint_eq(rig_tick(rig), log->hashes[tick]);
    ck_assert_int_eq(tick, STOPPED_AT + AHEAD);

    log->count = 0;
    for (int s = STOPPED_AT + AHEAD + 1; s < TICKS; s++)
        file_second(rig, log, s);
    for (; tick < TICKS; tick++)
        ck_assert_uint_eq(rig_tick(rig), log->hashes[tick]);
}

static void check_restart(size_t threads, const char *clock)
{
    Rig rig = rig_open(&(FleetDef){.tanks = FLEET, .plant = clock}), again = rig_open(&(FleetDef){.tanks = FLEET, .threads = threads, .plant = clock});
    Log *log = mem_alloc(sizeof *log);
    run_and_log(&rig, log);
    ck_assert_int_eq(sync_verdict(rig.sync, 66)->kind, VERDICT_SENSOR);
    run_again(&again, log);
    for (uint32_t twin = 0; twin < FLEET; twin++) {
        const Verdict expected = *sync_verdict(rig.sync, twin), *got = sync_verdict(again.sync, twin);
        ck_assert_int_eq(got->kind, expected.kind);
        ck_assert_int_eq(got->since, expected.since);
        ck_assert_str_eq(got->text, expected.text);
    }
    mem_free(log->plant);
    mem_free(log->sync);
    mem_free(log);
    rig_close(&rig);
    rig_close(&again);
}

START_TEST(a_restart_of_a_fleet_repeats_every_tick_and_every_verdict)
{
    check_restart(1, "clock = \"utc\"");
    check_restart(2, "clock = \"provider\"");
}
END_TEST

KIT_MAIN("sync.order", samples_of_a_tick_give_the_same_fleet_in_whatever_order_they_came, samples_that_come_twice_count_once,
         samples_of_two_sensors_are_folded_in_by_their_times, samples_of_one_tick_weigh_as_the_closed_form_says, of_70000_samples_in_one_tick_the_last_one_is_last,
         time_does_not_begin_at_the_end_of_all_numbers, without_a_time_of_day_only_what_is_filed_again_runs, a_restart_of_a_fleet_repeats_every_tick_and_every_verdict)
