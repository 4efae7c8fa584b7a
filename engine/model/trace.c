#include "model/trace.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "model/numbers.h"
#include "model/value.h"

static const char value_type[] = "pollux.value";
static const char self_type[] = "pollux.self";
static const char array_type[] = "pollux.array";
static const char trace_key;  // its address: where the running Trace stands in the registry

enum { TRACE_INSTRUCTIONS = 10 * 1000 * 1000, POWER_MAX = 16 };

Trace *value__trace(lua_State *lua)
{
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &trace_key);
    Trace *trace = lua_touserdata(lua, -1);
    lua_pop(lua, 1);
    if (!trace)
        luaL_error(lua, "this works inside equations only");
    return trace;
}

bool value__is_tracing(lua_State *lua)
{
    const bool tracing = lua_rawgetp(lua, LUA_REGISTRYINDEX, &trace_key) != LUA_TNIL;
    lua_pop(lua, 1);
    return tracing;
}

int value__push(lua_State *lua, Expr expr, const Unit *unit, int state)
{
    if (!unit)
        return luaL_error(lua, "there is no unit for the result");
    Value *value = lua_newuserdatauv(lua, sizeof *value, 0);
    *value = (Value){expr, unit, state};
    luaL_setmetatable(lua, value_type);
    return 1;
}

/* Argument `index` as a Value; plain numbers have no dimension. */
Value value__operand(lua_State *lua, int index)
{
    const Value *value = luaL_testudata(lua, index, value_type);
    if (value)
        return *value;
    if (lua_type(lua, index) == LUA_TNUMBER)
        return (Value){graph_constant(value__trace(lua)->graph, lua_tonumber(lua, index)), unit_one(), -1};
    if (luaL_testudata(lua, index, array_type))
        luaL_error(lua, "an array of states is no value: take one of them, as in t.T[1]");
    luaL_error(lua, "expected a number or a value of the model, got %s", luaL_typename(lua, index));
    return (Value){0};
}

Expr value__seconds(lua_State *lua, const Trace *trace, const char *what)
{
    const Value seconds = value__operand(lua, 2);
    const Unit *second;
    ErrText why;
    double number;
    if (unit_parse("s", &second, &why))
        luaL_error(lua, "%s: %s", what, why.text);
    if (lua_type(lua, 2) != LUA_TNUMBER && !unit_converts(seconds.unit, second))
        luaL_error(lua, "%s: its second argument is a time, this has %s", what, value__dimension(seconds.unit));
    if (graph_is_constant(trace->graph, seconds.expr, &number) && !(number >= trace->step * (1 - 1e-9)))
        luaL_error(lua, "%s: %f s is shorter than a step, %f s", what, number, trace->step);
    return seconds.expr;
}

const char *value__dimension(const Unit *unit)
{
    return unit == unit_one() ? "no dimension" : unit_name(unit);
}

/* Zero is zero in every unit; everything else must have the dimension of its partner. */
static bool is_zero(const Trace *trace, const Value *value)
{
    double number;
    return value->unit == unit_one() && graph_is_constant(trace->graph, value->expr, &number) && number == 0;
}

bool value__converts(const Trace *trace, const Value *value, const Unit *unit)
{
    return is_zero(trace, value) || unit_converts(value->unit, unit);
}

static const Unit *common_unit(lua_State *lua, const Value *a, const Value *b, const char *what)
{
    const Trace *trace = value__trace(lua);
    if (is_zero(trace, a))
        return b->unit;
    if (is_zero(trace, b) || unit_converts(a->unit, b->unit))
        return a->unit;
    luaL_error(lua, "dimensions differ: %s of %s and %s", what, value__dimension(a->unit), value__dimension(b->unit));
    return NULL;
}

static void demand_plain(lua_State *lua, const Value *value, const char *what)
{
    if (!unit_converts(value->unit, unit_one()))
        luaL_error(lua, "%s takes a value without dimension, got %s", what, value__dimension(value->unit));
}

static int additive(lua_State *lua, Op op, const char *what)
{
    const Value a = value__operand(lua, 1), b = value__operand(lua, 2);
    const Unit *unit = common_unit(lua, &a, &b, what);
    return value__push(lua, graph_binary(value__trace(lua)->graph, op, a.expr, b.expr), unit, -1);
}

static int value_add(lua_State *lua) { return additive(lua, OP_ADD, "sum"); }
static int value_sub(lua_State *lua) { return additive(lua, OP_SUB, "difference"); }
static int value_min(lua_State *lua) { return additive(lua, OP_MIN, "min"); }
static int value_hypot(lua_State *lua) { return additive(lua, OP_HYPOT, "hypot"); }
static int value_max(lua_State *lua) { return additive(lua, OP_MAX, "max"); }

static int value_mul(lua_State *lua)
{
    const Value a = value__operand(lua, 1), b = value__operand(lua, 2);
    return value__push(lua, graph_binary(value__trace(lua)->graph, OP_MUL, a.expr, b.expr), unit_multiply(a.unit, b.unit), -1);
}

static int value_div(lua_State *lua)
{
    const Value a = value__operand(lua, 1), b = value__operand(lua, 2);
    return value__push(lua, graph_binary(value__trace(lua)->graph, OP_DIV, a.expr, b.expr), unit_divide(a.unit, b.unit), -1);
}

static int value_neg(lua_State *lua)
{
    const Value a = value__operand(lua, 1);
    return value__push(lua, graph_unary(value__trace(lua)->graph, OP_NEG, a.expr), a.unit, -1);
}

static Expr integer_power(Graph *graph, Expr base, int power)
{
    Expr result = graph_constant(graph, 1.0);
    for (; power > 0; power >>= 1) {
        if (power & 1)
            result = graph_binary(graph, OP_MUL, result, base);
        base = graph_binary(graph, OP_MUL, base, base);
    }
    return result;
}

static const Unit *root_of(lua_State *lua, const Unit *unit)
{
    const Unit *root = unit_root(unit, 2);
    if (!root)
        luaL_error(lua, "%s has no square root", value__dimension(unit));
    return root;
}

static int value_sqrt(lua_State *lua)
{
    const Value a = value__operand(lua, 1);
    return value__push(lua, graph_unary(value__trace(lua)->graph, OP_SQRT, a.expr), root_of(lua, a.unit), -1);
}

static int value_pow(lua_State *lua)
{
    Graph *graph = value__trace(lua)->graph;
    const Value a = value__operand(lua, 1), b = value__operand(lua, 2);
    double power;
    demand_plain(lua, &b, "an exponent");

    // whole powers are products, which every machine computes alike and which have dimensions
    if (graph_is_constant(graph, b.expr, &power)) {
        if (power == 0.5)
            return value_sqrt(lua);
        if (power == floor(power) && fabs(power) <= POWER_MAX) {
            const Expr product = integer_power(graph, a.expr, (int)fabs(power));
            const Expr result = power < 0 ? graph_binary(graph, OP_DIV, graph_constant(graph, 1.0), product) : product;
            return value__push(lua, result, unit_power(a.unit, (int)power), -1);
        }
    }
    demand_plain(lua, &a, "a power that is not a whole number");
    return value__push(lua, graph_binary(graph, OP_POW, a.expr, b.expr), unit_one(), -1);
}

static int plain_function(lua_State *lua, Op op, const char *name)
{
    const Value a = value__operand(lua, 1);
    demand_plain(lua, &a, name);
    return value__push(lua, graph_unary(value__trace(lua)->graph, op, a.expr), unit_one(), -1);
}

static int value_exp(lua_State *lua) { return plain_function(lua, OP_EXP, "exp"); }
static int value_log(lua_State *lua) { return plain_function(lua, OP_LOG, "log"); }
static int value_sin(lua_State *lua) { return plain_function(lua, OP_SIN, "sin"); }
static int value_cos(lua_State *lua) { return plain_function(lua, OP_COS, "cos"); }
static int value_tan(lua_State *lua) { return plain_function(lua, OP_TAN, "tan"); }
static int value_asin(lua_State *lua) { return plain_function(lua, OP_ASIN, "asin"); }
static int value_acos(lua_State *lua) { return plain_function(lua, OP_ACOS, "acos"); }
static int value_atan(lua_State *lua) { return plain_function(lua, OP_ATAN, "atan"); }
static int value_sinh(lua_State *lua) { return plain_function(lua, OP_SINH, "sinh"); }
static int value_cosh(lua_State *lua) { return plain_function(lua, OP_COSH, "cosh"); }
static int value_tanh(lua_State *lua) { return plain_function(lua, OP_TANH, "tanh"); }

/* A multiple of the natural logarithm, which every machine computes alike. */
static int value_log10(lua_State *lua)
{
    Graph *graph = value__trace(lua)->graph;
    const Value a = value__operand(lua, 1);
    demand_plain(lua, &a, "log10");
    return value__push(lua, graph_binary(graph, OP_MUL, graph_unary(graph, OP_LOG, a.expr), graph_constant(graph, M_LOG10E)), unit_one(), -1);
}

/* The angle of the point (x, y) from atan2(y, x); only their ratio matters, so any dimension will do. */
static int value_atan2(lua_State *lua)
{
    const Value y = value__operand(lua, 1), x = value__operand(lua, 2);
    common_unit(lua, &y, &x, "atan2");
    return value__push(lua, graph_binary(value__trace(lua)->graph, OP_ATAN2, y.expr, x.expr), unit_one(), -1);
}

static int value_abs(lua_State *lua)
{
    const Value a = value__operand(lua, 1);
    return value__push(lua, graph_unary(value__trace(lua)->graph, OP_ABS, a.expr), a.unit, -1);
}

static int value_sign(lua_State *lua)
{
    Graph *graph = value__trace(lua)->graph;
    const Value a = value__operand(lua, 1);
    const Expr zero = graph_constant(graph, 0.0);
    const Expr up = graph_binary(graph, OP_ABOVE, a.expr, zero), down = graph_binary(graph, OP_ABOVE, zero, a.expr);
    return value__push(lua, graph_binary(graph, OP_SUB, up, down), unit_one(), -1);
}

static int value_clamp(lua_State *lua)
{
    Graph *graph = value__trace(lua)->graph;
    const Value a = value__operand(lua, 1), low = value__operand(lua, 2), high = value__operand(lua, 3);
    const Unit *unit = common_unit(lua, &a, &low, "clamp");
    common_unit(lua, &a, &high, "clamp");
    return value__push(lua, graph_binary(graph, OP_MIN, graph_binary(graph, OP_MAX, a.expr, low.expr), high.expr), unit, -1);
}

static int compare(lua_State *lua, int greater, int smaller)
{
    const Value a = value__operand(lua, greater), b = value__operand(lua, smaller);
    common_unit(lua, &a, &b, "comparison");
    return value__push(lua, graph_binary(value__trace(lua)->graph, OP_ABOVE, a.expr, b.expr), unit_one(), -1);
}

static int value_above(lua_State *lua) { return compare(lua, 1, 2); }
static int value_below(lua_State *lua) { return compare(lua, 2, 1); }

static int value_select(lua_State *lua)
{
    const Value condition = value__operand(lua, 1), then = value__operand(lua, 2), otherwise = value__operand(lua, 3);
    demand_plain(lua, &condition, "the condition of select");
    const Unit *unit = common_unit(lua, &then, &otherwise, "select");
    return value__push(lua, graph_select(value__trace(lua)->graph, condition.expr, then.expr, otherwise.expr), unit, -1);
}

static int refuse_comparison(lua_State *lua)
{
    return luaL_error(lua, "equations cannot branch on a value of the model: use select(above(a, b), x, y), which is computed every step");
}

static int value_tostring(lua_State *lua)
{
    const Value *value = luaL_checkudata(lua, 1, value_type);
    Text text = {0};
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &trace_key);
    const Trace *trace = lua_touserdata(lua, -1);
    if (trace)  // there is none when the engine names a Value that was kept from the equations
        graph_print(trace->graph, value->expr, NULL, &text);
    lua_pushfstring(lua, "%s [%s]", text.bytes ? text.bytes : "", value__dimension(value->unit));
    text_fini(&text);
    return 1;
}

/* quantity(5, "W"): a number with a unit. */
static int value_quantity(lua_State *lua)
{
    const double number = luaL_checknumber(lua, 1);
    const Unit *unit;
    ErrText why;
    if (unit_parse(luaL_checkstring(lua, 2), &unit, &why))
        return luaL_error(lua, "%s", why.text);
    return value__push(lua, graph_constant(value__trace(lua)->graph, unit_to_si(unit, number)), unit_base(unit), -1);
}

/* output(value, "unit", "doc"): marks what is shown; the name comes from the assignment. */
static int value_output(lua_State *lua)
{
    const Value value = value__operand(lua, 1);
    const char *doc = luaL_optstring(lua, 3, "");
    const Unit *unit;
    ErrText why;
    if (unit_parse(luaL_checkstring(lua, 2), &unit, &why))
        return luaL_error(lua, "%s", why.text);
    if (!unit_converts(value.unit, unit))
        return luaL_error(lua, "dimensions differ: the output is in \"%s\", its value has %s", unit_name(unit), value__dimension(value.unit));

    lua_newtable(lua);
    value__push(lua, value.expr, value.unit, -1);
    lua_setfield(lua, -2, "value");
    lua_pushvalue(lua, 2);
    lua_setfield(lua, -2, "unit");
    lua_pushstring(lua, doc);
    lua_setfield(lua, -2, "doc");
    return 1;
}

/* t.level.rate = ... */
static int value_newindex(lua_State *lua)
{
    Trace *trace = value__trace(lua);
    const Value *state = luaL_checkudata(lua, 1, value_type);
    if (strcmp(luaL_checkstring(lua, 2), "rate") != 0)
        return luaL_error(lua, "a value has no field \"%s\"; a state has one, its \"rate\"", lua_tostring(lua, 2));
    if (state->state < 0)
        return luaL_error(lua, "only states have a rate");
    if (trace->closed)
        return luaL_error(lua, "a sensor's function cannot assign rates");
    if (trace->rates[state->state] != EXPR_NONE)
        return luaL_error(lua, "the rate of this state was assigned before");

    const Value rate = value__operand(lua, 3);
    const Unit *second, *expected;
    ErrText why;
    if (unit_parse("s", &second, &why) || !(expected = unit_divide(state->unit, second)))
        return luaL_error(lua, "no unit for a rate");
    if (!value__converts(trace, &rate, expected))
        return luaL_error(lua, "dimensions differ: the rate of a state in %s must be in %s, this has %s", value__dimension(state->unit),
                          value__dimension(expected), value__dimension(rate.unit));
    trace->rates[state->state] = rate.expr;
    return 0;
}

static int value_index(lua_State *lua)
{
    return luaL_error(lua, "a value has no field \"%s\" that could be read", luaL_checkstring(lua, 2));
}

/* The array that Lua holds as its number. */
static const TraceArray *array_of(lua_State *lua)
{
    const size_t *number = luaL_checkudata(lua, 1, array_type);
    return &value__trace(lua)->arrays[*number];
}

/* t.T[3] */
static int array_index(lua_State *lua)
{
    const TraceArray *array = array_of(lua);
    int is_whole;
    const lua_Integer i = lua_tointegerx(lua, 2, &is_whole);
    if (!is_whole || i < 1 || (size_t)i > array->count)
        return luaL_error(lua, "\"%s\" has the elements 1 to %d, no %s", array->name, (int)array->count, luaL_tolstring(lua, 2, NULL));
    const TraceName *name = &value__trace(lua)->names[array->first + (size_t)i - 1];
    return value__push(lua, name->expr, name->unit, name->state);
}

static int array_length(lua_State *lua)
{
    lua_pushinteger(lua, (lua_Integer)array_of(lua)->count);
    return 1;
}

static int array_newindex(lua_State *lua)
{
    const TraceArray *array = array_of(lua);
    return luaL_error(lua, "\"%s[%s]\" cannot be assigned; did you mean t.%s[%s].rate?", array->name, luaL_tolstring(lua, 2, NULL), array->name,
                      luaL_tolstring(lua, 2, NULL));
}

/* Whose `t` this is: the part whose function is run, or t.upper, a part of it. */
static size_t part_of(lua_State *lua)
{
    return *(const size_t *)luaL_checkudata(lua, 1, self_type);
}

static int push_part(lua_State *lua, size_t part)
{
    *(size_t *)lua_newuserdatauv(lua, sizeof part, 0) = part;
    luaL_setmetatable(lua, self_type);
    return 1;
}

static const TraceArray *find_array(const Trace *trace, size_t part, const char *name)
{
    for (size_t i = 0; i < trace->array_count; i++)
        if (trace->arrays[i].part == part && strcmp(trace->arrays[i].name, name) == 0)
            return &trace->arrays[i];
    return NULL;
}

static TraceName *find_name(const Trace *trace, size_t part, const char *name)
{
    for (size_t i = 0; i < trace->name_count; i++)
        if (trace->names[i].part == part && strcmp(trace->names[i].name, name) == 0)
            return &trace->names[i];
    return NULL;
}

static TraceOutput *find_output(const Trace *trace, size_t part, const char *name)
{
    for (size_t i = 0; i < trace->output_count; i++)
        if (trace->outputs[i].part == part && strcmp(trace->outputs[i].name, name) == 0)
            return &trace->outputs[i];
    return NULL;
}

/* The part of `whole` that is called so, or 0: the whole model is nobody's part. */
static size_t find_part(const Trace *trace, size_t whole, const char *name)
{
    for (size_t i = 1; i < trace->part_count; i++)
        if (trace->parts[i].whole == whole && strcmp(trace->parts[i].name, name) == 0)
            return i;
    return 0;
}

/* An output of a part may still depend on inputs that nothing feeds yet, so it is a column until all are known. */
static int push_output(lua_State *lua, const Trace *trace, TraceOutput *output)
{
    if (trace->closed || output->part == trace->part)
        return value__push(lua, output->expr, unit_base(output->unit), -1);
    output->is_read = true;
    const Expr column = graph_variable(trace->graph, (uint16_t)(TRACE_OUTPUT_COLUMN + (output - trace->outputs)));
    return value__push(lua, column, unit_base(output->unit), -1);
}

/* t.level: a channel, an array of states, a part, or an output that was assigned above. */
static int self_index(lua_State *lua)
{
    const Trace *trace = value__trace(lua);
    const size_t part = part_of(lua);
    const char *key = luaL_checkstring(lua, 2);
    const TraceArray *array = find_array(trace, part, key);
    if (array) {
        *(size_t *)lua_newuserdatauv(lua, sizeof(size_t), 0) = (size_t)(array - trace->arrays);
        luaL_setmetatable(lua, array_type);
        return 1;
    }
    const TraceName *name = find_name(trace, part, key);
    if (name)
        return value__push(lua, name->expr, name->unit, name->state);
    TraceOutput *output = find_output(trace, part, key);
    if (output)
        return push_output(lua, trace, output);
    const size_t inner = find_part(trace, part, key);
    if (inner)
        return push_part(lua, inner);
    if (part != trace->part)
        return luaL_error(lua, "the part \"%s\" has no state, parameter, input or output \"%s\"", trace->parts[part].name, key);
    if (trace->stepped)
        return luaL_error(lua, "the model has no state, parameter or input \"%s\"; what a step function puts out cannot be measured", key);
    return luaL_error(lua, "the model has no state, parameter, input or output \"%s\"", key);
}

/* t.upper.inflow = ... */
static int feed_part(lua_State *lua, Trace *trace, size_t part, const char *key)
{
    const char *called = trace->parts[part].name;
    TraceName *name = find_name(trace, part, key);
    if (trace->closed)
        return luaL_error(lua, "a sensor's function cannot feed inputs");
    if (name && !name->is_open && name->state < 0)
        return luaL_error(lua, "\"%s\" of the part \"%s\" is no input, or is fed already", key, called);
    if (!name || !name->is_open)
        return luaL_error(lua, "the part \"%s\" has no input \"%s\"; expected t.%s.INPUT = ...", called, key, called);

    const Value value = value__operand(lua, 3);
    double number;
    if (!is_zero(trace, &value) && !unit_converts(value.unit, name->unit))
        return luaL_error(lua, "dimensions differ: the input \"%s\" of the part \"%s\" has %s, this has %s", key, called, value__dimension(name->unit),
                          value__dimension(value.unit));
    if (graph_is_constant(trace->graph, value.expr, &number) && !(number >= name->min && number <= name->max))
        return luaL_error(lua, "the input \"%s\" of the part \"%s\" is fed a number outside its min and max", key, called);

    lua_Debug here = {0};
    if (lua_getstack(lua, 1, &here))
        lua_getinfo(lua, "l", &here);
    const size_t fed = (size_t)(name - trace->names);
    trace->feeds[trace->feed_count++] = (TraceFeed){.name = fed, .expr = value.expr, .part = trace->part, .line = here.currentline};
    name->is_open = false;
    return 0;
}

/* t.outflow = output(...) */
static int self_newindex(lua_State *lua)
{
    Trace *trace = value__trace(lua);
    const size_t part = part_of(lua);
    const char *name = luaL_checkstring(lua, 2);
    if (part != trace->part)
        return feed_part(lua, trace, part, name);
    if (trace->closed)
        return luaL_error(lua, "a sensor's function cannot assign outputs");
    if (find_name(trace, part, name))
        return luaL_error(lua, "\"%s\" cannot be assigned; did you mean t.%s.rate?", name, name);
    if (find_array(trace, part, name))
        return luaL_error(lua, "\"%s\" cannot be assigned; did you mean t.%s[1].rate?", name, name);
    if (find_part(trace, part, name))
        return luaL_error(lua, "\"%s\" cannot be assigned: it is a part; did you mean one of its inputs?", name);
    if (find_output(trace, part, name))
        return luaL_error(lua, "the output \"%s\" was assigned before", name);
    if (!lua_istable(lua, 3))
        return luaL_error(lua, "t.%s = ...: expected output(value, \"unit\"); what is not shown can be a local variable", name);
    if (trace->output_count == trace->output_room)
        return luaL_error(lua, "more than %d outputs", (int)trace->output_room);

    lua_getfield(lua, 3, "value");
    const Value value = value__operand(lua, -1);
    lua_getfield(lua, 3, "unit");
    lua_getfield(lua, 3, "doc");
    const Unit *unit;
    ErrText why;
    if (!lua_isstring(lua, -1) || !lua_isstring(lua, -2) || unit_parse(lua_tostring(lua, -2), &unit, &why))
        return luaL_error(lua, "t.%s = ...: expected output(value, \"unit\")", name);
    trace->outputs[trace->output_count] = (TraceOutput){.name = arena_text(trace->arena, name), .doc = arena_text(trace->arena, lua_tostring(lua, -1)),
                                                        .expr = value.expr, .unit = unit, .part = part};
    if (!trace->outputs[trace->output_count].name || !trace->outputs[trace->output_count].doc)
        return luaL_error(lua, "no memory for the output \"%s\"", name);
    trace->output_count++;
    return 0;
}

void trace_open(Script *script)
{
    static const luaL_Reg on_values[] = {{"__add", value_add},           {"__sub", value_sub},           {"__mul", value_mul},           {"__div", value_div},
                                         {"__unm", value_neg},           {"__pow", value_pow},           {"__lt", refuse_comparison},    {"__le", refuse_comparison},
                                         {"__eq", refuse_comparison},    {"__tostring", value_tostring}, {"__newindex", value_newindex}, {"__index", value_index},
                                         {NULL, NULL}};
    static const luaL_Reg on_self[] = {{"__index", self_index}, {"__newindex", self_newindex}, {NULL, NULL}};
    static const luaL_Reg on_arrays[] = {{"__index", array_index}, {"__newindex", array_newindex}, {"__len", array_length}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"sqrt", value_sqrt}, {"exp", value_exp}, {"log", value_log}, {"log10", value_log10}, {"sin", value_sin}, {"cos", value_cos}, {"tan", value_tan},
                                         {"asin", value_asin}, {"acos", value_acos}, {"atan", value_atan}, {"atan2", value_atan2}, {"sinh", value_sinh},
                                         {"cosh", value_cosh}, {"tanh", value_tanh}, {"hypot", value_hypot}, {"abs", value_abs}, {"sign", value_sign},
                                         {"min", value_min}, {"max", value_max}, {"clamp", value_clamp}, {"above", value_above}, {"below", value_below},
                                         {"select", value_select}, {"lookup", value__lookup}, {"lag", value__lag}, {"delay", value__delay}, {"event", value__event}, {"output", value_output}, {"quantity", value_quantity}, {NULL, NULL}};
    lua_State *lua = script_lua(script);
    const struct {
        const char *type;
        const luaL_Reg *methods;
    } metatables[] = {{value_type, on_values}, {self_type, on_self}, {array_type, on_arrays}};

    for (size_t i = 0; i < sizeof metatables / sizeof *metatables; i++) {
        luaL_newmetatable(lua, metatables[i].type);
        luaL_setfuncs(lua, metatables[i].methods, 0);
        lua_pushliteral(lua, "locked");
        lua_setfield(lua, -2, "__metatable");
        lua_pop(lua, 1);
    }
    lua_pushglobaltable(lua);
    luaL_setfuncs(lua, functions, 0);
    lua_pop(lua, 1);
    numbers__open(lua);
    lua_pushnumber(lua, M_PI);
    lua_setglobal(lua, "pi");
}

static void close_trace(Script *script)
{
    lua_pushnil(script_lua(script));
    lua_rawsetp(script_lua(script), LUA_REGISTRYINDEX, &trace_key);
}

/* Call the function on top with `t`; its results are left. */
static Err run(Script *script, Trace *trace, int results, ErrText *why)
{
    lua_State *lua = script_lua(script);

    // constants of nature are values with a dimension, so they belong to one trace
    const Unit *acceleration;
    if (unit_parse("m/s^2", &acceleration, why))
        return ERR_UNIT;
    value__push(lua, graph_constant(trace->graph, STANDARD_GRAVITY), acceleration, -1);
    lua_setglobal(lua, "g");

    lua_pushlightuserdata(lua, trace);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &trace_key);
    push_part(lua, trace->part);
    const Err err = script_call(script, 1, results, TRACE_INSTRUCTIONS, why);
    if (err || results == 0)
        close_trace(script);
    return err;
}

Err trace_equations(Script *script, Trace *trace, ErrText *why)
{
    return run(script, trace, 0, why);
}

static int return_operand(lua_State *lua)
{
    Value *out = lua_touserdata(lua, 2);
    *out = value__operand(lua, 1);
    return 0;
}

Err trace_measurement(Script *script, Trace *trace, Expr *out, const Unit **unit, ErrText *why)
{
    lua_State *lua = script_lua(script);
    Value value = {0};
    Err err = run(script, trace, 1, why);
    if (err)
        return err;

    if (lua_type(lua, -1) != LUA_TNUMBER && !luaL_testudata(lua, -1, value_type)) {
        lua_pop(lua, 1);
        return close_trace(script), ERR_OK;
    }
    lua_pushcfunction(lua, return_operand);
    lua_insert(lua, -2);
    lua_pushlightuserdata(lua, &value);
    err = script_call(script, 2, 0, TRACE_INSTRUCTIONS, why);
    close_trace(script);
    if (err)
        return err;
    *out = value.expr;
    *unit = value.unit;
    return ERR_OK;
}
