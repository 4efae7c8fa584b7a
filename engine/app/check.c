/* check.c -- pollux check: is a script right? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/ways.h"
#include "forecast/lookout.h"
#include "gate/gate.h"

const Subcommand subcommand_check = {"check", "find what is wrong with a plant or model script, without starting anything",
                                     "Prints what the script declares. Exit status 0 when it is right, 1 with file, line and what was expected when it is not.", command_check};

static int count_kind(const Model *model, ChannelKind kind)
{
    int count = 0;
    for (uint16_t i = 0; i < model->channel_count; i++)
        count += model->channels[i].kind == kind;
    return count;
}

static void print_model(const Model *model)
{
    printf("model %s: states %d, tracked %d, parameters %d, inputs %d, outputs %d, sensors %d, actuators %d; step %g s by %s, "
           "%s takes %u operations\n",
           model->name, count_kind(model, CHANNEL_STATE), count_kind(model, CHANNEL_TRACKED), count_kind(model, CHANNEL_PARAMETER),
           count_kind(model, CHANNEL_INPUT), count_kind(model, CHANNEL_OUTPUT), count_kind(model, CHANNEL_SENSOR), count_kind(model, CHANNEL_ACTUATOR),
           model->step, model->procedure ? "a function of Lua" : stepper_name(model->stepper), model->filter.members ? "a member's move" : "predict",
           model->filter.members ? model->move.length : model->predict.length);
    if (model->filter.members)
        printf("  filter: an ensemble of %u members, inflation %g%s\n", model->filter.members, model->filter.inflation,
               isfinite(model->filter.localisation) ? ", localised" : "");
    else if (model->filter.inflation != 1)
        printf("  filter: extended, inflation %g\n", model->filter.inflation);
}

/* What befalls which channel, by how much, in the unit that people see. */
static void print_fault(const Model *model, const FaultDef *fault)
{
    const Channel *channel = &model->channels[fault->channel];
    const double set = unit_from_si(channel->unit, fault->size), off = unit_scale_from_si(channel->unit, fault->size);
    printf("  fault %s: %s ", fault->name, channel->name);
    switch (fault->kind) {
    case FAULT_FACTOR: printf("times %g", fault->size); break;
    case FAULT_SET: printf("= %g %s", set, unit_name(channel->unit)); break;
    case FAULT_BIAS: printf("reads %+g %s", off, unit_name(channel->unit)); break;
    case FAULT_DRIFT: printf("drifts by %g %s a second", off, unit_name(channel->unit)); break;
    case FAULT_STUCK: printf("is stuck"); break;
    case FAULT_NOISE: printf("is %g times as noisy", fault->size); break;
    case FAULT_SPIKE: printf("has spikes of %g %s", off, unit_name(channel->unit)); break;
    case FAULT_SILENCE: printf("is silent"); break;
    }
    printf("%s%s\n", *fault->doc ? ": " : "", fault->doc);
}

static void print_connections(const Plant *plant)
{
    enum { SHOWN_MAX = 20 };
    if (plant->connection_count)
        printf("connections: %u, of which %u are in loops and carry the value of the tick before\n", plant->connection_count, plant->delayed_count);
    for (uint32_t i = 0; i < plant->delayed_count && i < SHOWN_MAX; i++) {
        const Connection *connection = &plant->connections[i];
        printf("  delayed: %s -> %s\n", tags_name(plant->tags, plant_tag(plant, connection->from.twin, connection->from.channel)).text,
               tags_name(plant->tags, plant_tag(plant, connection->to.twin, connection->to.channel)).text);
    }
    if (plant->delayed_count > SHOWN_MAX)
        printf("  and %u more\n", plant->delayed_count - SHOWN_MAX);
}

static void print_connectors(const Plant *plant)
{
    for (size_t i = 0; i < plant->connector_count; i++) {
        const PlantConnector *connector = &plant->connectors[i];
        size_t written = 0;
        for (size_t k = 0; k < connector->binding_count; k++)
            written += connector->bindings[k].writes;
        printf("connector %s: %s, reads %zu, writes %zu\n", connector->name, connector->kind, connector->binding_count - written, written);
    }
}

static void print_window(const Plant *plant)
{
    const double megabytes = (double)(plant_checkpoints(plant->lag_ticks, plant->lag_every) * plant_checkpoint_size(plant)) / 1e6;
    if (plant->lag_ticks)
        printf("late samples: used up to %g s behind their time, with checkpoints of %.1f MB\n", (double)plant->lag_ticks * plant->step, megabytes);
    else if (plant->lag_declared)
        printf("late samples: not used, as lag = 0 says\n");
    else
        printf("late samples: not used, since checkpoints of 30 s would take more than %d MB; lag = SECONDS in the plant's script asks for them\n",
               PLANT_LAG_BYTES / 1000000);
}

/* What the plant asks the forecasts for, alarms and gate. */
static Err check_forecasts(const Plant *plant, ErrText *why)
{
    Desk *desk = NULL;
    Lookout *lookout = NULL;
    Gate *gate = NULL;
    Err err = desk_create(plant, 1, &desk, why);
    if (!err)
        err = lookout_create(plant, &lookout, why);
    if (!err)
        err = gate_create(plant, &gate, why);
    if (!err)
        err = gate_simulate(gate, desk, true, why);
    desk_destroy(desk);
    gate_destroy(gate);
    lookout_destroy(lookout);
    return err;
}

static Err check_plant(const char *path, ErrText *why)
{
    Plant *plant;
    Alarms *alarms = NULL;
    Err err = plant_load(path, 1, &plant, why);
    if (err)
        return err;
    err = alarms_create(plant, &alarms, why);  // reads the handlers
    if (!err)
        err = check_forecasts(plant, why);
    if (!err)
        err = ways_check(plant, why);
    for (uint32_t i = 0; i < plant->model_count && !err; i++)
        print_model(plant->models[i]);
    if (!err)
        print_connections(plant);
    if (!err)
        print_connectors(plant);
    if (!err)
        print_window(plant);
    if (!err)
        printf("plant %s: twins %u, tags %u, step %g s: all right\n", plant->name, plant->twin_count, tags_count(plant->tags), plant->step);
    alarms_destroy(alarms);
    plant_destroy(plant);
    return err;
}

static Err check_model(const char *path, ErrText *why)
{
    Model *model;
    const Err err = model_load(path, 0.1, &model, why);
    if (err)
        return err;
    print_model(model);
    for (uint16_t i = 0; i < model->fault_count; i++)
        print_fault(model, &model->faults[i]);
    printf("model %s: all right\n", model->name);
    model_destroy(model);
    return ERR_OK;
}

int command_check(int argc, char **argv)
{
    const char *script = NULL;
    const Option options[] = {{OPTION_OPERAND, "SCRIPT", NULL, "a plant or a model, a Lua file", &script, 0, 0}};
    const OptionResult parsed = options_parse(&subcommand_check, options, 1, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    // a script says itself which of the two it is: the other loader's first complaint would only confuse
    ErrText why;
    ScriptKind kind;
    Err err = script_kind(script, &kind, &why);
    if (!err)
        err = kind == SCRIPT_MODEL ? check_model(script, &why) : check_plant(script, &why);
    return err ? subcommand_fail(EXIT_FAILED, &why) : EXIT_DONE;
}
