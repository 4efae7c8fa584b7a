/* script.h -- Lua for authors: a sandbox, budgets, and errors that name file and line.
 *
 * Scripts get the pure parts of the standard library: no io, no os.execute, no load of bytecode, no debug. What runs
 * is bounded in instructions and in memory, and one that fails or runs away is stopped with an ErrText.
 *
 * Declarations are tables, and a Lua table does not know its line: script_blame finds it in the source, by the keys that lead there.
 *
 * Threads: a Script belongs to one thread at a time. */
#pragma once

#include <lua.h>

#include "base/base.h"

enum { SCRIPT_LOAD_INSTRUCTIONS = 200 * 1000 * 1000 };  // for running a whole script: fleets are made in loops

typedef struct Script Script;

/// A fresh sandbox of at most `memory_max` bytes.
Err script_create(size_t memory_max, Script **out, ErrText *why);
void script_destroy(Script *script);
lua_State *script_lua(Script *script);

/// Find the file of `name` ("tank": tank.lua; with an ending as it is) in one of `places`, folders relative to that of the file `beside`, in this order
/// (NULL-terminated, each "" or ending in a slash). False when none of them has one that can be read.
bool script_find(const char *beside, const char *const *places, const char *name, char *out, size_t size);
/// Run a file in the sandbox and leave its one return value on the stack. Errors name the file as `path` gives it.
Err script_run_file(Script *script, const char *path, size_t instructions_max, ErrText *why);
/// Run what another script ran last once more, from its source as it was then; it stays as it is, and may be another thread's.
Err script_run_again(Script *script, const Script *source, size_t instructions_max, ErrText *why);
/// What it prints goes nowhere from now on.
void script_mute(Script *script);
/// Let this JSON be what was run last, for script_blame: declarations may come from there too.
Err script_take_json(Script *script, const char *path, const char *text, size_t length, ErrText *why);
/// Hash of the source of the file that was run last.
uint64_t script_hash(const Script *script);
/// lua_pcall under a budget: the function and `arguments` are on the stack, `results` are left there (nothing on failure).
Err script_call(Script *script, int arguments, int results, size_t instructions_max, ErrText *why);

/// Instructions that the last script_call used, in whole thousands: what is below them hangs on when Lua looked for garbage.
size_t script_used(const Script *script);

typedef enum ScriptKind { SCRIPT_MODEL, SCRIPT_PLANT } ScriptKind;
/// Whether a file declares a model or a plant, by what it calls; SCRIPT_PLANT when it calls neither.
Err script_kind(const char *path, ScriptKind *out, ErrText *why);

/// Write "path:line: text" where line is that of `key` inside `section` (either may be NULL) in the file that was run last; returns ERR_SCRIPT.
Err script_blame(Script *script, ErrText *why, const char *section, const char *key, const char *format, ...) __attribute__((format(printf, 5, 6)));
/// The same where the key lies deeper: `keys` (NULL-terminated) lead there.
Err script_blame_path(Script *script, ErrText *why, const char *const *keys, const char *text);
/// Refuse a key that the table `section` of the file that was run last has twice, where Lua keeps the last without a word. ERR_SCRIPT, ERR_MEMORY.
Err script_refuse_twice(Script *script, const char *section, ErrText *why);
