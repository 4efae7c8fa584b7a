/* twin.c -- devices and the registry: who it is that comes, how it is to be set, what it says of itself; and what is decided meanwhile takes effect. */
#include <string.h>

#include "connectors/websocket/inside.h"
#include "signal/merge.h"

// Who comes.

/* What the registry is to go by: NULL where nobody is asked who he is. */
static const char *credential_of(const Link *link)
{
    return link->standing == LINK_FREE && !*link->who ? NULL : link->who;
}

int websocket__recognize(const Websocket *websocket, const Link *link, const char *name, RegistryEntry **out, ErrText *why)
{
    const Registry *registry = websocket->def.registry;
    const char *credential = credential_of(link);
    *out = registry ? registry_recognize(registry, name, credential) : NULL;
    if (*out && (*out)->disabled) {
        err_set(why, ERR_DENIED, "the device \"%s\" is disabled", (*out)->name);
        return 403;
    }
    const RegistryEntry *successor = registry && !*out && !credential ? registry_find_successor(registry, name) : NULL;
    if (successor) {
        err_set(why, ERR_DENIED, "\"%s\" was replaced by another device", successor->name);
        return 403;
    }
    return 200;
}

int websocket__enter(Websocket *websocket, Link *link, RegistryEntry *entry, const WireMessage *message, bool direct, RegistryEntry **out, ErrText *why)
{
    LinkCertificate certificate = {0};
    const bool shown = link->certificate && link->certificate(link, &certificate);

    // who comes anew is the one to believe
    Link *before = entry ? entry->link : NULL;
    if (before && before != link && before->guest)
        websocket__dismiss(websocket, before->guest, "the same device has connected anew");
    const RegistryVisit visit = {.provide = message, .kind = "websocket", .peer = link->peer, .direct = direct, .link = link, .who = link->who,
                                 .fingerprint = shown ? certificate.fingerprint : NULL, .subject = shown ? certificate.subject : NULL};
    switch (registry_arrive(websocket->def.registry, entry, &visit, out, why)) {
    case ERR_OK:
        return 200;
    case ERR_FULL:
        return 429;
    case ERR_MEMORY:
        return 503;
    default:
        return 400;
    }
}

// Its twin.

void websocket__configure(Websocket *websocket, Guest *guest)
{
    json_t *delta = guest->entry ? registry_delta(guest->entry) : NULL;
    if (!delta)
        return;
    if (json_object_size(delta) && !(guest->told_delta && merge_is_same(delta, guest->told_delta))) {
        wire_write_config(&websocket->out, guest->entry->desired.version, delta);
        websocket__say(websocket, guest->link);
    }
    json_decref(guest->told_delta);
    guest->told_delta = delta;
}

void websocket__report(Websocket *websocket, Link *link, const WireMessage *message)
{
    Guest *guest = link->guest;
    ErrText why = {0};
    Err err = guest->entry ? registry_report(websocket->def.registry, guest->entry, message->reported, &why)
                           : err_set(&why, ERR_UNKNOWN, "no twins of devices are kept here");
    if (err) {
        websocket__count(websocket, websocket__is_stranger(websocket, guest) ? NULL : guest, 0, 1, 0, TIME_NONE);
        websocket__refuse(websocket, link, WIRE_REPORTED, message->id, err == ERR_RANGE ? 413 : err == ERR_MEMORY ? 503 : 404, NULL, why.text);
        return;
    }
    wire_write_reported_version(&websocket->out, message->id, guest->entry->reported.version);
    websocket__say(websocket, link);
    if (!websocket__is_stranger(websocket, guest))
        websocket__configure(websocket, guest);
}

// What is decided meanwhile.

/* The device has other bindings, or some for the first time: then it learns that it is claimed. */
static void rebind(Websocket *websocket, RegistryEntry *entry, Link *link)
{
    ErrText why = {0};
    const int64_t id = ((Guest *)link->guest)->provide_id;
    const bool was_bound = grants_are_bound(&((Guest *)link->guest)->grants);
    if (websocket__seat(websocket, link, entry, &why) != 200) {
        websocket__dismiss(websocket, link->guest, why.text);
        return;
    }
    Guest *guest = link->guest;
    guest->entry = entry;
    guest->provide_id = id;
    if (!was_bound)
        websocket__welcome(websocket, link, id, NULL);
    websocket__configure(websocket, guest);
}

static void on_changed(void *self, RegistryEntry *entry, RegistryChange change)
{
    Websocket *websocket = self;
    Link *link = entry->link;
    if (!link)
        return;
    Guest *guest = link->guest;
    guest->entry = entry;  // one that replaces another has its entry now
    if (change == REGISTRY_BARRED)
        websocket__dismiss(websocket, guest, "this device may not be here any more");
    else if (change == REGISTRY_DESIRED && !websocket__is_stranger(websocket, guest))
        websocket__configure(websocket, guest);
    else if (change == REGISTRY_BOUND && entry->claimed)
        rebind(websocket, entry, link);
}

void websocket__watch(Websocket *websocket)
{
    if (websocket->def.registry)
        registry_watch(websocket->def.registry, (RegistryWatch){on_changed, websocket});
}
