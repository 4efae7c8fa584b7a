/* push.c -- a table of what is bound, by a hash over measurement, field and the values of tags.
 *
 * A line may carry more tags than a binding names, so a field is looked up once for each set of keys that bindings name; of such sets there are few. */
#include "connectors/http/push.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_ROOM = 160 };

struct Push {
    PushTarget *targets;
    size_t count;
    const json_t **key_sets;  // an object of each set of keys
    size_t key_set_count;
    uint32_t *slots;          // 1 + target, of lines; 0: free
    size_t slot_mask;
    const PushTarget **names;  // all of them, by name
};

void push_values_fini(PushValues *values)
{
    mem_free(values->items);
    *values = (PushValues){0};
}

static Err add_value(PushValues *values, PushValue value)
{
    if (values->count == values->room) {
        const size_t room = values->room ? 2 * values->room : 64;
        PushValue *items = mem_grow(values->items, values->room * sizeof *items, room * sizeof *items);
        if (!items)
            return ERR_MEMORY;
        values->items = items;
        values->room = room;
    }
    values->items[values->count++] = value;
    return ERR_OK;
}

// --- what is bound -------------------------------------------------------------------------------------------------

static uint64_t hash_text(uint64_t seed, const char *text)
{
    return hash_bytes(seed, text, strlen(text) + 1);
}

static uint64_t hash_target(const PushTarget *target, const json_t *keys)
{
    uint64_t hash = hash_text(hash_text(0, target->measurement), target->field);
    const char *key;
    json_t *unused;
    json_object_foreach((json_t *)keys, key, unused)
        hash = hash_text(hash, json_string_value(json_object_get(target->tags, key)));
    return hash;
}

/* The same of a line; false where it lacks one of the keys. */
static bool hash_field(const LinePoint *point, const char *field, const json_t *keys, uint64_t *out)
{
    uint64_t hash = hash_text(hash_text(0, point->measurement), field);
    const char *key;
    json_t *unused;
    json_object_foreach((json_t *)keys, key, unused) {
        const char *const value = line_tag(point, key);
        if (!value)
            return false;
        hash = hash_text(hash, value);
    }
    *out = hash;
    return true;
}

static bool has_same_keys(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *unused;
    json_object_foreach((json_t *)a, key, unused)
        if (!json_object_get(b, key))
            return false;
    return json_object_size(a) == json_object_size(b);
}

static const json_t *intern_keys(Push *push, const json_t *tags)
{
    for (size_t i = 0; i < push->key_set_count; i++)
        if (has_same_keys(push->key_sets[i], tags))
            return push->key_sets[i];
    return push->key_sets[push->key_set_count++] = tags;
}

static void enter_target(Push *push, size_t index)
{
    const PushTarget *const target = push->names[index] = &push->targets[index];
    if (!target->measurement)
        return;
    size_t slot = hash_target(target, intern_keys(push, target->tags)) & push->slot_mask;
    while (push->slots[slot])
        slot = (slot + 1) & push->slot_mask;
    push->slots[slot] = (uint32_t)index + 1;
}

static int by_name(const void *a, const void *b)
{
    const PushTarget *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

Err push_create(const PushTarget *targets, size_t count, Push **out)
{
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    Push *push = *out = mem_alloc(sizeof *push);
    if (!push)
        return ERR_MEMORY;
    push->targets = mem_alloc((count + 1) * sizeof *push->targets);
    push->key_sets = mem_alloc((count + 1) * sizeof *push->key_sets);
    push->names = mem_alloc((count + 1) * sizeof *push->names);
    push->slots = mem_alloc(slots * sizeof *push->slots);
    push->slot_mask = slots - 1;
    push->count = count;
    if (!push->targets || !push->key_sets || !push->names || !push->slots) {
        push_destroy(push);
        *out = NULL;
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        push->targets[i] = targets[i];
        enter_target(push, i);
    }
    if (count)
        qsort(push->names, count, sizeof *push->names, by_name);
    return ERR_OK;
}

void push_destroy(Push *push)
{
    if (!push)
        return;
    mem_free(push->targets);
    mem_free(push->key_sets);
    mem_free(push->names);
    mem_free(push->slots);
    mem_free(push);
}

// --- line protocol -------------------------------------------------------------------------------------------------

static bool is_meant(const PushTarget *target, const LinePoint *point, const char *field)
{
    const char *key;
    json_t *wanted;
    if (strcmp(target->measurement, point->measurement) != 0 || strcmp(target->field, field) != 0)
        return false;
    json_object_foreach((json_t *)target->tags, key, wanted) {
        const char *const value = line_tag(point, key);
        if (!value || strcmp(value, json_string_value(wanted)) != 0)
            return false;
    }
    return true;
}

/* Find the bindings of a field that name these keys, and give them its value. */
static Err match_keys(const Push *push, const LinePoint *point, const LineField *field, const json_t *keys, PushValues *values, bool *bound)
{
    uint64_t hash;
    if (!hash_field(point, field->key, keys, &hash))
        return ERR_OK;
    for (size_t slot = hash & push->slot_mask; push->slots[slot]; slot = (slot + 1) & push->slot_mask) {
        const PushTarget *const target = &push->targets[push->slots[slot] - 1];
        // one that names other keys is found by those
        if (!has_same_keys(target->tags, keys) || !is_meant(target, point, field->key))
            continue;
        *bound = true;
        const Err err = field->text ? ERR_PARSE : add_value(values, (PushValue){target->binding, field->number, point->time, QUALITY_GOOD});
        if (err)
            return err;
    }
    return ERR_OK;
}

static void tell_seen(const LinePoint *point, const LineField *field, PushSeen *seen, void *self)
{
    char address[SEEN_ROOM];
    size_t length = (size_t)snprintf(address, sizeof address, "%s", point->measurement);
    for (size_t i = 0; i < point->tag_count && length < sizeof address; i++)
        length += (size_t)snprintf(address + length, sizeof address - length, ",%s=%s", point->tags[i].key, point->tags[i].value);
    if (length < sizeof address)
        snprintf(address + length, sizeof address - length, " %s", field->key);
    seen(self, address, field->number);
}

static Err match_field(const Push *push, const LinePoint *point, const LineField *field, PushSeen *seen, void *self, PushValues *values)
{
    bool bound = false;
    for (size_t i = 0; i < push->key_set_count; i++) {
        const Err err = match_keys(push, point, field, push->key_sets[i], values, &bound);
        if (err)
            return err;
    }
    if (!bound && !field->text && seen)
        tell_seen(point, field, seen, self);
    return ERR_OK;
}

Err push_read_lines(const Push *push, char *text, int64_t precision, PushSeen *seen, void *self, PushValues *values, ErrText *why)
{
    const size_t before = values->count;
    Lines lines = lines_begin(text, precision);
    LinePoint point;
    Err err = ERR_OK;
    while (!err && lines_next(&lines, &point, why))
        for (size_t i = 0; i < point.field_count && !err; i++) {
            const LineField *const field = &point.fields[i];
            err = match_field(push, &point, field, seen, self, values);
            if (err == ERR_PARSE)
                err_set(why, err, "line %zu, field \"%.60s\": a number was expected, it is bound", lines.line, field->key);
            else if (err)
                err_set(why, err, "no memory");
        }
    if (!err && why->text[0])
        err = ERR_PARSE;
    if (err)
        values->count = before;
    return err;
}

// --- JSON ----------------------------------------------------------------------------------------------------------

static const PushTarget *find_name(const Push *push, const char *name)
{
    const PushTarget key = {.name = name}, *const wanted = &key;
    const PushTarget *const *found = name && push->count ? bsearch(&wanted, push->names, push->count, sizeof *push->names, by_name) : NULL;
    return found ? *found : NULL;
}

static bool read_number(const json_t *value, double *out)
{
    *out = json_is_null(value) ? NAN : json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
    return json_is_null(value) || json_is_boolean(value) || json_is_number(value);
}

static bool read_time(const json_t *time, int64_t precision, int64_t *out)
{
    *out = TIME_NONE;
    if (!time)
        return true;
    if (json_is_string(time))
        return time_parse(json_string_value(time), json_string_length(time), out);
    return json_is_integer(time) && !__builtin_mul_overflow((int64_t)json_integer_value(time), precision, out) && *out != TIME_NONE;
}

static bool read_quality(const json_t *quality, Quality *out)
{
    *out = QUALITY_GOOD;
    return !quality || (json_is_string(quality) && quality_parse(json_string_value(quality), out));
}

static Err read_sample(const Push *push, const json_t *sample, size_t index, int64_t precision, PushValue *out, ErrText *why)
{
    const char *const tag = json_string_value(json_object_get(sample, "tag"));
    const PushTarget *const target = find_name(push, tag);
    const char *wrong = NULL;
    if (!tag)
        wrong = "tag: a name was expected";
    else if (!target)
        return err_set(why, ERR_PARSE, "samples[%zu].tag: \"%.60s\" is not bound to this connector", index, tag);
    else if (!read_number(json_object_get(sample, "value"), &out->number))
        wrong = "value: a number, true, false or null was expected";
    else if (!read_time(json_object_get(sample, "time"), precision, &out->time))
        wrong = "time: RFC 3339 or a whole number was expected";
    else if (!read_quality(json_object_get(sample, "quality"), &out->quality))
        wrong = "quality: good, uncertain or bad was expected";
    if (wrong)
        return err_set(why, ERR_PARSE, "samples[%zu].%s", index, wrong);
    out->binding = target->binding;
    if (isnan(out->number))
        out->quality = QUALITY_BAD;
    return ERR_OK;
}

static Err read_samples(const Push *push, const json_t *document, int64_t precision, PushValues *values, ErrText *why)
{
    const json_t *const samples = json_is_object(document) ? json_object_get(document, "samples") : document;
    if (!json_is_array(samples))
        return err_set(why, ERR_PARSE, "an array of samples was expected, or an object with one as \"samples\"");
    Err err = ERR_OK;
    for (size_t i = 0; i < json_array_size(samples) && !err; i++) {
        PushValue value = {0};
        err = read_sample(push, json_array_get(samples, i), i, precision, &value, why);
        if (!err && add_value(values, value))
            err = err_set(why, ERR_MEMORY, "no memory");
    }
    return err;
}

Err push_read_json(const Push *push, const char *bytes, size_t length, int64_t precision, PushValues *values, ErrText *why)
{
    json_error_t error;
    const size_t before = values->count;
    json_t *document = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        return err_set(why, ERR_PARSE, "JSON was expected: line %d: %s", error.line, error.text);
    const Err err = read_samples(push, document, precision, values, why);
    if (err)
        values->count = before;
    json_decref(document);
    return err;
}
