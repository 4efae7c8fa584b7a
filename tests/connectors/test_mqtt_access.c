/* test_mqtt_access.c -- who may speak with a broker: users and passwords, TLS, client certificates. */
#include <errno.h>
#include <poll.h>

#include "connectors/line.h"
#include "connectors/mosquitto.h"
#include "connectors/mqtt/mqtt.h"

static BrokerProcess broker;
static Line line;
static const LineBinding bindings[] = {{"valve1.opening", "1", "{\"topic\":\"works/valve1\",\"retain\":true}", .writes = true}};

static void run_in_folder(const char *format, ...)
{
    char command[1024];
    size_t length = (size_t)snprintf(command, sizeof command, "cd '%s' && ", kit_folder());
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command + length, sizeof command - length, format, arguments);
    va_end(arguments);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static void open_line(const char *options)
{
    line_prepare(&line, options, bindings, 1);
    line_open(&line, &mqtt_kind);
}

static void close_line(void)
{
    line_close(&line);
    line = (Line){0};
}

/* A command comes back confirmed: we are in. */
static void assert_let_in(const char *options)
{
    open_line(options);
    LINE_AWAIT(&line, line_is_joined(&line));
    line_assert_done(&line, line_send(&line, 0, 1));
    close_line();
}

/* After some attempts we are still outside, and it is said why. */
static void assert_kept_out(const char *options, const char *why)
{
    open_line(options);
    LINE_AWAIT(&line, exchange_state(line.exchange).attempts >= 3);
    ck_assert(!line_is_joined(&line));
    ck_assert_msg(strstr(line_fault(&line), why) != NULL, "\"%s\" does not say \"%s\"", line_fault(&line), why);
    close_line();
}

static const char *options_of(const char *scheme, const char *more)
{
    static char text[1024];
    snprintf(text, sizeof text, "{\"url\":\"%s://127.0.0.1:%d\",\"retry\":0.02,\"retry_most\":0.05%s}", scheme, broker.port, more);
    return text;
}

START_TEST(a_user_needs_the_password)
{
    char settings[BROKER_PATH + 64];
    run_in_folder("mosquitto_passwd -c -b passwords anna secret 2>/dev/null");
    snprintf(settings, sizeof settings, "allow_anonymous false\npassword_file %s/passwords", kit_folder());
    broker = broker_open(settings);
    setenv("POLLUX_TEST_PASSWORD", "secret", 1);
    assert_let_in(options_of("mqtt", ",\"user\":\"anna\",\"password\":\"$POLLUX_TEST_PASSWORD\""));
    assert_let_in(options_of("mqtt", ",\"user\":\"anna\",\"password\":\"secret\",\"version\":4"));
    assert_kept_out(options_of("mqtt", ",\"user\":\"anna\",\"password\":\"guess\""), "the broker says: Not authorized");
    assert_kept_out(options_of("mqtt", ",\"version\":4"), "the broker says: Connection Refused: not authorised");
    broker_close(&broker);
}
END_TEST

START_TEST(what_may_not_be_written_has_failed)
{
    char settings[BROKER_PATH + 64];
    run_in_folder("echo 'topic read #' > rights");
    snprintf(settings, sizeof settings, "allow_anonymous true\nacl_file %s/rights", kit_folder());
    broker = broker_open(settings);
    open_line(options_of("mqtt", ""));
    LINE_AWAIT(&line, line_is_joined(&line));
    line_assert_failed(&line, line_send(&line, 0, 1), "Not authorized");
    close_line();
    broker_close(&broker);
}
END_TEST

/* An authority of our own, another one, a broker's certificate, and a client's. */
static void make_certificates(void)
{
    run_in_folder("exec 2>/dev/null; for who in ca other; do "
                  "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $who.key -out $who.pem -days 2 -subj /CN=$who; done");
    run_in_folder("exec 2>/dev/null; printf 'subjectAltName=IP:127.0.0.1' > names; for who in server client; do "
                  "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $who.key -out $who.csr -subj /CN=$who && "
                  "openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out $who.pem; done; chmod a+r ./*");
}

static void open_tls_broker(const char *more)
{
    char settings[4 * BROKER_PATH];
    make_certificates();
    snprintf(settings, sizeof settings, "allow_anonymous true\ncafile %s/ca.pem\ncertfile %s/server.pem\nkeyfile %s/server.key\n%s",
             kit_folder(), kit_folder(), kit_folder(), more);
    broker = broker_open(settings);
}

START_TEST(tls_wants_a_broker_whose_authority_is_known)
{
    open_tls_broker("");
    assert_let_in(options_of("mqtts", ",\"ca\":\"ca.pem\""));
    assert_let_in(options_of("mqtts", ",\"ca\":\"ca.pem\",\"version\":4"));
    assert_kept_out(options_of("mqtts", ",\"ca\":\"other.pem\""), "127.0.0.1:");
    assert_kept_out(options_of("mqtts", ""), "127.0.0.1:");
    broker_close(&broker);
}
END_TEST

START_TEST(a_client_may_need_a_certificate)
{
    open_tls_broker("require_certificate true\nuse_identity_as_username true");
    assert_let_in(options_of("mqtts", ",\"ca\":\"ca.pem\",\"certificate\":\"client.pem\",\"key\":\"client.key\""));
    assert_kept_out(options_of("mqtts", ",\"ca\":\"ca.pem\""), "127.0.0.1:");
    broker_close(&broker);
}
END_TEST

/* What TLS has decrypted wakes no poll: all of a burst must come all the same. */
START_TEST(a_burst_through_tls_comes_whole)
{
    enum { BURST = 2000 };
    static const LineBinding level[] = {{"tank1.gauge", "m", "{\"topic\":\"works/level\",\"qos\":1}"}};
    static Line sender;
    open_tls_broker("max_inflight_messages 0");
    const LineBinding out = {"tank1.gauge", "m", "{\"topic\":\"works/level\",\"qos\":0}", .writes = true};
    line_prepare(&line, options_of("mqtts", ",\"ca\":\"ca.pem\""), level, 1);
    line_open(&line, &mqtt_kind);
    line_prepare(&sender, options_of("mqtts", ",\"ca\":\"ca.pem\""), &out, 1);
    line_open(&sender, &mqtt_kind);
    LINE_AWAIT(&line, (line_is_joined(&line) && line_is_joined(&sender)));
    while (line_count(&line, 0) == 0) {
        line_send(&sender, 0, -1);
        LINE_AWAIT(&sender, line_outcome(&sender, sender.commands) != NULL);
        line_poll(&line);
    }
    for (int i = 0; i < BURST; i++) {
        const uint64_t command = line_send(&sender, 0, i);
        LINE_AWAIT(&sender, line_outcome(&sender, command) != NULL);
    }
    LINE_AWAIT(&line, line_newest(&line, 0).value == BURST - 1);
    ck_assert_uint_ge(line_count(&line, 0), BURST);
    line_close(&sender);
    close_line();
    broker_close(&broker);
}
END_TEST

// A door that opens late: its queue is full at first, so that a connection hangs half made, as on a long way.

enum { FILLERS = 4 };

typedef struct Door {
    int listener, fillers[FILLERS];
    pthread_t thread;
} Door;

static int connect_to(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert(connect(file, (const struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS);
    return file;
}

static bool pump(int from, int to)
{
    char bytes[4096];
    const ssize_t length = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    for (ssize_t sent = 0, more; sent < length; sent += more)
        if ((more = send(to, bytes + sent, (size_t)(length - sent), MSG_NOSIGNAL)) <= 0)
            return false;
    return length > 0 || (length < 0 && errno == EAGAIN);
}

/* Let everybody in, and carry on what they say to the broker, until they go. */
static void *open_door(void *self)
{
    Door *door = self;
    for (int guest; (guest = accept(door->listener, NULL, NULL)) >= 0;) {
        const int house = connect_to(broker.port);
        fcntl(house, F_SETFL, 0);
        struct pollfd files[] = {{.fd = guest, .events = POLLIN}, {.fd = house, .events = POLLIN}};
        while (poll(files, 2, -1) > 0 && (!files[0].revents || pump(guest, house)) && (!files[1].revents || pump(house, guest)))
            continue;
        close(guest);
        close(house);
    }
    return NULL;
}

static int make_door(Door *door)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    door->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(door->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert(listen(door->listener, 0) == 0 && getsockname(door->listener, (struct sockaddr *)&address, &length) == 0);
    for (int i = 0; i < FILLERS; i++)
        door->fillers[i] = connect_to(ntohs(address.sin_port));
    return ntohs(address.sin_port);
}

static void assert_late_door_is_passed(const char *scheme, const char *more)
{
    Door door;
    char options[512];
    const int port = make_door(&door);
    snprintf(options, sizeof options, "{\"url\":\"%s://127.0.0.1:%d\"%s}", scheme, port, more);
    open_line(options);
    clock_system.sleep_ns(clock_system.self, NS_PER_S / 5);
    ck_assert(!line_is_joined(&line));
    for (int i = 0; i < FILLERS; i++)
        close(door.fillers[i]);
    ck_assert_int_eq(pthread_create(&door.thread, NULL, open_door, &door), 0);
    LINE_AWAIT(&line, line_is_joined(&line));
    ck_assert_uint_eq(exchange_state(line.exchange).attempts, 1);
    close_line();
    shutdown(door.listener, SHUT_RDWR);
    pthread_join(door.thread, NULL);
    close(door.listener);
}

START_TEST(a_connection_may_take_its_time)
{
    broker = broker_open("allow_anonymous true");
    assert_late_door_is_passed("mqtt", "");
    broker_close(&broker);
    open_tls_broker("");
    assert_late_door_is_passed("mqtts", ",\"ca\":\"ca.pem\"");
    broker_close(&broker);
}
END_TEST

KIT_MAIN("connectors.mqtt_access", a_user_needs_the_password, what_may_not_be_written_has_failed, tls_wants_a_broker_whose_authority_is_known, a_client_may_need_a_certificate,
         a_burst_through_tls_comes_whole, a_connection_may_take_its_time)
