/* Pure delays: what goes in comes out as it was, at its time, through stages, snapshots and quarantine. */
#include "plant/plants.h"

static const char pipe_model[] = "return model 'pipe' {\n"
                                 "  params = { k = { 1, '1' } },\n"
                                 "  inputs = { u = { 0, 'K' } },\n"
                                 "  states = { ramp = { 0, '1' }, sum = { 0, 'K s' }, seen = { 0, '1' } },\n"
                                 "  equations = function(t)\n"
                                 "    local late = delay(t.k * t.u, 1.5, 'late')\n"
                                 "    t.y       = output(late, 'K')\n"
                                 "    t.later   = output(delay(late, quantity(1, 's')), 'K')\n"
                                 "    t.between = output(delay(t.ramp, 1.15), '1')\n"
                                 "    t.ramp.rate, t.sum.rate, t.seen.rate = quantity(1, 's^-1'), late, 0\n"
                                 "    event(above(late, quantity(0.5, 'K')), { seen = t.ramp })\n"
                                 "  end,\n"
                                 "  sensors = { probe = { of = 'y', noise = 1 } },\n"
                                 "}\n";

enum { LATE = 15, LATER = 25 };  // steps of 0.1 s

static Plant *load(const char *text, size_t threads)
{
    Plant *plant;
    ErrText why = {""};
    scripts_write("pipe.lua", pipe_model);
    log_set_level(LOG_ERROR);
    if (plant_load(scripts_write("plant.lua", text), threads, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static Plant *load_one(void)
{
    return load("return plant 'works' { step = 0.1, assets = { p = { 'pipe' } } }", 1);
}

static void advance(Plant *plant, int steps)
{
    for (int i = 0; i < steps; i++)
        plant_advance(plant);
    plant_derive(plant);
}

START_TEST(a_step_arrives_exactly_after_its_time)
{
    Plant *plant = load_one();
    advance(plant, 7);
    *plants_cell(plant, "p.u") = 3;
    for (int k = 1; k <= 40; k++) {
        advance(plant, 1);
        ck_assert_double_eq(*plants_cell(plant, "p.y"), k >= LATE ? 3 : 0);
        ck_assert_double_eq(*plants_cell(plant, "p.later"), k >= LATER ? 3 : 0);
        ck_assert_double_eq_tol(*plants_cell(plant, "p.sum"), k > LATE ? 0.3 * (k - LATE) : 0, 1e-12);  // held over a step, as an input is
        ck_assert_double_eq_tol(*plants_cell(plant, "p.seen"), k >= LATE ? 0.1 * (7 + LATE) : 0, 1e-12);
    }
    plant_destroy(plant);
}
END_TEST

/* A straight line is interpolated without error. */
START_TEST(a_ramp_is_late_by_parts_of_a_step_too)
{
    Plant *plant = load_one();
    for (int k = 1; k <= 100; k++) {
        advance(plant, 1);
        ck_assert_double_eq_tol(*plants_cell(plant, "p.between"), fmax(0, 0.1 * k - 1.15), 1e-12);
    }
    plant_destroy(plant);
}
END_TEST

/* Everything that goes in comes out in its order, whatever it is. */
START_TEST(nothing_is_lost_on_the_way)
{
    Plant *plant = load_one();
    for (int k = 0; k < 200; k++) {
        *plants_cell(plant, "p.u") = sin(k * k);
        advance(plant, 1);
        ck_assert_double_eq(*plants_cell(plant, "p.y"), k + 1 >= LATE ? sin((k + 1 - LATE) * (k + 1 - LATE)) : 0);
    }
    plant_destroy(plant);
}
END_TEST

START_TEST(a_delay_starts_full_of_what_its_twin_starts_with)
{
    Plant *plant = load("return plant 'works' { step = 0.1, assets = { p = { 'pipe', u = 2, k = 4 }, q = { 'pipe', u = 1 } } }", 1);
    ck_assert_double_eq(*plants_cell(plant, "p.y"), 8);
    ck_assert_double_eq(*plants_cell(plant, "p.later"), 8);
    ck_assert_double_eq(*plants_cell(plant, "q.later"), 1);
    *plants_cell(plant, "p.u") = 0;
    advance(plant, LATER - 1);
    ck_assert_double_eq(*plants_cell(plant, "p.y"), 0);
    ck_assert_double_eq(*plants_cell(plant, "p.later"), 8);
    ck_assert_double_eq(*plants_cell(plant, "q.later"), 1);
    plant_destroy(plant);
}
END_TEST

/* Three pipes in a row, all in one block and each in a stage of its own, are as long as their sum. */
START_TEST(delays_add_up_along_connections)
{
    Plant *plant = load("return plant 'works' { step = 0.1, assets = { c = { 'pipe' }, a = { 'pipe' }, b = { 'pipe' } },\n"
                        "  connect = { ['a.y'] = 'b.u', ['b.y'] = 'c.u' } }", 2);
    ck_assert_uint_eq(plant->block_count, 1);
    ck_assert_uint_eq(plant->stage_count, 3);
    *plants_cell(plant, "a.u") = 5;
    for (int k = 1; k <= 60; k++) {
        advance(plant, 1);
        ck_assert_double_eq(*plants_cell(plant, "a.y"), k >= LATE ? 5 : 0);
        ck_assert_double_eq(*plants_cell(plant, "b.y"), k >= 2 * LATE ? 5 : 0);
        ck_assert_double_eq(*plants_cell(plant, "c.y"), k >= 3 * LATE ? 5 : 0);
    }
    plant_destroy(plant);
}
END_TEST

static const char fleet[] = "local assets = {}\n"
                            "for i = 1, 150 do assets['p' .. i] = { 'pipe', k = i } end\n"
                            "return plant 'fleet' { step = 0.1, assets = assets, connect = { ['p7.y'] = 'p8.u', ['p8.later'] = { 'p9.u', 'p140.u' } } }";

static void excite(Plant *plant, int from, int to)
{
    for (int k = from; k < to; k++) {
        *plants_cell(plant, "p7.u") = cos(k);
        *plants_cell(plant, "p100.u") = sin(k);
        advance(plant, 1);
    }
}

START_TEST(what_is_on_the_way_is_in_a_snapshot)
{
    ErrText why = {""};
    Plant *first = load(fleet, 2), *second = load(fleet, 1);
    excite(first, 0, 23);
    const size_t size = plant_snapshot_size(first);
    void *bytes = mem_alloc(size);
    ck_assert_ptr_nonnull(bytes);
    plant_snapshot(first, bytes);
    ck_assert_int_eq(plant_restore(second, bytes, size, &why), ERR_OK);
    for (int k = 23; k < 80; k++) {
        ck_assert_uint_eq(plant_hash(first), plant_hash(second));
        ck_assert_double_eq(*plants_cell(first, "p100.later"), *plants_cell(second, "p100.later"));
        excite(first, k, k + 1);
        excite(second, k, k + 1);
    }
    mem_free(bytes);
    plant_destroy(first);
    plant_destroy(second);
}
END_TEST

START_TEST(a_twin_that_breaks_keeps_what_it_had_and_the_others_go_on)
{
    Plant *healthy = load(fleet, 1), *plant = load(fleet, 2);
    excite(healthy, 0, 30);
    excite(plant, 0, 30);
    const double y = *plants_cell(plant, "p100.y"), ramp = *plants_cell(plant, "p100.ramp");
    *plants_cell(plant, "p100.u") = NAN;
    for (int k = 30; k < 70; k++) {
        *plants_cell(plant, "p7.u") = *plants_cell(healthy, "p7.u") = cos(k);
        advance(plant, 1);
        advance(healthy, 1);
        ck_assert_uint_eq(plant_quarantined(plant), 1);
        ck_assert_double_eq(*plants_cell(plant, "p100.y"), y);
        ck_assert_double_eq(*plants_cell(plant, "p100.ramp"), ramp);
        ck_assert_double_eq(*plants_cell(plant, "p140.y"), *plants_cell(healthy, "p140.y"));
        ck_assert_double_eq(*plants_cell(plant, "p101.between"), *plants_cell(healthy, "p101.between"));
    }
    plant_destroy(healthy);
    plant_destroy(plant);
}
END_TEST

/* A snapshot comes from a file: a place that does not exist is the first. */
START_TEST(a_ring_stays_inside_whatever_its_place_says)
{
    static const double places[] = {-1, 1e300, NAN, INFINITY, 14.5, 15, 4096};
    Plant *plant = load_one();
    const Delay *delay = &plant_model(plant, 0)->delays[0];
    ck_assert_uint_eq(delay->length, LATE);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        *plant_cell(plant, 0, delay->ring) = places[i];
        advance(plant, 1);
        ck_assert_double_eq(*plant_cell(plant, 0, delay->ring), 0);
    }
    ck_assert_uint_eq(plant_quarantined(plant), 0);
    plant_destroy(plant);
}
END_TEST

/* Nothing in a sample can be known of what entered long ago: the covariance does not see through a delay. */
START_TEST(the_filter_takes_a_delayed_value_as_known)
{
    Plant *plant = load("return plant 'works' { step = 0.1, assets = { p = { 'pipe' } } }", 1);
    const Model *model = plant_model(plant, 0);
    for (size_t lane = 0; lane < LANES; lane++)
        plant->blocks[0].columns[(size_t)model->sensors[0].mask * LANES + lane] = 1;
    program_run(&model->sensors[0].measure, plant->blocks[0].columns, &plant->scratch[0]);
    ck_assert_double_eq(*plant_cell(plant, 0, model->sensors[0].innovation_variance), 1);  // the noise of the sensor alone
    plant_destroy(plant);
}
END_TEST

static Err load_with(const char *equation, ErrText *why, const char **path)
{
    char text[2048];
    Model *model = NULL;
    snprintf(text, sizeof text, "return model 'm' {\n  params = { p = { 1, 's' } },\n  states = { x = { 1, 'm' } },\n  equations = function(t)\n    %s\n    t.x.rate = 0\n  end,\n}\n", equation);
    *path = scripts_write("refused.lua", text);
    const Err err = model_load(*path, 0.1, &model, why);
    model_destroy(model);
    return err;
}

START_TEST(delays_are_refused_at_their_line)
{
    static const struct {
        const char *equation, *expected;
        int line;
    } cases[] = {
        {"delay(t.x, 0.05)", "delay: 0.05 s is shorter than a step, 0.1 s", 5},
        {"delay(t.x, 0)", "is shorter than a step", 5},
        {"delay(t.x, -3)", "is shorter than a step", 5},
        {"delay(t.x, 0 / 0)", "is shorter than a step", 5},
        {"delay(t.x, 1 / 0)", "a model keeps 4096 at most, and 4096 are left", 5},
        {"delay(t.x, 409.7)", "delay: 409.7 s are 4097.0 values to keep, one per step; a model keeps 4096 at most, and 4096 are left", 5},
        {"delay(t.x, 400) delay(t.x, 9.7)", "a model keeps 4096 at most, and 96 are left", 5},
        {"delay(t.x, 409.55) delay(t.x, 0.1)", "and 0 are left", 5},
        {"delay(t.x, t.x)", "delay: its second argument is a time, this has m", 5},
        {"delay(t.x, t.p)", "delay: its time is fixed when the script loads", 5},
        {"delay(t.x)", "expected a number or a value of the model, got no value", 5},
        {"delay(t.x, 1, 'a b')", "delay: \"a b\" is no name", 5},
        {"for i = 1, 33 do delay(t.x, 1) end", "delay: more than 32 in one model", 5},
        {"t.y = output(delay(t.x, 1), 's')", "dimensions differ", 5},
        {"delay(sqrt(-t.x / quantity(1, 'm')), 1, 'root')", "the delay \"root\" has no finite value to start from", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ErrText why = {""};
        const char *path;
        ck_assert_msg(load_with(cases[i].equation, &why, &path) == ERR_SCRIPT, "taken: %s", cases[i].equation);
        scripts_expect(&why, path, cases[i].line, cases[i].expected);
    }
}
END_TEST

START_TEST(a_model_keeps_4096_values_and_lags_and_delays_follow_each_other)
{
    ErrText why = {""};
    const char *path;
    ck_assert_msg(load_with("delay(t.x, 300) delay(t.x, 109.6)", &why, &path) == ERR_OK, "%s", why.text);
    ck_assert_msg(load_with("delay(t.x, quantity(1, 'min'))", &why, &path) == ERR_OK, "%s", why.text);
    ck_assert_msg(load_with("t.y = output(lag(delay(lag(delay(t.x, 1), 2), 3), 4), 'm')", &why, &path) == ERR_OK, "%s", why.text);
}
END_TEST

KIT_MAIN("plant.delay", a_step_arrives_exactly_after_its_time, a_ramp_is_late_by_parts_of_a_step_too, nothing_is_lost_on_the_way,
         a_delay_starts_full_of_what_its_twin_starts_with, delays_add_up_along_connections, what_is_on_the_way_is_in_a_snapshot,
         a_twin_that_breaks_keeps_what_it_had_and_the_others_go_on, a_ring_stays_inside_whatever_its_place_says, the_filter_takes_a_delayed_value_as_known,
         delays_are_refused_at_their_line, a_model_keeps_4096_values_and_lags_and_delays_follow_each_other)
