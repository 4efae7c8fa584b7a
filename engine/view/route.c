#include "view/route.h"

#include <math.h>

static const float THICKNESS = 0.13F;  // of a pipe, as a share of the narrower body
static const float INSIDE = 0.4F;      // where it begins, from the middle of a body, as a share of its size: bodies hide the end

typedef struct Route {
    float points[4][2];
    size_t count;
    float thick, z, along;
    uint32_t link;
    int tube, elbow;
} Route;

static void choose_points(Route *route, const WorldAsset *from, const WorldAsset *to)
{
    const float dx = to->at[0] - from->at[0], dy = to->at[1] - from->at[1];
    const int main = fabsf(dx) >= fabsf(dy) ? 0 : 1, side = 1 - main;
    const float sense = (main == 0 ? dx : dy) >= 0 ? 1 : -1;
    float *points[4] = {route->points[0], route->points[1], route->points[2], route->points[3]};
    points[0][main] = from->at[main] + sense * INSIDE * from->size[main];
    points[0][side] = points[1][side] = from->at[side];
    points[3][main] = to->at[main] - sense * INSIDE * to->size[main];
    points[3][side] = points[2][side] = to->at[side];
    points[1][main] = points[2][main] = (points[0][main] + points[3][main]) / 2;
    route->count = 4;

    // in one line there is nothing to turn
    if (fabsf(points[3][side] - points[0][side]) < route->thick) {
        points[1][0] = points[3][0];
        points[1][1] = points[3][1];
        route->count = 2;
    }
}

static Piece straight(Route *route, const float *a, const float *b)
{
    const float dx = b[0] - a[0], dy = b[1] - a[1], length = hypotf(dx, dy);
    const Piece piece = {.link = route->link, .place = {(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, route->z}, .size = {length, route->thick, route->thick},
                         .turn = atan2f(dy, dx), .along = route->along + length / 2, .mesh = route->tube};
    route->along += length;
    return piece;
}

size_t route_link(const WorldAsset *from, const WorldAsset *to, uint32_t number, int tube, int elbow, Piece out[static ROUTE_PIECES_MAX])
{
    Route route = {.link = number, .tube = tube, .elbow = elbow};
    route.thick = THICKNESS * fminf(fminf(from->size[0], from->size[1]), fminf(to->size[0], to->size[1]));
    route.z = fminf(from->at[2], to->at[2]) + route.thick;
    choose_points(&route, from, to);

    size_t count = 0;
    for (size_t i = 0; i + 1 < route.count; i++) {
        out[count++] = straight(&route, route.points[i], route.points[i + 1]);
        if (i + 2 < route.count) {
            const float *corner = route.points[i + 1], wide = 1.25F * route.thick;
            out[count++] = (Piece){.link = number, .place = {corner[0], corner[1], route.z - 0.125F * route.thick}, .size = {wide, wide, wide},
                                   .along = route.along, .mesh = elbow};
        }
    }
    return count;
}
