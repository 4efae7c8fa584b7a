/* desk.c -- places, and the clerks that serve them. */
#include "forecast/desk.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "forecast/report.h"

enum { CLERKS_MAX = 16, PLACES = DESK_PEOPLE_MAX + DESK_TICK_MAX, NICE_GATE = 5, NICE = 19 };

/* Whose a place is. */
typedef enum SlotStage {
    STAGE_FREE,    // who asks
    STAGE_ASKED,   // a clerk, to be read
    STAGE_WANTED,  // the tick
    STAGE_READY,   // a clerk, to be computed
    STAGE_TAKEN,   // this clerk
    STAGE_ENDED,   // who has asked
} SlotStage;

/* The best of a search, written by its clerk while others read: whole where the version is even, and the same before and after. */
typedef struct Best {
    _Atomic uint32_t version;
    _Atomic uint32_t evaluations;
    _Atomic double values[AIM_CHOICES_MAX];
    _Atomic double cost, excess;
    size_t count;  // this, and what follows, is there before the first version
    TagId tags[AIM_CHOICES_MAX];
    const Unit *cost_unit;
} Best;

typedef struct Slot {
    _Atomic int stage;
    atomic_bool dropped;    // nobody wants it any more
    _Atomic double progress;
    _Atomic int64_t began;  // elapsed time, 0 before
    _Atomic uint64_t id;  // clerks look at it, and at the priority, while another one may take the place
    _Atomic DeskPriority priority;
    int64_t deadline, ended;  // elapsed time

    char *text, *path, *beside;  // of a person's ask; any may be NULL
    size_t length;
    Scenario *scenario;  // read from them, owned, as is the fork
    Fork *fork;
    const Scenario *ordered;  // otherwise: borrowed
    const Fork *filled;

    Best best;
    DeskState end;
    char name[DESK_NAME];
    ErrText why;
    Text json;           // for people
    Forecast *forecast;  // for the tick's
} Slot;

typedef struct Clerk {
    Desk *desk;
    pthread_t thread;
    DeskPriority last;  // it serves nothing less urgent
} Clerk;

struct Desk {
    const Plant *plant;
    DeskFollow *follow;
    const RehearsalKind *rehearsal;
    ForkTold *told;  // may be NULL
    const void *told_self;
    const Verification *verification;  // the tick's
    Slot places[PLACES];  // of people, then of the tick's
    Clerk clerks[CLERKS_MAX];
    size_t clerk_count;
    sem_t work, urgent;  // posted for what the clerks, and the gate's clerk, may have to do
    atomic_bool stopping;
    _Atomic double usual;  // s that a forecast of people takes

    pthread_mutex_t lock;  // taken by clerks, and by who has nothing else to do than wait
    pthread_cond_t changed;
    void (*ended)(void *self);  // under the lock
    void *self;
    DeskStats stats;            // under the lock, but for `waiting`
};

/* Of the asks of all desks: nobody takes another one's for his own. */
static _Atomic uint64_t last_id;

static int64_t now_ns(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

const char *desk_state_name(DeskState state)
{
    static const char *const names[] = {"queued", "running", "done", "failed", "cancelled", "expired"};
    assert(state >= DESK_QUEUED && state <= DESK_EXPIRED);
    return names[state];
}

static bool is_of_people(const Desk *desk, const Slot *place)
{
    return place < desk->places + DESK_PEOPLE_MAX;
}

/* Hand a place on; what was written to it is seen by who takes it. */
static void pass(Desk *desk, Slot *place, SlotStage stage)
{
    const DeskPriority priority = place->priority;
    atomic_store_explicit(&place->stage, stage, memory_order_release);
    if (stage == STAGE_ASKED || stage == STAGE_READY)
        sem_post(priority == DESK_GATE ? &desk->urgent : &desk->work);
}

static SlotStage stage_of(const Slot *place)
{
    return (SlotStage)atomic_load_explicit(&place->stage, memory_order_acquire);
}

// --- a clerk -------------------------------------------------------------------------------------------------------

/* Numbers that a scenario makes its result tell. */
static double count_numbers(const Scenario *scenario)
{
    const double each = 4 + (double)scenario->quantile_count + scenario->paths;
    return each * (double)scenario->case_count * (double)scenario->tag_count * (double)scenario->time_count;
}

static Err check_scenario(const Scenario *scenario, bool searches, ErrText *why)
{
    if (searches && !scenario->aim)
        return err_set(why, ERR_USAGE, "the scenario \"%s\" leaves nothing open: expected optimize = { vary = ... }", scenario->name);
    if (count_numbers(scenario) > DESK_NUMBERS_MAX)
        return err_set(why, ERR_FULL, "the result would have %.0f numbers, %d at most: ask for fewer tags, times, quantiles, paths or alternatives",
                       count_numbers(scenario), DESK_NUMBERS_MAX);
    return ERR_OK;
}

/* A file of the folder itself: what comes from outside names no other. */
static bool is_plain_name(const char *name)
{
    return *name && *name != '.' && !strpbrk(name, "/\\");
}

static Err follow_tape(const Desk *desk, Slot *place, int64_t from)
{
    Scenario *scenario = place->scenario;
    const char *beside = place->path ? place->path : place->beside;
    if (!desk->follow || !beside)
        return err_set(&place->why, ERR_RANGE, "the scenario \"%s\" follows a recording, which cannot be read here", scenario->name);
    if (!place->path && !is_plain_name(scenario->tape))
        return err_set(&place->why, ERR_RANGE, "tape: expected the name of a file in the plant's folder of scenarios, got \"%.100s\"", scenario->tape);
    return desk->follow(beside, desk->plant, from, scenario, &place->why);
}

/* A recording is followed from a time on. */
static Err read_scenario(const Desk *desk, Slot *place, int64_t from)
{
    scenario_destroy(place->scenario);
    const Err err = place->path ? scenario_read(place->path, desk->plant, &place->scenario, &place->why)
                                : scenario_read_json("scenario", place->text, place->length, desk->plant, &place->scenario, &place->why);
    return err || !place->scenario->tape ? err : follow_tape(desk, place, from);
}

static Err read_place(const Desk *desk, Slot *place)
{
    Err err = read_scenario(desk, place, 0);
    if (!err)
        err = check_scenario(place->scenario, place->priority == DESK_SEARCH, &place->why);
    if (err)
        return err;
    snprintf(place->name, sizeof place->name, "%s", place->scenario->name);
    return scenario_plan(place->scenario, desk->plant, &place->fork, &place->why);
}

/* A forecast on its way, on the thread of its clerk alone. */
typedef struct Work {
    Clerk *clerk;
    Slot *place;
    atomic_int stop;
} Work;

static bool is_over(const Desk *desk, const Slot *place)
{
    return desk->stopping || place->dropped || now_ns() > place->deadline;
}

static void tell_progress(void *self, double share)
{
    Work *work = self;
    work->place->progress = share;
    work->stop = is_over(work->clerk->desk, work->place);
}

static Err forecast_place(Work *work)
{
    Slot *place = work->place;
    const ForecastDef def = {.rehearsal = work->clerk->desk->rehearsal, .stop = &work->stop, .tell = tell_progress, .self = work};
    const Fork *fork = place->fork ? place->fork : place->filled;
    const Err err = forecast_run(fork, place->scenario ? place->scenario : place->ordered, &def, &place->forecast, &place->why);
    if (err || !is_of_people(work->clerk->desk, place))
        return err;
    forecast_json(place->forecast, &place->json);
    forecast_destroy(place->forecast);
    place->forecast = NULL;
    return ERR_OK;
}

static void serve_meanwhile(Clerk *clerk);

static void tell_best(void *self, const Search *search)
{
    Work *work = self;
    Best *best = &work->place->best;
    best->version++;
    best->evaluations = search->forecasts;
    best->cost = search->cost;
    best->excess = search->excess;
    for (size_t i = 0; i < best->count; i++)
        best->values[i] = search->values[i];
    best->version++;
    serve_meanwhile(work->clerk);
}

static Err search_place(Work *work)
{
    Slot *place = work->place;
    const Aim *aim = place->scenario->aim;
    const SearchDef def = {.rehearsal = work->clerk->desk->rehearsal, .stop = &work->stop, .drops = true, .tell = tell_best, .progress = tell_progress, .self = work};
    Search search;
    place->best.count = aim->choice_count;
    place->best.cost_unit = place->scenario->cost.unit;
    for (size_t i = 0; i < aim->choice_count; i++)
        place->best.tags[i] = aim->choices[i].tag;
    const Err err = search_run(place->fork, place->scenario, &def, &search, &place->why);
    if (err)
        return err;
    search_json(&search, &place->json);
    search_fini(&search);
    return ERR_OK;
}

static Err compute_place(Clerk *clerk, Slot *place)
{
    Work work = {.clerk = clerk, .place = place};
    Err err = ERR_OK;
    if (place->scenario && place->scenario->tape)  // from when on is known by now
        err = read_scenario(clerk->desk, place, place->fork->time);
    if (!err)
        err = place->priority == DESK_SEARCH ? search_place(&work) : forecast_place(&work);
    return !err && place->json.failed ? err_set(&place->why, ERR_MEMORY, "no memory for the result") : err;
}

/* The next forecast of people is taken to be as long as those before it. */
static void learn_usual(Desk *desk, double seconds)
{
    enum { REMEMBERED = 8 };
    desk->usual = desk->usual == 0 ? seconds : desk->usual + (seconds - desk->usual) / REMEMBERED;
}

static void forget_work(Slot *place)
{
    scenario_destroy(place->scenario);
    fork_destroy(place->fork);
    mem_free(place->text);
    mem_free(place->path);
    mem_free(place->beside);
    place->scenario = NULL;
    place->fork = NULL;
    place->text = place->path = place->beside = NULL;
}

static void end_place(Desk *desk, Slot *place, Err err)
{
    const bool of_people = is_of_people(desk, place);
    const int64_t now = now_ns();
    forget_work(place);
    place->end = !err ? DESK_DONE : place->dropped ? DESK_CANCELLED : now > place->deadline ? DESK_EXPIRED : DESK_FAILED;
    if (place->end == DESK_CANCELLED)
        err_set(&place->why, err, "it was cancelled");
    if (place->end == DESK_EXPIRED)
        err_set(&place->why, err, "its time was over before it was computed");
    place->ended = now;
    if (place->priority == DESK_PERSON && place->end == DESK_DONE)
        learn_usual(desk, (double)(now - place->began) / (double)NS_PER_S);

    pthread_mutex_lock(&desk->lock);
    desk->stats.ended[place->end]++;
    if (place->end == DESK_DONE)
        histogram_add(&desk->stats.durations, now - place->began);
    pass(desk, place, STAGE_ENDED);
    pthread_cond_broadcast(&desk->changed);
    if (of_people && desk->ended)
        desk->ended(desk->self);
    pthread_mutex_unlock(&desk->lock);
}

static void serve_place(Clerk *clerk, Slot *place, SlotStage stage)
{
    Desk *desk = clerk->desk;
    Err err = is_over(desk, place) ? ERR_CLOSED : ERR_OK;
    if (!err && stage == STAGE_ASKED) {
        err = read_place(desk, place);
        if (!err) {
            pass(desk, place, STAGE_WANTED);
            return;
        }
    } else if (!err) {
        place->began = now_ns();
        err = compute_place(clerk, place);
    }
    end_place(desk, place, err);
}

/* What is most urgent, `last` at the least, and of that the oldest; NULL when another clerk has taken it. */
static Slot *take_place(Clerk *clerk, DeskPriority last, SlotStage *stage)
{
    Desk *desk = clerk->desk;
    Slot *best = NULL;
    for (size_t i = 0; i < PLACES; i++) {
        Slot *place = &desk->places[i];
        const SlotStage now = stage_of(place);
        const bool waits = now == STAGE_ASKED || now == STAGE_READY;
        const bool is_mine = waits && (place->priority == DESK_GATE) == (last == DESK_GATE) && place->priority <= last;
        if (is_mine && (!best || place->priority < best->priority || (place->priority == best->priority && place->id < best->id)))
            best = place, *stage = now;
    }
    int expected = (int)*stage;
    return best && atomic_compare_exchange_strong(&best->stage, &expected, STAGE_TAKEN) ? best : NULL;
}

/* Between two forecasts of a search, which takes long: whatever waits and is no search. A post that was for one is given back. */
static void serve_meanwhile(Clerk *clerk)
{
    Slot *place = NULL;
    SlotStage stage = STAGE_FREE;
    while (sem_trywait(&clerk->desk->work) == 0) {
        if (!(place = take_place(clerk, DESK_STANDING, &stage))) {
            sem_post(&clerk->desk->work);
            break;
        }
        serve_place(clerk, place, stage);
    }
}

/* Each post is for one place, so whoever woke up goes on until a place is its own. */
static void *serve(void *self)
{
    Clerk *clerk = self;
    Desk *desk = clerk->desk;
    const struct sched_param none = {0};
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
    setpriority(PRIO_PROCESS, (id_t)gettid(), clerk->last == DESK_GATE ? NICE_GATE : NICE);  // of this thread alone
    program_thread_init();
    for (;;) {
        while (sem_wait(clerk->last == DESK_GATE ? &desk->urgent : &desk->work) && errno == EINTR)
            continue;
        if (desk->stopping)
            return NULL;
        Slot *place;
        SlotStage stage = STAGE_FREE;
        while (!(place = take_place(clerk, clerk->last, &stage)))
            continue;
        serve_place(clerk, place, stage);
    }
}

// --- beginning and end ---------------------------------------------------------------------------------------------

static Err start_clerk(Desk *desk, DeskPriority last)
{
    Clerk *clerk = &desk->clerks[desk->clerk_count];
    *clerk = (Clerk){.desk = desk, .last = last};

    // signals are for the thread that stops the program
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&clerk->thread, NULL, serve, clerk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    desk->clerk_count += failed == 0;
    return failed ? ERR_MEMORY : ERR_OK;
}

Err desk_create(const Plant *plant, size_t clerks, Desk **out, ErrText *why)
{
    assert(clerks < CLERKS_MAX);
    *out = NULL;
    Desk *desk = mem_alloc(sizeof *desk);
    if (!desk)
        return err_set(why, ERR_MEMORY, "no memory for forecasts");
    desk->plant = plant;
    sem_init(&desk->work, 0, 0);
    sem_init(&desk->urgent, 0, 0);
    pthread_mutex_init(&desk->lock, NULL);
    pthread_cond_init(&desk->changed, NULL);
    Err err = start_clerk(desk, DESK_GATE);
    for (size_t i = 0; i < (clerks ? clerks : 1) && !err; i++)
        err = start_clerk(desk, DESK_SEARCH);
    if (err) {
        desk_destroy(desk);
        return err_set(why, err, "the thread of the forecasts cannot start");
    }
    *out = desk;
    return ERR_OK;
}

static void empty_place(Slot *place)
{
    forget_work(place);
    text_fini(&place->json);
    forecast_destroy(place->forecast);
    place->forecast = NULL;
}

void desk_destroy(Desk *desk)
{
    if (!desk)
        return;
    desk->stopping = true;
    for (size_t i = 0; i < desk->clerk_count; i++)
        sem_post(desk->clerks[i].last == DESK_GATE ? &desk->urgent : &desk->work);
    for (size_t i = 0; i < desk->clerk_count; i++)
        pthread_join(desk->clerks[i].thread, NULL);
    for (size_t i = 0; i < PLACES; i++)
        empty_place(&desk->places[i]);
    pthread_cond_destroy(&desk->changed);
    pthread_mutex_destroy(&desk->lock);
    sem_destroy(&desk->urgent);
    sem_destroy(&desk->work);
    mem_free(desk);
}

void desk_learn(Desk *desk, const Verification *verification)
{
    desk->verification = verification;
}

void desk_follow(Desk *desk, DeskFollow *follow)
{
    desk->follow = follow;
}

void desk_rehearse(Desk *desk, const RehearsalKind *rehearsal)
{
    desk->rehearsal = rehearsal;
}

void desk_told(Desk *desk, ForkTold *told, const void *self)
{
    desk->told = told;
    desk->told_self = self;
}

/* Begin with a free place. */
static void number_place(Slot *place, DeskPriority priority, int64_t deadline)
{
    place->id = ++last_id;
    place->priority = priority;
    place->deadline = deadline;
    place->dropped = false;
    place->progress = 0;
    place->began = 0;
    place->best = (Best){0};
    place->name[0] = place->why.text[0] = 0;
}

// --- people --------------------------------------------------------------------------------------------------------

/* A place that is free; otherwise that of the oldest result. NULL when all are still to be computed. */
static Slot *find_place(Desk *desk)
{
    Slot *oldest = NULL;
    for (size_t i = 0; i < DESK_PEOPLE_MAX; i++) {
        Slot *place = &desk->places[i];
        const SlotStage stage = stage_of(place);
        if (stage == STAGE_FREE)
            return place;
        if (stage == STAGE_ENDED && (!oldest || place->id < oldest->id))
            oldest = place;
    }
    return oldest;
}

static double when_there_is_room(const Desk *desk)
{
    return fmax(1, ceil(desk->usual));
}

static Err copy_text(const char *text, size_t length, char **out)
{
    *out = mem_alloc(length + 1);
    if (*out)
        memcpy(*out, text, length);
    return *out ? ERR_OK : ERR_MEMORY;
}

Err desk_ask(Desk *desk, const DeskAsk *ask, uint64_t *id, double *retry, ErrText *why)
{
    assert(ask->length <= DESK_TEXT_MAX);
    Slot *place = find_place(desk);
    if (!place) {
        pthread_mutex_lock(&desk->lock);
        desk->stats.refused++;
        pthread_mutex_unlock(&desk->lock);
        *retry = when_there_is_room(desk);
        return err_set(why, ERR_FULL, "%d forecasts are waiting already: come back in %.0f s", DESK_PEOPLE_MAX, *retry);
    }
    empty_place(place);
    pass(desk, place, STAGE_FREE);
    Err err = ask->path ? copy_text(ask->path, strlen(ask->path), &place->path) : copy_text(ask->text, ask->length, &place->text);
    if (!err && ask->beside)
        err = copy_text(ask->beside, strlen(ask->beside), &place->beside);
    if (err)
        return err_set(why, err, "no memory for a forecast");
    place->length = ask->length;
    number_place(place, ask->searches ? DESK_SEARCH : DESK_PERSON, now_ns() + (int64_t)(ask->patience * (double)NS_PER_S));
    *id = place->id;
    pass(desk, place, STAGE_ASKED);
    return ERR_OK;
}

/* An ask of people; what was kept long enough is not there any more. */
static const Slot *find_ask(const Desk *desk, uint64_t id)
{
    for (size_t i = 0; i < DESK_PEOPLE_MAX; i++) {
        const Slot *place = &desk->places[i];
        const SlotStage stage = stage_of(place);
        if (place->id == id && stage != STAGE_FREE)
            return stage == STAGE_ENDED && now_ns() - place->ended > DESK_KEPT_NS ? NULL : place;
    }
    return NULL;
}

static DeskBest read_best(const Best *best)
{
    DeskBest out;
    uint32_t version;
    do {
        version = best->version;
        out = (DeskBest){.evaluations = best->evaluations, .cost = best->cost, .keeps_limits = best->excess <= 0};
        for (size_t i = 0; i < AIM_CHOICES_MAX; i++)
            out.values[i] = best->values[i];
    } while (version % 2 || version != best->version);
    if (out.evaluations) {
        out.count = best->count;
        out.cost_unit = best->cost_unit;
        memcpy(out.tags, best->tags, sizeof out.tags);
    }
    return out;
}

/* What only its owner may read is told when that is who asks: behind its end. */
static void show(const Slot *place, DeskView *out)
{
    const bool has_ended = stage_of(place) == STAGE_ENDED;
    const int64_t began = place->began, until = has_ended ? place->ended : now_ns();
    *out = (DeskView){.id = place->id, .progress = place->progress, .why = "", .best = read_best(&place->best)};
    out->seconds = began ? (double)(until - began) / (double)NS_PER_S : 0;
    out->state = has_ended ? place->end : began ? DESK_RUNNING : DESK_QUEUED;
    if (!has_ended)
        return;
    memcpy(out->name, place->name, sizeof out->name);
    out->why = place->end == DESK_DONE ? "" : place->why.text;
    out->json = place->end == DESK_DONE ? place->json.bytes : NULL;
    out->json_length = place->json.length;
}

bool desk_look(const Desk *desk, uint64_t id, DeskView *out)
{
    const Slot *place = find_ask(desk, id);
    if (place)
        show(place, out);
    return place != NULL;
}

bool desk_cancel(Desk *desk, uint64_t id)
{
    Slot *place = (Slot *)find_ask(desk, id);
    if (place)
        place->dropped = true;
    return place != NULL;
}

bool desk_next(const Desk *desk, uint64_t id, DeskView *out)
{
    const Slot *next = NULL;
    for (size_t i = 0; i < DESK_PEOPLE_MAX; i++) {
        const Slot *place = find_ask(desk, desk->places[i].id);
        if (place && place->id > id && (!next || place->id < next->id))
            next = place;
    }
    if (next)
        show(next, out);
    return next != NULL;
}

void desk_stats(Desk *desk, DeskStats *out)
{
    pthread_mutex_lock(&desk->lock);
    *out = desk->stats;
    pthread_mutex_unlock(&desk->lock);
    for (size_t i = 0; i < PLACES; i++) {
        const SlotStage stage = stage_of(&desk->places[i]);
        out->waiting += stage != STAGE_FREE && stage != STAGE_ENDED;
    }
}

void desk_tell(Desk *desk, void (*ended)(void *self), void *self)
{
    pthread_mutex_lock(&desk->lock);
    desk->ended = ended;
    desk->self = self;
    pthread_mutex_unlock(&desk->lock);
}

// --- the tick's ----------------------------------------------------------------------------------------------------

uint64_t desk_order(Desk *desk, const Scenario *scenario, const Fork *fork, DeskPriority priority)
{
    for (size_t i = DESK_PEOPLE_MAX; i < PLACES; i++) {
        Slot *place = &desk->places[i];
        if (stage_of(place) != STAGE_FREE)
            continue;
        number_place(place, priority, INT64_MAX);
        place->ordered = scenario;
        place->filled = fork;
        const uint64_t id = place->id;
        pass(desk, place, STAGE_READY);
        return id;
    }
    return 0;
}

static Slot *find_order(const Desk *desk, uint64_t id)
{
    for (size_t i = DESK_PEOPLE_MAX; i < PLACES; i++)
        if (desk->places[i].id == id && stage_of(&desk->places[i]) != STAGE_FREE)
            return (Slot *)&desk->places[i];
    assert(!"an order that was given");
    return NULL;
}

bool desk_has_ended(const Desk *desk, uint64_t id)
{
    return stage_of(find_order(desk, id)) == STAGE_ENDED;
}

void desk_await(Desk *desk, uint64_t id)
{
    const Slot *place = find_order(desk, id);
    pthread_mutex_lock(&desk->lock);
    while (stage_of(place) != STAGE_ENDED)
        pthread_cond_wait(&desk->changed, &desk->lock);
    pthread_mutex_unlock(&desk->lock);
}

Forecast *desk_fetch(Desk *desk, uint64_t id, ErrText *why)
{
    Slot *place = find_order(desk, id);
    assert(stage_of(place) == STAGE_ENDED);
    Forecast *forecast = place->forecast;
    if (!forecast)
        err_set(why, ERR_CLOSED, "%s", place->why.text);
    place->forecast = NULL;
    pass(desk, place, STAGE_FREE);
    return forecast;
}

void desk_give_up(Desk *desk, uint64_t id)
{
    find_order(desk, id)->dropped = true;
}

void desk_fill_fork(const Desk *desk, Fork *fork, int64_t time)
{
    fork_fill(fork, time);
    if (desk->told)
        fork_tell(fork, desk->told, desk->told_self);
}

void desk_fill(Desk *desk, int64_t time)
{
    for (size_t i = 0; i < DESK_PEOPLE_MAX; i++) {
        Slot *place = &desk->places[i];
        if (stage_of(place) != STAGE_WANTED)
            continue;
        desk_fill_fork(desk, place->fork, time);
        verification_teach(desk->verification, place->fork);
        pass(desk, place, STAGE_READY);
        return;
    }
}
