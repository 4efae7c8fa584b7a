#include "server/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { NAME_ROOM = 300 };  // of Host and Origin

void guard_peer(struct lws *wsi, char *out, size_t room)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char name[INET6_ADDRSTRLEN] = "?";
    int port = 0;
    if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&address, &size) == 0) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)&address;
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address;
        const bool is_six = address.ss_family == AF_INET6;
        inet_ntop(address.ss_family, is_six ? (const void *)&six->sin6_addr : &four->sin_addr, name, sizeof name);
        port = ntohs(is_six ? six->sin6_port : four->sin_port);
    }
    snprintf(out, room, strchr(name, ':') ? "[%s]:%d" : "%s:%d", name, port);
}

/* Split `name[:port]`; false when it is not the name of this machine's loopback. */
static bool is_loopback(const char *host, const char **port)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t length = strlen(names[i]);
        if (strncasecmp(host, names[i], length) != 0)
            continue;
        *port = host + length;
        if (**port == 0)
            return true;
        return **port == ':' && (*port)[1] && (*port)[1 + strspn(*port + 1, "0123456789")] == 0;
    }
    return false;
}

/* False when the header is there and longer than `room`. */
static bool copy_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t room)
{
    out[0] = 0;
    return lws_hdr_total_length(wsi, token) == 0 || lws_hdr_copy(wsi, out, (int)room, token) >= 0;
}

static bool check_names(struct lws *wsi, Reply *reply)
{
    char host[NAME_ROOM], origin[NAME_ROOM];
    const char *host_port, *origin_port;
    if (!copy_header(wsi, WSI_TOKEN_HOST, host, sizeof host) || !is_loopback(host, &host_port)) {
        reply_problem(reply, 403, "Host \"%.100s\" is not a name of this machine: use localhost", host);
        return false;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
        return true;
    const bool ours = copy_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin) && strncasecmp(origin, "http://", 7) == 0 &&
                      is_loopback(origin + 7, &origin_port) && strcmp(host_port, origin_port) == 0;
    if (!ours)
        reply_problem(reply, 403, "a page of another site (%.100s) must not talk to a plant", origin);
    return ours;
}

bool guard_admit(struct lws *wsi, Caller *caller, Reply *reply)
{
    if (!check_names(wsi, reply))
        return false;
    *caller = (Caller){.role = ROLE_ADMIN};
    guard_peer(wsi, caller->peer, sizeof caller->peer);
    return true;
}
