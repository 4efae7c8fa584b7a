/* command.h -- a value for an actuator, from the wish to the end.
 *
 * Handlers and people make CommandWishes; the gate turns a wish into a Command or refuses it; a connector carries it. */
#pragma once

#include "signal/sample.h"

#define COMMAND_TEXT 128

typedef enum CommandAsker { ASKER_PERSON, ASKER_HANDLER, ASKER_GATE } CommandAsker;

typedef struct CommandWish {
    TagId tag;
    double value;  // SI
    CommandAsker asker;
    bool dry_run;  // what would become of it
    char by[48];   // who asks: "handler:divergence", "person:anna"
    char reason[COMMAND_TEXT];
} CommandWish;

typedef enum CommandState {
    COMMAND_WAITING,  // passed the gate, not handed to a connector yet
    COMMAND_SENT,     // handed over, no answer yet
    COMMAND_DONE,     // the actuator has it
    COMMAND_REFUSED,  // the gate said no
    COMMAND_FAILED,   // the device said no
    COMMAND_EXPIRED,  // nobody answered by the deadline
    COMMAND_WITHHELD, // the gate would have handed it over, but for a dry run
} CommandState;

typedef struct Command {
    uint64_t id;  // from 1, rising, never used again within one history
    CommandWish wish;
    CommandState state;
    int64_t time;      // plant time of the decision
    int64_t deadline;  // plant time
    int64_t ended;     // plant time of the end, or TIME_NONE
    char detail[COMMAND_TEXT];  // why it was refused, failed or expired
} Command;

/// "waiting", "sent", "done", "refused", "failed", "expired", "withheld".
const char *command_state_name(CommandState state);
bool command_state_parse(const char *text, CommandState *out);
/// done, refused, failed, expired or withheld
bool command_has_ended(const Command *command);
