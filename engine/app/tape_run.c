#include "app/tape_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "history/past.h"

enum { TELL_FROM_NS = 1000 * NS_PER_MS, TELL_EVERY_NS = 200 * NS_PER_MS };

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

/* How far the recording has been played, on one line of the terminal. */
static void tell_progress(const App *app, int64_t first, int64_t last, int64_t *told)
{
    const int64_t elapsed = clock_system.elapsed_ns(clock_system.self);
    if (elapsed < *told || app->now == TIME_NONE || last <= first)
        return;
    fprintf(stderr, "\r%3.0f %% of the recording ", 100 * ((double)app->now - (double)first) / ((double)last - (double)first));
    *told = elapsed + TELL_EVERY_NS;
}

static Err play(const TapeRun *run, App *app, Tape *tape)
{
    const int64_t started = clock_system.elapsed_ns(clock_system.self);
    const bool tells = run->quiet && isatty(STDERR_FILENO);
    int64_t told = started + TELL_FROM_NS;
    size_t count;
    const Sample *samples = tape_samples(tape, &count);
    const int64_t first = count ? samples[0].time : 0, last = count ? samples[count - 1].time : 0;
    tape_set_tail(tape, app->plant->step_ns);
    while (!stop_asked && !(run->until && app->now >= run->until) && app_poll(app)) {
        pace(run, app, first, started);
        if (tells)
            tell_progress(app, first, last, &told);
    }
    if (told > started + TELL_FROM_NS)
        fputs("\r\033[K", stderr);
    return stop_asked ? ERR_CLOSED : ERR_OK;
}

Err tape_run_open(const Plant *plant, const char *path, const char *between, Tape **out, ErrText *why)
{
    RecordingMap map = plant->recording;
    if (map.count == 0)
        return err_set(why, ERR_USAGE, "%s: the plant has no tape = { columns = ... }, so a recording's columns have no tags", plant->path);
    if (!between)
        return tape_open(path, &map, out, why);

    Between asked;
    if (!between_parse(between, &asked))
        return err_set(why, ERR_USAGE, "--between: expected hold, linear or band, got \"%s\"", between);
    RecordingColumn *columns = mem_alloc(map.count * sizeof *columns);
    if (!columns)
        return err_set(why, ERR_MEMORY, "%s: out of memory", path);
    memcpy(columns, map.columns, map.count * sizeof *columns);
    for (size_t i = 0; i < map.count; i++)
        columns[i].between = columns[i].input ? asked : BETWEEN_HOLD;
    map.columns = columns;
    const Err err = tape_open(path, &map, out, why);
    mem_free(columns);
    return err;
}

static Err read_all(HistoryReader *reader, const Plant *plant, const char *path, Filed **out, size_t *count, ErrText *why)
{
    HistorySpan span;
    Err err = history_span(reader, &span, why);
    if (!err && span.last != TIME_NONE)
        err = history_read_filed(reader, -1, plant_tick(plant, span.last), out, count, why);
    return err || *count ? err : err_set(why, ERR_RANGE, "%s: it holds no samples", path);
}

static Err make_tape(const char *path, const Filed *filed, size_t count, Tape **out, ErrText *why)
{
    Sample *samples = mem_alloc(count * sizeof *samples);
    for (size_t i = 0; i < count && samples; i++)
        samples[i] = filed[i].sample;
    const Err err = samples ? tape_of(path, samples, count, out) : ERR_MEMORY;
    mem_free(samples);
    return err ? err_set(why, err, "%s: no memory for its samples", path) : ERR_OK;
}

Err tape_run_open_history(const Plant *plant, const char *path, Tape **out, ErrText *why)
{
    HistoryReader *reader;
    Filed *filed = NULL;
    size_t count = 0;
    Err err = history_reader_open(path, plant, &reader, why);
    if (err)
        return err;
    err = read_all(reader, plant, path, &filed, &count, why);
    if (!err)
        err = make_tape(path, filed, count, out, why);
    mem_free(filed);
    history_reader_close(reader);
    return err;
}

Err tape_run(const TapeRun *run, ErrText *why)
{
    const AppDef def = {.plant = run->plant, .threads = run->threads, .speed = INFINITY, .quiet = run->quiet, .provider_clock = true,
                        .ticked = run->ticked, .self = run->self};
    App *app;
    Tape *tape = NULL;
    Err err = app_create(&def, &app, why);
    if (err)
        return err;

    err = run->is_history ? tape_run_open_history(app->plant, run->tape, &tape, why) : tape_run_open(app->plant, run->tape, run->between, &tape, why);
    if (!err)
        err = app_add_connector(app, (Connector){&tape_connector, tape});
    if (!err && play(run, app, tape))
        err = err_set(why, ERR_CLOSED, "stopped before the end of %s", run->tape);
    app_destroy(app);
    tape_close(tape);
    return err;
}
