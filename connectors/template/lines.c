/* lines.c -- a connector to start from: lines of text over TCP.
 *
 * The peer sends `NAME NUMBER`. A command goes to it as `set NAME NUMBER ID`, and it answers `ok ID`, or `no ID WHY`.
 *
 *     connectors = { own = { "./lines.so", host = "localhost", port = 7000 } },
 *     bind       = { ["tank1.gauge"] = { "own", name = "level", unit = "cm" } },
 *
 * What is everybody's stands in the headers: options.h reads the script's keys, exchange.h is the way to the tick, backoff.h says how long to wait. What is the
 * protocol's stands here: setup, one connection, the thread.
 *
 * Threads: one per connector, from open to close. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signal/backoff.h"
#include "signal/connector_kind.h"

enum {
    LINE_MAX_LENGTH = 256,
    PENDING_MAX = 32,  // commands without an answer
    SEND_S = 5,        // that a peer which reads nothing holds us up
};

typedef struct Lines {
    Exchange *exchange;
    Backoff backoff;
    pthread_t thread;
    const char *host;
    char port[8], peer[96];
    const Binding *bindings;
    size_t binding_count;
    const char **names;  // by binding, what the peer calls it

    int socket;
    char received[LINE_MAX_LENGTH];
    size_t received_length;
    uint64_t pending[PENDING_MAX];  // ids
    size_t pending_count;
} Lines;

// --- what the script says ------------------------------------------------------------------------------------------

static Err read_options(const ConnectorDef *def, Lines *lines, ConnectorFault *fault)
{
    static const char *const known[] = {"host", "port", NULL};
    Options options = options_begin(def->options, def->name);
    options_only(&options, known, NULL);
    lines->host = options_text(&options, "host", "localhost");
    snprintf(lines->port, sizeof lines->port, "%d", (int)options_integer(&options, "port", 7000, 1, 65535));
    snprintf(lines->peer, sizeof lines->peer, "%s:%s", lines->host, lines->port);
    return connector_blame(fault, TAG_NONE, &options);
}

static Err read_binding(const Binding *binding, const char **name, ConnectorFault *fault)
{
    static const char *const known[] = {"name", NULL};
    Options options = options_begin(binding->address, binding->name);
    options_only(&options, known, binding_keys);
    *name = options_text(&options, "name", binding->name);
    if (strpbrk(*name, " \r\n") || strlen(*name) > LINE_MAX_LENGTH / 2)
        options_fail(&options, "name", "a word of at most %d letters was expected", LINE_MAX_LENGTH / 2);
    return connector_blame(fault, binding->tag, &options);
}

static void forget(Lines *lines)
{
    if (lines->socket >= 0)
        close(lines->socket);
    mem_free(lines->names);
    mem_free(lines);
}

/* All that the script says, read and checked; nothing is opened. */
static Err set_up(const ConnectorDef *def, Lines **out, ConnectorFault *fault)
{
    Lines *lines = *out = mem_alloc(sizeof *lines);
    if (!lines)
        return err_set(&fault->why, ERR_MEMORY, "no memory");
    lines->socket = -1;
    lines->bindings = def->bindings;
    lines->binding_count = def->binding_count;
    lines->backoff = backoff_begin(NS_PER_S / 2, 30 * NS_PER_S, def->name);
    lines->names = mem_alloc((def->binding_count + 1) * sizeof *lines->names);
    Err err = lines->names ? read_options(def, lines, fault) : err_set(&fault->why, ERR_MEMORY, "no memory");
    for (size_t i = 0; i < def->binding_count && !err; i++)
        err = read_binding(&def->bindings[i], &lines->names[i], fault);
    if (err) {
        forget(lines);
        *out = NULL;
    }
    return err;
}

// --- one connection ------------------------------------------------------------------------------------------------

static int dial(const struct addrinfo *address)
{
    const int file = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
    const struct timeval patience = {.tv_sec = SEND_S};
    if (file >= 0 && setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 && connect(file, address->ai_addr, address->ai_addrlen) == 0)
        return file;
    if (file >= 0)
        close(file);
    return -1;
}

static void join(Lines *lines)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const int failed = getaddrinfo(lines->host, lines->port, &hints, &found);
    for (const struct addrinfo *address = found; address && lines->socket < 0; address = address->ai_next)
        lines->socket = dial(address);
    if (found)
        freeaddrinfo(found);

    if (lines->socket < 0) {
        exchange_left(lines->exchange, "%s: %s", lines->peer, failed ? gai_strerror(failed) : strerror(errno));
        return;
    }
    lines->received_length = 0;
    backoff_reset(&lines->backoff);
    exchange_joined(lines->exchange);
}

/* Nobody knows what became of commands that had no answer. */
static void leave(Lines *lines, const char *why)
{
    close(lines->socket);
    lines->socket = -1;
    while (lines->pending_count)
        exchange_outcome(lines->exchange, lines->pending[--lines->pending_count], false, "the connection was lost before it was confirmed");
    exchange_left(lines->exchange, "%s: %s", lines->peer, why);
}

// --- what comes ----------------------------------------------------------------------------------------------------

static void take_answer(Lines *lines, uint64_t id, bool done, const char *why)
{
    for (size_t i = 0; i < lines->pending_count; i++)
        if (lines->pending[i] == id) {
            lines->pending[i] = lines->pending[--lines->pending_count];
            exchange_outcome(lines->exchange, id, done, "%s", why);
            return;
        }
    exchange_refuse(lines->exchange, "an answer to command %llu, which was not asked", (unsigned long long)id);
}

static void take_number(Lines *lines, const char *name, double number)
{
    bool bound = false;
    for (size_t i = 0; i < lines->binding_count; i++)
        if (!lines->bindings[i].writes && strcmp(lines->names[i], name) == 0) {
            exchange_value(lines->exchange, i, number, TIME_NONE, QUALITY_GOOD);
            bound = true;
        }
    if (!bound)
        exchange_seen(lines->exchange, name, number);
}

static void take_line(Lines *lines, char *line)
{
    char *rest = line, *word = strsep(&rest, " "), *end = NULL;
    const double number = rest ? strtod(rest, &end) : 0;
    if (!rest || end == rest)
        exchange_refuse(lines->exchange, "a name and a number were expected, got \"%.40s\"", line);
    else if (strcmp(word, "ok") == 0 || strcmp(word, "no") == 0)
        take_answer(lines, strtoull(rest, NULL, 10), *word == 'o', *end ? end + 1 : "");
    else
        take_number(lines, word, number);
}

static void take_lines(Lines *lines)
{
    size_t begin = 0;
    for (char *end; (end = memchr(lines->received + begin, '\n', lines->received_length - begin)); begin = (size_t)(end - lines->received) + 1) {
        *end = 0;
        take_line(lines, lines->received + begin);
    }
    lines->received_length -= begin;
    memmove(lines->received, lines->received + begin, lines->received_length);
}

static void receive(Lines *lines)
{
    const ssize_t length = recv(lines->socket, lines->received + lines->received_length, sizeof lines->received - lines->received_length, MSG_DONTWAIT);
    if (length <= 0) {
        if (length == 0 || errno != EAGAIN)
            leave(lines, length == 0 ? "the peer has closed the connection" : strerror(errno));
        return;
    }
    lines->received_length += (size_t)length;
    take_lines(lines);
    if (lines->received_length == sizeof lines->received)
        leave(lines, "a line is too long");
}

// --- what goes -----------------------------------------------------------------------------------------------------

static void send_command(Lines *lines, const Command *command, size_t binding, double number)
{
    char line[LINE_MAX_LENGTH];
    const int length = snprintf(line, sizeof line, "set %s %.17g %llu\n", lines->names[binding], number, (unsigned long long)command->id);
    lines->pending[lines->pending_count++] = command->id;
    if (send(lines->socket, line, (size_t)length, MSG_NOSIGNAL) != length)
        leave(lines, strerror(errno));
}

/* Without a connection it is asked all the same: what cannot wait is answered then. */
static void send_commands(Lines *lines)
{
    Command command;
    size_t binding;
    double number;
    while (lines->pending_count < PENDING_MAX && exchange_take(lines->exchange, &command, &binding, &number))
        send_command(lines, &command, binding, number);
}

// --- the thread ----------------------------------------------------------------------------------------------------

static void wait_for(Lines *lines, int64_t most_ns)
{
    // a peer that owes many answers is not sent more: then only it is waited for
    const int commands = lines->pending_count < PENDING_MAX ? exchange_file(lines->exchange) : -1;
    struct pollfd files[] = {{.fd = commands, .events = POLLIN}, {.fd = lines->socket, .events = POLLIN}};
    const int64_t look = exchange_look(lines->exchange), least = look < most_ns ? look : most_ns;
    poll(files, 2, (int)(least / NS_PER_MS) + 1);
}

static void *run(void *self)
{
    Lines *lines = self;
    int64_t due = 0;
    while (!exchange_ends(lines->exchange)) {
        const int64_t now = clock_system.elapsed_ns(clock_system.self);
        if (lines->socket < 0 && now >= due) {
            join(lines);
            due = now + backoff_next(&lines->backoff);
        }
        send_commands(lines);
        wait_for(lines, lines->socket < 0 ? due - now : NS_PER_S);
        if (lines->socket >= 0)
            receive(lines);
    }
    return NULL;
}

static void close_lines(void *self)
{
    Lines *lines = self;
    exchange_end(lines->exchange);
    pthread_join(lines->thread, NULL);
    exchange_destroy(lines->exchange);
    forget(lines);
}

// --- what Pollux asks for ------------------------------------------------------------------------------------------

static Err check(const ConnectorDef *def, ConnectorFault *fault)
{
    Lines *lines;
    const Err err = set_up(def, &lines, fault);
    if (!err)
        forget(lines);
    return err;
}

static Err start(const ConnectorDef *def, Lines *lines, ConnectorFault *fault)
{
    const ExchangeDef exchange = {.name = def->name, .kind = "lines", .peer = lines->peer, .bindings = def->bindings, .binding_count = def->binding_count,
                                  .clock = def->clock};
    if (exchange_create(&exchange, &lines->exchange))
        return err_set(&fault->why, ERR_MEMORY, "no memory");
    if (pthread_create(&lines->thread, NULL, run, lines) == 0)
        return ERR_OK;
    exchange_destroy(lines->exchange);
    return err_set(&fault->why, ERR_MEMORY, "no thread");
}

static Err open_lines(const ConnectorDef *def, Connector *out, Exchange **exchange, ConnectorFault *fault)
{
    Lines *lines;
    Err err = set_up(def, &lines, fault);
    if (err)
        return err;
    if ((err = start(def, lines, fault))) {
        forget(lines);
        return err;
    }
    *exchange = lines->exchange;
    *out = exchange_connector(lines->exchange, close_lines, lines);
    return ERR_OK;
}

/* What somebody could bind: a name that the peer has said. */
static void suggest(const char *address, Text *out)
{
    text_put(out, "name = ");
    text_json_string(out, address);
}

static const ConnectorKind lines_kind = {
    .version = CONNECTOR_VERSION,
    .name = "lines",
    .doc = "lines of text over TCP",
    .check = check,
    .open = open_lines,
    .suggest = suggest,
};

const ConnectorKind *pollux_connector_kind(void);
const ConnectorKind *pollux_connector_kind(void)
{
    return &lines_kind;
}
