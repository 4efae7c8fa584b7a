/* unit.h -- units of measure, by UDUNITS-2.
 *
 * Inside the engine every value is in SI base units; a Unit converts at the edge (scripts, samples, what is shown). Units are
 * interned: two spellings of one unit give one pointer, so `==` compares, and dimensions are compared by unit_converts.
 *
 * Threads: any; conversions take no lock. Memory: the process's, kept until unit_forget_all. */
#pragma once

#include <stdbool.h>

#include "base/base.h"

typedef struct Unit Unit;

/// The unit that `text` spells: "W/K", "degC", "m^2", "l/min", "bar", "1" (no dimension). ERR_UNIT names what is not understood, or what
/// no scale and offset converts (logarithms, calendars). Symbols are those of the SI: "C" is a coulomb and "pH" a picohenry.
Err unit_parse(const char *text, const Unit **out, ErrText *why);
/// The unit of plain numbers.
const Unit *unit_one(void);
/// As it was first spelt; the SI definition ("m3.s-1") when it was only computed so far.
const char *unit_name(const Unit *unit);
/// The same dimension. Angles and counts have none: rpm, rad/s and Hz convert into each other.
bool unit_converts(const Unit *from, const Unit *to);
/// The SI base unit (coherent, without offset) of the same dimension: degC -> K, l/min -> m3.s-1.
const Unit *unit_base(const Unit *unit);

/// Dimensions of products, powers and roots, as base units. NULL where there is none (the square root of a metre).
const Unit *unit_multiply(const Unit *a, const Unit *b);
const Unit *unit_divide(const Unit *a, const Unit *b);
const Unit *unit_power(const Unit *a, int power);
const Unit *unit_root(const Unit *a, int root);

/// Values: with the offset (20 degC is 293.15 K).
double unit_to_si(const Unit *unit, double value);
double unit_from_si(const Unit *unit, double si);
/// Differences and standard deviations: the scale alone (1 degC of difference is 1 K).
double unit_scale_to_si(const Unit *unit, double difference);
double unit_scale_from_si(const Unit *unit, double difference);

/// Free every unit (but unit_one); for the end of the process and of tests.
void unit_forget_all(void);
