/* line.h -- one connection by TCP or one serial line, and a request at a time on it, by libmodbus.
 *
 * A request has an end: the whole answer is there within the timeout, or there is none. What is no proper answer to the request makes the next one
 * doubtful, so a connection is closed then, and the next request needs another; a serial line is flushed.
 *
 * Takes: requests.  Gives: what was read, or why not.  Threads: one. */
#pragma once

#include "connectors/modbus/settings.h"

typedef struct ModbusLine ModbusLine;

/// What became of a request.
typedef enum Answer {
    ANSWER_GIVEN,
    ANSWER_ILLEGAL,  // the station does not have all of these addresses, or does not take so many at once
    ANSWER_REFUSED,  // the station answers, with another exception
    ANSWER_ABSENT,   // a gateway answers: the station does not
    ANSWER_LOST,     // none that is one
} Answer;

/// `settings` outlive it.
Err modbus_line_create(const ModbusSettings *settings, ModbusLine **out);
void modbus_line_destroy(ModbusLine *line);
bool modbus_line_is_open(const ModbusLine *line);
Err modbus_line_open(ModbusLine *line, ErrText *why);
void modbus_line_close(ModbusLine *line);
/// The socket, which is not readable between two requests unless the other end is gone; -1 where that cannot be told.
int modbus_line_file(const ModbusLine *line);

/// Read `length` registers, or bits as 0 and 1, into `out`. The line is open.
Answer modbus_line_read(ModbusLine *line, uint8_t station, ModbusTable table, uint16_t address, uint16_t length, uint16_t *out, ErrText *why);
/// Write a point's registers (register_encode), one bit of a register without touching the others. The line is open.
Answer modbus_line_write(ModbusLine *line, const Point *point, const uint16_t *registers, ErrText *why);
