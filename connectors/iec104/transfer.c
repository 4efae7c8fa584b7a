#include "connectors/iec104/transfer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool transfer_def_check(const TransferDef *def, ErrText *why)
{
    const struct {
        bool holds;
        const char *what;
    } rules[] = {
        {def->k >= 1 && def->k <= TRANSFER_K_MAX, "k to be 1 to 1024"},
        {def->w >= 1 && def->w < APCI_NUMBERS, "w to be 1 to 32767"},
        {def->w <= def->k, "w not to be larger than k: both sides would wait for each other"},
        {def->t2_ns < def->t1_ns, "t2 to be shorter than t1: an acknowledgement would come too late"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].holds) {
            err_set(why, ERR_RANGE, "expected %s", rules[i].what);
            return false;
        }
    return true;
}

void transfer_init(Transfer *transfer, const TransferDef *def)
{
    assert(transfer_def_check(def, NULL));
    transfer->def = *def;
    transfer->state = TRANSFER_CLOSED;
    transfer->in_size = transfer->in_at = transfer->out_size = 0;
    transfer->why[0] = 0;
}

void transfer_break(Transfer *transfer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(transfer->why, sizeof transfer->why, format, arguments);
    va_end(arguments);
    transfer->state = TRANSFER_CLOSED;
    transfer->in_size = transfer->in_at = transfer->out_size = 0;
}

/* Every frame that is written goes through here. */
static void write_frame(Transfer *transfer, const Apci *apci)
{
    if (transfer->state == TRANSFER_CLOSED)
        return;
    if (transfer->out_size + APCI_FRAME_MAX > TRANSFER_OUT) {
        transfer_break(transfer, "the other side does not read what it is sent");
        return;
    }
    transfer->out_size += apci_write(apci, transfer->out + transfer->out_size);
}

static void ask(Transfer *transfer, ApciFunction function, int64_t now)
{
    transfer->asked = function;
    transfer->asked_at = now;
    write_frame(transfer, &(Apci){.format = APCI_U, .function = function});
}

static void acknowledge(Transfer *transfer)
{
    transfer->receive_acknowledged = transfer->receive_next;
    write_frame(transfer, &(Apci){.format = APCI_S, .received = transfer->receive_next});
}

void transfer_open(Transfer *transfer, int64_t now)
{
    transfer->state = TRANSFER_STARTING;
    transfer->why[0] = 0;
    transfer->send_next = transfer->send_acknowledged = 0;
    transfer->receive_next = transfer->receive_acknowledged = 0;
    transfer->in_at = transfer->in_size = transfer->out_size = 0;
    transfer->heard_at = now;
    ask(transfer, APCI_STARTDT_ACT, now);
}

/* What has been read out of `in` makes room. */
static void tidy(Transfer *transfer)
{
    transfer->in_size -= transfer->in_at;
    memmove(transfer->in, transfer->in + transfer->in_at, transfer->in_size);
    transfer->in_at = 0;
}

size_t transfer_room(Transfer *transfer)
{
    tidy(transfer);
    return TRANSFER_IN - transfer->in_size;
}

void transfer_put(Transfer *transfer, const uint8_t *bytes, size_t count)
{
    tidy(transfer);
    assert(count <= TRANSFER_IN - transfer->in_size);
    if (transfer->state == TRANSFER_CLOSED || count == 0)
        return;
    memcpy(transfer->in + transfer->in_size, bytes, count);
    transfer->in_size += count;
}

static uint16_t waiting(const Transfer *transfer)
{
    return apci_distance(transfer->send_acknowledged, transfer->send_next);
}

/* N(R): everything before it has arrived there. */
static void take_acknowledgement(Transfer *transfer, uint16_t number)
{
    if (apci_distance(transfer->send_acknowledged, number) > waiting(transfer))
        transfer_break(transfer, "frame %u was acknowledged, which was not sent (%u to %u are open)", number, transfer->send_acknowledged, transfer->send_next);
    else
        transfer->send_acknowledged = number;
}

static TransferEvent take_information(Transfer *transfer, const Apci *apci, int64_t now)
{
    if (transfer->state == TRANSFER_STARTING) {
        transfer_break(transfer, "information came before the start was confirmed");
        return (TransferEvent){0};
    }
    if (apci->sent != transfer->receive_next) {
        transfer_break(transfer, "frame %u came where %u was expected", apci->sent, transfer->receive_next);
        return (TransferEvent){0};
    }

    if (transfer->receive_acknowledged == transfer->receive_next)
        transfer->received_at = now;
    transfer->receive_next = apci_next(transfer->receive_next);
    if (apci_distance(transfer->receive_acknowledged, transfer->receive_next) >= transfer->def.w)
        acknowledge(transfer);
    return (TransferEvent){TRANSFER_ASDU, apci->asdu, apci->asdu_size};
}

static TransferEvent take_function(Transfer *transfer, ApciFunction function)
{
    switch (function) {
        case APCI_TESTFR_ACT:
            write_frame(transfer, &(Apci){.format = APCI_U, .function = APCI_TESTFR_CON});
            return (TransferEvent){0};
        case APCI_STARTDT_ACT:
        case APCI_STOPDT_ACT:
            transfer_break(transfer, "the other side is a controlling station, too");
            return (TransferEvent){0};
        case APCI_STARTDT_CON:
        case APCI_STOPDT_CON:
        case APCI_TESTFR_CON:
            break;
    }

    // a confirmation stands one bit above what it confirms; one that nobody asked for says nothing
    if ((ApciFunction)(transfer->asked << 1) != function)
        return (TransferEvent){0};
    transfer->asked = 0;
    if (function == APCI_STARTDT_CON) {
        transfer->state = TRANSFER_STARTED;
        return (TransferEvent){.kind = TRANSFER_START};
    }
    return (TransferEvent){.kind = function == APCI_STOPDT_CON ? TRANSFER_STOP : TRANSFER_NOTHING};
}

static TransferEvent take_frame(Transfer *transfer, const Apci *apci, int64_t now)
{
    transfer->heard_at = now;
    if (apci->format == APCI_U)
        return take_function(transfer, apci->function);
    take_acknowledgement(transfer, apci->received);
    if (apci->format == APCI_S || transfer->state == TRANSFER_CLOSED)
        return (TransferEvent){0};
    return take_information(transfer, apci, now);
}

TransferEvent transfer_next(Transfer *transfer, int64_t now)
{
    Apci apci;
    size_t size;
    while (transfer->state != TRANSFER_CLOSED) {
        const ApciRead read = apci_read(transfer->in + transfer->in_at, transfer->in_size - transfer->in_at, &apci, &size);
        if (read == APCI_MORE)
            return (TransferEvent){0};
        if (read == APCI_BROKEN) {
            transfer_break(transfer, "bytes came that are no frame of IEC 60870-5-104");
            break;
        }
        transfer->in_at += size;
        const TransferEvent event = take_frame(transfer, &apci, now);
        if (event.kind)
            return event;
    }
    return (TransferEvent){.kind = transfer->why[0] ? TRANSFER_BREAK : TRANSFER_NOTHING};
}

/* t1 runs for a function that was asked for, and for the oldest frame that was sent. */
static int64_t waits_since(const Transfer *transfer)
{
    int64_t since = transfer->asked ? transfer->asked_at : INT64_MAX;
    if (waiting(transfer)) {
        const int64_t sent = transfer->sent_at[transfer->send_acknowledged % TRANSFER_K_MAX];
        since = sent < since ? sent : since;
    }
    return since;
}

static bool has_unacknowledged(const Transfer *transfer)
{
    return transfer->receive_acknowledged != transfer->receive_next;
}

void transfer_look(Transfer *transfer, int64_t now)
{
    if (transfer->state == TRANSFER_CLOSED)
        return;
    const int64_t since = waits_since(transfer);
    if (since != INT64_MAX && now - since >= transfer->def.t1_ns) {
        transfer_break(transfer, "no answer within t1 (%" PRId64 " s)", transfer->def.t1_ns / NS_PER_S);
        return;
    }
    if (has_unacknowledged(transfer) && now - transfer->received_at >= transfer->def.t2_ns)
        acknowledge(transfer);
    if (!transfer->asked && now - transfer->heard_at >= transfer->def.t3_ns)
        ask(transfer, APCI_TESTFR_ACT, now);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t transfer_due(const Transfer *transfer)
{
    if (transfer->state == TRANSFER_CLOSED)
        return INT64_MAX;
    const int64_t since = waits_since(transfer);
    int64_t due = since == INT64_MAX ? INT64_MAX : since + transfer->def.t1_ns;
    if (has_unacknowledged(transfer))
        due = earlier(due, transfer->received_at + transfer->def.t2_ns);
    if (!transfer->asked)
        due = earlier(due, transfer->heard_at + transfer->def.t3_ns);
    return due;
}

bool transfer_can_send(const Transfer *transfer)
{
    return transfer->state == TRANSFER_STARTED && waiting(transfer) < transfer->def.k && transfer->out_size + 2 * APCI_FRAME_MAX <= TRANSFER_OUT;
}

void transfer_send(Transfer *transfer, const uint8_t *asdu, size_t size, int64_t now)
{
    assert(transfer_can_send(transfer));
    transfer->sent_at[transfer->send_next % TRANSFER_K_MAX] = now;
    write_frame(transfer, &(Apci){.format = APCI_I, .sent = transfer->send_next, .received = transfer->receive_next, .asdu = asdu, .asdu_size = size});
    transfer->send_next = apci_next(transfer->send_next);
    transfer->receive_acknowledged = transfer->receive_next;
}

void transfer_stop(Transfer *transfer, int64_t now)
{
    if (transfer->state != TRANSFER_STARTED)
        return;
    if (has_unacknowledged(transfer))
        acknowledge(transfer);
    transfer->state = TRANSFER_STOPPING;
    ask(transfer, APCI_STOPDT_ACT, now);
}

void transfer_wrote(Transfer *transfer, size_t count)
{
    assert(count <= transfer->out_size);
    transfer->out_size -= count;
    memmove(transfer->out, transfer->out + count, transfer->out_size);
}
