/* outstation.h -- the other end of IEC 60870-5-104: a controlled station, written from the standard for the tests alone and sharing nothing with the connector.
 *
 * It has points, which it tells when they change and when it is interrogated, and objects of commands, which it lets select, execute and terminate.
 * It keeps the windows and timers of the standard. What it does wrong is asked for (OutstationFaults).
 *
 * Pure: bytes and times in, bytes out; outstation_server.h gives it a socket. Several controlling stations may be connected. Threads: one at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTSTATION_LINES = 4, OUTSTATION_LOG = 8192 };

/// What it does wrong from now on.
typedef struct OutstationFaults {
    bool never_starts;            // STARTDT is not confirmed
    bool never_tests;             // TESTFR is not confirmed
    bool never_acknowledges;      // frames that come are neither acknowledged nor answered
    bool skips_number;            // one send number is left out, once
    bool acknowledges_too_much;   // N(R) beyond what came, once
    bool ignores_selects, ignores_executes, ignores_interrogations;
    bool refuses_selects, refuses_executes, refuses_interrogations;  // P/N = 1
    bool never_terminates, terminates_negatively;
    bool confirms_another_value;
    uint8_t unknown;              // commands are answered with this cause: 44 to 47
} OutstationFaults;

/// A command that came through to its execution.
typedef struct OutstationDone {
    uint16_t ca;
    uint32_t ioa;
    uint8_t type;
    double value;
    bool was_selected;
} OutstationDone;

typedef struct Outstation Outstation;

/// `k` and `w` of its windows, times in ns.
Outstation *outstation_create(uint16_t k, uint16_t w, int64_t t1, int64_t t2, int64_t t3);
void outstation_destroy(Outstation *outstation);
OutstationFaults *outstation_faults(Outstation *outstation);

/// A point: `type` is that of its spontaneous messages (M_SP_TB_1 is 30); interrogations use the one without a time. Value 0, not topical, until it is set.
void outstation_add_point(Outstation *outstation, uint16_t ca, uint32_t ioa, uint8_t type);
/// An object of commands of one type; what is executed becomes the value of the point `shown` of the same station (0: none).
void outstation_add_command(Outstation *outstation, uint16_t ca, uint32_t ioa, uint8_t type, bool must_be_selected, uint32_t shown);
/// Every set-point command with floating point creates what it needs: the value that is written to an address is shown there as M_ME_TF_1, to all.
void outstation_relay(Outstation *outstation);
/// A change, told to all who have started. `quality` as on the wire, `utc` in ns.
void outstation_set(Outstation *outstation, uint16_t ca, uint32_t ioa, double value, uint8_t quality, int64_t utc);
/// Any ASDU, as it is.
void outstation_say(Outstation *outstation, const uint8_t *asdu, size_t size);
/// Any bytes, as they are.
void outstation_shout(Outstation *outstation, const char *text);
/// M_EI_NA_1: it has been initialised.
void outstation_initialised(Outstation *outstation, uint16_t ca);

/// A controlling station has connected; the number of its line, -1 when there is none free.
int outstation_connect(Outstation *outstation);
void outstation_disconnect(Outstation *outstation, int line);
/// False when the outstation has given the connection up.
bool outstation_receive(Outstation *outstation, int line, const uint8_t *bytes, size_t count, int64_t now, int64_t utc);
/// What it wants to send, timers included; how many bytes.
size_t outstation_collect(Outstation *outstation, int line, uint8_t *out, size_t room, int64_t now);
bool outstation_is_given_up(const Outstation *outstation, int line);
/// The line begins at these numbers: what N(S) and N(R) would be after so many frames.
void outstation_number(Outstation *outstation, int line, uint16_t number);

size_t outstation_done(const Outstation *outstation, OutstationDone *out, size_t room);
typedef struct OutstationCounts {
    uint32_t starts, stops, tests;  // STARTDT, STOPDT and TESTFR that came
    uint32_t interrogations, counters, clocks, trials;  // C_IC, C_CI, C_CS, C_TS
    uint32_t selects, executes, cancels;
    uint32_t supervisory, information;  // S and I frames that came
    int64_t clock;                   // of the last C_CS, UTC
} OutstationCounts;
OutstationCounts outstation_counts(const Outstation *outstation);
