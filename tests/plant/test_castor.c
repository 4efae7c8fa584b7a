#include "plant/castor.h"
#include "plant/plants.h"

static Castor *emulate(const char *emulation, uint64_t seed)
{
    char text[1024];
    Castor *castor;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    snprintf(text, sizeof text, "return plant 'works' {\n  step = 0.5, clock = 'provider',\n  assets = { a = { 'tank' }, b = { 'tank', level = 60 } },\n  %s\n}\n", emulation);
    if (castor_create(plants_write(text), seed, true, &castor, &why))
        ck_abort_msg("%s", why.text);
    castor_begin(castor, 1000 * NS_PER_S);
    return castor;
}

static void step(Castor *castor)
{
    ErrText why = {""};
    ck_assert_msg(castor_step(castor, &why) == ERR_OK, "%s", why.text);
}

static TagId tag_of(const Castor *castor, const char *name)
{
    return plants_tag(castor_plant(castor), name);
}

/* The sample of `tag` in the last step, or NULL. */
static const Sample *sample_of(const Castor *castor, TagId tag)
{
    size_t count;
    const Sample *samples = castor_samples(castor, &count);
    for (size_t i = 0; i < count; i++)
        if (samples[i].tag == tag)
            return &samples[i];
    return NULL;
}

static uint64_t hash_of_run(uint64_t seed, int steps)
{
    Castor *castor = emulate("", seed);
    uint64_t hash = 0;
    for (int i = 0; i < steps; i++) {
        step(castor);
        size_t count;
        const Sample *samples = castor_samples(castor, &count);
        for (size_t s = 0; s < count; s++) {
            hash = hash_bytes(hash, &samples[s].value, sizeof samples[s].value);
            hash = hash_bytes(hash, &samples[s].time, sizeof samples[s].time);
        }
        hash = hash_bytes(hash, &(uint64_t){plant_hash(castor_plant(castor))}, sizeof(uint64_t));
    }
    castor_destroy(castor);
    return hash;
}

START_TEST(one_seed_is_one_plant)
{
    ck_assert_uint_eq(hash_of_run(7, 200), hash_of_run(7, 200));
    ck_assert_uint_ne(hash_of_run(7, 200), hash_of_run(8, 200));
}
END_TEST

START_TEST(noise_has_the_deviation_that_the_model_says)
{
    Castor *castor = emulate("", 3);
    const TagId gauge = tag_of(castor, "a.gauge");
    double sum = 0, squares = 0;
    int count = 0;
    for (int i = 0; i < 8000; i++) {
        step(castor);
        const Sample *sample = sample_of(castor, gauge);
        if (!sample)
            continue;
        const double error = sample->value - plant_value(castor_plant(castor), tag_of(castor, "a.level"));
        sum += error;
        squares += error * error;
        count++;
    }
    ck_assert_int_eq(count, 4000);
    ck_assert_double_lt(fabs(sum / count), 4 * 0.002 / sqrt(count));
    ck_assert_double_eq_tol(sqrt(squares / count), 0.002, 4 * 0.002 / sqrt(2 * count));
    castor_destroy(castor);
}
END_TEST

START_TEST(sensors_speak_when_they_are_due_and_within_the_step)
{
    Castor *castor = emulate("", 1);
    const TagId gauge = tag_of(castor, "a.gauge"), probe = tag_of(castor, "a.probe"), inflow = tag_of(castor, "a.inflow");
    int gauges = 0, probes = 0, inflows = 0;
    for (int i = 0; i < 120; i++) {
        const int64_t before = castor_time(castor);
        step(castor);
        ck_assert_int_eq(castor_time(castor), before + 500 * NS_PER_MS);
        size_t count;
        const Sample *samples = castor_samples(castor, &count);
        for (size_t s = 0; s < count; s++)
            ck_assert(samples[s].time >= before && samples[s].time < castor_time(castor));
        gauges += sample_of(castor, gauge) != NULL;
        probes += sample_of(castor, probe) != NULL;
        inflows += sample_of(castor, inflow) != NULL;
    }
    ck_assert_int_eq(gauges, 60);
    ck_assert_int_eq(probes, 30);
    ck_assert_int_eq(inflows, 20);  // an input that does not change is reported every 3 s
    castor_destroy(castor);
}
END_TEST

START_TEST(values_differ_from_the_model_as_the_script_says)
{
    Castor *castor = emulate("emulate = { values = { ['a.level'] = 80, ['a.orifice'] = 0, ['a.inflow'] = 0 } }", 1);
    ck_assert_double_eq_tol(plant_value(castor_plant(castor), tag_of(castor, "a.level")), 0.8, 1e-15);
    ck_assert_double_eq(plant_value(castor_plant(castor), tag_of(castor, "a.orifice")), 0);
    castor_destroy(castor);
}
END_TEST

static void run_until(Castor *castor, double seconds)
{
    while ((double)(castor_time(castor) - 1000 * NS_PER_S) / 1e9 < seconds)
        step(castor);
}

/* The bias of an instrument is what the script says it is, none without; whichever filter the twin has. */
START_TEST(a_sensor_shows_the_bias_that_it_is_given)
{
    enum { STEPS = 400 };
    Castor *castor;
    ErrText why = {""};
    double sum = 0;
    log_set_level(LOG_ERROR);
    scripts_write("biased.lua", "return model 'biased' { states = { x = { 5, '1' } }, equations = function(t) t.x.rate = 0 end,\n"
                                "  sensors = { z = { of = 'x', noise = 0.2, every = 1, bias = { sd = 1 } } }, filter = { 'ensemble' } }\n");
    const char *path = scripts_write("plant.lua", "return plant 'p' { step = 1, clock = 'provider', assets = { a = { 'biased' } },\n"
                                                  "  emulate = { values = { ['a.z_bias'] = 0.7 } } }\n");
    ck_assert_msg(castor_create(path, 3, true, &castor, &why) == ERR_OK, "%s", why.text);
    castor_begin(castor, 1000 * NS_PER_S);
    for (int i = 0; i < STEPS; i++) {
        step(castor);
        const Sample *sample = sample_of(castor, tag_of(castor, "a.z"));
        ck_assert_ptr_nonnull(sample);
        sum += sample->value;
    }
    ck_assert_double_eq_tol(sum / STEPS, 5.7, 4 * 0.2 / sqrt(STEPS));
    castor_destroy(castor);
}
END_TEST

START_TEST(a_factor_multiplies_while_it_lasts_and_again_every_so_often)
{
    Castor *castor = emulate("emulate = { faults = { clog = { value = 'a.orifice', factor = 0.5, at = 10, lasts = 5, every = 20 } } }", 1);
    const TagId orifice = tag_of(castor, "a.orifice");
    for (int i = 0; i < 100; i++) {
        const double seconds = i * 0.5;  // at the beginning of the step
        const bool on = seconds >= 10 && fmod(seconds - 10, 20) < 5, was_on = i > 0 && seconds - 0.5 >= 10 && fmod(seconds - 10.5, 20) < 5;
        bool began;
        step(castor);
        ck_assert_double_eq_tol(plant_value(castor_plant(castor), orifice), on ? 0.125e-4 : 0.25e-4, 1e-18);
        const Fault *changed = castor_fault_changed(castor, &began);
        ck_assert_int_eq(changed != NULL, on != was_on);
        if (changed) {
            ck_assert_str_eq(changed->name, "clog");
            ck_assert_int_eq(began, on);
        }
    }
    castor_destroy(castor);
}
END_TEST

START_TEST(a_set_value_is_in_the_unit_of_its_tag)
{
    Castor *castor = emulate("emulate = { faults = { flood = { value = 'a.inflow', set = 30, at = 2, lasts = 3 } } }", 1);
    run_until(castor, 2);
    ck_assert_double_eq_tol(plant_value(castor_plant(castor), tag_of(castor, "a.inflow")), 4 / 6e4, 1e-18);
    run_until(castor, 4);
    ck_assert_double_eq_tol(plant_value(castor_plant(castor), tag_of(castor, "a.inflow")), 30 / 6e4, 1e-18);
    run_until(castor, 6);
    ck_assert_double_eq_tol(plant_value(castor_plant(castor), tag_of(castor, "a.inflow")), 4 / 6e4, 1e-18);
    castor_destroy(castor);
}
END_TEST

/* The same plant with and without a fault: since the noise is the same, the difference of two readings is what the fault does. */
static double difference(const char *fault, double seconds, const char *sensor)
{
    Castor *plain = emulate("", 5), *faulty = emulate("", 5);
    ErrText why = {""};
    double result = NAN;
    ck_assert_msg(castor_add_fault(faulty, fault, &why) == ERR_OK, "%s", why.text);
    run_until(plain, seconds);
    run_until(faulty, seconds);
    const Sample *expected = sample_of(plain, tag_of(plain, sensor)), *got = sample_of(faulty, tag_of(faulty, sensor));
    ck_assert_ptr_nonnull(expected);
    if (got)
        result = got->value - expected->value;
    castor_destroy(plain);
    castor_destroy(faulty);
    return result;
}

START_TEST(a_bias_reads_too_much_by_its_size)
{
    ck_assert_double_eq(difference("a.gauge:bias:5@20+10", 19.5, "a.gauge"), 0);
    ck_assert_double_eq_tol(difference("a.gauge:bias:5@20+10", 25.5, "a.gauge"), 0.05, 1e-15);
    ck_assert_double_eq(difference("a.gauge:bias:5@20+10", 40.5, "a.gauge"), 0);
    ck_assert_double_eq(difference("a.gauge:bias:5@20+10", 25.5, "b.gauge"), 0);
    ck_assert_double_eq_tol(difference("a.probe:bias:-2@20", 24.5, "a.probe"), -2, 1e-12);
}
END_TEST

/* What a model knows is what the same words do. */
START_TEST(a_fault_that_the_model_knows_is_told_by_its_name)
{
    ck_assert_double_eq(difference("a.high@20+10", 25.5, "a.gauge"), difference("a.gauge:bias:5@20+10", 25.5, "a.gauge"));
    ck_assert_double_eq(difference("a.high@20+10", 40.5, "a.gauge"), 0);
    ck_assert_double_eq(difference("a.high@20+10", 25.5, "b.gauge"), 0);
    ck_assert_double_eq(difference("b.clogged@20", 60.5, "b.gauge"), difference("b.orifice:factor:0.5@20", 60.5, "b.gauge"));
    ck_assert_double_eq(difference("b.flood@20", 60.5, "b.gauge"), difference("b.inflow:set:30@20", 60.5, "b.gauge"));
    ck_assert_double_gt(difference("b.flood@20", 60.5, "b.gauge"), 0.01);
}
END_TEST

START_TEST(a_script_tells_when_a_known_fault_comes)
{
    Castor *castor = emulate("emulate = { faults = { jam = { fault = 'b.clogged', at = 10, lasts = 5, every = 20 } } }", 1);
    const TagId orifice = tag_of(castor, "b.orifice");
    for (int i = 0; i < 100; i++) {
        const double seconds = i * 0.5;  // at the beginning of the step
        bool began;
        step(castor);
        ck_assert_double_eq_tol(plant_value(castor_plant(castor), orifice), seconds >= 10 && fmod(seconds - 10, 20) < 5 ? 0.125e-4 : 0.25e-4, 1e-18);
        const Fault *changed = castor_fault_changed(castor, &began);
        if (changed)
            ck_assert_str_eq(changed->name, "jam");
    }
    castor_destroy(castor);
}
END_TEST

START_TEST(a_drift_grows_with_time)
{
    ck_assert_double_eq_tol(difference("a.gauge:drift:0.1@20", 30.5, "a.gauge"), 0.001 * 10.5, 1e-12);
    ck_assert_double_eq_tol(difference("a.gauge:drift:0.1@20", 60.5, "a.gauge"), 0.001 * 40.5, 1e-12);
}
END_TEST

START_TEST(a_stuck_sensor_repeats_its_last_word)
{
    Castor *castor = emulate("", 5);
    ErrText why;
    ck_assert_int_eq(castor_add_fault(castor, "a.gauge:stuck@20+10", &why), ERR_OK);
    const TagId gauge = tag_of(castor, "a.gauge");
    double last = NAN;
    for (int i = 0; i < 100; i++) {
        step(castor);
        const Sample *sample = sample_of(castor, gauge);
        if (!sample)
            continue;
        const double seconds = (double)i * 0.5;
        if (!isnan(last))
            ck_assert_int_eq(sample->value == last, seconds >= 20 && seconds < 30);
        last = sample->value;
    }
    castor_destroy(castor);
}
END_TEST

START_TEST(a_noisy_sensor_is_noisier_by_the_factor)
{
    Castor *plain = emulate("", 5), *faulty = emulate("", 5);
    ErrText why;
    ck_assert_int_eq(castor_add_fault(faulty, "a.gauge:noise:10@0", &why), ERR_OK);
    const TagId gauge = tag_of(plain, "a.gauge"), level = tag_of(plain, "a.level");
    for (int i = 0; i < 100; i++) {
        step(plain);
        step(faulty);
        const Sample *expected = sample_of(plain, gauge), *got = sample_of(faulty, gauge);
        if (!expected)
            continue;
        const double truth = plant_value(castor_plant(plain), level);
        ck_assert_double_eq_tol(got->value - truth, 10 * (expected->value - truth), 1e-12);
    }
    castor_destroy(plain);
    castor_destroy(faulty);
}
END_TEST

START_TEST(one_sample_in_ten_is_a_spike)
{
    Castor *plain = emulate("", 5), *faulty = emulate("", 5);
    ErrText why;
    ck_assert_int_eq(castor_add_fault(faulty, "a.gauge:spike:100@0", &why), ERR_OK);
    const TagId gauge = tag_of(plain, "a.gauge");
    int spikes = 0, samples = 0;
    for (int i = 0; i < 400; i++) {
        step(plain);
        step(faulty);
        const Sample *expected = sample_of(plain, gauge), *got = sample_of(faulty, gauge);
        if (!expected)
            continue;
        const double off = got->value - expected->value;
        ck_assert(off == 0 || fabs(off - 1) < 1e-12);
        spikes += off != 0;
        samples++;
    }
    ck_assert_int_eq(samples, 200);
    ck_assert_int_eq(spikes, 20);
    castor_destroy(plain);
    castor_destroy(faulty);
}
END_TEST

START_TEST(a_silent_sensor_says_nothing)
{
    ck_assert_double_nan(difference("a.gauge:silence@20+10", 25.5, "a.gauge"));
    ck_assert_double_eq(difference("a.gauge:silence@20+10", 40.5, "a.gauge"), 0);
    ck_assert_double_eq(difference("a.gauge:silence@20+10", 25.5, "b.gauge"), 0);
}
END_TEST

START_TEST(faults_may_be_left_out)
{
    Castor *castor;
    ErrText why = {""};
    const char *path = plants_write("return plant 'works' { step = 0.5, assets = { a = { 'tank' } }, emulate = { faults = { f = { value = 'a.inflow', set = 0 } } } }");
    ck_assert_int_eq(castor_create(path, 1, false, &castor, &why), ERR_OK);
    step(castor);
    ck_assert_double_gt(plant_value(castor_plant(castor), tag_of(castor, "a.inflow")), 0);
    castor_destroy(castor);
}
END_TEST

START_TEST(bad_faults_are_refused_with_the_reason)
{
    Castor *castor = emulate("", 1);
    static const struct {
        const char *fault;
        Err err;
        const char *expected;
    } cases[] = {
        {"", ERR_USAGE, "expected TAG:KIND[:SIZE]@AT[+LASTS]"},
        {"a.gauge", ERR_USAGE, "expected TAG:KIND"},
        {"a.gauge:bias:x@3", ERR_USAGE, "stuck at \":x@3\""},
        {"a.gauge:bias:2@-3", ERR_USAGE, "expected TAG:KIND"},
        {"a.gauge:bias:2@3+0", ERR_USAGE, "expected TAG:KIND"},
        {"a.gauge:bias:2@1+2+3", ERR_USAGE, "or TWIN.FAULT@AT[+LASTS]"},
        {"a.clogged", ERR_USAGE, "expected TAG:KIND"},
        {"a.clogged@3+0", ERR_USAGE, "expected TAG:KIND"},
        {"a.clogged@3+4 or so", ERR_USAGE, "stuck at \" or so\""},
        {"a.burst@3", ERR_UNKNOWN, "model \"tank\" knows no fault \"burst\"; it knows: clogged, flood, high"},
        {"c.clogged@3", ERR_UNKNOWN, "\"c.clogged\" is no twin of this plant with a fault of its model"},
        {"clogged@3", ERR_UNKNOWN, "\"clogged\" is no twin"},
        {"a.gauge:stuck:2@3", ERR_USAGE, "has no size"},
        {"a.inflow:set:61@3", ERR_USAGE, "\"a.inflow\" is 0 to 60 l/min"},
        {"a.gauge:bias:2@3+4 or so", ERR_USAGE, "stuck at \" or so\""},
        {"a.gauge:bias:nan@3", ERR_USAGE, "expected TAG:KIND"},
        {"a.gauge:bias:inf@3", ERR_USAGE, "expected TAG:KIND"},
        {"a.gauge:bias:2@nan", ERR_USAGE, "expected TAG:KIND"},
        {"a.gauge:bias:2", ERR_USAGE, "expected TAG:KIND[:SIZE]@AT[+LASTS]"},
        {"a.gauge:bias@3", ERR_USAGE, "needs a size"},
        {"a.gauge:bent:2@3", ERR_USAGE, "kind \"bent\" is none of factor, set, bias, drift, stuck, noise, spike, silence"},
        {"a.depth:bias:2@3", ERR_UNKNOWN, "no tag \"a.depth\" in this plant"},
        {"a.level:bias:2@3", ERR_USAGE, "\"a.level\" is no sensor"},
        {"a.gauge:factor:2@3", ERR_USAGE, "\"a.gauge\" must be a state, parameter or input of the process"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ErrText why = {""};
        ck_assert_msg(castor_add_fault(castor, cases[i].fault, &why) == cases[i].err, "%s: %s", cases[i].fault, why.text);
        ck_assert_msg(strstr(why.text, cases[i].expected), "%s: %s", cases[i].fault, why.text);
    }
    step(castor);
    castor_destroy(castor);
}
END_TEST

START_TEST(there_is_room_for_64_faults)
{
    Castor *castor = emulate("", 1);
    ErrText why = {""};
    for (int i = 0; i < 64; i++)
        ck_assert_int_eq(castor_add_fault(castor, "a.gauge:bias:1@1000", &why), ERR_OK);
    ck_assert_int_eq(castor_add_fault(castor, "a.gauge:bias:1@1000", &why), ERR_FULL);
    ck_assert_ptr_nonnull(strstr(why.text, "more than 64 faults"));
    castor_destroy(castor);
}
END_TEST

START_TEST(bad_emulations_are_refused_at_their_line)
{
    static const struct {
        const char *emulation;
        int line;
        const char *expected;
    } cases[] = {
        {"emulate = {\n  valus = {} }", 3, "unknown key \"valus\" in \"emulate\"; expected one of: values, faults, control"},
        {"emulate = {\n  values = { ['a.depth'] = 1 } }", 3, "\"a.depth\" is no state, parameter or input of this plant"},
        {"emulate = {\n  values = {\n ['a.level'] = 500 } }", 4, "expected a number within the limits of \"a.level\""},
        {"emulate = { values = 7 }", 2, "\"values\" must be a table"},
        {"emulate = { faults = 7 }", 2, "\"faults\" must be a table"},
        {"emulate = {\n  faults = {\n  f = { value = 'a.depth', set = 1 } } }", 4, "expected value = or sensor = a tag of this plant, got \"a.depth\""},
        {"emulate = {\n  faults = {\n  f = { value = 'a.level' } } }", 4, "needs factor = or set ="},
        {"emulate = {\n  faults = {\n  f = { sensor = 'a.gauge', kind = 'bent' } } }", 4, "needs kind = \"bias\""},
        {"emulate = {\n  faults = {\n  f = { sensor = 'a.gauge', kind = 'bias' } } }", 4, "needs a size"},
        {"emulate = {\n  faults = {\n  f = { sensor = 'a.gauge', kind = 'bias', size = 1, at = -1 } } }", 4, "not negative"},
        {"emulate = {\n  faults = {\n  f = { fault = 'a.burst' } } }", 4, "model \"tank\" knows no fault \"burst\""},
        {"emulate = {\n  faults = {\n  f = { fault = 'a.clogged', factor = 2 } } }", 4, "unknown key \"factor\" in \"f\"; expected one of: fault, at, lasts, every"},
        {"emulate = {\n  faults = {\n  f = 7 } }", 4, "fault \"f\" must be a table"},
        {"emulate = {\n  control = 7 }", 3, "control must be a function(device, seconds)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        Castor *castor = (Castor *)1;
        ErrText why = {""};
        snprintf(text, sizeof text, "return plant 'works' { assets = { a = { 'tank' } },\n  %s\n}", cases[i].emulation);
        const char *path = plants_write(text);
        ck_assert_msg(castor_create(path, 1, true, &castor, &why) == ERR_SCRIPT, "%s", cases[i].emulation);
        ck_assert_ptr_null(castor);
        scripts_expect(&why, path, cases[i].line, cases[i].expected);
    }
}
END_TEST

START_TEST(the_controller_in_the_device_obeys_commands)
{
    Castor *castor = emulate("emulate = { control = function(device, seconds) device['a.inflow'] = device['a.valve'] / 10 + (seconds > 5 and 1 or 0) end }", 1);
    ErrText why = {""};
    step(castor);
    ck_assert_double_eq_tol(plant_value(castor_plant(castor), tag_of(castor, "a.inflow")), 5 / 6e4, 1e-18);
    ck_assert_int_eq(castor_command(castor, tag_of(castor, "a.valve"), 0.2, &why), ERR_OK);
    step(castor);
    ck_assert_double_eq_tol(plant_value(castor_plant(castor), tag_of(castor, "a.inflow")), 2 / 6e4, 1e-18);
    const Sample *reported = sample_of(castor, tag_of(castor, "a.inflow"));
    ck_assert_ptr_nonnull(reported);  // at once, because it changed
    ck_assert_double_eq_tol(reported->value, 2 / 6e4, 1e-18);
    run_until(castor, 6);
    ck_assert_double_eq_tol(plant_value(castor_plant(castor), tag_of(castor, "a.inflow")), 3 / 6e4, 1e-18);
    castor_destroy(castor);
}
END_TEST

START_TEST(commands_that_no_actuator_takes_are_refused)
{
    Castor *castor = emulate("", 1);
    ErrText why = {""};
    ck_assert_int_eq(castor_command(castor, tag_of(castor, "a.inflow"), 0, &why), ERR_UNKNOWN);
    ck_assert_int_eq(castor_command(castor, TAG_NONE, 0, &why), ERR_UNKNOWN);
    ck_assert_int_eq(castor_command(castor, tag_of(castor, "a.valve"), 1.01, &why), ERR_RANGE);
    ck_assert_ptr_nonnull(strstr(why.text, "valve: 101 is outside its limits"));
    ck_assert_int_eq(castor_command(castor, tag_of(castor, "a.valve"), NAN, &why), ERR_RANGE);
    ck_assert_double_eq_tol(plant_value(castor_plant(castor), tag_of(castor, "a.valve")), 0.5, 1e-15);
    castor_destroy(castor);
}
END_TEST

START_TEST(a_failing_control_is_reported)
{
    static const struct {
        const char *control, *expected;
    } cases[] = {
        {"error('no')", "no"},
        {"while true do end", "runs too long"},
        {"device['a.gauge'] = 1", "\"a.gauge\" cannot be set by a device: expected an input, a parameter or a state"},
        {"device['a.depth'] = 1", "no value \"a.depth\" in this plant"},
        {"device['a.inflow'] = 100", "outside its limits"},
        {"device['a.inflow'] = 0 / 0", "outside its limits"},
        {"device['a.inflow'] = 'much'", "number expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        ErrText why = {""};
        snprintf(text, sizeof text, "emulate = { control = function(device) %s end }", cases[i].control);
        Castor *castor = emulate(text, 1);
        ck_assert_int_eq(castor_step(castor, &why), ERR_SCRIPT);
        ck_assert_msg(strstr(why.text, "plant.lua:4: ") && strstr(why.text, cases[i].expected), "%s", why.text);
        castor_destroy(castor);
    }
}
END_TEST

KIT_MAIN("plant.castor", one_seed_is_one_plant, noise_has_the_deviation_that_the_model_says, sensors_speak_when_they_are_due_and_within_the_step,
         values_differ_from_the_model_as_the_script_says, a_sensor_shows_the_bias_that_it_is_given,
         a_factor_multiplies_while_it_lasts_and_again_every_so_often, a_set_value_is_in_the_unit_of_its_tag,
         a_bias_reads_too_much_by_its_size, a_fault_that_the_model_knows_is_told_by_its_name, a_script_tells_when_a_known_fault_comes, a_drift_grows_with_time, a_stuck_sensor_repeats_its_last_word, a_noisy_sensor_is_noisier_by_the_factor, one_sample_in_ten_is_a_spike,
         a_silent_sensor_says_nothing, faults_may_be_left_out, bad_faults_are_refused_with_the_reason, there_is_room_for_64_faults, bad_emulations_are_refused_at_their_line,
         the_controller_in_the_device_obeys_commands, commands_that_no_actuator_takes_are_refused, a_failing_control_is_reported)
