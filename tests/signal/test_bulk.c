/* Binary frames: what is written is read back, byte for byte where the specification says; what is wrong says what was expected. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "signal/bulk.h"

static Text text;
static ErrText why;

/* Read `length` bytes in memory of exactly their size, so that ASan sees a read beyond it. The frame's records are those of `bytes`. */
static Err read_frame(const void *bytes, size_t length, BulkFrame *out)
{
    char *const copy = malloc(length + !length);
    memcpy(copy, bytes, length);
    why.text[0] = 0;
    const Err err = bulk_read(copy, length, out, &why);
    if (out->records)
        out->records = (const unsigned char *)bytes + (out->records - (const unsigned char *)copy);
    free(copy);
    return err;
}

START_TEST(records_are_read_back_to_the_last_bit)
{
    const BulkRecord records[] = {{INT64_MAX, 0.1, 0, QUALITY_GOOD}, {-1, -0.0, UINT32_MAX, QUALITY_UNCERTAIN}, {0, 5e-324, 7, QUALITY_BAD}};
    bulk_write_head(&text, &(BulkFrame){.kind = BULK_SAMPLES, .count = 3, .id = -42});
    for (size_t i = 0; i < 3; i++)
        bulk_write_record(&text, &records[i]);
    ck_assert_uint_eq(text.length, BULK_HEAD + 3 * BULK_RECORD);

    BulkFrame frame;
    ck_assert_int_eq(read_frame(text.bytes, text.length, &frame), ERR_OK);
    ck_assert_int_eq(frame.kind, BULK_SAMPLES);
    ck_assert_uint_eq(frame.count, 3);
    ck_assert_int_eq(frame.id, -42);
    for (size_t i = 0; i < 3; i++) {
        BulkRecord record;
        ck_assert_ptr_null(bulk_record(&frame, i, &record));
        ck_assert_int_eq(record.time, records[i].time);
        ck_assert_mem_eq(&record.value, &records[i].value, sizeof record.value);
        ck_assert_uint_eq(record.number, records[i].number);
        ck_assert_uint_eq(record.quality, records[i].quality);
    }
    text_fini(&text);
}
END_TEST

START_TEST(the_bytes_are_those_of_the_specification)
{
    static const unsigned char expected[] = {1, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0,
                                             2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 4, 3, 0, 0, 2, 0, 0, 0};
    bulk_write_head(&text, &(BulkFrame){.kind = BULK_SAMPLES, .count = 1, .id = 7});
    bulk_write_record(&text, &(BulkRecord){258, 1.5, 772, QUALITY_BAD});
    ck_assert_uint_eq(text.length, sizeof expected);
    ck_assert_mem_eq(text.bytes, expected, sizeof expected);
    text_fini(&text);
}
END_TEST

START_TEST(an_answer_says_what_was_lost_and_of_what)
{
    static const unsigned char expected[] = {2, 1, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0};
    const BulkFrame answer = {.kind = BULK_STORED, .historical = true, .count = 9, .id = 7, .lost = {.late = 3, .duplicate = 256, .future = 5}};
    bulk_write_head(&text, &answer);
    ck_assert_uint_eq(text.length, sizeof expected);
    ck_assert_mem_eq(text.bytes, expected, sizeof expected);

    BulkFrame frame;
    ck_assert_int_eq(read_frame(text.bytes, text.length, &frame), ERR_OK);
    ck_assert(frame.historical);
    ck_assert_uint_eq(frame.lost.late, 3);
    ck_assert_uint_eq(frame.lost.duplicate, 256);
    ck_assert_uint_eq(frame.lost.future, 5);

    // who lost nothing need not hear of it
    text_clear(&text);
    bulk_write_head(&text, &(BulkFrame){.kind = BULK_STORED, .count = 9, .id = 7});
    ck_assert_uint_eq(text.length, BULK_HEAD);
    ck_assert_int_eq(read_frame(expected, sizeof expected - 1, &frame), ERR_PARSE);
    text_fini(&text);
}
END_TEST

/* A frame with one record, and one of its bytes changed. */
static const char *spoil(size_t at, unsigned char byte)
{
    BulkFrame frame;
    BulkRecord record;
    text_clear(&text);
    bulk_write_head(&text, &(BulkFrame){.kind = BULK_SAMPLES, .count = 1, .id = 7});
    bulk_write_record(&text, &(BulkRecord){258, 1.5, 772, QUALITY_GOOD});
    text.bytes[at] = (char)byte;
    ck_assert_int_eq(bulk_read(text.bytes, text.length, &frame, &why), ERR_OK);
    return bulk_record(&frame, 0, &record);
}

START_TEST(a_wrong_record_says_what_was_expected)
{
    ck_assert_ptr_null(spoil(BULK_HEAD, 9));
    ck_assert_str_eq(spoil(BULK_HEAD + 20, 3), "expected a quality from 0 (good) to 2 (bad)");
    ck_assert_str_eq(spoil(BULK_HEAD + 23, 1), "expected three zeros behind the quality");
    spoil(BULK_HEAD, 9);
    const double values[] = {NAN, INFINITY, -INFINITY};
    BulkFrame frame;
    BulkRecord record;
    for (size_t i = 0; i < 3; i++) {
        memcpy(text.bytes + BULK_HEAD + 8, &values[i], sizeof values[i]);
        ck_assert_int_eq(bulk_read(text.bytes, text.length, &frame, &why), ERR_OK);
        ck_assert_str_eq(bulk_record(&frame, 0, &record), "expected a finite value");
    }
    const int64_t none = TIME_NONE;
    memcpy(text.bytes + BULK_HEAD, &none, sizeof none);
    ck_assert_str_eq(bulk_record(&frame, 0, &record), "expected a time, got the smallest number there is");
    text_fini(&text);
}
END_TEST

START_TEST(a_wrong_frame_is_refused_with_what_was_expected)
{
    static const struct {
        unsigned char head[BULK_HEAD];
        size_t length;
        const char *why;
        Err err;
    } wrong[] = {
        {{0}, 0, "expected a head of 16 bytes, got 0", ERR_PARSE},
        {{1}, 15, "expected a head of 16 bytes, got 15", ERR_PARSE},
        {{0}, 16, "expected a kind from 1 to 3", ERR_PARSE},
        {{4}, 16, "expected a kind from 1 to 3", ERR_PARSE},
        {{1, 2}, 16, "expected 0 or 1 (historical) behind the kind 1, got 2", ERR_PARSE},
        {{3, 1}, 16, "expected 0 behind the kind 3, got 1", ERR_PARSE},
        {{1, 0, 0, 1}, 16, "expected two zeros in front of the count, got 0 1", ERR_PARSE},
        {{2, 0, 0, 0, 1}, 15, "expected a head of 16 bytes, got 15", ERR_PARSE},
        {{1, 0, 0, 0, 1}, 16, "expected 40 bytes for 1 records, got 16", ERR_PARSE},
        {{1, 0, 0, 0, 0, 16}, 16, "expected 98320 bytes for 4096 records", ERR_PARSE},
        {{1, 0, 0, 0, 1, 16}, 16, "expected at most 4096 records, got 4097", ERR_RANGE},
        {{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 16, "expected at most 4096 records, got 4294967295", ERR_RANGE},
        {{3, 0, 0, 0, 1}, 16, "expected the count 0 of a time, got 1", ERR_PARSE},
        {{3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80}, 16, "expected a time", ERR_PARSE},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        BulkFrame frame;
        ck_assert_int_eq(read_frame(wrong[i].head, wrong[i].length, &frame), wrong[i].err);
        ck_assert_msg(strstr(why.text, wrong[i].why), "%s", why.text);
    }
}
END_TEST

KIT_MAIN("signal.bulk", records_are_read_back_to_the_last_bit, the_bytes_are_those_of_the_specification, an_answer_says_what_was_lost_and_of_what, a_wrong_record_says_what_was_expected,
         a_wrong_frame_is_refused_with_what_was_expected)
