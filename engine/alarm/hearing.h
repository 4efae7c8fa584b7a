/* hearing.h -- which sample handlers hear a tag.
 *
 * Handlers are named by patterns, "tank1.radar", "cell_*.voltmeter", in which `*` stands for any letters, digits and underscores, or none.
 * A pattern is two independent halves, so a plant keeps a mask of patterns per twin and one per channel of a model: a sample is heard by the
 * patterns that are in both. A fleet costs 8 bytes a twin, and a sample two loads. A plant without patterns has nothing of this.
 *
 * Takes: a plant, patterns.  Gives: masks.  Memory: its own. */
#pragma once

#include "plant/plant.h"

enum { PATTERNS_MAX = 64 };

typedef struct Hearing {
    uint64_t *by_twin;        // patterns whose first half fits the twin, a bit each
    uint64_t *by_channel;     // patterns whose second half fits the channel, model after model
    uint32_t *first_channel;  // by block: where its model begins in by_channel
} Hearing;

/// Find who hears what. `*wrong` is the pattern that ERR_SCRIPT is about, which fits no tag that takes samples; `why` is then without its place.
Err hearing__init(Hearing *hearing, const Plant *plant, const char *const *patterns, size_t count, size_t *wrong, ErrText *why);
void hearing__fini(Hearing *hearing);
/// The patterns that hear a sample of `tag`, a bit each.
uint64_t hearing__of(const Hearing *hearing, const Plant *plant, TagId tag);
