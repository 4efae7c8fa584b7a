#include "app/past.h"

#include <math.h>

#include "app/commands.h"
#include "app/inside.h"
#include "app/resume.h"
#include "history/past.h"
#include "history/resume.h"

static const double WAY_MIN = 300, WAY_MAX = 1e8;        // s
static const double WAY_SETTLES = 2, WAY_SAMPLES = 10;   // of a model, of a sensor

enum { PLACES = 10, AROUND = 8 };  // on the way; estimates in a period

typedef struct Opening {
    const char *history;
    int64_t at, tick;  // the moment, and the tick that ends at it or first after it
    HistoryReader *reader;
    HistorySpan span;
    TagId *tags;       // states and tracked parameters of twins that are recorded, then inputs
    HistoryPoint *points;
    size_t tag_count, state_count;
    Arena arena;       // of what is read at one place
    Past *out;
    ErrText *why;
} Opening;

static Err fail_range(const Opening *opening, const char *text, int64_t time)
{
    char asked[32], known[32];
    time_format(opening->at, asked);
    time_format(time, known);
    return err_set(opening->why, ERR_RANGE, "%s: %s was asked for, but %s %s", opening->history, asked, text, known);
}

static Err out_of_memory(const Opening *opening)
{
    return err_set(opening->why, ERR_MEMORY, "%s: no memory for its estimates", opening->history);
}

// --- from a snapshot -----------------------------------------------------------------------------------------------

static Err put_back(const Opening *opening, const HistoryResume *resume)
{
    Past *out = opening->out;
    if (resume->sample_count > SYNC_PENDING_MAX)
        return err_set(opening->why, ERR_FULL, "%s: more than %d samples lie between the snapshot and the moment", opening->history, SYNC_PENDING_MAX);
    out->start = PAST_SNAPSHOT;
    out->from = resume->time;
    out->samples = resume->sample_count;
    const Err err = resume_past(out->app, resume, opening->tick, opening->why);
    return err ? err_prefix(opening->why, err, "%s", opening->history) : ERR_OK;
}

// --- from estimates ------------------------------------------------------------------------------------------------

static int64_t end_of(const Opening *opening, int64_t tick)
{
    return sync_time(opening->out->app->sync, tick);
}

/* How long before the moment the filter begins. */
static int64_t way_of(const Plant *plant)
{
    double seconds = WAY_MIN;
    for (uint32_t i = 0; i < plant->model_count; i++) {
        const Model *model = plant->models[i];
        seconds = fmax(seconds, WAY_SETTLES * model->divergence.settle);
        for (uint16_t k = 0; k < model->sensor_count; k++)
            seconds = fmax(seconds, WAY_SAMPLES * model->sensors[k].every);
    }
    return (int64_t)(fmin(seconds, WAY_MAX) * (double)NS_PER_S);
}

/* Estimates are kept under names, which say nothing of the script; the newest snapshot does. */
static Err check_script(const Opening *opening)
{
    HistoryResume newest;
    Lineage lineage;
    const Plant *plant = opening->out->app->plant;
    Err err = resume_read(opening->history, plant, &newest, opening->why);
    if (err || newest.part_count == 0) {
        history_resume_fini(&newest);
        return err;
    }
    err = lineage_read(&lineage, plant, newest.parts[0], newest.part_sizes[0], opening->why);
    if (!err) {
        if (!lineage.same)
            err = err_set(opening->why, ERR_PARSE, "%s was written by another version of plant \"%s\"", opening->history, plant->name);
        lineage_fini(&lineage);
    }
    history_resume_fini(&newest);
    return err;
}

static bool is_recorded_state(const Twin *twin, ChannelKind kind)
{
    return twin->recorded && (kind == CHANNEL_STATE || kind == CHANNEL_TRACKED);
}

static bool is_input(const Twin *twin, ChannelKind kind)
{
    (void)twin;
    return kind == CHANNEL_INPUT;
}

typedef bool IsWanted(const Twin *twin, ChannelKind kind);

/* How many there are, and where `out` is not NULL which. */
static size_t list(const Plant *plant, IsWanted *is_wanted, TagId *out)
{
    size_t count = 0;
    for (uint32_t twin = 0; twin < plant->twin_count; twin++) {
        const Model *model = plant_model(plant, twin);
        for (uint16_t i = 0; i < model->channel_count; i++) {
            if (!is_wanted(&plant->twins[twin], model->channels[i].kind))
                continue;
            if (out)
                out[count] = plant_tag(plant, twin, i);
            count++;
        }
    }
    return count;
}

static Err list_tags(Opening *opening)
{
    const Plant *plant = opening->out->app->plant;
    opening->state_count = list(plant, is_recorded_state, NULL);
    opening->tag_count = opening->state_count + list(plant, is_input, NULL);
    opening->tags = mem_alloc((opening->tag_count + 1) * sizeof *opening->tags);
    opening->points = mem_alloc((opening->tag_count + 1) * sizeof *opening->points);
    if (!opening->tags || !opening->points)
        return out_of_memory(opening);
    list(plant, is_recorded_state, opening->tags);
    list(plant, is_input, &opening->tags[opening->state_count]);
    return ERR_OK;
}

/* The estimates of the last recorded tick that ends at `time` or before, as they were told first, and `out` that end; TIME_NONE where there was none in a
 * period of the record. */
static Err read_estimates(Opening *opening, int64_t time, int64_t *out)
{
    const Plant *plant = opening->out->app->plant;
    const int64_t period = (int64_t)(plant->record * (double)NS_PER_S), from = time - plant->step_ns - (period > plant->step_ns ? period : 0) + 1;
    const HistoryRange range = {.tags = opening->tags, .tag_count = opening->state_count, .from = from, .to = time, .points = AROUND, .first = true};
    arena_reset(&opening->arena);
    HistorySeries *series = arena_new(&opening->arena, HistorySeries, opening->state_count + 1);
    if (!series)
        return out_of_memory(opening);
    const Err err = history_read(opening->reader, &range, &opening->arena, series, opening->why);
    *out = TIME_NONE;
    for (size_t i = 0; i < opening->state_count && !err; i++) {
        opening->points[i] = series[i].count ? series[i].points[series[i].count - 1] : (HistoryPoint){.time = TIME_NONE};
        if (opening->points[i].time > *out)
            *out = opening->points[i].time;
    }
    return err;
}

static Err read_inputs(Opening *opening, int64_t time)
{
    const size_t first = opening->state_count;
    return history_read_at(opening->reader, time, &opening->tags[first], opening->tag_count - first, &opening->points[first], opening->why);
}

/* The values as they were, and of states how far they are known. */
static void set_values(const Opening *opening)
{
    Plant *plant = opening->out->app->plant;
    for (size_t i = 0; i < opening->tag_count; i++) {
        const HistoryPoint *point = &opening->points[i];
        const Place place = plant_place(plant, opening->tags[i]);
        const Twin *twin = &plant->twins[place.twin];
        if (point->time == TIME_NONE || !isfinite(point->value))
            continue;
        plant_set(plant, opening->tags[i], point->value);
        if (i < opening->state_count && isfinite(point->sd))
            model_open(plant_model(plant, place.twin), plant->blocks[twin->block].columns, twin->lane, place.channel, point->sd);
    }
    plant_start(plant);
}

/* The step between is one in which events find what is true already: behind it that is no news. */
static void begin_with_estimates(const Opening *opening)
{
    set_values(opening);
    plant_advance(opening->out->app->plant);
    set_values(opening);
}

static size_t count_unknown(const Opening *opening)
{
    const Plant *plant = opening->out->app->plant;
    size_t twins = 0, known = 0;
    for (uint32_t i = 0; i < plant->twin_count; i++)
        twins += plant_model(plant, i)->state_count > 0;
    for (size_t i = 0; i < opening->state_count; i++)
        known += plant_place(plant, opening->tags[i]).channel == 0 && opening->points[i].time != TIME_NONE;  // states come first
    return twins - known;
}

// --- along the samples ---------------------------------------------------------------------------------------------

/* As if each had come in time: what came late and was used leads to the same bits [I8]. Returns the earliest tick, or `first`. */
static int64_t file_in_time(Sync *sync, const Filed *samples, size_t count, int64_t first)
{
    for (size_t i = 0; i < count; i++) {
        Filed filed = samples[i];
        filed.tick -= filed.late;
        filed.late = 0;
        sync_refile(sync, &filed);
        first = filed.tick < first ? filed.tick : first;
    }
    return first;
}

/* From tick `first` on, or that of the first sample behind `after`: the ticks wait then for advance_to. */
static Err begin_at(const Opening *opening, int64_t first, int64_t after)
{
    Sync *sync = opening->out->app->sync;
    Filed *samples;
    size_t *count = &opening->out->samples;
    const Err err = history_read_filed(opening->reader, after, opening->tick, &samples, count, opening->why);
    if (err)
        return err;
    first = file_in_time(sync, samples, *count, first);
    mem_free(samples);
    sync_begin(sync, first * opening->out->app->plant->step_ns);
    return ERR_OK;
}

static void advance_to(const Opening *opening, int64_t tick)
{
    sync_replay_until(opening->out->app->sync, tick);
    app__replay(opening->out->app);
}

/* Values and standard deviations as they were recorded; correlations stay the filter's. */
static void pin(const Opening *opening)
{
    Plant *plant = opening->out->app->plant;
    for (size_t i = 0; i < opening->state_count; i++) {
        const HistoryPoint *point = &opening->points[i];
        const Place place = plant_place(plant, opening->tags[i]);
        const Twin *twin = &plant->twins[place.twin];
        const double factor = point->sd / plant_sd(plant, opening->tags[i]);
        if (point->time != opening->out->app->now || !isfinite(point->value))
            continue;
        plant_set(plant, opening->tags[i], point->value);
        if (isfinite(factor))
            model_scale(plant_model(plant, place.twin), plant->blocks[twin->block].columns, twin->lane, place.channel, factor);
    }
    plant_derive(plant);
}

/* Behind tick `last`, at which it began. */
static Err be_led(Opening *opening, int64_t last)
{
    Err err = ERR_OK;
    for (int i = 1; i <= PLACES && !err; i++) {
        int64_t time;
        if (stop_asked)
            return err_set(opening->why, ERR_CLOSED, "stopped on the way to the moment");
        err = read_estimates(opening, end_of(opening, last + (opening->tick - last) * i / PLACES), &time);
        if (!err && time > opening->out->app->now) {
            advance_to(opening, plant_tick(opening->out->app->plant, time - 1));
            pin(opening);
        }
    }
    if (!err)
        advance_to(opening, opening->tick);
    return err;
}

static Err begin_with_history(Opening *opening)
{
    const Plant *plant = opening->out->app->plant;
    const int64_t first = plant_tick(plant, opening->span.first - 1);
    opening->out->start = PAST_BEGINNING;
    opening->out->from = opening->span.first;
    const Err err = begin_at(opening, first, first - 1 - (int64_t)(plant->record / plant->step));
    if (!err)
        advance_to(opening, opening->tick);
    return err;
}

static Err begin_before(Opening *opening, int64_t time)
{
    Past *out = opening->out;
    out->start = PAST_ESTIMATES;
    Err err = read_estimates(opening, time, &out->from);
    if (!err && out->from == TIME_NONE)
        err = fail_range(opening, "it has no estimates of", time);
    if (!err)
        err = read_inputs(opening, out->from);
    if (err)
        return err;
    out->unknown = count_unknown(opening);
    begin_with_estimates(opening);

    const int64_t last = plant_tick(out->app->plant, out->from - 1);
    out->app->tick = last;
    out->app->now = out->from;
    err = begin_at(opening, last + 1, last);
    return err ? err : be_led(opening, last);
}

static Err check_span(const Opening *opening)
{
    if (opening->span.first == TIME_NONE)
        return err_set(opening->why, ERR_RANGE, "%s: it keeps no estimates, so there is no moment before its snapshots to begin at", opening->history);
    if (opening->at >= opening->span.first)
        return ERR_OK;
    return fail_range(opening, opening->span.cut ? "as the plant's script says, it is kept from" : "it begins at", opening->span.first);
}

static Err warm_up(Opening *opening)
{
    const Plant *plant = opening->out->app->plant;
    const int64_t begin = end_of(opening, opening->tick) - way_of(plant), first = opening->span.first;
    Err err = check_span(opening);
    if (!err)
        err = check_script(opening);
    if (!err)
        err = list_tags(opening);
    if (err)
        return err;
    return begin <= first && !opening->span.cut ? begin_with_history(opening) : begin_before(opening, begin > first ? begin : first);
}

// --- life ----------------------------------------------------------------------------------------------------------

static Err check_end(const Opening *opening)
{
    if (opening->span.last == TIME_NONE)
        return err_set(opening->why, ERR_RANGE, "%s: it holds no tick yet", opening->history);
    return end_of(opening, opening->tick) <= opening->span.last ? ERR_OK : fail_range(opening, "it ends at", opening->span.last);
}

static Err go_back(Opening *opening)
{
    HistoryResume resume;
    Err err = history_span(opening->reader, &opening->span, opening->why);
    if (!err)
        err = check_end(opening);
    if (!err)
        err = resume_read_past(opening->history, opening->out->app->plant, opening->tick, &resume, opening->why);
    if (err)
        return err;
    err = resume.part_count ? put_back(opening, &resume) : warm_up(opening);
    history_resume_fini(&resume);
    return err;
}

Err past_open(const char *plant, const char *history, int64_t at, Past *out, ErrText *why)
{
    *out = (Past){0};
    const AppDef def = {.plant = plant, .quiet = true};
    Opening opening = {.history = history, .at = at, .out = out, .why = why};
    Err err = app_load(&def, &out->app, why);
    if (err)
        return err;
    opening.tick = plant_tick(out->app->plant, at - 1);
    err = history_reader_open(history, out->app->plant, &opening.reader, why);
    if (!err)
        err = go_back(&opening);
    history_reader_close(opening.reader);
    mem_free(opening.tags);
    mem_free(opening.points);
    arena_fini(&opening.arena);
    if (err)
        past_close(out);
    return err;
}

void past_close(Past *past)
{
    app_destroy(past->app);
    *past = (Past){0};
}
