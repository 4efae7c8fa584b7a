#include "view/timeline.h"

#include <math.h>
#include <stdio.h>

#include "view/axis.h"
#include "view/panel.h"

static const float PAD = 12, BUTTON = 28;
static const double PLAY_FIRST = 10, NEAR_S = 1;  // s from the newest that still are live

double timeline_share(int64_t from, int64_t to, int64_t time)
{
    return to > from ? fmin(fmax((double)(time - from) / (double)(to - from), 0), 1) : 1;
}

int64_t timeline_time(int64_t from, int64_t to, double share)
{
    return from + (int64_t)((double)(to - from) * fmin(fmax(share, 0), 1));
}

static bool can_look_back(const World *world)
{
    return (world->can & WORLD_CAN_LOOK_BACK) && world->history_from != TIME_NONE && world->history_to > world->history_from;
}

void timeline_show(Timeline *timeline, View *view, WorldMode mode, int64_t time)
{
    const World *world = &view->world;
    if (mode == WORLD_PAST && !can_look_back(world))
        return;
    if (mode == WORLD_PAST && time > world->history_to)
        time = world->history_to;
    if (mode == WORLD_PAST && time < world->history_from)
        time = world->history_from;
    timeline->wish = mode;
    timeline->time = time;
    timeline->play = mode == WORLD_PAST ? timeline->play : 0;
    if (view->source.type->show)
        view->source.type->show(view->source.self, mode, time);
    view_touch(view);
}

void timeline_toggle(Timeline *timeline, View *view)
{
    timeline_show(timeline, view, timeline->wish == WORLD_LIVE ? WORLD_PAUSED : WORLD_LIVE, TIME_NONE);
}

void timeline_move(Timeline *timeline, View *view, double seconds)
{
    const World *world = &view->world;
    const int64_t from = timeline->wish == WORLD_PAST ? timeline->time : world->time, to = from + (int64_t)(seconds * 1e9);
    if (from == TIME_NONE)
        return;
    if (to >= world->history_to - (int64_t)(NEAR_S * 1e9))
        timeline_show(timeline, view, WORLD_LIVE, TIME_NONE);
    else
        timeline_show(timeline, view, WORLD_PAST, to);
}

bool timeline_step(Timeline *timeline, View *view, double seconds)
{
    if (timeline->wish != WORLD_PAST || timeline->play <= 0)
        return false;
    timeline_move(timeline, view, timeline->play * seconds);
    return true;
}

// Drawing.

static float draw_buttons(Timeline *timeline, Ui *ui, View *view, float x, float y)
{
    const bool live = timeline->wish == WORLD_LIVE;
    if (ui_button(ui, (Box){x, y, 56, BUTTON}, "Live", live ? UI_CHOSEN : UI_STRONG, NULL) && !live)
        timeline_show(timeline, view, WORLD_LIVE, TIME_NONE);
    x += 62;
    if (ui_button(ui, (Box){x, y, 56, BUTTON}, "Hold", timeline->wish == WORLD_PAUSED ? UI_CHOSEN : UI_PLAIN, NULL))
        timeline_toggle(timeline, view);
    x += 62;
    if (timeline->wish == WORLD_PAST && ui_button(ui, (Box){x, y, 72, BUTTON}, timeline->play > 0 ? "Stop" : "Play ×10", UI_PLAIN, NULL))
        timeline->play = timeline->play > 0 ? 0 : PLAY_FIRST;
    return timeline->wish == WORLD_PAST ? x + 78 : x;
}

/* Round times along it, and where alarms were raised. */
static void draw_marks(Ui *ui, const World *world, Box track)
{
    const float under = track.y + track.height + 2;
    const AxisMarks marks = axis_time_marks(world->history_from, world->history_to, 6);
    for (size_t i = 0; i < marks.count; i++) {
        const float x = track.x + (float)timeline_share(world->history_from, world->history_to, (int64_t)marks.at[i]) * track.width;
        AxisText text = axis_time((int64_t)marks.at[i], false);
        if (marks.step >= 60e9)
            text.text[5] = 0;
        const float width = canvas_text_width(ui->canvas, FACE_SMALL, text.text);
        canvas_box(ui->canvas, (Box){x, track.y + track.height, 1, 4}, 0, ui->theme->edge);
        if (x - width / 2 > track.x - 20 && x + width / 2 < track.x + track.width + 20)
            canvas_text(ui->canvas, x - width / 2, under, FACE_SMALL, ui->theme->muted, text.text);
    }
    for (uint32_t i = 0; i < world->alarm_count; i++) {
        const WorldAlarm *alarm = &world->alarms[i];
        if (alarm->raised < world->history_from || alarm->raised > world->history_to)
            continue;
        const float x = track.x + (float)timeline_share(world->history_from, world->history_to, alarm->raised) * track.width;
        canvas_box(ui->canvas, (Box){x - 1, track.y - 7, 3, 6}, 1, severity_ink(ui->theme, alarm->severity));
    }
}

static void draw_track(Timeline *timeline, Ui *ui, View *view, Box box)
{
    const World *world = &view->world;
    const Box track = {box.x, box.y + 9, box.width, 6};
    const int64_t shown = timeline->wish == WORLD_PAST ? timeline->time : world->time;
    const double share = timeline_share(world->history_from, world->history_to, shown);
    double wished = share;
    canvas_box(ui->canvas, track, 3, ui->theme->line);
    canvas_box(ui->canvas, (Box){track.x, track.y, (float)share * track.width, track.height}, 3, ui->theme->accent);
    draw_marks(ui, world, track);
    canvas_box(ui->canvas, (Box){track.x + (float)share * track.width - 7, track.y - 4, 14, 14}, 7, ui->theme->accent);

    const Box grip = {box.x - 7, box.y - 3, box.width + 14, 30};
    if (ui_drag(ui, grip, "scrubber", &wished)) {
        wished = fmin(fmax((double)(ui->x - track.x) / (double)track.width, 0), 1);
        const int64_t time = timeline_time(world->history_from, world->history_to, wished);
        timeline->play = 0;
        if (time != timeline->time || timeline->wish != WORLD_PAST)
            timeline_show(timeline, view, WORLD_PAST, time);
    } else if (box_holds(grip, ui->x, ui->y)) {
        ui_hint(ui, (Box){ui->x, grip.y, 1, grip.height},
                axis_time(timeline_time(world->history_from, world->history_to, (double)((ui->x - track.x) / track.width)), true).text);
    }
}

void timeline_draw(Timeline *timeline, Ui *ui, View *view, Box box)
{
    const World *world = &view->world;
    const uint64_t scope = ui_enter(ui, "timeline");
    ui_panel(ui, box);
    const float x = draw_buttons(timeline, ui, view, box.x + PAD, box.y + (box.height - BUTTON) / 2) + PAD;
    const char *why_not = world->source[0] && !(world->can & WORLD_CAN_LOOK_BACK) ? "there is no history to look back at" : "nothing has been recorded yet";
    if (can_look_back(world)) {
        char span[64];
        snprintf(span, sizeof span, "%s kept", axis_span((double)(world->history_to - world->history_from) / 1e9).text);
        const float width = canvas_text_width(ui->canvas, FACE_SMALL, span);
        ui_text(ui, box.x + box.width - PAD - width, box.y + 20, width + 1, FACE_SMALL, ui->theme->muted, span);
        draw_track(timeline, ui, view, (Box){x + 8, box.y + 11, box.x + box.width - 2 * PAD - width - x - 20, 30});
    } else {
        ui_text(ui, x + 8, box.y + 20, 400, FACE_SMALL, ui->theme->muted, why_not);
    }
    ui_leave(ui, scope);
}
