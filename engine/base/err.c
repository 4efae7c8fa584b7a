/* err.c -- texts of errors.
 *
 * A text is made in a buffer of its own first: what is formatted may well be the text that stands there already. */
#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *err_name(Err err)
{
    static const char *const names[] = {
#define X(name, text) text,
        ERR_LIST(X)
#undef X
    };
    return (unsigned)err < ERR_COUNT ? names[err] : "unknown error";
}

Err err_set(ErrText *why, Err err, const char *format, ...)
{
    assert(format);
    if (!why)
        return err;

    ErrText fresh;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fresh.text, sizeof fresh.text, format, arguments);
    va_end(arguments);
    memcpy(why->text, fresh.text, strlen(fresh.text) + 1);
    return err;
}

Err err_prefix(ErrText *why, Err err, const char *format, ...)
{
    assert(format);
    if (!why)
        return err;

    ErrText fresh;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fresh.text, sizeof fresh.text, format, arguments);
    va_end(arguments);

    // a prefix that leaves no room pushes the end of the old text out
    const size_t room = sizeof fresh.text - 1;
    size_t length = strlen(fresh.text);
    for (const char *rest = ": "; *rest && length < room; rest++)
        fresh.text[length++] = *rest;
    for (const char *rest = why->text; *rest && length < room; rest++)
        fresh.text[length++] = *rest;
    fresh.text[length] = 0;
    memcpy(why->text, fresh.text, length + 1);
    return err;
}
