#include "view/label.h"

#include <math.h>
#include <stdlib.h>

static const float GAP = 4;      // units between a body and its name
static const float BREATH = 2;   // units between two names
static const float RIM = 0.25F, RIM_KEPT = 0.35F;  // share of a body at each of its sides that names of others may cover: new ones, and those that were there

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
    const LabelWish *wishes;
    size_t count;
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

/* Whether it would seem to name another body, since it lies over the middle of that: so much of each side does not count. */
static bool misleads(const Place *place, const LabelWish *wish, Box box, float rim)
{
    for (size_t i = 0; i < place->count; i++) {
        const Box body = place->wishes[i].body;
        const Box middle = {body.x + rim * body.width, body.y + rim * body.height, (1 - 2 * rim) * body.width, (1 - 2 * rim) * body.height};
        if (place->wishes[i].asset != wish->asset && boxes_meet(box, middle))
            return true;
    }
    return false;
}

/* At the side where it was, which is given up a little later than it is taken, or the first that is free; one that misleads when there is no other. */
static bool find_place(const Place *place, const LabelWish *wish, const Label *before, Label *out)
{
    bool found = false;
    for (int turn = before ? -1 : 0; turn < LABEL_SIDES; turn++) {
        const LabelSide side = turn < 0 ? before->side : (LabelSide)turn;
        const Box box = box_at(wish, side);
        if (!is_free(place, box))
            continue;
        const bool clear = !misleads(place, wish, box, turn < 0 ? RIM_KEPT : RIM);
        if (clear || !found)
            *out = (Label){.asset = wish->asset, .side = side, .box = box};
        if (clear)
            return true;
        found = true;
    }
    return found;
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
    const Place place = {labels, wishes, count, room, taken, taken_count};
    for (size_t i = 0; i < count && labels->count < LABELS_MAX; i++) {
        Label label;
        if (find_place(&place, candidates[i].wish, candidates[i].before, &label))
            labels->items[labels->count++] = label;
    }
}
