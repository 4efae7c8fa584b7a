/* theme.h -- the colours of panels, text and charts, by day and by night: those of the dashboard.
 *
 * The hues of charts follow Okabe and Ito, so that they are told apart without telling red from green, and an alarm is never told by its
 * colour alone. Every text has a contrast of at least 4.5 to 1 against what it stands on (WCAG 2.2, 1.4.3).
 *
 * Gives: constants. */
#pragma once

#include <stdint.h>

typedef uint32_t Ink;  // 0xRRGGBBAA, sRGB, not premultiplied

enum { THEME_HUES = 4, THEME_SEVERITIES = 4 };

typedef struct Theme {
    Ink panel, raised, line, edge;     // grounds, and what divides them
    Ink text, muted, accent, chosen;   // chosen: the ground of what is selected
    Ink good;
    Ink severity[THEME_SEVERITIES];    // by Severity: info, warning, major, critical
    Ink hue[THEME_HUES];               // of lines in charts
    Ink grid, limit, shade;            // of charts; shade: over what is stale
} Theme;

extern const Theme theme_day, theme_night;

/// The same colour, `alpha` (0 to 1) times as dense.
Ink ink_faded(Ink ink, double alpha);
/// The contrast of two opaque colours, 1 to 21 (WCAG 2.2, relative luminance).
double ink_contrast(Ink a, Ink b);
