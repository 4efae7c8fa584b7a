#include "fit/unknowns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char start_ending[] = "@start";

/* One of the names that were given, taken apart. */
typedef struct Wish {
    const char *text;       // as it was typed
    char twins[TAG_NAME_ROOM], channel[TAG_NAME_ROOM];  // patterns; channel is "" for all uncertain states
    bool at_start;
    const char *prior;      // behind its "=", NULL without
} Wish;

typedef struct Finder {
    const FitDef *def;
    Arena *arena;
    FitUnknown *unknowns;
    size_t count;
    ErrText *why;
} Finder;

static Err fail(const Finder *finder, const Wish *wish, Err err, const char *what)
{
    return err_set(finder->why, err, "--fit %s: %s", wish->text, what);
}

static Err out_of_memory(const Finder *finder)
{
    return err_set(finder->why, ERR_MEMORY, "no memory for the fit");
}

// --- names ---------------------------------------------------------------------------------------------------------

/* "incubator.G_box", "G_box", "T_box@start", "@start" */
static Err read_wish(const Finder *finder, const char *text, Wish *out)
{
    const char *ending = strstr(text, start_ending), *dot = strchr(text, '.');
    *out = (Wish){.text = text, .at_start = ending != NULL};
    const size_t length = ending ? (size_t)(ending - text) : strlen(text), twins = dot ? (size_t)(dot - text) : 0;
    if ((ending && ending[strlen(start_ending)]) || length >= TAG_NAME_ROOM || twins > length || (length == 0 && !ending))
        return fail(finder, out, ERR_USAGE, "expected CHANNEL, TWIN.CHANNEL, either with @start behind a state, or @start");
    snprintf(out->twins, sizeof out->twins, "%.*s", dot ? (int)twins : 1, dot ? text : "*");
    snprintf(out->channel, sizeof out->channel, "%.*s", (int)(length - (dot ? twins + 1 : 0)), dot ? dot + 1 : text);
    return ERR_OK;
}

static bool is_meant(const Wish *wish, const Channel *channel)
{
    if (!*wish->channel)
        return channel->kind == CHANNEL_STATE && channel->initial_sd > 0;
    return tag_fits(wish->channel, strlen(wish->channel), channel->name);
}

static bool can_be_fitted(const Wish *wish, const Channel *channel)
{
    return wish->at_start ? channel->kind == CHANNEL_STATE : channel->kind == CHANNEL_PARAMETER || channel->kind == CHANNEL_TRACKED;
}

/* All that a wish means, in the order of twins and channels. */
static Err find_places(const Finder *finder, const Wish *wish, Place **out, uint32_t *count)
{
    const Plant *plant = finder->def->plant;
    const Channel *wrong = NULL;
    for (int pass = 0; pass < 2; pass++) {
        if (pass && !(*out = arena_new(finder->arena, Place, *count + 1)))
            return out_of_memory(finder);
        *count = 0;
        for (uint32_t twin = 0; twin < plant->twin_count; twin++) {
            if (!tag_fits(wish->twins, strlen(wish->twins), plant->twins[twin].name))
                continue;
            const Model *model = plant_model(plant, twin);
            for (uint16_t c = 0; c < model->channel_count; c++) {
                if (!is_meant(wish, &model->channels[c]))
                    continue;
                if (!can_be_fitted(wish, &model->channels[c]))
                    wrong = &model->channels[c];
                else if (pass)
                    (*out)[(*count)++] = (Place){twin, c};
                else
                    ++*count;
            }
        }
    }
    if (*count > 0)
        return ERR_OK;
    if (!wrong)
        return fail(finder, wish, ERR_UNKNOWN, "no twin of this plant has a value of that name (pollux explain MODEL lists them)");
    char text[256];
    snprintf(text, sizeof text,
             wrong->kind == CHANNEL_STATE ? "\"%s\" is a state: expected %s@start, its value where a recording begins"
                                          : "\"%s\" is of kind %s: expected a parameter, or a state with @start",
             wrong->name, wrong->kind == CHANNEL_STATE ? wrong->name : channel_kind_name(wrong->kind));
    return fail(finder, wish, ERR_USAGE, text);
}

// --- values --------------------------------------------------------------------------------------------------------

static const Channel *channel_of(const Finder *finder, Place place)
{
    return &plant_model(finder->def->plant, place.twin)->channels[place.channel];
}

/* What the plant knows: a parameter's sd is what is known of it; that of a state or tracked parameter is its variance at the start. */
static double known_sd(const Finder *finder, Place place)
{
    const Channel *channel = channel_of(finder, place);
    const double sd = channel->variance == COLUMN_NONE ? plant_known_sd(finder->def->plant, place)
                                                       : sqrt(*plant_cell(finder->def->plant, place.twin, channel->variance));
    return sd > 0 ? sd : INFINITY;
}

/* VALUE+-SD, VALUE±SD or none. */
static Err read_prior(const Finder *finder, const Wish *wish, FitUnknown *unknown)
{
    char *end;
    if (strcmp(wish->prior, "none") == 0) {
        unknown->prior_sd = INFINITY;
        return ERR_OK;
    }
    const double value = strtod(wish->prior, &end);
    const size_t sign = end == wish->prior ? 0 : strncmp(end, "+-", 2) == 0 || strncmp(end, "±", 2) == 0 ? 2 : 0;
    const double sd = sign ? strtod(end + sign, &end) : NAN;
    if (*end || !isfinite(value) || !(sd > 0 && isfinite(sd)))
        return err_set(finder->why, ERR_USAGE, "--prior %s=%s: expected VALUE+-SD in %s, or none", wish->text, wish->prior, unit_name(unknown->unit));
    unknown->prior = unit_to_si(unknown->unit, value);
    unknown->prior_sd = unit_scale_to_si(unknown->unit, sd);
    return ERR_OK;
}

static bool has_offset(const Unit *unit)
{
    return unit_to_si(unit, 0) != 0;
}

static Err check_values(const Finder *finder, const Wish *wish, const FitUnknown *unknown)
{
    if (unknown->low > unknown->high || !(unknown->before >= unknown->low && unknown->before <= unknown->high))
        return fail(finder, wish, ERR_RANGE, "no value is within the limits of all twins that it means");
    for (size_t u = 0; u < finder->count; u++)
        for (uint32_t p = 0; p < finder->unknowns[u].place_count; p++)
            for (uint32_t k = 0; k < unknown->place_count; k++) {
                const Place a = finder->unknowns[u].places[p], b = unknown->places[k];
                if (a.twin == b.twin && a.channel == b.channel && finder->unknowns[u].tape == unknown->tape)
                    return fail(finder, wish, ERR_USAGE, "it means a value that is fitted already");
            }
    return ERR_OK;
}

static Err add(Finder *finder, const Wish *wish, const Place *places, uint32_t count, size_t tape)
{
    if (finder->count == FIT_UNKNOWNS_MAX) {
        char text[96];
        snprintf(text, sizeof text, "more than %d values to fit at once, the starts of each recording counted", FIT_UNKNOWNS_MAX);
        return fail(finder, wish, ERR_RANGE, text);
    }
    FitUnknown unknown = {.unit = channel_of(finder, places[0])->unit, .places = places, .place_count = count, .at_start = wish->at_start, .tape = tape,
                          .low = -INFINITY, .high = INFINITY, .before = *plant_cell(finder->def->plant, places[0].twin, channel_of(finder, places[0])->column)};
    const TagName tag = tags_name(finder->def->plant->tags, plant_tag(finder->def->plant, places[0].twin, places[0].channel));
    if (count > 1)
        snprintf(unknown.name, sizeof unknown.name, "%.100s.%.100s", wish->twins, wish->channel);
    else if (wish->at_start && finder->def->tape_count > 1)
        snprintf(unknown.name, sizeof unknown.name, "%s%s of tape %zu", tag.text, start_ending, tape + 1);
    else
        snprintf(unknown.name, sizeof unknown.name, "%s%s", tag.text, wish->at_start ? start_ending : "");

    for (uint32_t i = 0; i < count; i++) {
        const Channel *channel = channel_of(finder, places[i]);
        unknown.low = fmax(unknown.low, channel->min);
        unknown.high = fmin(unknown.high, channel->max);
        if (!unit_converts(channel->unit, unknown.unit))
            return fail(finder, wish, ERR_UNIT, "twins that it means have it in units that do not convert");
    }
    unknown.logarithmic = unknown.before > 0 && (unknown.low > 0 || (unknown.low == 0 && isinf(unknown.high))) && !has_offset(unknown.unit);
    unknown.prior = unknown.before;
    unknown.prior_sd = known_sd(finder, places[0]);
    Err err = wish->prior ? read_prior(finder, wish, &unknown) : ERR_OK;
    if (!err)
        err = check_values(finder, wish, &unknown);
    if (!err)
        finder->unknowns[finder->count++] = unknown;
    return err;
}

/* A parameter is one value of all that its name means; a state has a start of its own in every twin and recording. */
static Err add_wish(Finder *finder, const Wish *wish)
{
    Place *places = NULL;
    uint32_t count = 0;
    Err err = find_places(finder, wish, &places, &count);
    if (err || !wish->at_start)
        return err ? err : add(finder, wish, places, count, 0);
    for (size_t tape = 0; tape < finder->def->tape_count && !err; tape++)
        for (uint32_t i = 0; i < count && !err; i++)
            err = add(finder, wish, &places[i], 1, tape);
    return err;
}

/* Give each prior to the wish that it names. */
static Err deal_priors(const Finder *finder, Wish *wishes)
{
    const FitDef *def = finder->def;
    for (size_t i = 0; i < def->prior_count; i++) {
        const char *text = def->priors[i], *equals = strchr(text, '=');
        Wish *to = NULL;
        for (size_t k = 0; k < def->name_count && equals && !to; k++)
            if (strlen(wishes[k].text) == (size_t)(equals - text) && strncmp(wishes[k].text, text, (size_t)(equals - text)) == 0)
                to = &wishes[k];
        if (!to)
            return err_set(finder->why, ERR_USAGE, "--prior %s: expected NAME=VALUE+-SD or NAME=none, NAME as it is in --fit", text);
        to->prior = equals + 1;
    }
    return ERR_OK;
}

Err unknowns_find(const FitDef *def, Arena *arena, FitUnknown **out, size_t *count, ErrText *why)
{
    Finder finder = {.def = def, .arena = arena, .why = why};
    finder.unknowns = arena_new(arena, FitUnknown, FIT_UNKNOWNS_MAX);
    Wish *wishes = arena_new(arena, Wish, def->name_count + 1);
    if (!finder.unknowns || !wishes)
        return out_of_memory(&finder);
    Err err = ERR_OK;
    for (size_t i = 0; i < def->name_count && !err; i++)
        err = read_wish(&finder, def->names[i], &wishes[i]);
    if (!err)
        err = deal_priors(&finder, wishes);
    for (size_t i = 0; i < def->name_count && !err; i++)
        err = add_wish(&finder, &wishes[i]);
    *out = finder.unknowns;
    *count = finder.count;
    return err;
}

// --- scales --------------------------------------------------------------------------------------------------------

double unknown_scaled(const FitUnknown *unknown, double value)
{
    return unknown->logarithmic ? graph_apply(OP_LOG, value, 0, 0) : value;
}

double unknown_plain(const FitUnknown *unknown, double scaled)
{
    return unknown->logarithmic ? graph_apply(OP_EXP, scaled, 0, 0) : scaled;
}

double unknown_slope(const FitUnknown *unknown, double value)
{
    return unknown->logarithmic ? value : 1;
}

double unknown_start(const FitUnknown *unknown, uint64_t seed, size_t start, size_t index)
{
    const double before = unknown_scaled(unknown, unknown->before), normal = random_normal(seed, start, index);
    const double low = unknown_scaled(unknown, unknown->low), high = unknown_scaled(unknown, unknown->high);
    if (start == 0)
        return before;
    if (isfinite(unknown->prior_sd))
        return unknown_scaled(unknown, fmin(fmax(unknown->prior, unknown->low), unknown->high)) +
               normal * unknown->prior_sd / (unknown->logarithmic ? fabs(unknown->prior) : 1);
    if (isfinite(low) && isfinite(high))
        return low + (high - low) * random_uniform(seed, start, index);
    return before + normal * (unknown->logarithmic ? 1 : unit_scale_to_si(unknown->unit, fmax(fabs(unit_from_si(unknown->unit, unknown->before)), 1)));
}
