/* args.h -- what stands behind the question mark of a request. False says that it was refused: the refusal is in the reply. */
#pragma once

#include "server/http.h"

/// A whole number in [least, most]; `*out` stays when it is missing.
bool args_whole(const Request *request, const char *name, size_t least, size_t most, size_t *out, Reply *reply);
/// How many, at least one; `fallback` when it is missing.
bool args_count(const Request *request, const char *name, size_t fallback, size_t most, size_t *out, Reply *reply);
/// Seconds in [0, most]; `*out` stays when it is missing.
bool args_seconds(const Request *request, const char *name, double most, double *out, Reply *reply);
/// A time in ns since 1970, said as such or by RFC 3339; `fallback` when it is missing.
bool args_time(const Request *request, const char *name, int64_t fallback, int64_t *out, Reply *reply);
