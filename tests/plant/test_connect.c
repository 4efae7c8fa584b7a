/* Connections: what feeds what, in which order, and what is refused. */
#include <math.h>

#include "model/scripts.h"
#include "plant/castor.h"
#include "plant/plant.h"

#define STEP 0.125  // exact in binary, so that closed forms are exact too

/* x integrates its slope and what comes in; y passes on what comes in. */
static const char node[] = "return model 'node' {\n"
                           "  params = { gain = { 1, '1' }, slope = { 0, 's^-1' } },\n"
                           "  inputs = { u = { 0, '1', min = -1000, max = 1000 }, w = { 0, 'm' } },\n"
                           "  states = { x = { 0, '1' } },\n"
                           "  equations = function(t)\n"
                           "    t.y = output(t.gain * t.u, '1')\n"
                           "    t.root = output(sqrt(t.x), '1')\n"
                           "    t.x.rate = t.u / quantity(1, 's') + t.slope\n"
                           "  end,\n"
                           "  sensors = { probe = { of = 'x', noise = 1 } },\n"
                           "}\n";

static const char *write_plant(const char *assets, const char *connect)
{
    static char text[8192];
    scripts_write("node.lua", node);
    snprintf(text, sizeof text, "return plant 'net' { step = 0.125, clock = 'provider',\n  assets = { %s },\n  connect = { %s },\n}\n", assets, connect);
    return scripts_write("net.lua", text);
}

static Plant *load(const char *path, size_t threads)
{
    Plant *plant;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    if (plant_load(path, threads, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static Plant *net(const char *assets, const char *connect)
{
    return load(write_plant(assets, connect), 1);
}

static TagId tag_of(const Plant *plant, const char *name)
{
    const TagId tag = tags_find(plant->tags, name);
    ck_assert_msg(tag != TAG_NONE, "no tag %s", name);
    return tag;
}

static double value_of(const Plant *plant, const char *name)
{
    return plant_value(plant, tag_of(plant, name));
}

static void set(Plant *plant, const char *name, double value)
{
    const Place place = plant_place(plant, tag_of(plant, name));
    *plant_cell(plant, place.twin, plant_model(plant, place.twin)->channels[place.channel].column) = value;
}

static void tick(Plant *plant)
{
    plant_advance(plant);
    plant_derive(plant);
}

static const Connection *connection_to(const Plant *plant, const char *name)
{
    const Place place = plant_place(plant, tag_of(plant, name));
    for (uint32_t i = 0; i < plant->connection_count; i++)
        if (plant->connections[i].to.twin == place.twin && plant->connections[i].to.channel == place.channel)
            return &plant->connections[i];
    ck_abort_msg("nothing feeds %s", name);
}

/* Three integrators in a row: with the values of the same tick, x2 is the sum of what x1 became, and x3 the sum of that. The names are
 * against the order, and all three lie in one block. */
START_TEST(a_chain_is_followed_within_the_tick)
{
    Plant *plant = net("c1 = { 'node', slope = 1 }, b2 = { 'node' }, a3 = { 'node' }", "['c1.x'] = 'b2.u', ['b2.x'] = 'a3.u'");
    ck_assert_uint_eq(plant->stage_count, 3);
    double x1 = 0, x2 = 0, x3 = 0;
    for (int i = 0; i < 50; i++) {
        tick(plant);
        x1 += STEP, x2 += STEP * x1, x3 += STEP * x2;
        ck_assert_double_eq(value_of(plant, "c1.x"), x1);
        ck_assert_double_eq_tol(value_of(plant, "b2.x"), x2, 1e-12 * x2);
        ck_assert_double_eq_tol(value_of(plant, "a3.x"), x3, 1e-12 * x3);
    }
    ck_assert_uint_eq(plant->delayed_count, 0);
    plant_destroy(plant);
}
END_TEST

/* y is algebraic, so what moves at one end of a row of them is at the other end in the same tick. */
START_TEST(outputs_that_only_pass_on_do_not_delay)
{
    Plant *plant = net("d1 = { 'node', slope = 8 }, c2 = { 'node', gain = 2 }, b3 = { 'node', gain = 3 }, a4 = { 'node', gain = 5 }",
                       "['d1.x'] = 'c2.u', ['c2.y'] = 'b3.u', ['b3.y'] = 'a4.u'");
    for (int i = 1; i <= 20; i++) {
        tick(plant);
        ck_assert_double_eq(value_of(plant, "a4.u"), 6.0 * i);
        ck_assert_double_eq(value_of(plant, "a4.y"), 30.0 * i);
    }
    plant_destroy(plant);
}
END_TEST

/* Two that feed each other: each takes what the other was at the end of the tick before, so neither name goes first. */
START_TEST(a_loop_takes_the_values_of_the_tick_before)
{
    Plant *plant = net("a = { 'node', x = 1 }, b = { 'node', x = 3 }", "['a.x'] = 'b.u', ['b.x'] = 'a.u'");
    ck_assert_uint_eq(plant->delayed_count, 2);
    ck_assert_uint_eq(plant->stage_count, 1);
    double a = 1, b = 3;
    for (int i = 0; i < 20; i++) {
        tick(plant);
        const double before = a;
        a += STEP * b;
        b += STEP * before;
        ck_assert_double_eq_tol(value_of(plant, "a.x"), a, 1e-12 * a);
        ck_assert_double_eq_tol(value_of(plant, "b.x"), b, 1e-12 * b);
    }
    plant_destroy(plant);
}
END_TEST

START_TEST(only_what_is_inside_a_loop_is_delayed)
{
    // in -> (a -> b -> c -> a) -> out, and c also feeds itself by another input
    Plant *plant = net("source = { 'node', slope = 1 }, a = { 'node' }, b = { 'node' }, c = { 'node' }, out = { 'node' }, own = { 'node', x = 2 }",
                       "['a.x'] = 'b.u', ['b.x'] = { 'c.u', 'out.u' }, ['c.x'] = 'a.u', ['own.x'] = 'own.u'");
    ck_assert_uint_eq(plant->connection_count, 5);
    ck_assert_uint_eq(plant->delayed_count, 4);
    ck_assert(connection_to(plant, "a.u")->delayed);
    ck_assert(connection_to(plant, "b.u")->delayed);
    ck_assert(connection_to(plant, "c.u")->delayed);
    ck_assert(connection_to(plant, "own.u")->delayed);
    ck_assert(!connection_to(plant, "out.u")->delayed);
    for (uint32_t i = 0; i < plant->connection_count; i++)
        ck_assert(plant->connections[i].delayed == (i < plant->delayed_count));
    tick(plant);
    ck_assert_double_eq_tol(value_of(plant, "own.x"), 2 + STEP * 2, 1e-12);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_twin_between_two_loops_is_in_neither)
{
    Plant *plant = net("a = { 'node' }, b = { 'node' }, m = { 'node' }, c = { 'node' }, d = { 'node' }, e = { 'node' }",
                       "['a.x'] = 'b.u', ['b.x'] = { 'a.u', 'm.u' }, ['m.x'] = 'e.u', ['e.x'] = 'c.u', ['c.x'] = 'd.u'");
    ck_assert_uint_eq(plant->delayed_count, 2);
    ck_assert(!connection_to(plant, "m.u")->delayed);
    ck_assert_uint_eq(connection_to(plant, "m.u")->stage, 1);
    ck_assert_uint_eq(connection_to(plant, "d.u")->stage, 4);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_parameter_makes_no_loop)
{
    Plant *plant = net("a = { 'node', gain = 7 }, b = { 'node' }", "['a.gain'] = 'b.u', ['b.x'] = 'a.u'");
    ck_assert_uint_eq(plant->delayed_count, 0);
    tick(plant);
    ck_assert_double_eq(value_of(plant, "b.u"), 7);
    ck_assert_double_eq_tol(value_of(plant, "a.u"), 7 * STEP, 1e-12);
    plant_destroy(plant);
}
END_TEST

START_TEST(what_comes_in_is_kept_within_the_limits_of_the_input)
{
    Plant *plant = net("a = { 'node', x = 3000 }, b = { 'node' }", "['a.x'] = 'b.u'");
    tick(plant);
    ck_assert_double_eq(value_of(plant, "b.u"), 1000);
    set(plant, "a.x", -3000);
    tick(plant);
    ck_assert_double_eq(value_of(plant, "b.u"), -1000);
    plant_destroy(plant);
}
END_TEST

/* [I3] */
START_TEST(a_value_that_is_not_finite_stays_where_it_is)
{
    Plant *plant = net("a = { 'node', x = 4 }, b = { 'node' }, c = { 'node', slope = 1 }", "['a.root'] = 'b.u', ['b.x'] = 'c.u'");
    tick(plant);
    ck_assert_double_eq(value_of(plant, "b.u"), 2);
    set(plant, "a.x", -1);  // and its root is not a number
    tick(plant);
    ck_assert_double_nan(value_of(plant, "a.root"));
    ck_assert_double_eq(value_of(plant, "b.u"), 2);
    ck_assert_uint_eq(plant_quarantined(plant), 0);

    // a twin that breaks in its own turn stands still, those before and behind it go on
    set(plant, "b.slope", NAN);
    const double b = value_of(plant, "b.x"), c = value_of(plant, "c.x");
    tick(plant);
    ck_assert_uint_eq(plant_quarantined(plant), 1);
    ck_assert(plant_is_quarantined(plant, (uint32_t)plant_find(plant, "b")));
    ck_assert_double_eq(value_of(plant, "b.x"), b);
    ck_assert_double_eq_tol(value_of(plant, "c.x"), c + STEP * (1 + b), 1e-12);
    plant_destroy(plant);
}
END_TEST

START_TEST(an_input_that_is_fed_takes_no_samples)
{
    Plant *plant = net("a = { 'node' }, b = { 'node' }", "['a.x'] = 'b.u'");
    ck_assert_int_eq(tags_get(plant->tags, tag_of(plant, "b.u")).role, TAG_NOT_BOUND);
    ck_assert_int_eq(tags_get(plant->tags, tag_of(plant, "a.u")).role, TAG_SAMPLED);
    ck_assert(plant_is_fed(plant, tag_of(plant, "b.u")));
    ck_assert(!plant_is_fed(plant, tag_of(plant, "a.u")));
    ck_assert(!plant_is_fed(plant, tag_of(plant, "b.w")));
    ck_assert(!plant_is_fed(plant, tag_of(plant, "b.x")));
    plant_destroy(plant);
}
END_TEST

START_TEST(castor_does_not_report_what_is_fed)
{
    Castor *castor;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    const char *path = write_plant("a = { 'node', slope = 1 }, b = { 'node' }", "['a.x'] = 'b.u'");
    ck_assert_msg(castor_create(path, 1, true, &castor, &why) == ERR_OK, "%s", why.text);
    const Plant *plant = castor_plant(castor);
    ck_assert_int_eq(castor_step(castor, &why), ERR_OK);
    size_t count, inputs = 0;
    const Sample *samples = castor_samples(castor, &count);
    for (size_t i = 0; i < count; i++) {
        ck_assert(samples[i].tag != tag_of(plant, "b.u"));
        inputs += samples[i].tag == tag_of(plant, "a.u") || samples[i].tag == tag_of(plant, "b.w");
    }
    ck_assert_uint_eq(inputs, 2);
    ck_assert_int_eq(castor_add_fault(castor, "b.u:set:3@0", &why), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(why.text, "a connection feeds \"b.u\""));
    castor_destroy(castor);
}
END_TEST

/* 300 twins over five blocks, each fed by another one: chains, a loop, and many stages within one block. [I1] */
static uint64_t hash_of_net(size_t threads)
{
    static const char text[] = "local assets, connect = {}, {}\n"
                               "for i = 0, 299 do assets[string.format('n%03d', i)] = { 'node', slope = (i % 7) / 10, gain = -0.5 } end\n"
                               "for i = 0, 298 do connect[string.format('n%03d.%s', (i * 37) % 300, i % 2 == 0 and 'x' or 'y')] = string.format('n%03d.u', (i * 37 + 11) % 300) end\n"
                               "connect['n011.root'] = 'n274.u'\n"
                               "return plant 'net' { step = 0.125, clock = 'provider', assets = assets, connect = connect }\n";
    scripts_write("node.lua", node);
    Plant *plant = load(scripts_write("large.lua", text), threads);
    ck_assert_uint_eq(plant->block_count, 5);
    ck_assert_uint_eq(plant->connection_count, 300);
    ck_assert_uint_gt(plant->stage_count, 1);
    uint64_t hash = 0;
    for (int i = 0; i < 40; i++) {
        tick(plant);
        hash = hash_bytes(hash, &(uint64_t){plant_hash(plant)}, sizeof hash);
    }
    plant_destroy(plant);
    return hash;
}

START_TEST(the_result_does_not_depend_on_the_number_of_threads)
{
    const uint64_t one = hash_of_net(1);
    ck_assert_uint_eq(hash_of_net(2), one);
    ck_assert_uint_eq(hash_of_net(5), one);
}
END_TEST

/* The same chain among strangers, in other lanes, gives the same bits. [I1] */
START_TEST(what_a_chain_computes_does_not_depend_on_where_its_twins_lie)
{
    char assets[4096] = "";
    for (int i = 0; i < 70; i++)
        snprintf(assets + strlen(assets), sizeof assets - strlen(assets), "k%02d = { 'node', slope = 0.3 }, ", i);
    strcat(assets, "c1 = { 'node', slope = 0.7 }, z2 = { 'node', gain = 0.3 }, b3 = { 'node' }");
    Plant *alone = net("c1 = { 'node', slope = 0.7 }, z2 = { 'node', gain = 0.3 }, b3 = { 'node' }", "['c1.x'] = 'z2.u', ['z2.y'] = 'b3.u'");
    Plant *among = net(assets, "['c1.x'] = 'z2.u', ['z2.y'] = 'b3.u', ['k01.x'] = 'k00.u'");
    for (int i = 0; i < 30; i++) {
        tick(alone);
        tick(among);
        ck_assert_double_eq(value_of(alone, "b3.x"), value_of(among, "b3.x"));
        ck_assert_double_eq(value_of(alone, "z2.x"), value_of(among, "z2.x"));
    }
    plant_destroy(alone);
    plant_destroy(among);
}
END_TEST

START_TEST(a_snapshot_goes_on_with_the_same_bits)
{
    static const char assets[] = "a = { 'node', x = 1, slope = 0.3 }, b = { 'node', gain = -0.7 }, c = { 'node' }",
                      connect[] = "['a.x'] = 'b.u', ['b.y'] = { 'a.u', 'c.u' }";
    Plant *plant = net(assets, connect), *again = net(assets, connect);
    ErrText why = {""};
    for (int i = 0; i < 10; i++)
        tick(plant);
    void *bytes = mem_alloc(plant_snapshot_size(plant));
    plant_snapshot(plant, bytes);
    ck_assert_int_eq(plant_restore(again, bytes, plant_snapshot_size(plant), &why), ERR_OK);
    for (int i = 0; i < 10; i++) {
        tick(plant);
        tick(again);
        ck_assert_uint_eq(plant_hash(plant), plant_hash(again));
    }
    mem_free(bytes);
    plant_destroy(plant);
    plant_destroy(again);
}
END_TEST

static void expect_refusal(const char *connect, const char *expected)
{
    Plant *plant = (Plant *)1;
    ErrText why = {""};
    const char *path = write_plant("a = { 'node' }, b = { 'node' }", connect);
    ck_assert_msg(plant_load(path, 1, &plant, &why) != ERR_OK, "taken: %s", connect);
    ck_assert_ptr_null(plant);
    scripts_expect(&why, path, 3, expected);
}

START_TEST(connections_are_refused_at_their_line)
{
    expect_refusal("['z.x'] = 'b.u'", "connect: the plant has no asset \"z\"");
    expect_refusal("['a.x'] = 'z.u'", "connect: the plant has no asset \"z\"");
    expect_refusal("['a.q'] = 'b.u'", "\"a\" is a \"node\", which has no \"q\"");
    expect_refusal("['a.x'] = 'b.q'", "\"b\" is a \"node\", which has no \"q\"");
    expect_refusal("['a.u'] = 'b.u'", "\"a.u\" is of kind input: expected an output, a state or a parameter");
    expect_refusal("['a.probe'] = 'b.u'", "\"a.probe\" is of kind sensor");
    expect_refusal("['a.x'] = 'b.x'", "\"b.x\" is of kind state: expected an input");
    expect_refusal("['a.x'] = 'b.w'", "\"a.x\" is in \"1\", which does not convert to \"m\" of \"b.w\"");
    expect_refusal("['a.x'] = 'b.u', ['a.y'] = 'b.u'", "\"b.u\" is fed twice, by \"a.");
    expect_refusal("['a.x'] = 'b'", "expected \"asset.channel\", got \"b\"");
    expect_refusal("a = 'b.u'", "expected \"asset.channel\", got \"a\"");
    expect_refusal("['a.x'] = 7", "must feed \"asset.input\", or a list of them, got number");
    expect_refusal("['a.x'] = { 'b.u', 7 }", "must feed \"asset.input\", or a list of them, got number");
    expect_refusal("['a.x'] = {}", "\"a.x\" feeds nothing");
    expect_refusal("'a.x'", "expected [\"asset.output\"] = \"asset.input\"");
}
END_TEST

START_TEST(connect_must_be_a_table)
{
    Plant *plant;
    ErrText why = {""};
    scripts_write("node.lua", node);
    const char *path = scripts_write("net.lua", "return plant 'net' { assets = { a = { 'node' } },\n  connect = 'a.x' }");
    ck_assert_int_eq(plant_load(path, 1, &plant, &why), ERR_SCRIPT);
    scripts_expect(&why, path, 2, "\"connect\" must be a table, got string");
}
END_TEST

START_TEST(no_failing_allocation_is_fatal)
{
    const char *path = write_plant("a = { 'node' }, b = { 'node' }", "['a.x'] = 'b.u'");
    size_t failures = 0;
    for (size_t n = 1; n < 1500; n += n < 40 ? 1 : 23) {
        Plant *plant;
        ErrText why = {""};
        kit_fail_allocation(n);
        const Err err = plant_load(path, 1, &plant, &why);
        kit_fail_allocation(0);
        failures += err != ERR_OK;
        if (err == ERR_OK)
            plant_destroy(plant);
    }
    ck_assert_uint_gt(failures, 5);
    unit_forget_all();
}
END_TEST

/* Each twin of one fleet feeds its like in another: two stages, however many there are. */
START_TEST(fleets_are_connected_in_a_loop_of_the_script)
{
    enum { PAIRS = 20000 };
    scripts_write("node.lua", node);
    Plant *plant = load(scripts_write("fleets.lua", "local connect = {}\n"
                                      "for i = 1, 20000 do connect[string.format('from_%05d.x', i)] = string.format('to_%05d.u', i) end\n"
                                      "return plant 'fleets' { step = 0.125, connect = connect,\n"
                                      "  assets = { fleet('from', 20000, 'node', function(i) return { x = i % 1000 } end), fleet('to', 20000, 'node') } }"), 2);
    ck_assert_uint_eq(plant->connection_count, PAIRS);
    ck_assert_uint_eq(plant->stage_count, 2);
    tick(plant);
    for (uint32_t i = 0; i < PAIRS; i++) {
        ck_assert_str_eq(plant->twins[PAIRS + i].name + 3, plant->twins[i].name + 5);
        ck_assert_double_eq(plant_value(plant, plant_tag(plant, PAIRS + i, (uint16_t)model_find(plant_model(plant, 0), "u"))), (i + 1) % 1000);
    }
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("plant.connect", fleets_are_connected_in_a_loop_of_the_script, a_chain_is_followed_within_the_tick, outputs_that_only_pass_on_do_not_delay, a_loop_takes_the_values_of_the_tick_before,
         only_what_is_inside_a_loop_is_delayed, a_twin_between_two_loops_is_in_neither, a_parameter_makes_no_loop, what_comes_in_is_kept_within_the_limits_of_the_input,
         a_value_that_is_not_finite_stays_where_it_is, an_input_that_is_fed_takes_no_samples, castor_does_not_report_what_is_fed,
         the_result_does_not_depend_on_the_number_of_threads, what_a_chain_computes_does_not_depend_on_where_its_twins_lie, a_snapshot_goes_on_with_the_same_bits,
         connections_are_refused_at_their_line, connect_must_be_a_table, no_failing_allocation_is_fatal)
