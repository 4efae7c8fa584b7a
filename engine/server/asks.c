/* asks.c -- the table is searched in line: people ask seldom. */
#include "server/asks.h"

#include <assert.h>

Err asks_init(Asks *asks)
{
    asks->waiting = mem_alloc(ASKS_MAX * sizeof *asks->waiting);
    if (!asks->waiting || ring_init(&asks->questions, sizeof(ServerAsk), ASKS_MAX) != ERR_OK)
        return ERR_MEMORY;
    // an answer whose client has gone still lies in the ring while its place is asked for anew
    return ring_init(&asks->answers, sizeof(AskAnswer), 4 * ASKS_MAX);
}

void asks_fini(Asks *asks)
{
    ring_fini(&asks->questions);
    ring_fini(&asks->answers);
    mem_free(asks->waiting);
}

bool asks_put(Asks *asks, void *client, WireTopic topic, int64_t id, ServerAsk *ask)
{
    size_t place = ASKS_MAX, open = 0;
    for (size_t i = 0; i < ASKS_MAX; i++) {
        open += asks->waiting[i].client == client;
        if (!asks->waiting[i].client && place == ASKS_MAX)
            place = i;
    }
    if (place == ASKS_MAX || open >= ASKS_PER_CLIENT_MAX)
        return false;

    Waiting *waiting = &asks->waiting[place];
    *waiting = (Waiting){client, waiting->use + 1, topic, id};
    ask->token = (uint64_t)waiting->use << 32 | place;
    if (ring_push(&asks->questions, ask))
        return true;
    waiting->client = NULL;
    return false;
}

bool asks_next(Asks *asks, AskAnswer *answer, Waiting *waiting)
{
    while (ring_pop(&asks->answers, answer)) {
        const uint64_t place = answer->token & UINT32_MAX;
        if (place >= ASKS_MAX || !asks->waiting[place].client || asks->waiting[place].use != answer->token >> 32)
            continue;
        *waiting = asks->waiting[place];
        asks->waiting[place].client = NULL;
        return true;
    }
    return false;
}

void asks_forget(Asks *asks, const void *client)
{
    for (size_t i = 0; i < ASKS_MAX; i++)
        if (asks->waiting[i].client == client)
            asks->waiting[i].client = NULL;
}

bool asks_take(Asks *asks, ServerAsk *out)
{
    return ring_pop(&asks->questions, out);
}

void asks_answer(Asks *asks, const AskAnswer *answer)
{
    // without room the answer is lost, and its place stays taken until the client goes
    if (!ring_push(&asks->answers, answer))
        log_write(LOG_WARNING, "server", "an answer was lost: the service thread is behind");
}
