#include "connectors/modbus/registers.h"

#include <math.h>
#include <string.h>

#include "kit/kit.h"

static const RegisterType wide[] = {REGISTER_INT32, REGISTER_UINT32, REGISTER_INT64, REGISTER_UINT64, REGISTER_FLOAT32, REGISTER_FLOAT64};

static RegisterForm form_of(RegisterType type, RegisterOrder order)
{
    return (RegisterForm){type, order, BIT_NONE};
}

static void check_encoded(RegisterForm form, double number, const uint16_t *expected)
{
    uint16_t registers[REGISTERS_WIDEST] = {0};
    ErrText why = {""};
    ck_assert_msg(register_encode(form, number, registers, &why) == ERR_OK, "%s", why.text);
    for (size_t i = 0; i < register_width(form.type); i++)
        ck_assert_msg(registers[i] == expected[i], "%s of %s: register %zu is %04x, not %04x", register_type_names[form.type],
                      register_order_names[form.order], i, registers[i], expected[i]);
    ck_assert_double_eq(register_decode(form, registers), number);
}

static void check_refused(RegisterForm form, double number)
{
    uint16_t registers[REGISTERS_WIDEST];
    ErrText why = {""};
    ck_assert_int_eq(register_encode(form, number, registers, &why), ERR_RANGE);
    ck_assert_ptr_nonnull(strstr(why.text, register_type_names[form.bit == BIT_NONE ? form.type : REGISTER_BOOL]));
}

/* The letters of an order are the bytes of the number, the most significant first, in the order in which they stand on the wire. */
START_TEST(an_order_lays_out_the_bytes_as_it_is_spelt)
{
    for (RegisterOrder order = ORDER_ABCD; order <= ORDER_DCBA; order++) {
        static const uint8_t bytes[] = {0x11, 0x22, 0x33, 0x44};
        const char *spelt = register_order_names[order];
        const uint16_t expected[] = {
            (uint16_t)(bytes[spelt[0] - 'A'] << 8 | bytes[spelt[1] - 'A']),
            (uint16_t)(bytes[spelt[2] - 'A'] << 8 | bytes[spelt[3] - 'A']),
        };
        check_encoded(form_of(REGISTER_UINT32, order), 0x11223344, expected);
    }
}
END_TEST

START_TEST(sixty_four_bits_follow_the_same_two_rules)
{
    const double number = 0x0102030405060000;  // its last bytes are 0: a double holds it
    static const uint16_t expected[][REGISTERS_WIDEST] = {
        [ORDER_ABCD] = {0x0102, 0x0304, 0x0506, 0x0000},
        [ORDER_CDAB] = {0x0000, 0x0506, 0x0304, 0x0102},
        [ORDER_BADC] = {0x0201, 0x0403, 0x0605, 0x0000},
        [ORDER_DCBA] = {0x0000, 0x0605, 0x0403, 0x0201},
    };
    for (RegisterOrder order = ORDER_ABCD; order <= ORDER_DCBA; order++)
        check_encoded(form_of(REGISTER_INT64, order), number, expected[order]);
}
END_TEST

START_TEST(sixteen_bits_know_the_order_of_bytes_alone)
{
    check_encoded(form_of(REGISTER_UINT16, ORDER_ABCD), 0x1234, (uint16_t[]){0x1234});
    check_encoded(form_of(REGISTER_UINT16, ORDER_CDAB), 0x1234, (uint16_t[]){0x1234});
    check_encoded(form_of(REGISTER_UINT16, ORDER_BADC), 0x1234, (uint16_t[]){0x3412});
    check_encoded(form_of(REGISTER_UINT16, ORDER_DCBA), 0x1234, (uint16_t[]){0x3412});
}
END_TEST

/* 1.0 is 3f800000 and 3ff0000000000000 by IEEE 754. */
START_TEST(floats_are_those_of_ieee_754)
{
    check_encoded(form_of(REGISTER_FLOAT32, ORDER_ABCD), 1, (uint16_t[]){0x3f80, 0x0000});
    check_encoded(form_of(REGISTER_FLOAT32, ORDER_CDAB), -2.5, (uint16_t[]){0x0000, 0xc020});
    check_encoded(form_of(REGISTER_FLOAT64, ORDER_ABCD), 1, (uint16_t[]){0x3ff0, 0, 0, 0});
    ck_assert(isnan(register_decode(form_of(REGISTER_FLOAT32, ORDER_ABCD), (uint16_t[]){0x7fc0, 0})));
}
END_TEST

START_TEST(integers_reach_to_the_ends_of_their_types)
{
    check_encoded(form_of(REGISTER_INT16, ORDER_ABCD), -32768, (uint16_t[]){0x8000});
    check_encoded(form_of(REGISTER_INT32, ORDER_ABCD), -1, (uint16_t[]){0xffff, 0xffff});
    check_encoded(form_of(REGISTER_UINT32, ORDER_ABCD), 4294967295.0, (uint16_t[]){0xffff, 0xffff});
    check_encoded(form_of(REGISTER_INT64, ORDER_ABCD), -0x1p63, (uint16_t[]){0x8000, 0, 0, 0});

    check_refused(form_of(REGISTER_BOOL, ORDER_ABCD), 2);
    check_refused(form_of(REGISTER_INT16, ORDER_ABCD), 32768);
    check_refused(form_of(REGISTER_UINT16, ORDER_ABCD), -1);
    check_refused(form_of(REGISTER_INT32, ORDER_ABCD), 0x1p31);
    check_refused(form_of(REGISTER_INT64, ORDER_ABCD), 0x1p63);
    check_refused(form_of(REGISTER_UINT64, ORDER_ABCD), 0x1p64);
    check_refused(form_of(REGISTER_FLOAT32, ORDER_ABCD), 1e39);
}
END_TEST

START_TEST(integers_are_rounded_to_the_nearest)
{
    uint16_t word;
    ck_assert_int_eq(register_encode(form_of(REGISTER_INT16, ORDER_ABCD), -1.6, &word, NULL), ERR_OK);
    ck_assert_uint_eq(word, 0xfffe);
    ck_assert_int_eq(register_encode(form_of(REGISTER_UINT16, ORDER_ABCD), 65535.4, &word, NULL), ERR_OK);
    ck_assert_uint_eq(word, 0xffff);
}
END_TEST

START_TEST(a_bit_of_a_register_is_zero_or_one)
{
    for (int bit = 0; bit < 16; bit++) {
        const RegisterForm form = {REGISTER_UINT16, ORDER_ABCD, bit};
        const uint16_t set = (uint16_t)(1u << bit), others = (uint16_t)~set;
        ck_assert_double_eq(register_decode(form, &set), 1);
        ck_assert_double_eq(register_decode(form, &others), 0);
        uint16_t word = 0;
        ck_assert_int_eq(register_encode(form, 1, &word, NULL), ERR_OK);
        ck_assert_uint_eq(word, set);
        check_refused(form, 3);
    }
}
END_TEST

/* Whatever stands in the registers, writing what was read leaves it as it was, as long as a double holds all of it. */
START_TEST(what_was_read_is_written_back_bit_for_bit)
{
    for (uint64_t counter = 0; counter < 20000; counter++) {
        uint32_t random[4];
        random_words(7, 0, counter, random);
        const RegisterForm form = form_of(wide[random[2] % (sizeof wide / sizeof *wide)], (RegisterOrder)(random[3] % 4));
        uint16_t registers[REGISTERS_WIDEST], again[REGISTERS_WIDEST];
        memcpy(registers, random, sizeof registers);

        const double number = register_decode(form, registers);
        if (!isfinite(number) || (fabs(number) >= 0x1p53 && form.type < REGISTER_FLOAT32))
            continue;
        ck_assert_int_eq(register_encode(form, number, again, NULL), ERR_OK);
        ck_assert_mem_eq(registers, again, register_width(form.type) * sizeof *registers);
    }
}
END_TEST

KIT_MAIN("connectors.modbus_registers", an_order_lays_out_the_bytes_as_it_is_spelt, sixty_four_bits_follow_the_same_two_rules,
         sixteen_bits_know_the_order_of_bytes_alone, floats_are_those_of_ieee_754, integers_reach_to_the_ends_of_their_types,
         integers_are_rounded_to_the_nearest, a_bit_of_a_register_is_zero_or_one, what_was_read_is_written_back_bit_for_bit)
