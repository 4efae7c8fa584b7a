/* fuzz_dechunk.c -- any bytes as a chunked body: it stays within its bound, and comes out the same in one piece and byte by byte. */
#include <stdlib.h>
#include <string.h>

#include "server/dechunk.h"

enum { MOST = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    Dechunk whole = {0}, pieces = {0};
    Text out = {0}, other = {0};
    dechunk(&whole, (const char *)bytes, size, MOST, &out);
    for (size_t i = 0; i < size; i++)
        dechunk(&pieces, (const char *)bytes + i, 1, MOST, &other);
    require(whole.state == pieces.state && out.length == other.length && out.length <= MOST);
    require(out.length == 0 || memcmp(out.bytes, other.bytes, out.length) == 0);
    text_fini(&out);
    text_fini(&other);
    return 0;
}
