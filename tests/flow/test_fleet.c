/* A hundred thousand twins and what feeds them, from sample to estimate, for a few ticks of the whole. */
#include "flow/rehearsal.h"

#define PLANT POLLUX_SOURCE "/twins/plants/fleet.lua"

enum { SITES = 1000, CELLS = 100000, STEP = 10 };

static size_t count_of(const Castor *castor, const char *channel)
{
    size_t count, found = 0;
    const Sample *samples = castor_samples(castor, &count);
    for (size_t i = 0; i < count; i++)
        found += strcmp(tags_get(castor_plant(castor)->tags, samples[i].tag).channel, channel) == 0;
    return found;
}

static double value_of(const Plant *plant, const char *format, unsigned number)
{
    char name[64];
    snprintf(name, sizeof name, format, number);
    const TagId tag = tags_find(plant->tags, name);
    ck_assert_msg(tag != TAG_NONE, "no tag %s", name);
    return plant_value(plant, tag);
}

/* A period of 60 s has six steps: each carries a sixth of the voltmeters, give or take a block, and all of them together every one. */
START_TEST(the_cells_take_turns_over_their_period)
{
    ErrText why = {""};
    Castor *castor;
    ck_assert_msg(castor_create(PLANT, 1, true, &castor, &why) == ERR_OK, "%s", why.text);
    castor_begin(castor, 0);
    size_t sum = 0;
    for (int step = 0; step < 60 / STEP; step++) {
        ck_assert_msg(castor_step(castor, &why) == ERR_OK, "%s", why.text);
        const size_t count = count_of(castor, "voltmeter");
        ck_assert_uint_ge(count, CELLS / 6 - LANES);
        ck_assert_uint_le(count, CELLS / 6 + LANES);
        ck_assert_uint_eq(count_of(castor, "load"), SITES);
        sum += count;
    }
    ck_assert_uint_eq(sum, CELLS);
    castor_destroy(castor);
}
END_TEST

/* The current of a string is that of each of its cells, but for what it changes in the step on which it is carried; every sample is folded in. */
START_TEST(a_hundred_thousand_twins_follow_their_samples)
{
    Rehearsal rehearsal;
    rehearsal_open(&rehearsal, PLANT, 1, false);
    rehearsal_run(&rehearsal, 7 * STEP);
    const Plant *plant = rehearsal.app->plant;
    ck_assert_uint_eq(plant->twin_count, SITES + CELLS);
    const double change = 60 * (M_PI / 4 / 3600) * STEP;  // A: the most that the swing of the load has in a step
    for (uint32_t cell = 0; cell < CELLS; cell++)
        ck_assert(fabs(value_of(plant, "cell_%06u.current", cell + 1) - value_of(plant, "site_%04u.load", cell / 100 + 1)) < change);
    const SyncCounters *counters = sync_counters(rehearsal.app->sync);
    ck_assert_uint_gt(counters->used, 2 * CELLS);
    ck_assert_uint_eq(counters->late + counters->future + counters->duplicate + counters->dropped, 0);
    ck_assert_uint_eq(rehearsal.note_count, 0);
    ck_assert_uint_eq(plant_quarantined(plant), 0);
    rehearsal_close(&rehearsal);
}
END_TEST

KIT_MAIN("flow.fleet", the_cells_take_turns_over_their_period, a_hundred_thousand_twins_follow_their_samples)
