/* The codec of IEC 60870-5-104: frames that others have published, and closed forms.
 *
 * The published frames, by the letter before each:
 *   A  "IEC104协议规约解析", cnblogs.com/lzc978/p/14749748.html and blog.csdn.net/mikasoi/article/details/89463161: a commented conversation
 *   B  github.com/Fraunhofer-FIT-DIEN/iec104-python, issues 43 and 75: logs of lib60870-C, with what it says of them
 *   C  github.com/thinkgos/go-iecp5, asdu/time_test.go and asdu/cproc_test.go: bytes with what they stand for
 *   D  github.com/tritaer/IEC104, test.py: frames taken from running stations
 *   E  github.com/wangxianzhuo/iec104, msg-elements/parse_test.go
 *   F  github.com/zaxified/zig-libs, modules/iec104/src/goldens.zig: recorded between two of lib60870-C, with what that says of them. The whole conversation
 *      is in test_iec104_transfer.c */
#include <math.h>

#include "connectors/iec104/asdu.h"
#include "connectors/iec104/hex.h"
#include "kit/kit.h"

static int64_t utc(const char *text)
{
    int64_t time;
    ck_assert(time_parse(text, strlen(text), &time));
    return time;
}

static const int64_t now_2026 = INT64_C(1767225600) * NS_PER_S;

/* Open the ASDU of a frame. */
static Asdu open_frame(const Hex *frame)
{
    Apci apci;
    size_t size;
    ck_assert_int_eq(apci_read(frame->bytes, frame->size, &apci, &size), APCI_COMPLETE);
    ck_assert_uint_eq(size, frame->size);
    ck_assert_int_eq(apci.format, APCI_I);
    Asdu asdu;
    ck_assert_ptr_null(asdu_open(&asdu, apci.asdu, apci.asdu_size));
    return asdu;
}

typedef struct Published {
    const char *frame;
    AsduType type;
    int cause, originator, station, count;
    struct {
        uint32_t address;
        double number;
        uint8_t quality;
    } objects[3];  // as many as are compared
    const char *time;
} Published;

START_TEST(published_frames_read_as_their_sources_say)
{
    static const Published frames[] = {
        // A
        {"681A02000200 01 04 1400 0100 030000 00 050000 00 080000 01 090000 00", ASDU_M_SP_NA, 20, 0, 1, 4, {{3, 0, 0}, {5, 0, 0}, {8, 1, 0}}, NULL},
        {"681E04000200 03 05 1400 0100 010000 02 060000 02 0A0000 01 0B0000 02 0C0000 01", ASDU_M_DP_NA, 20, 0, 1, 5, {{1, 1, 0}, {6, 1, 0}, {10, 0, 0}}, NULL},
        {"681306000200 09 82 1400 0100 010700 A110 00 8915 00", ASDU_M_ME_NA, 20, 0, 1, 2, {{0x701, 4257 / 32768.0, 0}, {0x702, 5513 / 32768.0, 0}}, NULL},
        {"681A12000600 0F 02 0500 0100 010C00 00000000 00 020C00 00000000 01", ASDU_M_IT_NA, 5, 0, 1, 2, {{0xC01, 0, 0}, {0xC02, 0, 0}}, NULL},
        // B
        {"6812040002000701147b02000100000000000000", ASDU_M_BO_NA, 20, 123, 2, 1, {{1, 0, 0}}, NULL},
        {"680e060002000301147b020002000003", ASDU_M_DP_NA, 20, 123, 2, 1, {{2, 0.5, ASDU_BETWEEN}}, NULL},
        {"6810080002000901147b0300010000008000", ASDU_M_ME_NA, 20, 123, 3, 1, {{1, -1, 0}}, NULL},
        {"6819020002002401050000000301010000c841005f94320a15041a", ASDU_M_ME_TF, 5, 0, 0, 1, {{65795, 25, 0}}, "2026-04-21T10:50:37.983Z"},
        // D
        {"68 0F A6 44 04 02 01 82 14 00 73 00 FB 01 00 00 01", ASDU_M_SP_NA, 20, 0, 115, 2, {{507, 0, 0}, {508, 1, 0}}, NULL},
        {"68 12 12 44 00 02 03 02 14 00 73 00 5A 02 00 02 EB 03 00 00", ASDU_M_DP_NA, 20, 0, 115, 2, {{602, 1, 0}, {1003, 0.5, ASDU_BETWEEN}}, NULL},
        {"68 17 A8 00 04 00 0D 82 01 57 57 00 E7 0B 00 0A D7 A3 BB 00 7F 6A BC 3C 00",
         ASDU_M_ME_NC, 1, 87, 87, 2, {{3047, -0.005f, 0}, {3048, 0.023f, 0}}, NULL},
        {"68 15 42 EB D2 01 1E 01 03 00 80 00 B0 36 00 01 AF E1 1D 14 70 06 15", ASDU_M_SP_TB, 3, 0, 128, 1, {{14000, 1, 0}}, "2021-06-16T20:29:57.775Z"},
        {"68 17 BA 8C F2 00 22 01 01 00 03 00 01 00 00 01 00 00 08 7F 0E 09 96 04 15",
         ASDU_M_ME_TD, 1, 0, 3, 1, {{1, 1 / 32768.0, 0}}, "2021-04-22T09:14:32.520Z"},
        {"68 19 FE 08 30 01 24 01 03 51 51 00 EE 03 00 4B E7 47 42 00 91 05 32 0A 69 06 15",
         ASDU_M_ME_TF, 3, 81, 81, 1, {{1006, 0x1.8fce96p5, 0}}, "2021-06-09T10:50:01.425Z"},
        // F: sequences, with a time too
        {"681902000200018c14002f00e80300000100010001000100010001", ASDU_M_SP_NA, 20, 0, 47, 12, {{1000, 0, 0}, {1001, 1, 0}, {1002, 0, 0}}, NULL},
        {"68191a000400248114002f00cd0000000020c000f794120317071a", ASDU_M_ME_TF, 20, 0, 47, 1, {{205, -2.5, 0}}, "2026-07-23T03:18:38.135Z"},
        // E
        {"685A00000000 0D0A03000100 084000 6F1203BA 00 094000 23DB1140 00 0C4000 010D6E42 00 064000 5A82813F 00 014000 7B33C340 00 0E4000 00407A42 00 "
         "034000 BAC98240 00 024000 26365F3C 00 044000 B7B20140 00 0D4000 83CD463E 00",
         ASDU_M_ME_NC, 3, 0, 1, 10, {{0x4008, -0.0005f, 0}, {0x4009, 2.27900004f, 0}, {0x400C, 59.5127f, 0}}, NULL},
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        const Published *const expected = &frames[i];
        const Hex frame = hex(expected->frame);
        Asdu asdu = open_frame(&frame);
        ck_assert_int_eq(asdu.type, expected->type);
        ck_assert_int_eq(asdu.cause, expected->cause);
        ck_assert_int_eq(asdu.originator, expected->originator);
        ck_assert_int_eq(asdu.station, expected->station);
        ck_assert_int_eq(asdu.left, expected->count);
        ck_assert(!asdu.negative && !asdu.test);

        AsduObject object;
        for (int k = 0; k < expected->count; k++) {
            ck_assert(asdu_next(&asdu, &object));
            if (k >= 3)
                continue;
            ck_assert_uint_eq(object.address, expected->objects[k].address);
            ck_assert_double_eq_tol(object.number, expected->objects[k].number, 1e-9 + 1e-6 * fabs(object.number));
            ck_assert_uint_eq(object.quality, expected->objects[k].quality);
        }
        ck_assert(!asdu_next(&asdu, &object));

        int64_t time;
        ck_assert_int_eq(expected->time != NULL, object.time != NULL);
        if (expected->time) {
            ck_assert(cp56_read(object.time, now_2026, 0, &time));
            ck_assert_int_eq(time, utc(expected->time));
        }
    }
}
END_TEST

START_TEST(published_requests_are_written_byte_for_byte)
{
    static const struct {
        AsduRequest request;
        const char *time, *asdu;
    } cases[] = {
        // A: station 1 is interrogated, and its counters (frozen)
        {{.type = ASDU_C_IC_NA, .cause = ASDU_ACT, .station = 1, .number = 20}, NULL, "64 01 06 00 01 00 00 00 00 14"},
        {{.type = ASDU_C_CI_NA, .cause = ASDU_ACT, .station = 1, .number = 0x45}, NULL, "65 01 06 00 01 00 00 00 00 45"},
        // D
        {{.type = ASDU_C_IC_NA, .cause = ASDU_ACT, .station = 0x71, .number = 20}, NULL, "64 01 06 00 71 00 00 00 00 14"},
        // C
        {{.type = ASDU_C_BO_NA, .cause = ASDU_ACT, .station = 0x1234, .address = 0x567890, .number = 100}, NULL, "33 01 06 00 34 12 90 78 56 64 00 00 00"},
        {{.type = ASDU_C_BO_TA, .cause = ASDU_ACT, .station = 0x1234, .address = 0x567890, .number = 100},
         "2019-06-05T04:03:00.513Z",
         "40 01 06 00 34 12 90 78 56 64 00 00 00 01 02 03 04 65 06 13"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AsduRequest request = cases[i].request;
        request.time = cases[i].time ? utc(cases[i].time) : 0;
        uint8_t asdu[APCI_ASDU_MAX];
        const size_t size = asdu_write(&request, asdu);
        ck_assert_hex_eq(asdu, size, cases[i].asdu);

        Asdu again;
        AsduObject object;
        ck_assert_ptr_null(asdu_open(&again, asdu, size));
        ck_assert(asdu_next(&again, &object) && !asdu_next(&again, &object));
        ck_assert_double_eq(object.number, request.number);
    }
}
END_TEST

START_TEST(published_times_are_read_and_written)
{
    // C; the second has 0 for the day of the week, which says that it is not used
    static const struct {
        const char *bytes, *time;
        bool is_written_so;
    } cases[] = {{"01 02 03 04 65 06 13", "2019-06-05T04:03:00.513Z", true},
                 {"0B 0C 0D 0E 0F 0C 13", "2019-12-15T14:13:03.083Z", false},
                 {"0B 0C 0D 0E EF 0C 13", "2019-12-15T14:13:03.083Z", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Hex bytes = hex(cases[i].bytes);
        int64_t time;
        ck_assert(cp56_read(bytes.bytes, now_2026, 0, &time));
        ck_assert_int_eq(time, utc(cases[i].time));
        uint8_t written[CP56_SIZE];
        cp56_write(time, 0, written);
        if (cases[i].is_written_so)
            ck_assert_hex_eq(written, sizeof written, cases[i].bytes);
    }
}
END_TEST

START_TEST(every_millisecond_that_is_written_is_read_back)
{
    // steps of a prime number of milliseconds pass every part of the day and every day of 100 years
    const int64_t first = utc("1976-01-01T00:00:00Z"), last = utc("2075-12-31T23:59:59.999Z");
    for (int64_t time = first; time <= last; time += INT64_C(86399981) * NS_PER_MS) {
        uint8_t bytes[CP56_SIZE];
        cp56_write(time, 0, bytes);
        int64_t back;
        ck_assert(cp56_read(bytes, now_2026, 0, &back));
        ck_assert_int_eq(back, time);
    }
}
END_TEST

START_TEST(two_digits_are_the_year_nearest_to_now)
{
    uint8_t bytes[CP56_SIZE];
    int64_t time;
    cp56_write(utc("1999-12-31T23:59:59.999Z"), 0, bytes);
    ck_assert(cp56_read(bytes, utc("2000-01-01T00:00:00Z"), 0, &time));
    ck_assert_int_eq(time, utc("1999-12-31T23:59:59.999Z"));
    ck_assert(cp56_read(bytes, utc("2099-12-31T00:00:00Z"), 0, &time));
    ck_assert_int_eq(time, utc("2099-12-31T23:59:59.999Z"));
    ck_assert(cp56_read(bytes, utc("2049-01-01T00:00:00Z"), 0, &time));
    ck_assert_int_eq(time, utc("1999-12-31T23:59:59.999Z"));
}
END_TEST

START_TEST(summer_time_and_the_zone_of_the_station_are_taken_off)
{
    int64_t time;
    const Hex summer = hex("00 00 1E 8E 15 07 1A"), winter = hex("00 00 1E 0E 15 01 1A");  // 14:30, with SU and without
    const int64_t hour = 3600 * NS_PER_S;
    ck_assert(cp56_read(summer.bytes, now_2026, hour, &time));
    ck_assert_int_eq(time, utc("2026-07-21T12:30:00Z"));
    ck_assert(cp56_read(winter.bytes, now_2026, hour, &time));
    ck_assert_int_eq(time, utc("2026-01-21T13:30:00Z"));

    uint8_t bytes[CP56_SIZE];
    cp56_write(utc("2025-12-31T23:30:00Z"), hour, bytes);
    ck_assert_hex_eq(bytes, sizeof bytes, "00 00 1E 00 81 01 1A");  // a Thursday
}
END_TEST

START_TEST(what_is_no_time_is_not_read)
{
    static const char *const cases[] = {
        "00 00 9E 0E 15 01 1A",  // IV
        "60 EA 00 00 01 01 1A",  // 60,000 ms
        "00 00 3C 00 01 01 1A",  // minute 60
        "00 00 00 18 01 01 1A",  // hour 24
        "00 00 00 00 00 01 1A",  // day 0
        "00 00 00 00 1D 02 1A",  // 29 February 2026
        "00 00 00 00 01 00 1A",  // month 0
        "00 00 00 00 01 0D 1A",  // month 13
        "00 00 00 00 01 01 64",  // year 100
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Hex bytes = hex(cases[i]);
        int64_t time;
        ck_assert_msg(!cp56_read(bytes.bytes, now_2026, 0, &time), "%s", cases[i]);
    }
}
END_TEST

START_TEST(every_bit_of_quality_is_told)
{
    static const struct {
        const char *asdu;
        double number;
        uint8_t quality;
    } cases[] = {
        {"01 01 03 00 01 00 01 00 00 F1", 1, ASDU_IV | ASDU_NT | ASDU_SB | ASDU_BL},
        {"03 01 03 00 01 00 01 00 00 81", 0, ASDU_IV},
        {"03 01 03 00 01 00 01 00 00 00", 0.5, ASDU_BETWEEN},
        {"05 01 03 00 01 00 01 00 00 7F 01", -1, ASDU_OV},
        {"05 01 03 00 01 00 01 00 00 C0 00", -64, ASDU_MOVING},
        {"05 01 03 00 01 00 01 00 00 3F 00", 63, 0},
        {"07 01 03 00 01 00 01 00 00 FF FF FF FF 40", 4294967295.0, ASDU_NT},
        {"09 01 03 00 01 00 01 00 00 FF 7F 20", 32767 / 32768.0, ASDU_SB},
        {"0B 01 03 00 01 00 01 00 00 00 80 01", -32768, ASDU_OV},
        {"0F 01 03 00 01 00 01 00 00 FF FF FF FF 1F", -1, 0},
        {"0F 01 03 00 01 00 01 00 00 00 00 00 80 20", -2147483648.0, ASDU_ADJUSTED},
        {"0F 01 03 00 01 00 01 00 00 01 00 00 00 C0", 1, ASDU_IV | ASDU_ADJUSTED},
        {"15 01 03 00 01 00 01 00 00 00 40", 0.5, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Hex bytes = hex(cases[i].asdu);
        Asdu asdu;
        AsduObject object;
        ck_assert_ptr_null(asdu_open(&asdu, bytes.bytes, bytes.size));
        ck_assert(asdu_next(&asdu, &object));
        ck_assert_double_eq(object.number, cases[i].number);
        ck_assert_uint_eq(object.quality, cases[i].quality);
    }
}
END_TEST

START_TEST(every_command_reads_back_as_it_was_written)
{
    static const struct {
        AsduType type;
        double numbers[4];
    } cases[] = {
        {ASDU_C_SC_NA, {0, 1}},         {ASDU_C_DC_NA, {0, 1}},       {ASDU_C_RC_NA, {-1, 1}},          {ASDU_C_SE_NA, {-1, 0.5, 32767 / 32768.0}},
        {ASDU_C_SE_NB, {-32768, 32767}}, {ASDU_C_SE_NC, {-2.5, 1e30f}}, {ASDU_C_BO_NA, {4294967295.0, 7}}, {ASDU_C_SC_TA, {1, 0}},
        {ASDU_C_DC_TA, {1, 0}},         {ASDU_C_RC_TA, {1, -1}},      {ASDU_C_SE_TA, {0.25, -0.5}},     {ASDU_C_SE_TB, {1, -1}},
        {ASDU_C_SE_TC, {0.125, -4}},    {ASDU_C_BO_TA, {1, 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 2; k++)
            for (int select = 0; select < 2; select++) {
                AsduRequest request = {.type = cases[i].type, .cause = ASDU_ACT, .originator = 7, .station = 65534, .address = 0xfedcba};
                request.number = cases[i].numbers[k];
                request.select = select;
                request.time = now_2026;
                uint8_t bytes[APCI_ASDU_MAX];
                const size_t size = asdu_write(&request, bytes);
                Asdu asdu;
                AsduObject object;
                ck_assert_ptr_null(asdu_open(&asdu, bytes, size));
                ck_assert(asdu_is_command(asdu.type) && asdu.type == cases[i].type);
                ck_assert_int_eq(asdu.originator, 7);
                ck_assert_int_eq(asdu.station, 65534);
                ck_assert(asdu_next(&asdu, &object));
                ck_assert_uint_eq(object.address, 0xfedcba);
                ck_assert_double_eq(object.number, cases[i].numbers[k]);
                const bool has_select = cases[i].type != ASDU_C_BO_NA && cases[i].type != ASDU_C_BO_TA;
                ck_assert_int_eq(object.select, select && has_select);
                ck_assert(object.time == NULL || cases[i].type >= ASDU_C_SC_TA);
            }
}
END_TEST

START_TEST(a_number_that_a_command_cannot_carry_is_not_written)
{
    static const struct {
        AsduType type;
        double number;
        const char *what;
    } cases[] = {
        {ASDU_C_SC_NA, 0.5, "0 or 1"},
        {ASDU_C_DC_NA, 2, "0 or 1"},
        {ASDU_C_RC_NA, 0, "-1 or 1"},
        {ASDU_C_SE_NA, 1, "-1 to 0.99997"},
        {ASDU_C_SE_NB, 32768, "-32768 to 32767"},
        {ASDU_C_SE_NB, NAN, "-32768 to 32767"},
        {ASDU_C_SE_NC, 1e39, "what fits 32 bits of floating point"},
        {ASDU_C_SE_NC, NAN, "what fits 32 bits of floating point"},
        {ASDU_C_BO_NA, -1, "whole numbers from 0 to 4294967295"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[APCI_ASDU_MAX];
        ck_assert(!asdu_carries(cases[i].type, cases[i].number));
        ck_assert_str_eq(asdu_carries_what(cases[i].type), cases[i].what);
        ck_assert_uint_eq(asdu_write(&(AsduRequest){.type = cases[i].type, .cause = ASDU_ACT, .number = cases[i].number}, bytes), 0);
    }
}
END_TEST

START_TEST(an_asdu_that_is_not_what_its_head_says_is_refused_as_a_whole)
{
    static const struct {
        const char *asdu, *why;
    } cases[] = {
        {"", "shorter than its head"},
        {"01 01 03 00 01", "shorter than its head"},
        {"02 01 03 00 01 00 01 00 00 01 00 00 00", "of a type that is not known"},  // three bytes of time are for serial lines
        {"FF 01 03 00 01 00", "of a type that is not known"},
        {"01 00 03 00 01 00", "without an object"},
        {"01 02 03 00 01 00 01 00 00 01", "not as long as its type and count ask for"},
        {"01 01 03 00 01 00 01 00 00 01 00", "not as long as its type and count ask for"},
        {"2D 81 06 00 01 00 01 00 00 01", "a sequence, which its type cannot be"},
        {"2D 02 06 00 01 00 01 00 00 01 02 00 00 01", "of several objects, which its type cannot have"},
        {"01 82 03 00 01 00 FF FF FF 01 01", "a sequence beyond the last address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Hex bytes = hex(cases[i].asdu);
        Asdu asdu;
        AsduObject object;
        ck_assert_str_eq(asdu_open(&asdu, bytes.bytes, bytes.size), cases[i].why);
        ck_assert(!asdu_next(&asdu, &object));
    }
}
END_TEST

START_TEST(frames_read_as_they_were_written_and_half_of_one_waits)
{
    const uint8_t asdu[3] = {1, 2, 3};
    const Apci frames[] = {
        {.format = APCI_I, .sent = 32767, .received = 16384, .asdu = asdu, .asdu_size = 3},
        {.format = APCI_S, .received = 32767},
        {.format = APCI_U, .function = APCI_STARTDT_ACT},
        {.format = APCI_U, .function = APCI_TESTFR_CON},
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        uint8_t bytes[APCI_FRAME_MAX];
        const size_t size = apci_write(&frames[i], bytes);
        Apci apci;
        size_t read;
        for (size_t part = 0; part < size; part++)
            ck_assert_int_eq(apci_read(bytes, part, &apci, &read), APCI_MORE);
        ck_assert_int_eq(apci_read(bytes, size, &apci, &read), APCI_COMPLETE);
        ck_assert_uint_eq(read, size);
        ck_assert_int_eq(apci.format, frames[i].format);
        ck_assert_int_eq(apci.function, frames[i].function);
        ck_assert_uint_eq(apci.sent, frames[i].sent);
        ck_assert_uint_eq(apci.received, frames[i].received);
        ck_assert_uint_eq(apci.asdu_size, frames[i].asdu_size);
    }
}
END_TEST

START_TEST(what_is_no_frame_is_told_at_its_first_wrong_byte)
{
    static const char *const cases[] = {
        "69", "68 03", "68 FE", "68 04 03 00 00 00", "68 04 0F 00 00 00", "68 05 07 00 00 00 00", "68 05 01 00 00 00 00",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Hex bytes = hex(cases[i]);
        Apci apci;
        size_t size;
        ck_assert_msg(apci_read(bytes.bytes, bytes.size, &apci, &size) == APCI_BROKEN, "%s", cases[i]);
    }
}
END_TEST

START_TEST(types_are_found_by_their_names)
{
    ck_assert_int_eq(asdu_find_type("C_SE_NC"), ASDU_C_SE_NC);
    ck_assert_int_eq(asdu_find_type("C_SE_NC_1"), ASDU_C_SE_NC);
    ck_assert_int_eq(asdu_find_type("C_SE"), ASDU_NONE);
    ck_assert_int_eq(asdu_find_type(""), ASDU_NONE);
    ck_assert_str_eq(asdu_type_name(100), "C_IC_NA_1");
    ck_assert_str_eq(asdu_type_name(2), "?");
    ck_assert_str_eq(asdu_type_name(-1), "?");
    ck_assert_str_eq(asdu_cause_name(47), "unknown information object address");
}
END_TEST

KIT_MAIN("connectors.iec104_frames", published_frames_read_as_their_sources_say, published_requests_are_written_byte_for_byte,
         published_times_are_read_and_written, every_millisecond_that_is_written_is_read_back, two_digits_are_the_year_nearest_to_now,
         summer_time_and_the_zone_of_the_station_are_taken_off, what_is_no_time_is_not_read, every_bit_of_quality_is_told,
         every_command_reads_back_as_it_was_written, a_number_that_a_command_cannot_carry_is_not_written,
         an_asdu_that_is_not_what_its_head_says_is_refused_as_a_whole, frames_read_as_they_were_written_and_half_of_one_waits,
         what_is_no_frame_is_told_at_its_first_wrong_byte, types_are_found_by_their_names)
