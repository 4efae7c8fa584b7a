/* registers.h -- numbers in registers of 16 bits.
 *
 * Modbus says nothing of numbers wider than a register, so devices differ in which of the registers, and which byte of each, comes first. An order is
 * named by how it lays out the four bytes of 0xAABBCCDD; a number of 64 bits is laid out by the same two rules, of the registers and of the bytes in each:
 *
 *     order   16 bits   32 bits   64 bits     first register          first byte of a register
 *     ABCD    AB        ABCD      ABCDEFGH    most significant        most significant (what the standard does for 16 bits)
 *     CDAB    AB        CDAB      GHEFCDAB    least significant       most significant
 *     BADC    BA        BADC      BADCFEHG    most significant        least significant
 *     DCBA    BA        DCBA      HGFEDCBA    least significant       least significant
 *
 * Takes: registers, numbers.  Gives: the other.  Threads: any. */
#pragma once

#include "base/base.h"

typedef enum RegisterType {
    REGISTER_BOOL,  // 0: no, anything else: yes
    REGISTER_INT16,
    REGISTER_UINT16,
    REGISTER_INT32,
    REGISTER_UINT32,
    REGISTER_INT64,  // beyond 2^53 to the nearest double, as REGISTER_UINT64
    REGISTER_UINT64,
    REGISTER_FLOAT32,
    REGISTER_FLOAT64,
} RegisterType;

typedef enum RegisterOrder { ORDER_ABCD, ORDER_CDAB, ORDER_BADC, ORDER_DCBA } RegisterOrder;

enum { REGISTERS_WIDEST = 4, BIT_NONE = -1 };

/// How a number stands in registers.
typedef struct RegisterForm {
    RegisterType type;
    RegisterOrder order;
    int bit;  // of one register, 0 the least significant: the number is 0 or 1. BIT_NONE: all of them
} RegisterForm;

/// "bool", "int16", ...; "ABCD", ...; for options_choice.
extern const char *const register_type_names[];
extern const char *const register_order_names[];

/// How many registers: 1, 2 or 4.
size_t register_width(RegisterType type);
/// Any bits are a number; a float may be NaN or infinite.
double register_decode(RegisterForm form, const uint16_t *registers);
/// Integers are rounded to the nearest. ERR_RANGE when the type does not reach so far. With a bit the first register is 0 or 1 << bit.
Err register_encode(RegisterForm form, double number, uint16_t *registers, ErrText *why);
