/* resume.h -- going on after a stop, planned or not.
 *
 * The newest snapshot is restored, the samples behind it are filed again as they were, and their ticks run once more: with
 * the same bits, since a tick depends on nothing else. Commands are not sent again; what the handlers wished for last is compared with
 * what was commanded last, and asked for anew only where the stop came between the two. */
#pragma once

#include "app/app.h"

enum { RESUME_WISHES_MAX = 256 };

/// Restore `app` from its history; nothing happens when that is empty.
Err resume_from_history(App *app, ErrText *why);
/// Bring `app`, which was loaded and has no history, to the end of `tick`: from the snapshot of `resume`, which is of then (resume_read_past), by running the
/// ticks behind it again. ERR_PARSE: it was taken of another version of the script.
Err resume_past(App *app, const HistoryResume *resume, int64_t tick, ErrText *why);
/// Restore `app` from `before`, another version of the script in this process, which stays as it is; what has no heir is told to app->history alone.
Err resume_from_app(App *app, const App *before, ErrText *why);
/// Append a snapshot of everything to the history.
void resume_snapshot(App *app);
/// Remember a wish made in a replayed tick.
void resume_note_wish(App *app, const CommandWish *wish);

/// While replaying: what was judged in the tick that runs, or NULL.
const Outlooks *resume_outlooks(App *app);
/// While replaying: do again what people did about alarms behind the tick that has run, and no snapshot has. False when there was nothing.
bool resume_acts(App *app);
