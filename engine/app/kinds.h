/* kinds.h -- the kinds of connectors: those that are part of the program, a folder of connectors/ each, and shared libraries.
 *
 * Threads: any. */
#pragma once

#include "signal/connector_kind.h"

/// Those that are part of the program; NULL behind the last.
extern const ConnectorKind *const kinds[];

/// Find what a script names: one of `kinds`, or where `name` has a slash or ends in ".so" the shared library of that path, relative to `folder`. `library` is
/// for kinds_close, NULL for what is part of the program. ERR_UNKNOWN, ERR_IO or, for a library of another version, ERR_DENIED.
Err kinds_open(const char *name, const char *folder, const ConnectorKind **out, void **library, ErrText *why);
void kinds_close(void *library);
