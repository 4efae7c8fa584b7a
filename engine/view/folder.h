/* folder.h -- where the window's own files are: fonts, meshes.
 *
 * Beside the program where it is installed (../share/pollux), in the source tree (assets) where it was built.
 *
 * Threads: any. */
#pragma once

#include <stdbool.h>

enum { FOLDER_ROOM = 4096 };

/// The path of a file or folder, "meshes" or "fonts/one.ttf"; false when there is none.
bool folder_find(const char *name, char out[static FOLDER_ROOM]);
