/* inside.h -- what the server side of this folder shares: a Websocket and its guests.
 *
 * guests.c seats devices, strangers.c those that wait to be claimed, twin.c tells them how they are to be set, clocks.c measures their clocks, samples.c takes
 * what they bring and answers it, websocket.c is what the server and the tick see of all that. Everything that is named here happens on the service thread. */
#pragma once

#include <pthread.h>

#include "connectors/websocket/grant.h"
#include "connectors/websocket/stream.h"
#include "connectors/websocket/websocket.h"

enum {
    DEVICES_MAX = 256,    // connected or remembered
    COMMANDS_MAX = 1024,  // on their way to the service thread, and as many without an answer
    RESERVE = DEVICES_MAX + 2 * COMMANDS_MAX,  // places of the live ring that samples leave free
    PORTION = 256,        // samples that are put into a ring at once
};

/* A device, at its Link or remembered after it left. */
typedef struct Guest {
    Link *link;         // NULL when it has gone
    uint32_t provider;  // of this connection; rises, so the smallest is the oldest
    RegistryEntry *entry;   // while it is at its link; NULL without a registry
    int64_t provide_id;     // of what it offered last
    json_t *told_delta;     // what it was told last of how it is to be set, by this connection
    int64_t heard_at;       // of a stranger: elapsed time of the message that was looked at last
    Grants grants;
    int64_t time_owed;      // of a `time` that found no room, TIME_NONE otherwise
    int64_t stored_id;      // of bulk messages: what is to be answered now
    uint32_t stored_count;
    bool stored_due;
    SourceClock clock;
    ClockMap map;
    bool warned;            // of this setting of its clock
    ConnectorLosses told;   // of shown.lost, what it has heard of
    WebsocketDevice shown;  // under the lock; no name: the place is free
} Guest;

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
    size_t sample_room;  // of the live ring, RESERVE left out
    Ring commands;       // tick -> service thread
    _Atomic uint16_t *owner;  // by TagId: 1 + index of the guest that has this actuator, 0 for nobody
    _Atomic int64_t plant_time;
    _Atomic uint64_t samples, refused, dropped;
    atomic_bool holding;  // nothing is read from devices
    bool answers_owed;    // the tick's: the service thread does not know yet how far the disk is
    int64_t answered_at;  // the tick's: elapsed time at which it was told last

    // the service thread's own
    Guest guests[DEVICES_MAX];
    Guest strangers[REGISTRY_STRANGERS_MAX];  // the tick does not know of them
    uint32_t last_provider;
    SentCommand sent[COMMANDS_MAX];
    size_t sent_count;  // for ever; the low bits are a place
    Parcel taken[PORTION];  // on their way into a ring
    size_t taken_count;
    Text out;

    pthread_mutex_t lock;  // WebsocketDevice of the guests
};

// websocket.c

/// Send the frame that `out` holds.
void websocket__say(Websocket *websocket, Link *link);
void websocket__refuse(Websocket *websocket, Link *link, WireTopic topic, int64_t id, int status, const char *path, const char *detail);
/// Add to what is shown of a device, NULL for a stranger; `last` is TIME_NONE without a sample.
void websocket__count(Websocket *websocket, Guest *guest, uint64_t samples, uint64_t refused, uint64_t dropped, int64_t last);
/// Our time has come to `time`: told to the tick, or owed to it.
void websocket__take_time(Websocket *websocket, Guest *guest, int64_t time);
/// A time that found no room before goes in front of what comes next from this device.
void websocket__pay_time(Websocket *websocket, Guest *guest);

// guests.c

void websocket__provide(Websocket *websocket, Link *link, const WireMessage *message);
void websocket__number(Websocket *websocket, Link *link, const WireMessage *message);
/// The guest is no longer at its link.
void websocket__leave(Websocket *websocket, Guest *guest);
/// It has to go: its link is shut, and knows it no more.
void websocket__dismiss(Websocket *websocket, Guest *guest, const char *reason);
void websocket__own_actuators(Websocket *websocket, const Guest *guest, bool own);
/// Tell it what the plant is: `unclaimed` NULL, or why nothing of it is used.
void websocket__welcome(Websocket *websocket, Link *link, int64_t id, const char *unclaimed);
/// Give the claimed device at `link` what it is bound to. 200, or the status of the refusal with `why`.
int websocket__seat(Websocket *websocket, Link *link, RegistryEntry *entry, ErrText *why);

// strangers.c

bool websocket__is_stranger(const Websocket *websocket, const Guest *guest);
/// Seat the device at `link` among those that wait to be claimed. 202, or the status of the refusal with `why`.
int websocket__take_stranger(Websocket *websocket, Link *link, RegistryEntry *entry, const WireMessage *message, ErrText *why);
/// What it measures is shown and goes nowhere.
void websocket__hear_samples(Websocket *websocket, Guest *guest, const WireMessage *message);
void websocket__hear_records(Websocket *websocket, Guest *guest, const BulkFrame *frame);

// twin.c

/// What is decided about devices takes effect.
void websocket__watch(Websocket *websocket);
/// Who is at `link` and calls himself so, NULL for nobody who is known; 200, or the status of a refusal with `why`.
int websocket__recognize(const Websocket *websocket, const Link *link, const char *name, RegistryEntry **out, ErrText *why);
/// It is at `link`, and offers what stands in `message`. 200, or the status of a refusal with `why`.
int websocket__enter(Websocket *websocket, Link *link, RegistryEntry *entry, const WireMessage *message, bool direct, RegistryEntry **out, ErrText *why);
/// Tell it what of that which is desired it has otherwise, unless it was told just that before.
void websocket__configure(Websocket *websocket, Guest *guest);
void websocket__report(Websocket *websocket, Link *link, const WireMessage *message);

// clocks.c

/// Only where the plant lives by the day, at its speed, do stamps mean the time of day.
bool websocket__are_clocks_measured(const Websocket *websocket);
/// What a message, the newest of whose stamps this is, says of the clock that stamped it. False: it is to be corrected and not known yet.
bool websocket__hear_clock(Websocket *websocket, Guest *guest, int64_t stamp, bool historical);
/// The time of a stamp: corrected where clocks are.
int64_t websocket__corrected(const Guest *guest, int64_t stamp);

// samples.c

void websocket__take_samples(Websocket *websocket, Link *link, const WireMessage *message);
void websocket__take_records(Websocket *websocket, Link *link, const BulkFrame *frame);
/// Answer what is on disk.
void websocket__answer(Websocket *websocket);
/// Half of the live ring is free. Seen by either thread.
bool websocket__has_drained(const Websocket *websocket);
/// Let devices go on that are held back, when there is room for them.
void websocket__go_on_when_drained(Websocket *websocket);
/// How many live samples there is room for.
size_t websocket__find_room(const Websocket *websocket);
