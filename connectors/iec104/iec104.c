#include "connectors/iec104/iec104.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/iec104/channel.h"
#include "connectors/iec104/settings.h"
#include "signal/backoff.h"

enum {
    HELD_S = 10,  // a connection that held for so long was one: the next wait is the first again
    PAST_S = 5,   // what was measured so long before the connection began was kept for it; nearer than that, clocks may differ
};

typedef struct Iec104 {
    Iec104Settings settings;
    const Binding *bindings;
    Exchange *exchange;
    const Clock *clock;
    Backoff backoff;
    pthread_t thread;
    Arena arena;

    // the thread's
    Iec104Channel channel;
    int64_t started;     // UTC: since when the transfer runs
    bool is_confirmed;   // the stop is
    char why[320];       // the connection is to be closed; "" while it is not
    Master master;
} Iec104;

static MasterTime now(const Iec104 *self)
{
    return (MasterTime){self->clock->elapsed_ns(self->clock->self), self->clock->utc_ns(self->clock->self)};
}

// Waiting

/* Wait for `events` of the socket, for commands where `takes` them, and until `until` (elapsed) at most. What happened to the socket. */
static short wait_for(Iec104 *self, short events, bool takes, int64_t until)
{
    const int64_t left = until - now(self).elapsed, look = exchange_look(self->exchange);
    const int64_t wait = left < look ? left : look;
    struct pollfd files[2] = {{.fd = self->channel.file, .events = events}, {.fd = takes ? exchange_file(self->exchange) : -1, .events = POLLIN}};
    if (poll(files, 2, wait <= 0 ? 0 : (int)((wait + NS_PER_MS - 1) / NS_PER_MS)) <= 0)
        return 0;
    return files[0].revents;
}

/* While there is no connection, commands that cannot wait for one are answered. */
static void fail_commands(Iec104 *self)
{
    Command command;
    size_t binding;
    double number;
    while (exchange_take(self->exchange, &command, &binding, &number))
        exchange_outcome(self->exchange, command.id, false, "there is no connection to %s", self->settings.peer);
}

static void pause_until(Iec104 *self, int64_t until)
{
    while (!exchange_ends(self->exchange) && now(self).elapsed < until) {
        fail_commands(self);
        wait_for(self, 0, true, until);
    }
}

// Connecting

/* Wait until the connection is made; 0 or an errno. */
static int await_connection(Iec104 *self)
{
    const int64_t until = now(self).elapsed + self->settings.t0_ns;
    while (!exchange_ends(self->exchange) && now(self).elapsed < until) {
        fail_commands(self);
        if (wait_for(self, POLLOUT, true, until)) {
            int err = 0;
            socklen_t size = sizeof err;
            return getsockopt(self->channel.file, SOL_SOCKET, SO_ERROR, &err, &size) ? errno : err;
        }
    }
    return exchange_ends(self->exchange) ? ECANCELED : ETIMEDOUT;
}

static int connect_to(Iec104 *self, const struct addrinfo *address)
{
    const int one = 1, file = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol);
    if (file < 0)
        return errno;
    self->channel.file = file;
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(file, address->ai_addr, address->ai_addrlen) == 0)
        return 0;
    return errno == EINPROGRESS ? await_connection(self) : errno;
}

/* True with a socket; otherwise `why` says why there is none. */
static bool dial(Iec104 *self)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses;
    const int unknown = getaddrinfo(self->settings.host, self->settings.port, &hints, &addresses);
    if (unknown) {
        snprintf(self->why, sizeof self->why, "%s: %s", self->settings.host, gai_strerror(unknown));
        return false;
    }
    int err = ECONNREFUSED;
    for (const struct addrinfo *address = addresses; address && err && err != ECANCELED; address = address->ai_next) {
        iec104__channel_close(&self->channel);
        err = connect_to(self, address);
    }
    freeaddrinfo(addresses);
    if (!err && iec104__channel_open(&self->channel, self->channel.file, &self->settings.tls, self->settings.host))
        return true;
    snprintf(self->why, sizeof self->why, "%s: %s", self->settings.peer, err ? strerror(err) : self->channel.why);
    iec104__channel_close(&self->channel);
    return false;
}

// Events

static void pass_value(Iec104 *self, const Iec104Point *point, const MasterEvent *event, int64_t time)
{
    const Quality quality = iec104__point_judge(point, event->object.quality);
    // what a station kept while there was no connection says nothing of now
    const bool is_timed = time != TIME_NONE && self->bindings[point->binding].source_time;
    const bool is_past = is_timed && event->cause == ASDU_SPONTANEOUS && time < self->started - PAST_S * NS_PER_S;
    if (is_past)
        exchange_past(self->exchange, point->binding, event->object.number, time, quality);
    else
        exchange_value(self->exchange, point->binding, event->object.number, time, quality);
}

static void take_value(Iec104 *self, const MasterEvent *event)
{
    size_t count;
    const Iec104Point *const points = iec104__settings_find(&self->settings, event->station, event->object.address, &count);
    if (!points) {
        char address[EXCHANGE_ADDRESS_MAX];
        snprintf(address, sizeof address, "station %u address %u %s", event->station, event->object.address, asdu_type_name(event->type));
        exchange_seen(self->exchange, address, event->object.number);
        return;
    }

    int64_t time = TIME_NONE;
    if (event->object.time && !cp56_read(event->object.time, now(self).utc, self->settings.master.zone_ns, &time))
        time = TIME_NONE;
    for (size_t i = 0; i < count; i++)
        pass_value(self, &points[i], event, time);
}

static void take_event(Iec104 *self, const MasterEvent *event)
{
    switch (event->kind) {
        case MASTER_STARTED:
            self->started = now(self).utc;
            exchange_joined(self->exchange);
            break;
        case MASTER_VALUE:
            take_value(self, event);
            break;
        case MASTER_OUTCOME:
            exchange_outcome(self->exchange, event->command, event->done, "%s", event->done ? "" : event->text);
            break;
        case MASTER_REFUSED:
            exchange_refuse(self->exchange, "%s", event->text);
            break;
        case MASTER_STOPPED:
            self->is_confirmed = true;
            break;
        case MASTER_BROKEN:
            snprintf(self->why, sizeof self->why, "%s", event->text);
            break;
        case MASTER_NOTHING:
            break;
    }
}

static void take_events(Iec104 *self)
{
    for (MasterEvent event; (event = master_next(&self->master, now(self))).kind;)
        take_event(self, &event);
}

// Commands

static void send_command(Iec104 *self, const Command *command, size_t binding, double number)
{
    const Iec104Point *const point = &self->settings.points[binding];
    if (!asdu_carries(point->type, number)) {
        exchange_outcome(self->exchange, command->id, false, "%s carries %s, not %g", asdu_type_name(point->type), asdu_carries_what(point->type), number);
        return;
    }
    const MasterTime time = now(self);
    const MasterCommand order = {
        .id = command->id,
        .type = point->type,
        .station = point->station,
        .address = point->address,
        .number = number,
        .select = point->select,
        .terminates = point->terminates,
        .limit = time.elapsed + (command->deadline - time.utc),
    };
    master_command(&self->master, &order, time);
}

/* False when there is no room for more: the others stay where they are. */
static bool take_commands(Iec104 *self)
{
    Command command;
    size_t binding;
    double number;
    while (master_has_room(&self->master)) {
        if (!exchange_take(self->exchange, &command, &binding, &number))
            return true;
        send_command(self, &command, binding, number);
    }
    return false;
}

// The conversation

static void write_out(Iec104 *self)
{
    Transfer *const transfer = &self->master.transfer;
    for (size_t count; transfer->out_size && (count = iec104__channel_write(&self->channel, transfer->out, transfer->out_size));)
        transfer_wrote(transfer, count);
}

static void read_in(Iec104 *self)
{
    uint8_t bytes[TRANSFER_IN];
    do {
        const size_t count = iec104__channel_read(&self->channel, bytes, transfer_room(&self->master.transfer));
        transfer_put(&self->master.transfer, bytes, count);
        take_events(self);
    } while (!self->why[0] && iec104__channel_has_more(&self->channel));
}

/* Nothing more goes over a channel that has ended. */
static void note_end(Iec104 *self)
{
    if (!self->why[0] && self->channel.why[0])
        snprintf(self->why, sizeof self->why, "%s: %s", self->settings.peer, self->channel.why);
}

/* One round: what is due, what has come, what is to go. `until` bounds the wait. */
static void converse_once(Iec104 *self, int64_t until)
{
    bool takes = !exchange_ends(self->exchange);  // from then on its file is readable all the time
    if (self->master.transfer.state == TRANSFER_STARTED)
        takes = take_commands(self) && takes;
    else
        fail_commands(self);
    const int64_t due = master_look(&self->master, now(self));
    take_events(self);
    write_out(self);
    note_end(self);
    if (self->why[0])
        return;

    if (wait_for(self, iec104__channel_events(&self->channel), takes, due < until ? due : until))
        read_in(self);
    note_end(self);
}

static void converse(Iec104 *self)
{
    const int64_t began = now(self).elapsed;
    self->why[0] = 0;
    self->is_confirmed = false;
    master_open(&self->master, now(self));
    while (!self->why[0] && !exchange_ends(self->exchange))
        converse_once(self, INT64_MAX);

    // a second for the other side to hear that this was the end
    transfer_stop(&self->master.transfer, now(self).elapsed);
    const int64_t until = now(self).elapsed + NS_PER_S;
    while (!self->why[0] && !self->is_confirmed && self->master.transfer.state == TRANSFER_STOPPING && now(self).elapsed < until)
        converse_once(self, until);

    exchange_left(self->exchange, "%s", self->why[0] ? self->why : "stopped");
    master_close(&self->master);
    take_events(self);
    iec104__channel_close(&self->channel);
    if (now(self).elapsed - began >= HELD_S * NS_PER_S)
        backoff_reset(&self->backoff);
}

static void *run(void *argument)
{
    Iec104 *const self = argument;
    while (!exchange_ends(self->exchange)) {
        if (dial(self))
            converse(self);
        else
            exchange_left(self->exchange, "%s", self->why);
        pause_until(self, now(self).elapsed + backoff_next(&self->backoff));
    }
    return NULL;
}

// The kind

static void destroy(Iec104 *self)
{
    exchange_destroy(self->exchange);
    arena_fini(&self->arena);
    mem_free(self);
}

static void close_connector(void *argument)
{
    Iec104 *const self = argument;
    exchange_end(self->exchange);
    pthread_join(self->thread, NULL);
    destroy(self);
}

static Err check(const ConnectorDef *def, ConnectorFault *fault)
{
    Arena arena = {0};
    Iec104Settings settings;
    const Err err = iec104__settings_read(def, &arena, &settings, fault);
    arena_fini(&arena);
    return err;
}

static Err begin(Iec104 *self, const ConnectorDef *def, ConnectorFault *fault)
{
    Err err = iec104__settings_read(def, &self->arena, &self->settings, fault);
    if (err)
        return err;
    self->bindings = def->bindings;
    self->clock = def->clock ? def->clock : &clock_system;
    self->channel.file = -1;
    self->backoff = backoff_begin(self->settings.retry_ns, self->settings.retry_most_ns, def->name);
    master_init(&self->master, &self->settings.master);
    const ExchangeDef exchange = {
        .name = def->name,
        .kind = iec104_kind.name,
        .peer = self->settings.peer,
        .bindings = def->bindings,
        .binding_count = def->binding_count,
        .clock = def->clock,
    };
    err = exchange_create(&exchange, &self->exchange);
    if (!err && pthread_create(&self->thread, NULL, run, self))
        err = ERR_MEMORY;
    return err ? err_set(&fault->why, err, "%s", err_name(err)) : ERR_OK;
}

static Err open_connector(const ConnectorDef *def, Connector *out, Exchange **exchange, ConnectorFault *fault)
{
    *fault = (ConnectorFault){.binding = TAG_NONE};
    Iec104 *const self = mem_alloc(sizeof *self);
    if (!self)
        return err_set(&fault->why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    const Err err = begin(self, def, fault);
    if (err) {
        destroy(self);
        return err;
    }
    *out = exchange_connector(self->exchange, close_connector, self);
    *exchange = self->exchange;
    return ERR_OK;
}

/* "station 1 address 4001 M_ME_NC": what is heard has its type with it. */
static void suggest(const char *address, Text *out)
{
    unsigned station, object;
    if (sscanf(address, "station %u address %u", &station, &object) == 2)
        text_format(out, "station = %u, address = %u", station, object);
}

const ConnectorKind iec104_kind = {
    .version = CONNECTOR_VERSION,
    .name = "iec104",
    .doc = "outstations that speak IEC 60870-5-104",
    .check = check,
    .open = open_connector,
    .suggest = suggest,
};
