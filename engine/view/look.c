#include "view/look.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "signal/unit.h"

bool look_converts(const char *unit, const char *as)
{
    const Unit *from, *to;
    return !unit_parse(unit, &from, NULL) && !unit_parse(as, &to, NULL) && unit_converts(from, to);
}

/* Whether a name begins with one of the words, as in level, level_2. */
static bool begins(const char *name, const char *const *words)
{
    for (; *words; words++)
        if (strncmp(name, *words, strlen(*words)) == 0)
            return true;
    return false;
}

static bool is_level(const WorldChannel *channel)
{
    static const char *const lengths[] = {"level", "height", "depth", "h_", NULL}, *const shares[] = {"soc", "charge", "fill", "level", NULL};
    return (begins(channel->name, lengths) && look_converts(channel->unit, "m")) || (begins(channel->name, shares) && look_converts(channel->unit, "1"));
}

static bool is_heat(const WorldChannel *channel)
{
    return look_converts(channel->unit, "K");
}

static bool is_spin(const WorldChannel *channel)
{
    static const char *const words[] = {"speed", "omega", "rotor", "shaft", "fan", NULL};
    return begins(channel->name, words) && (look_converts(channel->unit, "rad/s") || look_converts(channel->unit, "m/s"));
}

static bool is_flow(const WorldChannel *channel)
{
    return look_converts(channel->unit, "m^3/s") || look_converts(channel->unit, "kg/s");
}

static bool is_opening(const WorldChannel *channel)
{
    static const char *const words[] = {"opening", "position", "valve", "travel", "lift", "airlift", NULL};
    return begins(channel->name, words) && look_converts(channel->unit, "1");
}

/* The channel that shows it best: what is estimated before what follows from it, that before inputs; among those what an instrument shows alone. */
static uint16_t find(const WorldModel *model, bool (*fits)(const WorldChannel *))
{
    static const int ranks[] = {[ROLE_ESTIMATED] = 8, [ROLE_OUTPUT] = 6, [ROLE_INPUT] = 4, [ROLE_SENSOR] = 2};
    uint16_t best = WORLD_NONE;
    int best_rank = 0;
    for (uint16_t i = 0; i < model->channel_count; i++) {
        const WorldChannel *channel = &model->channels[i];
        if (channel->role == ROLE_PARAMETER || channel->role == ROLE_ACTUATOR || !fits(channel))
            continue;
        const int rank = ranks[channel->role] + (channel->measured_by != WORLD_NONE);
        if (rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

/* The ends of what is ordinary: the alarm limits around a channel. NAN where there is none on that side. */
static double limit_of(const WorldModel *model, uint16_t channel, bool high)
{
    double found = NAN;
    for (uint16_t i = 0; i < model->limit_count; i++) {
        const WorldLimit *limit = &model->limits[i];
        if (limit->channel == channel && limit->high == high)
            found = isnan(found) ? limit->value : high ? fmax(found, limit->value) : fmin(found, limit->value);
    }
    return found;
}

static bool finite_and_small(double value)
{
    return isfinite(value) && fabs(value) < 1e6;
}

/* Where a vessel is full: somewhat above its alarm; a share at 1; else what nobody goes beyond. */
static double full_level(const WorldModel *model, uint16_t channel)
{
    const double high = limit_of(model, channel, true), max = model->channels[channel].max;
    if (look_converts(model->channels[channel].unit, "1"))
        return strcmp(model->channels[channel].unit, "%") == 0 ? 100 : 1;
    return !isnan(high) ? high * 1.15 : finite_and_small(max) ? max : NAN;
}

static void find_heat_range(WorldModel *model)
{
    WorldLook *look = &model->look;
    const double low = limit_of(model, look->heat, false), high = limit_of(model, look->heat, true);
    const Unit *kelvin = NULL, *own = NULL;
    if (unit_parse("K", &kelvin, NULL) || unit_parse(model->channels[look->heat].unit, &own, NULL))
        return;

    // without limits, from a cool room to hot water; with one, as far on its other side as is usual
    const double cool = unit_from_si(own, unit_to_si(kelvin, 283.15)), hot = unit_from_si(own, unit_to_si(kelvin, 333.15));
    look->heat_low = !isnan(low) ? low : fmin(cool, isnan(high) ? cool : high - (hot - cool));
    look->heat_high = !isnan(high) ? high : fmax(hot, isnan(low) ? hot : low + (hot - cool) / 2);
}

// --- meshes --------------------------------------------------------------------------------------------------------

/* Words of models, and what is drawn for them. */
static const char *const meshes[][2] = {
    {"quadruple_tank", "tank"}, {"tank", "tank"},       {"reservoir", "tank"},  {"filter", "filter"},       {"pump", "pump"},         {"valve", "valve"},     {"pipe", "pipe"},
    {"district", "houses"},     {"room", "room"},       {"boiler", "boiler"},   {"radiator", "radiator"},   {"incubator", "incubator"}, {"exchanger", "drum"}, {"turbine", "turbine"},
    {"handler", "container"},   {"site", "container"},  {"battery", "cell"},    {"cell", "cell"},           {"motor", "motor"},       {"bearing", "motor"},   {"joint", "motor"},
    {"pv_", "panel"},           {"panel", "panel"},     {"basin", "tank"},      {"vessel", "tank"},         {"heat", "boiler"},       {"fan", "motor"},
};

static const char *mesh_of(const WorldModel *model)
{
    const WorldLook *look = &model->look;
    for (size_t i = 0; i < sizeof meshes / sizeof *meshes; i++)
        if (strstr(model->name, meshes[i][0]))
            return meshes[i][1];
    if (look->fill != WORLD_NONE)
        return "tank";
    if (look->spin != WORLD_NONE)
        return look->flow != WORLD_NONE ? "pump" : "motor";
    return look->opening != WORLD_NONE && look->flow != WORLD_NONE ? "valve" : "box";
}

void look_find(WorldModel *model)
{
    WorldLook *look = &model->look;
    look->fill = find(model, is_level);
    look->heat = find(model, is_heat);
    look->spin = find(model, is_spin);
    look->flow = find(model, is_flow);
    look->opening = find(model, is_opening);
    look->fill_full = look->fill == WORLD_NONE ? NAN : full_level(model, look->fill);
    look->spin_full = look->spin == WORLD_NONE || !finite_and_small(model->channels[look->spin].max) ? NAN : model->channels[look->spin].max;
    look->flow_full = NAN;
    if (look->heat != WORLD_NONE)
        find_heat_range(model);
    if (!look->mesh[0])
        snprintf(look->mesh, sizeof look->mesh, "%s", mesh_of(model));
}

// --- connections ---------------------------------------------------------------------------------------------------

LinkKind look_link(const WorldChannel *from)
{
    if (is_flow(from))
        return LINK_PIPE;
    if (look_converts(from->unit, "A") || look_converts(from->unit, "W"))
        return LINK_CABLE;
    return is_heat(from) ? LINK_CONTACT : LINK_SIGNAL;
}

bool look_is_drawn(const WorldChannel *to)
{
    static const char *const words[] = {"draw", "export", "demand", "out", "drain", NULL};
    return begins(to->name, words);
}
