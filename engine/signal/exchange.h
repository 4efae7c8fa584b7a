/* exchange.h -- between the thread of a connector that goes out by itself (MQTT, Modbus, ...) and the tick.
 *
 * Every connector has one thread and one Exchange. On its thread it calls exchange_value for what it reads, and the Exchange does what all bindings have in
 * common: scale and unit, dead band, quality, time stamp, staleness. It takes commands with exchange_take, and answers each exactly once with
 * exchange_outcome. `exchange_file` becomes readable when a command waits or the end is asked for: poll it beside the sockets.
 *
 *     while (!exchange_ends(exchange)) {
 *         while (exchange_take(exchange, &command, &binding, &number))
 *             write it, exchange_outcome
 *         poll exchange_file and the sockets, for exchange_look at most; read, exchange_value
 *     }
 *
 * Rings stand between the threads: what does not fit is dropped and counted. exchange_connector is all that the tick needs. A binding is known by its place
 * in the list: only the tick's side knows its tag, which another version of the plant's script may number anew (exchange_follow).
 *
 * Takes: numbers as they stand on the wire.  Gives: Arrivals; carries Commands.
 * Memory: allocated at the start alone.  Threads: as said at each function. */
#pragma once

#include "signal/binding.h"
#include "signal/connector.h"

typedef struct Exchange Exchange;

enum { EXCHANGE_SEEN_MAX = 256, EXCHANGE_ADDRESS_MAX = 160 };

typedef struct ExchangeDef {
    const char *name;           // of the connector, as the script calls it
    const char *kind, *peer;    // "mqtt", "localhost:1883"
    const Binding *bindings;    // outlive the Exchange, as the texts do
    size_t binding_count;
    const Clock *clock;         // NULL: the machine's
    size_t ring;                // arrivals; 0 means 65,536
} ExchangeDef;

Err exchange_create(const ExchangeDef *def, Exchange **out);
void exchange_destroy(Exchange *exchange);
/// Polled, sent to and asked on the tick's thread; `close` is the connector's own: it ends the thread (exchange_end) and destroys the Exchange.
/// A command of a tag that no binding of these writes is refused with ERR_CLOSED.
Connector exchange_connector(Exchange *exchange, void (*close)(void *self), void *self);
/// On the tick's thread: from now on the binding at each place has the tag of that in this list, which is as long (TAG_NONE: none; what it brings is left out).
void exchange_follow(Exchange *exchange, const Binding *bindings);

// On the connector's thread.

/// A number as it stands on the wire, of a binding that is read; `time` TIME_NONE: now. False when it was not passed on (dead band, no room, not finite).
/// QUALITY_BAD without a number (NAN) says that the source has no value: the tag is silent until one comes.
bool exchange_value(Exchange *exchange, size_t binding, double number, int64_t time, Quality quality);
/// The same for what was measured while the connection was down (historical: it says nothing of now).
bool exchange_past(Exchange *exchange, size_t binding, double number, int64_t time, Quality quality);
/// How many samples there is room for now.
size_t exchange_room(const Exchange *exchange);
/// For exchange_has_stored: the samples that were passed on until now.
uint64_t exchange_mark(const Exchange *exchange);
/// What came could not be read: counted, and the text is shown as the connector's last fault.
void exchange_refuse(Exchange *exchange, const char *format, ...) __attribute__((format(printf, 2, 3)));
/// Turns of a schedule (schedule.h) that were left out, as the one before took too long.
void exchange_missed(Exchange *exchange, uint64_t turns);
/// An address that no binding names: at most EXCHANGE_SEEN_MAX are remembered, for people who look for what could be bound.
void exchange_seen(Exchange *exchange, const char *address, double number);
/// The connection is there, or is not, and why. While it is not, commands fail at once unless their binding stores them, and all tags are silent.
/// Each call is the end of an attempt at connecting, but for the loss of a connection. The tick hears of the first and of every change.
void exchange_joined(Exchange *exchange);
void exchange_left(Exchange *exchange, const char *format, ...) __attribute__((format(printf, 2, 3)));
/// Say the tags that have become stale, at least once a second. How long until the next one may, at most 1 s.
int64_t exchange_look(Exchange *exchange);
/// The next command to carry out: `binding` is that of its actuator, `number` what to write on the wire. False: none, or the connection is down.
/// Call it until it says so, whether there is a connection or not: it empties exchange_file, and answers what cannot wait. Of several commands
/// for one actuator the newest is carried out, and none whose deadline is over.
bool exchange_take(Exchange *exchange, Command *command, size_t *binding, double *number);
/// What became of it. A write that can be read back is done when it was.
void exchange_outcome(Exchange *exchange, uint64_t command, bool done, const char *format, ...) __attribute__((format(printf, 4, 5)));
/// Readable when a command waits, or the end is asked for. An eventfd.
int exchange_file(const Exchange *exchange);
/// Whether the thread is to end.
bool exchange_ends(Exchange *exchange);

// On any thread.

/// Whether everything that was passed on before `mark` is on disk: whoever sent it may forget it.
bool exchange_has_stored(const Exchange *exchange, uint64_t mark);
/// Ask the connector's thread to end.
void exchange_end(Exchange *exchange);

typedef struct ExchangeState {
    char name[48], kind[24], peer[96];
    bool connected;
    int64_t since;          // UTC: of that, TIME_NONE before the first attempt has ended
    uint64_t attempts;      // at connecting, since the start
    uint64_t samples, refused, dropped, unchanged;  // unchanged: within the dead band
    uint64_t missed;        // turns of a schedule that were left out
    uint64_t commands, failed;
    uint32_t stale;         // tags that are silent now
    char fault[160];        // the last, "" while there was none
    uint64_t busy_ns;       // processor time of the connector's thread
} ExchangeState;
ExchangeState exchange_state(Exchange *exchange);

typedef struct ExchangeSeen {
    char address[EXCHANGE_ADDRESS_MAX];
    double number;
    int64_t time;  // UTC, of the newest
    uint64_t count;
} ExchangeSeen;
size_t exchange_list_seen(Exchange *exchange, ExchangeSeen *out, size_t room);
