#include "app/resume.h"

#include <assert.h>
#include <string.h>

enum { PARTS = 3, ALARMS_LOOKED_AT = 500 };

void resume_snapshot(App *app)
{
    void *parts[PARTS] = {mem_alloc(plant_snapshot_size(app->plant)), mem_alloc(sync_snapshot_size(app->sync)), mem_alloc(alarms_snapshot_size(app->alarms))};
    if (parts[0] && parts[1] && parts[2]) {
        plant_snapshot(app->plant, parts[0]);
        sync_snapshot(app->sync, parts[1]);
        alarms_snapshot(app->alarms, parts[2]);
        const SnapshotPart views[PARTS] = {{parts[0], plant_snapshot_size(app->plant)}, {parts[1], sync_snapshot_size(app->sync)}, {parts[2], alarms_snapshot_size(app->alarms)}};
        history_append_snapshot(app->history, app->tick, app->now, plant_hash(app->plant), views, PARTS);
    } else {
        log_write(LOG_ERROR, "history", "no memory for a snapshot: a restart would replay from an older one");
    }
    for (size_t i = 0; i < PARTS; i++)
        mem_free(parts[i]);
    app->snapshot_elapsed = app->def.clock->elapsed_ns(app->def.clock->self);
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

static Err restore(App *app, const HistoryResume *resume, ErrText *why)
{
    if (resume->part_count != PARTS)
        return err_set(why, ERR_PARSE, "the snapshot in %s has %zu parts, expected %d", app->def.history, resume->part_count, PARTS);
    Err err = plant_restore(app->plant, resume->parts[0], resume->part_sizes[0], why);
    if (!err)
        err = sync_restore(app->sync, resume->parts[1], resume->part_sizes[1], why);
    if (!err)
        err = alarms_restore(app->alarms, resume->parts[2], resume->part_sizes[2], why);
    if (!err && plant_hash(app->plant) != resume->hash)
        err = err_set(why, ERR_PARSE, "the snapshot in %s does not have the hash that it was stored with", app->def.history);
    if (err)
        return err_prefix(why, err, "%s cannot be continued (start with --fresh to put it aside)", app->def.history);
    app->tick = resume->tick;
    app->now = resume->time;
    return ERR_OK;
}

/* What people acknowledged after the snapshot is in the alarms' records alone. Read before the replay writes them again. */
static Err read_alarms(App *app, HistoryReader **reader, HistoryAlarm **alarms, size_t *count, Arena *arena, ErrText *why)
{
    const Err err = history_reader_open(app->def.history, app->plant, reader, why);
    return err ? err : history_read_alarms(*reader, ALARMS_LOOKED_AT, arena, alarms, count, why);
}

static void acknowledge_again(App *app, const HistoryAlarm *alarms, size_t count)
{
    for (size_t i = count; i-- > 0;)
        if (alarms[i].alarm.acknowledged != TIME_NONE)
            alarm_acknowledge(app->alarms, alarms[i].alarm.id, "restart", alarms[i].alarm.acknowledged);  // an alarm that is over says no, which is right
}

static Err replay(App *app, const HistoryResume *resume, ErrText *why)
{
    Arena arena = {0};
    HistoryReader *reader = NULL;
    HistoryAlarm *alarms = NULL;
    size_t count = 0;
    const Err err = read_alarms(app, &reader, &alarms, &count, &arena, why);
    if (!err) {
        for (size_t i = 0; i < resume->sample_count; i++)
            sync_refile(app->sync, &resume->samples[i]);
        app_replay(app);
        acknowledge_again(app, alarms, count);
    }
    history_reader_close(reader);
    arena_fini(&arena);
    return err;
}

Err resume_from_history(App *app, ErrText *why)
{
    HistoryResume resume;
    Err err = history_resume(app->history, &resume, why);
    if (err)
        return err;

    if (resume.tick >= 0)
        err = restore(app, &resume, why);
    else if (resume.sample_count)
        sync_begin(app->sync, resume.samples[0].sample.time);
    sync_number_from(app->sync, resume.last_seq);
    gate_number_from(app->gate, resume.last_command);
    for (size_t i = 0; i < resume.command_count && !err; i++)
        gate_recall(app->gate, &resume.commands[i]);
    if (!err)
        err = replay(app, &resume, why);
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
