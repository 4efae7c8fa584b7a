/* enrolment.h -- the credentials of claimed devices, in the access file: tokens that are made here and told once, and certificates that devices have.
 *
 * Such a key says who a device is and nothing else: what it may send and obey is what it is bound to (registry.h), so bindings change and the key stays.
 *
 * Takes: an Access, a name.  Gives: keys in its file.  Threads: the service thread; a write of a small file, as rarely as devices are claimed. */
#pragma once

#include "server/access.h"

typedef struct Enrolment {
    const char *name;        // of the key: the device's
    const char *instead_of;  // a key of a device that ends with it, "" for none
    const SecretHash *fingerprint;  // of its certificate; NULL: a token is made
    char token[TOKEN_ROOM];  // that which was made, to be told once and wiped; "" when none was
} Enrolment;

/// One key more, which counts at once. ERR_RANGE: the name is taken by somebody who is no device, or the certificate by somebody else.
Err enrolment_begin(Access *access, Enrolment *enrolment, ErrText *why);
/// The key of a device ends; one that is not there, or is nobody's of ours, stays as it is.
Err enrolment_end(Access *access, const char *name, ErrText *why);
