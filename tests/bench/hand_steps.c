/* hand_steps.c -- one step of the mean, by hand. */
#include "bench/hand.h"

#include <math.h>
#include <sleef.h>
#include <string.h>

// ---- three tanks --------------------------------------------------------------------------------------------------------

#define GRAVITY 9.80665

static inline double drain(double orifice, double level)
{
    return orifice * sqrt(2 * GRAVITY * (level > 1e-3 ? level : 1e-3));
}

/* One twin's parameters; `area` may hold reciprocals, as `scale` knows. */
typedef struct Tanks {
    double area[3], orifice[3], inflow;
} Tanks;

typedef double Scale(double value, double area);

static inline double divide(double value, double area)
{
    return value / area;
}

static inline double multiply(double value, double inverse)
{
    return value * inverse;
}

static inline void tank_rates(const Tanks *t, Scale *scale, double a, double b, double c, double rate[3])
{
    const double first = drain(t->orifice[0], a), second = drain(t->orifice[1], b), third = drain(t->orifice[2], c);
    rate[0] = scale(t->inflow - first, t->area[0]);
    rate[1] = scale(first - second, t->area[1]);
    rate[2] = scale(second - third, t->area[2]);
}

static inline __attribute__((always_inline)) void tanks(size_t n, Scale *scale, double *restrict a, double *restrict b, double *restrict c,
                                                        const double *restrict area_a, const double *restrict area_b, const double *restrict area_c,
                                                        const double *restrict orifice_a, const double *restrict orifice_b,
                                                        const double *restrict orifice_c, const double *restrict inflow)
{
    const double h = TANKS_STEP;
    for (size_t i = 0; i < n; i++) {
        const Tanks t = {{area_a[i], area_b[i], area_c[i]}, {orifice_a[i], orifice_b[i], orifice_c[i]}, inflow[i]};
        double p[3], q[3], r[3], s[3];
        tank_rates(&t, scale, a[i], b[i], c[i], p);
        tank_rates(&t, scale, a[i] + p[0] * (h / 2), b[i] + p[1] * (h / 2), c[i] + p[2] * (h / 2), q);
        tank_rates(&t, scale, a[i] + q[0] * (h / 2), b[i] + q[1] * (h / 2), c[i] + q[2] * (h / 2), r);
        tank_rates(&t, scale, a[i] + r[0] * h, b[i] + r[1] * h, c[i] + r[2] * h, s);
        a[i] += (p[0] + 2.0 * (q[0] + r[0]) + s[0]) * (h / 6);
        b[i] += (p[1] + 2.0 * (q[1] + r[1]) + s[1]) * (h / 6);
        c[i] += (p[2] + 2.0 * (q[2] + r[2]) + s[2]) * (h / 6);
    }
}

void hand_tanks(double *const *x, size_t n)
{
    tanks(n, divide, x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9]);
}

void hand_tanks_tuned(double *const *x, size_t n)
{
    tanks(n, multiply, x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9]);
}

// ---- Lorenz -------------------------------------------------------------------------------------------------------------

typedef struct Point {
    double x, y, z;
} Point;

static inline Point lorenz_rate(double rho, Point p)
{
    return (Point){10.0 * (p.y - p.x), rho * p.x - p.y - p.x * p.z, p.x * p.y - 2.666 * p.z};
}

static inline Point along(Point p, double h, Point k)
{
    return (Point){p.x + h * k.x, p.y + h * k.y, p.z + h * k.z};
}

static void lorenz(size_t n, double *restrict x, double *restrict y, double *restrict z, const double *restrict rho)
{
    const double h = LORENZ_STEP;
    for (size_t i = 0; i < n; i++) {
        const Point p = {x[i], y[i], z[i]};
        const Point k1 = lorenz_rate(rho[i], p), k2 = lorenz_rate(rho[i], along(p, h / 2, k1));
        const Point k3 = lorenz_rate(rho[i], along(p, h / 2, k2)), k4 = lorenz_rate(rho[i], along(p, h, k3));
        x[i] = p.x + (k1.x + 2.0 * (k2.x + k3.x) + k4.x) * (h / 6);
        y[i] = p.y + (k1.y + 2.0 * (k2.y + k3.y) + k4.y) * (h / 6);
        z[i] = p.z + (k1.z + 2.0 * (k2.z + k3.z) + k4.z) * (h / 6);
    }
}

void hand_lorenz(double *const *x, size_t n)
{
    lorenz(n, x[0], x[1], x[2], x[3]);
}

/* p + h (w1 k1 + w2 k2 + ...) */
static inline Point combine(Point p, double h, const Point *k, const double *w, int count)
{
    Point sum = {0};
    for (int s = 0; s < count; s++)
        sum = (Point){sum.x + w[s] * k[s].x, sum.y + w[s] * k[s].y, sum.z + w[s] * k[s].z};
    return along(p, h, sum);
}

/* Tsitouras 2011, as in engine/model/stepper.c. */
static void lorenz_tsit5(size_t n, double *restrict x, double *restrict y, double *restrict z, const double *restrict rho)
{
    static const double a2[] = {0.161}, a3[] = {-0.008480655492356989, 0.335480655492357}, a4[] = {2.8971530571054935, -6.359448489975075, 4.3622954328695815},
                        a5[] = {5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525},
                        a6[] = {5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383},
                        b[] = {0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774};
    const double h = LORENZ_STEP;
    for (size_t i = 0; i < n; i++) {
        const Point p = {x[i], y[i], z[i]};
        Point k[6];
        k[0] = lorenz_rate(rho[i], p);
        k[1] = lorenz_rate(rho[i], combine(p, h, k, a2, 1));
        k[2] = lorenz_rate(rho[i], combine(p, h, k, a3, 2));
        k[3] = lorenz_rate(rho[i], combine(p, h, k, a4, 3));
        k[4] = lorenz_rate(rho[i], combine(p, h, k, a5, 4));
        k[5] = lorenz_rate(rho[i], combine(p, h, k, a6, 5));
        const Point next = combine(p, h, k, b, 6);
        x[i] = next.x, y[i] = next.y, z[i] = next.z;
    }
}

void hand_lorenz_tsit5(double *const *x, size_t n)
{
    lorenz_tsit5(n, x[0], x[1], x[2], x[3]);
}

// ---- a rod --------------------------------------------------------------------------------------------------------------

enum { CELLS = 20, STRIP = 16 };  // twins of a strip: two vectors, so that everything about them stays in the first-level cache

typedef double Rod[CELLS + 2][STRIP];  // with the two cold ends

/* out = base + factor * rate(at) */
static inline void rod_along(const Rod base, const double *factor, const Rod at, Rod out)
{
    for (int c = 1; c <= CELLS; c++)
        for (int i = 0; i < STRIP; i++)
            out[c][i] = base[c][i] + factor[i] * (at[c - 1][i] + at[c + 1][i] - 2.0 * at[c][i]);
}

static inline void rod_load(double *const *x, size_t first, Rod out)
{
    for (int c = 1; c <= CELLS; c++)
        memcpy(out[c], x[c - 1] + first, sizeof out[c]);
}

/* The classical method, stage by stage. */
void hand_rod(double *const *x, size_t n)
{
    const double h = ROD_STEP;
    const double *restrict conductance = x[CELLS];
    Rod at = {0}, stage = {0}, k[4];
    for (size_t first = 0; first < n; first += STRIP) {
        rod_load(x, first, at);
        for (int s = 0; s < 4; s++) {
            const double to = s == 0 ? 0 : s == 3 ? h : h / 2;
            for (int c = 1; c <= CELLS; c++)
                for (int i = 0; i < STRIP; i++)
                    stage[c][i] = s == 0 ? at[c][i] : at[c][i] + to * k[s - 1][c][i];
            for (int c = 1; c <= CELLS; c++)
                for (int i = 0; i < STRIP; i++)
                    k[s][c][i] = conductance[first + i] * (stage[c - 1][i] + stage[c + 1][i] - 2.0 * stage[c][i]);
        }
        for (int c = 1; c <= CELLS; c++)
            for (int i = 0; i < STRIP; i++)
                x[c - 1][first + i] = at[c][i] + (k[0][c][i] + 2.0 * (k[1][c][i] + k[2][c][i]) + k[3][c][i]) * (h / 6);
    }
}

/* Of a linear system the classical method is the Taylor series to the fourth power, which Horner's scheme takes in half the operations. */
void hand_rod_tuned(double *const *x, size_t n)
{
    Rod at = {0}, one = {0}, two = {0};
    for (size_t first = 0; first < n; first += STRIP) {
        double factor[4][STRIP];
        for (int s = 0; s < 4; s++)
            for (int i = 0; i < STRIP; i++)
                factor[s][i] = x[CELLS][first + i] * (ROD_STEP / (4 - s));
        rod_load(x, first, at);
        rod_along(at, factor[0], at, one);
        rod_along(at, factor[1], one, two);
        rod_along(at, factor[2], two, one);
        rod_along(at, factor[3], one, two);
        for (int c = 1; c <= CELLS; c++)
            memcpy(x[c - 1] + first, two[c], sizeof two[c]);
    }
}

// ---- a reactor ----------------------------------------------------------------------------------------------------------

enum { BATCH = 64 };  // twins at a time: an exponential is computed for all of them in a loop of its own

/* A curve of straight lines as a sum of hinges, so that nothing is searched and the compiler vectorises it: at every inner point the slope changes. */
enum { HINGES = 4 };
typedef struct Table {
    double first, last;  // clamped to these
    double y, slope;     // at the first point
    double hinge[HINGES], change[HINGES];
} Table;

static const Table film = {280, 380, 0.031, 1.5e-4, {300, 320, 340, 360}, {-5e-5, -2.5e-5, -2.5e-5, -2.5e-5}};
static const Table valve = {0, 1, 0, 0.1, {0.2, 0.4, 0.6, 0.8}, {0.15, 0.15, -0.1, -0.2}};

static inline double table_at(const Table *table, double x)
{
    x = x > table->first ? x : table->first;
    x = x < table->last ? x : table->last;
    double y = table->y + table->slope * (x - table->first);
    for (int i = 0; i < HINGES; i++) {
        const double behind = x - table->hinge[i];
        y += table->change[i] * (behind > 0 ? behind : 0);
    }
    return y;
}

typedef struct Batch {
    double conc[BATCH], T[BATCH], jacket[BATCH];
} Batch;

typedef void Exp(double *values);

static void exp_libm(double *restrict values)
{
    for (int i = 0; i < BATCH; i++)
        values[i] = exp(values[i]);
}

/* What native code calls. */
static void exp_sleef(double *restrict values)
{
#if defined(__AVX512F__)
    for (int i = 0; i < BATCH; i += 8)
        _mm512_storeu_pd(values + i, Sleef_cinz_expd8_u10avx512fnofma(_mm512_loadu_pd(values + i)));
#elif defined(__AVX__)
    for (int i = 0; i < BATCH; i += 4)
        _mm256_storeu_pd(values + i, Sleef_cinz_expd4_u10avx(_mm256_loadu_pd(values + i)));
#else
    for (int i = 0; i < BATCH; i++)
        values[i] = Sleef_cinz_expd1_u10purec(values[i]);
#endif
}

static inline void reactor_rates(double *const *x, size_t first, const double *restrict flow, const Batch *at, Exp *exp_of, Batch *rate)
{
    const double *restrict dilution = x[3] + first, *restrict feed = x[4] + first, *restrict feed_T = x[5] + first, *restrict frequency = x[6] + first;
    const double *restrict activation = x[7] + first, *restrict heating = x[8] + first, *restrict coolant_T = x[9] + first;
    double boltzmann[BATCH];
    for (int i = 0; i < BATCH; i++)
        boltzmann[i] = -activation[i] / at->T[i];
    exp_of(boltzmann);
    for (int i = 0; i < BATCH; i++) {
        const double reaction = frequency[i] * boltzmann[i] * at->conc[i];
        const double exchange = table_at(&film, at->jacket[i]) * (at->T[i] - at->jacket[i]);
        rate->conc[i] = dilution[i] * (feed[i] - at->conc[i]) - reaction;
        rate->T[i] = dilution[i] * (feed_T[i] - at->T[i]) + heating[i] * reaction - exchange;
        rate->jacket[i] = flow[i] * (coolant_T[i] - at->jacket[i]) + 4 * exchange;
    }
}

static inline void reactor_along(const Batch *at, double h, const Batch *rate, Batch *out)
{
    for (int i = 0; i < BATCH; i++) {
        out->conc[i] = at->conc[i] + h * rate->conc[i];
        out->T[i] = at->T[i] + h * rate->T[i];
        out->jacket[i] = at->jacket[i] + h * rate->jacket[i];
    }
}

static inline void reactor(double *const *x, size_t n, Exp *exp_of)
{
    const double h = REACTOR_STEP;
    Batch at, stage, k[4];
    double flow[BATCH];
    for (size_t first = 0; first < n; first += BATCH) {
        // the valve stands still during a step
        for (int i = 0; i < BATCH; i++)
            flow[i] = table_at(&valve, x[10][first + i]);
        memcpy(at.conc, x[0] + first, sizeof at.conc), memcpy(at.T, x[1] + first, sizeof at.T), memcpy(at.jacket, x[2] + first, sizeof at.jacket);
        reactor_rates(x, first, flow, &at, exp_of, &k[0]);
        for (int s = 1; s < 4; s++) {
            reactor_along(&at, s < 3 ? h / 2 : h, &k[s - 1], &stage);
            reactor_rates(x, first, flow, &stage, exp_of, &k[s]);
        }
        for (int i = 0; i < BATCH; i++) {
            x[0][first + i] = at.conc[i] + (k[0].conc[i] + 2.0 * (k[1].conc[i] + k[2].conc[i]) + k[3].conc[i]) * (h / 6);
            x[1][first + i] = at.T[i] + (k[0].T[i] + 2.0 * (k[1].T[i] + k[2].T[i]) + k[3].T[i]) * (h / 6);
            x[2][first + i] = at.jacket[i] + (k[0].jacket[i] + 2.0 * (k[1].jacket[i] + k[2].jacket[i]) + k[3].jacket[i]) * (h / 6);
        }
    }
}

void hand_reactor(double *const *x, size_t n)
{
    reactor(x, n, exp_libm);
}

void hand_reactor_sleef(double *const *x, size_t n)
{
    reactor(x, n, exp_sleef);
}

// ---- Robertson's reaction -----------------------------------------------------------------------------------------------

typedef struct Reaction {
    double slow, back, fast;
} Reaction;

static inline void robertson_rate(Reaction r, const double y[3], double rate[3])
{
    const double first = r.slow * y[0], second = r.back * y[1] * y[2], third = r.fast * y[1] * y[1];
    rate[0] = second - first;
    rate[1] = first - second - third;
    rate[2] = third;
}

/* Factors of I / (gamma h) - J, in place, without pivoting. */
static inline void factor(double m[3][3])
{
    m[1][0] /= m[0][0];
    m[1][1] -= m[1][0] * m[0][1], m[1][2] -= m[1][0] * m[0][2];
    m[2][1] /= m[1][1];  // m[2][0] is 0, and stays it
    m[2][2] -= m[2][1] * m[1][2];
}

static inline void solve(double m[3][3], double u[3])
{
    u[1] -= m[1][0] * u[0];
    u[2] -= m[2][1] * u[1];
    u[2] /= m[2][2];
    u[1] = (u[1] - m[1][2] * u[2]) / m[1][1];
    u[0] = (u[0] - m[0][1] * u[1] - m[0][2] * u[2]) / m[0][0];
}

/* The same with the reciprocals of the pivots in the diagonal. */
static inline void factor_tuned(double m[3][3])
{
    m[0][0] = 1 / m[0][0];
    m[1][0] *= m[0][0];
    m[1][1] = 1 / (m[1][1] - m[1][0] * m[0][1]), m[1][2] -= m[1][0] * m[0][2];
    m[2][1] *= m[1][1];
    m[2][2] = 1 / (m[2][2] - m[2][1] * m[1][2]);
}

static inline void solve_tuned(double m[3][3], double u[3])
{
    u[1] -= m[1][0] * u[0];
    u[2] = (u[2] - m[2][1] * u[1]) * m[2][2];
    u[1] = (u[1] - m[1][2] * u[2]) * m[1][1];
    u[0] = (u[0] - m[0][1] * u[1] - m[0][2] * u[2]) * m[0][0];
}

/* RODAS3, as in engine/model/stepper.c. */
static inline __attribute__((always_inline)) void robertson(size_t n, void factorise(double m[3][3]), void solve_for(double m[3][3], double u[3]),
                                                            double *restrict y1, double *restrict y2, double *restrict y3, const double *restrict slow,
                                                            const double *restrict back, const double *restrict fast)
{
    const double h = ROBERTSON_STEP, d = 1 / (0.5 * h);
    for (size_t i = 0; i < n; i++) {
        const Reaction r = {slow[i], back[i], fast[i]};
        const double y[3] = {y1[i], y2[i], y3[i]};
        double m[3][3] = {{d + r.slow, -r.back * y[2], -r.back * y[1]},
                          {-r.slow, d + r.back * y[2] + 2 * r.fast * y[1], r.back * y[1]},
                          {0, -2 * r.fast * y[1], d}};
        factorise(m);

        // the first two stages are at y, so they share its rate
        double f[3], a[3], b[3], c[3], e[3], at[3];
        robertson_rate(r, y, f);
        for (int s = 0; s < 3; s++)
            a[s] = f[s];
        solve_for(m, a);
        for (int s = 0; s < 3; s++)
            b[s] = f[s] + 4 / h * a[s];
        solve_for(m, b);
        for (int s = 0; s < 3; s++)
            at[s] = y[s] + 2 * a[s];
        robertson_rate(r, at, c);
        for (int s = 0; s < 3; s++)
            c[s] += (a[s] - b[s]) * (1 / h);
        solve_for(m, c);
        for (int s = 0; s < 3; s++)
            at[s] = y[s] + 2 * a[s] + c[s];
        robertson_rate(r, at, e);
        for (int s = 0; s < 3; s++)
            e[s] += (a[s] - b[s] - 8.0 / 3 * c[s]) * (1 / h);
        solve_for(m, e);

        y1[i] = y[0] + (2 * a[0] + c[0] + e[0]);
        y2[i] = y[1] + (2 * a[1] + c[1] + e[1]);
        y3[i] = y[2] + (2 * a[2] + c[2] + e[2]);
    }
}

void hand_robertson(double *const *x, size_t n)
{
    robertson(n, factor, solve, x[0], x[1], x[2], x[3], x[4], x[5]);
}

void hand_robertson_tuned(double *const *x, size_t n)
{
    robertson(n, factor_tuned, solve_tuned, x[0], x[1], x[2], x[3], x[4], x[5]);
}
