#include "server/args.h"

#include <stdlib.h>
#include <string.h>

bool args_whole(const Request *request, const char *name, size_t least, size_t most, size_t *out, Reply *reply)
{
    const char *text = request_arg(request, name);
    if (!text)
        return true;
    char *end;
    const unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || number < least || number > most) {
        reply_problem(reply, 400, "%s: expected a whole number from %zu to %zu, got \"%.60s\"", name, least, most, text);
        return false;
    }
    *out = (size_t)number;
    return true;
}

bool args_count(const Request *request, const char *name, size_t fallback, size_t most, size_t *out, Reply *reply)
{
    *out = fallback;
    return args_whole(request, name, 1, most, out, reply);
}

bool args_seconds(const Request *request, const char *name, double most, double *out, Reply *reply)
{
    const char *text = request_arg(request, name);
    if (!text)
        return true;
    char *end;
    const double seconds = strtod(text, &end);
    if (*text && !*end && seconds >= 0 && seconds <= most) {
        *out = seconds;
        return true;
    }
    reply_problem(reply, 400, "%s: expected seconds from 0 to %g, got \"%.60s\"", name, most, text);
    return false;
}

bool args_time(const Request *request, const char *name, int64_t fallback, int64_t *out, Reply *reply)
{
    const char *text = request_arg(request, name);
    *out = fallback;
    if (!text || time_parse(text, strlen(text), out))
        return true;
    char *end;
    const long long number = strtoll(text, &end, 10);
    if (*text && !*end && number != INT64_MIN && number != INT64_MAX) {
        *out = number;
        return true;
    }
    reply_problem(reply, 400, "%s: expected nanoseconds since 1970 or an RFC 3339 time, got \"%.60s\"", name, text);
    return false;
}
