/* log.h -- what the engine tells its operator, one line each, on standard error: text for people, or a JSON object for machines.
 *
 * Threads: any. A line is written whole. */
#pragma once

#include <stdbool.h>

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR } LogLevel;
typedef enum LogForm { LOG_TEXT, LOG_JSON } LogForm;

/// Lines below `level` are not written (default LOG_INFO).
void log_set_level(LogLevel level);
LogLevel log_level(void);
/// "debug", "info", "warning", "error".
const char *log_level_name(LogLevel level);
/// False when there is no level of this name.
bool log_level_find(const char *name, LogLevel *out);

/// Default LOG_TEXT: `2026-01-22T14:48:58.720Z info    server: listening`. LOG_JSON: `{"time":…,"level":"info","who":"server","message":"listening"}`.
void log_set_form(LogForm form);
/// `who` is the folder or connector that speaks: log_write(LOG_INFO, "server", "listening on %s", url).
void log_write(LogLevel level, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));
