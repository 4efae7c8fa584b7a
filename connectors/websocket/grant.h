/* grant.h -- what one device may send and obey: tags with the unit of its numbers, and actuators.
 *
 * A device either calls the tags as the plant does, or was claimed: then its bindings say what its own names stand for.
 *
 * Takes: a `provide` or a RegistryEntry, the plant's tags.  Gives: Grants, by which samples are let in at the door.
 * Memory: the Grants' own.  Threads: the service thread's. */
#pragma once

#include "signal/registry.h"
#include "signal/signals.h"

typedef struct Grant {
    TagId tag;
    const Unit *unit;  // of the device's numbers
} Grant;

/// How a claimed device calls a tag.
typedef struct Alias {
    const char *name;  // the entry's
    Grant grant;
} Alias;

typedef struct Grants {
    Grant *items;  // by rising tag
    size_t count, room;
    size_t last;      // of them, that was sent by name
    Grant *numbered;  // by the device's number; no unit: not told
    size_t number_count;
    TagId *actuators;
    size_t actuator_count;
    Alias *aliases;  // by name; NULL: the names are the plant's
    size_t alias_count;
    size_t last_alias;  // of them, that was sent
} Grants;

/// Check what `message` (a `provide`) asks for. Returns 200, or the status of the refusal with `why`: then there is nothing to fini.
int grants_init(Grants *grants, const WireMessage *message, const TagTable *tags, const char *plant, ErrText *why);
/// What a claimed device is bound to and offers; bindings that the plant cannot take are left out. Names are the entry's: they hold until its bindings change.
/// ERR_MEMORY: then there is nothing to fini.
Err grants_bind(Grants *grants, const RegistryEntry *entry, const TagTable *tags);
/// Take over what numbers the device has told of what it offers.
void grants_number_aliases(Grants *grants, const RegistryEntry *entry);
bool grants_are_bound(const Grants *grants);
void grants_fini(Grants *grants);
/// Go on with the tags of another version of the plant: those of the same name that it still takes, or obeys, in these units.
void grants_follow(Grants *grants, const TagTable *before, const TagTable *tags);
/// NULL when the device may not send this tag.
const Grant *grants_find(const Grants *grants, TagId tag);
/// The grant behind the last one, when it is of this name: devices send their tags in turn, and to compare is quicker than to look up.
const Grant *grants_guess(const Grants *grants, const TagTable *tags, const char *name);

/// What a name of a claimed device stands for; NULL: nothing, or an actuator.
const Grant *grants_alias(Grants *grants, const char *name);
/// How a claimed device calls an actuator; NULL: as the plant does.
const Alias *grants_actuator(const Grants *grants, TagId actuator);

/// The device's numbers of its tags, below the number of tags that it provides. 200, or the status of the refusal with `why`: then none is taken.
int grants_number(Grants *grants, const WireMessage *message, const TagTable *tags, const char *plant, ErrText *why);
/// NULL when the device has told no tag of this number.
const Grant *grants_numbered(const Grants *grants, uint32_t number);
