/* lineage.c -- what a snapshot says of its plant, written and read; then twins are found by name, and their cells taken over. */
#include "plant/lineage.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/filter.h"
#include "plant/snapshot.h"

enum { CHANNEL_NONE = UINT16_MAX };

/* A channel as a snapshot describes it. */
typedef struct AncestorChannel {
    const char *name;
    const Unit *unit;  // NULL when it cannot be spelt here
    ChannelKind kind;
    uint16_t column;
} AncestorChannel;

typedef struct AncestorModel {
    uint64_t print;  // see print_of
    uint16_t kept_count, covariance, state_count, channel_count;
    AncestorChannel *channels;
} AncestorModel;

typedef struct Ancestor {
    const char *name;
    uint32_t block, lane, model;
    TagId first_tag;
    uint32_t heir;     // of ours, or TWIN_NONE
    TagId heir_tag;    // of its channel 0
    uint32_t kinship;  // of their models, where it has an heir
} Ancestor;

typedef struct Kinship {
    uint32_t from;
    const Model *to;
    bool same;  // the same model: all that is kept fits
    uint16_t states_kept;
    uint16_t heir[MODEL_CHANNELS_MAX];  // by channel of `from`: a channel of `to`, or CHANNEL_NONE
} Kinship;

/* What goes into a description as it is. */
typedef struct PlantFacts {
    double step;
    uint32_t clock, models, blocks, twins;
} PlantFacts;

typedef struct ModelFacts {
    uint64_t print;
    uint16_t kept_count, covariance, state_count, channel_count;
} ModelFacts;

typedef struct ChannelFacts {
    uint16_t kind, column;
} ChannelFacts;

typedef struct TwinFacts {
    uint32_t block, lane;
} TwinFacts;

// --- shapes --------------------------------------------------------------------------------------------------------

static uint64_t hash_text(uint64_t seed, const char *text)
{
    return hash_bytes(seed, text, strlen(text) + 1);
}

static uint64_t hash_channel(uint64_t hash, const Channel *channel)
{
    const double numbers[] = {channel->min, channel->max};
    const uint16_t places[] = {channel->kind, channel->kind == CHANNEL_OUTPUT ? 0 : channel->column};
    return hash_bytes(hash_bytes(hash_text(hash, channel->name), numbers, sizeof numbers), places, sizeof places);
}

static uint64_t hash_sensor(uint64_t hash, const Sensor *sensor)
{
    const uint64_t facts[] = {sensor->channel, sensor->memory, sensor->measure.hash, sensor->correct.hash};
    return hash_bytes(hash_bytes(hash, facts, sizeof facts), &sensor->every, sizeof sensor->every);
}

static uint64_t hash_delay(uint64_t hash, const Delay *delay)
{
    const uint64_t facts[] = {delay->steps, delay->length, delay->ring};
    return hash_bytes(hash_bytes(hash, facts, sizeof facts), &delay->part, sizeof delay->part);
}

/* What an ensemble does is not all in programs. */
static uint64_t hash_ensemble(uint64_t hash, const Model *model)
{
    const double facts[] = {model->filter.members, model->filter.inflation, model->filter.localisation, model->filter.cyclic, model->filter.mixing};
    hash = hash_bytes(hash_bytes(hash, facts, sizeof facts), &model->move.hash, sizeof model->move.hash);
    for (uint16_t i = 0; i < model->channel_count; i++)
        hash = hash_bytes(hash, &model->channels[i].noise, sizeof model->channels[i].noise);
    return hash;
}

/* Models of one print lay out what they keep alike, and move, measure and judge it alike. */
static uint64_t print_of(const Model *model)
{
    const uint64_t facts[] = {model->kept_count, model->moved_count, model->covariance, model->parted, model->frozen, model->memory, model->state_count,
                              model->predict.hash, model->record.hash, model->source};
    const double judging[] = {model->divergence.settle, model->divergence.whiteness, model->divergence.false_alarms};
    uint64_t print = hash_bytes(hash_bytes(0, facts, sizeof facts), judging, sizeof judging);
    for (uint16_t i = 0; i < model->channel_count; i++)
        print = hash_channel(print, &model->channels[i]);
    for (uint16_t i = 0; i < model->sensor_count; i++)
        print = hash_sensor(print, &model->sensors[i]);
    for (uint16_t i = 0; i < model->delay_count; i++)
        print = hash_delay(print, &model->delays[i]);
    return model->filter.members ? hash_ensemble(print, model) : print;
}

/* The values of parameters, which a script may change without anything else. */
static uint64_t hash_parameters(uint64_t hash, const Block *block)
{
    for (uint16_t i = 0; i < block->model->channel_count; i++)
        if (block->model->channels[i].kind == CHANNEL_PARAMETER)
            hash = hash_bytes(hash, &block->columns[(size_t)block->model->channels[i].column * LANES], block->lanes * sizeof(double));
    return hash;
}

uint64_t plant__shape(const Plant *plant)
{
    uint64_t shape = hash_bytes(0, &plant->step, sizeof plant->step);
    for (uint32_t i = 0; i < plant->block_count; i++) {
        const Block *block = &plant->blocks[i];
        const uint64_t facts[] = {print_of(block->model), block->lanes};
        shape = hash_parameters(hash_bytes(hash_text(shape, block->model->name), facts, sizeof facts), block);
        for (uint16_t k = 0; k < block->model->alarm_count; k++)
            shape = hash_text(shape, block->model->alarms[k].name);
    }
    for (uint32_t i = 0; i < plant->twin_count; i++)
        shape = hash_text(shape, plant->twins[i].name);
    return shape;
}

// --- writing -------------------------------------------------------------------------------------------------------

/* Where a description goes: nowhere, when only its size is asked for. */
typedef struct Writer {
    unsigned char *out;  // NULL: only counts
    size_t size;
} Writer;

static void put(Writer *writer, const void *bytes, size_t size)
{
    if (writer->out)
        memcpy(writer->out + writer->size, bytes, size);
    writer->size += size;
}

/* A text with its 0, behind its length, so that it is read where it lies. */
static void put_text(Writer *writer, const char *text)
{
    const uint32_t length = (uint32_t)strlen(text);
    put(writer, &length, sizeof length);
    put(writer, text, length + 1);
}

static void put_model(Writer *writer, const Model *model)
{
    const ModelFacts facts = {print_of(model), model->kept_count, model->covariance, model->state_count, model->channel_count};
    put(writer, &facts, sizeof facts);
    for (uint16_t i = 0; i < model->channel_count; i++) {
        const Channel *channel = &model->channels[i];
        const ChannelFacts channel_facts = {(uint16_t)channel->kind, channel->column};
        put(writer, &channel_facts, sizeof channel_facts);
        put_text(writer, channel->name);
        put_text(writer, unit_name(channel->unit));
    }
}

static uint32_t number_of(const Plant *plant, const Model *model)
{
    uint32_t number = 0;
    while (plant->models[number] != model)
        number++;
    return number;
}

size_t plant__describe(const Plant *plant, unsigned char *out)
{
    Writer writer = {.out = out};
    const PlantFacts facts = {plant->step, (uint32_t)plant->declared_clock, plant->model_count, plant->block_count, plant->twin_count};
    put(&writer, &facts, sizeof facts);
    put_text(&writer, plant->name);
    for (uint32_t i = 0; i < plant->model_count; i++)
        put_model(&writer, plant->models[i]);
    for (uint32_t i = 0; i < plant->block_count; i++) {
        const uint32_t model = number_of(plant, plant->blocks[i].model);
        put(&writer, &model, sizeof model);
    }
    for (uint32_t i = 0; i < plant->twin_count; i++) {
        const TwinFacts twin = {plant->twins[i].block, plant->twins[i].lane};
        put(&writer, &twin, sizeof twin);
        put_text(&writer, plant->twins[i].name);
    }
    return writer.size;
}

// --- reading -------------------------------------------------------------------------------------------------------

typedef struct Reader {
    const unsigned char *at;
    size_t left;
    const Plant *plant;
    Lineage *out;
    ErrText *why;
} Reader;

static Err damaged(const Reader *reader)
{
    return err_set(reader->why, ERR_PARSE, "the snapshot of plant \"%s\" is damaged", reader->plant->name);
}

static Err out_of_memory(const Reader *reader)
{
    return err_set(reader->why, ERR_MEMORY, "no memory to read the snapshot of plant \"%s\"", reader->plant->name);
}

static bool take(Reader *reader, void *out, size_t size)
{
    if (size > reader->left)
        return false;
    memcpy(out, reader->at, size);
    reader->at += size;
    reader->left -= size;
    return true;
}

static bool take_text(Reader *reader, const char **out)
{
    uint32_t length;
    if (!take(reader, &length, sizeof length) || length >= reader->left || reader->at[length] != 0)
        return false;
    *out = (const char *)reader->at;
    reader->at += length + 1;
    reader->left -= length + 1;
    return true;
}

/* What is kept of a channel lies in the columns that are. */
static bool is_kept(ChannelKind kind)
{
    return kind != CHANNEL_OUTPUT;
}

static Err read_channel(Reader *reader, const AncestorModel *model, AncestorChannel *out)
{
    ChannelFacts facts;
    const char *unit;
    if (!take(reader, &facts, sizeof facts) || !take_text(reader, &out->name) || !take_text(reader, &unit))
        return damaged(reader);
    if (facts.kind > CHANNEL_ACTUATOR || (is_kept(facts.kind) && facts.column >= model->kept_count))
        return damaged(reader);
    out->kind = (ChannelKind)facts.kind;
    out->column = facts.column;
    if (unit_parse(unit, &out->unit, NULL))
        out->unit = NULL;
    return ERR_OK;
}

static Err read_model(Reader *reader, AncestorModel *out)
{
    ModelFacts facts;
    if (!take(reader, &facts, sizeof facts) || facts.channel_count > MODEL_CHANNELS_MAX || facts.state_count > facts.channel_count)
        return damaged(reader);
    *out = (AncestorModel){facts.print, facts.kept_count, facts.covariance, facts.state_count, facts.channel_count, NULL};
    if (facts.covariance + (size_t)facts.state_count * (facts.state_count + 1u) / 2 > facts.kept_count)
        return damaged(reader);
    out->channels = arena_new(&reader->out->arena, AncestorChannel, facts.channel_count + 1u);
    Err err = out->channels ? ERR_OK : out_of_memory(reader);
    for (uint16_t i = 0; i < facts.channel_count && !err; i++)
        err = read_channel(reader, out, &out->channels[i]);
    return err;
}

static Err read_models(Reader *reader, uint32_t count)
{
    Lineage *out = reader->out;
    if (count > reader->left)
        return damaged(reader);
    out->models = arena_new(&out->arena, AncestorModel, count + 1u);
    Err err = out->models ? ERR_OK : out_of_memory(reader);
    for (; out->model_count < count && !err; out->model_count++)
        err = read_model(reader, &out->models[out->model_count]);
    return err;
}

/* Which model each block has; where its columns lie is known behind the twins. */
static Err read_blocks(Reader *reader, uint32_t count, uint32_t *models)
{
    for (uint32_t i = 0; i < count; i++)
        if (!take(reader, &models[i], sizeof models[i]) || models[i] >= reader->out->model_count)
            return damaged(reader);
    reader->out->block_count = count;
    return ERR_OK;
}

static Err read_twins(Reader *reader, uint32_t count, const uint32_t *models)
{
    Lineage *out = reader->out;
    TagId next = 0;
    if (count > reader->left)
        return damaged(reader);
    out->twins = arena_new(&out->arena, Ancestor, count + 1u);
    if (!out->twins)
        return out_of_memory(reader);
    for (uint32_t i = 0; i < count; i++) {
        TwinFacts facts;
        Ancestor *twin = &out->twins[i];
        if (!take(reader, &facts, sizeof facts) || !take_text(reader, &twin->name) || facts.block >= out->block_count || facts.lane >= LANES)
            return damaged(reader);
        *twin = (Ancestor){.name = twin->name, .block = facts.block, .lane = facts.lane, .model = models[facts.block], .first_tag = next, .heir = TWIN_NONE};
        next += out->models[twin->model].channel_count;
        out->state_count += out->models[twin->model].state_count;
    }
    out->twins[count].first_tag = next;
    out->twin_count = count;
    return ERR_OK;
}

static Err find_columns(Reader *reader, const uint32_t *models)
{
    Lineage *out = reader->out;
    for (uint32_t i = 0; i < out->block_count; i++) {
        const size_t size = (size_t)out->models[models[i]].kept_count * LANES * sizeof(double) + sizeof(uint64_t);
        if (size > reader->left)
            return damaged(reader);
        out->blocks[i] = reader->at;
        reader->at += size;
        reader->left -= size;
    }
    return reader->left ? damaged(reader) : ERR_OK;
}

/* The same plant, whose ticks have the same numbers. */
static Err check_plant(const Reader *reader, const PlantFacts *facts, const char *name)
{
    const Plant *plant = reader->plant;
    if (strcmp(name, plant->name) != 0)
        return err_set(reader->why, ERR_RANGE, "%s: the script is of plant \"%s\" now, the state is of plant \"%s\"", plant->path, plant->name, name);
    if (facts->step != plant->step)
        return err_set(reader->why, ERR_RANGE, "%s: the step is %g s now and was %g s: ticks are numbered by it, so a plant cannot go on with another",
                       plant->path, plant->step, facts->step);
    if (facts->clock != (uint32_t)plant->declared_clock)
        return err_set(reader->why, ERR_RANGE, "%s: the clock has changed: a plant cannot go on by another", plant->path);
    return ERR_OK;
}

static Err read_description(Reader *reader)
{
    Lineage *out = reader->out;
    PlantFacts facts;
    const char *name;
    if (!take(reader, &facts, sizeof facts) || !take_text(reader, &name) || facts.blocks > reader->left)
        return damaged(reader);
    Err err = check_plant(reader, &facts, name);
    if (err)
        return err;
    uint32_t *models = arena_new(&out->arena, uint32_t, facts.blocks + 1u);
    out->blocks = arena_new(&out->arena, const unsigned char *, facts.blocks + 1u);
    if (!models || !out->blocks)
        return out_of_memory(reader);
    if ((err = read_models(reader, facts.models)) || (err = read_blocks(reader, facts.blocks, models)) || (err = read_twins(reader, facts.twins, models)))
        return err;
    return find_columns(reader, models);
}

// --- kinship -------------------------------------------------------------------------------------------------------

/* What a state was may be tracked now, and the other way round; everything else stays what it is. */
static bool is_alike(ChannelKind from, ChannelKind to)
{
    const bool from_filter = from == CHANNEL_STATE || from == CHANNEL_TRACKED, to_filter = to == CHANNEL_STATE || to == CHANNEL_TRACKED;
    return from == to || (from_filter && to_filter);
}

static uint16_t find_heir(const AncestorChannel *channel, const Model *model)
{
    const int index = model_find(model, channel->name);
    if (index < 0 || !channel->unit || !is_alike(channel->kind, model->channels[index].kind) || !unit_converts(channel->unit, model->channels[index].unit))
        return CHANNEL_NONE;
    return (uint16_t)index;
}

static void compare(Kinship *kinship, const AncestorModel *from)
{
    kinship->same = from->print == print_of(kinship->to) && from->channel_count == kinship->to->channel_count && from->kept_count == kinship->to->kept_count;
    for (uint16_t i = 0; i < from->channel_count; i++) {
        kinship->heir[i] = find_heir(&from->channels[i], kinship->to);
        kinship->same &= kinship->heir[i] == i;
        kinship->states_kept += i < from->state_count && kinship->heir[i] != CHANNEL_NONE;
    }
}

/* Twins of one model mostly go on as twins of one model, so there are few. */
static Kinship *find_kinship(Lineage *lineage, uint32_t from, const Model *to)
{
    for (size_t i = 0; i < lineage->kinship_count; i++)
        if (lineage->kinships[i].from == from && lineage->kinships[i].to == to)
            return &lineage->kinships[i];
    Kinship *kinship = &lineage->kinships[lineage->kinship_count++];
    *kinship = (Kinship){.from = from, .to = to};
    compare(kinship, &lineage->models[from]);
    return kinship;
}

static Err find_heirs(Reader *reader)
{
    Lineage *out = reader->out;
    const size_t most = (size_t)out->model_count * reader->plant->model_count;
    out->kinships = arena_new(&out->arena, Kinship, most + 1);
    if (!out->kinships)
        return out_of_memory(reader);
    for (uint32_t i = 0; i < out->twin_count; i++) {
        Ancestor *twin = &out->twins[i];
        const int64_t heir = plant_find(reader->plant, twin->name);
        if (heir < 0) {
            out->same = false;
            continue;
        }
        const Kinship *kinship = find_kinship(out, twin->model, plant_model(reader->plant, (uint32_t)heir));
        twin->heir = (uint32_t)heir;
        twin->heir_tag = plant_tag(reader->plant, twin->heir, 0);
        twin->kinship = (uint32_t)(kinship - out->kinships);
        out->twins_kept++;
        out->states_kept += kinship->states_kept;
        out->same &= kinship->same;
    }
    return ERR_OK;
}

Err lineage_read(Lineage *out, const Plant *plant, const void *bytes, size_t size, ErrText *why)
{
    *out = (Lineage){0};
    Reader reader = {bytes, size, plant, out, why};
    PlantSnapshotHead head;
    if (!take(&reader, &head, sizeof head) || head.form != SNAPSHOT_FORM)
        return err_set(why, ERR_PARSE, "the snapshot of plant \"%s\" is in a form that this Pollux does not know", plant->name);
    out->same = head.shape == plant->shape;
    Err err = read_description(&reader);
    if (!err)
        err = find_heirs(&reader);
    if (err)
        lineage_fini(out);
    return err;
}

void lineage_fini(Lineage *lineage)
{
    arena_fini(&lineage->arena);
    *lineage = (Lineage){0};
}

uint32_t lineage_twin(const Lineage *lineage, uint32_t twin)
{
    return twin < lineage->twin_count ? lineage->twins[twin].heir : TWIN_NONE;
}

const char *lineage_twin_name(const Lineage *lineage, uint32_t twin)
{
    assert(twin < lineage->twin_count);
    return lineage->twins[twin].name;
}

uint32_t lineage_tags(const Lineage *lineage)
{
    return lineage->twins[lineage->twin_count].first_tag;
}

/* The last twin whose tags begin at or before `tag`. */
static const Ancestor *ancestor_of(const Lineage *lineage, TagId tag)
{
    uint32_t low = 0, high = lineage->twin_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (lineage->twins[middle].first_tag <= tag)
            low = middle;
        else
            high = middle;
    }
    return &lineage->twins[low];
}

TagId lineage_tag(const Lineage *lineage, TagId tag)
{
    if (tag >= lineage_tags(lineage))
        return TAG_NONE;
    const Ancestor *twin = ancestor_of(lineage, tag);
    if (twin->heir == TWIN_NONE)
        return TAG_NONE;
    const uint16_t channel = lineage->kinships[twin->kinship].heir[tag - twin->first_tag];
    return channel == CHANNEL_NONE ? TAG_NONE : twin->heir_tag + channel;
}

// --- adopting ------------------------------------------------------------------------------------------------------

static double read_cell(const Lineage *lineage, const Ancestor *twin, uint16_t column)
{
    double value;
    memcpy(&value, lineage->blocks[twin->block] + ((size_t)column * LANES + twin->lane) * sizeof value, sizeof value);
    return value;
}

static bool was_quarantined(const Lineage *lineage, const Ancestor *twin)
{
    uint64_t lanes;
    memcpy(&lanes, lineage->blocks[twin->block] + (size_t)lineage->models[twin->model].kept_count * LANES * sizeof(double), sizeof lanes);
    return lanes >> twin->lane & 1;
}

static double project(const Channel *channel, double value)
{
    return channel->kind == CHANNEL_SENSOR ? value : fmin(fmax(value, channel->min), channel->max);
}

static bool is_adopted(ChannelKind kind)
{
    return kind == CHANNEL_STATE || kind == CHANNEL_TRACKED || kind == CHANNEL_INPUT || kind == CHANNEL_SENSOR || kind == CHANNEL_ACTUATOR;
}

static void adopt_values(const Lineage *lineage, const Ancestor *twin, Plant *plant)
{
    const Kinship *kinship = &lineage->kinships[twin->kinship];
    const AncestorModel *from = &lineage->models[twin->model];
    for (uint16_t i = 0; i < from->channel_count; i++) {
        if (kinship->heir[i] == CHANNEL_NONE || !is_adopted(from->channels[i].kind))
            continue;
        const Channel *channel = &kinship->to->channels[kinship->heir[i]];
        const double value = read_cell(lineage, twin, from->channels[i].column);
        if (isfinite(value))  // a sensor may have had no sample yet
            *plant_cell(plant, twin->heir, channel->column) = project(channel, value);
    }
}

/* The part of the covariance between states that are kept; what is new is independent of them. */
static void adopt_covariance(const Lineage *lineage, const Ancestor *twin, Plant *plant)
{
    const Kinship *kinship = &lineage->kinships[twin->kinship];
    const AncestorModel *from = &lineage->models[twin->model];
    for (uint16_t i = 0; i < from->state_count; i++)
        for (uint16_t j = i; j < from->state_count; j++) {
            const uint16_t a = kinship->heir[i], b = kinship->heir[j];
            if (a == CHANNEL_NONE || b == CHANNEL_NONE)
                continue;
            const uint16_t column = (uint16_t)(from->covariance + filter_packed(from->state_count, i, j));
            *plant_cell(plant, twin->heir, model_covariance(kinship->to, a, b)) = read_cell(lineage, twin, column);
        }
}

/* All but the parameters, which are those of the script. Returns whether these are the same as before. */
static bool adopt_columns(const Lineage *lineage, const Ancestor *twin, Plant *plant)
{
    const Model *model = lineage->kinships[twin->kinship].to;
    double declared[MODEL_CHANNELS_MAX];
    for (uint16_t i = 0; i < model->channel_count; i++)
        declared[i] = *plant_cell(plant, twin->heir, model->channels[i].column);
    for (uint16_t c = 0; c < model->kept_count; c++)
        *plant_cell(plant, twin->heir, c) = read_cell(lineage, twin, c);

    bool same = true;
    for (uint16_t i = 0; i < model->channel_count; i++) {
        double *cell = plant_cell(plant, twin->heir, model->channels[i].column);
        if (model->channels[i].kind != CHANNEL_PARAMETER)
            continue;
        same &= *cell == declared[i];
        *cell = declared[i];
    }
    return same;
}

static void adopt_whole(const Lineage *lineage, const Ancestor *twin, Plant *plant)
{
    const bool same = adopt_columns(lineage, twin, plant);
    const Twin *heir = &plant->twins[twin->heir];
    if (same && was_quarantined(lineage, twin))  // other parameters may be what it needed
        plant->blocks[heir->block].quarantined |= UINT64_C(1) << heir->lane;
}

static bool goes_on_whole(const Lineage *lineage, const Ancestor *twin)
{
    return twin->heir != TWIN_NONE && lineage->kinships[twin->kinship].same;
}

void lineage_adopt(const Lineage *lineage, Plant *plant)
{
    for (uint32_t i = 0; i < lineage->twin_count; i++) {
        const Ancestor *twin = &lineage->twins[i];
        if (twin->heir == TWIN_NONE || goes_on_whole(lineage, twin))
            continue;
        adopt_values(lineage, twin, plant);
        adopt_covariance(lineage, twin, plant);
    }

    // where the model has changed, delays are filled with what there is now; where it has not, they go on
    plant_prepare(plant);
    plant_start(plant);
    for (uint32_t i = 0; i < lineage->twin_count; i++)
        if (goes_on_whole(lineage, &lineage->twins[i]))
            adopt_whole(lineage, &lineage->twins[i], plant);
    plant_derive(plant);
}
