#include "connectors/iec104/apci.h"

#include <assert.h>
#include <string.h>

static uint16_t read_number(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] >> 1 | bytes[1] << 7);
}

static void write_number(uint16_t number, uint8_t *out)
{
    out[0] = (uint8_t)(number << 1);
    out[1] = (uint8_t)(number >> 7);
}

/* Exactly one function in the upper six bits. */
static bool is_function(uint8_t control)
{
    const uint8_t bits = control & 0xfc;
    return bits && (bits & (bits - 1)) == 0;
}

static bool read_control(const uint8_t *control, size_t asdu_size, Apci *out)
{
    if ((control[0] & 1) == 0) {
        *out = (Apci){.format = APCI_I, .sent = read_number(control), .received = read_number(control + 2), .asdu = control + 4, .asdu_size = asdu_size};
        return true;
    }
    if ((control[0] & 3) == 1)
        *out = (Apci){.format = APCI_S, .received = read_number(control + 2)};
    else
        *out = (Apci){.format = APCI_U, .function = control[0] & 0xfc};
    return asdu_size == 0 && (out->format == APCI_S || is_function(control[0]));
}

ApciRead apci_read(const uint8_t *bytes, size_t count, Apci *out, size_t *size)
{
    assert(bytes || count == 0);
    assert(out && size);
    if (count > 0 && bytes[0] != APCI_START)
        return APCI_BROKEN;
    if (count < 2)
        return APCI_MORE;

    const size_t length = bytes[1];
    if (length < APCI_SIZE - 2 || length > APCI_FRAME_MAX - 2)
        return APCI_BROKEN;
    if (count < length + 2)
        return APCI_MORE;
    *size = length + 2;
    return read_control(bytes + 2, length + 2 - APCI_SIZE, out) ? APCI_COMPLETE : APCI_BROKEN;
}

size_t apci_write(const Apci *apci, uint8_t out[static APCI_FRAME_MAX])
{
    assert(apci->asdu_size <= APCI_ASDU_MAX);
    assert(apci->asdu_size == 0 || apci->format == APCI_I);
    out[0] = APCI_START;
    out[1] = (uint8_t)(APCI_SIZE - 2 + apci->asdu_size);
    memset(out + 2, 0, 4);
    switch (apci->format) {
        case APCI_I:
            write_number(apci->sent, out + 2);
            write_number(apci->received, out + 4);
            if (apci->asdu_size)
                memcpy(out + APCI_SIZE, apci->asdu, apci->asdu_size);
            break;
        case APCI_S:
            out[2] = 1;
            write_number(apci->received, out + 4);
            break;
        case APCI_U:
            out[2] = (uint8_t)(apci->function | 3);
            break;
    }
    return APCI_SIZE + apci->asdu_size;
}
