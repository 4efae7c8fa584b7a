#include "connectors/mqtt/order.h"

#include <assert.h>
#include <math.h>

static const double SAME = 1e-6;  // a number that a device repeats may have gone through its single precision

bool orders_add(Orders *orders, const Order *order)
{
    if (orders->count == ORDERS_MAX) {
        exchange_outcome(orders->exchange, order->command, false, "%d commands wait for their confirmation already", ORDERS_MAX);
        return false;
    }
    orders->items[orders->count++] = *order;
    return true;
}

void orders_end(Orders *orders, Order *order, bool done, const char *why)
{
    assert(order >= orders->items && order < orders->items + orders->count);
    exchange_outcome(orders->exchange, order->command, done, "%s", why);
    *order = orders->items[--orders->count];
}

void orders_confirm(Orders *orders, int letter, const char *refusal, bool heard)
{
    Order *order = NULL;
    for (size_t i = 0; i < orders->count && !order; i++)
        if (orders->items[i].letter == letter)
            order = &orders->items[i];
    if (!order)
        return;
    if (refusal)
        orders_end(orders, order, false, refusal);
    else if (!heard && !order->is_kept)
        orders_end(orders, order, false, "nobody has subscribed to its topic");
    else if (order->wants_reply)
        order->letter = 0;
    else
        orders_end(orders, order, true, "");
}

Order *orders_find(Orders *orders, size_t binding, uint64_t id, double number)
{
    for (size_t i = 0; i < orders->count; i++) {
        Order *order = &orders->items[i];
        const bool is_same = id ? order->command == id : fabs(order->number - number) <= SAME * fabs(order->number);
        if (order->binding == binding && order->wants_reply && is_same)
            return order;
    }
    return NULL;
}

void orders_expire(Orders *orders, int64_t utc)
{
    for (size_t i = orders->count; i-- > 0;)
        if (orders->items[i].deadline < utc)
            orders_end(orders, &orders->items[i], false, orders->items[i].letter ? "the broker has not confirmed it in time" : "no reply in time");
}

void orders_drop(Orders *orders)
{
    while (orders->count)
        orders_end(orders, &orders->items[orders->count - 1], false, "the connection was lost before it was confirmed: it may have been carried out");
}
