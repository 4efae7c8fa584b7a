/* door.c -- most who leave came last, so they are looked for from the end. */
#include "server/door.h"

#include <string.h>

static void take_out(Door *door, size_t place)
{
    door->count--;
    memmove(&door->waiting[place], &door->waiting[place + 1], (door->count - place) * sizeof *door->waiting);
}

struct lws *door_enter(Door *door, struct lws *wsi)
{
    struct lws *oldest = door->count == DOOR_MAX ? door->waiting[0] : NULL;
    if (oldest)
        take_out(door, 0);
    door->waiting[door->count++] = wsi;
    return oldest;
}

bool door_leave(Door *door, const struct lws *wsi)
{
    for (size_t place = door->count; place-- > 0;)
        if (door->waiting[place] == wsi) {
            take_out(door, place);
            return true;
        }
    return false;
}
