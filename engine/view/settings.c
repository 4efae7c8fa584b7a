#include "view/settings.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 1024, FILE_MAX = 64 * 1024 };

void settings_default(Settings *settings)
{
    *settings = (Settings){.palette = PALETTE_LIGHT, .width = 1280, .height = 720};
}

Err settings_path(char *out, size_t size, ErrText *why)
{
    const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int length = -1;
    if (folder && *folder)
        length = snprintf(out, size, "%s/pollux/view.json", folder);
    else if (home && *home)
        length = snprintf(out, size, "%s/.config/pollux/view.json", home);
    return length > 0 && (size_t)length < size ? ERR_OK : err_set(why, ERR_IO, "settings: neither XDG_CONFIG_HOME nor HOME names a folder");
}

// Reading.

/* A number within its limits, where there is one. */
static bool read_number(const json_t *object, const char *key, double low, double high, double *out, ErrText *why)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return true;
    if (!json_is_number(value) || !(json_number_value(value) >= low && json_number_value(value) <= high)) {
        err_set(why, ERR_RANGE, "\"%s\": expected a number from %g to %g", key, low, high);
        return false;
    }
    *out = json_number_value(value);
    return true;
}

static bool read_text(const json_t *object, const char *key, char *out, size_t size, ErrText *why)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return true;
    if (!json_is_string(value) || strlen(json_string_value(value)) >= size) {
        err_set(why, ERR_RANGE, "\"%s\": expected a text of less than %zu bytes", key, size);
        return false;
    }
    snprintf(out, size, "%s", json_string_value(value));
    return true;
}

static bool read_camera(const json_t *object, Settings *out, ErrText *why)
{
    static const char *const names[] = {"x", "y", "z", "yaw", "pitch", "distance"};
    static const double limits[][2] =
        {{-1e6, 1e6}, {-1e6, 1e6}, {-1e6, 1e6}, {-1e3, 1e3}, {CAMERA_PITCH_MIN, CAMERA_PITCH_MAX}, {CAMERA_DISTANCE_MIN, CAMERA_DISTANCE_MAX}};
    const json_t *camera = json_object_get(object, "camera");
    double values[6] = {0};
    if (!camera)
        return true;
    for (int i = 0; i < 6; i++) {
        values[i] = NAN;
        if (!read_number(camera, names[i], limits[i][0], limits[i][1], &values[i], why))
            return false;
        if (isnan(values[i])) {
            err_set(why, ERR_RANGE, "\"camera\": expected numbers x, y, z, yaw, pitch and distance");
            return false;
        }
    }
    out->camera = (CameraPose){{(float)values[0], (float)values[1], (float)values[2]}, (float)values[3], (float)values[4], (float)values[5]};
    out->has_camera = true;
    return true;
}

static bool read_settings(const json_t *root, Settings *out, ErrText *why)
{
    char theme[16] = "";
    double width = out->width, height = out->height;
    if (!json_is_object(root)) {
        err_set(why, ERR_RANGE, "expected an object");
        return false;
    }
    if (!read_text(root, "theme", theme, sizeof theme, why) || !read_text(root, "plant", out->plant, sizeof out->plant, why) ||
        !read_text(root, "server", out->server, sizeof out->server, why) || !read_number(root, "scale", 0, 4, &out->scale, why) ||
        !read_number(root, "width", 320, 16384, &width, why) || !read_number(root, "height", 240, 16384, &height, why) ||
        !read_number(root, "horizon", 0, 604800, &out->horizon, why) || !read_camera(root, out, why))
        return false;
    if (theme[0] && !palette_parse(theme, &out->palette)) {
        err_set(why, ERR_RANGE, "\"theme\": expected light or dark");
        return false;
    }
    if (out->scale > 0 && out->scale < 0.5) {
        err_set(why, ERR_RANGE, "\"scale\": expected 0 (the display's) or a number from 0.5 to 4");
        return false;
    }
    out->width = (int)width;
    out->height = (int)height;
    return true;
}

Err settings_load(const char *path, Settings *settings, ErrText *why)
{
    settings_default(settings);
    FILE *file = fopen(path, "rb");
    if (!file)
        return errno == ENOENT || errno == ENOTDIR ? ERR_OK : err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    char bytes[FILE_MAX];
    const size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);

    json_error_t error;
    json_t *root = length < sizeof bytes ? json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (!root)
        return err_set(why, ERR_PARSE, "%s: %s; the defaults are used", path, length < sizeof bytes ? error.text : "too large");
    Settings read = *settings;
    ErrText what = {""};
    const bool fine = read_settings(root, &read, &what);
    json_decref(root);
    if (!fine)
        return err_set(why, ERR_RANGE, "%s: %s; the defaults are used", path, what.text);
    *settings = read;
    return ERR_OK;
}

// Writing.

static void put_settings(Text *out, const Settings *settings)
{
    const CameraPose *camera = &settings->camera;
    text_format(out, "{\n  \"theme\": \"%s\",\n  \"scale\": ", settings->palette == PALETTE_DARK ? "dark" : "light");
    text_json_number(out, settings->scale);
    text_format(out, ",\n  \"width\": %d,\n  \"height\": %d,\n  \"horizon\": ", settings->width, settings->height);
    text_json_number(out, settings->horizon);
    text_put(out, ",\n  \"plant\": ");
    text_json_string(out, settings->plant);
    text_put(out, ",\n  \"server\": ");
    text_json_string(out, settings->server);
    if (settings->has_camera)
        text_format(out, ",\n  \"camera\": {\"x\": %.9g, \"y\": %.9g, \"z\": %.9g, \"yaw\": %.9g, \"pitch\": %.9g, \"distance\": %.9g}",
                    (double)camera->target[0], (double)camera->target[1], (double)camera->target[2], (double)camera->yaw, (double)camera->pitch,
                    (double)camera->distance);
    text_put(out, "\n}\n");
}

static Err make_folder(const char *path, ErrText *why)
{
    char folder[PATH_ROOM];
    snprintf(folder, sizeof folder, "%s", path);
    char *end = strrchr(folder, '/');
    if (!end)
        return ERR_OK;
    for (char *at = folder + 1; at <= end; at++)
        if (*at == '/' || at == end) {
            *at = 0;
            if (mkdir(folder, 0700) != 0 && errno != EEXIST)
                return err_set(why, ERR_IO, "%s: %s", folder, strerror(errno));
            *at = '/';
        }
    return ERR_OK;
}

Err settings_save(const char *path, const Settings *settings, ErrText *why)
{
    char beside[PATH_ROOM];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
        return err_set(why, ERR_IO, "%s: the path is too long", path);
    const Err err = make_folder(path, why);
    if (err)
        return err;
    Text text = {0};
    put_settings(&text, settings);
    const int file = text.failed ? -1 : open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = file >= 0 && write(file, text.bytes, text.length) == (ssize_t)text.length && fsync(file) == 0;
    done = (file < 0 || close(file) == 0) && done && rename(beside, path) == 0;
    text_fini(&text);
    return done ? ERR_OK : err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
}
