/* gate.c -- the way of a command from the wish to its end. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gate/inside.h"

static size_t count_actuators(const TagTable *tags)
{
    size_t count = 0;
    for (TagId tag = 0; tag < tags_count(tags); tag++)
        count += tags_get(tags, tag).role == TAG_ACTUATED;
    return count;
}

static void list_actuators(Gate *gate)
{
    const Plant *const plant = gate->plant;
    for (TagId tag = 0; tag < tags_count(plant->tags); tag++) {
        if (tags_get(plant->tags, tag).role != TAG_ACTUATED)
            continue;
        const Place place = plant_place(plant, tag);
        gate->actuators[gate->actuator_count++] = (Actuator){.tag = tag, .channel = &plant_model(plant, place.twin)->channels[place.channel]};
    }
}

/* Where each rule belongs; rules are by rising tag as actuators are. */
static void set_guards(Gate *gate)
{
    for (size_t i = 0; i < gate->rules.count; i++) {
        const Rule *const rule = &gate->rules.items[i];
        Actuator *const actuator = gate__find(gate, rule->tag);
        assert(actuator);
        gate->guards[i] = (Guard){.rule = rule, .actuator = actuator, .lost = TAG_NONE};
        actuator->guard = &gate->guards[i];
    }
}

Actuator *gate__find(const Gate *gate, TagId tag)
{
    size_t low = 0, high = gate->actuator_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (gate->actuators[middle].tag < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return low < gate->actuator_count && gate->actuators[low].tag == tag ? &gate->actuators[low] : NULL;
}

// Ends.

/* A dry run is remembered apart: it has told the device nothing, which has what it confirmed last. */
static void remember_withheld(const Gate *gate, Actuator *actuator, const Command *command)
{
    if (gate->dry && !command->wish.dry_run)
        actuator->withheld = (Order){command->id, command->wish.value, command->ended};
    if (actuator->rehearsed == command->id)
        actuator->rehearsed = 0;
    if (actuator->last.id == command->id)
        actuator->last = actuator->done;
}

static void remember_end(const Gate *gate, Actuator *actuator, const Command *command)
{
    if (actuator->guard && actuator->guard->verified == command->id)
        actuator->guard->verified = 0;
    if (command->wish.dry_run || command->state == COMMAND_WITHHELD) {
        remember_withheld(gate, actuator, command);
        return;
    }
    if (command->state == COMMAND_DONE && command->id > actuator->done.id)
        actuator->done = (Order){command->id, command->wish.value, command->ended};

    // what failed or expired may be asked for again at once; what a device refused has not moved it
    if (command->state != COMMAND_DONE && actuator->last.id == command->id)
        actuator->last = (Order){0};
    if (command->state == COMMAND_FAILED && actuator->given.id == command->id)
        actuator->given = actuator->done;
}

void gate__end(Gate *gate, Command *command, CommandState state, int64_t now, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command->detail, sizeof command->detail, format, arguments);
    va_end(arguments);
    command->state = state;
    command->ended = now;
    assert(command_has_ended(command));

    trials__forget(gate->trials, command);
    ledger_end(&gate->ledger, command);
    Actuator *const actuator = gate__find(gate, command->wish.tag);
    if (actuator)
        remember_end(gate, actuator, command);
}

static const char being_simulated[] = "being simulated", dry_run[] = "dry run: ", would_go[] = "it would be handed over";

static void expire(Gate *gate, Command *command, int64_t now)
{
    const bool sent = command->state == COMMAND_SENT, simulated = strcmp(command->detail, being_simulated) == 0, dry = command->wish.dry_run;
    gate__end(gate, command, dry ? COMMAND_REFUSED : COMMAND_EXPIRED, now, "%s%s", dry ? dry_run : "",
              sent ? "the device did not answer in time" : simulated ? "it was not simulated in time" : "no device was there to take it in time");
}

// Decisions.

static void write_command(Command *command, const CommandWish *wish, int64_t now)
{
    command->wish = *wish;
    command->wish.by[sizeof wish->by - 1] = 0;
    command->wish.reason[sizeof wish->reason - 1] = 0;
    command->time = now;
    command->ended = TIME_NONE;
}

/* A command that is over as soon as it is asked for. */
static uint64_t decide(Gate *gate, const CommandWish *wish, CommandState state, int64_t now, const char *detail)
{
    Command *const command = ledger_note(&gate->ledger);
    if (!command)
        return 0;
    write_command(command, wish, now);
    command->state = state;
    command->deadline = command->ended = now;
    snprintf(command->detail, sizeof command->detail, "%s%.*s", wish->dry_run ? dry_run : "", (int)(sizeof command->detail - sizeof dry_run), detail);
    return command->id;
}

/* Handlers wish anew in every tick: what mode, interlock or fail-safe value deny them for hours, without a pause, is one command. */
static uint64_t refuse(Gate *gate, Actuator *actuator, const CommandWish *wish, int64_t now, Err err, const ErrText *why)
{
    if (!actuator || wish->asker != ASKER_HANDLER || err != ERR_DENIED)
        return decide(gate, wish, COMMAND_REFUSED, now, why->text);
    Refusal *const last = &actuator->refusal;
    const uint64_t hash = hash_bytes(hash_bytes(0, &wish->value, sizeof wish->value), why->text, strlen(why->text));
    const bool is_same = last->id && last->why == hash && now - last->time <= gate->plant->command_timeout_ns;
    *last = (Refusal){is_same ? last->id : decide(gate, wish, COMMAND_REFUSED, now, why->text), hash, now};
    return last->id;
}

void gate__supersede(Gate *gate, uint64_t old, uint64_t by, int64_t now)
{
    Command *const command = ledger_find(&gate->ledger, old);
    if (!command || command->state != COMMAND_WAITING)
        return;
    const bool is_dry = command->wish.dry_run;
    gate__end(gate, command, is_dry ? COMMAND_REFUSED : COMMAND_EXPIRED, now, "%ssuperseded by command %llu", is_dry ? dry_run : "", (unsigned long long)by);
}

static Command *open_command(Gate *gate, const CommandWish *wish, int64_t now)
{
    Command *const command = ledger_add(&gate->ledger);
    if (!command)
        return NULL;
    write_command(command, wish, now);
    command->state = COMMAND_WAITING;
    command->deadline = now + gate->plant->command_timeout_ns;
    return command;
}

Command *gate__accept(Gate *gate, Actuator *actuator, const CommandWish *wish, int64_t now)
{
    Command *const command = open_command(gate, wish, now);
    if (!command)
        return NULL;
    gate__supersede(gate, actuator->rehearsed, command->id, now);
    gate__supersede(gate, actuator->last.id, command->id, now);
    actuator->last = (Order){command->id, wish->value, now};
    actuator->refusal.id = 0;
    return command;
}

/* What would become of a wish: known at once, unless it takes a trial. */
static uint64_t rehearse(Gate *gate, Actuator *actuator, const CommandWish *wish, int64_t now)
{
    if (!trials__concern(gate->trials, wish->tag))
        return decide(gate, wish, COMMAND_WITHHELD, now, would_go);
    char text[COMMAND_TEXT];
    const Command *const last = gate_find(gate, actuator->last.id);
    if (last && last->state == COMMAND_WAITING) {
        snprintf(text, sizeof text, "command %llu is being simulated: ask again when it has ended", (unsigned long long)last->id);
        return decide(gate, wish, COMMAND_REFUSED, now, text);
    }
    const uint64_t before = actuator->rehearsed;
    const Command *const command = open_command(gate, wish, now);
    if (!command)
        return 0;
    gate__supersede(gate, before, command->id, now);
    return actuator->rehearsed = command->id;
}

static Err make(Gate *gate, ErrText *why)
{
    const Err err = rules__read(&gate->rules, gate->plant, why);
    if (err)
        return err;
    gate->dry = gate->rules.dry_run;
    gate->actuators = mem_alloc(count_actuators(gate->plant->tags) * sizeof *gate->actuators);
    gate->guards = mem_alloc((gate->rules.count + 1) * sizeof *gate->guards);
    // what is to make actuators safe finds room though all others have filled theirs
    if (!gate->actuators || !gate->guards || ledger_init(&gate->ledger, sizeof(Command), GATE_OPEN_MAX + gate->rules.count))
        return err_set(why, ERR_MEMORY, "no memory for the gate of plant \"%s\"", gate->plant->name);
    list_actuators(gate);
    set_guards(gate);
    return gate__begin_states(gate) ? err_set(why, ERR_MEMORY, "no memory for the gate of plant \"%s\"", gate->plant->name) : ERR_OK;
}

Err gate_create(const Plant *plant, Gate **out, ErrText *why)
{
    assert(plant);
    *out = NULL;
    Gate *const gate = mem_alloc(sizeof *gate);
    if (!gate)
        return err_set(why, ERR_MEMORY, "no memory for the gate");
    gate->plant = plant;
    gate->stray_logged = gate->beats_logged = gate->interlock_logged = gate->interlock_time = gate->judged_since = TIME_NONE;
    const Err err = make(gate, why);
    if (err)
        gate_destroy(gate);
    else
        *out = gate;
    return err;
}

void gate_destroy(Gate *gate)
{
    if (!gate)
        return;
    trials__destroy(gate->trials);
    ledger_fini(&gate->ledger);
    rules__fini(&gate->rules);
    mem_free(gate->actuators);
    mem_free(gate->guards);
    mem_free(gate->states);
    mem_free(gate);
}

Err gate_simulate(Gate *gate, Desk *desk, bool waits, ErrText *why)
{
    assert(!gate->trials);
    return trials__create(gate->plant, desk, waits, &gate->trials, why);
}

void gate_run_dry(Gate *gate)
{
    gate->dry = true;
}

bool gate_is_dry(const Gate *gate)
{
    return gate->dry;
}

/* The command of what was asked last, where this is the same; 0: it is not. */
static uint64_t find_repeated(const Gate *gate, const Actuator *actuator, const CommandWish *wish)
{
    const Order *const last = gate->dry && actuator->withheld.id > actuator->last.id ? &actuator->withheld : &actuator->last;
    return !wish->dry_run && last->id && last->value == wish->value ? last->id : 0;
}

uint64_t gate_ask(Gate *gate, const CommandWish *wish, int64_t now)
{
    assert(wish->tag < tags_count(gate->plant->tags));
    assert(now != TIME_NONE);
    Actuator *const actuator = gate__find(gate, wish->tag);
    const uint64_t repeated = actuator ? find_repeated(gate, actuator, wish) : 0;
    if (repeated)
        return repeated;

    ErrText why;
    const Err err = gate__check(gate, actuator, wish, now, &why);
    if (err)
        return refuse(gate, actuator, wish, now, err, &why);
    if (wish->dry_run)
        return rehearse(gate, actuator, wish, now);
    const Command *const command = gate__accept(gate, actuator, wish, now);
    return command ? command->id : 0;
}

static void note_stray(Gate *gate, uint64_t id, bool done, int64_t now)
{
    gate->stray++;
    if (gate->stray_logged != TIME_NONE && now - gate->stray_logged < 10 * NS_PER_S)
        return;
    gate->stray_logged = now;
    log_write(LOG_WARNING, "gate", "command %llu was answered (%s) when no answer was awaited; %llu such answers so far", (unsigned long long)id,
              done ? "done" : "failed", (unsigned long long)gate->stray);
}

void gate_answer(Gate *gate, uint64_t id, bool done, const char *detail, int64_t now)
{
    if (gate__is_beat(id)) {
        gate__note_beat(gate, done, detail, now);
        return;
    }
    Command *const command = ledger_find(&gate->ledger, id);
    if (!command || command->state != COMMAND_SENT)
        note_stray(gate, id, done, now);
    else if (!done)
        gate__end(gate, command, COMMAND_FAILED, now, "%s", detail && *detail ? detail : "the device refused it");
    else if (!gate__verify(gate, command, now))
        gate__end(gate, command, COMMAND_DONE, now, "%s", "");
}

static void mark_sent(Gate *gate, Command *command, int64_t now)
{
    command->state = COMMAND_SENT;
    ledger_touch(&gate->ledger, command);
    Actuator *const actuator = gate__find(gate, command->wish.tag);
    assert(actuator);
    gate__supersede_report(gate, actuator, command->id, now);
    actuator->given = (Order){command->id, command->wish.value, now};
}

/* Offer a command to the connectors in their order. */
static void hand_over(Gate *gate, Command *command, const Connector *connectors, size_t connector_count, int64_t now)
{
    if (command->wish.dry_run || gate->dry) {
        gate__end(gate, command, COMMAND_WITHHELD, now, "%s%s", dry_run, command->wish.dry_run ? would_go : "nothing leaves this plant");
        return;
    }
    for (size_t i = 0; i < connector_count; i++) {
        const ConnectorType *const type = connectors[i].type;
        if (!type->send)
            continue;
        const Err err = type->send(connectors[i].self, command);
        if (err == ERR_CLOSED)
            continue;
        if (err == ERR_FULL)
            return;  // it is nobody else's
        if (err)
            gate__end(gate, command, COMMAND_FAILED, now, "%s: %s", type->name, err_name(err));
        else
            mark_sent(gate, command, now);
        return;
    }
}

void gate__say(Gate *gate, Command *command, const char *format, ...)
{
    char detail[COMMAND_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    if (strcmp(command->detail, detail) == 0)
        return;
    memcpy(command->detail, detail, sizeof detail);
    ledger_touch(&gate->ledger, command);
}

static void refuse_open(Gate *gate, Command *command, int64_t now, const ErrText *why)
{
    const char *const prefix = command->wish.dry_run ? dry_run : "";
    gate__end(gate, command, COMMAND_REFUSED, now, "%s%.*s", prefix, (int)(sizeof command->detail - sizeof dry_run), why->text);
}

/* Whether a command that waits may go now; it may be over instead. */
static bool may_go(Gate *gate, Command *command, int64_t now)
{
    const Actuator *const actuator = gate__find(gate, command->wish.tag);
    const bool was_sent = actuator->given.id == command->id;  // before a restart: its device may have done it
    ErrText why;
    if (gate__is_safety(actuator, command))
        return actuator->state->mode != ACTUATOR_BLOCKED;
    if (!was_sent && now > command->time && gate__check_again(gate, actuator, &command->wish, now, &why)) {
        refuse_open(gate, command, now, &why);
        return false;
    }
    switch (trials__judge(gate->trials, command, now, &why)) {
    case TRIAL_OPEN:
        gate__say(gate, command, "%s", being_simulated);
        return false;
    case TRIAL_REFUSED:
        refuse_open(gate, command, now, &why);
        return false;
    case TRIAL_PASSED:
        break;
    }
    gate__say(gate, command, "%s", "");
    return true;
}

void gate_be_patient(Gate *gate, bool patient)
{
    gate->patient = patient;
}

/* Whether a device that was sent a command, or reports what it did, may take its time. */
static bool is_awaited(const Gate *gate, const Command *command)
{
    const Actuator *const actuator = gate__find(gate, command->wish.tag);
    const bool is_verified = actuator && actuator->guard && actuator->guard->verified == command->id;
    return command->state == COMMAND_SENT && (gate->patient || is_verified);
}

void gate_release(Gate *gate, const Connector *connectors, size_t connector_count, int64_t now)
{
    gate__make_safe(gate, now);
    for (Command *command = ledger_next(&gate->ledger, 0), *next; command; command = next) {
        next = ledger_next(&gate->ledger, command->id);
        if (now > command->deadline && !is_awaited(gate, command))
            expire(gate, command, now);
        else if (command->state == COMMAND_WAITING && may_go(gate, command, now))
            hand_over(gate, command, connectors, connector_count, now);
    }
}

void gate_judge(Gate *gate, const Sync *sync, int64_t now)
{
    if (gate->judged_since == TIME_NONE)
        gate->judged_since = now;
    gate__judge_silence(gate, sync, now);
    gate__judge_reports(gate, sync, now);
}

const Command *gate_changed(const Gate *gate, size_t *count)
{
    return ledger_changed(&gate->ledger, count);
}

void gate_settle(Gate *gate)
{
    ledger_settle(&gate->ledger);
}

double gate_told(const Gate *gate, TagId tag)
{
    const Actuator *actuator = gate__find(gate, tag);
    return actuator && actuator->last.id ? actuator->last.value : NAN;
}

const Command *gate_find(const Gate *gate, uint64_t id)
{
    return ledger_find(&gate->ledger, id);
}
