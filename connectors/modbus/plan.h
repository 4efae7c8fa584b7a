/* plan.h -- which requests read all that is to be read.
 *
 * A Point is one value at one address of one station. Points of a station, table and period that are neighbours, or lie no further apart than the gap
 * that may be read along, share a request, as long as one request can carry them: the plan has as few requests as is possible at all. A request that
 * a device refuses for an address in it is split, at its widest gap or in the middle, until the one that the device does not have stands alone.
 *
 * Takes: points.  Gives: requests over the same array, which is sorted.  Memory: the caller's, nothing is allocated.  Threads: any. */
#pragma once

#include "connectors/modbus/registers.h"
#include "signal/schedule.h"

/// The four tables of a device, in the order of the function codes that read them.
typedef enum ModbusTable { TABLE_COIL, TABLE_DISCRETE, TABLE_HOLDING, TABLE_INPUT } ModbusTable;

/// "coil", "discrete", "holding", "input".
extern const char *const modbus_table_names[];
/// Its addresses hold one bit each, not a register.
bool table_has_bits(ModbusTable table);

enum { REQUEST_REGISTERS_MAX = 125, REQUEST_BITS_MAX = 2000 };  // what the standard allows to be read at once

typedef struct Point {
    size_t binding;  // of the connector's
    uint8_t station;
    ModbusTable table;
    uint16_t address;  // from 0
    uint16_t width;    // registers or bits
    RegisterForm form;  // of registers
    int64_t every_ns;  // between two readings
} Point;

typedef struct Request {
    Point *points;
    size_t count;
    uint16_t address, length;  // registers or bits
    Schedule schedule;
} Request;

typedef struct PlanLimits {
    uint16_t registers, bits;  // of one request; at least REGISTERS_WIDEST
    uint16_t gap;              // registers that nobody asked for and that may be read to join two points; as bits, 16 each
} PlanLimits;

/// `out` has room for `count` requests; all are due at `start_ns`. How many there are.
size_t plan_make(Point *points, size_t count, PlanLimits limits, int64_t start_ns, Request *out);
/// Make two of `requests[index]`, the second behind the first; `requests` has room for it. False when all its points are of one place.
bool plan_split(Request *requests, size_t *count, size_t index);
