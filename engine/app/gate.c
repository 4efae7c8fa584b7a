/* gate.c -- pollux gate: who may command the actuators of a running plant, what is held at its fail-safe value, and commands themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ask_server.h"
#include "app/commands.h"
#include "base/clock.h"

static const int64_t OUTCOME_S = 15;  // how long the end of a command is waited for

static int show_gate(int argc, char **argv);
static int change_mode(int argc, char **argv);
static int give_command(int argc, char **argv);
static int fail_safe(int argc, char **argv);
static int release(int argc, char **argv);

static const Subcommand show = {
    "gate show", "actuators in other modes than automatic, fail-safe values, and whether commands leave the gate", NULL, show_gate};
static const Subcommand mode = {
    "gate mode", "say who may command an actuator",
    "automatic: handlers and people. manual: people alone. blocked: nobody, for maintenance, not even its fail-safe value;\n"
    "into and out of it takes an engineer.",
    change_mode};
static const Subcommand command = {
    "gate command", "ask an actuator for a value",
    "Waits until the command has ended, for 15 seconds at most, and says how: exit status 0 when it is done, 1 when it was refused, failed or expired.\n"
    "A dry run goes through all checks of the gate and is never handed over.",
    give_command};
static const Subcommand safe = {
    "gate fail-safe", "lead an actuator, or all, to the fail-safe value that the plant's script gives",
    "It is held there, and nothing else commands it, until `pollux gate release`.", fail_safe};
static const Subcommand let_go = {
    "gate release", "let what is held be commanded again", "Refused while the sensors that it went safe for are silent.", release};

const Subcommand subcommand_gate = {"gate", "modes, fail-safe values and commands of a running plant", NULL, command_gate};

int command_gate(int argc, char **argv)
{
    static const Subcommand *const actions[] = {&show, &mode, &command, &safe, &let_go};
    return options_choose(&subcommand_gate, actions, sizeof actions / sizeof *actions, argc, argv);
}

/* Ask, and print what is answered. `body` is let go. The exit status. */
static int ask(const ServerAddress *address, const char *method, const char *resource, const char *name, json_t *body, void (*print)(const json_t *answer))
{
    char path[512];
    json_t *answer = NULL;
    ErrText why;
    Err err = server_path(resource, name, NULL, path, sizeof path, &why);
    if (!err)
        err = server_ask(address, method, path, body, &answer, &why);
    if (!err && print)
        print(answer);
    json_decref(body);
    json_decref(answer);
    return err ? subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why) : fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void print_actuator(const char *tag, const json_t *state)
{
    const json_t *value = json_object_get(state, "fail_safe");
    const bool held = json_is_true(json_object_get(state, "held"));
    const char *by = text_at(state, held ? "held_by" : "mode_by"), *reason = text_at(state, held ? "held_reason" : "mode_reason");
    char safe_value[48] = "";
    if (json_is_number(value))
        snprintf(safe_value, sizeof safe_value, "fail-safe %g", json_number_value(value));
    printf("%-32s %-9s %-5s %-20s %s%s%s\n", tag, text_at(state, "mode"), held ? "held" : "", safe_value, by, *reason ? ": " : "", reason);
}

static void print_gate(const json_t *answer)
{
    const char *tag;
    json_t *state;
    if (json_is_true(json_object_get(answer, "dry_run")))
        puts("dry run: commands are decided and recorded, and none is handed over");
    const json_t *actuators = json_object_get(answer, "actuators");
    if (json_object_size(actuators) == 0)
        puts("all actuators are automatic, and none has a fail-safe value");
    json_object_foreach((json_t *)actuators, tag, state)
        print_actuator(tag, state);
}

static int show_gate(int argc, char **argv)
{
    ServerAddress address = {0};
    const Option options[] = {SERVER_OPTIONS(&address)};
    const OptionResult parsed = options_parse(&show, options, SERVER_OPTIONS_COUNT, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    return ask(&address, "GET", "gate", NULL, NULL, print_gate);
}

#define REASON_OPTION(target) {OPTION_TEXT, "reason", "TEXT", "why: for the audit trail, and whoever comes next", target, 0, 0}

static int change_mode(int argc, char **argv)
{
    ServerAddress address = {0};
    const char *tag = NULL, *name = NULL, *reason = NULL;
    const Option options[] = {
        {OPTION_OPERAND, "TAG", NULL, "an actuator", &tag, 0, 0},
        {OPTION_OPERAND, "MODE", NULL, "automatic, manual or blocked", &name, 0, 0},
        REASON_OPTION(&reason),
        SERVER_OPTIONS(&address),
    };
    const OptionResult parsed = options_parse(&mode, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    return ask(&address, "PATCH", "gate", tag, json_pack("{s:s,s:s*}", "mode", name, "reason", reason), NULL);
}

static void print_decision(const json_t *answer)
{
    const char *says = text_at(answer, "dry_run");
    printf("command %lld%s%s\n", (long long)json_integer_value(json_object_get(answer, "command")), *says ? ": " : "", says);
}

/* How the command stands now, the caller's to let go; NULL before it is listed. */
static Err ask_command(const ServerAddress *address, json_int_t id, json_t **out, ErrText *why)
{
    char path[96];
    snprintf(path, sizeof path, "/api/v1/commands?limit=1&before=%lld", (long long)id + 1);
    json_t *list = NULL;
    const Err err = server_ask(address, "GET", path, NULL, &list, why);
    json_t *newest = json_array_get(list, 0);
    *out = json_integer_value(json_object_get(newest, "id")) == id ? json_incref(newest) : NULL;
    json_decref(list);
    return err;
}

/* The exit status that its end deserves. What has not ended is no failure yet. */
static int print_end(json_int_t id, const json_t *now, bool ended)
{
    const char *state = now ? text_at(now, "state") : "waiting", *detail = now ? text_at(now, "detail") : "";
    const bool fine = !ended || strcmp(state, "done") == 0 || strcmp(state, "withheld") == 0;
    printf("command %lld: %s%s%s%s\n", (long long)id, ended ? "" : "still ", state, *detail ? ": " : "", detail);
    return fine && !fflush(stdout) ? EXIT_DONE : EXIT_FAILED;
}

/* A command that was taken may still fail on its way: what came of it. */
static int await_end(const ServerAddress *address, json_int_t id)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + OUTCOME_S * NS_PER_S;
    for (;; clock_system.sleep_ns(clock_system.self, 100 * NS_PER_MS)) {
        ErrText why;
        json_t *now = NULL;
        if (ask_command(address, id, &now, &why))
            return subcommand_fail(EXIT_FAILED, &why);
        const bool ended = now && !json_is_null(json_object_get(now, "ended"));
        const bool last = ended || clock_system.elapsed_ns(clock_system.self) >= until;
        const int status = last ? print_end(id, now, ended) : EXIT_DONE;
        json_decref(now);
        if (last)
            return status;
    }
}

static int give_command(int argc, char **argv)
{
    ServerAddress address = {0};
    ErrText why;
    char *end;
    bool dry_run = false;
    const char *tag = NULL, *value = NULL, *reason = NULL;
    const Option options[] = {
        {OPTION_OPERAND, "TAG", NULL, "an actuator", &tag, 0, 0},
        {OPTION_OPERAND, "VALUE", NULL, "a number, in its unit", &value, 0, 0},
        {OPTION_FLAG, "dry-run", NULL, "say what would happen, and hand nothing over", &dry_run, 0, 0},
        REASON_OPTION(&reason),
        SERVER_OPTIONS(&address),
    };
    const OptionResult parsed = options_parse(&command, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    const double number = strtod(value, &end);
    if (end == value || *end) {
        err_set(&why, ERR_USAGE, "gate command: expected a number, got \"%.60s\"", value);
        return subcommand_fail(EXIT_USAGE, &why);
    }
    json_t *body = json_pack("{s:s,s:f,s:s*,s:b}", "tag", tag, "value", number, "reason", reason, "dry_run", dry_run);
    if (dry_run)
        return ask(&address, "POST", "commands", NULL, body, print_decision);

    json_t *answer = NULL;
    const Err err = server_ask(&address, "POST", "/api/v1/commands", body, &answer, &why);
    const json_int_t id = json_integer_value(json_object_get(answer, "command"));
    json_decref(body);
    json_decref(answer);
    return err ? subcommand_fail(EXIT_FAILED, &why) : await_end(&address, id);
}

/* One actuator, or all. */
static int change_hold(const Subcommand *self, const char *resource, int argc, char **argv)
{
    ServerAddress address = {0};
    const char *tag = NULL, *reason = NULL;
    const Option options[] = {
        {OPTION_OPERAND_MAYBE, "TAG", NULL, "an actuator; all that have a fail-safe value without it", &tag, 0, 0},
        REASON_OPTION(&reason),
        SERVER_OPTIONS(&address),
    };
    const OptionResult parsed = options_parse(self, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    return ask(&address, "POST", "failsafe", resource, json_pack("{s:s*,s:s*}", "tag", tag, "reason", reason), NULL);
}

static int fail_safe(int argc, char **argv)
{
    return change_hold(&safe, NULL, argc, argv);
}

static int release(int argc, char **argv)
{
    return change_hold(&let_go, "release", argc, argv);
}
