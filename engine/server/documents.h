/* documents.h -- the texts of docs/api, built into the program so that what describes the interface is always of the same version as what speaks it:
 * "openapi.json", and the schemas of what is sent and asked for, "schemas/alarm.json". */
#pragma once

#include "base/embedded.h"

extern const Embedded documents[];
