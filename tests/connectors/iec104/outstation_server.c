#include "connectors/iec104/outstation_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

struct OutstationServer {
    Outstation *outstation;
    int listener;
    int sockets[OUTSTATION_LINES];  // by line, -1: none
    SSL_CTX *context;               // NULL: bytes as they are
    SSL *sessions[OUTSTATION_LINES];
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
    SSL_free(server->sessions[line]);
    server->sessions[line] = NULL;
    close(server->sockets[line]);
    server->sockets[line] = -1;
    outstation_disconnect(server->outstation, line);
}

/* The handshake, for which the other side has ten seconds. */
static SSL *shake_hands(OutstationServer *server, int file)
{
    const struct timeval patience = {.tv_sec = 10};
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    SSL *session = SSL_new(server->context);
    SSL_set_fd(session, file);
    if (SSL_accept(session) == 1)
        return session;
    SSL_free(session);
    return NULL;
}

static void accept_one(OutstationServer *server)
{
    const int one = 1, file = accept(server->listener, NULL, NULL);
    if (file < 0)
        return;
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL *const session = server->context ? shake_hands(server, file) : NULL;
    const int line = server->context && !session ? -1 : outstation_connect(server->outstation);
    if (line < 0) {
        SSL_free(session);
        close(file);
        return;
    }
    fcntl(file, F_SETFL, O_NONBLOCK);
    server->sockets[line] = file;
    server->sessions[line] = session;
}

static void receive(OutstationServer *server, int line)
{
    uint8_t bytes[1024];
    SSL *const session = server->sessions[line];
    ssize_t count;
    do {
        count = session ? SSL_read(session, bytes, sizeof bytes) : recv(server->sockets[line], bytes, sizeof bytes, 0);
        if (count > 0)
            outstation_receive(server->outstation, line, bytes, (size_t)count, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME));
    } while (count > 0);
    if (count == 0)
        drop(server, line);
}

static bool give(OutstationServer *server, int line, const uint8_t *bytes, size_t count)
{
    SSL *const session = server->sessions[line];
    const ssize_t given = session ? SSL_write(session, bytes, (int)count) : send(server->sockets[line], bytes, count, MSG_NOSIGNAL);
    return given == (ssize_t)count;
}

static void transmit(OutstationServer *server, int line)
{
    uint8_t bytes[4096];
    const size_t room = server->trickle ? server->trickle : sizeof bytes;
    for (size_t count; (count = outstation_collect(server->outstation, line, bytes, room, clock_ns(CLOCK_MONOTONIC)));) {
        if (!give(server, line, bytes, count)) {
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

static OutstationServer *serve(Outstation *outstation, uint16_t *port, SSL_CTX *context)
{
    OutstationServer *const server = calloc(1, sizeof *server);
    if (!server)
        abort();
    server->outstation = outstation;
    server->context = context;
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

OutstationServer *outstation_serve(Outstation *outstation, uint16_t *port)
{
    return serve(outstation, port, NULL);
}

OutstationServer *outstation_serve_tls(Outstation *outstation, uint16_t *port, const char *certificate, const char *key, const char *authority)
{
    SSL_CTX *const context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_load_verify_locations(context, authority, NULL) != 1)
        abort();
    if (SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) != 1 || SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        abort();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return serve(outstation, port, context);
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
    SSL_CTX_free(server->context);
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
