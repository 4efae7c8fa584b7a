#include "model/ensemble.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "model/model.h"

/* Streams of random numbers; the state is added. */
enum Stream { STREAM_START = 0, STREAM_STEP = MODEL_STATES_MAX, STREAM_OPEN = 2 * MODEL_STATES_MAX, STREAM_TURN = 3 * MODEL_STATES_MAX, STREAM_WIDEN };

/* One block of one model. */
typedef struct View {
    const Model *model;
    const EnsembleLayout *at;
    double *columns;
    uint16_t states;
} View;

static View view_of(const Model *model, double *columns)
{
    assert(model->ensemble.members >= ENSEMBLE_MEMBERS_MIN);
    return (View){model, &model->ensemble, columns, model->state_count};
}

static double *column(const View *view, unsigned index)
{
    return &view->columns[(size_t)index * LANES];
}

static double *member(const View *view, unsigned m, unsigned place)
{
    return column(view, view->at->first + m * view->at->stride + place);
}

static void copy(double *to, const double *from)
{
    memcpy(to, from, LANES * sizeof *to);
}

double ensemble_key(const char *name)
{
    return (double)(hash_bytes(0, name, strlen(name)) >> 12 | 1);
}

static double draw(double key, unsigned stream, double steps, unsigned m)
{
    return random_normal((uint64_t)key, stream, (uint64_t)steps * ENSEMBLE_MEMBERS_MAX + m);
}

// --- limits --------------------------------------------------------------------------------------------------------

static bool is_limited(const Channel *channel)
{
    return isfinite(channel->min) || isfinite(channel->max);
}

static double within(const Channel *channel, double value)
{
    const double above = value < channel->min ? channel->min : value;
    return above > channel->max ? channel->max : above;
}

/* Members of a state have full values: those become deviations from their mean, which takes its place. */
static void centre(const View *view, uint16_t state)
{
    double sum[LANES] = {0}, *restrict mean = column(view, state);
    for (unsigned m = 0; m < view->at->members; m++) {
        const double *restrict value = member(view, m, state);
        for (size_t lane = 0; lane < LANES; lane++)
            sum[lane] += value[lane];
    }
    for (size_t lane = 0; lane < LANES; lane++)
        mean[lane] = sum[lane] / view->at->members;
    for (unsigned m = 0; m < view->at->members; m++) {
        double *restrict value = member(view, m, state);
        for (size_t lane = 0; lane < LANES; lane++)
            value[lane] -= mean[lane];
    }
}

/* Keep the members of a state within its limits, in one lane; the others must not feel that. */
static void project_lane(const View *view, uint16_t state, size_t lane)
{
    double sum = 0, *mean = &column(view, state)[lane];
    for (unsigned m = 0; m < view->at->members; m++) {
        double *value = &member(view, m, state)[lane];
        *value = within(&view->model->channels[state], *mean + *value);
        sum += *value;
    }
    *mean = sum / view->at->members;
    for (unsigned m = 0; m < view->at->members; m++)
        member(view, m, state)[lane] -= *mean;
}

static void project(const View *view, uint16_t state, const double *where)
{
    for (size_t lane = 0; lane < LANES && is_limited(&view->model->channels[state]); lane++)
        if (where[lane] != 0)
            project_lane(view, state, lane);
}

// --- the start -----------------------------------------------------------------------------------------------------

/* The lower triangle L with L L' = covariance, by Cholesky; what is certain gets a column of zeros. */
static void take_root(const View *view, size_t lane, double root[MODEL_STATES_MAX][MODEL_STATES_MAX])
{
    for (uint16_t j = 0; j < view->states; j++)
        for (uint16_t i = j; i < view->states; i++) {
            double rest = column(view, model_covariance(view->model, j, i))[lane];
            for (uint16_t k = 0; k < j; k++)
                rest -= root[i][k] * root[j][k];
            if (i == j)
                root[j][j] = rest > 0 ? sqrt(rest) : 0;
            else
                root[i][j] = root[j][j] > 0 ? rest / root[j][j] : 0;
        }
}

static void draw_lane(const View *view, size_t lane)
{
    double root[MODEL_STATES_MAX][MODEL_STATES_MAX], sum[MODEL_STATES_MAX] = {0};
    take_root(view, lane, root);
    for (unsigned m = 0; m < view->at->members; m++) {
        double normal[MODEL_STATES_MAX];
        for (uint16_t i = 0; i < view->states; i++) {
            double value = 0;
            normal[i] = draw(column(view, view->at->key)[lane], STREAM_START + i, 0, m);
            for (uint16_t k = 0; k <= i; k++)
                value += root[i][k] * normal[k];
            member(view, m, i)[lane] = value;
            sum[i] += value;
        }
        for (uint16_t e = 0; e < view->at->memories; e++)
            member(view, m, view->states + e)[lane] = column(view, view->at->memory + e)[lane];
    }

    for (uint16_t i = 0; i < view->states; i++) {
        for (unsigned m = 0; m < view->at->members; m++)
            member(view, m, i)[lane] -= sum[i] / view->at->members;
        if (is_limited(&view->model->channels[i]))
            project_lane(view, i, lane);
    }
}

/* Members of the twins that have none. */
static void draw_members(const View *view)
{
    double *steps = column(view, view->at->steps);
    const double *key = column(view, view->at->key);
    for (size_t lane = 0; lane < LANES; lane++)
        if (steps[lane] == 0 && key[lane] != 0) {
            draw_lane(view, lane);
            steps[lane] = 1;
        }
}

// --- the step ------------------------------------------------------------------------------------------------------

/* A random direction among the members in which none of them all move, for the lanes in which it is due, in the columns of innovations; 0 elsewhere.
 * Gives the half of its square. */
static void draw_direction(const View *view, const double *due, double *restrict half)
{
    const double *key = column(view, view->at->key), *steps = column(view, view->at->steps);
    for (size_t lane = 0; lane < LANES; lane++) {
        double sum = 0, squares = 0;
        const bool wanted = due[lane] != 0 && key[lane] != 0;
        for (unsigned m = 0; m < view->at->members; m++) {
            double *along = &column(view, view->at->innovations + m)[lane];
            *along = wanted ? draw(key[lane], STREAM_TURN, steps[lane], m) : 0;
            sum += *along;
        }
        for (unsigned m = 0; m < view->at->members; m++) {
            double *along = &column(view, view->at->innovations + m)[lane];
            *along -= sum / view->at->members;
            squares += *along * *along;
        }
        half[lane] = wanted ? squares / 2 : 1;
    }
}

/* Mirror the deviations of a state across the plane behind the direction: mean and covariances stay. */
static void mirror(const View *view, uint16_t state, const double *restrict half)
{
    double part[LANES] = {0};
    for (unsigned m = 0; m < view->at->members; m++) {
        const double *restrict deviation = member(view, m, state), *restrict along = column(view, view->at->innovations + m);
        for (size_t lane = 0; lane < LANES; lane++)
            part[lane] += deviation[lane] * along[lane];
    }
    for (size_t lane = 0; lane < LANES; lane++)
        part[lane] /= half[lane];
    for (unsigned m = 0; m < view->at->members; m++) {
        double *restrict deviation = member(view, m, state);
        const double *restrict along = column(view, view->at->innovations + m);
        for (size_t lane = 0; lane < LANES; lane++)
            deviation[lane] -= part[lane] * along[lane];
    }
}

static void stretch(const View *view, uint16_t state, const double *restrict factor)
{
    for (unsigned m = 0; m < view->at->members; m++) {
        double *restrict deviation = member(view, m, state);
        for (size_t lane = 0; lane < LANES; lane++)
            deviation[lane] *= factor[lane];
    }
}

/* Behind a tick with samples: inflation, and members are mixed, as samples leave more and more of the spread to a few of them. */
static void refresh(const View *view)
{
    double *due = column(view, view->model->due), factor[LANES], half[LANES];
    for (size_t lane = 0; lane < LANES; lane++)
        factor[lane] = due[lane] != 0 ? view->model->filter.inflation : 1;
    if (view->model->filter.mixing)
        draw_direction(view, due, half);
    for (uint16_t i = 0; i < view->states; i++) {
        if (view->model->filter.mixing)
            mirror(view, i, half);
        stretch(view, i, factor);
        project(view, i, due);
    }
    memset(due, 0, LANES * sizeof *due);
}

static const uint64_t ALL_STATES = ~UINT64_C(0);
_Static_assert(MODEL_STATES_MAX <= 64, "a bit for each state");

/* The next of the states that are meant, from `first` on; as many as there are behind the last. */
static uint16_t next_of(const View *view, uint64_t states, uint16_t first)
{
    while (first < view->states && !(states >> first & 1))
        first++;
    return first;
}

static void put_aside(const View *view, uint64_t states)
{
    for (uint16_t i = next_of(view, states, 0); i < view->states; i = next_of(view, states, (uint16_t)(i + 1)))
        copy(column(view, view->at->aside + i), column(view, i));
}

static void take_back(const View *view, uint64_t states)
{
    for (uint16_t i = next_of(view, states, 0); i < view->states; i = next_of(view, states, (uint16_t)(i + 1)))
        copy(column(view, i), column(view, view->at->aside + i));
}

/* States of one member, in the place of the mean. */
static void show_states(const View *view, uint64_t states, unsigned m)
{
    for (uint16_t i = next_of(view, states, 0); i < view->states; i = next_of(view, states, (uint16_t)(i + 1))) {
        double *restrict state = column(view, i);
        const double *restrict mean = column(view, view->at->aside + i), *restrict deviation = member(view, m, i);
        for (size_t lane = 0; lane < LANES; lane++)
            state[lane] = mean[lane] + deviation[lane];
    }
}

static void put_delays_aside(const View *view)
{
    for (uint16_t i = 0; i < view->model->delay_count; i++)
        copy(column(view, view->at->aside + view->states + i), column(view, view->model->delays[i].then));
}

/* What else a step begins with: the memory of the member's events, and delayed values, which the member before has moved on. */
static void show_memories(const View *view, unsigned m)
{
    for (uint16_t e = 0; e < view->at->memories; e++)
        copy(column(view, view->at->memory + e), member(view, m, view->states + e));
    for (uint16_t i = 0; i < view->model->delay_count; i++)
        copy(column(view, view->model->delays[i].then), column(view, view->at->aside + view->states + i));
}

/* Its full values, until all members have moved. */
static void keep_member(const View *view, unsigned m)
{
    for (uint16_t i = 0; i < view->states; i++)
        copy(member(view, m, i), column(view, i));
    for (uint16_t e = 0; e < view->at->memories; e++)
        copy(member(view, m, view->states + e), column(view, view->at->memory + e));
}

/* What the twin shows of an event's memory is what most members remember. */
static void vote(const View *view)
{
    for (uint16_t e = 0; e < view->at->memories; e++) {
        double *memory = column(view, view->at->memory + e), sum[LANES] = {0};
        for (unsigned m = 0; m < view->at->members; m++)
            for (size_t lane = 0; lane < LANES; lane++)
                sum[lane] += member(view, m, view->states + e)[lane];
        for (size_t lane = 0; lane < LANES; lane++)
            memory[lane] = 2 * sum[lane] >= view->at->members ? 1 : 0;
    }
}

/* Noise of the members of one state, whose mean is taken away: chance is to widen the ensemble, not to move it. */
static void add_noise(const View *view, uint16_t state, const double *sd)
{
    const double *key = column(view, view->at->key), *steps = column(view, view->at->steps);
    for (size_t lane = 0; lane < LANES; lane++) {
        double sum = 0;
        if (key[lane] == 0)
            continue;
        for (unsigned m = 0; m < view->at->members; m++) {
            const double noise = sd[lane] * draw(key[lane], STREAM_STEP + state, steps[lane], m);
            member(view, m, state)[lane] += noise;
            sum += noise;
        }
        for (unsigned m = 0; m < view->at->members; m++)
            member(view, m, state)[lane] -= sum / view->at->members;
    }
}

static void wander(const View *view, uint16_t state)
{
    const FilterNoise noise = view->at->noise[state];
    const double *parted = column(view, view->model->parted);
    const Channel *channel = &view->model->channels[state];
    double sd[LANES];
    if (noise.calm == 0 && noise.parted == 0)
        return;
    for (size_t lane = 0; lane < LANES; lane++)
        sd[lane] = sqrt(noise.calm + parted[lane] * noise.parted);
    add_noise(view, state, sd);
    for (unsigned m = 0; m < view->at->members && is_limited(channel); m++)
        for (size_t lane = 0; lane < LANES; lane++)
            member(view, m, state)[lane] = within(channel, member(view, m, state)[lane]);
}

void ensemble_predict(const Model *model, double *columns, Scratch *scratch)
{
    const View view = view_of(model, columns);
    draw_members(&view);
    refresh(&view);
    put_aside(&view, ALL_STATES);
    put_delays_aside(&view);
    for (unsigned m = 0; m < view.at->members; m++) {
        show_states(&view, ALL_STATES, m);
        show_memories(&view, m);
        program_run(&model->move, columns, scratch);
        keep_member(&view, m);
    }

    vote(&view);
    for (uint16_t i = 0; i < view.states; i++) {
        wander(&view, i);
        centre(&view, i);
    }
    ensemble_settle(model, columns);
    double *steps = column(&view, view.at->steps);
    for (size_t lane = 0; lane < LANES; lane++)
        steps[lane] += steps[lane] != 0 ? 1 : 0;
}

// --- samples -------------------------------------------------------------------------------------------------------

/* What the members say of a sample: their innovations become deviations from the mean one, which is left in `mean`, and their variance in `variance`. */
static void compare(const View *view, const Sensor *sensor, Scratch *scratch, double *restrict mean, double *restrict variance)
{
    put_aside(view, sensor->shows);
    memset(mean, 0, LANES * sizeof *mean);
    for (unsigned m = 0; m < view->at->members; m++) {
        double *restrict innovation = column(view, view->at->innovations + m);
        show_states(view, sensor->shows, m);
        program_run(&sensor->measure, view->columns, scratch);
        copy(innovation, column(view, sensor->innovation));
        for (size_t lane = 0; lane < LANES; lane++)
            mean[lane] += innovation[lane];
    }
    take_back(view, sensor->shows);

    memset(variance, 0, LANES * sizeof *variance);
    for (size_t lane = 0; lane < LANES; lane++)
        mean[lane] /= view->at->members;
    for (unsigned m = 0; m < view->at->members; m++) {
        double *restrict innovation = column(view, view->at->innovations + m);
        for (size_t lane = 0; lane < LANES; lane++) {
            innovation[lane] -= mean[lane];
            variance[lane] += innovation[lane] * innovation[lane];
        }
    }
    for (size_t lane = 0; lane < LANES; lane++)
        variance[lane] /= view->at->members - 1;
}

static double noise_of(const Model *model, const Sensor *sensor)
{
    const double noise = model->channels[sensor->channel].noise;
    return noise * noise;
}

void ensemble_measure(const Model *model, const Sensor *sensor, double *columns, Scratch *scratch)
{
    const View view = view_of(model, columns);
    const double *mask = column(&view, sensor->mask);
    double *innovation = column(&view, sensor->innovation), *variance = column(&view, sensor->innovation_variance), kept[LANES], mean[LANES], spread[LANES];
    draw_members(&view);
    copy(kept, innovation);
    compare(&view, sensor, scratch, mean, spread);
    for (size_t lane = 0; lane < LANES; lane++) {
        innovation[lane] = mask[lane] != 0 ? mean[lane] : kept[lane];
        variance[lane] = mask[lane] != 0 ? spread[lane] + noise_of(model, sensor) : variance[lane];
    }
}

/* The gain on one state. Innovations turn against what is expected, hence the sign. A tracked value that does not jump keeps still while frozen. */
static void find_gain(const View *view, uint16_t state, double taper, const double *variance, double *restrict gain)
{
    const Channel *channel = &view->model->channels[state];
    const double *frozen = column(view, view->model->frozen), held = channel->kind == CHANNEL_TRACKED && channel->jump == 0 ? 1 : 0;
    memset(gain, 0, LANES * sizeof *gain);
    for (unsigned m = 0; m < view->at->members; m++) {
        const double *restrict deviation = member(view, m, state), *restrict innovation = column(view, view->at->innovations + m);
        for (size_t lane = 0; lane < LANES; lane++)
            gain[lane] -= deviation[lane] * innovation[lane];
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        const double free = taper * gain[lane] / (view->at->members - 1) / variance[lane];
        gain[lane] = held * frozen[lane] != 0 ? 0 : free;
    }
}

/* Mean by the gain, deviations by `part` of it. */
static void move_state(const View *view, uint16_t state, const double *restrict mask, const double *restrict gain, const double *restrict part,
                       const double *restrict innovation)
{
    double *restrict mean = column(view, state);
    for (size_t lane = 0; lane < LANES; lane++)
        mean[lane] = mask[lane] != 0 ? mean[lane] + gain[lane] * innovation[lane] : mean[lane];
    for (unsigned m = 0; m < view->at->members; m++) {
        double *restrict deviation = member(view, m, state);
        const double *restrict of = column(view, view->at->innovations + m);
        for (size_t lane = 0; lane < LANES; lane++)
            deviation[lane] = mask[lane] != 0 ? deviation[lane] + part[lane] * gain[lane] * of[lane] : deviation[lane];
    }
}

void ensemble_correct(const Model *model, const Sensor *sensor, double *columns, Scratch *scratch)
{
    const View view = view_of(model, columns);
    const double *mask = column(&view, sensor->mask), noise = noise_of(model, sensor);
    double kept[LANES], innovation[LANES], variance[LANES], part[LANES], gain[LANES];
    copy(kept, column(&view, sensor->innovation));
    compare(&view, sensor, scratch, innovation, variance);
    copy(column(&view, sensor->innovation), kept);
    for (size_t lane = 0; lane < LANES; lane++) {
        variance[lane] += noise;
        part[lane] = 1 / (1 + sqrt(noise / variance[lane]));
    }

    for (uint16_t i = 0; i < view.states; i++) {
        const double taper = sensor->taper ? sensor->taper[i] : 1;
        if (taper == 0)
            continue;
        find_gain(&view, i, taper, variance, gain);
        move_state(&view, i, mask, gain, part, innovation);
        project(&view, i, mask);
    }
    double *due = column(&view, model->due);
    for (size_t lane = 0; lane < LANES; lane++)
        due[lane] = mask[lane] != 0 ? 1 : due[lane];
}

void ensemble_settle(const Model *model, double *columns)
{
    const View view = view_of(model, columns);
    const double *steps = column(&view, view.at->steps);
    for (uint16_t i = 0; i < view.states; i++)
        for (uint16_t j = i; j < view.states; j++) {
            double sum[LANES] = {0}, *covariance = column(&view, model_covariance(model, i, j));
            for (unsigned m = 0; m < view.at->members; m++) {
                const double *a = member(&view, m, i), *b = member(&view, m, j);
                for (size_t lane = 0; lane < LANES; lane++)
                    sum[lane] += a[lane] * b[lane];
            }
            for (size_t lane = 0; lane < LANES; lane++)
                covariance[lane] = steps[lane] != 0 ? sum[lane] / (view.at->members - 1) : covariance[lane];
        }
}

void ensemble_open(const Model *model, double *columns, size_t lane, uint16_t state, double sd)
{
    const View view = view_of(model, columns);
    const double key = column(&view, view.at->key)[lane], steps = column(&view, view.at->steps)[lane];
    double sum = 0, squares = 0;
    if (steps == 0)
        return;  // they will be drawn from the covariance
    for (unsigned m = 0; m < view.at->members; m++) {
        member(&view, m, state)[lane] = draw(key, STREAM_OPEN + state, steps, m);
        sum += member(&view, m, state)[lane];
    }

    // exactly so wide, and around the mean
    for (unsigned m = 0; m < view.at->members; m++) {
        member(&view, m, state)[lane] -= sum / view.at->members;
        squares += member(&view, m, state)[lane] * member(&view, m, state)[lane];
    }
    for (unsigned m = 0; m < view.at->members; m++)
        member(&view, m, state)[lane] *= sd / sqrt(squares / (view.at->members - 1));
    if (is_limited(&model->channels[state]))
        project_lane(&view, state, lane);
}

void ensemble_scale(const Model *model, double *columns, size_t lane, uint16_t state, double factor)
{
    const View view = view_of(model, columns);
    if (column(&view, view.at->steps)[lane] == 0)
        return;  // they will be drawn from the covariance
    for (unsigned m = 0; m < view.at->members; m++)
        member(&view, m, state)[lane] *= factor;
}

/* Weights of mean 0, one for each member. */
static void draw_weights(const View *view, size_t lane, double *weights)
{
    const double key = column(view, view->at->key)[lane], steps = column(view, view->at->steps)[lane];
    double sum = 0;
    for (unsigned m = 0; m < view->at->members; m++)
        sum += weights[m] = draw(key, STREAM_WIDEN, steps, m);
    for (unsigned m = 0; m < view->at->members; m++)
        weights[m] -= sum / view->at->members;
}

/* Take from the weights what they have in common with the deviations of a state. */
static void turn_from(const View *view, size_t lane, uint16_t state, double *weights)
{
    double product = 0, squares = 0;
    for (unsigned m = 0; m < view->at->members; m++) {
        const double deviation = member(view, m, state)[lane];
        product += deviation * weights[m];
        squares += deviation * deviation;
    }
    for (unsigned m = 0; m < view->at->members && squares > 0; m++)
        weights[m] -= product / squares * member(view, m, state)[lane];
}

/* Weights of variance 1: they have exactly the size that was asked for. */
static void scale_weights(const View *view, double *weights)
{
    double squares = 0;
    for (unsigned m = 0; m < view->at->members; m++)
        squares += weights[m] * weights[m];
    for (unsigned m = 0; m < view->at->members; m++)
        weights[m] /= sqrt(squares / (view->at->members - 1));
}

void ensemble_widen(const Model *model, double *columns, size_t lane, const double *direction)
{
    enum { ROUNDS = 16 };  // projections onto one plane after the other approach their intersection (Kaczmarz)
    const View view = view_of(model, columns);
    double weights[ENSEMBLE_MEMBERS_MAX];
    if (column(&view, view.at->steps)[lane] == 0)
        return;  // they will be drawn from the covariance
    draw_weights(&view, lane, weights);
    for (int round = 0; round < ROUNDS; round++)
        for (uint16_t i = 0; i < view.states; i++) {
            turn_from(&view, lane, i, weights);
            scale_weights(&view, weights);
        }

    for (uint16_t i = 0; i < view.states; i++) {
        for (unsigned m = 0; m < view.at->members; m++)
            member(&view, m, i)[lane] += direction[i] * weights[m];
        if (is_limited(&model->channels[i]))
            project_lane(&view, i, lane);
    }
}

double ensemble_taper(double distance, double radius)
{
    const double z = 2 * distance / radius, z2 = z * z, z3 = z2 * z;
    if (z >= 2)
        return 0;
    if (z >= 1)
        return z3 * z2 / 12 - z2 * z2 / 2 + 5 * z3 / 8 + 5 * z2 / 3 - 5 * z + 4 - 2 / (3 * z);
    return 1 - 5 * z2 / 3 + 5 * z3 / 8 + z2 * z2 / 2 - z3 * z2 / 4;
}
