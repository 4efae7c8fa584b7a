/* embedded.h -- files that are part of the program: engine/embed.cmake writes the source that takes them in. */
#pragma once

#include <stddef.h>

typedef struct Embedded {
    const char *name;   // below its folder, "schemas/alarm.json"; NULL behind the last
    const char *bytes;  // a 0 stands behind them
    size_t length;
} Embedded;

/// The file of that name, or NULL.
const Embedded *embedded_find(const Embedded *files, const char *name);
