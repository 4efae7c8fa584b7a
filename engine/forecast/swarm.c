#include "forecast/swarm.h"

#include <assert.h>
#include <math.h>
#include <stdalign.h>
#include <string.h>

enum { PURPOSE_DRAW = 1, PURPOSE_STEP = 2 };  // of random numbers

static uint64_t stream_of(const Fork *fork, const ForkTwin *twin, uint16_t channel, uint64_t purpose)
{
    return purpose << 32 | plant_tag(fork->plant, twin->twin, channel);
}

// --- cells ---------------------------------------------------------------------------------------------------------

uint16_t channel_foreseen(const Model *model, uint16_t channel)
{
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].channel == channel && model->sensors[i].of != UINT16_MAX)
            return model->sensors[i].of;
    return channel;
}

bool channel_is_foreseen(const Model *model, uint16_t channel)
{
    const ChannelKind kind = model->channels[channel_foreseen(model, channel)].kind;
    return kind != CHANNEL_SENSOR && kind != CHANNEL_STATISTIC;
}

Err cell_find(const Fork *fork, TagId tag, Cell *out, ErrText *why)
{
    const Place place = plant_place(fork->plant, tag);
    const Model *model = plant_model(fork->plant, place.twin);
    const int64_t twin = fork_find(fork, place.twin);
    const TagName name = tags_name(fork->plant->tags, tag);
    if (twin < 0)
        return err_set(why, ERR_UNKNOWN, "\"%s\" is no part of this forecast", name.text);
    if (!channel_is_foreseen(model, place.channel))
        return err_set(why, ERR_UNKNOWN, "\"%s\" cannot be forecast: expected a state, a parameter, an input, an output, or a sensor of one of them",
                       name.text);
    *out = (Cell){(uint32_t)twin, model->channels[channel_foreseen(model, place.channel)].column};
    return ERR_OK;
}

// --- the covariance ------------------------------------------------------------------------------------------------

/* What is left of a covariance while its root is found, scaled to correlations so that units do not matter. */
typedef struct Correlation {
    uint16_t count;
    double sd[MODEL_STATES_MAX];
    double left[MODEL_STATES_MAX][MODEL_STATES_MAX];
} Correlation;

static void read_correlation(const ForkTwin *twin, Correlation *out)
{
    const Model *model = twin->model;
    out->count = model->state_count;
    for (uint16_t i = 0; i < out->count; i++)
        out->sd[i] = sqrt(fmax(twin->cells[model_covariance(model, i, i)], 0));
    for (uint16_t i = 0; i < out->count; i++)
        for (uint16_t j = 0; j < out->count; j++) {
            const double scale = out->sd[i] * out->sd[j];
            out->left[i][j] = scale > 0 ? twin->cells[model_covariance(model, i, j)] / scale : 0;
        }
}

static uint16_t largest_left(const Correlation *correlation)
{
    uint16_t largest = 0;
    for (uint16_t i = 1; i < correlation->count; i++)
        if (correlation->left[i][i] > correlation->left[largest][largest])
            largest = i;
    return largest;
}

/* Cholesky with complete pivoting, which stops where nothing but rounding is left: a covariance may well be singular, of a state that is certain
 * or of two that are the same.
 * Source: Higham, Accuracy and Stability of Numerical Algorithms (2002), 10.3: semidefinite matrices. */
static Err find_root(const ForkTwin *twin, Arena *arena, Draw *out)
{
    const double rounding = 1e-10;
    Correlation correlation;
    read_correlation(twin, &correlation);
    const uint16_t n = correlation.count;
    uint16_t *of = arena_new(arena, uint16_t, n);
    double *root = arena_new(arena, double, (size_t)n *n);
    if (!of || !root)
        return ERR_MEMORY;

    uint16_t rank = 0;
    for (; rank < n; rank++) {
        const uint16_t pivot = largest_left(&correlation);
        if (!(correlation.left[pivot][pivot] > rounding))
            break;
        const double diagonal = sqrt(correlation.left[pivot][pivot]);
        of[rank] = pivot;
        for (uint16_t i = 0; i < n; i++)
            root[i * n + rank] = correlation.left[i][pivot] / diagonal;
        for (uint16_t i = 0; i < n; i++)
            for (uint16_t j = 0; j < n; j++)
                correlation.left[i][j] -= root[i * n + rank] * root[j * n + rank];
        correlation.left[pivot][pivot] = 0;
    }

    // rows of `rank` values, in the states' own units
    for (uint16_t i = 0; i < n; i++)
        for (uint16_t k = 0; k < rank; k++)
            root[i * rank + k] = correlation.sd[i] * root[i * n + k];
    *out = (Draw){rank, of, root};
    return ERR_OK;
}

// --- a swarm ------------------------------------------------------------------------------------------------------

/* While twin and asset have parted, its states wander as fast as the filter lets them. Tracked parameters were opened by what they may have jumped: the
 * covariance says so, and a jump is not one that goes on. */
static double spread_of(const ForkTwin *twin, uint16_t state)
{
    const Model *model = twin->model;
    const bool parted = state < model->dynamic_count && twin->cells[model->parted] > 0;
    return model->channels[state].noise * sqrt(model->step) * (parted ? FILTER_PARTED_NOISE : 1);
}

static Err find_noises(Swarm *swarm, uint32_t index)
{
    const ForkTwin *twin = &swarm->fork->twins[index];
    SwarmTwin *out = &swarm->twins[index];
    Noise *noises = arena_new(&swarm->arena, Noise, twin->model->state_count);
    if (!noises)
        return ERR_MEMORY;
    for (uint16_t i = 0; i < twin->model->state_count && !twin->stands; i++) {
        const Channel *channel = &twin->model->channels[i];
        const double spread = spread_of(twin, i);
        if (spread > 0)
            noises[out->noise_count++] = (Noise){channel->column, spread, channel->min, channel->max, stream_of(swarm->fork, twin, i, PURPOSE_STEP)};
    }
    out->noises = noises;
    out->held = swarm->held_count;
    swarm->held_count += out->noise_count;
    return ERR_OK;
}

/* What feeds an input has an uncertainty of its own. */
static bool is_off(const Fork *fork, const ForkTwin *twin, uint16_t channel)
{
    const ChannelKind kind = twin->model->channels[channel].kind;
    return plant_known_sd(fork->plant, (Place){twin->twin, channel}) > 0 && !twin->stands &&
           (kind == CHANNEL_PARAMETER || (kind == CHANNEL_INPUT && !plant_is_fed(fork->plant, plant_tag(fork->plant, twin->twin, channel))));
}

static Err find_offsets(Swarm *swarm, uint32_t index)
{
    const Fork *fork = swarm->fork;
    const ForkTwin *twin = &fork->twins[index];
    SwarmTwin *out = &swarm->twins[index];
    Offset *offsets = arena_new(&swarm->arena, Offset, twin->model->channel_count);
    if (!offsets)
        return ERR_MEMORY;
    for (uint16_t i = 0; i < twin->model->channel_count; i++) {
        const Channel *channel = &twin->model->channels[i];
        if (is_off(fork, twin, i))
            offsets[out->offset_count++] = (Offset){channel->column, plant_known_sd(fork->plant, (Place){twin->twin, i}), channel->min, channel->max,
                                                    stream_of(fork, twin, i, PURPOSE_DRAW)};
    }
    out->offsets = offsets;
    return ERR_OK;
}

static Err init_twins(Swarm *swarm)
{
    const Fork *fork = swarm->fork;
    swarm->twins = arena_new(&swarm->arena, SwarmTwin, fork->twin_count);
    Err err = swarm->twins ? ERR_OK : ERR_MEMORY;
    for (uint32_t i = 0; i < fork->twin_count && !err; i++) {
        const Model *model = fork->twins[i].model;
        swarm->registers = model->registers_max > swarm->registers ? model->registers_max : swarm->registers;
        if (!(err = find_noises(swarm, i)))
            err = find_offsets(swarm, i);
        if (!err && !fork->twins[i].stands)
            err = find_root(&fork->twins[i], &swarm->arena, &swarm->twins[i].draw);
    }
    return err;
}

Err swarm_init(Swarm *swarm, const Fork *fork, uint64_t seed, ErrText *why)
{
    *swarm = (Swarm){.fork = fork, .seed = seed};
    if (init_twins(swarm)) {
        swarm_fini(swarm);
        return err_set(why, ERR_MEMORY, "no memory for a swarm of %u twins", fork->twin_count);
    }
    for (uint32_t i = 0; i < fork->link_count; i++)
        swarm_follow(swarm, (Cell){fork->links[i].from, fork->links[i].from_column});
    return ERR_OK;
}

void swarm_fini(Swarm *swarm)
{
    arena_fini(&swarm->arena);
    *swarm = (Swarm){0};
}

void swarm_follow(Swarm *swarm, Cell cell)
{
    const Model *model = swarm->fork->twins[cell.twin].model;
    for (uint16_t i = 0; i < model->channel_count; i++)
        if (model->channels[i].kind == CHANNEL_OUTPUT && model->channels[i].column == cell.column)
            swarm->twins[cell.twin].derives = true;
}

// --- a pack --------------------------------------------------------------------------------------------------------

static void place_blocks(Pack *pack, const Fork *fork)
{
    double *at = pack->memory;
    for (uint32_t i = 0; i < fork->twin_count; i++) {
        pack->blocks[i] = at;
        at += (size_t)fork->twins[i].model->column_count * LANES;
    }
    pack->held = at;
}

Err pack_init(Pack *pack, const Swarm *swarm, ErrText *why)
{
    const Fork *fork = swarm->fork;
    size_t columns = swarm->held_count;
    for (uint32_t i = 0; i < fork->twin_count; i++)
        columns += fork->twins[i].model->column_count;
    *pack = (Pack){
        .swarm = swarm,
        .blocks = mem_alloc(fork->twin_count * sizeof *pack->blocks),
        .memory = mem_alloc(columns * LANES * sizeof(double)),
    };
    if (!pack->blocks || !pack->memory || scratch_init(&pack->scratch, swarm->registers)) {
        pack_fini(pack);
        return err_set(why, ERR_MEMORY, "no memory for %d members of %u twins", LANES, fork->twin_count);
    }
    place_blocks(pack, fork);
    return ERR_OK;
}

void pack_fini(Pack *pack)
{
    scratch_fini(&pack->scratch);
    mem_free(pack->memory);
    mem_free(pack->blocks);
    *pack = (Pack){0};
}

static void fill(double *column, double value)
{
    for (unsigned lane = 0; lane < LANES; lane++)
        column[lane] = value;
}

/* What is no number stays none. */
static void project(double *column, double min, double max)
{
    for (unsigned lane = 0; lane < LANES; lane++) {
        const double low = column[lane] < min ? min : column[lane];
        column[lane] = low > max ? max : low;
    }
}

static void add_scaled(double *column, double scale, const double *normals)
{
    for (unsigned lane = 0; lane < LANES; lane++)
        column[lane] += scale * normals[lane];
}

static void draw_twin(Pack *pack, uint32_t index)
{
    const Fork *fork = pack->swarm->fork;
    const ForkTwin *twin = &fork->twins[index];
    const Draw *draw = &pack->swarm->twins[index].draw;
    const uint16_t states = draw->rank ? twin->model->state_count : 0;
    alignas(64) double normals[LANES], unused[LANES];
    for (uint16_t k = 0; k < draw->rank; k++) {
        lanes_normals(pack->swarm->seed, stream_of(fork, twin, draw->of[k], PURPOSE_DRAW), pack->first, normals, unused);
        for (uint16_t i = 0; i < states; i++)
            add_scaled(pack_column(pack, (Cell){index, i}), draw->root[i * draw->rank + k], normals);
    }
    for (uint16_t i = 0; i < states; i++)
        project(pack_column(pack, (Cell){index, i}), twin->model->channels[i].min, twin->model->channels[i].max);
}

/* A member is off by the same number whenever this is asked, so nobody has to keep it. */
static void add_offset(Pack *pack, uint32_t index, const Offset *offset)
{
    alignas(64) double normals[LANES], unused[LANES];
    double *column = pack_column(pack, (Cell){index, offset->column});
    lanes_normals(pack->swarm->seed, offset->stream, pack->first, normals, unused);
    add_scaled(column, offset->sd, normals);
    project(column, offset->min, offset->max);
}

static void add_offsets(Pack *pack, uint32_t index)
{
    const SwarmTwin *twin = &pack->swarm->twins[index];
    for (uint16_t i = 0; i < twin->offset_count; i++)
        add_offset(pack, index, &twin->offsets[i]);
    if (twin->offset_count > 0)
        pack_prepare(pack, index);
}

void pack_start(Pack *pack, uint64_t first)
{
    assert(first % LANES == 0 && first < UINT32_MAX - LANES);
    const Fork *fork = pack->swarm->fork;
    pack->first = first;
    pack->steps = 0;
    for (uint32_t i = 0; i < fork->twin_count; i++) {
        for (uint16_t column = 0; column < fork->twins[i].model->column_count; column++)
            fill(pack_column(pack, (Cell){i, column}), fork->twins[i].cells[column]);
        draw_twin(pack, i);
        add_offsets(pack, i);
    }
}

/* Process noise behind a step. */
static void add_noise(Pack *pack, uint32_t index)
{
    const SwarmTwin *twin = &pack->swarm->twins[index];
    alignas(64) double fresh[LANES];
    const bool even = pack->steps % 2 == 0;
    for (uint16_t i = 0; i < twin->noise_count; i++) {
        const Noise *noise = &twin->noises[i];
        double *held = &pack->held[(size_t)(twin->held + i) * LANES], *column = pack_column(pack, (Cell){index, noise->column});
        if (even)
            lanes_normals(pack->swarm->seed, noise->stream, pack->steps / 2 << 32 | pack->first, fresh, held);
        add_scaled(column, noise->spread, even ? fresh : held);
        project(column, noise->min, noise->max);
    }
}

static void step_twin(Pack *pack, uint32_t index)
{
    const ForkTwin *twin = &pack->swarm->fork->twins[index];
    if (!twin->stands) {
        program_run(&twin->model->move, pack->blocks[index], &pack->scratch);
        add_noise(pack, index);
    }
    if (pack->swarm->twins[index].derives)
        program_run(&twin->model->derive, pack->blocks[index], &pack->scratch);
}

/* As connections of a plant carry values: within the limits of the input, and nothing that is not finite. */
static void carry(Pack *pack, const ForkLink *link)
{
    const double *from = pack_column(pack, (Cell){link->from, link->from_column});
    double *to = pack_column(pack, (Cell){link->to, link->to_column});
    for (unsigned lane = 0; lane < LANES; lane++) {
        const double low = from[lane] > link->min ? from[lane] : link->min, value = low < link->max ? low : link->max;
        to[lane] = isfinite(from[lane]) ? value : to[lane];
    }
}

static void turn_delays(Pack *pack)
{
    const Fork *fork = pack->swarm->fork;
    for (uint32_t i = 0; i < fork->twin_count; i++)
        if (fork->twins[i].model->delay_count > 0 && !fork->twins[i].stands)
            delay_turn(fork->twins[i].model, pack->blocks[i], ~UINT64_C(0), &pack->scratch);
}

void pack_step(Pack *pack)
{
    const Fork *fork = pack->swarm->fork;
    turn_delays(pack);
    uint32_t link = 0;
    for (; link < fork->delayed_count; link++)
        carry(pack, &fork->links[link]);
    for (uint32_t i = 0; i < fork->twin_count; i++) {
        for (; link < fork->link_count && fork->links[link].stage <= fork->twins[i].stage; link++)
            carry(pack, &fork->links[link]);
        step_twin(pack, i);
    }
    pack->steps++;
}

void pack_derive(Pack *pack, bool all)
{
    const Swarm *swarm = pack->swarm;
    for (uint32_t i = 0; i < swarm->fork->twin_count; i++) {
        const Program *derive = &swarm->fork->twins[i].model->derive;
        if (derive->length > 0 && (all || !swarm->twins[i].derives))
            program_run(derive, pack->blocks[i], &pack->scratch);
    }
}

void pack_set(Pack *pack, Cell cell, double value)
{
    const SwarmTwin *twin = &pack->swarm->twins[cell.twin];
    fill(pack_column(pack, cell), value);
    for (uint16_t i = 0; i < twin->offset_count; i++)
        if (twin->offsets[i].column == cell.column)
            add_offset(pack, cell.twin, &twin->offsets[i]);
}

void pack_prepare(Pack *pack, uint32_t twin)
{
    program_run(&pack->swarm->fork->twins[twin].model->prepare, pack->blocks[twin], &pack->scratch);
}
