/* The scanner beside the tree: a frame whose keys stand in another order is read by jansson, and must say the same, to the bit. */
#include "signal/scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

static Wire *wire;
static Scan scan;

static void begin(void)
{
    ck_assert_int_eq(wire_create(&wire), ERR_OK);
    ck_assert_int_eq(scan_init(&scan), ERR_OK);
}

static void end(void)
{
    wire_destroy(wire);
    scan_fini(&scan);
}

/* Whether the scanner takes the frame with these samples. Its bytes are in memory of exactly their size. */
static bool scans(const char *value, size_t length, size_t *count)
{
    static const char head[] = "{\"topic\":\"samples\",\"headers\":{\"id\":7},\"value\":";
    const size_t head_length = sizeof head - 1, size = head_length + length + 1;
    char *const frame = malloc(size);
    memcpy(frame, head, head_length);
    memcpy(frame + head_length, value, length);
    frame[size - 1] = '}';
    int64_t id;
    const bool taken = scan_samples(&scan, frame, size, &id, count);
    ck_assert(!taken || id == 7);
    free(frame);
    return taken;
}

/* What the tree says of the same. */
static Err read_tree(const char *value, size_t length, WireMessage *out)
{
    Text text = {0};
    text_put(&text, "{\"headers\":{\"id\":7},\"topic\":\"samples\",\"value\":");
    text_add(&text, value, length);
    text_put(&text, "}");
    ErrText why;
    const Err err = wire_read(wire, text.bytes, text.length, out, &why);
    text_fini(&text);
    return err;
}

/* True when the scanner took it; then the tree must have read the same. */
static bool compare(const char *value, size_t length)
{
    size_t count;
    WireMessage message;
    const Err err = read_tree(value, length, &message);
    if (!scans(value, length, &count))
        return false;
    ck_assert_msg(err == ERR_OK, "the scanner takes what the tree refuses: %.*s", (int)length, value);
    ck_assert_uint_eq(count, message.samples.count);
    for (size_t i = 0; i < count; i++) {
        const WireSample *a = &scan.items[i], *b = &message.samples.items[i];
        ck_assert_msg(!b->error, "%s: %.*s", b->error, (int)length, value);
        ck_assert_str_eq(a->tag, b->tag);
        ck_assert_int_eq(a->time, b->time);
        ck_assert_msg(memcmp(&a->value, &b->value, sizeof a->value) == 0, "%.17g is not %.17g: %.*s", a->value, b->value, (int)length, value);
        ck_assert_int_eq(a->quality, b->quality);
        ck_assert_ptr_null(a->error);
    }
    return true;
}

static bool compare_text(const char *value)
{
    return compare(value, strlen(value));
}

START_TEST(regular_samples_are_scanned)
{
    begin();
    static const char *const regular[] = {
        "[[\"a.b\",0,0]]", "[[\"a.b\",1611326937840280000,25.0],[\"c.d\",-5,-1e-5,\"bad\"]]", " [ [ \"a.b\" , 17 , 0.5 , \"good\" ] ,\n[\"a b\",1,2,\"uncertain\"]\t]\r",
        "[[\"a.b\",8999999999999999999,0.1]]", "[[\"a.b\",-0,-0]]", "[[\"a.b\",1,-0.0]]", "[[\"a.b\",1,9007199254740993.0]]", "[[\"a.b\",1,123456789012345678]]",
        "[[\"a.b\",1,0.30000000000000004]]", "[[\"a.b\",1,1.7976931348623157e308]]", "[[\"a.b\",1,5e-324]]", "[[\"a.b\",1,1e22]]", "[[\"a.b\",1,1E+23]]", "[[\"a.b\",1,1e-400]]",
        "[[\"a.b\",1,0.000000000000000000000000000001]]", "[[\"a.b\",1,9007199254740992e-22]]",
    };
    for (size_t i = 0; i < sizeof regular / sizeof *regular; i++)
        ck_assert_msg(compare_text(regular[i]) || strstr(regular[i], "1e-400"), "%s", regular[i]);
    end();
}
END_TEST

START_TEST(what_is_not_regular_is_left_to_the_tree)
{
    begin();
    static const char *const others[] = {
        "[]", "[[]]", "[[\"a.b\",1]]", "[[\"a.b\",1,2,\"good\",3]]", "[[\"a.b\",1,2,\"fine\"]]", "[[\"\",1,2]]", "[[\"a\\u0041\",1,2]]", "[[\"\xc2\xb0\",1,2]]", "[[\"a.b\",01,2]]",
        "[[\"a.b\",1.0,2]]", "[[\"a.b\",1,.5]]", "[[\"a.b\",1,5.]]", "[[\"a.b\",1,+5]]", "[[\"a.b\",1,1e]]", "[[\"a.b\",1,1e999]]", "[[\"a.b\",1,-]]", "[[\"a.b\",1,nan]]",
        "[[\"a.b\",9223372036854775808,2]]", "[[\"a.b\",\"2021-01-22T14:48:58.72Z\",2]]", "[[\"a.b\",1,2],]", "[[\"a.b\",1,2]", "[[\"a.b\",1,2]],\"path\":\"/1\"", "[[\"a.b\",1,2]]}", "",
        "[[\"a.b\",1,00.5]]", "[[\"a.b\",1,12345678901234567890]]",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!compare_text(others[i]), "%s", others[i]);
    end();
}
END_TEST

/* A number in one of the ways in which people and programs write them. */
static void put_number(Text *text, uint64_t draw)
{
    static const char *const forms[] = {"%.1f", "%.6f", "%.17g", "%.12g", "%e", "%.0f", "%.25f"};
    double value = random_normal(5, 1, draw) * pow(10, 30 * random_uniform(5, 2, draw) - 15);
    const uint64_t bits = hash_bytes(draw, "bits", 4);
    if (draw % 5 == 0)
        memcpy(&value, &bits, sizeof value);
    text_format(text, forms[draw % 7], isfinite(value) && fabs(value) < 1e30 ? value : 0.5);
}

START_TEST(random_samples_are_the_same_to_the_bit)
{
    begin();
    Text text = {0};
    size_t scanned = 0;
    for (uint64_t round = 0; round < 2000; round++) {
        text_clear(&text);
        for (uint64_t i = 0; i < 1 + round % 20; i++) {
            const uint64_t draw = round * 20 + i;
            text_format(&text, "%s[\"tank%u.gauge\",%lld,", i ? "," : "[", (unsigned)(draw % 977), (long long)(hash_bytes(draw, "time", 4) >> draw % 60));
            put_number(&text, draw);
            text_put(&text, draw % 3 ? "]" : ",\"bad\"]");
        }
        text_put(&text, "]");
        scanned += compare(text.bytes, text.length);
    }
    ck_assert_uint_gt(scanned, 1000);
    text_fini(&text);
    end();
}
END_TEST

START_TEST(hostile_samples_are_never_read_otherwise)
{
    begin();
    static const char letters[] = "[]{}\",:.-+eE0123456789 \\/abdgou\n";
    static const char seed[] = "[[\"a.b\",1611326937840280000,25.0625,\"good\"],[\"tank1.gauge\",0,-1.5e-7]]";
    size_t scanned = 0;
    for (uint64_t round = 0; round < 60000; round++) {
        char value[sizeof seed];
        size_t length = sizeof seed - 1;
        memcpy(value, seed, length);
        for (uint64_t change = 0; change <= round % 3; change++) {
            const uint64_t draw = hash_bytes(3 * round + change, "change", 6);
            const size_t at = draw % length;
            if (draw >> 60 == 0)
                memmove(value + at, value + at + 1, length-- - at);
            else
                value[at] = letters[(draw >> 16) % (sizeof letters - 1)];
        }
        scanned += compare(value, length);
    }
    ck_assert_uint_gt(scanned, 6000);
    end();
}
END_TEST

START_TEST(more_samples_than_a_message_may_have_are_left_to_the_tree)
{
    begin();
    Text text = {0};
    size_t count;
    for (int i = 0; i < WIRE_SAMPLES_MAX; i++)
        text_put(&text, i ? ",[\"a.b\",1,2]" : "[[\"a.b\",1,2]");
    text_put(&text, "]");
    ck_assert(scans(text.bytes, text.length, &count));
    ck_assert_uint_eq(count, WIRE_SAMPLES_MAX);
    text.length--;
    text_put(&text, ",[\"a.b\",1,2]]");
    ck_assert(!scans(text.bytes, text.length, &count));
    text_fini(&text);
    end();
}
END_TEST

KIT_MAIN("signal.scan", regular_samples_are_scanned, what_is_not_regular_is_left_to_the_tree, random_samples_are_the_same_to_the_bit, hostile_samples_are_never_read_otherwise,
         more_samples_than_a_message_may_have_are_left_to_the_tree)
