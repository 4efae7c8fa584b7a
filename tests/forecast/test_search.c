/* Searches against closed forms: of a linear model with a quadratic cost, without a limit and against one, and with the chance of passing it. */
#include "forecast/search.h"

#include "forecast/ahead.h"

/* x goes to u / k and stays there: in 40 s the start is forgotten. */
static const char pool[] = "return model 'pool' {\n"
                           "  params = { k = { 1, 's^-1' } },\n"
                           "  inputs = { u = { 0, '1', min = -10, max = 10 }, v = { 0, '1', min = -10, max = 10 } },\n"
                           "  states = { x = { 0, '1', noise = NOISE, sd = 0 } },\n"
                           "  equations = function(t)\n"
                           "    t.x.rate = -t.k * t.x + t.k * t.u\n"
                           "    t.bill = output((t.u - 3) ^ 2 + 2 * (t.v + 1) ^ 2 + t.u * t.v, '1')\n"
                           "  end,\n"
                           "  sensors = { probe = { of = 'x', noise = 1 } },\n"
                           "  alarms = { high = { high = { 'x', 2 } } },\n"
                           "}\n";

static Plant *load(const char *noise)
{
    char model[2048];
    const char *at = strstr(pool, "NOISE");
    snprintf(model, sizeof model, "%.*s%s%s", (int)(at - pool), pool, noise, at + strlen("NOISE"));
    Plant *plant;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    scripts_write("pool.lua", model);
    if (plant_load(scripts_write("pools.lua", "return plant 'pools' { step = 0.125, assets = { p = { 'pool' } } }\n"), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static Scenario *read(const Plant *plant, const char *more)
{
    char text[1024];
    Scenario *scenario;
    ErrText why = {""};
    snprintf(text, sizeof text,
             "return scenario 's' { horizon = 40, members = 400, tags = { 'p.x' }, cost = { final = 't.p.bill' },\n"
             "  changes = { ['p.u'] = 0, ['p.v'] = 0 }, %s }\n", more);
    if (scenario_read(scripts_write("s.lua", text), plant, &scenario, &why))
        ck_abort_msg("%s", why.text);
    return scenario;
}

static Err try_search(const Plant *plant, const Scenario *scenario, const SearchDef *def, Search *out)
{
    Fork *fork;
    ErrText why = {""};
    ck_assert_int_eq(scenario_fork(scenario, plant, TIME_NONE, &fork, &why), ERR_OK);
    const Err err = search_run(fork, scenario, def, out, &why);
    fork_destroy(fork);
    return err;
}

/* The gradient of (u - 3)^2 + 2 (v + 1)^2 + u v is 0 at u = 4, v = -2. */
START_TEST(the_lowest_point_of_a_quadratic_cost_is_found)
{
    Plant *plant = load("0");
    Scenario *scenario = read(plant, "optimize = { vary = { ['p.u'] = { -10, 10 }, ['p.v'] = { -10, 10 } }, forecasts = 200 }");
    Search search;
    ck_assert_int_eq(try_search(plant, scenario, &(SearchDef){0}, &search), ERR_OK);
    ck_assert_double_eq_tol(search.values[0], 4, 0.02);
    ck_assert_double_eq_tol(search.values[1], -2, 0.02);
    ck_assert_double_eq_tol(search.cost, -5, 1e-3);
    ck_assert_double_eq_tol(search.forecast->cases[0].cost.mean, 11, 1e-9);
    ck_assert_double_eq(search.forecast->cases[1].cost.mean, search.cost);
    ck_assert_double_eq_tol(search.forecast->cases[1].cost.difference, search.cost - 11, 1e-9);
    ck_assert_uint_le(search.forecasts, 200);
    ck_assert(!search.stopped);
    search_fini(&search);
    scenario_destroy(scenario);
    plant_destroy(plant);
}
END_TEST

/* x comes to u, so u = 2 at most; there 2 (v + 1)^2 + 2 v is lowest at v = -1.5. */
START_TEST(a_limit_without_chance_is_reached_and_not_passed)
{
    Plant *plant = load("0");
    Scenario *scenario = read(plant, "optimize = { vary = { ['p.u'] = { -10, 10 }, ['p.v'] = { -10, 10 } }, limits = { ['p.high'] = 0 }, forecasts = 200 }");
    Search search;
    ck_assert_int_eq(try_search(plant, scenario, &(SearchDef){0}, &search), ERR_OK);
    ck_assert_double_eq_tol(search.values[0], 2, 0.02);
    ck_assert_double_eq_tol(search.values[1], -1.5, 0.03);
    ck_assert_double_eq(search.excess, 0);
    ck_assert_double_eq(search.forecast->cases[1].limits[0].passed.share, 0);
    search_fini(&search);
    scenario_destroy(scenario);
    plant_destroy(plant);
}
END_TEST

/* Chance moves the limit in: as many members pass as are allowed, and not one more. */
START_TEST(a_limit_with_chance_is_passed_by_as_many_as_are_allowed)
{
    Plant *plant = load("0.2");
    Scenario *scenario = read(plant, "optimize = { vary = { ['p.u'] = { -10, 10 } }, limits = { ['p.high'] = 0.1 }, forecasts = 80 }");
    Search search, other;
    ck_assert_int_eq(try_search(plant, scenario, &(SearchDef){0}, &search), ERR_OK);
    const double share = search.forecast->cases[1].limits[0].passed.share;
    ck_assert_double_le(share, 0.1);
    ck_assert_double_ge(share, 0.09);
    ck_assert_double_lt(search.values[0], 2 - 0.2);

    ck_assert_int_eq(try_search(plant, scenario, &(SearchDef){.threads = 2}, &other), ERR_OK);
    ck_assert_mem_eq(search.values, other.values, sizeof search.values);
    ck_assert_uint_eq(search.forecasts, other.forecasts);
    search_fini(&other);
    search_fini(&search);
    scenario_destroy(scenario);
    plant_destroy(plant);
}
END_TEST

static atomic_int stop;

static void stop_at_twelve(void *self, const Search *so_far)
{
    *(double *)self = so_far->cost;
    stop = so_far->forecasts == 12;
}

START_TEST(a_search_that_is_stopped_tells_the_best_so_far)
{
    Plant *plant = load("0");
    Scenario *scenario = read(plant, "optimize = { vary = { ['p.u'] = { -10, 10 } } }");
    Search search;
    double told = NAN;
    stop = 0;
    const SearchDef def = {.stop = &stop, .tell = stop_at_twelve, .self = &told};
    ck_assert_int_eq(try_search(plant, scenario, &def, &search), ERR_OK);
    ck_assert(search.stopped);
    ck_assert_uint_eq(search.forecasts, 12);
    ck_assert_double_eq(search.cost, told);
    ck_assert_double_lt(search.cost, 11);
    search_fini(&search);

    stop = 1;
    ck_assert_int_eq(try_search(plant, scenario, &def, &search), ERR_CLOSED);
    scenario_destroy(scenario);
    plant_destroy(plant);
}
END_TEST

START_TEST(what_is_wrong_with_an_aim_is_named)
{
    static const struct {
        const char *text, *names;
    } cases[] = {
        {"optimize = 3", "optimize must be a table"},
        {"optimize = { }", "optimize needs vary"},
        {"optimize = { vary = { ['p.x'] = { 0, 1 } } }", "expected it in changes"},
        {"optimize = { vary = { ['p.u'] = { 0, 11 } } }", "within its own limits, -10 to 10"},
        {"optimize = { vary = { ['p.u'] = { 1, 0 } } }", "expected { min, max }"},
        {"optimize = { vary = { ['p.u'] = { 0, 1 } }, limits = { ['p.low'] = 0 } }", "no alarm \"p.low\""},
        {"optimize = { vary = { ['p.u'] = { 0, 1 } }, limits = { ['p.high'] = 1 } }", "from 0 to less than 1"},
        {"optimize = { vary = { ['p.u'] = { 0, 1 } }, quantile = 101 }", "percent from 0 to 100"},
        {"optimize = { vary = { ['p.u'] = { 0, 1 } }, forecasts = 3 }", "from 10 to 10000"},
        {"optimize = { vary = { ['p.u'] = { 0, 1 } }, speed = 3 }", "speed"},
    };
    Plant *plant = load("0");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        Scenario *scenario;
        ErrText why = {""};
        snprintf(text, sizeof text,
                 "return scenario 's' {\n  horizon = 4, tags = { 'p.x' }, cost = { final = 't.p.bill' }, changes = { ['p.u'] = 0 },\n  %s }\n",
                 cases[i].text);
        ck_assert_int_eq(scenario_read(scripts_write("wrong.lua", text), plant, &scenario, &why), ERR_SCRIPT);
        ck_assert_msg(strstr(why.text, cases[i].names) && strstr(why.text, "wrong.lua:"), "%s: %s", cases[i].text, why.text);
    }
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("forecast.search", the_lowest_point_of_a_quadratic_cost_is_found, a_limit_without_chance_is_reached_and_not_passed,
         a_limit_with_chance_is_passed_by_as_many_as_are_allowed, a_search_that_is_stopped_tells_the_best_so_far, what_is_wrong_with_an_aim_is_named)
