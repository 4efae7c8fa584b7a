#include "app/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"

/* Columns of times and values, each name once. */
static void write_header(FILE *file, const RecordingMap *map)
{
    fputs(map->time_column, file);
    for (size_t i = 0; i < map->count; i++) {
        if (map->columns[i].time_column)
            fprintf(file, ",%s", map->columns[i].time_column);
        fprintf(file, ",%s", map->columns[i].column);
    }
    fputc('\n', file);
}

static void write_sample(FILE *file, const RecordingMap *map, const Sample *sample)
{
    fprintf(file, "%lld", (long long)sample->time);
    for (size_t i = 0; i < map->count; i++) {
        const RecordingColumn *column = &map->columns[i];
        char text[32] = "";
        if (column->tag == sample->tag)
            number_format(unit_from_si(column->unit, sample->value), text);
        if (column->time_column)
            fprintf(file, *text ? ",%lld" : ",", (long long)sample->time);
        fprintf(file, ",%s", text);
    }
    fputc('\n', file);
}

static bool is_recorded(const RecordingMap *map, TagId tag)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->columns[i].tag == tag)
            return true;
    return false;
}

static Err write_steps(Castor *castor, int64_t until, FILE *file, ErrText *why)
{
    const RecordingMap *map = &castor_plant(castor)->recording;
    Err err = ERR_OK;
    while (castor_time(castor) < until && !stop_asked && !(err = castor_step(castor, why))) {
        size_t count;
        const Sample *samples = castor_samples(castor, &count);
        for (size_t i = 0; i < count; i++)
            if (is_recorded(map, samples[i].tag))
                write_sample(file, map, &samples[i]);
    }
    return err;
}

Err record_castor(Castor *castor, double seconds, const char *path, ErrText *why)
{
    const Plant *plant = castor_plant(castor);
    if (plant->recording.count == 0)
        return err_set(why, ERR_USAGE, "%s: the plant has no tape = { columns = ... }, which says how a recording's columns are called", plant->path);
    FILE *file = fopen(path, "w");
    if (!file)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));

    const int64_t begin = clock_system.utc_ns(clock_system.self);
    castor_begin(castor, begin);
    write_header(file, &plant->recording);
    Err err = write_steps(castor, begin + (int64_t)(seconds * (double)NS_PER_S), file, why);
    const bool failed = ferror(file);
    if ((fclose(file) || failed) && !err)
        err = err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    return err;
}
