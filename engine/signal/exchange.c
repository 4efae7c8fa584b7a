/* exchange.c -- two rings each way: small items, and the few that have a text.
 *
 * The connector's thread writes items by the place of their binding, the tick's puts the tag in its place. What both look at beside the rings is one
 * atomic word each, or stands behind the lock, which is held for a copy at most. */
#include "signal/exchange.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    RING = 65536,
    COMMANDS_MAX = 256,  // on their way to the connector's thread
    TEXTS_MAX = 1024,    // on their way back; samples leave as many places free
    SEEN_SLOTS = 2 * EXCHANGE_SEEN_MAX,
    PROVIDER = 1,
};

/* An Arrival on its way; those with a text have it in the other ring. */
typedef struct Item {
    int64_t time;
    double value;  // SI
    uint32_t binding;
    uint8_t kind;  // ArrivalKind
    uint8_t quality;
    bool historical;
} Item;

typedef struct Words {
    uint64_t command;
    bool done;
    char text[96];
} Words;

typedef struct Order {
    uint32_t binding;
    Command command;
} Order;

/* What the connector's thread knows of a tag. */
typedef struct Line {
    double value;            // SI, the last that was passed on
    int64_t passed, heard;   // elapsed: when that was, and when anything last came
    Quality quality;
    bool known;              // there is a value
    bool silent;
} Line;

/* An actuator and its binding. */
typedef struct Written {
    TagId tag;
    uint32_t binding;
} Written;

struct Exchange {
    ExchangeDef def;
    ConnectorType type;
    void (*close)(void *self);
    void *self;

    Ring items, texts;  // connector's thread -> tick
    Ring orders;        // tick -> connector's thread
    int file;           // eventfd
    atomic_bool ends, connected;
    _Atomic int64_t plant_time;
    _Atomic uint64_t attempts, samples, refused, dropped, unchanged, missed, commands, failed, busy_ns;
    _Atomic uint32_t stale;
    _Atomic uint64_t stored;  // samples that are on disk
    uint64_t pushed, polled;  // samples until now: the connector's thread's, the tick's

    Line *lines;      // the connector's thread's, by binding
    Order *waiting;   // the connector's thread's, at most COMMANDS_MAX: oldest first, one for an actuator
    size_t waiting_count;
    TagId *tags;      // the tick's, by binding
    Written *written; // the tick's, by rising tag
    size_t written_count;

    pthread_mutex_t lock;
    int64_t since;
    char fault[160];
    ExchangeSeen *seen;  // EXCHANGE_SEEN_MAX, in the order in which they came
    uint16_t seen_slots[SEEN_SLOTS];  // 1 + place, by hash of the address; 0: free
    size_t seen_count;
};

static int64_t elapsed(const Exchange *exchange)
{
    return exchange->def.clock->elapsed_ns(exchange->def.clock->self);
}

static int64_t utc(const Exchange *exchange)
{
    return exchange->def.clock->utc_ns(exchange->def.clock->self);
}

// --- life ----------------------------------------------------------------------------------------------------------

static int compare_tags(const void *a, const void *b)
{
    const TagId left = ((const Written *)a)->tag, right = ((const Written *)b)->tag;
    return (left > right) - (left < right);
}

void exchange_follow(Exchange *exchange, const Binding *bindings)
{
    exchange->written_count = 0;
    for (size_t i = 0; i < exchange->def.binding_count; i++) {
        const TagId tag = exchange->tags[i] = bindings[i].tag;
        if (exchange->def.bindings[i].writes && tag != TAG_NONE)
            exchange->written[exchange->written_count++] = (Written){tag, (uint32_t)i};
    }
    qsort(exchange->written, exchange->written_count, sizeof *exchange->written, compare_tags);
}

static Err allocate(Exchange *exchange)
{
    const size_t count = exchange->def.binding_count, room = count ? count : 1;
    exchange->lines = mem_alloc(room * sizeof *exchange->lines);
    exchange->tags = mem_alloc(room * sizeof *exchange->tags);
    exchange->written = mem_alloc(room * sizeof *exchange->written);
    exchange->seen = mem_alloc(EXCHANGE_SEEN_MAX * sizeof *exchange->seen);
    exchange->waiting = mem_alloc(COMMANDS_MAX * sizeof *exchange->waiting);
    if (!exchange->lines || !exchange->waiting || !exchange->tags || !exchange->written || !exchange->seen)
        return ERR_MEMORY;

    Err err = ring_init(&exchange->items, sizeof(Item), (exchange->def.ring ? exchange->def.ring : RING) + TEXTS_MAX);
    if (!err)
        err = ring_init(&exchange->texts, sizeof(Words), TEXTS_MAX);
    if (!err)
        err = ring_init(&exchange->orders, sizeof(Order), COMMANDS_MAX);
    if (err)
        return err;
    exchange->file = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return exchange->file < 0 ? ERR_IO : ERR_OK;
}

static void begin_lines(Exchange *exchange)
{
    const int64_t now = elapsed(exchange);
    for (size_t i = 0; i < exchange->def.binding_count; i++)
        exchange->lines[i] = (Line){.heard = now, .passed = now};
    exchange_follow(exchange, exchange->def.bindings);
}

Err exchange_create(const ExchangeDef *def, Exchange **out)
{
    *out = NULL;
    Exchange *exchange = mem_alloc(sizeof *exchange);
    if (!exchange)
        return ERR_MEMORY;
    exchange->def = *def;
    exchange->def.clock = def->clock ? def->clock : &clock_system;
    exchange->file = -1;
    exchange->since = TIME_NONE;
    atomic_init(&exchange->plant_time, TIME_NONE);
    pthread_mutex_init(&exchange->lock, NULL);

    const Err err = allocate(exchange);
    if (err) {
        exchange_destroy(exchange);
        return err;
    }
    begin_lines(exchange);
    *out = exchange;
    return ERR_OK;
}

void exchange_destroy(Exchange *exchange)
{
    if (!exchange)
        return;
    if (exchange->file >= 0)
        close(exchange->file);
    ring_fini(&exchange->items);
    ring_fini(&exchange->texts);
    ring_fini(&exchange->orders);
    mem_free(exchange->lines);
    mem_free(exchange->waiting);
    mem_free(exchange->tags);
    mem_free(exchange->written);
    mem_free(exchange->seen);
    pthread_mutex_destroy(&exchange->lock);
    mem_free(exchange);
}

// --- the tick's side -----------------------------------------------------------------------------------------------

static Arrival unpack(Exchange *exchange, const Item *item)
{
    Arrival arrival = {.kind = (ArrivalKind)item->kind, .provider = PROVIDER, .historical = item->historical};
    if (item->kind == ARRIVAL_SAMPLE) {
        arrival.sample = (Sample){.time = item->time, .value = item->value, .tag = exchange->tags[item->binding], .quality = item->quality};
        return arrival;
    }
    Words words = {0};
    ring_pop(&exchange->texts, &words);
    arrival.command = words.command;
    arrival.done = words.done;
    memcpy(arrival.text, words.text, sizeof arrival.text);
    return arrival;
}

static size_t poll_items(void *self, Arrival *out, size_t room)
{
    enum { PORTION = 256 };
    Exchange *exchange = self;
    Item items[PORTION];
    const size_t count = ring_pop_many(&exchange->items, items, room < PORTION ? room : PORTION);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        exchange->polled += items[i].kind == ARRIVAL_SAMPLE;
        if (items[i].kind == ARRIVAL_SAMPLE && exchange->tags[items[i].binding] == TAG_NONE)
            continue;
        out[kept] = unpack(exchange, &items[i]);
        out[kept++].mark = exchange->polled;
    }
    return kept;
}

static const Written *find_written(const Exchange *exchange, TagId tag)
{
    const Written wanted = {.tag = tag};
    return bsearch(&wanted, exchange->written, exchange->written_count, sizeof wanted, compare_tags);
}

static void wake(Exchange *exchange)
{
    const uint64_t one = 1;
    // it fails where the count is at its end: then it is readable as it is
    const ssize_t written = write(exchange->file, &one, sizeof one);
    (void)written;
}

static Err send_command(void *self, const Command *command)
{
    Exchange *exchange = self;
    const Written *written = find_written(exchange, command->wish.tag);
    if (!written)
        return ERR_CLOSED;
    if (!ring_push(&exchange->orders, &(Order){written->binding, *command}))
        return ERR_FULL;
    wake(exchange);
    return ERR_OK;
}

static void note_plant_time(void *self, int64_t plant_time)
{
    Exchange *exchange = self;
    atomic_store(&exchange->plant_time, plant_time);
}

static void note_stored(void *self, uint64_t mark)
{
    Exchange *exchange = self;
    atomic_store(&exchange->stored, mark);
}

static ConnectorStats show_stats(void *self)
{
    Exchange *exchange = self;
    return (ConnectorStats){.samples = atomic_load(&exchange->samples), .refused = atomic_load(&exchange->refused), .dropped = atomic_load(&exchange->dropped)};
}

static void close_connector(void *self)
{
    Exchange *exchange = self;
    exchange->close(exchange->self);
}

Connector exchange_connector(Exchange *exchange, void (*close)(void *self), void *self)
{
    exchange->close = close;
    exchange->self = self;
    exchange->type = (ConnectorType){
        .name = exchange->def.kind,
        .poll = poll_items,
        .send = send_command,
        .stored = note_stored,
        .ticked = note_plant_time,
        .stats = show_stats,
        .close = close_connector,
    };
    return (Connector){&exchange->type, exchange};
}

// --- samples -------------------------------------------------------------------------------------------------------

/* Samples leave room for what must not be lost. */
size_t exchange_room(const Exchange *exchange)
{
    const size_t room = ring_room(&exchange->items);
    return room > TEXTS_MAX ? room - TEXTS_MAX : 0;
}

uint64_t exchange_mark(const Exchange *exchange)
{
    return exchange->pushed;
}

bool exchange_has_stored(const Exchange *exchange, uint64_t mark)
{
    return atomic_load(&exchange->stored) >= mark;
}

static bool push_item(Exchange *exchange, const Item *item)
{
    if (exchange_room(exchange) && ring_push(&exchange->items, item))
        return ++exchange->pushed;
    atomic_fetch_add(&exchange->dropped, 1);
    return false;
}

static void push_words(Exchange *exchange, ArrivalKind kind, const Words *words)
{
    if (!ring_push(&exchange->texts, words)) {
        atomic_fetch_add(&exchange->dropped, 1);
        return;
    }
    // the words first: whoever sees the item finds them. There are no more of them than the places that samples leave free
    const bool fits = ring_push(&exchange->items, &(Item){.kind = (uint8_t)kind});
    assert(fits);
    (void)fits;
}

static void set_silent(Exchange *exchange, Line *line, bool silent)
{
    if (line->silent == silent)
        return;
    line->silent = silent;
    if (silent)
        atomic_fetch_add(&exchange->stale, 1);
    else
        atomic_fetch_sub(&exchange->stale, 1);
}

/* A tag that never had a value has no gap to tell of. */
static void fall_silent(Exchange *exchange, size_t binding)
{
    Line *line = &exchange->lines[binding];
    if (line->silent || exchange->def.bindings[binding].writes)
        return;
    set_silent(exchange, line, true);
    if (!line->known || line->quality == QUALITY_BAD)
        return;
    line->quality = QUALITY_BAD;
    if (push_item(exchange, &(Item){.time = utc(exchange), .value = line->value, .binding = (uint32_t)binding, .kind = ARRIVAL_SAMPLE, .quality = QUALITY_BAD}))
        atomic_fetch_add(&exchange->samples, 1);
}

static bool is_unchanged(const Line *line, const Binding *binding, double value, Quality quality, int64_t now)
{
    const bool is_due = binding->stale_ns && now - line->passed >= binding->stale_ns;
    return line->known && quality == line->quality && !is_due && fabs(value - line->value) < binding->dead_band;
}

static bool refuse_value(Exchange *exchange, size_t binding, double number, int64_t time)
{
    if (time != TIME_NONE && time < 0)
        exchange_refuse(exchange, "%s: a time after 1970 was expected", exchange->def.bindings[binding].name);
    else if (!isfinite(number))
        exchange_refuse(exchange, "%s: a finite number was expected", exchange->def.bindings[binding].name);
    else
        return false;
    return true;
}

/* What came, as it is passed on. */
static Item read_value(Exchange *exchange, size_t binding, double number, int64_t time, Quality quality)
{
    const Binding *bound = &exchange->def.bindings[binding];
    assert(!bound->writes);
    const bool is_given = time != TIME_NONE && bound->source_time;
    return (Item){.time = is_given ? time : utc(exchange), .value = binding_to_si(bound, number), .binding = (uint32_t)binding,
                  .kind = ARRIVAL_SAMPLE, .quality = (uint8_t)quality};
}

bool exchange_value(Exchange *exchange, size_t binding, double number, int64_t time, Quality quality)
{
    assert(binding < exchange->def.binding_count);
    if (quality == QUALITY_BAD && isnan(number)) {
        fall_silent(exchange, binding);
        return false;
    }
    if (refuse_value(exchange, binding, number, time))
        return false;

    Line *line = &exchange->lines[binding];
    const Item item = read_value(exchange, binding, number, time, quality);
    const int64_t now = line->heard = elapsed(exchange);
    set_silent(exchange, line, false);
    if (is_unchanged(line, &exchange->def.bindings[binding], item.value, quality, now)) {
        atomic_fetch_add(&exchange->unchanged, 1);
        return false;
    }
    if (!push_item(exchange, &item))
        return false;
    line->value = item.value;
    line->quality = quality;
    line->passed = now;
    line->known = true;
    atomic_fetch_add(&exchange->samples, 1);
    return true;
}

bool exchange_past(Exchange *exchange, size_t binding, double number, int64_t time, Quality quality)
{
    assert(binding < exchange->def.binding_count);
    if (time == TIME_NONE || refuse_value(exchange, binding, number, time))
        return false;
    Item item = read_value(exchange, binding, number, time, quality);
    item.time = time;
    item.historical = true;
    if (!push_item(exchange, &item))
        return false;
    atomic_fetch_add(&exchange->samples, 1);
    return true;
}

static uint64_t thread_busy(void)
{
    struct timespec busy;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &busy) ? 0 : (uint64_t)busy.tv_sec * (uint64_t)NS_PER_S + (uint64_t)busy.tv_nsec;
}

int64_t exchange_look(Exchange *exchange)
{
    int64_t least = NS_PER_S;
    const int64_t now = elapsed(exchange);
    for (size_t i = 0; i < exchange->def.binding_count; i++) {
        const Binding *binding = &exchange->def.bindings[i];
        if (binding->stale_ns == 0 || exchange->lines[i].silent)
            continue;
        const int64_t left = exchange->lines[i].heard + binding->stale_ns - now;
        if (left <= 0)
            fall_silent(exchange, i);
        else if (left < least)
            least = left;
    }
    atomic_store(&exchange->busy_ns, thread_busy());
    return least;
}

// --- what is known of the other end --------------------------------------------------------------------------------

__attribute__((format(printf, 2, 0))) static void note_fault(Exchange *exchange, const char *format, va_list arguments)
{
    char fault[sizeof exchange->fault];
    vsnprintf(fault, sizeof fault, format, arguments);
    pthread_mutex_lock(&exchange->lock);
    memcpy(exchange->fault, fault, sizeof fault);
    pthread_mutex_unlock(&exchange->lock);
}

void exchange_refuse(Exchange *exchange, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_fault(exchange, format, arguments);
    va_end(arguments);
    atomic_fetch_add(&exchange->refused, 1);
}

void exchange_missed(Exchange *exchange, uint64_t turns)
{
    atomic_fetch_add(&exchange->missed, turns);
}

static ExchangeSeen *find_seen(Exchange *exchange, const char *address)
{
    size_t slot = hash_bytes(0, address, strlen(address)) % SEEN_SLOTS;
    for (; exchange->seen_slots[slot]; slot = (slot + 1) % SEEN_SLOTS)
        if (strcmp(exchange->seen[exchange->seen_slots[slot] - 1].address, address) == 0)
            return &exchange->seen[exchange->seen_slots[slot] - 1];
    if (exchange->seen_count == EXCHANGE_SEEN_MAX)
        return NULL;

    ExchangeSeen *seen = &exchange->seen[exchange->seen_count++];
    exchange->seen_slots[slot] = (uint16_t)exchange->seen_count;
    snprintf(seen->address, sizeof seen->address, "%s", address);
    return seen;
}

void exchange_seen(Exchange *exchange, const char *address, double number)
{
    char cut[EXCHANGE_ADDRESS_MAX];
    snprintf(cut, sizeof cut, "%s", address);
    const int64_t now = utc(exchange);

    pthread_mutex_lock(&exchange->lock);
    ExchangeSeen *seen = find_seen(exchange, cut);
    if (seen) {
        seen->number = number;
        seen->time = now;
        seen->count++;
    }
    pthread_mutex_unlock(&exchange->lock);
}

static bool is_first_word(Exchange *exchange)
{
    pthread_mutex_lock(&exchange->lock);
    const bool first = exchange->since == TIME_NONE;
    pthread_mutex_unlock(&exchange->lock);
    return first;
}

static void note_connection(Exchange *exchange, bool connected)
{
    const int64_t now = utc(exchange);
    pthread_mutex_lock(&exchange->lock);
    exchange->since = now;
    pthread_mutex_unlock(&exchange->lock);
    atomic_store(&exchange->connected, connected);

    Words words = {0};
    snprintf(words.text, sizeof words.text, "%s", exchange->def.name);
    push_words(exchange, connected ? ARRIVAL_JOINED : ARRIVAL_LEFT, &words);
}

void exchange_joined(Exchange *exchange)
{
    if (atomic_load(&exchange->connected))
        return;
    atomic_fetch_add(&exchange->attempts, 1);
    note_connection(exchange, true);
}

void exchange_left(Exchange *exchange, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_fault(exchange, format, arguments);
    va_end(arguments);

    const bool lost = atomic_load(&exchange->connected);
    if (!lost)
        atomic_fetch_add(&exchange->attempts, 1);
    for (size_t i = 0; i < exchange->def.binding_count && lost; i++)
        fall_silent(exchange, i);
    if (lost || is_first_word(exchange))
        note_connection(exchange, false);
}

// --- commands ------------------------------------------------------------------------------------------------------

void exchange_outcome(Exchange *exchange, uint64_t command, bool done, const char *format, ...)
{
    Words words = {.command = command, .done = done};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words.text, sizeof words.text, format, arguments);
    va_end(arguments);
    if (!done)
        atomic_fetch_add(&exchange->failed, 1);
    push_words(exchange, ARRIVAL_OUTCOME, &words);
}

static void drop_waiting(Exchange *exchange, size_t place)
{
    exchange->waiting_count--;
    memmove(&exchange->waiting[place], &exchange->waiting[place + 1], (exchange->waiting_count - place) * sizeof *exchange->waiting);
}

/* A command waits behind all others, in the place of an older one for its actuator. */
static void keep_waiting(Exchange *exchange, const Order *order)
{
    for (size_t i = 0; i < exchange->waiting_count; i++)
        if (exchange->waiting[i].binding == order->binding) {
            exchange_outcome(exchange, exchange->waiting[i].command.id, false, "superseded by command %llu", (unsigned long long)order->command.id);
            drop_waiting(exchange, i);
            break;
        }
    exchange->waiting[exchange->waiting_count++] = *order;
}

static void empty_file(Exchange *exchange)
{
    uint64_t count;
    const ssize_t got = read(exchange->file, &count, sizeof count);
    (void)got;
    // the end is asked for once: it stays readable
    if (atomic_load(&exchange->ends))
        wake(exchange);
}

static void fetch_orders(Exchange *exchange)
{
    empty_file(exchange);
    Order order;
    while (exchange->waiting_count < COMMANDS_MAX && ring_pop(&exchange->orders, &order)) {
        atomic_fetch_add(&exchange->commands, 1);
        keep_waiting(exchange, &order);
    }
}

static void fail_without_connection(Exchange *exchange)
{
    for (size_t i = exchange->waiting_count; i-- > 0;) {
        const Order *order = &exchange->waiting[i];
        if (exchange->def.bindings[order->binding].stores)
            continue;
        exchange_outcome(exchange, order->command.id, false, "there is no connection to %s", exchange->def.peer);
        drop_waiting(exchange, i);
    }
}

bool exchange_take(Exchange *exchange, Command *command, size_t *binding, double *number)
{
    fetch_orders(exchange);
    if (!atomic_load(&exchange->connected)) {
        fail_without_connection(exchange);
        return false;
    }
    while (exchange->waiting_count) {
        const Order order = exchange->waiting[0];
        drop_waiting(exchange, 0);
        if (atomic_load(&exchange->plant_time) > order.command.deadline) {
            exchange_outcome(exchange, order.command.id, false, "its deadline was over before it could go");
            continue;
        }
        *command = order.command;
        *binding = order.binding;
        *number = binding_from_si(&exchange->def.bindings[order.binding], order.command.wish.value);
        return true;
    }
    return false;
}

int exchange_file(const Exchange *exchange)
{
    return exchange->file;
}

bool exchange_ends(Exchange *exchange)
{
    return atomic_load(&exchange->ends);
}

void exchange_end(Exchange *exchange)
{
    atomic_store(&exchange->ends, true);
    wake(exchange);
}

// --- what is shown -------------------------------------------------------------------------------------------------

ExchangeState exchange_state(Exchange *exchange)
{
    ExchangeState state = {
        .connected = atomic_load(&exchange->connected),
        .attempts = atomic_load(&exchange->attempts),
        .samples = atomic_load(&exchange->samples),
        .refused = atomic_load(&exchange->refused),
        .dropped = atomic_load(&exchange->dropped),
        .unchanged = atomic_load(&exchange->unchanged),
        .missed = atomic_load(&exchange->missed),
        .commands = atomic_load(&exchange->commands),
        .failed = atomic_load(&exchange->failed),
        .stale = atomic_load(&exchange->stale),
        .busy_ns = atomic_load(&exchange->busy_ns),
    };
    snprintf(state.name, sizeof state.name, "%s", exchange->def.name);
    snprintf(state.kind, sizeof state.kind, "%s", exchange->def.kind);
    snprintf(state.peer, sizeof state.peer, "%s", exchange->def.peer);
    pthread_mutex_lock(&exchange->lock);
    state.since = exchange->since;
    memcpy(state.fault, exchange->fault, sizeof state.fault);
    pthread_mutex_unlock(&exchange->lock);
    return state;
}

size_t exchange_list_seen(Exchange *exchange, ExchangeSeen *out, size_t room)
{
    pthread_mutex_lock(&exchange->lock);
    const size_t count = exchange->seen_count < room ? exchange->seen_count : room;
    memcpy(out, exchange->seen, count * sizeof *out);
    pthread_mutex_unlock(&exchange->lock);
    return count;
}
