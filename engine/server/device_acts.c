/* device_acts.c -- what engineers decide about devices: claim, bind, disable, replace, forget, and how each is to be set.
 *
 * First everything is checked, then a credential is made where one is needed, and then the registry is told: so a refusal has changed nothing. Every act is
 * noted in the audit trail, and its reply waits until it is on disk. */
#include <openssl/pem.h>
#include <string.h>

#include "server/args.h"
#include "server/body.h"
#include "server/devices.h"
#include "server/enrolment.h"
#include "server/put.h"

enum { PAIRING_MAX_S = 24 * 3600, KEEP_S = 10 };

// When it is on disk.

static bool is_kept(const Server *server, uint64_t version)
{
    ErrText why;
    return registry_saved(server->registry) >= version || registry_has_failed(server->registry, &why);
}

/* The reply is there already; it only counts when that is on disk. */
static void answer_kept(const Server *server, uint64_t version, Reply *reply)
{
    ErrText why = {0};
    if (registry_saved(server->registry) >= version)
        return;
    registry_has_failed(server->registry, &why);
    reply_problem(reply, 507, "it counts until the next start, but is not kept: %.300s", *why.text ? why.text : "the disk is slow");
}

static void await_disk(const Server *server, Reply *reply)
{
    static const Awaited kept = {is_kept, answer_kept};
    reply_await(reply, &kept, registry_version(server->registry), KEEP_S);
}

/* It is done: noted, answered with the device as it is now. */
static void conclude(Server *server, const Request *request, const char *action, const RegistryEntry *entry, const char *detail, Reply *reply)
{
    server__note(server, &request->caller, action, entry->name, AUDIT_DONE, detail);
    device_put(reply->body, entry, server->plant->tags);
    await_disk(server, reply);
}

// What a request says.

/* Who is to be decided about must still be who was looked at. */
static bool check_session(const RegistryEntry *entry, const json_t *body, Reply *reply)
{
    const json_t *session = json_object_get(body, "session");
    if (!session || (json_is_integer(session) && (uint64_t)json_integer_value(session) == entry->session))
        return true;
    reply_problem(reply, json_is_integer(session) ? 409 : 400, "session: \"%s\" has connected anew meanwhile (%llu now): look at it again", entry->name,
                  (unsigned long long)entry->session);
    return false;
}

typedef struct Bindings {
    EntryBinding *items;  // REGISTRY_TAGS_MAX
    size_t count;
} Bindings;

static bool bindings_begin(Bindings *bindings, const RegistryEntry *entry, Reply *reply)
{
    *bindings = (Bindings){mem_alloc(REGISTRY_TAGS_MAX * sizeof *bindings->items), entry->binding_count};
    if (!bindings->items)
        reply_problem(reply, 503, "no memory for the bindings of a device");
    else if (entry->binding_count)
        memcpy(bindings->items, entry->bindings, entry->binding_count * sizeof *bindings->items);
    return bindings->items;
}

static void bindings_remove(Bindings *bindings, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < bindings->count; i++)
        if (strcmp(bindings->items[i].name, name) != 0)
            bindings->items[kept++] = bindings->items[i];
    bindings->count = kept;
}

/* `{"tag":"tank1.gauge","unit":"cm"}`, or the tag alone; without a unit that which the device says. */
static bool read_binding(const char *name, const json_t *value, const EntryTag *offered, EntryBinding *out, Reply *reply)
{
    static const char *const members[] = {"tag", "unit", NULL};
    if (json_is_object(value) && !body_members(value, members, "tag, unit", reply))
        return false;
    const json_t *said = json_object_get(value, "unit");
    const char *tag = json_string_value(json_is_object(value) ? json_object_get(value, "tag") : value);
    const char *unit = said && !json_is_null(said) ? json_string_value(said) : offered->unit;
    if (!tag || !unit || strlen(tag) >= sizeof out->tag || strlen(unit) >= sizeof out->unit) {
        reply_problem(reply, 400, "bindings.%.100s: expected a tag of the plant, {\"tag\":\"tank1.gauge\",\"unit\":\"cm\"}, or null", name);
        return false;
    }
    *out = (EntryBinding){0};
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->tag, sizeof out->tag, "%s", tag);
    snprintf(out->unit, sizeof out->unit, "%s", unit);
    return true;
}

/* Whether plant and device can be bound so. */
static bool check_binding(const Server *server, const RegistryEntry *entry, const EntryTag *offered, const EntryBinding *binding, Reply *reply)
{
    ErrText why = {0};
    const TagTable *tags = server->plant->tags;
    const Err err = entry_check_binding(binding, tags, NULL, &why);
    if (err) {
        reply_problem(reply, err == ERR_UNKNOWN ? 404 : 400, "bindings: %s", why.text);
        return false;
    }
    const bool actuated = tags_get(tags, tags_find(tags, binding->tag)).role == TAG_ACTUATED;
    if (actuated != offered->is_actuator) {
        reply_problem(reply, 400, "bindings: \"%s\" is %s, and \"%s\" is %s", binding->tag, actuated ? "an actuator" : "measured", binding->name,
                      offered->is_actuator ? "an actuator" : "a sensor");
        return false;
    }
    const RegistryEntry *rival = registry_find_bound(server->registry, binding->tag, entry);
    if (rival)
        reply_problem(reply, 409, "bindings: the device \"%s\" is bound to \"%s\" already", rival->name, binding->tag);
    return !rival;
}

static bool add_binding(const Server *server, const RegistryEntry *entry, const char *name, const json_t *value, Bindings *bindings, Reply *reply)
{
    EntryBinding binding;
    const EntryTag *offered = entry_tag(entry, name);
    if (!offered) {
        reply_problem(reply, 404, "bindings: \"%s\" offers no \"%.100s\"", entry->name, name);
        return false;
    }
    if (strchr(name, '*')) {
        reply_problem(reply, 400, "bindings: \"%.100s\" stands for many: only a device that offers its tags one by one can be bound", name);
        return false;
    }
    if (!read_binding(name, value, offered, &binding, reply) || !check_binding(server, entry, offered, &binding, reply))
        return false;
    for (size_t i = 0; i < bindings->count; i++)
        if (strcmp(bindings->items[i].tag, binding.tag) == 0) {
            reply_problem(reply, 409, "bindings: \"%s\" is bound to \"%s\" already", bindings->items[i].name, binding.tag);
            return false;
        }
    if (bindings->count == REGISTRY_TAGS_MAX) {
        reply_problem(reply, 400, "bindings: expected at most %d", REGISTRY_TAGS_MAX);
        return false;
    }
    bindings->items[bindings->count++] = binding;
    return true;
}

/* Merge what the body says of bindings: all that go first, so that two can change places. */
static bool merge_bindings(const Server *server, const RegistryEntry *entry, const json_t *body, Bindings *bindings, Reply *reply)
{
    const char *name;
    json_t *value, *patch = json_object_get(body, "bindings");
    if (patch && !json_is_object(patch)) {
        reply_problem(reply, 400, "bindings: expected an object, what the device calls its tags with the plant's");
        return false;
    }
    json_object_foreach(patch, name, value)
        bindings_remove(bindings, name);
    json_object_foreach(patch, name, value)
        if (!json_is_null(value) && !add_binding(server, entry, name, value, bindings, reply))
            return false;
    return true;
}

static void describe_bindings(Text *out, const RegistryEntry *entry)
{
    for (size_t i = 0; i < entry->binding_count; i++)
        text_format(out, "%s%s: %s%s%s", i ? ", " : "", entry->bindings[i].name, entry->bindings[i].tag, *entry->bindings[i].unit ? " " : "",
                    entry->bindings[i].unit);
    text_put(out, entry->binding_count ? "" : "bound to nothing");
}

// Credentials.

typedef enum CredentialKind { CREDENTIAL_NONE, CREDENTIAL_TOKEN, CREDENTIAL_CERTIFICATE } CredentialKind;

/* By default what it needs: nothing where nobody asks or it came by a key of its own, the certificate that it showed, or else a token. */
static bool read_credential(const Server *server, const RegistryEntry *device, const json_t *body, CredentialKind *out, Reply *reply)
{
    static const char *const names[] = {"none", "token", "certificate", NULL};
    const json_t *said = json_object_get(body, "credential");
    const bool needs = server->access && !*device->came_by;
    *out = !needs ? CREDENTIAL_NONE : json_object_get(body, "certificate") || *device->fingerprint ? CREDENTIAL_CERTIFICATE : CREDENTIAL_TOKEN;
    if (!said)
        return true;
    for (*out = CREDENTIAL_NONE; names[*out]; (*out)++)
        if (json_is_string(said) && strcmp(names[*out], json_string_value(said)) == 0)
            break;
    if (!names[*out])
        reply_problem(reply, 400, "credential: expected token, certificate or none");
    else if (*out != CREDENTIAL_NONE && !server->access)
        reply_problem(reply, 409, "credential: nobody is asked for one here; start the server with --access");
    else if (*out == CREDENTIAL_NONE && needs)
        reply_problem(reply, 409, "credential: this device showed none, so it needs a token or a certificate");
    else
        return true;
    return false;
}

/* The certificate in the body, or that which the device has shown. */
static bool read_fingerprint(const RegistryEntry *device, const json_t *body, SecretHash *out, Reply *reply)
{
    CertificateId id = {0};
    const char *pem = json_string_value(json_object_get(body, "certificate"));
    if (!pem && *device->fingerprint)
        return secret_hash_parse(device->fingerprint, out);
    BIO *memory = pem ? BIO_new_mem_buf(pem, -1) : NULL;
    X509 *certificate = memory ? PEM_read_bio_X509(memory, NULL, NULL, NULL) : NULL;
    const bool read = certificate && certificate_identify(certificate, &id);
    X509_free(certificate);
    BIO_free(memory);
    *out = id.fingerprint;
    if (!read)
        reply_problem(reply, 400, "certificate: expected one in PEM form (-----BEGIN CERTIFICATE-----)%s", pem ? "" : ": the device has shown none");
    return read;
}

/* Let `device` in as `entry`; `enrolment` has its token then. */
static bool enrol(Server *server, const RegistryEntry *entry, const RegistryEntry *device, const json_t *body, Enrolment *enrolment, Reply *reply)
{
    CredentialKind kind;
    SecretHash fingerprint;
    ErrText why = {0};
    Err err = ERR_OK;
    if (!read_credential(server, device, body, &kind, reply))
        return false;
    *enrolment = (Enrolment){.name = kind != CREDENTIAL_NONE ? entry->name
                                     : server->access        ? device->came_by
                                                             : entry->credential,
                             .instead_of = entry->credential};
    if (kind == CREDENTIAL_CERTIFICATE) {
        if (!read_fingerprint(device, body, &fingerprint, reply))
            return false;
        enrolment->fingerprint = &fingerprint;
    }
    if (kind != CREDENTIAL_NONE)
        err = enrolment_begin(server->access, enrolment, &why);
    else if (server->access && strcmp(entry->credential, enrolment->name) != 0)
        err = enrolment_end(server->access, entry->credential, &why);
    if (err)
        reply_problem(reply, err == ERR_RANGE ? 409 : 500, "credential: %s", why.text);
    enrolment->fingerprint = NULL;
    return !err;
}

/* The device, and its token this once. */
static void put_enrolled(Server *server, const Request *request, const char *action, const RegistryEntry *entry, Enrolment *enrolment, Reply *reply)
{
    Text detail = {0};
    describe_bindings(&detail, entry);
    text_format(&detail, "; %s", *enrolment->token ? "by a token" : *entry->credential ? "by its own credential" : "without a credential");
    put_key(reply->body, "{", "device");
    conclude(server, request, action, entry, detail.bytes, reply);
    put_key(reply->body, ",", "token");
    if (*enrolment->token)
        text_json_string(reply->body, enrolment->token);
    else
        text_put(reply->body, "null");
    text_put(reply->body, "}");
    secret_wipe(enrolment->token, sizeof enrolment->token);
    text_fini(&detail);
}

// Acts.

static void claim(Server *server, const Request *request, RegistryEntry *entry, const json_t *body, Reply *reply)
{
    Bindings bindings;
    Enrolment enrolment = {0};
    ErrText why = {0};
    char by[sizeof entry->claimed_by], credential[REGISTRY_NAME_ROOM];
    caller_sign(&request->caller, by, sizeof by);
    if (!bindings_begin(&bindings, entry, reply))
        return;
    if (merge_bindings(server, entry, body, &bindings, reply) && enrol(server, entry, entry, body, &enrolment, reply)) {
        if (registry_bind(server->registry, entry, bindings.items, bindings.count, &why)) {
            reply_problem(reply, 503, "%s", why.text);
        } else {
            snprintf(credential, sizeof credential, "%s", enrolment.name);
            registry_claim(server->registry, entry, credential, by);
            put_enrolled(server, request, "claim", entry, &enrolment, reply);
        }
    }
    mem_free(bindings.items);
}

void device_claim(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"bindings", "session", "credential", "certificate", NULL};
    RegistryEntry *entry = device_find(server, request, reply);
    json_t *body = entry ? body_object(request, reply) : NULL;
    if (!body)
        return;
    if (entry->disabled)
        reply_problem(reply, 409, "\"%s\" is disabled: enable it first", entry->name);
    else if (body_members(body, members, "bindings, session, credential, certificate", reply) && check_session(entry, body, reply))
        claim(server, request, entry, body, reply);
    json_decref(body);
}

static void rebind(Server *server, const Request *request, RegistryEntry *entry, const json_t *body, Reply *reply)
{
    Bindings bindings;
    ErrText why = {0};
    Text detail = {0};
    if (!bindings_begin(&bindings, entry, reply))
        return;
    if (merge_bindings(server, entry, body, &bindings, reply)) {
        // what it was before stands in the trail: so it can be undone
        text_put(&detail, "before: ");
        describe_bindings(&detail, entry);
        if (registry_bind(server->registry, entry, bindings.items, bindings.count, &why))
            reply_problem(reply, 503, "%s", why.text);
        else
            conclude(server, request, "bind", entry, detail.bytes, reply);
    }
    text_fini(&detail);
    mem_free(bindings.items);
}

void device_patch(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"bindings", NULL};
    RegistryEntry *entry = device_find(server, request, reply);
    json_t *body = entry && body_is_patch(request, reply) ? body_object(request, reply) : NULL;
    if (!body)
        return;
    if (!entry->claimed)
        reply_problem(reply, 409, "\"%s\" is %s: claim it with its bindings", entry->name, entry_state_name(entry_state(entry)));
    else if (body_members(body, members, "bindings", reply))
        rebind(server, request, entry, body, reply);
    json_decref(body);
}

static void set_disabled(Server *server, const Request *request, bool disabled, Reply *reply)
{
    RegistryEntry *entry = device_find(server, request, reply);
    if (!entry)
        return;
    registry_set_disabled(server->registry, entry, disabled);
    conclude(server, request, disabled ? "disable" : "enable", entry, "", reply);
}

void device_disable(Server *server, const Request *request, Reply *reply)
{
    set_disabled(server, request, true, reply);
}

void device_enable(Server *server, const Request *request, Reply *reply)
{
    set_disabled(server, request, false, reply);
}

/* The one that takes the place of `entry`. NULL, and a refusal: there is none that can. */
static RegistryEntry *find_successor(const Server *server, const RegistryEntry *entry, const json_t *body, Reply *reply)
{
    const char *by = json_string_value(json_object_get(body, "by"));
    RegistryEntry *successor = by ? registry_find(server->registry, by) : NULL;
    if (!by)
        reply_problem(reply, 400, "by: expected the name of the device that takes its place");
    else if (!successor)
        reply_problem(reply, 404, "by: no device \"%.100s\" has come", by);
    else if (!entry->claimed)
        reply_problem(reply, 409, "\"%s\" is %s: only a claimed device is replaced", entry->name, entry_state_name(entry_state(entry)));
    else if (entry_state(successor) != ENTRY_UNCLAIMED)
        reply_problem(reply, 409, "by: \"%s\" is %s: expected one that is unclaimed", successor->name, entry_state_name(entry_state(successor)));
    else if (check_session(successor, body, reply))
        return successor;
    return NULL;
}

static void replace(Server *server, const Request *request, RegistryEntry *entry, RegistryEntry *successor, const json_t *body, Reply *reply)
{
    Enrolment enrolment = {0};
    ErrText why = {0};
    if (!enrol(server, entry, successor, body, &enrolment, reply))
        return;
    char credential[REGISTRY_NAME_ROOM];  // it may be a text of the successor, which is no more then
    snprintf(credential, sizeof credential, "%s", enrolment.name);
    if (registry_replace(server->registry, entry, successor, credential, &why))
        reply_problem(reply, 409, "%s", why.text);
    else
        put_enrolled(server, request, "replace", entry, &enrolment, reply);
}

void device_replace(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"by", "session", "credential", "certificate", NULL};
    RegistryEntry *entry = device_find(server, request, reply);
    json_t *body = entry ? body_object(request, reply) : NULL;
    if (!body)
        return;
    RegistryEntry *successor = body_members(body, members, "by, session, credential, certificate", reply) ? find_successor(server, entry, body, reply) : NULL;
    if (successor)
        replace(server, request, entry, successor, body, reply);
    json_decref(body);
}

void device_forget(Server *server, const Request *request, Reply *reply)
{
    ErrText why = {0};
    Text detail = {0};
    RegistryEntry *entry = device_find(server, request, reply);
    if (!entry)
        return;
    if (server->access && enrolment_end(server->access, entry->credential, &why)) {
        reply_problem(reply, 500, "credential: %s", why.text);
        return;
    }
    text_put(&detail, "before: ");
    describe_bindings(&detail, entry);
    server__note(server, &request->caller, "forget", entry->name, AUDIT_DONE, detail.bytes);
    text_fini(&detail);
    registry_forget(server->registry, entry);
    reply->status = 204;
    await_disk(server, reply);
}

// How it is to be set.

void device_desire(Server *server, const Request *request, Reply *reply)
{
    ErrText why = {0};
    RegistryEntry *entry = device_find(server, request, reply);
    size_t version = entry ? entry->desired.version : 0;
    if (!entry || !args_whole(request, "version", 0, INT64_MAX, &version, reply) || !body_is_patch(request, reply))
        return;
    json_t *patch = body_object(request, reply);
    if (!patch)
        return;
    Err err = ERR_OK;
    if (entry_state(entry) == ENTRY_UNCLAIMED)
        reply_problem(reply, 409, "\"%s\" is unclaimed: claim it first", entry->name);
    else if (version != entry->desired.version)
        reply_problem(reply, 409, "version: somebody else has changed it: it is %llu now", (unsigned long long)entry->desired.version);
    else if ((err = registry_desire(server->registry, entry, patch, &why)))
        reply_problem(reply, err == ERR_MEMORY ? 503 : 413, "%s", why.text);
    if (reply->status == 200) {
        server__note(server, &request->caller, "desire", entry->name, AUDIT_DONE, request->body);
        device_put_document(reply->body, &entry->desired);
        await_disk(server, reply);
    }
    json_decref(patch);
}

// Who may come unknown.

void device_put_pairing_time(Server *server, const Request *request, Reply *reply)
{
    static const char *const members[] = {"seconds", NULL};
    char detail[40];
    json_t *body = body_object(request, reply);
    const json_t *seconds = json_object_get(body, "seconds");
    if (!body || !body_members(body, members, "seconds", reply))
        ;
    else if (!json_is_integer(seconds) || json_integer_value(seconds) < 0 || json_integer_value(seconds) > PAIRING_MAX_S)
        reply_problem(reply, 400, "seconds: expected a whole number from 0 to %d", PAIRING_MAX_S);
    else if (!server->registry)
        reply_problem(reply, 404, "this plant is bound to no devices here");
    else {
        registry_pair(server->registry, json_integer_value(seconds) * NS_PER_S);
        snprintf(detail, sizeof detail, "for %lld s", (long long)json_integer_value(seconds));
        server__note(server, &request->caller, "pairing", "", AUDIT_DONE, detail);
        server__recheck_clients(server);
        device_put_pairing(reply->body, server->registry);
    }
    json_decref(body);
}
