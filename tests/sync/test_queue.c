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

START_TEST(an_empty_queue_has_nothing)
{
    Queue queue = {0};
    ck_assert_ptr_null(queue_peek(&queue));
    queue_fini(&queue);
}
END_TEST

START_TEST(order_is_tick_then_time_then_tag_then_number)
{
    const Filed ordered[] = {filed(1, 9, 9, 9), filed(2, 1, 9, 9), filed(2, 2, 1, 9), filed(2, 2, 2, 1), filed(2, 2, 2, 2)};
    for (size_t first = 0; first < 5; first++) {
        Queue queue = {0};
        for (size_t i = 0; i < 5; i++)
            ck_assert_int_eq(queue_push(&queue, &ordered[(first + i * 3) % 5]), ERR_OK);
        for (size_t i = 0; i < 5; i++) {
            Filed out;
            ck_assert(is_same(queue_peek(&queue), &ordered[i]));
            queue_pop(&queue, &out);
            ck_assert(is_same(&out, &ordered[i]));
        }
        ck_assert_ptr_null(queue_peek(&queue));
        queue_fini(&queue);
    }
}
END_TEST

START_TEST(whatever_goes_in_comes_out_in_order)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        Queue queue = {0};
        Filed items[201], last = filed(INT64_MIN, 0, 0, 0);
        const size_t count = 1 + (size_t)(random_uniform(seed, 0, 0) * 200);
        size_t pushed = 0, popped = 0;
        for (; pushed < count; pushed++) {
            uint32_t words[4];
            random_words(seed, 1, pushed, words);
            const Filed item = filed(words[0] % 4, words[1] % 4, words[2] % 4, pushed + 1);
            ck_assert_int_eq(queue_push(&queue, &item), ERR_OK);
            items[pushed] = item;
        }
        while (queue_peek(&queue)) {
            Filed out;
            queue_pop(&queue, &out);
            ck_assert(in_order(&last, &out));  // strictly: nothing comes out twice
            ck_assert(is_same(&out, &items[out.seq - 1]));
            last = out;
            popped++;
        }
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
    while (!queue_push(&queue, &(Filed){.tick = 5 - (int64_t)count}))
        count++;
    kit_fail_allocation(0);
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_eq(queue.count, count);
    ck_assert_int_eq(queue_peek(&queue)->tick, 6 - (int64_t)count);
    ck_assert_int_eq(queue_push(&queue, &(Filed){0}), ERR_OK);
    queue_fini(&queue);
}
END_TEST

KIT_MAIN("sync.queue", an_empty_queue_has_nothing, order_is_tick_then_time_then_tag_then_number, whatever_goes_in_comes_out_in_order, a_full_queue_says_so,
         a_queue_without_memory_keeps_what_it_has)
