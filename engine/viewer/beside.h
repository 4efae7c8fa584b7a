/* beside.h -- the emulated plant as a connector, in the same process: whoever looks at a plant script alone sees it live.
 *
 * Castor is stepped when his time has come, at the pace that was asked for; until `hurry` of plant time has passed, as fast as the twins follow. What he
 * measures arrives as samples, commands are obeyed at once.
 *
 * Takes: a plant script.  Gives: a Connector.  Memory: its own.  Threads: the tick's. */
#pragma once

#include "plant/castor.h"
#include "signal/connector.h"

typedef struct BesideDef {
    const char *plant;  // path of its script
    uint64_t seed;
    int64_t begin;      // plant time
    double hurry;       // s of plant time that go by as fast as they can
    double speed;       // from then on; INFINITY: as fast as it can
    bool no_faults;     // of the script
    const char *const *faults;  // more of them, see castor_add_fault
    size_t fault_count;
} BesideDef;

typedef struct Beside Beside;

Err beside_create(const BesideDef *def, Beside **out, ErrText *why);
void beside_destroy(Beside *beside);
/// Why it stands still, NULL while it does not: the control of the script has failed.
const char *beside_failure(const Beside *beside);

extern const ConnectorType beside_connector;
