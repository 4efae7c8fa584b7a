/* score.c -- pollux score: how well does a plant follow a recording whose events are known? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/tape_run.h"

const Subcommand subcommand_score = {
    "score", "run a plant on a recording and judge its divergence alarms and predictions",
    "The events come in pairs, the beginning and the end of something that twin and asset must part over (columns time, event).\n"
    "An alarm finds an event when it is raised between the event's beginning (give or take the tolerance) and its end, or if it\n"
    "stands already. An alarm raised at any other time is a false episode, unless within 3 minutes of an end, the time that an\n"
    "alarm may take to return. The one-step errors are the innovations: sample minus what was expected, before it was used.",
    command_score};

enum { EPISODES_MAX = 4096 };
static const int64_t AFTERMATH_NS = 180 * NS_PER_S;

/* From raised to returned. */
typedef struct Episode {
    uint64_t alarm;
    int64_t raised, returned;  // returned is TIME_NONE while it stands
    char text[ALARM_TEXT];
} Episode;

typedef struct Errors {
    double squares, nis;
    size_t count;
} Errors;

typedef struct Score {
    const TapeEvent *events;  // pairs
    size_t event_count;
    int64_t tolerance;
    Episode episodes[EPISODES_MAX];
    size_t episode_count;
    uint64_t dropped;  // episodes beyond EPISODES_MAX
    Errors calm;    // outside events and their aftermath
    Errors strict;  // outside events alone
    Errors all;
    int64_t first, last;
    uint64_t hash;
    const char *unit;
} Score;

static void note_alarms(Score *score, const App *app)
{
    size_t count;
    const Alarm *alarms = alarms_list(app->alarms, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(alarms[i].name, "divergence") != 0)
            continue;
        Episode *episode = NULL;
        for (size_t e = score->episode_count; e-- > 0 && !episode;)
            if (score->episodes[e].alarm == alarms[i].id)
                episode = &score->episodes[e];
        if (!episode && score->episode_count == EPISODES_MAX) {
            score->dropped++;
            continue;
        }
        if (!episode)
            episode = &score->episodes[score->episode_count++];
        *episode = (Episode){.alarm = alarms[i].id, .raised = alarms[i].raised, .returned = alarms[i].returned};
        memcpy(episode->text, alarms[i].text, sizeof episode->text);
    }
}

static bool within_event(const Score *score, int64_t time, int64_t aftermath)
{
    for (size_t i = 0; i + 1 < score->event_count; i += 2)
        if (time >= score->events[i].time - score->tolerance && time <= score->events[i + 1].time + score->tolerance + aftermath)
            return true;
    return false;
}

static void add_error(Errors *errors, double innovation, double sd)
{
    errors->squares += innovation * innovation;
    errors->nis += innovation * innovation / (sd * sd);
    errors->count++;
}

static void note_innovations(Score *score, const App *app, Batch batch)
{
    for (size_t i = 0; i < batch.count; i++) {
        const Place place = plant_place(app->plant, batch.items[i].sample.tag);
        const Model *model = plant_model(app->plant, place.twin);
        for (uint16_t s = 0; s < model->sensor_count; s++) {
            double innovation, sd;
            if (model->sensors[s].channel != place.channel || !sync_innovation(app->sync, place.twin, s, &innovation, &sd))
                continue;
            const Unit *unit = model->channels[place.channel].unit;
            const int64_t time = batch.items[i].sample.time;
            innovation = unit_scale_from_si(unit, innovation);
            sd = unit_scale_from_si(unit, sd);
            score->unit = unit_name(unit);
            add_error(&score->all, innovation, sd);
            if (!within_event(score, time, 0))
                add_error(&score->strict, innovation, sd);
            if (!within_event(score, time, AFTERMATH_NS))
                add_error(&score->calm, innovation, sd);
        }
    }
}

static void note_tick(void *self, const App *app, Batch batch)
{
    Score *score = self;
    if (score->first == TIME_NONE)
        score->first = app->now;
    score->last = app->now;
    note_innovations(score, app, batch);
    note_alarms(score, app);
    score->hash = hash_bytes(score->hash, &(uint64_t){plant_hash(app->plant)}, sizeof(uint64_t));
}

// --- the report ----------------------------------------------------------------------------------------------------

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static double rms(const Errors *errors)
{
    return errors->count ? sqrt(errors->squares / (double)errors->count) : NAN;
}

static double mean_nis(const Errors *errors)
{
    return errors->count ? errors->nis / (double)errors->count : NAN;
}

/* The episode that finds event `i`, or NULL. */
static const Episode *finder(const Score *score, size_t i)
{
    const int64_t begin = score->events[i].time - score->tolerance, end = score->events[i + 1].time + score->tolerance;
    for (size_t e = 0; e < score->episode_count; e++)
        if (score->episodes[e].raised >= begin && score->episodes[e].raised <= end)
            return &score->episodes[e];
    return NULL;
}

static bool is_false(const Score *score, const Episode *episode)
{
    return !within_event(score, episode->raised, AFTERMATH_NS);
}

static size_t count_false(const Score *score)
{
    size_t count = 0;
    for (size_t e = 0; e < score->episode_count; e++)
        count += is_false(score, &score->episodes[e]);
    return count;
}

static size_t count_missed(const Score *score)
{
    size_t count = 0;
    for (size_t i = 0; i + 1 < score->event_count; i += 2)
        count += finder(score, i) == NULL;
    return count;
}

static void print_errors(const char *what, const Errors *errors, const char *unit)
{
    printf("  %-44s %8zu samples   RMS %7.4f %s   mean NIS %.2f\n", what, errors->count, rms(errors), unit, mean_nis(errors));
}

static void print_table(const Score *score)
{
    printf("recording: %.0f s; times below are seconds from its beginning\n\n", seconds(score->last - score->first));
    printf("  %-22s %9s %9s %9s %9s %9s %14s\n", "event", "begins", "ends", "raised", "delay", "returned", "after the end");
    for (size_t i = 0; i + 1 < score->event_count; i += 2) {
        const Episode *episode = finder(score, i);
        const int64_t begin = score->events[i].time, end = score->events[i + 1].time;
        printf("  %-22.22s %9.1f %9.1f ", score->events[i].name, seconds(begin - score->first), seconds(end - score->first));
        if (!episode)
            printf("%9s\n", "missed");
        else if (episode->returned == TIME_NONE)
            printf("%9.1f %9.1f %9s\n", seconds(episode->raised - score->first), seconds(episode->raised - begin), "stands");
        else
            printf("%9.1f %9.1f %9.1f %14.1f\n", seconds(episode->raised - score->first), seconds(episode->raised - begin), seconds(episode->returned - score->first),
                   seconds(episode->returned - end));
    }
    for (size_t e = 0; e < score->episode_count; e++)
        if (is_false(score, &score->episodes[e]))
            printf("  %-22s %9s %9s %9.1f   %s\n", "FALSE EPISODE", "", "", seconds(score->episodes[e].raised - score->first), score->episodes[e].text);

    printf("\n  found %zu of %zu, missed %zu, false episodes %zu\n\none-step prediction errors of the sensors:\n", score->event_count / 2 - count_missed(score), score->event_count / 2,
           count_missed(score), count_false(score));
    print_errors("outside events and 3 minutes after", &score->calm, score->unit);
    print_errors("outside events", &score->strict, score->unit);
    print_errors("all", &score->all, score->unit);
    printf("\nhash over all ticks: %016llx\n", (unsigned long long)score->hash);
}

static void json_errors(Text *text, const char *name, const Errors *errors)
{
    text_format(text, ",\"%s\":{\"samples\":%zu,\"rms\":", name, errors->count);
    text_json_number(text, rms(errors));
    text_put(text, ",\"nis\":");
    text_json_number(text, mean_nis(errors));
    text_put(text, "}");
}

static void json_event(Text *text, const Score *score, size_t i)
{
    const Episode *episode = finder(score, i);
    text_put(text, i ? ",{\"event\":" : "{\"event\":");
    text_json_string(text, score->events[i].name);
    text_format(text, ",\"begin\":%lld,\"end\":%lld,\"found\":%s", (long long)score->events[i].time, (long long)score->events[i + 1].time, episode ? "true" : "false");
    if (episode)
        text_format(text, ",\"raised\":%lld,\"delay\":%.3f", (long long)episode->raised, seconds(episode->raised - score->events[i].time));
    if (episode && episode->returned != TIME_NONE)
        text_format(text, ",\"returned\":%lld,\"returned_after_end\":%.3f", (long long)episode->returned, seconds(episode->returned - score->events[i + 1].time));
    text_put(text, "}");
}

static void print_json(const Score *score)
{
    Text text = {0};
    text_put(&text, "{\"events\":[");
    for (size_t i = 0; i + 1 < score->event_count; i += 2)
        json_event(&text, score, i);
    text_put(&text, "],\"episodes\":[");
    for (size_t e = 0; e < score->episode_count; e++) {
        const Episode *episode = &score->episodes[e];
        text_format(&text, "%s{\"raised\":%lld,\"returned\":", e ? "," : "", (long long)episode->raised);
        if (episode->returned == TIME_NONE)
            text_put(&text, "null");
        else
            text_format(&text, "%lld", (long long)episode->returned);
        text_format(&text, ",\"false\":%s,\"text\":", is_false(score, episode) ? "true" : "false");
        text_json_string(&text, episode->text);
        text_put(&text, "}");
    }
    text_format(&text, "],\"found\":%zu,\"missed\":%zu,\"false_episodes\":%zu", score->event_count / 2 - count_missed(score), count_missed(score), count_false(score));
    json_errors(&text, "calm", &score->calm);
    json_errors(&text, "outside_events", &score->strict);
    json_errors(&text, "all", &score->all);
    text_format(&text, ",\"hash\":\"%016llx\"}\n", (unsigned long long)score->hash);
    fputs(text.bytes ? text.bytes : "", stdout);
    text_fini(&text);
}

static Err read_events(const char *path, Arena *arena, Score *score, ErrText *why)
{
    TapeEvent *events;
    const Err err = tape_read_events(path, arena, &events, &score->event_count, why);
    if (err)
        return err;
    if (score->event_count % 2)
        return err_set(why, ERR_PARSE, "%s: expected pairs of events, a beginning and an end; there are %zu", path, score->event_count);
    score->events = events;
    return ERR_OK;
}

int command_score(int argc, char **argv)
{
    const char *plant = NULL, *tape = NULL, *events = NULL;
    long threads = 1, tolerance = 5;
    bool json = false;
    const char *codegen = "auto";
    const Option options[] = {
        {OPTION_OPERAND, "PLANT", NULL, "a plant script", &plant, 0, 0},
        {OPTION_TEXT, "tape", "FILE", "the recording, a CSV file (required)", &tape, 0, 0},
        {OPTION_TEXT, "events", "FILE", "what happened in it, a CSV file (none: every alarm is false)", &events, 0, 0},
        {OPTION_WHOLE, "tolerance", "S", "seconds by which the times of the events may be off (5)", &tolerance, 0, 3600},
        {OPTION_WHOLE, "threads", "N", "threads that step the twins (1)", &threads, 1, 64},
        {OPTION_FLAG, "json", NULL, "print JSON instead of a table", &json, 0, 0},
        CODEGEN_OPTION(&codegen),
    };
    const OptionResult parsed = options_parse(&subcommand_score, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    if (!tape) {
        err_set(&why, ERR_USAGE, "score: expected --tape FILE, the recording (pollux score --help)");
        return options_fail(EXIT_USAGE, &why);
    }
    if (codegen_begin(codegen, &why))
        return options_fail(EXIT_USAGE, &why);
    Score *score = mem_alloc(sizeof *score);
    Arena arena = {0};
    Err err = score ? ERR_OK : err_set(&why, ERR_MEMORY, "no memory");
    if (!err) {
        score->tolerance = tolerance * NS_PER_S;
        score->first = TIME_NONE;
        score->unit = "";
    }
    if (!err && events)
        err = read_events(events, &arena, score, &why);

    stop_on_signals();
    const TapeRun run = {.plant = plant, .tape = tape, .threads = (size_t)threads, .speed = INFINITY, .quiet = true, .ticked = note_tick, .self = score};
    if (!err)
        err = tape_run(&run, &why);
    codegen_end();
    if (!err && json)
        print_json(score);
    else if (!err)
        print_table(score);
    arena_fini(&arena);
    mem_free(score);
    return err ? options_fail(EXIT_FAILED, &why) : EXIT_DONE;
}
