#include "sync/queue.h"

#include <assert.h>
#include <string.h>

enum { ROOM_FIRST = 1024 };

static bool is_before(const Filed *a, const Filed *b)
{
    if (a->tick != b->tick)
        return a->tick < b->tick;
    if (a->sample.time != b->sample.time)
        return a->sample.time < b->sample.time;
    if (a->sample.tag != b->sample.tag)
        return a->sample.tag < b->sample.tag;
    return a->seq < b->seq;
}

static bool is_double(const Filed *a, const Filed *b)
{
    return a->sample.time == b->sample.time && a->sample.tag == b->sample.tag;
}

void queue_fini(Queue *queue)
{
    for (size_t i = 0; i < QUEUE_TICKS; i++)
        mem_free(queue->shelves[i].items);
    for (size_t i = 0; i < QUEUE_SPARES; i++)
        mem_free(queue->spares[i].items);
    mem_free(queue->pile.items);
    mem_free(queue->taken.items);
    *queue = (Queue){0};
}

// --- shelves -------------------------------------------------------------------------------------------------------

/* Keep the memory of a shelf for the next one; of too many, the smallest goes. */
static void put_aside(Queue *queue, Shelf *shelf)
{
    Shelf kept = {.items = shelf->items, .room = shelf->room};
    *shelf = (Shelf){0};
    for (size_t i = 0; i < QUEUE_SPARES && kept.items; i++)
        if (kept.room > queue->spares[i].room) {
            const Shelf smaller = queue->spares[i];
            queue->spares[i] = kept;
            kept = smaller;
        }
    mem_free(kept.items);
}

/* The largest spare for an empty shelf. */
static void use_spare(Queue *queue, Shelf *shelf)
{
    assert(!shelf->items);
    *shelf = queue->spares[0];
    memmove(queue->spares, queue->spares + 1, (QUEUE_SPARES - 1) * sizeof *queue->spares);
    queue->spares[QUEUE_SPARES - 1] = (Shelf){0};
}

Err shelf_make_room(Shelf *shelf, size_t needed)
{
    if (needed <= shelf->room)
        return ERR_OK;
    const size_t room = shelf->room * 2 > needed ? shelf->room * 2 : needed;
    Filed *const grown = mem_grow(shelf->items, shelf->room * sizeof *grown, room * sizeof *grown);
    if (!grown)
        return ERR_MEMORY;
    shelf->items = grown;
    shelf->room = room;
    return ERR_OK;
}

static Err make_room(Queue *queue, Shelf *shelf, size_t needed)
{
    if (!shelf->items)
        use_spare(queue, shelf);
    return shelf_make_room(shelf, needed > ROOM_FIRST ? needed : ROOM_FIRST);
}

static Err shelve(Queue *queue, Shelf *shelf, const Filed *filed)
{
    if (shelf->count == shelf->room && make_room(queue, shelf, shelf->count + 1))
        return ERR_MEMORY;
    if (shelf->count > 0) {
        const Filed *const last = &shelf->items[shelf->count - 1];
        shelf->unsorted |= is_double(last, filed) || !is_before(last, filed);
    }
    shelf->items[shelf->count++] = *filed;
    return ERR_OK;
}

/* Where a tick's samples lie: late ones with the first. */
static Shelf *shelf_of(Queue *queue, int64_t tick)
{
    if (!queue->begun || tick - queue->from >= QUEUE_TICKS)
        return &queue->pile;
    return &queue->shelves[tick > queue->from ? tick - queue->from : 0];
}

Err queue_push(Queue *queue, const Filed *filed)
{
    if (queue->count == SYNC_PENDING_MAX)
        return ERR_FULL;
    const Err err = shelve(queue, shelf_of(queue, filed->tick), filed);
    queue->count += !err;
    return err;
}

/* The ticks of all shelves have gone by: those that come next are taken from the pile, in the order in which they lie there. */
static void turn_over(Queue *queue, int64_t tick, QueueLoss *lost)
{
    Shelf *const pile = &queue->pile;
    size_t left = 0;
    queue->from = tick;
    queue->begun = true;
    for (size_t i = 0; i < pile->count; i++) {
        Shelf *const shelf = shelf_of(queue, pile->items[i].tick);
        if (shelf == pile)
            pile->items[left++] = pile->items[i];
        else
            lost->dropped += shelve(queue, shelf, &pile->items[i]) != ERR_OK;
    }
    pile->count = left;
    if (left == 0)
        put_aside(queue, pile);
}

// --- taking --------------------------------------------------------------------------------------------------------

/* Where the run that begins at `at` ends. */
static size_t run_end(const Filed *items, size_t at, size_t count)
{
    if (at == count)
        return at;
    do
        at++;
    while (at < count && is_before(&items[at - 1], &items[at]));
    return at;
}

/* Merge [first, middle) and [middle, end) of `items` into the same place of `out`. */
static void merge(const Filed *items, size_t first, size_t middle, size_t end, Filed *out)
{
    size_t a = first, b = middle;
    for (size_t i = first; i < end; i++)
        out[i] = b == end || (a < middle && is_before(&items[a], &items[b])) ? items[a++] : items[b++];
}

/* Natural merge sort: the runs that several providers leave are few, so a few passes do. ERR_MEMORY leaves the shelf as it was. */
static Err sort(Queue *queue, Shelf *shelf)
{
    Shelf other = {0};
    if (make_room(queue, &other, shelf->count))
        return ERR_MEMORY;
    for (size_t runs = 2; runs > 1;) {
        runs = 0;
        for (size_t at = 0; at < shelf->count; runs++) {
            const size_t middle = run_end(shelf->items, at, shelf->count), end = run_end(shelf->items, middle, shelf->count);
            merge(shelf->items, at, middle, end, other.items);
            at = end;
        }
        other.count = shelf->count;
        const Shelf merged = other;
        other = *shelf;
        *shelf = merged;
    }
    put_aside(queue, &other);
    return ERR_OK;
}

static size_t drop_doubles(Shelf *shelf)
{
    size_t kept = 1;
    for (size_t i = 1; i < shelf->count; i++)
        if (!is_double(&shelf->items[kept - 1], &shelf->items[i]))
            shelf->items[kept++] = shelf->items[i];
    const size_t dropped = shelf->count - kept;
    shelf->count = kept;
    return dropped;
}

/* Append a shelf to what is taken; the first one as it is. */
static void take_shelf(Queue *queue, Shelf *shelf, QueueLoss *lost)
{
    if (queue->taken.count == 0) {
        put_aside(queue, &queue->taken);
        queue->taken = *shelf;
        *shelf = (Shelf){0};
        return;
    }
    for (size_t i = 0; i < shelf->count; i++)
        lost->dropped += shelve(queue, &queue->taken, &shelf->items[i]) != ERR_OK;
    put_aside(queue, shelf);
}

Batch queue_take(Queue *queue, int64_t tick, QueueLoss *lost)
{
    *lost = (QueueLoss){0};
    Shelf *const taken = &queue->taken;
    taken->count = 0;
    taken->unsorted = false;
    for (int64_t i = 0; queue->begun && i < QUEUE_TICKS && i <= tick - queue->from; i++)
        if (queue->shelves[i].count)
            take_shelf(queue, &queue->shelves[i], lost);
    if (!queue->begun || tick - queue->from >= QUEUE_TICKS) {
        turn_over(queue, tick, lost);
        if (queue->shelves[0].count)
            take_shelf(queue, &queue->shelves[0], lost);
    }

    queue->count -= taken->count + lost->dropped;
    const bool unsorted = taken->unsorted;
    if (unsorted && sort(queue, taken)) {
        lost->dropped += taken->count;  // out of order they would give another result
        taken->count = 0;
    }
    if (unsorted && taken->count)
        lost->doubles = drop_doubles(taken);
    return (Batch){taken->items, taken->count};
}
