#include "alarm/evidence.h"
#include "alarm/tanks.h"

/* The level is looked at as it stands; tank 0 is dry at 5 cm, and not at 30 cm. */
#define DRY "dry = { low = { \"level\", 10 } }"
#define COUNTING "on = { alarm = function(event) command(\"tank0001.lamp\", event.raised and 1 or 0) end }"

static void level(Tanks *tanks, double s, double cm)
{
    *tanks_cell(tanks, 0, "level") = cm / 100;
    tanks_judge(tanks, s);
}

static Alarm act(Tanks *tanks, AlarmActKind kind, uint64_t id, double seconds, double s)
{
    Alarm alarm;
    ErrText why = {""};
    AlarmAct it = {.kind = kind, .alarm = id, .span_ns = (int64_t)(seconds * 1e9), .by = "anna", .comment = "known"};
    ck_assert_msg(alarm_act(tanks->alarms, &it, at(s), &alarm, &why) == ERR_OK, "%s", why.text);
    return alarm;
}

static Err refused(Tanks *tanks, AlarmAct it, double s)
{
    Alarm alarm;
    ErrText why = {""};
    const Err err = alarm_act(tanks->alarms, &it, at(s), &alarm, &why);
    ck_assert_int_ne(err, ERR_OK);
    ck_assert_str_ne(why.text, "");
    return err;
}

static size_t calls(const Tanks *tanks)
{
    size_t count;
    alarms_wishes(tanks->alarms, &count);
    return count;
}

static const Alarm *only(const Tanks *tanks)
{
    return &tanks_alarms(tanks, 1)[0];
}

// The life cycle of ISA-18.2, one row per transition: what was done, and the state behind it.

typedef enum Step { DRIES, FILLS, ACKNOWLEDGES, SHELVES, UNSHELVES, SUPPRESSES, UNSUPPRESSES, NOTHING } Step;
#define GONE ALARM_OVER  // not in the list any more
typedef struct Row {
    const char *what;
    Step steps[5];
    AlarmState state;
    bool aside;
    size_t told;  // calls of the handler in the last step, or in the tick behind it
} Row;

static const Row rows[] = {
    {"A to B: it occurs", {DRIES, NOTHING}, ALARM_RAISED, false, 1},
    {"B to C: acknowledged", {DRIES, ACKNOWLEDGES, NOTHING}, ALARM_ACKNOWLEDGED, false, 0},
    {"B to D: it returns unacknowledged", {DRIES, FILLS, NOTHING}, ALARM_RETURNED, false, 1},
    {"C to A: it returns acknowledged", {DRIES, ACKNOWLEDGES, FILLS, NOTHING}, GONE, false, 1},
    {"D to A: acknowledged behind its return", {DRIES, FILLS, ACKNOWLEDGES, NOTHING}, GONE, false, 0},
    {"B to G: shelved", {DRIES, SHELVES, NOTHING}, ALARM_RAISED, true, 0},
    {"C to G: shelved when acknowledged", {DRIES, ACKNOWLEDGES, SHELVES, NOTHING}, ALARM_ACKNOWLEDGED, true, 0},
    {"D to G: shelved behind its return", {DRIES, FILLS, SHELVES, NOTHING}, GONE, false, 0},
    {"in G: it returns, and nobody hears", {DRIES, SHELVES, FILLS, NOTHING}, GONE, false, 0},
    {"G to B: unshelved while it lasts", {DRIES, SHELVES, UNSHELVES, NOTHING}, ALARM_RAISED, false, 1},
    {"G to B: acknowledged before it was shelved", {DRIES, ACKNOWLEDGES, SHELVES, UNSHELVES, NOTHING}, ALARM_RAISED, false, 1},
    {"G to A: unshelved when it is over", {DRIES, SHELVES, FILLS, UNSHELVES, NOTHING}, GONE, false, 0},
    {"B to H: suppressed by design", {DRIES, SUPPRESSES, NOTHING}, ALARM_RAISED, true, 0},
    {"in H: it returns, and nobody hears", {DRIES, SUPPRESSES, FILLS, NOTHING}, GONE, false, 0},
    {"H to B: unsuppressed while it lasts", {DRIES, SUPPRESSES, UNSUPPRESSES, NOTHING}, ALARM_RAISED, false, 1},
    {"H to A: unsuppressed when it is over", {DRIES, SUPPRESSES, FILLS, UNSUPPRESSES, NOTHING}, GONE, false, 0},
    {"in G and H: one is not enough", {DRIES, SHELVES, SUPPRESSES, UNSHELVES, NOTHING}, ALARM_RAISED, true, 0},
};

static void take_step(Tanks *tanks, Step step, double s)
{
    static const AlarmActKind kinds[] = {[ACKNOWLEDGES] = ACT_ACKNOWLEDGE, [SHELVES] = ACT_SHELVE, [UNSHELVES] = ACT_UNSHELVE, [SUPPRESSES] = ACT_SUPPRESS, [UNSUPPRESSES] = ACT_UNSUPPRESS};
    if (step == DRIES || step == FILLS)
        level(tanks, s, step == DRIES ? 5 : 30);
    else
        act(tanks, kinds[step], 1, 3600, s);
}

static void check_row(const Row *row)
{
    Tanks *tanks = tanks_open(1, DRY, COUNTING);
    int count = 0;
    while (count < 5 && row->steps[count] != NOTHING)
        count++;
    for (int i = 0; i < count; i++) {
        alarms_settle(tanks->alarms);
        take_step(tanks, row->steps[i], i);
    }
    if (row->steps[count - 1] > FILLS)
        tanks_judge(tanks, count);
    ck_assert_msg(calls(tanks) == row->told, "%s: told %zu times", row->what, calls(tanks));
    size_t open;
    const Alarm *alarm = alarms_list(tanks->alarms, &open);
    ck_assert_msg(open == (row->state != GONE), "%s: %zu are open", row->what, open);
    if (open) {
        ck_assert_msg(alarm->state == row->state, "%s: %s", row->what, alarm_state_name(alarm->state));
        ck_assert_msg(alarm_is_aside(alarm) == row->aside, "%s", row->what);
    }
    tanks_close(tanks);
}

START_TEST(the_life_cycle_is_that_of_isa_18_2)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
}
END_TEST

START_TEST(what_occurs_later_is_shelved_too_recorded_and_not_told)
{
    Tanks *tanks = tanks_open(2, DRY, COUNTING);
    level(tanks, 0, 5);
    act(tanks, ACT_SHELVE, 1, 3600, 0);
    level(tanks, 1, 30);
    alarms_settle(tanks->alarms);
    level(tanks, 2, 5);
    ck_assert_uint_eq(only(tanks)->id, 2);
    ck_assert_int_eq(only(tanks)->shelved, at(3600));
    ck_assert_uint_eq(calls(tanks), 0);
    size_t count;
    alarms_changed(tanks->alarms, &count);
    ck_assert_uint_eq(count, 1);

    // that of another twin is not
    *tanks_cell(tanks, 1, "level") = 0.05;
    tanks_judge(tanks, 3);
    ck_assert_uint_eq(calls(tanks), 1);
    ck_assert(!alarm_is_aside(&tanks_alarms(tanks, 2)[1]));
    tanks_close(tanks);
}
END_TEST

START_TEST(shelving_ends_by_itself_on_plant_time)
{
    Tanks *tanks = tanks_open(1, DRY, COUNTING);
    level(tanks, 0, 5);
    act(tanks, ACT_ACKNOWLEDGE, 1, 0, 0);
    act(tanks, ACT_SHELVE, 1, 10, 0);
    for (int s = 1; s < 10; s++) {
        tanks_judge(tanks, s);
        ck_assert(alarm_is_aside(only(tanks)));
        ck_assert_uint_eq(calls(tanks), 0);
    }
    tanks_judge(tanks, 10);
    ck_assert(!alarm_is_aside(only(tanks)));
    ck_assert_int_eq(only(tanks)->state, ALARM_RAISED);
    ck_assert_int_eq(only(tanks)->acknowledged, TIME_NONE);
    ck_assert_uint_eq(calls(tanks), 1);
    tanks_judge(tanks, 11);
    ck_assert_uint_eq(calls(tanks), 0);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_divergence_that_is_shelved_calls_neither_of_its_handlers)
{
    Tanks *tanks = tanks_open(1, DRY, "on = { alarm = function() command(\"tank0001.lamp\", 1) end, divergence = function() command(\"tank0001.valve\", 1) end }");
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "drifts");
    tanks_judge(tanks, 0);
    ck_assert_uint_eq(calls(tanks), 2);
    act(tanks, ACT_SHELVE, 1, 100, 0);
    tanks_verdict(tanks, 0, VERDICT_NONE, "");
    tanks_judge(tanks, 1);
    ck_assert_uint_eq(calls(tanks), 0);
    tanks_verdict(tanks, 0, VERDICT_PROCESS, "leaks");
    tanks_judge(tanks, 2);
    ck_assert_uint_eq(calls(tanks), 0);
    act(tanks, ACT_UNSHELVE, 1, 0, 2);
    tanks_judge(tanks, 3);
    ck_assert_uint_eq(calls(tanks), 2);
    tanks_close(tanks);
}
END_TEST

START_TEST(comments_are_counted_and_alarms_that_are_over_take_them_by_name)
{
    Tanks *tanks = tanks_open(1, DRY, "");
    level(tanks, 0, 5);
    ck_assert_uint_eq(act(tanks, ACT_COMMENT, 1, 0, 0).comments, 1);
    const Alarm alarm = act(tanks, ACT_ACKNOWLEDGE, 1, 0, 1);
    ck_assert_uint_eq(alarm.comments, 2);
    ck_assert_uint_gt(alarm.revision, 2);
    level(tanks, 2, 30);
    ck_assert_int_eq(refused(tanks, (AlarmAct){.kind = ACT_COMMENT, .alarm = 1, .comment = "why?"}, 3), ERR_UNKNOWN);
    ErrText why;
    Alarm over;
    AlarmAct named = {.kind = ACT_COMMENT, .alarm = 1, .twin = "tank0001", .name = "dry", .comment = "a valve stuck"};
    ck_assert_int_eq(alarm_act(tanks->alarms, &named, at(3), &over, &why), ERR_OK);
    ck_assert_uint_eq(over.id, 0);
    ck_assert_uint_eq(named.number, 3);
    tanks_close(tanks);
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_changes_nothing)
{
    Tanks *tanks = tanks_open(1, DRY, "");
    level(tanks, 0, 5);
    ck_assert_int_eq(refused(tanks, (AlarmAct){.kind = ACT_SHELVE, .alarm = 1}, 1), ERR_RANGE);
    ck_assert_int_eq(refused(tanks, (AlarmAct){.kind = ACT_SHELVE, .alarm = 1, .span_ns = SHELVE_MAX_NS + 1}, 1), ERR_RANGE);
    ck_assert_int_eq(refused(tanks, (AlarmAct){.kind = ACT_SHELVE, .alarm = 2, .span_ns = 1}, 1), ERR_UNKNOWN);
    ck_assert_int_eq(refused(tanks, (AlarmAct){.kind = ACT_COMMENT, .alarm = 1}, 1), ERR_RANGE);
    ck_assert_int_eq(refused(tanks, (AlarmAct){.kind = ACT_UNSHELVE, .alarm = 1}, 1), ERR_UNKNOWN);
    ck_assert_int_eq(refused(tanks, (AlarmAct){.kind = ACT_UNSUPPRESS, .alarm = 1}, 1), ERR_UNKNOWN);
    ck_assert_int_eq(refused(tanks, (AlarmAct){.kind = ACT_SUPPRESS, .alarm = 9, .twin = "nobody", .name = "dry"}, 1), ERR_UNKNOWN);
    ck_assert_uint_eq(only(tanks)->revision, 1);
    ck_assert_uint_eq(alarms_last_act(tanks->alarms), 0);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_full_shelf_refuses_and_takes_what_is_there_anew)
{
    Tanks *tanks = tanks_open(ASIDES_MAX + 1, DRY, "");
    for (uint32_t i = 0; i <= ASIDES_MAX; i++)
        *tanks_cell(tanks, i, "level") = 0.05;
    tanks_judge(tanks, 0);
    for (uint64_t id = 1; id <= ASIDES_MAX; id++)
        act(tanks, ACT_SHELVE, id, 10, 0);
    ck_assert_int_eq(refused(tanks, (AlarmAct){.kind = ACT_SHELVE, .alarm = ASIDES_MAX + 1, .span_ns = NS_PER_S}, 0), ERR_FULL);
    ck_assert_int_eq(act(tanks, ACT_SHELVE, 1, 20, 0).shelved, at(20));
    tanks_judge(tanks, 10);
    size_t count;
    uint64_t changes;
    alarms_asides(tanks->alarms, &count, &changes);
    ck_assert_uint_eq(count, 1);
    tanks_close(tanks);
}
END_TEST

/* A day of a tank with acts between its ticks, from `first` on; stops before `last`. */
static void live(Tanks *tanks, int first, int last)
{
    for (int s = first; s < last; s++) {
        level(tanks, s, s % 4 < 2 ? 5 : 30);
        if (s == 0)
            act(tanks, ACT_SHELVE, 1, 12, s);
        if (s == 9)
            act(tanks, ACT_SUPPRESS, 3, 0, s);
        if (s == 17)
            act(tanks, ACT_UNSUPPRESS, 3, 0, s);
        alarms_settle(tanks->alarms);
    }
}

static unsigned char *snapshot(const Tanks *tanks, size_t *size)
{
    *size = alarms_snapshot_size(tanks->alarms);
    unsigned char *bytes = mem_alloc(*size);
    alarms_snapshot(tanks->alarms, bytes);
    return bytes;
}

START_TEST(from_any_snapshot_on_it_goes_on_with_the_same_bits_and_ids)
{
    enum { END = 24 };
    size_t whole_size, part_size, size;
    Tanks *whole = tanks_open(1, DRY, COUNTING);
    live(whole, 0, END);
    unsigned char *expected = snapshot(whole, &whole_size);
    for (int cut = 1; cut < END; cut++) {
        Tanks *before = tanks_open(1, DRY, COUNTING), *after = tanks_open(1, DRY, COUNTING);
        ErrText why = {""};
        live(before, 0, cut);
        unsigned char *bytes = snapshot(before, &part_size);
        ck_assert_msg(alarms_restore(after->alarms, bytes, part_size, &why) == ERR_OK, "%s", why.text);
        live(after, cut, END);
        unsigned char *found = snapshot(after, &size);
        ck_assert_uint_eq(size, whole_size);
        ck_assert_int_eq(memcmp(found, expected, size), 0);
        mem_free(bytes);
        mem_free(found);
        tanks_close(before);
        tanks_close(after);
    }
    mem_free(expected);
    tanks_close(whole);
}
END_TEST

/* The version before ended, in its head and in each alarm, in front of what is said of acts. */
START_TEST(a_snapshot_from_before_there_were_acts_is_read)
{
    enum { HEAD = 10 * sizeof(uint64_t), HEAD_BEFORE = 8 * sizeof(uint64_t), ALARM_BEFORE = offsetof(Alarm, shelved) };
    Tanks *tanks = tanks_open(2, DRY, ""), *after = tanks_open(2, DRY, "");
    size_t size, size_after;
    ErrText why = {""};
    *tanks_cell(tanks, 1, "level") = 0.05;
    level(tanks, 0, 5);
    tanks_alarms(tanks, 2);
    unsigned char *bytes = snapshot(tanks, &size), *before = mem_alloc(size);
    const uint64_t version = 2;
    size_t length = 0;
    memcpy(before, bytes, length = HEAD_BEFORE);
    memcpy(before, &version, sizeof version);
    for (int i = 0; i < 2; i++, length += ALARM_BEFORE)
        memcpy(before + length, bytes + HEAD + (size_t)i * sizeof(Alarm), ALARM_BEFORE);
    memcpy(before + length, bytes + HEAD + 2 * sizeof(Alarm), size - HEAD - 2 * sizeof(Alarm));
    length += size - HEAD - 2 * sizeof(Alarm);

    ck_assert_int_eq(alarms_restore(after->alarms, before, length - 1, &why), ERR_PARSE);
    ck_assert_int_eq(alarms_restore(after->alarms, before, HEAD_BEFORE + ALARM_BEFORE, &why), ERR_PARSE);
    ck_assert_msg(alarms_restore(after->alarms, before, length, &why) == ERR_OK, "%s", why.text);
    unsigned char *found = snapshot(after, &size_after);
    ck_assert_uint_eq(size_after, size);
    ck_assert_int_eq(memcmp(found, bytes, size), 0);
    mem_free(found);
    mem_free(before);
    mem_free(bytes);
    tanks_close(after);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_damaged_shelf_in_a_snapshot_is_refused)
{
    Tanks *tanks = tanks_open(1, DRY, "");
    size_t size;
    ErrText why;
    level(tanks, 0, 5);
    act(tanks, ACT_SHELVE, 1, 10, 0);
    unsigned char *bytes = snapshot(tanks, &size);
    const size_t place = size - sizeof(Aside), damages[] = {offsetof(Aside, twin), offsetof(Aside, kind), offsetof(Aside, until) + 7};
    ck_assert_int_eq(alarms_restore(tanks->alarms, bytes, size, &why), ERR_OK);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const unsigned char kept = bytes[place + damages[i]];
        memset(bytes + place + damages[i], damages[i] == offsetof(Aside, until) + 7 ? 0x80 : 0x41, 1);
        if (damages[i] == offsetof(Aside, until) + 7)
            memset(bytes + place + offsetof(Aside, until), 0, 7);
        ck_assert_int_eq(alarms_restore(tanks->alarms, bytes, size, &why), ERR_PARSE);
        bytes[place + damages[i]] = kept;
    }
    mem_free(bytes);
    tanks_close(tanks);
}
END_TEST

// Evidence.

START_TEST(evidence_of_a_limit_begins_with_what_passed_it_and_who_measures_that)
{
    Tanks *tanks = tanks_open(1, DRY, "");
    Evidence evidence;
    tanks->sync.innovation = -0.02;
    tanks->sync.sd = 0.005;
    level(tanks, 1000, 5);
    ck_assert(evidence_is_due(only(tanks)));
    evidence_gather(tanks->alarms, &tanks->sync, only(tanks), at(1000), &evidence);
    const TagId tag = tags_find(tanks->plant->tags, "tank0001.level");
    ck_assert_uint_eq(evidence.tags[0], tag);
    ck_assert_uint_eq(evidence.tags[1], tags_find(tanks->plant->tags, "tank0001.gauge"));
    ck_assert_uint_eq(evidence.tags[2], tags_find(tanks->plant->tags, "tank0001.inflow"));
    ck_assert_double_eq_tol(evidence.values[0], 0.05, 1e-12);
    ck_assert_double_eq_tol(evidence.limit, 0.10, 1e-12);
    ck_assert_uint_eq(evidence.sensor_count, 1);
    ck_assert_double_eq(evidence.sensors[0].innovation, -0.02);
    ck_assert_double_eq(evidence.sensors[0].sd, 0.005);
    ck_assert_int_eq(evidence.told, TIME_NONE);

    // 200 steps of 1 s before it began, a quarter of that behind
    ck_assert_int_eq(evidence.from, at(800));
    ck_assert_int_eq(evidence.to, at(1050));
    tanks_close(tanks);
}
END_TEST

START_TEST(evidence_is_due_when_the_text_is_another_and_not_when_people_act)
{
    Tanks *tanks = tanks_open(1, DRY, "");
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "drifts");
    tanks_judge(tanks, 0);
    ck_assert(evidence_is_due(only(tanks)));
    act(tanks, ACT_COMMENT, 1, 0, 0);
    ck_assert(!evidence_is_due(only(tanks)));
    tanks_verdict(tanks, 0, VERDICT_SENSOR, "drifts fast");
    tanks_judge(tanks, 1);
    ck_assert(evidence_is_due(only(tanks)));
    Evidence evidence;
    evidence_gather(tanks->alarms, &tanks->sync, only(tanks), at(1), &evidence);
    ck_assert_double_eq(evidence.nis, 50);
    ck_assert_double_eq(evidence.nis_limit, 40);
    ck_assert_double_nan(evidence.limit);
    tanks_close(tanks);
}
END_TEST

KIT_MAIN("alarm.acts", the_life_cycle_is_that_of_isa_18_2, what_occurs_later_is_shelved_too_recorded_and_not_told, shelving_ends_by_itself_on_plant_time,
         a_divergence_that_is_shelved_calls_neither_of_its_handlers, comments_are_counted_and_alarms_that_are_over_take_them_by_name,
         what_cannot_be_is_refused_and_changes_nothing, a_full_shelf_refuses_and_takes_what_is_there_anew,
         from_any_snapshot_on_it_goes_on_with_the_same_bits_and_ids, a_snapshot_from_before_there_were_acts_is_read, a_damaged_shelf_in_a_snapshot_is_refused,
         evidence_of_a_limit_begins_with_what_passed_it_and_who_measures_that, evidence_is_due_when_the_text_is_another_and_not_when_people_act)
