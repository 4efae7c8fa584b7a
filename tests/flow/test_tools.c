/* The tools for what was: a history as a table and as CSV, made small, and the trail of who did what, also when somebody has tampered with it. The real program. */
#include <sqlite3.h>

#include "flow/feed.h"
#include "flow/flow.h"

static const char tank[] =
    "return model \"tank\" {\n"
    "  states = { level = { 1, \"m\", min = 0, noise = 1e-3, sd = 0.1 } },\n"
    "  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
    "  sensors = { gauge = { of = \"level\", noise = 0.01, unit = \"cm\" } },\n"
    "  actuators = { pump = { 0, \"rpm\", min = 0, max = 3000 } },\n"
    "}\n";

static const char works[] = "return plant \"works\" { step = 1, clock = \"provider\", assets = { tank = { \"tank\" } } }\n";

enum { SECONDS = 300, RUN_MS = 60000 };
static const int64_t BEGIN = INT64_C(1700000000) * NS_PER_S;

static double centimetres(int second)
{
    return 100 + second % 7;
}

static FlowPath plant_file(void)
{
    return flow_path("works.lua");
}

static FlowPath history_file(void)
{
    return flow_path("works.db");
}

/* A history of some minutes: samples of a closed form, and one command. */
static void make_history(void)
{
    static Arrival arrivals[SECONDS + 1];
    unlink(history_file().text);
    flow_write("tank.lua", tank);
    flow_write("works.lua", works);
    const FlowPath plant = plant_file(), history = history_file();
    App *app = flow_app(&(AppDef){.plant = plant.text, .history = history.text, .speed = INFINITY, .quiet = true});
    const TagId gauge = tags_find(app->plant->tags, "tank.gauge"), pump = tags_find(app->plant->tags, "tank.pump");
    arrivals[0] = (Arrival){.kind = ARRIVAL_JOINED};
    for (int i = 0; i < SECONDS; i++)
        arrivals[i + 1] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = {.time = BEGIN + i * NS_PER_S + NS_PER_S / 2, .value = centimetres(i) / 100, .tag = gauge}};
    Feed feed = {.items = arrivals, .count = SECONDS + 1};
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_connector, &feed}), ERR_OK);
    while (feed.next < feed.count)
        app_poll(app);

    // 2900 rpm come back from SI as 2900.0000000000005
    CommandWish wish = {.tag = pump, .value = unit_to_si(tags_get(app->plant->tags, pump).unit, 2900), .by = "anna"};
    gate_ask(app->gate, &wish, app->now);
    for (int i = 0; i < 10; i++)
        app_poll(app);
    app_destroy(app);
}

/* Run it; its exit status. */
static int call(Child *child, const char *const *arguments)
{
    *child = child_start("call", arguments);
    return child_wait(child, RUN_MS);
}
#define CALL(child, ...) call(child, (const char *const[]){__VA_ARGS__, "--history", history_file().text, NULL})

static bool says(const FlowPath *stream, const char *words)
{
    char *text = flow_read(stream->text);
    const bool found = strstr(text, words) != NULL;
    if (!found)
        printf("expected \"%s\" in: %s\n", words, text);
    free(text);
    return found;
}

static void tamper(const char *sql)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(history_file().text, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_gt(sqlite3_changes(db), 0);
    sqlite3_close(db);
}

// The history.

START_TEST(an_export_has_every_sample_and_is_the_same_when_it_was_compacted)
{
    Child child;
    make_history();
    ck_assert_int_eq(CALL(&child, "history", "export", plant_file().text, "--tags", "tank.gauge,tank.level"), 0);
    char *before = flow_read(child.out.text), *at = before;
    ck_assert_int_eq(strncmp(at, "time,tag,value,sd,min,max,count,unit\n", 37), 0);
    at += 37;
    for (int i = 0; i < SECONDS; i++, at = strchr(at, '\n') + 1) {
        char time[32], row[128];
        time_format(BEGIN + i * NS_PER_S + NS_PER_S / 2, time);
        snprintf(row, sizeof row, "%s,tank.gauge,%g,,%g,%g,1,cm\n", time, centimetres(i), centimetres(i), centimetres(i));
        ck_assert_msg(strncmp(at, row, strlen(row)) == 0, "%.100s is not %s", at, row);
    }
    ck_assert_ptr_nonnull(strstr(at, ",tank.level,"));

    ck_assert_int_eq(CALL(&child, "history", "compact", plant_file().text), 0);
    ck_assert_int_eq(CALL(&child, "history", "export", plant_file().text, "--tags", "tank.gauge,tank.level"), 0);
    char *after = flow_read(child.out.text);
    ck_assert_str_eq(after, before);
    free(after);
    free(before);
}
END_TEST

START_TEST(the_table_of_a_history_tells_what_is_sealed)
{
    Child child;
    char samples[64];
    make_history();
    ck_assert_int_eq(CALL(&child, "history", "info", plant_file().text), 0);
    snprintf(samples, sizeof samples, "not sealed yet: %d rows of samples", SECONDS);
    ck_assert(says(&child.out, samples));
    ck_assert_int_eq(CALL(&child, "history", "compact", plant_file().text), 0);
    ck_assert_int_eq(CALL(&child, "history", "info", plant_file().text), 0);
    ck_assert(says(&child.out, " 1 commands, "));
    ck_assert(says(&child.out, " 0 damaged blocks\n"));
    ck_assert(says(&child.out, "\nsamples    raw           "));
}
END_TEST

START_TEST(a_wrong_question_about_a_history_is_told_as_one)
{
    static const struct {
        const char *action, *option, *value, *expected;
        int status;
    } cases[] = {
        {"export", "--tags", "tank.flap", "no tag \"tank.flap\" in plant works", 2},
        {"export", "--level", "1s", "expected --tags", 2},
    };
    Child child;
    make_history();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(CALL(&child, "history", cases[i].action, plant_file().text, cases[i].option, cases[i].value), cases[i].status);
        ck_assert(says(&child.err, cases[i].expected));
    }
    unlink(history_file().text);
    ck_assert_int_eq(CALL(&child, "history", "info", plant_file().text), 1);
    ck_assert_int_eq(CALL(&child, "history", "compact", plant_file().text), 1);
    ck_assert_int_ne(access(history_file().text, F_OK), 0);  // who looks makes none
}
END_TEST

// The trail.

START_TEST(the_trail_is_listed_with_names_and_values_as_they_were_meant)
{
    Child child;
    make_history();
    ck_assert_int_eq(CALL(&child, "audit", "list", plant_file().text), 0);
    ck_assert(says(&child.out, "pollux  start works: version " POLLUX_VERSION "\n"));
    ck_assert(says(&child.out, "pollux  stop works"));
    ck_assert(says(&child.out, "anna  command tank.pump: #1 = 2900 "));
    char *text = flow_read(child.out.text);
    ck_assert_ptr_null(strstr(text, kit_folder()));
    free(text);
    ck_assert_int_eq(CALL(&child, "audit", "list", plant_file().text, "--limit", "1", "--json"), 0);
    ck_assert(says(&child.out, "\"action\":\"stop\",\"target\":\"works\""));
}
END_TEST

/* What verify says of a chain, and the hash of its head. */
static void verify_whole(char head[65])
{
    Child child;
    ck_assert_int_eq(CALL(&child, "audit", "verify", plant_file().text), 0);
    ck_assert(says(&child.out, " entries, all of them fit; head "));
    char *text = flow_read(child.out.text);
    snprintf(head, 65, "%s", strstr(text, "head ") + 5);
    ck_assert_uint_eq(strspn(head, "0123456789abcdef"), 64);
    free(text);
}

START_TEST(a_trail_that_was_tampered_with_is_found_with_the_first_entry_that_does_not_fit)
{
    static const struct {
        const char *sql, *entry;
    } cases[] = {
        {"UPDATE audit SET who = 'otto' WHERE who = 'anna' AND seq = 2", "entry 2 "},
        {"UPDATE audit SET time = time + 1 WHERE seq = 1", "entry 1 "},
        {"DELETE FROM audit WHERE seq = 2", "entry 2 "},
    };
    Child child;
    char head[65];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_history();
        verify_whole(head);
        tamper(cases[i].sql);
        ck_assert_int_eq(CALL(&child, "audit", "verify", plant_file().text), 1);
        ck_assert(says(&child.err, cases[i].entry));
    }
}
END_TEST

START_TEST(an_end_that_was_cut_off_is_found_by_the_head_that_was_kept)
{
    Child child;
    char head[65], shorter[65];
    make_history();
    verify_whole(head);
    ck_assert_int_eq(CALL(&child, "audit", "verify", plant_file().text, "--head", head), 0);
    tamper("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)");
    verify_whole(shorter);
    ck_assert_str_ne(shorter, head);
    ck_assert_int_eq(CALL(&child, "audit", "verify", plant_file().text, "--head", head), 1);
    ck_assert(says(&child.err, "no entry has the hash that was kept"));
    ck_assert_int_eq(CALL(&child, "audit", "verify", plant_file().text, "--head", "c0ffee"), 2);
}
END_TEST

KIT_MAIN("flow.tools", an_export_has_every_sample_and_is_the_same_when_it_was_compacted, the_table_of_a_history_tells_what_is_sealed,
         a_wrong_question_about_a_history_is_told_as_one, the_trail_is_listed_with_names_and_values_as_they_were_meant,
         a_trail_that_was_tampered_with_is_found_with_the_first_entry_that_does_not_fit, an_end_that_was_cut_off_is_found_by_the_head_that_was_kept)
