/* Devices that are claimed over a running server: REST decides, and what it decides counts for the WebSocket at once. */
#include <sys/stat.h>

#include "server/access.h"
#include "server/rig.h"

static char access_path[300], registry_path[300];
static Registry *registry;
static char engineer[TOKEN_ROOM];

#define OFFER(device)                                                                                                              \
    "{\"topic\":\"provide\",\"headers\":{\"id\":1},\"value\":{\"device\":\"" device "\",\"tags\":{\"depth\":{\"unit\":\"mm\"},\"temp\":{}}," \
    "\"actuators\":[\"door\"]}}"
#define DEPTH(id) "{\"topic\":\"samples\",\"headers\":{\"id\":" id "},\"value\":[[\"depth\",1611326941000000000,425]]}"
#define BINDING "\"bindings\":{\"depth\":{\"tag\":\"tank1.gauge\"}}"

// The server.

static Err add_key(Keyring *keyring, void *key, ErrText *why)
{
    return keyring_add(keyring, key, why);
}

static void let_engineer_in(void)
{
    Key key = {.kind = KEY_TOKEN, .name = "anna", .role = ROLE_ENGINEER, .created = TIME_NONE, .expires = TIME_NONE};
    ck_assert_int_eq(secrets_begin(NULL), ERR_OK);
    snprintf(access_path, sizeof access_path, "%s/access.json", kit_folder());
    unlink(access_path);
    token_make(engineer);
    ck_assert(token_hash(engineer, &key.hash));
    ck_assert_int_eq(keyring_change(access_path, add_key, &key, NULL), ERR_OK);
}

static Rig *open_rig(bool with_access)
{
    ErrText why = {0};
    engineer[0] = 0;
    if (with_access)
        let_engineer_in();
    snprintf(registry_path, sizeof registry_path, "%s/devices.json", kit_folder());
    unlink(registry_path);
    ck_assert_msg(registry_open(registry_path, NULL, &registry, &why) == ERR_OK, "%s", why.text);
    Rig *rig = rig_make_with(registry, false);
    ServerDef def = rig_def(rig);
    def.registry = registry;
    def.access = with_access ? access_path : NULL;
    rig_serve(rig, &def);
    return rig;
}

static void close_rig(Rig *rig)
{
    rig_close(rig);
    registry_close(registry);
}

// Requests, as an engineer where access is asked for.

typedef struct Said {
    int status;
    json_t *json;  // NULL where there is none
} Said;

static Said ask(Rig *rig, const char *method, const char *path, const char *body)
{
    char request[8192], bearer[128] = "";
    Peer *peer = peer_connect(rig);
    if (*engineer)
        snprintf(bearer, sizeof bearer, "Authorization: Bearer %s\r\n", engineer);
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: %zu\r\n%s%s\r\n%s", method, path, server_port(rig->server), strlen(body), bearer,
             strcmp(method, "PATCH") == 0 ? "Content-Type: application/merge-patch+json\r\n" : "", body);
    const Answer answer = peer_ask(peer, request);
    const Said said = {answer.status, json_loads(answer.body, 0, NULL)};
    peer_close(peer);
    return said;
}

static int status_of(Rig *rig, const char *method, const char *path, const char *body)
{
    const Said said = ask(rig, method, path, body);
    json_decref(said.json);
    return said.status;
}

/* A text of the answer, which must be 200. */
static const char *text_of(Rig *rig, const char *path, const char *key)
{
    static char text[256];
    const Said said = ask(rig, "GET", path, "");
    ck_assert_int_eq(said.status, 200);
    const char *value = json_string_value(json_object_get(said.json, key));
    snprintf(text, sizeof text, "%s", value ? value : "");
    json_decref(said.json);
    return text;
}

/* Claim it, and return its token, "" for none. */
static const char *claim(Rig *rig, const char *path, const char *body)
{
    static char token[TOKEN_ROOM];
    const Said said = ask(rig, "POST", path, body);
    const char *made = json_string_value(json_object_get(said.json, "token"));
    ck_assert_msg(said.status == 200, "%d: %s", said.status, json_string_value(json_object_get(said.json, "detail")));
    snprintf(token, sizeof token, "%s", made ? made : "");
    json_decref(said.json);
    return token;
}

static Peer *come(Rig *rig, const char *token, const char *offer)
{
    char bearer[128] = "";
    Peer *peer = peer_connect(rig);
    if (*token)
        snprintf(bearer, sizeof bearer, "Authorization: Bearer %s\r\n", token);
    peer_upgrade_with(rig, peer, "/api/v1/ws", "pollux.v1.json", bearer);
    ck_assert_int_eq(peer_head(peer), 101);
    peer_say(peer, offer);
    return peer;
}

static int upgrade_status(Rig *rig, const char *token)
{
    char bearer[128] = "";
    Peer *peer = peer_connect(rig);
    if (*token)
        snprintf(bearer, sizeof bearer, "Authorization: Bearer %s\r\n", token);
    peer_upgrade_with(rig, peer, "/api/v1/ws", "pollux.v1.json", bearer);
    const int status = peer_head(peer);
    peer_close(peer);
    return status;
}

/* The next sample that the tick gets. */
static Arrival next_sample(Rig *rig)
{
    Arrival arrival;
    for (int i = 0; i < 30000; i++) {
        while (websocket_connector.poll(rig->websocket, &arrival, 1))
            if (arrival.kind == ARRIVAL_SAMPLE)
                return arrival;
        sleep_ms(1);
    }
    ck_abort_msg("no sample has come");
}

START_TEST(an_unknown_device_is_listed_claimed_and_heard_without_a_reconnection)
{
    Rig *rig = open_rig(false);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");
    ck_assert_str_eq(text_of(rig, "/api/v1/devices/rig-1", "state"), "unclaimed");
    peer_say(device, DEPTH("2"));
    peer_expect(rig, device, "\"stored\":0");

    ck_assert_str_eq(claim(rig, "/api/v1/devices/rig-1/claim", "{" BINDING "}"), "");
    peer_expect(rig, device, "\"id\":1,\"status\":200");
    peer_say(device, DEPTH("3"));
    const Arrival arrival = next_sample(rig);
    ck_assert_uint_eq(arrival.sample.tag, rig_tag(rig, "tank1.gauge"));
    ck_assert_double_eq_tol(arrival.sample.value, 0.425, 1e-12);
    ck_assert_str_eq(text_of(rig, "/api/v1/devices/rig-1", "state"), "claimed");

    // the answer came when it was on disk
    Registry *kept;
    ck_assert_int_eq(registry_open(registry_path, NULL, &kept, NULL), ERR_OK);
    ck_assert_str_eq(registry_find(kept, "rig-1")->bindings[0].tag, "tank1.gauge");
    registry_close(kept);
    peer_close(device);
    close_rig(rig);
}
END_TEST

START_TEST(where_access_is_asked_for_strangers_come_while_devices_are_paired_and_get_a_token)
{
    Rig *rig = open_rig(true);
    ck_assert_int_eq(upgrade_status(rig, ""), 401);
    ck_assert_int_eq(status_of(rig, "PUT", "/api/v1/pairing", "{\"seconds\":600}"), 200);
    ck_assert_int_eq(upgrade_status(rig, "plx_nonsense"), 401);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");

    // a stranger sees nothing and does nothing else
    peer_say(device, "{\"topic\":\"subscribe\",\"headers\":{\"id\":7},\"value\":{}}");
    peer_expect(rig, device, "\"status\":403");

    char token[TOKEN_ROOM];
    snprintf(token, sizeof token, "%s", claim(rig, "/api/v1/devices/rig-1/claim", "{" BINDING "}"));
    ck_assert_uint_gt(strlen(token), 20);
    ck_assert_int_eq(status_of(rig, "PUT", "/api/v1/pairing", "{\"seconds\":0}"), 200);
    peer_say(device, DEPTH("3"));
    ck_assert_double_eq_tol(next_sample(rig).sample.value, 0.425, 1e-12);
    peer_close(device);

    // from then on by its token, and with no other right
    ck_assert_int_eq(upgrade_status(rig, ""), 401);
    Peer *again = come(rig, token, OFFER("rig-1"));
    peer_expect(rig, again, "\"status\":200");
    peer_say(again, DEPTH("4"));
    ck_assert_double_eq_tol(next_sample(rig).sample.value, 0.425, 1e-12);
    peer_close(again);
    char file[4096] = "";
    FILE *stream = fopen(access_path, "r");
    const size_t length = fread(file, 1, sizeof file - 1, stream);
    fclose(stream);
    ck_assert(length > 0 && strstr(file, "\"device\": true") && !strstr(file, token));
    close_rig(rig);
}
END_TEST

START_TEST(strangers_have_to_go_when_pairing_ends)
{
    Rig *rig = open_rig(true);
    ck_assert_int_eq(status_of(rig, "PUT", "/api/v1/pairing", "{\"seconds\":600}"), 200);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");
    ck_assert_int_eq(status_of(rig, "PUT", "/api/v1/pairing", "{\"seconds\":0}"), 200);
    ck_assert_int_eq(peer_closed(rig, device), 1008);
    peer_close(device);
    close_rig(rig);
}
END_TEST

START_TEST(a_disabled_device_is_refused_until_it_is_enabled)
{
    Rig *rig = open_rig(false);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");
    claim(rig, "/api/v1/devices/rig-1/claim", "{" BINDING "}");
    ck_assert_int_eq(status_of(rig, "POST", "/api/v1/devices/rig-1/disable", ""), 200);
    ck_assert_int_eq(peer_closed(rig, device), 1000);
    peer_close(device);
    Peer *again = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, again, "\"status\":403");
    ck_assert_int_eq(status_of(rig, "POST", "/api/v1/devices/rig-1/claim", "{}"), 409);
    ck_assert_int_eq(status_of(rig, "POST", "/api/v1/devices/rig-1/enable", ""), 200);
    peer_say(again, OFFER("rig-1"));
    peer_expect(rig, again, "\"status\":200");
    peer_close(again);
    close_rig(rig);
}
END_TEST

START_TEST(the_token_of_a_device_that_is_replaced_ends)
{
    Rig *rig = open_rig(true);
    char first[TOKEN_ROOM], second[TOKEN_ROOM];
    ck_assert_int_eq(status_of(rig, "PUT", "/api/v1/pairing", "{\"seconds\":600}"), 200);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");
    snprintf(first, sizeof first, "%s", claim(rig, "/api/v1/devices/rig-1/claim", "{" BINDING "}"));
    peer_close(device);
    Peer *spare = come(rig, "", OFFER("spare"));
    peer_expect(rig, spare, "\"status\":202");
    snprintf(second, sizeof second, "%s", claim(rig, "/api/v1/devices/rig-1/replace", "{\"by\":\"spare\"}"));
    peer_close(spare);

    ck_assert_int_eq(upgrade_status(rig, first), 401);
    Peer *again = come(rig, second, OFFER("spare"));
    peer_expect(rig, again, "\"status\":200");
    ck_assert_str_eq(text_of(rig, "/api/v1/devices/rig-1", "calls_itself"), "spare");
    ck_assert_int_eq(status_of(rig, "GET", "/api/v1/devices/spare", ""), 404);
    peer_close(again);

    // and that of one that is forgotten
    ck_assert_int_eq(status_of(rig, "DELETE", "/api/v1/devices/rig-1", ""), 204);
    ck_assert_int_eq(upgrade_status(rig, second), 401);
    close_rig(rig);
}
END_TEST

START_TEST(a_token_can_be_made_anew_and_the_one_before_ends)
{
    Rig *rig = open_rig(true);
    char first[TOKEN_ROOM];
    ck_assert_int_eq(status_of(rig, "PUT", "/api/v1/pairing", "{\"seconds\":600}"), 200);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");
    snprintf(first, sizeof first, "%s", claim(rig, "/api/v1/devices/rig-1/claim", "{" BINDING "}"));
    const char *second = claim(rig, "/api/v1/devices/rig-1/claim", "{}");
    ck_assert_str_ne(first, second);
    ck_assert_int_eq(upgrade_status(rig, first), 401);
    ck_assert_int_eq(upgrade_status(rig, second), 101);
    peer_close(device);
    close_rig(rig);
}
END_TEST

START_TEST(a_name_that_somebody_else_has_in_the_access_file_is_refused)
{
    Rig *rig = open_rig(true);
    ck_assert_int_eq(status_of(rig, "PUT", "/api/v1/pairing", "{\"seconds\":600}"), 200);
    Peer *device = come(rig, "", OFFER("anna"));
    peer_expect(rig, device, "\"status\":202");
    ck_assert_int_eq(status_of(rig, "POST", "/api/v1/devices/anna/claim", "{" BINDING "}"), 409);
    ck_assert_str_eq(text_of(rig, "/api/v1/devices/anna", "state"), "unclaimed");
    ck_assert_int_eq(upgrade_status(rig, engineer), 101);
    peer_close(device);
    close_rig(rig);
}
END_TEST

/* Each of these is refused and changes nothing. */
static const struct {
    const char *method, *path, *body;
    int status;
} wrong[] = {
    {"GET", "/api/v1/devices/nobody", "", 404},
    {"POST", "/api/v1/devices/nobody/claim", "{}", 404},
    {"POST", "/api/v1/devices/rig-1/claim", "[]", 400},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"bindngs\":{}}", 400},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"bindings\":[]}", 400},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"bindings\":{\"depht\":\"tank1.gauge\"}}", 404},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"bindings\":{\"depth\":\"tank1.gaug\"}}", 404},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"bindings\":{\"depth\":7}}", 400},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"bindings\":{\"depth\":{\"tag\":\"tank1.gauge\",\"unit\":\"kg\"}}}", 400},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"bindings\":{\"depth\":\"tank1.valve\"}}", 400},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"bindings\":{\"depth\":\"tank1.gauge\",\"temp\":{\"tag\":\"tank1.gauge\",\"unit\":\"m\"}}}", 409},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"session\":99}", 409},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"credential\":\"token\"}", 409},
    {"POST", "/api/v1/devices/rig-1/claim", "{\"credential\":\"key\"}", 400},
    {"PATCH", "/api/v1/devices/rig-1", "{\"bindings\":{}}", 409},
    {"PATCH", "/api/v1/devices/rig-1/desired", "{\"period\":2}", 409},
    {"POST", "/api/v1/devices/rig-1/replace", "{}", 400},
    {"POST", "/api/v1/devices/rig-1/replace", "{\"by\":\"nobody\"}", 404},
    {"POST", "/api/v1/devices/rig-1/replace", "{\"by\":\"rig-1\"}", 409},
    {"PUT", "/api/v1/pairing", "{\"seconds\":-1}", 400},
    {"PUT", "/api/v1/pairing", "{\"seconds\":1e9}", 400},
};

START_TEST(what_cannot_be_is_refused_and_changes_nothing)
{
    Rig *rig = open_rig(false);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const int status = status_of(rig, wrong[i].method, wrong[i].path, wrong[i].body);
        ck_assert_msg(status == wrong[i].status, "%s %s %s: %d", wrong[i].method, wrong[i].path, wrong[i].body, status);
    }
    ck_assert_str_eq(text_of(rig, "/api/v1/devices/rig-1", "state"), "unclaimed");
    ck_assert_uint_eq(registry_version(registry), registry_saved(registry));
    peer_close(device);
    close_rig(rig);
}
END_TEST

START_TEST(a_decision_that_cannot_be_kept_counts_and_says_so)
{
    char obstacle[310];
    Rig *rig = open_rig(false);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");
    snprintf(obstacle, sizeof obstacle, "%s.new", registry_path);  // where the new version would be written
    ck_assert_int_eq(mkdir(obstacle, 0700), 0);
    log_set_level(LOG_ERROR + 1);
    ck_assert_int_eq(status_of(rig, "POST", "/api/v1/devices/rig-1/claim", "{" BINDING "}"), 507);
    log_set_level(LOG_ERROR);
    peer_expect(rig, device, "\"id\":1,\"status\":200");
    ck_assert_int_eq(rmdir(obstacle), 0);
    ck_assert_int_eq(status_of(rig, "POST", "/api/v1/devices/rig-1/disable", ""), 200);
    peer_close(device);
    close_rig(rig);
}
END_TEST

START_TEST(a_tag_has_one_device_and_two_can_change_places)
{
    Rig *rig = open_rig(false);
    Peer *device = come(rig, "", OFFER("rig-1")), *other = come(rig, "", OFFER("rig-2"));
    peer_expect(rig, device, "\"status\":202");
    peer_expect(rig, other, "\"status\":202");
    claim(rig, "/api/v1/devices/rig-1/claim", "{" BINDING "}");
    ck_assert_int_eq(status_of(rig, "POST", "/api/v1/devices/rig-2/claim", "{" BINDING "}"), 409);
    ck_assert_int_eq(status_of(rig, "PATCH", "/api/v1/devices/rig-1", "{\"bindings\":{\"depth\":null,\"temp\":{\"tag\":\"tank1.gauge\",\"unit\":\"m\"}}}"), 200);
    peer_say(device, "{\"topic\":\"samples\",\"headers\":{\"id\":9},\"value\":[[\"depth\",1611326941000000000,1],[\"temp\",1611326941000000000,0.5]]}");
    ck_assert_double_eq(next_sample(rig).sample.value, 0.5);
    peer_close(device);
    peer_close(other);
    close_rig(rig);
}
END_TEST

START_TEST(desired_is_told_to_the_device_and_reported_comes_back)
{
    Rig *rig = open_rig(false);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");
    claim(rig, "/api/v1/devices/rig-1/claim", "{" BINDING "}");
    ck_assert_int_eq(status_of(rig, "PATCH", "/api/v1/devices/rig-1/desired", "{\"period\":2}"), 200);
    peer_expect(rig, device, "\"topic\":\"config\",\"value\":{\"version\":1,\"delta\":{\"period\":2}}");
    peer_say(device, "{\"topic\":\"reported\",\"headers\":{\"id\":5},\"value\":{\"period\":2,\"version\":\"1.4\"}}");
    peer_expect(rig, device, "\"topic\":\"reported\",\"headers\":{\"id\":5,\"status\":200},\"value\":{\"version\":1}");
    const Said said = ask(rig, "GET", "/api/v1/devices/rig-1", "");
    ck_assert(json_is_true(json_object_get(said.json, "as_desired")));
    json_decref(said.json);
    ck_assert_int_eq(status_of(rig, "PATCH", "/api/v1/devices/rig-1/desired?version=0", "{\"period\":3}"), 409);
    ck_assert_int_eq(status_of(rig, "PATCH", "/api/v1/devices/rig-1/desired?version=1", "{\"period\":3}"), 200);
    peer_close(device);

    // who comes again is told what changed meanwhile
    ck_assert_int_eq(status_of(rig, "PATCH", "/api/v1/devices/rig-1/desired", "{\"gain\":{\"p\":1}}"), 200);
    Peer *again = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, again, "\"version\":3,\"delta\":{\"period\":3,\"gain\":{\"p\":1}}");
    peer_close(again);
    close_rig(rig);
}
END_TEST

START_TEST(every_decision_stands_in_the_audit_trail)
{
    Rig *rig = open_rig(true);
    Audit *audit;
    ck_assert_int_eq(audit_create(&clock_system, &audit), ERR_OK);
    rig_close(rig);
    rig = rig_make_with(registry, false);
    ServerDef def = rig_def(rig);
    def.registry = registry;
    def.access = access_path;
    def.audit = audit;
    rig_serve(rig, &def);
    ck_assert_int_eq(status_of(rig, "PUT", "/api/v1/pairing", "{\"seconds\":600}"), 200);
    Peer *device = come(rig, "", OFFER("rig-1"));
    peer_expect(rig, device, "\"status\":202");
    claim(rig, "/api/v1/devices/rig-1/claim", "{" BINDING "}");
    ck_assert_int_eq(status_of(rig, "PATCH", "/api/v1/devices/rig-1", "{\"bindings\":{\"depth\":null}}"), 200);
    ck_assert_int_eq(status_of(rig, "POST", "/api/v1/devices/rig-1/disable", ""), 200);
    ck_assert_int_eq(status_of(rig, "DELETE", "/api/v1/devices/rig-1", ""), 204);
    peer_close(device);
    rig_close(rig);

    static const char *const actions[] = {"forget", "disable", "bind", "claim", "pairing"};
    AuditEntry entries[16];
    audit_keep(audit);
    const size_t count = audit_list(audit, UINT64_MAX, entries, 16);
    ck_assert_uint_eq(count, 5);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(entries[i].action, actions[i]);
        ck_assert_str_eq(entries[i].who, "anna");
    }
    ck_assert_str_eq(entries[2].detail, "before: depth: tank1.gauge mm");
    audit_destroy(audit);
    registry_close(registry);
}
END_TEST

KIT_MAIN("server.devices", an_unknown_device_is_listed_claimed_and_heard_without_a_reconnection,
         where_access_is_asked_for_strangers_come_while_devices_are_paired_and_get_a_token, strangers_have_to_go_when_pairing_ends,
         a_disabled_device_is_refused_until_it_is_enabled, the_token_of_a_device_that_is_replaced_ends, a_token_can_be_made_anew_and_the_one_before_ends,
         a_name_that_somebody_else_has_in_the_access_file_is_refused, what_cannot_be_is_refused_and_changes_nothing, a_decision_that_cannot_be_kept_counts_and_says_so, a_tag_has_one_device_and_two_can_change_places,
         desired_is_told_to_the_device_and_reported_comes_back, every_decision_stands_in_the_audit_trail)
