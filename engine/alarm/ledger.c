/* ledger.c -- an array in the order of the ids; ended records keep their place until the next settling. */
#include "alarm/ledger.h"

#include <assert.h>
#include <string.h>

enum { MARK_CHANGED = 1, MARK_ENDED = 2 };

static unsigned char *item_at(const Ledger *ledger, size_t index)
{
    return ledger->items + index * ledger->item_size;
}

static uint64_t id_of(const void *record)
{
    uint64_t id;
    memcpy(&id, record, sizeof id);
    return id;
}

static size_t index_of(const Ledger *ledger, const void *record)
{
    const size_t index = (size_t)((const unsigned char *)record - ledger->items) / ledger->item_size;
    assert(index < ledger->count);
    return index;
}

/* The first item whose id lies above `id`. */
static size_t index_above(const Ledger *ledger, uint64_t id)
{
    size_t low = 0, high = ledger->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (id_of(item_at(ledger, middle)) > id)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static size_t copy_marked(const Ledger *ledger, uint8_t mask, uint8_t wanted, unsigned char *out)
{
    size_t found = 0;
    for (size_t i = 0; i < ledger->count; i++)
        if ((ledger->marks[i] & mask) == wanted)
            memcpy(out + found++ * ledger->item_size, item_at(ledger, i), ledger->item_size);
    return found;
}

/* A new record with the next number, or NULL when the array is full. */
static void *append(Ledger *ledger, uint8_t marks)
{
    if (ledger->count == 2 * ledger->open_max)
        return NULL;
    unsigned char *const item = item_at(ledger, ledger->count);
    memset(item, 0, ledger->item_size);
    ledger->last_id++;
    memcpy(item, &ledger->last_id, sizeof ledger->last_id);
    ledger->marks[ledger->count++] = marks;
    return item;
}

Err ledger_init(Ledger *ledger, size_t item_size, size_t open_max)
{
    assert(item_size >= sizeof(uint64_t));
    assert(open_max > 0);
    *ledger = (Ledger){.item_size = item_size, .open_max = open_max};
    ledger->items = mem_alloc(2 * open_max * item_size);
    ledger->open_view = mem_alloc(open_max * item_size);
    ledger->changed_view = mem_alloc(2 * open_max * item_size);
    ledger->marks = mem_alloc(2 * open_max);
    if (ledger->items && ledger->open_view && ledger->changed_view && ledger->marks)
        return ERR_OK;
    ledger_fini(ledger);
    return ERR_MEMORY;
}

void ledger_fini(Ledger *ledger)
{
    mem_free(ledger->items);
    mem_free(ledger->open_view);
    mem_free(ledger->changed_view);
    mem_free(ledger->marks);
    *ledger = (Ledger){0};
}

void ledger_clear(Ledger *ledger)
{
    ledger->count = ledger->open_count = 0;
    ledger->last_id = 0;
}

size_t ledger_room(const Ledger *ledger)
{
    return ledger->open_count < ledger->open_max ? ledger->open_max - ledger->open_count : 0;
}

void *ledger_add(Ledger *ledger)
{
    void *const record = append(ledger, MARK_CHANGED);
    ledger->open_count += record != NULL;
    return record;
}

void *ledger_note(Ledger *ledger)
{
    return append(ledger, MARK_CHANGED | MARK_ENDED);
}

void *ledger_adopt(Ledger *ledger, const void *record)
{
    const uint64_t id = id_of(record);
    const bool rises = id > 0 && (ledger->count == 0 || id > id_of(item_at(ledger, ledger->count - 1)));
    if (!rises || !ledger_room(ledger) || ledger->count == 2 * ledger->open_max)
        return NULL;
    unsigned char *const item = item_at(ledger, ledger->count);
    memcpy(item, record, ledger->item_size);
    ledger->marks[ledger->count++] = 0;
    ledger->open_count++;
    ledger_number_from(ledger, id);
    return item;
}

void ledger_number_from(Ledger *ledger, uint64_t id)
{
    if (id > ledger->last_id)
        ledger->last_id = id;
}

void *ledger_find(const Ledger *ledger, uint64_t id)
{
    void *const record = id ? ledger_next(ledger, id - 1) : NULL;
    return record && id_of(record) == id ? record : NULL;
}

void *ledger_next(const Ledger *ledger, uint64_t id)
{
    for (size_t i = index_above(ledger, id); i < ledger->count; i++)
        if (!(ledger->marks[i] & MARK_ENDED))
            return item_at(ledger, i);
    return NULL;
}

void ledger_touch(Ledger *ledger, const void *record)
{
    ledger->marks[index_of(ledger, record)] |= MARK_CHANGED;
}

void ledger_end(Ledger *ledger, const void *record)
{
    const size_t index = index_of(ledger, record);
    assert(!(ledger->marks[index] & MARK_ENDED));
    ledger->marks[index] = MARK_CHANGED | MARK_ENDED;
    ledger->open_count--;
}

const void *ledger_open(const Ledger *ledger, size_t *count)
{
    assert(ledger->open_count <= ledger->open_max);
    *count = copy_marked(ledger, MARK_ENDED, 0, ledger->open_view);
    assert(*count == ledger->open_count);
    return ledger->open_view;
}

const void *ledger_changed(const Ledger *ledger, size_t *count)
{
    *count = copy_marked(ledger, MARK_CHANGED, MARK_CHANGED, ledger->changed_view);
    return ledger->changed_view;
}

void ledger_settle(Ledger *ledger)
{
    size_t kept = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->marks[i] & MARK_ENDED)
            continue;
        if (kept != i)
            memcpy(item_at(ledger, kept), item_at(ledger, i), ledger->item_size);
        kept++;
    }
    memset(ledger->marks, 0, ledger->count);
    ledger->count = kept;
    assert(kept == ledger->open_count);
}
