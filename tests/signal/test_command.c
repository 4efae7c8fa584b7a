/* Commands: states have names that lead back to them, and four of six are ends. */
#include "kit/kit.h"
#include "signal/command.h"

START_TEST(every_state_is_read_from_its_name)
{
    static const char *const names[] = {"waiting", "sent", "done", "refused", "failed", "expired"};
    for (CommandState state = COMMAND_WAITING; state <= COMMAND_EXPIRED; state++) {
        CommandState read = COMMAND_WAITING;
        ck_assert_str_eq(command_state_name(state), names[state]);
        ck_assert(command_state_parse(names[state], &read));
        ck_assert_int_eq(read, state);
    }
    CommandState state;
    ck_assert(!command_state_parse("gone", &state));
}
END_TEST

START_TEST(done_refused_failed_and_expired_are_ends)
{
    for (CommandState state = COMMAND_WAITING; state <= COMMAND_EXPIRED; state++)
        ck_assert_int_eq(command_has_ended(&(Command){.state = state}), state != COMMAND_WAITING && state != COMMAND_SENT);
}
END_TEST

KIT_MAIN("signal.command", every_state_is_read_from_its_name, done_refused_failed_and_expired_are_ends)
