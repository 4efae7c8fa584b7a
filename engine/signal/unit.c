/* unit.c -- units from UDUNITS-2, interned in one list.
 *
 * UDUNITS-2 understands spellings; we keep of each unit what the engine needs per value, its scale and offset, so that a conversion
 * is one multiplication and one addition and takes no lock. The base of a unit leaves out what has no dimension (radians, counts): rpm
 * is 0.1047 s-1 and converts to hertz. All of the list stands behind one lock; a unit that is in it changes no more, but for its name. */
#include "signal/unit.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <udunits2.h>

enum { SPELLING_MAX = 127, UNITS_MAX = 4096 };  // spellings come from outside as well: they cannot grow for ever

struct Unit {
    _Atomic(const char *) name;
    bool spelt;  // the name is somebody's spelling, not our own
    const Unit *base;
    double scale, offset;  // SI = value * scale + offset
    ut_unit *ut;
    Unit *next;
};

typedef struct Spelling Spelling;
struct Spelling {
    const char *text;
    const Unit *unit;
    Spelling *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ut_system *dictionary;
static Arena arena;
static Unit one = {.name = "1", .spelt = true, .base = &one, .scale = 1};
static Unit *units;  // without `one`, newest first
static Spelling *spellings;
static size_t kept;  // units and spellings

/* What people write and the dictionary does not know. */
static const struct {
    const char *symbol, *meaning;
} additions[] = {{"Wh", "W.h"}, {"Ah", "A.h"}, {"deg", "arc_degree"}, {"Nm", "N.m"}};

static Err load_dictionary(ErrText *why)
{
    if (dictionary)
        return ERR_OK;
    ut_set_error_message_handler(ut_ignore);
    dictionary = ut_read_xml(NULL);
    if (!dictionary)
        return err_set(why, ERR_IO, "the units of UDUNITS-2 cannot be read (is its file udunits2.xml installed, or named by UDUNITS2_XML_PATH?)");

    for (size_t i = 0; i < sizeof additions / sizeof *additions; i++) {
        ut_unit *const unit = ut_parse(dictionary, additions[i].meaning, UT_ASCII);
        ut_map_symbol_to_unit(additions[i].symbol, UT_ASCII, unit);
        ut_free(unit);
    }
    one.ut = ut_get_dimensionless_unit_one(dictionary);
    return ERR_OK;
}

// The coherent unit of a dimension is the product of its basic units; a visitor collects it.

static ut_status visit_product(const ut_unit *unit, int count, const ut_unit *const *basic, const int *powers, void *result)
{
    (void)unit;
    ut_unit **const product = result;
    for (int i = 0; i < count && *product; i++) {
        if (ut_is_dimensionless(basic[i]))
            continue;
        ut_unit *const factor = ut_raise(basic[i], powers[i]);
        ut_unit *const next = factor ? ut_multiply(*product, factor) : NULL;
        ut_free(factor);
        ut_free(*product);
        *product = next;
    }
    return *product ? UT_SUCCESS : UT_OS;
}

static ut_status visit_basic(const ut_unit *unit, void *result)
{
    return visit_product(unit, 1, &unit, (const int[]){1}, result);
}

static ut_status visit_timestamp(const ut_unit *unit, const ut_unit *time, double origin, void *result)
{
    (void)unit, (void)time, (void)origin, (void)result;
    return UT_MEANINGLESS;
}

static ut_status visit_logarithmic(const ut_unit *unit, double base, const ut_unit *reference, void *result)
{
    (void)unit, (void)base, (void)reference, (void)result;
    return UT_MEANINGLESS;
}

static ut_status visit_galilean(const ut_unit *unit, double scale, const ut_unit *underlying, double origin, void *result);

static const ut_visitor coherent_visitor = {visit_basic, visit_product, visit_galilean, visit_timestamp, visit_logarithmic};

static ut_status visit_galilean(const ut_unit *unit, double scale, const ut_unit *underlying, double origin, void *result)
{
    (void)unit, (void)scale, (void)origin;
    return ut_accept_visitor(underlying, &coherent_visitor, result);
}

/* NULL for calendars and logarithms: there no scale and offset leads to SI. */
static ut_unit *find_coherent(const ut_unit *ut)
{
    ut_unit *product = ut_clone(one.ut);
    if (product && ut_accept_visitor(ut, &coherent_visitor, &product) == UT_SUCCESS)
        return product;
    ut_free(product);
    return NULL;
}

static bool find_conversion(Unit *unit)
{
    cv_converter *const converter = ut_get_converter(unit->ut, unit->base->ut);
    if (!converter)
        return false;

    // far from zero the offset is below the last bit, so the scale comes out exactly as the dictionary has it
    const double far = 0x1p100;
    unit->offset = cv_convert_double(converter, 0);
    unit->scale = cv_convert_double(converter, far) / far;
    cv_free(converter);
    return isfinite(unit->offset) && isnormal(unit->scale);
}

static const char *spell_definition(const ut_unit *ut)
{
    char text[256];
    const int length = ut_format(ut, text, sizeof text, UT_ASCII | UT_DEFINITION);
    return length >= 0 && (size_t)length < sizeof text ? arena_text(&arena, text) : NULL;
}

static Unit *find_unit(const ut_unit *ut)
{
    if (ut_compare(ut, one.ut) == 0)
        return &one;
    Unit *unit = units;
    while (unit && ut_compare(unit->ut, ut) != 0)
        unit = unit->next;
    return unit;
}

static const Unit *intern(ut_unit *ut, const char *spelling);

/* A unit that is not there yet. Takes `ut`, whatever the outcome. */
static Unit *add_unit(ut_unit *ut, const char *name)
{
    ut_unit *const coherent = find_coherent(ut);
    Unit *const unit = coherent && name && kept < UNITS_MAX ? arena_new(&arena, Unit, 1) : NULL;
    if (!unit) {
        ut_free(coherent);
        ut_free(ut);
        return NULL;
    }

    *unit = (Unit){.name = name, .scale = 1, .ut = ut};
    if (ut_compare(coherent, ut) == 0) {
        unit->base = unit;
        ut_free(coherent);
    } else {
        unit->base = intern(coherent, NULL);
    }
    if (!unit->base || (unit->base != unit && !find_conversion(unit))) {
        ut_free(ut);
        return NULL;
    }
    unit->next = units;
    units = unit;
    kept++;
    return unit;
}

/* The one unit that is equal to `ut`, which it takes. A unit that was first computed gets the name under which somebody asks for it. */
static const Unit *intern(ut_unit *ut, const char *spelling)
{
    if (!ut)
        return NULL;
    Unit *unit = find_unit(ut);
    if (unit)
        ut_free(ut);
    else
        unit = add_unit(ut, spelling ? arena_text(&arena, spelling) : spell_definition(ut));

    if (unit && spelling && !unit->spelt) {
        const char *const name = arena_text(&arena, spelling);
        if (name)
            atomic_store(&unit->name, name);
        unit->spelt = name;
    }
    return unit;
}

static const Unit *find_spelling(const char *text)
{
    const Spelling *spelling = spellings;
    while (spelling && strcmp(spelling->text, text) != 0)
        spelling = spelling->next;
    return spelling ? spelling->unit : NULL;
}

static void keep_spelling(const char *text, const Unit *unit)
{
    Spelling *const spelling = kept < UNITS_MAX ? arena_new(&arena, Spelling, 1) : NULL;
    const char *const copy = spelling ? arena_text(&arena, text) : NULL;
    if (!copy)
        return;  // it will be parsed again, that is all
    *spelling = (Spelling){copy, unit, spellings};
    spellings = spelling;
    kept++;
}

/* UDUNITS-2 lets one closing parenthesis too many pass. */
static bool is_balanced(const char *text)
{
    int open = 0;
    for (; *text && open >= 0; text++)
        open += (*text == '(') - (*text == ')');
    return open == 0;
}

static Err parse_locked(const char *text, const Unit **out, ErrText *why)
{
    *out = find_spelling(text);
    if (*out)
        return ERR_OK;
    const Err err = load_dictionary(why);
    if (err)
        return err;

    ut_unit *const ut = is_balanced(text) ? ut_parse(dictionary, text, UT_UTF8) : NULL;
    if (!ut)
        return err_set(why, ERR_UNIT, "\"%s\" is not a unit that is known (expected something like \"degC\", \"l/min\", \"W/K\" or \"1\")", text);
    const Unit *const unit = intern(ut, text);
    if (!unit && kept >= UNITS_MAX)
        return err_set(why, ERR_FULL, "\"%s\": more than %d units and spellings", text, UNITS_MAX);
    if (!unit)
        return err_set(why, ERR_UNIT, "\"%s\" does not convert by a scale and an offset (calendars and logarithms do not)", text);
    keep_spelling(text, unit);
    *out = unit;
    return ERR_OK;
}

Err unit_parse(const char *text, const Unit **out, ErrText *why)
{
    assert(text);
    assert(out);
    const size_t length = strnlen(text, SPELLING_MAX + 1);
    if (length > SPELLING_MAX)
        return err_set(why, ERR_UNIT, "\"%.20s...\" is too long for a unit (expected at most %d bytes)", text, SPELLING_MAX);

    char spelling[SPELLING_MAX + 1];
    memcpy(spelling, text, length + 1);
    ut_trim(spelling, UT_UTF8);

    pthread_mutex_lock(&lock);
    const Err err = parse_locked(spelling, out, why);
    pthread_mutex_unlock(&lock);
    return err;
}

const Unit *unit_one(void)
{
    return &one;
}

const char *unit_name(const Unit *unit)
{
    return atomic_load(&unit->name);
}

bool unit_converts(const Unit *from, const Unit *to)
{
    return from->base == to->base;
}

const Unit *unit_base(const Unit *unit)
{
    return unit->base;
}

static ut_unit *multiply(const Unit *a, const Unit *b, int unused)
{
    (void)unused;
    return ut_multiply(a->base->ut, b->base->ut);
}

static ut_unit *divide(const Unit *a, const Unit *b, int unused)
{
    (void)unused;
    return ut_divide(a->base->ut, b->base->ut);
}

static ut_unit *power_of(const Unit *a, const Unit *unused, int power)
{
    (void)unused;
    return ut_raise(a->base->ut, power);
}

static ut_unit *root_of(const Unit *a, const Unit *unused, int root)
{
    (void)unused;
    return ut_root(a->base->ut, root);
}

static const Unit *compute(ut_unit *(*operation)(const Unit *a, const Unit *b, int number), const Unit *a, const Unit *b, int number)
{
    assert(a);
    pthread_mutex_lock(&lock);
    const Unit *const unit = load_dictionary(NULL) == ERR_OK ? intern(operation(a, b, number), NULL) : NULL;
    pthread_mutex_unlock(&lock);
    return unit;
}

const Unit *unit_multiply(const Unit *a, const Unit *b)
{
    return compute(multiply, a, b, 0);
}

const Unit *unit_divide(const Unit *a, const Unit *b)
{
    return compute(divide, a, b, 0);
}

const Unit *unit_power(const Unit *a, int power)
{
    return compute(power_of, a, NULL, power);
}

const Unit *unit_root(const Unit *a, int root)
{
    return compute(root_of, a, NULL, root);
}

double unit_to_si(const Unit *unit, double value)
{
    return value * unit->scale + unit->offset;
}

double unit_from_si(const Unit *unit, double si)
{
    return (si - unit->offset) / unit->scale;
}

double unit_scale_to_si(const Unit *unit, double difference)
{
    return difference * unit->scale;
}

double unit_scale_from_si(const Unit *unit, double difference)
{
    return difference / unit->scale;
}

void unit_forget_all(void)
{
    pthread_mutex_lock(&lock);
    for (const Unit *unit = units; unit; unit = unit->next)
        ut_free(unit->ut);
    ut_free(one.ut);
    ut_free_system(dictionary);
    arena_fini(&arena);
    one.ut = NULL;
    dictionary = NULL;
    units = NULL;
    spellings = NULL;
    kept = 0;
    pthread_mutex_unlock(&lock);
}
