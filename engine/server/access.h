/* access.h -- who asks, and what they may do.
 *
 * Whoever comes shows a token, the cookie of a login, or a certificate; the access file says whom that stands for. It is looked at again once a second, so that
 * what changes in it counts at once: whoever came by a key that is another now, or none, is told to go (access_still_admits). A version of it that is wrong is
 * refused, and the one before goes on.
 *
 * Where no access is asked for (no Access at all) everybody is the machine's own people: an admin without a name.
 *
 * Takes: the access file, what requests show.  Gives: Callers.  Threads: the service thread's. */
#pragma once

#include "server/certificate.h"
#include "server/logins.h"
#include "server/role.h"
#include "server/throttle.h"
#include "server/verifier.h"

typedef struct Caller {
    char name[48];      // "" where nobody has to say it, or nobody is known
    char peer[64];      // address and port
    Role role;
    bool known;         // he may do something, if only as a device
    bool stranger;      // he shows nothing, or a certificate that nobody knows: a device that is to be claimed comes so
    KeyKind kind;       // of the key that he came by
    uint64_t stamp;     // of that key; 0: there is none
    uint64_t login;     // 0: he has not logged in
    const char *doubt;  // NULL, or why what he shows does not count
    bool forged;        // it may be that a page of another site asks in the name of who is logged in
} Caller;

/// Who does something, as it is recorded: a name, or where nobody has to say it "person:" and an address.
void caller_sign(const Caller *caller, char *out, size_t room);

/// What a request shows; NULL what it does not.
typedef struct Showing {
    const char *token, *cookie, *csrf;
    bool changes;  // it is no GET or HEAD: then a cookie is not enough
    const CertificateId *certificate;
} Showing;

typedef struct Access {
    char *path;
    Keyring *keyring;
    Logins logins;
    Throttle throttle;
    Verifier *verifier;
    uint64_t version;    // of the file: what it looked like
} Access;

/// `wake(self)` when a password has been looked at. ERR_IO, ERR_PARSE: the access file is not there, or wrong.
Err access_open(const char *path, void (*wake)(void *self), void *self, Access **out, ErrText *why);
void access_close(Access *access);

/// Set all of `caller` but the peer. `access` may be NULL, none is asked for, and then `showing` too.
void access_identify(Access *access, const Showing *showing, Caller *caller);
/// Whether a caller of before would be the same now. Being asked counts as a use of a login.
bool access_still_admits(Access *access, const Caller *caller);
/// The key that a caller came by, NULL when it is another now or there is none.
const Key *access_key(const Access *access, const Caller *caller);
/// Whether somebody may be a device at all.
bool access_is_device(const Access *access, const Caller *caller);
/// Whether he came by the credential of a claimed device.
bool access_is_enrolled(const Access *access, const Caller *caller);
/// Whether somebody may send samples of a tag, or be its actuator.
bool access_may_provide(const Access *access, const Caller *caller, const char *tag);
bool access_may_actuate(const Access *access, const Caller *caller, const char *tag);

/// Look whether the file has changed. True: it has, and counts now.
bool access_look(Access *access);
/// At least one user, token or certificate is let in.
bool access_lets_somebody_in(const Access *access);
