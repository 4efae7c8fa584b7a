/* alarm.h -- what is wrong, from raised to over, what people say to that, and the scripts that answer it.
 *
 * The life cycle is that of ISA-18.2 / IEC 62682: raised (active, unacknowledged), acknowledged (active), returned (over,
 * unacknowledged), over. An alarm that is raised again after it returned is a new alarm with a new id.
 * Alarms come from verdicts (named "divergence"), from the limits of the models, from twins that stand still ("quarantine"), and from what the plant's
 * standing forecast foretells of the limits ("overflow.predicted").
 * While ticks run again for late samples their conditions are judged again (amend.c). What was told stays told: an alarm gets a new revision, or
 * a new alarm says what nobody was told of.
 * People act on alarms: they acknowledge, comment, shelve for a time and suppress by design (acts.c). Shelving and suppressing put aside all alarms of one
 * name of one twin, those to come too: they are judged and recorded as ever, but no handler is called, and whoever lists what is wrong leaves them out.
 * One that returns meanwhile is over, unacknowledged as it may be. When it is aside no more and still lasts, it is raised anew: unacknowledged, and handlers
 * hear of it in the next tick. Acts have numbers and belong to the state: in a replay they are done again behind the tick behind which they were done. Handlers
 * are plain Lua with a budget each; what they wish (commands) is left for the gate.
 *
 * Takes: a Plant, a Batch, Verdicts, Outlooks, Commands that changed.  Gives: Alarms, CommandWishes.
 * Memory: at most ALARMS_MAX alarms that are not over; when there are more, the oldest returned one is ended, and where there is none the
 * new one is counted as dropped and raised as soon as there is room.  Threads: the tick's. */
#pragma once

#include "alarm/ledger.h"
#include "forecast/outlook.h"
#include "sync/sync.h"

enum { ALARMS_MAX = 4096, ALARM_TEXT = 192, ALARM_COMMENT = 256, ASIDES_MAX = 256 };
#define SHELVE_MAX_NS (7 * 24 * 3600 * NS_PER_S)

typedef enum AlarmState { ALARM_RAISED, ALARM_ACKNOWLEDGED, ALARM_RETURNED, ALARM_OVER } AlarmState;
/// "raised", "acknowledged", "returned", "over".
const char *alarm_state_name(AlarmState state);

typedef struct Alarm {
    uint64_t id;  // from 1, rising
    uint32_t twin;
    uint32_t revision;  // from 1, rises with every change
    AlarmState state;
    Severity severity;
    int64_t raised, acknowledged, returned;  // plant time, TIME_NONE where it did not happen
    int64_t amended;  // when late samples last changed the times of it, or made it; one that never was has returned when it was raised
    char name[48];
    char text[ALARM_TEXT];
    int64_t shelved;    // until when, plant time; TIME_NONE: it is not
    uint32_t comments;  // that people have left, the newest included
    uint32_t worded;    // the revision that brought the text
    bool suppressed;    // by design
    bool owed;          // handlers have yet to hear that it is raised
} Alarm;

/// Whether it is shelved or suppressed: recorded, and nobody's attention is asked for.
bool alarm_is_aside(const Alarm *alarm);

/// Whether it tells of what is still to come.
bool alarm_is_predicted(const Alarm *alarm);

typedef struct Alarms Alarms;

/// Reads the handlers (`on`) of the plant's script.
Err alarms_create(Plant *plant, Alarms **out, ErrText *why);
/// Before its plant.
void alarms_destroy(Alarms *alarms);

/// Raise, hold, return; run the handlers. `batch` are the samples of the tick, `now` its end in plant time.
void alarm_judge(Alarms *alarms, const Plant *plant, const Sync *sync, Batch batch, int64_t now);
/// The twins in `part` as they are at `time`, the end of a tick that ran again: their conditions are judged as if nobody had done so yet.
/// `sync` is as of that time. What it changes is told in the next alarm_judge or alarm_amend.
void alarm_judge_again(Alarms *alarms, const Sync *sync, const PlantPart *part, int64_t time);
/// Say what has changed by it without a tick and without handlers. `now` is the plant time.
void alarm_amend(Alarms *alarms, const Sync *sync, int64_t now);
/// Commands that changed, to be told to the command handler in the next alarm_judge (they are copied). Before alarm_judge and behind the tick:
/// what was told is passed over the second time.
void alarms_note_commands(Alarms *alarms, const Command *commands, size_t count);
/// What is ahead, to be judged in the next alarm_judge: a view until then.
void alarms_note_outlooks(Alarms *alarms, const Outlooks *outlooks);

typedef enum AlarmActKind { ACT_ACKNOWLEDGE, ACT_COMMENT, ACT_SHELVE, ACT_UNSHELVE, ACT_SUPPRESS, ACT_UNSUPPRESS, ACT_KIND_COUNT } AlarmActKind;
/// "acknowledge", "comment", "shelve", "unshelve", "suppress", "unsuppress".
const char *alarm_act_name(AlarmActKind kind);

/// What somebody does about an alarm.
typedef struct AlarmAct {
    uint64_t number;  // from 1, rising: set by alarm_act, as are `twin` and `name` then
    AlarmActKind kind;
    uint64_t alarm;   // its id
    char twin[TAG_NAME_ROOM], name[48];  // of an alarm that is over, where these are known; "" otherwise
    int64_t span_ns;  // ACT_SHELVE: for how long, up to SHELVE_MAX_NS
    char by[48], comment[ALARM_COMMENT];
} AlarmAct;

/// Do it at plant time `now`. ERR_UNKNOWN when there is no such alarm, or nothing that could be taken back; ERR_RANGE: a time that cannot be, or no comment
/// where one is due; ERR_FULL when ASIDES_MAX are aside. `*alarm` is a copy of the alarm as it is now, with id 0 where it is over.
Err alarm_act(Alarms *alarms, AlarmAct *act, int64_t now, Alarm *alarm, ErrText *why);
/// The number of the last act: those behind it are still to be done after a restart.
uint64_t alarms_last_act(const Alarms *alarms);
/// New numbers lie above it.
void alarms_number_acts_from(Alarms *alarms, uint64_t number);

typedef enum AsideKind { ASIDE_SHELVED, ASIDE_SUPPRESSED } AsideKind;
/// All alarms of one name of one twin, put aside.
typedef struct Aside {
    uint64_t alarm;  // by which they were put aside
    uint32_t twin;
    AsideKind kind;
    int64_t since, until;  // plant time; of what is suppressed until TIME_NONE
    char name[48], by[48], comment[ALARM_COMMENT];
} Aside;
/// A view until the next act or tick; `*changes` counts how often it has changed.
const Aside *alarms_asides(const Alarms *alarms, size_t *count, uint64_t *changes);

/// All that are not over, oldest first. A view until the next call.
const Alarm *alarms_list(const Alarms *alarms, size_t *count);
/// Those that changed since alarms_settle, over ones included, oldest first. A view until the next call. Settle after every alarm_judge.
const Alarm *alarms_changed(const Alarms *alarms, size_t *count);
void alarms_settle(Alarms *alarms);

/// The wishes that handlers made in the last alarm_judge.
const CommandWish *alarms_wishes(const Alarms *alarms, size_t *count);
uint64_t alarms_handler_errors(const Alarms *alarms);
/// Samples and changes of commands that were too many for the handlers of a tick, and so were not told.
uint64_t alarms_unheard(const Alarms *alarms);
/// Alarms that found no room when their conditions came.
uint64_t alarms_dropped(const Alarms *alarms);

size_t alarms_snapshot_size(const Alarms *alarms);
void alarms_snapshot(const Alarms *alarms, void *out);
/// ERR_PARSE, and nothing changed, when the bytes are not from a plant of this shape. A snapshot of the version before is read too:
/// what it does not know of begins empty.
Err alarms_restore(Alarms *alarms, const void *bytes, size_t size, ErrText *why);
/// The same from a snapshot of another version of the plant's script. Alarms that are not over keep their ids; one whose condition the script
/// has no more returns at `now`, one whose twin is gone is over: it is told to `gone` with that twin's name, and then forgotten.
/// Conditions that did not last long enough yet begin anew.
Err alarms_adopt(Alarms *alarms, const Lineage *lineage, const void *bytes, size_t size, int64_t now,
                 void (*gone)(void *self, const Alarm *alarm, const char *twin), void *self, ErrText *why);
/// New ids lie above `id`: for a start without a snapshot on a history that has alarms.
void alarms_number_from(Alarms *alarms, uint64_t id);
