/* run.c -- pollux run: a plant beside a recording, estimates as CSV. */
#include <math.h>
#include <stdio.h>

#include "app/commands.h"
#include "app/tape_run.h"

const Subcommand subcommand_run = {"run", "run a plant, on a recording or by its own connectors, and print its estimates as CSV",
                                   "With --tape nothing leaves the engine: the plant's connectors stay closed. Without, they are opened, and the plant lives\n"
                                   "until Ctrl-C, without a server.\n"
                                   "Columns: time (s since 1970), tick, hash (of the whole state, after the tick); then for each twin its states and tracked parameters, each with its\n"
                                   "standard deviation, outputs, the divergence statistic (its limit is 1), the sensors' last samples, and the verdict. Alarms, and a summary, go to standard error.",
                                   command_run};

typedef struct Printer {
    long every;
    int64_t ticks;
    bool headed;
} Printer;

static bool is_printed(const Channel *channel)
{
    return channel_is_estimated(channel->kind) || channel->kind == CHANNEL_SENSOR;
}

static void print_number(double value)
{
    char text[32];
    if (isfinite(value) && number_format(value, text) > 0)
        fputs(text, stdout);
}

static void print_header(const Plant *plant)
{
    fputs("time,tick,hash", stdout);
    for (uint32_t twin = 0; twin < plant->twin_count; twin++) {
        if (!plant->twins[twin].recorded)
            continue;
        const Model *model = plant_model(plant, twin);
        for (uint16_t c = 0; c < model->channel_count; c++) {
            const Channel *channel = &model->channels[c];
            if (!is_printed(channel))
                continue;
            printf(",%s.%s [%s]", plant->twins[twin].name, channel->name, unit_name(channel->unit));
            if (channel->variance != COLUMN_NONE)
                printf(",%s.%s sd", plant->twins[twin].name, channel->name);
        }
        printf(",%s verdict", plant->twins[twin].name);
    }
    putchar('\n');
}

static void print_twin(const App *app, uint32_t twin)
{
    const Model *model = plant_model(app->plant, twin);
    for (uint16_t c = 0; c < model->channel_count; c++) {
        const Channel *channel = &model->channels[c];
        const TagId tag = plant_tag(app->plant, twin, c);
        if (!is_printed(channel))
            continue;
        putchar(',');
        print_number(unit_from_si(channel->unit, plant_value(app->plant, tag)));
        if (channel->variance == COLUMN_NONE)
            continue;
        putchar(',');
        print_number(unit_scale_from_si(channel->unit, plant_sd(app->plant, tag)));
    }
    printf(",%s", verdict_name(sync_verdict(app->sync, twin)->kind));
}

static void print_row(void *self, const App *app, Batch batch)
{
    (void)batch;
    Printer *printer = self;
    if (!printer->headed)
        print_header(app->plant);
    printer->headed = true;
    if (printer->ticks++ % printer->every)
        return;
    printf("%lld.%09lld,%lld,%016llx", (long long)(app->now / NS_PER_S), (long long)(app->now % NS_PER_S), (long long)app->tick,
           (unsigned long long)plant_hash(app->plant));
    for (uint32_t twin = 0; twin < app->plant->twin_count; twin++)
        if (app->plant->twins[twin].recorded)
            print_twin(app, twin);
    putchar('\n');
}

static void log_summary(const Printer *printer)
{
    Text text = {0};
    codegen_describe(&text);
    log_write(LOG_INFO, "run", "%lld ticks; %s", (long long)printer->ticks, text.bytes ? text.bytes : "");
    text_fini(&text);
}

/* The plant lives by its connectors, until the process is to end. */
static Err run_live(const char *plant, size_t threads, Printer *printer, ErrText *why)
{
    static const int64_t NAP_NS = 2 * NS_PER_MS;
    App *app;
    const AppDef def = {.plant = plant, .threads = threads, .ticked = print_row, .self = printer, .stop = &stop_asked, .connects = true};
    Err err = app_create(&def, &app, why);
    if (err)
        return err;
    if (app->plant->connector_count == 0)
        err = err_set(why, ERR_USAGE, "run: expected --tape FILE, or a plant with connectors");
    while (!err && !stop_asked)
        if (!app_poll(app)) {
            fflush(stdout);
            app->def.clock->sleep_ns(app->def.clock->self, app_patience(app, NAP_NS));
        }
    if (!err)
        app_make_safe(app);
    app_destroy(app);
    return err;
}

int command_run(int argc, char **argv)
{
    const char *plant = NULL, *tape = NULL;
    long threads = 1;
    Printer printer = {.every = 1};
    double speed = NAN;
    const char *codegen = "auto";
    const Option options[] = {
        {OPTION_OPERAND, "PLANT", NULL, "a plant script", &plant, 0, 0},
        {OPTION_TEXT, "tape", "FILE", "a recording, a CSV file, instead of the plant's connectors", &tape, 0, 0},
        {OPTION_SPEED, "speed", "N", "of a recording: N times real time; max (the default): as fast as possible", &speed, 0, 0},
        {OPTION_WHOLE, "every", "N", "print every N-th tick only (1)", &printer.every, 1, 1000000000},
        {OPTION_WHOLE, "threads", "N", "threads that step the twins (1)", &threads, 1, 64},
        CODEGEN_OPTION(&codegen),
    };
    const OptionResult parsed = options_parse(&subcommand_run, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    if (!tape && !isnan(speed)) {
        err_set(&why, ERR_USAGE, "run: --speed goes with --tape: a plant with connectors lives by the time of day");
        return subcommand_fail(EXIT_USAGE, &why);
    }
    if (codegen_begin(codegen, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    stop_on_signals();
    const TapeRun run = {.plant = plant, .tape = tape, .threads = (size_t)threads, .speed = isnan(speed) ? INFINITY : speed, .ticked = print_row,
                         .self = &printer};
    const Err err = tape ? tape_run(&run, &why) : run_live(plant, (size_t)threads, &printer, &why);
    if (!err)
        log_summary(&printer);
    codegen_end();
    if (err)
        return subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why);
    return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}
