/* loop.h -- the closed loop of one protocol, by real programs: an emulated plant behind the protocol's peer, and the engine beside it.
 *
 * The caller starts the peer and says how the four tags of a tank are bound to it. `pollux emulate --through` stands behind the peer, `pollux serve` in front
 * of it; water breaks into the tank, the twin notices, a handler orders the drain open, the emulated drain obeys, and when the water has gone the alarm returns.
 * What was waited for is read from the two logs, which say when it was.
 *
 *     const LoopDef def = {.name = "mqtt", .connectors = "line = { \"mqtt\", url = \"...\" }", .through = "line",
 *                          .gauge = "{ \"line\", topic = \"works/level\" }", .float_gauge = "...", .drain = "...", .order = "..."};
 *     loop_run(&def);
 *
 * Nothing is asserted of how quick it is; a fault that comes too early for a slow machine comes again. */
#pragma once

#include "flow/flow.h"

enum { LOOP_PATIENCE_S = 60 };

typedef struct LoopDef {
    const char *name;        // of the protocol, for what is printed
    const char *connectors;  // what stands in the script's table
    const char *through;     // their names, with commas between
    const char *gauge, *float_gauge;  // the entries of two sensors of the level, in cm, ten times a second: what both see is no fault of theirs
    const char *drain;       // of an input, 0 to 1: how far the drain is open, as it reports itself
    const char *order;       // of the actuator, 0 to 1
    const char *prelude;     // more of the plant's script, or NULL
} LoopDef;

typedef struct LoopTimes {
    double actuator, returned;  // s behind the beginning of the fault
} LoopTimes;

static const char loop_model[] = "return model \"drained\" {\n"
                                 "  params  = { area = { 0.02, \"m^2\" }, orifice = { 0.25, \"cm^2\" } },\n"
                                 "  inputs  = { inflow = { 4, \"l/min\", min = 0, max = 60 }, drain = { 0, \"1\", min = 0, max = 1 } },\n"
                                 "  states  = { level = { 30, \"cm\", min = 0, max = 1000, noise = 0.02, sd = 2 } },\n"
                                 "  equations = function(t)\n"
                                 "    local drained = t.drain * (t.level / quantity(30, \"cm\")) * quantity(60, \"l/min\")\n"
                                 "    t.level.rate = (t.inflow - t.orifice * sqrt(2 * g * max(t.level, quantity(1, \"mm\"))) - drained) / t.area\n"
                                 "  end,\n"
                                 "  sensors   = { gauge = { of = \"level\", noise = 0.2, every = 0.1 }, float = { of = \"level\", noise = 0.3, every = 0.1 } },\n"
                                 "  actuators = { drain_order = { 0, \"1\", min = 0, max = 1 } },\n"
                                 "  divergence = { settle = 2 },\n"
                                 "  faults    = { flood = { value = \"inflow\", set = 40 } },\n"
                                 "}\n";

static const char loop_plant[] = "return plant \"loop\" {\n"
                                 "  step = 0.1, wait = 0.3,\n"
                                 "  assets = { tank = { \"drained\" } },\n"
                                 "  connectors = { %s },\n"
                                 "  bind = { [\"tank.gauge\"] = %s, [\"tank.float\"] = %s, [\"tank.drain\"] = %s, [\"tank.drain_order\"] = %s },\n"
                                 "  on = { divergence = function(event)\n"
                                 "    command(\"tank.drain_order\", event.state == \"raised\" and 1 or 0, { reason = event.text })\n"
                                 "  end },\n"
                                 "  emulate = { control = function(device) device[\"tank.drain\"] = device[\"tank.drain_order\"] end },\n"
                                 "%s"
                                 "}\n";

static inline FlowPath loop_script(const LoopDef *def)
{
    Text text = {0};
    flow_write("drained.lua", loop_model);
    text_format(&text, loop_plant, def->connectors, def->gauge, def->float_gauge, def->drain, def->order, def->prelude ? def->prelude : "");
    ck_assert(!text.failed);
    const FlowPath path = flow_write("loop.lua", text.bytes);
    text_fini(&text);
    return path;
}

/* When a line of the log with `words` was written: the first at or behind `from`; TIME_NONE while there is none. */
static inline int64_t loop_when(const Child *child, const char *words, int64_t from)
{
    int64_t found = TIME_NONE;
    char *log = flow_read(child->err.text), *rest = log;
    for (char *line; found == TIME_NONE && (line = strsep(&rest, "\n"));) {
        int64_t time;
        if (strstr(line, words) && time_parse(line, strcspn(line, " "), &time) && time >= from)
            found = time;
    }
    free(log);
    return found;
}

/* The newest line with `words` that was written before. */
static inline int64_t loop_last(const Child *child, const char *words, int64_t before)
{
    int64_t found = TIME_NONE;
    for (int64_t next = 0; (next = loop_when(child, words, next)) != TIME_NONE && next <= before; next++)
        found = next;
    return found;
}

static inline int64_t loop_await(Child *child, const char *words, int64_t from)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + LOOP_PATIENCE_S * NS_PER_S;
    for (int64_t time; clock_system.elapsed_ns(clock_system.self) < until; flow_sleep(20))
        if ((time = loop_when(child, words, from)) != TIME_NONE)
            return time;
    char *log = flow_read(child->err.text);
    ck_abort_msg("it never said \"%s\": %s", words, log);
    return TIME_NONE;
}

/* The peer runs. Stops what it starts, in order. */
static inline LoopTimes loop_run(const LoopDef *def)
{
    const FlowPath script = loop_script(def), history = flow_path("loop.db");
    Child plant = CHILD_START("loop_emulate", "emulate", script.text, "--through", def->through, "--fault", "tank.flood@5+3", "--fault", "tank.flood@25+3",
                              "--fault", "tank.flood@45+3");
    loop_await(&plant, "connected to", 0);
    Child engine = CHILD_START("loop_serve", "serve", script.text, "--port", "0", "--history", history.text);
    loop_await(&engine, "connected to", 0);

    // an engine that came before the plant had told its peer anything may have parted from what stood there, and come back: what answers a fault is behind one
    const int64_t first = loop_await(&plant, "begins", 0);
    loop_await(&engine, "raised", first);
    const int64_t moved = loop_await(&plant, "tank.drain_order = 1", first), began = loop_last(&plant, "begins", moved);
    const int64_t returned = loop_await(&engine, "returned", moved), closed = loop_await(&plant, "tank.drain_order = 0", moved);
    ck_assert_int_gt(closed, moved);

    child_stop(&engine, SIGTERM);
    child_stop(&plant, SIGTERM);
    const LoopTimes times = {(double)(moved - began) / 1e9, (double)(returned - began) / 1e9};
    printf("closed loop, %s: the actuator moved %.2f s behind the fault, the alarm returned behind %.2f s\n", def->name, times.actuator, times.returned);
    return times;
}
