/* line.h -- a connector that a test opens by hand: bindings as a script would have them, what arrives is kept. */
#pragma once

#include <math.h>
#include <string.h>

#include "kit/kit.h"
#include "signal/connector_kind.h"

enum { LINE_BINDINGS_MAX = 16, LINE_ARRIVALS_MAX = 65536, LINE_PATIENCE_S = 30 };

/* A binding: {"tank1.gauge", "m", "{\"topic\": ...}"}; a command goes out where it `writes`. */
typedef struct LineBinding {
    const char *name, *unit, *keys;
    bool writes;
} LineBinding;

typedef struct Line {
    json_t *options, *entries[LINE_BINDINGS_MAX];
    Binding bindings[LINE_BINDINGS_MAX];
    size_t count;
    ConnectorDef def;
    Connector connector;
    Exchange *exchange;
    Arrival *arrivals;
    size_t arrival_count;
    uint64_t commands;
} Line;

static inline json_t *line_json(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", text, error.text);
    return json;
}

/* Tags are numbered as the bindings are. */
static inline void line_prepare(Line *line, const char *options, const LineBinding *bindings, size_t count)
{
    *line = (Line){.options = line_json(options), .count = count, .arrivals = mem_alloc(LINE_ARRIVALS_MAX * sizeof *line->arrivals)};
    for (size_t i = 0; i < count; i++) {
        const Unit *unit;
        ck_assert_int_eq(unit_parse(bindings[i].unit, &unit, NULL), ERR_OK);
        line->entries[i] = line_json(bindings[i].keys);
        line->bindings[i] = (Binding){.tag = (TagId)i, .name = bindings[i].name, .writes = bindings[i].writes, .unit = unit, .scale = 1, .source_time = true,
                                      .address = line->entries[i]};
    }
    line->def = (ConnectorDef){.name = "line", .options = line->options, .bindings = line->bindings, .binding_count = count, .folder = kit_folder()};
}

static inline void line_open(Line *line, const ConnectorKind *kind)
{
    ConnectorFault fault = {0};
    ck_assert_msg(kind->open(&line->def, &line->connector, &line->exchange, &fault) == ERR_OK, "%s", fault.why.text);
}

static inline void line_forget(Line *line)
{
    for (size_t i = 0; i < line->count; i++)
        json_decref(line->entries[i]);
    json_decref(line->options);
    mem_free(line->arrivals);
    unit_forget_all();
}

static inline void line_close(Line *line)
{
    line->connector.type->close(line->connector.self);
    line_forget(line);
}

static inline void line_poll(Line *line)
{
    ck_assert_uint_lt(line->arrival_count, LINE_ARRIVALS_MAX);
    line->arrival_count += line->connector.type->poll(line->connector.self, line->arrivals + line->arrival_count, LINE_ARRIVALS_MAX - line->arrival_count);
}

/* The connector's last fault; a view until the next call. */
static inline const char *line_fault(Line *line)
{
    static ExchangeState state;
    state = exchange_state(line->exchange);
    return state.fault;
}

/* Poll until the fact is there. */
#define LINE_AWAIT(line, fact)                                                                                                      \
    do {                                                                                                                            \
        const int64_t line_until = clock_system.elapsed_ns(clock_system.self) + LINE_PATIENCE_S * NS_PER_S;                         \
        while (line_poll(line), !(fact)) {                                                                                          \
            ck_assert_msg(clock_system.elapsed_ns(clock_system.self) < line_until, "never: %s; %s", #fact, line_fault(line));  \
            clock_system.sleep_ns(clock_system.self, NS_PER_MS);                                                                    \
        }                                                                                                                           \
    } while (0)

/* How many samples of a binding have come. */
static inline size_t line_count(const Line *line, size_t binding)
{
    size_t count = 0;
    for (size_t i = 0; i < line->arrival_count; i++)
        count += line->arrivals[i].kind == ARRIVAL_SAMPLE && line->arrivals[i].sample.tag == binding;
    return count;
}

/* The newest sample of a binding; time TIME_NONE where there is none. */
static inline Sample line_newest(const Line *line, size_t binding)
{
    for (size_t i = line->arrival_count; i-- > 0;)
        if (line->arrivals[i].kind == ARRIVAL_SAMPLE && line->arrivals[i].sample.tag == binding)
            return line->arrivals[i].sample;
    return (Sample){.time = TIME_NONE, .value = NAN, .tag = TAG_NONE};
}

/* What became of a command; NULL while nothing has. */
static inline const Arrival *line_outcome(const Line *line, uint64_t command)
{
    for (size_t i = 0; i < line->arrival_count; i++)
        if (line->arrivals[i].kind == ARRIVAL_OUTCOME && line->arrivals[i].command == command)
            return &line->arrivals[i];
    return NULL;
}

/* Send one, due within the minute; returns its id. */
static inline uint64_t line_send(Line *line, size_t binding, double value)
{
    const int64_t now = clock_system.utc_ns(clock_system.self);
    const Command command = {.id = ++line->commands, .wish = {.tag = (TagId)binding, .value = value}, .time = now, .deadline = now + 60 * NS_PER_S,
                             .ended = TIME_NONE};
    ck_assert_int_eq(line->connector.type->send(line->connector.self, &command), ERR_OK);
    return command.id;
}

static inline bool line_is_joined(Line *line)
{
    return exchange_state(line->exchange).connected;
}

static inline void line_assert_done(Line *line, uint64_t command)
{
    const Arrival *outcome = NULL;
    LINE_AWAIT(line, (outcome = line_outcome(line, command)) != NULL);
    ck_assert_msg(outcome->done, "command %llu: %s", (unsigned long long)command, outcome->text);
}

static inline void line_assert_failed(Line *line, uint64_t command, const char *why)
{
    const Arrival *outcome = NULL;
    LINE_AWAIT(line, (outcome = line_outcome(line, command)) != NULL);
    ck_assert(!outcome->done);
    ck_assert_msg(strstr(outcome->text, why) != NULL, "\"%s\" does not say \"%s\"", outcome->text, why);
}
