#include "connectors/iec104/outstation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POINTS = 64, COMMANDS = 32, QUEUE = 512, IN = 4096, OUT = 64 * 1024, HALF = 32768 };

typedef struct Message {
    uint8_t size;
    uint8_t bytes[249];
} Message;

typedef struct Point {
    uint16_t ca;
    uint32_t ioa;
    uint8_t type;
    double value;
    uint8_t quality;
} Point;

typedef struct Object {
    uint16_t ca;
    uint32_t ioa;
    uint8_t type;
    bool must_be_selected;
    uint32_t shown;
    bool selected;
    int selected_by;
} Object;

typedef struct Line {
    bool connected, started, given_up;
    unsigned vs, vr, ack, told;  // V(S), V(R), what the master has, what it was told of
    int64_t oldest_sent, oldest_came, heard, tested;
    bool testing;
    int64_t now;
    Message queue[QUEUE];
    unsigned first, waiting;
    uint8_t in[IN];
    size_t in_count;
    uint8_t out[OUT];
    size_t out_count;
} Line;

struct Outstation {
    unsigned k, w;
    int64_t t1, t2, t3;
    OutstationFaults faults;
    bool relays;
    Point points[POINTS];
    int point_count;
    Object objects[COMMANDS];
    int object_count;
    Line lines[OUTSTATION_LINES];
    OutstationDone done[OUTSTATION_LOG];
    size_t done_count;
    OutstationCounts counts;
};

Outstation *outstation_create(uint16_t k, uint16_t w, int64_t t1, int64_t t2, int64_t t3)
{
    Outstation *const o = calloc(1, sizeof *o);
    if (!o)
        abort();
    o->k = k, o->w = w, o->t1 = t1, o->t2 = t2, o->t3 = t3;
    return o;
}

void outstation_destroy(Outstation *outstation)
{
    free(outstation);
}

OutstationFaults *outstation_faults(Outstation *outstation)
{
    return &outstation->faults;
}

OutstationCounts outstation_counts(const Outstation *outstation)
{
    return outstation->counts;
}

size_t outstation_done(const Outstation *outstation, OutstationDone *out, size_t room)
{
    const size_t count = outstation->done_count < room ? outstation->done_count : room;
    if (count)
        memcpy(out, outstation->done, count * sizeof *out);
    return outstation->done_count;
}

// Frames

static void put_bytes(Line *line, const void *bytes, size_t count)
{
    if (line->out_count + count > OUT)
        line->given_up = true;
    else {
        memcpy(line->out + line->out_count, bytes, count);
        line->out_count += count;
    }
}

static void put_control(Line *line, uint8_t function)
{
    put_bytes(line, (uint8_t[]){0x68, 4, function, 0, 0, 0}, 6);
}

static void put_supervisory(Outstation *o, Line *line)
{
    unsigned nr = line->vr;
    if (o->faults.acknowledges_too_much) {
        o->faults.acknowledges_too_much = false;
        nr = (nr + 5) % HALF;
    }
    put_bytes(line, (uint8_t[]){0x68, 4, 1, 0, (nr * 2) & 0xff, (nr * 2) >> 8}, 6);
    line->told = line->vr;
}

static unsigned open_frames(const Line *line)
{
    return (line->vs + HALF - line->ack) % HALF;
}

/* What waits goes out as far as k allows. */
static void pump(Outstation *o, Line *line)
{
    while (line->started && line->waiting && open_frames(line) < o->k) {
        const Message *const message = &line->queue[line->first];
        if (o->faults.skips_number) {
            o->faults.skips_number = false;
            line->vs = (line->vs + 1) % HALF;
        }
        if (open_frames(line) == 0)
            line->oldest_sent = line->now;
        put_bytes(line, (uint8_t[]){0x68, message->size + 4, (line->vs * 2) & 0xff, (line->vs * 2) >> 8, (line->vr * 2) & 0xff, (line->vr * 2) >> 8}, 6);
        put_bytes(line, message->bytes, message->size);
        line->vs = (line->vs + 1) % HALF;
        line->told = line->vr;
        line->first = (line->first + 1) % QUEUE;
        line->waiting--;
    }
}

static void enqueue(Line *line, const uint8_t *asdu, size_t size)
{
    if (line->waiting == QUEUE) {  // the oldest is lost
        line->first = (line->first + 1) % QUEUE;
        line->waiting--;
    }
    Message *const message = &line->queue[(line->first + line->waiting++) % QUEUE];
    message->size = (uint8_t)size;
    memcpy(message->bytes, asdu, size);
}

void outstation_say(Outstation *outstation, const uint8_t *asdu, size_t size)
{
    for (int i = 0; i < OUTSTATION_LINES; i++)
        if (outstation->lines[i].connected)
            enqueue(&outstation->lines[i], asdu, size);
}

void outstation_shout(Outstation *outstation, const char *text)
{
    for (int i = 0; i < OUTSTATION_LINES; i++)
        if (outstation->lines[i].connected)
            put_bytes(&outstation->lines[i], text, strlen(text));
}

// Information

static size_t put_time(uint8_t *out, int64_t utc)
{
    const int64_t ms = utc / 1000000;
    const time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    const int of_minute = parts.tm_sec * 1000 + (int)(ms % 1000);
    out[0] = of_minute & 0xff;
    out[1] = of_minute >> 8;
    out[2] = parts.tm_min;
    out[3] = parts.tm_hour;
    out[4] = parts.tm_mday | (parts.tm_wday ? parts.tm_wday : 7) << 5;
    out[5] = parts.tm_mon + 1;
    out[6] = parts.tm_year % 100;
    return 7;
}

static int64_t get_time(const uint8_t *in)
{
    const int ms = in[0] + in[1] * 256;
    struct tm parts = {.tm_sec = ms / 1000, .tm_min = in[2] & 63, .tm_hour = in[3] & 31};
    parts.tm_mday = in[4] & 31;
    parts.tm_mon = (in[5] & 15) - 1;
    parts.tm_year = 100 + (in[6] & 127);
    return ((int64_t)timegm(&parts) * 1000 + ms % 1000) * 1000000;
}

static void put_long(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (value >> 8 * i) & 0xff;
}

static void put_real(uint8_t *out, double value)
{
    const float real = (float)value;
    uint32_t bits;
    memcpy(&bits, &real, 4);
    put_long(out, bits);
}

static double get_real(const uint8_t *in)
{
    const uint32_t bits = in[0] | in[1] << 8 | in[2] << 16 | (uint32_t)in[3] << 24;
    float real;
    memcpy(&real, &bits, 4);
    return real;
}

/* The element of a point, by the type without a time. */
static size_t put_element(uint8_t *out, uint8_t basic, double value, uint8_t quality)
{
    const int whole = (int)lround(basic == 9 || basic == 21 ? value * 32768 : value);
    switch (basic) {
        case 1:
            out[0] = (value != 0) | (quality & 0xf0);
            return 1;
        case 3:
            out[0] = (value == 0 ? 1 : value == 1 ? 2 : value < 1 ? 0 : 3) | (quality & 0xf0);
            return 1;
        case 5:
            out[0] = whole & 0x7f;
            out[1] = quality;
            return 2;
        case 7:
            put_long(out, (uint32_t)value);
            out[4] = quality;
            return 5;
        case 9:
        case 11:
            out[0] = whole & 0xff;
            out[1] = (whole >> 8) & 0xff;
            out[2] = quality;
            return 3;
        case 13:
            put_real(out, value);
            out[4] = quality;
            return 5;
        case 15:
            put_long(out, (uint32_t)(int32_t)value);
            out[4] = quality & 0xe0;
            return 5;
        case 21:
            out[0] = whole & 0xff;
            out[1] = (whole >> 8) & 0xff;
            return 2;
        default:
            abort();
    }
}

static uint8_t basic_type(uint8_t type)
{
    static const uint8_t basic[] = {[30] = 1, [31] = 3, [32] = 5, [33] = 7, [34] = 9, [35] = 11, [36] = 13, [37] = 15};
    return type >= 30 && type <= 37 ? basic[type] : type;
}

static size_t put_head(uint8_t *out, uint8_t type, uint8_t count, uint8_t cause, uint16_t ca, uint32_t ioa)
{
    const uint8_t head[] = {type, count, cause, 0, ca & 0xff, ca >> 8, ioa & 0xff, (ioa >> 8) & 0xff, ioa >> 16};
    memcpy(out, head, sizeof head);
    return sizeof head;
}

static size_t put_point(uint8_t *out, const Point *point, uint8_t type, uint8_t cause, int64_t utc)
{
    size_t size = put_head(out, type, 1, cause, point->ca, point->ioa);
    size += put_element(out + size, basic_type(type), point->value, point->quality);
    if (type != basic_type(type))
        size += put_time(out + size, utc);
    return size;
}

static Point *find_point(Outstation *o, uint16_t ca, uint32_t ioa)
{
    for (int i = 0; i < o->point_count; i++)
        if (o->points[i].ca == ca && o->points[i].ioa == ioa)
            return &o->points[i];
    return NULL;
}

void outstation_add_point(Outstation *outstation, uint16_t ca, uint32_t ioa, uint8_t type)
{
    if (outstation->point_count == POINTS)
        abort();
    outstation->points[outstation->point_count++] = (Point){.ca = ca, .ioa = ioa, .type = type, .quality = 0x40};
}

void outstation_set(Outstation *outstation, uint16_t ca, uint32_t ioa, double value, uint8_t quality, int64_t utc)
{
    Point *const point = find_point(outstation, ca, ioa);
    if (!point)
        abort();
    point->value = value;
    point->quality = quality;
    uint8_t asdu[249];
    outstation_say(outstation, asdu, put_point(asdu, point, point->type, 3, utc));
}

void outstation_initialised(Outstation *outstation, uint16_t ca)
{
    uint8_t asdu[10];
    const size_t size = put_head(asdu, 70, 1, 4, ca, 0);
    asdu[size] = 0;
    outstation_say(outstation, asdu, size + 1);
}

void outstation_add_command(Outstation *outstation, uint16_t ca, uint32_t ioa, uint8_t type, bool must_be_selected, uint32_t shown)
{
    if (outstation->object_count == COMMANDS)
        abort();
    outstation->objects[outstation->object_count++] = (Object){ca, ioa, type, must_be_selected, shown, false, 0};
}

void outstation_relay(Outstation *outstation)
{
    outstation->relays = true;
}

// What the master asks for

/* The same ASDU back, with another cause. */
static void mirror(Line *line, const uint8_t *asdu, size_t size, uint8_t cause, bool negative)
{
    uint8_t answer[249];
    memcpy(answer, asdu, size);
    answer[2] = cause | (negative ? 0x40 : 0);
    enqueue(line, answer, size);
}

static bool has_station(const Outstation *o, uint16_t ca)
{
    for (int i = 0; i < o->point_count; i++)
        if (o->points[i].ca == ca)
            return true;
    for (int i = 0; i < o->object_count; i++)
        if (o->objects[i].ca == ca)
            return true;
    return o->relays;
}

static void answer_interrogation(Outstation *o, Line *line, const uint8_t *asdu, size_t size)
{
    const uint16_t ca = asdu[4] | asdu[5] << 8;
    const bool of_counters = asdu[0] == 101;
    if (o->faults.ignores_interrogations)
        return;
    if (o->faults.refuses_interrogations) {
        mirror(line, asdu, size, 7, true);
        return;
    }
    mirror(line, asdu, size, 7, false);
    for (int i = 0; i < o->point_count; i++) {
        const Point *const point = &o->points[i];
        if (point->ca != ca || (basic_type(point->type) == 15) != of_counters)
            continue;
        uint8_t out[249];
        enqueue(line, out, put_point(out, point, basic_type(point->type), of_counters ? 37 : 20, 0));
    }
    mirror(line, asdu, size, 10, false);
}

static double command_value(uint8_t type, const uint8_t *element)
{
    switch (type < 58 ? type : type - 13) {
        case 45:
            return element[0] & 1;
        case 46:
            return (element[0] & 3) - 1;
        case 47:
            return (element[0] & 3) == 1 ? -1 : 1;
        case 48:
            return (int16_t)(element[0] | element[1] << 8) / 32768.0;
        case 49:
            return (int16_t)(element[0] | element[1] << 8);
        case 50:
            return get_real(element);
        default:
            return element[0] + element[1] * 256.0 + element[2] * 65536.0 + element[3] * 16777216.0;
    }
}

/* Where the qualifier with the select bit stands in the element; -1: such a type has none. */
static int qualifier_at(uint8_t type)
{
    static const int places[] = {0, 0, 0, 2, 2, 4, -1};
    return places[(type < 58 ? type : type - 13) - 45];
}

static Object *find_object(Outstation *o, uint16_t ca, uint32_t ioa, uint8_t type)
{
    for (int i = 0; i < o->object_count; i++)
        if (o->objects[i].ca == ca && o->objects[i].ioa == ioa && o->objects[i].type == type)
            return &o->objects[i];
    if (!o->relays || type != 50)
        return NULL;
    outstation_add_command(o, ca, ioa, type, false, ioa);
    outstation_add_point(o, ca, ioa, 36);
    return &o->objects[o->object_count - 1];
}

static uint8_t why_unknown(const Outstation *o, uint16_t ca, uint32_t ioa)
{
    if (!has_station(o, ca))
        return 46;
    for (int i = 0; i < o->object_count; i++)
        if (o->objects[i].ca == ca && o->objects[i].ioa == ioa)
            return 44;
    return 47;
}

static void execute(Outstation *o, Line *line, Object *object, const uint8_t *asdu, size_t size, int64_t utc)
{
    const double value = command_value(object->type, asdu + 9);
    o->counts.executes++;
    if (o->faults.refuses_executes) {
        mirror(line, asdu, size, 7, true);
        return;
    }
    if (o->done_count < OUTSTATION_LOG)
        o->done[o->done_count++] = (OutstationDone){object->ca, object->ioa, object->type, value, object->selected};
    object->selected = false;
    if (object->shown)
        outstation_set(o, object->ca, object->shown, value, 0, utc);
    if (o->faults.ignores_executes)
        return;
    uint8_t answer[249];
    memcpy(answer, asdu, size);
    if (o->faults.confirms_another_value)
        answer[9] ^= 1;
    mirror(line, answer, size, 7, false);
    if (!o->faults.never_terminates)
        mirror(line, asdu, size, 10, o->faults.terminates_negatively);
}

static void answer_command(Outstation *o, Line *line, const uint8_t *asdu, size_t size, int64_t utc)
{
    const uint8_t type = asdu[0], cause = asdu[2] & 63;
    const uint16_t ca = asdu[4] | asdu[5] << 8;
    const uint32_t ioa = asdu[6] | asdu[7] << 8 | (uint32_t)asdu[8] << 16;
    const int who = (int)(line - o->lines);
    Object *const object = find_object(o, ca, ioa, type);
    if (!object || o->faults.unknown) {
        mirror(line, asdu, size, o->faults.unknown ? o->faults.unknown : why_unknown(o, ca, ioa), true);
        return;
    }
    if (cause == 8) {
        o->counts.cancels++;
        object->selected = false;
        mirror(line, asdu, size, 9, false);
        return;
    }

    const int at = qualifier_at(type);
    const bool selects = at >= 0 && asdu[9 + at] & 0x80;
    if (selects) {
        o->counts.selects++;
        if (o->faults.ignores_selects)
            return;
        object->selected = !o->faults.refuses_selects;
        object->selected_by = who;
        mirror(line, asdu, size, 7, o->faults.refuses_selects);
    } else if (object->must_be_selected && !(object->selected && object->selected_by == who))
        mirror(line, asdu, size, 7, true);
    else
        execute(o, line, object, asdu, size, utc);
}

static void take_asdu(Outstation *o, Line *line, const uint8_t *asdu, size_t size, int64_t utc)
{
    if (size < 9) {
        line->given_up = true;
        return;
    }
    const uint8_t type = asdu[0];
    const uint16_t ca = asdu[4] | asdu[5] << 8;
    if (!has_station(o, ca)) {
        mirror(line, asdu, size, 46, true);
        return;
    }
    switch (type) {
        case 100:
            o->counts.interrogations++;
            answer_interrogation(o, line, asdu, size);
            break;
        case 101:
            o->counts.counters++;
            answer_interrogation(o, line, asdu, size);
            break;
        case 103:
            o->counts.clocks++;
            o->counts.clock = get_time(asdu + 9);
            mirror(line, asdu, size, 7, false);
            break;
        case 107:
            o->counts.trials++;
            if (!o->faults.ignores_interrogations)
                mirror(line, asdu, size, 7, false);
            break;
        default:
            if ((type >= 45 && type <= 51) || (type >= 58 && type <= 64))
                answer_command(o, line, asdu, size, utc);
            else
                mirror(line, asdu, size, 44, true);
    }
}

static void take_function(Outstation *o, Line *line, uint8_t function)
{
    switch (function) {
        case 0x07:
            o->counts.starts++;
            line->started = !o->faults.never_starts;
            if (line->started)
                put_control(line, 0x0b);
            break;
        case 0x13:
            o->counts.stops++;
            line->started = false;
            if (line->told != line->vr)
                put_supervisory(o, line);
            put_control(line, 0x23);
            break;
        case 0x43:
            o->counts.tests++;
            if (!o->faults.never_tests)
                put_control(line, 0x83);
            break;
        case 0x83:
            line->testing = false;
            break;
        default:
            line->given_up = true;
    }
}

static void take_acknowledged(Line *line, unsigned nr)
{
    if ((nr + HALF - line->ack) % HALF > open_frames(line))
        line->given_up = true;
    line->ack = nr;
    line->oldest_sent = line->now;  // generous: it begins again with each acknowledgement
}

static void take_frame(Outstation *o, Line *line, const uint8_t *frame, size_t size, int64_t utc)
{
    line->heard = line->now;
    if ((frame[2] & 3) == 3) {
        take_function(o, line, frame[2]);
        return;
    }
    if (o->faults.never_acknowledges)
        return;
    take_acknowledged(line, (frame[4] >> 1) | frame[5] << 7);
    if (frame[2] & 1) {
        o->counts.supervisory++;
        return;
    }
    o->counts.information++;
    if (!line->started || (unsigned)(frame[2] >> 1 | frame[3] << 7) != line->vr) {
        line->given_up = true;
        return;
    }
    if (line->told == line->vr)
        line->oldest_came = line->now;
    line->vr = (line->vr + 1) % HALF;
    take_asdu(o, line, frame + 6, size - 6, utc);
    pump(o, line);
    if ((line->vr + HALF - line->told) % HALF >= o->w)
        put_supervisory(o, line);
}

// Lines

int outstation_connect(Outstation *outstation)
{
    for (int i = 0; i < OUTSTATION_LINES; i++)
        if (!outstation->lines[i].connected) {
            memset(&outstation->lines[i], 0, sizeof outstation->lines[i]);
            outstation->lines[i].connected = true;
            outstation->lines[i].heard = -1;
            return i;
        }
    return -1;
}

void outstation_disconnect(Outstation *outstation, int line)
{
    outstation->lines[line].connected = false;
    for (int i = 0; i < outstation->object_count; i++)
        if (outstation->objects[i].selected_by == line)
            outstation->objects[i].selected = false;
}

void outstation_number(Outstation *outstation, int line, uint16_t number)
{
    Line *const l = &outstation->lines[line];
    l->vs = l->ack = l->vr = l->told = number;
}

bool outstation_is_given_up(const Outstation *outstation, int line)
{
    return outstation->lines[line].given_up;
}

bool outstation_receive(Outstation *outstation, int line, const uint8_t *bytes, size_t count, int64_t now, int64_t utc)
{
    Line *const l = &outstation->lines[line];
    l->now = now;
    for (size_t i = 0; i < count && !l->given_up; i++) {
        l->in[l->in_count++] = bytes[i];
        if (l->in[0] != 0x68)
            l->given_up = true;
        if (l->in_count >= 2 && l->in_count == (size_t)l->in[1] + 2) {
            take_frame(outstation, l, l->in, l->in_count, utc);
            l->in_count = 0;
        }
    }
    return !l->given_up;
}

size_t outstation_collect(Outstation *outstation, int line, uint8_t *out, size_t room, int64_t now)
{
    Line *const l = &outstation->lines[line];
    l->now = now;
    if (l->heard < 0)
        l->heard = now;
    pump(outstation, l);
    if (l->told != l->vr && now - l->oldest_came >= outstation->t2 && !outstation->faults.never_acknowledges)
        put_supervisory(outstation, l);
    if (!l->testing && now - l->heard >= outstation->t3) {
        l->testing = true;
        l->tested = now;
        put_control(l, 0x43);
    }
    if ((l->testing && now - l->tested >= outstation->t1) || (open_frames(l) && now - l->oldest_sent >= outstation->t1))
        l->given_up = true;

    const size_t count = l->out_count < room ? l->out_count : room;
    memcpy(out, l->out, count);
    l->out_count -= count;
    memmove(l->out, l->out + count, l->out_count);
    return count;
}
