#include "alarm/asides.h"

#include <assert.h>
#include <string.h>

static Aside *find(Asides *asides, uint32_t twin, const char *name, AsideKind kind)
{
    for (size_t i = 0; i < asides->count; i++) {
        Aside *const item = &asides->items[i];
        if (item->twin == twin && item->kind == kind && strcmp(item->name, name) == 0)
            return item;
    }
    return NULL;
}

const Aside *asides__find(const Asides *asides, uint32_t twin, const char *name, AsideKind kind)
{
    return find((Asides *)asides, twin, name, kind);
}

const Aside *asides__find_alarm(const Asides *asides, uint64_t alarm)
{
    for (size_t i = 0; i < asides->count; i++)
        if (asides->items[i].alarm == alarm)
            return &asides->items[i];
    return NULL;
}

const Aside *asides__find_ended(const Asides *asides, int64_t now)
{
    for (size_t i = 0; i < asides->count; i++)
        if (asides->items[i].kind == ASIDE_SHELVED && asides->items[i].until <= now)
            return &asides->items[i];
    return NULL;
}

Err asides__put(Asides *asides, const Aside *aside)
{
    assert((aside->until == TIME_NONE) == (aside->kind == ASIDE_SUPPRESSED));
    Aside *item = find(asides, aside->twin, aside->name, aside->kind);
    if (!item && asides->count == ASIDES_MAX)
        return ERR_FULL;
    if (!item)
        item = &asides->items[asides->count++];
    *item = *aside;
    asides->changes++;
    return ERR_OK;
}

bool asides__take(Asides *asides, uint32_t twin, const char *name, AsideKind kind)
{
    Aside *const item = find(asides, twin, name, kind);
    if (!item)
        return false;
    const size_t behind = asides->count - (size_t)(item - asides->items) - 1;
    memmove(item, item + 1, behind * sizeof *item);
    asides->count--;
    asides->changes++;
    return true;
}

void asides__mark(const Asides *asides, Alarm *alarm)
{
    const Aside *const shelved = asides__find(asides, alarm->twin, alarm->name, ASIDE_SHELVED);
    alarm->shelved = shelved ? shelved->until : TIME_NONE;
    alarm->suppressed = asides__find(asides, alarm->twin, alarm->name, ASIDE_SUPPRESSED) != NULL;
}
