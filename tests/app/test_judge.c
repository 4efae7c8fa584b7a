#include "app/judge.h"

#include "kit/kit.h"

static const int64_t TOLERANCE = 5;

/* Two incidents, from 100 to 200 and from 400 to 500, to anybody and over anything. */
static Incident incidents[2];

static void set_incidents(void)
{
    incidents[0] = (Incident){.begin = 100, .end = 200, .name = "lid", .twin = "", .cause = ""};
    incidents[1] = (Incident){.begin = 400, .end = 500, .name = "lid", .twin = "", .cause = ""};
}

static Episode episode(int64_t raised, int64_t returned)
{
    return (Episode){.twin = "a", .raised = raised, .returned = returned, .cause = VERDICT_PROCESS};
}

START_TEST(an_alarm_raised_during_an_event_finds_it_and_nothing_is_missed)
{
    set_incidents();
    Episode episodes[] = {episode(110, 230), episode(402, 505)};
    const Judgement judgement = judge_episodes(incidents, 2, episodes, 2, TOLERANCE);
    ck_assert_uint_eq(judgement.found, 2);
    ck_assert_uint_eq(judgement.missed + judgement.false_episodes + judgement.again, 0);
    ck_assert_uint_eq(incidents[0].finder, 0);
    ck_assert_uint_eq(incidents[1].finder, 1);
}
END_TEST

START_TEST(without_alarms_every_event_is_missed)
{
    set_incidents();
    const Judgement judgement = judge_episodes(incidents, 2, NULL, 0, TOLERANCE);
    ck_assert_uint_eq(judgement.missed, 2);
    ck_assert_uint_eq(incidents[0].finder, SIZE_MAX);
}
END_TEST

START_TEST(an_alarm_that_never_falls_finds_one_event_and_misses_those_behind_it)
{
    set_incidents();
    Episode episodes[] = {episode(110, TIME_NONE)};
    const Judgement judgement = judge_episodes(incidents, 2, episodes, 1, TOLERANCE);
    ck_assert_uint_eq(judgement.found, 1);
    ck_assert_uint_eq(judgement.missed, 1);
    ck_assert_uint_eq(incidents[1].finder, SIZE_MAX);
}
END_TEST

START_TEST(an_alarm_that_stands_from_before_an_event_is_false_and_finds_nothing)
{
    set_incidents();
    Episode episodes[] = {episode(50, 450), episode(401, 402)};
    const Judgement judgement = judge_episodes(incidents, 2, episodes, 2, TOLERANCE);
    ck_assert_int_eq(episodes[0].kind, EPISODE_FALSE);
    ck_assert_uint_eq(judgement.false_episodes, 1);
    ck_assert_uint_eq(judgement.missed, 1);
    ck_assert_uint_eq(incidents[1].finder, 1);
}
END_TEST

START_TEST(an_alarm_raised_behind_the_end_is_false)
{
    set_incidents();
    Episode episodes[] = {episode(100, 150), episode(206, 220), episode(500, 600)};
    const Judgement judgement = judge_episodes(incidents, 2, episodes, 3, TOLERANCE);
    ck_assert_int_eq(episodes[1].kind, EPISODE_FALSE);
    ck_assert_uint_eq(judgement.false_episodes, 1);
    ck_assert_uint_eq(judgement.found, 2);
}
END_TEST

START_TEST(a_second_alarm_of_the_same_event_is_neither_found_nor_false)
{
    set_incidents();
    Episode episodes[] = {episode(110, 120), episode(130, 140), episode(150, 160)};
    const Judgement judgement = judge_episodes(incidents, 2, episodes, 3, TOLERANCE);
    ck_assert_uint_eq(judgement.found, 1);
    ck_assert_uint_eq(judgement.again, 2);
    ck_assert_uint_eq(judgement.false_episodes, 0);
    ck_assert_uint_eq(incidents[0].finder, 0);
}
END_TEST

START_TEST(the_tolerance_reaches_to_both_sides_and_no_further)
{
    static const struct {
        int64_t raised;
        EpisodeKind kind;
    } cases[] = {{94, EPISODE_FALSE}, {95, EPISODE_FOUND}, {205, EPISODE_FOUND}, {206, EPISODE_FALSE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_incidents();
        Episode one = episode(cases[i].raised, 300);
        judge_episodes(incidents, 2, &one, 1, TOLERANCE);
        ck_assert_int_eq(one.kind, cases[i].kind);
    }
}
END_TEST

START_TEST(an_event_of_one_twin_is_not_found_by_the_alarm_of_another)
{
    set_incidents();
    incidents[0].twin = "b";
    Episode episodes[] = {episode(110, 120), episode(130, 140)};
    episodes[1].twin = "b";
    const Judgement judgement = judge_episodes(incidents, 2, episodes, 2, TOLERANCE);
    ck_assert_int_eq(episodes[0].kind, EPISODE_FALSE);
    ck_assert_int_eq(episodes[1].kind, EPISODE_FOUND);
    ck_assert_uint_eq(judgement.missed, 1);
}
END_TEST

START_TEST(of_two_events_at_once_each_needs_an_alarm_of_its_own)
{
    set_incidents();
    incidents[1].begin = 150;
    Episode episodes[] = {episode(160, 170), episode(161, 170)};
    ck_assert_uint_eq(judge_episodes(incidents, 2, episodes, 1, TOLERANCE).missed, 1);
    ck_assert_uint_eq(judge_episodes(incidents, 2, episodes, 2, TOLERANCE).missed, 0);
    ck_assert_uint_eq(incidents[1].finder, 1);
}
END_TEST

START_TEST(causes_are_counted_where_they_are_known_and_the_event_was_found)
{
    set_incidents();
    incidents[0].cause = "sensor";
    incidents[1].cause = "process";
    Episode episodes[] = {episode(110, 120), episode(410, 420)};
    Judgement judgement = judge_episodes(incidents, 2, episodes, 2, TOLERANCE);
    ck_assert_uint_eq(judgement.causes, 2);
    ck_assert_uint_eq(judgement.causes_right, 1);

    judgement = judge_episodes(incidents, 2, episodes, 1, TOLERANCE);
    ck_assert_uint_eq(judgement.causes, 1);
    ck_assert_uint_eq(judgement.causes_right, 0);
}
END_TEST

START_TEST(events_at_the_ends_of_time_do_not_overflow)
{
    set_incidents();
    incidents[0].begin = INT64_MIN + 1;
    incidents[1].end = INT64_MAX - 1;
    ck_assert(incident_is_on(incidents, 2, "a", INT64_MIN + 1, TOLERANCE, 30));
    ck_assert(incident_is_on(incidents, 2, "a", INT64_MAX, TOLERANCE, 30));
}
END_TEST

START_TEST(an_aftermath_follows_an_incident_and_does_not_precede_it)
{
    set_incidents();
    ck_assert(incident_is_on(incidents, 2, "a", 230, TOLERANCE, 30));
    ck_assert(!incident_is_on(incidents, 2, "a", 236, TOLERANCE, 30));
    ck_assert(!incident_is_on(incidents, 2, "a", 94, TOLERANCE, 30));
    ck_assert(!incident_is_on(NULL, 0, "a", 150, TOLERANCE, 30));
}
END_TEST

KIT_MAIN("app.judge", an_alarm_raised_during_an_event_finds_it_and_nothing_is_missed, without_alarms_every_event_is_missed,
         an_alarm_that_never_falls_finds_one_event_and_misses_those_behind_it, an_alarm_that_stands_from_before_an_event_is_false_and_finds_nothing,
         an_alarm_raised_behind_the_end_is_false, a_second_alarm_of_the_same_event_is_neither_found_nor_false,
         the_tolerance_reaches_to_both_sides_and_no_further,
         an_event_of_one_twin_is_not_found_by_the_alarm_of_another, of_two_events_at_once_each_needs_an_alarm_of_its_own,
         causes_are_counted_where_they_are_known_and_the_event_was_found, events_at_the_ends_of_time_do_not_overflow,
         an_aftermath_follows_an_incident_and_does_not_precede_it)
