/* Who may come in and what he may do, against a running server: tokens, logins, certificates, and those who have none of them. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include "server/access.h"
#include "server/rig.h"

#define PASSWORD "correct horse"

static char access_path[300];
static char tokens[8][TOKEN_ROOM];
static const Role roles[] = {ROLE_VIEWER, ROLE_OPERATOR, ROLE_ENGINEER, ROLE_ADMIN};

// Letting somebody in.

static Err add(Keyring *keyring, void *key, ErrText *why)
{
    return keyring_add(keyring, key, why);
}

static void let_in(const Key *key)
{
    ErrText why = {0};
    ck_assert_msg(keyring_change(access_path, add, (void *)key, &why) == ERR_OK, "%s", why.text);
}

static Err remove_token(Keyring *keyring, void *name, ErrText *why)
{
    return keyring_remove(keyring, KEY_TOKEN, name, why);
}

static void revoke_token(const char *name)
{
    ErrText why = {0};
    ck_assert_msg(keyring_change(access_path, remove_token, (void *)name, &why) == ERR_OK, "%s", why.text);
}

static void begin_access(void)
{
    ck_assert_int_eq(secrets_begin(NULL), ERR_OK);
    snprintf(access_path, sizeof access_path, "%s/access.json", kit_folder());
    unlink(access_path);
}

static const char *let_token_in(size_t number, const char *name, Role role, const char *provide, const char *actuate, int64_t expires)
{
    Key key = {.kind = KEY_TOKEN, .name = name, .role = role, .created = TIME_NONE, .expires = expires};
    key.provide = (TagPatterns){&provide, provide != NULL};
    key.actuate = (TagPatterns){&actuate, actuate != NULL};
    token_make(tokens[number]);
    ck_assert(token_hash(tokens[number], &key.hash));
    let_in(&key);
    return tokens[number];
}

/* The cost of the hash is the least that there is, unless `slow`. */
static void let_user_in(const char *name, Role role, bool slow)
{
    char hash[PASSWORD_HASH_ROOM];
    const unsigned long long ops = slow ? crypto_pwhash_OPSLIMIT_INTERACTIVE : crypto_pwhash_OPSLIMIT_MIN;
    const size_t memory = slow ? crypto_pwhash_MEMLIMIT_INTERACTIVE : crypto_pwhash_MEMLIMIT_MIN;
    ck_assert_int_eq(crypto_pwhash_str(hash, PASSWORD, strlen(PASSWORD), ops, memory), 0);
    let_in(&(Key){.kind = KEY_USER, .name = name, .role = role, .password = hash, .created = TIME_NONE, .expires = TIME_NONE});
}

static Rig *open_required(void)
{
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    def.access = access_path;
    rig_serve(rig, &def);
    return rig;
}

// Requests, each on a connection of its own.

typedef struct Said {
    int status;
    char head[4096], body[4096];
} Said;

static Said ask(const Rig *rig, const char *method, const char *path, const char *headers, const char *body)
{
    char request[4096];
    Said said = {0};
    Peer *peer = peer_connect(rig);
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: %zu\r\n%s\r\n%s", method, path, server_port(rig->server), strlen(body), headers,
             body);
    const Answer answer = peer_ask(peer, request);
    said.status = answer.status;
    memcpy(said.head, answer.head, sizeof said.head);
    snprintf(said.body, sizeof said.body, "%.4000s", answer.body);
    peer_close(peer);
    return said;
}

static const char *bearer(const char *token)
{
    static char header[128];
    snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", token);
    return header;
}

static Said ask_with(const Rig *rig, const char *token, const char *path)
{
    return ask(rig, "GET", path, bearer(token), "");
}

static json_t *permissions(const Rig *rig, const char *headers)
{
    const Said said = ask(rig, "GET", "/api/v1/permissions", headers, "");
    ck_assert_int_eq(said.status, 200);
    json_t *root = json_loads(said.body, 0, NULL);
    ck_assert_ptr_nonnull(root);
    return root;
}

typedef struct Pass {
    char cookie[200], csrf[100];  // as headers
} Pass;

static Said log_in(const Rig *rig, const char *user, const char *password, Pass *pass)
{
    char body[256];
    snprintf(body, sizeof body, "{\"user\":\"%s\",\"password\":\"%s\"}", user, password);
    const Said said = ask(rig, "POST", "/api/v1/login", "", body);
    const char *cookie = strstr(said.head, "set-cookie: "), *csrf = strstr(said.body, "\"csrf\":\"");
    if (said.status == 200 && pass) {
        ck_assert(cookie && csrf);
        cookie += strlen("set-cookie: ");
        csrf += strlen("\"csrf\":\"");
        snprintf(pass->cookie, sizeof pass->cookie, "Cookie: other=1; %.*s\r\n", (int)strcspn(cookie, ";"), cookie);
        snprintf(pass->csrf, sizeof pass->csrf, "%.*s", (int)strcspn(csrf, "\""), csrf);
    }
    return said;
}

/* A WebSocket that came by a token. */
static Peer *open_socket(const Rig *rig, const char *headers)
{
    Peer *peer = peer_connect(rig);
    peer_upgrade_with(rig, peer, "/api/v1/ws", "pollux.v1.json", headers);
    ck_assert_int_eq(peer_head(peer), 101);
    return peer;
}

static int upgrade_status(const Rig *rig, const char *headers)
{
    Peer *peer = peer_connect(rig);
    peer_upgrade_with(rig, peer, "/api/v1/ws", "pollux.v1.json", headers);
    const int status = peer_head(peer);
    peer_close(peer);
    return status;
}

/* The answer to a message, which has an id that no other has. */
static const char *exchange(Rig *rig, Peer *peer, const char *json)
{
    peer_say(peer, json);
    const char *id = strstr(json, "\"id\":");
    char expected[32];
    snprintf(expected, sizeof expected, "\"id\":%d", atoi(id + 5));
    return peer_expect(rig, peer, expected);
}

// Roles.

/* The address of a route, its stars filled with something. */
static void fill_stars(const char *form, char *out, size_t room)
{
    size_t length = 0;
    for (; *form && length + 1 < room; form++)
        out[length++] = *form == '*' ? '1' : *form;
    out[length] = 0;
}

static Right find_right(const char *name)
{
    for (Right right = RIGHT_NONE; right <= RIGHT_ADMIN; right++)
        if (strcmp(name, right_name(right)) == 0)
            return right;
    ck_abort_msg("there is no right \"%s\"", name);
}

static void check_route(const Rig *rig, const json_t *route)
{
    const char *method = json_string_value(json_object_get(route, "method"));
    const Right right = find_right(json_string_value(json_object_get(route, "right")));
    char path[256];
    fill_stars(json_string_value(json_object_get(route, "path")), path, sizeof path);
    if (right == RIGHT_NONE)
        return;

    ck_assert_msg(ask(rig, method, path, "", "").status == 401, "%s %s lets somebody in who shows nothing", method, path);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        const bool may = role_may(roles[i], right);
        if (may && strcmp(method, "GET") != 0)
            continue;  // it would be done
        const int status = ask(rig, method, path, bearer(tokens[i]), "").status;
        ck_assert_msg(may ? status != 401 && status != 403 : status == 403, "%s %s: %d for role %s", method, path, status, role_name(roles[i]));
    }
}

START_TEST(every_route_is_open_to_the_roles_that_have_its_right_alone)
{
    begin_access();
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        let_token_in(i, role_name(roles[i]), roles[i], NULL, NULL, TIME_NONE);
    Rig *rig = open_required();
    const Said said = ask(rig, "GET", "/api/v1", "", "");
    Peer *peer = peer_connect(rig);
    json_t *root = json_loads(peer_get(rig, peer, "/api/v1").body, 0, NULL);
    ck_assert_int_eq(said.status, 200);
    const json_t *all = json_object_get(root, "routes");
    ck_assert_uint_ge(json_array_size(all), 15);
    for (size_t i = 0; i < json_array_size(all); i++)
        check_route(rig, json_array_get(all, i));
    json_decref(root);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(what_changes_something_needs_more_than_seeing_it)
{
    static const struct {
        const char *method, *path;
        Role least;
    } cases[] = {
        {"GET", "/api/v1/plant", ROLE_VIEWER},      {"GET", "/api/v1/twins/tank1/level", ROLE_VIEWER}, {"GET", "/api/v1/alarms", ROLE_VIEWER},
        {"POST", "/api/v1/forecasts", ROLE_VIEWER}, {"POST", "/api/v1/reload", ROLE_ENGINEER},
    };
    begin_access();
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        let_token_in(i, role_name(roles[i]), roles[i], NULL, NULL, TIME_NONE);
    Rig *rig = open_required();
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (size_t i = 0; i < sizeof roles / sizeof *roles && roles[i] < cases[c].least; i++)
            ck_assert_int_eq(ask(rig, cases[c].method, cases[c].path, bearer(tokens[i]), "").status, 403);
    ck_assert_int_eq(ask_with(rig, tokens[0], "/api/v1/plant").status, 200);
    ck_assert_int_eq(ask(rig, "DELETE", "/api/v1/forecasts/999", bearer(tokens[0]), "").status == 403, 0);
    rig_close(rig);
}
END_TEST

START_TEST(signs_of_life_and_the_login_page_are_for_everybody)
{
    begin_access();
    let_user_in("anna", ROLE_VIEWER, false);
    Rig *rig = open_required();
    ck_assert_int_eq(ask(rig, "GET", "/healthz", "", "").status, 200);
    ck_assert_int_eq(ask(rig, "GET", "/", "", "").status, 200);
    json_t *nobody = permissions(rig, "");
    ck_assert_str_eq(json_string_value(json_object_get(nobody, "access")), "required");
    ck_assert(json_is_null(json_object_get(nobody, "user")) && json_is_null(json_object_get(nobody, "role")) && json_is_null(json_object_get(nobody, "csrf")));
    ck_assert_uint_eq(json_array_size(json_object_get(nobody, "rights")), 0);
    json_decref(nobody);
    rig_close(rig);
}
END_TEST

START_TEST(without_an_access_file_everybody_here_may_do_everything)
{
    Rig *rig = rig_open();
    json_t *all = permissions(rig, "");
    ck_assert_str_eq(json_string_value(json_object_get(all, "access")), "open");
    ck_assert_uint_eq(json_array_size(json_object_get(all, "rights")), 6);
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(all, "provide"), 0)), "*");
    json_decref(all);
    const Said said = ask(rig, "POST", "/api/v1/login", "", "{\"user\":\"a\",\"password\":\"b\"}");
    ck_assert_int_eq(said.status, 200);
    ck_assert_ptr_null(strstr(said.head, "set-cookie"));
    ck_assert_ptr_nonnull(strstr(said.body, "\"access\":\"open\""));
    rig_close(rig);
}
END_TEST

// Logins.

START_TEST(a_login_is_a_cookie_that_scripts_and_other_sites_cannot_use)
{
    Pass pass;
    begin_access();
    let_user_in("anna", ROLE_OPERATOR, false);
    Rig *rig = open_required();
    const Said said = log_in(rig, "anna", PASSWORD, &pass);
    ck_assert_int_eq(said.status, 200);
    const char *cookie = strstr(said.head, "set-cookie: ");
    ck_assert(strstr(cookie, "HttpOnly") && strstr(cookie, "SameSite=Strict") && !strstr(cookie, "Secure"));
    ck_assert(strstr(said.body, "\"user\":\"anna\",\"role\":\"operator\",\"rights\":[\"view\",\"forecast\",\"acknowledge\",\"command\"]"));

    json_t *mine = permissions(rig, pass.cookie);
    ck_assert_str_eq(json_string_value(json_object_get(mine, "user")), "anna");
    ck_assert_str_eq(json_string_value(json_object_get(mine, "csrf")), pass.csrf);
    json_decref(mine);
    ck_assert_int_eq(ask(rig, "GET", "/api/v1/plant", pass.cookie, "").status, 200);
    rig_close(rig);
}
END_TEST

START_TEST(a_cookie_alone_changes_nothing)
{
    Pass pass;
    char headers[512];
    begin_access();
    let_user_in("anna", ROLE_ADMIN, false);
    Rig *rig = open_required();
    log_in(rig, "anna", PASSWORD, &pass);
    const Said said = ask(rig, "DELETE", "/api/v1/forecasts/1", pass.cookie, "");
    ck_assert_int_eq(said.status, 403);
    ck_assert_msg(strstr(said.body, "X-Pollux-CSRF") != NULL, "%s", said.body);
    snprintf(headers, sizeof headers, "%sX-Pollux-CSRF: %.42sx\r\n", pass.cookie, pass.csrf);
    ck_assert_int_eq(ask(rig, "DELETE", "/api/v1/forecasts/1", headers, "").status, 403);
    ck_assert_int_eq(ask(rig, "POST", "/api/v1/logout", pass.cookie, "").status, 403);
    snprintf(headers, sizeof headers, "%sX-Pollux-CSRF: %s\r\n", pass.cookie, pass.csrf);
    const int status = ask(rig, "DELETE", "/api/v1/forecasts/1", headers, "").status;
    ck_assert(status != 401 && status != 403);
    rig_close(rig);
}
END_TEST

START_TEST(who_logs_out_is_gone_with_his_sockets)
{
    Pass pass;
    char headers[512];
    begin_access();
    let_user_in("anna", ROLE_VIEWER, false);
    Rig *rig = open_required();
    log_in(rig, "anna", PASSWORD, &pass);
    Peer *socket = open_socket(rig, pass.cookie);
    snprintf(headers, sizeof headers, "%sX-Pollux-CSRF: %s\r\n", pass.cookie, pass.csrf);
    ck_assert_int_eq(ask(rig, "POST", "/api/v1/logout", headers, "").status, 204);
    ck_assert_int_eq(peer_closed(rig, socket), 1008);
    ck_assert_int_eq(ask(rig, "GET", "/api/v1/plant", pass.cookie, "").status, 401);
    ck_assert_int_eq(upgrade_status(rig, pass.cookie), 401);
    peer_close(socket);
    rig_close(rig);
}
END_TEST

START_TEST(wrong_passwords_are_looked_at_ever_more_seldom)
{
    begin_access();
    let_user_in("anna", ROLE_VIEWER, false);
    Rig *rig = open_required();
    const Said wrong = log_in(rig, "anna", "wrong horse", NULL), nobody = log_in(rig, "otto", "wrong horse", NULL);
    ck_assert_int_eq(wrong.status, 401);
    ck_assert_int_eq(nobody.status, 401);
    ck_assert_str_eq(wrong.body, nobody.body);
    for (int i = 2; i < THROTTLE_FREE; i++)
        ck_assert_int_eq(log_in(rig, "anna", "wrong horse", NULL).status, 401);

    // now the right one has to wait too, and so has everybody from this address
    const Said hurried = log_in(rig, "anna", PASSWORD, NULL);
    ck_assert_int_eq(hurried.status, 429);
    ck_assert_ptr_nonnull(strstr(hurried.head, "retry-after: 1\r\n"));
    ck_assert_int_eq(log_in(rig, "otto", "wrong horse", NULL).status, 429);
    sleep_ms(1100);
    ck_assert_int_eq(log_in(rig, "anna", PASSWORD, NULL).status, 200);
    rig_close(rig);
}
END_TEST

static int64_t shortest_refusal(const Rig *rig, const char *user)
{
    int64_t shortest = INT64_MAX;
    for (int i = 0; i < 2; i++) {
        const int64_t start = clock_system.elapsed_ns(clock_system.self);
        ck_assert_int_eq(log_in(rig, user, "wrong horse", NULL).status, 401);
        const int64_t took = clock_system.elapsed_ns(clock_system.self) - start;
        shortest = took < shortest ? took : shortest;
    }
    return shortest;
}

START_TEST(the_time_of_a_refusal_does_not_tell_who_exists)
{
    begin_access();
    let_user_in("anna", ROLE_VIEWER, true);
    Rig *rig = open_required();
    const int64_t known = shortest_refusal(rig, "anna"), unknown = shortest_refusal(rig, "otto");
    // hashing takes some hundred times as long as all else, so an answer without it would stand out
    ck_assert_msg(unknown > known / 5 && known > unknown / 5, "%g ms for a user, %g ms for none", (double)known / 1e6, (double)unknown / 1e6);
    rig_close(rig);
}
END_TEST

START_TEST(the_service_goes_on_while_passwords_are_looked_at)
{
    enum { FLOOD = 24 };
    Peer *peers[FLOOD];
    char request[512];
    const char *body = "{\"user\":\"anna\",\"password\":\"wrong horse\"}";
    begin_access();
    let_user_in("anna", ROLE_VIEWER, true);
    Rig *rig = open_required();
    snprintf(request, sizeof request, "POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    for (size_t i = 0; i < FLOOD; i++) {
        peers[i] = peer_connect(rig);
        peer_send(peers[i], request, strlen(request));
    }
    ck_assert_int_eq(ask(rig, "GET", "/", "", "").status, 200);

    // guesses that come at once are counted at once: some are free, and each that follows has to wait for twice as long as the one before
    int looked_at = 0;
    for (size_t i = 0; i < FLOOD; i++) {
        const int status = peer_head(peers[i]);
        ck_assert(status == 401 || status == 429);
        looked_at += status == 401;
        peer_close(peers[i]);
    }
    ck_assert(looked_at >= THROTTLE_FREE && looked_at < FLOOD / 2);
    rig_close(rig);
}
END_TEST

/* How many entries of the trail are of this action and outcome, and of this name. */
static size_t count_entries(Audit *audit, const char *action, AuditOutcome outcome, const char *who)
{
    AuditEntry entries[64];
    audit_keep(audit);
    const size_t all = audit_list(audit, INT64_MAX, entries, 64);
    size_t count = 0;
    for (size_t i = 0; i < all; i++)
        count += strcmp(entries[i].action, action) == 0 && entries[i].outcome == outcome && strcmp(entries[i].who, who) == 0;
    return count;
}

START_TEST(logins_and_refusals_are_noted_and_strangers_do_not_fill_the_trail)
{
    Pass pass;
    char headers[512];
    Audit *audit;
    begin_access();
    let_user_in("anna", ROLE_VIEWER, false);
    let_token_in(0, "rig-1", ROLE_NOBODY, "tank1.level", NULL, TIME_NONE);
    ck_assert_int_eq(audit_create(&clock_system, &audit), ERR_OK);
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    def.access = access_path;
    def.audit = audit;
    rig_serve(rig, &def);
    log_in(rig, "anna", "wrong horse", NULL);
    log_in(rig, "anna", PASSWORD, &pass);
    snprintf(headers, sizeof headers, "%sX-Pollux-CSRF: %s\r\n", pass.cookie, pass.csrf);
    ck_assert_int_eq(ask(rig, "POST", "/api/v1/reload", headers, "").status, 403);
    ck_assert_int_eq(ask(rig, "POST", "/api/v1/reload", "", "").status, 401);
    Peer *peer = open_socket(rig, bearer(tokens[0]));
    exchange(rig, peer, "{\"topic\":\"provide\",\"headers\":{\"id\":31},\"value\":{\"device\":\"rig\",\"tags\":{\"tank1.gauge\":{}},\"actuators\":[]}}");
    ck_assert_int_eq(ask(rig, "POST", "/api/v1/logout", headers, "").status, 204);
    peer_close(peer);
    server_destroy(rig->server);
    rig->server = NULL;

    ck_assert_uint_eq(count_entries(audit, "login", AUDIT_REFUSED, ""), 1);
    ck_assert_uint_eq(count_entries(audit, "login", AUDIT_DONE, "anna"), 1);
    ck_assert_uint_eq(count_entries(audit, "POST", AUDIT_REFUSED, "anna"), 1);
    ck_assert_uint_eq(count_entries(audit, "POST", AUDIT_REFUSED, ""), 0);
    ck_assert_uint_eq(count_entries(audit, "provide", AUDIT_REFUSED, "rig-1"), 1);
    ck_assert_uint_eq(count_entries(audit, "logout", AUDIT_DONE, "anna"), 1);
    audit_destroy(audit);
    rig_close(rig);
}
END_TEST

START_TEST(a_login_that_cannot_be_read_is_refused)
{
    static const char *const bodies[] = {"", "[]", "{\"user\":\"anna\"}", "{\"user\":7,\"password\":\"x\"}", "{\"user\":\"anna\",\"password\":\"x\",\"user\":\"otto\"}", "\xff"};
    begin_access();
    let_user_in("anna", ROLE_VIEWER, false);
    Rig *rig = open_required();
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        ck_assert_int_eq(ask(rig, "POST", "/api/v1/login", "", bodies[i]).status, 400);
    rig_close(rig);
}
END_TEST

START_TEST(a_login_ends_after_a_shift_without_use_and_after_a_week)
{
    const Key key = {.kind = KEY_USER, .name = "anna", .role = ROLE_VIEWER, .password = ""};
    const int64_t shift = LOGIN_IDLE_S * NS_PER_S, life = LOGIN_LIFE_S * NS_PER_S;
    Logins logins = {0};
    char cookie[SECRET_ROOM], other[SECRET_ROOM];
    ck_assert_int_eq(secrets_begin(NULL), ERR_OK);
    ck_assert_int_eq(logins_init(&logins), ERR_OK);
    logins_begin(&logins, &key, 0, cookie);
    ck_assert_ptr_nonnull(logins_use(&logins, cookie, shift - 1));
    ck_assert_ptr_nonnull(logins_use(&logins, cookie, 2 * shift - 2));
    ck_assert_ptr_null(logins_use(&logins, cookie, 3 * shift - 2));

    logins_begin(&logins, &key, 0, cookie);
    for (int64_t at = shift / 2; at < life; at += shift / 2)
        ck_assert_ptr_nonnull(logins_use(&logins, cookie, at));
    ck_assert_ptr_null(logins_use(&logins, cookie, life));

    // the one that was used longest ago makes room
    logins_begin(&logins, &key, life, cookie);
    for (int i = 1; i <= LOGINS_MAX; i++)
        logins_begin(&logins, &key, life + i, other);
    ck_assert_ptr_null(logins_use(&logins, cookie, life + LOGINS_MAX));
    ck_assert_ptr_nonnull(logins_use(&logins, other, life + LOGINS_MAX));
    logins_fini(&logins);
}
END_TEST

START_TEST(waits_double_up_to_a_minute_and_are_forgotten)
{
    static const int expected[] = {0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60};
    Throttle throttle;
    ck_assert_int_eq(secrets_begin(NULL), ERR_OK);
    ck_assert_int_eq(throttle_init(&throttle), ERR_OK);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        ck_assert_int_eq(throttle_wait(&throttle, "peer", 0), expected[i]);
        throttle_try(&throttle, "peer", 0);
    }
    ck_assert_int_eq(throttle_wait(&throttle, "peer", 59 * NS_PER_S), 1);
    ck_assert_int_eq(throttle_wait(&throttle, "peer", 60 * NS_PER_S), 0);
    ck_assert_int_eq(throttle_wait(&throttle, "other", 0), 0);

    // many others, who fail once, do not push out who fails often
    char name[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "%d", i);
        throttle_try(&throttle, name, NS_PER_S);
    }
    ck_assert_int_eq(throttle_wait(&throttle, "peer", NS_PER_S), 59);
    throttle_try(&throttle, "peer", THROTTLE_MEMORY_S * NS_PER_S);
    ck_assert_int_eq(throttle_wait(&throttle, "peer", THROTTLE_MEMORY_S * NS_PER_S), 0);
    throttle_forgive(&throttle, "peer");
    throttle_fini(&throttle);
}
END_TEST

// Tokens.

START_TEST(a_token_that_has_expired_or_is_unknown_lets_nobody_in)
{
    char other[TOKEN_ROOM];
    begin_access();
    let_token_in(0, "old", ROLE_ADMIN, NULL, NULL, clock_system.utc_ns(clock_system.self) - NS_PER_S);
    let_token_in(1, "young", ROLE_VIEWER, NULL, NULL, clock_system.utc_ns(clock_system.self) + 3600 * NS_PER_S);
    token_make(other);
    Rig *rig = open_required();
    const Said said = ask_with(rig, tokens[0], "/api/v1/plant");
    ck_assert_int_eq(said.status, 401);
    ck_assert_ptr_nonnull(strstr(said.body, "this token has expired"));
    ck_assert_ptr_nonnull(strstr(said.head, "www-authenticate: Bearer"));
    ck_assert_int_eq(ask_with(rig, tokens[1], "/api/v1/plant").status, 200);
    ck_assert_int_eq(ask_with(rig, other, "/api/v1/plant").status, 401);
    ck_assert_int_eq(ask(rig, "GET", "/api/v1/plant", "Authorization: Basic YW5uYTpiZXJ0\r\n", "").status, 401);
    ck_assert_int_eq(upgrade_status(rig, bearer(tokens[0])), 401);
    ck_assert_int_eq(upgrade_status(rig, ""), 401);
    rig_close(rig);
}
END_TEST

START_TEST(a_token_that_is_revoked_ends_what_came_by_it)
{
    begin_access();
    let_token_in(0, "first", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    let_token_in(1, "second", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    Rig *rig = open_required();
    Peer *first = open_socket(rig, bearer(tokens[0])), *second = open_socket(rig, bearer(tokens[1]));
    revoke_token("first");
    ck_assert_int_eq(peer_closed(rig, first), 1008);
    ck_assert_int_eq(ask_with(rig, tokens[0], "/api/v1/plant").status, 401);
    ck_assert_ptr_nonnull(strstr(exchange(rig, second, "{\"topic\":\"subscribe\",\"headers\":{\"id\":41},\"value\":{}}"), "\"status\":200"));
    peer_close(first);
    peer_close(second);
    rig_close(rig);
}
END_TEST

/* A stream of events, its headers read. */
static Peer *open_stream(const Rig *rig, const char *headers)
{
    char request[1024];
    Peer *peer = peer_connect(rig);
    snprintf(request, sizeof request, "GET /api/v1/events HTTP/1.1\r\nHost: localhost:%d\r\n%s\r\n", server_port(rig->server), headers);
    peer_send(peer, request, strlen(request));
    ck_assert_int_eq(peer_head(peer), 200);
    return peer;
}

/* Whether the other side ends it within some seconds. */
static bool stream_ends(Rig *rig, Peer *peer)
{
    const int64_t until = clock_system.elapsed_ns(NULL) + 8 * NS_PER_S;
    char bytes[4096];
    while (clock_system.elapsed_ns(NULL) < until) {
        struct pollfd poller = {.fd = peer->file, .events = POLLIN};
        rig_turn(rig);
        if (poll(&poller, 1, 10) > 0 && recv(peer->file, bytes, sizeof bytes, 0) <= 0)
            return true;
    }
    return false;
}

START_TEST(streams_of_events_end_with_the_access_by_which_they_came)
{
    Pass pass;
    char headers[512];
    begin_access();
    let_user_in("anna", ROLE_VIEWER, false);
    let_token_in(0, "first", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    let_token_in(1, "second", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    let_token_in(2, "short", ROLE_VIEWER, NULL, NULL, clock_system.utc_ns(NULL) + 2 * NS_PER_S);
    Rig *rig = open_required();
    log_in(rig, "anna", PASSWORD, &pass);
    Peer *first = open_stream(rig, bearer(tokens[0])), *second = open_stream(rig, bearer(tokens[1]));
    Peer *brief = open_stream(rig, bearer(tokens[2])), *login = open_stream(rig, pass.cookie);

    snprintf(headers, sizeof headers, "%sX-Pollux-CSRF: %s\r\n", pass.cookie, pass.csrf);
    ck_assert_int_eq(ask(rig, "POST", "/api/v1/logout", headers, "").status, 204);
    ck_assert(stream_ends(rig, login));
    revoke_token("first");
    ck_assert(stream_ends(rig, first));
    ck_assert(stream_ends(rig, brief));

    // the one that may stay goes on
    rig_sample(rig, 0, 31);
    rig_sample(rig, 1, 31);
    for (int i = 0; i < 500 && !memmem(second->bytes, second->length, "event: tick\n", 12); i++) {
        rig_turn(rig);
        peer_read(second, 10);
    }
    ck_assert_ptr_nonnull(memmem(second->bytes, second->length, "event: tick\n", 12));
    Peer *const all[] = {first, second, brief, login};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        peer_close(all[i]);
    rig_close(rig);
}
END_TEST

/* The server looks once a second by itself, so it would take eight changes 4 s on average (standard deviation 0.8 s) to be seen. */
START_TEST(a_change_of_the_file_counts_at_once_where_it_is_asked_for)
{
    begin_access();
    let_token_in(0, "rig", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    Rig *rig = open_required();
    int64_t waited = 0;
    for (int i = 0; i < 8; i++) {
        char name[24];
        snprintf(name, sizeof name, "token-%d", i);
        const char *token = let_token_in(1, name, ROLE_VIEWER, NULL, NULL, TIME_NONE);
        const int64_t begin = clock_system.elapsed_ns(NULL);
        server_look(rig->server);
        while (ask_with(rig, token, "/api/v1/plant").status == 401 && clock_system.elapsed_ns(NULL) - begin < 5 * NS_PER_S)
            sleep_ms(5);
        waited += clock_system.elapsed_ns(NULL) - begin;
        sleep_ms(130);  // not in step with the server's own looks
    }
    ck_assert_msg(waited < 2 * NS_PER_S, "it took %lld ms", (long long)(waited / NS_PER_MS));
    rig_close(rig);
}
END_TEST

START_TEST(a_version_of_the_file_that_is_wrong_changes_nothing)
{
    begin_access();
    let_token_in(0, "rig", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    Rig *rig = open_required();
    log_set_level(LOG_ERROR + 1);
    FILE *file = fopen(access_path, "w");
    ck_assert(file && fputs("{\"tokens\": [", file) >= 0 && fclose(file) == 0);
    sleep_ms(1300);
    ck_assert_int_eq(ask_with(rig, tokens[0], "/api/v1/plant").status, 200);
    unlink(access_path);
    let_token_in(1, "other", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    sleep_ms(1300);
    ck_assert_int_eq(ask_with(rig, tokens[0], "/api/v1/plant").status, 401);
    ck_assert_int_eq(ask_with(rig, tokens[1], "/api/v1/plant").status, 200);
    log_set_level(LOG_ERROR);
    rig_close(rig);
}
END_TEST

// Devices and people at a WebSocket.

#define PROVIDE(id, tag, actuator) \
    "{\"topic\":\"provide\",\"headers\":{\"id\":" #id "},\"value\":{\"device\":\"rig\",\"tags\":{" tag "},\"actuators\":[" actuator "]}}"

START_TEST(a_device_provides_and_obeys_its_tags_alone)
{
    begin_access();
    rig_tanks = 2;
    let_token_in(0, "rig-1", ROLE_NOBODY, "tank1.*", "tank1.valve", TIME_NONE);
    Rig *rig = open_required();
    Peer *peer = open_socket(rig, bearer(tokens[0]));
    ck_assert_ptr_nonnull(strstr(exchange(rig, peer, PROVIDE(31, "\"tank2.gauge\":{}", "")), "\"status\":403"));
    ck_assert_ptr_nonnull(strstr(peer->text, "rig-1 may not provide \\\"tank2.gauge\\\""));
    ck_assert_ptr_nonnull(strstr(exchange(rig, peer, PROVIDE(32, "\"tank*.gauge\":{}", "")), "\"status\":403"));
    ck_assert_ptr_nonnull(strstr(exchange(rig, peer, PROVIDE(33, "\"tank1.gauge\":{}", "\"tank2.valve\"")), "rig-1 may not actuate \\\"tank2.valve\\\""));
    ck_assert_ptr_nonnull(strstr(exchange(rig, peer, PROVIDE(34, "\"tank1.gauge\":{}", "\"tank1.valve\"")), "\"status\":200"));

    // it is no observer, and gives no commands
    ck_assert_ptr_nonnull(strstr(exchange(rig, peer, "{\"topic\":\"subscribe\",\"headers\":{\"id\":35},\"value\":{}}"), "\"status\":403"));
    ck_assert_ptr_nonnull(
        strstr(exchange(rig, peer, "{\"topic\":\"actuate\",\"headers\":{\"id\":36},\"value\":{\"tag\":\"tank1.valve\",\"value\":1,\"reason\":\"x\"}}"), "\"status\":403"));
    ck_assert_int_eq(ask_with(rig, tokens[0], "/api/v1/plant").status, 403);
    peer_close(peer);
    rig_tanks = 1;
    rig_close(rig);
}
END_TEST

START_TEST(a_device_that_keeps_offering_what_it_may_not_is_cut_off)
{
    begin_access();
    rig_tanks = 2;
    let_token_in(0, "rig-1", ROLE_NOBODY, "tank1.*", NULL, TIME_NONE);
    Rig *rig = open_required();
    Peer *peer = open_socket(rig, bearer(tokens[0]));
    for (int i = 0; i < 100; i++)
        peer_say(peer, PROVIDE(31, "\"tank2.gauge\":{}", ""));
    int refusals = 0, op;
    while ((op = peer_hear(rig, peer)) == OP_TEXT)
        refusals += strstr(peer->text, "may not provide") != NULL;
    ck_assert_int_eq(refusals, 99);  // and the last is answered by the end
    ck_assert_int_eq(op, OP_CLOSE);
    ck_assert_int_eq((unsigned char)peer->text[0] << 8 | (unsigned char)peer->text[1], 1008);
    peer_close(peer);
    rig_tanks = 1;
    rig_close(rig);
}
END_TEST

START_TEST(who_looks_on_is_no_device)
{
    begin_access();
    let_token_in(0, "wall", ROLE_ADMIN, NULL, NULL, TIME_NONE);
    Rig *rig = open_required();
    Peer *peer = open_socket(rig, bearer(tokens[0]));
    ck_assert_ptr_nonnull(strstr(exchange(rig, peer, PROVIDE(31, "", "")), "\"status\":403"));
    ck_assert_ptr_nonnull(strstr(exchange(rig, peer, PROVIDE(32, "\"tank1.gauge\":{}", "")), "\"status\":403"));
    ck_assert_ptr_nonnull(strstr(exchange(rig, peer, "{\"topic\":\"subscribe\",\"headers\":{\"id\":33},\"value\":{}}"), "\"status\":200"));
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(nobody_takes_the_place_of_a_device_that_came_by_another_key)
{
    begin_access();
    let_token_in(0, "rig-1", ROLE_NOBODY, "*", NULL, TIME_NONE);
    let_token_in(1, "rig-2", ROLE_NOBODY, "*", NULL, TIME_NONE);
    Rig *rig = open_required();
    Peer *first = open_socket(rig, bearer(tokens[0])), *second = open_socket(rig, bearer(tokens[1])), *again = open_socket(rig, bearer(tokens[0]));
    ck_assert_ptr_nonnull(strstr(exchange(rig, first, PROVIDE(31, "\"tank1.gauge\":{}", "")), "\"status\":200"));
    ck_assert_ptr_nonnull(strstr(exchange(rig, second, PROVIDE(32, "\"tank1.gauge\":{}", "")), "\"status\":409"));
    ck_assert_ptr_nonnull(strstr(exchange(rig, again, PROVIDE(33, "\"tank1.gauge\":{}", "")), "\"status\":200"));
    peer_close(first);
    peer_close(second);
    peer_close(again);
    rig_close(rig);
}
END_TEST

/* What the tick is asked next. */
static ServerAsk next_ask(Rig *rig)
{
    ServerAsk asked;
    for (int i = 0; i < 500; i++) {
        if (server_poll(rig->server, &asked))
            return asked;
        sleep_ms(10);
    }
    ck_abort_msg("the tick was asked nothing");
}

START_TEST(what_somebody_does_is_told_by_his_name)
{
    begin_access();
    let_token_in(0, "anna", ROLE_OPERATOR, NULL, NULL, TIME_NONE);
    let_token_in(1, "otto", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    Rig *rig = open_required();
    Peer *anna = open_socket(rig, bearer(tokens[0])), *otto = open_socket(rig, bearer(tokens[1]));
    peer_say(anna, "{\"topic\":\"acknowledge\",\"headers\":{\"id\":2},\"value\":{\"alarm\":7,\"by\":\"otto\"}}");
    ck_assert_str_eq(next_ask(rig).act.by, "anna");
    peer_say(anna, "{\"topic\":\"actuate\",\"headers\":{\"id\":3},\"value\":{\"tag\":\"tank1.valve\",\"value\":1,\"reason\":\"x\"}}");
    ck_assert_str_eq(next_ask(rig).wish.by, "anna");
    ck_assert_ptr_nonnull(strstr(exchange(rig, otto, "{\"topic\":\"acknowledge\",\"headers\":{\"id\":52},\"value\":{\"alarm\":7,\"by\":\"anna\"}}"),
                                 "otto may not: this needs the right to acknowledge"));
    peer_close(anna);
    peer_close(otto);
    rig_close(rig);
}
END_TEST

// TLS.

static const char *file_of(const char *name)
{
    static char paths[8][400];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof *paths, "%s/%s", kit_folder(), name);
    return path;
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char command[1500], line[1600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "cd %s && (%s) 2>openssl.log", kit_folder(), command);
    ck_assert_msg(system(line) == 0, "%s", command);
}

/* NAME.pem and NAME.key, signed by CA, or by itself. */
static void make_certificate(const char *name, const char *ca, const char *alternatives)
{
    run("printf 'subjectAltName=%s\\n' > %s.ext", alternatives, name);
    run("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out %s.csr -subj /O=Works/CN=%s", name, name, name);
    if (ca)
        run("openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days 2 -extfile %s.ext -out %s.pem", name, ca, ca, name, name);
    else
        run("openssl x509 -req -in %s.csr -signkey %s.key -days 2 -extfile %s.ext -out %s.pem", name, name, name, name);
}

static Rig *open_tls(const char *bind, const char *client_ca)
{
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    def.bind = bind;
    def.access = access_path;
    def.tls_certificate = file_of("server.pem");
    def.tls_key = file_of("server.key");
    def.tls_client_ca = client_ca ? file_of(client_ca) : NULL;
    rig_serve(rig, &def);
    return rig;
}

/* One request over TLS, whose `line` is its method and path: the status of its answer, 0 when there is none. `certificate` names the files of a client's. */
static int say_tls(const Rig *rig, const char *certificate, const char *line, const char *host, const char *headers, const char *body)
{
    char request[1024], answer[1024] = "";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    char name[64];
    if (certificate) {
        snprintf(name, sizeof name, "%s.pem", certificate);
        ck_assert_int_eq(SSL_CTX_use_certificate_file(context, file_of(name), SSL_FILETYPE_PEM), 1);
        snprintf(name, sizeof name, "%s.key", certificate);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(context, file_of(name), SSL_FILETYPE_PEM), 1);
    }
    Peer *peer = peer_connect(rig);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, peer->file);
    snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", line, host, strlen(body), headers, body);
    const bool heard = SSL_connect(ssl) == 1 && SSL_write(ssl, request, (int)strlen(request)) > 0 && SSL_read(ssl, answer, sizeof answer - 1) > 0;
    ERR_clear_error();
    SSL_free(ssl);
    SSL_CTX_free(context);
    peer_close(peer);
    return heard ? atoi(answer + strlen("HTTP/1.1 ")) : 0;
}

static int ask_tls(const Rig *rig, const char *certificate, const char *host, const char *path, const char *headers)
{
    char line[512];
    snprintf(line, sizeof line, "GET %s", path);
    return say_tls(rig, certificate, line, host, headers, "");
}

/* As the first of those who were let in by a token. */
static int decide_tls(const Rig *rig, const char *line, const char *body)
{
    return say_tls(rig, NULL, line, "localhost", bearer(tokens[0]), body);
}

START_TEST(beyond_this_machine_it_needs_tls_and_somebody_to_let_in)
{
    ErrText why;
    begin_access();
    make_certificate("server", NULL, "DNS:localhost,DNS:*.works.example,IP:127.0.0.1");
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    def.bind = "0.0.0.0";
    ck_assert_int_eq(server_create(&def, &rig->server, &why), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(why.text, "--tls-certificate FILE --tls-key FILE"));

    def.tls_certificate = file_of("server.pem");
    def.tls_key = file_of("server.key");
    ck_assert_int_eq(server_create(&def, &rig->server, &why), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(why.text, "pollux user add"));
    def.access = access_path;
    ck_assert_int_eq(server_create(&def, &rig->server, &why), ERR_IO);

    let_token_in(0, "old", ROLE_ADMIN, NULL, NULL, 0);
    ck_assert_int_eq(server_create(&def, &rig->server, &why), ERR_DENIED);
    let_token_in(1, "wall", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    rig_serve(rig, &def);
    ck_assert_int_eq(ask_tls(rig, NULL, "localhost", "/api/v1/plant", ""), 401);
    ck_assert_int_eq(ask_tls(rig, NULL, "localhost", "/api/v1/plant", bearer(tokens[1])), 200);
    rig_close(rig);
}
END_TEST

START_TEST(names_of_the_certificate_are_ours_and_others_are_not)
{
    begin_access();
    let_token_in(0, "wall", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    make_certificate("server", NULL, "DNS:plant.example,DNS:*.works.example");
    Rig *rig = open_tls("127.0.0.1", NULL);
    const struct {
        const char *host, *origin;
        int status;
    } cases[] = {
        {"plant.example", "", 200},
        {"PLANT.example:8443", "", 200},
        {"a.works.example", "", 200},
        {"works.example", "", 403},
        {"a.b.works.example", "", 403},
        {"evil.example", "", 403},
        {"plant.example", "Origin: https://plant.example\r\n", 200},
        {"plant.example:8443", "Origin: https://plant.example:8443\r\n", 200},
        {"plant.example", "Origin: http://plant.example\r\n", 403},
        {"plant.example", "Origin: https://evil.example\r\n", 403},
        {"plant.example", "Origin: https://plant.example:1\r\n", 403},
        {"plant.example", "Origin: null\r\n", 403},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char headers[256];
        snprintf(headers, sizeof headers, "%s%s", bearer(tokens[0]), cases[i].origin);
        const int status = ask_tls(rig, NULL, cases[i].host, "/api/v1/plant", headers);
        ck_assert_msg(status == cases[i].status, "%s %s: %d", cases[i].host, cases[i].origin, status);
    }
    rig_close(rig);
}
END_TEST

START_TEST(names_that_the_server_was_told_are_ours)
{
    static const char *const hosts[] = {"plant.example"};
    begin_access();
    let_token_in(0, "wall", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    ErrText why;
    def.hosts = hosts;
    def.host_count = 1;
    ck_assert_int_eq(server_create(&def, &rig->server, &why), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(why.text, "--access"));

    def.access = access_path;
    rig_serve(rig, &def);
    Peer *peer = peer_connect(rig);
    char request[512];
    snprintf(request, sizeof request, "GET /api/v1/plant HTTP/1.1\r\nHost: plant.example\r\nOrigin: https://plant.example\r\n%s\r\n", bearer(tokens[0]));
    ck_assert_int_eq(peer_ask(peer, request).status, 200);
    peer_close(peer);
    rig_close(rig);
}
END_TEST

START_TEST(a_wrong_certificate_of_ours_is_named)
{
    ErrText why;
    begin_access();
    let_token_in(0, "wall", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    make_certificate("server", NULL, "DNS:localhost");
    make_certificate("other", NULL, "DNS:localhost");
    const struct {
        const char *certificate, *key, *ca, *expected;
    } cases[] = {
        {"server.pem", NULL, NULL, "both, --tls-certificate and --tls-key"},
        {"server.key", "server.key", NULL, "server.key: expected a certificate in PEM form"},
        {"server.pem", "other.key", NULL, "other.key: expected the private key of the certificate"},
        {"server.pem", "nowhere.key", NULL, "nowhere.key: expected the private key"},
        {"server.pem", "server.key", "server.key", "server.key: expected certificates of authorities"},
    };
    Rig *rig = rig_make(false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ServerDef def = rig_def(rig);
        def.access = access_path;
        def.tls_certificate = file_of(cases[i].certificate);
        def.tls_key = cases[i].key ? file_of(cases[i].key) : NULL;
        def.tls_client_ca = cases[i].ca ? file_of(cases[i].ca) : NULL;
        ck_assert_int_ne(server_create(&def, &rig->server, &why), ERR_OK);
        ck_assert_msg(strstr(why.text, cases[i].expected) != NULL, "expected \"%s\" in: %s", cases[i].expected, why.text);
    }
    rig_close(rig);
}
END_TEST

/* Whether the server shows a certificate that is made out to this host. */
static bool presents(const Rig *rig, const char *host)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    Peer *peer = peer_connect(rig);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, peer->file);
    ck_assert_int_eq(SSL_connect(ssl), 1);
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    const bool is_named = X509_check_host(certificate, host, 0, 0, NULL) == 1;
    X509_free(certificate);
    SSL_free(ssl);
    SSL_CTX_free(context);
    peer_close(peer);
    return is_named;
}

START_TEST(a_renewed_certificate_is_taken_over_without_a_restart)
{
    begin_access();
    let_token_in(0, "wall", ROLE_VIEWER, NULL, NULL, TIME_NONE);
    make_certificate("server", NULL, "DNS:first.example");
    Rig *rig = open_tls(NULL, NULL);
    ck_assert(presents(rig, "first.example"));

    // the key of another certificate: the one before goes on
    log_set_level(LOG_ERROR + 1);
    make_certificate("next", NULL, "DNS:second.example");
    run("cp next.pem server.pem");
    server_look(rig->server);
    sleep_ms(100);
    ck_assert(presents(rig, "first.example"));
    log_set_level(LOG_ERROR);

    // its own key comes behind it
    run("cp next.key server.key");
    server_look(rig->server);
    for (int i = 0; i < 500 && !presents(rig, "second.example"); i++)
        sleep_ms(10);
    ck_assert(presents(rig, "second.example"));
    ck_assert_int_eq(ask_tls(rig, NULL, "second.example", "/api/v1/plant", bearer(tokens[0])), 200);
    ck_assert_int_eq(ask_tls(rig, NULL, "first.example", "/api/v1/plant", bearer(tokens[0])), 403);
    rig_close(rig);
}
END_TEST

/* Let the device with the certificate NAME.pem in, to send the gauge of tank1. */
static void let_certificate_in(const char *name, bool by_subject)
{
    static const char *const gauge[] = {"tank1.gauge"};
    X509 *certificate;
    CertificateId id;
    char file[64];
    snprintf(file, sizeof file, "%s.pem", name);
    ck_assert_int_eq(certificate_load(file_of(file), &certificate, NULL), ERR_OK);
    ck_assert(certificate_identify(certificate, &id));
    X509_free(certificate);
    let_in(&(Key){.kind = KEY_CERTIFICATE, .name = name, .hash = id.fingerprint, .subject = by_subject ? id.subject : NULL, .role = ROLE_VIEWER,
                  .provide = {gauge, 1}, .created = TIME_NONE, .expires = TIME_NONE});
}

START_TEST(a_device_is_known_by_its_certificate)
{
    begin_access();
    make_certificate("server", NULL, "DNS:localhost");
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2");
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout foreign.key -out foreign.pem -subj /CN=ca -days 2");
    make_certificate("rig-1", "ca", "DNS:rig-1");
    make_certificate("rig-2", "ca", "DNS:rig-2");
    make_certificate("stranger", "ca", "DNS:stranger");
    let_certificate_in("rig-1", false);
    let_certificate_in("rig-2", true);
    make_certificate("rig-2", "ca", "DNS:rig-2");  // renewed: its subject is the same
    Rig *rig = open_tls(NULL, "ca.pem");
    ck_assert_int_eq(ask_tls(rig, "rig-1", "localhost", "/api/v1/plant", ""), 200);
    ck_assert_int_eq(ask_tls(rig, "rig-2", "localhost", "/api/v1/plant", ""), 200);
    ck_assert_int_eq(ask_tls(rig, "stranger", "localhost", "/api/v1/plant", ""), 401);
    ck_assert_int_eq(ask_tls(rig, NULL, "localhost", "/api/v1/plant", ""), 401);

    // the same name, but vouched for by somebody else: there is not even a connection
    make_certificate("rig-1", "foreign", "DNS:rig-1");
    log_set_level(LOG_ERROR + 1);
    ck_assert_int_eq(ask_tls(rig, "rig-1", "localhost", "/api/v1/plant", ""), 0);
    log_set_level(LOG_ERROR);
    rig_close(rig);
}
END_TEST

/* Let a device try for some seconds: whether it came in. */
static bool comes_in(Rig *rig, const DeviceDef *def, int ms)
{
    ErrText why = {0};
    Device *device;
    ck_assert_msg(device_open(def, &device, &why) == ERR_OK, "%s", why.text);
    bool connected = false;
    for (int i = 0; i < ms / 10 && !connected; i++) {
        device_service(device, 10 * NS_PER_MS);
        rig_turn(rig);
        connected = device_state(device).connected;
    }
    device_close(device);
    return connected;
}

START_TEST(a_device_of_ours_comes_by_token_or_certificate_over_tls)
{
    begin_access();
    make_certificate("server", NULL, "DNS:localhost");
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2");
    make_certificate("rig-1", "ca", "DNS:rig-1");
    let_certificate_in("rig-1", false);
    let_token_in(0, "rig-2", ROLE_NOBODY, "tank1.*", NULL, TIME_NONE);
    Rig *rig = open_tls(NULL, "ca.pem");
    const WireTag gauge = {"tank1.gauge", NULL};
    char url[64], numbers[64];
    snprintf(url, sizeof url, "wss://localhost:%d", server_port(rig->server));
    snprintf(numbers, sizeof numbers, "wss://127.0.0.1:%d", server_port(rig->server));
    DeviceDef def = {.url = url, .name = "rig", .ca = file_of("server.pem"), .tags = &gauge, .tag_count = 1};
    log_set_level(LOG_ERROR + 1);

    ck_assert(!comes_in(rig, &def, 1000));
    def.token = tokens[0];
    ck_assert(comes_in(rig, &def, 10000));
    def.token = NULL;
    def.certificate = file_of("rig-1.pem");
    def.key = file_of("rig-1.key");
    ck_assert(comes_in(rig, &def, 10000));

    // who answers must be who was called, by somebody who is trusted
    def.url = numbers;
    ck_assert(!comes_in(rig, &def, 1000));
    def.url = url;
    def.ca = file_of("ca.pem");
    ck_assert(!comes_in(rig, &def, 1000));
    log_set_level(LOG_ERROR);
    rig_close(rig);
}
END_TEST

/* A device that nobody knows and that shows a certificate of its authority's: it is claimed by that, and is known by it from then on. */
START_TEST(a_stranger_is_claimed_by_the_certificate_that_it_shows)
{
    Registry *registry;
    begin_access();
    make_certificate("server", NULL, "DNS:localhost");
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2");
    make_certificate("rig-1", "ca", "DNS:rig-1");
    let_token_in(0, "anna", ROLE_ENGINEER, NULL, NULL, TIME_NONE);
    ck_assert_int_eq(registry_open(NULL, NULL, &registry, NULL), ERR_OK);
    Rig *rig = rig_make_with(registry, false);
    ServerDef server = rig_def(rig);
    server.access = access_path;
    server.registry = registry;
    server.tls_certificate = file_of("server.pem");
    server.tls_key = file_of("server.key");
    server.tls_client_ca = file_of("ca.pem");
    rig_serve(rig, &server);

    char url[64];
    const WireTag depth = {"depth", "mm"};
    snprintf(url, sizeof url, "wss://localhost:%d", server_port(rig->server));
    const DeviceDef def = {.url = url, .name = "rig-1", .ca = file_of("server.pem"), .certificate = file_of("rig-1.pem"), .key = file_of("rig-1.key"), .tags = &depth, .tag_count = 1};
    log_set_level(LOG_ERROR + 1);
    ck_assert(!comes_in(rig, &def, 1000));
    ck_assert_int_eq(decide_tls(rig, "PUT /api/v1/pairing", "{\"seconds\":600}"), 200);
    ck_assert(comes_in(rig, &def, 10000));
    ck_assert_int_eq(decide_tls(rig, "POST /api/v1/devices/rig-1/claim", "{\"bindings\":{\"depth\":\"tank1.gauge\"}}"), 200);
    ck_assert_int_eq(decide_tls(rig, "PUT /api/v1/pairing", "{\"seconds\":0}"), 200);
    ck_assert(comes_in(rig, &def, 10000));
    ck_assert_int_eq(decide_tls(rig, "DELETE /api/v1/devices/rig-1", ""), 204);
    ck_assert(!comes_in(rig, &def, 1000));
    log_set_level(LOG_ERROR);
    rig_close(rig);
    registry_close(registry);
}
END_TEST

START_TEST(a_token_is_not_sent_where_everybody_can_read_it)
{
    Device *device;
    ErrText why;
    const DeviceDef def = {.url = "ws://192.0.2.1:8080", .name = "rig", .token = "plx_x"};
    ck_assert_int_eq(device_open(&def, &device, &why), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(why.text, "use wss://"));
}
END_TEST

KIT_MAIN("server.access", every_route_is_open_to_the_roles_that_have_its_right_alone, what_changes_something_needs_more_than_seeing_it,
         signs_of_life_and_the_login_page_are_for_everybody, without_an_access_file_everybody_here_may_do_everything,
         a_login_is_a_cookie_that_scripts_and_other_sites_cannot_use, a_cookie_alone_changes_nothing, who_logs_out_is_gone_with_his_sockets,
         wrong_passwords_are_looked_at_ever_more_seldom, the_time_of_a_refusal_does_not_tell_who_exists, the_service_goes_on_while_passwords_are_looked_at,
         logins_and_refusals_are_noted_and_strangers_do_not_fill_the_trail, a_login_that_cannot_be_read_is_refused, a_login_ends_after_a_shift_without_use_and_after_a_week, waits_double_up_to_a_minute_and_are_forgotten,
         a_token_that_has_expired_or_is_unknown_lets_nobody_in, a_token_that_is_revoked_ends_what_came_by_it,
         streams_of_events_end_with_the_access_by_which_they_came, a_change_of_the_file_counts_at_once_where_it_is_asked_for, a_version_of_the_file_that_is_wrong_changes_nothing,
         a_device_provides_and_obeys_its_tags_alone, a_device_that_keeps_offering_what_it_may_not_is_cut_off, who_looks_on_is_no_device, nobody_takes_the_place_of_a_device_that_came_by_another_key,
         what_somebody_does_is_told_by_his_name, beyond_this_machine_it_needs_tls_and_somebody_to_let_in, names_of_the_certificate_are_ours_and_others_are_not,
         names_that_the_server_was_told_are_ours, a_wrong_certificate_of_ours_is_named,
         a_renewed_certificate_is_taken_over_without_a_restart, a_device_is_known_by_its_certificate,
         a_device_of_ours_comes_by_token_or_certificate_over_tls, a_stranger_is_claimed_by_the_certificate_that_it_shows, a_token_is_not_sent_where_everybody_can_read_it)
