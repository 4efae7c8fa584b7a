#include "view/theme.h"

#include <assert.h>
#include <math.h>

const Theme theme_day = {
    .panel = 0xffffffff, .raised = 0xf1f4f7ff, .line = 0xdce2e8ff, .edge = 0xb9c4ceff,
    .text = 0x15202bff, .muted = 0x55636fff, .accent = 0x00659eff, .chosen = 0xe3eff7ff,
    .good = 0x007052ff,
    .severity = {0x00659eff, 0x7d5c00ff, 0x97500aff, 0xb23c00ff},
    .hue = {0x0072b2ff, 0xb06a00ff, 0x00805eff, 0xa8578aff},
    .grid = 0xe8ecf0ff, .limit = 0xc84a00ff, .shade = 0xf1f4f7a0,
};

const Theme theme_night = {
    .panel = 0x131a21ff, .raised = 0x19222bff, .line = 0x232e39ff, .edge = 0x3b4a58ff,
    .text = 0xe3e9efff, .muted = 0x93a2b1ff, .accent = 0x6cc0f0ff, .chosen = 0x1a2f3fff,
    .good = 0x3fc49cff,
    .severity = {0x6cc0f0ff, 0xe8c547ff, 0xf0a63cff, 0xff8a5cff},
    .hue = {0x56b4e9ff, 0xf0ad2dff, 0x2fa37fff, 0xdc8fbdff},
    .grid = 0x1e2831ff, .limit = 0xf4793aff, .shade = 0x0c1116a0,
};

Ink ink_faded(Ink ink, double alpha)
{
    assert(alpha >= 0 && alpha <= 1);
    return (ink & 0xffffff00) | (Ink)lround((ink & 0xff) * alpha);
}

/* sRGB's transfer function, undone. */
static double linear(Ink channel)
{
    const double value = (channel & 0xff) / 255.0;
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double luminance(Ink ink)
{
    return 0.2126 * linear(ink >> 24) + 0.7152 * linear(ink >> 16) + 0.0722 * linear(ink >> 8);
}

double ink_contrast(Ink a, Ink b)
{
    const double one = luminance(a) + 0.05, other = luminance(b) + 0.05;
    return one > other ? one / other : other / one;
}
