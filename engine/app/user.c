/* user.c -- pollux user: people, who log in by a password. */
#include <stdio.h>

#include "app/commands.h"
#include "app/keys.h"
#include "app/password.h"

static int add_user(int argc, char **argv);
static int list_users(int argc, char **argv);
static int change_password(int argc, char **argv);
static int remove_user(int argc, char **argv);

#define ASKED "The password is asked for twice on the terminal; where standard input is none, its first line is the password."

static const Subcommand add = {"user add", "let a person in, by a password",
                               "viewer sees and forecasts; operator also acknowledges and commands; engineer also configures; admin may do everything.\n" ASKED, add_user};
static const Subcommand list = {"user list", "name and role of everybody", NULL, list_users};
static const Subcommand password = {"user password", "give a person another password", ASKED "\nWho has logged in by the old one is logged out.", change_password};
static const Subcommand removal = {"user remove", "let a person in no more", "A running server logs the person out.", remove_user};

const Subcommand subcommand_user = {"user", "let people in by a password", NULL, command_user};

int command_user(int argc, char **argv)
{
    static const Subcommand *const actions[] = {&add, &list, &password, &removal};
    return options_choose(&subcommand_user, actions, sizeof actions / sizeof *actions, argc, argv);
}

/* The hash of a password that is asked for now. */
static Err ask_hash(const char *name, char out[static PASSWORD_HASH_ROOM], ErrText *why)
{
    char text[PASSWORD_ROOM];
    Err err = secrets_begin(why);
    if (!err)
        err = password_ask(name, text, why);
    if (!err)
        err = password_hash(text, out, why);
    secret_wipe(text, sizeof text);
    return err;
}

static int add_user(int argc, char **argv)
{
    const char *path = NULL, *role = NULL;
    char hash[PASSWORD_HASH_ROOM];
    Key key = {.kind = KEY_USER, .password = hash};
    const Option options[] = {
        {OPTION_OPERAND, "NAME", NULL, "by which the person logs in, and is recorded", &key.name, 0, 0},
        {OPTION_TEXT, "role", "ROLE", "viewer, operator, engineer or admin", &role, 0, 0},
        ACCESS_OPTION(&path),
    };
    const OptionResult parsed = options_parse(&add, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    if (keys_describe(&key, role ? role : "", &(OptionList){0}, &(OptionList){0}, NULL, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    if (ask_hash(key.name, hash, &why))
        return subcommand_fail(EXIT_FAILED, &why);
    return keys_add(path, &key);
}

static int list_users(int argc, char **argv)
{
    return keys_list(&list, KEY_USER, argc, argv);
}

/* A user, and what is to be kept of the new password. */
typedef struct Renewal {
    const char *name;
    char hash[PASSWORD_HASH_ROOM];
} Renewal;

static Err renew(Keyring *keyring, void *context, ErrText *why)
{
    const Renewal *renewal = context;
    return keyring_set_password(keyring, renewal->name, renewal->hash, why);
}

static int change_password(int argc, char **argv)
{
    const char *path = NULL;
    Renewal renewal = {.name = NULL};
    const Option options[] = {{OPTION_OPERAND, "NAME", NULL, "whose", &renewal.name, 0, 0}, ACCESS_OPTION(&path)};
    const OptionResult parsed = options_parse(&password, options, 2, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    if (ask_hash(renewal.name, renewal.hash, &why))
        return subcommand_fail(EXIT_FAILED, &why);
    return keys_change(path, renew, &renewal);
}

static int remove_user(int argc, char **argv)
{
    return keys_remove(&removal, KEY_USER, argc, argv);
}
