#include <lauxlib.h>
#include <stdlib.h>

#include "model/scripts.h"

enum { BUDGET = 10 * 1000 * 1000, MEMORY = 64 << 20 };

/* Run a script; its result is on the stack of the Script that is returned. */
static Err run_bytes(const void *bytes, size_t size, Script **out, const char **path, ErrText *why)
{
    *path = scripts_write_bytes("script.lua", bytes, size);
    ck_assert_int_eq(script_create(MEMORY, out, why), ERR_OK);
    return script_run_file(*out, *path, BUDGET, why);
}

/* The script must fail at `line` with `expected` in its text, and its sandbox must be fit for use afterwards. */
static void expect_failure(const char *text, int line, const char *expected)
{
    Script *script;
    const char *path;
    ErrText why = {""};
    ck_assert_int_eq(run_bytes(text, strlen(text), &script, &path, &why), ERR_SCRIPT);
    if (line)
        scripts_expect(&why, path, line, expected);
    else
        ck_assert_msg(strstr(why.text, expected), "expected \"%s\" in \"%s\"", expected, why.text);

    ck_assert_int_eq(lua_gettop(script_lua(script)), 0);
    ck_assert_int_eq(script_run_file(script, scripts_write("next.lua", "return 1 + 1"), BUDGET, &why), ERR_OK);
    ck_assert_int_eq(lua_tointeger(script_lua(script), -1), 2);
    script_destroy(script);
}

static void expect_true(const char *text)
{
    Script *script;
    const char *path;
    ErrText why = {""};
    ck_assert_msg(run_bytes(text, strlen(text), &script, &path, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(lua_toboolean(script_lua(script), -1), "not true: %s", text);
    script_destroy(script);
}

START_TEST(an_endless_loop_is_stopped)
{
    expect_failure("local n = 0\nwhile true do n = n + 1 end", 2, "runs too long");
    expect_failure("for i = 1, math.huge do end", 1, "runs too long");
    expect_failure("::again:: goto again", 1, "runs too long");
}
END_TEST

START_TEST(a_memory_bomb_is_stopped)
{
    expect_failure("local t = {} for i = 1, 1e9 do t[i] = { i } end", 0, "script.lua");
    expect_failure("local s = 'x' while true do s = s .. s end", 0, "uses more than its 64 MiB of memory");
    expect_failure("return string.rep('x', 1e9)", 0, "uses more than its 64 MiB of memory");
}
END_TEST

START_TEST(memory_that_is_only_passed_through_costs_instructions)
{
    // each round makes and drops 8 MiB: a handful of instructions that would take hours
    expect_failure("for i = 1, 1e5 do local s = string.rep('x', 8 * 1024 * 1024) end", 0, "runs too long");
}
END_TEST

START_TEST(deep_recursion_is_stopped)
{
    expect_failure("local function f(n)\n  return 1 + f(n + 1)\nend\nreturn f(1)", 2, "stack overflow");
}
END_TEST

START_TEST(deeply_nested_source_is_refused)
{
    enum { DEPTH = 20000 };
    static char text[2 * DEPTH + 16];
    memcpy(text, "return ", 7);
    memset(text + 7, '(', DEPTH);
    text[7 + DEPTH] = '1';
    memset(text + 8 + DEPTH, ')', DEPTH);
    expect_failure(text, 0, "script.lua: C stack overflow");
}
END_TEST

static int keep_bytes(lua_State *lua, const void *bytes, size_t size, void *out)
{
    (void)lua;
    Text *text = out;
    text_add(text, bytes, size);
    return 0;
}

START_TEST(bytecode_is_refused)
{
    Text code = {0};
    lua_State *lua = luaL_newstate();
    ck_assert_int_eq(luaL_loadstring(lua, "return 42"), LUA_OK);
    ck_assert_int_eq(lua_dump(lua, keep_bytes, &code, 0), 0);
    lua_close(lua);

    Script *script;
    const char *path;
    ErrText why = {""};
    ck_assert_int_eq(run_bytes(code.bytes, code.length, &script, &path, &why), ERR_SCRIPT);
    ck_assert_msg(strstr(why.text, path) == why.text && strstr(why.text, "attempt to load a binary chunk"), "%s", why.text);
    script_destroy(script);
    text_fini(&code);
}
END_TEST

START_TEST(what_reaches_outside_is_absent)
{
    static const char *const names[] = {"io", "os", "load", "loadfile", "loadstring", "dofile", "require", "package", "debug", "collectgarbage", "coroutine", "xpcall",
                                        "string.dump", "math.random", "math.randomseed", "rawset", "setmetatable"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[64];
        snprintf(text, sizeof text, "return %s == nil", names[i]);
        expect_true(text);
    }
}
END_TEST

START_TEST(pure_functions_are_there)
{
    expect_true("return math.floor(2.5) == 2 and ('a-b'):upper() == 'A-B' and table.concat({ 1, 2 }, ',') == '1,2' and select('#', 1, 2) == 2");
    expect_true("return ('tank12.level'):match('^(%a+)(%d+)%.') == 'tank' and ('a,b'):gsub(',', ';') == 'a;b' and ('abc'):find('b', 1, true) == 2");
    expect_true("local n = 0 for word in ('one two three'):gmatch('%a+') do n = n + 1 end return n == 3");
    expect_true("local t = table.move({ 1, 2, 3 }, 1, 3, 2) return t[4] == 3 and ('ab'):rep(3, '-') == 'ab-ab-ab'");
}
END_TEST

START_TEST(the_metatable_of_strings_is_locked)
{
    expect_true("return getmetatable('') == 'locked'");
}
END_TEST

START_TEST(pcall_catches_errors)
{
    expect_true("local ok, text = pcall(error, 'no', 0) return not ok and text == 'no'");
    expect_true("local ok, a, b = pcall(function(x) return x, 2 end, 1) return ok and a == 1 and b == 2");
}
END_TEST

START_TEST(pcall_cannot_swallow_the_budget)
{
    expect_failure("while true do\n  pcall(function() while true do end end)\nend", 2, "runs too long");
    expect_failure("local function f() return pcall(pcall, f) end\nwhile true do f() end", 0, "runs too long");
    expect_failure("while true do pcall(string.rep, 'x', 1e9) end", 0, "runs too long");
}
END_TEST

START_TEST(work_inside_one_instruction_is_bounded)
{
    expect_failure("return table.move({}, 1, 1 << 61, 2)", 1, "runs too long");
    expect_failure("return string.rep('', 1 << 61)", 1, "runs too long");
    expect_failure("return string.find(string.rep('a', 5000), '.-.-.-.-.-.-b')", 1, "runs too long");
    expect_failure("return string.gsub(string.rep('a', 5000), '.-.-.-.-.-.-b', '')", 1, "runs too long");
    expect_failure("return ('a'):rep(5000):match(('a*'):rep(9) .. 'b')", 1, "runs too long");
    expect_failure("for x in ('a'):rep(5000):gmatch(('a?'):rep(30) .. 'b') do end", 1, "runs too long");
    expect_failure("return ('a'):rep(1e6):find(('a'):rep(5e5) .. 'b', 1, true)", 1, "runs too long");
    expect_failure("return pcall(string.find, ('a'):rep(5000), '.-.-.-.-b')", 0, "runs too long");
}
END_TEST

START_TEST(errors_that_are_no_text_are_reported)
{
    expect_failure("error({})", 0, "script.lua: failed with an error that is not a text");
    expect_failure("error()", 0, "not a text");
    expect_failure("error(42)", 0, "42");
}
END_TEST

START_TEST(the_engine_can_read_what_a_greedy_script_returns)
{
    // the script keeps all that it may have; what the engine then allocates to read it is not the script's
    static const char text[] = "local keep = {}\n"
                               "pcall(function() for i = 1, 1e9 do keep[i] = ('x'):rep(1000) .. i end end)\n"
                               "pcall(function() local t = {} for i = 1, 1e9 do t = { t } keep.last = t end end)\n"
                               "return keep\n";
    Script *script;
    ErrText why = {""};
    ck_assert_int_eq(script_create(1 << 20, &script, &why), ERR_OK);
    const Err err = script_run_file(script, scripts_write("greedy.lua", text), BUDGET, &why);
    ck_assert_msg(err == ERR_OK, "%s", why.text);
    for (int i = 0; i < 1000; i++) {
        char key[64];
        snprintf(key, sizeof key, "a key that is not interned yet %d", i);
        lua_getfield(script_lua(script), -1, key);
        lua_pop(script_lua(script), 1);
    }
    script_destroy(script);
}
END_TEST

START_TEST(errors_of_syntax_name_file_and_line)
{
    expect_failure("local a = 1\nlocal b = = 2", 2, "unexpected symbol");
    expect_failure("\n\nreturn nothing.here", 3, "nothing");
}
END_TEST

START_TEST(errors_name_the_whole_path_however_long)
{
    for (int length = 1; length <= 90; length++) {
        char name[128];
        Script *script;
        ErrText why = {""};
        snprintf(name, sizeof name, "%0*d.lua", length, 7);
        const char *path = scripts_write(name, "return 1 +\n  nothing.here");
        ck_assert_int_eq(script_create(MEMORY, &script, &why), ERR_OK);
        ck_assert_int_eq(script_run_file(script, path, BUDGET, &why), ERR_SCRIPT);
        scripts_expect(&why, path, 2, "nothing");
        script_destroy(script);
    }
}
END_TEST

START_TEST(files_that_cannot_be_read_are_named)
{
    Script *script;
    ErrText why = {""};
    ck_assert_int_eq(script_create(MEMORY, &script, &why), ERR_OK);
    ck_assert_int_eq(script_run_file(script, "/nowhere/at_all.lua", BUDGET, &why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, "/nowhere/at_all.lua: No such file"));
    ck_assert_int_eq(script_run_file(script, kit_folder(), BUDGET, &why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, "folder"));
    script_destroy(script);
}
END_TEST

START_TEST(a_source_of_more_than_4_MiB_is_refused)
{
    const size_t size = (4 << 20) + 1;
    char *spaces = malloc(size);
    ck_assert_ptr_nonnull(spaces);
    memset(spaces, ' ', size);
    Script *script;
    const char *path;
    ErrText why = {""};
    ck_assert_int_eq(run_bytes(spaces, size, &script, &path, &why), ERR_RANGE);
    ck_assert_ptr_nonnull(strstr(why.text, "4 MiB"));
    script_destroy(script);
    free(spaces);
}
END_TEST

START_TEST(a_call_has_a_budget_of_its_own)
{
    Script *script;
    const char *path;
    ErrText why = {""};
    const char text[] = "return function(n) local s = 0 for i = 1, n do s = s + i end return s end";
    ck_assert_int_eq(run_bytes(text, strlen(text), &script, &path, &why), ERR_OK);
    lua_State *lua = script_lua(script);
    const struct {
        int n;
        Err expected;
    } calls[] = {{100, ERR_OK}, {10000000, ERR_SCRIPT}, {100, ERR_OK}};
    for (size_t i = 0; i < 3; i++) {
        lua_pushvalue(lua, 1);
        lua_pushinteger(lua, calls[i].n);
        ck_assert_int_eq(script_call(script, 1, 1, 100000, &why), calls[i].expected);
        if (calls[i].expected == ERR_OK)
            ck_assert_int_eq(lua_tointeger(lua, -1), 5050);
        lua_settop(lua, 1);
    }
    script_destroy(script);
}
END_TEST

START_TEST(blame_finds_the_line_by_section_and_key)
{
    Script *script;
    const char *path;
    ErrText why = {""};
    const char text[] = "-- level = 1\n"
                        "local deep_level = 2\n"
                        "return {\n"
                        "  params = { area = 1 },\n"
                        "  states = {\n"
                        "    [\"level\"] = 3,\n"
                        "  },\n"
                        "}\n";
    ck_assert_int_eq(run_bytes(text, strlen(text), &script, &path, &why), ERR_OK);
    ck_assert_int_eq(script_blame(script, &why, "states", "level", "low by %d", 3), ERR_SCRIPT);
    scripts_expect(&why, path, 6, "low by 3");
    script_blame(script, &why, "params", NULL, "none");
    scripts_expect(&why, path, 4, "none");
    script_blame(script, &why, NULL, NULL, "all of it");
    scripts_expect(&why, path, 1, "all of it");
    script_destroy(script);
}
END_TEST

/* What refuses `bind = {...}`; "" when it is taken. */
static ErrText refused_bind(const char *table)
{
    Script *script;
    const char *path;
    ErrText why = {""};
    char text[512];
    snprintf(text, sizeof text, "local bind_other = { a = 1, a = 2 }\nreturn {\n  bind = %s\n}\n", table);
    ck_assert_int_eq(run_bytes(text, strlen(text), &script, &path, &why), ERR_OK);
    const Err err = script_refuse_twice(script, "bind", &why);
    ck_assert(err == ERR_OK || err == ERR_SCRIPT);
    script_destroy(script);
    return why;
}

START_TEST(a_key_that_is_there_twice_is_refused_with_both_lines)
{
    static const char *const twice[] = {"{\n    a = 1,\n    b = 2,\n    a = 3 }",
                                        "{\n    [\"a\"] = 1;\n\n    a = { c = 1 } }",
                                        "{ -- {\n    ['a'] = { '}', b = { 1 } },\n    [==[x]] , a = ]==],\n    [ \"a\" ] = 1, a = 3 }",
                                        "{\n    a = (function(b, c) return b end)(1, 2), -- a = 3\n    --[[ a = 1\n ]] a = 2 }"},
                             *const once[] = {"{ a = 1, b = 2, ab = 3 }", "{ a = { b = 1 }, b = { b = 2 } }", "{ \"a\", \"a\", 1 == 1, 2 }", "{ a = 1, -- a = 2,\n }",
                                              "{ a = 'x, a = 3', b = [[, a = 4]] }", "{}", "nil", "{ type(function(a) local b, a = 1, 2 end) }"};
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        const ErrText why = refused_bind(twice[i]);
        ck_assert_msg(strstr(why.text, ":6: bind: \"a\" stands in line 4 already") != NULL, "%s: %s", twice[i], why.text);
    }
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        ck_assert_str_eq(refused_bind(once[i]).text, "");
}
END_TEST

START_TEST(a_file_is_a_model_or_a_plant_by_what_it_calls)
{
    const struct {
        const char *text;
        ScriptKind kind;
    } cases[] = {
        {"return model \"tank\" {}", SCRIPT_MODEL},
        {"return model('tank')({})", SCRIPT_MODEL},
        {"-- a plant \"works\" uses it\nreturn model \"tank\" {}", SCRIPT_MODEL},
        {"-- model \"tank\"\nreturn plant \"works\" {}", SCRIPT_PLANT},
        {"return 1", SCRIPT_PLANT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ScriptKind kind;
        ErrText why;
        ck_assert_int_eq(script_kind(scripts_write("kind.lua", cases[i].text), &kind, &why), ERR_OK);
        ck_assert_msg(kind == cases[i].kind, "%s", cases[i].text);
    }
    ScriptKind kind;
    ErrText why;
    ck_assert_int_eq(script_kind("/nowhere/at_all.lua", &kind, &why), ERR_IO);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (size_t n = 1; n < 4; n++) {
        Script *script;
        ErrText why = {""};
        kit_fail_allocation(n);
        Err err = script_create(MEMORY, &script, &why);
        if (!err)
            err = script_run_file(script, scripts_write("fine.lua", "return 1"), BUDGET, &why);
        kit_fail_allocation(0);
        ck_assert_int_eq(err, ERR_MEMORY);
        script_destroy(script);
    }
}
END_TEST

/* Lua's own order of names differs from run to run; here it must not. */
START_TEST(a_script_runs_again_from_its_source_as_it_was)
{
    Script *first, *again;
    const char *path;
    ErrText why = {""};
    const char text[] = "local n = 0\nreturn function() n = n + 1 if n > 2 then error('enough') end return n end";
    ck_assert_int_eq(run_bytes(text, strlen(text), &first, &path, &why), ERR_OK);
    lua_pushvalue(script_lua(first), -1);
    ck_assert_int_eq(script_call(first, 0, 1, BUDGET, &why), ERR_OK);
    scripts_write("script.lua", "return nil");

    ck_assert_int_eq(script_create(MEMORY, &again, &why), ERR_OK);
    ck_assert_int_eq(script_run_again(again, first, BUDGET, &why), ERR_OK);
    ck_assert_uint_eq(script_hash(again), script_hash(first));
    for (int i = 1; i <= 3; i++) {
        lua_settop(script_lua(again), 1);
        lua_pushvalue(script_lua(again), 1);
        const Err err = script_call(again, 0, 1, BUDGET, &why);
        ck_assert_int_eq(err, i < 3 ? ERR_OK : ERR_SCRIPT);
        if (!err)
            ck_assert_int_eq(lua_tointeger(script_lua(again), -1), i);  // from 1: the variable is its own
    }
    scripts_expect(&why, path, 2, "enough");
    script_destroy(again);
    script_destroy(first);
}
END_TEST

START_TEST(pairs_have_one_order)
{
    expect_true("local t, s = { pump = 1, [3] = 1, valve = 1, a = 1, [-1.5] = 1, [1] = 1, pum = 1, [2^53] = 1, [''] = 1 }, {}\n"
                "for k in pairs(t) do s[#s + 1] = tostring(k) end\n"
                "return table.concat(s, ' ') == '-1.5 1 3 9007199254740992  a pum pump valve'");
    expect_true("local n = 0 for k, v in pairs({ 5, 6, 7 }) do n = n * 100 + k * 10 + v end return n == 152637");
    expect_true("for k in pairs({}) do return false end return true");
    expect_true("local t, n = { a = 1, b = 2, c = 3 }, 0 for k, v in pairs(t) do t.b = nil; n = n + v end return n == 4");  // what is removed is not visited
    expect_failure("for k in pairs({ [{}] = 1 }) do end", 1, "pairs: keys are numbers or texts here, which have an order; this is a table");
    expect_failure("pairs(nil)", 1, "table expected");
    expect_failure("local t = {} for i = 1, 1000 do t[i] = i end while true do pairs(t) end", 1, "runs too long");
}
END_TEST

KIT_MAIN("model.script", an_endless_loop_is_stopped, a_script_runs_again_from_its_source_as_it_was, pairs_have_one_order, a_memory_bomb_is_stopped, memory_that_is_only_passed_through_costs_instructions, deep_recursion_is_stopped,
         deeply_nested_source_is_refused, bytecode_is_refused, what_reaches_outside_is_absent, pure_functions_are_there, the_metatable_of_strings_is_locked, pcall_catches_errors,
         pcall_cannot_swallow_the_budget, work_inside_one_instruction_is_bounded, errors_that_are_no_text_are_reported,
         the_engine_can_read_what_a_greedy_script_returns, errors_of_syntax_name_file_and_line, errors_name_the_whole_path_however_long, files_that_cannot_be_read_are_named, a_source_of_more_than_4_MiB_is_refused,
         a_call_has_a_budget_of_its_own, blame_finds_the_line_by_section_and_key, a_key_that_is_there_twice_is_refused_with_both_lines, a_file_is_a_model_or_a_plant_by_what_it_calls, every_allocation_may_fail)
