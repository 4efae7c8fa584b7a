/* trail.c -- the audit trail: what goes into it on the service thread, and requests for it. */
#include <string.h>

#include "server/args.h"
#include "server/inside.h"
#include "server/routes.h"

enum { LIST_DEFAULT = 50, LIST_MAX = 1000 };

void server__note(const Server *server, const Caller *caller, const char *action, const char *target, AuditOutcome outcome, const char *detail)
{
    audit_note(server->audit, &(AuditNote){caller->name, role_name(caller->role), caller->peer, action, target, outcome, detail});
}

/* From the history, or what is in memory without one. */
static Err read_entries(Server *server, uint64_t before, size_t limit, Arena *arena, AuditEntry **out, size_t *count, ErrText *why)
{
    if (server->reader)
        return history_read_audit(server->reader, before, limit, arena, out, count, why);
    *count = 0;
    *out = arena_new(arena, AuditEntry, limit);
    if (!*out)
        return err_set(why, ERR_MEMORY, "out of memory for %zu audit entries", limit);
    if (server->audit) {
        audit_keep(server->audit);
        *count = audit_list(server->audit, before, *out, limit);
    }
    return ERR_OK;
}

static void answer_audit(Server *server, const Request *request, Reply *reply)
{
    size_t limit, before = INT64_MAX, count;
    if (!args_count(request, "limit", LIST_DEFAULT, LIST_MAX, &limit, reply) || !args_whole(request, "before", 1, INT64_MAX, &before, reply))
        return;
    Arena arena = {0};
    AuditEntry *entries;
    ErrText why = {0};
    if (read_entries(server, before, limit, &arena, &entries, &count, &why) != ERR_OK) {
        reply_problem(reply, 500, "audit: %s", why.text);
    } else {
        text_put(reply->body, "{\"entries\":[");
        for (size_t i = 0; i < count; i++) {
            text_put(reply->body, i ? "," : "");
            frame_audit(reply->body, &entries[i]);
        }
        text_put(reply->body, "],\"next\":");
        const uint64_t last = count == limit ? entries[count - 1].seq : 0;
        text_format(reply->body, last > 1 ? "%llu}" : "null}", (unsigned long long)last);
    }
    arena_fini(&arena);
}

const Route trail_routes[] = {{.method = "GET", .path = "/api/v1/audit", .right = RIGHT_CONFIGURE, .answer = answer_audit}, {0}};
