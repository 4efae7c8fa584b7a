/* inlet.c -- a short list under a lock. */
#include "signal/inlet.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct Inlets {
    pthread_mutex_t lock;
    const Inlet *items[INLETS_MAX];  // in the order in which they entered
    size_t count;
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
        inlets->items[inlets->count++] = inlet;
    pthread_mutex_unlock(&inlets->lock);
    return fits ? ERR_OK : ERR_FULL;
}

void inlets_leave(Inlets *inlets, const Inlet *inlet)
{
    pthread_mutex_lock(&inlets->lock);
    size_t kept = 0;
    for (size_t i = 0; i < inlets->count; i++)
        if (inlets->items[i] != inlet)
            inlets->items[kept++] = inlets->items[i];
    inlets->count = kept;
    pthread_mutex_unlock(&inlets->lock);
}

/* While a plant is exchanged for another version there may be two of a name: the newer is meant. */
static const Inlet *find(const Inlets *inlets, const char *name)
{
    const Inlet *found = NULL;
    for (size_t i = inlets->count; i-- > 0 && !found;)
        if (!name || strcmp(inlets->items[i]->name, name) == 0)
            found = inlets->items[i];
    for (size_t i = 0; i < inlets->count && found && !name; i++)
        if (strcmp(inlets->items[i]->name, found->name) != 0)
            return NULL;
    return found;
}

static void refuse(const Inlets *inlets, const char *name, InletAnswer *answer)
{
    char names[sizeof answer->why.text / 2] = "none";
    size_t length = 0;
    for (size_t i = 0; i < inlets->count && length < sizeof names; i++)
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "", inlets->items[i]->name);
    *answer = (InletAnswer){.status = 404};
    if (name)
        err_set(&answer->why, ERR_UNKNOWN, "no connector \"%.60s\" takes samples here; there is: %s", name, names);
    else
        err_set(&answer->why, ERR_UNKNOWN, "name the connector that is to take the samples; there is: %s", names);
}

void inlets_take(Inlets *inlets, const char *name, const InletBody *body, InletAnswer *answer)
{
    pthread_mutex_lock(&inlets->lock);
    const Inlet *inlet = find(inlets, name);
    *answer = (InletAnswer){0};
    if (inlet)
        inlet->take(inlet->self, body, answer);
    else
        refuse(inlets, name, answer);
    pthread_mutex_unlock(&inlets->lock);
}

bool inlets_have_stored(Inlets *inlets, const char *name, uint64_t mark)
{
    pthread_mutex_lock(&inlets->lock);
    const Inlet *inlet = find(inlets, name);
    const bool stored = !inlet || inlet->has_stored(inlet->self, mark);
    pthread_mutex_unlock(&inlets->lock);
    return stored;
}
