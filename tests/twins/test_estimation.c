/* Twins of the library follow what Castor emulates: their innovations are as large as they say, and every fault that a model knows is noticed.
 *
 * Castor starts where the twin's own uncertainty allows: each start is drawn from the prior, so the filter's claims are exact up to its
 * linearisation, and to tracked parameters, which he does not move. */
#include "twins/bench.h"

#include "plant/castor.h"
#include "sync/sync.h"

static const int64_t BEGIN = 1700006400 * NS_PER_S;  // a midnight: a tick begins then, whatever the step
enum { STREAM_PRIOR = 1 << 30 };  // of random numbers, beside Castor's own

typedef struct Case {
    const char *model;
    double step;            // s
    double lasts;           // s, of a healthy run after settling
    const char *control;    // what the device does with its inputs
    VerdictKind process;    // what its faults of the process must be taken for; VERDICT_NONE: noticed is enough
    double delay;           // s until they must be noticed
    VerdictKind sensor;     // what its faults of sensors must be taken for; VERDICT_NONE: noticed is enough
} Case;

static const Case cases[] = {
    {"tank", 1, 900, "d['twin.inflow'] = 180 + 60 * math.sin(s / 60)", VERDICT_PROCESS, 60, VERDICT_SENSOR},
    {"quadruple_tank", 1, 900, "d['twin.voltage_1'] = 3 + 0.5 * math.sin(s / 90)", VERDICT_NONE, 60, VERDICT_SENSOR},
    {"pump", 0.1, 200, "d['twin.speed_setpoint'] = 2700 + 150 * math.sin(s / 20)", VERDICT_NONE, 20, VERDICT_SENSOR},
    {"valve", 0.5, 900, "d['twin.opening_setpoint'] = 0.6 + 0.2 * math.sin(s / 40)", VERDICT_NONE, 30, VERDICT_SENSOR},
    {"pipe", 0.5, 900, "d['twin.pressure_in'] = 1 + 0.3 * math.sin(s / 50)", VERDICT_PROCESS, 30, VERDICT_SENSOR},
    {"heat_exchanger", 0.5, 900, "d['twin.T_hot_in'] = 80 + 5 * math.sin(s / 60)", VERDICT_NONE, 90, VERDICT_SENSOR},
    {"room", 60, 60 * 900, "d['twin.heating'] = 500 + 400 * math.sin(s / 9000)", VERDICT_PROCESS, 3600, VERDICT_SENSOR},
    {"battery", 1, 900, "d['twin.current'] = 0.3 + 0.2 * math.sin(s / 200)", VERDICT_NONE, 60, VERDICT_SENSOR},
    {"battery_pack", 1, 300, "d['twin.current'] = 0.4 + 0.2 * math.sin(s / 200)", VERDICT_NONE, 900, VERDICT_SENSOR},
    {"storage_cell", 10, 60 * 900, "d['twin.current'] = 60 * math.sin(s / 4000)", VERDICT_NONE, 1200, VERDICT_SENSOR},
    {"storage_site", 10, 60 * 900, "d['twin.T_outdoor'] = 5 + 8 * math.sin(s / 9000)", VERDICT_NONE, 1200, VERDICT_PROCESS},
    {"dc_motor", 0.005, 8, "d['twin.voltage'] = 170 + 10 * math.sin(s)", VERDICT_NONE, 10, VERDICT_SENSOR},
    {"conveyor", 0.1, 300, "d['twin.feed'] = 100 + 30 * math.sin(s / 30)", VERDICT_NONE, 30, VERDICT_SENSOR},
    {"wind_turbine", 0.5, 900, "d['twin.wind'] = 8 + math.sin(s / 40)", VERDICT_NONE, 60, VERDICT_SENSOR},
    {"pv_array", 1, 2500, "d['twin.irradiance'] = 800 + 100 * math.sin(s / 200)", VERDICT_NONE, 120, VERDICT_NONE},
    {"robot_joint", 0.002, 3, "d['twin.current'] = 26 / 11 + 0.2 * math.sin(3 * s)", VERDICT_NONE, 1, VERDICT_SENSOR},
    {"bearing", 60, 60 * 1500, "d['twin.load'] = 4 + math.sin(s / 9000)", VERDICT_NONE, 3600, VERDICT_SENSOR},
    {"induction_motor", 0.2, 300, "d['twin.load'] = 95 + 5 * math.sin(s / 90)", VERDICT_NONE, 300, VERDICT_SENSOR},
    {"incubator", 0.5, 2400, "d['twin.heater_on'] = d['twin.t3'] > 45 and 0 or d['twin.t3'] < 35 and 1 or d['twin.heater_on']", VERDICT_PROCESS, 60, VERDICT_SENSOR},
    {"reservoir", 1, 900, "d['twin.inflow_1'] = 20 + 10 * math.sin(s / 60)  d['twin.draw_1'] = 20", VERDICT_PROCESS, 60, VERDICT_SENSOR},
    {"sand_filter", 1, 900, "d['twin.inflow'] = 20 + 5 * math.sin(s / 200)", VERDICT_PROCESS, 300, VERDICT_SENSOR},
    {"district", 0.5, 900, "d['twin.demand'] = 26 + 3 * math.sin(s / 90)", VERDICT_PROCESS, 30, VERDICT_SENSOR},
    {"radiator", 60, 60 * 1500, "d['twin.opening'] = 0.4 + 0.2 * math.sin(s / 9000)", VERDICT_PROCESS, 3600, VERDICT_SENSOR},
    {"boiler", 60, 60 * 900, "d['twin.burner'] = 0.29 + 0.05 * math.sin(s / 3000)", VERDICT_PROCESS, 3600, VERDICT_SENSOR},
    {"air_handler", 60, 60 * 900, "d['twin.T_outdoor'] = 5 + 3 * math.sin(s / 9000)", VERDICT_PROCESS, 3600, VERDICT_SENSOR},
};
enum { CASES = sizeof cases / sizeof *cases };

/* A twin and its emulated brother, tick by tick. */
typedef struct Pair {
    Castor *castor;
    Plant *plant;
    Sync *sync;
    double nis;        // sum over the samples
    uint64_t samples;
    double noticed;    // s since the start at which a verdict was reached, NAN before
    VerdictKind kind;  // of the first verdict
    char text[160];
} Pair;

static void draw_start(const Pair *pair, uint64_t seed)
{
    const Plant *truth = castor_plant(pair->castor);
    const Model *model = plant_model(truth, 0);
    for (uint16_t i = 0; i < model->state_count; i++) {
        const Channel *channel = &model->channels[i];
        const double start = channel->initial + channel->initial_sd * random_normal(seed, STREAM_PRIOR + i, 0);
        *plant_cell(truth, 0, channel->column) = fmin(fmax(start, channel->min), channel->max);
    }
}

static void pair_init(Pair *pair, const Case *what, uint64_t seed)
{
    char emulate[512];
    ErrText why = {0};
    *pair = (Pair){.noticed = NAN};
    snprintf(emulate, sizeof emulate, "control = function(d, s) %s end", what->control);
    const char *path = bench_script(what->model, what->step, "", emulate);
    ck_assert_msg(castor_create(path, seed, true, &pair->castor, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(plant_load(path, 1, &pair->plant, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(sync_create(pair->plant, &pair->sync), ERR_OK);
    draw_start(pair, seed);
    castor_begin(pair->castor, BEGIN);
    sync_begin(pair->sync, BEGIN);
    sync_file(pair->sync, &(Arrival){.kind = ARRIVAL_JOINED, .provider = 1}, NULL);
}

static void pair_fini(Pair *pair)
{
    sync_destroy(pair->sync);
    plant_destroy(pair->plant);
    castor_destroy(pair->castor);
}

static void pair_fault(Pair *pair, const char *fault, double at)
{
    char text[128];
    ErrText why = {0};
    snprintf(text, sizeof text, "twin.%s@%.9g", fault, at);
    ck_assert_msg(castor_add_fault(pair->castor, text, &why) == ERR_OK, "%s", why.text);
}

static void count_innovations(Pair *pair, Batch batch)
{
    const Model *model = plant_model(pair->plant, 0);
    for (size_t i = 0; i < batch.count; i++)
        for (uint16_t s = 0; s < model->sensor_count; s++) {
            double innovation, sd;
            if (plant_tag(pair->plant, 0, model->sensors[s].channel) != batch.items[i].sample.tag)
                continue;
            ck_assert(sync_innovation(pair->sync, 0, s, &innovation, &sd));
            pair->nis += innovation * innovation / (sd * sd);
            pair->samples++;
        }
}

static void pair_run(Pair *pair, double seconds)
{
    ErrText why = {0};
    for (int64_t steps = llround(seconds / pair->plant->step); steps > 0; steps--) {
        size_t count;
        Filed filed;
        ck_assert_msg(castor_step(pair->castor, &why) == ERR_OK, "%s", why.text);
        const Sample *samples = castor_samples(pair->castor, &count);
        for (size_t i = 0; i < count; i++)
            sync_file(pair->sync, &(Arrival){.kind = ARRIVAL_SAMPLE, .provider = 1, .sample = samples[i]}, &filed);

        const Batch batch = sync_collect(pair->sync);
        ck_assert_uint_eq(batch.count, count);
        plant_advance(pair->plant);
        sync_correct(pair->sync, pair->plant, batch);
        count_innovations(pair, batch);

        const Verdict *verdict = sync_verdict(pair->sync, 0);
        if (isnan(pair->noticed) && verdict->kind != VERDICT_NONE) {
            pair->noticed = (double)(castor_time(pair->castor) - BEGIN) / (double)NS_PER_S;
            pair->kind = verdict->kind;
            memcpy(pair->text, verdict->text, sizeof pair->text);
        }
    }
}

static double settle_of(const Pair *pair)
{
    return plant_model(pair->plant, 0)->divergence.settle;
}

/* States and tracked parameters lie within five of their own standard deviations of the truth. */
static void check_estimate(const Pair *pair)
{
    const Model *model = plant_model(pair->plant, 0);
    for (uint16_t i = 0; i < model->state_count; i++) {
        const Channel *channel = &model->channels[i];
        const double found = *plant_cell(pair->plant, 0, channel->column), truth = *plant_cell(castor_plant(pair->castor), 0, channel->column);
        const double sd = sqrt(*plant_cell(pair->plant, 0, channel->variance));
        ck_assert_double_gt(sd, 0);
        ck_assert_msg(fabs(found - truth) < 5 * sd, "%s.%s is %g, was found as %g with a deviation of %g", model->name, channel->name, truth, found, sd);
    }
}

/* The mean of n white normalised squares has variance 2/n: four of its standard deviations, and a twentieth for what the filter does not know
 * (its linearisation, and parameters that it thinks are wandering). */
static void check_innovations(const Case *what)
{
    enum { SEEDS = 4 };
    double nis = 0, samples = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        Pair pair;
        pair_init(&pair, what, seed);
        pair_run(&pair, settle_of(&pair));
        pair.nis = 0;
        pair.samples = 0;
        pair_run(&pair, what->lasts);
        ck_assert_msg(isnan(pair.noticed), "%s, seed %d: a false verdict after %g s: %s", what->model, (int)seed, pair.noticed, pair.text);
        ck_assert_uint_eq(plant_quarantined(pair.plant), 0);
        check_estimate(&pair);
        nis += pair.nis;
        samples += (double)pair.samples;
        pair_fini(&pair);
    }
    const double bound = 0.05 + 4 * sqrt(2 / samples);
    ck_assert_double_gt(samples, 1000);
    ck_assert_msg(fabs(nis / samples - 1) < bound, "%s: mean NIS %.3f of %.0f samples is not within %.3f of 1", what->model, nis / samples, samples, bound);
}

static double slowest_of(const Pair *pair)
{
    const Model *model = plant_model(pair->plant, 0);
    double every = 0;
    for (uint16_t i = 0; i < model->sensor_count; i++)
        every = fmax(every, model->sensors[i].every);
    return every;
}

/* What is noticed must not have been noticed before it was there. */
static void check_fault(const Case *what, const FaultDef *fault, uint64_t seed)
{
    Pair pair;
    pair_init(&pair, what, seed);
    const bool of_sensor = fault_is_of_sensor(fault->kind);
    const VerdictKind cause = fault->kind == FAULT_SILENCE ? VERDICT_SILENCE : of_sensor ? what->sensor : what->process;
    const double at = 2 * settle_of(&pair), delay = of_sensor ? 60 * slowest_of(&pair) : what->delay;
    pair_fault(&pair, fault->name, at);
    pair_run(&pair, at);
    ck_assert_msg(isnan(pair.noticed), "%s: a verdict before the fault: %s", what->model, pair.text);
    for (double left = delay; left > 0 && isnan(pair.noticed); left -= what->step)
        pair_run(&pair, what->step);
    ck_assert_msg(!isnan(pair.noticed), "%s: %s was not noticed within %g s", what->model, fault->name, delay);
    ck_assert_msg(cause == VERDICT_NONE || pair.kind == cause, "%s: %s was taken for something else: %s", what->model, fault->name, pair.text);
    pair_fini(&pair);
}

/* Every model knows how its process fails, or an instrument: one sensor against the others is a sensor; a twin with one sensor alone cannot tell. */
static void check_faults(const Case *what, bool of_sensor)
{
    char path[512];
    Model *model;
    ErrText why = {0};
    int count = 0;
    snprintf(path, sizeof path, POLLUX_SOURCE "/twins/models/%s.lua", what->model);
    ck_assert_msg(model_load(path, what->step, &model, &why) == ERR_OK, "%s", why.text);
    for (uint16_t i = 0; i < model->fault_count; i++)
        if (fault_is_of_sensor(model->faults[i].kind) == of_sensor) {
            check_fault(what, &model->faults[i], of_sensor ? 12 : 11);
            count++;
        }
    ck_assert_int_ge(count, 1);
    model_destroy(model);
}

/* A verdict on the process opens what may have jumped: from then on the twin learns the new value. */
START_TEST(a_clogged_outlet_is_learnt_once_it_is_noticed)
{
    Pair pair;
    pair_init(&pair, &cases[0], 13);
    pair_fault(&pair, "discharge:factor:0.6", 300);
    pair_run(&pair, 290);
    ck_assert_double_gt(bench_get(pair.plant, "discharge"), 0.5);
    pair_run(&pair, 400);
    bench_near(bench_get(pair.plant, "discharge"), bench_get(castor_plant(pair.castor), "discharge"), 0.03);
    ck_assert_int_eq(sync_verdict(pair.sync, 0)->kind, VERDICT_NONE);
    pair_fini(&pair);
}
END_TEST

static const Case *case_of(const char *model)
{
    for (size_t i = 0; i < CASES; i++)
        if (strcmp(cases[i].model, model) == 0)
            return &cases[i];
    ck_abort_msg("no case for %s", model);
    return NULL;
}

// three facts of each model, so that a report names the model
#define FACTS(model)                                                                                                                    \
    START_TEST(innovations_of_##model##_are_as_large_as_it_says) { check_innovations(case_of(#model)); } END_TEST                        \
    START_TEST(faults_of_##model##_are_noticed) { check_faults(case_of(#model), false); } END_TEST                                \
    START_TEST(sensors_of_##model##_that_fail_are_noticed) { check_faults(case_of(#model), true); } END_TEST
#define NAMES(model) innovations_of_##model##_are_as_large_as_it_says, faults_of_##model##_are_noticed, sensors_of_##model##_that_fail_are_noticed

FACTS(tank)
FACTS(quadruple_tank)
FACTS(pump)
FACTS(valve)
FACTS(pipe)
FACTS(reservoir)
FACTS(sand_filter)
FACTS(district)
FACTS(heat_exchanger)
FACTS(room)
FACTS(radiator)
FACTS(boiler)
FACTS(air_handler)
FACTS(battery)
FACTS(battery_pack)
FACTS(storage_cell)
FACTS(storage_site)
FACTS(dc_motor)
FACTS(conveyor)
FACTS(wind_turbine)
FACTS(pv_array)
FACTS(robot_joint)
FACTS(bearing)
FACTS(induction_motor)
FACTS(incubator)

KIT_MAIN("twins.estimation", a_clogged_outlet_is_learnt_once_it_is_noticed, NAMES(tank), NAMES(quadruple_tank), NAMES(pump), NAMES(valve),
         NAMES(pipe), NAMES(reservoir), NAMES(sand_filter), NAMES(district), NAMES(heat_exchanger), NAMES(room), NAMES(radiator), NAMES(boiler), NAMES(air_handler),
         NAMES(battery), NAMES(battery_pack), NAMES(storage_cell), NAMES(storage_site), NAMES(dc_motor), NAMES(conveyor), NAMES(wind_turbine), NAMES(pv_array), NAMES(robot_joint), NAMES(bearing),
         NAMES(induction_motor), NAMES(incubator))
