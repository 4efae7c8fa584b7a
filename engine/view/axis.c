#include "view/axis.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static AxisMarks marks_of(double low, double high, double step)
{
    AxisMarks marks = {.step = step};
    for (double k = ceil(low / step - 1e-9); k * step <= high + step * 1e-9 && marks.count < AXIS_MARKS_MAX; k++)
        marks.at[marks.count++] = k == 0 ? 0 : k * step;
    return marks;
}

AxisMarks axis_marks(double low, double high, size_t most)
{
    assert(most >= 2 && most <= AXIS_MARKS_MAX);
    if (!isfinite(low) || !isfinite(high) || !(high > low))
        return (AxisMarks){.step = 1};
    const double rough = (high - low) / (double)most, power = pow(10, floor(log10(rough)));
    static const double factors[] = {1, 2, 5, 10};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        if (factors[i] * power >= rough * (1 - 1e-9))
            return marks_of(low, high, factors[i] * power);
    return marks_of(low, high, 10 * power);
}

AxisMarks axis_time_marks(int64_t from, int64_t to, size_t most)
{
    static const double steps[] = {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
    const double span = (double)(to - from) / 1e9;
    if (span <= 0)
        return (AxisMarks){.step = 1e9};
    double step = steps[sizeof steps / sizeof *steps - 1];
    for (size_t i = sizeof steps / sizeof *steps; i-- > 0 && span / steps[i] <= (double)most;)
        step = steps[i];
    while (span / step > (double)most)
        step *= 2;
    return marks_of((double)from, (double)to, step * 1e9);
}

/* Decimals that show multiples of `step`. */
static int decimals_of(double step)
{
    const int decimals = step > 0 && isfinite(step) ? (int)ceil(-log10(step) - 1e-9) : 0;
    return decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
}

static AxisText number_text(double value, int decimals)
{
    AxisText out;
    if (!isfinite(value))
        snprintf(out.text, sizeof out.text, "-");
    else if (fabs(value) >= 1e7)
        snprintf(out.text, sizeof out.text, "%.4g", value);
    else
        snprintf(out.text, sizeof out.text, "%.*f", decimals, value);
    // nothing is "-0.00"
    if (out.text[0] == '-' && out.text[1] && strspn(out.text + 1, "0.") == strlen(out.text + 1))
        memmove(out.text, out.text + 1, strlen(out.text));
    return out;
}

AxisText axis_number(double value, double step)
{
    return number_text(value, decimals_of(step));
}

static int decimals_of_value(double value, double sd)
{
    if (sd > 0 && isfinite(sd))
        return decimals_of(pow(10, floor(log10(sd)) - 1));
    const double size = fabs(value) > 0 && isfinite(value) ? floor(log10(fabs(value))) : 0;
    return size >= 3 ? 0 : decimals_of(pow(10, fmax(size, -6) - 3));
}

AxisText axis_value(double value, double sd)
{
    return number_text(value, decimals_of_value(value, sd));
}

AxisText axis_short(double value, double sd)
{
    const int digits = decimals_of_value(value, 0), meant = sd > 0 && isfinite(sd) ? decimals_of_value(value, sd) : digits;
    return number_text(value, digits < meant ? digits : meant);
}

AxisText axis_sd(double value, double sd)
{
    return number_text(sd, decimals_of_value(value, sd));
}

AxisText axis_time(int64_t time, bool day)
{
    AxisText out = {"-"};
    char full[32];
    if (time == TIME_NONE)
        return out;
    time_format(time - time % NS_PER_S, full);  // 2021-01-22T14:48:58Z
    if (day)
        snprintf(out.text, sizeof out.text, "%.10s %.8s", full, full + 11);
    else
        snprintf(out.text, sizeof out.text, "%.8s", full + 11);
    return out;
}

AxisText axis_span(double seconds)
{
    static const struct {
        double length;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}};
    AxisText out;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (seconds >= units[i].length) {
            const double count = seconds / units[i].length;
            snprintf(out.text, sizeof out.text, "%.*f %s", count < 10 && count != round(count), count, units[i].unit);
            return out;
        }
    snprintf(out.text, sizeof out.text, "%.*f s", seconds < 10 && seconds != round(seconds), seconds);
    return out;
}

AxisText axis_unit(const char *unit)
{
    static const struct {
        const char *from, *to;
    } signs[] = {{"^2", "²"}, {"^3", "³"}, {"degC", "°C"}, {"degF", "°F"}, {"degree", "°"}, {"ohm", "Ω"}, {"micro", "µ"}};
    AxisText out = {""};
    size_t length = 0;
    if (strcmp(unit, "1") == 0)
        return out;
    while (*unit && length + 4 < sizeof out.text) {
        const char *from = NULL, *to = NULL;
        for (size_t i = 0; i < sizeof signs / sizeof *signs && !from; i++)
            if (strncmp(unit, signs[i].from, strlen(signs[i].from)) == 0) {
                from = signs[i].from;
                to = signs[i].to;
            }
        if (from)
            length += (size_t)snprintf(out.text + length, sizeof out.text - length, "%s", to);
        else
            out.text[length++] = *unit;
        unit += from ? strlen(from) : 1;
    }
    out.text[length] = 0;
    return out;
}
