#include "app/follow.h"

#include "connectors/tape/tape.h"

Err follow_recording(const char *path, const Plant *plant, int64_t from, Scenario *scenario, ErrText *why)
{
    static const char *const places[] = {"", NULL};
    char found[1024];
    Tape *tape;
    size_t count;
    if (!script_find(path, places, scenario->tape, found, sizeof found))
        return err_set(why, ERR_IO, "the scenario \"%s\": there is no recording \"%s\" beside it", scenario->name, scenario->tape);
    Err err = tape_open(found, &plant->recording, &tape, why);
    if (err)
        return err;
    const Sample *samples = tape_samples(tape, &count);
    if (count)
        err = scenario_follow(scenario, plant, samples, count, from == TIME_NONE ? samples[0].time : from, why);
    tape_close(tape);
    return err;
}
