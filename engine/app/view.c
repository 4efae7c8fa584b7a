/* view.c -- pollux view: becomes the visualizer, a program of its own beside this one, so that a server starts without SDL and OpenGL. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"

const Subcommand subcommand_view = {"view", "show a plant in three dimensions: a script, or what a server runs", "", command_view};

int command_view(int argc, char **argv)
{
    ErrText why;
    char path[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "-view");
    (void)argc;
    if (length > 0) {
        memcpy(path + length, "-view", sizeof "-view");
        execv(path, argv);
    }
    err_set(&why, ERR_IO,
            "view: the visualizer, pollux-view, is not beside this program (%s): it is built where SDL2, SDL2_ttf, libepoxy, cglm, libpng and assimp are",
            strerror(errno));
    return subcommand_fail(EXIT_FAILED, &why);
}
