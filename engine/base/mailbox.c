/* mailbox.c -- every place counts whose turn it is: `position` when it is empty for that position, one more when it is full. */
#include "base/mailbox.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

static unsigned char *place_at(const Mailbox *mailbox, size_t position)
{
    return mailbox->places + (position & (mailbox->capacity - 1)) * mailbox->place_size;
}

static atomic_size_t *turn_of(unsigned char *place)
{
    return (atomic_size_t *)(void *)place;
}

Err mailbox_init(Mailbox *mailbox, size_t item_size, size_t capacity)
{
    assert(item_size > 0);
    const size_t grain = sizeof(atomic_size_t);
    *mailbox = (Mailbox){.item_size = item_size, .place_size = grain + (item_size + grain - 1) / grain * grain, .capacity = 1};
    if (capacity == 0 || capacity > SIZE_MAX / 4 / mailbox->place_size)
        return ERR_RANGE;
    while (mailbox->capacity < capacity)
        mailbox->capacity *= 2;
    mailbox->places = mem_alloc(mailbox->capacity * mailbox->place_size);
    if (!mailbox->places)
        return ERR_MEMORY;
    for (size_t i = 0; i < mailbox->capacity; i++)
        atomic_init(turn_of(place_at(mailbox, i)), i);
    return ERR_OK;
}

void mailbox_fini(Mailbox *mailbox)
{
    mem_free(mailbox->places);
    *mailbox = (Mailbox){0};
}

bool mailbox_put(Mailbox *mailbox, const void *item)
{
    size_t position = atomic_load_explicit(&mailbox->tail, memory_order_relaxed);
    for (;;) {
        // acquire: the reader has finished with the place before it is written again
        unsigned char *place = place_at(mailbox, position);
        const size_t turn = atomic_load_explicit(turn_of(place), memory_order_acquire);
        if (turn == position && atomic_compare_exchange_weak_explicit(&mailbox->tail, &position, position + 1, memory_order_relaxed, memory_order_relaxed)) {
            memcpy(place + sizeof(atomic_size_t), item, mailbox->item_size);
            atomic_store_explicit(turn_of(place), position + 1, memory_order_release);
            return true;
        }
        if ((intptr_t)(turn - position) < 0)
            return false;
        if (turn != position)
            position = atomic_load_explicit(&mailbox->tail, memory_order_relaxed);
    }
}

bool mailbox_is_empty(const Mailbox *mailbox)
{
    return atomic_load_explicit(turn_of(place_at(mailbox, mailbox->head)), memory_order_acquire) != mailbox->head + 1;
}

bool mailbox_take(Mailbox *mailbox, void *item)
{
    if (mailbox_is_empty(mailbox))
        return false;
    unsigned char *place = place_at(mailbox, mailbox->head);
    memcpy(item, place + sizeof(atomic_size_t), mailbox->item_size);
    atomic_store_explicit(turn_of(place), mailbox->head + mailbox->capacity, memory_order_release);
    mailbox->head++;
    return true;
}
