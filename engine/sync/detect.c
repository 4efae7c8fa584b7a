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
    HEARD,       // tick of the last sample
    LAST,        // its value
    REPEATS,     // and how many times it has been repeated
    QUIET,       // quiet samples in a row, NIS_WINDOW at most
    WINDOW = 12, // NIS_WINDOW innovations in their standard deviations; what was held back is larger by HELD_BACK
};
_Static_assert((int)WINDOW + (int)NIS_WINDOW <= (int)SENSOR_MEMORY, "the memory of a sensor's tests fits its columns");

enum TwinMemory { STATE, SUSPECTED, SENSOR, STARTED, SINCE, CAUSE, CHANNELS, SIZE, ONSET, BEFORE };
_Static_assert((int)BEFORE < (int)TWIN_MEMORY, "the memory of a twin fits its columns");

static const double SHIFT = 1.0;          // allowance of the CUSUM: tuned to shifts of two standard deviations
static const double CUSUM_CAP = 1.5;      // of its limit: what is beyond adds nothing but time to come back
static const double EVIDENCE = 0.5;       // of the CUSUM's limit: below it is quiet
static const double CLEAR = 4.6;          // nats between sensor and process, a hundred to one: from there on it is clear which
static const double AGREES = 3.0;         // standard deviations, of its mean and of its squares: a sensor that agrees with the estimate
static const double HELD_BACK = 1e9;      // far beyond any innovation that can be
static const double CLIP = 4.0;           // standard deviations: one wild sample is no shift
enum { GRACE_SAMPLES = 3, ANEW_SAMPLES = 5, QUIET_SAMPLES = NIS_WINDOW, SILENT_SAMPLES = 5, REPEATS_OF_STUCK = 3, TESTS = 5 };

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

/* The probability that white noise holds back a sample: two tails of the normal distribution at DETECT_GATE. */
static const double OUTLIER_CHANCE = 5.733e-7;

/* So many outliers in a window are more than chance: the smallest number whose binomial tail is rarer than wished. */
static double outliers_allowed(double wished)
{
    double tail = NIS_WINDOW * OUTLIER_CHANCE;  // of at least one; the terms fall so fast that the first stands for all
    int count = 1;
    for (; tail > 1 / wished && count < NIS_WINDOW; count++)
        tail *= (NIS_WINDOW - count) * OUTLIER_CHANCE / (count + 1);
    return count;
}

/* So many repeats are more than chance; where one is more often than not, a repeat says nothing. */
static double repeats_allowed(const Model *model, const Sensor *sensor, double wished)
{
    const double chance = cause_of_repeats(model, sensor);
    if (!(chance < 0.5))
        return INFINITY;
    double product = 1, count = 0;
    for (; product * wished > 1 && count < 64; count++)
        product *= chance;
    return count > 2 ? count : 2;
}

void detect_limits(const Model *model, DetectLimits *out)
{
    // each sample is tested five times: up, down, the window, outliers, repeats
    double tests_per_s = 0;
    for (uint16_t i = 0; i < model->sensor_count; i++)
        tests_per_s += TESTS / model->sensors[i].every;
    const double wished = model->divergence.false_alarms * tests_per_s;
    *out = (DetectLimits){
        .cusum = solve(cusum_run_length, wished, 0, 20),
        .nis = solve(window_run_length, wished, NIS_WINDOW, 400),
        .rarity = graph_apply(OP_LOG, wished > 1 ? wished : 1, 0, 0),
        .outliers = outliers_allowed(wished),
        .scale = model->divergence.whiteness,
        .settle = model->divergence.settle / model->step,
    };
    for (uint16_t i = 0; i < model->sensor_count; i++) {
        const Sensor *sensor = &model->sensors[i];
        const double ticks = sensor->every / model->step;
        out->gate_from[i] = QUIET_SAMPLES * ticks;
        out->grace[i] = GRACE_SAMPLES * ticks;
        out->silence[i] = SILENT_SAMPLES * ticks;
        out->repeats[i] = repeats_allowed(model, sensor, wished);
    }
}

/* One twin's memory, seen as a view on its block. */
typedef struct View {
    const DetectLimits *limits;
    Block *block;
    const Model *model;
    uint32_t lane;
    double tick;
    Desk *desk;
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

static bool any_alarms(const View *view)
{
    bool any = false;
    for (uint16_t i = 0; i < view->model->sensor_count; i++)
        any |= alarms(view, i);
    return any;
}

// --- the suspicion -------------------------------------------------------------------------------------------------

/* The last innovations of a sensor, newest first. */
static void read_series(const View *view, uint16_t sensor, Series *out)
{
    const int at = (int)*of_sensor(view, sensor, WINDOW_AT);
    *out = (Series){.count = (uint16_t)*of_sensor(view, sensor, WINDOW_COUNT), .age = view->tick - *of_sensor(view, sensor, HEARD), .repeats = *of_sensor(view, sensor, REPEATS),
                    .folded = state_of(view) != DETECT_SENSOR || *of_twin(view, SENSOR) != sensor};
    for (int k = 0; k < NIS_WINDOW; k++) {
        const double kept = *of_sensor(view, sensor, WINDOW + (at + NIS_WINDOW - 1 - k) % NIS_WINDOW);
        out->held[k] = fabs(kept) > HELD_BACK / 2;
        out->z[k] = out->held[k] ? kept - copysign(HELD_BACK, kept) : kept;
    }
}

/* Of those that stand alone: where the next sample says it too, it was the plant that moved. */
static int count_outliers(const Series *series)
{
    int count = 0;
    for (uint16_t k = 1; k < series->count; k++)
        count += series->held[k] && fabs(series->z[k - 1]) < CLIP;
    return count;
}

static bool repeats_itself(const View *view, uint16_t sensor)
{
    return *of_sensor(view, sensor, REPEATS) >= view->limits->repeats[sensor];
}

/* What the asking sensor shows that needs no model: it repeats itself, or throws outliers and agrees between them. */
static bool find_at_sight(const View *view, uint16_t sensor, Finding *out)
{
    Series series;
    read_series(view, sensor, &series);
    *out = (Finding){.cause = CAUSE_NONE, .sensor = sensor, .size = NAN, .sd = NAN};
    if (repeats_itself(view, sensor)) {
        out->cause = CAUSE_STUCK;
    } else if (series.count > 1 && series.held[1] && count_outliers(&series) >= view->limits->outliers && cusum_of(view, sensor) < EVIDENCE * view->limits->cusum && !any_alarms(view)) {
        const Scatter noise = cause_of_noise(&series);
        out->cause = noise.evidence > 0 ? CAUSE_NOISE : CAUSE_SPIKES;
        out->size = noise.factor;
    }
    return out->cause != CAUSE_NONE;
}

static void find_by_model(const View *view, uint16_t sensor, Finding *out)
{
    Series *series = cause_series(view->desk);
    for (uint16_t i = 0; i < view->model->sensor_count; i++)
        read_series(view, i, &series[i]);
    cause_find(view->desk, view->block, view->lane, sensor, view->limits->scale, view->limits->rarity, out);
}

// --- the verdict ---------------------------------------------------------------------------------------------------

/* The asset has changed, but not in one thing that the filter could find: what may have jumped is unknown again, within the distance that the model names. */
static void open_covariance(const View *view)
{
    for (uint16_t i = view->model->dynamic_count; i < view->model->state_count; i++) {
        const double jump = view->model->channels[i].jump;
        if (jump > 0)
            model_open(view->model, view->block->columns, view->lane, i, jump);
    }
}

/* What the fault has made of the estimate is undone, and what is uncertain of its size becomes uncertain of the estimate: along the same direction. */
static void compensate(const View *view, const Finding *finding, double relative_sd)
{
    const Model *model = view->model;
    double direction[MODEL_STATES_MAX];
    for (uint16_t i = 0; i < model->state_count; i++) {
        direction[i] = relative_sd * finding->deviation[i];
        if (!isfinite(direction[i] * direction[i]))
            return;
    }
    for (uint16_t i = 0; i < model->state_count; i++) {
        double *mean = cell(view->block, view->lane, model->channels[i].column);
        *mean = fmin(fmax(*mean + finding->deviation[i], model->channels[i].min), model->channels[i].max);
    }
    model_widen(model, view->block->columns, view->lane, direction);
}

static void forget_window(const View *view, uint16_t sensor)
{
    *of_sensor(view, sensor, WINDOW_SUM) = *of_sensor(view, sensor, WINDOW_COUNT) = *of_sensor(view, sensor, WINDOW_AT) = 0;
}

/* From here on the tests look at an estimate that has been put right. What spoke has to be quiet before the verdict falls. */
static void begin_anew(const View *view, bool of_process)
{
    const uint16_t blamed = (uint16_t)*of_twin(view, SENSOR);
    for (uint16_t i = 0; i < view->model->sensor_count; i++) {
        const bool spoke = i == blamed || (of_process && (cusum_of(view, i) > EVIDENCE * view->limits->cusum || alarms(view, i)));
        *of_sensor(view, i, QUIET) = spoke ? 0 : NIS_WINDOW;
        forget_window(view, i);
        if (!spoke)
            *of_sensor(view, i, CUSUM_UP) = *of_sensor(view, i, CUSUM_DOWN) = 0;
    }
}

/* Up to CAUSE_CHANNELS of them in one cell: their number in two bits, nine bits each. */
static double pack_channels(const Finding *finding)
{
    uint64_t packed = 0;
    for (uint16_t i = finding->channel_count; i-- > 0;)
        packed = packed << 9 | finding->channels[i];
    return (double)(packed << 2 | finding->channel_count);
}

static void remember(const View *view, const Finding *finding)
{
    const bool moved = finding->cause == CAUSE_PROCESS;
    *of_twin(view, SINCE) = view->tick;
    *of_twin(view, CAUSE) = finding->cause;
    *of_twin(view, SENSOR) = finding->sensor;
    *of_twin(view, CHANNELS) = pack_channels(finding);
    *of_twin(view, SIZE) = finding->size;
    *of_twin(view, ONSET) = view->tick - finding->onset;
    *of_twin(view, BEFORE) = moved ? *cell(view->block, view->lane, view->model->channels[finding->channels[0]].column) : NAN;
}

static void enter_process(const View *view, const Finding *finding)
{
    *of_twin(view, STATE) = DETECT_PROCESS;
    remember(view, finding);
    const uint16_t moved = finding->cause == CAUSE_PROCESS ? finding->channels[0] : UINT16_MAX;
    if (moved < view->model->state_count)
        compensate(view, finding, 1);  // as uncertain as it is large: a large change is not known well from its beginning
    if (moved < view->model->dynamic_count || moved >= view->model->state_count)
        open_covariance(view);  // no state moves by itself, nor do values that the filter cannot find
    begin_anew(view, true);
}

static void enter_sensor(const View *view, const Finding *finding)
{
    *of_twin(view, STATE) = DETECT_SENSOR;
    remember(view, finding);
    if (finding->sd > 0)
        compensate(view, finding, finding->sd / fabs(finding->size));
    begin_anew(view, false);
}

static void conclude(const View *view, const Finding *finding)
{
    if (cause_is_of_sensor(finding->cause))
        enter_sensor(view, finding);
    else
        enter_process(view, finding);
}

static void calm_down(const View *view)
{
    if (state_of(view) == DETECT_SENSOR)
        forget_window(view, (uint16_t)*of_twin(view, SENSOR));  // the estimate was made without it
    *of_twin(view, STATE) = DETECT_CALM;
    for (uint16_t i = 0; i < view->model->sensor_count; i++)
        *of_sensor(view, i, CUSUM_UP) = *of_sensor(view, i, CUSUM_DOWN) = 0;
}

/* From calm to suspicion, from suspicion to a verdict or back. */
static void consider(const View *view, uint16_t sensor)
{
    Finding finding;
    if (find_at_sight(view, sensor, &finding)) {
        conclude(view, &finding);
        return;
    }
    if (!any_alarms(view)) {
        *of_twin(view, STATE) = DETECT_CALM;
        return;
    }
    if (state_of(view) == DETECT_CALM) {
        *of_twin(view, STATE) = DETECT_SUSPECT;
        *of_twin(view, SUSPECTED) = view->tick;
        *of_twin(view, SENSOR) = sensor;
    }
    find_by_model(view, sensor, &finding);
    if (finding.lead > CLEAR || view->tick - *of_twin(view, SUSPECTED) >= view->limits->grace[(int)*of_twin(view, SENSOR)])
        conclude(view, &finding);
}

/* By how much the variance of a sensor's innovations exceeds that of its noise. */
static double excess_of(const View *view, uint16_t sensor)
{
    const Sensor *s = &view->model->sensors[sensor];
    const double noise = view->model->channels[s->channel].noise;
    return *cell(view->block, view->lane, s->innovation_variance) / (noise * noise);
}

/* A sensor that was blamed for a shift is noisy where neighbours differ too much: what they have in common, its fault and the error of the
 * estimate, is not in their difference. */
static void look_for_noise(const View *view, uint16_t sensor)
{
    const Cause cause = (Cause)*of_twin(view, CAUSE);
    if (cause != CAUSE_BIAS && cause != CAUSE_DRIFT)
        return;
    Series series, pairs = {0};
    read_series(view, sensor, &series);
    const double scale = sqrt(excess_of(view, sensor) / 2);
    for (uint16_t k = 0; k + 1 < series.count; k += 2)
        pairs.z[pairs.count++] = (series.z[k] - series.z[k + 1]) * scale;
    const Scatter noise = cause_of_noise(&pairs);
    if (noise.evidence < view->limits->rarity)
        return;
    *of_twin(view, CAUSE) = CAUSE_NOISE;
    *of_twin(view, SIZE) = noise.factor;
    *of_twin(view, CHANNELS) = 0;
}

/* A verdict that does not explain what came behind it was wrong. To change it takes as much evidence as a false alarm. */
static void reconsider(const View *view, uint16_t sensor)
{
    const bool blamed = state_of(view) == DETECT_SENSOR;
    if (blamed && *of_twin(view, SENSOR) == sensor) {
        look_for_noise(view, sensor);
        return;
    }
    if (*of_sensor(view, sensor, WINDOW_COUNT) < ANEW_SAMPLES || !alarms(view, sensor))
        return;
    Finding finding;
    find_by_model(view, sensor, &finding);
    // an estimate that a fault of the process throws about makes every sensor look noisy
    if (cause_is_of_sensor(finding.cause) != blamed && finding.cause != CAUSE_NOISE && finding.lead > view->limits->rarity)
        conclude(view, &finding);
}

/* Whether a sensor that is not used agrees with the estimate again: its window scatters no more than its noise does, and its mean is zero within
 * what is uncertain of it and of the estimate, which has done without it. A bias must be nearer to nothing than to what it was. */
static bool agrees(const View *view, uint16_t sensor)
{
    const bool still_stuck = *of_twin(view, CAUSE) == CAUSE_STUCK && *of_sensor(view, sensor, REPEATS) >= REPEATS_OF_STUCK;
    Series series;
    read_series(view, sensor, &series);
    if (still_stuck || series.count < NIS_WINDOW)
        return false;
    double sum = 0, squares = 0;
    for (uint16_t k = 0; k < NIS_WINDOW; k++)
        sum += series.z[k], squares += series.z[k] * series.z[k];

    const double excess = excess_of(view, sensor), mean = sum / NIS_WINDOW, variance = 1 - 1 / excess + 1 / excess / NIS_WINDOW;
    const double unit = sqrt(*cell(view->block, view->lane, view->model->sensors[sensor].innovation_variance)) * view->limits->scale;
    const double bias = *of_twin(view, CAUSE) == CAUSE_BIAS ? *of_twin(view, SIZE) / unit : INFINITY;
    const double degrees = NIS_WINDOW - 1;
    const bool scatters = (squares - sum * mean) * excess > degrees + AGREES * sqrt(2 * degrees), is_off = mean * mean > AGREES * AGREES * variance;
    return !scatters && !is_off && fabs(mean) < fabs(mean - bias);
}

static bool is_loud(const View *view, uint16_t sensor)
{
    const bool held = *of_sensor(view, sensor, OUTLIER) != 0;
    return held || cusum_of(view, sensor) > EVIDENCE * view->limits->cusum || *of_sensor(view, sensor, WINDOW_SUM) > view->limits->nis;
}

/* From a verdict back to calm: when the sensor that is blamed agrees, and every other that spoke has been quiet for as long as it is tested. */
static void relent(const View *view, uint16_t sensor)
{
    const bool blamed = state_of(view) == DETECT_SENSOR && *of_twin(view, SENSOR) == sensor;
    double *quiet = of_sensor(view, sensor, QUIET);
    *quiet = blamed ? (agrees(view, sensor) ? QUIET_SAMPLES : 0) : is_loud(view, sensor) ? 0 : fmin(*quiet + 1, QUIET_SAMPLES);
    for (uint16_t i = 0; i < view->model->sensor_count; i++)
        if (*of_sensor(view, i, QUIET) < QUIET_SAMPLES)
            return;
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
static void normalise(const DetectLimits *limits, const Block *block, const Sensor *sensor, Lanes z)
{
    const double *innovation = block_column(block, sensor->innovation), *variance = block_column(block, sensor->innovation_variance);
    for (size_t lane = 0; lane < LANES; lane++)
        z[lane] = innovation[lane] / (sqrt(variance[lane]) * limits->scale);
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
        const double gated = (state[lane] != DETECT_PROCESS ? 1.0 : 0.0) * (tick - start >= limits->gate_from[sensor] ? 1.0 : 0.0);
        const double wild = gated * (fabs(z[lane]) * limits->scale > DETECT_GATE ? 1.0 : 0.0);
        held[lane] = of[lane] * wild * (outlier[lane] == 0 ? 1.0 : 0.0);
        outlier[lane] = of[lane] != 0 ? wild : outlier[lane];
        started[lane] = of[lane] != 0 ? start : started[lane];
    }
    return gather(held);
}

static void feed_cusum(const DetectLimits *limits, Block *block, const Lanes of, uint16_t sensor, const Lanes z)
{
    double *up = block_column(block, block->model->sensors[sensor].memory + CUSUM_UP), *down = block_column(block, block->model->sensors[sensor].memory + CUSUM_DOWN);
    const double cap = CUSUM_CAP * limits->cusum;
    for (size_t lane = 0; lane < LANES; lane++) {
        const double clipped = clamp(z[lane], -CLIP, CLIP);
        const double higher = clamp(up[lane] + clipped - SHIFT, 0, cap), lower = clamp(down[lane] - clipped - SHIFT, 0, cap);
        up[lane] = of[lane] != 0 ? higher : up[lane];
        down[lane] = of[lane] != 0 ? lower : down[lane];
    }
}

/* The sum is made anew each time: adding and taking away would drift. What was held back counts for nothing in it. */
static void feed_window(Block *block, uint64_t lanes, uint64_t held, const Lanes of, uint16_t sensor, const Lanes z)
{
    const int memory = block->model->sensors[sensor].memory;
    double *at = block_column(block, memory + WINDOW_AT), *count = block_column(block, memory + WINDOW_COUNT), *kept = block_column(block, memory + WINDOW_SUM);
    for (uint64_t left = lanes; left; left &= left - 1) {
        const uint32_t lane = (uint32_t)__builtin_ctzll(left);
        const double bounded = clamp(z[lane], -HELD_BACK / 4, HELD_BACK / 4);
        block_column(block, memory + WINDOW + (int)at[lane])[lane] = held >> lane & 1 ? bounded + copysign(HELD_BACK, bounded) : bounded;
    }

    for (size_t lane = 0; lane < LANES; lane++) {
        const double next = at[lane] + 1 < NIS_WINDOW ? at[lane] + 1 : 0, more = count[lane] < NIS_WINDOW ? count[lane] + 1 : NIS_WINDOW;
        at[lane] = of[lane] != 0 ? next : at[lane];
        count[lane] = of[lane] != 0 ? more : count[lane];
    }

    Lanes sum = {0};
    for (int i = 0; i < NIS_WINDOW; i++) {
        const double *known = block_column(block, memory + WINDOW + i);
        for (size_t lane = 0; lane < LANES; lane++) {
            const double square = known[lane] * known[lane], large = square < HELD_BACK * HELD_BACK / 4 ? CLIP * CLIP : 0, clipped = square <= CLIP * CLIP ? square : large;
            sum[lane] += i < count[lane] ? clipped : 0;
        }
    }
    for (size_t lane = 0; lane < LANES; lane++)
        kept[lane] = of[lane] != 0 ? sum[lane] : kept[lane];
}

static void count_repeats(Block *block, const Lanes of, uint16_t sensor)
{
    const Sensor *const s = &block->model->sensors[sensor];
    const double *value = block_column(block, block->model->channels[s->channel].column);
    double *last = block_column(block, s->memory + LAST), *repeats = block_column(block, s->memory + REPEATS);
    for (size_t lane = 0; lane < LANES; lane++) {
        const double more = value[lane] == last[lane] ? repeats[lane] + 1 : 0;
        repeats[lane] = of[lane] != 0 ? more : repeats[lane];
        last[lane] = of[lane] != 0 ? value[lane] : last[lane];
    }
}

/* The lanes of which there is something to say: those that are not calm, and those where a sensor shows more than it does in quiet times. */
static uint64_t find_loud(const DetectLimits *limits, const Block *block, const Lanes of, uint16_t sensor)
{
    const double *state = block_column(block, block->model->memory + STATE), *repeats = block_column(block, block->model->sensors[sensor].memory + REPEATS);
    Lanes loud;
    for (size_t lane = 0; lane < LANES; lane++) {
        loud[lane] = state[lane] != DETECT_CALM ? of[lane] : 0;
        loud[lane] = repeats[lane] >= limits->repeats[sensor] ? of[lane] : loud[lane];
    }
    for (uint16_t i = 0; i < block->model->sensor_count; i++) {
        const int memory = block->model->sensors[i].memory;
        const double *up = block_column(block, memory + CUSUM_UP), *down = block_column(block, memory + CUSUM_DOWN), *sum = block_column(block, memory + WINDOW_SUM);
        for (size_t lane = 0; lane < LANES; lane++) {
            const double larger = up[lane] > down[lane] ? up[lane] : down[lane];
            loud[lane] = larger > limits->cusum ? of[lane] : loud[lane];
            loud[lane] = sum[lane] > limits->nis ? of[lane] : loud[lane];
        }
    }
    return gather(loud);
}

/* What the tests of one twin say, and what follows. */
static void judge_lane(const View *view, uint16_t sensor)
{
    if (state_of(view) < DETECT_PROCESS) {
        consider(view, sensor);
    } else {
        reconsider(view, sensor);
        relent(view, sensor);
    }
}

/* While a fault is suspected, no property of a sensor may be learnt from it; while the process has parted, the model is trusted less. */
static uint64_t tell_filter(Block *block, const Lanes of, uint16_t sensor)
{
    const double *state = block_column(block, block->model->memory + STATE), *first = block_column(block, block->model->memory + SENSOR);
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

uint64_t detect_judge(const DetectLimits *limits, Block *block, uint64_t lanes, uint16_t sensor, int64_t tick, Desk *desk)
{
    const double *started = block_column(block, block->model->memory + STARTED);
    Lanes z, of;
    detect_spread(lanes, of);
    normalise(limits, block, &block->model->sensors[sensor], z);
    const uint64_t wild = gather(block_column(block, block->model->sensors[sensor].memory + OUTLIER));  // the sample before: now it shows whether it stood alone
    const uint64_t held = hold_back(limits, block, of, sensor, z, (double)tick);
    count_repeats(block, of, sensor);

    Lanes settled;
    for (size_t lane = 0; lane < LANES; lane++)
        settled[lane] = (double)tick - started[lane] >= limits->settle ? 1 : 0;
    const uint64_t tested = lanes & gather(settled);
    if (tested) {
        Lanes counts;
        detect_spread(tested & ~held, counts);
        feed_cusum(limits, block, counts, sensor, z);
        detect_spread(tested, counts);
        feed_window(block, tested, held, counts, sensor, z);
        for (uint64_t left = find_loud(limits, block, counts, sensor) | (tested & (held | wild)); left; left &= left - 1)
            judge_lane(&(View){limits, block, block->model, (uint32_t)__builtin_ctzll(left), (double)tick, desk}, sensor);
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
    return (uint16_t)*cell(block, lane, (uint16_t)(block->model->memory + SENSOR));
}

int64_t detect_since(const Block *block, uint32_t lane)
{
    return (int64_t)*cell(block, lane, (uint16_t)(block->model->memory + SINCE));
}

DetectCause detect_cause(const Block *block, uint32_t lane)
{
    const uint16_t memory = block->model->memory;
    const uint64_t packed = (uint64_t)*cell(block, lane, (uint16_t)(memory + CHANNELS));
    DetectCause cause = {
        .cause = (Cause)*cell(block, lane, (uint16_t)(memory + CAUSE)),
        .sensor = detect_blamed(block, lane),
        .channel_count = packed & 3,
        .size = *cell(block, lane, (uint16_t)(memory + SIZE)),
        .before = *cell(block, lane, (uint16_t)(memory + BEFORE)),
        .onset = (int64_t)*cell(block, lane, (uint16_t)(memory + ONSET)),
    };
    for (uint16_t i = 0; i < CAUSE_CHANNELS; i++)
        cause.channels[i] = (uint16_t)(packed >> (2 + 9 * i) & 511);
    return cause;
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
    const Sensor *const s = &block->model->sensors[sensor];
    double *heard = block_column(block, s->memory + HEARD), *count = block_column(block, s->memory + WINDOW_COUNT), *at = block_column(block, s->memory + WINDOW_AT);
    const double regular = 1.5 * s->every / block->model->step + 1;
    Lanes of;
    detect_spread(lanes, of);
    for (size_t lane = 0; lane < LANES; lane++) {
        const double gap = (double)tick - heard[lane] > regular ? of[lane] : 0;
        count[lane] = gap != 0 ? 0 : count[lane];
        at[lane] = gap != 0 ? 0 : at[lane];
        heard[lane] = of[lane] != 0 ? (double)tick : heard[lane];
    }
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
