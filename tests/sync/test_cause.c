/* Hypotheses against closed forms: a sensor on a random walk, of which the filter's gain is known. */
#include "base/random.h"
#include "plant/plants.h"
#include "sync/cause.h"

/* One twin of a walk that two gauges see. */
typedef struct Bench {
    Plant *plant;
    Arena arena;
    Desk *desk;
    Finding finding;
} Bench;

static Bench bench_open(double noise)
{
    char text[1024];
    snprintf(text, sizeof text,
             "return model 'walk' {\n"
             "  params = { gain = { 1, '1', min = 0, max = 9 }, push = { 0, '1/s', estimate = 0, sd = 0.01, jump = 2 } },\n"
             "  states = { x = { 0, '1', noise = %.17g, sd = 1 } },\n"
             "  equations = function(t) t.x.rate = t.push end,\n"
             "  sensors = { a = { of = 'x', noise = 1, every = 1 }, b = { of = function(t) return t.gain * t.x end, noise = 1, every = 1 } },\n"
             "}\n", noise);
    scripts_write("walk.lua", text);
    Bench bench = {.plant = plants_load("return plant 'yard' { step = 1, assets = { w = { 'walk' } } }", 1)};
    bench.desk = cause_create(bench.plant, &bench.plant->scratch[0], &bench.arena);
    ck_assert_ptr_nonnull(bench.desk);
    return bench;
}

static void bench_close(Bench *bench)
{
    plant_destroy(bench->plant);
    arena_fini(&bench->arena);
}

/* What is asked of the desk: `count` samples of both gauges, each the noise of a stream and the shift that `shape` gives for its age. */
static void ask(Bench *bench, uint64_t seed, double size, double (*shape)(int sensor, int age))
{
    Series *series = cause_series(bench->desk);
    for (int i = 0; i < 2; i++) {
        series[i] = (Series){.count = NIS_WINDOW, .folded = true};
        for (int k = 0; k < NIS_WINDOW; k++)
            series[i].z[k] = size * shape(i, k) + (seed ? random_normal(seed, (uint32_t)i, (uint64_t)k) : 0);
    }
    cause_find(bench->desk, &bench->plant->blocks[0], 0, 0, 1, 15, &bench->finding);
}

static void set_variance(Bench *bench, double variance)
{
    const Model *model = plant_model(bench->plant, 0);
    *plant_cell(bench->plant, 0, model->channels[0].variance) = variance;
}

/* The filter trusts its model: what a sensor shows stays. */
static double on_a(int sensor, int age) { return sensor == 0 && age < 10 ? 1 : 0; }
static double on_a_ramp(int sensor, int age) { return sensor == 0 && age < 10 ? 10 - age : 0; }
static double on_both_ramp(int sensor, int age) { (void)sensor; return age < 10 ? 10 - age : 0; }

START_TEST(a_bias_is_found_with_its_size_its_onset_and_the_evidence_of_the_closed_form)
{
    Bench bench = bench_open(0);
    set_variance(&bench, 1e-12);
    ask(&bench, 0, 3, on_a);
    const Finding *finding = &bench.finding;
    ck_assert_int_eq(finding->cause, CAUSE_BIAS);
    ck_assert_uint_eq(finding->sensor, 0);
    ck_assert_double_eq_tol(finding->size, 3, 1e-2);
    ck_assert_double_eq_tol(finding->onset, 10, 1e-9);
    ck_assert_double_eq_tol(finding->sd, 1 / sqrt(10), 1e-3);          // ten samples of unit information
    // half of the noncentrality, less what a free size costs, and one of three where ten are to be expected
    ck_assert_double_eq_tol(finding->evidence, 10 * 3 * 3 / 2.0 - log(1 + 10 * 10 * 10) / 2 - log(1 + 3 * 3 / 100.0), 0.1);
    bench_close(&bench);
}
END_TEST

/* With the gain K a bias of one unit has pulled the estimate by 1 - (1 - K)^n after n samples: what is left of it in the innovations is (1 - K)^n. In the steady
 * state of a walk of variance q per step K = p / (p + r) with p = (q + sqrt(q^2 + 4 q r)) / 2; two gauges of variance 1 count as one of 1/2. */
START_TEST(a_bias_decays_by_one_minus_the_gain_and_has_pulled_the_estimate_by_the_rest)
{
    enum { SAMPLES = 6 };
    const double q = 0.04, r = 0.5, p = (q + sqrt(q * q + 4 * q * r)) / 2;
    const double first = p / (p + 1), between = p / (p + 1), second = between / (between + 1);  // gains of a, then of b on what is left
    double deviation = 0;
    Bench bench = bench_open(sqrt(q));
    set_variance(&bench, p);
    Series *series = cause_series(bench.desk);
    series[0] = series[1] = (Series){.count = NIS_WINDOW, .folded = true};
    for (int k = SAMPLES - 1; k >= 0; k--) {
        const double of_a = 1 + deviation;
        deviation -= first * of_a;
        const double of_b = deviation;
        deviation -= second * of_b;
        series[0].z[k] = 20 * of_a / sqrt(p + 1);
        series[1].z[k] = 20 * of_b / sqrt(between + 1);
    }
    cause_find(bench.desk, &bench.plant->blocks[0], 0, 0, 1, 15, &bench.finding);
    ck_assert_int_eq(bench.finding.cause, CAUSE_BIAS);
    ck_assert_uint_eq(bench.finding.sensor, 0);
    ck_assert_double_eq_tol(bench.finding.size, 20, 0.1);
    ck_assert_double_eq_tol(bench.finding.onset, SAMPLES, 1e-9);
    ck_assert_double_eq_tol(bench.finding.deviation[0], 20 * deviation, 0.1);
    bench_close(&bench);
}
END_TEST

START_TEST(what_ramps_on_one_sensor_is_its_drift_and_on_all_the_value_that_pushes)
{
    Bench bench = bench_open(0);
    set_variance(&bench, 1e-12);
    ask(&bench, 0, 0.5, on_a_ramp);
    ck_assert_int_eq(bench.finding.cause, CAUSE_DRIFT);
    ck_assert_double_eq_tol(bench.finding.size, 0.5, 1e-2);
    ask(&bench, 0, 0.5, on_both_ramp);
    ck_assert_int_eq(bench.finding.cause, CAUSE_PROCESS);
    ck_assert_str_eq(plant_model(bench.plant, 0)->channels[bench.finding.channels[0]].name, "push");
    ck_assert_double_eq_tol(bench.finding.size, 0.5, 1e-2);
    bench_close(&bench);
}
END_TEST

/* The likelihood ratio of one hypothesis at one onset is half of a chi-square of one degree of freedom. There are five hypotheses here at 48 onsets: no more than their
 * union passes, and that it should take as much as a false alarm happens less often than one in e^rarity. */
START_TEST(white_noise_gives_no_evidence_like_that_of_an_alarm)
{
    enum { ROUNDS = 500 };
    const double limit = 9;  // nats: the tail of chi-square of one degree beyond 18 is 2.2e-5
    int beyond = 0;
    Bench bench = bench_open(0.2);
    set_variance(&bench, 0.2);
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        ask(&bench, seed, 0, on_a);
        beyond += bench.finding.cause != CAUSE_NOISE && bench.finding.evidence > limit;
    }
    const double stated = ROUNDS * 6 * 48 * 2.2e-5;
    ck_assert_msg(beyond <= stated + 4 * sqrt(stated), "%d beyond, at most %.1f stated", beyond, stated);
    bench_close(&bench);
}
END_TEST

/* n/2 (s^2 - 1 - ln s^2), less what it costs that s is free (the logarithm of a variance is known from n samples to a variance of 2/n, and was expected
 * within 4.6, a hundredfold variance), and that the onset is any of n. */
START_TEST(noise_that_has_grown_has_the_evidence_of_the_closed_form_and_a_shift_is_none)
{
    Series series = {.count = NIS_WINDOW};
    double squares = 0;
    for (int k = 0; k < NIS_WINDOW; k++) {
        series.z[k] = (k % 4 < 2 ? 1 : -1) * (k % 2 ? 2.0 : 3.0);
        squares += series.z[k] * series.z[k];
    }
    const double n = NIS_WINDOW, variance = squares / n;
    const Scatter noise = cause_of_noise(&series);
    ck_assert_uint_eq(noise.count, NIS_WINDOW);
    ck_assert_double_eq_tol(noise.factor, sqrt(variance), 1e-12);
    ck_assert_double_eq_tol(noise.evidence, n / 2 * (variance - 1 - log(variance)) - log(1 + n / 2 * 4.6 * 4.6) / 2 - log(n), 1e-6);
    for (int large = 1; large < 12; large++) {
        for (int k = 0; k < NIS_WINDOW; k++)
            series.z[k] = k < large ? 30 : 0;
        ck_assert_uint_eq(cause_of_noise(&series).count, 0);  // on one side, however few
    }
}
END_TEST

START_TEST(a_few_wild_samples_among_quiet_ones_are_no_noise)
{
    Series series = {.count = NIS_WINDOW};
    for (int k = 0; k < NIS_WINDOW; k++)
        series.z[k] = k % 7 == 0 ? (k % 2 ? -40 : 40) : (k % 4 < 2 ? 0.9 : -0.9);
    ck_assert_double_eq(cause_of_noise(&series).evidence, 0);
}
END_TEST

KIT_MAIN("sync.cause", a_bias_is_found_with_its_size_its_onset_and_the_evidence_of_the_closed_form, a_bias_decays_by_one_minus_the_gain_and_has_pulled_the_estimate_by_the_rest,
         what_ramps_on_one_sensor_is_its_drift_and_on_all_the_value_that_pushes, white_noise_gives_no_evidence_like_that_of_an_alarm,
         noise_that_has_grown_has_the_evidence_of_the_closed_form_and_a_shift_is_none, a_few_wild_samples_among_quiet_ones_are_no_noise)
