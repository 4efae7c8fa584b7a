/* console.h -- everything that lies over the scene, and whoever sits before it: labels, panel, time, search, alarms, help, settings, mouse and keys.
 *
 * It is the View's overlay. Events go to what is flat first, then to the scene. All that it changes goes through the View and its source.
 *
 * Takes: events, a View.  Gives: an Overlay.  Memory: its own.  Threads: the window's. */
#pragma once

#include "view/bulletin.h"
#include "view/finder.h"
#include "view/input.h"
#include "view/nameplates.h"
#include "view/panel.h"
#include "view/settings.h"
#include "view/timeline.h"

typedef struct ConsoleDef {
    Settings settings;          // as they were loaded
    const char *settings_path;  // where they are kept; NULL: nowhere
    bool bare;                  // labels and panel alone: for pictures of a scene
} ConsoleDef;

typedef struct Console {
    Canvas *canvas;      // made when there is an OpenGL context: at the first frame
    Ui ui;
    Input input;
    Nameplates plates;
    Panel panel;
    Timeline timeline;
    Finder finder;
    Bulletin bulletin;
    bool help, bare, failed;

    Settings settings, saved;   // as they are now; as the file has them
    char settings_path[1024];   // "": nowhere
    double unsaved;             // s since they were found to be others
    uint64_t shape;             // of the world whose camera was restored
} Console;

Err console_create(const ConsoleDef *def, Console **out, ErrText *why);
/// Before the View is destroyed: OpenGL is still there. Settings are saved.
void console_destroy(Console *console, View *view);
/// Whether something that is drawn was asked of the source and has not come yet.
bool console_is_waiting(const Console *console, const View *view);
/// For ViewDef.overlay.
Overlay console_overlay(Console *console);
