/* wire.c -- reading: jansson builds the tree, this file checks it. Samples are mostly read without one (scan.h).
 *
 * A frame is refused by its size and its nesting before anything is built. Texts of a message are those of the tree, which lives
 * until the next frame. */
#include "signal/wire.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "signal/scan.h"

struct Wire {
    json_t *root;  // of the message that was read last
    Arena arena;   // its arrays, and the texts of what is wrong with single samples
    Scan scan;     // of a message that needs no tree
};

static const char *const topic_names[] = {
    [WIRE_PROVIDE] = "provide",     [WIRE_NUMBERS] = "numbers",         [WIRE_SAMPLES] = "samples", [WIRE_TIME] = "time",       [WIRE_COMMAND] = "command",
    [WIRE_CONFIG] = "config",       [WIRE_REPORTED] = "reported",
    [WIRE_SUBSCRIBE] = "subscribe", [WIRE_ACKNOWLEDGE] = "acknowledge", [WIRE_ACTUATE] = "actuate", [WIRE_COMMENT] = "comment",
    [WIRE_SHELVE] = "shelve",       [WIRE_UNSHELVE] = "unshelve",       [WIRE_SUPPRESS] = "suppress",   [WIRE_UNSUPPRESS] = "unsuppress", [WIRE_TOPIC_COUNT] = NULL,
};

static const char time_form[] = "a time (nanoseconds since 1970 as an integer, or RFC 3339)";

Err wire_create(Wire **out)
{
    assert(out);
    Wire *const wire = mem_alloc(sizeof *wire);
    *out = wire;
    if (wire && scan_init(&wire->scan) == ERR_OK)
        return ERR_OK;
    wire_destroy(wire);
    *out = NULL;
    return ERR_MEMORY;
}

void wire_destroy(Wire *wire)
{
    if (!wire)
        return;
    json_decref(wire->root);
    arena_fini(&wire->arena);
    scan_fini(&wire->scan);
    mem_free(wire);
}

// What stands at a place of the tree, and what should.

static const char *kind_name(const json_t *json)
{
    if (!json)
        return "nothing";
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string", [JSON_INTEGER] = "an integer",
        [JSON_REAL] = "a real number", [JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_NULL] = "null",
    };
    if (json_is_string(json) && json_string_length(json) == 0)
        return "an empty string";
    return names[json_typeof(json)];
}

static Err expected(ErrText *why, const char *place, const char *what, const json_t *got)
{
    return err_set(why, ERR_PARSE, "%s: expected %s, got %s", place, what, kind_name(got));
}

static bool is_name(const json_t *json)
{
    return json_is_string(json) && json_string_length(json) > 0;
}

static bool get_number(const json_t *json, double *out)
{
    if (!json_is_number(json))
        return false;
    *out = json_number_value(json);
    return isfinite(*out);
}

static bool get_time(const json_t *json, int64_t *out)
{
    if (json_is_string(json))
        return time_parse(json_string_value(json), json_string_length(json), out);
    *out = json_integer_value(json);
    return json_is_integer(json) && *out != TIME_NONE;
}

/* One reading of members, which goes on until the first that is wrong: what is read after it is left as it is. */
typedef struct Members {
    const json_t *object;
    const char *place;  // of the object
    ErrText *why;
    Err err;
} Members;

static void members_fail(Members *members, const char *key, const char *what, const json_t *got)
{
    char place[64];
    snprintf(place, sizeof place, "%s/%s", members->place, key);
    members->err = expected(members->why, place, what, got);
}

static const char *read_name(Members *members, const char *key)
{
    const json_t *const json = json_object_get(members->object, key);
    if (is_name(json))
        return json_string_value(json);
    if (!members->err)
        members_fail(members, key, "a name", json);
    return "";
}

/* A text that may be left out. */
static const char *read_text(Members *members, const char *key)
{
    const json_t *const json = json_object_get(members->object, key);
    if (json_is_string(json))
        return json_string_value(json);
    if (json && !members->err)
        members_fail(members, key, "a text", json);
    return "";
}

static double read_number(Members *members, const char *key)
{
    double number = 0;
    const json_t *const json = json_object_get(members->object, key);
    if (!get_number(json, &number) && !members->err)
        members_fail(members, key, "a number", json);
    return number;
}

static uint64_t read_count(Members *members, const char *key)
{
    const json_t *const json = json_object_get(members->object, key);
    if (json_is_integer(json) && json_integer_value(json) >= 0)
        return (uint64_t)json_integer_value(json);
    if (!members->err)
        members_fail(members, key, "an integer from 0", json);
    return 0;
}

static uint64_t read_loss(Members *members, const char *key)
{
    return json_object_get(members->object, key) ? read_count(members, key) : 0;
}

static int64_t read_time(Members *members, const char *key)
{
    int64_t time = TIME_NONE;
    const json_t *const json = json_object_get(members->object, key);
    if (!get_time(json, &time) && !members->err)
        members_fail(members, key, time_form, json);
    return time;
}

// Requests, topic by topic. Each gets the `value` of the envelope.

static Err read_tags(Wire *wire, json_t *json, WireMessage *out, ErrText *why)
{
    if (!json)
        return ERR_OK;
    if (!json_is_object(json))
        return expected(why, "value/tags", "an object of tags", json);
    const size_t count = json_object_size(json);
    if (count > WIRE_TAGS_MAX)
        return err_set(why, ERR_RANGE, "value/tags: expected at most %d tags, got %zu", WIRE_TAGS_MAX, count);
    WireTag *const tags = arena_new(&wire->arena, WireTag, count);
    if (!tags)
        return ERR_MEMORY;

    const char *name;
    json_t *tag;
    json_object_foreach(json, name, tag) {
        const json_t *const unit = json_object_get(tag, "unit");
        if (!*name)
            return err_set(why, ERR_PARSE, "value/tags: expected names, got an empty one");
        if (!json_is_object(tag))
            return err_set(why, ERR_PARSE, "value/tags/%s: expected {} or {\"unit\": ...}, got %s", name, kind_name(tag));
        if (unit && !json_is_string(unit))
            return err_set(why, ERR_PARSE, "value/tags/%s/unit: expected a unit, got %s", name, kind_name(unit));
        tags[out->provide.tag_count++] = (WireTag){name, unit ? json_string_value(unit) : NULL};
    }
    out->provide.tags = tags;
    return ERR_OK;
}

/* An array of names that may be left out, `most` at most. */
static Err read_names(Wire *wire, const json_t *json, const char *place, size_t most, const char *const **out, size_t *out_count, ErrText *why)
{
    if (!json)
        return ERR_OK;
    if (!json_is_array(json))
        return expected(why, place, "an array of names", json);
    const size_t count = json_array_size(json);
    if (count > most)
        return err_set(why, ERR_RANGE, "%s: expected at most %zu names, got %zu", place, most, count);
    const char **const names = arena_new(&wire->arena, const char *, count);
    if (!names)
        return ERR_MEMORY;

    for (size_t i = 0; i < count; i++) {
        const json_t *const name = json_array_get(json, i);
        if (!is_name(name))
            return err_set(why, ERR_PARSE, "%s/%zu: expected a name, got %s", place, i, kind_name(name));
        names[i] = json_string_value(name);
    }
    *out = names;
    *out_count = count;
    return ERR_OK;
}

static Err read_provide(Wire *wire, const json_t *value, WireMessage *out, ErrText *why)
{
    Members members = {value, "value", why, ERR_OK};
    out->provide.device = read_name(&members, "device");
    if (members.err)
        return members.err;
    const Err err = read_tags(wire, json_object_get(value, "tags"), out, why);
    if (err)
        return err;
    const json_t *const actuators = json_object_get(value, "actuators");
    return read_names(wire, actuators, "value/actuators", WIRE_TAGS_MAX, &out->provide.actuators, &out->provide.actuator_count, why);
}

static Err read_numbers(Wire *wire, json_t *value, WireMessage *out, ErrText *why)
{
    const size_t count = json_object_size(value);
    if (count > WIRE_TAGS_MAX)
        return err_set(why, ERR_RANGE, "value: expected at most %d tags, got %zu", WIRE_TAGS_MAX, count);
    WireNumber *const items = arena_new(&wire->arena, WireNumber, count);
    if (!items)
        return ERR_MEMORY;

    const char *name;
    json_t *number;
    json_object_foreach(value, name, number) {
        if (!*name)
            return err_set(why, ERR_PARSE, "value: expected names, got an empty one");
        if (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) >= UINT32_MAX)
            return err_set(why, ERR_PARSE, "value/%s: expected a number from 0, got %s", name, kind_name(number));
        items[out->numbers.count++] = (WireNumber){name, (uint32_t)json_integer_value(number)};
    }
    out->numbers.items = items;
    return ERR_OK;
}

/* One sample. A wrong one says so and leaves the others alone. */
static Err read_sample(Wire *wire, const json_t *json, size_t index, WireSample *out)
{
    static const char form[] = "expected [tag, time, value] or [tag, time, value, quality], got";
    const size_t size = json_array_size(json);
    const json_t *const tag = json_array_get(json, 0), *const time = json_array_get(json, 1), *const value = json_array_get(json, 2);
    const json_t *const quality = json_array_get(json, 3);

    WireSample sample = {.quality = QUALITY_GOOD};
    if (!json_is_array(json))
        sample.error = arena_format(&wire->arena, "value/%zu: %s %s", index, form, kind_name(json));
    else if (size < 3 || size > 4)
        sample.error = arena_format(&wire->arena, "value/%zu: %s %zu element%s", index, form, size, size == 1 ? "" : "s");
    else if (!is_name(tag))
        sample.error = arena_format(&wire->arena, "value/%zu/0: expected the name of a tag, got %s", index, kind_name(tag));
    else if (!get_time(time, &sample.time))
        sample.error = arena_format(&wire->arena, "value/%zu/1: expected %s, got %s", index, time_form, kind_name(time));
    else if (!get_number(value, &sample.value))
        sample.error = arena_format(&wire->arena, "value/%zu/2: expected a number, got %s", index, kind_name(value));
    else if (quality && (!json_is_string(quality) || !quality_parse(json_string_value(quality), &sample.quality)))
        sample.error = arena_format(&wire->arena, "value/%zu/3: expected \"good\", \"uncertain\" or \"bad\", got %s", index, kind_name(quality));
    else {
        sample.tag = json_string_value(tag);
        *out = sample;
        return ERR_OK;
    }
    *out = (WireSample){.error = sample.error};
    return sample.error ? ERR_OK : ERR_MEMORY;
}

static Err read_samples(Wire *wire, const json_t *value, WireMessage *out, ErrText *why)
{
    if (!json_is_array(value))
        return expected(why, "value", "an array of samples", value);
    const size_t count = json_array_size(value);
    if (count > WIRE_SAMPLES_MAX)
        return err_set(why, ERR_RANGE, "value: expected at most %d samples, got %zu", WIRE_SAMPLES_MAX, count);
    WireSample *const items = arena_new(&wire->arena, WireSample, count);
    if (!items)
        return ERR_MEMORY;

    for (size_t i = 0; i < count; i++)
        if (read_sample(wire, json_array_get(value, i), i, &items[i]) != ERR_OK)
            return ERR_MEMORY;
    out->samples.items = items;
    out->samples.count = count;
    return ERR_OK;
}

static Err read_command(const json_t *value, WireMessage *out, ErrText *why)
{
    if (out->id < 0)
        return err_set(why, ERR_PARSE, "headers/id: expected the id of a command, an integer from 0");
    if (out->path[0] != '/' || !out->path[1])
        return err_set(why, ERR_PARSE, "path: expected \"/\" and the tag of an actuator, got \"%s\"", out->path);

    Members members = {value, "value", why, ERR_OK};
    out->command.tag = out->path + 1;
    out->command.value = read_number(&members, "value");
    out->command.time = read_time(&members, "time");
    out->command.deadline = read_time(&members, "deadline");
    out->command.reason = read_text(&members, "reason");
    return members.err;
}

static Err read_act(const json_t *value, WireMessage *out, ErrText *why)
{
    Members members = {value, "value", why, ERR_OK};
    out->act.alarm = read_count(&members, "alarm");
    out->act.by = read_text(&members, "by");
    out->act.comment = read_text(&members, "comment");
    out->act.seconds = out->topic == WIRE_SHELVE ? read_number(&members, "seconds") : 0;
    return members.err;
}

/* True or false, false when it is left out. */
static bool read_flag(Members *members, const char *key)
{
    const json_t *const json = json_object_get(members->object, key);
    if (json && !json_is_boolean(json) && !members->err)
        members_fail(members, key, "true or false", json);
    return json_is_true(json);
}

static Err read_actuate(const json_t *value, WireMessage *out, ErrText *why)
{
    Members members = {value, "value", why, ERR_OK};
    out->actuate.tag = read_name(&members, "tag");
    out->actuate.value = read_number(&members, "value");
    out->actuate.reason = read_text(&members, "reason");
    out->actuate.dry_run = read_flag(&members, "dry_run");
    return members.err;
}

/* A number from 0 that may be left out. */
static double read_bound(Members *members, const char *key)
{
    const double number = json_object_get(members->object, key) ? read_number(members, key) : 0;
    if (number >= 0 || members->err)
        return number;
    members->err = err_set(members->why, ERR_PARSE, "%s/%s: expected a number from 0, got %g", members->place, key, number);
    return 0;
}

static Err read_subscribe(Wire *wire, const json_t *value, WireMessage *out, ErrText *why)
{
    const json_t *const samples = json_object_get(value, "samples"), *const tags = json_object_get(value, "tags");
    Err err = read_names(wire, samples, "value/samples", WIRE_PATTERNS_MAX, &out->subscribe.samples, &out->subscribe.count, why);
    if (!err)
        err = read_names(wire, tags, "value/tags", WIRE_PATTERNS_MAX, &out->subscribe.tags, &out->subscribe.tag_count, why);
    if (err)
        return err;
    if (tags && out->subscribe.tag_count == 0)
        return err_set(why, ERR_PARSE, "value/tags: expected one name at least; leave it out for the whole plant");
    Members members = {value, "value", why, ERR_OK};
    out->subscribe.dead_band = read_bound(&members, "dead_band");
    out->subscribe.rate_max_hz = read_bound(&members, "rate");
    out->subscribe.on_change = read_flag(&members, "on_change");
    out->subscribe.after = json_object_get(value, "after") ? read_count(&members, "after") : 0;
    if (!members.err && out->subscribe.dead_band > 0 && !tags)
        return err_set(why, ERR_PARSE, "value/dead_band: expected with \"tags\": the whole plant has no unit in common");
    return members.err;
}

static Err read_config(const json_t *value, WireMessage *out, ErrText *why)
{
    Members members = {value, "value", why, ERR_OK};
    out->config.version = read_count(&members, "version");
    out->config.delta = json_object_get(value, "delta");
    if (!members.err && !json_is_object(out->config.delta))
        members_fail(&members, "delta", "an object", out->config.delta);
    return members.err;
}

static Err read_request(Wire *wire, json_t *value, WireMessage *out, ErrText *why)
{
    if (out->topic == WIRE_SAMPLES)
        return read_samples(wire, value, out, why);
    if (out->topic == WIRE_TIME)
        return get_time(value, &out->time) ? ERR_OK : expected(why, "value", time_form, value);
    if (!json_is_object(value))
        return expected(why, "value", "an object", value);

    switch (out->topic) {
    case WIRE_PROVIDE:
        return read_provide(wire, value, out, why);
    case WIRE_NUMBERS:
        return read_numbers(wire, value, out, why);
    case WIRE_SUBSCRIBE:
        return read_subscribe(wire, value, out, why);
    case WIRE_COMMAND:
        return read_command(value, out, why);
    case WIRE_CONFIG:
        return read_config(value, out, why);
    case WIRE_REPORTED:
        out->reported = value;
        return ERR_OK;
    case WIRE_ACKNOWLEDGE:
    case WIRE_COMMENT:
    case WIRE_SHELVE:
    case WIRE_UNSHELVE:
    case WIRE_SUPPRESS:
    case WIRE_UNSUPPRESS:
        return read_act(value, out, why);
    case WIRE_ACTUATE:
        return read_actuate(value, out, why);
    default:
        return ERR_OK;
    }
}

// Answers.

static Err read_welcome(const json_t *value, WireMessage *out, ErrText *why)
{
    Members members = {value, "value", why, ERR_OK};
    out->welcome.plant = read_name(&members, "plant");
    out->welcome.step = read_number(&members, "step");
    out->welcome.speed = read_number(&members, "speed");
    const char *const clock = read_name(&members, "clock");
    out->welcome.provider_clock = strcmp(clock, "provider") == 0;
    out->welcome.unclaimed = out->status == 202 ? out->detail : NULL;
    out->welcome.from = json_is_null(json_object_get(value, "from")) ? TIME_NONE : read_time(&members, "from");
    if (!members.err && !out->welcome.provider_clock && strcmp(clock, "utc") != 0)
        return err_set(why, ERR_PARSE, "value/clock: expected \"provider\" or \"utc\", got \"%s\"", clock);
    return members.err;
}

/* What was lost is named when there is some. */
static void read_stored(Members *members, WireMessage *out)
{
    out->stored.count = read_count(members, "stored");
    out->stored.lost = (ConnectorLosses){read_loss(members, "late"), read_loss(members, "duplicate"), read_loss(members, "future")};
}

static Err read_answer(const json_t *value, WireMessage *out, ErrText *why)
{
    const json_t *const detail = json_object_get(value, "detail");
    out->detail = json_is_string(detail) ? json_string_value(detail) : "";
    const bool unclaimed = out->topic == WIRE_PROVIDE && out->status == 202;
    if (out->status != 200 && !unclaimed)
        return ERR_OK;

    Members members = {value, "value", why, ERR_OK};
    if (out->topic == WIRE_PROVIDE)
        return read_welcome(value, out, why);
    if (out->topic == WIRE_SAMPLES)
        read_stored(&members, out);
    else if (out->topic == WIRE_ACTUATE)
        out->actuated = read_count(&members, "id");
    else if (out->topic == WIRE_REPORTED)
        out->reported_version = read_count(&members, "version");
    return members.err;
}

// The envelope.

static Err read_headers(const json_t *headers, WireMessage *out, ErrText *why)
{
    if (!headers)
        return ERR_OK;
    if (!json_is_object(headers))
        return expected(why, "headers", "an object", headers);

    const json_t *const id = json_object_get(headers, "id");
    if (id && (!json_is_integer(id) || json_integer_value(id) == WIRE_ID_NONE))
        return expected(why, "headers/id", "an integer", id);
    if (id)
        out->id = json_integer_value(id);

    const json_t *const historical = json_object_get(headers, "historical");
    if (historical && !json_is_boolean(historical))
        return expected(why, "headers/historical", "true or false", historical);
    out->historical = json_is_true(historical);

    const json_t *const status = json_object_get(headers, "status");
    if (status && (!json_is_integer(status) || json_integer_value(status) < 100 || json_integer_value(status) > 599))
        return expected(why, "headers/status", "an integer from 100 to 599", status);
    if (status)
        out->status = (int)json_integer_value(status);
    return ERR_OK;
}

static Err read_topic(const json_t *topic, WireMessage *out, ErrText *why)
{
    // who refuses a frame without a readable topic cannot repeat it
    if (!topic && out->status >= 400)
        return ERR_OK;
    if (!is_name(topic))
        return expected(why, "topic", "a topic", topic);

    const char *const name = json_string_value(topic);
    for (WireTopic i = WIRE_PROVIDE; i < WIRE_TOPIC_COUNT; i++)
        if (strcmp(name, topic_names[i]) == 0) {
            out->topic = i;
            return ERR_OK;
        }
    return err_set(why, ERR_UNKNOWN, "topic: expected one of the words of pollux.v1.json, got \"%s\"", name);
}

static Err read_envelope(Wire *wire, WireMessage *out, ErrText *why)
{
    if (!json_is_object(wire->root))
        return expected(why, "frame", "an object", wire->root);

    // the headers first: a refusal of anything else can then name the id
    Err err = read_headers(json_object_get(wire->root, "headers"), out, why);
    if (!err)
        err = read_topic(json_object_get(wire->root, "topic"), out, why);
    if (err)
        return err;

    const json_t *const path = json_object_get(wire->root, "path");
    json_t *const value = json_object_get(wire->root, "value");
    if (path && !json_is_string(path))
        return expected(why, "path", "a text", path);
    out->path = path ? json_string_value(path) : "";
    return out->status ? read_answer(value, out, why) : read_request(wire, value, out, why);
}

/* How deep arrays and objects stand inside each other, without building them. */
static int find_depth(const char *frame, size_t length)
{
    int depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        const char c = frame[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
    }
    return deepest;
}

/* Read the frame by its tree. */
static Err read_tree(Wire *wire, const char *frame, size_t length, WireMessage *out, ErrText *why)
{
    *out = (WireMessage){.topic = WIRE_TOPIC_COUNT, .id = WIRE_ID_NONE, .path = "", .detail = ""};
    if (find_depth(frame, length) > WIRE_DEPTH_MAX)
        return err_set(why, ERR_RANGE, "frame: expected at most %d levels of nesting", WIRE_DEPTH_MAX);

    json_error_t error;
    wire->root = json_loadb(length ? frame : "", length, JSON_REJECT_DUPLICATES, &error);
    if (!wire->root && json_error_code(&error) == json_error_out_of_memory)
        return err_set(why, ERR_MEMORY, "frame: no memory to read it");
    if (!wire->root)
        return err_set(why, ERR_PARSE, "frame: expected JSON, line %d, column %d: %s", error.line, error.column, error.text);

    const Err err = read_envelope(wire, out, why);
    return err == ERR_MEMORY ? err_set(why, ERR_MEMORY, "frame: no memory to read it") : err;
}

Err wire_read(Wire *wire, const char *frame, size_t length, WireMessage *out, ErrText *why)
{
    assert(wire);
    assert(frame || length == 0);
    assert(out);
    json_decref(wire->root);
    wire->root = NULL;
    arena_reset(&wire->arena);
    *out = (WireMessage){.topic = WIRE_TOPIC_COUNT, .id = WIRE_ID_NONE, .path = "", .detail = ""};

    if (length > WIRE_FRAME_MAX)
        return err_set(why, ERR_RANGE, "frame: expected at most %d bytes, got %zu", WIRE_FRAME_MAX, length);
    if (scan_samples(&wire->scan, frame, length, &out->id, &out->samples.count)) {
        out->topic = WIRE_SAMPLES;
        out->samples.items = wire->scan.items;
        return ERR_OK;
    }
    return read_tree(wire, frame, length, out, why);
}

bool wire_is_device_topic(WireTopic topic)
{
    return topic == WIRE_PROVIDE || topic == WIRE_NUMBERS || topic == WIRE_SAMPLES || topic == WIRE_TIME || topic == WIRE_COMMAND || topic == WIRE_CONFIG ||
           topic == WIRE_REPORTED;
}

const char *wire_topic_name(WireTopic topic)
{
    assert(topic <= WIRE_TOPIC_COUNT);
    return topic_names[topic];
}
