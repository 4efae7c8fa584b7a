#include "base/random.h"
#include "plant/plants.h"
#include "sync/detect.h"

enum { LANE = 5, EVERY = 6 };  // ticks between two samples

/* A twin whose innovations are made by hand: `sensors` of them, judged from the first sample on. It trusts its model, so a shift stays what it is. */
typedef struct Bench {
    Plant *plant;
    Block *block;
    Arena arena;
    Desk *desk;
    DetectLimits limits;
    int64_t tick;
    uint64_t seed, count;
    bool entered;  // the last sample
} Bench;

static Bench bench_open(int sensors, double false_alarm_days, uint64_t seed)
{
    char text[1024];
    int used = snprintf(text, sizeof text,
                        "return model 'patient' {\n"
                        "  params = { leak = { 1, '1', estimate = 0, sd = 0.01, jump = 3 } },\n"
                        "  states = { x = { 0, '1', sd = 0.01 } },\n"
                        "  equations = function(t) t.x.rate = (1 - t.leak) / quantity(1, 's') end,\n"
                        "  divergence = { settle = 0, false_alarm_days = %.17g },\n  sensors = {\n", false_alarm_days);
    for (int i = 0; i < sensors; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "    z%d = { of = 'x', noise = 1, every = 3.04 },\n", i);
    snprintf(text + used, sizeof text - (size_t)used, "  },\n}\n");
    scripts_write("patient.lua", text);

    Bench bench = {.plant = plants_load("return plant 'ward' { step = 3.04 / 6, assets = { a = { 'patient' } } }", 1), .tick = 1000, .seed = seed};
    bench.block = &bench.plant->blocks[0];
    detect_limits(bench.block->model, &bench.limits);
    bench.desk = cause_create(bench.plant, &bench.plant->scratch[0], &bench.arena);
    ck_assert_ptr_nonnull(bench.desk);
    return bench;
}

static void bench_close(Bench *bench)
{
    plant_destroy(bench->plant);
    arena_fini(&bench->arena);
}

static double *bench_cell(const Bench *bench, uint16_t column)
{
    return &bench->block->columns[(size_t)column * LANES + LANE];
}

/* One innovation of `z` standard deviations. */
static void judge(Bench *bench, uint16_t sensor, double z)
{
    const Sensor *s = &bench->block->model->sensors[sensor];
    *bench_cell(bench, s->innovation) = z;
    *bench_cell(bench, s->innovation_variance) = 1;
    detect_heard(bench->block, UINT64_C(1) << LANE, sensor, bench->tick);
    bench->entered = detect_judge(&bench->limits, bench->block, UINT64_C(1) << LANE, sensor, bench->tick, bench->desk);
}

/* White noise on every sensor, shifted by `shift[sensor]`. */
static void round_of_samples(Bench *bench, const double *shift)
{
    for (uint16_t s = 0; s < bench->block->model->sensor_count; s++)
        judge(bench, s, shift[s] + random_normal(bench->seed, s, bench->count));
    bench->count++;
    bench->tick += EVERY;
}

static const double quiet[4] = {0};

static DetectState state(const Bench *bench)
{
    return detect_state(bench->block, LANE);
}

static double index_of(const Bench *bench, uint32_t lane)
{
    detect_index(&bench->limits, bench->block, UINT64_C(1) << lane);
    return bench->block->columns[(size_t)bench->block->model->statistic * LANES + lane];
}

static double own_index(const Bench *bench)
{
    return index_of(bench, LANE);
}

/* How many rounds until a verdict, at most `most`. */
static int rounds_until_verdict(Bench *bench, const double *shift, int most)
{
    for (int i = 1; i <= most; i++) {
        round_of_samples(bench, shift);
        if (state(bench) >= DETECT_PROCESS)
            return i;
    }
    return most + 1;
}

// --- limits --------------------------------------------------------------------------------------------------------

/* Thirty days without a false alarm, of two sensors every 3.04 s with five tests each: one in 8.526e6 tests. */
START_TEST(limits_of_the_incubator_are_those_of_the_closed_forms)
{
    Bench bench = bench_open(2, 30, 1);
    const double wished = 30 * 86400 / 3.04 * 2 * 5;
    ck_assert_double_eq_tol(wished, 8.526e6, 1e3);
    ck_assert_double_eq_tol(bench.limits.cusum, 7.160, 1e-3);
    ck_assert_double_eq_tol(bench.limits.nis, 71.17, 0.01);

    // Siegmund: (e^(2 k b) - 2 k b - 1) / (2 k^2) with k = 1 and b the limit + 1.166
    const double b = bench.limits.cusum + 1.166;
    ck_assert_double_eq_tol((exp(2 * b) - 2 * b - 1) / 2 / wished, 1, 1e-12);
    // the tail of chi-square with 20 degrees of freedom: e^(-x/2) sum (x/2)^i / i! over i < 10
    double tail = 0;
    for (int i = 0; i < NIS_WINDOW / 2; i++)
        tail += exp(-bench.limits.nis / 2 + i * log(bench.limits.nis / 2) - lgamma(i + 1));
    ck_assert_double_eq_tol(tail * wished, 1, 1e-10);
    bench_close(&bench);
}
END_TEST

START_TEST(times_follow_from_the_sensors_period)
{
    Bench bench = bench_open(2, 30, 1);
    ck_assert_double_eq_tol(bench.limits.grace[0], 3 * EVERY, 1e-9);
    ck_assert_double_eq_tol(bench.limits.gate_from[1], NIS_WINDOW * EVERY, 1e-9);
    ck_assert_double_eq_tol(bench.limits.silence[1], 5 * EVERY, 1e-9);
    ck_assert_double_eq(bench.limits.settle, 0);
    bench_close(&bench);
}
END_TEST

START_TEST(a_longer_wish_is_a_wider_limit)
{
    double cusum = 0, nis = 0;
    for (double days = 0.01; days < 1e5; days *= 10) {
        Bench bench = bench_open(1, days, 1);
        ck_assert_double_gt(bench.limits.cusum, cusum);
        ck_assert_double_gt(bench.limits.nis, nis);
        cusum = bench.limits.cusum;
        nis = bench.limits.nis;
        bench_close(&bench);
    }
}
END_TEST

// --- white noise ---------------------------------------------------------------------------------------------------

/* What white noise raises over so many samples: how often the tests begin to speak, and how often that becomes a verdict. */
static void false_alarms(double days, int samples, int *suspicions, int *verdicts)
{
    Bench bench = bench_open(2, days, 3);
    DetectState was = DETECT_CALM;
    *suspicions = *verdicts = 0;
    for (int i = 0; i < samples; i++) {
        judge(&bench, i % 2, random_normal(bench.seed, 0, (uint64_t)i));
        bench.tick += i % 2 ? EVERY : 0;
        const DetectState is = state(&bench);
        *suspicions += was == DETECT_CALM && is != DETECT_CALM;
        *verdicts += was < DETECT_PROCESS && is >= DETECT_PROCESS;
        was = is;
    }
    bench_close(&bench);
}

/* 2e6 samples are 35 days of two sensors: 1.2 false alarms are stated, and more than 5 would be one case in a thousand. */
START_TEST(white_noise_keeps_quiet_over_two_million_samples)
{
    int suspicions, verdicts;
    false_alarms(30, 2000000, &suspicions, &verdicts);
    ck_assert_int_le(suspicions, 5);
    ck_assert_int_le(verdicts, suspicions);
}
END_TEST

/* The same where they are frequent enough to be counted: 8 days of samples, with a tenth of a day between two. */
START_TEST(the_tests_speak_about_as_often_as_stated)
{
    enum { SAMPLES = 450000 };
    const double stated = SAMPLES / 2 * 3.04 / 86400 / 0.1;
    int suspicions, verdicts;
    false_alarms(0.1, SAMPLES, &suspicions, &verdicts);
    ck_assert_msg(suspicions <= stated * 1.3 && suspicions >= stated / 3, "%d suspicions, %.0f stated", suspicions, stated);
    ck_assert_int_le(verdicts, suspicions);
}
END_TEST

// --- faults --------------------------------------------------------------------------------------------------------

START_TEST(a_shift_of_every_sensor_is_the_process_within_a_few_samples)
{
    for (int sign = -1; sign <= 1; sign += 2)
        for (uint64_t seed = 0; seed < 50; seed++) {
            Bench bench = bench_open(2, 30, 100 + seed);
            const double shift[] = {3.0 * sign, 3.0 * sign};
            for (int i = 0; i < 40; i++)
                round_of_samples(&bench, quiet);
            ck_assert_int_eq(state(&bench), DETECT_CALM);
            ck_assert_int_le(rounds_until_verdict(&bench, shift, 20), 10);
            ck_assert_int_eq(state(&bench), DETECT_PROCESS);
            ck_assert_int_eq(detect_cause(bench.block, LANE).cause, CAUSE_PROCESS);
            ck_assert_int_eq(detect_since(bench.block, LANE), bench.tick - EVERY);
            bench_close(&bench);
        }
}
END_TEST

START_TEST(a_shift_of_one_sensor_is_that_sensor)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        Bench bench = bench_open(3, 30, 200 + seed);
        const uint16_t bad = seed % 3;
        double shift[3] = {0};
        shift[bad] = seed % 2 ? 3 : -3;
        for (int i = 0; i < 40; i++)
            round_of_samples(&bench, quiet);
        ck_assert_int_le(rounds_until_verdict(&bench, shift, 40), 20);
        ck_assert_int_eq(state(&bench), DETECT_SENSOR);
        ck_assert_uint_eq(detect_blamed(bench.block, LANE), bad);
        judge(&bench, bad, shift[bad]);
        ck_assert(!bench.entered);  // it is not used...
        judge(&bench, (bad + 1) % 3, 0);
        ck_assert(bench.entered);   // ...and the others are
        bench_close(&bench);
    }
}
END_TEST

START_TEST(sensors_that_leave_in_opposite_directions_are_no_change_of_the_process)
{
    Bench bench = bench_open(2, 30, 7);
    const double apart[] = {3, -3};
    for (int i = 0; i < 40; i++)
        round_of_samples(&bench, quiet);
    ck_assert_int_le(rounds_until_verdict(&bench, apart, 40), 20);
    ck_assert_int_eq(state(&bench), DETECT_SENSOR);
    bench_close(&bench);
}
END_TEST

START_TEST(a_sensor_is_acquitted_when_the_others_follow)
{
    Bench bench = bench_open(2, 30, 8);
    const double one[] = {3, 0}, both[] = {3, 3};
    for (int i = 0; i < 40; i++)
        round_of_samples(&bench, quiet);
    rounds_until_verdict(&bench, one, 40);
    ck_assert_int_eq(state(&bench), DETECT_SENSOR);
    for (int i = 0; i < 15; i++)
        round_of_samples(&bench, both);
    ck_assert_int_eq(state(&bench), DETECT_PROCESS);
    bench_close(&bench);
}
END_TEST

START_TEST(with_one_sensor_every_fault_is_the_process)
{
    Bench bench = bench_open(1, 30, 9);
    const double shift[] = {3};
    ck_assert_int_le(rounds_until_verdict(&bench, shift, 40), 10);
    ck_assert_int_eq(state(&bench), DETECT_PROCESS);
    bench_close(&bench);
}
END_TEST

START_TEST(more_noise_without_a_shift_is_noticed_too)
{
    Bench bench = bench_open(1, 30, 10);
    for (int i = 0; i < 40; i++)
        round_of_samples(&bench, quiet);
    for (int i = 0; i < 60 && state(&bench) < DETECT_PROCESS; i++) {
        judge(&bench, 0, 2.5 * random_normal(10, 9, (uint64_t)i));
        bench.tick += EVERY;
    }
    ck_assert_int_ge(state(&bench), DETECT_PROCESS);
    bench_close(&bench);
}
END_TEST

START_TEST(a_single_outlier_is_held_back_without_a_verdict)
{
    Bench bench = bench_open(2, 30, 11);
    for (int i = 0; i < 40; i++)
        round_of_samples(&bench, quiet);
    const double index = own_index(&bench);
    judge(&bench, 0, 10);
    ck_assert(!bench.entered);
    ck_assert_int_eq(state(&bench), DETECT_CALM);
    ck_assert_double_le(own_index(&bench), index);  // it counts for nothing
    bench.tick += EVERY;
    judge(&bench, 0, 0.5);
    ck_assert(bench.entered);
    for (int i = 0; i < NIS_WINDOW; i++)
        round_of_samples(&bench, quiet);
    judge(&bench, 0, -10);
    ck_assert(!bench.entered);
    judge(&bench, 0, -10);  // the second in a row is no outlier any more
    ck_assert(bench.entered);
    ck_assert_double_ne(own_index(&bench), index);
    bench_close(&bench);
}
END_TEST

START_TEST(outliers_are_let_in_while_the_twin_finds_its_state)
{
    Bench bench = bench_open(2, 30, 12);
    judge(&bench, 0, 10);
    ck_assert(bench.entered);
    bench_close(&bench);
}
END_TEST

START_TEST(a_verdict_returns_after_the_fault_has_ended)
{
    const double shifts[][2] = {{4, 4}, {4, 0}};
    for (int kind = 0; kind < 2; kind++) {
        Bench bench = bench_open(2, 30, 13);
        for (int i = 0; i < 40; i++)
            round_of_samples(&bench, quiet);
        ck_assert_int_le(rounds_until_verdict(&bench, shifts[kind], 40), 20);
        for (int i = 0; i < 50; i++) {
            round_of_samples(&bench, shifts[kind]);
            ck_assert_int_ge(state(&bench), DETECT_PROCESS);
        }
        int rounds = 0;
        for (; state(&bench) >= DETECT_PROCESS && rounds < 200; rounds++)
            round_of_samples(&bench, quiet);
        ck_assert_int_ge(rounds, 20);  // samples of quiet come first
        ck_assert_int_le(rounds, 80);
        ck_assert_int_eq(state(&bench), DETECT_CALM);
        judge(&bench, 0, 0);
        ck_assert(bench.entered);
        bench_close(&bench);
    }
}
END_TEST

START_TEST(nothing_is_judged_while_the_twin_settles)
{
    Bench bench = bench_open(2, 30, 14);
    bench.limits.settle = 50 * EVERY;
    const double shift[] = {4, 4};
    for (int i = 0; i < 50; i++) {
        ck_assert(detect_is_settling(&bench.limits, bench.block, LANE, bench.tick));
        round_of_samples(&bench, shift);
        ck_assert_int_eq(state(&bench), DETECT_CALM);
        ck_assert_double_eq(own_index(&bench), 0);
    }
    ck_assert(!detect_is_settling(&bench.limits, bench.block, LANE, bench.tick));
    ck_assert_int_le(rounds_until_verdict(&bench, shift, 20), 10);
    bench_close(&bench);
}
END_TEST

START_TEST(a_change_of_the_process_opens_what_may_have_jumped)
{
    Bench bench = bench_open(2, 30, 15);
    const Model *model = bench.block->model;
    const Channel *leak = scripts_channel(model, "leak");
    const double shift[] = {4, 4};
    *bench_cell(&bench, model_covariance(model, 0, 1)) = 0.3;
    rounds_until_verdict(&bench, shift, 20);
    ck_assert_int_eq(state(&bench), DETECT_PROCESS);
    ck_assert_double_eq(*bench_cell(&bench, leak->variance), 9);
    ck_assert_double_eq(*bench_cell(&bench, model_covariance(model, 0, 1)), 0);
    ck_assert_double_eq(*bench_cell(&bench, model->parted), 1);
    ck_assert_double_eq(*bench_cell(&bench, model->frozen), 1);
    for (int i = 0; i < 100; i++)
        round_of_samples(&bench, quiet);
    ck_assert_double_eq(*bench_cell(&bench, model->parted), 0);
    ck_assert_double_eq(*bench_cell(&bench, model->frozen), 0);
    bench_close(&bench);
}
END_TEST

// --- the index -----------------------------------------------------------------------------------------------------

/* The two tests of one sensor, written plainly. */
typedef struct Plain {
    double up, down, squares[NIS_WINDOW];
    int count;
} Plain;

static void plain_feed(Plain *plain, const DetectLimits *limits, double z)
{
    z = fmin(fmax(z, -4), 4);
    plain->up = fmin(1.5 * limits->cusum, fmax(0, plain->up + z - 1));
    plain->down = fmin(1.5 * limits->cusum, fmax(0, plain->down - z - 1));
    plain->squares[plain->count++ % NIS_WINDOW] = z * z;
}

static double plain_window(const Plain *plain)
{
    double sum = 0;
    for (int i = 0; i < NIS_WINDOW; i++)
        sum += plain->squares[i];
    return plain->count < NIS_WINDOW ? 0 : sum;
}

/* Until the first verdict, which resets some tests, the index is what the plain tests say, and 1 or more exactly when one is beyond its limit. */
START_TEST(the_index_is_one_or_more_exactly_when_a_test_is_beyond_its_limit)
{
    int beyond = 0, within = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        Bench bench = bench_open(2, 30, 300 + seed);
        Plain plain[2] = {0};
        for (uint64_t i = 0; i < 150 && state(&bench) < DETECT_PROCESS; i++) {
            double index = 0;
            bool any = false;
            for (uint16_t s = 0; s < 2 && state(&bench) < DETECT_PROCESS; s++) {
                const double z = fmin((i > 60 && s == 0 ? 2.0 * random_uniform(seed, 7, 0) : 0) + random_normal(bench.seed, s, i), 4.9);  // none is held back
                judge(&bench, s, z);
                plain_feed(&plain[s], &bench.limits, z);
            }
            if (state(&bench) >= DETECT_PROCESS)
                break;
            for (int s = 0; s < 2; s++) {
                const double cusum = fmax(plain[s].up, plain[s].down), window = plain_window(&plain[s]);
                index = fmax(index, fmax(cusum / bench.limits.cusum, window / bench.limits.nis));
                any |= cusum > bench.limits.cusum || window > bench.limits.nis;
            }
            ck_assert_double_eq_tol(own_index(&bench), index, 1e-12);
            ck_assert_int_eq(own_index(&bench) >= 1, any);
            ck_assert_int_eq(state(&bench) == DETECT_SUSPECT, any);
            beyond += any;
            within += !any;
            bench.tick += EVERY;
        }
        bench_close(&bench);
    }
    ck_assert_int_gt(beyond, 20);
    ck_assert_int_gt(within, 1000);
}
END_TEST

START_TEST(silence_is_counted_from_the_last_sample)
{
    Bench bench = bench_open(2, 30, 16);
    ck_assert_int_eq(detect_silence(bench.block, LANE, 0, 1000), -1);
    detect_heard(bench.block, UINT64_C(1) << LANE, 0, 1000);
    ck_assert_int_eq(detect_silence(bench.block, LANE, 0, 1000), 0);
    ck_assert_int_eq(detect_silence(bench.block, LANE, 0, 1042), 42);
    ck_assert_int_eq(detect_silence(bench.block, LANE, 1, 1042), -1);
    bench_close(&bench);
}
END_TEST

START_TEST(lanes_are_judged_each_on_its_own)
{
    Bench bench = bench_open(2, 30, 17);
    const double shift[] = {4, 4};
    rounds_until_verdict(&bench, shift, 20);
    for (uint32_t lane = 0; lane < LANES; lane++) {
        ck_assert_int_eq(detect_state(bench.block, lane), lane == LANE ? DETECT_PROCESS : DETECT_CALM);
        ck_assert_int_eq(index_of(&bench, lane) > 0, lane == LANE);
    }
    bench_close(&bench);
}
END_TEST

/* Some lanes shift, some do not, some say nothing at times: every way to a verdict and back is among them. */
START_TEST(lanes_that_are_judged_together_are_judged_as_each_alone)
{
    Bench together = bench_open(3, 0.01, 18), alone = bench_open(3, 0.01, 18);
    const size_t kept = (size_t)together.block->model->kept_count * LANES * sizeof(double);
    uint64_t verdicts = 0;
    for (uint64_t round = 0; round < 400; round++) {
        const uint16_t sensor = (uint16_t)(round % 3);
        const Sensor *s = &together.block->model->sensors[sensor];
        uint64_t lanes = 0, entered = 0;
        for (uint32_t lane = 0; lane < LANES; lane++) {
            const double shift = round < 60 || round > 250 ? 0 : lane % 4 == 1 ? 3 : lane % 4 == 2 && sensor == 1 ? -4 : lane % 4 == 3 && round % 50 == 0 ? 20 : 0;
            for (int b = 0; b < 2; b++) {
                double *columns = (b ? &alone : &together)->block->columns;
                columns[(size_t)s->innovation * LANES + lane] = shift + random_normal(18, lane, round);
                columns[(size_t)s->innovation_variance * LANES + lane] = 1;
            }
            lanes |= (uint64_t)(random_uniform(18, lane + 64u, round) < 0.9) << lane;
        }

        for (uint64_t left = lanes; left; left &= left - 1)
            entered |= detect_judge(&alone.limits, alone.block, left & -left, sensor, 1000 + (int64_t)round, alone.desk);
        ck_assert_uint_eq(detect_judge(&together.limits, together.block, lanes, sensor, 1000 + (int64_t)round, together.desk), entered);
        detect_index(&together.limits, together.block, lanes);
        for (uint64_t left = lanes; left; left &= left - 1)
            detect_index(&alone.limits, alone.block, left & -left);
        ck_assert(memcmp(together.block->columns, alone.block->columns, kept) == 0);
        const uint64_t parted = detect_parted(&together.limits, together.block, 1000);
        for (uint32_t lane = 0; lane < LANES; lane++)
            ck_assert_uint_eq(parted >> lane & 1, detect_state(together.block, lane) >= DETECT_PROCESS);
        verdicts |= parted;
    }
    ck_assert_int_gt(__builtin_popcountll(verdicts), 20);
    ck_assert_int_lt(__builtin_popcountll(detect_parted(&together.limits, together.block, 1000)), __builtin_popcountll(verdicts));
    bench_close(&together);
    bench_close(&alone);
}
END_TEST

KIT_MAIN("sync.detect", lanes_that_are_judged_together_are_judged_as_each_alone, limits_of_the_incubator_are_those_of_the_closed_forms, times_follow_from_the_sensors_period, a_longer_wish_is_a_wider_limit,
         white_noise_keeps_quiet_over_two_million_samples, the_tests_speak_about_as_often_as_stated, a_shift_of_every_sensor_is_the_process_within_a_few_samples,
         a_shift_of_one_sensor_is_that_sensor, sensors_that_leave_in_opposite_directions_are_no_change_of_the_process, a_sensor_is_acquitted_when_the_others_follow,
         with_one_sensor_every_fault_is_the_process, more_noise_without_a_shift_is_noticed_too, a_single_outlier_is_held_back_without_a_verdict,
         outliers_are_let_in_while_the_twin_finds_its_state, a_verdict_returns_after_the_fault_has_ended, nothing_is_judged_while_the_twin_settles,
         a_change_of_the_process_opens_what_may_have_jumped, the_index_is_one_or_more_exactly_when_a_test_is_beyond_its_limit, silence_is_counted_from_the_last_sample,
         lanes_are_judged_each_on_its_own)
