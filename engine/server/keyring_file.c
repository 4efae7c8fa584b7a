/* keyring_file.c -- the access file: read strictly, so that a slip of the pen takes no right away or gives one, and written in one step. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keyring.h"

static const char *const list_names[KEY_KINDS] = {"users", "tokens", "certificates"};

// Reading.

/* A key on its way out of the file. */
typedef struct Reading {
    const json_t *object;
    Key key;
    const char *provide[KEY_PATTERNS_MAX], *actuate[KEY_PATTERNS_MAX];
} Reading;

/* A member that is a text; `*out` stays NULL where there is none. */
static Err read_text(const Reading *reading, const char *name, const char **out, ErrText *why)
{
    const json_t *member = json_object_get(reading->object, name);
    *out = json_string_value(member);
    return !member || json_is_null(member) || *out ? ERR_OK : err_set(why, ERR_PARSE, "%s: expected a text", name);
}

static Err require_text(const Reading *reading, const char *name, const char **out, ErrText *why)
{
    const Err err = read_text(reading, name, out, why);
    return err || *out ? err : err_set(why, ERR_PARSE, "%s is missing", name);
}

static Err read_time(const Reading *reading, const char *name, int64_t *out, ErrText *why)
{
    const char *text;
    const Err err = read_text(reading, name, &text, why);
    *out = TIME_NONE;
    if (err || !text || time_parse(text, strlen(text), out))
        return err;
    return err_set(why, ERR_PARSE, "%s: expected a time as in \"2026-12-31T00:00:00Z\", got \"%.60s\"", name, text);
}

static Err read_hash(const Reading *reading, const char *name, SecretHash *out, ErrText *why)
{
    const char *text;
    const Err err = require_text(reading, name, &text, why);
    if (err || secret_hash_parse(text, out))
        return err;
    return err_set(why, ERR_PARSE, "%s: expected %d hexadecimal digits, in small letters", name, 2 * SECRET_BYTES);
}

static Err read_role(const Reading *reading, Role *out, ErrText *why)
{
    const char *text;
    Err err = read_text(reading, "role", &text, why);
    *out = ROLE_NOBODY;
    if (!err && text && role_find(text, out, why))
        err = err_prefix(why, ERR_PARSE, "role");
    return err;
}

static Err read_patterns(const Reading *reading, const char *name, const char *items[static KEY_PATTERNS_MAX], TagPatterns *out, ErrText *why)
{
    const json_t *list = json_object_get(reading->object, name);
    *out = (TagPatterns){items, json_array_size(list)};
    if (list && (!json_is_array(list) || out->count > KEY_PATTERNS_MAX))
        return err_set(why, ERR_PARSE, "%s: expected a list of at most %d patterns of tags", name, KEY_PATTERNS_MAX);
    for (size_t i = 0; i < out->count; i++)
        if (!(items[i] = json_string_value(json_array_get(list, i))))
            return err_set(why, ERR_PARSE, "%s: expected patterns of tags, as in \"tank*.level\"", name);
    return ERR_OK;
}

/* A misspelt name must not pass for one that was left out. */
static Err check_members(const Reading *reading, const char *const *known, ErrText *why)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)reading->object, name, value)
    {
        Text all = {0};
        const char *const *at = known;
        for (; *at && strcmp(*at, name) != 0; at++)
            text_format(&all, "%s%s", at == known ? "" : ", ", *at);
        if (!*at)
            err_set(why, ERR_PARSE, "\"%.60s\" is not known here: expected %s", name, all.bytes);
        text_fini(&all);
        if (!*at)
            return ERR_PARSE;
    }
    return ERR_OK;
}

/* True or false, false where it is left out. */
static Err read_flag(const Reading *reading, const char *name, bool *out, ErrText *why)
{
    const json_t *member = json_object_get(reading->object, name);
    *out = json_is_true(member);
    return !member || json_is_boolean(member) ? ERR_OK : err_set(why, ERR_PARSE, "%s: expected true or false", name);
}

static Err read_user(Reading *reading, ErrText *why)
{
    static const char *const members[] = {"name", "role", "password", "created", NULL};
    Key *key = &reading->key;
    Err err = check_members(reading, members, why);
    if (!err)
        err = require_text(reading, "password", &key->password, why);
    if (!err && key->role == ROLE_NOBODY)
        err = err_set(why, ERR_PARSE, "role is missing");
    return err;
}

static Err read_token(Reading *reading, ErrText *why)
{
    static const char *const members[] = {"name", "role", "hash", "provide", "actuate", "device", "created", "expires", NULL};
    const Err err = check_members(reading, members, why);
    return err ? err : read_hash(reading, "hash", &reading->key.hash, why);
}

static Err read_certificate(Reading *reading, ErrText *why)
{
    static const char *const members[] = {"name", "role", "fingerprint", "subject", "provide", "actuate", "device", "created", "expires", NULL};
    Key *key = &reading->key;
    Err err = check_members(reading, members, why);
    if (!err)
        err = read_text(reading, "subject", &key->subject, why);
    if (!err && key->subject && json_object_get(reading->object, "fingerprint"))
        err = err_set(why, ERR_PARSE, "expected a fingerprint or a subject, not both");
    return err || key->subject ? err : read_hash(reading, "fingerprint", &key->hash, why);
}

static Err read_key(Keyring *keyring, KeyKind kind, const json_t *object, ErrText *why)
{
    static Err (*const readers[KEY_KINDS])(Reading *, ErrText *) = {read_user, read_token, read_certificate};
    Reading reading = {.object = object, .key = {.kind = kind}};
    Key *key = &reading.key;
    if (!json_is_object(object))
        return err_set(why, ERR_PARSE, "expected an object");
    Err err = require_text(&reading, "name", &key->name, why);
    if (!err)
        err = read_role(&reading, &key->role, why);
    if (!err)
        err = read_time(&reading, "created", &key->created, why);
    if (!err)
        err = read_time(&reading, "expires", &key->expires, why);
    if (!err)
        err = read_patterns(&reading, "provide", reading.provide, &key->provide, why);
    if (!err)
        err = read_patterns(&reading, "actuate", reading.actuate, &key->actuate, why);
    if (!err)
        err = read_flag(&reading, "device", &key->device, why);
    if (!err)
        err = readers[kind](&reading, why);
    return err ? err : keyring_add(keyring, key, why);
}

static Err read_list(Keyring *keyring, KeyKind kind, const json_t *root, ErrText *why)
{
    const json_t *list = json_object_get(root, list_names[kind]);
    if (list && !json_is_array(list))
        return err_set(why, ERR_PARSE, "%s: expected a list", list_names[kind]);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *object = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(object, "name"));
        const Err err = read_key(keyring, kind, object, why);
        if (err)
            return name ? err_prefix(why, err, "%s[%zu] \"%.60s\"", list_names[kind], i, name) : err_prefix(why, err, "%s[%zu]", list_names[kind], i);
    }
    return ERR_OK;
}

static Err read_root(Keyring *keyring, const json_t *root, ErrText *why)
{
    static const char *const members[] = {"users", "tokens", "certificates", NULL};
    if (!json_is_object(root))
        return err_set(why, ERR_PARSE, "expected an object with users, tokens and certificates");
    Err err = check_members(&(Reading){.object = root}, members, why);
    for (KeyKind kind = 0; kind < KEY_KINDS && !err; kind++)
        err = read_list(keyring, kind, root, why);
    return err;
}

Err keyring_read(const char *json, size_t length, const char *source, Keyring **out, ErrText *why)
{
    json_error_t error;
    Keyring *keyring;
    if (keyring_create(&keyring))
        return err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    json_t *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, &error);
    Err err = root ? read_root(keyring, root, why) : err_set(why, ERR_PARSE, "line %d, column %d: %s", error.line, error.column, error.text);
    json_decref(root);
    if (err) {
        keyring_destroy(keyring);
        return err_prefix(why, err, "%s", source);
    }
    *out = keyring;
    return ERR_OK;
}

/* Whoever can write the file can let himself in. */
static Err check_mode(int file, const char *path, ErrText *why)
{
    struct stat info;
    if (fstat(file, &info) != 0)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    if (info.st_mode & (S_IWGRP | S_IWOTH))
        return err_set(why, ERR_IO, "%s: others than its owner may write it: chmod 600 %s", path, path);
    if (!S_ISREG(info.st_mode) || info.st_size > KEYRING_BYTES_MAX)
        return err_set(why, ERR_IO, "%s: expected a file of at most %d MiB", path, KEYRING_BYTES_MAX >> 20);
    return ERR_OK;
}

static Err read_file(int file, Text *out)
{
    char bytes[16384];
    ssize_t got;
    while ((got = read(file, bytes, sizeof bytes)) > 0 && out->length <= KEYRING_BYTES_MAX)
        text_add(out, bytes, (size_t)got);
    return got < 0 ? ERR_IO : out->failed ? ERR_MEMORY : ERR_OK;
}

Err keyring_load(const char *path, Keyring **out, ErrText *why)
{
    Text text = {0};
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return err_set(why, ERR_IO, "%s: %s%s", path, strerror(errno), errno == ENOENT ? " (`pollux user add NAME --role admin` begins one)" : "");
    Err err = check_mode(file, path, why);
    if (!err && (err = read_file(file, &text)))
        err = err_set(why, err, "%s: %s", path, err_name(err));
    close(file);
    if (!err)
        err = keyring_read(text.bytes ? text.bytes : "", text.length, path, out, why);
    text_fini(&text);
    return err;
}

// Writing.

static void put_text(Text *out, const char *name, const char *value)
{
    text_format(out, ", \"%s\": ", name);
    text_json_string(out, value);
}

static void put_hash(Text *out, const char *name, const SecretHash *hash)
{
    char text[SECRET_HASH_TEXT];
    secret_hash_print(hash, text);
    put_text(out, name, text);
}

static void put_time(Text *out, const char *name, int64_t time)
{
    char text[32];
    if (time == TIME_NONE)
        return;
    time_format(time, text);
    put_text(out, name, text);
}

static void put_patterns(Text *out, const char *name, TagPatterns patterns)
{
    if (patterns.count == 0)
        return;
    text_format(out, ", \"%s\": [", name);
    for (size_t i = 0; i < patterns.count; i++) {
        text_put(out, i ? ", " : "");
        text_json_string(out, patterns.items[i]);
    }
    text_put(out, "]");
}

static void put_key(Text *out, const Key *key)
{
    text_put(out, "{\"name\": ");
    text_json_string(out, key->name);
    if (key->role != ROLE_NOBODY)
        put_text(out, "role", role_name(key->role));
    if (key->kind == KEY_USER)
        put_text(out, "password", key->password);
    else if (key->subject)
        put_text(out, "subject", key->subject);
    else
        put_hash(out, key->kind == KEY_TOKEN ? "hash" : "fingerprint", &key->hash);
    text_put(out, key->device ? ", \"device\": true" : "");
    put_patterns(out, "provide", key->provide);
    put_patterns(out, "actuate", key->actuate);
    put_time(out, "created", key->created);
    put_time(out, "expires", key->expires);
    text_put(out, "}");
}

static void put_keyring(Text *out, const Keyring *keyring)
{
    text_put(out, "{\n");
    for (KeyKind kind = 0; kind < KEY_KINDS; kind++) {
        const char *before = "\n    ";
        text_format(out, "  \"%s\": [", list_names[kind]);
        for (size_t i = 0; i < keyring->count; i++) {
            if (keyring->items[i].kind != kind)
                continue;
            text_put(out, before);
            put_key(out, &keyring->items[i]);
            before = ",\n    ";
        }
        text_put(out, kind + 1 < KEY_KINDS ? "],\n" : "]\n");
    }
    text_put(out, "}\n");
}

Err keyring_save(const Keyring *keyring, const char *path, ErrText *why)
{
    Text text = {0};
    put_keyring(&text, keyring);
    const Err err = text.failed ? err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY)) : file_replace(path, text.bytes, text.length, why);
    text_fini(&text);
    return err;
}

static Err load_or_begin(const char *path, Keyring **out, ErrText *why)
{
    if (access(path, F_OK) == 0)
        return keyring_load(path, out, why);
    return keyring_create(out) ? err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY)) : ERR_OK;
}

Err keyring_change(const char *path, Err (*change)(Keyring *keyring, void *context, ErrText *why), void *context, ErrText *why)
{
    // the file itself changes places, so it is another one that is locked
    char lock[PATH_MAX];
    if (snprintf(lock, sizeof lock, "%s.lock", path) >= (int)sizeof lock)
        return err_set(why, ERR_RANGE, "the path of the access file is too long");
    const int file = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || flock(file, LOCK_EX) != 0) {
        err_set(why, ERR_IO, "cannot change %s: %s", path, strerror(errno));
        if (file >= 0)
            close(file);
        return ERR_IO;
    }

    Keyring *keyring = NULL;
    Err err = load_or_begin(path, &keyring, why);
    if (!err)
        err = change(keyring, context, why);
    if (!err)
        err = keyring_save(keyring, path, why);
    keyring_destroy(keyring);
    close(file);
    return err;
}
