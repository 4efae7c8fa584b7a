/* http.h -- numbers by HTTP, both ways: others push them to the server, and resources of others are read and written.
 *
 * What is pushed comes by an Inlet (signal/inlet.h) on the server's thread. The connector's own thread asks for resources, each due on a grid of times that
 * does not move and none held up by another, and sends commands one after the other. Both speak with the Exchange under one lock.
 *
 * Takes: options and bindings (README.md).  Gives: a kind of connector.  Threads: see connector_kind.h. */
#pragma once

#include "signal/connector_kind.h"

extern const ConnectorKind http_kind;
