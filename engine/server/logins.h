/* logins.h -- people who have logged in: the session behind a cookie.
 *
 * The cookie is 32 random bytes, of which the hash is kept. A login ends when nobody has used it for a shift, a week after it began, when its user's key is
 * not the same any more, or when somebody logs out. When the table is full the one that was used longest ago makes room.
 *
 * Threads: one. Times are elapsed ones. */
#pragma once

#include "server/keyring.h"

enum {
    LOGINS_MAX = 1024,
    LOGIN_IDLE_S = 8 * 3600,
    LOGIN_LIFE_S = 7 * 24 * 3600,
};

typedef struct Login {
    SecretHash secret;       // of the cookie
    char csrf[SECRET_ROOM];  // what requests that change something must say besides: a page of another site does not know it
    char user[KEY_NAME_MAX + 1];
    uint64_t id;             // 0: the place is free
    uint64_t stamp;          // key_stamp of the user's key
    int64_t begun, used;
} Login;

typedef struct Logins {
    Login *items;  // LOGINS_MAX
    uint64_t last_id;
} Logins;

Err logins_init(Logins *logins);
void logins_fini(Logins *logins);
/// Log the user of `key` in; `cookie` is what the browser is to show from now on.
const Login *logins_begin(Logins *logins, const Key *key, int64_t now, char cookie[static SECRET_ROOM]);
/// Whom a cookie stands for, which is a use of it; NULL when there is no such login any more.
const Login *logins_use(Logins *logins, const char *cookie, int64_t now);
/// The same by its number.
const Login *logins_use_id(Logins *logins, uint64_t id, int64_t now);
void logins_end(Logins *logins, uint64_t id);
