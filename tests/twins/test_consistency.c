/* Monte Carlo consistency: over 1,000 runs of a library model, innovations and errors are as large as its filter says.
 *
 * A run is a lane of a fleet, whose truth starts somewhere in the prior, tracked parameters and biases too, and wanders as the model's own noise has it; sensors
 * have the noise that they declare. Then the normalised innovation squared (NIS) averaged over the runs is chi-square with 1,000 degrees of freedom over 1,000,
 * and the normalised estimation error squared (NEES) that of 1,000 n. Where many averages are looked at, 95 of 100 must lie inside the bounds of 95 %, give or
 * take what chance allows.
 *
 * Source: Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation (2001), 5.4.2. */
#include <math.h>

#include "base/random.h"
#include "twins/bench.h"

enum { RUNS = 1000, CHECKS = 20, TICKS = 10 };  // TICKS from one check of the errors to the next

typedef struct Case {
    const char *model;
    double step;         // s
    const char *input;   // that goes up and down
    double middle, swing, period;  // in its unit, s
} Case;

/* Truth and twins, which differ in nothing but that twins are corrected. */
typedef struct Study {
    const Case *what;
    Plant *truth, *twins;
    uint64_t seed, tick;
    int nis_inside, nis_count, nees_inside, nees_count;
    double nis, nees;  // means over all
} Study;

static Plant *load_fleet(const Case *what)
{
    char path[512], models[512];
    Plant *plant;
    ErrText why = {""};
    snprintf(models, sizeof models, "%s/models", kit_folder());
    if (access(models, R_OK) != 0)
        ck_assert_int_eq(symlink(POLLUX_SOURCE "/twins/models", models), 0);
    snprintf(path, sizeof path, "%s/fleet.lua", kit_folder());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "return plant \"study\" { step = %.17g, assets = { fleet(\"run\", %d, \"%s\") } }\n", what->step, RUNS, what->model);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_msg(plant_load(path, 2, &plant, &why) == ERR_OK, "%s", why.text);
    return plant;
}

static double noise_of(const Study *study, uint32_t run, uint64_t purpose)
{
    return random_normal(study->seed + run, purpose, study->tick);
}

static void draw_starts(const Study *study)
{
    const Model *model = plant_model(study->truth, 0);
    for (uint32_t run = 0; run < RUNS; run++)
        for (uint16_t i = 0; i < model->state_count; i++) {
            double *cell = plant_cell(study->truth, run, model->channels[i].column);
            *cell = fmin(fmax(*cell + model->channels[i].initial_sd * noise_of(study, run, 1000u + i), model->channels[i].min), model->channels[i].max);
        }
}

static void open_study(Study *study, const Case *what)
{
    *study = (Study){.what = what, .seed = hash_bytes(0, what->model, strlen(what->model)), .truth = load_fleet(what), .twins = load_fleet(what)};
    study->truth->free_running = true;
    draw_starts(study);
}

static void close_study(Study *study)
{
    plant_destroy(study->truth);
    plant_destroy(study->twins);
}

static void swing_input(const Study *study)
{
    const Case *what = study->what;
    const Model *model = plant_model(study->truth, 0);
    const Channel *channel = &model->channels[model_find(model, what->input)];
    const double value = what->middle + what->swing * sin(2 * 3.14159265358979 * (double)study->tick * what->step / what->period);
    for (uint32_t run = 0; run < RUNS; run++) {
        *plant_cell(study->truth, run, channel->column) = unit_to_si(channel->unit, value);
        *plant_cell(study->twins, run, channel->column) = unit_to_si(channel->unit, value);
    }
}

static void wander(const Study *study)
{
    const Model *model = plant_model(study->truth, 0);
    for (uint16_t i = 0; i < model->state_count; i++) {
        const Channel *channel = &model->channels[i];
        const double spread = channel->noise * sqrt(study->what->step);
        for (uint32_t run = 0; run < RUNS && spread > 0; run++) {
            double *cell = plant_cell(study->truth, run, channel->column);
            *cell = fmin(fmax(*cell + spread * noise_of(study, run, i), channel->min), channel->max);
        }
    }
}

/* Mean of `count` squares of standard normal numbers: whether it is within the bounds of 95 %, by the normal limit of chi-square, close for a thousand and more. */
static bool is_inside(double mean, double count)
{
    return fabs(mean - 1) < 1.96 * sqrt(2 / count);
}

/* What the truth shows is left in the column of the twins' sensor, with noise. */
static void read_truth(const Study *study, uint32_t index, const Sensor *sensor)
{
    Block *truth = &study->truth->blocks[index], *twins = &study->twins->blocks[index];
    const Channel *channel = &truth->model->channels[sensor->channel];
    double *shown = block_column(truth, channel->column), *sample = block_column(twins, channel->column);
    for (uint32_t lane = 0; lane < LANES; lane++) {
        shown[lane] = 0;
        block_column(truth, sensor->mask)[lane] = 1;
        block_column(twins, sensor->mask)[lane] = lane < twins->lanes;
    }
    program_run(&sensor->measure, truth->columns, &study->truth->scratch[0]);
    for (uint32_t lane = 0; lane < twins->lanes; lane++)
        sample[lane] = channel->noise * noise_of(study, twins->twin[lane], 2000u + sensor->channel) - block_column(truth, sensor->innovation)[lane];
}

static void take_sample(Study *study, uint16_t number)
{
    const Sensor *sensor = &plant_model(study->twins, 0)->sensors[number];
    double sum = 0;
    for (uint32_t b = 0; b < study->twins->block_count; b++) {
        Block *block = &study->twins->blocks[b];
        read_truth(study, b, sensor);
        model_measure(block->model, sensor, block->columns, &study->twins->scratch[0]);
        for (uint32_t lane = 0; lane < block->lanes; lane++) {
            const double innovation = block_column(block, sensor->innovation)[lane];
            sum += innovation * innovation / block_column(block, sensor->innovation_variance)[lane];
        }
        plant_correct(study->twins, b, sensor, 0);
    }
    study->nis += sum / RUNS;
    study->nis_count++;
    study->nis_inside += is_inside(sum / RUNS, RUNS);
}

static void advance(Study *study)
{
    const Model *model = plant_model(study->twins, 0);
    study->tick++;
    swing_input(study);
    plant_advance(study->truth);
    wander(study);
    plant_advance(study->twins);
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        const int64_t every = llround(model->sensors[i].every / study->what->step);
        if (study->tick % (uint64_t)(every < 1 ? 1 : every) == 0)
            take_sample(study, i);
    }
    for (uint32_t b = 0; b < study->twins->block_count; b++)
        plant_settle(study->twins, b, 0);
}

/* e' P^-1 e over what is uncertain, by Cholesky; `count` gets how many values those are. */
static double normalised_error(const Study *study, uint32_t run, int *count)
{
    const Model *model = plant_model(study->twins, 0);
    double root[MODEL_STATES_MAX][MODEL_STATES_MAX], solved[MODEL_STATES_MAX], sum = 0;
    uint16_t of[MODEL_STATES_MAX];
    int n = 0;
    for (uint16_t i = 0; i < model->state_count; i++)
        if (model->channels[i].initial_sd > 0 || model->channels[i].noise > 0)
            of[n++] = i;
    for (int i = 0; i < n; i++) {
        solved[i] = *plant_cell(study->twins, run, of[i]) - *plant_cell(study->truth, run, of[i]);
        for (int j = 0; j <= i; j++) {
            double rest = *plant_cell(study->twins, run, model_covariance(model, of[j], of[i]));
            for (int k = 0; k < j; k++)
                rest -= root[i][k] * root[j][k];
            root[i][j] = i == j ? sqrt(rest) : rest / root[j][j];
            if (j < i)
                solved[i] -= root[i][j] * solved[j];
        }
        ck_assert_msg(root[i][i] > 0, "%s: the covariance is not positive", model->name);
        solved[i] /= root[i][i];
        sum += solved[i] * solved[i];
    }
    *count = n;
    return sum;
}

static void check_errors(Study *study)
{
    int states = 0;
    double sum = 0;
    for (uint32_t run = 0; run < RUNS; run++)
        sum += normalised_error(study, run, &states);
    const double mean = sum / RUNS / states;
    study->nees += mean;
    study->nees_count++;
    study->nees_inside += is_inside(mean, (double)RUNS * states);
}

/* So many of `count` averages inside their bounds of 95 % as chance allows: three standard deviations of a binomial number below its mean. */
static bool are_enough(int inside, int count)
{
    return inside >= 0.95 * count - 3 * sqrt(0.95 * 0.05 * count);
}

static void check(const Case *what)
{
    Study study;
    open_study(&study, what);
    for (int k = 0; k < CHECKS; k++) {
        for (int tick = 0; tick < TICKS; tick++)
            advance(&study);
        check_errors(&study);
    }
    ck_assert_uint_eq(plant_quarantined(study.twins), 0);
    ck_assert_msg(are_enough(study.nis_inside, study.nis_count), "%s: of %d averages of NIS %d are inside their bounds; in the mean %.4f", what->model, study.nis_count,
                  study.nis_inside, study.nis / study.nis_count);
    ck_assert_msg(are_enough(study.nees_inside, study.nees_count), "%s: of %d averages of NEES %d are inside their bounds; in the mean %.4f", what->model, study.nees_count,
                  study.nees_inside, study.nees / study.nees_count);
    close_study(&study);
}

/* Not here, and why: the incubator claims too much (a NEES of 100), as it multiplies a share by a difference of temperatures of which it knows neither the size
 * nor the sign at its start, sd 10 K; the wind turbine and the sand filter claim too little (0.9), as limits cut off a part of what they take for possible. */
static const Case cases[] = {
    {"tank", 1, "inflow", 180, 60, 60},
    {"quadruple_tank", 1, "voltage_1", 3, 0.5, 90},
    {"valve", 0.5, "opening_setpoint", 0.6, 0.2, 40},
    {"heat_exchanger", 0.5, "T_hot_in", 80, 5, 60},
    {"battery", 1, "current", 0.3, 0.2, 200},
    {"dc_motor", 0.005, "voltage", 170, 10, 1},
    {"robot_joint", 0.002, "current", 2.36, 0.2, 3},
    {"induction_motor", 0.2, "load", 95, 5, 90},
    {"district", 0.5, "demand", 26, 3, 90},
    {"air_handler", 60, "T_outdoor", 5, 3, 9000},
};

static const Case *case_of(const char *model)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].model, model) == 0)
            return &cases[i];
    ck_abort_msg("no case for %s", model);
    return NULL;
}

#define FACT(model) START_TEST(a_thousand_runs_of_##model##_are_consistent) { check(case_of(#model)); } END_TEST
#define NAME(model) a_thousand_runs_of_##model##_are_consistent

FACT(tank)
FACT(quadruple_tank)
FACT(valve)
FACT(heat_exchanger)
FACT(battery)
FACT(dc_motor)
FACT(robot_joint)
FACT(induction_motor)
FACT(district)
FACT(air_handler)

KIT_MAIN("twins.consistency", NAME(tank), NAME(quadruple_tank), NAME(valve), NAME(heat_exchanger), NAME(battery), NAME(dc_motor), NAME(robot_joint),
         NAME(induction_motor), NAME(district), NAME(air_handler))
