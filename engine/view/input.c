#include "view/input.h"

#include <math.h>

static const float DRAG = 4;          // pixels that a hand trembles
static const float TURN = 0.006F;     // rad per pixel
static const float KEY_TURN = 0.12F, KEY_PAN = 0.08F, KEY_ZOOM = 1.2F, WHEEL_ZOOM = 1.18F;

void input_zoom(View *view, float factor, float x, float y)
{
    float origin[3], direction[3], ground[3];
    Camera *camera = &view->camera;
    lens_ray(&view->lens, x, y, origin, direction);
    const bool met = ray_meets_ground(origin, direction, camera->goal.target[2], ground);
    const float before = camera->goal.distance;
    camera_zoom(camera, factor);

    // what lies under the pointer comes no nearer to the middle than the distance says
    const float kept = camera->goal.distance / before;
    for (int axis = 0; axis < 2 && met; axis++)
        if (fabsf(ground[axis] - camera->goal.target[axis]) < 4 * before)
            camera->goal.target[axis] = ground[axis] + (camera->goal.target[axis] - ground[axis]) * kept;
    camera->moving = true;
    view_touch(view);
}

void input_next(View *view, int way)
{
    const int64_t count = view->world.asset_count;
    if (count > 0)
        view_select(view, view->selected == WORLD_NOBODY ? (way > 0 ? 0 : count - 1) : (view->selected + way + count) % count);
}

static void drag(Input *input, View *view, float x, float y)
{
    const bool pans = input->button != SDL_BUTTON_LEFT || (SDL_GetModState() & KMOD_SHIFT);
    const float right = x - input->x, down = y - input->y;
    if (!input->dragged && hypotf(x - input->down_x, y - input->down_y) < DRAG)
        return;
    input->dragged = true;
    if (pans) {
        view->followed = WORLD_NOBODY;
        camera_pan(&view->camera, -right / (float)view->lens.height, down / (float)view->lens.height);
    } else {
        camera_orbit(&view->camera, -right * TURN, down * TURN);
    }
    view_touch(view);
}

/* A click chooses what is there, a second one goes there. */
static void click(View *view, Uint8 clicks, float x, float y)
{
    view_select(view, view_pick(view, x, y));
    if (clicks >= 2)
        view_fly_to(view, view->selected);
}

static bool take_button(Input *input, View *view, const SDL_MouseButtonEvent *button, float x, float y)
{
    if (button->type == SDL_MOUSEBUTTONDOWN) {
        input->button = button->button;
        input->dragged = false;
        input->down_x = x;
        input->down_y = y;
        return true;
    }
    const bool was_click = input->button == SDL_BUTTON_LEFT && button->button == SDL_BUTTON_LEFT && !input->dragged;
    input->button = 0;
    if (was_click)
        click(view, button->clicks, x, y);
    return true;
}

static bool take_arrow(View *view, SDL_Keycode key, bool pans)
{
    const float right = key == SDLK_RIGHT ? 1.0F : key == SDLK_LEFT ? -1.0F : 0, away = key == SDLK_UP ? 1.0F : key == SDLK_DOWN ? -1.0F : 0;
    if (right == 0 && away == 0)
        return false;
    if (pans)
        camera_pan(&view->camera, KEY_PAN * right, KEY_PAN * away);
    else
        camera_orbit(&view->camera, -KEY_TURN * right, KEY_TURN * away);
    view_touch(view);
    return true;
}

static bool take_key(View *view, const SDL_KeyboardEvent *key)
{
    const float middle_x = (float)view->lens.width / 2, middle_y = (float)view->lens.height / 2;
    if (key->keysym.mod & (KMOD_CTRL | KMOD_ALT))
        return false;
    if (take_arrow(view, key->keysym.sym, key->keysym.mod & KMOD_SHIFT))
        return true;
    switch (key->keysym.sym) {
    case SDLK_PLUS:
    case SDLK_EQUALS:
    case SDLK_KP_PLUS:
        input_zoom(view, KEY_ZOOM, middle_x, middle_y);
        return true;
    case SDLK_MINUS:
    case SDLK_KP_MINUS:
        input_zoom(view, 1 / KEY_ZOOM, middle_x, middle_y);
        return true;
    case SDLK_HOME:
        view_fly_to(view, WORLD_NOBODY);
        return true;
    case SDLK_f:
        view_fly_to(view, view->selected);
        return true;
    case SDLK_l:
        view->followed = view->followed == view->selected ? WORLD_NOBODY : view->selected;
        view_touch(view);
        return true;
    case SDLK_n:
        input_next(view, 1);
        return true;
    case SDLK_p:
        input_next(view, -1);
        return true;
    default:
        return false;
    }
}

bool input_event(Input *input, View *view, const SDL_Event *event, float x, float y)
{
    bool used = false;
    switch (event->type) {
    case SDL_MOUSEMOTION:
        if (input->button)
            drag(input, view, x, y);
        input->stale = used = true;
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        used = take_button(input, view, &event->button, x, y);
        break;
    case SDL_MOUSEWHEEL:
        input_zoom(view, powf(WHEEL_ZOOM, event->wheel.preciseY), input->x, input->y);
        return true;  // it has no place of its own
    case SDL_KEYDOWN:
        return take_key(view, &event->key);
    default:
        return false;
    }
    input->x = x;
    input->y = y;
    return used;
}

void input_step(Input *input, View *view, bool covered)
{
    if (!input->stale || input->button)
        return;
    input->stale = false;
    const int64_t hovered = covered ? WORLD_NOBODY : view_pick(view, input->x, input->y);
    if (hovered != view->hovered)
        view_touch(view);
    view->hovered = hovered;
}
