/* recent.c -- a ring of texts; revisions in it rise, so what is new is its end. */
#include "server/recent.h"

#include <assert.h>
#include <string.h>

enum { ROOM_FIRST = 64 };

static RecentChange *change_at(const Recent *recent, size_t index)
{
    return &recent->items[(recent->first + index) & (recent->room - 1)];
}

static void drop_oldest(Recent *recent)
{
    RecentChange *oldest = change_at(recent, 0);
    recent->since = oldest->revision;
    recent->bytes -= oldest->length;
    mem_free(oldest->json);
    recent->first = (recent->first + 1) & (recent->room - 1);
    recent->count--;
}

void recent_fini(Recent *recent)
{
    while (recent->count)
        drop_oldest(recent);
    mem_free(recent->items);
    *recent = (Recent){0};
}

static bool grow(Recent *recent)
{
    const size_t room = recent->room ? 2 * recent->room : ROOM_FIRST;
    RecentChange *items = mem_alloc(room * sizeof *items);
    if (!items)
        return false;
    for (size_t i = 0; i < recent->count; i++)
        items[i] = *change_at(recent, i);
    mem_free(recent->items);
    recent->items = items;
    recent->first = 0;
    recent->room = room;
    return true;
}

static char *copy_text(const Text *text)
{
    char *copy = text->failed || !text->bytes ? NULL : mem_alloc(text->length + 1);
    if (copy)
        memcpy(copy, text->bytes, text->length);
    return copy;
}

void recent_add(Recent *recent, RecentKind kind, uint64_t revision, uint32_t twin, const Text *json, uint64_t told)
{
    assert(recent->count == 0 || change_at(recent, recent->count - 1)->revision <= revision);
    while (recent->count && change_at(recent, 0)->revision <= told && (recent->count >= RECENT_MAX || recent->bytes + json->length > RECENT_BYTES_MAX))
        drop_oldest(recent);
    char *copy = recent->count < recent->room || grow(recent) ? copy_text(json) : NULL;
    if (!copy) {
        recent->since = revision;
        return;
    }
    *change_at(recent, recent->count++) = (RecentChange){revision, twin, kind, json->length, copy};
    recent->bytes += json->length;
}

void recent_follow(Recent *recent)
{
    for (size_t i = 0; i < recent->count; i++)
        change_at(recent, i)->twin = RECENT_OF_ALL;
}

void recent_write(const Recent *recent, RecentKind kind, uint64_t after, RecentFilter *concerns, const void *self, RecentForm form, Text *out)
{
    size_t first = recent->count;
    while (first > 0 && change_at(recent, first - 1)->revision > after)
        first--;
    for (size_t i = first; i < recent->count; i++) {
        const RecentChange *change = change_at(recent, i);
        if (change->kind != kind || (change->twin != RECENT_OF_ALL && !concerns(self, change->twin)))
            continue;
        text_put(out, out->length ? form.between : "");
        text_put(out, form.begin);
        text_add(out, change->json, change->length);
        text_put(out, form.end);
    }
}
