/* tape_run.h -- a plant beside a recording, as fast as possible or paced: what run and score have in common. On a terminal, whoever waits is told how far it
 * has come. */
#pragma once

#include "app/app.h"
#include "connectors/tape/tape.h"

typedef struct TapeRun {
    const char *plant, *tape;
    size_t threads;
    double speed;  // INFINITY: as fast as possible
    bool quiet;
    const char *between;  // "hold", "linear", "band": of all inputs, whatever the script says; NULL: as it says
    int64_t until;  // stop behind the tick that ends here or later; 0: play all of it
    void (*ticked)(void *self, const App *app, Batch batch);
    void *self;
} TapeRun;

/// Open a recording of `plant`, `between` as in a TapeRun. ERR_USAGE where that is another word, or the plant has no map of columns.
Err tape_run_open(const Plant *plant, const char *path, const char *between, Tape **out, ErrText *why);
/// Play the recording.
Err tape_run(const TapeRun *run, ErrText *why);
