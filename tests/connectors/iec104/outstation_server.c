#include "connectors/iec104/outstation_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct OutstationServer {
    Outstation *outstation;
    int listener;
    int sockets[OUTSTATION_LINES];  // by line, -1: none
    pthread_t thread;
    pthread_mutex_t lock;
    atomic_bool ends;
    size_t trickle;
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void drop(OutstationServer *server, int line)
{
    close(server->sockets[line]);
    server->sockets[line] = -1;
    outstation_disconnect(server->outstation, line);
}

static void accept_one(OutstationServer *server)
{
    const int one = 1, file = accept(server->listener, NULL, NULL);
    if (file < 0)
        return;
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const int line = outstation_connect(server->outstation);
    if (line < 0)
        close(file);
    else
        server->sockets[line] = file;
}

static void receive(OutstationServer *server, int line)
{
    uint8_t bytes[1024];
    const ssize_t count = recv(server->sockets[line], bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0)
        outstation_receive(server->outstation, line, bytes, (size_t)count, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME));
    else if (count == 0)
        drop(server, line);
}

static void transmit(OutstationServer *server, int line)
{
    uint8_t bytes[4096];
    const size_t room = server->trickle ? server->trickle : sizeof bytes;
    for (size_t count; (count = outstation_collect(server->outstation, line, bytes, room, clock_ns(CLOCK_MONOTONIC)));) {
        if (send(server->sockets[line], bytes, count, MSG_NOSIGNAL) != (ssize_t)count) {
            drop(server, line);
            return;
        }
        if (server->trickle)
            usleep(1000);
    }
    if (outstation_is_given_up(server->outstation, line))
        drop(server, line);
}

static void serve_once(OutstationServer *server)
{
    struct pollfd files[1 + OUTSTATION_LINES] = {{.fd = server->listener, .events = POLLIN}};
    for (int i = 0; i < OUTSTATION_LINES; i++)
        files[1 + i] = (struct pollfd){.fd = server->sockets[i], .events = POLLIN};
    poll(files, 1 + OUTSTATION_LINES, 5);

    pthread_mutex_lock(&server->lock);
    if (files[0].revents)
        accept_one(server);
    for (int i = 0; i < OUTSTATION_LINES; i++) {
        if (server->sockets[i] >= 0 && files[1 + i].fd == server->sockets[i] && files[1 + i].revents)
            receive(server, i);
        if (server->sockets[i] >= 0)
            transmit(server, i);
    }
    pthread_mutex_unlock(&server->lock);
}

static void *run(void *argument)
{
    OutstationServer *const server = argument;
    while (!atomic_load(&server->ends))
        serve_once(server);
    return NULL;
}

OutstationServer *outstation_serve(Outstation *outstation, uint16_t *port)
{
    OutstationServer *const server = calloc(1, sizeof *server);
    if (!server)
        abort();
    server->outstation = outstation;
    memset(server->sockets, 0xff, sizeof server->sockets);
    pthread_mutex_init(&server->lock, NULL);

    const int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr *const generic = (struct sockaddr *)&address;
    if (bind(server->listener, generic, size) || listen(server->listener, 8) || getsockname(server->listener, generic, &size))
        abort();
    *port = ntohs(address.sin_port);
    if (pthread_create(&server->thread, NULL, run, server))
        abort();
    return server;
}

void outstation_kill(OutstationServer *server)
{
    atomic_store(&server->ends, true);
    pthread_join(server->thread, NULL);
    const struct linger at_once = {.l_onoff = 1};
    for (int i = 0; i < OUTSTATION_LINES; i++)
        if (server->sockets[i] >= 0) {
            setsockopt(server->sockets[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            drop(server, i);
        }
    close(server->listener);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

Outstation *outstation_hold(OutstationServer *server)
{
    pthread_mutex_lock(&server->lock);
    return server->outstation;
}

void outstation_release(OutstationServer *server)
{
    pthread_mutex_unlock(&server->lock);
}

void outstation_trickle(OutstationServer *server, size_t bytes)
{
    outstation_hold(server);
    server->trickle = bytes;
    outstation_release(server);
}
