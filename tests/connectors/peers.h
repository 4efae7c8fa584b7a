/* peers.h -- a Websocket without a server: devices at fake Links, what they say goes in as frames, and what they hear is read back as frames.
 *
 * The plant is an incubator with a sensor (t2, in degC), an input (flow, l/min), a state (T_box) and an actuator (heater, percent). */
#pragma once

#include <stdio.h>
#include <string.h>

#include "connectors/websocket/websocket.h"
#include "kit/kit.h"

enum { HEARD_MAX = 64 };

/* A device: its Link, and what it has heard. */
typedef struct Peer {
    Link link;
    char heard[HEARD_MAX][512];
    size_t count;
    BulkFrame answered;  // the last binary frame
    size_t answers;
    bool shut, held;
} Peer;

static inline void peer_hear(Link *link, const char *json, size_t length)
{
    Peer *peer = (Peer *)link;
    if (peer->count == HEARD_MAX)
        return;
    ck_assert_uint_lt(length, sizeof peer->heard[0]);
    memcpy(peer->heard[peer->count], json, length);
    peer->heard[peer->count++][length] = 0;
}

static inline void peer_shut(Link *link, const char *reason)
{
    (void)reason;
    ((Peer *)link)->shut = true;
}

static inline void peer_hear_bulk(Link *link, const char *bytes, size_t length)
{
    Peer *peer = (Peer *)link;
    ck_assert_int_eq(bulk_read(bytes, length, &peer->answered, NULL), ERR_OK);
    peer->answers++;
}

static inline void peer_hold(Link *link, bool hold)
{
    ((Peer *)link)->held = hold;
}

static inline Peer peer_make(const char *address)
{
    Peer peer = {.link = {.send = peer_hear, .send_bulk = peer_hear_bulk, .hold = peer_hold, .shut = peer_shut}};
    snprintf(peer.link.peer, sizeof peer.link.peer, "%s", address);
    return peer;
}

static TagTable *tags;
static TagId t2, flow, heater;
static Websocket *websocket;
static Wire *wire;
static const ConnectorType *const connector = &websocket_connector;

static inline TagChannel channel(const char *name, const char *unit_text, TagRole role)
{
    const Unit *unit;
    ck_assert_int_eq(unit_parse(unit_text, &unit, NULL), ERR_OK);
    return (TagChannel){name, unit, role};
}

static inline void start_with(const WebsocketDef *special)
{
    ck_assert_int_eq(tags_create(&tags), ERR_OK);
    static TagChannel channels[4];
    channels[0] = channel("t2", "degC", TAG_SAMPLED);
    channels[1] = channel("flow", "l/min", TAG_SAMPLED);
    channels[2] = channel("T_box", "degC", TAG_NOT_BOUND);
    channels[3] = channel("heater", "percent", TAG_ACTUATED);
    ck_assert_int_eq(tags_add(tags, "incubator", channels, 4, &t2), ERR_OK);
    flow = t2 + 1;
    heater = t2 + 3;
    ck_assert_int_eq(wire_create(&wire), ERR_OK);
    WebsocketDef def = *special;
    def.tags = tags;
    def.plant = "incubator";
    def.step = 0.5;
    ck_assert_int_eq(websocket_create(&def, &websocket), ERR_OK);
}

static inline void start_with_ring(size_t ring)
{
    start_with(&(WebsocketDef){.speed = 2, .provider_clock = true, .ring = ring});
}

static inline void start(void)
{
    start_with_ring(0);
}

static inline void stop(void)
{
    websocket_destroy(websocket);
    wire_destroy(wire);
    tags_destroy(tags);
    unit_forget_all();
}

static inline void say(Peer *peer, const char *frame)
{
    WireMessage message;
    ErrText why = {0};
    ck_assert_msg(wire_read(wire, frame, strlen(frame), &message, &why) == ERR_OK, "%s", why.text);
    LinkHandler *handler = websocket_handler(websocket);
    handler->message(handler->self, &peer->link, &message);
}

static inline void part(Peer *peer)
{
    LinkHandler *handler = websocket_handler(websocket);
    handler->closed(handler->self, &peer->link);
}

static inline void turn(void)
{
    LinkHandler *handler = websocket_handler(websocket);
    handler->woken(handler->self);
}

/* The `index`-th frame that the peer heard. */
static inline WireMessage heard(const Peer *peer, size_t index)
{
    WireMessage message;
    ErrText why = {0};
    ck_assert_uint_lt(index, peer->count);
    ck_assert_msg(wire_read(wire, peer->heard[index], strlen(peer->heard[index]), &message, &why) == ERR_OK, "%s", why.text);
    return message;
}

static inline WireMessage last_heard(const Peer *peer)
{
    ck_assert_uint_gt(peer->count, 0);
    return heard(peer, peer->count - 1);
}

#define PROVIDE(device)                                                                                                                   \
    "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"" device "\",\"tags\":{\"incubator.t2\":{},\"incubator.flow\":{}}," \
    "\"actuators\":[\"incubator.heater\"]}}"
#define SAMPLE(id, tag) "{\"topic\":\"samples\",\"headers\":{\"id\":" id "},\"value\":[[\"" tag "\",1000,25.0]]}"

static inline Arrival next_arrival(void)
{
    Arrival arrival;
    ck_assert_uint_eq(connector->poll(websocket, &arrival, 1), 1);
    return arrival;
}

static inline size_t drain(void)
{
    Arrival arrival;
    size_t count = 0;
    while (connector->poll(websocket, &arrival, 1))
        count++;
    return count;
}

static inline Command make_command(uint64_t id)
{
    return (Command){.id = id, .wish = {.tag = heater, .value = 0.25, .reason = "lid open"}, .time = 5, .deadline = 6, .ended = TIME_NONE};
}

static inline void say_frame(Peer *peer, BulkKind kind, bool historical, int64_t id, const BulkRecord *records, uint32_t count)
{
    Text text = {0};
    BulkFrame frame = {.kind = kind, .historical = historical, .count = count, .id = id};
    LinkHandler *handler = websocket_handler(websocket);
    bulk_write_head(&text, &frame);
    for (uint32_t i = 0; i < count; i++)
        bulk_write_record(&text, &records[i]);
    ck_assert_int_eq(bulk_read(text.bytes, text.length, &frame, NULL), ERR_OK);
    handler->bulk(handler->self, &peer->link, &frame);
    text_fini(&text);
}

static inline void say_bulk(Peer *peer, BulkKind kind, int64_t id, const BulkRecord *records, uint32_t count)
{
    say_frame(peer, kind, false, id, records, count);
}
