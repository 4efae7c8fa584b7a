/* The parts of the panel that need no window: its lever, the lines of its chart, and the scrubber's arithmetic. */
#include <math.h>
#include <string.h>

#include "kit/kit.h"
#include "view/lever.h"
#include "view/strip.h"
#include "view/timeline.h"

static const WorldChannel channels[] = {
    {.name = "speed_setpoint", .unit = "rpm", .role = ROLE_INPUT, .min = 0, .max = 3600, .measured_by = WORLD_NONE},
    {.name = "suction_level", .unit = "m", .role = ROLE_INPUT, .min = -100, .max = 100, .measured_by = WORLD_NONE},
    {.name = "speed_order", .unit = "rpm", .role = ROLE_ACTUATOR, .min = 100, .max = 3000, .measured_by = WORLD_NONE},
    {.name = "speed", .unit = "rpm", .role = ROLE_ESTIMATED, .min = 0, .max = INFINITY, .measured_by = WORLD_NONE},
    {.name = "enable", .unit = "1", .role = ROLE_ACTUATOR, .min = 0, .max = 1, .measured_by = WORLD_NONE},
};
static WorldModel models[] = {{.name = "pump", .channels = channels, .channel_count = sizeof channels / sizeof *channels}};
static WorldAsset assets[] = {{.name = "lift_1", .first = 0}, {.name = "lift_2", .first = WORLD_VALUE_NONE}};
static WorldValue values[] = {{.value = 2900}, {.value = 1}, {.value = 2900}, {.value = 2899}, {.value = 1}};
static WorldConnection connections[] = {{.from = 1, .to = 0, .from_channel = 3, .to_channel = 1}};
static const World world = {.models = models, .model_count = 1, .assets = assets, .asset_count = 2, .values = values, .value_count = 5, .connections = connections, .connection_count = 1};

START_TEST(an_order_and_what_it_sets_are_two_ends_of_one_lever)
{
    Lever lever;
    ck_assert(lever_choose(&lever, &world, 0, 0));
    ck_assert_uint_eq(lever.input, 0);
    ck_assert_uint_eq(lever.actuator, 2);
    ck_assert_str_eq(lever.text, "2900");
    ck_assert(lever_choose(&lever, &world, 0, 2));
    ck_assert_uint_eq(lever.input, 0);
    ck_assert(lever_choose(&lever, &world, 0, 4));
    ck_assert_uint_eq(lever.input, WORLD_NONE);
    ck_assert_uint_eq(lever_other_end(&models[0], 3), WORLD_NONE);  // what is estimated is no end of anything
}
END_TEST

START_TEST(what_is_fed_or_estimated_is_no_lever)
{
    Lever lever;
    lever_init(&lever);
    ck_assert(!lever_choose(&lever, &world, 0, 1));
    ck_assert(lever_choose(&lever, &world, 1, 1));  // of the other pump nothing feeds it
    ck_assert(!lever_choose(&lever, &world, 0, 3));
}
END_TEST

START_TEST(a_lever_says_what_it_takes)
{
    Lever lever;
    ErrText why = {""};
    double value;
    WhatIf change;
    lever_choose(&lever, &world, 0, 0);
    static const struct {
        const char *text, *expected;
    } cases[] = {{"", "expected a number, in rpm"}, {"fast", "expected a number"}, {"12x", "expected a number"}, {"nan", "expected a number"}, {"99", "from 100 to 3000 rpm"}, {"3001", "from 100 to 3000 rpm"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        strcpy(lever.text, cases[i].text);
        lever.active = true;
        ck_assert(!lever_value(&lever, &world, &value, &why));
        ck_assert_msg(strstr(why.text, cases[i].expected), "%s", why.text);
        ck_assert_uint_eq(lever_changes(&lever, &world, &change), 0);
    }
    strcpy(lever.text, " 1500 ");
    ck_assert_uint_eq(lever_changes(&lever, &world, &change), 1);
    ck_assert_double_eq(change.value, 1500);
    ck_assert_uint_eq(change.channel, 0);
    lever.active = false;
    ck_assert_uint_eq(lever_changes(&lever, &world, &change), 0);
}
END_TEST

START_TEST(a_line_keeps_its_newest_points_in_order)
{
    static StripLine line;
    for (int64_t time = 1; time <= STRIP_POINTS + 100; time++)
        strip_line_add(&line, &(StripPoint){.time = time * 10, .value = (double)time});
    strip_line_add(&line, &(StripPoint){.time = 5, .value = -1});  // not newer: left out
    ck_assert_uint_eq(line.count, STRIP_POINTS);
    ck_assert_int_eq(strip_line_at(&line, 0)->time, 1010);
    for (size_t i = 1; i < line.count; i++)
        ck_assert_int_gt(strip_line_at(&line, i)->time, strip_line_at(&line, i - 1)->time);
    ck_assert_ptr_null(strip_line_find(&line, 1009));
    ck_assert_double_eq(strip_line_find(&line, 1010)->value, 101);
    ck_assert_double_eq(strip_line_find(&line, 1019)->value, 101);
    ck_assert_double_eq(strip_line_find(&line, INT64_MAX)->value, STRIP_POINTS + 100);
}
END_TEST

START_TEST(the_scrubber_goes_from_the_first_that_is_kept_to_the_last)
{
    const int64_t from = 1000 * NS_PER_S, to = 4600 * NS_PER_S;
    ck_assert_int_eq(timeline_time(from, to, 0), from);
    ck_assert_int_eq(timeline_time(from, to, 1), to);
    ck_assert_int_eq(timeline_time(from, to, 0.5), 2800 * NS_PER_S);
    ck_assert_int_eq(timeline_time(from, to, -3), from);
    ck_assert_int_eq(timeline_time(from, to, 3), to);
    for (double share = 0; share <= 1; share += 0.125)
        ck_assert_double_eq_tol(timeline_share(from, to, timeline_time(from, to, share)), share, 1e-9);
    ck_assert_double_eq(timeline_share(from, from, from), 1);
}
END_TEST

KIT_MAIN("view.panel", an_order_and_what_it_sets_are_two_ends_of_one_lever, what_is_fed_or_estimated_is_no_lever, a_lever_says_what_it_takes, a_line_keeps_its_newest_points_in_order,
         the_scrubber_goes_from_the_first_that_is_kept_to_the_last)
