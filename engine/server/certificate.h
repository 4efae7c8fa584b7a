/* certificate.h -- what X.509 certificates say, by OpenSSL: a device's, by which it is known, and our own, which names this server.
 *
 * Takes: certificates.  Gives: fingerprints, subjects, and whether a name is meant.  Threads: one at a time per certificate. */
#pragma once

#include <openssl/x509.h>

#include "server/keyring.h"

typedef struct CertificateId {
    SecretHash fingerprint;             // SHA-256 of its DER form
    char subject[KEY_SUBJECT_MAX + 1];  // as in RFC 2253
} CertificateId;

/// False when its subject is too long, or there is no memory.
bool certificate_identify(const X509 *certificate, CertificateId *out);
/// The first certificate of a PEM file, to be freed by X509_free. ERR_IO, ERR_PARSE.
Err certificate_load(const char *path, X509 **out, ErrText *why);
/// Whether a certificate is made out to a host: a name, or an address without brackets.
bool certificate_names(X509 *certificate, const char *host);
