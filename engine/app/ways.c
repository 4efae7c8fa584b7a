/* ways.c -- opening, comparing, and polling them in turn. */
#include "app/ways.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/kinds.h"

/* What one way has brought, by its own count and by that of all of them. */
typedef struct Receipt {
    uint64_t own, all;  // 0: nothing
} Receipt;

typedef struct Way {
    ConnectorDef def;      // with copies of its own of all but the tags
    const char *kind_name;
    const ConnectorKind *kind;
    void *library;
    Connector connector;
    Exchange *exchange;
    Arena arena;
    ConnectorLosses lost;
    int64_t last;
    Receipt asked, next;  // the first is told as soon as it is on disk, then the next takes its place
} Way;

struct Ways {
    Way *items[PLANT_CONNECTORS_MAX];
    bool borrowed[PLANT_CONNECTORS_MAX];  // they are another's until ways_take
    size_t count;
    size_t first;   // to be polled next
    uint64_t mark;  // arrivals until now
    const Plant *plant;  // whose they are, until ways_take
    const Clock *clock;
    Inlets *inlets;
    pthread_t closer;  // of those before, while there are any
    bool closes;
};

// --- one way -------------------------------------------------------------------------------------------------------

static const char *copy_folder(Arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_copy(arena, path, (size_t)(slash - path)) : arena_text(arena, ".");
}

static Err copy_bindings(Way *way, const PlantConnector *connector, bool turned)
{
    Binding *copies = arena_new(&way->arena, Binding, connector->binding_count + 1);
    if (!copies)
        return ERR_MEMORY;
    way->def.bindings = copies;
    for (size_t i = 0; i < connector->binding_count; i++) {
        const Binding *from = &connector->bindings[i];
        copies[i] = *from;
        copies[i].writes = from->writes != turned;
        copies[i].name = arena_text(&way->arena, from->name);
        json_incref((json_t *)from->address);
        way->def.binding_count++;
        if (!copies[i].name)
            return ERR_MEMORY;
    }
    return ERR_OK;
}

/* Behind a peer that names its guests the emulated plant is another one than the engine. */
static const char *copy_name(Way *way, const PlantConnector *connector, bool turned)
{
    return arena_format(&way->arena, "%s%s", turned ? "emulated_" : "", connector->name);
}

static void forget_way(Way *way)
{
    for (size_t i = 0; i < way->def.binding_count; i++)
        json_decref((json_t *)way->def.bindings[i].address);
    json_decref((json_t *)way->def.options);
    kinds_close(way->library);
    arena_fini(&way->arena);
    mem_free(way);
}

static void close_way(Way *way)
{
    way->connector.type->close(way->connector.self);
    forget_way(way);
}

/* A way with all that it needs to be opened. */
static Err make_way(const Plant *plant, const PlantConnector *connector, bool turned, Way **out, ErrText *why)
{
    Way *way = mem_alloc(sizeof *way);
    *out = way;
    if (!way)
        return err_set(why, ERR_MEMORY, "no memory for connector \"%s\"", connector->name);
    way->last = TIME_NONE;
    way->kind_name = arena_text(&way->arena, connector->kind);
    way->def = (ConnectorDef){.name = copy_name(way, connector, turned), .options = json_incref(connector->options), .tags = plant->tags,
                              .folder = copy_folder(&way->arena, plant->path), .turned = turned};
    if (copy_bindings(way, connector, turned) || !way->def.name || !way->kind_name || !way->def.folder)
        return err_set(why, ERR_MEMORY, "no memory for connector \"%s\"", connector->name);

    ErrText reason;
    const Err err = kinds_open(connector->kind, way->def.folder, &way->kind, &way->library, &reason);
    return err ? bindings_blame(plant, connector, TAG_NONE, "", reason.text, why) : ERR_OK;
}

static Err check_way(const Plant *plant, const PlantConnector *connector, ErrText *why)
{
    Way *way;
    ConnectorFault fault = {.binding = TAG_NONE};
    Err err = make_way(plant, connector, false, &way, why);
    if (!err && way->kind->check(&way->def, &fault))
        err = bindings_blame(plant, connector, fault.binding, fault.key, fault.why.text, why);
    if (way)
        forget_way(way);
    return err;
}

static Err open_way(Ways *ways, const Plant *plant, const PlantConnector *connector, bool turned, ErrText *why)
{
    Way *way;
    ConnectorFault fault = {.binding = TAG_NONE};
    Err err = make_way(plant, connector, turned, &way, why);
    if (way)
        way->def.clock = ways->clock, way->def.inlets = ways->inlets;
    if (!err && way->kind->open(&way->def, &way->connector, &way->exchange, &fault))
        err = bindings_blame(plant, connector, fault.binding, fault.key, fault.why.text, why);
    if (!err)
        ways->items[ways->count++] = way;
    else if (way)
        forget_way(way);
    return err;
}

// --- all of them ---------------------------------------------------------------------------------------------------

Err ways_check(const Plant *plant, ErrText *why)
{
    Err err = ERR_OK;
    for (size_t i = 0; i < plant->connector_count && !err; i++)
        err = check_way(plant, &plant->connectors[i], why);
    return err;
}

static Err create(const Clock *clock, Inlets *inlets, Ways **out, ErrText *why)
{
    *out = mem_alloc(sizeof **out);
    if (!*out)
        return err_set(why, ERR_MEMORY, "no memory for connectors");
    (*out)->clock = clock;
    (*out)->inlets = inlets;
    return ERR_OK;
}

static Err finish(Err err, Ways **ways)
{
    if (err) {
        ways_destroy(*ways);
        *ways = NULL;
    }
    return err;
}

Err ways_open(const Plant *plant, const Clock *clock, Inlets *inlets, Ways **out, ErrText *why)
{
    Err err = create(clock, inlets, out, why);
    for (size_t i = 0; i < plant->connector_count && !err; i++)
        err = open_way(*out, plant, &plant->connectors[i], false, why);
    return finish(err, out);
}

Err ways_open_turned(const Plant *plant, const char *const *names, size_t name_count, Ways **out, ErrText *why)
{
    Err err = create(NULL, NULL, out, why);
    for (size_t i = 0; i < name_count && !err; i++) {
        const PlantConnector *connector = bindings_connector(plant, names[i]);
        err = connector ? open_way(*out, plant, connector, true, why) : err_set(why, ERR_USAGE, "%s: \"%s\" is none of its connectors", plant->path, names[i]);
    }
    return finish(err, out);
}

static bool is_bound_alike(const Binding *a, const Binding *b)
{
    return strcmp(a->name, b->name) == 0 && a->writes == b->writes && a->unit == b->unit && a->scale == b->scale && a->offset == b->offset &&
           a->dead_band == b->dead_band && a->stale_ns == b->stale_ns && a->source_time == b->source_time && a->stores == b->stores &&
           json_equal(a->address, b->address);
}

static bool says_the_same(const Way *way, const PlantConnector *connector)
{
    bool same = strcmp(way->def.name, connector->name) == 0 && strcmp(way->kind_name, connector->kind) == 0 &&
                json_equal(way->def.options, connector->options) && way->def.binding_count == connector->binding_count;
    for (size_t i = 0; i < connector->binding_count && same; i++)
        same = is_bound_alike(&way->def.bindings[i], &connector->bindings[i]);
    return same;
}

static Way *find_same(const Ways *ways, const PlantConnector *connector)
{
    for (size_t i = 0; i < ways->count; i++)
        if (says_the_same(ways->items[i], connector))
            return ways->items[i];
    return NULL;
}

Err ways_succeed(Ways *before, const Plant *plant, Ways **out, ErrText *why)
{
    Err err = create(before->clock, before->inlets, out, why);
    for (size_t i = 0; i < plant->connector_count && !err; i++) {
        Way *same = find_same(before, &plant->connectors[i]);
        if (!same) {
            err = open_way(*out, plant, &plant->connectors[i], false, why);
            continue;
        }
        (*out)->borrowed[(*out)->count] = true;
        (*out)->items[(*out)->count++] = same;
    }
    if (!err)
        (*out)->plant = plant;
    return finish(err, out);
}

static void leave(Ways *ways, const Way *way)
{
    size_t kept = 0;
    for (size_t i = 0; i < ways->count; i++)
        if (ways->items[i] != way)
            ways->items[kept++] = ways->items[i];
    assert(kept + 1 == ways->count);
    ways->count = kept;
}

static void *close_aside(void *before)
{
    pthread_setname_np(pthread_self(), "ways");
    ways_destroy(before);
    return NULL;
}

/* Signals are for the thread that waits for them. */
static void let_go(Ways *ways, Ways *before)
{
    sigset_t all, masked;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &masked);
    ways->closes = pthread_create(&ways->closer, NULL, close_aside, before) == 0;
    pthread_sigmask(SIG_SETMASK, &masked, NULL);
    if (!ways->closes)
        ways_destroy(before);
}

void ways_take(Ways *ways, Ways *before)
{
    ways->mark = before->mark;
    for (size_t i = 0; i < ways->count; i++) {
        if (!ways->borrowed[i])
            continue;
        leave(before, ways->items[i]);
        ways->borrowed[i] = false;
        // its bindings are those of the plant, in the same order; their tags are numbered anew
        exchange_follow(ways->items[i]->exchange, ways->plant->connectors[i].bindings);
    }
    let_go(ways, before);
}

void ways_destroy(Ways *ways)
{
    if (!ways)
        return;
    if (ways->closes)
        pthread_join(ways->closer, NULL);
    for (size_t i = 0; i < ways->count; i++)
        if (!ways->borrowed[i])
            close_way(ways->items[i]);
    mem_free(ways);
}

// --- for the tick --------------------------------------------------------------------------------------------------

/* What is of no tag, or of a source that nobody asked for the clock, is of its way. Marks count what all of them have brought. */
static void note_arrivals(Ways *ways, size_t index, Arrival *arrivals, size_t count)
{
    Way *way = ways->items[index];
    for (size_t i = 0; i < count; i++) {
        arrivals[i].provider = (uint32_t)index + 1;
        if (arrivals[i].kind == ARRIVAL_SAMPLE)
            way->last = arrivals[i].sample.time;
        way->next = (Receipt){arrivals[i].mark, ++ways->mark};
        arrivals[i].mark = ways->mark;
    }
    if (!way->asked.all)
        way->asked = way->next;
}

/* Each begins once: one that brings more than there is room for must not silence the others. */
static size_t poll_ways(void *self, Arrival *out, size_t room)
{
    Ways *ways = self;
    size_t count = 0;
    for (size_t i = 0; i < ways->count && count < room; i++) {
        const size_t index = (ways->first + i) % ways->count;
        Way *way = ways->items[index];
        const size_t came = way->connector.type->poll(way->connector.self, out + count, room - count);
        note_arrivals(ways, index, out + count, came);
        count += came;
    }
    ways->first = ways->count ? (ways->first + 1) % ways->count : 0;
    return count;
}

static Err send_by_its_way(void *self, const Command *command)
{
    const Ways *ways = self;
    Err err = ERR_CLOSED;
    for (size_t i = 0; i < ways->count && err == ERR_CLOSED; i++)
        err = ways->items[i]->connector.type->send(ways->items[i]->connector.self, command);
    return err;
}

static void note_losses(void *self, uint32_t provider, ConnectorLosses losses)
{
    const Ways *ways = self;
    assert(provider >= 1 && provider <= ways->count);
    ConnectorLosses *lost = &ways->items[provider - 1]->lost;
    lost->late += losses.late;
    lost->duplicate += losses.duplicate;
    lost->future += losses.future;
}

static void tell_time(void *self, int64_t plant_time)
{
    const Ways *ways = self;
    for (size_t i = 0; i < ways->count; i++)
        if (ways->items[i]->connector.type->ticked)
            ways->items[i]->connector.type->ticked(ways->items[i]->connector.self, plant_time);
}

/* What is on disk up to a mark of all ways is told to each by its own. */
static void hand_receipts(void *self, uint64_t mark)
{
    const Ways *ways = self;
    for (size_t i = 0; i < ways->count; i++) {
        Way *way = ways->items[i];
        while (way->asked.all && way->asked.all <= mark) {
            if (way->connector.type->stored)
                way->connector.type->stored(way->connector.self, way->asked.own);
            way->asked = way->next.all > way->asked.all ? way->next : (Receipt){0};
        }
    }
}

static ConnectorStats sum_stats(void *self)
{
    const Ways *ways = self;
    ConnectorStats sum = {0};
    for (size_t i = 0; i < ways->count; i++) {
        const ConnectorStats stats = ways->items[i]->connector.type->stats(ways->items[i]->connector.self);
        sum.samples += stats.samples;
        sum.refused += stats.refused;
        sum.dropped += stats.dropped;
    }
    return sum;
}

static void close_ways(void *self)
{
    ways_destroy(self);
}

static const ConnectorType ways_type = {
    .name = "connectors",
    .poll = poll_ways,
    .send = send_by_its_way,
    .stored = hand_receipts,
    .lost = note_losses,
    .ticked = tell_time,
    .stats = sum_stats,
    .close = close_ways,
};

Connector ways_connector(Ways *ways)
{
    return (Connector){&ways_type, ways};
}

size_t ways_count(const Ways *ways)
{
    return ways->count;
}

WayState ways_state(const Ways *ways, size_t index)
{
    assert(index < ways->count);
    const Way *way = ways->items[index];
    return (WayState){.exchange = exchange_state(way->exchange), .lost = way->lost, .last = way->last};
}

size_t ways_seen(const Ways *ways, size_t index, ExchangeSeen *out, size_t room)
{
    assert(index < ways->count);
    return exchange_list_seen(ways->items[index]->exchange, out, room);
}

void ways_suggest(const Ways *ways, size_t index, const char *address, Text *out)
{
    const Way *way = ways->items[index];
    text_format(out, "{ \"%s\"", way->def.name);
    const size_t length = out->length;
    text_put(out, ", ");
    if (way->kind->suggest)
        way->kind->suggest(address, out);
    // the kind knows no more than the address
    if (out->length == length + 2)
        text_format(out, "--[[ %s ]] ", address);
    text_put(out, " }");
}

bool ways_tell(const Ways *ways, const Connector *connector, const Arrival *arrival)
{
    if (connector->type != &ways_type)
        return false;
    const ExchangeState state = ways_state(ways, arrival->provider - 1).exchange;
    if (arrival->kind == ARRIVAL_JOINED)
        log_write(LOG_INFO, state.name, "%s: connected to %s", state.kind, state.peer);
    else
        log_write(LOG_WARNING, state.name, "%s: %s", state.kind, state.fault);
    return true;
}
