/* topic.h -- topics of MQTT, filters with + and #, and a table that leads from a topic to what is filed under the filters that cover it.
 *
 * Topics are looked up by hash, patterns one after the other: there are few.
 *
 * Takes: texts that stay.  Gives: numbers.  Memory: the table's own, reserved at the start.  Threads: one at a time. */
#pragma once

#include "base/base.h"

/// Whether the filter has + or #.
bool topic_has_pattern(const char *filter);
/// Whether `filter` leads to everything that `other` (a topic or a filter) leads to. What begins with $ is not reached by a wildcard.
bool topic_is_covered(const char *filter, const char *other);

typedef struct TopicEntry {
    const char *filter;  // a view
    uint32_t number;     // of whoever filed it
    uint32_t next;       // of those with the same hash
} TopicEntry;

typedef struct TopicTable {
    TopicEntry *entries;
    uint32_t *heads;     // by hash: the first of the topics
    uint32_t *patterns;  // places of the entries with wildcards
    uint32_t *found;     // by the newest topics_find
    size_t count, pattern_count, room, mask;
} TopicTable;

Err topics_init(TopicTable *table, size_t room);
void topics_fini(TopicTable *table);
/// There must be room.
void topics_add(TopicTable *table, const char *filter, uint32_t number);
/// The numbers of all filters that cover `topic`; valid until the next call.
const uint32_t *topics_find(TopicTable *table, const char *topic, size_t *count);
