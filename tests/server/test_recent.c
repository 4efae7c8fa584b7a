/* test_recent.c -- what changed of late: nothing that was not told is dropped, and what was dropped is known. */
#include "server/recent.h"

#include "kit/kit.h"

static const RecentForm listed = {"", "", ","};

static bool of_all(const void *self, uint32_t twin)
{
    (void)self, (void)twin;
    return true;
}

static bool of_one(const void *self, uint32_t twin)
{
    return twin == *(const uint32_t *)self;
}

static void add(Recent *recent, uint64_t revision, uint32_t twin, uint64_t told)
{
    Text text = {0};
    text_format(&text, "%llu", (unsigned long long)revision);
    recent_add(recent, revision % 2 ? RECENT_ALARM : RECENT_COMMAND, revision, twin, &text, told);
    text_fini(&text);
}

START_TEST(what_is_newer_is_written_in_its_order)
{
    Recent recent = {0};
    Text out = {0};
    const uint32_t seven = 7;
    for (uint64_t revision = 1; revision <= 9; revision++)
        add(&recent, revision, revision < 5 ? 7 : 8, 0);
    recent_write(&recent, RECENT_ALARM, 2, of_all, NULL, listed, &out);
    ck_assert_str_eq(out.bytes, "3,5,7,9");
    text_clear(&out);
    recent_write(&recent, RECENT_ALARM, 0, of_one, &seven, listed, &out);
    ck_assert_str_eq(out.bytes, "1,3");
    recent_follow(&recent);
    text_clear(&out);
    recent_write(&recent, RECENT_COMMAND, 3, of_one, &seven, listed, &out);
    ck_assert_str_eq(out.bytes, "4,6,8");
    text_fini(&out);
    recent_fini(&recent);
}
END_TEST

START_TEST(what_was_not_told_is_never_dropped)
{
    Recent recent = {0};
    for (uint64_t revision = 1; revision <= 3 * RECENT_MAX; revision++)
        add(&recent, revision, 0, 0);
    ck_assert_uint_eq(recent.count, 3 * RECENT_MAX);
    ck_assert_uint_eq(recent.since, 0);

    // once it was, there is room again, and it is known what is missing
    add(&recent, 3 * RECENT_MAX + 1, 0, 3 * RECENT_MAX);
    ck_assert_uint_eq(recent.count, RECENT_MAX);
    ck_assert_uint_eq(recent.since, 2 * RECENT_MAX + 1);
    recent_fini(&recent);
}
END_TEST

START_TEST(a_change_for_which_there_is_no_memory_is_known_to_be_missing)
{
    for (int fail = 1; fail <= 2; fail++) {
        Recent recent = {0};
        Text text = {0};
        text_put(&text, "{}");
        kit_fail_allocation(fail);
        recent_add(&recent, RECENT_ALARM, 5, 0, &text, 0);
        kit_fail_allocation(0);
        ck_assert_uint_eq(recent.count, 0);
        ck_assert_uint_eq(recent.since, 5);
        text_fini(&text);
        recent_fini(&recent);
    }
}
END_TEST

KIT_MAIN("server.recent", what_is_newer_is_written_in_its_order, what_was_not_told_is_never_dropped,
         a_change_for_which_there_is_no_memory_is_known_to_be_missing)
