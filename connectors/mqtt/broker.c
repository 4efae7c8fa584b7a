#include "connectors/mqtt/broker.h"

#include <assert.h>
#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "connectors/mqtt/guard.h"

enum {
    READ_MOST = 512,        // packets between two looks at what else there is
    LOOK_MOST = 16 * 1024,  // bytes, unless a packet is longer
    SUBSCRIBE_MOST = 200,   // filters in one packet
};
static const int64_t PATIENCE_NS = 10 * NS_PER_S;  // for the broker's greeting
static const int64_t STEADY_NS = 10 * NS_PER_S;    // a connection that held so long had worked
static const int64_t LOOK_NS = NS_PER_S / 5;
static const int64_t GOODBYE_NS = NS_PER_S;        // to send what is left
static const uint32_t SESSION_S = 7 * 24 * 3600;   // a session that is kept, of version 5

struct Broker {
    BrokerDef def;
    BrokerEvents events;
    Exchange *exchange;
    struct mosquitto *client;  // of this attempt, NULL between two
    bool is_open;              // the socket has found the other end
    bool joined;
    int64_t since;             // of the attempt, then of the connection; elapsed
    int64_t next_attempt, next_misc;
    Backoff backoff;
    uint64_t packets;          // that said something
    int wanted;                // bytes without which there is nothing to read
    unsigned char look[GUARD_PACKET_MAX];
    char why[160];             // the broker's own words on why it is over
    char restart[160];         // why the connection is to be given up, "": it is not
    pthread_t thread;
    bool is_started;
};

static int64_t elapsed(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

// What libmosquitto tells.

static const char *reason_text(const Broker *broker, int code)
{
    return broker->def.version == 5 ? mosquitto_reason_string(code) : mosquitto_connack_string(code);
}

static void on_connect(struct mosquitto *client, void *self, int code, int flags, const mosquitto_property *properties)
{
    Broker *broker = self;
    (void)client, (void)flags, (void)properties;
    broker->packets++;
    if (code) {
        snprintf(broker->why, sizeof broker->why, "the broker says: %s", reason_text(broker, code));
        return;
    }
    broker->joined = true;
    broker->since = elapsed();
    broker->events.joined(broker->events.self);
}

static void on_disconnect(struct mosquitto *client, void *self, int code, const mosquitto_property *properties)
{
    Broker *broker = self;
    (void)client, (void)properties;
    if (code > MQTT_RC_NORMAL_DISCONNECTION && code >= MQTT_RC_UNSPECIFIED)
        snprintf(broker->why, sizeof broker->why, "the broker says: %s", mosquitto_reason_string(code));
}

static void on_message(struct mosquitto *client, void *self, const struct mosquitto_message *message, const mosquitto_property *properties)
{
    Broker *broker = self;
    const BrokerMessage told = {.topic = message->topic, .payload = message->payload ? message->payload : "", .length = (size_t)message->payloadlen,
                                .retained = message->retain, .properties = properties};
    (void)client;
    broker->packets++;
    broker->events.message(broker->events.self, &told);
}

static void on_publish(struct mosquitto *client, void *self, int id, int code, const mosquitto_property *properties)
{
    Broker *broker = self;
    const char *refusal = code >= MQTT_RC_UNSPECIFIED ? mosquitto_reason_string(code) : NULL;
    (void)client, (void)properties;
    broker->packets++;
    if (broker->events.confirmed)
        broker->events.confirmed(broker->events.self, id, refusal, code != MQTT_RC_NO_MATCHING_SUBSCRIBERS);
}

static void on_subscribe(struct mosquitto *client, void *self, int id, int count, const int *granted, const mosquitto_property *properties)
{
    Broker *broker = self;
    int refused = 0;
    (void)client, (void)id, (void)properties;
    broker->packets++;
    for (int i = 0; i < count; i++)
        refused += granted[i] >= MQTT_RC_UNSPECIFIED;
    if (refused)
        exchange_refuse(broker->exchange, "the broker refused %d of %d subscriptions", refused, count);
}

// An attempt, and its end.

static bool set_up_tls(const BrokerDef *def, struct mosquitto *client)
{
    const char *ca = *def->ca ? def->ca : NULL, *certificate = *def->certificate ? def->certificate : NULL, *key = *def->key ? def->key : NULL;
    if (!def->tls)
        return true;
    if (!ca && mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1) != MOSQ_ERR_SUCCESS)
        return false;
    if (ca || certificate)
        return mosquitto_tls_set(client, ca, ca ? NULL : "/etc/ssl/certs", certificate, key, NULL) == MOSQ_ERR_SUCCESS;
    return true;
}

static bool set_up_will(const Broker *broker, struct mosquitto *client)
{
    const BrokerLetter *will = broker->events.will ? broker->events.will(broker->events.self) : NULL;
    return !will || mosquitto_will_set(client, will->topic, (int)will->length, will->payload, will->qos, will->retain) == MOSQ_ERR_SUCCESS;
}

static struct mosquitto *make_client(Broker *broker)
{
    const BrokerDef *def = &broker->def;
    struct mosquitto *client = mosquitto_new(def->client_id, def->clean, broker);
    if (!client)
        return NULL;
    mosquitto_connect_v5_callback_set(client, on_connect);
    mosquitto_disconnect_v5_callback_set(client, on_disconnect);
    mosquitto_message_v5_callback_set(client, on_message);
    mosquitto_publish_v5_callback_set(client, on_publish);
    mosquitto_subscribe_v5_callback_set(client, on_subscribe);

    bool ready = mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, def->version) == MOSQ_ERR_SUCCESS;
    ready &= mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1) == MOSQ_ERR_SUCCESS;
    if (def->user)
        ready &= mosquitto_username_pw_set(client, def->user, def->password) == MOSQ_ERR_SUCCESS;
    ready = ready && set_up_tls(def, client) && set_up_will(broker, client);
    if (!ready)
        mosquitto_destroy(client);
    return ready ? client : NULL;
}

/* libmosquitto has no call that sends properties and does not wait: a session that is kept, of version 5, is worth the wait. */
static int begin_connection(const BrokerDef *def, struct mosquitto *client)
{
    if (def->version < 5 || def->clean)
        return mosquitto_connect_bind_async(client, def->host, def->port, def->keep_alive, NULL);
    mosquitto_property *properties = NULL;
    int code = mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, SESSION_S);
    if (!code)
        code = mosquitto_connect_bind_v5(client, def->host, def->port, def->keep_alive, NULL, properties);
    mosquitto_property_free_all(&properties);
    return code;
}

static const char *error_text(int code)
{
    return code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code);
}

/* Over: the client goes with all that it had not sent, and the next attempt waits its time. */
static void part(Broker *broker, const char *why)
{
    const bool was_joined = broker->joined;
    if (was_joined && elapsed() - broker->since >= STEADY_NS)
        backoff_reset(&broker->backoff);
    broker->joined = false;
    if (broker->client)
        mosquitto_destroy(broker->client);
    broker->client = NULL;
    broker->next_attempt = elapsed() + backoff_next(&broker->backoff);

    const char *text = *broker->why ? broker->why : why;
    if (was_joined)
        broker->events.left(broker->events.self);
    exchange_left(broker->exchange, "%s: %s", broker->def.peer, text);
}

static void attempt(Broker *broker)
{
    broker->why[0] = 0;
    broker->since = elapsed();
    broker->wanted = 1;
    broker->is_open = false;
    broker->client = make_client(broker);
    const int code = broker->client ? begin_connection(&broker->def, broker->client) : MOSQ_ERR_NOMEM;
    if (code)
        part(broker, error_text(code));
}

// Serving.

/* Let poll wait until so many bytes are there. */
static void set_wanted(Broker *broker, size_t bytes)
{
    const int wanted = bytes ? (int)bytes : 1;
    if (wanted != broker->wanted)
        setsockopt(mosquitto_socket(broker->client), SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted);
    broker->wanted = wanted;
}

/* Read whole packets, after a look at them. */
static int read_guarded(Broker *broker, short ready)
{
    size_t room = broker->wanted > LOOK_MOST ? (size_t)broker->wanted : LOOK_MOST;
    const ssize_t got = recv(mosquitto_socket(broker->client), broker->look, room, MSG_PEEK | MSG_DONTWAIT);
    if (got <= 0)
        return got == 0 ? MOSQ_ERR_CONN_LOST : errno == EAGAIN || errno == EINTR ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ERRNO;
    const GuardView look = guard_look(broker->look, (size_t)got, broker->def.version);
    if (look.fault)
        snprintf(broker->why, sizeof broker->why, "the broker sent a packet that is not understood: %s", look.fault);
    if (!look.packets && (look.fault || ready & (POLLRDHUP | POLLHUP | POLLERR)))
        return look.fault ? MOSQ_ERR_MALFORMED_PACKET : MOSQ_ERR_CONN_LOST;

    int code = MOSQ_ERR_SUCCESS;
    for (size_t i = 0; i < look.packets && !code && mosquitto_socket(broker->client) >= 0; i++)
        code = mosquitto_loop_read(broker->client, 1);
    if (!code && mosquitto_socket(broker->client) >= 0)
        set_wanted(broker, look.wanted);
    return code;
}

static bool has_more(const Broker *broker, uint64_t packets)
{
    // what TLS has decrypted already does not wake a poll
    SSL *const tls = mosquitto_ssl_get(broker->client);
    return broker->packets != packets || (tls && SSL_pending(tls));
}

/* What is encrypted cannot be looked at, but comes from a broker that has shown its certificate. As long as packets say something there may be more. */
static int read_encrypted(Broker *broker)
{
    int code = MOSQ_ERR_SUCCESS;
    for (size_t i = 0; i < READ_MOST && !code; i++) {
        const uint64_t packets = broker->packets;
        code = mosquitto_loop_read(broker->client, 1);
        if (!code && (mosquitto_socket(broker->client) < 0 || !has_more(broker, packets)))
            break;
    }
    return code;
}

static int keep_alive(Broker *broker)
{
    if (elapsed() < broker->next_misc)
        return MOSQ_ERR_SUCCESS;
    broker->next_misc = elapsed() + NS_PER_S;
    return mosquitto_loop_misc(broker->client);
}

/* Wait; `files`: that of the exchange, and the socket. */
static void await(const Broker *broker, int64_t wait_ns, struct pollfd files[static 2])
{
    files[0] = (struct pollfd){.fd = exchange_file(broker->exchange), .events = POLLIN};
    files[1] = (struct pollfd){.fd = -1, .events = POLLIN | POLLRDHUP};
    if (broker->client) {
        files[1].fd = mosquitto_socket(broker->client);
        files[1].events |= !broker->is_open || mosquitto_want_write(broker->client) ? POLLOUT : 0;
    }
    const int64_t until_attempt = broker->next_attempt - elapsed();
    if (!broker->client && until_attempt < wait_ns)
        wait_ns = until_attempt;
    if (poll(files, 2, wait_ns <= 0 ? 0 : (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS)) < 0)
        files[0].revents = files[1].revents = 0;
}

/* Writable for the first time, the socket has found the other end: that begins TLS, which libmosquitto goes on with where it reads. */
static int write_some(Broker *broker)
{
    const bool begins_tls = !broker->is_open && broker->def.tls;
    broker->is_open = true;
    return begins_tls ? mosquitto_loop_read(broker->client, 1) : mosquitto_loop_write(broker->client, 1);
}

static void serve_client(Broker *broker, short ready)
{
    int code = MOSQ_ERR_SUCCESS;
    if (ready & POLLOUT)
        code = write_some(broker);
    if (!code && ready & (POLLIN | POLLRDHUP | POLLHUP | POLLERR))
        code = broker->def.tls ? read_encrypted(broker) : read_guarded(broker, ready);
    if (!code)
        code = keep_alive(broker);
    if (code || mosquitto_socket(broker->client) < 0)
        part(broker, error_text(code ? code : MOSQ_ERR_CONN_LOST));
    else if (!broker->joined && elapsed() - broker->since > PATIENCE_NS)
        part(broker, "no answer from the broker");
}

/* Read, write and connect, as far as that is possible now; wait up to `wait_ns` where nothing is. Whether the exchange has something to say. */
static bool serve(Broker *broker, int64_t wait_ns)
{
    struct pollfd files[2];
    if (!broker->client && elapsed() >= broker->next_attempt)
        attempt(broker);
    const bool was_joined = broker->joined;
    await(broker, wait_ns, files);
    if (broker->client)
        serve_client(broker, files[1].revents);
    // what waited for the connection may go now
    return files[0].revents || broker->joined != was_joined;
}

// Letters and subscriptions.

static bool add_properties(const BrokerLetter *letter, mosquitto_property **properties)
{
    int code = MOSQ_ERR_SUCCESS;
    if (letter->expiry_s)
        code = mosquitto_property_add_int32(properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, letter->expiry_s);
    if (!code && letter->reply)
        code = mosquitto_property_add_string(properties, MQTT_PROP_RESPONSE_TOPIC, letter->reply);
    if (!code && letter->correlation_length)
        code = mosquitto_property_add_binary(properties, MQTT_PROP_CORRELATION_DATA, letter->correlation, (uint16_t)letter->correlation_length);
    return !code;
}

Err broker_publish(Broker *broker, const BrokerLetter *letter, int *id, ErrText *why)
{
    if (!broker->joined)
        return err_set(why, ERR_CLOSED, "there is no connection to %s", broker->def.peer);
    mosquitto_property *properties = NULL;
    int code = broker->def.version < 5 || add_properties(letter, &properties) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_NOMEM;
    if (!code)
        code = mosquitto_publish_v5(broker->client, id, letter->topic, (int)letter->length, letter->payload, letter->qos, letter->retain, properties);
    mosquitto_property_free_all(&properties);
    return code ? err_set(why, ERR_IO, "%s: %s", letter->topic, error_text(code)) : ERR_OK;
}

void broker_subscribe(Broker *broker, const char *const *filters, size_t count, int qos)
{
    for (size_t first = 0; first < count; first += SUBSCRIBE_MOST) {
        const size_t portion = count - first < SUBSCRIBE_MOST ? count - first : SUBSCRIBE_MOST;
        const int code = mosquitto_subscribe_multiple(broker->client, NULL, (int)portion, (char *const *)(uintptr_t)(filters + first), qos, 0, NULL);
        if (code)
            exchange_refuse(broker->exchange, "no subscription to %s: %s", filters[first], error_text(code));
    }
}

size_t broker_correlation(const BrokerMessage *message, char *out, size_t room)
{
    void *bytes = NULL;
    uint16_t length = 0;
    if (!message->properties || !mosquitto_property_read_binary(message->properties, MQTT_PROP_CORRELATION_DATA, &bytes, &length, false))
        return 0;
    if (length <= room)
        memcpy(out, bytes, length);
    free(bytes);
    return length <= room ? length : 0;
}

// The end of a connection that we want.

static void say_goodbye(Broker *broker)
{
    const int64_t until = elapsed() + GOODBYE_NS;
    if (broker->joined && broker->events.leaving)
        broker->events.leaving(broker->events.self);
    if (!broker->joined || mosquitto_disconnect(broker->client) != MOSQ_ERR_SUCCESS)
        return;
    while (mosquitto_socket(broker->client) >= 0 && mosquitto_want_write(broker->client) && elapsed() < until) {
        struct pollfd file = {.fd = mosquitto_socket(broker->client), .events = POLLOUT};
        if (poll(&file, 1, 100) > 0 && mosquitto_loop_write(broker->client, 1) != MOSQ_ERR_SUCCESS)
            break;
    }
}

void broker_restart(Broker *broker, const char *why)
{
    snprintf(broker->restart, sizeof broker->restart, "%s", why);
}

static void restart_if_asked(Broker *broker)
{
    if (!*broker->restart)
        return;
    say_goodbye(broker);
    snprintf(broker->why, sizeof broker->why, "%s", broker->restart);
    broker->restart[0] = 0;
    part(broker, "");
}

// The thread.

static void carry_all(Broker *broker)
{
    Command command;
    size_t binding;
    double number;
    while (exchange_take(broker->exchange, &command, &binding, &number))
        broker->events.carry(broker->events.self, &command, binding, number);
}

/* What is due now and then; returns when it is due again. */
static int64_t look_after(Broker *broker, int64_t now)
{
    carry_all(broker);
    if (broker->events.look)
        broker->events.look(broker->events.self);
    const int64_t wait = exchange_look(broker->exchange);
    return now + (wait < LOOK_NS ? wait : LOOK_NS);
}

static void *run(void *self)
{
    Broker *broker = self;
    int64_t due = 0;
    while (!exchange_ends(broker->exchange)) {
        const int64_t now = elapsed();
        if (now >= due)
            due = look_after(broker, now);
        if (serve(broker, due - now))
            carry_all(broker);
        restart_if_asked(broker);
    }
    say_goodbye(broker);
    return NULL;
}

// Beginning and end.

static void init_library(void)
{
    mosquitto_lib_init();
}

Err broker_create(const BrokerDef *def, Exchange *exchange, const BrokerEvents *events, Broker **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    Broker *broker = *out = mem_alloc(sizeof *broker);
    if (!broker)
        return ERR_MEMORY;
    broker->def = *def;
    broker->exchange = exchange;
    broker->events = *events;
    broker->backoff = backoff_begin(def->retry_ns, def->retry_most_ns, def->client_id);
    return ERR_OK;
}

Err broker_start(Broker *broker)
{
    broker->is_started = pthread_create(&broker->thread, NULL, run, broker) == 0;
    return broker->is_started ? ERR_OK : ERR_MEMORY;
}

void broker_destroy(Broker *broker)
{
    if (!broker)
        return;
    if (broker->is_started) {
        exchange_end(broker->exchange);
        pthread_join(broker->thread, NULL);
    }
    if (broker->client)
        mosquitto_destroy(broker->client);
    mem_free(broker);
}
