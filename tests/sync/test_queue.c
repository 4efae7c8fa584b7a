#include "base/random.h"
#include "kit/kit.h"
#include "sync/queue.h"

static Filed filed(int64_t tick, int64_t time, TagId tag, uint64_t seq)
{
    return (Filed){.sample = {.time = time, .tag = tag}, .tick = tick, .seq = seq};
}

static bool is_same(const Filed *a, const Filed *b)
{
    return a->tick == b->tick && a->sample.time == b->sample.time && a->sample.tag == b->sample.tag && a->seq == b->seq;
}

static bool in_order(const Filed *a, const Filed *b)
{
    const int64_t x[] = {a->tick, a->sample.time, a->sample.tag, (int64_t)a->seq}, y[] = {b->tick, b->sample.time, b->sample.tag, (int64_t)b->seq};
    for (size_t i = 0; i < 4; i++)
        if (x[i] != y[i])
            return x[i] < y[i];
    return false;
}

static Batch take(Queue *queue, int64_t tick)
{
    QueueLoss lost;
    const Batch batch = queue_take(queue, tick, &lost);
    ck_assert_uint_eq(lost.doubles + lost.dropped, 0);
    return batch;
}

START_TEST(an_empty_queue_has_nothing)
{
    Queue queue = {0};
    ck_assert_uint_eq(take(&queue, 5).count, 0);
    ck_assert_uint_eq(take(&queue, 6).count, 0);
    queue_fini(&queue);
}
END_TEST

START_TEST(order_is_tick_then_time_then_tag_then_number)
{
    const Filed ordered[] = {filed(1, 9, 9, 9), filed(2, 11, 9, 9), filed(2, 12, 1, 9), filed(2, 12, 2, 1), filed(2, 13, 2, 2)};
    for (size_t first = 0; first < 5; first++) {
        Queue queue = {0};
        for (size_t i = 0; i < 5; i++)
            ck_assert_int_eq(queue_push(&queue, &ordered[(first + i * 3) % 5]), ERR_OK);
        const Batch batch = take(&queue, 2);
        ck_assert_uint_eq(batch.count, 5);
        for (size_t i = 0; i < 5; i++)
            ck_assert(is_same(&batch.items[i], &ordered[i]));
        ck_assert_uint_eq(queue.count, 0);
        queue_fini(&queue);
    }
}
END_TEST

START_TEST(what_came_twice_is_taken_once_the_first_of_it)
{
    Queue queue = {0};
    QueueLoss lost;
    const Filed items[] = {filed(1, 5, 3, 1), filed(1, 5, 3, 2), filed(1, 4, 3, 3), filed(1, 5, 2, 4), filed(1, 4, 3, 5)};
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(queue_push(&queue, &items[i]), ERR_OK);
    const Batch batch = queue_take(&queue, 1, &lost);
    ck_assert_uint_eq(batch.count, 3);
    ck_assert_uint_eq(lost.doubles, 2);
    ck_assert(is_same(&batch.items[0], &items[2]) && is_same(&batch.items[1], &items[3]) && is_same(&batch.items[2], &items[0]));
    queue_fini(&queue);
}
END_TEST

/* Ticks near and far, some of which nobody takes by themselves; while they are taken more comes. */
START_TEST(whatever_goes_in_comes_out_at_its_tick_in_order)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        Queue queue = {0};
        Filed items[401], last = filed(INT64_MIN, 0, 0, 0);
        size_t pushed = 0, popped = 0;
        const int64_t reach = seed % 3 == 0 ? 4 : seed % 3 == 1 ? 100 : 2000;
        for (int64_t tick = 0; tick <= 2 * reach; tick += 1 + (int64_t)(random_uniform(seed, 2, (uint64_t)tick) * (double)reach / 8)) {
            for (size_t i = 0; i < 20 && pushed < 400; i++, pushed++) {
                uint32_t words[4];
                random_words(seed, 1, pushed, words);
                const int64_t of = tick + words[0] % reach;
                items[pushed] = filed(of, of * 4 + words[1] % 4, words[2] % 1000 + (uint32_t)pushed * 1000, pushed + 1);
                ck_assert_int_eq(queue_push(&queue, &items[pushed]), ERR_OK);
            }
            const Batch batch = take(&queue, tick);
            for (size_t i = 0; i < batch.count; i++) {
                ck_assert(in_order(&last, &batch.items[i]));  // strictly: nothing comes out twice
                ck_assert(batch.items[i].tick <= tick);
                ck_assert(is_same(&batch.items[i], &items[batch.items[i].seq - 1]));
                last = batch.items[i];
            }
            popped += batch.count;
            for (size_t i = 0; i < pushed; i++)
                ck_assert(items[i].tick > tick || !in_order(&last, &items[i]));  // nothing is left behind
            ck_assert_uint_eq(queue.count, pushed - popped);
        }
        popped += take(&queue, 4 * reach).count;
        ck_assert_uint_eq(popped, pushed);
        queue_fini(&queue);
    }
}
END_TEST

START_TEST(a_full_queue_says_so)
{
    Queue queue = {0};
    for (size_t i = 0; i < SYNC_PENDING_MAX; i++)
        if (queue_push(&queue, &(Filed){.tick = (int64_t)i}))
            ck_abort_msg("full at %zu", i);
    ck_assert_int_eq(queue_push(&queue, &(Filed){0}), ERR_FULL);
    ck_assert_uint_eq(queue.count, SYNC_PENDING_MAX);
    queue_fini(&queue);
}
END_TEST

START_TEST(a_queue_without_memory_keeps_what_it_has)
{
    Queue queue = {0};
    size_t count = 0;
    kit_fail_allocation(2);
    while (!queue_push(&queue, &(Filed){.tick = (int64_t)count, .sample = {.time = (int64_t)count}}))
        count++;
    kit_fail_allocation(0);
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_eq(queue.count, count);
    ck_assert_int_eq(queue_push(&queue, &(Filed){.tick = (int64_t)count, .sample = {.time = (int64_t)count}}), ERR_OK);
    ck_assert_uint_eq(take(&queue, (int64_t)count).count, count + 1);
    queue_fini(&queue);
}
END_TEST

START_TEST(without_memory_to_sort_nothing_is_taken_out_of_order)
{
    Queue queue = {0};
    QueueLoss lost;
    take(&queue, 0);
    for (int64_t i = 0; i < 10; i++)
        ck_assert_int_eq(queue_push(&queue, &(Filed){.tick = 1, .sample = {.time = 10 - i}}), ERR_OK);
    kit_fail_allocation(1);
    const Batch batch = queue_take(&queue, 1, &lost);
    kit_fail_allocation(0);
    ck_assert_uint_eq(batch.count, 0);
    ck_assert_uint_eq(lost.dropped, 10);
    ck_assert_uint_eq(queue.count, 0);
    queue_fini(&queue);
}
END_TEST

KIT_MAIN("sync.queue", an_empty_queue_has_nothing, order_is_tick_then_time_then_tag_then_number, what_came_twice_is_taken_once_the_first_of_it,
         whatever_goes_in_comes_out_at_its_tick_in_order, a_full_queue_says_so, a_queue_without_memory_keeps_what_it_has,
         without_memory_to_sort_nothing_is_taken_out_of_order)
