/* report.h -- a payload of Sparkplug B, read and written: metrics with names or aliases, numbers, times, qualities.
 *
 * Pure: whatever the bytes are, they are read or refused.
 *
 * Takes: bytes.  Gives: a Report; bytes again.  Memory: a Report's own, until report_fini.  Threads: any. */
#pragma once

#include "signal/sample.h"

/// Types of metrics that are numbers (Sparkplug 3.0.0, 6.4.16).
typedef enum MetricType {
    METRIC_UNKNOWN,
    METRIC_INT8,
    METRIC_INT16,
    METRIC_INT32,
    METRIC_INT64,
    METRIC_UINT8,
    METRIC_UINT16,
    METRIC_UINT32,
    METRIC_UINT64,
    METRIC_FLOAT,
    METRIC_DOUBLE,
    METRIC_BOOLEAN,
    METRIC_STRING,
    METRIC_DATE_TIME,
} MetricType;

/// The names of the types that can be written, as the specification spells them; the place is that of the type, less one. NULL-terminated.
extern const char *const metric_type_names[];

typedef struct Metric {
    const char *name;   // NULL: it is known by its alias
    bool has_alias, has_number, is_null, historical;
    uint64_t alias;
    double number;      // of a text, a file, ...: none
    int64_t time;       // TIME_NONE
    uint32_t type;      // MetricType, METRIC_UNKNOWN where it is not said, or one of those that are no numbers
    Quality quality;    // by the property "Quality"; good where there is none
} Metric;

typedef struct Report {
    int64_t time;  // TIME_NONE
    int sequence;  // 0 to 255, -1: none
    Metric *metrics;
    size_t count;
    void *payload;  // what names point into
} Report;

Err report_read(const void *bytes, size_t length, Report *out, ErrText *why);
void report_fini(Report *report);
/// NULL when it has no metric of this name.
const Metric *report_find(const Report *report, const char *name);

/// Append a payload. Metrics that are null, or have no number, are written as null.
Err report_write(const Report *report, Text *out);
/// What is left of a number in this type: rounded and cut to its range.
double metric_round(uint32_t type, double number);
