#include "sync/suspicion.h"

#include <math.h>

static const double EVIDENCE = 0.5;  // of the CUSUM's limit: below it is quiet
static const double CLEAR = 4.6;     // nats between sensor and process, a hundred to one: from there on it is clear which
static const double AGREES = 3.0;    // standard deviations, of its mean and of its squares: a sensor that agrees with the estimate
enum { ANEW_SAMPLES = 5, REPEATS_OF_STUCK = 3 };

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
    *out = (Series){.count = (uint16_t)*of_sensor(view, sensor, WINDOW_COUNT),
                    .age = view->tick - *of_sensor(view, sensor, HEARD),
                    .repeats = *of_sensor(view, sensor, REPEATS),
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

/* Outliers more than chance allows, and nothing else. */
static bool throws_outliers(const View *view, uint16_t sensor, const Series *series)
{
    const bool stands_alone = series->count > 1 && series->held[1] && count_outliers(series) >= view->limits->outliers;
    return stands_alone && cusum_of(view, sensor) < EVIDENCE * view->limits->cusum && !any_alarms(view);
}

/* What the asking sensor shows that needs no model: it repeats itself, or throws outliers and agrees between them. */
static bool find_at_sight(const View *view, uint16_t sensor, Finding *out)
{
    Series series;
    read_series(view, sensor, &series);
    *out = (Finding){.cause = CAUSE_NONE, .sensor = sensor, .size = NAN, .sd = NAN};
    if (repeats_itself(view, sensor)) {
        out->cause = CAUSE_STUCK;
    } else if (throws_outliers(view, sensor, &series)) {
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

void suspicion_judge(const View *view, uint16_t sensor)
{
    if (state_of(view) < DETECT_PROCESS) {
        consider(view, sensor);
    } else {
        reconsider(view, sensor);
        relent(view, sensor);
    }
}
