/* guests.c -- devices come and go: what they provide and obey, and whose place is whose. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "connectors/websocket/inside.h"

void websocket__own_actuators(Websocket *websocket, const Guest *guest, bool own)
{
    const uint16_t owner = (uint16_t)(own ? 1 + (guest - websocket->guests) : 0);
    for (size_t i = 0; i < guest->grants.actuator_count; i++)
        atomic_store_explicit(&websocket->owner[guest->grants.actuators[i]], owner, memory_order_release);
}

/* Its link and its entry know it no more. */
static void detach(Guest *guest)
{
    guest->link->guest = NULL;
    guest->link = NULL;
    json_decref(guest->told_delta);
    guest->told_delta = NULL;
}

/* Unless it has come anew by another link. */
static void leave_registry(Websocket *websocket, Guest *guest)
{
    if (guest->entry && guest->entry->link == guest->link)
        registry_leave(websocket->def.registry, guest->entry);
    guest->entry = NULL;
}

void websocket__leave(Websocket *websocket, Guest *guest)
{
    leave_registry(websocket, guest);
    if (websocket__is_stranger(websocket, guest)) {
        detach(guest);
        return;
    }
    const Parcel parcel = {.kind = ARRIVAL_LEFT, .provider = guest->provider};
    const bool pushed = stream_push(&websocket->live, &parcel, guest->shown.name, 0);
    assert(pushed);
    (void)pushed;

    websocket__own_actuators(websocket, guest, false);
    grants_fini(&guest->grants);
    detach(guest);
    guest->time_owed = TIME_NONE;
    guest->stored_due = false;
    pthread_mutex_lock(&websocket->lock);
    guest->shown.connected = false;
    pthread_mutex_unlock(&websocket->lock);
}

void websocket__dismiss(Websocket *websocket, Guest *guest, const char *reason)
{
    guest->link->shut(guest->link, reason);
    websocket__leave(websocket, guest);
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

static int check_name(const Websocket *websocket, const Link *link, const char *name, ErrText *why)
{
    const Guest *guest = link->guest;
    if (!*name || strlen(name) >= sizeof guest->shown.name) {
        err_set(why, ERR_RANGE, "\"device\" must have 1 to %zu bytes", sizeof guest->shown.name - 1);
        return 400;
    }
    if (guest && !websocket__is_stranger(websocket, guest) && !grants_are_bound(&guest->grants) && strcmp(guest->shown.name, name) != 0) {
        err_set(why, ERR_RANGE, "this connection is the device \"%s\" already", guest->shown.name);
        return 409;
    }
    return 200;
}

/* A tag that the peer has no right to refuses the whole. */
static int check_rights(const Link *link, const TagTable *tags, const Grants *grants, ErrText *why)
{
    for (size_t i = 0; i < grants->count && link->may_provide; i++) {
        const TagName name = tags_name(tags, grants->items[i].tag);
        if (!link->may_provide(link, name.text)) {
            err_set(why, ERR_DENIED, "%s may not provide \"%s\"", link->who, name.text);
            return 403;
        }
    }
    for (size_t i = 0; i < grants->actuator_count && link->may_actuate; i++) {
        const TagName name = tags_name(tags, grants->actuators[i]);
        if (!link->may_actuate(link, name.text)) {
            err_set(why, ERR_DENIED, "%s may not actuate \"%s\"", link->who, name.text);
            return 403;
        }
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

/* Who was let in by another name is another device, whatever it calls itself; of one that was claimed the credential says who it is. */
static int check_place(const Guest *guest, const Link *link, ErrText *why)
{
    if (!guest || !guest->link || link->standing == LINK_ENROLLED || strcmp(guest->link->who, link->who) == 0)
        return 200;
    err_set(why, ERR_DENIED, "the device \"%s\" is connected, and was let in as %s", guest->shown.name, guest->link->who);
    return 409;
}

/* It goes on in another place, by the same link. */
static void change_seats(Websocket *websocket, Guest *guest)
{
    guest->entry = NULL;
    websocket__leave(websocket, guest);
}

/* Seat the device at `link`. False when the ring has no room to tell the tick. */
static bool join(Websocket *websocket, Guest *guest, Link *link, const char *name)
{
    if (guest->link == link)
        return true;
    if (!stream_has_room(&websocket->live, RESERVE + 1))
        return false;

    // a device that comes again is the one to believe: its old connection is dead or soon will be
    if (guest->link)
        websocket__dismiss(websocket, guest, "the same device has connected anew");
    if (link->guest)
        change_seats(websocket, link->guest);

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

    if (websocket->holding)
        link->hold(link, true);
    const Parcel parcel = {.kind = ARRIVAL_JOINED, .provider = guest->provider};
    return stream_push(&websocket->live, &parcel, name, RESERVE);
}

/* Give the device `name` at `link` a place, with these grants, which become the place's. */
static int admit(Websocket *websocket, Link *link, const char *name, Grants *grants, ErrText *why)
{
    int status = link->standing == LINK_FREE ? check_rights(link, websocket->def.tags, grants, why) : 200;
    if (status != 200)
        return status;
    Guest *guest = find_place(websocket, name);
    status = check_place(guest, link, why);
    if (status == 200)
        status = check_rivals(websocket, guest, grants, why);
    if (status != 200)
        return status;
    if (!guest || !join(websocket, guest, link, name)) {
        err_set(why, ERR_FULL, "no room for another device now");
        return 503;
    }

    websocket__own_actuators(websocket, guest, false);
    grants_fini(&guest->grants);
    guest->grants = *grants;
    websocket__own_actuators(websocket, guest, true);
    return 200;
}

int websocket__seat(Websocket *websocket, Link *link, RegistryEntry *entry, ErrText *why)
{
    Grants grants;
    if (grants_bind(&grants, entry, websocket->def.tags)) {
        err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
        return 503;
    }
    const int status = admit(websocket, link, entry->name, &grants, why);
    if (status != 200)
        grants_fini(&grants);
    return status;
}

/* A device that an engineer has claimed: what it offers is looked up in its bindings. */
static int provide_claimed(Websocket *websocket, Link *link, RegistryEntry *entry, const WireMessage *message, ErrText *why)
{
    int status = websocket__enter(websocket, link, entry, message, false, &entry, why);
    if (status != 200)
        return status;
    status = websocket__seat(websocket, link, entry, why);
    if (status == 200)
        ((Guest *)link->guest)->entry = entry;
    else
        registry_leave(websocket->def.registry, entry);
    return status;
}

/* A device that offers the plant's own tags; `foreign` when it offers others. */
static int provide_direct(Websocket *websocket, Link *link, RegistryEntry *entry, const WireMessage *message, bool *foreign, ErrText *why)
{
    Grants grants;
    int status = grants_init(&grants, message, websocket->def.tags, websocket->plant, why);
    *foreign = status == 400 || status == 404;
    if (status != 200)
        return status;
    status = admit(websocket, link, message->provide.device, &grants, why);
    if (status != 200) {
        grants_fini(&grants);
        return status;
    }
    // where the list has no room for it, it is there all the same
    Guest *guest = link->guest;
    if (!websocket->def.registry || websocket__enter(websocket, link, entry, message, true, &guest->entry, NULL) != 200)
        guest->entry = NULL;
    return 200;
}

/* 200: it has its place; 202: it waits to be claimed, and `why` says for what; otherwise the status of the refusal. */
static int provide(Websocket *websocket, Link *link, const WireMessage *message, ErrText *why)
{
    RegistryEntry *entry = NULL;
    bool foreign = true;
    int status = check_name(websocket, link, message->provide.device, why);
    if (status == 200)
        status = websocket__recognize(websocket, link, message->provide.device, &entry, why);
    if (status != 200)
        return status;
    if (entry && entry->claimed)
        return provide_claimed(websocket, link, entry, message, why);
    if (link->standing == LINK_FREE)
        status = provide_direct(websocket, link, entry, message, &foreign, why);
    else
        status = 403;
    if (link->standing != LINK_FREE)
        err_set(why, ERR_DENIED, "nobody has claimed this device yet");
    if (!foreign || !websocket->def.registry || !registry_is_pairing(websocket->def.registry))
        return status;
    return websocket__take_stranger(websocket, link, entry, message, why);
}

void websocket__welcome(Websocket *websocket, Link *link, int64_t id, const char *unclaimed)
{
    const WebsocketDef *def = &websocket->def;
    const WireWelcome welcome = {.plant = websocket->plant, .step = def->step, .speed = def->speed, .provider_clock = def->provider_clock,
                                 .from = websocket->plant_time, .unclaimed = unclaimed};
    wire_write_welcome(&websocket->out, id, &welcome);
    websocket__say(websocket, link);
}

void websocket__provide(Websocket *websocket, Link *link, const WireMessage *message)
{
    ErrText why = {0};
    const int status = provide(websocket, link, message, &why);
    if (status != 200 && status != 202) {
        websocket__count(websocket, link->guest, 0, 1, 0, TIME_NONE);
        websocket__refuse(websocket, link, message->topic, message->id, status, NULL, why.text);
        return;
    }
    Guest *guest = link->guest;
    guest->provide_id = message->id;
    websocket__welcome(websocket, link, message->id, status == 202 ? why.text : NULL);
    if (status == 200)
        websocket__configure(websocket, guest);
}

/* A device that is bound, or is to be, keeps its numbers with its offer: they hold when it is bound otherwise. */
static int number_offer(Websocket *websocket, Guest *guest, const WireMessage *message, ErrText *why)
{
    const RegistryEntry *entry = guest->entry;
    for (size_t i = 0; i < message->numbers.count; i++) {
        const WireNumber *item = &message->numbers.items[i];
        EntryTag *tag = entry_tag(entry, item->tag);
        if (!tag) {
            err_set(why, ERR_DENIED, "tag \"%.100s\" is not among what this device provides: name it in \"provide\" first", item->tag);
            return 403;
        }
        if (item->number >= entry->tag_count) {
            err_set(why, ERR_RANGE, "tag \"%.100s\": expected a number below %zu, as many tags as this device provides, got %u", item->tag, entry->tag_count,
                    item->number);
            return 400;
        }
        tag->number = item->number;
    }
    if (!websocket__is_stranger(websocket, guest))
        grants_number_aliases(&guest->grants, entry);
    return 200;
}

void websocket__number(Websocket *websocket, Link *link, const WireMessage *message)
{
    Guest *guest = link->guest;
    ErrText why = {0};
    const bool by_offer = websocket__is_stranger(websocket, guest) || grants_are_bound(&guest->grants);
    const int status = by_offer ? number_offer(websocket, guest, message, &why)
                                : grants_number(&guest->grants, message, websocket->def.tags, websocket->plant, &why);
    if (status != 200) {
        websocket__count(websocket, guest, 0, 1, 0, TIME_NONE);
        websocket__refuse(websocket, link, message->topic, message->id, status, NULL, why.text);
        return;
    }
    wire_write_done(&websocket->out, WIRE_NUMBERS, message->id);
    websocket__say(websocket, link);
}
