/* watch.c -- epoll and a parser that keeps no content. */
#include "load/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"

enum { BUFFER = 256 * 1024, READY_MAX = 512 };

typedef struct Watcher {
    int file;
    unsigned char head[10];
    unsigned head_size;
    uint64_t left;  // of the content of this frame
    uint64_t frames, bytes;
} Watcher;

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "watch: %s: %s\n", why, strerror(errno));
    exit(EXIT_FAILURE);
}

static int64_t elapsed(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

void watch_raise_files(size_t files)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        die("getrlimit");
    if (limit.rlim_cur < files)
        limit.rlim_cur = files < limit.rlim_max ? files : limit.rlim_max;
    if (limit.rlim_cur < files) {
        fprintf(stderr, "watch: %zu open files are needed and the hard limit is %llu: raise it (ulimit -Hn)\n", files, (unsigned long long)limit.rlim_max);
        exit(EXIT_FAILURE);
    }
    if (setrlimit(RLIMIT_NOFILE, &limit))
        die("setrlimit");
}

// Connecting.

static void say_all(int file, const void *bytes, size_t length)
{
    for (ssize_t sent; length; bytes = (const char *)bytes + sent, length -= (size_t)sent)
        if ((sent = send(file, bytes, length, MSG_NOSIGNAL)) <= 0)
            die("send");
}

/* Byte by byte, so that nothing of the first frame is taken. */
static void pass_head(int file)
{
    char last[4] = "";
    while (memcmp(last, "\r\n\r\n", 4) != 0) {
        memmove(last, last + 1, 3);
        if (recv(file, last + 3, 1, 0) != 1)
            die("the handshake was not answered");
    }
}

static int open_one(const WatchDef *def)
{
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)def->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (file < 0 || connect(file, (const struct sockaddr *)&address, sizeof address))
        die("connect");
    char request[512];
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s\r\n\r\n",
             def->path, def->port, def->protocol ? "Sec-WebSocket-Protocol: " : "X-None: ", def->protocol ? def->protocol : "1");
    say_all(file, request, strlen(request));
    pass_head(file);
    return file;
}

static void say(int file, const char *text)
{
    const size_t length = strlen(text);
    unsigned char head[8] = {0x81, 0x80 | (unsigned char)length};  // a mask of zeros changes nothing
    size_t size = 2;
    if (length > 125) {
        head[1] = 0x80 | 126;
        head[size++] = (unsigned char)(length >> 8);
        head[size++] = (unsigned char)length;
    }
    char frame[1024] = "";
    memcpy(frame, head, size);
    memcpy(frame + size + 4, text, length);
    say_all(file, frame, size + 4 + length);
}

// Reading.

/* How many bytes the head of a frame takes, as far as it is known. */
static unsigned head_needed(const Watcher *watcher)
{
    const unsigned length = watcher->head_size < 2 ? 0 : watcher->head[1] & 0x7f;
    return length == 126 ? 4 : length == 127 ? 10 : 2;
}

static uint64_t content_length(const Watcher *watcher)
{
    uint64_t length = watcher->head[1] & 0x7f;
    if (length < 126)
        return length;
    length = 0;
    for (unsigned i = 2; i < watcher->head_size; i++)
        length = length << 8 | watcher->head[i];
    return length;
}

static void take(Watcher *watcher, const unsigned char *bytes, size_t length)
{
    static const unsigned char pong[] = {0x8a, 0x80, 0, 0, 0, 0};  // who does not answer a ping is taken for gone
    while (length) {
        if (watcher->left) {
            const size_t part = length < watcher->left ? length : watcher->left;
            watcher->bytes += part;
            watcher->left -= part;
            bytes += part;
            length -= part;
        } else {
            watcher->head[watcher->head_size++] = *bytes++;
            length--;
            if (watcher->head_size < 2 || watcher->head_size < head_needed(watcher))
                continue;
            watcher->left = content_length(watcher);
            watcher->head_size = 0;
            if ((watcher->head[0] & 15) == 9)
                say_all(watcher->file, pong, sizeof pong);
            else
                watcher->frames++;
        }
        if (watcher->left == 0)
            watcher->head_size = 0;
    }
}

static uint64_t count_values(const char *bytes, size_t length)
{
    uint64_t count = 0;
    for (const char *at = bytes; (at = memmem(at, (size_t)(bytes + length - at), "\":[", 3)); at += 3)
        count++;
    return count;
}

/* Returns how many frames there were. */
static uint64_t clear(Watcher *watchers, size_t count)
{
    uint64_t frames = 0;
    for (size_t i = 0; i < count; i++) {
        frames += watchers[i].frames;
        watchers[i].frames = watchers[i].bytes = 0;
    }
    return frames;
}

static void sum_up(const Watcher *watchers, Watched *watched)
{
    watched->least = UINT64_MAX;
    for (size_t i = 0; i < watched->connected; i++) {
        watched->frames += watchers[i].frames;
        watched->bytes += watchers[i].bytes;
        watched->least = watchers[i].frames < watched->least ? watchers[i].frames : watched->least;
        watched->most = watchers[i].frames > watched->most ? watchers[i].frames : watched->most;
    }
}

Watched watch(const WatchDef *def)
{
    static unsigned char buffer[BUFFER];
    watch_raise_files(def->count + 64);
    Watched watched = {0};
    Watcher *const watchers = calloc(def->count, sizeof *watchers);
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < def->count; i++, watched.connected++) {
        watchers[i].file = open_one(def);
        epoll_ctl(poll, EPOLL_CTL_ADD, watchers[i].file, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &watchers[i]});
    }
    for (size_t i = 0; def->say && i < def->count; i++)
        say(watchers[i].file, def->say);

    const int64_t warm = elapsed() + (int64_t)(def->warm_s * 1e9), end = warm + (int64_t)(def->seconds * 1e9);
    int64_t begin = 0, now = elapsed();
    uint64_t values = 0;
    for (; now < end; now = elapsed()) {
        if (!begin && now >= warm) {
            watched.all = clear(watchers, def->count);
            begin = now;
            values = 0;
        }
        struct epoll_event ready[READY_MAX];
        const int count = epoll_wait(poll, ready, READY_MAX, 10);
        for (int i = 0; i < count; i++) {
            Watcher *const watcher = ready[i].data.ptr;
            const ssize_t got = recv(watcher->file, buffer, sizeof buffer, MSG_DONTWAIT);
            if (got > 0) {
                take(watcher, buffer, (size_t)got);
                values += watcher == watchers ? count_values((const char *)buffer, (size_t)got) : 0;
            } else if (got == 0 || errno != EAGAIN) {
                epoll_ctl(poll, EPOLL_CTL_DEL, watcher->file, NULL);
                watched.dropped++;
            }
        }
    }
    sum_up(watchers, &watched);
    watched.all += watched.frames;
    watched.seconds = (double)(now - begin) / 1e9;
    watched.values_per_frame = watchers[0].frames ? (double)values / (double)watchers[0].frames : 0;
    for (size_t i = 0; i < def->count; i++)
        close(watchers[i].file);
    close(poll);
    free(watchers);
    return watched;
}
