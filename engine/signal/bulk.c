/* bulk.c -- a head is: kind (1 byte), historical (1), two zeros, count (4), id (8); a record: time (8), value (8), number (4), quality (1), three zeros;
 * losses: late (8), duplicate (8), future (8). */
#include "signal/bulk.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <string.h>

enum { HISTORICAL_AT = 1, COUNT_AT = 4, ID_AT = 8, VALUE_AT = 8, NUMBER_AT = 16, QUALITY_AT = 20, ZEROS_AT = 21, DUPLICATE_AT = 8, FUTURE_AT = 16 };

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

/* The kind and what belongs to it, up to the count. */
static Err check_head(const unsigned char *head, ErrText *why)
{
    const bool is_time = head[0] == BULK_TIME;
    if (head[0] < BULK_SAMPLES || head[0] > BULK_TIME)
        return err_set(why, ERR_PARSE, "frame: expected a kind from %d to %d, got %u", BULK_SAMPLES, BULK_TIME, head[0]);
    if (head[HISTORICAL_AT] > !is_time)
        return err_set(why, ERR_PARSE, "frame: expected 0%s behind the kind %u, got %u", is_time ? "" : " or 1 (historical)", head[0], head[HISTORICAL_AT]);
    if (head[2] || head[3])
        return err_set(why, ERR_PARSE, "frame: expected two zeros in front of the count, got %u %u", head[2], head[3]);
    return ERR_OK;
}

static Err check_time(const BulkFrame *frame, ErrText *why)
{
    if (frame->count)
        return err_set(why, ERR_PARSE, "frame: expected the count 0 of a time, got %u", frame->count);
    return frame->id == TIME_NONE ? err_set(why, ERR_PARSE, "frame: expected a time, got the smallest number there is") : ERR_OK;
}

/* What stands behind the head, `length` bytes. */
static Err check_rest(const BulkFrame *frame, size_t length, ErrText *why)
{
    const size_t records = frame->kind == BULK_SAMPLES ? frame->count : 0;
    if (frame->kind == BULK_STORED && length == BULK_LOST)
        return ERR_OK;
    if (records > BULK_SAMPLES_MAX)
        return err_set(why, ERR_RANGE, "frame: expected at most %d records, got %zu", BULK_SAMPLES_MAX, records);
    if (length != records * BULK_RECORD)
        return err_set(why, ERR_PARSE, "frame: expected %zu bytes for %zu records, got %zu", BULK_HEAD + records * BULK_RECORD, records, BULK_HEAD + length);
    return frame->kind == BULK_TIME ? check_time(frame, why) : ERR_OK;
}

Err bulk_read(const void *bytes, size_t length, BulkFrame *out, ErrText *why)
{
    assert(bytes || length == 0);
    assert(out);
    const unsigned char *const head = bytes;
    *out = (BulkFrame){0};
    if (length < BULK_HEAD)
        return err_set(why, ERR_PARSE, "frame: expected a head of %d bytes, got %zu", BULK_HEAD, length);
    Err err = check_head(head, why);
    if (err)
        return err;

    const unsigned char *const rest = head + BULK_HEAD;
    BulkFrame frame = {.kind = head[0], .historical = head[HISTORICAL_AT], .count = get_32(head + COUNT_AT), .id = (int64_t)get_64(head + ID_AT), .records = rest};
    err = check_rest(&frame, length - BULK_HEAD, why);
    if (err)
        return err;
    if (frame.kind == BULK_STORED && length > BULK_HEAD)
        frame.lost = (ConnectorLosses){get_64(rest), get_64(rest + DUPLICATE_AT), get_64(rest + FUTURE_AT)};
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

static void write_lost(Text *out, const ConnectorLosses *lost)
{
    unsigned char bytes[BULK_LOST];
    put_64(bytes, lost->late);
    put_64(bytes + DUPLICATE_AT, lost->duplicate);
    put_64(bytes + FUTURE_AT, lost->future);
    text_add(out, (const char *)bytes, sizeof bytes);
}

void bulk_write_head(Text *out, const BulkFrame *frame)
{
    unsigned char head[BULK_HEAD] = {(unsigned char)frame->kind, frame->historical};
    put_32(head + COUNT_AT, frame->count);
    put_64(head + ID_AT, (uint64_t)frame->id);
    text_add(out, (const char *)head, sizeof head);
    if (frame->kind == BULK_STORED && (frame->lost.late || frame->lost.duplicate || frame->lost.future))
        write_lost(out, &frame->lost);
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
