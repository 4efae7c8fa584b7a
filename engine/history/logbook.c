#include "history/logbook.h"

#include <inttypes.h>

void logbook__bind_act(sqlite3_stmt *statement, const HistoryAct *entry)
{
    const AlarmAct *act = &entry->act;
    sqlite3_bind_int64(statement, 1, (int64_t)act->number);
    sqlite3_bind_int64(statement, 2, entry->tick);
    sqlite3_bind_int64(statement, 3, entry->time);
    sqlite3_bind_int(statement, 4, (int)act->kind);
    sqlite3_bind_int64(statement, 5, (int64_t)act->alarm);
    sqlite3_bind_text(statement, 6, act->twin, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 7, act->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 8, act->span_ns);
    sqlite3_bind_text(statement, 9, act->by, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 10, act->comment, -1, SQLITE_STATIC);
}

Err logbook__read_act(sqlite3_stmt *row, HistoryAct *out, ErrText *why)
{
    AlarmAct *act = &out->act;
    *out = (HistoryAct){.tick = sqlite3_column_int64(row, 1), .time = sqlite3_column_int64(row, 2)};
    act->number = (uint64_t)sqlite3_column_int64(row, 0);
    act->kind = (AlarmActKind)sqlite3_column_int(row, 3);
    act->alarm = (uint64_t)sqlite3_column_int64(row, 4);
    store_text(row, 5, act->twin, sizeof act->twin);
    store_text(row, 6, act->name, sizeof act->name);
    act->span_ns = sqlite3_column_int64(row, 7);
    store_text(row, 8, act->by, sizeof act->by);
    store_text(row, 9, act->comment, sizeof act->comment);
    return (unsigned)act->kind < ACT_KIND_COUNT ? ERR_OK : err_set(why, ERR_PARSE, "act %" PRIu64 " on an alarm is of a kind that does not exist", act->number);
}

void logbook__bind_gate_act(sqlite3_stmt *statement, const HistoryGateAct *entry, const char *tag)
{
    const GateAct *act = &entry->act;
    sqlite3_bind_int64(statement, 1, (int64_t)act->number);
    sqlite3_bind_int64(statement, 2, entry->tick);
    sqlite3_bind_int64(statement, 3, entry->time);
    sqlite3_bind_int(statement, 4, (int)act->kind);
    sqlite3_bind_text(statement, 5, tag, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 6, (int)act->mode);
    sqlite3_bind_int(statement, 7, act->may_block);
    sqlite3_bind_text(statement, 8, act->by, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 9, act->reason, -1, SQLITE_STATIC);
}

Err logbook__read_gate_act(sqlite3_stmt *row, const Plant *plant, HistoryGateAct *out, bool *gone, ErrText *why)
{
    GateAct *act = &out->act;
    char tag[TAG_NAME_ROOM];
    *out = (HistoryGateAct){.tick = sqlite3_column_int64(row, 1), .time = sqlite3_column_int64(row, 2)};
    act->number = (uint64_t)sqlite3_column_int64(row, 0);
    act->kind = (GateActKind)sqlite3_column_int(row, 3);
    store_text(row, 4, tag, sizeof tag);
    act->tag = *tag ? tags_find(plant->tags, tag) : TAG_NONE;
    act->mode = (ActuatorMode)sqlite3_column_int(row, 5);
    act->may_block = sqlite3_column_int(row, 6) != 0;
    store_text(row, 7, act->by, sizeof act->by);
    store_text(row, 8, act->reason, sizeof act->reason);
    *gone = *tag && act->tag == TAG_NONE;
    const bool sound = (unsigned)act->kind < GATE_ACT_KIND_COUNT && (unsigned)act->mode <= ACTUATOR_BLOCKED;
    return sound ? ERR_OK : err_set(why, ERR_PARSE, "act %" PRIu64 " on an actuator is of a kind that does not exist", act->number);
}

// Evidence.

static void put_member(Text *out, const char *key, double value)
{
    text_format(out, ",\"%s\":", key);
    text_json_number(out, value);
}

/* "tank1.level":[0.61,0.01,"m"] */
static void put_value(Text *out, const Plant *plant, TagId tag, double value, double sd)
{
    const Unit *unit = tags_get(plant->tags, tag).unit;
    text_json_string(out, tags_name(plant->tags, tag).text);
    text_put(out, ":[");
    text_json_number(out, unit_from_si(unit, value));
    text_put(out, ",");
    text_json_number(out, unit_scale_from_si(unit, sd));
    text_put(out, ",");
    text_json_string(out, unit_name(unit));
    text_put(out, "]");
}

static void put_values(Text *out, const Plant *plant, const Evidence *evidence)
{
    text_put(out, "\"tags\":[");
    for (uint16_t i = 0; i < evidence->tag_count; i++) {
        text_put(out, i ? "," : "");
        text_json_string(out, tags_name(plant->tags, evidence->tags[i]).text);
    }
    text_put(out, "],\"values\":{");
    for (uint16_t i = 0; i < evidence->tag_count; i++) {
        text_put(out, i ? "," : "");
        put_value(out, plant, evidence->tags[i], evidence->values[i], evidence->sds[i]);
    }
    text_put(out, "}");
}

static void put_sensors(Text *out, const Plant *plant, const Evidence *evidence)
{
    text_put(out, ",\"sensors\":{");
    for (uint16_t i = 0; i < evidence->sensor_count; i++) {
        const Channel *channel = &plant_model(plant, evidence->twin)->channels[evidence->sensors[i].channel];
        text_put(out, i ? "," : "");
        text_json_string(out, channel->name);
        text_put(out, ":{\"innovation\":");
        text_json_number(out, unit_scale_from_si(channel->unit, evidence->sensors[i].innovation));
        put_member(out, "sd", unit_scale_from_si(channel->unit, evidence->sensors[i].sd));
        text_put(out, "}");
    }
    text_put(out, "}");
}

static void put_foretold(Text *out, const Evidence *evidence)
{
    text_put(out, ",\"foretold\":");
    if (evidence->told == TIME_NONE) {
        text_put(out, "null");
        return;
    }
    text_put(out, "{\"probability\":");
    text_json_number(out, evidence->probability);
    put_member(out, "early", evidence->early);
    put_member(out, "middle", evidence->middle);
    put_member(out, "late", evidence->late);
    text_put(out, "}");
}

void logbook__put_evidence(Text *out, const Plant *plant, const Evidence *evidence)
{
    put_values(out, plant, evidence);
    const double limit = evidence->tag_count ? unit_from_si(tags_get(plant->tags, evidence->tags[0]).unit, evidence->limit) : evidence->limit;
    put_member(out, "limit", limit);
    put_member(out, "nis", evidence->nis);
    put_member(out, "nis_limit", evidence->nis_limit);
    put_sensors(out, plant, evidence);
    put_foretold(out, evidence);
}
