/* recording.h -- how the columns of a recording (a CSV file with a header) map to tags; part of the plant script.
 *
 * The connector `tape` reads recordings by such a map. */
#pragma once

#include "signal/tag.h"

/// What an input is taken to have been between two samples of a recording.
typedef enum Between {
    BETWEEN_HOLD,    // the last sample, until the next: what is known beside a living asset
    BETWEEN_LINEAR,  // on the straight line from sample to sample
    BETWEEN_BAND,    // the smooth curve that has no frequency above half the rate of the samples
} Between;
/// "hold", "linear", "band". False for another word.
bool between_parse(const char *text, Between *out);

typedef struct RecordingColumn {
    const char *column;       // name in the header
    const char *time_column;  // its own time stamps, or NULL: the recording's time column
    TagId tag;
    const Unit *unit;         // of the numbers in the file
    bool optional;            // a recording without this column is fine
    bool input;               // of the model, so it acts between its samples too
    Between between;          // inputs; of sensors always BETWEEN_HOLD
    int64_t gap_ns;           // a longer silence is not bridged but held; 0: ten times the median interval of the samples
    double min, max;          // inputs: what lies between the samples keeps within, SI
} RecordingColumn;

typedef struct RecordingMap {
    const char *time_column;
    const RecordingColumn *columns;
    size_t count;
    int64_t step_ns;   // the plant's: inputs are sampled in it where they are not held
    int64_t time_unit; // ns of one, where the times are plain numbers; 0: told by their size
} RecordingMap;
