/* search.h -- finding an asset by some letters of its name.
 *
 * Words are looked for in any order and any case, in names and models. Who begins with the first of them comes first, then who has it at the beginning of a
 * part of its name, then who has it anywhere; among equals shorter names come first, then the order of the plant.
 *
 * Takes: a World.  Gives: assets.  Memory: the caller's. */
#pragma once

#include "view/world.h"

enum { SEARCH_HITS_MAX = 12, SEARCH_TEXT = 64 };

typedef struct SearchHits {
    uint32_t assets[SEARCH_HITS_MAX];  // best first
    size_t count;
    size_t total;  // that fit
} SearchHits;

/// How well `name` of a `model` fits: above 0, or 0 when a word of `text` is in neither. Everything fits an empty text.
int search_fit(const char *text, const char *name, const char *model);
SearchHits search_find(const World *world, const char *text);
