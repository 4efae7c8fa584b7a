/* registry.h -- the devices of a plant: who has come, what each of them offers, what an engineer has bound it to, and how it is to be set.
 *
 * A device is *direct* when it offers the plant's own tags and access lets it, *unclaimed* when it offers others and nobody has said what they are, *claimed*
 * when an engineer has bound what it calls its tags to those of the plant, and *disabled* when he wants to hear nothing of it. What is unclaimed never
 * reaches the tick: of each of its tags the newest value stands here, for who decides what it is.
 *
 * Every device has a twin, two JSON documents with a version each: *desired* is what people want of it, *reported* what it says of itself. What differs is told
 * to the device (registry_delta).
 *
 * What an engineer has decided is kept in a file of its own beside the history, so that it outlives the history's being begun anew: JSON, its owner's alone,
 * always whole, written by a thread that nobody waits for but who wants to know that it is on disk. Strangers are not kept: they fill no disk.
 *
 * Takes: what devices offer (connectors), what engineers decide (server).  Gives: RegistryEntries.
 * Memory: its own, bounded by the numbers below.  Threads: one at a time, the service thread's; a thread of its own writes. */
#pragma once

#include <jansson.h>

#include "signal/unit.h"
#include "signal/wire.h"

enum {
    REGISTRY_MAX = 1024,            // devices
    REGISTRY_STRANGERS_MAX = 32,    // unclaimed ones that are connected
    REGISTRY_TAGS_MAX = 256,        // that a device has bound, and that are remembered of its offer
    REGISTRY_NAME_ROOM = 64,
    REGISTRY_FORMER_MAX = 8,        // devices that were replaced by others, in one place
    REGISTRY_DOCUMENT_MAX = 8192,   // bytes of desired, and of reported
    REGISTRY_DEPTH_MAX = WIRE_DEPTH_MAX - 2,  // levels of nesting in them: they travel inside a frame's `value`
    REGISTRY_BYTES_MAX = 64 << 20,  // of the file
};

typedef enum EntryState { ENTRY_UNCLAIMED, ENTRY_DIRECT, ENTRY_CLAIMED, ENTRY_DISABLED } EntryState;
/// "unclaimed", "direct", "claimed", "disabled".
const char *entry_state_name(EntryState state);

/// A tag or an actuator as a device offers it.
typedef struct EntryTag {
    char name[TAG_NAME_ROOM];
    char unit[32];     // "" where it says none
    bool is_actuator;
    uint32_t number;   // of it in records, UINT32_MAX before it is told
    double value;      // the newest, in the device's unit
    int64_t time;      // of that, TIME_NONE before
} EntryTag;

/// What a device calls `name` is `tag` of the plant.
typedef struct EntryBinding {
    char name[TAG_NAME_ROOM], tag[TAG_NAME_ROOM];
    char unit[32];  // of the device's numbers; "" the tag's own
} EntryBinding;

/// One half of a device's twin.
typedef struct EntryDocument {
    json_t *object;    // never NULL
    uint64_t version;  // rises by one with every change; 0: nobody has set anything yet
    int64_t changed;   // UTC, TIME_NONE before
} EntryDocument;

typedef struct RegistryEntry {
    char name[REGISTRY_NAME_ROOM];        // its place in the plant; it stays when the device is replaced
    char calls[REGISTRY_NAME_ROOM];       // what the device calls itself
    char credential[REGISTRY_NAME_ROOM];  // the name by which access lets it in, "" where nobody asks or it has none yet
    char kind[16], peer[64];              // of the connector, and of its newest connection
    char fingerprint[65], subject[402];   // of a certificate that it showed and nobody knows, "" for none
    char came_by[48];                     // the name by which access let it in, "" where nobody asks, or it is a stranger
    bool connected, direct, claimed, disabled;
    uint64_t session;                     // of its newest connection; rises over all devices
    int64_t first_seen, last_seen;        // UTC
    char claimed_by[48];
    int64_t claimed_at;                   // UTC, TIME_NONE
    char former[REGISTRY_FORMER_MAX][REGISTRY_NAME_ROOM];  // what devices called themselves that stood in this place before, newest first
    size_t former_count;
    EntryTag *tags;
    size_t tag_count;
    EntryBinding *bindings;
    size_t binding_count;
    EntryDocument desired, reported;
    void *link;  // the connector's own, while the device is connected
} RegistryEntry;

EntryState entry_state(const RegistryEntry *entry);
/// NULL when the device offers no tag of this name.
EntryTag *entry_tag(const RegistryEntry *entry, const char *name);
const EntryBinding *entry_binding(const RegistryEntry *entry, const char *name);
/// Whether the plant can take a binding: its tag is there and is written to from outside, or is an actuator, and the unit converts.
/// `unit` (may be NULL) is set then.
Err entry_check_binding(const EntryBinding *binding, const TagTable *tags, const Unit **unit, ErrText *why);

typedef struct Registry Registry;

typedef enum RegistryChange {
    REGISTRY_BOUND,    // what it is bound to
    REGISTRY_BARRED,   // it may not be here any more: disabled, replaced, forgotten
    REGISTRY_DESIRED,  // how it is to be set
} RegistryChange;

/// The connector whose devices these are: told at once of what is decided, so that it takes effect without a reconnection.
typedef struct RegistryWatch {
    void (*changed)(void *self, RegistryEntry *entry, RegistryChange change);
    void *self;
} RegistryWatch;

/// `path` NULL: nothing is kept. `clock` NULL: the machine's. ERR_IO, ERR_PARSE with the place in the file and what was expected there.
Err registry_open(const char *path, const Clock *clock, Registry **out, ErrText *why);
/// Writes what is not written yet.
void registry_close(Registry *registry);
void registry_watch(Registry *registry, RegistryWatch watch);

size_t registry_count(const Registry *registry);
/// In the order in which they were first seen.
RegistryEntry *registry_at(const Registry *registry, size_t index);
RegistryEntry *registry_find(const Registry *registry, const char *name);
/// Whose credential this is, NULL for nobody's.
RegistryEntry *registry_find_credential(const Registry *registry, const char *credential);
/// Who is connected by this link.
RegistryEntry *registry_find_link(const Registry *registry, const void *link);
/// Who is bound to a tag of the plant, but for `besides` (may be NULL).
RegistryEntry *registry_find_bound(const Registry *registry, const char *tag, const RegistryEntry *besides);

// Devices come and go: the connector's.

/// What a device says of itself when it comes.
typedef struct RegistryVisit {
    const WireMessage *provide;
    const char *kind, *peer;
    const char *who;                    // the name by which access let it in, "" or NULL for none
    const char *fingerprint, *subject;  // of a certificate that nobody knows, NULL for none
    bool direct;                        // it offers the plant's own tags: of a fleet's the first REGISTRY_TAGS_MAX are remembered
    void *link;
} RegistryVisit;

/// Whose place it is that somebody takes who calls himself so and came by this credential: NULL where nobody is asked for one, and then the name counts alone;
/// "" for who showed none, and then he is nobody whom an engineer has claimed. NULL: he is not known.
RegistryEntry *registry_recognize(const Registry *registry, const char *calls, const char *credential);
/// Whether somebody who calls himself so was replaced by another, whose entry that is.
RegistryEntry *registry_find_successor(const Registry *registry, const char *calls);
/// A device is there; `entry` is NULL for one that is not known, which gets an entry. Who is to be claimed is let in a few at a time. ERR_FULL, ERR_RANGE,
/// ERR_MEMORY with what is wrong: nothing has changed.
Err registry_arrive(Registry *registry, RegistryEntry *entry, const RegistryVisit *visit, RegistryEntry **out, ErrText *why);
void registry_leave(Registry *registry, RegistryEntry *entry);
/// What a tag of a device says now.
void registry_hear(EntryTag *tag, double value, int64_t time);
/// A merge patch of what the device says of itself. ERR_RANGE: too large, or too deep.
Err registry_report(Registry *registry, RegistryEntry *entry, const json_t *patch, ErrText *why);
/// The members of desired that the device has otherwise: the caller's to let go. NULL: no memory.
json_t *registry_delta(const RegistryEntry *entry);

// Who may come unknown.

/// Strangers are welcome at any time: where nobody is asked who he is.
void registry_open_door(Registry *registry);
/// Strangers are welcome for so long from now on; 0 ends it. A restart ends it too.
void registry_pair(Registry *registry, int64_t duration_ns);
bool registry_is_pairing(const Registry *registry);
/// UTC at which pairing ends: TIME_NONE where it does not run, INT64_MAX where it does not end.
int64_t registry_pairing_end(const Registry *registry);

// What engineers decide: it counts at once, and is on its way to the disk.

/// Bound to these and nothing else (a copy is made). ERR_FULL, ERR_MEMORY: nothing has changed.
Err registry_bind(Registry *registry, RegistryEntry *entry, const EntryBinding *bindings, size_t count, ErrText *why);
/// It is this plant's from now on; `credential` may be "".
void registry_claim(Registry *registry, RegistryEntry *entry, const char *credential, const char *by);
void registry_set_disabled(Registry *registry, RegistryEntry *entry, bool disabled);
/// The device of `successor` takes the place of that of `entry`: name, bindings and desired stay, what the old one has reported and its credential go.
/// The entry of the successor is no more.
Err registry_replace(Registry *registry, RegistryEntry *entry, RegistryEntry *successor, const char *credential, ErrText *why);
void registry_forget(Registry *registry, RegistryEntry *entry);
/// A merge patch of desired. ERR_RANGE: too large, or too deep.
Err registry_desire(Registry *registry, RegistryEntry *entry, const json_t *patch, ErrText *why);

// The disk.

/// Rises with every decision.
uint64_t registry_version(const Registry *registry);
/// The newest version that is on disk. Any thread.
uint64_t registry_saved(const Registry *registry);
/// Whether the last attempt at writing failed, and why. Any thread.
bool registry_has_failed(Registry *registry, ErrText *why);
/// Called on the writing thread behind every attempt; NULL for nobody.
void registry_on_saved(Registry *registry, void (*wake)(void *self), void *self);
/// Have written what devices have reported and when they were seen: a few times a minute at most. Call it now and then.
void registry_look(Registry *registry);
