/* fuzz_access.c -- any bytes as an access file: what is read is within its limits, and written and read again it is the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/keyring.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static bool is_same(const Key *a, const Key *b)
{
    const bool named = strcmp(a->name, b->name) == 0 && !a->subject == !b->subject && (!a->subject || strcmp(a->subject, b->subject) == 0);
    return named && a->kind == b->kind && a->role == b->role && a->created == b->created && a->expires == b->expires && a->provide.count == b->provide.count &&
           a->actuate.count == b->actuate.count && memcmp(&a->hash, &b->hash, sizeof a->hash) == 0;
}

static void write_and_read(const Keyring *keyring)
{
    char path[64];
    Keyring *again;
    snprintf(path, sizeof path, "/tmp/pollux-fuzz-access-%d", (int)getpid());
    require(!keyring_save(keyring, path, NULL));
    require(!keyring_load(path, &again, NULL));
    unlink(path);
    require(again->count == keyring->count);
    for (size_t i = 0; i < again->count; i++)
        require(is_same(&keyring->items[i], &again->items[i]));
    keyring_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    ErrText why = {0};
    Keyring *keyring;
    if (keyring_read((const char *)bytes, size, "access.json", &keyring, &why)) {
        require(strncmp(why.text, "access.json: ", 13) == 0);
        return 0;
    }
    require(keyring->count <= KEYS_MAX);
    write_and_read(keyring);
    keyring_destroy(keyring);
    return 0;
}
