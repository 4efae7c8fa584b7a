/* Letting people and devices in by what a person types: the real program, and a server that follows. */
#include "flow/flow.h"

enum { SHORT_MS = 60000, LINE_ROOM = 2048 };

static FlowPath access_file(void)
{
    return flow_path("access.json");
}

/* `words` of pollux with the access file of this test, standard input from `input`: what it prints, and its exit status. */
static int type(const char *words, const char *input, char out[LINE_ROOM])
{
    char line[LINE_ROOM];
    const FlowPath said = flow_path("said");
    snprintf(line, sizeof line, "printf '%s' | %s %s --access %s > %s 2>&1", input, POLLUX_PROGRAM, words, access_file().text, said.text);
    const int status = system(line);
    char *text = flow_read(said.text);
    snprintf(out, LINE_ROOM, "%s", text);
    free(text);
    return WEXITSTATUS(status);
}

static void expect(const char *words, const char *input, int status, const char *expected)
{
    char out[LINE_ROOM];
    const int ended = type(words, input, out);
    ck_assert_msg(ended == status && strstr(out, expected) != NULL, "pollux %s: status %d, \"%s\"; expected %d, \"%s\"", words, ended, out, status, expected);
}

START_TEST(people_are_let_in_and_out_by_what_is_typed)
{
    unlink(access_file().text);
    expect("user list", "", 0, "");
    expect("user add anna --role operator", "correct horse\\n", 0, "");
    expect("user add anna --role viewer", "correct horse\\n", 1, "the name \"anna\" is taken by a user");
    expect("user add otto --role king", "correct horse\\n", 2, "expected the role viewer, operator, engineer or admin, got \"king\"");
    expect("user add otto --role viewer", "short\\n", 1, "a password has 8 to 1024 bytes, got 5");
    expect("user add otto --role viewer", "", 1, "expected a password on standard input");
    expect("user add o:tto --role viewer", "correct horse\\n", 1, "expected a name of 1 to 40 letters");
    expect("user list", "", 0, "anna                 operator");
    expect("user password otto", "another horse\\n", 1, "there is no user \"otto\"");
    expect("user password anna", "another horse\\n", 0, "");
    expect("user remove anna", "", 0, "");
    expect("user remove anna", "", 1, "there is no user \"anna\"");
    expect("user", "", 2, "");
}
END_TEST

START_TEST(a_token_is_printed_once_and_kept_as_a_hash)
{
    char out[LINE_ROOM];
    unlink(access_file().text);
    expect("token create rig-1", "", 2, "give it a --role, or tags to --provide or --actuate");
    expect("token create rig-1 --role viewer --expires soon", "", 2, "--expires: expected days or hours from now");
    ck_assert_int_eq(type("token create rig-1 --provide \"tank*.level\" --expires 90d", "", out), 0);
    char *token = strstr(out, "plx_"), *file = flow_read(access_file().text);
    ck_assert_ptr_nonnull(token);
    token[strcspn(token, "\n")] = 0;
    ck_assert_ptr_null(strstr(file, token));
    free(file);
    expect("token list", "", 0, "provide tank*.level  expires 20");
    expect("token revoke rig-2", "", 1, "there is no token \"rig-2\"");
    expect("token revoke rig-1", "", 0, "");
}
END_TEST

START_TEST(a_mistake_in_the_access_file_ends_the_start_with_its_place)
{
    const FlowPath path = flow_write("broken.json", "{\n  \"users\": [{\"name\": \"anna\"}]\n}\n");
    ck_assert_int_eq(chmod(path.text, 0600), 0);
    Child child = CHILD_START("broken", "serve", FLOW_PLANT, "--no-history", "--codegen", "off", "--port", "0", "--access", path.text);
    ck_assert_int_eq(child_wait(&child, SHORT_MS), 1);
    char *said = flow_read(child.err.text);
    ck_assert_msg(strstr(said, "broken.json: users[0] \"anna\": password is missing") != NULL, "%s", said);
    free(said);
}
END_TEST

START_TEST(beyond_this_machine_the_start_says_what_is_missing)
{
    Child child = CHILD_START("bare", "serve", FLOW_PLANT, "--no-history", "--codegen", "off", "--port", "0", "--bind", "0.0.0.0", "--access", access_file().text);
    ck_assert_int_eq(child_wait(&child, SHORT_MS), 1);
    char *said = flow_read(child.err.text);
    ck_assert_msg(strstr(said, "it needs TLS: --tls-certificate FILE --tls-key FILE") != NULL, "%s", said);
    free(said);
}
END_TEST

/* Wait until the device has said something. */
static void await_words(const Child *child, const char *words)
{
    for (int i = 0; i < SHORT_MS / 10; i++) {
        char *said = flow_read(child->err.text);
        const bool found = strstr(said, words) != NULL;
        free(said);
        if (found)
            return;
        flow_sleep(10);
    }
    char *said = flow_read(child->err.text);
    ck_abort_msg("nobody said \"%s\": %s", words, said);
}

/* A server that speaks TLS, once it says where it is. */
static Child start_tls(const char *certificate, const char *key)
{
    Child server = CHILD_START("server", "serve", FLOW_PLANT, "--no-history", "--codegen", "off", "--port", "0", "--access", access_file().text, "--tls-certificate",
                               certificate, "--tls-key", key);
    for (int i = 0; i < SHORT_MS / 10 && !server.port; i++) {
        char *said = flow_read(server.out.text), *at = strstr(said, "wss://localhost:");
        server.port = at && strstr(said, "Ctrl-C") ? atoi(at + strlen("wss://localhost:")) : 0;
        free(said);
        flow_sleep(10);
    }
    ck_assert_int_ne(server.port, 0);
    return server;
}

/* A certificate for a host, and its key, in the place of those that are there. */
static void issue(const char *host, const FlowPath *certificate, const FlowPath *key)
{
    char line[LINE_ROOM], name[64];
    const FlowPath folder = flow_path(host);
    snprintf(line, sizeof line, "%s certificate self-signed %s --name %s > /dev/null", POLLUX_PROGRAM, folder.text, host);
    ck_assert_int_eq(system(line), 0);
    snprintf(name, sizeof name, "%s/pollux.pem", host);
    flow_copy(flow_path(name).text, certificate->text);
    snprintf(name, sizeof name, "%s/pollux.key", host);
    flow_copy(flow_path(name).text, key->text);
}

static bool presents(int port, const char *host)
{
    char line[LINE_ROOM];
    snprintf(line, sizeof line, "openssl s_client -connect 127.0.0.1:%d < /dev/null 2> /dev/null | openssl x509 -noout -ext subjectAltName | grep -q 'DNS:%s'", port, host);
    return system(line) == 0;
}

START_TEST(a_renewed_certificate_counts_at_once_behind_a_sighup)
{
    char out[LINE_ROOM];
    const FlowPath certificate = flow_path("live.pem"), key = flow_path("live.key");
    unlink(access_file().text);
    ck_assert_int_eq(type("token create rig-1 --role viewer", "", out), 0);
    issue("first.example", &certificate, &key);
    Child server = start_tls(certificate.text, key.text);
    ck_assert(presents(server.port, "first.example"));
    issue("second.example", &certificate, &key);
    ck_assert_int_eq(kill(server.pid, SIGHUP), 0);

    // by itself the server would look within a minute
    const int64_t until = clock_system.elapsed_ns(NULL) + 20 * NS_PER_S;
    while (!presents(server.port, "second.example") && clock_system.elapsed_ns(NULL) < until)
        flow_sleep(20);
    ck_assert(presents(server.port, "second.example"));
    child_stop(&server, SIGTERM);
}
END_TEST

START_TEST(a_device_comes_by_token_over_tls_until_it_is_revoked)
{
    char out[LINE_ROOM], line[LINE_ROOM];
    unlink(access_file().text);
    const FlowPath folder = flow_path("tls"), certificate = flow_path("tls/pollux.pem"), key = flow_path("tls/pollux.key"), token_file = flow_path("token");
    snprintf(line, sizeof line, "%s certificate self-signed %s > /dev/null", POLLUX_PROGRAM, folder.text);
    ck_assert_int_eq(system(line), 0);
    ck_assert_int_eq(type("token create rig-1 --provide \"incubator.*\" --actuate \"incubator.*\"", "", out), 0);
    char *token = strstr(out, "plx_");
    token[strcspn(token, "\n") + 1] = 0;
    flow_write("token", token);

    Child server = start_tls(certificate.text, key.text);
    char url[64];
    snprintf(url, sizeof url, "wss://localhost:%d", server.port);
    Child device = CHILD_START("device", "emulate", FLOW_PLANT, "--url", url, "--ca", certificate.text, "--token-file", token_file.text);
    await_words(&device, "connected to plant incubator");
    expect("token revoke rig-1", "", 0, "");
    await_words(&device, "upgrade unauthorized");
    child_stop(&device, SIGTERM);
    child_stop(&server, SIGTERM);
}
END_TEST

KIT_MAIN("flow.access", people_are_let_in_and_out_by_what_is_typed, a_token_is_printed_once_and_kept_as_a_hash, a_mistake_in_the_access_file_ends_the_start_with_its_place,
         beyond_this_machine_the_start_says_what_is_missing, a_renewed_certificate_counts_at_once_behind_a_sighup, a_device_comes_by_token_over_tls_until_it_is_revoked)
