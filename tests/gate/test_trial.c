/* Commands that are simulated first. A tank that fills has a closed form: its level is Gaussian about 30 cm + inflow t / area. */
#include "gate/gate.h"

#include "alarm/tanks.h"

static const char tank_script[] = "return model 'basin' {\n"
                                  "  params = { area = { 2, 'm^2' } },\n"
                                  "  inputs = { inflow = { 0, 'l/min', min = 0, max = 600 }, warmth = { 20, 'degC' } },\n"
                                  "  states = { level = { 30, 'cm', sd = 5 } },\n"
                                  "  sensors = { gauge = { of = 'level', noise = 0.5 } },\n"
                                  "  actuators = { inflow_order = { 0, 'l/s', min = 0, max = 10 } },\n"
                                  "  equations = function(t) t.level.rate = t.inflow / t.area end,\n"
                                  "  alarms = { overflow = { high = { 'level', 50 } } },\n"
                                  "}\n";
static const char usual[] = "['basin.inflow_order'] = { becomes = 'basin.inflow', limits = { 'basin.overflow' }, horizon = 300, probability = 0.25, members = 4000 }";

typedef struct Site {
    Plant *plant;
    Gate *gate;
    Desk *desk;
    Command sent[8];
    size_t sent_count;
    TagId order;
} Site;

static Err take(void *self, const Command *command)
{
    Site *site = self;
    site->sent[site->sent_count++ % 8] = *command;
    return ERR_OK;
}

static const ConnectorType device_type = {.name = "device", .send = take};

static Plant *load_plant(const char *simulate)
{
    char text[2048];
    Plant *plant;
    ErrText why;
    log_set_level(LOG_ERROR);
    tanks_write("basin.lua", tank_script);
    snprintf(text, sizeof text, "return plant 'works' { step = 1, command_timeout = 10, assets = { basin = { 'basin' } },\n  gate = { simulate = {\n    %s\n  } },\n}\n", simulate);
    if (plant_load(tanks_write("works.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static Site *open_site(bool waits)
{
    Site *site = mem_alloc(sizeof *site);
    ErrText why;
    site->plant = load_plant(usual);
    ck_assert_int_eq(gate_create(site->plant, &site->gate, NULL), ERR_OK);
    ck_assert_int_eq(desk_create(site->plant, 1, &site->desk, &why), ERR_OK);
    if (gate_simulate(site->gate, site->desk, waits, &why))
        ck_abort_msg("%s", why.text);
    site->order = tags_find(site->plant->tags, "basin.inflow_order");
    return site;
}

static void close_site(Site *site)
{
    desk_destroy(site->desk);
    gate_destroy(site->gate);
    plant_destroy(site->plant);
    mem_free(site);
    unit_forget_all();
}

/* `value` in l/s */
static uint64_t ask(Site *site, double value, double s)
{
    const CommandWish wish = {.tag = site->order, .value = value / 1000, .by = "person:anna", .reason = "by hand"};
    return gate_ask(site->gate, &wish, at(s));
}

/* The command behind a tick that ends at `s`. */
static Command behind(Site *site, uint64_t id, double s)
{
    const Connector connector = {&device_type, site};
    size_t count;
    gate_settle(site->gate);
    gate_release(site->gate, &connector, 1, at(s));
    const Command *list = gate_changed(site->gate, &count), *open = gate_find(site->gate, id);
    for (size_t i = 0; i < count; i++)
        if (list[i].id == id)
            return list[i];
    ck_assert_ptr_nonnull(open);
    return *open;
}

static void assert_command(Command command, CommandState state, const char *detail)
{
    ck_assert_str_eq(command_state_name(command.state), command_state_name(state));
    ck_assert_str_eq(command.detail, detail);
}

START_TEST(what_is_harmless_goes_out_in_the_next_tick)
{
    Site *site = open_site(true);
    const uint64_t id = ask(site, 0.5, 1);
    assert_command(behind(site, id, 1), COMMAND_WAITING, "being simulated");
    ck_assert_uint_eq(site->sent_count, 0);
    assert_command(behind(site, id, 2), COMMAND_SENT, "");
    ck_assert_uint_eq(site->sent_count, 1);
    close_site(site);
}
END_TEST

START_TEST(what_would_pass_a_limit_is_refused_and_says_why)
{
    Site *site = open_site(true);
    const uint64_t id = ask(site, 5, 1);  // 75 cm in 300 s
    behind(site, id, 1);
    assert_command(behind(site, id, 2), COMMAND_REFUSED, "basin.level would pass 50 cm with probability 1.00 within 5 min");
    ck_assert_uint_eq(site->sent_count, 0);

    // and may be asked for again, and be tried again
    const uint64_t again = ask(site, 5, 3);
    ck_assert_uint_ne(again, id);
    assert_command(behind(site, again, 3), COMMAND_WAITING, "being simulated");
    close_site(site);
}
END_TEST

START_TEST(the_probability_is_that_of_the_closed_form)
{
    Site *site = open_site(true);
    const uint64_t id = ask(site, 1.2, 1);  // 18 cm: the limit is 0.4 standard deviations away
    behind(site, id, 1);
    const Command refused = behind(site, id, 2);
    double probability;
    ck_assert_int_eq(sscanf(refused.detail, "basin.level would pass 50 cm with probability %lf within 5 min", &probability), 1);
    const double expected = 0.5 * erfc(0.4 / sqrt(2));
    ck_assert_double_eq_tol(probability, expected, 0.005 + 5 * sqrt(expected * (1 - expected) / 4000));
    close_site(site);
}
END_TEST

START_TEST(a_limit_that_is_passed_anyway_holds_no_command_up)
{
    Site *site = open_site(true);
    plant_set(site->plant, tags_find(site->plant->tags, "basin.level"), 0.9);
    const uint64_t id = ask(site, 0.01, 1);
    behind(site, id, 1);
    assert_command(behind(site, id, 2), COMMAND_SENT, "");
    close_site(site);
}
END_TEST

START_TEST(it_is_tried_on_the_plant_as_it_is_behind_the_tick)
{
    Site *site = open_site(true);
    const uint64_t id = ask(site, 0.5, 1);
    plant_set(site->plant, tags_find(site->plant->tags, "basin.level"), 0.45);
    behind(site, id, 1);
    plant_set(site->plant, tags_find(site->plant->tags, "basin.level"), 0.1);
    ck_assert_int_eq(behind(site, id, 2).state, COMMAND_REFUSED);
    close_site(site);
}
END_TEST

START_TEST(its_deadline_is_as_it_was)
{
    Site *site = open_site(true);
    const uint64_t id = ask(site, 0.5, 1);
    behind(site, id, 1);
    assert_command(behind(site, id, 12), COMMAND_EXPIRED, "it was not simulated in time");
    ck_assert_uint_eq(site->sent_count, 0);
    close_site(site);
}
END_TEST

START_TEST(the_newest_of_two_commands_is_tried)
{
    Site *site = open_site(true);
    const uint64_t first = ask(site, 5, 1);
    behind(site, first, 1);
    const uint64_t second = ask(site, 0.5, 2);
    behind(site, second, 2);
    ck_assert_ptr_null(gate_find(site->gate, first));
    assert_command(behind(site, second, 3), COMMAND_SENT, "");
    ck_assert_uint_eq(site->sent_count, 1);
    close_site(site);
}
END_TEST

START_TEST(where_nobody_waits_it_goes_out_when_it_is_ready)
{
    Site *site = open_site(false);
    const uint64_t id = ask(site, 0.5, 1);
    Command command = behind(site, id, 1);
    while (command.state == COMMAND_WAITING) {
        assert_command(command, COMMAND_WAITING, "being simulated");
        clock_system.sleep_ns(clock_system.self, NS_PER_MS);
        command = behind(site, id, 2);
    }
    assert_command(command, COMMAND_SENT, "");
    close_site(site);
}
END_TEST

START_TEST(what_had_been_sent_before_a_restart_is_not_tried_again)
{
    Site *site = open_site(true);
    const Command kept = {.id = 7, .wish = {.tag = site->order, .value = 5e-3}, .state = COMMAND_SENT, .time = at(0), .deadline = at(10), .ended = TIME_NONE};
    gate_recall(site->gate, &kept);
    assert_command(behind(site, 7, 1), COMMAND_SENT, "");
    close_site(site);
}
END_TEST

static uint64_t try(Site *site, double value, double s)
{
    const CommandWish wish = {.tag = site->order, .value = value / 1000, .dry_run = true, .by = "anna"};
    return gate_ask(site->gate, &wish, at(s));
}

START_TEST(a_dry_run_is_simulated_and_never_handed_over)
{
    Site *site = open_site(true);
    const uint64_t harmless = try(site, 0.5, 1);
    assert_command(behind(site, harmless, 1), COMMAND_WAITING, "being simulated");
    assert_command(behind(site, harmless, 2), COMMAND_WITHHELD, "dry run: it would be handed over");
    const uint64_t harmful = try(site, 5, 3);
    behind(site, harmful, 3);
    assert_command(behind(site, harmful, 4), COMMAND_REFUSED, "dry run: basin.level would pass 50 cm with probability 1.00 within 5 min");
    ck_assert_uint_eq(site->sent_count, 0);
    close_site(site);
}
END_TEST

START_TEST(a_dry_run_gives_way_to_what_is_meant)
{
    Site *site = open_site(true);
    const uint64_t dry = try(site, 0.2, 1);
    behind(site, dry, 1);
    const uint64_t meant = ask(site, 0.5, 1.5);
    assert_command(behind(site, meant, 2), COMMAND_WAITING, "being simulated");
    ck_assert_ptr_null(gate_find(site->gate, dry));

    // and does not get into its way
    const uint64_t again = try(site, 0.2, 2);
    size_t count;
    const Command *changed = gate_changed(site->gate, &count);
    ck_assert_uint_eq(changed[count - 1].id, again);
    assert_command(changed[count - 1], COMMAND_REFUSED, "dry run: command 2 is being simulated: ask again when it has ended");
    assert_command(behind(site, meant, 3), COMMAND_SENT, "");
    close_site(site);
}
END_TEST

START_TEST(what_is_wrong_is_named_with_its_line)
{
    static const struct {
        const char *simulate, *why;
    } cases[] = {
        {"['basin.level'] = { becomes = 'basin.inflow', limits = { 'basin.overflow' } }", "\"basin.level\" is no actuator"},
        {"['basin.inflow_order'] = { becomes = 'basin.level', limits = { 'basin.overflow' } }", "becomes = \"basin.level\" is no input"},
        {"['basin.inflow_order'] = { becomes = 'basin.warmth', limits = { 'basin.overflow' } }", "does not convert"},
        {"['basin.inflow_order'] = { becomes = 'basin.inflow' }", "limits must be a list"},
        {"['basin.inflow_order'] = { becomes = 'basin.inflow', limits = { 'basin.dry' } }", "\"basin.dry\" is no alarm limit"},
        {"['basin.inflow_order'] = { becomes = 'basin.inflow', limits = { 'basin.overflow' }, horizon = 0.5 }", "horizon must be between 1 and"},
        {"['basin.inflow_order'] = { becomes = 'basin.inflow', limits = { 'basin.overflow' }, probability = 2 }", "probability must be between 0 and 1"},
        {"['basin.inflow_order'] = { becomes = 'basin.inflow', limits = { 'basin.overflow' }, chance = 1 }", "chance"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Plant *plant = load_plant(cases[i].simulate);
        Gate *gate;
        Desk *desk;
        ErrText why = {""};
        ck_assert_int_eq(gate_create(plant, &gate, NULL), ERR_OK);
        ck_assert_int_eq(desk_create(plant, 1, &desk, &why), ERR_OK);
        ck_assert_int_eq(gate_simulate(gate, desk, true, &why), ERR_SCRIPT);
        ck_assert_msg(strstr(why.text, "works.lua:3:") && strstr(why.text, cases[i].why), "%s", why.text);
        desk_destroy(desk);
        gate_destroy(gate);
        plant_destroy(plant);
    }
    unit_forget_all();
}
END_TEST

KIT_MAIN("gate.trial", what_is_harmless_goes_out_in_the_next_tick, what_would_pass_a_limit_is_refused_and_says_why, the_probability_is_that_of_the_closed_form,
         a_limit_that_is_passed_anyway_holds_no_command_up, it_is_tried_on_the_plant_as_it_is_behind_the_tick, its_deadline_is_as_it_was,
         the_newest_of_two_commands_is_tried, where_nobody_waits_it_goes_out_when_it_is_ready, what_had_been_sent_before_a_restart_is_not_tried_again,
         a_dry_run_is_simulated_and_never_handed_over, a_dry_run_gives_way_to_what_is_meant, what_is_wrong_is_named_with_its_line)
