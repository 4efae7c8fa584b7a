/* chart.h -- a reader of the rig's history, and the series of one tag. */
#pragma once

#include "history/rig.h"

typedef struct Chart {
    HistoryReader *reader;
    Arena arena;
    HistoryPoint *points;
    size_t count;
    HistorySeries series;
} Chart;

static inline void chart_open(Chart *chart, const Rig *rig)
{
    ErrText why = {""};
    *chart = (Chart){0};
    ck_assert_msg(history_reader_open(rig->path, &rig->plant, &chart->reader, &why) == ERR_OK, "%s", why.text);
}

static inline void chart_close(Chart *chart)
{
    history_reader_close(chart->reader);
    arena_fini(&chart->arena);
}

static inline void chart_ask(Chart *chart, const HistoryRange *range)
{
    ErrText why = {""};
    ck_assert_msg(history_read(chart->reader, range, &chart->arena, &chart->series, &why) == ERR_OK, "%s", why.text);
    chart->points = chart->series.points;
    chart->count = chart->series.count;
}

static inline void chart_read(Chart *chart, TagId tag, int64_t from, int64_t to, size_t points)
{
    chart_ask(chart, &(HistoryRange){&tag, 1, from, to, points, HISTORY_AUTO, false});
}
