/* The filters on Lorenz-63 and Lorenz-96 have the errors that the literature publishes for its own (tests/bench/bench_estimation.c takes longer runs). */
#include "twins/lorenz.h"

#include "kit/kit.h"

/* Published figures have two digits and are of other runs, and the literature's extended filter has a coarser Jacobian: a tenth to either side. */
static const double TOLERANCE = 0.1;

static void check(size_t index, int first, int cycles)
{
    const LorenzCase *what = &lorenz_cases[index];
    Lorenz lorenz = {0};
    ErrText why = {""};
    double rmse, spread;
    program_thread_init();
    ck_assert_msg(lorenz_open(&lorenz, what, kit_folder(), &why), "%s", why.text);
    lorenz_run(&lorenz, first, cycles, &rmse, &spread);
    ck_assert_msg(fabs(rmse / what->published - 1) < TOLERANCE, "Lorenz-%s, %s: RMSE %.3f, published %.2f (%s)", what->system, what->filter, rmse, what->published, what->source);
    lorenz_close(&lorenz);
}

START_TEST(the_extended_filter_on_lorenz_63_has_the_published_error)
{
    check(LORENZ_63_EXTENDED, 40, 160);
}
END_TEST

START_TEST(an_ensemble_of_10_on_lorenz_63_has_the_published_error)
{
    check(LORENZ_63_TEN, 40, 160);
}
END_TEST

START_TEST(the_extended_filter_on_lorenz_96_has_the_published_error)
{
    check(LORENZ_96_EXTENDED, 100, 60);
}
END_TEST

START_TEST(an_ensemble_of_24_on_lorenz_96_has_the_published_error)
{
    check(LORENZ_96_24, 80, 40);
}
END_TEST

START_TEST(a_localised_ensemble_of_7_on_lorenz_96_has_the_published_error)
{
    check(LORENZ_96_LOCAL, 100, 100);
}
END_TEST

KIT_MAIN("twins.lorenz", the_extended_filter_on_lorenz_63_has_the_published_error, an_ensemble_of_10_on_lorenz_63_has_the_published_error,
         the_extended_filter_on_lorenz_96_has_the_published_error, an_ensemble_of_24_on_lorenz_96_has_the_published_error,
         a_localised_ensemble_of_7_on_lorenz_96_has_the_published_error)
