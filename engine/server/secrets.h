/* secrets.h -- what proves who somebody is, by libsodium: passwords, tokens, and the words of a session.
 *
 * A token is 32 random bytes, told once as `plx_` and base64url. Nobody guesses that, so a quick hash keeps it; a password is hashed by argon2id, which
 * takes a tenth of a second and 64 MiB: never on the service thread.
 *
 * Threads: any, once secrets_begin has returned. */
#pragma once

#include "base/base.h"

enum {
    SECRET_BYTES = 32,
    SECRET_ROOM = 44,         // of as much as base64url, with its 0
    TOKEN_ROOM = SECRET_ROOM + 4,
    PASSWORD_HASH_ROOM = 128,  // with its 0
    PASSWORD_MIN = 8,
    PASSWORD_MAX = 1024,      // bytes
};

typedef struct SecretHash {
    unsigned char bytes[SECRET_BYTES];
} SecretHash;

/// Once, before anything else here. ERR_IO: this machine has no random numbers.
Err secrets_begin(ErrText *why);

enum { SECRET_HASH_TEXT = 2 * SECRET_BYTES + 1 };
/// In hexadecimal digits, and back: false when `text` is none.
void secret_hash_print(const SecretHash *hash, char out[static SECRET_HASH_TEXT]);
bool secret_hash_parse(const char *text, SecretHash *out);

/// 32 random bytes as base64url.
void secret_make(char out[static SECRET_ROOM]);
/// BLAKE2b of a text.
SecretHash secret_hash(const char *text);

void token_make(char out[static TOKEN_ROOM]);
/// What is kept of a token. False when `text` is no token at all.
bool token_hash(const char *text, SecretHash *out);

/// ERR_RANGE: it is too short or too long; ERR_MEMORY.
Err password_hash(const char *password, char out[static PASSWORD_HASH_ROOM], ErrText *why);
/// Whether `hash` has the form that password_hash writes.
bool password_hash_is_one(const char *hash);
bool password_fits(const char *password, const char *hash);

/// Overwrite what was secret.
void secret_wipe(void *bytes, size_t size);
