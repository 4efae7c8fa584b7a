#include "app/tempo.h"

bool tempo_admits(const Tempo *tempo, int64_t now)
{
    if (tempo->paused)
        return tempo->steps > 0;
    return tempo->speed <= 0 || now >= tempo->due;
}

void tempo_note(Tempo *tempo, int64_t now, double step)
{
    if (tempo->paused) {
        tempo->steps -= tempo->steps > 0;
        return;
    }
    if (tempo->speed <= 0)
        return;

    // a tick that ran late is made up for, but not an interval in which nothing came
    const int64_t pause = (int64_t)(step / tempo->speed * 1e9);
    tempo->due = (tempo->due > now - pause ? tempo->due : now) + pause;
}

int64_t tempo_patience(const Tempo *tempo, int64_t now, int64_t most)
{
    if (tempo->paused || tempo->speed <= 0 || tempo->due - now >= most)
        return most;
    return tempo->due > now ? tempo->due - now : 0;
}
