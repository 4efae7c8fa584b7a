/* log.h -- what the engine tells its operator, one line each, on standard error.
 *
 * Threads: any. A line is written whole. */
#pragma once

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR } LogLevel;

/// Lines below `level` are not written (default LOG_INFO).
void log_set_level(LogLevel level);
/// `who` is the folder or connector that speaks: log_write(LOG_INFO, "server", "listening on %s", url).
void log_write(LogLevel level, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));
