/* wire_write.c -- frames are written without a tree, as text, in the order in which wire.c reads them. */
#include "signal/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "signal/merge.h"

/* Every answer has some: a format would cost more than all the rest of it. */
static void write_integer(Text *out, int64_t number)
{
    char digits[20];  // the sign among them
    size_t first = sizeof digits;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do {
        digits[--first] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (number < 0)
        digits[--first] = '-';
    text_add(out, digits + first, sizeof digits - first);
}

/* `{"topic":...,"headers":{...}`: the frame is still open. */
static void write_head(Text *out, const char *topic, int64_t id, int status)
{
    const char *separator = "";
    text_put(out, "{");
    if (topic) {
        text_put(out, "\"topic\":");
        text_json_string(out, topic);
        separator = ",";
    }
    if (id == WIRE_ID_NONE && !status)
        return;

    text_put(out, separator);
    text_put(out, "\"headers\":{");
    if (id != WIRE_ID_NONE) {
        text_put(out, "\"id\":");
        write_integer(out, id);
    }
    if (status) {
        text_put(out, id != WIRE_ID_NONE ? ",\"status\":" : "\"status\":");
        write_integer(out, status);
    }
    text_put(out, "}");
}

/* The slash and the name are one JSON string: the name's own first quote is taken out again. */
static void write_path(Text *out, const char *slash, const char *name)
{
    text_format(out, ",\"path\":\"%s", slash);
    const size_t at = out->length;
    text_json_string(out, name);
    if (out->failed)
        return;
    memmove(out->bytes + at, out->bytes + at + 1, out->length - at);
    out->length--;
}

void wire_write_provide(Text *out, int64_t id, const char *device, const WireTag *tags, size_t tag_count, const char *const *actuators, size_t actuator_count)
{
    write_head(out, "provide", id, 0);
    text_put(out, ",\"value\":{\"device\":");
    text_json_string(out, device);
    text_put(out, ",\"tags\":{");
    for (size_t i = 0; i < tag_count; i++) {
        text_put(out, i ? "," : "");
        text_json_string(out, tags[i].name);
        text_put(out, tags[i].unit ? ":{\"unit\":" : ":{");
        if (tags[i].unit)
            text_json_string(out, tags[i].unit);
        text_put(out, "}");
    }
    text_put(out, "},\"actuators\":[");
    for (size_t i = 0; i < actuator_count; i++) {
        text_put(out, i ? "," : "");
        text_json_string(out, actuators[i]);
    }
    text_put(out, "]}}");
}

void wire_write_welcome(Text *out, int64_t id, const WireWelcome *welcome)
{
    write_head(out, "provide", id, welcome->unclaimed ? 202 : 200);
    text_put(out, ",\"value\":{\"plant\":");
    text_json_string(out, welcome->plant);
    text_put(out, ",\"step\":");
    text_json_number(out, welcome->step);
    text_format(out, ",\"clock\":\"%s\",\"speed\":", welcome->provider_clock ? "provider" : "utc");
    text_json_number(out, welcome->speed);
    text_put(out, ",\"from\":");
    if (welcome->from == TIME_NONE)
        text_put(out, "null");
    else
        write_integer(out, welcome->from);
    if (welcome->unclaimed) {
        text_put(out, ",\"detail\":");
        text_json_string(out, welcome->unclaimed);
    }
    text_put(out, "}}");
}

void wire_write_numbers(Text *out, int64_t id, const WireNumber *numbers, size_t count)
{
    write_head(out, "numbers", id, 0);
    text_put(out, ",\"value\":{");
    for (size_t i = 0; i < count; i++) {
        text_put(out, i ? "," : "");
        text_json_string(out, numbers[i].tag);
        text_format(out, ":%" PRIu32, numbers[i].number);
    }
    text_put(out, "}}");
}

/* The `value` of samples, and the end of the frame. */
static void write_items(Text *out, const WireSample *samples, size_t count)
{
    text_put(out, ",\"value\":[");
    for (size_t i = 0; i < count; i++) {
        assert(!samples[i].error);
        text_put(out, i ? ",[" : "[");
        text_json_string(out, samples[i].tag);
        text_put(out, ",");
        write_integer(out, samples[i].time);
        text_put(out, ",");
        text_json_number(out, samples[i].value);
        if (samples[i].quality != QUALITY_GOOD)
            text_format(out, ",\"%s\"", quality_name(samples[i].quality));
        text_put(out, "]");
    }
    text_put(out, "]}");
}

void wire_write_samples(Text *out, int64_t id, const WireSample *samples, size_t count)
{
    write_head(out, "samples", id, 0);
    write_items(out, samples, count);
}

void wire_write_log(Text *out, int64_t id, const WireSample *samples, size_t count)
{
    assert(id != WIRE_ID_NONE);
    text_format(out, "{\"topic\":\"samples\",\"headers\":{\"id\":%" PRId64 ",\"historical\":true}", id);
    write_items(out, samples, count);
}

void wire_write_stream(Text *out, uint64_t skipped, const WireSample *samples, size_t count)
{
    text_put(out, "{\"topic\":\"samples\"");
    if (skipped)
        text_format(out, ",\"headers\":{\"skipped\":%" PRIu64 "}", skipped);
    write_items(out, samples, count);
}

static void write_loss(Text *out, const char *name, uint64_t count)
{
    if (count)
        text_format(out, ",\"%s\":%" PRIu64, name, count);
}

void wire_write_stored(Text *out, int64_t id, uint64_t stored, ConnectorLosses lost)
{
    write_head(out, "samples", id, 200);
    text_put(out, ",\"value\":{\"stored\":");
    write_integer(out, (int64_t)stored);
    write_loss(out, "late", lost.late);
    write_loss(out, "duplicate", lost.duplicate);
    write_loss(out, "future", lost.future);
    text_put(out, "}}");
}

void wire_write_time(Text *out, int64_t time)
{
    write_head(out, "time", WIRE_ID_NONE, 0);
    text_put(out, ",\"value\":");
    write_integer(out, time);
    text_put(out, "}");
}

void wire_write_command(Text *out, const Command *command, const char *tag, double value)
{
    write_head(out, "command", (int64_t)command->id, 0);
    write_path(out, "/", tag);
    text_put(out, ",\"value\":{\"value\":");
    text_json_number(out, value);
    text_put(out, ",\"time\":");
    write_integer(out, command->time);
    text_put(out, ",\"deadline\":");
    write_integer(out, command->deadline);
    text_put(out, ",\"reason\":");
    text_json_string(out, command->wish.reason);
    text_put(out, "}}");
}

void wire_write_config(Text *out, uint64_t version, const json_t *delta)
{
    write_head(out, "config", WIRE_ID_NONE, 0);
    text_format(out, ",\"value\":{\"version\":%" PRIu64 ",\"delta\":", version);
    merge_write(out, delta);
    text_put(out, "}}");
}

void wire_write_reported(Text *out, int64_t id, const json_t *patch)
{
    write_head(out, "reported", id, 0);
    text_put(out, ",\"value\":");
    merge_write(out, patch);
    text_put(out, "}");
}

void wire_write_reported_version(Text *out, int64_t id, uint64_t version)
{
    write_head(out, "reported", id, 200);
    text_format(out, ",\"value\":{\"version\":%" PRIu64 "}}", version);
}

void wire_write_done(Text *out, WireTopic topic, int64_t id)
{
    write_head(out, wire_topic_name(topic), id, 200);
    text_put(out, "}");
}

void wire_write_subscribed(Text *out, int64_t id, uint64_t revision, bool resumed, size_t tags)
{
    write_head(out, "subscribe", id, 200);
    text_format(out, ",\"value\":{\"revision\":%" PRIu64 ",\"resumed\":%s,\"tags\":%zu}}", revision, resumed ? "true" : "false", tags);
}

void wire_write_actuated(Text *out, int64_t id, uint64_t command)
{
    write_head(out, "actuate", id, 200);
    text_format(out, ",\"value\":{\"id\":%" PRIu64 "}}", command);
}

void wire_write_refusal(Text *out, const char *topic, int64_t id, int status, const char *path, const char *detail)
{
    assert(status >= 400);
    write_head(out, topic, id, status);
    if (path)
        write_path(out, "", path);
    text_put(out, ",\"value\":");
    wire_write_problem(out, status, detail);
    text_put(out, "}");
}

static const char *status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return status < 500 ? "Refused" : "Failed";
}

void wire_write_problem(Text *out, int status, const char *detail)
{
    text_put(out, "{\"type\":\"about:blank\",\"title\":");
    text_json_string(out, status_title(status));
    text_format(out, ",\"status\":%d,\"detail\":", status);
    text_json_string(out, detail);
    text_put(out, "}");
}
