#include "server/put.h"

#include <inttypes.h>

void put_key(Text *out, const char *separator, const char *key)
{
    text_put(out, separator);
    text_json_string(out, key);
    text_put(out, ":");
}

void put_string(Text *out, const char *separator, const char *key, const char *value)
{
    put_key(out, separator, key);
    text_json_string(out, value ? value : "");
}

void put_number(Text *out, const char *separator, const char *key, double value)
{
    put_key(out, separator, key);
    text_json_number(out, value);
}

void put_count(Text *out, const char *separator, const char *key, uint64_t value)
{
    put_key(out, separator, key);
    text_format(out, "%" PRIu64, value);
}

void put_flag(Text *out, const char *separator, const char *key, bool flag)
{
    put_key(out, separator, key);
    text_put(out, flag ? "true" : "false");
}

void put_time(Text *out, const char *separator, const char *key, int64_t time)
{
    put_key(out, separator, key);
    text_json_time(out, time);
}
