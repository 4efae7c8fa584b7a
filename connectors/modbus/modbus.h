/* modbus.h -- registers and coils of devices that speak Modbus, by TCP or over a serial line (RTU).
 *
 * One thread asks one thing at a time. What is read is planned at the start (plan.h) and due on a grid of times that does not move (signal/schedule.h);
 * of requests that are due together the one goes first whose next turn comes first, and a turn that comes too late is left out and counted. A sample's time
 * is the middle of its request. Commands go between two requests; a command is done when what it wrote has been read back.
 *
 * A station that does not answer is left alone for a while, so that the others on its line are not held up; when none answers, the connection counts as lost.
 *
 * Takes: options and bindings (README.md).  Gives: a kind of connector.  Threads: see connector_kind.h. */
#pragma once

#include "signal/connector_kind.h"

extern const ConnectorKind modbus_kind;
