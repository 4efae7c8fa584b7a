#include "app/kinds.h"

#include <string.h>

#include "connectors/iec104/iec104.h"

const ConnectorKind *const kinds[] = {
    &iec104_kind,
    NULL,
};

const ConnectorKind *kinds_find(const char *name)
{
    for (const ConnectorKind *const *kind = kinds; *kind; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}
