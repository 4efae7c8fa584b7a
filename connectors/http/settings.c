/* settings.c -- keys of the script, each checked where it is read. */
#include "connectors/http/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const own_keys[] = {"url", "headers", "token", "user", "password", "ca", "certificate", "key", "timeout", "every",
                                       "retry", "retry_most", "limit", NULL};
static const char *const place_keys[] = {"path", "every", "method", "payload", "value", "stamp", "stamp_unit", "quality", "qualities", "where", "id",
                                         "measurement", "field", "tags", NULL};
static const char *const asking_keys[] = {"every", "method", "payload", "value", "stamp", "stamp_unit", "quality", "qualities", "where", "id", NULL};
static const char *const methods[] = {"PUT", "POST", NULL};

static int64_t seconds(double s)
{
    return (int64_t)(s * 1e9);
}

const char *http_header_value(const json_t *value)
{
    const char *const text = json_string_value(value);
    return text && *text == '$' ? getenv(text + 1) : text;
}

/* A line break would begin another header. */
static bool is_header(const char *name, const char *value)
{
    return *name && !strpbrk(name, " :\r\n") && value && !strpbrk(value, "\r\n");
}

static const json_t *read_headers(Options *options)
{
    const json_t *const headers = json_object_get(options->object, "headers");
    const char *name;
    json_t *value;
    if (headers && !json_is_object(headers))
        options_fail(options, "headers", "a table was expected: { [\"X-Key\"] = \"$KEY\" }");
    else if (headers)
        json_object_foreach((json_t *)headers, name, value)
            if (!is_header(name, http_header_value(value)))
                options_fail(options, "headers", "\"%.60s\": a text was expected, or \"$NAME\" of the environment", name);
    return headers;
}

static const char *read_url(Options *options)
{
    const char *const url = options_text(options, "url", NULL);
    if (url && ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) || strlen(url) >= HTTP_URL_MAX / 2))
        options_fail(options, "url", "\"http://HOST\" or \"https://HOST\" was expected, with a path at the most");
    return url;
}

static Err read_own(const ConnectorDef *def, HttpSettings *out, double *every_s, ConnectorFault *fault)
{
    char what[96];
    snprintf(what, sizeof what, "connectors.%s", def->name);
    Options options = options_begin(def->options, what);
    options_only(&options, own_keys, NULL);
    *out = (HttpSettings){
        .url = read_url(&options),
        .headers = read_headers(&options),
        .token = options_secret(&options, "token"),
        .user = options_text(&options, "user", NULL),
        .password = options_secret(&options, "password"),
        .ca = options_text(&options, "ca", NULL),
        .certificate = options_text(&options, "certificate", NULL),
        .key = options_text(&options, "key", NULL),
        .timeout_ns = seconds(options_number(&options, "timeout", 5, 0.1, 300)),
        .retry_ns = seconds(options_number(&options, "retry", 0.5, 0.01, 3600)),
        .retry_most_ns = seconds(options_number(&options, "retry_most", 30, 0.01, 3600)),
        .limit = (size_t)options_integer(&options, "limit", 1 << 20, 1 << 10, 64 << 20),
    };
    *every_s = options_number(&options, "every", 1, 0.01, 86400);
    if (!out->certificate != !out->key)
        options_fail(&options, out->key ? "key" : "certificate", "\"certificate\" and \"key\" were expected together");
    if (out->retry_most_ns < out->retry_ns)
        options_fail(&options, "retry_most", "at least as much as \"retry\" was expected");
    return connector_blame(fault, TAG_NONE, &options);
}

static const json_t *read_tags(Options *options)
{
    const json_t *const tags = json_object_get(options->object, "tags");
    const char *key;
    json_t *value;
    if (tags && !json_is_object(tags))
        options_fail(options, "tags", "a table was expected: { id = \"1\" }");
    else if (tags)
        json_object_foreach((json_t *)tags, key, value)
            if (!json_is_string(value))
                options_fail(options, "tags", "\"%.60s\": a text was expected", key);
    return tags;
}

/* By what line protocol calls it, if it is in that. */
static PushTarget read_target(Options *options, const Binding *binding, size_t index)
{
    PushTarget target = {.binding = index, .name = binding->name};
    target.measurement = options_text(options, "measurement", NULL);
    target.field = options_text(options, "field", target.measurement ? "value" : NULL);
    target.tags = read_tags(options);
    if (!target.measurement && (target.field || target.tags))
        options_fail(options, target.field ? "field" : "tags", "\"measurement\" was expected too");
    return target;
}

static void read_resource(Options *options, const HttpSettings *settings, bool writes, HttpPlace *out)
{
    if (*out->path != '/' || strlen(out->path) >= HTTP_URL_MAX / 2)
        options_fail(options, "path", "a path was expected, for example \"/tank/level\"");
    if (!settings->url)
        options_fail(options, "path", "the connector has no \"url\" that this could be of");
    if (out->push.measurement && (writes || options_has(options, "payload")))
        options_fail(options, "measurement", "this is of answers in line protocol, and of nothing that is written or has a \"payload\"");
    out->post = options_choice(options, "method", methods, 0) == 1;
    out->form = payload_form_read(options);
    out->form.id = payload_pointer_read(options, "id", NULL);
    if (out->form.id && !out->form.json)
        options_fail(options, "id", "this is of payload = \"json\"");
    Text text = {0};
    if (!options->err && writes && payload_write(&out->form, &(PayloadNews){.time = 0, .id = 1}, &text) == ERR_RANGE)
        options_fail(options, "value", "two pointers want the same place");
    text_fini(&text);
}

static Err read_place(const ConnectorDef *def, size_t index, const HttpSettings *settings, double every_s, HttpPlace *out, ConnectorFault *fault)
{
    const Binding *const binding = &def->bindings[index];
    char what[TAG_NAME_ROOM + 8];
    snprintf(what, sizeof what, "bind %s", binding->name);
    Options options = options_begin(binding->address, what);
    options_only(&options, place_keys, binding_keys);
    *out = (HttpPlace){.path = options_text(&options, "path", NULL), .push = read_target(&options, binding, index)};
    out->every_ns = seconds(options_number(&options, "every", every_s, 0.01, 86400));
    if (out->path)
        read_resource(&options, settings, binding->writes, out);
    else if (binding->writes)
        options_fail(&options, "path", "a path was expected, for example \"/valve/opening\": an actuator is written by a request");
    for (size_t i = 0; asking_keys[i] && !out->path; i++)
        if (options_has(&options, asking_keys[i]))
            options_fail(&options, asking_keys[i], "this is of a resource that has a \"path\"");
    return connector_blame(fault, binding->tag, &options);
}

Err http_settings_read(const ConnectorDef *def, HttpSettings *out, HttpPlace *places, ConnectorFault *fault)
{
    double every_s = 1;
    Err err = read_own(def, out, &every_s, fault);
    for (size_t i = 0; i < def->binding_count && !err; i++) {
        err = read_place(def, i, out, every_s, &places[i], fault);
        out->pushed |= !places[i].path;
    }
    return err;
}
