/* Alarms of ticks that run again. A made-up truth is known to one run at once, and to another piece by piece, some ticks late: what both
 * say in the end is the same. */
#include <stdlib.h>

#include "alarm/tanks.h"

#define LIMITS \
    "high = { high = { \"level\", 60 }, hysteresis = 10, hold = 2 }, full = { high = { \"level\", 80 } }, " \
    "low = { low = { \"level\", 30 }, hysteresis = 5 }"
#define LAG "lag = 20"

enum { TWINS = 150, TICKS = 200, LAG_TICKS = 20, ALARMS = 16384 };

/* What one run said of every alarm last, by id, and how often it changed. */
typedef struct Said {
    Alarm last[ALARMS];
    size_t count;
} Said;

/* What is so, and when it becomes known. */
typedef struct Truth {
    double level[TICKS][TWINS];
    VerdictKind verdict[TICKS][TWINS];
    int arrives[TICKS][TWINS];  // the tick
} Truth;

/* Wanders through the limits; a third of the twins has a verdict now and then. */
static Truth *make_truth(uint64_t seed, bool late)
{
    Truth *truth = mem_alloc(sizeof *truth);
    ck_assert_ptr_nonnull(truth);
    for (int twin = 0; twin < TWINS; twin++) {
        double level = 0.45;
        for (int tick = 0; tick < TICKS; tick++) {
            const uint64_t key = (uint64_t)twin * TICKS + (uint64_t)tick;
            level += 0.06 * random_normal(seed, 1, key) + 0.1 * (0.5 - level);
            truth->level[tick][twin] = level;
            truth->verdict[tick][twin] = twin % 3 || sin(tick * 0.2 + twin) < 0.6 ? VERDICT_NONE : sin(tick * 0.11) < 0 ? VERDICT_SENSOR : VERDICT_PROCESS;
            const bool held_up = late && random_uniform(seed, 2, key) < 0.2;
            const int arrives = tick + (held_up ? 1 + (int)(random_uniform(seed, 3, key) * (LAG_TICKS - 1)) : 0);
            truth->arrives[tick][twin] = arrives < TICKS ? arrives : TICKS - 1;  // in the end all is known
        }
    }
    return truth;
}

/* What is believed at tick `now` of an earlier one: what was known last. */
static void believe(Tanks *tanks, const Truth *truth, int tick, int now)
{
    for (int twin = 0; twin < TWINS; twin++) {
        int known = tick;
        while (known >= 0 && truth->arrives[known][twin] > now)
            known--;
        *tanks_cell(tanks, (uint32_t)twin, "level") = known < 0 ? 0.45 : truth->level[known][twin];
        tanks_verdict(tanks, (uint32_t)twin, known < 0 ? VERDICT_NONE : truth->verdict[known][twin], "parted");
    }
}

/* The first tick of which something arrives now for a block, or `now`. */
static int find_oldest(const Tanks *tanks, const Truth *truth, uint32_t block, int now)
{
    for (int tick = now > LAG_TICKS ? now - LAG_TICKS : 0; tick < now; tick++)
        for (uint32_t lane = 0; lane < tanks->plant->blocks[block].lanes; lane++)
            if (truth->arrives[tick][tanks->plant->blocks[block].twin[lane]] == now)
                return tick;
    return now;
}

/* As sync does it: blocks join where their first late sample is. */
static void run_again(Tanks *tanks, const Truth *truth, int now)
{
    uint32_t blocks[8];
    int from[8], oldest = now;
    const uint32_t count = tanks->plant->block_count;
    ck_assert_uint_le(count, 8);
    for (uint32_t i = 0; i < count; i++) {
        from[i] = find_oldest(tanks, truth, i, now);
        oldest = from[i] < oldest ? from[i] : oldest;
    }
    tanks_plant = tanks->plant;
    for (int tick = oldest; tick < now; tick++) {
        PlantPart part = {.blocks = blocks};
        for (uint32_t i = 0; i < count; i++)
            if (from[i] <= tick)
                blocks[part.block_count++] = i;
        believe(tanks, truth, tick, now);
        alarm_judge_again(tanks->alarms, &tanks->sync, &part, at(tick));
    }
}

static void hear(Tanks *tanks, Said *said)
{
    size_t count;
    const Alarm *changed = alarms_changed(tanks->alarms, &count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_lt(changed[i].id, ALARMS);
        Alarm *last = &said->last[changed[i].id];
        ck_assert_uint_gt(changed[i].revision, last->revision);
        ck_assert(changed[i].amended == TIME_NONE || changed[i].amended >= changed[i].raised);
        *last = changed[i];
        said->count = changed[i].id > said->count ? changed[i].id : said->count;
    }
    alarms_settle(tanks->alarms);
}

/* Play it; `acknowledge` one of so many alarms that change, 0: none; over a restart every so many ticks, 0: never. */
static Said *play(const Truth *truth, int acknowledge, int restart)
{
    Tanks *tanks = tanks_open(TWINS, LIMITS, LAG);
    Said *said = mem_alloc(sizeof *said);
    ck_assert_ptr_nonnull(said);
    ck_assert_int_eq(tanks->plant->lag_ticks, LAG_TICKS);
    for (int tick = 0; tick < TICKS; tick++) {
        run_again(tanks, truth, tick);
        believe(tanks, truth, tick, tick);
        tanks_judge(tanks, tick);
        hear(tanks, said);
        for (uint64_t id = 1; acknowledge && id <= said->count; id++)
            if (random_uniform(9, (uint64_t)tick, id) * acknowledge < 1)
                tanks_acknowledge(tanks->alarms, id, at(tick));
        hear(tanks, said);
        if (restart && tick % restart == restart - 1) {
            ErrText why;
            const size_t size = alarms_snapshot_size(tanks->alarms);
            void *bytes = mem_alloc(size);
            alarms_snapshot(tanks->alarms, bytes);
            alarms_destroy(tanks->alarms);
            ck_assert_int_eq(alarms_create(tanks->plant, &tanks->alarms, &why), ERR_OK);
            ck_assert_msg(alarms_restore(tanks->alarms, bytes, size, &why) == ERR_OK, "%s", why.text);
            mem_free(bytes);
        }
    }
    tanks_close(tanks);
    return said;
}

static bool never_was(const Alarm *alarm)
{
    return alarm->returned == alarm->raised;
}

static int by_episode(const void *a, const void *b)
{
    const Alarm *x = a, *y = b;
    if (x->twin != y->twin)
        return x->twin < y->twin ? -1 : 1;
    const int name = strcmp(x->name, y->name);
    return name ? name : (x->raised > y->raised) - (x->raised < y->raised);
}

/* Without those that never were, in an order that does not depend on ids. Returns how many. */
static size_t sort_episodes(Said *said)
{
    size_t count = 0;
    for (size_t id = 1; id <= said->count; id++)
        if (!never_was(&said->last[id]))
            said->last[count++] = said->last[id];
    qsort(said->last, count, sizeof *said->last, by_episode);
    return count;
}

/* Those that last. Returns how many. */
static size_t keep_active(Said *said)
{
    const size_t all = sort_episodes(said);
    size_t count = 0;
    for (size_t i = 0; i < all; i++)
        if (said->last[i].returned == TIME_NONE)
            said->last[count++] = said->last[i];
    return count;
}

/* Every alarm with its times, once, as if all had been known at once. */
START_TEST(in_the_end_alarms_are_those_of_a_run_that_knew_at_once)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        Truth *truth = make_truth(seed, false), *late = make_truth(seed, true);
        Said *one = play(truth, 0, 0), *other = play(late, 0, 0);
        size_t amended = 0, taken_back = 0;
        for (size_t id = 1; id <= other->count; id++) {
            amended += other->last[id].amended != TIME_NONE;
            taken_back += never_was(&other->last[id]);
            ck_assert(!never_was(&other->last[id]) || strstr(other->last[id].text, "late samples take it back"));
        }
        const size_t count = sort_episodes(one), other_count = sort_episodes(other);
        printf("seed %llu: %zu alarms, %zu amended, %zu taken back\n", (unsigned long long)seed, count, amended, taken_back);
        ck_assert_uint_gt(amended, 50);
        ck_assert_uint_gt(taken_back, 10);
        ck_assert_uint_eq(count, other_count);
        for (size_t i = 0; i < count; i++) {
            const Alarm *a = &one->last[i], *b = &other->last[i];
            ck_assert_uint_eq(a->twin, b->twin);
            ck_assert_str_eq(a->name, b->name);
            ck_assert_int_eq(a->raised, b->raised);
            ck_assert_int_eq(a->returned, b->returned);
            ck_assert_int_eq(a->state, b->state);
        }
        mem_free(truth);
        mem_free(late);
        mem_free(one);
        mem_free(other);
    }
}
END_TEST

/* What was acknowledged and is over stays as it was told; what lasts is the same all the same, once. */
START_TEST(what_lasts_is_what_would_last_whoever_acknowledged_what)
{
    for (uint64_t seed = 11; seed <= 14; seed++) {
        Truth *truth = make_truth(seed, false), *late = make_truth(seed, true);
        Said *one = play(truth, 0, 0), *other = play(late, 10, 0);
        const size_t count = keep_active(one), other_count = keep_active(other);
        ck_assert_uint_gt(count, 10);
        ck_assert_uint_eq(count, other_count);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_eq(one->last[i].twin, other->last[i].twin);
            ck_assert_str_eq(one->last[i].name, other->last[i].name);
        }
        mem_free(truth);
        mem_free(late);
        mem_free(one);
        mem_free(other);
    }
}
END_TEST

START_TEST(a_restart_changes_nothing_of_it)
{
    Truth *late = make_truth(21, true);
    Said *one = play(late, 10, 0), *other = play(late, 10, 3);
    ck_assert_uint_eq(one->count, other->count);
    for (size_t id = 1; id <= one->count; id++)
        ck_assert_mem_eq(&one->last[id], &other->last[id], sizeof(Alarm));
    mem_free(late);
    mem_free(one);
    mem_free(other);
}
END_TEST

// One after the other, on two twins.

/* Ticks `from` to `until` run again with this level. */
static void again(Tanks *tanks, int from, int until, const double *levels)
{
    tanks_plant = tanks->plant;
    for (int tick = from; tick <= until; tick++) {
        *tanks_cell(tanks, 0, "level") = levels[tick];
        alarm_judge_again(tanks->alarms, &tanks->sync, &tanks->plant->whole, at(tick));
    }
}

static void first(Tanks *tanks, int ticks, const double *levels)
{
    for (int tick = 0; tick < ticks; tick++) {
        *tanks_cell(tanks, 0, "level") = levels[tick];
        tanks_judge(tanks, tick);
        alarms_settle(tanks->alarms);
    }
}

#define FULL "full = { high = { \"level\", 80 } }"

START_TEST(an_alarm_that_came_earlier_says_so_and_stays_the_same)
{
    const double told[] = {0.4, 0.4, 0.4, 0.9, 0.9}, truth[] = {0.4, 0.9, 0.9, 0.9, 0.9};
    Tanks *tanks = tanks_open(1, FULL, LAG);
    first(tanks, 5, told);
    ck_assert_int_eq(tanks_acknowledge(tanks->alarms, 1, at(4)), ERR_OK);
    again(tanks, 1, 4, truth);
    tanks_judge(tanks, 5);
    const Alarm *alarm = tanks_alarms(tanks, 1);
    ck_assert_uint_eq(alarm->id, 1);
    ck_assert_uint_eq(alarm->revision, 3);
    ck_assert_int_eq(alarm->state, ALARM_ACKNOWLEDGED);
    ck_assert_int_eq(alarm->raised, at(1));
    ck_assert_int_eq(alarm->amended, at(4));
    ck_assert_str_eq(alarm->text, "tank0001.level is 90.0 cm, above 80.0 cm");
    tanks_close(tanks);
}
END_TEST

START_TEST(an_alarm_that_never_was_is_taken_back)
{
    const double told[] = {0.4, 0.9, 0.9, 0.9}, truth[] = {0.4, 0.4, 0.4, 0.4};
    Tanks *tanks = tanks_open(1, FULL, LAG);
    first(tanks, 4, told);
    again(tanks, 1, 3, truth);
    tanks_judge(tanks, 4);
    const Alarm *alarm = tanks_alarms(tanks, 1);
    ck_assert_int_eq(alarm->state, ALARM_RETURNED);
    ck_assert_int_eq(alarm->returned, at(1));
    ck_assert_int_eq(alarm->amended, at(3));
    ck_assert_str_eq(alarm->text, "tank0001.level is 90.0 cm, above 80.0 cm; late samples take it back");
    tanks_close(tanks);
}
END_TEST

START_TEST(one_that_began_and_ended_unseen_is_noted_with_both_times)
{
    const double told[] = {0.4, 0.4, 0.4, 0.4}, truth[] = {0.4, 0.9, 0.4, 0.4};
    Tanks *tanks = tanks_open(1, FULL, LAG);
    first(tanks, 4, told);
    again(tanks, 1, 3, truth);
    tanks_judge(tanks, 4);
    const Alarm *alarm = tanks_alarms(tanks, 1);
    ck_assert_int_eq(alarm->state, ALARM_RETURNED);
    ck_assert_int_eq(alarm->raised, at(1));
    ck_assert_int_eq(alarm->returned, at(2));
    ck_assert_int_eq(alarm->amended, at(3));
    again(tanks, 0, 4, (double[]){0.4, 0.9, 0.4, 0.4, 0.4});
    tanks_judge(tanks, 5);
    ck_assert_uint_eq(tanks_alarms(tanks, 1)->revision, alarm->revision);
    tanks_close(tanks);
}
END_TEST

START_TEST(one_that_had_not_returned_is_raised_again_under_its_number)
{
    const double told[] = {0.9, 0.9, 0.4, 0.4}, truth[] = {0.9, 0.9, 0.9, 0.9};
    Tanks *tanks = tanks_open(1, FULL, LAG);
    first(tanks, 4, told);
    ck_assert_int_eq(tanks_alarms(tanks, 1)->state, ALARM_RETURNED);
    again(tanks, 2, 3, truth);
    tanks_judge(tanks, 4);
    const Alarm *alarm = tanks_alarms(tanks, 1);
    ck_assert_uint_eq(alarm->id, 1);
    ck_assert_int_eq(alarm->state, ALARM_RAISED);
    ck_assert_int_eq(alarm->raised, at(0));
    ck_assert_int_eq(alarm->returned, TIME_NONE);
    tanks_close(tanks);
}
END_TEST

START_TEST(what_is_over_stays_as_it_was_told)
{
    const double told[] = {0.4, 0.9, 0.4, 0.4}, truth[] = {0.4, 0.9, 0.9, 0.4};
    Tanks *tanks = tanks_open(1, FULL, LAG);
    first(tanks, 4, told);
    ck_assert_int_eq(tanks_acknowledge(tanks->alarms, 1, at(3)), ERR_OK);
    alarms_settle(tanks->alarms);
    again(tanks, 2, 3, truth);
    tanks_judge(tanks, 4);
    tanks_alarms(tanks, 0);
    tanks_close(tanks);
}
END_TEST

/* The handler writes what it hears with its commands: 1 for what was raised in the past, 2 for what returned there, 3 and 4 for the present. */
START_TEST(handlers_hear_of_it_once_and_now)
{
    const double told[] = {0.4, 0.4, 0.4}, truth[] = {0.4, 0.9, 0.9, 0.9};
    Tanks *tanks = tanks_open(1, FULL,
                              LAG ", on = { alarm = function(e) command(\"tank0001.valve\", (e.amended and 1 or 3) + (e.state == \"raised\" and 0 or 1), "
                                  "{ reason = string.format(\"%.0f\", e.time - e.raised) }) end },");
    size_t count;
    first(tanks, 3, told);
    again(tanks, 1, 2, truth);
    *tanks_cell(tanks, 0, "level") = 0.9;
    tanks_judge(tanks, 3);
    const CommandWish *wishes = alarms_wishes(tanks->alarms, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_double_eq(wishes[0].value, 0.01);
    ck_assert_str_eq(wishes[0].reason, "2");
    tanks_judge(tanks, 4);
    alarms_wishes(tanks->alarms, &count);
    ck_assert_uint_eq(count, 0);
    again(tanks, 1, 4, (double[]){0.4, 0.4, 0.4, 0.4, 0.4});
    tanks_judge(tanks, 5);
    wishes = alarms_wishes(tanks->alarms, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_double_eq(wishes[0].value, 0.02);
    tanks_close(tanks);
}
END_TEST

/* Before those of the tick, once, with how late they are. */
START_TEST(handlers_of_samples_hear_late_ones)
{
    Tanks *tanks = tanks_open(1, FULL,
                              LAG ", on = { sample = { [\"tank0001.gauge\"] = function(e) command(\"tank0001.valve\", e.late, { reason = string.format(\"%g\", e.value) }) end } },");
    const TagId gauge = tags_find(tanks->plant->tags, "tank0001.gauge");
    const Filed late = {.sample = {.time = at(1), .value = 0.2, .tag = gauge}, .late = 5}, own = {.sample = {.time = at(6), .value = 0.3, .tag = gauge}};
    size_t count;
    tanks->sync.amended = (Batch){&late, 1};
    tanks->sync.batch = (Batch){&own, 1};
    tanks_judge(tanks, 7);
    const CommandWish *wishes = alarms_wishes(tanks->alarms, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_double_eq(wishes[0].value, 0.05);
    ck_assert_str_eq(wishes[0].reason, "20");
    ck_assert_double_eq(wishes[1].value, 0);
    ck_assert_str_eq(wishes[1].reason, "30");
    tanks_close(tanks);
}
END_TEST

/* A verdict of the past: the alarm and the handler hear of what was, at the present. */
START_TEST(a_divergence_that_came_and_went_unseen_is_noted)
{
    Tanks *tanks = tanks_open(1, FULL, LAG ", on = { divergence = function(e) if e.amended then command(\"tank0001.valve\", e.state == \"raised\" and 1 or 2) end end },");
    size_t count;
    first(tanks, 4, (double[]){0.4, 0.4, 0.4, 0.4});
    tanks_verdict(tanks, 0, VERDICT_PROCESS, "the lid is open");
    again(tanks, 1, 2, (double[]){0.4, 0.4, 0.4});
    tanks_verdict(tanks, 0, VERDICT_NONE, "");
    again(tanks, 3, 3, (double[]){0.4, 0.4, 0.4, 0.4});
    tanks_judge(tanks, 4);
    const Alarm *alarm = tanks_alarms(tanks, 1);
    ck_assert_str_eq(alarm->name, "divergence");
    ck_assert_str_eq(alarm->text, "the lid is open");
    ck_assert_int_eq(alarm->severity, SEVERITY_CRITICAL);
    ck_assert_int_eq(alarm->raised, at(1));
    ck_assert_int_eq(alarm->returned, at(3));
    ck_assert_int_eq(alarm->state, ALARM_RETURNED);
    const CommandWish *wishes = alarms_wishes(tanks->alarms, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_double_eq(wishes[0].value, 0.02);
    tanks_close(tanks);
}
END_TEST

/* Sensor at first, by all samples the process: one alarm, whose text is that of the newest verdict from the next tick on. */
START_TEST(a_verdict_that_turns_out_to_be_another_is_told_in_the_next_tick)
{
    Tanks *tanks = tanks_open(1, FULL, LAG);
    const double calm[] = {0.4, 0.4, 0.4, 0.4};
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "the gauge drifts");
    first(tanks, 4, calm);
    tanks_verdict(tanks, 0, VERDICT_PROCESS, "the tank leaks");
    again(tanks, 1, 3, calm);
    tanks_judge(tanks, 4);
    const Alarm *alarm = tanks_alarms(tanks, 1);
    ck_assert_uint_eq(alarm->id, 1);
    ck_assert_str_eq(alarm->text, "the tank leaks");
    ck_assert_int_eq(alarm->severity, SEVERITY_CRITICAL);
    ck_assert_int_eq(alarm->raised, at(0));
    ck_assert_int_eq(alarm->amended, TIME_NONE);
    tanks_close(tanks);
}
END_TEST

START_TEST(an_amendment_allocates_nothing)
{
    Truth *late = make_truth(31, true);
    Tanks *tanks = tanks_open(TWINS, LIMITS, LAG);
    kit_fail_allocation(1);
    for (int tick = 0; tick < 40; tick++) {
        run_again(tanks, late, tick);
        believe(tanks, late, tick, tick);
        tanks_judge(tanks, tick);
        alarms_settle(tanks->alarms);
    }
    kit_fail_allocation(0);
    tanks_close(tanks);
    mem_free(late);
}
END_TEST

KIT_MAIN("alarm.amend", in_the_end_alarms_are_those_of_a_run_that_knew_at_once, what_lasts_is_what_would_last_whoever_acknowledged_what,
         a_restart_changes_nothing_of_it, an_alarm_that_came_earlier_says_so_and_stays_the_same, an_alarm_that_never_was_is_taken_back,
         one_that_began_and_ended_unseen_is_noted_with_both_times, one_that_had_not_returned_is_raised_again_under_its_number,
         what_is_over_stays_as_it_was_told, handlers_hear_of_it_once_and_now, handlers_of_samples_hear_late_ones,
         a_divergence_that_came_and_went_unseen_is_noted, a_verdict_that_turns_out_to_be_another_is_told_in_the_next_tick,
         an_amendment_allocates_nothing)
