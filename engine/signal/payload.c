#include "signal/payload.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 64 };

// Pointers.

/* Take the next level off a pointer into `key`, with ~1 and ~0 as the / and ~ that they stand for. False: it is too long. */
static bool next_key(const char **pointer, char key[static PAYLOAD_KEY_MAX])
{
    assert(**pointer == '/');
    size_t length = 0;
    const char *at = *pointer + 1;
    for (; *at && *at != '/'; at++) {
        if (length + 1 == PAYLOAD_KEY_MAX)
            return false;
        const bool escaped = *at == '~' && (at[1] == '0' || at[1] == '1');
        key[length++] = escaped ? "~/"[at[1] - '0'] : *at;
        at += escaped;
    }
    key[length] = 0;
    *pointer = at;
    return true;
}

bool payload_is_pointer(const char *pointer)
{
    char key[PAYLOAD_KEY_MAX];
    while (*pointer)
        if (*pointer != '/' || !next_key(&pointer, key))
            return false;
    return true;
}

/* Of an array: digits without a leading 0. */
static const json_t *item_at(const json_t *array, const char *key)
{
    const size_t digits = strspn(key, "0123456789");
    if (!digits || digits > 6 || key[digits] || (*key == '0' && digits > 1))
        return NULL;
    return json_array_get(array, (size_t)atoi(key));
}

const json_t *payload_at(const json_t *document, const char *pointer)
{
    char key[PAYLOAD_KEY_MAX];
    while (document && *pointer) {
        if (*pointer != '/' || !next_key(&pointer, key))
            return NULL;
        document = json_is_array(document) ? item_at(document, key) : json_object_get(document, key);
    }
    return document;
}

// Reading.

static bool skip_digits(const char **at)
{
    const char *first = *at;
    while (isdigit((unsigned char)**at))
        (*at)++;
    return *at > first;
}

/* The grammar of JSON: number_parse reads what it allows. */
static bool is_number(const char *at)
{
    at += *at == '-';
    if (*at == '0' && isdigit((unsigned char)at[1]))
        return false;
    if (!skip_digits(&at) || (*at == '.' && (at++, !skip_digits(&at))))
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        if (!skip_digits(&at))
            return false;
    }
    return !*at;
}

Err payload_read_number(const char *bytes, size_t length, double *out, ErrText *why)
{
    char text[NUMBER_MAX];
    while (length && isspace((unsigned char)*bytes))
        bytes++, length--;
    while (length && isspace((unsigned char)bytes[length - 1]))
        length--;
    if (length >= sizeof text)
        return err_set(why, ERR_PARSE, "a number was expected, not %zu bytes", length);
    memcpy(text, bytes, length);
    text[length] = 0;

    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return *out = *text == 't', ERR_OK;
    if (strlen(text) != length || !is_number(text))
        return err_set(why, ERR_PARSE, "a number was expected");
    *out = number_parse(text);
    return isfinite(*out) ? ERR_OK : err_set(why, ERR_RANGE, "the number is too large");
}

Err payload_parse(const char *bytes, size_t length, json_t **out, ErrText *why)
{
    json_error_t error;
    *out = NULL;
    if (length > PAYLOAD_MAX)
        return err_set(why, ERR_RANGE, "%zu bytes, more than %d", length, PAYLOAD_MAX);
    *out = json_loadb(bytes ? bytes : "", length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    return *out ? ERR_OK : err_set(why, ERR_PARSE, "JSON was expected: %s", error.text);
}

bool payload_is_meant(const PayloadForm *form, const json_t *document)
{
    const char *pointer;
    json_t *wanted;
    if (form->where)
        json_object_foreach((json_t *)form->where, pointer, wanted) {
            const json_t *found = payload_at(document, pointer);
            const bool are_numbers = json_is_number(wanted) && json_is_number(found);
            if (are_numbers ? json_number_value(wanted) != json_number_value(found) : !found || !json_equal(wanted, found))
                return false;
        }
    return true;
}

static Err pick_number(const PayloadForm *form, const json_t *document, double *out, ErrText *why)
{
    const json_t *found = payload_at(document, form->value);
    if (!found)
        return err_set(why, ERR_PARSE, "nothing stands at \"%s\"", form->value);
    if (json_is_null(found))
        return *out = NAN, ERR_OK;
    if (json_is_boolean(found))
        return *out = json_is_true(found), ERR_OK;
    if (json_is_string(found))
        return payload_read_number(json_string_value(found), json_string_length(found), out, why);
    if (!json_is_number(found))
        return err_set(why, ERR_PARSE, "a number was expected at \"%s\"", form->value);
    *out = json_number_value(found);
    return ERR_OK;
}

/* From a count of `unit` since 1970. */
static bool count_time(const json_t *count, int64_t unit, int64_t *out)
{
    if (json_is_integer(count))
        return !__builtin_mul_overflow((int64_t)json_integer_value(count), unit, out);
    const double ns = json_real_value(count) * (double)unit;
    if (!(fabs(ns) < 0x1p63))
        return false;
    *out = (int64_t)ns;
    return true;
}

static Err pick_time(const PayloadForm *form, const json_t *document, int64_t *out, ErrText *why)
{
    *out = TIME_NONE;
    const json_t *found = form->stamp ? payload_at(document, form->stamp) : NULL;
    if (!found || json_is_null(found))
        return ERR_OK;
    const bool read = json_is_string(found) ? time_parse(json_string_value(found), json_string_length(found), out)
                                            : form->stamp_ns && json_is_number(found) && count_time(found, form->stamp_ns, out);
    return read ? ERR_OK : err_set(why, ERR_PARSE, "a time was expected at \"%s\"", form->stamp);
}

/* A quality as a key of `qualities`: 192 as "192". */
static const char *quality_word(const json_t *found, char word[static 32])
{
    if (json_is_string(found))
        return json_string_value(found);
    if (json_is_boolean(found))
        return json_is_true(found) ? "true" : "false";
    if (!json_is_number(found))
        return "";
    number_format(json_number_value(found), word);
    return word;
}

/* What is not among the words is not trusted. */
static Quality pick_quality(const PayloadForm *form, const json_t *document)
{
    char word[32];
    Quality quality = QUALITY_BAD;
    const json_t *found = form->quality ? payload_at(document, form->quality) : NULL;
    if (!form->quality)
        return QUALITY_GOOD;
    const char *said = quality_word(found, word);
    const char *meant = form->qualities ? json_string_value(json_object_get(form->qualities, said)) : strcmp(said, "true") == 0 ? "good" : said;
    return meant && quality_parse(meant, &quality) ? quality : QUALITY_BAD;
}

Err payload_pick(const PayloadForm *form, const json_t *document, PayloadValue *out, ErrText *why)
{
    assert(form->json);
    Err err = pick_number(form, document, &out->number, why);
    if (!err)
        err = pick_time(form, document, &out->time, why);
    out->quality = err || isnan(out->number) ? QUALITY_BAD : pick_quality(form, document);
    return err;
}

// Writing.

/* The object to which the last key of `pointer` belongs, made on the way; that key is left in `key`. NULL: something else stands in the way. */
static json_t *make_way(json_t *root, const char *pointer, char key[static PAYLOAD_KEY_MAX])
{
    json_t *at = root;
    while (at && json_is_object(at) && *pointer && next_key(&pointer, key)) {
        if (!*pointer)
            return at;
        json_t *inner = json_object_get(at, key);
        if (!inner && json_object_set_new(at, key, inner = json_object()))
            return NULL;
        at = inner;
    }
    return NULL;
}

/* Takes the reference to `value`. False: the place is taken, or there is no memory. */
static bool put_at(json_t *root, const char *pointer, json_t *value)
{
    char key[PAYLOAD_KEY_MAX];
    json_t *parent = make_way(root, pointer, key);
    if (parent && !json_object_get(parent, key))
        return json_object_set_new(parent, key, value) == 0;
    json_decref(value);
    return false;
}

/* Whole numbers without a point. */
static json_t *make_number(double number)
{
    return number == trunc(number) && fabs(number) < 0x1p53 ? json_integer((json_int_t)number) : json_real(number);
}

static json_t *make_time(const PayloadForm *form, int64_t time)
{
    char text[32];
    if (form->stamp_ns)
        return json_integer(time / form->stamp_ns);
    time_format(time, text);
    return json_string(text);
}

/* The word for a value that is good. */
static const char *good_word(const PayloadForm *form)
{
    const char *word;
    json_t *meaning;
    if (form->qualities)
        json_object_foreach((json_t *)form->qualities, word, meaning)
            if (json_is_string(meaning) && strcmp(json_string_value(meaning), quality_name(QUALITY_GOOD)) == 0)
                return word;
    return quality_name(QUALITY_GOOD);
}

static bool put_all(const PayloadForm *form, const PayloadNews *news, json_t *root)
{
    const char *pointer;
    json_t *wanted;
    bool done = put_at(root, form->value, make_number(news->number));
    if (form->stamp && news->time != TIME_NONE)
        done &= put_at(root, form->stamp, make_time(form, news->time));
    if (form->quality)
        done &= put_at(root, form->quality, json_string(good_word(form)));
    if (form->id && news->id)
        done &= put_at(root, form->id, json_integer((json_int_t)news->id));
    if (form->where)
        json_object_foreach((json_t *)form->where, pointer, wanted)
            done &= put_at(root, pointer, json_incref(wanted));
    return done;
}

/* As few digits as read back as the same number, in all of the document. */
static size_t find_precision(double number)
{
    char text[40];
    size_t digits = 15;
    for (; digits < 17; digits++) {
        snprintf(text, sizeof text, "%.*g", (int)digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    return digits;
}

Err payload_write(const PayloadForm *form, const PayloadNews *news, Text *out)
{
    if (!form->json || !*form->value) {
        text_json_number(out, news->number);
        return out->failed ? ERR_MEMORY : ERR_OK;
    }
    json_t *root = json_object();
    const bool done = root && put_all(form, news, root);
    char *text = done ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(find_precision(news->number))) : NULL;
    if (text)
        text_put(out, text);
    free(text);
    json_decref(root);
    return done ? (text && !out->failed ? ERR_OK : ERR_MEMORY) : ERR_RANGE;
}

// What a script says of it.

static const char *const kinds[] = {"number", "json", NULL};
static const char *const stamp_units[] = {"text", "s", "ms", "us", "ns", NULL};
static const int64_t stamp_ns[] = {0, NS_PER_S, NS_PER_MS, 1000, 1};

const char *payload_pointer_read(Options *entry, const char *key, const char *fallback)
{
    const json_t *said = json_object_get(entry->object, key);
    if (json_is_string(said) && !*json_string_value(said))
        return "";
    const char *pointer = options_text(entry, key, fallback);
    if (pointer && !payload_is_pointer(pointer))
        options_fail(entry, key, "a JSON pointer was expected, for example \"/level\"");
    return pointer;
}

static const json_t *read_table(Options *entry, const char *key)
{
    const json_t *table = json_object_get(entry->object, key);
    if (table && !json_is_object(table))
        options_fail(entry, key, "a table was expected");
    return table;
}

static const json_t *read_qualities(Options *entry)
{
    const json_t *table = read_table(entry, "qualities");
    const char *word;
    json_t *meaning;
    Quality quality;
    if (table && !entry->err)
        json_object_foreach((json_t *)table, word, meaning)
            if (!json_is_string(meaning) || !quality_parse(json_string_value(meaning), &quality))
                options_fail(entry, "qualities", "\"good\", \"uncertain\" or \"bad\" was expected for \"%s\"", word);
    return table;
}

static const json_t *read_where(Options *entry)
{
    const json_t *table = read_table(entry, "where");
    const char *pointer;
    json_t *wanted;
    if (table && !entry->err)
        json_object_foreach((json_t *)table, pointer, wanted)
            if (!*pointer || !payload_is_pointer(pointer) || json_is_object(wanted) || json_is_array(wanted))
                options_fail(entry, "where", "JSON pointers with a text, a number or a flag were expected, for example { [\"/device\"] = \"tank1\" }");
    return table;
}

PayloadForm payload_form_read(Options *entry)
{
    static const char *const json_keys[] = {"value", "stamp", "stamp_unit", "quality", "qualities", "where", NULL};
    PayloadForm form = {.json = options_choice(entry, "payload", kinds, 0) == 1, .value = ""};
    for (size_t i = 0; json_keys[i] && !form.json; i++)
        if (options_has(entry, json_keys[i]))
            options_fail(entry, json_keys[i], "this is of payload = \"json\"");
    if (!form.json)
        return form;
    form.value = payload_pointer_read(entry, "value", "");
    form.stamp = payload_pointer_read(entry, "stamp", NULL);
    form.stamp_ns = stamp_ns[options_choice(entry, "stamp_unit", stamp_units, 0)];
    form.quality = payload_pointer_read(entry, "quality", NULL);
    form.qualities = read_qualities(entry);
    form.where = read_where(entry);
    return form;
}
