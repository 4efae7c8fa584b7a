/* Text is sharp: what stands on the screen is what the typeface drew for exactly this size, pixel by pixel. */
#include <math.h>
#include <string.h>

#include "kit/kit.h"
#include "screen.h"
#include "view/canvas.h"

static const double scales[] = {1, 1.5, 2};
enum { SCALES = sizeof scales / sizeof *scales, FULL = 255 * 9 / 10 };

static Glyphs open_glyphs(double scale)
{
    ErrText why = {""};
    Glyphs glyphs;
    ck_assert_msg(glyphs_init(&glyphs, scale, &why) == ERR_OK, "%s", why.text);
    return glyphs;
}

static uint8_t coverage(const Glyphs *glyphs, const Glyph *glyph, int column, int row)
{
    return glyphs->picture[(size_t)(glyph->y + row) * GLYPHS_SIDE + glyph->x + column];
}

static int darkest_in_row(const Glyphs *glyphs, const Glyph *glyph, int row)
{
    int most = 0;
    for (int column = 0; column < glyph->width; column++)
        most = coverage(glyphs, glyph, column, row) > most ? coverage(glyphs, glyph, column, row) : most;
    return most;
}

START_TEST(digits_are_all_of_one_width)
{
    for (int s = 0; s < SCALES; s++) {
        Glyphs glyphs = open_glyphs(scales[s]);
        for (Face face = 0; face < FACE_COUNT; face++)
            for (uint32_t digit = '1'; digit <= '9'; digit++)
                ck_assert_int_eq(glyphs_find(&glyphs, face, digit)->advance, glyphs_find(&glyphs, face, '0')->advance);
        glyphs_fini(&glyphs);
    }
}
END_TEST

/* The bars of an E lie between whole rows: the first row that is inked at all is inked by nine tenths or more, and nothing fades out below the last one, which
 * stands on the baseline. */
START_TEST(horizontal_stems_are_whole_pixels_at_every_scale)
{
    for (int s = 0; s < SCALES; s++) {
        Glyphs glyphs = open_glyphs(scales[s]);
        for (Face face = 0; face < FACE_COUNT; face++) {
            const Glyph *e = glyphs_find(&glyphs, face, 'E');
            int first = 0, last = e->height - 1;
            while (darkest_in_row(&glyphs, e, first) == 0)
                first++;
            while (darkest_in_row(&glyphs, e, last) == 0)
                last--;
            ck_assert_msg(darkest_in_row(&glyphs, e, first) >= FULL, "face %d at %g: the upper bar begins with %d", (int)face, scales[s], darkest_in_row(&glyphs, e, first));
            ck_assert_msg(darkest_in_row(&glyphs, e, last) >= FULL, "face %d at %g: the lower bar ends with %d", (int)face, scales[s], darkest_in_row(&glyphs, e, last));
            ck_assert_int_eq(last, glyphs.ascent[face] - 1);
        }
        glyphs_fini(&glyphs);
    }
}
END_TEST

START_TEST(letters_of_units_and_estimates_are_there)
{
    Glyphs glyphs = open_glyphs(1);
    for (const char *at = "±σ°²³·→µΩ…–≥≤×Δ↑↓√►"; *at;) {
        const Glyph *glyph = glyphs_find(&glyphs, FACE_TEXT, utf8_next(&at));
        const Glyph *unknown = glyphs_find(&glyphs, FACE_TEXT, 0xfffd);
        ck_assert(glyph->width > 0 && memcmp(glyph, unknown, sizeof *glyph) != 0);
    }
    glyphs_fini(&glyphs);
}
END_TEST

START_TEST(a_full_picture_says_so_and_begins_anew)
{
    Glyphs glyphs = open_glyphs(4);
    for (uint32_t code = 'A'; !glyphs.full && code < 0x600; code++)
        for (Face face = 0; face < FACE_COUNT; face++)
            glyphs_find(&glyphs, face, code);
    ck_assert(glyphs.full);
    const uint32_t before = glyphs.revision;
    glyphs_renew(&glyphs);
    ck_assert(!glyphs.full);
    ck_assert_uint_gt(glyphs.revision, before);
    ck_assert_uint_gt(glyphs_find(&glyphs, FACE_TITLE, 'A')->width, 0);
    glyphs_fini(&glyphs);
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_one_sign_each)
{
    const struct {
        const char *text;
        uint32_t codes[4];
    } cases[] = {{"aσ", {'a', 0x3c3}}, {"\xff\xfe", {0xfffd, 0xfffd}}, {"\xc3", {0xfffd}}, {"\xc0\x80", {0xfffd}}, {"\xed\xa0\x80", {0xfffd}}, {"\xf0\x9f\x98\x80", {0x1f600}}, {"", {0}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *at = cases[i].text;
        for (size_t k = 0; k == 0 || cases[i].codes[k - 1]; k++)
            ck_assert_uint_eq(utf8_next(&at), cases[i].codes[k]);
        ck_assert_int_eq(*at, 0);
    }
}
END_TEST

START_TEST(without_memory_there_are_no_glyphs)
{
    Glyphs glyphs;
    ErrText why;
    for (size_t n = 1; n <= 2; n++) {
        kit_fail_allocation(n);
        ck_assert_int_eq(glyphs_init(&glyphs, 1, &why), ERR_MEMORY);
    }
    kit_fail_allocation(0);
}
END_TEST

// --- on the screen -------------------------------------------------------------------------------------------------

/* White letters on black: each pixel is its coverage. Begun at a place between pixels, which must not blur anything. */
START_TEST(the_screen_shows_the_typefaces_own_pixels)
{
    Screen screen;
    screen_open(&screen);
    for (int s = 0; s < SCALES; s++) {
        ErrText why;
        Canvas *canvas;
        ck_assert_msg(canvas_create(scales[s], &canvas, &why) == ERR_OK, "%s", why.text);
        glClearColor(0, 0, 0, 1);
        glClear(GL_COLOR_BUFFER_BIT);
        canvas_begin(canvas, SCREEN_WIDE, SCREEN_HIGH);
        canvas_text(canvas, 3.3F, 2.3F, FACE_TEXT, 0xffffffff, "level 0.432 m");
        canvas_end(canvas);
        screen_read(&screen);

        Glyphs glyphs = open_glyphs(scales[s]);
        int pen = (int)lround(3.3 * scales[s]), top = (int)lround(2.3 * scales[s]), inked = 0;
        static uint8_t expected[SCREEN_HIGH][SCREEN_WIDE];
        memset(expected, 0, sizeof expected);
        for (const char *at = "level 0.432 m"; *at;) {
            const Glyph *glyph = glyphs_find(&glyphs, FACE_TEXT, utf8_next(&at));
            for (int row = 0; row < glyph->height; row++)
                for (int column = 0; column < glyph->width; column++)
                    if (coverage(&glyphs, glyph, column, row))
                        expected[top + row][pen + glyph->left + column] = coverage(&glyphs, glyph, column, row);
            pen += glyph->advance;
        }
        for (int row = 0; row < SCREEN_HIGH; row++)
            for (int column = 0; column < SCREEN_WIDE; column++) {
                ck_assert_msg(abs(screen.pixels[row][column][0] - expected[row][column]) <= 1, "scale %g, pixel %d %d", scales[s], column, row);
                inked += expected[row][column] > 0;
            }
        ck_assert_int_gt(inked, 100);
        glyphs_fini(&glyphs);
        canvas_destroy(canvas);
    }
}
END_TEST

/* An edge is on or off: there is no grey along the sides of a box, wherever it begins. */
START_TEST(edges_of_boxes_are_whole_pixels)
{
    Screen screen;
    screen_open(&screen);
    for (int s = 0; s < SCALES; s++) {
        ErrText why;
        Canvas *canvas;
        ck_assert_msg(canvas_create(scales[s], &canvas, &why) == ERR_OK, "%s", why.text);
        glClearColor(0, 0, 0, 1);
        glClear(GL_COLOR_BUFFER_BIT);
        canvas_begin(canvas, SCREEN_WIDE, SCREEN_HIGH);
        canvas_box(canvas, (Box){2.4F, 3.6F, 20.3F, 11.7F}, 0, 0xffffffff);
        canvas_frame(canvas, (Box){40.4F, 3.6F, 20.3F, 11.7F}, 0, 1, 0xffffffff);
        canvas_end(canvas);
        screen_read(&screen);

        int white = 0;
        for (int row = 0; row < SCREEN_HIGH; row++)
            for (int column = 0; column < SCREEN_WIDE; column++) {
                const int value = screen.pixels[row][column][0];
                ck_assert_msg(value == 0 || value == 255, "scale %g, pixel %d %d: %d", scales[s], column, row, value);
                white += value == 255;
            }
        ck_assert_int_gt(white, 200);
        canvas_destroy(canvas);
    }
}
END_TEST

KIT_MAIN("view.glyphs", digits_are_all_of_one_width, horizontal_stems_are_whole_pixels_at_every_scale, letters_of_units_and_estimates_are_there, a_full_picture_says_so_and_begins_anew,
         bytes_that_are_no_utf8_are_one_sign_each, without_memory_there_are_no_glyphs, the_screen_shows_the_typefaces_own_pixels, edges_of_boxes_are_whole_pixels)
