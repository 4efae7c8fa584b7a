/* grant.c -- checking a `provide`: the first thing that is wrong refuses the whole. */
#include "connectors/websocket/grant.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

static int grant_tag(Grant *grant, const WireTag *wish, const TagTable *tags, const char *plant, ErrText *why)
{
    const int status = find_tag(tags, wish->name, TAG_SAMPLED, plant, &grant->tag, why);
    if (status != 200)
        return status;

    const Unit *own = tags_get(tags, grant->tag).unit;
    grant->unit = own;
    if (!wish->unit)
        return 200;
    if (unit_parse(wish->unit, &grant->unit, why) != ERR_OK) {
        err_prefix(why, ERR_UNIT, "tag \"%s\"", wish->name);
        return 400;
    }
    if (!unit_converts(grant->unit, own)) {
        err_set(why, ERR_UNIT, "tag \"%s\": unit \"%s\" does not convert to \"%s\"", wish->name, wish->unit, unit_name(own));
        return 400;
    }
    return 200;
}

static int compare_grants(const void *a, const void *b)
{
    const TagId left = ((const Grant *)a)->tag, right = ((const Grant *)b)->tag;
    return (left > right) - (left < right);
}

static int grants_fill(Grants *grants, const WireMessage *message, const TagTable *tags, const char *plant, ErrText *why)
{
    for (size_t i = 0; i < message->provide.tag_count; i++) {
        const int status = grant_tag(&grants->items[i], &message->provide.tags[i], tags, plant, why);
        if (status != 200)
            return status;
        grants->count++;
    }
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
    grants->items = mem_alloc((message->provide.tag_count + 1) * sizeof *grants->items);
    grants->actuators = mem_alloc((message->provide.actuator_count + 1) * sizeof *grants->actuators);

    int status = 503;
    if (grants->items && grants->actuators)
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
    mem_free(grants->actuators);
    *grants = (Grants){0};
}

/* The tag of the same name, when it has this role; TAG_NONE otherwise. */
static TagId follow(TagId tag, TagRole role, const TagTable *before, const TagTable *tags)
{
    const TagId heir = tags_find(tags, tags_name(before, tag).text);
    return heir != TAG_NONE && tags_get(tags, heir).role == role ? heir : TAG_NONE;
}

void grants_follow(Grants *grants, const TagTable *before, const TagTable *tags)
{
    const size_t count = grants->count, actuator_count = grants->actuator_count;
    grants->count = grants->actuator_count = 0;
    for (size_t i = 0; i < count; i++) {
        const TagId tag = follow(grants->items[i].tag, TAG_SAMPLED, before, tags);
        if (tag != TAG_NONE && unit_converts(grants->items[i].unit, tags_get(tags, tag).unit))
            grants->items[grants->count++] = (Grant){tag, grants->items[i].unit};
    }
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
