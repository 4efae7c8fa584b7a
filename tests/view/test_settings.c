/* What the window remembers comes back, and a broken file does no harm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/kit.h"
#include "view/settings.h"

static char path[512];

static void in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", kit_folder(), name);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

START_TEST(what_was_saved_comes_back)
{
    in_folder("a/b/view.json");
    ErrText why = {""};
    Settings read, saved = {.palette = PALETTE_DARK, .scale = 1.5, .width = 1600, .height = 900, .horizon = 600, .plant = "works \"two\"", .server = "https://plant.example.org:8080",
                            .camera = {{1.5F, -2, 0.25F}, 0.5F, 0.75F, 42}, .has_camera = true};
    ck_assert_msg(settings_save(path, &saved, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(settings_save(path, &saved, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(settings_load(path, &read, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(read.palette, PALETTE_DARK);
    ck_assert_double_eq(read.scale, 1.5);
    ck_assert_int_eq(read.width, 1600);
    ck_assert_int_eq(read.height, 900);
    ck_assert_double_eq(read.horizon, 600);
    ck_assert_str_eq(read.plant, saved.plant);
    ck_assert_str_eq(read.server, saved.server);
    ck_assert(read.has_camera);
    ck_assert_mem_eq(&read.camera, &saved.camera, sizeof read.camera);

    // nothing is left beside it
    strcat(path, ".new");
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(without_a_file_it_is_the_first_day)
{
    in_folder("none.json");
    Settings settings, first;
    ErrText why;
    settings_default(&first);
    ck_assert_int_eq(settings_load(path, &settings, &why), ERR_OK);
    ck_assert_int_eq(settings.width, first.width);
    ck_assert(!settings.has_camera);
}
END_TEST

START_TEST(a_broken_file_is_told_about_and_left_out)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"{\"theme\":\"dark\",", "view.json"},
        {"[]", "expected an object"},
        {"{\"theme\":\"pink\"}", "expected light or dark"},
        {"{\"theme\":\"dark\",\"width\":-4}", "\"width\": expected a number from 320"},
        {"{\"theme\":\"dark\",\"scale\":\"big\"}", "\"scale\": expected a number"},
        {"{\"theme\":\"dark\",\"scale\":0.1}", "\"scale\": expected"},
        {"{\"theme\":\"dark\",\"camera\":{\"x\":1}}", "\"camera\": expected numbers"},
        {"{\"theme\":\"dark\",\"camera\":{\"x\":1,\"y\":1,\"z\":1e99,\"yaw\":0,\"pitch\":1,\"distance\":5}}", "\"z\": expected"},
    };
    in_folder("view.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Settings settings;
        ErrText why = {""};
        write_file(cases[i].text);
        ck_assert_int_ne(settings_load(path, &settings, &why), ERR_OK);
        ck_assert_msg(strstr(why.text, cases[i].expected) && strstr(why.text, path), "case %zu: %s", i, why.text);
        ck_assert_int_eq(settings.palette, PALETTE_LIGHT);
        ck_assert_int_eq(settings.width, 1280);
    }
}
END_TEST

START_TEST(what_cannot_be_written_leaves_the_old_file)
{
    in_folder("kept.json");
    write_file("{\"theme\":\"dark\"}");
    Settings settings;
    ErrText why = {""};
    settings_default(&settings);
    char inside[600];
    snprintf(inside, sizeof inside, "%s/view.json", path);  // a file where a folder should be
    ck_assert_int_eq(settings_save(inside, &settings, &why), ERR_IO);
    ck_assert_int_eq(settings_load(path, &settings, &why), ERR_OK);
    ck_assert_int_eq(settings.palette, PALETTE_DARK);
}
END_TEST

START_TEST(the_place_is_that_of_the_users_settings)
{
    char out[512];
    ErrText why;
    setenv("XDG_CONFIG_HOME", "/tmp/config", 1);
    ck_assert_int_eq(settings_path(out, sizeof out, &why), ERR_OK);
    ck_assert_str_eq(out, "/tmp/config/pollux/view.json");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", "/home/anna", 1);
    ck_assert_int_eq(settings_path(out, sizeof out, &why), ERR_OK);
    ck_assert_str_eq(out, "/home/anna/.config/pollux/view.json");
    unsetenv("HOME");
    ck_assert_int_eq(settings_path(out, sizeof out, &why), ERR_IO);
}
END_TEST

KIT_MAIN("view.settings", what_was_saved_comes_back, without_a_file_it_is_the_first_day, a_broken_file_is_told_about_and_left_out, what_cannot_be_written_leaves_the_old_file,
         the_place_is_that_of_the_users_settings)
