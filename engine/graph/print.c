/* print.c -- programs for people: three-address code, what it amounts to, and who runs it. */
#include "graph/ops.h"
#include "graph/program.h"

/* How an instruction is written, with A, B, C for its operands; as a call of its name where nothing stands here. */
static const char *const patterns[OP_COUNT] = {
    [OP_NEG] = "-A", [OP_ADD] = "A + B", [OP_SUB] = "A - B", [OP_MUL] = "A * B", [OP_DIV] = "A / B", [OP_POW] = "A ^ B", [OP_MOVE] = "A",
    [OP_MULADD] = "A * B + C", [OP_MULSUB] = "A * B - C", [OP_SUBMUL] = "C - A * B",
};
static const char *const calls[] = {[1] = "(A)", [2] = "(A, B)", [3] = "(A, B, C)"};

static void print_slot(const Program *program, unsigned slot, const char *const *names, Text *out)
{
    const unsigned first_constant = program->columns + program->registers;
    if (slot >= first_constant) {
        char digits[32];
        number_format(program->constant[(size_t)(slot - first_constant) * LANES], digits);
        text_put(out, digits);
    } else if (slot >= program->columns) {
        text_format(out, "r%u", slot - program->columns);
    } else if (names) {
        text_put(out, names[slot]);
    } else {
        text_format(out, "#%u", slot);
    }
}

static void print_pattern(const Program *program, const Instruction *instruction, const char *pattern, const char *const *names, Text *out)
{
    const uint16_t slots[] = {instruction->a, instruction->b, instruction->c};
    for (; *pattern; pattern++) {
        if (*pattern >= 'A' && *pattern <= 'C')
            print_slot(program, slots[*pattern - 'A'], names, out);
        else
            text_add(out, pattern, 1);
    }
}

void program_print(const Program *program, const char *const *names, Text *out)
{
    for (uint32_t i = 0; i < program->length; i++) {
        const Instruction *const instruction = &program->code[i];
        const Op op = instruction->op;
        print_slot(program, instruction->to, names, out);
        text_put(out, " = ");
        if (!patterns[op])
            text_put(out, op__name(op));
        print_pattern(program, instruction, patterns[op] ? patterns[op] : calls[op__arity(op)], names, out);
        text_put(out, "\n");
    }
}

static void print_count(unsigned count, const char *noun, Text *out)
{
    text_format(out, "%u %s%s", count, noun, count == 1 ? "" : "s");
}

void program_print_summary(const Program *program, Text *out)
{
    uint32_t counts[OP_COUNT] = {0};
    for (uint32_t i = 0; i < program->length; i++)
        counts[program->code[i].op]++;

    print_count(program->length, "instruction", out);
    const char *before = " (";
    for (Op op = 0; op < OP_COUNT; op++) {
        if (counts[op] == 0)
            continue;
        text_format(out, "%s%u %s", before, counts[op], op__name(op));
        before = ", ";
    }
    text_put(out, program->length ? "), " : ", ");
    print_count(program->registers, "register", out);
    text_put(out, ", ");
    print_count(program->constants, "constant", out);
}
