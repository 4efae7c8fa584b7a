/* The procedures of a controlling station, against an outstation and a clock that is turned by hand. */
#include "connectors/iec104/rig.h"

enum { SWITCH = 100, SETPOINT = 200, SHOWN = 201 };

/* A started rig with a point of each kind, a switch (direct) and a set point that is to be selected and is shown at SHOWN. */
static Rig *plant(const MasterDef *def)
{
    Rig *rig = rig_create(def);
    outstation_add_point(rig->outstation, 1, 1, 30);
    outstation_add_point(rig->outstation, 1, 2, 36);
    outstation_add_point(rig->outstation, 1, 3, 37);
    outstation_add_point(rig->outstation, 1, SHOWN, 13);
    outstation_add_command(rig->outstation, 1, SWITCH, 45, false, 0);
    outstation_add_command(rig->outstation, 1, SETPOINT, 50, true, SHOWN);
    rig_connect(rig);
    return rig;
}

static Rig *plain(void)
{
    const MasterDef def = rig_def();
    Rig *rig = plant(&def);
    rig->count = 0;
    return rig;
}

static MasterCommand set_point(uint64_t id, double number)
{
    return (MasterCommand){
        .id = id, .type = ASDU_C_SE_NC, .station = 1, .address = SETPOINT, .number = number, .select = true, .terminates = true, .limit = INT64_MAX};
}

static MasterCommand close_switch(uint64_t id)
{
    return (MasterCommand){.id = id, .type = ASDU_C_SC_NA, .station = 1, .address = SWITCH, .number = 1, .terminates = true, .limit = INT64_MAX};
}

static void command(Rig *rig, MasterCommand what)
{
    ck_assert(master_has_room(&rig->master));
    master_command(&rig->master, &what, rig_time(rig));
}

/* The only outcome, of command 1. */
static void expect_outcome(const Rig *rig, bool done, const char *text)
{
    ck_assert_uint_eq(rig_count(rig, MASTER_OUTCOME), 1);
    const RigEvent *const outcome = rig_event(rig, MASTER_OUTCOME, 0);
    ck_assert_uint_eq(outcome->command, 1);
    ck_assert_int_eq(outcome->done, done);
    ck_assert_str_eq(outcome->text, text);
}

static size_t executed(const Rig *rig)
{
    return outstation_done(rig->outstation, NULL, 0);
}

// Interrogations

START_TEST(the_start_interrogates_and_every_point_comes)
{
    const MasterDef def = rig_def();
    Rig *rig = plant(&def);
    ck_assert_uint_eq(outstation_counts(rig->outstation).interrogations, 1);
    ck_assert_uint_eq(outstation_counts(rig->outstation).counters, 0);
    ck_assert_uint_eq(outstation_counts(rig->outstation).clocks, 0);
    ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 3);  // the counter is not part of it
    const RigEvent *const value = rig_event(rig, MASTER_VALUE, 1);
    ck_assert_int_eq(value->type, ASDU_M_ME_NC);
    ck_assert_int_eq(value->cause, ASDU_INTERROGATED);
    ck_assert_uint_eq(value->address, 2);
    ck_assert_uint_eq(value->quality, ASDU_NT);
    rig_pass(rig, 100);
    ck_assert_uint_eq(outstation_counts(rig->outstation).interrogations, 1);
    ck_assert_uint_eq(rig_count(rig, MASTER_REFUSED), 0);
    rig_destroy(rig);
}
END_TEST

START_TEST(routines_run_in_their_periods)
{
    MasterDef def = rig_def();
    def.periods_ns[MASTER_INTERROGATE] = 60 * NS_PER_S;
    def.periods_ns[MASTER_COUNTERS] = 30 * NS_PER_S;
    def.periods_ns[MASTER_SYNCHRONISE] = 90 * NS_PER_S;
    def.periods_ns[MASTER_TEST] = 45 * NS_PER_S;
    Rig *rig = plant(&def);
    rig_pass(rig, 180);
    const OutstationCounts counts = outstation_counts(rig->outstation);
    ck_assert_uint_eq(counts.interrogations, 1 + 3);
    ck_assert_uint_eq(counts.counters, 1 + 6);
    ck_assert_uint_eq(counts.clocks, 1 + 2);
    ck_assert_uint_eq(counts.trials, 4);
    ck_assert_int_eq(counts.clock, rig_time(rig).utc);  // the last at second 180
    ck_assert_uint_eq(rig_count(rig, MASTER_REFUSED), 0);
    rig_destroy(rig);
}
END_TEST

START_TEST(the_interrogation_of_counters_brings_counters)
{
    MasterDef def = rig_def();
    def.periods_ns[MASTER_COUNTERS] = 3600 * NS_PER_S;
    Rig *rig = plant(&def);
    outstation_set(rig->outstation, 1, 3, -7, 0, rig_time(rig).utc);
    outstation_initialised(rig->outstation, 1);
    rig->count = 0;
    rig_pass(rig, 1);
    const RigEvent *value = NULL;
    for (size_t i = 0; i < rig->count; i++)
        if (rig->events[i].kind == MASTER_VALUE && rig->events[i].cause == ASDU_COUNTERS)
            value = &rig->events[i];
    ck_assert_ptr_nonnull(value);
    ck_assert_int_eq(value->type, ASDU_M_IT_NA);
    ck_assert_double_eq(value->number, -7);
    rig_destroy(rig);
}
END_TEST

START_TEST(an_interrogation_may_take_its_time_while_values_come)
{
    static const uint8_t confirmed[] = {100, 1, 7, 0, 1, 0, 0, 0, 0, 20}, value[] = {1, 1, 20, 0, 1, 0, 1, 0, 0, 1};
    static const uint8_t ended[] = {100, 1, 10, 0, 1, 0, 0, 0, 0, 20};
    const MasterDef def = rig_def();
    for (int is_ended = 0; is_ended < 2; is_ended++) {
        Rig *rig = rig_create(&def);
        outstation_add_point(rig->outstation, 1, 1, 1);
        outstation_faults(rig->outstation)->ignores_interrogations = true;
        rig_connect(rig);
        outstation_say(rig->outstation, confirmed, sizeof confirmed);
        for (int i = 0; i < 4; i++) {
            rig_pass(rig, 8);
            outstation_say(rig->outstation, value, sizeof value);
        }
        rig_carry(rig);
        ck_assert_uint_eq(rig_count(rig, MASTER_REFUSED), 0);
        if (is_ended)
            outstation_say(rig->outstation, ended, sizeof ended);
        rig_pass(rig, 20);
        ck_assert_uint_eq(rig_count(rig, MASTER_REFUSED), !is_ended);
        if (!is_ended)
            ck_assert_str_eq(rig_event(rig, MASTER_REFUSED, 0)->text, "station 1: no termination of C_IC_NA_1 within 10 s");
        rig_destroy(rig);
    }
}
END_TEST

START_TEST(a_station_that_was_initialised_is_interrogated_again)
{
    MasterDef def = rig_def();
    def.periods_ns[MASTER_COUNTERS] = 3600 * NS_PER_S;
    def.periods_ns[MASTER_SYNCHRONISE] = 3600 * NS_PER_S;
    Rig *rig = plant(&def);
    rig_pass(rig, 60);
    outstation_initialised(rig->outstation, 1);
    rig_pass(rig, 1);
    ck_assert_uint_eq(outstation_counts(rig->outstation).interrogations, 2);
    ck_assert_uint_eq(outstation_counts(rig->outstation).counters, 2);
    ck_assert_uint_eq(outstation_counts(rig->outstation).clocks, 2);
    rig_destroy(rig);
}
END_TEST

START_TEST(every_station_behind_a_connection_is_interrogated)
{
    static const uint16_t stations[] = {1, 7, 65534};
    MasterDef def = rig_def();
    def.stations = stations;
    def.station_count = 3;
    Rig *rig = rig_create(&def);
    for (uint32_t i = 0; i < 3; i++)
        outstation_add_point(rig->outstation, stations[i], 10 + i, 1);
    rig_connect(rig);
    ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(rig_event(rig, MASTER_VALUE, i)->station, stations[i]);
        ck_assert_uint_eq(rig_event(rig, MASTER_VALUE, i)->address, 10 + i);
    }
    rig_destroy(rig);
}
END_TEST

START_TEST(an_interrogation_without_an_answer_is_noted_and_tried_again)
{
    const MasterDef def = rig_def();
    Rig *rig = rig_create(&def);
    outstation_add_point(rig->outstation, 1, 1, 1);
    outstation_faults(rig->outstation)->ignores_interrogations = true;
    rig_connect(rig);
    rig_pass(rig, 10.1);
    ck_assert_uint_eq(rig_count(rig, MASTER_REFUSED), 1);
    ck_assert_str_eq(rig_event(rig, MASTER_REFUSED, 0)->text, "station 1: no confirmation of C_IC_NA_1 within 10 s");
    outstation_faults(rig->outstation)->ignores_interrogations = false;
    rig_pass(rig, 60);
    ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 1);
    rig_destroy(rig);
}
END_TEST

START_TEST(a_negative_answer_to_an_interrogation_is_noted_and_it_is_tried_again)
{
    const MasterDef def = rig_def();
    Rig *rig = rig_create(&def);
    outstation_add_point(rig->outstation, 1, 1, 1);
    outstation_faults(rig->outstation)->refuses_interrogations = true;
    rig_connect(rig);
    ck_assert_str_eq(rig_event(rig, MASTER_REFUSED, 0)->text, "station 1 answers C_IC_NA_1 with \"activation confirmation\" (negative)");
    outstation_faults(rig->outstation)->refuses_interrogations = false;
    rig_pass(rig, 60.1);
    ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 1);
    rig_destroy(rig);

    rig = rig_create(&def);  // it has no station 1
    outstation_add_point(rig->outstation, 2, 1, 1);
    rig_connect(rig);
    ck_assert_str_eq(rig_event(rig, MASTER_REFUSED, 0)->text, "station 1 answers C_IC_NA_1 with \"unknown common address\" (negative)");
    rig_destroy(rig);
}
END_TEST

START_TEST(a_test_command_without_an_answer_ends_the_connection)
{
    MasterDef def = rig_def();
    def.periods_ns[MASTER_TEST] = 30 * NS_PER_S;
    Rig *rig = plant(&def);
    rig_pass(rig, 29);
    outstation_faults(rig->outstation)->ignores_interrogations = true;
    rig_pass(rig, 10.9);
    ck_assert_str_eq(rig_broken(rig), "");
    rig_pass(rig, 0.5);
    ck_assert_str_eq(rig_broken(rig), "station 1 does not answer the test command");
    rig_destroy(rig);
}
END_TEST

// Values

START_TEST(a_change_comes_with_its_time_and_quality)
{
    Rig *rig = plain();
    const int64_t when = rig_time(rig).utc - 1234 * NS_PER_MS;
    outstation_set(rig->outstation, 1, 2, 17.25, ASDU_SB, when);
    rig_carry(rig);
    const RigEvent *const value = rig_event(rig, MASTER_VALUE, 0);
    ck_assert_int_eq(value->type, ASDU_M_ME_TF);
    ck_assert_int_eq(value->cause, ASDU_SPONTANEOUS);
    ck_assert_double_eq(value->number, 17.25);
    ck_assert_uint_eq(value->quality, ASDU_SB);
    ck_assert_int_eq(value->time, when);
    rig_destroy(rig);
}
END_TEST

START_TEST(what_cannot_be_used_is_noted_and_the_rest_goes_on)
{
    static const struct {
        uint8_t asdu[16];
        size_t size;
        const char *text;
    } cases[] = {
        {{1, 1, 3, 0, 1, 0, 1, 0, 0, 1, 9}, 11, "an ASDU of type 1 and station 1 is not as long as its type and count ask for"},
        {{120, 1, 13, 0, 1, 0, 1, 0, 0}, 9, "an ASDU of type 120 and station 1 is of a type that is not known"},
        {{1, 1, 0x83, 0, 1, 0, 1, 0, 0, 1}, 10, "values of station 1 marked as a test, cause spontaneous are not used"},
        {{1, 1, 6, 0, 1, 0, 1, 0, 0, 1}, 10, "values of station 1 with cause activation are not used"},
        {{70, 1, 4, 0, 9, 0, 0, 0, 0, 0}, 10, "M_EI_NA_1 of station 9, which nothing is bound to"},
    };
    Rig *rig = plain();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        outstation_say(rig->outstation, cases[i].asdu, cases[i].size);
        outstation_set(rig->outstation, 1, 1, i % 2, 0, rig_time(rig).utc);
        rig_carry(rig);
        ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), i + 1);
        ck_assert_str_eq(rig_event(rig, MASTER_REFUSED, i)->text, cases[i].text);
    }
    rig_destroy(rig);
}
END_TEST

// Commands

START_TEST(a_command_is_selected_executed_and_terminated)
{
    Rig *rig = plain();
    command(rig, set_point(1, 0.375));
    rig_carry(rig);
    expect_outcome(rig, true, "terminated");
    const OutstationCounts counts = outstation_counts(rig->outstation);
    ck_assert_uint_eq(counts.selects, 1);
    ck_assert_uint_eq(counts.executes, 1);
    OutstationDone done;
    ck_assert_uint_eq(outstation_done(rig->outstation, &done, 1), 1);
    ck_assert(done.was_selected && done.value == 0.375 && done.ioa == SETPOINT && done.type == 50);
    ck_assert_double_eq(rig_event(rig, MASTER_VALUE, 0)->number, 0.375);  // shown as a point
    rig_destroy(rig);
}
END_TEST

START_TEST(a_direct_command_needs_no_selection)
{
    Rig *rig = plain();
    command(rig, close_switch(1));
    rig_carry(rig);
    expect_outcome(rig, true, "terminated");
    ck_assert_uint_eq(outstation_counts(rig->outstation).selects, 0);
    ck_assert_uint_eq(executed(rig), 1);
    rig_destroy(rig);
}
END_TEST

START_TEST(without_termination_the_confirmation_is_the_end)
{
    Rig *rig = plain();
    outstation_faults(rig->outstation)->never_terminates = true;
    MasterCommand what = close_switch(1);
    what.terminates = false;
    command(rig, what);
    rig_carry(rig);
    expect_outcome(rig, true, "confirmed");
    rig_destroy(rig);
}
END_TEST

START_TEST(each_way_to_fail_is_one_outcome_and_nothing_is_sent_again)
{
    static const struct {
        OutstationFaults faults;
        double number;
        bool select;
        const char *text;
        size_t executed;
    } cases[] = {
        {{.refuses_selects = true}, 1, true, "the station refused the selection", 0},
        {{.refuses_executes = true}, 1, true, "the station refused the execution", 0},
        {{.terminates_negatively = true}, 1, true, "the station broke the command off", 1},
        {{.ignores_selects = true}, 1, true, "the selection was not confirmed within 10 s", 0},
        {{.ignores_executes = true}, 1, true, "no confirmation within 10 s: it may have been carried out", 1},
        {{.never_terminates = true}, 1, true, "no termination within 10 s: it may have been carried out", 1},
        {{.confirms_another_value = true}, 1, true, "the station confirmed something else than was sent", 1},
        {{.unknown = 44}, 1, true, "the station refused the selection: unknown type", 0},
        {{.unknown = 45}, 1, true, "the station refused the selection: unknown cause of transmission", 0},
        {{.unknown = 46}, 1, true, "the station refused the selection: unknown common address", 0},
        {{.unknown = 47}, 1, false, "the station refused the execution: unknown information object address", 0},
        {{0}, 1, false, "the station refused the execution", 0},  // it must be selected before
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Rig *rig = plain();
        *outstation_faults(rig->outstation) = cases[i].faults;
        MasterCommand what = set_point(1, cases[i].number);
        what.select = cases[i].select;
        command(rig, what);
        rig_pass(rig, 30);
        expect_outcome(rig, false, cases[i].text);
        ck_assert_uint_eq(executed(rig), cases[i].executed);
        ck_assert_uint_le(outstation_counts(rig->outstation).selects + outstation_counts(rig->outstation).executes, 2);
        ck_assert_str_eq(rig_broken(rig), "");
        rig_destroy(rig);
    }
}
END_TEST

START_TEST(a_selection_that_is_not_confirmed_is_cancelled)
{
    Rig *rig = plain();
    outstation_faults(rig->outstation)->ignores_selects = true;
    command(rig, set_point(1, 1));
    rig_pass(rig, 11);
    ck_assert_uint_eq(outstation_counts(rig->outstation).cancels, 1);
    rig_destroy(rig);
}
END_TEST

START_TEST(what_is_confirmed_too_late_is_not_executed)
{
    Rig *rig = plain();
    MasterCommand what = set_point(1, 1);
    what.limit = rig->now + 2 * NS_PER_S;
    rig->is_cut = true;  // the confirmation of the selection lies on the line
    command(rig, what);
    rig_carry(rig);
    rig->now += 3 * NS_PER_S;

    // what was cut is lost; say it again, as the outstation did
    rig->is_cut = false;
    const uint8_t number = rig->master.transfer.receive_next, next = rig->master.transfer.send_next;
    const uint8_t frame[] = {0x68, 18, number * 2, 0, next * 2, 0, 50, 1, 7, 0, 1, 0, SETPOINT, 0, 0, 0, 0, 0x80, 0x3f, 0x80};
    rig_give(rig, frame, sizeof frame);
    expect_outcome(rig, false, "its time was over before it could be executed");
    ck_assert_uint_eq(executed(rig), 0);
    rig_destroy(rig);
}
END_TEST

START_TEST(commands_to_one_object_wait_for_each_other_and_others_do_not)
{
    Rig *rig = plain();
    outstation_faults(rig->outstation)->never_terminates = true;
    command(rig, set_point(1, 0.25));
    command(rig, set_point(2, 0.5));
    command(rig, close_switch(3));
    rig_pass(rig, 5);
    ck_assert_uint_eq(executed(rig), 2);
    outstation_faults(rig->outstation)->never_terminates = false;
    rig_pass(rig, 6);
    OutstationDone done[3];
    ck_assert_uint_eq(outstation_done(rig->outstation, done, 3), 3);
    ck_assert_uint_eq(done[0].ioa, SWITCH);  // the others were selected first
    ck_assert_double_eq(done[1].value, 0.25);
    ck_assert_double_eq(done[2].value, 0.5);
    ck_assert_uint_eq(rig_count(rig, MASTER_OUTCOME), 3);
    rig_destroy(rig);
}
END_TEST

START_TEST(a_command_that_is_open_when_the_connection_goes_is_not_sent_again)
{
    static const struct {
        OutstationFaults faults;
        const char *text;
        size_t executed;
    } cases[] = {
        {{.ignores_selects = true}, "the connection was lost before it was executed", 0},
        {{.ignores_executes = true}, "the connection was lost before its end was told: it may have been carried out", 1},
        {{.never_terminates = true}, "the connection was lost before its end was told: it may have been carried out", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Rig *rig = plain();
        *outstation_faults(rig->outstation) = cases[i].faults;
        command(rig, set_point(1, 1));
        rig_pass(rig, 1);
        rig_cut(rig);
        expect_outcome(rig, false, cases[i].text);

        *outstation_faults(rig->outstation) = (OutstationFaults){0};
        rig_connect(rig);
        rig_pass(rig, 60);
        ck_assert_uint_eq(rig_count(rig, MASTER_STARTED), 1);  // again: the events of the first start were cleared
        ck_assert_uint_eq(rig_count(rig, MASTER_OUTCOME), 1);
        ck_assert_uint_eq(executed(rig), cases[i].executed);
        ck_assert_uint_eq(outstation_counts(rig->outstation).interrogations, 2);
        rig_destroy(rig);
    }
}
END_TEST

START_TEST(as_many_commands_are_taken_as_have_room_and_all_end_when_the_connection_breaks)
{
    static const struct {
        uint16_t k;
        uint64_t room;
    } cases[] = {{12, 12}, {1000, MASTER_COMMANDS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        MasterDef def = rig_def();
        def.transfer.k = cases[i].k;
        Rig *rig = plant(&def);
        rig->count = 0;
        outstation_faults(rig->outstation)->never_acknowledges = true;
        uint64_t id = 0;
        while (master_has_room(&rig->master)) {
            MasterCommand what = close_switch(++id);
            what.address = (uint32_t)(SWITCH + id % 20);  // some wait for each other
            command(rig, what);
        }
        ck_assert_uint_eq(id, cases[i].room);
        rig_cut(rig);
        ck_assert_uint_eq(rig_count(rig, MASTER_OUTCOME), id);
        for (size_t k = 0; k < id; k++)
            ck_assert(!rig_event(rig, MASTER_OUTCOME, k)->done);
        rig_destroy(rig);
    }
}
END_TEST

START_TEST(every_type_of_command_goes_through)
{
    static const struct {
        AsduType type;
        double number;
    } cases[] = {{ASDU_C_SC_NA, 1},      {ASDU_C_DC_NA, 1},    {ASDU_C_DC_NA, 0},  {ASDU_C_RC_NA, -1}, {ASDU_C_RC_NA, 1}, {ASDU_C_SE_NA, -0.5},
                 {ASDU_C_SE_NB, -300},   {ASDU_C_SE_NC, 2.5},  {ASDU_C_BO_NA, 99}, {ASDU_C_SC_TA, 0},  {ASDU_C_DC_TA, 1}, {ASDU_C_RC_TA, 1},
                 {ASDU_C_SE_TA, 0.25},   {ASDU_C_SE_TB, 300},  {ASDU_C_SE_TC, -1}, {ASDU_C_BO_TA, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Rig *rig = plain();
        const bool select = cases[i].type != ASDU_C_BO_NA && cases[i].type != ASDU_C_BO_TA;
        outstation_add_command(rig->outstation, 1, 300, (uint8_t)cases[i].type, select, 0);
        MasterCommand what = {.id = 1, .type = cases[i].type, .station = 1, .address = 300, .terminates = true, .limit = INT64_MAX};
        what.number = cases[i].number;
        what.select = select;
        command(rig, what);
        rig_carry(rig);
        expect_outcome(rig, true, "terminated");
        OutstationDone done;
        ck_assert_uint_eq(outstation_done(rig->outstation, &done, 1), 1);
        ck_assert_double_eq(done.value, cases[i].number);
        ck_assert_int_eq(done.was_selected, select);
        rig_destroy(rig);
    }
}
END_TEST

KIT_MAIN("connectors.iec104_master", the_start_interrogates_and_every_point_comes, routines_run_in_their_periods,
         the_interrogation_of_counters_brings_counters, an_interrogation_may_take_its_time_while_values_come,
         a_station_that_was_initialised_is_interrogated_again, every_station_behind_a_connection_is_interrogated,
         an_interrogation_without_an_answer_is_noted_and_tried_again, a_negative_answer_to_an_interrogation_is_noted_and_it_is_tried_again,
         a_test_command_without_an_answer_ends_the_connection, a_change_comes_with_its_time_and_quality, what_cannot_be_used_is_noted_and_the_rest_goes_on,
         a_command_is_selected_executed_and_terminated, a_direct_command_needs_no_selection, without_termination_the_confirmation_is_the_end,
         each_way_to_fail_is_one_outcome_and_nothing_is_sent_again, a_selection_that_is_not_confirmed_is_cancelled,
         what_is_confirmed_too_late_is_not_executed, commands_to_one_object_wait_for_each_other_and_others_do_not,
         a_command_that_is_open_when_the_connection_goes_is_not_sent_again, as_many_commands_are_taken_as_have_room_and_all_end_when_the_connection_breaks,
         every_type_of_command_goes_through)
