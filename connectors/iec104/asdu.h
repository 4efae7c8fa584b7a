/* asdu.h -- what IEC 60870-5-104 carries: information objects and commands, read and written.
 *
 * The cause of transmission has two bytes (the second is the originator), the common address of a station two, an information object's address three.
 * Only what this profile has is known: times are CP56Time2a, the types with three bytes of time belong to serial lines. What does not have exactly the length
 * that its type and count ask for is refused as a whole.
 *
 * Pure: bytes in, values out.  Source: IEC 60870-5-101:2003, clause 7; IEC 60870-5-104:2006, clause 6. */
#pragma once

#include "connectors/iec104/apci.h"
#include "connectors/iec104/cp56.h"

// name, number, element, whether a time follows it, direction
#define ASDU_TYPES(X)                                                         \
    X(M_SP_NA, 1, SIQ, false, MONITOR)        /* single point */              \
    X(M_DP_NA, 3, DIQ, false, MONITOR)        /* double point */              \
    X(M_ST_NA, 5, VTI, false, MONITOR)        /* step position */             \
    X(M_BO_NA, 7, BSI, false, MONITOR)        /* 32 bits */                   \
    X(M_ME_NA, 9, NVA, false, MONITOR)        /* normalised */                \
    X(M_ME_NB, 11, SVA, false, MONITOR)       /* scaled */                    \
    X(M_ME_NC, 13, R32, false, MONITOR)       /* short floating point */      \
    X(M_IT_NA, 15, BCR, false, MONITOR)       /* integrated total */          \
    X(M_ME_ND, 21, NVA_BARE, false, MONITOR)  /* without quality */           \
    X(M_SP_TB, 30, SIQ, true, MONITOR)                                        \
    X(M_DP_TB, 31, DIQ, true, MONITOR)                                        \
    X(M_ST_TB, 32, VTI, true, MONITOR)                                        \
    X(M_BO_TB, 33, BSI, true, MONITOR)                                        \
    X(M_ME_TD, 34, NVA, true, MONITOR)                                        \
    X(M_ME_TE, 35, SVA, true, MONITOR)                                        \
    X(M_ME_TF, 36, R32, true, MONITOR)                                        \
    X(M_IT_TB, 37, BCR, true, MONITOR)                                        \
    X(C_SC_NA, 45, SCO, false, CONTROL)       /* single command */            \
    X(C_DC_NA, 46, DCO, false, CONTROL)       /* double command */            \
    X(C_RC_NA, 47, RCO, false, CONTROL)       /* regulating step */           \
    X(C_SE_NA, 48, NVA_QOS, false, CONTROL)   /* set point, normalised */     \
    X(C_SE_NB, 49, SVA_QOS, false, CONTROL)   /* scaled */                    \
    X(C_SE_NC, 50, R32_QOS, false, CONTROL)   /* floating point */            \
    X(C_BO_NA, 51, BITS, false, CONTROL)      /* 32 bits */                   \
    X(C_SC_TA, 58, SCO, true, CONTROL)                                        \
    X(C_DC_TA, 59, DCO, true, CONTROL)                                        \
    X(C_RC_TA, 60, RCO, true, CONTROL)                                        \
    X(C_SE_TA, 61, NVA_QOS, true, CONTROL)                                    \
    X(C_SE_TB, 62, SVA_QOS, true, CONTROL)                                    \
    X(C_SE_TC, 63, R32_QOS, true, CONTROL)                                    \
    X(C_BO_TA, 64, BITS, true, CONTROL)                                       \
    X(M_EI_NA, 70, COI, false, SYSTEM)        /* end of initialisation */     \
    X(C_IC_NA, 100, QOI, false, SYSTEM)       /* interrogation */             \
    X(C_CI_NA, 101, QCC, false, SYSTEM)       /* counter interrogation */     \
    X(C_CS_NA, 103, NOTHING, true, SYSTEM)    /* clock synchronisation */     \
    X(C_TS_TA, 107, TSC, true, SYSTEM)        /* test */

typedef enum AsduType {
    ASDU_NONE,
#define X(name, number, element, timed, direction) ASDU_##name = number,
    ASDU_TYPES(X)
#undef X
} AsduType;

typedef enum AsduDirection {
    ASDU_MONITOR,  // process information
    ASDU_CONTROL,  // commands, and what answers them
    ASDU_SYSTEM,
} AsduDirection;

typedef enum AsduCause {
    ASDU_PERIODIC = 1,
    ASDU_BACKGROUND = 2,
    ASDU_SPONTANEOUS = 3,
    ASDU_INITIALISED = 4,
    ASDU_REQUESTED = 5,
    ASDU_ACT = 6,
    ASDU_ACT_CON = 7,
    ASDU_DEACT = 8,
    ASDU_DEACT_CON = 9,
    ASDU_ACT_TERM = 10,
    ASDU_RETURN_REMOTE = 11,  // because of a command from afar
    ASDU_RETURN_LOCAL = 12,
    ASDU_INTERROGATED = 20,   // and groups 1 to 16 behind it
    ASDU_COUNTERS = 37,       // and groups 1 to 4 behind it
    ASDU_COUNTERS_LAST = 41,
    ASDU_UNKNOWN_TYPE = 44,
    ASDU_UNKNOWN_CAUSE = 45,
    ASDU_UNKNOWN_STATION = 46,
    ASDU_UNKNOWN_ADDRESS = 47,
} AsduCause;

/// What is wrong with a value, as the bits of its quality descriptor are on the wire.
enum {
    ASDU_OV = 0x01,  // beyond the range of its type
    ASDU_BL = 0x10,  // blocked: the value is that before
    ASDU_SB = 0x20,  // substituted by a person or a program
    ASDU_NT = 0x40,  // not topical: it could not be brought up to date
    ASDU_IV = 0x80,  // invalid
    // not on the wire in this place: said by the element itself
    ASDU_MOVING = 0x02,    // a step position in transit
    ASDU_ADJUSTED = 0x04,  // a counter that was set, or ran over, since its last reading
    ASDU_BETWEEN = 0x08,   // a double point that is neither off nor on
};

enum { ASDU_ELEMENT_AT = 9, ASDU_ADDRESS_MAX = 0xffffff, ASDU_STATION_MAX = 65534, ASDU_QOI_STATION = 20, ASDU_QCC_ALL = 5 };

/// An ASDU that is being read.
typedef struct Asdu {
    AsduType type;
    AsduDirection direction;
    AsduCause cause;
    bool negative, test;
    uint8_t originator;
    uint16_t station;  // its common address

    const uint8_t *bytes;  // a view: what has not been read of the objects
    uint8_t left;          // objects
    bool in_sequence;      // the address stands in front of the first alone
    uint32_t address;      // of the next, in a sequence
} Asdu;

typedef struct AsduObject {
    uint32_t address;
    double number;           // points 0 and 1 (0.5 in between), regulating steps -1 and 1, normalised values -1 to 1
    uint8_t quality;         // ASDU_OV...: 0 is good
    bool select;             // commands
    const uint8_t *element;  // a view of its bytes, without address and time: an answer to a command repeats them
    uint8_t element_size;
    const uint8_t *time;     // CP56_SIZE bytes, NULL where there is none
} AsduObject;

/// Begin to read. NULL when it is well-formed and its type is known; otherwise what is wrong with it. Type, cause and station are read where the bytes
/// reach that far.
const char *asdu_open(Asdu *asdu, const uint8_t *bytes, size_t size);
/// The next object; false behind the last.
bool asdu_next(Asdu *asdu, AsduObject *out);

/// What a controlling station says.
typedef struct AsduRequest {
    AsduType type;     // a command, C_IC_NA, C_CI_NA, C_CS_NA, C_TS_TA
    AsduCause cause;   // ASDU_ACT or ASDU_DEACT
    uint8_t originator;
    uint16_t station;
    uint32_t address;  // 0 but for commands
    double number;     // commands: as AsduObject.number; C_IC_NA and C_CI_NA: the qualifier; C_TS_TA: the counter
    bool select;
    int64_t time;      // UTC, for types with a time
    int64_t zone_ns;
} AsduRequest;

/// Its size, 0 when its type cannot carry the number.
size_t asdu_write(const AsduRequest *request, uint8_t out[static APCI_ASDU_MAX]);
/// Whether a command of this type can carry the number; where it cannot, `asdu_carries_what` says what it can: "0 or 1".
bool asdu_carries(AsduType type, double number);
const char *asdu_carries_what(AsduType type);

/// "M_SP_NA_1"; "?" for a number that is no type.
const char *asdu_type_name(int type);
/// Find a type by its name with or without "_1", ASDU_NONE when there is none.
AsduType asdu_find_type(const char *name);
bool asdu_is_command(AsduType type);
/// "spontaneous", "activation confirmation"...; "?" for others.
const char *asdu_cause_name(int cause);
