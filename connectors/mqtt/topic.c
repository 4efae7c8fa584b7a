#include "connectors/mqtt/topic.h"

#include <assert.h>
#include <string.h>

enum { NONE = UINT32_MAX };

bool topic_has_pattern(const char *filter)
{
    return strpbrk(filter, "+#");
}

static size_t level_length(const char *level)
{
    return strcspn(level, "/");
}

static bool is_level(const char *level, size_t length, char wildcard)
{
    return length == 1 && *level == wildcard;
}

bool topic_is_covered(const char *filter, const char *other)
{
    if (*other == '$' && (*filter == '+' || *filter == '#'))
        return false;
    for (;;) {
        const size_t length = level_length(filter), its_length = level_length(other);
        if (is_level(filter, length, '#'))
            return true;
        const bool is_any = is_level(filter, length, '+') && !is_level(other, its_length, '#');
        if (!is_any && (length != its_length || memcmp(filter, other, length) != 0))
            return false;

        filter += length;
        other += its_length;
        if (!*filter || !*other)
            break;
        filter++;
        other++;
    }
    // "works/#" covers "works" too
    return (!*filter && !*other) || strcmp(filter, "/#") == 0;
}

// The table.

static size_t place(const TopicTable *table, const char *topic)
{
    return hash_bytes(0, topic, strlen(topic)) & table->mask;
}

Err topics_init(TopicTable *table, size_t room)
{
    size_t heads = 16;
    while (heads < 2 * room)
        heads *= 2;
    *table = (TopicTable){.room = room, .mask = heads - 1};
    table->entries = mem_alloc((room + 1) * sizeof *table->entries);
    table->heads = mem_alloc(heads * sizeof *table->heads);
    table->patterns = mem_alloc((room + 1) * sizeof *table->patterns);
    table->found = mem_alloc((room + 1) * sizeof *table->found);
    if (!table->entries || !table->heads || !table->patterns || !table->found) {
        topics_fini(table);
        return ERR_MEMORY;
    }
    memset(table->heads, 0xFF, heads * sizeof *table->heads);
    return ERR_OK;
}

void topics_fini(TopicTable *table)
{
    mem_free(table->entries);
    mem_free(table->heads);
    mem_free(table->patterns);
    mem_free(table->found);
    *table = (TopicTable){0};
}

void topics_add(TopicTable *table, const char *filter, uint32_t number)
{
    assert(table->count < table->room);
    const uint32_t entry = (uint32_t)table->count++;
    table->entries[entry] = (TopicEntry){filter, number, NONE};
    if (topic_has_pattern(filter)) {
        table->patterns[table->pattern_count++] = entry;
    } else {
        uint32_t *head = &table->heads[place(table, filter)];
        table->entries[entry].next = *head;
        *head = entry;
    }
}

const uint32_t *topics_find(TopicTable *table, const char *topic, size_t *count)
{
    size_t found = 0;
    for (uint32_t at = table->heads[place(table, topic)]; at != NONE; at = table->entries[at].next)
        if (strcmp(table->entries[at].filter, topic) == 0)
            table->found[found++] = table->entries[at].number;
    for (size_t i = 0; i < table->pattern_count; i++) {
        const TopicEntry *entry = &table->entries[table->patterns[i]];
        if (topic_is_covered(entry->filter, topic))
            table->found[found++] = entry->number;
    }
    *count = found;
    return table->found;
}
