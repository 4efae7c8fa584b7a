/* handlers.h -- the plant's own answers: Lua functions that are called when something is wrong.
 *
 * The plant script's `on` table names them. Each call has a budget of instructions; one that fails or runs away is stopped, logged
 * with its file and line, and counted, and the tick goes on. What handlers wish is kept for the gate; it stands even when the handler
 * fails later. Their words are `command(tag, value, { reason = … })`, `value(tag)` and `log(text)`; values are in the units of the tags.
 *
 * Takes: the plant's script.  Gives: CommandWishes.
 * Memory: the script's, bounded by its sandbox.  Threads: the tick's. */
#pragma once

#include "alarm/alarm.h"

enum {
    HANDLER_INSTRUCTIONS = 1000 * 1000,  // of one call
    HANDLER_WISHES_MAX = 64,             // in one tick
    HANDLER_LINES_MAX = 64,              // of log in one tick
    HANDLER_FAILURES_MAX = 16,           // in one tick, after which the handler rests until the next
};

typedef enum HandlerKind { HANDLER_DIVERGENCE, HANDLER_ALARM, HANDLER_COUNT } HandlerKind;

typedef struct Handler {
    int function;              // reference into the registry, LUA_NOREF when the plant has none
    uint32_t failures_in_tick;
    uint32_t failures_in_row;
    int64_t logged;            // plant time of the last error that was logged, TIME_NONE
} Handler;

typedef struct Handlers Handlers;

struct Handlers {
    Plant *plant;
    Handlers **self;           // what the script's functions look through: NULL in it when these handlers are gone
    int self_reference;
    Handler handlers[HANDLER_COUNT];
    const char *running;       // name of the handler that runs, or NULL
    int64_t now;
    CommandWish wishes[HANDLER_WISHES_MAX];
    size_t wish_count;
    uint32_t line_count;
    uint64_t errors;
};

/// Find the handlers and give the script its words. `handlers` stays where it is until handlers__fini.
Err handlers__init(Handlers *handlers, Plant *plant, ErrText *why);
/// Before the plant, whose script it still needs.
void handlers__fini(Handlers *handlers);

/// A tick begins: forget its predecessor's wishes.
void handlers__begin(Handlers *handlers, int64_t now);
void handlers__divergence(Handlers *handlers, uint32_t twin, const Verdict *verdict, const char *text);
void handlers__alarm(Handlers *handlers, const Alarm *alarm, bool raised);
