/* keyring.h -- who may come in: the access file.
 *
 * A key is what somebody proves himself with: a password, a token, or a certificate of a device. It says by which name what he does is recorded, and what he
 * may do: a role, and tags that he may send samples of (`provide`) or whose actuators he may be (`actuate`), as patterns in which `*` stands for any letters.
 * Of secrets there are hashes alone. Names are unique, so that a record says who it was.
 *
 * The file is JSON, its owner's alone (mode 0600), and always whole: another version takes its place in one step.
 *
 * Takes: the access file.  Gives: Keys.  Memory: the keyring's.  Threads: build on one; read on any. */
#pragma once

#include "server/role.h"
#include "server/secrets.h"
#include "signal/tag.h"

enum {
    KEYS_MAX = 10000,
    KEY_NAME_MAX = 40,       // bytes
    KEY_SUBJECT_MAX = 400,
    KEY_PATTERNS_MAX = 64,   // of provide, and of actuate
    KEYRING_BYTES_MAX = 8 << 20,
};

typedef enum KeyKind { KEY_USER, KEY_TOKEN, KEY_CERTIFICATE, KEY_KINDS } KeyKind;

typedef struct TagPatterns {
    const char *const *items;
    size_t count;
} TagPatterns;

typedef struct Key {
    KeyKind kind;
    const char *name;
    Role role;             // ROLE_NOBODY: a device, which provides and obeys and sees nothing
    const char *password;  // of a user: the hash
    SecretHash hash;       // of a token; of a certificate: SHA-256 of its DER form
    const char *subject;   // of a certificate, by which it is known instead of by its hash: "CN=rig-1,O=Works" (RFC 2253); NULL otherwise
    TagPatterns provide, actuate;
    bool device;           // of a claimed device (registry.h): what it provides and obeys is what it is bound to
    int64_t created, expires;  // UTC; expires TIME_NONE: never
} Key;

typedef struct Keyring {
    Arena arena;
    Key *items;
    size_t count, room;
} Keyring;

Err keyring_create(Keyring **out);
void keyring_destroy(Keyring *keyring);

/// ERR_IO: no such file, or others may write it; ERR_PARSE with the place in the file and what was expected there.
Err keyring_load(const char *path, Keyring **out, ErrText *why);
/// The same of its text; `source` is what errors call it.
Err keyring_read(const char *json, size_t length, const char *source, Keyring **out, ErrText *why);
/// In one step: a reader finds the old file or the new one.
Err keyring_save(const Keyring *keyring, const char *path, ErrText *why);
/// Load the file, or begin one, let `change` work on it, and save it unless that failed. One at a time, whichever process.
Err keyring_change(const char *path, Err (*change)(Keyring *keyring, void *context, ErrText *why), void *context, ErrText *why);

/// Copies what `key` points to. ERR_RANGE: something is not as it must be, or the name is taken.
Err keyring_add(Keyring *keyring, const Key *key, ErrText *why);
/// ERR_UNKNOWN with the names that there are.
Err keyring_remove(Keyring *keyring, KeyKind kind, const char *name, ErrText *why);
/// Another hash of a user's password.
Err keyring_set_password(Keyring *keyring, const char *name, const char *hash, ErrText *why);

const Key *keyring_find(const Keyring *keyring, KeyKind kind, const char *name);
const Key *keyring_find_token(const Keyring *keyring, const SecretHash *hash);
/// By its fingerprint, or else by its subject.
const Key *keyring_find_certificate(const Keyring *keyring, const SecretHash *fingerprint, const char *subject);

const char *key_kind_name(KeyKind kind);
bool key_has_expired(const Key *key, int64_t utc);
/// Another number whenever anything of the key is another.
uint64_t key_stamp(const Key *key);
bool patterns_fit(TagPatterns patterns, const char *tag);
