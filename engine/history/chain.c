#include "history/chain.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

_Static_assert(AUDIT_HASH == crypto_generichash_BYTES, "BLAKE2b-256");

static void add_number(crypto_generichash_state *state, uint64_t number)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    crypto_generichash_update(state, bytes, sizeof bytes);
}

void chain_hash(const unsigned char before[AUDIT_HASH], const ChainLink *link, unsigned char out[AUDIT_HASH])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, AUDIT_HASH);
    crypto_generichash_update(&state, before, AUDIT_HASH);
    add_number(&state, link->seq);
    add_number(&state, (uint64_t)link->time);
    add_number(&state, (uint64_t)link->outcome);
    for (size_t i = 0; i < CHAIN_TEXTS; i++) {
        add_number(&state, link->texts[i].length);
        crypto_generichash_update(&state, link->texts[i].bytes, link->texts[i].length);
    }
    crypto_generichash_final(&state, out, AUDIT_HASH);
}

void chain_add(Chain *chain, AuditEntry *entry)
{
    const char *const texts[CHAIN_TEXTS] = {entry->who, entry->role, entry->peer, entry->action, entry->target, entry->detail};
    entry->seq = ++chain->seq;
    ChainLink link = {.seq = entry->seq, .time = entry->time, .outcome = (int64_t)entry->outcome};
    for (size_t i = 0; i < CHAIN_TEXTS; i++)
        link.texts[i] = (ChainText){texts[i], strlen(texts[i])};
    chain_hash(chain->head, &link, entry->hash);
    memcpy(chain->head, entry->hash, AUDIT_HASH);
}
