/* Alarms before their time: raised and returned by outlooks that are given by hand. */
#include "alarm/tanks.h"

static const char limits[] = "overflow = { high = { 'level', 60 }, hold = 2, severity = 'critical' }, dry = { low = { 'level', 10 }, severity = 'info' }";

static Tanks *open_tanks(void)
{
    Tanks *tanks = tanks_open(2, limits, "forecast = { horizon = 1800 }");
    const Model *model = plant_model(tanks->plant, 0);
    ck_assert_uint_eq(model->alarm_count, 2);
    return tanks;
}

static uint16_t alarm_of(const Tanks *tanks, const char *name)
{
    const Model *model = plant_model(tanks->plant, 0);
    for (uint16_t i = 0; i < model->alarm_count; i++)
        if (strcmp(model->alarms[i].name, name) == 0)
            return i;
    ck_abort_msg("no alarm %s", name);
}

/* Judge in a tick at `s` what was foretold of `name` of the first tank from `from` on; nothing where the share is 0. */
static void foretell(Tanks *tanks, double from, double s, const char *name, double share, double early, double middle, double late)
{
    const Outlook item = {.twin = 0, .alarm = alarm_of(tanks, name), .share = share, .early = early, .middle = middle, .late = late};
    const Outlooks outlooks = {.time = at(from), .probability = 0.8, .items = &item, .count = share > 0};
    alarms_note_outlooks(tanks->alarms, &outlooks);
    tanks_judge(tanks, s);
}

START_TEST(what_is_probable_enough_is_foretold)
{
    Tanks *tanks = open_tanks();
    foretell(tanks, 0, 5, "overflow", 0.79, 100, 200, 300);
    tanks_alarms(tanks, 0);
    foretell(tanks, 60, 65, "overflow", 0.9296875, 425, 665, 965);
    const Alarm *alarm = tanks_alarms(tanks, 1);
    ck_assert_str_eq(alarm->name, "overflow.predicted");
    ck_assert_int_eq(alarm->severity, SEVERITY_MAJOR);  // one below
    ck_assert_int_eq(alarm->state, ALARM_RAISED);
    ck_assert_int_eq(alarm->raised, at(65));
    ck_assert(alarm_is_predicted(alarm));

    // times are told from now on, which is 5 s behind the start of the forecast
    ck_assert_str_eq(alarm->text, "tank0001.level will pass 60 cm in 11 min, 7 to 16 min, probability 0.93");
    tanks_close(tanks);
}
END_TEST

START_TEST(low_limits_and_other_times_have_their_words)
{
    static const struct {
        double early, middle, late;
        const char *text;
    } cases[] = {
        {0, 4, 119, "tank0001.level will fall below 10 cm in 4 s, 0 to 119 s, probability 1.00"},
        {3600, 7200, 10800, "tank0001.level will fall below 10 cm in 2 h, 1 to 3 h, probability 1.00"},
        {86400, 172800, 259200, "tank0001.level will fall below 10 cm in 2 d, 1 to 3 d, probability 1.00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Tanks *tanks = open_tanks();
        foretell(tanks, 0, 0, "dry", 1, cases[i].early, cases[i].middle, cases[i].late);
        ck_assert_str_eq(tanks_alarms(tanks, 1)->text, cases[i].text);
        ck_assert_int_eq(tanks_alarms(tanks, 1)->severity, SEVERITY_INFO);  // there is nothing below
        tanks_close(tanks);
    }
}
END_TEST

START_TEST(it_returns_below_half_of_the_probability)
{
    Tanks *tanks = open_tanks();
    foretell(tanks, 0, 5, "overflow", 0.8, 100, 200, 300);
    const uint64_t id = tanks_alarms(tanks, 1)->id;
    foretell(tanks, 60, 65, "overflow", 0.4, 100, 200, 300);
    ck_assert_int_eq(tanks_alarms(tanks, 1)->state, ALARM_RAISED);
    ck_assert_uint_eq(tanks_alarms(tanks, 1)->revision, 2);  // told anew
    foretell(tanks, 120, 125, "overflow", 0.39, 100, 200, 300);
    ck_assert_int_eq(tanks_alarms(tanks, 1)->state, ALARM_RETURNED);
    ck_assert_int_eq(tanks_alarms(tanks, 1)->returned, at(125));

    // another one is another alarm
    foretell(tanks, 180, 185, "overflow", 0.8, 100, 200, 300);
    ck_assert_uint_ne(tanks_alarms(tanks, 2)[1].id, id);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_limit_that_no_member_passes_any_more_returns)
{
    Tanks *tanks = open_tanks();
    foretell(tanks, 0, 5, "overflow", 0.8, 100, 200, 300);
    foretell(tanks, 60, 65, "overflow", 0, 0, 0, 0);
    ck_assert_int_eq(tanks_alarms(tanks, 1)->state, ALARM_RETURNED);
    tanks_close(tanks);
}
END_TEST

START_TEST(between_two_forecasts_it_stays_as_it_is)
{
    Tanks *tanks = open_tanks();
    foretell(tanks, 0, 5, "overflow", 0.8, 100, 200, 300);
    alarms_settle(tanks->alarms);
    for (int s = 6; s < 60; s++)
        tanks_judge(tanks, s);
    size_t count;
    alarms_changed(tanks->alarms, &count);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(tanks_alarms(tanks, 1)->state, ALARM_RAISED);
    tanks_close(tanks);
}
END_TEST

START_TEST(what_has_come_is_not_foretold_any_longer)
{
    Tanks *tanks = open_tanks();
    foretell(tanks, 0, 5, "overflow", 0.8, 100, 200, 300);
    tanks_acknowledge(tanks->alarms, tanks_alarms(tanks, 1)->id, at(6));
    alarms_settle(tanks->alarms);
    *tanks_cell(tanks, 0, "level") = 0.7;
    tanks_judge(tanks, 10);
    tanks_judge(tanks, 12);  // held for 2 s

    // it was acknowledged, so it is over; the alarm itself has taken its place
    size_t count;
    const Alarm *changed = alarms_changed(tanks->alarms, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(changed[0].name, "overflow.predicted");
    ck_assert_int_eq(changed[0].state, ALARM_OVER);
    ck_assert_str_eq(changed[0].text, "what was foretold has come: overflow of tank0001");
    ck_assert_str_eq(changed[1].name, "overflow");

    // and while it is active nothing is foretold of it
    foretell(tanks, 60, 65, "overflow", 1, 0, 0, 0);
    ck_assert_str_eq(tanks_alarms(tanks, 1)->name, "overflow");
    tanks_close(tanks);
}
END_TEST

START_TEST(handlers_hear_that_it_is_a_prediction)
{
    Tanks *tanks = tanks_open(1, limits,
                              "forecast = { horizon = 1800 },\n"
                              "on = { alarm = function(event)\n"
                              "  command('tank0001.lamp', event.predicted and (event.state == 'raised' and 0.25 or 0.5) or 1, { reason = event.name })\n"
                              "end }");
    size_t count;
    foretell(tanks, 0, 5, "overflow", 0.8, 100, 200, 300);
    const CommandWish *wishes = alarms_wishes(tanks->alarms, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_double_eq(wishes[0].value, 0.25);
    ck_assert_str_eq(wishes[0].reason, "overflow.predicted");
    foretell(tanks, 60, 65, "overflow", 0.1, 100, 200, 300);
    wishes = alarms_wishes(tanks->alarms, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_double_eq(wishes[0].value, 0.5);
    tanks_close(tanks);
}
END_TEST

START_TEST(a_snapshot_carries_predictions_on)
{
    Tanks *tanks = open_tanks(), *other = open_tanks();
    foretell(tanks, 0, 5, "overflow", 0.8, 100, 200, 300);
    const size_t size = alarms_snapshot_size(tanks->alarms);
    void *bytes = mem_alloc(size);
    ErrText why;
    alarms_snapshot(tanks->alarms, bytes);
    ck_assert_int_eq(alarms_restore(other->alarms, bytes, size, &why), ERR_OK);
    foretell(other, 60, 65, "overflow", 0.9, 100, 200, 300);
    ck_assert_uint_eq(tanks_alarms(other, 1)->revision, 2);  // the same alarm
    foretell(other, 120, 125, "overflow", 0, 0, 0, 0);
    ck_assert_int_eq(tanks_alarms(other, 1)->state, ALARM_RETURNED);
    mem_free(bytes);
    tanks_close(tanks);
    tanks_close(other);
}
END_TEST

KIT_MAIN("alarm.predict", what_is_probable_enough_is_foretold, low_limits_and_other_times_have_their_words, it_returns_below_half_of_the_probability,
         a_limit_that_no_member_passes_any_more_returns, between_two_forecasts_it_stays_as_it_is, what_has_come_is_not_foretold_any_longer,
         handlers_hear_that_it_is_a_prediction, a_snapshot_carries_predictions_on)
