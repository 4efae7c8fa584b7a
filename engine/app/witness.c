#include "app/witness.h"

#include <stdio.h>

// --- commands ------------------------------------------------------------------------------------------------------

static void note_command(App *app, const Command *command, const char *action, AuditOutcome outcome)
{
    char detail[sizeof((AuditEntry *)0)->detail], value[32];
    const TagName tag = tags_name(app->plant->tags, command->wish.tag);
    const Unit *unit = tags_get(app->plant->tags, command->wish.tag).unit;
    const char *end = command->state == COMMAND_DONE || !command_has_ended(command) ? "" : command->detail;
    snprintf(value, sizeof value, "%.10g", unit_from_si(unit, command->wish.value));  // as it was meant: the way over SI leaves its traces behind that
    snprintf(detail, sizeof detail, "#%llu = %.24s %s%s%.90s%s%.90s", (unsigned long long)command->id, value, command_state_name(command->state),
             *command->wish.reason ? ": " : "", command->wish.reason, *end ? "; " : "", end);
    audit_note(app->audit, &(AuditNote){.who = command->wish.by, .action = action, .target = tag.text, .outcome = outcome, .detail = detail});
}

/* A command that is refused at once is asked for and ends in one. */
static void witness_command(App *app, const Command *command)
{
    const bool is_new = command->id > app->witnessed_command, refused = command->state == COMMAND_REFUSED;
    if (is_new) {
        app->witnessed_command = command->id;
        note_command(app, command, command->wish.dry_run ? "command.dry_run" : "command", refused ? AUDIT_REFUSED : AUDIT_DONE);
    }
    if (command_has_ended(command) && !(is_new && refused))
        note_command(app, command, "command.end", command->state == COMMAND_DONE || command->state == COMMAND_WITHHELD ? AUDIT_DONE : AUDIT_REFUSED);
}

void witness_commands(App *app)
{
    size_t count;
    const Command *commands = gate_changed(app->gate, &count);
    for (size_t i = 0; i < count && !app->replaying; i++)
        if (commands[i].wish.tag < tags_count(app->plant->tags))
            witness_command(app, &commands[i]);
}

// --- people --------------------------------------------------------------------------------------------------------

/* "tank1.overflow #7" where it is known whose alarm it is, otherwise its number. */
static void name_alarm(const AlarmAct *act, char *out, size_t room)
{
    if (*act->name)
        snprintf(out, room, "%s.%s #%llu", act->twin, act->name, (unsigned long long)act->alarm);
    else
        snprintf(out, room, "alarm %llu", (unsigned long long)act->alarm);
}

static void name_actuator(const App *app, const GateAct *act, char *out, size_t room)
{
    snprintf(out, room, "%s", act->tag == TAG_NONE ? "all actuators" : tags_name(app->plant->tags, act->tag).text);
}

/* "mode.manual", "failsafe.hold" */
static const char *gate_action(const GateAct *act)
{
    static const char *const modes[] = {[ACTUATOR_AUTOMATIC] = "mode.automatic", [ACTUATOR_MANUAL] = "mode.manual", [ACTUATOR_BLOCKED] = "mode.blocked"};
    return act->kind == GATE_ACT_MODE ? modes[act->mode] : act->kind == GATE_ACT_HOLD ? "failsafe.hold" : "failsafe.release";
}

static void name_target(const App *app, const ServerAsk *ask, char *out, size_t room)
{
    switch (ask->kind) {
    case SERVER_ASK_ALARM:
        name_alarm(&ask->act, out, room);
        return;
    case SERVER_ASK_ACTUATE:
        snprintf(out, room, "%s", tags_name(app->plant->tags, ask->wish.tag).text);
        return;
    case SERVER_ASK_GATE:
        name_actuator(app, &ask->gate, out, room);
        return;
    case SERVER_ASK_RELOAD:
        snprintf(out, room, "%s", app->plant->name);
        return;
    case SERVER_ASK_TIME:
        snprintf(out, room, "%s, at most %g times real time, %llu steps", ask->time.paused ? "held" : "running", ask->time.speed,
                 (unsigned long long)ask->time.steps);
        return;
    }
}

void witness_ask(App *app, const ServerAsk *ask, int status, const char *detail)
{
    static const char *const actions[] = {[SERVER_ASK_ACTUATE] = "command", [SERVER_ASK_RELOAD] = "reload", [SERVER_ASK_TIME] = "time"};
    const char *action = ask->kind == SERVER_ASK_ALARM  ? alarm_act_name(ask->act.kind)
                         : ask->kind == SERVER_ASK_GATE ? gate_action(&ask->gate)
                                                        : actions[ask->kind];
    const AuditOutcome outcome = status < 400 ? AUDIT_DONE : AUDIT_REFUSED;
    const char *signed_by = ask->kind == SERVER_ASK_ALARM ? ask->act.by : ask->kind == SERVER_ASK_GATE ? ask->gate.by : ask->wish.by;
    const char *who = *ask->caller.name ? ask->caller.name : signed_by;
    char target[sizeof((AuditEntry *)0)->target] = "";
    name_target(app, ask, target, sizeof target);
    audit_note(app->audit, &(AuditNote){who, role_name(ask->caller.role), ask->caller.peer, action, target, outcome, detail});
}

void witness_act(App *app, const GateAct *act)
{
    char target[sizeof((AuditEntry *)0)->target] = "";
    name_actuator(app, act, target, sizeof target);
    audit_note(app->audit, &(AuditNote){.who = act->by, .action = gate_action(act), .target = target, .detail = act->reason});
}

// --- the engine ----------------------------------------------------------------------------------------------------

void witness_script(App *app, AuditOutcome outcome, const char *detail)
{
    audit_note(app->audit, &(AuditNote){.who = "pollux", .action = "reload", .target = app->plant->name, .outcome = outcome, .detail = detail});
}

void witness_life(App *app, const char *action)
{
    audit_note(app->audit, &(AuditNote){.who = "pollux", .action = action, .target = app->plant->name, .detail = "version " POLLUX_VERSION});
}
