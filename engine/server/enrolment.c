#include "server/enrolment.h"

#include <string.h>

/* The key that a device of this name came by; NULL where there is none. */
static const Key *find_key(const Keyring *keyring, const char *name)
{
    const Key *token = keyring_find(keyring, KEY_TOKEN, name);
    const Key *key = token ? token : keyring_find(keyring, KEY_CERTIFICATE, name);
    return key && key->device ? key : NULL;
}

static Err remove_key(Keyring *keyring, const char *name, ErrText *why)
{
    const Key *key = find_key(keyring, name);
    return key ? keyring_remove(keyring, key->kind, key->name, why) : ERR_OK;
}

static Err begin(Keyring *keyring, void *context, ErrText *why)
{
    Enrolment *enrolment = context;
    Key key = {.kind = enrolment->fingerprint ? KEY_CERTIFICATE : KEY_TOKEN, .name = enrolment->name, .device = true, .expires = TIME_NONE};
    key.created = clock_system.utc_ns(clock_system.self) / NS_PER_S * NS_PER_S;
    Err err = remove_key(keyring, enrolment->instead_of, why);
    if (err)
        return err;
    if (enrolment->fingerprint) {
        key.hash = *enrolment->fingerprint;
        const Key *other = keyring_find_certificate(keyring, &key.hash, "");
        if (other)
            return err_set(why, ERR_RANGE, "this certificate is that of \"%s\" already", other->name);
    } else {
        token_make(enrolment->token);
        token_hash(enrolment->token, &key.hash);
    }
    return keyring_add(keyring, &key, why);
}

Err enrolment_begin(Access *access, Enrolment *enrolment, ErrText *why)
{
    enrolment->token[0] = 0;
    const Err err = keyring_change(access->path, begin, enrolment, why);
    if (err)
        secret_wipe(enrolment->token, sizeof enrolment->token);
    else
        access_look(access);
    return err;
}

static Err end(Keyring *keyring, void *name, ErrText *why)
{
    return remove_key(keyring, name, why);
}

Err enrolment_end(Access *access, const char *name, ErrText *why)
{
    if (!find_key(access->keyring, name))
        return ERR_OK;
    char copy[KEY_NAME_MAX + 1];
    memcpy(copy, name, strlen(name) + 1);
    const Err err = keyring_change(access->path, end, copy, why);
    if (!err)
        access_look(access);
    return err;
}
