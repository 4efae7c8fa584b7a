#include "sync/detect.h"

#include <assert.h>
#include <math.h>

/* What is remembered per sensor. Ticks are kept as doubles, exact up to 2^53; 0 is no tick. */
enum SensorMemory {
    CUSUM_UP,
    CUSUM_DOWN,
    WINDOW_SUM,
    WINDOW_COUNT,
    WINDOW_AT,
    OUTLIER,     // the last sample was one
    SIGN,        // of the first evidence: 1, -1, or 0 for none
    SIGN_FIRST,  // tick of the first evidence
    SIGN_LAST,   // and of the last
    HEARD,       // tick of the last sample
    WINDOW = 12, // NIS_WINDOW squares
};
_Static_assert((int)WINDOW + (int)NIS_WINDOW <= (int)SENSOR_MEMORY, "the memory of a sensor's tests fits its columns");

enum TwinMemory { STATE, SUSPECTED, FIRST_SENSOR, LAST_LOUD, STARTED, SINCE };
_Static_assert((int)SINCE < (int)TWIN_MEMORY, "the memory of a twin fits its columns");

static const double SHIFT = 1.0;          // allowance of the CUSUM: tuned to shifts of two standard deviations
static const double CUSUM_CAP = 1.5;      // of its limit: what is beyond adds nothing but time to come back
static const double EVIDENCE = 0.5;       // of the CUSUM's limit: from here on a direction is noted
static const double CLIP = 4.0;           // standard deviations: one wild sample is no shift
static const double OUTLIER_GATE = 5.0;   // standard deviations: a single sample beyond is held back
enum { GRACE_SAMPLES = 5, QUIET_SAMPLES = NIS_WINDOW, SILENT_SAMPLES = 5 };

/* e^x by its series on x/64, squared six times: the C library's differs in the last bit between machines. */
static double exp_plain(double x)
{
    double term = 1, sum = 1;
    for (int i = 1; i <= 20; i++) {
        term *= x / 64 / i;
        sum += term;
    }
    for (int i = 0; i < 6; i++)
        sum *= sum;
    return sum;
}

/* Mean number of white samples until a one-sided CUSUM with allowance SHIFT passes `limit` (Siegmund). */
static double cusum_run_length(double limit)
{
    const double b = limit + 1.166;
    return (exp_plain(2 * SHIFT * b) - 2 * SHIFT * b - 1) / (2 * SHIFT * SHIFT);
}

/* One over the probability that chi-square of NIS_WINDOW degrees of freedom passes `limit`: a closed form, since they are even. */
static double window_run_length(double limit)
{
    double term = 1, sum = 1;
    for (int i = 1; i < NIS_WINDOW / 2; i++) {
        term *= limit / 2 / i;
        sum += term;
    }
    return exp_plain(limit / 2) / sum;
}

static double solve(double (*run_length)(double), double wished, double low, double high)
{
    for (int i = 0; i < 200; i++) {
        const double middle = low + (high - low) / 2;
        if (run_length(middle) < wished)
            low = middle;
        else
            high = middle;
    }
    return high;
}

void detect_limits(const Model *model, DetectLimits *out)
{
    // each sample is tested three times: up, down and the window
    double every = model->step, tests_per_s = 0;
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        every = model->sensors[i].every > every ? model->sensors[i].every : every;
        tests_per_s += 3 / model->sensors[i].every;
    }
    const double wished = model->divergence.false_alarms * tests_per_s;
    const double ticks = every / model->step;
    *out = (DetectLimits){
        .cusum = solve(cusum_run_length, wished, 0, 20),
        .nis = solve(window_run_length, wished, NIS_WINDOW, 400),
        .scale = model->divergence.whiteness,
        .settle = model->divergence.settle / model->step,
        .gate_from = QUIET_SAMPLES * ticks,
        .grace = GRACE_SAMPLES * ticks,
        .hold = QUIET_SAMPLES * ticks,
    };
    for (uint16_t i = 0; i < model->sensor_count; i++)
        out->silence[i] = SILENT_SAMPLES * model->sensors[i].every / model->step;
}

/* One twin's memory, seen as a view on its block. */
typedef struct View {
    const DetectLimits *limits;
    Block *block;
    const Model *model;
    uint32_t lane;
    double tick;
} View;

static double *cell(const Block *block, uint32_t lane, uint16_t column)
{
    return &block->columns[(size_t)column * LANES + lane];
}

static double *of_sensor(const View *view, uint16_t sensor, int slot)
{
    return cell(view->block, view->lane, (uint16_t)(view->model->sensors[sensor].memory + slot));
}

static double *of_twin(const View *view, int slot)
{
    return cell(view->block, view->lane, (uint16_t)(view->model->memory + slot));
}

static DetectState state_of(const View *view)
{
    return (DetectState)*of_twin(view, STATE);
}

static double cusum_of(const View *view, uint16_t sensor)
{
    return fmax(*of_sensor(view, sensor, CUSUM_UP), *of_sensor(view, sensor, CUSUM_DOWN));
}

/* The window's sum, once the window is full. */
static double window_of(const View *view, uint16_t sensor)
{
    return *of_sensor(view, sensor, WINDOW_COUNT) < NIS_WINDOW ? 0 : *of_sensor(view, sensor, WINDOW_SUM);
}

static bool alarms(const View *view, uint16_t sensor)
{
    return cusum_of(view, sensor) > view->limits->cusum || window_of(view, sensor) > view->limits->nis;
}

static void forget_tests(const View *view, uint16_t sensor)
{
    const uint16_t slots[] = {CUSUM_UP, CUSUM_DOWN, WINDOW_SUM, WINDOW_COUNT, WINDOW_AT, SIGN, SIGN_FIRST, SIGN_LAST};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        *of_sensor(view, sensor, slots[i]) = 0;
}

static void feed_tests(const View *view, uint16_t sensor, double z)
{
    double *up = of_sensor(view, sensor, CUSUM_UP), *down = of_sensor(view, sensor, CUSUM_DOWN);
    const double cap = CUSUM_CAP * view->limits->cusum;
    z = fmin(fmax(z / view->limits->scale, -CLIP), CLIP);
    *up = fmin(cap, fmax(0, *up + z - SHIFT));
    *down = fmin(cap, fmax(0, *down - z - SHIFT));

    // the sum is made anew each time: adding and taking away would drift
    double *at = of_sensor(view, sensor, WINDOW_AT), *count = of_sensor(view, sensor, WINDOW_COUNT), sum = 0;
    *of_sensor(view, sensor, WINDOW + (int)*at) = z * z;
    *at = *at + 1 < NIS_WINDOW ? *at + 1 : 0;
    *count = fmin(*count + 1, NIS_WINDOW);
    for (int i = 0; i < (int)*count; i++)
        sum += *of_sensor(view, sensor, WINDOW + i);
    *of_sensor(view, sensor, WINDOW_SUM) = sum;
}

/* Note for each sensor in which direction it left first. */
static void note_signs(const View *view)
{
    for (uint16_t i = 0; i < view->model->sensor_count; i++) {
        double *sign = of_sensor(view, i, SIGN), *last = of_sensor(view, i, SIGN_LAST);
        if (cusum_of(view, i) > EVIDENCE * view->limits->cusum) {
            if (*sign == 0) {
                *sign = *of_sensor(view, i, CUSUM_UP) >= *of_sensor(view, i, CUSUM_DOWN) ? 1 : -1;
                *of_sensor(view, i, SIGN_FIRST) = view->tick;
            }
            *last = view->tick;
        } else if (state_of(view) == DETECT_CALM && *sign != 0 && view->tick - *last > view->limits->grace) {
            *sign = 0;
        }
    }
}

/* What the sensors say together. */
typedef struct Opinion {
    bool any;       // some test is beyond its limit
    bool all;       // and every sensor left in the same direction
    bool opposed;   // and some left upwards, some downwards
    bool quiet;     // every test is far from its limit
    uint16_t first; // the sensor that left first
} Opinion;

static Opinion ask_sensors(const View *view)
{
    Opinion opinion = {.all = true, .quiet = true};
    bool up = false, down = false, still = false;
    double first = INFINITY;
    for (uint16_t i = 0; i < view->model->sensor_count; i++) {
        const double sign = *of_sensor(view, i, SIGN);
        up |= sign > 0;
        down |= sign < 0;
        still |= sign == 0;
        opinion.any |= alarms(view, i);
        opinion.quiet &= cusum_of(view, i) < EVIDENCE * view->limits->cusum && *of_sensor(view, i, WINDOW_SUM) < view->limits->nis;
        if (sign != 0 && *of_sensor(view, i, SIGN_FIRST) < first) {
            first = *of_sensor(view, i, SIGN_FIRST);
            opinion.first = i;
        }
    }
    opinion.all = opinion.any && !still && !(up && down);
    opinion.opposed = opinion.any && up && down;
    return opinion;
}

/* A sensor is blamed, and yet another one has left in the same direction: it was the process after all. */
static bool others_follow(const View *view)
{
    const uint16_t blamed = detect_blamed(view->block, view->lane);
    const double sign = *of_sensor(view, blamed, SIGN);
    bool any = false, all = true;
    for (uint16_t i = 0; i < view->model->sensor_count; i++) {
        if (i == blamed)
            continue;
        any |= alarms(view, i);
        all &= sign != 0 && *of_sensor(view, i, SIGN) == sign;
    }
    return any && all;
}

/* The asset has changed: what may have jumped is unknown again, within the distance that the model names. */
static void open_covariance(const View *view)
{
    for (uint16_t i = view->model->dynamic_count; i < view->model->state_count; i++) {
        const double jump = view->model->channels[i].jump;
        if (jump == 0)
            continue;
        for (uint16_t j = 0; j < view->model->state_count; j++)
            *cell(view->block, view->lane, model_covariance(view->model, i, j)) = 0;
        *cell(view->block, view->lane, view->model->channels[i].variance) = jump * jump;
    }
}

static void enter(const View *view, DetectState state)
{
    *of_twin(view, STATE) = state;
    *of_twin(view, SINCE) = *of_twin(view, LAST_LOUD) = view->tick;
    if (state == DETECT_PROCESS)
        open_covariance(view);
}

static void blame(const View *view, uint16_t sensor)
{
    enter(view, DETECT_SENSOR);
    *of_twin(view, FIRST_SENSOR) = sensor;
    for (uint16_t i = 0; i < view->model->sensor_count; i++)
        if (i != sensor)
            forget_tests(view, i);  // what they said until now was said of an estimate that the bad sensor had spoilt
}

static void calm_down(const View *view)
{
    *of_twin(view, STATE) = DETECT_CALM;
    for (uint16_t i = 0; i < view->model->sensor_count; i++)
        *of_sensor(view, i, CUSUM_UP) = *of_sensor(view, i, CUSUM_DOWN) = *of_sensor(view, i, SIGN) = 0;
}

/* From calm to suspicion. */
static void suspect(const View *view, const Opinion *opinion, uint16_t sensor)
{
    if (state_of(view) != DETECT_CALM || !opinion->any)
        return;
    *of_twin(view, STATE) = DETECT_SUSPECT;
    *of_twin(view, SUSPECTED) = view->tick;
    *of_twin(view, FIRST_SENSOR) = sensor;
}

/* From suspicion to a verdict, or back. */
static void decide(const View *view, const Opinion *opinion)
{
    if (state_of(view) == DETECT_SUSPECT) {
        if (!opinion->any)
            *of_twin(view, STATE) = DETECT_CALM;
        else if (opinion->all)
            enter(view, DETECT_PROCESS);
        else if (opinion->opposed)
            blame(view, opinion->first);
        else if (view->tick - *of_twin(view, SUSPECTED) >= view->limits->grace)
            blame(view, (uint16_t)*of_twin(view, FIRST_SENSOR));
    } else if (state_of(view) == DETECT_SENSOR && others_follow(view)) {
        enter(view, DETECT_PROCESS);
    }
}

/* From a verdict back to calm, after a time of quiet. */
static void relent(const View *view, const Opinion *opinion)
{
    if (state_of(view) < DETECT_PROCESS)
        return;
    if (!opinion->quiet)
        *of_twin(view, LAST_LOUD) = view->tick;
    else if (view->tick - *of_twin(view, LAST_LOUD) >= view->limits->hold)
        calm_down(view);
}

bool detect_judge(const DetectLimits *limits, Block *block, uint32_t lane, uint16_t sensor, int64_t tick)
{
    const View view = {limits, block, block->model, lane, (double)tick};
    const Sensor *s = &block->model->sensors[sensor];
    const double z = *cell(block, lane, s->innovation) / sqrt(*cell(block, lane, s->innovation_variance));
    double *outlier = of_sensor(&view, sensor, OUTLIER), *started = of_twin(&view, STARTED);
    if (*started == 0)
        *started = view.tick;

    // a sample this far out says more about the sensor than about the plant, unless the next one says it too
    bool hold_back = false, count = true;
    if (state_of(&view) != DETECT_PROCESS && view.tick - *started >= limits->gate_from) {
        const bool wild = fabs(z) > OUTLIER_GATE;
        count = !wild || *outlier;
        hold_back = wild && !*outlier;
        *outlier = wild;
    } else {
        *outlier = 0;
    }

    if (count && view.tick - *started >= limits->settle) {
        const bool was_process = state_of(&view) == DETECT_PROCESS;
        feed_tests(&view, sensor, z);
        note_signs(&view);
        Opinion opinion = ask_sensors(&view);
        suspect(&view, &opinion, sensor);
        decide(&view, &opinion);
        opinion = ask_sensors(&view);
        relent(&view, &opinion);
        if (!was_process && state_of(&view) == DETECT_PROCESS)
            hold_back = false;
    }

    // while a fault is suspected, no property of a sensor may be learnt from it; while the process has parted, the model is trusted less
    *cell(block, lane, block->model->frozen) = state_of(&view) != DETECT_CALM;
    *cell(block, lane, block->model->parted) = state_of(&view) == DETECT_PROCESS;
    return !hold_back && !(state_of(&view) == DETECT_SENSOR && detect_blamed(block, lane) == sensor);
}

DetectState detect_state(const Block *block, uint32_t lane)
{
    return (DetectState)*cell(block, lane, (uint16_t)(block->model->memory + STATE));
}

uint16_t detect_blamed(const Block *block, uint32_t lane)
{
    return (uint16_t)*cell(block, lane, (uint16_t)(block->model->memory + FIRST_SENSOR));
}

int64_t detect_since(const Block *block, uint32_t lane)
{
    return (int64_t)*cell(block, lane, (uint16_t)(block->model->memory + SINCE));
}

int detect_sign(const Block *block, uint32_t lane, uint16_t sensor)
{
    return (int)*cell(block, lane, (uint16_t)(block->model->sensors[sensor].memory + SIGN));
}

double detect_index(const DetectLimits *limits, const Block *block, uint32_t lane)
{
    const View view = {limits, (Block *)block, block->model, lane, 0};
    double index = 0;
    for (uint16_t i = 0; i < block->model->sensor_count; i++)
        index = fmax(index, fmax(cusum_of(&view, i) / limits->cusum, window_of(&view, i) / limits->nis));
    return index;
}

int64_t detect_silence(const Block *block, uint32_t lane, uint16_t sensor, int64_t tick)
{
    const double heard = *cell(block, lane, (uint16_t)(block->model->sensors[sensor].memory + HEARD));
    return heard == 0 ? -1 : tick - (int64_t)heard;
}

bool detect_is_settling(const DetectLimits *limits, const Block *block, uint32_t lane, int64_t tick)
{
    const double started = *cell(block, lane, (uint16_t)(block->model->memory + STARTED));
    return block->model->sensor_count > 0 && (started == 0 || (double)tick - started < limits->settle);
}

void detect_heard(Block *block, uint32_t lane, uint16_t sensor, int64_t tick)
{
    *cell(block, lane, (uint16_t)(block->model->sensors[sensor].memory + HEARD)) = (double)tick;
}
