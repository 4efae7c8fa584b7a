/* Memory: zeroed, aligned, and honest about its end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

static bool is_zero(const void *memory, size_t size)
{
    const unsigned char *const bytes = memory;
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

static bool is_aligned(const void *memory, size_t alignment)
{
    return (uintptr_t)memory % alignment == 0;
}

START_TEST(allocations_are_zeroed_and_lie_on_cache_lines)
{
    for (size_t size = 0; size < 300; size += 7) {
        unsigned char *const memory = mem_alloc(size);
        ck_assert_ptr_nonnull(memory);
        ck_assert(is_aligned(memory, 64));
        ck_assert(is_zero(memory, size));
        memset(memory, 0xa5, size);
        mem_free(memory);
    }
    mem_free(NULL);
}
END_TEST

START_TEST(growing_keeps_the_old_part_and_zeroes_the_new)
{
    char *memory = mem_grow(NULL, 0, 5);
    ck_assert_ptr_nonnull(memory);
    memcpy(memory, "tank1", 5);
    memory = mem_grow(memory, 5, 5000);
    ck_assert_ptr_nonnull(memory);
    ck_assert_mem_eq(memory, "tank1", 5);
    ck_assert(is_zero(memory + 5, 4995));
    ck_assert(is_aligned(memory, 64));
    mem_free(memory);
}
END_TEST

START_TEST(impossible_sizes_fail)
{
    ck_assert_ptr_null(mem_alloc(SIZE_MAX));
    ck_assert_ptr_null(mem_alloc(SIZE_MAX - 63));
    Arena arena = {0};
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX - 8));
    ck_assert_uint_eq(arena.used, 0);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_failed_growth_leaves_the_memory_as_it_was)
{
    char *const memory = mem_alloc(8);
    strcpy(memory, "level");
    kit_fail_allocation(1);
    ck_assert_ptr_null(mem_grow(memory, 8, 100));
    kit_fail_allocation(0);
    ck_assert_str_eq(memory, "level");
    mem_free(memory);
}
END_TEST

START_TEST(arena_pieces_are_zeroed_aligned_and_apart)
{
    Arena arena = {.chunk_size = 1000};
    unsigned char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(&arena, i);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert(is_aligned(pieces[i], i > 64 ? 64 : 16));
        ck_assert(is_zero(pieces[i], i));
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_eq(pieces[i][k], i);
    arena_fini(&arena);
    ck_assert_ptr_null(arena.chunk);
}
END_TEST

START_TEST(a_piece_larger_than_a_chunk_does_not_waste_the_newest)
{
    Arena arena = {.chunk_size = 256};
    char *const first = arena_alloc(&arena, 16);
    char *const large = arena_alloc(&arena, 10000);
    char *const second = arena_alloc(&arena, 16);
    ck_assert_ptr_nonnull(large);
    ck_assert_ptr_eq(second, first + 16);
    arena_fini(&arena);
}
END_TEST

START_TEST(after_a_reset_the_same_memory_is_zero_again)
{
    Arena arena = {.chunk_size = 4096};
    for (int round = 0; round < 3; round++) {
        unsigned char *const memory = arena_alloc(&arena, 3000);
        ck_assert(is_zero(memory, 3000));
        memset(memory, 0xff, 3000);
        ck_assert_ptr_nonnull(arena_alloc(&arena, 3000));
        ck_assert_uint_eq(arena.used, 6000);
        arena_reset(&arena);
        ck_assert_uint_eq(arena.used, 0);
    }
    arena_fini(&arena);
    arena_reset(&arena);
    ck_assert_ptr_null(arena.chunk);
}
END_TEST

START_TEST(texts_are_copied_with_their_end)
{
    Arena arena = {0};
    ck_assert_str_eq(arena_copy(&arena, "tank1.level", 5), "tank1");
    ck_assert_str_eq(arena_copy(&arena, NULL, 0), "");
    ck_assert_str_eq(arena_text(&arena, "tank1.level"), "tank1.level");
    ck_assert_str_eq(arena_format(&arena, "%s.%d", "pump", 42), "pump.42");
    ck_assert_ptr_null(arena_copy(&arena, "", SIZE_MAX));
    arena_fini(&arena);
}
END_TEST

START_TEST(an_arena_without_memory_says_so_and_goes_on_later)
{
    Arena arena = {0};
    kit_fail_allocation(1);
    ck_assert_ptr_null(arena_alloc(&arena, 10));
    kit_fail_allocation(1);
    ck_assert_ptr_null(arena_format(&arena, "%d", 1));
    kit_fail_allocation(0);
    ck_assert_ptr_nonnull(arena_alloc(&arena, 10));
    arena_fini(&arena);
}
END_TEST

static size_t taken, given;

static void *counting_alloc(void *self, size_t size)
{
    (void)self;
    taken++;
    return aligned_alloc(64, (size + 63) / 64 * 64);
}

static void counting_free(void *self, void *memory)
{
    (void)self;
    given++;
    free(memory);
}

START_TEST(everything_goes_through_the_allocator_in_use)
{
    const Allocator counting = {counting_alloc, counting_free, NULL};
    mem_use(&counting);
    Arena arena = {0};
    arena_alloc(&arena, 10);
    arena_alloc(&arena, 100000);
    arena_fini(&arena);
    mem_free(mem_grow(mem_alloc(1), 1, 2));
    mem_use(NULL);
    ck_assert_uint_eq(taken, 4);
    ck_assert_uint_eq(given, 4);
    mem_free(mem_alloc(1));
    ck_assert_uint_eq(taken, 4);
}
END_TEST

KIT_MAIN("base.memory", allocations_are_zeroed_and_lie_on_cache_lines, growing_keeps_the_old_part_and_zeroes_the_new, impossible_sizes_fail,
         a_failed_growth_leaves_the_memory_as_it_was, arena_pieces_are_zeroed_aligned_and_apart, a_piece_larger_than_a_chunk_does_not_waste_the_newest,
         after_a_reset_the_same_memory_is_zero_again, texts_are_copied_with_their_end, an_arena_without_memory_says_so_and_goes_on_later,
         everything_goes_through_the_allocator_in_use)
