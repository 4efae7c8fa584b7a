/* block.c -- columns, planes, zstd. */
#include "history/block.h"

#include <assert.h>
#include <string.h>
#include <zstd.h>

enum {
    HEADER = 4,  // version, form, count as a little-endian 16-bit number
    VERSION = 1,
    ZSTD_EFFORT = 1,
    RAW_MAX = BLOCK_POINTS * BLOCK_WORDS * 8,
};

struct Coder {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    uint64_t column[BLOCK_POINTS];
    uint8_t planes[RAW_MAX];
    uint8_t bytes[HEADER + ZSTD_COMPRESSBOUND(RAW_MAX)];
};

// the words of a point, and what each is compared with
enum { TIME, ORDER, TICK, NOTE, VALUE, SD, MIN, MAX, INTEGERS = VALUE };

static const struct {
    uint8_t count, words[BLOCK_WORDS];
} forms[BLOCK_FORM_COUNT] = {
    [BLOCK_SAMPLES] = {5, {TIME, ORDER, TICK, NOTE, VALUE}},
    [BLOCK_ESTIMATES] = {4, {TIME, ORDER, VALUE, SD}},
    [BLOCK_ROLLUPS] = {6, {TIME, ORDER, VALUE, SD, MIN, MAX}},
};

Err coder_create(Coder **out)
{
    *out = mem_alloc(sizeof **out);
    if (!*out)
        return ERR_MEMORY;
    (*out)->pack = ZSTD_createCCtx();
    (*out)->unpack = ZSTD_createDCtx();
    if ((*out)->pack && (*out)->unpack && !ZSTD_isError(ZSTD_CCtx_setParameter((*out)->pack, ZSTD_c_checksumFlag, 1)) &&
        !ZSTD_isError(ZSTD_CCtx_setParameter((*out)->pack, ZSTD_c_compressionLevel, ZSTD_EFFORT)))
        return ERR_OK;
    coder_destroy(*out);
    *out = NULL;
    return ERR_MEMORY;
}

void coder_destroy(Coder *coder)
{
    if (!coder)
        return;
    ZSTD_freeCCtx(coder->pack);
    ZSTD_freeDCtx(coder->unpack);
    mem_free(coder);
}

// Columns.

static void take_differences(uint64_t *column, const BlockPoint *points, size_t count, int word)
{
    uint64_t before = 0, step = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t value = points[i].words[word], difference = value - before, twice = difference - step;
        column[i] = twice << 1 ^ -(twice >> 63);  // small numbers of either sign are small
        before = value;
        step = difference;
    }
}

static void put_differences(const uint64_t *column, BlockPoint *points, size_t count, int word)
{
    uint64_t before = 0, step = 0;
    for (size_t i = 0; i < count; i++) {
        step += column[i] >> 1 ^ -(column[i] & 1);
        before += step;
        points[i].words[word] = before;
    }
}

static bool is_beside_mean(int word)
{
    return word == MIN || word == MAX;
}

static void take_bits(uint64_t *column, const BlockPoint *points, size_t count, int word)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t expected = is_beside_mean(word) ? points[i].words[VALUE] : i ? points[i - 1].words[word] : 0;
        column[i] = points[i].words[word] ^ expected;
    }
}

static void put_bits(const uint64_t *column, BlockPoint *points, size_t count, int word)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t expected = is_beside_mean(word) ? points[i].words[VALUE] : i ? points[i - 1].words[word] : 0;
        points[i].words[word] = column[i] ^ expected;
    }
}

static void cut_planes(const uint64_t *column, size_t count, uint8_t *planes)
{
    for (size_t plane = 0; plane < 8; plane++)
        for (size_t i = 0; i < count; i++)
            planes[plane * count + i] = (uint8_t)(column[i] >> (8 * plane));
}

static void join_planes(const uint8_t *planes, size_t count, uint64_t *column)
{
    memset(column, 0, count * sizeof *column);
    for (size_t plane = 0; plane < 8; plane++)
        for (size_t i = 0; i < count; i++)
            column[i] |= (uint64_t)planes[plane * count + i] << (8 * plane);
}

// Blocks.

Err block_encode(Coder *coder, BlockForm form, const BlockPoint *points, size_t count, const void **bytes, size_t *size)
{
    assert(form < BLOCK_FORM_COUNT);
    assert(count > 0 && count <= BLOCK_POINTS);
    for (size_t i = 0; i < forms[form].count; i++) {
        const int word = forms[form].words[i];
        if (word < INTEGERS)
            take_differences(coder->column, points, count, word);
        else
            take_bits(coder->column, points, count, word);
        cut_planes(coder->column, count, coder->planes + i * 8 * count);
    }

    coder->bytes[0] = VERSION;
    coder->bytes[1] = (uint8_t)form;
    coder->bytes[2] = (uint8_t)count;
    coder->bytes[3] = (uint8_t)(count >> 8);
    const size_t packed = ZSTD_compress2(coder->pack, coder->bytes + HEADER, sizeof coder->bytes - HEADER, coder->planes, forms[form].count * 8 * count);
    *bytes = coder->bytes;
    *size = HEADER + packed;
    return ZSTD_isError(packed) ? ERR_MEMORY : ERR_OK;
}

Err block_decode(Coder *coder, BlockForm form, const void *bytes, size_t size, BlockPoint *points, size_t *count)
{
    assert(form < BLOCK_FORM_COUNT);
    const uint8_t *header = bytes;
    *count = 0;
    if (size <= HEADER || header[0] != VERSION || header[1] != form)
        return ERR_PARSE;
    const size_t length = header[2] | (size_t)header[3] << 8, raw = forms[form].count * 8 * length;
    if (length == 0 || length > BLOCK_POINTS)
        return ERR_PARSE;
    if (ZSTD_decompressDCtx(coder->unpack, coder->planes, raw, header + HEADER, size - HEADER) != raw)
        return ERR_PARSE;

    memset(points, 0, length * sizeof *points);
    for (size_t i = 0; i < forms[form].count; i++) {
        const int word = forms[form].words[i];
        join_planes(coder->planes + i * 8 * length, length, coder->column);
        if (word < INTEGERS)
            put_differences(coder->column, points, length, word);
        else
            put_bits(coder->column, points, length, word);
    }
    for (size_t i = 1; i < length; i++)
        if (points[i].time < points[i - 1].time)
            return ERR_PARSE;
    *count = length;
    return ERR_OK;
}
