/* tempo.h -- how fast the ticks of a plant may follow each other, where devices carry its time: a recording or an emulation can be slowed down, held, and
 * gone through tick by tick. What waits meanwhile is held back by the sockets. A plant that lives by the time of day cannot be held.
 *
 * Threads: the tick's. */
#pragma once

#include "base/base.h"

typedef struct Tempo {
    bool paused;
    double speed;    // times real time at the most; 0: as fast as devices bring it
    uint64_t steps;  // ticks that may run although it is paused
    int64_t due;     // elapsed time before which no tick runs
} Tempo;

static inline bool tempo_is_free(const Tempo *tempo)
{
    return !tempo->paused && tempo->speed <= 0;
}

/// Whether a tick may run at elapsed time `now`.
bool tempo_admits(const Tempo *tempo, int64_t now);
/// A tick of `step` seconds has begun at `now`.
void tempo_note(Tempo *tempo, int64_t now, double step);
/// How long until a tick may run, at most `most` ns.
int64_t tempo_patience(const Tempo *tempo, int64_t now, int64_t most);
