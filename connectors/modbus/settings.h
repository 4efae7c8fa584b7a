/* settings.h -- what a plant's script says of a Modbus line and of the addresses on it (README.md lists the keys).
 *
 * Takes: options and bindings.  Gives: Settings, a Point per binding.  Memory: views into the JSON.  Threads: any. */
#pragma once

#include "connectors/modbus/plan.h"
#include "signal/connector_kind.h"

typedef struct ModbusSettings {
    const char *host;    // TCP; NULL: a serial line
    char port[8];
    const char *device;  // "/dev/ttyUSB0"
    int baud, data_bits, stop_bits;
    char parity;         // 'N', 'E', 'O'
    int64_t timeout_ns;  // of a request, and of connecting
    int attempts;         // at a request that reads, before its station counts as silent
    int64_t retry_ns, retry_most_ns;  // waits between attempts at a line or a station that is not there
    PlanLimits limits;
    char peer[128];      // "localhost:1502", "/dev/ttyUSB0"
} ModbusSettings;

/// `points` has room for all bindings; each stands at the place of its own.
Err modbus_settings_read(const ConnectorDef *def, ModbusSettings *out, Point *points, ConnectorFault *fault);
