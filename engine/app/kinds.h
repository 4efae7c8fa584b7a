/* kinds.h -- the connectors that are part of the program: a folder of connectors/ each.
 *
 * Threads: any; const. */
#pragma once

#include "signal/connector_kind.h"

/// NULL-terminated, by name.
extern const ConnectorKind *const kinds[];
/// NULL when none has this name.
const ConnectorKind *kinds_find(const char *name);
