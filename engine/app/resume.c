#include "app/resume.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "app/inside.h"

enum { PARTS = 4, PARTS_BEFORE = 3 };

/* Plant, sync, alarms, gate, in this order; snapshots of before know nothing of the gate: it has no bytes then. */
typedef struct Parts {
    SnapshotPart items[PARTS];
} Parts;

static void parts_free(Parts *parts)
{
    for (size_t i = 0; i < PARTS; i++)
        mem_free((void *)parts->items[i].bytes);
}

static bool parts_take(const App *app, Parts *out)
{
    const size_t sizes[PARTS] = {plant_snapshot_size(app->plant), sync_snapshot_size(app->sync), alarms_snapshot_size(app->alarms), gate_snapshot_size(app->gate)};
    void *bytes[PARTS];
    for (size_t i = 0; i < PARTS; i++) {
        bytes[i] = mem_alloc(sizes[i]);
        out->items[i] = (SnapshotPart){bytes[i], sizes[i]};
    }
    if (!bytes[0] || !bytes[1] || !bytes[2] || !bytes[3]) {
        parts_free(out);
        return false;
    }
    plant_snapshot(app->plant, bytes[0]);
    sync_snapshot(app->sync, bytes[1]);
    alarms_snapshot(app->alarms, bytes[2]);
    gate_snapshot(app->gate, bytes[3]);
    return true;
}

void resume_snapshot(App *app)
{
    Parts parts;
    if (parts_take(app, &parts)) {
        history_append_snapshot(app->history, app->tick, app->now, plant_hash(app->plant), parts.items, PARTS);
        parts_free(&parts);
    } else {
        log_write(LOG_ERROR, "history", "no memory for a snapshot: a restart would replay from an older one");
    }
    app->snapshot_elapsed = app__elapsed(app);
}

void resume_note_wish(App *app, const CommandWish *wish)
{
    for (size_t i = 0; i < app->replayed_count; i++)
        if (app->replayed_wishes[i].tag == wish->tag) {
            app->replayed_wishes[i] = *wish;
            app->replayed_times[i] = app->now;
            return;
        }
    if (app->replayed_count == RESUME_WISHES_MAX)
        return;
    app->replayed_times[app->replayed_count] = app->now;
    app->replayed_wishes[app->replayed_count++] = *wish;
}

const Outlooks *resume_outlooks(App *app)
{
    while (app->foretold_count && app->foretold->tick < app->tick)
        app->foretold++, app->foretold_count--;
    if (!app->foretold_count || app->foretold->tick != app->tick || !app->lookout)
        return NULL;
    app->outlooks = app->foretold->outlooks;
    app->outlooks.probability = lookout_probability(app->lookout);
    return &app->outlooks;
}

static int64_t last_command_time(const HistoryResume *resume, TagId tag)
{
    int64_t time = TIME_NONE;
    for (size_t i = 0; i < resume->command_count; i++)
        if (resume->commands[i].wish.tag == tag && resume->commands[i].time > time)
            time = resume->commands[i].time;
    return time;
}

/* A wish that is newer than the last command of its tag never became one: the stop came first. */
static void ask_again(App *app, const HistoryResume *resume)
{
    for (size_t i = 0; i < app->replayed_count; i++)
        if (app->replayed_times[i] > last_command_time(resume, app->replayed_wishes[i].tag))
            gate_ask(app->gate, &app->replayed_wishes[i], app->now);
    app->replayed_count = 0;
}

/* What ended behind the last tick was to be told to the handlers in the next one, which the stop came before. */
static void tell_ends(App *app, const HistoryResume *resume)
{
    for (size_t i = 0; i < resume->command_count; i++)
        if (command_has_ended(&resume->commands[i]) && resume->commands[i].ended >= app->now)
            alarms_note_commands(app->alarms, &resume->commands[i], 1);
}

/* An alarm whose twin is gone: it is over, and only history has heard of it. */
static void note_gone(void *self, const Alarm *alarm, const char *twin)
{
    const App *app = self;
    log_write(LOG_INFO, "alarm", "#%llu is over: the plant has no twin \"%s\" any more", (unsigned long long)alarm->id, twin);
    if (app->history)
        history_append_alarm(app->history, alarm, twin);
}

static void note_gone_command(void *self, const Command *command, const char *tag)
{
    const App *app = self;
    log_write(LOG_INFO, "gate", "command #%llu %s: %s", (unsigned long long)command->id, tag, command->detail);
    if (app->history)
        history_append_command(app->history, command, tag);
}

static Err adopt(App *app, const Parts *parts, const Lineage *lineage, int64_t now, ErrText *why)
{
    lineage_adopt(lineage, app->plant);
    Err err = sync_adopt(app->sync, lineage, parts->items[1].bytes, parts->items[1].size, why);
    if (!err)
        err = alarms_adopt(app->alarms, lineage, parts->items[2].bytes, parts->items[2].size, now, note_gone, app, why);
    return err || !parts->items[3].bytes ? err : gate_adopt(app->gate, lineage, parts->items[3].bytes, parts->items[3].size, why);
}

static Err put_back(App *app, const Parts *parts, ErrText *why)
{
    Err err = plant_restore(app->plant, parts->items[0].bytes, parts->items[0].size, why);
    if (!err)
        err = sync_restore(app->sync, parts->items[1].bytes, parts->items[1].size, why);
    if (!err)
        err = alarms_restore(app->alarms, parts->items[2].bytes, parts->items[2].size, why);
    return err || !parts->items[3].bytes ? err : gate_restore(app->gate, parts->items[3].bytes, parts->items[3].size, why);
}

/* Bit for bit where the script declares the same, otherwise by name. */
static Err restore(App *app, const Parts *parts, const Lineage *lineage, int64_t now, ErrText *why)
{
    if (lineage->same) {
        snprintf(app->kept, sizeof app->kept, "everything of the state is kept");
        return put_back(app, parts, why);
    }
    snprintf(app->kept, sizeof app->kept, "the script has changed: kept %u of %u twins, %llu of %llu states", lineage->twins_kept, lineage->twin_count,
             (unsigned long long)lineage->states_kept, (unsigned long long)lineage->state_count);
    return adopt(app, parts, lineage, now, why);
}

static Err restore_stored(App *app, const HistoryResume *resume, const Parts *parts, ErrText *why)
{
    Lineage lineage;
    Err err = lineage_read(&lineage, app->plant, parts->items[0].bytes, parts->items[0].size, why);
    if (err)
        return err;
    err = restore(app, parts, &lineage, resume->time, why);
    if (!err && lineage.same && plant_hash(app->plant) != resume->hash)
        err = err_set(why, ERR_PARSE, "the snapshot does not have the hash that it was stored with");
    if (!err && !lineage.same)
        log_write(LOG_INFO, "plant", "%s", app->kept);
    lineage_fini(&lineage);
    return err;
}

static Err find_parts(const HistoryResume *resume, Parts *out, ErrText *why)
{
    *out = (Parts){0};
    for (size_t i = 0; i < PARTS && i < resume->part_count; i++)
        out->items[i] = (SnapshotPart){resume->parts[i], resume->part_sizes[i]};
    const bool sound = resume->part_count == PARTS || resume->part_count == PARTS_BEFORE;
    return sound ? ERR_OK : err_set(why, ERR_PARSE, "the snapshot has %zu parts, expected %d", resume->part_count, PARTS);
}

static Err restore_newest(App *app, const HistoryResume *resume, ErrText *why)
{
    Parts parts;
    Err err = find_parts(resume, &parts, why);
    if (!err)
        err = restore_stored(app, resume, &parts, why);
    if (err)
        return err_prefix(why, err, "%s cannot be continued (start with --fresh to put it aside)", app->def.history);
    app->tick = resume->tick;
    app->now = resume->time;
    return ERR_OK;
}

static Err succeed(App *app, const App *before, const Parts *parts, const Lineage *lineage, ErrText *why)
{
    const Err err = restore(app, parts, lineage, before->now, why);
    if (err)
        return err;
    if (sync_succeed(app->sync, before->sync, lineage))
        return err_set(why, ERR_MEMORY, "no memory for the samples that wait for their tick");
    gate_succeed(app->gate, before->gate, lineage, before->now, note_gone_command, app);
    return ERR_OK;
}

Err resume_from_app(App *app, const App *before, ErrText *why)
{
    Parts parts;
    Lineage lineage;
    if (!parts_take(before, &parts))
        return err_set(why, ERR_MEMORY, "no memory to hand over the state of plant \"%s\"", before->plant->name);
    Err err = lineage_read(&lineage, app->plant, parts.items[0].bytes, parts.items[0].size, why);
    if (!err) {
        err = succeed(app, before, &parts, &lineage, why);
        lineage_fini(&lineage);
    }
    parts_free(&parts);
    return err;
}

/* Do it as it was done, where it was done; the audit trail has it. */
static void replay_act(App *app, AlarmAct act)
{
    Alarm alarm;
    ErrText why;
    if (act.number <= alarms_last_act(app->alarms))
        return;  // the snapshot has it
    if (alarm_act(app->alarms, &act, app->now, &alarm, &why))
        log_write(LOG_WARNING, "alarm", "%s of alarm #%llu cannot be done again: %s", alarm_act_name(act.kind), (unsigned long long)act.alarm, why.text);
}

static void replay_gate_act(App *app, GateAct act)
{
    ErrText why;
    if (act.number <= gate_last_act(app->gate))
        return;  // the snapshot has it
    if (gate_act(app->gate, &act, app->now, &why))
        log_write(LOG_WARNING, "gate", "%s of %s cannot be done again: %s", gate_act_name(act.kind), act.tag == TAG_NONE ? "all actuators" : tags_name(app->plant->tags, act.tag).text, why.text);
}

bool resume_acts(App *app)
{
    const uint64_t before = alarms_last_act(app->alarms);
    for (; app->gate_act_count && app->gate_acts->tick <= app->tick && app->now != TIME_NONE; app->gate_acts++, app->gate_act_count--)
        replay_gate_act(app, app->gate_acts->act);
    for (; app->act_count && app->acts->tick <= app->tick && app->now != TIME_NONE; app->acts++, app->act_count--)
        replay_act(app, app->acts->act);
    return alarms_last_act(app->alarms) != before;
}

static void replay(App *app, const HistoryResume *resume)
{
    for (size_t i = 0; i < resume->sample_count; i++)
        sync_refile(app->sync, &resume->samples[i]);
    app->foretold = resume->foretold;
    app->foretold_count = resume->foretold_count;
    app->acts = resume->acts;
    app->act_count = resume->act_count;
    app->gate_acts = resume->gate_acts;
    app->gate_act_count = resume->gate_act_count;
    app__replay(app);
    app->foretold_count = app->act_count = app->gate_act_count = 0;
}

Err resume_from_history(App *app, ErrText *why)
{
    HistoryResume resume;
    Err err = history_resume(app->history, &resume, why);
    if (err)
        return err;

    if (resume.tick >= 0)
        err = restore_newest(app, &resume, why);
    else if (resume.sample_count)
        sync_begin(app->sync, resume.samples[0].sample.time);
    sync_number_from(app->sync, resume.last_seq);
    gate_number_from(app->gate, resume.last_command);
    app->witnessed_command = resume.last_command;
    for (size_t i = 0; i < resume.command_count && !err; i++)
        gate_recall(app->gate, &resume.commands[i]);
    if (!err)
        replay(app, &resume);
    alarms_number_acts_from(app->alarms, resume.last_act);
    gate_number_acts_from(app->gate, resume.last_gate_act);
    alarms_number_from(app->alarms, resume.last_alarm);  // behind the replay, whose alarms have the numbers that they had
    if (!err && app->now != TIME_NONE) {
        char time[32];
        time_format(app->now, time);
        ask_again(app, &resume);
        tell_ends(app, &resume);
        log_write(LOG_INFO, "history", "going on at %s: %s and %zu samples behind it", time, resume.tick >= 0 ? "a snapshot" : "the beginning", resume.sample_count);
    }
    history_resume_fini(&resume);
    return err;
}

Err resume_past(App *app, const HistoryResume *resume, int64_t tick, ErrText *why)
{
    Parts parts;
    Err err = find_parts(resume, &parts, why);
    if (!err)
        err = put_back(app, &parts, why);
    if (err)
        return err;
    app->tick = resume->tick;
    app->now = resume->time;
    sync_replay_until(app->sync, tick);
    replay(app, resume);
    return ERR_OK;
}
