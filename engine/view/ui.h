/* ui.h -- buttons, fields and lists, drawn and asked in one go: `if (ui_button(...)) ...`.
 *
 * Events are gathered between two frames; the frame that draws a widget is the one that answers it. A widget is known by the text of its name and the
 * scope in which it is drawn, so nothing has to be made or destroyed. Everything can be done without a mouse: Tab and Shift+Tab go round in the order in
 * which things are drawn, Enter and Space press. What is not available is drawn so, and says why when it is pointed at.
 *
 * Takes: SDL events, a Canvas.  Gives: what was pressed.  Memory: the caller's.  Threads: one. */
#pragma once

#include <SDL2/SDL.h>

#include "view/canvas.h"

enum { UI_TEXT = 64, UI_BOXES = 32, UI_ORDER = 512 };

typedef struct Ui {
    Canvas *canvas;
    const Theme *theme;
    float width, height;    // of everything, units

    float x, y;             // pointer, units; far outside without one
    bool down, pressed, released, doubled;  // its left button: is, was just; twice
    float wheel;            // turned since the last frame, upwards
    SDL_Keycode key;        // pressed since the last frame, 0: none or used
    Uint16 mods;
    char typed[UI_TEXT];    // letters since the last frame

    uint64_t scope, active, focus;
    uint64_t order[UI_ORDER];  // what can have the focus, as drawn; of this frame
    size_t order_count;
    bool in_field;          // the focus is a field: letters are its own
    bool wants_text;        // a field was drawn that has the focus
    Box boxes[UI_BOXES];    // that cover the scene, of the frame that was drawn last, and of this one
    size_t box_count, box_last;
    Box boxes_before[UI_BOXES];
    char hint[256];         // of what is pointed at
    Box hint_at;
} Ui;

/// Gather an event whose pointer is at (x, y); true when it is for something flat: the scene leaves it alone.
bool ui_event(Ui *ui, const SDL_Event *event, float x, float y);
void ui_begin(Ui *ui, Canvas *canvas, const Theme *theme, float width, float height);
/// Draw the hint, move the focus, forget the events.
void ui_end(Ui *ui);
/// Whether something flat covers this place.
bool ui_covers(const Ui *ui, float x, float y);
/// Whether a key was pressed that nobody has used; it is used now.
bool ui_key(Ui *ui, SDL_Keycode key);

/// Names within are apart from the same names elsewhere, until ui_leave with what this returned.
uint64_t ui_enter(Ui *ui, const char *name);
void ui_leave(Ui *ui, uint64_t before);

/// A ground that covers the scene.
void ui_panel(Ui *ui, Box box);
/// Cover all that was drawn so far, which stays visible.
void ui_veil(Ui *ui);
/// A line of text that ends in "..." where it is longer than `width`; its width.
float ui_text(Ui *ui, float x, float y, float width, Face face, Ink ink, const char *text);
float ui_line(const Ui *ui, Face face);

typedef enum UiStyle { UI_PLAIN, UI_STRONG, UI_CHOSEN, UI_QUIET } UiStyle;

/// Pressed? `why_not`: it is not available, and why; NULL: it is.
bool ui_button(Ui *ui, Box box, const char *text, UiStyle style, const char *why_not);
/// As wide as its text asks for.
float ui_button_width(Ui *ui, const char *text);
/// A row of a list that can be chosen; the caller draws what is on it, behind this.
bool ui_row(Ui *ui, Box box, const char *name, bool chosen);
/// A line to type in; true when Enter was pressed in it. `*changed` (may be NULL): the text is another.
bool ui_field(Ui *ui, Box box, const char *name, char *text, size_t size, const char *placeholder, bool *changed);
/// Something to be dragged: true while it is, or when it is pressed; `*share` is where along `box`, 0 to 1.
bool ui_drag(Ui *ui, Box box, const char *name, double *share);
/// Give a widget of the scope at hand the focus.
void ui_focus(Ui *ui, const char *name);
/// Say something about a place while it is pointed at.
void ui_hint(Ui *ui, Box box, const char *text);
