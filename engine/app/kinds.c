#include "app/kinds.h"

#include <string.h>

const ConnectorKind *const kinds[] = {
    NULL,
};

const ConnectorKind *kinds_find(const char *name)
{
    for (const ConnectorKind *const *kind = kinds; *kind; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}
