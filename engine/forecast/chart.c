/* chart.c -- a fan chart as SVG: one panel per tag below the other, one colour per case. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "forecast/report.h"

enum { WIDTH = 900, PANEL = 260, LEFT = 76, RIGHT = 150, TOP = 76, GAP = 52, TICKS = 6 };

static const char *const colours[SCENARIO_CASES_MAX] = {"#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#0a7f8a", "#bf3989", "#57606a"};

/* One panel: what of the plane of seconds and values it shows, and where. */
typedef struct Panel {
    const Forecast *forecast;
    Text *out;
    size_t row;
    TagId tag;
    double top;        // px
    double from, to;   // s
    double low, high;  // in the unit of the tag
} Panel;

static double x_of(const Panel *panel, double seconds)
{
    return LEFT + (seconds - panel->from) / (panel->to - panel->from) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const Panel *panel, double value)
{
    return panel->top + PANEL - (value - panel->low) / (panel->high - panel->low) * PANEL;
}

/* Text of people, in a document of marks. */
static void put_escaped(Text *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<' || *text == '&' || *text == '>')
            text_put(out, *text == '<' ? "&lt;" : *text == '&' ? "&amp;" : "&gt;");
        else
            text_add(out, text, 1);
    }
}

static void put_text(Text *out, double x, double y, const char *how, const char *text)
{
    text_format(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, how);
    put_escaped(out, text);
    text_put(out, "</text>\n");
}

// --- axes ----------------------------------------------------------------------------------------------------------

/* A step of 1, 2 or 5 times a power of ten, so that `span` has about as many as there should be. */
static double nice_step(double span)
{
    const double rough = span / TICKS, power = pow(10, floor(log10(rough))), digit = rough / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

/* Seconds as people count them. */
typedef struct TimeUnit {
    const char *name;
    double seconds;
} TimeUnit;

static TimeUnit time_unit(double horizon)
{
    static const TimeUnit units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (horizon >= 3 * units[i].seconds)
            return units[i];
    return (TimeUnit){"s", 1};
}

static void include(Panel *panel, double value)
{
    if (!isfinite(value))
        return;
    panel->low = fmin(panel->low, value);
    panel->high = fmax(panel->high, value);
}

static const ForecastSeries *series_of(const Panel *panel, size_t index)
{
    return &panel->forecast->cases[index].series[panel->row];
}

/* All that is drawn, and a little room. */
static void find_range(Panel *panel)
{
    const Forecast *forecast = panel->forecast;
    panel->low = DBL_MAX, panel->high = -DBL_MAX;
    for (size_t c = 0; c < forecast->case_count; c++) {
        const ForecastSeries *series = series_of(panel, c);
        for (size_t i = 0; i < forecast->time_count * forecast->quantile_count; i++)
            include(panel, forecast_shown(forecast, panel->tag, series->quantiles[i]));
        for (size_t i = 0; i < forecast->time_count; i++)
            include(panel, forecast_shown(forecast, panel->tag, series->mean[i]));
    }
    if (panel->low > panel->high)
        panel->low = 0, panel->high = 1;
    const double size = fmax(fabs(panel->low), fabs(panel->high)), room = fmax(0.06 * (panel->high - panel->low), 1e-6 * size + DBL_MIN);
    panel->low -= room;
    panel->high += room;
}

static void put_axes(const Panel *panel)
{
    Text *out = panel->out;
    char number[48];
    const double bottom = panel->top + PANEL, right = WIDTH - RIGHT;
    const double step = nice_step(panel->high - panel->low);
    for (double k = ceil(panel->low / step); k * step <= panel->high; k++) {
        const double y = y_of(panel, k * step);
        text_format(out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>\n", LEFT, y, right, y);
        snprintf(number, sizeof number, "%.6g", k == 0 ? 0.0 : k * step);
        put_text(out, LEFT - 8, y + 4, "text-anchor=\"end\"", number);
    }

    const TimeUnit unit = time_unit(panel->to);
    const double stride = nice_step((panel->to - panel->from) / unit.seconds);
    for (double k = ceil(panel->from / unit.seconds / stride); k * stride * unit.seconds <= panel->to * (1 + 1e-12); k++) {
        const double x = x_of(panel, k * stride * unit.seconds);
        text_format(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>\n", x, panel->top, x, bottom);
        snprintf(number, sizeof number, "%.6g", k * stride);
        put_text(out, x, bottom + 17, "text-anchor=\"middle\"", number);
    }
    snprintf(number, sizeof number, "%s", unit.name);
    put_text(out, right + 20, bottom + 17, "", number);
    text_format(out, "<path d=\"M%d %.1fV%.1fH%.1f\" class=\"axis\"/>\n", LEFT, panel->top, bottom, right);
}

// --- what is drawn -------------------------------------------------------------------------------------------------

/* The points of a line, forwards or backwards; times without a value are left out. */
static void put_points(const Panel *panel, const double *values, bool backwards, bool *begun)
{
    const Forecast *forecast = panel->forecast;
    for (size_t i = 0; i < forecast->time_count; i++) {
        const size_t time = backwards ? forecast->time_count - 1 - i : i;
        if (!isfinite(values[time]))
            continue;
        text_format(panel->out, "%s%.1f %.1f", *begun ? "L" : "M", x_of(panel, forecast->times[time]),
                    y_of(panel, forecast_shown(forecast, panel->tag, values[time])));
        *begun = true;
    }
}

static void put_line(const Panel *panel, const double *values, const char *colour, const char *how)
{
    bool begun = false;
    text_put(panel->out, "<path d=\"");
    put_points(panel, values, false, &begun);
    text_format(panel->out, "\" fill=\"none\" stroke=\"%s\" %s/>\n", colour, how);
}

static void put_band(const Panel *panel, const double *low, const double *high, const char *colour)
{
    bool begun = false;
    text_put(panel->out, "<path d=\"");
    put_points(panel, low, false, &begun);
    put_points(panel, high, true, &begun);
    text_format(panel->out, "%s\" fill=\"%s\" fill-opacity=\"0.16\"/>\n", begun ? "Z" : "", colour);
}

/* The outermost quantiles are a band, the next ones another on it, and one in the middle is a line. */
static void put_case(const Panel *panel, size_t index)
{
    const Forecast *forecast = panel->forecast;
    const ForecastSeries *series = series_of(panel, index);
    const size_t times = forecast->time_count, count = forecast->quantile_count;
    for (size_t i = 0; i < count / 2; i++)
        put_band(panel, &series->quantiles[i * times], &series->quantiles[(count - 1 - i) * times], colours[index]);
    for (size_t i = 0; i < forecast->path_count; i++)
        put_line(panel, &series->paths[i * times], colours[index], "stroke-width=\"0.7\" stroke-opacity=\"0.6\"");
    put_line(panel, count % 2 ? &series->quantiles[count / 2 * times] : series->mean, colours[index], "stroke-width=\"2\"");
}

/* Limits of the alarms that watch this tag, where they can be seen. */
static void put_limits(const Panel *panel)
{
    const Forecast *forecast = panel->forecast;
    for (size_t i = 0; i < forecast->limit_count; i++) {
        const ForecastLimit *limit = &forecast->cases[0].limits[i];
        const double value = forecast_shown(forecast, limit->tag, limit->alarm->limit);
        if (limit->tag != panel->tag || !(value >= panel->low && value <= panel->high))
            continue;
        const double y = y_of(panel, value);
        text_format(panel->out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" class=\"limit\"/>\n", LEFT, y, WIDTH - RIGHT, y);
        put_text(panel->out, WIDTH - RIGHT + 8, y + 4, "class=\"limit\"", limit->alarm->name);
    }
}

static void put_panel(Panel *panel)
{
    const TagName name = tags_name(panel->forecast->plant->tags, panel->tag);
    const char *unit = forecast_unit(panel->forecast, panel->tag);
    char title[TAG_NAME_ROOM + 80];
    snprintf(title, sizeof title, *unit ? "%s, %s" : "%s", name.text, unit);
    find_range(panel);
    put_axes(panel);
    put_text(panel->out, LEFT, panel->top - 10, "class=\"title\"", title);
    for (size_t i = 0; i < panel->forecast->case_count; i++)
        put_case(panel, i);
    put_limits(panel);
}

static void put_legend(const Forecast *forecast, Text *out)
{
    for (size_t i = 0; i < forecast->case_count && forecast->case_count > 1; i++) {
        const double x = 12 + (WIDTH - 24.0) / (double)forecast->case_count * (double)i;
        text_format(out, "<rect x=\"%.1f\" y=\"34\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", x, colours[i]);
        put_text(out, x + 17, 44, "", forecast->cases[i].name);
    }
}

static void put_heading(const Forecast *forecast, Text *out)
{
    Text heading = {0};
    char time[32] = "its start";
    if (forecast->time != TIME_NONE)
        time_format(forecast->time, time);
    text_format(&heading, "%s: %s, from %s, %u members; bands:", forecast->plant->name, forecast->name, time, forecast->members);
    for (size_t i = 0; i < forecast->quantile_count / 2; i++)
        text_format(&heading, "%s %g to %g %%", i ? "," : "", 100 * forecast->quantiles[i], 100 * forecast->quantiles[forecast->quantile_count - 1 - i]);
    put_text(out, 12, 22, "class=\"heading\"", heading.failed ? "" : heading.bytes);
    text_fini(&heading);
}

void forecast_svg(const Forecast *forecast, Text *out)
{
    const size_t height = TOP + forecast->series_count * (PANEL + GAP);
    text_format(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" viewBox=\"0 0 %d %zu\" ", WIDTH, height, WIDTH, height);
    text_put(out, "font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#24292f\">\n"
                  "<style>.grid{stroke:#d8dee4;stroke-width:0.6}.axis{stroke:#57606a;fill:none}.title{font-weight:600;font-size:13px}.heading{font-size:13px}"
                  "line.limit{stroke:#cf222e;stroke-dasharray:6 4}text.limit{fill:#cf222e}</style>\n"
                  "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    put_heading(forecast, out);
    const double last = forecast->time_count ? forecast->times[forecast->time_count - 1] : 0;
    for (size_t i = 0; i < forecast->series_count; i++) {
        Panel panel = {.forecast = forecast,
                       .out = out,
                       .row = i,
                       .tag = forecast->cases[0].series[i].tag,
                       .top = TOP + (double)i * (PANEL + GAP),
                       .from = 0,
                       .to = last > 0 ? last : 1};
        put_panel(&panel);
    }
    put_legend(forecast, out);
    text_put(out, "</svg>\n");
}
