/* sparkplug.h -- Sparkplug B 3.0 over MQTT: a host application that follows and commands edge nodes, or an edge node of its own.
 *
 * The broker's thread of connectors/mqtt serves it. README.md beside this file says what a script may name, and what is confirmed.
 *
 * Takes: births, data, deaths.  Gives: samples; carries commands.  Memory: allocated at the start, but for libmosquitto's and a tree per message. */
#pragma once

#include "signal/connector_kind.h"

extern const ConnectorKind sparkplug_kind;
