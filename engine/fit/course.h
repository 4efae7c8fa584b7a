/* course.h -- twins followed along recordings, with the derivatives of how likely that makes them.
 *
 * Private to this folder. A lane is a point and a direction: the lanes of a block hold one twin with the values of some points, and for each point
 * the tangents by all unknowns that matter to it. So one run along a recording gives the likelihood at many points, with gradient and information. Twins that
 * are connected are followed together; the others, the recordings, and further points are work that threads share.
 *
 * Takes: unknowns, recordings.  Gives: Likelihoods, in SI. */
#pragma once

#include "fit/fit.h"

typedef struct Course Course;

typedef struct CourseDef {
    Plant *plant;
    const FitTape *tapes;
    size_t tape_count;
    const FitUnknown *unknowns;
    size_t unknown_count;
    FitError error;
    bool values_only;          // without derivatives
    bool scripted_start;       // recordings begin as the script says, as uncertain as that is, whatever unknowns say of their starts
    const atomic_int *stop;  // may be NULL
} CourseDef;

Err course_create(const CourseDef *def, Course **out, ErrText *why);
void course_destroy(Course *course);
/// The likelihood at `count` points of unknown_count values each. ERR_CLOSED when it was stopped.
Err course_look(Course *course, const double *points, size_t count, Likelihood *out, ErrText *why);
/// How far sensors were off at the first of those points: course_sensor_count(plant) of them, to `sensors`. Returns the number of samples.
size_t course_errors(const Course *course, FitSensor *sensors);
/// By which factor the variance of the first of those points exceeds what its information says: the mean square of normalised errors times 1 + 2 times the
/// sum of their autocorrelations, taken as long as they are positive (Geyer, Practical Markov chain Monte Carlo, Statistical Science 7, 1992, 3.3). Errors of a
/// filter that fits are white, and it is 1; those of a simulation are not (Ljung 1999, 9.3). 1 too where what was found may be chance.
double course_excess(const Course *course);
/// The sensors of all models of the plant.
size_t course_sensor_count(const Plant *plant);
