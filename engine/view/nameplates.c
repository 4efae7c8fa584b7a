#include "view/nameplates.h"

#include <math.h>
#include <stdio.h>

#include "view/axis.h"
#include "view/panel.h"

static const float SMALLEST = 9;  // units that a body is seen high to be named
static const float SPEAKS = 26;   // from which on it says its value too
static const float PAD = 6;

typedef struct Plate {
    char name[WORLD_NAME + 8], value[64];
} Plate;

/* The box that a body fills on the screen, in units; false when it is not seen. */
static bool see(const Ui *ui, const View *view, const WorldAsset *asset, Box *out)
{
    float low[2], high[2], depth;
    const float middle[3] = {asset->at[0], asset->at[1], asset->at[2]}, top[3] = {asset->at[0], asset->at[1], asset->at[2] + asset->size[2]};
    if (!lens_project(&view->lens, middle, low, &depth) || !lens_project(&view->lens, top, high, NULL) || depth <= 0)
        return false;
    const float scale = (float)canvas_scale(ui->canvas), metre = view->lens.projection[1][1] * (float)view->lens.height / 2 / depth;
    const float width = fmaxf(asset->size[0], asset->size[1]) * metre / scale, height = fmaxf((low[1] - high[1]) / scale, 0.3F * width);
    *out = (Box){high[0] / scale - width / 2, low[1] / scale - height, width, height};
    return boxes_meet(*out, (Box){0, 0, ui->width, ui->height});
}

static Plate plate_of(const View *view, uint32_t asset, bool speaks)
{
    Plate plate;
    const WorldAsset *item = &view->world.assets[asset];
    const WorldModel *model = world_model(&view->world, asset);
    const uint16_t channel = panel_first_channel(model);
    const WorldValue *value = speaks ? world_value(&view->world, asset, channel) : NULL;
    const bool alarm = item->severity >= 0;
    snprintf(plate.name, sizeof plate.name, "%s%s%s", alarm ? severity_sign(item->severity) : "", alarm ? " " : "", item->name);
    plate.value[0] = 0;
    if (value && isfinite(value->value))
        snprintf(plate.value, sizeof plate.value, "%.24s %.24s", axis_short(value->value, (double)value->sd).text,
                 axis_unit(model->channels[channel].unit).text);
    return plate;
}

/* Everything of some size, or that asks for attention. Where that is too much the bar is raised. */
static size_t gather(Ui *ui, const View *view, LabelWish wishes[LABEL_WISHES_MAX])
{
    const World *world = &view->world;
    size_t count = LABEL_WISHES_MAX;
    for (float least = SMALLEST; count == LABEL_WISHES_MAX && least < 1e5F; least *= 1.5F) {
        count = 0;
        for (uint32_t i = 0; i < world->asset_count && count < LABEL_WISHES_MAX; i++) {
            const WorldAsset *asset = &world->assets[i];
            const bool selected = i == view->selected, hovered = i == view->hovered;
            LabelWish *wish = &wishes[count];
            if (!see(ui, view, asset, &wish->body) || (wish->body.height < least && asset->severity < 0 && !selected && !hovered))
                continue;
            wish->asset = i;
            wish->rank = label_rank(asset->severity, asset->unacknowledged, selected, hovered, wish->body.height);
            count++;
        }
    }
    return count;
}

static bool speaks(const View *view, uint32_t asset, float height)
{
    return height >= SPEAKS || asset == view->selected || asset == view->hovered;
}

static void measure(Ui *ui, const View *view, LabelWish *wish)
{
    const Plate plate = plate_of(view, wish->asset, speaks(view, wish->asset, wish->body.height));
    wish->width = canvas_text_width(ui->canvas, FACE_SMALL, plate.name) + (plate.value[0] ? canvas_text_width(ui->canvas, FACE_SMALL, plate.value) + PAD : 0) +
                  2 * PAD;
    wish->height = ui_line(ui, FACE_SMALL) + 4;
}

static void draw_plate(Ui *ui, const View *view, const Label *label, const Plate *plate)
{
    const Theme *theme = ui->theme;
    const WorldAsset *asset = &view->world.assets[label->asset];
    const bool selected = label->asset == view->selected;
    const Ink ink = asset->severity >= 0 ? severity_ink(theme, asset->severity) : theme->text;
    canvas_box(ui->canvas, label->box, 4, ink_faded(selected ? theme->chosen : theme->panel, 0.9));
    if (selected || asset->severity >= 0)
        canvas_frame(ui->canvas, label->box, 4, 1, selected ? theme->accent : ink);
    const float x = canvas_text(ui->canvas, label->box.x + PAD, label->box.y + 2, FACE_SMALL, ink, plate->name);
    canvas_text(ui->canvas, x + PAD, label->box.y + 2, FACE_SMALL, theme->muted, plate->value);
}

void nameplates_draw(Nameplates *plates, Ui *ui, const View *view, const Box *taken, size_t taken_count)
{
    static LabelWish wishes[LABEL_WISHES_MAX];  // too large for a stack; the window's thread alone
    if (plates->shape != view->world.shape)
        *plates = (Nameplates){.shape = view->world.shape};
    const size_t count = gather(ui, view, wishes);
    for (size_t i = 0; i < count; i++)
        measure(ui, view, &wishes[i]);
    labels_place(&plates->labels, wishes, count, (Box){0, 0, ui->width, ui->height}, taken, taken_count);
    for (size_t i = 0; i < plates->labels.count; i++) {
        const Label *label = &plates->labels.items[i];
        Box body = {0};
        see(ui, view, &view->world.assets[label->asset], &body);
        const Plate plate = plate_of(view, label->asset, speaks(view, label->asset, body.height));
        draw_plate(ui, view, label, &plate);
    }
}
