/* audit.h -- who changed something or was refused, in a chain that shows when it was tampered with.
 *
 * Whoever changes or refuses something notes it, on any thread and without waiting: notes go into a mailbox, and one thread makes a chain of them. With a
 * history that is its writer, and the entries are rows on disk; without one it is whoever calls audit_keep, and the newest AUDIT_KEPT_MAX are in memory.
 * What finds no room in the mailbox is counted, and an entry of its own says how many those were.
 *
 * Every entry has a hash, BLAKE2b-256 over the hash before it (zeros before the first) and its own bytes (chain.h). So a row that was changed, taken out or put
 * in does not fit, and neither does any behind it. Whoever can write the file can make the chain anew from there, or cut off its end: that
 * is only seen by who has kept the hash of an entry elsewhere.
 *
 * Takes: AuditNotes.  Gives: AuditEntries.
 * Memory: all of it at audit_create.  Threads: note on any; take, keep and list on one. */
#pragma once

#include "base/base.h"

enum {
    AUDIT_HASH = 32,        // bytes
    AUDIT_WAITING_MAX = 1024,
    AUDIT_KEPT_MAX = 1024,  // without a history
};

typedef enum AuditOutcome { AUDIT_DONE, AUDIT_REFUSED } AuditOutcome;
/// "done", "refused".
const char *audit_outcome_name(AuditOutcome outcome);

/// What is to be noted; texts that are NULL are empty, those that are too long for an AuditEntry are cut.
typedef struct AuditNote {
    const char *who;     // "anna", "handler:overflow"; "" where nobody has to say it
    const char *role;    // "operator"; "" of programs and handlers
    const char *peer;    // address and port; "" of what was not asked for by the network
    const char *action;  // a word: "acknowledge", "command", "login", "reload"; of a request without one its method
    const char *target;  // "tank1.overflow", "valve1.opening", a path
    AuditOutcome outcome;
    const char *detail;  // the value and the reason, or why it was refused
} AuditNote;

typedef struct AuditEntry {
    uint64_t seq;  // from 1, without gaps
    int64_t time;  // time of day, not of the plant
    AuditOutcome outcome;
    char who[64], role[16], peer[64], action[32], target[160], detail[256];
    unsigned char hash[AUDIT_HASH];
} AuditEntry;

typedef struct Audit Audit;

/// `clock` says what time of day it is.
Err audit_create(const Clock *clock, Audit **out);
void audit_destroy(Audit *audit);
/// Note it, with the time of now. `audit` may be NULL: then nobody wants to know.
void audit_note(Audit *audit, const AuditNote *note);
/// How many entries there are to be, and how many found no room.
uint64_t audit_noted(const Audit *audit);
uint64_t audit_dropped(const Audit *audit);

// The thread that makes the chain.

/// Before the first note: `wake` is called behind every note, on the thread of whoever noted it.
void audit_on_note(Audit *audit, void (*wake)(void *self), void *self);
bool audit_is_waiting(const Audit *audit);
/// Take up to `room` of what waits, without numbers and hashes. When some were dropped, an entry says so.
size_t audit_take(Audit *audit, AuditEntry *out, size_t room);
/// Without a history: take all that waits into memory, as often as notes are to find room.
void audit_keep(Audit *audit);
/// Of those in memory the newest with a lower number than `before`, newest first, `room` at the most. Says how many.
size_t audit_list(const Audit *audit, uint64_t before, AuditEntry *out, size_t room);

// The file of a history, beside who writes it.

/// The newest with a lower number than `before`, newest first.
Err audit_read_file(const char *path, uint64_t before, size_t limit, Arena *arena, AuditEntry **out, size_t *count, ErrText *why);

typedef struct AuditProof {
    uint64_t count;  // of entries that fit
    unsigned char head[AUDIT_HASH];  // of the last of them, zeros without any
    uint64_t broken;                 // number of the first that does not fit, 0: all do
    bool found;                      // the hash that was looked for is that of one that fits
} AuditProof;
/// Check the chain; `kept` (may be NULL) is a hash from before that is looked for. ERR_OK when it could be read, whatever it says.
Err audit_verify_file(const char *path, const unsigned char *kept, AuditProof *out, ErrText *why);
