/* feed.h -- what subscribers with equal wishes get: which tags, how much they must change, how often they are told.
 *
 * All viewers of a feed share its frames, byte for byte, so that a thousand of them cost one encoding. Without a dead band what has changed
 * since a revision is read from the Picture; with one the feed keeps what its viewers were told, from which no value strays further than the band.
 *
 * In a fleet a pattern with `*` speaks of the twins that are shown (state.h); a name without one makes its twin shown.
 *
 * Takes: wishes, a Picture.  Gives: which readings to tell.  Threads: the service thread. */
#pragma once

#include "server/chunk.h"
#include "server/picture.h"

enum {
    FEED_PICKS_MAX = 4 * 1024 * 1024,  // of all feeds together
    FEED_MADE_MAX = 8,                 // frames of one show, each since another revision
};

typedef enum FeedForm {
    FEED_JSON,    // frames of pollux.v1.json
    FEED_EVENTS,  // server-sent events with the same content
    FEED_LEAF,    // server-sent events of one tag, as GET of the leaf answers
    FEED_ALARMS,  // server-sent events of alarms alone
} FeedForm;

/// What somebody wants to be told of. Equal wishes share a feed.
typedef struct Wish {
    FeedForm form;
    const char *const *tags;  // patterns, `*` stands for any letters
    size_t tag_count;         // 0: the whole plant
    double dead_band;         // in the unit of each tag: smaller changes are not told; 0: all are
    double rate_max_hz;       // 0: as ticks come
    bool on_change;           // no frames where nothing has changed
    TextTimes times;          // FEED_LEAF: how times are written
} Wish;

typedef struct Pick {
    uint32_t place;  // in Picture.readings
    TagId tag;
} Pick;

typedef struct FeedFrame {
    uint64_t after;
    Chunk *chunk;
} FeedFrame;

typedef struct Viewer Viewer;

typedef struct Feed {
    struct Feed *next;
    char *key;   // what makes wishes equal
    size_t key_length;
    Wish wish;   // its tags are the feed's own
    int64_t pause_ns;  // between two frames of values

    Viewer *viewers;
    size_t viewer_count;
    bool some_behind;   // a viewer has not been told all that the others have
    uint64_t revision;  // up to which the others have

    bool owed;         // values have changed and wait for their time
    int64_t shown_at;  // elapsed time of the last frame of values

    Pick *picks;  // rising by place
    size_t pick_count;
    Reading *told;            // by pick, where there is a dead band: what the viewers know
    uint64_t *told_revisions; // by pick: since when
    uint64_t told_since;      // the revision of the first

    Chunk *snapshot;  // of this show
    FeedFrame made[FEED_MADE_MAX];
    size_t made_count;
} Feed;

typedef struct Feeds {
    Feed *first;
    size_t pick_count;
} Feeds;

/// The feed for a wish, which may be a new one without viewers; NULL without memory, or where FEED_PICKS_MAX would be passed.
Feed *feeds_get(Feeds *feeds, const Wish *wish, States *states, const Picture *picture);
/// Nobody views it any more.
void feeds_drop(Feeds *feeds, Feed *feed);
/// Other twins are shown, or it is another plant: find the picks anew; all will be told. Without memory a feed is left without picks.
void feeds_follow(Feeds *feeds, States *states, const Picture *picture);

bool feed_is_whole(const Feed *feed);
/// Alarms and commands of this twin concern the feed.
bool feed_concerns(const Feed *feed, const char *twin);
/// Whether a tag is one of a feed's; of the whole plant's all are.
bool feed_picks(const Feed *feed, TagId tag);
/// Where there is a dead band: note which values leave it, to be told under the picture's revision.
void feed_take(Feed *feed, const Plant *plant, const Picture *picture);
/// Pick `index`: what is to be told of it, and since when.
const Reading *feed_reading(const Feed *feed, const Picture *picture, size_t index, uint64_t *revision);
/// Whether a value has changed since revision `after`. The whole plant has nearly always.
bool feed_has_changed(const Feed *feed, const Picture *picture, uint64_t after);
/// The revision from which a viewer that was told of `after` goes on: 0, which is all, where the feed does not know what that viewer has.
uint64_t feed_resume(const Feed *feed, uint64_t after);
/// Forget what was made for the last show.
void feed_forget_made(Feed *feed);
