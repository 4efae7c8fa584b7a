/* mqtt.h -- samples and commands through a broker of MQTT, 3.1.1 or 5.
 *
 * A thread of its own serves the broker and the exchange. A binding names a topic; README.md beside this file says all that it may name, and what is confirmed.
 *
 * Takes: messages.  Gives: samples; carries commands.  Memory: allocated at the start, but for libmosquitto's and a JSON tree per message. */
#pragma once

#include "signal/connector_kind.h"

extern const ConnectorKind mqtt_kind;
