/* forecast.c -- pollux forecast: what if, from a terminal. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alarm/rehearse.h"
#include "app/backtest.h"
#include "app/commands.h"
#include "app/follow.h"
#include "app/past.h"
#include "app/tape_run.h"
#include "forecast/report.h"
#include "history/past.h"
#include "history/resume.h"

const Subcommand subcommand_forecast = {
    "forecast", "look ahead: where a plant is going, and what would change that",
    "SCENARIO is a Lua file (twins/scenarios) or one of JSON (.json); docs/forecast.md says what it may say. The forecast begins at the estimate of the\n"
    "newest snapshot of a history (--history), at that of a moment of a history or of a recording (--history or --tape, with --at), or else where the plant's\n"
    "script says that twins start.\n"
    "Prints a table: quantiles of the scenario's tags at some of its times, the probability that alarm limits are passed and when, and for alternatives what\n"
    "they have more than the base case, with the standard error of that. --json and --csv print all of it instead; --svg draws it.\n\n"
    "--optimize looks for the values that the scenario's optimize = { vary = ..., limits = ... } leaves open: those with the lowest cost that keep the\n"
    "limits. Ctrl-C ends the search with the best so far.\n\n"
    "--backtest judges forecasts by a recording or a history (--tape or --history, no SCENARIO): one is issued every so many seconds, and each of its horizons\n"
    "is held against what the sensors measured then, beside persistence (the last sample) and a straight line (through as long a past as it looks ahead).",
    command_forecast};

enum { COLUMNS = 6, BAR = 40 };

typedef struct Job {
    const char *plant, *scenario, *history, *tape, *at, *svg, *codegen;
    long threads, members, seed;
    bool json, csv, optimize, backtest, settling, uncorrected;
    const char *horizons, *inputs, *events;  // of a backtest
    long every, aftermath;
    int64_t from;      // --at
    int64_t bar_next;  // when the bar is drawn anew
    bool bar_drawn, search_told, done;
    Err err;
    ErrText *why;
} Job;

// --- progress ------------------------------------------------------------------------------------------------------

/* Short work needs no bar, and a file no bar at all. */
static void draw_bar(void *self, double share)
{
    Job *job = self;
    const int64_t now = clock_system.elapsed_ns(clock_system.self);
    if (!isatty(STDERR_FILENO) || now < job->bar_next)
        return;
    const int full = (int)(share * BAR);
    fprintf(stderr, "\r[%.*s%*s] %3.0f %%", full, "########################################", BAR - full, "", 100 * share);
    fflush(stderr);
    job->bar_next = now + NS_PER_S / 10;
    job->bar_drawn = true;
}

static void clear_bar(const Job *job)
{
    if (job->bar_drawn)
        fprintf(stderr, "\r%*s\r", BAR + 9, "");
}

// --- the table -----------------------------------------------------------------------------------------------------

static void print_duration(double seconds, char *out, size_t size)
{
    if (!isfinite(seconds))
        snprintf(out, size, "never");
    else if (seconds < 180)
        snprintf(out, size, "%.3g s", seconds);
    else if (seconds < 3 * 3600)
        snprintf(out, size, "%.3g min", seconds / 60);
    else if (seconds < 3 * 86400)
        snprintf(out, size, "%.3g h", seconds / 3600);
    else
        snprintf(out, size, "%.3g d", seconds / 86400);
}

/* Some of the times, evenly, the last one included. */
static size_t choose_times(const Forecast *forecast, size_t out[COLUMNS])
{
    const size_t first = forecast->time_count > 1 && forecast->times[0] == 0 ? 1 : 0, count = forecast->time_count - first;
    const size_t shown = count < COLUMNS ? count : COLUMNS;
    for (size_t i = 0; i < shown; i++)
        out[i] = first + (i + 1) * count / shown - 1;
    return shown;
}

static void print_values(const Forecast *forecast, TagId tag, const char *label, const double *values, double (*shown)(const Forecast *, TagId, double))
{
    size_t times[COLUMNS];
    const size_t count = choose_times(forecast, times);
    printf("  %-30.30s", label);
    for (size_t i = 0; i < count; i++)
        printf(" %11.5g", shown(forecast, tag, values[times[i]]));
    printf("\n");
}

static void print_heading(const Forecast *forecast, TagId tag)
{
    size_t times[COLUMNS];
    char title[TAG_NAME_ROOM + 64], time[32];
    const size_t count = choose_times(forecast, times);
    const TagName name = tags_name(forecast->plant->tags, tag);
    const char *unit = forecast_unit(forecast, tag);
    snprintf(title, sizeof title, *unit ? "%s, %s" : "%s", name.text, unit);
    printf("\n%-32s", title);
    for (size_t i = 0; i < count; i++) {
        print_duration(forecast->times[times[i]], time, sizeof time);
        printf(" %11s", time);
    }
    printf("\n");
}

static void print_series(const Forecast *forecast, size_t row)
{
    print_heading(forecast, forecast->cases[0].series[row].tag);
    for (size_t c = 0; c < forecast->case_count; c++) {
        const ForecastSeries *series = &forecast->cases[c].series[row];
        char label[64];
        for (size_t q = 0; q < forecast->quantile_count; q++) {
            snprintf(label, sizeof label, "%-24.24s%4g %%", q ? "" : forecast->cases[c].name, round(1e6 * forecast->quantiles[q]) / 1e4);
            print_values(forecast, series->tag, label, &series->quantiles[q * forecast->time_count], forecast_shown);
        }
        if (!series->difference)
            continue;
        print_values(forecast, series->tag, "    more than the base case", series->difference, forecast_shown_difference);
        print_values(forecast, series->tag, "    standard error", series->difference_se, forecast_shown_difference);
    }
}

/* "93 % (90 to 95), in 11 min (7 min to 16 min)": the outermost quantiles, and the one in the middle. */
static void print_limit(const Forecast *forecast, const char *name, const ForecastLimit *limit)
{
    char early[32], middle[32], late[32];
    const size_t count = forecast->quantile_count;
    print_duration(limit->times[0], early, sizeof early);
    print_duration(limit->times[count / 2], middle, sizeof middle);
    print_duration(limit->times[count - 1], late, sizeof late);
    printf("  %-30.30s %5.1f %% (%.1f to %.1f)", name, 100 * limit->passed.share, 100 * limit->passed.low, 100 * limit->passed.high);
    if (limit->passed.share > 0)
        printf(", in %s (%s to %s)", middle, early, late);
    if (isfinite(limit->difference))
        printf("; %+.1f, standard error %.1f", 100 * limit->difference, 100 * limit->difference_se);
    printf("\n");
}

static bool is_ever_passed(const Forecast *forecast, size_t index)
{
    for (size_t c = 0; c < forecast->case_count; c++)
        if (forecast->cases[c].limits[index].passed.share > 0)
            return true;
    return false;
}

static void print_limits(const Forecast *forecast)
{
    size_t quiet = 0;
    for (size_t i = 0; i < forecast->limit_count; i++) {
        const ForecastLimit *limit = &forecast->cases[0].limits[i];
        if (!is_ever_passed(forecast, i)) {
            quiet++;
            continue;
        }
        const TagName name = tags_name(forecast->plant->tags, limit->tag);
        printf("\n%s.%s: %s %s %g %s\n", forecast->plant->twins[limit->twin].name, limit->alarm->name, name.text,
               limit->alarm->side == LIMIT_HIGH ? "above" : "below", forecast_shown(forecast, limit->tag, limit->alarm->limit),
               forecast_unit(forecast, limit->tag));
        for (size_t c = 0; c < forecast->case_count; c++)
            print_limit(forecast, forecast->cases[c].name, &forecast->cases[c].limits[i]);
    }
    if (quiet)
        printf("\n%zu alarm limits that no member passes\n", quiet);
}

static void print_costs(const Forecast *forecast)
{
    const Unit *unit = forecast->cost_unit;
    printf("\ncost, %s: %s\n", unit_name(unit), forecast->cost_text);
    for (size_t c = 0; c < forecast->case_count; c++) {
        const ForecastCost *cost = &forecast->cases[c].cost;
        printf("  %-30.30s %.5g (%.5g to %.5g)", forecast->cases[c].name, unit_from_si(unit, cost->mean), unit_from_si(unit, cost->quantiles[0]),
               unit_from_si(unit, cost->quantiles[forecast->quantile_count - 1]));
        if (isfinite(cost->difference))
            printf("; %+.5g, standard error %.2g", unit_scale_from_si(unit, cost->difference), unit_scale_from_si(unit, cost->difference_se));
        printf("\n");
    }
}

static void print_table(const Forecast *forecast)
{
    char time[32] = "its start", ahead[32];
    if (forecast->time != TIME_NONE)
        time_format(forecast->time, time);
    print_duration(forecast->time_count ? forecast->times[forecast->time_count - 1] : 0, ahead, sizeof ahead);
    printf("%s: %s, %s ahead from %s, %u members, seed %llu\n", forecast->plant->name, forecast->name, ahead, time, forecast->members,
           (unsigned long long)forecast->seed);
    for (size_t row = 0; row < forecast->series_count; row++)
        print_series(forecast, row);
    print_limits(forecast);
    if (forecast->cost_unit)
        print_costs(forecast);
    for (size_t c = 0; c < forecast->case_count; c++)
        if (forecast->cases[c].lost)
            printf("\n%s: the numbers of %zu members stopped being finite; they do not count\n", forecast->cases[c].name, forecast->cases[c].lost);
}

// --- the work ------------------------------------------------------------------------------------------------------

static Err write_picture(const Job *job, const Forecast *forecast)
{
    Text text = {0};
    forecast_svg(forecast, &text);
    FILE *file = text.failed ? NULL : fopen(job->svg, "w");
    const bool written = file && fwrite(text.bytes, 1, text.length, file) == text.length;
    const bool closed = file && fclose(file) == 0;
    text_fini(&text);
    return written && closed ? ERR_OK : err_set(job->why, ERR_IO, "%s: the picture cannot be written", job->svg);
}

static Err print(const Job *job, const Forecast *forecast)
{
    Text text = {0};
    if (job->json)
        forecast_json(forecast, &text);
    else if (job->csv)
        forecast_csv(forecast, &text);
    else
        print_table(forecast);
    const Err err = text.failed ? err_set(job->why, ERR_MEMORY, "no memory for the result") : ERR_OK;
    if (!err && text.bytes)
        fwrite(text.bytes, 1, text.length, stdout);
    text_fini(&text);
    return err || !job->svg ? err : write_picture(job, forecast);
}

// --- the search ----------------------------------------------------------------------------------------------------

static const Unit *unit_of(const Plant *plant, TagId tag)
{
    const Place place = plant_place(plant, tag);
    return plant_model(plant, place.twin)->channels[place.channel].unit;
}

/* The best so far, on one line of the terminal. */
static void tell_search(void *self, const Search *search)
{
    Job *job = self;
    if (!isatty(STDERR_FILENO))
        return;
    const Cost *cost = &search->scenario->cost;
    fprintf(stderr, "\r\033[K%u of %u forecasts, best so far %.5g %s%s", search->forecasts,
            search->scenario->aim->forecasts, unit_from_si(cost->unit, search->cost),
            unit_name(cost->unit), search->excess > 0 ? ", which passes a limit too often" : "");
    fflush(stderr);
    job->search_told = true;
}

static void print_search(const Search *search)
{
    const Aim *aim = search->scenario->aim;
    const Plant *plant = search->forecast->plant;
    printf("%s after %u forecasts%s\n", search->stopped ? "stopped" : "done", search->forecasts,
           search->excess > 0 ? ": no values were found that keep all limits; these come closest" : "");
    for (size_t i = 0; i < aim->choice_count; i++) {
        const Choice *choice = &aim->choices[i];
        const TagName name = tags_name(plant->tags, choice->tag);
        const Unit *unit = unit_of(plant, choice->tag);
        printf("  %-30s %11.5g %s (of %g to %g)\n", name.text, unit_from_si(unit, search->values[i]), unit_name(unit), unit_from_si(unit, choice->min),
               unit_from_si(unit, choice->max));
    }
    for (size_t i = 0; i < aim->allowance_count; i++)
        printf("  %s.%s in %g %% of all cases at most\n", plant->twins[aim->allowances[i].twin].name, aim->allowances[i].alarm->name,
               100 * aim->allowances[i].share);
    printf("\n");
}

static Err optimize(Job *job, const Fork *fork, const Scenario *scenario)
{
    Search search;
    const SearchDef def = {.threads = (size_t)job->threads, .rehearsal = &rehearse_kind, .stop = &stop_asked, .tell = tell_search, .self = job};
    Err err = scenario->aim ? ERR_OK : err_set(job->why, ERR_USAGE, "%s: --optimize needs optimize = { vary = ... } in the scenario", job->scenario);
    if (!err)
        err = search_run(fork, scenario, &def, &search, job->why);
    if (job->search_told)
        fprintf(stderr, "\r\033[K");
    if (err)
        return err;
    if (job->json) {
        Text text = {0};
        search_json(&search, &text);
        err = text.failed ? err_set(job->why, ERR_MEMORY, "no memory for the result") : ERR_OK;
        fputs(text.bytes ? text.bytes : "", stdout);
        text_fini(&text);
    } else {
        print_search(&search);
        err = print(job, search.forecast);
    }
    search_fini(&search);
    return err;
}

// --- what actuators were told --------------------------------------------------------------------------------------

typedef struct Told {
    HistoryCommand *commands;
    size_t count;
} Told;

static double told_last(const void *self, TagId tag)
{
    const Told *told = self;
    for (size_t i = 0; i < told->count; i++)
        if (told->commands[i].command.wish.tag == tag)
            return told->commands[i].command.wish.value;
    return NAN;
}

/* As the history has it at the time of the fork. */
static Err tell_fork(const Job *job, Fork *fork)
{
    HistoryReader *reader;
    Arena arena = {0};
    Told told;
    Err err = history_reader_open(job->history, fork->plant, &reader, job->why);
    if (!err)
        err = history_read_told(reader, fork->time, &arena, &told.commands, &told.count, job->why);
    if (!err)
        fork_tell(fork, told_last, &told);
    history_reader_close(reader);
    arena_fini(&arena);
    return err;
}

// --- a forecast ----------------------------------------------------------------------------------------------------

static Err forecast_from(Job *job, const Plant *plant, int64_t time)
{
    Scenario *scenario;
    Fork *fork = NULL;
    Forecast *forecast = NULL;
    Err err = scenario_read(job->scenario, plant, &scenario, job->why);
    if (err)
        return err;
    if (job->members)
        scenario->members = (uint32_t)job->members;
    if (job->seed >= 0)
        scenario->seed = (uint64_t)job->seed;

    job->bar_next = clock_system.elapsed_ns(clock_system.self) + NS_PER_S / 2;
    const ForecastDef def = {.threads = (size_t)job->threads, .rehearsal = &rehearse_kind, .stop = &stop_asked, .tell = draw_bar, .self = job};
    if (scenario->tape)
        err = follow_recording(job->scenario, plant, time, scenario, job->why);
    if (!err)
        err = scenario_fork(scenario, plant, time, &fork, job->why);
    if (!err && job->history)
        err = tell_fork(job, fork);
    if (!err && job->optimize) {
        err = optimize(job, fork, scenario);
    } else if (!err) {
        err = forecast_run(fork, scenario, &def, &forecast, job->why);
        clear_bar(job);
        if (!err)
            err = print(job, forecast);
    }
    forecast_destroy(forecast);
    fork_destroy(fork);
    scenario_destroy(scenario);
    return err;
}

// --- from where ----------------------------------------------------------------------------------------------------

static Err restore(const Job *job, Plant *plant, int64_t *time)
{
    HistoryResume resume;
    Err err = resume_read(job->history, plant, &resume, job->why);
    if (err)
        return err;
    if (resume.part_count == 0)
        err = err_set(job->why, ERR_UNKNOWN, "%s has no snapshot yet", job->history);
    else
        err = plant_restore(plant, resume.parts[0], resume.part_sizes[0], job->why);
    *time = resume.time;
    history_resume_fini(&resume);
    return err;
}

static Err forecast_from_newest(Job *job)
{
    Plant *plant;
    int64_t time = TIME_NONE;
    Err err = plant_load(job->plant, 1, &plant, job->why);
    if (err)
        return err;
    if (job->history)
        err = restore(job, plant, &time);
    if (!err)
        err = forecast_from(job, plant, time);
    plant_destroy(plant);
    return err;
}

/* How the moment was come to: how far the start can be trusted depends on it. */
static void tell_past(const Past *past)
{
    static const char *const starts[] = {[PAST_SNAPSHOT] = "the snapshot of", [PAST_ESTIMATES] = "the estimates of", [PAST_BEGINNING] = "the beginning of the history,"};
    char from[32];
    time_format(past->from, from);
    fprintf(stderr, "begins with %s %s and %zu samples behind it", starts[past->start], from, past->samples);
    if (past->start == PAST_SNAPSHOT)
        fprintf(stderr, ", as they ran then");
    if (past->unknown)
        fprintf(stderr, "; of %zu twins nothing was recorded there, they started as the script says", past->unknown);
    fputc('\n', stderr);
}

static Err forecast_from_past(Job *job)
{
    Past past;
    Err err = past_open(job->plant, job->history, job->from, &past, job->why);
    if (err)
        return err;
    tell_past(&past);
    err = forecast_from(job, past.app->plant, past.app->now);
    past_close(&past);
    return err;
}

static void note_tick(void *self, const App *app, Batch batch)
{
    Job *job = self;
    (void)batch;
    if (job->done || app->now < job->from)
        return;
    job->done = true;
    job->err = forecast_from(job, app->plant, app->now);
}

static Err forecast_from_tape(Job *job)
{
    const TapeRun run = {
        .plant = job->plant, .tape = job->tape, .threads = 1, .speed = INFINITY, .quiet = true, .until = job->from, .ticked = note_tick, .self = job};
    const Err err = tape_run(&run, job->why);
    if (err || job->err)
        return job->err ? job->err : err;
    return job->done ? ERR_OK : err_set(job->why, ERR_RANGE, "%s ends before %s", job->tape, job->at);
}

static Err forecast(Job *job)
{
    return job->tape ? forecast_from_tape(job) : job->at ? forecast_from_past(job) : forecast_from_newest(job);
}

// --- judged by a recording -----------------------------------------------------------------------------------------

static Err read_horizons(const Job *job, BacktestDef *out)
{
    const char *at = job->horizons;
    for (char *end = NULL; !end || *end == ','; at = end + 1) {
        if (out->horizon_count == BACKTEST_HORIZONS_MAX)
            return err_set(job->why, ERR_USAGE, "forecast: --horizon: expected %d at most", BACKTEST_HORIZONS_MAX);
        const double seconds = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(seconds > (out->horizon_count ? out->horizons[out->horizon_count - 1] : 0) && seconds <= 1e7))
            return err_set(job->why, ERR_USAGE, "forecast: --horizon: expected rising seconds as 60,300, got \"%s\"", job->horizons);
        out->horizons[out->horizon_count++] = seconds;
    }
    return ERR_OK;
}

static Err judge_forecasts(const Job *job)
{
    BacktestDef def = {
        .plant = job->plant,
        .tape = job->tape ? job->tape : job->history,
        .is_history = job->history != NULL,
        .events = job->events,
        .aftermath = job->aftermath * NS_PER_S,
        .settling = job->settling,
        .uncorrected = job->uncorrected,
        .every = (double)job->every,
        .members = job->members ? (uint32_t)job->members : 500,
        .seed = job->seed >= 0 ? (uint64_t)job->seed : 0,
        .threads = (size_t)job->threads,
    };
    Backtest backtest;
    if (!backtest_inputs_parse(job->inputs, &def.inputs))
        return err_set(job->why, ERR_USAGE, "forecast: --inputs: expected held, tape or controlled, got \"%s\"", job->inputs);
    Err err = read_horizons(job, &def);
    if (err)
        return err;
    err = backtest_run(&def, &backtest, job->why);
    if (!err && job->json)
        backtest_print_json(&backtest);
    else if (!err)
        backtest_print_table(&backtest);
    backtest_fini(&backtest);
    return err;
}

static Err check_backtest(const Job *job)
{
    if (!job->tape == !job->history || job->scenario || job->at || job->csv || job->svg || job->optimize)
        return err_set(job->why, ERR_USAGE, "forecast: --backtest needs --tape FILE or --history FILE, and no SCENARIO, --at, --csv, --svg or --optimize");
    if (job->members > BACKTEST_MEMBERS_MAX)
        return err_set(job->why, ERR_USAGE, "forecast: --backtest takes %d members at most", BACKTEST_MEMBERS_MAX);
    return ERR_OK;
}

// --- the command ---------------------------------------------------------------------------------------------------

static Err check(Job *job)
{
    if (job->backtest)
        return check_backtest(job);
    if (!job->scenario)
        return err_set(job->why, ERR_USAGE, "forecast: expected SCENARIO: what if, a Lua file, or one of JSON");
    if (job->tape && job->history)
        return err_set(job->why, ERR_USAGE, "forecast: --tape and --history exclude each other");
    if (job->tape && !job->at)
        return err_set(job->why, ERR_USAGE, "forecast: --tape FILE needs --at TIME, the moment at which the forecast begins");
    if (job->at && !job->tape && !job->history)
        return err_set(job->why, ERR_USAGE, "forecast: --at TIME needs --tape FILE or --history FILE, of which it is a moment");
    if (job->at && !time_parse(job->at, strlen(job->at), &job->from))
        return err_set(job->why, ERR_USAGE, "forecast: --at: expected a time as 2021-01-22T14:48:58Z, got \"%s\"", job->at);
    if (job->json && job->csv)
        return err_set(job->why, ERR_USAGE, "forecast: --json and --csv exclude each other");
    return ERR_OK;
}

int command_forecast(int argc, char **argv)
{
    ErrText why = {""};
    Job job = {.threads = 1, .seed = -1, .codegen = "auto", .horizons = "30,60,300,600", .inputs = "held", .every = 30, .aftermath = 180, .why = &why};
    const Option options[] = {
        {OPTION_OPERAND, "PLANT", NULL, "a plant script", &job.plant, 0, 0},
        {OPTION_OPERAND_MAYBE, "SCENARIO", NULL, "what if: a Lua file, or one of JSON", &job.scenario, 0, 0},
        {OPTION_TEXT, "history", "FILE", "begin at the newest snapshot of this history, or at a moment of it (--at)", &job.history, 0, 0},
        {OPTION_TEXT, "tape", "FILE", "begin at a moment of this recording (--at)", &job.tape, 0, 0},
        {OPTION_TEXT, "at", "TIME", "that moment, as 2021-01-22T14:48:58Z", &job.at, 0, 0},
        {OPTION_WHOLE, "members", "N", "instead of the scenario's", &job.members, 1, SCENARIO_MEMBERS_MAX},
        {OPTION_WHOLE, "seed", "N", "of the random numbers, instead of the scenario's", &job.seed, 0, INT32_MAX},
        {OPTION_WHOLE, "threads", "N", "threads that step the members (1)", &job.threads, 1, WORKERS_MAX},
        {OPTION_FLAG, "json", NULL, "print JSON instead of a table", &job.json, 0, 0},
        {OPTION_FLAG, "csv", NULL, "print CSV instead of a table", &job.csv, 0, 0},
        {OPTION_FLAG, "optimize", NULL, "look for the values that the scenario leaves open", &job.optimize, 0, 0},
        {OPTION_FLAG, "backtest", NULL, "judge forecasts by the recording or history, instead of a SCENARIO", &job.backtest, 0, 0},
        {OPTION_TEXT, "horizon", "LIST", "backtest: seconds ahead, as 60,300 (30,60,300,600)", &job.horizons, 0, 0},
        {OPTION_WHOLE, "every", "S", "backtest: seconds between two forecasts (30)", &job.every, 1, 86400},
        {OPTION_TEXT, "inputs", "HOW", "backtest: within the horizon held, as the tape says, or as the plant's control decides: held, tape, controlled (held)", &job.inputs, 0, 0},
        {OPTION_TEXT, "events", "FILE", "backtest: what happened, a CSV file; forecasts that meet it are left out", &job.events, 0, 0},
        {OPTION_WHOLE, "aftermath", "S", "backtest: seconds behind an event in which no forecast begins (180)", &job.aftermath, 0, 86400},
        {OPTION_FLAG, "settling", NULL, "backtest: forecasts of twins that are still settling count too", &job.settling, 0, 0},
        {OPTION_FLAG, "uncorrected", NULL, "backtest: forecasts learn nothing from the errors of those before", &job.uncorrected, 0, 0},
        {OPTION_TEXT, "svg", "FILE", "draw a fan chart", &job.svg, 0, 0},
        CODEGEN_OPTION(&job.codegen),
    };
    const OptionResult parsed = options_parse(&subcommand_forecast, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (check(&job) || codegen_begin(job.codegen, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    stop_on_signals();
    const Err err = job.backtest ? judge_forecasts(&job) : forecast(&job);
    codegen_end();
    return err ? subcommand_fail(EXIT_FAILED, &why) : EXIT_DONE;
}
