#include "alarm/ledger.h"

#include <string.h>

#include "kit/kit.h"

typedef struct Record {
    uint64_t id;
    int content;
} Record;

static Ledger open_ledger(size_t open_max)
{
    Ledger ledger;
    ck_assert_int_eq(ledger_init(&ledger, sizeof(Record), open_max), ERR_OK);
    return ledger;
}

START_TEST(numbers_rise_from_one_and_are_never_used_again)
{
    Ledger ledger = open_ledger(4);
    Record *first = ledger_add(&ledger), *second = ledger_add(&ledger);
    ck_assert_uint_eq(first->id, 1);
    ck_assert_uint_eq(second->id, 2);
    ledger_end(&ledger, second);
    ledger_settle(&ledger);
    ck_assert_uint_eq(((Record *)ledger_add(&ledger))->id, 3);
    ledger_number_from(&ledger, 40);
    ledger_number_from(&ledger, 20);
    ck_assert_uint_eq(((Record *)ledger_add(&ledger))->id, 41);
    ledger_fini(&ledger);
}
END_TEST

START_TEST(an_ended_record_is_not_found_but_stays_among_the_changed_until_settled)
{
    Ledger ledger = open_ledger(4);
    size_t count;
    Record *record = ledger_add(&ledger);
    record->content = 7;
    ledger_end(&ledger, record);
    ck_assert_ptr_null(ledger_find(&ledger, 1));
    ledger_open(&ledger, &count);
    ck_assert_uint_eq(count, 0);
    const Record *changed = ledger_changed(&ledger, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(changed[0].content, 7);
    ledger_settle(&ledger);
    ledger_changed(&ledger, &count);
    ck_assert_uint_eq(count, 0);
    ledger_fini(&ledger);
}
END_TEST

START_TEST(room_for_records_returns_with_settling)
{
    Ledger ledger = open_ledger(2);
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_nonnull(ledger_note(&ledger));
    ck_assert_uint_eq(ledger_room(&ledger), 2);
    ck_assert_ptr_null(ledger_note(&ledger));
    ck_assert_ptr_null(ledger_add(&ledger));
    ledger_settle(&ledger);
    ck_assert_ptr_nonnull(ledger_add(&ledger));
    ck_assert_uint_eq(ledger_room(&ledger), 1);
    ledger_fini(&ledger);
}
END_TEST

START_TEST(a_record_is_taken_up_only_with_a_number_above_those_that_are_there)
{
    Ledger ledger = open_ledger(3);
    ck_assert_ptr_null(ledger_adopt(&ledger, &(Record){.id = 0}));
    ck_assert_ptr_nonnull(ledger_adopt(&ledger, &(Record){.id = 5}));
    ck_assert_ptr_null(ledger_adopt(&ledger, &(Record){.id = 5}));
    ck_assert_ptr_null(ledger_adopt(&ledger, &(Record){.id = 4}));
    ck_assert_ptr_nonnull(ledger_adopt(&ledger, &(Record){.id = 9}));
    ck_assert_ptr_nonnull(ledger_adopt(&ledger, &(Record){.id = 10}));
    ck_assert_ptr_null(ledger_adopt(&ledger, &(Record){.id = 11}));
    size_t count;
    ledger_changed(&ledger, &count);
    ck_assert_uint_eq(count, 0);
    ledger_fini(&ledger);
}
END_TEST

START_TEST(without_memory_it_is_not_there)
{
    for (size_t n = 1; n <= 4; n++) {
        Ledger ledger;
        kit_fail_allocation(n);
        ck_assert_int_eq(ledger_init(&ledger, sizeof(Record), 4), ERR_MEMORY);
        kit_fail_allocation(0);
    }
}
END_TEST

/* The ledger against a table that knows of every number whether it is open and whether it has changed. */
START_TEST(a_long_walk_keeps_both_lists_true)
{
    enum { STEPS = 20000, OPEN_MAX = 16 };
    static bool is_open[STEPS + 1], is_changed[STEPS + 1];
    Ledger ledger = open_ledger(OPEN_MAX);
    for (uint64_t step = 0; step < STEPS; step++) {
        uint32_t words[4];
        random_words(1, 2, step, words);
        Record *some = ledger_next(&ledger, words[1] % (ledger.last_id + 1));
        if (words[0] % 8 < 3 && ledger_room(&ledger)) {
            const Record *added = ledger_add(&ledger);
            if (added)
                is_open[added->id] = is_changed[added->id] = true;
        } else if (words[0] % 8 < 5 && some) {
            is_open[some->id] = false;
            is_changed[some->id] = true;
            ledger_end(&ledger, some);
        } else if (words[0] % 8 < 7 && some) {
            ledger_touch(&ledger, some);
            is_changed[some->id] = true;
        } else {
            ledger_settle(&ledger);
            memset(is_changed, 0, sizeof is_changed);
        }

        size_t open_count, changed_count;
        const Record *open = ledger_open(&ledger, &open_count), *changed = ledger_changed(&ledger, &changed_count);
        for (uint64_t id = ledger.last_id > 200 ? ledger.last_id - 200 : 1; id <= ledger.last_id; id++)
            ck_assert_int_eq(ledger_find(&ledger, id) != NULL, is_open[id]);
        for (size_t i = 0; i < open_count; i++)
            ck_assert(is_open[open[i].id] && (i == 0 || open[i].id > open[i - 1].id));
        for (size_t i = 0; i < changed_count; i++)
            ck_assert(is_changed[changed[i].id] && (i == 0 || changed[i].id > changed[i - 1].id));
    }
    ledger_fini(&ledger);
}
END_TEST

KIT_MAIN("alarm.ledger", numbers_rise_from_one_and_are_never_used_again, an_ended_record_is_not_found_but_stays_among_the_changed_until_settled,
         room_for_records_returns_with_settling, a_record_is_taken_up_only_with_a_number_above_those_that_are_there,
         without_memory_it_is_not_there, a_long_walk_keeps_both_lists_true)
