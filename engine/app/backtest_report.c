/* backtest_report.c -- judged forecasts as a table for people, and as JSON. */
#include <math.h>
#include <stdio.h>

#include "app/backtest.h"

static double rms(const HorizonScore *score, double squares)
{
    return sqrt(squares / (double)score->count);
}

static double shown(const BacktestSensor *sensor, double si)
{
    return unit_scale_from_si(sensor->of->unit, si);
}

static void print_row(const BacktestSensor *sensor, double ahead, const HorizonScore *score)
{
    const double n = (double)score->count;
    if (score->count == 0) {
        printf("  %7g s %7d\n", ahead, 0);
        return;
    }
    printf("  %7g s %7zu %10.4g %11.4g %10.4g %8.2f %8.1f %% %7.1f %% %10.4g %11.4g\n", ahead, score->count, shown(sensor, rms(score, score->squares)),
           shown(sensor, rms(score, score->persistent_squares)), shown(sensor, rms(score, score->straight_squares)),
           sqrt(score->persistent_squares / score->squares), 100 * (double)score->within_50 / n, 100 * (double)score->within_90 / n,
           shown(sensor, score->crps / n), shown(sensor, score->persistent_error / n));
}

void backtest_print_table(const Backtest *backtest)
{
    static const char *const inputs[] = {"held as they are at the start", "as the tape says", "as the plant's control decides"};
    const BacktestDef *def = backtest->def;
    printf("%zu forecasts of %u members, one every %g s; inputs %s; %s\n", backtest->forecasts, def->members, def->every,
           inputs[def->inputs], def->uncorrected ? "as the members ran" : "corrected by the errors of those before");
    for (size_t i = 0; i < backtest->sensor_count; i++) {
        const BacktestSensor *sensor = &backtest->sensors[i];
        const TagName name = tags_name(backtest->names->tags, sensor->of->tag);
        printf("\n%s, %s\n  %9s %7s %10s %11s %10s %8s %10s %9s %10s %11s\n", name.text,
               unit_name(sensor->of->unit), "ahead", "count", "RMSE", "persistence", "straight",
               "better", "within 50", "within 90", "CRPS", "persistence");
        for (size_t h = 0; h < def->horizon_count; h++)
            print_row(sensor, def->horizons[h], &sensor->scores[h]);
    }
}

static void put_score(Text *out, const BacktestSensor *sensor, double ahead, const HorizonScore *score)
{
    const double n = (double)score->count;
    const struct { const char *key; double value; } fields[] = {
        {"ahead", ahead},
        {"count", n},
        {"rmse", shown(sensor, rms(score, score->squares))},
        {"rmse_persistence", shown(sensor, rms(score, score->persistent_squares))},
        {"rmse_straight", shown(sensor, rms(score, score->straight_squares))},
        {"within_50", (double)score->within_50 / n},
        {"within_90", (double)score->within_90 / n},
        {"crps", shown(sensor, score->crps / n)},
        {"crps_persistence", shown(sensor, score->persistent_error / n)},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        text_put(out, i ? "," : "{");
        text_json_string(out, fields[i].key);
        text_put(out, ":");
        text_json_number(out, fields[i].value);
    }
    text_put(out, "}");
}

void backtest_print_json(const Backtest *backtest)
{
    const BacktestDef *def = backtest->def;
    Text out = {0};
    text_format(&out, "{\"forecasts\":%zu,\"members\":%u,\"every\":%g,\"inputs\":\"%s\",\"corrected\":%s,\"sensors\":[", backtest->forecasts, def->members,
                def->every, backtest_inputs_name(def->inputs), def->uncorrected ? "false" : "true");
    for (size_t i = 0; i < backtest->sensor_count; i++) {
        const BacktestSensor *sensor = &backtest->sensors[i];
        const TagName name = tags_name(backtest->names->tags, sensor->of->tag);
        text_put(&out, i ? ",{\"tag\":" : "{\"tag\":");
        text_json_string(&out, name.text);
        text_put(&out, ",\"unit\":");
        text_json_string(&out, unit_name(sensor->of->unit));
        text_put(&out, ",\"horizons\":[");
        for (size_t h = 0; h < def->horizon_count; h++) {
            text_put(&out, h ? "," : "");
            put_score(&out, sensor, def->horizons[h], &sensor->scores[h]);
        }
        text_put(&out, "]}");
    }
    text_put(&out, "]}\n");
    fputs(out.bytes ? out.bytes : "", stdout);
    text_fini(&out);
}
