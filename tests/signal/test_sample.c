/* Samples: qualities have names that lead back to them. */
#include "kit/kit.h"
#include "signal/sample.h"

START_TEST(every_quality_is_read_from_its_name)
{
    static const char *const names[] = {"good", "uncertain", "bad"};
    for (Quality quality = QUALITY_GOOD; quality <= QUALITY_BAD; quality++) {
        Quality read = QUALITY_GOOD;
        ck_assert_str_eq(quality_name(quality), names[quality]);
        ck_assert(quality_parse(names[quality], &read));
        ck_assert_int_eq(read, quality);
    }
}
END_TEST

START_TEST(other_words_are_not_qualities)
{
    Quality quality = QUALITY_UNCERTAIN;
    ck_assert(!quality_parse("", &quality));
    ck_assert(!quality_parse("Good", &quality));
    ck_assert(!quality_parse("goodness", &quality));
    ck_assert_int_eq(quality, QUALITY_UNCERTAIN);
}
END_TEST

KIT_MAIN("signal.sample", every_quality_is_read_from_its_name, other_words_are_not_qualities)
