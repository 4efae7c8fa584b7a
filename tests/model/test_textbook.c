/* Linear models: mean and covariance are those of a Kalman filter as textbooks write it, in full matrices and with all samples of a step at once. */
#include <math.h>
#include <stdarg.h>

#include "base/random.h"
#include "model/rig.h"

enum { MODELS = 12, STATES_MAX = 8, SENSORS_MAX = 4, STEPS = 400 };

typedef long double Real;  // (I - K H) P loses digits where a sensor is precise: the reference has them to spare

/* A linear model, drawn at random, and its filter: x' = phi x + drive, z = h x. */
typedef struct Textbook {
    int states, sensors;
    Real a[STATES_MAX][STATES_MAX], b[STATES_MAX], step;
    Real phi[STATES_MAX][STATES_MAX], drive[STATES_MAX], q[STATES_MAX];
    Real h[SENSORS_MAX][STATES_MAX], r[SENSORS_MAX];
    Real x[STATES_MAX], p[STATES_MAX][STATES_MAX];
} Textbook;

static double normal(uint64_t model, uint64_t stream)
{
    return random_normal(100 + model, stream, 0);
}

/* Stable, and every state is seen through the others. */
static void draw(Textbook *book, uint64_t seed)
{
    *book = (Textbook){.states = 2 + (int)(seed % (STATES_MAX - 1)), .sensors = 1 + (int)(seed % SENSORS_MAX), .step = 0.05 + 0.05 * (double)(seed % 3)};
    for (int i = 0; i < book->states; i++) {
        for (int j = 0; j < book->states; j++)
            book->a[i][j] = 0.4 * normal(seed, (uint64_t)(i * STATES_MAX + j)) - (i == j ? 1.5 : 0);
        book->b[i] = normal(seed, 100 + (uint64_t)i);
        book->x[i] = normal(seed, 200 + (uint64_t)i);
        book->p[i][i] = 0.5 + fabs(normal(seed, 300 + (uint64_t)i));
        book->q[i] = 0.01 + 0.1 * fabs(normal(seed, 400 + (uint64_t)i));  // a spectral density, until it is discretised
        for (int s = 0; s < book->sensors; s++)
            book->h[s][i] = normal(seed, 500 + (uint64_t)(s * STATES_MAX + i));
    }
    for (int s = 0; s < book->sensors; s++)
        book->r[s] = 0.05 + 0.2 * fabs(normal(seed, 600 + (uint64_t)s));  // a standard deviation, likewise
}

static void multiply(const Textbook *book, Real a[STATES_MAX][STATES_MAX], Real b[STATES_MAX][STATES_MAX], Real out[STATES_MAX][STATES_MAX])
{
    for (int i = 0; i < book->states; i++)
        for (int j = 0; j < book->states; j++) {
            out[i][j] = 0;
            for (int k = 0; k < book->states; k++)
                out[i][j] += a[i][k] * b[k][j];
        }
}

/* A step of Runge and Kutta is the Taylor polynomial of degree 4 of exp(a h), one of Euler that of degree 1. */
static void discretise(Textbook *book, int degree)
{
    Real term[STATES_MAX][STATES_MAX] = {{0}}, next[STATES_MAX][STATES_MAX];
    for (int i = 0; i < book->states; i++)
        term[i][i] = 1;
    for (int k = 0; k <= degree; k++) {
        multiply(book, book->a, term, next);
        for (int i = 0; i < book->states; i++)
            for (int j = 0; j < book->states; j++) {
                book->phi[i][j] += term[i][j];
                book->drive[i] += k < degree ? term[i][j] * book->step / (k + 1) * book->b[j] : 0;
                term[i][j] = next[i][j] * book->step / (k + 1);
            }
    }
    for (int i = 0; i < book->states; i++)
        book->q[i] *= book->q[i] * book->step;
    for (int s = 0; s < book->sensors; s++)
        book->r[s] *= book->r[s];
}

static void foretell(Textbook *book)
{
    Real x[STATES_MAX], left[STATES_MAX][STATES_MAX], transposed[STATES_MAX][STATES_MAX];
    for (int i = 0; i < book->states; i++) {
        x[i] = book->drive[i];
        for (int j = 0; j < book->states; j++) {
            x[i] += book->phi[i][j] * book->x[j];
            transposed[j][i] = book->phi[i][j];
        }
    }
    memcpy(book->x, x, sizeof x);
    multiply(book, book->phi, book->p, left);
    multiply(book, left, transposed, book->p);
    for (int i = 0; i < book->states; i++)
        book->p[i][i] += book->q[i];
}

/* Solve s k = m for all columns of m, by elimination with pivots; both are lost. */
static void solve(int count, int columns, Real s[SENSORS_MAX][SENSORS_MAX], Real m[SENSORS_MAX][STATES_MAX + 1])
{
    for (int p = 0; p < count; p++) {
        int pivot = p;
        for (int i = p + 1; i < count; i++)
            pivot = fabsl(s[i][p]) > fabsl(s[pivot][p]) ? i : pivot;
        for (int j = 0; j < count; j++) {
            const Real kept = s[p][j];
            s[p][j] = s[pivot][j], s[pivot][j] = kept;
        }
        for (int j = 0; j < columns; j++) {
            const Real kept = m[p][j];
            m[p][j] = m[pivot][j], m[pivot][j] = kept;
        }
        for (int i = 0; i < count; i++) {
            const Real factor = s[i][p] / s[p][p];
            for (int j = 0; j < count && i != p; j++)
                s[i][j] -= factor * s[p][j];
            for (int j = 0; j < columns && i != p; j++)
                m[i][j] -= factor * m[p][j];
        }
    }
    for (int i = 0; i < count; i++)
        for (int j = 0; j < columns; j++)
            m[i][j] /= s[i][i];
}

/* S = H P H' + R; x += P H' S^-1 (z - H x), P -= P H' S^-1 H P, of all sensors together. */
static void fold_all(Textbook *book, const double *z)
{
    Real hp[SENSORS_MAX][STATES_MAX] = {{0}}, s[SENSORS_MAX][SENSORS_MAX] = {{0}}, m[SENSORS_MAX][STATES_MAX + 1];
    for (int i = 0; i < book->sensors; i++)
        for (int j = 0; j < book->states; j++)
            for (int k = 0; k < book->states; k++)
                hp[i][j] += book->h[i][k] * book->p[k][j];
    for (int i = 0; i < book->sensors; i++) {
        Real innovation = z[i];
        for (int j = 0; j < book->sensors; j++)
            for (int k = 0; k < book->states; k++)
                s[i][j] += hp[i][k] * book->h[j][k];
        s[i][i] += book->r[i];
        for (int k = 0; k < book->states; k++) {
            m[i][k] = hp[i][k];
            innovation -= book->h[i][k] * book->x[k];
        }
        m[i][book->states] = innovation;
    }

    solve(book->sensors, book->states + 1, s, m);
    for (int i = 0; i < book->states; i++)
        for (int k = 0; k < book->sensors; k++) {
            book->x[i] += hp[k][i] * m[k][book->states];
            for (int j = 0; j < book->states; j++)
                book->p[i][j] -= hp[k][i] * m[k][j];
        }
}

// --- the same as a script --------------------------------------------------------------------------------------------

typedef struct Lua {
    char text[16384];
    size_t length;
} Lua;

static void say(Lua *lua, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(Lua *lua, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lua->length += (size_t)vsnprintf(&lua->text[lua->length], sizeof lua->text - lua->length, format, arguments);
    va_end(arguments);
    ck_assert_uint_lt(lua->length, sizeof lua->text);
}

static const char *write_model(const Textbook *book, const char *stepper, bool per_step, Lua *lua)
{
    lua->length = 0;
    say(lua, "return model \"linear\" { stepper = \"%s\", states = {", stepper);
    for (int i = 0; i < book->states; i++)
        say(lua, " x%d = { %.17g, \"1\", sd = %.17g, %s = %.17g },", i, (double)book->x[i], sqrt((double)book->p[i][i]), per_step ? "noise_per_step" : "noise",
            (double)(per_step ? book->q[i] * sqrtl(book->step) : book->q[i]));
    say(lua, " },\n equations = function(t) local s = quantity(1, \"s\")\n");
    for (int i = 0; i < book->states; i++) {
        say(lua, "  t.x%d.rate = (%.17g", i, (double)book->b[i]);
        for (int j = 0; j < book->states; j++)
            say(lua, " + %.17g * t.x%d", (double)book->a[i][j], j);
        say(lua, ") / s\n");
    }
    say(lua, " end,\n sensors = {");
    for (int s = 0; s < book->sensors; s++) {
        say(lua, "\n  z%d = { noise = %.17g, of = function(t) return 0", s, (double)book->r[s]);
        for (int j = 0; j < book->states; j++)
            say(lua, " + %.17g * t.x%d", (double)book->h[s][j], j);
        say(lua, " end },");
    }
    say(lua, " } }\n");
    return lua->text;
}

static void expect_same(const Rig *rig, const Textbook *book, int step)
{
    for (uint16_t i = 0; i < book->states; i++) {
        const double mean = *cell(rig, i, 5), expected = (double)book->x[i], scale = fabs(expected) + sqrt((double)book->p[i][i]);
        ck_assert_msg(fabs(mean - expected) <= 1e-12 * scale, "mean %d at step %d: %.17g, expected %.17g", i, step, mean, expected);
        for (uint16_t j = i; j < book->states; j++) {
            const double got = *cell(rig, model_covariance(rig->model, i, j), 5), entry = (double)book->p[i][j];
            ck_assert_msg(fabs(got - entry) <= 1e-12 * sqrt((double)(book->p[i][i] * book->p[j][j])), "covariance %d, %d at step %d: %.17g, expected %.17g", i, j,
                          step, got, entry);
        }
    }
}

static void compare(uint64_t seed, const char *stepper, int degree, bool per_step)
{
    Textbook book;
    Lua lua;
    draw(&book, seed);
    Rig rig = rig_open(write_model(&book, stepper, per_step, &lua), (double)book.step);
    discretise(&book, degree);
    for (int step = 0; step < STEPS; step++) {
        predict(&rig);
        foretell(&book);
        if (step % 3 == 0) {
            double z[SENSORS_MAX];
            for (uint16_t s = 0; s < book.sensors; s++) {
                z[s] = 2 * random_normal(seed, s, (uint64_t)step);
                correct(&rig, s, z[s], ALL);
            }
            fold_all(&book, z);
        }
        expect_same(&rig, &book, step);
    }
    rig_close(&rig);
}

START_TEST(random_linear_models_have_the_mean_and_covariance_of_the_textbook)
{
    for (uint64_t seed = 0; seed < MODELS; seed++)
        compare(seed, "rk4", 4, false);
}
END_TEST

START_TEST(so_they_have_with_steps_of_euler_and_noise_per_step)
{
    for (uint64_t seed = 0; seed < MODELS; seed++)
        compare(seed, "euler", 1, true);
}
END_TEST

// --- what is noted of noise ------------------------------------------------------------------------------------------

#define STILL "return model \"still\" { states = { x = { 0, \"1\", %s, sd = 0.5 } }, equations = function(t) t.x.rate = 0 end,\n" \
              "  sensors = { z = { of = \"x\", noise = 1%s } } }\n"

static Rig open_still(const char *noise, const char *more, double step)
{
    char text[512];
    snprintf(text, sizeof text, STILL, noise, more);
    return rig_open(text, step);
}

/* Over k steps of any length the variance grows by k times the square of what was declared. */
START_TEST(noise_per_step_does_not_depend_on_the_step)
{
    for (double step = 0.01; step < 20; step *= 10) {
        Rig rig = open_still("noise_per_step = 0.3", "", step);
        for (int k = 1; k <= 20; k++) {
            predict(&rig);
            ck_assert_double_eq_tol(variance(&rig, "x", 0), 0.25 + k * 0.09, 1e-13 * k);
        }
        rig_close(&rig);
    }
}
END_TEST

START_TEST(noise_both_ways_is_refused)
{
    Model *model;
    ErrText why;
    const char *path = scripts_write("model.lua", "return model \"still\" {\n  states = { x = { 0, \"1\", noise = 1, noise_per_step = 1 } },\n"
                                                  "  equations = function(t) t.x.rate = 0 end,\n}\n");
    ck_assert_int_eq(model_load(path, 1, &model, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 2, "noise_per_step: expected one of them");
}
END_TEST

// --- biases ----------------------------------------------------------------------------------------------------------

/* A Gauss-Markov process has a closed form: after k steps its variance is that of its start, forgotten, and what has come in since. */
START_TEST(a_bias_forgets_in_its_time_exactly)
{
    const double sd = 0.2, q = 0.05, tau = 30, step = 7;
    Rig rig = open_still("noise = 0", ", bias = { sd = 0.2, noise = 0.05, time = 30 }", step);
    for (int k = 1; k <= 50; k++) {
        predict(&rig);
        const double left = exp(-2 * k * step / tau);
        ck_assert_double_eq_tol(variance(&rig, "z_bias", 3), sd * sd * left + q * q * tau / 2 * (1 - left), 1e-14);
    }
    rig_close(&rig);
}
END_TEST

START_TEST(a_bias_without_a_time_is_a_random_walk)
{
    Rig rig = open_still("noise = 0", ", bias = { sd = 0.2, noise = 0.05 }", 4);
    for (int k = 1; k <= 50; k++) {
        predict(&rig);
        ck_assert_double_eq_tol(variance(&rig, "z_bias", 3), 0.04 + k * 4 * 0.0025, 1e-13);
    }
    rig_close(&rig);
}
END_TEST

/* One sample of x + bias is shared between the two in the ratio of their variances. */
START_TEST(a_sample_is_shared_between_state_and_bias_by_their_variances)
{
    Rig rig = open_still("noise = 0", ", bias = { sd = 0.2 }", 1);
    correct(&rig, 0, 3, ALL);
    const double s = 0.25 + 0.04 + 1;
    ck_assert_double_eq_tol(*named(&rig, "x", 0), 3 * 0.25 / s, 1e-15);
    ck_assert_double_eq_tol(*named(&rig, "z_bias", 0), 3 * 0.04 / s, 1e-15);
    ck_assert_int_eq(scripts_channel(rig.model, "z_bias")->kind, CHANNEL_TRACKED);
    rig_close(&rig);
}
END_TEST

/* Two sensors of one state, the second off by 1: what is constant is told from what wanders about, and the bias is found. */
START_TEST(a_bias_is_found_beside_a_sensor_that_has_none)
{
    static const char text[] = "return model \"two\" { states = { x = { 0, \"1\", noise = 0.1, sd = 1 } }, equations = function(t) t.x.rate = 0 end,\n"
                               "  sensors = { a = { of = \"x\", noise = 0.2 }, b = { of = \"x\", noise = 0.2, bias = { sd = 2 } } } }\n";
    Rig rig = rig_open(text, 1);
    double x = 0;
    for (uint64_t k = 0; k < 400; k++) {
        x += 0.1 * random_normal(1, 0, k);
        predict(&rig);
        correct(&rig, 0, x + 0.2 * random_normal(1, 1, k), ALL);
        correct(&rig, 1, x + 1 + 0.2 * random_normal(1, 2, k), ALL);
    }
    const double sd = sqrt(variance(&rig, "b_bias", 0));
    ck_assert_double_lt(sd, 0.02);
    ck_assert_double_lt(fabs(*named(&rig, "b_bias", 0) - 1), 3 * sd);
    rig_close(&rig);
}
END_TEST

/* What is learnt of an instrument while a fault is suspected would be the fault. */
START_TEST(a_bias_stands_still_while_frozen)
{
    Rig rig = open_still("noise = 0", ", bias = { sd = 0.2, noise = 0.01, time = 50 }", 1);
    predict(&rig);
    *cell(&rig, rig.model->frozen, 0) = 1;
    correct(&rig, 0, 3, ALL);
    ck_assert_double_eq(*named(&rig, "z_bias", 0), 0);
    ck_assert_double_gt(*named(&rig, "z_bias", 1), 0);
    rig_close(&rig);
}
END_TEST

/* 1 K more is 1 K more, also for a sensor in degrees Celsius or Fahrenheit. */
START_TEST(a_bias_of_a_temperature_is_a_difference)
{
    static const char text[] = "return model \"warm\" { states = { T = { 20, \"degC\", sd = 1 } }, equations = function(t) t.T.rate = 0 end,\n"
                               "  sensors = { f = { of = \"T\", unit = \"degF\", noise = 1, bias = { sd = 1.8 } } } }\n";
    Rig rig = rig_open(text, 1);
    const Channel *bias = scripts_channel(rig.model, "f_bias");
    ck_assert_str_eq(unit_name(bias->unit), "K");
    ck_assert_double_eq(bias->initial, 0);
    ck_assert_double_eq_tol(bias->initial_sd, 1, 1e-12);
    rig_close(&rig);
}
END_TEST

static void refuse(const char *sensor, const char *expected)
{
    char text[512];
    Model *model;
    ErrText why;
    snprintf(text, sizeof text, "return model \"still\" {\n  states = { x = { 0, \"1\" } },\n  equations = function(t) t.x.rate = 0 end,\n"
             "  sensors = {\n    z = %s,\n  },\n}\n", sensor);
    const char *path = scripts_write("model.lua", text);
    ck_assert_int_eq(model_load(path, 1, &model, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 5, expected);
}

START_TEST(biases_that_cannot_be_are_refused_with_their_line)
{
    refuse("{ of = 'x', noise = 1, bias = {} }", "needs sd or noise above 0");
    refuse("{ of = 'x', noise = 1, bias = 0.2 }", "expected { sd = ..., noise = ..., time = ... }, got number");
    refuse("{ of = 'x', noise = 1, bias = { sd = -1 } }", "needs sd or noise above 0");
    refuse("{ of = 'x', noise = 1, bias = { sd = 1, time = 0 } }", "must be above 0: the seconds in which it forgets");
    refuse("{ of = 'x', noise = 1, bias = { sd = 1, size = 0 } }", "unknown key \"size\"");
    refuse("{ of = function(t) return t.x end, noise = 1, bias = { sd = 1 } }", "its unit must be written");
}
END_TEST

// --- inflation -------------------------------------------------------------------------------------------------------

/* Deviations grow by the factor in the step behind a sample, and in no other. */
START_TEST(inflation_is_for_the_step_behind_a_sample)
{
    static const char text[] = "return model \"still\" { states = { x = { 0, \"1\", sd = 2 } }, equations = function(t) t.x.rate = 0 end,\n"
                               "  sensors = { z = { of = \"x\", noise = 1 } }, filter = { \"extended\", inflation = 1.1 } }\n";
    Rig rig = rig_open(text, 1);
    predict(&rig);
    ck_assert_double_eq(variance(&rig, "x", 0), 4);
    correct(&rig, 0, 1, 1);
    correct(&rig, 0, 1, 1);
    const double after = variance(&rig, "x", 0);
    ck_assert_double_eq_tol(after, 4.0 / 9, 1e-15);
    predict(&rig);
    ck_assert_double_eq_tol(variance(&rig, "x", 0), after * 1.21, 1e-15);
    ck_assert_double_eq(variance(&rig, "x", 1), 4);
    predict(&rig);
    ck_assert_double_eq_tol(variance(&rig, "x", 0), after * 1.21, 1e-15);
    rig_close(&rig);
}
END_TEST

KIT_MAIN("model.textbook", random_linear_models_have_the_mean_and_covariance_of_the_textbook, so_they_have_with_steps_of_euler_and_noise_per_step,
         noise_per_step_does_not_depend_on_the_step, noise_both_ways_is_refused, a_bias_forgets_in_its_time_exactly,
         a_bias_without_a_time_is_a_random_walk, a_sample_is_shared_between_state_and_bias_by_their_variances,
         a_bias_is_found_beside_a_sensor_that_has_none, a_bias_stands_still_while_frozen, a_bias_of_a_temperature_is_a_difference,
         biases_that_cannot_be_are_refused_with_their_line, inflation_is_for_the_step_behind_a_sample)
