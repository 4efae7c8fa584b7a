/* window.h -- what is remembered of ticks that have run, so that they can run again: their samples, and checkpoints of the plant between them.
 *
 * A tick's samples lie on a shelf of its own, those of one block side by side, in the order in which they are folded in: (block, time, tag, seq). Every few
 * ticks a checkpoint keeps the state with which a tick begins. The oldest one lies at the beginning of the window or before; what is older is
 * forgotten. Where samples are too many, or memory fails, the window becomes shorter, and in the end begins anew.
 *
 * Samples that come late wait in a list until their ticks can run again, in the order of the ticks that begin with them.
 *
 * Memory: the window's own. Checkpoints are there from the start, shelves are used again.  Threads: the tick's. */
#pragma once

#include "sync/queue.h"

/* A sample that came late, and the block of its twin. */
typedef struct Late {
    Filed filed;
    uint32_t block;
} Late;

/* The state with which a tick begins. */
typedef struct Checkpoint {
    int64_t tick;
    void *bytes;
} Checkpoint;

typedef struct Window {
    int64_t ticks, every;  // the plant's lag_ticks and lag_every
    int64_t next;          // the tick that is kept next
    Shelf *shelves;        // ring: of tick k the k-th, modulo their count
    size_t shelf_count;
    size_t count;          // samples on all of them
    unsigned char *bytes;  // of all checkpoints
    Checkpoint *checkpoints;  // ring, from the oldest one on; none: the window has not begun
    size_t checkpoint_room, checkpoint_first, checkpoint_count;
    Late *late;
    size_t late_count, late_room;
} Window;

/// ERR_MEMORY, with something to fini.
Err window_init(Window *window, const Plant *plant, Arena *arena);
void window_fini(Window *window);

/// Whether a sample of `tick` that comes before tick `next` can still be used.
bool window_reaches(const Window *window, int64_t tick, int64_t next);
/// The i-th checkpoint, from the oldest.
Checkpoint *window_checkpoint(const Window *window, size_t i);
/// The shelf of a tick, which must lie between the oldest checkpoint and the newest tick.
Shelf *window_shelf(const Window *window, int64_t tick);

/// Forget everything but what came late; `next` is the tick that would be kept first.
void window_clear(Window *window, int64_t next);
/// Forget what no late sample needs any more; then a place for a checkpoint of the state with which the next tick begins, or NULL where none is due.
Checkpoint *window_turn(Window *window);
/// Keep `count` samples of `tick`, with at most `most` in the window: where they go, or NULL when it does not follow the ticks (then nothing late is used).
Filed *window_keep(Window *window, int64_t tick, size_t count, size_t most);
/// Let a late sample wait. ERR_MEMORY.
Err window_push(Window *window, const Late *late);
