/* history.c -- pollux history: what a history holds, as a table or as CSV, and how it is made small. */
#include "history/history.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/places.h"

enum { EXPORT_POINTS = 10000 };  // of one tag at a time

static int command_history(int argc, char **argv);
const Subcommand subcommand_history = {
    "history", "what a history holds, as CSV too; making it small",
    "All of them read the history of PLANT beside a server that writes it, but `compact`, which wants it for itself.", command_history};

/* A plant's script and a reader of its history. */
typedef struct Opened {
    Plant *plant;
    HistoryReader *reader;
    char path[1024];
} Opened;

static Err open_plant(Opened *opened, const char *plant, const char *history, ErrText *why)
{
    if (history && snprintf(opened->path, sizeof opened->path, "%s", history) >= (int)sizeof opened->path)
        return err_set(why, ERR_RANGE, "the path of the history is too long");
    const Err err = plant_load(plant, 1, &opened->plant, why);
    return err || history ? err : place_history(plant, opened->path, sizeof opened->path, why);
}

static Err open_reader(Opened *opened, const char *plant, const char *history, ErrText *why)
{
    const Err err = open_plant(opened, plant, history, why);
    return err ? err : history_reader_open(opened->path, opened->plant, &opened->reader, why);
}

static void close_opened(Opened *opened)
{
    history_reader_close(opened->reader);
    plant_destroy(opened->plant);
}

static int end(Err err, const ErrText *why)
{
    if (err)
        return subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, why);
    return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}

#define HISTORY_OPTION(target) {OPTION_TEXT, "history", "FILE", "the history, if it is not where `pollux serve` keeps it", target, 0, 0}

// info

static void print_time(int64_t time)
{
    char text[32] = "-";
    if (time != TIME_NONE)
        time_format(time, text);
    printf("  %-30s", text);
}

static void print_level(const char *kind, HistoryLevel level, const HistoryInfo *info, int row)
{
    if (!info->sealed[row][level].blocks)
        return;
    printf("%-9s  %-3s  %12" PRIu64 "  %8" PRIu64 "  %5.2f", kind, history_level_name(level), info->sealed[row][level].points, info->sealed[row][level].blocks,
           (double)info->sealed[row][level].bytes / (double)info->sealed[row][level].points);
    print_time(info->sealed[row][level].first);
    print_time(info->sealed[row][level].last);
    print_time(info->sealed[row][level].horizon);
    putchar('\n');
}

static void print_info(const char *path, const HistoryInfo *info)
{
    static const char *const kinds[2] = {"samples", "estimates"};
    printf("%s: %.1f MB, %.1f MB of them free\n", path, (double)info->bytes / 1e6, (double)info->bytes_free / 1e6);
    printf("%" PRIu64 " tags, %" PRIu64 " alarms, %" PRIu64 " commands, %" PRIu64 " snapshots, %" PRIu64 " damaged blocks\n", info->tags, info->alarms,
           info->commands, info->snapshots, info->damaged);
    printf("not sealed yet: %" PRIu64 " rows of samples, %" PRIu64 " of estimates\n\n", info->unsealed[0], info->unsealed[1]);
    printf("%-9s  %-3s  %12s  %8s  %5s  %-30s  %-30s  %-30s\n", "sealed", "", "points", "blocks", "bytes", "from", "to", "kept from");
    for (int kind = 0; kind < 2; kind++)
        for (HistoryLevel level = HISTORY_RAW; level < HISTORY_LEVELS; level++)
            print_level(kinds[kind], level, info, kind);
}

static int command_info(int argc, char **argv);
static const Subcommand subcommand_info = {"history info", "sizes, spans and counts", "`bytes` are those of one point.", command_info};

static int command_info(int argc, char **argv)
{
    const char *plant = NULL, *history = NULL;
    const Option options[] = {{OPTION_OPERAND, "PLANT", NULL, "a plant script", &plant, 0, 0}, HISTORY_OPTION(&history)};
    const OptionResult parsed = options_parse(&subcommand_info, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    ErrText why;
    Opened opened = {0};
    HistoryInfo info;
    Err err = open_reader(&opened, plant, history, &why);
    if (!err)
        err = history_info(opened.reader, &info, &why);
    if (!err)
        print_info(opened.path, &info);
    close_opened(&opened);
    return end(err, &why);
}

// export

typedef struct Export {
    const char *tags, *from, *to, *level;
} Export;

static Err read_moment(const char *name, const char *text, int64_t fallback, int64_t *out, ErrText *why)
{
    *out = fallback;
    if (!text || time_parse(text, strlen(text), out))
        return ERR_OK;
    return err_set(why, ERR_USAGE, "--%s: expected a time like 2021-01-22T14:49:00Z, got \"%s\"", name, text);
}

static Err read_level(const char *text, HistoryLevel *out, ErrText *why)
{
    *out = HISTORY_RAW;
    return !text || history_level_parse(text, out) ? ERR_OK : err_set(why, ERR_USAGE, "--level: expected raw, 1s, 1m or 1h, got \"%s\"", text);
}

static void print_number(double value)
{
    char text[32];
    putchar(',');
    if (!isfinite(value))
        return;
    number_format(value, text);
    fputs(text, stdout);
}

static void print_points(const Plant *plant, TagId tag, const HistorySeries *series)
{
    const Unit *unit = tags_get(plant->tags, tag).unit;
    for (size_t i = 0; i < series->count; i++) {
        const HistoryPoint *point = &series->points[i];
        char time[32];
        time_format(point->time, time);
        printf("%s,%s", time, tags_name(plant->tags, tag).text);
        print_number(unit_from_si(unit, point->value));
        print_number(unit_scale_from_si(unit, point->sd));
        print_number(unit_from_si(unit, point->min));
        print_number(unit_from_si(unit, point->max));
        printf(",%" PRIu64 ",%s\n", point->count, unit_name(unit));
    }
}

/* Page after page, so that a year needs no more memory than an hour. */
static Err export_tag(const Opened *opened, TagId tag, HistoryRange range, ErrText *why)
{
    Arena arena = {0};
    HistorySeries series = {.next = range.from};
    Err err = ERR_OK;
    range.tags = &tag;
    range.tag_count = 1;
    while (!err && series.next != TIME_NONE && !stop_asked) {
        range.from = series.next;
        arena_reset(&arena);
        err = history_read(opened->reader, &range, &arena, &series, why);
        if (!err)
            print_points(opened->plant, tag, &series);
    }
    arena_fini(&arena);
    return err;
}

static Err export_tags(const Opened *opened, const Export *what, ErrText *why)
{
    HistoryRange range = {.points = EXPORT_POINTS};
    Err err = read_moment("from", what->from, INT64_MIN + 1, &range.from, why);
    if (!err)
        err = read_moment("to", what->to, INT64_MAX, &range.to, why);
    if (!err)
        err = read_level(what->level, &range.level, why);
    for (const char *at = what->tags; !err && *at; at += *at == ',') {
        char name[256];
        const size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        at += length;
        const TagId tag = tags_find(opened->plant->tags, name);
        err = tag == TAG_NONE ? err_set(why, ERR_USAGE, "--tags: no tag \"%s\" in plant %s", name, opened->plant->name) : export_tag(opened, tag, range, why);
    }
    return err;
}

static int command_export(int argc, char **argv);
static const Subcommand subcommand_export = {"history export", "points or buckets as CSV",
                                             "A row per point, tag after tag: time,tag,value,sd,min,max,count,unit. Times are in UTC; what there is not is empty.", command_export};

static int command_export(int argc, char **argv)
{
    const char *plant = NULL, *history = NULL;
    Export what = {0};
    const Option options[] = {
        {OPTION_OPERAND, "PLANT", NULL, "a plant script", &plant, 0, 0},
        {OPTION_TEXT, "tags", "A.B,C.D", "what to export (required)", &what.tags, 0, 0},
        {OPTION_TEXT, "from", "TIME", "RFC 3339 (the beginning)", &what.from, 0, 0},
        {OPTION_TEXT, "to", "TIME", "RFC 3339 (the end)", &what.to, 0, 0},
        {OPTION_TEXT, "level", "LEVEL", "raw, 1s, 1m or 1h (raw)", &what.level, 0, 0},
        HISTORY_OPTION(&history),
    };
    const OptionResult parsed = options_parse(&subcommand_export, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    ErrText why;
    if (!what.tags)
        return end(err_set(&why, ERR_USAGE, "history export: expected --tags (pollux history export --help)"), &why);
    stop_on_signals();
    Opened opened = {0};
    Err err = open_reader(&opened, plant, history, &why);
    if (!err) {
        puts("time,tag,value,sd,min,max,count,unit");
        err = export_tags(&opened, &what, &why);
    }
    close_opened(&opened);
    return end(err, &why);
}

// compact

static int command_compact(int argc, char **argv);
static const Subcommand subcommand_compact = {"history compact", "seal everything, let go what is too old, give free space back",
                                              "No server may use the history meanwhile. Takes as much room again as the history has.", command_compact};

static int command_compact(int argc, char **argv)
{
    const char *plant = NULL, *history = NULL;
    const Option options[] = {{OPTION_OPERAND, "PLANT", NULL, "a plant script", &plant, 0, 0}, HISTORY_OPTION(&history)};
    const OptionResult parsed = options_parse(&subcommand_compact, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    ErrText why;
    Opened opened = {0};
    Err err = open_reader(&opened, plant, history, &why);  // makes sure that there is one
    history_reader_close(opened.reader);
    opened.reader = NULL;
    if (!err)
        err = history_compact(opened.path, opened.plant, &why);
    close_opened(&opened);
    return end(err, &why);
}

static int command_history(int argc, char **argv)
{
    static const Subcommand *const actions[] = {&subcommand_info, &subcommand_export, &subcommand_compact};
    return options_choose(&subcommand_history, actions, sizeof actions / sizeof *actions, argc, argv);
}
