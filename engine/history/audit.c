/* audit.c -- notes into the mailbox, and the memory of an engine that keeps no history. */
#include "history/audit.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mailbox.h"
#include "history/chain.h"

struct Audit {
    const Clock *clock;
    Mailbox mailbox;
    atomic_ullong noted, dropped;
    void (*wake)(void *self);
    void *self;

    // of the thread that makes the chain
    uint64_t dropped_told;
    Chain chain;       // of those in memory
    AuditEntry *kept;  // AUDIT_KEPT_MAX: entry `seq` has the place seq % AUDIT_KEPT_MAX
};

const char *audit_outcome_name(AuditOutcome outcome)
{
    return outcome == AUDIT_DONE ? "done" : "refused";
}

Err audit_create(const Clock *clock, Audit **out)
{
    *out = NULL;
    Audit *audit = mem_alloc(sizeof *audit);
    if (!audit)
        return ERR_MEMORY;
    audit->clock = clock;
    audit->kept = mem_alloc(AUDIT_KEPT_MAX * sizeof *audit->kept);
    if (!audit->kept || mailbox_init(&audit->mailbox, sizeof(AuditEntry), AUDIT_WAITING_MAX) != ERR_OK) {
        audit_destroy(audit);
        return ERR_MEMORY;
    }
    *out = audit;
    return ERR_OK;
}

void audit_destroy(Audit *audit)
{
    if (!audit)
        return;
    mailbox_fini(&audit->mailbox);
    mem_free(audit->kept);
    mem_free(audit);
}

static void copy_text(char *out, size_t room, const char *text)
{
    snprintf(out, room, "%s", text ? text : "");
}

static AuditEntry entry_of(const Audit *audit, const AuditNote *note)
{
    AuditEntry entry = {.time = audit->clock->utc_ns(audit->clock->self), .outcome = note->outcome};
    copy_text(entry.who, sizeof entry.who, note->who);
    copy_text(entry.role, sizeof entry.role, note->role);
    copy_text(entry.peer, sizeof entry.peer, note->peer);
    copy_text(entry.action, sizeof entry.action, note->action);
    copy_text(entry.target, sizeof entry.target, note->target);
    copy_text(entry.detail, sizeof entry.detail, note->detail);
    return entry;
}

void audit_note(Audit *audit, const AuditNote *note)
{
    if (!audit)
        return;
    const AuditEntry entry = entry_of(audit, note);
    if (mailbox_put(&audit->mailbox, &entry))
        atomic_fetch_add(&audit->noted, 1);
    else
        atomic_fetch_add(&audit->dropped, 1);
    if (audit->wake)
        audit->wake(audit->self);
}

uint64_t audit_noted(const Audit *audit)
{
    return atomic_load(&audit->noted);
}

uint64_t audit_dropped(const Audit *audit)
{
    return atomic_load(&audit->dropped);
}

void audit_on_note(Audit *audit, void (*wake)(void *self), void *self)
{
    audit->wake = wake;
    audit->self = self;
}

bool audit_is_waiting(const Audit *audit)
{
    return !mailbox_is_empty(&audit->mailbox) || audit_dropped(audit) != audit->dropped_told;
}

static AuditEntry tell_dropped(Audit *audit)
{
    char detail[64];
    const uint64_t dropped = audit_dropped(audit);
    snprintf(detail, sizeof detail, "%llu entries found no room", (unsigned long long)(dropped - audit->dropped_told));
    audit->dropped_told = dropped;
    atomic_fetch_add(&audit->noted, 1);
    return entry_of(audit, &(AuditNote){.who = "pollux", .action = "drop", .target = "audit", .outcome = AUDIT_REFUSED, .detail = detail});
}

size_t audit_take(Audit *audit, AuditEntry *out, size_t room)
{
    size_t count = 0;
    while (count < room && mailbox_take(&audit->mailbox, &out[count]))
        count++;
    if (count < room && audit_dropped(audit) != audit->dropped_told)
        out[count++] = tell_dropped(audit);
    return count;
}

void audit_keep(Audit *audit)
{
    for (AuditEntry entry; audit_take(audit, &entry, 1) == 1;) {
        chain_add(&audit->chain, &entry);
        audit->kept[entry.seq % AUDIT_KEPT_MAX] = entry;
    }
}

size_t audit_list(const Audit *audit, uint64_t before, AuditEntry *out, size_t room)
{
    const uint64_t last = audit->chain.seq;
    const uint64_t first = last > AUDIT_KEPT_MAX ? last - AUDIT_KEPT_MAX + 1 : 1;
    size_t count = 0;
    for (uint64_t seq = before <= last ? before - 1 : last; count < room && seq >= first && before > 0; seq--)
        out[count++] = audit->kept[seq % AUDIT_KEPT_MAX];
    return count;
}
