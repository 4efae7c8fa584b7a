#include "server/throttle.h"

#include <sodium.h>
#include <string.h>

enum { NEIGHBOURS = 8 };  // places that one may be at

Err throttle_init(Throttle *throttle)
{
    randombytes_buf(&throttle->seed, sizeof throttle->seed);
    throttle->places = mem_alloc(THROTTLE_PLACES * sizeof *throttle->places);
    return throttle->places ? ERR_OK : ERR_MEMORY;
}

void throttle_fini(Throttle *throttle)
{
    mem_free(throttle->places);
    throttle->places = NULL;
}

static uint64_t hash_who(const Throttle *throttle, const char *who)
{
    return hash_bytes(throttle->seed, who, strlen(who)) | 1;
}

static ThrottlePlace *place_at(const Throttle *throttle, uint64_t who, size_t i)
{
    return &throttle->places[((who >> 1) + i) % THROTTLE_PLACES];
}

static bool is_remembered(const ThrottlePlace *place, int64_t now)
{
    return place->who && now - place->last < THROTTLE_MEMORY_S * NS_PER_S;
}

static ThrottlePlace *find(const Throttle *throttle, const char *who)
{
    const uint64_t hash = hash_who(throttle, who);
    for (size_t i = 0; i < NEIGHBOURS; i++)
        if (place_at(throttle, hash, i)->who == hash)
            return place_at(throttle, hash, i);
    return NULL;
}

int throttle_wait(const Throttle *throttle, const char *who, int64_t now)
{
    const ThrottlePlace *place = find(throttle, who);
    if (!place || !is_remembered(place, now) || place->failures < THROTTLE_FREE)
        return 0;
    const uint32_t doublings = place->failures - THROTTLE_FREE;
    const int64_t wait = doublings < 6 ? INT64_C(1) << doublings : THROTTLE_WAIT_MAX_S;
    const int64_t left = place->last + wait * NS_PER_S - now;
    return left > 0 ? (int)((left + NS_PER_S - 1) / NS_PER_S) : 0;
}

/* The place of somebody new: a free one, one that is forgotten, or that of who has failed least. */
static ThrottlePlace *take_place(Throttle *throttle, uint64_t hash, int64_t now)
{
    ThrottlePlace *best = place_at(throttle, hash, 0);
    for (size_t i = 0; i < NEIGHBOURS; i++) {
        ThrottlePlace *place = place_at(throttle, hash, i);
        if (!is_remembered(place, now)) {
            best = place;
            break;
        }
        if (place->failures < best->failures)
            best = place;
    }
    *best = (ThrottlePlace){.who = hash};
    return best;
}

void throttle_try(Throttle *throttle, const char *who, int64_t now)
{
    ThrottlePlace *place = find(throttle, who);
    if (!place || !is_remembered(place, now))
        place = take_place(throttle, hash_who(throttle, who), now);
    place->failures++;
    place->last = now;
}

void throttle_forgive(Throttle *throttle, const char *who)
{
    ThrottlePlace *place = find(throttle, who);
    if (place)
        *place = (ThrottlePlace){0};
}
