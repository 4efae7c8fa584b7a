/* screen.h -- an OpenGL context that no display is needed for, and its pixels. */
#pragma once

#include <SDL2/SDL.h>
#include <check.h>
#include <epoxy/gl.h>
#include <string.h>

enum { SCREEN_WIDE = 200, SCREEN_HIGH = 60 };

typedef struct Screen {
    SDL_Window *window;
    SDL_GLContext context;
    uint8_t pixels[SCREEN_HIGH][SCREEN_WIDE][4];  // upper row first
} Screen;

/* What drivers keep until the process ends is not ours to give back. The context stays open as well: once a driver is unloaded, LeakSanitizer does not
 * find what it kept. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static inline void screen_open(Screen *screen)
{
    if (__lsan_disable)
        __lsan_disable();
    SDL_SetHint(SDL_HINT_VIDEODRIVER, "offscreen");
    ck_assert_msg(SDL_Init(SDL_INIT_VIDEO) == 0, "%s", SDL_GetError());
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_MAJOR_VERSION, 3);
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_MINOR_VERSION, 3);
    SDL_GL_SetAttribute(SDL_GL_CONTEXT_PROFILE_MASK, SDL_GL_CONTEXT_PROFILE_CORE);
    screen->window = SDL_CreateWindow("test", 0, 0, SCREEN_WIDE, SCREEN_HIGH, SDL_WINDOW_OPENGL | SDL_WINDOW_HIDDEN);
    ck_assert_msg(screen->window != NULL, "%s", SDL_GetError());
    screen->context = SDL_GL_CreateContext(screen->window);
    ck_assert_msg(screen->context != NULL, "%s", SDL_GetError());
    if (__lsan_enable)
        __lsan_enable();
}

static inline void screen_read(Screen *screen)
{
    static uint8_t rows[SCREEN_HIGH][SCREEN_WIDE][4];
    glReadPixels(0, 0, SCREEN_WIDE, SCREEN_HIGH, GL_RGBA, GL_UNSIGNED_BYTE, rows);
    for (int row = 0; row < SCREEN_HIGH; row++)
        memcpy(screen->pixels[row], rows[SCREEN_HIGH - 1 - row], sizeof rows[row]);
    ck_assert_uint_eq(glGetError(), GL_NO_ERROR);
}
