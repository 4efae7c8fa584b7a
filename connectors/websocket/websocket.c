/* websocket.c -- what devices say becomes Arrivals; commands and acknowledgements go back.
 *
 * Two threads meet here. The service thread writes the streams and reads `commands`, the tick the other way round. Which device has an
 * actuator, how far the disk is and how far the plant has gone are single atomic words. What people look at (WebsocketDevice) stands
 * under a mutex that is held for a copy and never over input or output.
 *
 * Live samples and those of logs are two streams, each with its ring, its marks and its messages that wait for the disk: neither waits for the other.
 *
 * Samples leave RESERVE places of the live ring free for outcomes, and outcomes DEVICES_MAX for what must not be lost: nobody joins unless
 * there is room for RESERVE, so a place for the "left" of everybody who is there is always kept. */
#include "connectors/websocket/websocket.h"

#include <assert.h>
#include <string.h>

#include "connectors/websocket/inside.h"

enum { RING_DEFAULT = 65536, LOG_RING = 16384, TEXTS_MAX = 2 * RESERVE };

/* While samples flood in, messages are answered together: each answer by itself would cost a write to the socket. */
static const int64_t ANSWER_PAUSE_NS = NS_PER_MS;

// Speaking with a Link.

void websocket__say(Websocket *websocket, Link *link)
{
    if (!websocket->out.failed)
        link->send(link, websocket->out.bytes, websocket->out.length);
    text_clear(&websocket->out);
}

void websocket__refuse(Websocket *websocket, Link *link, WireTopic topic, int64_t id, int status, const char *path, const char *detail)
{
    wire_write_refusal(&websocket->out, wire_topic_name(topic), id, status, path, detail);
    websocket__say(websocket, link);
}

void websocket__count(Websocket *websocket, Guest *guest, uint64_t samples, uint64_t refused, uint64_t dropped, int64_t last)
{
    websocket->samples += samples;
    websocket->refused += refused;
    websocket->dropped += dropped;
    if (!guest || websocket__is_stranger(websocket, guest))
        return;

    pthread_mutex_lock(&websocket->lock);
    guest->shown.samples += samples;
    guest->shown.refused += refused;
    guest->shown.dropped += dropped;
    if (last > guest->shown.last)
        guest->shown.last = last;
    pthread_mutex_unlock(&websocket->lock);
}

// Arrivals that are no samples.

static void push_outcome(Websocket *websocket, uint32_t provider, uint64_t command, bool done, const char *text)
{
    const Parcel parcel = {.kind = ARRIVAL_OUTCOME, .provider = provider, .sample = {.time = (int64_t)command}, .done = done};
    // without room the command ends as expired
    if (!stream_push(&websocket->live, &parcel, text, DEVICES_MAX))
        websocket->dropped++;
}

static bool push_time(Websocket *websocket, const Guest *guest, int64_t time)
{
    const Parcel parcel = {.kind = ARRIVAL_TIME, .provider = guest->provider, .sample = {.time = time, .tag = TAG_NONE}};
    return stream_push(&websocket->live, &parcel, "", RESERVE);
}

void websocket__pay_time(Websocket *websocket, Guest *guest)
{
    if (guest->time_owed != TIME_NONE && push_time(websocket, guest, guest->time_owed))
        guest->time_owed = TIME_NONE;
}

void websocket__take_time(Websocket *websocket, Guest *guest, int64_t time)
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
    websocket__count(websocket, guest, 0, 1, 0, TIME_NONE);
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
    const Alias *alias = grants_actuator(&guest->grants, command->wish.tag);
    const TagName name = tags_name(websocket->def.tags, command->wish.tag);
    websocket->sent[websocket->sent_count++ % COMMANDS_MAX] = (SentCommand){command->id, guest->provider};
    wire_write_command(&websocket->out, command, alias ? alias->name : name.text, unit_from_si(alias ? alias->grant.unit : tag.unit, command->wish.value));
    websocket__say(websocket, guest->link);
}

// The LinkHandler, on the service thread.

/* Its time and its answers mean nothing yet. */
static void on_stranger(Websocket *websocket, Guest *guest, const WireMessage *message)
{
    if (message->topic == WIRE_SAMPLES && !message->status)
        websocket__hear_samples(websocket, guest, message);
}

static void on_message(void *self, Link *link, const WireMessage *message)
{
    Websocket *websocket = self;
    Guest *guest = link->guest;
    const bool answer = message->status != 0;
    if (message->topic == WIRE_PROVIDE && !answer) {
        websocket__provide(websocket, link, message);
        return;
    }
    if (!guest) {
        websocket__count(websocket, NULL, 0, 1, 0, TIME_NONE);
        if (!answer)
            websocket__refuse(websocket, link, message->topic, message->id, 403, NULL, "say what this device provides first");
        return;
    }

    if (message->topic == WIRE_REPORTED && !answer)
        websocket__report(websocket, link, message);
    else if (message->topic == WIRE_NUMBERS && !answer)
        websocket__number(websocket, link, message);
    else if (websocket__is_stranger(websocket, guest))
        on_stranger(websocket, guest, message);
    else if (message->topic == WIRE_COMMAND && answer)
        on_command_answer(websocket, guest, message);
    else if (message->topic == WIRE_SAMPLES && !answer)
        websocket__take_samples(websocket, link, message);
    else if (message->topic == WIRE_TIME && !answer)
        websocket__take_time(websocket, guest, message->time);
    else {
        websocket__count(websocket, guest, 0, 1, 0, TIME_NONE);
        if (!answer)
            websocket__refuse(websocket, link, message->topic, message->id, 400, NULL, "commands and configuration go from Pollux to a device");
    }
}

static void on_bulk(void *self, Link *link, const BulkFrame *frame)
{
    Websocket *websocket = self;
    Guest *guest = link->guest;
    if (guest && websocket__is_stranger(websocket, guest)) {
        if (frame->kind == BULK_SAMPLES)
            websocket__hear_records(websocket, guest, frame);
        return;
    }
    if (guest && frame->kind == BULK_SAMPLES) {
        websocket__take_records(websocket, link, frame);
        return;
    }
    if (guest && frame->kind == BULK_TIME) {
        websocket__take_time(websocket, guest, frame->id);
        return;
    }
    websocket__count(websocket, guest, 0, 1, 0, TIME_NONE);
    websocket__refuse(websocket, link, WIRE_SAMPLES, frame->id, guest ? 400 : 403, NULL,
                      guest ? "answers go from Pollux to a device" : "say what this device provides first");
}

static void on_malformed(void *self, Link *link)
{
    websocket__count(self, link->guest, 0, 1, 0, TIME_NONE);
}

static void on_closed(void *self, Link *link)
{
    if (link->guest)
        websocket__leave(self, link->guest);
}

static void on_woken(void *self)
{
    Websocket *websocket = self;
    Command command;
    while (ring_pop(&websocket->commands, &command))
        carry(websocket, &command);
    for (size_t i = 0; i < DEVICES_MAX; i++)
        if (websocket->guests[i].link)
            websocket__pay_time(websocket, &websocket->guests[i]);
    websocket__answer(websocket);
    websocket__go_on_when_drained(websocket);
    if (websocket->def.registry)
        registry_look(websocket->def.registry);
}

// The connector, on the tick's thread.

static void wake(const Websocket *websocket)
{
    if (websocket->handler.wake)
        websocket->handler.wake(websocket->handler.server);
}

/* Tell the service thread how far the disk is, unless that was done a moment ago and there is more to come. */
static void wake_for_answers(Websocket *websocket, bool at_rest)
{
    const int64_t now = clock_system.elapsed_ns(clock_system.self);
    websocket->answers_owed = !at_rest && now < websocket->answered_at + ANSWER_PAUSE_NS;
    if (websocket->answers_owed)
        return;
    websocket->answered_at = now;
    wake(websocket);
}

static size_t connector_poll(void *self, Arrival *out, size_t room)
{
    Websocket *websocket = self;
    const size_t count = stream_poll(&websocket->live, out, room);
    if (count && websocket->holding && websocket__has_drained(websocket))
        wake(websocket);
    if (websocket->answers_owed)
        wake_for_answers(websocket, count == 0);
    return count;
}

static size_t log_poll(void *self, Arrival *out, size_t room)
{
    return stream_poll(&((Websocket *)self)->log, out, room);
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

static void connector_stored(void *self, uint64_t mark)
{
    Websocket *websocket = self;
    if (stream_note_stored(&websocket->live, mark))
        wake_for_answers(websocket, false);
}

static void log_stored(void *self, uint64_t mark)
{
    Websocket *websocket = self;
    if (stream_note_stored(&websocket->log, mark))
        wake_for_answers(websocket, false);
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

static Err websocket_init(Websocket *websocket, const WebsocketDef *def)
{
    const size_t ring = def->ring ? def->ring : RING_DEFAULT;
    Err err = stream_init(&websocket->live, false, ring + RESERVE, TEXTS_MAX);
    if (err == ERR_OK)
        err = stream_init(&websocket->log, true, LOG_RING, 0);
    if (err == ERR_OK)
        err = ring_init(&websocket->commands, sizeof(Command), COMMANDS_MAX);
    if (err != ERR_OK)
        return err;

    websocket->sample_room = websocket__find_room(websocket);
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
    websocket->handler = (LinkHandler){
        .self = websocket, .message = on_message, .bulk = on_bulk, .malformed = on_malformed, .closed = on_closed, .woken = on_woken};
    for (size_t i = 0; i < DEVICES_MAX; i++)
        websocket->guests[i].time_owed = TIME_NONE;
    pthread_mutex_init(&websocket->lock, NULL);

    const Err err = websocket_init(websocket, def);
    if (err != ERR_OK) {
        websocket_destroy(websocket);
        return err;
    }
    websocket__watch(websocket);
    *out = websocket;
    return ERR_OK;
}

void websocket_destroy(Websocket *websocket)
{
    if (!websocket)
        return;
    for (size_t i = 0; i < DEVICES_MAX; i++) {
        grants_fini(&websocket->guests[i].grants);
        json_decref(websocket->guests[i].told_delta);
    }
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

/* What a claimed device is bound to is looked up anew; without memory it is bound to nothing until it comes again. */
static void follow_grants(Guest *guest, const TagTable *before, const TagTable *tags)
{
    if (!grants_are_bound(&guest->grants)) {
        grants_follow(&guest->grants, before, tags);
        return;
    }
    grants_fini(&guest->grants);
    grants_bind(&guest->grants, guest->entry, tags);
}

Err websocket_follow(Websocket *websocket, const TagTable *tags)
{
    assert(ring_count(&websocket->live.parcels) == 0);
    assert(ring_count(&websocket->log.parcels) == 0);
    _Atomic uint16_t *owner = mem_alloc((tags_count(tags) + 1) * sizeof *owner);
    if (!owner)
        return ERR_MEMORY;
    mem_free(websocket->owner);
    websocket->owner = owner;
    follow_commands(websocket, tags);
    for (size_t i = 0; i < DEVICES_MAX; i++)
        follow_grants(&websocket->guests[i], websocket->def.tags, tags);
    websocket->def.tags = tags;
    for (size_t i = 0; i < DEVICES_MAX; i++)
        websocket__own_actuators(websocket, &websocket->guests[i], true);
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
