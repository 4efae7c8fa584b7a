/* rehearsal.h -- a plant and its emulation in one process: the whole trip from sample to command, as fast as it goes.
 *
 * Castor is a connector here: each poll is one of his steps, and he obeys what the gate lets through. What a test wants to know of the
 * run is noted as it happens: verdicts when they change, alarms when they are raised. */
#pragma once

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "kit/kit.h"
#include "plant/castor.h"

enum { REHEARSAL_NOTES = 512, REHEARSAL_OUTCOMES = 64, REHEARSAL_COMMANDS = 256 };

/* That a twin has parted, or an alarm was raised. */
typedef struct Note {
    double at;         // s since the start
    const char *twin;
    VerdictKind kind;  // of a verdict; VERDICT_NONE for an alarm
    char text[ALARM_TEXT];  // of the verdict, or the name of the alarm
} Note;

typedef struct Rehearsal {
    App *app;
    Castor *castor;
    int64_t begin;
    const Sample *samples;  // of Castor's last step
    size_t count, next;
    bool joined;
    Arrival outcomes[REHEARSAL_OUTCOMES];
    size_t outcome_count;

    Note notes[REHEARSAL_NOTES];
    size_t note_count;
    VerdictKind *verdicts;  // by twin, as they were at the last tick
    Command commands[REHEARSAL_COMMANDS];   // that Castor obeyed
    double command_at[REHEARSAL_COMMANDS];  // s since the start
    size_t command_count;
    double nis;  // sum of normalised squares of innovations over `nis_count` samples
    size_t nis_count;
    void (*stepped)(struct Rehearsal *rehearsal);  // after each step of Castor; NULL
} Rehearsal;

static inline double rehearsal_seconds(const Rehearsal *rehearsal)
{
    return (double)(castor_time(rehearsal->castor) - rehearsal->begin) / (double)NS_PER_S;
}

// Castor as a connector.

static inline size_t rehearsal__poll(void *self, Arrival *out, size_t room)
{
    Rehearsal *rehearsal = self;
    size_t count = 0;
    if (!rehearsal->joined)
        out[count++] = (Arrival){.kind = ARRIVAL_JOINED, .text = "castor"};
    rehearsal->joined = true;
    for (size_t i = 0; i < rehearsal->outcome_count && count < room; i++)
        out[count++] = rehearsal->outcomes[i];
    rehearsal->outcome_count = 0;
    for (; rehearsal->next < rehearsal->count && count < room; rehearsal->next++)
        out[count++] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = rehearsal->samples[rehearsal->next]};
    if (rehearsal->next == rehearsal->count && count < room)
        out[count++] = (Arrival){.kind = ARRIVAL_TIME, .sample.time = castor_time(rehearsal->castor)};
    return count;
}

static inline Err rehearsal__send(void *self, const Command *command)
{
    Rehearsal *rehearsal = self;
    ErrText why;
    if (rehearsal->outcome_count == REHEARSAL_OUTCOMES)
        return ERR_FULL;
    const Err err = castor_command(rehearsal->castor, command->wish.tag, command->wish.value, &why);
    rehearsal->outcomes[rehearsal->outcome_count++] = (Arrival){.kind = ARRIVAL_OUTCOME, .command = command->id, .done = err == ERR_OK};
    ck_assert_msg(err == ERR_OK, "%s", why.text);
    ck_assert_uint_lt(rehearsal->command_count, REHEARSAL_COMMANDS);
    rehearsal->command_at[rehearsal->command_count] = rehearsal_seconds(rehearsal);
    rehearsal->commands[rehearsal->command_count++] = *command;
    return ERR_OK;
}

static const ConnectorType rehearsal__connector = {.name = "castor", .poll = rehearsal__poll, .send = rehearsal__send};

// What is noted.

static inline Note *rehearsal__note(Rehearsal *rehearsal, uint32_t twin, VerdictKind kind, const char *text)
{
    ck_assert_uint_lt(rehearsal->note_count, REHEARSAL_NOTES);
    Note *note = &rehearsal->notes[rehearsal->note_count++];
    *note = (Note){.at = rehearsal_seconds(rehearsal), .twin = rehearsal->app->plant->twins[twin].name, .kind = kind};
    snprintf(note->text, sizeof note->text, "%s", text);
    return note;
}

static inline void rehearsal__watch_verdicts(Rehearsal *rehearsal)
{
    for (uint32_t twin = 0; twin < rehearsal->app->plant->twin_count; twin++) {
        const Verdict *verdict = sync_verdict(rehearsal->app->sync, twin);
        if (verdict->kind != VERDICT_NONE && verdict->kind != rehearsal->verdicts[twin])
            rehearsal__note(rehearsal, twin, verdict->kind, verdict->text);
        rehearsal->verdicts[twin] = verdict->kind;
    }
}

static inline void rehearsal__watch_innovations(Rehearsal *rehearsal, Batch batch)
{
    const Plant *plant = rehearsal->app->plant;
    for (size_t i = 0; i < batch.count; i++) {
        const Place place = plant_place(plant, batch.items[i].sample.tag);
        const Model *model = plant_model(plant, place.twin);
        double innovation, sd;
        for (uint16_t s = 0; s < model->sensor_count; s++)
            if (model->sensors[s].channel == place.channel && !sync_is_settling(rehearsal->app->sync, place.twin) &&
                sync_innovation(rehearsal->app->sync, place.twin, s, &innovation, &sd)) {
                rehearsal->nis += innovation * innovation / (sd * sd);
                rehearsal->nis_count++;
            }
    }
}

static inline void rehearsal__ticked(void *self, const App *app, Batch batch)
{
    Rehearsal *rehearsal = self;
    rehearsal->app = (App *)app;
    rehearsal__watch_verdicts(rehearsal);
    rehearsal__watch_innovations(rehearsal, batch);
}

/* The alarms of the models' limits; app_poll settles what changed, so new ones are found by their ids. */
static inline void rehearsal__watch_alarms(Rehearsal *rehearsal, uint64_t *newest)
{
    size_t count;
    const Alarm *alarms = alarms_list(rehearsal->app->alarms, &count);
    for (size_t i = 0; i < count; i++) {
        if (alarms[i].id <= *newest)
            continue;
        *newest = alarms[i].id;
        if (strcmp(alarms[i].name, "divergence") != 0)
            rehearsal__note(rehearsal, alarms[i].twin, VERDICT_NONE, alarms[i].name);
    }
}

// The run.

static inline void rehearsal_open(Rehearsal *rehearsal, const char *plant, uint64_t seed, bool faults)
{
    ErrText why = {""};
    *rehearsal = (Rehearsal){.begin = INT64_C(1700006400) * NS_PER_S};
    ck_assert_msg(castor_create(plant, seed, faults, &rehearsal->castor, &why) == ERR_OK, "%s", why.text);
    const AppDef def = {.plant = plant, .speed = INFINITY, .quiet = true, .ticked = rehearsal__ticked, .self = rehearsal};
    ck_assert_msg(app_create(&def, &rehearsal->app, &why) == ERR_OK, "%s", why.text);
    rehearsal->verdicts = mem_alloc(rehearsal->app->plant->twin_count * sizeof *rehearsal->verdicts);
    ck_assert_ptr_nonnull(rehearsal->verdicts);
    ck_assert_int_eq(app_add_connector(rehearsal->app, (Connector){&rehearsal__connector, rehearsal}), ERR_OK);
    castor_begin(rehearsal->castor, rehearsal->begin);
}

static inline void rehearsal_close(Rehearsal *rehearsal)
{
    mem_free(rehearsal->verdicts);
    app_destroy(rehearsal->app);
    castor_destroy(rehearsal->castor);
}

/* Let Castor go on until `seconds` since the start; Pollux follows every step. */
static inline void rehearsal_run(Rehearsal *rehearsal, double seconds)
{
    ErrText why = {""};
    uint64_t newest = 0;
    for (size_t count = 0, i = (alarms_list(rehearsal->app->alarms, &count), 0); i < count; i++)
        newest = alarms_list(rehearsal->app->alarms, &count)[i].id;
    while (rehearsal_seconds(rehearsal) < seconds) {
        ck_assert_msg(castor_step(rehearsal->castor, &why) == ERR_OK, "%s", why.text);
        rehearsal->samples = castor_samples(rehearsal->castor, &rehearsal->count);
        rehearsal->next = 0;
        do
            app_poll(rehearsal->app);
        while (rehearsal->next < rehearsal->count || rehearsal->outcome_count);
        rehearsal__watch_alarms(rehearsal, &newest);
        if (rehearsal->stepped)
            rehearsal->stepped(rehearsal);
    }
}

// What is expected of it.

/* No verdict, no alarm, nobody in quarantine, no handler that failed. */
static inline void rehearsal_expect_quiet(const Rehearsal *rehearsal)
{
    const Note *first = &rehearsal->notes[0];
    ck_assert_msg(rehearsal->note_count == 0, "after %g s %s: %s", first->at, first->twin, first->text);
    ck_assert_uint_eq(plant_quarantined(rehearsal->app->plant), 0);
    ck_assert_uint_eq(alarms_handler_errors(rehearsal->app->alarms), 0);
    ck_assert_uint_gt(rehearsal->nis_count, 1000);
}

/* One fault of a plant's story. */
typedef struct Chapter {
    const char *twin;
    double at, within;  // s
    VerdictKind kind;   // VERDICT_NONE: any
    const char *word;   // that the verdict's text must have
} Chapter;

static inline void rehearsal_expect_chapter(const Rehearsal *rehearsal, const Chapter *chapter)
{
    for (size_t i = 0; i < rehearsal->note_count; i++) {
        const Note *note = &rehearsal->notes[i];
        const bool in_time = note->at > chapter->at && note->at <= chapter->at + chapter->within;
        const bool named = note->kind != VERDICT_NONE && (chapter->kind == VERDICT_NONE || note->kind == chapter->kind) && strstr(note->text, chapter->word);
        if (in_time && named && strcmp(note->twin, chapter->twin) == 0)
            return;
    }
    ck_abort_msg("%s: nothing like \"%s\" within %g s from %g s on", chapter->twin, chapter->word, chapter->within, chapter->at);
}

/* That a command with this value, in the actuator's unit, was obeyed between two times. */
static inline void rehearsal_expect_command(const Rehearsal *rehearsal, const char *actuator, double value, double from, double until)
{
    for (size_t i = 0; i < rehearsal->command_count; i++) {
        const Tag tag = tags_get(rehearsal->app->plant->tags, rehearsal->commands[i].wish.tag);
        const TagName name = tags_name(rehearsal->app->plant->tags, rehearsal->commands[i].wish.tag);
        const bool in_time = rehearsal->command_at[i] >= from && rehearsal->command_at[i] <= until;
        if (in_time && strcmp(name.text, actuator) == 0 && fabs(unit_from_si(tag.unit, rehearsal->commands[i].wish.value) - value) < 1e-6)
            return;
    }
    ck_abort_msg("no command %s = %g between %g and %g s", actuator, value, from, until);
}
