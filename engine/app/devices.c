/* devices.c -- pollux devices: those that have come to a running server, what they are bound to, and how they are to be set. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ask_server.h"
#include "app/commands.h"

static int list_devices(int argc, char **argv);
static int show_device(int argc, char **argv);
static int claim_device(int argc, char **argv);
static int bind_device(int argc, char **argv);
static int disable_device(int argc, char **argv);
static int enable_device(int argc, char **argv);
static int replace_device(int argc, char **argv);
static int forget_device(int argc, char **argv);
static int desire(int argc, char **argv);
static int pair(int argc, char **argv);

#define BINDING_HELP "NAME is what the device calls it, TAG the plant's; UNIT is that of the device's numbers where it does not say so itself, or wrongly."

static const Subcommand list = {"devices list", "who has come, and how it stands with each", NULL, list_devices};
static const Subcommand show = {"devices show", "what a device offers with its newest values, what it is bound to, and its twin", NULL, show_device};
static const Subcommand claim = {
    "devices claim", "make a device the plant's: bind it, and let it in",
    "Prints the token that the device is to show from now on, this once; where nobody is asked for one there is none. Claimed again it gets another, and the one\n"
    "before ends. " BINDING_HELP,
    claim_device};
static const Subcommand bind_to = {"devices bind", "bind a claimed device otherwise, while it goes on", BINDING_HELP, bind_device};
static const Subcommand disable = {"devices disable", "send a device away, and let it in no more", "Its bindings and its credential are kept.", disable_device};
static const Subcommand enable = {"devices enable", "let a disabled device in again", NULL, enable_device};
static const Subcommand replace = {
    "devices replace", "put another device in the place of one",
    "The other one takes name, bindings and what is desired, and gets a credential of its own; that of the first one ends.", replace_device};
static const Subcommand forget = {"devices forget", "take a device out of the list, with its bindings and its credential", NULL, forget_device};
static const Subcommand desired = {
    "devices desired", "how a device is to be set: show it, or change it by a merge patch (RFC 7396)",
    "For example: pollux devices desired rig-1 '{\"period\": 2}'. The device is told what it has otherwise, now or when it comes.", desire};
static const Subcommand pairing = {
    "devices pair", "let devices come that nobody knows, for some time",
    "Where access is asked for; without SECONDS it says how long they still may, and 0 ends it. They wait to be claimed and see and do nothing else.", pair};

const Subcommand subcommand_devices = {"devices", "claim the devices of a running plant, and say how they are to be set", NULL, command_devices};

int command_devices(int argc, char **argv)
{
    static const Subcommand *const actions[] = {&list, &show, &claim, &bind_to, &disable, &enable, &replace, &forget, &desired, &pairing};
    return options_choose(&subcommand_devices, actions, sizeof actions / sizeof *actions, argc, argv);
}

enum { PATH_ROOM = 512 };

/* What all of them take: which device, and where the server is. */
typedef struct Ask {
    const char *name;
    ServerAddress address;
    bool json;
} Ask;

/* Ask, and print the answer by `print`, or as it is. The exit status. */
static int ask(const Ask *ask, const char *method, const char *act, const json_t *body, void (*print)(const json_t *answer))
{
    char path[PATH_ROOM];
    json_t *answer = NULL;
    ErrText why;
    Err err = server_path("devices", ask->name, act, path, sizeof path, &why);
    if (!err)
        err = server_ask(&ask->address, method, path, body, &answer, &why);
    if (!err && ask->json && answer) {
        json_dumpf(answer, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (!err && print) {
        print(answer);
    }
    json_decref(answer);
    return err ? subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why) : fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "-";
}

// What there is.

static void print_brief(const json_t *device)
{
    const long long count = (long long)json_integer_value(json_object_get(device, "tag_count")),
                    bound = (long long)json_integer_value(json_object_get(device, "binding_count"));
    const char *state = text_at(device, "state");
    char tags[64];
    if (strcmp(state, "direct") == 0)
        snprintf(tags, sizeof tags, "%lld of the plant's own", count);
    else
        snprintf(tags, sizeof tags, "%lld of %lld bound", bound, count);
    printf("%-24s %-10s %-5s %-24s %s\n", text_at(device, "name"), state, json_is_true(json_object_get(device, "connected")) ? "here" : "away", tags,
           text_at(device, "peer"));
}

static void print_list(const json_t *answer)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(answer, "devices"), index, item)
        print_brief(item);
    json_array_foreach(json_object_get(answer, "addresses"), index, item)
        printf("%-24s heard by   %s: %s\n", text_at(item, "address"), text_at(item, "connector"), text_at(item, "binding"));
}

static void print_tag(const json_t *tag, const json_t *bindings)
{
    const json_t *binding = json_object_get(bindings, text_at(tag, "name")), *value = json_object_get(tag, "value");
    printf("  %-24s ", text_at(tag, "name"));
    if (json_is_true(json_object_get(tag, "actuator")))
        printf("%-20s", "actuator");
    else if (json_is_number(value))
        printf("%10.6g %-9s", json_number_value(value), text_at(tag, "unit"));
    else
        printf("%10s %-9s", "-", text_at(tag, "unit"));
    printf(" %s\n", binding ? text_at(binding, "tag") : "");
}

static void print_document(const json_t *device, const char *key)
{
    const json_t *document = json_object_get(device, key);
    char *text = json_dumps(json_object_get(document, "value"), JSON_COMPACT);
    printf("%-9s version %lld: %s\n", key, (long long)json_integer_value(json_object_get(document, "version")), text ? text : "");
    free(text);
}

static void print_device(const json_t *device)
{
    size_t index;
    json_t *tag;
    printf("%s: %s, %s, from %s\n", text_at(device, "name"), text_at(device, "state"), json_is_true(json_object_get(device, "connected")) ? "here" : "away",
           text_at(device, "peer"));
    json_array_foreach(json_object_get(device, "tags"), index, tag)
        print_tag(tag, json_object_get(device, "bindings"));
    print_document(device, "desired");
    print_document(device, "reported");
}

static int list_devices(int argc, char **argv)
{
    Ask asked = {0};
    const Option options[] = {{OPTION_FLAG, "json", NULL, "as GET /api/v1/devices has it", &asked.json, 0, 0}, SERVER_OPTIONS(&asked.address)};
    const OptionResult parsed = options_parse(&list, options, 1 + SERVER_OPTIONS_COUNT, argc, argv);
    return parsed == OPTIONS_TAKEN ? ask(&asked, "GET", NULL, NULL, print_list) : parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
}

#define NAME_OPTION(asked) {OPTION_OPERAND, "NAME", NULL, "of the device", &(asked)->name, 0, 0}

static int show_device(int argc, char **argv)
{
    Ask asked = {0};
    const Option options[] = {NAME_OPTION(&asked), {OPTION_FLAG, "json", NULL, "as GET /api/v1/devices/NAME has it", &asked.json, 0, 0}, SERVER_OPTIONS(&asked.address)};
    const OptionResult parsed = options_parse(&show, options, 2 + SERVER_OPTIONS_COUNT, argc, argv);
    return parsed == OPTIONS_TAKEN ? ask(&asked, "GET", NULL, NULL, print_device) : parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
}

// What is decided.

/* "depth=tank1.gauge" or "depth=tank1.gauge:cm"; a tag has no colon in its name. */
static Err add_binding(json_t *bindings, const char *text, ErrText *why)
{
    char name[128], tag[128];
    const char *equals = strchr(text, '='), *colon = equals ? strchr(equals, ':') : NULL;
    const size_t name_length = equals ? (size_t)(equals - text) : 0, tag_length = !equals ? 0 : colon ? (size_t)(colon - equals - 1) : strlen(equals + 1);
    if (!name_length || !tag_length || name_length >= sizeof name || tag_length >= sizeof tag || (colon && !colon[1]))
        return err_set(why, ERR_USAGE, "--bind: expected NAME=TAG or NAME=TAG:UNIT, as in depth=tank1.gauge:cm, got \"%.100s\"", text);
    snprintf(name, sizeof name, "%.*s", (int)name_length, text);
    snprintf(tag, sizeof tag, "%.*s", (int)tag_length, equals + 1);
    json_t *binding = colon ? json_pack("{s:s,s:s}", "tag", tag, "unit", colon + 1) : json_pack("{s:s}", "tag", tag);
    return json_object_set_new(bindings, name, binding) == 0 ? ERR_OK : err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
}

static Err make_bindings(const OptionList *bind, const OptionList *unbind, json_t **out, ErrText *why)
{
    json_t *bindings = json_object();
    Err err = bindings ? ERR_OK : err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    for (size_t i = 0; i < bind->count && !err; i++)
        err = add_binding(bindings, bind->items[i], why);
    for (size_t i = 0; unbind && i < unbind->count && !err; i++)
        if (json_object_set_new(bindings, unbind->items[i], json_null()) != 0)
            err = err_set(why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    *out = err ? NULL : bindings;
    if (err)
        json_decref(bindings);
    return err;
}

/* A certificate goes as it stands in its file. */
static Err add_certificate(json_t *body, const char *path, ErrText *why)
{
    char text[16384];
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!path)
        return ERR_OK;
    if (!file)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    const size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    return json_object_set_new(body, "certificate", json_string(text)) == 0 ? ERR_OK : err_set(why, ERR_PARSE, "%s: expected a certificate in PEM form", path);
}

/* The token alone goes to standard output, so that it can be put somewhere. */
static void print_enrolled(const json_t *answer)
{
    const json_t *device = json_object_get(answer, "device");
    const char *token = json_string_value(json_object_get(answer, "token"));
    if (token) {
        puts(token);
        fputs("keep it now: it is not shown again\n", stderr);
    } else {
        fprintf(stderr, "%s is claimed; it needs no token\n", text_at(device, "name"));
    }
}

static int claim_device(int argc, char **argv)
{
    Ask asked = {0};
    ErrText why;
    OptionList bind = {0};
    const char *certificate = NULL, *credential = NULL;
    json_t *bindings = NULL;
    const Option options[] = {
        NAME_OPTION(&asked),
        {OPTION_LIST, "bind", "NAME=TAG[:UNIT]", "one of its tags or actuators, and what it is; may be repeated", &bind, 0, 0},
        {OPTION_TEXT, "credential", "KIND", "token, certificate or none (what it needs)", &credential, 0, 0},
        {OPTION_TEXT, "certificate", "FILE", "let it in by this certificate of its own (PEM)", &certificate, 0, 0},
        SERVER_OPTIONS(&asked.address),
    };
    const OptionResult parsed = options_parse(&claim, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (make_bindings(&bind, NULL, &bindings, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    json_t *body = json_pack("{s:o}", "bindings", bindings);
    if (credential)
        json_object_set_new(body, "credential", json_string(credential));
    const Err err = add_certificate(body, certificate, &why);
    const int status = err ? subcommand_fail(EXIT_FAILED, &why) : ask(&asked, "POST", "claim", body, print_enrolled);
    json_decref(body);
    return status;
}

static int bind_device(int argc, char **argv)
{
    Ask asked = {0};
    ErrText why;
    OptionList bind = {0}, unbind = {0};
    json_t *bindings = NULL;
    const Option options[] = {
        NAME_OPTION(&asked),
        {OPTION_LIST, "bind", "NAME=TAG[:UNIT]", "one of its tags or actuators, and what it is; may be repeated", &bind, 0, 0},
        {OPTION_LIST, "unbind", "NAME", "one that is nothing of the plant's any more; may be repeated", &unbind, 0, 0},
        SERVER_OPTIONS(&asked.address),
    };
    const OptionResult parsed = options_parse(&bind_to, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (make_bindings(&bind, &unbind, &bindings, &why))
        return subcommand_fail(EXIT_USAGE, &why);
    json_t *body = json_pack("{s:o}", "bindings", bindings);
    const int status = ask(&asked, "PATCH", NULL, body, NULL);
    json_decref(body);
    return status;
}

/* An act that takes a name and nothing else. */
static int act(const Subcommand *command, const char *method, const char *act, int argc, char **argv)
{
    Ask asked = {0};
    const Option options[] = {NAME_OPTION(&asked), SERVER_OPTIONS(&asked.address)};
    const OptionResult parsed = options_parse(command, options, 1 + SERVER_OPTIONS_COUNT, argc, argv);
    return parsed == OPTIONS_TAKEN ? ask(&asked, method, act, NULL, NULL) : parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
}

static int disable_device(int argc, char **argv)
{
    return act(&disable, "POST", "disable", argc, argv);
}

static int enable_device(int argc, char **argv)
{
    return act(&enable, "POST", "enable", argc, argv);
}

static int forget_device(int argc, char **argv)
{
    return act(&forget, "DELETE", NULL, argc, argv);
}

static int replace_device(int argc, char **argv)
{
    Ask asked = {0};
    ErrText why;
    const char *by = NULL, *certificate = NULL;
    const Option options[] = {
        NAME_OPTION(&asked),
        {OPTION_OPERAND, "OTHER", NULL, "the unclaimed device that takes its place", &by, 0, 0},
        {OPTION_TEXT, "certificate", "FILE", "let that in by this certificate of its own (PEM)", &certificate, 0, 0},
        SERVER_OPTIONS(&asked.address),
    };
    const OptionResult parsed = options_parse(&replace, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    json_t *body = json_pack("{s:s}", "by", by);
    const Err err = add_certificate(body, certificate, &why);
    const int status = err ? subcommand_fail(EXIT_FAILED, &why) : ask(&asked, "POST", "replace", body, print_enrolled);
    json_decref(body);
    return status;
}

// How it is to be set.

static void print_whole(const json_t *answer)
{
    json_dumpf(answer, stdout, JSON_INDENT(2));
    putchar('\n');
}

static int desire(int argc, char **argv)
{
    Ask asked = {0};
    ErrText why;
    json_error_t error;
    const char *patch = NULL;
    const Option options[] = {
        NAME_OPTION(&asked),
        {OPTION_OPERAND_MAYBE, "PATCH", NULL, "a JSON object: what changes; null takes a member away", &patch, 0, 0},
        SERVER_OPTIONS(&asked.address),
    };
    const OptionResult parsed = options_parse(&desired, options, sizeof options / sizeof *options, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    json_t *body = patch ? json_loads(patch, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (patch && !json_is_object(body)) {
        json_decref(body);
        err_set(&why, ERR_USAGE, "devices desired: expected a JSON object, as in '{\"period\": 2}', got \"%.100s\"", patch);
        return subcommand_fail(EXIT_USAGE, &why);
    }
    const int status = ask(&asked, patch ? "PATCH" : "GET", "desired", body, print_whole);
    json_decref(body);
    return status;
}

// Who may come unknown.

static int pair(int argc, char **argv)
{
    ServerAddress address = {0};
    ErrText why;
    char *end;
    const char *seconds = NULL;
    json_t *answer = NULL;
    const Option options[] = {{OPTION_OPERAND_MAYBE, "SECONDS", NULL, "for how long from now on, a day at most", &seconds, 0, 0}, SERVER_OPTIONS(&address)};
    const OptionResult parsed = options_parse(&pairing, options, 1 + SERVER_OPTIONS_COUNT, argc, argv);
    if (parsed != OPTIONS_TAKEN)
        return parsed == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    json_t *body = seconds ? json_pack("{s:I}", "seconds", (json_int_t)strtoll(seconds, &end, 10)) : NULL;
    if (seconds && (end == seconds || *end)) {
        json_decref(body);
        err_set(&why, ERR_USAGE, "devices pair: expected seconds, got \"%.60s\"", seconds);
        return subcommand_fail(EXIT_USAGE, &why);
    }
    const Err err = server_ask(&address, seconds ? "PUT" : "GET", "/api/v1/pairing", body, &answer, &why);
    json_decref(body);
    if (err)
        return subcommand_fail(err == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED, &why);
    const char *until = json_string_value(json_object_get(answer, "until"));
    printf("%s%s\n",
           !json_is_true(json_object_get(answer, "open")) ? "nobody is let in whom nobody knows"
           : until                                        ? "open until "
                                                          : "open: nobody is asked who he is",
           until ? until : "");
    json_decref(answer);
    return EXIT_DONE;
}
