#include "alarm/tanks.h"

#define OVERFLOW "overflow = { high = { \"level\", 60 }, hysteresis = 5, hold = 2, severity = \"critical\" }"
#define DRY "dry = { low = { \"level\", 10 }, hysteresis = 5 }"

static const Alarm *only_alarm(const Tanks *tanks)
{
    return tanks_alarms(tanks, 1);
}

static size_t changed_count(const Tanks *tanks)
{
    size_t count;
    alarms_changed(tanks->alarms, &count);
    return count;
}

/* Level 0.7 m from second 1 on; hold 2 s: raised at second 3. Ticks of half a second. */
START_TEST(a_limit_is_raised_when_it_has_held_long_enough)
{
    Tanks *tanks = tanks_open(2, OVERFLOW, "");
    for (int tick = 0; tick <= 10; tick++) {
        const double s = tick * 0.5;
        *tanks_cell(tanks, 1, "level") = s >= 1 ? 0.7 : 0.3;
        tanks_judge(tanks, s);
        tanks_alarms(tanks, s >= 3 ? 1 : 0);
    }
    const Alarm *alarm = only_alarm(tanks);
    ck_assert_str_eq(alarm->name, "overflow");
    ck_assert_uint_eq(alarm->twin, 1);
    ck_assert_int_eq(alarm->severity, SEVERITY_CRITICAL);
    ck_assert_int_eq(alarm->raised, at(3));
    ck_assert_uint_eq(alarm->id, 1);
    tanks_close(tanks);
}
END_TEST

START_TEST(an_interruption_begins_the_hold_anew)
{
    Tanks *tanks = tanks_open(1, OVERFLOW, "");
    double *level = tanks_cell(tanks, 0, "level");
    for (int s = 0; s < 20; s++) {
        *level = s % 2 ? 0.6 : 0.7;  // at the limit is not beyond it
        tanks_judge(tanks, s);
    }
    tanks_alarms(tanks, 0);
    *level = 0.7;
    tanks_judge(tanks, 20);
    tanks_judge(tanks, 21.999);
    tanks_alarms(tanks, 0);
    tanks_judge(tanks, 22);
    tanks_alarms(tanks, 1);
    tanks_close(tanks);
}
END_TEST

/* Limits are declared in cm: raised above 0.60 m, over at 0.55 m and below. A ramp crosses each at a known level. */
START_TEST(it_returns_when_the_value_is_back_by_the_hysteresis)
{
    Tanks *tanks = tanks_open(1, OVERFLOW, "");
    double *level = tanks_cell(tanks, 0, "level");
    *level = 0.7;
    tanks_judge(tanks, 0);
    tanks_judge(tanks, 2);
    ck_assert_int_eq(only_alarm(tanks)->state, ALARM_RAISED);
    double s = 3;
    for (*level = 0.65; *level > 0.551; *level -= 0.003)
        tanks_judge(tanks, s++);
    ck_assert_int_eq(only_alarm(tanks)->state, ALARM_RAISED);
    *level = 0.5499;
    tanks_judge(tanks, s);
    ck_assert_int_eq(only_alarm(tanks)->state, ALARM_RETURNED);
    ck_assert_int_eq(only_alarm(tanks)->returned, at(s));
    tanks_close(tanks);
}
END_TEST

START_TEST(a_low_limit_is_a_high_one_upside_down)
{
    Tanks *tanks = tanks_open(1, DRY, "");
    double *level = tanks_cell(tanks, 0, "level");
    *level = 0.1;
    tanks_judge(tanks, 0);
    tanks_alarms(tanks, 0);
    *level = 0.0999;
    tanks_judge(tanks, 1);
    ck_assert_int_eq(only_alarm(tanks)->severity, SEVERITY_WARNING);
    *level = 0.149;
    tanks_judge(tanks, 2);
    ck_assert_int_eq(only_alarm(tanks)->state, ALARM_RAISED);
    *level = 0.151;
    tanks_judge(tanks, 3);
    ck_assert_int_eq(only_alarm(tanks)->state, ALARM_RETURNED);
    tanks_close(tanks);
}
END_TEST

START_TEST(texts_speak_in_the_unit_of_the_channel)
{
    Tanks *tanks = tanks_open(1, OVERFLOW ", warm = { high = { \"warmth\", 40 } }, dry = { low = { \"level\", 10 } }", "");
    *tanks_cell(tanks, 0, "level") = 0.612;
    *tanks_cell(tanks, 0, "warmth") = 273.15 + 40.004;
    tanks_judge(tanks, 0);
    tanks_judge(tanks, 2);
    const Alarm *list = tanks_alarms(tanks, 2);
    ck_assert_str_eq(list[0].text, "tank0001.warmth is 40.004 degC, above 40.000 degC");
    ck_assert_str_eq(list[1].text, "tank0001.level is 61.2 cm, above 60.0 cm");
    *tanks_cell(tanks, 0, "level") = -3;
    tanks_judge(tanks, 3);
    ck_assert_str_eq(tanks_alarms(tanks, 3)[2].text, "tank0001.level is -300 cm, below 10 cm");
    tanks_close(tanks);
}
END_TEST

START_TEST(what_is_no_number_neither_raises_nor_returns)
{
    Tanks *tanks = tanks_open(1, OVERFLOW ", " DRY, "");
    double *level = tanks_cell(tanks, 0, "level");
    *level = NAN;
    for (int s = 0; s < 5; s++)
        tanks_judge(tanks, s);
    tanks_alarms(tanks, 0);
    *level = 0.7;
    tanks_judge(tanks, 5);
    tanks_judge(tanks, 7);
    *level = NAN;
    tanks_judge(tanks, 8);
    ck_assert_int_eq(only_alarm(tanks)->state, ALARM_RAISED);
    tanks_close(tanks);
}
END_TEST

START_TEST(the_alarm_says_why_a_step_function_failed)
{
    Tanks tanks = {0};
    ErrText why;
    log_set_level(LOG_ERROR);
    tanks_write("m.lua", "return model 'm' { params = { bad = { 0, '1' } }, states = { x = { 1, '1' } },\n"
                         "  step = function(self, dt) if self.bad > 0 then error('no such pump') end end }");
    ck_assert_int_eq(plant_load(tanks_write("works.lua", "return plant 'works' { assets = { a = { 'm' }, b = { 'm', bad = 1 } } }"), 1, &tanks.plant, &why), ERR_OK);
    ck_assert_int_eq(alarms_create(tanks.plant, &tanks.alarms, &why), ERR_OK);
    plant_advance(tanks.plant);
    tanks_judge(&tanks, 0);
    const Alarm *alarm = tanks_alarms(&tanks, 1);
    ck_assert_msg(strstr(alarm->text, "b stands still: its step failed: ") == alarm->text && strstr(alarm->text, "m.lua:2: no such pump"), "%s", alarm->text);
    alarms_destroy(tanks.alarms);
    plant_destroy(tanks.plant);
}
END_TEST

START_TEST(a_twin_that_stands_still_has_one_alarm_until_it_is_reset)
{
    Tanks *tanks = tanks_open(70, DRY, "");
    const Twin twin = tanks->plant->twins[66];
    Block *block = &tanks->plant->blocks[twin.block];
    block->quarantined = UINT64_C(1) << twin.lane | UINT64_C(1) << 63;  // lane 63 of this block is nobody
    *tanks_cell(tanks, 66, "level") = 0;
    for (int s = 0; s < 4; s++)
        tanks_judge(tanks, s);
    const Alarm *alarm = only_alarm(tanks);
    ck_assert_uint_eq(alarm->twin, 66);
    ck_assert_str_eq(alarm->name, "quarantine");
    ck_assert_int_eq(alarm->severity, SEVERITY_CRITICAL);
    ck_assert_str_eq(alarm->text, "numbers of tank0067 are no longer finite: the twin stands still until it is reset");
    ck_assert_uint_eq(alarm->revision, 1);

    block->quarantined = 0;
    *tanks_cell(tanks, 66, "level") = 0.3;
    tanks_judge(tanks, 4);
    ck_assert_int_eq(only_alarm(tanks)->state, ALARM_RETURNED);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_verdict_becomes_an_alarm_of_its_severity)
{
    static const struct {
        VerdictKind kind;
        Severity severity;
    } rows[] = {{VERDICT_SENSOR, SEVERITY_MAJOR}, {VERDICT_PROCESS, SEVERITY_CRITICAL}, {VERDICT_SILENCE, SEVERITY_MAJOR}};
    Tanks *tanks = tanks_open(3, "", "");
    for (uint32_t i = 0; i < 3; i++)
        tanks_verdict(tanks, i, rows[i].kind, "all is not well");
    tanks_judge(tanks, 0);
    const Alarm *list = tanks_alarms(tanks, 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(list[i].twin, i);
        ck_assert_str_eq(list[i].name, "divergence");
        ck_assert_str_eq(list[i].text, "all is not well");
        ck_assert_int_eq(list[i].severity, rows[i].severity);
    }
    tanks_close(tanks);
}
END_TEST

START_TEST(another_verdict_revises_the_same_alarm)
{
    Tanks *tanks = tanks_open(1, "", "");
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "t2 drifts");
    tanks_judge(tanks, 0);
    tanks_judge(tanks, 1);
    ck_assert_uint_eq(only_alarm(tanks)->revision, 1);
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "t2 is noisy");
    tanks_judge(tanks, 1);
    ck_assert_uint_eq(only_alarm(tanks)->revision, 2);
    ck_assert_int_eq(only_alarm(tanks)->severity, SEVERITY_MAJOR);
    ck_assert_str_eq(only_alarm(tanks)->text, "t2 is noisy");

    tanks_verdict(tanks, 0, VERDICT_PROCESS, "the lid is open");
    tanks_judge(tanks, 2);
    ck_assert_uint_eq(only_alarm(tanks)->id, 1);
    ck_assert_uint_eq(only_alarm(tanks)->revision, 3);
    ck_assert_int_eq(only_alarm(tanks)->severity, SEVERITY_CRITICAL);
    ck_assert_str_eq(only_alarm(tanks)->text, "the lid is open");

    tanks_verdict(tanks, 0, VERDICT_NONE, "");
    tanks_judge(tanks, 3);
    ck_assert_int_eq(only_alarm(tanks)->state, ALARM_RETURNED);
    ck_assert_str_eq(only_alarm(tanks)->text, "the lid is open");
    tanks_verdict(tanks, 0, VERDICT_PROCESS, "again");
    tanks_judge(tanks, 4);
    ck_assert_uint_eq(tanks_alarms(tanks, 2)[1].id, 2);
    tanks_close(tanks);
}
END_TEST

START_TEST(acknowledging_ends_what_has_returned_and_is_told_once)
{
    Tanks *tanks = tanks_open(1, "", "");
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "t2 drifts");
    tanks_judge(tanks, 0);
    alarms_settle(tanks->alarms);
    ck_assert_uint_eq(changed_count(tanks), 0);
    ck_assert_int_eq(tanks_acknowledge(tanks->alarms, 1, at(1)), ERR_OK);
    ck_assert_uint_eq(changed_count(tanks), 1);
    ck_assert_int_eq(only_alarm(tanks)->state, ALARM_ACKNOWLEDGED);
    tanks_verdict(tanks, 0, VERDICT_NONE, "");
    tanks_judge(tanks, 2);
    size_t count;
    const Alarm *changed = alarms_changed(tanks->alarms, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(alarm_state_name(changed[0].state), "over");
    tanks_alarms(tanks, 0);
    ck_assert_int_eq(tanks_acknowledge(tanks->alarms, 1, at(3)), ERR_UNKNOWN);
    tanks_close(tanks);
}
END_TEST

START_TEST(more_alarms_than_there_is_room_for_are_counted_and_raised_later)
{
    Tanks *tanks = tanks_open(ALARMS_MAX + 10, DRY, "");
    for (uint32_t i = 0; i < tanks->plant->twin_count; i++)
        *tanks_cell(tanks, i, "level") = 0;
    for (int s = 0; s < 3; s++) {
        tanks_judge(tanks, s);
        alarms_settle(tanks->alarms);
    }
    tanks_alarms(tanks, ALARMS_MAX);
    ck_assert_uint_eq(alarms_dropped(tanks->alarms), 10);

    for (uint32_t i = 0; i < 10; i++)
        *tanks_cell(tanks, i, "level") = 0.3;
    tanks_judge(tanks, 3);
    ck_assert_uint_eq(tanks_alarms(tanks, ALARMS_MAX)[ALARMS_MAX - 1].id, ALARMS_MAX + 10);
    ck_assert_uint_eq(alarms_dropped(tanks->alarms), 10);

    // a verdict waits for room like a limit; a condition that comes again is dropped again
    double *level = tanks_cell(tanks, 0, "level");
    for (int s = 4; s < 8; s++) {
        tanks_verdict(tanks, 7, VERDICT_PROCESS, "the lid is open");
        *level = s % 2 ? 0.3 : 0;
        tanks_judge(tanks, s);
    }
    ck_assert_uint_eq(alarms_dropped(tanks->alarms), 13);
    *tanks_cell(tanks, 100, "level") = 0.3;
    tanks_judge(tanks, 8);   // the alarm of tank 100 returns behind the verdict's turn, and makes room
    tanks_judge(tanks, 9);
    ck_assert_str_eq(tanks_alarms(tanks, ALARMS_MAX)[ALARMS_MAX - 1].name, "divergence");
    ck_assert_uint_eq(alarms_dropped(tanks->alarms), 13);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_tick_allocates_nothing)
{
    Tanks *tanks = tanks_open(100, OVERFLOW ", " DRY, "on = { alarm = function(event) command(\"tank0001.lamp\", 1) end },");
    kit_fail_allocation(1);
    for (int s = 0; s < 20; s++) {
        for (uint32_t i = 0; i < 100; i++)
            *tanks_cell(tanks, i, "level") = s % 4 < 2 ? 0 : 0.3;
        tanks_verdict(tanks, (uint32_t)s, VERDICT_SENSOR, "t2 drifts");
        tanks_judge(tanks, s);
    }
    ck_assert_ptr_null(mem_alloc(1));  // the one that fails is still to come
    kit_fail_allocation(0);
    tanks_close(tanks);
}
END_TEST

/* A scene with every state of an alarm and a hold that has begun; `level` of tank 1 and the verdicts follow the time alone. */
static void play(Tanks *tanks, int s)
{
    *tanks_cell(tanks, 0, "level") = s % 7 < 4 ? 0.7 : 0.4;
    *tanks_cell(tanks, 1, "level") = s % 5 == 0 ? 0.05 : 0.3;
    tanks_verdict(tanks, 2, s % 6 < 3 ? VERDICT_SENSOR : VERDICT_NONE, s % 6 < 3 ? "t2 drifts" : "");
    if (s == 4)
        tanks->plant->blocks[0].quarantined = 8;
    tanks_judge(tanks, s);
    if (s % 9 == 8)
        tanks_acknowledge(tanks->alarms, (uint64_t)s / 3, at(s));
    alarms_settle(tanks->alarms);
}

START_TEST(a_restored_plant_goes_on_as_if_nothing_had_been)
{
    for (int stop = 1; stop < 14; stop++) {
        Tanks *whole = tanks_open(4, OVERFLOW ", " DRY, ""), *first = tanks_open(4, OVERFLOW ", " DRY, "");
        Tanks *second = tanks_open(4, OVERFLOW ", " DRY, "");
        for (int s = 0; s < 40; s++) {
            play(whole, s);
            play(s < stop ? first : second, s);
            if (s != stop - 1)
                continue;
            ErrText why;
            const size_t size = alarms_snapshot_size(first->alarms);
            void *bytes = mem_alloc(size);
            alarms_snapshot(first->alarms, bytes);
            ck_assert_int_eq(alarms_restore(second->alarms, bytes, size, &why), ERR_OK);
            second->plant->blocks[0].quarantined = first->plant->blocks[0].quarantined;
            mem_free(bytes);
        }

        const size_t size = alarms_snapshot_size(whole->alarms);
        ck_assert_uint_eq(alarms_snapshot_size(second->alarms), size);
        void *expected = mem_alloc(size), *found = mem_alloc(size);
        alarms_snapshot(whole->alarms, expected);
        alarms_snapshot(second->alarms, found);
        ck_assert_int_eq(memcmp(expected, found, size), 0);
        mem_free(expected);
        mem_free(found);
        alarms_destroy(whole->alarms), plant_destroy(whole->plant), mem_free(whole);
        alarms_destroy(first->alarms), plant_destroy(first->plant), mem_free(first);
        tanks_close(second);
    }
}
END_TEST

START_TEST(numbers_and_counts_outlast_a_restart)
{
    Tanks *tanks = tanks_open(ALARMS_MAX + 1, DRY, "");
    for (uint32_t i = 0; i < tanks->plant->twin_count; i++)
        *tanks_cell(tanks, i, "level") = 0;
    tanks_judge(tanks, 0);
    for (uint32_t i = 0; i < tanks->plant->twin_count; i++)
        *tanks_cell(tanks, i, "level") = 0.3;
    tanks_judge(tanks, 1);
    for (uint64_t id = 1; id <= ALARMS_MAX; id++)
        ck_assert_int_eq(tanks_acknowledge(tanks->alarms, id, at(2)), ERR_OK);
    tanks_alarms(tanks, 0);

    ErrText why;
    const size_t size = alarms_snapshot_size(tanks->alarms);
    void *bytes = mem_alloc(size);
    alarms_snapshot(tanks->alarms, bytes);
    alarms_destroy(tanks->alarms);
    ck_assert_int_eq(alarms_create(tanks->plant, &tanks->alarms, &why), ERR_OK);
    ck_assert_int_eq(alarms_restore(tanks->alarms, bytes, size, &why), ERR_OK);
    mem_free(bytes);
    ck_assert_uint_eq(alarms_dropped(tanks->alarms), 1);
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "t2 drifts");
    tanks_judge(tanks, 3);
    ck_assert_uint_eq(only_alarm(tanks)->id, ALARMS_MAX + 1);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_snapshot_of_another_plant_or_a_damaged_one_is_refused)
{
    Tanks *tanks = tanks_open(3, DRY, "");
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "t2 drifts");
    tanks_judge(tanks, 0);
    const size_t size = alarms_snapshot_size(tanks->alarms);
    unsigned char *bytes = mem_alloc(size + 1), *damaged = mem_alloc(size);
    alarms_snapshot(tanks->alarms, bytes);
    ErrText why;
    ck_assert_int_eq(alarms_restore(tanks->alarms, bytes, 0, &why), ERR_PARSE);
    ck_assert_int_eq(alarms_restore(tanks->alarms, bytes, size - 1, &why), ERR_PARSE);
    ck_assert_int_eq(alarms_restore(tanks->alarms, bytes, size + 1, &why), ERR_PARSE);

    // version, shape, number of alarms, of edges, then of the alarm: id, twin, state, the end of its text
    const size_t head = 10 * sizeof(uint64_t);
    const size_t places[] = {0, 8, 24, 40, head + 7, head + 8, head + offsetof(Alarm, state), head + offsetof(Alarm, severity)};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        memcpy(damaged, bytes, size);
        damaged[places[i]] ^= 0x41;
        ck_assert_int_eq(alarms_restore(tanks->alarms, damaged, size, &why), ERR_PARSE);
    }
    memcpy(damaged, bytes, size);
    memset(damaged + head + offsetof(Alarm, text), 'x', ALARM_TEXT);
    ck_assert_int_eq(alarms_restore(tanks->alarms, damaged, size, &why), ERR_PARSE);
    tanks_alarms(tanks, 1);

    alarms_destroy(tanks->alarms);
    plant_destroy(tanks->plant);
    mem_free(tanks);
    Tanks *other = tanks_open(3, "flood = { low = { \"level\", 10 } }", "");
    ck_assert_int_eq(alarms_restore(other->alarms, bytes, size, &why), ERR_PARSE);
    ck_assert_str_eq(why.text, "the snapshot of the alarms is of a plant with other twins or other alarms");
    mem_free(bytes);
    mem_free(damaged);
    tanks_close(other);
}
END_TEST

START_TEST(numbers_go_on_above_those_of_the_history)
{
    Tanks *tanks = tanks_open(1, "", "");
    alarms_number_from(tanks->alarms, 41);
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "t2 drifts");
    tanks_judge(tanks, 0);
    ck_assert_uint_eq(only_alarm(tanks)->id, 42);
    tanks_close(tanks);
}
END_TEST

START_TEST(without_memory_there_are_no_alarms_and_nothing_is_left_behind)
{
    Plant *plant = tanks_load(2, DRY, "");
    ErrText why;
    Err err = ERR_MEMORY;
    size_t n = 0;
    while (err == ERR_MEMORY) {
        Alarms *alarms;
        kit_fail_allocation(++n);
        err = alarms_create(plant, &alarms, &why);
        kit_fail_allocation(0);
        alarms_destroy(alarms);
    }
    ck_assert_int_eq(err, ERR_OK);
    ck_assert_uint_gt(n, 6);
    plant_destroy(plant);
    unit_forget_all();
}
END_TEST

typedef struct Gone {
    size_t count;
    Alarm alarm;
    char twin[32];
} Gone;

static void note_gone(void *self, const Alarm *alarm, const char *twin)
{
    Gone *gone = self;
    gone->count++;
    gone->alarm = *alarm;
    snprintf(gone->twin, sizeof gone->twin, "%s", twin);
}

/* Let `to` go on from `from`, whose script was another. */
static Gone adopt(const Tanks *from, Tanks *to, double s)
{
    const size_t plant_size = plant_snapshot_size(from->plant), size = alarms_snapshot_size(from->alarms);
    void *plant_bytes = mem_alloc(plant_size), *bytes = mem_alloc(size);
    plant_snapshot(from->plant, plant_bytes);
    alarms_snapshot(from->alarms, bytes);
    Lineage lineage;
    ErrText why = {""};
    Gone gone = {0};
    ck_assert_msg(lineage_read(&lineage, to->plant, plant_bytes, plant_size, &why) == ERR_OK, "%s", why.text);
    lineage_adopt(&lineage, to->plant);
    for (size_t cut = 0; cut < sizeof(uint64_t) * 5 + sizeof(Alarm); cut += 7)
        ck_assert_int_eq(alarms_adopt(to->alarms, &lineage, bytes, cut, at(s), note_gone, &gone, &why), ERR_PARSE);
    ck_assert_msg(alarms_adopt(to->alarms, &lineage, bytes, size, at(s), note_gone, &gone, &why) == ERR_OK, "%s", why.text);
    lineage_fini(&lineage);
    mem_free(plant_bytes);
    mem_free(bytes);
    return gone;
}

static void leave(Tanks *from, Tanks *to)
{
    alarms_destroy(from->alarms), plant_destroy(from->plant), mem_free(from);
    tanks_close(to);
}

/* Overflow of tank0001 (#1), dry tank0002 (#2), both sensors of tank0003 (#3): the new script knows overflow, no dry, and one tank less or more. */
static Tanks *three_alarms(void)
{
    Tanks *tanks = tanks_open(3, OVERFLOW ", " DRY, "");
    *tanks_cell(tanks, 0, "level") = 0.7;
    tanks_judge(tanks, 0);
    tanks_judge(tanks, 2);
    *tanks_cell(tanks, 1, "level") = 0.05;
    tanks_judge(tanks, 3);
    tanks_verdict(tanks, 2, VERDICT_PROCESS, "both read above");
    tanks_judge(tanks, 4);
    alarms_settle(tanks->alarms);
    tanks_alarms(tanks, 3);
    return tanks;
}

START_TEST(alarms_of_another_script_go_on_under_their_ids)
{
    Tanks *from = three_alarms(), *to = tanks_open(4, "dry = { low = { \"level\", 12 }, hysteresis = 5 }, " OVERFLOW, "");
    const Gone gone = adopt(from, to, 5);
    ck_assert_uint_eq(gone.count, 0);
    to->sync = from->sync;
    for (int s = 5; s < 20; s++)
        tanks_judge(to, s);  // nothing is raised twice
    const Alarm *alarms = tanks_alarms(to, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(alarms[i].id, i + 1);
        ck_assert_int_eq(alarms[i].state, ALARM_RAISED);
        ck_assert_int_eq(alarms[i].raised, at(2 + (double)i));
    }

    // and each returns by what it watches
    *tanks_cell(to, 0, "level") = *tanks_cell(to, 1, "level") = 0.3;
    tanks_verdict(to, 2, VERDICT_NONE, "");
    tanks_judge(to, 20);
    alarms = tanks_alarms(to, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(alarms[i].state, ALARM_RETURNED);
    *tanks_cell(to, 3, "level") = 0.05;
    tanks_judge(to, 21);
    ck_assert_uint_eq(tanks_alarms(to, 4)[3].id, 4);
    leave(from, to);
}
END_TEST

START_TEST(an_alarm_whose_condition_is_gone_returns)
{
    Tanks *from = three_alarms(), *to = tanks_open(3, OVERFLOW, "");
    adopt(from, to, 5);
    size_t count;
    const Alarm *changed = alarms_changed(to->alarms, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(changed->id, 2);
    ck_assert_int_eq(changed->state, ALARM_RETURNED);
    ck_assert_int_eq(changed->returned, at(5));
    leave(from, to);
}
END_TEST

START_TEST(an_alarm_whose_twin_is_gone_is_over)
{
    Tanks *from = three_alarms(), *to = tanks_open(2, OVERFLOW ", " DRY, "");
    const Gone gone = adopt(from, to, 5);
    ck_assert_uint_eq(gone.count, 1);
    ck_assert_uint_eq(gone.alarm.id, 3);
    ck_assert_uint_eq(gone.alarm.revision, 2);
    ck_assert_int_eq(gone.alarm.state, ALARM_OVER);
    ck_assert_int_eq(gone.alarm.returned, at(5));
    ck_assert_str_eq(gone.twin, "tank0003");
    tanks_alarms(to, 2);

    // its number is not given again
    tanks_verdict(to, 0, VERDICT_SENSOR, "t2 drifts");
    tanks_judge(to, 6);
    ck_assert_uint_eq(tanks_alarms(to, 3)[2].id, 4);
    leave(from, to);
}
END_TEST

START_TEST(a_twin_that_is_settling_is_not_found_to_agree)
{
    Tanks *from = three_alarms(), *to = tanks_open(3, OVERFLOW ", " DRY, "");
    adopt(from, to, 5);
    to->sync.settling = true;  // and so without a verdict
    tanks_judge(to, 6);
    ck_assert_int_eq(tanks_alarms(to, 3)[2].state, ALARM_RAISED);
    to->sync.settling = false;
    tanks_judge(to, 7);
    ck_assert_int_eq(tanks_alarms(to, 3)[2].state, ALARM_RETURNED);
    leave(from, to);
}
END_TEST

KIT_MAIN("alarm.alarm", a_limit_is_raised_when_it_has_held_long_enough, an_interruption_begins_the_hold_anew,
         it_returns_when_the_value_is_back_by_the_hysteresis, a_low_limit_is_a_high_one_upside_down, texts_speak_in_the_unit_of_the_channel,
         what_is_no_number_neither_raises_nor_returns, a_twin_that_stands_still_has_one_alarm_until_it_is_reset, the_alarm_says_why_a_step_function_failed,
         a_verdict_becomes_an_alarm_of_its_severity, another_verdict_revises_the_same_alarm,
         acknowledging_ends_what_has_returned_and_is_told_once, more_alarms_than_there_is_room_for_are_counted_and_raised_later,
         a_tick_allocates_nothing, a_restored_plant_goes_on_as_if_nothing_had_been, numbers_and_counts_outlast_a_restart,
         a_snapshot_of_another_plant_or_a_damaged_one_is_refused, numbers_go_on_above_those_of_the_history,
         alarms_of_another_script_go_on_under_their_ids, an_alarm_whose_condition_is_gone_returns, an_alarm_whose_twin_is_gone_is_over,
         a_twin_that_is_settling_is_not_found_to_agree,
         without_memory_there_are_no_alarms_and_nothing_is_left_behind)
