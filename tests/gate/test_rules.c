/* What the plant's script says of its actuators: who may command them, what their interlocks say, and mistakes by file and line. */
#include "gate/gate.h"

#include "alarm/tanks.h"

typedef struct Site {
    Plant *plant;
    Alarms *alarms;  // whose words interlocks use
    Gate *gate;
    Command sent[8];
    size_t sent_count;
    TagId valve, lamp;
} Site;

static Err take(void *self, const Command *command)
{
    Site *site = self;
    site->sent[site->sent_count++ % 8] = *command;
    return ERR_OK;
}

static const ConnectorType device_type = {.name = "device", .send = take};

static Site *open_site(const char *rules)
{
    Site *site = mem_alloc(sizeof *site);
    ErrText why;
    site->plant = tanks_load(1, "", rules);
    ck_assert_int_eq(alarms_create(site->plant, &site->alarms, &why), ERR_OK);
    if (gate_create(site->plant, &site->gate, &why))
        ck_abort_msg("%s", why.text);
    site->valve = tags_find(site->plant->tags, "tank0001.valve");
    site->lamp = tags_find(site->plant->tags, "tank0001.lamp");
    return site;
}

static void close_site(Site *site)
{
    gate_destroy(site->gate);
    alarms_destroy(site->alarms);
    plant_destroy(site->plant);
    mem_free(site);
    unit_forget_all();
}

static void release(Site *site, double s)
{
    const Connector connector = {&device_type, site};
    gate_release(site->gate, &connector, 1, at(s));
}

static uint64_t ask_as(Site *site, CommandAsker asker, TagId tag, double value, double s)
{
    CommandWish wish = {.tag = tag, .value = value, .asker = asker, .reason = "because"};
    snprintf(wish.by, sizeof wish.by, "%s", asker == ASKER_HANDLER ? "handler:alarm" : "anna");
    return gate_ask(site->gate, &wish, at(s));
}

static uint64_t ask(Site *site, TagId tag, double value, double s)
{
    return ask_as(site, ASKER_PERSON, tag, value, s);
}

static Command changed(const Site *site, uint64_t id)
{
    size_t count;
    const Command *list = gate_changed(site->gate, &count);
    for (size_t i = 0; i < count; i++)
        if (list[i].id == id)
            return list[i];
    ck_abort_msg("command %llu did not change", (unsigned long long)id);
}

static void expect(const Site *site, uint64_t id, CommandState state, const char *detail)
{
    const Command command = changed(site, id);
    ck_assert_str_eq(command_state_name(command.state), command_state_name(state));
    ck_assert_str_eq(command.detail, detail);
}

static Err act(Site *site, GateAct act, double s)
{
    ErrText why;
    snprintf(act.by, sizeof act.by, "anna");
    return gate_act(site->gate, &act, at(s), &why);
}

static ActuatorState state_of(const Site *site, TagId tag)
{
    size_t count;
    uint64_t changes;
    const ActuatorState *list = gate_actuators(site->gate, &count, &changes);
    for (size_t i = 0; i < count; i++)
        if (list[i].tag == tag)
            return list[i];
    return (ActuatorState){.tag = TAG_NONE};
}

// Interlocks.

START_TEST(an_interlock_is_told_what_is_asked_and_reads_estimates)
{
    Site *site = open_site("gate = { interlock = { ['tank0001.valve'] = function(ask)\n"
                           "  local level = value('tank0001.level')\n"
                           "  return level > 50, string.format('%s of %s by %s for %s at %.0f cm', ask.value, ask.tag, ask.by, ask.reason, level)\n"
                           "end } }");
    const uint64_t refused = ask(site, site->valve, 0.4, 1);
    expect(site, refused, COMMAND_REFUSED, "tank0001.valve: 40.0 of tank0001.valve by anna for because at 30 cm");
    plant_set(site->plant, tags_find(site->plant->tags, "tank0001.level"), 0.6);
    const uint64_t passed = ask(site, site->valve, 0.4, 2);
    expect(site, passed, COMMAND_WAITING, "");
    close_site(site);
}
END_TEST

START_TEST(an_interlock_without_a_reason_gets_one)
{
    Site *site = open_site("gate = { interlock = { ['tank0001.lamp'] = function(ask) return false end } }");
    expect(site, ask(site, site->lamp, 1, 1), COMMAND_REFUSED, "tank0001.lamp: its interlock does not allow it");
    close_site(site);
}
END_TEST

START_TEST(an_interlock_that_fails_or_runs_away_refuses_with_its_error)
{
    const struct {
        const char *body, *why;
    } rows[] = {
        {"error('no such thing')", "no such thing"},
        {"while true do end", "budget"},
        {"return nil", "it returned a nil: true, or false and a reason was expected"},
        {"return false, {}", "its reason is a table"},
        {"command('tank0001.valve', 1)", "command is for handlers"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char rules[256];
        snprintf(rules, sizeof rules, "gate = { interlock = { ['tank0001.lamp'] = function(ask) %s end } }", rows[i].body);
        Site *site = open_site(rules);
        log_set_level(LOG_ERROR + 1);
        const Command command = changed(site, ask(site, site->lamp, 1, 1));
        ck_assert_int_eq(command.state, COMMAND_REFUSED);
        ck_assert_msg(strstr(command.detail, "tank0001.lamp: its interlock failed: ") == command.detail, "%s", command.detail);
        release(site, 2);
        ck_assert_uint_eq(site->sent_count, 0);
        close_site(site);
    }
}
END_TEST

START_TEST(a_command_that_waited_is_looked_at_again_before_it_goes)
{
    Site *site = open_site("gate = { interlock = { ['tank0001.valve'] = function(ask) return value('tank0001.level') < 50, 'too full' end } }");
    const uint64_t id = ask(site, site->valve, 0.4, 1);
    gate_release(site->gate, NULL, 0, at(1));  // nobody is there to take it
    plant_set(site->plant, tags_find(site->plant->tags, "tank0001.level"), 0.6);
    release(site, 2);
    expect(site, id, COMMAND_REFUSED, "tank0001.valve: too full");
    ck_assert_uint_eq(site->sent_count, 0);
    close_site(site);
}
END_TEST

START_TEST(what_handlers_are_refused_again_for_the_same_reason_is_the_same_command)
{
    Site *site = open_site("gate = { interlock = { ['tank0001.lamp'] = function(ask) return false, 'no' end } }");
    const uint64_t first = ask_as(site, ASKER_HANDLER, site->lamp, 1, 1);
    ck_assert_uint_eq(ask_as(site, ASKER_HANDLER, site->lamp, 1, 2), first);
    ck_assert_uint_eq(ask_as(site, ASKER_HANDLER, site->lamp, 1, 11), first);
    ck_assert_uint_ne(ask_as(site, ASKER_HANDLER, site->lamp, 1, 22), first);  // behind a pause
    ck_assert_uint_ne(ask_as(site, ASKER_HANDLER, site->lamp, 0.5, 23), first);
    ck_assert_uint_ne(ask(site, site->lamp, 1, 24), ask(site, site->lamp, 1, 25));
    close_site(site);
}
END_TEST

// Modes.

START_TEST(in_manual_people_command_and_handlers_do_not)
{
    Site *site = open_site("gate = { mode = { ['tank0001.valve'] = 'manual' } }");
    expect(site, ask_as(site, ASKER_HANDLER, site->valve, 0.4, 1), COMMAND_REFUSED, "tank0001.valve is in manual: handlers do not command it");
    expect(site, ask(site, site->valve, 0.4, 1), COMMAND_WAITING, "");
    expect(site, ask_as(site, ASKER_HANDLER, site->lamp, 1, 1), COMMAND_WAITING, "");
    close_site(site);
}
END_TEST

START_TEST(what_is_blocked_nobody_commands_and_what_waited_does_not_go)
{
    Site *site = open_site("");
    const uint64_t waiting = ask(site, site->valve, 0.4, 1);
    ck_assert_int_eq(act(site, (GateAct){.kind = GATE_ACT_MODE, .tag = site->valve, .mode = ACTUATOR_BLOCKED, .may_block = true, .reason = "pump repair"}, 1), ERR_OK);
    release(site, 2);
    expect(site, waiting, COMMAND_REFUSED, "tank0001.valve is blocked: pump repair");
    expect(site, ask(site, site->valve, 0.5, 2), COMMAND_REFUSED, "tank0001.valve is blocked: pump repair");
    ck_assert_uint_eq(site->sent_count, 0);
    close_site(site);
}
END_TEST

START_TEST(into_and_out_of_blocked_takes_a_right_of_its_own)
{
    Site *site = open_site("");
    const GateAct block = {.kind = GATE_ACT_MODE, .tag = site->valve, .mode = ACTUATOR_BLOCKED}, manual = {.kind = GATE_ACT_MODE, .tag = site->valve, .mode = ACTUATOR_MANUAL};
    GateAct permitted = block;
    permitted.may_block = true;
    ck_assert_int_eq(act(site, block, 1), ERR_DENIED);
    ck_assert_int_eq(act(site, permitted, 1), ERR_OK);
    ck_assert_int_eq(act(site, manual, 2), ERR_DENIED);
    ck_assert_int_eq(state_of(site, site->valve).mode, ACTUATOR_BLOCKED);
    ck_assert_uint_eq(gate_last_act(site->gate), 1);
    close_site(site);
}
END_TEST

START_TEST(what_is_no_actuator_has_no_mode)
{
    Site *site = open_site("");
    ck_assert_int_eq(act(site, (GateAct){.kind = GATE_ACT_MODE, .tag = tags_find(site->plant->tags, "tank0001.level")}, 1), ERR_UNKNOWN);
    close_site(site);
}
END_TEST

START_TEST(modes_that_people_chose_are_kept_and_those_of_the_script_follow_it)
{
    Site *before = open_site("gate = { mode = { ['tank0001.valve'] = 'manual', ['tank0001.lamp'] = 'manual' } }");
    act(before, (GateAct){.kind = GATE_ACT_MODE, .tag = before->valve, .mode = ACTUATOR_BLOCKED, .may_block = true, .reason = "repair"}, 3);
    char bytes[4096];
    const size_t size = gate_snapshot_size(before->gate);
    ck_assert_uint_le(size, sizeof bytes);
    gate_snapshot(before->gate, bytes);
    close_site(before);

    Site *after = open_site("");
    ErrText why;
    ck_assert_int_eq(gate_restore(after->gate, bytes, size - 1, &why), ERR_PARSE);
    ck_assert_int_eq(gate_restore(after->gate, bytes, size, &why), ERR_OK);
    const ActuatorState valve = state_of(after, after->valve);
    ck_assert_int_eq(valve.mode, ACTUATOR_BLOCKED);
    ck_assert_str_eq(valve.mode_by, "anna");
    ck_assert_str_eq(valve.mode_reason, "repair");
    ck_assert_int_eq(valve.mode_since, at(3));
    ck_assert_uint_eq(gate_last_act(after->gate), 1);
    expect(after, ask_as(after, ASKER_HANDLER, after->lamp, 1, 4), COMMAND_WAITING, "");
    close_site(after);
}
END_TEST

// Bindings.

START_TEST(a_binding_says_the_fail_safe_value_as_well_and_not_twice)
{
    static const char bound[] = "clock = 'utc', connectors = { plc = { 'modbus', host = 'localhost' } }, bind = { ['tank0001.valve'] = { 'plc', holding = 1, fail_safe = { 20 } } }";
    Site *site = open_site(bound);
    ck_assert(state_of(site, site->valve).fails_safe);
    ck_assert_double_eq(state_of(site, site->valve).safe_value, 0.2);
    close_site(site);

    char twice[512];
    snprintf(twice, sizeof twice, "%s, gate = { fail_safe = { ['tank0001.valve'] = 0 } }", bound);
    Plant *plant = tanks_load(1, "", twice);
    Gate *gate;
    ErrText why;
    ck_assert_int_eq(gate_create(plant, &gate, &why), ERR_SCRIPT);
    ck_assert_msg(strstr(why.text, "\"tank0001.valve\": fail_safe stands in gate as well"), "%s", why.text);
    plant_destroy(plant);
    unit_forget_all();
}
END_TEST

// Mistakes.

START_TEST(what_is_wrong_is_named_with_its_line)
{
    const struct {
        const char *rules, *why;
    } cases[] = {
        {"interlocks = {}", "unknown key \"interlocks\""},
        {"interlock = 5", "interlock must be a table"},
        {"interlock = { ['tank0001.level'] = function() end }", "\"tank0001.level\" is no actuator of this plant"},
        {"interlock = { ['tank0001.lamp'] = true }", "expected function(ask)"},
        {"mode = { ['tank0001.lamp'] = 'auto' }", "expected \"automatic\", \"manual\" or \"blocked\""},
        {"read_back = { ['tank0001.valve'] = 'tank0001.gauge' }", "expected { \"asset.sensor\", within"},
        {"read_back = { ['tank0001.valve'] = { 'tank0001.gauge', within = 2 } }", "\"tank0001.gauge\" is in cm, which the command's percent does not convert to"},
        {"read_back = { ['tank0001.valve'] = { 'tank0001.level', within = 2 } }", "\"tank0001.level\" is no sensor or input"},
        {"fail_safe = { ['tank0001.valve'] = 120 }", "must lie between its min and max"},
        {"fail_safe = { ['tank0001.valve'] = {} }", "must lie between its min and max"},
        {"fail_safe = { ['tank0001.valve'] = { 0, seconds = -1 } }", "seconds must be above 0"},
        {"fail_safe = { ['tank0001.valve'] = { 0, while_heard = { 'tank0001.gauge' } } }", "while_heard needs seconds"},
        {"fail_safe = { ['tank0001.valve'] = { 0, seconds = 5, while_heard = { 'tank0001.level' } } }", "\"tank0001.level\" is no sensor or input"},
        {"watchdog = { ['tank0001.lamp'] = { every = 0.5 } }", "every must be at least the plant's step, 1 s"},
        {"watchdog = { ['tank0001.lamp'] = { every = 1, count = 3 } }", "0 to 2 must lie between its min and max"},
        {"dry_run = 1", "dry_run must be true or false, got number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char more[512];
        snprintf(more, sizeof more, "\n\ngate = {\n  %s\n}", cases[i].rules);
        Plant *plant = tanks_load(1, "", more);
        Gate *gate;
        ErrText why = {""};
        ck_assert_int_eq(gate_create(plant, &gate, &why), ERR_SCRIPT);
        ck_assert_ptr_null(gate);
        ck_assert_msg(strstr(why.text, "works.lua:6:") && strstr(why.text, cases[i].why), "%s", why.text);
        plant_destroy(plant);
    }
    unit_forget_all();
}
END_TEST

KIT_MAIN("gate.rules", an_interlock_is_told_what_is_asked_and_reads_estimates, an_interlock_without_a_reason_gets_one,
         an_interlock_that_fails_or_runs_away_refuses_with_its_error, a_command_that_waited_is_looked_at_again_before_it_goes,
         what_handlers_are_refused_again_for_the_same_reason_is_the_same_command, in_manual_people_command_and_handlers_do_not,
         what_is_blocked_nobody_commands_and_what_waited_does_not_go, into_and_out_of_blocked_takes_a_right_of_its_own, what_is_no_actuator_has_no_mode,
         modes_that_people_chose_are_kept_and_those_of_the_script_follow_it, a_binding_says_the_fail_safe_value_as_well_and_not_twice, what_is_wrong_is_named_with_its_line)
