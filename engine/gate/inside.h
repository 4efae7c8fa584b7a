/* inside.h -- what the files of the gate share.
 *
 * gate.c is the way of a command; checks.c says what is wrong with a wish, interlock.c asks the script; hold.c keeps modes and fail-safe values, verify.c reads
 * back what devices did, watchdog.c says that we live; succeed.c takes over from a gate before, snapshot.c keeps what is state. */
#pragma once

#include "gate/gate.h"
#include "gate/rules.h"
#include "gate/trial.h"

/* What an actuator was told. */
typedef struct Order {
    uint64_t id;  // 0: nothing yet
    double value;
    int64_t time;
} Order;

/* What is kept of an actuator that the script has a rule for. */
typedef struct Guard {
    const Rule *rule;
    struct Actuator *actuator;
    TagId lost;            // what it listens to and is silent for too long; TAG_NONE: nothing
    int64_t lost_ns;       // for how long
    uint64_t safe_command; // the last that was to bring it to its fail-safe value; 0: none
    int64_t safe_asked;    // plant time when that was asked for
    int64_t safe_again;    // plant time from when on that may be tried again
    uint64_t verified;     // the command that is being read back; 0: none
    int64_t verified_from, verified_until;  // plant time
} Guard;

/* What handlers were refused last. */
typedef struct Refusal {
    uint64_t id;   // 0: nothing
    uint64_t why;  // a hash of value and reason
    int64_t time;
} Refusal;

typedef struct Actuator {
    TagId tag;
    const Channel *channel;
    Guard *guard;          // NULL: the script has no rule for it
    ActuatorState *state;  // NULL: automatic, as ever
    Order last;   // that passed the gate and has not failed or expired since: what a wish is compared with
    Order given;  // that was handed to a device and has not failed since: what its rate of change is measured from
    Order done;   // that a device confirmed
    Order withheld;    // what would have been handed over last, in a dry run of the plant
    uint64_t rehearsed; // a dry run that waits for its trial; 0: none
    Refusal refusal;
} Actuator;

struct Gate {
    const Plant *plant;
    Rules rules;
    Guard *guards;  // of the rules
    Ledger ledger;
    Actuator *actuators;  // by rising tag
    size_t actuator_count;
    Trials *trials;  // NULL: nothing is simulated first
    uint64_t stray;        // answers that came too late or to nothing
    int64_t stray_logged;  // plant time, TIME_NONE
    bool patient;  // commands that were sent are not ended at their deadline
    bool dry;      // nothing is handed over

    ActuatorState *states;
    size_t state_count, states_max;
    uint64_t state_changes, last_act;
    int64_t judged_since;  // plant time of the first tick: what was never heard is silent from there on; TIME_NONE

    int64_t interlock_time;  // of the tick in which interlocks have failed last
    uint32_t interlock_failures;
    int64_t interlock_logged;  // plant time, TIME_NONE
    uint64_t beats_failed;
    int64_t beats_logged;  // plant time, TIME_NONE
};

/* "42 degC" */
typedef struct ValueText {
    char text[64];
} ValueText;

Actuator *gate__find(const Gate *gate, TagId tag);
/// A command is over.
void gate__end(Gate *gate, Command *command, CommandState state, int64_t now, const char *format, ...) __attribute__((format(printf, 5, 6)));
/// What a command that waits says meanwhile.
void gate__say(Gate *gate, Command *command, const char *format, ...) __attribute__((format(printf, 3, 4)));
/// A wish has passed; NULL when there is no room.
Command *gate__accept(Gate *gate, Actuator *actuator, const CommandWish *wish, int64_t now);
/// What is newer replaces what has not gone out yet: the device must not see the older one after it.
void gate__supersede(Gate *gate, uint64_t old, uint64_t by, int64_t now);

// checks.c
/// What is wrong with a wish for `actuator` (NULL: its tag is none), or ERR_OK.
Err gate__check(Gate *gate, const Actuator *actuator, const CommandWish *wish, int64_t now, ErrText *why);
/// The same for one that has waited: whether it may still go. What it is, was looked at.
Err gate__check_again(Gate *gate, const Actuator *actuator, const CommandWish *wish, int64_t now, ErrText *why);
ValueText gate__value_text(const Plant *plant, TagId tag, double si);

// interlock.c
/// ERR_DENIED with the script's reason when the interlock does not agree, ERR_SCRIPT when it has failed.
Err gate__ask_interlock(Gate *gate, const Actuator *actuator, const CommandWish *wish, int64_t now, ErrText *why);

// hold.c
/// The state of an actuator, made where there is none; NULL without room.
ActuatorState *gate__state(Gate *gate, Actuator *actuator);
/// Lay out what the rules say of the start.
Err gate__begin_states(Gate *gate);
void gate__judge_silence(Gate *gate, const Sync *sync, int64_t now);
/// Ask for the fail-safe values that are not confirmed.
void gate__make_safe(Gate *gate, int64_t now);
/// Whether this command is to bring its actuator to its fail-safe value.
bool gate__is_safety(const Actuator *actuator, const Command *command);
/// The newest command of an actuator before a restart.
void gate__recall_safety(Actuator *actuator, const Command *command);

// verify.c
/// A device has confirmed a command whose actuator reports: true, and it stays open until that report has come near.
bool gate__verify(Gate *gate, Command *command, int64_t now);
/// Another command is handed over before the last one was read back.
void gate__supersede_report(Gate *gate, const Actuator *actuator, uint64_t by, int64_t now);
void gate__judge_reports(Gate *gate, const Sync *sync, int64_t now);

// watchdog.c
bool gate__is_watchdog(const Gate *gate, TagId tag);
/// Whether an id is that of a watchdog's beat; and what became of one.
bool gate__is_beat(uint64_t id);
void gate__note_beat(Gate *gate, bool done, const char *detail, int64_t now);
