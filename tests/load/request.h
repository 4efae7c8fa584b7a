/* request.h -- requests at a rate, open loop: each has a time at which it is due, and its latency counts from then, whether it could be sent or not. */
#pragma once

#include <stddef.h>

typedef struct RequestDef {
    int port;
    const char *path;
    size_t connections;
    double rate_hz, warm_s, seconds;
} RequestDef;

typedef struct Latencies {
    size_t count, failed;  // failed: not answered by 200
    double p50_ms, p99_ms, max_ms;
    double rate_hz;  // that was answered
} Latencies;

Latencies request_leaf(const RequestDef *def);
