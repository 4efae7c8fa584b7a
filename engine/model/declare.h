/* declare.h -- reading what a script declares: tables of named entries, checked key by key.
 *
 * A Declaration is a cursor on one entry, `section = { key = { first, second, name = ... } }`, whose table is at `index` of the
 * stack. Readers note the first error and do nothing from then on, so a caller reads all it needs and looks at `err` once. */
#pragma once

#include "model/script.h"
#include "signal/unit.h"

typedef struct Declaration {
    Script *script;
    int index;  // absolute, of the entry's table
    const char *section, *key;
    Err err;
    ErrText *why;
} Declaration;

/// An unknown key is an error that lists `known` (NULL-terminated). Array elements are allowed up to `elements`.
void declare_only(Declaration *entry, const char *const *known, int elements);
/// Numbers and texts by name; `fallback` when absent.
double declare_number(Declaration *entry, const char *name, double fallback);
bool declare_flag(Declaration *entry, const char *name, bool fallback);
const char *declare_text(Declaration *entry, const char *name, const char *fallback);
/// The N-th array element.
double declare_number_at(Declaration *entry, int n, double fallback);
const char *declare_text_at(Declaration *entry, int n, const char *fallback);
/// The unit spelt by the N-th element; "1" is the unit of plain numbers. An absent unit is an error: units stand on everything.
const Unit *declare_unit_at(Declaration *entry, int n);
/// The unit spelt by the text `name`; `fallback` when absent, or not understood.
const Unit *declare_unit(Declaration *entry, const char *name, const Unit *fallback);
/// Note an error at this entry, unless there is one already.
void declare_fail(Declaration *entry, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Let scripts say `word "name" { ... }`: that is the table, with `name` in it. A name that `is_identifier` is checked by declare_is_name.
void declare_word(lua_State *lua, const char *word, bool is_identifier);
/// The keys of the table at `index`, sorted by name (Lua's own order differs from run to run), copied to `arena`. ERR_SCRIPT when one is not a text.
Err declare_keys(Script *script, int index, const char *section, Arena *arena, const char ***keys, size_t *count, ErrText *why);
/// Whether `name` can be a part of a tag: a letter, then letters, digits and underscores, at most 48.
bool declare_is_name(const char *name);
