#include "forecast/fork.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

// --- who belongs to it ---------------------------------------------------------------------------------------------

/* A fork in the making. A plant may have a million twins and connections: they are gone through, but never once per twin of the fork. */
typedef struct Making {
    const Plant *plant;
    Fork *fork;
    uint32_t *position;  // of each twin of the plant among those of the fork, from 1; 0: not in it
    ErrText *why;
} Making;

static Err no_memory(const Making *making)
{
    return err_set(making->why, ERR_MEMORY, "no memory for a fork of the plant");
}

static Err find_twin(Making *making, uint32_t twin)
{
    const Plant *plant = making->plant;
    Fork *fork = making->fork;
    if (making->position[twin])
        return ERR_OK;
    if (fork->twin_count == FORK_TWINS_MAX)
        return err_set(making->why, ERR_FULL, "more than %d twins to forecast together: name fewer tags", FORK_TWINS_MAX);
    if (plant_model(plant, twin)->procedure)
        return err_set(making->why, ERR_SCRIPT, "%s cannot be forecast: model \"%s\" is stepped by a Lua function, whose variables all its twins share",
                       plant->twins[twin].name, plant_model(plant, twin)->name);
    fork->twins[fork->twin_count++] = (ForkTwin){.twin = twin, .model = plant_model(plant, twin)};
    making->position[twin] = fork->twin_count;
    return ERR_OK;
}

static Err find_sources(Making *making)
{
    const Plant *plant = making->plant;
    Err err = ERR_OK;
    for (bool more = true; more && !err;) {
        const uint32_t before = making->fork->twin_count;
        for (uint32_t i = 0; i < plant->connection_count && !err; i++)
            if (making->position[plant->connections[i].to.twin])
                err = find_twin(making, plant->connections[i].from.twin);
        more = making->fork->twin_count > before;
    }
    return err;
}

// --- room ----------------------------------------------------------------------------------------------------------

static Err make_room(Making *making)
{
    Fork *fork = making->fork;
    size_t count = 0, sensors = 0;
    for (uint32_t i = 0; i < fork->twin_count; i++) {
        count += fork->twins[i].model->column_count;
        sensors += fork->twins[i].model->sensor_count;
    }
    fork->lesson_room = (uint32_t)(sensors < FORK_LESSONS_MAX ? sensors : FORK_LESSONS_MAX);
    fork->lessons = arena_new(&fork->arena, Lesson, fork->lesson_room + 1);
    double *cells = fork->cells = arena_new(&fork->arena, double, count + 1);
    if (!cells || !fork->lessons)
        return no_memory(making);
    for (uint32_t i = 0; i < fork->twin_count; i++) {
        fork->twins[i].cells = cells;
        cells += fork->twins[i].model->column_count;
    }
    return ERR_OK;
}

static int by_stage(const void *a, const void *b)
{
    const ForkTwin *x = a, *y = b;
    return x->stage != y->stage ? (x->stage > y->stage) - (x->stage < y->stage) : (x->twin > y->twin) - (x->twin < y->twin);
}

/* A twin that nothing feeds is of stage 0; the others' is that of what feeds them. */
static void sort_twins(Making *making)
{
    Fork *fork = making->fork;
    for (uint32_t i = 0; i < making->plant->connection_count; i++) {
        const Connection *connection = &making->plant->connections[i];
        if (making->position[connection->to.twin])
            fork->twins[making->position[connection->to.twin] - 1].stage = connection->stage;
    }
    qsort(fork->twins, fork->twin_count, sizeof *fork->twins, by_stage);
    for (uint32_t i = 0; i < fork->twin_count; i++)
        making->position[fork->twins[i].twin] = i + 1;
}

static uint16_t column_of(const Plant *plant, Place place)
{
    return plant_model(plant, place.twin)->channels[place.channel].column;
}

static ForkLink link_of(const Making *making, const Connection *connection)
{
    return (ForkLink){
        .from = making->position[connection->from.twin] - 1,
        .to = making->position[connection->to.twin] - 1,
        .from_column = column_of(making->plant, connection->from),
        .to_column = column_of(making->plant, connection->to),
        .min = connection->min,
        .max = connection->max,
        .stage = connection->stage,
        .delayed = connection->delayed,
    };
}

/* The plant has its connections in the order in which they are carried. */
static Err copy_links(Making *making)
{
    const Plant *plant = making->plant;
    Fork *fork = making->fork;
    size_t count = 0;
    for (uint32_t i = 0; i < plant->connection_count; i++)
        count += making->position[plant->connections[i].to.twin] > 0;
    fork->links = arena_new(&fork->arena, ForkLink, count + 1);
    if (!fork->links)
        return no_memory(making);

    for (uint32_t i = 0; i < plant->connection_count; i++)
        if (making->position[plant->connections[i].to.twin]) {
            fork->links[fork->link_count++] = link_of(making, &plant->connections[i]);
            fork->delayed_count += plant->connections[i].delayed;
        }
    return ERR_OK;
}

static Err make(Making *making, const uint32_t *twins, size_t count)
{
    making->position = mem_alloc(making->plant->twin_count * sizeof *making->position);
    making->fork->twins = arena_new(&making->fork->arena, ForkTwin, FORK_TWINS_MAX);
    if (!making->position || !making->fork->twins)
        return no_memory(making);
    Err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++)
        err = find_twin(making, twins[i]);
    if (err || (err = find_sources(making)))
        return err;
    sort_twins(making);
    err = copy_links(making);
    return err ? err : make_room(making);
}

Err fork_plan(const Plant *plant, const uint32_t *twins, size_t count, Fork **out, ErrText *why)
{
    assert(count > 0);
    *out = NULL;
    Fork *fork = mem_alloc(sizeof *fork);
    if (!fork)
        return err_set(why, ERR_MEMORY, "no memory for a fork of the plant");
    fork->plant = plant;
    fork->time = TIME_NONE;

    Making making = {.plant = plant, .fork = fork, .why = why};
    const Err err = make(&making, twins, count);
    mem_free(making.position);
    if (err)
        fork_destroy(fork);
    else
        *out = fork;
    return err;
}

void fork_fill(Fork *fork, int64_t time)
{
    double *cell = fork->cells;
    fork->time = time;
    fork->lesson_count = 0;
    for (uint32_t i = 0; i < fork->twin_count; i++) {
        ForkTwin *twin = &fork->twins[i];
        twin->stands = plant_is_quarantined(fork->plant, twin->twin);
        for (uint16_t column = 0; column < twin->model->column_count; column++)
            *cell++ = *plant_cell(fork->plant, twin->twin, column);
    }
}

Err fork_take(const Plant *plant, int64_t time, const uint32_t *twins, size_t count, Fork **out, ErrText *why)
{
    const Err err = fork_plan(plant, twins, count, out, why);
    if (!err)
        fork_fill(*out, time);
    return err;
}

void fork_tell(Fork *fork, ForkTold *told, const void *self)
{
    for (uint32_t i = 0; i < fork->twin_count; i++) {
        const ForkTwin *twin = &fork->twins[i];
        double *cells = &fork->cells[twin->cells - fork->cells];
        for (uint16_t k = 0; k < twin->model->channel_count; k++) {
            const Channel *channel = &twin->model->channels[k];
            const double value = channel->kind == CHANNEL_ACTUATOR ? told(self, plant_tag(fork->plant, twin->twin, k)) : NAN;
            if (!isnan(value))
                cells[channel->column] = value;
        }
    }
}

void fork_destroy(Fork *fork)
{
    if (!fork)
        return;
    arena_fini(&fork->arena);
    mem_free(fork);
}

int64_t fork_find(const Fork *fork, uint32_t twin)
{
    for (uint32_t i = 0; i < fork->twin_count; i++)
        if (fork->twins[i].twin == twin)
            return i;
    return -1;
}
