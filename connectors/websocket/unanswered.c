#include "connectors/websocket/unanswered.h"

#include <assert.h>
#include <string.h>

Err unanswered_init(Unanswered *unanswered, size_t room, size_t flights_max)
{
    assert(flights_max <= UNANSWERED_FLIGHTS_MAX);
    *unanswered = (Unanswered){.room = room, .flights_max = flights_max};
    if (room > 0)
        unanswered->samples = mem_alloc(room * sizeof *unanswered->samples);
    return unanswered->samples || room == 0 ? ERR_OK : ERR_MEMORY;
}

void unanswered_fini(Unanswered *unanswered)
{
    mem_free(unanswered->samples);
}

bool unanswered_is_due(const Unanswered *unanswered, int64_t now)
{
    return unanswered->next < unanswered->tail && unanswered->flight_count < unanswered->flights_max && now >= unanswered->busy_until;
}

void unanswered_depart(Unanswered *unanswered, int64_t id, size_t count)
{
    assert(unanswered->flight_count < unanswered->flights_max);
    unanswered->flights[unanswered->flight_count++] = (UnansweredFlight){.id = id, .first = unanswered->next, .count = (uint32_t)count};
    unanswered->next += count;
}

UnansweredFlight *unanswered_find(Unanswered *unanswered, int64_t id)
{
    for (size_t i = 0; i < unanswered->flight_count; i++)
        if (unanswered->flights[i].id == id && !unanswered->flights[i].answered)
            return &unanswered->flights[i];
    return NULL;
}

// --- answers -------------------------------------------------------------------------------------------------------

/* Let the oldest messages go as far as they are answered. */
static void retire(Unanswered *unanswered)
{
    size_t answered = 0;
    while (answered < unanswered->flight_count && unanswered->flights[answered].answered) {
        const UnansweredFlight *flight = &unanswered->flights[answered++];
        for (uint32_t i = 0; i < flight->count; i++) {
            // its place is free now, so there is one at the end
            const UnansweredSample sample = *unanswered_at(unanswered, unanswered->head++);
            if (sample.fate != UNANSWERED_AGAIN)
                continue;
            *unanswered_at(unanswered, unanswered->tail) = sample;
            unanswered_at(unanswered, unanswered->tail++)->fate = UNANSWERED_OPEN;
        }
    }
    unanswered->flight_count -= answered;
    memmove(unanswered->flights, unanswered->flights + answered, unanswered->flight_count * sizeof *unanswered->flights);
}

static void settle(Unanswered *unanswered, UnansweredFlight *flight)
{
    flight->answered = true;
    for (uint32_t i = 0; i < flight->count; i++) {
        UnansweredSample *sample = unanswered_at(unanswered, flight->first + i);
        if (sample->fate == UNANSWERED_OPEN)
            sample->fate = UNANSWERED_SETTLED;
    }
}

void unanswered_store(Unanswered *unanswered, UnansweredFlight *flight)
{
    settle(unanswered, flight);
    retire(unanswered);
}

void unanswered_store_to(Unanswered *unanswered, int64_t id)
{
    for (size_t i = 0; i < unanswered->flight_count && unanswered->flights[i].id <= id; i++)
        settle(unanswered, &unanswered->flights[i]);
    retire(unanswered);
}

size_t unanswered_refuse_one(Unanswered *unanswered, const UnansweredFlight *flight, size_t index, int64_t again_at)
{
    assert(index < flight->count);
    UnansweredSample *sample = unanswered_at(unanswered, flight->first + index);
    if (sample->fate != UNANSWERED_OPEN)
        return 0;
    if (again_at != TIME_NONE) {
        sample->fate = UNANSWERED_AGAIN;
        unanswered->busy_until = again_at;
        return 0;
    }
    sample->fate = UNANSWERED_SETTLED;
    return 1;
}

size_t unanswered_refuse(Unanswered *unanswered, UnansweredFlight *flight, int64_t again_at)
{
    size_t refused = 0;
    flight->answered = true;
    for (uint32_t i = 0; i < flight->count; i++)
        refused += unanswered_refuse_one(unanswered, flight, i, again_at);
    retire(unanswered);
    return refused;
}

// --- without a connection ------------------------------------------------------------------------------------------

void unanswered_recall(Unanswered *unanswered)
{
    uint64_t kept = unanswered->head;
    for (uint64_t i = unanswered->head; i < unanswered->tail; i++) {
        UnansweredSample sample = *unanswered_at(unanswered, i);
        if (sample.fate == UNANSWERED_SETTLED)
            continue;
        sample.fate = UNANSWERED_OPEN;
        *unanswered_at(unanswered, kept++) = sample;
    }
    unanswered->tail = kept;
    unanswered->next = unanswered->head;
    unanswered->flight_count = 0;
}

bool unanswered_move_oldest(Unanswered *from, Unanswered *to)
{
    assert(from->flight_count == 0);
    assert(to->flight_count == 0);
    const bool is_full = unanswered_free(to) == 0;
    if (is_full)
        to->next = ++to->head;
    *unanswered_at(to, to->tail++) = *unanswered_at(from, from->head++);
    from->next = from->head;
    return is_full;
}
