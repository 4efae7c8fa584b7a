/* things.c -- Thing Descriptions, written from the model's channels.
 *
 * Hrefs are relative to a base with the address that the reader used, so they hold behind a tunnel as well. Names of twins and channels are letters,
 * digits and underscores: they need no escape in a URL. */
#include "server/things.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "server/put.h"

#define JSON_FORM ",\"contentType\":\"application/json\"}"
#define SSE_FORM ",\"subprotocol\":\"sse\",\"contentType\":\"application/json\"}"

/* A name for ever: an id without a meaning (UUID version 8 of RFC 9562), made of the names of plant and twin. */
static void put_id(Text *out, const Plant *plant, const char *twin)
{
    const uint64_t high = hash_bytes(hash_bytes(1, plant->name, strlen(plant->name) + 1), twin, strlen(twin));
    const uint64_t low = hash_bytes(hash_bytes(2, plant->name, strlen(plant->name) + 1), twin, strlen(twin));
    text_format(out, ",\"id\":\"urn:uuid:%08" PRIx32 "-%04x-8%03x-%04x-%012" PRIx64 "\"", (uint32_t)(high >> 32), (unsigned)(high >> 16 & 0xffff),
                (unsigned)(high & 0xfff), (unsigned)(0x8000 | (low >> 48 & 0x3fff)), low & UINT64_C(0xffffffffffff));
}

/* What all descriptions begin with. */
static void put_head(Text *out, const Plant *plant, const char *twin, const char *title, const char *doc, const ThingPlace *place)
{
    text_put(out, "{\"@context\":\"https://www.w3.org/2022/wot/td/v1.1\",\"@type\":\"Thing\"");
    put_id(out, plant, twin);
    put_string(out, ",", "title", title);
    if (doc && *doc)
        put_string(out, ",", "description", doc);
    put_string(out, ",\"version\":{", "instance", POLLUX_VERSION);
    put_string(out, "},", "base", place->base);
    text_put(out, place->needs_token ? ",\"securityDefinitions\":{\"token\":{\"scheme\":\"bearer\",\"in\":\"header\"}},\"security\":\"token\""
                                     : ",\"securityDefinitions\":{\"open\":{\"scheme\":\"nosec\"}},\"security\":\"open\"");
}

// What is sent and taken.

static void put_bound(Text *out, const char *key, const Unit *unit, double bound)
{
    if (isfinite(bound))
        put_number(out, ",", key, unit_from_si(unit, bound));
}

/* The object that GET twins/NAME/CHANNEL answers with. */
static void put_leaf_schema(Text *out, const Channel *channel)
{
    text_put(out, "\"type\":\"object\",\"properties\":{\"value\":{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"null\"}]");
    put_string(out, ",", "unit", unit_name(channel->unit));
    text_put(out, "},\"sd\":{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"null\"}]");
    put_string(out, ",", "unit", unit_name(channel->unit));
    text_put(out, "},\"unit\":{\"type\":\"string\"},\"time\":{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"integer\"},{\"type\":\"null\"}]}"
                  ",\"age\":{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"null\"}],\"unit\":\"s\"},\"source\":{\"type\":\"string\",\"enum\":[\"measured\",\"estimated\",\"forecast\",\"set\"]}"
                  ",\"quality\":{\"type\":\"string\"}},\"required\":[\"value\"]");
}

static void put_alarm_schema(Text *out)
{
    text_put(out, "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"},\"twin\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"}"
                  ",\"severity\":{\"type\":\"string\",\"enum\":[\"info\",\"warning\",\"major\",\"critical\"]}"
                  ",\"state\":{\"type\":\"string\",\"enum\":[\"raised\",\"acknowledged\",\"returned\",\"over\"]},\"text\":{\"type\":\"string\"}}"
                  ",\"required\":[\"id\",\"twin\",\"name\",\"severity\",\"state\"]}");
}

// What can be done with it.

static void put_property(Text *out, const Plant *plant, uint32_t twin, const Channel *channel)
{
    put_key(out, "", channel->name);
    put_string(out, "{", "title", channel->name);
    put_string(out, ",", "description", channel->doc);
    text_put(out, ",");
    put_leaf_schema(out, channel);
    text_format(out, ",\"readOnly\":true,\"observable\":true,\"forms\":[{\"op\":\"readproperty\",\"href\":\"twins/%s/%s\"" JSON_FORM, plant->twins[twin].name,
                channel->name);
    text_format(out, ",{\"op\":[\"observeproperty\",\"unobserveproperty\"],\"href\":\"twins/%s/%s/events\"" SSE_FORM "]}", plant->twins[twin].name,
                channel->name);
}

static void put_action(Text *out, const Plant *plant, uint32_t twin, const Channel *channel)
{
    put_key(out, "", channel->name);
    put_string(out, "{", "title", channel->name);
    put_string(out, ",", "description", channel->doc);
    text_put(out, ",\"input\":{\"type\":\"object\",\"properties\":{\"value\":{\"type\":\"number\"");
    put_string(out, ",", "unit", unit_name(channel->unit));
    put_bound(out, "minimum", channel->unit, channel->min);
    put_bound(out, "maximum", channel->unit, channel->max);
    text_put(out, "},\"reason\":{\"type\":\"string\"}},\"required\":[\"value\"]}"
                  ",\"output\":{\"type\":\"object\",\"properties\":{\"command\":{\"type\":\"integer\"}},\"required\":[\"command\"]},\"safe\":false,\"idempotent\":false");
    text_format(out, ",\"forms\":[{\"op\":\"invokeaction\",\"href\":\"twins/%s/%s\"" JSON_FORM "]}", plant->twins[twin].name, channel->name);
}

/* Alarms of one twin, or of all for NULL. */
static void put_alarms(Text *out, const char *twin)
{
    text_put(out, ",\"events\":{\"alarm\":{\"title\":\"alarm\",\"description\":\"An alarm was raised, or has changed\",\"data\":");
    put_alarm_schema(out);
    text_format(out, ",\"forms\":[{\"op\":[\"subscribeevent\",\"unsubscribeevent\"],\"href\":\"alarms/events%s%s\"" SSE_FORM "]}}", twin ? "?twin=" : "",
                twin ? twin : "");
}

void thing_twin(Text *out, const Plant *plant, uint32_t twin, const ThingPlace *place)
{
    const Model *model = plant_model(plant, twin);
    const char *name = plant->twins[twin].name;
    put_head(out, plant, name, name, model->doc, place);

    text_put(out, ",\"properties\":{");
    for (uint16_t i = 0; i < model->channel_count; i++) {
        text_put(out, i ? "," : "");
        put_property(out, plant, twin, &model->channels[i]);
    }
    text_put(out, "},\"actions\":{");
    const char *separator = "";
    for (uint16_t i = 0; i < model->channel_count; i++) {
        if (model->channels[i].kind != CHANNEL_ACTUATOR)
            continue;
        text_put(out, separator);
        put_action(out, plant, twin, &model->channels[i]);
        separator = ",";
    }
    text_put(out, "}");
    put_alarms(out, name);
    text_put(out, ",\"links\":[{\"rel\":\"collection\",\"href\":\"/.well-known/wot\",\"type\":\"application/td+json\"}"
                  ",{\"rel\":\"service-doc\",\"href\":\"openapi.json\",\"type\":\"application/json\"}]}");
}

void thing_plant(Text *out, const Plant *plant, const ThingPlace *place)
{
    put_head(out, plant, "", plant->name, plant->doc, place);
    text_put(out, ",\"properties\":{\"twins\":{\"title\":\"twins\",\"description\":\"Names and models of all twins, page by page\",\"readOnly\":true"
                  ",\"uriVariables\":{\"after\":{\"type\":\"string\"},\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}},\"type\":\"object\""
                  ",\"forms\":[{\"op\":\"readproperty\",\"href\":\"twins{?after,limit}\"" JSON_FORM "]}"
                  ",\"health\":{\"title\":\"health\",\"description\":\"How all twins fare\",\"readOnly\":true,\"type\":\"object\""
                  ",\"forms\":[{\"op\":\"readproperty\",\"href\":\"health\"" JSON_FORM "]}}");
    put_alarms(out, NULL);

    text_put(out, ",\"links\":[{\"rel\":\"service-doc\",\"href\":\"openapi.json\",\"type\":\"application/json\"}");
    for (uint32_t twin = 0; twin < plant->twin_count && twin < THING_LINKS_MAX; twin++)
        text_format(out, ",{\"rel\":\"item\",\"href\":\"twins/%s/td\",\"type\":\"application/td+json\"}", plant->twins[twin].name);
    text_put(out, "]}");
}
