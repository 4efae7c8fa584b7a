/* settings.h -- what the window remembers from one day to the next: $XDG_CONFIG_HOME/pollux/view.json (~/.config/pollux).
 *
 * Written whole beside the old file and then put in its place, so that whoever pulls the plug finds one or the other. A file that cannot be read, or that
 * has numbers that make no sense, is told about and left out: the window opens as on its first day.
 *
 * Memory: the caller's. */
#pragma once

#include "base/base.h"
#include "view/camera.h"
#include "view/palette.h"

enum { SETTINGS_SERVER = 256 };

typedef struct Settings {
    PaletteKind palette;
    double scale;               // pixels per unit; 0: the display's
    int width, height;          // of the window, points
    double horizon;             // s at which ghosts are drawn; 0: none
    char plant[64];             // whose camera it is
    CameraPose camera;
    bool has_camera;
    char server[SETTINGS_SERVER];  // the last one, for `pollux view` without an address; ""
} Settings;

void settings_default(Settings *settings);
/// ERR_IO: neither XDG_CONFIG_HOME nor HOME is set, or the path does not fit.
Err settings_path(char *out, size_t size, ErrText *why);
/// Without a file ERR_OK and the defaults. What is wrong gives ERR_PARSE or ERR_RANGE with the path and what was expected, and the defaults.
Err settings_load(const char *path, Settings *settings, ErrText *why);
/// Makes the folder where it is missing.
Err settings_save(const char *path, const Settings *settings, ErrText *why);
