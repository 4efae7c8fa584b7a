/* show.c -- a show walks the feeds, and each feed its viewers.
 *
 * Frames are made since a revision. All viewers of a feed that keep up have the same one, so they share a frame; those who come, or come back, or
 * could not keep up, have another, and share theirs too. */
#include "server/show.h"

#include <inttypes.h>
#include <string.h>

#include "server/inside.h"

Err show_init(Show *show, const States *states)
{
    const Err err = picture_init(&show->picture, states);
    show->told = show->picture.revision;
    return err;
}

void show_fini(Show *show)
{
    picture_fini(&show->picture);
    recent_fini(&show->recent);
    text_fini(&show->text);
    text_fini(&show->alarms);
    text_fini(&show->commands);
}

void show_follow(Show *show, States *states, Picture *picture)
{
    picture_follow(picture, &show->picture);
    picture_fini(&show->picture);
    show->picture = *picture;
    feeds_follow(&show->feeds, states, &show->picture);
}

// Frames of each form.

static bool is_socket(const Feed *feed)
{
    return feed->wish.form == FEED_JSON;
}

/* The plant, its values, alarms and commands, and not one kind of these alone. */
static bool is_told_all(const Feed *feed)
{
    return feed->wish.form == FEED_JSON || feed->wish.form == FEED_EVENTS;
}

/* `revision`: up to which whoever gets the frame knows all then; 0 for a frame that is not all there is. A leaf has events of one kind, without a name. */
static void begin_frame(const Feed *feed, Text *out, const char *name, uint64_t revision)
{
    if (is_socket(feed)) {
        text_format(out, "{\"topic\":\"%s\",\"value\":", name);
        return;
    }
    if (feed->wish.form == FEED_EVENTS)
        text_format(out, "event: %s\n", name);
    if (revision)
        text_format(out, "id: %" PRIu64 "\n", revision);
    text_put(out, "data: ");
}

static Chunk *make_chunk(const Feed *feed, const Text *out)
{
    if (out->failed || !out->length)
        return NULL;
    return is_socket(feed) ? chunk_frame(out->bytes, out->length, false) : chunk_make(out->bytes, out->length);
}

static void end_frame(const Feed *feed, Text *out)
{
    text_put(out, is_socket(feed) ? "}" : "\n\n");
}

static Chunk *make_snapshot(Server *server, const Feed *feed)
{
    Text *out = &server->show.text;
    text_clear(out);
    begin_frame(feed, out, "snapshot", 0);
    frame_snapshot(out, server->plant, states_shown(&server->states), &server->journal, feed);
    end_frame(feed, out);
    return make_chunk(feed, out);
}

/* Alarms and commands are events of their own, in front of the one whose id says that they were told. */
static void put_changes(Text *out, const TickFrame *content)
{
    text_put(out, content->alarms ? content->alarms : "");
    text_put(out, content->commands ? content->commands : "");
}

static Chunk *make_tick(Server *server, const Feed *feed, const TickFrame *content)
{
    Text *out = &server->show.text;
    TickFrame tick = *content;
    text_clear(out);
    if (!is_socket(feed)) {
        put_changes(out, content);
        tick.alarms = tick.commands = NULL;
    }
    begin_frame(feed, out, "tick", server->show.picture.revision);
    out->times = feed->wish.times;
    if (feed->wish.form == FEED_LEAF)
        frame_leaf(out, &tick);
    else
        frame_tick(out, &tick);
    out->times = TEXT_TIMES_NS;
    end_frame(feed, out);
    return make_chunk(feed, out);
}

static Chunk *make_changes(Server *server, const Feed *feed, const TickFrame *content)
{
    Text *out = &server->show.text;
    text_clear(out);
    if (!is_socket(feed)) {
        put_changes(out, content);
        return make_chunk(feed, out);
    }
    begin_frame(feed, out, "tick", 0);
    frame_changes(out, content);
    end_frame(feed, out);
    return make_chunk(feed, out);
}

static Chunk *find_made(const Feed *feed, uint64_t after)
{
    for (size_t i = 0; i < feed->made_count; i++)
        if (feed->made[i].after == after)
            return feed->made[i].chunk;
    return NULL;
}

/* The frame with all since `content->after`, once for all who need it; where there are too many kinds of them, all there is. A view. */
static Chunk *get_tick(Server *server, Feed *feed, TickFrame *content)
{
    Chunk *chunk = find_made(feed, content->after);
    if (!chunk && feed->made_count >= FEED_MADE_MAX - 1) {
        content->after = 0;
        chunk = find_made(feed, 0);
    }
    if (chunk || feed->made_count == FEED_MADE_MAX || (!is_told_all(feed) && feed->pick_count == 0))
        return chunk;
    chunk = make_tick(server, feed, content);
    if (chunk)
        feed->made[feed->made_count++] = (FeedFrame){content->after, chunk};
    return chunk;
}

// Who views what.

static void viewer_link(Viewer *viewer, Feed *feed)
{
    viewer->feed = feed;
    viewer->next = feed->viewers;
    viewer->at = &feed->viewers;
    if (viewer->next)
        viewer->next->at = &viewer->next;
    feed->viewers = viewer;
    feed->viewer_count++;
    feed->some_behind = true;
}

static void push_snapshot(Server *server, Viewer *viewer)
{
    Feed *feed = viewer->feed;
    if (!is_told_all(feed))
        return;
    if (!feed->snapshot)
        feed->snapshot = make_snapshot(server, feed);
    viewer->push(viewer, feed->snapshot);
}

static bool concerns(const void *self, uint32_t twin)
{
    const Server *server = ((const void *const *)self)[0];
    return feed_concerns(((const void *const *)self)[1], server->plant->twins[twin].name);
}

static const RecentForm listed = {"", "", ","};
static const RecentForm bare_events = {"data: ", "\n\n", ""};
static const RecentForm alarm_events = {"event: alarm\ndata: ", "\n\n", ""};
static const RecentForm command_events = {"event: command\ndata: ", "\n\n", ""};

/* The alarms and commands since `after` that concern a feed; false when there are none. */
static bool gather_changes(Server *server, const Feed *feed, uint64_t after, TickFrame *content)
{
    Show *show = &server->show;
    const void *const who[] = {server, feed};
    text_clear(&show->alarms);
    text_clear(&show->commands);
    if (feed->wish.form == FEED_ALARMS)
        recent_write(&show->recent, RECENT_ALARM, after, concerns, who, bare_events, &show->alarms);
    if (is_told_all(feed)) {
        recent_write(&show->recent, RECENT_ALARM, after, concerns, who, is_socket(feed) ? listed : alarm_events, &show->alarms);
        recent_write(&show->recent, RECENT_COMMAND, after, concerns, who, is_socket(feed) ? listed : command_events, &show->commands);
    }
    content->alarms = show->alarms.length ? show->alarms.bytes : NULL;
    content->commands = show->commands.length ? show->commands.bytes : NULL;
    return content->alarms || content->commands;
}

static TickFrame frame_for(Server *server, const Feed *feed, const State *state)
{
    return (TickFrame){.plant = server->plant, .states = &server->states, .state = state, .picture = &server->show.picture, .feed = feed};
}

/* What was missed of alarms and commands comes at once; values with the next show. */
static void push_missed(Server *server, Viewer *viewer, uint64_t after)
{
    TickFrame content = frame_for(server, viewer->feed, states_shown(&server->states));
    if (!gather_changes(server, viewer->feed, after, &content))
        return;
    Chunk *chunk = make_changes(server, viewer->feed, &content);
    viewer->push(viewer, chunk);
    chunk_drop(chunk);
}

Err show_join(Server *server, Viewer *viewer, const Wish *wish, uint64_t after, Subscription *out)
{
    Show *show = &server->show;
    Feed *feed = feeds_get(&show->feeds, wish, &server->states, &show->picture);
    if (!feed)
        return ERR_MEMORY;
    if (viewer->feed != feed) {
        show_leave(server, viewer);
        viewer_link(viewer, feed);
    }
    const bool resumed = after >= show->picture.since && after >= show->recent.since && after <= show->picture.revision;
    *out = (Subscription){.revision = show->picture.revision, .after = after, .resumed = resumed, .tags = feed->pick_count};
    viewer->revision = resumed ? feed_resume(feed, after) : 0;
    feed->some_behind = true;
    return ERR_OK;
}

void show_begin(Server *server, Viewer *viewer, const Subscription *subscription)
{
    if (subscription->resumed)
        push_missed(server, viewer, subscription->after);
    else
        push_snapshot(server, viewer);
    server__show(server);
}

size_t show_viewer_count(const Show *show)
{
    size_t count = 0;
    for (const Feed *feed = show->feeds.first; feed; feed = feed->next)
        count += feed->viewer_count;
    return count;
}

bool viewer_is_behind(const Viewer *viewer)
{
    return viewer->feed && viewer->revision != viewer->feed->revision;
}

void show_leave(Server *server, Viewer *viewer)
{
    Feed *feed = viewer->feed;
    if (!feed)
        return;
    *viewer->at = viewer->next;
    if (viewer->next)
        viewer->next->at = viewer->at;
    viewer->feed = NULL;
    if (--feed->viewer_count == 0)
        feeds_drop(&server->show.feeds, feed);
}

// Showing.

static int64_t now_ns(void)
{
    return clock_system.elapsed_ns(clock_system.self);
}

/* One viewer gets what it misses; who is slow gets alarms and commands alone. */
static void tell(Server *server, Feed *feed, Viewer *viewer, TickFrame *content, Chunk **changes)
{
    content->after = viewer->revision;
    Chunk *frame = get_tick(server, feed, content);
    if (frame && viewer->offer(viewer, frame)) {
        viewer->revision = feed->revision;
        return;
    }
    feed->some_behind = true;
    server->counters.skipped++;
    if (!content->alarms && !content->commands)
        return;
    if (!*changes)
        *changes = make_changes(server, feed, content);
    viewer->push(viewer, *changes);
}

static void tell_all(Server *server, Feed *feed, TickFrame *content, bool news)
{
    Show *show = &server->show;
    Chunk *changes = NULL;
    const uint64_t before = feed->revision;
    feed->some_behind = false;
    if (news) {
        content->after = before;
        get_tick(server, feed, content);  // first: most need this one
        feed->revision = show->picture.revision;
    }
    for (Viewer *viewer = feed->viewers; viewer; viewer = viewer->next)
        if (news || viewer->revision != before)
            tell(server, feed, viewer, content, &changes);
    chunk_drop(changes);
}

/* The values must wait, but alarms and commands do not. */
static void tell_changes(Server *server, Feed *feed, const TickFrame *content)
{
    Chunk *changes = make_changes(server, feed, content);
    for (Viewer *viewer = feed->viewers; viewer; viewer = viewer->next)
        viewer->push(viewer, changes);
    chunk_drop(changes);
}

/* Returns how long its values must still wait, 0 when they do not. */
static int64_t show_feed(Server *server, Feed *feed, const State *state, bool fresh)
{
    const Picture *picture = &server->show.picture;
    TickFrame content = frame_for(server, feed, state);
    const bool changed = gather_changes(server, feed, server->show.told, &content);
    feed->owed |= fresh;
    const int64_t now = now_ns(), wait = feed->pause_ns && feed->owed ? feed->shown_at + feed->pause_ns - now : 0;
    bool news = false;
    if (wait <= 0) {
        feed_take(feed, server->plant, picture);
        news = changed || (feed->owed && (!feed->wish.on_change || feed_has_changed(feed, picture, feed->revision)));
        feed->shown_at = news && feed->owed ? now : feed->shown_at;
        feed->owed = false;
    } else if (changed) {
        tell_changes(server, feed, &content);
        content.alarms = content.commands = NULL;
    }
    if (news || feed->some_behind)
        tell_all(server, feed, &content, news);
    feed_forget_made(feed);
    return wait > 0 ? wait : 0;
}

void show_catch_up(Server *server)
{
    Show *show = &server->show;
    const State *state = states_newest(&server->states);
    if (state->sequence == 0)
        return;
    const bool fresh = state->sequence != show->picture.state.sequence;
    if (fresh && !picture_take(&show->picture, &server->states, state)) {
        feeds_follow(&show->feeds, &server->states, &show->picture);
        show->anew = true;
    }
    show->fresh |= fresh;
    if (!journal_waits(&server->journal))
        return;
    if (!fresh)
        picture_advance(&show->picture);
    show->anew |= journal_take(&server->journal, &show->recent, show->picture.revision, show->told);
}

static void push_snapshots(Server *server)
{
    for (Feed *feed = server->show.feeds.first; feed; feed = feed->next) {
        feed_forget_made(feed);
        feed->some_behind = true;
        for (Viewer *viewer = feed->viewers; viewer; viewer = viewer->next) {
            viewer->revision = 0;
            push_snapshot(server, viewer);
        }
    }
}

static void on_rated(uv_timer_t *timer)
{
    server__show(timer->data);
}

static void show_now(Server *server)
{
    Show *show = &server->show;
    show_catch_up(server);
    const State *state = states_shown(&server->states);
    if (state->sequence == 0)
        return;
    if (show->anew)
        push_snapshots(server);

    int64_t wait = INT64_MAX;
    for (Feed *feed = show->feeds.first; feed; feed = feed->next) {
        const int64_t left = show_feed(server, feed, state, show->fresh);
        wait = left > 0 && left < wait ? left : wait;
    }
    show->told = show->picture.revision;
    show->fresh = show->anew = false;
    if (wait < INT64_MAX)
        uv_timer_start(&server->rate_timer, on_rated, (uint64_t)(wait / NS_PER_MS + 1), 0);
}

static void on_frame_timer(uv_timer_t *timer)
{
    Server *server = timer->data;
    server->frame_owed = false;
    server->frame_at = now_ns();
    show_now(server);
}

void server__show(Server *server)
{
    if (server->frame_owed)
        return;
    const int64_t wait = server->frame_at + server->frame_ns - now_ns();
    server->frame_owed = true;
    if (wait <= 0)
        on_frame_timer(&server->frame_timer);
    else
        uv_timer_start(&server->frame_timer, on_frame_timer, (uint64_t)(wait / NS_PER_MS + 1), 0);
}
