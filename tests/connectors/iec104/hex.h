/* hex.h -- frames as people write them. */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Hex {
    unsigned char bytes[4096];
    size_t size;
} Hex;

/* "68 04 07 00 00 00", with or without blanks. */
static inline Hex hex(const char *text)
{
    Hex out = {.size = 0};
    for (const char *at = text; *at;) {
        if (*at == ' ') {
            at++;
            continue;
        }
        ck_assert_msg(out.size < sizeof out.bytes && at[1], "%s", text);
        const char digits[] = {at[0], at[1], 0};
        char *end;
        out.bytes[out.size++] = (unsigned char)strtoul(digits, &end, 16);
        ck_assert_msg(*end == 0, "%s", text);
        at += 2;
    }
    return out;
}

/* What is expected, and what came, as text: so a failure shows both. */
static inline void ck_assert_hex_eq(const unsigned char *bytes, size_t size, const char *expected)
{
    const Hex wanted = hex(expected);
    char got[3 * 1024 + 1] = "", want[3 * 1024 + 1] = "";
    ck_assert_uint_le(size, 1024);
    for (size_t i = 0; i < size; i++)
        sprintf(got + 3 * i, "%02X ", bytes[i]);
    for (size_t i = 0; i < wanted.size; i++)
        sprintf(want + 3 * i, "%02X ", wanted.bytes[i]);
    ck_assert_str_eq(got, want);
}
