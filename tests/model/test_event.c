/* Events: what is set at the end of a step, compared with closed forms. */
#include <math.h>

#include "model/scripts.h"

static Model *model;
static double *block;
static Scratch scratch;

static void load(const char *text, double step)
{
    model = scripts_model(text, step);
    block = mem_alloc((size_t)model->column_count * LANES * sizeof *block);
    ck_assert_int_eq(scratch_init(&scratch, model->registers_max), ERR_OK);
    model_fill(model, block);
    program_run(&model->prepare, block, &scratch);
}

static void unload(void)
{
    scratch_fini(&scratch);
    mem_free(block);
    model_destroy(model);
}

static double *cell(const char *name)
{
    return &block[scripts_channel(model, name)->column * (size_t)LANES];
}

static double variance(const char *name)
{
    return block[scripts_channel(model, name)->variance * (size_t)LANES];
}

static void step(int count)
{
    for (int i = 0; i < count; i++)
        program_run(&model->predict, block, &scratch);
}

static const char ball[] = "return model 'ball' {\n"
                           "  states = { height = { 5, 'm', sd = 0.01 }, speed = { 0, 'm/s' }, bounces = { 0, '1' } },\n"
                           "  equations = function(t)\n"
                           "    t.height.rate, t.speed.rate, t.bounces.rate = t.speed, -g, 0\n"
                           "    event(below(t.height, 0), { height = -0.8 * t.height, speed = -0.8 * t.speed, bounces = t.bounces + 1 })\n"
                           "  end,\n"
                           "}\n";

/* It falls for sqrt(2 h / g), and every flight after that takes 0.8 of the one before. */
static double ball_height(double time)
{
    const double fall = sqrt(2 * 5 / 9.80665);
    double flight = 2 * fall, up = 9.80665 * fall;
    if (time < fall)
        return 5 - 9.80665 / 2 * time * time;
    for (time -= fall;; time -= flight) {
        flight *= 0.8, up *= 0.8;
        if (time < flight)
            return up * time - 9.80665 / 2 * time * time;
    }
}

/* The largest distance to the closed form over the first three bounces. */
static double ball_error(double h)
{
    double worst = 0;
    load(ball, h);
    for (int k = 1; k * h < 4; k++) {
        step(1);
        worst = fmax(worst, fabs(*cell("height") - ball_height(k * h)));
    }
    ck_assert_double_eq(*cell("bounces"), 3);
    unload();
    return worst;
}

/* A bounce that is late by a part of a step h turns a speed that is up to g h too high: until the next one, at most 1.62 s later, the ball gets
 * 1.8 g h 1.62 s = 29 m/s h ahead, and around that one, which comes 3.6 h later, it is apart by the 14 m/s of both directions: 100 m/s h covers the
 * sum of three. The error goes with the step. */
START_TEST(a_ball_bounces_as_the_closed_form_says_to_the_order_of_the_step)
{
    const double coarse = ball_error(1.0 / 256), fine = ball_error(1.0 / 4096);
    ck_assert_double_lt(coarse, 100.0 / 256);
    ck_assert_double_lt(fine, 100.0 / 4096);
    ck_assert_double_lt(fine, coarse / 4);
}
END_TEST

/* At a bounce the height is turned over, so what is not known of it stays what it was but for the loss, as the equations' own Jacobian has it. */
START_TEST(the_filter_differentiates_the_side_that_is_taken)
{
    load(ball, 1.0 / 256);
    double before = 0;
    while (*cell("bounces") == 0) {
        before = variance("height");
        step(1);
    }
    ck_assert_double_eq_tol(before, 1e-4, 1e-18);
    ck_assert_double_eq_tol(variance("height"), 0.64e-4, 1e-17);
    ck_assert_double_eq(variance("bounces"), 0);
    unload();
}
END_TEST

/* A batch: filled at 2 l/s up to 100 l, emptied at 4 l/s down to 10 l, and so on. */
static const char batch[] = "return model 'batch' {\n"
                            "  params = { fill = { 2, 'l/s' }, drain = { 4, 'l/s' } },\n"
                            "  states = { volume = { 10, 'l', sd = 1, noise = 0.1 }, filling = { 1, '1' }, done = { 0, '1' } },\n"
                            "  equations = function(t)\n"
                            "    t.volume.rate = select(t.filling, t.fill, -t.drain)\n"
                            "    t.filling.rate, t.done.rate = 0, 0\n"
                            "    event(above(t.volume, quantity(100, 'l')), { filling = 0 }, 'full')\n"
                            "    event(below(t.volume, quantity(10, 'l')), { filling = 1, done = t.done + 1 }, 'empty')\n"
                            "  end,\n"
                            "  sensors = { gauge = { of = 'volume', noise = 1 } },\n"
                            "}\n";

/* 90 l take 45 s up and 22.5 s down; the levels are passed by less than a step each time. */
START_TEST(a_batch_tank_fills_and_empties_between_two_levels)
{
    const double h = 1.0 / 64;
    load(batch, h);
    for (int k = 1; k <= 300 * 64; k++) {
        step(1);
        ck_assert_double_ge(*cell("volume"), 0.010 - 0.004 * h - 1e-12);
        ck_assert_double_le(*cell("volume"), 0.100 + 0.002 * h + 1e-12);
        ck_assert(*cell("filling") == 0 || *cell("filling") == 1);
        if (k == 44 * 64 || k == 70 * 64)
            ck_assert_double_eq(*cell("filling"), 1);
        if (k == 46 * 64 || k == 67 * 64)
            ck_assert_double_eq(*cell("filling"), 0);
    }
    ck_assert_double_eq(*cell("done"), 4);
    ck_assert_double_eq(variance("filling"), 0);  // nobody doubts what is set
    ck_assert_double_eq(variance("done"), 0);
    unload();
}
END_TEST

/* A sample moves what is uncertain, and nothing else. */
START_TEST(a_discrete_state_is_not_corrected)
{
    load(batch, 0.5);
    step(10);
    const Sensor *gauge = &model->sensors[0];
    for (size_t lane = 0; lane < LANES; lane++) {
        block[gauge->mask * (size_t)LANES + lane] = 1;
        cell("gauge")[lane] = 0.050;
    }
    const double expected = *cell("volume");
    program_run(&gauge->measure, block, &scratch);
    program_run(&gauge->correct, block, &scratch);
    ck_assert_double_gt(*cell("volume"), expected);
    ck_assert_double_eq(*cell("filling"), 1);
    ck_assert_double_eq(*cell("done"), 0);
    unload();
}
END_TEST

static const char relief[] = "return model 'relief' {\n"
                             "  inputs = { pressure = { 0, 'bar' } },\n"
                             "  states = { open = { 0, '1' }, lifts = { 0, '1' } },\n"
                             "  equations = function(t)\n"
                             "    t.open.rate, t.lifts.rate = 0, 0\n"
                             "    event(above(t.pressure, quantity(5, 'bar')), { open = 1, lifts = t.lifts + 1 })\n"
                             "    event(below(t.pressure, quantity(4, 'bar')), { open = 0 })\n"
                             "  end,\n"
                             "}\n";

START_TEST(a_relief_valve_opens_high_and_shuts_low)
{
    static const struct {
        double bar, open, lifts;
    } steps[] = {{3, 0, 0}, {4.5, 0, 0}, {5.5, 1, 1}, {6, 1, 1}, {4.5, 1, 1}, {5.5, 1, 2}, {4.5, 1, 2}, {3.5, 0, 2}, {4.5, 0, 2}, {5.5, 1, 3}};
    load(relief, 0.1);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        *cell("pressure") = steps[i].bar * 1e5;
        step(1);
        ck_assert_double_eq(*cell("open"), steps[i].open);
        ck_assert_double_eq(*cell("lifts"), steps[i].lifts);
        step(3);  // while nothing changes nothing happens
        ck_assert_double_eq(*cell("lifts"), steps[i].lifts);
    }
    ck_assert_double_eq(cell("open")[1], 0);  // the other lanes had no pressure
    unload();
}
END_TEST

/* Each event sees what those before it did; one that a later event makes true happens a step later, and none is lost. */
static const char chain[] = "return model 'chain' {\n"
                            "  states = { x = { 0, '1' }, a = { 0, '1' }, b = { 0, '1' }, c = { 0, '1' }, low = { 3, '1', min = 1 } },\n"
                            "  equations = function(t)\n"
                            "    t.x.rate, t.a.rate, t.b.rate, t.c.rate, t.low.rate = quantity(1, 's^-1'), 0, 0, 0, 0\n"
                            "    event(above(t.c, 0), { a = t.a + 1 })\n"
                            "    event(above(t.x, 2.5), { b = 5, c = t.b })\n"
                            "    event(above(t.b, 4), { c = t.c + t.b, b = 7 })\n"
                            "    event(above(t.x, 0.5), { low = t.x - 100 })\n"
                            "  end,\n"
                            "}\n";

START_TEST(events_happen_in_the_order_in_which_they_are_written)
{
    load(chain, 1);
    step(2);
    ck_assert_double_eq(*cell("low"), 1);  // -99, projected
    ck_assert_double_eq(*cell("b"), 0);
    step(1);
    ck_assert_double_eq(*cell("c"), 5);  // the second event set it to 0, the third added 5
    ck_assert_double_eq(*cell("b"), 7);
    ck_assert_double_eq(*cell("a"), 0);
    step(1);
    ck_assert_double_eq(*cell("a"), 1);
    step(5);
    ck_assert_double_eq(*cell("a"), 1);
    ck_assert_double_eq(*cell("c"), 5);
    unload();
}
END_TEST

START_TEST(what_is_true_at_the_start_happens_in_the_first_step)
{
    load(relief, 0.1);
    *cell("pressure") = 9e5;
    step(1);
    ck_assert_double_eq(*cell("open"), 1);
    unload();
}
END_TEST

/* Lags lie between the states and what else the block holds: an event finds all of it where it has moved. */
START_TEST(events_and_lags_go_together)
{
    load("return model 'm' {\n"
         "  params = { k = { 1, '1', estimate = 0.1 } },\n"
         "  inputs = { u = { 0, '1' } },\n"
         "  states = { n = { 0, '1' }, z = { 0, '1' } },\n"
         "  equations = function(t)\n"
         "    local felt = lag(t.u, 2, 'felt')\n"
         "    t.n.rate, t.z.rate = 0, 0\n"
         "    event(above(felt, 0.5), { z = felt, n = t.k })\n"
         "  end }", 0.125);
    *cell("u") = 1;
    const int wait = (int)ceil(2 * log(2) / 0.125);
    step(wait - 1);
    ck_assert_double_eq(*cell("n"), 0);
    step(1);
    ck_assert_double_eq(*cell("n"), 1);
    ck_assert_double_eq_tol(*cell("z"), 1 - exp(-wait * 0.125 / 2), 1e-6);
    unload();
}
END_TEST

static void expect_refusal(const char *equation, const char *expected)
{
    char text[2048];
    Model *refused;
    ErrText why = {""};
    snprintf(text, sizeof text, "return model 'm' {\n  params = { p = { 1, '1' } },\n  states = { x = { 1, 'm' }, T = { 1, '1', count = 2 } },\n  equations = function(t)\n"
             "    %s\n    t.x.rate, t.T[1].rate, t.T[2].rate = 0, 0, 0\n  end,\n}\n", equation);
    const char *path = scripts_write("refused.lua", text);
    ck_assert_msg(model_load(path, 0.1, &refused, &why) != ERR_OK, "taken: %s", equation);
    scripts_expect(&why, path, 5, expected);
}

START_TEST(events_are_refused_at_their_line)
{
    expect_refusal("event(t.x, { x = 0 })", "event: the condition is 1 or 0, as above(a, b) gives it; this has m");
    expect_refusal("event(true, { x = 0 })", "expected a number or a value of the model, got boolean");
    expect_refusal("event(1)", "table expected, got no value");
    expect_refusal("event(1, {})", "event: it sets nothing");
    expect_refusal("event(1, { x = 2 })", "event: dimensions differ: the state \"x\" has m, its new value no dimension");
    expect_refusal("event(1, { T_1 = t.x })", "event: dimensions differ: the state \"T_1\" has no dimension, its new value m");
    expect_refusal("event(1, { p = 2 })", "event: \"p\" is no state of the model");
    expect_refusal("event(1, { T = 2 })", "event: \"T\" is no state of the model");
    expect_refusal("event(1, { 2 })", "event: \"number\" is no state of the model");
    expect_refusal("event(1, { x = 'high' })", "expected a number or a value of the model, got string");
    expect_refusal("event(1, { x = 0 }, 7, {})", "event: its name is a text");
    expect_refusal("event(1, { x = 2 }, 'shut')", "event \"shut\": dimensions differ");
    expect_refusal("for i = 1, 33 do event(1, { x = 0 }) end", "event: more than 32 in one model");

    Model *refused;
    ErrText why = {""};
    const char *path = scripts_write("refused.lua", "return model 'm' { states = { x = { 1, '1' } }, equations = function(t) t.x.rate = 0 end,\n"
                                                    "  sensors = { probe = { noise = 1, of = function(t) event(1, { x = 0 }) return t.x end } } }");
    ck_assert_int_eq(model_load(path, 0.1, &refused, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 2, "a sensor's function cannot have an event");
}
END_TEST

KIT_MAIN("model.event", a_ball_bounces_as_the_closed_form_says_to_the_order_of_the_step, the_filter_differentiates_the_side_that_is_taken,
         a_batch_tank_fills_and_empties_between_two_levels, a_discrete_state_is_not_corrected, a_relief_valve_opens_high_and_shuts_low,
         events_happen_in_the_order_in_which_they_are_written, what_is_true_at_the_start_happens_in_the_first_step, events_and_lags_go_together,
         events_are_refused_at_their_line)
