/* tls.h -- TLS of the server: its certificate, and those that devices show.
 *
 * libwebsockets speaks TLS by OpenSSL; what is asked of OpenSSL itself stands here. Files are read beforehand, so that a wrong one gets an error that says what
 * is wrong with it. Another certificate in the file, as when it is renewed, is taken over without a restart.
 *
 * Takes: PEM files.  Gives: options for libwebsockets, names that the certificate stands for, CertificateIds of devices.  Threads: the service thread's. */
#pragma once

#include <libwebsockets.h>

#include "server/certificate.h"

typedef struct TlsDef {
    const char *certificate;  // the chain, our own first
    const char *key;
    const char *client_ca;    // whose certificates devices may show; NULL: nobody is asked for one
} TlsDef;

typedef struct Tls Tls;

Err tls_open(const TlsDef *def, Tls **out, ErrText *why);
/// NULL is fine. After libwebsockets has let go of it.
void tls_close(Tls *tls);
/// What libwebsockets is to do; what `info` points to lives as long as `tls`.
void tls_describe(Tls *tls, struct lws_context_creation_info *info);
/// libwebsockets' callbacks about TLS: 0 to go on.
int tls_on_event(Tls *tls, enum lws_callback_reasons reason, void *user, size_t length);
/// Take a renewed certificate over, from the next connection on. Where the files are wrong the one before goes on. NULL is fine.
void tls_look(Tls *tls);

/// Whether our certificate is made out to a host.
bool tls_is_named(const Tls *tls, const char *host);
/// The certificate that the other side shows, and that its authority vouches for; false when there is none.
bool tls_peer(struct lws *wsi, CertificateId *out);
