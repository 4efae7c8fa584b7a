#include "view/ui.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const float AWAY = -1e6F, PAD = 8, ROUND = 4;

// Events.

bool ui_covers(const Ui *ui, float x, float y)
{
    for (size_t i = 0; i < ui->box_last; i++)
        if (box_holds(ui->boxes_before[i], x, y))
            return true;
    return false;
}

static bool take_button(Ui *ui, const SDL_MouseButtonEvent *button)
{
    const bool ours = ui->active || ui_covers(ui, ui->x, ui->y);
    if (button->button != SDL_BUTTON_LEFT)
        return ours;
    if (button->type == SDL_MOUSEBUTTONDOWN) {
        ui->pressed = ui->down = ours;
        ui->doubled = ours && button->clicks == 2;
        if (!ours)
            ui->focus = 0, ui->in_field = false;
    } else {
        ui->released = ui->down;
        ui->down = false;
    }
    return ours;
}

/* Letters go to the field that has the focus, and so does what edits it. */
static bool take_key(Ui *ui, const SDL_KeyboardEvent *key)
{
    ui->key = key->keysym.sym;
    ui->mods = key->keysym.mod;
    const bool moves = ui->key == SDLK_TAB;
    const bool presses = ui->focus && (ui->key == SDLK_RETURN || ui->key == SDLK_KP_ENTER || (ui->key == SDLK_SPACE && !ui->in_field));
    return moves || presses || (ui->in_field && ui->key != SDLK_ESCAPE && !(ui->key >= SDLK_F1 && ui->key <= SDLK_F12) && !(ui->mods & KMOD_CTRL));
}

bool ui_event(Ui *ui, const SDL_Event *event, float x, float y)
{
    switch (event->type) {
    case SDL_MOUSEMOTION:
        ui->x = x;
        ui->y = y;
        return ui->active || ui_covers(ui, x, y);
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        ui->x = x;
        ui->y = y;
        return take_button(ui, &event->button);
    case SDL_MOUSEWHEEL:
        ui->wheel += event->wheel.preciseY;
        return ui_covers(ui, ui->x, ui->y);
    case SDL_TEXTINPUT:
        if (ui->in_field && strlen(ui->typed) + strlen(event->text.text) < sizeof ui->typed)
            strcat(ui->typed, event->text.text);
        return ui->in_field;
    case SDL_KEYDOWN:
        return take_key(ui, &event->key);
    case SDL_WINDOWEVENT:
        if (event->window.event == SDL_WINDOWEVENT_LEAVE)
            ui->x = ui->y = AWAY;
        return false;
    default:
        return false;
    }
}

bool ui_key(Ui *ui, SDL_Keycode key)
{
    if (ui->key != key)
        return false;
    ui->key = 0;
    return true;
}

// A frame.

void ui_begin(Ui *ui, Canvas *canvas, const Theme *theme, float width, float height)
{
    ui->canvas = canvas;
    ui->theme = theme;
    ui->width = width;
    ui->height = height;
    ui->scope = 1;
    ui->order_count = ui->box_count = 0;
    ui->wants_text = false;
    ui->hint[0] = 0;
}

static void draw_hint(Ui *ui)
{
    const float width = fminf(canvas_text_width(ui->canvas, FACE_SMALL, ui->hint), ui->width - 4 * PAD), height = ui_line(ui, FACE_SMALL);
    Box box = {ui->hint_at.x, ui->hint_at.y - height - 2 * PAD, width + 2 * PAD, height + PAD};
    box.x = fmaxf(PAD, fminf(box.x, ui->width - box.width - PAD));
    if (box.y < 0)
        box.y = ui->hint_at.y + ui->hint_at.height + PAD / 2;
    canvas_box(ui->canvas, box, ROUND, ui->theme->text);
    ui_text(ui, box.x + PAD, box.y + PAD / 2, width, FACE_SMALL, ui->theme->panel, ui->hint);
}

/* Tab goes on to what was drawn next. */
static void move_focus(Ui *ui)
{
    if (ui->order_count == 0)
        return;
    size_t at = ui->order_count;
    for (size_t i = 0; i < ui->order_count; i++)
        if (ui->order[i] == ui->focus)
            at = i;
    const bool back = ui->mods & KMOD_SHIFT;
    if (at == ui->order_count)
        at = back ? ui->order_count - 1 : 0;
    else
        at = (at + (back ? ui->order_count - 1 : 1)) % ui->order_count;
    ui->focus = ui->order[at];
}

void ui_end(Ui *ui)
{
    if (ui->hint[0])
        draw_hint(ui);
    if (ui_key(ui, SDLK_TAB))
        move_focus(ui);

    // what is not drawn any more has lost the focus
    bool there = false;
    for (size_t i = 0; i < ui->order_count; i++)
        there |= ui->order[i] == ui->focus;
    ui->focus = there ? ui->focus : 0;
    ui->in_field = ui->wants_text;
    if (!ui->down)
        ui->active = 0;

    memcpy(ui->boxes_before, ui->boxes, sizeof ui->boxes);
    ui->box_last = ui->box_count;
    ui->pressed = ui->released = ui->doubled = false;
    ui->wheel = 0;
    ui->key = 0;
    ui->typed[0] = 0;
}

// Names.

static uint64_t id_of(const Ui *ui, const char *name)
{
    const uint64_t id = hash_bytes(ui->scope, name, strlen(name));
    return id ? id : 1;
}

uint64_t ui_enter(Ui *ui, const char *name)
{
    const uint64_t before = ui->scope;
    ui->scope = id_of(ui, name);
    return before;
}

void ui_leave(Ui *ui, uint64_t before)
{
    ui->scope = before;
}

void ui_focus(Ui *ui, const char *name)
{
    ui->focus = id_of(ui, name);
}

// Widgets.

static void cover(Ui *ui, Box box)
{
    if (ui->box_count < UI_BOXES)
        ui->boxes[ui->box_count++] = box;
}

void ui_veil(Ui *ui)
{
    const Box all = {0, 0, ui->width, ui->height};
    cover(ui, all);
    canvas_box(ui->canvas, all, 0, ui->theme->shade);
}

void ui_panel(Ui *ui, Box box)
{
    cover(ui, box);
    canvas_box(ui->canvas, box, ROUND * 1.5F, ui->theme->panel);
    canvas_frame(ui->canvas, box, ROUND * 1.5F, 1, ui->theme->line);
}

float ui_line(const Ui *ui, Face face)
{
    return canvas_text_height(ui->canvas, face);
}

float ui_text(Ui *ui, float x, float y, float width, Face face, Ink ink, const char *text)
{
    static const char dots[] = "…";
    char cut[512];
    float wide = canvas_text_width(ui->canvas, face, text);
    if (wide <= width + 0.5F) {
        canvas_text(ui->canvas, x, y, face, ink, text);
        return wide;
    }
    // as many whole letters as leave room for the dots
    size_t length = 0;
    for (const char *at = text; *at;) {
        const char *next = at;
        utf8_next(&next);
        const size_t upto = (size_t)(next - text);
        if (upto + sizeof dots > sizeof cut)
            break;
        snprintf(cut, sizeof cut, "%.*s%s", (int)upto, text, dots);
        if (canvas_text_width(ui->canvas, face, cut) > width)
            break;
        length = upto;
        at = next;
    }
    snprintf(cut, sizeof cut, "%.*s%s", (int)length, text, dots);
    wide = canvas_text_width(ui->canvas, face, cut);
    canvas_text(ui->canvas, x, y, face, ink, cut);
    return wide;
}

typedef struct Touch {
    bool hovered, held, pressed, focused;
} Touch;

/* What the pointer and the keys do to a widget. */
static Touch touch(Ui *ui, Box box, const char *name, bool available)
{
    const uint64_t id = id_of(ui, name);
    Touch out = {.hovered = box_holds(box, ui->x, ui->y)};
    if (!available)
        return out;
    if (ui->order_count < UI_ORDER)
        ui->order[ui->order_count++] = id;
    if (out.hovered && ui->pressed) {
        ui->active = id;
        ui->focus = 0;  // whoever has a mouse in hand is not helped by a frame around what was pressed
        ui->pressed = false;
    }
    out.focused = ui->focus == id;
    out.held = ui->active == id && ui->down;
    out.pressed = ui->active == id && ui->released && out.hovered;
    if (out.focused && (ui->key == SDLK_RETURN || ui->key == SDLK_KP_ENTER || (ui->key == SDLK_SPACE && !ui->in_field))) {
        ui->key = 0;
        out.pressed = true;
    }
    return out;
}

static void draw_focus(Ui *ui, Box box)
{
    canvas_frame(ui->canvas, box_inset(box, -2), ROUND + 2, 2, ui->theme->accent);
}

void ui_hint(Ui *ui, Box box, const char *text)
{
    if (!box_holds(box, ui->x, ui->y) || !*text)
        return;
    snprintf(ui->hint, sizeof ui->hint, "%s", text);
    ui->hint_at = box;
}

float ui_button_width(Ui *ui, const char *text)
{
    return canvas_text_width(ui->canvas, FACE_TEXT, text) + 2.5F * PAD;
}

bool ui_button(Ui *ui, Box box, const char *text, UiStyle style, const char *why_not)
{
    const Theme *theme = ui->theme;
    const Touch state = touch(ui, box, text, !why_not);
    const bool strong = style == UI_STRONG && !why_not, chosen = style == UI_CHOSEN;
    const Ink ground = strong ? theme->accent : chosen || (state.hovered && !why_not) ? theme->chosen : theme->raised;
    const Ink ink = strong ? theme->panel : why_not ? ink_faded(theme->muted, 0.6) : chosen ? theme->accent : theme->text;
    if (style != UI_QUIET || state.hovered || state.focused)
        canvas_box(ui->canvas, box, ROUND, ground);
    if (style != UI_QUIET && !strong)
        canvas_frame(ui->canvas, box, ROUND, 1, chosen ? theme->accent : theme->edge);
    const float width = fminf(canvas_text_width(ui->canvas, FACE_TEXT, text), box.width - PAD);
    ui_text(ui, box.x + (box.width - width) / 2, box.y + (box.height - ui_line(ui, FACE_TEXT)) / 2 + (state.held ? 1 : 0), width, FACE_TEXT, ink, text);
    if (state.focused)
        draw_focus(ui, box);
    if (why_not)
        ui_hint(ui, box, why_not);
    return state.pressed;
}

bool ui_row(Ui *ui, Box box, const char *name, bool chosen)
{
    const Touch state = touch(ui, box, name, true);
    if (chosen || state.hovered || state.focused)
        canvas_box(ui->canvas, box, ROUND, chosen ? ui->theme->chosen : ui->theme->raised);
    if (state.focused)
        canvas_frame(ui->canvas, box, ROUND, 2, ui->theme->accent);
    return state.pressed;
}

/* Take out the last letter, which may be of several bytes. */
static void erase_last(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && ((unsigned char)text[--length] & 0xc0) == 0x80)
        continue;
    text[length] = 0;
}

static bool edit(Ui *ui, char *text, size_t size)
{
    bool changed = false;
    if (ui_key(ui, SDLK_BACKSPACE) && *text) {
        if (ui->mods & KMOD_CTRL)
            *text = 0;
        else
            erase_last(text);
        changed = true;
    }
    if (*ui->typed && strlen(text) + strlen(ui->typed) < size) {
        strcat(text, ui->typed);
        changed = true;
    }
    ui->typed[0] = 0;
    return changed;
}

bool ui_field(Ui *ui, Box box, const char *name, char *text, size_t size, const char *placeholder, bool *changed)
{
    const Theme *theme = ui->theme;
    const bool entered = ui->focus == id_of(ui, name) && (ui->key == SDLK_RETURN || ui->key == SDLK_KP_ENTER);
    Touch state = touch(ui, box, name, true);
    if (state.held)
        ui->focus = id_of(ui, name);
    state.focused |= state.held;
    const bool edited = state.focused && edit(ui, text, size);
    ui->wants_text |= state.focused;
    if (changed)
        *changed = edited;

    canvas_box(ui->canvas, box, ROUND, theme->raised);
    canvas_frame(ui->canvas, box, ROUND, state.focused ? 2 : 1, state.focused ? theme->accent : theme->edge);
    const float y = box.y + (box.height - ui_line(ui, FACE_TEXT)) / 2, room = box.width - 2 * PAD;
    const char *shown = *text ? text : placeholder;
    while (*text && canvas_text_width(ui->canvas, FACE_TEXT, shown) > room)  // its end is what one types at
        utf8_next(&shown);
    const float width = ui_text(ui, box.x + PAD, y, room, FACE_TEXT, *text ? theme->text : theme->muted, shown);
    if (state.focused)
        canvas_box(ui->canvas, (Box){box.x + PAD + (*text ? width : 0) + 1, y, 1.5F, ui_line(ui, FACE_TEXT)}, 0, theme->accent);
    return entered;
}

bool ui_drag(Ui *ui, Box box, const char *name, double *share)
{
    const Touch state = touch(ui, box, name, true);
    if (state.focused)
        draw_focus(ui, box);
    if (!state.held)
        return false;
    *share = fmin(fmax((ui->x - box.x) / box.width, 0), 1);
    return true;
}
