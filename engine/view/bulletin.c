#include "view/bulletin.h"

#include <math.h>
#include <stdio.h>

#include "view/axis.h"
#include "view/panel.h"

static const float PAD = 12, ROW = 62;

uint32_t bulletin_count(const World *world, int *worst)
{
    uint32_t count = 0;
    *worst = -1;
    for (uint32_t i = 0; i < world->alarm_count; i++) {
        const WorldAlarm *alarm = &world->alarms[i];
        if (alarm->aside || (alarm->acknowledged && !alarm->active))
            continue;
        *worst = alarm->severity > *worst ? alarm->severity : *worst;
        count += !alarm->acknowledged;
    }
    return count;
}

static void draw_alarm(Ui *ui, View *view, const WorldAlarm *alarm, Box row)
{
    const World *world = &view->world;
    const Ink ink = alarm->aside ? ui->theme->muted : severity_ink(ui->theme, alarm->severity);
    char head[2 * WORLD_NAME + 32], name[WORLD_NAME + 32];
    snprintf(name, sizeof name, "%llu", (unsigned long long)alarm->id);
    const uint64_t scope = ui_enter(ui, name);
    if (ui_row(ui, (Box){row.x, row.y, row.width, row.height - 4}, "row", view->selected == alarm->asset)) {
        view_select(view, alarm->asset);
        view_fly_to(view, alarm->asset);
    }
    snprintf(head, sizeof head, "%s %s.%s", severity_sign(alarm->severity), world->assets[alarm->asset].name, alarm->name);
    canvas_box(ui->canvas, (Box){row.x, row.y, 3, row.height - 4}, 0, ink);
    ui_text(ui, row.x + 10, row.y + 3, row.width - 70, FACE_STRONG, ink, head);
    const AxisText time = axis_time(alarm->raised, false);
    ui_text(ui, row.x + row.width - 58, row.y + 5, 60, FACE_SMALL, ui->theme->muted, time.text);
    ui_text(ui, row.x + 10, row.y + 20, row.width - 16, FACE_SMALL, ui->theme->text, alarm->text);
    ui_hint(ui, (Box){row.x, row.y + 18, row.width, 18}, alarm->text);
    const char *state = alarm->aside       ? "put aside"
                        : alarm->predicted ? "foretold"
                        : alarm->active    ? alarm->acknowledged ? "active, acknowledged" : "active"
                                           : "over";
    ui_text(ui, row.x + 10, row.y + 37, 140, FACE_SMALL, ui->theme->muted, state);
    if (!alarm->acknowledged &&
        ui_button(ui, (Box){row.x + row.width - 104, row.y + 34, 100, 22}, "Acknowledge", UI_PLAIN, panel_why_not(world, WORLD_CAN_ACKNOWLEDGE)))
        panel_acknowledge(view, alarm->id);
    ui_leave(ui, scope);
}

void bulletin_draw(Bulletin *bulletin, Ui *ui, View *view, Box box)
{
    const World *world = &view->world;
    const uint64_t scope = ui_enter(ui, "bulletin");
    ui_panel(ui, box);
    ui_text(ui, box.x + PAD, box.y + PAD, 200, FACE_TITLE, ui->theme->text, "Alarms");
    if (ui_button(ui, (Box){box.x + box.width - PAD - 24, box.y + PAD, 24, 24}, "×", UI_QUIET, NULL))
        bulletin->open = false;
    const Box list = {box.x + PAD, box.y + 46, box.width - 2 * PAD, box.height - 54};
    if (world->alarm_count == 0)
        ui_text(ui, list.x, list.y, list.width, FACE_TEXT, ui->theme->muted, "Nothing asks for attention.");

    bulletin->content = ROW * (float)world->alarm_count;
    if (box_holds(box, ui->x, ui->y)) {
        bulletin->scroll -= ROW * ui->wheel;
        ui->wheel = 0;
    }
    bulletin->scroll = fmaxf(0, fminf(bulletin->scroll, bulletin->content - list.height));
    canvas_clip(ui->canvas, &list);
    for (uint32_t i = 0; i < world->alarm_count; i++) {
        const Box row = {list.x, list.y - bulletin->scroll + ROW * (float)i, list.width, ROW};
        if (row.y + row.height > list.y && row.y < list.y + list.height)
            draw_alarm(ui, view, &world->alarms[i], row);
    }
    canvas_clip(ui->canvas, NULL);
    ui_leave(ui, scope);
}
