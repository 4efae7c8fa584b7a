#include "connectors/tape/samples.h"

#include <string.h>

_Static_assert(offsetof(Sample, time) == 0, "sort_by_time reads the time at the start of an item");

void samples_fini(Samples *samples)
{
    mem_free(samples->items);
    *samples = (Samples){0};
}

Err samples_add(Samples *samples, Sample sample)
{
    if (samples->count == SAMPLES_MAX)
        return ERR_RANGE;
    if (samples->count == samples->room) {
        const size_t room = samples->room ? 2 * samples->room : 1024;
        Sample *items = mem_grow(samples->items, samples->room * sizeof *items, room * sizeof *items);
        if (!items)
            return ERR_MEMORY;
        samples->items = items;
        samples->room = room;
    }
    samples->items[samples->count++] = sample;
    return ERR_OK;
}

static int64_t time_of(const unsigned char *item)
{
    int64_t time;
    memcpy(&time, item, sizeof time);
    return time;
}

static void merge(unsigned char *to, const unsigned char *from, size_t size, size_t left, size_t middle, size_t right)
{
    size_t a = left, b = middle;
    for (size_t i = left; i < right; i++) {
        const bool take_a = a < middle && (b >= right || time_of(from + a * size) <= time_of(from + b * size));
        memcpy(to + i * size, from + (take_a ? a++ : b++) * size, size);
    }
}

Err sort_by_time(void *items, size_t size, size_t count)
{
    unsigned char *const spare = mem_alloc(count * size);
    if (!spare)
        return ERR_MEMORY;
    unsigned char *from = items, *to = spare;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t left = 0; left < count; left += 2 * width)
            merge(to, from, size, left, left + width < count ? left + width : count, left + 2 * width < count ? left + 2 * width : count);
        unsigned char *const swap = from;
        from = to, to = swap;
    }
    if (from == spare)
        memcpy(items, spare, count * size);
    mem_free(spare);
    return ERR_OK;
}
