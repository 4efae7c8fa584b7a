/* audit.c -- pollux audit: who changed what, and whether the trail of it is whole. Beside a server, or without one. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/places.h"
#include "history/audit.h"
#include "server/frames.h"

const Subcommand subcommand_audit = {
    "audit", "list who changed or was refused what, or verify that nobody tampered with the list",
    "`audit list PLANT` prints the newest entries, oldest of them first; `audit verify PLANT` checks the chain of hashes and ends with status 1 at the first entry that does\n"
    "not fit. A tail that was cut off leaves a chain that is whole: keep the head that verify prints somewhere else, and give it to a later verify as --head.",
    command_audit};

enum { LIST_DEFAULT = 100, LIST_MAX = 100000 };

typedef struct AuditOptions {
    const char *action, *plant, *history, *head;
    long limit;
    bool json;
} AuditOptions;

// --- list ----------------------------------------------------------------------------------------------------------

static void print_entry(const AuditEntry *entry)
{
    char time[32];
    time_format(entry->time, time);
    printf("%-6llu %s  %-7s  %s%s%s%s  %s %s%s%s\n", (unsigned long long)entry->seq, time, audit_outcome_name(entry->outcome), *entry->who ? entry->who : "-",
           *entry->role ? " (" : "", entry->role, *entry->role ? ")" : "", entry->action, entry->target, *entry->detail ? ": " : "", entry->detail);
}

static int list(const AuditOptions *options, const char *path, ErrText *why)
{
    Arena arena = {0};
    Text text = {0};
    AuditEntry *entries;
    size_t count;
    const Err err = audit_read_file(path, UINT64_MAX, (size_t)options->limit, &arena, &entries, &count, why);
    for (size_t i = err ? 0 : count; i-- > 0;) {
        if (!options->json) {
            print_entry(&entries[i]);
            continue;
        }
        text_clear(&text);
        frame_audit(&text, &entries[i]);
        puts(text.bytes ? text.bytes : "");
    }
    text_fini(&text);
    arena_fini(&arena);
    return err ? subcommand_fail(EXIT_FAILED, why) : fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}

// --- verify --------------------------------------------------------------------------------------------------------

/* A hash as it is printed: 64 hexadecimal digits. */
static bool read_hash(const char *text, unsigned char out[AUDIT_HASH])
{
    if (strlen(text) != 2 * AUDIT_HASH || strspn(text, "0123456789abcdef") != 2 * AUDIT_HASH)
        return false;
    for (size_t i = 0; i < AUDIT_HASH; i++) {
        unsigned byte;
        sscanf(text + 2 * i, "%2x", &byte);
        out[i] = (unsigned char)byte;
    }
    return true;
}

static int verify(const AuditOptions *options, const char *path, ErrText *why)
{
    unsigned char kept[AUDIT_HASH];
    AuditProof proof;
    if (options->head && !read_hash(options->head, kept)) {
        err_set(why, ERR_USAGE, "audit: --head: expected the %d hexadecimal digits that `pollux audit verify` printed", 2 * AUDIT_HASH);
        return subcommand_fail(EXIT_USAGE, why);
    }
    if (audit_verify_file(path, options->head ? kept : NULL, &proof, why))
        return subcommand_fail(EXIT_FAILED, why);
    if (proof.broken) {
        err_set(why, ERR_PARSE, "%s: entry %llu of the audit trail does not fit: it, or one before it, was changed, taken out or put in", path,
                (unsigned long long)proof.broken);
        return subcommand_fail(EXIT_FAILED, why);
    }
    printf("%llu entries, all of them fit; head ", (unsigned long long)proof.count);
    for (size_t i = 0; i < AUDIT_HASH; i++)
        printf("%02x", proof.head[i]);
    putchar('\n');
    if (options->head && !proof.found) {
        err_set(why, ERR_PARSE, "%s: no entry has the hash that was kept: the end of the trail was cut off, or it was begun anew", path);
        return subcommand_fail(EXIT_FAILED, why);
    }
    return EXIT_DONE;
}

// --- the command ---------------------------------------------------------------------------------------------------

static Err find_history(const AuditOptions *options, char *out, size_t room, ErrText *why)
{
    if (!options->history && !options->plant)
        return err_set(why, ERR_USAGE, "audit: expected a plant script, or --history FILE (pollux audit --help)");
    if (!options->history)
        return place_history(options->plant, out, room, why);
    return snprintf(out, room, "%s", options->history) < (int)room ? ERR_OK : err_set(why, ERR_RANGE, "the path of the history is too long");
}

int command_audit(int argc, char **argv)
{
    AuditOptions taken = {.limit = LIST_DEFAULT};
    const Option options[] = {
        {OPTION_OPERAND, "ACTION", NULL, "list or verify", &taken.action, 0, 0},
        {OPTION_OPERAND_MAYBE, "PLANT", NULL, "the plant script whose history it is", &taken.plant, 0, 0},
        {OPTION_TEXT, "history", "FILE", "the history, where it is not in its place by default", &taken.history, 0, 0},
        {OPTION_WHOLE, "limit", "N", "list: how many of the newest entries (100)", &taken.limit, 1, LIST_MAX},
        {OPTION_FLAG, "json", NULL, "list: one JSON object per line, as in GET /api/v1/audit", &taken.json, 0, 0},
        {OPTION_TEXT, "head", "HASH", "verify: the head that an earlier verify printed must be in the chain", &taken.head, 0, 0},
    };
    const OptionResult parsed = options_parse(&subcommand_audit, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;

    ErrText why;
    char path[1024];
    const bool lists = strcmp(taken.action, "list") == 0;
    if (!lists && strcmp(taken.action, "verify") != 0) {
        err_set(&why, ERR_USAGE, "audit: expected list or verify, got \"%.60s\"", taken.action);
        return subcommand_fail(EXIT_USAGE, &why);
    }
    const Err err = find_history(&taken, path, sizeof path, &why);
    if (err)
        return subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why);
    return lists ? list(&taken, path, &why) : verify(&taken, path, &why);
}
