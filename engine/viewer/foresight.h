/* foresight.h -- what a window wants to know of the future: ghosts, again and again, and what-if, when somebody asks.
 *
 * Both are forecasts of the plant's own desk (forecast/desk.h), computed by its clerks: the tick plans and copies, and never waits. Inputs stay as they are.
 *
 * Takes: an App between two ticks.  Gives: quantiles for a Capture, Answers.  Memory: its own.  Threads: the tick's. */
#pragma once

#include "viewer/capture.h"

enum { FORESIGHT_ASSETS_MAX = 64, FORESIGHT_TAGS_MAX = 200, FORESIGHT_CHANNELS_MAX = 16 };

/// A forecast of one asset, with and without changes. Numbers in the channels' units.
typedef struct ForesightAsk {
    uint64_t ticket;
    double horizon;  // s
    uint32_t asset;
    uint16_t channels[FORESIGHT_CHANNELS_MAX];
    size_t channel_count;
    WhatIf changes[FORESIGHT_CHANNELS_MAX];
    size_t change_count;
} ForesightAsk;

typedef struct Foresight Foresight;

Err foresight_create(const Capture *capture, Foresight **out);
void foresight_destroy(Foresight *foresight, App *app);
/// Ghosts are wanted so many seconds ahead (0: none); of these assets first, where the plant has more than can be foretold at once.
void foresight_look(Foresight *foresight, double horizon, const uint32_t *assets, size_t count);
/// ERR_FULL while another is computed; ERR_RANGE and others with why.
Err foresight_ask(Foresight *foresight, App *app, const ForesightAsk *ask, ErrText *why);
/// Go on: order what is due, put what is ready into the capture's ghosts. True when there is an answer for a person.
bool foresight_step(Foresight *foresight, App *app, Capture *capture, Answer *out);
