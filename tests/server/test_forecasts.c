/* test_forecasts.c -- asking for forecasts as raw bytes: results, waiting, refusals, cancelling. */
#include <pthread.h>
#include <stdatomic.h>

#include "rig.h"

#include "forecast/report.h"

static const char short_json[] = "{ \"name\": \"rising\", \"horizon\": 60, \"members\": 100, \"points\": 3, \"tags\": [\"tank1.level\"] }";
static const char long_json[] = "{ \"horizon\": 1000000, \"members\": 10000, \"points\": 3, \"tags\": [\"tank1.level\"] }";

static const char search_text[] = "{ \"horizon\": 60, \"members\": 64, \"points\": 1, \"tags\": [\"tank1.level\"], \"changes\": { \"tank1.inflow\": 0.0001 },"
                                  "  \"cost\": { \"final\": \"(t.tank1.level - quantity(40, 'cm'))^2\" },"
                                  "  \"optimize\": { \"vary\": { \"tank1.inflow\": [0, 0.001] }, \"forecasts\": 20 } }";

static Peer *client;

static Rig *open_rig(bool begun)
{
    Rig *rig = rig_make(false);
    ErrText why;
    ck_assert_int_eq(desk_create(rig->plant, 1, &rig->desk, &why), ERR_OK);
    const ServerDef def = rig_def(rig);
    rig_serve(rig, &def);
    client = peer_connect(rig);
    for (int i = 0; i < 20 && begun; i++)
        rig_sample(rig, i, 31);
    sleep_ms(60);  // what publish held back goes out with a later poll
    rig_turn(rig);
    return rig;
}

static void done(Rig *rig)
{
    peer_close(client);
    rig_close(rig);
}

/* The tick goes on while a client asks and waits. */
typedef struct Ticking {
    Rig *rig;
    pthread_t thread;
    atomic_bool stop;
} Ticking;

static void *tick(void *self)
{
    Ticking *ticking = self;
    while (!ticking->stop) {
        rig_turn(ticking->rig);
        sleep_ms(1);
    }
    return NULL;
}

static void start_ticking(Ticking *ticking, Rig *rig)
{
    *ticking = (Ticking){.rig = rig};
    ck_assert_int_eq(pthread_create(&ticking->thread, NULL, tick, ticking), 0);
}

static void stop_ticking(Ticking *ticking)
{
    ticking->stop = true;
    pthread_join(ticking->thread, NULL);
}

static Answer ask(const Rig *rig, const char *method, const char *path, const char *body)
{
    static char request[600 * 1024];
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Length: %zu\r\n\r\n%s", method, path, server_port(rig->server), strlen(body), body);
    return peer_ask(client, request);
}

static void assert_problem(const Answer *answer, int status, const char *detail)
{
    ck_assert_msg(answer->status == status, "%d %s", answer->status, answer->body);
    ck_assert_ptr_nonnull(strstr(answer->head, "application/problem+json"));
    ck_assert_msg(strstr(answer->body, detail) != NULL, "%s", answer->body);
}

static json_int_t id_of(const Answer *answer)
{
    json_t *view = rig_parse(answer->body);
    const json_int_t id = json_integer_value(json_object_get(view, "id"));
    json_decref(view);
    ck_assert_int_gt(id, 0);
    return id;
}

static void assert_state(const Answer *answer, const char *state)
{
    json_t *view = rig_parse(answer->body);
    ck_assert_str_eq(json_string_value(json_object_get(view, "state")), state);
    json_decref(view);
}

/* The state of an ask, when it is `state` at last. */
static Answer follow(const Rig *rig, json_int_t id, const char *state)
{
    char path[64];
    snprintf(path, sizeof path, "/api/v1/forecasts/%lld", (long long)id);
    for (;;) {
        const Answer answer = peer_get(rig, client, path);
        ck_assert_int_eq(answer.status, 200);
        json_t *view = rig_parse(answer.body);
        const bool is_there = strcmp(json_string_value(json_object_get(view, "state")), state) == 0;
        json_decref(view);
        if (is_there)
            return answer;
        sleep_ms(2);
    }
}

START_TEST(a_scenario_is_accepted_and_its_result_fetched)
{
    Rig *rig = open_rig(true);
    Ticking ticking;
    start_ticking(&ticking, rig);
    const Answer asked = ask(rig, "POST", "/api/v1/forecasts", short_json);
    ck_assert_msg(asked.status == 202 || asked.status == 200, "%d %s", asked.status, asked.body);
    const json_int_t id = id_of(&asked);
    char location[64];
    snprintf(location, sizeof location, "location: /api/v1/forecasts/%lld\r\n", (long long)id);
    ck_assert_ptr_nonnull(strcasestr(asked.head, location));

    const Answer got = follow(rig, id, "done");
    json_t *view = rig_parse(got.body), *result = json_object_get(view, "result");
    ck_assert_str_eq(json_string_value(json_object_get(view, "name")), "rising");
    ck_assert_double_eq(json_number_value(json_object_get(view, "progress")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(result, "members")), 100);
    json_decref(view);
    stop_ticking(&ticking);
    done(rig);
}
END_TEST

START_TEST(a_request_may_wait_for_its_result)
{
    Rig *rig = open_rig(true);
    Ticking ticking;
    start_ticking(&ticking, rig);
    for (int i = 0; i < 3; i++) {  // on one connection
        const Answer answer = ask(rig, "POST", "/api/v1/forecasts?wait=20", short_json);
        ck_assert_msg(answer.status == 200, "%d %s", answer.status, answer.body);
        assert_state(&answer, "done");
        ck_assert_ptr_nonnull(strstr(answer.body, "\"result\":{"));
    }
    stop_ticking(&ticking);
    done(rig);
}
END_TEST

/* The best so far is that of the result when it has ended. */
START_TEST(a_search_tells_its_best_values)
{
    Rig *rig = open_rig(true);
    Ticking ticking;
    start_ticking(&ticking, rig);
    const Answer answer = ask(rig, "POST", "/api/v1/forecasts?optimize=1&wait=40", search_text);
    ck_assert_msg(answer.status == 200, "%d %s", answer.status, answer.body);
    json_t *view = rig_parse(answer.body), *best = json_object_get(view, "best"), *optimum = json_object_get(json_object_get(view, "result"), "optimum");
    ck_assert_str_eq(json_string_value(json_object_get(view, "state")), "done");
    ck_assert_int_eq(json_integer_value(json_object_get(best, "evaluations")), json_integer_value(json_object_get(optimum, "forecasts")));
    ck_assert_double_eq(json_number_value(json_object_get(best, "cost")), json_number_value(json_object_get(optimum, "cost")));
    ck_assert_double_eq(json_number_value(json_object_get(json_object_get(best, "values"), "tank1.inflow")),
                        json_number_value(json_object_get(json_array_get(json_object_get(optimum, "values"), 0), "value")));
    ck_assert(json_is_true(json_object_get(best, "keeps_limits")));
    json_decref(view);
    stop_ticking(&ticking);
    done(rig);
}
END_TEST

START_TEST(waiting_has_an_end)
{
    Rig *rig = open_rig(true);
    Ticking ticking;
    start_ticking(&ticking, rig);
    const Answer answer = ask(rig, "POST", "/api/v1/forecasts?wait=0.2", long_json);
    ck_assert_int_eq(answer.status, 202);
    stop_ticking(&ticking);
    done(rig);
}
END_TEST

START_TEST(a_scenario_that_is_wrong_says_where)
{
    Rig *rig = open_rig(true);
    Ticking ticking;
    start_ticking(&ticking, rig);
    const Answer answer = ask(rig, "POST", "/api/v1/forecasts?wait=20", "{ \"horizon\": 60,\n \"tags\": [\"tank9.level\"] }");
    ck_assert_int_eq(answer.status, 200);
    assert_state(&answer, "failed");
    ck_assert_ptr_nonnull(strstr(answer.body, "scenario:2"));
    stop_ticking(&ticking);
    done(rig);
}
END_TEST

START_TEST(a_forecast_that_runs_can_be_cancelled)
{
    Rig *rig = open_rig(true);
    Ticking ticking;
    start_ticking(&ticking, rig);
    const Answer asked = ask(rig, "POST", "/api/v1/forecasts", long_json);
    const json_int_t id = id_of(&asked);
    follow(rig, id, "running");
    char path[64];
    snprintf(path, sizeof path, "/api/v1/forecasts/%lld", (long long)id);
    const Answer cancelled = ask(rig, "DELETE", path, "");
    ck_assert_msg(cancelled.status == 202 || cancelled.status == 200, "%d %s", cancelled.status, cancelled.body);
    peer_close(client);
    client = peer_connect(rig);
    follow(rig, id, "cancelled");
    stop_ticking(&ticking);
    done(rig);
}
END_TEST

START_TEST(asks_beyond_the_capacity_are_told_when_to_come_back)
{
    Rig *rig = open_rig(true);  // nothing ticks: all of them wait
    for (int i = 0; i < DESK_PEOPLE_MAX; i++)
        ck_assert_int_eq(ask(rig, "POST", "/api/v1/forecasts", short_json).status, 202);
    const Answer answer = ask(rig, "POST", "/api/v1/forecasts", short_json);
    assert_problem(&answer, 429, "come back in");
    const char *retry = strcasestr(answer.head, "retry-after: ");
    ck_assert_ptr_nonnull(retry);
    ck_assert_int_ge(atoi(retry + strlen("retry-after: ")), 1);

    const Answer list = peer_get(rig, client, "/api/v1/forecasts");
    json_t *views = rig_parse(list.body);
    ck_assert_uint_eq(json_array_size(views), DESK_PEOPLE_MAX);
    json_decref(views);
    done(rig);
}
END_TEST

START_TEST(what_cannot_be_asked_is_refused)
{
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *detail;
    } cases[] = {
        {"POST", "/api/v1/forecasts", "", 400, "expected a scenario"},
        {"POST", "/api/v1/forecasts?wait=90", short_json, 400, "wait: expected seconds from 0 to 50"},
        {"POST", "/api/v1/forecasts?optimize=2", search_text, 400, "optimize"},
        {"POST", "/api/v1/forecasts?patience=x", short_json, 400, "patience: expected seconds"},
        {"POST", "/api/v1/forecasts?scenario=none", "", 404, "no scenario \\\"none\\\""},
        {"POST", "/api/v1/forecasts?scenario=../plants/works", "", 404, "no scenario"},
        {"POST", "/api/v1/forecasts?scenario=none", short_json, 400, "not both"},
        {"GET", "/api/v1/forecasts/0", "", 404, "expected a number"},
        {"GET", "/api/v1/forecasts/99999", "", 404, "no forecast 99999"},
        {"DELETE", "/api/v1/forecasts/99999", "", 404, "no forecast 99999"},
    };
    Rig *rig = open_rig(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        peer_close(client);
        client = peer_connect(rig);
        const Answer answer = ask(rig, cases[i].method, cases[i].path, cases[i].body);
        assert_problem(&answer, cases[i].status, cases[i].detail);
    }
    done(rig);
}
END_TEST

START_TEST(a_body_that_is_too_long_is_refused_before_it_is_read)
{
    Rig *rig = open_rig(true);
    static char body[DESK_TEXT_MAX + 2];
    memset(body, ' ', sizeof body - 1);
    const Answer answer = ask(rig, "POST", "/api/v1/forecasts", body);
    assert_problem(&answer, 413, "256 KiB at most");
    done(rig);
}
END_TEST

START_TEST(before_the_plants_time_has_begun_there_is_nothing_to_look_ahead_from)
{
    Rig *rig = open_rig(false);
    const Answer answer = ask(rig, "POST", "/api/v1/forecasts", short_json);
    assert_problem(&answer, 409, "has not begun");
    done(rig);
}
END_TEST

START_TEST(a_page_of_another_site_cannot_ask)
{
    Rig *rig = open_rig(true);
    char request[512];
    snprintf(request, sizeof request, "POST /api/v1/forecasts HTTP/1.1\r\nHost: localhost:%d\r\nOrigin: http://elsewhere.example\r\nContent-Length: 2\r\n\r\n{}", server_port(rig->server));
    const Answer answer = peer_ask(client, request);
    assert_problem(&answer, 403, "another site");
    done(rig);
}
END_TEST

START_TEST(scenarios_beside_the_plant_are_listed_where_they_fit)
{
    Rig rig = {0};
    ErrText why;
    log_set_level(LOG_ERROR);
    ck_assert_int_eq(plant_load(POLLUX_SOURCE "/twins/plants/waterworks.lua", 1, &rig.plant, &why), ERR_OK);
    rig_serve(&rig, &(ServerDef){.plant = rig.plant});
    client = peer_connect(&rig);
    for (int i = 0; i < 2; i++) {
        const Answer answer = peer_get(&rig, client, "/api/v1/scenarios");
        json_t *list = rig_parse(answer.body);
        ck_assert_uint_eq(json_array_size(list), 3);  // the others are of other plants
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "name")), "waterworks");
        ck_assert_double_eq(json_number_value(json_object_get(json_array_get(list, 0), "horizon")), 3600);
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 1), "name")), "waterworks_clog");
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 2), "name")), "waterworks_fill");
        json_decref(list);
    }
    peer_close(client);
    server_destroy(rig.server);
    plant_destroy(rig.plant);
    unit_forget_all();
}
END_TEST

KIT_MAIN("server.forecasts", a_scenario_is_accepted_and_its_result_fetched, a_request_may_wait_for_its_result, a_search_tells_its_best_values, waiting_has_an_end,
         a_scenario_that_is_wrong_says_where, a_forecast_that_runs_can_be_cancelled, asks_beyond_the_capacity_are_told_when_to_come_back,
         what_cannot_be_asked_is_refused, a_body_that_is_too_long_is_refused_before_it_is_read,
         before_the_plants_time_has_begun_there_is_nothing_to_look_ahead_from, a_page_of_another_site_cannot_ask,
         scenarios_beside_the_plant_are_listed_where_they_fit)
