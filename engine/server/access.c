#include "server/access.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sodium.h>
#include <sys/stat.h>

static int64_t now_ns(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

static int64_t utc_ns(void)
{
    return clock_system.utc_ns(clock_system.self);
}

void caller_sign(const Caller *caller, char *out, size_t room)
{
    snprintf(out, room, "%s%.40s", *caller->name ? "" : "person:", *caller->name ? caller->name : caller->peer);
}

// The file.

/* What the file looks like from outside; 0: there is none. */
static uint64_t look_at(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return 0;
    const int64_t facts[] = {(int64_t)info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    return hash_bytes(0, facts, sizeof facts) | 1;
}

bool access_look(Access *access)
{
    const uint64_t version = look_at(access->path);
    if (version == access->version)
        return false;
    access->version = version;

    ErrText why = {0};
    Keyring *next;
    if (keyring_load(access->path, &next, &why)) {
        log_write(LOG_ERROR, "access", "the access file is refused, the one before goes on: %s", why.text);
        return false;
    }
    keyring_destroy(access->keyring);
    access->keyring = next;
    log_write(LOG_INFO, "access", "the access file has changed: %zu users, tokens and certificates", next->count);
    return true;
}

bool access_lets_somebody_in(const Access *access)
{
    for (size_t i = 0; i < access->keyring->count; i++)
        if (!key_has_expired(&access->keyring->items[i], utc_ns()))
            return true;
    return false;
}

Err access_open(const char *path, void (*wake)(void *self), void *self, Access **out, ErrText *why)
{
    Err err = secrets_begin(why);
    if (err)
        return err;
    Access *access = mem_alloc(sizeof *access);
    if (!access)
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    access->path = mem_alloc(strlen(path) + 1);
    if (!access->path || logins_init(&access->logins) || throttle_init(&access->throttle) || verifier_create(wake, self, &access->verifier)) {
        err = err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    } else {
        memcpy(access->path, path, strlen(path) + 1);
        access->version = look_at(path);
        err = keyring_load(path, &access->keyring, why);
    }
    if (err) {
        access_close(access);
        return err_prefix(why, err, "the access file");
    }
    *out = access;
    return ERR_OK;
}

void access_close(Access *access)
{
    if (!access)
        return;
    verifier_destroy(access->verifier);
    throttle_fini(&access->throttle);
    logins_fini(&access->logins);
    keyring_destroy(access->keyring);
    mem_free(access->path);
    mem_free(access);
}

// Who it is.

static void admit(Caller *caller, const Key *key)
{
    snprintf(caller->name, sizeof caller->name, "%s", key->name);
    caller->role = key->role;
    caller->kind = key->kind;
    caller->stamp = key_stamp(key);
    caller->known = true;
}

static void admit_key(Caller *caller, const Key *key, const char *unknown, const char *expired)
{
    if (!key)
        caller->doubt = unknown;
    else if (key_has_expired(key, utc_ns()))
        caller->doubt = expired;
    else
        admit(caller, key);
}

static void identify_token(const Access *access, const char *token, Caller *caller)
{
    SecretHash hash;
    const Key *key = token_hash(token, &hash) ? keyring_find_token(access->keyring, &hash) : NULL;
    admit_key(caller, key, "this token is not known here, or was revoked", "this token has expired");
}

static bool is_same_secret(const char *a, const char *b)
{
    return a && strlen(a) == strlen(b) && sodium_memcmp(a, b, strlen(b)) == 0;
}

/* The key of a login; NULL when it is another than that which was logged in by. */
static const Key *login_key(const Access *access, const Login *login)
{
    const Key *key = keyring_find(access->keyring, KEY_USER, login->user);
    return key && key_stamp(key) == login->stamp ? key : NULL;
}

static void identify_login(Access *access, const Showing *showing, Caller *caller)
{
    const Login *login = logins_use(&access->logins, showing->cookie, now_ns());
    const Key *key = login ? login_key(access, login) : NULL;
    if (!key) {
        caller->doubt = "this login has ended";
    } else if (showing->changes && !is_same_secret(showing->csrf, login->csrf)) {
        caller->doubt = "X-Pollux-CSRF: expected what GET /api/v1/permissions says";
        caller->forged = true;
    } else {
        admit(caller, key);
        caller->login = login->id;
    }
}

void access_identify(Access *access, const Showing *showing, Caller *caller)
{
    *caller = (Caller){.role = access ? ROLE_NOBODY : ROLE_ADMIN, .known = !access};
    if (!access)
        return;
    // who shows a token means it; a cookie is sent by itself, and a certificate with everything
    if (showing->token)
        identify_token(access, showing->token, caller);
    else if (showing->cookie)
        identify_login(access, showing, caller);
    caller->stranger = !showing->token && !showing->cookie;
    if (showing->token || caller->known || !showing->certificate)
        return;
    const Key *key = keyring_find_certificate(access->keyring, &showing->certificate->fingerprint, showing->certificate->subject);
    if (key)
        admit_key(caller, key, NULL, "this certificate has expired");
    else if (!caller->doubt)
        caller->doubt = "this certificate is not known here";
}

const Key *access_key(const Access *access, const Caller *caller)
{
    const Key *key = caller->stamp ? keyring_find(access->keyring, caller->kind, caller->name) : NULL;
    return key && key_stamp(key) == caller->stamp ? key : NULL;
}

bool access_still_admits(Access *access, const Caller *caller)
{
    if (!access)
        return true;
    const Key *key = access_key(access, caller);
    return key && !key_has_expired(key, utc_ns()) && (!caller->login || logins_use_id(&access->logins, caller->login, now_ns()));
}

bool access_is_device(const Access *access, const Caller *caller)
{
    const Key *key = access ? access_key(access, caller) : NULL;
    return !access || (key && (key->device || key->provide.count + key->actuate.count > 0));
}

bool access_is_enrolled(const Access *access, const Caller *caller)
{
    const Key *key = access ? access_key(access, caller) : NULL;
    return key && key->device;
}

bool access_may_provide(const Access *access, const Caller *caller, const char *tag)
{
    const Key *key = access ? access_key(access, caller) : NULL;
    return !access || (key && patterns_fit(key->provide, tag));
}

bool access_may_actuate(const Access *access, const Caller *caller, const char *tag)
{
    const Key *key = access ? access_key(access, caller) : NULL;
    return !access || (key && patterns_fit(key->actuate, tag));
}
