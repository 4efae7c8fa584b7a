/* rehearse.c -- understudies, and the stage on which they see the members as twins of a plant. */
#include "alarm/rehearse.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "alarm/handlers.h"
#include "alarm/watch.h"
#include "forecast/control.h"

/* Who acts for one member. */
typedef struct Understudy {
    Plant plant;  // with a script of its own, NULL while there is nobody, and for handlers with the member's values
    Handlers handlers;
    bool handles;
    int control;  // its function in the registry
} Understudy;

/* One limit of a twin of the fork, over the members of the pack. */
typedef struct Guard {
    uint32_t twin;  // of the fork
    AlarmDef limit;
    Watch watch;
} Guard;

struct Rehearsal {
    const Fork *fork;
    Pack *pack;
    uint32_t members;
    RehearsalParts parts;
    int64_t now;           // plant time
    bool derived;          // outputs are as the states are now
    bool silent;           // what is raised now stands already
    // for handlers: only where the fork has all twins of the plant, which are few then
    Plant stage;           // whose blocks are the twins of the fork, and whose lanes the members
    Block *blocks;         // by twin of the fork; NULL without a stage
    Twin *twins;           // by member, then by twin of the plant
    Guard *guards;
    size_t guard_count;
    Alarm *alarms;         // ALARMS_MAX, of which those with an id stand; a slot is a place behind its index
    uint64_t last_alarm, last_command;
    Edges edges;           // none: nobody goes back
    Understudy *understudies;  // LANES
    Arena arena;
};

static Err no_memory(ErrText *why)
{
    return err_set(why, ERR_MEMORY, "no memory for the plant's script in a forecast");
}

// --- the stage -----------------------------------------------------------------------------------------------------

static void set_twins(Rehearsal *rehearsal)
{
    const Fork *fork = rehearsal->fork;
    const uint32_t count = fork->plant->twin_count;
    for (uint32_t lane = 0; lane < LANES; lane++) {
        Twin *twins = &rehearsal->twins[lane * count];
        memcpy(twins, fork->plant->twins, count * sizeof *twins);
        for (uint32_t i = 0; i < fork->twin_count; i++) {
            twins[fork->twins[i].twin].block = i;
            twins[fork->twins[i].twin].lane = lane;
            rehearsal->blocks[i].twin[lane] = lane * count + fork->twins[i].twin;
        }
    }
    for (uint32_t i = 0; i < fork->twin_count; i++)
        rehearsal->blocks[i].model = fork->twins[i].model;
}

/* Limits of what is foreseen; twins in quarantine keep the alarms that they have. */
static void set_guards(Rehearsal *rehearsal)
{
    const Fork *fork = rehearsal->fork;
    for (uint32_t i = 0; i < fork->twin_count; i++)
        for (uint16_t k = 0; k < fork->twins[i].model->alarm_count && !fork->twins[i].stands; k++)
            if (channel_is_foreseen(fork->twins[i].model, fork->twins[i].model->alarms[k].channel))
                rehearsal->guards[rehearsal->guard_count++] = (Guard){.twin = i, .limit = fork->twins[i].model->alarms[k]};
}

static size_t count_limits(const Fork *fork)
{
    size_t count = 0;
    for (uint32_t i = 0; i < fork->twin_count; i++)
        count += fork->twins[i].model->alarm_count;
    return count;
}

static Err set_stage(Rehearsal *rehearsal)
{
    const Fork *fork = rehearsal->fork;
    Arena *arena = &rehearsal->arena;
    rehearsal->blocks = arena_new(arena, Block, fork->twin_count);
    rehearsal->twins = arena_new(arena, Twin, (size_t)LANES * fork->plant->twin_count);
    rehearsal->guards = arena_new(arena, Guard, count_limits(fork) + 1);
    rehearsal->alarms = arena_new(arena, Alarm, ALARMS_MAX);
    if (!rehearsal->blocks || !rehearsal->twins || !rehearsal->guards || !rehearsal->alarms)
        return ERR_MEMORY;
    set_twins(rehearsal);
    set_guards(rehearsal);
    rehearsal->stage = *fork->plant;
    rehearsal->stage.blocks = rehearsal->blocks;
    rehearsal->stage.block_count = fork->twin_count;
    rehearsal->stage.twins = rehearsal->twins;
    rehearsal->stage.twin_count = LANES * fork->plant->twin_count;
    return ERR_OK;
}

// --- understudies --------------------------------------------------------------------------------------------------

static void dismiss(Understudy *understudy)
{
    if (understudy->handles)
        handlers__fini(&understudy->handlers);
    script_destroy(understudy->plant.script);
    understudy->plant.script = NULL;
    understudy->handles = false;
}

static void close_rehearsal(Rehearsal *rehearsal)
{
    if (!rehearsal)
        return;
    for (uint32_t lane = 0; lane < LANES && rehearsal->understudies; lane++)
        dismiss(&rehearsal->understudies[lane]);
    arena_fini(&rehearsal->arena);
    mem_free(rehearsal);
}

static Err open_rehearsal(const Fork *fork, Rehearsal **out, ErrText *why)
{
    Rehearsal *rehearsal = mem_alloc(sizeof *rehearsal);
    if (!rehearsal)
        return no_memory(why);
    rehearsal->fork = fork;
    rehearsal->understudies = arena_new(&rehearsal->arena, Understudy, LANES);
    Err err = rehearsal->understudies ? ERR_OK : ERR_MEMORY;
    if (!err && fork->twin_count == fork->plant->twin_count)
        err = set_stage(rehearsal);
    if (err) {
        close_rehearsal(rehearsal);
        return no_memory(why);
    }
    *out = rehearsal;
    return ERR_OK;
}

static int refer_to_control(lua_State *lua)
{
    Understudy *understudy = lua_touserdata(lua, 1);
    plant_push(&understudy->plant, "control");
    understudy->control = luaL_ref(lua, LUA_REGISTRYINDEX);
    return 0;
}

static Err prepare_control(Understudy *understudy, ErrText *why)
{
    lua_State *lua = script_lua(understudy->plant.script);
    control_open(understudy->plant.script);
    lua_pushcfunction(lua, refer_to_control);
    lua_pushlightuserdata(lua, understudy);
    const Err err = script_call(understudy->plant.script, 1, 0, CONTROL_INSTRUCTIONS, why);
    return err ? err : control_begin(understudy->plant.script, why);
}

static Err engage(Rehearsal *rehearsal, uint32_t lane, ErrText *why)
{
    Understudy *understudy = &rehearsal->understudies[lane];
    dismiss(understudy);
    Err err = plant_script_again(&understudy->plant, rehearsal->fork->plant, why);
    if (!err && rehearsal->parts.control)
        err = prepare_control(understudy, why);
    if (err || !rehearsal->parts.handlers)
        return err;
    understudy->plant.blocks = rehearsal->blocks;
    understudy->plant.block_count = rehearsal->fork->twin_count;
    understudy->plant.twins = &rehearsal->twins[lane * rehearsal->fork->plant->twin_count];
    err = handlers__init(&understudy->handlers, &understudy->plant, true, why);
    understudy->handles = !err;
    return err;
}

// --- alarms --------------------------------------------------------------------------------------------------------

/* A sensor shows what it measures. */
static void show_sensors(Rehearsal *rehearsal)
{
    for (uint32_t i = 0; i < rehearsal->fork->twin_count; i++) {
        const Model *model = rehearsal->blocks[i].model;
        for (uint16_t k = 0; k < model->sensor_count; k++)
            if (model->sensors[k].of != UINT16_MAX)
                memcpy(block_column(&rehearsal->blocks[i], model->channels[model->sensors[k].channel].column),
                       block_column(&rehearsal->blocks[i], model->channels[model->sensors[k].of].column), LANES * sizeof(double));
    }
}

/* Before a function may look: everything is as the states say. */
static void derive(Rehearsal *rehearsal)
{
    if (rehearsal->derived)
        return;
    rehearsal->derived = true;
    pack_derive(rehearsal->pack, false);
    show_sensors(rehearsal);
}

static void tell(Rehearsal *rehearsal, uint32_t member_twin, const Alarm *alarm, bool raised)
{
    Understudy *understudy = &rehearsal->understudies[member_twin / rehearsal->fork->plant->twin_count];
    if (rehearsal->silent)
        return;
    derive(rehearsal);
    handlers__alarm(&understudy->handlers, alarm, raised, false);
}

static uint64_t begin_alarm(void *self, AlarmCell cell, const Alarm *draft, uint64_t slot)
{
    Rehearsal *rehearsal = self;
    (void)slot;
    for (size_t i = 0; i < ALARMS_MAX; i++) {
        Alarm *alarm = &rehearsal->alarms[i];
        if (alarm->id)
            continue;
        *alarm = *draft;
        alarm->id = ++rehearsal->last_alarm;
        alarm->twin = cell.twin % rehearsal->fork->plant->twin_count;
        alarm->acknowledged = alarm->returned = alarm->amended = alarm->shelved = TIME_NONE;
        tell(rehearsal, cell.twin, alarm, true);
        return i + 1;
    }
    return ALARM_WANTED;
}

static uint64_t end_alarm(void *self, AlarmCell cell, uint64_t slot, int64_t now, int64_t *raised)
{
    Rehearsal *rehearsal = self;
    *raised = now;
    if (slot == 0 || slot == ALARM_WANTED)
        return 0;
    Alarm *alarm = &rehearsal->alarms[slot - 1];
    const uint64_t id = alarm->id;
    *raised = alarm->raised;
    alarm->state = ALARM_RETURNED;
    alarm->returned = now;
    tell(rehearsal, cell.twin, alarm, false);
    alarm->id = 0;
    return id;
}

static void judge(Rehearsal *rehearsal, Guard *guard)
{
    const Condition condition = {&rehearsal->stage, &rehearsal->blocks[guard->twin], &guard->limit, CELL_LIMIT};
    const Book book = {rehearsal, begin_alarm, end_alarm};
    watch__judge(&guard->watch, &condition, &rehearsal->edges, &book, rehearsal->now);
}

/* Whether the twin itself is beyond the limit at the start. */
static bool stands(const Rehearsal *rehearsal, const Guard *guard)
{
    const ForkTwin *twin = &rehearsal->fork->twins[guard->twin];
    const double value = twin->cells[twin->model->channels[channel_foreseen(twin->model, guard->limit.channel)].column];
    return guard->limit.side == LIMIT_HIGH ? value > guard->limit.limit : value < guard->limit.limit;
}

static void begin_alarms(Rehearsal *rehearsal)
{
    rehearsal->last_alarm = rehearsal->last_command = 0;
    memset(rehearsal->alarms, 0, ALARMS_MAX * sizeof *rehearsal->alarms);
    rehearsal->silent = true;
    for (size_t i = 0; i < rehearsal->guard_count; i++) {
        Guard *guard = &rehearsal->guards[i];
        const double hold = guard->limit.hold;
        memset(&guard->watch, 0, sizeof guard->watch);
        if (!stands(rehearsal, guard))
            continue;
        guard->limit.hold = 0;
        judge(rehearsal, guard);
        guard->limit.hold = hold;
    }
    rehearsal->silent = false;
}

// --- commands ------------------------------------------------------------------------------------------------------

/* What becomes of a wish: the member's actuator has it, or it is refused. */
static Command carry_out(Rehearsal *rehearsal, const Understudy *understudy, const CommandWish *wish)
{
    const Place place = plant_place(&understudy->plant, wish->tag);
    const Channel *channel = &plant_model(&understudy->plant, place.twin)->channels[place.channel];
    const int64_t now = rehearsal->now;
    Command command = {.id = ++rehearsal->last_command, .wish = *wish, .state = COMMAND_REFUSED, .time = now, .deadline = now, .ended = now};
    if (channel->kind != CHANNEL_ACTUATOR) {
        snprintf(command.detail, sizeof command.detail, "it is no actuator");
    } else if (!(wish->value >= channel->min && wish->value <= channel->max)) {
        snprintf(command.detail, sizeof command.detail, "it is outside its limits");
    } else {
        *plant_cell(&understudy->plant, place.twin, channel->column) = wish->value;
        command.state = COMMAND_DONE;
    }
    return command;
}

static Err finish(Rehearsal *rehearsal, uint32_t lane, ErrText *why)
{
    Understudy *understudy = &rehearsal->understudies[lane];
    Handlers *handlers = &understudy->handlers;
    Command commands[HANDLER_WISHES_MAX];
    if (*handlers->failure.text)
        return err_set(why, ERR_SCRIPT, "%s", handlers->failure.text);
    for (size_t i = 0; i < handlers->wish_count; i++)
        commands[i] = carry_out(rehearsal, understudy, &handlers->wishes[i]);
    handlers__note_commands(handlers, commands, handlers->wish_count);  // also none: what was told is forgotten
    return ERR_OK;
}

// --- what a forecast calls -----------------------------------------------------------------------------------------

static Err begin(Rehearsal *rehearsal, Pack *pack, uint32_t members, RehearsalParts parts, ErrText *why)
{
    const Fork *fork = rehearsal->fork;
    rehearsal->pack = pack;
    rehearsal->members = members;
    rehearsal->parts = parts;
    rehearsal->now = pack_time(pack);
    if (parts.handlers && !rehearsal->blocks)
        return err_set(why, ERR_SCRIPT, "handlers may look at all twins of plant \"%s\", and these are more than the %d of a forecast", fork->plant->name,
                       FORK_TWINS_MAX);
    Err err = ERR_OK;
    for (uint32_t lane = 0; lane < members && !err; lane++)
        err = engage(rehearsal, lane, why);
    if (err || !parts.handlers)
        return err;
    for (uint32_t i = 0; i < fork->twin_count; i++) {
        rehearsal->blocks[i].columns = pack->blocks[i];
        rehearsal->blocks[i].lanes = members;
    }
    show_sensors(rehearsal);
    begin_alarms(rehearsal);
    return ERR_OK;
}

static Err decide(Rehearsal *rehearsal, ErrText *why)
{
    Err err = ERR_OK;
    for (uint32_t lane = 0; lane < rehearsal->members && !err; lane++) {
        const Understudy *understudy = &rehearsal->understudies[lane];
        err = control_decide(understudy->plant.script, understudy->control, rehearsal->pack, lane, 1, why);
    }
    return err;
}

static Err answer(Rehearsal *rehearsal, ErrText *why)
{
    rehearsal->now = pack_time(rehearsal->pack);
    rehearsal->derived = false;
    show_sensors(rehearsal);
    for (uint32_t lane = 0; lane < rehearsal->members; lane++) {
        Handlers *handlers = &rehearsal->understudies[lane].handlers;
        handlers__begin(handlers, rehearsal->now);
        if (handlers__have_work(handlers))
            derive(rehearsal);
        handlers__commands(handlers);
        handlers__timers(handlers);
    }
    for (size_t i = 0; i < rehearsal->guard_count; i++)
        judge(rehearsal, &rehearsal->guards[i]);
    Err err = ERR_OK;
    for (uint32_t lane = 0; lane < rehearsal->members && !err; lane++)
        err = finish(rehearsal, lane, why);
    return err;
}

const RehearsalKind rehearse_kind = {open_rehearsal, close_rehearsal, begin, decide, answer};
