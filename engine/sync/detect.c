#include "sync/suspicion.h"

#include <math.h>

static const double CUSUM_CAP = 1.5;  // of its limit: what is beyond adds nothing but time to come back

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
    const int memory = block->model->sensors[sensor].memory;
    double *up = block_column(block, memory + CUSUM_UP), *down = block_column(block, memory + CUSUM_DOWN);
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
            const double square = known[lane] * known[lane], large = square < HELD_BACK * HELD_BACK / 4 ? CLIP * CLIP : 0;
            const double clipped = square <= CLIP * CLIP ? square : large;
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
        const double *up = block_column(block, memory + CUSUM_UP), *down = block_column(block, memory + CUSUM_DOWN);
        const double *sum = block_column(block, memory + WINDOW_SUM);
        for (size_t lane = 0; lane < LANES; lane++) {
            const double larger = up[lane] > down[lane] ? up[lane] : down[lane];
            loud[lane] = larger > limits->cusum ? of[lane] : loud[lane];
            loud[lane] = sum[lane] > limits->nis ? of[lane] : loud[lane];
        }
    }
    return gather(loud);
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
    // of the sample before: now it shows whether it stood alone
    const uint64_t wild = gather(block_column(block, block->model->sensors[sensor].memory + OUTLIER));
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
            suspicion_judge(&(View){limits, block, block->model, (uint32_t)__builtin_ctzll(left), (double)tick, desk}, sensor);
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
    double *heard = block_column(block, s->memory + HEARD);
    double *count = block_column(block, s->memory + WINDOW_COUNT), *at = block_column(block, s->memory + WINDOW_AT);
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
