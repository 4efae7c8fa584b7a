#include "server/logins.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

Err logins_init(Logins *logins)
{
    logins->items = mem_alloc(LOGINS_MAX * sizeof *logins->items);
    return logins->items ? ERR_OK : ERR_MEMORY;
}

void logins_fini(Logins *logins)
{
    if (logins->items)
        secret_wipe(logins->items, LOGINS_MAX * sizeof *logins->items);
    mem_free(logins->items);
    logins->items = NULL;
}

static bool has_ended(const Login *login, int64_t now)
{
    return !login->id || now - login->used >= LOGIN_IDLE_S * NS_PER_S || now - login->begun >= LOGIN_LIFE_S * NS_PER_S;
}

static Login *find_place(Logins *logins, int64_t now)
{
    Login *oldest = &logins->items[0];
    for (size_t i = 0; i < LOGINS_MAX; i++) {
        Login *login = &logins->items[i];
        if (has_ended(login, now))
            return login;
        if (login->used < oldest->used)
            oldest = login;
    }
    return oldest;
}

const Login *logins_begin(Logins *logins, const Key *key, int64_t now, char cookie[static SECRET_ROOM])
{
    assert(key->kind == KEY_USER);
    Login *login = find_place(logins, now);
    secret_make(cookie);
    *login = (Login){.secret = secret_hash(cookie), .id = ++logins->last_id, .stamp = key_stamp(key), .begun = now, .used = now};
    secret_make(login->csrf);
    snprintf(login->user, sizeof login->user, "%s", key->name);
    return login;
}

/* Only who knows the cookie can make its hash, so comparing hashes tells nothing by the time it takes. */
const Login *logins_use(Logins *logins, const char *cookie, int64_t now)
{
    const SecretHash secret = secret_hash(cookie);
    for (size_t i = 0; i < LOGINS_MAX; i++)
        if (logins->items[i].id && memcmp(&logins->items[i].secret, &secret, sizeof secret) == 0)
            return logins_use_id(logins, logins->items[i].id, now);
    return NULL;
}

static Login *find_id(Logins *logins, uint64_t id)
{
    for (size_t i = 0; i < LOGINS_MAX; i++)
        if (logins->items[i].id == id)
            return &logins->items[i];
    return NULL;
}

const Login *logins_use_id(Logins *logins, uint64_t id, int64_t now)
{
    assert(id);
    Login *login = find_id(logins, id);
    if (!login || has_ended(login, now))
        return NULL;
    login->used = now;
    return login;
}

void logins_end(Logins *logins, uint64_t id)
{
    Login *login = id ? find_id(logins, id) : NULL;
    if (login)
        secret_wipe(login, sizeof *login);
}
