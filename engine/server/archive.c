/* archive.c -- a few places, one thread. */
#include "server/archive.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>

#include "server/frames.h"

enum { ALARMS_AT_MAX = 1000 };
#define ANSWER_NS (60 * NS_PER_S)  // how long an answer waits to be fetched

typedef enum PlaceState { PLACE_FREE, PLACE_WAITING, PLACE_READING, PLACE_DONE } PlaceState;

typedef struct ArchivePlace {
    PlaceState state;
    uint64_t id;
    int64_t done_at;  // elapsed time
    ArchiveQuery query;
    Text answer;
    Err err;
    ErrText why;
} ArchivePlace;

struct Archive {
    const Plant *plant;
    HistoryReader *reader;
    void (*wake)(void *self);
    void *self;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closing;  // these under the mutex
    uint64_t last_id;
    ArchivePlace places[ARCHIVE_PLACES];
};

// Answers.

static void put_numbers(Text *out, const char *name, const HistorySeries *series, const Unit *unit, size_t member, bool is_scale)
{
    text_format(out, ",\"%s\":[", name);
    for (size_t i = 0; i < series->count; i++) {
        const double si = *(const double *)((const char *)&series->points[i] + member);
        text_put(out, i ? "," : "");
        text_json_number(out, is_scale ? unit_scale_from_si(unit, si) : unit_from_si(unit, si));
    }
    text_put(out, "]");
}

static void put_series(Text *out, const TagTable *tags, TagId tag, const HistorySeries *series)
{
    const Unit *unit = tags_get(tags, tag).unit;
    text_json_string(out, tags_name(tags, tag).text);
    text_put(out, ":{\"time\":[");
    for (size_t i = 0; i < series->count; i++)
        text_format(out, "%s%" PRId64, i ? "," : "", series->points[i].time);
    text_put(out, "]");
    put_numbers(out, "value", series, unit, offsetof(HistoryPoint, value), false);
    put_numbers(out, "sd", series, unit, offsetof(HistoryPoint, sd), true);
    if (series->is_rolled) {
        put_numbers(out, "min", series, unit, offsetof(HistoryPoint, min), false);
        put_numbers(out, "max", series, unit, offsetof(HistoryPoint, max), false);
        text_put(out, ",\"count\":[");
        for (size_t i = 0; i < series->count; i++)
            text_format(out, "%s%" PRIu64, i ? "," : "", series->points[i].count);
        text_put(out, "]");
    }
    text_format(out, ",\"level\":\"%s\"", history_level_name(series->level));
    if (series->next != TIME_NONE)
        text_format(out, ",\"next\":%" PRId64, series->next);
    text_put(out, "}");
}

static void put_csv_number(Text *out, double value)
{
    text_put(out, ",");
    if (isfinite(value))
        text_format(out, "%.15g", value);
}

static void put_csv_time(Text *out, int64_t time)
{
    char text[32];
    if (out->times == TEXT_TIMES_NS) {
        text_format(out, "%" PRId64, time);
        return;
    }
    time_format(time, text);
    text_put(out, text);
}

static void put_csv(Text *out, const TagTable *tags, TagId tag, const HistorySeries *series)
{
    const Unit *unit = tags_get(tags, tag).unit;
    const TagName name = tags_name(tags, tag);
    for (size_t i = 0; i < series->count; i++) {
        const HistoryPoint *point = &series->points[i];
        put_csv_time(out, point->time);
        text_format(out, ",%s", name.text);
        put_csv_number(out, unit_from_si(unit, point->value));
        put_csv_number(out, unit_scale_from_si(unit, point->sd));
        put_csv_number(out, unit_from_si(unit, point->min));
        put_csv_number(out, unit_from_si(unit, point->max));
        text_format(out, ",%" PRIu64 ",%s\r\n", point->count, unit_name(unit));
    }
}

static Err answer_range(Archive *archive, ArchivePlace *place)
{
    const ArchiveQuery *query = &place->query;
    const TagTable *tags = archive->plant->tags;
    Arena arena = {0};
    HistorySeries series[ARCHIVE_TAGS_MAX];
    const HistoryRange range = {query->tags, query->tag_count, query->from, query->to, query->points, query->level, false};
    const Err err = history_read(archive->reader, &range, &arena, series, &place->why);
    text_put(&place->answer, query->form == ARCHIVE_CSV ? "time,tag,value,sd,min,max,count,unit\r\n" : "{\"series\":{");
    for (size_t i = 0; err == ERR_OK && i < query->tag_count; i++) {
        if (query->form == ARCHIVE_CSV) {
            put_csv(&place->answer, tags, query->tags[i], &series[i]);
            continue;
        }
        text_put(&place->answer, i ? "," : "");
        put_series(&place->answer, tags, query->tags[i], &series[i]);
    }
    text_put(&place->answer, query->form == ARCHIVE_CSV ? "" : "}}");
    arena_fini(&arena);
    return err;
}

/* `"tank1.level":[value, sd, time]`, of the tags of which there is anything. */
static void put_moment(Text *out, const TagTable *tags, const TagId *ids, const HistoryPoint *points, size_t count)
{
    bool has_one = false;
    for (size_t i = 0; i < count; i++) {
        if (points[i].time == TIME_NONE)
            continue;
        const Unit *unit = tags_get(tags, ids[i]).unit;
        text_put(out, has_one ? "," : "");
        text_json_string(out, tags_name(tags, ids[i]).text);
        text_put(out, ":[");
        text_json_number(out, unit_from_si(unit, points[i].value));
        text_put(out, ",");
        text_json_number(out, unit_scale_from_si(unit, points[i].sd));
        text_put(out, ",");
        text_json_time(out, points[i].time);
        text_put(out, "]");
        has_one = true;
    }
}

static Err put_alarms_at(Archive *archive, ArchivePlace *place, Arena *arena)
{
    HistoryAlarm *alarms;
    size_t count;
    const Err err = history_read_alarms_at(archive->reader, place->query.to, ALARMS_AT_MAX, arena, &alarms, &count, &place->why);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        text_put(&place->answer, i ? "," : "");
        frame_alarm(&place->answer, &alarms[i].alarm, alarms[i].twin);
    }
    return err;
}

static Err answer_moment(Archive *archive, ArchivePlace *place)
{
    const TagTable *tags = archive->plant->tags;
    const size_t count = tags_count(tags);
    Arena arena = {0};
    TagId *ids = arena_new(&arena, TagId, count);
    HistoryPoint *points = arena_new(&arena, HistoryPoint, count);
    Err err = ids && points ? ERR_OK : err_set(&place->why, ERR_MEMORY, "out of memory for a moment of %zu tags", count);
    for (TagId tag = 0; err == ERR_OK && tag < count; tag++)
        ids[tag] = tag;
    if (err == ERR_OK)
        err = history_read_at(archive->reader, place->query.to, ids, count, points, &place->why);
    if (err == ERR_OK) {
        text_put(&place->answer, "{\"time\":");
        text_json_time(&place->answer, place->query.to);
        text_put(&place->answer, ",\"values\":{");
        put_moment(&place->answer, tags, ids, points, count);
        text_put(&place->answer, "},\"alarms\":[");
        err = put_alarms_at(archive, place, &arena);
        text_put(&place->answer, "]}");
    }
    arena_fini(&arena);
    return err;
}

// The thread.

/* The one that has waited longest. */
static ArchivePlace *find_waiting(Archive *archive)
{
    ArchivePlace *found = NULL;
    for (size_t i = 0; i < ARCHIVE_PLACES; i++) {
        ArchivePlace *place = &archive->places[i];
        if (place->state == PLACE_WAITING && (!found || place->id < found->id))
            found = place;
    }
    return found;
}

static void end_query(ArchivePlace *place, Err err)
{
    place->err = err;
    place->done_at = clock_system.elapsed_ns(NULL);
    place->state = PLACE_DONE;
}

static void *run(void *self)
{
    Archive *archive = self;
    pthread_setname_np(pthread_self(), "archive");
    pthread_mutex_lock(&archive->mutex);
    while (!archive->closing) {
        ArchivePlace *place = find_waiting(archive);
        if (!place) {
            pthread_cond_wait(&archive->changed, &archive->mutex);
            continue;
        }
        place->state = PLACE_READING;
        place->answer.times = place->query.times;
        pthread_mutex_unlock(&archive->mutex);
        const Err err = place->query.form == ARCHIVE_MOMENT ? answer_moment(archive, place) : answer_range(archive, place);
        pthread_mutex_lock(&archive->mutex);
        end_query(place, err == ERR_OK && place->answer.failed ? err_set(&place->why, ERR_MEMORY, "out of memory for the answer") : err);
        pthread_cond_broadcast(&archive->changed);
        archive->wake(archive->self);
    }
    pthread_mutex_unlock(&archive->mutex);
    return NULL;
}

Err archive_open(const char *path, const Plant *plant, void (*wake)(void *self), void *self, Archive **out, ErrText *why)
{
    assert(path && plant && wake && out);
    Archive *archive = *out = mem_alloc(sizeof *archive);
    if (!archive)
        return err_set(why, ERR_MEMORY, "%s: out of memory", path);
    archive->plant = plant;
    archive->wake = wake;
    archive->self = self;
    pthread_mutex_init(&archive->mutex, NULL);
    pthread_cond_init(&archive->changed, NULL);
    Err err = history_reader_open(path, plant, &archive->reader, why);
    if (err == ERR_OK && pthread_create(&archive->thread, NULL, run, archive) != 0)
        err = err_set(why, ERR_MEMORY, "%s: no thread to read with", path);
    if (err == ERR_OK)
        return ERR_OK;
    history_reader_close(archive->reader);
    pthread_cond_destroy(&archive->changed);
    pthread_mutex_destroy(&archive->mutex);
    mem_free(archive);
    *out = NULL;
    return err;
}

void archive_stop(Archive *archive)
{
    if (!archive)
        return;
    pthread_mutex_lock(&archive->mutex);
    archive->closing = true;
    pthread_cond_broadcast(&archive->changed);
    pthread_mutex_unlock(&archive->mutex);
    pthread_join(archive->thread, NULL);
}

void archive_close(Archive *archive)
{
    if (!archive)
        return;
    for (size_t i = 0; i < ARCHIVE_PLACES; i++)
        text_fini(&archive->places[i].answer);
    history_reader_close(archive->reader);
    pthread_cond_destroy(&archive->changed);
    pthread_mutex_destroy(&archive->mutex);
    mem_free(archive);
}

static bool is_reading(const Archive *archive)
{
    for (size_t i = 0; i < ARCHIVE_PLACES; i++)
        if (archive->places[i].state == PLACE_READING)
            return true;
    return false;
}

void archive_follow(Archive *archive, const Plant *plant)
{
    if (!archive)
        return;
    pthread_mutex_lock(&archive->mutex);
    for (size_t i = 0; i < ARCHIVE_PLACES; i++)
        if (archive->places[i].state == PLACE_WAITING)
            end_query(&archive->places[i], err_set(&archive->places[i].why, ERR_CLOSED, "the plant's script has changed meanwhile: ask again"));
    while (is_reading(archive))
        pthread_cond_wait(&archive->changed, &archive->mutex);
    archive->plant = plant;
    history_reader_follow(archive->reader, plant);
    pthread_mutex_unlock(&archive->mutex);
}

// The service thread.

static ArchivePlace *find_place(Archive *archive, uint64_t id)
{
    for (size_t i = 0; i < ARCHIVE_PLACES; i++)
        if (archive->places[i].state != PLACE_FREE && archive->places[i].id == id)
            return &archive->places[i];
    return NULL;
}

static void free_place(ArchivePlace *place)
{
    text_fini(&place->answer);
    *place = (ArchivePlace){.state = PLACE_FREE};
}

/* A free one, or that of an answer which nobody has come for. */
static ArchivePlace *take_place(Archive *archive)
{
    const int64_t now = clock_system.elapsed_ns(NULL);
    for (size_t i = 0; i < ARCHIVE_PLACES; i++) {
        ArchivePlace *place = &archive->places[i];
        if (place->state == PLACE_DONE && now - place->done_at > ANSWER_NS)
            free_place(place);
        if (place->state == PLACE_FREE)
            return place;
    }
    return NULL;
}

uint64_t archive_ask(Archive *archive, const ArchiveQuery *query)
{
    assert(query->tag_count <= ARCHIVE_TAGS_MAX);
    pthread_mutex_lock(&archive->mutex);
    ArchivePlace *place = take_place(archive);
    if (place) {
        place->query = *query;
        place->id = ++archive->last_id;
        place->state = PLACE_WAITING;
        pthread_cond_broadcast(&archive->changed);
    }
    const uint64_t id = place ? place->id : 0;
    pthread_mutex_unlock(&archive->mutex);
    return id;
}

bool archive_has_come(Archive *archive, uint64_t id)
{
    pthread_mutex_lock(&archive->mutex);
    const ArchivePlace *place = find_place(archive, id);
    const bool has_come = !place || place->state == PLACE_DONE;
    pthread_mutex_unlock(&archive->mutex);
    return has_come;
}

Err archive_take(Archive *archive, uint64_t id, Text *out, ErrText *why)
{
    pthread_mutex_lock(&archive->mutex);
    ArchivePlace *place = find_place(archive, id);
    Err err = err_set(why, ERR_UNKNOWN, "the answer takes too long: ask for less");
    if (place && place->state == PLACE_DONE) {
        err = place->err;
        *why = place->why;
        if (err == ERR_OK)
            text_add(out, place->answer.bytes, place->answer.length);
        free_place(place);
    }
    pthread_mutex_unlock(&archive->mutex);
    return err;
}
