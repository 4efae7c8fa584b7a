/* fuzz_iec104_link.c -- any bytes, with times and commands between them, as what a controlling station of IEC 60870-5-104 receives.
 *
 * Whatever comes: each command has one outcome, no more than k frames wait, and bytes that come one by one say the same as those that come at once.
 * The input is a list of steps: a byte that says what, and what it needs. */
#include <stdlib.h>
#include <string.h>

#include "connectors/iec104/master.h"

enum { IDS = 512, MOST = 1024 };  // commands, bytes: longer inputs are slow and say nothing new

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

typedef struct Run {
    Master master;
    MasterTime now;
    uint64_t said;  // a hash of all events
    uint64_t asked, ended;
    bool has_ended[IDS];
    bool by_bytes;
} Run;

static void say(Run *run, uint64_t what)
{
    run->said = (run->said ^ what) * UINT64_C(0x100000001b3);
}

static void take_events(Run *run)
{
    for (MasterEvent event; (event = master_next(&run->master, run->now)).kind;) {
        say(run, event.kind);
        say(run, event.kind == MASTER_VALUE ? event.object.address : 0);
        if (event.kind != MASTER_OUTCOME)
            continue;
        require(event.command < run->asked && !run->has_ended[event.command] && event.text[0]);
        run->has_ended[event.command] = true;
        run->ended++;
    }
}

static void give(Run *run, const uint8_t *bytes, size_t count)
{
    for (size_t at = 0; at < count;) {
        const size_t part = run->by_bytes ? 1 : count;
        transfer_put(&run->master.transfer, bytes + at, part);
        take_events(run);
        at += part;
    }
}

static void ask(Run *run, uint8_t what)
{
    static const AsduType types[] = {ASDU_C_SC_NA, ASDU_C_SE_NC, ASDU_C_DC_TA, ASDU_C_BO_NA};
    if (!master_has_room(&run->master) || run->asked == IDS)
        return;
    const MasterCommand command = {.id = run->asked++,
                                   .type = types[what & 3],
                                   .station = 1,
                                   .address = what >> 2 & 3,
                                   .number = 1,
                                   .select = (what & 3) != 3 && what & 16,
                                   .terminates = what & 32,
                                   .limit = run->now.elapsed + (what >> 6) * NS_PER_S};
    master_command(&run->master, &command, run->now);
}

static void pass_time(Run *run, uint8_t amount)
{
    run->now.elapsed += amount * (NS_PER_S / 4);
    run->now.utc += amount * (NS_PER_S / 4);
    master_look(&run->master, run->now);
    take_events(run);
}

static void take_step(Run *run, uint8_t what, const uint8_t **at, const uint8_t *end)
{
    Transfer *const transfer = &run->master.transfer;
    const uint8_t argument = *at < end ? *(*at)++ : 0;
    size_t count = argument;
    switch (what & 7) {
        case 0:
        case 1:  // bytes as they are
            count = count < (size_t)(end - *at) ? count : (size_t)(end - *at);
            give(run, *at, count);
            *at += count;
            break;
        case 2: {  // an ASDU in a frame with the numbers that are expected
            count = count < (size_t)(end - *at) ? count : (size_t)(end - *at);
            count = count < APCI_ASDU_MAX ? count : APCI_ASDU_MAX;
            uint8_t frame[APCI_FRAME_MAX];
            const Apci apci = {.format = APCI_I, .sent = transfer->receive_next, .received = transfer->send_next, .asdu = *at, .asdu_size = count};
            give(run, frame, apci_write(&apci, frame));
            *at += count;
            break;
        }
        case 3:
            pass_time(run, argument);
            break;
        case 4:
            ask(run, argument);
            break;
        case 5:
            transfer_wrote(transfer, transfer->out_size);
            break;
        case 6:
            if (!run->master.is_open)
                master_open(&run->master, run->now);
            give(run, (const uint8_t[]){0x68, 4, 0x0b, 0, 0, 0}, 6);
            master_look(&run->master, run->now);
            break;
        case 7:
            transfer_stop(transfer, run->now.elapsed);
            break;
    }
    take_events(run);
    require(apci_distance(transfer->send_acknowledged, transfer->send_next) <= transfer->def.k);
}

static void run_steps(Run *run, const uint8_t *bytes, size_t size)
{
    static const uint16_t stations[] = {1, 2};
    const MasterDef def = {
        .transfer = {.t1_ns = 15 * NS_PER_S, .t2_ns = 10 * NS_PER_S, .t3_ns = 20 * NS_PER_S, .k = 12, .w = 8},
        .stations = stations,
        .station_count = 2,
        .periods_ns = {60 * NS_PER_S, 30 * NS_PER_S, 45 * NS_PER_S, 50 * NS_PER_S},
        .answer_ns = 5 * NS_PER_S,
    };
    master_init(&run->master, &def);
    run->now.utc = INT64_C(1767225600) * NS_PER_S;
    for (const uint8_t *at = bytes, *const end = bytes + size; at < end;) {
        const uint8_t what = *at++;
        take_step(run, what, &at, end);
    }
    master_close(&run->master);
    take_events(run);
    require(run->ended == run->asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static Run runs[2];
    if (size > MOST)
        return 0;
    memset(runs, 0, sizeof runs);
    runs[1].by_bytes = true;
    for (int i = 0; i < 2; i++)
        run_steps(&runs[i], bytes, size);
    require(runs[0].said == runs[1].said);
    return 0;
}
