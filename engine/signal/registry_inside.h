/* registry_inside.h -- what the files of the registry share: registry.c keeps the devices, registry_file.c brings them to the disk. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "signal/registry.h"

/* What brings versions to the disk, on a thread of its own. */
typedef struct Keeper {
    char *path;  // NULL: nothing is kept
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic uint64_t saved;

    // under the lock
    Text waiting;           // the newest that is to be written
    uint64_t waiting_version;  // of it, 0: none waits
    bool stopping;
    ErrText why;            // of the last attempt, "" when it went well
    void (*wake)(void *self);
    void *wake_self;
} Keeper;

struct Registry {
    Clock clock;
    RegistryEntry **entries;  // by when they were first seen
    size_t count, room;
    RegistryWatch watch;
    uint64_t last_session;

    bool open_door;
    int64_t pairing_until;  // elapsed time; TIME_NONE: it does not run
    double strangers_due;   // how many may come now
    int64_t strangers_at;   // elapsed time of that

    uint64_t version;  // from 1: 0 says that nothing waits
    bool untold;       // something has changed that is no decision
    int64_t write_at;  // elapsed time before which that is not written
    Keeper keeper;
};

/// An entry with nothing in it but its name; NULL: no memory, or no room.
RegistryEntry *registry__add(Registry *registry, const char *name);
/// Whether somebody has decided something about it.
bool registry__is_kept(const RegistryEntry *entry);

// registry_file.c

/// What is kept as a text, and back.
void registry__print(Text *out, const Registry *registry);
Err registry__read(Registry *registry, const char *text, size_t length, ErrText *why);
/// Read what is kept; a file that is not there holds nobody.
Err registry__load(Registry *registry, const char *path, ErrText *why);
Err keeper__open(Keeper *keeper, const char *path);
/// Writes what waits.
void keeper__close(Keeper *keeper);
/// Have the registry written as it is now.
void registry__write(Registry *registry);
