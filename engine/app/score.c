/* score.c -- pollux score: how well does a plant follow a recording whose events are known? */
#include "app/score.h"

#include <math.h>
#include <string.h>

#include "app/commands.h"
#include "app/free_run.h"
#include "app/incidents.h"
#include "app/tape_run.h"

const Subcommand subcommand_score = {
    "score", "run a plant on a recording and judge its divergence alarms and predictions",
    "The events come in pairs, the beginning and the end of something that twin and asset must part over (columns time, event; where there are\n"
    "such, twin, whom it happens to, and cause, which a verdict should name: process, sensor, silence). An alarm finds an event when it is the first\n"
    "to be raised between its beginning and its end (give or take the tolerance). One that stands already finds nothing, and one that is raised\n"
    "while nothing happens is a false episode, whatever it stands into.\n\n"
    "Per sensor: one-step errors are the innovations, sample minus what was expected before it was used. Their normalised squares (NIS) should have\n"
    "the mean 1, within the bounds; each should not be correlated with the next (lag 1: 0). Simulated: the errors of a model that is given the\n"
    "inputs alone, from the states that the script declares on. Restarted: the same from the states that the twin had found when it had settled,\n"
    "and anew behind each event.",
    command_score};

enum { EPISODES_MAX = 4096 };
static const int64_t AFTERMATH_NS = 180 * NS_PER_S;
_Static_assert((int)EPISODE_TEXT >= (int)ALARM_TEXT, "an episode keeps the text of its alarm");

// --- what is seen at each tick -------------------------------------------------------------------------------------

static void note_episode(Score *score, const App *app, size_t index, const Alarm *alarm)
{
    Episode *episode = &score->episodes[index];
    episode->alarm = alarm->id;
    episode->twin = score->simulated->twins[alarm->twin].name;
    episode->raised = alarm->raised;
    episode->returned = alarm->returned;
    memcpy(episode->text, alarm->text, sizeof alarm->text);
    const VerdictKind kind = sync_verdict(app->sync, alarm->twin)->kind;
    if (alarm->returned == TIME_NONE && kind != VERDICT_NONE)
        episode->cause = kind;
}

/* Alarms and episodes both stand in the order of their ids. */
static void note_alarms(Score *score, const App *app)
{
    size_t count, e = 0;
    const Alarm *alarms = alarms_list(app->alarms, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(alarms[i].name, "divergence") != 0)
            continue;
        while (e < score->episode_count && score->episodes[e].alarm < alarms[i].id)
            e++;
        if (e == EPISODES_MAX) {
            score->dropped += alarms[i].raised == app->now;
            continue;
        }
        if (e == score->episode_count)
            score->episode_count++;
        note_episode(score, app, e, &alarms[i]);
    }
}

static bool is_calm(const Score *score, const char *twin, int64_t time, int64_t aftermath)
{
    return !incident_is_on(score->incidents, score->incident_count, twin, time, score->tolerance, aftermath);
}

static void note_error(Accuracy *accuracy, bool counts, double error, double sd)
{
    if (counts)
        accuracy_add(accuracy, error, sd);
    else
        accuracy_break(accuracy);
}

static void note_sensor(Score *score, const App *app, const Sample *sample, uint16_t sensor)
{
    const uint32_t twin = plant_place(app->plant, sample->tag).twin;
    const char *name = app->plant->twins[twin].name;
    SensorScore *of = &score->sensors[score->first_sensor[twin] + sensor];
    const bool outside = is_calm(score, name, sample->time, 0), calm = outside && is_calm(score, name, sample->time, AFTERMATH_NS);

    note_error(&of->simulated, calm, free_run_residual(score->simulated, sample, sensor), 1);
    note_error(&of->restarted, calm && score->running[twin], free_run_residual(score->restarted, sample, sensor), 1);

    double innovation, sd;
    Quality quality;
    if (sync_sample_time(app->sync, sample->tag, &quality) != sample->time || !sync_innovation(app->sync, twin, sensor, &innovation, &sd)) {
        score->overtaken++;
        return;
    }
    note_error(&of->one_step[SPAN_CALM], calm, innovation, sd);
    note_error(&of->one_step[SPAN_OUTSIDE], outside, innovation, sd);
    note_error(&of->one_step[SPAN_ALL], true, innovation, sd);
}

static void note_sample(Score *score, const App *app, const Sample *sample)
{
    const Place place = plant_place(app->plant, sample->tag);
    const Model *model = plant_model(app->plant, place.twin);
    for (uint16_t s = 0; s < model->sensor_count; s++)
        if (model->sensors[s].channel == place.channel) {
            note_sensor(score, app, sample, s);
            return;
        }
    plant_set(score->simulated, sample->tag, sample->value);
    plant_set(score->restarted, sample->tag, sample->value);
}

/* Twins that have settled, and to which nothing happens, are let go from where they are. */
static void restart(Score *score, const App *app)
{
    bool any = false;
    for (uint32_t twin = 0; twin < app->plant->twin_count; twin++) {
        const bool was = score->running[twin];
        if (was && score->incident_count == 0)
            continue;
        score->running[twin] = is_calm(score, app->plant->twins[twin].name, app->now, AFTERMATH_NS) && !sync_is_settling(app->sync, twin);
        if (was || !score->running[twin])
            continue;
        free_run_restart(score->restarted, app->plant, twin);
        any = true;
    }
    if (any)
        plant_derive(score->restarted);
}

static void note_tick(void *self, const App *app, Batch batch)
{
    Score *score = self;
    if (score->first == TIME_NONE)
        score->first = app->now;
    score->last = app->now;
    plant_advance(score->simulated);
    plant_advance(score->restarted);
    for (size_t i = 0; i < batch.count; i++)
        note_sample(score, app, &batch.items[i].sample);
    restart(score, app);
    note_alarms(score, app);
    score->hash = hash_bytes(score->hash, &(uint64_t){plant_hash(app->plant)}, sizeof(uint64_t));
}

// --- life ----------------------------------------------------------------------------------------------------------

static bool list_sensors(Score *score)
{
    const Plant *plant = score->simulated;
    Arena *arena = &score->arena;
    score->running = arena_new(arena, bool, plant->twin_count);
    score->first_sensor = arena_new(arena, uint32_t, plant->twin_count);
    if (!score->running || !score->first_sensor)
        return false;
    for (uint32_t twin = 0; twin < plant->twin_count; twin++) {
        score->first_sensor[twin] = (uint32_t)score->sensor_count;
        score->sensor_count += plant_model(plant, twin)->sensor_count;
    }
    score->sensors = arena_new(arena, SensorScore, score->sensor_count + 1);
    for (uint32_t twin = 0; score->sensors && twin < plant->twin_count; twin++) {
        const Model *model = plant_model(plant, twin);
        for (uint16_t s = 0; s < model->sensor_count; s++) {
            SensorScore *of = &score->sensors[score->first_sensor[twin] + s];
            of->tag = plant_tag(plant, twin, model->sensors[s].channel);
            of->unit = model->channels[model->sensors[s].channel].unit;
        }
    }
    return score->sensors != NULL;
}

static Err begin(Score *score, const ScoreDef *def, ErrText *why)
{
    *score = (Score){.tolerance = def->tolerance, .first = TIME_NONE, .last = TIME_NONE};
    Err err = free_run_load(def->plant, &score->simulated, why);
    if (!err)
        err = free_run_load(def->plant, &score->restarted, why);
    if (err)
        return err;
    score->episodes = arena_new(&score->arena, Episode, EPISODES_MAX);
    if (!score->episodes || !list_sensors(score))
        return err_set(why, ERR_MEMORY, "%s: no memory to score it", def->plant);
    return def->events ? incidents_read(def->events, score->simulated, &score->arena, &score->incidents, &score->incident_count, why) : ERR_OK;
}

Err score_recording(const ScoreDef *def, Score *out, ErrText *why)
{
    const TapeRun run = {.plant = def->plant, .tape = def->tape, .threads = def->threads, .speed = INFINITY, .quiet = true, .between = def->between,
                         .ticked = note_tick, .self = out};
    Err err = begin(out, def, why);
    if (!err)
        err = tape_run(&run, why);
    if (!err && out->first == TIME_NONE)
        err = err_set(why, ERR_RANGE, "%s: there is no sample in the columns that the plant maps", def->tape);
    if (!err)
        out->judgement = judge_episodes(out->incidents, out->incident_count, out->episodes, out->episode_count, out->tolerance);
    return err;
}

void score_fini(Score *score)
{
    plant_destroy(score->simulated);
    plant_destroy(score->restarted);
    arena_fini(&score->arena);
}

// --- the command ---------------------------------------------------------------------------------------------------

static int print_score(const ScoreDef *def, bool json)
{
    Score score;
    ErrText why;
    const Err err = score_recording(def, &score, &why);
    if (!err && json)
        score_print_json(&score);
    else if (!err)
        score_print_table(&score);
    score_fini(&score);
    return err ? subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why) : EXIT_DONE;
}

int command_score(int argc, char **argv)
{
    ScoreDef def = {0};
    long threads = 1, tolerance = 5;
    bool json = false;
    const char *codegen = "auto";
    const Option options[] = {
        {OPTION_OPERAND, "PLANT", NULL, "a plant script", &def.plant, 0, 0},
        {OPTION_TEXT, "tape", "FILE", "the recording, a CSV file (required)", &def.tape, 0, 0},
        {OPTION_TEXT, "events", "FILE", "what happened in it, a CSV file (none: every alarm is false)", &def.events, 0, 0},
        {OPTION_WHOLE, "tolerance", "S", "seconds by which the times of the events may be off (5)", &tolerance, 0, 3600},
        {OPTION_TEXT, "between", "HOW", "inputs between samples: hold, linear or band (as the script says)", &def.between, 0, 0},
        {OPTION_WHOLE, "threads", "N", "threads that step the twins (1)", &threads, 1, 64},
        {OPTION_FLAG, "json", NULL, "print JSON instead of a table", &json, 0, 0},
        CODEGEN_OPTION(&codegen),
    };
    const OptionResult parsed = options_parse(&subcommand_score, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    if (!def.tape) {
        err_set(&why, ERR_USAGE, "score: expected --tape FILE, the recording (pollux score --help)");
        return subcommand_fail(EXIT_USAGE, &why);
    }
    if (codegen_begin(codegen, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    stop_on_signals();
    def.threads = (size_t)threads;
    def.tolerance = tolerance * NS_PER_S;
    const int status = print_score(&def, json);
    codegen_end();
    return status;
}
