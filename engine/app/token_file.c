#include "app/token_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Err token_read(const char *path, char token[static TOKEN_TEXT_ROOM], ErrText *why)
{
    const char *set = getenv("POLLUX_TOKEN");
    snprintf(token, TOKEN_TEXT_ROOM, "%s", !path && set ? set : "");
    if (!path)
        return ERR_OK;
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    const bool read = fgets(token, TOKEN_TEXT_ROOM, file) != NULL;
    fclose(file);
    token[strcspn(token, " \t\r\n")] = 0;
    return read && *token ? ERR_OK : err_set(why, ERR_PARSE, "%s: expected a token, as `pollux token create` prints it", path);
}
