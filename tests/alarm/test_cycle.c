#include "alarm/cycle.h"

#include "kit/kit.h"

static Cycle open_cycle(void)
{
    Cycle cycle;
    ck_assert_int_eq(cycle__init(&cycle), ERR_OK);
    return cycle;
}

static Alarm *raise(Cycle *cycle, uint64_t *slot, int64_t now)
{
    return cycle__raise(cycle, slot, 0, "overflow", SEVERITY_MAJOR, now);
}

START_TEST(acknowledged_first_it_is_over_when_it_returns)
{
    Cycle cycle = open_cycle();
    uint64_t slot = 0;
    Alarm *alarm = raise(&cycle, &slot, 10);
    ck_assert_uint_eq(slot, alarm->id);
    ck_assert_int_eq(alarm->state, ALARM_RAISED);
    ck_assert_int_eq(alarm->raised, 10);
    ck_assert_int_eq(alarm->acknowledged, TIME_NONE);

    ck_assert_int_eq(cycle__acknowledge(&cycle, slot, 20), ERR_OK);
    ck_assert_int_eq(alarm->state, ALARM_ACKNOWLEDGED);
    ck_assert_uint_eq(alarm->revision, 2);

    const Alarm *over = cycle__return(&cycle, &slot, 30);
    ck_assert_uint_eq(slot, 0);
    ck_assert_int_eq(over->state, ALARM_OVER);
    ck_assert_int_eq(over->acknowledged, 20);
    ck_assert_int_eq(over->returned, 30);
    ck_assert_uint_eq(ledger_room(&cycle.ledger), ALARMS_MAX);
    cycle__fini(&cycle);
}
END_TEST

START_TEST(returned_first_it_waits_for_its_acknowledgement)
{
    Cycle cycle = open_cycle();
    uint64_t slot = 0;
    Alarm *alarm = raise(&cycle, &slot, 10);
    const uint64_t id = alarm->id;
    ck_assert_ptr_eq(cycle__return(&cycle, &slot, 20), alarm);
    ck_assert_int_eq(alarm->state, ALARM_RETURNED);
    ck_assert_uint_eq(alarm->revision, 2);

    ck_assert_int_eq(cycle__acknowledge(&cycle, id, 30), ERR_OK);
    ck_assert_int_eq(alarm->state, ALARM_OVER);
    ck_assert_uint_eq(alarm->revision, 3);
    ck_assert_int_eq(cycle__acknowledge(&cycle, id, 40), ERR_UNKNOWN);
    cycle__fini(&cycle);
}
END_TEST

START_TEST(a_second_acknowledgement_changes_nothing)
{
    Cycle cycle = open_cycle();
    uint64_t slot = 0;
    const Alarm *alarm = raise(&cycle, &slot, 10);
    ck_assert_int_eq(cycle__acknowledge(&cycle, slot, 20), ERR_OK);
    ck_assert_int_eq(cycle__acknowledge(&cycle, slot, 30), ERR_OK);
    ck_assert_int_eq(alarm->acknowledged, 20);
    ck_assert_uint_eq(alarm->revision, 2);
    ck_assert_int_eq(cycle__acknowledge(&cycle, 99, 30), ERR_UNKNOWN);
    ck_assert_int_eq(cycle__acknowledge(&cycle, 0, 30), ERR_UNKNOWN);
    cycle__fini(&cycle);
}
END_TEST

START_TEST(raised_again_it_is_a_new_alarm)
{
    Cycle cycle = open_cycle();
    uint64_t slot = 0;
    raise(&cycle, &slot, 10);
    cycle__return(&cycle, &slot, 20);
    raise(&cycle, &slot, 30);
    ck_assert_uint_eq(slot, 2);
    size_t count;
    ledger_open(&cycle.ledger, &count);
    ck_assert_uint_eq(count, 2);
    cycle__fini(&cycle);
}
END_TEST

START_TEST(a_rise_in_severity_takes_the_acknowledgement_back_and_a_fall_does_not)
{
    Cycle cycle = open_cycle();
    uint64_t slot = 0;
    Alarm *alarm = raise(&cycle, &slot, 10);
    cycle__acknowledge(&cycle, slot, 20);
    cycle__revise(&cycle, alarm, SEVERITY_WARNING, "less");
    ck_assert_int_eq(alarm->state, ALARM_ACKNOWLEDGED);
    ck_assert_str_eq(alarm->text, "less");
    cycle__revise(&cycle, alarm, SEVERITY_CRITICAL, "more");
    ck_assert_int_eq(alarm->state, ALARM_RAISED);
    ck_assert_int_eq(alarm->acknowledged, TIME_NONE);
    ck_assert_uint_eq(alarm->id, 1);
    ck_assert_uint_eq(alarm->revision, 4);
    cycle__fini(&cycle);
}
END_TEST

START_TEST(a_full_list_ends_its_oldest_returned_alarm)
{
    Cycle cycle = open_cycle();
    static uint64_t slots[ALARMS_MAX];
    for (size_t i = 0; i < ALARMS_MAX; i++)
        ck_assert_ptr_nonnull(raise(&cycle, &slots[i], 10));
    ledger_settle(&cycle.ledger);
    cycle__return(&cycle, &slots[200], 20);
    cycle__return(&cycle, &slots[100], 20);

    uint64_t fresh = 0;
    ck_assert_uint_eq(raise(&cycle, &fresh, 30)->id, ALARMS_MAX + 1);
    ck_assert_ptr_null(ledger_find(&cycle.ledger, 101));
    ck_assert_ptr_nonnull(ledger_find(&cycle.ledger, 201));
    size_t count;
    const Alarm *changed = ledger_changed(&cycle.ledger, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(changed[0].state, ALARM_OVER);
    ck_assert_int_eq(changed[0].acknowledged, TIME_NONE);
    ck_assert_int_eq(changed[1].state, ALARM_RETURNED);
    ck_assert_uint_eq(cycle.dropped, 0);

    // the next takes the place of the other one; then nothing is left that could make room
    uint64_t second = 0, third = 0;
    ck_assert_ptr_nonnull(raise(&cycle, &second, 40));
    ck_assert_ptr_null(ledger_find(&cycle.ledger, 201));
    ck_assert_ptr_null(raise(&cycle, &third, 40));
    ck_assert_uint_eq(cycle.dropped, 1);
    cycle__fini(&cycle);
}
END_TEST

START_TEST(an_alarm_without_room_is_dropped_once_and_raised_when_there_is_room)
{
    Cycle cycle = open_cycle();
    static uint64_t slots[ALARMS_MAX];
    for (size_t i = 0; i < ALARMS_MAX; i++)
        raise(&cycle, &slots[i], 10);
    ledger_settle(&cycle.ledger);

    uint64_t late = 0;
    ck_assert_ptr_null(raise(&cycle, &late, 20));
    ck_assert_ptr_null(raise(&cycle, &late, 30));
    ck_assert_uint_eq(late, ALARM_WANTED);
    ck_assert_uint_eq(cycle.dropped, 1);
    cycle__return(&cycle, &slots[7], 40);
    ck_assert_ptr_nonnull(raise(&cycle, &late, 50));
    ck_assert_uint_eq(late, ALARMS_MAX + 1);
    ck_assert_uint_eq(cycle.dropped, 1);
    cycle__fini(&cycle);
}
END_TEST

START_TEST(an_unattended_plant_stays_bounded)
{
    Cycle cycle = open_cycle();
    for (int i = 0; i < 5 * ALARMS_MAX; i++) {
        uint64_t slot = 0;
        ck_assert_ptr_nonnull(raise(&cycle, &slot, i));
        cycle__return(&cycle, &slot, i);
        if (i % 1000 == 0)
            ledger_settle(&cycle.ledger);
    }
    size_t count;
    const Alarm *list = ledger_open(&cycle.ledger, &count);
    ck_assert_uint_eq(count, ALARMS_MAX);
    ck_assert_uint_eq(list[0].id, 4 * ALARMS_MAX + 1);
    ck_assert_uint_eq(list[count - 1].id, 5 * ALARMS_MAX);
    cycle__fini(&cycle);
}
END_TEST

KIT_MAIN("alarm.cycle", acknowledged_first_it_is_over_when_it_returns, returned_first_it_waits_for_its_acknowledgement,
         a_second_acknowledgement_changes_nothing, raised_again_it_is_a_new_alarm,
         a_rise_in_severity_takes_the_acknowledgement_back_and_a_fall_does_not, a_full_list_ends_its_oldest_returned_alarm,
         an_alarm_without_room_is_dropped_once_and_raised_when_there_is_room, an_unattended_plant_stays_bounded)
