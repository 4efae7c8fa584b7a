/* iec104.h -- the connector to outstations that speak IEC 60870-5-104: a controlling station.
 *
 *     connectors = { grid = { "iec104", host = "10.0.0.7", interrogate = 900 } }
 *     bind = {
 *       ["tank1.gauge"]    = { "grid", address = 4001, unit = "cm", time = "source" },
 *       ["valve1.opening"] = { "grid", address = 6201, type = "C_SE_NC", select = true },
 *     }
 *
 * One thread per connector, with one connection. What stands in front of what:
 *
 *     apci      the envelope: frames           asdu, cp56  what is in it: objects, times
 *     transfer  numbers, windows, timers       master      interrogations, commands
 *     settings  the script's keys              channel     the bytes, plain or by TLS
 *
 * Options, what is confirmed and the interoperability list: README.md. */
#pragma once

#include "signal/connector_kind.h"

extern const ConnectorKind iec104_kind;
