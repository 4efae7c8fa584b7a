/* command.c -- the names of the stations of a command. */
#include "signal/command.h"

#include <assert.h>
#include <string.h>

static const char *const state_names[] = {
    [COMMAND_WAITING] = "waiting", [COMMAND_SENT] = "sent",     [COMMAND_DONE] = "done",
    [COMMAND_REFUSED] = "refused", [COMMAND_FAILED] = "failed", [COMMAND_EXPIRED] = "expired", [COMMAND_WITHHELD] = "withheld",
};

const char *command_state_name(CommandState state)
{
    assert(state <= COMMAND_WITHHELD);
    return state_names[state];
}

bool command_state_parse(const char *text, CommandState *out)
{
    assert(text);
    for (CommandState state = COMMAND_WAITING; state <= COMMAND_WITHHELD; state++)
        if (strcmp(text, state_names[state]) == 0) {
            *out = state;
            return true;
        }
    return false;
}

bool command_has_ended(const Command *command)
{
    return command->state >= COMMAND_DONE;
}
