#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "history/rig.h"

static Audit *make_audit(void)
{
    Audit *audit;
    ck_assert_int_eq(audit_create(&clock_system, &audit), ERR_OK);
    return audit;
}

/* A history with `count` entries, closed. */
static void write_entries(Rig *rig, int count)
{
    rig_open(rig);
    Audit *audit = make_audit();
    history_keep_audit(rig->history, audit);
    for (int i = 0; i < count; i++) {
        char target[32];
        snprintf(target, sizeof target, "tank%d.overflow", i);
        audit_note(audit, &(AuditNote){"anna", "operator", "127.0.0.1:5000", "acknowledge", target, i % 2 ? AUDIT_REFUSED : AUDIT_DONE, "seen"});
    }
    rig_close(rig);
    audit_destroy(audit);
}

static AuditProof verify(const Rig *rig, const unsigned char *kept)
{
    AuditProof proof;
    ErrText why = {""};
    ck_assert_msg(audit_verify_file(rig->path, kept, &proof, &why) == ERR_OK, "%s", why.text);
    return proof;
}

START_TEST(entries_are_read_newest_first_as_they_were_noted)
{
    Rig rig;
    write_entries(&rig, 5);
    Arena arena = {0};
    AuditEntry *entries;
    size_t count;
    ck_assert_int_eq(audit_read_file(rig.path, 5, 3, &arena, &entries, &count, NULL), ERR_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(entries[0].seq, 4);
    ck_assert_uint_eq(entries[2].seq, 2);
    ck_assert_str_eq(entries[0].who, "anna");
    ck_assert_str_eq(entries[0].role, "operator");
    ck_assert_str_eq(entries[0].peer, "127.0.0.1:5000");
    ck_assert_str_eq(entries[0].action, "acknowledge");
    ck_assert_str_eq(entries[0].target, "tank3.overflow");
    ck_assert_str_eq(entries[0].detail, "seen");
    ck_assert_int_eq(entries[0].outcome, AUDIT_REFUSED);
    ck_assert_int_eq(entries[1].outcome, AUDIT_DONE);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_chain_that_nobody_touched_is_whole)
{
    Rig rig;
    write_entries(&rig, 20);
    const AuditProof proof = verify(&rig, NULL);
    ck_assert_uint_eq(proof.broken, 0);
    ck_assert_uint_eq(proof.count, 20);
}
END_TEST

/* What somebody may do to entry 7 of 20, and the first entry that shows it. */
static const struct {
    const char *sql;
    uint64_t shows;
} tamperings[] = {
    {"UPDATE audit SET time = time + 1 WHERE seq = 7", 7},
    {"UPDATE audit SET who = 'bob' WHERE seq = 7", 7},
    {"UPDATE audit SET role = 'admin' WHERE seq = 7", 7},
    {"UPDATE audit SET peer = '' WHERE seq = 7", 7},
    {"UPDATE audit SET action = 'comment' WHERE seq = 7", 7},
    {"UPDATE audit SET target = 'tank1.level' WHERE seq = 7", 7},
    {"UPDATE audit SET outcome = 1 - outcome WHERE seq = 7", 7},
    {"UPDATE audit SET detail = '' WHERE seq = 7", 7},
    {"UPDATE audit SET detail = detail || char(0) || 'more' WHERE seq = 7", 7},
    {"UPDATE audit SET detail = detail || printf('%.1000c', 'x') WHERE seq = 7", 7},
    {"UPDATE audit SET who = '', role = who || role WHERE seq = 7", 7},
    {"UPDATE audit SET hash = zeroblob(32) WHERE seq = 7", 7},
    {"UPDATE audit SET hash = x'00' WHERE seq = 7", 7},
    {"UPDATE audit SET seq = 21 WHERE seq = 7", 7},
    {"DELETE FROM audit WHERE seq = 7", 7},
    {"DELETE FROM audit WHERE seq <= 7", 1},
    {"INSERT INTO audit SELECT 21, time, who, role, peer, action, target, outcome, detail, hash FROM audit WHERE seq = 7", 21},
    {"INSERT INTO audit SELECT 0, time, who, role, peer, action, target, outcome, detail, hash FROM audit WHERE seq = 7", 1},
    {"UPDATE audit SET seq = -seq WHERE seq IN (7, 8); UPDATE audit SET seq = 15 + seq WHERE seq < 0", 7},
};

START_TEST(whatever_is_changed_taken_out_or_put_in_is_found)
{
    for (size_t i = 0; i < sizeof tamperings / sizeof *tamperings; i++) {
        Rig rig;
        write_entries(&rig, 20);
        sqlite3 *db = rig_database(&rig);
        ck_assert_msg(sqlite3_exec(db, tamperings[i].sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", tamperings[i].sql, sqlite3_errmsg(db));
        sqlite3_close(db);
        const AuditProof proof = verify(&rig, NULL);
        ck_assert_msg(proof.broken == tamperings[i].shows, "%s: %" PRIu64, tamperings[i].sql, proof.broken);
        ck_assert_uint_eq(proof.count, tamperings[i].shows - 1);
        rig_sql(&rig, "DELETE FROM audit");
    }
}
END_TEST

START_TEST(a_tail_that_was_cut_off_is_found_by_a_hash_that_was_kept)
{
    Rig rig;
    write_entries(&rig, 20);
    const AuditProof before = verify(&rig, NULL);
    ck_assert(verify(&rig, before.head).found);
    rig_sql(&rig, "DELETE FROM audit WHERE seq > 15");
    const AuditProof after = verify(&rig, before.head);
    ck_assert_uint_eq(after.broken, 0);
    ck_assert_uint_eq(after.count, 15);
    ck_assert(!after.found);
}
END_TEST

START_TEST(the_chain_goes_on_behind_a_restart)
{
    Rig rig;
    write_entries(&rig, 3);
    const AuditProof before = verify(&rig, NULL);
    write_entries(&rig, 4);
    const AuditProof after = verify(&rig, before.head);
    ck_assert_uint_eq(after.broken, 0);
    ck_assert_uint_eq(after.count, 7);
    ck_assert(after.found);
}
END_TEST

START_TEST(an_entry_that_was_put_in_behind_the_last_holds_nothing_up_and_is_found)
{
    Rig rig;
    rig_open(&rig);
    Audit *audit = make_audit();
    history_keep_audit(rig.history, audit);
    audit_note(audit, &(AuditNote){.who = "anna", .action = "shelve"});
    rig_flush(&rig);
    rig_sql(&rig, "INSERT INTO audit SELECT 2, time, 'bob', role, peer, action, target, outcome, detail, hash FROM audit");
    audit_note(audit, &(AuditNote){.who = "anna", .action = "unshelve"});
    rig_flush(&rig);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM audit"), 3);
    ck_assert_uint_eq(verify(&rig, NULL).broken, 2);
    rig_close(&rig);
    audit_destroy(audit);
}
END_TEST

START_TEST(what_finds_no_room_is_counted_and_noted_itself)
{
    enum { MORE = 7 };
    Rig rig;
    Audit *audit = make_audit();
    for (int i = 0; i < AUDIT_WAITING_MAX + MORE; i++)
        audit_note(audit, &(AuditNote){.who = "anna", .action = "login", .outcome = AUDIT_REFUSED});
    ck_assert_uint_eq(audit_dropped(audit), MORE);

    rig_open(&rig);
    history_keep_audit(rig.history, audit);
    audit_note(audit, &(AuditNote){.who = "bob", .action = "login"});
    ck_assert_uint_eq(audit_dropped(audit), MORE + 1);
    rig_flush(&rig);
    rig_close(&rig);
    ck_assert_uint_eq(verify(&rig, NULL).count, AUDIT_WAITING_MAX + 1);
    ck_assert_int_eq(rig_sql(&rig, "SELECT count(*) FROM audit WHERE action = 'drop' AND detail = '8 entries found no room'"), 1);
    audit_destroy(audit);
}
END_TEST

START_TEST(without_a_history_the_newest_stay_in_memory)
{
    Audit *audit = make_audit();
    AuditEntry entries[AUDIT_KEPT_MAX];
    for (int i = 1; i <= 3 * AUDIT_KEPT_MAX; i++) {
        char detail[16];
        snprintf(detail, sizeof detail, "%d", i);
        audit_note(audit, &(AuditNote){.who = "anna", .action = "comment", .detail = detail});
        if (i % 100 == 0)
            audit_keep(audit);
    }
    audit_keep(audit);
    ck_assert_uint_eq(audit_list(audit, UINT64_MAX, entries, AUDIT_KEPT_MAX), AUDIT_KEPT_MAX);
    ck_assert_uint_eq(entries[0].seq, 3 * AUDIT_KEPT_MAX);
    ck_assert_str_eq(entries[0].detail, "3072");
    ck_assert_uint_eq(entries[AUDIT_KEPT_MAX - 1].seq, 2 * AUDIT_KEPT_MAX + 1);
    ck_assert_uint_eq(audit_list(audit, 2 * AUDIT_KEPT_MAX + 1, entries, 10), 0);
    ck_assert_uint_eq(audit_list(audit, 2 * AUDIT_KEPT_MAX + 2, entries, 10), 1);
    ck_assert_uint_eq(audit_list(audit, 0, entries, 10), 0);
    audit_destroy(audit);
}
END_TEST

/* Note on two threads until the process is killed. */
static void *note_for_ever(void *audit)
{
    for (uint64_t i = 0;; i++) {
        char detail[32];
        snprintf(detail, sizeof detail, "%" PRIu64, i);
        audit_note(audit, &(AuditNote){.who = "anna", .action = "command", .detail = detail});
        if (i % 20 == 0)
            rig_sleep(1);
    }
    return NULL;
}

START_TEST(kill_9_keeps_the_chain_whole)
{
    enum { ROUNDS = 6 };
    Rig rig;
    rig_make(&rig, "a", "b");
    uint64_t count = 0;
    unsigned char head[AUDIT_HASH] = {0};
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const pid_t child = fork();
        if (child == 0) {
            pthread_t thread;
            rig_start(&rig);
            Audit *audit = make_audit();
            history_keep_audit(rig.history, audit);
            pthread_create(&thread, NULL, note_for_ever, audit);
            note_for_ever(audit);
        }
        rig_sleep(200 + (int64_t)(100 * random_uniform(3, 4, round)));
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);

        const AuditProof proof = verify(&rig, head);
        ck_assert_uint_eq(proof.broken, 0);
        ck_assert_uint_gt(proof.count, count);
        ck_assert(round == 0 || proof.found);
        count = proof.count;
        memcpy(head, proof.head, sizeof head);
    }
    tags_destroy(rig.plant.tags);
}
END_TEST

KIT_MAIN("history.audit", entries_are_read_newest_first_as_they_were_noted, a_chain_that_nobody_touched_is_whole, whatever_is_changed_taken_out_or_put_in_is_found,
         a_tail_that_was_cut_off_is_found_by_a_hash_that_was_kept, the_chain_goes_on_behind_a_restart,
         an_entry_that_was_put_in_behind_the_last_holds_nothing_up_and_is_found, what_finds_no_room_is_counted_and_noted_itself,
         without_a_history_the_newest_stay_in_memory, kill_9_keeps_the_chain_whole)
