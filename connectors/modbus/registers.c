/* registers.c -- the bits of a number, and the order of its registers and bytes. */
#include "connectors/modbus/registers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *const register_type_names[] = {"bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", NULL};
const char *const register_order_names[] = {"ABCD", "CDAB", "BADC", "DCBA", NULL};

/* What integers of a type reach: `least` is one, `beyond` is not; both are exact doubles. */
static const struct {
    size_t width;
    double least, beyond;
} types[] = {
    [REGISTER_BOOL] = {1, 0, 2},
    [REGISTER_INT16] = {1, -0x1p15, 0x1p15},
    [REGISTER_UINT16] = {1, 0, 0x1p16},
    [REGISTER_INT32] = {2, -0x1p31, 0x1p31},
    [REGISTER_UINT32] = {2, 0, 0x1p32},
    [REGISTER_INT64] = {4, -0x1p63, 0x1p63},
    [REGISTER_UINT64] = {4, 0, 0x1p64},
    [REGISTER_FLOAT32] = {2, 0, 0},
    [REGISTER_FLOAT64] = {4, 0, 0},
};

size_t register_width(RegisterType type)
{
    return types[type].width;
}

static uint16_t swap_bytes(uint16_t word)
{
    return (uint16_t)(word << 8 | word >> 8);
}

/* The register at `place` of a number, the most significant being 0. */
static size_t register_at(RegisterForm form, size_t place)
{
    const bool low_first = form.order == ORDER_CDAB || form.order == ORDER_DCBA;
    return low_first ? register_width(form.type) - 1 - place : place;
}

static uint16_t ordered(RegisterForm form, uint16_t word)
{
    return form.order == ORDER_BADC || form.order == ORDER_DCBA ? swap_bytes(word) : word;
}

static uint64_t gather_bits(RegisterForm form, const uint16_t *registers)
{
    uint64_t bits = 0;
    for (size_t place = 0; place < register_width(form.type); place++)
        bits = bits << 16 | ordered(form, registers[register_at(form, place)]);
    return bits;
}

static void lay_out_bits(RegisterForm form, uint64_t bits, uint16_t *registers)
{
    for (size_t place = register_width(form.type); place-- > 0; bits >>= 16)
        registers[register_at(form, place)] = ordered(form, (uint16_t)bits);
}

static double float32_number(uint32_t bits)
{
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static double float64_number(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

double register_decode(RegisterForm form, const uint16_t *registers)
{
    const uint64_t bits = gather_bits(form, registers);
    if (form.bit != BIT_NONE)
        return bits >> form.bit & 1;

    switch (form.type) {
    case REGISTER_BOOL: return bits != 0;
    case REGISTER_INT16: return (int16_t)bits;
    case REGISTER_INT32: return (int32_t)bits;
    case REGISTER_INT64: return (double)(int64_t)bits;
    case REGISTER_FLOAT32: return float32_number((uint32_t)bits);
    case REGISTER_FLOAT64: return float64_number(bits);
    case REGISTER_UINT16:
    case REGISTER_UINT32:
    case REGISTER_UINT64: break;
    }
    return (double)bits;
}

static Err encode_float32(double number, uint64_t *bits, ErrText *why)
{
    const float narrow = (float)number;
    if (!isfinite(narrow))
        return err_set(why, ERR_RANGE, "%.17g does not fit into float32", number);
    uint32_t word;
    memcpy(&word, &narrow, sizeof word);
    *bits = word;
    return ERR_OK;
}

static Err encode_integer(RegisterForm form, double number, uint64_t *bits, ErrText *why)
{
    // halves to even, as everywhere in arithmetic
    const RegisterType type = form.bit == BIT_NONE ? form.type : REGISTER_BOOL;
    const double rounded = nearbyint(number);
    if (!(rounded >= types[type].least && rounded < types[type].beyond))
        return err_set(why, ERR_RANGE, "%.17g does not fit into %s", number, register_type_names[type]);
    *bits = rounded < 0 ? (uint64_t)(int64_t)rounded : (uint64_t)rounded;
    if (form.bit != BIT_NONE)
        *bits <<= form.bit;
    return ERR_OK;
}

Err register_encode(RegisterForm form, double number, uint16_t *registers, ErrText *why)
{
    assert(form.bit == BIT_NONE || register_width(form.type) == 1);
    uint64_t bits = 0;
    Err err = ERR_OK;
    if (!isfinite(number))
        err = err_set(why, ERR_RANGE, "%g is not a number that can be written", number);
    else if (form.type == REGISTER_FLOAT32)
        err = encode_float32(number, &bits, why);
    else if (form.type == REGISTER_FLOAT64)
        memcpy(&bits, &number, sizeof bits);
    else
        err = encode_integer(form, number, &bits, why);
    if (!err)
        lay_out_bits(form, bits, registers);
    return err;
}
