/* tanks.h -- a plant of tanks for the tests of alarm and gate, with verdicts that are given by hand.
 *
 * The functions of sync that alarm uses are defined here, so that a test can say what is thought of a twin; sync itself is not linked. */
#pragma once

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alarm/alarm.h"
#include "kit/kit.h"

enum { TANKS_MAX = 6000 };

struct Sync {
    Verdict verdicts[TANKS_MAX];
    bool settling;  // all of them
    Batch batch, amended;      // of the next tick
    double innovation, sd;     // of all newest samples, SI
};

const Verdict *sync_verdict(const Sync *sync, uint32_t twin)
{
    ck_assert_uint_lt(twin, TANKS_MAX);
    return &sync->verdicts[twin];
}

bool sync_is_settling(const Sync *sync, uint32_t twin)
{
    ck_assert_uint_lt(twin, TANKS_MAX);
    return sync->settling;
}

static const Plant *tanks_plant;  // whose blocks sync_parted speaks of

uint64_t sync_parted(const Sync *sync, uint32_t block)
{
    uint64_t lanes = 0;
    for (uint32_t lane = 0; lane < tanks_plant->blocks[block].lanes; lane++)
        lanes |= (uint64_t)(sync->verdicts[tanks_plant->blocks[block].twin[lane]].kind != VERDICT_NONE) << lane;
    return lanes;
}

bool sync_innovation(const Sync *sync, uint32_t twin, uint16_t sensor, double *innovation, double *sd)
{
    (void)twin, (void)sensor;
    *innovation = sync->innovation;
    *sd = sync->sd;
    return *sd > 0;
}

int64_t sync_sample_time(const Sync *sync, TagId tag, Quality *quality)
{
    int64_t time = TIME_NONE;
    *quality = QUALITY_GOOD;
    for (size_t i = 0; i < sync->batch.count; i++)
        if (sync->batch.items[i].sample.tag == tag)
            time = sync->batch.items[i].sample.time;
    return time;
}

Batch sync_amended(const Sync *sync)
{
    return sync->amended;
}

const char *verdict_name(VerdictKind kind)
{
    return (const char *[]){"none", "sensor", "process", "silence"}[kind];
}

typedef struct Tanks {
    Plant *plant;
    Alarms *alarms;
    Sync sync;
} Tanks;

/* Plant time, `s` seconds after some moment in 2021. */
static inline int64_t at(double s)
{
    return INT64_C(1611326940) * NS_PER_S + llround(s * 1e9);
}

static inline const char *tanks_write(const char *name, const char *text)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", kit_folder(), name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* `count` tanks, named tank0001 and so on; `alarms` and `more` are Lua, inside the model's alarms and behind the plant's assets. */
static inline Plant *tanks_load(int count, const char *alarms, const char *more)
{
    char text[8192];
    log_set_level(LOG_ERROR);
    snprintf(text, sizeof text,
             "return model \"tank\" {\n"
             "  params = { area = { 2, \"m^2\" }, heating = { 0, \"K/s\" } },\n"
             "  inputs = { inflow = { 0, \"l/min\" } },\n"
             "  states = { level = { 30, \"cm\", sd = 1 }, warmth = { 20, \"degC\" } },\n"
             "  sensors = { gauge = { of = \"level\", noise = 0.5 } },\n"
             "  actuators = { valve = { 0, \"percent\", min = 0, max = 100, rate = 10 }, lamp = { 0, \"1\", min = 0, max = 1 } },\n"
             "  equations = function(t) t.level.rate = t.inflow / t.area; t.warmth.rate = t.heating end,\n"
             "  alarms = { %s },\n"
             "}\n", alarms);
    tanks_write("tank.lua", text);
    snprintf(text, sizeof text,
             "local assets = {}\n"
             "for i = 1, %d do assets[string.format(\"tank%%04d\", i)] = { \"tank\" } end\n"
             "return plant \"works\" { step = 1, command_timeout = 10, assets = assets, %s\n}\n", count, more);
    Plant *plant;
    ErrText why;
    if (plant_load(tanks_write("works.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static inline Tanks *tanks_open(int count, const char *alarms, const char *more)
{
    Tanks *tanks = mem_alloc(sizeof *tanks);
    ErrText why;
    tanks->plant = tanks_load(count, alarms, more);
    if (alarms_create(tanks->plant, &tanks->alarms, &why))
        ck_abort_msg("%s", why.text);
    return tanks;
}

static inline void tanks_close(Tanks *tanks)
{
    alarms_destroy(tanks->alarms);
    plant_destroy(tanks->plant);
    mem_free(tanks);
    unit_forget_all();
}

static inline double *tanks_cell(const Tanks *tanks, uint32_t twin, const char *channel)
{
    const Model *model = plant_model(tanks->plant, twin);
    return plant_cell(tanks->plant, twin, model->channels[model_find(model, channel)].column);
}

static inline void tanks_verdict(Tanks *tanks, uint32_t twin, VerdictKind kind, const char *text)
{
    Verdict *verdict = &tanks->sync.verdicts[twin];
    *verdict = (Verdict){.kind = kind, .nis = 50, .nis_limit = 40};
    snprintf(verdict->text, sizeof verdict->text, "%s", text);
}

static inline void tanks_judge(Tanks *tanks, double s)
{
    tanks_plant = tanks->plant;
    alarm_judge(tanks->alarms, tanks->plant, &tanks->sync, tanks->sync.batch, at(s));
    tanks->sync.batch = (Batch){0};
}

/* Somebody acknowledges an alarm. */
static inline Err tanks_acknowledge(Alarms *alarms, uint64_t id, int64_t now)
{
    Alarm alarm;
    ErrText why;
    AlarmAct act = {.kind = ACT_ACKNOWLEDGE, .alarm = id, .by = "anna"};
    return alarm_act(alarms, &act, now, &alarm, &why);
}

static inline const Alarm *tanks_alarms(const Tanks *tanks, size_t expected)
{
    size_t count;
    const Alarm *list = alarms_list(tanks->alarms, &count);
    ck_assert_uint_eq(count, expected);
    return list;
}
