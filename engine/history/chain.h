/* chain.h -- the hash of an audit entry: BLAKE2b-256 over the hash before it and the entry's canonical bytes.
 *
 * Those are seq, time and outcome, and of each text its length, as 8 bytes little-endian, with the text behind its length; in the order of ChainLink. Hashed is what
 * lies in the file, whole, and not a copy that was cut. */
#pragma once

#include "history/audit.h"

enum { CHAIN_TEXTS = 6 };

typedef struct ChainText {
    const void *bytes;
    size_t length;
} ChainText;

typedef struct ChainLink {
    uint64_t seq;
    int64_t time, outcome;
    ChainText texts[CHAIN_TEXTS];  // who, role, peer, action, target, detail
} ChainLink;

/// The end of a chain.
typedef struct Chain {
    uint64_t seq;
    unsigned char head[AUDIT_HASH];
} Chain;

/// The hash that belongs behind `before`.
void chain_hash(const unsigned char before[AUDIT_HASH], const ChainLink *link, unsigned char out[AUDIT_HASH]);
/// Give the entry the next number and its hash.
void chain_add(Chain *chain, AuditEntry *entry);
