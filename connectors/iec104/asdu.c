#include "connectors/iec104/asdu.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { HEAD_SIZE = 6, ADDRESS_SIZE = 3, SELECT = 0x80 };

// name, bytes
#define ELEMENTS(X)                                      \
    X(NOTHING, 0)                                        \
    X(SIQ, 1)      /* point with quality */              \
    X(DIQ, 1)      /* double point with quality */       \
    X(VTI, 2)      /* step position, quality */          \
    X(BSI, 5)      /* 32 bits, quality */                \
    X(NVA, 3)      /* normalised, quality */             \
    X(SVA, 3)      /* scaled, quality */                 \
    X(R32, 5)      /* floating point, quality */         \
    X(BCR, 5)      /* counter, sequence number */        \
    X(NVA_BARE, 2) /* normalised */                      \
    X(SCO, 1)      /* single command */                  \
    X(DCO, 1)      /* double command */                  \
    X(RCO, 1)      /* regulating step */                 \
    X(NVA_QOS, 3)  /* set points with their qualifier */ \
    X(SVA_QOS, 3)                                        \
    X(R32_QOS, 5)                                        \
    X(BITS, 4)     /* 32 bits */                         \
    X(COI, 1)      /* cause of initialisation */         \
    X(QOI, 1)      /* qualifier of interrogation */      \
    X(QCC, 1)      /* of counter interrogation */        \
    X(TSC, 2)      /* test sequence counter */

typedef enum Element {
#define X(name, size) name,
    ELEMENTS(X)
#undef X
} Element;

static const uint8_t element_sizes[] = {
#define X(name, size) [name] = size,
    ELEMENTS(X)
#undef X
};

typedef struct Row {
    const char *name;
    Element element;
    bool timed;
    AsduDirection direction;
} Row;

static const Row rows[] = {
#define X(name, number, element, timed, direction) [number] = {#name "_1", element, timed, ASDU_##direction},
    ASDU_TYPES(X)
#undef X
};

static const Row *find_row(int type)
{
    return type >= 0 && (size_t)type < sizeof rows / sizeof *rows && rows[type].name ? &rows[type] : NULL;
}

static uint32_t read_u24(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return read_u24(bytes) | (uint32_t)bytes[3] << 24;
}

static int16_t read_i16(const uint8_t *bytes)
{
    return (int16_t)(bytes[0] | bytes[1] << 8);
}

static float read_float(const uint8_t *bytes)
{
    const uint32_t bits = read_u32(bytes);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static size_t object_size(const Row *row)
{
    return element_sizes[row->element] + (row->timed ? CP56_SIZE : 0);
}

const char *asdu_open(Asdu *asdu, const uint8_t *bytes, size_t size)
{
    assert(asdu && (bytes || size == 0));
    *asdu = (Asdu){0};
    if (size < HEAD_SIZE)
        return "shorter than its head";
    const Row *const row = find_row(bytes[0]);
    *asdu = (Asdu){.type = bytes[0],
                   .direction = row ? row->direction : ASDU_SYSTEM,
                   .cause = bytes[2] & 0x3f,
                   .negative = bytes[2] & 0x40,
                   .test = bytes[2] & 0x80,
                   .originator = bytes[3],
                   .station = (uint16_t)(bytes[4] | bytes[5] << 8),
                   .bytes = bytes + HEAD_SIZE,
                   .in_sequence = bytes[1] & 0x80};
    if (!row)
        return "of a type that is not known";

    const uint8_t count = bytes[1] & 0x7f;
    if (count == 0)
        return "without an object";
    if (asdu->in_sequence && row->direction != ASDU_MONITOR)
        return "a sequence, which its type cannot be";
    if (count > 1 && row->direction != ASDU_MONITOR)
        return "of several objects, which its type cannot have";
    const size_t expected = asdu->in_sequence ? ADDRESS_SIZE + count * object_size(row) : count * (ADDRESS_SIZE + object_size(row));
    if (size != HEAD_SIZE + expected)
        return "not as long as its type and count ask for";

    if (asdu->in_sequence) {
        asdu->address = read_u24(asdu->bytes);
        asdu->bytes += ADDRESS_SIZE;
        if (asdu->address + count - 1 > ASDU_ADDRESS_MAX)
            return "a sequence beyond the last address";
    }
    asdu->left = count;
    return NULL;
}

/* The two bits of a double point: off and on, or neither. */
static void read_double(uint8_t bits, AsduObject *out)
{
    out->number = bits == 1 ? 0 : bits == 2 ? 1 : 0.5;
    if (bits == 0 || bits == 3)
        out->quality |= ASDU_BETWEEN;
}

static void read_step(const uint8_t *bytes, AsduObject *out)
{
    const int position = bytes[0] & 0x7f;
    out->number = position < 64 ? position : position - 128;
    out->quality = (uint8_t)((bytes[1] & 0xf1) | (bytes[0] & 0x80 ? ASDU_MOVING : 0));
}

static void read_counter(const uint8_t *bytes, AsduObject *out)
{
    out->number = (int32_t)read_u32(bytes);
    out->quality = (uint8_t)((bytes[4] & ASDU_IV) | (bytes[4] & 0x60 ? ASDU_ADJUSTED : 0));
}

static void read_element(Element element, const uint8_t *bytes, AsduObject *out)
{
    enum { QUALITY = 0xf1, QUALITY_OF_POINT = 0xf0 };
    switch (element) {
        case NOTHING:
            break;
        case SIQ:
            out->number = bytes[0] & 1;
            out->quality = bytes[0] & QUALITY_OF_POINT;
            break;
        case DIQ:
            out->quality = bytes[0] & QUALITY_OF_POINT;
            read_double(bytes[0] & 3, out);
            break;
        case VTI:
            read_step(bytes, out);
            break;
        case BSI:
            out->number = read_u32(bytes);
            out->quality = bytes[4] & QUALITY;
            break;
        case NVA:
        case SVA:
            out->number = read_i16(bytes) / (element == NVA ? 32768.0 : 1.0);
            out->quality = bytes[2] & QUALITY;
            break;
        case R32:
            out->number = read_float(bytes);
            out->quality = bytes[4] & QUALITY;
            break;
        case BCR:
            read_counter(bytes, out);
            break;
        case NVA_BARE:
            out->number = read_i16(bytes) / 32768.0;
            break;
        case SCO:
            out->number = bytes[0] & 1;
            out->select = bytes[0] & SELECT;
            break;
        case DCO:
            read_double(bytes[0] & 3, out);
            out->select = bytes[0] & SELECT;
            break;
        case RCO:
            out->number = (bytes[0] & 3) == 1 ? -1 : (bytes[0] & 3) == 2 ? 1 : 0;
            out->select = bytes[0] & SELECT;
            break;
        case NVA_QOS:
        case SVA_QOS:
            out->number = read_i16(bytes) / (element == NVA_QOS ? 32768.0 : 1.0);
            out->select = bytes[2] & SELECT;
            break;
        case R32_QOS:
            out->number = read_float(bytes);
            out->select = bytes[4] & SELECT;
            break;
        case BITS:
            out->number = read_u32(bytes);
            break;
        case COI:
        case QOI:
        case QCC:
            out->number = bytes[0];
            break;
        case TSC:
            out->number = bytes[0] | bytes[1] << 8;
            break;
    }
}

bool asdu_next(Asdu *asdu, AsduObject *out)
{
    if (asdu->left == 0)
        return false;
    const Row *const row = find_row(asdu->type);
    assert(row);
    *out = (AsduObject){.address = asdu->address, .element_size = element_sizes[row->element]};
    if (!asdu->in_sequence) {
        out->address = read_u24(asdu->bytes);
        asdu->bytes += ADDRESS_SIZE;
    }

    out->element = asdu->bytes;
    read_element(row->element, asdu->bytes, out);
    if (row->timed)
        out->time = asdu->bytes + out->element_size;
    asdu->bytes += object_size(row);
    asdu->address++;
    asdu->left--;
    return true;
}

static bool is_within(double number, double low, double high)
{
    return number >= low && number <= high;  // not a number is not
}

bool asdu_carries(AsduType type, double number)
{
    const Row *const row = find_row(type);
    assert(row);
    switch (row->element) {
        case NOTHING:
            return true;
        case SCO:
        case DCO:
            return number == 0 || number == 1;
        case RCO:
            return number == -1 || number == 1;
        case NVA_QOS:
            return is_within(number, -1, 32767.0 / 32768);
        case SVA_QOS:
            return is_within(number, -32768.5, 32767.5) && is_within(rint(number), -32768, 32767);
        case R32_QOS:
            return isfinite((float)number);
        case BITS:
            return is_within(number, 0, UINT32_MAX) && number == rint(number);
        case QOI:
        case QCC:
            return is_within(number, 0, 255);
        case TSC:
            return is_within(number, 0, 65535);
        default:
            return false;
    }
}

const char *asdu_carries_what(AsduType type)
{
    const Row *const row = find_row(type);
    assert(row);
    switch (row->element) {
        case SCO:
        case DCO:
            return "0 or 1";
        case RCO:
            return "-1 or 1";
        case NVA_QOS:
            return "-1 to 0.99997";
        case SVA_QOS:
            return "-32768 to 32767";
        case R32_QOS:
            return "what fits 32 bits of floating point";
        case BITS:
            return "whole numbers from 0 to 4294967295";
        default:
            return "none of these";
    }
}

static void write_u16(uint32_t number, uint8_t *out)
{
    out[0] = (uint8_t)number;
    out[1] = (uint8_t)(number >> 8);
}

static void write_u32(uint32_t number, uint8_t *out)
{
    write_u16(number, out);
    write_u16(number >> 16, out + 2);
}

static void write_float(float value, uint8_t *out)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    write_u32(bits, out);
}

static void write_element(Element element, double number, uint8_t select, uint8_t *out)
{
    switch (element) {
        case SCO:
            out[0] = (uint8_t)((number != 0) | select);
            break;
        case DCO:
            out[0] = (uint8_t)((number != 0 ? 2 : 1) | select);
            break;
        case RCO:
            out[0] = (uint8_t)((number > 0 ? 2 : 1) | select);
            break;
        case NVA_QOS:
        case SVA_QOS:
            write_u16((uint32_t)(int32_t)rint(element == NVA_QOS ? number * 32768 : number), out);
            out[2] = select;
            break;
        case R32_QOS:
            write_float((float)number, out);
            out[4] = select;
            break;
        case BITS:
            write_u32((uint32_t)number, out);
            break;
        case QOI:
        case QCC:
            out[0] = (uint8_t)number;
            break;
        case TSC:
            write_u16((uint32_t)number, out);
            break;
        default:
            break;
    }
}

size_t asdu_write(const AsduRequest *request, uint8_t out[static APCI_ASDU_MAX])
{
    const Row *const row = find_row(request->type);
    assert(row && row->direction != ASDU_MONITOR);
    assert(request->address <= ASDU_ADDRESS_MAX);
    if (!asdu_carries(request->type, request->number))
        return 0;

    out[0] = (uint8_t)request->type;
    out[1] = 1;
    out[2] = (uint8_t)request->cause;
    out[3] = request->originator;
    write_u16(request->station, out + 4);
    write_u16(request->address, out + HEAD_SIZE);
    out[HEAD_SIZE + 2] = (uint8_t)(request->address >> 16);

    uint8_t *const element = out + HEAD_SIZE + ADDRESS_SIZE;
    write_element(row->element, request->number, request->select ? SELECT : 0, element);
    if (row->timed)
        cp56_write(request->time, request->zone_ns, element + element_sizes[row->element]);
    return HEAD_SIZE + ADDRESS_SIZE + object_size(row);
}

const char *asdu_type_name(int type)
{
    const Row *const row = find_row(type);
    return row ? row->name : "?";
}

AsduType asdu_find_type(const char *name)
{
    assert(name);
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const other = rows[i].name;
        if (other && strncmp(other, name, length) == 0 && (other[length] == 0 || strcmp(other + length, "_1") == 0))
            return (AsduType)i;
    }
    return ASDU_NONE;
}

bool asdu_is_command(AsduType type)
{
    const Row *const row = find_row(type);
    return row && row->direction == ASDU_CONTROL;
}

const char *asdu_cause_name(int cause)
{
    static const char *const names[] = {
        [ASDU_PERIODIC] = "periodic",
        [ASDU_BACKGROUND] = "background scan",
        [ASDU_SPONTANEOUS] = "spontaneous",
        [ASDU_INITIALISED] = "initialised",
        [ASDU_REQUESTED] = "requested",
        [ASDU_ACT] = "activation",
        [ASDU_ACT_CON] = "activation confirmation",
        [ASDU_DEACT] = "deactivation",
        [ASDU_DEACT_CON] = "deactivation confirmation",
        [ASDU_ACT_TERM] = "activation termination",
        [ASDU_RETURN_REMOTE] = "return information of a remote command",
        [ASDU_RETURN_LOCAL] = "return information of a local command",
        [ASDU_INTERROGATED] = "interrogated",
        [ASDU_COUNTERS] = "counters requested",
        [ASDU_UNKNOWN_TYPE] = "unknown type",
        [ASDU_UNKNOWN_CAUSE] = "unknown cause of transmission",
        [ASDU_UNKNOWN_STATION] = "unknown common address",
        [ASDU_UNKNOWN_ADDRESS] = "unknown information object address",
    };
    return cause >= 0 && (size_t)cause < sizeof names / sizeof *names && names[cause] ? names[cause] : "?";
}
