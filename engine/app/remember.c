#include "app/remember.h"

#include "app/inside.h"
#include "app/resume.h"

static const int64_t SNAPSHOT_PERIOD_NS = 5 * NS_PER_S;  // of elapsed time: how much a restart must replay
static const size_t SNAPSHOT_SMALL = 16 * 1024 * 1024;   // bytes; larger ones come as much more seldom, so that the disk is not busy with them alone

static int64_t snapshot_period(const App *app)
{
    return SNAPSHOT_PERIOD_NS * (int64_t)(1 + plant_snapshot_size(app->plant) / SNAPSHOT_SMALL);
}

/* Changes of alarms, each with what a new text was decided on. */
static void remember_alarms(const App *app)
{
    size_t count;
    Evidence evidence;
    const Alarm *alarms = alarms_changed(app->alarms, &count);
    for (size_t i = 0; i < count; i++) {
        history_append_alarm(app->history, &alarms[i], app->plant->twins[alarms[i].twin].name);
        if (!evidence_is_due(&alarms[i]))
            continue;
        evidence_gather(app->alarms, app->sync, &alarms[i], app->now, &evidence);
        history_append_evidence(app->history, &evidence);
    }
}

void remember_changes(App *app)
{
    size_t count;
    if (!app->history || app->now == TIME_NONE)
        return;
    if (app->now != app->recorded)
        history_append_estimates(app->history, app->plant, app->now);
    app->recorded = app->now;
    remember_alarms(app);
    if (app->replaying)
        return;
    const Command *commands = gate_changed(app->gate, &count);
    for (size_t i = 0; i < count; i++)
        if (!commands[i].wish.dry_run || command_has_ended(&commands[i]))  // what only waits to be known does not go on after a restart
            history_append_command(app->history, &commands[i], app__tag_name(app, commands[i].wish.tag).text);
    if (app__elapsed(app) - app->snapshot_elapsed >= snapshot_period(app))
        resume_snapshot(app);
}

void remember_again(void *self, int64_t tick, int64_t at, const PlantPart *part)
{
    const App *app = self;
    const int64_t time = sync_time(app->sync, tick);
    alarm_judge_again(app->alarms, app->sync, part, time);
    if (app->history)
        history_append_amended(app->history, app->plant, part, time, (uint32_t)(at - tick));
}
