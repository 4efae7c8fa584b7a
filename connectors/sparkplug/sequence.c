#include "connectors/sparkplug/sequence.h"

#include <string.h>

enum { NUMBERS = 256 };

void sequence_forget(Sequence *sequence)
{
    for (size_t i = 0; i < sequence->held_count; i++)
        mem_free(sequence->held[i].topic);
    sequence->held_count = 0;
    sequence->waiting_since = TIME_NONE;
}

void sequence_begin(Sequence *sequence, int number)
{
    sequence_forget(sequence);
    sequence->next = (number + 1) % NUMBERS;
}

bool sequence_pass(Sequence *sequence, int number)
{
    if (number != sequence->next)
        return false;
    sequence->next = (number + 1) % NUMBERS;
    return true;
}

static size_t find(const Sequence *sequence, int number)
{
    size_t i = 0;
    while (i < sequence->held_count && sequence->held[i].number != number)
        i++;
    return i;
}

bool sequence_hold(Sequence *sequence, int number, const char *topic, const void *payload, size_t length, int64_t now)
{
    const size_t topic_size = strlen(topic) + 1;
    if (sequence->held_count == SEQUENCE_HELD_MAX || find(sequence, number) < sequence->held_count)
        return false;
    char *copy = mem_alloc(topic_size + length);
    if (!copy)
        return false;
    memcpy(copy, topic, topic_size);
    if (length)
        memcpy(copy + topic_size, payload, length);
    sequence->held[sequence->held_count++] = (HeldMessage){number, copy, copy + topic_size, length};
    if (sequence->waiting_since == TIME_NONE)
        sequence->waiting_since = now;
    return true;
}

bool sequence_release(Sequence *sequence, HeldMessage *out)
{
    const size_t place = find(sequence, sequence->next);
    if (place == sequence->held_count)
        return false;
    *out = sequence->held[place];
    sequence->held[place] = sequence->held[--sequence->held_count];
    if (sequence->held_count == 0)
        sequence->waiting_since = TIME_NONE;
    return true;
}
