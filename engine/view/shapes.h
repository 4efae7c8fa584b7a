/* shapes.h -- boxes, cylinders, cones and rings, added to a mesh.
 *
 * A Brush says where and of what: shapes are drawn along its axis. Each is closed and its normals point outward.
 *
 * Threads: one. */
#pragma once

#include "view/mesh.h"

typedef enum Axis { AXIS_X, AXIS_Y, AXIS_Z } Axis;

typedef struct Brush {
    MeshSet *set;
    Material material;
    Motion motion;
    float pivot[3];
    Axis axis;
    int segments;  // of a circle
} Brush;

/// A box between two corners.
void shape_box(const Brush *brush, float x0, float y0, float z0, float x1, float y1, float z1);
/// From the middle of its foot along the axis: radii at both ends (0: a point), and length.
void shape_frustum(const Brush *brush, const float foot[3], float radius, float top_radius, float length);
void shape_cylinder(const Brush *brush, const float foot[3], float radius, float length);
/// Half an ellipsoid that bulges along the axis.
void shape_dome(const Brush *brush, const float foot[3], float radius, float height);
/// A tube that is closed to a ring around the axis: `outer` and `inner` radius, `height`; its profile is a rectangle.
void shape_ring(const Brush *brush, const float foot[3], float outer, float inner, float height);
/// A prism with a triangle for its profile, a roof: along y, from (x0, z0) to (x1, z0) with the ridge in the middle at z1.
void shape_roof(const Brush *brush, float x0, float y0, float z0, float x1, float y1, float z1);
/// Three corners as they are, counter-clockwise seen from outside; normals need not have length 1.
void shape_triangle(MeshSet *set, const Vertex corners[3]);
