/* connectors.c -- pollux connectors: by which a plant can reach the outside. */
#include <stdio.h>

#include "app/commands.h"
#include "app/kinds.h"

const Subcommand subcommand_connectors = {"connectors", "list the kinds of connectors that a plant's script may name",
                                          "A shared library is named by its path instead. docs/connectors.md says what the kinds have in common,\n"
                                          "connectors/KIND/README.md what each of them takes.", command_connectors};

int command_connectors(int argc, char **argv)
{
    const OptionResult parsed = options_parse(&subcommand_connectors, NULL, 0, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    for (const ConnectorKind *const *kind = kinds; *kind; kind++)
        printf("%-10s %s\n", (*kind)->name, (*kind)->doc);
    return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}
