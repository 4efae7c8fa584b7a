/* devices.c -- the devices of a plant as they are: who has come, what each offers and is bound to, and its twin. docs/protocol.md, "Devices that are claimed". */
#include <math.h>
#include <string.h>

#include "server/devices.h"
#include "server/put.h"
#include "signal/merge.h"

enum {
    CANDIDATES_MAX = 64,       // for one tag of a device
    CANDIDATES_SCANNED = 8192,  // tags of the plant that are looked at: those of a fleet are named by whoever binds them
};

// What is told of a device.

/* NULL where there is none. */
static void put_maybe(Text *out, const char *separator, const char *key, const char *value)
{
    put_key(out, separator, key);
    if (*value)
        text_json_string(out, value);
    else
        text_put(out, "null");
}

static void put_document(Text *out, const char *separator, const char *key, const EntryDocument *document)
{
    put_key(out, separator, key);
    device_put_document(out, document);
}

void device_put_document(Text *out, const EntryDocument *document)
{
    put_count(out, "{", "version", document->version);
    put_time(out, ",", "changed", document->changed);
    put_key(out, ",", "value");
    merge_write(out, document->object);
    text_put(out, "}");
}

static void put_head(Text *out, const RegistryEntry *entry)
{
    put_string(out, "{", "name", entry->name);
    put_string(out, ",", "state", entry_state_name(entry_state(entry)));
    put_flag(out, ",", "connected", entry->connected);
    put_string(out, ",", "connector", entry->kind);
    put_maybe(out, ",", "peer", entry->peer);
    put_string(out, ",", "calls_itself", entry->calls);
    put_count(out, ",", "session", entry->session);
    put_time(out, ",", "first_seen", entry->first_seen);
    put_time(out, ",", "last_seen", entry->last_seen);
    put_maybe(out, ",", "credential", entry->credential);
    put_maybe(out, ",", "claimed_by", entry->claimed_by);
    put_time(out, ",", "claimed_at", entry->claimed_at);
    put_count(out, ",", "tag_count", entry->tag_count);
    put_count(out, ",", "binding_count", entry->binding_count);
    put_count(out, ",", "desired_version", entry->desired.version);
    put_count(out, ",", "reported_version", entry->reported.version);
}

static void put_tag(Text *out, const EntryTag *tag)
{
    put_string(out, "{", "name", tag->name);
    put_maybe(out, ",", "unit", tag->unit);
    put_flag(out, ",", "actuator", tag->is_actuator);
    put_number(out, ",", "value", tag->time == TIME_NONE ? NAN : tag->value);
    put_time(out, ",", "time", tag->time);
    text_put(out, "}");
}

/* A binding that the plant cannot take any more says why. */
static void put_binding(Text *out, const char *separator, const EntryBinding *binding, const TagTable *tags)
{
    ErrText why;
    put_key(out, separator, binding->name);
    put_string(out, "{", "tag", binding->tag);
    put_maybe(out, ",", "unit", binding->unit);
    put_maybe(out, ",", "fault", entry_check_binding(binding, tags, NULL, &why) ? why.text : "");
    text_put(out, "}");
}

static void put_certificate(Text *out, const RegistryEntry *entry)
{
    put_key(out, ",", "certificate");
    if (!*entry->fingerprint) {
        text_put(out, "null");
        return;
    }
    put_string(out, "{", "fingerprint", entry->fingerprint);
    put_string(out, ",", "subject", entry->subject);
    text_put(out, "}");
}

void device_put(Text *out, const RegistryEntry *entry, const TagTable *tags)
{
    put_head(out, entry);
    put_certificate(out, entry);
    text_put(out, ",\"former\":[");
    for (size_t i = 0; i < entry->former_count; i++) {
        text_put(out, i ? "," : "");
        text_json_string(out, entry->former[i]);
    }
    text_put(out, "],\"tags\":[");
    for (size_t i = 0; i < entry->tag_count; i++) {
        text_put(out, i ? "," : "");
        put_tag(out, &entry->tags[i]);
    }
    text_put(out, "],\"bindings\":{");
    for (size_t i = 0; i < entry->binding_count; i++)
        put_binding(out, i ? "," : "", &entry->bindings[i], tags);
    text_put(out, "}");
    put_document(out, ",", "desired", &entry->desired);
    put_document(out, ",", "reported", &entry->reported);
    json_t *delta = registry_delta(entry);
    put_flag(out, ",", "as_desired", json_object_size(delta) == 0);
    json_decref(delta);
    text_put(out, "}");
}

void device_put_pairing(Text *out, const Registry *registry)
{
    const int64_t end = registry_pairing_end(registry);
    put_flag(out, "{", "open", registry_is_pairing(registry));
    put_time(out, ",", "until", end == INT64_MAX ? TIME_NONE : end);
    text_put(out, "}");
}

// Requests.

RegistryEntry *device_find(const Server *server, const Request *request, Reply *reply)
{
    RegistryEntry *entry = server->registry ? registry_find(server->registry, request->parts[0]) : NULL;
    if (!entry)
        reply_problem(reply, 404, "no device \"%.100s\": GET /api/v1/devices lists those that have come", request->parts[0]);
    return entry;
}

static void answer_devices(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    const size_t count = server->registry ? registry_count(server->registry) : 0;
    text_put(reply->body, "{\"pairing\":");
    if (server->registry)
        device_put_pairing(reply->body, server->registry);
    else
        text_put(reply->body, "null");
    text_put(reply->body, ",\"devices\":[");
    for (size_t i = 0; i < count; i++) {
        text_put(reply->body, i ? "," : "");
        put_head(reply->body, registry_at(server->registry, i));
        text_put(reply->body, "}");
    }
    text_put(reply->body, "],\"addresses\":[");
    if (server->put_addresses)
        server->put_addresses(server->addresses, reply->body);
    text_put(reply->body, "]}");
}

static void answer_device(Server *server, const Request *request, Reply *reply)
{
    const RegistryEntry *entry = device_find(server, request, reply);
    if (entry)
        device_put(reply->body, entry, server->plant->tags);
}

/* The tags of the plant that are looked at, and which of them others are bound to. */
typedef struct Vacancy {
    const TagTable *tags;
    TagId end;
    bool taken[CANDIDATES_SCANNED];
} Vacancy;

static void vacancy_init(Vacancy *vacancy, const Server *server, const RegistryEntry *entry)
{
    const TagId count = tags_count(server->plant->tags);
    *vacancy = (Vacancy){.tags = server->plant->tags, .end = count < CANDIDATES_SCANNED ? count : CANDIDATES_SCANNED};
    for (size_t i = 0; i < registry_count(server->registry); i++) {
        const RegistryEntry *other = registry_at(server->registry, i);
        for (size_t k = 0; k < other->binding_count && other != entry; k++) {
            const TagId id = tags_find(vacancy->tags, other->bindings[k].tag);
            if (id < vacancy->end)
                vacancy->taken[id] = true;
        }
    }
}

/* Whether a tag of the plant could be what the device offers; one that says no unit may be any. */
static bool could_be(const Vacancy *vacancy, TagId id, const EntryTag *offered, const Unit *unit)
{
    const Tag tag = tags_get(vacancy->tags, id);
    return !vacancy->taken[id] && tag.role == (offered->is_actuator ? TAG_ACTUATED : TAG_SAMPLED) && (!unit || unit_converts(unit, tag.unit));
}

/* In the order of the plant. */
static void put_candidates(Text *out, const Vacancy *vacancy, const EntryTag *offered)
{
    const Unit *unit = NULL;
    size_t count = 0;
    // a name that stands for many is bound to nothing
    const bool known = !strchr(offered->name, '*') && (!*offered->unit || unit_parse(offered->unit, &unit, NULL) == ERR_OK);
    text_put(out, "[");
    for (TagId id = 0; id < vacancy->end && known && count < CANDIDATES_MAX; id++) {
        if (!could_be(vacancy, id, offered, unit))
            continue;
        text_put(out, count++ ? "," : "");
        text_json_string(out, tags_name(vacancy->tags, id).text);
    }
    text_put(out, "]");
}

static void answer_candidates(Server *server, const Request *request, Reply *reply)
{
    Vacancy vacancy;
    const char *separator = "{";
    const RegistryEntry *entry = device_find(server, request, reply);
    const char *name = request_arg(request, "tag");
    if (!entry)
        return;
    if (name && !entry_tag(entry, name)) {
        reply_problem(reply, 404, "tag: \"%s\" offers no \"%.100s\"", entry->name, name);
        return;
    }
    vacancy_init(&vacancy, server, entry);
    for (size_t i = 0; i < entry->tag_count; i++) {
        if (name && strcmp(entry->tags[i].name, name) != 0)
            continue;
        put_key(reply->body, separator, entry->tags[i].name);
        put_candidates(reply->body, &vacancy, &entry->tags[i]);
        separator = ",";
    }
    text_put(reply->body, *separator == '{' ? "{}" : "}");
}

static void answer_desired(Server *server, const Request *request, Reply *reply)
{
    const RegistryEntry *entry = device_find(server, request, reply);
    if (entry)
        device_put_document(reply->body, &entry->desired);
}

static void answer_reported(Server *server, const Request *request, Reply *reply)
{
    const RegistryEntry *entry = device_find(server, request, reply);
    if (entry)
        device_put_document(reply->body, &entry->reported);
}

static void answer_pairing(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    if (server->registry)
        device_put_pairing(reply->body, server->registry);
    else
        reply_problem(reply, 404, "this plant is bound to no devices here");
}

const Route device_routes[] = {
    {.method = "GET", .path = "/api/v1/pairing", .right = RIGHT_VIEW, .answer = answer_pairing},
    {.method = "PUT", .path = "/api/v1/pairing", .right = RIGHT_CONFIGURE, .answer = device_put_pairing_time, .body_max = DEVICE_BODY_MAX},
    {.method = "GET", .path = "/api/v1/devices", .right = RIGHT_VIEW, .answer = answer_devices},
    {.method = "GET", .path = "/api/v1/devices/*", .right = RIGHT_VIEW, .answer = answer_device},
    {.method = "PATCH", .path = "/api/v1/devices/*", .right = RIGHT_CONFIGURE, .answer = device_patch, .body_max = DEVICE_BODY_MAX},
    {.method = "DELETE", .path = "/api/v1/devices/*", .right = RIGHT_CONFIGURE, .answer = device_forget},
    {.method = "POST", .path = "/api/v1/devices/*/claim", .right = RIGHT_CONFIGURE, .answer = device_claim, .body_max = DEVICE_BODY_MAX},
    {.method = "POST", .path = "/api/v1/devices/*/disable", .right = RIGHT_CONFIGURE, .answer = device_disable, .body_max = DEVICE_BODY_MAX},
    {.method = "POST", .path = "/api/v1/devices/*/enable", .right = RIGHT_CONFIGURE, .answer = device_enable, .body_max = DEVICE_BODY_MAX},
    {.method = "POST", .path = "/api/v1/devices/*/replace", .right = RIGHT_CONFIGURE, .answer = device_replace, .body_max = DEVICE_BODY_MAX},
    {.method = "GET", .path = "/api/v1/devices/*/candidates", .right = RIGHT_VIEW, .answer = answer_candidates},
    {.method = "GET", .path = "/api/v1/devices/*/desired", .right = RIGHT_VIEW, .answer = answer_desired},
    {.method = "PATCH", .path = "/api/v1/devices/*/desired", .right = RIGHT_CONFIGURE, .answer = device_desire, .body_max = DEVICE_BODY_MAX},
    {.method = "GET", .path = "/api/v1/devices/*/reported", .right = RIGHT_VIEW, .answer = answer_reported},
    {0},
};
