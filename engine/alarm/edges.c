#include "alarm/edges.h"

#include <assert.h>
#include <string.h>

Err edges__init(Edges *edges, int64_t span)
{
    *edges = (Edges){.span = span, .newest = INT64_MIN, .reach = INT64_MIN};
    if (span == 0)
        return ERR_OK;
    edges->items = mem_alloc(EDGES_MAX * sizeof *edges->items);
    return edges->items ? ERR_OK : ERR_MEMORY;
}

void edges__fini(Edges *edges)
{
    mem_free(edges->items);
    *edges = (Edges){0};
}

void edges__clear(Edges *edges, int64_t now)
{
    edges->count = 0;
    edges->newest = edges->reach = now;
}

bool edges__is_of_use(const Edges *edges, const Edge *edge)
{
    return edge->time >= edges->newest - edges->span;
}

size_t edges__count_of_use(const Edges *edges)
{
    size_t count = 0;
    for (size_t i = 0; i < edges->count; i++)
        count += edges__is_of_use(edges, &edges->items[i]);
    return count;
}

/* Forget what nobody goes back to; where that does not help, the oldest quarter. */
static void make_room(Edges *edges)
{
    size_t kept = 0;
    for (size_t i = 0; i < edges->count; i++)
        if (edges__is_of_use(edges, &edges->items[i]))
            edges->items[kept++] = edges->items[i];
    if (kept > EDGES_MAX / 4 * 3) {
        const size_t dropped = EDGES_MAX / 4;
        for (size_t i = 0; i < dropped; i++)
            edges->reach = edges->items[i].time > edges->reach ? edges->items[i].time : edges->reach;
        kept -= dropped;
        memmove(edges->items, edges->items + dropped, kept * sizeof *edges->items);
    }
    edges->count = kept;
}

Edge *edges__note(Edges *edges, const Edge *edge)
{
    if (!edges->items)
        return NULL;
    if (edge->time > edges->newest)
        edges->newest = edge->time;
    if (edges->count == EDGES_MAX)
        make_room(edges);
    assert(edges->count < EDGES_MAX);
    edges->items[edges->count] = *edge;
    return &edges->items[edges->count++];
}

void edges__restore(Edges *edges, const void *items, size_t count, int64_t newest, int64_t reach)
{
    assert(count <= EDGES_MAX);
    edges->count = edges->items ? count : 0;
    edges->newest = newest;
    edges->reach = reach;
    if (edges->count)
        memcpy(edges->items, items, edges->count * sizeof *edges->items);
}
