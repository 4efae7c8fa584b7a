/* range.c -- strand for charts: which level, what lies in blocks, what is not sealed yet. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "history/reader.h"

enum { POINTS_MAX = 1000 * 1000, SLACK = 2 * BLOCK_POINTS };  // SLACK: what the blocks at both ends of a range may have outside of it

static const char *const level_names[HISTORY_LEVELS] = {"raw", "1s", "1m", "1h"};

const char *history_level_name(HistoryLevel level)
{
    assert(level >= HISTORY_RAW && level < HISTORY_LEVELS);
    return level_names[level];
}

bool history_level_parse(const char *text, HistoryLevel *out)
{
    for (HistoryLevel level = HISTORY_RAW; level < HISTORY_LEVELS; level++)
        if (strcmp(text, level_names[level]) == 0) {
            *out = level;
            return true;
        }
    return false;
}

/* One tag of a range. */
typedef struct Track {
    int64_t tag;  // the file's number; 0 when the file has nothing of it
    Strand kind;
    Points tail;  // its rows that are not in blocks, near the range
} Track;

typedef struct Reading {
    HistoryReader *reader;
    const HistoryRange *range;
    size_t points;
    Track *tracks;
    uint32_t *places;  // by kind and the file's number of a tag: the place of its track, from 1
    size_t place_count;
    int64_t horizon[HISTORY_LEVELS];
    Points found, raw;  // of the track at hand
    ErrText *why;
} Reading;

static Err out_of_memory(const Reading *reading)
{
    return err_set(reading->why, ERR_MEMORY, "out of memory for a range of the history");
}

// What is asked for.

static Err find_tag(HistoryReader *reader, TagId tag, int64_t *out, ErrText *why)
{
    sqlite3_stmt *query = reader->queries[READER_TAG];
    const TagName name = tags_name(reader->plant->tags, tag);
    sqlite3_bind_text(query, 1, name.text, -1, SQLITE_STATIC);
    Err err = ERR_OK;
    *out = store_next(query, &err, why) ? sqlite3_column_int64(query, 0) : 0;
    sqlite3_reset(query);
    return err;
}

/* Channels of other kinds have no history. */
static Err find_track(Reading *reading, TagId tag, Track *out)
{
    const Plant *plant = reading->reader->plant;
    assert(tag < tags_count(plant->tags));
    const Place place = plant_place(plant, tag);
    const ChannelKind kind = plant_model(plant, place.twin)->channels[place.channel].kind;
    out->kind = channel_is_estimated(kind) ? STRAND_ESTIMATES : STRAND_SAMPLES;
    const bool is_kept = channel_is_estimated(kind) || kind == CHANNEL_SENSOR || kind == CHANNEL_INPUT;
    return is_kept ? find_tag(reading->reader, tag, &out->tag, reading->why) : ERR_OK;
}

static Err find_horizons(Reading *reading)
{
    sqlite3_stmt *query = reading->reader->queries[READER_HORIZON];
    Err err = ERR_OK;
    for (int level = 0; err == ERR_OK && level < HISTORY_LEVELS; level++) {
        sqlite3_bind_int(query, 1, level);
        reading->horizon[level] = store_next(query, &err, reading->why) ? sqlite3_column_int64(query, 0) : INT64_MIN;
        sqlite3_reset(query);
    }
    return err;
}

// What is not sealed.

static Err index_tracks(Reading *reading)
{
    int64_t last = 0;
    for (size_t i = 0; i < reading->range->tag_count; i++)
        last = reading->tracks[i].tag > last ? reading->tracks[i].tag : last;
    reading->place_count = (size_t)last + 1;
    reading->places = mem_alloc(2 * reading->place_count * sizeof *reading->places);
    if (!reading->places)
        return out_of_memory(reading);
    for (size_t i = reading->range->tag_count; i-- > 0;)
        if (reading->tracks[i].tag)
            reading->places[(size_t)reading->tracks[i].kind * reading->place_count + (size_t)reading->tracks[i].tag] = (uint32_t)i + 1;
    return ERR_OK;
}

/* NULL of a tag that nobody asked for; one that was asked for twice has one. */
static Track *track_of(Reading *reading, Strand kind, int64_t tag)
{
    if (tag <= 0 || (size_t)tag >= reading->place_count)
        return NULL;
    const uint32_t place = reading->places[(size_t)kind * reading->place_count + (size_t)tag];
    return place ? &reading->tracks[place - 1] : NULL;
}

/* One way through the rows for all tracks. Buckets at the ends of the range are wanted whole. */
static Err read_tail(Reading *reading, Strand kind)
{
    const int64_t width = level_width(HISTORY_HOUR), raw = reading->horizon[HISTORY_RAW];
    int64_t from = bucket_begin(reading->range->from, width);
    const int64_t to = bucket_end(reading->range->to, width);
    from = from > raw ? from : raw;

    TailMark mark;
    Err err = tail_read_mark(reading->reader->db, kind, &mark, reading->why);
    if (err != ERR_OK)
        return err;
    sqlite3_stmt *query = reading->reader->tails[kind];
    tail_bind(query, mark.floor, -1);
    while (err == ERR_OK && store_next(query, &err, reading->why)) {
        const int64_t tag = tail_tag(query), time = tail_time(query);
        Track *track = time >= from && time <= to && tail_is_open(&mark, tail_row(query), tag) ? track_of(reading, kind, tag) : NULL;
        if (!track)
            continue;
        const BlockPoint point = tail_point(query, kind);
        if (points_add(&track->tail, &point) != ERR_OK)
            err = out_of_memory(reading);
    }
    sqlite3_reset(query);
    for (size_t i = 0; i < reading->range->tag_count; i++)
        if (reading->tracks[i].kind == kind)
            points_sort(&reading->tracks[i].tail);
    return err;
}

// One track.

static Err read_blocks(Reading *reading, const Track *track, HistoryLevel level, int64_t from, int64_t to, Points *out)
{
    if (from > to)
        return ERR_OK;
    const Err err = shelf_read(&reading->reader->shelf, track->tag, strand_at(track->kind, level), from, to, out, reading->why);
    return err == ERR_PARSE ? err_prefix(reading->why, err, "%s", sqlite3_db_filename(reading->reader->db, "main")) : err;
}

/* The raw points in [from, to], sealed and not, as roll-ups of one value. */
static Err read_raw(Reading *reading, const Track *track, int64_t from, int64_t to, Points *out)
{
    out->count = 0;
    Err err = read_blocks(reading, track, HISTORY_RAW, from, to, out);
    for (size_t i = 0; err == ERR_OK && i < track->tail.count; i++)
        if (track->tail.items[i].time >= from && track->tail.items[i].time <= to && points_add(out, &track->tail.items[i]) != ERR_OK)
            err = out_of_memory(reading);
    points_sort(out);
    points_settle(track->kind, reading->range->first, out);
    points_single(track->kind, out);
    return err;
}

/* The buckets that the unsealed points of the stretch [from, to] touch, made of all raw points in them. */
static Err roll_stretch(Reading *reading, const Track *track, int64_t width, int64_t from, int64_t to)
{
    Err err = read_raw(reading, track, from, to, &reading->raw);
    points_roll(&reading->raw, width);
    for (size_t i = 0; err == ERR_OK && i < reading->raw.count; i++)
        err = points_add(&reading->found, &reading->raw.items[i]) == ERR_OK ? ERR_OK : out_of_memory(reading);
    return err;
}

/* The buckets of a level that begin in [from, to]: sealed ones, and in between those that unsealed points change. */
static Err read_level(Reading *reading, const Track *track, HistoryLevel level, int64_t from, int64_t to)
{
    const int64_t width = level_width(level);
    const Points *tail = &track->tail;
    Err err = ERR_OK;
    int64_t next = bucket_begin(from, width);
    reading->found.count = 0;
    for (size_t i = 0; err == ERR_OK && i < tail->count && next <= to; i++) {
        if (tail->items[i].time < next)
            continue;
        const int64_t begin = bucket_begin(tail->items[i].time, width);
        if (begin > to)
            break;

        // neighbours with less than an hour between them are one stretch
        while (i + 1 < tail->count && tail->items[i + 1].time - tail->items[i].time < level_width(HISTORY_HOUR))
            i++;
        int64_t end = bucket_end(tail->items[i].time, width);
        end = end < bucket_end(to, width) ? end : bucket_end(to, width);
        err = read_blocks(reading, track, level, next, begin - 1, &reading->found);
        if (err == ERR_OK)
            err = roll_stretch(reading, track, width, begin, end);
        next = end == INT64_MAX ? end : end + 1;
    }
    return err == ERR_OK ? read_blocks(reading, track, level, next, to, &reading->found) : err;
}

/* Narrow the range to where the file has anything of the track. False when that is nowhere. */
static bool clamp_span(Reading *reading, const Track *track, int64_t *from, int64_t *to, Err *err)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (HistoryLevel level = HISTORY_RAW; *err == ERR_OK && level < HISTORY_LEVELS; level++) {
        int64_t begin, end;
        *err = shelf_span(&reading->reader->shelf, track->tag, strand_at(track->kind, level), &begin, &end, reading->why);
        if (*err != ERR_OK || begin == TIME_NONE)
            continue;
        first = begin < first ? begin : first;
        last = end > last ? end : last;
    }
    if (track->tail.count) {
        const int64_t begin = track->tail.items[0].time, end = track->tail.items[track->tail.count - 1].time;
        first = begin < first ? begin : first;
        last = end > last ? end : last;
    }
    *from = first > *from ? first : *from;
    *to = last < *to ? last : *to;
    return *err == ERR_OK && *from <= *to;
}

// Charts.

static int64_t count_buckets(int64_t from, int64_t to, int64_t width)
{
    return bucket_begin(to, width) / width - bucket_begin(from, width) / width + 1;
}

/* A multiple of `unit` such that [from, to] has no more than `points` buckets of it. */
static int64_t choose_width(int64_t from, int64_t to, size_t points, int64_t unit)
{
    int64_t units = (to / unit - from / unit) / (int64_t)points + 1;
    while (units < INT64_MAX / 4 / unit && count_buckets(from, to, units * unit) > (int64_t)points)
        units += units / 16 + 1;
    return units * unit;
}

/* The longest level that has as many buckets as points are asked for, and which is still kept. */
static HistoryLevel choose_level(const Reading *reading, int64_t from, int64_t to)
{
    HistoryLevel level = HISTORY_RAW;
    while (level + 1 < HISTORY_LEVELS && count_buckets(from, to, level_width(level + 1)) >= (int64_t)reading->points)
        level++;
    while (level + 1 < HISTORY_LEVELS && reading->horizon[level] > from)
        level++;
    return level;
}

/* Whether the points themselves, which are then in `found`, suit the chart. */
static bool suits_raw(Reading *reading, const Track *track, int64_t from, int64_t to, Err *err)
{
    size_t count;
    int64_t end;
    if (reading->range->first || reading->horizon[HISTORY_RAW] <= from) {
        *err = shelf_count(&reading->reader->shelf, track->tag, track->kind, from, to, reading->points + SLACK, &count, &end, reading->why);
        if (*err != ERR_OK || count > reading->points + SLACK)
            return false;
        *err = read_raw(reading, track, from, to, &reading->found);
        return *err == ERR_OK && reading->found.count <= reading->points;
    }
    return false;
}

static Err read_chart(Reading *reading, const Track *track, int64_t from, int64_t to, HistorySeries *out)
{
    Err err = ERR_OK;
    if (suits_raw(reading, track, from, to, &err) || err != ERR_OK)
        return err;
    out->is_rolled = true;
    out->level = choose_level(reading, from, to);
    err = out->level == HISTORY_RAW ? read_raw(reading, track, from, to, &reading->found) : read_level(reading, track, out->level, from, to);
    points_roll(&reading->found, choose_width(from, to, reading->points, level_width(out->level)));
    return err;
}

// Pages of a level.

/* As much of a level as makes about `points` points, from the beginning. */
static Err read_page(Reading *reading, const Track *track, HistoryLevel level, int64_t from, int64_t to, HistorySeries *out)
{
    const int64_t width = level_width(level);
    int64_t end = to;
    size_t count;
    Err err = shelf_count(&reading->reader->shelf, track->tag, strand_at(track->kind, level), from, to, reading->points, &count, &end, reading->why);
    end = end < to ? end : to;  // a block that is read in any case may reach beyond
    if (err == ERR_OK)
        err = level == HISTORY_RAW ? read_raw(reading, track, from, end, &reading->found) : read_level(reading, track, level, from, end);
    if (err != ERR_OK)
        return err;
    out->level = level;
    out->is_rolled = level != HISTORY_RAW;
    if (end < to)
        out->next = bucket_end(end, width) + 1;
    if (reading->found.count > reading->points) {
        out->next = reading->found.items[reading->points].time;
        reading->found.count = reading->points;
    }
    return ERR_OK;
}

/* Buckets without a number are no points. */
static Err give_points(Reading *reading, Arena *arena, HistorySeries *out)
{
    const Points *found = &reading->found;
    out->points = arena_new(arena, HistoryPoint, found->count);
    if (!out->points && found->count)
        return out_of_memory(reading);
    for (size_t i = 0; i < found->count; i++) {
        const BlockPoint *point = &found->items[i];
        if (point->order || !out->is_rolled)
            out->points[out->count++] = (HistoryPoint){point->time, point->value, point->sd, point->min, point->max, (uint64_t)point->order};
    }
    return ERR_OK;
}

static Err read_track(Reading *reading, size_t place, Arena *arena, HistorySeries *out)
{
    Err err = ERR_OK;
    const Track *track = track_of(reading, reading->tracks[place].kind, reading->tracks[place].tag);
    int64_t from = reading->range->from, to = reading->range->to;
    const HistoryLevel level = reading->range->first ? HISTORY_RAW : reading->range->level;
    *out = (HistorySeries){.next = TIME_NONE, .level = level == HISTORY_AUTO ? HISTORY_RAW : level};
    if (!track || from > to || !clamp_span(reading, track, &from, &to, &err))
        return err;
    err = level == HISTORY_AUTO ? read_chart(reading, track, from, to, out) : read_page(reading, track, level, from, to, out);
    return err == ERR_OK ? give_points(reading, arena, out) : err;
}

// One moment.

/* The last of the points at or before `time`; none leaves `out` as it is. */
static bool take_last(const Points *points, int64_t time, HistoryPoint *out)
{
    for (size_t i = points->count; i-- > 0;) {
        const BlockPoint *point = &points->items[i];
        if (point->time > time)
            continue;
        *out = (HistoryPoint){point->time, point->value, point->sd, point->min, point->max, (uint64_t)point->order};
        return true;
    }
    return false;
}

/* A block may be full of samples that are not shown: then it is in an earlier one. */
static Err find_last(Reading *reading, const Track *track, int64_t time, bool *found, HistoryPoint *out)
{
    Shelf *shelf = &reading->reader->shelf;
    for (int64_t before = time;;) {
        Points *points = &reading->raw;
        points->count = 0;
        Err err = shelf_read_before(shelf, track->tag, track->kind, before, points, reading->why);
        if (err != ERR_OK)
            return err;
        const int64_t first = points->count ? points->items[0].time : INT64_MIN;
        err = read_raw(reading, track, first, before, points);
        *found = err == ERR_OK && take_last(points, before, out);
        if (err != ERR_OK || *found || first == INT64_MIN)
            return err;
        before = first - 1;
    }
}

static Err read_last(Reading *reading, size_t place, int64_t time, HistoryPoint *out)
{
    const Track *track = track_of(reading, reading->tracks[place].kind, reading->tracks[place].tag);
    bool found = false;
    *out = (HistoryPoint){.time = TIME_NONE, .value = NAN, .sd = NAN, .min = NAN, .max = NAN};
    Err err = track ? find_last(reading, track, time, &found, out) : ERR_OK;

    // what was last said may have been let go; what has not been is in no bucket that is looked at
    const int64_t raw = reading->horizon[HISTORY_RAW];
    const bool is_cut = raw != INT64_MIN;
    const int64_t before = is_cut && raw <= time ? raw - 1 : time;
    for (HistoryLevel level = HISTORY_SECOND; track && is_cut && err == ERR_OK && !found && level < HISTORY_LEVELS; level++) {
        reading->found.count = 0;
        err = shelf_read_before(&reading->reader->shelf, track->tag, strand_at(track->kind, level), before, &reading->found, reading->why);
        found = err == ERR_OK && take_last(&reading->found, before, out);
    }
    return err;
}

// All of it.

/* What every query begins with: the tracks, and what is not sealed of them. */
static Err find_tracks(Reading *reading)
{
    const HistoryRange *range = reading->range;
    Err err = find_horizons(reading);
    for (size_t i = 0; err == ERR_OK && i < range->tag_count; i++)
        err = find_track(reading, range->tags[i], &reading->tracks[i]);
    if (err == ERR_OK)
        err = index_tracks(reading);
    for (Strand kind = STRAND_SAMPLES; err == ERR_OK && kind <= STRAND_ESTIMATES; kind++)
        err = read_tail(reading, kind);
    return err;
}

/* One transaction: what is sealed meanwhile is still where it was. */
static Err reading_begin(Reading *reading)
{
    reading->tracks = mem_alloc(reading->range->tag_count * sizeof *reading->tracks);
    if (!reading->tracks)
        return out_of_memory(reading);
    const Err err = store_run(reading->reader->db, "BEGIN", reading->why);
    return err == ERR_OK ? find_tracks(reading) : err;
}

static void reading_end(Reading *reading)
{
    if (!sqlite3_get_autocommit(reading->reader->db))
        store_run(reading->reader->db, "COMMIT", NULL);
    for (size_t i = 0; reading->tracks && i < reading->range->tag_count; i++)
        points_fini(&reading->tracks[i].tail);
    points_fini(&reading->found);
    points_fini(&reading->raw);
    mem_free(reading->places);
    mem_free(reading->tracks);
}

Err history_read(HistoryReader *reader, const HistoryRange *range, Arena *arena, HistorySeries *out, ErrText *why)
{
    assert(reader && range && arena && out);
    Reading reading = {.reader = reader, .range = range, .why = why, .points = range->points < POINTS_MAX ? range->points : POINTS_MAX};
    for (size_t i = 0; i < range->tag_count; i++)
        out[i] = (HistorySeries){.next = TIME_NONE};
    if (range->points == 0 || range->tag_count == 0)
        return ERR_OK;
    Err err = reading_begin(&reading);
    for (size_t i = 0; err == ERR_OK && i < range->tag_count; i++)
        err = read_track(&reading, i, arena, &out[i]);
    reading_end(&reading);
    return err;
}

Err history_read_at(HistoryReader *reader, int64_t time, const TagId *tags, size_t tag_count, HistoryPoint *out, ErrText *why)
{
    assert(reader && out);
    const HistoryRange range = {.tags = tags, .tag_count = tag_count, .from = INT64_MIN, .to = time};
    Reading reading = {.reader = reader, .range = &range, .why = why};
    if (tag_count == 0)
        return ERR_OK;
    Err err = reading_begin(&reading);
    for (size_t i = 0; err == ERR_OK && i < tag_count; i++)
        err = read_last(&reading, i, time, &out[i]);
    reading_end(&reading);
    return err;
}
