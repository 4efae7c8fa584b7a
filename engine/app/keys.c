#include "app/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/places.h"

enum { PATH_ROOM = 1024 };

/* The access file that is meant: what --access said, or the user's own, whose path goes to `room`. */
static Err find_place(const char **path, char *room, size_t size, ErrText *why)
{
    if (*path)
        return ERR_OK;
    *path = room;
    return place_access(room, size, why);
}

int keys_change(const char *path, Err (*change)(Keyring *, void *, ErrText *), void *context)
{
    char room[PATH_ROOM];
    ErrText why;
    Err err = secrets_begin(&why);
    if (!err)
        err = find_place(&path, room, sizeof room, &why);
    if (!err)
        err = keyring_change(path, change, context, &why);
    return err ? subcommand_fail(EXIT_FAILED, &why) : EXIT_DONE;
}

static Err add_key(Keyring *keyring, void *key, ErrText *why)
{
    return keyring_add(keyring, key, why);
}

int keys_add(const char *path, Key *key)
{
    return keys_change(path, add_key, key);
}

// What there is.

static void print_patterns(const char *what, TagPatterns patterns)
{
    for (size_t i = 0; i < patterns.count; i++)
        printf("%s%s", i ? "," : what, patterns.items[i]);
}

static void print_key(const Key *key, int64_t now)
{
    char time[32];
    printf("%-20s %-9s", key->name, key->role == ROLE_NOBODY ? "-" : role_name(key->role));
    print_patterns("  provide ", key->provide);
    print_patterns("  actuate ", key->actuate);
    if (key->device)
        printf("  claimed device");
    if (key->subject)
        printf("  subject %s", key->subject);
    if (key->expires != TIME_NONE) {
        time_format(key->expires, time);
        printf("  %s %s", key_has_expired(key, now) ? "expired" : "expires", time);
    }
    putchar('\n');
}

static int print_keys(const char *path, KeyKind kind)
{
    char room[PATH_ROOM];
    ErrText why;
    Keyring *keyring = NULL;
    Err err = find_place(&path, room, sizeof room, &why);
    if (!err && access(path, F_OK) != 0)
        return EXIT_DONE;  // nobody has been let in yet
    if (!err)
        err = secrets_begin(&why);
    if (!err)
        err = keyring_load(path, &keyring, &why);
    if (err)
        return subcommand_fail(EXIT_FAILED, &why);
    for (size_t i = 0; i < keyring->count; i++)
        if (keyring->items[i].kind == kind)
            print_key(&keyring->items[i], clock_system.utc_ns(clock_system.self));
    keyring_destroy(keyring);
    return EXIT_DONE;
}

int keys_list(const Subcommand *command, KeyKind kind, int argc, char **argv)
{
    const char *path = NULL;
    const Option options[] = {ACCESS_OPTION(&path)};
    const OptionResult parsed = options_parse(command, options, 1, argc, argv);
    return parsed == OPTIONS_TAKEN ? print_keys(path, kind) : parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
}

typedef struct Removal {
    KeyKind kind;
    const char *name;
} Removal;

static Err remove_key(Keyring *keyring, void *context, ErrText *why)
{
    const Removal *removal = context;
    return keyring_remove(keyring, removal->kind, removal->name, why);
}

int keys_remove(const Subcommand *command, KeyKind kind, int argc, char **argv)
{
    const char *path = NULL;
    Removal removal = {.kind = kind};
    const Option options[] = {{OPTION_OPERAND, "NAME", NULL, "whose", &removal.name, 0, 0}, ACCESS_OPTION(&path)};
    const OptionResult parsed = options_parse(command, options, 2, argc, argv);
    return parsed == OPTIONS_TAKEN ? keys_change(path, remove_key, &removal) : parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
}

// What a new one may do.

static Err read_expiry(const char *text, int64_t now, int64_t *out, ErrText *why)
{
    char *end;
    if (time_parse(text, strlen(text), out))
        return ERR_OK;
    const double hours = strtod(text, &end) * (*end == 'd' ? 24 : 1);
    if ((*end != 'd' && *end != 'h') || end[1] || !(hours > 0 && hours <= 24 * 3660))
        return err_set(why, ERR_USAGE, "--expires: expected days or hours from now, as in 90d or 12h, or a time as in 2026-12-31T00:00:00Z, got \"%.60s\"",
                       text);
    *out = now + (int64_t)(hours * 3600 * (double)NS_PER_S);
    return ERR_OK;
}

Err keys_describe(Key *key, const char *role, const OptionList *provide, const OptionList *actuate, const char *expires, ErrText *why)
{
    const int64_t second = clock_system.utc_ns(clock_system.self) / NS_PER_S;
    key->created = second * NS_PER_S;
    key->expires = TIME_NONE;
    key->provide = (TagPatterns){provide->items, provide->count};
    key->actuate = (TagPatterns){actuate->items, actuate->count};
    if (role && role_find(role, &key->role, why))
        return err_prefix(why, ERR_USAGE, "--role");
    if (!role && provide->count + actuate->count == 0)
        return err_set(why, ERR_USAGE, "it may do nothing: give it a --role, or tags to --provide or --actuate");
    return expires ? read_expiry(expires, key->created, &key->expires, why) : ERR_OK;
}
