/* rules.h -- what the plant's script says of its actuators, beside what is simulated first (trial.h).
 *
 *   gate = {
 *     interlock = { ["valve1.opening"] = function(ask) return value("pump1.running") > 0, "the pump stands still" end },
 *     mode      = { ["valve1.opening"] = "manual" },
 *     read_back = { ["valve1.opening"] = { "valve1.position", within = 2, seconds = 5 } },
 *     fail_safe = { ["valve1.opening"] = { 0, seconds = 30, while_heard = { "tank1.gauge" } } },
 *     watchdog  = { ["plc.alive"] = { every = 1 } },
 *     dry_run   = true,
 *   }
 *
 * `read_back` and `fail_safe` may stand in the entry of the actuator in `bind` instead.
 *
 * Takes: the plant's script.  Gives: Rules, by rising tag.  Memory: an arena of their own.  Threads: one; const once read. */
#pragma once

#include "gate/gate.h"

enum { RULES_MAX = 1024, WATCHDOGS_MAX = 16 };

/* In which sensor or input the device reports what it does. */
typedef struct ReadBack {
    TagId tag;           // TAG_NONE: nothing is read back
    double within;       // SI
    int64_t patience_ns; // from the device's answer on
} ReadBack;

typedef struct FailSafe {
    double value;       // SI
    int64_t silence_ns; // once one of `heard` was silent for longer, the value is written; 0: nobody listens
    TagId *heard;
    size_t heard_count;
} FailSafe;

typedef struct Rule {
    TagId tag;
    int interlock;     // a function in the registry of the script; LUA_NOREF: there is none
    ActuatorMode mode; // at the start
    bool fails_safe;
    FailSafe fail_safe;
    ReadBack read_back;
} Rule;

/* An actuator that is the gate's own: 0, 1, ... count - 1 and again, one further every period. */
typedef struct Watchdog {
    TagId tag;
    int64_t period_ns;
    uint32_t count;
} Watchdog;

typedef struct Rules {
    Rule *items;
    size_t count;
    Watchdog watchdogs[WATCHDOGS_MAX];
    size_t watchdog_count;
    bool dry_run;
    Arena arena;
} Rules;

/// Read them. ERR_SCRIPT with file and line; then, and at their end, rules__fini.
Err rules__read(Rules *rules, const Plant *plant, ErrText *why);
void rules__fini(Rules *rules);
