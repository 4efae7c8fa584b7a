/* Fail-safe values, reading back, watchdogs, dry runs: what the gate does by itself, and what it keeps back. */
#include "gate/gate.h"

#include "alarm/tanks.h"

static const char pump_script[] = "return model 'pump' {\n"
                                  "  inputs = { position = { 0, 'percent' }, pressure = { 1, 'bar' } },\n"
                                  "  states = { level = { 30, 'cm', sd = 5 } },\n"
                                  "  sensors = { gauge = { of = 'level', noise = 0.5 } },\n"
                                  "  actuators = { opening = { 0, 'percent', min = 0, max = 100, rate = 10 }, lamp = { 0, '1', min = 0, max = 1 }, alive = { 0, '1', min = 0, max = 3 } },\n"
                                  "  equations = function(t) t.level.rate = quantity(0, 'm/s') end,\n"
                                  "}\n";

typedef struct Site {
    Plant *plant;
    Gate *gate;
    Sync sync;
    Filed heard[4];
    Err answer;  // of the device
    Command sent[16];
    size_t sent_count;
    TagId opening, lamp, alive, position, gauge;
} Site;

static Err take(void *self, const Command *command)
{
    Site *site = self;
    if (site->answer)
        return site->answer;
    site->sent[site->sent_count++ % 16] = *command;
    return ERR_OK;
}

static const ConnectorType device_type = {.name = "device", .send = take};

static Plant *load_plant(const char *rules)
{
    char text[2048];
    Plant *plant;
    ErrText why;
    log_set_level(LOG_ERROR);
    tanks_write("pump.lua", pump_script);
    snprintf(text, sizeof text, "return plant 'works' { step = 1, command_timeout = 10, assets = { pump = { 'pump' }, spare = { 'pump' } }, gate = { %s } }\n", rules);
    if (plant_load(tanks_write("works.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

static Site *open_site(const char *rules)
{
    Site *site = mem_alloc(sizeof *site);
    ErrText why;
    site->plant = load_plant(rules);
    if (gate_create(site->plant, &site->gate, &why))
        ck_abort_msg("%s", why.text);
    site->opening = tags_find(site->plant->tags, "pump.opening");
    site->lamp = tags_find(site->plant->tags, "pump.lamp");
    site->alive = tags_find(site->plant->tags, "pump.alive");
    site->position = tags_find(site->plant->tags, "pump.position");
    site->gauge = tags_find(site->plant->tags, "pump.gauge");
    site->sync.batch = (Batch){.items = site->heard};
    return site;
}

static void close_site(Site *site)
{
    gate_destroy(site->gate);
    plant_destroy(site->plant);
    mem_free(site);
    unit_forget_all();
}

/* From now on this is the newest sample of its tag. */
static void hear(Site *site, TagId tag, double value, double s)
{
    site->heard[site->sync.batch.count].sample = (Sample){.tag = tag, .time = at(s), .value = value};
    site->sync.batch.count++;
    plant_set(site->plant, tag, value);
}

/* What ticks do about the gate; commands that changed stay to be looked at until the next. */
static void tick(Site *site, double s)
{
    const Connector connector = {&device_type, site};
    gate_settle(site->gate);
    gate_judge(site->gate, &site->sync, at(s));
    gate_release(site->gate, &connector, 1, at(s));
    gate_beat(site->gate, &connector, 1, at(s));
}

static uint64_t ask_for(Site *site, CommandWish wish, double s)
{
    snprintf(wish.by, sizeof wish.by, "anna");
    return gate_ask(site->gate, &wish, at(s));
}

static uint64_t ask(Site *site, TagId tag, double value, double s)
{
    return ask_for(site, (CommandWish){.tag = tag, .value = value}, s);
}

static const Command *newest(const Site *site)
{
    return &site->sent[(site->sent_count - 1) % 16];
}

static void expect(const Site *site, uint64_t id, CommandState state, const char *detail)
{
    size_t count;
    const Command *list = gate_changed(site->gate, &count);
    for (size_t i = 0; i < count; i++)
        if (list[i].id == id) {
            ck_assert_str_eq(command_state_name(list[i].state), command_state_name(state));
            ck_assert_str_eq(list[i].detail, detail);
            return;
        }
    ck_abort_msg("command %llu did not change", (unsigned long long)id);
}

static Err act(Site *site, GateActKind kind, TagId tag, double s, ErrText *why)
{
    GateAct deed = {.kind = kind, .tag = tag, .by = "anna", .reason = "fire drill", .mode = ACTUATOR_BLOCKED, .may_block = true};
    return gate_act(site->gate, &deed, at(s), why);
}

static bool is_held(const Site *site, TagId tag)
{
    size_t count;
    uint64_t changes;
    const ActuatorState *list = gate_actuators(site->gate, &count, &changes);
    for (size_t i = 0; i < count; i++)
        if (list[i].tag == tag)
            return list[i].held;
    return false;
}

// Fail-safe values.

START_TEST(on_order_the_fail_safe_value_is_written_whatever_its_rate)
{
    Site *site = open_site("fail_safe = { ['pump.opening'] = 100 }");
    ErrText why;
    ask(site, site->opening, 0.05, 1);
    tick(site, 1);
    gate_answer(site->gate, newest(site)->id, true, "", at(1));
    ck_assert_int_eq(act(site, GATE_ACT_HOLD, TAG_NONE, 2, &why), ERR_OK);
    tick(site, 2);  // 95 percent in 1 s: people may 10
    ck_assert_uint_eq(site->sent_count, 2);
    ck_assert_double_eq(newest(site)->wish.value, 1);
    ck_assert_str_eq(newest(site)->wish.by, "pollux:fail-safe");
    ck_assert_str_eq(newest(site)->wish.reason, "fire drill");
    ck_assert(gate_is_making_safe(site->gate));
    gate_answer(site->gate, newest(site)->id, true, "", at(2));
    ck_assert(!gate_is_making_safe(site->gate));
    for (int s = 3; s < 60; s++)
        tick(site, s);
    ck_assert_uint_eq(site->sent_count, 2);  // it is there
    close_site(site);
}
END_TEST

START_TEST(what_is_held_nobody_commands_until_people_release_it)
{
    Site *site = open_site("fail_safe = { ['pump.opening'] = 0 }");
    ErrText why;
    const uint64_t waiting = ask(site, site->opening, 0.05, 1);
    act(site, GATE_ACT_HOLD, site->opening, 1, &why);
    tick(site, 2);
    expect(site, ask(site, site->opening, 0.5, 2), COMMAND_REFUSED, "pump.opening is held at its fail-safe value 0 percent: fire drill");
    ck_assert_uint_eq(site->sent_count, 1);
    ck_assert_uint_ne(newest(site)->id, waiting);
    expect(site, waiting, COMMAND_EXPIRED, "superseded by command 2");

    gate_answer(site->gate, newest(site)->id, true, "", at(2));
    ck_assert_int_eq(act(site, GATE_ACT_RELEASE, TAG_NONE, 3, &why), ERR_OK);
    ck_assert(!is_held(site, site->opening));
    expect(site, ask(site, site->opening, 0.05, 20), COMMAND_WAITING, "");
    ck_assert_int_eq(act(site, GATE_ACT_RELEASE, TAG_NONE, 3, &why), ERR_UNKNOWN);
    ck_assert_int_eq(act(site, GATE_ACT_HOLD, site->lamp, 3, &why), ERR_UNKNOWN);
    close_site(site);
}
END_TEST

START_TEST(silent_sensors_lead_to_the_fail_safe_value_and_hold_it_until_they_are_back)
{
    Site *site = open_site("fail_safe = { ['pump.opening'] = { 0, seconds = 5, while_heard = { 'pump.gauge' } } }");
    ErrText why;
    hear(site, site->gauge, 0.3, 1);
    for (int s = 1; s <= 6; s++)
        tick(site, s);
    ck_assert(!is_held(site, site->opening));
    tick(site, 7);
    ck_assert(is_held(site, site->opening));
    ck_assert_uint_eq(site->sent_count, 1);
    ck_assert_str_eq(newest(site)->wish.reason, "pump.gauge was silent for more than 5 s");
    gate_answer(site->gate, newest(site)->id, true, "", at(7));
    ck_assert_int_eq(act(site, GATE_ACT_RELEASE, TAG_NONE, 7, &why), ERR_CLOSED);
    ck_assert_str_eq(why.text, "pump.opening stays at its fail-safe value: pump.gauge is silent for 6 s");

    // that they are back releases nothing: people do
    hear(site, site->gauge, 0.3, 8);
    tick(site, 8);
    ck_assert(is_held(site, site->opening));
    ck_assert_int_eq(act(site, GATE_ACT_RELEASE, TAG_NONE, 8, &why), ERR_OK);
    tick(site, 9);
    ck_assert(!is_held(site, site->opening));
    close_site(site);
}
END_TEST

START_TEST(what_was_never_heard_is_silent_from_the_first_tick_on)
{
    Site *site = open_site("fail_safe = { ['pump.opening'] = { 0, seconds = 5 } }");  // its own sensors
    for (int s = 1; s <= 6; s++)
        tick(site, s);
    ck_assert(!is_held(site, site->opening));
    tick(site, 7);
    ck_assert(is_held(site, site->opening));
    close_site(site);
}
END_TEST

START_TEST(what_is_blocked_is_not_moved_before_it_is_unblocked)
{
    Site *site = open_site("fail_safe = { ['pump.opening'] = 0 }");
    ErrText why;
    ck_assert_int_eq(act(site, GATE_ACT_MODE, site->opening, 1, &why), ERR_OK);
    ck_assert_int_eq(act(site, GATE_ACT_HOLD, TAG_NONE, 2, &why), ERR_OK);
    tick(site, 2);
    ck_assert_uint_eq(site->sent_count, 0);
    GateAct unblock = {.kind = GATE_ACT_MODE, .tag = site->opening, .mode = ACTUATOR_AUTOMATIC, .may_block = true};
    ck_assert_int_eq(gate_act(site->gate, &unblock, at(3), &why), ERR_OK);
    tick(site, 3);
    ck_assert_uint_eq(site->sent_count, 1);
    close_site(site);
}
END_TEST

START_TEST(a_fail_safe_value_that_waits_does_not_go_once_its_actuator_is_blocked)
{
    Site *site = open_site("fail_safe = { ['pump.opening'] = 0 }");
    ErrText why;
    site->answer = ERR_CLOSED;  // nobody is there yet
    act(site, GATE_ACT_HOLD, TAG_NONE, 1, &why);
    tick(site, 1);
    act(site, GATE_ACT_MODE, site->opening, 1, &why);
    site->answer = ERR_OK;
    for (int s = 2; s <= 30; s++)
        tick(site, s);
    ck_assert_uint_eq(site->sent_count, 0);
    close_site(site);
}
END_TEST

START_TEST(a_fail_safe_value_that_was_not_taken_is_tried_again)
{
    Site *site = open_site("fail_safe = { ['pump.opening'] = 0 }");
    ErrText why;
    site->answer = ERR_IO;
    act(site, GATE_ACT_HOLD, TAG_NONE, 1, &why);
    tick(site, 1);
    expect(site, 1, COMMAND_FAILED, "device: a file or device failed");
    site->answer = ERR_OK;
    for (int s = 2; s <= 10; s++)
        tick(site, s);
    ck_assert_uint_eq(site->sent_count, 0);
    tick(site, 11);
    ck_assert_uint_eq(site->sent_count, 1);
    close_site(site);
}
END_TEST

START_TEST(a_fail_safe_value_finds_room_where_people_find_none)
{
    Site *site = open_site("fail_safe = { ['pump.opening'] = 0 }");
    ErrText why;
    for (int i = 0; i < GATE_OPEN_MAX; i++) {  // sent, and never answered
        gate_settle(site->gate);
        ask(site, site->lamp, i % 2, 1);
        gate_release(site->gate, &(Connector){&device_type, site}, 1, at(1));
    }
    gate_settle(site->gate);
    expect(site, ask(site, site->lamp, 0.5, 1), COMMAND_REFUSED, "pump.lamp: 1024 commands have not ended yet, no more are taken");
    act(site, GATE_ACT_HOLD, TAG_NONE, 1, &why);
    tick(site, 2);
    ck_assert_uint_eq(newest(site)->wish.tag, site->opening);
    close_site(site);
}
END_TEST

START_TEST(what_is_held_is_held_behind_a_restart)
{
    Site *before = open_site("fail_safe = { ['pump.opening'] = 0, ['pump.lamp'] = 1 }");
    ErrText why;
    char bytes[8192];
    act(before, GATE_ACT_HOLD, before->opening, 1, &why);
    tick(before, 1);
    gate_answer(before->gate, newest(before)->id, true, "", at(1));
    size_t count;
    const Command done = *gate_changed(before->gate, &count);
    const size_t size = gate_snapshot_size(before->gate);
    ck_assert_uint_le(size, sizeof bytes);
    gate_snapshot(before->gate, bytes);
    close_site(before);

    Site *after = open_site("fail_safe = { ['pump.opening'] = 0, ['pump.lamp'] = 1 }");
    ck_assert_int_eq(gate_restore(after->gate, bytes, size, &why), ERR_OK);
    gate_recall(after->gate, &done);
    tick(after, 2);
    ck_assert(is_held(after, after->opening));
    ck_assert(!is_held(after, after->lamp));
    ck_assert_uint_eq(after->sent_count, 0);  // its device has it
    close_site(after);
}
END_TEST

// Reading back.

static const char reads_back[] = "read_back = { ['pump.opening'] = { 'pump.position', within = 2, seconds = 5 } }";

START_TEST(a_confirmed_command_is_done_when_the_device_reports_it)
{
    Site *site = open_site(reads_back);
    hear(site, site->position, 0.5, 1);  // from before: it proves nothing
    const uint64_t id = ask(site, site->opening, 0.5, 1);
    tick(site, 1);
    gate_answer(site->gate, id, true, "", at(1));
    expect(site, id, COMMAND_SENT, "confirmed; pump.position is being read back");
    tick(site, 2);
    ck_assert_ptr_nonnull(gate_find(site->gate, id));
    hear(site, site->position, 0.47, 3);
    tick(site, 3);
    ck_assert_ptr_nonnull(gate_find(site->gate, id));
    hear(site, site->position, 0.48, 4);
    tick(site, 4);
    expect(site, id, COMMAND_DONE, "");
    close_site(site);
}
END_TEST

START_TEST(what_does_not_come_near_fails_with_what_was_read)
{
    Site *site = open_site(reads_back);
    const uint64_t id = ask(site, site->opening, 0.5, 1);
    tick(site, 1);
    gate_answer(site->gate, id, true, "", at(1));
    hear(site, site->position, 0.43, 2);
    for (int s = 2; s <= 6; s++)
        tick(site, s);
    expect(site, id, COMMAND_FAILED, "confirmed, but pump.position reads 43 percent");

    const uint64_t again = ask(site, site->opening, 0.5, 7);
    ck_assert_uint_ne(again, id);
    tick(site, 7);
    gate_answer(site->gate, again, true, "", at(7));
    for (int s = 8; s <= 12; s++)
        tick(site, s);
    expect(site, again, COMMAND_FAILED, "confirmed, but pump.position was not heard since");
    close_site(site);
}
END_TEST

START_TEST(reading_back_may_take_longer_than_the_deadline)
{
    Site *site = open_site("read_back = { ['pump.opening'] = { 'pump.position', within = 2, seconds = 30 } }");
    const uint64_t id = ask(site, site->opening, 0.5, 1);
    tick(site, 1);
    gate_answer(site->gate, id, true, "", at(5));
    for (int s = 6; s <= 29; s++)
        tick(site, s);
    ck_assert_ptr_nonnull(gate_find(site->gate, id));
    hear(site, site->position, 0.5, 30);
    tick(site, 30);
    expect(site, id, COMMAND_DONE, "");
    close_site(site);
}
END_TEST

START_TEST(a_newer_command_ends_the_reading_back_of_the_one_before)
{
    Site *site = open_site(reads_back);
    const uint64_t first = ask(site, site->opening, 0.5, 1);
    tick(site, 1);
    gate_answer(site->gate, first, true, "", at(1));
    const uint64_t second = ask(site, site->opening, 0.55, 2);
    tick(site, 2);
    expect(site, first, COMMAND_EXPIRED, "superseded by command 2 before it was read back");
    gate_answer(site->gate, second, true, "", at(2));
    hear(site, site->position, 0.55, 3);
    tick(site, 3);
    expect(site, second, COMMAND_DONE, "");
    close_site(site);
}
END_TEST

// The watchdog.

START_TEST(a_watchdog_counts_by_the_time_and_is_kept_nowhere)
{
    Site *site = open_site("watchdog = { ['pump.alive'] = { every = 2, count = 4 } }");
    double last = NAN;
    for (int s = 0; s < 16; s++)
        tick(site, s);
    ck_assert_uint_eq(site->sent_count, 8);
    for (size_t i = 0; i < site->sent_count; i++) {
        ck_assert_uint_eq(site->sent[i].wish.tag, site->alive);
        ck_assert_uint_gt(site->sent[i].id, UINT64_C(1) << 52);
        ck_assert_uint_lt(site->sent[i].id, UINT64_C(1) << 53);
        if (i > 0)
            ck_assert_double_eq(site->sent[i].wish.value, fmod(last + 1, 4));
        last = site->sent[i].wish.value;
        gate_answer(site->gate, site->sent[i].id, i % 2, "", at(16));
    }
    size_t count;
    gate_changed(site->gate, &count);
    ck_assert_uint_eq(count, 0);
    expect(site, ask(site, site->alive, 1, 16), COMMAND_REFUSED, "pump.alive is a watchdog: the gate alone moves it");
    close_site(site);
}
END_TEST

// Dry runs.

START_TEST(a_dry_run_of_a_command_says_what_would_happen_and_changes_nothing)
{
    Site *site = open_site("");
    const uint64_t real = ask(site, site->opening, 0.2, 1);
    tick(site, 1);
    gate_answer(site->gate, real, true, "", at(1));
    const uint64_t dry = ask_for(site, (CommandWish){.tag = site->opening, .value = 0.25, .dry_run = true}, 2);
    expect(site, dry, COMMAND_WITHHELD, "dry run: it would be handed over");
    const uint64_t refused = ask_for(site, (CommandWish){.tag = site->opening, .value = 0.9, .dry_run = true}, 2);
    expect(site, refused, COMMAND_REFUSED, "dry run: pump.opening: from 20 percent to 90 percent in 1 s is faster than its maximum 10 percent per s");
    tick(site, 3);
    ck_assert_uint_eq(site->sent_count, 1);
    ck_assert_double_eq(gate_told(site->gate, site->opening), 0.2);
    ck_assert_uint_eq(ask(site, site->opening, 0.2, 3), real);
    close_site(site);
}
END_TEST

START_TEST(a_wish_is_one_command_in_a_dry_run_too_whatever_was_done_before)
{
    Site *site = open_site("dry_run = true");
    const Command done = {.id = 7, .wish = {.tag = site->lamp, .value = 1}, .state = COMMAND_DONE, .time = at(0), .deadline = at(10), .ended = at(0)};
    gate_recall(site->gate, &done);
    const uint64_t id = ask(site, site->lamp, 0, 1);
    tick(site, 1);
    ck_assert_uint_eq(ask(site, site->lamp, 0, 2), id);
    ck_assert_double_eq(gate_told(site->gate, site->lamp), 1);
    ck_assert_uint_ne(ask(site, site->lamp, 1, 3), done.id);  // it would be told anew
    close_site(site);
}
END_TEST

START_TEST(in_a_dry_run_of_the_plant_everything_is_decided_and_nothing_leaves)
{
    Site *site = open_site("dry_run = true, watchdog = { ['pump.alive'] = { every = 1 } }, fail_safe = { ['pump.lamp'] = 1 }");
    ErrText why;
    ck_assert(gate_is_dry(site->gate));
    const uint64_t id = ask(site, site->opening, 0.2, 1);
    tick(site, 1);
    expect(site, id, COMMAND_WITHHELD, "dry run: nothing leaves this plant");
    ck_assert_uint_eq(ask(site, site->opening, 0.2, 2), id);  // what was asked last
    ck_assert(isnan(gate_told(site->gate, site->opening)));
    expect(site, ask(site, site->opening, 1.5, 2), COMMAND_REFUSED, "pump.opening: 150 percent is above its maximum 100 percent");
    act(site, GATE_ACT_HOLD, TAG_NONE, 3, &why);
    tick(site, 3);
    size_t count;
    ck_assert_str_eq(gate_changed(site->gate, &count)->wish.by, "pollux:fail-safe");
    for (int s = 4; s < 40; s++) {
        tick(site, s);
        gate_changed(site->gate, &count);
        ck_assert_uint_eq(count, 0);
    }
    ck_assert_uint_eq(site->sent_count, 0);
    close_site(site);
}
END_TEST

KIT_MAIN("gate.safety", on_order_the_fail_safe_value_is_written_whatever_its_rate, what_is_held_nobody_commands_until_people_release_it,
         silent_sensors_lead_to_the_fail_safe_value_and_hold_it_until_they_are_back, what_was_never_heard_is_silent_from_the_first_tick_on,
         what_is_blocked_is_not_moved_before_it_is_unblocked, a_fail_safe_value_that_waits_does_not_go_once_its_actuator_is_blocked, a_fail_safe_value_that_was_not_taken_is_tried_again,
         a_fail_safe_value_finds_room_where_people_find_none, what_is_held_is_held_behind_a_restart, a_confirmed_command_is_done_when_the_device_reports_it,
         what_does_not_come_near_fails_with_what_was_read, reading_back_may_take_longer_than_the_deadline,
         a_newer_command_ends_the_reading_back_of_the_one_before, a_watchdog_counts_by_the_time_and_is_kept_nowhere,
         a_dry_run_of_a_command_says_what_would_happen_and_changes_nothing, a_wish_is_one_command_in_a_dry_run_too_whatever_was_done_before,
         in_a_dry_run_of_the_plant_everything_is_decided_and_nothing_leaves)
