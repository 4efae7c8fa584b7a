/* palette.h -- the colours of the scene, light and dark; those of what lies over it are theme.h's.
 *
 * Heat is a perceptually uniform map that the colour-blind can read, as can a photocopier: lightness rises all the way. What asks for attention is told
 * by form as well (pulse, stripes), never by hue alone; the accents are Okabe and Ito's (2008), which all kinds of colour vision tell apart.
 *
 * Colours are linear light, 0 to 1, alpha last; the shaders encode them as sRGB.
 * Threads: the window's. */
#pragma once

#include <stdbool.h>

typedef enum PaletteKind { PALETTE_LIGHT, PALETTE_DARK } PaletteKind;

typedef struct Colour {
    float r, g, b, a;
} Colour;

typedef struct Palette {
    PaletteKind kind;
    Colour sky, ground, grid, fog;        // behind everything; the floor and its lines
    Colour light, shade;                  // from above; what the hemisphere gives from below
    Colour body, metal, glass, pipe;      // of what has no other colour
    Colour liquid, ghost;                 // of the present; of the future
    Colour measured, estimated;           // the two level lines
    Colour selected, hovered;
    Colour parted, alarm, warning, quarantined;
} Palette;

const Palette *palette_get(PaletteKind kind);
/// "light", "dark".
bool palette_parse(const char *text, PaletteKind *out);
/// Heat from 0 (cold) to 1 (hot).
Colour palette_heat(double share);
/// An sRGB colour, 0xRRGGBB, as linear light.
Colour colour_srgb(unsigned rgb);
/// Linear light as sRGB, channel by channel; alpha stays.
Colour colour_encode(Colour linear);
