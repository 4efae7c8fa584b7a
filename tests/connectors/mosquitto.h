/* mosquitto.h -- Debian's broker as a child process, its own client program, and a witness that sees what goes through it. */
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/kit.h"
#include "kit/peer.h"

enum { BROKER_PATIENCE_S = 30, BROKER_PATH = 512, WITNESS_MAX = 4096, WITNESS_TEXT = 512 };

typedef struct BrokerProcess {
    pid_t pid;
    int port;
    char config[BROKER_PATH];
    char url[64];  // mqtt://127.0.0.1:PORT
} BrokerProcess;

static inline void broker_nap(void)
{
    clock_system.sleep_ns(clock_system.self, 2 * NS_PER_MS);
}

static inline int64_t broker_until(void)
{
    return clock_system.elapsed_ns(clock_system.self) + BROKER_PATIENCE_S * NS_PER_S;
}

static inline bool broker_is_late(int64_t until)
{
    return clock_system.elapsed_ns(clock_system.self) > until;
}

static inline bool broker_answers(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool answers = connect(file, (const struct sockaddr *)&address, sizeof address) == 0;
    close(file);
    return answers;
}

/* Start a program, silent; it ends with the test. */
static inline pid_t broker_spawn(const char *const *words)
{
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        const int nothing = open("/dev/null", O_RDWR);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(nothing, STDOUT_FILENO);
        if (!getenv("BROKER_SPEAKS"))
            dup2(nothing, STDERR_FILENO);
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    return pid;
}

/* Start it (again) on its port, and wait until it listens. */
static inline void broker_start(BrokerProcess *broker)
{
    // where Debian keeps programs of the system, which not everybody has in their PATH
    const char *program = access("/usr/sbin/mosquitto", X_OK) == 0 ? "/usr/sbin/mosquitto" : "mosquitto";
    broker->pid = broker_spawn((const char *const[]){program, "-c", broker->config, NULL});
    for (const int64_t until = broker_until(); !broker_answers(broker->port); broker_nap()) {
        ck_assert_msg(waitpid(broker->pid, NULL, WNOHANG) == 0, "mosquitto ended at once (is it installed?)");
        ck_assert(!broker_is_late(until));
    }
}

/* `settings`: lines of mosquitto.conf besides the listener; each listens on a loopback port of its own. */
static inline BrokerProcess broker_open(const char *settings)
{
    BrokerProcess broker = {.port = peer_free_port()};
    snprintf(broker.config, sizeof broker.config, "%s/mosquitto_%d.conf", kit_folder(), broker.port);
    snprintf(broker.url, sizeof broker.url, "mqtt://127.0.0.1:%d", broker.port);
    FILE *const file = fopen(broker.config, "w");
    ck_assert(file != NULL);
    fprintf(file, "user root\nlistener %d 127.0.0.1\nmax_queued_messages 0\n%s\n", broker.port, settings);
    ck_assert_int_eq(fclose(file), 0);
    broker_start(&broker);
    return broker;
}

static inline void broker_kill(BrokerProcess *broker)
{
    ck_assert_int_eq(kill(broker->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(broker->pid, NULL, 0), broker->pid);
    broker->pid = 0;
}

static inline void broker_close(BrokerProcess *broker)
{
    if (broker->pid)
        broker_kill(broker);
}

/* mosquitto_pub with these words behind the address; must succeed. */
static inline void broker_pub(const BrokerProcess *broker, const char *const *words)
{
    char port[16];
    const char *all[32] = {"mosquitto_pub", "-h", "127.0.0.1", "-p", port};
    size_t count = 5;
    int status;
    snprintf(port, sizeof port, "%d", broker->port);
    while (*words && count < 31)
        all[count++] = *words++;
    ck_assert(waitpid(broker_spawn(all), &status, 0) > 0);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "mosquitto_pub: status %d", status);
}
#define BROKER_PUB(broker, ...) broker_pub(broker, (const char *const[]){__VA_ARGS__, NULL})

// The witness.

typedef struct Seen {
    char topic[128], payload[WITNESS_TEXT];
    size_t length;
    bool retained;
} Seen;

/* A client of libmosquitto with a thread of its own, that comes back as soon as the broker does. */
typedef struct Witness {
    struct mosquitto *client;
    pthread_t thread;
    atomic_bool ends;
    const char *filter;
    pthread_mutex_t lock;
    Seen seen[WITNESS_MAX];
    size_t count;
    bool subscribed;
    /* An answer to what it sees, NULL: none. */
    void (*answer)(struct Witness *self, const Seen *seen, const mosquitto_property *properties);
} Witness;

static inline void witness_on_connect(struct mosquitto *client, void *self, int code)
{
    Witness *witness = self;
    if (code == 0)
        mosquitto_subscribe(client, NULL, witness->filter, 2);
}

static inline void witness_on_subscribe(struct mosquitto *client, void *self, int id, int count, const int *granted)
{
    Witness *witness = self;
    (void)client, (void)id, (void)count, (void)granted;
    pthread_mutex_lock(&witness->lock);
    witness->subscribed = true;
    pthread_mutex_unlock(&witness->lock);
}

static inline void witness_on_disconnect(struct mosquitto *client, void *self, int code)
{
    Witness *witness = self;
    (void)client, (void)code;
    pthread_mutex_lock(&witness->lock);
    witness->subscribed = false;
    pthread_mutex_unlock(&witness->lock);
}

static inline void witness_on_message(struct mosquitto *client, void *self, const struct mosquitto_message *message, const mosquitto_property *properties)
{
    Witness *witness = self;
    (void)client;
    pthread_mutex_lock(&witness->lock);
    Seen *seen = witness->count < WITNESS_MAX ? &witness->seen[witness->count++] : NULL;
    if (seen) {
        snprintf(seen->topic, sizeof seen->topic, "%s", message->topic);
        seen->length = (size_t)message->payloadlen < WITNESS_TEXT - 1 ? (size_t)message->payloadlen : WITNESS_TEXT - 1;
        if (seen->length)
            memcpy(seen->payload, message->payload, seen->length);
        seen->payload[seen->length] = 0;
        seen->retained = message->retain;
    }
    pthread_mutex_unlock(&witness->lock);
    if (seen && witness->answer)
        witness->answer(witness, seen, properties);
}

static inline void *witness_run(void *self)
{
    Witness *witness = self;
    while (!witness->ends)
        if (mosquitto_loop(witness->client, 10, 1) != MOSQ_ERR_SUCCESS) {
            broker_nap();
            mosquitto_reconnect(witness->client);
        }
    return NULL;
}

static inline bool witness_is_there(Witness *witness)
{
    pthread_mutex_lock(&witness->lock);
    const bool subscribed = witness->subscribed;
    pthread_mutex_unlock(&witness->lock);
    return subscribed;
}

static inline void witness_await(Witness *witness)
{
    for (const int64_t until = broker_until(); !witness_is_there(witness); broker_nap())
        ck_assert_msg(!broker_is_late(until), "the witness has no subscription");
}

static inline void witness_open(Witness *witness, const BrokerProcess *broker, const char *filter)
{
    mosquitto_lib_init();
    witness->filter = filter;
    pthread_mutex_init(&witness->lock, NULL);
    witness->client = mosquitto_new(NULL, true, witness);
    ck_assert(witness->client != NULL);
    mosquitto_int_option(witness->client, MOSQ_OPT_PROTOCOL_VERSION, 5);
    mosquitto_threaded_set(witness->client, true);
    mosquitto_connect_callback_set(witness->client, witness_on_connect);
    mosquitto_disconnect_callback_set(witness->client, witness_on_disconnect);
    mosquitto_subscribe_callback_set(witness->client, witness_on_subscribe);
    mosquitto_message_v5_callback_set(witness->client, witness_on_message);
    ck_assert_int_eq(mosquitto_connect(witness->client, "127.0.0.1", broker->port, 10), MOSQ_ERR_SUCCESS);
    ck_assert_int_eq(pthread_create(&witness->thread, NULL, witness_run, witness), 0);
    witness_await(witness);
}

static inline void witness_close(Witness *witness)
{
    witness->ends = true;
    pthread_join(witness->thread, NULL);
    mosquitto_destroy(witness->client);
    pthread_mutex_destroy(&witness->lock);
}

static inline void witness_publish(Witness *witness, const char *topic, const char *payload, int qos)
{
    ck_assert_int_eq(mosquitto_publish(witness->client, NULL, topic, (int)strlen(payload), payload, qos, false), MOSQ_ERR_SUCCESS);
}

/* How often it has seen this (NULL: whatever it says) on a topic. */
static inline size_t witness_count(Witness *witness, const char *topic, const char *payload)
{
    size_t count = 0;
    pthread_mutex_lock(&witness->lock);
    for (size_t i = 0; i < witness->count; i++)
        count += strcmp(witness->seen[i].topic, topic) == 0 && (!payload || strcmp(witness->seen[i].payload, payload) == 0);
    pthread_mutex_unlock(&witness->lock);
    return count;
}
