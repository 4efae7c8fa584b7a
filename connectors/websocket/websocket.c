/* websocket.c -- what devices say becomes Arrivals; commands and acknowledgements go back.
 *
 * Two threads meet here. The service thread writes `arrivals` and reads `commands`, the tick the other way round. Which device has an
 * actuator, how far the disk is and how far the plant has gone are single atomic words. What people look at (WebsocketDevice) stands
 * under a mutex that is held for a copy and never over input or output.
 *
 * Before the ring is full, or too many messages wait for the disk, nothing more is read from devices until half of it is free again: what
 * they send waits in their sockets, and nothing is lost. Only a message that is larger than what is left then is refused.
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
    TEXTS_MAX = 2 * RESERVE,  // on their way to the tick
    RING_DEFAULT = 65536,
    PORTION = 256,  // samples that are put into the ring at once
};

/* An Arrival on its way through the ring. Few have a text: texts go through a ring of their own, so that samples are small. */
typedef struct Parcel {
    Sample sample;  // ARRIVAL_OUTCOME: its time is the id of the command
    uint32_t provider;
    uint8_t kind;  // ArrivalKind
    bool done;
} Parcel;

typedef struct ParcelText {
    char text[sizeof(((Arrival *)0)->text)];
} ParcelText;

/* A device, at its Link or remembered after it left. */
typedef struct Guest {
    Link *link;         // NULL when it has gone
    uint32_t provider;  // of this connection; rises, so the smallest is the oldest
    Grants grants;
    int64_t time_owed;      // of a `time` that found no room, TIME_NONE otherwise
    int64_t stored_id;      // of bulk messages: what is to be answered now
    uint32_t stored_count;
    bool stored_due;
    WebsocketDevice shown;  // under the lock; no name: the place is free
} Guest;

/* A message whose samples were taken and are not on disk yet. */
typedef struct Ack {
    uint64_t mark;  // of its last sample
    int64_t id;
    uint32_t provider;
    uint32_t guest;
    uint32_t count;
    bool bulk;
} Ack;

/* A command that a device has and did not answer yet. */
typedef struct SentCommand {
    uint64_t id;  // 0: none
    uint32_t provider;
} SentCommand;

/* While samples flood in, messages are answered together: each answer by itself would cost a write to the socket. */
static const int64_t ANSWER_PAUSE_NS = NS_PER_MS;

struct Websocket {
    WebsocketDef def;
    char *plant;
    LinkHandler handler;

    Ring arrivals;  // Parcels, service thread -> tick
    Ring texts;     // of those that have one, in the same order
    size_t sample_room;  // of the arrivals, RESERVE left out
    Ring commands;  // tick -> service thread
    _Atomic uint16_t *owner;  // by TagId: 1 + index of the guest that has this actuator, 0 for nobody
    _Atomic uint64_t stored_mark;
    _Atomic int64_t plant_time;
    _Atomic uint64_t samples, refused, dropped;
    atomic_bool holding;  // nothing is read from devices
    uint64_t polled;      // the tick's: the mark of the last arrival
    bool answers_owed;    // the tick's: the service thread does not know yet how far the disk is
    int64_t answered_at;  // the tick's: elapsed time at which it was told last

    // the service thread's own
    Guest guests[DEVICES_MAX];
    uint32_t last_provider;
    uint64_t mark;
    Ack *acks;
    size_t first_ack, ack_count;
    SentCommand sent[COMMANDS_MAX];
    size_t sent_count;  // for ever; the low bits are a place
    Parcel taken[PORTION];  // on their way into the ring
    size_t taken_count;
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

static bool has_text(ArrivalKind kind)
{
    return kind == ARRIVAL_JOINED || kind == ARRIVAL_LEFT || kind == ARRIVAL_OUTCOME;
}

/* Push unless that would leave fewer than `reserve` places. `text` is of those that have one. */
static bool push(Websocket *websocket, const Parcel *parcel, const char *text, size_t reserve)
{
    if (ring_room(&websocket->arrivals) <= reserve)
        return false;
    if (has_text(parcel->kind)) {
        ParcelText copy = {0};
        if (ring_room(&websocket->texts) <= reserve)
            return false;
        snprintf(copy.text, sizeof copy.text, "%s", text);
        ring_push(&websocket->texts, &copy);
    }
    websocket->mark++;
    return ring_push(&websocket->arrivals, parcel);
}

static void push_outcome(Websocket *websocket, uint32_t provider, uint64_t command, bool done, const char *text)
{
    const Parcel parcel = {.kind = ARRIVAL_OUTCOME, .provider = provider, .sample = {.time = (int64_t)command}, .done = done};
    // without room the command ends as expired
    if (!push(websocket, &parcel, text, DEVICES_MAX))
        websocket->dropped++;
}

static bool push_time(Websocket *websocket, const Guest *guest, int64_t time)
{
    const Parcel parcel = {.kind = ARRIVAL_TIME, .provider = guest->provider, .sample = {.time = time, .tag = TAG_NONE}};
    return push(websocket, &parcel, "", RESERVE);
}

/* A time that found no room before; in front of what comes next from this device. */
static void pay_time(Websocket *websocket, Guest *guest)
{
    if (guest->time_owed != TIME_NONE && push_time(websocket, guest, guest->time_owed))
        guest->time_owed = TIME_NONE;
}

/* What was taken goes into the ring, for which there is room, and to those who listen. */
static void push_taken(Websocket *websocket)
{
    const size_t count = websocket->taken_count;
    const size_t pushed = ring_push_many(&websocket->arrivals, websocket->taken, count);
    assert(pushed == count);
    (void)pushed;
    websocket->mark += count;
    websocket->taken_count = 0;
    if (!websocket->handler.pass)
        return;
    Sample samples[PORTION];
    for (size_t i = 0; i < count; i++)
        samples[i] = websocket->taken[i].sample;
    websocket->handler.pass(websocket->handler.server, samples, count);
}

/* How many samples there is room for. */
static size_t find_room(const Websocket *websocket)
{
    const size_t room = ring_room(&websocket->arrivals);
    return room > RESERVE ? room - RESERVE : 0;
}

// Holding devices back.

static void hold(Websocket *websocket, bool holding)
{
    websocket->holding = holding;
    for (size_t i = 0; i < DEVICES_MAX; i++)
        if (websocket->guests[i].link)
            websocket->guests[i].link->hold(websocket->guests[i].link, holding);
}

static void hold_when_full(Websocket *websocket)
{
    if (!websocket->holding && (find_room(websocket) < websocket->sample_room / 4 || websocket->ack_count > ACKS_MAX / 4 * 3))
        hold(websocket, true);
}

/* Seen by either thread. */
static bool has_drained(const Websocket *websocket)
{
    return find_room(websocket) >= websocket->sample_room / 2;
}

static void go_on_when_drained(Websocket *websocket)
{
    // who is still held is held anew: the server then knows why it is silent
    if (websocket->holding)
        hold(websocket, !has_drained(websocket) || websocket->ack_count > ACKS_MAX / 2);
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
    const Parcel parcel = {.kind = ARRIVAL_LEFT, .provider = guest->provider};
    const bool pushed = push(websocket, &parcel, guest->shown.name, 0);
    assert(pushed);
    (void)pushed;

    own_actuators(websocket, guest, false);
    grants_fini(&guest->grants);
    guest->link->guest = NULL;
    guest->link = NULL;
    guest->time_owed = TIME_NONE;
    guest->stored_due = false;
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
    if (ring_room(&websocket->arrivals) <= RESERVE + 1 || ring_room(&websocket->texts) <= RESERVE + 1)
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
    if (!known)
        guest->shown = (WebsocketDevice){.last = TIME_NONE};
    snprintf(guest->shown.name, sizeof guest->shown.name, "%s", name);
    memcpy(guest->shown.peer, link->peer, sizeof guest->shown.peer);
    guest->shown.connected = true;
    pthread_mutex_unlock(&websocket->lock);

    if (websocket->holding)
        link->hold(link, true);
    const Parcel parcel = {.kind = ARRIVAL_JOINED, .provider = guest->provider};
    return push(websocket, &parcel, name, RESERVE);
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

static void on_numbers(Websocket *websocket, Link *link, const WireMessage *message)
{
    Guest *guest = link->guest;
    ErrText why = {0};
    const int status = grants_number(&guest->grants, message, websocket->def.tags, websocket->plant, &why);
    if (status != 200) {
        count(websocket, guest, 0, 1, 0, TIME_NONE);
        refuse(websocket, link, message, status, NULL, why.text);
        return;
    }
    wire_write_done(&websocket->out, WIRE_NUMBERS, message->id);
    say(websocket, link);
}

// Samples.

/* A message of samples that is being taken. */
typedef struct Taking {
    Guest *guest;
    Link *link;
    int64_t id;
    size_t room;  // in the ring, when it began
    uint32_t taken, refused, dropped;
    int64_t last;
} Taking;

/* 200 when the sample was taken, as that of the tag that is granted; otherwise the status of its refusal. */
static int take(Websocket *websocket, Taking *taking, const Grant *grant, Sample sample, ErrText *why)
{
    const double told = sample.value;
    sample.tag = grant->tag;
    sample.value = unit_to_si(grant->unit, told);
    if (!isfinite(sample.value)) {
        err_set(why, ERR_RANGE, "%g %s is too large", told, unit_name(grant->unit));
        return 400;
    }
    if (taking->taken == taking->room) {
        err_set(why, ERR_FULL, "no room: the plant is behind, send it again later");
        return 429;
    }

    websocket->taken[websocket->taken_count++] = (Parcel){.sample = sample, .provider = taking->guest->provider, .kind = ARRIVAL_SAMPLE};
    if (websocket->taken_count == PORTION)
        push_taken(websocket);
    taking->taken++;
    taking->last = sample.time > taking->last ? sample.time : taking->last;
    return 200;
}

/* A sample by name. */
static int take_named(Websocket *websocket, Taking *taking, const WireSample *sample, ErrText *why)
{
    if (sample->error) {
        err_set(why, ERR_PARSE, "%s", sample->error);
        return 400;
    }
    Grants *grants = &taking->guest->grants;
    const Grant *grant = grants_guess(grants, websocket->def.tags, sample->tag);
    const TagId tag = grant ? grant->tag : tags_find(websocket->def.tags, sample->tag);
    if (tag == TAG_NONE) {
        err_set(why, ERR_UNKNOWN, "no tag \"%.100s\" in plant %s", sample->tag, websocket->plant);
        return 404;
    }
    if (!grant)
        grant = grants_find(grants, tag);
    if (!grant) {
        err_set(why, ERR_DENIED, "tag \"%s\" is not among what this device provides: name it in \"provide\" first", sample->tag);
        return 403;
    }
    grants->last = (size_t)(grant - grants->items);
    return take(websocket, taking, grant, (Sample){.time = sample->time, .value = sample->value, .quality = (uint8_t)sample->quality}, why);
}

/* A sample by number. */
static int take_numbered(Websocket *websocket, Taking *taking, const BulkFrame *frame, size_t index, ErrText *why)
{
    BulkRecord record;
    const char *const wrong = bulk_record(frame, index, &record);
    if (wrong) {
        err_set(why, ERR_PARSE, "record %zu: %s", index, wrong);
        return 400;
    }
    const Grant *grant = grants_numbered(&taking->guest->grants, record.number);
    if (!grant) {
        err_set(why, ERR_UNKNOWN, "no tag has the number %u: tell it in \"numbers\" first", record.number);
        return 404;
    }
    return take(websocket, taking, grant, (Sample){.time = record.time, .value = record.value, .quality = record.quality}, why);
}

static void refuse_one(Websocket *websocket, Taking *taking, size_t index, int status, const ErrText *why)
{
    char path[24];
    *(status == 429 ? &taking->dropped : &taking->refused) += 1;
    snprintf(path, sizeof path, "/%zu", index);
    wire_write_refusal(&websocket->out, wire_topic_name(WIRE_SAMPLES), taking->id, status, path, why->text);
    say(websocket, taking->link);
}

/* Whether more messages may wait for the disk; says so when not. */
static bool taking_begin(Websocket *websocket, Taking *taking, Link *link, int64_t id, size_t samples)
{
    *taking = (Taking){.guest = link->guest, .link = link, .id = id, .last = TIME_NONE};
    pay_time(websocket, taking->guest);
    taking->room = find_room(websocket);
    if (websocket->ack_count < ACKS_MAX)
        return true;
    count(websocket, taking->guest, 0, 0, samples, TIME_NONE);
    wire_write_refusal(&websocket->out, wire_topic_name(WIRE_SAMPLES), id, 429, NULL, "too many messages wait for the disk: send it again later");
    say(websocket, link);
    return false;
}

/* What was taken is on its way, and will be answered when it is on disk. */
static void taking_end(Websocket *websocket, Taking *taking, bool bulk)
{
    if (websocket->taken_count)
        push_taken(websocket);
    count(websocket, taking->guest, taking->taken, taking->refused, taking->dropped, taking->last);
    const uint32_t guest = (uint32_t)(taking->guest - websocket->guests);
    Ack *ack = &websocket->acks[(websocket->first_ack + websocket->ack_count) % ACKS_MAX];
    *ack = (Ack){websocket->mark, taking->id, taking->guest->provider, guest, taking->taken, bulk};
    if (taking->taken || bulk) {  // an answer to bulk messages stands for those before it too: it keeps its turn
        websocket->ack_count++;
    } else {
        wire_write_stored(&websocket->out, taking->id, 0);
        say(websocket, taking->link);
    }
    hold_when_full(websocket);
}

/* Take what can be taken, refuse the rest one by one. */
static void on_samples(Websocket *websocket, Link *link, const WireMessage *message)
{
    Taking taking;
    if (!taking_begin(websocket, &taking, link, message->id, message->samples.count))
        return;
    for (size_t i = 0; i < message->samples.count; i++) {
        ErrText why;
        const int status = take_named(websocket, &taking, &message->samples.items[i], &why);
        if (status != 200)
            refuse_one(websocket, &taking, i, status, &why);
    }
    taking_end(websocket, &taking, false);
}

static void on_records(Websocket *websocket, Link *link, const BulkFrame *frame)
{
    Taking taking;
    if (!taking_begin(websocket, &taking, link, frame->id, frame->count))
        return;
    for (size_t i = 0; i < frame->count; i++) {
        ErrText why;
        const int status = take_numbered(websocket, &taking, frame, i, &why);
        if (status != 200)
            refuse_one(websocket, &taking, i, status, &why);
    }
    taking_end(websocket, &taking, true);
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
    else if (message->topic == WIRE_NUMBERS && !answer)
        on_numbers(websocket, link, message);
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

static void on_bulk(void *self, Link *link, const BulkFrame *frame)
{
    Websocket *websocket = self;
    Guest *guest = link->guest;
    if (guest && frame->kind == BULK_SAMPLES) {
        on_records(websocket, link, frame);
        return;
    }
    if (guest && frame->kind == BULK_TIME) {
        on_time(websocket, guest, frame->id);
        return;
    }
    count(websocket, guest, 0, 1, 0, TIME_NONE);
    wire_write_refusal(&websocket->out, wire_topic_name(WIRE_SAMPLES), frame->id, guest ? 400 : 403, NULL,
                       guest ? "answers go from Pollux to a device" : "say what this device provides first");
    say(websocket, link);
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

/* Bulk messages are answered together: the answer to the newest stands for all. */
static void answer_bulk(Websocket *websocket)
{
    for (size_t i = 0; i < DEVICES_MAX; i++) {
        Guest *guest = &websocket->guests[i];
        if (!guest->stored_due)
            continue;
        bulk_write_head(&websocket->out, BULK_STORED, guest->stored_count, guest->stored_id);
        if (!websocket->out.failed)
            guest->link->send_bulk(guest->link, websocket->out.bytes, websocket->out.length);
        text_clear(&websocket->out);
        guest->stored_count = 0;
        guest->stored_due = false;
    }
}

static void answer(Websocket *websocket, const Ack *ack)
{
    // who left and came again sends anew what had no answer
    Guest *guest = &websocket->guests[ack->guest];
    if (!guest->link || guest->provider != ack->provider)
        return;
    if (ack->bulk) {
        guest->stored_id = ack->id;
        guest->stored_count += ack->count;
        guest->stored_due = true;
    } else {
        wire_write_stored(&websocket->out, ack->id, ack->count);
        say(websocket, guest->link);
    }
}

static void answer_stored(Websocket *websocket)
{
    const uint64_t stored = atomic_load_explicit(&websocket->stored_mark, memory_order_acquire);
    while (websocket->ack_count && websocket->acks[websocket->first_ack].mark <= stored) {
        answer(websocket, &websocket->acks[websocket->first_ack]);
        websocket->first_ack = (websocket->first_ack + 1) % ACKS_MAX;
        websocket->ack_count--;
    }
    answer_bulk(websocket);
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
    answer_stored(websocket);
    go_on_when_drained(websocket);
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

/* Only what an arrival of its kind has is set: the text is larger than all the rest. */
static void unpack(Websocket *websocket, const Parcel *parcel, Arrival *out)
{
    out->kind = parcel->kind;
    out->provider = parcel->provider;
    out->sample = parcel->sample;
    out->mark = ++websocket->polled;
    out->command = parcel->kind == ARRIVAL_OUTCOME ? (uint64_t)parcel->sample.time : 0;
    out->done = parcel->done;
    out->text[0] = 0;
    ParcelText text;
    if (has_text(parcel->kind) && ring_pop(&websocket->texts, &text))
        memcpy(out->text, text.text, sizeof out->text);
}

static size_t connector_poll(void *self, Arrival *out, size_t room)
{
    Websocket *websocket = self;
    Parcel parcels[PORTION];
    const size_t count = ring_pop_many(&websocket->arrivals, parcels, room < PORTION ? room : PORTION);
    for (size_t i = 0; i < count; i++)
        unpack(websocket, &parcels[i], &out[i]);
    if (count && websocket->holding && has_drained(websocket))
        wake(websocket);
    if (websocket->answers_owed)
        wake_for_answers(websocket, count == 0);
    return count;
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
    if (mark <= websocket->stored_mark)
        return;
    atomic_store_explicit(&websocket->stored_mark, mark, memory_order_release);
    wake_for_answers(websocket, false);
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
    .ticked = connector_ticked,
    .stats = connector_stats,
    .close = connector_close,
};

// The public functions.

static Err websocket_init(Websocket *websocket, const WebsocketDef *def)
{
    const size_t ring = def->ring ? def->ring : RING_DEFAULT;
    Err err = ring_init(&websocket->arrivals, sizeof(Parcel), ring + RESERVE);
    if (err == ERR_OK)
        err = ring_init(&websocket->texts, sizeof(ParcelText), TEXTS_MAX);
    if (err == ERR_OK)
        err = ring_init(&websocket->commands, sizeof(Command), COMMANDS_MAX);
    if (err != ERR_OK)
        return err;

    websocket->sample_room = find_room(websocket);
    const size_t name_size = strlen(def->plant) + 1;
    websocket->plant = mem_alloc(name_size);
    websocket->owner = mem_alloc((tags_count(def->tags) + 1) * sizeof *websocket->owner);
    websocket->acks = mem_alloc(ACKS_MAX * sizeof *websocket->acks);
    if (!websocket->plant || !websocket->owner || !websocket->acks)
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
    *out = websocket;
    return ERR_OK;
}

void websocket_destroy(Websocket *websocket)
{
    if (!websocket)
        return;
    for (size_t i = 0; i < DEVICES_MAX; i++)
        grants_fini(&websocket->guests[i].grants);
    ring_fini(&websocket->arrivals);
    ring_fini(&websocket->texts);
    ring_fini(&websocket->commands);
    text_fini(&websocket->out);
    mem_free(websocket->plant);
    mem_free(websocket->owner);
    mem_free(websocket->acks);
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
    assert(ring_count(&websocket->arrivals) == 0);
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
