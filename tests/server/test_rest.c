/* test_rest.c -- GET as raw bytes: resources, files, refusals, and who may ask at all. */
#include <sys/stat.h>

#include "rig.h"

static Peer *client;

static Rig *open_with(bool history)
{
    Rig *rig = rig_make(history);
    ServerDef def = rig_def(rig);
    char path[300];
    snprintf(path, sizeof path, "%s/history.db", kit_folder());
    if (history)
        def.history = path;
    rig_serve(rig, &def);
    client = peer_connect(rig);
    return rig;
}

static void done(Rig *rig)
{
    peer_close(client);
    rig_close(rig);
}

static json_t *get_json(const Rig *rig, const char *path)
{
    const Answer answer = peer_get(rig, client, path);
    ck_assert_msg(answer.status == 200, "%s: %d %s", path, answer.status, answer.body);
    ck_assert_ptr_nonnull(strstr(answer.head, "content-type: application/json"));
    return rig_parse(answer.body);
}

static void assert_refused(const Rig *rig, const char *path, int status, const char *detail)
{
    const Answer answer = peer_get(rig, client, path);
    ck_assert_msg(answer.status == status, "%s: %d %s", path, answer.status, answer.body);
    ck_assert_ptr_nonnull(strstr(answer.head, "application/problem+json"));
    json_t *problem = rig_parse(answer.body);
    ck_assert_int_eq(json_integer_value(json_object_get(problem, "status")), status);
    ck_assert_msg(strstr(json_string_value(json_object_get(problem, "detail")), detail) != NULL, "%s: %s", path, answer.body);
    json_decref(problem);
}

static void run_ticks(Rig *rig)
{
    for (int i = 0; i < 20; i++)
        rig_sample(rig, i, 31);
    // what publish held back goes out with a later poll
    sleep_ms(60);
    rig_turn(rig);
}

START_TEST(the_plant_is_the_value_of_a_snapshot)
{
    Rig *rig = open_with(false);
    json_t *plant = get_json(rig, "/api/v1/plant");
    ck_assert_str_eq(json_string_value(json_object_get(plant, "plant")), "works");
    ck_assert_str_eq(json_string_value(json_object_get(plant, "doc")), "A test");
    ck_assert_uint_eq(json_array_size(json_object_get(plant, "twins")), 1);
    json_decref(plant);
    done(rig);
}
END_TEST

START_TEST(the_plant_says_what_became_of_its_programs)
{
    Rig *rig = open_with(false);
    json_t *plant = get_json(rig, "/api/v1/plant"), *codegen = json_object_get(plant, "codegen");
    ck_assert_str_eq(json_string_value(json_object_get(codegen, "mode")), "off");
    ck_assert_str_eq(json_string_value(json_object_get(codegen, "backend")), program_backend());
    ck_assert_int_eq(json_integer_value(json_object_get(codegen, "compiled")), 0);
    ck_assert(json_is_integer(json_object_get(codegen, "waiting")) && json_is_integer(json_object_get(codegen, "refused")) && json_is_integer(json_object_get(codegen, "compile_ns")));
    json_decref(plant);

    // turned on and off again: what is said is what is now
    program_codegen(CODEGEN_AUTO, NULL);
    plant = get_json(rig, "/api/v1/plant");
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(plant, "codegen"), "mode")), "auto");
    json_decref(plant);
    program_codegen(CODEGEN_OFF, NULL);
    plant = get_json(rig, "/api/v1/plant");
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(plant, "codegen"), "why")), "native code is turned off");
    json_decref(plant);
    done(rig);
}
END_TEST

START_TEST(a_twin_gives_all_of_its_newest_values)
{
    Rig *rig = open_with(false);
    json_t *before = get_json(rig, "/api/v1/twins/tank1");
    ck_assert(json_is_null(json_object_get(before, "time")));
    json_decref(before);

    run_ticks(rig);
    json_t *twin = get_json(rig, "/api/v1/twins/tank1?times=ns"), *values = json_object_get(twin, "values");
    ck_assert_int_eq(json_integer_value(json_object_get(twin, "time")), sync_now(rig->sync));
    ck_assert_uint_eq(json_object_size(values), rig->plant->models[0]->channel_count);
    ck_assert_double_eq_tol(json_number_value(json_array_get(json_object_get(values, "tank1.gauge"), 0)), 31, 1e-9);
    ck_assert_double_eq_tol(json_number_value(json_array_get(json_object_get(values, "tank1.area"), 0)), 2, 1e-12);
    json_decref(twin);
    done(rig);
}
END_TEST

START_TEST(a_leaf_says_where_its_value_comes_from)
{
    static const struct {
        const char *path, *unit, *source;
    } leaves[] = {
        {"/api/v1/twins/tank1/level", "cm", "estimated"}, {"/api/v1/twins/tank1/gauge", "cm", "measured"},
        {"/api/v1/twins/tank1/area", "m^2", "set"},       {"/api/v1/twins/tank1/inflow", "l/min", "set"},
        {"/api/v1/twins/tank1/valve", "percent", "set"},
    };
    Rig *rig = open_with(false);
    run_ticks(rig);
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        json_t *leaf = get_json(rig, leaves[i].path);
        ck_assert_str_eq(json_string_value(json_object_get(leaf, "unit")), leaves[i].unit);
        ck_assert_str_eq(json_string_value(json_object_get(leaf, "source")), leaves[i].source);
        ck_assert_int_eq(json_is_number(json_object_get(leaf, "sd")), i == 0);
        json_decref(leaf);
    }
    json_t *level = get_json(rig, "/api/v1/twins/tank1/level");
    ck_assert_double_eq_tol(json_number_value(json_object_get(level, "value")), 100 * plant_value(rig->plant, rig_tag(rig, "tank1.level")), 1e-9);
    json_decref(level);
    done(rig);
}
END_TEST

START_TEST(history_is_in_the_unit_of_the_channel)
{
    Rig *rig = open_with(true);
    for (int i = 0; i < 5; i++) {
        const Sample sample = {.time = RIG_START + i * NS_PER_S, .value = 0.3 + 0.01 * i, .tag = rig_tag(rig, "tank1.gauge")};
        history_append_sample(rig->history, &(Filed){.sample = sample, .tick = i, .seq = (uint64_t)i + 1, .fate = FATE_USED});
        history_append_estimates(rig->history, rig->plant, RIG_START + i * NS_PER_S);
    }
    history_flush(rig->history);

    char path[256];
    snprintf(path, sizeof path, "/api/v1/history?tags=tank1.gauge%%2Ctank1.level,tank1.gauge&from=2021-01-22T14:49:00Z&to=%lld&points=100",
             (long long)(RIG_START + 10 * NS_PER_S));
    json_t *answer = get_json(rig, path), *series = json_object_get(answer, "series"), *gauge = json_object_get(series, "tank1.gauge"),
           *level = json_object_get(series, "tank1.level");
    ck_assert_uint_eq(json_object_size(series), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(gauge, "time")), 5);
    ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(gauge, "time"), 0)), RIG_START);
    ck_assert_double_eq_tol(json_number_value(json_array_get(json_object_get(gauge, "value"), 4)), 34, 1e-9);
    ck_assert(json_is_null(json_array_get(json_object_get(gauge, "sd"), 4)));
    ck_assert_uint_ge(json_array_size(json_object_get(level, "time")), 1);
    ck_assert_double_eq_tol(json_number_value(json_array_get(json_object_get(level, "value"), 0)), 30, 1e-9);
    ck_assert_double_eq_tol(json_number_value(json_array_get(json_object_get(level, "sd"), 0)), 1, 1e-9);
    json_decref(answer);

    snprintf(path, sizeof path, "/api/v1/history?tags=tank1.gauge&from=%lld&to=%lld", (long long)RIG_START + 1,
             (long long)(RIG_START + 2 * NS_PER_S));
    answer = get_json(rig, path);
    gauge = json_object_get(json_object_get(answer, "series"), "tank1.gauge");
    ck_assert_uint_eq(json_array_size(json_object_get(gauge, "time")), 2);
    json_decref(answer);
    done(rig);
}
END_TEST

static void append_minutes(Rig *rig)
{
    for (int i = 0; i < 300; i++) {
        const Sample sample = {.time = RIG_START + i * NS_PER_S, .value = 0.3 + 0.001 * (i % 60), .tag = rig_tag(rig, "tank1.gauge")};
        history_append_sample(rig->history, &(Filed){.sample = sample, .tick = i, .seq = (uint64_t)i + 1, .fate = FATE_USED});
    }
    history_flush(rig->history);
}

START_TEST(long_ranges_come_as_buckets_and_levels_can_be_asked_for)
{
    Rig *rig = open_with(true);
    append_minutes(rig);
    char path[256];
    static const char *const arguments[] = {"points=5", "level=1m"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/api/v1/history?tags=tank1.gauge&from=%lld&to=%lld&%s", (long long)RIG_START, (long long)(RIG_START + 300 * NS_PER_S), arguments[i]);
        json_t *answer = get_json(rig, path), *gauge = json_object_get(json_object_get(answer, "series"), "tank1.gauge");
        const size_t count = json_array_size(json_object_get(gauge, "time"));
        ck_assert(i == 0 ? count > 1 && count <= 5 : count == 5 || count == 6);  // whole minutes need not begin with the rig
        double sum = 0;
        for (size_t k = 0; k < count; k++) {
            ck_assert_double_le(json_number_value(json_array_get(json_object_get(gauge, "min"), k)), json_number_value(json_array_get(json_object_get(gauge, "value"), k)));
            ck_assert_double_ge(json_number_value(json_array_get(json_object_get(gauge, "max"), k)), json_number_value(json_array_get(json_object_get(gauge, "value"), k)));
            sum += json_number_value(json_array_get(json_object_get(gauge, "count"), k));
        }
        ck_assert_double_eq(sum, 300);
        if (i == 1)
            ck_assert_str_eq(json_string_value(json_object_get(gauge, "level")), "1m");
        json_decref(answer);
    }
    snprintf(path, sizeof path, "/api/v1/history?tags=tank1.gauge&from=%lld&level=raw&points=100&to=%lld", (long long)RIG_START, (long long)(RIG_START + 300 * NS_PER_S));
    json_t *answer = get_json(rig, path), *gauge = json_object_get(json_object_get(answer, "series"), "tank1.gauge");
    ck_assert_int_eq(json_integer_value(json_object_get(gauge, "next")), RIG_START + 100 * NS_PER_S);
    ck_assert_ptr_null(json_object_get(gauge, "min"));
    json_decref(answer);
    done(rig);
}
END_TEST

START_TEST(history_comes_as_csv_too)
{
    Rig *rig = open_with(true);
    append_minutes(rig);
    char path[256];
    snprintf(path, sizeof path, "/api/v1/history?tags=tank1.gauge&from=%lld&to=%lld&format=csv&times=ns", (long long)RIG_START, (long long)(RIG_START + 1 * NS_PER_S));
    const Answer reply = peer_get(rig, client, path);
    char expected[256];
    snprintf(expected, sizeof expected, "time,tag,value,sd,min,max,count,unit\r\n%lld,tank1.gauge,30,,30,30,1,cm\r\n%lld,tank1.gauge,30.1,,30.1,30.1,1,cm\r\n", (long long)RIG_START,
             (long long)(RIG_START + NS_PER_S));
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body, expected);

    // the same is asked for by its type; a format that is named counts more, and of two types the first
    static const struct {
        const char *format, *accept;
        bool csv;
    } cases[] = {{"", "text/csv", true},  {"", "text/csv;q=0.9, */*;q=0.1", true}, {"&format=json", "text/csv", false}, {"", "application/json, text/csv", false},
                 {"", "*/*", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[600];
        snprintf(request, sizeof request, "GET /api/v1/history?tags=tank1.gauge&from=%lld&to=%lld&times=ns%s HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n",
                 (long long)RIG_START, (long long)(RIG_START + NS_PER_S), cases[i].format, cases[i].accept);
        const Answer answer = peer_ask(client, request);
        ck_assert_int_eq(answer.status, 200);
        ck_assert_msg((strcmp(answer.body, expected) == 0) == cases[i].csv, "%s: %.100s", cases[i].accept, answer.body);
        ck_assert_int_eq(strstr(answer.head, "content-type: text/csv") != NULL, cases[i].csv);
    }
    done(rig);
}
END_TEST

START_TEST(the_plant_of_a_moment_has_its_values_and_its_alarms)
{
    Rig *rig = open_with(true);
    append_minutes(rig);
    const Alarm alarm = {.id = 1, .twin = 0, .revision = 2, .state = ALARM_OVER, .raised = RIG_START, .acknowledged = RIG_START + 50 * NS_PER_S, .returned = RIG_START + 60 * NS_PER_S, .name = "overflow"};
    history_append_alarm(rig->history, &alarm, "tank1");
    history_flush(rig->history);
    char path[128];
    for (int second = 10; second <= 100; second += 90) {
        snprintf(path, sizeof path, "/api/v1/snapshot?times=ns&at=%lld", (long long)(RIG_START + second * NS_PER_S + 1));
        json_t *answer = get_json(rig, path), *gauge = json_object_get(json_object_get(answer, "values"), "tank1.gauge");
        ck_assert_double_eq_tol(json_number_value(json_array_get(gauge, 0)), 30 + 0.1 * (second % 60), 1e-9);
        ck_assert(json_is_null(json_array_get(gauge, 1)));
        ck_assert_int_eq(json_integer_value(json_array_get(gauge, 2)), RIG_START + second * NS_PER_S);
        ck_assert_uint_eq(json_array_size(json_object_get(answer, "alarms")), second == 10);
        json_decref(answer);
    }
    assert_refused(rig, "/api/v1/snapshot", 400, "at: expected");
    assert_refused(rig, "/api/v1/snapshot?at=then", 400, "at: expected");
    done(rig);
}
END_TEST

START_TEST(the_default_window_ends_at_plant_time)
{
    Rig *rig = open_with(true);
    run_ticks(rig);
    const Sample sample = {.time = RIG_START + 3 * NS_PER_S, .value = 0.3, .tag = rig_tag(rig, "tank1.gauge")};
    history_append_sample(rig->history, &(Filed){.sample = sample, .tick = 3, .seq = 1, .fate = FATE_USED});
    history_flush(rig->history);
    json_t *answer = get_json(rig, "/api/v1/history?tags=tank1.gauge");
    ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(json_object_get(answer, "series"), "tank1.gauge"), "time")), 1);
    json_decref(answer);
    done(rig);
}
END_TEST

START_TEST(alarms_and_commands_come_newest_first)
{
    for (int with_history = 0; with_history < 2; with_history++) {
        Rig *rig = open_with(with_history);
        run_ticks(rig);
        uint64_t ids[3];
        for (int i = 0; i < 3; i++) {
            const CommandWish wish = {.tag = rig_tag(rig, "tank1.valve"), .value = 0.1 * (i + 1), .by = "person:anna"};
            ids[i] = gate_ask(rig->gate, &wish, sync_now(rig->sync));
            if (with_history)
                history_append_command(rig->history, gate_find(rig->gate, ids[i]), "tank1.valve");
        }
        const Alarm alarm = {.id = 1, .revision = 1, .raised = RIG_START, .acknowledged = TIME_NONE, .returned = TIME_NONE, .name = "overflow"};
        if (with_history) {
            history_append_alarm(rig->history, &alarm, "tank1");
            history_flush(rig->history);
        }
        rig_publish(rig);
        for (int i = 20; i < 50; i++)
            rig_sample(rig, i, 90);
        sleep_ms(100);

        json_t *commands = get_json(rig, "/api/v1/commands?limit=2");
        ck_assert_uint_eq(json_array_size(commands), 2);
        ck_assert_uint_eq((uint64_t)json_integer_value(json_object_get(json_array_get(commands, 0), "id")), ids[2]);
        ck_assert_double_eq_tol(json_number_value(json_object_get(json_array_get(commands, 0), "value")), 30, 1e-9);
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(commands, 1), "tag")), "tank1.valve");
        json_decref(commands);

        json_t *alarms = get_json(rig, "/api/v1/alarms");
        ck_assert_uint_ge(json_array_size(alarms), 1);
        ck_assert_str_eq(json_string_value(json_object_get(json_array_get(alarms, 0), "twin")), "tank1");
        json_decref(alarms);
        done(rig);
    }
}
END_TEST

START_TEST(an_alarm_comes_with_all_that_was_told_of_it)
{
    Rig *rig = open_with(true);
    run_ticks(rig);
    Alarm alarm = {.id = 7, .revision = 1, .raised = RIG_START + 5, .acknowledged = TIME_NONE, .returned = TIME_NONE, .amended = TIME_NONE, .name = "overflow"};
    history_append_alarm(rig->history, &alarm, "tank1");
    alarm.revision = 3;
    alarm.raised = RIG_START + 2;
    alarm.amended = RIG_START + 9;
    history_append_alarm(rig->history, &alarm, "tank1");
    history_flush(rig->history);
    rig_publish(rig);

    json_t *answer = get_json(rig, "/api/v1/alarms/7?times=ns");
    const json_t *newest = json_object_get(answer, "alarm"), *before = json_object_get(answer, "before");
    ck_assert_int_eq(json_integer_value(json_object_get(newest, "revision")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(newest, "raised")), RIG_START + 2);
    ck_assert_int_eq(json_integer_value(json_object_get(newest, "amended")), RIG_START + 9);
    ck_assert_uint_eq(json_array_size(before), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(before, 0), "revision")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(before, 0), "raised")), RIG_START + 5);
    ck_assert(json_is_null(json_object_get(json_array_get(before, 0), "amended")));
    json_decref(answer);
    done(rig);
}
END_TEST

START_TEST(the_commands_of_before_a_restart_are_in_the_snapshot)
{
    Rig *rig = rig_make(true);
    const CommandWish wish = {.tag = rig_tag(rig, "tank1.valve"), .value = 0.1, .by = "person:anna"};
    const Command command = {.id = 9, .wish = wish, .state = COMMAND_DONE, .time = RIG_START, .deadline = RIG_START, .ended = RIG_START};
    history_append_command(rig->history, &command, "tank1.valve");
    history_flush(rig->history);
    ServerDef def = rig_def(rig);
    char path[300];
    snprintf(path, sizeof path, "%s/history.db", kit_folder());
    def.history = path;
    rig_serve(rig, &def);
    client = peer_connect(rig);
    json_t *plant = get_json(rig, "/api/v1/plant"), *commands = json_object_get(plant, "commands");
    ck_assert_uint_eq(json_array_size(commands), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(commands, 0), "id")), 9);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(commands, 0), "tag")), "tank1.valve");
    json_decref(plant);
    done(rig);
}
END_TEST

START_TEST(what_is_not_there_is_refused_with_its_name)
{
    Rig *rig = open_with(false);
    assert_refused(rig, "/api/v1/twins/tank9", 404, "tank9");
    assert_refused(rig, "/api/v1/twins/tank1/lid", 404, "lid");
    assert_refused(rig, "/api/v1/twins/tank1/", 404, "no resource");
    assert_refused(rig, "/api/v1/twins/", 404, "no resource");
    assert_refused(rig, "/api/v1/weather", 404, "/api/v1/weather");
    assert_refused(rig, "/api/", 404, "no resource");
    assert_refused(rig, "/api/v1/history?tags=tank1.gauge", 404, "no history");
    assert_refused(rig, "/api/v1/ws", 426, "WebSocket");
    assert_refused(rig, "/nothing.html", 404, "nothing.html");
    done(rig);
}
END_TEST

START_TEST(wrong_arguments_are_refused_with_what_was_expected)
{
    static const struct {
        const char *path, *detail;
    } wrong[] = {
        {"/api/v1/history", "tags: expected"},
        {"/api/v1/history?tags=", "tags: expected"},
        {"/api/v1/history?tags=tank1.gauge&points=0", "points: expected"},
        {"/api/v1/history?tags=tank1.gauge&points=10001", "points: expected"},
        {"/api/v1/history?tags=tank1.gauge&points=-1", "points: expected"},
        {"/api/v1/history?tags=tank1.gauge&points=1e3", "points: expected"},
        {"/api/v1/history?tags=tank1.gauge&level=1d", "level: expected raw, 1s, 1m or 1h"},
        {"/api/v1/history?tags=tank1.gauge&format=xml", "format: expected json or csv"},
        {"/api/v1/history?tags=tank1.gauge&from=yesterday", "from: expected"},
        {"/api/v1/history?tags=tank1.gauge&to=99999999999999999999", "to: expected"},
        {"/api/v1/history?tags=tank1.gauge&from=2&to=1", "from: expected"},
        {"/api/v1/alarms?limit=0", "limit: expected"},
        {"/api/v1/alarms?limit=1001", "limit: expected"},
        {"/api/v1/commands?limit=x", "limit: expected"},
        {"/api/v1/plant?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", "too many arguments"},
    };
    Rig *rig = open_with(true);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(rig, wrong[i].path, 400, wrong[i].detail);
    assert_refused(rig, "/api/v1/history?tags=tank1.gauge,tank9.gauge", 404, "tank9.gauge");
    done(rig);
}
END_TEST

START_TEST(an_address_that_is_too_long_harms_nobody)
{
    Rig *rig = open_with(false);
    static char request[20000];
    memset(request, 'a', sizeof request - 1);
    memcpy(request, "GET /api/v1/history?tags=", 25);
    peer_send(client, request, strlen(request));
    ck_assert_int_ne(peer_head(client), 200);
    peer_close(client);
    client = peer_connect(rig);
    json_decref(get_json(rig, "/api/v1/plant"));
    done(rig);
}
END_TEST

/* The index is the table that answers, so what stands in it is spoken. */
START_TEST(the_index_lists_what_is_spoken)
{
    Rig *rig = open_with(false);
    json_t *index = get_json(rig, "/api/v1"), *routes = json_object_get(index, "routes"), *route;
    size_t i;
    ck_assert_uint_gt(json_array_size(routes), 10);
    json_array_foreach(routes, i, route) {
        char request[256];
        snprintf(request, sizeof request, "OPTIONS %s HTTP/1.1\r\nHost: localhost\r\n\r\n", json_string_value(json_object_get(route, "path")));
        Peer *peer = peer_connect(rig);
        const Answer answer = peer_ask(peer, request);
        const char *allow = strstr(answer.head, "allow: ");
        ck_assert_msg(answer.status == 200 && allow, "%s: %d %s", request, answer.status, answer.head);
        ck_assert_ptr_nonnull(strstr(allow, json_string_value(json_object_get(route, "method"))));
        peer_close(peer);
    }
    json_decref(index);
    done(rig);
}
END_TEST

START_TEST(a_body_has_a_length_or_comes_in_chunks)
{
    static const struct {
        const char *headers;
        int status;
    } bodies[] = {
        {"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 404},
        {"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 404},
        {"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400},
        {"Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n", 413},
        {"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400},
        {"Transfer-Encoding: gzip\r\n\r\n", 501},
        {"Content-Length: 1x\r\n\r\na", 400},
        {"Content-Length: 99999999999\r\n\r\n", 413},
        {"Content-Length: 1\r\n\r\na", 404},  // a rig has no desk
        {"\r\n", 404},
    };
    Rig *rig = open_with(false);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char request[256];
        snprintf(request, sizeof request, "POST /api/v1/forecasts HTTP/1.1\r\nHost: localhost\r\n%s", bodies[i].headers);
        Peer *peer = peer_connect(rig);
        const Answer answer = peer_ask(peer, request);
        ck_assert_msg(answer.status == bodies[i].status, "%s: %d %s", request, answer.status, answer.body);
        peer_close(peer);
    }
    done(rig);
}
END_TEST

/* What has no length could go on for ever: behind its answer the connection ends, and whoever reads to its end is not kept waiting. */
START_TEST(behind_a_post_without_a_length_the_connection_ends)
{
    Rig *rig = open_with(false);
    Peer *peer = peer_connect(rig);
    const int64_t start = clock_system.elapsed_ns(clock_system.self);
    ck_assert_int_eq(peer_ask(peer, "POST /api/v1/forecasts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status, 404);
    while (peer_read(peer, 5000))
        peer_forget(peer, peer->length);
    ck_assert_int_lt(clock_system.elapsed_ns(clock_system.self) - start, 5 * NS_PER_S);
    peer_close(peer);
    done(rig);
}
END_TEST

START_TEST(only_get_and_head_are_spoken)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH"};
    Rig *rig = open_with(false);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        Peer *peer = peer_connect(rig);
        char request[256];
        snprintf(request, sizeof request, "%s /api/v1/plant HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", methods[i]);
        const Answer answer = peer_ask(peer, request);
        ck_assert_msg(answer.status == 405, "%s: %d", methods[i], answer.status);
        ck_assert_ptr_nonnull(strstr(answer.head, "allow: GET, HEAD"));
        peer_close(peer);
    }

    const Answer head = peer_ask(client, "HEAD /api/v1/plant HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_int_eq(head.status, 200);
    ck_assert_ptr_nonnull(strstr(head.head, "content-length: "));
    json_decref(get_json(rig, "/api/v1/plant"));
    done(rig);
}
END_TEST

/* The tick answers; meanwhile the request waits, and a page of another site cannot ask at all. */
START_TEST(a_reload_is_answered_when_the_tick_has_an_answer)
{
    static const char reload[] = "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    Rig *rig = open_with(false);
    ServerAsk ask;
    Peer *peer = peer_connect(rig);
    ck_assert_int_eq(peer_ask(peer, "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n").status, 403);
    peer_close(peer);
    ck_assert(!server_poll(rig->server, &ask));

    for (int status = 200; status <= 422; status += 222) {
        peer = peer_connect(rig);
        peer_send(peer, reload, sizeof reload - 1);
        while (!server_poll(rig->server, &ask))
            sleep_ms(1);
        ck_assert_int_eq(ask.kind, SERVER_ASK_RELOAD);
        server_answer(rig->server, ask.token, status, "plant.lua:7: what is \"that\"?", 0);
        const Answer answer = peer_ask(peer, "");
        ck_assert_int_eq(answer.status, status);
        json_t *body = rig_parse(answer.body);
        ck_assert_str_eq(json_string_value(json_object_get(body, "detail")), "plant.lua:7: what is \"that\"?");
        json_decref(body);
        peer_close(peer);
    }

    // who does not wait for the answer gets none, and nobody else does
    peer = peer_connect(rig);
    peer_send(peer, reload, sizeof reload - 1);
    while (!server_poll(rig->server, &ask))
        sleep_ms(1);
    peer_close(peer);
    sleep_ms(50);
    server_answer(rig->server, ask.token, 200, "", 0);
    json_decref(get_json(rig, "/api/v1/plant"));
    done(rig);
}
END_TEST

START_TEST(other_sites_and_bent_names_are_refused)
{
    static const struct {
        const char *headers;
        int status;
    } callers[] = {
        {"Host: localhost\r\n", 200},
        {"Host: 127.0.0.1:8080\r\n", 200},
        {"Host: [::1]:8080\r\n", 200},
        {"Host: LOCALHOST:9\r\nOrigin: http://localhost:9\r\n", 200},
        {"Host: localhost:9\r\nOrigin: http://127.0.0.1:9\r\n", 200},
        {"Host: evil.example\r\n", 403},
        {"Host: localhost.evil.example\r\n", 403},
        {"Host: localhost:80@evil.example\r\n", 403},
        {"Host: 127.0.0.1.evil.example:8080\r\n", 403},
        {"Host: localhost:\r\n", 403},
        {"", 403},
        {"Host: localhost:9\r\nOrigin: http://localhost:10\r\n", 403},
        {"Host: localhost:9\r\nOrigin: http://evil.example\r\n", 403},
        {"Host: localhost:9\r\nOrigin: https://localhost:9\r\n", 403},
        {"Host: localhost:9\r\nOrigin: null\r\n", 403},
    };
    Rig *rig = open_with(false);
    for (size_t i = 0; i < sizeof callers / sizeof *callers; i++) {
        Peer *peer = peer_connect(rig);
        char request[512];
        snprintf(request, sizeof request, "GET /api/v1/plant HTTP/1.1\r\n%s\r\n", callers[i].headers);
        const int status = peer_ask(peer, request).status;
        ck_assert_msg(status == callers[i].status, "%s: %d", callers[i].headers, status);
        peer_close(peer);
    }
    done(rig);
}
END_TEST

START_TEST(health_is_the_life_of_the_tick)
{
    Rig *rig = open_with(false);
    rig_turn(rig);
    Answer answer = peer_get(rig, client, "/healthz");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, "ok");
    sleep_ms(5200);
    answer = peer_get(rig, client, "/healthz");
    ck_assert_int_eq(answer.status, 503);
    rig_turn(rig);
    ck_assert_int_eq(peer_get(rig, client, "/healthz").status, 200);
    done(rig);
}
END_TEST

// The dashboard's files.

static Rig *open_with_web(void)
{
    char folder[400];
    Rig *rig = rig_make(false);
    snprintf(rig->web, sizeof rig->web, "%s/web", kit_folder());
    mkdir(rig->web, 0700);
    snprintf(folder, sizeof folder, "%s/assets", rig->web);
    mkdir(folder, 0700);
    rig_write("web/index.html", "<!doctype html><title>It is me</title>");
    rig_write("web/assets/app-1a2b3c.js", "console.log('hello')");
    rig_write("web/favicon.svg", "<svg/>");
    rig_write("web/.secret", "secret");
    rig_write("secret.txt", "secret");
    const ServerDef def = rig_def(rig);
    rig_serve(rig, &def);
    client = peer_connect(rig);
    return rig;
}

START_TEST(files_have_their_type_and_may_be_kept_as_long_as_their_name_says)
{
    static const struct {
        const char *path, *type, *cache;
    } files[] = {
        {"/", "text/html; charset=utf-8", "no-cache"},
        {"/index.html", "text/html; charset=utf-8", "no-cache"},
        {"/assets/app-1a2b3c.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
        {"/favicon.svg", "image/svg+xml", "no-cache"},
    };
    Rig *rig = open_with_web();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const Answer answer = peer_get(rig, client, files[i].path);
        char header[200];
        ck_assert_int_eq(answer.status, 200);
        snprintf(header, sizeof header, "content-type: %s\r\n", files[i].type);
        ck_assert_msg(strstr(answer.head, header) != NULL, "%s", answer.head);
        snprintf(header, sizeof header, "cache-control: %s\r\n", files[i].cache);
        ck_assert_msg(strstr(answer.head, header) != NULL, "%s", answer.head);
    }
    ck_assert_str_eq(peer_get(rig, client, "/assets/app-1a2b3c.js?v=1").body, "console.log('hello')");
    done(rig);
}
END_TEST

START_TEST(a_file_that_the_browser_has_is_not_sent_again)
{
    Rig *rig = open_with_web();
    const Answer answer = peer_get(rig, client, "/");
    const char *tag = strstr(answer.head, "etag: ");
    ck_assert_ptr_nonnull(tag);
    char request[512];
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: %.*s\r\n\r\n", (int)strcspn(tag + 6, "\r"), tag + 6);
    ck_assert_int_eq(peer_ask(client, request).status, 304);
    rig_write("web/index.html", "<!doctype html><title>It is new</title>");
    const Answer anew = peer_ask(client, request);
    ck_assert_int_eq(anew.status, 200);
    ck_assert_ptr_nonnull(strstr(anew.body, "new"));
    done(rig);
}
END_TEST

START_TEST(no_path_leads_out_of_the_folder)
{
    static const char *const paths[] = {
        "/../secret.txt",       "/%2e%2e/secret.txt", "/..%2fsecret.txt",      "/assets/../../secret.txt", "/assets/..%2f..%2fsecret.txt",
        "/.secret",             "//secret.txt",       "/assets",               "/assets/",                 "/%00/../secret.txt",
        "/..\\secret.txt",      "/index.html/",       "/index.html%00.js",     "/%252e%252e/secret.txt",   "/link.txt",
    };
    Rig *rig = open_with_web();
    char from[400], to[400];
    snprintf(from, sizeof from, "%s/secret.txt", kit_folder());
    snprintf(to, sizeof to, "%s/link.txt", rig->web);
    ck_assert_int_eq(symlink(from, to), 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        Peer *peer = peer_connect(rig);
        const Answer answer = peer_get(rig, peer, paths[i]);
        ck_assert_msg(answer.status != 200, "%s", paths[i]);
        ck_assert_msg(strncmp(answer.body, "secret", 6) != 0, "%s", paths[i]);
        peer_close(peer);
    }
    done(rig);
}
END_TEST

START_TEST(a_large_file_comes_whole)
{
    Rig *rig = open_with_web();
    static char text[3000001];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = (char)('a' + i % 23);
    rig_write("web/assets/large.txt", text);
    ck_assert_str_eq(peer_get(rig, client, "/assets/large.txt").body, text);
    ck_assert_int_eq(peer_get(rig, client, "/").status, 200);
    done(rig);
}
END_TEST

START_TEST(without_a_dashboard_a_page_says_how_to_build_it)
{
    Rig *rig = open_with(false);
    const Answer answer = peer_get(rig, client, "/");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "npm run build"));
    done(rig);
}
END_TEST

START_TEST(every_answer_carries_the_security_headers)
{
    static const char *const headers[] = {"content-security-policy: default-src 'self'", "frame-ancestors 'none'", "x-content-type-options: nosniff",
                                          "x-frame-options: DENY", "referrer-policy: no-referrer"};
    static const char *const paths[] = {"/", "/api/v1/plant", "/api/v1/nothing", "/nothing"};
    Rig *rig = open_with_web();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const Answer answer = peer_get(rig, client, paths[i]);
        for (size_t k = 0; k < sizeof headers / sizeof *headers; k++)
            ck_assert_msg(strstr(answer.head, headers[k]) != NULL, "%s: %s in %s", paths[i], headers[k], answer.head);
    }
    done(rig);
}
END_TEST

// Where it listens.

START_TEST(a_port_in_use_is_named)
{
    Rig *rig = open_with(false);
    ServerDef def = rig_def(rig);
    def.devices = NULL;
    def.port = server_port(rig->server);
    Server *second;
    ErrText why;
    char port[16];
    ck_assert_int_eq(server_create(&def, &second, &why), ERR_IO);
    snprintf(port, sizeof port, "port %d", def.port);
    ck_assert_msg(strstr(why.text, port) && strstr(why.text, "in use"), "%s", why.text);
    json_decref(get_json(rig, "/api/v1/plant"));
    done(rig);
}
END_TEST

START_TEST(without_access_only_the_loopback_is_listened_on)
{
    static const struct {
        const char *address;
        Err err;
        const char *why;
    } refused[] = {
        {"0.0.0.0", ERR_DENIED, "it needs TLS"}, {"::", ERR_DENIED, "it needs TLS"}, {"192.168.0.1", ERR_DENIED, "it needs TLS"},
        {"example.com", ERR_RANGE, "expected an address"}, {"", ERR_RANGE, "expected an address"},
    };
    static const char *const taken[] = {"localhost", "127.0.0.1"};
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ErrText why;
        def.bind = refused[i].address;
        ck_assert_int_eq(server_create(&def, &rig->server, &why), refused[i].err);
        ck_assert_ptr_nonnull(strstr(why.text, refused[i].why));
        rig->server = NULL;
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        def.bind = taken[i];
        rig_serve(rig, &def);
        client = peer_connect(rig);
        json_decref(get_json(rig, "/api/v1/plant"));
        peer_close(client);
        server_destroy(rig->server);
        rig->server = NULL;
    }
    rig_close(rig);
}
END_TEST

START_TEST(a_server_without_its_history_does_not_begin)
{
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    def.history = "/nowhere/history.db";
    ErrText why = {0};
    Server *server;
    ck_assert_int_ne(server_create(&def, &server, &why), ERR_OK);
    ck_assert_str_ne(why.text, "");
    rig_close(rig);
}
END_TEST

START_TEST(beginning_survives_every_failed_allocation)
{
    Rig *rig = rig_make(false);
    ServerDef def = rig_def(rig);
    def.web = kit_folder();
    int failures = 0;
    for (size_t n = 1; n < 100; n++) {
        kit_fail_allocation(n);
        const Err err = server_create(&def, &rig->server, NULL);
        kit_fail_allocation(0);
        if (err == ERR_OK)
            break;
        ck_assert_int_eq(err, ERR_MEMORY);
        rig->server = NULL;
        failures++;
    }
    ck_assert_int_gt(failures, 10);
    ck_assert_ptr_nonnull(rig->server);
    rig_close(rig);
}
END_TEST

/* Five tanks: 2 has an alarm, 4 stands still; a verdict has no name here, an alarm of a verdict does not count twice. */
START_TEST(the_map_tells_how_every_twin_fares)
{
    rig_tanks = 5;
    Rig *rig = open_with(false);
    *plant_cell(rig->plant, 1, plant_model(rig->plant, 1)->channels[model_find(plant_model(rig->plant, 1), "level")].column) = 0.7;
    const Twin *last = &rig->plant->twins[3];
    rig->plant->blocks[last->block].quarantined |= UINT64_C(1) << last->lane;
    run_ticks(rig);
    rig_tanks = 1;

    Answer answer = peer_get(rig, client, "/api/v1/health");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, "{\"count\":5,\"runs\":[1,0,1,2,1,0,1,3,1,0]}");

    // who has it already is told that alone
    char request[256];
    const char *etag = strstr(answer.head, "etag: ");
    ck_assert_ptr_nonnull(etag);
    snprintf(request, sizeof request, "GET /api/v1/health HTTP/1.1\r\nHost: localhost:%d\r\nIf-None-Match: %.18s\r\n\r\n", server_port(rig->server), etag + 6);
    answer = peer_ask(client, request);
    ck_assert_int_eq(answer.status, 304);
    done(rig);
}
END_TEST

static void assert_listed(const Rig *rig, const char *query, const char *names, const char *next)
{
    char path[256], found[256] = "";
    snprintf(path, sizeof path, "/api/v1/twins?%s", query);
    json_t *answer = get_json(rig, path), *twin;
    size_t i;
    json_array_foreach(json_object_get(answer, "twins"), i, twin)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s %lld ", json_string_value(json_object_get(twin, "name")),
                 (long long)json_integer_value(json_object_get(twin, "number")));
    ck_assert_str_eq(found, names);
    const char *behind = json_string_value(json_object_get(answer, "next"));
    ck_assert_str_eq(behind ? behind : "", next);
    json_decref(answer);
}

START_TEST(twins_are_listed_by_page_by_number_and_by_a_part_of_their_names)
{
    rig_tanks = 12;
    Rig *rig = open_with(false);
    rig_tanks = 1;
    assert_listed(rig, "limit=2", "tank1 0 tank10 1 ", "tank10");
    assert_listed(rig, "after=tank10&limit=2", "tank11 2 tank12 3 ", "tank12");
    assert_listed(rig, "from=10&limit=5", "tank8 10 tank9 11 ", "");
    assert_listed(rig, "from=12", "", "");
    assert_listed(rig, "find=NK1&limit=4", "tank1 0 tank10 1 tank11 2 tank12 3 ", "");
    assert_listed(rig, "find=nk1&limit=3", "tank1 0 tank10 1 tank11 2 ", "tank11");
    assert_listed(rig, "find=pump", "", "");
    assert_refused(rig, "/api/v1/twins?from=13", 400, "from: expected a whole number from 0 to 12");
    done(rig);
}
END_TEST

KIT_MAIN("server.rest", behind_a_post_without_a_length_the_connection_ends, the_map_tells_how_every_twin_fares, twins_are_listed_by_page_by_number_and_by_a_part_of_their_names,
         the_plant_is_the_value_of_a_snapshot, the_plant_says_what_became_of_its_programs, a_twin_gives_all_of_its_newest_values, a_leaf_says_where_its_value_comes_from,
         history_is_in_the_unit_of_the_channel, long_ranges_come_as_buckets_and_levels_can_be_asked_for, history_comes_as_csv_too,
         the_plant_of_a_moment_has_its_values_and_its_alarms, the_default_window_ends_at_plant_time, alarms_and_commands_come_newest_first, an_alarm_comes_with_all_that_was_told_of_it,
         the_commands_of_before_a_restart_are_in_the_snapshot, what_is_not_there_is_refused_with_its_name,
         wrong_arguments_are_refused_with_what_was_expected, an_address_that_is_too_long_harms_nobody, only_get_and_head_are_spoken,
         the_index_lists_what_is_spoken, a_body_has_a_length_or_comes_in_chunks,
         a_reload_is_answered_when_the_tick_has_an_answer, other_sites_and_bent_names_are_refused, health_is_the_life_of_the_tick, files_have_their_type_and_may_be_kept_as_long_as_their_name_says,
         a_file_that_the_browser_has_is_not_sent_again, no_path_leads_out_of_the_folder, a_large_file_comes_whole,
         without_a_dashboard_a_page_says_how_to_build_it, every_answer_carries_the_security_headers, a_port_in_use_is_named,
         without_access_only_the_loopback_is_listened_on, a_server_without_its_history_does_not_begin,
         beginning_survives_every_failed_allocation)
