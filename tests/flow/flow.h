/* flow.h -- what the tests of the whole trip share: a tape, what a history holds, and the real program as a child process.
 *
 * The tape is the recording of the lid where this machine has it; otherwise Castor makes one like it, and says so. */
#pragma once

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/app.h"
#include "connectors/tape/tape.h"
#include "kit/kit.h"
#include "plant/castor.h"

#define FLOW_PLANT POLLUX_SOURCE "/twins/plants/incubator.lua"
#define FLOW_MODEL POLLUX_SOURCE "/twins/models/incubator.lua"

enum { FLOW_PATH = 512, FLOW_ARGUMENTS = 24 };

typedef struct FlowPath {
    char text[FLOW_PATH];
} FlowPath;

// --- files ---------------------------------------------------------------------------------------------------------

static inline FlowPath flow_path(const char *name)
{
    FlowPath path;
    snprintf(path.text, sizeof path.text, "%s/%s", kit_folder(), name);
    return path;
}

/* The whole of a file, with a 0 behind it, to be freed; "" when there is none. */
static inline char *flow_read(const char *path)
{
    Text text = {0};
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    text_put(&text, "");
    for (size_t length; file && (length = fread(bytes, 1, sizeof bytes, file)) > 0;)
        text_add(&text, bytes, length);
    if (file)
        fclose(file);
    char *out = strdup(text.bytes ? text.bytes : "");
    text_fini(&text);
    return out;
}

static inline FlowPath flow_write(const char *name, const char *text)
{
    const FlowPath path = flow_path(name);
    FILE *file = fopen(path.text, "w");
    ck_assert_msg(file && fputs(text, file) >= 0 && fclose(file) == 0, "cannot write %s", path.text);
    return path;
}

static inline void flow_copy(const char *from, const char *to)
{
    char bytes[4096];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    ck_assert_msg(in && out, "cannot copy %s to %s", from, to);
    for (size_t length; (length = fread(bytes, 1, sizeof bytes, in)) > 0;)
        ck_assert_uint_eq(fwrite(bytes, 1, length, out), length);
    fclose(in);
    ck_assert_int_eq(fclose(out), 0);
}

/* The incubator's plant with one piece of its script exchanged, in a folder of its own with its model. */
static inline FlowPath flow_variant(const char *name, const char *piece, const char *other)
{
    char *script = flow_read(FLOW_PLANT), *found = strstr(script, piece);
    ck_assert_msg(found != NULL, "the plant has no \"%s\"", piece);
    Text text = {0};
    text_add(&text, script, (size_t)(found - script));
    text_put(&text, other);
    text_put(&text, found + strlen(piece));
    const FlowPath path = flow_write(name, text.bytes);
    flow_copy(FLOW_MODEL, flow_path("incubator.lua").text);
    text_fini(&text);
    free(script);
    return path;
}

// --- the tape ------------------------------------------------------------------------------------------------------

/* One row per sample; the cells of the others stay empty. */
static inline void flow_write_sample(FILE *file, const Castor *castor, const Sample *sample)
{
    static const char *const tags[] = {"incubator.T_room", "incubator.t2", "incubator.t3"};
    const Tag tag = tags_get(castor_plant(castor)->tags, sample->tag);
    const TagName name = tags_name(castor_plant(castor)->tags, sample->tag);
    const double value = unit_from_si(tag.unit, sample->value);
    fprintf(file, "%lld", (long long)sample->time);
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (strcmp(name.text, tags[i]) == 0)
            fprintf(file, ",%.4f,%lld", value, (long long)sample->time);
        else
            fputs(",,", file);
    if (strcmp(name.text, "incubator.heater_on") == 0)
        fprintf(file, ",%g\n", value);
    else
        fputs(",\n", file);
}

/* `seconds` of an emulated incubator whose lid is opened at 600 s for a minute, as a recording. */
static inline FlowPath flow_emulated_tape(int seconds)
{
    ErrText why = {""};
    Castor *castor;
    const FlowPath path = flow_path("castor.csv");
    FILE *file = fopen(path.text, "w");
    ck_assert(file != NULL);
    ck_assert_msg(castor_create(FLOW_PLANT, 7, true, &castor, &why) == ERR_OK, "%s", why.text);
    castor_begin(castor, INT64_C(1611326937) * NS_PER_S);
    fputs("time,t1,time_t1,t2,time_t2,t3,time_t3,heater_on\n", file);

    const int64_t end = castor_time(castor) + seconds * NS_PER_S;
    while (castor_time(castor) < end) {
        size_t count;
        ck_assert_msg(castor_step(castor, &why) == ERR_OK, "%s", why.text);
        const Sample *samples = castor_samples(castor, &count);
        for (size_t i = 0; i < count; i++)
            flow_write_sample(file, castor, &samples[i]);
    }
    fclose(file);
    castor_destroy(castor);
    return path;
}

static inline FlowPath flow_tape(void)
{
    FlowPath path;
    if (kit_recordings()) {
        snprintf(path.text, sizeof path.text, "%s/lid_2021-01-22.csv", kit_recordings());
        return path;
    }
    printf("no recordings on this machine: Castor makes a tape\n");
    return flow_emulated_tape(1400);
}

static inline Tape *flow_open_tape(const char *path, const Plant *plant)
{
    ErrText why = {""};
    Tape *tape;
    ck_assert_msg(tape_open(path, &plant->recording, &tape, &why) == ERR_OK, "%s", why.text);
    return tape;
}

// --- what came of it -----------------------------------------------------------------------------------------------

static inline App *flow_app(const AppDef *def)
{
    ErrText why = {""};
    App *app;
    ck_assert_msg(app_create(def, &app, &why) == ERR_OK, "%s", why.text);
    return app;
}

/* Play a tape through an App in this process, with a history. */
static inline void flow_play(const char *tape_path, const char *history, const Clock *clock)
{
    App *app = flow_app(&(AppDef){.plant = FLOW_PLANT, .history = history, .speed = INFINITY, .quiet = true, .clock = clock});
    Tape *tape = flow_open_tape(tape_path, app->plant);
    ck_assert_int_eq(app_add_connector(app, (Connector){&tape_connector, tape}), ERR_OK);
    while (app_poll(app))
        continue;
    app_destroy(app);
    tape_close(tape);
}

/* What a history holds. */
typedef struct Record {
    Plant *plant;
    HistoryReader *reader;
    Arena arena;
    HistoryAlarm *alarms;  // oldest first
    size_t alarm_count;
    HistoryCommand *commands;  // oldest first
    size_t command_count;
} Record;

static inline void record_open(Record *record, const char *path, const char *plant)
{
    ErrText why = {""};
    *record = (Record){0};
    ck_assert_msg(plant_load(plant, 1, &record->plant, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(history_reader_open(path, record->plant, &record->reader, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(history_read_alarms(record->reader, 1000, &record->arena, &record->alarms, &record->alarm_count, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(history_read_commands(record->reader, 0, 1000, &record->arena, &record->commands, &record->command_count, &why) == ERR_OK, "%s", why.text);
    for (size_t i = 0; i < record->alarm_count / 2; i++) {
        const HistoryAlarm alarm = record->alarms[i];
        record->alarms[i] = record->alarms[record->alarm_count - 1 - i];
        record->alarms[record->alarm_count - 1 - i] = alarm;
    }
    for (size_t i = 0; i < record->command_count / 2; i++) {
        const HistoryCommand command = record->commands[i];
        record->commands[i] = record->commands[record->command_count - 1 - i];
        record->commands[record->command_count - 1 - i] = command;
    }
}

static inline void record_close(Record *record)
{
    history_reader_close(record->reader);
    plant_destroy(record->plant);
    arena_fini(&record->arena);
}

/* All points that are kept of a tag; estimates as they were told first, if asked. */
static inline HistoryPoint *record_told(Record *record, TagId tag, bool first, size_t *count)
{
    ErrText why = {""};
    HistorySeries series;
    const HistoryRange range = {&tag, 1, INT64_MIN, INT64_MAX, 1000000, HISTORY_RAW, first};
    ck_assert_msg(history_read(record->reader, &range, &record->arena, &series, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(series.next, TIME_NONE);
    *count = series.count;
    return series.points;
}

static inline HistoryPoint *record_points(Record *record, TagId tag, size_t *count)
{
    return record_told(record, tag, false, count);
}

static inline bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Whether the points, which lie in the order of time, hold this sample; `next` goes along with them. */
static inline bool points_hold(const HistoryPoint *points, size_t count, const Sample *sample, size_t *next)
{
    while (*next < count && points[*next].time < sample->time)
        ++*next;
    return *next < count && points[*next].time == sample->time && same_bits(points[*next].value, sample->value);
}

/* Every one of these samples, which lie in the order of time, is kept. */
static inline void assert_samples_kept(Record *record, const Sample *samples, size_t count)
{
    for (TagId tag = 0; tag < tags_count(record->plant->tags); tag++) {
        if (tags_get(record->plant->tags, tag).role != TAG_SAMPLED)
            continue;
        size_t kept, next = 0;
        const HistoryPoint *points = record_points(record, tag, &kept);
        for (size_t i = 0; i < count; i++)
            ck_assert_msg(samples[i].tag != tag || points_hold(points, kept, &samples[i], &next), "sample %zu, %s at %lld, is not in the history", i,
                          tags_name(record->plant->tags, tag).text, (long long)samples[i].time);
    }
}

/* The same estimates at the same times to the last bit; of `a` up to its end, which may come before that of `b`. */
static inline void assert_same_estimates(Record *a, Record *b, bool to_the_end)
{
    for (TagId tag = 0; tag < tags_count(a->plant->tags); tag++) {
        const TagName text = tags_name(a->plant->tags, tag);
        const char *name = text.text;
        const Place place = plant_place(a->plant, tag);
        if (!channel_is_estimated(plant_model(a->plant, place.twin)->channels[place.channel].kind))
            continue;
        size_t count, other_count;
        const TagId other = tags_find(b->plant->tags, name);
        ck_assert_msg(other != TAG_NONE, "%s is not in the other", name);
        const HistoryPoint *points = record_points(a, tag, &count), *others = record_points(b, other, &other_count);
        ck_assert_msg(count > 0 && (to_the_end ? count == other_count : count <= other_count), "%s: %zu estimates, %zu in the other", name, count, other_count);
        for (size_t i = 0; i < count; i++) {
            ck_assert_msg(points[i].time == others[i].time, "%s: estimate %zu is of %lld, in the other of %lld", name, i, (long long)points[i].time, (long long)others[i].time);
            ck_assert_msg(same_bits(points[i].value, others[i].value), "%s at %lld: %.17g, in the other %.17g", name, (long long)points[i].time, points[i].value, others[i].value);
            ck_assert(same_bits(points[i].sd, others[i].sd) || (isnan(points[i].sd) && isnan(others[i].sd)));
        }
    }
}

static inline void assert_same_alarms(const Record *a, const Record *b)
{
    ck_assert_uint_eq(a->alarm_count, b->alarm_count);
    for (size_t i = 0; i < a->alarm_count; i++) {
        const Alarm *x = &a->alarms[i].alarm, *y = &b->alarms[i].alarm;
        ck_assert_uint_eq(x->id, y->id);
        ck_assert_str_eq(x->name, y->name);
        ck_assert_str_eq(x->text, y->text);
        ck_assert_int_eq(x->state, y->state);
        ck_assert_int_eq(x->raised, y->raised);
        ck_assert_int_eq(x->returned, y->returned);
        ck_assert_int_eq(x->amended, y->amended);
    }
}

// --- the real program ----------------------------------------------------------------------------------------------

typedef struct Child {
    pid_t pid;
    FlowPath out, err;
    int port;  // of a server
} Child;

static inline void flow_sleep(int64_t ms)
{
    clock_system.sleep_ns(clock_system.self, ms * NS_PER_MS);
}

/* Start the program; `arguments` end in NULL. What it prints goes to files, NAME.out and NAME.err. */
static inline Child child_start(const char *name, const char *const *arguments)
{
    Child child = {0};
    char file[64];
    const char *argv[FLOW_ARGUMENTS + 2] = {POLLUX_PROGRAM};
    for (size_t i = 0; arguments[i]; i++) {
        ck_assert_uint_lt(i, FLOW_ARGUMENTS);
        argv[i + 1] = arguments[i];
    }
    snprintf(file, sizeof file, "%s.out", name);
    child.out = flow_path(file);
    snprintf(file, sizeof file, "%s.err", name);
    child.err = flow_path(file);

    const char *folder = kit_folder();
    const int out = open(child.out.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), err = open(child.err.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(out, 0);
    ck_assert_int_ge(err, 0);
    child.pid = fork();
    ck_assert_int_ge(child.pid, 0);
    if (child.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that fails leaves nobody behind
        setenv("XDG_STATE_HOME", folder, 1);  // nor anything in somebody's home
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execv(POLLUX_PROGRAM, (char *const *)argv);
        _exit(127);
    }
    close(out);
    close(err);
    return child;
}
#define CHILD_START(name, ...) child_start(name, (const char *const[]){__VA_ARGS__, NULL})

/* Wait for its end, at most `ms`: the exit status, -1 when it still runs, -2 when a signal ended it. */
static inline int child_wait(Child *child, int64_t ms)
{
    const int64_t until = clock_system.elapsed_ns(clock_system.self) + ms * NS_PER_MS;
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(child->pid, &status, WNOHANG)) == 0 && clock_system.elapsed_ns(clock_system.self) < until)
        flow_sleep(2);
    if (ended != child->pid)
        return -1;
    child->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

static inline void child_kill(Child *child)
{
    ck_assert_int_eq(kill(child->pid, SIGKILL), 0);
    ck_assert_int_eq(child_wait(child, 10000), -2);
}

/* Ask it to end, and see that it does so in order. */
static inline void child_stop(Child *child, int number)
{
    ck_assert_int_eq(kill(child->pid, number), 0);
    const int status = child_wait(child, 30000);
    char *text = flow_read(child->err.text);
    ck_assert_msg(status == 0, "after signal %d: exit status %d (-1: not within 30 s); it said: %s", number, status, text);
    free(text);
}

/* Wait until a server says where it is. */
static inline void child_await_port(Child *child)
{
    static const char before[] = "ws://localhost:";
    for (int i = 0; i < 10000 && !child->port; i++) {
        char *text = flow_read(child->out.text);
        const char *found = strstr(text, before), *end = found ? strstr(found, " ") : NULL;
        if (end)
            child->port = atoi(found + strlen(before));
        free(text);
        if (!child->port && waitpid(child->pid, NULL, WNOHANG) == child->pid)
            break;
        if (!child->port)
            flow_sleep(2);
    }
    if (!child->port) {
        char *text = flow_read(child->err.text);
        ck_abort_msg("the server did not start: %s", text);
    }
}

static inline FlowPath child_url(const Child *child)
{
    FlowPath url;
    snprintf(url.text, sizeof url.text, "ws://localhost:%d", child->port);
    return url;
}
