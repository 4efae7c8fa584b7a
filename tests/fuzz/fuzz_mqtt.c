/* Any bytes as packets of MQTT; and as a payload, read in any form and written again: the first line is the form, what follows the payload. */
#include "signal/payload.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mqtt/guard.h"
#include "connectors/mqtt/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

/* value|stamp|quality|id|filter: pointers, and a filter that is held against the value's. */
enum { FIELDS = 5 };
typedef struct Fields {
    char text[512];
    const char *items[FIELDS];
} Fields;

static size_t split(const uint8_t *bytes, size_t size, Fields *out)
{
    const uint8_t *end = memchr(bytes, '\n', size);
    const size_t length = end ? (size_t)(end - bytes) : size, kept = length < sizeof out->text ? length : sizeof out->text - 1;
    memcpy(out->text, bytes, kept);
    out->text[kept] = 0;
    char *at = out->text;
    for (size_t i = 0; i < FIELDS; i++) {
        out->items[i] = at;
        at += strcspn(at, "|");
        if (*at)
            *at++ = 0;
    }
    return end ? length + 1 : size;
}

static const char *pointer_of(const char *text)
{
    return payload_is_pointer(text) ? text : NULL;
}

/* What is read can be written, and reads back as it was. */
static void check_round(const PayloadForm *form, const PayloadValue *value)
{
    Text text = {0};
    json_t *document;
    PayloadValue again;
    if (payload_write(form, &(PayloadNews){value->number, value->time == TIME_NONE ? 0 : value->time, 7}, &text) == ERR_OK) {
        require(payload_parse(text.bytes, text.length, &document, NULL) == ERR_OK);
        const Err err = payload_pick(form, document, &again, NULL);
        require(err == ERR_OK && again.number == value->number);
        json_decref(document);
    }
    text_fini(&text);
}

static void read_json(const char *payload, size_t length, const PayloadForm *form)
{
    ErrText why = {""};
    json_t *document;
    PayloadValue value;
    if (payload_parse(payload, length, &document, &why) != ERR_OK) {
        require(!document && *why.text);
        return;
    }
    const Err err = payload_pick(form, document, &value, &why);
    require((err == ERR_OK) == !*why.text);
    if (err == ERR_OK && isfinite(value.number))
        check_round(form, &value);
    require(err != ERR_OK || isfinite(value.number) || value.quality == QUALITY_BAD);
    payload_is_meant(&(PayloadForm){.where = document}, document);
    json_decref(document);
}

/* What is missing is more than what is there, and no more than a packet may have. */
static void check_guard(const uint8_t *bytes, size_t size, int version)
{
    const GuardView look = guard_look(bytes, size, version);
    require(look.packets <= size / 2);
    require(look.fault || look.packets || look.wanted > size || size == 0);
    require(look.fault || look.wanted <= GUARD_PACKET_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_guard(bytes, size, 4);
    check_guard(bytes, size, 5);
    Fields fields;
    const size_t at = split(bytes, size, &fields);
    const char *payload = (const char *)bytes + at;
    const char *value = pointer_of(fields.items[0]);
    double number;
    if (payload_read_number(payload, size - at, &number, NULL) == ERR_OK)
        require(isfinite(number));

    const PayloadForm form = {.json = true, .value = value ? value : "", .stamp = pointer_of(fields.items[1]), .stamp_ns = NS_PER_MS,
                              .quality = pointer_of(fields.items[2]), .id = pointer_of(fields.items[3])};
    read_json(payload, size - at, &form);
    // a filter covers itself, and # all that does not begin with $
    require(topic_is_covered(fields.items[4], fields.items[4]));
    require(*fields.items[4] == '$' || topic_is_covered("#", fields.items[4]));
    topic_is_covered(fields.items[4], fields.text);
    return 0;
}
