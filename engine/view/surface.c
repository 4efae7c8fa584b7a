#include "view/surface.h"

#include <SDL2/SDL.h>
#include <assert.h>
#include <epoxy/gl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 4,
    SIDE_MAX = 16384,
    WIDTH_LEAST = 640, HEIGHT_LEAST = 400,  // points of a window: bar, time line and panel have room
};

struct Surface {
    SDL_Window *window;
    SDL_GLContext context;
    bool hidden;
    int width, height;  // pixels
    float scale;
    GLuint many, many_colour, many_depth;  // several samples per pixel
    GLuint flat, flat_colour, flat_depth;  // one, and what the others come to
    bool smooth, software;
    char renderer[160];
};

// --- the framebuffers ----------------------------------------------------------------------------------------------

static GLuint make_buffer(GLenum format, GLsizei samples, int width, int height)
{
    GLuint buffer;
    glGenRenderbuffers(1, &buffer);
    glBindRenderbuffer(GL_RENDERBUFFER, buffer);
    glRenderbufferStorageMultisample(GL_RENDERBUFFER, samples, format, width, height);
    return buffer;
}

static void drop_buffers(Surface *surface)
{
    const GLuint buffers[] = {surface->many_colour, surface->many_depth, surface->flat_colour, surface->flat_depth}, frames[] = {surface->many, surface->flat};
    glDeleteFramebuffers(2, frames);
    glDeleteRenderbuffers(4, buffers);
}

static bool make_frame(const Surface *surface, GLsizei samples, GLuint *frame, GLuint *colour, GLuint *depth)
{
    glGenFramebuffers(1, frame);
    glBindFramebuffer(GL_FRAMEBUFFER, *frame);
    *colour = make_buffer(GL_RGBA8, samples, surface->width, surface->height);
    glFramebufferRenderbuffer(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_RENDERBUFFER, *colour);
    *depth = make_buffer(GL_DEPTH_COMPONENT24, samples, surface->width, surface->height);
    glFramebufferRenderbuffer(GL_FRAMEBUFFER, GL_DEPTH_ATTACHMENT, GL_RENDERBUFFER, *depth);
    return glCheckFramebufferStatus(GL_FRAMEBUFFER) == GL_FRAMEBUFFER_COMPLETE;
}

static Err make_buffers(Surface *surface, ErrText *why)
{
    const bool many = make_frame(surface, SAMPLES, &surface->many, &surface->many_colour, &surface->many_depth);
    const bool flat = make_frame(surface, 0, &surface->flat, &surface->flat_colour, &surface->flat_depth);
    return many && flat ? ERR_OK : err_set(why, ERR_IO, "OpenGL has no room for a picture of %d x %d pixels", surface->width, surface->height);
}

// --- opening -------------------------------------------------------------------------------------------------------

/* Whether SDL, which found no display, took one of its drivers that show nothing instead. Who asks for such a one by name gets it. */
static bool is_invisible(const char *driver)
{
    static const char *const invisible[] = {"offscreen", "dummy", "evdev", NULL};
    for (const char *const *name = invisible; *name; name++)
        if (strcmp(driver, *name) == 0)
            return !getenv("SDL_VIDEODRIVER");
    return false;
}

static Err start_video(bool hidden, ErrText *why)
{
    if (hidden)
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "offscreen");
    const bool started = SDL_InitSubSystem(SDL_INIT_VIDEO) == 0;
    if (started && (hidden || !is_invisible(SDL_GetCurrentVideoDriver())))
        return ERR_OK;
    if (hidden)
        return err_set(why, ERR_IO, "nothing can be drawn without a display here: %s. It takes EGL and a driver for it (libegl1, libgl1-mesa-dri)", SDL_GetError());
    return err_set(why, ERR_IO, "there is no display: %s. On a machine without one, --screenshot FILE and --record FOLDER draw without a window",
                   started ? "neither DISPLAY nor WAYLAND_DISPLAY leads to one" : SDL_GetError());
}

/* Mesa's, and what browsers' test machines have. */
static bool names_software(const char *renderer)
{
    return strstr(renderer, "llvmpipe") || strstr(renderer, "softpipe") || strstr(renderer, "SwiftShader");
}

static Err open_window(Surface *surface, const SurfaceDef *def, ErrText *why)
{
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_MAJOR_VERSION, 3);
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_MINOR_VERSION, 3);
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_PROFILE_MASK, SDL_GL_CONTEXT_PROFILE_CORE);
    SDL_GL_SetAttribute(SDL_GL_DEPTH_SIZE, 0);  // the window shows pictures; depth is ours
    const Uint32 flags = SDL_WINDOW_OPENGL | SDL_WINDOW_ALLOW_HIGHDPI | (def->hidden ? SDL_WINDOW_HIDDEN : SDL_WINDOW_RESIZABLE);
    const char *title = def->title ? def->title : "Pollux";
    surface->window = SDL_CreateWindow(title, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, surface->width, surface->height, flags);
    surface->context = surface->window ? SDL_GL_CreateContext(surface->window) : NULL;
    if (!surface->context)
        return err_set(why, ERR_IO, "there is no OpenGL 3.3 here: %s. Its driver may be too old; LIBGL_ALWAYS_SOFTWARE=1 lets Mesa draw in software", SDL_GetError());
    if (epoxy_gl_version() < 33)
        return err_set(why, ERR_IO, "OpenGL 3.3 is needed, and this driver has %s", (const char *)glGetString(GL_VERSION));
    SDL_SetWindowMinimumSize(surface->window, WIDTH_LEAST, HEIGHT_LEAST);
    SDL_GL_SetSwapInterval(1);
    surface->software = names_software((const char *)glGetString(GL_RENDERER));
    snprintf(surface->renderer, sizeof surface->renderer, "OpenGL %s, %s", (const char *)glGetString(GL_VERSION), (const char *)glGetString(GL_RENDERER));
    return ERR_OK;
}

/* A window has the pixels that the display gives it; what nobody sees has those that were asked for. */
static void measure(Surface *surface, const SurfaceDef *def)
{
    int points, pixels;
    SDL_GetWindowSize(surface->window, &points, NULL);
    SDL_GL_GetDrawableSize(surface->window, &pixels, NULL);
    if (!surface->hidden)
        SDL_GL_GetDrawableSize(surface->window, &surface->width, &surface->height);
    surface->scale = def->scale > 0 ? def->scale : surface->hidden || points <= 0 ? 1 : (float)pixels / (float)points;
}

Err surface_open(const SurfaceDef *def, Surface **out, ErrText *why)
{
    Surface *surface = mem_alloc(sizeof *surface);
    *out = NULL;
    if (!surface)
        return err_set(why, ERR_MEMORY, "no memory for a window");
    surface->hidden = def->hidden;
    surface->width = def->width ? def->width : 1280;
    surface->height = def->height ? def->height : 720;

    Err err = start_video(def->hidden, why);
    if (!err)
        err = open_window(surface, def, why);
    if (!err) {
        measure(surface, def);
        err = make_buffers(surface, why);
    }
    if (err)
        surface_close(surface);
    else
        *out = surface;
    return err;
}

void surface_close(Surface *surface)
{
    if (!surface)
        return;
    if (surface->context) {
        drop_buffers(surface);
        SDL_GL_DeleteContext(surface->context);
    }
    if (surface->window)
        SDL_DestroyWindow(surface->window);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    mem_free(surface);
}

void surface_size(const Surface *surface, int *width, int *height, float *scale)
{
    *width = surface->width;
    *height = surface->height;
    *scale = surface->scale;
}

Err surface_resize(Surface *surface, int width, int height, ErrText *why)
{
    assert(width > 0 && height > 0);
    if (width == surface->width && height == surface->height)
        return ERR_OK;
    drop_buffers(surface);
    surface->width = width < SIDE_MAX ? width : SIDE_MAX;
    surface->height = height < SIDE_MAX ? height : SIDE_MAX;
    return make_buffers(surface, why);
}

Err surface_follow(Surface *surface, ErrText *why)
{
    int width, height;
    if (surface->hidden)
        return ERR_OK;
    SDL_GL_GetDrawableSize(surface->window, &width, &height);
    return width > 0 && height > 0 ? surface_resize(surface, width, height, why) : ERR_OK;
}

// --- a frame -------------------------------------------------------------------------------------------------------

void surface_begin(Surface *surface, bool smooth)
{
    surface->smooth = smooth;
    glBindFramebuffer(GL_FRAMEBUFFER, smooth ? surface->many : surface->flat);
    glViewport(0, 0, surface->width, surface->height);
}

static void copy(const Surface *surface, GLuint from, GLuint to)
{
    glBindFramebuffer(GL_READ_FRAMEBUFFER, from);
    glBindFramebuffer(GL_DRAW_FRAMEBUFFER, to);
    glBlitFramebuffer(0, 0, surface->width, surface->height, 0, 0, surface->width, surface->height, GL_COLOR_BUFFER_BIT, GL_NEAREST);
}

void surface_flatten(Surface *surface)
{
    if (surface->smooth)
        copy(surface, surface->many, surface->flat);
    glBindFramebuffer(GL_FRAMEBUFFER, surface->flat);
}

void surface_end(Surface *surface)
{
    if (surface->hidden) {
        glFinish();
        return;
    }
    copy(surface, surface->flat, 0);
    SDL_GL_SwapWindow(surface->window);
}

unsigned char *surface_pixels(Surface *surface)
{
    const size_t line = (size_t)surface->width * 4, height = (size_t)surface->height;
    unsigned char *pixels = mem_alloc(line * (height + 1));
    if (!pixels)
        return NULL;
    glBindFramebuffer(GL_READ_FRAMEBUFFER, surface->flat);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glReadPixels(0, 0, surface->width, surface->height, GL_RGBA, GL_UNSIGNED_BYTE, pixels);

    // OpenGL counts lines from below
    unsigned char *spare = pixels + line * height;
    for (size_t low = 0, high = height - 1; low < high; low++, high--) {
        memcpy(spare, pixels + low * line, line);
        memcpy(pixels + low * line, pixels + high * line, line);
        memcpy(pixels + high * line, spare, line);
    }
    for (size_t i = 3; i < line * height; i += 4)
        pixels[i] = 255;
    return pixels;
}

Err surface_save(Surface *surface, const char *path, ErrText *why)
{
    unsigned char *pixels = surface_pixels(surface);
    if (!pixels)
        return err_set(why, ERR_MEMORY, "no memory for a picture of %d x %d pixels", surface->width, surface->height);
    png_image image = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)surface->width, .height = (png_uint_32)surface->height, .format = PNG_FORMAT_RGBA};
    const int written = png_image_write_to_file(&image, path, 0, pixels, 0, NULL);
    mem_free(pixels);
    return written ? ERR_OK : err_set(why, ERR_IO, "%s: %s", path, image.message);
}

bool surface_is_software(const Surface *surface)
{
    return surface->software;
}

const char *surface_renderer(const Surface *surface)
{
    return surface->renderer;
}

void *surface_window(const Surface *surface)
{
    return surface->window;
}
