/* bench_forecast.c -- a forecast as the engine runs it beside the same forecast by hand.
 *
 * 1,000 members of three tanks over 3,600 steps: drawn from the estimate, moved by RK4, shaken by process noise, their quantiles told at 60 times. By hand it is
 * a structure of arrays, 64 members at a time through the whole horizon, the tuned step of bench_compare, and the same random numbers and quantiles
 * (lanes_normals, quantiles_of). One thread each; the two have to agree before anything is timed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/measure.h"
#include "bench/hand.h"
#include "forecast/forecast.h"

enum { MEMBERS = 1000, PACKS = (MEMBERS + LANES - 1) / LANES, STEPS = 3600, TIMES = 60, STATES = 3, QUANTILES = 5, ROUNDS = 10 };

#define SECONDS_MOST 0.3
#define RATIO_MOST 1.2

static const double quantiles[QUANTILES] = {0.05, 0.25, 0.5, 0.75, 0.95};

// ---- the engine's side --------------------------------------------------------------------------------------------------

typedef struct Engine {
    Plant *plant;
    Fork *fork;
    Scenario scenario;
    double times[TIMES];
    TagId tags[STATES];
    Case base;
    Forecast *forecast;  // of the last run
    ErrText why;
} Engine;

static void engine_run(void *self)
{
    Engine *engine = self;
    forecast_destroy(engine->forecast);
    if (forecast_run(engine->fork, &engine->scenario, &(ForecastDef){.threads = 1}, &engine->forecast, &engine->why))
        fprintf(stderr, "bench_forecast: %s\n", engine->why.text);
}

static Err engine_init(Engine *engine)
{
    const uint32_t twin = 0;
    Err err = plant_load(BENCH_PLANTS "/three_tanks.lua", 1, &engine->plant, &engine->why);
    if (!err)
        err = fork_take(engine->plant, 0, &twin, 1, &engine->fork, &engine->why);
    if (err)
        return err;
    for (uint16_t i = 0; i < STATES; i++)
        engine->tags[i] = plant_tag(engine->plant, 0, i);
    for (size_t i = 0; i < TIMES; i++)
        engine->times[i] = (double)((i + 1) * STEPS / TIMES) * TANKS_STEP;
    engine->base = (Case){.name = "base", .doc = ""};
    engine->scenario = (Scenario){.name = "bench",
                                  .doc = "",
                                  .horizon = STEPS * TANKS_STEP,
                                  .members = MEMBERS,
                                  .seed = 1,
                                  .times = engine->times,
                                  .time_count = TIMES,
                                  .tags = engine->tags,
                                  .tag_count = STATES,
                                  .quantiles = quantiles,
                                  .quantile_count = QUANTILES,
                                  .cases = &engine->base,
                                  .case_count = 1};
    program_codegen_wait();
    return ERR_OK;
}

// ---- by hand ------------------------------------------------------------------------------------------------------------

enum { COLUMNS = 10 };  // of hand_tanks_tuned

typedef struct ByHand {
    const Engine *engine;
    double start[COLUMNS], sd[STATES], noise[STATES];
    double (*values)[TIMES][PACKS * LANES];  // STATES
    double told[STATES][QUANTILES][TIMES];
} ByHand;

static void shake(double *restrict column, double spread, const double *restrict normals)
{
    for (int lane = 0; lane < LANES; lane++)
        column[lane] += spread * normals[lane];
}

static void hand_pack(ByHand *hand, uint64_t pack)
{
    _Alignas(64) double members[COLUMNS][LANES], normals[LANES], later[STATES][LANES];
    double *columns[COLUMNS];
    const uint64_t first = pack * LANES, seed = 1;
    for (int c = 0; c < COLUMNS; c++) {
        columns[c] = members[c];
        for (int lane = 0; lane < LANES; lane++)
            members[c][lane] = hand->start[c];
    }
    for (uint64_t s = 0; s < STATES; s++) {
        lanes_normals(seed, UINT64_C(1) << 32 | hand->engine->tags[s], first, normals, later[s]);
        shake(members[s], hand->sd[s], normals);
    }

    for (uint64_t step = 0; step < STEPS; step++) {
        hand_tanks_tuned(columns, LANES);
        for (uint64_t s = 0; s < STATES; s++) {
            const bool even = step % 2 == 0;
            if (even)
                lanes_normals(seed, UINT64_C(2) << 32 | hand->engine->tags[s], step / 2 << 32 | first, normals, later[s]);
            shake(members[s], hand->noise[s], even ? normals : later[s]);
        }
        if ((step + 1) % (STEPS / TIMES) == 0)
            for (int s = 0; s < STATES; s++)
                memcpy(&hand->values[s][(step + 1) / (STEPS / TIMES) - 1][first], members[s], sizeof members[s]);
    }
}

static void hand_run(void *self)
{
    ByHand *hand = self;
    for (uint64_t pack = 0; pack < PACKS; pack++)
        hand_pack(hand, pack);
    for (int s = 0; s < STATES; s++)
        for (int time = 0; time < TIMES; time++) {
            double at[QUANTILES];
            quantiles_of(hand->values[s][time], MEMBERS, quantiles, QUANTILES, at);
            for (int q = 0; q < QUANTILES; q++)
                hand->told[s][q][time] = at[q];
        }
}

static bool hand_init(ByHand *hand, const Engine *engine)
{
    static const char *const names[COLUMNS] = {"a", "b", "c", "area_a", "area_b", "area_c", "orifice_a", "orifice_b", "orifice_c", "inflow"};
    const Model *model = plant_model(engine->plant, 0);
    hand->engine = engine;
    for (int c = 0; c < COLUMNS; c++) {
        const Channel *channel = &model->channels[model_find(model, names[c])];
        const double value = *plant_cell(engine->plant, 0, channel->column);
        hand->start[c] = c >= 3 && c < 6 ? 1 / value : value;
        if (c < STATES) {
            hand->sd[c] = channel->initial_sd;
            hand->noise[c] = channel->noise * sqrt(model->step);
        }
    }
    hand->values = mem_alloc(STATES * sizeof *hand->values);
    return hand->values != NULL;
}

/* The largest relative difference of any quantile. */
static double difference(const Engine *engine, const ByHand *hand)
{
    double largest = 0;
    for (int s = 0; s < STATES; s++)
        for (int q = 0; q < QUANTILES; q++)
            for (int time = 0; time < TIMES; time++) {
                const double is = engine->forecast->cases[0].series[s].quantiles[q * TIMES + time];
                largest = fmax(largest, fabs(is - hand->told[s][q][time]) / fabs(is));
            }
    return largest;
}

// ---- the report ---------------------------------------------------------------------------------------------------------

static void print_row(const char *title, double ns, double hand_ns, double most)
{
    printf("| %s | %.3f | %.1f | %.3f | %.2f", title, ns * 1e-9, ns / ((double)MEMBERS * STEPS), hand_ns * 1e-9, ns / hand_ns);
    if (most > 0)
        printf(" (%s %.2f)", ns / hand_ns <= most ? "at most" : "**above**", most);
    printf(" |\n");
}

static bool measure(Codegen codegen, const char *title)
{
    Engine engine = {0};
    static ByHand hand;
    program_codegen(codegen, NULL);
    bool right = !engine_init(&engine) && hand_init(&hand, &engine);
    if (right) {
        engine_run(&engine);
        hand_run(&hand);
        right = engine.forecast && difference(&engine, &hand) <= 1e-9;
        if (!right)
            fprintf(stderr, "bench_forecast: the two sides differ by %g\n", engine.forecast ? difference(&engine, &hand) : NAN);
    }
    if (right) {
        Way ways[] = {{"engine", engine_run, &engine, 0}, {"by hand", hand_run, &hand, 0}};
        measure_ways(ways, 2, ROUNDS);
        print_row(title, ways[0].best_ns, ways[1].best_ns, codegen == CODEGEN_OFF ? 0 : RATIO_MOST);
        if (codegen != CODEGEN_OFF)
            printf("\nUnder %.1f s wished, %.3f s measured.\n", SECONDS_MOST, ways[0].best_ns * 1e-9);
    }
    forecast_destroy(engine.forecast);
    fork_destroy(engine.fork);
    plant_destroy(engine.plant);
    mem_free(hand.values);
    return right;
}

int main(void)
{
    program_thread_init();
    printf("| %d members of three tanks, %d steps | s | ns per member and step | C by hand, s | times C by hand |\n| --- | --- | --- | --- | --- |\n", MEMBERS,
           STEPS);
    const bool right = measure(CODEGEN_OFF, "interpreted") && measure(CODEGEN_LLVM, "native");
    program_codegen(CODEGEN_OFF, NULL);
    return right ? 0 : 1;
}
