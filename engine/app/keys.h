/* keys.h -- what `pollux user`, `token` and `certificate` share: the access file that they change, and what they print of it. */
#pragma once

#include "app/options.h"
#include "server/keyring.h"

#define ACCESS_OPTION(target) {OPTION_TEXT, "access", "FILE", "the access file ($XDG_CONFIG_HOME/pollux/access.json)", target, 0, 0}

/// keyring_change of the file that --access names, or of the user's own where that is NULL, and what came of that: an exit status, with one line on standard
/// error when it failed.
int keys_change(const char *path, Err (*change)(Keyring *, void *, ErrText *), void *context);
/// The whole of a command that adds `key`, once it is described.
int keys_add(const char *path, Key *key);
/// The whole of a command that prints those of a kind, one a line; and of one that removes NAME.
int keys_list(const Subcommand *command, KeyKind kind, int argc, char **argv);
int keys_remove(const Subcommand *command, KeyKind kind, int argc, char **argv);

/// Of --role (may be NULL), --provide, --actuate, --expires ("90d", "12h", a time, or NULL) to a key that is made now.
Err keys_describe(Key *key, const char *role, const OptionList *provide, const OptionList *actuate, const char *expires, ErrText *why);
