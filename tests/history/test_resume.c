#include <stdlib.h>

#include "history/rig.h"

static void resume(Rig *rig, HistoryResume *out)
{
    ErrText why = {""};
    ck_assert_msg(history_resume(rig->history, out, &why) == ERR_OK, "%s", why.text);
}

/* A snapshot whose one part and hash tell its tick. */
static void append_snapshot(Rig *rig, int64_t tick)
{
    char text[32];
    snprintf(text, sizeof text, "tick %" PRId64, tick);
    history_append_snapshot(rig->history, tick, (tick + 1) * rig->plant.step_ns, 1000 + (uint64_t)tick, &(SnapshotPart){text, strlen(text)}, 1);
}

static void expect_snapshot(Rig *rig, int64_t tick, size_t samples_behind)
{
    HistoryResume found;
    resume(rig, &found);
    ck_assert_int_eq(found.tick, tick);
    ck_assert_uint_eq(found.sample_count, samples_behind);
    if (tick >= 0) {
        char text[32];
        snprintf(text, sizeof text, "tick %" PRId64, tick);
        ck_assert_int_eq(found.time, (tick + 1) * rig->plant.step_ns);
        ck_assert_uint_eq(found.hash, 1000 + (uint64_t)tick);
        ck_assert_uint_eq(found.part_count, 1);
        ck_assert_uint_eq(found.part_sizes[0], strlen(text));
        ck_assert_mem_eq(found.parts[0], text, strlen(text));
    }
    history_resume_fini(&found);
}

START_TEST(a_new_file_resumes_from_nothing)
{
    Rig rig;
    rig_open(&rig);
    HistoryResume found;
    resume(&rig, &found);
    ck_assert_int_eq(found.tick, -1);
    ck_assert_int_eq(found.last_sample_time, TIME_NONE);
    ck_assert_uint_eq(found.part_count + found.sample_count + found.command_count, 0);
    ck_assert_uint_eq(found.last_seq + found.last_alarm + found.last_command, 0);
    history_resume_fini(&found);
    rig_close(&rig);
}
END_TEST

START_TEST(samples_behind_the_snapshot_come_in_order_of_tick_then_seq)
{
    Rig rig;
    rig_open(&rig);
    static const int64_t ticks[] = {3, 7, 5, 4, -1, 7, 5, 6};
    for (uint64_t i = 0; i < 8; i++)
        rig_append(&rig, i + 1, ticks[i]);
    append_snapshot(&rig, 4);
    rig_stop(&rig);

    rig_start(&rig);
    HistoryResume found;
    resume(&rig, &found);
    static const uint64_t expected[] = {3, 7, 8, 2, 6};  // ticks 5, 5, 6, 7, 7
    ck_assert_uint_eq(found.sample_count, 5);
    for (size_t i = 0; i < 5; i++) {
        const Filed filed = rig_filed(expected[i], ticks[expected[i] - 1]);
        ck_assert_uint_eq(found.samples[i].seq, filed.seq);
        ck_assert_int_eq(found.samples[i].tick, filed.tick);
        ck_assert_int_eq(found.samples[i].sample.time, filed.sample.time);
        ck_assert_uint_eq(found.samples[i].sample.tag, filed.sample.tag);
        ck_assert_double_eq(found.samples[i].sample.value, filed.sample.value);
    }
    ck_assert_uint_eq(found.last_seq, 8);
    ck_assert_int_eq(found.last_sample_time, rig_filed(0, 7).sample.time);
    history_resume_fini(&found);
    rig_close(&rig);
}
END_TEST

START_TEST(a_sample_comes_back_as_it_was_filed)
{
    Rig rig;
    rig_open(&rig);
    const Filed filed = {.sample = {.time = 1611326936960770123, .value = 0.1 + 0.2, .tag = rig_tag(1, INFLOW), .quality = QUALITY_UNCERTAIN},
                         .tick = 16113269369, .seq = 42, .fate = FATE_USED};
    history_append_sample(rig.history, &filed);
    rig_flush(&rig);
    HistoryResume found;
    resume(&rig, &found);
    ck_assert_uint_eq(found.sample_count, 1);
    ck_assert_mem_eq(&found.samples[0].sample.value, &filed.sample.value, sizeof(double));
    ck_assert_int_eq(found.samples[0].sample.time, filed.sample.time);
    ck_assert_uint_eq(found.samples[0].sample.tag, filed.sample.tag);
    ck_assert_uint_eq(found.samples[0].sample.quality, QUALITY_UNCERTAIN);
    ck_assert_int_eq(found.samples[0].tick, filed.tick);
    ck_assert_uint_eq(found.samples[0].seq, 42);
    ck_assert_uint_eq(found.samples[0].fate, FATE_USED);
    history_resume_fini(&found);
    rig_close(&rig);
}
END_TEST

/* Larger than one piece, empty, and small: each as it was. */
START_TEST(the_parts_of_a_snapshot_come_back_whole)
{
    Rig rig;
    rig_open(&rig);
    const size_t size = 40 * 1000 * 1000;
    unsigned char *bytes = malloc(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    const SnapshotPart parts[] = {{bytes, size}, {NULL, 0}, {"small", 6}};
    history_append_snapshot(rig.history, 5, 600, UINT64_MAX, parts, 3);
    rig_stop(&rig);

    rig_start(&rig);
    HistoryResume found;
    resume(&rig, &found);
    ck_assert_int_eq(found.tick, 5);
    ck_assert_int_eq(found.time, 600);
    ck_assert_uint_eq(found.hash, UINT64_MAX);
    ck_assert_uint_eq(found.part_count, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(found.part_sizes[i], parts[i].size);
    ck_assert(memcmp(found.parts[0], bytes, size) == 0);
    ck_assert_str_eq(found.parts[2], "small");
    history_resume_fini(&found);
    free(bytes);
    rig_close(&rig);
}
END_TEST

/* Each damage is one that a check of its own must find. */
START_TEST(a_damaged_snapshot_gives_way_to_the_one_before)
{
    static const char *const damages[] = {
        "UPDATE piece SET bytes = CAST(x'00' || substr(bytes, 2) AS BLOB) WHERE tick = 9",  // other bytes
        "UPDATE piece SET bytes = substr(bytes, 1, 3) WHERE tick = 9",        // fewer
        "UPDATE piece SET bytes = CAST(bytes || x'00' AS BLOB) WHERE tick = 9",             // more
        "UPDATE piece SET start = 1 WHERE tick = 9",                          // not from the start
        "INSERT INTO piece VALUES (9, 0, 3, x'00')",                          // twice the same place
        "DELETE FROM piece WHERE tick = 9",
        "UPDATE snapshot SET parts = 2 WHERE tick = 9",
        "UPDATE snapshot SET parts = 1000000 WHERE tick = 9",
        "UPDATE snapshot SET sum = sum + 1 WHERE tick = 9",
    };
    Rig rig;
    rig_open(&rig);
    for (uint64_t seq = 1; seq <= 12; seq++)
        rig_append(&rig, seq, (int64_t)seq);
    append_snapshot(&rig, 5);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        append_snapshot(&rig, 9);
        rig_flush(&rig);
        expect_snapshot(&rig, 9, 3);
        rig_sql(&rig, damages[i]);
        expect_snapshot(&rig, 5, 7);
    }

    // without any that is whole, everything is replayed
    rig_sql(&rig, "DELETE FROM piece");
    expect_snapshot(&rig, -1, 12);
    rig_close(&rig);
}
END_TEST

START_TEST(samples_of_tags_that_are_gone_are_left_out)
{
    Rig rig;
    rig_open(&rig);
    rig_append(&rig, 1, 1);
    Filed filed = rig_filed(2, 2);
    filed.sample.tag = rig_tag(1, DEPTH);
    history_append_sample(rig.history, &filed);
    rig_close(&rig);

    rig_make(&rig, "b", "c");
    rig_start(&rig);
    HistoryResume found;
    resume(&rig, &found);
    ck_assert_uint_eq(found.sample_count, 1);
    ck_assert_uint_eq(found.samples[0].sample.tag, rig_tag(0, DEPTH));
    ck_assert_uint_eq(found.last_seq, 2);
    history_resume_fini(&found);
    rig_close(&rig);
}
END_TEST

static void append_command(Rig *rig, uint64_t id, uint32_t twin, CommandState state)
{
    const Command command = {
        .id = id,
        .wish = {.tag = rig_tag(twin, VALVE), .value = (double)id / 8, .by = "person:anna", .reason = "by hand"},
        .state = state, .time = 100, .deadline = 200, .ended = state > COMMAND_SENT ? 150 : TIME_NONE, .detail = "as it was",
    };
    history_append_command(rig->history, &command, twin ? "b.valve" : "a.valve");
}

START_TEST(commands_that_are_open_or_count_come_back)
{
    static const CommandState states[] = {COMMAND_DONE,    COMMAND_DONE,   COMMAND_FAILED, COMMAND_REFUSED,  // of a
                                          COMMAND_WAITING, COMMAND_EXPIRED, COMMAND_SENT,   COMMAND_DONE};    // of b
    static const uint64_t expected[] = {2, 3, 5, 7, 8};
    Rig rig;
    rig_open(&rig);
    for (uint64_t i = 0; i < 8; i++)
        append_command(&rig, i + 1, i / 4, states[i]);
    rig_flush(&rig);

    HistoryResume found;
    resume(&rig, &found);
    ck_assert_uint_eq(found.command_count, 5);
    for (size_t i = 0; i < 5; i++) {
        const Command *command = &found.commands[i];
        ck_assert_uint_eq(command->id, expected[i]);
        ck_assert_int_eq(command->state, states[expected[i] - 1]);
        ck_assert_uint_eq(command->wish.tag, rig_tag((uint32_t)(expected[i] - 1) / 4, VALVE));
        ck_assert_double_eq(command->wish.value, (double)expected[i] / 8);
        ck_assert_str_eq(command->wish.by, "person:anna");
        ck_assert_str_eq(command->wish.reason, "by hand");
        ck_assert_str_eq(command->detail, "as it was");
        ck_assert_int_eq(command->time, 100);
        ck_assert_int_eq(command->deadline, 200);
        ck_assert_int_eq(command->ended, command->state > COMMAND_SENT ? 150 : TIME_NONE);
    }
    ck_assert_uint_eq(found.last_command, 8);
    history_resume_fini(&found);
    rig_close(&rig);
}
END_TEST

/* A dry run told the device nothing: what came before it still counts. */
START_TEST(what_was_withheld_does_not_hide_what_was_done)
{
    Rig rig;
    rig_open(&rig);
    append_command(&rig, 1, 0, COMMAND_DONE);
    append_command(&rig, 2, 0, COMMAND_FAILED);
    append_command(&rig, 3, 0, COMMAND_WITHHELD);
    rig_stop(&rig);
    HistoryResume found;
    rig_start(&rig);
    resume(&rig, &found);
    ck_assert_uint_eq(found.command_count, 3);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_uint_eq(found.commands[i].id, i + 1);
    history_resume_fini(&found);
    rig_close(&rig);
}
END_TEST

static void append_gate_act(Rig *rig, uint64_t number, int64_t tick, TagId tag, const char *name)
{
    const GateAct act = {.number = number, .kind = tag == TAG_NONE ? GATE_ACT_HOLD : GATE_ACT_MODE, .tag = tag, .mode = ACTUATOR_BLOCKED, .may_block = true, .by = "anna", .reason = "repair"};
    history_append_gate_act(rig->history, &(HistoryGateAct){tick, (tick + 1) * 100, act}, name);
}

START_TEST(what_people_did_about_actuators_comes_back_from_the_snapshot_on)
{
    Rig rig;
    rig_open(&rig);
    append_gate_act(&rig, 1, 3, rig_tag(0, VALVE), "a.valve");
    append_gate_act(&rig, 2, 4, rig_tag(1, VALVE), "b.valve");
    append_gate_act(&rig, 3, 5, 7, "gone.valve");
    append_gate_act(&rig, 4, 5, TAG_NONE, "");
    append_snapshot(&rig, 4);
    rig_stop(&rig);
    HistoryResume found;
    rig_start(&rig);
    resume(&rig, &found);
    ck_assert_uint_eq(found.gate_act_count, 2);
    ck_assert_uint_eq(found.last_gate_act, 4);
    ck_assert_uint_eq(found.gate_acts[0].act.number, 2);
    ck_assert_uint_eq(found.gate_acts[0].act.tag, rig_tag(1, VALVE));
    ck_assert_int_eq(found.gate_acts[0].act.kind, GATE_ACT_MODE);
    ck_assert_int_eq(found.gate_acts[0].act.mode, ACTUATOR_BLOCKED);
    ck_assert(found.gate_acts[0].act.may_block);
    ck_assert_str_eq(found.gate_acts[0].act.by, "anna");
    ck_assert_str_eq(found.gate_acts[0].act.reason, "repair");
    ck_assert_int_eq(found.gate_acts[0].time, 500);
    ck_assert_int_eq(found.gate_acts[1].act.kind, GATE_ACT_HOLD);
    ck_assert_uint_eq(found.gate_acts[1].act.tag, TAG_NONE);
    history_resume_fini(&found);
    rig_close(&rig);
}
END_TEST

START_TEST(the_highest_numbers_are_those_ever_given)
{
    Rig rig;
    rig_open(&rig);
    append_command(&rig, 17, 0, COMMAND_REFUSED);
    history_append_alarm(rig.history, &(Alarm){.id = 23, .revision = 1, .state = ALARM_OVER, .name = "x"}, "a");
    rig_append(&rig, 99, -1);
    rig_stop(&rig);
    rig_start(&rig);
    HistoryResume found;
    resume(&rig, &found);
    ck_assert_uint_eq(found.last_seq, 99);
    ck_assert_uint_eq(found.last_alarm, 23);
    ck_assert_uint_eq(found.last_command, 17);
    history_resume_fini(&found);
    rig_close(&rig);
}
END_TEST

START_TEST(a_failed_allocation_leaves_nothing_behind)
{
    Rig rig;
    rig_open(&rig);
    rig_append(&rig, 1, 9);
    append_snapshot(&rig, 4);
    append_command(&rig, 1, 0, COMMAND_SENT);
    rig_flush(&rig);
    HistoryResume found;
    size_t n = 0;
    for (Err err = ERR_MEMORY; err != ERR_OK; n++) {
        kit_fail_allocation(n + 1);
        err = history_resume(rig.history, &found, NULL);
        ck_assert(err == ERR_OK || (err == ERR_MEMORY && found.tick == -1 && !found.samples));
    }
    kit_fail_allocation(0);
    ck_assert_uint_ge(n, 2);
    ck_assert_int_eq(found.tick, 4);
    history_resume_fini(&found);
    rig_close(&rig);
}
END_TEST

KIT_MAIN("history.resume", a_new_file_resumes_from_nothing, samples_behind_the_snapshot_come_in_order_of_tick_then_seq,
         a_sample_comes_back_as_it_was_filed, the_parts_of_a_snapshot_come_back_whole, a_damaged_snapshot_gives_way_to_the_one_before, samples_of_tags_that_are_gone_are_left_out,
         commands_that_are_open_or_count_come_back, what_was_withheld_does_not_hide_what_was_done, what_people_did_about_actuators_comes_back_from_the_snapshot_on,
         the_highest_numbers_are_those_ever_given, a_failed_allocation_leaves_nothing_behind)
