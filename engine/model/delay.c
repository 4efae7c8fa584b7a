#include "model/delay.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "model/declare.h"
#include "model/model.h"
#include "model/value.h"

// --- in equations --------------------------------------------------------------------------------------------------

/* The time, which is fixed: a ring cannot grow. */
static double read_seconds(lua_State *lua, const Trace *trace)
{
    double number;
    if (!graph_is_constant(trace->graph, value__seconds(lua, trace, "delay"), &number))
        luaL_error(lua, "delay: its time is fixed when the script loads: expected a number of seconds, got a value that can change");
    return number;
}

static size_t values_kept(const Trace *trace)
{
    size_t count = 0;
    for (size_t i = 0; i < trace->delay_count; i++)
        count += trace->delays[i].length;
    return count;
}

/* How many steps a delay takes: whole ones when it is as good as that, as 0.3 s are 3 steps of 0.1 s. */
static void measure(lua_State *lua, const Trace *trace, double seconds, Delay *out)
{
    const double steps = seconds / trace->step, whole = nearbyint(steps);
    const size_t left = DELAY_VALUES_MAX - values_kept(trace);
    if (!(steps <= (double)left))
        luaL_error(lua, "delay: %f s are %f values to keep, one per step; a model keeps %d at most, and %d are left", seconds, ceil(steps),
                   DELAY_VALUES_MAX, (int)left);

    const bool is_whole = fabs(steps - whole) <= 1e-9 * steps;
    out->steps = (uint16_t)(is_whole ? whole : floor(steps));
    out->part = is_whole ? 0 : steps - floor(steps);
    out->length = (uint16_t)(out->steps + !is_whole);
}

/* delay(x, seconds, "name") */
int value__delay(lua_State *lua)
{
    Trace *trace = value__trace(lua);
    const Value x = value__operand(lua, 1);
    const double seconds = read_seconds(lua, trace);
    const char *given = luaL_optstring(lua, 3, NULL);
    if (trace->closed)
        return luaL_error(lua, "a sensor's function cannot have a delay: let it measure an output that is delayed");
    if (trace->delay_count == DELAYS_MAX)
        return luaL_error(lua, "delay: more than %d in one model", DELAYS_MAX);
    if (given && !declare_is_name(given))
        return luaL_error(lua, "delay: \"%s\" is no name: expected a letter, then letters, digits or underscores", given);

    Delay *delay = &trace->delays[trace->delay_count];
    *delay = (Delay){.whose = trace->part, .of = x.expr, .then = trace__hidden_column(trace)};
    delay->name = given ? arena_text(trace->arena, given) : arena_format(trace->arena, "delay_%d", (int)trace->delay_count + 1);
    if (!delay->name)
        return luaL_error(lua, "no memory for a delay");
    measure(lua, trace, seconds, delay);
    trace->delay_count++;
    return value__push(lua, graph_variable(trace->graph, delay->then), x.unit, -1);
}

// --- in a block ----------------------------------------------------------------------------------------------------

static double *column(double *columns, uint16_t index)
{
    return &columns[(size_t)index * LANES];
}

static void fill_ring(const Delay *delay, double *columns)
{
    const size_t bytes = LANES * sizeof *columns;
    const double *now = column(columns, delay->now);
    memcpy(column(columns, delay->then), now, bytes);
    memset(column(columns, delay->ring), 0, bytes);
    for (uint16_t place = 0; place < delay->length; place++)
        memcpy(column(columns, (uint16_t)(delay->ring + 1 + place)), now, bytes);
}

void delay_fill(const Model *model, double *columns)
{
    for (uint16_t i = 0; i < model->delay_count; i++)
        fill_ring(&model->delays[i], columns);
}

void delay_start(const Model *model, double *columns, Scratch *scratch)
{
    for (uint16_t round = 0; round < model->delay_count; round++) {  // one delay may follow another
        program_run(&model->record, columns, scratch);
        delay_fill(model, columns);
    }
}

/* The place after the newest one; what a snapshot brought may be anything. */
static uint16_t next_place(const Delay *delay, double newest)
{
    return newest >= 0 && newest < delay->length - 1 ? (uint16_t)(newest + 1) : 0;
}

static void turn_lane(const Delay *delay, double *columns, size_t lane)
{
    const double now = column(columns, delay->now)[lane];
    double *newest = &column(columns, delay->ring)[lane], *next = &column(columns, delay->next)[lane];
    double *places = &column(columns, (uint16_t)(delay->ring + 1))[lane];
    if (!isfinite(now)) {
        *next = NAN;
        return;
    }

    const uint16_t at = next_place(delay, *newest), length = delay->length;
    *newest = at;
    places[(size_t)at * LANES] = now;
    const double later = places[(size_t)((at + length - (delay->steps - 1)) % length) * LANES];
    const double earlier = places[(size_t)((at + length - delay->steps) % length) * LANES];
    *next = delay->part > 0 ? later + delay->part * (earlier - later) : later;
}

void delay_shift(const Model *model, double *columns, uint64_t lanes)
{
    for (uint16_t i = 0; i < model->delay_count; i++)
        for (uint64_t left = lanes; left; left &= left - 1)
            turn_lane(&model->delays[i], columns, (size_t)__builtin_ctzll(left));
}

void delay_turn(const Model *model, double *columns, uint64_t lanes, Scratch *scratch)
{
    program_run(&model->record, columns, scratch);
    delay_shift(model, columns, lanes);
}
