#include "connectors/iec104/master.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RETRY_S = 60 };  // a routine that was not answered, where it is not periodic

typedef struct Routine {
    AsduType type;
    double number;
    bool at_start;
    bool terminates;
} Routine;

static const Routine routines[MASTER_ROUTINES] = {
    [MASTER_SYNCHRONISE] = {ASDU_C_CS_NA, 0, true, false},
    [MASTER_INTERROGATE] = {ASDU_C_IC_NA, ASDU_QOI_STATION, true, true},
    [MASTER_COUNTERS] = {ASDU_C_CI_NA, ASDU_QCC_ALL, true, true},
    [MASTER_TEST] = {ASDU_C_TS_TA, 0, false, false},
};

void master_init(Master *master, const MasterDef *def)
{
    assert(def->station_count <= MASTER_STATIONS);
    memset(master, 0, sizeof *master);
    master->def = *def;
    if (def->station_count)
        memcpy(master->stations, def->stations, def->station_count * sizeof *def->stations);
    master->def.stations = master->stations;
    transfer_init(&master->transfer, &def->transfer);
}

__attribute__((format(printf, 2, 3))) static void refuse(Master *master, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(master->text, sizeof master->text, format, arguments);
    va_end(arguments);
    master->is_refused = true;
}

static void send_request(Master *master, AsduRequest request, MasterTime now, uint8_t asdu[static APCI_ASDU_MAX])
{
    request.originator = master->def.originator;
    request.time = now.utc;
    request.zone_ns = master->def.zone_ns;
    const size_t size = asdu_write(&request, asdu);
    assert(size);
    transfer_send(&master->transfer, asdu, size, now.elapsed);
}

// Routines

static bool is_wanted(const Master *master, MasterRoutine routine)
{
    return routine == MASTER_INTERROGATE || master->def.periods_ns[routine] > 0;
}

/* All routines of a station that run at its start are due. */
static void begin_routines(Master *master, size_t station, int64_t now)
{
    for (MasterRoutine routine = 0; routine < MASTER_ROUTINES; routine++) {
        const int64_t first = routines[routine].at_start ? now : now + master->def.periods_ns[routine];
        master->runs[station][routine] = (MasterRun){.due = is_wanted(master, routine) ? first : INT64_MAX, .answer_by = INT64_MAX};
    }
}

static void ask_routine(Master *master, size_t station, MasterRoutine routine, MasterTime now)
{
    MasterRun *const run = &master->runs[station][routine];
    const int64_t period = master->def.periods_ns[routine];
    *run = (MasterRun){.due = period > 0 ? now.elapsed + period : INT64_MAX, .answer_by = now.elapsed + master->def.answer_ns};

    uint8_t asdu[APCI_ASDU_MAX];
    const double number = routine == MASTER_TEST ? master->tests++ : routines[routine].number;
    send_request(master, (AsduRequest){.type = routines[routine].type, .cause = ASDU_ACT, .station = master->stations[station], .number = number}, now, asdu);
}

/* It was to no avail: again when its period is over, or where it has none after a while. */
static void put_off(MasterRun *run, int64_t now)
{
    run->answer_by = INT64_MAX;
    run->confirmed = false;
    if (run->due == INT64_MAX)
        run->due = now + RETRY_S * NS_PER_S;
}

static void miss_routine(Master *master, size_t station, MasterRoutine routine, int64_t now)
{
    MasterRun *const run = &master->runs[station][routine];
    if (routine == MASTER_TEST) {
        transfer_break(&master->transfer, "station %u does not answer the test command", master->stations[station]);
        return;
    }
    refuse(master, "station %u: no %s of %s within %" PRId64 " s", master->stations[station], run->confirmed ? "termination" : "confirmation",
           asdu_type_name(routines[routine].type), master->def.answer_ns / NS_PER_S);
    put_off(run, now);
}

static bool is_asked(const MasterRun *run)
{
    return run->answer_by != INT64_MAX;
}

/* A station is asked for one thing at a time: its clock is right before it tells values. */
static bool is_busy(const MasterRun runs[static MASTER_ROUTINES])
{
    for (MasterRoutine routine = 0; routine < MASTER_ROUTINES; routine++)
        if (is_asked(&runs[routine]))
            return true;
    return false;
}

/* What is due is asked for, and what was not answered is noted; when to look again. */
static int64_t look_at_routines(Master *master, MasterTime now)
{
    int64_t next = INT64_MAX;
    for (size_t station = 0; station < master->def.station_count; station++)
        for (MasterRoutine routine = 0; routine < MASTER_ROUTINES; routine++) {
            MasterRun *const run = &master->runs[station][routine];
            if (is_asked(run) && now.elapsed >= run->answer_by)
                miss_routine(master, station, routine, now.elapsed);
            else if (now.elapsed >= run->due && !is_busy(master->runs[station]) && transfer_can_send(&master->transfer))
                ask_routine(master, station, routine, now);

            // one that is due and cannot be asked for yet waits for what will come
            const int64_t due = is_asked(run) ? run->answer_by : run->due;
            if (due > now.elapsed && due < next)
                next = due;
        }
    return next;
}

static size_t find_station(const Master *master, uint16_t address)
{
    size_t station = 0;
    while (station < master->def.station_count && master->stations[station] != address)
        station++;
    return station;
}

static bool is_negative(const Asdu *asdu)
{
    return asdu->negative || asdu->cause >= ASDU_UNKNOWN_TYPE;
}

static void answer_routine(Master *master, MasterRun *run, const Routine *routine, const Asdu *asdu, int64_t now)
{
    if (!is_asked(run))
        return;
    if (is_negative(asdu)) {
        refuse(master, "station %u answers %s with \"%s\"%s", asdu->station, asdu_type_name(asdu->type), asdu_cause_name(asdu->cause),
               asdu->negative ? " (negative)" : "");
        put_off(run, now);
    } else if (asdu->cause == ASDU_ACT_CON && routine->terminates) {
        run->confirmed = true;
        run->answer_by = now + master->def.answer_ns;
    } else if (asdu->cause == ASDU_ACT_CON || asdu->cause == ASDU_ACT_TERM)
        run->answer_by = INT64_MAX;
}

static void take_system(Master *master, const Asdu *asdu, int64_t now)
{
    const size_t station = find_station(master, asdu->station);
    if (station == master->def.station_count) {
        refuse(master, "%s of station %u, which nothing is bound to", asdu_type_name(asdu->type), asdu->station);
        return;
    }
    if (asdu->type == ASDU_M_EI_NA)
        begin_routines(master, station, now);
    for (MasterRoutine routine = 0; routine < MASTER_ROUTINES; routine++)
        if (routines[routine].type == asdu->type)
            answer_routine(master, &master->runs[station][routine], &routines[routine], asdu, now);
}

/* While what was asked for comes, its end may take its time. */
static void extend_interrogation(Master *master, const Asdu *asdu, int64_t now)
{
    const size_t station = find_station(master, asdu->station);
    if (station == master->def.station_count || asdu->cause < ASDU_INTERROGATED)
        return;
    MasterRun *const run = &master->runs[station][asdu->cause < ASDU_COUNTERS ? MASTER_INTERROGATE : MASTER_COUNTERS];
    if (is_asked(run))
        run->answer_by = now + master->def.answer_ns;
}

// Commands

__attribute__((format(printf, 3, 4))) static void end_command(MasterSlot *slot, bool done, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(slot->text, sizeof slot->text, format, arguments);
    va_end(arguments);
    slot->done = done;
    slot->phase = PHASE_ENDED;
}

static bool is_active(const MasterSlot *slot)
{
    return slot->phase > PHASE_WAITING && slot->phase < PHASE_ENDED;
}

static bool is_same_object(const MasterCommand *a, const MasterCommand *b)
{
    return a->station == b->station && a->address == b->address;
}

/* Whether a command that came before has to do with the same object. */
static bool must_wait(const Master *master, const MasterSlot *slot)
{
    for (size_t i = 0; i < MASTER_COMMANDS; i++) {
        const MasterSlot *const other = &master->slots[i];
        if (other->phase != PHASE_FREE && other->phase != PHASE_ENDED && other->order < slot->order && is_same_object(&other->command, &slot->command))
            return true;
    }
    return false;
}

static void send_command(Master *master, MasterSlot *slot, AsduCause cause, bool select, MasterTime now)
{
    const MasterCommand *const command = &slot->command;
    const AsduRequest request = {
        .type = command->type, .cause = cause, .station = command->station, .address = command->address, .number = command->number, .select = select};
    uint8_t asdu[APCI_ASDU_MAX];
    send_request(master, request, now, asdu);
    memcpy(slot->element, asdu + ASDU_ELEMENT_AT, sizeof slot->element);
    slot->answer_by = now.elapsed + master->def.answer_ns;
}

/* The station forgets what was selected. */
static void cancel_selection(Master *master, MasterSlot *slot, MasterTime now)
{
    if (transfer_can_send(&master->transfer))
        send_command(master, slot, ASDU_DEACT, true, now);
}

static void begin_command(Master *master, MasterSlot *slot, MasterTime now)
{
    send_command(master, slot, ASDU_ACT, slot->command.select, now);
    slot->phase = slot->command.select ? PHASE_SELECTING : PHASE_EXECUTING;
}

static void execute_selected(Master *master, MasterSlot *slot, MasterTime now)
{
    send_command(master, slot, ASDU_ACT, false, now);
    slot->phase = PHASE_EXECUTING;
}

static void miss_answer(Master *master, MasterSlot *slot, MasterTime now)
{
    const int64_t seconds = master->def.answer_ns / NS_PER_S;
    if (slot->phase == PHASE_SELECTING) {
        cancel_selection(master, slot, now);
        end_command(slot, false, "the selection was not confirmed within %" PRId64 " s", seconds);
    } else
        end_command(slot, false, "no %s within %" PRId64 " s: it may have been carried out",
                    slot->phase == PHASE_CONFIRMED ? "termination" : "confirmation", seconds);
}

static void look_at_command(Master *master, MasterSlot *slot, MasterTime now)
{
    const bool is_to_be_sent = slot->phase == PHASE_WAITING || slot->phase == PHASE_SELECTED;
    if (!is_to_be_sent) {
        if (now.elapsed >= slot->answer_by)
            miss_answer(master, slot, now);
        return;
    }
    if (now.elapsed >= slot->command.limit) {
        if (slot->phase == PHASE_SELECTED)
            cancel_selection(master, slot, now);
        end_command(slot, false, "its time was over before it could be executed");
        return;
    }
    if (!transfer_can_send(&master->transfer) || (slot->phase == PHASE_WAITING && must_wait(master, slot)))
        return;
    if (slot->phase == PHASE_WAITING)
        begin_command(master, slot, now);
    else
        execute_selected(master, slot, now);
}

static int64_t look_at_commands(Master *master, MasterTime now)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < MASTER_COMMANDS; i++) {
        MasterSlot *const slot = &master->slots[i];
        if (slot->phase == PHASE_FREE || slot->phase == PHASE_ENDED)
            continue;
        look_at_command(master, slot, now);
        const int64_t due = slot->phase == PHASE_WAITING || slot->phase == PHASE_SELECTED ? slot->command.limit : slot->answer_by;
        if (slot->phase != PHASE_ENDED && due < next)
            next = due;
    }
    return next;
}

static void confirm_command(Master *master, MasterSlot *slot, const AsduObject *object, MasterTime now)
{
    if (memcmp(object->element, slot->element, object->element_size) != 0)
        end_command(slot, false, "the station confirmed something else than was sent");
    else if (slot->phase == PHASE_SELECTING) {
        slot->phase = PHASE_SELECTED;
        look_at_command(master, slot, now);
    } else if (slot->command.terminates) {
        slot->phase = PHASE_CONFIRMED;
        slot->answer_by = now.elapsed + master->def.answer_ns;
    } else
        end_command(slot, true, "confirmed");
}

static void answer_command(Master *master, MasterSlot *slot, const Asdu *asdu, const AsduObject *object, MasterTime now)
{
    const char *const step = slot->phase == PHASE_SELECTING ? "selection" : "execution";
    if (asdu->cause >= ASDU_UNKNOWN_TYPE)
        end_command(slot, false, "the station refused the %s: %s", step, asdu_cause_name(asdu->cause));
    else if (asdu->cause == ASDU_ACT_CON && asdu->negative && (slot->phase == PHASE_SELECTING || slot->phase == PHASE_EXECUTING))
        end_command(slot, false, "the station refused the %s", step);
    else if (asdu->cause == ASDU_ACT_CON && (slot->phase == PHASE_SELECTING || slot->phase == PHASE_EXECUTING))
        confirm_command(master, slot, object, now);
    else if (asdu->cause == ASDU_ACT_TERM && (slot->phase == PHASE_EXECUTING || slot->phase == PHASE_CONFIRMED))
        end_command(slot, !asdu->negative, asdu->negative ? "the station broke the command off" : "terminated");
}

static void take_answer(Master *master, const Asdu *asdu, const AsduObject *object, MasterTime now)
{
    for (size_t i = 0; i < MASTER_COMMANDS; i++) {
        MasterSlot *const slot = &master->slots[i];
        const MasterCommand *const command = &slot->command;
        if (is_active(slot) && command->type == asdu->type && command->station == asdu->station && command->address == object->address) {
            answer_command(master, slot, asdu, object, now);
            return;
        }
    }
}

bool master_has_room(const Master *master)
{
    if (!transfer_can_send(&master->transfer))
        return false;
    for (size_t i = 0; i < MASTER_COMMANDS; i++)
        if (master->slots[i].phase == PHASE_FREE)
            return true;
    return false;
}

void master_command(Master *master, const MasterCommand *command, MasterTime now)
{
    assert(asdu_carries(command->type, command->number));
    size_t i = 0;
    while (i < MASTER_COMMANDS && master->slots[i].phase != PHASE_FREE)
        i++;
    assert(i < MASTER_COMMANDS);
    master->slots[i] = (MasterSlot){.phase = PHASE_WAITING, .command = *command, .order = master->ordered++};
    look_at_command(master, &master->slots[i], now);
}

// The whole

void master_open(Master *master, MasterTime now)
{
    master->is_open = true;
    master->asdu.left = 0;
    transfer_open(&master->transfer, now.elapsed);
}

void master_close(Master *master)
{
    master->is_open = false;
    master->asdu.left = 0;
    transfer_init(&master->transfer, &master->def.transfer);
    for (size_t i = 0; i < MASTER_COMMANDS; i++) {
        MasterSlot *const slot = &master->slots[i];
        if (slot->phase == PHASE_WAITING)
            end_command(slot, false, "the connection was lost before it was sent");
        else if (is_active(slot))
            end_command(slot, false, "the connection was lost before %s",
                        slot->phase < PHASE_EXECUTING ? "it was executed" : "its end was told: it may have been carried out");
    }
}

static bool is_process_cause(AsduCause cause)
{
    return (cause >= ASDU_PERIODIC && cause <= ASDU_SPONTANEOUS) || cause == ASDU_REQUESTED || cause == ASDU_RETURN_REMOTE || cause == ASDU_RETURN_LOCAL ||
           (cause >= ASDU_INTERROGATED && cause <= ASDU_COUNTERS_LAST);
}

static void open_asdu(Master *master, const uint8_t *bytes, size_t size, MasterTime now)
{
    Asdu *const asdu = &master->asdu;
    const char *const fault = asdu_open(asdu, bytes, size);
    asdu->left = fault ? 0 : asdu->left;
    if (fault)
        refuse(master, "an ASDU of type %d and station %u is %s", asdu->type, asdu->station, fault);
    else if (asdu->direction == ASDU_SYSTEM) {
        take_system(master, asdu, now.elapsed);
        asdu->left = 0;
    } else if (asdu->direction == ASDU_MONITOR && (asdu->test || !is_process_cause(asdu->cause))) {
        refuse(master, "values of station %u %s %s are not used", asdu->station, asdu->test ? "marked as a test, cause" : "with cause",
               asdu_cause_name(asdu->cause));
        asdu->left = 0;
    } else if (asdu->direction == ASDU_MONITOR)
        extend_interrogation(master, asdu, now.elapsed);
}

/* The next value of the ASDU that is being read; answers to commands are taken on the way. */
static bool next_value(Master *master, MasterTime now, MasterEvent *out)
{
    Asdu *const asdu = &master->asdu;
    AsduObject object;
    while (asdu_next(asdu, &object)) {
        if (asdu->direction == ASDU_CONTROL) {
            take_answer(master, asdu, &object, now);
            continue;
        }
        *out = (MasterEvent){.kind = MASTER_VALUE, .type = asdu->type, .cause = asdu->cause, .station = asdu->station, .object = object};
        return true;
    }
    return false;
}

static bool next_outcome(Master *master, MasterEvent *out)
{
    for (size_t i = 0; i < MASTER_COMMANDS; i++) {
        MasterSlot *const slot = &master->slots[i];
        if (slot->phase == PHASE_ENDED) {
            *out = (MasterEvent){.kind = MASTER_OUTCOME, .command = slot->command.id, .done = slot->done, .text = slot->text};
            slot->phase = PHASE_FREE;
            return true;
        }
    }
    return false;
}

static MasterEvent take_event(Master *master, const TransferEvent *event, MasterTime now)
{
    switch (event->kind) {
        case TRANSFER_START:
            for (size_t station = 0; station < master->def.station_count; station++)
                begin_routines(master, station, now.elapsed);
            return (MasterEvent){.kind = MASTER_STARTED};
        case TRANSFER_ASDU:
            open_asdu(master, event->asdu, event->size, now);
            return (MasterEvent){0};
        case TRANSFER_STOP:
            return (MasterEvent){.kind = MASTER_STOPPED};
        case TRANSFER_BREAK:
            snprintf(master->text, sizeof master->text, "%s", master->transfer.why);
            master_close(master);
            return (MasterEvent){.kind = MASTER_BROKEN, .text = master->text};
        case TRANSFER_NOTHING:
            break;
    }
    return (MasterEvent){0};
}

MasterEvent master_next(Master *master, MasterTime now)
{
    MasterEvent event;
    while (true) {
        if (next_value(master, now, &event) || next_outcome(master, &event))
            return event;
        if (master->is_refused) {
            master->is_refused = false;
            return (MasterEvent){.kind = MASTER_REFUSED, .text = master->text};
        }
        const TransferEvent came = master->is_open ? transfer_next(&master->transfer, now.elapsed) : (TransferEvent){0};
        if (came.kind == TRANSFER_NOTHING)
            return (MasterEvent){0};
        event = take_event(master, &came, now);
        if (event.kind)
            return event;
    }
}

int64_t master_look(Master *master, MasterTime now)
{
    if (!master->is_open)
        return INT64_MAX;
    transfer_look(&master->transfer, now.elapsed);
    int64_t next = transfer_due(&master->transfer);
    if (master->transfer.state == TRANSFER_STARTED) {
        const int64_t routine = look_at_routines(master, now), command = look_at_commands(master, now);
        next = routine < next ? routine : next;
        next = command < next ? command : next;
    }
    return next;
}
