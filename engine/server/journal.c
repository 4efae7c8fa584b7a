/* journal.c -- one ring of changes, two short lists. */
#include "server/journal.h"

#include <assert.h>
#include <string.h>

#include "server/frames.h"

enum { CHANGES_MAX = 2 * ALARMS_MAX };

typedef enum ChangeKind { CHANGE_ANEW, CHANGE_ALARM, CHANGE_ASIDES, CHANGE_ASIDE, CHANGE_COMMAND } ChangeKind;

typedef struct Change {
    ChangeKind kind;
    union {
        Alarm alarm;
        Aside aside;
        Command command;
    };
} Change;

static Err recall_commands(Journal *journal, HistoryReader *reader)
{
    Arena arena = {0};
    HistoryCommand *past;
    size_t count = 0;
    const Err err = history_read_commands(reader, 0, JOURNAL_COMMANDS, &arena, &past, &count, NULL);
    if (err == ERR_OK)
        for (size_t i = count; i-- > 0;)
            journal->commands[journal->command_count++] = past[i].command;
    arena_fini(&arena);
    return err;
}

Err journal_init(Journal *journal, const Plant *plant, HistoryReader *reader)
{
    journal->plant = plant;
    journal->begin_anew = true;
    journal->asides_told = UINT64_MAX;
    journal->alarms = mem_alloc(ALARMS_MAX * sizeof *journal->alarms);
    if (!journal->alarms)
        return ERR_MEMORY;
    const Err err = ring_init(&journal->changes, sizeof(Change), CHANGES_MAX);
    return err == ERR_OK && reader ? recall_commands(journal, reader) : err;
}

void journal_fini(Journal *journal)
{
    ring_fini(&journal->changes);
    text_fini(&journal->object);
    mem_free(journal->alarms);
}

// The tick's side.

static bool push(Journal *journal, const Change *change)
{
    const bool pushed = ring_push(&journal->changes, change);
    journal->pushed += pushed;
    return pushed;
}

static bool pass_alarm(Journal *journal, const Alarm *alarm)
{
    return push(journal, &(Change){.kind = CHANGE_ALARM, .alarm = *alarm});
}

static bool pass_all_alarms(Journal *journal, const Alarms *alarms)
{
    size_t count;
    const Alarm *list = alarms_list(alarms, &count);
    if (ring_room(&journal->changes) < count + 1)
        return false;
    push(journal, &(Change){.kind = CHANGE_ANEW});
    for (size_t i = 0; i < count; i++)
        pass_alarm(journal, &list[i]);
    return true;
}

static bool pass_alarms(Journal *journal, const Alarms *alarms)
{
    if (journal->begin_anew) {
        journal->begin_anew = !pass_all_alarms(journal, alarms);
        return !journal->begin_anew;
    }
    size_t count;
    const Alarm *changed = alarms_changed(alarms, &count);
    for (size_t i = 0; i < count && !journal->begin_anew; i++)
        journal->begin_anew = !pass_alarm(journal, &changed[i]);
    return count > 0;
}

/* The whole list, whenever it is another one and has room. */
static void pass_asides(Journal *journal, const Alarms *alarms)
{
    size_t count;
    uint64_t changes;
    const Aside *asides = alarms_asides(alarms, &count, &changes);
    if (changes == journal->asides_told || ring_room(&journal->changes) < count + 1)
        return;
    push(journal, &(Change){.kind = CHANGE_ASIDES});
    for (size_t i = 0; i < count; i++)
        push(journal, &(Change){.kind = CHANGE_ASIDE, .aside = asides[i]});
    journal->asides_told = changes;
}

bool journal_pass(Journal *journal, const Alarms *alarms, const Gate *gate)
{
    const bool alarmed = pass_alarms(journal, alarms);
    pass_asides(journal, alarms);

    // a command that finds no room is missing in the lists of those who watch; history has it
    size_t count;
    const Command *changed = gate_changed(gate, &count);
    for (size_t i = 0; i < count; i++)
        if (!push(journal, &(Change){.kind = CHANGE_COMMAND, .command = changed[i]}))
            break;
    atomic_store_explicit(&journal->passed, journal->pushed, memory_order_release);
    return alarmed || count > 0;
}

// The service thread's side.

static void take_alarm(Journal *journal, const Alarm *alarm)
{
    size_t i = 0;
    while (i < journal->alarm_count && journal->alarms[i].id != alarm->id)
        i++;
    if (alarm->state != ALARM_OVER) {
        if (i == ALARMS_MAX)
            return;
        journal->alarms[i] = *alarm;
        journal->alarm_count += i == journal->alarm_count;
    } else if (i < journal->alarm_count) {
        journal->alarm_count--;
        memmove(&journal->alarms[i], &journal->alarms[i + 1], (journal->alarm_count - i) * sizeof *journal->alarms);
    }
}

static void take_command(Journal *journal, const Command *command)
{
    for (size_t i = 0; i < journal->command_count; i++)
        if (journal->commands[i].id == command->id) {
            journal->commands[i] = *command;
            return;
        }
    if (journal->command_count == JOURNAL_COMMANDS)
        memmove(&journal->commands[0], &journal->commands[1], --journal->command_count * sizeof *journal->commands);
    journal->commands[journal->command_count++] = *command;
}

bool journal_waits(const Journal *journal)
{
    return journal->taken != atomic_load_explicit(&journal->passed, memory_order_acquire);
}

/* The twin that a command concerns. */
static uint32_t command_twin(const Journal *journal, const Command *command)
{
    const TagId tag = command->wish.tag;
    return tag < tags_count(journal->plant->tags) ? plant_place(journal->plant, tag).twin : RECENT_OF_ALL;
}

static void tell(Journal *journal, const Change *change, Recent *recent, uint64_t revision, uint64_t told)
{
    Text *object = &journal->object;
    text_clear(object);
    if (change->kind == CHANGE_ALARM) {
        frame_alarm(object, &change->alarm, journal->plant->twins[change->alarm.twin].name);
        recent_add(recent, RECENT_ALARM, revision, change->alarm.twin, object, told);
    } else {
        frame_command(object, &change->command, journal->plant->tags);
        recent_add(recent, RECENT_COMMAND, revision, command_twin(journal, &change->command), object, told);
    }
}

bool journal_take(Journal *journal, Recent *recent, uint64_t revision, uint64_t told)
{
    bool anew = false;
    Change change;
    // what comes in meanwhile is for the next time, so that a busy tick cannot hold this thread
    for (const size_t passed = atomic_load_explicit(&journal->passed, memory_order_acquire); journal->taken != passed; journal->taken++) {
        ring_pop(&journal->changes, &change);
        switch (change.kind) {
        case CHANGE_ANEW:
            journal->alarm_count = 0;
            anew = true;
            break;
        case CHANGE_ASIDES:
            journal->aside_count = 0;
            break;
        case CHANGE_ASIDE:
            journal->asides[journal->aside_count++] = change.aside;
            break;
        case CHANGE_ALARM:
            take_alarm(journal, &change.alarm);
            tell(journal, &change, recent, revision, told);
            break;
        case CHANGE_COMMAND:
            take_command(journal, &change.command);
            tell(journal, &change, recent, revision, told);
            break;
        }
    }
    return anew || recent->since >= revision;
}

void journal_follow(Journal *journal, const Plant *plant, Recent *recent, uint64_t revision, uint64_t told)
{
    journal_take(journal, recent, revision, told);
    recent_follow(recent);
    for (size_t i = 0; i < journal->command_count; i++) {
        TagId *tag = &journal->commands[i].wish.tag;
        *tag = *tag < tags_count(journal->plant->tags) ? tags_find(plant->tags, tags_name(journal->plant->tags, *tag).text) : TAG_NONE;
    }
    journal->alarm_count = journal->aside_count = 0;
    journal->asides_told = UINT64_MAX;
    journal->begin_anew = true;
    journal->plant = plant;
}
