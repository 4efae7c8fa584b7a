/* Who means no good cannot stop the twins: the real program under slow requests, floods and frames that cannot be read, all at once, ticks at its rate. */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "flow/flow.h"

enum { SLOW = 600, FLOODS = 20, SOCKETS = 10, ATTACK_S = 6 };
#define STEP_S 0.02

static const char swing[] =
    "return model \"swing\" {\n"
    "  states = { x = { 1, \"m\", sd = 0.1, noise = 1e-3 }, v = { 0, \"m/s\", sd = 0.1, noise = 1e-3 } },\n"
    "  params = { k = { 1, \"1/s^2\" } },\n"
    "  equations = function(t) t.x.rate = t.v; t.v.rate = -t.k * t.x end,\n"
    "}\n";

static const char plant[] = "return plant \"swings\" { step = 0.02, clock = \"utc\", assets = { fleet(\"swing\", 200, \"swing\", function(i) return {} end) } }\n";

static const char upgrade[] = "GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Protocol: pollux.v1.json\r\n\r\n";

static int64_t now_ns(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

// Who attacks.

typedef struct Attacker {
    int file;  // 0: not connected
    bool greeted;
} Attacker;

typedef struct Crowd {
    int port;
    Attacker slow[SLOW], floods[FLOODS], sockets[SOCKETS];
    uint64_t said;  // times that one of them has got something through
} Crowd;

static void connect_to(Attacker *attacker, int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(file, 0);
    connect(file, (const struct sockaddr *)&address, sizeof address);
    *attacker = (Attacker){.file = file};
}

/* Say something; whoever is cut off comes again. Nobody reads. */
static void say(Crowd *crowd, Attacker *attacker, const char *greeting, const void *bytes, size_t length)
{
    if (!attacker->file)
        connect_to(attacker, crowd->port);
    const bool greets = !attacker->greeted;
    const ssize_t sent = send(attacker->file, greets ? (const void *)greeting : bytes, greets ? strlen(greeting) : length, MSG_NOSIGNAL | MSG_DONTWAIT);
    attacker->greeted |= sent > 0;
    crowd->said += sent > 0;
    if (sent >= 0 || errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN)
        return;
    close(attacker->file);
    *attacker = (Attacker){0};
}

static void attack(Crowd *crowd)
{
    // text frames with nothing in them that could be read, many at once
    static unsigned char frames[8 * 1024];
    for (size_t i = 0; i + 8 <= sizeof frames; i += 8)
        memcpy(frames + i, (const unsigned char[]){0x81, 0x82, 0, 0, 0, 0, '{', '}'}, 8);

    for (int i = 0; i < SLOW; i++)
        say(crowd, &crowd->slow[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "a", 1);
    for (int i = 0; i < FLOODS; i++)
        say(crowd, &crowd->floods[i], "GET /api/v1/plant HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /api/v1/plant HTTP/1.1\r\nHost: localhost\r\n\r\n", 48);
    for (int i = 0; i < SOCKETS; i++)
        say(crowd, &crowd->sockets[i], upgrade, frames, sizeof frames);
}

static void disperse(const Attacker *attackers, int count)
{
    for (int i = 0; i < count; i++)
        if (attackers[i].file)
            close(attackers[i].file);
}

// What it does to the twins.

/* How many ticks have run, by the metrics of the server; `*at` is when that was. */
static double count_ticks(int port, int64_t *at)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 10};
    char bytes[4096];
    Text answer = {0};
    const int64_t begin = now_ns();
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ck_assert_int_eq(connect(file, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(file, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    for (ssize_t got; (got = recv(file, bytes, sizeof bytes, 0)) > 0;)
        text_add(&answer, bytes, (size_t)got);
    close(file);
    *at = begin + (now_ns() - begin) / 2;
    text_put(&answer, "");
    const char *found = answer.bytes ? strstr(answer.bytes, "\npollux_ticks_total ") : NULL;
    ck_assert_msg(found != NULL, "no count of ticks in \"%.200s\"", answer.bytes ? answer.bytes : "");
    const double ticks = atof(found + strlen("\npollux_ticks_total "));
    text_fini(&answer);
    return ticks;
}

/* Ticks in a second while `crowd` attacks, nobody where it is NULL. */
static double tick_rate_hz(int port, Crowd *crowd, int seconds)
{
    int64_t from, to;
    const double before = count_ticks(port, &from);
    while (now_ns() - from < seconds * NS_PER_S) {
        if (crowd)
            attack(crowd);
        flow_sleep(5);
    }
    const double after = count_ticks(port, &to);
    return (after - before) / ((double)(to - from) / 1e9);
}

START_TEST(ticks_go_on_at_their_rate_while_slow_requests_floods_and_bad_frames_come)
{
    static Crowd crowd;
    flow_write("swing.lua", swing);
    const FlowPath path = flow_write("swings.lua", plant);
    Child server = CHILD_START("server", "serve", path.text, "--port", "0", "--no-history", "--codegen", "off");
    child_await_port(&server);
    crowd.port = server.port;
    flow_sleep(500);
    const double alone = tick_rate_hz(server.port, NULL, 2), attacked = tick_rate_hz(server.port, &crowd, ATTACK_S);
    printf("%.1f ticks/s alone, %.1f under attack, of %g; %llu times something came through\n", alone, attacked, 1 / STEP_S, (unsigned long long)crowd.said);
    ck_assert_uint_gt(crowd.said, 10000);
    ck_assert_msg(attacked > 0.9 / STEP_S, "%g ticks/s under attack, %g alone", attacked, alone);
    ck_assert_msg(attacked < 1.1 / STEP_S, "%g ticks/s under attack, %g alone", attacked, alone);
    disperse(crowd.slow, SLOW);
    disperse(crowd.floods, FLOODS);
    disperse(crowd.sockets, SOCKETS);
    child_stop(&server, SIGTERM);
}
END_TEST

KIT_MAIN("flow.attack", ticks_go_on_at_their_rate_while_slow_requests_floods_and_bad_frames_come)
