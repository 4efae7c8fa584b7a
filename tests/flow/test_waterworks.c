/* The waterworks: its twins follow the emulation, nothing is raised while nothing is wrong, every fault of its story is noticed and answered,
 * and no water is made or lost between its assets. */
#include "flow/rehearsal.h"

#define PLANT POLLUX_SOURCE "/twins/plants/waterworks.lua"

static double cell_si(const Plant *plant, const char *name)
{
    const TagId tag = tags_find(plant->tags, name);
    ck_assert_msg(tag != TAG_NONE, "no tag %s", name);
    return plant_value(plant, tag);
}

// --- nothing is wrong ----------------------------------------------------------------------------------------------

/* A controller that works: the tower between its marks, the reservoir far from its alarms, water at every tap. */
static void see_levels(Rehearsal *rehearsal)
{
    const Plant *truth = castor_plant(rehearsal->castor);
    ck_assert_double_gt(cell_si(truth, "tower.level"), 2.2);
    ck_assert_double_lt(cell_si(truth, "tower.level"), 3.2);
    ck_assert_double_gt(cell_si(truth, "clear.level"), 1.5);
    ck_assert_double_lt(cell_si(truth, "clear.level"), 3.4);
    ck_assert_double_gt(cell_si(truth, "hamlet.pressure"), 2.5e5);
}

/* The first 90 minutes of the day, four seeds. The mean of n white normalised squares has variance 2/n; a hundredth is for what the filters do
 * not know. */
START_TEST(nothing_is_raised_while_nothing_is_wrong)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        Rehearsal rehearsal;
        rehearsal_open(&rehearsal, PLANT, seed, false);
        rehearsal.stepped = see_levels;
        rehearsal_run(&rehearsal, 5400);
        rehearsal_expect_quiet(&rehearsal);
        ck_assert_uint_eq(rehearsal.command_count, 0);
        ck_assert_double_eq_tol(rehearsal.nis / (double)rehearsal.nis_count, 1, 0.01 + 4 * sqrt(2 / (double)rehearsal.nis_count));
        rehearsal_close(&rehearsal);
    }
}
END_TEST

// --- the story -----------------------------------------------------------------------------------------------------

static const Chapter story[] = {
    {"filter_a", 2400, 150, VERDICT_PROCESS, "solids"},
    {"basin_b", 5400, 30, VERDICT_PROCESS, "discharge"},
    {"hamlet", 8400, 30, VERDICT_PROCESS, "leakage"},
    {"clear", 12000, 10, VERDICT_SILENCE, "bottom"},
    {"tower", 13800, 120, VERDICT_SENSOR, "radar"},
    {"lift_1", 20400, 10, VERDICT_PROCESS, "wear"},
};

/* From 13,800 s on the gauge that the controller trusts reads up to 1.7 m too low: left alone he would fill the tower without end. The twin knows the
 * level all the same. */
static void see_tower(Rehearsal *rehearsal)
{
    const double level = cell_si(castor_plant(rehearsal->castor), "tower.level"), seconds = rehearsal_seconds(rehearsal);
    ck_assert_double_lt(level, 3.55);
    if (seconds > 14400 && seconds < 18000)
        ck_assert_double_eq_tol(cell_si(rehearsal->app->plant, "tower.level"), level, 0.02);
}

static void check_answers(const Rehearsal *rehearsal)
{
    rehearsal_expect_command(rehearsal, "filter_a.airlift_order", 1, 2400, 3000);
    rehearsal_expect_command(rehearsal, "filter_a.airlift_order", 0.2, 3000, 4200);
    rehearsal_expect_command(rehearsal, "well_b.speed_order", 1700, 5400, 5600);
    rehearsal_expect_command(rehearsal, "well_b.speed_order", 2900, 7200, 7300);
    rehearsal_expect_command(rehearsal, "zone.opening_order", 0.2, 8400, 8600);
    rehearsal_expect_command(rehearsal, "zone.opening_order", 0.5, 10200, 10300);
    rehearsal_expect_command(rehearsal, "tower.fill_enable", 0, 15000, 18000);
    rehearsal_expect_command(rehearsal, "tower.fill_enable", 1, 15000, 18600);
    rehearsal_expect_command(rehearsal, "lift_1.speed_order", 0, 20400, 20420);
    rehearsal_expect_command(rehearsal, "lift_2.speed_order", 2900, 20400, 20420);
    ck_assert_uint_eq(alarms_handler_errors(rehearsal->app->alarms), 0);
}

/* All faults once, and what the handlers do about them, through the gate; in the end the spare pump fills the tower. */
START_TEST(every_fault_of_the_story_is_noticed_named_and_answered)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        Rehearsal rehearsal;
        rehearsal_open(&rehearsal, PLANT, seed, true);
        rehearsal.stepped = see_tower;
        rehearsal_run(&rehearsal, 21000);
        for (size_t i = 0; i < sizeof story / sizeof *story; i++)
            rehearsal_expect_chapter(&rehearsal, &story[i]);
        check_answers(&rehearsal);
        ck_assert_double_lt(cell_si(castor_plant(rehearsal.castor), "lift_1.flow") * 3600, 1);
        ck_assert_double_gt(cell_si(castor_plant(rehearsal.castor), "tower.level"), 2.2);
        rehearsal_close(&rehearsal);
    }
}
END_TEST

// --- no water is made or lost --------------------------------------------------------------------------------------

/* All the water between the wells and the taps, m^3. */
static double stored(const Plant *plant)
{
    static const char *const stores[] = {"basin_a.level", "basin_b.level", "filter_a.level", "filter_b.level",
                                         "clear.level", "tower.level", "village.pressure", "hamlet.pressure"};
    const double sizes[] = {1.5, 1.5, 6, 6, 60, 16, 0.15e-5, 0.3e-5};  // m^2, m^3/Pa
    double sum = 0;
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++)
        sum += sizes[i] * cell_si(plant, stores[i]);
    return sum;
}

static double entering(const Plant *plant)
{
    return cell_si(plant, "well_a.flow") + cell_si(plant, "well_b.flow");
}

static double leaving(const Plant *plant)
{
    static const char *const ways[] = {"filter_a.waste", "filter_b.waste", "clear.leak", "tower.leak",
                                       "village.served", "village.leaked", "hamlet.served", "hamlet.leaked"};
    double sum = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        sum += cell_si(plant, ways[i]);
    return sum;
}

static double gained(const Plant *plant)
{
    return entering(plant) - leaving(plant);
}

static Plant *open_twins(void)
{
    Plant *plant;
    ErrText why = {""};
    ck_assert_msg(plant_load(PLANT, 1, &plant, &why) == ERR_OK, "%s", why.text);
    plant_derive(plant);
    return plant;
}

/* The twins alone, without noise, while pumps run and everything finds its place. A connection in a loop carries what was half a second ago, so what is on
 * its way is missed: less than half a second of the largest flow for each of 8 flows. */
START_TEST(the_water_that_enters_is_stored_or_leaves)
{
    Plant *plant = open_twins();
    const double before = stored(plant);
    double gain = 0, passed = 0;
    for (int k = 0; k < 1200 * 2; k++) {
        const double at_start = gained(plant), in_at_start = entering(plant);
        plant_advance(plant);
        plant_derive(plant);
        gain += plant->step * (at_start + gained(plant)) / 2;
        passed += plant->step * (in_at_start + entering(plant)) / 2;
    }
    ck_assert_double_gt(passed, 8);
    ck_assert_double_eq_tol(stored(plant) - before, gain, 8 * 0.5 * 45 / 3600);
    ck_assert_double_gt(fabs(stored(plant) - before), 1);
    plant_destroy(plant);
}
END_TEST

/* What a tank is fed and drawn in a tick is what its level says, to rounding. */
static void check_tank(const Plant *plant, const char *tank, double area, double before)
{
    static const char *const inputs[] = {"inflow_1", "inflow_2", "draw_1", "draw_2", "leak"};
    const double sign[] = {1, 1, -1, -1, -1};
    char name[64];
    double sum = 0;
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%s.%s", tank, inputs[i]);
        sum += sign[i] * cell_si(plant, name);
    }
    snprintf(name, sizeof name, "%s.level", tank);
    ck_assert_double_eq_tol(area * (cell_si(plant, name) - before), plant->step * sum, 1e-12 * area);
}

START_TEST(the_balance_of_each_tank_closes_at_every_tick)
{
    Plant *plant = open_twins();
    for (int k = 0; k < 2000; k++) {
        const double clear = cell_si(plant, "clear.level"), tower = cell_si(plant, "tower.level");
        plant_advance(plant);
        check_tank(plant, "clear", 60, clear);
        check_tank(plant, "tower", 16, tower);
    }
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("flow.waterworks", nothing_is_raised_while_nothing_is_wrong, every_fault_of_the_story_is_noticed_named_and_answered,
         the_water_that_enters_is_stored_or_leaves, the_balance_of_each_tank_closes_at_every_tick)
