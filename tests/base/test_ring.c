/* Rings: first in, first out, nothing lost between two threads. */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include "kit/kit.h"

START_TEST(items_come_out_in_the_order_in_which_they_went_in)
{
    Ring ring;
    ck_assert_int_eq(ring_init(&ring, sizeof(int), 8), ERR_OK);

    // more rounds than places, so that the positions wrap
    int in = 0, out = 0;
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < round % 9; i++, in++)
            ck_assert(ring_push(&ring, &in));
        ck_assert_uint_eq(ring_count(&ring), (size_t)(in - out));
        ck_assert_uint_eq(ring_room(&ring), 8 - (size_t)(in - out));
        for (int item; ring_pop(&ring, &item); out++)
            ck_assert_int_eq(item, out);
        ck_assert_int_eq(in, out);
    }
    ring_fini(&ring);
}
END_TEST

START_TEST(a_full_ring_refuses_and_keeps_what_it_has)
{
    Ring ring;
    ck_assert_int_eq(ring_init(&ring, sizeof(int), 5), ERR_OK);
    ck_assert_uint_eq(ring.capacity, 8);
    for (int i = 0; i < 8; i++)
        ck_assert(ring_push(&ring, &i));
    const int more = 99;
    ck_assert(!ring_push(&ring, &more));
    ck_assert_uint_eq(ring_room(&ring), 0);

    int item;
    ck_assert(ring_pop(&ring, &item));
    ck_assert_int_eq(item, 0);
    ck_assert(ring_push(&ring, &more));
    ck_assert(!ring_push(&ring, &more));
    ring_fini(&ring);
}
END_TEST

START_TEST(an_empty_ring_gives_nothing)
{
    Ring ring;
    ck_assert_int_eq(ring_init(&ring, 3, 1), ERR_OK);
    char item[3];
    ck_assert(!ring_pop(&ring, item));
    ck_assert(ring_push(&ring, "abc"));
    ck_assert(!ring_push(&ring, "def"));
    ck_assert(ring_pop(&ring, item));
    ck_assert_mem_eq(item, "abc", 3);
    ck_assert(!ring_pop(&ring, item));
    ring_fini(&ring);
}
END_TEST

START_TEST(impossible_rings_are_refused)
{
    Ring ring;
    ck_assert_int_eq(ring_init(&ring, 8, 0), ERR_RANGE);
    ck_assert_int_eq(ring_init(&ring, 8, SIZE_MAX / 8), ERR_RANGE);
    kit_fail_allocation(1);
    ck_assert_int_eq(ring_init(&ring, 8, 8), ERR_MEMORY);
    kit_fail_allocation(0);
}
END_TEST

enum { TRIPS = 200000 };

typedef struct Parcel {
    uint64_t number, square;  // the second tells a torn copy
} Parcel;

static void *write_parcels(void *argument)
{
    for (uint64_t i = 0; i < TRIPS;) {
        if (ring_push(argument, &(Parcel){i, i * i}))
            i++;
        else
            sched_yield();
    }
    return NULL;
}

START_TEST(nothing_is_lost_or_torn_between_two_threads)
{
    Ring ring;
    ck_assert_int_eq(ring_init(&ring, sizeof(Parcel), 64), ERR_OK);
    pthread_t writer;
    ck_assert_int_eq(pthread_create(&writer, NULL, write_parcels, &ring), 0);
    for (uint64_t i = 0; i < TRIPS;) {
        Parcel parcel;
        if (!ring_pop(&ring, &parcel)) {
            sched_yield();
            continue;
        }
        ck_assert_uint_eq(parcel.number, i);
        ck_assert_uint_eq(parcel.square, i * i);
        ck_assert_uint_le(ring_count(&ring), 64);
        i++;
    }
    pthread_join(writer, NULL);
    ck_assert_uint_eq(ring_count(&ring), 0);
    ring_fini(&ring);
}
END_TEST

START_TEST(many_at_once_come_out_as_they_went_in_across_the_end_of_the_memory)
{
    Ring ring;
    int in[7], out[7], next = 0, expected = 0;
    ck_assert_int_eq(ring_init(&ring, sizeof(int), 8), ERR_OK);
    ck_assert_uint_eq(ring_pop_many(&ring, out, 7), 0);
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 7; i++)
            in[i] = next + i;
        const size_t room = ring_room(&ring), offered = (size_t)(round % 7) + 1, pushed = ring_push_many(&ring, in, offered);
        ck_assert_uint_eq(pushed, offered < room ? offered : room);
        next += (int)pushed;
        const size_t waiting = ring_count(&ring), wanted = (size_t)(round % 5) + 1, popped = ring_pop_many(&ring, out, wanted);
        ck_assert_uint_eq(popped, wanted < waiting ? wanted : waiting);
        for (size_t i = 0; i < popped; i++)
            ck_assert_int_eq(out[i], expected++);
    }
    ck_assert_int_gt(expected, 2000);
    ring_fini(&ring);
}
END_TEST

KIT_MAIN("base.ring", items_come_out_in_the_order_in_which_they_went_in, a_full_ring_refuses_and_keeps_what_it_has, an_empty_ring_gives_nothing,
         impossible_rings_are_refused, nothing_is_lost_or_torn_between_two_threads,
         many_at_once_come_out_as_they_went_in_across_the_end_of_the_memory)
