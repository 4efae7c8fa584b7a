#include "model/keys.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// --- a key's line --------------------------------------------------------------------------------------------------

/* The first place from `at` on where `word` stands as a whole word with `=` (or `]=`, for ["word"]; of JSON `:`) behind it; NULL when there is none. */
static const char *find_key(const char *at, const char *word, char assigns)
{
    const size_t length = strlen(word);
    for (const char *found = at; (found = strstr(found, word)); found++) {
        const char before = found == at ? ' ' : found[-1];
        const char *after = found + length;
        if (isalnum((unsigned char)before) || before == '_')
            continue;
        after += strspn(after, "\"'] \t");
        if (after[0] == assigns && after[1] != assigns)
            return found;
    }
    return NULL;
}

static int line_at(const char *source, const char *at)
{
    int line = 1;
    for (const char *c = source; c < at; c++)
        line += *c == '\n';
    return line;
}

int keys_line(const char *source, const char *const *keys, char assigns)
{
    const char *at = source;
    for (; *keys; keys++) {
        const char *found = find_key(at, *keys, assigns);
        at = found ? found : at;
    }
    return line_at(source, at);
}

// --- keys that are there twice -------------------------------------------------------------------------------------

typedef struct Key {
    const char *name;
    size_t length;
} Key;

/* How many = stand between the brackets of a long one, [==[; -1 when it is none. */
static int long_bracket(const char *at)
{
    const size_t level = *at == '[' ? strspn(at + 1, "=") : 0;
    return *at == '[' && at[1 + level] == '[' ? (int)level : -1;
}

static const char *skip_long(const char *at, int level)
{
    for (at += level + 2; *at; at++)
        if (*at == ']' && (int)strspn(at + 1, "=") == level && at[1 + level] == ']')
            return at + level + 2;
    return at;
}

static const char *skip_quoted(const char *at)
{
    const char quote = *at++;
    while (*at && *at != quote)
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

/* Behind the text or the comment at `at`; `at` itself when none begins there. */
static const char *skip_opaque(const char *at)
{
    const bool comment = at[0] == '-' && at[1] == '-';
    const char *body = comment ? at + 2 : at;
    const int level = long_bracket(body);
    if (level >= 0)
        return skip_long(body, level);
    if (comment)
        return at + strcspn(at, "\n");
    return *at == '"' || *at == '\'' ? skip_quoted(at) : at;
}

static const char *skip_space(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n");
        if (at[0] != '-' || at[1] != '-')
            return at;
        at = skip_opaque(at);
    }
}

/* The key `name =` or `["name"] =` at `at`; without a name when there is none. */
static Key read_key(const char *at)
{
    const bool bracket = at[0] == '[' && (at[1] == '"' || at[1] == '\'');
    const char *name = bracket ? at + 2 : at, *behind;
    size_t length = 0;
    if (bracket) {
        behind = skip_quoted(at + 1);
        length = (size_t)(behind - 1 - name);
        behind = skip_space(behind);
        behind += *behind == ']';
    } else {
        while (isalnum((unsigned char)name[length]) || name[length] == '_')
            length++;
        behind = name + length;
    }
    behind = skip_space(behind);
    return length > 0 && behind[0] == '=' && behind[1] != '=' ? (Key){name, length} : (Key){0};
}

/* The keys of the table whose brace is at `at` into `out` (NULL: they are counted). */
static size_t list_keys(const char *at, Key *out)
{
    size_t count = 0;
    int depth = 0;
    while (*at) {
        const char *behind = skip_opaque(at);
        const bool begins = depth == 0 || (depth == 1 && (*at == ',' || *at == ';'));
        depth += strchr("{(", *at) ? 1 : strchr("})", *at) ? -1 : 0;
        if (behind == at && depth == 0)
            return count;
        if (begins && behind == at) {
            at = skip_space(at + 1);
            const Key key = read_key(at);
            if (key.name && out)
                out[count] = key;
            count += key.name != NULL;
            if (key.name)
                at = key.name + key.length + (key.name[-1] == '"' || key.name[-1] == '\'');
        } else
            at = behind == at ? at + 1 : behind;
    }
    return count;
}

/* By name, then as they stand. */
static int compare_keys(const void *a, const void *b)
{
    const Key *x = a, *y = b;
    const int order = memcmp(x->name, y->name, x->length < y->length ? x->length : y->length);
    if (order || x->length != y->length)
        return order ? order : x->length < y->length ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

static void find_twice(const char *source, Key *keys, size_t count, KeyTwice *out)
{
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count && !out->name; i++)
        if (keys[i].length == keys[i - 1].length && memcmp(keys[i].name, keys[i - 1].name, keys[i].length) == 0)
            *out = (KeyTwice){keys[i].name, (int)keys[i].length, line_at(source, keys[i - 1].name), line_at(source, keys[i].name)};
}

Err keys_find_twice(const char *source, const char *section, KeyTwice *out)
{
    *out = (KeyTwice){0};
    const char *found = find_key(source, section, '=');
    const char *table = found ? found + strlen(section) : NULL;
    if (table)
        table = skip_space(table + strspn(table, "\"'] \t="));
    if (!table || *table != '{')
        return ERR_OK;

    const size_t count = list_keys(table, NULL);
    Key *keys = mem_alloc((count + 1) * sizeof *keys);
    if (!keys)
        return ERR_MEMORY;
    list_keys(table, keys);
    find_twice(source, keys, count, out);
    mem_free(keys);
    return ERR_OK;
}
