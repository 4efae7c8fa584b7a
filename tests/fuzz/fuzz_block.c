/* Any bytes as a block: points in the order of their times, or ERR_PARSE; and points that were packed come back to the bit. */
#include <stdlib.h>
#include <string.h>

#include "history/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void unpack(Coder *coder, BlockForm form, const uint8_t *bytes, size_t size)
{
    static BlockPoint points[BLOCK_POINTS];
    size_t count;
    if (block_decode(coder, form, bytes, size, points, &count) != ERR_OK)
        return;
    require(count > 0 && count <= BLOCK_POINTS);
    for (size_t i = 1; i < count; i++)
        require(points[i].time >= points[i - 1].time);
}

/* The input as the words of points, whose times are made to rise. */
static void pack(Coder *coder, BlockForm form, const uint8_t *bytes, size_t size)
{
    static const size_t words[BLOCK_FORM_COUNT][BLOCK_WORDS] = {{0, 1, 2, 3, 4}, {0, 1, 4, 5}, {0, 1, 4, 5, 6, 7}};
    static const size_t word_counts[BLOCK_FORM_COUNT] = {5, 4, 6};
    static BlockPoint points[BLOCK_POINTS], again[BLOCK_POINTS];
    size_t count = 0;
    memset(points, 0, sizeof points);
    for (size_t at = 0; at + word_counts[form] * 8 <= size && count < BLOCK_POINTS; count++) {
        for (size_t i = 0; i < word_counts[form]; i++, at += 8)
            memcpy(&points[count].words[words[form][i]], bytes + at, 8);
        if (count && points[count].time < points[count - 1].time)
            points[count].time = points[count - 1].time;
    }
    if (count == 0)
        return;
    const void *packed;
    size_t packed_size, unpacked;
    require(block_encode(coder, form, points, count, &packed, &packed_size) == ERR_OK);
    uint8_t *copy = malloc(packed_size);
    require(copy != NULL);
    memcpy(copy, packed, packed_size);
    require(block_decode(coder, form, copy, packed_size, again, &unpacked) == ERR_OK);
    require(unpacked == count && memcmp(points, again, count * sizeof *points) == 0);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static Coder *coder;
    if (!coder)
        require(coder_create(&coder) == ERR_OK);
    for (BlockForm form = 0; form < BLOCK_FORM_COUNT; form++) {
        unpack(coder, form, bytes, size);
        pack(coder, form, bytes, size);
    }
    return 0;
}
