/* frames.c -- what changes: alarms, commands, values, appended without a tree in between. What a view begins with is in portrait.c. */
#include "server/frames.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "server/put.h"

void frame_time(Text *out, int64_t time)
{
    text_json_time(out, time);
}

// Alarms and commands.

void frame_alarm(Text *out, const Alarm *alarm, const char *twin)
{
    put_count(out, "{", "id", alarm->id);
    put_string(out, ",", "twin", twin);
    put_string(out, ",", "name", alarm->name);
    put_string(out, ",", "severity", severity_name(alarm->severity));
    put_string(out, ",", "state", alarm_state_name(alarm->state));
    put_string(out, ",", "text", alarm->text);
    put_time(out, ",", "raised", alarm->raised);
    put_time(out, ",", "acknowledged", alarm->acknowledged);
    put_time(out, ",", "returned", alarm->returned);
    put_time(out, ",", "amended", alarm->amended);
    put_count(out, ",", "revision", alarm->revision);
    put_time(out, ",", "shelved", alarm->shelved);
    put_key(out, ",", "suppressed");
    text_put(out, alarm->suppressed ? "true" : "false");
    put_count(out, ",", "comments", alarm->comments);
    text_put(out, "}");
}

void frame_command(Text *out, const Command *command, const TagTable *tags)
{
    // a wish for what is no tag at all is refused, and shown all the same
    const bool known = command->wish.tag < tags_count(tags);
    put_count(out, "{", "id", command->id);
    put_string(out, ",", "tag", known ? tags_name(tags, command->wish.tag).text : "");
    put_number(out, ",", "value", known ? unit_from_si(tags_get(tags, command->wish.tag).unit, command->wish.value) : command->wish.value);
    put_string(out, ",", "state", command_state_name(command->state));
    put_string(out, ",", "by", command->wish.by);
    put_string(out, ",", "reason", command->wish.reason);
    put_string(out, ",", "detail", command->detail);
    put_time(out, ",", "time", command->time);
    put_time(out, ",", "ended", command->ended);
    text_put(out, "}");
}

static void put_actuator(Text *out, const Plant *plant, const ActuatorState *state)
{
    const Unit *unit = tags_get(plant->tags, state->tag).unit;
    put_string(out, "{", "mode", actuator_mode_name(state->mode));
    put_string(out, ",", "mode_by", state->mode_by);
    put_string(out, ",", "mode_reason", state->mode_reason);
    put_time(out, ",", "mode_since", state->mode_since);
    put_number(out, ",", "fail_safe", state->fails_safe ? unit_from_si(unit, state->safe_value) : NAN);
    put_flag(out, ",", "held", state->held);
    put_string(out, ",", "held_by", state->held ? state->held_by : "");
    put_string(out, ",", "held_reason", state->held ? state->held_reason : "");
    put_time(out, ",", "held_since", state->held_since);
    text_put(out, "}");
}

void frame_gate(Text *out, const Plant *plant, const State *state, const Feed *feed)
{
    const char *separator = "";
    put_flag(out, "{", "dry_run", state->sequence && state->now.dry_run);
    text_put(out, ",\"actuators\":{");
    for (size_t i = 0; i < state->actuator_count; i++) {
        const TagId tag = state->actuators[i].tag;
        if (feed && !feed_concerns(feed, plant->twins[plant_place(plant, tag).twin].name))
            continue;
        put_key(out, separator, tags_name(plant->tags, tag).text);
        put_actuator(out, plant, &state->actuators[i]);
        separator = ",";
    }
    text_put(out, "}}");
}

void frame_audit(Text *out, const AuditEntry *entry)
{
    put_count(out, "{", "seq", entry->seq);
    put_time(out, ",", "time", entry->time);
    put_string(out, ",", "who", entry->who);
    put_string(out, ",", "role", entry->role);
    put_string(out, ",", "peer", entry->peer);
    put_string(out, ",", "action", entry->action);
    put_string(out, ",", "target", entry->target);
    put_string(out, ",", "outcome", audit_outcome_name(entry->outcome));
    put_string(out, ",", "detail", entry->detail);
    text_put(out, ",\"hash\":\"");
    for (size_t i = 0; i < AUDIT_HASH; i++)
        text_format(out, "%02x", entry->hash[i]);
    text_put(out, "\"}");
}

// Ticks.

void frame_reading(Text *out, const Plant *plant, TagId tag, const Reading *reading)
{
    const Unit *unit = tags_get(plant->tags, tag).unit;
    text_put(out, "[");
    text_json_number(out, unit_from_si(unit, reading->value));
    text_put(out, ",");
    text_json_number(out, unit_scale_from_si(unit, reading->sd));
    if (reading->time != TIME_NONE) {
        text_put(out, ",");
        text_json_time(out, reading->time);
        text_format(out, ",\"%s\"", quality_name((Quality)reading->quality));
    }
    text_put(out, "]");
}

const char *frame_source(const Plant *plant, TagId tag, const Reading *reading)
{
    const Place place = plant_place(plant, tag);
    switch (plant_model(plant, place.twin)->channels[place.channel].kind) {
    case CHANNEL_SENSOR:
        return "measured";
    case CHANNEL_INPUT:
        return reading->time != TIME_NONE ? "measured" : "set";
    case CHANNEL_PARAMETER:
    case CHANNEL_ACTUATOR:
        return "set";
    default:
        return "estimated";
    }
}

static const char *twin_quality(const TwinHealth *twin)
{
    return twin->quarantined ? "quarantined" : twin->settling ? "settling" : "good";
}

/* Seconds from a value to the time of the plant: an estimate is one of the last tick, and nobody knows when what is set was set. */
static double reading_age(const char *source, const State *state, const Reading *reading)
{
    if (reading->time != TIME_NONE)
        return (double)(state->now.time - reading->time) / (double)NS_PER_S;
    return strcmp(source, "estimated") == 0 && state->sequence ? 0 : NAN;
}

/* A measured value is as good as its sample and its sensor, an estimate as good as its twin. */
static const char *reading_quality(const char *source, const State *state, Place place, const Reading *reading)
{
    const int64_t slot = state->sequence ? state_slot(state, place.twin) : -1;
    const TwinHealth *twin = slot >= 0 ? &state->twins[slot] : NULL;
    const bool blamed = twin && twin->channel == place.channel;
    if (strcmp(source, "measured") == 0 && blamed && twin->kind == VERDICT_SENSOR)
        return sensor_quality_name(SENSOR_DIVERGED);
    if (strcmp(source, "measured") == 0)
        return blamed && twin->kind == VERDICT_SILENCE ? sensor_quality_name(SENSOR_SILENT) : quality_name((Quality)reading->quality);
    return twin && strcmp(source, "estimated") == 0 ? twin_quality(twin) : quality_name(QUALITY_GOOD);
}

/* Who may command an actuator, and whether it is held. */
static void put_standing(Text *out, const State *state, TagId tag, const Unit *unit)
{
    const ActuatorState *known = state_actuator(state, tag);
    put_string(out, ",", "mode", actuator_mode_name(known ? known->mode : ACTUATOR_AUTOMATIC));
    put_number(out, ",", "fail_safe", known && known->fails_safe ? unit_from_si(unit, known->safe_value) : NAN);
    put_flag(out, ",", "held", known && known->held);
}

void frame_leaf_of(Text *out, const Plant *plant, const State *state, TagId tag, const Reading *reading)
{
    const Unit *unit = tags_get(plant->tags, tag).unit;
    const char *source = frame_source(plant, tag, reading);
    put_time(out, "{", "time", state->sequence ? state->now.time : TIME_NONE);
    put_number(out, ",", "value", unit_from_si(unit, reading->value));
    put_number(out, ",", "sd", unit_scale_from_si(unit, reading->sd));
    put_string(out, ",", "unit", unit_name(unit));
    put_string(out, ",", "source", source);
    put_number(out, ",", "age", reading_age(source, state, reading));
    put_string(out, ",", "quality", reading_quality(source, state, plant_place(plant, tag), reading));
    if (tags_get(plant->tags, tag).role == TAG_ACTUATED)
        put_standing(out, state, tag, unit);
    text_put(out, "}");
}

static void put_value(Text *out, const TickFrame *frame, TagId tag, const Reading *reading, const char **separator)
{
    put_key(out, *separator, tags_name(frame->plant->tags, tag).text);
    frame_reading(out, frame->plant, tag, reading);
    *separator = ",";
}

static void put_twin_values(Text *out, const TickFrame *frame, uint32_t slot, const char **separator)
{
    const uint32_t twin = frame->state->shown[slot];
    const uint16_t count = plant_model(frame->plant, twin)->channel_count;
    const size_t first = (size_t)slot * frame->states->channels_max;
    for (uint16_t channel = 0; channel < count; channel++)
        if (frame->picture->readings[first + channel] > frame->after)
            put_value(out, frame, plant_tag(frame->plant, twin, channel), &frame->state->readings[first + channel], separator);
}

static void put_values(Text *out, const TickFrame *frame)
{
    const char *separator = "";
    text_put(out, ",\"values\":{");
    for (uint32_t slot = 0; slot < frame->state->shown_count; slot++)
        put_twin_values(out, frame, slot, &separator);
    text_put(out, "}");
}

static void put_picked(Text *out, const TickFrame *frame)
{
    const char *separator = "";
    uint64_t revision;
    text_put(out, ",\"values\":{");
    for (size_t i = 0; i < frame->feed->pick_count; i++) {
        const Reading *reading = feed_reading(frame->feed, frame->picture, i, &revision);
        if (revision > frame->after)
            put_value(out, frame, frame->feed->picks[i].tag, reading, &separator);
    }
    text_put(out, "}");
}

static void put_sensors(Text *out, const TickFrame *frame, uint32_t slot)
{
    const Model *model = plant_model(frame->plant, frame->state->shown[slot]);
    const SensorHealth *sensors = &frame->state->sensors[(size_t)slot * frame->states->sensors_max];
    text_put(out, ",\"sensors\":{");
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        const Channel *channel = &model->channels[model->sensors[i].channel];
        put_key(out, i ? "," : "", channel->name);
        put_number(out, "{", "innovation", unit_scale_from_si(channel->unit, sensors[i].innovation));
        put_number(out, ",", "sd", unit_scale_from_si(channel->unit, sensors[i].sd));
        put_string(out, ",", "quality", sensor_quality_name((SensorQuality)sensors[i].quality));
        text_put(out, "}");
    }
    text_put(out, "}");
}

/* What is at fault: null where nothing has a name. */
static void put_fault(Text *out, const Model *model, const TwinHealth *twin)
{
    put_string(out, ",", "fault", cause_name((Cause)twin->fault));
    if (twin->channel < model->channel_count)
        put_string(out, ",", "fault_of", model->channels[twin->channel].name);
    else
        text_put(out, ",\"fault_of\":null");
}

static void put_twins(Text *out, const TickFrame *frame)
{
    const char *separator = "";
    text_put(out, ",\"twins\":{");
    for (uint32_t i = 0; i < frame->state->shown_count; i++) {
        if (frame->picture->twins[i] <= frame->after)
            continue;
        const TwinHealth *twin = &frame->state->twins[i];
        put_key(out, separator, frame->plant->twins[frame->state->shown[i]].name);
        put_string(out, "{", "verdict", verdict_name((VerdictKind)twin->kind));
        put_string(out, ",", "cause", frame->state->causes.bytes + twin->cause);
        put_fault(out, plant_model(frame->plant, frame->state->shown[i]), twin);
        put_number(out, ",", "nis", twin->nis);
        put_number(out, ",", "nis_limit", twin->nis_limit);
        put_string(out, ",", "quality", twin_quality(twin));
        put_sensors(out, frame, i);
        text_put(out, "}");
        separator = ",";
    }
    text_put(out, "}");
}

/* How the source's clock goes: times in seconds. */
static void put_clock(Text *out, const ServerConnection *connection)
{
    const ClockReading *const clock = &connection->clock;
    put_key(out, ",", "clock");
    if (!connection->measured) {
        text_put(out, "null");
        return;
    }
    put_number(out, "{", "offset", (double)clock->offset / (double)NS_PER_S);
    put_number(out, ",", "uncertainty", (double)clock->uncertainty / (double)NS_PER_S);
    put_number(out, ",", "drift_ppm", clock->drift_ppm);
    put_number(out, ",", "drift_uncertainty_ppm", clock->drift_uncertainty_ppm);
    put_number(out, ",", "delay", (double)clock->delay / (double)NS_PER_S);
    text_put(out, "}");
}

/* What a connector of the plant tells of itself. */
static void put_way(Text *out, const ServerConnection *connection)
{
    put_time(out, ",", "since", connection->since);
    put_count(out, ",", "attempts", connection->attempts);
    put_count(out, ",", "unchanged", connection->unchanged);
    put_count(out, ",", "missed", connection->missed);
    put_count(out, ",", "stale", connection->stale);
    put_count(out, ",", "commands", connection->commands);
    put_count(out, ",", "failed", connection->failed);
    put_number(out, ",", "busy", (double)connection->busy_ns / (double)NS_PER_S);
    put_string(out, ",", "fault", connection->fault);
}

void frame_connection(Text *out, const ServerConnection *connection)
{
    put_string(out, "{", "name", connection->name);
    put_string(out, ",", "kind", connection->kind);
    put_string(out, ",", "peer", connection->peer);
    text_format(out, ",\"connected\":%s", connection->connected ? "true" : "false");
    put_count(out, ",", "samples", connection->samples);
    put_count(out, ",", "refused", connection->refused);
    put_count(out, ",", "dropped", connection->dropped);
    put_count(out, ",", "late", connection->lost.late);
    put_count(out, ",", "duplicate", connection->lost.duplicate);
    put_count(out, ",", "future", connection->lost.future);
    put_time(out, ",", "last", connection->last);
    put_clock(out, connection);
    if (connection->is_way)
        put_way(out, connection);
    text_put(out, "}");
}

static void put_connections(Text *out, const State *state)
{
    text_put(out, ",\"connections\":[");
    for (size_t i = 0; i < state->now.connection_count; i++) {
        text_put(out, i ? "," : "");
        frame_connection(out, &state->connections[i]);
    }
    text_put(out, "]");
}

static void put_counters(Text *out, const State *state)
{
    uint64_t refused = 0, dropped = state->counters.dropped;
    for (size_t i = 0; i < state->now.connection_count; i++) {
        refused += state->connections[i].refused;
        dropped += state->connections[i].dropped;
    }
    text_put(out, ",\"counters\":");
    put_count(out, "{", "ticks", state->now.ticks);
    put_count(out, ",", "overruns", state->now.overruns);
    put_count(out, ",", "forecasts_skipped", state->now.forecasts_skipped);
    put_count(out, ",", "samples", state->counters.samples);
    put_count(out, ",", "used", state->counters.used);
    put_count(out, ",", "late", state->counters.late);
    put_count(out, ",", "duplicate", state->counters.duplicate);
    put_count(out, ",", "future", state->counters.future);
    put_count(out, ",", "amended", state->rewinds.amended);
    put_count(out, ",", "rewinds", state->rewinds.rewinds);
    put_count(out, ",", "replayed", state->rewinds.steps);
    put_count(out, ",", "replay_ms", (uint64_t)(state->rewinds.spent_ns / NS_PER_MS));
    put_count(out, ",", "refused", refused);
    put_count(out, ",", "dropped", dropped);
    put_count(out, ",", "backlog_samples", state->now.backlog_samples);
    put_count(out, ",", "backlog_ns", (uint64_t)state->now.backlog_ns);
    put_count(out, ",", "longest_backlog_samples", state->now.longest_backlog_samples);
    put_count(out, ",", "longest_backlog_ns", (uint64_t)state->now.longest_backlog_ns);
    put_count(out, ",", "handler_errors", state->now.handler_errors);
    put_count(out, ",", "events_unheard", state->now.events_unheard);
    put_count(out, ",", "quarantined", state->quarantined);
    put_count(out, ",", "alarms_dropped", state->now.alarms_dropped);
    put_count(out, ",", "history_waits", state->now.history_waits);
    put_count(out, ",", "history_errors", state->now.history_errors);
    text_put(out, "}");
}

static void put_tick_time(Text *out, const State *state)
{
    put_time(out, "{", "time", state->now.time);
    text_format(out, ",\"tick\":%" PRId64, state->now.tick);
}

static void put_speed(Text *out, const State *state)
{
    put_number(out, ",", "speed", state->now.speed);
    text_format(out, ",\"hash\":\"%016" PRIx64 "\"", state->hash);
}

static void put_list(Text *out, const char *name, const char *objects)
{
    put_key(out, ",", name);
    text_put(out, "[");
    text_put(out, objects ? objects : "");
    text_put(out, "]");
}

static void put_changes(Text *out, const TickFrame *frame)
{
    put_list(out, "alarms", frame->alarms);
    put_list(out, "commands", frame->commands);
}

void frame_refusal(Text *out, const State *state)
{
    if (state->sequence && state->now.refused)
        text_json_string(out, state->now.refused);
    else
        text_put(out, "null");
}

/* Of the whole plant how twins, devices and the engine fare is told too. */
static void put_whole(Text *out, const TickFrame *frame)
{
    put_values(out, frame);
    put_twins(out, frame);
    put_changes(out, frame);
    if (frame->picture->gate > frame->after) {
        put_key(out, ",", "gate");
        frame_gate(out, frame->plant, frame->state, NULL);
    }
    put_connections(out, frame->state);
    put_counters(out, frame->state);
    put_key(out, ",", "script_error");
    frame_refusal(out, frame->state);
}

static void put_some(Text *out, const TickFrame *frame)
{
    put_picked(out, frame);
    if (frame->alarms)
        put_list(out, "alarms", frame->alarms);
    if (frame->commands)
        put_list(out, "commands", frame->commands);
}

void frame_tick(Text *out, const TickFrame *frame)
{
    put_tick_time(out, frame->state);
    put_count(out, ",", "revision", frame->picture->revision);
    if (feed_is_whole(frame->feed)) {
        put_speed(out, frame->state);
        put_whole(out, frame);
    } else {
        put_some(out, frame);
    }
    text_put(out, "}");
}

void frame_changes(Text *out, const TickFrame *frame)
{
    put_tick_time(out, frame->state);
    if (feed_is_whole(frame->feed))
        put_speed(out, frame->state);
    put_changes(out, frame);
    text_put(out, "}");
}

void frame_leaf(Text *out, const TickFrame *frame)
{
    uint64_t revision;
    const Reading *reading = feed_reading(frame->feed, frame->picture, 0, &revision);
    frame_leaf_of(out, frame->plant, frame->state, frame->feed->picks[0].tag, reading);
}
