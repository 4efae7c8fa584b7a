/* bulk.c -- a head is: kind (1 byte), three zeros, count (4), id (8); a record: time (8), value (8), number (4), quality (1), three zeros. */
#include "signal/bulk.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <string.h>

enum { COUNT_AT = 4, ID_AT = 8, VALUE_AT = 8, NUMBER_AT = 16, QUALITY_AT = 20, ZEROS_AT = 21 };

static uint64_t get_64(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

static uint32_t get_32(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return le32toh(word);
}

static void put_64(unsigned char *bytes, uint64_t word)
{
    word = htole64(word);
    memcpy(bytes, &word, sizeof word);
}

static void put_32(unsigned char *bytes, uint32_t word)
{
    word = htole32(word);
    memcpy(bytes, &word, sizeof word);
}

/* What is not used yet is zero, so that it can be used one day. */
static bool are_zeros(const unsigned char *bytes)
{
    return !(bytes[0] | bytes[1] | bytes[2]);
}

Err bulk_read(const void *bytes, size_t length, BulkFrame *out, ErrText *why)
{
    assert(bytes || length == 0);
    assert(out);
    const unsigned char *const head = bytes;
    *out = (BulkFrame){0};
    if (length < BULK_HEAD)
        return err_set(why, ERR_PARSE, "frame: expected a head of %d bytes, got %zu", BULK_HEAD, length);
    if (head[0] < BULK_SAMPLES || head[0] > BULK_TIME || !are_zeros(head + 1))
        return err_set(why, ERR_PARSE, "frame: expected a kind from %d to %d and three zeros, got %u %u %u %u", BULK_SAMPLES, BULK_TIME,
                       head[0], head[1], head[2], head[3]);

    const BulkFrame frame = {head[0], get_32(head + COUNT_AT), (int64_t)get_64(head + ID_AT), head + BULK_HEAD};
    const size_t records = frame.kind == BULK_SAMPLES ? frame.count : 0;
    if (records > BULK_SAMPLES_MAX)
        return err_set(why, ERR_RANGE, "frame: expected at most %d records, got %zu", BULK_SAMPLES_MAX, records);
    if (length != BULK_HEAD + records * BULK_RECORD)
        return err_set(why, ERR_PARSE, "frame: expected %zu bytes for %zu records, got %zu", BULK_HEAD + records * BULK_RECORD, records, length);
    if (frame.kind == BULK_TIME && frame.count)
        return err_set(why, ERR_PARSE, "frame: expected the count 0 of a time, got %u", frame.count);
    if (frame.kind == BULK_TIME && frame.id == TIME_NONE)
        return err_set(why, ERR_PARSE, "frame: expected a time, got the smallest number there is");
    *out = frame;
    return ERR_OK;
}

const char *bulk_record(const BulkFrame *frame, size_t index, BulkRecord *out)
{
    assert(index < frame->count);
    const unsigned char *const bytes = frame->records + index * BULK_RECORD;
    const uint64_t bits = get_64(bytes + VALUE_AT);
    out->time = (int64_t)get_64(bytes);
    memcpy(&out->value, &bits, sizeof bits);
    out->number = get_32(bytes + NUMBER_AT);
    out->quality = bytes[QUALITY_AT];

    if (out->time == TIME_NONE)
        return "expected a time, got the smallest number there is";
    if (!isfinite(out->value))
        return "expected a finite value";
    if (out->quality > QUALITY_BAD)
        return "expected a quality from 0 (good) to 2 (bad)";
    return are_zeros(bytes + ZEROS_AT) ? NULL : "expected three zeros behind the quality";
}

void bulk_write_head(Text *out, BulkKind kind, uint32_t count, int64_t id)
{
    unsigned char head[BULK_HEAD] = {(unsigned char)kind};
    put_32(head + COUNT_AT, count);
    put_64(head + ID_AT, (uint64_t)id);
    text_add(out, (const char *)head, sizeof head);
}

void bulk_write_record(Text *out, const BulkRecord *record)
{
    unsigned char bytes[BULK_RECORD] = {0};
    uint64_t bits;
    memcpy(&bits, &record->value, sizeof bits);
    put_64(bytes, (uint64_t)record->time);
    put_64(bytes + VALUE_AT, bits);
    put_32(bytes + NUMBER_AT, record->number);
    bytes[QUALITY_AT] = record->quality;
    text_add(out, (const char *)bytes, sizeof bytes);
}
