/* mqtt.c -- samples through mosquitto, one message each, into a plant that ticks; scripts/load mqtt starts it.
 *
 * load_mqtt SECONDS [RATE]: a publisher on a raw socket, so that it costs as little as can be, sends for so long; Pollux runs in this process as `pollux serve`
 * does, connector's thread and tick's thread. Then a bare subscriber of libmosquitto takes Pollux's place, which shows what the broker and the machine can
 * do. Everybody is a process of its own. Markdown; fails when a sample was lost, or a tick was late by more than a step. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <math.h>
#include <mosquitto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/app.h"
#include "load/beside.h"

enum { TWINS = 5000, STEP_MS = 100, PACKET_MAX = 128, PATIENCE_S = 60 };

static const int64_t WRITE_NS = NS_PER_MS;   // between two writes of the publisher
static const int64_t QUIET_NS = NS_PER_S;    // without news: everything has come
static const double LATE_S = STEP_MS / 1e3;

static const char model_text[] = "return model \"still\" { doc = \"Water that stands still\", states = { level = { 30, \"cm\", sd = 1, noise = 0.01 } },\n"
                                 "  equations = function(t) t.level.rate = 0 * t.level / quantity(1, \"s\") end, sensors = { gauge = { of = \"level\", noise = 0.3, unit = \"cm\" } } }\n";
static const char plant_text[] = "local bind = {}\n"
                                 "for i = 1, %d do bind[(\"tank_%%04d.gauge\"):format(i)] = { \"line\", topic = (\"works/tank%%04d\"):format(i), unit = \"cm\"%s } end\n"
                                 "return plant \"still\" { step = %g, wait = 0.05, lag = 0, assets = { fleet(\"tank\", %d, \"still\", function(i) return {} end) },\n"
                                 "  connectors = { line = { \"mqtt\", url = \"mqtt://127.0.0.1:%d\" } }, bind = bind }\n";
static const char json_keys[] = ", payload = \"json\", value = \"/level\", stamp = \"/at\", stamp_unit = \"ms\", time = \"source\"";

// Processes and what they have worked.

static int open_socket(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(file, (const struct sockaddr *)&address, sizeof address) == 0)
        return file;
    close(file);
    return -1;
}

static pid_t start_broker(int port)
{
    char text[128], path[256];
    snprintf(text, sizeof text, "user root\nlistener %d 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nlog_dest none\n", port);
    write_file("mosquitto.conf", text);
    snprintf(path, sizeof path, "%s/mosquitto.conf", folder);
    const pid_t id = begin_child();
    if (id == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);  // it warns of root
        execl("/usr/sbin/mosquitto", "mosquitto", "-c", path, (char *)NULL);
        execlp("mosquitto", "mosquitto", "-c", path, (char *)NULL);
        _exit(127);
    }
    for (const int64_t until = elapsed() + PATIENCE_S * NS_PER_S; elapsed() < until; usleep(10000)) {
        const int file = open_socket(port);
        if (file >= 0) {
            close(file);
            return id;
        }
    }
    die("mosquitto does not answer");
}

// The publisher: QoS 0, MQTT 3.1.1, packets made once and patched.

typedef struct Packet {
    unsigned char bytes[PACKET_MAX];
    size_t length, value, time;  // where the digits of the value stand; of the time, 0: nowhere
} Packet;

static Packet make_packet(int twin, bool json)
{
    Packet packet = {.bytes = {0x30}};
    char topic[32], payload[64];
    const int topic_length = snprintf(topic, sizeof topic, "works/tank%04d", twin + 1);
    const int length = snprintf(payload, sizeof payload, json ? "{\"level\":30.000,\"at\":%013d}" : "30.000", 0);
    packet.bytes[1] = (unsigned char)(2 + topic_length + length);
    packet.bytes[3] = (unsigned char)topic_length;
    memcpy(packet.bytes + 4, topic, (size_t)topic_length);
    memcpy(packet.bytes + 4 + topic_length, payload, (size_t)length);
    packet.length = (size_t)(4 + topic_length + length);
    packet.value = (size_t)(4 + topic_length) + (json ? strlen("{\"level\":30.") : strlen("30."));
    packet.time = json ? packet.value + strlen("000,\"at\":") : 0;
    return packet;
}

/* Levels within 0.5 cm of one another, so that no gauge is stuck and none has parted. */
static void patch(Packet *packet, uint64_t count)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%03d", (int)(500 * random_uniform(1, 0, count)));
    memcpy(packet->bytes + packet->value, digits, 3);
    if (!packet->time)
        return;
    snprintf(digits, sizeof digits, "%013lld", (long long)(clock_system.utc_ns(clock_system.self) / NS_PER_MS));
    memcpy(packet->bytes + packet->time, digits, 13);
}

static void write_all(int file, const unsigned char *bytes, size_t length)
{
    for (ssize_t written; length; bytes += written, length -= (size_t)written)
        if ((written = write(file, bytes, length)) <= 0)
            die("the broker does not listen");
}

/* Returns how many it has sent. */
static uint64_t publish(int port, bool json, double seconds, double rate)
{
    static Packet packets[TWINS];
    static unsigned char buffer[1 << 20];
    static const unsigned char hello[] = {0x10, 16, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 4, 'l', 'o', 'a', 'd'};
    unsigned char answer[4];
    uint64_t sent = 0;
    const int file = open_socket(port);
    write_all(file, hello, sizeof hello);
    if (read(file, answer, sizeof answer) != sizeof answer || answer[3])
        die("the broker says no");
    for (int i = 0; i < TWINS; i++)
        packets[i] = make_packet(i, json);

    const int64_t begin = elapsed(), end = begin + (int64_t)(seconds * (double)NS_PER_S);
    for (int64_t now; (now = elapsed()) < end;) {
        size_t used = 0;
        const uint64_t due = (uint64_t)((double)(now - begin) / 1e9 * rate);
        for (; sent < due && used + PACKET_MAX < sizeof buffer; sent++) {
            Packet *packet = &packets[sent % TWINS];
            patch(packet, sent);
            memcpy(buffer + used, packet->bytes, packet->length);
            used += packet->length;
        }
        write_all(file, buffer, used);
        clock_system.sleep_ns(clock_system.self, WRITE_NS);
    }
    write_all(file, (const unsigned char[]){0xE0, 0}, 2);
    close(file);
    return sent;
}

/* A child that leaves its count in a pipe. */
typedef struct Counter {
    pid_t id;
    int file;
} Counter;

static Counter start_publisher(int port, bool json, double seconds, double rate)
{
    int files[2];
    if (pipe(files))
        die("no pipe");
    const pid_t id = begin_child();
    if (id == 0) {
        const uint64_t sent = publish(port, json, seconds, rate);
        _exit(write(files[1], &sent, sizeof sent) != sizeof sent);
    }
    close(files[1]);
    return (Counter){id, files[0]};
}

static bool has_ended(const Counter *counter)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)counter->id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == counter->id;
}

/* Its count, and how many seconds it has worked. */
static uint64_t end_counter(Counter *counter, double *work)
{
    int status;
    struct rusage usage;
    uint64_t count = 0;
    if (read(counter->file, &count, sizeof count) != sizeof count || wait4(counter->id, &status, 0, &usage) != counter->id || status)
        die("a process failed");
    close(counter->file);
    *work = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    return count;
}

// What is told.

typedef struct Told {
    const char *who;
    uint64_t sent, came;
    double seconds;
    double connector, tick, broker, publisher;  // seconds of work; tick NAN: none
    uint64_t ticks, late;                       // by more than a step
    double latest;                              // s
} Told;

static void print_told(const Told *told)
{
    char tick[32] = "", ticks[64] = "";
    if (!isnan(told->tick)) {
        snprintf(tick, sizeof tick, "%.1f %%", 100 * told->tick / told->seconds);
        snprintf(ticks, sizeof ticks, "%llu, %llu, %.0f", (unsigned long long)told->ticks, (unsigned long long)told->late, 1e3 * told->latest);
    }
    const double s = told->seconds;
    printf("| %s | %.0f | %.0f | %lld |", told->who, (double)told->sent / s, (double)told->came / s, (long long)(told->sent - told->came));
    printf(" %.1f %% | %s | %.1f %% | %.1f %% | %s |\n", 100 * told->connector / s, tick, 100 * told->broker / s, 100 * told->publisher / s, ticks);
    fflush(stdout);
}

// Pollux.

static Told *ticking;

static void note_tick(void *self, const App *app, Batch batch)
{
    (void)self, (void)batch;
    const double lateness = (double)(app_utc(app) - app->now) / 1e9 - (double)app->plant->wait_ns / 1e9;
    ticking->ticks++;
    ticking->late += lateness > LATE_S;
    ticking->latest = lateness > ticking->latest ? lateness : ticking->latest;
}

static App *open_app(int port, bool json)
{
    static char text[2048], path[256];
    App *app;
    ErrText why = {""};
    write_file("still.lua", model_text);
    snprintf(text, sizeof text, plant_text, TWINS, json ? json_keys : "", LATE_S, TWINS, port);
    write_file("plant.lua", text);
    snprintf(path, sizeof path, "%s/plant.lua", folder);
    const AppDef def = {.plant = path, .speed = 1, .quiet = true, .connects = true, .ticked = note_tick};
    if (program_codegen(CODEGEN_AUTO, &why) || app_create(&def, &app, &why))
        die(why.text);
    return app;
}

static ExchangeState state_of(const App *app)
{
    return ways_state(app->ways, 0).exchange;
}

static void turn(App *app)
{
    if (!app_poll(app))
        clock_system.sleep_ns(clock_system.self, app_patience(app, 2 * NS_PER_MS));
}

static void await_connection(App *app)
{
    const int64_t until = elapsed() + PATIENCE_S * NS_PER_S;
    while (!state_of(app).connected || app->ticks < 20) {
        if (elapsed() > until)
            die("the connector does not come to the broker");
        turn(app);
    }
}

/* Until everything that was sent is here, or nothing more comes. */
static void await_rest(App *app)
{
    uint64_t samples = state_of(app).samples;
    for (int64_t since = elapsed(); elapsed() - since < QUIET_NS; turn(app))
        if (state_of(app).samples != samples) {
            samples = state_of(app).samples;
            since = elapsed();
        }
}

static bool measure_pollux(bool json, double seconds, double rate)
{
    Told warm = {0}, told = {.who = json ? "Pollux, JSON with a time" : "Pollux, a number"};
    const int port = find_port();
    const pid_t broker = start_broker(port);
    ticking = &warm;
    App *app = open_app(port, json);
    await_connection(app);

    const double broker_before = worked(broker), tick_before = worked_here();
    const int64_t began = elapsed();
    const ExchangeState before = state_of(app);
    ticking = &told;
    Counter publisher = start_publisher(port, json, seconds, rate);
    while (!has_ended(&publisher))
        turn(app);
    told.seconds = (double)(elapsed() - began) / 1e9;
    told.tick = worked_here() - tick_before;
    told.broker = worked(broker) - broker_before;
    told.connector = (double)(state_of(app).busy_ns - before.busy_ns) / 1e9;
    told.sent = end_counter(&publisher, &told.publisher);
    await_rest(app);
    told.came = state_of(app).samples - before.samples;
    print_told(&told);

    app_destroy(app);
    kill(broker, SIGKILL);
    waitpid(broker, NULL, 0);
    return told.came == told.sent && told.late == 0;
}

// A bare subscriber.

static volatile sig_atomic_t asked_to_end;

static void ask_to_end(int number)
{
    (void)number;
    asked_to_end = 1;
}

static void count_message(struct mosquitto *client, void *self, const struct mosquitto_message *message)
{
    (void)client, (void)message;
    ++*(uint64_t *)self;
}

static void say_ready(struct mosquitto *client, void *self, int id, int count, const int *granted)
{
    (void)client, (void)self, (void)id, (void)count, (void)granted;
    kill(getppid(), SIGUSR1);
}

static void subscribe_to_all(struct mosquitto *client, void *self, int code)
{
    (void)self;
    if (code == 0)
        mosquitto_subscribe(client, NULL, "works/#", 0);
}

static uint64_t listen_bare(int port)
{
    uint64_t count = 0;
    signal(SIGTERM, ask_to_end);
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new(NULL, true, &count);
    mosquitto_connect_callback_set(client, subscribe_to_all);
    mosquitto_subscribe_callback_set(client, say_ready);
    mosquitto_message_callback_set(client, count_message);
    if (mosquitto_connect(client, "127.0.0.1", port, 20))
        return 0;
    while (!asked_to_end && mosquitto_loop(client, 100, 1) == MOSQ_ERR_SUCCESS)
        continue;
    return count;
}

static void measure_bare(double seconds, double rate)
{
    int files[2];
    sigset_t ready;
    Told told = {.who = "a bare subscriber of libmosquitto", .tick = NAN};
    const int port = find_port();
    const pid_t broker = start_broker(port);
    sigemptyset(&ready);
    sigaddset(&ready, SIGUSR1);
    sigprocmask(SIG_BLOCK, &ready, NULL);
    if (pipe(files))
        die("no pipe");
    Counter listener = {begin_child(), files[0]};
    if (listener.id == 0) {
        const uint64_t count = listen_bare(port);
        _exit(write(files[1], &count, sizeof count) != sizeof count);
    }
    close(files[1]);
    if (sigtimedwait(&ready, NULL, &(struct timespec){.tv_sec = PATIENCE_S}) != SIGUSR1)
        die("the bare subscriber does not come to the broker");

    const double before = worked(broker);
    const int64_t began = elapsed();
    Counter publisher = start_publisher(port, false, seconds, rate);
    while (!has_ended(&publisher))
        usleep(10000);
    told.seconds = (double)(elapsed() - began) / 1e9;
    told.broker = worked(broker) - before;
    told.sent = end_counter(&publisher, &told.publisher);
    clock_system.sleep_ns(clock_system.self, QUIET_NS);
    kill(listener.id, SIGTERM);
    told.came = end_counter(&listener, &told.connector);
    print_told(&told);
    kill(broker, SIGKILL);
    waitpid(broker, NULL, 0);
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 0, rate = argc > 2 ? strtod(argv[2], NULL) : 50000;
    if (!(seconds >= 1 && seconds <= 3600 && rate >= 1 && rate <= 1e6) || !mkdtemp(folder))
        die("load_mqtt SECONDS [RATE]");
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    bool good = measure_pollux(false, seconds, rate);
    good &= measure_pollux(true, seconds, rate);
    measure_bare(seconds, rate);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
