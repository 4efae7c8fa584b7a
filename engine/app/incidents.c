#include "app/incidents.h"

#include <string.h>

#include "connectors/tape/tape.h"

/* The end of the event that begins at `begin`: the next one of the same twin. */
static size_t find_end(const TapeEvent *events, const bool *taken, size_t count, size_t begin)
{
    size_t end = begin + 1;
    while (end < count && (taken[end] || strcmp(events[end].twin, events[begin].twin) != 0))
        end++;
    return end;
}

static Err check_event(const char *path, const TapeEvent *event, const Plant *plant, ErrText *why)
{
    const char *cause = event->cause;
    if (event->twin[0] && plant_find(plant, event->twin) < 0)
        return err_set(why, ERR_UNKNOWN, "%s: event \"%s\": the plant has no twin \"%s\"", path, event->name, event->twin);
    if (cause[0] && strcmp(cause, "process") != 0 && strcmp(cause, "sensor") != 0 && strcmp(cause, "silence") != 0)
        return err_set(why, ERR_PARSE, "%s: event \"%s\": expected the cause process, sensor or silence, got \"%s\"", path, event->name, cause);
    return ERR_OK;
}

static Err pair_events(const char *path, const TapeEvent *events, size_t count, const Plant *plant, Arena *arena, Incident **out, size_t *found, ErrText *why)
{
    bool *taken = arena_new(arena, bool, count + 1);
    Incident *incidents = arena_new(arena, Incident, count / 2 + 1);
    if (!taken || !incidents)
        return err_set(why, ERR_MEMORY, "%s: out of memory", path);
    *out = incidents;
    for (size_t i = 0; i < count; i++) {
        if (taken[i])
            continue;
        const size_t end = find_end(events, taken, count, i);
        if (end == count)
            return err_set(why, ERR_PARSE, "%s: expected pairs of events, a beginning and an end; \"%s\" has no end", path, events[i].name);
        const Err err = check_event(path, &events[i], plant, why);
        if (err)
            return err;
        taken[end] = true;
        incidents[(*found)++] = (Incident){events[i].time, events[end].time, events[i].name, events[i].twin, events[i].cause, SIZE_MAX};
    }
    return ERR_OK;
}

Err incidents_read(const char *path, const Plant *plant, Arena *arena, Incident **out, size_t *count, ErrText *why)
{
    TapeEvent *events;
    size_t event_count;
    *count = 0;
    const Err err = tape_read_events(path, arena, &events, &event_count, why);
    return err ? err : pair_events(path, events, event_count, plant, arena, out, count, why);
}
