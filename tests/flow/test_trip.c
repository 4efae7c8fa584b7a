/* The whole trip in one process: a tape, the tick, the gate, and what is remembered of it. */
#include "flow/feed.h"
#include "flow/flow.h"

enum { ALARMS_SEEN_MAX = 32, LATE_EVERY = 40 };

static const Clock *still_clock(FakeClock *fake)
{
    static Clock clock;
    *fake = (FakeClock){.utc_ns = INT64_C(1700000000) * NS_PER_S};
    clock = clock_fake(fake);
    return &clock;
}

// What history holds behind it.

/* Every sample of the tape, and nothing else. */
static void assert_tape_kept(Record *record, const char *tape_path)
{
    Tape *tape = flow_open_tape(tape_path, record->plant);
    size_t count, total = 0;
    const Sample *samples = tape_samples(tape, &count);
    assert_samples_kept(record, samples, count);
    for (TagId tag = 0; tag < tags_count(record->plant->tags); tag++) {
        size_t kept = 0;
        if (tags_get(record->plant->tags, tag).role == TAG_SAMPLED)
            record_points(record, tag, &kept);
        total += kept;
    }
    ck_assert_uint_eq(total, count);
    tape_close(tape);
}

/* Values within reason, each with a standard deviation, one per second. */
static void assert_estimates_kept(Record *record)
{
    size_t count;
    const TagId tag = tags_find(record->plant->tags, "incubator.T_box");
    const HistoryPoint *points = record_points(record, tag, &count);
    ck_assert_uint_gt(count, 1000);
    for (size_t i = 0; i < count; i++) {
        ck_assert(points[i].value > 283 && points[i].value < 343);
        ck_assert(isfinite(points[i].sd) && points[i].sd > 0);
        ck_assert(i == 0 || points[i].time - points[i - 1].time <= NS_PER_S);
    }
    ck_assert_double_lt(points[count - 1].sd, points[0].sd / 10);
}

static void assert_command(const HistoryCommand *entry, double value, int64_t time)
{
    ck_assert_str_eq(entry->tag, "incubator.heater_enable");
    ck_assert_str_eq(entry->command.wish.by, "handler:divergence");
    ck_assert_double_eq(entry->command.wish.value, value);
    ck_assert_int_eq(entry->command.time, time);
    ck_assert_msg(entry->command.state == COMMAND_DONE, "command %llu is %s: %s", (unsigned long long)entry->command.id, command_state_name(entry->command.state),
                  entry->command.detail);
    ck_assert_int_ge(entry->command.ended, time);
    ck_assert_int_le(entry->command.ended, entry->command.deadline);
}

/* Each alarm holds the heater off when it is raised, and lets it go when it returns. */
static void assert_alarms_answered(const Record *record, size_t at_least)
{
    ck_assert_uint_ge(record->alarm_count, at_least);
    ck_assert_uint_eq(record->command_count, 2 * record->alarm_count);
    for (size_t i = 0; i < record->alarm_count; i++) {
        const Alarm *alarm = &record->alarms[i].alarm;
        ck_assert_str_eq(alarm->name, "divergence");
        ck_assert_str_eq(record->alarms[i].twin, "incubator");
        ck_assert_int_eq(alarm->state, ALARM_RETURNED);  // nobody acknowledged it
        ck_assert_int_eq(alarm->acknowledged, TIME_NONE);
        ck_assert_int_lt(alarm->raised, alarm->returned);
        assert_command(&record->commands[2 * i], 0, alarm->raised);
        assert_command(&record->commands[2 * i + 1], 1, alarm->returned);
    }
}

static void assert_whole_trip(const char *tape, size_t alarms)
{
    const FlowPath history = flow_path("trip.db");
    FakeClock fake;
    Record record;
    flow_play(tape, history.text, still_clock(&fake));
    record_open(&record, history.text, FLOW_PLANT);
    assert_tape_kept(&record, tape);
    assert_estimates_kept(&record);
    assert_alarms_answered(&record, alarms);
    record_close(&record);
}

START_TEST(samples_become_estimates_an_alarm_a_command_and_its_answer)
{
    assert_whole_trip(flow_tape().text, kit_recordings() ? 2 : 1);
}
END_TEST

START_TEST(an_emulated_lid_makes_the_same_trip)
{
    assert_whole_trip(flow_emulated_tape(1100).text, 1);
}
END_TEST

// Speed.

/* A run without a history: its alarms and its last state. */
typedef struct Run {
    Alarm alarms[ALARMS_SEEN_MAX];
    size_t alarm_count;
    uint64_t hash;
    int64_t ticks;
} Run;

static void note_alarms(void *self, const App *app, Batch batch)
{
    Run *run = self;
    size_t count;
    (void)batch;
    const Alarm *alarms = alarms_list(app->alarms, &count);
    ck_assert_uint_le(count, ALARMS_SEEN_MAX);
    memcpy(run->alarms, alarms, count * sizeof *alarms);
    run->alarm_count = count;
    run->hash = hash_bytes(run->hash, &(uint64_t){plant_hash(app->plant)}, sizeof(uint64_t));
    run->ticks++;
}

/* What a tape says, as arrivals of one device; now and then a sample among them that comes 20 s late. To be freed. */
static Arrival *list_arrivals(const char *path, size_t *count)
{
    ErrText why = {""};
    Plant *plant;
    ck_assert_msg(plant_load(FLOW_PLANT, 1, &plant, &why) == ERR_OK, "%s", why.text);
    Tape *tape = flow_open_tape(path, plant);
    const Sample *samples = tape_samples(tape, count);
    Arrival *arrivals = calloc(2 * *count + 1, sizeof *arrivals);
    size_t listed = 0;
    for (size_t i = 0; i < *count; i++) {
        arrivals[listed++] = (Arrival){.kind = ARRIVAL_SAMPLE, .sample = samples[i]};
        if (i % LATE_EVERY != LATE_EVERY - 1)
            continue;
        arrivals[listed] = arrivals[listed - 1];
        arrivals[listed++].sample.time -= 20 * NS_PER_S - 1;
    }
    arrivals[listed++] = (Arrival){.kind = ARRIVAL_TIME, .sample = {.time = samples[*count - 1].time + NS_PER_S, .tag = TAG_NONE}};
    *count = listed;
    tape_close(tape);
    plant_destroy(plant);
    return arrivals;
}

static Run run_in_portions(const Arrival *arrivals, size_t count, size_t portion, uint64_t seed)
{
    FakeClock fake;
    Run run = {0};
    Feed feed = {.items = arrivals, .count = count, .portion = portion, .seed = seed};
    App *app = flow_app(&(AppDef){.plant = FLOW_PLANT, .speed = INFINITY, .quiet = true, .clock = still_clock(&fake), .ticked = note_alarms, .self = &run});
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_connector, &feed}), ERR_OK);
    while (app_poll(app))
        continue;
    ck_assert_uint_eq(feed.next, count);
    ck_assert_uint_eq(feed.stored, count - 1);  // the last sample's; the time behind it waits for no disk
    app_destroy(app);
    return run;
}

START_TEST(alarms_do_not_depend_on_how_many_samples_arrive_at_once)
{
    size_t count;
    Arrival *arrivals = list_arrivals(flow_tape().text, &count);
    const Run one = run_in_portions(arrivals, count, 1, 0);
    ck_assert_uint_ge(one.alarm_count, 1);
    for (uint64_t seed = 0; seed < 6; seed++) {
        const Run other = run_in_portions(arrivals, count, 0, seed);
        ck_assert_int_eq(other.ticks, one.ticks);
        ck_assert_uint_eq(other.hash, one.hash);
        ck_assert_uint_eq(other.alarm_count, one.alarm_count);
        for (size_t i = 0; i < one.alarm_count; i++) {
            ck_assert_int_eq(other.alarms[i].raised, one.alarms[i].raised);
            ck_assert_int_eq(other.alarms[i].returned, one.alarms[i].returned);
        }
    }
    free(arrivals);
}
END_TEST

// Going on from a history that was left in the middle.

/* When a run is left, and how it is taken up again. */
typedef struct Leaving {
    int polls;      // after so many
    int snapshots;  // one every so many polls
    size_t resent;  // samples that are sent again although they were stored
} Leaving;

/* Poll until the arrivals end or `stop` polls are done; the clock moves a snapshot's period now and then. Returns after how many polls the
 * feed had its first command, which it answers at the next. */
static int poll_some(App *app, FakeClock *fake, const Feed *feed, int stop, int snapshots)
{
    int commanded = 0;
    for (int i = 1; i <= stop && app_poll(app); i++) {
        if (i % snapshots == 0)
            fake->elapsed_ns += 10 * NS_PER_S;
        if (!commanded && feed->command_count)
            commanded = i;
    }
    return commanded;
}

/* What a crash would leave: the files as they are, log included, without a word to who writes them. */
static void copy_history(const App *app, const char *from, const char *to)
{
    char log_from[FLOW_PATH + 8], log_to[FLOW_PATH + 8];
    ck_assert_int_eq(history_flush(app->history), ERR_OK);
    snprintf(log_from, sizeof log_from, "%s-wal", from);
    snprintf(log_to, sizeof log_to, "%s-wal", to);
    flow_copy(from, to);
    flow_copy(log_from, log_to);
}

static App *open_on(const char *history, FakeClock *fake, Feed *feed)
{
    App *app = flow_app(&(AppDef){.plant = FLOW_PLANT, .history = history, .speed = INFINITY, .quiet = true, .clock = still_clock(fake)});
    ck_assert_int_eq(app_add_connector(app, (Connector){&feed_connector, feed}), ERR_OK);
    return app;
}

static void leave_and_go_on(const Arrival *arrivals, size_t count, const Leaving *leaving, const char *left, const char *copy)
{
    FakeClock fake;
    Feed feed = {.items = arrivals, .count = count, .portion = 3}, again = feed;
    App *app = open_on(left, &fake, &feed);
    poll_some(app, &fake, &feed, leaving->polls, leaving->snapshots);
    copy_history(app, left, copy);
    const int64_t now = app->now;
    app_destroy(app);

    again.next = feed.stored > leaving->resent ? feed.stored - leaving->resent : 0;
    app = open_on(copy, &fake, &again);
    ck_assert_int_eq(again.plant_time, app->now);  // a device that comes now hears it
    ck_assert_int_le(app->now, now);
    poll_some(app, &fake, &again, INT32_MAX, leaving->snapshots);
    app_destroy(app);
}

static void assert_same_commands(const Record *a, const Record *b)
{
    ck_assert_uint_eq(a->command_count, b->command_count);
    for (size_t i = 0; i < a->command_count; i++) {
        const Command *x = &a->commands[i].command, *y = &b->commands[i].command;
        ck_assert_int_eq(x->time, y->time);
        ck_assert_int_eq(x->state, y->state);
        ck_assert(same_bits(x->wish.value, y->wish.value));
    }
}

START_TEST(a_history_left_at_any_moment_goes_on_with_the_same_bits)
{
    enum { NEVER = 1000000, ALL = 1000000 };
    Leaving leavings[] = {{0, 200, 40},   {2, 200, 0},    {150, 200, ALL}, {203, 200, 40},   {291, 200, 40},   {292, 200, ALL}, {293, 200, 0},
                          {330, 101, 40}, {401, 200, ALL}, {520, 203, 40}, {350, NEVER, 40}, {520, NEVER, ALL}, {590, 52, 40}};
    const FlowPath whole = flow_path("whole.db");
    FakeClock fake;
    size_t count;
    Arrival *arrivals = list_arrivals(flow_tape().text, &count);
    Feed feed = {.items = arrivals, .count = count, .portion = 3};
    App *app = open_on(whole.text, &fake, &feed);
    leavings[0].polls = poll_some(app, &fake, &feed, INT32_MAX, 200);  // with a command under way
    app_destroy(app);

    Record one, other;
    record_open(&one, whole.text, FLOW_PLANT);
    for (size_t i = 0; i < sizeof leavings / sizeof *leavings; i++) {
        char name[32];
        snprintf(name, sizeof name, "left%zu.db", i);
        const FlowPath left = flow_path(name);
        snprintf(name, sizeof name, "copy%zu.db", i);
        const FlowPath copy = flow_path(name);
        leave_and_go_on(arrivals, count, &leavings[i], left.text, copy.text);
        record_open(&other, copy.text, FLOW_PLANT);
        assert_same_estimates(&one, &other, true);
        assert_same_alarms(&one, &other);
        assert_same_commands(&one, &other);
        record_close(&other);
    }
    record_close(&one);
    free(arrivals);
}
END_TEST

KIT_MAIN("flow.trip", samples_become_estimates_an_alarm_a_command_and_its_answer, an_emulated_lid_makes_the_same_trip, alarms_do_not_depend_on_how_many_samples_arrive_at_once,
         a_history_left_at_any_moment_goes_on_with_the_same_bits)
