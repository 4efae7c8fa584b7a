#include "view/palette.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* sRGB, as designers write it; made linear once, on the first call. */
typedef struct PaletteSource {
    unsigned sky, ground, grid, fog, light, shade, body, metal, glass, pipe, liquid, ghost, measured, estimated, selected, hovered, parted, alarm, warning, quarantined;
} PaletteSource;

static const PaletteSource sources[] = {
    [PALETTE_LIGHT] = {.sky = 0xe9eef2, .ground = 0xf4f5f4, .grid = 0xcbd2d6, .fog = 0xeef1f3, .light = 0xfff6e8, .shade = 0x7d8fa1, .body = 0xd9dee2, .metal = 0xa3adb5, .glass = 0xc4d8e2,
                       .pipe = 0x9fb0bb, .liquid = 0x2f86b7, .ghost = 0x8a6fc0, .measured = 0xe69f00, .estimated = 0x10405c, .selected = 0x0072b2, .hovered = 0x56b4e9, .parted = 0xd55e00,
                       .alarm = 0xc8372d, .warning = 0xe69f00, .quarantined = 0x7a7f85},
    [PALETTE_DARK] = {.sky = 0x0e151b, .ground = 0x182129, .grid = 0x2c3943, .fog = 0x121a21, .light = 0xdfe9f5, .shade = 0x2b3a4a, .body = 0x77848f, .metal = 0x566370, .glass = 0x7fa3b8,
                      .pipe = 0x5f7382, .liquid = 0x3f9fd6, .ghost = 0xb79cf0, .measured = 0xf5b942, .estimated = 0xd8eefb, .selected = 0x56b4e9, .hovered = 0x8fd0f5, .parted = 0xf08a3c,
                      .alarm = 0xf0655a, .warning = 0xf5b942, .quarantined = 0x8d949b},
};

/* Lightness rises from 20 to 90 of CIELAB in equal steps, from blue by a muted rose to yellow: what is told apart in grey is told apart by everybody. */
static const unsigned heat[] = {0x00336f, 0x2b3f7a, 0x4b4b7f, 0x665881, 0x806580, 0x9a727d, 0xb48078, 0xcd9070, 0xe4a265, 0xf3b95c, 0xfad566};
enum { HEAT_STEPS = sizeof heat / sizeof *heat - 1 };

static float decode(float encoded)
{
    return encoded <= 0.04045F ? encoded / 12.92F : powf((encoded + 0.055F) / 1.055F, 2.4F);
}

static float encode(float linear)
{
    return linear <= 0.0031308F ? linear * 12.92F : 1.055F * powf(linear, 1 / 2.4F) - 0.055F;
}

Colour colour_srgb(unsigned rgb)
{
    return (Colour){decode((float)(rgb >> 16 & 255) / 255), decode((float)(rgb >> 8 & 255) / 255), decode((float)(rgb & 255) / 255), 1};
}

Colour colour_encode(Colour linear)
{
    return (Colour){encode(linear.r), encode(linear.g), encode(linear.b), linear.a};
}

static Palette make(PaletteKind kind)
{
    const PaletteSource *s = &sources[kind];
    return (Palette){
        .kind = kind, .sky = colour_srgb(s->sky), .ground = colour_srgb(s->ground), .grid = colour_srgb(s->grid), .fog = colour_srgb(s->fog), .light = colour_srgb(s->light),
        .shade = colour_srgb(s->shade), .body = colour_srgb(s->body), .metal = colour_srgb(s->metal), .glass = colour_srgb(s->glass), .pipe = colour_srgb(s->pipe),
        .liquid = colour_srgb(s->liquid), .ghost = colour_srgb(s->ghost), .measured = colour_srgb(s->measured), .estimated = colour_srgb(s->estimated),
        .selected = colour_srgb(s->selected), .hovered = colour_srgb(s->hovered), .parted = colour_srgb(s->parted), .alarm = colour_srgb(s->alarm), .warning = colour_srgb(s->warning),
        .quarantined = colour_srgb(s->quarantined),
    };
}

const Palette *palette_get(PaletteKind kind)
{
    static Palette palettes[2];
    static bool made;
    if (!made) {
        palettes[PALETTE_LIGHT] = make(PALETTE_LIGHT);
        palettes[PALETTE_DARK] = make(PALETTE_DARK);
        made = true;
    }
    return &palettes[kind];
}

bool palette_parse(const char *text, PaletteKind *out)
{
    *out = strcmp(text, "dark") == 0 ? PALETTE_DARK : PALETTE_LIGHT;
    return strcmp(text, "dark") == 0 || strcmp(text, "light") == 0;
}

Colour palette_heat(double share)
{
    const double place = fmin(fmax(isnan(share) ? 0.5 : share, 0), 1) * HEAT_STEPS;
    const size_t below = place >= HEAT_STEPS ? HEAT_STEPS - 1 : (size_t)place;
    const float part = (float)(place - (double)below);
    const Colour a = colour_srgb(heat[below]), b = colour_srgb(heat[below + 1]);
    return (Colour){a.r + (b.r - a.r) * part, a.g + (b.g - a.g) * part, a.b + (b.b - a.b) * part, 1};
}
