#include "model/filter.h"

#include <assert.h>
#include <math.h>

#include "model/model.h"

enum { N = MODEL_STATES_MAX };

uint16_t filter_packed(uint16_t n, uint16_t i, uint16_t j)
{
    if (i > j)
        return filter_packed(n, j, i);
    assert(j < n);
    return (uint16_t)(i * n - i * (i + 1) / 2 + j);
}

static bool is_number(const Graph *graph, Expr expr, double number)
{
    double value;
    return graph_is_constant(graph, expr, &value) && value == number;
}

static Expr mul(Graph *graph, Expr a, Expr b)
{
    return graph_binary(graph, OP_MUL, a, b);
}

/* sum + a b, without terms that are zero by structure: this is where the sparsity of Jacobians pays. */
static Expr add_product(Graph *graph, Expr sum, Expr a, Expr b)
{
    if (is_number(graph, a, 0) || is_number(graph, b, 0))
        return sum;
    const Expr product = mul(graph, a, b);
    return sum == EXPR_NONE ? product : graph_binary(graph, OP_ADD, sum, product);
}

static Expr or_zero(Graph *graph, Expr sum)
{
    return sum == EXPR_NONE ? graph_constant(graph, 0.0) : sum;
}

/* Within the limits; what is no number stays none, as max and min give their second operand then. */
static Expr project(Graph *graph, const FilterState *state, Expr value)
{
    if (isfinite(state->min))
        value = graph_binary(graph, OP_MAX, graph_constant(graph, state->min), value);
    if (isfinite(state->max))
        value = graph_binary(graph, OP_MIN, graph_constant(graph, state->max), value);
    return value;
}

static Expr covariance(Graph *graph, const FilterLayout *layout, uint16_t n, uint16_t i, uint16_t j)
{
    return graph_variable(graph, (uint16_t)(layout->covariance + filter_packed(n, i, j)));
}

/* product = a P */
static void multiply(Graph *graph, const FilterLayout *layout, uint16_t count, Expr a[N][N], Expr product[N][N])
{
    for (uint16_t i = 0; i < count; i++)
        for (uint16_t j = 0; j < count; j++) {
            Expr sum = EXPR_NONE;
            for (uint16_t k = 0; k < count; k++)
                sum = add_product(graph, sum, a[i][k], covariance(graph, layout, count, k, j));
            product[i][j] = or_zero(graph, sum);
        }
}

/* What is left of a tracked value after one step; exactly the same on every machine, as graph_apply is. */
static double decay_of(const FilterState *state, double step)
{
    return isfinite(state->time) ? graph_apply(OP_EXP, -step / state->time, 0, 0) : 1;
}

FilterNoise filter_noise(const FilterState *state, double step)
{
    const double decay = decay_of(state, step), density = state->noise * state->noise;
    if (state->rate != EXPR_NONE)
        return (FilterNoise){density * step, density * step * (FILTER_PARTED_NOISE * FILTER_PARTED_NOISE - 1)};
    return (FilterNoise){isfinite(state->time) ? density * state->time / 2 * (1 - decay * decay) : density * step,
                         state->jump * state->jump * step / FILTER_PARTED_SECONDS};
}

static Expr add_noise(Graph *graph, const FilterLayout *layout, const FilterState *state, double step, Expr sum)
{
    const FilterNoise noise = filter_noise(state, step);
    sum = or_zero(graph, sum);
    if (noise.calm > 0)
        sum = graph_binary(graph, OP_ADD, sum, graph_constant(graph, noise.calm));
    if (noise.parted > 0)
        sum = graph_binary(graph, OP_ADD, sum, mul(graph, graph_variable(graph, layout->parted), graph_constant(graph, noise.parted)));
    return sum;
}

/* What happens at the end of a step: delayed values move on, events set states. Returns how many columns are assigned. */
static size_t finish_step(Graph *graph, const FilterLayout *layout, uint16_t count, Expr *next, Assignment *assignments)
{
    uint16_t columns[N + DELAYS_MAX] = {0};
    Expr end[N + DELAYS_MAX];
    size_t assigned = 0;
    for (uint16_t i = 0; i < count; i++)
        columns[i] = (uint16_t)(layout->states + i), end[i] = next[i];
    for (size_t i = 0; i < layout->delay_count; i++) {
        columns[count + i] = layout->delays[i].then;
        end[count + i] = graph_variable(graph, layout->delays[i].next);
        assignments[assigned++] = (Assignment){layout->delays[i].then, end[count + i]};
    }

    event_apply(graph, layout->events, layout->event_count, columns, end, count + layout->delay_count, &assignments[assigned]);
    for (uint16_t i = 0; i < count; i++)
        next[i] = end[i];
    return assigned + layout->event_count;
}

/* The state one step on, by the equations. */
static void take_step(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, Stepper stepper, double step, Expr *next)
{
    Expr rates[N] = {0};
    for (uint16_t i = 0; i < count; i++)
        rates[i] = states[i].rate;
    stepper_build(stepper, graph, layout->states, rates, count, step, next);
}

static size_t assign_mean(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, const Expr *next, Assignment *out)
{
    for (uint16_t i = 0; i < count; i++)
        out[i] = (Assignment){(uint16_t)(layout->states + i), project(graph, &states[i], next[i])};
    return count;
}

/* The state one step on, from the equations or as it was left in columns. Returns how many other columns are assigned. */
static size_t step_on(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, Stepper stepper, double step, Expr *next,
                      Assignment *out)
{
    if (!layout->given)
        take_step(graph, layout, states, count, stepper, step, next);
    for (uint16_t i = 0; i < count && layout->given; i++)
        next[i] = graph_variable(graph, (uint16_t)(states[i].rate == EXPR_NONE ? layout->states + i : layout->next + i));
    for (uint16_t i = 0; i < count; i++)
        if (states[i].rate == EXPR_NONE && isfinite(states[i].time))
            next[i] = mul(graph, graph_constant(graph, decay_of(&states[i], step)), next[i]);
    return layout->given ? 0 : finish_step(graph, layout, count, next, out);
}

size_t filter_move(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, Stepper stepper, double step, Assignment *out)
{
    Expr next[N];
    const size_t assigned = step_on(graph, layout, states, count, stepper, step, next, out);
    return assigned + assign_mean(graph, layout, states, count, next, &out[assigned]);
}

/* How state i one step on depends on element j of the mean now. */
static Expr slope_of(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, const Expr *next, uint16_t i, uint16_t j)
{
    if (!layout->given || states[i].rate == EXPR_NONE)
        return graph_derive(graph, next[i], (uint16_t)(layout->states + j));
    return graph_variable(graph, (uint16_t)(layout->jacobian + i * count + j));
}

/* What inflation makes of a variance: behind a sample, deviations grow by the factor. */
static Expr inflate(Graph *graph, const FilterLayout *layout, Expr sum)
{
    if (layout->inflation == 1 || sum == EXPR_NONE)
        return sum;
    const Expr factor = graph_constant(graph, layout->inflation * layout->inflation);
    return mul(graph, sum, graph_select(graph, graph_variable(graph, layout->due), factor, graph_constant(graph, 1)));
}

/* From a sample on inflation is due, until a step was taken. */
static size_t assign_due(const FilterLayout *layout, Expr value, Assignment *out)
{
    if (layout->inflation == 1)
        return 0;
    *out = (Assignment){layout->due, value};
    return 1;
}

size_t filter_predict(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, Stepper stepper, double step, Assignment *out)
{
    Expr next[N], jacobian[N][N], product[N][N];  // product is A P
    size_t assigned = step_on(graph, layout, states, count, stepper, step, next, out);
    for (uint16_t i = 0; i < count; i++)
        for (uint16_t j = 0; j < count; j++)
            jacobian[i][j] = slope_of(graph, layout, states, count, next, i, j);

    multiply(graph, layout, count, jacobian, product);
    for (uint16_t i = 0; i < count; i++)
        for (uint16_t j = i; j < count; j++) {
            Expr sum = EXPR_NONE;
            for (uint16_t k = 0; k < count; k++)
                sum = add_product(graph, sum, product[i][k], jacobian[j][k]);
            sum = inflate(graph, layout, sum);
            if (i == j)
                sum = add_noise(graph, layout, &states[i], step, sum);
            out[assigned++] = (Assignment){(uint16_t)(layout->covariance + filter_packed(count, i, j)), or_zero(graph, sum)};
        }
    assigned += assign_due(layout, graph_constant(graph, 0), &out[assigned]);
    return assigned + assign_mean(graph, layout, states, count, next, &out[assigned]);
}

/* H, P H' and S = H P H' + R of one sensor. */
typedef struct Expected {
    Expr h[N], ph[N], variance;
} Expected;

static void expect(Graph *graph, const FilterLayout *layout, uint16_t count, const FilterSensor *sensor, Expected *out)
{
    uint16_t states[N] = {0};
    for (uint16_t i = 0; i < count; i++)
        states[i] = (uint16_t)(layout->states + i);
    graph_gradient(graph, sensor->expected, states, count, out->h);
    out->variance = graph_constant(graph, sensor->noise * sensor->noise);
    for (uint16_t i = 0; i < count; i++) {
        Expr sum = EXPR_NONE;
        for (uint16_t k = 0; k < count; k++)
            sum = add_product(graph, sum, covariance(graph, layout, count, i, k), out->h[k]);
        out->ph[i] = or_zero(graph, sum);
        out->variance = add_product(graph, out->variance, out->h[i], out->ph[i]);
    }
}

static Expr innovation_of(Graph *graph, const FilterSensor *sensor)
{
    return graph_binary(graph, OP_SUB, graph_variable(graph, sensor->value), sensor->expected);
}

size_t filter_compare(Graph *graph, const FilterSensor *sensor, Assignment *out)
{
    const Expr mask = graph_variable(graph, sensor->mask);
    out[0] = (Assignment){sensor->innovation, graph_select(graph, mask, innovation_of(graph, sensor), graph_variable(graph, sensor->innovation))};
    return 1;
}

size_t filter_measure(Graph *graph, const FilterLayout *layout, uint16_t count, const FilterSensor *sensor, Assignment *out)
{
    Expected expected;
    expect(graph, layout, count, sensor, &expected);
    const Expr mask = graph_variable(graph, sensor->mask);
    filter_compare(graph, sensor, out);
    out[1] = (Assignment){sensor->variance, graph_select(graph, mask, expected.variance, graph_variable(graph, sensor->variance))};
    return 2;
}

/* The gain K = P H' / S. A parameter that does not jump keeps still while frozen (Schmidt's consider filter): a fault of the process must
 * not be learnt as a property of a sensor. Joseph's form holds for any gain. */
static Expr gain_of(Graph *graph, const FilterLayout *layout, const FilterState *state, Expr ph, Expr variance)
{
    const Expr gain = graph_binary(graph, OP_DIV, ph, variance);
    if (state->rate != EXPR_NONE || state->jump > 0)
        return gain;
    return graph_select(graph, graph_variable(graph, layout->frozen), graph_constant(graph, 0.0), gain);
}

/* Joseph form, (I - K H) P (I - K H)' + K R K', which stays symmetric and positive whatever the rounding. */
size_t filter_correct(Graph *graph, const FilterLayout *layout, const FilterState *states, uint16_t count, const FilterSensor *sensor, Assignment *out)
{
    Expected expected;
    Expr gain[N], left[N][N], product[N][N];  // left is I - K H, product is left P
    size_t assigned = 0;

    expect(graph, layout, count, sensor, &expected);
    for (uint16_t i = 0; i < count; i++)
        gain[i] = gain_of(graph, layout, &states[i], expected.ph[i], expected.variance);
    for (uint16_t i = 0; i < count; i++)
        for (uint16_t j = 0; j < count; j++) {
            left[i][j] = graph_constant(graph, i == j);
            if (!is_number(graph, expected.h[j], 0))
                left[i][j] = graph_binary(graph, OP_SUB, left[i][j], mul(graph, gain[i], expected.h[j]));
        }
    multiply(graph, layout, count, left, product);

    // lanes outside the mask keep what they had
    const Expr mask = graph_variable(graph, sensor->mask), noise = graph_constant(graph, sensor->noise * sensor->noise);
    for (uint16_t i = 0; i < count; i++)
        for (uint16_t j = i; j < count; j++) {
            Expr sum = EXPR_NONE;
            for (uint16_t k = 0; k < count; k++)
                sum = add_product(graph, sum, product[i][k], left[j][k]);
            sum = add_product(graph, sum, mul(graph, gain[i], noise), gain[j]);
            const uint16_t column = (uint16_t)(layout->covariance + filter_packed(count, i, j));
            out[assigned++] = (Assignment){column, graph_select(graph, mask, or_zero(graph, sum), graph_variable(graph, column))};
        }
    for (uint16_t i = 0; i < count; i++) {
        const uint16_t column = (uint16_t)(layout->states + i);
        const Expr mean = graph_variable(graph, column);
        const Expr moved = project(graph, &states[i], graph_binary(graph, OP_ADD, mean, mul(graph, gain[i], innovation_of(graph, sensor))));
        out[assigned++] = (Assignment){column, graph_select(graph, mask, moved, mean)};
    }
    return assigned + assign_due(layout, graph_select(graph, mask, graph_constant(graph, 1), graph_variable(graph, layout->due)), &out[assigned]);
}
