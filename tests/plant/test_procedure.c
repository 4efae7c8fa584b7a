/* Models whose step is a function of Lua: what it may do, what it says to the filter, and what becomes of those who misuse it. */
#include "plant/castor.h"
#include "plant/plants.h"

static Plant *load(const char *model, const char *plant_text, size_t threads)
{
    Plant *plant;
    ErrText why = {""};
    scripts_write("m.lua", model);
    log_set_level(LOG_ERROR);
    if (plant_load(scripts_write("plant.lua", plant_text), threads, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static const char one[] = "return plant 'works' { step = 0.25, assets = { a = { 'm' } } }";

static void advance(Plant *plant, int steps)
{
    for (int i = 0; i < steps; i++)
        plant_advance(plant);
    plant_derive(plant);
}

#define DECLARED "  params = { k = { 0.3, 's^-1', estimate = 0.01, sd = 0.05 }, c = { 2, '1' } },\n" \
                 "  inputs = { u = { 4, 'K/s' } },\n" \
                 "  states = { x = { 10, 'K', noise = 0.1, sd = 1 }, y = { 1, 'K', sd = 0.5 } },\n" \
                 "  sensors = { probe = { of = 'x', noise = 0.5 }, both = { of = function(t) return t.x + t.c * t.y end, noise = 1 } },\n"

static const char by_function[] = "return model 'm' {\n" DECLARED
                                  "  outputs = { flow = { 'l/min', doc = 'what leaves' } },\n"
                                  "  step = function(self, dt)\n"
                                  "    local x, y = self.x, self.y\n"
                                  "    self.flow = self.c * 1e-3\n"
                                  "    self.x = x + dt * (self.u - self.k * x)\n"
                                  "    self.y = y + dt * (self.k * x - 0.1 * y)\n"
                                  "  end }";

static const char by_equations[] = "return model 'm' {\n  stepper = 'euler',\n" DECLARED
                                   "  equations = function(t)\n"
                                   "    t.x.rate = t.u - t.k * t.x\n"
                                   "    t.y.rate = t.k * t.x - quantity(0.1, 's^-1') * t.y\n"
                                   "  end }";

/* The step is linear in each of its values alone, so differences are as exact as derivatives: mean, covariance and corrections agree. */
START_TEST(a_function_and_equations_of_one_model_agree)
{
    Plant *function = load(by_function, one, 1), *equations = load(by_equations, one, 1);
    for (int k = 0; k < 40; k++) {
        Plant *const both[] = {function, equations};
        for (int i = 0; i < 2; i++) {
            Block *block = &both[i]->blocks[0];
            const Sensor *sensor = &block->model->sensors[k % 2];
            advance(both[i], 1);
            *plant_cell(both[i], 0, block->model->channels[sensor->channel].column) = 12;
            *plant_cell(both[i], 0, sensor->mask) = 1;
            model_measure(block->model, sensor, block->columns, &both[i]->scratch[0]);
            plant_correct(both[i], 0, sensor, 0);
        }
        const Model *a = plant_model(function, 0), *b = plant_model(equations, 0);
        ck_assert_uint_eq(a->state_count, 3);
        for (uint16_t i = 0; i < 3; i++)
            ck_assert_double_eq_tol(*plant_cell(function, 0, i), *plant_cell(equations, 0, i), 1e-9 * fabs(*plant_cell(equations, 0, i)));
        for (uint16_t i = 0; i < 6; i++)
            ck_assert_double_eq_tol(*plant_cell(function, 0, (uint16_t)(a->covariance + i)), *plant_cell(equations, 0, (uint16_t)(b->covariance + i)), 1e-9);
    }
    plant_destroy(function);
    plant_destroy(equations);
}
END_TEST

/* x becomes x^2, whose slope is 2 x: a forward difference is too large by its increment, a 1024th of the standard deviation. */
START_TEST(an_increment_is_a_small_part_of_the_deviation)
{
    Plant *plant = load("return model 'm' { states = { x = { 3, '1', sd = 0.5 } }, step = function(self, dt) self.x = self.x ^ 2 end }", one, 1);
    advance(plant, 1);
    ck_assert_double_eq(*plants_cell(plant, "a.x"), 9);
    ck_assert_double_eq_tol(plant_sd(plant, plants_tag(plant, "a.x")), (6 + 0.5 / 1024) * 0.5, 1e-9);
    plant_destroy(plant);

    // at its upper limit a value is moved down
    plant = load("return model 'm' { states = { x = { 3, '1', sd = 0.5, max = 3 } },\n"
                 "  step = function(self, dt) if self.x > 3 then error('too far') end self.x = 3 * self.x end }", one, 1);
    advance(plant, 1);
    ck_assert_uint_eq(plant_quarantined(plant), 0);
    ck_assert_double_eq(*plants_cell(plant, "a.x"), 3);
    ck_assert_double_eq_tol(plant_sd(plant, plants_tag(plant, "a.x")), 1.5, 1e-9);
    plant_destroy(plant);
}
END_TEST

START_TEST(what_is_certain_costs_no_call)
{
    static const char counting[] = "local calls = 0\n"
                                   "return model 'm' { params = { p = { 1, '1', estimate = 0, sd = %s } }, states = { x = { 1, '1', sd = %s }, y = { 1, '1' } }, outputs = { calls = { '1' } },\n"
                                   "  step = function(self, dt) calls = calls + 1; self.calls = calls end }";
    static const struct {
        const char *p, *x;
        int calls;  // a step
    } cases[] = {{"0", "0", 1}, {"0", "1", 2}, {"1", "0", 2}, {"1", "1", 3}};
    for (size_t i = 0; i < 4; i++) {
        char text[1024];
        snprintf(text, sizeof text, counting, cases[i].p, cases[i].x);
        Plant *plant = load(text, one, 1);
        advance(plant, 11);
        ck_assert_double_eq(*plants_cell(plant, "a.calls"), 2 + 10 * cases[i].calls);  // the first was the trial
        plant_destroy(plant);
    }
}
END_TEST

START_TEST(self_is_read_and_assigned_in_si)
{
    Plant *plant = load("return model 'm' {\n"
                        "  params = { area = { 200, 'cm^2' } }, inputs = { inflow = { 60, 'l/min' } },\n"
                        "  states = { level = { 30, 'cm', min = 0, max = 50 }, mode = { 0, '1' }, T = { 20, 'degC', count = 2 } }, outputs = { seen = { 'degC' }, twice = { 'cm' } },\n"
                        "  step = function(self, dt)\n"
                        "    self.level = self.level + dt * self.inflow / self.area\n"
                        "    self.twice = 2 * self.level  -- what was assigned is read back\n"
                        "    self.seen = self['T_' .. 2]\n"
                        "    self.mode = select(self.level > 0.42, 1, 0) + above(self.level, 0.42)\n"
                        "  end }", one, 1);
    ck_assert_double_nan(*plants_cell(plant, "a.seen"));
    advance(plant, 1);
    ck_assert_double_eq_tol(*plants_cell(plant, "a.level"), 0.3 + 0.25 * 1e-3 / 0.02, 1e-12);
    ck_assert_double_eq(*plants_cell(plant, "a.twice"), 2 * *plants_cell(plant, "a.level"));
    ck_assert_double_eq(*plants_cell(plant, "a.seen"), 293.15);
    ck_assert_double_eq(*plants_cell(plant, "a.mode"), 0);
    ck_assert_double_eq(*plants_cell(plant, "a.T_1"), 293.15);  // what is not assigned stays
    advance(plant, 100);
    ck_assert_double_eq(*plants_cell(plant, "a.level"), 0.5);
    ck_assert_double_eq(*plants_cell(plant, "a.mode"), 2);
    plant_destroy(plant);
}
END_TEST

/* The functions of equations have the bits of the programs, whoever calls them. */
START_TEST(functions_on_numbers_are_those_of_the_programs)
{
    enum { OF_MATH = 8 };  // so many are in Lua's own library too
    static const char *const phrases[] = {"exp(x)", "log(x)", "sin(x)", "cos(x)", "tan(x)", "asin(x)", "acos(x)", "sqrt(x)", "atan(x)", "log10(x)", "sinh(x)", "cosh(x)", "tanh(x)",
                                          "abs(-x)", "sign(x)", "atan2(x, 3)", "hypot(x, 3)", "min(x, 0.5)", "max(x, 0.5)", "clamp(x, 0, 0.2)",
                                          "select(above(x, 0.1), 2, 3)", "below(x, 0.1)", "pi * x"};
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        char text[1024];
        snprintf(text, sizeof text, "return model 'm' { states = { x = { 0.3217, '1' } }, equations = function(t) local x = t.x; t.x.rate = 0; t.y = output(%s, '1') end }", phrases[i]);
        Plant *equations = load(text, one, 1);
        snprintf(text, sizeof text, "return model 'm' { states = { x = { 0.3217, '1' } }, outputs = { y = { '1' }, z = { '1' } },\n"
                 "  step = function(self) local x = self.x; self.y = %s; self.z = %s%s end }", phrases[i], i < OF_MATH ? "math." : "", phrases[i]);
        Plant *function = load(text, one, 1);
        advance(equations, 1);
        advance(function, 1);
        ck_assert_double_eq(*plants_cell(equations, "a.y"), *plants_cell(function, "a.y"));
        ck_assert_double_eq(*plants_cell(equations, "a.y"), *plants_cell(function, "a.z"));
        plant_destroy(equations);
        plant_destroy(function);
    }
}
END_TEST

/* A chain through connections, in stages of one block; the script counts its calls, so the order shows in the bits. */
static const char counting_chain[] = "local calls = 0\n"
                                     "return model 'm' { inputs = { u = { 0, '1' } }, states = { x = { 0.3, '1', sd = 0.01, noise = 0.01 } }, outputs = { y = { '1' } },\n"
                                     "  step = function(self, dt)\n"
                                     "    calls = calls + 1\n"
                                     "    self.x = 3.7 * self.x * (1 - self.x) + 1e-3 * (self.u % 1) + 1e-9 * (calls % 7)\n"
                                     "    self.y = self.x\n"
                                     "  end, sensors = { probe = { of = 'x', noise = 1 } } }";

static const char fleet[] = "local assets, connect = {}, {}\n"
                            "for i = 1, 200 do assets[string.format('p%03d', i)] = { 'm' } end\n"
                            "for i = 1, 199 do if i % 5 > 0 then connect[string.format('p%03d.y', i)] = string.format('p%03d.u', i + 1) end end\n"
                            "return plant 'fleet' { step = 0.25, assets = assets, connect = connect }";

START_TEST(the_order_of_calls_does_not_depend_on_threads)
{
    uint64_t hashes[3];
    for (size_t threads = 1; threads <= 3; threads++) {
        Plant *plant = load(counting_chain, fleet, threads);
        ck_assert_uint_eq(plant->stage_count, 5);
        advance(plant, 30);
        ck_assert_uint_eq(plant_quarantined(plant), 0);
        hashes[threads - 1] = plant_hash(plant);
        plant_destroy(plant);
    }
    ck_assert_uint_eq(hashes[0], hashes[1]);
    ck_assert_uint_eq(hashes[0], hashes[2]);
}
END_TEST

START_TEST(a_function_that_keeps_nothing_has_the_same_future_after_a_snapshot)
{
    ErrText why = {""};
    Plant *first = load(by_function, one, 1), *second = load(by_function, one, 1);
    advance(first, 20);
    const size_t size = plant_snapshot_size(first);
    void *bytes = mem_alloc(size);
    ck_assert_ptr_nonnull(bytes);
    plant_snapshot(first, bytes);
    ck_assert_int_eq(plant_restore(second, bytes, size, &why), ERR_OK);
    ck_assert_double_eq(*plants_cell(second, "a.flow"), 2e-3);  // an output that nobody could compute anew
    advance(first, 20);
    advance(second, 20);
    ck_assert_uint_eq(plant_hash(first), plant_hash(second));
    mem_free(bytes);
    plant_destroy(first);
    plant_destroy(second);
}
END_TEST

/* Twin b does something bad when `bad` is 1; a and c must not notice. */
static void expect_stopped(const char *code, const char *expected)
{
    char text[2048];
    snprintf(text, sizeof text, "local kept, trap\n"
             "return model 'm' { params = { bad = { 0, '1' } }, states = { x = { 1, '1', sd = 0.1 } },\n"
             "  step = function(self, dt)\n"
             "    self.x = self.x + dt\n"
             "    if self.bad == 1 then %s end\n"
             "  end }", code);
    Plant *plant = load(text, "return plant 'works' { step = 0.25, assets = { a = { 'm' }, b = { 'm', bad = 1 }, c = { 'm' } } }", 2);
    advance(plant, 8);
    ck_assert_msg(plant_quarantined(plant) == 1 && plant_is_quarantined(plant, 1), "not stopped: %s", code);
    ck_assert_double_eq(*plants_cell(plant, "a.x"), 3);
    ck_assert_double_eq(*plants_cell(plant, "b.x"), 1);
    ck_assert_double_eq(*plants_cell(plant, "c.x"), 3);
    ck_assert_uint_eq(procedure_failures(plant_model(plant, 0)), 1);
    ck_assert_msg(strstr(procedure_failure(plant_model(plant, 0)), expected), "expected \"%s\" in \"%s\"", expected, procedure_failure(plant_model(plant, 0)));
    plant_destroy(plant);
}

START_TEST(a_call_that_fails_stops_its_twin_and_names_the_line)
{
    expect_stopped("error('no such pump')", "m.lua:5: no such pump");
    expect_stopped("error({})", "failed with an error that is not a text");
    expect_stopped("error()", "failed with an error that is not a text");
    expect_stopped("self.x = 0 / 0", "m.lua:5: \"x\" must be a finite number, got");
    expect_stopped("self.x = math.huge", "m.lua:5: \"x\" must be a finite number, got inf");
    expect_stopped("self.x = '3'", "m.lua:5: \"x\" must be a number, got string");
    expect_stopped("self.x = nil", "m.lua:5: \"x\" must be a number, got nil");
    expect_stopped("self.bad = 3", "m.lua:5: \"bad\" is of kind parameter and cannot be assigned: a step assigns states and outputs");
    expect_stopped("self.z = 3", "m.lua:5: the model has no state, parameter, input or output \"z\"");
    expect_stopped("local z = self.divergence", "m.lua:5: the model has no state, parameter, input or output \"divergence\"");
    expect_stopped("local z = self[1]", "the model has no state, parameter, input or output \"1\"");
    expect_stopped("local z = self[nil]", "the model has no state, parameter, input or output \"nil\"");
    expect_stopped("counter = 1", "m.lua:5: a step cannot assign the global \"counter\"");
    expect_stopped("_G.print = nil", "m.lua:5: a step cannot assign the global \"print\"");
    expect_stopped("_G._G.sqrt = 3", "m.lua:5: a step cannot assign the global \"sqrt\"");
    expect_stopped("table.insert(_G, 3)", "a step cannot assign the global \"1\"");
    expect_stopped("for i = 1, 3 do event(1, {}) end", "this works inside equations only");
    expect_stopped("delay(1, 2)", "this works inside equations only");
    expect_stopped("lookup(1, { { 0, 1 }, { 2, 3 } })", "this works inside equations only");
}
END_TEST

START_TEST(a_call_that_runs_away_is_stopped)
{
    expect_stopped("while true do end", "runs too long");
    expect_stopped("while true do pcall(error) end", "runs too long");
    expect_stopped("pcall(function() while true do end end)", "runs too long");
    expect_stopped("local function f() return 1 + f() end f()", "m.lua");
    expect_stopped("local function f() return pcall(f) end f() error('came back')", "m.lua");
    expect_stopped("local t = {} for i = 1, 1e9 do t[i] = { i } end", "runs too long");
    expect_stopped("local s = 'x' while true do s = s .. s end", "m.lua");
    expect_stopped("string.rep('x', 1e9)", "m.lua");
    expect_stopped("string.rep('', 1e9)", "runs too long");
    expect_stopped("string.find(string.rep('a', 1000), string.rep('a-', 60) .. 'b')", "runs too long");
    expect_stopped("table.move({}, 1, 1e9, 2)", "runs too long");
    expect_stopped("table.concat({}, 'x', 1, 1e9)", "m.lua");
    expect_stopped("while true do print('x') end", "runs too long");
    expect_stopped("table.sort({ 3, 2, 1, 5, 4 }, function() while true do end end)", "runs too long");
    expect_stopped("string.gsub('abc', '.', function() while true do end end)", "runs too long");
}
END_TEST

START_TEST(what_is_not_in_the_sandbox_is_not_there)
{
    static const char *const absent[] = {"coroutine", "debug", "io", "os", "require", "load", "loadstring", "dofile", "loadfile", "setmetatable", "rawset", "rawget", "collectgarbage", "package"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        char code[128];
        snprintf(code, sizeof code, "if %s == nil then error('it is absent') end", absent[i]);
        expect_stopped(code, "it is absent");
    }
    expect_stopped("if getmetatable(self) == 'locked' and getmetatable('') == 'locked' and getmetatable(_G) == 'locked' then error('locked') end", "m.lua:5: locked");
    expect_stopped("getmetatable(self).__index = error", "m.lua");
    expect_stopped("next(self)", "table expected");
    expect_stopped("self.x.y = 3", "attempt to index a number value");
}
END_TEST

START_TEST(self_belongs_to_its_call)
{
    // kept by one twin, used by the next call: of another twin, or of the same one moved by an increment
    Plant *plant = load("local kept\n"
                        "return model 'm' { states = { x = { 1, '1' } },\n"
                        "  step = function(self, dt)\n"
                        "    if kept then local x = kept.x end\n"
                        "    if self.x == 5 then kept = self end\n"
                        "  end }", "return plant 'works' { assets = { a = { 'm' }, b = { 'm', x = 5 }, c = { 'm' } } }", 1);
    advance(plant, 1);
    ck_assert_uint_eq(plant_quarantined(plant), 1);
    ck_assert(plant_is_quarantined(plant, 2));
    ck_assert_msg(strstr(procedure_failure(plant_model(plant, 0)), "m.lua:4: this self was kept from another call"), "%s", procedure_failure(plant_model(plant, 0)));
    plant_destroy(plant);
}
END_TEST

/* What a script hoards is its own undoing, not the engine's: within its 64 MiB it may, then every call fails. */
START_TEST(a_script_that_hoards_memory_is_bounded)
{
    Plant *plant = load("local hoard = {}\n"
                        "return model 'm' { params = { bad = { 0, '1' } }, states = { x = { 1, '1' } },\n"
                        "  step = function(self, dt) if self.bad == 1 then hoard[#hoard + 1] = string.rep('x', 200000) end end }",
                        "return plant 'works' { assets = { b = { 'm', bad = 1 } } }", 1);
    int steps = 0;
    while (plant_quarantined(plant) == 0 && steps < 1000) {
        advance(plant, 1);
        steps++;
    }
    ck_assert_int_le(steps, 336);  // 64 MiB
    ck_assert_int_ge(steps, 300);
    plant_destroy(plant);
}
END_TEST

START_TEST(castor_takes_such_steps_too)
{
    Castor *castor;
    ErrText why = {""};
    scripts_write("m.lua", by_function);
    const char *path = scripts_write("plant.lua", "return plant 'works' { step = 0.25, assets = { a = { 'm' } }, emulate = { values = { ['a.k'] = 0.5 } } }");
    ck_assert_msg(castor_create(path, 7, true, &castor, &why) == ERR_OK, "%s", why.text);
    castor_begin(castor, 0);
    size_t samples = 0;
    for (int i = 0; i < 400; i++) {
        size_t count;
        ck_assert_int_eq(castor_step(castor, &why), ERR_OK);
        castor_samples(castor, &count);
        samples += count;
    }
    ck_assert_double_eq_tol(*plants_cell(castor_plant(castor), "a.x"), 4 / 0.5, 1);  // where it comes to rest, but for its noise
    ck_assert_uint_ge(samples, 800);
    castor_destroy(castor);
}
END_TEST

static void expect_refusal(const char *text, int line, const char *expected)
{
    Model *model;
    ErrText why = {""};
    const char *path = scripts_write("refused.lua", text);
    ck_assert_msg(model_load(path, 0.1, &model, &why) != ERR_OK, "taken: %s", text);
    scripts_expect(&why, path, line, expected);
}

START_TEST(what_is_wrong_is_found_when_the_script_loads)
{
    expect_refusal("return model 'm' { states = { x = { 1, '1' } },\n step = 3 }", 2, "step must be a function(self, dt), got number");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } },\n equations = function(t) t.x.rate = 0 end,\n step = function() end }", 2,
                   "a model with a step function has no \"equations\"");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } },\n stepper = 'euler',\n step = function() end }", 2, "a model with a step function has no \"stepper\"");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } },\n outputs = { y = { 'm' } }, equations = function(t) t.x.rate = 0 end }", 2,
                   "\"outputs\" are declared beside a step function alone");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } },\n outputs = { y = { 3 } }, step = function() end }", 2, "expected a text, got number");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } },\n outputs = { y = { 'm', min = 3 } }, step = function() end }", 2, "unknown key \"min\"");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } },\n outputs = { x = { 'm' } }, step = function() end }", 2, "the name \"x\" is taken");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } }, outputs = { y = { 'm' } }, step = function() end,\n sensors = { probe = { of = 'y', noise = 1 } } }", 2,
                   "\"probe\" cannot measure \"y\": what a step function puts out is not known to the filter");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } }, outputs = { y = { 'm' } }, step = function() end,\n sensors = { probe = { of = function(t) return t.y end, noise = 1 } } }", 2,
                   "what a step function puts out cannot be measured");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } }, step = function(self, dt)\n self.x = self.x + dt * self.rate end }", 2,
                   "the model has no state, parameter, input or output \"rate\"");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } }, step = function(self, dt)\n while true do end end }", 2, "runs too long");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } }, outputs = { y = { '1' } }, step = function(self, dt)\n self.y = self.y + 1 end }", 2, "the output \"y\" has no value yet");
    expect_refusal("return model 'm' { states = { x = { 1, '1' } } }", 1, "needs equations = function(t) ... end, or step = function(self, dt) ... end");
}
END_TEST

KIT_MAIN("plant.procedure", a_function_and_equations_of_one_model_agree, an_increment_is_a_small_part_of_the_deviation, what_is_certain_costs_no_call, self_is_read_and_assigned_in_si,
         functions_on_numbers_are_those_of_the_programs, the_order_of_calls_does_not_depend_on_threads, a_function_that_keeps_nothing_has_the_same_future_after_a_snapshot,
         a_call_that_fails_stops_its_twin_and_names_the_line, a_call_that_runs_away_is_stopped, what_is_not_in_the_sandbox_is_not_there, self_belongs_to_its_call,
         a_script_that_hoards_memory_is_bounded, castor_takes_such_steps_too, what_is_wrong_is_found_when_the_script_loads)
