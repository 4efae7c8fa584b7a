/* The search finds what closed forms say, keeps within limits, and knows when it is there. */
#include <math.h>

#include "fit/search.h"
#include "kit/kit.h"

typedef void Cost(const double *at, size_t n, Likelihood *out);

/* Half the sum of squares of residuals, with their Jacobian row by row. */
static void squares(const double *residuals, const double *jacobian, size_t count, size_t n, Likelihood *out)
{
    *out = (Likelihood){0};
    for (size_t k = 0; k < count; k++) {
        out->cost += 0.5 * residuals[k] * residuals[k];
        for (size_t i = 0; i < n; i++) {
            out->gradient[i] += residuals[k] * jacobian[k * n + i];
            for (size_t j = 0; j < n; j++)
                out->information[i * n + j] += jacobian[k * n + i] * jacobian[k * n + j];
        }
    }
}

static const Search *search(Cost *cost, size_t n, const double *start, const double *low, const double *high)
{
    static Search it;
    static Likelihood found;
    search_begin(&it, n, start, low, high);
    while (it.state == SEARCH_GOING) {
        for (size_t i = 0; i < n; i++)
            ck_assert(it.trial[i] >= low[i] && it.trial[i] <= high[i]);
        cost(it.trial, n, &found);
        search_take(&it, &found);
    }
    return &it;
}

static const double none_low[] = {-INFINITY, -INFINITY, -INFINITY}, none_high[] = {INFINITY, INFINITY, INFINITY};

static void rosenbrock(const double *at, size_t n, Likelihood *out)
{
    const double residuals[] = {10 * (at[1] - at[0] * at[0]), 1 - at[0]}, jacobian[] = {-20 * at[0], 10, -1, 0};
    squares(residuals, jacobian, 2, n, out);
}

/* To a thousandth of the standard errors, which are 1 and the root of 4.01 there. */
START_TEST(a_bent_valley_is_followed_to_its_end)
{
    const Search *it = search(rosenbrock, 2, (double[]){-1.2, 1}, none_low, none_high);
    ck_assert_int_eq(it->state, SEARCH_DONE);
    ck_assert_double_eq_tol(it->at[0], 1, 1e-3);
    ck_assert_double_eq_tol(it->at[1], 1, 1e-3 * sqrt(4.01));
    ck_assert_int_lt(it->steps, 60);
}
END_TEST

/* With x at most 0.5 the valley ends at (0.5, 0.25), and x is pushed against its limit. */
START_TEST(a_limit_holds_and_the_rest_goes_on)
{
    const Search *it = search(rosenbrock, 2, (double[]){-1.2, 1}, none_low, (double[]){0.5, INFINITY});
    ck_assert_int_eq(it->state, SEARCH_DONE);
    ck_assert_double_eq(it->at[0], 0.5);
    ck_assert_double_eq_tol(it->at[1], 0.25, 1e-4);
    ck_assert(search_is_pinned(it, 0));
    ck_assert(!search_is_pinned(it, 1));
}
END_TEST

/* x + y is all that the cost sees. */
static void sum_alone(const double *at, size_t n, Likelihood *out)
{
    squares((double[]){at[0] + at[1] - 3}, (double[]){1, 1}, 1, n, out);
}

START_TEST(what_the_cost_does_not_see_stays_near_where_it_was)
{
    const Search *it = search(sum_alone, 2, (double[]){0, 0}, none_low, none_high);
    ck_assert_int_eq(it->state, SEARCH_DONE);
    ck_assert_double_eq_tol(it->at[0], 1.5, 1e-3);
    ck_assert_double_eq_tol(it->at[1], 1.5, 1e-3);
}
END_TEST

/* The likelihood of a normal variable's variance, which is no sum of squares: it is highest at the mean square. */
static void variance_of_normal(const double *at, size_t n, Likelihood *out)
{
    const double mean_square = 2.5, count = 100;
    (void)n;
    *out = (Likelihood){.cost = at[0] > 0 ? 0.5 * count * (mean_square / at[0] + log(at[0])) : INFINITY};
    out->gradient[0] = 0.5 * count * (1 - mean_square / at[0]) / at[0];
    out->information[0] = 0.5 * count / (at[0] * at[0]);
}

START_TEST(scoring_climbs_a_likelihood_that_is_no_sum_of_squares)
{
    const Search *it = search(variance_of_normal, 1, (double[]){0.1}, (double[]){-1}, none_high);
    ck_assert_int_eq(it->state, SEARCH_DONE);
    ck_assert_double_eq_tol(it->at[0], 2.5, 1e-3 * 2.5 * sqrt(0.02));
}
END_TEST

static void broken(const double *at, size_t n, Likelihood *out)
{
    (void)at, (void)n;
    *out = (Likelihood){.cost = NAN};
}

START_TEST(a_start_without_a_cost_is_stuck)
{
    ck_assert_int_eq(search(broken, 1, (double[]){1}, none_low, none_high)->state, SEARCH_STUCK);
}
END_TEST

START_TEST(eigenvalues_and_vectors_put_the_matrix_together_again)
{
    enum { N = 6 };
    double a[N * N], values[N], vectors[N * N], factor[N * N], x[N];
    for (uint64_t seed = 0; seed < 50; seed++) {
        for (size_t i = 0; i < N * N; i++)
            a[i] = 0;
        for (size_t k = 0; k < N + 2; k++)  // a sum of v v', so it is positive definite
            for (size_t i = 0; i < N; i++)
                for (size_t j = 0; j < N; j++)
                    a[i * N + j] += random_normal(seed, k, i) * random_normal(seed, k, j);
        matrix_eigen(a, N, values, vectors);
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                double sum = 0;
                for (size_t k = 0; k < N; k++)
                    sum += values[k] * vectors[k * N + i] * vectors[k * N + j];
                ck_assert_double_eq_tol(sum, a[i * N + j], 1e-11);
            }

        ck_assert(matrix_factor(a, N, factor));
        matrix_solve(factor, N, a + 2 * N, x);  // A x = column 2 of A
        for (size_t i = 0; i < N; i++)
            ck_assert_double_eq_tol(x[i], i == 2, 1e-6);
    }
}
END_TEST

KIT_MAIN("fit.search", a_bent_valley_is_followed_to_its_end, a_limit_holds_and_the_rest_goes_on, what_the_cost_does_not_see_stays_near_where_it_was,
         scoring_climbs_a_likelihood_that_is_no_sum_of_squares, a_start_without_a_cost_is_stuck, eigenvalues_and_vectors_put_the_matrix_together_again)
