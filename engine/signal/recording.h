/* recording.h -- how the columns of a recording (a CSV file with a header) map to tags; part of the plant script.
 *
 * The connector `tape` reads recordings by such a map. */
#pragma once

#include "signal/tag.h"

typedef struct RecordingColumn {
    const char *column;       // name in the header
    const char *time_column;  // its own time stamps, or NULL: the recording's time column
    TagId tag;
    const Unit *unit;         // of the numbers in the file
    bool optional;            // a recording without this column is fine
} RecordingColumn;

typedef struct RecordingMap {
    const char *time_column;
    const RecordingColumn *columns;
    size_t count;
} RecordingMap;
