/* fleet.h -- a plant of leaking tanks, each with two gauges, for the tests of sync.
 *
 * At rest: what flows in leaks out, and every level stays at 1 m. The leak may jump; the error of the lower gauge is tracked and may not. */
#pragma once

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "sync/detect.h"
#include "sync/sync.h"

#define FLEET_START (INT64_C(1611326940) * NS_PER_S)
#define FLEET_ONE_GAUGE "upper = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 }"
#define FLEET_GAUGES "upper = { of = \"level\", noise = 0.01, unit = \"m\", every = 1 }, lower = { of = function(t) return t.level + t.error end, noise = 0.01, unit = \"m\", every = 1 }"
#define FLEET_CALM "settle = 0, false_alarm_days = 30"

enum { LOWER, UPPER };  // sensors, in the order of their names

typedef struct FleetDef {
    int tanks;           // 0: 1
    size_t threads;      // 0: 1
    const char *plant;   // Lua, among the plant's keys; NULL: nothing
    const char *sensors; // NULL: FLEET_GAUGES
    const char *divergence; // NULL: FLEET_CALM
} FleetDef;

static inline const char *fleet_write(const char *name, const char *text)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", kit_folder(), name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* Tanks named tank001 and so on, so that the number of a twin is its place in the alphabet. */
static inline Plant *fleet_load(const FleetDef *def)
{
    char text[4096];
    log_set_level(LOG_ERROR);
    snprintf(text, sizeof text,
             "return model \"tank\" {\n"
             "  params = { area = { 2, \"m^2\" }, leak = { 1e-3, \"m^2/s\", min = 0, estimate = 1e-6, sd = 1e-4, jump = 3e-3 },\n"
             "             error = { 0, \"m\", estimate = 0, sd = 0.002 } },\n"
             "  inputs = { inflow = { 1e-3, \"m^3/s\" } },\n"
             "  states = { level = { 1, \"m\", min = 0, noise = 1e-4, sd = 0.01 } },\n"
             "  equations = function(t) t.level.rate = (t.inflow - t.leak * t.level) / t.area end,\n"
             "  sensors = { %s },\n"
             "  divergence = { %s },\n"
             "}\n", def->sensors ? def->sensors : FLEET_GAUGES, def->divergence ? def->divergence : FLEET_CALM);
    fleet_write("tank.lua", text);
    snprintf(text, sizeof text,
             "local assets = {}\n"
             "for i = 1, %d do assets[string.format(\"tank%%03d\", i)] = { \"tank\" } end\n"
             "return plant \"works\" { step = 1, assets = assets, %s }\n", def->tanks ? def->tanks : 1, def->plant ? def->plant : "");
    Plant *plant;
    ErrText why;
    if (plant_load(fleet_write("works.lua", text), def->threads ? def->threads : 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static inline uint16_t fleet_channel(const Plant *plant, const char *name)
{
    const int channel = model_find(plant_model(plant, 0), name);
    ck_assert_int_ge(channel, 0);
    return (uint16_t)channel;
}

/* A fleet with its sync. */
typedef struct Rig {
    Plant *plant;
    Sync *sync;
    uint16_t upper, lower, inflow, level;  // channels
} Rig;

static inline Rig rig_open(const FleetDef *def)
{
    Rig rig = {.plant = fleet_load(def)};
    ck_assert_int_eq(sync_create(rig.plant, &rig.sync), ERR_OK);
    rig.upper = fleet_channel(rig.plant, "upper");
    rig.inflow = fleet_channel(rig.plant, "inflow");
    rig.level = fleet_channel(rig.plant, "level");
    rig.lower = def->sensors ? rig.upper : fleet_channel(rig.plant, "lower");
    return rig;
}

static inline void rig_close(Rig *rig)
{
    sync_destroy(rig->sync);
    plant_destroy(rig->plant);
    unit_forget_all();
}

/* Plant time, `s` seconds after the start. */
static inline int64_t at(double s)
{
    return FLEET_START + llround(s * 1e9);
}

static inline Sample sample_of(const Rig *rig, uint32_t twin, uint16_t channel, double s, double value)
{
    return (Sample){.time = at(s), .value = value, .tag = plant_tag(rig->plant, twin, channel)};
}

static inline Filed rig_file(Rig *rig, Sample sample)
{
    Filed filed;
    ck_assert(sync_file(rig->sync, &(Arrival){.kind = ARRIVAL_SAMPLE, .provider = 1, .sample = sample}, &filed));
    ck_assert_int_eq(filed.tick == -1, filed.fate != FATE_USED);
    return filed;
}

static inline uint64_t rig_tick(Rig *rig)
{
    const Batch batch = sync_collect(rig->sync);
    plant_advance(rig->plant);
    sync_correct(rig->sync, rig->plant, batch);
    return plant_hash(rig->plant);
}

/* What a gauge reads of a tank that is full to 1 m. */
static inline double reading(uint32_t twin, uint16_t channel, int64_t second)
{
    return 1 + 0.01 * random_normal(5, twin * 64u + channel, (uint64_t)second);
}

/* Both gauges of every tank through some seconds, those of the tank `bad` too high by so much. */
static inline void rig_run(Rig *rig, int from, int to, uint32_t bad, double upper_off, double lower_off)
{
    for (int s = from; s < to; s++) {
        for (uint32_t twin = 0; twin < rig->plant->twin_count; twin++) {
            rig_file(rig, sample_of(rig, twin, rig->upper, s + 0.2, reading(twin, rig->upper, s) + (twin == bad ? upper_off : 0)));
            rig_file(rig, sample_of(rig, twin, rig->lower, s + 0.3, reading(twin, rig->lower, s) + (twin == bad ? lower_off : 0)));
        }
        rig_tick(rig);
    }
}
