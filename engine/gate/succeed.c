/* succeed.c -- what a gate takes over: commands from the history after a restart, everything from the gate of another version of the script. */
#include <stdio.h>

#include "gate/inside.h"

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
        gate__end(gate, command, COMMAND_EXPIRED, command->deadline, "%s", no_actuator);
}

void gate_recall(Gate *gate, const Command *command)
{
    gate_number_from(gate, command->id);
    if (command->state == COMMAND_REFUSED || command->state == COMMAND_WITHHELD)
        return;
    Actuator *const actuator = gate__find(gate, command->wish.tag);
    if (actuator)
        gate__supersede(gate, actuator->last.id, command->id, command->time);
    if (!command_has_ended(command))
        reopen(gate, actuator, command);
    if (!actuator)
        return;

    const bool done = command->state == COMMAND_DONE;
    const Order order = {command->id, command->wish.value, done ? command->ended : command->time};
    actuator->last = done || !command_has_ended(command) ? order : (Order){0};
    gate__recall_safety(actuator, command);
    if (done)
        actuator->done = order;
    if (done || command->state == COMMAND_SENT)
        actuator->given = order;
}

void gate_number_from(Gate *gate, uint64_t id)
{
    ledger_number_from(&gate->ledger, id);
}

/* False when it has no heir: its tag is no actuator any more, or the other gate had more fail-safe values on their way than this one has room for. */
static bool succeed_command(Gate *gate, const Command *before, TagId tag)
{
    Command command = *before;
    command.wish.tag = tag;
    return tag != TAG_NONE && gate__find(gate, tag) && ledger_adopt(&gate->ledger, &command);
}

/* What is being read back goes on being so; what nobody reads back any more is done, as its device said. */
static void succeed_guard(Gate *gate, Guard *to, const Guard *from, int64_t now)
{
    Command *const verified = ledger_find(&gate->ledger, from->verified);
    if (to) {
        to->safe_command = from->safe_command;
        to->safe_asked = from->safe_asked;
        to->safe_again = from->safe_again;
    }
    if (!verified)
        return;
    if (!to || to->rule->read_back.tag == TAG_NONE) {
        gate__end(gate, verified, COMMAND_DONE, now, "%s", "");
        return;
    }
    to->verified = from->verified;
    to->verified_from = from->verified_from;
    to->verified_until = from->verified_until;
}

static void succeed_actuator(Gate *gate, Actuator *to, const Actuator *from, int64_t now)
{
    to->last = from->last;
    to->given = from->given;
    to->done = from->done;
    to->withheld = from->withheld;
    to->rehearsed = from->rehearsed;
    if (from->guard)
        succeed_guard(gate, to->guard, from->guard, now);
}

void gate_succeed(Gate *gate, const Gate *before, const Lineage *lineage, int64_t now,
                  void (*gone)(void *self, const Command *command, const char *tag), void *self)
{
    size_t count;
    const Command *const open = ledger_open(&before->ledger, &count);
    for (size_t i = 0; i < count; i++) {
        if (succeed_command(gate, &open[i], lineage_tag(lineage, open[i].wish.tag)))
            continue;
        Command ended = open[i];
        ended.state = COMMAND_EXPIRED;
        ended.ended = now;
        snprintf(ended.detail, sizeof ended.detail, "%s", no_actuator);
        gone(self, &ended, tags_name(before->plant->tags, ended.wish.tag).text);
    }

    for (size_t i = 0; i < before->actuator_count; i++) {
        const Actuator *const from = &before->actuators[i];
        const TagId tag = lineage_tag(lineage, from->tag);
        Actuator *const to = tag == TAG_NONE ? NULL : gate__find(gate, tag);
        if (to)
            succeed_actuator(gate, to, from, now);
    }
    gate_number_from(gate, before->ledger.last_id);
    gate->stray = before->stray;
    gate->stray_logged = before->stray_logged;
}
