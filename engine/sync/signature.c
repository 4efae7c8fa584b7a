#include "sync/signature.h"

#include <math.h>
#include <string.h>

enum { REPLAY_TICKS = 512 };  // so long faults are followed by the model itself, longer ones by its linearisation

// --- the linearisation ---------------------------------------------------------------------------------------------

static double *lanes_of(Desk *desk, uint16_t column)
{
    return &desk->block[(size_t)column * LANES];
}

static void copy_twin(Desk *desk)
{
    for (uint16_t column = 0; column < desk->model->column_count; column++) {
        const double value = desk->twins->columns[(size_t)column * LANES + desk->lane];
        double *lanes = lanes_of(desk, column);
        for (size_t i = 0; i < LANES; i++)
            lanes[i] = value;
    }
}

/* How far a value is pushed aside: a part of its standard deviation, or of itself, or of the room that it has. */
static double nudge_of(const Desk *desk, uint16_t index, double value, double sd)
{
    const Channel *channel = &desk->model->channels[index];
    const double least = 1e-6 * fabs(value), own = 1e-3 * fabs(value), room = channel->max - channel->min;
    if (sd > 0)
        return fmax(sd / 16, least);
    return own > 0 ? own : isfinite(room) && room > 0 ? 1e-4 * room : 1e-6;
}

/* Push pairs of lanes up and down, one pair for each suspect from `first` on. */
static void push_aside(Desk *desk, size_t first, size_t count, double *nudges)
{
    for (size_t j = 0; j < count; j++) {
        const Channel *channel = &desk->model->channels[desk->suspects[first + j].index];
        double *lanes = lanes_of(desk, channel->column);
        const double value = lanes[2 * j], variance = channel->variance == COLUMN_NONE ? 0 : lanes_of(desk, channel->variance)[2 * j];
        desk->suspects[first + j].value = value;
        nudges[j] = nudge_of(desk, desk->suspects[first + j].index, value, sqrt(fmax(variance, 0)));
        lanes[2 * j] = value + nudges[j];
        lanes[2 * j + 1] = value - nudges[j];
    }
}

static double slope(const double *lanes, size_t pair, double nudge)
{
    const double difference = (lanes[2 * pair] - lanes[2 * pair + 1]) / (2 * nudge);
    return isfinite(difference) ? difference : 0;
}

/* Leave in the column of the innovation what a sensor should show, with the opposite sign. */
static void measure(Desk *desk, const Sensor *sensor)
{
    double *value = lanes_of(desk, desk->model->channels[sensor->channel].column), *mask = lanes_of(desk, sensor->mask);
    for (size_t lane = 0; lane < LANES; lane++)
        value[lane] = 0, mask[lane] = 1;
    program_run(&sensor->measure, desk->block, desk->scratch);
}

/* What the sensors show, by each of the suspects that are pushed aside. */
static void see_sensors(Desk *desk, size_t first, size_t count, const double *nudges)
{
    for (size_t i = 0; i < desk->s; i++) {
        const Sensor *sensor = &desk->model->sensors[i];
        measure(desk, sensor);
        for (size_t j = 0; j < count; j++) {
            const double shown = -slope(lanes_of(desk, sensor->innovation), j, nudges[j]);
            desk->direct[i * desk->p + first + j] = desk->suspects[first + j].kind == SUSPECT_VALUE ? shown : 0;
            if (desk->suspects[first + j].kind == SUSPECT_JUMP)
                desk->show[i * desk->n + first + j] = shown;
        }
    }
}

/* The state one step on, by each of them. A step function has left its derivatives in columns. */
static void see_step(Desk *desk, size_t first, size_t count, const double *nudges)
{
    const Model *model = desk->model;
    const size_t n = desk->n;
    if (!model->procedure)
        program_run(&model->move, desk->block, desk->scratch);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < count; j++) {
            const size_t column = first + j;
            const bool given = model->procedure && i < model->dynamic_count;
            const double rate = given ? lanes_of(desk, (uint16_t)(model->jacobian + i * n + column))[0] : slope(lanes_of(desk, (uint16_t)i), j, nudges[j]);
            if (desk->suspects[column].kind == SUSPECT_JUMP)
                desk->step[i * n + column] = rate;
            else
                desk->push[i * desk->p + column] = rate;
        }
}

static void linearise(Desk *desk)
{
    enum { PAIRS = LANES / 2 };
    memset(desk->direct, 0, desk->s * desk->p * sizeof *desk->direct);
    memset(desk->push, 0, desk->n * desk->p * sizeof *desk->push);
    size_t nudged = 0;
    while (nudged < desk->p && desk->suspects[nudged].kind >= SUSPECT_JUMP)
        nudged++;
    for (size_t first = 0; first < nudged; first += PAIRS) {
        double nudges[PAIRS];
        const size_t count = nudged - first < PAIRS ? nudged - first : PAIRS;
        copy_twin(desk);
        push_aside(desk, first, count, nudges);
        program_run(&desk->model->prepare, desk->block, desk->scratch);
        see_sensors(desk, first, count, nudges);
        see_step(desk, first, count, nudges);
    }
}

// --- over a stride -------------------------------------------------------------------------------------------------

/* out = a b + c, of an n x n with an n x width; c may be NULL. */
static void multiply(size_t n, size_t width, const double *a, const double *b, const double *c, double *out)
{
    for (size_t i = 0; i < n; i++) {
        double *row = &out[i * width];
        for (size_t j = 0; j < width; j++)
            row[j] = c ? c[i * width + j] : 0;
        for (size_t k = 0; k < n; k++) {
            const double factor = a[i * n + k];
            for (size_t j = 0; j < width && factor != 0; j++)
                row[j] += factor * b[k * width + j];
        }
    }
}

static void set_identity(size_t n, double *matrix)
{
    memset(matrix, 0, n * n * sizeof *matrix);
    for (size_t i = 0; i < n; i++)
        matrix[i * n + i] = 1;
}

/* The step, as often as it fits into a stride: by squaring. */
static void take_stride(Desk *desk)
{
    const size_t n = desk->n, p = desk->p;
    set_identity(n, desk->steps);
    memset(desk->pushes, 0, n * p * sizeof *desk->pushes);
    for (uint32_t left = (uint32_t)desk->stride; left; left >>= 1) {
        if (left & 1) {
            multiply(n, p, desk->step, desk->pushes, desk->push, desk->spare);
            memcpy(desk->pushes, desk->spare, n * p * sizeof *desk->spare);
            multiply(n, n, desk->step, desk->steps, NULL, desk->spare);
            memcpy(desk->steps, desk->spare, n * n * sizeof *desk->spare);
        }
        multiply(n, p, desk->step, desk->push, desk->push, desk->spare);
        memcpy(desk->push, desk->spare, n * p * sizeof *desk->spare);
        multiply(n, n, desk->step, desk->step, NULL, desk->spare);
        memcpy(desk->step, desk->spare, n * n * sizeof *desk->spare);
    }
}

// --- the gains of now ----------------------------------------------------------------------------------------------

static void read_covariance(Desk *desk)
{
    for (uint16_t i = 0; i < desk->n; i++)
        for (uint16_t j = 0; j < desk->n; j++)
            desk->covariance[i * desk->n + j] = desk->twins->columns[(size_t)model_covariance(desk->model, i, j) * LANES + desk->lane];
}

/* Gain and variance of one sensor, which is folded into the covariance then. */
static void fold_sensor(Desk *desk, uint16_t sensor)
{
    const size_t n = desk->n;
    const double *h = &desk->show[sensor * n], noise = desk->model->channels[desk->model->sensors[sensor].channel].noise;
    double *gain = &desk->gain[sensor * n], variance = noise * noise;
    for (size_t i = 0; i < n; i++) {
        gain[i] = 0;
        for (size_t k = 0; k < n; k++)
            gain[i] += desk->covariance[i * n + k] * h[k];
        variance += h[i] * gain[i];
    }

    desk->spread[sensor] = sqrt(variance);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n && desk->series[sensor].folded; j++)
            desk->covariance[i * n + j] -= gain[i] * gain[j] / variance;
    for (size_t i = 0; i < n; i++)
        gain[i] = desk->series[sensor].folded ? gain[i] / variance : 0;
}

/* The covariance one stride on. */
static void predict_covariance(Desk *desk)
{
    const size_t n = desk->n;
    multiply(n, n, desk->steps, desk->covariance, NULL, desk->work);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += desk->work[i * n + k] * desk->steps[j * n + k];
            desk->covariance[i * n + j] = sum;
        }
    for (size_t i = 0; i < n; i++) {
        const double noise = desk->model->channels[i].noise;
        desk->covariance[i * n + i] += noise * noise * desk->model->step * desk->stride;
    }
}

/* A filter that has run for long repeats itself: the gains over the next stride are those over the last ones. */
static void find_gains(Desk *desk, uint16_t asking, double scale)
{
    read_covariance(desk);
    for (uint16_t i = 0; i < desk->s; i++)
        desk->pull[i] = fmin(desk->stride * desk->model->step / desk->model->sensors[i].every, 1);
    for (uint16_t i = asking; i < desk->s; i++)
        if (desk->pull[i] > 0.5)
            fold_sensor(desk, i);
    predict_covariance(desk);
    for (uint16_t i = 0; i < desk->s; i++)
        fold_sensor(desk, i);
    for (uint16_t i = 0; i < desk->s; i++)
        desk->spread[i] *= scale;
}

void signature_prepare(Desk *desk, uint16_t asking, double scale)
{
    linearise(desk);
    take_stride(desk);
    find_gains(desk, asking, scale);
}

// --- signatures ----------------------------------------------------------------------------------------------------

/* What a suspect of unit size adds to a sensor by itself. */
static double own_share(const Desk *desk, const Suspect *suspect, uint16_t sensor, size_t lag)
{
    if (suspect->index != sensor)
        return 0;
    return suspect->kind == SUSPECT_BIAS ? 1 : suspect->kind == SUSPECT_DRIFT ? (double)(lag + 1) * desk->stride * desk->model->step : 0;
}

static void begin_deviation(Desk *desk)
{
    memset(desk->deviation, 0, desk->n * desk->p * sizeof *desk->deviation);
    for (size_t j = 0; j < desk->n; j++)
        desk->deviation[j * desk->p + j] = 1;  // the first suspects are the states
}

/* How much a sensor pulls at a stride: not at all where its sample was held back. */
static double pull_of(const Desk *desk, uint16_t sensor, size_t age)
{
    for (uint16_t k = 0; k < desk->series[sensor].count; k++)
        if (desk->ages[sensor * NIS_WINDOW + k] == age && desk->series[sensor].held[k])
            return 0;
    return desk->pull[sensor];
}

/* One stride, `age` strides ago: the deviation moves on, sensors show it, and it is pulled in. */
static void follow_stride(Desk *desk, size_t lag, size_t age)
{
    const size_t n = desk->n, p = desk->p;
    multiply(n, p, desk->steps, desk->deviation, desk->pushes, desk->spare);
    memcpy(desk->deviation, desk->spare, n * p * sizeof *desk->spare);
    for (uint16_t i = 0; i < desk->s; i++) {
        const double pull = pull_of(desk, i, age);
        double *shown = &desk->signature[(lag * desk->s + i) * p];
        for (size_t h = 0; h < p; h++)
            shown[h] = desk->direct[i * p + h] + own_share(desk, &desk->suspects[h], i, lag);
        for (size_t k = 0; k < n; k++)
            for (size_t h = 0; h < p && desk->show[i * n + k] != 0; h++)
                shown[h] += desk->show[i * n + k] * desk->deviation[k * p + h];
        for (size_t k = 0; k < n; k++) {
            const double gain = desk->gain[i * n + k] * pull;
            for (size_t h = 0; h < p && gain != 0; h++)
                desk->deviation[k * p + h] -= gain * shown[h];
        }
        for (size_t h = 0; h < p; h++)
            shown[h] /= desk->spread[i];
    }
}

/* Of faults that began `onset` strides ago. */
void signature_find(Desk *desk, size_t onset)
{
    begin_deviation(desk);
    for (size_t lag = 0; lag < onset; lag++)
        follow_stride(desk, lag, onset - 1 - lag);
}

/* A linearisation does not hold for a large fault: a lid that is opened lets the box cool all the faster for being warm. So copies of the twin are run with
 * the faults at their sizes, one lane each; the last lane goes without. */
static size_t choose_lanes(const Desk *desk, size_t *chosen)
{
    size_t count = 0;
    for (size_t i = 0; i < desk->p; i++)
        if (is_process(&desk->suspects[i]) && desk->suspects[i].tried != 0) {
            size_t at = count < LANES - 1 ? count++ : LANES - 2;
            if (at == LANES - 2 && cause__net(desk, &desk->suspects[chosen[at]]) > cause__net(desk, &desk->suspects[i]))
                continue;
            for (; at > 0 && cause__net(desk, &desk->suspects[chosen[at - 1]]) < cause__net(desk, &desk->suspects[i]); at--)
                chosen[at] = chosen[at - 1];
            chosen[at] = i;
        }
    return count;
}

/* What a sensor shows of them, and how it pulls them back. */
static void replay_sensor(Desk *desk, uint16_t sensor, const size_t *chosen, size_t count, size_t lag, size_t age)
{
    measure(desk, &desk->model->sensors[sensor]);
    const double *expected = lanes_of(desk, desk->model->sensors[sensor].innovation), pull = pull_of(desk, sensor, age);
    double *shown = &desk->signature[(lag * desk->s + sensor) * desk->p];
    for (size_t lane = 0; lane < count; lane++) {
        const double difference = expected[LANES - 1] - expected[lane];
        shown[chosen[lane]] = difference / desk->suspects[chosen[lane]].tried / desk->spread[sensor];
        for (size_t k = 0; k < desk->n; k++)
            lanes_of(desk, (uint16_t)k)[lane] -= desk->gain[sensor * desk->n + k] * pull * difference;
    }
}

static void replay(Desk *desk, size_t onset)
{
    size_t chosen[LANES];
    const size_t count = choose_lanes(desk, chosen);
    if (desk->model->procedure || (double)onset * desk->stride > REPLAY_TICKS)
        return;
    copy_twin(desk);
    for (size_t lane = 0; lane < count; lane++)
        lanes_of(desk, desk->model->channels[desk->suspects[chosen[lane]].index].column)[lane] += desk->suspects[chosen[lane]].tried;
    program_run(&desk->model->prepare, desk->block, desk->scratch);
    for (size_t lag = 0; lag < onset; lag++) {
        for (int tick = 0; tick < (int)desk->stride; tick++)
            program_run(&desk->model->move, desk->block, desk->scratch);
        for (uint16_t i = 0; i < desk->s; i++)
            replay_sensor(desk, i, chosen, count, lag, onset - 1 - lag);
    }
    for (size_t k = 0; k < desk->n; k++)
        for (size_t lane = 0; lane < count; lane++) {
            const double *state = lanes_of(desk, (uint16_t)k);
            desk->deviation[k * desk->p + chosen[lane]] = (state[lane] - state[LANES - 1]) / desk->suspects[chosen[lane]].tried;
        }
}

void signature_follow(Desk *desk, size_t onset)
{
    signature_find(desk, onset);
    replay(desk, onset);
}
