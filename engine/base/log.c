/* log.c -- one write per line, so that lines of several threads do not mix. */
#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { MESSAGE_ROOM = 2048, LINE_ROOM = 2 * MESSAGE_ROOM + 256 };

static const char *const names[] = {"debug", "info", "warning", "error"};
static atomic_int lowest = LOG_INFO, form = LOG_TEXT;

void log_set_level(LogLevel level)
{
    atomic_store_explicit(&lowest, (int)level, memory_order_relaxed);
}

LogLevel log_level(void)
{
    return (LogLevel)atomic_load_explicit(&lowest, memory_order_relaxed);
}

const char *log_level_name(LogLevel level)
{
    assert(level >= LOG_DEBUG && level <= LOG_ERROR);
    return names[level];
}

bool log_level_find(const char *name, LogLevel *out)
{
    for (LogLevel level = LOG_DEBUG; level <= LOG_ERROR; level++)
        if (strcmp(name, names[level]) == 0) {
            *out = level;
            return true;
        }
    return false;
}

void log_set_form(LogForm new_form)
{
    atomic_store_explicit(&form, (int)new_form, memory_order_relaxed);
}

/* What came from outside must not begin a line of its own or speak to the terminal. */
static void disarm(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

/* One line without its end; returns its length. The message is plain text, so quotes and backslashes are all that JSON has to escape. */
static size_t put_line(char line[LINE_ROOM], LogLevel level, const char *who, const char *message)
{
    char time[32];
    time_format(clock_system.utc_ns(NULL) / NS_PER_MS * NS_PER_MS, time);
    if (atomic_load_explicit(&form, memory_order_relaxed) == LOG_TEXT)
        return (size_t)snprintf(line, LINE_ROOM, "%s %-7s %.100s: %s", time, names[level], who, message);

    size_t length = (size_t)snprintf(line, LINE_ROOM, "{\"time\":\"%s\",\"level\":\"%s\",\"who\":\"%.100s\",\"message\":\"", time, names[level], who);
    for (; *message; message++) {
        if (*message == '"' || *message == '\\')
            line[length++] = '\\';
        line[length++] = *message;
    }
    line[length++] = '"';
    line[length++] = '}';
    return length;
}

void log_write(LogLevel level, const char *who, const char *format, ...)
{
    assert(level >= LOG_DEBUG && level <= LOG_ERROR);
    assert(who);
    if (level < log_level())
        return;

    char message[MESSAGE_ROOM], line[LINE_ROOM];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    disarm(message);

    size_t length = put_line(line, level, who, message);
    line[length++] = '\n';

    // a log that cannot be written has nobody left to tell
    if (write(STDERR_FILENO, line, length) < 0)
        return;
}
