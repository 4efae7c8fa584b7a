#include "view/glyphs.h"

#include <SDL2/SDL_ttf.h>
#include <assert.h>
#include <math.h>
#include <string.h>

#include "view/fonts.h"

enum { SLOTS = 4096, GLYPHS_MAX = 3000 };  // a power of two, and how many of them may be taken

typedef struct GlyphSlot {
    uint64_t key;  // 0: free
    Glyph glyph;
} GlyphSlot;

static const struct {
    const char *file;
    int size;  // units
} faces[FACE_COUNT] = {
    [FACE_SMALL] = {"LiberationSans-Regular.ttf", 12},
    [FACE_TEXT] = {"LiberationSans-Regular.ttf", 14},
    [FACE_STRONG] = {"LiberationSans-Bold.ttf", 14},
    [FACE_TITLE] = {"LiberationSans-Bold.ttf", 18},
};

// Beginning and end.

static Err open_face(Glyphs *glyphs, Face face, ErrText *why)
{
    const Embedded *embedded = embedded_find(fonts, faces[face].file);
    assert(embedded);
    SDL_RWops *file = SDL_RWFromConstMem(embedded->bytes, (int)embedded->length);
    TTF_Font *font = file ? TTF_OpenFontRW(file, 1, (int)lround(faces[face].size * glyphs->scale)) : NULL;
    if (!font)
        return err_set(why, ERR_IO, "a typeface: %s", TTF_GetError());

    // the typeface's own instructions: stems that lie fall on whole rows, and the shapes of letters stay as they were drawn
    TTF_SetFontHinting(font, TTF_HINTING_NORMAL);
    glyphs->fonts[face] = font;
    glyphs->ascent[face] = TTF_FontAscent(font);
    glyphs->height[face] = TTF_FontHeight(font);
    return ERR_OK;
}

Err glyphs_init(Glyphs *glyphs, double scale, ErrText *why)
{
    assert(scale >= 0.5 && scale <= 4);
    *glyphs = (Glyphs){.scale = scale, .revision = 1};
    if (TTF_Init() != 0)
        return err_set(why, ERR_IO, "SDL_ttf: %s", TTF_GetError());
    glyphs->slots = mem_alloc(SLOTS * sizeof *glyphs->slots);
    glyphs->picture = mem_alloc(GLYPHS_SIDE * GLYPHS_SIDE);
    Err err = glyphs->slots && glyphs->picture ? ERR_OK : err_set(why, ERR_MEMORY, "no memory for glyphs");
    for (Face face = 0; face < FACE_COUNT && err == ERR_OK; face++)
        err = open_face(glyphs, face, why);
    if (err != ERR_OK)
        glyphs_fini(glyphs);
    return err;
}

void glyphs_fini(Glyphs *glyphs)
{
    if (glyphs->revision == 0)
        return;
    for (Face face = 0; face < FACE_COUNT; face++)
        if (glyphs->fonts[face])
            TTF_CloseFont(glyphs->fonts[face]);
    TTF_Quit();  // counted, as TTF_Init is
    mem_free(glyphs->slots);
    mem_free(glyphs->picture);
    *glyphs = (Glyphs){0};
}

void glyphs_renew(Glyphs *glyphs)
{
    if (!glyphs->full)
        return;
    memset(glyphs->slots, 0, SLOTS * sizeof *glyphs->slots);
    glyphs->count = glyphs->shelf_x = glyphs->shelf_y = glyphs->shelf_height = 0;
    glyphs->full = false;
    glyphs->revision++;
}

// The picture: rows of glyphs, each as high as the highest in it.

static bool take_room(Glyphs *glyphs, uint32_t width, uint32_t height, Glyph *out)
{
    if (glyphs->shelf_x + width > GLYPHS_SIDE) {
        glyphs->shelf_y += glyphs->shelf_height;
        glyphs->shelf_x = glyphs->shelf_height = 0;
    }
    if (width > GLYPHS_SIDE || glyphs->shelf_y + height > GLYPHS_SIDE)
        return false;
    out->x = (uint16_t)glyphs->shelf_x;
    out->y = (uint16_t)glyphs->shelf_y;
    out->width = (uint16_t)width;
    out->height = (uint16_t)height;
    glyphs->shelf_x += width;
    glyphs->shelf_height = height > glyphs->shelf_height ? height : glyphs->shelf_height;
    return true;
}

/* White on black: the index of a pixel's colour is its coverage. */
static void draw(Glyphs *glyphs, TTF_Font *font, uint32_t code, Glyph *out)
{
    const SDL_Color black = {0, 0, 0, 255}, white = {255, 255, 255, 255};
    SDL_Surface *surface = TTF_RenderGlyph32_Shaded(font, code, white, black);
    if (!surface)
        return;
    if (take_room(glyphs, (uint32_t)surface->w, (uint32_t)surface->h, out)) {
        for (int row = 0; row < surface->h; row++)
            memcpy(&glyphs->picture[(size_t)(out->y + row) * GLYPHS_SIDE + out->x], (uint8_t *)surface->pixels + row * surface->pitch, (size_t)surface->w);
        glyphs->revision++;
    } else {
        glyphs->full = true;
    }
    SDL_FreeSurface(surface);
}

static Glyph make(Glyphs *glyphs, Face face, uint32_t code)
{
    TTF_Font *font = glyphs->fonts[face];
    int left = 0, advance = 0;
    if (!TTF_GlyphIsProvided32(font, code))
        code = 0xfffd;
    TTF_GlyphMetrics32(font, code, &left, NULL, NULL, NULL, &advance);
    Glyph glyph = {.left = (int16_t)(left < 0 ? left : 0), .advance = (int16_t)advance};  // the surface begins at the pen, or left of it
    if (code != ' ')
        draw(glyphs, font, code, &glyph);
    return glyph;
}

const Glyph *glyphs_find(Glyphs *glyphs, Face face, uint32_t code)
{
    static const Glyph nothing;
    const uint64_t key = ((uint64_t)face + 1) << 32 | code;
    uint64_t at = hash_bytes(0, &key, sizeof key) % SLOTS;
    while (glyphs->slots[at].key && glyphs->slots[at].key != key)
        at = (at + 1) % SLOTS;
    GlyphSlot *slot = &glyphs->slots[at];
    if (slot->key)
        return &slot->glyph;
    if (glyphs->count == GLYPHS_MAX) {
        glyphs->full = true;
        return &nothing;
    }
    *slot = (GlyphSlot){.key = key, .glyph = make(glyphs, face, code)};
    glyphs->count++;
    return &slot->glyph;
}

int glyphs_width(Glyphs *glyphs, Face face, const char *text)
{
    int width = 0;
    for (uint32_t code; (code = utf8_next(&text)) != 0;)
        width += glyphs_find(glyphs, face, code)->advance;
    return width;
}

uint32_t utf8_next(const char **text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)*text;
    const uint32_t first = at[0];
    const int more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : -1;
    *text += first != 0;
    if (more <= 0)
        return more == 0 ? first : 0xfffd;

    uint32_t code = first & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if (at[i] >> 6 != 2)
            return 0xfffd;
        code = code << 6 | (at[i] & 0x3f);
    }
    *text += more;
    return code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0xfffd : code;
}
