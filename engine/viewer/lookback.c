#include "viewer/lookback.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ASKS = 32 };
static const int64_t NAP_NS = 4 * NS_PER_MS;

typedef struct Ask {
    uint64_t ticket;
    SeriesAsk series;
} Ask;

struct Lookback {
    const Capture *capture;
    HistoryReader *reader;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    Mailbox asks, answers;
    _Atomic int64_t wanted;   // that is to be shown
    int64_t shown;            // the window's
    pthread_mutex_t lock;     // of what follows: held for as long as copying takes, and the window does not wait for it
    int64_t read;             // that is in the picture
    WorldValue *values;       // by tag
    WorldAlarm *alarms;
    uint32_t alarm_count;
    // the reader's
    TagId *tags;              // that history knows
    HistoryPoint *points;
    size_t tag_count;
    Arena arena;
};

// --- the reader's thread -------------------------------------------------------------------------------------------

static Err copy_points(const HistorySeries *from, const Unit *unit, Arena *arena, WorldSeries *out)
{
    out->count = from->count;
    out->times = arena_new(arena, int64_t, from->count + 1);
    out->values = arena_new(arena, double, from->count + 1);
    out->low = arena_new(arena, double, from->count + 1);
    out->high = arena_new(arena, double, from->count + 1);
    if (!out->times || !out->values || !out->low || !out->high)
        return ERR_MEMORY;
    for (size_t i = 0; i < from->count; i++) {
        const HistoryPoint *point = &from->points[i];
        out->times[i] = point->time;
        out->values[i] = unit_from_si(unit, point->value);
        out->low[i] = unit_from_si(unit, point->min);
        out->high[i] = unit_from_si(unit, point->max);
    }
    return ERR_OK;
}

static void read_series(Lookback *lookback, const Ask *ask)
{
    const Plant *plant = lookback->capture->plant;
    const TagId tag = plant_tag(plant, ask->series.asset, ask->series.channel);
    const HistoryRange range =
        {.tags = &tag, .tag_count = 1, .from = ask->series.from, .to = ask->series.to, .points = ask->series.points, .level = HISTORY_AUTO};
    HistorySeries series = {0};
    ErrText why = {""};
    Arena arena = {0};
    Answer out = {.ticket = ask->ticket, .kind = ANSWER_SERIES};
    Err err = history_read(lookback->reader, &range, &arena, &series, &why);
    if (!err) {
        out.series = arena_new(&out.arena, WorldSeries, 1);
        err = out.series ? ERR_OK : ERR_MEMORY;
    }
    if (!err) {
        *out.series = (WorldSeries){.asset = ask->series.asset, .channel = ask->series.channel};
        err = copy_points(&series, tags_get(plant->tags, tag).unit, &out.arena, out.series);
        out.series_count = 1;
    }
    arena_fini(&arena);
    if (err) {
        arena_fini(&out.arena);
        out = (Answer){.ticket = ask->ticket, .kind = ANSWER_SERIES, .failed = true};
        snprintf(out.text, sizeof out.text, "%.250s", *why.text ? why.text : err_name(err));
    }
    if (!mailbox_put(&lookback->answers, &out))
        answer_fini(&out);
}

static void keep_values(Lookback *lookback)
{
    const Plant *plant = lookback->capture->plant;
    for (size_t i = 0; i < lookback->tag_count; i++) {
        const HistoryPoint *point = &lookback->points[i];
        const Unit *unit = tags_get(plant->tags, lookback->tags[i]).unit;
        WorldValue *value = &lookback->values[lookback->tags[i]];
        *value = (WorldValue){.value = NAN, .measured = NAN, .sd = NAN, .low = NAN, .middle = NAN, .high = NAN};
        if (point->time == TIME_NONE)
            continue;
        value->value = unit_from_si(unit, point->value);
        value->sd = (float)unit_scale_from_si(unit, point->sd);
    }
}

static void keep_alarms(Lookback *lookback, const HistoryAlarm *alarms, size_t count)
{
    lookback->alarm_count = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t twin = plant_find(lookback->capture->plant, alarms[i].twin);
        if (twin >= 0)
            capture_alarm(&alarms[i].alarm, (uint32_t)twin, &lookback->alarms[lookback->alarm_count++]);
    }
}

static void read_picture(Lookback *lookback, int64_t time)
{
    ErrText why;
    Arena arena = {0};
    HistoryAlarm *alarms = NULL;
    size_t alarm_count = 0;
    Err err = history_read_at(lookback->reader, time, lookback->tags, lookback->tag_count, lookback->points, &why);
    if (!err)
        err = history_read_alarms_at(lookback->reader, time, WORLD_ALARMS_MAX, &arena, &alarms, &alarm_count, &why);
    if (err) {
        log_write(LOG_WARNING, "view", "%s", why.text);
    } else {
        pthread_mutex_lock(&lookback->lock);
        keep_values(lookback);
        keep_alarms(lookback, alarms, alarm_count);
        lookback->read = time;
        pthread_mutex_unlock(&lookback->lock);
    }
    arena_fini(&arena);
}

static void *run(void *self)
{
    Lookback *lookback = self;
    int64_t last = TIME_NONE;
    while (!atomic_load(&lookback->stop)) {
        Ask ask;
        const int64_t wanted = atomic_load(&lookback->wanted);
        const bool asked = mailbox_take(&lookback->asks, &ask);
        if (asked)
            read_series(lookback, &ask);
        if (wanted != TIME_NONE && wanted != last)
            read_picture(lookback, wanted);
        else if (!asked)
            clock_system.sleep_ns(clock_system.self, NAP_NS);
        last = wanted;
    }
    return NULL;
}

// --- the window's --------------------------------------------------------------------------------------------------

static bool is_kept(ChannelKind kind)
{
    return channel_is_estimated(kind) || kind == CHANNEL_SENSOR || kind == CHANNEL_INPUT;
}

static Err allocate(Lookback *lookback)
{
    const Plant *plant = lookback->capture->plant;
    const uint32_t count = tags_count(plant->tags);
    lookback->values = arena_new(&lookback->arena, WorldValue, count + 1);
    lookback->tags = arena_new(&lookback->arena, TagId, count + 1);
    lookback->points = arena_new(&lookback->arena, HistoryPoint, count + 1);
    lookback->alarms = arena_new(&lookback->arena, WorldAlarm, WORLD_ALARMS_MAX);
    if (!lookback->values || !lookback->alarms || !lookback->tags || !lookback->points || mailbox_init(&lookback->asks, sizeof(Ask), ASKS) ||
        mailbox_init(&lookback->answers, sizeof(Answer), ASKS))
        return ERR_MEMORY;
    for (TagId tag = 0; tag < count; tag++) {
        const Place place = plant_place(plant, tag);
        if (is_kept(plant_model(plant, place.twin)->channels[place.channel].kind))
            lookback->tags[lookback->tag_count++] = tag;
    }
    return ERR_OK;
}

Err lookback_open(const char *path, const Capture *capture, Lookback **out, ErrText *why)
{
    Lookback *lookback = mem_alloc(sizeof *lookback);
    *out = NULL;
    if (!lookback)
        return err_set(why, ERR_MEMORY, "no memory to look back");
    *lookback = (Lookback){.capture = capture, .shown = TIME_NONE, .read = TIME_NONE, .lock = PTHREAD_MUTEX_INITIALIZER};
    atomic_init(&lookback->wanted, TIME_NONE);
    Err err = allocate(lookback) ? err_set(why, ERR_MEMORY, "no memory to look back") : ERR_OK;
    if (!err)
        err = history_reader_open(path, capture->plant, &lookback->reader, why);
    if (!err) {
        lookback->started = pthread_create(&lookback->thread, NULL, run, lookback) == 0;
        err = lookback->started ? ERR_OK : err_set(why, ERR_MEMORY, "no thread to look back");
    }
    if (err)
        lookback_close(lookback);
    else
        *out = lookback;
    return err;
}

void lookback_close(Lookback *lookback)
{
    if (!lookback)
        return;
    atomic_store(&lookback->stop, true);
    if (lookback->started)
        pthread_join(lookback->thread, NULL);
    history_reader_close(lookback->reader);
    for (Answer left; lookback->answers.places && mailbox_take(&lookback->answers, &left);)
        answer_fini(&left);
    mailbox_fini(&lookback->asks);
    mailbox_fini(&lookback->answers);
    arena_fini(&lookback->arena);
    mem_free(lookback);
}

bool lookback_ask(Lookback *lookback, uint64_t ticket, const SeriesAsk *ask)
{
    const Ask out = {ticket, *ask};
    return mailbox_put(&lookback->asks, &out);
}

bool lookback_take(Lookback *lookback, Answer *out)
{
    return mailbox_take(&lookback->answers, out);
}

void lookback_show(Lookback *lookback, int64_t time)
{
    atomic_store(&lookback->wanted, time);
    lookback->shown = time == TIME_NONE ? TIME_NONE : lookback->shown;
}

/* What an instrument showed stands beside what was estimated. */
static void join_measured(World *world)
{
    for (uint32_t i = 0; i < world->asset_count; i++) {
        const WorldModel *model = world_model(world, i);
        for (uint16_t c = 0; c < model->channel_count; c++) {
            const uint16_t by = model->channels[c].measured_by;
            if (by != WORLD_NONE)
                world->values[world->assets[i].first + c].measured = world->values[world->assets[i].first + by].value;
        }
    }
}

/* Parameters and actuators stay as they are now: history does not keep them. */
static void fill(const Lookback *lookback, World *world)
{
    for (size_t i = 0; i < lookback->tag_count; i++)
        world->values[lookback->tags[i]] = lookback->values[lookback->tags[i]];
    memcpy(world->alarms, lookback->alarms, lookback->alarm_count * sizeof *world->alarms);
    world->alarm_count = lookback->alarm_count;
    join_measured(world);
    for (uint32_t i = 0; i < world->asset_count; i++)
        world->assets[i].health = ASSET_CALM;
    capture_judge(world);
    world->time = lookback->read;
    world->ghost_time = TIME_NONE;
    world->revision++;
}

bool lookback_fill(Lookback *lookback, World *world)
{
    if (pthread_mutex_trylock(&lookback->lock))
        return false;
    const bool news = lookback->read != TIME_NONE && lookback->read == atomic_load(&lookback->wanted) && lookback->read != lookback->shown;
    if (news) {
        fill(lookback, world);
        lookback->shown = lookback->read;
    }
    pthread_mutex_unlock(&lookback->lock);
    return news;
}
