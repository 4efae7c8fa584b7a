#include "app/bearer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Err bearer_read(const char *path, char token[static BEARER_ROOM], ErrText *why)
{
    const char *set = getenv("POLLUX_TOKEN");
    snprintf(token, BEARER_ROOM, "%s", !path && set ? set : "");
    if (!path)
        return ERR_OK;
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    const bool read = fgets(token, BEARER_ROOM, file) != NULL;
    fclose(file);
    token[strcspn(token, " \t\r\n")] = 0;
    return read && *token ? ERR_OK : err_set(why, ERR_PARSE, "%s: expected a token, as `pollux token create` prints it", path);
}
