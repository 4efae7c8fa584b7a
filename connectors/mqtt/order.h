/* order.h -- commands that were sent and wait for what confirms them: the broker's answer, then the reply of the device where the binding names one.
 *
 * Each ends once: confirmed, refused, past its deadline, or with the connection.
 *
 * Takes: what was sent, what came.  Gives: exchange_outcome.  Memory: its own, no more than ORDERS_MAX.  Threads: the connector's alone. */
#pragma once

#include "signal/exchange.h"

enum { ORDERS_MAX = 256 };

typedef struct Order {
    uint64_t command;
    size_t binding;
    double number;     // as it was written
    int letter;        // of the broker; 0 once it has answered
    bool wants_reply;
    bool is_kept;      // by the broker, for whoever subscribes later
    int64_t deadline;  // UTC
} Order;

typedef struct Orders {
    Order items[ORDERS_MAX];
    size_t count;
    Exchange *exchange;
} Orders;

/// False when there is no room: then the command has failed, which is said.
bool orders_add(Orders *orders, const Order *order);
/// The broker has answered (see BrokerEvents.confirmed).
void orders_confirm(Orders *orders, int letter, const char *refusal, bool heard);
/// The order of this binding that the reply is to: by its command's id or, where `id` is 0, by the number that it repeats. NULL: none.
Order *orders_find(Orders *orders, size_t binding, uint64_t id, double number);
/// It is over.
void orders_end(Orders *orders, Order *order, bool done, const char *why);
void orders_expire(Orders *orders, int64_t utc);
/// The connection is gone: nobody knows what became of them.
void orders_drop(Orders *orders);
