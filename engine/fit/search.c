#include "fit/search.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define DAMPING_FIRST 1e-3
#define DAMPING_MAX 1e12
#define DAMPING_MIN 1e-12
#define LEFT_TO_GAIN 1e-6  // as a squared distance in standard errors

static double within(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

bool search_is_pinned(const Search *search, size_t i)
{
    const double slope = search->here.gradient[i];
    return (search->at[i] <= search->low[i] && slope > 0) || (search->at[i] >= search->high[i] && slope < 0);
}

/* Values that are not pinned, and how each is scaled: the information then has a diagonal of ones. */
typedef struct Free {
    size_t index[SEARCH_MAX], count;
    double scale[SEARCH_MAX];
} Free;

static Free find_free(const Search *search)
{
    Free free = {0};
    for (size_t i = 0; i < search->count; i++)
        if (!search_is_pinned(search, i)) {
            const double information = search->here.information[i * search->count + i];
            free.scale[free.count] = information > 0 ? 1 / sqrt(information) : 1;
            free.index[free.count++] = i;
        }
    return free;
}

/* The damped step of the free values, and the decrement g' (H + D)^-1 g of the cost's slope. */
static double solve(const Search *search, const Free *free, double damping, double *step)
{
    const size_t n = free->count;
    double matrix[SEARCH_MAX * SEARCH_MAX] = {0}, factor[SEARCH_MAX * SEARCH_MAX], slope[SEARCH_MAX], move[SEARCH_MAX];
    for (size_t i = 0; i < n; i++) {
        slope[i] = search->here.gradient[free->index[i]] * free->scale[i];
        for (size_t j = 0; j < n; j++)
            matrix[i * n + j] = search->here.information[free->index[i] * search->count + free->index[j]] * free->scale[i] * free->scale[j];
        matrix[i * n + i] += damping;
    }

    memset(step, 0, search->count * sizeof *step);
    if (!matrix_factor(matrix, n, factor))
        return INFINITY;
    matrix_solve(factor, n, slope, move);
    double decrement = 0;
    for (size_t i = 0; i < n; i++) {
        step[free->index[i]] = -move[i] * free->scale[i];
        decrement += slope[i] * move[i];
    }
    return decrement;
}

/* By how much the cost would fall if it were the parabola that gradient and information describe. */
static double promise(const Search *search, const double *step)
{
    const size_t n = search->count;
    double gain = 0;
    for (size_t i = 0; i < n; i++) {
        double bent = 0;
        for (size_t j = 0; j < n; j++)
            bent += search->here.information[i * n + j] * step[j];
        gain -= step[i] * (search->here.gradient[i] + 0.5 * bent);
    }
    return gain;
}

static void damp(Search *search)
{
    search->damping *= search->growth;
    search->growth *= 2;
}

/* Choose the next trial, or find that there is none. */
static void propose(Search *search)
{
    const Free free = find_free(search);
    double step[SEARCH_MAX];
    if (free.count == 0 || solve(search, &free, DAMPING_MIN, step) < LEFT_TO_GAIN) {
        search->state = SEARCH_DONE;
        return;
    }

    for (; search->damping < DAMPING_MAX; damp(search)) {
        if (isinf(solve(search, &free, search->damping, step)))
            continue;
        for (size_t i = 0; i < search->count; i++) {
            search->trial[i] = within(search->at[i] + step[i], search->low[i], search->high[i]);
            step[i] = search->trial[i] - search->at[i];
        }
        search->promised = promise(search, step);
        if (search->promised > 0)
            return;
    }
    search->state = SEARCH_STUCK;
}

/* Trust the parabola more where it kept its promise, less where it did not. */
static void accept(Search *search, const Likelihood *found)
{
    const double kept = 2 * (search->here.cost - found->cost) / search->promised - 1, factor = 1 - kept * kept * kept;
    search->damping = fmax(search->damping * fmax(factor, 1.0 / 3), DAMPING_MIN);
    search->growth = 2;
    search->here = *found;
    memcpy(search->at, search->trial, sizeof search->at);
}

void search_begin(Search *search, size_t count, const double *start, const double *low, const double *high)
{
    assert(count > 0 && count <= SEARCH_MAX);
    memset(search, 0, sizeof *search);
    search->count = count;
    search->damping = DAMPING_FIRST;
    search->growth = 2;
    for (size_t i = 0; i < count; i++) {
        search->low[i] = low[i];
        search->high[i] = high[i];
        search->at[i] = search->trial[i] = within(start[i], low[i], high[i]);
    }
}

void search_take(Search *search, const Likelihood *found)
{
    assert(search->state == SEARCH_GOING);
    if (search->steps++ == 0) {
        search->here = *found;
        search->state = isfinite(found->cost) ? SEARCH_GOING : SEARCH_STUCK;
    } else if (found->cost < search->here.cost) {
        accept(search, found);
    } else {
        damp(search);
    }
    if (search->state == SEARCH_GOING)
        propose(search);
    if (search->state == SEARCH_GOING && search->steps >= SEARCH_STEPS_MAX)
        search->state = SEARCH_SPENT;
}
