/* mirror.h -- a server's messages become a world.
 *
 * A snapshot says what there is, tick frames what has changed; both are those of docs/protocol.md. What is live is kept here, and shown in the World on
 * demand, so that whoever looks at the past is back at once. A snapshot of the same twins leaves the World's shape as it is.
 *
 * Nothing that a message can say breaks anything: what is not as expected is left out.
 *
 * Takes: JSON.  Gives: World.  Memory: its own.  Threads: one. */
#pragma once

#include <jansson.h>

#include "view/world.h"

typedef struct Mirror Mirror;

Err mirror_create(Mirror **out);
void mirror_destroy(Mirror *mirror);

/// Take a message in (snapshot, tick; others are left out); true when the live state has changed. A snapshot of other twins gives `world` another shape.
/// ERR_MEMORY leaves the world without assets.
Err mirror_apply(Mirror *mirror, World *world, const json_t *message, bool *changed);
/// Show what is live: values, alarms, health, time. The world's mode is the caller's.
void mirror_show_live(const Mirror *mirror, World *world);
/// Show a moment of the past (`GET /api/v1/snapshot`).
void mirror_show_past(const Mirror *mirror, World *world, const json_t *moment);
/// Plant time of the newest tick, TIME_NONE before the first.
int64_t mirror_time(const Mirror *mirror);

/// Where a tag is in the world; false when there is none of this name.
bool mirror_find(const Mirror *mirror, const char *tag, uint32_t *asset, uint16_t *channel);
/// "tank1.level", at most 2 WORLD_NAME bytes with the 0.
void mirror_tag(const World *world, uint32_t asset, uint16_t channel, char out[static 2 * WORLD_NAME]);
/// A number, NAN for anything else.
double mirror_number(const json_t *value);
