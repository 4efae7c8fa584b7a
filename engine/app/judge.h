/* judge.h -- alarms held against what is known to have happened: found, missed, false.
 *
 * What counts are episodes, from raised to returned, and not samples: an alarm that never falls is one episode, which finds one event at most and hides
 * none of those behind it.
 *
 * Takes: two lists.  Gives: what became of each of their items.  Threads: any. */
#pragma once

#include "sync/sync.h"

enum { EPISODE_TEXT = 192 };

/// Something over which twin and asset must part, from its beginning to its end.
typedef struct Incident {
    int64_t begin, end;
    const char *name;
    const char *twin;   // that it happens to, "" for all of them
    const char *cause;  // that should be named ("process", "sensor", "silence"), "" where nobody said
    size_t finder;      // judge_episodes: index of the episode that finds it, SIZE_MAX when it is missed
} Incident;

typedef enum EpisodeKind {
    EPISODE_FALSE,   // raised while nothing happened, whatever it stands into
    EPISODE_FOUND,   // the first one raised during an incident
    EPISODE_AGAIN,   // raised during an incident that another one has found
} EpisodeKind;

/// An alarm, from raised to returned.
typedef struct Episode {
    uint64_t alarm;
    const char *twin;
    int64_t raised, returned;  // returned is TIME_NONE while it stands
    VerdictKind cause;         // that was named last
    char text[EPISODE_TEXT];
    EpisodeKind kind;          // judge_episodes
} Episode;

typedef struct Judgement {
    size_t found, missed, again, false_episodes;
    size_t causes, causes_right;  // of the found incidents whose cause is known
} Judgement;

/// Whether something happens to `twin` at `time`, or did up to `aftermath` ns before; `tolerance` is how far off the times of incidents may be.
bool incident_is_on(const Incident *incidents, size_t count, const char *twin, int64_t time, int64_t tolerance, int64_t aftermath);
/// Say of every incident what found it, and of every episode what it found. Episodes are in the order in which they were raised.
Judgement judge_episodes(Incident *incidents, size_t incident_count, Episode *episodes, size_t episode_count, int64_t tolerance);
