#include "server/body.h"

#include <string.h>
#include <strings.h>

json_t *body_object(const Request *request, Reply *reply)
{
    json_error_t error;
    json_t *body = json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(body))
        return body;
    if (body)
        reply_problem(reply, 400, "the body: expected an object");
    else
        reply_problem(reply, 400, "the body: line %d: %.200s", error.line, error.text);
    json_decref(body);
    return NULL;
}

bool body_is_patch(const Request *request, Reply *reply)
{
    static const char type[] = "application/merge-patch+json";
    const size_t length = strcspn(request->type, "; ");
    if (length == sizeof type - 1 && strncasecmp(request->type, type, length) == 0)
        return true;
    reply_problem(reply, 415, "content-type: expected %s, got \"%.60s\"", type, request->type);
    return false;
}

bool body_members(const json_t *body, const char *const *known, const char *expected, Reply *reply)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)body, key, value) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (known[i])
            continue;
        reply_problem(reply, 400, "unknown member \"%.60s\"; expected %s", key, expected);
        return false;
    }
    return true;
}
