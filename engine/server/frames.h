/* frames.h -- what those who watch are told, as JSON: docs/protocol.md, "An observer".
 *
 * Numbers leave here in the unit of their channel, standard deviations and innovations in its scale.
 * Each function adds one JSON value (or a whole frame) to `out`. */
#pragma once

#include "server/feed.h"
#include "server/journal.h"

void frame_alarm(Text *out, const Alarm *alarm, const char *twin);
void frame_command(Text *out, const Command *command, const TagTable *tags);
/// An entry of the audit trail.
void frame_audit(Text *out, const AuditEntry *entry);
/// A time, or null for TIME_NONE.
void frame_time(Text *out, int64_t time);

/// The `value` of a snapshot: its twins are those that are shown in `state`, of `feed` (NULL: the whole plant) those that it picks from, with these channels.
void frame_snapshot(Text *out, const Plant *plant, const State *state, const Journal *journal, const Feed *feed);

/// What goes into one tick frame: all that has changed since revision `after`, of the feed's tags.
typedef struct TickFrame {
    const Plant *plant;
    const States *states;
    const State *state;
    const Picture *picture;  // of `state`
    const Feed *feed;
    uint64_t after;
    const char *alarms, *commands;  // objects, with commas between them; NULL for none
} TickFrame;
/// The `value` of a tick frame.
void frame_tick(Text *out, const TickFrame *frame);
/// The same for who cannot follow, or must wait: alarms and commands alone.
void frame_changes(Text *out, const TickFrame *frame);
/// The one tag of a feed, as frame_leaf_of writes it.
void frame_leaf(Text *out, const TickFrame *frame);

/// Modes, what is held at its fail-safe value, and whether commands leave the gate; of the actuators that `feed` concerns (NULL: all).
void frame_gate(Text *out, const Plant *plant, const State *state, const Feed *feed);

/// Why the newest version of the script was refused, or null.
void frame_refusal(Text *out, const State *state);

/// `[value, sd]` or `[value, null, time, quality]`.
void frame_reading(Text *out, const Plant *plant, TagId tag, const Reading *reading);
/// The object of one leaf, with all that is known of its value; `reading` is its own, with NaN before the first tick.
void frame_leaf_of(Text *out, const Plant *plant, const State *state, TagId tag, const Reading *reading);
/// What became of the programs of all models.
void frame_codegen(Text *out);
/// Which parts of the plant's own script can act in its forecasts.
void frame_acts(Text *out, const Plant *plant);
void frame_connection(Text *out, const ServerConnection *connection);
/// "measured", "estimated" or "set".
const char *frame_source(const Plant *plant, TagId tag, const Reading *reading);
