#include "view/folder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool folder_find(const char *name, char out[static FOLDER_ROOM])
{
    static const char *const places[] = {"../share/pollux", "../../../assets"};
    char program[FOLDER_ROOM / 2];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return false;
    program[length] = 0;
    *strrchr(program, '/') = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const int needed = snprintf(out, FOLDER_ROOM, "%s/%s/%s", program, places[i], name);
        if (needed < FOLDER_ROOM && access(out, R_OK) == 0)
            return true;
    }
    return false;
}
