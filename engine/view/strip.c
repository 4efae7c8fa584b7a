#include "view/strip.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "view/axis.h"

enum { PAST_POINTS = 600, SPOTS = 1024, PATH_WIDTH = 2 };
static const double SPAN_FIRST = 900, SPAN_MIN = 30, SPAN_MAX = 7 * 86400, SIGMAS = 2;
static const int64_t AHEAD_PAUSE_NS = 5 * NS_PER_S;

void strip_init(Strip *strip)
{
    *strip = (Strip){.asset = WORLD_NOBODY, .channel = WORLD_NONE, .span = SPAN_FIRST};
}

// Points.

void strip_line_add(StripLine *line, const StripPoint *point)
{
    if (line->count > 0 && point->time <= strip_line_at(line, line->count - 1)->time)
        return;
    if (line->count == STRIP_POINTS)
        line->first = (line->first + 1) % STRIP_POINTS;
    else
        line->count++;
    line->points[(line->first + line->count - 1) % STRIP_POINTS] = *point;
}

const StripPoint *strip_line_find(const StripLine *line, int64_t time)
{
    size_t low = 0, high = line->count;  // the first that is later lies in [low, high]
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (strip_line_at(line, middle)->time <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? strip_line_at(line, low - 1) : NULL;
}

/* What history knows goes before what was added meanwhile. */
static void put_past(StripLine *line, const WorldSeries *series)
{
    static StripLine before;  // too large for a stack
    before = *line;
    line->first = line->count = 0;
    for (size_t i = 0; i < series->count; i++)
        strip_line_add(line, &(StripPoint){series->times[i], series->values[i], series->low[i], series->high[i]});
    for (size_t i = 0; i < before.count; i++)
        strip_line_add(line, strip_line_at(&before, i));
}

static void put_fan(StripFan *fan, const WorldSeries *series)
{
    fan->count = series->count < STRIP_FAN ? series->count : STRIP_FAN;
    for (size_t i = 0; i < fan->count; i++)
        fan->points[i] = (StripPoint){series->times[i], series->values[i], series->low[i], series->high[i]};
}

// What is shown.

void strip_forget(Strip *strip)
{
    strip->estimated.count = strip->measured.count = 0;
    strip->past_tickets[0] = strip->past_tickets[1] = 0;
    strip->stale = true;
}

void strip_show(Strip *strip, int64_t asset, uint16_t channel)
{
    if (strip->asset == asset && strip->channel == channel)
        return;
    strip->asset = asset;
    strip->channel = channel;
    strip->ahead.count = strip->whatif.count = 0;
    strip->ahead_ticket = 0;
    strip->ahead_at = 0;
    strip->trouble[0] = 0;
    strip_forget(strip);
}

static const WorldChannel *channel_of(const Strip *strip, const World *world)
{
    return &world_model(world, (uint32_t)strip->asset)->channels[strip->channel];
}

static void ask_past(Strip *strip, View *view)
{
    const World *world = &view->world;
    const SourceType *type = view->source.type;
    if (!strip->stale || world->time == TIME_NONE || !type->series)
        return;
    const int64_t reach = (int64_t)(strip->span * 1e9), later = world->mode == WORLD_PAST ? reach / 2 : 0;
    SeriesAsk ask = {.asset = (uint32_t)strip->asset, .channel = strip->channel, .from = world->time - reach, .to = world->time + later, .points = PAST_POINTS};
    strip->past_tickets[0] = type->series(view->source.self, &ask);
    ask.channel = channel_of(strip, world)->measured_by;
    if (ask.channel != WORLD_NONE)
        strip->past_tickets[1] = type->series(view->source.self, &ask);
    strip->stale = strip->past_tickets[0] == 0;
}

/* Forecasts are dear: now and then, and at once when something is to be compared. */
static void ask_ahead(Strip *strip, View *view)
{
    const World *world = &view->world;
    const SourceType *type = view->source.type;
    const ChannelRole role = channel_of(strip, world)->role;
    const int64_t now = clock_system.elapsed_ns(clock_system.self);
    const bool wanted = view->horizon > 0 && world->mode == WORLD_LIVE && type->forecast && (world->can & WORLD_CAN_FORECAST) && role != ROLE_ACTUATOR;
    if (!wanted) {
        strip->ahead.count = strip->whatif.count = 0;
        strip->ahead_at = 0;
        return;
    }
    if (strip->ahead_ticket || now < strip->ahead_at)
        return;
    const ForecastAsk ask = {.asset = (uint32_t)strip->asset, .channels = &strip->channel, .channel_count = 1, .changes = &view->change,
                             .change_count = view->change_count, .horizon = view->horizon};
    strip->ahead_ticket = type->forecast(view->source.self, &ask);
    strip->ahead_at = now + AHEAD_PAUSE_NS;
}

static void add_live(Strip *strip, const World *world)
{
    const WorldValue *value = world_value(world, (uint32_t)strip->asset, strip->channel);
    if (!value || world->mode != WORLD_LIVE || world->time == TIME_NONE)
        return;
    if (isfinite(value->value)) {
        const double reach = value->sd > 0 ? SIGMAS * (double)value->sd : 0;
        strip_line_add(&strip->estimated, &(StripPoint){world->time, value->value, value->value - reach, value->value + reach});
    }
    if (isfinite(value->measured))
        strip_line_add(&strip->measured, &(StripPoint){world->time, value->measured, value->measured, value->measured});
}

void strip_step(Strip *strip, View *view)
{
    if (strip->asset == WORLD_NOBODY)
        return;
    ask_past(strip, view);
    ask_ahead(strip, view);
    add_live(strip, &view->world);
}

bool strip_take(Strip *strip, const Answer *answer)
{
    for (int i = 0; i < 2; i++)
        if (answer->ticket == strip->past_tickets[i]) {
            strip->past_tickets[i] = 0;
            if (!answer->failed && answer->series_count > 0)
                put_past(i == 0 ? &strip->estimated : &strip->measured, &answer->series[0]);
            return true;
        }
    if (answer->ticket != strip->ahead_ticket)
        return false;
    strip->ahead_ticket = 0;
    strip->ahead.count = strip->whatif.count = 0;
    snprintf(strip->trouble, sizeof strip->trouble, "%s", answer->failed ? answer->text : "");
    for (size_t i = 0; i < answer->series_count && !answer->failed; i++)
        put_fan(answer->series[i].whatif ? &strip->whatif : &strip->ahead, &answer->series[i]);
    return true;
}

bool strip_is_waiting(const Strip *strip, const View *view)
{
    if (strip->asset == WORLD_NOBODY)
        return view->selected != WORLD_NOBODY;
    return strip->past_tickets[0] || strip->past_tickets[1] || strip->ahead_ticket || (strip->stale && view->source.type->series);
}

// Drawing.

typedef struct Frame {
    Box box;
    int64_t from, to;  // plant time
    double low, high;
} Frame;

static float x_of(const Frame *frame, int64_t time)
{
    return frame->box.x + (float)((double)(time - frame->from) / (double)(frame->to - frame->from)) * frame->box.width;
}

static float y_of(const Frame *frame, double value)
{
    const double share = (value - frame->low) / (frame->high - frame->low);
    return frame->box.y + (float)(1 - fmin(fmax(share, -1), 2)) * frame->box.height;
}

typedef struct Extent {
    double low, high;
} Extent;

static void reach(Extent *extent, double low, double high)
{
    if (isfinite(low))
        extent->low = fmin(extent->low, low);
    if (isfinite(high))
        extent->high = fmax(extent->high, high);
}

static void reach_line(Extent *extent, const StripLine *line, const Frame *frame)
{
    for (size_t i = 0; i < line->count; i++) {
        const StripPoint *point = strip_line_at(line, i);
        if (point->time >= frame->from && point->time <= frame->to)
            reach(extent, point->low, point->high);
    }
}

static void reach_fan(Extent *extent, const StripFan *fan)
{
    for (size_t i = 0; i < fan->count; i++)
        reach(extent, fan->points[i].low, fan->points[i].high);
}

/* All that is drawn, with some air; and a limit that is not far from it. */
static void fit(Frame *frame, const Strip *strip, const World *world)
{
    Extent extent = {INFINITY, -INFINITY};
    reach_line(&extent, &strip->estimated, frame);
    reach_line(&extent, &strip->measured, frame);
    reach_fan(&extent, &strip->ahead);
    reach_fan(&extent, &strip->whatif);
    if (!(extent.high >= extent.low))
        extent = (Extent){0, 1};

    const Extent data = extent;
    const double room = fmax(data.high - data.low, 1e-3 * fmax(fabs(data.high), 1e-6));
    const WorldModel *model = world_model(world, (uint32_t)strip->asset);
    for (uint16_t i = 0; i < model->limit_count; i++) {
        const double limit = model->limits[i].value;
        if (model->limits[i].channel == strip->channel && limit > data.low - room && limit < data.high + room)
            reach(&extent, limit, limit);
    }
    const double air = 0.08 * fmax(extent.high - extent.low, room);
    frame->low = extent.low - air;
    frame->high = extent.high + air;
}

/* The points within the frame, at most one for each unit of width. */
static size_t spots_of(const StripLine *line, const Frame *frame, Spot middle[SPOTS], Spot low[SPOTS], Spot high[SPOTS])
{
    size_t count = 0;
    float last = -INFINITY;
    for (size_t i = 0; i < line->count && count < SPOTS; i++) {
        const StripPoint *point = strip_line_at(line, i);
        const float x = x_of(frame, point->time);
        if (x < frame->box.x || x > frame->box.x + frame->box.width || x - last < 1 || !isfinite(point->value))
            continue;
        middle[count] = (Spot){x, y_of(frame, point->value)};
        low[count] = (Spot){x, y_of(frame, point->low)};
        high[count++] = (Spot){x, y_of(frame, point->high)};
        last = x;
    }
    return count;
}

static void draw_line(Ui *ui, const StripLine *line, const Frame *frame, Ink ink, bool band)
{
    Spot middle[SPOTS], low[SPOTS], high[SPOTS];
    const size_t count = spots_of(line, frame, middle, low, high);
    if (band)
        canvas_band(ui->canvas, low, high, count, ink_faded(ink, 0.25));
    canvas_path(ui->canvas, middle, count, band ? PATH_WIDTH : 1, ink);
}

static void draw_fan(Ui *ui, const StripFan *fan, const Frame *frame, Ink ink)
{
    Spot middle[STRIP_FAN], low[STRIP_FAN], high[STRIP_FAN];
    for (size_t i = 0; i < fan->count; i++) {
        const StripPoint *point = &fan->points[i];
        const float x = x_of(frame, point->time);
        middle[i] = (Spot){x, y_of(frame, point->value)};
        low[i] = (Spot){x, y_of(frame, point->low)};
        high[i] = (Spot){x, y_of(frame, point->high)};
    }
    canvas_band(ui->canvas, low, high, fan->count, ink_faded(ink, 0.3));
    canvas_path(ui->canvas, middle, fan->count, PATH_WIDTH, ink);
}

static void draw_dashes(Ui *ui, float from, float to, float y, Ink ink)
{
    for (float x = from; x < to; x += 8)
        canvas_box(ui->canvas, (Box){x, y, fminf(5, to - x), 1}, 0, ink);
}

static void draw_limits(Ui *ui, const Strip *strip, const World *world, const Frame *frame)
{
    const WorldModel *model = world_model(world, (uint32_t)strip->asset);
    for (uint16_t i = 0; i < model->limit_count; i++) {
        const WorldLimit *limit = &model->limits[i];
        if (limit->channel != strip->channel || limit->value < frame->low || limit->value > frame->high)
            continue;
        const float y = y_of(frame, limit->value), height = ui_line(ui, FACE_SMALL);
        draw_dashes(ui, frame->box.x, frame->box.x + frame->box.width, y, ui->theme->limit);
        ui_text(ui, frame->box.x + 4, limit->high && y - height > frame->box.y ? y - height : y + 1, frame->box.width - 8, FACE_SMALL, ui->theme->limit,
                limit->alarm);
    }
}

static void draw_axes(Ui *ui, const Frame *frame)
{
    const Theme *theme = ui->theme;
    const float height = ui_line(ui, FACE_SMALL);
    const AxisMarks values = axis_marks(frame->low, frame->high, 4), times = axis_time_marks(frame->from, frame->to, 4);
    for (size_t i = 0; i < values.count; i++) {
        const float y = y_of(frame, values.at[i]);
        canvas_box(ui->canvas, (Box){frame->box.x, y, frame->box.width, 1}, 0, theme->grid);
        const AxisText text = axis_number(values.at[i], values.step);
        const float width = canvas_text_width(ui->canvas, FACE_SMALL, text.text);
        canvas_text(ui->canvas, frame->box.x - 6 - width, y - height / 2, FACE_SMALL, theme->muted, text.text);
    }
    for (size_t i = 0; i < times.count; i++) {
        const float x = x_of(frame, (int64_t)times.at[i]);
        AxisText text = axis_time((int64_t)times.at[i], false);
        if (times.step >= 60e9)
            text.text[5] = 0;  // no seconds
        const float width = canvas_text_width(ui->canvas, FACE_SMALL, text.text);
        canvas_box(ui->canvas, (Box){x, frame->box.y, 1, frame->box.height}, 0, theme->grid);
        if (x - width / 2 > frame->box.x - 20 && x + width / 2 < frame->box.x + frame->box.width + 4)
            canvas_text(ui->canvas, x - width / 2, frame->box.y + frame->box.height + 3, FACE_SMALL, theme->muted, text.text);
    }
}

/* What the lines say under the pointer. */
static void draw_cursor(Ui *ui, const Strip *strip, const Frame *frame)
{
    if (!box_holds(frame->box, ui->x, ui->y))
        return;
    const int64_t time = frame->from + (int64_t)((double)(ui->x - frame->box.x) / (double)frame->box.width * (double)(frame->to - frame->from));
    const StripPoint *point = strip_line_find(&strip->estimated, time);
    if (strip->ahead.count > 0 && time >= strip->ahead.points[0].time)
        for (size_t i = 0; i < strip->ahead.count && strip->ahead.points[i].time <= time; i++)
            point = &strip->ahead.points[i];
    canvas_box(ui->canvas, (Box){ui->x, frame->box.y, 1, frame->box.height}, 0, ui->theme->muted);
    if (!point)
        return;
    char text[256];
    const double half = (point->high - point->low) / 2;
    snprintf(text, sizeof text, "%s  %s  (%s … %s)", axis_time(point->time, false).text, axis_value(point->value, half / SIGMAS).text,
             axis_value(point->low, half / SIGMAS).text, axis_value(point->high, half / SIGMAS).text);
    ui_hint(ui, frame->box, text);
    const float x = x_of(frame, point->time), y = y_of(frame, point->value);
    canvas_box(ui->canvas, (Box){x - 3, y - 3, 6, 6}, 3, ui->theme->text);
}

/* Wheel: more or less of the past. */
static void zoom(Strip *strip, Ui *ui, Box box)
{
    if (ui->wheel == 0 || !box_holds(box, ui->x, ui->y))
        return;
    strip->span = fmin(fmax(strip->span * pow(1.5, -(double)ui->wheel), SPAN_MIN), SPAN_MAX);
    strip_forget(strip);
    ui->wheel = 0;
}

void strip_draw(Strip *strip, Ui *ui, const View *view, Box box)
{
    const World *world = &view->world;
    const Theme *theme = ui->theme;
    if (strip->asset == WORLD_NOBODY || world->time == TIME_NONE)
        return;
    zoom(strip, ui, box);
    const bool past = world->mode == WORLD_PAST;
    const int64_t reach_ns = (int64_t)(strip->span * 1e9),
                  ahead = strip->ahead.count > 0 ? strip->ahead.points[strip->ahead.count - 1].time : world->time + (past ? reach_ns / 2 : reach_ns / 50);
    Frame frame = {.box = {box.x + 46, box.y + 4, box.width - 52, box.height - 24}, .from = world->time - reach_ns, .to = ahead};
    fit(&frame, strip, world);

    draw_axes(ui, &frame);
    canvas_clip(ui->canvas, &frame.box);
    draw_fan(ui, &strip->ahead, &frame, theme->hue[0]);
    draw_fan(ui, &strip->whatif, &frame, theme->hue[1]);
    draw_line(ui, &strip->measured, &frame, theme->hue[2], false);
    draw_line(ui, &strip->estimated, &frame, theme->hue[0], true);
    draw_limits(ui, strip, world, &frame);
    canvas_box(ui->canvas, (Box){x_of(&frame, world->time), frame.box.y, 1, frame.box.height}, 0, theme->edge);
    canvas_clip(ui->canvas, NULL);
    draw_cursor(ui, strip, &frame);
}
