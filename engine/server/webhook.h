/* webhook.h -- alarms told to other programs: a POST per change of an alarm, as a CloudEvent (cloudevents.io 1.0.2, HTTP protocol binding 1.0.2, structured
 * content mode), by libcurl.
 *
 * Each address has a thread and a queue of its own, so that one that does not answer holds up neither the tick nor the others. What is not taken is tried
 * again, with growing pauses, in order; when the queue is full newer events are dropped and counted. Nothing is kept over a restart. The receiver may see an
 * event twice, and knows it by its id.
 *
 * Takes: alarms that changed.  Gives: POSTs.  Threads: tell on the tick's, stats on any, the rest on the owner's. */
#pragma once

#include "alarm/alarm.h"

enum { WEBHOOKS_MAX = 8, WEBHOOK_QUEUE = 1024 };

typedef struct Webhook Webhook;

typedef struct WebhookDef {
    const char *url;      // http:// or https://
    const char *token;    // NULL, or what is shown as `Authorization: Bearer`
    const char *ca;       // NULL, or a PEM file of the authorities whose certificates count
    const char *plant;    // its name
    Severity least;       // alarms below it are not told
    int64_t pause_ns;     // before the first repetition; 0 means 1 s. The next are longer, up to a minute
} WebhookDef;

typedef struct WebhookStats {
    uint64_t delivered;
    uint64_t refused;  // by the receiver, for good: 4xx but 408 and 429
    uint64_t dropped;  // there was no room
    uint64_t repeated; // tries that failed, and were made again
} WebhookStats;

/// ERR_USAGE: `url` is none.
Err webhook_create(const WebhookDef *def, Webhook **out, ErrText *why);
/// What waits is not told any more.
void webhook_destroy(Webhook *webhook);
/// An alarm has changed. Never waits.
void webhook_tell(Webhook *webhook, const Alarm *alarm, const char *twin);
WebhookStats webhook_stats(const Webhook *webhook);
const char *webhook_url(const Webhook *webhook);
