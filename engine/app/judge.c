#include "app/judge.h"

#include <assert.h>
#include <string.h>

/* Times may lie at the ends of what an int64_t can tell. */
static int64_t shifted(int64_t time, int64_t by)
{
    int64_t out;
    return __builtin_add_overflow(time, by, &out) ? (by < 0 ? INT64_MIN : INT64_MAX) : out;
}

static bool covers(const Incident *incident, const char *twin, int64_t time, int64_t tolerance, int64_t aftermath)
{
    const bool same = !incident->twin[0] || strcmp(incident->twin, twin) == 0;
    return same && time >= shifted(incident->begin, -tolerance) && time <= shifted(incident->end, tolerance + aftermath);
}

bool incident_is_on(const Incident *incidents, size_t count, const char *twin, int64_t time, int64_t tolerance, int64_t aftermath)
{
    for (size_t i = 0; i < count; i++)
        if (covers(&incidents[i], twin, time, tolerance, aftermath))
            return true;
    return false;
}

/* An episode finds one incident at most: of those that it was raised in, the first that nothing has found yet. */
static EpisodeKind judge_one(Incident *incidents, size_t count, const Episode *episode, size_t index, int64_t tolerance)
{
    EpisodeKind kind = EPISODE_FALSE;
    for (size_t i = 0; i < count; i++) {
        if (!covers(&incidents[i], episode->twin, episode->raised, tolerance, 0))
            continue;
        kind = EPISODE_AGAIN;
        if (incidents[i].finder != SIZE_MAX)
            continue;
        incidents[i].finder = index;
        return EPISODE_FOUND;
    }
    return kind;
}

Judgement judge_episodes(Incident *incidents, size_t incident_count, Episode *episodes, size_t episode_count, int64_t tolerance)
{
    assert(tolerance >= 0);
    Judgement judgement = {0};
    for (size_t i = 0; i < incident_count; i++)
        incidents[i].finder = SIZE_MAX;
    for (size_t e = 0; e < episode_count; e++) {
        episodes[e].kind = judge_one(incidents, incident_count, &episodes[e], e, tolerance);
        judgement.again += episodes[e].kind == EPISODE_AGAIN;
        judgement.false_episodes += episodes[e].kind == EPISODE_FALSE;
    }

    for (size_t i = 0; i < incident_count; i++) {
        const Incident *incident = &incidents[i];
        judgement.missed += incident->finder == SIZE_MAX;
        judgement.found += incident->finder != SIZE_MAX;
        if (incident->finder == SIZE_MAX || !incident->cause[0])
            continue;
        judgement.causes++;
        judgement.causes_right += strcmp(verdict_name(episodes[incident->finder].cause), incident->cause) == 0;
    }
    return judgement;
}
