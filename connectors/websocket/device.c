/* device.c -- two rings of samples without an answer, and one WebSocket.
 *
 * A ring holds every sample from device_send to its answer (unanswered.h). One is for what is live, the other is the log of what was measured while nobody
 * listened. */
#include "connectors/websocket/device.h"

#include <assert.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/websocket/device_address.h"
#include "connectors/websocket/numbers.h"
#include "connectors/websocket/unanswered.h"
#include "signal/merge.h"

enum {
    BATCH_MAX = 500,  // samples in one message
    BATCH_BYTES = 128 * 1024,
    LOG_FLIGHTS_MAX = 4,
    COMMANDS_KEPT = 64,
    BACKOFF_FIRST_MS = 200,
    BACKOFF_MAX_MS = 10000,
    BUSY_PAUSE_MS = 100,  // after the engine had no room
    RX_CHUNK = 32 * 1024,
    TOKEN_ROOM = 256,  // of "Bearer " and a token
};

/* A command that was delivered, and what the answer was: it is the same when the command comes again. */
typedef struct Obeyed {
    uint64_t id;
    bool refused, answer_due;
    char why[96];
} Obeyed;

typedef enum Stage {
    STAGE_APART,       // until retry_at
    STAGE_CONNECTING,
    STAGE_PROVIDING,   // connected, no answer to `provide` yet
    STAGE_READY,
    STAGE_REFUSED,     // for good
} Stage;

struct Device {
    DeviceDef def;
    Arena arena;  // what the definition points to
    DeviceAddress address;

    struct lws_context *lws;
    struct lws *wsi;
    lws_sorted_usec_list_t alarm_clock;
    Wire *wire;
    Text in, out;  // out: LWS_PRE bytes, then the frame
    bool out_binary;
    char last_notice[256];

    Stage stage;
    bool provide_due, in_binary, skip_frame;
    uint32_t attempt;  // since the last that went well
    uint64_t seed;     // of the jitter
    int64_t retry_at;  // elapsed time
    bool cut;          // it shall stay apart
    int64_t last_id, provide_id;

    Unanswered live, log;  // of the log there may be none: no room
    size_t last_tag;
    Numbers numbers;
    uint32_t told;  // numbers that the engine knows
    int64_t time;  // of the last device_send_time
    bool time_due;

    json_t *reported;  // all that it has said of itself, NULL: nothing
    bool report_due;

    Obeyed obeyed[COMMANDS_KEPT];
    uint64_t obeyed_count;  // for ever
    DeviceState state;
};

static void notice(Device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void notice(Device *device, const char *format, ...)
{
    char text[sizeof device->last_notice];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    // a thousand samples that are refused for one reason are worth one line
    if (!device->def.notice || strcmp(text, device->last_notice) == 0)
        return;
    memcpy(device->last_notice, text, sizeof text);
    device->def.notice(device->def.self, text);
}

static int64_t now_ns(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

// What became of samples.

/* The oldest live sample goes to the log, which loses its own oldest for it. */
static void log_oldest(Device *device)
{
    device->state.lost += unanswered_move_oldest(&device->live, &device->log);
}

/* The connection is there again: what has become old meanwhile does not stand in the way of what is new. */
static void log_old(Device *device)
{
    const Unanswered *const live = &device->live;
    if (device->log.room == 0 || live->head == live->tail)
        return;
    const int64_t old = unanswered_at(live, live->tail - 1)->time - DEVICE_LIVE_S * NS_PER_S;
    while (unanswered_at(live, live->head)->time < old)
        log_oldest(device);
}

static void tell_losses(Device *device, const ConnectorLosses *lost)
{
    if (lost->future)
        notice(device, "samples are stamped too far ahead of the engine's time: the clock of this device is wrong");
    device->state.duplicate += lost->duplicate;
    device->state.late += lost->late;
    device->state.future += lost->future;
}

/* A message was refused, or one sample of it, for good or as long as the engine has no room. */
static void on_samples_refused(Device *device, Unanswered *queue, UnansweredFlight *flight, const WireMessage *message)
{
    const int64_t again_at = message->status == 429 || message->status == 503 ? now_ns() + BUSY_PAUSE_MS * NS_PER_MS : TIME_NONE;
    notice(device, "samples refused (%d): %s", message->status, message->detail);
    if (message->path[0] != '/') {
        device->state.rejected += unanswered_refuse(queue, flight, again_at);
        return;
    }
    char *end;
    const unsigned long index = strtoul(message->path + 1, &end, 10);
    if (*end == 0 && end != message->path + 1 && index < flight->count)
        device->state.rejected += unanswered_refuse_one(queue, flight, index, again_at);
}

static void on_samples_answer(Device *device, const WireMessage *message)
{
    UnansweredFlight *flight = unanswered_find(&device->live, message->id);
    Unanswered *const queue = flight ? &device->live : &device->log;
    if (!flight)
        flight = unanswered_find(queue, message->id);
    if (!flight)
        return;
    if (message->status >= 300) {
        on_samples_refused(device, queue, flight, message);
        return;
    }
    unanswered_store(queue, flight);
    device->state.stored += message->stored.count;
    tell_losses(device, &message->stored.lost);
}

/* All messages of a queue up to one are on disk. */
static void on_stored(Device *device, const BulkFrame *frame)
{
    unanswered_store_to(frame->historical ? &device->log : &device->live, frame->id);
    device->state.stored += frame->count;
    tell_losses(device, &frame->lost);
}

// The rest of what the engine says.

/* Come back later; the wait grows with every attempt that fails, and no two devices come at once. */
static void stay_apart(Device *device)
{
    int64_t wait = BACKOFF_FIRST_MS;
    for (uint32_t i = 0; i < device->attempt && wait < BACKOFF_MAX_MS; i++)
        wait *= 2;
    wait = wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
    const double jitter = 0.5 + 0.5 * random_uniform(device->seed, 0, device->attempt++);
    device->retry_at = now_ns() + (int64_t)((double)(wait * NS_PER_MS) * jitter);
    device->state.connected = false;
    if (device->stage != STAGE_REFUSED)
        device->stage = STAGE_APART;
    unanswered_recall(&device->live);
    unanswered_recall(&device->log);
    device->time_due = device->time != TIME_NONE;
}

/* It was connected and not claimed, and now somebody has claimed it. */
static void on_claimed(Device *device)
{
    device->state.unclaimed = false;
    notice(device, "claimed: what it sends is used from now on");
}

static void on_welcome(Device *device, const WireMessage *message)
{
    if (device->stage == STAGE_READY && device->state.unclaimed && message->id == device->provide_id && message->status == 200)
        on_claimed(device);
    if (device->stage != STAGE_PROVIDING || message->id != device->provide_id)
        return;
    if (message->status >= 300) {
        notice(device, "the engine refused this device (%d): %s", message->status, message->detail);
        // when it only has no room now it may have later
        if (message->status != 429 && message->status != 503) {
            device->stage = STAGE_REFUSED;
            device->state.refused = true;
        }
        return;
    }
    device->stage = STAGE_READY;
    device->attempt = 0;
    device->state.connected = true;
    device->state.unclaimed = message->welcome.unclaimed;
    device->report_due = device->reported;
    device->state.step = message->welcome.step;
    device->state.speed = message->welcome.speed;
    device->state.from = message->welcome.from;
    device->last_notice[0] = 0;
    if (!message->welcome.provider_clock)
        log_old(device);
    if (message->welcome.unclaimed)
        notice(device, "connected to plant %s, but %s", message->welcome.plant, message->welcome.unclaimed);
    else
        notice(device, "connected to plant %s", message->welcome.plant);
}

static void on_command(Device *device, const WireMessage *message)
{
    const uint64_t id = (uint64_t)message->id;
    for (size_t i = 0; i < COMMANDS_KEPT && id; i++)
        if (device->obeyed[i].id == id) {
            device->obeyed[i].answer_due = true;
            return;
        }

    const char *why = "this device obeys no commands";
    if (device->def.command)
        why = device->def.command(device->def.self, id, message->command.tag, message->command.value, message->command.reason);
    device->state.commands++;
    Obeyed *obeyed = &device->obeyed[device->obeyed_count++ % COMMANDS_KEPT];
    *obeyed = (Obeyed){.id = id, .refused = why != NULL, .answer_due = true};
    snprintf(obeyed->why, sizeof obeyed->why, "%s", why ? why : "");
}

static void on_bulk(Device *device)
{
    BulkFrame frame;
    ErrText why;
    if (bulk_read(device->in.bytes ? device->in.bytes : "", device->in.length, &frame, &why) != ERR_OK)
        notice(device, "a frame of the engine could not be read: %s", why.text);
    else if (frame.kind == BULK_STORED)
        on_stored(device, &frame);
}

/* False when the connection is to be closed. */
static bool on_frame(Device *device)
{
    WireMessage message;
    ErrText why;
    if (device->in_binary) {
        on_bulk(device);
        return true;
    }
    if (wire_read(device->wire, device->in.bytes ? device->in.bytes : "", device->in.length, &message, &why) != ERR_OK) {
        notice(device, "a frame of the engine could not be read: %s", why.text);
        return true;
    }
    if (message.topic == WIRE_PROVIDE && message.status)
        on_welcome(device, &message);
    else if (message.topic == WIRE_SAMPLES && message.status)
        on_samples_answer(device, &message);
    else if (message.topic == WIRE_COMMAND && !message.status)
        on_command(device, &message);
    else if (message.topic == WIRE_CONFIG && !message.status && device->def.config)
        device->def.config(device->def.self, message.config.delta);
    else if (message.topic == WIRE_REPORTED && message.status >= 300)
        notice(device, "what it reports was refused (%d): %s", message.status, message.detail);
    else if (message.topic == WIRE_NUMBERS && message.status >= 300)
        notice(device, "numbers refused (%d): %s", message.status, message.detail);
    return device->stage == STAGE_READY || (device->stage == STAGE_PROVIDING && message.topic != WIRE_PROVIDE);
}

// What goes out.

/* What the engine does not know yet, as many as a frame has room for. */
static void write_numbers(Device *device)
{
    WireNumber numbers[BATCH_MAX];
    size_t count = 0;
    for (; count < BATCH_MAX && device->told < device->numbers.count; device->told++)
        numbers[count++] = (WireNumber){device->numbers.names[device->told], device->told};
    wire_write_numbers(&device->out, ++device->last_id, numbers, count);
}

static size_t write_records(Device *device, const Unanswered *queue, int64_t id)
{
    const uint64_t left = queue->tail - queue->next;
    const size_t count = left < BULK_SAMPLES_MAX ? left : BULK_SAMPLES_MAX;
    bulk_write_head(&device->out, &(BulkFrame){.kind = BULK_SAMPLES, .historical = queue->historical, .count = (uint32_t)count, .id = id});
    for (size_t i = 0; i < count; i++) {
        const UnansweredSample *entry = unanswered_at(queue, queue->next + i);
        bulk_write_record(&device->out, &(BulkRecord){entry->time, entry->value, entry->number, entry->quality});
    }
    return count;
}

static size_t write_samples(Device *device, const Unanswered *queue, int64_t id)
{
    WireSample samples[BATCH_MAX];
    size_t count = 0, bytes = 0;
    while (count < BATCH_MAX && bytes < BATCH_BYTES && queue->next + count < queue->tail) {
        const UnansweredSample *entry = unanswered_at(queue, queue->next + count);
        const char *tag = entry->tag.text;
        samples[count++] = (WireSample){.tag = tag, .time = entry->time, .value = entry->value, .quality = entry->quality};
        bytes += strlen(tag) + 64;
    }

    if (queue->historical)
        wire_write_log(&device->out, id, samples, count);
    else
        wire_write_samples(&device->out, id, samples, count);
    return count;
}

static void write_batch(Device *device, Unanswered *queue)
{
    const int64_t id = ++device->last_id;
    const size_t count = device->def.bulk ? write_records(device, queue, id) : write_samples(device, queue, id);
    unanswered_depart(queue, id, count);
    device->state.sent += count;
}

/* Records need their numbers to be told first. */
static void write_queue(Device *device, Unanswered *queue)
{
    if (device->told < device->numbers.count) {
        write_numbers(device);
        return;
    }
    device->out_binary = device->def.bulk;
    write_batch(device, queue);
}

static bool write_answer(Device *device)
{
    for (size_t i = 0; i < COMMANDS_KEPT; i++) {
        Obeyed *obeyed = &device->obeyed[i];
        if (!obeyed->answer_due)
            continue;
        obeyed->answer_due = false;
        if (obeyed->refused)
            wire_write_refusal(&device->out, wire_topic_name(WIRE_COMMAND), (int64_t)obeyed->id, 409, NULL, obeyed->why);
        else
            wire_write_done(&device->out, WIRE_COMMAND, (int64_t)obeyed->id);
        return true;
    }
    return false;
}

/* Everything that is live has been sent. */
static bool is_caught_up(const Device *device)
{
    return device->live.next == device->live.tail;
}

static bool answer_due(const Device *device)
{
    for (size_t i = 0; i < COMMANDS_KEPT; i++)
        if (device->obeyed[i].answer_due)
            return true;
    return false;
}

static bool output_due(const Device *device)
{
    if (device->stage != STAGE_READY)
        return device->stage == STAGE_PROVIDING && device->provide_due;
    const int64_t now = now_ns();
    const bool samples_due = unanswered_is_due(&device->live, now) || unanswered_is_due(&device->log, now);
    return samples_due || answer_due(device) || device->report_due || (device->time_due && is_caught_up(device));
}

/* Write the next frame behind LWS_PRE bytes of `out`; false when there is none. */
static bool write_next(Device *device)
{
    static const char before[LWS_PRE];
    text_clear(&device->out);
    text_add(&device->out, before, LWS_PRE);
    device->out_binary = false;
    if (device->stage == STAGE_PROVIDING && device->provide_due) {
        const DeviceDef *def = &device->def;
        device->provide_due = false;
        device->provide_id = ++device->last_id;
        wire_write_provide(&device->out, device->provide_id, def->name, def->tags, def->tag_count, def->actuators, def->actuator_count);
        return true;
    }
    if (device->stage != STAGE_READY)
        return false;
    if (write_answer(device))
        return true;
    if (device->report_due) {
        device->report_due = false;
        wire_write_reported(&device->out, ++device->last_id, device->reported);
        return true;
    }
    if (unanswered_is_due(&device->live, now_ns())) {
        write_queue(device, &device->live);
        return true;
    }
    if (device->time_due && is_caught_up(device)) {
        device->time_due = false;
        wire_write_time(&device->out, device->time);
        return true;
    }
    if (!unanswered_is_due(&device->log, now_ns()))
        return false;
    write_queue(device, &device->log);
    return true;
}

/* Returns nonzero when the connection is to be closed. */
static int write_frames(Device *device)
{
    while (!lws_send_pipe_choked(device->wsi)) {
        if (!write_next(device))
            return 0;
        if (device->out.failed || device->out.length < LWS_PRE)
            return -1;
        const size_t length = device->out.length - LWS_PRE;
        const enum lws_write_protocol kind = device->out_binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
        if (lws_write(device->wsi, (unsigned char *)device->out.bytes + LWS_PRE, length, kind) < (int)length)
            return -1;
    }
    lws_callback_on_writable(device->wsi);
    return 0;
}

// The socket.

static int receive(Device *device, struct lws *wsi, const char *bytes, size_t length)
{
    if (lws_is_first_fragment(wsi)) {
        text_clear(&device->in);
        device->in_binary = lws_frame_is_binary(wsi);
        device->skip_frame = device->in_binary && !device->def.bulk;
    }
    if (device->in.length + length > WIRE_FRAME_MAX)
        device->skip_frame = true;
    if (!device->skip_frame)
        text_add(&device->in, bytes, length);
    if (!lws_is_final_fragment(wsi) || device->skip_frame)
        return 0;
    if (!on_frame(device))
        return -1;
    if (output_due(device))
        lws_callback_on_writable(wsi);
    return 0;
}

static void on_gone(Device *device, const char *why)
{
    device->wsi = NULL;
    if (device->stage == STAGE_REFUSED)
        return;
    const bool was_ready = device->stage == STAGE_READY;
    stay_apart(device);
    const DeviceAddress *at = &device->address;
    notice(device, "%s ws%s://%s:%d: %s", was_ready ? "lost the connection to" : "no connection to", at->tls ? "s" : "", at->host, at->port, why);
}

/* The token goes into the request that asks for the WebSocket; nonzero when it cannot. */
static int show_token(const Device *device, struct lws *wsi, unsigned char **at, size_t room)
{
    char value[TOKEN_ROOM];
    if (!device->def.token)
        return 0;
    const int length = snprintf(value, sizeof value, "Bearer %s", device->def.token);
    return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, (const unsigned char *)value, length, at, *at + room);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    (void)user;
    Device *device = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return show_token(device, wsi, in, length);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        device->stage = STAGE_PROVIDING;
        device->provide_due = true;
        device->told = 0;
        lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(device, wsi, in, length);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_frames(device);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        on_gone(device, in ? in : "no answer");
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        on_gone(device, "closed");
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "pollux.v1.json", .callback = on_event, .rx_buffer_size = RX_CHUNK},
    {.name = "pollux.v1.bin", .callback = on_event, .rx_buffer_size = RX_CHUNK},
    {.name = NULL},
};

// An engine that vanished without a word is noticed by its silence.
static const lws_retry_bo_t idle_policy = {.secs_since_valid_ping = 10, .secs_since_valid_hangup = 25};

static void connect_now(Device *device)
{
    device->stage = STAGE_CONNECTING;
    const struct lws_client_connect_info info = {
        .context = device->lws,
        .address = device->address.host,
        .host = device->address.host,
        .port = device->address.port,
        .path = device->address.path,
        .protocol = protocols[device->def.bulk].name,
        .local_protocol_name = protocols[device->def.bulk].name,
        .ietf_version_or_minus_one = -1,
        .retry_and_idle_policy = &idle_policy,
        .pwsi = &device->wsi,
        .ssl_connection = device->address.tls ? LCCSCF_USE_SSL : 0,
    };
    if (!lws_client_connect_via_info(&info) && device->stage == STAGE_CONNECTING)
        on_gone(device, "cannot connect");
}

static void forward_log(int level, const char *line)
{
    (void)level;
    log_write(LOG_WARNING, "websocket", "%.*s", (int)strcspn(line, "\n"), line);
}

static Err open_context(Device *device, ErrText *why)
{
    const DeviceDef *def = &device->def;
    lws_set_log_level(LLL_ERR, forward_log);
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .gid = -1,
        .uid = -1,
        .user = device,
        .pt_serv_buf_size = RX_CHUNK,
        .connect_timeout_secs = 5,
        .timeout_secs = 10,
        .fd_limit_per_thread = 16,
        .options = (device->address.tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0) | (def->ca ? LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS : 0),
        .client_ssl_ca_filepath = def->ca,
        .client_ssl_cert_filepath = def->certificate,
        .client_ssl_private_key_filepath = def->key,
    };
    device->lws = lws_create_context(&info);
    return device->lws ? ERR_OK : err_set(why, ERR_MEMORY, "libwebsockets: cannot create a context");
}

// The public functions.

/* In its place, unless it is NULL. */
static bool copy_text(Device *device, const char **text)
{
    return !*text || (*text = arena_text(&device->arena, *text));
}

/* What the caller's definition points to need not live on. */
static Err copy_definition(Device *device, const DeviceDef *def)
{
    WireTag *tags = arena_new(&device->arena, WireTag, def->tag_count + 1);
    const char **actuators = arena_new(&device->arena, const char *, def->actuator_count + 1);
    device->def = *def;
    device->def.name = arena_text(&device->arena, def->name);
    const bool copied = copy_text(device, &device->def.token) && copy_text(device, &device->def.ca) && copy_text(device, &device->def.certificate) &&
                        copy_text(device, &device->def.key);
    if (!tags || !actuators || !device->def.name || !copied)
        return ERR_MEMORY;

    for (size_t i = 0; i < def->tag_count; i++) {
        tags[i].name = arena_text(&device->arena, def->tags[i].name);
        tags[i].unit = def->tags[i].unit ? arena_text(&device->arena, def->tags[i].unit) : NULL;
        if (!tags[i].name || (def->tags[i].unit && !tags[i].unit))
            return ERR_MEMORY;
    }
    for (size_t i = 0; i < def->actuator_count; i++) {
        actuators[i] = arena_text(&device->arena, def->actuators[i]);
        if (!actuators[i])
            return ERR_MEMORY;
    }
    device->def.tags = tags;
    device->def.actuators = actuators;
    return ERR_OK;
}

static Err open_queues(Device *device)
{
    const Err err = unanswered_init(&device->live, DEVICE_WAITING_MAX, UNANSWERED_FLIGHTS_MAX);
    const Err of_log = unanswered_init(&device->log, device->def.log, LOG_FLIGHTS_MAX);
    device->log.historical = true;
    return err ? err : of_log;
}

Err device_open(const DeviceDef *def, Device **out, ErrText *why)
{
    assert(def->url);
    assert(def->name);
    Device *device = mem_alloc(sizeof *device);
    if (!device)
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    device->def = *def;
    device->time = device->state.from = TIME_NONE;
    const int64_t utc = clock_system.utc_ns(clock_system.self);
    device->seed = hash_bytes((uint64_t)utc, def->name, strlen(def->name));

    Err err = device_address_read(def->url, &device->address, why);
    if (err == ERR_OK && def->token)
        err = device_address_check_secrecy(&device->address, why);
    if (err == ERR_OK && (open_queues(device) != ERR_OK || copy_definition(device, def) != ERR_OK || wire_create(&device->wire) != ERR_OK))
        err = err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    if (err == ERR_OK)
        err = open_context(device, why);
    if (err != ERR_OK) {
        device_close(device);
        return err;
    }
    *out = device;
    return ERR_OK;
}

void device_close(Device *device)
{
    if (!device)
        return;
    // leaving is not losing: nobody is to be told
    device->def.notice = NULL;
    if (device->lws)
        lws_context_destroy(device->lws);
    wire_destroy(device->wire);
    json_decref(device->reported);
    numbers_fini(&device->numbers);
    text_fini(&device->in);
    text_fini(&device->out);
    arena_fini(&device->arena);
    unanswered_fini(&device->live);
    unanswered_fini(&device->log);
    mem_free(device);
}

static void ring_alarm_clock(lws_sorted_usec_list_t *sul)
{
    (void)sul;
}

/* The wait that ends at `due`, where that is sooner than `wait_ns`; never so short that a caller's loop would spin. */
static int64_t until(int64_t due, int64_t now, int64_t wait_ns)
{
    const int64_t left = due - now > NS_PER_MS ? due - now : NS_PER_MS;
    return left < wait_ns ? left : wait_ns;
}

void device_service(Device *device, int64_t wait_ns)
{
    const int64_t now = now_ns();
    if (device->stage == STAGE_APART && !device->cut && now >= device->retry_at)
        connect_now(device);
    if (device->wsi && output_due(device))
        lws_callback_on_writable(device->wsi);

    // whatever falls due by itself ends the wait
    wait_ns = until(device->stage == STAGE_APART && !device->cut ? device->retry_at : INT64_MAX, now, wait_ns);
    wait_ns = until(device->live.busy_until > now ? device->live.busy_until : INT64_MAX, now, wait_ns);
    wait_ns = until(device->log.busy_until > now ? device->log.busy_until : INT64_MAX, now, wait_ns);

    // lws waits in whole milliseconds; below that it only looks
    if (wait_ns < NS_PER_MS) {
        lws_service(device->lws, -1);
        if (wait_ns > 0)
            clock_system.sleep_ns(clock_system.self, wait_ns);
        return;
    }
    lws_sul_schedule(device->lws, 0, &device->alarm_clock, ring_alarm_clock, wait_ns / 1000);
    lws_service(device->lws, 0);
    lws_sul_schedule(device->lws, 0, &device->alarm_clock, ring_alarm_clock, LWS_SET_TIMER_USEC_CANCEL);
}

/* Whether it is among what was provided. Devices send their tags in turn, so the search begins with the last one that was found. */
static bool is_provided(Device *device, const char *name)
{
    for (size_t i = 0; i <= device->def.tag_count; i++) {
        const size_t index = (device->last_tag + i) % (device->def.tag_count + 1);
        if (index == device->def.tag_count || !tag_is_meant(device->def.tags[index].name, name))
            continue;
        device->last_tag = index;
        return strlen(name) < TAG_NAME_ROOM;
    }
    return false;
}

Err device_send(Device *device, const WireSample *samples, size_t count)
{
    if (device->state.refused)
        return ERR_CLOSED;
    Unanswered *const live = &device->live;
    while (device->stage != STAGE_READY && device->log.room > 0 && count > unanswered_free(live) && live->head < live->tail)
        log_oldest(device);
    if (count > unanswered_free(live))
        return ERR_FULL;
    for (size_t i = 0; i < count; i++) {
        if (!is_provided(device, samples[i].tag))
            return ERR_UNKNOWN;
        UnansweredSample *entry = unanswered_at(live, live->tail + i);
        *entry = (UnansweredSample){.time = samples[i].time, .value = samples[i].value, .quality = (uint8_t)samples[i].quality};
        if (!device->def.bulk)
            snprintf(entry->tag.text, sizeof entry->tag.text, "%s", samples[i].tag);
        else if ((entry->number = numbers_find(&device->numbers, samples[i].tag)) == NUMBER_NONE)
            return ERR_MEMORY;
    }
    live->tail += count;
    return ERR_OK;
}

void device_cut(Device *device, bool cut)
{
    device->cut = cut;
    if (cut && device->wsi)
        lws_set_timeout(device->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}

void device_send_time(Device *device, int64_t time)
{
    device->time = time;
    device->time_due = true;
}

Err device_report(Device *device, const json_t *patch)
{
    json_t *merged = merge_patch(device->reported, patch);
    if (!merged)
        return ERR_MEMORY;
    json_decref(device->reported);
    device->reported = merged;
    device->report_due = true;
    return ERR_OK;
}

DeviceState device_state(const Device *device)
{
    DeviceState state = device->state;
    state.logged = unanswered_count(&device->log);
    state.waiting = unanswered_count(&device->live) + state.logged;
    return state;
}
