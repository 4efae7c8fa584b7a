/* intake.h -- what is pushed: a body is unpacked, read and allowed as a whole, and then passed on.
 *
 * Takes: InletBodies on the service thread.  Gives: samples to an Exchange, which it shares with the connector's thread by a lock.
 * Memory: its own; what one body needs is kept for the next. */
#pragma once

#include <pthread.h>

#include "connectors/http/push.h"
#include "signal/exchange.h"
#include "signal/inlet.h"

enum { INTAKE_UNPACKED_MAX = 32 << 20 };

typedef struct IntakeDef {
    const PushTarget *targets;
    size_t target_count;
    const Binding *bindings;  // of the connector; they outlive it
    Exchange *exchange;
    pthread_mutex_t *lock;    // of whoever calls the exchange
} IntakeDef;

typedef struct Intake Intake;

Err intake_create(const IntakeDef *def, Intake **out);
void intake_destroy(Intake *intake);
/// For Inlet.take and Inlet.has_stored.
void intake_take(void *intake, const InletBody *body, InletAnswer *answer);
bool intake_has_stored(void *intake, uint64_t mark);
