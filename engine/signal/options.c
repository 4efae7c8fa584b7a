#include "signal/options.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Options options_begin(const json_t *object, const char *what)
{
    Options options = {.object = object, .what = what};
    if (!json_is_object(object))
        options_fail(&options, "", "a table was expected");
    return options;
}

void options_fail(Options *options, const char *key, const char *format, ...)
{
    if (options->err)
        return;
    char text[sizeof options->why.text / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    snprintf(options->blamed, sizeof options->blamed, "%s", key);
    options->err = err_set(&options->why, ERR_SCRIPT, "%s%s%s: %s", options->what, *key ? "." : "", key, text);
}

static bool is_listed(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

typedef struct Listing {
    char text[400];
    size_t length;
} Listing;

static void list_names(Listing *listing, const char *const *names)
{
    for (; names && *names && listing->length < sizeof listing->text; names++)
        listing->length += (size_t)snprintf(listing->text + listing->length, sizeof listing->text - listing->length, "%s%s", listing->length ? ", " : "",
                                            *names);
}

void options_only(Options *options, const char *const *known, const char *const *shared)
{
    if (options->err)
        return;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)options->object, key, value) {
        if (is_listed(known, key) || is_listed(shared, key))
            continue;
        Listing listing = {0};
        list_names(&listing, known);
        list_names(&listing, shared);
        options_fail(options, key, "no such key; one of these was expected: %s", listing.text);
        return;
    }
}

/* NULL where the key is absent or nothing is read any more. */
static const json_t *find(const Options *options, const char *key)
{
    return options->err ? NULL : json_object_get(options->object, key);
}

bool options_has(const Options *options, const char *key)
{
    return find(options, key);
}

double options_number(Options *options, const char *key, double fallback, double min, double max)
{
    const json_t *value = find(options, key);
    if (!value)
        return fallback;
    const double number = json_number_value(value);
    if (json_is_number(value) && number >= min && number <= max && isfinite(number))
        return number;

    if (isinf(min) && isinf(max))
        options_fail(options, key, "a finite number was expected");
    else if (isinf(max))
        options_fail(options, key, "a number of at least %g was expected", min);
    else
        options_fail(options, key, "a number between %g and %g was expected", min, max);
    return fallback;
}

/* Scripts have one kind of number: 4.0 is an integer too. */
static bool read_integer(const json_t *value, int64_t *out)
{
    *out = json_integer_value(value);
    if (json_is_integer(value))
        return true;
    const double number = json_real_value(value);
    if (!json_is_real(value) || number != trunc(number) || fabs(number) >= 0x1p63)
        return false;
    *out = (int64_t)number;
    return true;
}

int64_t options_integer(Options *options, const char *key, int64_t fallback, int64_t min, int64_t max)
{
    const json_t *value = find(options, key);
    if (!value)
        return fallback;
    int64_t number;
    if (read_integer(value, &number) && number >= min && number <= max)
        return number;
    options_fail(options, key, "an integer from %lld to %lld was expected", (long long)min, (long long)max);
    return fallback;
}

bool options_flag(Options *options, const char *key, bool fallback)
{
    const json_t *value = find(options, key);
    if (!value)
        return fallback;
    if (!json_is_boolean(value))
        options_fail(options, key, "true or false was expected");
    return json_is_true(value);
}

const char *options_text(Options *options, const char *key, const char *fallback)
{
    const json_t *value = find(options, key);
    if (!value)
        return fallback;
    const char *text = json_string_value(value);
    if (text && *text && strlen(text) == json_string_length(value))
        return text;
    options_fail(options, key, "a text was expected");
    return fallback;
}

int options_choice(Options *options, const char *key, const char *const *names, int fallback)
{
    const json_t *value = find(options, key);
    if (!value)
        return fallback;
    const char *text = json_string_value(value);
    for (int i = 0; text && names[i]; i++)
        if (strcmp(names[i], text) == 0)
            return i;

    Listing listing = {0};
    list_names(&listing, names);
    options_fail(options, key, "one of these was expected: %s", listing.text);
    return fallback;
}

const char *options_secret(Options *options, const char *key)
{
    const char *text = options_text(options, key, NULL);
    if (!text || *text != '$')
        return text;
    const char *secret = getenv(text + 1);
    if (!secret || !*secret)
        options_fail(options, key, "the environment has no %s", text + 1);
    return secret && *secret ? secret : NULL;
}
