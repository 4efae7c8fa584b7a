/* The seeds of the fuzzer, as an ordinary test: files named bad_* are refused with a text, the others are read. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "signal/wire.h"

static const char folder[] = POLLUX_SOURCE "/tests/fuzz/corpus/wire";

/* The whole of a file in memory of exactly its size, so that ASan sees a read beyond it. */
static char *load(const char *name, size_t *length)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *const file = fopen(path, "rb");
    ck_assert_msg(file, "cannot open %s", path);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *const bytes = malloc(*length ? *length : 1);
    ck_assert_uint_eq(fread(bytes, 1, *length, file), *length);
    fclose(file);
    return bytes;
}

static void read_seed(Wire *wire, const char *name)
{
    size_t length;
    char *const bytes = load(name, &length);
    const bool wrong = strncmp(name, "bad_", 4) == 0;
    WireMessage message;
    ErrText why = {0};
    const Err err = wire_read(wire, bytes, length, &message, &why);
    ck_assert_msg((err != ERR_OK) == wrong, "%s: %s %s", name, err_name(err), why.text);
    ck_assert_msg((why.text[0] != 0) == wrong, "%s: \"%s\"", name, why.text);
    free(bytes);
}

START_TEST(every_seed_is_read_or_refused_as_its_name_says)
{
    Wire *wire;
    ck_assert_int_eq(wire_create(&wire), ERR_OK);
    DIR *const files = opendir(folder);
    ck_assert_msg(files, "cannot open %s", folder);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(files));) {
        if (entry->d_name[0] == '.')
            continue;
        read_seed(wire, entry->d_name);
        count++;
    }
    closedir(files);
    wire_destroy(wire);
    ck_assert_uint_ge(count, 20);
}
END_TEST

/* Every beginning of every seed, and every seed with one byte changed: none may be read beyond its end or upset the next. */
START_TEST(cut_and_damaged_seeds_do_no_harm)
{
    Wire *wire;
    ck_assert_int_eq(wire_create(&wire), ERR_OK);
    DIR *const files = opendir(folder);
    ck_assert_msg(files, "cannot open %s", folder);
    for (const struct dirent *entry; (entry = readdir(files));) {
        if (entry->d_name[0] == '.')
            continue;
        size_t length;
        char *const bytes = load(entry->d_name, &length);
        WireMessage message;
        for (size_t i = 0; i < length; i++) {
            wire_read(wire, bytes, i, &message, NULL);
            bytes[i] ^= (char)(1 << i % 8);
            wire_read(wire, bytes, length, &message, NULL);
            bytes[i] ^= (char)(1 << i % 8);
        }
        free(bytes);
    }
    closedir(files);
    ck_assert_int_eq(wire_read(wire, "{\"topic\":\"time\",\"value\":1}", 26, &(WireMessage){0}, NULL), ERR_OK);
    wire_destroy(wire);
}
END_TEST

KIT_MAIN("signal.corpus", every_seed_is_read_or_refused_as_its_name_says, cut_and_damaged_seeds_do_no_harm)
