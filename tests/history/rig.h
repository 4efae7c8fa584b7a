/* rig.h -- a plant of two twins made by hand, and a history of it in the test's folder. */
#pragma once

#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "history/history.h"
#include "kit/kit.h"

enum { LEVEL, GAIN, FLOW, DEPTH, INFLOW, VALVE, AREA, CHANNELS, RIG_TWINS = 2, RIG_COLUMNS = 10 };

typedef struct Rig {
    Plant plant;
    Model model;
    Block block;
    Twin twins[RIG_TWINS];
    TagChannel channels[CHANNELS];
    double columns[RIG_COLUMNS * LANES];
    char path[512];
    History *history;
} Rig;

static const Channel rig_channels[CHANNELS] = {
    [LEVEL] = {.name = "level", .kind = CHANNEL_STATE, .column = LEVEL, .variance = 7},
    [GAIN] = {.name = "gain", .kind = CHANNEL_TRACKED, .column = GAIN, .variance = 8},
    [FLOW] = {.name = "flow", .kind = CHANNEL_OUTPUT, .column = FLOW, .variance = COLUMN_NONE},
    [DEPTH] = {.name = "depth", .kind = CHANNEL_SENSOR, .column = DEPTH, .variance = COLUMN_NONE},
    [INFLOW] = {.name = "inflow", .kind = CHANNEL_INPUT, .column = INFLOW, .variance = COLUMN_NONE},
    [VALVE] = {.name = "valve", .kind = CHANNEL_ACTUATOR, .column = VALVE, .variance = COLUMN_NONE},
    [AREA] = {.name = "area", .kind = CHANNEL_PARAMETER, .column = AREA, .variance = COLUMN_NONE},
};

/* The plant alone: twins of these names, sorted. */
static inline void rig_make(Rig *rig, const char *first, const char *second)
{
    memset(rig, 0, sizeof *rig);
    snprintf(rig->path, sizeof rig->path, "%s/history.db", kit_folder());
    rig->model = (Model){.name = "tank", .channels = rig_channels, .channel_count = CHANNELS, .column_count = RIG_COLUMNS};
    rig->block = (Block){.model = &rig->model, .columns = rig->columns, .lanes = RIG_TWINS};
    rig->plant = (Plant){.name = "rig", .step = 0.1, .step_ns = 100 * NS_PER_MS, .record = 0.1};
    ck_assert_int_eq(tags_create(&rig->plant.tags), ERR_OK);

    const char *names[RIG_TWINS] = {first, second};
    for (uint16_t channel = 0; channel < CHANNELS; channel++) {
        const bool is_sampled = rig_channels[channel].kind == CHANNEL_SENSOR || rig_channels[channel].kind == CHANNEL_INPUT;
        rig->channels[channel] = (TagChannel){rig_channels[channel].name, unit_one(), is_sampled ? TAG_SAMPLED : TAG_NOT_BOUND};
    }
    for (uint32_t twin = 0; twin < RIG_TWINS; twin++) {
        rig->twins[twin] = (Twin){.name = names[twin], .lane = twin, .recorded = true};
        ck_assert_int_eq(tags_add(rig->plant.tags, names[twin], rig->channels, CHANNELS, &rig->twins[twin].first_tag), ERR_OK);
    }
    rig->plant.blocks = &rig->block;
    rig->plant.block_count = 1;
    rig->plant.twins = rig->twins;
    rig->plant.twin_count = RIG_TWINS;
}

static inline void rig_start(Rig *rig)
{
    ErrText why = {""};
    ck_assert_msg(history_open(rig->path, &rig->plant, &rig->history, &why) == ERR_OK, "%s", why.text);
}

/* The plant with an open history. */
static inline void rig_open(Rig *rig)
{
    rig_make(rig, "a", "b");
    rig_start(rig);
}

static inline void rig_stop(Rig *rig)
{
    history_close(rig->history);
    rig->history = NULL;
}

static inline void rig_close(Rig *rig)
{
    rig_stop(rig);
    tags_destroy(rig->plant.tags);
}

static inline TagId rig_tag(uint32_t twin, uint16_t channel)
{
    return twin * CHANNELS + channel;
}

/* Sample `seq` of a.depth, measured in the middle of `tick`. */
static inline Filed rig_filed(uint64_t seq, int64_t tick)
{
    const Sample sample = {.time = tick * 100 * NS_PER_MS + 50 * NS_PER_MS, .value = (double)seq, .tag = rig_tag(0, DEPTH)};
    return (Filed){.sample = sample, .tick = tick, .seq = seq};
}

static inline void rig_append(Rig *rig, uint64_t seq, int64_t tick)
{
    const Filed filed = rig_filed(seq, tick);
    history_append_sample(rig->history, &filed);
}

static inline void rig_flush(Rig *rig)
{
    ck_assert_int_eq(history_flush(rig->history), ERR_OK);
}

/* A connection of somebody else's. */
static inline sqlite3 *rig_database(const Rig *rig)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(rig->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

static inline int64_t rig_query(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *query;
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &query, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    const int code = sqlite3_step(query);
    ck_assert_msg(code == SQLITE_ROW || code == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    const int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(query, 0) : 0;
    sqlite3_finalize(query);
    return value;
}

/* Run `sql` on the file; the first column of its first row. */
static inline int64_t rig_sql(const Rig *rig, const char *sql)
{
    sqlite3 *db = rig_database(rig);
    const int64_t value = rig_query(db, sql);
    sqlite3_close(db);
    return value;
}

static inline void rig_sleep(int64_t milliseconds)
{
    clock_system.sleep_ns(NULL, milliseconds * NS_PER_MS);
}
