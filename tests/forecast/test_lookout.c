/* What a plant may say of the forecast that it makes of itself, what is wrong told with its line, and too little memory for it. */
#include "forecast/lookout.h"

#include <string.h>

#include "forecast/ahead.h"

/* A plant of two walks whose table `forecast` begins on line 3 with these entries. */
static Plant *load(const char *settings)
{
    char text[1024];
    Plant *plant;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    scripts_write("walk.lua", ahead_walk);
    snprintf(text, sizeof text, "return plant 'standing' { step = 0.125, clock = 'provider',\n  assets = { v = { 'walk' }, w = { 'walk' } },\n  forecast = {\n%s} }\n", settings);
    if (plant_load(scripts_write("standing.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static void refuses(const char *settings, int line, const char *because)
{
    Plant *plant = load(settings);
    Lookout *lookout;
    ErrText why = {""};
    char where[64];
    snprintf(where, sizeof where, "standing.lua:%d:", line);
    ck_assert_msg(lookout_create(plant, &lookout, &why) == ERR_SCRIPT, "%s", settings);
    ck_assert_ptr_null(lookout);
    ck_assert_msg(strstr(why.text, where), "%s: %s is not at %s", settings, why.text, where);
    ck_assert_msg(strstr(why.text, because), "%s: \"%s\" does not say \"%s\"", settings, why.text, because);
    plant_destroy(plant);
}

START_TEST(what_is_wrong_is_told_with_its_line_and_what_was_expected)
{
    refuses("horizon = 60,\nhorizons = 3,\n", 5, "unknown key \"horizons\" in \"forecast\"; expected one of: horizon, every, within, members, probability, twins");
    refuses("every = 60,\n", 3, "forecast: horizon must be between 0.125 and");
    refuses("horizon = 60,\nevery = 0.1,\n", 5, "forecast: every must be between 0.125 and 604800");
    refuses("horizon = 60,\nevery = 10,\nwithin = 11,\n", 6, "forecast: within must be between 0.125 and 10");
    refuses("horizon = 60,\nmembers = 0,\n", 5, "forecast: members must be between 1 and 65536");
    refuses("horizon = 60,\nprobability = 2,\n", 5, "forecast: probability must be between 0.01 and 1");
    refuses("horizon = 'an hour',\n", 3, "expected a number, got string");
    refuses("horizon = 60,\ntwins = 'w',\n", 5, "twins must be a list of names");
    refuses("horizon = 60,\ntwins = {},\n", 5, "twins must be a list of names");
    refuses("horizon = 60,\ntwins = { 'v', 'x' },\n", 5, "the plant has no twin \"x\"");
}
END_TEST

START_TEST(a_plant_that_does_not_look_ahead_has_no_lookout)
{
    Plant *plant = ahead_plant("w = { 'walk' }", "");
    Lookout *lookout;
    ck_assert_int_eq(lookout_create(plant, &lookout, NULL), ERR_OK);
    ck_assert_ptr_null(lookout);
    ck_assert_ptr_null(lookout_judge(lookout, NULL, 0, true));
    ck_assert_uint_eq(lookout_skipped(lookout), 0);
    plant_destroy(plant);
}
END_TEST

START_TEST(too_little_memory_to_begin_is_an_error_and_nothing_else)
{
    Plant *plant = load("horizon = 60 ");
    bool done = false;
    for (size_t n = 1; n < 200 && !done; n++) {
        Lookout *lookout;
        Desk *desk = NULL;
        ErrText why = {""};
        kit_fail_allocation(n);
        Err err = lookout_create(plant, &lookout, &why);
        if (!err)
            err = desk_create(plant, 1, &desk, &why);
        kit_fail_allocation(0);
        ck_assert_msg(err == ERR_OK || (err == ERR_MEMORY && why.text[0]), "allocation %zu: %s", n, why.text);
        done = !err;
        desk_destroy(desk);
        lookout_destroy(lookout);
    }
    ck_assert(done);
    plant_destroy(plant);
}
END_TEST

/* A forecast that found no memory is skipped and counted; the next one comes as usual. */
START_TEST(a_standing_forecast_without_memory_is_skipped_and_counted)
{
    Plant *plant = load("horizon = 20, every = 1, members = 64 ");
    const int64_t second = 8;  // in ticks
    Lookout *lookout;
    Desk *desk;
    ErrText why = {""};
    ck_assert_int_eq(lookout_create(plant, &lookout, &why), ERR_OK);
    ck_assert_int_eq(desk_create(plant, 1, &desk, &why), ERR_OK);
    uint64_t failed = 0;
    bool done = false;
    for (int64_t n = 1; n < 200 && !done; n++) {
        kit_fail_allocation((size_t)n);
        lookout_order(lookout, desk, n * second, n * NS_PER_S);
        const Outlooks *outlooks = lookout_judge(lookout, desk, n * second + second, true);
        kit_fail_allocation(0);
        done = outlooks;
        failed += !outlooks;
        ck_assert_uint_eq(lookout_skipped(lookout), failed);
    }
    ck_assert(done);
    ck_assert_uint_gt(failed, 5);
    desk_destroy(desk);
    lookout_destroy(lookout);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("forecast.lookout", what_is_wrong_is_told_with_its_line_and_what_was_expected, a_plant_that_does_not_look_ahead_has_no_lookout,
         too_little_memory_to_begin_is_an_error_and_nothing_else, a_standing_forecast_without_memory_is_skipped_and_counted)
