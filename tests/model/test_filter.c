#include <math.h>

#include "base/random.h"
#include "model/filter.h"
#include "model/rig.h"

// --- a textbook Kalman filter, in full matrices ---------------------------------------------------------------------

enum { N = 3 };

typedef struct Textbook {
    double x[N], p[N][N];
    double phi[N][N], drive[N], q[N];  // x' = phi x + drive
} Textbook;

static void matrix_multiply(double a[N][N], double b[N][N], double out[N][N])
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            out[i][j] = 0;
            for (int k = 0; k < N; k++)
                out[i][j] += a[i][k] * b[k][j];
        }
}

/* Of x' = A x + b the step of Runge and Kutta is the Taylor polynomial of degree 4: phi = sum (A h)^k / k!, and for b that of the integral. */
static void textbook_discretise(Textbook *book, double a[N][N], const double *b, double h)
{
    double term[N][N] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, integral[N][N] = {{0}}, next[N][N];
    for (int k = 0; k <= 4; k++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                book->phi[i][j] += term[i][j];
                if (k < 4)
                    integral[i][j] += term[i][j] * h / (k + 1);
            }
        matrix_multiply(a, term, next);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                term[i][j] = next[i][j] * h / (k + 1);
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            book->drive[i] += integral[i][j] * b[j];
}

static void textbook_predict(Textbook *book)
{
    double x[N], left[N][N], transposed[N][N];
    for (int i = 0; i < N; i++) {
        x[i] = book->drive[i];
        for (int j = 0; j < N; j++) {
            x[i] += book->phi[i][j] * book->x[j];
            transposed[j][i] = book->phi[i][j];
        }
    }
    memcpy(book->x, x, sizeof x);
    matrix_multiply(book->phi, book->p, left);
    matrix_multiply(left, transposed, book->p);
    for (int i = 0; i < N; i++)
        book->p[i][i] += book->q[i];
}

/* K = P H' / S, x += K (z - H x), P = (I - K H) P. */
static void textbook_correct(Textbook *book, const double *h, double r, double z)
{
    double ph[N], s = r, innovation = z, left[N][N], p[N][N];
    for (int i = 0; i < N; i++) {
        ph[i] = 0;
        for (int j = 0; j < N; j++)
            ph[i] += book->p[i][j] * h[j];
    }
    for (int i = 0; i < N; i++) {
        s += h[i] * ph[i];
        innovation -= h[i] * book->x[i];
    }
    for (int i = 0; i < N; i++) {
        book->x[i] += ph[i] / s * innovation;
        for (int j = 0; j < N; j++)
            left[i][j] = (i == j) - ph[i] / s * h[j];
    }
    matrix_multiply(left, book->p, p);
    memcpy(book->p, p, sizeof p);
}

static void expect_close(double got, double expected, double scale, const char *what, int step)
{
    ck_assert_msg(fabs(got - expected) <= 1e-12 * scale, "%s at step %d: %.17g, expected %.17g", what, step, got, expected);
}

static void expect_same(const Rig *rig, const Textbook *book, int step)
{
    for (uint16_t i = 0; i < N; i++) {
        expect_close(*cell(rig, i, 5), book->x[i], fabs(book->x[i]) + sqrt(book->p[i][i]), "mean", step);
        for (uint16_t j = i; j < N; j++)
            expect_close(*cell(rig, model_covariance(rig->model, i, j), 5), book->p[i][j], sqrt(book->p[i][i] * book->p[j][j]), "covariance", step);
    }
}

START_TEST(the_compiled_filter_is_the_textbook_one)
{
    static const char text[] = "return model \"chain\" {\n"
                               "  states = { a = { 1, \"1\", noise = 0.3, sd = 2 }, b = { -2, \"1\", noise = 0.1, sd = 1 }, c = { 0.5, \"1\", sd = 3 } },\n"
                               "  equations = function(t)\n"
                               "    local s = quantity(1, \"s\")\n"
                               "    t.a.rate = (t.b - 0.4 * t.a + 0.7) / s\n"
                               "    t.b.rate = (-2 * t.a - 0.1 * t.b + 0.3 * t.c) / s\n"
                               "    t.c.rate = (0.5 * t.a - t.c - 0.2) / s\n"
                               "  end,\n"
                               "  sensors = { first = { of = \"a\", noise = 0.5 }, mixed = { of = function(t) return 2 * t.b - t.c end, noise = 0.2 } },\n"
                               "}\n";
    const double h = 0.1;
    double a[N][N] = {{-0.4, 1, 0}, {-2, -0.1, 0.3}, {0.5, 0, -1}};
    const double b[N] = {0.7, 0, -0.2}, first[N] = {1, 0, 0}, mixed[N] = {0, 2, -1};
    Textbook book = {.x = {1, -2, 0.5}, .p = {{4, 0, 0}, {0, 1, 0}, {0, 0, 9}}, .q = {0.3 * 0.3 * h, 0.1 * 0.1 * h, 0}};
    textbook_discretise(&book, a, b, h);

    Rig rig = rig_open(text, h);
    for (int step = 0; step < 600; step++) {
        predict(&rig);
        textbook_predict(&book);
        if (step % 3 == 0) {
            const double z = 3 * random_normal(1, 0, (uint64_t)step);
            correct(&rig, 0, z, ALL);
            textbook_correct(&book, first, 0.25, z);
        }
        if (step % 5 == 0) {
            const double z = 3 * random_normal(1, 1, (uint64_t)step);
            correct(&rig, 1, z, ALL);
            textbook_correct(&book, mixed, 0.04, z);
        }
        expect_same(&rig, &book, step);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(measuring_leaves_the_innovation_and_its_variance)
{
    Rig rig = rig_open("return model \"m\" {\n"
                       "  states = { x = { 3, \"1\", sd = 2 }, y = { 1, \"1\", sd = 1 } },\n"
                       "  equations = function(t) t.x.rate = 0; t.y.rate = 0 end,\n"
                       "  sensors = { sum = { of = function(t) return t.x + 2 * t.y end, noise = 0.5 } },\n"
                       "}\n", 1);
    correct(&rig, 0, 7, ALL);
    ck_assert_double_eq(*cell(&rig, rig.model->sensors[0].innovation, 0), 2);
    ck_assert_double_eq(*cell(&rig, rig.model->sensors[0].innovation_variance, 0), 4 + 4 + 0.25);
    rig_close(&rig);
}
END_TEST

static const char constant[] = "return model \"constant\" {\n"
                               "  states = { x = { 0, \"1\", sd = 1 } },\n"
                               "  equations = function(t) t.x.rate = 0 end,\n"
                               "  sensors = { z = { of = \"x\", noise = 0.5 } },\n"
                               "}\n";

/* A constant truth has a closed form: with P0 = 1 and noise variance r the variance after k samples is r / (k + r), whatever the samples were, and
 * the estimate is their sum over k + r. */
START_TEST(variance_follows_the_closed_form)
{
    Rig rig = rig_open(constant, 1);
    const double r = 0.25;
    double sum = 0;
    for (int k = 1; k <= 1000; k++) {
        const double z = random_normal(2, 0, (uint64_t)k);
        sum += z;
        predict(&rig);
        correct(&rig, 0, z, ALL);
        ck_assert_double_eq_tol(variance(&rig, "x", 0), r / (k + r), 1e-12 * r / (k + r));
        ck_assert_double_eq_tol(*named(&rig, "x", 0), sum / (k + r), 1e-12);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(lanes_outside_the_mask_keep_their_bits)
{
    Rig rig = rig_open(constant, 1);
    for (int k = 0; k < 20; k++) {
        predict(&rig);
        correct(&rig, 0, 1 + k, UINT64_C(1) << 17);
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        ck_assert_int_eq(*named(&rig, "x", lane) == 0, lane != 17);
        ck_assert_int_eq(variance(&rig, "x", lane) == 1, lane != 17);
    }
    rig_close(&rig);
}
END_TEST

/* x' = x cos(t) has the solution exp(sin t). Time is a state. */
static double error_at(double step, double until)
{
    Rig rig = rig_open("return model \"wave\" {\n"
                       "  states = { x = { 1, \"1\" }, time = { 0, \"1\" } },\n"
                       "  equations = function(t)\n"
                       "    t.x.rate = t.x * cos(t.time) / quantity(1, \"s\")\n"
                       "    t.time.rate = 1 / quantity(1, \"s\")\n"
                       "  end,\n"
                       "}\n", step);
    const int steps = (int)lround(until / step);
    for (int i = 0; i < steps; i++)
        predict(&rig);
    const double error = fabs(*named(&rig, "x", 0) - exp(sin(until)));
    rig_close(&rig);
    return error;
}

START_TEST(halving_the_step_divides_the_error_by_sixteen)
{
    double coarse = error_at(0.2, 2);
    for (double step = 0.1; step > 0.02; step /= 2) {
        const double fine = error_at(step, 2);
        ck_assert_double_lt(fabs(log2(coarse / fine) - 4), 0.25);
        coarse = fine;
    }
}
END_TEST

/* The variance of a random walk grows by q^2 dt, whatever dt is. */
START_TEST(process_noise_is_a_spectral_density)
{
    for (double step = 0.125; step <= 1; step *= 2) {
        Rig rig = rig_open("return model \"walk\" {\n"
                           "  states = { x = { 0, \"1\", noise = 0.5, sd = 1 } },\n"
                           "  equations = function(t) t.x.rate = 0 end,\n"
                           "}\n", step);
        for (double time = 0; time < 64; time += step)
            predict(&rig);
        ck_assert_double_eq_tol(variance(&rig, "x", 0), 1 + 0.25 * 64, 1e-9);
        rig_close(&rig);
    }
}
END_TEST

static const char tank[] = "return model \"tank\" {\n"
                           "  params = { area = { 0.0154, \"m^2\" }, orifice = { 2.5e-5, \"m^2\", min = 0, estimate = 1e-8, sd = 5e-6, jump = 2e-5 },\n"
                           "             offset = { 0, \"m\", estimate = 1e-6, sd = 1e-2 } },\n"
                           "  inputs = { inflow = { 6, \"l/min\" } },\n"
                           "  states = { level = { 0.3, \"m\", min = 0.01, max = 1, noise = 1e-4, sd = 0.05 } },\n"
                           "  equations = function(t) t.level.rate = (t.inflow - t.orifice * sqrt(2 * g * max(t.level, quantity(1, \"mm\")))) / t.area end,\n"
                           "  sensors = { gauge = { of = function(t) return t.level + t.offset end, noise = 0.002 } },\n"
                           "}\n";

/* A symmetric matrix is positive when all leading minors are. */
static void expect_positive(const Rig *rig, int step)
{
    double p[N][N];
    for (uint16_t i = 0; i < N; i++)
        for (uint16_t j = 0; j < N; j++)
            p[i][j] = *cell(rig, model_covariance(rig->model, i, j), 0);
    const double scale = sqrt(p[0][0] * p[1][1]), minor = p[0][0] * p[1][1] - p[0][1] * p[0][1];
    double l[N][N] = {{0}};
    ck_assert_msg(minor > 0 && scale > 0, "step %d: minor %g", step, minor);
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) {
            double sum = p[i][j];
            for (int k = 0; k < j; k++)
                sum -= l[i][k] * l[j][k];
            if (i == j)
                ck_assert_msg(sum > 0, "step %d: pivot %d is %g", step, i, sum);
            l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
        }
}

START_TEST(covariance_stays_positive_over_a_long_run)
{
    Rig rig = rig_open(tank, 0.5);
    for (int step = 0; step < 50000; step++) {
        predict(&rig);
        correct(&rig, 0, 0.3 + 0.05 * sin(step * 0.01) + 0.002 * random_normal(3, 0, (uint64_t)step), ALL);
        if (step % 100 == 0)
            expect_positive(&rig, step);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(a_very_precise_sensor_leaves_no_negative_variance)
{
    Rig rig = rig_open("return model \"sharp\" {\n"
                       "  states = { x = { 0, \"1\", sd = 1e6 }, y = { 0, \"1\", sd = 1e6 } },\n"
                       "  equations = function(t) t.x.rate = t.y / quantity(1, \"s\"); t.y.rate = 0 end,\n"
                       "  sensors = { z = { of = \"x\", noise = 1e-6 } },\n"
                       "}\n", 1);
    for (int step = 0; step < 5000; step++) {
        correct(&rig, 0, step, ALL);
        ck_assert_double_ge(variance(&rig, "x", 0), 0);
        ck_assert_double_ge(variance(&rig, "y", 0), 0);
        predict(&rig);
    }
    ck_assert_double_eq_tol(*named(&rig, "y", 0), 1, 1e-6);
    rig_close(&rig);
}
END_TEST

START_TEST(a_parameter_that_does_not_jump_stands_still_while_frozen)
{
    Rig rig = rig_open(tank, 0.5);
    for (size_t lane = 0; lane < LANES / 2; lane++)
        *cell(&rig, rig.model->frozen, lane) = 1;
    const double level = *named(&rig, "level", 0);
    for (int step = 0; step < 200; step++) {
        predict(&rig);
        correct(&rig, 0, 0.35, ALL);
    }
    ck_assert_double_eq(*named(&rig, "offset", 0), 0);
    ck_assert_double_ne(*named(&rig, "offset", LANES - 1), 0);
    ck_assert_double_ne(*named(&rig, "orifice", 0), 2.5e-5);  // this one jumps
    ck_assert_double_ne(*named(&rig, "level", 0), level);
    expect_positive(&rig, 200);
    rig_close(&rig);
}
END_TEST

START_TEST(a_parted_twin_is_less_sure)
{
    Rig rig = rig_open(tank, 0.5);
    for (size_t lane = 0; lane < LANES / 2; lane++)
        *cell(&rig, rig.model->parted, lane) = 1;
    const double orifice = variance(&rig, "orifice", 0), offset = variance(&rig, "offset", 0);
    predict(&rig);
    const double jump = 2e-5, walk = 1e-8;
    ck_assert_double_eq_tol(variance(&rig, "orifice", 0) - orifice, jump * jump * 0.5 / FILTER_PARTED_SECONDS + walk * walk * 0.5, 1e-15);
    ck_assert_double_eq_tol(variance(&rig, "orifice", LANES - 1) - orifice, walk * walk * 0.5, 1e-20);
    ck_assert_double_eq_tol(variance(&rig, "offset", 0) - offset, 1e-12 * 0.5, 1e-18);
    ck_assert_double_eq_tol(variance(&rig, "level", 0) - variance(&rig, "level", LANES - 1), 1e-8 * 0.5 * (FILTER_PARTED_NOISE * FILTER_PARTED_NOISE - 1), 1e-15);
    rig_close(&rig);
}
END_TEST

START_TEST(estimates_are_projected_on_their_limits)
{
    Rig rig = rig_open(tank, 0.5);
    *named(&rig, "inflow", 0) = 10;  // m^3/s: a flood
    predict(&rig);
    ck_assert_double_eq(*named(&rig, "level", 0), 1);
    ck_assert_double_lt(*named(&rig, "level", 1), 1);
    for (int i = 0; i < 50; i++)
        correct(&rig, 0, -100, ALL);
    ck_assert_double_eq(*named(&rig, "level", 1), 0.01);
    ck_assert_double_ge(*named(&rig, "orifice", 1), 0);
    rig_close(&rig);
}
END_TEST

START_TEST(packing_is_row_by_row_and_symmetric)
{
    for (uint16_t n = 1; n <= 64; n++) {
        uint16_t expected = 0;
        for (uint16_t i = 0; i < n; i++)
            for (uint16_t j = i; j < n; j++) {
                ck_assert_uint_eq(filter_packed(n, i, j), expected);
                ck_assert_uint_eq(filter_packed(n, j, i), expected);
                expected++;
            }
    }
}
END_TEST

KIT_MAIN("model.filter", the_compiled_filter_is_the_textbook_one, measuring_leaves_the_innovation_and_its_variance, variance_follows_the_closed_form,
         lanes_outside_the_mask_keep_their_bits, halving_the_step_divides_the_error_by_sixteen, process_noise_is_a_spectral_density, covariance_stays_positive_over_a_long_run,
         a_very_precise_sensor_leaves_no_negative_variance, a_parameter_that_does_not_jump_stands_still_while_frozen, a_parted_twin_is_less_sure,
         estimates_are_projected_on_their_limits, packing_is_row_by_row_and_symmetric)
