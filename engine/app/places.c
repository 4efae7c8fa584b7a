#include "app/places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Make the folders that lead to `path`. */
static Err make_folders(const char *path, ErrText *why)
{
    char folder[1024];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return err_set(why, ERR_RANGE, "the path %.60s... is too long", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(folder, 0700) && errno != EEXIST)
            return err_set(why, ERR_IO, "%s: %s", folder, strerror(errno));
        *slash = '/';
    }
    return ERR_OK;
}

/* FOLDER/pollux/NAME, FOLDER what `variable` says, or `below` the home folder. */
static Err place(const char *variable, const char *below, const char *name, char *out, size_t size, ErrText *why)
{
    const char *folder = getenv(variable), *home = getenv("HOME");
    const bool set = folder && *folder;
    const int length = snprintf(out, size, "%s%s%s/pollux/%s", set ? folder : home ? home : ".", set ? "" : "/", set ? "" : below, name);
    return length < (int)size ? make_folders(out, why) : err_set(why, ERR_RANGE, "the path of %.60s is too long", name);
}

Err place_history(const char *plant, char *out, size_t size, ErrText *why)
{
    char file[300];
    const char *slash = strrchr(plant, '/'), *name = slash ? slash + 1 : plant;
    if (snprintf(file, sizeof file, "%.*s.db", (int)strcspn(name, "."), name) >= (int)sizeof file)
        return err_set(why, ERR_RANGE, "the path of the history is too long");
    return place("XDG_STATE_HOME", ".local/state", file, out, size, why);
}

Err place_access(char *out, size_t size, ErrText *why)
{
    return place("XDG_CONFIG_HOME", ".config", "access.json", out, size, why);
}
