/* tag.h -- the names of values, `asset.channel`, as numbers.
 *
 * A table is a list of assets. A tag is one channel of one asset, and assets of one kind share their channels: a fleet costs a name per
 * asset and nothing per tag. Numbers are dealt out asset by asset, so a tag's place follows from its number; its name is put together when it is
 * asked for. A plant makes its table once; connectors look names up in it and carry numbers from then on. What a device may send in which unit and
 * which tags are actuators stands here too, so that a connector can refuse at the door.
 *
 * Threads: build on one; read on any afterwards. Memory: the table's own; the channels are borrowed. */
#pragma once

#include "signal/sample.h"
#include "signal/unit.h"

enum { TAG_NAME_ROOM = 104 };  // two names of 48, the dot, the 0, and some

typedef enum TagRole {
    TAG_NOT_BOUND,  // a value of the twin that nothing outside may write
    TAG_SAMPLED,    // sensors and inputs: samples come in
    TAG_ACTUATED,   // actuators: commands go out
} TagRole;

/// One channel of all assets of a kind.
typedef struct TagChannel {
    const char *name;
    const Unit *unit;
    TagRole role;
} TagChannel;

typedef struct Tag {
    const char *asset, *channel;
    const Unit *unit;
    TagRole role;
} Tag;

typedef struct TagPlace {
    uint32_t asset;  // in the order in which they were added
    uint16_t channel;
} TagPlace;

typedef struct TagName {
    char text[TAG_NAME_ROOM];
} TagName;

typedef struct TagTable TagTable;

Err tags_create(TagTable **out);
void tags_destroy(TagTable *tags);
/// Add an asset (its name is copied) with `count` channels, which stay the caller's and outlive the table. Its tags are numbered one behind the
/// other, the first is left in `first` (may be NULL). ERR_RANGE when the name is there already; ERR_FULL when there are no more numbers.
Err tags_add(TagTable *tags, const char *asset, const TagChannel *channels, uint16_t count, TagId *first);
/// This tag is TAG_NOT_BOUND, whatever its channel is: something inside feeds it.
Err tags_unbind(TagTable *tags, TagId id);

/// "asset.channel"; TAG_NONE when there is no such name.
TagId tags_find(const TagTable *tags, const char *name);
/// Whether a name, or a part of one, fits the first `length` letters of `pattern`, in which `*` stands for any letters.
bool tag_fits(const char *pattern, size_t length, const char *name);
/// Whether `wish` stands for the tag `name`: it is this name, or `cell_*.voltmeter`, a channel of all assets whose names begin so.
bool tag_is_meant(const char *wish, const char *name);
/// The number of an asset, -1 when there is none of this name.
int64_t tags_find_asset(const TagTable *tags, const char *asset);
/// A view of its asset and its channel.
Tag tags_get(const TagTable *tags, TagId id);
TagName tags_name(const TagTable *tags, TagId id);
TagPlace tags_place(const TagTable *tags, TagId id);
const char *tags_asset(const TagTable *tags, uint32_t asset);
uint32_t tags_count(const TagTable *tags);
