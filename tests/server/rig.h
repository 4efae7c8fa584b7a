/* rig.h -- a Pollux without its app: a plant of one tank, a server on a free port, and clients that speak raw bytes.
 *
 * The test's thread is the tick's. `rig_turn` does once what the app does in its loop. */
#pragma once

#include <arpa/inet.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/websocket/device.h"
#include "connectors/websocket/websocket.h"
#include "kit/kit.h"
#include "server/server.h"

#define RIG_START INT64_C(1611326940000000000)

typedef struct Rig {
    Plant *plant;
    Sync *sync;
    Alarms *alarms;
    Gate *gate;
    Desk *desk;        // NULL when there is none
    History *history;  // NULL when there is none
    Websocket *websocket;
    Server *server;
    int64_t tick;
    char web[300];
} Rig;

static inline const char *rig_write(const char *name, const char *text)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", kit_folder(), name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static int rig_tanks = 1;  // of the next plant; tank1 has what the tests look at

static inline Plant *rig_plant(void)
{
    char plant_text[512];
    log_set_level(LOG_ERROR);
    rig_write("tank.lua",
              "return model \"tank\" {\n"
              "  doc = \"An open tank\",\n"
              "  params = { area = { 2, \"m^2\" } },\n"
              "  inputs = { inflow = { 60, \"l/min\" } },\n"
              "  states = { level = { 30, \"cm\", sd = 1, noise = 1e-3 } },\n"
              "  actuators = { valve = { 0, \"percent\", min = 0, max = 100 } },\n"
              "  equations = function(t) t.level.rate = t.inflow / t.area end,\n"
              "  sensors = { gauge = { of = \"level\", noise = 0.5, unit = \"cm\" } },\n"
              "  alarms = { overflow = { high = { \"level\", 60 }, severity = \"critical\" } },\n"
              "}\n");
    snprintf(plant_text, sizeof plant_text,
             "local assets = {}\n"
             "for i = 1, %d do assets[\"tank\" .. i] = { \"tank\", at = { i, 5, 0 } } end\n"
             "return plant \"works\" { doc = \"A test\", step = 1, clock = \"provider\", command_timeout = 1000, assets = assets }\n",
             rig_tanks);
    const char *path = rig_write("works.lua", plant_text);
    Plant *plant;
    ErrText why;
    if (plant_load(path, 1, &plant, &why) != ERR_OK)
        ck_abort_msg("%s", why.text);
    return plant;
}

static inline ServerDef rig_def(Rig *rig)
{
    return (ServerDef){.plant = rig->plant, .devices = websocket_handler(rig->websocket), .desk = rig->desk, .web = rig->web[0] ? rig->web : NULL};
}

/* Everything but the server. */
/* Whose devices are those of `registry` (may be NULL). */
static inline Rig *rig_make_with(Registry *registry, bool with_history)
{
    Rig *rig = mem_alloc(sizeof *rig);
    ErrText why = {0};
    rig->plant = rig_plant();
    ck_assert_int_eq(sync_create(rig->plant, &rig->sync), ERR_OK);
    ck_assert_int_eq(alarms_create(rig->plant, &rig->alarms, &why), ERR_OK);
    ck_assert_int_eq(gate_create(rig->plant, &rig->gate, NULL), ERR_OK);
    const WebsocketDef def = {.tags = rig->plant->tags, .plant = rig->plant->name, .step = rig->plant->step, .speed = 1, .provider_clock = true, .registry = registry};
    ck_assert_int_eq(websocket_create(&def, &rig->websocket), ERR_OK);
    char path[300];
    snprintf(path, sizeof path, "%s/history.db", kit_folder());
    if (with_history && history_open(path, rig->plant, &rig->history, &why) != ERR_OK)
        ck_abort_msg("%s", why.text);
    rig->tick = -1;
    return rig;
}

static inline Rig *rig_make(bool with_history)
{
    return rig_make_with(NULL, with_history);
}

static inline void rig_serve(Rig *rig, const ServerDef *def)
{
    ErrText why = {0};
    if (server_create(def, &rig->server, &why) != ERR_OK)
        ck_abort_msg("%s", why.text);
}

static inline Rig *rig_open(void)
{
    Rig *rig = rig_make(false);
    const ServerDef def = rig_def(rig);
    rig_serve(rig, &def);
    return rig;
}

static inline void rig_close(Rig *rig)
{
    server_destroy(rig->server);
    websocket_destroy(rig->websocket);
    desk_destroy(rig->desk);
    if (rig->history)
        history_close(rig->history);
    gate_destroy(rig->gate);
    alarms_destroy(rig->alarms);
    sync_destroy(rig->sync);
    plant_destroy(rig->plant);
    mem_free(rig);
    unit_forget_all();
}

static inline TagId rig_tag(const Rig *rig, const char *name)
{
    const TagId tag = tags_find(rig->plant->tags, name);
    ck_assert_uint_ne(tag, TAG_NONE);
    return tag;
}

static inline void rig_publish(Rig *rig)
{
    static ServerConnection connections[8];
    WebsocketDevice devices[8];
    const size_t count = websocket_devices(rig->websocket, devices, 8);
    for (size_t i = 0; i < count; i++) {
        connections[i] = (ServerConnection){.connected = devices[i].connected, .samples = devices[i].samples, .last = devices[i].last};
        memcpy(connections[i].name, devices[i].name, sizeof connections[i].name);
        memcpy(connections[i].peer, devices[i].peer, sizeof connections[i].peer);
        connections[i].refused = devices[i].refused;
    }
    const ServerNow now = {
        .tick = rig->tick, .time = sync_now(rig->sync), .speed = 1, .connections = connections, .connection_count = count};
    server_publish(rig->server, rig->plant, rig->sync, rig->alarms, rig->gate, &now);
    alarms_settle(rig->alarms);
    gate_settle(rig->gate);
}

static inline void rig_tick(Rig *rig)
{
    rig->tick = sync_next_tick(rig->sync);
    const Batch batch = sync_collect(rig->sync);
    plant_advance(rig->plant);
    sync_correct(rig->sync, rig->plant, batch);
    plant_derive(rig->plant);
    alarm_judge(rig->alarms, rig->plant, rig->sync, (Batch){0}, sync_now(rig->sync));
    const Connector connector = {&websocket_connector, rig->websocket};
    gate_release(rig->gate, &connector, 1, sync_now(rig->sync));
    websocket_connector.ticked(rig->websocket, sync_now(rig->sync));
    rig_publish(rig);
}

static inline void rig_arrive(Rig *rig, const Arrival *arrival)
{
    Filed filed;
    if (arrival->kind == ARRIVAL_OUTCOME)
        gate_answer(rig->gate, arrival->command, arrival->done, arrival->text, sync_now(rig->sync));
    else
        sync_file(rig->sync, arrival, &filed);
    websocket_connector.stored(rig->websocket, arrival->mark);
}

/* Somebody acknowledges an alarm. */
static inline Err rig_acknowledge(Alarms *alarms, uint64_t id, int64_t now)
{
    Alarm alarm;
    ErrText why;
    AlarmAct act = {.kind = ACT_ACKNOWLEDGE, .alarm = id, .by = "anna"};
    return alarm_act(alarms, &act, now, &alarm, &why);
}

static inline void rig_answer(Rig *rig, const ServerAsk *ask)
{
    if (ask->kind == SERVER_ASK_ALARM) {
        AlarmAct act = ask->act;
        Alarm alarm;
        ErrText why;
        const Err err = alarm_act(rig->alarms, &act, sync_now(rig->sync), &alarm, &why);
        if (err)
            server_answer(rig->server, ask->token, err == ERR_UNKNOWN ? 404 : 400, why.text, 0);
        else
            server_answer_alarm(rig->server, ask->token, &alarm, act.twin);
    } else {
        server_answer(rig->server, ask->token, 200, NULL, gate_ask(rig->gate, &ask->wish, sync_now(rig->sync)));
    }
    rig_publish(rig);
}

/* One round of the loop. */
static inline void rig_turn(Rig *rig)
{
    Arrival arrival;
    while (websocket_connector.poll(rig->websocket, &arrival, 1))
        rig_arrive(rig, &arrival);
    while (sync_ready(rig->sync, 0))
        rig_tick(rig);
    if (rig->desk && sync_now(rig->sync) != TIME_NONE)
        desk_fill(rig->desk, sync_now(rig->sync));
    ServerAsk ask;
    while (server_poll(rig->server, &ask))
        rig_answer(rig, &ask);
}

/* Let the plant run one tick without a device: a sample of the gauge at its middle. */
static inline void rig_sample(Rig *rig, int64_t second, double cm)
{
    Filed filed;
    const Arrival joined = {.kind = ARRIVAL_JOINED, .provider = 1000};
    if (sync_now(rig->sync) == TIME_NONE)
        sync_file(rig->sync, &joined, &filed);
    const Sample sample = {.time = RIG_START + second * NS_PER_S, .value = cm / 100, .tag = rig_tag(rig, "tank1.gauge")};
    sync_file(rig->sync, &(Arrival){.kind = ARRIVAL_SAMPLE, .provider = 1000, .sample = sample}, &filed);
    while (sync_ready(rig->sync, 0))
        rig_tick(rig);
}

static inline void sleep_ms(int64_t ms)
{
    clock_system.sleep_ns(clock_system.self, ms * NS_PER_MS);
}

// Raw clients.

enum { PEER_ROOM = 8 << 20 };

typedef struct Peer {
    int file;
    unsigned char room[PEER_ROOM + 1];  // a 0 may stand behind what was read
    unsigned char *bytes;               // what was read and not taken yet
    size_t length;
    char text[4 << 20];  // of the last frame or answer
} Peer;

static inline void peer_send(Peer *peer, const void *bytes, size_t length)
{
    // what was sent to a connection that the server closed on purpose is no error of the test
    for (ssize_t sent; length; bytes = (const char *)bytes + sent, length -= (size_t)sent)
        if ((sent = send(peer->file, bytes, length, MSG_NOSIGNAL)) <= 0)
            return;
}

static inline Peer *peer_connect(const Rig *rig)
{
    Peer *peer = mem_alloc(sizeof *peer);
    peer->bytes = peer->room;
    peer->file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(rig->server)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    ck_assert_int_eq(connect(peer->file, (struct sockaddr *)&address, sizeof address), 0);
    return peer;
}

static inline void peer_close(Peer *peer)
{
    close(peer->file);
    mem_free(peer);
}

/* Read what is there, waiting at most `ms`; false when the other end has closed or nothing came. */
static inline bool peer_read(Peer *peer, int ms)
{
    struct pollfd poller = {.fd = peer->file, .events = POLLIN};
    if (poll(&poller, 1, ms) <= 0)
        return false;
    memmove(peer->room, peer->bytes, peer->length);
    peer->bytes = peer->room;
    const ssize_t got = recv(peer->file, peer->bytes + peer->length, PEER_ROOM - peer->length, 0);
    if (got <= 0)
        return false;
    peer->length += (size_t)got;
    return true;
}

static inline void peer_forget(Peer *peer, size_t length)
{
    peer->bytes += length;
    peer->length -= length;
}

/* The head of an HTTP answer into peer->text; the number of its status. */
static inline int peer_head(Peer *peer)
{
    char *end;
    while (peer->bytes[peer->length] = 0, !(end = strstr((char *)peer->bytes, "\r\n\r\n")))
        if (!peer_read(peer, 5000))
            return 0;
    const size_t length = (size_t)(end - (char *)peer->bytes) + 4;
    memcpy(peer->text, peer->bytes, length);
    peer->text[length] = 0;
    peer_forget(peer, length);
    return atoi(peer->text + strlen("HTTP/1.1 "));
}

typedef struct Answer {
    int status;
    char head[4096];
    char *body;  // peer->text
} Answer;

/* One request as it stands; the answer with its body. */
static inline Answer peer_ask(Peer *peer, const char *request)
{
    Answer answer = {.body = peer->text};
    peer_send(peer, request, strlen(request));
    answer.status = peer_head(peer);
    snprintf(answer.head, sizeof answer.head, "%.4000s", peer->text);
    const char *header = strcasestr(answer.head, "content-length:");
    size_t length = header ? strtoul(header + 15, NULL, 10) : 0;
    if (strncmp(request, "HEAD", 4) == 0 || answer.status == 304)
        length = 0;
    ck_assert_uint_lt(length, sizeof peer->text);
    while (peer->length < length)
        ck_assert(peer_read(peer, 5000));
    memcpy(peer->text, peer->bytes, length);
    peer->text[length] = 0;
    peer_forget(peer, length);
    return answer;
}

static inline Answer peer_get(const Rig *rig, Peer *peer, const char *path)
{
    char request[4096];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost:%d\r\n\r\n", path, server_port(rig->server));
    return peer_ask(peer, request);
}

static inline void peer_upgrade_with(const Rig *rig, Peer *peer, const char *path, const char *protocol, const char *more)
{
    char request[1024];
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s\r\n%s\r\n",
             path, server_port(rig->server), protocol ? "Sec-WebSocket-Protocol: " : "X-Filler: none", protocol ? protocol : "", more);
    peer_send(peer, request, strlen(request));
}

/* A WebSocket, ready to speak. */
static inline Peer *peer_open(const Rig *rig)
{
    Peer *peer = peer_connect(rig);
    peer_upgrade_with(rig, peer, "/api/v1/ws", "pollux.v1.json", "");
    ck_assert_int_eq(peer_head(peer), 101);
    return peer;
}

enum { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10, OP_FINAL = 0x80 };

static inline void peer_frame(Peer *peer, int first_byte, const void *bytes, size_t length)
{
    unsigned char head[14] = {(unsigned char)first_byte};
    size_t size = 2;
    head[1] = 0x80 | (length < 126 ? (unsigned char)length : length < 65536 ? 126 : 127);
    for (int shift = length < 126 ? 0 : length < 65536 ? 16 : 64; shift > 0; shift -= 8)
        head[size++] = (unsigned char)(length >> (shift - 8));
    size += 4;  // a mask of zeros changes nothing
    peer_send(peer, head, size);
    peer_send(peer, bytes, length);
}

static inline void peer_say(Peer *peer, const char *json)
{
    peer_frame(peer, OP_FINAL | OP_TEXT, json, strlen(json));
}

/* The next frame is whole in the buffer: its opcode, or -1. The text goes to peer->text. */
static inline int peer_take(Peer *peer)
{
    if (peer->length < 2)
        return -1;
    size_t size = 2, length = peer->bytes[1] & 0x7f;
    const size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (peer->length < size + extra)
        return -1;
    for (size_t i = length = extra ? 0 : length; i < extra; i++)
        length = length << 8 | peer->bytes[size + i];
    if (extra == 0)
        length = peer->bytes[1] & 0x7f;
    size += extra;
    if (peer->length < size + length)
        return -1;
    ck_assert_uint_lt(length, sizeof peer->text);
    const int op = peer->bytes[0] & 0x0f;
    memcpy(peer->text, peer->bytes + size, length);
    peer->text[length] = 0;
    peer_forget(peer, size + length);
    return op;
}

/* The next frame within 5 s while the rig turns; its opcode, or -1 when the connection ended or nothing came. */
static inline int peer_hear(Rig *rig, Peer *peer)
{
    for (int i = 0; i < 500; i++) {
        const int op = peer_take(peer);
        if (op >= 0)
            return op;
        rig_turn(rig);
        struct pollfd poller = {.fd = peer->file, .events = POLLIN};
        if (poll(&poller, 1, 10) > 0 && !peer_read(peer, 0))
            return peer_take(peer);
    }
    return -1;
}

/* The next text frame that has `what` in it, others passed over. */
static inline const char *peer_expect(Rig *rig, Peer *peer, const char *what)
{
    for (int i = 0; i < 1000; i++) {
        const int op = peer_hear(rig, peer);
        if (op < 0)
            ck_abort_msg("nothing came with %s in it", what);
        if (op == OP_TEXT && strstr(peer->text, what))
            return peer->text;
    }
    ck_abort_msg("too many frames without %s", what);
}

/* What the connection is closed with: the status of its close frame, 0 when it just ended. */
static inline int peer_closed(Rig *rig, Peer *peer)
{
    for (int op; (op = peer_hear(rig, peer)) >= 0;)
        if (op == OP_CLOSE)
            return (unsigned char)peer->text[0] << 8 | (unsigned char)peer->text[1];
    return 0;
}

/* The frame as a tree, for jansson's look-ups; the caller's. */
static inline json_t *rig_parse(const char *text)
{
    json_error_t error;
    json_t *tree = json_loads(text, 0, &error);
    if (!tree)
        ck_abort_msg("%s in %.200s", error.text, text);
    return tree;
}
