/* compile.h -- items: what stands between expressions and instructions, for the files that compile. */
#pragma once

#include "graph/ops.h"

#define NEVER UINT32_MAX

typedef enum PlaceKind { PLACE_COLUMN, PLACE_CONSTANT, PLACE_ITEM, PLACE_REGISTER } PlaceKind;

typedef struct Place {
    PlaceKind kind;
    uint32_t index;
} Place;

/* A value, and the instruction that computes it. Items stand behind those that they read. */
typedef struct Item {
    uint16_t op;
    Place args[3];       // columns, constants and other items
    uint32_t readers;    // items that read the value; twice where one reads it twice
    uint32_t target;     // the column that the value is assigned to, NEVER for a part of something larger
    uint32_t last_read;  // the last item that reads the value, NEVER when none does
    Place place;         // where the value is, once it is computed
} Item;

/// Join products with the sums that read them, where that is no more work. Items that nobody needs any longer stay, with no readers.
void schedule__fuse(Item *items, uint32_t count);
/// Bring the items into the order in which they are best computed, without those that nobody needs, and say how many remain.
/// False without memory.
bool schedule__order(Item *items, uint32_t *count, Arena *arena);
