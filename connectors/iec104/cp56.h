/* cp56.h -- CP56Time2a, the time of seven bytes: milliseconds of the minute, minute, hour, day, month, year of the century, and what is wrong with it.
 *
 * A station's clock may run in a zone of its own; SU says that it stands an hour ahead of that for summer. The year has two digits: it is taken as the one
 * nearest to now (from 50 years back to 49 ahead). The day of the week is written and not read.
 *
 * Pure.  Source: IEC 60870-5-101:2003, 7.2.6.18. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CP56_SIZE = 7 };

/// Read a time as UTC. False when it says that it is invalid (IV), or is no date at all. `zone_ns` is what the station's standard time is ahead of UTC.
bool cp56_read(const uint8_t bytes[static CP56_SIZE], int64_t now, int64_t zone_ns, int64_t *utc);
/// Write `utc`, rounded down to milliseconds, in the standard time of the zone.
void cp56_write(int64_t utc, int64_t zone_ns, uint8_t out[static CP56_SIZE]);
