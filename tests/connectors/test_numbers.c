/* Numbers of tags: each name its own, dealt out in turn. */
#include "connectors/websocket/numbers.h"

#include <stdio.h>

#include "kit/kit.h"

START_TEST(a_name_keeps_its_number_and_the_next_one_gets_the_next)
{
    Numbers numbers = {0};
    char name[32];
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 10000; i++) {
            snprintf(name, sizeof name, "tank_%u.gauge", i);
            ck_assert_uint_eq(numbers_find(&numbers, name), i);
        }
    ck_assert_uint_eq(numbers.count, 10000);
    ck_assert_str_eq(numbers.names[1234], "tank_1234.gauge");
    numbers_fini(&numbers);
}
END_TEST

START_TEST(without_memory_a_name_has_no_number_and_the_others_keep_theirs)
{
    Numbers numbers = {0};
    char name[32];
    for (size_t nth = 1; nth <= 3; nth++) {
        kit_fail_allocation(nth);
        ck_assert_uint_eq(numbers_find(&numbers, "first"), NUMBER_NONE);
        kit_fail_allocation(0);
    }
    for (uint32_t i = 0; i < 64; i++) {
        snprintf(name, sizeof name, "t%u", i);
        ck_assert_uint_eq(numbers_find(&numbers, name), i);
    }
    kit_fail_allocation(1);
    ck_assert_uint_eq(numbers_find(&numbers, "another"), NUMBER_NONE);
    kit_fail_allocation(0);
    ck_assert_uint_eq(numbers_find(&numbers, "t63"), 63);
    ck_assert_uint_eq(numbers_find(&numbers, "another"), 64);
    numbers_fini(&numbers);
}
END_TEST

KIT_MAIN("connectors.numbers", a_name_keeps_its_number_and_the_next_one_gets_the_next, without_memory_a_name_has_no_number_and_the_others_keep_theirs)
