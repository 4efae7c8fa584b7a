/* rig.h -- a device with a tape of the incubator, and the real program that it speaks with. */
#pragma once

#include "connectors/websocket/device.h"
#include "flow/flow.h"

enum {
    TAGS_MAX = 32,
    PORTION_MAX = 40,  // samples between two looks at the socket
    PATIENCE_MS = 60000,
    OBEYED_MAX = 64,
};

/* The device, its tape, and the server that it speaks with. */
typedef struct Rig {
    Plant *plant;
    Tape *tape;
    const Sample *samples;
    size_t count, sent;
    WireTag tags[TAGS_MAX];
    TagName names[256];  // by TagId
    size_t tag_count;
    Device *device;
    Child server;
    FlowPath history;
    const char *script;  // of the plant
    bool watch;          // the server looks after it
    uint64_t seed, draws;
    uint64_t obeyed[OBEYED_MAX];  // ids of the commands, as they came
    size_t obeyed_count;
} Rig;

static inline uint64_t draw(Rig *rig, uint64_t below)
{
    return (uint64_t)((double)below * random_uniform(rig->seed, 0, rig->draws++));
}

// The device.

static inline const char *obey(void *self, uint64_t id, const char *tag, double value, const char *reason)
{
    Rig *rig = self;
    (void)tag, (void)value, (void)reason;
    if (rig->obeyed_count < OBEYED_MAX)
        rig->obeyed[rig->obeyed_count++] = id;
    return NULL;
}

static inline void connect_device(Rig *rig)
{
    static const char *const actuators[] = {"incubator.heater_enable"};
    ErrText why = {""};
    const FlowPath url = child_url(&rig->server);
    for (TagId tag = 0; tag < tags_count(rig->plant->tags); tag++) {
        rig->names[tag] = tags_name(rig->plant->tags, tag);
        if (tags_get(rig->plant->tags, tag).role == TAG_SAMPLED)
            rig->tags[rig->tag_count++] = (WireTag){.name = rig->names[tag].text, .unit = "K"};
    }
    for (size_t i = 0; i < rig->tag_count; i++)
        if (strcmp(rig->tags[i].name, "incubator.heater_on") == 0)
            rig->tags[i].unit = "1";
    const DeviceDef def = {.url = url.text, .name = "rig", .tags = rig->tags, .tag_count = rig->tag_count, .actuators = actuators, .actuator_count = 1, .command = obey, .self = rig};
    ck_assert_msg(device_open(&def, &rig->device, &why) == ERR_OK, "%s", why.text);
}

/* Queue some samples. Values go in SI: nothing is converted, no bit is lost. */
static inline void send_portion(Rig *rig, size_t until)
{
    WireSample out[PORTION_MAX];
    size_t portion = 1 + draw(rig, PORTION_MAX);
    portion = portion < until - rig->sent ? portion : until - rig->sent;
    for (size_t i = 0; i < portion; i++) {
        const Sample *sample = &rig->samples[rig->sent + i];
        out[i] = (WireSample){.tag = rig->names[sample->tag].text, .time = sample->time, .value = sample->value};
    }
    ck_assert_int_eq(device_send(rig->device, out, portion), ERR_OK);
    rig->sent += portion;
}

static inline void serve_device_for(Rig *rig, int64_t ms)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + ms * NS_PER_MS;
    do
        device_service(rig->device, NS_PER_MS);
    while (clock_system.elapsed_ns(clock_system.self) < until);
}

/* Until everything that was queued has its answer. */
static inline void await_answers(Rig *rig)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + PATIENCE_MS * NS_PER_MS;
    while (device_state(rig->device).waiting && clock_system.elapsed_ns(clock_system.self) < until)
        device_service(rig->device, 5 * NS_PER_MS);
    const DeviceState state = device_state(rig->device);
    ck_assert_msg(state.waiting == 0 && state.rejected == 0, "%zu samples have no answer, %llu were rejected", state.waiting, (unsigned long long)state.rejected);
}

// The server.

static inline void start_server(Rig *rig, int port)
{
    char text[16];
    snprintf(text, sizeof text, "%d", port);
    rig->server = CHILD_START("server", "serve", rig->script, "--port", text, "--history", rig->history.text, rig->watch ? "--watch" : NULL);
    child_await_port(&rig->server);
}

static inline void rig_open_script(Rig *rig, const char *script, bool watch, const char *tape, const char *history, uint64_t seed)
{
    ErrText why = {""};
    *rig = (Rig){.history = flow_path(history), .seed = seed, .script = script, .watch = watch};
    ck_assert_msg(plant_load(script, 1, &rig->plant, &why) == ERR_OK, "%s", why.text);
    rig->tape = flow_open_tape(tape, rig->plant);
    rig->samples = tape_samples(rig->tape, &rig->count);
    start_server(rig, 0);
    connect_device(rig);
}

static inline void rig_open(Rig *rig, const char *tape, const char *history, uint64_t seed)
{
    rig_open_script(rig, FLOW_PLANT, false, tape, history, seed);
}

/* Send what is left, end the server in order. */
static inline void rig_finish(Rig *rig)
{
    while (rig->sent < rig->count) {
        send_portion(rig, rig->count);
        device_service(rig->device, 0);
    }
    await_answers(rig);
    child_stop(&rig->server, SIGTERM);
    device_close(rig->device);
    tape_close(rig->tape);
    plant_destroy(rig->plant);
}
