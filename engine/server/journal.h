/* journal.h -- alarms and commands on their way from the tick to those who watch, one by one: none is skipped.
 *
 * The tick passes every change on by a ring. The service thread keeps what a newcomer must be told: the alarms that are not over and
 * the last commands. Should the ring ever be full, the tick begins anew with the list of all alarms, and watchers get a new snapshot.
 *
 * Takes: Alarms, a Gate.  Gives: lists, and the changes as JSON.
 * Threads: pass on the tick's, the rest on the service thread. */
#pragma once

#include "server/recent.h"
#include "server/server.h"

enum { JOURNAL_COMMANDS = 50 };

typedef struct Journal {
    const Plant *plant;
    Ring changes;
    bool begin_anew;  // the tick's: the list of all alarms is owed
    uint64_t asides_told;  // the tick's: which list of what is aside was passed on last
    size_t pushed;         // the tick's: changes so far
    atomic_size_t passed;  // the same, raised where a tick's are whole: half a list is never taken in

    // the service thread's
    size_t taken;   // of `passed`
    Alarm *alarms;  // not over, oldest first; ALARMS_MAX
    size_t alarm_count;
    Aside asides[ASIDES_MAX];
    size_t aside_count;
    Command commands[JOURNAL_COMMANDS];  // oldest first
    size_t command_count;
    Text object;  // the one that is being written
} Journal;

/// `reader` (may be NULL) tells the commands from before.
Err journal_init(Journal *journal, const Plant *plant, HistoryReader *reader);
void journal_fini(Journal *journal);

/// Pass on what changed; true when that was anything.
bool journal_pass(Journal *journal, const Alarms *alarms, const Gate *gate);

/// Whether something was passed on that is not taken in yet.
bool journal_waits(const Journal *journal);
/// Take in what was passed on, and add it to `recent` under `revision`; what is there up to revision `told` may be dropped for it. True when it began
/// anew, or a change was lost for want of memory: then whoever watches needs a snapshot.
bool journal_take(Journal *journal, Recent *recent, uint64_t revision, uint64_t told);

/// Go on with another version of the plant: what is on its way is taken in, commands keep their tags by name, the alarms begin anew.
void journal_follow(Journal *journal, const Plant *plant, Recent *recent, uint64_t revision, uint64_t told);
