/* Any bytes as a binary frame: what is let through is within its limits, and is the same when it is written again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "signal/bulk.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

/* Whether all records are good; they are added to `again`. */
static bool check_records(const BulkFrame *frame, Text *again)
{
    bool good = true;
    for (size_t i = 0; i < frame->count; i++) {
        BulkRecord record;
        const char *const wrong = bulk_record(frame, i, &record);
        require(wrong ? strlen(wrong) > 0 : isfinite(record.value) && record.time != TIME_NONE && record.quality <= QUALITY_BAD);
        bulk_write_record(again, &record);
        good &= !wrong;
    }
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    BulkFrame frame;
    ErrText why = {0};
    if (bulk_read(bytes, size, &frame, &why) != ERR_OK) {
        require(strlen(why.text) > 0);
        return 0;
    }
    Text again = {0};
    bulk_write_head(&again, &frame);
    bool good = frame.kind != BULK_STORED || frame.lost.late || frame.lost.duplicate || frame.lost.future || size == BULK_HEAD;
    if (frame.kind == BULK_SAMPLES) {
        require(frame.count <= BULK_SAMPLES_MAX);
        good = check_records(&frame, &again);
    }
    require(!good || (again.length == size && memcmp(again.bytes, bytes, size) == 0));
    text_fini(&again);
    return 0;
}
