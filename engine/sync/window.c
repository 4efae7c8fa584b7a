#include "sync/window.h"

#include <assert.h>
#include <string.h>

enum { LATE_FIRST = 256, SPARE = 4 };

Err window_init(Window *window, const Plant *plant, Arena *arena)
{
    *window = (Window){.ticks = plant->lag_ticks, .every = plant->lag_every, .next = TIME_NONE};
    if (window->ticks == 0)
        return ERR_OK;
    window->shelf_count = (size_t)(window->ticks + window->every + 1);
    window->shelves = arena_new(arena, Shelf, window->shelf_count);
    window->checkpoint_room = plant_checkpoints(window->ticks, window->every);
    window->checkpoints = arena_new(arena, Checkpoint, window->checkpoint_room);
    window->bytes = mem_alloc(window->checkpoint_room * plant_checkpoint_size(plant));
    if (!window->shelves || !window->checkpoints || !window->bytes)
        return ERR_MEMORY;
    for (size_t i = 0; i < window->checkpoint_room; i++)
        window->checkpoints[i].bytes = window->bytes + i * plant_checkpoint_size(plant);
    return ERR_OK;
}

void window_fini(Window *window)
{
    for (size_t i = 0; window->shelves && i < window->shelf_count; i++)
        mem_free(window->shelves[i].items);
    mem_free(window->bytes);
    mem_free(window->late);
    *window = (Window){0};
}

Checkpoint *window_checkpoint(const Window *window, size_t i)
{
    assert(i < window->checkpoint_count);
    return &window->checkpoints[(window->checkpoint_first + i) % window->checkpoint_room];
}

Shelf *window_shelf(const Window *window, int64_t tick)
{
    const int64_t count = (int64_t)window->shelf_count, place = tick % count;
    return &window->shelves[place < 0 ? place + count : place];
}

bool window_reaches(const Window *window, int64_t tick, int64_t next)
{
    return window->checkpoint_count > 0 && window->next == next && tick >= next - window->ticks && tick >= window_checkpoint(window, 0)->tick;
}

// --- forgetting ----------------------------------------------------------------------------------------------------

/* The oldest checkpoint goes, with the ticks that run again from it alone. */
static void forget_oldest(Window *window)
{
    const int64_t from = window_checkpoint(window, 0)->tick, to = window->checkpoint_count > 1 ? window_checkpoint(window, 1)->tick : window->next;
    for (int64_t tick = from; tick < to; tick++) {
        Shelf *const shelf = window_shelf(window, tick);
        window->count -= shelf->count;
        shelf->count = 0;
    }
    window->checkpoint_first = (window->checkpoint_first + 1) % window->checkpoint_room;
    window->checkpoint_count--;
}

void window_clear(Window *window, int64_t next)
{
    while (window->checkpoint_count)
        forget_oldest(window);
    window->next = next;
    assert(window->count == 0);
}

// --- keeping -------------------------------------------------------------------------------------------------------

Checkpoint *window_turn(Window *window)
{
    while (window->checkpoint_count > 1 && window_checkpoint(window, 1)->tick <= window->next - window->ticks)
        forget_oldest(window);
    if (window->checkpoint_count > 0 && window->next % window->every != 0)
        return NULL;

    const bool again = window->checkpoint_count > 0 && window_checkpoint(window, window->checkpoint_count - 1)->tick == window->next;
    window->checkpoint_count += !again;
    assert(window->checkpoint_count <= window->checkpoint_room);
    Checkpoint *const newest = window_checkpoint(window, window->checkpoint_count - 1);
    newest->tick = window->next;
    return newest;
}

Filed *window_keep(Window *window, int64_t tick, size_t count, size_t most)
{
    if (window->checkpoint_count == 0 || window->next != tick)
        return NULL;
    while (window->checkpoint_count && (window->count + count > most || tick - window_checkpoint(window, 0)->tick >= (int64_t)window->shelf_count))
        forget_oldest(window);
    Shelf *const shelf = window_shelf(window, tick);
    if (window->checkpoint_count == 0 || shelf_make_room(shelf, count + count / 8 + SPARE)) {  // a few late ones find room, too
        window_clear(window, tick);
        return NULL;
    }

    assert(shelf->count == 0);
    shelf->count = count;
    window->count += count;
    window->next = tick + 1;
    return shelf->items;
}

Err window_push(Window *window, const Late *late)
{
    if (window->late_count == window->late_room) {
        const size_t room = window->late_room ? window->late_room * 2 : LATE_FIRST;
        Late *const grown = mem_grow(window->late, window->late_room * sizeof *grown, room * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        window->late = grown;
        window->late_room = room;
    }
    window->late[window->late_count++] = *late;
    return ERR_OK;
}
