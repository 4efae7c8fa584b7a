#include "viewer/far.h"

#include <string.h>
#include <unistd.h>

#include "app/token_file.h"
#include "app/password.h"
#include "view/feed_remote.h"

bool far_is_meant(const char *source)
{
    if (strstr(source, "://"))
        return true;
    const char *colon = strrchr(source, ':');
    return colon && colon[1] && colon[1 + strspn(colon + 1, "0123456789")] == 0 && access(source, F_OK) != 0;
}

Err far_open(const FarDef *def, Source *out, ErrText *why)
{
    char token[TOKEN_TEXT_ROOM], password[PASSWORD_ROOM] = "";
    Err err = token_read(def->token_file, token, why);
    if (!err && def->user)
        err = password_enter(def->user, password, why);
    const FeedRemoteDef feed = {.url = def->url, .token = *token ? token : NULL, .user = def->user, .password = password, .ca = def->ca};
    if (!err)
        err = feed_remote_open(&feed, out, why);
    secret_wipe(token, sizeof token);
    secret_wipe(password, sizeof password);
    return err;
}
