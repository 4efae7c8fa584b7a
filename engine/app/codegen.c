#include <string.h>

#include "app/commands.h"
#include "graph/graph.h"

Err codegen_begin(const char *mode, ErrText *why)
{
    for (Codegen codegen = CODEGEN_OFF; codegen <= CODEGEN_LLVM; codegen++)
        if (strcmp(mode, codegen_name(codegen)) == 0)
            return program_codegen(codegen, why);
    return err_set(why, ERR_USAGE, "--codegen: expected auto, llvm or off, got \"%s\"", mode);
}

void codegen_end(void)
{
    program_codegen(CODEGEN_OFF, NULL);
}

void codegen_describe(Text *out)
{
    const CodegenState state = program_codegen_state();
    text_format(out, "native code %s: %u programs compiled in %.0f ms, %u waiting, %u refused", codegen_name(state.mode), state.compiled,
                (double)state.compile_ns / NS_PER_MS, state.waiting, state.refused);
    if (state.mode != CODEGEN_OFF && state.why.text[0])
        text_format(out, " (%s)", state.why.text);
}
