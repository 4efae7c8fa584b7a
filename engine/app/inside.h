/* inside.h -- what the files around the tick share: app.c runs it, arrivals.c takes what connectors bring, remember.c and publish.c tell what has come of it,
 * resume.c goes on after a stop. */
#pragma once

#include "app/app.h"

// app.c

int64_t app__elapsed(const App *app);
/// Somebody wants the process to end.
bool app__is_stopping(const App *app);
/// Run the ticks that are complete, as far as the tempo admits them. Returns how many.
size_t app__run_ready_ticks(App *app);
/// Run the ticks whose samples are complete in history.
void app__replay(App *app);

/// Of what was wished for, which need not be a tag of the plant.
static inline TagName app__tag_name(const App *app, TagId tag)
{
    return tag < tags_count(app->plant->tags) ? tags_name(app->plant->tags, tag) : (TagName){"?"};
}
