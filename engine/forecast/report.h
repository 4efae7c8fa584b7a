/* report.h -- forecasts and searches as others read them: JSON, CSV, and a picture.
 *
 * Values are in the units of their tags, times in seconds from the start of the forecast.
 *
 * Takes: a Forecast, a Search.  Gives: text.  Threads: any. */
#pragma once

#include "forecast/search.h"

/// One object; numbers that there are none of are null.
void forecast_json(const Forecast *forecast, Text *out);
/// What was found, and the forecast of it beside that of the scenario as it stands: { "optimum": { ... }, "forecast": { ... } }.
void search_json(const Search *search, Text *out);
/// A row per case, tag and time.
void forecast_csv(const Forecast *forecast, Text *out);
/// An SVG: a panel per tag with the quantiles as a fan, the median, limits, and a colour per case.
void forecast_svg(const Forecast *forecast, Text *out);

/// Between the value of a tag in SI and what people see.
double forecast_shown(const Forecast *forecast, TagId tag, double si);
double forecast_shown_difference(const Forecast *forecast, TagId tag, double si);
/// The unit of a tag, "" for plain numbers.
const char *forecast_unit(const Forecast *forecast, TagId tag);
