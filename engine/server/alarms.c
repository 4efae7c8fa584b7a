/* alarms.c -- lists of alarms, one alarm with its story, and what people do about it. */
#include "server/alarms.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/args.h"
#include "server/inside.h"
#include "server/put.h"
#include "server/routes.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000, ACT_BODY_MAX = 4096 };

// Lists.

/* What is aside holds for all alarms of a name, those from before too; what lasts has it from the tick. */
static void mark_alarm(const Server *server, HistoryAlarm *entry)
{
    const Journal *journal = &server->journal;
    for (size_t i = 0; i < journal->aside_count; i++) {
        const Aside *aside = &journal->asides[i];
        if (aside->twin != entry->alarm.twin || strcmp(aside->name, entry->alarm.name) != 0)
            continue;
        if (aside->kind == ASIDE_SHELVED)
            entry->alarm.shelved = aside->until;
        else
            entry->alarm.suppressed = true;
    }
}

/* The states that are asked for, with commas between them. False, and a refusal: one of them is none. */
static bool read_states(const Request *request, unsigned *out, Reply *reply)
{
    const char *at = request_arg(request, "state");
    *out = 0;
    for (; at && *at; at += strcspn(at, ","), at += *at == ',') {
        const size_t length = strcspn(at, ",");
        int state = ALARM_RAISED;
        while (state <= ALARM_OVER && (strlen(alarm_state_name((AlarmState)state)) != length || strncmp(alarm_state_name((AlarmState)state), at, length) != 0))
            state++;
        if (state > ALARM_OVER) {
            reply_problem(reply, 400, "state: expected raised, acknowledged, returned or over, with commas between them, got \"%.60s\"", at);
            return false;
        }
        *out |= 1u << state;
    }
    return true;
}

static bool read_filter(const Server *server, const Request *request, HistoryAlarmFilter *out, Reply *reply)
{
    size_t before = 0;
    *out = (HistoryAlarmFilter){.twin = request_arg(request, "twin")};
    if (!args_whole(request, "before", 1, INT64_MAX, &before, reply) || !read_states(request, &out->states, reply))
        return false;
    out->before = before;
    if (!out->twin || plant_find(server->plant, out->twin) >= 0)
        return true;
    reply_problem(reply, 404, "twin: no twin \"%.100s\" in plant %s", out->twin, server->plant->name);
    return false;
}

static bool admits(const HistoryAlarmFilter *filter, const Alarm *alarm, const char *twin)
{
    return (!filter->before || alarm->id < filter->before) && (!filter->states || filter->states >> alarm->state & 1) &&
           (!filter->twin || strcmp(filter->twin, twin) == 0);
}

/* Returns how many, and the id of the last. */
static size_t put_alarms_now(const Server *server, const HistoryAlarmFilter *filter, size_t limit, Text *out, uint64_t *last)
{
    const Journal *journal = &server->journal;
    size_t count = 0;
    for (size_t i = journal->alarm_count; i-- > 0 && count < limit;) {
        const Alarm *alarm = &journal->alarms[i];
        const char *twin = server->plant->twins[alarm->twin].name;
        if (!admits(filter, alarm, twin))
            continue;
        text_put(out, count++ ? "," : "");
        frame_alarm(out, alarm, twin);
        *last = alarm->id;
    }
    return count;
}

static void answer_alarms(Server *server, const Request *request, Reply *reply)
{
    size_t limit, count = 0;
    uint64_t last = 0;
    HistoryAlarmFilter filter;
    if (!args_count(request, "limit", LIST_DEFAULT, LIST_MAX, &limit, reply) || !read_filter(server, request, &filter, reply))
        return;
    Arena arena = {0};
    HistoryAlarm *alarms = NULL;
    ErrText why = {0};
    if (server->reader && history_find_alarms(server->reader, &filter, limit, &arena, &alarms, &count, &why) != ERR_OK) {
        reply_problem(reply, 500, "history: %s", why.text);
    } else {
        text_put(reply->body, "[");
        for (size_t i = 0; i < count; i++) {
            mark_alarm(server, &alarms[i]);
            text_put(reply->body, i ? "," : "");
            frame_alarm(reply->body, &alarms[i].alarm, alarms[i].twin);
            last = alarms[i].alarm.id;
        }
        if (!server->reader)
            count = put_alarms_now(server, &filter, limit, reply->body, &last);
        text_put(reply->body, "]");
        if (count == limit)
            reply_next_number(reply, request, "before", last);
    }
    arena_fini(&arena);
}

static void put_aside(Text *out, const Plant *plant, const Aside *aside)
{
    put_count(out, "{", "alarm", aside->alarm);
    put_string(out, ",", "twin", plant->twins[aside->twin].name);
    put_string(out, ",", "name", aside->name);
    put_string(out, ",", "kind", aside->kind == ASIDE_SHELVED ? "shelved" : "suppressed");
    put_time(out, ",", "until", aside->until);
    put_string(out, ",", "by", aside->by);
    put_string(out, ",", "comment", aside->comment);
    put_time(out, ",", "since", aside->since);
    text_put(out, "}");
}

static void answer_shelved(Server *server, const Request *request, Reply *reply)
{
    (void)request;
    const Journal *journal = &server->journal;
    text_put(reply->body, "{\"alarms\":[");
    for (size_t i = 0; i < journal->aside_count; i++) {
        text_put(reply->body, i ? "," : "");
        put_aside(reply->body, server->plant, &journal->asides[i]);
    }
    text_put(reply->body, "]}");
}

// One alarm.

/* What an alarm's history has to say, read in one go. */
typedef struct Story {
    HistoryAlarm *alarms;  // its revisions, oldest first
    HistoryAct *acts;
    HistoryEvidence evidence;
    size_t alarm_count, act_count;
} Story;

static Err read_story(HistoryReader *reader, uint64_t id, Arena *arena, Story *out, ErrText *why)
{
    Err err = history_read_alarm(reader, id, arena, &out->alarms, &out->alarm_count, why);
    if (err == ERR_OK)
        err = history_read_acts(reader, id, arena, &out->acts, &out->act_count, why);
    return err == ERR_OK ? history_read_evidence(reader, id, arena, &out->evidence, why) : err;
}

static void put_comments(Text *out, const Story *story)
{
    size_t count = 0;
    text_put(out, ",\"comments\":[");
    for (size_t i = 0; i < story->act_count; i++) {
        const HistoryAct *act = &story->acts[i];
        if (!*act->act.comment)
            continue;
        put_time(out, count++ ? ",{" : "{", "time", act->time);
        put_string(out, ",", "by", act->act.by);
        put_string(out, ",", "text", act->act.comment);
        text_put(out, "}");
    }
    text_put(out, "]");
}

static void put_evidence(Text *out, const Story *story, const char *text)
{
    if (!story->evidence.members) {
        text_put(out, ",\"evidence\":null");
        return;
    }
    put_string(out, ",\"evidence\":{", "text", text);
    text_format(out, ",%s", story->evidence.members);
    put_time(out, ",", "from", story->evidence.from);
    put_time(out, ",", "to", story->evidence.to);
    text_put(out, "}");
}

static void put_story(Server *server, Story *story, Text *out)
{
    HistoryAlarm *newest = &story->alarms[story->alarm_count - 1];
    mark_alarm(server, newest);
    text_put(out, "{\"alarm\":");
    frame_alarm(out, &newest->alarm, newest->twin);
    text_put(out, ",\"before\":[");
    for (size_t i = 0; i + 1 < story->alarm_count; i++) {
        text_put(out, i ? "," : "");
        frame_alarm(out, &story->alarms[i].alarm, story->alarms[i].twin);
    }
    text_put(out, "]");
    put_comments(out, story);
    put_evidence(out, story, newest->alarm.text);
    text_put(out, "}");
}

/* The alarm's number, or 0 and a refusal. */
static uint64_t read_id(const char *text, Reply *reply)
{
    char *end;
    const unsigned long long id = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && !*end && id > 0 && id <= INT64_MAX)
        return id;
    reply_problem(reply, 404, "no alarm \"%.60s\": expected its number", text);
    return 0;
}

static void answer_alarm(Server *server, const Request *request, Reply *reply)
{
    const uint64_t id = read_id(request->parts[0], reply);
    Arena arena = {0};
    Story story = {0};
    ErrText why = {0};
    if (!id)
        return;
    if (!server->reader)
        reply_problem(reply, 404, "this plant keeps no history");
    else if (read_story(server->reader, id, &arena, &story, &why) != ERR_OK)
        reply_problem(reply, 500, "history: %s", why.text);
    else if (story.alarm_count == 0)
        reply_problem(reply, 404, "no alarm %llu in the history", (unsigned long long)id);
    else
        put_story(server, &story, reply->body);
    arena_fini(&arena);
}

// What people do.

/* Whose alarm it was; both stay empty where nobody knows. */
static void name_alarm(Server *server, AlarmAct *act)
{
    Arena arena = {0};
    HistoryAlarm *alarms;
    size_t count;
    if (server->reader && history_read_alarm(server->reader, act->alarm, &arena, &alarms, &count, NULL) == ERR_OK && count > 0) {
        snprintf(act->twin, sizeof act->twin, "%s", alarms[count - 1].twin);
        snprintf(act->name, sizeof act->name, "%s", alarms[count - 1].alarm.name);
    }
    arena_fini(&arena);
}

static bool is_open(const Journal *journal, uint64_t alarm)
{
    for (size_t i = 0; i < journal->alarm_count; i++)
        if (journal->alarms[i].id == alarm)
            return true;
    return false;
}

void alarms_fill_act(Server *server, AlarmActKind kind, uint64_t alarm, double seconds, const char *comment, AlarmAct *out)
{
    // what is no time at all, or too long, is the tick's to refuse
    const double longest = 2.0 * (double)(SHELVE_MAX_NS / NS_PER_S);
    *out = (AlarmAct){.kind = kind, .alarm = alarm, .span_ns = seconds > 0 ? (int64_t)llround(fmin(seconds, longest) * (double)NS_PER_S) : 0};
    snprintf(out->comment, sizeof out->comment, "%s", comment ? comment : "");
    if (!is_open(&server->journal, alarm))
        name_alarm(server, out);
}

/* An alarm that is over is told by the history. */
static void told_act(Server *server, const AskAnswer *answer, Reply *reply)
{
    Arena arena = {0};
    HistoryAlarm *alarms = NULL;
    size_t count = 0;
    if (answer->status != 200) {
        reply_problem(reply, answer->status, "%s", answer->detail);
    } else if (answer->alarm.id) {
        frame_alarm(reply->body, &answer->alarm, answer->twin);
    } else if (server->reader && history_read_alarm(server->reader, reply->ask.act.alarm, &arena, &alarms, &count, NULL) == ERR_OK && count > 0) {
        mark_alarm(server, &alarms[count - 1]);
        frame_alarm(reply->body, &alarms[count - 1].alarm, alarms[count - 1].twin);
    } else {
        reply->status = 204;  // it is over, and nobody keeps it
    }
    arena_fini(&arena);
}

/* {"comment":TEXT,"seconds":N}, both of which may be missing, as may all of it. False when it was refused. */
static bool read_body(const Request *request, json_t **body, const char **comment, double *seconds, Reply *reply)
{
    json_error_t error;
    const char *key;
    json_t *value;
    *body = request->body_length ? json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, &error) : json_object();
    bool good = json_is_object(*body);
    json_object_foreach(*body, key, value) {
        if (strcmp(key, "comment") == 0 && json_is_string(value) && json_string_length(value) < ALARM_COMMENT)
            *comment = json_string_value(value);
        else if (strcmp(key, "seconds") == 0 && json_is_number(value))
            *seconds = json_number_value(value);
        else
            good = false;
    }
    if (!good)
        reply_problem(reply, 400, "the body: expected {\"comment\":TEXT,\"seconds\":N}, a text of at most %d bytes and, to shelve, a number",
                      ALARM_COMMENT - 1);
    return good;
}

static void answer_act(Server *server, const Request *request, AlarmActKind kind, Reply *reply)
{
    const uint64_t id = read_id(request->parts[0], reply);
    const char *comment = NULL;
    double seconds = 0;
    json_t *body = NULL;
    if (id && read_body(request, &body, &comment, &seconds, reply)) {
        ServerAsk ask = {.kind = SERVER_ASK_ALARM};
        alarms_fill_act(server, kind, id, seconds, comment, &ask.act);
        snprintf(ask.act.by, sizeof ask.act.by, "%.47s", *request->caller.name ? request->caller.name : request->caller.peer);
        reply_ask(reply, &ask, told_act);
    }
    json_decref(body);
}

static void answer_acknowledge(Server *server, const Request *request, Reply *reply)
{
    answer_act(server, request, ACT_ACKNOWLEDGE, reply);
}

static void answer_comment(Server *server, const Request *request, Reply *reply)
{
    answer_act(server, request, ACT_COMMENT, reply);
}

static void answer_shelve(Server *server, const Request *request, Reply *reply)
{
    answer_act(server, request, ACT_SHELVE, reply);
}

static void answer_unshelve(Server *server, const Request *request, Reply *reply)
{
    answer_act(server, request, ACT_UNSHELVE, reply);
}

static void answer_suppress(Server *server, const Request *request, Reply *reply)
{
    answer_act(server, request, ACT_SUPPRESS, reply);
}

static void answer_unsuppress(Server *server, const Request *request, Reply *reply)
{
    answer_act(server, request, ACT_UNSUPPRESS, reply);
}

const Route alarm_routes[] = {
    {.method = "GET", .path = "/api/v1/alarms", .right = RIGHT_VIEW, .answer = answer_alarms},
    {.method = "GET", .path = "/api/v1/alarms/shelved", .right = RIGHT_VIEW, .answer = answer_shelved},  // before the alarms by number
    {.method = "GET", .path = "/api/v1/alarms/*", .right = RIGHT_VIEW, .answer = answer_alarm},
    {.method = "POST", .path = "/api/v1/alarms/*/acknowledge", .right = RIGHT_ACKNOWLEDGE, .answer = answer_acknowledge, .body_max = ACT_BODY_MAX},
    {.method = "POST", .path = "/api/v1/alarms/*/comment", .right = RIGHT_ACKNOWLEDGE, .answer = answer_comment, .body_max = ACT_BODY_MAX},
    {.method = "POST", .path = "/api/v1/alarms/*/shelve", .right = RIGHT_ACKNOWLEDGE, .answer = answer_shelve, .body_max = ACT_BODY_MAX},
    {.method = "POST", .path = "/api/v1/alarms/*/unshelve", .right = RIGHT_ACKNOWLEDGE, .answer = answer_unshelve, .body_max = ACT_BODY_MAX},
    {.method = "POST", .path = "/api/v1/alarms/*/suppress", .right = RIGHT_CONFIGURE, .answer = answer_suppress, .body_max = ACT_BODY_MAX},
    {.method = "POST", .path = "/api/v1/alarms/*/unsuppress", .right = RIGHT_CONFIGURE, .answer = answer_unsuppress, .body_max = ACT_BODY_MAX},
    {0},
};
