#include "server/keyring.h"

#include <assert.h>
#include <string.h>

const char *key_kind_name(KeyKind kind)
{
    static const char *const names[KEY_KINDS] = {"user", "token", "certificate"};
    assert(kind < KEY_KINDS);
    return names[kind];
}

bool key_has_expired(const Key *key, int64_t utc)
{
    return key->expires != TIME_NONE && utc >= key->expires;
}

static uint64_t stamp_text(uint64_t seed, const char *text)
{
    return text ? hash_bytes(seed, text, strlen(text) + 1) : seed;
}

static uint64_t stamp_patterns(uint64_t seed, TagPatterns patterns)
{
    seed = hash_bytes(seed, &patterns.count, sizeof patterns.count);
    for (size_t i = 0; i < patterns.count; i++)
        seed = stamp_text(seed, patterns.items[i]);
    return seed;
}

uint64_t key_stamp(const Key *key)
{
    const int64_t numbers[] = {key->kind, key->role, key->created, key->expires, key->device};
    uint64_t stamp = hash_bytes(0, numbers, sizeof numbers);
    stamp = hash_bytes(stamp, &key->hash, sizeof key->hash);
    stamp = stamp_text(stamp_text(stamp_text(stamp, key->name), key->password), key->subject);
    return stamp_patterns(stamp_patterns(stamp, key->provide), key->actuate);
}

bool patterns_fit(TagPatterns patterns, const char *tag)
{
    for (size_t i = 0; i < patterns.count; i++)
        if (tag_fits(patterns.items[i], strlen(patterns.items[i]), tag))
            return true;
    return false;
}

Err keyring_create(Keyring **out)
{
    *out = mem_alloc(sizeof **out);
    return *out ? ERR_OK : ERR_MEMORY;
}

void keyring_destroy(Keyring *keyring)
{
    if (!keyring)
        return;
    arena_fini(&keyring->arena);
    mem_free(keyring->items);
    mem_free(keyring);
}

// Looking up. What is compared are hashes of secrets that nobody can guess, so how long it takes tells nothing.

const Key *keyring_find(const Keyring *keyring, KeyKind kind, const char *name)
{
    for (size_t i = 0; i < keyring->count; i++)
        if (keyring->items[i].kind == kind && strcmp(keyring->items[i].name, name) == 0)
            return &keyring->items[i];
    return NULL;
}

static const Key *find_hash(const Keyring *keyring, KeyKind kind, const SecretHash *hash)
{
    for (size_t i = 0; i < keyring->count; i++) {
        const Key *key = &keyring->items[i];
        if (key->kind == kind && !key->subject && memcmp(&key->hash, hash, sizeof *hash) == 0)
            return key;
    }
    return NULL;
}

const Key *keyring_find_token(const Keyring *keyring, const SecretHash *hash)
{
    return find_hash(keyring, KEY_TOKEN, hash);
}

const Key *keyring_find_certificate(const Keyring *keyring, const SecretHash *fingerprint, const char *subject)
{
    const Key *key = find_hash(keyring, KEY_CERTIFICATE, fingerprint);
    for (size_t i = 0; i < keyring->count && !key; i++)
        if (keyring->items[i].subject && strcmp(keyring->items[i].subject, subject) == 0)
            key = &keyring->items[i];
    return key;
}

// Changing it.

/* Names stand in records beside those of handlers and addresses ("handler:lid", "127.0.0.1:5123"), so they have no colon. */
static Err check_name(const char *name, ErrText *why)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";
    const size_t length = strlen(name);
    if (length >= 1 && length <= KEY_NAME_MAX && name[strspn(name, letters)] == 0)
        return ERR_OK;
    return err_set(why, ERR_RANGE, "expected a name of 1 to %d letters, digits, and . _ @ -, got \"%.60s\"", KEY_NAME_MAX, name);
}

static Err check_patterns(TagPatterns patterns, ErrText *why)
{
    if (patterns.count > KEY_PATTERNS_MAX)
        return err_set(why, ERR_RANGE, "expected at most %d patterns, got %zu", KEY_PATTERNS_MAX, patterns.count);
    for (size_t i = 0; i < patterns.count; i++) {
        const char *item = patterns.items[i];
        const bool plain = item[strcspn(item, " \t\r\n,\"\\")] == 0;
        if (!*item || !plain || strlen(item) >= TAG_NAME_ROOM)
            return err_set(why, ERR_RANGE, "expected a pattern of tags, as in \"tank*.level\", got \"%.60s\"", item);
    }
    return ERR_OK;
}

static Err check_key(const Keyring *keyring, const Key *key, ErrText *why)
{
    Err err = check_name(key->name, why);
    for (KeyKind kind = 0; kind < KEY_KINDS && !err; kind++)
        if (keyring_find(keyring, kind, key->name))
            err = err_set(why, ERR_RANGE, "the name \"%s\" is taken by a %s", key->name, key_kind_name(kind));
    if (!err && keyring->count == KEYS_MAX)
        err = err_set(why, ERR_FULL, "expected at most %d users, tokens and certificates", KEYS_MAX);
    if (!err && key->kind == KEY_USER && !password_hash_is_one(key->password))
        err = err_set(why, ERR_RANGE, "expected a password's argon2id hash, as `pollux user password` writes it");
    if (!err && key->subject && (!*key->subject || strlen(key->subject) > KEY_SUBJECT_MAX))
        err = err_set(why, ERR_RANGE, "expected a subject of 1 to %d bytes", KEY_SUBJECT_MAX);
    if (!err && key->device && (key->kind == KEY_USER || key->role != ROLE_NOBODY || key->provide.count + key->actuate.count > 0))
        err = err_set(why, ERR_RANGE, "device: expected without role, provide and actuate: what it is bound to counts");
    if (!err)
        err = check_patterns(key->provide, why);
    return err ? err : check_patterns(key->actuate, why);
}

static bool copy_patterns(Arena *arena, TagPatterns *patterns)
{
    const char **items = arena_new(arena, const char *, patterns->count + 1);
    for (size_t i = 0; i < patterns->count && items; i++)
        if (!(items[i] = arena_text(arena, patterns->items[i])))
            return false;
    patterns->items = items;
    return items != NULL;
}

static bool copy_text(Arena *arena, const char **text)
{
    return !*text || (*text = arena_text(arena, *text));
}

static bool make_room(Keyring *keyring)
{
    if (keyring->count < keyring->room)
        return true;
    const size_t room = keyring->room ? 2 * keyring->room : 16;
    Key *grown = mem_grow(keyring->items, keyring->room * sizeof *grown, room * sizeof *grown);
    if (!grown)
        return false;
    keyring->items = grown;
    keyring->room = room;
    return true;
}

Err keyring_add(Keyring *keyring, const Key *key, ErrText *why)
{
    const Err err = check_key(keyring, key, why);
    if (err)
        return err;
    Key copy = *key;
    Arena *arena = &keyring->arena;
    if (!make_room(keyring) || !copy_text(arena, &copy.name) || !copy_text(arena, &copy.password) || !copy_text(arena, &copy.subject) ||
        !copy_patterns(arena, &copy.provide) || !copy_patterns(arena, &copy.actuate))
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    keyring->items[keyring->count++] = copy;
    return ERR_OK;
}

static Key *find_to_change(Keyring *keyring, KeyKind kind, const char *name, ErrText *why)
{
    Key *key = (Key *)keyring_find(keyring, kind, name);
    if (!key)
        err_set(why, ERR_UNKNOWN, "there is no %s \"%.60s\"; `pollux %s list` shows those that there are", key_kind_name(kind), name, key_kind_name(kind));
    return key;
}

Err keyring_remove(Keyring *keyring, KeyKind kind, const char *name, ErrText *why)
{
    Key *key = find_to_change(keyring, kind, name, why);
    if (!key)
        return ERR_UNKNOWN;
    keyring->count--;
    memmove(key, key + 1, (size_t)(keyring->items + keyring->count - key) * sizeof *key);
    return ERR_OK;
}

Err keyring_set_password(Keyring *keyring, const char *name, const char *hash, ErrText *why)
{
    assert(password_hash_is_one(hash));
    Key *key = find_to_change(keyring, KEY_USER, name, why);
    if (!key)
        return ERR_UNKNOWN;
    key->password = arena_text(&keyring->arena, hash);
    return key->password ? ERR_OK : err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
}
