/* calibrate.c -- pollux calibrate: parameters learnt from recordings. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "connectors/tape/tape.h"
#include "fit/fit.h"

const Subcommand subcommand_calibrate = {
    "calibrate", "fit parameters of a plant to recordings",
    "NAMES are parameters, separated by commas: TWIN.NAME is that of one twin; NAME alone, or a pattern (cell_*.NAME), is one value that\n"
    "all twins share which have it. NAME@start is a state where a recording begins, of each recording its own; @start means all of them that\n"
    "have an sd. What is known of a value enters by its sd in the script, or by --prior NAME=VALUE+-SD (NAME=none: nothing is known).\n"
    "The error of prediction compares each sample with what the filter expected, and is what to fit a twin by that samples correct; the error of\n"
    "simulation leaves the model to itself from the beginning of a recording, so fit its start too. Every sample counts: take recordings without faults.\n"
    "Ctrl-C ends the search with the best so far. For example:\n\n"
    "  pollux calibrate incubator.lua --tape monday.csv --tape tuesday.csv --fit G_box,C_air,T_box@start --write incubator.fitted.lua\n\n"
    "and in the plant: parameters = \"incubator.fitted.lua\".",
    command_calibrate};

enum { NAMES_MAX = 256, NAMES_ROOM = 8192, CORRELATIONS_SHOWN = 10 };
#define CORRELATION_SHOWN 0.9

/* What the command works on. */
typedef struct Calibration {
    Plant *plant;
    Sample *samples[OPTION_LIST_MAX];
    FitTape tapes[OPTION_LIST_MAX];
    size_t tape_count;
    char text[NAMES_ROOM];  // the names, taken apart
    const char *names[NAMES_MAX];
    size_t name_count;
    double seconds;
} Calibration;

// --- what goes in --------------------------------------------------------------------------------------------------

/* Everything that the recording says, as a plant beside it would hear it. */
static Err play(Tape *tape, FitTape *out, Sample **samples)
{
    size_t room = 0;
    while (!tape_at_end(tape)) {
        Arrival arrival;
        if (tape_connector.poll(tape, &arrival, 1) == 0 || arrival.kind != ARRIVAL_SAMPLE)
            continue;
        if (out->count == room) {
            const size_t more = room ? 2 * room : 1024;
            Sample *grown = mem_grow(*samples, room * sizeof *grown, more * sizeof *grown);
            if (!grown)
                return ERR_MEMORY;
            *samples = grown;
            room = more;
        }
        (*samples)[out->count++] = arrival.sample;
    }
    out->samples = *samples;
    return ERR_OK;
}

static Err read_tape(Calibration *calibration, const char *path, ErrText *why)
{
    const size_t index = calibration->tape_count++;
    FitTape *out = &calibration->tapes[index];
    Tape *tape;
    out->name = path;
    Err err = tape_open(path, &calibration->plant->recording, &tape, why);
    if (err)
        return err;
    if (play(tape, out, &calibration->samples[index]))
        err = err_set(why, ERR_MEMORY, "%s: out of memory", path);
    tape_close(tape);
    return err;
}

/* "G_box,C_air" are two names. */
static Err split_names(Calibration *calibration, const OptionList *fit, ErrText *why)
{
    size_t used = 0;
    for (size_t i = 0; i < fit->count; i++)
        for (const char *name = fit->items[i], *end; name; name = *end ? end + 1 : NULL) {
            end = name + strcspn(name, ",");
            const size_t length = (size_t)(end - name);
            if (length == 0)
                return err_set(why, ERR_USAGE, "--fit %s: expected names, separated by commas", fit->items[i]);
            if (calibration->name_count == NAMES_MAX || used + length + 1 > NAMES_ROOM)
                return err_set(why, ERR_USAGE, "--fit: too many names, %d is the most", NAMES_MAX);
            calibration->names[calibration->name_count++] = memcpy(calibration->text + used, name, length);
            calibration->text[used + length] = 0;
            used += length + 1;
        }
    return ERR_OK;
}

static Err prepare(Calibration *calibration, const char *script, size_t threads, const OptionList *tapes, const OptionList *fit, ErrText *why)
{
    ScriptKind kind;
    Err err = script_kind(script, &kind, why);
    if (!err && kind == SCRIPT_MODEL)
        err = err_set(why, ERR_USAGE, "%s: expected a plant, this is a model: recordings belong to plants", script);
    if (!err)
        err = split_names(calibration, fit, why);
    if (!err)
        err = plant_load(script, threads, &calibration->plant, why);
    if (!err && calibration->plant->recording.count == 0)
        err = err_set(why, ERR_USAGE, "%s: the plant has no tape = { columns = ... }, so a recording's columns have no tags", script);
    for (size_t i = 0; i < tapes->count && !err; i++)
        err = read_tape(calibration, tapes->items[i], why);
    return err;
}

static void release(Calibration *calibration)
{
    for (size_t i = 0; i < calibration->tape_count; i++)
        mem_free(calibration->samples[i]);
    plant_destroy(calibration->plant);
    mem_free(calibration);
}

// --- on the way ----------------------------------------------------------------------------------------------------

static void show_progress(void *self, const FitProgress *progress)
{
    (void)self;
    fprintf(stderr, "\rround %d, %zu of %zu searches go on, best cost %.6g   ", progress->round, progress->going, progress->starts, progress->cost);
}

static void end_progress(void)
{
    fprintf(stderr, "\r%78s\r", "");
}

// --- what comes out ------------------------------------------------------------------------------------------------

static const char *end_text(const FitUnknown *unknown)
{
    return unknown->end == FIT_AT_MIN ? "at its min" : unknown->end == FIT_AT_MAX ? "at its max" : "";
}

/* How the search ended, for people. */
static const char *state_text(const Fit *fit)
{
    if (fit->stopped)
        return "stopped: the best so far";
    return fit->state == SEARCH_DONE    ? "nothing is left to gain"
           : fit->state == SEARCH_SPENT ? "the last step allowed was taken: more would go on"
                                        : "stuck: the error does not follow its slope any more";
}

static double rms(const FitSensor *sensor)
{
    return sensor->samples ? sqrt(sensor->squares / (double)sensor->samples) : NAN;
}

static double mean_nis(const FitSensor *sensor)
{
    return sensor->samples ? sensor->normalised / (double)sensor->samples : NAN;
}

static void print_unknowns(const Fit *fit)
{
    printf("  %-32s %-10s %12s %12s %12s\n", "value", "unit", "before", "after", "std. error");
    for (size_t i = 0; i < fit->unknown_count; i++) {
        const FitUnknown *unknown = &fit->unknowns[i];
        printf("  %-32s %-10s %12.6g %12.6g ", unknown->name, unit_name(unknown->unit), unit_from_si(unknown->unit, unknown->before),
               unit_from_si(unknown->unit, unknown->after));
        if (unknown->end != FIT_FREE)
            printf("%12s\n", end_text(unknown));
        else if (isinf(unknown->sd))
            printf("%12s\n", "unknown");
        else
            printf("%12.3g\n", unit_scale_from_si(unknown->unit, unknown->sd));
    }
}

static void print_errors(const Fit *fit, FitError error)
{
    const FitQuality *before = &fit->before[error], *after = &fit->after[error];
    printf("\nerrors of %s: log likelihood %.2f, was %.2f\n", fit_error_name(error), after->log_likelihood, before->log_likelihood);
    for (size_t i = 0; i < fit->sensor_count; i++) {
        const FitSensor *sensor = &after->sensors[i];
        if (sensor->samples == 0)
            continue;
        const Channel *channel = &sensor->model->channels[sensor->model->sensors[sensor->sensor].channel];
        char name[2 * TAG_NAME_ROOM];
        snprintf(name, sizeof name, "%s %s", sensor->model->name, channel->name);
        printf("  %-32s %8zu samples   RMS %.4g %s, was %.4g   mean NIS %.3g, was %.3g\n", name, sensor->samples,
               unit_scale_from_si(channel->unit, rms(sensor)), unit_name(channel->unit), unit_scale_from_si(channel->unit, rms(&before->sensors[i])),
               mean_nis(sensor), mean_nis(&before->sensors[i]));
    }
}

static void print_correlations(const Fit *fit)
{
    const size_t n = fit->unknown_count;
    int shown = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (fabs(fit->correlation[i * n + j]) > CORRELATION_SHOWN && shown++ < CORRELATIONS_SHOWN)
                printf("%s  %s and %s: correlation %.3f\n", shown == 1 ? "\n" : "", fit->unknowns[j].name, fit->unknowns[i].name, fit->correlation[i * n + j]);
    if (shown > CORRELATIONS_SHOWN)
        printf("  and %d more pairs\n", shown - CORRELATIONS_SHOWN);
}

static void print_warnings(const Fit *fit)
{
    if (fit->condition > FIT_CONDITION_MAX) {
        printf("\nwarning: these recordings hardly tell apart (condition index %.3g):", fit->condition);
        for (size_t i = 0; i < fit->unknown_count; i++)
            if (fit->entangled[i])
                printf(" %s", fit->unknowns[i].name);
        printf("\n         what is known of them otherwise belongs into a prior (sd in the script, or --prior); or fit fewer\n");
    }
    if (fit->agreeing < fit->starts)
        printf("\nwarning: only %zu of %zu searches ended here\n", fit->agreeing, fit->starts);
}

static void print_table(const Calibration *calibration, const Fit *fit, FitError error)
{
    printf("%zu recording%s, %zu samples, by the error of %s; %d rounds from %zu start%s, %.2f s; %s\n\n", calibration->tape_count,
           calibration->tape_count > 1 ? "s" : "", fit->after[error].samples, fit_error_name(error), fit->rounds, fit->starts, fit->starts > 1 ? "s" : "",
           calibration->seconds, state_text(fit));
    print_unknowns(fit);
    for (FitError e = FIT_PREDICTION; e < FIT_ERRORS; e++)
        print_errors(fit, e);
    print_correlations(fit);
    print_warnings(fit);
}

static void json_unknown(Text *text, const Fit *fit, size_t index)
{
    const FitUnknown *unknown = &fit->unknowns[index];
    text_put(text, index ? ",{\"name\":" : "{\"name\":");
    text_json_string(text, unknown->name);
    text_put(text, ",\"unit\":");
    text_json_string(text, unit_name(unknown->unit));
    text_put(text, ",\"before\":");
    text_json_number(text, unit_from_si(unknown->unit, unknown->before));
    text_put(text, ",\"after\":");
    text_json_number(text, unit_from_si(unknown->unit, unknown->after));
    text_put(text, ",\"sd\":");
    text_json_number(text, unit_scale_from_si(unknown->unit, unknown->sd));
    text_format(text, ",\"limit\":%s,\"entangled\":%s,\"correlation\":[",
                unknown->end == FIT_FREE     ? "null"
                : unknown->end == FIT_AT_MIN ? "\"min\""
                                             : "\"max\"",
                fit->entangled[index] ? "true" : "false");
    for (size_t j = 0; j < fit->unknown_count; j++) {
        text_put(text, j ? "," : "");
        text_json_number(text, fit->correlation[index * fit->unknown_count + j]);
    }
    text_put(text, "]}");
}

static void json_quality(Text *text, const Fit *fit, const FitQuality *quality)
{
    text_put(text, "{\"log_likelihood\":");
    text_json_number(text, quality->log_likelihood);
    text_put(text, ",\"sensors\":[");
    bool first = true;
    for (size_t i = 0; i < fit->sensor_count; i++) {
        const FitSensor *sensor = &quality->sensors[i];
        if (sensor->samples == 0)
            continue;
        const Channel *channel = &sensor->model->channels[sensor->model->sensors[sensor->sensor].channel];
        text_put(text, first ? "{\"model\":" : ",{\"model\":");
        text_json_string(text, sensor->model->name);
        text_put(text, ",\"sensor\":");
        text_json_string(text, channel->name);
        text_format(text, ",\"samples\":%zu,\"rms\":", sensor->samples);
        text_json_number(text, unit_scale_from_si(channel->unit, rms(sensor)));
        text_put(text, ",\"nis\":");
        text_json_number(text, mean_nis(sensor));
        text_put(text, "}");
        first = false;
    }
    text_put(text, "]}");
}

static void print_json(const Calibration *calibration, const Fit *fit, FitError error)
{
    Text text = {0};
    text_format(&text, "{\"error\":\"%s\",\"samples\":%zu,\"rounds\":%d,\"starts\":%zu,\"agreeing\":%zu,\"done\":%s,\"seconds\":%.3f,\"condition\":",
                fit_error_name(error), fit->after[error].samples, fit->rounds, fit->starts, fit->agreeing,
                fit->state == SEARCH_DONE && !fit->stopped ? "true" : "false", calibration->seconds);
    text_json_number(&text, fit->condition);
    text_put(&text, ",\"values\":[");
    for (size_t i = 0; i < fit->unknown_count; i++)
        json_unknown(&text, fit, i);
    text_put(&text, "]");
    for (FitError e = FIT_PREDICTION; e < FIT_ERRORS; e++) {
        text_format(&text, ",\"%s\":{\"before\":", fit_error_name(e));
        json_quality(&text, fit, &fit->before[e]);
        text_put(&text, ",\"after\":");
        json_quality(&text, fit, &fit->after[e]);
        text_put(&text, "}");
    }
    text_put(&text, "}\n");
    fputs(text.bytes ? text.bytes : "", stdout);
    text_fini(&text);
}

/* A file for `parameters = "..."`; starts are those of these recordings alone, and are left out. */
static Err write_file(const Calibration *calibration, const Fit *fit, const char *path, ErrText *why)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    fprintf(file, "-- Fitted by pollux calibrate to:");
    for (size_t i = 0; i < calibration->tape_count; i++)
        fprintf(file, "%s %.*s", i ? "," : "", (int)strcspn(calibration->tapes[i].name, "\r\n"), calibration->tapes[i].name);
    fprintf(file, "\nreturn parameters {\n");
    for (size_t i = 0; i < fit->unknown_count; i++) {
        const FitUnknown *unknown = &fit->unknowns[i];
        if (unknown->at_start)
            continue;
        fprintf(file, "  [\"%s\"] = { %.9g, \"%s\"", unknown->name, unit_from_si(unknown->unit, unknown->after), unit_name(unknown->unit));
        if (isfinite(unknown->sd))
            fprintf(file, ", sd = %.3g", unit_scale_from_si(unknown->unit, unknown->sd));
        fprintf(file, " },\n");
    }
    fprintf(file, "}\n");
    const bool failed = ferror(file);
    if (fclose(file) || failed)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    return ERR_OK;
}

// --- the command ---------------------------------------------------------------------------------------------------

static Err calibrate(Calibration *calibration, FitDef *def, Fit **fit, ErrText *why)
{
    const int64_t began = clock_system.elapsed_ns(clock_system.self);
    def->plant = calibration->plant;
    def->tapes = calibration->tapes;
    def->tape_count = calibration->tape_count;
    def->names = calibration->names;
    def->name_count = calibration->name_count;
    def->stop = &stop_asked;
    def->progress = isatty(STDERR_FILENO) ? show_progress : NULL;
    stop_on_signals();
    const Err err = fit_run(def, fit, why);
    if (def->progress)
        end_progress();
    calibration->seconds = (double)(clock_system.elapsed_ns(clock_system.self) - began) / (double)NS_PER_S;
    return err;
}

static Err parse_error(const char *text, FitError *out, ErrText *why)
{
    for (*out = FIT_PREDICTION; *out < FIT_ERRORS; ++*out)
        if (strcmp(text, fit_error_name(*out)) == 0)
            return ERR_OK;
    return err_set(why, ERR_USAGE, "--error: expected prediction or simulation, got \"%s\"", text);
}

int command_calibrate(int argc, char **argv)
{
    const char *script = NULL, *error = "prediction", *file = NULL, *codegen = "auto";
    OptionList tapes = {0}, names = {0}, priors = {0};
    long starts = 1, seed = 1, threads = 1;
    bool json = false;
    const Option options[] = {
        {OPTION_OPERAND, "PLANT", NULL, "a plant script", &script, 0, 0},
        {OPTION_LIST, "tape", "FILE", "a recording, a CSV file (required; may be repeated)", &tapes, 0, 0},
        {OPTION_LIST, "fit", "NAMES", "what to fit (required; may be repeated)", &names, 0, 0},
        {OPTION_TEXT, "error", "ERROR", "by which error: prediction or simulation (prediction)", &error, 0, 0},
        {OPTION_LIST, "prior", "NAME=V+-SD", "what is known of a value, in its unit (may be repeated)", &priors, 0, 0},
        {OPTION_WHOLE, "starts", "N", "searches, the first from the script's values (1)", &starts, 1, FIT_STARTS_MAX},
        {OPTION_WHOLE, "seed", "N", "of the other starts (1)", &seed, 0, INT32_MAX},
        {OPTION_TEXT, "write", "FILE", "write a parameter file, for parameters = \"FILE\" in the plant", &file, 0, 0},
        {OPTION_WHOLE, "threads", "N", "threads (1)", &threads, 1, 64},
        {OPTION_FLAG, "json", NULL, "print JSON instead of a table", &json, 0, 0},
        CODEGEN_OPTION(&codegen),
    };
    const OptionResult parsed = options_parse(&subcommand_calibrate, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    FitDef def = {.priors = priors.items, .prior_count = priors.count, .starts = (size_t)starts, .seed = (uint64_t)seed};
    if (tapes.count == 0 || names.count == 0) {
        err_set(&why, ERR_USAGE, "calibrate: expected --tape FILE, a recording, and --fit NAMES, what to fit (pollux calibrate --help)");
        return subcommand_fail(EXIT_USAGE, &why);
    }
    if (parse_error(error, &def.error, &why) || codegen_begin(codegen, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    Calibration *calibration = mem_alloc(sizeof *calibration);
    if (!calibration) {
        err_set(&why, ERR_MEMORY, "no memory");
        return subcommand_fail(EXIT_FAILED, &why);
    }

    Fit *fit = NULL;
    Err err = prepare(calibration, script, (size_t)threads, &tapes, &names, &why);
    if (!err)
        err = calibrate(calibration, &def, &fit, &why);
    codegen_end();
    if (!err && json)
        print_json(calibration, fit, def.error);
    else if (!err)
        print_table(calibration, fit, def.error);
    if (!err && file)
        err = write_file(calibration, fit, file, &why);
    fit_destroy(fit);
    release(calibration);
    return err ? subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why) : EXIT_DONE;
}
