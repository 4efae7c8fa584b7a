/* guard.h -- who may speak with the server at all, before anything is looked up.
 *
 * Pollux is spoken with from its own machine only, and pages of other sites must not speak with it: a Host that is no loopback name is
 * somebody's name that was bent to this address (DNS rebinding), an Origin that is not ours is another page. Any port is admitted in
 * Host, because a tunnel or a proxy on this machine may have another than ours. */
#pragma once

#include <libwebsockets.h>

#include "server/http.h"

/// Whether a request may come in: `*caller` is who asks. Otherwise a refusal is in `reply`.
bool guard_admit(struct lws *wsi, Caller *caller, Reply *reply);
/// Address and port of the other side.
void guard_peer(struct lws *wsi, char *out, size_t room);
