#include "alarm/shelf.h"

#include <assert.h>
#include <string.h>

static Aside *find(Shelf *shelf, uint32_t twin, const char *name, AsideKind kind)
{
    for (size_t i = 0; i < shelf->count; i++) {
        Aside *const item = &shelf->items[i];
        if (item->twin == twin && item->kind == kind && strcmp(item->name, name) == 0)
            return item;
    }
    return NULL;
}

const Aside *shelf__find(const Shelf *shelf, uint32_t twin, const char *name, AsideKind kind)
{
    return find((Shelf *)shelf, twin, name, kind);
}

const Aside *shelf__find_alarm(const Shelf *shelf, uint64_t alarm)
{
    for (size_t i = 0; i < shelf->count; i++)
        if (shelf->items[i].alarm == alarm)
            return &shelf->items[i];
    return NULL;
}

const Aside *shelf__find_ended(const Shelf *shelf, int64_t now)
{
    for (size_t i = 0; i < shelf->count; i++)
        if (shelf->items[i].kind == ASIDE_SHELVED && shelf->items[i].until <= now)
            return &shelf->items[i];
    return NULL;
}

Err shelf__put(Shelf *shelf, const Aside *aside)
{
    assert((aside->until == TIME_NONE) == (aside->kind == ASIDE_SUPPRESSED));
    Aside *item = find(shelf, aside->twin, aside->name, aside->kind);
    if (!item && shelf->count == ASIDES_MAX)
        return ERR_FULL;
    if (!item)
        item = &shelf->items[shelf->count++];
    *item = *aside;
    shelf->changes++;
    return ERR_OK;
}

bool shelf__take(Shelf *shelf, uint32_t twin, const char *name, AsideKind kind)
{
    Aside *const item = find(shelf, twin, name, kind);
    if (!item)
        return false;
    const size_t behind = shelf->count - (size_t)(item - shelf->items) - 1;
    memmove(item, item + 1, behind * sizeof *item);
    shelf->count--;
    shelf->changes++;
    return true;
}

void shelf__mark(const Shelf *shelf, Alarm *alarm)
{
    const Aside *const shelved = shelf__find(shelf, alarm->twin, alarm->name, ASIDE_SHELVED);
    alarm->shelved = shelved ? shelved->until : TIME_NONE;
    alarm->suppressed = shelf__find(shelf, alarm->twin, alarm->name, ASIDE_SUPPRESSED) != NULL;
}
