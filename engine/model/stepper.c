#include "model/stepper.h"

#include <assert.h>
#include <string.h>

enum { N = STEPPER_STATES_MAX, STAGES_MAX = 6 };

static const char *const names[] = {"rk4", "euler", "tsit5", "rosenbrock"};

const char *stepper_name(Stepper stepper)
{
    return names[stepper];
}

bool stepper_parse(const char *text, Stepper *out)
{
    for (Stepper s = STEPPER_RK4; s <= STEPPER_ROSENBROCK; s++)
        if (strcmp(text, names[s]) == 0) {
            *out = s;
            return true;
        }
    return false;
}

/* What is stepped, by how much. */
typedef struct Flow {
    Graph *graph;
    uint16_t first, count;
    const Expr *rates;
    double step;
} Flow;

static Expr number(const Flow *flow, double value)
{
    return graph_constant(flow->graph, value);
}

static Expr add(const Flow *flow, Expr a, Expr b)
{
    return graph_binary(flow->graph, OP_ADD, a, b);
}

static Expr mul(const Flow *flow, Expr a, Expr b)
{
    return graph_binary(flow->graph, OP_MUL, a, b);
}

static bool moves(const Flow *flow, uint16_t i)
{
    return flow->rates[i] != EXPR_NONE;
}

static Expr state(const Flow *flow, uint16_t i)
{
    return graph_variable(flow->graph, (uint16_t)(flow->first + i));
}

/* The rates at the point that is `shift` away from the state. */
static void rates_at(const Flow *flow, const Expr *shift, Expr *out)
{
    uint16_t columns[N];
    Expr point[N];
    for (uint16_t i = 0; i < flow->count; i++) {
        columns[i] = (uint16_t)(flow->first + i);
        point[i] = moves(flow, i) ? add(flow, state(flow, i), shift[i]) : state(flow, i);
    }
    for (uint16_t i = 0; i < flow->count; i++)
        out[i] = moves(flow, i) ? graph_substitute(flow->graph, flow->rates[i], columns, point, flow->count) : EXPR_NONE;
}

static void move_by(const Flow *flow, const Expr *shift, Expr *next)
{
    for (uint16_t i = 0; i < flow->count; i++)
        next[i] = moves(flow, i) ? add(flow, state(flow, i), shift[i]) : state(flow, i);
}

/* shift = sum of weights[s] * k[s], without what has no weight. */
static void combine(const Flow *flow, const double *weights, double factor, Expr k[][N], unsigned stages, Expr *shift)
{
    for (uint16_t i = 0; i < flow->count; i++) {
        shift[i] = EXPR_NONE;
        for (unsigned s = 0; s < stages && moves(flow, i); s++) {
            if (weights[s] == 0)
                continue;
            const Expr part = mul(flow, number(flow, factor * weights[s]), k[s][i]);
            shift[i] = shift[i] == EXPR_NONE ? part : add(flow, shift[i], part);
        }
        if (shift[i] == EXPR_NONE)
            shift[i] = number(flow, 0);
    }
}

// --- explicit ------------------------------------------------------------------------------------------------------

static void step_rk4(const Flow *flow, Expr *next)
{
    Expr k[4][N], shift[N];
    static const double half = 0.5, whole = 1;
    memcpy(k[0], flow->rates, flow->count * sizeof *k[0]);
    for (unsigned s = 1; s < 4; s++) {
        combine(flow, s < 3 ? &half : &whole, flow->step, &k[s - 1], 1, shift);
        rates_at(flow, shift, k[s]);
    }

    // the middle stages weigh the same, so they share a multiplication
    for (uint16_t i = 0; i < flow->count; i++) {
        if (!moves(flow, i))
            continue;
        const Expr middle = mul(flow, number(flow, 2), add(flow, k[1][i], k[2][i]));
        shift[i] = mul(flow, number(flow, flow->step / 6), add(flow, add(flow, k[0][i], middle), k[3][i]));
    }
    move_by(flow, shift, next);
}

/* Weights of an explicit method, row by row: how far each stage goes along the ones before it, and last the step itself. */
typedef struct Tableau {
    unsigned stages;
    double weights[STAGES_MAX][STAGES_MAX];
} Tableau;

static const Tableau euler = {1, {{1}}};

static const Tableau tsit5 = {6, {{0.161},
                                  {-0.008480655492356989, 0.335480655492357},
                                  {2.8971530571054935, -6.359448489975075, 4.3622954328695815},
                                  {5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525},
                                  {5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383},
                                  {0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774}}};

static void step_explicit(const Flow *flow, const Tableau *tableau, Expr *next)
{
    Expr k[STAGES_MAX][N], shift[N];
    memcpy(k[0], flow->rates, flow->count * sizeof *k[0]);
    for (unsigned s = 1; s < tableau->stages; s++) {
        combine(flow, tableau->weights[s - 1], flow->step, k, s, shift);
        rates_at(flow, shift, k[s]);
    }
    combine(flow, tableau->weights[tableau->stages - 1], flow->step, k, tableau->stages, shift);
    move_by(flow, shift, next);
}

// --- Rosenbrock ----------------------------------------------------------------------------------------------------

/* A matrix and then its factors, in place: below the diagonal the multipliers, in it the reciprocals of the pivots, which every stage is solved
 * with; EXPR_NONE where there is nothing by structure. */
typedef struct System {
    Expr at[STEPPER_ROSENBROCK_STATES_MAX][STEPPER_ROSENBROCK_STATES_MAX];
    uint16_t index[STEPPER_ROSENBROCK_STATES_MAX];  // of the states that move
    uint16_t size;
} System;

/* a - b c, where each may be nothing. */
static Expr subtract_product(const Flow *flow, Expr a, Expr b, Expr c)
{
    if (b == EXPR_NONE || c == EXPR_NONE)
        return a;
    const Expr product = mul(flow, b, c);
    return a == EXPR_NONE ? graph_unary(flow->graph, OP_NEG, product) : graph_binary(flow->graph, OP_SUB, a, product);
}

/* diagonal I - J of the states that move */
static void system_build(const Flow *flow, double diagonal, System *system)
{
    system->size = 0;
    for (uint16_t i = 0; i < flow->count; i++)
        if (moves(flow, i)) {
            assert(system->size < STEPPER_ROSENBROCK_STATES_MAX);
            system->index[system->size++] = i;
        }
    for (uint16_t i = 0; i < system->size; i++)
        for (uint16_t j = 0; j < system->size; j++) {
            const Expr slope = graph_derive(flow->graph, flow->rates[system->index[i]], (uint16_t)(flow->first + system->index[j]));
            double value;
            const bool nothing = graph_is_constant(flow->graph, slope, &value) && value == 0;
            const Expr own = i == j ? number(flow, diagonal) : EXPR_NONE;
            system->at[i][j] = nothing ? own : subtract_product(flow, own, number(flow, 1), slope);
        }
}

static void system_factor(const Flow *flow, System *system)
{
    for (uint16_t p = 0; p < system->size; p++) {
        system->at[p][p] = graph_binary(flow->graph, OP_DIV, number(flow, 1), system->at[p][p]);
        for (uint16_t i = (uint16_t)(p + 1); i < system->size; i++) {
            if (system->at[i][p] == EXPR_NONE)
                continue;
            system->at[i][p] = mul(flow, system->at[i][p], system->at[p][p]);
            for (uint16_t j = (uint16_t)(p + 1); j < system->size; j++)
                system->at[i][j] = subtract_product(flow, system->at[i][j], system->at[i][p], system->at[p][j]);
        }
    }
}

/* Solve for the right side `x`, by state; the solution takes its place. */
static void system_solve(const Flow *flow, const System *system, Expr *x)
{
    for (uint16_t i = 0; i < system->size; i++)
        for (uint16_t j = 0; j < i; j++)
            x[system->index[i]] = subtract_product(flow, x[system->index[i]], system->at[i][j], x[system->index[j]]);
    for (uint16_t i = system->size; i-- > 0;) {
        Expr *value = &x[system->index[i]];
        for (uint16_t j = (uint16_t)(i + 1); j < system->size; j++)
            *value = subtract_product(flow, *value, system->at[i][j], x[system->index[j]]);
        *value = mul(flow, *value, system->at[i][i]);
    }
}

/* RODAS3 in the form without products by J: (1 / (gamma h) - J) u_s = f(x + sum of along u) + sum of back u / h. */
static void step_rosenbrock(const Flow *flow, Expr *next)
{
    enum { STAGES = 4 };
    static const double gamma = 0.5, along[STAGES][STAGES] = {{0}, {0}, {2, 0}, {2, 0, 1}}, back[STAGES][STAGES] = {{0}, {4}, {1, -1}, {1, -1, -8.0 / 3}},
                        weights[STAGES] = {2, 0, 1, 1};
    Expr u[STAGES][N], shift[N], extra[N];
    System system;
    system_build(flow, 1 / (gamma * flow->step), &system);
    system_factor(flow, &system);

    for (unsigned s = 0; s < STAGES; s++) {
        combine(flow, along[s], 1, u, s, shift);
        rates_at(flow, shift, u[s]);
        combine(flow, back[s], 1 / flow->step, u, s, extra);
        for (uint16_t i = 0; i < flow->count; i++)
            if (moves(flow, i))
                u[s][i] = add(flow, u[s][i], extra[i]);
        system_solve(flow, &system, u[s]);
    }
    combine(flow, weights, 1, u, STAGES, shift);
    move_by(flow, shift, next);
}

void stepper_build(Stepper stepper, Graph *graph, uint16_t first, const Expr *rates, uint16_t count, double step, Expr *next)
{
    const Flow flow = {graph, first, count, rates, step};
    assert(count <= N);
    switch (stepper) {
    case STEPPER_RK4: step_rk4(&flow, next); break;
    case STEPPER_EULER: step_explicit(&flow, &euler, next); break;
    case STEPPER_TSIT5: step_explicit(&flow, &tsit5, next); break;
    case STEPPER_ROSENBROCK: step_rosenbrock(&flow, next); break;
    }
}
