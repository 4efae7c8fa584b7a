/* portrait.c -- the frame that a view begins with: all that there is to know of a plant and its twins. */
#include <math.h>

#include "server/frames.h"
#include "server/put.h"

static void put_channel(Text *out, const Plant *plant, uint32_t twin, uint16_t index)
{
    const Model *model = plant_model(plant, twin);
    const Channel *channel = &model->channels[index];
    put_string(out, "{", "tag", tags_name(plant->tags, plant_tag(plant, twin, index)).text);
    put_string(out, ",", "name", channel->name);
    put_string(out, ",", "kind", channel_kind_name(channel->kind));
    put_string(out, ",", "unit", unit_name(channel->unit));
    put_string(out, ",", "doc", channel->doc);
    if (isfinite(channel->min)) put_number(out, ",", "min", unit_from_si(channel->unit, channel->min));
    if (isfinite(channel->max)) put_number(out, ",", "max", unit_from_si(channel->unit, channel->max));
    for (uint16_t i = 0; i < model->sensor_count; i++)
        if (model->sensors[i].channel == index && model->sensors[i].of != UINT16_MAX)
            put_string(out, ",", "of", tags_name(plant->tags, plant_tag(plant, twin, model->sensors[i].of)).text);
    text_put(out, "}");
}

static void put_limit(Text *out, const Plant *plant, uint32_t twin, const AlarmDef *alarm)
{
    const Channel *channel = &plant_model(plant, twin)->channels[alarm->channel];
    put_string(out, "{", "alarm", alarm->name);
    put_string(out, ",", "tag", tags_name(plant->tags, plant_tag(plant, twin, alarm->channel)).text);
    put_string(out, ",", "side", alarm->side == LIMIT_HIGH ? "high" : "low");
    put_number(out, ",", "limit", unit_from_si(channel->unit, alarm->limit));
    put_string(out, ",", "severity", severity_name(alarm->severity));
    text_put(out, "}");
}

static void put_triple(Text *out, const char *key, const double values[3])
{
    text_format(out, ",\"%s\":[", key);
    for (int i = 0; i < 3; i++) {
        text_put(out, i ? "," : "");
        text_json_number(out, values[i]);
    }
    text_put(out, "]");
}

/* Where it stands, and how it is to be drawn where the script says so. */
static void put_place(Text *out, const Twin *twin)
{
    const TwinLook *look = twin->look;
    put_triple(out, "at", twin->at);
    text_format(out, ",\"placed\":%s", twin->placed ? "true" : "false");
    if (look && *look->mesh)
        put_string(out, ",", "mesh", look->mesh);
    if (look && look->size[0] > 0)
        put_triple(out, "size", look->size);
    if (look && look->turn != 0)
        put_number(out, ",", "turn", look->turn);
}

static void put_twin(Text *out, const Plant *plant, uint32_t twin, const Feed *feed)
{
    const Model *model = plant_model(plant, twin);
    put_string(out, "{", "name", plant->twins[twin].name);
    put_string(out, ",", "model", model->name);
    put_string(out, ",", "doc", model->doc);
    put_place(out, &plant->twins[twin]);
    text_put(out, ",\"channels\":[");
    const char *separator = "";
    for (uint16_t i = 0; i < model->channel_count; i++) {
        if (feed && !feed_picks(feed, plant_tag(plant, twin, i)))
            continue;
        text_put(out, separator);
        put_channel(out, plant, twin, i);
        separator = ",";
    }
    text_put(out, "],\"limits\":[");
    for (uint16_t i = 0; i < model->alarm_count; i++) {
        text_put(out, i ? "," : "");
        put_limit(out, plant, twin, &model->alarms[i]);
    }
    text_put(out, "]}");
}

/* What a feed does not pick from is left out. */
static void put_shown(Text *out, const Plant *plant, const State *state, const Feed *feed)
{
    const char *separator = "";
    text_put(out, ",\"twins\":[");
    for (uint32_t i = 0; i < state->shown_count; i++) {
        if (feed && !feed_concerns(feed, plant->twins[state->shown[i]].name))
            continue;
        text_put(out, separator);
        put_twin(out, plant, state->shown[i], feed);
        separator = ",";
    }
    text_put(out, "]");
}

void frame_codegen(Text *out)
{
    const CodegenState state = program_codegen_state();
    put_string(out, "{", "mode", codegen_name(state.mode));
    put_string(out, ",", "backend", program_backend());
    put_count(out, ",", "compiled", state.compiled);
    put_count(out, ",", "waiting", state.waiting);
    put_count(out, ",", "refused", state.refused);
    put_count(out, ",", "compile_ns", (uint64_t)state.compile_ns);
    put_string(out, ",", "why", state.why.text);
    text_put(out, "}");
}

/* Handlers may look at all twins, so those of a plant that no forecast holds do not act. */
void frame_acts(Text *out, const Plant *plant)
{
    put_flag(out, "{", "control", plant->control_ns > 0);
    put_flag(out, ",", "handlers", plant->handles && plant->twin_count <= FORK_TWINS_MAX);
    text_put(out, "}");
}

/* One end of a connection: its tag. */
static void put_end(Text *out, const Plant *plant, Place place)
{
    const TagName name = tags_name(plant->tags, plant_tag(plant, place.twin, place.channel));
    text_json_string(out, name.text);
}

/* Of a fleet those between twins that are shown: a plant of many twins has more connections than fit a frame. */
static void put_connected(Text *out, const Plant *plant, const State *state, const Feed *feed)
{
    bool first = true;
    text_put(out, ",\"connect\":[");
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const Connection *connection = &plant->connections[i];
        if (state_slot(state, connection->from.twin) < 0 || state_slot(state, connection->to.twin) < 0)
            continue;
        if (feed && (!feed_concerns(feed, plant->twins[connection->from.twin].name) || !feed_concerns(feed, plant->twins[connection->to.twin].name)))
            continue;
        text_put(out, first ? "[" : ",[");
        first = false;
        put_end(out, plant, connection->from);
        text_put(out, ",");
        put_end(out, plant, connection->to);
        text_put(out, "]");
    }
    text_put(out, "]");
}

static void put_alarms(Text *out, const Plant *plant, const Journal *journal, const Feed *feed)
{
    const char *separator = "";
    text_put(out, ",\"alarms\":[");
    for (size_t i = 0; i < journal->alarm_count; i++) {
        const char *twin = plant->twins[journal->alarms[i].twin].name;
        if (feed && !feed_concerns(feed, twin))
            continue;
        text_put(out, separator);
        frame_alarm(out, &journal->alarms[i], twin);
        separator = ",";
    }
    text_put(out, "]");
}

static void put_commands(Text *out, const Plant *plant, const Journal *journal, const Feed *feed)
{
    const char *separator = "";
    text_put(out, ",\"commands\":[");
    for (size_t i = 0; i < journal->command_count; i++) {
        const TagId tag = journal->commands[i].wish.tag;
        const bool known = tag < tags_count(plant->tags);
        if (feed && known && !feed_concerns(feed, plant->twins[plant_place(plant, tag).twin].name))
            continue;
        text_put(out, separator);
        frame_command(out, &journal->commands[i], plant->tags);
        separator = ",";
    }
    text_put(out, "]");
}

void frame_snapshot(Text *out, const Plant *plant, const State *state, const Journal *journal, const Feed *feed)
{
    put_string(out, "{", "plant", plant->name);
    put_string(out, ",", "doc", plant->doc);
    put_string(out, ",", "version", POLLUX_VERSION);
    put_number(out, ",", "step", plant->step);
    put_string(out, ",", "clock", plant->clock == PLANT_CLOCK_PROVIDER ? "provider" : "utc");
    put_key(out, ",", "codegen");
    frame_codegen(out);
    put_key(out, ",", "acts");
    frame_acts(out, plant);
    put_count(out, ",", "twin_count", plant->twin_count);
    put_shown(out, plant, state, feed);
    put_connected(out, plant, state, feed);
    put_alarms(out, plant, journal, feed);
    put_commands(out, plant, journal, feed);
    put_key(out, ",", "gate");
    frame_gate(out, plant, state, feed);
    text_put(out, "}");
}
