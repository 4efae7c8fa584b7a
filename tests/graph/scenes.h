/* scenes.h -- systems that the tests and the benchmark of the graph share: Lorenz (chaotic, cheap), three tanks in a row (square
 * roots and divisions) and a rod (large), one classic Runge-Kutta step each; the numbers that every operation has to cope with; and random
 * expressions. */
#pragma once

#include <float.h>
#include <math.h>
#include <string.h>

#include "graph/ops.h"

enum { SCENE_STATES_MAX = 20 };

/* The rates of a system's states. */
typedef void SceneRates(Graph *graph, const Expr *states, Expr *rates);

static inline Expr scene_add(Graph *graph, Expr a, Expr b)
{
    return graph_binary(graph, OP_ADD, a, b);
}

static inline Expr scene_sub(Graph *graph, Expr a, Expr b)
{
    return graph_binary(graph, OP_SUB, a, b);
}

static inline Expr scene_mul(Graph *graph, Expr a, Expr b)
{
    return graph_binary(graph, OP_MUL, a, b);
}

static inline Expr scene_div(Graph *graph, Expr a, Expr b)
{
    return graph_binary(graph, OP_DIV, a, b);
}

/* states + rates * step */
static inline void scene_along(Graph *graph, const Expr *states, const Expr *rates, Expr step, size_t count, Expr *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = scene_add(graph, states[i], scene_mul(graph, rates[i], step));
}

/* One classic Runge-Kutta step: `states` are in columns [0, count), and so will be the new ones. */
static inline void scene_rk4(Graph *graph, SceneRates *rates, size_t count, double step, Assignment *out)
{
    Expr x[SCENE_STATES_MAX], y[SCENE_STATES_MAX], k[4][SCENE_STATES_MAX];
    const Expr half = graph_constant(graph, step / 2), whole = graph_constant(graph, step), sixth = graph_constant(graph, step / 6);
    for (size_t i = 0; i < count; i++)
        x[i] = graph_variable(graph, (uint16_t)i);
    rates(graph, x, k[0]);
    scene_along(graph, x, k[0], half, count, y);
    rates(graph, y, k[1]);
    scene_along(graph, x, k[1], half, count, y);
    rates(graph, y, k[2]);
    scene_along(graph, x, k[2], whole, count, y);
    rates(graph, y, k[3]);

    const Expr two = graph_constant(graph, 2);
    for (size_t i = 0; i < count; i++) {
        const Expr middle = scene_mul(graph, two, scene_add(graph, k[1][i], k[2][i]));
        const Expr sum = scene_add(graph, scene_add(graph, k[0][i], middle), k[3][i]);
        out[i] = (Assignment){(uint16_t)i, scene_add(graph, x[i], scene_mul(graph, sum, sixth))};
    }
}

/* The packed upper triangle, row by row. */
static inline Expr scene_covariance(Graph *graph, uint16_t first, size_t count, size_t i, size_t j)
{
    const size_t row = i < j ? i : j, column = i < j ? j : i;
    return graph_variable(graph, (uint16_t)(first + row * count - row * (row + 1) / 2 + column));
}

/* The step and what it does to the covariance in the columns from `first`: F P F' + q, with the exact Jacobian F of the step.
 * Returns the number of assignments. */
static inline size_t scene_predict(Graph *graph, SceneRates *rates, size_t count, double step, uint16_t first, Assignment *out)
{
    static Expr jacobian[SCENE_STATES_MAX][SCENE_STATES_MAX], half[SCENE_STATES_MAX][SCENE_STATES_MAX];
    scene_rk4(graph, rates, count, step, out);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            jacobian[i][j] = graph_derive(graph, out[i].value, (uint16_t)j);

    const Expr zero = graph_constant(graph, 0);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            half[i][j] = zero;
            for (size_t k = 0; k < count; k++)
                if (jacobian[i][k] != zero)
                    half[i][j] = scene_add(graph, half[i][j], scene_mul(graph, jacobian[i][k], scene_covariance(graph, first, count, k, j)));
        }
    }
    size_t assigned = count;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i; j < count; j++) {
            Expr sum = i == j ? graph_constant(graph, 1e-8) : zero;
            for (size_t k = 0; k < count; k++)
                if (jacobian[j][k] != zero)
                    sum = scene_add(graph, sum, scene_mul(graph, half[i][k], jacobian[j][k]));
            out[assigned] = (Assignment){(uint16_t)(first + assigned - count), sum};
            assigned++;
        }
    }
    return assigned;
}

// ---- Lorenz -------------------------------------------------------------------------------------------------------------

#define LORENZ_STEP 0.01

static inline void lorenz_rates(Graph *graph, const Expr *s, Expr *rate)
{
    const Expr sigma = graph_constant(graph, 10), rho = graph_constant(graph, 28), beta = graph_constant(graph, 8.0 / 3.0);
    rate[0] = scene_mul(graph, sigma, scene_sub(graph, s[1], s[0]));
    rate[1] = scene_sub(graph, scene_mul(graph, s[0], scene_sub(graph, rho, s[2])), s[1]);
    rate[2] = scene_sub(graph, scene_mul(graph, s[0], s[1]), scene_mul(graph, beta, s[2]));
}

/* The same step by hand, in the same order of operations. */
static inline void lorenz_plain_rates(const double *s, double *rate)
{
    rate[0] = 10.0 * (s[1] - s[0]);
    rate[1] = s[0] * (28.0 - s[2]) - s[1];
    rate[2] = s[0] * s[1] - 8.0 / 3.0 * s[2];
}

static inline void lorenz_plain_step(double *s)
{
    const double h = LORENZ_STEP;
    double k[4][3], y[3];
    lorenz_plain_rates(s, k[0]);
    for (int stage = 1; stage < 4; stage++) {
        for (int i = 0; i < 3; i++)
            y[i] = s[i] + k[stage - 1][i] * (stage < 3 ? h / 2 : h);
        lorenz_plain_rates(y, k[stage]);
    }
    for (int i = 0; i < 3; i++)
        s[i] += (k[0][i] + 2.0 * (k[1][i] + k[2][i]) + k[3][i]) * (h / 6);
}

/* [I2] A chaotic scene tells every build apart: after LORENZ_STEPS a difference in the last bit has grown to the size of the attractor.
 * The hash was the same from gcc at -O0, -O2, -O3 and clang, and for plain C. */
enum { LORENZ_STEPS = 10000 };
#define LORENZ_HASH UINT64_C(0x7932e944691915aa)

static inline uint64_t hash_of_lorenz(const double *block)
{
    return hash_bytes(0, block, 3 * LANES * sizeof *block);
}

static inline void start_lorenz(double *block)
{
    for (unsigned i = 0; i < LANES; i++) {
        block[i] = 1.0 + 0.125 * i;
        block[LANES + i] = 1.0;
        block[2 * LANES + i] = 20.0;
    }
}

// ---- three tanks --------------------------------------------------------------------------------------------------------

enum { TANK_AREA = 3, TANK_ORIFICE = 6, TANK_INFLOW = 9, TANK_COVARIANCE = 10, TANK_COLUMNS = 16 };  // covariance: packed upper triangle
#define TANK_STEP 0.1

/* Each tank drains into the next one: level' = (inflow - orifice sqrt(2 g level)) / area. */
static inline void tank_rates(Graph *graph, const Expr *level, Expr *rate)
{
    Expr inflow = graph_variable(graph, TANK_INFLOW);
    for (uint16_t i = 0; i < 3; i++) {
        const Expr held = graph_binary(graph, OP_MAX, level[i], graph_constant(graph, 0));
        const Expr speed = graph_unary(graph, OP_SQRT, scene_mul(graph, graph_constant(graph, 2 * 9.81), held));
        const Expr outflow = scene_mul(graph, graph_variable(graph, (uint16_t)(TANK_ORIFICE + i)), speed);
        rate[i] = scene_div(graph, scene_sub(graph, inflow, outflow), graph_variable(graph, (uint16_t)(TANK_AREA + i)));
        inflow = outflow;
    }
}

static inline size_t tank_predict(Graph *graph, Assignment out[static 9])
{
    return scene_predict(graph, tank_rates, 3, TANK_STEP, TANK_COVARIANCE, out);
}

// ---- a rod --------------------------------------------------------------------------------------------------------------

enum { ROD_STATES = 20, ROD_COVARIANCE = ROD_STATES, ROD_COLUMNS = ROD_STATES + ROD_STATES * (ROD_STATES + 1) / 2 };
#define ROD_STEP 0.1

/* Heat in a rod that is cold at both ends: large and linear. */
static inline void rod_rates(Graph *graph, const Expr *heat, Expr *rate)
{
    const Expr cold = graph_constant(graph, 0), two = graph_constant(graph, 2), conductance = graph_constant(graph, 0.3);
    for (size_t i = 0; i < ROD_STATES; i++) {
        const Expr beside = scene_add(graph, i ? heat[i - 1] : cold, i + 1 < ROD_STATES ? heat[i + 1] : cold);
        rate[i] = scene_mul(graph, conductance, scene_sub(graph, beside, scene_mul(graph, two, heat[i])));
    }
}

static inline size_t rod_predict(Graph *graph, Assignment out[static ROD_COLUMNS])
{
    return scene_predict(graph, rod_rates, ROD_STATES, ROD_STEP, ROD_COVARIANCE, out);
}

// ---- numbers ------------------------------------------------------------------------------------------------------------

static inline bool same_bits(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* The n-th test number of `stream`: any bits, sizes as models have them, small whole numbers, and the special ones. */
static inline double any_number(uint64_t stream, uint64_t n)
{
    static const double special[] = {
        0.0, -0.0, 1.0, -1.0, 0.5, 2.0, INFINITY, -INFINITY, NAN, 0x1p-1074, -0x1p-1074, 1e-310, -1e-310, DBL_MIN, -DBL_MIN, DBL_MAX, -DBL_MAX,
        709.78271289338397, -745.2, -708.4, 1e22, 1e15, 3.141592653589793, 1.5707963267948966, 1e-300, 1e300, 1e-160, 1e160,
    };
    uint32_t words[4];
    random_words(42, stream, n, words);
    double value;
    memcpy(&value, words, sizeof value);
    switch (words[2] % 8) {
    case 0:
    case 1: return value;
    case 2: return (double)(int)(words[3] % 41) - 20.0;
    case 3: return special[words[3] % (sizeof special / sizeof *special)];
    case 4: return 700.0 * ((double)words[0] / UINT32_MAX - 0.5);
    default: return 20.0 * ((double)words[0] / UINT32_MAX - 0.5);
    }
}

static const char *const instruction_sets[] = {"portable", "sse2", "avx2", "avx512"};
enum { INSTRUCTION_SETS = sizeof instruction_sets / sizeof *instruction_sets };

// ---- random expressions -------------------------------------------------------------------------------------------------

typedef struct Dice {
    uint64_t seed, thrown;
} Dice;

static inline uint32_t throw_dice(Dice *dice, uint32_t sides)
{
    uint32_t words[4];
    random_words(11, dice->seed, dice->thrown++, words);
    return words[0] % sides;
}

static inline Expr random_op(Graph *graph, Dice *dice, const Expr *pool, uint32_t size)
{
    const Op op = (Op)throw_dice(dice, OP_EXPR_COUNT);
    // mostly what is new, so that the graph grows deep, and at times something old, so that it lives long
    const uint32_t recent = size > 12 && throw_dice(dice, 3) ? size - 12 : 0;
    const Expr a = pool[recent + throw_dice(dice, size - recent)], b = pool[throw_dice(dice, size)], c = pool[throw_dice(dice, size)];
    switch (op__arity(op)) {
    case 1: return graph_unary(graph, op, a);
    case 2: return throw_dice(dice, 2) ? graph_binary(graph, op, a, b) : graph_binary(graph, op, b, a);
    default: return graph_select(graph, a, b, c);
    }
}

enum { RANDOM_COLUMNS = 8 };

/* Any columns, in any order, take any values of a graph of up to 150 operations: new ones, constants, other columns, the same twice. */
static inline size_t random_assignments(Graph *graph, uint64_t seed, Assignment out[static RANDOM_COLUMNS])
{
    enum { CONSTANTS = 4, OPS_MAX = 150 };
    Dice dice = {seed, 0};
    Expr pool[RANDOM_COLUMNS + CONSTANTS + OPS_MAX];
    uint32_t size = 0;
    for (uint16_t i = 0; i < RANDOM_COLUMNS; i++)
        pool[size++] = graph_variable(graph, i);
    for (uint32_t i = 0; i < CONSTANTS; i++)
        pool[size++] = graph_constant(graph, any_number(seed, i));
    for (uint32_t i = 0, ops = 1 + throw_dice(&dice, OPS_MAX); i < ops; i++, size++)
        pool[size] = random_op(graph, &dice, pool, size);

    size_t count = 0;
    for (uint16_t i = 0, first = (uint16_t)throw_dice(&dice, RANDOM_COLUMNS); i < RANDOM_COLUMNS; i++) {
        const uint32_t chosen = throw_dice(&dice, 2) ? size - 1 - throw_dice(&dice, size / 2) : throw_dice(&dice, size);
        if (throw_dice(&dice, 4))
            out[count++] = (Assignment){(uint16_t)((first + 3 * i) % RANDOM_COLUMNS), pool[chosen]};
    }
    return count;
}
