/* emulated.h -- recordings of Castor: a twin of a model of the library whose true parameters are known.
 *
 * His states and tracked parameters start where the twin's own uncertainty allows, drawn from it, and states move with the noise that the model claims. */
#pragma once

#include "fit/fit.h"
#include "plant/castor.h"
#include "twins/bench.h"

enum { STREAM_START = 1 << 30, STREAM_TRUTH = 1 << 29 };  // of random numbers, beside Castor's own
#define EMULATED_BEGIN (1700006400 * NS_PER_S)             // a midnight: a tick begins then, whatever the step

typedef struct Recording {
    Sample *samples;
    size_t count;
} Recording;

/* A parameter of the truth, SI. */
typedef struct Truth {
    const char *name;
    double value;
} Truth;

static inline void recording_add(Recording *recording, const Sample *samples, size_t count)
{
    recording->samples = mem_grow(recording->samples, recording->count * sizeof *samples, (recording->count + count) * sizeof *samples);
    ck_assert_ptr_nonnull(recording->samples);
    memcpy(recording->samples + recording->count, samples, count * sizeof *samples);
    recording->count += count;
}

/// What the sensors of the script's plant say in `steps` steps, the first twin's parameters being those of `truth`.
static inline Recording record(const char *script, uint64_t seed, bool noisy_start, const Truth *truth, size_t truths, int steps)
{
    Castor *castor;
    ErrText why = {0};
    Recording recording = {0};
    ck_assert_msg(castor_create(script, seed, false, &castor, &why) == ERR_OK, "%s", why.text);
    castor_begin(castor, EMULATED_BEGIN);
    Plant *plant = (Plant *)castor_plant(castor);
    const Model *model = plant_model(plant, 0);
    for (uint16_t i = 0; i < model->state_count && noisy_start; i++) {
        const Channel *channel = &model->channels[i];
        const double start = channel->initial + channel->initial_sd * random_normal(seed, STREAM_START + i, 0);
        *plant_cell(plant, 0, channel->column) = fmin(fmax(start, channel->min), channel->max);
    }
    for (size_t i = 0; i < truths; i++)
        *plant_cell(plant, 0, model->channels[model_find(model, truth[i].name)].column) = truth[i].value;
    plant_prepare(plant);
    plant_start(plant);
    for (int k = 0; k < steps; k++) {
        ck_assert_msg(castor_step(castor, &why) == ERR_OK, "%s", why.text);
        size_t count;
        const Sample *samples = castor_samples(castor, &count);
        recording_add(&recording, samples, count);
    }
    castor_destroy(castor);
    return recording;
}

static inline Plant *open_plant(const char *script, size_t threads)
{
    Plant *plant;
    ErrText why = {0};
    ck_assert_msg(plant_load(script, threads, &plant, &why) == ERR_OK, "%s", why.text);
    return plant;
}
