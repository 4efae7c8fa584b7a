#include "connectors/websocket/numbers.h"

#include <string.h>

enum { ROOM_FIRST = 64 };

static uint32_t *find_slot(const Numbers *numbers, uint32_t *slots, uint32_t slot_count, const char *name)
{
    uint32_t at = (uint32_t)hash_bytes(0, name, strlen(name)) & (slot_count - 1);
    while (slots[at] != NUMBER_NONE && strcmp(numbers->names[slots[at]], name) != 0)
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static bool grow(Numbers *numbers)
{
    const uint32_t room = numbers->room ? 2 * numbers->room : ROOM_FIRST;
    const char **const names = mem_grow(numbers->names, numbers->room * sizeof *names, room * sizeof *names);
    if (!names)
        return false;
    numbers->names = names;
    uint32_t *const slots = mem_alloc(2 * (size_t)room * sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0xff, 2 * (size_t)room * sizeof *slots);
    for (uint32_t i = 0; i < numbers->count; i++)
        *find_slot(numbers, slots, 2 * room, names[i]) = i;

    mem_free(numbers->slots);
    numbers->slots = slots;
    numbers->slot_count = 2 * room;
    numbers->room = room;
    return true;
}

uint32_t numbers_find(Numbers *numbers, const char *name)
{
    if (numbers->count == numbers->room && !grow(numbers))
        return NUMBER_NONE;
    uint32_t *const slot = find_slot(numbers, numbers->slots, numbers->slot_count, name);
    if (*slot != NUMBER_NONE)
        return *slot;
    const char *const copy = arena_text(&numbers->arena, name);
    if (!copy)
        return NUMBER_NONE;
    numbers->names[numbers->count] = copy;
    return *slot = numbers->count++;
}

void numbers_fini(Numbers *numbers)
{
    mem_free(numbers->names);
    mem_free(numbers->slots);
    arena_fini(&numbers->arena);
    *numbers = (Numbers){0};
}
