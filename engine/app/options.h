/* options.h -- what a person types: one table per subcommand, which parses it and prints its help.
 *
 * Options are --name VALUE or --name=VALUE; `--` ends them; the rest are operands, in the order of the table. */
#pragma once

#include "base/base.h"

typedef enum OptionKind {
    OPTION_OPERAND,  // const char **, required
    OPTION_OPERAND_MAYBE,  // const char **, the last of them; stays NULL
    OPTION_OPERANDS, // OptionList *, any number of them behind the others
    OPTION_TEXT,     // const char **
    OPTION_LIST,     // OptionList *, may be repeated
    OPTION_FLAG,     // bool *
    OPTION_WHOLE,    // long *, within [min, max]
    OPTION_SPEED,    // double *: a factor above 0, or "max", which is INFINITY
} OptionKind;

enum { OPTION_LIST_MAX = 32 };
typedef struct OptionList {
    const char *items[OPTION_LIST_MAX];
    size_t count;
} OptionList;

typedef struct Option {
    OptionKind kind;
    const char *name;   // without dashes; of an operand: how it is called
    const char *value;  // what the value is called, NULL for flags
    const char *help;
    void *target;
    long min, max;
} Option;

typedef struct Subcommand {
    const char *name, *summary, *details;
    int (*run)(int argc, char **argv);
} Subcommand;

typedef enum OptionResult { OPTIONS_TAKEN, OPTIONS_HELPED, OPTIONS_WRONG } OptionResult;

/// Fill the targets from argv[1..]. `--help` prints the help of `command` on standard output; what is wrong is one line on standard error.
OptionResult options_parse(const Subcommand *command, const Option *options, size_t count, int argc, char **argv);

/// A command of several: run the one of `actions` that argv[1] names, whose own name is both words ("token create"). Help and what is wrong as above.
int options_choose(const Subcommand *command, const Subcommand *const *actions, size_t count, int argc, char **argv);

/// Exit statuses.
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/// Print `why` as one line on standard error and return `status`.
int subcommand_fail(int status, const ErrText *why);
