#include "signal/merge.h"

/* Put `child`, which is given up, into `object`. */
static bool put(json_t *object, const char *key, json_t *child)
{
    return child && json_object_set_new(object, key, child) == 0;
}

json_t *merge_patch(const json_t *target, const json_t *patch)
{
    if (!json_is_object(patch))
        return json_deep_copy(patch);
    // members that stay are shared with the target, which nobody changes
    json_t *merged = json_is_object(target) ? json_copy((json_t *)target) : json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)patch, key, value)
    {
        if (json_is_null(value)) {
            json_object_del(merged, key);
        } else if (!put(merged, key, merge_patch(json_object_get(merged, key), value))) {
            json_decref(merged);
            return NULL;
        }
    }
    return merged;
}

json_t *merge_delta(const json_t *wished, const json_t *is)
{
    json_t *delta = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)wished, key, value)
    {
        const json_t *there = json_object_get(is, key);
        if (there && merge_is_same(value, there))
            continue;
        const bool both = json_is_object(value) && json_is_object(there);
        json_t *member = both ? merge_delta(value, there) : json_deep_copy(value);
        // what is there besides is nobody's wish
        if (both && member && json_object_size(member) == 0) {
            json_decref(member);
        } else if (!put(delta, key, member)) {
            json_decref(delta);
            return NULL;
        }
    }
    return delta;
}

static bool are_arrays_same(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!merge_is_same(json_array_get(a, i), json_array_get(b, i)))
            return false;
    return true;
}

static bool are_objects_same(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        if (!other || !merge_is_same(value, other))
            return false;
    }
    return true;
}

bool merge_is_same(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) == json_integer_value(b);
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b);
    if (json_is_array(a) && json_is_array(b))
        return are_arrays_same(a, b);
    if (json_is_object(a) && json_is_object(b))
        return are_objects_same(a, b);
    return json_equal(a, b);
}

int merge_depth(const json_t *json)
{
    int deepest = 0;
    const char *key;
    json_t *value;
    size_t index;
    json_object_foreach((json_t *)json, key, value)
    {
        const int depth = merge_depth(value);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach(json, index, value)
    {
        const int depth = merge_depth(value);
        deepest = depth > deepest ? depth : deepest;
    }
    return json_is_object(json) || json_is_array(json) ? deepest + 1 : 0;
}

static int add_bytes(const char *bytes, size_t length, void *text)
{
    text_add(text, bytes, length);
    return 0;
}

void merge_write(Text *out, const json_t *json)
{
    if (json_dump_callback(json, add_bytes, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        out->failed = true;
}
