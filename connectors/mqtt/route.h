/* route.h -- a binding's own keys: which topic, in which form, how it is confirmed.
 *
 * Takes: the entry of the plant's script.  Gives: a Route.  Memory: views into the entry.  Threads: any; const once read. */
#pragma once

#include "signal/payload.h"
#include "signal/binding.h"
#include "signal/options.h"

typedef struct Route {
    const char *topic;  // read: a filter; written: a topic
    const char *reply;  // NULL: none
    PayloadForm form;
    int qos;            // of what is published, and at most of what is read
    bool retain;        // of what is published
} Route;

/// What is wrong stands in `entry`.
void route_read(const Binding *binding, Options *entry, Route *out);
