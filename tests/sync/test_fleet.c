/* Twins side by side: what is said of one is said of that one alone. */
#include "fleet.h"

static void expect_text(const Verdict *verdict, const char *start, const char *what)
{
    ck_assert_msg(strncmp(verdict->text, start, strlen(start)) == 0, "expected %s in front of \"%s\"", start, verdict->text);
    ck_assert_msg(strstr(verdict->text, what), "expected \"%s\" in \"%s\"", what, verdict->text);
    ck_assert_uint_lt(strlen(verdict->text), sizeof verdict->text - 1);  // not cut short
}

START_TEST(of_many_twins_only_the_one_with_the_bad_sensor_is_named)
{
    enum { TANKS = 70, BAD = 66 };  // in the second block
    Rig rig = rig_open(&(FleetDef){.tanks = TANKS});
    sync_begin(rig.sync, at(0));
    rig_run(&rig, 0, 40, BAD, 0, 0);
    rig_run(&rig, 40, 60, BAD, 0, -0.5);
    for (uint32_t twin = 0; twin < TANKS; twin++) {
        const Verdict *verdict = sync_verdict(rig.sync, twin);
        ck_assert_int_eq(verdict->kind, twin == BAD ? VERDICT_SENSOR : VERDICT_NONE);
        ck_assert_int_eq(sync_sensor_quality(rig.sync, twin, LOWER), twin == BAD ? SENSOR_DIVERGED : SENSOR_GOOD);
        ck_assert_int_eq(sync_sensor_quality(rig.sync, twin, UPPER), SENSOR_GOOD);
        ck_assert_double_eq_tol(plant_value(rig.plant, plant_tag(rig.plant, twin, rig.level)), 1, 0.05);
        ck_assert_int_eq(verdict->nis >= verdict->nis_limit, twin == BAD);
    }
    expect_text(sync_verdict(rig.sync, BAD), "tank067: lower reads 0.5", "m too low");
    rig_close(&rig);
}
END_TEST

START_TEST(a_process_that_has_parted_is_told_at_the_end_of_its_tick_and_followed)
{
    Rig rig = rig_open(&(FleetDef){.tanks = 2});
    sync_begin(rig.sync, at(0));
    rig_run(&rig, 0, 40, 0, 0, 0);
    int s = 40;
    for (; sync_verdict(rig.sync, 0)->kind == VERDICT_NONE && s < 60; s++)
        rig_run(&rig, s, s + 1, 0, 0.08, 0.08);
    ck_assert_int_eq(sync_verdict(rig.sync, 0)->kind, VERDICT_PROCESS);
    ck_assert_int_eq(sync_verdict(rig.sync, 0)->since, at(s));
    expect_text(sync_verdict(rig.sync, 0), "tank001: explained by level having risen", " m");
    ck_assert_int_eq(sync_verdict(rig.sync, 1)->kind, VERDICT_NONE);
    rig_run(&rig, s, 80, 0, 0.08, 0.08);
    ck_assert_double_eq_tol(plant_value(rig.plant, plant_tag(rig.plant, 0, rig.level)), 1.08, 0.02);
    rig_close(&rig);
}
END_TEST

START_TEST(with_one_sensor_the_text_names_what_cannot_be_told_apart)
{
    Rig rig = rig_open(&(FleetDef){.sensors = FLEET_ONE_GAUGE});
    sync_begin(rig.sync, at(0));
    for (int s = 0; s < 60 && sync_verdict(rig.sync, 0)->kind == VERDICT_NONE; s++) {
        rig_file(&rig, sample_of(&rig, 0, rig.upper, s + 0.5, (s < 40 ? 1 : 0.7) + 0.001 * (s % 3)));
        rig_tick(&rig);
    }
    ck_assert_int_eq(sync_verdict(rig.sync, 0)->kind, VERDICT_SENSOR);
    expect_text(sync_verdict(rig.sync, 0), "tank001: upper reads 0.3 m too low", "(or level)");
    rig_close(&rig);
}
END_TEST

START_TEST(an_innovation_is_that_of_the_twins_own_newest_sample)
{
    Rig rig = rig_open(&(FleetDef){.tanks = 2});
    double innovation, sd, later, later_sd;
    sync_begin(rig.sync, at(0));
    ck_assert(!sync_innovation(rig.sync, 0, UPPER, &innovation, &sd));
    rig_file(&rig, sample_of(&rig, 0, rig.upper, 0.5, 1.02));
    rig_tick(&rig);
    ck_assert(sync_innovation(rig.sync, 0, UPPER, &innovation, &sd));
    ck_assert_double_eq_tol(innovation, 0.02, 1e-9);  // the tank was at rest at 1 m
    ck_assert_double_eq_tol(sd, hypot(0.01, 0.01), 1e-4);
    ck_assert(!sync_innovation(rig.sync, 1, UPPER, &later, &later_sd));

    rig_file(&rig, sample_of(&rig, 1, rig.upper, 1.5, 0.9));
    rig_tick(&rig);
    ck_assert(sync_innovation(rig.sync, 0, UPPER, &later, &later_sd));
    ck_assert_double_eq(later, innovation);
    ck_assert_double_eq(later_sd, sd);
    rig_close(&rig);
}
END_TEST

/* Every sample is tested five times, so the fast sensor brings most of the false alarms. Siegmund's run length by the C library's exp. */
START_TEST(sensors_of_different_pace_share_the_false_alarms_by_their_samples)
{
    Plant *plant = fleet_load(&(FleetDef){.sensors = FLEET_ONE_GAUGE ", lower = { of = \"level\", noise = 0.01, unit = \"m\", every = 100 }"});
    DetectLimits limits;
    detect_limits(plant->models[0], &limits);
    const double b = limits.cusum + 1.166, samples = 30 * 86400.0 * 5 * (1 + 1 / 100.0);
    ck_assert_double_eq_tol((exp(2 * b) - 2 * b - 1) / 2 / samples, 1, 1e-9);
    plant_destroy(plant);
    unit_forget_all();
}
END_TEST

KIT_MAIN("sync.fleet", of_many_twins_only_the_one_with_the_bad_sensor_is_named, a_process_that_has_parted_is_told_at_the_end_of_its_tick_and_followed,
         with_one_sensor_the_text_names_what_cannot_be_told_apart, an_innovation_is_that_of_the_twins_own_newest_sample,
         sensors_of_different_pace_share_the_false_alarms_by_their_samples)
