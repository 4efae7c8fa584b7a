/* put.h -- members of JSON objects, one call each: what stands in front (a brace or a comma), the key, the value. */
#pragma once

#include "base/base.h"

void put_key(Text *out, const char *separator, const char *key);
/// NULL is written as "".
void put_string(Text *out, const char *separator, const char *key, const char *value);
void put_number(Text *out, const char *separator, const char *key, double value);
void put_count(Text *out, const char *separator, const char *key, uint64_t value);
void put_flag(Text *out, const char *separator, const char *key, bool flag);
void put_time(Text *out, const char *separator, const char *key, int64_t time);
