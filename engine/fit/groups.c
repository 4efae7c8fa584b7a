#include "fit/inside.h"

#include <stdlib.h>
#include <string.h>

// --- groups --------------------------------------------------------------------------------------------------------

static size_t first_sensor(const Plant *plant, const Model *model)
{
    size_t first = 0;
    for (uint32_t i = 0; plant->models[i] != model; i++)
        first += plant->models[i]->sensor_count;
    return first;
}

static uint32_t root_of(uint32_t *parent, uint32_t twin)
{
    while (parent[twin] != twin)
        twin = parent[twin] = parent[parent[twin]];
    return twin;
}

/* Twins that are connected have one root. */
static void join(const Plant *plant, uint32_t *parent)
{
    for (uint32_t i = 0; i < plant->twin_count; i++)
        parent[i] = i;
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const uint32_t a = root_of(parent, plant->connections[i].from.twin), b = root_of(parent, plant->connections[i].to.twin);
        parent[a > b ? a : b] = a > b ? b : a;
    }
}

/* What a twin's programs must follow: unknowns, and inputs that others feed; and which tracked parameters stand still. */
static void mark_varying(const CourseDef *def, uint32_t twin, Kind *kind)
{
    const Model *model = plant_model(def->plant, twin);
    for (size_t u = 0; u < def->unknown_count; u++)
        for (uint32_t p = 0; p < def->unknowns[u].place_count; p++) {
            const Place place = def->unknowns[u].places[p];
            if (place.twin != twin)
                continue;
            kind->varies[place.channel] = true;
            if (model->channels[place.channel].kind == CHANNEL_TRACKED)
                kind->held[place.channel] = true;
        }
    for (uint32_t i = 0; i < def->plant->connection_count; i++)
        if (def->plant->connections[i].to.twin == twin)
            kind->varies[def->plant->connections[i].to.channel] = true;
}

/* Twins of one model of which the same is sought share their programs. */
static Err find_tangent(Course *course, uint32_t twin, const Tangent **out, ErrText *why)
{
    const Model *model = plant_model(course->def.plant, twin);
    Kind kind = {0};
    mark_varying(&course->def, twin, &kind);
    for (size_t i = 0; i < course->kind_count; i++)
        if (course->kinds[i].tangent->model == model && memcmp(course->kinds[i].varies, kind.varies, sizeof kind.varies) == 0 &&
            memcmp(course->kinds[i].held, kind.held, sizeof kind.held) == 0) {
            *out = course->kinds[i].tangent;
            return ERR_OK;
        }

    Kind *kinds = mem_grow(course->kinds, course->kind_count * sizeof kind, (course->kind_count + 1) * sizeof kind);
    if (!kinds)
        return out_of_memory(why);
    course->kinds = kinds;
    const TangentDef def = {.varies = course->def.values_only ? NULL : kind.varies, .held = kind.held, .simulates = course->def.error == FIT_SIMULATION};
    const Err err = tangent_create(model, &def, &kind.tangent, why);
    if (err)
        return err;
    kinds[course->kind_count++] = kind;
    *out = kind.tangent;
    return ERR_OK;
}

static int by_stage(const void *a, const void *b)
{
    const Member *x = a, *y = b;
    return x->stage != y->stage ? (x->stage > y->stage) - (x->stage < y->stage) : (x->twin > y->twin) - (x->twin < y->twin);
}

/* The connections of a group, in the order in which a tick carries them. */
static Err lay_pipes(Course *course, Group *group, const uint32_t *member_of, ErrText *why)
{
    const Plant *plant = course->def.plant;
    for (uint32_t i = 0; i < plant->connection_count; i++)
        group->pipe_count += member_of[plant->connections[i].to.twin] != NO_MEMBER;
    group->pipes = arena_new(&course->arena, Pipe, group->pipe_count + 1);
    if (!group->pipes)
        return out_of_memory(why);

    uint32_t count = 0;
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const Connection *connection = &plant->connections[i];
        if (member_of[connection->to.twin] == NO_MEMBER)
            continue;
        group->pipes[count++] = (Pipe){.from = member_of[connection->from.twin],
                                       .to = member_of[connection->to.twin],
                                       .min = connection->min,
                                       .max = connection->max,
                                       .from_column = plant_model(plant, connection->from.twin)->channels[connection->from.channel].column,
                                       .to_column = plant_model(plant, connection->to.twin)->channels[connection->to.channel].column};
        group->members[member_of[connection->from.twin]].feeds = true;
        group->delayed_count += connection->delayed;
    }
    return ERR_OK;
}

static Err place_unknowns(Course *course, Group *group, const uint32_t *member_of, ErrText *why)
{
    const CourseDef *def = &course->def;
    for (int pass = 0; pass < 2; pass++) {
        if (pass && !(group->parts = arena_new(&course->arena, Part, group->part_count + 1)))
            return out_of_memory(why);
        group->part_count = 0;
        for (size_t u = 0; u < def->unknown_count; u++)
            for (uint32_t p = 0; p < def->unknowns[u].place_count; p++) {
                const Place place = def->unknowns[u].places[p];
                if (member_of[place.twin] == NO_MEMBER)
                    continue;
                if (pass)
                    group->parts[group->part_count] = (Part){member_of[place.twin], (uint16_t)u, place.channel};
                group->part_count++;
            }
    }
    return ERR_OK;
}

static Err fill_members(Course *course, Group *group, ErrText *why)
{
    Err err = ERR_OK;
    for (uint32_t i = 0; i < group->member_count && !err; i++) {
        Member *member = &group->members[i];
        err = find_tangent(course, member->twin, &member->tangent, why);
        member->first_sensor = first_sensor(course->def.plant, plant_model(course->def.plant, member->twin));
        member->offset = group->room;
        if (!err)
            group->room += (size_t)member->tangent->column_count * LANES;
    }
    return err;
}

/* The group of all twins below `root`; `member_of` is the plant's, NO_MEMBER for all others. */
static Err make_group(Course *course, uint32_t root, uint32_t *parent, uint32_t *member_of, ErrText *why)
{
    const Plant *plant = course->def.plant;
    Group *group = &course->groups[course->group_count++];
    for (uint32_t twin = 0; twin < plant->twin_count; twin++)
        group->member_count += root_of(parent, twin) == root;
    group->members = arena_new(&course->arena, Member, group->member_count);
    group->stretches = arena_new(&course->arena, Stretch, course->def.tape_count);
    if (!group->members || !group->stretches)
        return out_of_memory(why);

    uint32_t count = 0;
    for (uint32_t twin = 0; twin < plant->twin_count; twin++)
        if (root_of(parent, twin) == root)
            group->members[count++].twin = twin;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t c = 0; c < plant->connection_count; c++)
            if (plant->connections[c].to.twin == group->members[i].twin)
                group->members[i].stage = plant->connections[c].stage;
    qsort(group->members, count, sizeof *group->members, by_stage);

    for (uint32_t i = 0; i < count; i++)
        member_of[group->members[i].twin] = i;
    Err err = fill_members(course, group, why);
    if (!err)
        err = lay_pipes(course, group, member_of, why);
    return err ? err : place_unknowns(course, group, member_of, why);
}

Err course__make_groups(Course *course, uint32_t *group_of, uint32_t *members, ErrText *why)
{
    const CourseDef *def = &course->def;
    const uint32_t twins = def->plant->twin_count;
    uint32_t *parent = arena_new(&course->work, uint32_t, twins), *member_of = arena_new(&course->work, uint32_t, twins);
    bool *wanted = arena_new(&course->work, bool, twins);
    if (!parent || !member_of || !wanted)
        return out_of_memory(why);
    join(def->plant, parent);
    size_t count = 0;
    for (size_t u = 0; u < def->unknown_count; u++)
        for (uint32_t p = 0; p < def->unknowns[u].place_count; p++) {
            bool *const root = &wanted[root_of(parent, def->unknowns[u].places[p].twin)];
            count += !*root;
            *root = true;
        }
    course->groups = arena_new(&course->arena, Group, count + 1);
    if (!course->groups)
        return out_of_memory(why);

    Err err = ERR_OK;
    for (uint32_t twin = 0; twin < twins; twin++)
        group_of[twin] = member_of[twin] = NO_MEMBER;
    for (uint32_t root = 0; root < twins && !err; root++) {
        if (!wanted[root])
            continue;
        err = make_group(course, root, parent, member_of, why);
        const Group *group = &course->groups[course->group_count - 1];
        for (uint32_t i = 0; i < group->member_count && !err; i++) {
            const uint32_t twin = group->members[i].twin;
            group_of[twin] = (uint32_t)(course->group_count - 1);
            members[twin] = i;
            member_of[twin] = NO_MEMBER;
        }
    }
    return err;
}

// --- recordings ----------------------------------------------------------------------------------------------------

static int64_t tick_of(const Plant *plant, int64_t time)
{
    const int64_t tick = time / plant->step_ns;
    return tick * plant->step_ns > time ? tick - 1 : tick;
}

static uint16_t sensor_of(const Model *model, uint16_t channel)
{
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].channel == channel)
            return i;
    return NO_SENSOR;
}

/* By time, then tag [I4]; the samples of one tag have one time each. */
static int by_time(const void *a, const void *b)
{
    const Heard *x = a, *y = b;
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : (x->tag > y->tag) - (x->tag < y->tag);
}

static Err deal_samples(Course *course, size_t tape, const uint32_t *group_of, const uint32_t *members, ErrText *why)
{
    const Plant *plant = course->def.plant;
    const FitTape *from = &course->def.tapes[tape];
    for (size_t i = 0; i < from->count; i++) {
        const uint32_t group = group_of[plant_place(plant, from->samples[i].tag).twin];
        if (group != NO_MEMBER)
            course->groups[group].stretches[tape].count++;
    }
    for (size_t g = 0; g < course->group_count; g++) {
        Stretch *stretch = &course->groups[g].stretches[tape];
        if (!(stretch->heard = arena_new(&course->arena, Heard, stretch->count + 1)))
            return out_of_memory(why);
        stretch->count = 0;
    }

    for (size_t i = 0; i < from->count; i++) {
        const Sample *sample = &from->samples[i];
        const Place place = plant_place(plant, sample->tag);
        if (group_of[place.twin] == NO_MEMBER || sample->quality == QUALITY_BAD)
            continue;
        const Model *model = plant_model(plant, place.twin);
        Stretch *stretch = &course->groups[group_of[place.twin]].stretches[tape];
        stretch->heard[stretch->count++] = (Heard){.tick = tick_of(plant, sample->time),
                                                   .time = sample->time,
                                                   .value = sample->value,
                                                   .member = members[place.twin],
                                                   .tag = sample->tag,
                                                   .column = model->channels[place.channel].column,
                                                   .sensor = sensor_of(model, place.channel)};
    }
    for (size_t g = 0; g < course->group_count; g++) {
        Stretch *stretch = &course->groups[g].stretches[tape];
        if (stretch->count)
            qsort(stretch->heard, stretch->count, sizeof *stretch->heard, by_time);
    }
    return ERR_OK;
}

/* The plant's time begins with the first sample of a recording, whoever it is for. */
Err course__read_tapes(Course *course, const uint32_t *group_of, const uint32_t *members, ErrText *why)
{
    const CourseDef *def = &course->def;
    course->first_tick = arena_new(&course->arena, int64_t, def->tape_count);
    course->last_tick = arena_new(&course->arena, int64_t, def->tape_count);
    if (!course->first_tick || !course->last_tick)
        return out_of_memory(why);
    for (size_t t = 0; t < def->tape_count; t++) {
        const FitTape *tape = &def->tapes[t];
        if (tape->count == 0)
            return err_set(why, ERR_RANGE, "%s: no samples to fit by", tape->name);
        course->first_tick[t] = tick_of(def->plant, tape->samples[0].time);
        course->last_tick[t] = tick_of(def->plant, tape->samples[tape->count - 1].time);
        const Err err = deal_samples(course, t, group_of, members, why);
        if (err)
            return err;
    }
    return ERR_OK;
}
