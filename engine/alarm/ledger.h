/* ledger.h -- numbered records that are open for a while, and which of them have changed.
 *
 * Alarms and commands live alike: a record gets the next number, changes a few times, and ends. What is open is bounded; what has
 * changed, ended records included, stays readable until ledger_settle, for history and the server. A record begins with its
 * uint64_t id; records lie in the order of their ids, so that the oldest comes first.
 *
 * Takes: the size of a record.  Gives: numbers, and the two lists.
 * Memory: all of it at ledger_init.  Threads: one. */
#pragma once

#include "base/base.h"

typedef struct Ledger {
    unsigned char *items;
    unsigned char *open_view, *changed_view;  // what ledger_open and ledger_changed gave last
    uint8_t *marks;      // of each item: changed, ended
    size_t item_size;
    size_t open_max;     // items has room for twice as many: those that were open at the last settling, and those added since
    size_t count, open_count;
    uint64_t last_id;    // the highest number ever given
} Ledger;

Err ledger_init(Ledger *ledger, size_t item_size, size_t open_max);
void ledger_fini(Ledger *ledger);
/// Forget all records and numbers.
void ledger_clear(Ledger *ledger);

/// How many more records may be open.
size_t ledger_room(const Ledger *ledger);
/// A new record with the next id, otherwise zero: open and changed. Whoever calls sees to the room (or makes it before the next ledger_open).
/// NULL when `open_max` and more were added since the last settling.
void *ledger_add(Ledger *ledger);
/// The same for a record that has ended already, which needs no room among the open ones.
void *ledger_note(Ledger *ledger);
/// Take up an open record as it was kept, number included: unchanged. NULL when its id does not rise above those that are there, or there is
/// no room.
void *ledger_adopt(Ledger *ledger, const void *record);
/// New numbers lie above `id`.
void ledger_number_from(Ledger *ledger, uint64_t id);

/// The open record with this id, or NULL.
void *ledger_find(const Ledger *ledger, uint64_t id);
/// The open record that follows `id` (0: the oldest), or NULL.
void *ledger_next(const Ledger *ledger, uint64_t id);
void ledger_touch(Ledger *ledger, const void *record);
/// The record is over: changed, and no longer found.
void ledger_end(Ledger *ledger, const void *record);

/// Views, oldest first, valid until the next call of the same function.
const void *ledger_open(const Ledger *ledger, size_t *count);
const void *ledger_changed(const Ledger *ledger, size_t *count);
/// Forget what changed, and what has ended.
void ledger_settle(Ledger *ledger);
