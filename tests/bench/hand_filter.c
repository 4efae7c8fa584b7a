/* hand_filter.c -- the extended Kalman filter of the three tanks, by hand: predict with the exact Jacobian of the Runge-Kutta step, and one scalar
 * sample of the last level in Joseph's form.
 *
 * The tanks feed each other in a row, so every Jacobian is lower triangular, and the tank's own J has two diagonals: both are used. */
#include <math.h>

#include "bench/hand.h"

#define GRAVITY 9.80665
#define NOISE 1e-3   // of a state, m/sqrt(s)
#define SENSOR 0.01  // m

/* aa; ba bb; ca cb cc */
typedef struct Lower {
    double aa, ba, bb, ca, cb, cc;
} Lower;

typedef struct Levels {
    double a, b, c;
} Levels;

typedef struct Tanks {
    double inverse[3], orifice[3], inflow;
} Tanks;

static inline double root_of(double level)
{
    return sqrt(2 * GRAVITY * (level > 1e-3 ? level : 1e-3));
}

/* How an outflow grows with its level. */
static inline double slope_of(double orifice, double level, double root)
{
    return level > 1e-3 ? orifice * GRAVITY / root : 0.0;
}

/* The rates at a point, and their slopes along what moved with the state: k = J at, where J has two diagonals. */
static inline void rates(const Tanks *t, Levels at, const Lower *moved, Levels *rate, Lower *k)
{
    const double root_a = root_of(at.a), root_b = root_of(at.b), root_c = root_of(at.c);
    const double first = t->orifice[0] * root_a, second = t->orifice[1] * root_b, third = t->orifice[2] * root_c;
    *rate = (Levels){(t->inflow - first) * t->inverse[0], (first - second) * t->inverse[1], (second - third) * t->inverse[2]};

    const double out_a = slope_of(t->orifice[0], at.a, root_a), out_b = slope_of(t->orifice[1], at.b, root_b), out_c = slope_of(t->orifice[2], at.c, root_c);
    k->aa = -out_a * t->inverse[0] * moved->aa;
    k->ba = (out_a * moved->aa - out_b * moved->ba) * t->inverse[1];
    k->bb = -out_b * t->inverse[1] * moved->bb;
    k->ca = (out_b * moved->ba - out_c * moved->ca) * t->inverse[2];
    k->cb = (out_b * moved->bb - out_c * moved->cb) * t->inverse[2];
    k->cc = -out_c * t->inverse[2] * moved->cc;
}

static inline Levels along(Levels x, double h, Levels k)
{
    return (Levels){x.a + h * k.a, x.b + h * k.b, x.c + h * k.c};
}

/* I + h k */
static inline Lower moved_by(double h, const Lower *k)
{
    return (Lower){1 + h * k->aa, h * k->ba, 1 + h * k->bb, h * k->ca, h * k->cb, 1 + h * k->cc};
}

static inline Lower weigh(const Lower k[4])
{
    return (Lower){k[0].aa + 2 * (k[1].aa + k[2].aa) + k[3].aa, k[0].ba + 2 * (k[1].ba + k[2].ba) + k[3].ba, k[0].bb + 2 * (k[1].bb + k[2].bb) + k[3].bb,
                   k[0].ca + 2 * (k[1].ca + k[2].ca) + k[3].ca, k[0].cb + 2 * (k[1].cb + k[2].cb) + k[3].cb, k[0].cc + 2 * (k[1].cc + k[2].cc) + k[3].cc};
}

/* The step, and its Jacobian. */
static inline Levels step(const Tanks *t, Levels x, Lower *jacobian)
{
    const double h = TANKS_STEP;
    const Lower still = {1, 0, 1, 0, 0, 1};
    Levels r[4];
    Lower k[4];
    rates(t, x, &still, &r[0], &k[0]);
    const Lower half = moved_by(h / 2, &k[0]);
    rates(t, along(x, h / 2, r[0]), &half, &r[1], &k[1]);
    const Lower middle = moved_by(h / 2, &k[1]);
    rates(t, along(x, h / 2, r[1]), &middle, &r[2], &k[2]);
    const Lower end = moved_by(h, &k[2]);
    rates(t, along(x, h, r[2]), &end, &r[3], &k[3]);

    const Lower sum = weigh(k);
    *jacobian = moved_by(h / 6, &sum);
    const Levels rate = {r[0].a + 2 * (r[1].a + r[2].a) + r[3].a, r[0].b + 2 * (r[1].b + r[2].b) + r[3].b, r[0].c + 2 * (r[1].c + r[2].c) + r[3].c};
    return along(x, h / 6, rate);
}

/* A covariance; symmetric, so its lower half is enough. */
static inline Lower propagate(const Lower *f, const Lower *p)
{
    // m = f p
    const double maa = f->aa * p->aa;
    const double mba = f->ba * p->aa + f->bb * p->ba, mbb = f->ba * p->ba + f->bb * p->bb;
    const double mca = f->ca * p->aa + f->cb * p->ba + f->cc * p->ca, mcb = f->ca * p->ba + f->cb * p->bb + f->cc * p->cb;
    const double mcc = f->ca * p->ca + f->cb * p->cb + f->cc * p->cc;
    const double noise = NOISE * NOISE * TANKS_STEP;
    return (Lower){maa * f->aa + noise,
                   mba * f->aa,
                   mba * f->ba + mbb * f->bb + noise,
                   mca * f->aa,
                   mca * f->ba + mcb * f->bb,
                   mca * f->ca + mcb * f->cb + mcc * f->cc + noise};
}

/* (I - K H) P (I - K H)' + K R K' for H = (0 0 1). */
static inline Lower correct(const Lower *p, Levels gain)
{
    const double left = 1 - gain.c, noise = SENSOR * SENSOR;
    const double aa = p->aa - gain.a * p->ca, ac = p->ca - gain.a * p->cc;
    const double ba = p->ba - gain.b * p->ca, bb = p->bb - gain.b * p->cb, bc = p->cb - gain.b * p->cc;
    const double ca = left * p->ca, cb = left * p->cb, cc = left * p->cc;
    return (Lower){aa - ac * gain.a + gain.a * noise * gain.a, ba - bc * gain.a + gain.b * noise * gain.a, bb - bc * gain.b + gain.b * noise * gain.b,
                   ca - cc * gain.a + gain.c * noise * gain.a, cb - cc * gain.b + gain.c * noise * gain.b, cc * left + gain.c * noise * gain.c};
}

static void filter(size_t n, double *restrict a, double *restrict b, double *restrict c, const double *restrict inverse_a, const double *restrict inverse_b,
                   const double *restrict inverse_c, const double *restrict orifice_a, const double *restrict orifice_b, const double *restrict orifice_c,
                   const double *restrict inflow, double *restrict paa, double *restrict pba, double *restrict pca, double *restrict pbb,
                   double *restrict pcb, double *restrict pcc, const double *restrict gauge, double *restrict innovation, double *restrict variance)
{
    for (size_t i = 0; i < n; i++) {
        const Tanks t = {{inverse_a[i], inverse_b[i], inverse_c[i]}, {orifice_a[i], orifice_b[i], orifice_c[i]}, inflow[i]};
        const Lower before = {paa[i], pba[i], pbb[i], pca[i], pcb[i], pcc[i]};
        Lower jacobian;
        Levels x = step(&t, (Levels){a[i], b[i], c[i]}, &jacobian);
        const Lower predicted = propagate(&jacobian, &before);

        const double inverse = 1 / (predicted.cc + SENSOR * SENSOR);
        const Levels gain = {predicted.ca * inverse, predicted.cb * inverse, predicted.cc * inverse};
        innovation[i] = gauge[i] - x.c;
        variance[i] = predicted.cc + SENSOR * SENSOR;
        x = along(x, innovation[i], gain);
        const Lower p = correct(&predicted, gain);
        a[i] = x.a, b[i] = x.b, c[i] = x.c;
        paa[i] = p.aa, pba[i] = p.ba, pca[i] = p.ca, pbb[i] = p.bb, pcb[i] = p.cb, pcc[i] = p.cc;
    }
}

void hand_tanks_filter(double *const *x, size_t n)
{
    filter(n, x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12], x[13], x[14], x[15], x[16], x[17], x[18]);
}
