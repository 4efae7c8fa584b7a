/* castor.h -- Castor, the emulated plant: the mortal brother that demos and tests run against.
 *
 * Castor loads the same plant script and steps the same programs, but nothing corrects him: his states are the truth, moved by process
 * noise; his thermometers add theirs. The script's table `emulate` says in what he differs from the model (`values`), what
 * goes wrong and when (`faults`), and what the device itself does, a thermostat say (`control`). He obeys commands.
 *
 * The noise is counter-based: one seed gives one plant, whatever else happens.
 *
 * Takes: a plant script, a seed.  Gives: samples.  Memory: owns a Plant.  Threads: one. */
#pragma once

#include "plant/plant.h"

/// Something that goes wrong, and when.
typedef struct Fault {
    char name[48];
    FaultKind kind;
    TagId tag;
    double size;   // SI where it has a unit
    double at, lasts, every;  // s since Castor's start; every 0: once; lasts INFINITY: from then on
} Fault;

typedef struct Castor Castor;

/// `seed` chooses the noise. Faults of the script are in force unless `faults` is false.
Err castor_create(const char *path, uint64_t seed, bool faults, Castor **out, ErrText *why);
void castor_destroy(Castor *castor);
/// Let his time begin at `time` (plant time); before the first step.
void castor_begin(Castor *castor, int64_t time);
/// WHAT@AT[+LASTS], where WHAT is TAG:KIND[:SIZE], as in incubator.t2:bias:2@120+60 (sizes in the unit of the tag), or TWIN.FAULT, a fault that
/// the twin's model knows, as in incubator.lid@120+60. ERR_USAGE when it is not understood or cannot be, ERR_UNKNOWN when there is no such tag or fault.
Err castor_add_fault(Castor *castor, const char *text, ErrText *why);

const Plant *castor_plant(const Castor *castor);
/// Plant time: the end of the last step.
int64_t castor_time(const Castor *castor);
/// One step of the plant; what was sampled in it is left in castor_samples. ERR_SCRIPT when the script's control fails.
Err castor_step(Castor *castor, ErrText *why);
/// Samples of the last step, SI, in the order of their times.
const Sample *castor_samples(const Castor *castor, size_t *count);
/// Faults that began or ended in the last step: `began` tells which.
const Fault *castor_fault_changed(const Castor *castor, bool *began);
/// Obey: `value` in SI. ERR_UNKNOWN when the tag is no actuator, ERR_RANGE outside its limits.
Err castor_command(Castor *castor, TagId tag, double value, ErrText *why);
