/* websocket.c -- what devices say becomes Arrivals; commands and acknowledgements go back.
 *
 * Two threads meet here. The service thread writes `arrivals` and reads `commands`, the tick the other way round. Which device has an
 * actuator, how far the disk is and how far the plant has gone are single atomic words. What people look at (WebsocketDevice) stands
 * under a mutex that is held for a copy and never over input or output.
 *
 * Live samples and those of logs are two streams, each with its ring, its marks and its messages that wait for the disk: neither waits for the other.
 *
 * Samples leave RESERVE places of the ring free for outcomes, and outcomes DEVICES_MAX for what must not be lost: nobody joins unless
 * there is room for RESERVE, so a place for the "left" of everybody who is there is always kept. */
#include "connectors/websocket/websocket.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "connectors/websocket/grant.h"

enum {
    DEVICES_MAX = 256,    // connected or remembered
    COMMANDS_MAX = 1024,  // on their way to the service thread, and as many without an answer
    ACKS_MAX = 16384,     // messages whose samples are not on disk yet
    RESERVE = DEVICES_MAX + 2 * COMMANDS_MAX,  // places
    RING_DEFAULT = 65536,
    LOG_RING = 16384,
};

/* A device, at its Link or remembered after it left. */
typedef struct Guest {
    Link *link;         // NULL when it has gone
    uint32_t provider;  // of this connection; rises, so the smallest is the oldest
    Grants grants;
    int64_t time_owed;      // of a `time` that found no room, TIME_NONE otherwise
    SourceClock clock;
    ClockMap map;
    bool warned;            // of this setting of its clock
    ConnectorLosses told;   // of shown.lost, what it has heard of
    WebsocketDevice shown;  // under the lock; no name: the place is free
} Guest;

/* A message whose samples were taken and are not on disk yet. */
typedef struct Ack {
    uint64_t mark;  // of its last sample
    int64_t id;
    uint32_t provider;
    uint32_t guest;
    uint32_t count;
} Ack;

/* One way to the tick. */
typedef struct Stream {
    Ring arrivals;  // service thread -> tick
    _Atomic uint64_t stored_mark;
    uint64_t mark;  // the service thread's, as all that follows
    Ack *acks;      // ACKS_MAX
    size_t first_ack, ack_count;
} Stream;

/* A command that a device has and did not answer yet. */
typedef struct SentCommand {
    uint64_t id;  // 0: none
    uint32_t provider;
} SentCommand;

struct Websocket {
    WebsocketDef def;
    char *plant;
    LinkHandler handler;

    Stream live, log;
    Ring commands;  // tick -> service thread
    _Atomic uint16_t *owner;  // by TagId: 1 + index of the guest that has this actuator, 0 for nobody
    _Atomic int64_t plant_time;
    _Atomic uint64_t samples, refused, dropped;

    // the service thread's own
    Guest guests[DEVICES_MAX];
    uint32_t last_provider;
    SentCommand sent[COMMANDS_MAX];
    size_t sent_count;  // for ever; the low bits are a place
    Text out;

    pthread_mutex_t lock;  // WebsocketDevice of the guests
};

// Speaking with a Link.

static void say(Websocket *websocket, Link *link)
{
    if (!websocket->out.failed)
        link->send(link, websocket->out.bytes, websocket->out.length);
    text_clear(&websocket->out);
}

static void refuse(Websocket *websocket, Link *link, const WireMessage *message, int status, const char *path, const char *detail)
{
    wire_write_refusal(&websocket->out, wire_topic_name(message->topic), message->id, status, path, detail);
    say(websocket, link);
}

/* Add to what is shown of a device. */
static void count(Websocket *websocket, Guest *guest, uint64_t samples, uint64_t refused, uint64_t dropped, int64_t last)
{
    websocket->samples += samples;
    websocket->refused += refused;
    websocket->dropped += dropped;
    if (!guest)
        return;

    pthread_mutex_lock(&websocket->lock);
    guest->shown.samples += samples;
    guest->shown.refused += refused;
    guest->shown.dropped += dropped;
    if (last > guest->shown.last)
        guest->shown.last = last;
    pthread_mutex_unlock(&websocket->lock);
}

// Arrivals.

static bool stream_push(Stream *stream, Arrival *arrival)
{
    arrival->mark = ++stream->mark;
    return ring_push(&stream->arrivals, arrival);
}

/* Push unless that would leave fewer than `reserve` places. */
static bool push(Websocket *websocket, Arrival *arrival, size_t reserve)
{
    return ring_room(&websocket->live.arrivals) > reserve && stream_push(&websocket->live, arrival);
}

static void push_outcome(Websocket *websocket, uint32_t provider, uint64_t command, bool done, const char *text)
{
    Arrival arrival = {.kind = ARRIVAL_OUTCOME, .provider = provider, .command = command, .done = done};
    snprintf(arrival.text, sizeof arrival.text, "%s", text);
    // without room the command ends as expired
    if (!push(websocket, &arrival, DEVICES_MAX))
        websocket->dropped++;
}

static bool push_time(Websocket *websocket, const Guest *guest, int64_t time)
{
    Arrival arrival = {.kind = ARRIVAL_TIME, .provider = guest->provider, .sample = {.time = time, .tag = TAG_NONE}};
    return push(websocket, &arrival, RESERVE);
}

/* A time that found no room before; in front of what comes next from this device. */
static void pay_time(Websocket *websocket, Guest *guest)
{
    if (guest->time_owed != TIME_NONE && push_time(websocket, guest, guest->time_owed))
        guest->time_owed = TIME_NONE;
}

// Coming and going.

static void own_actuators(Websocket *websocket, const Guest *guest, bool own)
{
    const uint16_t owner = (uint16_t)(own ? 1 + (guest - websocket->guests) : 0);
    for (size_t i = 0; i < guest->grants.actuator_count; i++)
        atomic_store_explicit(&websocket->owner[guest->grants.actuators[i]], owner, memory_order_release);
}

/* The guest is no longer at its link. */
static void leave(Websocket *websocket, Guest *guest)
{
    Arrival arrival = {.kind = ARRIVAL_LEFT, .provider = guest->provider};
    snprintf(arrival.text, sizeof arrival.text, "%s", guest->shown.name);
    const bool pushed = push(websocket, &arrival, 0);
    assert(pushed);
    (void)pushed;

    own_actuators(websocket, guest, false);
    grants_fini(&guest->grants);
    guest->link->guest = NULL;
    guest->link = NULL;
    guest->time_owed = TIME_NONE;
    pthread_mutex_lock(&websocket->lock);
    guest->shown.connected = false;
    pthread_mutex_unlock(&websocket->lock);
}

/* The place of the device `name`: its own of before, a free one, or that of who has been away longest. NULL when all are connected. */
static Guest *find_place(Websocket *websocket, const char *name)
{
    Guest *best = NULL;
    for (size_t i = 0; i < DEVICES_MAX; i++) {
        Guest *guest = &websocket->guests[i];
        if (strcmp(guest->shown.name, name) == 0)
            return guest;
        if (!guest->link && (!best || guest->provider < best->provider))
            best = guest;
    }
    return best;
}

static int check_name(const Link *link, const char *name, ErrText *why)
{
    const Guest *guest = link->guest;
    if (!*name || strlen(name) >= sizeof guest->shown.name) {
        err_set(why, ERR_RANGE, "\"device\" must have 1 to %zu bytes", sizeof guest->shown.name - 1);
        return 400;
    }
    if (guest && strcmp(guest->shown.name, name) != 0) {
        err_set(why, ERR_RANGE, "this connection is the device \"%s\" already", guest->shown.name);
        return 409;
    }
    return 200;
}

/* Nobody else may have one of the actuators; the same device on an older connection is not somebody else. */
static int check_rivals(const Websocket *websocket, const Guest *place, const Grants *grants, ErrText *why)
{
    for (size_t i = 0; i < grants->actuator_count; i++) {
        const uint16_t owner = websocket->owner[grants->actuators[i]];
        if (!owner || &websocket->guests[owner - 1] == place)
            continue;
        err_set(why, ERR_DENIED, "device \"%s\" has the actuator \"%s\" already", websocket->guests[owner - 1].shown.name,
                tags_name(websocket->def.tags, grants->actuators[i]).text);
        return 409;
    }
    return 200;
}

/* Seat the device at `link`. False when the ring has no room to tell the tick. */
static bool join(Websocket *websocket, Guest *guest, Link *link, const char *name)
{
    if (guest->link == link)
        return true;
    if (ring_room(&websocket->live.arrivals) <= RESERVE + 1)
        return false;

    // a device that comes again is the one to believe: its old connection is dead or soon will be
    if (guest->link) {
        guest->link->shut(guest->link, "the same device has connected anew");
        leave(websocket, guest);
    }

    const bool known = strcmp(guest->shown.name, name) == 0;
    guest->link = link;
    guest->provider = ++websocket->last_provider;
    guest->time_owed = TIME_NONE;
    link->guest = guest;
    pthread_mutex_lock(&websocket->lock);
    if (!known) {
        guest->shown = (WebsocketDevice){.last = TIME_NONE};
        guest->clock = (SourceClock){0};
        guest->map = (ClockMap){0};
        guest->warned = false;
        guest->told = (ConnectorLosses){0};
    }
    guest->shown.provider = guest->provider;
    snprintf(guest->shown.name, sizeof guest->shown.name, "%s", name);
    memcpy(guest->shown.peer, link->peer, sizeof guest->shown.peer);
    guest->shown.connected = true;
    pthread_mutex_unlock(&websocket->lock);

    Arrival arrival = {.kind = ARRIVAL_JOINED, .provider = guest->provider};
    snprintf(arrival.text, sizeof arrival.text, "%s", name);
    return push(websocket, &arrival, RESERVE);
}

static int admit(Websocket *websocket, Link *link, const WireMessage *message, Grants *grants, ErrText *why)
{
    const char *name = message->provide.device;
    int status = check_name(link, name, why);
    if (status != 200)
        return status;
    Guest *guest = find_place(websocket, name);
    status = check_rivals(websocket, guest, grants, why);
    if (status != 200)
        return status;
    if (!guest || !join(websocket, guest, link, name)) {
        err_set(why, ERR_FULL, "no room for another device now");
        return 503;
    }

    own_actuators(websocket, guest, false);
    grants_fini(&guest->grants);
    guest->grants = *grants;
    own_actuators(websocket, guest, true);
    return 200;
}

static void on_provide(Websocket *websocket, Link *link, const WireMessage *message)
{
    const WebsocketDef *def = &websocket->def;
    ErrText why = {0};
    Grants grants;
    int status = grants_init(&grants, message, def->tags, websocket->plant, &why);
    if (status == 200) {
        status = admit(websocket, link, message, &grants, &why);
        if (status != 200)
            grants_fini(&grants);
    }
    if (status != 200) {
        count(websocket, link->guest, 0, 1, 0, TIME_NONE);
        refuse(websocket, link, message, status, NULL, why.text);
        return;
    }
    wire_write_welcome(&websocket->out, message->id, websocket->plant, def->step, def->provider_clock, def->speed, websocket->plant_time);
    say(websocket, link);
}

// Clocks.

/* Only where the plant lives by the day, at its speed, do stamps mean the time of day. */
static bool are_clocks_measured(const Websocket *websocket)
{
    return !websocket->def.provider_clock && websocket->def.speed == 1;
}

/* Said once for each setting of a clock: that is when somebody can do something about it. */
static void warn_of_clock(const Websocket *websocket, Guest *guest, const ClockReading *reading)
{
    const int64_t off = reading->offset < 0 ? -reading->offset : reading->offset;
    guest->warned &= reading->settings == guest->shown.clock.settings;
    if (guest->warned || (double)(off - reading->uncertainty) < websocket->def.step * (double)NS_PER_S)
        return;
    guest->warned = true;
    log_write(LOG_WARNING, "websocket", "device \"%s\": its clock is %.3f s %s%s", guest->shown.name, (double)off / (double)NS_PER_S,
              reading->offset < 0 ? "behind" : "ahead", websocket->def.corrected ? ", which is corrected" : ": set it, or let clocks = \"corrected\" correct its samples");
}

/* The newest of a message waited least. */
static int64_t newest_stamp(const WireMessage *message)
{
    int64_t newest = TIME_NONE;
    for (size_t i = 0; i < message->samples.count; i++) {
        const WireSample *sample = &message->samples.items[i];
        if (!sample->error && sample->time > newest)
            newest = sample->time;
    }
    return newest;
}

/* What a message of samples says of the clock that stamped them. False: it is to be corrected and not known yet. */
static bool hear_clock(Websocket *websocket, Guest *guest, const WireMessage *message)
{
    const int64_t stamp = newest_stamp(message);
    ClockReading reading;
    if (!are_clocks_measured(websocket) || stamp == TIME_NONE)
        return true;
    const int64_t came = websocket->def.clock->utc_ns(websocket->def.clock->self);
    if (!message->historical)
        source_clock_hear(&guest->clock, stamp, came);
    if (!source_clock_read(&guest->clock, came, &reading))
        return !websocket->def.corrected;

    warn_of_clock(websocket, guest, &reading);
    pthread_mutex_lock(&websocket->lock);
    guest->shown.measured = true;
    guest->shown.clock = reading;
    pthread_mutex_unlock(&websocket->lock);
    if (websocket->def.corrected && !message->historical)
        clock_map_hear(&guest->map, stamp, came, &reading);
    return !websocket->def.corrected || guest->map.count > 0;
}

static int64_t corrected(const Guest *guest, int64_t stamp)
{
    return guest->map.count > 0 ? clock_map_time(&guest->map, stamp) : stamp;
}

// Samples.

static bool push_sample(Websocket *websocket, Arrival *arrival)
{
    return arrival->historical ? stream_push(&websocket->log, arrival) : push(websocket, arrival, RESERVE);
}

/* 200 when the sample was taken, otherwise the status of its refusal. */
static int take(Websocket *websocket, Guest *guest, const WireSample *sample, bool historical, ErrText *why)
{
    if (sample->error) {
        err_set(why, ERR_PARSE, "%s", sample->error);
        return 400;
    }
    const TagId tag = tags_find(websocket->def.tags, sample->tag);
    if (tag == TAG_NONE) {
        err_set(why, ERR_UNKNOWN, "no tag \"%.100s\" in plant %s", sample->tag, websocket->plant);
        return 404;
    }
    const Grant *grant = grants_find(&guest->grants, tag);
    if (!grant) {
        err_set(why, ERR_DENIED, "tag \"%s\" is not among what this device provides: name it in \"provide\" first", sample->tag);
        return 403;
    }
    const double value = unit_to_si(grant->unit, sample->value);
    if (!isfinite(value)) {
        err_set(why, ERR_RANGE, "%g %s is too large", sample->value, unit_name(grant->unit));
        return 400;
    }

    Arrival arrival = {
        .kind = ARRIVAL_SAMPLE,
        .provider = guest->provider,
        .historical = historical,
        .sample = {.time = corrected(guest, sample->time), .value = value, .tag = tag, .quality = (uint8_t)sample->quality},
    };
    if (!push_sample(websocket, &arrival)) {
        err_set(why, ERR_FULL, "no room: the plant is behind, send it again later");
        return 429;
    }
    return 200;
}

/* Take what can be taken, refuse the rest one by one; returns how many were taken. */
static uint32_t take_all(Websocket *websocket, Link *link, const WireMessage *message)
{
    Guest *guest = link->guest;
    uint32_t taken = 0, refused = 0, dropped = 0;
    int64_t last = TIME_NONE;
    for (size_t i = 0; i < message->samples.count; i++) {
        const WireSample *sample = &message->samples.items[i];
        ErrText why;
        const int status = take(websocket, guest, sample, message->historical, &why);
        if (status == 200) {
            taken++;
            last = sample->time > last ? sample->time : last;
            continue;
        }
        *(status == 429 ? &dropped : &refused) += 1;
        char path[24];
        snprintf(path, sizeof path, "/%zu", i);
        refuse(websocket, link, message, status, path, why.text);
    }
    count(websocket, guest, taken, refused, dropped, last);
    return taken;
}

static void on_samples(Websocket *websocket, Link *link, const WireMessage *message)
{
    Guest *guest = link->guest;
    Stream *const stream = message->historical ? &websocket->log : &websocket->live;
    const char *busy = NULL;
    if (stream->ack_count == ACKS_MAX)
        busy = "too many messages wait for the disk: send it again later";
    else if (message->historical && ring_room(&stream->arrivals) < message->samples.count)
        busy = "what is live goes first: send it again later";
    if (busy) {
        count(websocket, guest, 0, 0, message->samples.count, TIME_NONE);
        refuse(websocket, link, message, 429, NULL, busy);
        return;
    }

    if (!hear_clock(websocket, guest, message)) {
        refuse(websocket, link, message, 429, NULL, "the clock of this device is being measured, to correct it: send it again in a few seconds");
        return;
    }

    pay_time(websocket, guest);
    const uint32_t taken = take_all(websocket, link, message);
    if (taken == 0) {
        wire_write_stored(&websocket->out, message->id, 0, (ConnectorLosses){0});
        say(websocket, link);
        return;
    }
    Ack *ack = &stream->acks[(stream->first_ack + stream->ack_count++) % ACKS_MAX];
    *ack = (Ack){stream->mark, message->id, guest->provider, (uint32_t)(guest - websocket->guests), taken};
}

static void on_time(Websocket *websocket, Guest *guest, int64_t time)
{
    // a later time says all that an earlier one did, so one that finds no room need only be remembered
    if (!push_time(websocket, guest, time))
        guest->time_owed = time;
    else
        guest->time_owed = TIME_NONE;
}

// Commands.

static void on_command_answer(Websocket *websocket, Guest *guest, const WireMessage *message)
{
    for (size_t i = 0; i < COMMANDS_MAX; i++) {
        SentCommand *sent = &websocket->sent[i];
        if (sent->id == 0 || (int64_t)sent->id != message->id || sent->provider != guest->provider)
            continue;
        push_outcome(websocket, guest->provider, sent->id, message->status < 300, message->detail);
        sent->id = 0;
        return;
    }
    // answered twice, or never asked
    count(websocket, guest, 0, 1, 0, TIME_NONE);
}

static void carry(Websocket *websocket, const Command *command)
{
    const Tag tag = tags_get(websocket->def.tags, command->wish.tag);
    const uint16_t owner = websocket->owner[command->wish.tag];
    if (!owner) {
        push_outcome(websocket, 0, command->id, false, "the device left before the command reached it");
        return;
    }

    const Guest *guest = &websocket->guests[owner - 1];
    websocket->sent[websocket->sent_count++ % COMMANDS_MAX] = (SentCommand){command->id, guest->provider};
    wire_write_command(&websocket->out, command, tags_name(websocket->def.tags, command->wish.tag).text, unit_from_si(tag.unit, command->wish.value));
    say(websocket, guest->link);
}

// The LinkHandler, on the service thread.

static void on_message(void *self, Link *link, const WireMessage *message)
{
    Websocket *websocket = self;
    Guest *guest = link->guest;
    const bool answer = message->status != 0;
    if (message->topic == WIRE_PROVIDE && !answer) {
        on_provide(websocket, link, message);
        return;
    }
    if (!guest) {
        count(websocket, NULL, 0, 1, 0, TIME_NONE);
        if (!answer)
            refuse(websocket, link, message, 403, NULL, "say what this device provides first");
        return;
    }

    if (message->topic == WIRE_COMMAND && answer)
        on_command_answer(websocket, guest, message);
    else if (message->topic == WIRE_SAMPLES && !answer)
        on_samples(websocket, link, message);
    else if (message->topic == WIRE_TIME && !answer)
        on_time(websocket, guest, message->time);
    else {
        count(websocket, guest, 0, 1, 0, TIME_NONE);
        if (!answer)
            refuse(websocket, link, message, 400, NULL, "commands go from Pollux to a device");
    }
}

static void on_malformed(void *self, Link *link)
{
    count(self, link->guest, 0, 1, 0, TIME_NONE);
}

static void on_closed(void *self, Link *link)
{
    if (link->guest)
        leave(self, link->guest);
}

/* What it lost since it was told last. */
static ConnectorLosses news_of_losses(Websocket *websocket, Guest *guest)
{
    const ConnectorLosses told = guest->told;
    pthread_mutex_lock(&websocket->lock);
    guest->told = guest->shown.lost;
    pthread_mutex_unlock(&websocket->lock);
    return (ConnectorLosses){guest->told.late - told.late, guest->told.duplicate - told.duplicate, guest->told.future - told.future};
}

static void answer_stored(Websocket *websocket, Stream *stream)
{
    const uint64_t stored = atomic_load_explicit(&stream->stored_mark, memory_order_acquire);
    while (stream->ack_count) {
        const Ack *ack = &stream->acks[stream->first_ack];
        if (ack->mark > stored)
            return;
        // who left and came again sends anew what had no answer
        Guest *guest = &websocket->guests[ack->guest];
        if (guest->link && guest->provider == ack->provider) {
            wire_write_stored(&websocket->out, ack->id, ack->count, news_of_losses(websocket, guest));
            say(websocket, guest->link);
        }
        stream->first_ack = (stream->first_ack + 1) % ACKS_MAX;
        stream->ack_count--;
    }
}

static void on_woken(void *self)
{
    Websocket *websocket = self;
    Command command;
    while (ring_pop(&websocket->commands, &command))
        carry(websocket, &command);
    for (size_t i = 0; i < DEVICES_MAX; i++)
        if (websocket->guests[i].link)
            pay_time(websocket, &websocket->guests[i]);
    answer_stored(websocket, &websocket->live);
    answer_stored(websocket, &websocket->log);
}

// The connector, on the tick's thread.

static void wake(const Websocket *websocket)
{
    if (websocket->handler.wake)
        websocket->handler.wake(websocket->handler.server);
}

static size_t poll_stream(Stream *stream, Arrival *out, size_t room)
{
    size_t polled = 0;
    while (polled < room && ring_pop(&stream->arrivals, &out[polled]))
        polled++;
    return polled;
}

static size_t connector_poll(void *self, Arrival *out, size_t room)
{
    return poll_stream(&((Websocket *)self)->live, out, room);
}

static size_t log_poll(void *self, Arrival *out, size_t room)
{
    return poll_stream(&((Websocket *)self)->log, out, room);
}

static Err connector_send(void *self, const Command *command)
{
    Websocket *websocket = self;
    const TagId tag = command->wish.tag;
    if (tag >= tags_count(websocket->def.tags) || !atomic_load_explicit(&websocket->owner[tag], memory_order_acquire))
        return ERR_CLOSED;
    if (!ring_push(&websocket->commands, command))
        return ERR_FULL;
    wake(websocket);
    return ERR_OK;
}

static void note_stored(const Websocket *websocket, Stream *stream, uint64_t mark)
{
    if (mark <= stream->stored_mark)
        return;
    atomic_store_explicit(&stream->stored_mark, mark, memory_order_release);
    wake(websocket);
}

static void connector_stored(void *self, uint64_t mark)
{
    note_stored(self, &((Websocket *)self)->live, mark);
}

static void log_stored(void *self, uint64_t mark)
{
    note_stored(self, &((Websocket *)self)->log, mark);
}

static void connector_lost(void *self, uint32_t provider, ConnectorLosses losses)
{
    Websocket *websocket = self;
    pthread_mutex_lock(&websocket->lock);
    for (size_t i = 0; i < DEVICES_MAX; i++) {
        WebsocketDevice *device = &websocket->guests[i].shown;
        if (device->provider != provider)
            continue;
        device->lost.late += losses.late;
        device->lost.duplicate += losses.duplicate;
        device->lost.future += losses.future;
        break;
    }
    pthread_mutex_unlock(&websocket->lock);
}

static void connector_ticked(void *self, int64_t plant_time)
{
    atomic_store_explicit(&((Websocket *)self)->plant_time, plant_time, memory_order_relaxed);
}

static ConnectorStats connector_stats(void *self)
{
    const Websocket *websocket = self;
    return (ConnectorStats){websocket->samples, websocket->refused, websocket->dropped};
}

static void connector_close(void *self)
{
    websocket_destroy(self);
}

const ConnectorType websocket_connector = {
    .name = "websocket",
    .poll = connector_poll,
    .send = connector_send,
    .stored = connector_stored,
    .lost = connector_lost,
    .ticked = connector_ticked,
    .stats = connector_stats,
    .close = connector_close,
};

/* Commands, what devices are told of the plant, and the numbers of both are the live connector's. */
static ConnectorStats log_stats(void *self)
{
    (void)self;
    return (ConnectorStats){0};
}

static void log_close(void *self)
{
    (void)self;
}

const ConnectorType websocket_log_connector = {
    .name = "websocket log",
    .is_patient = true,
    .poll = log_poll,
    .stored = log_stored,
    .lost = connector_lost,
    .stats = log_stats,
    .close = log_close,
};

// The public functions.

static Err stream_init(Stream *stream, size_t room)
{
    stream->acks = mem_alloc(ACKS_MAX * sizeof *stream->acks);
    return stream->acks ? ring_init(&stream->arrivals, sizeof(Arrival), room) : ERR_MEMORY;
}

static void stream_fini(Stream *stream)
{
    ring_fini(&stream->arrivals);
    mem_free(stream->acks);
}

static Err websocket_init(Websocket *websocket, const WebsocketDef *def)
{
    const size_t ring = def->ring ? def->ring : RING_DEFAULT;
    Err err = stream_init(&websocket->live, ring + RESERVE);
    if (err == ERR_OK)
        err = stream_init(&websocket->log, LOG_RING);
    if (err == ERR_OK)
        err = ring_init(&websocket->commands, sizeof(Command), COMMANDS_MAX);
    if (err != ERR_OK)
        return err;

    const size_t name_size = strlen(def->plant) + 1;
    websocket->plant = mem_alloc(name_size);
    websocket->owner = mem_alloc((tags_count(def->tags) + 1) * sizeof *websocket->owner);
    if (!websocket->plant || !websocket->owner)
        return ERR_MEMORY;
    memcpy(websocket->plant, def->plant, name_size);
    return ERR_OK;
}

Err websocket_create(const WebsocketDef *def, Websocket **out)
{
    assert(def->tags);
    assert(def->plant);
    Websocket *websocket = mem_alloc(sizeof *websocket);
    if (!websocket)
        return ERR_MEMORY;
    websocket->def = *def;
    websocket->def.clock = def->clock ? def->clock : &clock_system;
    websocket->plant_time = TIME_NONE;
    websocket->handler = (LinkHandler){.self = websocket, .message = on_message, .malformed = on_malformed, .closed = on_closed, .woken = on_woken};
    for (size_t i = 0; i < DEVICES_MAX; i++)
        websocket->guests[i].time_owed = TIME_NONE;
    pthread_mutex_init(&websocket->lock, NULL);

    const Err err = websocket_init(websocket, def);
    if (err != ERR_OK) {
        websocket_destroy(websocket);
        return err;
    }
    *out = websocket;
    return ERR_OK;
}

void websocket_destroy(Websocket *websocket)
{
    if (!websocket)
        return;
    for (size_t i = 0; i < DEVICES_MAX; i++)
        grants_fini(&websocket->guests[i].grants);
    stream_fini(&websocket->live);
    stream_fini(&websocket->log);
    ring_fini(&websocket->commands);
    text_fini(&websocket->out);
    mem_free(websocket->plant);
    mem_free(websocket->owner);
    pthread_mutex_destroy(&websocket->lock);
    mem_free(websocket);
}

/* Commands that are on their way; one whose tag is gone has ended already. */
static void follow_commands(Websocket *websocket, const TagTable *tags)
{
    Command command;
    for (size_t left = ring_count(&websocket->commands); left > 0 && ring_pop(&websocket->commands, &command); left--) {
        command.wish.tag = tags_find(tags, tags_name(websocket->def.tags, command.wish.tag).text);
        if (command.wish.tag != TAG_NONE)
            ring_push(&websocket->commands, &command);
    }
}

Err websocket_follow(Websocket *websocket, const TagTable *tags)
{
    assert(ring_count(&websocket->live.arrivals) == 0);
    assert(ring_count(&websocket->log.arrivals) == 0);
    _Atomic uint16_t *owner = mem_alloc((tags_count(tags) + 1) * sizeof *owner);
    if (!owner)
        return ERR_MEMORY;
    mem_free(websocket->owner);
    websocket->owner = owner;
    follow_commands(websocket, tags);
    for (size_t i = 0; i < DEVICES_MAX; i++)
        grants_follow(&websocket->guests[i].grants, websocket->def.tags, tags);
    websocket->def.tags = tags;
    for (size_t i = 0; i < DEVICES_MAX; i++)
        own_actuators(websocket, &websocket->guests[i], true);
    return ERR_OK;
}

LinkHandler *websocket_handler(Websocket *websocket)
{
    return &websocket->handler;
}

size_t websocket_devices(Websocket *websocket, WebsocketDevice *out, size_t room)
{
    size_t found = 0;
    pthread_mutex_lock(&websocket->lock);
    for (size_t i = 0; i < DEVICES_MAX && found < room; i++)
        if (websocket->guests[i].shown.name[0])
            out[found++] = websocket->guests[i].shown;
    pthread_mutex_unlock(&websocket->lock);
    return found;
}
