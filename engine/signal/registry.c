#include "signal/registry.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "signal/merge.h"
#include "signal/registry_inside.h"

enum {
    UNCLAIMED_MAX = 2 * REGISTRY_STRANGERS_MAX,  // those that have left are remembered as long as there is room
    NAMESAKES_MAX = 99,
};
static const double STRANGERS_HZ = 0.5;  // once as many as there is room for have come
static const int64_t WRITE_PAUSE_NS = 20 * NS_PER_S;

const char *entry_state_name(EntryState state)
{
    static const char *const names[] = {"unclaimed", "direct", "claimed", "disabled"};
    return names[state];
}

EntryState entry_state(const RegistryEntry *entry)
{
    if (entry->disabled)
        return ENTRY_DISABLED;
    return entry->claimed ? ENTRY_CLAIMED : entry->direct ? ENTRY_DIRECT : ENTRY_UNCLAIMED;
}

static int64_t elapsed(const Registry *registry)
{
    return registry->clock.elapsed_ns(registry->clock.self);
}

static int64_t utc(const Registry *registry)
{
    return registry->clock.utc_ns(registry->clock.self);
}

static void copy_name(char *out, size_t room, const char *name)
{
    snprintf(out, room, "%s", name ? name : "");
}

// Entries come and go.

static void entry_free(RegistryEntry *entry)
{
    if (!entry)
        return;
    json_decref(entry->desired.object);
    json_decref(entry->reported.object);
    mem_free(entry->tags);
    mem_free(entry->bindings);
    mem_free(entry);
}

static RegistryEntry *entry_make(const char *name)
{
    RegistryEntry *entry = mem_alloc(sizeof *entry);
    if (!entry)
        return NULL;
    copy_name(entry->name, sizeof entry->name, name);
    copy_name(entry->calls, sizeof entry->calls, name);
    entry->first_seen = entry->last_seen = entry->claimed_at = TIME_NONE;
    entry->desired = (EntryDocument){json_object(), 0, TIME_NONE};
    entry->reported = (EntryDocument){json_object(), 0, TIME_NONE};
    if (entry->desired.object && entry->reported.object)
        return entry;
    entry_free(entry);
    return NULL;
}

bool registry__is_kept(const RegistryEntry *entry)
{
    return entry->claimed || entry->disabled || entry->desired.version;
}

static void take_out(Registry *registry, size_t index)
{
    entry_free(registry->entries[index]);
    memmove(registry->entries + index, registry->entries + index + 1, (--registry->count - index) * sizeof *registry->entries);
}

/* The place of the one that was away longest, of those that nobody has decided about; `count` when there is none. */
static size_t find_forgettable(const Registry *registry, bool unclaimed)
{
    size_t best = registry->count;
    for (size_t i = 0; i < registry->count; i++) {
        const RegistryEntry *entry = registry->entries[i];
        if (entry->connected || registry__is_kept(entry) || (unclaimed && entry->direct))
            continue;
        if (best == registry->count || entry->last_seen < registry->entries[best]->last_seen)
            best = i;
    }
    return best;
}

static bool make_room(Registry *registry)
{
    if (registry->count == REGISTRY_MAX) {
        const size_t index = find_forgettable(registry, false);
        if (index < registry->count)
            take_out(registry, index);
    }
    if (registry->count < registry->room)
        return true;
    const size_t room = registry->room ? 2 * registry->room : 16;
    RegistryEntry **grown = registry->count < REGISTRY_MAX ? mem_grow(registry->entries, registry->room * sizeof *grown, room * sizeof *grown) : NULL;
    if (!grown)
        return false;
    registry->entries = grown;
    registry->room = room;
    return true;
}

RegistryEntry *registry__add(Registry *registry, const char *name)
{
    RegistryEntry *entry = make_room(registry) ? entry_make(name) : NULL;
    if (entry)
        registry->entries[registry->count++] = entry;
    return entry;
}

// Beginning and end.

Err registry_open(const char *path, const Clock *clock, Registry **out, ErrText *why)
{
    Registry *registry = mem_alloc(sizeof *registry);
    if (!registry)
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    registry->clock = clock ? *clock : clock_system;
    registry->pairing_until = TIME_NONE;
    registry->version = 1;
    registry->keeper.saved = 1;
    registry->strangers_due = REGISTRY_STRANGERS_MAX;
    registry->strangers_at = registry->write_at = elapsed(registry);
    Err err = path ? registry__load(registry, path, why) : ERR_OK;
    if (!err && keeper__open(&registry->keeper, path))
        err = err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    if (err) {
        registry_close(registry);
        return err;
    }
    *out = registry;
    return ERR_OK;
}

void registry_close(Registry *registry)
{
    if (!registry)
        return;
    if (registry->untold)
        registry__write(registry);
    keeper__close(&registry->keeper);
    for (size_t i = 0; i < registry->count; i++)
        entry_free(registry->entries[i]);
    mem_free(registry->entries);
    mem_free(registry);
}

void registry_watch(Registry *registry, RegistryWatch watch)
{
    registry->watch = watch;
}

static void tell(Registry *registry, RegistryEntry *entry, RegistryChange change)
{
    if (registry->watch.changed)
        registry->watch.changed(registry->watch.self, entry, change);
}

/* Something was decided. */
static void decide(Registry *registry)
{
    registry->version++;
    registry__write(registry);
}

void registry_look(Registry *registry)
{
    const bool failed = registry_saved(registry) < registry->version;
    if ((!registry->untold && !failed) || elapsed(registry) < registry->write_at)
        return;
    registry__write(registry);
    registry->write_at = elapsed(registry) + WRITE_PAUSE_NS;
}

uint64_t registry_version(const Registry *registry)
{
    return registry->version;
}

// Looking up.

size_t registry_count(const Registry *registry)
{
    return registry->count;
}

RegistryEntry *registry_at(const Registry *registry, size_t index)
{
    assert(index < registry->count);
    return registry->entries[index];
}

RegistryEntry *registry_find(const Registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->count; i++)
        if (strcmp(registry->entries[i]->name, name) == 0)
            return registry->entries[i];
    return NULL;
}

RegistryEntry *registry_find_credential(const Registry *registry, const char *credential)
{
    for (size_t i = 0; i < registry->count && *credential; i++)
        if (strcmp(registry->entries[i]->credential, credential) == 0)
            return registry->entries[i];
    return NULL;
}

RegistryEntry *registry_find_link(const Registry *registry, const void *link)
{
    for (size_t i = 0; i < registry->count; i++)
        if (registry->entries[i]->link == link)
            return registry->entries[i];
    return NULL;
}

RegistryEntry *registry_find_bound(const Registry *registry, const char *tag, const RegistryEntry *besides)
{
    for (size_t i = 0; i < registry->count; i++) {
        RegistryEntry *entry = registry->entries[i];
        for (size_t k = 0; k < entry->binding_count && entry != besides; k++)
            if (strcmp(entry->bindings[k].tag, tag) == 0)
                return entry;
    }
    return NULL;
}

EntryTag *entry_tag(const RegistryEntry *entry, const char *name)
{
    for (size_t i = 0; i < entry->tag_count; i++)
        if (strcmp(entry->tags[i].name, name) == 0)
            return &entry->tags[i];
    return NULL;
}

const EntryBinding *entry_binding(const RegistryEntry *entry, const char *name)
{
    for (size_t i = 0; i < entry->binding_count; i++)
        if (strcmp(entry->bindings[i].name, name) == 0)
            return &entry->bindings[i];
    return NULL;
}

Err entry_check_binding(const EntryBinding *binding, const TagTable *tags, const Unit **unit, ErrText *why)
{
    const Unit *own;
    const TagId id = tags_find(tags, binding->tag);
    if (id == TAG_NONE)
        return err_set(why, ERR_UNKNOWN, "\"%s\": the plant has no tag \"%s\"", binding->name, binding->tag);
    const Tag tag = tags_get(tags, id);
    if (tag.role == TAG_NOT_BOUND)
        return err_set(why, ERR_DENIED, "\"%s\": \"%s\" is computed by its twin: expected a sensor, an input or an actuator", binding->name, binding->tag);
    own = tag.unit;
    ErrText wrong;
    if (*binding->unit && unit_parse(binding->unit, &own, &wrong) != ERR_OK)
        return err_set(why, ERR_UNIT, "\"%s\": %.500s", binding->name, wrong.text);
    if (!unit_converts(own, tag.unit))
        return err_set(why, ERR_UNIT, "\"%s\": unit \"%s\" does not convert to \"%s\", that of \"%s\"", binding->name, binding->unit, unit_name(tag.unit),
                       binding->tag);
    if (unit)
        *unit = own;
    return ERR_OK;
}

// Devices come and go.

RegistryEntry *registry_recognize(const Registry *registry, const char *calls, const char *credential)
{
    RegistryEntry *known = credential ? registry_find_credential(registry, credential) : NULL;
    for (size_t i = 0; i < registry->count && !known; i++) {
        RegistryEntry *entry = registry->entries[i];
        const bool may_be = !credential || (!entry->claimed && !*entry->credential);
        if (may_be && strcmp(entry->calls, calls) == 0)
            known = entry;
    }
    return known;
}

RegistryEntry *registry_find_successor(const Registry *registry, const char *calls)
{
    for (size_t i = 0; i < registry->count; i++)
        for (size_t k = 0; k < registry->entries[i]->former_count; k++)
            if (strcmp(registry->entries[i]->former[k], calls) == 0)
                return registry->entries[i];
    return NULL;
}

/* Names stand in paths and in files of access. */
static Err check_name(const char *name, ErrText *why)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";
    const size_t length = strlen(name);
    if (length >= 1 && length < REGISTRY_NAME_ROOM - 4 && name[strspn(name, letters)] == 0)
        return ERR_OK;
    return err_set(why, ERR_RANGE, "\"device\": expected 1 to %d letters, digits, and . _ @ - of a device that is to be claimed, got \"%.60s\"",
                   REGISTRY_NAME_ROOM - 5, name);
}

/* Of several that call themselves the same each has a name of its own. */
static bool find_name(const Registry *registry, const char *calls, char out[static REGISTRY_NAME_ROOM])
{
    copy_name(out, REGISTRY_NAME_ROOM, calls);
    for (uint8_t i = 2; registry_find(registry, out); i++) {
        if (i > NAMESAKES_MAX)
            return false;
        snprintf(out, REGISTRY_NAME_ROOM, "%.*s-%u", REGISTRY_NAME_ROOM - 5, calls, i);
    }
    return true;
}

/* One stranger more: a few come at once, and then one every other second. */
static Err admit_stranger(Registry *registry, ErrText *why)
{
    size_t connected = 0, unclaimed = 0;
    for (size_t i = 0; i < registry->count; i++) {
        const bool is_one = entry_state(registry->entries[i]) == ENTRY_UNCLAIMED;
        unclaimed += is_one;
        connected += is_one && registry->entries[i]->connected;
    }
    const int64_t now = elapsed(registry);
    const double due = registry->strangers_due + STRANGERS_HZ * (double)(now - registry->strangers_at) / (double)NS_PER_S;
    registry->strangers_due = due < REGISTRY_STRANGERS_MAX ? due : REGISTRY_STRANGERS_MAX;
    registry->strangers_at = now;
    if (connected >= REGISTRY_STRANGERS_MAX)
        return err_set(why, ERR_FULL, "%d devices wait to be claimed: there is no room for another", REGISTRY_STRANGERS_MAX);
    if (registry->strangers_due < 1)
        return err_set(why, ERR_FULL, "too many devices that nobody knows have come: try again in some seconds");
    registry->strangers_due -= 1;

    const size_t index = unclaimed >= UNCLAIMED_MAX ? find_forgettable(registry, true) : registry->count;
    if (index < registry->count)
        take_out(registry, index);
    return ERR_OK;
}

static Err meet(Registry *registry, const RegistryVisit *visit, RegistryEntry **out, ErrText *why)
{
    char name[REGISTRY_NAME_ROOM];
    const char *calls = visit->provide->provide.device;
    Err err = visit->direct ? ERR_OK : check_name(calls, why);
    if (!err && !visit->direct)
        err = admit_stranger(registry, why);
    if (err)
        return err;
    if (!find_name(registry, calls, name))
        return err_set(why, ERR_FULL, "too many devices call themselves \"%s\"", calls);
    RegistryEntry *entry = registry__add(registry, name);
    if (!entry)
        return err_set(why, ERR_FULL, "no room for another device");
    copy_name(entry->calls, sizeof entry->calls, calls);
    entry->first_seen = utc(registry);
    *out = entry;
    return ERR_OK;
}

static void fill_tag(EntryTag *tag, const char *name, const char *unit, bool is_actuator)
{
    *tag = (EntryTag){.is_actuator = is_actuator, .number = UINT32_MAX, .value = NAN, .time = TIME_NONE};
    copy_name(tag->name, sizeof tag->name, name);
    copy_name(tag->unit, sizeof tag->unit, unit);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Its offer takes the place of that of before. */
static Err take_offer(RegistryEntry *entry, const WireMessage *provide, ErrText *why)
{
    const size_t sampled = least(provide->provide.tag_count, REGISTRY_TAGS_MAX), count = least(sampled + provide->provide.actuator_count, REGISTRY_TAGS_MAX);
    EntryTag *tags = mem_alloc((count + 1) * sizeof *tags);
    if (!tags)
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    for (size_t i = 0; i < sampled; i++)
        fill_tag(&tags[i], provide->provide.tags[i].name, provide->provide.tags[i].unit, false);
    for (size_t i = sampled; i < count; i++)
        fill_tag(&tags[i], provide->provide.actuators[i - sampled], NULL, true);
    mem_free(entry->tags);
    entry->tags = tags;
    entry->tag_count = count;
    return ERR_OK;
}

/* What is to be bound must be there whole: names that were cut could be mistaken for each other. */
static Err check_offer(const WireMessage *provide, ErrText *why)
{
    const size_t count = provide->provide.tag_count + provide->provide.actuator_count;
    if (count > REGISTRY_TAGS_MAX)
        return err_set(why, ERR_RANGE, "expected at most %d tags and actuators of a device that is to be claimed, got %zu", REGISTRY_TAGS_MAX, count);
    for (size_t i = 0; i < provide->provide.tag_count; i++) {
        const WireTag *tag = &provide->provide.tags[i];
        if (strlen(tag->name) >= TAG_NAME_ROOM || (tag->unit && strlen(tag->unit) >= sizeof((EntryTag *)0)->unit))
            return err_set(why, ERR_RANGE, "tag \"%.60s...\": its name or its unit is too long", tag->name);
    }
    for (size_t i = 0; i < provide->provide.actuator_count; i++)
        if (strlen(provide->provide.actuators[i]) >= TAG_NAME_ROOM)
            return err_set(why, ERR_RANGE, "actuator \"%.60s...\": its name is too long", provide->provide.actuators[i]);
    return ERR_OK;
}

Err registry_arrive(Registry *registry, RegistryEntry *entry, const RegistryVisit *visit, RegistryEntry **out, ErrText *why)
{
    Err err = visit->direct ? ERR_OK : check_offer(visit->provide, why);
    if (!err && !entry)
        err = meet(registry, visit, &entry, why);
    else if (!err && !visit->direct && !entry->claimed && !entry->connected)
        err = admit_stranger(registry, why);
    if (!err)
        err = take_offer(entry, visit->provide, why);
    if (err)
        return err;
    copy_name(entry->kind, sizeof entry->kind, visit->kind);
    copy_name(entry->peer, sizeof entry->peer, visit->peer);
    copy_name(entry->came_by, sizeof entry->came_by, visit->who);
    copy_name(entry->fingerprint, sizeof entry->fingerprint, visit->fingerprint);
    copy_name(entry->subject, sizeof entry->subject, visit->subject);
    if (!entry->connected || entry->link != visit->link)
        entry->session = ++registry->last_session;
    entry->link = visit->link;
    entry->connected = true;
    entry->direct = visit->direct;
    entry->last_seen = utc(registry);
    registry->untold |= registry__is_kept(entry);
    *out = entry;
    return ERR_OK;
}

void registry_leave(Registry *registry, RegistryEntry *entry)
{
    entry->connected = false;
    entry->link = NULL;
    entry->last_seen = utc(registry);
    registry->untold |= registry__is_kept(entry);
}

void registry_hear(EntryTag *tag, double value, int64_t time)
{
    tag->value = value;
    tag->time = time;
}

// The twin of a device.

/* A merge patch, as long as what comes of it is not too large. */
static Err patch_document(Registry *registry, EntryDocument *document, const char *what, const json_t *patch, ErrText *why)
{
    json_t *merged = json_is_object(patch) ? merge_patch(document->object, patch) : NULL;
    if (!json_is_object(patch))
        return err_set(why, ERR_PARSE, "%s: expected an object, a merge patch", what);
    if (!merged)
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    Err err = ERR_OK;
    const size_t size = json_dumpb(merged, NULL, 0, JSON_COMPACT);
    if (size > REGISTRY_DOCUMENT_MAX)
        err = err_set(why, ERR_RANGE, "%s: expected at most %d bytes, it would have %zu", what, REGISTRY_DOCUMENT_MAX, size);
    else if (merge_depth(merged) > REGISTRY_DEPTH_MAX)
        err = err_set(why, ERR_RANGE, "%s: expected at most %d levels of nesting", what, REGISTRY_DEPTH_MAX);
    if (err || merge_is_same(merged, document->object)) {
        json_decref(merged);
        return err;
    }
    json_decref(document->object);
    *document = (EntryDocument){merged, document->version + 1, utc(registry)};
    return ERR_OK;
}

Err registry_report(Registry *registry, RegistryEntry *entry, const json_t *patch, ErrText *why)
{
    const uint64_t before = entry->reported.version;
    const Err err = patch_document(registry, &entry->reported, "reported", patch, why);
    registry->untold |= entry->reported.version != before && registry__is_kept(entry);
    return err;
}

Err registry_desire(Registry *registry, RegistryEntry *entry, const json_t *patch, ErrText *why)
{
    const uint64_t before = entry->desired.version;
    const Err err = patch_document(registry, &entry->desired, "desired", patch, why);
    if (entry->desired.version != before) {
        decide(registry);
        tell(registry, entry, REGISTRY_DESIRED);
    }
    return err;
}

json_t *registry_delta(const RegistryEntry *entry)
{
    return merge_delta(entry->desired.object, entry->reported.object);
}

// Who may come unknown.

void registry_open_door(Registry *registry)
{
    registry->open_door = true;
}

void registry_pair(Registry *registry, int64_t duration_ns)
{
    registry->pairing_until = duration_ns > 0 ? elapsed(registry) + duration_ns : TIME_NONE;
}

bool registry_is_pairing(const Registry *registry)
{
    return registry->open_door || (registry->pairing_until != TIME_NONE && elapsed(registry) < registry->pairing_until);
}

int64_t registry_pairing_end(const Registry *registry)
{
    if (registry->open_door)
        return INT64_MAX;
    return registry_is_pairing(registry) ? utc(registry) + (registry->pairing_until - elapsed(registry)) : TIME_NONE;
}

// What engineers decide.

Err registry_bind(Registry *registry, RegistryEntry *entry, const EntryBinding *bindings, size_t count, ErrText *why)
{
    if (count > REGISTRY_TAGS_MAX)
        return err_set(why, ERR_FULL, "expected at most %d bindings of a device, got %zu", REGISTRY_TAGS_MAX, count);
    EntryBinding *copy = mem_alloc((count + 1) * sizeof *copy);
    if (!copy)
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    if (count)
        memcpy(copy, bindings, count * sizeof *copy);
    EntryBinding *before = entry->bindings;
    entry->bindings = copy;
    entry->binding_count = count;
    decide(registry);
    tell(registry, entry, REGISTRY_BOUND);
    mem_free(before);  // whoever was told has let go of it
    return ERR_OK;
}

void registry_claim(Registry *registry, RegistryEntry *entry, const char *credential, const char *by)
{
    entry->claimed = true;
    entry->direct = false;
    copy_name(entry->credential, sizeof entry->credential, credential);
    copy_name(entry->claimed_by, sizeof entry->claimed_by, by);
    entry->claimed_at = utc(registry);
    decide(registry);
    tell(registry, entry, REGISTRY_BOUND);
}

void registry_set_disabled(Registry *registry, RegistryEntry *entry, bool disabled)
{
    if (entry->disabled == disabled)
        return;
    entry->disabled = disabled;
    decide(registry);
    if (disabled)
        tell(registry, entry, REGISTRY_BARRED);
}

static void take_out_entry(Registry *registry, const RegistryEntry *entry)
{
    for (size_t i = 0; i < registry->count; i++)
        if (registry->entries[i] == entry) {
            take_out(registry, i);
            return;
        }
}

void registry_forget(Registry *registry, RegistryEntry *entry)
{
    tell(registry, entry, REGISTRY_BARRED);
    assert(!entry->link);
    take_out_entry(registry, entry);
    decide(registry);
}

/* Who calls himself so was replaced: the newest first, the oldest drops out. */
static void note_former(RegistryEntry *entry, const char *calls)
{
    if (entry->former_count < REGISTRY_FORMER_MAX)
        entry->former_count++;
    memmove(entry->former[1], entry->former[0], (entry->former_count - 1) * sizeof entry->former[0]);
    copy_name(entry->former[0], sizeof entry->former[0], calls);
}

/* What belongs to the device and not to its place goes over with it. */
static void move_device(RegistryEntry *entry, RegistryEntry *from)
{
    if (strcmp(entry->calls, from->calls) != 0)
        note_former(entry, entry->calls);
    memcpy(entry->calls, from->calls, sizeof entry->calls);
    memcpy(entry->kind, from->kind, sizeof entry->kind);
    memcpy(entry->peer, from->peer, sizeof entry->peer);
    memcpy(entry->came_by, from->came_by, sizeof entry->came_by);
    memcpy(entry->fingerprint, from->fingerprint, sizeof entry->fingerprint);
    memcpy(entry->subject, from->subject, sizeof entry->subject);
    entry->connected = from->connected;
    entry->session = from->session;
    entry->last_seen = from->last_seen;
    entry->link = from->link;
    EntryTag *tags = entry->tags;
    entry->tags = from->tags;
    entry->tag_count = from->tag_count;
    from->tags = tags;
    json_t *reported = entry->reported.object;
    entry->reported.object = from->reported.object;
    entry->reported.version += from->reported.version;  // rises in any case
    from->reported.object = reported;
    from->link = NULL;
    from->connected = false;
}

Err registry_replace(Registry *registry, RegistryEntry *entry, RegistryEntry *successor, const char *credential, ErrText *why)
{
    if (entry == successor)
        return err_set(why, ERR_USAGE, "a device does not replace itself");
    tell(registry, entry, REGISTRY_BARRED);
    move_device(entry, successor);
    copy_name(entry->credential, sizeof entry->credential, credential);
    entry->disabled = false;
    take_out_entry(registry, successor);
    decide(registry);
    tell(registry, entry, REGISTRY_BOUND);
    return ERR_OK;
}
