/* Names never cover each other, the important ones are there, and nothing flickers. */
#include <string.h>

#include "kit/kit.h"
#include "view/label.h"

enum { CROWD = 400 };
static const Box ROOM = {0, 0, 1280, 720};

/* A crowd that is too dense for all of its names. */
static void make_crowd(LabelWish wishes[CROWD], uint64_t seed)
{
    for (uint32_t i = 0; i < CROWD; i++) {
        const float x = (float)random_uniform(seed, i, 0) * 1200, y = (float)random_uniform(seed, i, 1) * 700;
        const float size = 5 + (float)random_uniform(seed, i, 2) * 60;
        wishes[i] = (LabelWish){.asset = i, .body = {x, y, size, size}, .width = 40 + (float)(i % 50), .height = 16, .rank = label_rank(-1, false, false, false, size)};
    }
}

static const Label *find(const Labels *labels, uint32_t asset)
{
    for (size_t i = 0; i < labels->count; i++)
        if (labels->items[i].asset == asset)
            return &labels->items[i];
    return NULL;
}

START_TEST(no_two_labels_meet_and_none_leaves_the_room)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        LabelWish wishes[CROWD];
        Labels labels = {.count = 0};
        const Box panel = {900, 0, 380, 720};
        make_crowd(wishes, seed);
        labels_place(&labels, wishes, CROWD, ROOM, &panel, 1);
        ck_assert_uint_gt(labels.count, 30);
        for (size_t a = 0; a < labels.count; a++) {
            const Box box = labels.items[a].box;
            ck_assert(!boxes_meet(box, panel));
            ck_assert(box.x >= 0 && box.y >= 0 && box.x + box.width <= ROOM.width && box.y + box.height <= ROOM.height);
            for (size_t b = 0; b < a; b++)
                ck_assert(!boxes_meet(box, labels.items[b].box));
        }
    }
}
END_TEST

START_TEST(an_alarm_goes_before_what_is_large_and_the_worse_alarm_before_the_lesser)
{
    ck_assert_float_gt(label_rank(0, false, false, false, 1), label_rank(-1, false, false, false, 1e6F));
    for (int severity = 1; severity < 4; severity++)
        ck_assert_float_gt(label_rank(severity, false, false, false, 1), label_rank(severity - 1, false, false, false, 1e6F));
    ck_assert_float_gt(label_rank(1, true, false, false, 1), label_rank(1, false, false, false, 1e6F));
    ck_assert_float_gt(label_rank(-1, false, true, false, 1), label_rank(3, true, false, false, 1e6F));

    // and it is there, in the midst of the crowd
    LabelWish wishes[CROWD];
    Labels labels = {.count = 0};
    make_crowd(wishes, 3);
    for (uint32_t i = 0; i < 10; i++)
        wishes[i * 7] = (LabelWish){.asset = i * 7, .body = {100 + (float)i * 100, 300, 10, 10}, .width = 60, .height = 16, .rank = label_rank(3, true, false, false, 10)};
    labels_place(&labels, wishes, CROWD, ROOM, NULL, 0);
    for (uint32_t i = 0; i < 10; i++)
        ck_assert_ptr_nonnull(find(&labels, i * 7));
}
END_TEST

START_TEST(the_order_of_the_wishes_does_not_matter)
{
    LabelWish wishes[CROWD], turned[CROWD];
    Labels one = {.count = 0}, other = {.count = 0};
    make_crowd(wishes, 5);
    for (size_t i = 0; i < CROWD; i++)
        turned[i] = wishes[CROWD - 1 - i];
    labels_place(&one, wishes, CROWD, ROOM, NULL, 0);
    labels_place(&other, turned, CROWD, ROOM, NULL, 0);
    ck_assert_uint_eq(one.count, other.count);
    ck_assert_mem_eq(one.items, other.items, one.count * sizeof *one.items);
}
END_TEST

/* Two of nearly one size compete for one place while the camera breathes: without loyalty they would take turns, frame by frame. */
START_TEST(who_is_shown_stays_shown_while_sizes_breathe)
{
    Labels labels = {.count = 0};
    uint32_t shown = UINT32_MAX;
    for (int frame = 0; frame < 100; frame++) {
        const float breath = frame % 2 ? 1.5F : -1.5F;
        const Box wall[] = {{0, 0, 1280, 276}, {0, 300, 1280, 420}, {0, 276, 560, 24}, {730, 276, 550, 24}};  // one free place between them
        const LabelWish wishes[] = {
            {.asset = 1, .body = {600, 302, 40 + breath, 40}, .width = 90, .height = 16, .rank = label_rank(-1, false, false, false, 40 + breath)},
            {.asset = 2, .body = {640, 302, 40 - breath, 40}, .width = 90, .height = 16, .rank = label_rank(-1, false, false, false, 40 - breath)},
        };
        labels_place(&labels, wishes, 2, ROOM, wall, 4);
        ck_assert_uint_eq(labels.count, 1);
        shown = frame == 0 ? labels.items[0].asset : shown;
        ck_assert_uint_eq(labels.items[0].asset, shown);
    }
}
END_TEST

/* A label that had to go to the right stays there when the place above becomes free by a hair. */
START_TEST(a_label_keeps_its_side_while_that_is_free)
{
    Labels labels = {.count = 0};
    const LabelWish wish = {.asset = 1, .body = {600, 300, 40, 40}, .width = 90, .height = 16, .rank = 1};
    const Box above = {560, 270, 120, 28};
    labels_place(&labels, &wish, 1, ROOM, &above, 1);
    ck_assert_int_eq(labels.items[0].side, LABEL_RIGHT);
    labels_place(&labels, &wish, 1, ROOM, NULL, 0);
    ck_assert_int_eq(labels.items[0].side, LABEL_RIGHT);
}
END_TEST

/* Above is taken, and to the right its name would lie over the neighbour. */
START_TEST(a_label_does_not_lie_over_another_body_while_there_is_another_place)
{
    Labels labels = {.count = 0};
    const LabelWish wishes[] = {{.asset = 1, .body = {600, 300, 40, 40}, .width = 90, .height = 16, .rank = 2},
                                {.asset = 2, .body = {660, 290, 60, 60}, .width = 60, .height = 16, .rank = 1}};
    const Box above = {560, 270, 100, 28}, around[] = {above, {480, 270, 118, 90}, {560, 342, 100, 40}};
    labels_place(&labels, wishes, 2, ROOM, &above, 1);
    ck_assert_uint_eq(labels.items[0].asset, 1);
    ck_assert_int_eq(labels.items[0].side, LABEL_LEFT);

    labels = (Labels){.count = 0};
    labels_place(&labels, wishes, 2, ROOM, around, 3);
    ck_assert_int_eq(find(&labels, 1)->side, LABEL_RIGHT);  // there is no other
}
END_TEST

START_TEST(a_new_alarm_takes_the_place_of_who_was_there)
{
    Labels labels = {.count = 0};
    const Box wall[] = {{0, 0, 1280, 276}, {0, 300, 1280, 420}, {0, 276, 560, 24}, {730, 276, 550, 24}};
    LabelWish wishes[] = {
        {.asset = 1, .body = {600, 302, 40, 40}, .width = 90, .height = 16, .rank = label_rank(-1, false, false, false, 40)},
        {.asset = 2, .body = {640, 302, 40, 40}, .width = 90, .height = 16, .rank = label_rank(-1, false, false, false, 30)},
    };
    labels_place(&labels, wishes, 2, ROOM, wall, 4);
    ck_assert_uint_eq(labels.items[0].asset, 1);
    wishes[1].rank = label_rank(0, true, false, false, 30);
    labels_place(&labels, wishes, 2, ROOM, wall, 4);
    ck_assert_uint_eq(labels.count, 1);
    ck_assert_uint_eq(labels.items[0].asset, 2);
}
END_TEST

KIT_MAIN("view.label", no_two_labels_meet_and_none_leaves_the_room, an_alarm_goes_before_what_is_large_and_the_worse_alarm_before_the_lesser, the_order_of_the_wishes_does_not_matter,
         who_is_shown_stays_shown_while_sizes_breathe, a_label_keeps_its_side_while_that_is_free,
         a_label_does_not_lie_over_another_body_while_there_is_another_place, a_new_alarm_takes_the_place_of_who_was_there)
