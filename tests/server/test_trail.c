#include "server/rig.h"

static Audit *audit;

static Rig *open_rig(bool with_history)
{
    Rig *rig = rig_make(with_history);
    char path[300];
    snprintf(path, sizeof path, "%s/history.db", kit_folder());
    ck_assert_int_eq(audit_create(&clock_system, &audit), ERR_OK);
    if (with_history)
        history_keep_audit(rig->history, audit);
    ServerDef def = rig_def(rig);
    def.audit = audit;
    def.history = with_history ? path : NULL;
    rig_serve(rig, &def);
    return rig;
}

static void close_rig(Rig *rig)
{
    rig_close(rig);
    audit_destroy(audit);
}

static json_t *get(const Rig *rig, const char *path)
{
    Peer *peer = peer_connect(rig);
    const Answer answer = peer_get(rig, peer, path);
    ck_assert_int_eq(answer.status, 200);
    json_t *value = json_loads(answer.body, 0, NULL);
    ck_assert_ptr_nonnull(value);
    peer_close(peer);
    return value;
}

static void note(const char *action, AuditOutcome outcome)
{
    audit_note(audit, &(AuditNote){"anna", "operator", "127.0.0.1:1", action, "tank1.overflow", outcome, "\"quoted\""});
}

static json_int_t whole(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* The same with a history and without. */
static void check_pages(bool with_history)
{
    Rig *rig = open_rig(with_history);
    for (int i = 0; i < 5; i++)
        note(i == 4 ? "shelve" : "acknowledge", i == 4 ? AUDIT_REFUSED : AUDIT_DONE);
    if (with_history)
        ck_assert_int_eq(history_flush(rig->history), ERR_OK);

    json_t *page = get(rig, "/api/v1/audit?limit=2");
    const json_t *entries = json_object_get(page, "entries"), *first = json_array_get(entries, 0);
    ck_assert_uint_eq(json_array_size(entries), 2);
    ck_assert_int_eq(whole(first, "seq"), 5);
    ck_assert_str_eq(json_string_value(json_object_get(first, "who")), "anna");
    ck_assert_str_eq(json_string_value(json_object_get(first, "action")), "shelve");
    ck_assert_str_eq(json_string_value(json_object_get(first, "outcome")), "refused");
    ck_assert_str_eq(json_string_value(json_object_get(first, "detail")), "\"quoted\"");
    ck_assert_uint_eq(json_string_length(json_object_get(first, "hash")), 64);
    ck_assert_int_eq(whole(page, "next"), 4);
    json_decref(page);

    page = get(rig, "/api/v1/audit?limit=10&before=4");
    ck_assert_uint_eq(json_array_size(json_object_get(page, "entries")), 3);
    ck_assert(json_is_null(json_object_get(page, "next")));
    json_decref(page);
    close_rig(rig);
}

START_TEST(the_trail_is_read_page_by_page_from_the_history)
{
    check_pages(true);
}
END_TEST

START_TEST(without_a_history_it_is_read_from_memory)
{
    check_pages(false);
}
END_TEST

START_TEST(more_notes_than_wait_at_once_are_kept_without_a_history)
{
    Rig *rig = open_rig(false);
    for (int i = 0; i < 2 * AUDIT_WAITING_MAX; i++) {
        note("acknowledge", AUDIT_DONE);
        if (i % 500 == 0)
            poll(NULL, 0, 250);  // the service thread takes them ten times a second
    }
    json_t *page = get(rig, "/api/v1/audit?limit=1");
    ck_assert_int_eq(whole(json_array_get(json_object_get(page, "entries"), 0), "seq"), 2 * AUDIT_WAITING_MAX);
    ck_assert_uint_eq(audit_dropped(audit), 0);
    json_decref(page);
    close_rig(rig);
}
END_TEST

START_TEST(bad_pages_are_refused)
{
    Rig *rig = open_rig(false);
    Peer *peer = peer_connect(rig);
    ck_assert_int_eq(peer_get(rig, peer, "/api/v1/audit?before=0").status, 400);
    ck_assert_int_eq(peer_get(rig, peer, "/api/v1/audit?before=x").status, 400);
    ck_assert_int_eq(peer_get(rig, peer, "/api/v1/audit?limit=1001").status, 400);
    peer_close(peer);
    close_rig(rig);
}
END_TEST

KIT_MAIN("server.trail", the_trail_is_read_page_by_page_from_the_history, without_a_history_it_is_read_from_memory,
         more_notes_than_wait_at_once_are_kept_without_a_history, bad_pages_are_refused)
