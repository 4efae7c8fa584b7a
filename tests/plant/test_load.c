#include <lauxlib.h>
#include <sys/stat.h>

#include "plant/plants.h"

/* The plant must be refused at `line` with `expected` in the text. */
static void expect_refusal(const char *text, int line, const char *expected)
{
    Plant *plant = (Plant *)1;
    ErrText why = {""};
    const char *path = plants_write(text);
    ck_assert_msg(plant_load(path, 1, &plant, &why) != ERR_OK, "taken: %s", text);
    ck_assert_ptr_null(plant);
    scripts_expect(&why, path, line, expected);
}

START_TEST(settings_have_defaults)
{
    Plant *plant = plants_load("return plant 'works' { assets = { a = { 'tank' } } }", 1);
    ck_assert_str_eq(plant->name, "works");
    ck_assert_str_eq(plant->doc, "");
    ck_assert_double_eq(plant->step, 0.1);
    ck_assert_int_eq(plant->step_ns, 100 * NS_PER_MS);
    ck_assert_int_eq(plant->clock, PLANT_CLOCK_UTC);
    ck_assert_int_eq(plant->wait_ns, plant->step_ns);
    ck_assert_double_eq(plant->record, 1);
    ck_assert_int_eq(plant->command_timeout_ns, 10 * NS_PER_S);
    ck_assert_int_eq(plant->lag_ticks, 300);  // 30 s
    ck_assert(!plant->lag_declared);
    ck_assert_uint_eq(plant->recording.count, 0);
    plant_destroy(plant);
}
END_TEST

START_TEST(settings_are_read)
{
    Plant *plant = plants_load("return plant 'works' { doc = 'two tanks', step = 0.5, clock = 'provider', wait = 2, lag = 7.75, record = 0, command_timeout = 1.5,\n"
                               "  assets = { a = { 'tank', at = { 1, 2, 3 } } } }", 1);
    ck_assert_str_eq(plant->doc, "two tanks");
    ck_assert_int_eq(plant->step_ns, 500 * NS_PER_MS);
    ck_assert_int_eq(plant->clock, PLANT_CLOCK_PROVIDER);
    ck_assert_int_eq(plant->wait_ns, 2 * NS_PER_S);
    ck_assert_int_eq(plant->lag_ticks, 16);  // of 0.5 s, so that 7.75 s fit in
    ck_assert_double_eq(plant->record, 0);
    ck_assert_int_eq(plant->command_timeout_ns, 1500 * NS_PER_MS);
    ck_assert_double_eq(plant->twins[0].at[1], 2);
    plant_destroy(plant);
}
END_TEST

START_TEST(what_history_keeps_is_for_ever_unless_the_script_says_how_long)
{
    Plant *plant = plants_load("return plant 'works' { history = { keep = '36h', rollups = { second = '1.5d', minute = '2 w' } }, assets = { a = { 'tank' } } }", 1);
    ck_assert_int_eq(plant->keep_ns[0], 36 * 3600 * NS_PER_S);
    ck_assert_int_eq(plant->keep_ns[1], 36 * 3600 * NS_PER_S);
    ck_assert_int_eq(plant->keep_ns[2], 14 * 86400 * NS_PER_S);
    ck_assert_int_eq(plant->keep_ns[3], 0);
    plant_destroy(plant);
    plant = plants_load("return plant 'works' { assets = { a = { 'tank' } } }", 1);
    for (int level = 0; level < 4; level++)
        ck_assert_int_eq(plant->keep_ns[level], 0);
    plant_destroy(plant);
}
END_TEST

START_TEST(settings_out_of_range_are_refused)
{
    const char *const assets = "assets = { a = { 'tank' } } }";
    static const struct {
        const char *setting, *expected;
    } cases[] = {
        {"step = 0", "step must be between 1e-6 and 3600 seconds"},
        {"step = 0 / 0", "step"},
        {"step = 'fast'", "step of \"plant\": expected a number, got string"},
        {"clocks = 'right'", "clocks must be \"measured\" or \"corrected\", got \"right\""},
        {"clocks = 'corrected', clock = 'provider'", "clocks can be corrected where clock = \"utc\""},
        {"clock = 'lunar'", "clock must be \"utc\" or \"provider\", got \"lunar\""},
        {"wait = -1", "wait must be between 0 and 3600 seconds"},
        {"lag = -1", "lag must be between 0 and 65536 steps of 0.1 seconds"},
        {"lag = 6554", "lag must be between 0 and 65536 steps of 0.1 seconds"},
        {"history = '30d'", "\"history\" must be a table like { keep = \"30d\" }, got string"},
        {"history = { keep = '30 days' }", "keep of \"history\": expected a time of at least an hour, like \"12h\""},
        {"history = { keep = '59min' }", "got \"59min\""},
        {"history = { keep = '-1d' }", "got \"-1d\""},
        {"history = { keep = 'd' }", "got \"d\""},
        {"history = { keep = '1000y' }", "got \"1000y\""},
        {"history = { keep = '30d', rollups = { second = '2w' } }", "second of \"history\" must be kept at least as long as \"keep\""},
        {"history = { keep = '1d', rollups = { minute = '1y', hour = '364d' } }", "second"},
        {"history = { rollups = { day = '1y' } }", "day"},
        {"history = { rollups = 5 }", "must be a table"},
        {"record = -1", "record must be 0 (every tick) or more"},
        {"command_timeout = 0", "command_timeout must be above 0"},
        {"stp = 1", "unknown key \"stp\" in \"plant\"; expected one of: name, doc, step, clock"},
        {"on = 7", "\"on\" must be a table, got number"},
        {"emulate = true", "\"emulate\" must be a table, got boolean"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "-- a plant\nreturn plant 'works' {\n  %s,\n  %s", cases[i].setting, assets);
        Plant *plant;
        ErrText why = {""};
        const char *path = plants_write(text);
        ck_assert_msg(plant_load(path, 1, &plant, &why) != ERR_OK, "taken: %s", cases[i].setting);
        ck_assert_msg(strstr(why.text, cases[i].expected) && strncmp(why.text, path, strlen(path)) == 0, "%s", why.text);
    }
    expect_refusal("return plant 'works' {\n  step = 0,\n  assets = { a = { 'tank' } } }", 2, "step must be");
}
END_TEST

START_TEST(overrides_are_in_the_unit_of_the_model)
{
    Plant *plant = plants_load("return plant 'works' { assets = { a = { 'tank', level = 50, inflow = 6, warmth = 0, orifice = 0.5 }, b = { 'tank' } } }", 1);
    ck_assert_double_eq_tol(*plants_cell(plant, "a.level"), 0.5, 1e-15);
    ck_assert_double_eq_tol(*plants_cell(plant, "a.inflow"), 1e-4, 1e-18);
    ck_assert_double_eq(*plants_cell(plant, "a.warmth"), 273.15);
    ck_assert_double_eq_tol(*plants_cell(plant, "a.orifice"), 0.5e-4, 1e-18);
    ck_assert_double_eq_tol(*plants_cell(plant, "b.level"), 0.3, 1e-15);
    ck_assert_double_eq_tol(plant_value(plant, plants_tag(plant, "a.outflow")), 0.5e-4 * sqrt(2 * 9.80665 * 0.5), 1e-18);
    plant_destroy(plant);
}
END_TEST

START_TEST(an_asset_says_how_it_looks)
{
    Plant *plant = plants_load("return plant 'p' { assets = { a = { 'tank', look = { mesh = 'tower', size = { 2, 3, 4 }, turn = 90 } }, b = { 'tank', at = { 0, 0, 0 } } } }", 1);
    const TwinLook *look = plant->twins[0].look;
    ck_assert_ptr_nonnull(look);
    ck_assert_str_eq(look->mesh, "tower");
    ck_assert_double_eq(look->size[1], 3);
    ck_assert_double_eq(look->turn, 90);
    ck_assert(!plant->twins[0].placed);
    ck_assert(plant->twins[1].placed);
    ck_assert_ptr_null(plant->twins[1].look);
    plant_destroy(plant);
}
END_TEST

START_TEST(bad_overrides_are_refused_at_their_line)
{
    const char *const form = "return plant 'works' {\n  assets = {\n    good = { 'tank' },\n    bad = { %s },\n  },\n}\n";
    static const struct {
        const char *asset, *expected;
    } cases[] = {
        {"'tank', depth = 5", "model \"tank\" has no state, parameter or input \"depth\""},
        {"'tank', gauge = 5", "model \"tank\" has no state, parameter or input \"gauge\""},
        {"'tank', level = 250", "\"level\" of \"bad\" is outside what the model allows, 0 to 200 cm"},
        {"'tank', level = -1", "outside what the model allows"},
        {"'tank', level = 0 / 0", "outside what the model allows"},
        {"'tank', level = 'high'", "\"level\" of \"bad\": expected a number in cm, got string"},
        {"'tank', at = 5", "at of \"bad\": expected { x, y, z } in metres"},
        {"'tank', at = { 'here' }", "expected a number, got string"},
        {"'tank', look = 'large'", "look of \"bad\": expected { mesh = \"name\", size = { x, y, z }, turn = degrees }"},
        {"'tank', look = { mash = 'box' }", "expected mesh (a name), size ({ x, y, z }) and turn (degrees), got \"mash\""},
        {"'tank', look = { size = { 1, 2 } }", "expected three lengths above 0"},
        {"7", "the first element of \"bad\": expected a text, got number"},
        {"", "no model \"\""},
        {"'tank', 'tank'", "\"bad\": expected one model and values by name"},
        {"'tank', [2.5] = 1", "expected one model"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, form, cases[i].asset);
        expect_refusal(text, 4, cases[i].expected);
    }
    expect_refusal("return plant 'works' {\n  assets = {\n    bad = 7,\n  } }", 3, "\"bad\" must be a table, as in bad = { \"model\" }, got number");
}
END_TEST

START_TEST(a_model_that_is_not_there_names_where_it_was_looked_for)
{
    expect_refusal("return plant 'works' {\n  assets = {\n    a = { 'boiler' },\n  },\n}", 3, "no model \"boiler\": expected boiler.lua in ");
    Plant *plant;
    ErrText why = {""};
    char place[600];
    ck_assert_int_ne(plant_load(plants_write("return plant 'works' { assets = { a = { 'boiler' } } }"), 1, &plant, &why), ERR_OK);
    snprintf(place, sizeof place, "%s/../models/, %s/ or %s/models/", kit_folder(), kit_folder(), kit_folder());
    ck_assert_msg(strstr(why.text, place), "%s", why.text);
}
END_TEST

START_TEST(models_are_found_in_a_folder_of_models)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s/models", kit_folder());
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    scripts_write("models/drum.lua", "return model 'drum' { states = { x = { 0, '1' } }, equations = function(t) t.x.rate = 0 end }");
    Plant *plant = plants_load("return plant 'works' { assets = { a = { 'drum' } } }", 1);
    ck_assert_str_eq(plant->models[0]->name, "drum");
    plant_destroy(plant);
}
END_TEST

START_TEST(an_error_in_a_model_names_the_model)
{
    scripts_write("broken.lua", "return model 'broken' {\n  states = { x = { 0 } },\n  equations = function(t) end }");
    Plant *plant;
    ErrText why = {""};
    char place[600];
    ck_assert_int_ne(plant_load(plants_write("return plant 'works' { assets = { a = { 'broken' } } }"), 1, &plant, &why), ERR_OK);
    snprintf(place, sizeof place, "broken.lua:2: \"x\" has no unit");
    ck_assert_msg(strstr(why.text, place), "%s", why.text);
}
END_TEST

START_TEST(what_is_no_plant_is_refused)
{
    expect_refusal("return {}", 1, "must return plant \"name\" { ... }");
    expect_refusal("return plant 'my works' {}", 1, "expected a letter, then letters, digits or underscores");
    expect_refusal("return plant 'works' {}", 1, "a plant needs assets");
    expect_refusal("return plant 'works' {\n  assets = {} }", 2, "the plant has no assets");
    expect_refusal("return plant 'works' {\n  assets = { ['a b'] = { 'tank' } } }", 2, "\"a b\" cannot be a name in \"assets\"");
    expect_refusal("return plant 'works' {\n  assets = { { 'tank' } } }", 2, "cannot be a name in \"assets\"");
}
END_TEST

START_TEST(columns_of_recordings_become_tags)
{
    Plant *plant = plants_load("return plant 'works' { assets = { a = { 'tank' } },\n"
                               "  tape = { time = 'when', columns = {\n"
                               "    ['a.gauge'] = { 'LT101', time = 'LT101_time', unit = 'mm' },\n"
                               "    ['a.inflow'] = { 'FT100', optional = true } } } }", 1);
    ck_assert_str_eq(plant->recording.time_column, "when");
    ck_assert_uint_eq(plant->recording.count, 2);
    const RecordingColumn *inflow = &plant->recording.columns[0], *gauge = &plant->recording.columns[1];
    ck_assert_str_eq(gauge->column, "LT101");
    ck_assert_str_eq(gauge->time_column, "LT101_time");
    ck_assert_str_eq(unit_name(gauge->unit), "mm");
    ck_assert(!gauge->optional && inflow->optional);
    ck_assert(!gauge->input && inflow->input);
    ck_assert_int_eq(inflow->between, BETWEEN_HOLD);
    ck_assert_ptr_null(inflow->time_column);
    ck_assert_str_eq(unit_name(inflow->unit), "l/min");
    plant_destroy(plant);
}
END_TEST

START_TEST(a_column_says_what_its_input_was_between_the_samples)
{
    Plant *plant = plants_load("return plant 'works' { step = 0.25, assets = { a = { 'tank' } },\n"
                               "  tape = { time_unit = 'ms', columns = { ['a.inflow'] = { 'FT100', between = 'band', gap = 90 } } } }", 1);
    ck_assert_int_eq(plant->recording.time_unit, NS_PER_MS);
    const RecordingColumn *inflow = &plant->recording.columns[0];
    ck_assert_int_eq(inflow->between, BETWEEN_BAND);
    ck_assert_int_eq(inflow->gap_ns, 90 * NS_PER_S);
    ck_assert_int_eq(plant->recording.step_ns, NS_PER_S / 4);
    plant_destroy(plant);
}
END_TEST

START_TEST(bad_columns_of_recordings_are_refused)
{
    const char *const form = "return plant 'works' {\n  assets = { a = { 'tank' } },\n  tape = { columns = {\n    %s,\n  } },\n}\n";
    static const struct {
        const char *column, *expected;
    } cases[] = {
        {"['a.gauge'] = { 'x', unit = 'furlongs^x' }", "unit of \"a.gauge\""},
        {"['a.gauge'] = { 'x', unit = 'kg' }", "unit of \"a.gauge\": \"kg\" does not convert to cm"},
        {"['a.depth'] = { 'x' }", "\"a.depth\" is no sensor or input of this plant"},
        {"['a.level'] = { 'x' }", "\"a.level\" is no sensor or input of this plant"},
        {"['a.gauge'] = 'x'", "\"a.gauge\": expected { \"column of the file\" }"},
        {"['a.gauge'] = { 'x', every = 3 }", "unknown key \"every\""},
        {"['a.gauge'] = { 'x', between = 'linear' }", "between of \"a.gauge\": only inputs act between their samples, and this is a sensor"},
        {"['a.inflow'] = { 'x', between = 'cubic' }", "between of \"a.inflow\": expected \"hold\", \"linear\" or \"band\", got \"cubic\""},
        {"['a.inflow'] = { 'x', gap = -1 }", "gap of \"a.inflow\": expected seconds, up to 1e9, got -1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, form, cases[i].column);
        expect_refusal(text, 4, cases[i].expected);
    }
    expect_refusal("return plant 'works' {\n  assets = { a = { 'tank' } },\n  tape = {},\n}", 3, "tape needs columns");
    expect_refusal("return plant 'works' {\n  assets = { a = { 'tank' } },\n  tape = { time_unit = 'h', columns = {} },\n}", 3, "time_unit: expected \"s\", \"ms\", \"us\" or \"ns\", got \"h\"");
    expect_refusal("return plant 'works' {\n  assets = { a = { 'tank' } },\n  tape = { columns = { 'x' } },\n}", 3, "expected [\"asset.channel\"]");
}
END_TEST

START_TEST(handlers_are_kept_out_of_reach)
{
    Plant *plant = plants_load("return plant 'works' { assets = { a = { 'tank' } }, on = { alarm = function() return 42 end } }", 1);
    lua_State *lua = script_lua(plant->script);
    plant_push(plant, "on");
    ck_assert(lua_istable(lua, -1));
    lua_getfield(lua, -1, "alarm");
    ck_assert(lua_isfunction(lua, -1));
    plant_push(plant, "emulate");
    ck_assert(lua_isnil(lua, -1));
    lua_settop(lua, 0);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_fleet_is_the_twins_that_were_written_out_one_by_one)
{
    Plant *fleet = plants_load("return plant 'works' { assets = {\n"
                               "  pump = { 'tank' }, fleet('p', 150, 'pendulum', function(i) return { drive = 1 + i / 500, at = { i % 10, i // 10, 0 } } end) } }", 1);
    Plant *singles = plants_load("local assets = { pump = { 'tank' } }\n"
                                 "for i = 1, 150 do assets[string.format('p_%03d', i)] = { 'pendulum', drive = 1 + i / 500, at = { i % 10, i // 10, 0 } } end\n"
                                 "return plant 'works' { assets = assets }", 1);
    ck_assert_uint_eq(fleet->twin_count, 151);
    ck_assert_uint_eq(fleet->twin_count, singles->twin_count);
    for (uint32_t i = 0; i < fleet->twin_count; i++) {
        ck_assert_str_eq(fleet->twins[i].name, singles->twins[i].name);
        ck_assert_int_eq(plant_find(fleet, singles->twins[i].name), i);
        ck_assert(memcmp(fleet->twins[i].at, singles->twins[i].at, sizeof fleet->twins[i].at) == 0);
    }
    ck_assert_uint_eq(plant_hash(fleet), plant_hash(singles));
    ck_assert_uint_eq(tags_find(fleet->tags, "p_077.encoder"), tags_find(singles->tags, "p_077.encoder"));
    plant_destroy(fleet);
    plant_destroy(singles);
}
END_TEST

START_TEST(a_fleet_takes_one_table_for_all_or_none)
{
    Plant *plant = plants_load("return plant 'works' { assets = { fleet('a', 70, 'pendulum', { drive = 2 }), fleet('b', 3, 'pendulum') } }", 1);
    for (uint32_t i = 0; i < plant->twin_count; i++)
        ck_assert_double_eq(plant_value(plant, plant_tag(plant, i, (uint16_t)model_find(plant_model(plant, i), "drive"))), i < 70 ? 2 : 1.5);
    ck_assert_str_eq(plant->twins[69].name, "a_70");
    ck_assert_str_eq(plant->twins[72].name, "b_3");
    plant_destroy(plant);
}
END_TEST

START_TEST(bad_fleets_are_refused_at_their_line_and_twin)
{
    static const struct {
        const char *call, *expected;
    } cases[] = {
        {"fleet('a', 0, 'tank')", "fleet \"a\": expected 1 to 10000000 twins, got 0"},
        {"fleet('a', 1.5, 'tank')", "number has no integer representation"},
        {"fleet('1', 5, 'tank')", "expected a letter, then letters"},
        {"fleet('a234567890a234567890a234567890a234567890a234567', 10, 'tank')", "at most 48 with the number"},
        {"fleet('a', 5, 'tank', 7)", "expected a table of values, or function(i) that returns one, got number"},
        {"fleet('a', 5, 'boiler')", "fleet \"a\": no model \"boiler\""},
        {"fleet('a', 5, 'tank', { depth = 5 })", "fleet \"a\", twin 1: model \"tank\" has no state, parameter or input \"depth\""},
        {"fleet('a', 5, 'tank', { 5 })", "expected values by name, as in { name = value }"},
        {"fleet('a', 500, 'tank', function(i) return { level = i } end)", "fleet \"a\", twin 201: \"level\" of \"a_201\" is outside what the model allows, 0 to 200 cm"},
        {"fleet('a', 500, 'tank', function(i) return i end)", "twin 1: expected a table of values, got number"},
        {"fleet('a', 500, 'tank', function(i) return { level = 1 / (i < 7 and 1 or nil) } end)", "fleet \"a\", twin 7: "},
        {"fleet('a', 5, 'tank', function(i) while true do end end)", "the budget of instructions is used up"},
        {"fleet('a', 5, 'tank'), a_3 = { 'tank' }", "there is an asset \"a_3\" already"},
        {"{ 'tank' }", "cannot be a name in \"assets\""},
        {"named = fleet('a', 5, 'tank')", "\"named\" must be a table"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "return plant 'works' { assets = {\n  first = { 'tank' },\n  %s } }", cases[i].call);
        const bool of_table = strstr(cases[i].expected, "cannot be a name") != NULL;
        expect_refusal(text, of_table ? 1 : 3, cases[i].expected);
    }
}
END_TEST

START_TEST(estimates_of_fleets_are_recorded_where_the_plant_says_so)
{
    Plant *plant = plants_load("return plant 'works' { record_fleets = { 'a', 'b_2' }, assets = { c = { 'tank' }, fleet('a', 3, 'tank'), fleet('b', 3, 'tank') } }", 1);
    static const bool expected[] = {true, true, true, false, true, false, true};  // a_1 a_2 a_3 b_1 b_2 b_3 c
    for (uint32_t i = 0; i < plant->twin_count; i++)
        ck_assert_int_eq(plant->twins[i].recorded, expected[i]);
    plant_destroy(plant);
    expect_refusal("return plant 'works' { assets = { a = { 'tank' } },\n  record_fleets = { 'd' } }", 2, "no fleet and no asset \"d\"");
}
END_TEST

START_TEST(a_large_fleet_keeps_nothing_of_its_tables)
{
    Plant *plant = plants_load("return plant 'works' { assets = { fleet('cell', 100000, 'tank', function(i) return { level = i % 100, at = { i % 300, i // 300, 0 } } end) } }", 1);
    ck_assert_uint_eq(plant->twin_count, 100000);
    ck_assert_int_eq(plant_find(plant, "cell_077777"), 77776);
    ck_assert_double_eq_tol(*plants_cell(plant, "cell_077777.level"), 0.77, 1e-15);
    ck_assert_int_lt(lua_gc(script_lua(plant->script), LUA_GCCOUNT), 8 * 1024);  // KiB: a table each would be ten times as much
    plant_destroy(plant);
}
END_TEST

START_TEST(handlers_that_forecasts_call_are_told_from_others)
{
    static const struct {
        const char *on;
        bool handles;
    } cases[] = {
        {"", false},
        {"on = {}", false},
        {"on = { divergence = print, sample = {} }", false},
        {"on = { divergence = print, alarm = print }", true},
        {"on = { command = print }", true},
        {"on = { every(1, print) }", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "return plant 'works' { assets = { a = { 'tank' } }, %s }", cases[i].on);
        Plant *plant = plants_load(text, 1);
        ck_assert_msg(plant->handles == cases[i].handles, "%s", cases[i].on);
        plant_destroy(plant);
    }
}
END_TEST

START_TEST(no_failing_allocation_is_fatal)
{
    const char *path = plants_write("return plant 'works' { assets = { a = { 'tank' }, fleet('b', 3, 'pendulum', { drive = 2 }) } }");
    size_t failures = 0;
    for (size_t n = 1; n < 6000; n += n < 80 ? 1 : 53) {
        Plant *plant;
        ErrText why = {""};
        kit_fail_allocation(n);
        const Err err = plant_load(path, 2, &plant, &why);
        kit_fail_allocation(0);
        failures += err != ERR_OK;
        if (err == ERR_OK)
            plant_destroy(plant);
        else
            ck_assert_ptr_null(plant);
    }
    ck_assert_uint_gt(failures, 5);
}
END_TEST

KIT_MAIN("plant.load", settings_have_defaults, settings_are_read, what_history_keeps_is_for_ever_unless_the_script_says_how_long, settings_out_of_range_are_refused, overrides_are_in_the_unit_of_the_model, an_asset_says_how_it_looks, bad_overrides_are_refused_at_their_line,
         a_model_that_is_not_there_names_where_it_was_looked_for, a_fleet_is_the_twins_that_were_written_out_one_by_one, a_fleet_takes_one_table_for_all_or_none,
         bad_fleets_are_refused_at_their_line_and_twin, estimates_of_fleets_are_recorded_where_the_plant_says_so,
         a_large_fleet_keeps_nothing_of_its_tables, models_are_found_in_a_folder_of_models, an_error_in_a_model_names_the_model, what_is_no_plant_is_refused,
         columns_of_recordings_become_tags, a_column_says_what_its_input_was_between_the_samples, bad_columns_of_recordings_are_refused, handlers_are_kept_out_of_reach, handlers_that_forecasts_call_are_told_from_others, no_failing_allocation_is_fatal)
