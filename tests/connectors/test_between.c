#include "connectors/tape/between.h"

#include <math.h>
#include <string.h>

#include "kit/kit.h"

enum { COUNT = 400 };  // of most recordings below
static const int64_t STEP = NS_PER_S / 2;

static RecordingColumn column_of(Between between)
{
    return (RecordingColumn){.column = "flow", .tag = 5, .input = true, .between = between, .min = -INFINITY, .max = INFINITY};
}

/* `count` samples of `shape`, which is told seconds, `interval` apart from 1,000 s on. */
static void sample_shape(double (*shape)(double), int64_t interval, Sample *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t time = 1000 * NS_PER_S + (int64_t)i * interval;
        out[i] = (Sample){.tag = 5, .time = time, .quality = QUALITY_GOOD, .value = shape((double)time / 1e9)};
    }
}

static Samples fill(const RecordingColumn *column, const Sample *given, size_t count)
{
    Samples out = {0};
    ErrText why = {""};
    ck_assert_msg(between_fill(column, STEP, given, count, &out, &why) == ERR_OK, "%s", why.text);
    for (size_t i = 1; i < out.count; i++)
        ck_assert_int_lt(out.items[i - 1].time, out.items[i].time);
    return out;
}

/* Whether a sample was made, and not given: then it stands at the end of a tick, and acts in the step behind it. */
static bool is_made(const Sample *sample)
{
    return (sample->time + 1) % STEP == 0;
}

static double middle_of_its_step(const Sample *sample)
{
    return (double)(sample->time + 1 + STEP / 2) / 1e9;
}

static double rising(double t)
{
    return 3 * t - 7;
}

START_TEST(linear_reproduces_a_straight_line_exactly)
{
    Sample given[COUNT];
    const RecordingColumn column = column_of(BETWEEN_LINEAR);
    sample_shape(rising, 4 * NS_PER_S, given, COUNT);
    Samples out = fill(&column, given, COUNT);

    // the first sample, one for each of the steps behind it, the last sample
    ck_assert_uint_eq(out.count, (COUNT - 1) * 8 + 2);
    for (size_t i = 1; i + 2 < out.count; i++) {
        ck_assert(is_made(&out.items[i]));
        ck_assert_double_eq(out.items[i].value, rising(middle_of_its_step(&out.items[i])));
    }
    ck_assert_mem_eq(&out.items[0], &given[0], sizeof *given);
    ck_assert_mem_eq(&out.items[out.count - 1], &given[COUNT - 1], sizeof *given);
    samples_fini(&out);
}
END_TEST

START_TEST(nothing_is_known_behind_the_last_sample)
{
    const Sample given[] = {{.tag = 5, .time = 10 * NS_PER_S, .value = 1}, {.tag = 5, .time = 12 * NS_PER_S, .value = 5}};
    const RecordingColumn column = column_of(BETWEEN_LINEAR);
    Samples out = fill(&column, given, 2);
    ck_assert_double_eq(out.items[out.count - 3].value, 4.5);  // in the middle of the last step before
    ck_assert_double_eq(out.items[out.count - 2].value, 5);    // and not beyond
    samples_fini(&out);
}
END_TEST

START_TEST(a_gap_is_held_and_not_bridged)
{
    Sample given[COUNT];
    RecordingColumn column = column_of(BETWEEN_LINEAR);
    sample_shape(rising, 4 * NS_PER_S, given, 8);
    for (size_t i = 4; i < 8; i++)
        given[i].time += 41 * NS_PER_S - 4 * NS_PER_S;  // one interval of 41 s among those of 4 s
    Samples out = fill(&column, given, 8);
    for (size_t i = 0; i < out.count; i++)
        ck_assert(out.items[i].time <= given[3].time || out.items[i].time >= given[4].time);
    samples_fini(&out);

    // a limit of one's own, and the gap is none
    column.gap_ns = 41 * NS_PER_S;
    out = fill(&column, given, 8);
    size_t inside = 0;
    for (size_t i = 0; i < out.count; i++)
        inside += out.items[i].time > given[3].time && out.items[i].time < given[4].time;
    ck_assert_uint_eq(inside, 82);
    samples_fini(&out);
}
END_TEST

/* Sines, by their share of half the rate of the samples, which is 1/8 Hz. */
static double share;
static double sine(double t)
{
    return sin(2 * M_PI * share / 8 * t + 0.3);
}

/* The largest error of the middle, where the window is full. */
static double worst_error(Between between)
{
    Sample given[COUNT];
    double worst = 0;
    const RecordingColumn column = column_of(between);
    sample_shape(sine, 4 * NS_PER_S, given, COUNT);
    Samples out = fill(&column, given, COUNT);
    for (size_t i = 0; i < out.count; i++)
        if (is_made(&out.items[i]) && out.items[i].time > given[16].time && out.items[i].time < given[COUNT - 18].time)
            worst = fmax(worst, fabs(out.items[i].value - sine(middle_of_its_step(&out.items[i]))));
    samples_fini(&out);
    return worst;
}

START_TEST(band_reproduces_a_sine_to_1e_4_up_to_80_percent_of_the_limit)
{
    for (share = 0.05; share < 0.8001; share += 0.05) {
        const double error = worst_error(BETWEEN_BAND);
        ck_assert_msg(error < 1e-4, "%g of the limit: %g", share, error);
    }
}
END_TEST

/* On a chord of half the angle p between two samples a sine is off by 1 - cos p at most. */
START_TEST(a_straight_line_through_a_sine_is_off_by_its_sagitta)
{
    share = 0.25;
    ck_assert_double_le(worst_error(BETWEEN_LINEAR), 1 - cos(M_PI * share / 2));
    ck_assert_double_ge(worst_error(BETWEEN_LINEAR), 0.9 * (1 - cos(M_PI * share / 2)));
}
END_TEST

static double constant(double t)
{
    (void)t;
    return 17.25;
}

START_TEST(band_leaves_a_constant_and_the_samples_themselves_as_they_are)
{
    Sample given[COUNT];
    const RecordingColumn column = column_of(BETWEEN_BAND);
    sample_shape(constant, 4 * NS_PER_S, given, COUNT);
    Samples out = fill(&column, given, COUNT);
    for (size_t i = 0; i < out.count; i++)
        ck_assert_double_eq_tol(out.items[i].value, 17.25, 1e-13);
    samples_fini(&out);

    // samples in the middles of steps
    share = 0.7;
    sample_shape(sine, 4 * NS_PER_S, given, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        given[i].time += STEP / 2;
    out = fill(&column, given, COUNT);
    size_t met = 0;
    for (size_t i = 0, g = 0; i < out.count; i++) {
        while (g < COUNT && given[g].time < out.items[i].time + 1 + STEP / 2)
            g++;
        if (!is_made(&out.items[i]) || g == COUNT || given[g].time != out.items[i].time + 1 + STEP / 2)
            continue;
        ck_assert_double_eq(out.items[i].value, given[g].value);
        met++;
    }
    ck_assert_uint_ge(met, COUNT - 2);
    samples_fini(&out);
}
END_TEST

START_TEST(band_is_a_straight_line_near_ends_and_where_a_sample_is_missing)
{
    Sample given[COUNT];
    share = 0.5;
    sample_shape(sine, 4 * NS_PER_S, given, COUNT);
    memmove(&given[200], &given[201], (COUNT - 201) * sizeof *given);
    const RecordingColumn line = column_of(BETWEEN_LINEAR), band = column_of(BETWEEN_BAND);
    Samples straight = fill(&line, given, COUNT - 1), smooth = fill(&band, given, COUNT - 1);
    ck_assert_uint_eq(smooth.count, straight.count);

    size_t same = 0;
    for (size_t i = 0; i < smooth.count; i++) {
        const double at = (double)(smooth.items[i].time - given[0].time) / 4e9;
        const bool plain = at < 14.8 || at > COUNT - 16 || (at > 185 && at < 214.8);
        if (plain)
            ck_assert_double_eq(smooth.items[i].value, straight.items[i].value);
        same += smooth.items[i].value == straight.items[i].value;
    }
    ck_assert_uint_lt(same, 70 * 8);
    samples_fini(&straight);
    samples_fini(&smooth);
}
END_TEST

START_TEST(band_refuses_samples_at_unequal_distances_and_says_how_many)
{
    Sample given[COUNT];
    const RecordingColumn column = column_of(BETWEEN_BAND);
    Samples out = {0};
    ErrText why;
    sample_shape(rising, 4 * NS_PER_S, given, 100);
    for (size_t i = 1; i < 100; i += 8)
        given[i].time += NS_PER_S / 4;
    ck_assert_int_eq(between_fill(&column, STEP, given, 100, &out, &why), ERR_PARSE);
    ck_assert_str_eq(why.text, "column \"flow\": between = \"band\" needs samples at equal distances, but 26 of 99 intervals differ from 4 s by more than 2 %: use \"linear\"");
    samples_fini(&out);
}
END_TEST

static double step_up(double t)
{
    return t < 1800 ? 0 : 1;
}

/* A band-limited step overshoots by 9 % (Gibbs), and a valve cannot be open by more than all of it. */
START_TEST(what_lies_between_keeps_within_the_limits_of_the_input)
{
    Sample given[COUNT];
    RecordingColumn column = column_of(BETWEEN_BAND);
    sample_shape(step_up, 4 * NS_PER_S, given, COUNT);
    for (int limited = 0; limited < 2; limited++) {
        double highest = 0;
        Samples out = fill(&column, given, COUNT);
        for (size_t i = 0; i < out.count; i++)
            highest = fmax(highest, out.items[i].value);
        if (limited)
            ck_assert_double_eq(highest, 1);
        else
            ck_assert_double_gt(highest, 1.05);
        samples_fini(&out);
        column.min = 0;
        column.max = 1;
    }
}
END_TEST

START_TEST(none_or_one_sample_is_passed_on)
{
    const RecordingColumn column = column_of(BETWEEN_BAND);
    const Sample one = {.tag = 5, .time = -3, .value = 2};
    Samples out = fill(&column, NULL, 0);
    ck_assert_uint_eq(out.count, 0);
    out = fill(&column, &one, 1);
    ck_assert_uint_eq(out.count, 1);
    ck_assert_int_eq(out.items[0].time, -3);
    samples_fini(&out);
}
END_TEST

START_TEST(the_ends_of_time_do_not_overflow)
{
    const Sample given[] = {{.tag = 5, .time = INT64_MIN + 1}, {.tag = 5, .time = INT64_MAX - 2}, {.tag = 5, .time = INT64_MAX - 1}};
    const RecordingColumn column = column_of(BETWEEN_LINEAR);
    Samples out = fill(&column, given, 3);
    ck_assert_uint_ge(out.count, 3);
    samples_fini(&out);
}
END_TEST

START_TEST(a_sample_per_step_of_a_far_too_long_recording_is_refused)
{
    const Sample given[] = {{.tag = 5, .time = 0}, {.tag = 5, .time = 365 * 86400 * NS_PER_S}};
    RecordingColumn column = column_of(BETWEEN_LINEAR);
    Samples out = {0};
    ErrText why;
    ck_assert_int_eq(between_fill(&column, NS_PER_S / 1000, given, 2, &out, &why), ERR_RANGE);
    ck_assert_str_eq(why.text, "column \"flow\": too many samples with a sample at every step of 0.001 s (at most 50000000)");
    samples_fini(&out);
}
END_TEST

START_TEST(a_failed_allocation_is_an_error_wherever_it_falls)
{
    Sample given[COUNT];
    const RecordingColumn column = column_of(BETWEEN_LINEAR);
    sample_shape(rising, 4 * NS_PER_S, given, COUNT);
    size_t n = 0;
    for (Err err = ERR_MEMORY; err != ERR_OK; n++) {
        Samples out = {0};
        kit_fail_allocation(n + 1);
        err = between_fill(&column, STEP, given, COUNT, &out, NULL);
        ck_assert(err == ERR_OK || err == ERR_MEMORY);
        samples_fini(&out);
    }
    kit_fail_allocation(0);
    ck_assert_uint_ge(n, 3);
}
END_TEST

KIT_MAIN("connectors.between", linear_reproduces_a_straight_line_exactly, nothing_is_known_behind_the_last_sample, a_gap_is_held_and_not_bridged,
         band_reproduces_a_sine_to_1e_4_up_to_80_percent_of_the_limit, a_straight_line_through_a_sine_is_off_by_its_sagitta,
         band_leaves_a_constant_and_the_samples_themselves_as_they_are, band_is_a_straight_line_near_ends_and_where_a_sample_is_missing,
         band_refuses_samples_at_unequal_distances_and_says_how_many, what_lies_between_keeps_within_the_limits_of_the_input, none_or_one_sample_is_passed_on,
         the_ends_of_time_do_not_overflow, a_sample_per_step_of_a_far_too_long_recording_is_refused, a_failed_allocation_is_an_error_wherever_it_falls)
