/* request.c -- a request that is due waits for a free connection, and the wait counts. */
#include "load/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"

enum { CONNECTIONS_MAX = 256, ANSWER_ROOM = 8192 };

typedef struct Line {
    int file;     // 0: it has not been needed yet. A server may close a line on which nothing is asked for a while
    int64_t due;  // of the request that is under way, 0: none is
    size_t length;
    char answer[ANSWER_ROOM];
} Line;

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "request: %s: %s\n", why, strerror(errno));
    exit(EXIT_FAILURE);
}

static int64_t elapsed(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

static int open_line(int port)
{
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (file < 0 || connect(file, (const struct sockaddr *)&address, sizeof address))
        die("connect");
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return file;
}

/* Read what is there; true when the answer is whole, and then `ok` says whether it is good. */
static bool read_answer(Line *line, bool *ok)
{
    const ssize_t got = recv(line->file, line->answer + line->length, ANSWER_ROOM - 1 - line->length, MSG_DONTWAIT);
    if (got <= 0)
        die("the server hung up");
    line->length += (size_t)got;
    line->answer[line->length] = 0;
    const char *head_end = strstr(line->answer, "\r\n\r\n"), *header = strcasestr(line->answer, "content-length:");
    if (!head_end || !header)
        return false;
    const size_t whole = (size_t)(head_end - line->answer) + 4 + strtoul(header + 15, NULL, 10);
    if (line->length < whole)
        return false;
    *ok = strncmp(line->answer, "HTTP/1.1 200", 12) == 0;
    line->length = 0;
    return true;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The server has closed a line on which nothing was under way. */
static bool is_closed(const Line *line)
{
    char byte;
    return recv(line->file, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void ready_line(Line *line, struct pollfd *poll, int port)
{
    if (line->file && is_closed(line)) {
        close(line->file);
        line->file = 0;
    }
    if (!line->file)
        line->file = open_line(port);
    *poll = (struct pollfd){.fd = line->file, .events = POLLIN};
}

static void send_due(Line *lines, struct pollfd *polls, const RequestDef *def, const char *request, int64_t begin, size_t *next, size_t count)
{
    const size_t length = strlen(request);
    for (size_t i = 0; i < def->connections && *next < count; i++) {
        const int64_t due = begin + (int64_t)((double)*next / def->rate_hz * 1e9);
        if (due > elapsed())
            return;
        if (lines[i].due)
            continue;
        ready_line(&lines[i], &polls[i], def->port);
        if (send(lines[i].file, request, length, MSG_NOSIGNAL) != (ssize_t)length)
            die("send");
        lines[i].due = due;
        (*next)++;
    }
}

Latencies request_leaf(const RequestDef *def)
{
    static Line lines[CONNECTIONS_MAX];
    struct pollfd polls[CONNECTIONS_MAX];
    char request[512];
    const size_t warm = (size_t)(def->warm_s * def->rate_hz), count = warm + (size_t)(def->seconds * def->rate_hz);
    double *const took = malloc(count * sizeof *took);
    Latencies result = {0};
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost:%d\r\n\r\n", def->path, def->port);
    for (size_t i = 0; i < def->connections; i++)
        polls[i].fd = -1;  // poll passes over it
    prctl(PR_SET_TIMERSLACK, 1);
    size_t next = 0, answered = 0;
    const int64_t begin = elapsed();
    int64_t counted = 0;
    while (answered < count) {
        send_due(lines, polls, def, request, begin, &next, count);
        const int64_t due = begin + (int64_t)((double)next / def->rate_hz * 1e9), left = next < count ? due - elapsed() : NS_PER_MS;
        const struct timespec patience = {0, left > 0 ? left < NS_PER_MS ? left : NS_PER_MS : 0};
        if (ppoll(polls, def->connections, &patience, NULL) <= 0)
            continue;
        for (size_t i = 0; i < def->connections; i++) {
            bool ok;
            if (!lines[i].due || !(polls[i].revents & (POLLIN | POLLHUP)) || !read_answer(&lines[i], &ok))
                continue;
            const int64_t now = elapsed();
            if (answered++ >= warm) {
                counted = counted ? counted : now;
                took[result.count++] = (double)(now - lines[i].due) / 1e6;
                result.failed += !ok;
            }
            lines[i].due = 0;
        }
    }
    qsort(took, result.count, sizeof *took, compare);
    result.p50_ms = took[result.count / 2];
    result.p99_ms = took[result.count - 1 - result.count / 100];
    result.max_ms = took[result.count - 1];
    result.rate_hz = (double)result.count / ((double)(elapsed() - counted) / 1e9);
    for (size_t i = 0; i < def->connections; i++)
        if (lines[i].file)
            close(lines[i].file);
    free(took);
    return result;
}
