#include "base/mailbox.h"

#include <pthread.h>
#include <sched.h>

#include "kit/kit.h"

START_TEST(what_goes_in_comes_out_in_order_until_it_is_full)
{
    Mailbox mailbox;
    ck_assert_int_eq(mailbox_init(&mailbox, sizeof(int), 4), ERR_OK);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            ck_assert(mailbox_put(&mailbox, &i));
        ck_assert(!mailbox_put(&mailbox, &(int){99}));
        for (int i = 0, out; i < 4; i++) {
            ck_assert(mailbox_take(&mailbox, &out));
            ck_assert_int_eq(out, i);
        }
        ck_assert(mailbox_is_empty(&mailbox));
    }
    mailbox_fini(&mailbox);
}
END_TEST

enum { WRITERS = 4, EACH = 20000 };

typedef struct Sender {
    Mailbox *mailbox;
    int writer;
} Sender;

typedef struct Letter {
    int writer, number;
} Letter;

static void *send_all(void *self)
{
    const Sender *sender = self;
    for (int i = 0; i < EACH; i++)
        while (!mailbox_put(sender->mailbox, &(Letter){sender->writer, i}))
            sched_yield();
    return NULL;
}

START_TEST(of_many_writers_nothing_is_lost_and_each_keeps_its_order)
{
    Mailbox mailbox;
    pthread_t threads[WRITERS];
    Sender senders[WRITERS];
    int next[WRITERS] = {0};
    ck_assert_int_eq(mailbox_init(&mailbox, sizeof(Letter), 64), ERR_OK);
    for (int i = 0; i < WRITERS; i++) {
        senders[i] = (Sender){&mailbox, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    for (int count = 0; count < WRITERS * EACH;) {
        Letter letter;
        if (!mailbox_take(&mailbox, &letter)) {
            sched_yield();
            continue;
        }
        ck_assert_int_eq(letter.number, next[letter.writer]++);
        count++;
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(mailbox_is_empty(&mailbox));
    mailbox_fini(&mailbox);
}
END_TEST

START_TEST(sizes_that_cannot_be_are_refused)
{
    Mailbox mailbox;
    ck_assert_int_eq(mailbox_init(&mailbox, 8, 0), ERR_RANGE);
    ck_assert_int_eq(mailbox_init(&mailbox, 8, SIZE_MAX / 8), ERR_RANGE);
    mailbox_fini(&mailbox);
}
END_TEST

KIT_MAIN("base.mailbox", what_goes_in_comes_out_in_order_until_it_is_full, of_many_writers_nothing_is_lost_and_each_keeps_its_order, sizes_that_cannot_be_are_refused)
