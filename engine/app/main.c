/* main.c -- the `pollux` command. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"

static const Subcommand *const subcommands[] = {
    &subcommand_serve, &subcommand_view, &subcommand_emulate, &subcommand_run, &subcommand_score, &subcommand_calibrate, &subcommand_forecast, &subcommand_check,
    &subcommand_explain, &subcommand_bench, &subcommand_history, &subcommand_audit, &subcommand_user, &subcommand_token, &subcommand_certificate, &subcommand_devices,
    &subcommand_gate, &subcommand_connectors,
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

static void print_help(void)
{
    puts("Pollux runs a model beside every asset and keeps it true.\n\nusage: pollux COMMAND [options]\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        printf("  %-11s %s\n", subcommands[i]->name, subcommands[i]->summary);
    puts("\n  pollux COMMAND --help   what it takes\n  pollux --version        which Pollux this is\n\n"
         "Try: pollux serve twins/plants/incubator.lua   and, beside it,   pollux emulate twins/plants/incubator.lua --speed 10");
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        fputs("pollux: expected a command (pollux --help)\n", stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help();
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("pollux " POLLUX_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (strcmp(argv[1], subcommands[i]->name) == 0)
            return subcommands[i]->run(argc - 1, argv + 1);
    fprintf(stderr, "pollux: there is no command \"%s\" (pollux --help)\n", argv[1]);
    return EXIT_USAGE;
}
