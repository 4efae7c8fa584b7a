/* far.h -- a plant that runs elsewhere: the source of `pollux view https://plant.example.org:8080`.
 *
 * Threads: the window's. */
#pragma once

#include "view/world.h"

typedef struct FarDef {
    const char *url;
    const char *token_file;  // NULL: POLLUX_TOKEN, where it is set
    const char *user;        // who logs in, with a password that is asked for; NULL: nobody
    const char *ca;          // a PEM file; NULL: the authorities of this machine
} FarDef;

Err far_open(const FarDef *def, Source *out, ErrText *why);
/// Whether what somebody typed is the address of a server, and not a plant script: it has a scheme, or a port, and is no file.
bool far_is_meant(const char *source);
