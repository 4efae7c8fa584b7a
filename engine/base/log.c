/* log.c -- one write per line, so that lines of several threads do not mix. */
#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static atomic_int lowest = LOG_INFO;

void log_set_level(LogLevel level)
{
    atomic_store_explicit(&lowest, (int)level, memory_order_relaxed);
}

/* What came from outside must not begin a line of its own or speak to the terminal. */
static void disarm(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

void log_write(LogLevel level, const char *who, const char *format, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    assert(level >= LOG_DEBUG && level <= LOG_ERROR);
    assert(who);
    if ((int)level < atomic_load_explicit(&lowest, memory_order_relaxed))
        return;

    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    disarm(message);

    char time[32], line[sizeof message + 128];
    time_format(clock_system.utc_ns(NULL) / NS_PER_MS * NS_PER_MS, time);
    int length = snprintf(line, sizeof line - 1, "%s %-7s %s: %s", time, names[level], who, message);
    if (length > (int)sizeof line - 2)
        length = (int)sizeof line - 2;
    line[length++] = '\n';

    // a log that cannot be written has nobody left to tell
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        return;
}
