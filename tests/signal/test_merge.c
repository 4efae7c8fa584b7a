#include "signal/merge.h"

#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

static json_t *read_json(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &error);
    ck_assert_msg(json != NULL, "%s: %s", text, error.text);
    return json;
}

static void check_same(json_t *is, const char *expected)
{
    json_t *wanted = read_json(expected);
    char *text = json_dumps(is, JSON_ENCODE_ANY | JSON_COMPACT);
    ck_assert_msg(json_equal(is, wanted), "expected %s, got %s", expected, text);
    free(text);
    json_decref(wanted);
    json_decref(is);
}

/* The examples of RFC 7396, appendix A. */
static const struct {
    const char *target, *patch, *result;
} examples[] = {
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
};

START_TEST(patches_are_merged_as_the_standard_says_and_what_is_given_stays)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        json_t *target = read_json(examples[i].target), *patch = read_json(examples[i].patch);
        check_same(merge_patch(target, patch), examples[i].result);
        check_same(target, examples[i].target);
        check_same(patch, examples[i].patch);
    }
}
END_TEST

START_TEST(a_delta_is_what_is_wished_and_is_not_so)
{
    json_t *wished = read_json("{\"period\":2,\"gain\":{\"p\":1,\"i\":2},\"names\":[1,2],\"mode\":\"fast\"}");
    json_t *is = read_json("{\"period\":2.0,\"gain\":{\"p\":1.5,\"i\":2,\"d\":9},\"names\":[1,2],\"version\":\"7\"}");
    check_same(merge_delta(wished, is), "{\"gain\":{\"p\":1},\"mode\":\"fast\"}");
    check_same(merge_delta(is, is), "{}");
    json_decref(wished);
    json_decref(is);
}
END_TEST

START_TEST(a_delta_that_is_merged_leaves_no_delta)
{
    json_t *wished = read_json("{\"a\":{\"b\":{\"c\":1}},\"d\":[{\"e\":2}],\"f\":{}}"), *is = read_json("{\"a\":3,\"d\":[{\"e\":2.5}],\"g\":1}");
    json_t *delta = merge_delta(wished, is), *then = merge_patch(is, delta);
    check_same(merge_delta(wished, then), "{}");
    json_decref(wished);
    json_decref(is);
    json_decref(delta);
    json_decref(then);
}
END_TEST

START_TEST(depth_counts_objects_and_arrays)
{
    static const struct {
        const char *json;
        int depth;
    } cases[] = {{"1", 0}, {"{}", 1}, {"[[],1]", 2}, {"{\"a\":{\"b\":[1]},\"c\":2}", 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *json = read_json(cases[i].json);
        ck_assert_int_eq(merge_depth(json), cases[i].depth);
        json_decref(json);
    }
}
END_TEST

KIT_MAIN("signal.merge", patches_are_merged_as_the_standard_says_and_what_is_given_stays, a_delta_is_what_is_wished_and_is_not_so, a_delta_that_is_merged_leaves_no_delta,
         depth_counts_objects_and_arrays)
