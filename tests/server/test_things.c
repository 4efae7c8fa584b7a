/* What REST owes to programs that know nothing of Pollux: descriptions, times, links, and commands with their reasons. */
#include "rig.h"

#include "server/documents.h"

static Peer *client;

static Rig *open_running(void)
{
    Rig *rig = rig_open();
    client = peer_connect(rig);
    for (int i = 0; i < 20; i++)
        rig_sample(rig, i, 31);
    sleep_ms(60);
    rig_turn(rig);
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
    return rig_parse(answer.body);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    ck_assert_msg(text != NULL, "no text \"%s\"", key);
    return text;
}

/* Ask with a body, turning the rig until the answer is there. */
static Answer ask(Rig *rig, const char *method, const char *path, const char *type, const char *body)
{
    char request[2048];
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", method, path, type, strlen(body), body);
    peer_send(client, request, strlen(request));
    for (int i = 0; i < 500 && client->length == 0; i++) {
        rig_turn(rig);
        peer_read(client, 10);
    }
    return peer_ask(client, "");
}

static void assert_ordered(Rig *rig, const char *method, const char *path, const char *body, double percent)
{
    const char *type = strcmp(method, "PATCH") == 0 ? "application/merge-patch+json" : "application/json";
    const Answer answer = ask(rig, method, path, type, body);
    ck_assert_msg(answer.status == 200, "%s %s: %d %s", method, path, answer.status, answer.body);
    json_t *ordered = rig_parse(answer.body);
    const Command *command = gate_find(rig->gate, (uint64_t)json_integer_value(json_object_get(ordered, "command")));
    ck_assert_ptr_nonnull(command);
    ck_assert_double_eq_tol(command->wish.value, percent / 100, 1e-12);
    json_decref(ordered);
}

static void assert_refused(Rig *rig, const char *method, const char *body, int status, const char *detail)
{
    const Answer answer = ask(rig, method, strcmp(method, "PATCH") == 0 ? "/api/v1/twins/tank1" : "/api/v1/commands", "application/merge-patch+json", body);
    ck_assert_msg(answer.status == status && strstr(answer.body, detail), "%s %s: %d %s", method, body, answer.status, answer.body);
}

START_TEST(a_twin_is_a_thing_at_the_address_that_was_used)
{
    Rig *rig = open_running();
    char base[100];
    json_t *thing = get_json(rig, "/api/v1/twins/tank1/td");
    snprintf(base, sizeof base, "http://localhost:%d/api/v1/", server_port(rig->server));
    ck_assert_str_eq(text_of(thing, "base"), base);
    ck_assert_str_eq(text_of(thing, "title"), "tank1");

    // every channel is a property, every actuator an action
    const Model *model = rig->plant->models[0];
    const json_t *properties = json_object_get(thing, "properties"), *actions = json_object_get(thing, "actions");
    ck_assert_uint_eq(json_object_size(properties), model->channel_count);
    ck_assert_uint_eq(json_object_size(actions), 1);
    const json_t *input = json_object_get(json_object_get(json_object_get(json_object_get(actions, "valve"), "input"), "properties"), "value");
    ck_assert_double_eq_tol(json_number_value(json_object_get(input, "maximum")), 100, 1e-9);
    ck_assert_str_eq(text_of(input, "unit"), "percent");
    json_decref(thing);
    done(rig);
}
END_TEST

START_TEST(the_plant_is_a_thing_that_links_to_its_twins)
{
    rig_tanks = 300;
    Rig *rig = open_running();
    rig_tanks = 1;
    json_t *plant = get_json(rig, "/.well-known/wot"), *links = json_object_get(plant, "links"), *link;
    size_t i, items = 0;
    json_array_foreach(links, i, link) {
        if (strcmp(text_of(link, "rel"), "item") != 0)
            continue;
        items++;
        char path[100];
        snprintf(path, sizeof path, "/api/v1/%s", text_of(link, "href"));
        json_decref(get_json(rig, path));
    }
    ck_assert_uint_eq(items, 256);  // the others are in the list of twins
    json_decref(plant);
    done(rig);
}
END_TEST

START_TEST(a_thing_keeps_its_id_over_a_restart_and_shares_it_with_nobody)
{
    char ids[3][64];
    const char *const paths[] = {"/api/v1/twins/tank1/td", "/api/v1/twins/tank1/td", "/.well-known/wot"};
    for (int i = 0; i < 3; i++) {
        Rig *rig = open_running();
        json_t *thing = get_json(rig, paths[i]);
        snprintf(ids[i], sizeof ids[i], "%s", text_of(thing, "id"));
        ck_assert_msg(strlen(ids[i]) == strlen("urn:uuid:00000000-0000-8000-8000-000000000000") && ids[i][23] == '8', "%s", ids[i]);
        json_decref(thing);
        done(rig);
    }
    ck_assert_str_eq(ids[0], ids[1]);
    ck_assert_str_ne(ids[0], ids[2]);
}
END_TEST

START_TEST(times_are_for_people_unless_numbers_are_asked_for)
{
    Rig *rig = open_running();
    char words[32];
    time_format(sync_now(rig->sync), words);
    json_t *people = get_json(rig, "/api/v1/twins/tank1/gauge"), *programs = get_json(rig, "/api/v1/twins/tank1/gauge?times=ns");
    ck_assert_str_eq(text_of(people, "time"), words);
    ck_assert_int_eq(json_integer_value(json_object_get(programs, "time")), sync_now(rig->sync));
    ck_assert_int_eq(peer_get(rig, client, "/api/v1/twins/tank1/gauge?times=days").status, 400);
    json_decref(people);
    json_decref(programs);
    done(rig);
}
END_TEST

/* The last sample is of second 19, the last tick of the one before it: an age is the difference of two times. */
START_TEST(a_value_says_its_age_and_its_quality)
{
    Rig *rig = open_running();
    json_t *gauge = get_json(rig, "/api/v1/twins/tank1/gauge"), *level = get_json(rig, "/api/v1/twins/tank1/level"), *area = get_json(rig, "/api/v1/twins/tank1/area");
    Quality quality;
    const double age = (double)(sync_now(rig->sync) - sync_sample_time(rig->sync, rig_tag(rig, "tank1.gauge"), &quality)) / 1e9;
    ck_assert_double_eq_tol(json_number_value(json_object_get(gauge, "age")), age, 1e-9);
    ck_assert_str_eq(text_of(gauge, "quality"), "good");
    ck_assert_double_eq(json_number_value(json_object_get(level, "age")), 0);
    ck_assert(json_is_null(json_object_get(area, "age")));
    json_decref(gauge);
    json_decref(level);
    json_decref(area);
    done(rig);
}
END_TEST

START_TEST(an_actuator_is_asked_in_four_ways_and_shows_what_it_was_told)
{
    Rig *rig = open_running();
    assert_ordered(rig, "PUT", "/api/v1/twins/tank1/valve", "{\"value\":10}", 10);
    assert_ordered(rig, "POST", "/api/v1/twins/tank1/valve", "{\"value\":20,\"reason\":\"by hand\"}", 20);
    assert_ordered(rig, "POST", "/api/v1/commands", "{\"tag\":\"tank1.valve\",\"value\":30}", 30);
    assert_ordered(rig, "PATCH", "/api/v1/twins/tank1", "{\"values\":{\"tank1.valve\":40}}", 40);
    sleep_ms(60);
    rig_publish(rig);
    rig_turn(rig);
    json_t *valve = get_json(rig, "/api/v1/twins/tank1/valve");
    ck_assert_double_eq_tol(json_number_value(json_object_get(valve, "value")), 40, 1e-9);
    ck_assert_str_eq(text_of(valve, "source"), "set");
    json_decref(valve);
    done(rig);
}
END_TEST

START_TEST(what_cannot_be_set_is_refused_with_the_reason)
{
    Rig *rig = open_running();
    assert_refused(rig, "POST", "{\"tag\":\"tank1.level\",\"value\":1}", 409, "tank1.level is estimated");
    assert_refused(rig, "POST", "{\"tag\":\"tank1.gauge\",\"value\":1}", 409, "tank1.gauge is measured");
    assert_refused(rig, "POST", "{\"tag\":\"tank1.area\",\"value\":1}", 409, "change it in the plant's script");
    assert_refused(rig, "POST", "{\"tag\":\"tank1.inflow\",\"value\":1}", 409, "tank1.inflow is an input");
    assert_refused(rig, "POST", "{\"tag\":\"tank9.level\",\"value\":1}", 404, "no tag \\\"tank9.level\\\"");
    assert_refused(rig, "POST", "{\"tag\":\"tank1.valve\",\"value\":null}", 400, "value: expected a number");
    assert_refused(rig, "POST", "{\"tag\":\"tank1.valve\",\"value\":1,\"when\":2}", 400, "unknown member \\\"when\\\"");
    assert_refused(rig, "POST", "{\"tag\":\"tank1.valve\"", 400, "the body: line 1");
    assert_refused(rig, "PATCH", "{\"values\":{\"tank1.valve\":null}}", 409, "cannot be removed");
    assert_refused(rig, "PATCH", "{\"values\":{\"tank1.valve\":1,\"tank1.level\":2}}", 400, "expected one actuator");
    assert_refused(rig, "PATCH", "{\"time\":null}", 400, "expected values alone");
    done(rig);
}
END_TEST

START_TEST(the_next_page_is_linked_with_all_that_was_asked_for)
{
    rig_tanks = 3;
    Rig *rig = open_running();
    rig_tanks = 1;
    const Answer first = peer_get(rig, client, "/api/v1/twins?limit=2&find=a%26%C3%A4");
    ck_assert_ptr_null(strstr(first.head, "link:"));
    const Answer page = peer_get(rig, client, "/api/v1/twins?find=tank&limit=2");
    ck_assert_msg(strstr(page.head, "link: </api/v1/twins?after=tank2&find=tank&limit=2>; rel=\"next\"") != NULL, "%s", page.head);
    const Answer last = peer_get(rig, client, "/api/v1/twins?after=tank2&find=tank&limit=2");
    ck_assert_ptr_null(strstr(last.head, "link:"));
    done(rig);
}
END_TEST

START_TEST(commands_have_pages)
{
    Rig *rig = open_running();
    char seen[100] = "", path[200] = "/api/v1/commands?limit=2";
    for (int i = 1; i <= 5; i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"value\":%d}", i);
        assert_ordered(rig, "PUT", "/api/v1/twins/tank1/valve", body, i);
    }
    // what the tick has told is passed on by another thread
    for (int i = 0; i < 100 && !strstr(peer_get(rig, client, "/api/v1/commands?limit=1").body, "\"id\":5"); i++)
        sleep_ms(10);
    while (*path) {
        const Answer page = peer_get(rig, client, path);
        const char *link = strstr(page.head, "link: <");
        json_t *commands = rig_parse(page.body), *command;
        size_t i;
        json_array_foreach(commands, i, command)
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%lld ", (long long)json_integer_value(json_object_get(command, "id")));
        json_decref(commands);
        snprintf(path, sizeof path, "%.*s", link ? (int)strcspn(link + 7, ">") : 0, link ? link + 7 : "");
    }
    ck_assert_str_eq(seen, "5 4 3 2 1 ");
    done(rig);
}
END_TEST

START_TEST(all_documents_are_json_and_served_with_a_tag)
{
    Rig *rig = open_running();
    size_t count = 0;
    for (const Embedded *document = documents; document->name; document++, count++) {
        char request[600];
        snprintf(request, sizeof request, "/api/v1/%s", document->name);
        json_decref(get_json(rig, request));
        const Answer answer = peer_get(rig, client, request);
        const char *tag = strstr(answer.head, "etag: ");
        ck_assert_ptr_nonnull(tag);
        snprintf(request, sizeof request, "GET /api/v1/%s HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: %.18s\r\n\r\n", document->name, tag + strlen("etag: "));
        ck_assert_int_eq(peer_ask(client, request).status, 304);
    }
    ck_assert_uint_gt(count, 30);
    done(rig);
}
END_TEST

KIT_MAIN("server.things", a_twin_is_a_thing_at_the_address_that_was_used, the_plant_is_a_thing_that_links_to_its_twins,
         a_thing_keeps_its_id_over_a_restart_and_shares_it_with_nobody, times_are_for_people_unless_numbers_are_asked_for, a_value_says_its_age_and_its_quality,
         an_actuator_is_asked_in_four_ways_and_shows_what_it_was_told, what_cannot_be_set_is_refused_with_the_reason,
         the_next_page_is_linked_with_all_that_was_asked_for, commands_have_pages,
         all_documents_are_json_and_served_with_a_tag)
