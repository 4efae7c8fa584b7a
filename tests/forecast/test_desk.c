/* A desk beside a plant: what comes back is what forecast_run says, in the order of urgency, and nothing waits for ever. */
#include "forecast/desk.h"

#include <stdatomic.h>

#include "forecast/ahead.h"
#include "forecast/report.h"

static const char walk_json[] = "{ \"name\": \"walk\", \"horizon\": 10, \"members\": 100, \"points\": 4, \"tags\": [\"w.x\"] }";
static const char long_json[] = "{ \"name\": \"long\", \"horizon\": 1000000, \"members\": 10000, \"points\": 4, \"tags\": [\"w.x\"] }";

/* Where u = 0.5 x the decay stands still: what brings it to 3 is known. */
static const char search_json_text[] = "{ \"name\": \"level\", \"horizon\": 40, \"members\": 100, \"points\": 4, \"tags\": [\"d.x\"], \"changes\": { \"d.u\": 0 },"
                                       "  \"cost\": { \"final\": \"(t.d.x - 3)^2\" }, \"optimize\": { \"vary\": { \"d.u\": [-5, 5] }, \"forecasts\": 40 } }";
static const char long_search_json[] = "{ \"horizon\": 2000, \"members\": 640, \"points\": 4, \"tags\": [\"d.x\"], \"changes\": { \"d.u\": 0 },"
                                       "  \"cost\": { \"final\": \"(t.d.x - 3)^2\" }, \"optimize\": { \"vary\": { \"d.u\": [-5, 5] }, \"forecasts\": 10000 } }";

typedef struct Office {
    Plant *plant;
    Desk *desk;
} Office;

static Office open_office(void)
{
    Office office = {.plant = ahead_plant("w = { 'walk' }, d = { 'decay' }", "")};
    ErrText why = {""};
    ck_assert_int_eq(desk_create(office.plant, 1, &office.desk, &why), ERR_OK);
    return office;
}

static void close_office(Office *office)
{
    desk_destroy(office->desk);
    plant_destroy(office->plant);
}

static uint64_t ask_for(const Office *office, const char *json, bool searches)
{
    uint64_t id = 0;
    double retry;
    ErrText why = {""};
    if (desk_ask(office->desk, &(DeskAsk){.text = json, .length = strlen(json), .searches = searches, .patience = 60}, &id, &retry, &why))
        ck_abort_msg("%s", why.text);
    return id;
}

static uint64_t ask(const Office *office, const char *json)
{
    return ask_for(office, json, false);
}

static void nap(void)
{
    clock_system.sleep_ns(clock_system.self, NS_PER_MS);
}

/* As the tick does, again and again. */
static DeskView follow(const Office *office, uint64_t id)
{
    DeskView view;
    do {
        nap();
        desk_fill(office->desk, 0);
        ck_assert(desk_look(office->desk, id, &view));
    } while (!desk_state_is_end(view.state));
    return view;
}

static void follow_to(const Office *office, uint64_t id, DeskState state)
{
    DeskView view;
    do {
        nap();
        desk_fill(office->desk, 0);
        ck_assert(desk_look(office->desk, id, &view));
    } while (view.state != state);
}

START_TEST(a_result_is_that_of_the_forecast_alone)
{
    Office office = open_office();
    const uint64_t id = ask(&office, walk_json);
    const DeskView view = follow(&office, id);
    ck_assert_msg(view.state == DESK_DONE, "%s", view.why);
    ck_assert_str_eq(view.name, "walk");

    Scenario *scenario;
    Fork *fork;
    Forecast *forecast;
    ErrText why = {""};
    Text text = {0};
    ck_assert_int_eq(scenario_read_json("scenario", walk_json, strlen(walk_json), office.plant, &scenario, &why), ERR_OK);
    ck_assert_int_eq(scenario_fork(scenario, office.plant, 0, &fork, &why), ERR_OK);
    ck_assert_int_eq(forecast_run(fork, scenario, &(ForecastDef){.threads = 2}, &forecast, &why), ERR_OK);
    forecast_json(forecast, &text);
    ck_assert_str_eq(view.json, text.bytes);
    text_fini(&text);
    forecast_destroy(forecast);
    fork_destroy(fork);
    scenario_destroy(scenario);
    close_office(&office);
}
END_TEST

START_TEST(it_looks_ahead_from_the_plant_as_it_is_when_the_tick_lets_it)
{
    Office office = open_office();
    const uint64_t id = ask(&office, "{ \"horizon\": 10, \"members\": 100, \"times\": [0], \"tags\": [\"w.x\"], \"paths\": 0 }");
    DeskView view;
    for (int i = 0; i < 50; i++)
        nap();
    ck_assert(desk_look(office.desk, id, &view));
    ck_assert_int_eq(view.state, DESK_QUEUED);  // it is read, and waits for a copy

    plant_set(office.plant, ahead_tag(office.plant, "w.x"), 4);
    view = follow(&office, id);
    ck_assert_msg(view.state == DESK_DONE, "%s", view.why);
    ck_assert_ptr_nonnull(strstr(view.json, "\"mean\":[4]"));
    close_office(&office);
}
END_TEST

static double told_last(const void *self, TagId tag)
{
    (void)tag;
    return *(const double *)self;
}

START_TEST(actuators_are_at_what_they_were_told)
{
    Office office = open_office();
    double told = NAN;
    desk_told(office.desk, told_last, &told);
    for (int i = 0; i < 2; i++) {
        const uint64_t id = ask(&office, "{ \"horizon\": 10, \"members\": 10, \"times\": [10], \"tags\": [\"d.order\"] }");
        const DeskView view = follow(&office, id);
        ck_assert_msg(view.json && strstr(view.json, i ? "\"mean\":[0.75]" : "\"mean\":[0]") != NULL, "%s", view.json);  // 0 is what the model says
        told = 0.75;
    }
    close_office(&office);
}
END_TEST

START_TEST(a_wrong_scenario_fails_with_its_line)
{
    Office office = open_office();
    const DeskView view = follow(&office, ask(&office, "{ \"horizon\": 10,\n\"tags\": [\"w.y\"] }"));
    ck_assert_int_eq(view.state, DESK_FAILED);
    ck_assert_ptr_nonnull(strstr(view.why, "scenario:2"));
    ck_assert_ptr_nonnull(strstr(view.why, "w.y"));
    ck_assert_ptr_null(view.json);
    close_office(&office);
}
END_TEST

START_TEST(a_result_that_is_too_long_to_tell_is_refused)
{
    Office office = open_office();
    const DeskView view = follow(&office, ask(&office, "{ \"horizon\": 10000, \"members\": 64, \"points\": 9999, \"paths\": 64, \"tags\": [\"w.x\", \"d.x\"] }"));
    ck_assert_int_eq(view.state, DESK_FAILED);
    ck_assert_ptr_nonnull(strstr(view.why, "the result would have 1460000 numbers"));
    close_office(&office);
}
END_TEST

START_TEST(an_ask_without_memory_fails_and_the_next_one_does_not)
{
    Office office = open_office();
    size_t failed = 0;
    DeskState state = DESK_FAILED;
    for (size_t n = 1; n < 500 && state != DESK_DONE; n++) {
        const DeskAsk walk = {.text = walk_json, .length = strlen(walk_json), .patience = 60};
        uint64_t id = 0;
        double retry;
        ErrText why = {""};
        kit_fail_allocation(n);
        const Err err = desk_ask(office.desk, &walk, &id, &retry, &why);
        ck_assert_msg(err == ERR_OK || err == ERR_MEMORY, "%s", why.text);
        const DeskView view = err ? (DeskView){.state = DESK_FAILED, .why = why.text} : follow(&office, id);
        kit_fail_allocation(0);
        state = view.state;
        failed += state == DESK_FAILED;
        ck_assert_msg(state == DESK_DONE || (state == DESK_FAILED && strstr(view.why, "memory")), "allocation %zu: %s", n, view.why);
    }
    ck_assert_int_eq(state, DESK_DONE);
    ck_assert_uint_gt(failed, 10);
    close_office(&office);
}
END_TEST

START_TEST(what_is_cancelled_ends_soon)
{
    Office office = open_office();
    const uint64_t running = ask(&office, long_json), queued = ask(&office, walk_json);
    follow_to(&office, running, DESK_RUNNING);
    ck_assert(desk_cancel(office.desk, queued));
    ck_assert(desk_cancel(office.desk, running));
    ck_assert_int_eq(follow(&office, running).state, DESK_CANCELLED);
    ck_assert_int_eq(follow(&office, queued).state, DESK_CANCELLED);
    ck_assert(!desk_cancel(office.desk, 1000));
    close_office(&office);
}
END_TEST

START_TEST(what_has_a_result_is_not_cancelled_any_more)
{
    Office office = open_office();
    const uint64_t id = ask(&office, walk_json);
    follow(&office, id);
    ck_assert(desk_cancel(office.desk, id));
    ck_assert_int_eq(follow(&office, id).state, DESK_DONE);
    close_office(&office);
}
END_TEST

START_TEST(a_deadline_ends_what_runs)
{
    Office office = open_office();
    uint64_t id;
    double retry;
    ErrText why;
    ck_assert_int_eq(desk_ask(office.desk, &(DeskAsk){.text = long_json, .length = strlen(long_json), .patience = 0.05}, &id, &retry, &why), ERR_OK);
    const DeskView view = follow(&office, id);
    ck_assert_int_eq(view.state, DESK_EXPIRED);
    ck_assert_str_eq(view.why, "its time was over before it was computed");
    close_office(&office);
}
END_TEST

START_TEST(asks_beyond_its_capacity_are_refused_with_a_time)
{
    Office office = open_office();
    uint64_t first = ask(&office, long_json), id;
    double retry = 0;
    ErrText why = {""};
    for (int i = 1; i < DESK_PEOPLE_MAX; i++)
        ask(&office, walk_json);
    ck_assert_int_eq(desk_ask(office.desk, &(DeskAsk){.text = walk_json, .length = strlen(walk_json), .patience = 60}, &id, &retry, &why), ERR_FULL);
    ck_assert_double_ge(retry, 1);
    ck_assert_ptr_nonnull(strstr(why.text, "come back in"));

    // room is made by an end, whose place is taken first
    desk_cancel(office.desk, first);
    follow(&office, first);
    DeskView view;
    const uint64_t more = ask(&office, walk_json);
    ck_assert(!desk_look(office.desk, first, &view));
    ck_assert_int_eq(follow(&office, more).state, DESK_DONE);
    close_office(&office);
}
END_TEST

START_TEST(asks_are_listed_in_their_order)
{
    Office office = open_office();
    uint64_t ids[3];
    for (size_t i = 0; i < 3; i++)
        ids[i] = ask(&office, walk_json);
    DeskView view = {0};
    for (size_t i = 0; i < 3; i++) {
        ck_assert(desk_next(office.desk, view.id, &view));
        ck_assert_uint_eq(view.id, ids[i]);
    }
    ck_assert(!desk_next(office.desk, view.id, &view));
    close_office(&office);
}
END_TEST

/* A scenario of the tick's own. */
typedef struct Order {
    Scenario *scenario;
    Fork *fork;
    uint64_t id;
} Order;

static Order order(const Office *office, const char *json, DeskPriority priority)
{
    Order order;
    ErrText why = {""};
    ck_assert_int_eq(scenario_read_json("order", json, strlen(json), office->plant, &order.scenario, &why), ERR_OK);
    ck_assert_int_eq(scenario_fork(order.scenario, office->plant, 0, &order.fork, &why), ERR_OK);
    order.id = desk_order(office->desk, order.scenario, order.fork, priority);
    ck_assert_uint_ne(order.id, 0);
    return order;
}

static void close_order(Order *order)
{
    scenario_destroy(order->scenario);
    fork_destroy(order->fork);
}

START_TEST(what_the_gate_asks_does_not_wait_behind_a_long_forecast)
{
    Office office = open_office();
    const uint64_t running = ask(&office, long_json);
    follow_to(&office, running, DESK_RUNNING);
    Order urgent = order(&office, walk_json, DESK_GATE);
    desk_await(office.desk, urgent.id);
    DeskView view;
    ck_assert(desk_look(office.desk, running, &view));
    ck_assert_int_eq(view.state, DESK_RUNNING);

    ErrText why = {""};
    Forecast *forecast = desk_fetch(office.desk, urgent.id, &why);
    ck_assert_ptr_nonnull(forecast);
    ck_assert_uint_eq(forecast->members, 100);
    forecast_destroy(forecast);
    close_order(&urgent);
    close_office(&office);
}
END_TEST

START_TEST(people_are_served_before_what_stands)
{
    Office office = open_office();
    const uint64_t person = ask(&office, walk_json);
    for (int i = 0; i < 50; i++)
        nap();  // it is read, and waits for a copy

    Order running = order(&office, long_json, DESK_STANDING), standing = order(&office, long_json, DESK_STANDING);
    desk_fill(office.desk, 0);
    desk_give_up(office.desk, running.id);
    ck_assert_int_eq(follow(&office, person).state, DESK_DONE);
    ck_assert(!desk_has_ended(office.desk, standing.id));

    desk_give_up(office.desk, standing.id);
    Order *orders[] = {&running, &standing};
    for (size_t i = 0; i < 2; i++) {
        ErrText why = {""};
        desk_await(office.desk, orders[i]->id);
        ck_assert_ptr_null(desk_fetch(office.desk, orders[i]->id, &why));
        ck_assert_str_eq(why.text, "it was cancelled");
        close_order(orders[i]);
    }
    close_office(&office);
}
END_TEST

static void count(void *self)
{
    atomic_fetch_add((atomic_int *)self, 1);
}

START_TEST(every_end_is_told_once)
{
    Office office = open_office();
    atomic_int told = 0;
    desk_tell(office.desk, count, &told);
    for (int i = 0; i < 5; i++)
        follow(&office, ask(&office, walk_json));
    desk_tell(office.desk, NULL, NULL);
    ck_assert_int_eq(told, 5);
    close_office(&office);
}
END_TEST

START_TEST(a_search_is_that_of_the_search_alone)
{
    Office office = open_office();
    const uint64_t id = ask_for(&office, search_json_text, true);
    const DeskView view = follow(&office, id);
    ck_assert_msg(view.state == DESK_DONE, "%s", view.why);

    Scenario *scenario;
    Fork *fork;
    Search search;
    ErrText why = {""};
    Text text = {0};
    ck_assert_int_eq(scenario_read_json("scenario", search_json_text, strlen(search_json_text), office.plant, &scenario, &why), ERR_OK);
    ck_assert_int_eq(scenario_fork(scenario, office.plant, 0, &fork, &why), ERR_OK);
    ck_assert_int_eq(search_run(fork, scenario, &(SearchDef){.threads = 2}, &search, &why), ERR_OK);
    search_json(&search, &text);
    ck_assert_str_eq(view.json, text.bytes);
    ck_assert_uint_eq(view.best.count, 1);
    ck_assert_uint_eq(view.best.tags[0], ahead_tag(office.plant, "d.u"));
    ck_assert_double_eq(view.best.values[0], search.values[0]);
    ck_assert_double_eq(view.best.cost, search.cost);
    ck_assert_uint_eq(view.best.evaluations, search.forecasts);
    ck_assert(view.best.keeps_limits);
    ck_assert_double_eq_tol(view.best.values[0], 1.5, 0.05);
    text_fini(&text);
    search_fini(&search);
    fork_destroy(fork);
    scenario_destroy(scenario);
    close_office(&office);
}
END_TEST

START_TEST(between_two_forecasts_of_a_search_others_are_served)
{
    Office office = open_office();
    const uint64_t search = ask_for(&office, long_search_json, true);
    follow_to(&office, search, DESK_RUNNING);
    Order standing = order(&office, walk_json, DESK_STANDING);
    ck_assert_int_eq(follow(&office, ask(&office, walk_json)).state, DESK_DONE);
    desk_await(office.desk, standing.id);

    DeskView view;
    ck_assert(desk_look(office.desk, search, &view));
    ck_assert_int_eq(view.state, DESK_RUNNING);
    ck_assert_uint_gt(view.best.evaluations, 0);
    ck_assert(view.progress > 0 && view.progress < 1);
    close_order(&standing);
    close_office(&office);
}
END_TEST

START_TEST(a_search_that_is_cancelled_ends_soon_and_leaves_the_best_so_far)
{
    Office office = open_office();
    const uint64_t search = ask_for(&office, long_search_json, true), next = ask_for(&office, search_json_text, true);
    DeskView view;
    do {
        follow_to(&office, search, DESK_RUNNING);
        ck_assert(desk_look(office.desk, search, &view));
    } while (view.best.evaluations < 3);
    ck_assert(desk_look(office.desk, next, &view));
    ck_assert_int_eq(view.state, DESK_QUEUED);  // one search at a time
    ck_assert(desk_cancel(office.desk, search));
    view = follow(&office, search);
    ck_assert_int_eq(view.state, DESK_CANCELLED);
    ck_assert_ptr_null(view.json);
    ck_assert_uint_ge(view.best.evaluations, 3);
    ck_assert(isfinite(view.best.cost));
    ck_assert_int_eq(follow(&office, next).state, DESK_DONE);
    close_office(&office);
}
END_TEST

/* The recording says 7 from the time of the fork on. */
static Err follow_seven(const char *path, const Plant *plant, int64_t from, Scenario *scenario, ErrText *why)
{
    ck_assert_str_eq(path, "folder/");
    ck_assert_str_eq(scenario->tape, "tomorrow.csv");
    const Sample sample = {.tag = tags_find(plant->tags, "d.u"), .time = from, .value = 7, .quality = QUALITY_GOOD};
    return scenario_follow(scenario, plant, &sample, 1, from, why);
}

static DeskView ask_for_tape(const Office *office, const char *tape)
{
    char json[256];
    uint64_t id;
    double retry;
    ErrText why = {""};
    snprintf(json, sizeof json, "{ \"horizon\": 10, \"members\": 64, \"times\": [10], \"tags\": [\"d.u\"], \"tape\": \"%s\" }", tape);
    ck_assert_int_eq(desk_ask(office->desk, &(DeskAsk){.text = json, .length = strlen(json), .beside = "folder/", .patience = 60}, &id, &retry, &why), ERR_OK);
    return follow(office, id);
}

START_TEST(a_scenario_may_follow_a_recording_of_the_folder_and_no_other)
{
    static const char *const outside[] = {"../tomorrow.csv", "/etc/passwd", "a/b.csv", ".hidden", ""};
    Office office = open_office();
    DeskView view = ask_for_tape(&office, "tomorrow.csv");
    ck_assert_int_eq(view.state, DESK_FAILED);
    ck_assert_ptr_nonnull(strstr(view.why, "cannot be read here"));

    desk_follow(office.desk, follow_seven);
    view = ask_for_tape(&office, "tomorrow.csv");
    ck_assert_msg(view.state == DESK_DONE, "%s", view.why);
    ck_assert_ptr_nonnull(strstr(view.json, "\"mean\":[7]"));
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        view = ask_for_tape(&office, outside[i]);
        ck_assert_int_eq(view.state, DESK_FAILED);
        ck_assert_msg(strstr(view.why, "expected the name of a file in the plant's folder of scenarios") != NULL, "%s", view.why);
    }
    close_office(&office);
}
END_TEST

START_TEST(a_scenario_that_leaves_nothing_open_cannot_be_searched)
{
    Office office = open_office();
    const DeskView view = follow(&office, ask_for(&office, walk_json, true));
    ck_assert_int_eq(view.state, DESK_FAILED);
    ck_assert_str_eq(view.why, "the scenario \"walk\" leaves nothing open: expected optimize = { vary = ... }");
    close_office(&office);
}
END_TEST

KIT_MAIN("forecast.desk", a_result_is_that_of_the_forecast_alone, it_looks_ahead_from_the_plant_as_it_is_when_the_tick_lets_it,
         actuators_are_at_what_they_were_told, a_wrong_scenario_fails_with_its_line, a_result_that_is_too_long_to_tell_is_refused,
         an_ask_without_memory_fails_and_the_next_one_does_not, what_is_cancelled_ends_soon,
         what_has_a_result_is_not_cancelled_any_more, a_deadline_ends_what_runs, asks_beyond_its_capacity_are_refused_with_a_time,
         asks_are_listed_in_their_order, what_the_gate_asks_does_not_wait_behind_a_long_forecast, people_are_served_before_what_stands,
         every_end_is_told_once, a_search_is_that_of_the_search_alone, between_two_forecasts_of_a_search_others_are_served,
         a_search_that_is_cancelled_ends_soon_and_leaves_the_best_so_far,
         a_scenario_may_follow_a_recording_of_the_folder_and_no_other, a_scenario_that_leaves_nothing_open_cannot_be_searched)
