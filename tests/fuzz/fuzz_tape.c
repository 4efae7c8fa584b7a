/* Any bytes as a recording and as a file of events: what opens is in order and finite, what does not says why. */
#include "connectors/tape/tape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const int64_t LONG_STEP = INT64_C(1) << 46;  // a step of 20 hours: two times of any recording have no more than 2^18 of them between

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_samples(const Tape *tape)
{
    size_t count;
    const Sample *samples = tape_samples(tape, &count);
    for (size_t i = 0; i < count; i++) {
        require(isfinite(samples[i].value) && samples[i].tag < 3);
        require(i == 0 || samples[i - 1].time <= samples[i].time);
    }
}

/* Joined, the samples, the time at the end, left: nothing more, and nothing less. */
static void check_play(Tape *tape)
{
    size_t count, polled = 0;
    tape_samples(tape, &count);
    Arrival arrivals[3];
    while (!tape_at_end(tape))
        polled += tape_connector.poll(tape, arrivals, 3);
    require(polled == (count ? count + 3 : 2));
}

/* The last column is an input, of which `between` says what it was between its samples. */
static void read_recording(const char *path, Between between, int64_t step_ns)
{
    const Unit *celsius;
    require(unit_parse("degC", &celsius, NULL) == ERR_OK);
    const RecordingColumn columns[] = {
        {"t1", "time_t1", 0, celsius, true}, {"t2", NULL, 1, celsius, false}, {"heater_on", NULL, 2, unit_one(), .optional = true, .input = true, .between = between}};
    const RecordingMap map = {"time", columns, 3, .step_ns = step_ns};

    Tape *tape;
    ErrText why = {""};
    const Err err = tape_open(path, &map, &tape, &why);
    require((err == ERR_OK) == (tape != NULL) && (err == ERR_OK) == !why.text[0]);
    if (err != ERR_OK)
        return;
    check_samples(tape);
    check_play(tape);
    tape_close(tape);
}

static void read_events(const char *path)
{
    Arena arena = {0};
    TapeEvent *events;
    size_t count;
    if (tape_read_events(path, &arena, &events, &count, NULL) == ERR_OK)
        for (size_t i = 1; i < count; i++)
            require(events[i - 1].time <= events[i].time);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const int file = memfd_create("tape", 0);
    require(file >= 0 && write(file, bytes, size) == (ssize_t)size);
    char *path = NULL;
    require(asprintf(&path, "/proc/self/fd/%d", file) > 0);

    read_recording(path, BETWEEN_HOLD, 0);
    read_recording(path, BETWEEN_LINEAR, LONG_STEP);
    read_recording(path, BETWEEN_BAND, LONG_STEP);
    read_events(path);
    free(path);
    close(file);
    return 0;
}
