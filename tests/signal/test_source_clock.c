/* Clocks of sources: offset and drift from stamps alone, and corrected stamps that never go back. Times pass by the test's hand; delays are Philox numbers. */
#include "signal/source_clock.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "kit/kit.h"
#include "signal/clock_map.h"

static const int64_t BEGIN = INT64_C(1700000000) * NS_PER_S;
static const int64_t PERIOD = NS_PER_S / 10;

/* A source at 10 Hz whose clock is off by `offset` at the beginning and gains `drift_ppb`. */
typedef struct Source {
    int64_t offset, drift_ppb;
    double delay_mean;  // ns, exponential: so none is negative, and some are long
    uint64_t seed;
} Source;

static int64_t stamp_at(const Source *source, int64_t measured)
{
    return measured + source->offset + (measured - BEGIN) / NS_PER_MS * source->drift_ppb / 1000;
}

static int64_t delay_of(const Source *source, int64_t i)
{
    return (int64_t)(-log(1 - random_uniform(source->seed, 0, (uint64_t)i)) * source->delay_mean);
}

static int64_t play(SourceClock *clock, const Source *source, int64_t from, int64_t count)
{
    int64_t came = 0;
    for (int64_t i = from; i < from + count; i++) {
        const int64_t measured = BEGIN + i * PERIOD, arrives = measured + delay_of(source, i);
        came = arrives > came ? arrives : came;  // one connection keeps the order
        source_clock_hear(clock, stamp_at(source, measured), came);
    }
    return came;
}

static ClockReading read(const SourceClock *clock, int64_t now)
{
    ClockReading reading;
    ck_assert(source_clock_read(clock, now, &reading));
    return reading;
}

START_TEST(an_even_delay_leaves_drift_exact_and_is_part_of_the_offset)
{
    SourceClock clock = {0};
    const Source source = {.offset = 2100 * NS_PER_MS, .drift_ppb = 14000};
    for (int64_t i = 0; i < 6000; i++)
        source_clock_hear(&clock, stamp_at(&source, BEGIN + i * PERIOD), BEGIN + i * PERIOD + 30 * NS_PER_MS);

    // in 600 s it has gained 14,000 ns each
    const ClockReading reading = read(&clock, BEGIN + 600 * NS_PER_S + 30 * NS_PER_MS);
    ck_assert_int_eq(reading.offset, source.offset + 600 * 14000 - 30 * NS_PER_MS);
    ck_assert_double_eq(reading.drift_ppm, 14);
    ck_assert_int_eq(reading.delay, 0);
    ck_assert_int_eq(reading.uncertainty, 0);
}
END_TEST

START_TEST(offset_and_drift_lie_within_what_is_stated)
{
    static const int64_t drifts_ppb[] = {-120000, -14000, 0, 14000, 250000};
    for (size_t k = 0; k < sizeof drifts_ppb / sizeof *drifts_ppb; k++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            SourceClock clock = {0};
            const Source source = {.offset = -3 * NS_PER_S, .drift_ppb = drifts_ppb[k], .delay_mean = 20e6, .seed = seed};
            const int64_t now = play(&clock, &source, 0, 18000);
            const ClockReading reading = read(&clock, now);
            const double truth = (double)(source.offset + (now - BEGIN) / NS_PER_MS * source.drift_ppb / 1000);
            ck_assert_double_le(fabs((double)reading.offset - truth), (double)reading.uncertainty);
            ck_assert_double_le(fabs(reading.drift_ppm - (double)source.drift_ppb / 1000), reading.drift_uncertainty_ppm);

            // of 160 samples the fastest is 160 times faster than their mean
            ck_assert_double_le((double)reading.uncertainty, 1e6);
            ck_assert_double_le(reading.drift_uncertainty_ppm, 2);
        }
}
END_TEST

START_TEST(nothing_is_said_before_there_are_four_intervals)
{
    SourceClock clock = {0};
    ClockReading reading;
    const Source source = {.offset = NS_PER_S};
    play(&clock, &source, 0, 40);
    ck_assert(!source_clock_read(&clock, BEGIN + 4 * NS_PER_S, &reading));
    play(&clock, &source, 40, 1);
    ck_assert(source_clock_read(&clock, BEGIN + 4 * NS_PER_S, &reading));
    ck_assert_int_eq(reading.offset, NS_PER_S);
}
END_TEST

START_TEST(a_single_wrong_stamp_changes_nothing)
{
    SourceClock clock = {0}, calm = {0};
    const Source source = {.offset = NS_PER_S, .drift_ppb = 5000};
    play(&clock, &source, 0, 600);
    source_clock_hear(&clock, BEGIN + 3600 * NS_PER_S, BEGIN + 600 * PERIOD);
    const int64_t now = play(&clock, &source, 610, 600);
    play(&calm, &source, 0, 600);
    play(&calm, &source, 610, 600);
    ck_assert_int_eq(read(&clock, now).offset, read(&calm, now).offset);
    ck_assert_uint_eq(read(&clock, now).settings, 0);
}
END_TEST

START_TEST(a_clock_that_was_set_is_measured_anew)
{
    SourceClock clock = {0};
    Source source = {.offset = 3600 * NS_PER_S};
    play(&clock, &source, 0, 3000);
    source.offset = -NS_PER_S;
    const int64_t now = play(&clock, &source, 3000, 1000);
    ck_assert_int_eq(read(&clock, now).offset, -NS_PER_S);
    ck_assert_uint_eq(read(&clock, now).settings, 1);
}
END_TEST

START_TEST(samples_of_hours_ago_do_not_move_a_clock_that_also_sends_new_ones)
{
    SourceClock clock = {0};
    for (int64_t i = 0; i < 6000; i++) {
        source_clock_hear(&clock, BEGIN + i * PERIOD - 7200 * NS_PER_S, BEGIN + i * PERIOD);
        source_clock_hear(&clock, BEGIN + i * PERIOD, BEGIN + i * PERIOD);
    }
    ck_assert_int_eq(read(&clock, BEGIN + 6000 * PERIOD).offset, 0);
}
END_TEST

/* Corrected as a connector does it; the times are those that a sample was filed under. */
static int64_t correct(SourceClock *clock, ClockMap *map, int64_t stamp, int64_t came)
{
    ClockReading reading;
    source_clock_hear(clock, stamp, came);
    if (!source_clock_read(clock, came, &reading))
        return TIME_NONE;
    clock_map_hear(map, stamp, came, &reading);
    return clock_map_time(map, stamp);
}

START_TEST(corrected_stamps_come_to_the_truth_and_never_go_back)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        SourceClock clock = {0};
        ClockMap map = {0};
        const Source source = {.offset = 2100 * NS_PER_MS, .drift_ppb = 100000, .delay_mean = 30e6, .seed = seed};
        int64_t last = TIME_NONE, came = 0, error = 0;
        for (int64_t i = 0; i < 18000; i++) {
            const int64_t measured = BEGIN + i * PERIOD, arrives = measured + delay_of(&source, i);
            came = arrives > came ? arrives : came;
            const int64_t time = correct(&clock, &map, stamp_at(&source, measured), came);
            if (time == TIME_NONE)
                continue;
            ck_assert_int_gt(time, last);
            last = time;
            error = time - measured;
        }
        ck_assert_int_le(llabs(error), 2 * NS_PER_MS);
    }
}
END_TEST

START_TEST(a_stamp_that_comes_again_is_corrected_to_the_same_time)
{
    enum { COUNT = 6000 };
    static int64_t first[COUNT];
    SourceClock clock = {0};
    ClockMap map = {0};
    const Source source = {.offset = -5 * NS_PER_S, .drift_ppb = 60000, .delay_mean = 50e6, .seed = 7};
    for (int64_t i = 0; i < COUNT; i++)
        first[i] = correct(&clock, &map, stamp_at(&source, BEGIN + i * PERIOD), BEGIN + i * PERIOD + delay_of(&source, i));
    for (int64_t i = 0; i < COUNT; i++)
        if (first[i] != TIME_NONE)
            ck_assert_int_eq(clock_map_time(&map, stamp_at(&source, BEGIN + i * PERIOD)), first[i]);
}
END_TEST

START_TEST(a_clock_that_was_set_back_goes_on_where_it_was)
{
    SourceClock clock = {0};
    ClockMap map = {0};
    int64_t last = TIME_NONE, time = 0;
    for (int64_t i = 0; i < 6000; i++) {
        const int64_t came = BEGIN + i * PERIOD;
        time = correct(&clock, &map, came + (i < 3000 ? 10 * NS_PER_S : 0), came);
        if (i < 3000 || map.settings == 1) {
            ck_assert(time == TIME_NONE || time >= last);
            last = time;
        }
    }
    ck_assert_int_eq(time, BEGIN + 5999 * PERIOD);
}
END_TEST

KIT_MAIN("signal.source_clock", an_even_delay_leaves_drift_exact_and_is_part_of_the_offset, offset_and_drift_lie_within_what_is_stated,
         nothing_is_said_before_there_are_four_intervals, a_single_wrong_stamp_changes_nothing, a_clock_that_was_set_is_measured_anew,
         samples_of_hours_ago_do_not_move_a_clock_that_also_sends_new_ones, corrected_stamps_come_to_the_truth_and_never_go_back,
         a_stamp_that_comes_again_is_corrected_to_the_same_time, a_clock_that_was_set_back_goes_on_where_it_was)
