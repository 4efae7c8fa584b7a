#include "model/lookup.h"

#include <assert.h>
#include <math.h>

typedef struct Axis {
    Graph *graph;
    Expr at;  // within the ends
    const double *x;
    size_t intervals;
} Axis;

static Axis axis_of(Graph *graph, Expr at, const double *x, size_t count)
{
    assert(count >= 2);
    const Expr low = graph_binary(graph, OP_MAX, at, graph_constant(graph, x[0]));
    return (Axis){graph, graph_binary(graph, OP_MIN, low, graph_constant(graph, x[count - 1])), x, count - 1};
}

/* The value of the interval that `at` is in; a point belongs to the interval below it. */
static Expr pick(const Axis *axis, const Expr *values)
{
    Expr picked = values[0];
    for (size_t i = 1; i < axis->intervals; i++)
        picked = graph_select(axis->graph, graph_binary(axis->graph, OP_ABOVE, axis->at, graph_constant(axis->graph, axis->x[i])), values[i], picked);
    return picked;
}

static Expr pick_number(const Axis *axis, const double *values)
{
    Expr constants[LOOKUP_GRID_MAX] = {0};
    assert(axis->intervals <= LOOKUP_GRID_MAX);
    for (size_t i = 0; i < axis->intervals; i++)
        constants[i] = graph_constant(axis->graph, values[i]);
    return pick(axis, constants);
}

/* How far `at` is into its interval. */
static Expr along(const Axis *axis)
{
    return graph_binary(axis->graph, OP_SUB, axis->at, pick_number(axis, axis->x));
}

/* value + factor * slope */
static Expr add_product(Graph *graph, Expr value, Expr factor, Expr slope)
{
    return graph_binary(graph, OP_ADD, value, graph_binary(graph, OP_MUL, factor, slope));
}

static void secants(const double *x, const double *y, size_t count, double *slope)
{
    for (size_t i = 0; i + 1 < count; i++)
        slope[i] = (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
}

Expr lookup_linear(Graph *graph, Expr at, const double *x, const double *y, size_t count)
{
    double slope[LOOKUP_GRID_MAX] = {0};
    assert(count <= LOOKUP_GRID_MAX);
    const Axis axis = axis_of(graph, at, x, count);
    secants(x, y, count, slope);
    return add_product(graph, pick_number(&axis, y), along(&axis), pick_number(&axis, slope));
}

/* Slopes at the points: the mean of the secants, none where they change direction, and not steeper than monotonicity allows. */
static void tangents(const double *slope, size_t count, double *m)
{
    m[0] = slope[0];
    m[count - 1] = slope[count - 2];
    for (size_t i = 1; i + 1 < count; i++)
        m[i] = slope[i - 1] * slope[i] > 0 ? (slope[i - 1] + slope[i]) / 2 : 0;

    for (size_t i = 0; i + 1 < count; i++) {
        if (slope[i] == 0) {
            m[i] = m[i + 1] = 0;
            continue;
        }
        const double a = m[i] / slope[i], b = m[i + 1] / slope[i], size = sqrt(a * a + b * b);
        if (size > 3) {
            m[i] = 3 * a / size * slope[i];
            m[i + 1] = 3 * b / size * slope[i];
        }
    }
}

Expr lookup_cubic(Graph *graph, Expr at, const double *x, const double *y, size_t count)
{
    double slope[LOOKUP_POINTS_MAX] = {0}, m[LOOKUP_POINTS_MAX], square[LOOKUP_POINTS_MAX], cube[LOOKUP_POINTS_MAX];
    assert(count <= LOOKUP_POINTS_MAX);
    const Axis axis = axis_of(graph, at, x, count);
    secants(x, y, count, slope);
    tangents(slope, count, m);
    for (size_t i = 0; i + 1 < count; i++) {
        const double width = x[i + 1] - x[i];
        square[i] = (3 * slope[i] - 2 * m[i] - m[i + 1]) / width;
        cube[i] = (m[i] + m[i + 1] - 2 * slope[i]) / (width * width);
    }

    const Expr h = along(&axis);
    Expr value = add_product(graph, pick_number(&axis, square), h, pick_number(&axis, cube));
    value = add_product(graph, pick_number(&axis, m), h, value);
    return add_product(graph, pick_number(&axis, y), h, value);
}

Expr lookup_bilinear(Graph *graph, Expr at_x, Expr at_y, const double *x, size_t x_count, const double *y, size_t y_count, const double *z)
{
    const Axis up = axis_of(graph, at_y, y, y_count);
    Expr row[LOOKUP_GRID_MAX] = {0};
    double inverse[LOOKUP_GRID_MAX] = {0};
    assert(x_count * y_count <= LOOKUP_GRID_MAX);

    // each row is a table along x; along y the rows are the points
    for (size_t j = 0; j < y_count; j++)
        row[j] = lookup_linear(graph, at_x, x, &z[j * x_count], x_count);
    for (size_t j = 0; j + 1 < y_count; j++)
        inverse[j] = 1 / (y[j + 1] - y[j]);

    const Expr below = pick(&up, row), above = pick(&up, row + 1);
    const Expr share = graph_binary(graph, OP_MUL, along(&up), pick_number(&up, inverse));
    return add_product(graph, below, share, graph_binary(graph, OP_SUB, above, below));
}
