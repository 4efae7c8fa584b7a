/* guard.h -- who may speak with the server at all, and who it is, before anything is looked up.
 *
 * Pages of other sites must not speak with a plant: a Host that is no name of ours is somebody's name that was bent to this address (DNS rebinding), an Origin
 * that is not ours is another page. Names of ours are those of the loopback, those that the server was told or its certificate is made out to, and the very
 * address that was connected to, which no name server can bend. Any port is admitted in Host, because a tunnel or a proxy may have another than ours. */
#pragma once

#include <libwebsockets.h>

#include "server/http.h"

/// Whether a request may come in: `*caller` is who asks, nobody included. Otherwise a refusal is in `reply`.
bool guard_admit(Server *server, struct lws *wsi, Caller *caller, Reply *reply);
/// Whether the caller has a right. Otherwise a refusal is in `reply`: 401 when it is not known who that is, 403 when he may not.
bool guard_permit(const Caller *caller, Right right, Reply *reply);
/// Whether somebody may open a WebSocket: who is known, and strangers while devices are being paired.
bool guard_knows(const Server *server, const Caller *caller);
/// Address and port of the other side.
void guard_peer(struct lws *wsi, char *out, size_t room);
