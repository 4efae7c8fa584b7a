/* settings.h -- what a plant's script says of this connector and of the tags that are bound to it.
 *
 * Takes: a ConnectorDef.  Gives: the definition of a controlling station, and which tag an information object is.
 * Memory: the arena that is handed in; host and names stay the script's.  Threads: const once read. */
#pragma once

#include "connectors/iec104/channel.h"
#include "connectors/iec104/master.h"
#include "signal/connector_kind.h"

enum { IEC104_FLAWS = 8 };

/// One binding.
typedef struct Iec104Point {
    uint16_t station;
    uint32_t address;
    size_t binding;
    AsduType type;  // of its commands
    bool select, terminates;
    Quality flaws[IEC104_FLAWS];  // what each bit of the quality descriptor makes of a value
} Iec104Point;

typedef struct Iec104Settings {
    const char *host;
    char port[8];
    char peer[128];  // "host:port"
    int64_t t0_ns;   // for the connection to be made
    int64_t retry_ns, retry_most_ns;
    Iec104Tls tls;
    MasterDef master;
    Iec104Point *points;  // by binding
    Iec104Point *read;    // those that are read, by rising station and address
    size_t read_count;
} Iec104Settings;

/// ERR_MEMORY, or what options_* say.
Err iec104__settings_read(const ConnectorDef *def, Arena *arena, Iec104Settings *out, ConnectorFault *fault);
/// The first of the points that are read there, `count` of them; NULL when there is none.
const Iec104Point *iec104__settings_find(const Iec104Settings *settings, uint16_t station, uint32_t address, size_t *count);
/// The worst that any of these bits of quality makes of the value.
Quality iec104__point_judge(const Iec104Point *point, uint8_t quality);
