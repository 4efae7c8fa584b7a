/* password.h -- a password from a person's keyboard, without echo, or from a file or pipe: its first line. */
#pragma once

#include "base/base.h"
#include "server/secrets.h"

enum { PASSWORD_ROOM = PASSWORD_MAX + 2 };  // one byte more than may be, to see that it is too long

/// Ask for the new password of `name`, twice where somebody types it. Wipe it after use. ERR_RANGE: the two differ; ERR_CLOSED:
/// whoever types it would rather not.
Err password_ask(const char *name, char out[static PASSWORD_ROOM], ErrText *why);
/// Ask for the password that `name` has. Wipe it after use. ERR_CLOSED: whoever types it would rather not.
Err password_enter(const char *name, char out[static PASSWORD_ROOM], ErrText *why);
