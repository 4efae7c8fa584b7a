/* flood.h -- clients for bench_ingest, each a process of its own on a raw socket, so that they cost as little as can be.
 *
 * The sender provides a fleet of gauges and sends frames of samples as fast as they are taken, or at a rate; each frame is a write, as
 * with most clients. A sample's time is when its frame was made, so whoever has the sample knows how long it took. The listener subscribes
 * to all samples and says how old they were when they came. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct FloodDef {
    int port;
    bool bulk;       // pollux.v1.bin
    bool bare;       // the server only receives: there is nothing to wait for
    size_t twins;    // of the fleet `tank`, each with a gauge
    size_t frame;    // samples in one
    double rate;     // samples per second, 0: as fast as they are taken
    double seconds;
    size_t count;    // when not 0: so many samples, all of one tick
} FloodDef;

/* How long samples took: buckets that grow by 5 percent, from 1 us on. */
enum { AGES = 400 };
typedef struct Ages {
    uint64_t buckets[AGES];
    uint64_t count;
} Ages;

void ages_add(Ages *ages, int64_t ns);
/// Below which `part` of all lie, in ms.
double ages_quantile(const Ages *ages, double part);

int64_t flood_utc(void);
/// Send, until the time is over; what the server answers is read and passed over.
void flood_send(const FloodDef *def);
/// Listen for def->seconds, after a moment to warm up.
void flood_listen(const FloodDef *def, Ages *ages);
