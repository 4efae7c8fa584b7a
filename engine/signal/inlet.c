/* inlet.c -- a short list under a lock. */
#include "signal/inlet.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* A receipt is the inlet's number, and its mark in the bits below. */
enum { MARK_BITS = 44 };
static const uint64_t MARK_MASK = (UINT64_C(1) << MARK_BITS) - 1;

typedef struct Entry {
    const Inlet *inlet;
    uint64_t number;
} Entry;

struct Inlets {
    pthread_mutex_t lock;
    Entry items[INLETS_MAX];  // in the order in which they entered
    size_t count;
    uint64_t entered;  // until now
};

Err inlets_create(Inlets **out)
{
    Inlets *inlets = *out = mem_alloc(sizeof *inlets);
    if (!inlets)
        return ERR_MEMORY;
    pthread_mutex_init(&inlets->lock, NULL);
    return ERR_OK;
}

void inlets_destroy(Inlets *inlets)
{
    if (!inlets)
        return;
    assert(inlets->count == 0);
    pthread_mutex_destroy(&inlets->lock);
    mem_free(inlets);
}

Err inlets_enter(Inlets *inlets, const Inlet *inlet)
{
    pthread_mutex_lock(&inlets->lock);
    const bool fits = inlets->count < INLETS_MAX;
    if (fits)
        inlets->items[inlets->count++] = (Entry){inlet, ++inlets->entered};
    pthread_mutex_unlock(&inlets->lock);
    return fits ? ERR_OK : ERR_FULL;
}

void inlets_leave(Inlets *inlets, const Inlet *inlet)
{
    pthread_mutex_lock(&inlets->lock);
    size_t kept = 0;
    for (size_t i = 0; i < inlets->count; i++)
        if (inlets->items[i].inlet != inlet)
            inlets->items[kept++] = inlets->items[i];
    inlets->count = kept;
    pthread_mutex_unlock(&inlets->lock);
}

/* While a plant is exchanged for another version there may be two of a name: the newer is meant. */
static const Entry *find(const Inlets *inlets, const char *name)
{
    const Entry *found = NULL;
    for (size_t i = inlets->count; i-- > 0 && !found;)
        if (!name || strcmp(inlets->items[i].inlet->name, name) == 0)
            found = &inlets->items[i];
    for (size_t i = 0; i < inlets->count && found && !name; i++)
        if (strcmp(inlets->items[i].inlet->name, found->inlet->name) != 0)
            return NULL;
    return found;
}

static void refuse(const Inlets *inlets, const char *name, InletAnswer *answer)
{
    char names[sizeof answer->why.text / 2] = "none";
    size_t length = 0;
    for (size_t i = 0; i < inlets->count && length < sizeof names; i++)
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "", inlets->items[i].inlet->name);
    *answer = (InletAnswer){.status = 404};
    if (name)
        err_set(&answer->why, ERR_UNKNOWN, "no connector \"%.60s\" takes samples here; there is: %s", name, names);
    else
        err_set(&answer->why, ERR_UNKNOWN, "name the connector that is to take the samples; there is: %s", names);
}

void inlets_take(Inlets *inlets, const char *name, const InletBody *body, InletAnswer *answer)
{
    pthread_mutex_lock(&inlets->lock);
    const Entry *entry = find(inlets, name);
    *answer = (InletAnswer){0};
    if (entry)
        entry->inlet->take(entry->inlet->self, body, answer);
    else
        refuse(inlets, name, answer);
    if (answer->mark)
        answer->receipt = entry->number << MARK_BITS | (answer->mark & MARK_MASK);
    pthread_mutex_unlock(&inlets->lock);
}

bool inlets_have_stored(Inlets *inlets, uint64_t receipt)
{
    bool stored = false;
    pthread_mutex_lock(&inlets->lock);
    for (size_t i = 0; i < inlets->count && !stored; i++)
        if (inlets->items[i].number == receipt >> MARK_BITS)
            stored = inlets->items[i].inlet->has_stored(inlets->items[i].inlet->self, receipt & MARK_MASK);
    pthread_mutex_unlock(&inlets->lock);
    return stored;
}
