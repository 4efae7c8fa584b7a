#include "base/embedded.h"

#include <string.h>

const Embedded *embedded_find(const Embedded *files, const char *name)
{
    for (; files->name; files++)
        if (strcmp(files->name, name) == 0)
            return files;
    return NULL;
}
