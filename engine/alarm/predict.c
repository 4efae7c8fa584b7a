#include "alarm/predict.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char suffix[] = ".predicted";
static const double HYSTERESIS = 0.5;  // of the probability

bool alarm_is_predicted(const Alarm *alarm)
{
    const size_t length = strlen(alarm->name), end = sizeof suffix - 1;
    return length > end && strcmp(alarm->name + length - end, suffix) == 0;
}

void predictions__init(Predictions *predictions, const Plant *plant)
{
    lua_State *lua = script_lua(plant->script);
    plant_push(plant, "forecast");
    *predictions = (Predictions){.plant = plant, .wanted = lua_istable(lua, -1)};
    lua_pop(lua, 1);
}

static const AlarmDef *limit_of(const Predictions *predictions, uint32_t twin, uint16_t alarm)
{
    return &plant_model(predictions->plant, twin)->alarms[alarm];
}

// --- the text ------------------------------------------------------------------------------------------------------

/* Seconds are told in the unit of the middle one of three times. */
typedef struct TimeUnit {
    double seconds;
    const char *name;
} TimeUnit;

static TimeUnit time_unit(double seconds)
{
    static const TimeUnit units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (seconds >= 2 * units[i].seconds)
            return units[i];
    return (TimeUnit){1, "s"};
}

/* "tank1.level will pass 0.6 m in 11 min, 7 to 16 min, probability 0.93"; `since` are s from the outlook's time until now. */
static void write_text(const Predictions *predictions, const Outlook *outlook, double since, char out[ALARM_TEXT])
{
    const AlarmDef *limit = limit_of(predictions, outlook->twin, outlook->alarm);
    const Channel *channel = &plant_model(predictions->plant, outlook->twin)->channels[limit->channel];
    const bool plain = channel->unit == unit_one();
    const double early = fmax(0, outlook->early - since), middle = fmax(0, outlook->middle - since), late = fmax(0, outlook->late - since);
    const TimeUnit unit = time_unit(middle);
    snprintf(out, ALARM_TEXT, "%s.%s will %s %.6g%s%s in %.0f %s, %.0f to %.0f %s, probability %.2f", predictions->plant->twins[outlook->twin].name,
             channel->name, limit->side == LIMIT_HIGH ? "pass" : "fall below", unit_from_si(channel->unit, limit->limit), plain ? "" : " ",
             plain ? "" : unit_name(channel->unit), middle / unit.seconds, unit.name, early / unit.seconds, late / unit.seconds, unit.name, outlook->share);
}

// --- judging -------------------------------------------------------------------------------------------------------

static Prediction *find(Predictions *predictions, uint32_t twin, uint16_t alarm)
{
    for (size_t i = 0; i < predictions->count; i++)
        if (predictions->items[i].twin == twin && predictions->items[i].alarm == alarm)
            return &predictions->items[i];
    return NULL;
}

static const Outlook *outlook_for(const Outlooks *outlooks, const Prediction *prediction)
{
    for (size_t i = 0; i < outlooks->count; i++)
        if (outlooks->items[i].twin == prediction->twin && outlooks->items[i].alarm == prediction->alarm)
            return &outlooks->items[i];
    return NULL;
}

/* Whether the alarm of the limit itself is active. */
static bool has_come(const Predictions *predictions, const Cycle *cycle, uint32_t twin, uint16_t alarm)
{
    const char *name = limit_of(predictions, twin, alarm)->name;
    for (const Alarm *at = ledger_next(&cycle->ledger, 0); at; at = ledger_next(&cycle->ledger, at->id))
        if (at->twin == twin && (at->state == ALARM_RAISED || at->state == ALARM_ACKNOWLEDGED) && strcmp(at->name, name) == 0)
            return true;
    return false;
}

/* It returns, with the last word `note` where there is one; the last of the list takes its place. */
static const Alarm *end(Predictions *predictions, Prediction *prediction, Cycle *cycle, const char *note, int64_t now)
{
    Alarm *alarm = cycle__active(cycle, prediction->slot);
    if (alarm && note)
        cycle__revise(cycle, alarm, alarm->severity, note);
    const Alarm *over = cycle__return(cycle, &prediction->slot, now);
    *prediction = predictions->items[--predictions->count];
    return over;
}

static void end_those_that_came(Predictions *predictions, Cycle *cycle, int64_t now, void (*tell)(void *self, const Alarm *alarm, bool raised), void *self)
{
    for (size_t i = predictions->count; i-- > 0;) {
        Prediction *prediction = &predictions->items[i];
        if (!has_come(predictions, cycle, prediction->twin, prediction->alarm))
            continue;
        char note[ALARM_TEXT];
        snprintf(note, sizeof note, "what was foretold has come: %.48s of %.100s", limit_of(predictions, prediction->twin, prediction->alarm)->name,
                 predictions->plant->twins[prediction->twin].name);
        const Alarm *alarm = end(predictions, prediction, cycle, note, now);
        if (alarm)
            tell(self, alarm, false);
    }
}

/* Those that are raised: told anew, or over. */
static void revise(Predictions *predictions, Cycle *cycle, int64_t now, void (*tell)(void *self, const Alarm *alarm, bool raised), void *self)
{
    const Outlooks *outlooks = predictions->outlooks;
    const double since = (double)(now - outlooks->time) / (double)NS_PER_S;
    for (size_t i = predictions->count; i-- > 0;) {
        Prediction *prediction = &predictions->items[i];
        const Outlook *outlook = outlook_for(outlooks, prediction);
        if (!outlook || outlook->share < HYSTERESIS * outlooks->probability) {
            const Alarm *over = end(predictions, prediction, cycle, NULL, now);
            if (over)
                tell(self, over, false);
            continue;
        }
        char text[ALARM_TEXT];
        Alarm *alarm = cycle__active(cycle, prediction->slot);
        write_text(predictions, outlook, since, text);
        prediction->outlook = *outlook;
        prediction->told = outlooks->time;
        if (alarm && strcmp(text, alarm->text) != 0)
            cycle__revise(cycle, alarm, alarm->severity, text);
    }
}

static const Alarm *raise(Predictions *predictions, Cycle *cycle, const Outlook *outlook, int64_t now)
{
    const AlarmDef *limit = limit_of(predictions, outlook->twin, outlook->alarm);
    const Severity severity = limit->severity > SEVERITY_INFO ? limit->severity - 1 : SEVERITY_INFO;
    Prediction prediction = {.twin = outlook->twin, .alarm = outlook->alarm, .outlook = *outlook, .told = predictions->outlooks->time};
    char name[sizeof((Alarm *)0)->name];
    snprintf(name, sizeof name, "%.*s%s", (int)(sizeof name - sizeof suffix), limit->name, suffix);
    Alarm *alarm = cycle__raise(cycle, &prediction.slot, outlook->twin, name, severity, now);
    if (!alarm)
        return NULL;  // without room it is tried again with the next forecast
    write_text(predictions, outlook, (double)(now - predictions->outlooks->time) / (double)NS_PER_S, alarm->text);
    predictions->items[predictions->count++] = prediction;
    return alarm;
}

static void raise_new(Predictions *predictions, Cycle *cycle, int64_t now, void (*tell)(void *self, const Alarm *alarm, bool raised), void *self)
{
    const Outlooks *outlooks = predictions->outlooks;
    for (size_t i = 0; i < outlooks->count && predictions->count < PREDICTIONS_MAX; i++) {
        const Outlook *outlook = &outlooks->items[i];
        if (outlook->share < outlooks->probability || find(predictions, outlook->twin, outlook->alarm) ||
            has_come(predictions, cycle, outlook->twin, outlook->alarm))
            continue;
        const Alarm *alarm = raise(predictions, cycle, outlook, now);
        if (alarm)
            tell(self, alarm, true);
    }
}

void predictions__judge(Predictions *predictions, Cycle *cycle, int64_t now, void (*tell)(void *self, const Alarm *alarm, bool raised), void *self)
{
    end_those_that_came(predictions, cycle, now, tell, self);
    if (!predictions->outlooks)
        return;
    revise(predictions, cycle, now, tell, self);
    raise_new(predictions, cycle, now, tell, self);
    predictions->outlooks = NULL;
}

bool predictions__adopt(Predictions *predictions, const Alarm *alarm)
{
    const bool lasts = alarm->state == ALARM_RAISED || alarm->state == ALARM_ACKNOWLEDGED;
    if (!predictions->wanted || !lasts || !alarm_is_predicted(alarm) || predictions->count == PREDICTIONS_MAX)
        return false;
    const Model *model = plant_model(predictions->plant, alarm->twin);
    const size_t length = strlen(alarm->name) - (sizeof suffix - 1);
    for (uint16_t i = 0; i < model->alarm_count; i++)
        if (strlen(model->alarms[i].name) == length && strncmp(model->alarms[i].name, alarm->name, length) == 0) {
            predictions->items[predictions->count++] = (Prediction){.twin = alarm->twin, .alarm = i, .slot = alarm->id, .told = TIME_NONE};
            return true;
        }
    return false;
}
