/* login.c -- logging in and out, and who may do what: /api/v1/login, logout, permissions. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "server/guard.h"
#include "server/inside.h"
#include "server/routes.h"

enum {
    BODY_MAX = 8 * 1024,
    LOGIN_WAIT_S = 30,  // for the password to be looked at
};

static int64_t now_ns(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

// Who may do what.

static void put_text_or_null(Text *out, const char *text)
{
    if (text)
        text_json_string(out, text);
    else
        text_put(out, "null");
}

static void put_patterns(Text *out, TagPatterns patterns)
{
    for (size_t i = 0; i < patterns.count; i++) {
        text_put(out, i ? "," : "");
        text_json_string(out, patterns.items[i]);
    }
}

static void put_rights(Text *out, Role role)
{
    const char *before = "";
    for (Right right = RIGHT_VIEW; right <= RIGHT_ADMIN; right++)
        if (role_may(role, right)) {
            text_format(out, "%s\"%s\"", before, right_name(right));
            before = ",";
        }
}

static void put_permissions(const Server *server, const Caller *caller, Text *out)
{
    static const char *const every[] = {"*"};
    const TagPatterns all = {every, 1};
    Access *access = server->access;
    const Key *key = access ? access_key(access, caller) : NULL;
    const Login *login = access && caller->login ? logins_use_id(&access->logins, caller->login, now_ns()) : NULL;
    text_format(out, "{\"access\":\"%s\",\"user\":", access ? "required" : "open");
    put_text_or_null(out, *caller->name ? caller->name : NULL);
    text_put(out, ",\"role\":");
    put_text_or_null(out, access && caller->role != ROLE_NOBODY ? role_name(caller->role) : NULL);
    text_put(out, ",\"rights\":[");
    put_rights(out, caller->role);
    text_put(out, "],\"provide\":[");
    put_patterns(out, !access ? all : key ? key->provide : (TagPatterns){0});
    text_put(out, "],\"actuate\":[");
    put_patterns(out, !access ? all : key ? key->actuate : (TagPatterns){0});
    text_put(out, "],\"csrf\":");
    put_text_or_null(out, login ? login->csrf : NULL);
    text_put(out, "}");
}

static void answer_permissions(Server *server, const Request *request, Reply *reply)
{
    put_permissions(server, &request->caller, reply->body);
}

// Logging in.

/* `seconds` of life; 0 makes a browser forget it. */
static void set_cookie(const Server *server, const char *cookie, int seconds, Reply *reply)
{
    snprintf(reply->cookie, sizeof reply->cookie, SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", cookie, seconds,
             server->tls ? "; Secure" : "");
}

/* An address without its port; of IPv6 the network, within which everybody has as many addresses as he likes. */
static void name_network(const char *peer, char *out, size_t room)
{
    const char *end = strrchr(peer, ':');
    size_t length = end ? (size_t)(end - peer) : strlen(peer);
    if (*peer == '[') {
        size_t colons = 0;
        for (length = 0; peer[length] && colons < 4; length++)
            colons += peer[length] == ':';
    }
    snprintf(out, room, "peer %.*s", (int)length, peer);
}

/* Those who are counted when a password is tried: an address and a user. */
typedef struct Suspects {
    char peer[80], user[80];
} Suspects;

static Suspects suspect(const char *peer, const char *user)
{
    Suspects suspects;
    name_network(peer, suspects.peer, sizeof suspects.peer);
    snprintf(suspects.user, sizeof suspects.user, "user %.*s", KEY_NAME_MAX, user);
    return suspects;
}

static bool refuse_hurry(const Access *access, const Suspects *suspects, Reply *reply)
{
    const int peer = throttle_wait(&access->throttle, suspects->peer, now_ns()), user = throttle_wait(&access->throttle, suspects->user, now_ns());
    reply->retry_s = peer > user ? peer : user;
    if (reply->retry_s)
        reply_problem(reply, 429, "too many wrong passwords: the next is looked at in %d s", reply->retry_s);
    return reply->retry_s > 0;
}

static bool read_login(const Request *request, PasswordTry *try, Reply *reply)
{
    json_t *root = json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, NULL);
    const char *user = json_string_value(json_object_get(root, "user")), *password = json_string_value(json_object_get(root, "password"));
    const bool read = user && password;
    if (!read)
        reply_problem(reply, 400, "expected {\"user\": NAME, \"password\": PASSWORD}");
    else {
        // what is too long to be right is cut, and stays wrong: nothing that is kept is as long
        snprintf(try->user, sizeof try->user, "%.*s", strlen(user) <= KEY_NAME_MAX ? KEY_NAME_MAX : 0, user);
        snprintf(try->password, sizeof try->password, "%.*s", strlen(password) <= PASSWORD_MAX ? PASSWORD_MAX : 0, password);
    }
    json_decref(root);
    return read;
}

/* The hash that a password is held against: where there is no such user, that of another, so that the time that it takes does not tell. */
static bool find_hash(const Keyring *keyring, PasswordTry *try)
{
    const Key *key = keyring_find(keyring, KEY_USER, try->user);
    try->known = key != NULL;
    for (size_t i = 0; i < keyring->count && !key; i++)
        if (keyring->items[i].kind == KEY_USER)
            key = &keyring->items[i];
    if (key)
        snprintf(try->hash, sizeof try->hash, "%s", key->password);
    return key != NULL;
}

static bool has_verdict(const Server *server, uint64_t id)
{
    return verifier_has_answer(server->access->verifier, id);
}

static void refuse_login(const Server *server, const PasswordTry *try, Reply *reply)
{
    const char *detail = "no user has this name and password";
    reply_problem(reply, 401, "%s", detail);
    audit_note(server->audit, &(AuditNote){.peer = try->peer, .action = "login", .target = try->user, .outcome = AUDIT_REFUSED, .detail = detail});
}

/* The password fits. The key may be another than it was when that was asked. */
static void log_in(const Server *server, const PasswordTry *try, Reply *reply)
{
    Access *access = server->access;
    const Key *key = keyring_find(access->keyring, KEY_USER, try->user);
    const Suspects suspects = suspect(try->peer, try->user);
    char cookie[SECRET_ROOM];
    if (!key || strcmp(key->password, try->hash) != 0) {
        refuse_login(server, try, reply);
        return;
    }
    throttle_forgive(&access->throttle, suspects.user);
    const Login *login = logins_begin(&access->logins, key, now_ns(), cookie);
    Caller caller = {.role = key->role, .known = true, .kind = KEY_USER, .stamp = login->stamp, .login = login->id};
    snprintf(caller.name, sizeof caller.name, "%s", key->name);
    memcpy(caller.peer, try->peer, sizeof caller.peer);
    put_permissions(server, &caller, reply->body);
    set_cookie(server, cookie, LOGIN_LIFE_S, reply);
    server__note(server, &caller, "login", caller.name, AUDIT_DONE, "");
    secret_wipe(cookie, sizeof cookie);
}

static void answer_verdict(const Server *server, uint64_t id, Reply *reply)
{
    PasswordTry try;
    if (!verifier_take(server->access->verifier, id, &try)) {
        reply->retry_s = 1;
        reply_problem(reply, 503, "the password could not be looked at in time");
    } else if (try.fits) {
        log_in(server, &try, reply);
    } else {
        refuse_login(server, &try, reply);
    }
}

static void try_password(const Server *server, PasswordTry *try, Reply *reply)
{
    Access *access = server->access;
    static const Awaited verdict = {has_verdict, answer_verdict};
    const Suspects suspects = suspect(try->peer, try->user);
    if (refuse_hurry(access, &suspects, reply))
        return;
    throttle_try(&access->throttle, suspects.peer, now_ns());
    throttle_try(&access->throttle, suspects.user, now_ns());
    if (!find_hash(access->keyring, try)) {
        refuse_login(server, try, reply);
        return;
    }
    const uint64_t id = verifier_ask(access->verifier, try);
    if (id) {
        reply_await(reply, &verdict, id, LOGIN_WAIT_S);
    } else {
        reply->retry_s = 1;
        reply_problem(reply, 429, "too many passwords are waiting to be looked at");
    }
}

static void answer_login(Server *server, const Request *request, Reply *reply)
{
    PasswordTry try = {.known = false};
    if (!server->access) {
        put_permissions(server, &request->caller, reply->body);
        return;
    }
    memcpy(try.peer, request->caller.peer, sizeof try.peer);
    if (read_login(request, &try, reply))
        try_password(server, &try, reply);
    secret_wipe(&try, sizeof try);
}

static void answer_logout(Server *server, const Request *request, Reply *reply)
{
    if (request->caller.forged) {
        guard_permit(&request->caller, RIGHT_VIEW, reply);
        return;
    }
    if (request->caller.login) {
        logins_end(&server->access->logins, request->caller.login);
        server__note(server, &request->caller, "logout", request->caller.name, AUDIT_DONE, "");
    }
    set_cookie(server, "", 0, reply);
    reply->status = 204;
    server__recheck_clients(server);
}

const Route login_routes[] = {
    {.method = "GET", .path = "/api/v1/permissions", .right = RIGHT_NONE, .answer = answer_permissions},
    {.method = "POST", .path = "/api/v1/login", .right = RIGHT_NONE, .answer = answer_login, .body_max = BODY_MAX},
    {.method = "POST", .path = "/api/v1/logout", .right = RIGHT_NONE, .answer = answer_logout},
    {0},
};
