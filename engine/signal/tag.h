/* tag.h -- the names of values, `asset.channel`, as numbers.
 *
 * A plant makes its table once; connectors look names up in it and carry numbers from then on. What a device may send in
 * which unit and which tags are actuators stands here too, so that a connector can refuse at the door.
 *
 * Threads: build on one; read on any afterwards. Memory: the table's own. */
#pragma once

#include "signal/sample.h"
#include "signal/unit.h"

typedef enum TagRole {
    TAG_NOT_BOUND,  // a value of the twin that nothing outside may write
    TAG_SAMPLED,    // sensors and inputs: samples come in
    TAG_ACTUATED,   // actuators: commands go out
} TagRole;

typedef struct Tag {
    const char *name;
    const Unit *unit;
    TagRole role;
} Tag;

typedef struct TagTable TagTable;

Err tags_create(TagTable **out);
void tags_destroy(TagTable *tags);
/// Add a tag (the name is copied). ERR_RANGE when the name is there already.
Err tags_add(TagTable *tags, const char *name, const Unit *unit, TagRole role, TagId *out);
/// TAG_NONE when there is no such name.
TagId tags_find(const TagTable *tags, const char *name);
const Tag *tags_get(const TagTable *tags, TagId id);
uint32_t tags_count(const TagTable *tags);
