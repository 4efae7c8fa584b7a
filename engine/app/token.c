/* token.c -- pollux token: what programs and devices show to be let in. */
#include <stdio.h>

#include "app/commands.h"
#include "app/keys.h"

static int create_token(int argc, char **argv);
static int list_tokens(int argc, char **argv);
static int revoke_token(int argc, char **argv);

static const Subcommand create = {
    "token create", "make a token, and print it this once",
    "It is sent as `Authorization: Bearer plx_...`; `pollux emulate` reads it from --token-file or $POLLUX_TOKEN.\n"
    "A device needs no role: --provide 'tank*.level' lets it send samples of these tags, --actuate 'tank1.valve' obey commands to them.",
    create_token};
static const Subcommand list = {"token list", "name, role, tags and end of every token", NULL, list_tokens};
static const Subcommand revoke = {"token revoke", "let nobody in by a token any more", "A running server closes the connections that came by it.", revoke_token};

const Subcommand subcommand_token = {"token", "let programs and devices in by a token", NULL, command_token};

int command_token(int argc, char **argv)
{
    static const Subcommand *const actions[] = {&create, &list, &revoke};
    return options_choose(&subcommand_token, actions, sizeof actions / sizeof *actions, argc, argv);
}

static int create_token(int argc, char **argv)
{
    const char *path = NULL, *role = NULL, *expires = NULL;
    OptionList provide = {0}, actuate = {0};
    Key key = {.kind = KEY_TOKEN};
    const Option options[] = {
        {OPTION_OPERAND, "NAME", NULL, "whose it is: what is done by it is recorded under this name", &key.name, 0, 0},
        {OPTION_TEXT, "role", "ROLE", "viewer, operator, engineer or admin (none)", &role, 0, 0},
        {OPTION_LIST, "provide", "PATTERN", "tags that it may send samples of, * any letters; may be repeated", &provide, 0, 0},
        {OPTION_LIST, "actuate", "PATTERN", "actuators that it may be; may be repeated", &actuate, 0, 0},
        {OPTION_TEXT, "expires", "WHEN", "90d, 12h, or a time (never)", &expires, 0, 0},
        ACCESS_OPTION(&path),
    };
    const OptionResult parsed = options_parse(&create, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    char token[TOKEN_ROOM];
    if (secrets_begin(&why))
        return subcommand_fail(EXIT_FAILED, &why);
    if (keys_describe(&key, role, &provide, &actuate, expires, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    token_make(token);
    token_hash(token, &key.hash);
    const int status = keys_add(path, &key);
    if (status == EXIT_DONE) {
        puts(token);
        fputs("keep it now: it is not shown again\n", stderr);
    }
    secret_wipe(token, sizeof token);
    return status;
}

static int list_tokens(int argc, char **argv)
{
    return keys_list(&list, KEY_TOKEN, argc, argv);
}

static int revoke_token(int argc, char **argv)
{
    return keys_remove(&revoke, KEY_TOKEN, argc, argv);
}
