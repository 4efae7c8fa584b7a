/* grant.c -- checking a `provide`: the first thing that is wrong refuses the whole. */
#include "connectors/websocket/grant.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROOM_FIRST = 64,
    FLEETS_MAX = 64,  // names with a `*` in one message: each is looked for in all tags
};

static const char *role_text(TagRole role)
{
    switch (role) {
    case TAG_NOT_BOUND: return "a value of the twin that nothing outside may write";
    case TAG_SAMPLED: return "a sensor or an input, not an actuator";
    case TAG_ACTUATED: return "an actuator: name it in \"actuators\"";
    }
    return "unknown";
}

static int find_tag(const TagTable *tags, const char *name, TagRole role, const char *plant, TagId *out, ErrText *why)
{
    *out = tags_find(tags, name);
    if (*out == TAG_NONE) {
        err_set(why, ERR_UNKNOWN, "no tag \"%.100s\" in plant %s", name, plant);
        return 404;
    }
    const Tag tag = tags_get(tags, *out);
    if (tag.role != role) {
        err_set(why, ERR_DENIED, "tag \"%s\" is %s", name, role_text(tag.role));
        return 400;
    }
    return 200;
}

/* The unit of the device's numbers for `tag`. */
static int find_unit(const WireTag *wish, const Unit *own, const Unit **out, ErrText *why)
{
    *out = own;
    if (!wish->unit)
        return 200;
    if (unit_parse(wish->unit, out, why) != ERR_OK) {
        err_prefix(why, ERR_UNIT, "tag \"%s\"", wish->name);
        return 400;
    }
    if (!unit_converts(*out, own)) {
        err_set(why, ERR_UNIT, "tag \"%s\": unit \"%s\" does not convert to \"%s\"", wish->name, wish->unit, unit_name(own));
        return 400;
    }
    return 200;
}

static bool grow(Grants *grants)
{
    const size_t room = grants->room ? 2 * grants->room : ROOM_FIRST;
    Grant *const grown = mem_grow(grants->items, grants->room * sizeof *grown, room * sizeof *grown);
    if (!grown)
        return false;
    grants->items = grown;
    grants->room = room;
    return true;
}

static int grant_tag(Grants *grants, const WireTag *wish, TagId tag, const TagTable *tags, ErrText *why)
{
    const Unit *unit;
    const int status = find_unit(wish, tags_get(tags, tag).unit, &unit, why);
    if (status != 200)
        return status;
    if (grants->count == grants->room && !grow(grants)) {
        err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
        return 503;
    }
    grants->items[grants->count++] = (Grant){tag, unit};
    return 200;
}

/* `cell_*.voltmeter`: those of them that take samples; it must be one at the least. */
static int grant_all(Grants *grants, const WireTag *wish, const TagTable *tags, const char *plant, ErrText *why)
{
    const size_t before = grants->count;
    for (TagId tag = 0; tag < tags_count(tags); tag++) {
        const Tag candidate = tags_get(tags, tag);
        if (candidate.role != TAG_SAMPLED || strcmp(candidate.channel, strchr(wish->name, '.') + 1) != 0 ||
            !tag_is_meant(wish->name, tags_name(tags, tag).text))
            continue;
        const int status = grant_tag(grants, wish, tag, tags, why);
        if (status != 200)
            return status;
    }
    if (grants->count > before)
        return 200;
    err_set(why, ERR_UNKNOWN, "no sensor or input \"%.100s\" in plant %s", wish->name, plant);
    return 404;
}

static int grant_wish(Grants *grants, const WireTag *wish, const TagTable *tags, const char *plant, ErrText *why)
{
    if (strstr(wish->name, "*."))
        return grant_all(grants, wish, tags, plant, why);
    TagId tag;
    const int status = find_tag(tags, wish->name, TAG_SAMPLED, plant, &tag, why);
    return status == 200 ? grant_tag(grants, wish, tag, tags, why) : status;
}

static int compare_grants(const void *a, const void *b)
{
    const TagId left = ((const Grant *)a)->tag, right = ((const Grant *)b)->tag;
    return (left > right) - (left < right);
}

static size_t count_fleets(const WireMessage *message)
{
    size_t count = 0;
    for (size_t i = 0; i < message->provide.tag_count; i++)
        count += strstr(message->provide.tags[i].name, "*.") != NULL;
    return count;
}

static int grants_fill(Grants *grants, const WireMessage *message, const TagTable *tags, const char *plant, ErrText *why)
{
    if (count_fleets(message) > FLEETS_MAX) {
        err_set(why, ERR_FULL, "more than %d names with a * in them", FLEETS_MAX);
        return 400;
    }
    for (size_t i = 0; i < message->provide.tag_count; i++) {
        const int status = grant_wish(grants, &message->provide.tags[i], tags, plant, why);
        if (status != 200)
            return status;
    }
    if (grants->count)
        qsort(grants->items, grants->count, sizeof *grants->items, compare_grants);

    for (size_t i = 0; i < message->provide.actuator_count; i++) {
        const int status = find_tag(tags, message->provide.actuators[i], TAG_ACTUATED, plant, &grants->actuators[i], why);
        if (status != 200)
            return status;
        grants->actuator_count++;
    }
    return 200;
}

int grants_init(Grants *grants, const WireMessage *message, const TagTable *tags, const char *plant, ErrText *why)
{
    assert(message->topic == WIRE_PROVIDE);
    *grants = (Grants){0};
    grants->actuators = mem_alloc((message->provide.actuator_count + 1) * sizeof *grants->actuators);

    int status = 503;
    if (grants->actuators)
        status = grants_fill(grants, message, tags, plant, why);
    else
        err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    if (status != 200)
        grants_fini(grants);
    return status;
}

void grants_fini(Grants *grants)
{
    mem_free(grants->items);
    mem_free(grants->numbered);
    mem_free(grants->actuators);
    mem_free(grants->aliases);
    *grants = (Grants){0};
}

// Claimed devices.

static int compare_aliases(const void *a, const void *b)
{
    return strcmp(((const Alias *)a)->name, ((const Alias *)b)->name);
}

static void bind_one(Grants *grants, const RegistryEntry *entry, const EntryBinding *binding, const TagTable *tags)
{
    const EntryTag *offered = entry_tag(entry, binding->name);
    Grant grant = {.tag = tags_find(tags, binding->tag)};
    if (!offered || entry_check_binding(binding, tags, &grant.unit, NULL) != ERR_OK)
        return;
    const bool actuated = tags_get(tags, grant.tag).role == TAG_ACTUATED;
    if (actuated != offered->is_actuator)
        return;
    grants->aliases[grants->alias_count++] = (Alias){binding->name, grant};
    if (actuated)
        grants->actuators[grants->actuator_count++] = grant.tag;
    else
        grants->items[grants->count++] = grant;
}

/* Numbers stand for what their names do. */
void grants_number_aliases(Grants *grants, const RegistryEntry *entry)
{
    for (size_t i = 0; i < entry->tag_count; i++) {
        const Grant *grant = entry->tags[i].number < grants->number_count ? grants_alias(grants, entry->tags[i].name) : NULL;
        if (grant)
            grants->numbered[entry->tags[i].number] = *grant;
    }
}

Err grants_bind(Grants *grants, const RegistryEntry *entry, const TagTable *tags)
{
    const size_t room = entry->binding_count + 1;
    *grants = (Grants){.room = room, .number_count = entry->tag_count};
    grants->items = mem_alloc(room * sizeof *grants->items);
    grants->actuators = mem_alloc(room * sizeof *grants->actuators);
    grants->aliases = mem_alloc(room * sizeof *grants->aliases);
    grants->numbered = mem_alloc((entry->tag_count + 1) * sizeof *grants->numbered);
    if (!grants->items || !grants->actuators || !grants->aliases || !grants->numbered) {
        grants_fini(grants);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < entry->binding_count; i++)
        bind_one(grants, entry, &entry->bindings[i], tags);
    qsort(grants->items, grants->count, sizeof *grants->items, compare_grants);
    qsort(grants->aliases, grants->alias_count, sizeof *grants->aliases, compare_aliases);
    grants_number_aliases(grants, entry);
    return ERR_OK;
}

bool grants_are_bound(const Grants *grants)
{
    return grants->aliases;
}

const Grant *grants_alias(Grants *grants, const char *name)
{
    // devices send their tags in turn
    const size_t next = grants->last_alias + 1 < grants->alias_count ? grants->last_alias + 1 : 0;
    const Alias *alias = grants->alias_count ? &grants->aliases[next] : NULL;
    if (alias && strcmp(alias->name, name) != 0)
        alias = bsearch(&(Alias){.name = name}, grants->aliases, grants->alias_count, sizeof *grants->aliases, compare_aliases);
    if (!alias)
        return NULL;
    grants->last_alias = (size_t)(alias - grants->aliases);
    return grants_find(grants, alias->grant.tag) ? &alias->grant : NULL;
}

const Alias *grants_actuator(const Grants *grants, TagId actuator)
{
    for (size_t i = 0; i < grants->alias_count; i++)
        if (grants->aliases[i].grant.tag == actuator)
            return &grants->aliases[i];
    return NULL;
}

// Another version of the plant.

/* The tag of the same name, when it has this role; TAG_NONE otherwise. */
static TagId follow(TagId tag, TagRole role, const TagTable *before, const TagTable *tags)
{
    const TagId heir = tags_find(tags, tags_name(before, tag).text);
    return heir != TAG_NONE && tags_get(tags, heir).role == role ? heir : TAG_NONE;
}

/* The grant with the tag of the other version; false when there is none. */
static bool follow_grant(Grant *grant, const TagTable *before, const TagTable *tags)
{
    grant->tag = follow(grant->tag, TAG_SAMPLED, before, tags);
    return grant->tag != TAG_NONE && unit_converts(grant->unit, tags_get(tags, grant->tag).unit);
}

void grants_follow(Grants *grants, const TagTable *before, const TagTable *tags)
{
    const size_t count = grants->count, actuator_count = grants->actuator_count;
    grants->count = grants->actuator_count = grants->last = 0;
    for (size_t i = 0; i < count; i++) {
        Grant grant = grants->items[i];
        if (follow_grant(&grant, before, tags))
            grants->items[grants->count++] = grant;
    }
    for (size_t i = 0; i < grants->number_count; i++)
        if (grants->numbered[i].unit && !follow_grant(&grants->numbered[i], before, tags))
            grants->numbered[i].unit = NULL;
    if (grants->count)
        qsort(grants->items, grants->count, sizeof *grants->items, compare_grants);
    for (size_t i = 0; i < actuator_count; i++) {
        const TagId tag = follow(grants->actuators[i], TAG_ACTUATED, before, tags);
        if (tag != TAG_NONE)
            grants->actuators[grants->actuator_count++] = tag;
    }
}

const Grant *grants_find(const Grants *grants, TagId tag)
{
    if (grants->count == 0)
        return NULL;
    return bsearch(&(Grant){.tag = tag}, grants->items, grants->count, sizeof *grants->items, compare_grants);
}

const Grant *grants_guess(const Grants *grants, const TagTable *tags, const char *name)
{
    if (grants->count == 0)
        return NULL;
    const Grant *const next = &grants->items[grants->last + 1 < grants->count ? grants->last + 1 : 0];
    const Tag tag = tags_get(tags, next->tag);
    const size_t length = strlen(tag.asset);
    return strncmp(name, tag.asset, length) == 0 && name[length] == '.' && strcmp(name + length + 1, tag.channel) == 0 ? next : NULL;
}

/* Numbers lie below this: as many as tags were provided, of which another version of the plant may have left fewer. */
static size_t number_room(const Grants *grants)
{
    return grants->numbered ? grants->number_count : grants->count;
}

/* Whose number it is, and whether it may be. */
static int check_number(const Grants *grants, const WireNumber *item, const TagTable *tags, const char *plant, const Grant **out, ErrText *why)
{
    const TagId tag = tags_find(tags, item->tag);
    *out = tag == TAG_NONE ? NULL : grants_find(grants, tag);
    if (tag == TAG_NONE) {
        err_set(why, ERR_UNKNOWN, "no tag \"%.100s\" in plant %s", item->tag, plant);
        return 404;
    }
    if (!*out) {
        err_set(why, ERR_DENIED, "tag \"%s\" is not among what this device provides: name it in \"provide\" first", item->tag);
        return 403;
    }
    if (item->number >= number_room(grants)) {
        err_set(why, ERR_RANGE, "tag \"%s\": expected a number below %zu, as many tags as this device provides, got %u", item->tag, number_room(grants),
                item->number);
        return 400;
    }
    return 200;
}

int grants_number(Grants *grants, const WireMessage *message, const TagTable *tags, const char *plant, ErrText *why)
{
    assert(message->topic == WIRE_NUMBERS);
    const Grant *grant;
    for (size_t i = 0; i < message->numbers.count; i++) {
        const int status = check_number(grants, &message->numbers.items[i], tags, plant, &grant, why);
        if (status != 200)
            return status;
    }
    if (!grants->numbered && grants->count) {
        grants->numbered = mem_alloc(grants->count * sizeof *grants->numbered);
        grants->number_count = grants->numbered ? grants->count : 0;
    }
    if (!grants->numbered && grants->count) {
        err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
        return 503;
    }
    for (size_t i = 0; i < message->numbers.count; i++)
        grants->numbered[message->numbers.items[i].number] = *grants_find(grants, tags_find(tags, message->numbers.items[i].tag));
    return 200;
}

const Grant *grants_numbered(const Grants *grants, uint32_t number)
{
    return number < grants->number_count && grants->numbered[number].unit ? &grants->numbered[number] : NULL;
}
