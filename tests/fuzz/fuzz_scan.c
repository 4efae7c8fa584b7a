/* Any bytes as the samples of a frame: what the scanner takes, the tree takes too, and both read the same. */
#include <stdlib.h>
#include <string.h>

#include "signal/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_same(const WireSample *a, const WireSample *b)
{
    require(!b->error && strcmp(a->tag, b->tag) == 0 && a->time == b->time && a->quality == b->quality);
    require(memcmp(&a->value, &b->value, sizeof a->value) == 0);
}

/* The frame in an order of its keys that the scanner does not know. */
static void read_tree(Wire *wire, const uint8_t *bytes, size_t size, WireMessage *out)
{
    Text text = {0};
    text_put(&text, "{\"headers\":{},\"topic\":\"samples\",\"value\":");
    text_add(&text, (const char *)bytes, size);
    text_put(&text, "}");
    require(text.length > WIRE_FRAME_MAX || wire_read(wire, text.bytes, text.length, out, NULL) == ERR_OK);
    text_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static Wire *wire;
    static Scan scan;
    if (!wire)
        require(wire_create(&wire) == ERR_OK && scan_init(&scan) == ERR_OK);
    if (size > WIRE_FRAME_MAX - 64)
        return 0;

    int64_t id;
    size_t count;
    WireMessage message;
    Text text = {0};
    text_put(&text, "{\"topic\":\"samples\",\"value\":");
    text_add(&text, (const char *)bytes, size);
    text_put(&text, "}");
    if (scan_samples(&scan, text.bytes, text.length, &id, &count)) {
        require(id == WIRE_ID_NONE);
        read_tree(wire, bytes, size, &message);
        require(message.samples.count == count);
        for (size_t i = 0; i < count; i++)
            check_same(&scan.items[i], &message.samples.items[i]);
    }
    text_fini(&text);
    return 0;
}
