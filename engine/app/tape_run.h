/* tape_run.h -- a plant beside a recording, which may be that of a history, as fast as possible or paced: what run, score and back-tests have in common. On a
 * terminal, whoever waits is told how far it has come. */
#pragma once

#include "app/app.h"
#include "connectors/tape/tape.h"

typedef struct TapeRun {
    const char *plant, *tape;
    bool is_history;  // `tape` is one, whose samples are played; otherwise it is a recording
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
/// Open what a history has of samples that were used, those that came late in their places. ERR_RANGE where it has none, ERR_FULL where they are more than
/// SYNC_PENDING_MAX.
Err tape_run_open_history(const Plant *plant, const char *path, Tape **out, ErrText *why);
/// Play the recording.
Err tape_run(const TapeRun *run, ErrText *why);
