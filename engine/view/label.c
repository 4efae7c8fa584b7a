#include "view/label.h"

#include <math.h>
#include <stdlib.h>

static const float GAP = 4;      // units between a body and its name
static const float BREATH = 2;   // units between two names

float label_rank(int severity, bool unacknowledged, bool selected, bool hovered, float size)
{
    const float seen = size / (size + 100);  // below 1: however large, it gives way to an alarm
    return seen + (selected ? 8 : 0) + (hovered ? 16 : 0) + (severity >= 0 ? (float)(severity + 1) + (unacknowledged ? 2 : 0) : 0);
}

static Box box_at(const LabelWish *wish, LabelSide side)
{
    const Box body = wish->body;
    const float middle_x = roundf(body.x + (body.width - wish->width) / 2), middle_y = roundf(body.y + (body.height - wish->height) / 2);
    switch (side) {
    case LABEL_RIGHT:
        return (Box){roundf(body.x + body.width + GAP), middle_y, wish->width, wish->height};
    case LABEL_LEFT:
        return (Box){roundf(body.x - wish->width - GAP), middle_y, wish->width, wish->height};
    case LABEL_BELOW:
        return (Box){middle_x, roundf(body.y + body.height + GAP), wish->width, wish->height};
    default:
        return (Box){middle_x, roundf(body.y - wish->height - GAP), wish->width, wish->height};
    }
}

static const Label *find_before(const Labels *before, uint32_t asset)
{
    for (size_t i = 0; i < before->count; i++)
        if (before->items[i].asset == asset)
            return &before->items[i];
    return NULL;
}

typedef struct Place {
    const Labels *labels;
    Box room;
    const Box *taken;
    size_t taken_count;
} Place;

static bool is_free(const Place *place, Box box)
{
    if (box.x < place->room.x || box.y < place->room.y || box.x + box.width > place->room.x + place->room.width || box.y + box.height > place->room.y + place->room.height)
        return false;
    const Box wide = box_inset(box, -BREATH);
    for (size_t i = 0; i < place->taken_count; i++)
        if (boxes_meet(wide, place->taken[i]))
            return false;
    for (size_t i = 0; i < place->labels->count; i++)
        if (boxes_meet(wide, place->labels->items[i].box))
            return false;
    return true;
}

/* At the side where it was, or the first that is free. */
static bool find_place(const Place *place, const LabelWish *wish, const Label *before, Label *out)
{
    *out = (Label){.asset = wish->asset};
    if (before && is_free(place, out->box = box_at(wish, out->side = before->side)))
        return true;
    for (out->side = LABEL_ABOVE; out->side < LABEL_SIDES; out->side++)
        if (is_free(place, out->box = box_at(wish, out->side)))
            return true;
    return false;
}

typedef struct Candidate {
    const LabelWish *wish;
    const Label *before;
    float rank;
} Candidate;

static int by_rank(const void *a, const void *b)
{
    const Candidate *one = a, *other = b;
    if (one->rank != other->rank)
        return one->rank > other->rank ? -1 : 1;
    return (one->wish->asset > other->wish->asset) - (one->wish->asset < other->wish->asset);
}

void labels_place(Labels *labels, const LabelWish *wishes, size_t count, Box room, const Box *taken, size_t taken_count)
{
    const Labels before = *labels;
    Candidate candidates[LABEL_WISHES_MAX];
    count = count < LABEL_WISHES_MAX ? count : LABEL_WISHES_MAX;
    for (size_t i = 0; i < count; i++) {
        const Label *last = find_before(&before, wishes[i].asset);
        candidates[i] = (Candidate){&wishes[i], last, wishes[i].rank + (last ? LABEL_LOYALTY : 0)};
    }
    qsort(candidates, count, sizeof *candidates, by_rank);

    labels->count = 0;
    const Place place = {labels, room, taken, taken_count};
    for (size_t i = 0; i < count && labels->count < LABELS_MAX; i++) {
        Label label;
        if (find_place(&place, candidates[i].wish, candidates[i].before, &label))
            labels->items[labels->count++] = label;
    }
}
