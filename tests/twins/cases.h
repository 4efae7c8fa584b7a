/* cases.h -- every model of the library in ordinary service: how its device excites it, and what its faults must be taken for.
 *
 * Models are those that the other tables of the library name too (test_library.c), with a step that they are run at. */
#pragma once

#include "sync/sync.h"

typedef struct Case {
    const char *model;
    double step;            // s
    double lasts;           // s, of a healthy run after settling
    const char *control;    // what the device does with its inputs
    VerdictKind process;    // what its faults of the process must be taken for; VERDICT_NONE: noticed is enough
    double delay;           // s until they must be noticed
    VerdictKind sensor;     // what its faults of sensors must be taken for; VERDICT_NONE: noticed is enough
} Case;

static const Case cases[] = {
    {"tank", 1, 900, "d['twin.inflow'] = 180 + 60 * math.sin(s / 60)", VERDICT_PROCESS, 60, VERDICT_SENSOR},
    {"quadruple_tank", 1, 900, "d['twin.voltage_1'] = 3 + 0.5 * math.sin(s / 90)", VERDICT_NONE, 60, VERDICT_SENSOR},
    {"pump", 0.1, 200, "d['twin.speed_setpoint'] = 2700 + 150 * math.sin(s / 20)", VERDICT_NONE, 20, VERDICT_SENSOR},
    {"valve", 0.5, 900, "d['twin.opening_setpoint'] = 0.6 + 0.2 * math.sin(s / 40)", VERDICT_NONE, 30, VERDICT_SENSOR},
    {"pipe", 0.5, 900, "d['twin.pressure_in'] = 1 + 0.3 * math.sin(s / 50)", VERDICT_PROCESS, 30, VERDICT_SENSOR},
    {"heat_exchanger", 0.5, 900, "d['twin.T_hot_in'] = 80 + 5 * math.sin(s / 60)", VERDICT_NONE, 90, VERDICT_SENSOR},
    {"room", 60, 60 * 900, "d['twin.heating'] = 500 + 400 * math.sin(s / 9000)", VERDICT_PROCESS, 3600, VERDICT_SENSOR},
    {"battery", 1, 900, "d['twin.current'] = 0.3 + 0.2 * math.sin(s / 200)", VERDICT_NONE, 60, VERDICT_SENSOR},
    {"battery_pack", 1, 300, "d['twin.current'] = 0.4 + 0.2 * math.sin(s / 200)", VERDICT_NONE, 900, VERDICT_SENSOR},
    {"storage_cell", 10, 60 * 900, "d['twin.current'] = 60 * math.sin(s / 4000)", VERDICT_NONE, 1200, VERDICT_SENSOR},
    {"storage_site", 10, 60 * 900, "d['twin.T_outdoor'] = 5 + 8 * math.sin(s / 9000)", VERDICT_NONE, 1200, VERDICT_PROCESS},
    {"dc_motor", 0.005, 8, "d['twin.voltage'] = 170 + 10 * math.sin(s)", VERDICT_NONE, 10, VERDICT_SENSOR},
    {"conveyor", 0.1, 300, "d['twin.feed'] = 100 + 30 * math.sin(s / 30)", VERDICT_NONE, 30, VERDICT_SENSOR},
    {"wind_turbine", 0.5, 900, "d['twin.wind'] = 8 + math.sin(s / 40)", VERDICT_NONE, 60, VERDICT_SENSOR},
    {"pv_array", 1, 2500, "d['twin.irradiance'] = 800 + 100 * math.sin(s / 200)", VERDICT_NONE, 120, VERDICT_NONE},
    {"robot_joint", 0.002, 3, "d['twin.current'] = 26 / 11 + 0.2 * math.sin(3 * s)", VERDICT_NONE, 1, VERDICT_SENSOR},
    {"bearing", 60, 60 * 1500, "d['twin.load'] = 4 + math.sin(s / 9000)", VERDICT_NONE, 3600, VERDICT_SENSOR},
    {"induction_motor", 0.2, 300, "d['twin.load'] = 95 + 5 * math.sin(s / 90)", VERDICT_NONE, 300, VERDICT_SENSOR},
    {"incubator", 0.5, 2400, "d['twin.heater_on'] = d['twin.t3'] > 45 and 0 or d['twin.t3'] < 35 and 1 or d['twin.heater_on']", VERDICT_PROCESS, 60, VERDICT_SENSOR},
    {"reservoir", 1, 900, "d['twin.inflow_1'] = 20 + 10 * math.sin(s / 60)  d['twin.draw_1'] = 20", VERDICT_PROCESS, 60, VERDICT_SENSOR},
    {"sand_filter", 1, 900, "d['twin.inflow'] = 20 + 5 * math.sin(s / 200)", VERDICT_PROCESS, 300, VERDICT_SENSOR},
    {"district", 0.5, 900, "d['twin.demand'] = 26 + 3 * math.sin(s / 90)", VERDICT_PROCESS, 30, VERDICT_SENSOR},
    {"radiator", 60, 60 * 1500, "d['twin.opening'] = 0.4 + 0.2 * math.sin(s / 9000)", VERDICT_PROCESS, 3600, VERDICT_SENSOR},
    {"boiler", 60, 60 * 900, "d['twin.burner'] = 0.29 + 0.05 * math.sin(s / 3000)", VERDICT_PROCESS, 3600, VERDICT_SENSOR},
    {"air_handler", 60, 60 * 900, "d['twin.T_outdoor'] = 5 + 3 * math.sin(s / 9000)", VERDICT_PROCESS, 3600, VERDICT_SENSOR},
};
enum { CASES = sizeof cases / sizeof *cases };
