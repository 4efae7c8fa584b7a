/* gate.c -- the checks of a wish, and the way of a command to its end. */
#include "gate/gate.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gate/trial.h"

/* What an actuator was told. */
typedef struct Order {
    uint64_t id;  // 0: nothing yet
    double value;
    int64_t time;
} Order;

typedef struct Actuator {
    TagId tag;
    const Channel *channel;
    Order last;   // that passed the gate and has not failed or expired since: what a wish is compared with
    Order given;  // that was handed to a device and has not failed since: what its rate of change is measured from
    Order done;   // that a device confirmed
} Actuator;

struct Gate {
    const Plant *plant;
    Ledger ledger;
    Actuator *actuators;  // by rising tag
    size_t actuator_count;
    Trials *trials;  // NULL: nothing is simulated first
    uint64_t stray;        // answers that came too late or to nothing
    int64_t stray_logged;  // plant time, TIME_NONE
    bool patient;  // commands that were sent are not ended at their deadline
};

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

static Actuator *find_actuator(const Gate *gate, TagId tag)
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

static void remember_end(Actuator *actuator, const Command *command)
{
    if (command->state == COMMAND_DONE && command->id > actuator->done.id)
        actuator->done = (Order){command->id, command->wish.value, command->ended};

    // what failed or expired may be asked for again at once; what a device refused has not moved it
    if (command->state != COMMAND_DONE && actuator->last.id == command->id)
        actuator->last = (Order){0};
    if (command->state == COMMAND_FAILED && actuator->given.id == command->id)
        actuator->given = actuator->done;
}

__attribute__((format(printf, 5, 6))) static void end(Gate *gate, Command *command, CommandState state, int64_t now, const char *format, ...)
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
    Actuator *const actuator = find_actuator(gate, command->wish.tag);
    if (actuator)
        remember_end(actuator, command);
}

static const char being_simulated[] = "being simulated";

static void expire(Gate *gate, Command *command, int64_t now)
{
    const bool sent = command->state == COMMAND_SENT, simulated = strcmp(command->detail, being_simulated) == 0;
    end(gate, command, COMMAND_EXPIRED, now, "%s",
        sent ? "the device did not answer in time" : simulated ? "it was not simulated in time" : "no device was there to take it in time");
}

// Checks: each says what is wrong.

typedef struct ValueText {
    char text[64];
} ValueText;

/* "42 degC" */
static ValueText number_text(const Unit *unit, double number)
{
    const bool plain = unit == unit_one();
    ValueText out;
    snprintf(out.text, sizeof out.text, "%.6g%s%.32s", number, plain ? "" : " ", plain ? "" : unit_name(unit));
    return out;
}

static ValueText value_text(const Tag *tag, double si)
{
    return number_text(tag->unit, unit_from_si(tag->unit, si));
}

static Err check_range(const Tag *tag, const Channel *channel, double value, ErrText *why)
{
    if (value > channel->max)
        return err_set(why, ERR_RANGE, "%s.%s: %s is above its maximum %s", tag->asset, tag->channel, value_text(tag, value).text, value_text(tag, channel->max).text);
    if (value < channel->min)
        return err_set(why, ERR_RANGE, "%s.%s: %s is below its minimum %s", tag->asset, tag->channel, value_text(tag, value).text, value_text(tag, channel->min).text);
    return ERR_OK;
}

static Err check_rate(const Tag *tag, const Actuator *actuator, double value, int64_t now, ErrText *why)
{
    const Order *const given = &actuator->given;
    if (!given->id)
        return ERR_OK;
    const double rate_max = actuator->channel->rate_max;
    const double elapsed = fmax(0.0, (double)(now - given->time) / (double)NS_PER_S);
    if (!isfinite(rate_max) || fabs(value - given->value) <= rate_max * elapsed)
        return ERR_OK;
    return err_set(why, ERR_RANGE, "%s.%s: from %s to %s in %.3g s is faster than its maximum %s per s", tag->asset, tag->channel, value_text(tag, given->value).text,
                   value_text(tag, value).text, elapsed, number_text(tag->unit, unit_scale_from_si(tag->unit, rate_max)).text);
}

static Err check_wish(const Gate *gate, const Actuator *actuator, const CommandWish *wish, int64_t now, ErrText *why)
{
    const Tag tag = tags_get(gate->plant->tags, wish->tag);
    if (!actuator)
        return err_set(why, ERR_UNKNOWN, "%s.%s is not an actuator", tag.asset, tag.channel);
    if (!isfinite(wish->value))
        return err_set(why, ERR_RANGE, "%s.%s: a finite number was expected", tag.asset, tag.channel);
    Err err = check_range(&tag, actuator->channel, wish->value, why);
    if (!err)
        err = check_rate(&tag, actuator, wish->value, now, why);
    if (err)
        return err;

    // one that waits is about to be superseded, which makes room
    const Command *const last = gate_find(gate, actuator->last.id);
    if (!ledger_room(&gate->ledger) && !(last && last->state == COMMAND_WAITING))
        return err_set(why, ERR_FULL, "%s.%s: %d commands have not ended yet, no more are taken", tag.asset, tag.channel, GATE_OPEN_MAX);
    return ERR_OK;
}

static void write_command(Command *command, const CommandWish *wish, int64_t now)
{
    command->wish = *wish;
    command->wish.by[sizeof wish->by - 1] = 0;
    command->wish.reason[sizeof wish->reason - 1] = 0;
    command->time = now;
    command->ended = TIME_NONE;
}

static uint64_t refuse(Gate *gate, const CommandWish *wish, int64_t now, const ErrText *why)
{
    Command *const command = ledger_note(&gate->ledger);
    if (!command)
        return 0;
    write_command(command, wish, now);
    command->state = COMMAND_REFUSED;
    command->deadline = command->ended = now;
    snprintf(command->detail, sizeof command->detail, "%.*s", (int)sizeof command->detail - 1, why->text);
    return command->id;
}

/* What is newer replaces what has not gone out yet: the device must not see the older one after it. */
static void supersede(Gate *gate, uint64_t old, uint64_t by, int64_t now)
{
    Command *const command = ledger_find(&gate->ledger, old);
    if (command && command->state == COMMAND_WAITING)
        end(gate, command, COMMAND_EXPIRED, now, "superseded by command %llu", (unsigned long long)by);
}

static uint64_t accept(Gate *gate, Actuator *actuator, const CommandWish *wish, int64_t now)
{
    Command *const command = ledger_add(&gate->ledger);
    if (!command)
        return 0;
    write_command(command, wish, now);
    command->state = COMMAND_WAITING;
    command->deadline = now + gate->plant->command_timeout_ns;
    supersede(gate, actuator->last.id, command->id, now);
    actuator->last = (Order){command->id, wish->value, now};
    return command->id;
}

Err gate_create(const Plant *plant, Gate **out)
{
    assert(plant);
    *out = NULL;
    Gate *const gate = mem_alloc(sizeof *gate);
    if (!gate)
        return ERR_MEMORY;
    gate->plant = plant;
    gate->stray_logged = TIME_NONE;
    gate->actuators = mem_alloc(count_actuators(plant->tags) * sizeof *gate->actuators);
    if (!gate->actuators || ledger_init(&gate->ledger, sizeof(Command), GATE_OPEN_MAX)) {
        gate_destroy(gate);
        return ERR_MEMORY;
    }
    list_actuators(gate);
    *out = gate;
    return ERR_OK;
}

void gate_destroy(Gate *gate)
{
    if (!gate)
        return;
    trials__destroy(gate->trials);
    ledger_fini(&gate->ledger);
    mem_free(gate->actuators);
    mem_free(gate);
}

Err gate_simulate(Gate *gate, Desk *desk, bool waits, ErrText *why)
{
    assert(!gate->trials);
    return trials__create(gate->plant, desk, waits, &gate->trials, why);
}

uint64_t gate_ask(Gate *gate, const CommandWish *wish, int64_t now)
{
    assert(wish->tag < tags_count(gate->plant->tags));
    assert(now != TIME_NONE);
    Actuator *const actuator = find_actuator(gate, wish->tag);
    if (actuator && actuator->last.id && actuator->last.value == wish->value)
        return actuator->last.id;

    ErrText why;
    return check_wish(gate, actuator, wish, now, &why) ? refuse(gate, wish, now, &why) : accept(gate, actuator, wish, now);
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
    Command *const command = ledger_find(&gate->ledger, id);
    if (!command || command->state != COMMAND_SENT)
        note_stray(gate, id, done, now);
    else if (done)
        end(gate, command, COMMAND_DONE, now, "%s", "");
    else
        end(gate, command, COMMAND_FAILED, now, "%s", detail && *detail ? detail : "the device refused it");
}

static void mark_sent(Gate *gate, Command *command, int64_t now)
{
    command->state = COMMAND_SENT;
    ledger_touch(&gate->ledger, command);
    Actuator *const actuator = find_actuator(gate, command->wish.tag);
    assert(actuator);
    actuator->given = (Order){command->id, command->wish.value, now};
}

/* Offer a command to the connectors in their order. */
static void hand_over(Gate *gate, Command *command, const Connector *connectors, size_t connector_count, int64_t now)
{
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
            end(gate, command, COMMAND_FAILED, now, "%s: %s", type->name, err_name(err));
        else
            mark_sent(gate, command, now);
        return;
    }
}

static void say(Gate *gate, Command *command, const char *detail)
{
    if (strcmp(command->detail, detail) == 0)
        return;
    snprintf(command->detail, sizeof command->detail, "%s", detail);
    ledger_touch(&gate->ledger, command);
}

/* Whether a command that waits may go now; it may be over instead. */
static bool may_go(Gate *gate, Command *command, int64_t now)
{
    ErrText why;
    switch (trials__judge(gate->trials, command, now, &why)) {
    case TRIAL_OPEN:
        say(gate, command, being_simulated);
        return false;
    case TRIAL_REFUSED:
        end(gate, command, COMMAND_REFUSED, now, "%.*s", (int)sizeof command->detail - 1, why.text);
        return false;
    case TRIAL_PASSED:
        break;
    }
    say(gate, command, "");
    return true;
}

void gate_be_patient(Gate *gate, bool patient)
{
    gate->patient = patient;
}

void gate_release(Gate *gate, const Connector *connectors, size_t connector_count, int64_t now)
{
    for (Command *command = ledger_next(&gate->ledger, 0), *next; command; command = next) {
        next = ledger_next(&gate->ledger, command->id);
        const bool awaited = gate->patient && command->state == COMMAND_SENT;
        if (now > command->deadline && !awaited)
            expire(gate, command, now);
        else if (command->state == COMMAND_WAITING && may_go(gate, command, now))
            hand_over(gate, command, connectors, connector_count, now);
    }
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
    const Actuator *actuator = find_actuator(gate, tag);
    return actuator && actuator->last.id ? actuator->last.value : NAN;
}

const Command *gate_find(const Gate *gate, uint64_t id)
{
    return ledger_find(&gate->ledger, id);
}

static const char no_actuator[] = "its tag is no longer that of an actuator";

/* A command that had not ended: it waits (again), unless nothing of that name can be moved any more. */
static void reopen(Gate *gate, const Actuator *actuator, const Command *kept)
{
    Command *const command = ledger_adopt(&gate->ledger, kept);
    if (!command) {
        log_write(LOG_WARNING, "gate", "command %llu cannot be taken up again", (unsigned long long)kept->id);
        return;
    }
    if (command->state == COMMAND_SENT) {
        trials__pass(gate->trials, command);
        command->state = COMMAND_WAITING;
        ledger_touch(&gate->ledger, command);
    }
    if (!actuator)
        end(gate, command, COMMAND_EXPIRED, command->deadline, "%s", no_actuator);
}

void gate_recall(Gate *gate, const Command *command)
{
    gate_number_from(gate, command->id);
    if (command->state == COMMAND_REFUSED)
        return;
    Actuator *const actuator = find_actuator(gate, command->wish.tag);
    if (actuator)
        supersede(gate, actuator->last.id, command->id, command->time);
    if (!command_has_ended(command))
        reopen(gate, actuator, command);
    if (!actuator)
        return;

    const bool done = command->state == COMMAND_DONE;
    const Order order = {command->id, command->wish.value, done ? command->ended : command->time};
    actuator->last = done || !command_has_ended(command) ? order : (Order){0};
    if (done)
        actuator->done = order;
    if (done || command->state == COMMAND_SENT)
        actuator->given = order;
}

void gate_number_from(Gate *gate, uint64_t id)
{
    ledger_number_from(&gate->ledger, id);
}

static void succeed_command(Gate *gate, const Command *before, TagId tag)
{
    Command command = *before;
    command.wish.tag = tag;
    const Command *const adopted = ledger_adopt(&gate->ledger, &command);
    assert(adopted);  // it has the room of the other
    (void)adopted;
}

void gate_succeed(Gate *gate, const Gate *before, const Lineage *lineage, int64_t now,
                  void (*gone)(void *self, const Command *command, const char *tag), void *self)
{
    size_t count;
    const Command *const open = ledger_open(&before->ledger, &count);
    for (size_t i = 0; i < count; i++) {
        const TagId tag = lineage_tag(lineage, open[i].wish.tag);
        if (tag != TAG_NONE && find_actuator(gate, tag)) {
            succeed_command(gate, &open[i], tag);
            continue;
        }
        Command ended = open[i];
        ended.state = COMMAND_EXPIRED;
        ended.ended = now;
        snprintf(ended.detail, sizeof ended.detail, "%s", no_actuator);
        gone(self, &ended, tags_name(before->plant->tags, ended.wish.tag).text);
    }

    for (size_t i = 0; i < before->actuator_count; i++) {
        const Actuator *const from = &before->actuators[i];
        const TagId tag = lineage_tag(lineage, from->tag);
        Actuator *const to = tag == TAG_NONE ? NULL : find_actuator(gate, tag);
        if (to)
            to->last = from->last, to->given = from->given, to->done = from->done;
    }
    gate_number_from(gate, before->ledger.last_id);
    gate->stray = before->stray;
    gate->stray_logged = before->stray_logged;
}
