/* Tags: names become numbers and back, also for a fleet. */
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"
#include "signal/tag.h"

START_TEST(a_tag_is_found_by_its_name_and_by_its_number)
{
    TagTable *tags;
    TagId level, valve;
    ck_assert_int_eq(tags_create(&tags), ERR_OK);
    char name[] = "tank1.level";
    ck_assert_int_eq(tags_add(tags, name, unit_one(), TAG_SAMPLED, &level), ERR_OK);
    memset(name, 'x', 4);  // the table has a copy
    ck_assert_int_eq(tags_add(tags, "valve1.opening", unit_one(), TAG_ACTUATED, &valve), ERR_OK);
    ck_assert_int_eq(tags_add(tags, "tank1.outflow", unit_one(), TAG_NOT_BOUND, NULL), ERR_OK);

    ck_assert_uint_eq(tags_count(tags), 3);
    ck_assert_uint_eq(tags_find(tags, "tank1.level"), level);
    ck_assert_uint_eq(tags_find(tags, "valve1.opening"), valve);
    ck_assert_str_eq(tags_get(tags, level)->name, "tank1.level");
    ck_assert_int_eq(tags_get(tags, level)->role, TAG_SAMPLED);
    ck_assert_int_eq(tags_get(tags, valve)->role, TAG_ACTUATED);
    ck_assert_ptr_eq(tags_get(tags, valve)->unit, unit_one());
    tags_destroy(tags);
}
END_TEST

START_TEST(a_name_that_nobody_added_is_not_found)
{
    TagTable *tags;
    ck_assert_int_eq(tags_create(&tags), ERR_OK);
    ck_assert_uint_eq(tags_find(tags, "tank1.level"), TAG_NONE);
    tags_add(tags, "tank1.level", unit_one(), TAG_SAMPLED, NULL);
    ck_assert_uint_eq(tags_find(tags, "tank1.leve"), TAG_NONE);
    ck_assert_uint_eq(tags_find(tags, "tank1.levels"), TAG_NONE);
    ck_assert_uint_eq(tags_find(tags, ""), TAG_NONE);
    tags_destroy(tags);
    tags_destroy(NULL);
}
END_TEST

START_TEST(a_name_is_added_once)
{
    TagTable *tags;
    TagId id = 77;
    ck_assert_int_eq(tags_create(&tags), ERR_OK);
    ck_assert_int_eq(tags_add(tags, "a.b", unit_one(), TAG_SAMPLED, NULL), ERR_OK);
    ck_assert_int_eq(tags_add(tags, "a.b", unit_one(), TAG_ACTUATED, &id), ERR_RANGE);
    ck_assert_uint_eq(id, 77);
    ck_assert_uint_eq(tags_count(tags), 1);
    ck_assert_int_eq(tags_get(tags, 0)->role, TAG_SAMPLED);
    tags_destroy(tags);
}
END_TEST

START_TEST(numbers_count_up_and_a_fleet_is_found_whole)
{
    enum { FLEET = 200000 };
    TagTable *tags;
    ck_assert_int_eq(tags_create(&tags), ERR_OK);
    char name[32];
    for (uint32_t i = 0; i < FLEET; i++) {
        TagId id;
        snprintf(name, sizeof name, "tank%u.level", i);
        ck_assert_int_eq(tags_add(tags, name, unit_one(), TAG_SAMPLED, &id), ERR_OK);
        ck_assert_uint_eq(id, i);
    }
    for (uint32_t i = 0; i < FLEET; i++) {
        snprintf(name, sizeof name, "tank%u.level", i);
        ck_assert_uint_eq(tags_find(tags, name), i);
        ck_assert_str_eq(tags_get(tags, i)->name, name);
    }
    ck_assert_uint_eq(tags_find(tags, "tank200000.level"), TAG_NONE);
    tags_destroy(tags);
}
END_TEST

START_TEST(a_table_without_memory_says_so_and_keeps_what_it_has)
{
    TagTable *tags;
    for (size_t n = 1; n <= 2; n++) {
        kit_fail_allocation(n);
        ck_assert_int_eq(tags_create(&tags), ERR_MEMORY);
        ck_assert_ptr_null(tags);
    }

    // fail the N-th allocation for every N that 100 tags need: each time the tags before it stay, and the one that failed can be added again
    for (size_t n = 3; n < 8; n++) {
        kit_fail_allocation(n);
        ck_assert_int_eq(tags_create(&tags), ERR_OK);
        for (uint32_t i = 0; i < 100; i++) {
            char name[16];
            snprintf(name, sizeof name, "t%u.x", i);
            if (tags_add(tags, name, unit_one(), TAG_SAMPLED, NULL) == ERR_MEMORY)
                ck_assert_int_eq(tags_add(tags, name, unit_one(), TAG_SAMPLED, NULL), ERR_OK);
            ck_assert_uint_eq(tags_count(tags), i + 1);
            ck_assert_uint_eq(tags_find(tags, name), i);
        }
        ck_assert_uint_eq(tags_find(tags, "t0.x"), 0);
        tags_destroy(tags);
    }
    kit_fail_allocation(0);
}
END_TEST

KIT_MAIN("signal.tag", a_tag_is_found_by_its_name_and_by_its_number, a_name_that_nobody_added_is_not_found, a_name_is_added_once,
         numbers_count_up_and_a_fleet_is_found_whole, a_table_without_memory_says_so_and_keeps_what_it_has)
