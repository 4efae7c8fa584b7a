#include "connectors/mqtt/route.h"

#include <mosquitto.h>
#include <string.h>

#include "connectors/mqtt/topic.h"

static const char *const own_keys[] = {"topic", "payload", "value", "stamp", "stamp_unit", "quality", "qualities", "where", "qos", "retain", "reply", "id", "error", NULL};
static const char *const kinds[] = {"number", "json", NULL};
static const char *const stamp_units[] = {"text", "s", "ms", "us", "ns", NULL};
static const int64_t stamp_ns[] = {0, NS_PER_S, NS_PER_MS, 1000, 1};

/* These mean nothing where the payload is a plain number. */
static const char *const json_keys[] = {"value", "stamp", "stamp_unit", "quality", "qualities", "where", "id", "error", NULL};

static const char *read_pointer(Options *entry, const char *key, const char *fallback)
{
    const json_t *said = json_object_get(entry->object, key);
    if (json_is_string(said) && !*json_string_value(said))
        return "";
    const char *pointer = options_text(entry, key, fallback);
    if (pointer && !payload_is_pointer(pointer))
        options_fail(entry, key, "a JSON pointer was expected, for example \"/level\"");
    return pointer;
}

static const json_t *read_table(Options *entry, const char *key)
{
    const json_t *table = json_object_get(entry->object, key);
    if (table && !json_is_object(table))
        options_fail(entry, key, "a table was expected");
    return table;
}

static const json_t *read_qualities(Options *entry)
{
    const json_t *table = read_table(entry, "qualities");
    const char *word;
    json_t *meaning;
    Quality quality;
    if (table && !entry->err)
        json_object_foreach((json_t *)table, word, meaning)
            if (!json_is_string(meaning) || !quality_parse(json_string_value(meaning), &quality))
                options_fail(entry, "qualities", "\"good\", \"uncertain\" or \"bad\" was expected for \"%s\"", word);
    return table;
}

static const json_t *read_where(Options *entry)
{
    const json_t *table = read_table(entry, "where");
    const char *pointer;
    json_t *wanted;
    if (table && !entry->err)
        json_object_foreach((json_t *)table, pointer, wanted)
            if (!*pointer || !payload_is_pointer(pointer) || json_is_object(wanted) || json_is_array(wanted))
                options_fail(entry, "where", "JSON pointers with a text, a number or a flag were expected, for example { [\"/device\"] = \"tank1\" }");
    return table;
}

static PayloadForm read_form(Options *entry)
{
    PayloadForm form = {.json = options_choice(entry, "payload", kinds, 0) == 1, .value = ""};
    if (!form.json) {
        for (size_t i = 0; json_keys[i]; i++)
            if (options_has(entry, json_keys[i]))
                options_fail(entry, json_keys[i], "this is of payload = \"json\"");
        return form;
    }
    form.value = read_pointer(entry, "value", "");
    form.stamp = read_pointer(entry, "stamp", NULL);
    form.stamp_ns = stamp_ns[options_choice(entry, "stamp_unit", stamp_units, 0)];
    form.quality = read_pointer(entry, "quality", NULL);
    form.qualities = read_qualities(entry);
    form.where = read_where(entry);
    form.id = read_pointer(entry, "id", options_has(entry, "reply") ? "/id" : NULL);
    form.error = read_pointer(entry, "error", "/error");
    return form;
}

/* A topic that is published to has no wildcards, and its payload a place for everything. */
static void check_written(Options *entry, const Route *route)
{
    Text text = {0};
    if (!entry->err && mosquitto_pub_topic_check(route->topic) != MOSQ_ERR_SUCCESS)
        options_fail(entry, "topic", "a topic without + and # was expected, as it is written");
    if (!entry->err && payload_write(&route->form, &(PayloadNews){.time = 0, .id = 1}, &text) != ERR_OK)
        options_fail(entry, "value", "two pointers want the same place");
    if (!entry->err && route->reply && route->form.json && !*route->form.value)
        options_fail(entry, "value", "a pointer was expected: a command with a reply has an id beside its value");
    text_fini(&text);
}

void route_read(const Binding *binding, Options *entry, Route *out)
{
    options_only(entry, own_keys, binding_keys);
    *out = (Route){.topic = options_text(entry, "topic", NULL), .reply = options_text(entry, "reply", NULL)};
    if (!out->topic)
        options_fail(entry, "topic", "a topic was expected, for example \"works/tank1/level\"");
    out->form = read_form(entry);
    out->qos = (int)options_integer(entry, "qos", binding->writes, 0, 2);
    out->retain = options_flag(entry, "retain", false);
    if (!entry->err && mosquitto_sub_topic_check(out->topic) != MOSQ_ERR_SUCCESS)
        options_fail(entry, "topic", "\"%s\" is no topic of MQTT", out->topic);
    if (!entry->err && out->reply && mosquitto_pub_topic_check(out->reply) != MOSQ_ERR_SUCCESS)
        options_fail(entry, "reply", "a topic without + and # was expected");
    if (binding->writes)
        check_written(entry, out);
}
