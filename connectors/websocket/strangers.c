/* strangers.c -- devices that wait to be claimed: they are heard, shown, and let nowhere near the tick.
 *
 * How many there are, how large their offers are and how often new ones come is bounded by the registry; how often one is listened to, here. */
#include <assert.h>

#include "connectors/websocket/inside.h"

static const int64_t LISTEN_NS = 100 * NS_PER_MS;  // between two messages of a stranger that are looked at

bool websocket__is_stranger(const Websocket *websocket, const Guest *guest)
{
    return guest >= websocket->strangers && guest < websocket->strangers + REGISTRY_STRANGERS_MAX;
}

static Guest *find_place(Websocket *websocket)
{
    for (size_t i = 0; i < REGISTRY_STRANGERS_MAX; i++)
        if (!websocket->strangers[i].link)
            return &websocket->strangers[i];
    return NULL;
}

int websocket__take_stranger(Websocket *websocket, Link *link, RegistryEntry *entry, const WireMessage *message, ErrText *why)
{
    // who was seated otherwise by this link gives that place up
    if (link->guest && !websocket__is_stranger(websocket, link->guest))
        websocket__leave(websocket, link->guest);
    Guest *guest = link->guest ? link->guest : find_place(websocket);
    ErrText refused = {0};
    int status = 429;
    if (guest)
        status = websocket__enter(websocket, link, entry, message, false, &entry, &refused);
    else
        err_set(&refused, ERR_FULL, "no room for another device that waits to be claimed");
    if (status != 200) {
        *why = refused;
        return status;
    }
    guest->link = link;
    guest->entry = entry;
    link->guest = guest;
    err_prefix(why, ERR_UNKNOWN, "not claimed yet");
    return 202;
}

/* So many messages a second tell enough of what it measures. */
static bool is_to_be_heard(Guest *guest)
{
    const int64_t now = clock_system.elapsed_ns(clock_system.self);
    if (now < guest->heard_at + LISTEN_NS)
        return false;
    guest->heard_at = now;
    return true;
}

void websocket__hear_samples(Websocket *websocket, Guest *guest, const WireMessage *message)
{
    const bool heard = is_to_be_heard(guest);
    for (size_t i = 0; heard && i < message->samples.count; i++) {
        const WireSample *sample = &message->samples.items[i];
        EntryTag *tag = sample->error ? NULL : entry_tag(guest->entry, sample->tag);
        if (tag)
            registry_hear(tag, sample->value, sample->time);
    }
    wire_write_stored(&websocket->out, message->id, 0, (ConnectorLosses){0});
    websocket__say(websocket, guest->link);
}

static EntryTag *find_numbered(const RegistryEntry *entry, uint32_t number)
{
    for (size_t i = 0; i < entry->tag_count; i++)
        if (entry->tags[i].number == number)
            return &entry->tags[i];
    return NULL;
}

void websocket__hear_records(Websocket *websocket, Guest *guest, const BulkFrame *frame)
{
    const bool heard = is_to_be_heard(guest);
    for (size_t i = 0; heard && i < frame->count; i++) {
        BulkRecord record;
        EntryTag *tag = bulk_record(frame, i, &record) ? NULL : find_numbered(guest->entry, record.number);
        if (tag)
            registry_hear(tag, record.value, record.time);
    }
    bulk_write_head(&websocket->out, &(BulkFrame){.kind = BULK_STORED, .historical = frame->historical, .id = frame->id});
    if (!websocket->out.failed)
        guest->link->send_bulk(guest->link, websocket->out.bytes, websocket->out.length);
    text_clear(&websocket->out);
}
