#include "view/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "view/axis.h"

static const float PAD = 12, ROW = 22, CHART = 178, BUTTON = 28;
enum { ROWS_LEAST = 3 };  // of the table, beside a chart
static const double HORIZON_FIRST = 600;

void panel_init(Panel *panel)
{
    *panel = (Panel){.scroll = 0};
    strip_init(&panel->strip);
    lever_init(&panel->lever);
}

const char *panel_why_not(const World *world, unsigned can)
{
    if (world->mode == WORLD_OFFLINE)
        return "the server does not answer: this is the last that is known";
    if (world->mode == WORLD_PAST)
        return "this is the past: go back to live first (Space)";
    if (world->can & can)
        return NULL;
    switch (can) {
    case WORLD_CAN_ACKNOWLEDGE:
        return "you lack the right to acknowledge: an operator has it";
    case WORLD_CAN_COMMAND:
        return "you lack the right to command: an operator has it";
    case WORLD_CAN_FORECAST:
        return "there is no looking ahead here";
    default:
        return "this is not possible here";
    }
}

void panel_acknowledge(View *view, uint64_t alarm)
{
    if (view->source.type->acknowledge && !panel_why_not(&view->world, WORLD_CAN_ACKNOWLEDGE))
        view->source.type->acknowledge(view->source.self, alarm, "");
}

const char *severity_sign(int severity)
{
    static const char *const signs[] = {"○", "▲", "■", "♦"};
    return severity >= 0 && severity < 4 ? signs[severity] : "";
}

Ink severity_ink(const Theme *theme, int severity)
{
    return severity >= 0 && severity < THEME_SEVERITIES ? theme->severity[severity] : theme->muted;
}

uint16_t panel_first_channel(const WorldModel *model)
{
    const uint16_t looks[] = {model->look.fill, model->look.heat, model->look.flow, model->look.spin, model->look.opening};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (looks[i] != WORLD_NONE)
            return looks[i];
    return model->channel_count > 0 ? 0 : WORLD_NONE;
}

// Following.

void panel_step(Panel *panel, View *view)
{
    const World *world = &view->world;
    if (panel->shape != world->shape) {
        panel_init(panel);
        panel->shape = world->shape;
    }
    if (view->selected != panel->strip.asset) {
        const uint16_t channel = view->selected == WORLD_NOBODY ? WORLD_NONE : panel_first_channel(world_model(world, (uint32_t)view->selected));
        strip_show(&panel->strip, channel == WORLD_NONE ? WORLD_NOBODY : view->selected, channel);
        panel->scroll = 0;
        panel->told[0] = 0;
    }
    view->change_count = lever_changes(&panel->lever, world, &view->change);
    strip_step(&panel->strip, view);
}

bool panel_take(Panel *panel, const Answer *answer)
{
    if (answer->kind == ANSWER_COMMANDED && answer->ticket == panel->lever.ticket) {
        panel->lever.ticket = 0;
        panel->lever.failed = answer->failed;
        panel->lever.armed = panel->lever.dry && !answer->failed;
        snprintf(panel->lever.told, sizeof panel->lever.told, "%s", answer->text);
        return true;
    }
    if (answer->kind == ANSWER_ACKNOWLEDGED) {
        snprintf(panel->told, sizeof panel->told, "%s", answer->failed ? answer->text : "");
        return !answer->failed;
    }
    return strip_take(&panel->strip, answer);
}

// Drawing, from above to below: each takes the y where it begins and gives the one where it ends.

static float draw_head(Ui *ui, View *view, Box box, float y)
{
    static const char *const healths[] = {"as expected", "parted from its model", "alarm", "stands still: its numbers broke"};
    const WorldAsset *asset = &view->world.assets[view->selected];
    const WorldModel *model = world_model(&view->world, (uint32_t)view->selected);
    const Theme *theme = ui->theme;
    const float x = box.x + PAD, width = box.width - 2 * PAD;
    ui_text(ui, x, y, width - 32, FACE_TITLE, theme->text, asset->name);
    if (ui_button(ui, (Box){box.x + box.width - PAD - 24, y, 24, 24}, "×", UI_QUIET, NULL))
        view_select(view, WORLD_NOBODY);
    y += ui_line(ui, FACE_TITLE) + 2;

    char text[WORLD_NAME + 256];
    snprintf(text, sizeof text, "%s · %.200s", model->name, model->doc ? model->doc : "");
    ui_text(ui, x, y, width, FACE_SMALL, theme->muted, text);
    y += ui_line(ui, FACE_SMALL) + 8;

    const Ink ink = asset->health == ASSET_CALM ? theme->good : asset->health == ASSET_QUARANTINED ? theme->muted : severity_ink(theme, asset->severity < 0 ? 2 : asset->severity);
    snprintf(text, sizeof text, "%s %s", asset->health == ASSET_CALM ? "●" : severity_sign(asset->severity < 0 ? 2 : asset->severity), healths[asset->health <= ASSET_QUARANTINED ? asset->health : 0]);
    ui_text(ui, x, y + 5, width - 140, FACE_STRONG, ink, text);
    if (ui_button(ui, (Box){box.x + box.width - PAD - 132, y, 60, 26}, "Fly to", UI_PLAIN, NULL))
        view_fly_to(view, view->selected);
    const bool followed = view->followed == view->selected;
    if (ui_button(ui, (Box){box.x + box.width - PAD - 66, y, 66, 26}, "Follow", followed ? UI_CHOSEN : UI_PLAIN, NULL))
        view->followed = followed ? WORLD_NOBODY : view->selected;
    return y + 26 + PAD;
}

static float draw_alarms(Panel *panel, Ui *ui, View *view, Box box, float y)
{
    const World *world = &view->world;
    const uint64_t scope = ui_enter(ui, "alarms");
    int shown = 0;
    for (uint32_t i = 0; i < world->alarm_count && shown < 4; i++) {
        const WorldAlarm *alarm = &world->alarms[i];
        if (alarm->asset != view->selected)
            continue;
        const Box row = {box.x + PAD, y, box.width - 2 * PAD, 40};
        const Ink ink = severity_ink(ui->theme, alarm->severity);
        char head[WORLD_NAME + 96];
        snprintf(head, sizeof head, "%s %s%s  %s", severity_sign(alarm->severity), alarm->name, alarm->active ? "" : " (over)", axis_time(alarm->raised, false).text);
        canvas_box(ui->canvas, (Box){row.x, row.y, 3, row.height - 4}, 0, ink);
        ui_text(ui, row.x + 10, row.y, row.width - 120, FACE_STRONG, ink, head);
        const float width = ui_text(ui, row.x + 10, row.y + 19, row.width - 120, FACE_SMALL, ui->theme->muted, alarm->text);
        ui_hint(ui, (Box){row.x + 10, row.y + 19, width, 16}, alarm->text);
        if (!alarm->acknowledged) {
            const uint64_t within = ui_enter(ui, alarm->name);
            if (ui_button(ui, (Box){row.x + row.width - 106, row.y + 4, 106, 26}, "Acknowledge", UI_PLAIN, panel_why_not(world, WORLD_CAN_ACKNOWLEDGE)))
                panel_acknowledge(view, alarm->id);
            ui_leave(ui, within);
        }
        y += row.height + 2;
        shown++;
    }
    ui_leave(ui, scope);
    if (panel->told[0]) {
        ui_text(ui, box.x + PAD, y, box.width - 2 * PAD, FACE_SMALL, ui->theme->severity[3], panel->told);
        y += ROW;
    }
    return shown ? y + 6 : y;
}

static float draw_key(Ui *ui, float x, float y, Ink ink, const char *text)
{
    canvas_box(ui->canvas, (Box){x, y + 5, 12, 3}, 1, ink);
    return x + 17 + ui_text(ui, x + 16, y, 90, FACE_SMALL, ui->theme->muted, text) + 8;
}

static float draw_chart(Panel *panel, Ui *ui, const View *view, Box box, float y)
{
    Strip *strip = &panel->strip;
    if (strip->asset == WORLD_NOBODY)
        return y;
    const WorldChannel *channel = &world_model(&view->world, (uint32_t)strip->asset)->channels[strip->channel];
    char title[WORLD_NAME + AXIS_TEXT + 8];
    snprintf(title, sizeof title, "%s%s%s", channel->name, strcmp(channel->unit, "1") == 0 ? "" : ", ", axis_unit(channel->unit).text);
    float x = box.x + PAD + ui_text(ui, box.x + PAD, y, 150, FACE_STRONG, ui->theme->text, title) + 14;
    x = draw_key(ui, x, y + 1, ui->theme->hue[0], "estimate ± 2σ");
    if (channel->measured_by != WORLD_NONE && x < box.x + box.width - 80)
        draw_key(ui, x, y + 1, ui->theme->hue[2], "measured");
    y += ROW;
    strip_draw(strip, ui, view, (Box){box.x, y, box.width - PAD + 4, CHART});
    y += CHART;
    if (strip->trouble[0]) {
        ui_text(ui, box.x + PAD, y, box.width - 2 * PAD, FACE_SMALL, ui->theme->severity[1], strip->trouble);
        ui_hint(ui, (Box){box.x, y, box.width, ROW}, strip->trouble);
        y += ROW;
    }
    return y + 4;
}

// The table of channels.

static const char *quality_text(uint8_t quality)
{
    static const char *const texts[] = {"", "uncertain", "bad", "diverged", "silent"};
    return quality < sizeof texts / sizeof *texts ? texts[quality] : "";
}

static void draw_numbers(Ui *ui, const World *world, uint32_t asset, uint16_t index, Box row)
{
    const WorldChannel *channel = &world_model(world, asset)->channels[index];
    const WorldValue *value = world_value(world, asset, index);
    const Theme *theme = ui->theme;
    const float middle = row.y + (row.height - ui_line(ui, FACE_TEXT)) / 2, small = row.y + (row.height - ui_line(ui, FACE_SMALL)) / 2;
    const float column = row.x + 0.57F * row.width, end = row.x + row.width - 6;  // where a value ends; where what is measured does
    ui_text(ui, row.x + 6, middle, 0.36F * row.width, FACE_TEXT, theme->text, channel->name);
    if (!value) {
        ui_text(ui, column + 5, small, 120, FACE_SMALL, theme->muted, "not told");
        return;
    }

    const double sd = value->sd > 0 ? (double)value->sd : 0;
    const AxisText text = axis_value(value->value, sd);
    canvas_text(ui->canvas, column - canvas_text_width(ui->canvas, FACE_TEXT, text.text), middle, FACE_TEXT, theme->text, text.text);
    char rest[2 * AXIS_TEXT + 8];
    snprintf(rest, sizeof rest, "%s%s %s", sd > 0 ? "± " : "", sd > 0 ? axis_sd(value->value, sd).text : "", axis_unit(channel->unit).text);
    ui_text(ui, column + 5, small, 0.26F * row.width, FACE_SMALL, theme->muted, rest);

    const uint16_t sensor = channel->measured_by;
    const uint8_t quality = sensor == WORLD_NONE ? value->quality : world_value(world, asset, sensor)->quality;
    if (quality != VALUE_GOOD) {
        const char *said = quality_text(quality);
        ui_text(ui, end - canvas_text_width(ui->canvas, FACE_SMALL, said), small, 80, FACE_SMALL, theme->severity[2], said);
    } else if (isfinite(value->measured)) {
        const AxisText measured = axis_value(value->measured, sd);
        ui_text(ui, end - canvas_text_width(ui->canvas, FACE_TEXT, measured.text), middle, 80, FACE_TEXT, theme->hue[2], measured.text);
    }
}

/* One row per channel: what is pressed becomes the chart, an input or an actuator the lever too. */
static float draw_group(Panel *panel, Ui *ui, View *view, Box box, float y, ChannelRole role, const char *title)
{
    const uint32_t asset = (uint32_t)view->selected;
    const World *world = &view->world;
    const WorldModel *model = world_model(world, asset);
    bool any = false;
    for (uint16_t i = 0; i < model->channel_count; i++) {
        const WorldChannel *channel = &model->channels[i];
        if (channel->role != role)
            continue;
        if (!any) {
            ui_text(ui, box.x + PAD + 6, y + 3, box.width, FACE_SMALL, ui->theme->muted, title);
            y += ROW;
            any = true;
        }
        const Box row = {box.x + PAD, y, box.width - 2 * PAD, ROW};
        if (row.y + row.height > box.y && row.y < box.y + box.height) {
            const bool lever = lever_fits(world, asset, i), held = panel->lever.asset == asset && (panel->lever.input == i || panel->lever.actuator == i);
            if (ui_row(ui, row, channel->name, (panel->strip.asset == asset && panel->strip.channel == i) || held)) {
                if (lever)
                    lever_choose(&panel->lever, world, asset, i);
                if (channel->role != ROLE_ACTUATOR && channel->role != ROLE_PARAMETER)
                    strip_show(&panel->strip, asset, i);
            }
            draw_numbers(ui, world, asset, i, row);
            ui_hint(ui, row, channel->doc ? channel->doc : "");
        }
        y += ROW;
    }
    return y;
}

static void draw_table(Panel *panel, Ui *ui, View *view, Box box)
{
    static const struct {
        ChannelRole role;
        const char *title;
    } groups[] = {{ROLE_ESTIMATED, "estimated ± σ"}, {ROLE_ACTUATOR, "ordered"}, {ROLE_INPUT, "inputs"}, {ROLE_OUTPUT, "follows from it"}, {ROLE_SENSOR, "instruments"}, {ROLE_PARAMETER, "parameters"}};
    if (box_holds(box, ui->x, ui->y)) {
        panel->scroll -= 3 * ROW * ui->wheel;
        ui->wheel = 0;
    }
    panel->scroll = fmaxf(0, fminf(panel->scroll, panel->content - box.height));
    canvas_clip(ui->canvas, &box);
    const uint64_t scope = ui_enter(ui, "table");
    float y = box.y - panel->scroll;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        y = draw_group(panel, ui, view, box, y, groups[i].role, groups[i].title);
    ui_leave(ui, scope);
    canvas_clip(ui->canvas, NULL);
    panel->content = y - box.y + panel->scroll;
    if (panel->content > box.height) {
        const float share = box.height / panel->content;
        canvas_box(ui->canvas, (Box){box.x + box.width - 6, box.y + panel->scroll * share, 3, box.height * share}, 1.5F, ui->theme->edge);
    }
}

// The lever.

/* The first press asks the gate what would become of it, the second is the order. */
static void send_order(Lever *lever, View *view, double value)
{
    lever->dry = !lever->armed;
    lever->armed = lever->failed = false;
    lever->ticket = view->source.type->command(view->source.self, (uint32_t)lever->asset, lever->actuator, value, lever->dry);
    snprintf(lever->told, sizeof lever->told, "%s", !lever->ticket ? "too much was asked at once: try again" : lever->dry ? "asking the gate…" : "on its way…");
}

static const char *why_no_order(const Panel *panel, const View *view, const char *wrong)
{
    if (panel->lever.actuator == WORLD_NONE)
        return "nothing here is told what this input should be: there is no actuator for it";
    if (wrong)
        return wrong;
    if (!view->source.type->command)
        return "commands cannot be sent from here";
    return panel->lever.ticket ? "the gate has not answered yet" : panel_why_not(&view->world, WORLD_CAN_COMMAND);
}

static const char *why_no_forecast(const Panel *panel, const View *view, const char *wrong)
{
    if (panel->lever.input == WORLD_NONE)
        return "what the device makes of this order is not known here: there is no input of its name";
    return wrong ? wrong : view->source.type->forecast ? panel_why_not(&view->world, WORLD_CAN_FORECAST) : "there is no looking ahead here";
}

static void draw_lever(Panel *panel, Ui *ui, View *view, Box box)
{
    Lever *lever = &panel->lever;
    const World *world = &view->world;
    const WorldChannel *channel = lever_channel(lever, world);
    ErrText why = {""};
    double value;
    bool changed;
    char text[WORLD_NAME * 2 + WORLD_UNIT + 16];
    snprintf(text, sizeof text, "What if %s.%s", world->assets[lever->asset].name, channel->name);
    canvas_box(ui->canvas, (Box){box.x, box.y, box.width, 1}, 0, ui->theme->line);
    ui_text(ui, box.x + PAD, box.y + 8, box.width - 2 * PAD - 30, FACE_STRONG, ui->theme->text, text);
    const uint64_t scope = ui_enter(ui, "lever");
    if (ui_button(ui, (Box){box.x + box.width - PAD - 24, box.y + 5, 24, 22}, "×", UI_QUIET, NULL)) {
        lever_init(lever);
        ui_leave(ui, scope);
        return;
    }

    const float y = box.y + 32, x = box.x + PAD;
    ui_field(ui, (Box){x, y, 84, BUTTON}, "value", lever->text, sizeof lever->text, "value", &changed);
    if (changed) {
        lever->armed = false;
        panel->strip.ahead_at = 0;
    }
    const bool right = lever_value(lever, world, &value, &why);
    ui_text(ui, x + 90, y + 6, 40, FACE_TEXT, ui->theme->muted, axis_unit(channel->unit).text);
    const char *wrong = right ? NULL : why.text;
    if (ui_button(ui, (Box){x + 132, y, 96, BUTTON}, "Look ahead", lever->active ? UI_CHOSEN : UI_PLAIN, why_no_forecast(panel, view, wrong))) {
        lever->active = !lever->active;
        view->horizon = view->horizon > 0 ? view->horizon : HORIZON_FIRST;
        panel->strip.ahead_at = 0;
    }
    const Box send = {x + 234, y, box.x + box.width - PAD - x - 234, BUTTON};
    const uint64_t within = ui_enter(ui, "send");
    if (ui_button(ui, send, lever->armed ? "Send now" : "Send…", lever->armed ? UI_STRONG : UI_PLAIN, why_no_order(panel, view, wrong)))
        send_order(lever, view, value);
    ui_leave(ui, within);
    ui_leave(ui, scope);

    const char *told = wrong ? wrong : lever->told;
    ui_text(ui, x, y + BUTTON + 6, box.width - 2 * PAD, FACE_SMALL, wrong || lever->failed ? ui->theme->severity[3] : ui->theme->muted, told);
    ui_hint(ui, (Box){x, y + BUTTON + 6, box.width, 16}, told);
}

void panel_draw(Panel *panel, Ui *ui, View *view, Box box)
{
    const float lever = panel->lever.asset == WORLD_NOBODY ? 0 : 90;
    const uint64_t scope = ui_enter(ui, "panel");
    ui_panel(ui, box);
    float y = draw_head(ui, view, box, box.y + PAD);
    if (view->selected != WORLD_NOBODY) {  // unless it was just closed
        y = draw_alarms(panel, ui, view, box, y);
        // in a low window the table goes before the chart
        if (y + ROW + CHART + ROWS_LEAST * ROW < box.y + box.height - lever)
            y = draw_chart(panel, ui, view, box, y);
        draw_table(panel, ui, view, (Box){box.x, y, box.width, box.y + box.height - y - lever - 4});
        if (lever > 0)
            draw_lever(panel, ui, view, (Box){box.x, box.y + box.height - lever, box.width, lever});
    }
    ui_leave(ui, scope);
}
