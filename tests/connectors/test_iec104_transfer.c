/* Windows, timers and numbers of IEC 60870-5-104, against an outstation and a clock that is turned by hand. */
#include "connectors/iec104/hex.h"
#include "connectors/iec104/rig.h"

static const uint8_t step_position[] = {5, 1, 3, 0, 1, 0, 1, 0, 0, 7, 0};  // M_ST_NA_1 of station 1, address 1

/* What the controlling station has sent since, as text. */
static void expect_sent(Rig *rig, const char *expected)
{
    Transfer *const transfer = &rig->master.transfer;
    ck_assert_hex_eq(transfer->out, transfer->out_size, expected);
    transfer_wrote(transfer, transfer->out_size);
}

static void give(Rig *rig, const char *text)
{
    const Hex bytes = hex(text);
    rig_give(rig, bytes.bytes, bytes.size);
    master_look(&rig->master, rig_time(rig));
    rig_events(rig);
}

/* On its own, without an outstation: the other side is what the test writes. */
static Rig *alone(const MasterDef *def)
{
    Rig *rig = rig_create(def);
    master_open(&rig->master, rig_time(rig));
    return rig;
}

/* A rig whose transfer is started and whose interrogation is over. */
static Rig *started(void)
{
    const MasterDef def = rig_def();
    Rig *rig = rig_create(&def);
    outstation_add_point(rig->outstation, 1, 1, 5);
    rig_connect(rig);
    rig_pass(rig, 11);  // every acknowledgement is told
    rig->count = 0;
    return rig;
}

START_TEST(a_published_conversation_goes_word_for_word)
{
    // "IEC104协议规约解析", cnblogs.com/lzc978/p/14749748.html; its station acknowledges every frame, so w = 1
    MasterDef def = rig_def();
    def.transfer.w = 1;
    Rig *rig = alone(&def);
    expect_sent(rig, "68 04 07 00 00 00");
    give(rig, "68 04 0B 00 00 00");
    ck_assert_uint_eq(rig_count(rig, MASTER_STARTED), 1);
    expect_sent(rig, "68 0E 00 00 00 00 64 01 06 00 01 00 00 00 00 14");
    give(rig, "68 04 01 00 02 00");
    give(rig, "68 0E 00 00 02 00 64 01 07 00 01 00 00 00 00 14");
    expect_sent(rig, "68 04 01 00 02 00");
    give(rig, "68 1A 02 00 02 00 01 04 14 00 01 00 03 00 00 00 05 00 00 00 08 00 00 01 09 00 00 00");
    expect_sent(rig, "68 04 01 00 04 00");
    give(rig, "68 1E 04 00 02 00 03 05 14 00 01 00 01 00 00 02 06 00 00 02 0A 00 00 01 0B 00 00 02 0C 00 00 01");
    expect_sent(rig, "68 04 01 00 06 00");
    give(rig, "68 13 06 00 02 00 09 82 14 00 01 00 01 07 00 A1 10 00 89 15 00");
    expect_sent(rig, "68 04 01 00 08 00");

    ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 4 + 5 + 2);
    ck_assert_uint_eq(rig_event(rig, MASTER_VALUE, 2)->address, 8);
    ck_assert_double_eq(rig_event(rig, MASTER_VALUE, 2)->number, 1);
    ck_assert_uint_eq(rig_event(rig, MASTER_VALUE, 10)->address, 0x702);
    ck_assert_double_eq(rig_event(rig, MASTER_VALUE, 10)->number, 5513 / 32768.0);
    rig_destroy(rig);
}
END_TEST

static void order(Rig *rig, AsduType type, uint32_t address, double number, bool select)
{
    const MasterCommand command = {
        .id = address, .type = type, .station = 47, .address = address, .number = number, .select = select, .terminates = select, .limit = INT64_MAX};
    ck_assert(master_has_room(&rig->master));
    master_command(&rig->master, &command, rig_time(rig));
}

static void turn_to(Rig *rig, const char *utc)
{
    int64_t time;
    ck_assert(time_parse(utc, strlen(utc), &time));
    rig->now = time - RIG_UTC * NS_PER_S;
    master_look(&rig->master, rig_time(rig));
}

/* The value of an information object, as the recording says it. */
static double value_at(const Rig *rig, uint32_t address)
{
    for (size_t i = 0; i < rig->count; i++)
        if (rig->events[i].kind == MASTER_VALUE && rig->events[i].address == address)
            return rig->events[i].number;
    ck_abort_msg("address %u did not come", address);
    return 0;
}

START_TEST(a_recorded_conversation_goes_word_for_word)
{
    // github.com/zaxified/zig-libs, modules/iec104/src/goldens.zig: recorded between c104 2.2.1 (lib60870-C) on both sides. Here one of them is ours; the only
    // difference are the days of the week in times, which lib60870 leaves out (17) and we write (97)
    static const uint16_t stations[] = {47};
    MasterDef def = rig_def();
    def.stations = stations;
    def.periods_ns[MASTER_SYNCHRONISE] = def.periods_ns[MASTER_COUNTERS] = def.periods_ns[MASTER_TEST] = 3600 * NS_PER_S;
    Rig *rig = rig_create(&def);
    turn_to(rig, "2026-07-23T03:18:40.139Z");
    master_open(&rig->master, rig_time(rig));
    expect_sent(rig, "680407000000");
    give(rig, "68040b000000");

    // the clock, the interrogation, the counters
    expect_sent(rig, "681400000000670106002f00000000cb9c120397071a");
    give(rig, "681400000200670107002f00000000cb9c120317071a");
    expect_sent(rig, "680e02000200640106002f0000000014");
    give(rig, "680e02000400640107002f0000000014");
    give(rig, "680e04000400018114002f0065000001 680e06000400038114002f0066000002 680f08000400058114002f006700000500 68120a000400078114002f006800000000000000");
    give(rig, "68100c000400098114002f00690000004000 68100e0004000b8114002f006a00002efb00 6812100004000d8114002f006b0000d00f494000");
    give(rig, "6815120004001e8114002f00c9000001f794120317071a 6815140004001f8114002f00ca000001f794120317071a");
    give(rig, "681716000400228114002f00cb000000e000f794120317071a 681718000400238114002f00cc0000e11000f794120317071a");
    expect_sent(rig, "680401001200");
    give(rig, "68191a000400248114002f00cd0000000020c000f794120317071a");
    give(rig, "680e1c00040064010a002f0000000014");
    expect_sent(rig, "680e04001e00650106002f0000000005");
    give(rig, "680e1e000600650107002f0000000005");
    give(rig, "6812200006000f8125002f006c00000000000000 681922000600258125002f00ce00000000000000f794120317071a");
    give(rig, "680e2400060065010a002f0000000005");
    expect_sent(rig, "");

    // a test
    rig->master.runs[0][MASTER_TEST].due = 0;
    turn_to(rig, "2026-07-23T03:18:42.641Z");
    expect_sent(rig, "6816060026006b0106002f00000000000091a6120397071a");
    give(rig, "6816260008006b0107002f00000000000091a6120317071a");

    // commands: selected ones are terminated there, the others are not
    order(rig, ASDU_C_SC_NA, 301, 1, true);
    expect_sent(rig, "680e080028002d0106002f002d010081");
    give(rig, "680e28000a002d0107002f002d010081");
    expect_sent(rig, "680e0a002a002d0106002f002d010001");
    give(rig, "680e2a000c002d0107002f002d010001 680e2c000c002d010a002f002d010081");
    order(rig, ASDU_C_DC_NA, 302, 1, false);
    expect_sent(rig, "680e0c002e002e0106002f002e010002");
    give(rig, "680e2e000e002e0107002f002e010002");
    order(rig, ASDU_C_RC_NA, 303, 1, false);
    expect_sent(rig, "680e0e0030002f0106002f002f010002");
    give(rig, "680e300010002f0107002f002f010002");
    order(rig, ASDU_C_SE_NA, 304, 0.25, true);
    expect_sent(rig, "681010003200300106002f00300100002080");
    give(rig, "681032001200300107002f00300100002080");
    expect_sent(rig, "681012003400300106002f00300100002000");
    give(rig, "681034001400300107002f00300100002000 68103600140030010a002f00300100002080");
    order(rig, ASDU_C_SE_NB, 305, 777, false);
    expect_sent(rig, "681014003800310106002f00310100090300");
    give(rig, "681038001600310107002f00310100090300");
    order(rig, ASDU_C_SE_NC, 306, 1.5, false);
    expect_sent(rig, "681216003a00320106002f003201000000c03f00");
    give(rig, "68123a001800320107002f003201000000c03f00");
    turn_to(rig, "2026-07-23T03:18:45.626Z");
    order(rig, ASDU_C_SC_TA, 311, 1, false);
    expect_sent(rig, "681518003c003a0106002f00370100013ab2120397071a");
    give(rig, "68153c001a003a0107002f00370100013ab2120317071a");
    turn_to(rig, "2026-07-23T03:18:46.026Z");
    order(rig, ASDU_C_SE_TC, 316, 9.75, false);
    expect_sent(rig, "68191a003e003f0106002f003c010000001c4100cab3120397071a");
    give(rig, "68193e001c003f0107002f003c010000001c4100cab3120317071a");

    ck_assert_uint_eq(rig_count(rig, MASTER_REFUSED), 0);
    ck_assert_uint_eq(rig_count(rig, MASTER_OUTCOME), 8);
    for (size_t i = 0; i < 8; i++)
        ck_assert(rig_event(rig, MASTER_OUTCOME, i)->done);
    ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 14);
    ck_assert_double_eq(value_at(rig, 103), 5);
    ck_assert_double_eq(value_at(rig, 105), 0.5);
    ck_assert_double_eq(value_at(rig, 106), -1234);
    ck_assert_double_eq_tol(value_at(rig, 107), 3.14159, 1e-6);
    ck_assert_double_eq(value_at(rig, 203), -0.25);
    ck_assert_double_eq(value_at(rig, 204), 4321);
    ck_assert_double_eq(value_at(rig, 205), -2.5);
    rig_destroy(rig);
}
END_TEST

START_TEST(what_a_recorded_station_does_not_know_is_refused_once)
{
    // the same recording: station 99, object 999. It answers twice
    static const uint16_t stations[] = {99};
    MasterDef def = rig_def();
    def.stations = stations;
    Rig *rig = alone(&def);
    give(rig, "68040b000000");
    give(rig, "680e0000020064014700630000000014 680e0200020064012e00630000000014");
    ck_assert_uint_eq(rig_count(rig, MASTER_REFUSED), 1);
    ck_assert_str_eq(rig_event(rig, MASTER_REFUSED, 0)->text, "station 99 answers C_IC_NA_1 with \"activation confirmation\" (negative)");
    order(rig, ASDU_C_SC_NA, 999, 1, false);
    give(rig, "680e040004002d0147002f00e7030001 680e060004002d012f002f00e7030001");
    ck_assert_uint_eq(rig_count(rig, MASTER_OUTCOME), 1);
    ck_assert_str_eq(rig_event(rig, MASTER_OUTCOME, 0)->text, "the station refused the execution");
    ck_assert_str_eq(rig_broken(rig), "");
    rig_destroy(rig);
}
END_TEST

START_TEST(w_frames_are_acknowledged_at_once)
{
    Rig *rig = started();
    const uint32_t before = outstation_counts(rig->outstation).supervisory;
    for (int i = 0; i < 8; i++) {
        ck_assert_uint_eq(outstation_counts(rig->outstation).supervisory, before);
        outstation_say(rig->outstation, step_position, sizeof step_position);
        rig_carry(rig);
    }
    ck_assert_uint_eq(outstation_counts(rig->outstation).supervisory, before + 1);
    ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 8);
    rig_destroy(rig);
}
END_TEST

START_TEST(fewer_than_w_frames_are_acknowledged_after_t2)
{
    Rig *rig = started();
    const uint32_t before = outstation_counts(rig->outstation).supervisory;
    outstation_say(rig->outstation, step_position, sizeof step_position);
    rig_carry(rig);
    rig_pass(rig, 5);
    outstation_say(rig->outstation, step_position, sizeof step_position);
    rig_pass(rig, 4.9);
    ck_assert_uint_eq(outstation_counts(rig->outstation).supervisory, before);
    rig_pass(rig, 0.1);  // ten seconds after the first of them
    ck_assert_uint_eq(outstation_counts(rig->outstation).supervisory, before + 1);
    rig_pass(rig, 9);
    ck_assert_uint_eq(outstation_counts(rig->outstation).supervisory, before + 1);
    rig_destroy(rig);
}
END_TEST

START_TEST(no_more_than_k_frames_wait_for_their_acknowledgement)
{
    MasterDef def = rig_def();
    def.transfer.k = def.transfer.w = 3;
    Rig *rig = alone(&def);
    give(rig, "68 04 0B 00 00 00");
    int sent = 1;  // the interrogation
    while (transfer_can_send(&rig->master.transfer)) {
        transfer_send(&rig->master.transfer, step_position, sizeof step_position, rig->now);
        sent++;
    }
    ck_assert_int_eq(sent, 3);
    give(rig, "68 04 01 00 04 00");  // two of them have arrived
    transfer_send(&rig->master.transfer, step_position, sizeof step_position, rig->now);
    transfer_send(&rig->master.transfer, step_position, sizeof step_position, rig->now);
    ck_assert(!transfer_can_send(&rig->master.transfer));
    rig_destroy(rig);
}
END_TEST

START_TEST(t1_without_an_acknowledgement_ends_the_connection)
{
    Rig *rig = started();
    outstation_faults(rig->outstation)->never_acknowledges = true;
    master_command(&rig->master, &(MasterCommand){.id = 1, .type = ASDU_C_SC_NA, .station = 1, .address = 2, .number = 1, .limit = INT64_MAX}, rig_time(rig));
    rig_pass(rig, 14.9);
    ck_assert_uint_eq(rig_count(rig, MASTER_BROKEN), 0);
    rig_pass(rig, 0.1);
    ck_assert_str_eq(rig_broken(rig), "no answer within t1 (15 s)");
    rig_pass(rig, 60);
    ck_assert_uint_eq(rig_count(rig, MASTER_BROKEN), 1);
    rig_destroy(rig);
}
END_TEST

START_TEST(t1_runs_for_the_start_and_for_tests_too)
{
    const MasterDef def = rig_def();
    Rig *rig = rig_create(&def);
    outstation_faults(rig->outstation)->never_starts = true;
    rig_connect(rig);
    rig_pass(rig, 15);
    ck_assert_str_eq(rig_broken(rig), "no answer within t1 (15 s)");
    rig_destroy(rig);

    rig = started();
    outstation_faults(rig->outstation)->never_tests = true;
    rig_pass(rig, 23.9);  // t3 and t1 since the last frame came, 11 s before
    ck_assert_str_eq(rig_broken(rig), "");
    rig_pass(rig, 0.2);
    ck_assert_str_eq(rig_broken(rig), "no answer within t1 (15 s)");
    rig_destroy(rig);
}
END_TEST

START_TEST(silence_of_t3_is_tested_and_an_answer_keeps_the_connection)
{
    MasterDef def = rig_def();
    def.transfer.t3_ns = 7 * NS_PER_S;  // shorter than that of the outstation, which would test first
    Rig *rig = rig_create(&def);
    outstation_add_point(rig->outstation, 1, 1, 5);
    rig_connect(rig);
    rig_pass(rig, 6.9);
    ck_assert_uint_eq(outstation_counts(rig->outstation).tests, 0);
    rig_pass(rig, 0.2);
    ck_assert_uint_eq(outstation_counts(rig->outstation).tests, 1);
    rig_pass(rig, 70);
    ck_assert_uint_eq(outstation_counts(rig->outstation).tests, 11);
    ck_assert_str_eq(rig_broken(rig), "");
    rig_destroy(rig);
}
END_TEST

START_TEST(a_test_of_the_other_side_is_confirmed)
{
    const MasterDef def = rig_def();
    Rig *rig = alone(&def);
    give(rig, "68 04 0B 00 00 00");
    transfer_wrote(&rig->master.transfer, rig->master.transfer.out_size);
    give(rig, "68 04 43 00 00 00");
    expect_sent(rig, "68 04 83 00 00 00");
    rig_destroy(rig);
}
END_TEST

START_TEST(numbers_wrap_behind_32767_in_both_directions)
{
    Rig *rig = started();
    Transfer *const transfer = &rig->master.transfer;
    outstation_number(rig->outstation, rig->line, 32760);
    transfer->send_next = transfer->send_acknowledged = transfer->receive_next = transfer->receive_acknowledged = 32760;
    for (int i = 0; i < 20; i++) {
        outstation_say(rig->outstation, step_position, sizeof step_position);
        const MasterCommand unknown = {.id = 1, .type = ASDU_C_SC_NA, .station = 1, .address = 2, .number = 1, .limit = INT64_MAX};
        master_command(&rig->master, &unknown, rig_time(rig));
        rig_carry(rig);
    }
    ck_assert_str_eq(rig_broken(rig), "");
    ck_assert_uint_eq(transfer->receive_next, (32760 + 40) % 32768);  // values, and that the address of the command is unknown
    ck_assert_uint_eq(transfer->send_next, (32760 + 20) % 32768);
    ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 20);
    ck_assert_uint_eq(rig_count(rig, MASTER_OUTCOME), 20);
    rig_destroy(rig);
}
END_TEST

START_TEST(more_frames_than_there_are_numbers_go_through_without_a_gap)
{
    Rig *rig = started();
    for (int i = 0; i < APCI_NUMBERS + 100; i++) {
        outstation_say(rig->outstation, step_position, sizeof step_position);
        rig_carry(rig);
        ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 1);
        rig->count = 0;
    }
    ck_assert_uint_eq(rig->master.transfer.state, TRANSFER_STARTED);
    rig_destroy(rig);
}
END_TEST

START_TEST(a_left_out_number_ends_the_connection)
{
    Rig *rig = started();
    outstation_faults(rig->outstation)->skips_number = true;
    outstation_say(rig->outstation, step_position, sizeof step_position);
    rig_pass(rig, 1);
    ck_assert_ptr_nonnull(strstr(rig_broken(rig), "was expected"));
    ck_assert_uint_eq(rig_count(rig, MASTER_VALUE), 0);
    rig_destroy(rig);
}
END_TEST

START_TEST(an_acknowledgement_of_what_was_not_sent_ends_the_connection)
{
    MasterDef def = rig_def();
    def.answer_ns = 14 * NS_PER_S;
    Rig *rig = rig_create(&def);
    outstation_faults(rig->outstation)->acknowledges_too_much = true;
    outstation_faults(rig->outstation)->ignores_interrogations = true;
    outstation_add_point(rig->outstation, 1, 1, 5);
    rig_connect(rig);
    rig_pass(rig, 10.2);  // its t2
    ck_assert_ptr_nonnull(strstr(rig_broken(rig), "was acknowledged, which was not sent"));
    rig_destroy(rig);
}
END_TEST

START_TEST(what_is_no_frame_and_what_comes_too_early_end_the_connection)
{
    static const struct {
        const char *bytes, *why;
    } cases[] = {
        {"68 04 0B 00 00 00 00", "bytes came that are no frame of IEC 60870-5-104"},
        {"47 45 54 20 2F", "bytes came that are no frame of IEC 60870-5-104"},
        {"68 0E 00 00 00 00 64 01 07 00 01 00 00 00 00 14", "information came before the start was confirmed"},
        {"68 04 07 00 00 00", "the other side is a controlling station, too"},
        {"68 04 01 00 02 00", "frame 1 was acknowledged, which was not sent (0 to 0 are open)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const MasterDef def = rig_def();
        Rig *rig = alone(&def);
        give(rig, cases[i].bytes);
        ck_assert_str_eq(rig_broken(rig), cases[i].why);
        ck_assert_uint_eq(rig->master.transfer.out_size, 0);
        rig_destroy(rig);
    }
}
END_TEST

START_TEST(bytes_that_come_one_by_one_say_the_same)
{
    const MasterDef def = rig_def();
    Rig *rigs[2];
    for (int slow = 0; slow < 2; slow++) {
        Rig *rig = rigs[slow] = rig_create(&def);
        rig->is_slow = slow;
        for (uint32_t i = 1; i <= 20; i++)
            outstation_add_point(rig->outstation, 1, i, 36);
        rig_connect(rig);
        for (uint32_t i = 1; i <= 20; i++)
            outstation_set(rig->outstation, 1, i, i / 8.0, 0, rig_time(rig).utc);
        rig_pass(rig, 30);
    }
    ck_assert_uint_eq(rigs[0]->count, rigs[1]->count);
    ck_assert_uint_eq(rig_count(rigs[0], MASTER_VALUE), 40);
    for (size_t i = 0; i < rigs[0]->count; i++)
        ck_assert_mem_eq(&rigs[0]->events[i], &rigs[1]->events[i], sizeof(RigEvent));
    rig_destroy(rigs[0]);
    rig_destroy(rigs[1]);
}
END_TEST

START_TEST(half_a_frame_is_no_sign_of_life)
{
    const MasterDef def = rig_def();
    Rig *rig = alone(&def);
    give(rig, "68 04 0B 00 00 00");
    give(rig, "68 04 01 00 02 00");
    for (int i = 0; i < 34; i++) {
        rig->now += NS_PER_S;
        give(rig, i == 0 ? "68 FD" : "00");
        ck_assert_str_eq(rig_broken(rig), "");
    }
    rig->now += NS_PER_S;
    give(rig, "00");  // t3, and t1 for the answer to the test
    ck_assert_str_eq(rig_broken(rig), "no answer within t1 (15 s)");
    rig_destroy(rig);
}
END_TEST

START_TEST(a_reader_that_does_not_read_is_given_up)
{
    const MasterDef def = rig_def();
    Rig *rig = alone(&def);
    const Hex test = hex("68 04 43 00 00 00");
    for (int i = 0; i < 10000 && !rig_count(rig, MASTER_BROKEN); i++)
        rig_give(rig, test.bytes, test.size);
    ck_assert_str_eq(rig_broken(rig), "the other side does not read what it is sent");
    rig_destroy(rig);
}
END_TEST

START_TEST(a_stop_is_asked_for_and_confirmed)
{
    Rig *rig = started();
    outstation_say(rig->outstation, step_position, sizeof step_position);
    rig_carry(rig);
    transfer_stop(&rig->master.transfer, rig->now);
    ck_assert(!transfer_can_send(&rig->master.transfer));
    rig_carry(rig);
    ck_assert_uint_eq(outstation_counts(rig->outstation).stops, 1);
    ck_assert_uint_eq(rig_count(rig, MASTER_STOPPED), 1);
    rig_destroy(rig);
}
END_TEST

START_TEST(windows_and_timers_that_cannot_work_are_refused)
{
    static const struct {
        TransferDef def;
        const char *why;
    } cases[] = {
        {{.t1_ns = 10, .t2_ns = 10, .k = 12, .w = 8}, "expected t2 to be shorter than t1: an acknowledgement would come too late"},
        {{.t1_ns = 15, .t2_ns = 10, .k = 0, .w = 8}, "expected k to be 1 to 1024"},
        {{.t1_ns = 15, .t2_ns = 10, .k = 12, .w = 0}, "expected w to be 1 to 32767"},
        {{.t1_ns = 15, .t2_ns = 10, .k = 12, .w = 13}, "expected w not to be larger than k: both sides would wait for each other"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ErrText why;
        ck_assert(!transfer_def_check(&cases[i].def, &why));
        ck_assert_str_eq(why.text, cases[i].why);
    }
    const MasterDef def = rig_def();
    ck_assert(transfer_def_check(&def.transfer, NULL));
}
END_TEST

KIT_MAIN("connectors.iec104_transfer", a_published_conversation_goes_word_for_word, a_recorded_conversation_goes_word_for_word,
         what_a_recorded_station_does_not_know_is_refused_once, w_frames_are_acknowledged_at_once, fewer_than_w_frames_are_acknowledged_after_t2,
         no_more_than_k_frames_wait_for_their_acknowledgement, t1_without_an_acknowledgement_ends_the_connection, t1_runs_for_the_start_and_for_tests_too,
         silence_of_t3_is_tested_and_an_answer_keeps_the_connection, a_test_of_the_other_side_is_confirmed, numbers_wrap_behind_32767_in_both_directions,
         more_frames_than_there_are_numbers_go_through_without_a_gap, a_left_out_number_ends_the_connection,
         an_acknowledgement_of_what_was_not_sent_ends_the_connection, what_is_no_frame_and_what_comes_too_early_end_the_connection,
         bytes_that_come_one_by_one_say_the_same, half_a_frame_is_no_sign_of_life, a_reader_that_does_not_read_is_given_up,
         a_stop_is_asked_for_and_confirmed, windows_and_timers_that_cannot_work_are_refused)
