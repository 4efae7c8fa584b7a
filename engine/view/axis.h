/* axis.h -- round numbers along an axis, and how numbers and times are written for people. Pure. */
#pragma once

#include "base/base.h"

enum { AXIS_MARKS_MAX = 12, AXIS_TEXT = 40 };

typedef struct AxisMarks {
    double at[AXIS_MARKS_MAX];
    size_t count;
    double step;
} AxisMarks;

typedef struct AxisText {
    char text[AXIS_TEXT];
} AxisText;

/// Multiples of 1, 2 or 5 times a power of ten within [low, high], `most` (2 to AXIS_MARKS_MAX) at most.
AxisMarks axis_marks(double low, double high, size_t most);
/// Round times of the day (UTC) within [from, to]: seconds, minutes, hours, days; in ns.
AxisMarks axis_time_marks(int64_t from, int64_t to, size_t most);

/// `value` with as many decimals as `step` has.
AxisText axis_number(double value, double step);
/// A value of a panel: four significant digits, or as many as `sd` leaves any meaning to (two digits of it); "-" for NAN.
AxisText axis_value(double value, double sd);
/// The same in short, for a name in the scene: four digits, and no more than `sd` leaves a meaning to.
AxisText axis_short(double value, double sd);
/// The digits of a standard deviation beside such a value.
AxisText axis_sd(double value, double sd);
/// "14:48:58" in UTC; with the day before it where `day`.
AxisText axis_time(int64_t time, bool day);
/// How long, roughly: "0.4 s", "12 s", "5 min", "3 h", "2 d".
AxisText axis_span(double seconds);
/// A unit as people write it: "m³/h" for "m^3/h", "°C" for "degC"; "" for "1".
AxisText axis_unit(const char *unit);
