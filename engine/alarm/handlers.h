/* handlers.h -- the plant's own answers: Lua functions that are called when something happens.
 *
 * The plant script's `on` table names them: `divergence`, `alarm`, `command`, `sample = { ["pattern"] = f }`, and `every(seconds, f)`. Each
 * call has a budget of instructions; one that fails or runs away is stopped, logged with its file and line, and counted, and the tick
 * goes on. What handlers wish is kept for the gate; it stands even when the handler fails later. Their words are
 * `command(tag, value, { reason = … })`, `value(tag)` and `log(text)`; values are in the units of the tags.
 *
 * Those that answer what is wrong (divergence, alarm) run last in a tick, so that their wishes are the newest, and the others leave them
 * half of the room for wishes and lines. Samples are many: all of a tick have one budget together, and what it does not reach is counted.
 *
 * Takes: the plant's script, samples, verdicts, alarms, commands.  Gives: CommandWishes.
 * Memory: the script's, bounded by its sandbox; masks and a queue where the plant has handlers of samples and commands.  Threads: the tick's. */
#pragma once

#include "alarm/alarm.h"
#include "alarm/hearing.h"

enum {
    HANDLER_INSTRUCTIONS = 1000 * 1000,  // of one call
    HANDLER_WISHES_MAX = 64,             // in one tick
    HANDLER_LINES_MAX = 64,              // of log in one tick
    HANDLER_FAILURES_MAX = 16,           // in one tick, after which the handler rests until the next
    HANDLER_CALL_COST = 1000,            // instructions that the smallest call of a sample handler counts for
    HANDLER_SAMPLES_COST = 10 * 1000 * 1000,  // instructions of all calls of sample handlers in one tick
    HANDLER_COMMANDS_MAX = 256,          // changes of commands between two ticks
    HANDLER_TIMERS_MAX = 64,
    HANDLERS_MAX = 3 + PATTERNS_MAX + HANDLER_TIMERS_MAX,
};

/// In the order in which they run.
typedef enum HandlerKind { HANDLER_COMMAND, HANDLER_SAMPLE, HANDLER_EVERY, HANDLER_DIVERGENCE, HANDLER_ALARM, HANDLER_COUNT } HandlerKind;

typedef struct Handler {
    HandlerKind kind;
    char pattern[TAG_NAME_ROOM];  // HANDLER_SAMPLE
    int64_t period_ns, order;     // HANDLER_EVERY: its period, its place in `on`
    int function;                 // reference into the registry
    uint32_t failures_in_tick;
    uint32_t failures_in_row;
    int64_t logged;               // plant time of the last error that was logged, TIME_NONE
} Handler;

typedef struct Handlers Handlers;

struct Handlers {
    Plant *plant;
    Handlers **self;           // what the script's functions look through: NULL in it when these handlers are gone
    int self_reference;
    Handler list[HANDLERS_MAX];  // by kind; patterns in their order, timers in that of `on`
    size_t count, first[HANDLER_COUNT + 1];  // of each kind in the list
    const Handler *running;    // or NULL
    Hearing hearing;           // empty without sample handlers
    Command *commands;         // that changed: `told_count` that the last tick has told, then those of the next; NULL without a command handler
    size_t told_count, command_count;
    int64_t now;
    CommandWish wishes[HANDLER_WISHES_MAX];
    size_t wish_count;
    uint32_t line_count;
    int64_t samples_budget;    // instructions that are left to sample handlers in this tick
    bool rehearses;            // in a forecast: nothing is logged, no samples come, and the first failure is kept
    ErrText failure;           // then; "" while none has failed
    uint64_t errors, unheard;
    int64_t unheard_logged;    // plant time, TIME_NONE
};

/// Find the handlers and give the script its words. `handlers` stays where it is until handlers__fini. `rehearses`: in a forecast.
Err handlers__init(Handlers *handlers, Plant *plant, bool rehearses, ErrText *why);
/// Before the plant, whose script it still needs.
void handlers__fini(Handlers *handlers);

/// Keep commands that changed for the next tick, but for those that the last one has told as they are.
void handlers__note_commands(Handlers *handlers, const Command *commands, size_t count);

/// A tick begins: forget its predecessor's wishes.
void handlers__begin(Handlers *handlers, int64_t now);
/// The commands that were noted.
void handlers__commands(Handlers *handlers);
/// Samples of the tick or late ones, in their order. They have one budget together.
void handlers__samples(Handlers *handlers, const Sync *sync, Batch batch);
/// Whether there are commands to be told, or timers that have come due.
bool handlers__have_work(const Handlers *handlers);
/// What has come due: a multiple of the period, counted from 1970, lies in the tick.
void handlers__timers(Handlers *handlers);
/// `amended`: late samples brought it about, in a tick that had run.
void handlers__divergence(Handlers *handlers, uint32_t twin, const Verdict *verdict, const char *text, bool amended);
void handlers__alarm(Handlers *handlers, const Alarm *alarm, bool raised, bool amended);
