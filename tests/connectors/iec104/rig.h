/* rig.h -- a controlling station and an outstation on one bench: a line without a socket, and a clock that is turned by hand. */
#pragma once

#include <stdio.h>

#include "connectors/iec104/master.h"
#include "connectors/iec104/outstation.h"
#include "kit/kit.h"

enum { RIG_EVENTS = 4096 };

typedef struct RigEvent {
    MasterEventKind kind;
    AsduType type;
    AsduCause cause;
    uint16_t station;
    uint32_t address;
    double number;
    uint8_t quality;
    int64_t time;  // TIME_NONE: without one
    uint64_t command;
    bool done;
    char text[MASTER_TEXT];
} RigEvent;

typedef struct Rig {
    Master master;
    Outstation *outstation;
    int line;
    int64_t now;            // elapsed
    bool is_slow;           // bytes come one by one
    bool is_cut;            // what the outstation sends does not come
    RigEvent events[RIG_EVENTS];
    size_t count;
} Rig;

enum { RIG_UTC = 1767225600 };  // 2026-01-01, at elapsed 0

static inline MasterTime rig_time(const Rig *rig)
{
    return (MasterTime){rig->now, RIG_UTC * NS_PER_S + rig->now};
}

/* The standard's own windows and timers; station 1. */
static inline MasterDef rig_def(void)
{
    static const uint16_t stations[] = {1};
    return (MasterDef){
        .transfer = {.t1_ns = 15 * NS_PER_S, .t2_ns = 10 * NS_PER_S, .t3_ns = 20 * NS_PER_S, .k = 12, .w = 8},
        .stations = stations,
        .station_count = 1,
        .answer_ns = 10 * NS_PER_S,
    };
}

static inline Rig *rig_create(const MasterDef *def)
{
    Rig *rig = mem_alloc(sizeof *rig);
    master_init(&rig->master, def);
    rig->outstation = outstation_create(12, 8, 15 * NS_PER_S, 10 * NS_PER_S, 20 * NS_PER_S);
    rig->line = -1;
    return rig;
}

static inline void rig_destroy(Rig *rig)
{
    outstation_destroy(rig->outstation);
    mem_free(rig);
}

static inline void rig_note(Rig *rig, const MasterEvent *event)
{
    ck_assert_uint_lt(rig->count, RIG_EVENTS);
    RigEvent *const note = &rig->events[rig->count++];
    *note = (RigEvent){.kind = event->kind,
                       .type = event->type,
                       .cause = event->cause,
                       .station = event->station,
                       .address = event->object.address,
                       .number = event->object.number,
                       .quality = event->object.quality,
                       .time = TIME_NONE,
                       .command = event->command,
                       .done = event->done};
    if (event->object.time && !cp56_read(event->object.time, rig_time(rig).utc, 0, &note->time))
        note->time = TIME_NONE;
    if (event->text)
        snprintf(note->text, sizeof note->text, "%s", event->text);
}

static inline void rig_events(Rig *rig)
{
    for (MasterEvent event; (event = master_next(&rig->master, rig_time(rig))).kind;)
        rig_note(rig, &event);
}

static inline void rig_give(Rig *rig, const uint8_t *bytes, size_t count)
{
    for (size_t at = 0; at < count;) {
        const size_t part = rig->is_slow ? 1 : count - at;
        transfer_put(&rig->master.transfer, bytes + at, part);
        rig_events(rig);
        at += part;
    }
}

/* What lies on the line goes to its other end, until nothing does. */
static inline void rig_carry(Rig *rig)
{
    uint8_t bytes[TRANSFER_IN];
    for (bool moves = true; moves && rig->line >= 0;) {
        master_look(&rig->master, rig_time(rig));
        rig_events(rig);
        Transfer *const transfer = &rig->master.transfer;
        const size_t up = transfer->out_size;
        outstation_receive(rig->outstation, rig->line, transfer->out, up, rig->now, rig_time(rig).utc);
        transfer_wrote(transfer, up);
        const size_t down = outstation_collect(rig->outstation, rig->line, bytes, transfer_room(transfer), rig->now);
        if (!rig->is_cut)
            rig_give(rig, bytes, down);
        moves = up || down;
    }
}

static inline void rig_connect(Rig *rig)
{
    rig->line = outstation_connect(rig->outstation);
    master_open(&rig->master, rig_time(rig));
    rig_carry(rig);
}

static inline void rig_cut(Rig *rig)
{
    outstation_disconnect(rig->outstation, rig->line);
    rig->line = -1;
    master_close(&rig->master);
    rig_events(rig);
}

/* Turn the clock in steps of 100 ms. */
static inline void rig_pass(Rig *rig, double seconds)
{
    const int64_t end = rig->now + (int64_t)(seconds * 1e9);
    while (rig->now < end) {
        rig->now += NS_PER_S / 10;
        rig_carry(rig);
    }
}

static inline size_t rig_count(const Rig *rig, MasterEventKind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->count; i++)
        count += rig->events[i].kind == kind;
    return count;
}

/* The `n`-th event of a kind, from 0. */
static inline const RigEvent *rig_event(const Rig *rig, MasterEventKind kind, size_t n)
{
    for (size_t i = 0; i < rig->count; i++)
        if (rig->events[i].kind == kind && n-- == 0)
            return &rig->events[i];
    ck_abort_msg("there are fewer events of kind %d", kind);
    return NULL;
}

/* Nothing, or why the transfer ended. */
static inline const char *rig_broken(const Rig *rig)
{
    return rig_count(rig, MASTER_BROKEN) ? rig_event(rig, MASTER_BROKEN, 0)->text : "";
}
