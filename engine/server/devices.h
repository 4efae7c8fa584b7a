/* devices.h -- what REST says of devices and lets engineers decide about them: devices.c tells, device_acts.c decides.
 *
 * A decision counts at once and is answered when it is on disk. */
#pragma once

#include "server/inside.h"
#include "server/routes.h"

enum { DEVICE_BODY_MAX = 64 * 1024 };

/// The device of a request's path. NULL, and a refusal: there is none.
RegistryEntry *device_find(const Server *server, const Request *request, Reply *reply);
/// All that there is to say of it; `tags` are the plant's.
void device_put(Text *out, const RegistryEntry *entry, const TagTable *tags);
void device_put_document(Text *out, const EntryDocument *document);
void device_put_pairing(Text *out, const Registry *registry);

// What engineers decide.

void device_put_pairing_time(Server *server, const Request *request, Reply *reply);
void device_patch(Server *server, const Request *request, Reply *reply);
void device_forget(Server *server, const Request *request, Reply *reply);
void device_claim(Server *server, const Request *request, Reply *reply);
void device_disable(Server *server, const Request *request, Reply *reply);
void device_enable(Server *server, const Request *request, Reply *reply);
void device_replace(Server *server, const Request *request, Reply *reply);
void device_desire(Server *server, const Request *request, Reply *reply);
