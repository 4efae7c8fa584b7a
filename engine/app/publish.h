/* publish.h -- the side that watches: what people see of the tick, in the server's pages and as lines of the log.
 *
 * What a replay does again was told when it was done first.
 *
 * Threads: the tick's; the server keeps what it is given for its own. */
#pragma once

#include "app/app.h"

/// Everything that is, to app->server.
void publish_now(App *app);
/// A line for each alarm and command that changed since the last settling.
void publish_lines(const App *app);
