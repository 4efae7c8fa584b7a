/* plants.h -- plants for tests: a pendulum, whose numbers tell every slip of a bit apart, and a tank with sensors. */
#pragma once

#include <math.h>

#include "model/scripts.h"
#include "plant/plant.h"

/* Chaotic in its parameter `drive`: a driven, damped pendulum. */
static const char plants_pendulum[] = "return model \"pendulum\" {\n"
                                      "  params = { drive = { 1.5, \"s^-2\", min = 0, max = 100 }, damping = { 0.5, \"s^-1\", estimate = 1e-3, sd = 0.1 } },\n"
                                      "  states = { angle = { 0.2, \"1\", noise = 0.01, sd = 0.1 }, speed = { 0, \"s^-1\", noise = 0.01, sd = 0.1 }, phase = { 0, \"1\" } },\n"
                                      "  equations = function(t)\n"
                                      "    t.angle.rate = t.speed\n"
                                      "    t.speed.rate = -t.damping * t.speed - quantity(1, \"s^-2\") * sin(t.angle) + t.drive * cos(t.phase)\n"
                                      "    t.phase.rate = quantity(0.6667, \"s^-1\")\n"
                                      "    t.energy = output(t.speed ^ 2 / 2 + quantity(1, \"s^-2\") * (1 - cos(t.angle)), \"s^-2\")\n"
                                      "  end,\n"
                                      "  sensors = { encoder = { of = \"angle\", noise = 0.02, every = 0.5 } },\n"
                                      "}\n";

static const char plants_tank[] = "return model \"tank\" {\n"
                                  "  params = { area = { 0.02, \"m^2\", min = 1e-4, max = 1 }, orifice = { 0.25, \"cm^2\", min = 0, estimate = 1e-5, sd = 0.01, jump = 0.25 } },\n"
                                  "  inputs = { inflow = { 4, \"l/min\", min = 0, max = 60 } },\n"
                                  "  states = { level = { 30, \"cm\", min = 0, max = 200, noise = 0.01, sd = 1 }, warmth = { 20, \"degC\", noise = 0.01, sd = 1 } },\n"
                                  "  equations = function(t)\n"
                                  "    t.outflow = output(t.orifice * sqrt(2 * g * max(t.level, quantity(1, \"mm\"))), \"l/min\", \"what leaves\")\n"
                                  "    t.level.rate = (t.inflow - t.outflow) / t.area\n"
                                  "    t.warmth.rate = 0\n"
                                  "  end,\n"
                                  "  sensors = { gauge = { of = \"level\", noise = 0.2, every = 1 }, probe = { of = \"warmth\", noise = 0.1, every = 2 } },\n"
                                  "  actuators = { valve = { 50, \"percent\", min = 0, max = 100 } },\n"
                                  "  faults = { clogged = { value = \"orifice\", factor = 0.5 }, flood = { value = \"inflow\", set = 30 },\n"
                                  "             high = { sensor = \"gauge\", kind = \"bias\", size = 5 } },\n"
                                  "}\n";

/* Write the models and a plant of this text beside them. */
static inline const char *plants_write(const char *text)
{
    scripts_write("pendulum.lua", plants_pendulum);
    scripts_write("tank.lua", plants_tank);
    return scripts_write("plant.lua", text);
}

static inline Plant *plants_load(const char *text, size_t threads)
{
    Plant *plant;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    if (plant_load(plants_write(text), threads, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

/* `count` pendulums, each with a drive of its own. */
static inline Plant *plants_fleet(int count, size_t threads)
{
    char text[512];
    snprintf(text, sizeof text,
             "local assets = {}\n"
             "for i = 1, %d do assets[string.format('p%%04d', i)] = { 'pendulum', drive = 1 + i / 500 } end\n"
             "return plant 'fleet' { step = 0.125, clock = 'provider', assets = assets }\n", count);
    return plants_load(text, threads);
}

static inline TagId plants_tag(const Plant *plant, const char *name)
{
    const TagId tag = tags_find(plant->tags, name);
    ck_assert_msg(tag != TAG_NONE, "no tag %s", name);
    return tag;
}

static inline double *plants_cell(const Plant *plant, const char *name)
{
    const Place place = plant_place(plant, plants_tag(plant, name));
    return plant_cell(plant, place.twin, plant_model(plant, place.twin)->channels[place.channel].column);
}
