/* late.h -- plants whose samples come late, twice and in any order, for the tests of sync.
 *
 * A Delivery says what is measured, and when each sample arrives: samples stand in the order of their arrival. Ticks run as the time of day would let them,
 * each with what has arrived by its end. */
#pragma once

#include <stdlib.h>

#include "sync/feeds.h"

enum { LATE_SAMPLES_MAX = 4096, LATE_TICKS_MAX = 128 };

typedef struct LateArrival {
    Sample sample;
    double stamp, arrives;  // s since the start
    bool again;             // it has been delivered before, or will be
} LateArrival;

typedef struct Delivery {
    LateArrival items[LATE_SAMPLES_MAX];
    size_t count;
} Delivery;

static const char late_pipe[] = "return model 'pipe' {\n"
                                "  params = { gain = { 1, '1', estimate = 1e-3, sd = 0.05, jump = 0.1 } },\n"
                                "  inputs = { u = { 4, 'l/min', min = 0, max = 60 } },\n"
                                "  states = { clock = { 0, 's' }, seen = { 0, 's' }, flow = { 4, 'l/min', noise = 0.1, sd = 0.5 } },\n"
                                "  equations = function(t)\n"
                                "    t.clock.rate, t.seen.rate = 1, 0\n"
                                "    t.flow.rate = (delay(t.gain * t.u, 0.6, 'under_way') - t.flow) / quantity(1, 's')\n"
                                "    t.y = output(t.flow, 'l/min')\n"
                                "    event(above(t.flow, quantity(4.1, 'l/min')), { seen = t.clock })\n"
                                "  end,\n"
                                "  sensors = { meter = { of = 'flow', noise = 0.2, every = 0.25 }, second = { of = 'flow', noise = 0.3, every = 0.5 } },\n"
                                "  divergence = { settle = 0, false_alarm_days = 1 },\n"
                                "}\n";

static const char late_mixer[] = "return model 'mixer' {\n"
                                 "  inputs = { u = { 4, 'l/min', min = 0, max = 60 } },\n"
                                 "  outputs = { back = { 'l/min' } },\n"
                                 "  states = { x = { 4, 'l/min', noise = 0.1, sd = 0.5 } },\n"
                                 "  sensors = { probe = { of = 'x', noise = 0.2, every = 0.25 } },\n"
                                 "  step = function(self, dt) self.x = self.x + dt * (self.u - self.x); self.back = 0.9 * self.x end,\n"
                                 "}\n";

/* Tanks, a pipe with a delay and an event, a step function: in a loop, with a tail behind it, and pendulums of nobody's. */
static inline Plant *late_works(int lag, size_t threads)
{
    char text[1024];
    scripts_write("pipe.lua", late_pipe);
    scripts_write("mixer.lua", late_mixer);
    snprintf(text, sizeof text,
             "return plant 'works' { step = 0.25, wait = 0, lag = %d * 0.25,\n"
             "  assets = { a = { 'tank' }, b = { 'tank' }, c = { 'tank' }, p = { 'pipe' }, m = { 'mixer' }, q = { 'pendulum' }, r = { 'pendulum', drive = 1.2 } },\n"
             "  connect = { ['a.outflow'] = 'p.u', ['p.y'] = { 'm.u', 'b.inflow' }, ['m.back'] = 'a.inflow' } }\n", lag);
    return plants_load(text, threads);
}

/* `count` pendulums, far from where they are measured, so that their tests find something. */
static inline Plant *late_fleet(int count, int lag, size_t threads)
{
    char text[512];
    snprintf(text, sizeof text,
             "local assets = {}\n"
             "for i = 1, %d do assets[string.format('p%%04d', i)] = { 'pendulum', drive = 1 + i / 500 } end\n"
             "return plant 'fleet' { step = 0.25, wait = 0, lag = %d * 0.25, assets = assets }\n", count, lag);
    return plants_load(text, threads);
}

static int late__by_arrival(const void *a, const void *b)
{
    const LateArrival *x = a, *y = b;
    return (x->arrives > y->arrives) - (x->arrives < y->arrives);
}

/* In the order in which they arrive. */
static inline void late_sort(Delivery *delivery)
{
    qsort(delivery->items, delivery->count, sizeof *delivery->items, late__by_arrival);
}

/* One tick; returns the hash of the state with which it began, when all that came late had been put in its place. */
static inline uint64_t late_tick(Feed *feed)
{
    sync_amend(feed->sync);
    const uint64_t hash = plant_hash(feed->plant);
    feeds_tick(feed);
    return hash;
}

static inline void late_file(Feed *feed, const LateArrival *arrival)
{
    feeds_sample(feed, FEEDS_PROVIDER, arrival->sample);
}
