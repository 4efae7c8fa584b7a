#include "app/options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int subcommand_fail(int status, const ErrText *why)
{
    fprintf(stderr, "pollux: %s\n", why->text);
    return status;
}

static bool is_operand(const Option *option)
{
    return option->kind == OPTION_OPERAND || option->kind == OPTION_OPERAND_MAYBE || option->kind == OPTION_OPERANDS;
}

static void print_help(const Subcommand *command, const Option *options, size_t count)
{
    printf("pollux %s", command->name);
    for (size_t i = 0; i < count; i++)
        if (is_operand(&options[i]))
            printf(options[i].kind == OPTION_OPERAND ? " %s" : " [%s]", options[i].name);
    printf(" [options]\n\n%s\n\n", command->summary);
    for (size_t i = 0; i < count; i++) {
        char left[64];
        if (is_operand(&options[i]))
            snprintf(left, sizeof left, "%s", options[i].name);
        else
            snprintf(left, sizeof left, "--%s%s%s", options[i].name, options[i].value ? " " : "", options[i].value ? options[i].value : "");
        printf("  %-22s %s\n", left, options[i].help);
    }
    printf("  %-22s %s\n", "--help", "print this");
    if (command->details)
        printf("\n%s\n", command->details);
}

static bool wrong(const Subcommand *command, const char *format, const char *a, const char *b)
{
    char text[512];
    snprintf(text, sizeof text, format, a, b);
    fprintf(stderr, "pollux %s: %s (pollux %s --help)\n", command->name, text, command->name);
    return false;
}

static bool take_whole(const Subcommand *command, const Option *option, const char *text)
{
    char *end, range[64];
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < option->min || value > option->max) {
        snprintf(range, sizeof range, "a whole number from %ld to %ld", option->min, option->max);
        char what[128];
        snprintf(what, sizeof what, "--%s: expected %s", option->name, range);
        return wrong(command, "%s, got \"%s\"", what, text);
    }
    *(long *)option->target = value;
    return true;
}

static bool take_speed(const Subcommand *command, const Option *option, const char *text)
{
    char *end;
    const bool max = strcmp(text, "max") == 0;
    const double value = max ? INFINITY : strtod(text, &end);
    if (!max && (end == text || *end || !(value >= 1e-3 && value <= 1e6)))
        return wrong(command, "--%s: expected a factor from 0.001 to 1000000, or max, got \"%s\"", option->name, text);
    *(double *)option->target = value;
    return true;
}

static bool take_value(const Subcommand *command, const Option *option, const char *text)
{
    switch (option->kind) {
    case OPTION_OPERAND:
    case OPTION_OPERAND_MAYBE:
    case OPTION_TEXT:
        *(const char **)option->target = text;
        return true;
    case OPTION_OPERANDS:
    case OPTION_LIST: {
        OptionList *list = option->target;
        if (list->count == OPTION_LIST_MAX)
            return wrong(command, "%s%s was given too often", is_operand(option) ? "" : "--", option->name);
        list->items[list->count++] = text;
        return true;
    }
    case OPTION_WHOLE:
        return take_whole(command, option, text);
    case OPTION_SPEED:
        return take_speed(command, option, text);
    case OPTION_FLAG:
        *(bool *)option->target = true;
        return true;
    }
    return false;
}

static const Option *find_option(const Option *options, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (!is_operand(&options[i]) && strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
            return &options[i];
    return NULL;
}

static const Option *next_operand(const Option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (options[i].kind == OPTION_OPERANDS || (is_operand(&options[i]) && !*(const char **)options[i].target))
            return &options[i];
    return NULL;
}

OptionResult options_parse(const Subcommand *command, const Option *options, size_t count, int argc, char **argv)
{
    bool operands_only = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!operands_only && strcmp(word, "--") == 0) {
            operands_only = true;
            continue;
        }
        if (!operands_only && strcmp(word, "--help") == 0) {
            print_help(command, options, count);
            return OPTIONS_HELPED;
        }

        const bool named = !operands_only && strncmp(word, "--", 2) == 0;
        const size_t length = named ? strcspn(word + 2, "=") : 0;
        const Option *option = named ? find_option(options, count, word + 2, length) : next_operand(options, count);
        if (!option || (!named && word[0] == '-' && word[1] && !operands_only)) {
            wrong(command, named || word[0] == '-' ? "there is no option \"%s\"%s" : "one operand too many: \"%s\"%s", word, "");
            return OPTIONS_WRONG;
        }

        const char *value = named && word[2 + length] == '=' ? word + 3 + length : NULL;
        if (named && option->kind == OPTION_FLAG && value) {
            wrong(command, "--%s takes no value%s", option->name, "");
            return OPTIONS_WRONG;
        }
        if (named && option->kind != OPTION_FLAG && !value && !(value = ++i < argc ? argv[i] : NULL)) {
            wrong(command, "--%s: expected %s behind it", option->name, option->value);
            return OPTIONS_WRONG;
        }
        if (!take_value(command, option, named ? value : word))
            return OPTIONS_WRONG;
    }

    const Option *missing = next_operand(options, count);
    if (missing && missing->kind == OPTION_OPERAND) {
        wrong(command, "expected %s: %s", missing->name, missing->help);
        return OPTIONS_WRONG;
    }
    return OPTIONS_TAKEN;
}

/* "token create" of "token" is called "create". */
static const char *action_name(const Subcommand *command, const Subcommand *action)
{
    return action->name + strlen(command->name) + 1;
}

int options_choose(const Subcommand *command, const Subcommand *const *actions, size_t count, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, action_name(command, actions[i])) == 0)
            return actions[i]->run(argc - 1, argv + 1);
    if (strcmp(word, "--help") != 0) {
        wrong(command, *word ? "there is no \"%s\" of it%s" : "expected what to do%s%s", word, "");
        return EXIT_USAGE;
    }
    printf("%s\n\n", command->summary);
    for (size_t i = 0; i < count; i++)
        printf("  pollux %-20s %s\n", actions[i]->name, actions[i]->summary);
    printf("\n  pollux %s ... --help   what it takes\n", command->name);
    if (command->details)
        printf("\n%s\n", command->details);
    return EXIT_DONE;
}
