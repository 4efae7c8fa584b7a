/* test_journal.c -- alarms and commands on their way to those who watch, when nobody takes them for long. */
#include "server/journal.h"

#include "rig.h"

typedef struct Watch {
    Rig *rig;
    Journal journal;
    Recent recent;
    uint64_t revision;
    Text alarms, commands;
} Watch;

static Watch open_watch(void)
{
    Watch watch = {.rig = rig_make(false)};
    ServerDef def = rig_def(watch.rig);
    rig_serve(watch.rig, &def);
    ck_assert_int_eq(journal_init(&watch.journal, watch.rig->plant, NULL), ERR_OK);
    return watch;
}

static void close_watch(Watch *watch)
{
    journal_fini(&watch->journal);
    recent_fini(&watch->recent);
    text_fini(&watch->alarms);
    text_fini(&watch->commands);
    rig_close(watch->rig);
}

static bool pass(Watch *watch)
{
    return journal_pass(&watch->journal, watch->rig->alarms, watch->rig->gate);
}

static const RecentForm listed = {"", "", ","};

static bool of_all(const void *self, uint32_t twin)
{
    (void)self, (void)twin;
    return true;
}

static bool take(Watch *watch)
{
    text_clear(&watch->alarms);
    text_clear(&watch->commands);
    const uint64_t told = watch->revision++;
    const bool anew = journal_take(&watch->journal, &watch->recent, watch->revision, told);
    recent_write(&watch->recent, RECENT_ALARM, told, of_all, NULL, listed, &watch->alarms);
    recent_write(&watch->recent, RECENT_COMMAND, told, of_all, NULL, listed, &watch->commands);
    return anew;
}

/* The tank runs over: the alarm is new until somebody settles. */
static uint64_t raise_alarm(Watch *watch)
{
    for (int i = 0; i < 30; i++)
        rig_sample(watch->rig, i, 90);
    size_t count;
    const Alarm *alarms = alarms_list(watch->rig->alarms, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(alarms[i].name, "overflow") == 0)
            return alarms[i].id;
    ck_abort_msg("no alarm was raised");
}

static const Alarm *find(const Watch *watch, uint64_t id)
{
    for (size_t i = 0; i < watch->journal.alarm_count; i++)
        if (watch->journal.alarms[i].id == id)
            return &watch->journal.alarms[i];
    return NULL;
}

START_TEST(the_first_pass_brings_all_alarms_that_are_there)
{
    Watch watch = open_watch();
    const uint64_t id = raise_alarm(&watch);
    ck_assert(pass(&watch));
    ck_assert(take(&watch));
    ck_assert_ptr_nonnull(find(&watch, id));
    ck_assert_ptr_nonnull(strstr(watch.alarms.bytes, "\"overflow\""));
    ck_assert(!pass(&watch));
    ck_assert(!take(&watch));
    ck_assert_uint_eq(watch.alarms.length, 0);
    close_watch(&watch);
}
END_TEST

START_TEST(a_change_replaces_what_was_there)
{
    Watch watch = open_watch();
    const uint64_t id = raise_alarm(&watch);
    pass(&watch);
    take(&watch);
    const size_t before = watch.journal.alarm_count;
    ck_assert_int_eq(rig_acknowledge(watch.rig->alarms, id, sync_now(watch.rig->sync)), ERR_OK);
    ck_assert(pass(&watch));
    ck_assert(!take(&watch));
    ck_assert_int_eq(find(&watch, id)->state, ALARM_ACKNOWLEDGED);
    ck_assert_uint_eq(watch.journal.alarm_count, before);
    close_watch(&watch);
}
END_TEST

START_TEST(an_alarm_that_is_over_leaves_the_list_and_is_told)
{
    Watch watch = open_watch();
    const uint64_t id = raise_alarm(&watch);
    pass(&watch);
    take(&watch);
    Rig *rig = watch.rig;
    rig_acknowledge(rig->alarms, id, sync_now(rig->sync));
    alarms_settle(rig->alarms);

    // the tank is emptied by hand, and the next judgement finds nothing wrong with its level
    *plant_cell(rig->plant, 0, plant_model(rig->plant, 0)->channels[0].column) = 0.1;
    alarm_judge(rig->alarms, rig->plant, rig->sync, (Batch){0}, sync_now(rig->sync) + NS_PER_S);
    ck_assert(pass(&watch));
    take(&watch);
    ck_assert_ptr_null(find(&watch, id));
    ck_assert_ptr_nonnull(strstr(watch.alarms.bytes, "\"state\":\"over\""));
    close_watch(&watch);
}
END_TEST

START_TEST(a_full_ring_makes_it_begin_anew)
{
    Watch watch = open_watch();
    const uint64_t id = raise_alarm(&watch);
    pass(&watch);
    rig_acknowledge(watch.rig->alarms, id, sync_now(watch.rig->sync));

    // nobody takes and nobody settles, so each pass adds the change again, until there is no room
    for (int i = 0; i < 3 * ALARMS_MAX && !watch.journal.begin_anew; i++)
        pass(&watch);
    ck_assert(watch.journal.begin_anew);
    ck_assert(!pass(&watch));
    alarms_settle(watch.rig->alarms);
    while (ring_count(&watch.journal.changes))
        take(&watch);

    ck_assert(pass(&watch));
    ck_assert(take(&watch));
    ck_assert_int_eq(find(&watch, id)->state, ALARM_ACKNOWLEDGED);
    ck_assert(!watch.journal.begin_anew);
    close_watch(&watch);
}
END_TEST

static Err take_any(void *self, const Command *command)
{
    (void)self, (void)command;
    return ERR_OK;
}

static const ConnectorType willing_type = {.name = "willing", .send = take_any};

START_TEST(the_last_fifty_commands_are_kept_and_changes_find_theirs)
{
    Watch watch = open_watch();
    Rig *rig = watch.rig;
    for (int i = 0; i < 60; i++) {
        const CommandWish wish = {.tag = rig_tag(rig, "tank1.valve"), .value = (i + 1) / 100.0, .by = "person:anna"};
        gate_ask(rig->gate, &wish, 1000);
    }
    pass(&watch);
    gate_settle(rig->gate);
    take(&watch);
    ck_assert_uint_eq(watch.journal.command_count, JOURNAL_COMMANDS);
    const uint64_t oldest = watch.journal.commands[0].id, newest = watch.journal.commands[JOURNAL_COMMANDS - 1].id;
    ck_assert_uint_eq(newest - oldest, JOURNAL_COMMANDS - 1);

    const Connector connector = {&willing_type, NULL};
    gate_release(rig->gate, &connector, 1, 2000);
    ck_assert(pass(&watch));
    take(&watch);
    ck_assert_uint_eq(watch.journal.commands[JOURNAL_COMMANDS - 1].id, newest);
    ck_assert_uint_eq(watch.journal.command_count, JOURNAL_COMMANDS);
    ck_assert_int_eq(watch.journal.commands[JOURNAL_COMMANDS - 1].state, COMMAND_SENT);
    ck_assert_ptr_nonnull(strstr(watch.commands.bytes, "\"state\":\"sent\""));
    close_watch(&watch);
}
END_TEST

KIT_MAIN("server.journal", the_first_pass_brings_all_alarms_that_are_there, a_change_replaces_what_was_there,
         an_alarm_that_is_over_leaves_the_list_and_is_told, a_full_ring_makes_it_begin_anew,
         the_last_fifty_commands_are_kept_and_changes_find_theirs)
