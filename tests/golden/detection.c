/* detection.c -- what becomes of faults: how soon they are noticed, whether their cause is named, and how often there is an alarm without one.
 *
 * Castor emulates three plants, with the differences from their models that their scripts declare. In each run one fault begins, and the first verdict
 * on its twin counts. Alarms are counted as episodes: from a verdict until there is none.
 *
 * detection          the whole table
 * detection --short  fewer seeds and hours, which tests compare with what is committed */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plant/castor.h"
#include "sync/sync.h"

enum { SEEDS_MAX = 16, SEED_BASE = 91000 };  // development looked at others
static const int64_t BEGIN = INT64_C(1700006400) * NS_PER_S;

typedef struct Case {
    const char *tag, *fault;  // as castor_add_fault takes them: TAG:FAULT
    Cause cause;
} Case;

typedef struct Scene {
    const char *plant;
    double at, within;  // s: when a fault begins, and until when it must have been noticed
    double quiet;       // h without any fault
    const Case *cases;
    size_t count;
} Scene;

static const Case waterworks[] = {
    {"clear.radar", "bias:0.03", CAUSE_BIAS},        {"tower.radar", "drift:-0.0004", CAUSE_DRIFT},     {"tower.radar", "stuck", CAUSE_STUCK},
    {"clear.bottom", "noise:6", CAUSE_NOISE},        {"main.flowmeter", "spike:3", CAUSE_SPIKES},       {"clear.bottom", "silence", CAUSE_SILENCE},
    {"basin_b.discharge", "factor:0.4", CAUSE_PROCESS}, {"filter_a.solids", "factor:120", CAUSE_PROCESS}, {"hamlet.leakage", "set:4", CAUSE_PROCESS},
    {"lift_1.wear", "set:0.3", CAUSE_PROCESS},       {"tower.leak", "set:30", CAUSE_PROCESS},           {"zone.capacity", "factor:0.5", CAUSE_PROCESS},
    {"main.fouling", "factor:3", CAUSE_PROCESS},     {"well_a.resistance", "factor:2", CAUSE_PROCESS},
};
static const Case hvac[] = {
    {"room_14.thermometer", "bias:1", CAUSE_BIAS},   {"room_14.thermometer", "drift:0.0004", CAUSE_DRIFT}, {"room_21.thermometer", "stuck", CAUSE_STUCK},
    {"boiler.flow", "noise:6", CAUSE_NOISE},         {"air.duct", "spike:3", CAUSE_SPIKES},                {"heat_11.surface", "silence", CAUSE_SILENCE},
    {"room_22.gains", "set:-1500", CAUSE_PROCESS},   {"heat_33.passes", "set:0.05", CAUSE_PROCESS},        {"air.recovery", "set:0.4", CAUSE_PROCESS},
    {"room_31.gains", "set:900", CAUSE_PROCESS},     {"room_12.C_air", "factor:0.3", CAUSE_PROCESS},       {"boiler.C", "factor:0.4", CAUSE_PROCESS},
};
static const Case incubator[] = {
    {"incubator.t2", "bias:1", CAUSE_BIAS},          {"incubator.t3", "drift:0.01", CAUSE_DRIFT},          {"incubator.t2", "stuck", CAUSE_STUCK},
    {"incubator.t3", "noise:8", CAUSE_NOISE},        {"incubator.t2", "spike:2", CAUSE_SPIKES},            {"incubator.t3", "silence", CAUSE_SILENCE},
    {"incubator.G_box", "factor:8", CAUSE_PROCESS},  {"incubator.G_box", "factor:2.5", CAUSE_PROCESS},     {"incubator.P_heater", "factor:0.3", CAUSE_PROCESS},
    {"incubator.G_heater", "factor:0.5", CAUSE_PROCESS}, {"incubator.C_air", "factor:3", CAUSE_PROCESS},   {"incubator.lag_t2", "factor:3", CAUSE_PROCESS},
};
#define SCENE(name, at, within, quiet) {POLLUX_SOURCE "/twins/plants/" #name ".lua", at, within, quiet, name, sizeof name / sizeof *name}
static const Scene scenes[] = {SCENE(waterworks, 1800, 900, 24), SCENE(hvac, 28800, 14400, 240), SCENE(incubator, 1500, 600, 24)};
enum { SCENES = sizeof scenes / sizeof *scenes };

/* Castor and the twins that follow him. */
typedef struct Run {
    Castor *castor;
    Plant *plant;
    Sync *sync;
} Run;

static void fail(const char *what, const ErrText *why)
{
    fprintf(stderr, "%s: %s\n", what, why ? why->text : "no memory");
    exit(1);
}

static Run run_open(const char *plant, uint64_t seed)
{
    Run run;
    ErrText why = {""};
    if (castor_create(plant, seed, false, &run.castor, &why) || plant_load(plant, 1, &run.plant, &why))
        fail(plant, &why);
    if (sync_create(run.plant, &run.sync))
        fail(plant, NULL);
    castor_begin(run.castor, BEGIN);
    sync_begin(run.sync, BEGIN);
    sync_file(run.sync, &(Arrival){.kind = ARRIVAL_JOINED, .provider = 1}, NULL);
    return run;
}

static void run_close(Run *run)
{
    sync_destroy(run->sync);
    plant_destroy(run->plant);
    castor_destroy(run->castor);
}

static double run_seconds(const Run *run)
{
    return (double)(castor_time(run->castor) - BEGIN) / (double)NS_PER_S;
}

static void run_step(Run *run)
{
    size_t count;
    Filed filed;
    ErrText why = {""};
    if (castor_step(run->castor, &why))
        fail("castor", &why);
    const Sample *samples = castor_samples(run->castor, &count);
    for (size_t i = 0; i < count; i++)
        sync_file(run->sync, &(Arrival){.kind = ARRIVAL_SAMPLE, .provider = 1, .sample = samples[i]}, &filed);
    const Batch batch = sync_collect(run->sync);
    plant_advance(run->plant);
    sync_correct(run->sync, run->plant, batch);
}

// --- faults --------------------------------------------------------------------------------------------------------

/* What became of a fault over all seeds. */
typedef struct Outcome {
    double delays[SEEDS_MAX];  // of those that were noticed
    int runs, noticed, right, named, early;
} Outcome;

static bool is_word(const char *text, const char *word)
{
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        const char before = at == text ? ' ' : at[-1], after = at[strlen(word)];
        if (strchr(" (,:", before) && (after == 0 || strchr(" (),:", after)))
            return true;
    }
    return false;
}

/* One run. A verdict on the twin that was there before the fault speaks of something else. */
static void try_fault(const Scene *scene, const Case *what, uint64_t seed, Outcome *outcome)
{
    char fault[128], twin[64];
    ErrText why = {""};
    Run run = run_open(scene->plant, seed);
    snprintf(fault, sizeof fault, "%s:%s@%.9g", what->tag, what->fault, scene->at);
    snprintf(twin, sizeof twin, "%.*s", (int)strcspn(what->tag, "."), what->tag);
    if (castor_add_fault(run.castor, fault, &why))
        fail(fault, &why);
    const uint32_t index = (uint32_t)plant_find(run.plant, twin);
    while (run_seconds(&run) < scene->at)
        run_step(&run);

    outcome->runs++;
    outcome->early += sync_verdict(run.sync, index)->kind != VERDICT_NONE;
    while (run_seconds(&run) < scene->at + scene->within && sync_verdict(run.sync, index)->kind == VERDICT_NONE)
        run_step(&run);
    const Verdict *verdict = sync_verdict(run.sync, index);
    if (verdict->kind != VERDICT_NONE) {
        const bool named = is_word(verdict->text + strlen(twin), strchr(what->tag, '.') + 1);
        outcome->delays[outcome->noticed++] = run_seconds(&run) - scene->at;
        outcome->named += named;
        outcome->right += named && verdict->cause == what->cause;
        if (getenv("DETECTION_TEXTS"))
            fprintf(stderr, "%s +%g s: %s: %s\n", fault, run_seconds(&run) - scene->at, cause_name(verdict->cause), verdict->text);
    }
    run_close(&run);
}

static int by_size(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print_case(const Scene *scene, const Case *what, int seeds)
{
    Outcome outcome = {0};
    for (int i = 0; i < seeds; i++)
        try_fault(scene, what, (uint64_t)(SEED_BASE + i), &outcome);
    qsort(outcome.delays, (size_t)outcome.noticed, sizeof *outcome.delays, by_size);
    char median[32] = "-", worst[32] = "-";
    if (outcome.noticed) {
        snprintf(median, sizeof median, "%.4g", outcome.delays[(outcome.noticed - 1) / 2]);
        snprintf(worst, sizeof worst, "%.4g", outcome.delays[outcome.noticed - 1]);
    }
    printf("| %s %s | %s | %s | %s | %d of %d | %d | %d |\n", what->tag, what->fault, cause_name(what->cause), median, worst, outcome.runs - outcome.noticed, outcome.runs, outcome.right,
           outcome.named);
    fflush(stdout);
}

// --- nothing is wrong ----------------------------------------------------------------------------------------------

static void print_quiet(const Scene *scene, double hours, uint64_t seed)
{
    Run run = run_open(scene->plant, seed);
    bool *parted = calloc(run.plant->twin_count, sizeof *parted);
    int episodes = 0;
    double longest = 0;
    if (!parted)
        fail(scene->plant, NULL);
    for (double since = 0; run_seconds(&run) < hours * 3600;) {
        run_step(&run);
        for (uint32_t twin = 0; twin < run.plant->twin_count; twin++) {
            const bool is = sync_verdict(run.sync, twin)->kind != VERDICT_NONE;
            if (is && !parted[twin])
                since = run_seconds(&run), episodes++;
            longest = is ? fmax(longest, run_seconds(&run) - since) : longest;
            parted[twin] = is;
        }
    }
    const double days = hours / 24 * run.plant->twin_count;
    printf("| all %u twins without a fault, %g h | %d false in %.3g days of a twin | %.3g a day | longest %.4g s |\n", run.plant->twin_count, hours, episodes, days, episodes / days, longest);
    free(parted);
    run_close(&run);
}

static void print_scene(const Scene *scene, int seeds, double share)
{
    const char *name = strrchr(scene->plant, '/') + 1;
    printf("\n## %.*s\n\n| fault | cause | median delay, s | worst | missed | right cause | named |\n| --- | --- | --- | --- | --- | --- | --- |\n", (int)strcspn(name, "."), name);
    for (size_t i = 0; i < scene->count; i++)
        print_case(scene, &scene->cases[i], seeds);
    printf("\n| nothing is wrong | episodes | rate | |\n| --- | --- | --- | --- |\n");
    print_quiet(scene, scene->quiet * share, SEED_BASE + SEEDS_MAX);
}

int main(int argc, char **argv)
{
    const bool is_short = argc > 1 && strcmp(argv[1], "--short") == 0;
    if (argc > 2 || (argc == 2 && !is_short)) {
        fprintf(stderr, "usage: detection [--short]\n");
        return 2;
    }
    program_thread_init();
    log_set_level(LOG_ERROR);
    const int seeds = is_short ? 1 : 8;
    printf("# What becomes of faults\n\nMade by `scripts/detection%s`. %d seed%s from %d on, which development did not look at.\n"
           "A cause is *right* when it is this one and the sensor, or the value that moved, is the first or an equal of what the verdict says;\n"
           "*named* is the culprit wherever the text has it. The delay is in seconds of plant time; a fault may lie idle until something moves.\n", is_short ? " --short" : "", seeds,
           seeds == 1 ? "" : "s", SEED_BASE);
    for (size_t i = 0; i < SCENES; i++)
        print_scene(&scenes[i], seeds, is_short ? 1.0 / 12 : 1);
    return 0;
}
