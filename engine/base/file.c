#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool write_all(int file, const char *bytes, size_t length)
{
    for (ssize_t wrote; length; bytes += wrote, length -= (size_t)wrote)
        if ((wrote = write(file, bytes, length)) <= 0)
            return false;
    return fsync(file) == 0;
}

/* The new name is on disk when the folder is. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    const int file = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return;
    fsync(file);
    close(file);
}

Err file_replace(const char *path, const char *bytes, size_t length, ErrText *why)
{
    char fresh[PATH_MAX];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return err_set(why, ERR_RANGE, "the path %.60s... is too long", path);
    unlink(fresh);  // of a writer that was ended in the middle
    const int file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool done = file >= 0 && write_all(file, bytes, length);
    if (file >= 0)
        done = close(file) == 0 && done;
    if (done && rename(fresh, path) == 0) {
        sync_folder(path);
        return ERR_OK;
    }
    err_set(why, ERR_IO, "cannot write %s: %s", path, strerror(errno));
    unlink(fresh);
    return ERR_IO;
}
