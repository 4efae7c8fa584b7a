/* merge.h -- JSON documents that are told apart and brought together: RFC 7396 merge patches.
 *
 * A patch has the members that change: null takes one away, an object is merged into the object that is there, and everything else takes its place.
 *
 * Takes: jansson's trees.  Gives: new trees, the caller's to let go; what is given is never changed.  Threads: any, one at a time per tree. */
#pragma once

#include <jansson.h>

#include "base/base.h"

/// `target` (NULL: nothing) with `patch` applied. NULL: no memory.
json_t *merge_patch(const json_t *target, const json_t *patch);
/// The members of the object `wished` that the object `is` has not, or has otherwise: the patch that brings them there.
/// Numbers are compared by their value, 2 is 2.0.
json_t *merge_delta(const json_t *wished, const json_t *is);
/// Whether both say the same.
bool merge_is_same(const json_t *a, const json_t *b);
/// How deep objects and arrays stand inside each other: 0 for a number, 1 for {}.
int merge_depth(const json_t *json);
/// Add it to a text, in one line.
void merge_write(Text *out, const json_t *json);
