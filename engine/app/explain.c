/* explain.c -- pollux explain: what a model says, what was made of it, and what runs it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "plant/plant.h"

const Subcommand subcommand_explain = {
    "explain", "show what became of a model: equations, Jacobian, programs",
    "Prints for each model of the script its channels; its equations, in SI units; what is prepared from parameters; which entries of the step's Jacobian there are;\n"
    "and the programs that run. Programs are prepare, predict (mean and covariance), move (the mean alone), derive and, for each sensor, SENSOR.measure and\n"
    "SENSOR.correct; --program prints the instructions of one.",
    command_explain};

typedef struct Page {
    const Model *model;
    const char **names;  // by column of the block
    Arena arena;
    Text text;
} Page;

static void print_text(Page *page)
{
    fwrite(page->text.bytes, 1, page->text.length, stdout);
    text_clear(&page->text);
}

// Names.

static void name_covariance(Page *page)
{
    const Model *model = page->model;
    for (uint16_t i = 0; i < model->state_count; i++)
        for (uint16_t j = i; j < model->state_count; j++)
            page->names[model_covariance(model, i, j)] = arena_format(&page->arena, "cov(%s,%s)", model->channels[i].name, model->channels[j].name);
}

/* What stands in the columns of the block; a number where no program looks. */
static Err name_columns(Page *page, ErrText *why)
{
    const Model *model = page->model;
    page->names = arena_new(&page->arena, const char *, model->column_count);
    if (!page->names)
        return err_set(why, ERR_MEMORY, "out of memory for the names of %u columns", model->column_count);

    name_covariance(page);
    for (uint16_t i = 0; i < model->channel_count; i++)
        page->names[model->channels[i].column] = model->channels[i].name;
    for (uint16_t i = 0; i < model->prepared_count; i++)
        page->names[model->prepared + i] = arena_format(&page->arena, "prepared_%u", i + 1u);
    page->names[model->parted] = "parted";
    page->names[model->frozen] = "frozen";
    if (model->due != COLUMN_NONE)
        page->names[model->due] = "inflation_due";
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        const Sensor *sensor = &model->sensors[i];
        const char *name = model->channels[sensor->channel].name;
        page->names[sensor->mask] = arena_format(&page->arena, "mask(%s)", name);
        page->names[sensor->innovation] = arena_format(&page->arena, "innovation(%s)", name);
        page->names[sensor->innovation_variance] = arena_format(&page->arena, "variance(%s)", name);
    }
    for (uint16_t i = 0; i < model->column_count; i++)
        if (!page->names[i] && !(page->names[i] = arena_format(&page->arena, "#%u", i)))
            return err_set(why, ERR_MEMORY, "out of memory for the names of %u columns", model->column_count);
    return ERR_OK;
}

static int widest_name(const Model *model, uint16_t count)
{
    size_t widest = 0;
    for (uint16_t i = 0; i < count; i++)
        if (strlen(model->channels[i].name) > widest)
            widest = strlen(model->channels[i].name);
    return (int)widest;
}

// Channels.

static void put_range(Text *out, const Channel *channel)
{
    const double low = unit_from_si(channel->unit, channel->min), high = unit_from_si(channel->unit, channel->max);
    if (isfinite(channel->min) && isfinite(channel->max))
        text_format(out, "%g to %g", low, high);
    else if (isfinite(channel->min))
        text_format(out, "from %g", low);
    else if (isfinite(channel->max))
        text_format(out, "to %g", high);
}

/* Values in the unit in which the script gives them; outputs and sensors have none of their own. */
static void print_channels(Page *page)
{
    const Model *model = page->model;
    const int width = widest_name(model, model->channel_count);
    printf("\nchannels\n");
    for (uint16_t i = 0; i < model->channel_count; i++) {
        const Channel *channel = &model->channels[i];
        char value[32] = "";
        const bool is_given = channel_is_settable(channel->kind) || channel->kind == CHANNEL_ACTUATOR;
        if (is_given)
            snprintf(value, sizeof value, "%g", unit_from_si(channel->unit, channel->initial));
        put_range(&page->text, channel);
        printf("  %-9s  %-*s  %10s %-10s  %-16s  %s\n", channel_kind_name(channel->kind), width, channel->name, value, unit_name(channel->unit),
               page->text.length ? page->text.bytes : "", channel->doc ? channel->doc : "");
        text_clear(&page->text);
    }
}

// Equations.

static void print_equations(Page *page)
{
    const Model *model = page->model;
    printf("\nequations, in SI units: the rate of a state, the value of an output, what a sensor should show\n");
    for (uint16_t i = 0; i < model->channel_count; i++) {
        if (model->equations[i] == EXPR_NONE)
            continue;
        text_format(&page->text, "  %s%s = ", model->channels[i].name, model->channels[i].kind == CHANNEL_STATE ? "'" : "");
        graph_print(model->graph, model->equations[i], page->names, &page->text);
        text_put(&page->text, "\n");
        print_text(page);
    }
}

/* What depends on parameters alone, and so is computed when they are set and not at every step. */
static void print_prepared(Page *page)
{
    const Model *model = page->model;
    if (model->prepared_count > 0)
        printf("\nprepared, whenever a parameter is set: what programs read in place of parameters\n");
    for (uint16_t i = 0; i < model->prepared_count; i++) {
        text_format(&page->text, "  %s = ", page->names[model->prepared + i]);
        graph_print(model->graph, model->prepared_values[i], page->names, &page->text);
        text_put(&page->text, "\n");
        print_text(page);
    }
}

// The Jacobian.

/* What an entry depends on decides who can compute it when: nobody has to (. 1 k), once per change of parameters and inputs (p), at every step (x). */
static char entry_letter(const Model *model, Expr entry)
{
    double value;
    if (graph_is_constant(model->graph, entry, &value))
        return value == 0 ? '.' : value == 1 ? '1' : 'k';
    for (uint16_t i = 0; i < model->state_count; i++)
        if (graph_depends(model->graph, entry, model->channels[i].column))
            return 'x';
    return 'p';
}

static void print_heads(const Model *model, int width)
{
    const int height = widest_name(model, model->state_count);
    for (int line = 0; line < height; line++) {
        printf("  %*s ", width, "");
        for (uint16_t j = 0; j < model->state_count; j++) {
            const char *name = model->channels[j].name;
            const int above = height - (int)strlen(name);
            printf(" %c", line < above ? ' ' : name[line - above]);
        }
        putchar('\n');
    }
}

static void print_jacobian(const Model *model)
{
    const uint16_t count = model->state_count;
    const int width = widest_name(model, count);
    Expr next[MODEL_STATES_MAX];
    stepper_build(model->stepper, model->graph, 0, model->equations, count, model->step, next);

    printf("\nJacobian of the step: row by column, how a state one step on depends on one now\n"
           "(. not at all, 1 one, k a constant, p as parameters and inputs say, x as the states say)\n");
    print_heads(model, width);
    uint32_t entries = 0;
    for (uint16_t i = 0; i < count; i++) {
        printf("  %-*s ", width, model->channels[i].name);
        for (uint16_t j = 0; j < count; j++) {
            const bool forgets = i == j && isfinite(model->channels[i].time);
            const char letter = forgets ? 'k' : entry_letter(model, graph_derive(model->graph, next[i], model->channels[j].column));
            entries += letter != '.';
            printf(" %c", letter);
        }
        putchar('\n');
    }
    printf("  %u of %u entries\n", entries, (unsigned)count * count);
}

// Programs.

static size_t program_bytes(const Program *program)
{
    return program->length * sizeof *program->code + (size_t)program->constants * LANES * sizeof(double);
}

typedef void Visit(Page *page, const char *name, const Program *program);

static void print_program(Page *page, const char *name, const Program *program)
{
    ErrText why;
    const char *runner = program_runner(program, &why);
    text_format(&page->text, "  %s: ", name);
    program_print_summary(program, &page->text);
    text_format(&page->text, ", %zu bytes; %s%s%s\n", program_bytes(program), runner, why.text[0] ? ": " : "", why.text);
    print_text(page);
}

static void print_code(Page *page, const char *name, const Program *program)
{
    print_program(page, name, program);
    program_print(program, page->names, &page->text);
    print_text(page);
}

static unsigned visit_one(Page *page, const char *wanted, const char *name, const Program *program, Visit *visit)
{
    if (!name || (wanted && strcmp(name, wanted) != 0) || !program->code)
        return 0;  // an ensemble has no programs that move covariances
    visit(page, name, program);
    return 1;
}

/* Visit the program called `wanted`, or all of them (NULL). Returns how many that were. */
static unsigned visit_programs(Page *page, const char *wanted, Visit *visit)
{
    const Model *model = page->model;
    unsigned visited = visit_one(page, wanted, "prepare", &model->prepare, visit) + visit_one(page, wanted, "predict", &model->predict, visit) +
                       visit_one(page, wanted, "move", &model->move, visit) + visit_one(page, wanted, "derive", &model->derive, visit);
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        const Sensor *sensor = &model->sensors[i];
        const char *name = model->channels[sensor->channel].name;
        visited += visit_one(page, wanted, arena_format(&page->arena, "%s.measure", name), &sensor->measure, visit);
        visited += visit_one(page, wanted, arena_format(&page->arena, "%s.correct", name), &sensor->correct, visit);
    }
    return visited;
}

static void print_programs(Page *page)
{
    const Model *model = page->model;
    printf("\nprograms, for blocks of %d twins of %u columns (%zu bytes)\n", LANES, model->column_count, (size_t)model->column_count * LANES * sizeof(double));
    visit_programs(page, NULL, print_program);
}

// Models.

typedef struct Wish {
    const char *program;  // NULL: the whole page
    unsigned found;
} Wish;

static Err explain_model(const Model *model, Wish *wish, ErrText *why)
{
    Page page = {.model = model};
    const Err err = name_columns(&page, why);
    if (!err) {
        printf("model %s: %s\n%s, step %g s by %s\n", model->name, model->doc, model->path, model->step, stepper_name(model->stepper));
        if (!wish->program) {
            print_channels(&page);
            print_equations(&page);
            print_prepared(&page);
            if (model->procedure)
                printf("\nThe step is a function of Lua: its Jacobian is differenced at every step.\n");
            else
                print_jacobian(model);
            print_programs(&page);
        }
        putchar('\n');
        wish->found += wish->program ? visit_programs(&page, wish->program, print_code) : 1;
    }
    text_fini(&page.text);
    arena_fini(&page.arena);
    return err;
}

static Err explain_plant(const char *path, Wish *wish, ErrText *why)
{
    Plant *plant;
    Err err = plant_load(path, 1, &plant, why);
    if (err)
        return err;
    program_codegen_wait();
    for (uint32_t i = 0; i < plant->model_count && !err; i++)
        err = explain_model(plant->models[i], wish, why);
    plant_destroy(plant);
    return err;
}

static Err explain_file(const char *path, Wish *wish, ErrText *why)
{
    Model *model;
    Err err = model_load(path, 0.1, &model, why);
    if (err)
        return err;
    program_codegen_wait();
    err = explain_model(model, wish, why);
    model_destroy(model);
    return err;
}

static Err explain(const char *script, Wish *wish, ErrText *why)
{
    ScriptKind kind;
    Err err = script_kind(script, &kind, why);
    if (!err)
        err = kind == SCRIPT_MODEL ? explain_file(script, wish, why) : explain_plant(script, wish, why);
    if (!err && wish->found == 0)
        err = err_set(why, ERR_USAGE, "--program: expected prepare, predict, move, derive, SENSOR.measure or SENSOR.correct, got \"%s\"", wish->program);
    return err;
}

int command_explain(int argc, char **argv)
{
    const char *script = NULL, *codegen = "auto";
    Wish wish = {0};
    const Option options[] = {
        {OPTION_OPERAND, "SCRIPT", NULL, "a model (for a step of 0.1 s), or a plant, a Lua file", &script, 0, 0},
        {OPTION_TEXT, "program", "NAME", "print the instructions of this program alone", &wish.program, 0, 0},
        CODEGEN_OPTION(&codegen),
    };
    const OptionResult parsed = options_parse(&subcommand_explain, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    if (codegen_begin(codegen, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    const Err err = explain(script, &wish, &why);
    Text text = {0};
    codegen_describe(&text);
    if (!err)
        printf("%s\n", text.bytes ? text.bytes : "");
    text_fini(&text);
    codegen_end();
    return err ? subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why) : EXIT_DONE;
}
