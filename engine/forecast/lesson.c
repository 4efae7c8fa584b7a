#include "forecast/lesson.h"

#include <math.h>

static double between(const double *leads, const double *values, size_t count, double at_0, double lead)
{
    double from = 0, before = at_0;
    for (size_t i = 0; i < count; i++) {
        if (lead < leads[i])
            return before + (values[i] - before) * (lead - from) / (leads[i] - from);
        from = leads[i];
        before = values[i];
    }
    return before;
}

Correction lesson_correct(const Lesson *lesson, double lead, double sd)
{
    if (!(sd > 0) || !isfinite(sd))
        return (Correction){0, 1};
    const double noise = lesson->noise * lesson->noise, read = sd * sd + noise;  // variance of what the sensor reads
    const double bias = between(lesson->leads, lesson->bias, lesson->lead_count, 0, lead);
    const double variance = between(lesson->leads, lesson->variance, lesson->lead_count, 1, lead);

    // of the spread that the readings have, the sensor's own part stays
    const double left = (variance * read - noise) / (sd * sd);
    return (Correction){bias * sqrt(read), sqrt(fmax(left, 0))};
}
