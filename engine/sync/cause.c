#include "sync/signature.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const char *const names[] = {"none", "bias", "drift", "stuck", "noise", "spikes", "silence", "process", "model"};

const char *cause_name(Cause cause) { return names[cause]; }
bool cause_is_of_sensor(Cause cause) { return cause >= CAUSE_BIAS && cause <= CAUSE_SILENCE; }

enum {
    ROUNDS = 2,      // in which the sizes with which the model is run are found
    STUCK_FROM = 3,  // repeats from which a sensor that is blamed anyhow is called stuck
};
static const double BOTH_SIDES = 3.0;  // standard deviations: noise has gone so far above and so far below
static const double PARALLEL = 0.95;  // correlation of signatures that cannot be told apart
static const double LEAD = 3.0;       // nats, twenty to one: what lies closer explains as well
static const double CONSTANT = 4.6;   // nats, a hundred to one: what its author calls constant moves so much less often than a sensor fails
static const double BY_CHANCE = 2.0;  // standard deviations that chance allows
static const double BIAS_REACH = 10.0;  // standard deviations of its noise: how far a sensor that fails is off
static const double NOISE_REACH = 4.6;  // of the logarithm of a variance: noise that has grown is some ten times as large

static double logarithm(double x)
{
    return graph_apply(OP_LOG, x, 0, 0);
}

/* What a free size costs: the more has been learnt of it, the less likely it was before (Occam's factor). */
static double cost_of_freedom(double reach, double information)
{
    return logarithm(1 + information * reach * reach) / 2;
}

static double cost_of_size(double reach, double size)
{
    return logarithm(1 + size * size / (reach * reach));
}

static double cost(const Suspect *suspect, double dispersion)
{
    return cost_of_freedom(suspect->reach, suspect->information / dispersion) + cost_of_size(suspect->reach, suspect->size);
}

static double worth(const Desk *desk, const Suspect *suspect)
{
    return suspect->fit / desk->dispersion - cost(suspect, desk->dispersion);
}

double cause__net(const Desk *desk, const Suspect *suspect)
{
    return worth(desk, suspect) - suspect->odds;
}

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Two suspects per sensor, one per channel that can be off. */
static size_t count_suspects(const Model *model)
{
    size_t count = 2u * model->sensor_count;
    for (uint16_t i = 0; i < model->channel_count; i++)
        count += channel_is_settable(model->channels[i].kind) || model->channels[i].kind == CHANNEL_TRACKED;
    return count;
}

Desk *cause_create(const Plant *plant, Scratch *scratch, Arena *arena)
{
    size_t n = 1, s = 1, p = 1, columns = 1;
    for (uint32_t i = 0; i < plant->model_count; i++) {
        const Model *model = plant->models[i];
        n = largest(n, model->state_count), s = largest(s, model->sensor_count);
        p = largest(p, count_suspects(model)), columns = largest(columns, model->column_count);
    }

    Desk *desk = arena_new(arena, Desk, 1);
    if (!desk)
        return NULL;
    desk->scratch = scratch;
    desk->series = arena_new(arena, Series, s);
    desk->suspects = arena_new(arena, Suspect, p);
    desk->ages = arena_new(arena, uint16_t, s * NIS_WINDOW);
    struct {
        double **place;
        size_t count;
    } const parts[] = {
        {&desk->block, columns * LANES}, {&desk->covariance, n * n}, {&desk->work, n * n}, {&desk->step, n * n}, {&desk->steps, n * n}, {&desk->push, n * p},
        {&desk->pushes, n * p}, {&desk->spare, n * largest(n, p)}, {&desk->show, s * n}, {&desk->direct, s * p}, {&desk->gain, s * n}, {&desk->pull, s},
        {&desk->spread, s}, {&desk->deviation, n * p}, {&desk->signature, SIGNATURE_LAGS * s * p}, {&desk->trace, p * s * NIS_WINDOW},
    };
    bool complete = desk->series && desk->suspects && desk->ages;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && complete; i++)
        complete = (*parts[i].place = arena_new(arena, double, parts[i].count)) != NULL;
    return complete ? desk : NULL;
}

Series *cause_series(Desk *desk)
{
    return desk->series;
}

// --- suspects ------------------------------------------------------------------------------------------------------

/* How far a value may be off, before anything is seen: as far as it is said to jump; a state as far as it was unknown at the start; anything else by as
 * much as itself. Where zero means nothing, or is the value, as anywhere within its limits. */
static double reach_of_channel(const Channel *channel)
{
    static const double SQRT_12 = 3.4641016151377546;  // the span of a uniform distribution in its standard deviations
    const double anywhere = (channel->max - channel->min) / SQRT_12, itself = fabs(channel->initial);
    const bool has_zero = unit_to_si(channel->unit, 0) == 0;
    if (channel->jump > 0)
        return channel->jump;
    if (channel->kind == CHANNEL_STATE && channel->initial_sd > 0)
        return channel->initial_sd;
    if (has_zero && itself > 0)
        return itself;
    return isfinite(anywhere) && anywhere > 0 ? anywhere : unit_scale_to_si(channel->unit, 1);
}

/* A sensor is off by ten times its noise, or drifts as far within a window. */
static double reach_of_sensor(const Model *model, uint16_t index, SuspectKind kind)
{
    const Sensor *sensor = &model->sensors[index];
    const double bias = BIAS_REACH * model->channels[sensor->channel].noise;
    return kind == SUSPECT_BIAS ? bias : bias / (NIS_WINDOW * sensor->every);
}

static void suspect(Desk *desk, SuspectKind kind, uint16_t index, double odds)
{
    const double reach = kind >= SUSPECT_JUMP ? reach_of_channel(&desk->model->channels[index]) : reach_of_sensor(desk->model, index, kind);
    desk->suspects[desk->p++] = (Suspect){.kind = kind, .index = index, .odds = odds, .reach = reach};
}

/* States and tracked parameters come first, in their order: suspect j is element j of the filter's vector. */
static void list_suspects(Desk *desk, double rarity)
{
    const Model *model = desk->model;
    desk->p = 0;
    for (uint16_t i = 0; i < model->state_count; i++)
        suspect(desk, SUSPECT_JUMP, i, i < model->dynamic_count ? rarity : model->channels[i].jump > 0 ? 0 : CONSTANT);
    for (uint16_t i = model->state_count; i < model->channel_count && !model->procedure; i++)
        if (model->channels[i].kind == CHANNEL_PARAMETER || model->channels[i].kind == CHANNEL_INPUT)
            suspect(desk, SUSPECT_VALUE, i, CONSTANT);
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        suspect(desk, SUSPECT_BIAS, i, 0);
        suspect(desk, SUSPECT_DRIFT, i, 0);
    }
}

// --- evidence ------------------------------------------------------------------------------------------------------

static void find_ages(Desk *desk)
{
    for (size_t i = 0; i < desk->s; i++) {
        const double period = desk->model->sensors[i].every / desk->model->step;
        for (int k = 0; k < NIS_WINDOW; k++) {
            const double strides = (desk->series[i].age + k * period) / desk->stride + 0.5;
            desk->ages[i * NIS_WINDOW + (size_t)k] = (uint16_t)(strides < SIGNATURE_LAGS ? strides : SIGNATURE_LAGS);
        }
    }
}

static double *trace_of(const Desk *desk, const Suspect *suspect)
{
    return &desk->trace[(size_t)(suspect - desk->suspects) * desk->s * NIS_WINDOW];
}

/* A value does not leave its limits. */
static double keep_possible(const Desk *desk, const Suspect *suspect, double size)
{
    const Channel *channel = &desk->model->channels[suspect->index];
    return is_process(suspect) ? fmin(fmax(size, fmin(channel->min - suspect->value, 0)), fmax(channel->max - suspect->value, 0)) : size;
}

/* What a prior of Cauchy's adds to the information about a size: it holds small ones together, and lets large ones go. */
static double precision_of(double reach, double size)
{
    return 2 / (reach * reach + size * size);
}

/* The likeliest size, by weights that follow from the last guess. */
static double find_size(const Desk *desk, const Suspect *suspect, double product, double information)
{
    enum { GUESSES = 4 };
    double size = 0;
    for (int i = 0; i < GUESSES; i++)
        size = keep_possible(desk, suspect, product / (information + precision_of(suspect->reach, size)));
    return size;
}

/* The marginal likelihood of a fault since this onset, by Laplace's approximation around the likeliest size. */
static void weigh(Desk *desk, size_t index, uint16_t onset)
{
    Suspect *suspect = &desk->suspects[index];
    double product = 0, information = 0;
    for (uint16_t i = 0; i < desk->s; i++)
        for (uint16_t k = 0; k < desk->series[i].count; k++) {
            const double g = desk->series[i].held[k] ? 0 : signature_at(desk, index, onset, i, k);
            product += g * desk->series[i].z[k];
            information += g * g;
        }
    const double size = find_size(desk, suspect, product, information), fit = size * product - size * size * information / 2;
    if (!(fit > suspect->evidence))
        return;
    const double evidence = fit - cost_of_freedom(suspect->reach, information) - cost_of_size(suspect->reach, size);
    if (!(evidence > suspect->evidence))
        return;
    suspect->fit = fit;
    suspect->evidence = evidence;
    suspect->onset = onset;
    suspect->size = size;
    suspect->information = information;
    double *trace = trace_of(desk, suspect);
    for (uint16_t i = 0; i < desk->s; i++)
        for (uint16_t k = 0; k < desk->series[i].count; k++)
            trace[i * NIS_WINDOW + k] = signature_at(desk, index, onset, i, k);
}

/* The cosine between what two suspects leave, each since its own onset. */
static double correlation(const Desk *desk, const Suspect *a, const Suspect *b)
{
    const double *left = trace_of(desk, a), *right = trace_of(desk, b);
    double product = 0, of_a = 0, of_b = 0;
    for (size_t i = 0; i < desk->s; i++)
        for (size_t k = i * NIS_WINDOW; k < i * NIS_WINDOW + desk->series[i].count; k++) {
            product += left[k] * right[k];
            of_a += left[k] * left[k];
            of_b += right[k] * right[k];
        }
    return of_a > 0 && of_b > 0 ? fabs(product) / sqrt(of_a * of_b) : 0;
}

/* Two samples of noise of standard deviation s round to the same multiple of q with probability q / (2 s sqrt(pi)), as long as q is small. */
double cause_of_repeats(const Model *model, const Sensor *sensor)
{
    static const double TWO_SQRT_PI = 3.5449077018110318;
    const double chance = sensor->resolution / (model->channels[sensor->channel].noise * TWO_SQRT_PI);
    return chance < 0.5 || isnan(chance) ? chance : 1;
}

/* A sensor that shows one value since its fault began. Where values repeat themselves anyhow, that is all there is to see of it. */
static bool is_stuck(const Desk *desk, const Suspect *suspect)
{
    const Sensor *sensor = &desk->model->sensors[suspect->index];
    const double repeats = desk->series[suspect->index].repeats, samples = suspect->onset * desk->stride * desk->model->step / sensor->every;
    return repeats >= STUCK_FROM && (cause_of_repeats(desk->model, sensor) != 1 || repeats + 1 >= samples);
}

/* How much better it is explained by being wild, one sample among many, than by being as it was. How far wild samples lie nobody knows before: as far as
 * this one does. */
static double wildness(double z, uint16_t samples)
{
    const double square = z * z;
    return fmax(square / 2 * square / (1 + square) - cost_of_freedom(fabs(z), 1) - logarithm(samples), 0);
}

/* Noise knows no side, and not what it was before: under random signs both sums have a known variance. Shifts, drifts and what decays fail this. */
static bool looks_random(double sum, double squares, double products, double products_squared)
{
    return sum * sum < BY_CHANCE * BY_CHANCE * squares && products * products < BY_CHANCE * BY_CHANCE * products_squared;
}

Scatter cause_of_noise(const Series *series)
{
    double sum = 0, squares = 0, products = 0, products_squared = 0, last = 0, others = logarithm(series->count);  // the onset is any of them
    double high = 0, low = 0;
    Scatter best = {0};
    for (uint16_t k = 0; k < series->count; k++)
        others += wildness(series->z[k], series->count);
    for (uint16_t k = 0; k < series->count; k++) {
        const double z = series->z[k];
        const uint16_t count = k + 1;
        sum += z;
        squares += z * z;
        products += z * last;
        products_squared += z * last * z * last;
        last = z;
        high = fmax(high, z), low = fmin(low, z);

        // a few large samples on one side look random too, and are the beginning of a shift
        const double variance = squares / count;
        if (fmin(high, -low) < BOTH_SIDES || variance <= 1 || !looks_random(sum, squares, products, products_squared))
            continue;
        const double evidence = count / 2.0 * (variance - 1 - logarithm(variance)) - cost_of_freedom(NOISE_REACH, count / 2.0) - others;
        if (evidence > best.evidence)
            best = (Scatter){.evidence = evidence, .factor = sqrt(variance), .count = count};
    }
    return best;
}

// --- the finding ---------------------------------------------------------------------------------------------------

/* The likeliest suspect of a kind. A sensor that repeats itself is the more suspicious: by the chance of a repeat, one to two where
 * it is not declared. */
static const Suspect *find_best(const Desk *desk, bool of_process)
{
    const Suspect *best = NULL;
    for (size_t i = 0; i < desk->p; i++)
        if (is_process(&desk->suspects[i]) == of_process && (!best || cause__net(desk, &desk->suspects[i]) > cause__net(desk, best)))
            best = &desk->suspects[i];
    return best;
}

static void doubt_repeats(Desk *desk, double rarity)
{
    for (size_t i = 0; i < desk->p; i++) {
        const Suspect *suspect = &desk->suspects[i];
        if (is_process(suspect))
            continue;
        const double chance = cause_of_repeats(desk->model, &desk->model->sensors[suspect->index]);
        const double nats = isnan(chance) ? 0.69 : chance > 0 ? -logarithm(chance) : rarity;
        desk->suspects[i].odds = -fmin(nats * desk->series[suspect->index].repeats, rarity);
    }
}

/* The sum of all squares, and what chance allows it to be. */
typedef struct Energy {
    double sum, limit;
} Energy;

static Energy find_energy(const Desk *desk, double rarity)
{
    double sum = 0, count = 0;
    for (size_t i = 0; i < desk->s; i++)
        for (uint16_t k = 0; k < desk->series[i].count; k++) {
            const double z = desk->series[i].z[k];
            sum += desk->series[i].held[k] ? 0 : z * z;
            count += !desk->series[i].held[k];
        }
    return (Energy){sum, count + 2 * sqrt(count * rarity) + 2 * rarity};
}

/* What explains as much in the same way as the best does, and is named beside it. What happened to a state needs no mention where a value explains it. */
static bool is_as_good(const Desk *desk, const Suspect *other, const Suspect *best)
{
    const bool is_state = other->kind == SUSPECT_JUMP && other->index < desk->model->dynamic_count, is_value = is_process(other) && (!is_state || !is_process(best));
    return is_value && other != best && worth(desk, other) > worth(desk, best) - LEAD && correlation(desk, best, other) > PARALLEL;
}

static bool is_named(const Finding *finding, uint16_t channel)
{
    bool named = false;
    for (uint16_t i = 0; i < finding->channel_count; i++)
        named |= finding->channels[i] == channel;
    return named;
}

/* What would have to move instead, the likeliest first. */
static void name_channels(const Desk *desk, const Suspect *best, Finding *out)
{
    while (out->channel_count < CAUSE_CHANNELS) {
        const Suspect *next = NULL;
        for (size_t i = 0; i < desk->p; i++) {
            const Suspect *other = &desk->suspects[i];
            if ((!next || cause__net(desk, other) > cause__net(desk, next)) && !is_named(out, other->index) && is_as_good(desk, other, best))
                next = other;
        }
        if (!next)
            return;
        out->channels[out->channel_count++] = next->index;
    }
}

/* The deviation that the fault has left. */
static void find_deviation(Desk *desk, const Suspect *suspect, Finding *out)
{
    signature_follow(desk, suspect->onset);
    const size_t index = (size_t)(suspect - desk->suspects);
    for (size_t i = 0; i < desk->n; i++)
        out->deviation[i] = suspect->size * desk->deviation[i * desk->p + index];
}

static void blame_suspect(Desk *desk, const Suspect *suspect, Finding *out)
{
    out->size = suspect->size;
    out->sd = sqrt(desk->dispersion / (suspect->information + precision_of(suspect->reach, suspect->size)));
    out->onset = suspect->onset * desk->stride;
    out->evidence = suspect->evidence;
    if (is_process(suspect)) {
        out->cause = CAUSE_PROCESS;
        out->channels[out->channel_count++] = suspect->index;
    } else {
        out->sensor = suspect->index;
        out->cause = is_stuck(desk, suspect) ? CAUSE_STUCK : suspect->kind == SUSPECT_BIAS ? CAUSE_BIAS : CAUSE_DRIFT;
    }
    name_channels(desk, suspect, out);
    find_deviation(desk, suspect, out);
}

/* The squares of some samples of a sensor, and what a suspect leaves of them. */
typedef struct Squares {
    double before, after;
} Squares;

static Squares squares_of(const Desk *desk, const Suspect *suspect, uint16_t sensor, uint16_t from, uint16_t to)
{
    const double *trace = &trace_of(desk, suspect)[sensor * NIS_WINDOW];
    Squares squares = {0};
    for (uint16_t k = from; k < to; k++) {
        const double z = desk->series[sensor].z[k], rest = z - suspect->size * trace[k];
        squares.before += z * z;
        squares.after += rest * rest;
    }
    return squares;
}

/* How much better a sensor's noise explains the series than a suspect does, when how exact either is does not count: with scales that are free, a
 * likelihood is the sum of squares to the power of -n/2. A shift must earn what its size costs. */
static double lead_of_noise(const Desk *desk, uint16_t noisy, const Scatter *noise, const Suspect *suspect)
{
    const Squares newest = squares_of(desk, suspect, noisy, 0, noise->count);
    double gain = noise->count / 2.0 * logarithm(fmax(newest.before, noise->count) / fmax(newest.after, noise->count));
    for (uint16_t i = 0; i < desk->s; i++) {
        const Squares others = squares_of(desk, suspect, i, i == noisy ? noise->count : 0, desk->series[i].count);
        gain += (others.before - others.after) / 2 / desk->dispersion;
    }
    return cost(suspect, 1) + suspect->odds - gain;
}

/* Blame the noisiest sensor, if noise explains more than the best suspects do. */
static bool blame_noise(const Desk *desk, const Suspect *of_sensor, const Suspect *of_process, Finding *out)
{
    Scatter best = {0};
    uint16_t noisy = 0;
    for (uint16_t i = 0; i < desk->s; i++) {
        const Scatter noise = cause_of_noise(&desk->series[i]);
        if (noise.evidence > best.evidence)
            best = noise, noisy = i;
    }
    if (best.evidence == 0)
        return false;
    const double lead = fmin(lead_of_noise(desk, noisy, &best, of_sensor), lead_of_noise(desk, noisy, &best, of_process));
    if (lead <= 0)
        return false;
    *out = (Finding){.cause = CAUSE_NOISE, .sensor = noisy, .size = best.factor, .sd = NAN, .evidence = best.evidence, .lead = lead};
    return true;
}

/* The best of each kind stand against each other. Where they cannot be told apart the likelier is named first; but what ramps is
 * rather something that fills because a value has jumped, if one may, than a sensor that drifts so fast. */
static void decide(Desk *desk, double rarity, Finding *out)
{
    const Suspect *of_sensor = find_best(desk, false), *of_process = find_best(desk, true);
    const double lead = cause__net(desk, of_sensor) - cause__net(desk, of_process);
    *out = (Finding){.sensor = CAUSE_NO_SENSOR};
    if (blame_noise(desk, of_sensor, of_process, out))
        return;

    const bool unclear = fabs(lead) < LEAD && correlation(desk, of_sensor, of_process) > PARALLEL;
    const bool is_ramp = unclear && of_sensor->kind == SUSPECT_DRIFT && of_process->odds <= 0;
    const Suspect *best = lead > 0 && !is_ramp ? of_sensor : of_process;
    blame_suspect(desk, best, out);
    if (unclear && best == of_process)
        out->sensor = of_sensor->index;
    out->lead = fabs(lead);

    const Energy energy = find_energy(desk, rarity);
    if (energy.sum - 2 * best->fit > energy.limit && 4 * best->fit < energy.sum)
        *out = (Finding){.cause = CAUSE_MODEL, .sensor = CAUSE_NO_SENSOR, .size = NAN, .sd = NAN, .evidence = out->evidence, .lead = out->lead};
}

/* Around the best onset of each kind: what was held back, and how the model takes faults of their sizes. */
static void refine(Desk *desk)
{
    enum { AROUND = 2 };
    const int centres[] = {find_best(desk, false)->onset, find_best(desk, true)->onset};
    for (size_t i = 0; i < desk->p; i++) {
        desk->suspects[i].tried = desk->suspects[i].size;
        desk->suspects[i].evidence = desk->suspects[i].fit = 0;
    }
    for (int onset = 1; onset <= SIGNATURE_LAGS; onset++) {
        if (abs(onset - centres[0]) > AROUND && abs(onset - centres[1]) > AROUND)
            continue;
        signature_follow(desk, (size_t)onset);
        for (size_t i = 0; i < desk->p; i++)
            weigh(desk, i, (uint16_t)onset);
    }
}

/* The model is no better than it is: what not even the best explanation explains since the onset says how far likelihoods can be trusted (McCullagh and
 * Nelder 1989, 9.2: overdispersion). */
static void find_dispersion(Desk *desk)
{
    const Suspect *best = &desk->suspects[0];
    for (size_t i = 1; i < desk->p; i++)
        best = desk->suspects[i].evidence > best->evidence ? &desk->suspects[i] : best;
    double squares = 0, count = 0;
    for (uint16_t i = 0; i < desk->s; i++)
        for (uint16_t k = 0; k < desk->series[i].count; k++) {
            const double z = desk->series[i].z[k], counts = desk->ages[i * NIS_WINDOW + k] < best->onset && !desk->series[i].held[k] ? 1 : 0;
            squares += counts * z * z;
            count += counts;
        }
    desk->dispersion = count > 0 ? fmax((squares - 2 * best->fit) / count, 1) : 1;
}

/* Try all onsets with one set of signatures, as if nothing had been held back and all faults were small. */
static void find_onsets(Desk *desk)
{
    for (size_t i = 0; i < desk->s * NIS_WINDOW; i++)
        desk->ages[i] = UINT16_MAX;
    signature_find(desk, SIGNATURE_LAGS);
    find_ages(desk);
    for (uint16_t onset = 1; onset <= SIGNATURE_LAGS; onset++)
        for (size_t i = 0; i < desk->p; i++)
            weigh(desk, i, onset);
}

void cause_find(Desk *desk, const Block *block, uint32_t lane, uint16_t asking, double scale, double rarity, Finding *out)
{
    const Model *model = desk->model = block->model;
    assert(model->sensor_count > 0 && asking < model->sensor_count);
    desk->twins = block;
    desk->lane = lane;
    desk->n = model->state_count;
    desk->s = model->sensor_count;
    desk->dispersion = 1;
    desk->stride = INFINITY;
    for (size_t i = 0; i < desk->s; i++)
        desk->stride = fmin(desk->stride, model->sensors[i].every / model->step);
    desk->stride = fmax(floor(desk->stride + 0.5), 1);

    list_suspects(desk, rarity);
    signature_prepare(desk, asking, scale);
    doubt_repeats(desk, rarity);
    find_onsets(desk);
    for (int i = 0; i < ROUNDS; i++)
        refine(desk);
    find_dispersion(desk);
    decide(desk, rarity, out);
}
