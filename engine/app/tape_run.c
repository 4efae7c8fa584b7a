#include "app/tape_run.h"

#include <math.h>

#include "app/commands.h"

/* Sleep until the plant's time may be where it is. */
static void pace(const TapeRun *run, const App *app, int64_t first, int64_t started)
{
    if (isinf(run->speed) || app->now == TIME_NONE)
        return;
    const int64_t due = started + (int64_t)((double)(app->now - first) / run->speed);
    const int64_t early = due - clock_system.elapsed_ns(clock_system.self);
    if (early > 0)
        clock_system.sleep_ns(clock_system.self, early);
}

static Err play(const TapeRun *run, App *app, Tape *tape)
{
    const int64_t started = clock_system.elapsed_ns(clock_system.self);
    size_t count;
    const Sample *samples = tape_samples(tape, &count);
    const int64_t first = count ? samples[0].time : 0;
    tape_set_tail(tape, app->plant->step_ns);
    while (!stop_asked && !(run->until && app->now >= run->until) && app_poll(app))
        pace(run, app, first, started);
    return stop_asked ? ERR_CLOSED : ERR_OK;
}

Err tape_run(const TapeRun *run, ErrText *why)
{
    const AppDef def = {.plant = run->plant, .threads = run->threads, .speed = INFINITY, .quiet = run->quiet, .provider_clock = true, .ticked = run->ticked, .self = run->self};
    App *app;
    Tape *tape = NULL;
    Err err = app_create(&def, &app, why);
    if (err)
        return err;

    if (app->plant->recording.count == 0)
        err = err_set(why, ERR_USAGE, "%s: the plant has no tape = { columns = ... }, so a recording's columns have no tags", run->plant);
    if (!err)
        err = tape_open(run->tape, &app->plant->recording, &tape, why);
    if (!err)
        err = app_add_connector(app, (Connector){&tape_connector, tape});
    if (!err && play(run, app, tape))
        err = err_set(why, ERR_CLOSED, "stopped before the end of %s", run->tape);
    app_destroy(app);
    tape_close(tape);
    return err;
}
