#include "viewer/beside.h"

#include <math.h>
#include <stdio.h>

enum { ANSWERS = 64 };  // to commands, that wait to be polled

struct Beside {
    BesideDef def;
    Castor *castor;
    const Sample *samples;     // of the last step, those behind `told` not told yet
    size_t count, told;
    bool joined, timed;        // he is known to be there; the time of the last step has been told
    int64_t paced_from;        // elapsed time at which the pace began, TIME_NONE before
    int64_t paced_plant;       // and the plant time then
    Arrival answers[ANSWERS];
    size_t answer_count;
    ErrText why;
    bool failed;
    ConnectorStats stats;
};

Err beside_create(const BesideDef *def, Beside **out, ErrText *why)
{
    Beside *beside = mem_alloc(sizeof *beside);
    *out = NULL;
    if (!beside)
        return err_set(why, ERR_MEMORY, "no memory for an emulated plant");
    *beside = (Beside){.def = *def, .timed = true, .paced_from = TIME_NONE};
    Err err = castor_create(def->plant, def->seed, !def->no_faults, &beside->castor, why);
    for (size_t i = 0; i < def->fault_count && !err; i++)
        err = castor_add_fault(beside->castor, def->faults[i], why);
    if (err) {
        beside_destroy(beside);
        return err;
    }
    castor_begin(beside->castor, def->begin);
    *out = beside;
    return ERR_OK;
}

void beside_destroy(Beside *beside)
{
    if (!beside)
        return;
    castor_destroy(beside->castor);
    mem_free(beside);
}

const char *beside_failure(const Beside *beside)
{
    return beside->failed ? beside->why.text : NULL;
}

/* Whether the next step has come. */
static bool is_due(Beside *beside)
{
    const int64_t time = castor_time(beside->castor), elapsed = clock_system.elapsed_ns(clock_system.self);
    if (beside->failed || (double)(time - beside->def.begin) < beside->def.hurry * (double)NS_PER_S)
        return !beside->failed;
    if (beside->paced_from == TIME_NONE) {
        beside->paced_from = elapsed;
        beside->paced_plant = time;
    }
    const int64_t next = time + castor_plant(beside->castor)->step_ns;
    return isinf(beside->def.speed) || (double)(elapsed - beside->paced_from) * beside->def.speed >= (double)(next - beside->paced_plant);
}

static void step(Beside *beside)
{
    beside->failed = castor_step(beside->castor, &beside->why) != ERR_OK;
    beside->samples = castor_samples(beside->castor, &beside->count);
    beside->told = 0;
    beside->timed = false;
}

static size_t take_answers(Beside *beside, Arrival *out, size_t room)
{
    size_t count = 0;
    while (count < room && count < beside->answer_count) {
        out[count] = beside->answers[count];
        count++;
    }
    for (size_t i = count; i < beside->answer_count; i++)
        beside->answers[i - count] = beside->answers[i];
    beside->answer_count -= count;
    return count;
}

static size_t poll_beside(void *self, Arrival *out, size_t room)
{
    Beside *beside = self;
    size_t count = 0;
    if (!beside->joined) {
        out[count] = (Arrival){.kind = ARRIVAL_JOINED};
        snprintf(out[count++].text, sizeof out->text, "emulated plant");
        beside->joined = true;
    }
    count += take_answers(beside, out + count, room - count);

    // one step at a time: the twins follow it before the next
    if (beside->timed && count < room && is_due(beside))
        step(beside);
    for (; count < room && beside->told < beside->count; beside->told++)
        out[count++] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = beside->samples[beside->told], .mark = ++beside->stats.samples};
    if (count < room && !beside->timed && beside->told == beside->count) {
        out[count++] = (Arrival){.kind = ARRIVAL_TIME, .sample.time = castor_time(beside->castor)};
        beside->timed = true;
    }
    return count;
}

static Err send_beside(void *self, const Command *command)
{
    Beside *beside = self;
    ErrText why = {""};
    if (beside->answer_count == ANSWERS)
        return ERR_FULL;
    Arrival *answer = &beside->answers[beside->answer_count++];
    *answer = (Arrival){.kind = ARRIVAL_OUTCOME, .command = command->id,
                        .done = castor_command(beside->castor, command->wish.tag, command->wish.value, &why) == ERR_OK};
    snprintf(answer->text, sizeof answer->text, "%.95s", why.text);
    return ERR_OK;
}

static ConnectorStats stats_beside(void *self)
{
    return ((const Beside *)self)->stats;
}

static void close_beside(void *self)
{
    beside_destroy(self);
}

const ConnectorType beside_connector = {.name = "emulated", .poll = poll_beside, .send = send_beside, .stats = stats_beside, .close = close_beside};
