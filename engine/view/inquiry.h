/* inquiry.h -- what is asked of a server as JSON, and its answers as series. Pure. */
#pragma once

#include "view/mirror.h"

/// "tank1.level" as JSON.
void inquiry_put_tag(Text *out, const World *world, uint32_t asset, uint16_t channel);
/// A scenario (docs/forecast.md): the base case, and beside it, where something is changed, the alternative.
void inquiry_put_forecast(Text *out, const World *world, const ForecastAsk *ask);
/// A scenario for all that bodies show by their form, at its end alone, with `changes`; how many values those are.
size_t inquiry_put_ghosts(Text *out, const World *world, double horizon, const WhatIf *changes, size_t change_count);

/// The answer of `GET /api/v1/history`: one series per tag; buckets have their extremes, points are their own. ERR_MEMORY.
Err inquiry_read_history(const Mirror *mirror, const json_t *json, Answer *out);
/// The answer of a forecast with three quantiles: one fan per case and tag. ERR_PARSE when there is no result in it.
Err inquiry_read_forecast(const Mirror *mirror, const json_t *json, Answer *out);
