/* people.c -- question by question. What the audit trail has to say of them is there before they are answered. */
#include "app/people.h"

#include <stdio.h>

#include "app/inside.h"
#include "app/witness.h"

/* What the gate refused has ended, and is among what changed. */
static const Command *find_refused(const App *app, uint64_t id)
{
    size_t count;
    const Command *commands = gate_changed(app->gate, &count);
    for (size_t i = 0; i < count; i++)
        if (commands[i].id == id && commands[i].state == COMMAND_REFUSED)
            return &commands[i];
    return NULL;
}

/* The answer to what somebody asked, which is in the audit trail by then. */
static void answer(App *app, const ServerAsk *ask, int status, const char *detail)
{
    witness_ask(app, ask, status, detail);
    server_answer(app->server, ask->token, status, detail, 0);
}

/* A dry run is answered when it has ended, which may take a trial. */
static void answer_rehearsal(App *app, const ServerAsk *ask)
{
    if (app->rehearsal_count == APP_REHEARSALS_MAX) {
        answer(app, ask, 503, "too many dry runs wait for their trials: try again");
        return;
    }
    const uint64_t id = gate_ask(app->gate, &ask->wish, app->now);
    if (id == 0)
        answer(app, ask, 503, "too much was asked at once: try again");
    else
        app->rehearsals[app->rehearsal_count++] = (AppRehearsal){id, ask->token};
}

static void answer_actuate(App *app, const ServerAsk *ask)
{
    const uint64_t id = gate_ask(app->gate, &ask->wish, app->now);
    const Command *refused = find_refused(app, id);
    if (id == 0)
        answer(app, ask, 503, "too much was asked at once: try again");
    else
        server_answer(app->server, ask->token, refused ? 409 : 200, refused ? refused->detail : "", id);
}

/* True, and answered, when this command has ended. */
static bool tell_end(const App *app, const AppRehearsal *rehearsal)
{
    size_t count;
    const Command *commands = gate_changed(app->gate, &count);
    for (size_t i = 0; i < count; i++)
        if (commands[i].id == rehearsal->command && command_has_ended(&commands[i])) {
            const bool passed = commands[i].state == COMMAND_WITHHELD;
            server_answer(app->server, rehearsal->token, passed ? 200 : 409, commands[i].detail, commands[i].id);
            return true;
        }
    return false;
}

void people_hear_ends(App *app)
{
    size_t kept = 0;
    for (size_t i = 0; i < app->rehearsal_count; i++)
        if (!tell_end(app, &app->rehearsals[i]))
            app->rehearsals[kept++] = app->rehearsals[i];
    app->rehearsal_count = kept;
}

void people_succeed(App *app, const App *before)
{
    for (size_t i = 0; i < before->rehearsal_count; i++)
        if (gate_find(app->gate, before->rehearsals[i].command))
            app->rehearsals[app->rehearsal_count++] = before->rehearsals[i];
        else
            server_answer(app->server, before->rehearsals[i].token, 409, "the plant's script has changed meanwhile: ask again", 0);
}

static void take_reload(App *app, const ServerAsk *ask)
{
    if (app->reload_token) {
        answer(app, ask, 409, "the script is being loaded already");
        return;
    }
    witness_ask(app, ask, 202, "asked for");
    app->reload_token = ask->token;
}

static int status_of(Err err)
{
    return err == ERR_UNKNOWN ? 404 : err == ERR_RANGE ? 400 : err == ERR_DENIED ? 403 : 409;
}

/* Who is logged in did it, whatever the message says. */
static void answer_act(App *app, ServerAsk *ask)
{
    ErrText why;
    Alarm alarm;
    if (*ask->caller.name)
        snprintf(ask->act.by, sizeof ask->act.by, "%s", ask->caller.name);
    const Err err = alarm_act(app->alarms, &ask->act, app->now, &alarm, &why);
    if (err) {
        answer(app, ask, status_of(err), why.text);
        return;
    }
    if (app->history)
        history_append_act(app->history, &(HistoryAct){app->tick, app->now, ask->act});
    witness_ask(app, ask, 200, ask->act.comment);
    server_answer_alarm(app->server, ask->token, &alarm, ask->act.twin);
}

static void remember_act(App *app, const GateAct *act)
{
    const TagName tag = act->tag == TAG_NONE ? (TagName){""} : tags_name(app->plant->tags, act->tag);
    if (app->history)
        history_append_gate_act(app->history, &(HistoryGateAct){app->tick, app->now, *act}, tag.text);
    app->news = true;
}

bool people_act(App *app, GateAct *act)
{
    ErrText why;
    if (gate_act(app->gate, act, app->now, &why))
        return false;
    remember_act(app, act);
    witness_act(app, act);
    return true;
}

static void answer_gate_act(App *app, ServerAsk *ask)
{
    ErrText why;
    const Err err = gate_act(app->gate, &ask->gate, app->now, &why);
    if (!err)
        remember_act(app, &ask->gate);
    answer(app, ask, err ? status_of(err) : 200, err ? why.text : ask->gate.reason);
}

/* A plant that lives by the time of day cannot be held: its devices go on. */
static void answer_time(App *app, const ServerAsk *ask)
{
    if (app->plant->clock != PLANT_CLOCK_PROVIDER) {
        answer(app, ask, 409, "this plant lives by the time of day, which cannot be held: only a plant whose devices carry the clock can be");
        return;
    }
    app->tempo = (Tempo){.paused = ask->time.paused, .speed = ask->time.speed, .steps = ask->time.steps, .due = app__elapsed(app)};
    app->news = true;
    answer(app, ask, 200, "");
}

void people_answer(App *app)
{
    for (ServerAsk ask; app->server && server_poll(app->server, &ask);)
        if (ask.kind == SERVER_ASK_RELOAD)
            take_reload(app, &ask);
        else if (ask.kind == SERVER_ASK_TIME)
            answer_time(app, &ask);
        else if (app->now == TIME_NONE)
            answer(app, &ask, 409, "the plant's time has not begun: no device has sent anything yet");
        else if (ask.kind == SERVER_ASK_GATE)
            answer_gate_act(app, &ask);
        else if (ask.kind == SERVER_ASK_ACTUATE && ask.wish.dry_run)
            answer_rehearsal(app, &ask);
        else if (ask.kind == SERVER_ASK_ACTUATE)
            answer_actuate(app, &ask);
        else
            answer_act(app, &ask);
}
