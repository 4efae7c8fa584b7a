#include "plant/bindings.h"
#include "plant/connect.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void plant_destroy(Plant *plant)
{
    if (!plant)
        return;
    const size_t threads = plant->workers ? workers_count(plant->workers) : 0;
    for (size_t i = 0; i < threads && plant->scratch; i++)
        scratch_fini(&plant->scratch[i]);
    for (size_t i = 0; i < threads && plant->shadow; i++)
        mem_free(plant->shadow[i]);
    for (uint32_t i = 0; i < plant->block_count; i++)
        mem_free(plant->blocks[i].columns);
    mem_free(plant->blocks);
    for (uint32_t i = 0; i < plant->model_count; i++)
        model_destroy(plant->models[i]);
    if (plant->workers)
        workers_destroy(plant->workers);
    if (plant->tags)
        tags_destroy(plant->tags);
    bindings_forget(plant);
    script_destroy(plant->script);
    arena_fini(&plant->arena);
    mem_free(plant);
}

/* A bit for every lane in which one of the columns is not finite. */
static uint64_t find_broken(const double *columns, size_t count)
{
    double sum[LANES] = {0};
    for (size_t c = 0; c < count; c++)
        for (size_t lane = 0; lane < LANES; lane++)
            sum[lane] += columns[c * LANES + lane] * 0.0;  // 0 for all that is finite, NaN for the rest

    uint64_t broken = 0;
    for (size_t lane = 0; lane < LANES; lane++)
        broken |= (uint64_t)(sum[lane] != 0.0) << lane;
    return broken;
}

/* Put the lanes of `lanes` back as they were in `shadow`. */
static void put_back(double *columns, const double *shadow, size_t count, uint64_t lanes)
{
    bool back[LANES];
    for (size_t lane = 0; lane < LANES; lane++)
        back[lane] = lanes >> lane & 1;
    for (size_t c = 0; c < count; c++)
        for (size_t lane = 0; lane < LANES; lane++)
            columns[c * LANES + lane] = back[lane] ? shadow[c * LANES + lane] : columns[c * LANES + lane];
}

/* Keep what a filter may move of a block: mean, covariance and memories, and what else it has. */
static void keep(const Plant *plant, const Block *block, size_t thread)
{
    const Model *model = block->model;
    const size_t first = (size_t)model->moved_count * LANES;
    double *shadow = plant->shadow[thread];
    memcpy(shadow, block->columns, first * sizeof *shadow);
    memcpy(&shadow[first], block_column(block, model->spread), (size_t)model->spread_count * LANES * sizeof *shadow);
}

/* Only `lanes` have moved, those excepted that broke. */
static void confine(const Plant *plant, Block *block, uint64_t lanes, size_t thread)
{
    const Model *model = block->model;
    const double *shadow = plant->shadow[thread];
    double *spread = block_column(block, model->spread);
    block->quarantined |= (find_broken(block->columns, model->moved_count) | find_broken(spread, model->spread_count)) & lanes;
    if (block->quarantined | ~lanes) {
        put_back(block->columns, shadow, model->moved_count, block->quarantined | ~lanes);
        put_back(spread, &shadow[(size_t)model->moved_count * LANES], model->spread_count, block->quarantined | ~lanes);
    }
}

void plant_correct(Plant *plant, uint32_t index, const Sensor *sensor, size_t thread)
{
    Block *block = &plant->blocks[index];
    keep(plant, block, thread);
    model_correct(block->model, sensor, block->columns, &plant->scratch[thread]);
    confine(plant, block, ~UINT64_C(0), thread);
}

void plant_settle(Plant *plant, uint32_t index, size_t thread)
{
    const Block *block = &plant->blocks[index];
    model_settle(block->model, block->columns);
    if (block->model->derive.length > 0)
        program_run(&block->model->derive, block->columns, &plant->scratch[thread]);
}

/* A stage for the workers. */
typedef struct StageRun {
    Plant *plant;
    const PlantPart *part;
    uint32_t first, count;
} StageRun;

enum { CONNECTIONS_AT_ONCE = 1024, BLOCKS_AT_ONCE = 16 };  // by one thread

static void carry_some(void *context, size_t index, size_t thread)
{
    const StageRun *run = context;
    const uint32_t from = (uint32_t)index * CONNECTIONS_AT_ONCE, left = run->count - from;
    (void)thread;
    connect_carry(run->plant, &run->part->connections[run->first + from], left < CONNECTIONS_AT_ONCE ? left : CONNECTIONS_AT_ONCE);
}

static void carry(Plant *plant, const PlantPart *part, uint32_t first, uint32_t count)
{
    StageRun run = {plant, part, first, count};
    if (count > 0)
        workers_run(plant->workers, workers_parts(count, CONNECTIONS_AT_ONCE), carry_some, &run);
}

static void take_turn(Plant *plant, const Turn *turn, size_t thread)
{
    Block *block = &plant->blocks[turn->block];
    keep(plant, block, thread);
    if (plant->free_running)
        program_run(&block->model->move, block->columns, &plant->scratch[thread]);
    else
        model_predict(block->model, block->columns, &plant->scratch[thread]);
    confine(plant, block, turn->lanes, thread);
    if (turn->derives)
        program_run(&block->model->derive, block->columns, &plant->scratch[thread]);
}

static void take_some(void *context, size_t index, size_t thread)
{
    const StageRun *run = context;
    const size_t from = index * BLOCKS_AT_ONCE;
    for (size_t i = from; i < from + BLOCKS_AT_ONCE && i < run->count; i++)
        take_turn(run->plant, &run->part->turns[run->first + i], thread);
}

static void prepare_block(void *context, size_t index, size_t thread)
{
    Plant *plant = context;
    program_run(&plant->blocks[index].model->prepare, plant->blocks[index].columns, &plant->scratch[thread]);
}

static void turn_block(void *context, size_t index, size_t thread)
{
    const StageRun *run = context;
    Block *block = &run->plant->blocks[run->part->blocks[index]];
    if (block->model->delay_count > 0)
        delay_turn(block->model, block->columns, ~block->quarantined, &run->plant->scratch[thread]);
}

static bool has_delays(const Plant *plant)
{
    for (uint32_t i = 0; i < plant->model_count; i++)
        if (plant->models[i]->delay_count > 0)
            return true;
    return false;
}

void plant_start(Plant *plant)
{
    for (uint32_t i = 0; i < plant->block_count; i++)
        delay_start(plant->blocks[i].model, plant->blocks[i].columns, &plant->scratch[0]);
    plant_derive(plant);
}

static void report_failure(const Plant *plant, const Block *block, uint64_t failed, const char *known, const ErrText *why)
{
    if (strcmp(known, why->text) == 0)
        return;
    log_write(LOG_WARNING, "plant", "%s stands still: its step function failed: %s (%llu of model \"%s\" so far)",
              plant->twins[block->twin[__builtin_ctzll(failed)]].name, why->text, (unsigned long long)procedure_failures(block->model), block->model->name);
}

/* Step functions are called in one order and by one thread: what a script keeps to itself is then the same on any number of threads. */
static void run_procedures(Plant *plant, const PlantPart *part, const Stage *stage)
{
    for (uint32_t i = stage->first_turn; i < stage->first_turn + stage->turn_count; i++) {
        Block *block = &plant->blocks[part->turns[i].block];
        if (!block->model->procedure)
            continue;
        ErrText why, known = {""};
        if (procedure_failure(block->model))
            snprintf(known.text, sizeof known.text, "%s", procedure_failure(block->model));
        const uint64_t failed = procedure_run(block->model, block->columns, part->turns[i].lanes & block_lanes(block) & ~block->quarantined, &why);
        block->failed |= failed;
        if (failed)
            report_failure(plant, block, failed, known.text, &why);
    }
}

void plant_advance_part(Plant *plant, const PlantPart *part)
{
    StageRun all = {.plant = plant, .part = part};
    if (has_delays(plant))
        workers_run(plant->workers, part->block_count, turn_block, &all);  // before inputs change: delays follow the end of the last tick
    carry(plant, part, 0, part->delayed_count);
    for (uint32_t i = 0; i < part->stage_count; i++) {
        const Stage *stage = &part->stages[i];
        carry(plant, part, stage->first_connection, stage->connection_count);
        run_procedures(plant, part, stage);
        StageRun run = {plant, part, stage->first_turn, stage->turn_count};
        workers_run(plant->workers, workers_parts(run.count, BLOCKS_AT_ONCE), take_some, &run);
    }
}

void plant_advance(Plant *plant)
{
    plant_advance_part(plant, &plant->whole);
}

static void derive_some(void *context, size_t index, size_t thread)
{
    Plant *plant = context;
    const size_t from = index * BLOCKS_AT_ONCE;
    for (size_t i = from; i < from + BLOCKS_AT_ONCE && i < plant->block_count; i++)
        if (plant->blocks[i].model->derive.length > 0)
            program_run(&plant->blocks[i].model->derive, plant->blocks[i].columns, &plant->scratch[thread]);
}

void plant_derive(Plant *plant)
{
    workers_run(plant->workers, workers_parts(plant->block_count, BLOCKS_AT_ONCE), derive_some, plant);
}

uint64_t block_lanes(const Block *block)
{
    return block->lanes >= LANES ? ~UINT64_C(0) : (UINT64_C(1) << block->lanes) - 1;
}

void plant_prepare(Plant *plant)
{
    workers_run(plant->workers, plant->block_count, prepare_block, plant);
}

uint64_t plant_quarantined(const Plant *plant)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < plant->block_count; i++)
        count += (uint64_t)__builtin_popcountll(plant->blocks[i].quarantined & block_lanes(&plant->blocks[i]));
    return count;
}

int64_t plant_find(const Plant *plant, const char *name)
{
    return tags_find_asset(plant->tags, name);
}

const Model *plant_model(const Plant *plant, uint32_t twin)
{
    return plant->blocks[plant->twins[twin].block].model;
}

double *plant_cell(const Plant *plant, uint32_t twin, uint16_t column)
{
    const Twin *t = &plant->twins[twin];
    assert(column < plant->blocks[t->block].model->column_count);
    return &plant->blocks[t->block].columns[(size_t)column * LANES + t->lane];
}

TagId plant_tag(const Plant *plant, uint32_t twin, uint16_t channel)
{
    return plant->twins[twin].first_tag + channel;
}

int64_t plant_tick(const Plant *plant, int64_t time)
{
    const int64_t tick = time / plant->step_ns;
    return tick * plant->step_ns > time ? tick - 1 : tick;  // times before 1970 round down too
}

Place plant_place(const Plant *plant, TagId tag)
{
    const TagPlace place = tags_place(plant->tags, tag);
    return (Place){place.asset, place.channel};
}

static const Channel *channel_of(const Plant *plant, TagId tag)
{
    const Place place = plant_place(plant, tag);
    return &plant_model(plant, place.twin)->channels[place.channel];
}

bool plant_is_fed(const Plant *plant, TagId tag)
{
    return channel_of(plant, tag)->kind == CHANNEL_INPUT && tags_get(plant->tags, tag).role == TAG_NOT_BOUND;
}

double plant_value(const Plant *plant, TagId tag)
{
    return *plant_cell(plant, plant_place(plant, tag).twin, channel_of(plant, tag)->column);
}

double plant_sd(const Plant *plant, TagId tag)
{
    const uint16_t variance = channel_of(plant, tag)->variance;
    return variance == COLUMN_NONE ? NAN : sqrt(*plant_cell(plant, plant_place(plant, tag).twin, variance));
}

double plant_known_sd(const Plant *plant, Place place)
{
    const double sd = plant->known_sds ? plant->known_sds[plant_tag(plant, place.twin, place.channel)] : NAN;
    return isnan(sd) ? plant_model(plant, place.twin)->channels[place.channel].initial_sd : sd;
}

void plant_set(Plant *plant, TagId tag, double value)
{
    const Channel *channel = channel_of(plant, tag);
    const uint32_t twin = plant_place(plant, tag).twin;
    *plant_cell(plant, twin, channel->column) = value;
    if (channel->kind == CHANNEL_PARAMETER)
        prepare_block(plant, plant->twins[twin].block, 0);
}

bool plant_is_quarantined(const Plant *plant, uint32_t twin)
{
    const Twin *t = &plant->twins[twin];
    return plant->blocks[t->block].quarantined >> t->lane & 1;
}

void plant_push(const Plant *plant, const char *key)
{
    char name[32];
    snprintf(name, sizeof name, "pollux.%s", key);
    lua_getfield(script_lua(plant->script), LUA_REGISTRYINDEX, name);
}
