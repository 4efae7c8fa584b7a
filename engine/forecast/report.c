#include "forecast/report.h"

#include <math.h>

static const Unit *unit_of(const Forecast *forecast, TagId tag)
{
    return tags_get(forecast->plant->tags, tag).unit;
}

double forecast_shown(const Forecast *forecast, TagId tag, double si)
{
    return unit_from_si(unit_of(forecast, tag), si);
}

double forecast_shown_difference(const Forecast *forecast, TagId tag, double si)
{
    return unit_scale_from_si(unit_of(forecast, tag), si);
}

const char *forecast_unit(const Forecast *forecast, TagId tag)
{
    const Unit *unit = unit_of(forecast, tag);
    return unit == unit_one() ? "" : unit_name(unit);
}

// --- JSON ----------------------------------------------------------------------------------------------------------

typedef double Shown(const Forecast *forecast, TagId tag, double si);

static double as_it_is(const Forecast *forecast, TagId tag, double si)
{
    (void)forecast, (void)tag;
    return si;
}

static void put_key(Text *out, const char *key)
{
    text_put(out, ",");
    text_json_string(out, key);
    text_put(out, ":");
}

static void put_list(Text *out, const Forecast *forecast, TagId tag, const double *values, size_t count, Shown *shown)
{
    text_put(out, "[");
    for (size_t i = 0; i < count; i++) {
        text_put(out, i ? "," : "");
        text_json_number(out, shown(forecast, tag, values[i]));
    }
    text_put(out, "]");
}

/* Lines of values, a list of lists. */
static void put_lines(Text *out, const Forecast *forecast, TagId tag, const double *values, size_t lines)
{
    text_put(out, "[");
    for (size_t i = 0; i < lines; i++) {
        text_put(out, i ? "," : "");
        put_list(out, forecast, tag, &values[i * forecast->time_count], forecast->time_count, forecast_shown);
    }
    text_put(out, "]");
}

static void put_series(Text *out, const Forecast *forecast, const ForecastSeries *series)
{
    const TagName name = tags_name(forecast->plant->tags, series->tag);
    text_put(out, "{\"tag\":");
    text_json_string(out, name.text);
    put_key(out, "unit"), text_json_string(out, forecast_unit(forecast, series->tag));
    put_key(out, "corrected"), text_put(out, series->corrected ? "true" : "false");
    put_key(out, "mean"), put_list(out, forecast, series->tag, series->mean, forecast->time_count, forecast_shown);
    put_key(out, "sd"), put_list(out, forecast, series->tag, series->sd, forecast->time_count, forecast_shown_difference);
    put_key(out, "quantiles"), put_lines(out, forecast, series->tag, series->quantiles, forecast->quantile_count);
    if (forecast->path_count)
        put_key(out, "paths"), put_lines(out, forecast, series->tag, series->paths, forecast->path_count);
    if (series->difference) {
        put_key(out, "difference"), put_list(out, forecast, series->tag, series->difference, forecast->time_count, forecast_shown_difference);
        put_key(out, "difference_se"), put_list(out, forecast, series->tag, series->difference_se, forecast->time_count, forecast_shown_difference);
    }
    text_put(out, "}");
}

static void put_number(Text *out, const char *key, double value)
{
    put_key(out, key);
    text_json_number(out, value);
}

static void put_limit(Text *out, const Forecast *forecast, const ForecastLimit *limit, bool compares)
{
    const TagName name = tags_name(forecast->plant->tags, limit->tag);
    text_put(out, "{\"alarm\":");
    text_json_string(out, limit->alarm->name);
    put_key(out, "twin"), text_json_string(out, forecast->plant->twins[limit->twin].name);
    put_key(out, "tag"), text_json_string(out, name.text);
    put_key(out, "side"), text_json_string(out, limit->alarm->side == LIMIT_HIGH ? "high" : "low");
    put_number(out, "limit", forecast_shown(forecast, limit->tag, limit->alarm->limit));
    put_key(out, "unit"), text_json_string(out, forecast_unit(forecast, limit->tag));
    put_key(out, "severity"), text_json_string(out, severity_name(limit->alarm->severity));
    put_number(out, "probability", limit->passed.share);
    put_number(out, "probability_low", limit->passed.low);
    put_number(out, "probability_high", limit->passed.high);
    put_key(out, "times"), put_list(out, forecast, limit->tag, limit->times, forecast->quantile_count, as_it_is);
    if (compares) {
        put_number(out, "difference", limit->difference);
        put_number(out, "difference_se", limit->difference_se);
    }
    text_put(out, "}");
}

static void put_cost(Text *out, const Forecast *forecast, const ForecastCost *cost, bool compares)
{
    const Unit *unit = forecast->cost_unit;
    text_put(out, ",\"cost\":{\"unit\":");
    text_json_string(out, unit_name(unit));
    put_number(out, "mean", unit_from_si(unit, cost->mean));
    put_number(out, "sd", unit_scale_from_si(unit, cost->sd));
    text_put(out, ",\"quantiles\":[");
    for (size_t i = 0; i < forecast->quantile_count; i++) {
        text_put(out, i ? "," : "");
        text_json_number(out, unit_from_si(unit, cost->quantiles[i]));
    }
    text_put(out, "]");
    if (compares) {
        put_number(out, "difference", unit_scale_from_si(unit, cost->difference));
        put_number(out, "difference_se", unit_scale_from_si(unit, cost->difference_se));
    }
    text_put(out, "}");
}

static void put_case(Text *out, const Forecast *forecast, size_t index)
{
    const ForecastCase *what = &forecast->cases[index];
    text_put(out, index ? ",{\"name\":" : "{\"name\":");
    text_json_string(out, what->name);
    put_key(out, "doc"), text_json_string(out, what->doc);
    put_key(out, "control"), text_json_string(out, what->plant.control ? "plant" : what->control ? "scenario" : "none");
    put_key(out, "handlers"), text_put(out, what->plant.handlers ? "true" : "false");
    put_number(out, "lost", (double)what->lost);
    if (forecast->cost_unit)
        put_cost(out, forecast, &what->cost, index > 0);
    text_put(out, ",\"series\":[");
    for (size_t i = 0; i < forecast->series_count; i++)
        text_put(out, i ? "," : ""), put_series(out, forecast, &what->series[i]);
    text_put(out, "],\"limits\":[");
    for (size_t i = 0; i < forecast->limit_count; i++)
        text_put(out, i ? "," : ""), put_limit(out, forecast, &what->limits[i], index > 0);
    text_put(out, "]}");
}

static double percent(const Forecast *forecast, TagId tag, double share)
{
    (void)forecast, (void)tag;
    return round(share * 1e10) * 1e-8;
}

void forecast_json(const Forecast *forecast, Text *out)
{
    char time[32] = "";
    text_put(out, "{\"scenario\":");
    text_json_string(out, forecast->name);
    put_key(out, "doc"), text_json_string(out, forecast->doc);
    put_key(out, "plant"), text_json_string(out, forecast->plant->name);
    put_key(out, "time");
    if (forecast->time == TIME_NONE)
        text_put(out, "null");
    else
        time_format(forecast->time, time), text_json_string(out, time);
    put_number(out, "members", forecast->members);
    put_number(out, "seed", (double)forecast->seed);
    put_key(out, "times"), put_list(out, forecast, 0, forecast->times, forecast->time_count, as_it_is);
    put_key(out, "quantiles"), put_list(out, forecast, 0, forecast->quantiles, forecast->quantile_count, percent);
    text_put(out, ",\"cases\":[");
    for (size_t i = 0; i < forecast->case_count; i++)
        put_case(out, forecast, i);
    text_put(out, "]}\n");
}

static void put_value(Text *out, const Search *search, size_t index)
{
    const Choice *choice = &search->scenario->aim->choices[index];
    const Forecast *forecast = search->forecast;
    const TagName name = tags_name(forecast->plant->tags, choice->tag);
    text_put(out, index ? ",{\"tag\":" : "{\"tag\":");
    text_json_string(out, name.text);
    put_key(out, "unit"), text_json_string(out, forecast_unit(forecast, choice->tag));
    put_number(out, "value", forecast_shown(forecast, choice->tag, search->values[index]));
    put_number(out, "min", forecast_shown(forecast, choice->tag, choice->min));
    put_number(out, "max", forecast_shown(forecast, choice->tag, choice->max));
    text_put(out, "}");
}

static void put_allowance(Text *out, const Search *search, size_t index)
{
    const Allowance *allowance = &search->scenario->aim->allowances[index];
    text_put(out, index ? ",{\"twin\":" : "{\"twin\":");
    text_json_string(out, search->forecast->plant->twins[allowance->twin].name);
    put_key(out, "alarm"), text_json_string(out, allowance->alarm->name);
    put_number(out, "probability_max", allowance->share);
    text_put(out, "}");
}

void search_json(const Search *search, Text *out)
{
    const Aim *aim = search->scenario->aim;
    text_put(out, "{\"optimum\":{\"values\":[");
    for (size_t i = 0; i < aim->choice_count; i++)
        put_value(out, search, i);
    text_put(out, "],\"limits\":[");
    for (size_t i = 0; i < aim->allowance_count; i++)
        put_allowance(out, search, i);
    text_put(out, "]");
    put_key(out, "unit"), text_json_string(out, unit_name(search->scenario->cost.unit));
    put_number(out, "cost", unit_from_si(search->scenario->cost.unit, search->cost));
    put_key(out, "keeps_limits"), text_put(out, search->excess > 0 ? "false" : "true");
    put_key(out, "stopped"), text_put(out, search->stopped ? "true" : "false");
    put_number(out, "forecasts", search->forecasts);
    text_put(out, "}");
    put_key(out, "forecast");
    forecast_json(search->forecast, out);
    text_put(out, "}\n");
}

// --- CSV -----------------------------------------------------------------------------------------------------------

/* A number, or nothing where there is none. */
static void put_cell(Text *out, double value)
{
    char number[32];
    text_put(out, ",");
    if (isfinite(value))
        text_add(out, number, (size_t)number_format(value, number));
}

/* As CSV quotes: names of cases are free text. */
static void put_text_cell(Text *out, const char *text)
{
    text_put(out, "\"");
    for (; *text; text++)
        text_add(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    text_put(out, "\"");
}

static void put_row(Text *out, const Forecast *forecast, const ForecastCase *what, const ForecastSeries *series, size_t time)
{
    const TagName name = tags_name(forecast->plant->tags, series->tag);
    put_text_cell(out, what->name);
    text_format(out, ",%s,%s", name.text, forecast_unit(forecast, series->tag));
    put_cell(out, forecast->times[time]);
    put_cell(out, forecast_shown(forecast, series->tag, series->mean[time]));
    put_cell(out, forecast_shown_difference(forecast, series->tag, series->sd[time]));
    for (size_t i = 0; i < forecast->quantile_count; i++)
        put_cell(out, forecast_shown(forecast, series->tag, series->quantiles[i * forecast->time_count + time]));
    put_cell(out, series->difference ? forecast_shown_difference(forecast, series->tag, series->difference[time]) : NAN);
    put_cell(out, series->difference ? forecast_shown_difference(forecast, series->tag, series->difference_se[time]) : NAN);
    text_put(out, "\n");
}

void forecast_csv(const Forecast *forecast, Text *out)
{
    text_put(out, "case,tag,unit,seconds,mean,sd");
    for (size_t i = 0; i < forecast->quantile_count; i++)
        text_format(out, ",q%g", percent(forecast, 0, forecast->quantiles[i]));
    text_put(out, ",difference,difference_se\n");
    for (size_t c = 0; c < forecast->case_count; c++)
        for (size_t s = 0; s < forecast->series_count; s++)
            for (size_t time = 0; time < forecast->time_count; time++)
                put_row(out, forecast, &forecast->cases[c], &forecast->cases[c].series[s], time);
}
