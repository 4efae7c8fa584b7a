/* tape_run.h -- a plant beside a recording, as fast as possible or paced: what run and score have in common. */
#pragma once

#include "app/app.h"
#include "connectors/tape/tape.h"

typedef struct TapeRun {
    const char *plant, *tape;
    size_t threads;
    double speed;  // INFINITY: as fast as possible
    bool quiet;
    int64_t until;  // stop behind the tick that ends here or later; 0: play all of it
    void (*ticked)(void *self, const App *app, Batch batch);
    void *self;
} TapeRun;

/// Play the recording.
Err tape_run(const TapeRun *run, ErrText *why);
