/* things.h -- twins as Things of the Web of Things: W3C Thing Description 1.1, as JSON.
 *
 * A channel is a property that can be read and observed (by Server-Sent Events), an actuator is an action besides, and alarms are an event. The plant is
 * a Thing too, which links to its twins: that is what /.well-known/wot tells (W3C WoT Discovery, "Well-Known URIs" and "Self-Description").
 *
 * Takes: a Plant.  Gives: one JSON object each. */
#pragma once

#include "plant/plant.h"

enum { THING_LINKS_MAX = 256 };  // twins that a plant's description links to; the others are in its list of twins

/// Where a Thing is found, and what it asks of who comes.
typedef struct ThingPlace {
    const char *base;  // of hrefs, at the address that the reader named: "http://localhost:8080/api/v1/"
    bool needs_token;
} ThingPlace;

void thing_twin(Text *out, const Plant *plant, uint32_t twin, const ThingPlace *place);
void thing_plant(Text *out, const Plant *plant, const ThingPlace *place);
