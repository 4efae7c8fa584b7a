/* mailbox.h -- a bounded queue from many threads to one: nobody waits, for the others as little as for the reader.
 *
 * A writer takes the next place by one exchange, fills it, and says that it is full; so messages come out in the order in which places were
 * taken. Where one writer has not finished with its place yet, the reader sees nothing behind it until it has. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef struct Mailbox {
    unsigned char *places;  // a turn each, and the item behind it
    size_t item_size, place_size;
    size_t capacity;  // a power of two
    _Alignas(64) atomic_size_t tail;  // next to write
    _Alignas(64) size_t head;         // next to read; the reader's
} Mailbox;

/// Room for at least `capacity` items of `item_size` bytes.
Err mailbox_init(Mailbox *mailbox, size_t item_size, size_t capacity);
void mailbox_fini(Mailbox *mailbox);
/// Copy one item in, on any thread; false when it is full.
bool mailbox_put(Mailbox *mailbox, const void *item);
/// Copy one item out, on the reader's thread; false when there is none.
bool mailbox_take(Mailbox *mailbox, void *item);
/// Whether there is nothing to take; on the reader's thread.
bool mailbox_is_empty(const Mailbox *mailbox);
