#include "signal/connector_kind.h"

#include <stdio.h>

Err connector_blame(ConnectorFault *fault, TagId binding, const Options *options)
{
    if (!options->err)
        return ERR_OK;
    fault->binding = binding;
    fault->why = options->why;
    snprintf(fault->key, sizeof fault->key, "%s", options->blamed);
    return options->err;
}
