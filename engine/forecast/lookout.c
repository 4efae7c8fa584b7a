#include "forecast/lookout.h"

#include <assert.h>
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "model/declare.h"

static const double quantiles[] = {0.05, 0.5, 0.95};

struct Lookout {
    const Plant *plant;
    int64_t every_ns, within;  // within: ticks
    double probability;
    Case nothing_changes;
    Scenario scenario;
    Verification *verification;
    double leads[LESSON_LEADS_MAX];  // s: the scenario's times
    Arena arena;                     // of the scenario's tags
    Fork *fork;
    uint64_t order;  // of the desk, 0: none
    int64_t due;     // the tick in which it is judged
    bool late;       // it was not ready by then
    uint64_t skipped;
    Outlooks outlooks;
    Outlook items[OUTLOOKS_MAX];
};

// --- reading the script --------------------------------------------------------------------------------------------

/* All twins, but where the script names some. */
static Err list_twins(Lookout *lookout, Declaration *entry, Arena *arena, uint32_t **twins, size_t *count)
{
    const Plant *plant = lookout->plant;
    lua_State *lua = script_lua(plant->script);
    const int type = lua_getfield(lua, entry->index, "twins");
    *count = type == LUA_TTABLE ? (size_t)lua_rawlen(lua, -1) : plant->twin_count;
    if ((type != LUA_TNIL && type != LUA_TTABLE) || *count == 0)
        return script_blame(plant->script, entry->why, "forecast", "twins", "twins must be a list of names, { \"tank1\", ... }");
    *twins = arena_new(arena, uint32_t, *count);
    if (!*twins)
        return err_set(entry->why, ERR_MEMORY, "no memory for the forecast of plant \"%s\"", plant->name);
    for (size_t i = 0; i < *count; i++) {
        if (type == LUA_TNIL) {
            (*twins)[i] = (uint32_t)i;
            continue;
        }
        const char *name = lua_rawgeti(lua, -1, (lua_Integer)i + 1) == LUA_TSTRING ? lua_tostring(lua, -1) : "";
        const int64_t twin = plant_find(plant, name);
        if (twin < 0)
            return script_blame(plant->script, entry->why, "forecast", "twins", "twins: the plant has no twin \"%s\"", name);
        (*twins)[i] = (uint32_t)twin;
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return ERR_OK;
}

static Err plan(Lookout *lookout, Declaration *entry)
{
    Arena arena = {0};
    uint32_t *twins = NULL;
    size_t count = 0;
    Err err = list_twins(lookout, entry, &arena, &twins, &count);
    if (!err && (err = fork_plan(lookout->plant, twins, count, &lookout->fork, entry->why)) && err != ERR_MEMORY) {
        ErrText reason = *entry->why;
        err = script_blame(lookout->plant->script, entry->why, NULL, "forecast", "forecast: %s (twins = { ... } names those that it is about)", reason.text);
    }
    arena_fini(&arena);
    return err;
}

/* Halves of the horizon, as far as they lie behind the tick in which the forecast is there. */
static void list_leads(Lookout *lookout)
{
    const double step = lookout->plant->step, first = (double)(lookout->within + 1) * step;
    double leads[LESSON_LEADS_MAX];
    size_t count = 0;
    for (double lead = lookout->scenario.horizon; count < LESSON_LEADS_MAX && lead >= first; lead = floor(lead / 2 / step) * step)
        leads[count++] = lead;
    for (size_t i = 0; i < count; i++)
        lookout->leads[i] = leads[count - 1 - i];
    lookout->scenario.times = lookout->leads;
    lookout->scenario.time_count = count;
}

/* What is to be held against samples is told by the forecast. */
static Err plan_verification(Lookout *lookout)
{
    const Fork *fork = lookout->fork;
    list_leads(lookout);
    if (lookout->scenario.time_count == 0)
        return ERR_OK;
    uint32_t *twins = arena_new(&lookout->arena, uint32_t, fork->twin_count);
    for (uint32_t i = 0; i < fork->twin_count && twins; i++)
        twins[i] = fork->twins[i].twin;
    const double every = (double)lookout->every_ns / (double)NS_PER_S;
    if (!twins || verification_create(lookout->plant, twins, fork->twin_count, lookout->leads, lookout->scenario.time_count, every, &lookout->verification))
        return ERR_MEMORY;
    const TagId *tags;
    lookout->scenario.tag_count = verification_tags(lookout->verification, &tags);
    lookout->scenario.tags = tags;
    return ERR_OK;
}

static double read_between(Declaration *entry, const char *key, double fallback, double min, double max)
{
    const double number = declare_number(entry, key, fallback);
    Declaration at = *entry;
    at.key = key;
    if (!(number >= min && number <= max))
        declare_fail(&at, "forecast: %s must be between %g and %g", key, min, max);
    entry->err = at.err;
    return number;
}

static Err read_settings(Lookout *lookout, Declaration *entry)
{
    static const char *const known[] = {"horizon", "every", "within", "members", "probability", "twins", NULL};
    const double step = lookout->plant->step;
    declare_only(entry, known, 0);
    const double horizon = read_between(entry, "horizon", NAN, step, step * SCENARIO_STEPS_MAX);
    const double every = read_between(entry, "every", fmax(60, step), step, 7 * 86400.0);
    const double within = read_between(entry, "within", fmax(every / 10, step), step, every);
    const double members = read_between(entry, "members", 256, 1, SCENARIO_MEMBERS_MAX);
    lookout->probability = read_between(entry, "probability", 0.8, 0.01, 1);
    if (entry->err)
        return entry->err;

    lookout->every_ns = (int64_t)llround(every * (double)NS_PER_S);
    lookout->within = (int64_t)fmax(1, floor(within / step * (1 + 1e-9)));
    lookout->scenario = (Scenario){
        .name = "standing",
        .doc = "",
        .horizon = horizon,
        .members = (uint32_t)members,
        .quantiles = quantiles,
        .quantile_count = sizeof quantiles / sizeof *quantiles,
        .cases = &lookout->nothing_changes,
        .case_count = 1,
    };
    lookout->nothing_changes = (Case){.name = "standing", .doc = "", .plant.control = lookout->plant->control_ns > 0};
    const Err err = plan(lookout, entry);
    if (err)
        return err;
    return plan_verification(lookout) ? err_set(entry->why, ERR_MEMORY, "no memory for the forecast of plant \"%s\"", lookout->plant->name) : ERR_OK;
}

Err lookout_create(const Plant *plant, Lookout **out, ErrText *why)
{
    lua_State *lua = script_lua(plant->script);
    *out = NULL;
    plant_push(plant, "forecast");
    if (lua_isnil(lua, -1)) {
        lua_pop(lua, 1);
        return ERR_OK;
    }
    Lookout *lookout = mem_alloc(sizeof *lookout);
    if (!lookout) {
        lua_pop(lua, 1);
        return err_set(why, ERR_MEMORY, "no memory for the forecast of plant \"%s\"", plant->name);
    }
    lookout->plant = plant;
    const int top = lua_gettop(lua);
    Declaration entry = {.script = plant->script, .index = top, .section = "forecast", .why = why};
    const Err err = read_settings(lookout, &entry);
    lua_settop(lua, top - 1);
    if (err)
        lookout_destroy(lookout);
    else
        *out = lookout;
    return err;
}

void lookout_destroy(Lookout *lookout)
{
    if (!lookout)
        return;
    fork_destroy(lookout->fork);
    verification_destroy(lookout->verification);
    arena_fini(&lookout->arena);
    mem_free(lookout);
}

// --- the tick ------------------------------------------------------------------------------------------------------

static Outlook outlook_of(const ForecastLimit *limit, const Model *model)
{
    return (Outlook){
        .twin = limit->twin,
        .alarm = (uint16_t)(limit->alarm - model->alarms),
        .share = limit->passed.share,
        .early = limit->times[0],
        .middle = limit->times[1],
        .late = limit->times[2],
    };
}

static void take_outlooks(Lookout *lookout, const Forecast *forecast)
{
    Outlooks *outlooks = &lookout->outlooks;
    *outlooks = (Outlooks){.time = forecast->time, .probability = lookout->probability, .items = lookout->items};
    for (size_t i = 0; i < forecast->limit_count && outlooks->count < OUTLOOKS_MAX; i++) {
        const ForecastLimit *limit = &forecast->cases[0].limits[i];
        if (limit->passed.share > 0)
            lookout->items[outlooks->count++] = outlook_of(limit, plant_model(lookout->plant, limit->twin));
    }
}

/* What was ordered has ended: its outlooks, or NULL when there is nothing to say. */
static const Outlooks *fetch(Lookout *lookout, Desk *desk)
{
    ErrText why;
    Forecast *forecast = desk_fetch(desk, lookout->order, &why);
    lookout->order = 0;
    if (!forecast && !lookout->late) {
        log_write(LOG_WARNING, "forecast", "the standing forecast failed: %s", why.text);
        lookout->skipped++;
    }
    if (forecast && !lookout->late) {
        take_outlooks(lookout, forecast);
        verification_promise_all(lookout->verification, forecast);
    }
    forecast_destroy(forecast);
    return forecast && !lookout->late ? &lookout->outlooks : NULL;
}

const Outlooks *lookout_judge(Lookout *lookout, Desk *desk, int64_t tick, bool waits)
{
    if (!lookout || !lookout->order || tick < lookout->due)
        return NULL;
    if (waits)
        desk_await(desk, lookout->order);
    if (desk_has_ended(desk, lookout->order))
        return fetch(lookout, desk);
    if (!lookout->late) {
        lookout->late = true;
        lookout->skipped++;
        desk_give_up(desk, lookout->order);
    }
    return NULL;
}

void lookout_meet(Lookout *lookout, const Sync *sync, Batch batch)
{
    if (lookout)
        verification_meet(lookout->verification, lookout->plant, sync, batch);
}

const Verification *lookout_verification(const Lookout *lookout)
{
    return lookout ? lookout->verification : NULL;
}

/* As timers are: a multiple of the period lies in the tick. */
static bool is_due(const Lookout *lookout, int64_t now)
{
    return now / lookout->every_ns > (now - lookout->plant->step_ns) / lookout->every_ns;
}

void lookout_order(Lookout *lookout, Desk *desk, int64_t tick, int64_t now)
{
    if (!lookout || !is_due(lookout, now))
        return;
    if (!lookout->order) {
        desk_fill_fork(desk, lookout->fork, now);
        lookout->order = desk_order(desk, &lookout->scenario, lookout->fork, DESK_STANDING);
        lookout->due = tick + lookout->within;
        lookout->late = false;
    } else {
        lookout->skipped++;  // a clerk still reads the fork of the one before
    }
}

double lookout_probability(const Lookout *lookout)
{
    return lookout->probability;
}

uint64_t lookout_skipped(const Lookout *lookout)
{
    return lookout ? lookout->skipped : 0;
}
