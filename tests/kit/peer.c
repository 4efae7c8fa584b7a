/* peer.c -- child processes of a test. */
#include "kit/peer.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

static void become(const char *const *arguments, int out)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    execvp(arguments[0], (char *const *)arguments);
    _exit(127);
}

static void read_line(int in, Peer *peer, const char *name)
{
    for (size_t length = 0; length + 1 < sizeof peer->said; length++) {
        struct pollfd file = {.fd = in, .events = POLLIN};
        ck_assert_msg(poll(&file, 1, PATIENCE_MS) == 1 && read(in, peer->said + length, 1) == 1, "%s did not begin", name);
        if (peer->said[length] == '\n') {
            peer->said[length] = 0;
            return;
        }
    }
    ck_abort_msg("%s said too much", name);
}

Peer peer_start(const char *const *arguments)
{
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    Peer peer = {.pid = fork()};
    ck_assert_int_ge(peer.pid, 0);
    if (peer.pid == 0)
        become(arguments, ends[1]);
    close(ends[1]);
    read_line(ends[0], &peer, arguments[0]);
    close(ends[0]);
    return peer;
}

void peer_kill(Peer *peer)
{
    if (peer->pid <= 0)
        return;
    kill(peer->pid, SIGKILL);
    while (waitpid(peer->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    peer->pid = 0;
}

int peer_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert(file >= 0 && bind(file, (struct sockaddr *)&address, size) == 0 && getsockname(file, (struct sockaddr *)&address, &size) == 0);
    close(file);
    return ntohs(address.sin_port);
}
