/* commands.h -- the subcommands of `pollux`; each file reads its own arguments and returns an exit status. */
#pragma once

#include <stdatomic.h>

#include "app/options.h"

int command_check(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_run(int argc, char **argv);
int command_score(int argc, char **argv);
int command_calibrate(int argc, char **argv);
int command_emulate(int argc, char **argv);
int command_view(int argc, char **argv);
int command_forecast(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_user(int argc, char **argv);
int command_token(int argc, char **argv);
int command_certificate(int argc, char **argv);
int command_devices(int argc, char **argv);
int command_gate(int argc, char **argv);
int command_connectors(int argc, char **argv);

/// Their tables of contents, for main and for their own help.
extern const Subcommand subcommand_check, subcommand_explain, subcommand_bench, subcommand_serve, subcommand_run, subcommand_score, subcommand_calibrate,
    subcommand_view, subcommand_emulate, subcommand_forecast, subcommand_history, subcommand_audit, subcommand_user, subcommand_token, subcommand_certificate,
    subcommand_devices, subcommand_gate, subcommand_connectors;

/// --codegen auto|llvm|off: call before a plant is loaded, and codegen_end before the process ends. ERR_USAGE for another word,
/// ERR_IO when llvm is not to be had.
Err codegen_begin(const char *mode, ErrText *why);
void codegen_end(void);
/// Write in one line what became of the programs: how many have native code, how long that took, why others have none.
void codegen_describe(Text *out);
#define CODEGEN_OPTION(target) {OPTION_TEXT, "codegen", "MODE", "native code: auto (where LLVM is there), llvm (or fail), off (auto)", target, 0, 0}

/// Become true at the first SIGINT or SIGTERM; install the handlers with stop_on_signals. The second signal ends the process at once.
extern atomic_int stop_asked;
void stop_on_signals(void);
/// Become true at a SIGHUP, once reload_on_signal has installed its handler; to be set back by who takes it. A SIGHUP that says that the terminal has gone
/// means stop_asked.
extern atomic_int reload_asked;
void reload_on_signal(void);
