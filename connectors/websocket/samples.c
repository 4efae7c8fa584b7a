/* samples.c -- samples go to the tick, and are answered when they are on disk.
 *
 * Both forms, JSON and records, go the same way: a Taking begins, each sample is taken or refused, and what was taken goes into the ring by the portion.
 *
 * Before the live ring is full, or too many messages wait for the disk, nothing more is read from devices until half of it is free again: what
 * they send waits in their sockets, and nothing is lost. Only a message that is larger than what is left then is refused. A log is not held back,
 * for what is live comes by the same socket: when there is no room for a message of it, it is refused as a whole, to be sent again. */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "connectors/websocket/inside.h"

size_t websocket__find_room(const Websocket *websocket)
{
    const size_t room = ring_room(&websocket->live.parcels);
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
    if (!websocket->holding && (websocket__find_room(websocket) < websocket->sample_room / 4 || websocket->live.ack_count > STREAM_ACKS_MAX / 4 * 3))
        hold(websocket, true);
}

bool websocket__has_drained(const Websocket *websocket)
{
    return websocket__find_room(websocket) >= websocket->sample_room / 2;
}

void websocket__go_on_when_drained(Websocket *websocket)
{
    // who is still held is held anew: the server then knows why it is silent
    if (websocket->holding)
        hold(websocket, !websocket__has_drained(websocket) || websocket->live.ack_count > STREAM_ACKS_MAX / 2);
}

// Taking.

/* A message of samples that is being taken. */
typedef struct Taking {
    Guest *guest;
    Link *link;
    Stream *stream;
    int64_t id;
    size_t count;  // of its samples
    bool bulk;
    size_t room;  // in the ring, when it began
    uint32_t taken, refused, dropped;
    int64_t last;
} Taking;

/* What was taken goes into the ring, for which there is room, and what is live to those who listen. */
static void push_taken(Websocket *websocket, Stream *stream)
{
    const size_t count = websocket->taken_count;
    stream_push_samples(stream, websocket->taken, count);
    websocket->taken_count = 0;
    if (!websocket->handler.pass || stream->historical)
        return;
    Sample samples[PORTION];
    for (size_t i = 0; i < count; i++)
        samples[i] = websocket->taken[i].sample;
    websocket->handler.pass(websocket->handler.server, samples, count);
}

/* Of a claimed device not everything need be bound: what is not goes nowhere, and nobody is at fault. */
enum { NOT_BOUND = 204 };

/* 200 when the sample was taken, as that of the tag that is granted; otherwise the status of its refusal. */
static int take(Websocket *websocket, Taking *taking, const Grant *grant, Sample sample, ErrText *why)
{
    const Sample told = sample;
    sample.tag = grant->tag;
    sample.time = websocket__corrected(taking->guest, told.time);
    sample.value = unit_to_si(grant->unit, told.value);
    if (!isfinite(sample.value)) {
        err_set(why, ERR_RANGE, "%g %s is too large", told.value, unit_name(grant->unit));
        return 400;
    }
    if (taking->taken == taking->room) {
        err_set(why, ERR_FULL, "no room: the plant is behind, send it again later");
        return 429;
    }

    websocket->taken[websocket->taken_count++] = (Parcel){.sample = sample, .provider = taking->guest->provider, .kind = ARRIVAL_SAMPLE};
    if (websocket->taken_count == PORTION)
        push_taken(websocket, taking->stream);
    taking->taken++;
    taking->last = told.time > taking->last ? told.time : taking->last;
    return 200;
}

/* A sample of a claimed device; what is bound to nothing is shown to who could bind it. */
static int take_bound(Websocket *websocket, Taking *taking, const WireSample *sample, ErrText *why)
{
    const Grant *grant = grants_alias(&taking->guest->grants, sample->tag);
    if (grant)
        return take(websocket, taking, grant, (Sample){.time = sample->time, .value = sample->value, .quality = (uint8_t)sample->quality}, why);
    EntryTag *tag = entry_tag(taking->guest->entry, sample->tag);
    if (tag)
        registry_hear(tag, sample->value, sample->time);
    return NOT_BOUND;
}

/* A sample by name. */
static int take_named(Websocket *websocket, Taking *taking, const WireSample *sample, ErrText *why)
{
    if (sample->error) {
        err_set(why, ERR_PARSE, "%s", sample->error);
        return 400;
    }
    Grants *grants = &taking->guest->grants;
    if (grants_are_bound(grants))
        return take_bound(websocket, taking, sample, why);
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
    if (!grant && grants_are_bound(&taking->guest->grants))
        return NOT_BOUND;
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
    websocket__refuse(websocket, taking->link, WIRE_SAMPLES, taking->id, status, path, why->text);
}

/* Why nothing of the message can be taken now, NULL when it can. */
static const char *find_obstacle(const Taking *taking)
{
    if (taking->stream->ack_count == STREAM_ACKS_MAX)
        return "too many messages wait for the disk: send it again later";
    return taking->stream->historical && taking->room < taking->count ? "what is live goes first: send it again later" : NULL;
}

/* `newest` is the newest stamp of the message, TIME_NONE where clocks are not measured. False when nothing of it can be taken: the device knows. */
static bool taking_begin(Websocket *websocket, Taking *taking, int64_t newest)
{
    taking->guest = taking->link->guest;
    taking->last = TIME_NONE;
    websocket__pay_time(websocket, taking->guest);
    taking->room = taking->stream->historical ? ring_room(&websocket->log.parcels) : websocket__find_room(websocket);
    const char *const obstacle = find_obstacle(taking);
    if (obstacle) {
        websocket__count(websocket, taking->guest, 0, 0, taking->count, TIME_NONE);
        websocket__refuse(websocket, taking->link, WIRE_SAMPLES, taking->id, 429, NULL, obstacle);
        return false;
    }
    if (newest != TIME_NONE && !websocket__hear_clock(websocket, taking->guest, newest, taking->stream->historical)) {
        websocket__refuse(websocket, taking->link, WIRE_SAMPLES, taking->id, 429, NULL,
                          "the clock of this device is being measured, to correct it: send it again in a few seconds");
        return false;
    }
    return true;
}

/* What was taken is on its way, and will be answered when it is on disk. */
static void taking_end(Websocket *websocket, Taking *taking)
{
    if (websocket->taken_count)
        push_taken(websocket, taking->stream);
    websocket__count(websocket, taking->guest, taking->taken, taking->refused, taking->dropped, taking->last);

    // an answer to bulk messages stands for those before it too: it keeps its turn
    if (taking->taken || taking->bulk) {
        const uint32_t guest = (uint32_t)(taking->guest - websocket->guests), provider = taking->guest->provider;
        stream_await(taking->stream, (Ack){.id = taking->id, .provider = provider, .guest = guest, .count = taking->taken, .bulk = taking->bulk});
    } else {
        wire_write_stored(&websocket->out, taking->id, 0, (ConnectorLosses){0});
        websocket__say(websocket, taking->link);
    }
    hold_when_full(websocket);
}

/* The newest of a message waited least. */
static int64_t newest_named(const WireMessage *message)
{
    int64_t newest = TIME_NONE;
    for (size_t i = 0; i < message->samples.count; i++) {
        const WireSample *sample = &message->samples.items[i];
        if (!sample->error && sample->time > newest)
            newest = sample->time;
    }
    return newest;
}

static int64_t newest_numbered(const BulkFrame *frame)
{
    int64_t newest = TIME_NONE;
    BulkRecord record;
    for (size_t i = 0; i < frame->count; i++)
        if (!bulk_record(frame, i, &record) && record.time > newest)
            newest = record.time;
    return newest;
}

/* Take what can be taken, refuse the rest one by one. */
void websocket__take_samples(Websocket *websocket, Link *link, const WireMessage *message)
{
    Taking taking = {.link = link, .stream = message->historical ? &websocket->log : &websocket->live, .id = message->id, .count = message->samples.count};
    if (!taking_begin(websocket, &taking, websocket__are_clocks_measured(websocket) ? newest_named(message) : TIME_NONE))
        return;
    for (size_t i = 0; i < taking.count; i++) {
        ErrText why;
        const int status = take_named(websocket, &taking, &message->samples.items[i], &why);
        if (status >= 400)
            refuse_one(websocket, &taking, i, status, &why);
    }
    taking_end(websocket, &taking);
}

void websocket__take_records(Websocket *websocket, Link *link, const BulkFrame *frame)
{
    Taking taking = {.link = link, .stream = frame->historical ? &websocket->log : &websocket->live, .id = frame->id, .count = frame->count, .bulk = true};
    if (!taking_begin(websocket, &taking, websocket__are_clocks_measured(websocket) ? newest_numbered(frame) : TIME_NONE))
        return;
    for (size_t i = 0; i < taking.count; i++) {
        ErrText why;
        const int status = take_numbered(websocket, &taking, frame, i, &why);
        if (status >= 400)
            refuse_one(websocket, &taking, i, status, &why);
    }
    taking_end(websocket, &taking);
}

// Answers.

/* What it lost since it was told last. */
static ConnectorLosses news_of_losses(Websocket *websocket, Guest *guest)
{
    const ConnectorLosses told = guest->told;
    pthread_mutex_lock(&websocket->lock);
    guest->told = guest->shown.lost;
    pthread_mutex_unlock(&websocket->lock);
    return (ConnectorLosses){guest->told.late - told.late, guest->told.duplicate - told.duplicate, guest->told.future - told.future};
}

/* Bulk messages are answered together: the answer to the newest stands for all. */
static void answer_bulk(Websocket *websocket, const Stream *stream)
{
    for (size_t i = 0; i < DEVICES_MAX; i++) {
        Guest *guest = &websocket->guests[i];
        if (!guest->stored_due)
            continue;
        const BulkFrame answer = {.kind = BULK_STORED, .historical = stream->historical, .count = guest->stored_count, .id = guest->stored_id,
                                  .lost = news_of_losses(websocket, guest)};
        bulk_write_head(&websocket->out, &answer);
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
        wire_write_stored(&websocket->out, ack->id, ack->count, news_of_losses(websocket, guest));
        websocket__say(websocket, guest->link);
    }
}

static void answer_stream(Websocket *websocket, Stream *stream)
{
    Ack ack;
    bool bulk = false;
    while (stream_next_stored(stream, &ack)) {
        answer(websocket, &ack);
        bulk |= ack.bulk;
    }
    if (bulk)
        answer_bulk(websocket, stream);
}

void websocket__answer(Websocket *websocket)
{
    answer_stream(websocket, &websocket->live);
    answer_stream(websocket, &websocket->log);
}
