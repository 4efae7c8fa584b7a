#include "signal/tag.h"

#include <stdio.h>
#include <string.h>

#include "kit/kit.h"

static TagChannel tank[3], valve[2];

static TagTable *open_table(void)
{
    TagTable *tags;
    tank[0] = (TagChannel){"level", unit_one(), TAG_SAMPLED};
    tank[1] = (TagChannel){"outflow", unit_one(), TAG_NOT_BOUND};
    tank[2] = (TagChannel){"inflow", unit_one(), TAG_SAMPLED};
    valve[0] = (TagChannel){"opening", unit_one(), TAG_ACTUATED};
    valve[1] = (TagChannel){"flow", unit_one(), TAG_NOT_BOUND};
    ck_assert_int_eq(tags_create(&tags), ERR_OK);
    return tags;
}

static TagId add(TagTable *tags, const char *asset, const TagChannel *channels, uint16_t count)
{
    TagId first;
    ck_assert_int_eq(tags_add(tags, asset, channels, count, &first), ERR_OK);
    return first;
}

START_TEST(a_tag_is_found_by_its_name_and_by_its_number)
{
    TagTable *tags = open_table();
    char name[] = "tank1";
    ck_assert_uint_eq(add(tags, name, tank, 3), 0);
    memset(name, 'x', 4);  // the table has a copy
    ck_assert_uint_eq(add(tags, "valve1", valve, 2), 3);
    ck_assert_uint_eq(add(tags, "tank2", tank, 3), 5);

    ck_assert_uint_eq(tags_count(tags), 8);
    ck_assert_uint_eq(tags_find(tags, "tank1.inflow"), 2);
    ck_assert_uint_eq(tags_find(tags, "valve1.opening"), 3);
    ck_assert_uint_eq(tags_find(tags, "tank2.level"), 5);
    ck_assert_str_eq(tags_name(tags, 2).text, "tank1.inflow");
    ck_assert_int_eq(tags_get(tags, 2).role, TAG_SAMPLED);
    ck_assert_int_eq(tags_get(tags, 3).role, TAG_ACTUATED);
    ck_assert_ptr_eq(tags_get(tags, 3).unit, unit_one());
    tags_destroy(tags);
}
END_TEST

START_TEST(a_name_that_nobody_added_is_not_found)
{
    TagTable *tags = open_table();
    ck_assert_uint_eq(tags_find(tags, "tank1.level"), TAG_NONE);
    add(tags, "tank1", tank, 3);
    static const char *const others[] = {"tank1.leve", "tank1.levels", "tank1.opening", "tank1", "tank1.", "tank1.level.level", "tank.level", "tank11.level", ".level", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_uint_eq(tags_find(tags, others[i]), TAG_NONE);
    ck_assert_int_eq(tags_find_asset(tags, "tank"), -1);
    tags_destroy(tags);
    tags_destroy(NULL);
}
END_TEST

START_TEST(an_asset_is_added_once)
{
    TagTable *tags = open_table();
    TagId first = 77;
    add(tags, "a", tank, 3);
    ck_assert_int_eq(tags_add(tags, "a", valve, 2, &first), ERR_RANGE);
    ck_assert_uint_eq(first, 77);
    ck_assert_uint_eq(tags_count(tags), 3);
    ck_assert_uint_eq(tags_find(tags, "a.opening"), TAG_NONE);
    tags_destroy(tags);
}
END_TEST

START_TEST(what_is_unbound_takes_nothing_and_its_like_still_do)
{
    TagTable *tags = open_table();
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "tank%d", i);
        add(tags, name, tank, 3);
    }
    ck_assert_int_eq(tags_unbind(tags, tags_find(tags, "tank21.inflow")), ERR_OK);
    for (TagId id = 0; id < tags_count(tags); id++) {
        const Tag tag = tags_get(tags, id);
        ck_assert_int_eq(tag.role, strcmp(tag.asset, "tank21") == 0 && strcmp(tag.channel, "inflow") == 0 ? TAG_NOT_BOUND : tank[id % 3].role);
    }
    tags_destroy(tags);
}
END_TEST

START_TEST(numbers_count_up_and_a_fleet_of_two_kinds_is_found_whole)
{
    enum { FLEET = 20000 };
    TagTable *tags = open_table();
    char name[32], full[48];
    TagId next = 0;
    for (uint32_t i = 0; i < FLEET; i++) {
        const bool is_tank = i % 7 < 5;
        snprintf(name, sizeof name, "asset%u", i);
        ck_assert_uint_eq(add(tags, name, is_tank ? tank : valve, is_tank ? 3 : 2), next);
        next += is_tank ? 3 : 2;
    }
    ck_assert_uint_eq(tags_count(tags), next);

    TagId id = 0;
    for (uint32_t i = 0; i < FLEET; i++) {
        const bool is_tank = i % 7 < 5;
        snprintf(name, sizeof name, "asset%u", i);
        ck_assert_int_eq(tags_find_asset(tags, name), i);
        ck_assert_str_eq(tags_asset(tags, i), name);
        for (uint16_t c = 0; c < (is_tank ? 3 : 2); c++, id++) {
            snprintf(full, sizeof full, "%s.%s", name, (is_tank ? tank : valve)[c].name);
            ck_assert_uint_eq(tags_find(tags, full), id);
            ck_assert_str_eq(tags_name(tags, id).text, full);
            ck_assert_uint_eq(tags_place(tags, id).asset, i);
            ck_assert_uint_eq(tags_place(tags, id).channel, c);
        }
    }
    ck_assert_uint_eq(tags_find(tags, "asset20000.level"), TAG_NONE);
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

    // fail the N-th allocation for every N that 100 assets need: each time those before it stay, and the one that failed can be added again
    for (size_t n = 3; n < 10; n++) {
        kit_fail_allocation(n);
        tags = open_table();
        for (uint32_t i = 0; i < 100; i++) {
            char name[16];
            snprintf(name, sizeof name, "t%u", i);
            if (tags_add(tags, name, i % 2 ? tank : valve, 2, NULL) == ERR_MEMORY)
                ck_assert_int_eq(tags_add(tags, name, i % 2 ? tank : valve, 2, NULL), ERR_OK);
            ck_assert_uint_eq(tags_count(tags), 2 * (i + 1));
            ck_assert_int_eq(tags_find_asset(tags, name), i);
        }
        ck_assert_uint_eq(tags_find(tags, "t0.opening"), 0);
        if (tags_unbind(tags, 3))
            ck_assert_int_eq(tags_unbind(tags, 3), ERR_OK);
        tags_destroy(tags);
    }
    kit_fail_allocation(0);
}
END_TEST

START_TEST(one_name_stands_for_a_fleet)
{
    ck_assert(tag_is_meant("tank1.level", "tank1.level"));
    ck_assert(!tag_is_meant("tank1.level", "tank12.level"));
    ck_assert(tag_is_meant("tank_*.level", "tank_007.level"));
    ck_assert(tag_is_meant("*.level", "tank_007.level"));
    ck_assert(!tag_is_meant("tank_*.level", "tank_007.levels"));
    ck_assert(!tag_is_meant("tank_*.level", "valve_1.level"));
    ck_assert(!tag_is_meant("tank_*.level", "tank_7"));
    ck_assert(!tag_is_meant("tank_7*.", "tank_7.level"));
}
END_TEST

KIT_MAIN("signal.tag", one_name_stands_for_a_fleet, a_tag_is_found_by_its_name_and_by_its_number, a_name_that_nobody_added_is_not_found, an_asset_is_added_once,
         what_is_unbound_takes_nothing_and_its_like_still_do, numbers_count_up_and_a_fleet_of_two_kinds_is_found_whole,
         a_table_without_memory_says_so_and_keeps_what_it_has)
