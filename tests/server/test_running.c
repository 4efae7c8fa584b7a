/* test_running.c -- how the engine runs: its time, its log, its metrics, and whether it is ready. */
#include "rig.h"

static Peer *client;

static Rig *open_rig(void)
{
    Rig *rig = rig_open();
    client = peer_connect(rig);
    return rig;
}

static void done(Rig *rig)
{
    peer_close(client);
    rig_close(rig);
}

static void send_body(const char *method, const char *path, const char *body)
{
    char request[600];
    const char *type = strcmp(method, "PATCH") == 0 ? "application/merge-patch+json" : "application/json";
    const int length = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", method, path, type,
                                strlen(body), body);
    peer_send(client, request, (size_t)length);
}

static Answer ask(const char *method, const char *path, const char *body)
{
    send_body(method, path, body);
    return peer_ask(client, "");
}

static ServerAsk await_ask(Rig *rig)
{
    ServerAsk question;
    while (!server_poll(rig->server, &question))
        sleep_ms(1);
    return question;
}

START_TEST(time_is_held_by_the_tick)
{
    Rig *rig = open_rig();
    send_body("PATCH", "/api/v1/time", "{\"paused\":true,\"speed\":4}");
    ServerAsk question = await_ask(rig);
    ck_assert_int_eq(question.kind, SERVER_ASK_TIME);
    ck_assert(question.time.paused && question.time.speed == 4 && question.time.steps == 0);
    server_answer(rig->server, question.token, 200, NULL, 0);
    Answer answer = peer_ask(client, "");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"live\":false,\"paused\":true,\"speed\":4}"));

    send_body("POST", "/api/v1/time/step", "{\"ticks\":7}");
    question = await_ask(rig);
    ck_assert(question.time.paused && question.time.steps == 7);
    server_answer(rig->server, question.token, 409, "it cannot be held", 0);
    answer = peer_ask(client, "");
    ck_assert_int_eq(answer.status, 409);
    ck_assert_ptr_nonnull(strstr(answer.body, "it cannot be held"));
    done(rig);
}
END_TEST

START_TEST(wrong_wishes_are_refused_with_what_was_expected)
{
    static const struct {
        const char *method, *path, *body, *detail;
    } wishes[] = {
        {"PATCH", "/api/v1/time", "{\"speed\":0}", "above 0"},
        {"PATCH", "/api/v1/time", "{\"speed\":\"fast\"}", "speed: expected"},
        {"PATCH", "/api/v1/time", "{\"paused\":1}", "expected true or false"},
        {"PATCH", "/api/v1/time", "{\"stop\":true}", "unknown member"},
        {"PATCH", "/api/v1/time", "[]", "expected an object"},
        {"PATCH", "/api/v1/time", "{", "line 1"},
        {"POST", "/api/v1/time/step", "{\"ticks\":0}", "from 1"},
        {"POST", "/api/v1/time/step", "{}", "from 1"},
        {"PUT", "/api/v1/log", "{\"level\":\"loud\"}", "debug, info, warning or error"},
    };
    Rig *rig = open_rig();
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        const Answer answer = ask(wishes[i].method, wishes[i].path, wishes[i].body);
        ck_assert_msg(answer.status == 400 && strstr(answer.body, wishes[i].detail), "%s: %d %s", wishes[i].body, answer.status, answer.body);
    }
    done(rig);
}
END_TEST

START_TEST(a_patch_that_does_not_say_that_it_is_one_is_refused)
{
    static const char *const types[] = {"application/json", "application/merge-patch+jsonp", ""};
    static const char body[] = "{\"paused\":true}";
    Rig *rig = open_rig();
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char request[300];
        snprintf(request, sizeof request, "PATCH /api/v1/time HTTP/1.1\r\nHost: localhost\r\n%s%s%sContent-Length: %zu\r\n\r\n%s", *types[i] ? "Content-Type: " : "", types[i],
                 *types[i] ? "\r\n" : "", strlen(body), body);
        const Answer answer = peer_ask(client, request);
        ck_assert_msg(answer.status == 415 && strstr(answer.body, "expected application/merge-patch+json"), "%s: %d %s", types[i], answer.status, answer.body);
    }
    done(rig);
}
END_TEST

START_TEST(the_log_is_told_how_much_to_say_while_it_runs)
{
    Rig *rig = open_rig();
    ck_assert_str_eq(ask("PUT", "/api/v1/log", "{\"level\":\"error\"}").body, "{\"level\":\"error\"}");
    ck_assert_int_eq(log_level(), LOG_ERROR);
    ck_assert_str_eq(peer_get(rig, client, "/api/v1/log").body, "{\"level\":\"error\"}");
    log_set_level(LOG_INFO);
    done(rig);
}
END_TEST

/* The judge is Prometheus' own: names, units, types, help, and the form of every line. */
START_TEST(promtool_has_nothing_against_the_metrics)
{
    Rig *rig = open_rig();
    for (int i = 0; i < 20; i++)
        rig_sample(rig, i, 31);
    sleep_ms(60);
    rig_turn(rig);
    const Answer answer = peer_get(rig, client, "/metrics");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.head, "text/plain; version=0.0.4"));
    ck_assert_ptr_nonnull(strstr(answer.body, "\npollux_samples_total{fate=\"used\"} 20\n"));
    ck_assert_ptr_nonnull(strstr(answer.body, "\npollux_sensor_innovation_sigmas{tag=\"tank1.gauge\"} "));
    ck_assert_ptr_nonnull(strstr(answer.body, "\npollux_tick_duration_seconds_bucket{le=\"+Inf\"} "));

    FILE *judge = popen("promtool check metrics 2>&1", "w");
    ck_assert_ptr_nonnull(judge);
    fputs(answer.body, judge);
    ck_assert_msg(pclose(judge) == 0, "promtool (package prometheus) refuses them, or is not there");
    done(rig);
}
END_TEST

START_TEST(a_plant_without_devices_is_ready_for_them)
{
    Rig *rig = open_rig();
    ck_assert_int_eq(peer_get(rig, client, "/readyz").status, 200);
    done(rig);
}
END_TEST

START_TEST(what_is_far_behind_is_alive_and_not_ready)
{
    Rig *rig = open_rig();
    const ServerNow now = {.time = RIG_START, .speed = 1, .backlog_ns = 60 * NS_PER_S, .backlog_samples = 1234567};
    server_publish(rig->server, rig->plant, rig->sync, rig->alarms, rig->gate, &now);
    const Answer answer = peer_get(rig, client, "/readyz");
    ck_assert_int_eq(answer.status, 503);
    ck_assert_ptr_nonnull(strstr(answer.body, "60 s behind with 1234567 samples"));
    ck_assert_int_eq(peer_get(rig, client, "/healthz").status, 200);
    done(rig);
}
END_TEST

KIT_MAIN("server.running", time_is_held_by_the_tick, wrong_wishes_are_refused_with_what_was_expected, a_patch_that_does_not_say_that_it_is_one_is_refused,
         the_log_is_told_how_much_to_say_while_it_runs,
         promtool_has_nothing_against_the_metrics, a_plant_without_devices_is_ready_for_them, what_is_far_behind_is_alive_and_not_ready)
