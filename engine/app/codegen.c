#include <string.h>

#include "app/commands.h"
#include "graph/graph.h"

Err codegen_begin(const char *mode, ErrText *why)
{
    static const struct {
        const char *word;
        Codegen codegen;
    } modes[] = {{"auto", CODEGEN_AUTO}, {"llvm", CODEGEN_LLVM}, {"off", CODEGEN_OFF}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(mode, modes[i].word) == 0)
            return program_codegen(modes[i].codegen, why);
    return err_set(why, ERR_USAGE, "--codegen: expected auto, llvm or off, got \"%s\"", mode);
}

void codegen_end(void)
{
    program_codegen(CODEGEN_OFF, NULL);
}
