/* The office building: rooms that feed each other stay with their twins, every fault of its day is noticed and answered, and heat is conserved. */
#include "flow/rehearsal.h"

#define PLANT POLLUX_SOURCE "/twins/plants/hvac.lua"

static double cell_si(const Plant *plant, const char *name)
{
    const TagId tag = tags_find(plant->tags, name);
    ck_assert_msg(tag != TAG_NONE, "no tag %s", name);
    return plant_value(plant, tag);
}

static double room_si(const Plant *plant, int floor, int number, const char *channel)
{
    char name[64];
    snprintf(name, sizeof name, "room_%d%d.%s", floor, number, channel);
    return cell_si(plant, name);
}

/* Once the building has found its temperatures, thermostats keep every room between 20 and 22.5 degC. */
static void see_comfort(Rehearsal *rehearsal)
{
    for (int floor = 1; floor <= 3 && rehearsal_seconds(rehearsal) > 7200; floor++)
        for (int number = 1; number <= 4; number++) {
            const double celsius = room_si(castor_plant(rehearsal->castor), floor, number, "T_air") - 273.15;
            ck_assert_msg(celsius > 20 && celsius < 22.5, "room_%d%d has %g degC after %g s", floor, number, celsius, rehearsal_seconds(rehearsal));
        }
}

START_TEST(nothing_is_raised_while_nothing_is_wrong)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        Rehearsal rehearsal;
        rehearsal_open(&rehearsal, PLANT, seed, false);
        rehearsal.stepped = see_comfort;
        rehearsal_run(&rehearsal, 24 * 3600);
        rehearsal_expect_quiet(&rehearsal);
        ck_assert_uint_eq(rehearsal.command_count, 0);
        ck_assert_double_eq_tol(rehearsal.nis / (double)rehearsal.nis_count, 1, 0.01 + 4 * sqrt(2 / (double)rehearsal.nis_count));
        rehearsal_close(&rehearsal);
    }
}
END_TEST

static const Chapter story[] = {
    {"room_22", 28800, 600, VERDICT_PROCESS, "gains"},
    {"heat_33", 43200, 1800, VERDICT_PROCESS, "passes"},
    {"room_14", 68400, 1800, VERDICT_SENSOR, "thermometer"},
    {"heat_11", 79200, 600, VERDICT_SILENCE, "surface"},
};

static void expect_alarm(const Rehearsal *rehearsal, const char *twin, const char *name)
{
    for (size_t i = 0; i < rehearsal->note_count; i++)
        if (rehearsal->notes[i].kind == VERDICT_NONE && strcmp(rehearsal->notes[i].twin, twin) == 0 && strcmp(rehearsal->notes[i].text, name) == 0)
            return;
    ck_abort_msg("no alarm %s of %s", name, twin);
}

/* A window: the heat is held back, and the room gets cold all the same. A valve: the three rooms around are kept warmer until it works again. */
START_TEST(every_fault_of_the_day_is_noticed_named_and_answered)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        Rehearsal rehearsal;
        rehearsal_open(&rehearsal, PLANT, seed, true);
        rehearsal_run(&rehearsal, 23 * 3600);
        for (size_t i = 0; i < sizeof story / sizeof *story; i++)
            rehearsal_expect_chapter(&rehearsal, &story[i]);

        expect_alarm(&rehearsal, "room_22", "cold");
        rehearsal_expect_command(&rehearsal, "room_22.setpoint", 12, 28800, 30600);
        rehearsal_expect_command(&rehearsal, "room_22.setpoint", 21, 36000, 37800);
        const char *const around[] = {"room_32.setpoint", "room_34.setpoint", "room_23.setpoint"};
        for (int i = 0; i < 3; i++) {
            rehearsal_expect_command(&rehearsal, around[i], 22, 43200, 50400);
            rehearsal_expect_command(&rehearsal, around[i], 21, 61200, 64800);
        }
        ck_assert_uint_eq(alarms_handler_errors(rehearsal.app->alarms), 0);
        rehearsal_close(&rehearsal);
    }
}
END_TEST

static void set_gains(Plant *plant, const char *room, double watts)
{
    const uint32_t twin = (uint32_t)plant_find(plant, room);
    const Model *model = plant_model(plant, twin);
    *plant_cell(plant, twin, model->channels[model_find(model, "gains")].column) = watts;
}

/* One room loses more than its radiator gives, another gains much. When temperatures rest, what goes through inner walls and floors leaves one room and
 * enters another: over all rooms it sums to nothing. */
START_TEST(heat_between_rooms_is_neither_made_nor_lost)
{
    Plant *plant;
    ErrText why = {""};
    ck_assert_msg(plant_load(PLANT, 1, &plant, &why) == ERR_OK, "%s", why.text);
    set_gains(plant, "room_22", -1500);
    set_gains(plant, "room_34", 700);
    for (int minutes = 0; minutes < 20 * 24 * 60; minutes++)
        plant_advance(plant);
    plant_derive(plant);

    double sum = 0, passed = 0;
    for (int floor = 1; floor <= 3; floor++)
        for (int number = 1; number <= 4; number++) {
            sum += room_si(plant, floor, number, "neighbours");
            passed += fabs(room_si(plant, floor, number, "neighbours"));
        }
    ck_assert_double_gt(passed, 1000);
    ck_assert_double_lt(fabs(sum), 1e-6 * passed);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("flow.hvac", nothing_is_raised_while_nothing_is_wrong, every_fault_of_the_day_is_noticed_named_and_answered,
         heat_between_rooms_is_neither_made_nor_lost)
