#include "connectors/mqtt/route.h"

#include <mosquitto.h>

#include "connectors/mqtt/topic.h"

static const char *const own_keys[] = {"topic", "payload", "value", "stamp", "stamp_unit", "quality", "qualities", "where",
                                       "qos", "retain", "reply", "id", "error", NULL};
static const char *const reply_keys[] = {"id", "error"};  // of JSON alone

static PayloadForm read_form(Options *entry)
{
    PayloadForm form = payload_form_read(entry);
    form.id = payload_pointer_read(entry, "id", options_has(entry, "reply") && form.json ? "/id" : NULL);
    form.error = payload_pointer_read(entry, "error", form.json ? "/error" : NULL);
    for (size_t i = 0; i < sizeof reply_keys / sizeof *reply_keys && !form.json; i++)
        if (options_has(entry, reply_keys[i]))
            options_fail(entry, reply_keys[i], "this is of payload = \"json\"");
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
