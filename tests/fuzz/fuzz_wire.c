/* fuzz_wire.c -- any bytes as a frame: what wire_read lets through must be within its limits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "signal/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_samples(const WireMessage *message)
{
    require(message->samples.count <= WIRE_SAMPLES_MAX);
    for (size_t i = 0; i < message->samples.count; i++) {
        const WireSample *const sample = &message->samples.items[i];
        if (sample->error)
            require(strlen(sample->error) > 0);
        else
            require(strlen(sample->tag) > 0 && isfinite(sample->value) && sample->time != TIME_NONE && sample->quality <= QUALITY_BAD);
    }
}

static void check_provide(const WireMessage *message)
{
    require(strlen(message->provide.device) > 0);
    require(message->provide.tag_count <= WIRE_TAGS_MAX);
    require(message->provide.actuator_count <= WIRE_TAGS_MAX);
    for (size_t i = 0; i < message->provide.tag_count; i++)
        require(strlen(message->provide.tags[i].name) > 0);
    for (size_t i = 0; i < message->provide.actuator_count; i++)
        require(strlen(message->provide.actuators[i]) > 0);
}

static void check_message(const WireMessage *message)
{
    require(message->path && message->detail);
    if (message->status) {
        require(message->topic < WIRE_TOPIC_COUNT || message->status >= 400);
        return;
    }
    require(message->topic < WIRE_TOPIC_COUNT);
    if (message->topic == WIRE_SAMPLES)
        check_samples(message);
    if (message->topic == WIRE_PROVIDE)
        check_provide(message);
    if (message->topic == WIRE_TIME)
        require(message->time != TIME_NONE);
    if (message->topic == WIRE_COMMAND)
        require(message->id >= 0 && strlen(message->command.tag) > 0 && isfinite(message->command.value));
    if (message->topic == WIRE_CONFIG)
        require(json_is_object(message->config.delta));
    if (message->topic == WIRE_REPORTED)
        require(json_is_object(message->reported));
    if (message->topic == WIRE_ACTUATE)
        require(strlen(message->actuate.tag) > 0 && isfinite(message->actuate.value));
}

/* What was read is written and read again: nothing may get lost on the way. */
static void check_round_trip(const WireMessage *message)
{
    if (message->topic != WIRE_SAMPLES || message->status)
        return;
    for (size_t i = 0; i < message->samples.count; i++)
        if (message->samples.items[i].error)
            return;

    Text text = {0};
    Wire *wire;
    WireMessage again;
    require(wire_create(&wire) == ERR_OK);
    wire_write_samples(&text, message->id, message->samples.items, message->samples.count);
    // escapes can make a frame longer than it was
    if (text.length <= WIRE_FRAME_MAX) {
        require(wire_read(wire, text.bytes, text.length, &again, NULL) == ERR_OK);
        require(again.samples.count == message->samples.count);
        for (size_t i = 0; i < again.samples.count; i++)
            require(again.samples.items[i].time == message->samples.items[i].time && again.samples.items[i].value == message->samples.items[i].value);
    }
    wire_destroy(wire);
    text_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static Wire *wire;
    if (!wire)
        require(wire_create(&wire) == ERR_OK);

    WireMessage message;
    ErrText why = {0};
    if (wire_read(wire, (const char *)bytes, size, &message, &why) != ERR_OK) {
        require(strlen(why.text) > 0);
        return 0;
    }
    check_message(&message);
    check_round_trip(&message);
    return 0;
}
