/* link.h -- one live conversation with a peer, as seen by those who do not own the socket.
 *
 * The server owns sockets and knows nothing of devices; the websocket connector speaks with devices and knows nothing of sockets.
 * A Link stands between them. Everything here happens on the server's service thread, except link_wake.
 *
 * A Link is valid from its first message until `closed` has returned; `closed` comes from the event loop, never from within `send` or `shut`. */
#pragma once

#include "signal/bulk.h"
#include "signal/wire.h"

typedef struct Link Link;

/// As whom a peer was let in.
typedef enum LinkStanding {
    LINK_FREE,      // it may what may_provide and may_actuate say
    LINK_ENROLLED,  // by a credential of a claimed device (registry.h): what that is bound to counts, and nothing else
    LINK_STRANGER,  // unknown: to be claimed, and for nothing else
} LinkStanding;

/// A client certificate, as far as it is shown.
typedef struct LinkCertificate {
    char fingerprint[65];  // SHA-256 of its DER form, in hexadecimal digits
    char subject[402];     // RFC 2253
} LinkCertificate;

struct Link {
    void (*send)(Link *link, const char *json, size_t length);  // queue one text frame (copied); a peer whose queue overflows is closed
    void (*send_bulk)(Link *link, const char *bytes, size_t length);  // the same for a binary frame; only where `bulk` ones came
    void (*hold)(Link *link, bool hold);                        // read no more of what the peer sends, or go on: it waits in the socket; again every few seconds, or the peer counts as gone
    void (*shut)(Link *link, const char *reason);               // close once what is queued has gone out
    bool (*may_provide)(const Link *link, const char *tag);     // whether the peer may send samples of a tag; NULL: of all
    bool (*may_actuate)(const Link *link, const char *tag);     // whether it may be an actuator; NULL: every one
    bool (*certificate)(const Link *link, LinkCertificate *out);  // that the peer showed; false: none. NULL: of nobody
    LinkStanding standing;
    char peer[64];                                              // "127.0.0.1:51234"
    char who[48];                                               // by which name it was let in, "" where nobody asks
    void *guest;                                                // the handler's own, NULL at first
};

/// Who answers the topics of devices.
typedef struct LinkHandler {
    void *self;
    /// A message with one of the device topics (wire_is_device_topic). Its memory is valid during the call.
    void (*message)(void *self, Link *link, const WireMessage *message);
    /// A binary frame of a pollux.v1.bin connection.
    void (*bulk)(void *self, Link *link, const BulkFrame *frame);
    /// A message could not be read: malformed frames count against whoever speaks with this link. The server has answered already.
    void (*malformed)(void *self, Link *link);
    void (*closed)(void *self, Link *link);
    /// On the service thread, some time after the handler asked by its `wake`, and at least every 100 ms.
    void (*woken)(void *self);
    /// Set by the server when the handler is mounted: asks for `woken`, from any thread.
    void (*wake)(void *server);
    void *server;
    /// Set by the server: samples that were taken just now, for those who want them as they come. On the service thread. NULL while nobody listens.
    void (*pass)(void *server, const Sample *samples, size_t count);
} LinkHandler;
