#include "gate/gate.h"

#include "alarm/tanks.h"

/* A connector that answers as it is told and remembers what it was sent. */
typedef struct Device {
    Err answer;
    Command sent[8];
    size_t count;
} Device;

static Err device_take(void *self, const Command *command)
{
    Device *device = self;
    if (device->answer)
        return device->answer;
    device->sent[device->count++ % 8] = *command;
    return ERR_OK;
}

static const ConnectorType device_type = {.name = "device", .send = device_take};
static const ConnectorType mute_type = {.name = "mute"};

typedef struct Site {
    Plant *plant;
    Gate *gate;
    Device devices[2];
    Connector connectors[3];
    TagId valve, lamp;
} Site;

/* valve: 0 to 100 percent, 10 percent per s at most; lamp: 0 to 1, free. Commands live for 10 s. */
static Site *open_site(int tanks)
{
    Site *site = mem_alloc(sizeof *site);
    site->plant = tanks_load(tanks, "", "");
    ck_assert_int_eq(gate_create(site->plant, &site->gate, NULL), ERR_OK);
    site->connectors[0] = (Connector){&mute_type, NULL};
    for (size_t i = 0; i < 2; i++)
        site->connectors[i + 1] = (Connector){&device_type, &site->devices[i]};
    site->valve = tags_find(site->plant->tags, "tank0001.valve");
    site->lamp = tags_find(site->plant->tags, "tank0001.lamp");
    return site;
}

static void close_site(Site *site)
{
    gate_destroy(site->gate);
    plant_destroy(site->plant);
    mem_free(site);
    unit_forget_all();
}

static uint64_t ask(Site *site, TagId tag, double value, double s)
{
    const CommandWish wish = {.tag = tag, .value = value, .by = "person:anna", .reason = "by hand"};
    return gate_ask(site->gate, &wish, at(s));
}

static void release(Site *site, double s)
{
    gate_release(site->gate, site->connectors, 3, at(s));
}

/* The command as it changed last. */
static const Command *changed(const Site *site, uint64_t id)
{
    size_t count;
    const Command *list = gate_changed(site->gate, &count);
    for (size_t i = 0; i < count; i++)
        if (list[i].id == id)
            return &list[i];
    ck_abort_msg("command %llu did not change", (unsigned long long)id);
}

static void expect(const Site *site, uint64_t id, CommandState state, const char *detail)
{
    const Command *command = changed(site, id);
    ck_assert_str_eq(command_state_name(command->state), command_state_name(state));
    ck_assert_str_eq(command->detail, detail);
    ck_assert_int_eq(command->ended == TIME_NONE, !command_has_ended(command));
    ck_assert_int_eq(gate_find(site->gate, id) == NULL, command_has_ended(command));
}

/* Ask, hand over, be done. */
static uint64_t carry_out(Site *site, TagId tag, double value, double s)
{
    const uint64_t id = ask(site, tag, value, s);
    release(site, s);
    gate_answer(site->gate, id, true, "", at(s));
    expect(site, id, COMMAND_DONE, "");
    return id;
}

START_TEST(a_command_goes_from_waiting_by_sent_to_done)
{
    Site *site = open_site(1);
    const uint64_t id = ask(site, site->lamp, 1, 5);
    ck_assert_uint_eq(id, 1);
    expect(site, id, COMMAND_WAITING, "");
    ck_assert_int_eq(changed(site, id)->time, at(5));
    ck_assert_int_eq(changed(site, id)->deadline, at(15));
    ck_assert_str_eq(changed(site, id)->wish.by, "person:anna");

    release(site, 6);
    expect(site, id, COMMAND_SENT, "");
    ck_assert_uint_eq(site->devices[0].count, 1);
    ck_assert_uint_eq(site->devices[1].count, 0);
    ck_assert_uint_eq(site->devices[0].sent[0].id, id);
    ck_assert_double_eq(site->devices[0].sent[0].wish.value, 1);
    release(site, 6.5);
    ck_assert_uint_eq(site->devices[0].count, 1);

    gate_answer(site->gate, id, true, "", at(7));
    expect(site, id, COMMAND_DONE, "");
    ck_assert_int_eq(changed(site, id)->ended, at(7));
    close_site(site);
}
END_TEST

START_TEST(every_refusal_is_a_command_that_says_why)
{
    Site *site = open_site(1);
    const TagId level = tags_find(site->plant->tags, "tank0001.level");
    const struct {
        TagId tag;
        double value;
        const char *detail;
    } rows[] = {
        {level, 0.3, "tank0001.level is not an actuator"},
        {site->lamp, NAN, "tank0001.lamp: a finite number was expected"},
        {site->lamp, -INFINITY, "tank0001.lamp: a finite number was expected"},
        {site->lamp, 3, "tank0001.lamp: 3 is above its maximum 1"},
        {site->lamp, -0.5, "tank0001.lamp: -0.5 is below its minimum 0"},
        {site->valve, 1.25, "tank0001.valve: 125 percent is above its maximum 100 percent"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const uint64_t id = ask(site, rows[i].tag, rows[i].value, 1);
        ck_assert_uint_eq(id, i + 1);
        expect(site, id, COMMAND_REFUSED, rows[i].detail);
        ck_assert_int_eq(changed(site, id)->ended, at(1));
    }
    release(site, 1);
    ck_assert_uint_eq(site->devices[0].count, 0);
    close_site(site);
}
END_TEST

START_TEST(the_limits_themselves_are_allowed)
{
    Site *site = open_site(1);
    carry_out(site, site->lamp, 1, 0);
    carry_out(site, site->lamp, 0, 1);
    close_site(site);
}
END_TEST

/* 10 percent per second: 30 percent takes three seconds, counted from when the device was handed the last value. */
START_TEST(the_rate_of_change_is_held_against_what_was_given_last)
{
    Site *site = open_site(1);
    carry_out(site, site->valve, 0.2, 0);
    expect(site, ask(site, site->valve, 0.5, 2), COMMAND_REFUSED,
           "tank0001.valve: from 20 percent to 50 percent in 2 s is faster than its maximum 10 percent per s");
    ck_assert_int_eq(changed(site, ask(site, site->valve, 0.1, 0.5))->state, COMMAND_REFUSED);
    expect(site, ask(site, site->valve, 0.5, 3.001), COMMAND_WAITING, "");
    release(site, 4);
    expect(site, ask(site, site->valve, 0.6, 4.5), COMMAND_REFUSED,
           "tank0001.valve: from 50 percent to 60 percent in 0.5 s is faster than its maximum 10 percent per s");
    close_site(site);
}
END_TEST

START_TEST(what_never_went_out_or_was_refused_by_the_device_does_not_count_for_the_rate)
{
    Site *site = open_site(1);
    carry_out(site, site->valve, 0.2, 0);
    site->devices[0].answer = site->devices[1].answer = ERR_CLOSED;
    ask(site, site->valve, 0.5, 5);
    release(site, 5);
    expect(site, ask(site, site->valve, 0.7, 5.001), COMMAND_WAITING, "");  // from 20 percent at second 0
    site->devices[0].answer = ERR_OK;
    release(site, 6);
    gate_answer(site->gate, 3, false, "stuck", at(6));
    expect(site, ask(site, site->valve, 0.8, 6.5), COMMAND_WAITING, "");  // not from 70 percent at second 6
    close_site(site);
}
END_TEST

START_TEST(a_wish_for_what_was_asked_last_is_that_command)
{
    Site *site = open_site(1);
    const uint64_t id = ask(site, site->lamp, 1, 0);
    ck_assert_uint_eq(ask(site, site->lamp, 1, 1), id);
    release(site, 1);
    ck_assert_uint_eq(ask(site, site->lamp, 1, 2), id);
    gate_answer(site->gate, id, true, "", at(3));
    gate_settle(site->gate);
    ck_assert_uint_eq(ask(site, site->lamp, 1, 4), id);
    size_t count;
    gate_changed(site->gate, &count);
    ck_assert_uint_eq(count, 0);

    // a refusal in between does not count as asked
    ask(site, site->lamp, 9, 5);
    ck_assert_uint_eq(ask(site, site->lamp, 1, 6), id);
    ck_assert_uint_eq(ask(site, site->lamp, 0, 7), 3);
    ck_assert_uint_eq(ask(site, site->lamp, 1, 8), 4);
    close_site(site);
}
END_TEST

START_TEST(what_failed_or_expired_may_be_asked_for_again)
{
    Site *site = open_site(1);
    const uint64_t failed = ask(site, site->lamp, 1, 0);
    release(site, 0);
    gate_answer(site->gate, failed, false, "the bulb is gone", at(1));
    expect(site, failed, COMMAND_FAILED, "the bulb is gone");
    const uint64_t expired = ask(site, site->lamp, 1, 2);
    ck_assert_uint_ne(expired, failed);
    release(site, 2);
    release(site, 20);
    ck_assert_int_eq(changed(site, expired)->state, COMMAND_EXPIRED);
    ck_assert_uint_gt(ask(site, site->lamp, 1, 21), expired);
    close_site(site);
}
END_TEST

START_TEST(a_newer_wish_supersedes_one_that_waits)
{
    Site *site = open_site(1);
    site->devices[0].answer = site->devices[1].answer = ERR_CLOSED;
    const uint64_t first = ask(site, site->lamp, 1, 0), other = ask(site, site->valve, 0.5, 0), second = ask(site, site->lamp, 0, 1);
    expect(site, first, COMMAND_EXPIRED, "superseded by command 3");
    expect(site, other, COMMAND_WAITING, "");
    site->devices[0].answer = ERR_OK;
    release(site, 2);
    ck_assert_uint_eq(site->devices[0].count, 2);
    ck_assert_uint_eq(site->devices[0].sent[0].id, other);
    ck_assert_uint_eq(site->devices[0].sent[1].id, second);
    close_site(site);
}
END_TEST

START_TEST(a_newer_wish_leaves_alone_what_was_sent)
{
    Site *site = open_site(1);
    const uint64_t first = ask(site, site->lamp, 1, 0);
    release(site, 0);
    const uint64_t second = ask(site, site->lamp, 0, 1);
    expect(site, first, COMMAND_SENT, "");
    release(site, 1);
    gate_answer(site->gate, second, true, "", at(2));
    gate_answer(site->gate, first, false, "late", at(2));
    expect(site, second, COMMAND_DONE, "");
    ck_assert_uint_eq(ask(site, site->lamp, 0, 3), second);
    close_site(site);
}
END_TEST

/* The second of two commands is confirmed first. When a third fails, the valve stands where the second has put it. */
START_TEST(answers_out_of_order_leave_the_newest_value)
{
    Site *site = open_site(1);
    for (int i = 0; i < 2; i++) {
        ask(site, site->valve, 0.1 + i * 0.5, i * 6);
        release(site, i * 6);
    }
    gate_answer(site->gate, 2, true, "", at(6));
    gate_answer(site->gate, 1, true, "", at(7));
    ask(site, site->valve, 0.9, 10);
    release(site, 10);
    gate_answer(site->gate, 3, false, "stuck", at(10));
    expect(site, ask(site, site->valve, 0.1, 10), COMMAND_REFUSED,
           "tank0001.valve: from 60 percent to 10 percent in 4 s is faster than its maximum 10 percent per s");
    close_site(site);
}
END_TEST

START_TEST(a_full_connector_keeps_what_is_its_own)
{
    Site *site = open_site(1);
    site->devices[0].answer = ERR_FULL;
    const uint64_t id = ask(site, site->lamp, 1, 0);
    release(site, 1);
    expect(site, id, COMMAND_WAITING, "");
    ck_assert_uint_eq(site->devices[1].count, 0);
    close_site(site);
}
END_TEST

START_TEST(a_closed_connector_is_tried_again_until_the_deadline)
{
    static const Err answers[] = {ERR_CLOSED, ERR_FULL};
    for (size_t i = 0; i < 2; i++) {
        Site *site = open_site(1);
        site->devices[0].answer = site->devices[1].answer = answers[i];
        const uint64_t id = ask(site, site->lamp, 1, 0);
        for (int s = 0; s <= 9; s++)
            release(site, s);
        expect(site, id, COMMAND_WAITING, "");
        site->devices[0].answer = site->devices[1].answer = ERR_OK;
        release(site, 10);  // the deadline itself is in time
        expect(site, id, COMMAND_SENT, "");
        ck_assert_uint_eq(site->devices[0].count, 1);
        close_site(site);
    }
}
END_TEST

START_TEST(while_the_gate_is_patient_only_what_waits_expires)
{
    Site *site = open_site(1);
    const uint64_t sent = ask(site, site->lamp, 1, 0);
    release(site, 0);
    site->devices[0].answer = site->devices[1].answer = ERR_CLOSED;
    const uint64_t waiting = ask(site, site->valve, 0.5, 0);
    gate_be_patient(site->gate, true);
    release(site, 100);
    expect(site, sent, COMMAND_SENT, "");
    ck_assert_int_eq(changed(site, waiting)->state, COMMAND_EXPIRED);
    gate_be_patient(site->gate, false);
    release(site, 101);
    expect(site, sent, COMMAND_EXPIRED, "the device did not answer in time");
    close_site(site);
}
END_TEST

START_TEST(past_its_deadline_a_command_expires)
{
    Site *site = open_site(1);
    const uint64_t sent = ask(site, site->lamp, 1, 0);
    release(site, 0);
    site->devices[0].answer = site->devices[1].answer = ERR_CLOSED;
    const uint64_t waiting = ask(site, site->valve, 0.5, 0);
    release(site, 10);
    expect(site, sent, COMMAND_SENT, "");
    expect(site, waiting, COMMAND_WAITING, "");
    site->devices[0].answer = ERR_OK;
    release(site, 10.001);
    expect(site, sent, COMMAND_EXPIRED, "the device did not answer in time");
    expect(site, waiting, COMMAND_EXPIRED, "no device was there to take it in time");
    ck_assert_int_eq(changed(site, sent)->ended, at(10.001));
    ck_assert_uint_eq(site->devices[0].count, 1);
    close_site(site);
}
END_TEST

START_TEST(an_answer_that_nobody_waits_for_changes_nothing)
{
    Site *site = open_site(1);
    const uint64_t id = ask(site, site->lamp, 1, 0);
    gate_answer(site->gate, id, true, "", at(0));  // it has not been sent
    expect(site, id, COMMAND_WAITING, "");
    release(site, 0);
    release(site, 11);
    gate_answer(site->gate, id, true, "", at(12));
    expect(site, id, COMMAND_EXPIRED, "the device did not answer in time");
    gate_answer(site->gate, 0, true, "", at(12));
    gate_answer(site->gate, 77, false, "what?", at(12));
    gate_settle(site->gate);
    gate_answer(site->gate, id, false, "", at(13));
    size_t count;
    gate_changed(site->gate, &count);
    ck_assert_uint_eq(count, 0);
    close_site(site);
}
END_TEST

START_TEST(a_connector_that_fails_fails_the_command)
{
    Site *site = open_site(1);
    site->devices[0].answer = ERR_CLOSED;
    site->devices[1].answer = ERR_IO;
    const uint64_t id = ask(site, site->lamp, 1, 0);
    release(site, 1);
    expect(site, id, COMMAND_FAILED, "device: a file or device failed");
    close_site(site);
}
END_TEST

START_TEST(a_refusal_without_a_text_gets_one)
{
    Site *site = open_site(1);
    const uint64_t id = ask(site, site->lamp, 1, 0);
    release(site, 0);
    gate_answer(site->gate, id, false, "", at(0));
    expect(site, id, COMMAND_FAILED, "the device refused it");
    close_site(site);
}
END_TEST

START_TEST(settling_forgets_what_ended_and_keeps_what_is_open)
{
    Site *site = open_site(1);
    const uint64_t done = carry_out(site, site->lamp, 1, 0), open = ask(site, site->valve, 0.5, 0);
    gate_settle(site->gate);
    ck_assert_ptr_null(gate_find(site->gate, done));
    ck_assert_uint_eq(gate_find(site->gate, open)->id, open);
    size_t count;
    gate_changed(site->gate, &count);
    ck_assert_uint_eq(count, 0);
    release(site, 1);
    expect(site, open, COMMAND_SENT, "");
    close_site(site);
}
END_TEST

START_TEST(no_more_are_open_than_there_is_room_for)
{
    Site *site = open_site(GATE_OPEN_MAX + 1);
    site->devices[0].answer = site->devices[1].answer = ERR_CLOSED;
    TagId lamps[GATE_OPEN_MAX + 1];
    for (uint32_t i = 0; i <= GATE_OPEN_MAX; i++)
        lamps[i] = plant_tag(site->plant, i, (uint16_t)model_find(plant_model(site->plant, i), "lamp"));
    for (uint32_t i = 0; i < GATE_OPEN_MAX; i++)
        ck_assert_uint_eq(ask(site, lamps[i], 1, 0), i + 1);
    gate_settle(site->gate);
    expect(site, ask(site, lamps[GATE_OPEN_MAX], 1, 1), COMMAND_REFUSED, "tank1025.lamp: 1024 commands have not ended yet, no more are taken");
    expect(site, ask(site, lamps[0], 0, 1), COMMAND_WAITING, "");  // in the place of the one that it supersedes
    expect(site, 1, COMMAND_EXPIRED, "superseded by command 1026");

    // nobody settles: at some point not even refusals can be kept, and what waits is not lost for that
    uint64_t id = 1;
    for (int i = 0; i < 3 * GATE_OPEN_MAX && id; i++)
        id = ask(site, lamps[1], i % 2 ? 7 : 0.5, 2);
    ck_assert_uint_eq(id, 0);
    ck_assert_uint_eq(ask(site, lamps[2], 0.25, 2), 0);
    ck_assert_int_eq(gate_find(site->gate, 3)->state, COMMAND_WAITING);
    gate_settle(site->gate);
    ck_assert_uint_ne(ask(site, lamps[2], 0.25, 2), 0);
    close_site(site);
}
END_TEST

static Command kept(uint64_t id, TagId tag, double value, CommandState state, double s)
{
    const bool open = state == COMMAND_WAITING || state == COMMAND_SENT;
    return (Command){.id = id, .wish = {.tag = tag, .value = value}, .state = state, .time = at(s), .deadline = at(s + 10),
                     .ended = open ? TIME_NONE : at(s)};
}

static void recall(Site *site, uint64_t id, TagId tag, double value, CommandState state, double s)
{
    const Command command = kept(id, tag, value, state, s);
    gate_recall(site->gate, &command);
}

START_TEST(what_was_done_before_a_restart_is_remembered)
{
    Site *site = open_site(1);
    recall(site, 7, site->valve, 0.2, COMMAND_DONE, 0);
    recall(site, 9, site->lamp, 1, COMMAND_REFUSED, 0);
    ck_assert_uint_eq(ask(site, site->valve, 0.2, 1), 7);
    ck_assert_int_eq(changed(site, ask(site, site->valve, 0.5, 1))->state, COMMAND_REFUSED);
    ck_assert_uint_eq(ask(site, site->lamp, 1, 1), 11);
    gate_number_from(site->gate, 40);
    ck_assert_uint_eq(ask(site, site->lamp, 0, 1), 41);
    close_site(site);
}
END_TEST

START_TEST(after_a_restart_as_before_it_what_failed_last_may_be_asked_for_again)
{
    Site *site = open_site(1);
    recall(site, 7, site->valve, 0.2, COMMAND_DONE, 0);
    recall(site, 8, site->valve, 0.3, COMMAND_FAILED, 1);
    ck_assert_uint_eq(ask(site, site->valve, 0.2, 1), 9);
    expect(site, ask(site, site->valve, 0.5, 1), COMMAND_REFUSED,
           "tank0001.valve: from 20 percent to 50 percent in 1 s is faster than its maximum 10 percent per s");
    close_site(site);
}
END_TEST

START_TEST(what_was_open_before_a_restart_is_handed_over_again)
{
    Site *site = open_site(1);
    recall(site, 3, site->valve, 0.2, COMMAND_WAITING, 0);
    recall(site, 5, site->lamp, 1, COMMAND_SENT, 1);
    ck_assert_uint_eq(ask(site, site->lamp, 1, 2), 5);
    expect(site, 5, COMMAND_WAITING, "");
    release(site, 2);
    ck_assert_uint_eq(site->devices[0].count, 2);
    ck_assert_uint_eq(site->devices[0].sent[0].id, 3);
    ck_assert_uint_eq(site->devices[0].sent[1].id, 5);
    gate_answer(site->gate, 5, true, "", at(3));
    expect(site, 5, COMMAND_DONE, "");
    release(site, 11);
    expect(site, 3, COMMAND_EXPIRED, "the device did not answer in time");
    close_site(site);
}
END_TEST

/* The device obeyed 4 after it had been sent 3: to send 3 again would undo it. */
START_TEST(what_is_older_than_the_newest_of_its_actuator_is_not_handed_over_again)
{
    Site *site = open_site(1);
    recall(site, 3, site->lamp, 1, COMMAND_SENT, 0);
    recall(site, 4, site->lamp, 0, COMMAND_DONE, 1);
    expect(site, 3, COMMAND_EXPIRED, "superseded by command 4");
    release(site, 2);
    ck_assert_uint_eq(site->devices[0].count, 0);
    ck_assert_uint_eq(ask(site, site->lamp, 0, 3), 4);
    close_site(site);
}
END_TEST

START_TEST(an_open_command_whose_actuator_is_gone_expires)
{
    Site *site = open_site(1);
    recall(site, 3, tags_find(site->plant->tags, "tank0001.level"), 1, COMMAND_SENT, 0);
    expect(site, 3, COMMAND_EXPIRED, "its tag is no longer that of an actuator");
    recall(site, 4, TAG_NONE, 1, COMMAND_WAITING, 0);
    expect(site, 4, COMMAND_EXPIRED, "its tag is no longer that of an actuator");
    recall(site, 2, site->lamp, 1, COMMAND_WAITING, 0);  // not in order: left out
    ck_assert_ptr_null(gate_find(site->gate, 2));
    release(site, 1);
    ck_assert_uint_eq(site->devices[0].count, 0);
    close_site(site);
}
END_TEST

typedef struct Gone {
    size_t count;
    Command command;
    char tag[64];
} Gone;

static void note_gone(void *self, const Command *command, const char *tag)
{
    Gone *gone = self;
    gone->count++;
    gone->command = *command;
    snprintf(gone->tag, sizeof gone->tag, "%s", tag);
}

/* Another plant of tanks goes on at `s`. */
static Gone succeed(const Site *from, Site *to, double s)
{
    const size_t size = plant_snapshot_size(from->plant);
    void *bytes = mem_alloc(size);
    Lineage lineage;
    ErrText why = {""};
    Gone gone = {0};
    plant_snapshot(from->plant, bytes);
    ck_assert_msg(lineage_read(&lineage, to->plant, bytes, size, &why) == ERR_OK, "%s", why.text);
    gate_succeed(to->gate, from->gate, &lineage, at(s), note_gone, &gone);
    lineage_fini(&lineage);
    mem_free(bytes);
    return gone;
}

START_TEST(commands_of_another_script_go_on_and_none_is_sent_twice)
{
    Site *from = open_site(2), *to;
    const TagId second = tags_find(from->plant->tags, "tank0002.lamp");
    const uint64_t done = carry_out(from, from->valve, 0.2, 0), sent = ask(from, from->lamp, 1, 1);
    release(from, 1);
    const uint64_t leaving = ask(from, second, 1, 2);
    gate_settle(from->gate);

    to = open_site(1);
    const Gone gone = succeed(from, to, 3);
    ck_assert_uint_eq(gone.count, 1);
    ck_assert_uint_eq(gone.command.id, leaving);
    ck_assert_int_eq(gone.command.state, COMMAND_EXPIRED);
    ck_assert_int_eq(gone.command.ended, at(3));
    ck_assert_str_eq(gone.command.detail, "its tag is no longer that of an actuator");
    ck_assert_str_eq(gone.tag, "tank0002.lamp");

    release(to, 4);
    ck_assert_uint_eq(to->devices[0].count, 0);  // the device has it
    ck_assert_uint_eq(ask(to, to->lamp, 1, 4), sent);
    ck_assert_uint_eq(ask(to, to->valve, 0.2, 4), done);
    expect(to, ask(to, to->valve, 0.9, 4), COMMAND_REFUSED, "tank0001.valve: from 20 percent to 90 percent in 4 s is faster than its maximum 10 percent per s");
    gate_answer(to->gate, sent, true, "", at(5));
    expect(to, sent, COMMAND_DONE, "");
    ck_assert_uint_eq(ask(to, to->lamp, 0, 5), leaving + 2);  // behind the refusal
    gate_destroy(from->gate), plant_destroy(from->plant), mem_free(from);
    close_site(to);
}
END_TEST

START_TEST(without_memory_there_is_no_gate)
{
    Plant *plant = tanks_load(1, "", "");
    for (size_t n = 1; n <= 6; n++) {
        Gate *gate;
        kit_fail_allocation(n);
        ck_assert_int_eq(gate_create(plant, &gate, NULL), ERR_MEMORY);
        kit_fail_allocation(0);
        ck_assert_ptr_null(gate);
    }
    plant_destroy(plant);
    unit_forget_all();
}
END_TEST

KIT_MAIN("gate.gate", a_command_goes_from_waiting_by_sent_to_done, every_refusal_is_a_command_that_says_why, the_limits_themselves_are_allowed,
         the_rate_of_change_is_held_against_what_was_given_last, what_never_went_out_or_was_refused_by_the_device_does_not_count_for_the_rate,
         a_wish_for_what_was_asked_last_is_that_command, what_failed_or_expired_may_be_asked_for_again, a_newer_wish_supersedes_one_that_waits,
         a_newer_wish_leaves_alone_what_was_sent, answers_out_of_order_leave_the_newest_value,
         a_full_connector_keeps_what_is_its_own, a_closed_connector_is_tried_again_until_the_deadline, past_its_deadline_a_command_expires, while_the_gate_is_patient_only_what_waits_expires,
         an_answer_that_nobody_waits_for_changes_nothing, a_connector_that_fails_fails_the_command, a_refusal_without_a_text_gets_one,
         settling_forgets_what_ended_and_keeps_what_is_open, no_more_are_open_than_there_is_room_for,
         what_was_done_before_a_restart_is_remembered, after_a_restart_as_before_it_what_failed_last_may_be_asked_for_again,
         what_was_open_before_a_restart_is_handed_over_again,
         what_is_older_than_the_newest_of_its_actuator_is_not_handed_over_again, an_open_command_whose_actuator_is_gone_expires,
         commands_of_another_script_go_on_and_none_is_sent_twice, without_memory_there_is_no_gate)
