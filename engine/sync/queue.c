#include "sync/queue.h"

#include <assert.h>

static bool before(const Filed *a, const Filed *b)
{
    if (a->tick != b->tick)
        return a->tick < b->tick;
    if (a->sample.time != b->sample.time)
        return a->sample.time < b->sample.time;
    if (a->sample.tag != b->sample.tag)
        return a->sample.tag < b->sample.tag;
    return a->seq < b->seq;
}

void queue_fini(Queue *queue)
{
    mem_free(queue->items);
    *queue = (Queue){0};
}

Err queue_push(Queue *queue, const Filed *filed)
{
    if (queue->count == SYNC_PENDING_MAX)
        return ERR_FULL;
    if (queue->count == queue->room) {
        const size_t room = queue->room ? queue->room * 2 : 1024;
        Filed *grown = mem_grow(queue->items, queue->room * sizeof *grown, room * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        queue->items = grown;
        queue->room = room;
    }

    size_t at = queue->count++;
    for (; at > 0 && before(filed, &queue->items[(at - 1) / 2]); at = (at - 1) / 2)
        queue->items[at] = queue->items[(at - 1) / 2];
    queue->items[at] = *filed;
    return ERR_OK;
}

const Filed *queue_peek(const Queue *queue)
{
    return queue->count ? queue->items : NULL;
}

void queue_pop(Queue *queue, Filed *out)
{
    assert(queue->count > 0);
    *out = queue->items[0];
    const Filed last = queue->items[--queue->count];

    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < queue->count; at = child) {
        if (child + 1 < queue->count && before(&queue->items[child + 1], &queue->items[child]))
            child++;
        if (!before(&queue->items[child], &last))
            break;
        queue->items[at] = queue->items[child];
    }
    queue->items[at] = last;
}
