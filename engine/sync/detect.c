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
        if (jump > 0)
            model_open(view->model, view->block->columns, view->lane, i, jump);
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

// --- whole columns -------------------------------------------------------------------------------------------------

/* A block's lanes side by side: loops over them are written so that the compiler turns them into vectors. */
typedef double Lanes[LANES];

void detect_spread(uint64_t lanes, double out[LANES])
{
    for (size_t lane = 0; lane < LANES; lane++)
        out[lane] = (double)(lanes >> lane & 1);
}

static uint64_t gather(const Lanes flags)
{
    uint64_t lanes = 0;
    for (size_t lane = 0; lane < LANES; lane++)
        lanes |= (uint64_t)(flags[lane] != 0) << lane;
    return lanes;
}

static double clamp(double x, double low, double high)
{
    const double above = x > low ? x : low;  // low, where x is no number
    return above < high ? above : high;
}

/* Innovations in their standard deviations. */
static void normalise(const Block *block, const Sensor *sensor, Lanes z)
{
    const double *innovation = block_column(block, sensor->innovation), *variance = block_column(block, sensor->innovation_variance);
    for (size_t lane = 0; lane < LANES; lane++)
        z[lane] = innovation[lane] / sqrt(variance[lane]);
}

/* A sample this far out says more about the sensor than about the plant, unless the next one says it too: it is held back. Gives the lanes in
 * which that is so, and notes the start of those that are heard for the first time. */
static uint64_t hold_back(const DetectLimits *limits, Block *block, const Lanes of, uint16_t sensor, const Lanes z, double tick)
{
    const double *state = block_column(block, block->model->memory + STATE);
    double *started = block_column(block, block->model->memory + STARTED), *outlier = block_column(block, block->model->sensors[sensor].memory + OUTLIER);
    Lanes held;
    for (size_t lane = 0; lane < LANES; lane++) {
        const double start = started[lane] == 0 ? tick : started[lane];
        const double gated = (state[lane] != DETECT_PROCESS ? 1.0 : 0.0) * (tick - start >= limits->gate_from ? 1.0 : 0.0);
        const double wild = gated * (fabs(z[lane]) > DETECT_GATE ? 1.0 : 0.0);
        held[lane] = of[lane] * wild * (outlier[lane] == 0 ? 1.0 : 0.0);
        outlier[lane] = of[lane] != 0 ? wild : outlier[lane];
        started[lane] = of[lane] != 0 ? start : started[lane];
    }
    return gather(held);
}

static void feed_cusum(const DetectLimits *limits, Block *block, const Lanes of, uint16_t sensor, Lanes z)
{
    double *up = block_column(block, block->model->sensors[sensor].memory + CUSUM_UP), *down = block_column(block, block->model->sensors[sensor].memory + CUSUM_DOWN);
    const double cap = CUSUM_CAP * limits->cusum;
    for (size_t lane = 0; lane < LANES; lane++) {
        z[lane] = clamp(z[lane] / limits->scale, -CLIP, CLIP);
        const double higher = clamp(up[lane] + z[lane] - SHIFT, 0, cap), lower = clamp(down[lane] - z[lane] - SHIFT, 0, cap);
        up[lane] = of[lane] != 0 ? higher : up[lane];
        down[lane] = of[lane] != 0 ? lower : down[lane];
    }
}

/* The sum is made anew each time: adding and taking away would drift. */
static void feed_window(Block *block, uint64_t lanes, const Lanes of, uint16_t sensor, const Lanes z)
{
    const int memory = block->model->sensors[sensor].memory;
    double *at = block_column(block, memory + WINDOW_AT), *count = block_column(block, memory + WINDOW_COUNT), *kept = block_column(block, memory + WINDOW_SUM);
    for (uint64_t left = lanes; left; left &= left - 1) {
        const uint32_t lane = (uint32_t)__builtin_ctzll(left);
        block_column(block, memory + WINDOW + (int)at[lane])[lane] = z[lane] * z[lane];
    }

    for (size_t lane = 0; lane < LANES; lane++) {
        const double next = at[lane] + 1 < NIS_WINDOW ? at[lane] + 1 : 0, more = count[lane] < NIS_WINDOW ? count[lane] + 1 : NIS_WINDOW;
        at[lane] = of[lane] != 0 ? next : at[lane];
        count[lane] = of[lane] != 0 ? more : count[lane];
    }

    Lanes sum = {0};
    for (int i = 0; i < NIS_WINDOW; i++) {
        const double *square = block_column(block, memory + WINDOW + i);
        for (size_t lane = 0; lane < LANES; lane++)
            sum[lane] += i < count[lane] ? square[lane] : 0;
    }
    for (size_t lane = 0; lane < LANES; lane++)
        kept[lane] = of[lane] != 0 ? sum[lane] : kept[lane];
}

/* The lanes of which there is something to say: those that are not calm, and those where a sensor shows more than it does in quiet times. */
static uint64_t find_loud(const DetectLimits *limits, const Block *block, const Lanes of)
{
    const double *state = block_column(block, block->model->memory + STATE);
    Lanes loud;
    for (size_t lane = 0; lane < LANES; lane++)
        loud[lane] = state[lane] != DETECT_CALM ? of[lane] : 0;
    for (uint16_t i = 0; i < block->model->sensor_count; i++) {
        const int memory = block->model->sensors[i].memory;
        const double *up = block_column(block, memory + CUSUM_UP), *down = block_column(block, memory + CUSUM_DOWN), *sign = block_column(block, memory + SIGN);
        const double *sum = block_column(block, memory + WINDOW_SUM), evidence = EVIDENCE * limits->cusum;
        for (size_t lane = 0; lane < LANES; lane++) {
            const double larger = up[lane] > down[lane] ? up[lane] : down[lane];
            loud[lane] = larger > evidence ? of[lane] : loud[lane];
            loud[lane] = sum[lane] > limits->nis ? of[lane] : loud[lane];
            loud[lane] = sign[lane] != 0 ? of[lane] : loud[lane];
        }
    }
    return gather(loud);
}

/* What the tests of one twin say, and what follows. */
static void judge_lane(const DetectLimits *limits, Block *block, uint32_t lane, uint16_t sensor, double tick)
{
    const View view = {limits, block, block->model, lane, tick};
    note_signs(&view);
    Opinion opinion = ask_sensors(&view);
    suspect(&view, &opinion, sensor);
    decide(&view, &opinion);
    opinion = ask_sensors(&view);
    relent(&view, &opinion);
}

/* While a fault is suspected, no property of a sensor may be learnt from it; while the process has parted, the model is trusted less. */
static uint64_t tell_filter(Block *block, const Lanes of, uint16_t sensor)
{
    const double *state = block_column(block, block->model->memory + STATE), *first = block_column(block, block->model->memory + FIRST_SENSOR);
    double *frozen = block_column(block, block->model->frozen), *parted = block_column(block, block->model->parted);
    Lanes blamed;
    for (size_t lane = 0; lane < LANES; lane++) {
        const double calm = state[lane] == DETECT_CALM ? 1.0 : 0.0, process = state[lane] == DETECT_PROCESS ? 1.0 : 0.0;
        frozen[lane] = of[lane] != 0 ? 1 - calm : frozen[lane];
        parted[lane] = of[lane] != 0 ? process : parted[lane];
        blamed[lane] = (state[lane] == DETECT_SENSOR ? 1.0 : 0.0) * (first[lane] == sensor ? of[lane] : 0);
    }
    return gather(blamed);
}

uint64_t detect_judge(const DetectLimits *limits, Block *block, uint64_t lanes, uint16_t sensor, int64_t tick)
{
    const double *started = block_column(block, block->model->memory + STARTED);
    Lanes z, of;
    detect_spread(lanes, of);
    normalise(block, &block->model->sensors[sensor], z);
    const uint64_t held = hold_back(limits, block, of, sensor, z, (double)tick);

    Lanes settled;
    for (size_t lane = 0; lane < LANES; lane++)
        settled[lane] = (double)tick - started[lane] >= limits->settle ? 1 : 0;
    const uint64_t tested = lanes & ~held & gather(settled);
    if (tested) {
        Lanes counts;
        detect_spread(tested, counts);
        feed_cusum(limits, block, counts, sensor, z);
        feed_window(block, tested, counts, sensor, z);
        for (uint64_t left = find_loud(limits, block, counts); left; left &= left - 1)
            judge_lane(limits, block, (uint32_t)__builtin_ctzll(left), sensor, (double)tick);
    }
    return lanes & ~held & ~tell_filter(block, of, sensor);
}

void detect_index(const DetectLimits *limits, Block *block, uint64_t lanes)
{
    double *index = block_column(block, block->model->statistic);
    Lanes of, largest = {0};
    detect_spread(lanes, of);
    for (uint16_t i = 0; i < block->model->sensor_count; i++) {
        const int memory = block->model->sensors[i].memory;
        const double *up = block_column(block, memory + CUSUM_UP), *down = block_column(block, memory + CUSUM_DOWN);
        const double *count = block_column(block, memory + WINDOW_COUNT), *sum = block_column(block, memory + WINDOW_SUM);
        for (size_t lane = 0; lane < LANES; lane++) {
            const double cusum = (up[lane] > down[lane] ? up[lane] : down[lane]) / limits->cusum;
            const double window = (count[lane] < NIS_WINDOW ? 0 : sum[lane]) / limits->nis;
            const double larger = cusum > window ? cusum : window;
            largest[lane] = larger > largest[lane] ? larger : largest[lane];
        }
    }
    for (size_t lane = 0; lane < LANES; lane++)
        index[lane] = of[lane] != 0 ? largest[lane] : index[lane];
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

void detect_heard(Block *block, uint64_t lanes, uint16_t sensor, int64_t tick)
{
    double *heard = block_column(block, block->model->sensors[sensor].memory + HEARD);
    Lanes of;
    detect_spread(lanes, of);
    for (size_t lane = 0; lane < LANES; lane++)
        heard[lane] = of[lane] != 0 ? (double)tick : heard[lane];
}

uint64_t detect_parted(const DetectLimits *limits, const Block *block, int64_t tick)
{
    const double *state = block_column(block, block->model->memory + STATE);
    Lanes parted;
    for (size_t lane = 0; lane < LANES; lane++)
        parted[lane] = state[lane] >= DETECT_PROCESS ? 1 : 0;
    for (uint16_t i = 0; i < block->model->sensor_count; i++) {
        const double *heard = block_column(block, block->model->sensors[i].memory + HEARD);
        for (size_t lane = 0; lane < LANES; lane++) {
            const double silent = heard[lane] != 0 ? 1.0 : 0.0;
            parted[lane] = (double)tick - heard[lane] > limits->silence[i] ? silent + parted[lane] : parted[lane];
        }
    }
    return gather(parted);
}
