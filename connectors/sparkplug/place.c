#include "connectors/sparkplug/place.h"

#include <stdio.h>
#include <string.h>

#include "signal/payload.h"

static const char *const own_keys[] = {"group", "node", "device", "metric", "type", "confirm", NULL};
static const char space[] = "spBv1.0";
static const char *const message_names[] = {"NBIRTH", "NDEATH", "NDATA", "NCMD", "DBIRTH", "DDEATH", "DDATA", "DCMD"};

bool place_is_name(const char *name)
{
    return *name && strlen(name) < PLACE_NAME && !strpbrk(name, "/+#");
}

static const char *read_name(Options *entry, const char *key, const char *fallback)
{
    const char *name = options_text(entry, key, fallback);
    if (name && !place_is_name(name))
        options_fail(entry, key, "a name of at most %d letters without /, + and # was expected", PLACE_NAME - 1);
    return name;
}

void place_read(Options *entry, const char *group, const char *node, Place *out)
{
    options_only(entry, own_keys, binding_keys);
    *out = (Place){.group = read_name(entry, "group", group), .node = read_name(entry, "node", node), .device = read_name(entry, "device", NULL),
                   .metric = options_text(entry, "metric", NULL), .confirm = options_flag(entry, "confirm", true)};
    out->type = (uint32_t)(options_choice(entry, "type", metric_type_names, -1) + 1);
    if (!out->group || !out->node)
        options_fail(entry, out->group ? "node" : "group", "the name of %s was expected, here or of the connector", out->group ? "an edge node" : "a group");
    if (!out->metric)
        options_fail(entry, "metric", "the name of a metric was expected");
}

void place_suggest(const char *address, Text *out)
{
    static const char *const keys[] = {"group", "node", "device"};
    char name[PLACE_NAME];
    const char *metric = strchr(address, ':'), *at = address;
    if (!metric)
        return;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && at < metric; i++) {
        const size_t length = strcspn(at, "/:");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        text_format(out, "%s = ", keys[i]);
        text_json_string(out, name);
        text_put(out, ", ");
        at += length + (at[length] == '/');
    }
    text_put(out, "metric = ");
    text_json_string(out, metric + 1);
}

// Topics.

/* The next level of a topic. False: it is empty or too long. */
static bool take_level(const char **at, char out[static PLACE_NAME])
{
    const size_t length = strcspn(*at, "/");
    if (!length || length >= PLACE_NAME)
        return false;
    memcpy(out, *at, length);
    out[length] = 0;
    *at += length;
    *at += **at == '/';
    return true;
}

static bool find_message(const char *name, Message *out)
{
    for (Message message = 0; message < MESSAGE_COUNT; message++)
        if (strcmp(name, message_names[message]) == 0) {
            *out = message;
            return true;
        }
    return false;
}

bool heading_read(const char *topic, Heading *out)
{
    char level[PLACE_NAME];
    *out = (Heading){0};
    if (!take_level(&topic, level) || strcmp(level, space) != 0 || !take_level(&topic, out->group))
        return false;
    if (!take_level(&topic, level) || !find_message(level, &out->message))
        return false;
    const bool has_device = out->message >= MESSAGE_DBIRTH;
    return take_level(&topic, out->node) && (!has_device || take_level(&topic, out->device)) && !*topic;
}

void heading_write(Message message, const char *group, const char *node, const char *device, char out[static PLACE_TOPIC])
{
    snprintf(out, PLACE_TOPIC, "%s/%s/%s/%s%s%s", space, group, message_names[message], node, device ? "/" : "", device ? device : "");
}

void state_write_topic(const char *host, char out[static PLACE_TOPIC])
{
    snprintf(out, PLACE_TOPIC, "%s/STATE/%s", space, host);
}

// A host's state.

bool state_read(const char *bytes, size_t length, bool *online, int64_t *time)
{
    json_t *document;
    if (payload_parse(bytes, length, &document, NULL) != ERR_OK)
        return false;
    const json_t *said = json_object_get(document, "online"), *stamp = json_object_get(document, "timestamp");
    const bool is_state = json_is_boolean(said) && json_is_integer(stamp) && !__builtin_mul_overflow((int64_t)json_integer_value(stamp), NS_PER_MS, time);
    *online = json_is_true(said);
    json_decref(document);
    return is_state;
}

void state_write(bool online, int64_t time, Text *out)
{
    text_format(out, "{\"online\":%s,\"timestamp\":%lld}", online ? "true" : "false", (long long)(time / NS_PER_MS));
}
