/* capture.h -- what is known of a plant behind a tick, on its way to a window: a triple buffer.
 *
 * The tick fills the picture that nobody sees and exchanges it for the one in the middle; the window exchanges the one that it has read for the one in the
 * middle when that is newer. Neither ever waits.
 *
 * Takes: an App between two ticks.  Gives: a World.  Memory: everything is allocated at the start.  Threads: each function says whose. */
#pragma once

#include <stdatomic.h>

#include "app/app.h"
#include "view/world.h"

typedef struct Picture {
    int64_t time, ghost_time;
    WorldValue *values;    // by tag
    uint8_t *health;       // by twin: AssetHealth, without alarms
    WorldAlarm *alarms;    // newest first
    uint32_t alarm_count;
    char notice[WORLD_TEXT];
} Picture;

typedef struct Capture {
    const Plant *plant;
    WorldModel *models;    // as the window sees them
    uint16_t *model_of;    // by twin
    Picture pictures[3];
    unsigned back, front;  // the tick's; the window's
    _Atomic unsigned middle;
    float (*ghosts)[3];    // by tag, in SI: the tick's; NAN where nothing is foretold
    int64_t ghost_time;
    Arena arena;
} Capture;

/// ERR_MEMORY.
Err capture_init(Capture *capture, const Plant *plant);
void capture_fini(Capture *capture);
/// On the tick's: whether the window has taken the last picture.
bool capture_is_wanted(const Capture *capture);
/// On the tick's: show what is now. `notice` is for people, NULL: nothing.
void capture_take(Capture *capture, App *app, const char *notice);

/// On the window's: fill the world with what never changes: models, assets, connections. Before the first capture_show.
Err capture_describe(const Capture *capture, World *world);
/// An alarm of `twin` as a window shows it; on any thread.
void capture_alarm(const Alarm *alarm, uint32_t twin, WorldAlarm *out);
/// What the world's alarms mean for its assets, whose health tells of verdicts alone so far. A divergence that was raised is a verdict.
void capture_judge(World *world);
/// On the window's: bring it up to date; false when there is nothing newer.
bool capture_show(Capture *capture, World *world);
