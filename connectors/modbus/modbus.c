/* modbus.c -- the thread that asks. */
#include "connectors/modbus/modbus.h"

#include <assert.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "connectors/modbus/line.h"
#include "signal/backoff.h"

enum { STATIONS = 256 };

/* A device on the line. */
typedef struct Station {
    bool used;    // something of it is read
    bool silent;  // it did not answer the last time
    int64_t again_ns;  // elapsed: when a silent one is asked next
    Backoff backoff;
} Station;

typedef struct Modbus {
    ModbusSettings settings;
    Exchange *exchange;
    const Clock *clock;
    ModbusLine *line;
    pthread_t thread;

    Point *targets;     // by binding: where a command goes
    Point *points;      // those that are read
    size_t point_count;
    Request *requests;  // over `points`
    size_t request_count;

    Station stations[STATIONS];
    bool lost;         // nothing answers
    Backoff backoff;   // of the line
    int64_t again_ns;  // elapsed: when a lost one is tried again
} Modbus;

/* What was read, and when. */
typedef struct Reading {
    uint16_t values[REQUEST_BITS_MAX];
    int64_t time;  // UTC: the middle of the request
} Reading;

static int64_t elapsed(const Modbus *modbus)
{
    return modbus->clock->elapsed_ns(modbus->clock->self);
}

static int64_t utc(const Modbus *modbus)
{
    return modbus->clock->utc_ns(modbus->clock->self);
}

static void plan(Modbus *modbus)
{
    modbus->request_count = plan_make(modbus->points, modbus->point_count, modbus->settings.limits, elapsed(modbus), modbus->requests);
}

// --- the line and its stations -------------------------------------------------------------------------------------

/* Nothing is asked for a while; then everything is due anew, and nothing is left of what was found out before. */
static void lose_line(Modbus *modbus, const char *why)
{
    modbus_line_close(modbus->line);
    modbus->lost = true;
    modbus->again_ns = elapsed(modbus) + backoff_next(&modbus->backoff);
    for (size_t i = 0; i < STATIONS; i++)
        modbus->stations[i].silent = false;
    exchange_left(modbus->exchange, "%s", why);
}

/* A device proves that it is there by an answer; where nothing is read, the connection has to do. */
static bool open_line(Modbus *modbus)
{
    ErrText why;
    if (modbus_line_is_open(modbus->line))
        return true;
    if (modbus_line_open(modbus->line, &why) != ERR_OK) {
        lose_line(modbus, why.text);
        return false;
    }
    if (modbus->point_count == 0) {
        backoff_reset(&modbus->backoff);
        exchange_joined(modbus->exchange);
    }
    return true;
}

static void hear_station(Modbus *modbus, uint8_t id)
{
    modbus->stations[id].silent = false;
    backoff_reset(&modbus->stations[id].backoff);
    backoff_reset(&modbus->backoff);
    exchange_joined(modbus->exchange);
}

static bool are_all_silent(const Modbus *modbus)
{
    for (size_t i = 0; i < STATIONS; i++)
        if (modbus->stations[i].used && !modbus->stations[i].silent)
            return false;
    return true;
}

static void miss_station(Modbus *modbus, uint8_t id, const char *why)
{
    Station *const station = &modbus->stations[id];
    station->silent = true;
    station->again_ns = elapsed(modbus) + backoff_next(&station->backoff);
    if (are_all_silent(modbus)) {
        lose_line(modbus, why);
        return;
    }
    for (size_t i = 0; i < modbus->point_count; i++)
        if (modbus->points[i].station == id)
            exchange_value(modbus->exchange, modbus->points[i].binding, NAN, TIME_NONE, QUALITY_BAD);
}

// --- reading -------------------------------------------------------------------------------------------------------

/* Read, again where no answer came. ANSWER_LOST leaves the line lost when not even a connection is to be had. */
static Answer ask(Modbus *modbus, const Point *place, uint16_t address, uint16_t length, Reading *out, ErrText *why)
{
    Answer answer = ANSWER_LOST;
    for (int turn = 0; turn < modbus->settings.attempts && answer == ANSWER_LOST && !exchange_ends(modbus->exchange); turn++) {
        if (!open_line(modbus))
            return err_set(why, ERR_IO, "there is no connection to %s", modbus->settings.peer), ANSWER_LOST;
        const int64_t begun = elapsed(modbus);
        answer = modbus_line_read(modbus->line, place->station, place->table, address, length, out->values, why);
        out->time = utc(modbus) - (elapsed(modbus) - begun) / 2;
    }
    return answer;
}

static void pass_on(Modbus *modbus, const Request *request, const Reading *reading)
{
    for (size_t i = 0; i < request->count; i++) {
        const Point *const point = &request->points[i];
        const double number = register_decode(point->form, reading->values + (point->address - request->address));
        // a float that is no number is how devices say that they have none
        const bool valued = isfinite(number);
        exchange_value(modbus->exchange, point->binding, valued ? number : NAN, reading->time, valued ? QUALITY_GOOD : QUALITY_BAD);
    }
}

static void pass_on_fault(Modbus *modbus, const Request *request, const char *why)
{
    const Point *const first = request->points;
    exchange_refuse(modbus->exchange, "unit_id %u, %s %u to %u: %s", first->station, modbus_table_names[first->table], request->address,
                    request->address + request->length - 1, why);
    for (size_t i = 0; i < request->count; i++)
        exchange_value(modbus->exchange, request->points[i].binding, NAN, TIME_NONE, QUALITY_BAD);
}

static void poll_request(Modbus *modbus, size_t index)
{
    Request *const request = &modbus->requests[index];
    const uint8_t station = request->points->station;
    Reading reading;
    ErrText why = {""};
    const Answer answer = ask(modbus, request->points, request->address, request->length, &reading, &why);
    if (modbus->lost || exchange_ends(modbus->exchange))
        return;

    // what the station does not have is searched for: both halves are still due
    if (answer == ANSWER_ILLEGAL && plan_split(modbus->requests, &modbus->request_count, index)) {
        hear_station(modbus, station);
        return;
    }
    if (answer == ANSWER_GIVEN)
        pass_on(modbus, request, &reading);
    else
        pass_on_fault(modbus, request, why.text);
    exchange_missed(modbus->exchange, schedule_advance(&request->schedule, elapsed(modbus)));
    if (answer == ANSWER_LOST || answer == ANSWER_ABSENT)
        miss_station(modbus, station, why.text);
    else
        hear_station(modbus, station);
}

/* Of the requests that are due, the one whose next turn comes first; SIZE_MAX where none is, and `wait` is until one will be. */
static size_t find_urgent(Modbus *modbus, int64_t now, int64_t *wait)
{
    size_t urgent = SIZE_MAX;
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < modbus->request_count; i++) {
        Schedule *const schedule = &modbus->requests[i].schedule;
        const Station *const station = &modbus->stations[modbus->requests[i].points->station];
        if (station->silent && now < station->again_ns && schedule->due_ns <= now)
            schedule_advance(schedule, now);

        if (schedule->due_ns > now) {
            *wait = schedule->due_ns - now < *wait ? schedule->due_ns - now : *wait;
        } else if (schedule->due_ns + schedule->period_ns < first) {
            first = schedule->due_ns + schedule->period_ns;
            urgent = i;
        }
    }
    return urgent;
}

/* Do what is due next, one request at most. How long until something will be. */
static int64_t poll_next(Modbus *modbus)
{
    const int64_t now = elapsed(modbus);
    if (modbus->lost) {
        if (now < modbus->again_ns)
            return modbus->again_ns - now;
        modbus->lost = false;
        plan(modbus);
    }
    if (modbus->point_count == 0)
        return open_line(modbus) ? NS_PER_S : 0;

    int64_t wait = NS_PER_S;
    const size_t urgent = find_urgent(modbus, now, &wait);
    if (urgent == SIZE_MAX)
        return wait;
    poll_request(modbus, urgent);
    return 0;
}

// --- writing -------------------------------------------------------------------------------------------------------

/* A write is sent once. Whether one without an answer was carried out, what the actuator holds tells. */
static void write_number(Modbus *modbus, uint64_t command, const Point *target, double number)
{
    uint16_t registers[REGISTERS_WIDEST];
    ErrText why = {""};
    if (register_encode(target->form, number, registers, &why) != ERR_OK || !open_line(modbus)) {
        exchange_outcome(modbus->exchange, command, false, "%s", why.text[0] ? why.text : "there is no connection: nothing was written");
        return;
    }
    const Answer written = modbus_line_write(modbus->line, target, registers, &why);
    if (written != ANSWER_GIVEN && written != ANSWER_LOST) {
        exchange_outcome(modbus->exchange, command, false, "%s", why.text);
        return;
    }

    Reading reading;
    const Answer read = ask(modbus, target, target->address, target->width, &reading, &why);
    const double wanted = register_decode(target->form, registers), held = register_decode(target->form, reading.values);
    if (read != ANSWER_GIVEN)
        exchange_outcome(modbus->exchange, command, false, "it was sent, and could not be read back: %s", why.text);
    else if (held == wanted)
        exchange_outcome(modbus->exchange, command, true, "%s", "");
    else
        exchange_outcome(modbus->exchange, command, false, "%g was sent%s, and it holds %g", wanted, written == ANSWER_LOST ? " without an answer" : "", held);
}

static void carry_out_commands(Modbus *modbus)
{
    Command command;
    size_t binding;
    double number;
    while (exchange_take(modbus->exchange, &command, &binding, &number)) {
        write_number(modbus, command.id, &modbus->targets[binding], number);
        // where nothing is read, this is the only sign of life
        if (modbus->point_count == 0 && !modbus->lost && !modbus_line_is_open(modbus->line))
            lose_line(modbus, "no answer");
    }
}

// --- the thread ----------------------------------------------------------------------------------------------------

/* Until a command comes, the time is over, or the other end has closed the connection, which is opened again when there is something to ask. */
static void rest(Modbus *modbus, int64_t wait)
{
    struct pollfd files[] = {
        {.fd = exchange_file(modbus->exchange), .events = POLLIN},
        {.fd = modbus_line_file(modbus->line), .events = POLLIN},
    };
    const struct timespec time = {.tv_sec = wait / NS_PER_S, .tv_nsec = wait % NS_PER_S};
    if (ppoll(files, sizeof files / sizeof *files, &time, NULL) <= 0 || !files[1].revents)
        return;
    if (modbus->point_count)
        modbus_line_close(modbus->line);
    else
        lose_line(modbus, "the other end has closed the connection");
}

static void *serve(void *self)
{
    Modbus *const modbus = self;
    while (!exchange_ends(modbus->exchange)) {
        carry_out_commands(modbus);
        const int64_t look = exchange_look(modbus->exchange), next = poll_next(modbus);
        if (next > 0)
            rest(modbus, next < look ? next : look);
    }
    return NULL;
}

// --- the kind ------------------------------------------------------------------------------------------------------

static void destroy(Modbus *modbus)
{
    modbus_line_destroy(modbus->line);
    exchange_destroy(modbus->exchange);
    mem_free(modbus->targets);
    mem_free(modbus->points);
    mem_free(modbus->requests);
    mem_free(modbus);
}

static void close_modbus(void *self)
{
    Modbus *const modbus = self;
    exchange_end(modbus->exchange);
    pthread_join(modbus->thread, NULL);
    destroy(modbus);
}

static Modbus *create(const ConnectorDef *def)
{
    Modbus *modbus = mem_alloc(sizeof *modbus);
    if (!modbus)
        return NULL;
    const size_t room = def->binding_count ? def->binding_count : 1;
    modbus->targets = mem_alloc(room * sizeof *modbus->targets);
    modbus->points = mem_alloc(room * sizeof *modbus->points);
    modbus->requests = mem_alloc(room * sizeof *modbus->requests);
    modbus->clock = def->clock ? def->clock : &clock_system;
    if (modbus->targets && modbus->points && modbus->requests)
        return modbus;
    destroy(modbus);
    return NULL;
}

/* Everything that the thread knows at its start. */
static void begin(Modbus *modbus, const ConnectorDef *def)
{
    const ModbusSettings *const settings = &modbus->settings;
    modbus->backoff = backoff_begin(settings->retry_ns, settings->retry_most_ns, def->name);
    for (size_t i = 0; i < def->binding_count; i++) {
        if (def->bindings[i].writes)
            continue;
        Station *const station = &modbus->stations[modbus->targets[i].station];
        station->used = true;
        station->backoff = modbus->backoff;
        modbus->points[modbus->point_count++] = modbus->targets[i];
    }
    plan(modbus);
}

static Err start(Modbus *modbus, const ConnectorDef *def)
{
    const ExchangeDef exchange = {
        .name = def->name,
        .kind = modbus_kind.name,
        .peer = modbus->settings.peer,
        .bindings = def->bindings,
        .binding_count = def->binding_count,
        .clock = modbus->clock,
    };
    Err err = exchange_create(&exchange, &modbus->exchange);
    if (!err)
        err = modbus_line_create(&modbus->settings, &modbus->line);
    if (!err && pthread_create(&modbus->thread, NULL, serve, modbus) != 0)
        err = ERR_MEMORY;
    return err;
}

static Err modbus_check(const ConnectorDef *def, ConnectorFault *fault)
{
    Modbus *modbus = create(def);
    if (!modbus)
        return err_set(&fault->why, ERR_MEMORY, "out of memory");
    const Err err = modbus_settings_read(def, &modbus->settings, modbus->targets, fault);
    destroy(modbus);
    return err;
}

static Err modbus_open(const ConnectorDef *def, Connector *out, Exchange **exchange, ConnectorFault *fault)
{
    Modbus *modbus = create(def);
    if (!modbus)
        return err_set(&fault->why, ERR_MEMORY, "out of memory");
    Err err = modbus_settings_read(def, &modbus->settings, modbus->targets, fault);
    if (!err) {
        begin(modbus, def);
        if ((err = start(modbus, def)))
            err_set(&fault->why, err, "connectors.%s: %s", def->name, err_name(err));
    }
    if (err) {
        destroy(modbus);
        return err;
    }
    *exchange = modbus->exchange;
    *out = exchange_connector(modbus->exchange, close_modbus, modbus);
    return ERR_OK;
}

const ConnectorKind modbus_kind = {
    .version = CONNECTOR_VERSION,
    .name = "modbus",
    .doc = "registers and coils of devices that speak Modbus, by TCP or over a serial line",
    .check = modbus_check,
    .open = modbus_open,
};
