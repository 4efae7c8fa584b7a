/* verify.c -- reading back: what a device says that it has done, held against what it reports. */
#include <math.h>

#include "gate/inside.h"

static const double ROUNDING = 1e-9;  // of the value: what the way over units may leave of it

static Command *find_verified(const Gate *gate, const Guard *guard)
{
    return ledger_find(&gate->ledger, guard->verified);
}

void gate__supersede_report(Gate *gate, const Actuator *actuator, uint64_t by, int64_t now)
{
    Command *const command = actuator->guard ? find_verified(gate, actuator->guard) : NULL;
    if (command && command->id != by)
        gate__end(gate, command, COMMAND_EXPIRED, now, "superseded by command %llu before it was read back", (unsigned long long)by);
}

bool gate__verify(Gate *gate, Command *command, int64_t now)
{
    const Actuator *const actuator = gate__find(gate, command->wish.tag);
    Guard *const guard = actuator ? actuator->guard : NULL;
    if (!guard || guard->rule->read_back.tag == TAG_NONE || actuator->given.id != command->id)
        return false;
    if (guard->verified == command->id)
        return true;  // it was confirmed before
    guard->verified = command->id;
    guard->verified_from = actuator->given.time;
    guard->verified_until = now + guard->rule->read_back.patience_ns;
    gate__say(gate, command, "confirmed; %.80s is being read back", tags_name(gate->plant->tags, guard->rule->read_back.tag).text);
    return true;
}

static void fail(Gate *gate, Command *command, const ReadBack *read_back, bool was_heard, int64_t now)
{
    const TagName tag = tags_name(gate->plant->tags, read_back->tag);
    const ValueText read = gate__value_text(gate->plant, read_back->tag, plant_value(gate->plant, read_back->tag));
    if (was_heard)
        gate__end(gate, command, COMMAND_FAILED, now, "confirmed, but %.60s reads %s", tag.text, read.text);
    else
        gate__end(gate, command, COMMAND_FAILED, now, "confirmed, but %.60s was not heard since", tag.text);
}

/* A sample from before the command was handed over says nothing of it. */
static void judge(Gate *gate, const Guard *guard, Command *command, const Sync *sync, int64_t now)
{
    Quality quality;
    const ReadBack *const read_back = &guard->rule->read_back;
    const int64_t heard = sync_sample_time(sync, read_back->tag, &quality);
    const bool was_heard = heard != TIME_NONE && heard > guard->verified_from;
    const double off = fabs(plant_value(gate->plant, read_back->tag) - command->wish.value);
    if (was_heard && off <= read_back->within + ROUNDING * fabs(command->wish.value))
        gate__end(gate, command, COMMAND_DONE, now, "%s", "");
    else if (now >= guard->verified_until)
        fail(gate, command, read_back, was_heard, now);
}

void gate__judge_reports(Gate *gate, const Sync *sync, int64_t now)
{
    for (size_t i = 0; i < gate->rules.count; i++) {
        Command *const command = find_verified(gate, &gate->guards[i]);
        if (command)
            judge(gate, &gate->guards[i], command, sync, now);
    }
}
