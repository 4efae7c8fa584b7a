/* tape.c -- a recording read whole, put in order and played. */
#include "connectors/tape/tape.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/tape/between.h"
#include "connectors/tape/csv.h"

_Static_assert(offsetof(TapeEvent, time) == 0, "sort_by_time reads the time at the start of an item");

enum { EVENTS_MAX = 1000 * 1000, OUTCOMES_MAX = 64, COLUMNS_TEXT = 512 };

enum { NUMBER_ROOM = 64, TIME_ROOM = 48 };

/* What a column of times counts in: what the map says, or told by the size of its first number. */
typedef struct TimeScale {
    int64_t ns;  // of one; 0 before the first
    bool stated;
} TimeScale;

/* Where a column of the map stands in the file. */
typedef struct Bound {
    const RecordingColumn *column;
    size_t cell, time_cell;  // indices; cell is SIZE_MAX when an optional column is not there
    TimeScale scale;
} Bound;

struct Tape {
    Samples samples;
    int64_t tail;
    char name[sizeof((Arrival *)0)->text];

    // the connector
    size_t polled;  // of what play_arrival counts
    uint64_t outcomes[OUTCOMES_MAX];  // commands without an answer yet
    size_t outcome_count;
    ConnectorStats stats;
};

// Times and values.

/* Copy a number with its decimal comma made a point: it can be one only where commas do not separate. False when there is no room. */
static bool take_comma(const Csv *csv, const char *text, char *out, size_t room)
{
    const size_t length = strlen(text);
    if (length >= room)
        return false;
    memcpy(out, text, length + 1);
    char *comma = strchr(out, ',');
    if (comma && csv->separator != ',' && !strchr(out, '.'))
        *comma = '.';
    return true;
}

/* A decimal number of seconds, milliseconds, ... exactly: a double would round nanoseconds since 1970 to 256 of them. */
static bool parse_count(const char *text, TimeScale *scale, int64_t *out)
{
    const size_t digits = strspn(text, "0123456789");
    const char *decimals = text + digits + (text[digits] == '.');
    if (digits == 0 || digits > 19 || decimals[strspn(decimals, "0123456789")])
        return false;

    const uint64_t whole = strtoull(text, NULL, 10);
    const int64_t ns = whole < 100000000000 ? NS_PER_S : whole < 100000000000000 ? NS_PER_MS : whole < 100000000000000000 ? 1000 : 1;
    if (scale->ns == 0)
        scale->ns = ns;
    if (whole > INT64_MAX || (!scale->stated && scale->ns != ns) || __builtin_mul_overflow((int64_t)whole, scale->ns, out))
        return false;

    // decimals beyond the nanosecond are cut off
    int64_t fraction = 0;
    for (int64_t place = scale->ns / 10; place && *decimals; place /= 10)
        fraction += place * (*decimals++ - '0');
    return !__builtin_add_overflow(*out, fraction, out);
}

/* 2021-01-22 14:48:56: as people and spreadsheets write it, a blank for the T, and UTC where no zone is said. */
static bool parse_date(const char *text, int64_t *out)
{
    char date[TIME_ROOM];
    const size_t length = strlen(text);
    if (length < strlen("2021-01-22T14:48:56") || length + 2 > sizeof date)
        return false;
    memcpy(date, text, length + 1);
    if (date[10] == ' ')
        date[10] = 'T';
    char *zone = strpbrk(date + 11, "Zz+-");
    if (!zone)
        date[length] = 'Z', date[length + 1] = 0;
    else if (zone[-1] == ' ')
        memmove(zone - 1, zone, strlen(zone) + 1);
    return time_parse(date, strlen(date), out);
}

static Err parse_time(const Csv *csv, size_t cell, const char *column, TimeScale *scale, int64_t *out, ErrText *why)
{
    char text[TIME_ROOM];
    if (take_comma(csv, csv->cells[cell], text, sizeof text) && (parse_count(text, scale, out) || parse_date(text, out)))
        return ERR_OK;
    const char *unit = "";
    if (scale->ns)
        unit = scale->ns == NS_PER_S ? " in seconds" : scale->ns == NS_PER_MS ? " in milliseconds" : scale->ns == 1 ? " in nanoseconds" : " in microseconds";
    return err_set(why, ERR_PARSE, "%s:%zu: column \"%s\": expected a time%s, got \"%.40s\"", csv->path, csv->line, column, unit, csv->cells[cell]);
}

/* Not strtod alone: it also takes "inf" and hexadecimal. */
static bool parse_value(const Csv *csv, const char *text, double *out)
{
    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "on") == 0)
        return *out = 1, true;
    if (strcasecmp(text, "false") == 0 || strcasecmp(text, "off") == 0)
        return *out = 0, true;
    char number[NUMBER_ROOM], *end;
    if (!take_comma(csv, text, number, sizeof number))
        return false;
    *out = strtod(number, &end);
    return end != number && !*end && !number[strspn(number, "0123456789+-.eE")] && isfinite(*out);
}

static bool is_absent(const char *text)
{
    static const char *const words[] = {"", "nan", "na", "n/a", "#n/a", "null", "none"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

// The header.

static Err fail_no_column(const Csv *csv, const char *name, ErrText *why)
{
    char there[COLUMNS_TEXT] = "";
    size_t used = 0;
    for (size_t i = 0; i < csv->count && used < sizeof there; i++)
        used += (size_t)snprintf(there + used, sizeof there - used, "%s%s", i ? ", " : "", csv->cells[i]);
    return err_set(why, ERR_UNKNOWN, "%s:%zu: no column \"%s\"; there are: %s", csv->path, csv->line, name, there);
}

/* The index of a column, SIZE_MAX when there is none. */
static Err find_column(const Csv *csv, const char *name, size_t *out, ErrText *why)
{
    *out = SIZE_MAX;
    for (size_t i = 0; i < csv->count; i++) {
        if (strcmp(csv->cells[i], name) != 0)
            continue;
        if (*out != SIZE_MAX)
            return err_set(why, ERR_PARSE, "%s:%zu: two columns are named \"%s\"", csv->path, csv->line, name);
        *out = i;
    }
    return ERR_OK;
}

static Err require_column(const Csv *csv, const char *name, size_t *out, ErrText *why)
{
    const Err err = find_column(csv, name, out, why);
    return err == ERR_OK && *out == SIZE_MAX ? fail_no_column(csv, name, why) : err;
}

static const char *time_column(const RecordingMap *map, const RecordingColumn *column)
{
    return column->time_column ? column->time_column : map->time_column;
}

static Err bind_columns(const Csv *csv, const RecordingMap *map, Bound *bound, ErrText *why)
{
    for (size_t i = 0; i < map->count; i++) {
        const RecordingColumn *column = bound[i].column = &map->columns[i];
        bound[i].scale = (TimeScale){map->time_unit, map->time_unit != 0};
        Err err = column->optional ? find_column(csv, column->column, &bound[i].cell, why) : require_column(csv, column->column, &bound[i].cell, why);
        if (err == ERR_OK && bound[i].cell != SIZE_MAX)
            err = require_column(csv, time_column(map, column), &bound[i].time_cell, why);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

// The rows.

static Err add_sample(Tape *tape, Sample sample, const Csv *csv, ErrText *why)
{
    const Err err = samples_add(&tape->samples, sample);
    if (err == ERR_RANGE)
        return err_set(why, err, "%s:%zu: more than %d samples", csv->path, csv->line, SAMPLES_MAX);
    return err ? err_set(why, err, "%s: out of memory at line %zu", csv->path, csv->line) : ERR_OK;
}

static Err read_sample(Tape *tape, const Csv *csv, Bound *bound, const RecordingMap *map, ErrText *why)
{
    const RecordingColumn *column = bound->column;
    if (bound->cell == SIZE_MAX || is_absent(csv->cells[bound->cell]))
        return ERR_OK;

    Sample sample = {.tag = column->tag, .quality = QUALITY_GOOD};
    const char *text = csv->cells[bound->cell];
    if (!parse_value(csv, text, &sample.value))
        return err_set(why, ERR_PARSE, "%s:%zu: column \"%s\": expected a number, got \"%.40s\"", csv->path, csv->line, column->column, text);
    sample.value = unit_to_si(column->unit, sample.value);
    if (!isfinite(sample.value))
        return err_set(why, ERR_RANGE, "%s:%zu: column \"%s\": %.40s %s is too large", csv->path, csv->line, column->column, text,
                       unit_name(column->unit));

    const Err err = parse_time(csv, bound->time_cell, time_column(map, column), &bound->scale, &sample.time, why);
    return err ? err : add_sample(tape, sample, csv, why);
}

static Err check_width(const Csv *csv, size_t width, ErrText *why)
{
    if (csv->count == width)
        return ERR_OK;
    return err_set(why, ERR_PARSE, "%s:%zu: the header has %zu columns, this row has %zu", csv->path, csv->line, width, csv->count);
}

static Err read_header(Csv *csv, size_t *width, ErrText *why)
{
    const Err err = csv_next(csv, why);
    if (err == ERR_OK && csv->count == 0)
        return err_set(why, ERR_PARSE, "%s: empty; expected a header with the names of the columns", csv->path);
    *width = csv->count;
    return err;
}

static Err read_rows(Tape *tape, Csv *csv, const RecordingMap *map, Bound *bound, ErrText *why)
{
    size_t width = 0;
    Err err = read_header(csv, &width, why);
    if (err == ERR_OK)
        err = bind_columns(csv, map, bound, why);

    while (err == ERR_OK && (err = csv_next(csv, why)) == ERR_OK && csv->count) {
        err = check_width(csv, width, why);
        for (size_t i = 0; err == ERR_OK && i < map->count; i++)
            err = read_sample(tape, csv, &bound[i], map, why);
    }
    return err;
}

// Order.

static Err sort_samples(Samples *samples)
{
    return sort_by_time(samples->items, sizeof *samples->items, samples->count);
}

/* Rows repeat a sensor that has nothing new: the first sample of a tag and time stays. */
static Err drop_repeated(Tape *tape, const RecordingMap *map)
{
    TagId highest = 0;
    for (size_t i = 0; i < map->count; i++)
        if (map->columns[i].tag > highest)
            highest = map->columns[i].tag;
    int64_t *last = mem_alloc(((size_t)highest + 1) * sizeof *last);
    if (!last)
        return ERR_MEMORY;
    for (size_t i = 0; i <= highest; i++)
        last[i] = TIME_NONE;

    size_t kept = 0;
    for (size_t i = 0; i < tape->samples.count; i++) {
        const Sample sample = tape->samples.items[i];
        if (last[sample.tag] != sample.time)
            tape->samples.items[kept++] = sample;
        last[sample.tag] = sample.time;
    }
    tape->samples.count = kept;
    mem_free(last);
    return ERR_OK;
}

/* Take the samples of `tag` out of the tape. */
static Err take_out(Tape *tape, TagId tag, Samples *out)
{
    Err err = ERR_OK;
    size_t kept = 0;
    for (size_t i = 0; i < tape->samples.count && !err; i++) {
        const Sample sample = tape->samples.items[i];
        if (sample.tag == tag)
            err = samples_add(out, sample);
        else
            tape->samples.items[kept++] = sample;
    }
    tape->samples.count = kept;
    return err;
}

/* What inputs were between their samples, where that is asked for, takes the place of the samples. */
static Err fill_between(Tape *tape, const RecordingMap *map, ErrText *why)
{
    bool filled = false;
    for (size_t i = 0; i < map->count; i++) {
        const RecordingColumn *column = &map->columns[i];
        if (column->between == BETWEEN_HOLD)
            continue;
        Samples given = {0};
        Err err = take_out(tape, column->tag, &given);
        if (err)
            err_set(why, err, "out of memory");
        else
            err = between_fill(column, map->step_ns, given.items, given.count, &tape->samples, why);
        samples_fini(&given);
        if (err)
            return err;
        filled = true;
    }
    return filled && sort_samples(&tape->samples) ? err_set(why, ERR_MEMORY, "out of memory while sorting") : ERR_OK;
}

// Public.

static Err read_file(Tape *tape, Csv *csv, const char *path, const RecordingMap *map, ErrText *why)
{
    Bound *bound = mem_alloc(map->count * sizeof *bound);
    if (!bound)
        return err_set(why, ERR_MEMORY, "%s: out of memory", path);
    Err err = csv_open(csv, path, why);
    if (err == ERR_OK) {
        err = read_rows(tape, csv, map, bound, why);
        csv_close(csv);
    }
    mem_free(bound);
    return err;
}

static void name_tape(Tape *tape, const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(tape->name, sizeof tape->name, "%s", slash ? slash + 1 : path);
}

Err tape_open(const char *path, const RecordingMap *map, Tape **out, ErrText *why)
{
    assert(path && map && out);
    *out = NULL;
    Tape *tape = mem_alloc(sizeof *tape);
    Csv *csv = mem_alloc(sizeof *csv);
    Err err = tape && csv ? read_file(tape, csv, path, map, why) : err_set(why, ERR_MEMORY, "%s: out of memory", path);
    mem_free(csv);

    if (err == ERR_OK && (sort_samples(&tape->samples) != ERR_OK || drop_repeated(tape, map) != ERR_OK))
        err = err_set(why, ERR_MEMORY, "%s: out of memory while sorting", path);
    ErrText detail;
    if (err == ERR_OK && (err = fill_between(tape, map, &detail)))
        err_set(why, err, "%s: %s", path, detail.text);
    if (err != ERR_OK) {
        tape_close(tape);
        return err;
    }
    name_tape(tape, path);
    *out = tape;
    return ERR_OK;
}

Err tape_of(const char *name, const Sample *samples, size_t count, Tape **out)
{
    assert(name && out);
    *out = NULL;
    Tape *tape = mem_alloc(sizeof *tape);
    if (!tape)
        return ERR_MEMORY;
    Err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++)
        err = samples_add(&tape->samples, samples[i]);
    if (!err)
        err = sort_samples(&tape->samples);
    if (err) {
        tape_close(tape);
        return err;
    }
    name_tape(tape, name);
    *out = tape;
    return ERR_OK;
}

void tape_close(Tape *tape)
{
    if (tape)
        samples_fini(&tape->samples);
    mem_free(tape);
}

const Sample *tape_samples(const Tape *tape, size_t *count)
{
    *count = tape->samples.count;
    return tape->samples.items;
}

// The connector. What it plays is counted: 0 joined, then the samples, then (where there were some) the time at the end, then left.

static size_t play_length(const Tape *tape)
{
    return tape->samples.count ? tape->samples.count + 3 : 2;
}

static Arrival play_arrival(const Tape *tape, size_t index)
{
    Arrival arrival = {.mark = index};
    if (index == 0) {
        arrival.kind = ARRIVAL_JOINED;
        memcpy(arrival.text, tape->name, sizeof arrival.text);
    } else if (index <= tape->samples.count) {
        arrival.kind = ARRIVAL_SAMPLE;
        arrival.sample = tape->samples.items[index - 1];
    } else if (index == tape->samples.count + 1 && tape->samples.count) {
        arrival.kind = ARRIVAL_TIME;
        if (__builtin_add_overflow(tape->samples.items[tape->samples.count - 1].time, tape->tail, &arrival.sample.time))
            arrival.sample.time = INT64_MAX;
    } else {
        arrival.kind = ARRIVAL_LEFT;
        memcpy(arrival.text, tape->name, sizeof arrival.text);
    }
    return arrival;
}

/* One sample at a time: what is commanded in between is answered at the time of the recording at which it was commanded. */
static size_t tape_poll(void *self, Arrival *out, size_t room)
{
    Tape *tape = self;
    size_t count = 0, answered = 0;
    for (; count < room && answered < tape->outcome_count; answered++)
        out[count++] = (Arrival){.kind = ARRIVAL_OUTCOME, .mark = tape->polled, .command = tape->outcomes[answered], .done = true};
    tape->outcome_count -= answered;
    memmove(tape->outcomes, tape->outcomes + answered, tape->outcome_count * sizeof *tape->outcomes);

    // one at a time: ticks, commands and their answers come between the samples, as they would beside the asset
    if (count || room == 0 || tape->polled == play_length(tape))
        return count;
    out[0] = play_arrival(tape, tape->polled++);
    tape->stats.samples += out[0].kind == ARRIVAL_SAMPLE;
    return 1;
}

/* A recording obeys nobody, but the command's trip is whole: what an actuator would have been told is answered as done. */
static Err tape_send(void *self, const Command *command)
{
    Tape *tape = self;
    if (tape->outcome_count == OUTCOMES_MAX)
        return ERR_FULL;
    tape->outcomes[tape->outcome_count++] = command->id;
    return ERR_OK;
}

static void tape_stored(void *self, uint64_t mark)
{
    // nobody waits: a file does not send again
    (void)self, (void)mark;
}

static ConnectorStats tape_stats(void *self)
{
    return ((Tape *)self)->stats;
}

static void tape_close_self(void *self)
{
    tape_close(self);
}

const ConnectorType tape_connector = {
    .name = "tape",
    .poll = tape_poll,
    .send = tape_send,
    .stored = tape_stored,
    .stats = tape_stats,
    .close = tape_close_self,
};

bool tape_at_end(const Tape *tape)
{
    return tape->polled == play_length(tape) && tape->outcome_count == 0;
}

void tape_set_tail(Tape *tape, int64_t after)
{
    assert(after >= 0);
    tape->tail = after;
}

// Events.

typedef struct EventList {
    TapeEvent *items;
    size_t count, room;
} EventList;

static Err add_event(EventList *list, TapeEvent event, Arena *arena)
{
    if (list->count == EVENTS_MAX)
        return ERR_RANGE;
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        TapeEvent *items = mem_grow(list->items, list->room * sizeof *items, room * sizeof *items);
        if (!items)
            return ERR_MEMORY;
        list->items = items;
        list->room = room;
    }
    event.name = arena_text(arena, event.name);
    event.twin = arena_text(arena, event.twin);
    event.cause = arena_text(arena, event.cause);
    list->items[list->count++] = event;
    return event.name && event.twin && event.cause ? ERR_OK : ERR_MEMORY;
}

/* Columns of a file of events; SIZE_MAX where there is none. */
typedef struct EventCells {
    size_t time, name, twin, cause;
} EventCells;

static Err find_event_cells(const Csv *csv, EventCells *cells, ErrText *why)
{
    Err err = require_column(csv, "time", &cells->time, why);
    if (err == ERR_OK)
        err = require_column(csv, "event", &cells->name, why);
    if (err == ERR_OK)
        err = find_column(csv, "twin", &cells->twin, why);
    return err ? err : find_column(csv, "cause", &cells->cause, why);
}

static const char *cell_text(const Csv *csv, size_t cell)
{
    return cell == SIZE_MAX ? "" : csv->cells[cell];
}

static Err read_event_rows(Csv *csv, Arena *arena, EventList *list, ErrText *why)
{
    size_t width = 0;
    EventCells cells = {0};
    Err err = read_header(csv, &width, why);
    if (err == ERR_OK)
        err = find_event_cells(csv, &cells, why);

    TimeScale scale = {0};
    while (err == ERR_OK && (err = csv_next(csv, why)) == ERR_OK && csv->count) {
        err = check_width(csv, width, why);
        TapeEvent event = {0};
        if (err == ERR_OK)
            err = parse_time(csv, cells.time, "time", &scale, &event.time, why);
        if (err != ERR_OK)
            break;
        event.name = csv->cells[cells.name];
        event.twin = cell_text(csv, cells.twin);
        event.cause = cell_text(csv, cells.cause);
        err = add_event(list, event, arena);
        if (err != ERR_OK)
            err_set(why, err, "%s:%zu: %s after %zu events", csv->path, csv->line, err_name(err), list->count);
    }
    return err;
}

/* Sort what was read and move it to the arena. */
static Err give_events(EventList *list, Arena *arena, TapeEvent **out)
{
    TapeEvent *kept = arena_new(arena, TapeEvent, list->count);
    if (!kept || sort_by_time(list->items, sizeof *list->items, list->count) != ERR_OK)
        return ERR_MEMORY;
    if (list->count)
        memcpy(kept, list->items, list->count * sizeof *kept);
    *out = kept;
    return ERR_OK;
}

Err tape_read_events(const char *path, Arena *arena, TapeEvent **out, size_t *count, ErrText *why)
{
    assert(path && arena && out && count);
    EventList list = {0};
    Csv *csv = mem_alloc(sizeof *csv);
    if (!csv)
        return err_set(why, ERR_MEMORY, "%s: out of memory", path);
    Err err = csv_open(csv, path, why);
    if (err == ERR_OK) {
        err = read_event_rows(csv, arena, &list, why);
        csv_close(csv);
    }
    mem_free(csv);

    if (err == ERR_OK && give_events(&list, arena, out) != ERR_OK)
        err = err_set(why, ERR_MEMORY, "%s: out of memory while sorting", path);
    *count = err == ERR_OK ? list.count : 0;
    mem_free(list.items);
    return err;
}
