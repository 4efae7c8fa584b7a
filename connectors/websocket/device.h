/* device.h -- the other end: a device that comes to a Pollux over WebSocket, as `pollux emulate` does.
 *
 * Keeps every sample until the engine has answered that it is stored; reconnects with capped exponential back-off and jitter, provides
 * anew and sends again what had no answer. Bounded: at most DEVICE_WAITING_MAX samples without an answer, then device_send says ERR_FULL.
 *
 * Takes: a URL, what it provides.  Gives: samples to the engine, commands from it.
 * Threads: one; device_service does the work. */
#pragma once

#include "signal/signals.h"

enum { DEVICE_WAITING_MAX = 65536 };

typedef struct Device Device;

typedef struct DeviceDef {
    const char *url;   // ws://localhost:8080 (a path is added where there is none)
    const char *name;
    const WireTag *tags;  // names, or `cell_*.voltmeter` (tag_is_meant)
    size_t tag_count;
    const char *const *actuators;
    size_t actuator_count;
    bool bulk;  // speak pollux.v1.bin: samples go as records
    /// A command came; the answer is 200 when it returns NULL, otherwise 409 with that text. The same id is delivered once.
    const char *(*command)(void *self, uint64_t id, const char *tag, double value, const char *reason);
    /// Something worth telling a person: connected, lost, refused, and what the engine said.
    void (*notice)(void *self, const char *text);
    void *self;
} DeviceDef;

typedef struct DeviceState {
    bool connected;   // and the engine has taken what it provides
    bool refused;     // the engine refused what it provides: it will not be tried again
    double speed, step;
    int64_t from;     // plant time of the engine at the start, TIME_NONE
    uint64_t sent, stored, rejected, commands;
    size_t waiting;   // samples without an answer
} DeviceState;

Err device_open(const DeviceDef *def, Device **out, ErrText *why);
/// Leave at once; what has no answer is lost to the caller (see device_state first).
void device_close(Device *device);
/// Do what is to do on the socket, waiting at most `wait_ns`.
void device_service(Device *device, int64_t wait_ns);
/// Queue samples (names and values in the units of `tags`): they go out in device_service, in messages of what has gathered.
Err device_send(Device *device, const WireSample *samples, size_t count);
/// Our time has come to `time`, after all samples that were queued.
void device_send_time(Device *device, int64_t time);
DeviceState device_state(const Device *device);
