/* apci.h -- the envelope of IEC 60870-5-104: a start byte, a length, four control bytes, and in frames of format I an ASDU.
 *
 * Format I carries numbered information, S acknowledges, U starts, stops and tests. Numbers run modulo 32,768.
 *
 * Pure: bytes in, values out.  Source: IEC 60870-5-104:2006, clause 5. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    APCI_START = 0x68,
    APCI_SIZE = 6,        // of frames without an ASDU
    APCI_FRAME_MAX = 255, // with its first two bytes
    APCI_ASDU_MAX = APCI_FRAME_MAX - APCI_SIZE,
    APCI_NUMBERS = 32768,
};

typedef enum ApciFormat { APCI_I, APCI_S, APCI_U } ApciFormat;

/// The functions of format U, as their bits are on the wire. Exactly one is set.
typedef enum ApciFunction {
    APCI_STARTDT_ACT = 0x04,
    APCI_STARTDT_CON = 0x08,
    APCI_STOPDT_ACT = 0x10,
    APCI_STOPDT_CON = 0x20,
    APCI_TESTFR_ACT = 0x40,
    APCI_TESTFR_CON = 0x80,
} ApciFunction;

typedef struct Apci {
    ApciFormat format;
    ApciFunction function;  // U
    uint16_t sent;          // I: N(S), the number of this frame
    uint16_t received;      // I and S: N(R), the number that the sender expects next
    const uint8_t *asdu;    // I: a view of the bytes that were read
    size_t asdu_size;
} Apci;

typedef enum ApciRead {
    APCI_MORE,      // the bytes end before the frame does
    APCI_COMPLETE,  // a frame, of `*size` bytes
    APCI_BROKEN,    // no frame begins here: on a stream nothing that follows can be trusted
} ApciRead;

/// Read the frame at the beginning of `bytes`.
ApciRead apci_read(const uint8_t *bytes, size_t count, Apci *out, size_t *size);
/// Write a frame; its size. `asdu_size` is at most APCI_ASDU_MAX.
size_t apci_write(const Apci *apci, uint8_t out[static APCI_FRAME_MAX]);

/// How many frames lie from number `from` up to `to`.
static inline uint16_t apci_distance(uint16_t from, uint16_t to)
{
    return (uint16_t)((to - from) & (APCI_NUMBERS - 1));
}
/// The number behind `number`.
static inline uint16_t apci_next(uint16_t number)
{
    return (uint16_t)((number + 1) & (APCI_NUMBERS - 1));
}
