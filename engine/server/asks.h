/* asks.h -- questions of people to the tick, and its answers back: two rings, and a table of who waits.
 *
 * A token names a place of the table and how often it was used, so an answer for somebody who has gone finds nobody.
 *
 * Threads: take and answer on the tick's, the rest on the service thread. */
#pragma once

#include "server/server.h"

enum {
    ASKS_MAX = 1024,            // without an answer
    ASKS_PER_CLIENT_MAX = 32,
    ANSWER_TEXT = 512,
};

typedef struct AskAnswer {
    uint64_t token;
    int status;
    uint64_t command;
    char detail[ANSWER_TEXT];
    Alarm alarm;  // that was acted on; its id is 0 where it is over, or it was about something else
    char twin[TAG_NAME_ROOM];
} AskAnswer;

typedef struct Waiting {
    void *client;  // a WebSocket's, or a request's session; NULL: the place is free
    uint32_t use;
    WireTopic topic;  // that it was asked by; WIRE_TOPIC_COUNT: by a request
    int64_t id;       // of the message
} Waiting;

typedef struct Asks {
    Ring questions, answers;
    Waiting *waiting;  // ASKS_MAX
} Asks;

Err asks_init(Asks *asks);
void asks_fini(Asks *asks);

/// Ask for `client`; sets the token. False when too many questions wait.
bool asks_put(Asks *asks, void *client, WireTopic topic, int64_t id, ServerAsk *ask);
/// The next answer and who waits for it; those for nobody are passed over.
bool asks_next(Asks *asks, AskAnswer *answer, Waiting *waiting);
/// The client has gone.
void asks_forget(Asks *asks, const void *client);

bool asks_take(Asks *asks, ServerAsk *out);
void asks_answer(Asks *asks, const AskAnswer *answer);
