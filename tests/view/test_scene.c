/* Scenes as they are drawn, by Mesa without a display: not empty, like the pictures that are kept, and different where something is.
 *
 * Pictures are compared block by block, each the mean of 16 x 16 pixels, so that another rasteriser may place an edge elsewhere. POLLUX_PICTURES=FOLDER writes
 * them anew there. */
#include <epoxy/gl.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "view/made.h"
#include "view/view.h"

enum { WIDTH = 480, HEIGHT = 272, BLOCK = 16, ACROSS = WIDTH / BLOCK, DOWN = HEIGHT / BLOCK };

/* What a driver keeps until the process ends is not ours to give back; what is ours is watched by the tests that draw nothing. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

typedef struct Blocks {
    unsigned char colours[DOWN][ACROSS][3];
} Blocks;

static View *open_view(Made *made, PaletteKind palette)
{
    ErrText why = {""};
    View *view;
    const ViewDef def = {.surface = {.width = WIDTH, .height = HEIGHT, .scale = 1, .hidden = true}, .source = made_source(made), .palette = palette};
    ck_assert_msg(view_create(&def, &view, &why) == ERR_OK, "%s", why.text);
    ck_assert(view_frame(view, 0));
    return view;
}

static Blocks blocks_of(View *view)
{
    static unsigned sums[DOWN][ACROSS][3];
    Blocks blocks;
    unsigned char *pixels = surface_pixels(view->surface);
    ck_assert_ptr_nonnull(pixels);
    memset(sums, 0, sizeof sums);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int k = 0; k < 3; k++)
                sums[y / BLOCK][x / BLOCK][k] += pixels[4 * (y * WIDTH + x) + k];
    for (int y = 0; y < DOWN; y++)
        for (int x = 0; x < ACROSS; x++)
            for (int k = 0; k < 3; k++)
                blocks.colours[y][x][k] = (unsigned char)(sums[y][x][k] / (BLOCK * BLOCK));
    mem_free(pixels);
    ck_assert_uint_eq(glGetError(), GL_NO_ERROR);
    return blocks;
}

/* The root of the mean of the squares of all differences, of 255. */
static double difference(const Blocks *a, const Blocks *b)
{
    double sum = 0;
    for (int y = 0; y < DOWN; y++)
        for (int x = 0; x < ACROSS; x++)
            for (int k = 0; k < 3; k++)
                sum += pow(a->colours[y][x][k] - b->colours[y][x][k], 2);
    return sqrt(sum / (DOWN * ACROSS * 3));
}

/* How much blocks differ among themselves: 0 for an empty picture. */
static double contrast(const Blocks *blocks)
{
    double sum = 0, squares = 0;
    for (int y = 0; y < DOWN; y++)
        for (int x = 0; x < ACROSS; x++) {
            sum += blocks->colours[y][x][1];
            squares += pow(blocks->colours[y][x][1], 2);
        }
    const double mean = sum / (DOWN * ACROSS);
    return sqrt(fmax(squares / (DOWN * ACROSS) - mean * mean, 0));
}

static png_image image_of(void)
{
    return (png_image){.version = PNG_IMAGE_VERSION, .width = ACROSS, .height = DOWN, .format = PNG_FORMAT_RGB};
}

/* A few of 255 on the mean: what another driver may do with edges and rounding. A tank that is missing makes three times as much. */
static void compare(View *view, const char *name)
{
    const Blocks now = blocks_of(view);
    Blocks kept;
    char path[4200];
    const char *folder = getenv("POLLUX_PICTURES");
    png_image image = image_of();
    snprintf(path, sizeof path, "%s/%s.png", folder ? folder : POLLUX_SOURCE "/tests/view/pictures", name);
    if (folder)
        ck_assert_msg(png_image_write_to_file(&image, path, 0, now.colours, 0, NULL), "%s: %s", path, image.message);
    ck_assert_msg(png_image_begin_read_from_file(&image, path), "%s: %s", path, image.message);
    ck_assert_uint_eq(image.width, ACROSS);
    ck_assert_uint_eq(image.height, DOWN);
    image.format = PNG_FORMAT_RGB;
    ck_assert(png_image_finish_read(&image, NULL, kept.colours, 0, NULL));
    ck_assert_msg(difference(&now, &kept) < 3, "%s differs by %.1f", name, difference(&now, &kept));
    ck_assert_double_gt(contrast(&now), 5);
}

START_TEST(a_scene_by_day_is_as_it_was)
{
    Made made = {.count = 12};
    View *view = open_view(&made, PALETTE_LIGHT);
    compare(view, "day");
    view_destroy(view);
}
END_TEST

START_TEST(a_scene_by_night_is_as_it_was)
{
    Made made = {.count = 12, .troubled = true};
    View *view = open_view(&made, PALETTE_DARK);
    compare(view, "night");
    view_destroy(view);
}
END_TEST

START_TEST(ghosts_are_as_they_were)
{
    Made made = {.count = 6, .ghosts = true};
    View *view = open_view(&made, PALETTE_LIGHT);
    view->horizon = 60;
    view_touch(view);
    view_frame(view, 0);
    compare(view, "ghosts");
    view_destroy(view);
}
END_TEST

START_TEST(a_crowd_is_as_it_was)
{
    Made made = {.count = 3000};
    View *view = open_view(&made, PALETTE_LIGHT);
    compare(view, "crowd");
    view_destroy(view);
}
END_TEST

/* Another level, a selection, another palette: each is seen. And nothing else changes a picture. */
START_TEST(what_changes_is_seen_and_nothing_else)
{
    Made made = {.count = 6};
    View *view = open_view(&made, PALETTE_LIGHT);
    const Blocks before = blocks_of(view);
    view_touch(view);
    view_frame(view, 0);
    const Blocks again = blocks_of(view);
    ck_assert_double_eq(difference(&before, &again), 0);

    view_select(view, 0);
    view_frame(view, 0);
    const Blocks selected = blocks_of(view);
    ck_assert_double_gt(difference(&before, &selected), 0.2);

    view_select(view, WORLD_NOBODY);
    made.phase = 2;
    view_frame(view, 0);
    const Blocks other = blocks_of(view);
    ck_assert_double_gt(difference(&before, &other), 0.2);

    view_set_palette(view, PALETTE_DARK);
    view_frame(view, 0);
    const Blocks dark = blocks_of(view);
    ck_assert_double_gt(difference(&other, &dark), 50);
    view_destroy(view);
}
END_TEST

START_TEST(a_frame_in_which_nothing_moves_is_not_drawn_again)
{
    Made made = {.count = 1};  // a tank: nothing in it turns
    View *view = open_view(&made, PALETTE_LIGHT);
    view_frame(view, 0.1);
    glBindFramebuffer(GL_DRAW_FRAMEBUFFER, 0);
    for (int i = 0; i < 5; i++) {
        view_frame(view, 0.1);
        ck_assert(!view->touched);
        GLint bound;
        glGetIntegerv(GL_DRAW_FRAMEBUFFER_BINDING, &bound);
        ck_assert_int_eq(bound, 0);  // whoever draws binds another
    }
    view_destroy(view);
}
END_TEST

START_TEST(a_pixel_of_a_body_picks_it)
{
    Made made = {.count = 1};
    View *view = open_view(&made, PALETTE_LIGHT);
    const WorldAsset *asset = &view->world.assets[0];
    float at[2];
    ck_assert(lens_project(&view->lens, (const float[]){asset->at[0], asset->at[1], asset->at[2] + 0.8F * asset->size[2]}, at, NULL));
    ck_assert_int_eq(view_pick(view, at[0], at[1]), 0);
    ck_assert_int_eq(view_pick(view, 2, 2), WORLD_NOBODY);
    view_destroy(view);
}
END_TEST

START_TEST(a_picture_is_a_png_of_its_size)
{
    Made made = {.count = 3};
    ErrText why = {""};
    View *view = open_view(&made, PALETTE_LIGHT);
    png_image image = {.version = PNG_IMAGE_VERSION};
    char path[4200];
    snprintf(path, sizeof path, "%s/scene.png", kit_folder());
    ck_assert_msg(surface_save(view->surface, path, &why) == ERR_OK, "%s", why.text);
    ck_assert(png_image_begin_read_from_file(&image, path));
    ck_assert_uint_eq(image.width, WIDTH);
    ck_assert_uint_eq(image.height, HEIGHT);
    png_image_free(&image);

    snprintf(path, sizeof path, "%s/nowhere/scene.png", kit_folder());
    ck_assert_int_eq(surface_save(view->surface, path, &why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, "nowhere/scene.png"));
    view_destroy(view);
}
END_TEST

START_TEST(without_a_display_it_says_so_and_what_to_do)
{
    Surface *surface;
    ErrText why = {""};
    setenv("SDL_VIDEODRIVER", "x11", 1);
    setenv("DISPLAY", ":97531", 1);
    ck_assert_int_eq(surface_open(&(SurfaceDef){.width = 100, .height = 100}, &surface, &why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, "no display"));
    ck_assert_ptr_nonnull(strstr(why.text, "--screenshot"));
    unsetenv("SDL_VIDEODRIVER");
    unsetenv("DISPLAY");
}
END_TEST

START_TEST(a_driver_that_shows_nothing_is_no_display)
{
    Surface *surface;
    ErrText why = {""};
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    SDL_SetHint(SDL_HINT_VIDEODRIVER, "offscreen");  // what SDL takes where nothing else is
    ck_assert_int_eq(surface_open(&(SurfaceDef){.width = 100, .height = 100}, &surface, &why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, "no display: neither DISPLAY nor WAYLAND_DISPLAY"));
    SDL_ResetHint(SDL_HINT_VIDEODRIVER);
}
END_TEST

START_TEST(without_opengl_it_says_so_and_what_to_do)
{
    Surface *surface;
    ErrText why = {""};
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    ck_assert_int_eq(surface_open(&(SurfaceDef){.width = 100, .height = 100}, &surface, &why), ERR_IO);
    ck_assert_ptr_nonnull(strstr(why.text, "OpenGL 3.3"));
    unsetenv("SDL_VIDEODRIVER");
}
END_TEST

KIT_MAIN("view.scene", a_scene_by_day_is_as_it_was, a_scene_by_night_is_as_it_was, ghosts_are_as_they_were, a_crowd_is_as_it_was, what_changes_is_seen_and_nothing_else,
         a_frame_in_which_nothing_moves_is_not_drawn_again, a_pixel_of_a_body_picks_it, a_picture_is_a_png_of_its_size, without_a_display_it_says_so_and_what_to_do,
         a_driver_that_shows_nothing_is_no_display,
         without_opengl_it_says_so_and_what_to_do)
