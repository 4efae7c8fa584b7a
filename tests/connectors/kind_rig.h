/* kind_rig.h -- a connector opened as an engine would, beside a peer: samples are waited for, commands sent, outcomes read.
 *
 * A binding's tag is its place in the list. Nothing is told by how long it takes: facts are waited for with patience. */
#pragma once

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"
#include "signal/connector_kind.h"

enum { RIG_BINDINGS_MAX = 2048, RIG_PATIENCE_S = 60 };

/* A binding as a script would say it. */
typedef struct RigBinding {
    const char *entry;  // JSON
    bool writes;
} RigBinding;

typedef struct Rig {
    json_t *options, *entries;
    Binding bindings[RIG_BINDINGS_MAX];
    char names[RIG_BINDINGS_MAX][40];
    size_t count;
    Connector connector;
    Exchange *exchange;
    Sample newest[RIG_BINDINGS_MAX];     // of each binding; time 0: none
    uint64_t received[RIG_BINDINGS_MAX];
    Arrival outcome;                     // the newest
    uint64_t outcomes, joined, left, commands;
} Rig;

static inline void rig_bind(Rig *rig, const RigBinding *bindings, size_t count)
{
    rig->entries = json_array();
    rig->count = count;
    for (size_t i = 0; i < count; i++) {
        json_error_t error;
        json_t *entry = json_loads(bindings[i].entry, 0, &error);
        ck_assert_msg(entry != NULL, "%s: %s", bindings[i].entry, error.text);
        json_array_append_new(rig->entries, entry);
        snprintf(rig->names[i], sizeof rig->names[i], "asset.channel%zu", i);
        rig->bindings[i] = (Binding){.tag = (TagId)i, .name = rig->names[i], .writes = bindings[i].writes, .unit = unit_one(), .scale = 1, .source_time = true};
        rig->bindings[i].address = entry;
    }
}

static inline ConnectorDef rig_def(Rig *rig, const char *options)
{
    rig->options = json_loads(options, 0, NULL);
    ck_assert_msg(rig->options != NULL, "%s", options);
    return (ConnectorDef){.name = "line", .options = rig->options, .bindings = rig->bindings, .binding_count = rig->count, .folder = kit_folder()};
}

static inline void rig_open(Rig *rig, const ConnectorKind *kind, const char *options, const RigBinding *bindings, size_t count)
{
    memset(rig, 0, sizeof *rig);
    rig_bind(rig, bindings, count);
    const ConnectorDef def = rig_def(rig, options);
    ConnectorFault fault = {0};
    ck_assert_msg(kind->open(&def, &rig->connector, &rig->exchange, &fault) == ERR_OK, "%s", fault.why.text);
}

static inline void rig_close(Rig *rig)
{
    rig->connector.type->close(rig->connector.self);
    json_decref(rig->options);
    json_decref(rig->entries);
}

static inline void rig_note(Rig *rig, const Arrival *arrival)
{
    if (arrival->kind == ARRIVAL_SAMPLE) {
        rig->newest[arrival->sample.tag] = arrival->sample;
        rig->received[arrival->sample.tag]++;
    }
    if (arrival->kind == ARRIVAL_OUTCOME) {
        rig->outcome = *arrival;
        rig->outcomes++;
    }
    rig->joined += arrival->kind == ARRIVAL_JOINED;
    rig->left += arrival->kind == ARRIVAL_LEFT;
}

/* One arrival, if there is one. */
static inline bool rig_poll(Rig *rig)
{
    Arrival arrival;
    if (rig->connector.type->poll(rig->connector.self, &arrival, 1) == 0)
        return false;
    rig_note(rig, &arrival);
    return true;
}

/* Wait until `fact` has become true: it is looked at behind every arrival. */
#define rig_wait(rig, fact)                                                                                          \
    do {                                                                                                             \
        const int64_t end = clock_system.elapsed_ns(NULL) + RIG_PATIENCE_S * NS_PER_S;                               \
        while (!(fact)) {                                                                                            \
            ck_assert_msg(clock_system.elapsed_ns(NULL) < end, "waited in vain for " #fact " (last fault: %s)", exchange_state((rig)->exchange).fault); \
            if (!rig_poll(rig))                                                                                      \
                clock_system.sleep_ns(NULL, NS_PER_MS);                                                              \
        }                                                                                                            \
    } while (0)

static inline bool rig_has(const Rig *rig, size_t binding, double value, Quality quality)
{
    const Sample *const sample = &rig->newest[binding];
    return sample->time && sample->quality == quality && sample->value == value;
}

/* What became of a command. */
static inline Arrival rig_command(Rig *rig, size_t binding, double value)
{
    const uint64_t before = rig->outcomes;
    const Command command = {.id = ++rig->commands, .wish = {.tag = (TagId)binding, .value = value}, .state = COMMAND_SENT, .deadline = INT64_MAX};
    ck_assert_int_eq(rig->connector.type->send(rig->connector.self, &command), ERR_OK);
    rig_wait(rig, rig->outcomes > before);
    ck_assert_uint_eq(rig->outcome.command, command.id);
    return rig->outcome;
}

static inline void rig_expect_done(Rig *rig, size_t binding, double value)
{
    const Arrival outcome = rig_command(rig, binding, value);
    ck_assert_msg(outcome.done, "%s", outcome.text);
}

static inline void rig_expect_failed(Rig *rig, size_t binding, double value, const char *text)
{
    const Arrival outcome = rig_command(rig, binding, value);
    ck_assert_msg(!outcome.done && strstr(outcome.text, text), "expected \"%s\", got \"%s\"", text, outcome.done ? "done" : outcome.text);
}
