#include "view/help.h"

#include <math.h>
#include <stdio.h>

typedef struct HelpLine {
    const char *keys, *what;  // `what` NULL: a heading
} HelpLine;

static const HelpLine left[] = {
    {"Looking around", NULL},
    {"drag, arrows", "orbit"},
    {"right drag, Shift + arrows", "pan"},
    {"wheel, + and -", "zoom, to the pointer"},
    {"Home", "the whole plant"},
    {"F, double click", "fly to the selected asset"},
    {"L", "follow it"},
    {"Choosing", NULL},
    {"click", "select an asset"},
    {"N, P", "the next asset, the one before"},
    {"/ or Ctrl + F", "find by name"},
    {"Tab, Enter", "go round buttons and fields, press"},
    {"Esc", "close, or select nothing"},
};

static const HelpLine right[] = {
    {"Time", NULL},
    {"Space", "hold, or live again"},
    {", and .", "10 s back and on; with Shift 2 min"},
    {"G", "ghosts of 1, 10 and 60 min ahead"},
    {"Acting", NULL},
    {"A", "list of alarms"},
    {"K", "acknowledge the asset's newest alarm"},
    {"input, actuator of a panel", "what if it were other; send it"},
    {"Window", NULL},
    {"T", "light or dark"},
    {"Ctrl + plus, minus, 0", "larger, smaller, the display's size"},
    {"F11", "full screen"},
    {"? or F1", "this help"},
    {"Ctrl + Q", "close"},
};

static const float LINE = 24, COLUMN = 500, PAD = 24, KEYS = 204;

static float draw_lines(Ui *ui, const HelpLine *lines, size_t count, float x, float y)
{
    for (size_t i = 0; i < count; i++, y += LINE) {
        if (!lines[i].what) {
            y += i ? 10 : 0;
            ui_text(ui, x, y, COLUMN, FACE_STRONG, ui->theme->accent, lines[i].keys);
            continue;
        }
        ui_text(ui, x, y, KEYS - 10, FACE_TEXT, ui->theme->text, lines[i].keys);
        ui_text(ui, x + KEYS, y, COLUMN - KEYS - PAD, FACE_TEXT, ui->theme->muted, lines[i].what);
    }
    return y;
}

bool help_draw(Ui *ui, const char *renderer)
{
    const size_t left_count = sizeof left / sizeof *left, right_count = sizeof right / sizeof *right;
    const float width = fminf(2 * COLUMN + PAD, ui->width - 40), height = 2 * PAD + 70 + LINE * (float)(left_count > right_count ? left_count : right_count);
    const Box box = {(ui->width - width) / 2, fmaxf((ui->height - height) / 2, 8), width, height};
    ui_veil(ui);
    ui_panel(ui, box);
    const uint64_t scope = ui_enter(ui, "help");
    ui_text(ui, box.x + PAD, box.y + PAD - 4, 300, FACE_TITLE, ui->theme->text, "Keys and mouse");
    const bool closed = ui_button(ui, (Box){box.x + box.width - PAD - 60, box.y + PAD - 6, 60, 28}, "Close", UI_PLAIN, NULL);
    draw_lines(ui, left, left_count, box.x + PAD, box.y + PAD + 34);
    draw_lines(ui, right, right_count, box.x + PAD + COLUMN, box.y + PAD + 34);
    char text[256];
    snprintf(text, sizeof text, "Pollux " POLLUX_VERSION " · %s", renderer);
    ui_text(ui, box.x + PAD, box.y + box.height - PAD, box.width - 2 * PAD, FACE_SMALL, ui->theme->muted, text);
    ui_leave(ui, scope);
    return closed;
}
