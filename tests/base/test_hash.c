/* Hashes: the same for the same bytes and the same order, different for any other. */
#include <string.h>

#include "kit/kit.h"

START_TEST(the_hash_is_xxh3)
{
    // the hash of nothing with seed 0, as the authors of XXH3 publish it: no other function gives this number
    ck_assert_uint_eq(hash_bytes(0, NULL, 0), UINT64_C(0x2D06800538D394C2));
}
END_TEST

START_TEST(equal_bytes_hash_equal_wherever_they_lie)
{
    char buffer[300];
    for (size_t shift = 0; shift < 16; shift++) {
        memset(buffer, 'x', sizeof buffer);
        memcpy(buffer + shift, "incubator.T_box", 16);
        ck_assert_uint_eq(hash_bytes(7, buffer + shift, 15), hash_bytes(7, "incubator.T_box", 15));
    }
}
END_TEST

START_TEST(one_bit_or_another_seed_changes_the_hash)
{
    unsigned char bytes[200] = {0};
    const uint64_t before = hash_bytes(1, bytes, sizeof bytes);
    ck_assert_uint_ne(before, hash_bytes(2, bytes, sizeof bytes));
    ck_assert_uint_ne(before, hash_bytes(1, bytes, sizeof bytes - 1));
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        ck_assert_uint_ne(before, hash_bytes(1, bytes, sizeof bytes));
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}
END_TEST

START_TEST(a_chain_knows_its_order)
{
    const uint64_t ab = hash_bytes(hash_bytes(0, "a", 1), "b", 1), ba = hash_bytes(hash_bytes(0, "b", 1), "a", 1);
    ck_assert_uint_ne(ab, ba);
}
END_TEST

KIT_MAIN("base.hash", the_hash_is_xxh3, equal_bytes_hash_equal_wherever_they_lie, one_bit_or_another_seed_changes_the_hash, a_chain_knows_its_order)
