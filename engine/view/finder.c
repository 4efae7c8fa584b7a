#include "view/finder.h"

#include <stdio.h>

static const float WIDTH = 420, TOP = 76, PAD = 10, ROW = 28;

void finder_open(Finder *finder, Ui *ui)
{
    *finder = (Finder){.open = true};
    const uint64_t scope = ui_enter(ui, "finder");
    ui_focus(ui, "what");
    ui_leave(ui, scope);
    ui->in_field = true;  // what is typed before the next frame is meant for it
}

static void go_to(Finder *finder, View *view, uint32_t asset)
{
    view_select(view, asset);
    view_fly_to(view, asset);
    finder->open = false;
}

static void move_choice(Finder *finder, Ui *ui)
{
    if (finder->hits.count == 0)
        return;
    if (ui_key(ui, SDLK_DOWN))
        finder->chosen = (finder->chosen + 1) % finder->hits.count;
    if (ui_key(ui, SDLK_UP))
        finder->chosen = (finder->chosen + finder->hits.count - 1) % finder->hits.count;
}

void finder_draw(Finder *finder, Ui *ui, View *view)
{
    if (!finder->open)
        return;
    bool changed;
    const uint64_t scope = ui_enter(ui, "finder");
    const Box box = {(ui->width - WIDTH) / 2, TOP, WIDTH, 2 * PAD + 34 + 22 + ROW * (float)finder->hits.count};
    ui_panel(ui, box);
    ui_focus(ui, "what");
    move_choice(finder, ui);
    const bool entered = ui_field(ui, (Box){box.x + PAD, box.y + PAD, box.width - 2 * PAD, 34}, "what", finder->text, sizeof finder->text,
                                  "name or model of an asset", &changed);
    if (changed || finder->shape != view->world.shape || finder->hits.count == 0) {
        finder->hits = search_find(&view->world, finder->text);
        finder->chosen = 0;
        finder->shape = view->world.shape;
    }

    float y = box.y + PAD + 38;
    for (size_t i = 0; i < finder->hits.count && y + ROW <= box.y + box.height; i++, y += ROW) {
        const uint32_t asset = finder->hits.assets[i];
        const Box row = {box.x + PAD, y, box.width - 2 * PAD, ROW};
        if (ui_row(ui, row, view->world.assets[asset].name, i == finder->chosen))
            go_to(finder, view, asset);
        ui_text(ui, row.x + 8, row.y + 5, 240, FACE_TEXT, ui->theme->text, view->world.assets[asset].name);
        ui_text(ui, row.x + 256, row.y + 7, row.width - 260, FACE_SMALL, ui->theme->muted, world_model(&view->world, asset)->name);
    }
    char told[96];
    snprintf(told, sizeof told, "%zu of %u", finder->hits.total, view->world.asset_count);
    ui_text(ui, box.x + PAD + 8, box.y + box.height - 22, 200, FACE_SMALL, ui->theme->muted, finder->hits.total ? told : "nothing of this name");
    if (entered && finder->hits.count > 0)
        go_to(finder, view, finder->hits.assets[finder->chosen]);
    ui_leave(ui, scope);
}
