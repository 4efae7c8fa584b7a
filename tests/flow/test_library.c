/* A connector that was built out of tree, as a shared library that a plant's script names: its peer killed and restarted, and other versions of the script. */
#include <netinet/in.h>

#include "flow/loop.h"
#include "flow/switchboard.h"

static Switchboard board = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    char command[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* The template, copied away from the source tree and built as its README says. */
static FlowPath build_library(void)
{
    const char *folder = kit_folder();
    FlowPath library;
    shell("cd %s && cp -r %s/connectors/template . && { cmake -S template -B built -D POLLUX=%s && cmake --build built; } >log 2>&1 || { cat %s/log; false; }",
          folder, POLLUX_SOURCE, POLLUX_SOURCE, folder);
    snprintf(library.text, sizeof library.text, "%s/built/lines.so", folder);
    return library;
}

// A plant with a running engine.

static const char plant_text[] = "return plant \"works\" {\n"
                                 "  step = 0.1, wait = 0.1,\n"
                                 "  assets = { tank = { \"drained\" }%s },\n"
                                 "  connectors = {\n"
                                 "    own = { \"built/lines.so\", port = %d%s },\n"
                                 "  },\n"
                                 "  bind = { [\"tank.gauge\"] = { \"own\", name = \"level\" }, [\"tank.drain_order\"] = { \"own\", name = \"order\" } },\n"
                                 "}\n";

static FlowPath write_plant(const char *twins, const char *options)
{
    Text text = {0};
    flow_write("drained.lua", loop_model);
    text_format(&text, plant_text, twins, board.port, options);
    const FlowPath path = flow_write("works.lua", text.bytes);
    text_fini(&text);
    return path;
}

static char *http(const Child *server, const char *method, const char *path, const char *body)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[512], bytes[4096];
    Text answer = {0};
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(file, (const struct sockaddr *)&address, sizeof address), 0);
    const int length = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", method, path,
                                strlen(body), body);
    ck_assert_int_eq(send(file, request, (size_t)length, MSG_NOSIGNAL), length);
    for (ssize_t got; (got = recv(file, bytes, sizeof bytes, 0)) > 0;)
        text_add(&answer, bytes, (size_t)got);
    close(file);
    text_put(&answer, "");
    ck_assert(!answer.failed);
    return answer.bytes;
}

/* Ask until the answer has these words. */
static void await_answer(const Child *server, const char *path, const char *words)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + LOOP_PATIENCE_S * NS_PER_S;
    for (char *answer;; mem_free(answer)) {
        answer = http(server, "GET", path, "");
        const bool found = strstr(answer, words);
        ck_assert_msg(found || clock_system.elapsed_ns(clock_system.self) < until, "no \"%s\" in %.2000s", words, answer);
        if (found) {
            mem_free(answer);
            return;
        }
        flow_sleep(20);
    }
}

static void answers_with(const Child *server, const char *method, const char *path, const char *body, const char *words)
{
    char *answer = http(server, method, path, body);
    ck_assert_msg(strstr(answer, words), "%s %s: no \"%s\" in %s", method, path, words, answer);
    mem_free(answer);
}

#define CONNECTOR "/api/v1/connectors/own"
#define ORDER(value) "{\"tag\":\"tank.drain_order\",\"value\":" value "}"

/* A level that the board tells to whoever comes. */
static void show_level(double level)
{
    pthread_mutex_lock(&board.lock);
    board.numbers[board_place(&board, "level")] = level;
    pthread_mutex_unlock(&board.lock);
}

START_TEST(a_peer_that_is_killed_and_comes_back_costs_a_gap_and_no_command_twice)
{
    build_library();
    show_level(31);
    board_start(&board);
    const FlowPath script = write_plant("", "");
    Child server = CHILD_START("works", "serve", script.text, "--port", "0", "--no-history");
    child_await_port(&server);
    await_answer(&server, CONNECTOR, "\"connected\":true");
    await_answer(&server, CONNECTOR, "\"samples\":1,");
    await_answer(&server, "/api/v1/time", "\"time\":\"2");  // it has begun
    answers_with(&server, "POST", "/api/v1/commands", ORDER("0.5"), "HTTP/1.1 200");
    await_answer(&server, "/api/v1/commands", "\"state\":\"done\"");

    board_kill(&board);
    await_answer(&server, CONNECTOR, "\"connected\":false");
    await_answer(&server, CONNECTOR, "\"stale\":1,");
    await_answer(&server, "/metrics", "pollux_connector_connected{connector=\"own\"} 0");
    answers_with(&server, "POST", "/api/v1/commands", ORDER("0.75"), "HTTP/1.1 200");
    await_answer(&server, "/api/v1/commands", "there is no connection to localhost");

    board_start(&board);
    await_answer(&server, CONNECTOR, "\"connected\":true");
    await_answer(&server, CONNECTOR, "\"stale\":0,");
    await_answer(&server, "/metrics", "pollux_samples_total{fate=\"bad\"} 1\n");  // the level, the silence, the level again
    await_answer(&server, "/metrics", "pollux_samples_total{fate=\"used\"} 2\n");
    answers_with(&server, "POST", "/api/v1/commands", ORDER("0.25"), "HTTP/1.1 200");
    for (const int64_t until = clock_system.elapsed_ns(clock_system.self) + LOOP_PATIENCE_S * NS_PER_S; board_settings(&board, "order") < 2; flow_sleep(10))
        ck_assert(clock_system.elapsed_ns(clock_system.self) < until);
    child_stop(&server, SIGTERM);
    ck_assert_uint_eq(board_settings(&board, "order"), 2);  // what failed was not sent behind
    board_kill(&board);
}
END_TEST

START_TEST(a_plant_runs_by_its_connectors_without_a_server)
{
    build_library();
    show_level(31.5);
    board_start(&board);
    const FlowPath script = write_plant("", "");
    Child live = CHILD_START("live", "run", script.text);
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + LOOP_PATIENCE_S * NS_PER_S;
    for (bool printed = false; !printed; flow_sleep(20)) {
        char *rows = flow_read(live.out.text);
        printed = strstr(rows, ",31.5");
        ck_assert_msg(printed || clock_system.elapsed_ns(clock_system.self) < until, "no sample in %.2000s", rows);
        free(rows);
    }
    child_stop(&live, SIGTERM);
    board_kill(&board);
}
END_TEST

START_TEST(another_version_of_the_script_keeps_the_connection_that_it_says_the_same_of)
{
    build_library();
    show_level(31);
    board_start(&board);
    const FlowPath script = write_plant("", "");
    Child server = CHILD_START("works", "serve", script.text, "--port", "0", "--no-history");
    child_await_port(&server);
    await_answer(&server, CONNECTOR, "\"samples\":1,");

    // a twin in front of it: its tags have other numbers from now on
    write_plant(", basin = { \"drained\" }", "");
    answers_with(&server, "POST", "/api/v1/reload", "", "HTTP/1.1 200");
    answers_with(&server, "GET", CONNECTOR, "", "\"attempts\":1,");
    show_level(35);
    board_kill(&board);
    board_start(&board);
    await_answer(&server, CONNECTOR, "\"samples\":3,");  // the silence, and the new level
    await_answer(&server, "/api/v1/twins/tank/gauge", "\"value\":35");
    answers_with(&server, "POST", "/api/v1/commands", ORDER("0.5"), "HTTP/1.1 200");
    await_answer(&server, "/api/v1/commands", "\"state\":\"done\"");

    // what the kind does not take is refused with its line, and nothing changes
    write_plant("", ", prot = 1");
    answers_with(&server, "POST", "/api/v1/reload", "", "works.lua:5: ");
    answers_with(&server, "GET", CONNECTOR, "", "\"connected\":true");

    // another declaration is another connection
    write_plant("", ", host = \"127.0.0.1\"");
    answers_with(&server, "POST", "/api/v1/reload", "", "HTTP/1.1 200");
    await_answer(&server, CONNECTOR, "\"peer\":\"127.0.0.1:");
    await_answer(&server, CONNECTOR, "\"samples\":1,");
    child_stop(&server, SIGTERM);
    board_kill(&board);
}
END_TEST

START_TEST(what_is_no_connector_of_this_version_is_refused_on_its_line)
{
    static const char source[] = "#include \"signal/connector_kind.h\"\n"
                                 "const ConnectorKind *pollux_connector_kind(void);\n"
                                 "const ConnectorKind *pollux_connector_kind(void) { static const ConnectorKind kind = { .version = CONNECTOR_VERSION + 1 }; return &kind; }\n";
    static const struct {
        const char *kind, *text;
    } cases[] = {{"./old.so", "was built for version 2 of the connectors' interface"},
                 {"./empty.so", "has no function pollux_connector_kind"},
                 {"./nowhere.so", "No such file"},
                 {"telex", "there is no kind of connector \"telex\"; one of these was expected: "}};
    const FlowPath old = flow_write("old.c", source), empty = flow_write("empty.c", "int nothing;\n");
    shell("cd %s && cc -shared -fPIC -I %s/engine -o old.so %s && cc -shared -fPIC -o empty.so %s", kit_folder(), POLLUX_SOURCE, old.text, empty.text);
    flow_write("drained.lua", loop_model);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char script[512];
        snprintf(script, sizeof script, "return plant \"works\" {\n  assets = { tank = { \"drained\" } },\n  connectors = {\n    own = { \"%s\" } } }\n", cases[i].kind);
        const FlowPath path = flow_write("refused.lua", script);
        Child check = CHILD_START("check", "check", path.text);
        ck_assert_int_eq(child_wait(&check, 30000), 1);
        char *text = flow_read(check.err.text);
        ck_assert_msg(strstr(text, "refused.lua:4: ") && strstr(text, cases[i].text), "%s", text);
        free(text);
    }
}
END_TEST

KIT_MAIN("flow.library", a_plant_runs_by_its_connectors_without_a_server, a_peer_that_is_killed_and_comes_back_costs_a_gap_and_no_command_twice,
         another_version_of_the_script_keeps_the_connection_that_it_says_the_same_of, what_is_no_connector_of_this_version_is_refused_on_its_line)
