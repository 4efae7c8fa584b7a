/* ask.h -- REST of the real program, asked as people ask it. */
#pragma once

#include <arpa/inet.h>
#include <jansson.h>
#include <sys/socket.h>

#include "flow/flow.h"

/* All that comes until the connection ends, with a 0 behind it. */
static inline Text flow_exchange(int port, const char *request, size_t length)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char bytes[4096];
    Text answer = {0};
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(file, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(file, request, length, MSG_NOSIGNAL), (ssize_t)length);
    for (ssize_t got; (got = recv(file, bytes, sizeof bytes, 0)) > 0;)
        text_add(&answer, bytes, (size_t)got);
    close(file);
    text_put(&answer, "");
    return answer;
}

/* What is answered to "/api/v1/PATH", with this status; NULL when that has no body. */
static inline json_t *flow_ask(const Child *server, const char *method, const char *path, const char *body, int status)
{
    char request[700];
    const char *type = strcmp(method, "PATCH") == 0 ? "application/merge-patch+json" : "application/json";
    const int length = snprintf(request, sizeof request, "%s /api/v1/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", method, path,
                                type, strlen(body), body);
    Text answer = flow_exchange(server->port, request, (size_t)length);
    const char *content = answer.bytes ? strstr(answer.bytes, "\r\n\r\n") : NULL;
    ck_assert_msg(content && atoi(answer.bytes + strlen("HTTP/1.1 ")) == status, "%s %s: %.300s", method, path, answer.bytes ? answer.bytes : "nothing");
    json_t *tree = status == 204 ? NULL : json_loads(content, 0, NULL);
    ck_assert_msg(tree || status == 204, "%s", content);
    text_fini(&answer);
    return tree;
}
