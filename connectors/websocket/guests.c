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

void websocket__leave(Websocket *websocket, Guest *guest)
{
    const Parcel parcel = {.kind = ARRIVAL_LEFT, .provider = guest->provider};
    const bool pushed = stream_push(&websocket->live, &parcel, guest->shown.name, 0);
    assert(pushed);
    (void)pushed;

    websocket__own_actuators(websocket, guest, false);
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

/* Who was let in by another name is another device, whatever it calls itself. */
static int check_place(const Guest *guest, const Link *link, ErrText *why)
{
    if (!guest || !guest->link || strcmp(guest->link->who, link->who) == 0)
        return 200;
    err_set(why, ERR_DENIED, "the device \"%s\" is connected, and was let in as %s", guest->shown.name, guest->link->who);
    return 409;
}

/* Seat the device at `link`. False when the ring has no room to tell the tick. */
static bool join(Websocket *websocket, Guest *guest, Link *link, const char *name)
{
    if (guest->link == link)
        return true;
    if (!stream_has_room(&websocket->live, RESERVE + 1))
        return false;

    // a device that comes again is the one to believe: its old connection is dead or soon will be
    if (guest->link) {
        guest->link->shut(guest->link, "the same device has connected anew");
        websocket__leave(websocket, guest);
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

    if (websocket->holding)
        link->hold(link, true);
    const Parcel parcel = {.kind = ARRIVAL_JOINED, .provider = guest->provider};
    return stream_push(&websocket->live, &parcel, name, RESERVE);
}

static int admit(Websocket *websocket, Link *link, const WireMessage *message, Grants *grants, ErrText *why)
{
    const char *name = message->provide.device;
    int status = check_name(link, name, why);
    if (status == 200)
        status = check_rights(link, websocket->def.tags, grants, why);
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

void websocket__provide(Websocket *websocket, Link *link, const WireMessage *message)
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
        websocket__count(websocket, link->guest, 0, 1, 0, TIME_NONE);
        websocket__refuse(websocket, link, message->topic, message->id, status, NULL, why.text);
        return;
    }
    wire_write_welcome(&websocket->out, message->id, websocket->plant, def->step, def->provider_clock, def->speed, websocket->plant_time);
    websocket__say(websocket, link);
}

void websocket__number(Websocket *websocket, Link *link, const WireMessage *message)
{
    Guest *guest = link->guest;
    ErrText why = {0};
    const int status = grants_number(&guest->grants, message, websocket->def.tags, websocket->plant, &why);
    if (status != 200) {
        websocket__count(websocket, guest, 0, 1, 0, TIME_NONE);
        websocket__refuse(websocket, link, message->topic, message->id, status, NULL, why.text);
        return;
    }
    wire_write_done(&websocket->out, WIRE_NUMBERS, message->id);
    websocket__say(websocket, link);
}
