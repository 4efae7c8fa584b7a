/* verifier.h -- looks at passwords, on a thread of its own: argon2id takes its time, and the service thread has none.
 *
 * A few tries at a time: a flood of them is told to come again, and costs one processor at the most.
 *
 * Threads: everything on one; `wake` is called on the verifier's. */
#pragma once

#include "server/keyring.h"

enum { VERIFIER_TRIES_MAX = 8 };

typedef struct PasswordTry {
    char user[KEY_NAME_MAX + 1], peer[64];
    char password[PASSWORD_MAX + 1];
    char hash[PASSWORD_HASH_ROOM];
    bool known;  // there is such a user: otherwise the hash is somebody else's, so that the answer takes as long
    bool fits;   // the answer
} PasswordTry;

typedef struct Verifier Verifier;

/// `wake(self)` when an answer is there.
Err verifier_create(void (*wake)(void *self), void *self, Verifier **out);
/// NULL is fine. Waits for the try that is being looked at.
void verifier_destroy(Verifier *verifier);
/// Copies `try`. Its number, 0 when as many wait as may.
uint64_t verifier_ask(Verifier *verifier, const PasswordTry *try);
bool verifier_has_answer(Verifier *verifier, uint64_t id);
/// Take the answer, once: false when there is none. The password in it is wiped.
bool verifier_take(Verifier *verifier, uint64_t id, PasswordTry *out);
