/* transfer.h -- the numbered transfer of ASDUs over one connection: what clause 5 of IEC 60870-5-104 asks of a controlling station.
 *
 * Whoever holds the socket puts in what it reads, takes events out one by one, writes what is in `out`, and calls transfer_look when transfer_due says so:
 *
 *     transfer_open(t, now);                              // asks the other side to start
 *     while (connected) {
 *         transfer_put(t, bytes, n);
 *         while ((event = transfer_next(t, now)).kind) ...   // started, an ASDU, the end
 *         write t->out, transfer_wrote(t, n);
 *     }
 *
 * Received frames are acknowledged after w of them or t2; what was sent waits for that for t1 at most, and no more than k frames do. After t3 of silence the
 * connection is tested. A frame out of order, a number that was never sent, bytes that are no frame, or t1 end the transfer: nothing is sent again, by the
 * standard's own rule, and whoever comes after begins at number 0.
 *
 * Pure: no clock, no socket, no allocation. Times are elapsed ns of any clock that does not go back.  Threads: one at a time. */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "connectors/iec104/apci.h"

enum { TRANSFER_K_MAX = 1024, TRANSFER_IN = 8 * 1024, TRANSFER_OUT = 32 * 1024 };

typedef struct TransferDef {
    int64_t t1_ns, t2_ns, t3_ns;  // t2 < t1
    uint16_t k, w;                // 1 to TRANSFER_K_MAX, 1 to 32,767
} TransferDef;

typedef enum TransferState {
    TRANSFER_CLOSED,    // not opened, or broken: nothing goes in or out
    TRANSFER_STARTING,  // STARTDT was asked for
    TRANSFER_STARTED,
    TRANSFER_STOPPING,  // STOPDT was asked for: what still comes is taken
} TransferState;

typedef struct Transfer {
    TransferDef def;
    TransferState state;
    char why[96];  // of a broken one

    uint16_t send_next, send_acknowledged;        // V(S), and up to which number the other side has all
    uint16_t receive_next, receive_acknowledged;  // V(R), and up to which number it was told so
    int64_t sent_at[TRANSFER_K_MAX];              // of the frames that wait for their acknowledgement, by number
    int64_t received_at;                          // of the oldest frame that was not acknowledged
    int64_t asked_at;                             // of an U function that waits for its confirmation
    ApciFunction asked;                           // 0: none
    int64_t heard_at;                             // anything

    size_t in_at, in_size;
    size_t out_size;
    uint8_t in[TRANSFER_IN];
    uint8_t out[TRANSFER_OUT];  // to be written
} Transfer;

typedef enum TransferEventKind { TRANSFER_NOTHING, TRANSFER_START, TRANSFER_ASDU, TRANSFER_STOP, TRANSFER_BREAK } TransferEventKind;

typedef struct TransferEvent {
    TransferEventKind kind;
    const uint8_t *asdu;  // a view, until the next call
    size_t size;
} TransferEvent;

/// Whether the numbers agree with each other; what was expected, where they do not.
bool transfer_def_check(const TransferDef *def, ErrText *why);
void transfer_init(Transfer *transfer, const TransferDef *def);
/// The connection is there: begin at number 0, and ask for the start.
void transfer_open(Transfer *transfer, int64_t now);
/// How many bytes can be put in. There is room again when transfer_next has said TRANSFER_NOTHING.
size_t transfer_room(Transfer *transfer);
/// Bytes that came; at most transfer_room.
void transfer_put(Transfer *transfer, const uint8_t *bytes, size_t count);
TransferEvent transfer_next(Transfer *transfer, int64_t now);
/// Run the timers. When the next one may run out is transfer_due, INT64_MAX while none runs.
void transfer_look(Transfer *transfer, int64_t now);
int64_t transfer_due(const Transfer *transfer);
/// Whether an ASDU may be sent now: the transfer is started and fewer than k frames wait.
bool transfer_can_send(const Transfer *transfer);
/// Send an ASDU; only where transfer_can_send.
void transfer_send(Transfer *transfer, const uint8_t *asdu, size_t size, int64_t now);
/// Ask for the stop. TRANSFER_STOP is its confirmation.
void transfer_stop(Transfer *transfer, int64_t now);
/// End it, and say why; what has not been written stays unwritten.
void transfer_break(Transfer *transfer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/// The first `count` bytes of `out` have been written.
void transfer_wrote(Transfer *transfer, size_t count);
