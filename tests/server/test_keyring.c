/* The access file: what it says, what it refuses, and that it is always whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/kit.h"
#include "server/keyring.h"

/* A hash of "correct horse" that costs little. */
#define HASH "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", kit_folder(), name);
    return path;
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "w");
    ck_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

static Keyring *read_keyring(const char *json)
{
    Keyring *keyring = NULL;
    ErrText why = {0};
    ck_assert_msg(keyring_read(json, strlen(json), "access.json", &keyring, &why) == ERR_OK, "%s", why.text);
    return keyring;
}

static const char *const everything =
    "{\"users\": [{\"name\": \"anna\", \"role\": \"operator\", \"password\": \"" HASH "\", \"created\": \"2026-01-02T03:04:05Z\"}],\n"
    " \"tokens\": [{\"name\": \"rig-1\", \"hash\": \"" HEX "\", \"provide\": [\"tank*.level\", \"room.*\"], \"actuate\": [\"tank1.valve\"],\n"
    "              \"created\": \"2026-01-02T03:04:05Z\", \"expires\": \"2026-04-02T03:04:05Z\"}],\n"
    " \"certificates\": [{\"name\": \"rig-2\", \"subject\": \"CN=rig-2,O=Works\", \"provide\": [\"*\"]},\n"
    "                    {\"name\": \"rig-3\", \"role\": \"viewer\", \"fingerprint\": \"" HEX "\"}]}";

START_TEST(a_file_says_who_may_what)
{
    Keyring *keyring = read_keyring(everything);
    ck_assert_uint_eq(keyring->count, 4);
    const Key *anna = keyring_find(keyring, KEY_USER, "anna"), *rig = keyring_find(keyring, KEY_TOKEN, "rig-1");
    ck_assert_int_eq(anna->role, ROLE_OPERATOR);
    ck_assert_str_eq(anna->password, HASH);
    ck_assert(anna->expires == TIME_NONE);
    ck_assert_int_eq(rig->role, ROLE_NOBODY);
    ck_assert(patterns_fit(rig->provide, "tank17.level") && patterns_fit(rig->provide, "room.t") && patterns_fit(rig->actuate, "tank1.valve"));
    ck_assert(!patterns_fit(rig->provide, "tank17.valve") && !patterns_fit(rig->actuate, "tank2.valve") && !patterns_fit(anna->provide, "tank1.level"));
    ck_assert(keyring_find(keyring, KEY_USER, "rig-1") == NULL);
    keyring_destroy(keyring);
}
END_TEST

START_TEST(a_key_ends_at_its_time)
{
    Keyring *keyring = read_keyring(everything);
    const Key *rig = keyring_find(keyring, KEY_TOKEN, "rig-1");
    ck_assert(!key_has_expired(rig, rig->expires - 1));
    ck_assert(key_has_expired(rig, rig->expires));
    ck_assert(!key_has_expired(keyring_find(keyring, KEY_USER, "anna"), INT64_MAX));
    keyring_destroy(keyring);
}
END_TEST

START_TEST(a_certificate_is_known_by_its_fingerprint_before_its_subject)
{
    Keyring *keyring = read_keyring(everything);
    const SecretHash known = keyring_find(keyring, KEY_CERTIFICATE, "rig-3")->hash, other = {{0}};
    ck_assert_str_eq(keyring_find_certificate(keyring, &known, "CN=rig-2,O=Works")->name, "rig-3");
    ck_assert_str_eq(keyring_find_certificate(keyring, &other, "CN=rig-2,O=Works")->name, "rig-2");
    ck_assert(keyring_find_certificate(keyring, &other, "CN=rig-9") == NULL);
    ck_assert_str_eq(keyring_find_token(keyring, &known)->name, "rig-1");
    ck_assert(keyring_find_token(keyring, &other) == NULL);
    keyring_destroy(keyring);
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
    ErrText why = {0};
    const char *path = path_of("again.json");
    Keyring *first = read_keyring(everything), *second = NULL;
    ck_assert_int_eq(keyring_save(first, path, &why), ERR_OK);
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);

    ck_assert_msg(keyring_load(path, &second, &why) == ERR_OK, "%s", why.text);
    ck_assert_uint_eq(second->count, first->count);
    for (size_t i = 0; i < first->count; i++) {
        const Key *a = &first->items[i], *b = &second->items[i];
        ck_assert(a->kind == b->kind && a->role == b->role && a->created == b->created && a->expires == b->expires);
        ck_assert_str_eq(a->name, b->name);
        ck_assert_mem_eq(&a->hash, &b->hash, sizeof a->hash);
        ck_assert_uint_eq(a->provide.count, b->provide.count);
        ck_assert_uint_eq(a->actuate.count, b->actuate.count);
        for (size_t k = 0; k < a->provide.count; k++)
            ck_assert_str_eq(a->provide.items[k], b->provide.items[k]);
    }
    keyring_destroy(first);
    keyring_destroy(second);
}
END_TEST

START_TEST(a_mistake_is_named_with_its_place)
{
    static const struct {
        const char *json, *expected;
    } cases[] = {
        {"{\"users\": [,]}", "access.json: line 1, column 12"},
        {"[]", "expected an object"},
        {"{\"user\": []}", "\"user\" is not known here: expected users, tokens, certificates"},
        {"{\"users\": {}}", "users: expected a list"},
        {"{\"users\": [7]}", "users[0]: expected an object"},
        {"{\"users\": [{\"role\": \"viewer\", \"password\": \"" HASH "\"}]}", "users[0]: name is missing"},
        {"{\"users\": [{\"name\": \"a\", \"password\": \"" HASH "\"}]}", "users[0] \"a\": role is missing"},
        {"{\"users\": [{\"name\": \"a\", \"role\": \"king\", \"password\": \"" HASH "\"}]}", "expected the role viewer, operator, engineer or admin, got \"king\""},
        {"{\"users\": [{\"name\": \"a\", \"role\": \"viewer\", \"password\": \"secret\"}]}", "expected a password's argon2id hash"},
        {"{\"users\": [{\"name\": \"a:b\", \"role\": \"viewer\", \"password\": \"" HASH "\"}]}", "expected a name of 1 to 40"},
        {"{\"users\": [{\"name\": \"a\", \"role\": \"viewer\", \"password\": \"" HASH "\", \"rolle\": 1}]}", "\"rolle\" is not known here: expected name, role, password, created"},
        {"{\"tokens\": [{\"name\": \"a\", \"hash\": \"0011\"}]}", "tokens[0] \"a\": hash: expected 64 hexadecimal digits"},
        {"{\"tokens\": [{\"name\": \"a\", \"hash\": \"" HEX "\", \"expires\": \"tomorrow\"}]}", "expires: expected a time"},
        {"{\"tokens\": [{\"name\": \"a\", \"hash\": \"" HEX "\", \"provide\": \"*\"}]}", "provide: expected a list"},
        {"{\"tokens\": [{\"name\": \"a\", \"hash\": \"" HEX "\", \"actuate\": [\"\"]}]}", "expected a pattern of tags"},
        {"{\"tokens\": [{\"name\": \"a\", \"hash\": \"" HEX "\"}, {\"name\": \"a\", \"hash\": \"" HEX "\"}]}", "tokens[1] \"a\": the name \"a\" is taken by a token"},
        {"{\"certificates\": [{\"name\": \"a\", \"subject\": \"CN=a\", \"fingerprint\": \"" HEX "\"}]}", "expected a fingerprint or a subject, not both"},
        {"{\"certificates\": [{\"name\": \"a\"}]}", "fingerprint is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Keyring *keyring = NULL;
        ErrText why = {0};
        ck_assert_int_ne(keyring_read(cases[i].json, strlen(cases[i].json), "access.json", &keyring, &why), ERR_OK);
        ck_assert(keyring == NULL);
        ck_assert_msg(strstr(why.text, cases[i].expected) != NULL, "expected \"%s\" in: %s", cases[i].expected, why.text);
    }
}
END_TEST

START_TEST(a_file_that_others_may_write_is_refused)
{
    Keyring *keyring = NULL;
    ErrText why = {0};
    ck_assert_int_eq(keyring_load(write_file("open.json", "{}", 0620), &keyring, &why), ERR_IO);
    ck_assert_msg(strstr(why.text, "chmod 600") != NULL, "%s", why.text);
    ck_assert_int_eq(keyring_load(path_of("nowhere.json"), &keyring, &why), ERR_IO);
    ck_assert_msg(strstr(why.text, "No such file") != NULL, "%s", why.text);
}
END_TEST

static Err add_one(Keyring *keyring, void *context, ErrText *why)
{
    const Key key = {.kind = KEY_TOKEN, .name = context, .created = TIME_NONE, .expires = TIME_NONE};
    return keyring_add(keyring, &key, why);
}

START_TEST(changes_of_many_processes_all_stay)
{
    enum { PROCESSES = 8, EACH = 10 };
    const char *path = path_of("shared.json");
    for (int p = 0; p < PROCESSES; p++)
        if (fork() == 0) {
            for (int i = 0; i < EACH; i++) {
                char name[32];
                ErrText why;
                snprintf(name, sizeof name, "token-%d-%d", p, i);
                if (keyring_change(path, add_one, name, &why))
                    _exit(1);
            }
            _exit(0);
        }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        wait(&status);
        ck_assert_int_eq(status, 0);
    }
    Keyring *keyring = NULL;
    ErrText why = {0};
    ck_assert_msg(keyring_load(path, &keyring, &why) == ERR_OK, "%s", why.text);
    ck_assert_uint_eq(keyring->count, PROCESSES * EACH);
    keyring_destroy(keyring);
}
END_TEST

static Err add_then_fail(Keyring *keyring, void *context, ErrText *why)
{
    add_one(keyring, context, why);
    return err_set(why, ERR_RANGE, "no");
}

START_TEST(a_change_that_fails_changes_nothing)
{
    Keyring *keyring = NULL;
    ErrText why = {0};
    const char *path = write_file("kept.json", everything, 0600);
    ck_assert_int_eq(keyring_change(path, add_then_fail, (void *)"new", &why), ERR_RANGE);
    ck_assert_int_eq(keyring_load(path, &keyring, &why), ERR_OK);
    ck_assert_uint_eq(keyring->count, 4);
    keyring_destroy(keyring);

    // nor does one that there is no memory for, wherever it runs out
    for (size_t n = 1; n < 40; n++) {
        kit_fail_allocation(n);
        const Err err = keyring_change(path, add_one, (void *)"new", &why);
        kit_fail_allocation(0);
        ck_assert_int_eq(keyring_load(path, &keyring, &why), ERR_OK);
        ck_assert_uint_eq(keyring->count, err ? 4 : 5);
        keyring_destroy(keyring);
        if (!err)
            break;
        ck_assert_int_eq(err, ERR_MEMORY);
    }
}
END_TEST

START_TEST(a_token_is_told_once_and_known_by_its_hash)
{
    char token[TOKEN_ROOM], other[TOKEN_ROOM];
    SecretHash hash, again;
    ck_assert_int_eq(secrets_begin(NULL), ERR_OK);
    token_make(token);
    token_make(other);
    ck_assert_uint_eq(strlen(token), TOKEN_ROOM - 1);
    ck_assert_str_ne(token, other);
    ck_assert(token_hash(token, &hash) && token_hash(token, &again));
    ck_assert_mem_eq(&hash, &again, sizeof hash);
    ck_assert(token_hash(other, &again));
    ck_assert_mem_ne(&hash, &again, sizeof hash);
    ck_assert(!token_hash("plx_", &again) && !token_hash("", &again) && !token_hash("Bearer", &again));
    token[10] = '!';
    ck_assert(!token_hash(token, &again));
}
END_TEST

START_TEST(a_password_fits_its_hash_alone)
{
    char hash[PASSWORD_HASH_ROOM];
    ErrText why = {0};
    ck_assert_int_eq(secrets_begin(NULL), ERR_OK);
    ck_assert_int_eq(password_hash("correct horse", hash, &why), ERR_OK);
    ck_assert(password_hash_is_one(hash));
    ck_assert(password_fits("correct horse", hash));
    ck_assert(!password_fits("correct horsf", hash));
    ck_assert_int_eq(password_hash("seven77", hash, &why), ERR_RANGE);
}
END_TEST

KIT_MAIN("server.keyring", a_file_says_who_may_what, a_key_ends_at_its_time, a_certificate_is_known_by_its_fingerprint_before_its_subject, what_is_written_is_read_again,
         a_mistake_is_named_with_its_place, a_file_that_others_may_write_is_refused, changes_of_many_processes_all_stay, a_change_that_fails_changes_nothing,
         a_token_is_told_once_and_known_by_its_hash, a_password_fits_its_hash_alone)
