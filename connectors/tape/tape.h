/* tape.h -- recordings: a CSV file with a header, played as samples in the order of their own times.
 *
 * A recording is read whole and sorted by time (ties keep the order of rows, then of the map's columns). Times may be seconds, milliseconds,
 * microseconds or nanoseconds since 1970 (told by the size of a column's first one, or by the map; the others count alike), or RFC 3339, where a blank may
 * stand for the T, and UTC is meant where no zone is said. Values are numbers, True/False, on/off; a decimal comma is one where the file is not separated by
 * commas. Blank lines are skipped; an empty cell, NaN, NA, N/A, null or none is no sample; anything else is an error with file and line. Rows in a recording
 * repeat a sensor that has nothing new: a sample with the same tag and time as an earlier one is left out. What inputs were between their samples: between.h.
 *
 * Takes: a file, a RecordingMap.  Gives: samples; as a connector, Arrivals. */
#pragma once

#include "signal/signals.h"

typedef struct Tape Tape;

Err tape_open(const char *path, const RecordingMap *map, Tape **out, ErrText *why);
/// A tape of samples that were recorded otherwise, copied and put in order; `name` is what the device is called. ERR_RANGE: too many, ERR_MEMORY.
Err tape_of(const char *name, const Sample *samples, size_t count, Tape **out);
void tape_close(Tape *tape);
/// All samples, in order, SI. A view, until tape_close.
const Sample *tape_samples(const Tape *tape, size_t *count);

/// Plays the tape from its beginning: joined, the samples, one ARRIVAL_TIME (see tape_set_tail), left; one at a poll, so that ticks and commands
/// come between. Commands are answered as done at the next poll, behind the end too.
extern const ConnectorType tape_connector;  // self is the Tape
/// Whether everything has been polled, the answers to commands included.
bool tape_at_end(const Tape *tape);
/// What ARRIVAL_TIME at the end is: `after` ns behind the last sample (0 unless set); a step lets the last tick complete.
void tape_set_tail(Tape *tape, int64_t after);

typedef struct TapeEvent {
    int64_t time;
    const char *name;
    const char *twin, *cause;  // "" where the file does not say
} TapeEvent;
/// Read a file of events (columns time, event, and where there are such twin and cause), in order, into `arena`.
Err tape_read_events(const char *path, Arena *arena, TapeEvent **out, size_t *count, ErrText *why);
