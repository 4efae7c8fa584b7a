#include "server/dechunk.h"

#include <string.h>

#include "kit/kit.h"

enum { MOST = 64 };

/* Read a text in pieces of `step` bytes; what it is in the end, and the body. */
static DechunkState read_by(const char *text, size_t step, Text *out)
{
    Dechunk self = {0};
    text_clear(out);
    for (size_t at = 0, length = strlen(text); at < length; at += step)
        dechunk(&self, text + at, at + step < length ? step : length - at, MOST, out);
    return self.state;
}

START_TEST(a_body_is_the_same_in_whatever_pieces_it_comes)
{
    static const char *const forms[] = {
        "b\r\nhello world\r\n0\r\n\r\n",
        "6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
        "6;name=\"value\"\r\nhello \r\n05\r\nworld\r\n00\r\nTrailer: of no use\r\nAnother: one\r\n\r\nof the next request",
    };
    Text out = {0};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (size_t step = 1; step < 100; step++) {
            ck_assert_int_eq(read_by(forms[i], step, &out), DECHUNK_DONE);
            ck_assert_str_eq(out.bytes, "hello world");
        }
    text_fini(&out);
}
END_TEST

START_TEST(what_is_no_chunk_is_wrong)
{
    static const char *const forms[] = {"\r\n", "g\r\n", "-1\r\n", "1\na", "1\r\nab\r\n", "1\r\na\n", "1;x\n", "0\r\n\rx"};
    Text out = {0};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        ck_assert_msg(read_by(forms[i], 1, &out) == DECHUNK_WRONG, "%s", forms[i]);
    text_fini(&out);
}
END_TEST

START_TEST(nothing_grows_beyond_its_bound)
{
    Text out = {0}, endless = {0};
    ck_assert_int_eq(read_by("41\r\n", 1, &out), DECHUNK_TOO_LONG);
    ck_assert_int_eq(read_by("ffffffffffffffff1\r\n", 1, &out), DECHUNK_TOO_LONG);
    ck_assert_uint_eq(out.length, 0);

    // many small chunks, extensions, trailers
    for (int i = 0; i < 100000; i++)
        text_put(&endless, "x");
    Dechunk extension = {0}, trailer = {0};
    dechunk(&extension, "1;", 2, MOST, &out);
    ck_assert_int_eq(dechunk(&extension, endless.bytes, endless.length, MOST, &out), DECHUNK_TOO_LONG);
    dechunk(&trailer, "0\r\n", 3, MOST, &out);
    ck_assert_int_eq(dechunk(&trailer, endless.bytes, endless.length, MOST, &out), DECHUNK_TOO_LONG);
    text_fini(&endless);
    text_fini(&out);
}
END_TEST

KIT_MAIN("server.dechunk", a_body_is_the_same_in_whatever_pieces_it_comes, what_is_no_chunk_is_wrong, nothing_grows_beyond_its_bound)
