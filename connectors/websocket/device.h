/* device.h -- the other end: a device that comes to a Pollux over WebSocket, as `pollux emulate` does.
 *
 * Keeps every sample until the engine has answered that it is stored; reconnects with capped exponential back-off and jitter, provides
 * anew and sends again what had no answer. Bounded: at most DEVICE_WAITING_MAX samples without an answer, then device_send says ERR_FULL.
 *
 * A device may keep a log beside that (DeviceDef.log): what it measured while there was no connection, for hours if need be. When it is back, and the
 * plant lives by the time of day, what is older than DEVICE_LIVE_S goes there too. The log is sent marked as historical, behind what is live.
 *
 * Whose tags the plant does not have waits to be claimed (DeviceState.unclaimed): what it sends meanwhile is not used. It has a twin: it is told how it is to
 * be set (DeviceDef.config), and says how it is (device_report), anew with every connection.
 *
 * Takes: a URL, what it provides.  Gives: samples to the engine, commands from it.
 * Threads: one; device_service does the work. */
#pragma once

#include "signal/signals.h"

enum { DEVICE_WAITING_MAX = 65536, DEVICE_LIVE_S = 5 };

typedef struct Device Device;

typedef struct DeviceDef {
    const char *url;   // ws://localhost:8080, or wss:// (a path is added where there is none)
    const char *token; // that lets it in; NULL: it shows none
    const char *ca;    // wss: a PEM file of authorities, or of the engine's own certificate; NULL: those of this machine
    const char *certificate, *key;  // wss: PEM files of its own certificate; NULL: it shows none
    const char *name;
    const WireTag *tags;  // names, or `cell_*.voltmeter` (tag_is_meant)
    size_t tag_count;
    const char *const *actuators;
    size_t actuator_count;
    size_t log;  // samples, 56 bytes each; when they are more the oldest are lost (DeviceState.lost). 0: no log
    bool bulk;   // speak pollux.v1.bin: samples go as records
    /// A command came; the answer is 200 when it returns NULL, otherwise 409 with that text. The same id is delivered once.
    const char *(*command)(void *self, uint64_t id, const char *tag, double value, const char *reason);
    /// How it is to be set: the members that it has reported otherwise, an object, valid during the call. What it does about it, it reports. NULL:
    /// it cannot be set.
    void (*config)(void *self, const json_t *delta);
    /// Something worth telling a person: connected, lost, refused, and what the engine said.
    void (*notice)(void *self, const char *text);
    void *self;
} DeviceDef;

typedef struct DeviceState {
    bool connected;   // and the engine has taken what it provides
    bool unclaimed;   // it has not taken it, but waits for somebody to claim the device
    bool refused;     // the engine refused what it provides, or lets it in no more: it will not be tried again
    double speed, step;
    int64_t from;     // plant time of the engine at the start, TIME_NONE
    uint64_t sent, stored, rejected, commands;
    size_t waiting;   // samples without an answer, those of the log among them
    size_t logged;    // of these, in the log
    uint64_t late, duplicate, future;  // what the engine did not use
    uint64_t lost;    // for which the log had no room
} DeviceState;

Err device_open(const DeviceDef *def, Device **out, ErrText *why);
/// Leave at once; what has no answer is lost to the caller (see device_state first).
void device_close(Device *device);
/// Do what is to do on the socket, waiting at most `wait_ns`.
void device_service(Device *device, int64_t wait_ns);
/// Lose the connection, and do not come back before this is taken back: for trying what happens then.
void device_cut(Device *device, bool cut);
/// Queue samples (names and values in the units of `tags`): they go out in device_service, in messages of what has gathered.
Err device_send(Device *device, const WireSample *samples, size_t count);
/// Our time has come to `time`, after all samples that were queued.
void device_send_time(Device *device, int64_t time);
/// A merge patch of what it says of itself. ERR_MEMORY.
Err device_report(Device *device, const json_t *patch);
DeviceState device_state(const Device *device);
