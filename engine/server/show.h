/* show.h -- telling viewers what is new: one encoding for all who have equal wishes and were told the same.
 *
 * A viewer says how bytes reach it: `offer` for values, which it may turn down while it is slow, and `push` for what is never skipped (snapshots,
 * alarms and commands) [I6]. Who turned something down is told all it missed in one frame, as soon as it takes one.
 *
 * Threads: the service thread. */
#pragma once

#include "server/feed.h"
#include "server/journal.h"

typedef struct Server Server;

struct Viewer {
    Feed *feed;  // NULL: it does not watch
    Viewer *next, **at;
    uint64_t revision;  // up to which it knows the values: the feed's, an older one, or 0 for nothing
    bool (*offer)(Viewer *viewer, Chunk *chunk);  // false: not now
    void (*push)(Viewer *viewer, Chunk *chunk);   // NULL says that there was no memory for it
};

typedef struct Show {
    Feeds feeds;
    Picture picture;
    Recent recent;
    uint64_t told;  // the revision of the last show
    bool fresh, anew;  // since then: values are others; everybody needs a snapshot
    Text text, alarms, commands;
} Show;

Err show_init(Show *show, const States *states);
void show_fini(Show *show);
/// Before a plant takes over: `picture` is of its States.
void show_follow(Show *show, States *states, Picture *picture);

/// What became of a subscription.
typedef struct Subscription {
    uint64_t revision;  // that is shown now
    uint64_t after;     // up to which the viewer knows all
    bool resumed;       // it goes on from there; otherwise it needs a snapshot
    size_t tags;        // how many its patterns fit now
} Subscription;

/// Begin to view, or view something else; `after` is the revision up to which the viewer knows all, 0 for none. ERR_MEMORY: nothing has changed.
Err show_join(Server *server, Viewer *viewer, const Wish *wish, uint64_t after, Subscription *out);
/// Send the snapshot, or the alarms and commands that were missed; values come with the next show.
void show_begin(Server *server, Viewer *viewer, const Subscription *subscription);
void show_leave(Server *server, Viewer *viewer);

/// How many view anything.
size_t show_viewer_count(const Show *show);
/// There are values that it has not been told.
bool viewer_is_behind(const Viewer *viewer);

/// Take in what the tick has published: before anything is answered, so that values, alarms and commands are of one moment, the newest.
void show_catch_up(Server *server);
/// Tell everybody what is new now, or as soon as the frame rate admits.
void server__show(Server *server);
