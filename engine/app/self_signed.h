/* self_signed.h -- a key and a certificate that vouches for itself, so that TLS can be tried at once. */
#pragma once

#include "base/base.h"

/// Write FOLDER/pollux.key (mode 0600) and FOLDER/pollux.pem: P-256, a year, made out to localhost, 127.0.0.1, ::1 and `names`, which are hosts or
/// addresses. ERR_IO: nothing is overwritten; ERR_RANGE: a name is none.
Err self_signed_write(const char *folder, const char *const *names, size_t count, ErrText *why);
