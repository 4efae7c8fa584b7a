#include "server/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "server/inside.h"

enum {
    NAME_ROOM = 300,     // of Host and Origin
    COOKIES_ROOM = 4096,
    TOKEN_HEADER_ROOM = 256,
};

/* An address without brackets; its port. */
static int write_address(const struct sockaddr_storage *address, char out[static INET6_ADDRSTRLEN])
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    const bool is_six = address->ss_family == AF_INET6;
    inet_ntop(address->ss_family, is_six ? (const void *)&six->sin6_addr : &four->sin_addr, out, INET6_ADDRSTRLEN);
    return ntohs(is_six ? six->sin6_port : four->sin_port);
}

void guard_peer(struct lws *wsi, char *out, size_t room)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char name[INET6_ADDRSTRLEN] = "?";
    int port = 0;
    if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&address, &size) == 0)
        port = write_address(&address, name);
    snprintf(out, room, strchr(name, ':') ? "[%s]:%d" : "%s:%d", name, port);
}

// Names of ours.

/* `host` without its brackets is the address that was connected to. */
static bool is_own_address(struct lws *wsi, const char *host)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char own[INET6_ADDRSTRLEN] = "";
    if (getsockname(lws_get_socket_fd(wsi), (struct sockaddr *)&address, &size) != 0)
        return false;
    write_address(&address, own);
    return strcmp(host, own) == 0;
}

static bool is_told(const Server *server, const char *host)
{
    for (size_t i = 0; i < server->host_count; i++)
        if (strcasecmp(host, server->hosts[i]) == 0)
            return true;
    return false;
}

/* Whether `text`, a name[:port], is ours. The port with its colon, or "", is left in `port`. */
static bool is_ours(const Server *server, struct lws *wsi, const char *text, const char **port)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "::1"};
    char host[NAME_ROOM];
    const bool bracket = *text == '[';
    const char *name = text + bracket;
    const size_t length = strcspn(name, bracket ? "]" : ":");
    *port = name + length + (bracket && name[length]);
    if (length == 0 || length >= sizeof host || (**port && (**port != ':' || !(*port)[1] || (*port)[1 + strspn(*port + 1, "0123456789")])))
        return false;
    snprintf(host, sizeof host, "%.*s", (int)length, name);
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++)
        if (strcasecmp(host, loopback[i]) == 0)
            return true;
    return is_told(server, host) || tls_is_named(server->tls, host) || is_own_address(wsi, host);
}

/* False when the header is there and longer than `room`. */
static bool copy_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t room)
{
    out[0] = 0;
    return lws_hdr_total_length(wsi, token) == 0 || lws_hdr_copy(wsi, out, (int)room, token) >= 0;
}

/* The name in an Origin, NULL when it can be no page of ours. A proxy before us, for which we were told a name, may speak TLS when we do not. */
static const char *origin_name(const Server *server, const char *origin)
{
    if (strncasecmp(origin, "https://", 8) == 0)
        return server->tls || server->host_count ? origin + 8 : NULL;
    return strncasecmp(origin, "http://", 7) == 0 && !server->tls ? origin + 7 : NULL;
}

static bool check_names(const Server *server, struct lws *wsi, Reply *reply)
{
    char host[NAME_ROOM], origin[NAME_ROOM];
    const char *host_port, *origin_port;
    if (!copy_header(wsi, WSI_TOKEN_HOST, host, sizeof host) || !is_ours(server, wsi, host, &host_port)) {
        reply_problem(reply, 403, "Host \"%.100s\" is not a name of this server: use localhost, or start it with --host", host);
        return false;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
        return true;
    const char *page = copy_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin) ? origin_name(server, origin) : NULL;
    const bool ours = page && is_ours(server, wsi, page, &origin_port) && strcmp(host_port, origin_port) == 0;
    if (!ours)
        reply_problem(reply, 403, "a page of another site (%.100s) must not talk to a plant", origin);
    return ours;
}

// Who it is.

/* What a request shows, and the memory that it points to. */
typedef struct ShowingRoom {
    Showing showing;
    char token[TOKEN_HEADER_ROOM], cookies[COOKIES_ROOM], csrf[SECRET_ROOM + 1];
    CertificateId certificate;
} ShowingRoom;

/* The value of our cookie, cut out of all of them; NULL when it is not among them. */
static const char *find_cookie(char *cookies)
{
    char *rest = cookies;
    for (char *cookie; (cookie = strsep(&rest, ";"));) {
        cookie += strspn(cookie, " ");
        if (strncmp(cookie, SESSION_COOKIE "=", sizeof SESSION_COOKIE) == 0)
            return cookie + sizeof SESSION_COOKIE;
    }
    return NULL;
}

/* Our tokens are shown as Bearer, and as Token by those who write to InfluxDB. */
static const char *find_token(const char *authorization)
{
    static const char *const schemes[] = {"Bearer ", "Token "};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(authorization, schemes[i], strlen(schemes[i])) == 0)
            return authorization + strlen(schemes[i]);
    return "";
}

/* What does not fit is shown as it is cut: it stands for nobody. */
static void read_showing(struct lws *wsi, ShowingRoom *room)
{
    static const char csrf[] = "x-pollux-csrf:";
    Showing *showing = &room->showing;
    *showing = (Showing){.changes = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0 && lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) <= 0};
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_AUTHORIZATION) > 0) {
        copy_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, room->token, sizeof room->token);
        showing->token = find_token(room->token);
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_COOKIE) > 0 && copy_header(wsi, WSI_TOKEN_HTTP_COOKIE, room->cookies, sizeof room->cookies))
        showing->cookie = find_cookie(room->cookies);
    if (lws_hdr_custom_copy(wsi, room->csrf, sizeof room->csrf, csrf, sizeof csrf - 1) > 0)
        showing->csrf = room->csrf;
    if (tls_peer(wsi, &room->certificate))
        showing->certificate = &room->certificate;
}

bool guard_admit(Server *server, struct lws *wsi, Caller *caller, Reply *reply)
{
    ShowingRoom room;
    if (!check_names(server, wsi, reply))
        return false;
    if (server->access)
        read_showing(wsi, &room);
    access_identify(server->access, server->access ? &room.showing : NULL, caller);
    guard_peer(wsi, caller->peer, sizeof caller->peer);
    return true;
}

bool guard_knows(const Server *server, const Caller *caller)
{
    return caller->known || (caller->stranger && server->registry && registry_is_pairing(server->registry));
}

bool guard_permit(const Caller *caller, Right right, Reply *reply)
{
    if (role_may(caller->role, right))
        return true;
    if (caller->known)
        reply_problem(reply, 403, "%s may not: this needs the right to %s", caller->name, right_name(right));
    else
        reply_problem(reply, caller->forged ? 403 : 401, "%s", caller->doubt ? caller->doubt : "log in, or show a token: Authorization: Bearer plx_...");
    return false;
}
