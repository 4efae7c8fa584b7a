/* fuzz_lines.c -- any bytes as line protocol and as JSON: what comes out is within the bounds, and a body that is refused leaves nothing behind. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/push.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_lines(char *text)
{
    static LinePoint point;
    ErrText why;
    Lines lines = lines_begin(text, 1000);
    while (lines_next(&lines, &point, &why)) {
        require(*point.measurement && point.tag_count <= LINE_TAGS_MAX && point.field_count > 0 && point.field_count <= LINE_FIELDS_MAX);
        for (size_t i = 0; i < point.tag_count; i++)
            require(*point.tags[i].key && *point.tags[i].value);
        for (size_t i = 0; i < point.field_count; i++)
            require(*point.fields[i].key && (point.fields[i].text ? isnan(point.fields[i].number) : isfinite(point.fields[i].number)));
        require(point.time == TIME_NONE || point.time % 1000 == 0);
    }
}

static Push *make_push(void)
{
    json_t *one = json_pack("{s:s}", "id", "1"), *two = json_pack("{s:s,s:s}", "id", "1", "site", "n");
    const PushTarget targets[] = {
        {.binding = 0, .name = "a.b", .measurement = "m", .field = "v"},
        {.binding = 1, .name = "a.c", .measurement = "m", .field = "v", .tags = one},
        {.binding = 2, .name = "a.d", .measurement = "m", .field = "w", .tags = two},
        {.binding = 3, .name = "a.e"},
    };
    Push *push;
    require(push_create(targets, sizeof targets / sizeof *targets, &push) == ERR_OK);
    return push;
}

static void check_values(const PushValues *values, Err err, const ErrText *why)
{
    require(err ? values->count == 0 && why->text[0] : true);
    for (size_t i = 0; i < values->count; i++)
        require(values->items[i].binding < 4 && (isfinite(values->items[i].number) || values->items[i].quality == QUALITY_BAD));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static Push *push;
    if (!push)
        push = make_push();
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, bytes, size);
    text[size] = 0;
    check_lines(text);

    memcpy(text, bytes, size);
    PushValues values = {0};
    ErrText why = {""};
    check_values(&values, push_read_lines(push, text, 1, NULL, NULL, &values, &why), &why);
    values.count = 0;
    check_values(&values, push_read_json(push, (const char *)bytes, size, 1, &values, &why), &why);
    push_values_fini(&values);
    free(text);
    return 0;
}
