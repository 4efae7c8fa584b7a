/* archive.h -- queries of the history that take their time, on a thread of their own: a long one holds up neither the service thread nor the tick [I6].
 *
 * The service thread asks and gets a number; the archive's thread reads, writes the answer as a text, and calls `wake`. There are places for
 * ARCHIVE_PLACES queries; who finds none comes again later. Answers that nobody fetched make room after a minute.
 *
 * Takes: ranges and moments.  Gives: JSON or CSV.
 * Threads: everything but the reading is the service thread's; archive_follow that of who holds it still. */
#pragma once

#include "history/history.h"

enum { ARCHIVE_PLACES = 16, ARCHIVE_TAGS_MAX = 64, ARCHIVE_MOMENT_TAGS_MAX = 65536 };

typedef struct Archive Archive;

typedef enum ArchiveForm {
    ARCHIVE_SERIES,  // {"series":{...}}
    ARCHIVE_CSV,     // time,tag,value,sd,min,max,count,unit: a row per point, tag after tag
    ARCHIVE_MOMENT,  // what was known of all tags at `to`, and the alarms that were not over
} ArchiveForm;

typedef struct ArchiveQuery {
    ArchiveForm form;
    TagId tags[ARCHIVE_TAGS_MAX];
    size_t tag_count, points;
    int64_t from, to;
    HistoryLevel level;
    TextTimes times;  // of CSV and moments; columns of series are always ns
} ArchiveQuery;

/// ERR_IO, ERR_PARSE, ERR_MEMORY: there is no reading this history.
Err archive_open(const char *path, const Plant *plant, void (*wake)(void *self), void *self, Archive **out, ErrText *why);
/// End the thread: from then on nothing is answered and nobody woken.
void archive_stop(Archive *archive);
/// Free what archive_stop has stopped.
void archive_close(Archive *archive);
/// Go on with another version of the plant: the query under way is finished, those that wait are answered by ERR_CLOSED.
void archive_follow(Archive *archive, const Plant *plant);

/// The number of a query that has found a place; 0: there is none.
uint64_t archive_ask(Archive *archive, const ArchiveQuery *query);
/// Whether the answer is there; of a number that is not known any more, too.
bool archive_has_come(Archive *archive, uint64_t id);
/// Take the answer out: its text is added to `out`. ERR_UNKNOWN: it is not there (yet); otherwise what reading came to, with its reason.
Err archive_take(Archive *archive, uint64_t id, Text *out, ErrText *why);
