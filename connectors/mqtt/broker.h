/* broker.h -- a connection to a broker of MQTT, over and over: libmosquitto, on the thread of a connector, which it runs.
 *
 * Each attempt is a client of its own in libmosquitto's sense, so nothing outlives a connection: what was not confirmed when it broke is never sent again, and
 * what is published while there is none is refused.
 *
 * Takes: options, letters.  Gives: messages, commands.  Memory: its own.  Threads: created and destroyed on any; the rest on its own. */
#pragma once

#include "signal/backoff.h"
#include "signal/exchange.h"
#include "signal/options.h"

enum { BROKER_TEXT = 256, BROKER_CLIENT_ID = 80 };

/// What is published, or left behind as a last will.
typedef struct BrokerLetter {
    const char *topic;
    const void *payload;
    size_t length;
    int qos;
    bool retain;
    // version 5 alone
    uint32_t expiry_s;         // the broker forgets it then; 0: never
    const char *reply;         // where an answer is expected, NULL: nowhere
    const void *correlation;   // by which it is recognised
    size_t correlation_length;
} BrokerLetter;

typedef struct BrokerMessage {
    const char *topic;
    const char *payload;  // not NULL
    size_t length;
    bool retained;        // it was there before we subscribed
    const void *properties;
} BrokerMessage;

/// What a connector does, all of it on its thread. `will`, `confirmed`, `look` and `leaving` may be NULL.
typedef struct BrokerEvents {
    /// Before an attempt: the last will, or NULL.
    const BrokerLetter *(*will)(void *self);
    /// The connection is there: the moment to subscribe. Whoever is ready says so by exchange_joined.
    void (*joined)(void *self);
    void (*left)(void *self);
    void (*message)(void *self, const BrokerMessage *message);
    /// The broker has answered a letter of QoS 1 or 2. `refusal`: NULL, or why it did not take it; `heard`: false when it knows that nobody was there.
    void (*confirmed)(void *self, int letter, const char *refusal, bool heard);
    /// A command of the exchange.
    void (*carry)(void *self, const Command *command, size_t binding, double number);
    /// Some times a second, for what is late.
    void (*look)(void *self);
    /// The end was asked for: last words, while there is a connection.
    void (*leaving)(void *self);
    void *self;
} BrokerEvents;

/// From the options that all connectors over MQTT have in common.
typedef struct BrokerDef {
    char host[BROKER_TEXT], peer[BROKER_TEXT];  // peer: "host:port"
    int port;
    int version;  // 4 (3.1.1) or 5
    char client_id[BROKER_CLIENT_ID];
    const char *user, *password;
    bool tls;
    char ca[BROKER_TEXT], certificate[BROKER_TEXT], key[BROKER_TEXT];  // "": none
    int keep_alive;  // s
    bool clean;
    int64_t retry_ns, retry_most_ns;
} BrokerDef;

/// Their keys, NULL-terminated.
extern const char *const broker_keys[];
/// What is wrong stands in `options`. `folder`: of the script, `name`: of the connector.
void broker_read(Options *options, const char *folder, const char *name, BrokerDef *out);

typedef struct Broker Broker;

/// `exchange` is told of attempts and of losses.
Err broker_create(const BrokerDef *def, Exchange *exchange, const BrokerEvents *events, Broker **out);
/// Begin: a thread of its own serves the broker and the exchange until broker_destroy.
Err broker_start(Broker *broker);
/// End the thread, where it was started, in order.
void broker_destroy(Broker *broker);

// On that thread.

/// ERR_CLOSED when there is no connection. `id` (may be NULL) is that of the letter in `confirmed`.
Err broker_publish(Broker *broker, const BrokerLetter *letter, int *id, ErrText *why);
/// In the order given; what the broker refuses is told by exchange_refuse.
void broker_subscribe(Broker *broker, const char *const *filters, size_t count, int qos);
/// Copy the correlation data of a message, at most `room` bytes. Returns how many; 0 when there are none or too many.
size_t broker_correlation(const BrokerMessage *message, char *out, size_t room);
/// Say goodbye, after what `leaving` has to say, and begin anew.
void broker_restart(Broker *broker, const char *why);
