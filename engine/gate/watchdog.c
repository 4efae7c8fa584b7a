/* watchdog.c -- a sign of life for the plant's own controllers: when it stands still, Pollux does.
 *
 * Beats are no commands that anybody asked for: they have numbers of their own, made of the time, and are kept nowhere. What a beat is follows from the time
 * alone, so there is nothing to remember over a restart. */
#include <stdio.h>

#include "gate/inside.h"

#define BEATS ((uint64_t)1 << 52)  // ids of beats lie from here on; whole numbers of JSON end at 2^53

bool gate__is_watchdog(const Gate *gate, TagId tag)
{
    for (size_t i = 0; i < gate->rules.watchdog_count; i++)
        if (gate->rules.watchdogs[i].tag == tag)
            return true;
    return false;
}

bool gate__is_beat(uint64_t id)
{
    return id >= BEATS;
}

void gate__note_beat(Gate *gate, bool done, const char *detail, int64_t now)
{
    const int64_t pause = 600 * NS_PER_S;
    gate->beats_failed += !done;
    if (done || (gate->beats_logged != TIME_NONE && now - gate->beats_logged < pause))
        return;
    gate->beats_logged = now;
    log_write(LOG_WARNING, "gate", "a watchdog's beat was not taken: %s; %llu so far", detail, (unsigned long long)gate->beats_failed);
}

static Command make_beat(const Gate *gate, size_t index, int64_t now)
{
    const Watchdog *const watchdog = &gate->rules.watchdogs[index];
    const Tag tag = tags_get(gate->plant->tags, watchdog->tag);
    const uint64_t ms = (uint64_t)(now / NS_PER_MS);
    Command beat = {.id = BEATS + ms * WATCHDOGS_MAX + index, .state = COMMAND_SENT, .time = now, .deadline = now + watchdog->period_ns, .ended = TIME_NONE};
    beat.wish = (CommandWish){.tag = watchdog->tag, .value = unit_to_si(tag.unit, (double)(now / watchdog->period_ns % watchdog->count)), .asker = ASKER_GATE};
    snprintf(beat.wish.by, sizeof beat.wish.by, "pollux:watchdog");
    return beat;
}

static void send(Gate *gate, const Command *beat, const Connector *connectors, size_t connector_count, int64_t now)
{
    Err err = ERR_CLOSED;
    for (size_t i = 0; i < connector_count && err == ERR_CLOSED; i++)
        if (connectors[i].type->send)
            err = connectors[i].type->send(connectors[i].self, beat);
    if (err)
        gate__note_beat(gate, false, err_name(err), now);
}

/* Ticks follow each other without a gap: a multiple of the period lies in this one, or does not. */
static bool is_due(const Gate *gate, const Watchdog *watchdog, int64_t now)
{
    return now / watchdog->period_ns > (now - gate->plant->step_ns) / watchdog->period_ns;
}

void gate_beat(Gate *gate, const Connector *connectors, size_t connector_count, int64_t now)
{
    for (size_t i = 0; i < gate->rules.watchdog_count && !gate->dry; i++) {
        if (!is_due(gate, &gate->rules.watchdogs[i], now))
            continue;
        const Command beat = make_beat(gate, i, now);
        send(gate, &beat, connectors, connector_count, now);
    }
}
