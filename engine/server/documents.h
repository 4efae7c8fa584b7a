/* documents.h -- the texts of docs/api, built into the program so that what describes the interface is always of the same version as what speaks it.
 *
 * documents.cmake writes them at build time: openapi.json, and the schemas of what is sent and asked for. */
#pragma once

#include <stddef.h>

typedef struct Document {
    const char *path;  // below docs/api: "openapi.json", "schemas/alarm.json"
    const char *bytes;
    size_t length;
} Document;

extern const Document documents[];  // a path of NULL ends them
