/* catalogue.c -- the meshes that are built in, by kind of asset.
 *
 * Each is a function of the level of detail: at 0 everything, at 1 what is seen from some way off. At 2 nearly all are boxes. */
#include "view/mesh.h"
#include "view/shapes.h"

typedef void Shape(Brush *brush, int level);

/* Another material, at rest. */
static Brush *of(Brush *brush, Material material)
{
    brush->material = material;
    brush->motion = MOTION_NONE;
    brush->axis = AXIS_Z;
    return brush;
}

static Brush *moving(Brush *brush, Motion motion, float x, float y, float z)
{
    brush->motion = motion;
    brush->pivot[0] = x;
    brush->pivot[1] = y;
    brush->pivot[2] = z;
    return brush;
}

#define AT(x, y, z) ((const float[]){x, y, z})

// --- vessels -------------------------------------------------------------------------------------------------------

/* Something that is filled in, round, between `foot` and `rim` of the box. */
static void liquid(Brush *brush, float radius, float foot, float rim)
{
    moving(of(brush, MATERIAL_LIQUID), MOTION_FILL, foot, rim, 0);
    shape_cylinder(brush, AT(0, 0, 0), radius, 1);
}

static void draw_tank(Brush *brush, int level)
{
    if (level == 2) {
        shape_box(of(brush, MATERIAL_METAL), -0.45F, -0.45F, 0, 0.45F, 0.45F, 0.04F);
        moving(of(brush, MATERIAL_LIQUID), MOTION_FILL, 0.04F, 0.98F, 0);
        shape_box(brush, -0.43F, -0.43F, 0, 0.43F, 0.43F, 1);
        return;
    }
    shape_cylinder(of(brush, MATERIAL_METAL), AT(0, 0, 0), 0.5F, 0.04F);
    liquid(brush, 0.465F, 0.04F, 0.98F);
    shape_ring(of(brush, MATERIAL_METAL), AT(0, 0, 0.97F), 0.5F, 0.465F, 0.03F);
    shape_ring(of(brush, MATERIAL_GLASS), AT(0, 0, 0.04F), 0.49F, 0.468F, 0.93F);
    if (level == 0) {
        shape_cylinder(of(brush, MATERIAL_DARK), AT(0.46F, 0, 0.04F), 0.02F, 0.93F);  // the gauge's pipe
        shape_ring(of(brush, MATERIAL_METAL), AT(0, 0, 0.48F), 0.5F, 0.49F, 0.02F);
    }
}

/* A vessel on legs, the upper third of the box. */
static void draw_tower(Brush *brush, int level)
{
    static const float legs[4][2] = {{-0.3F, -0.3F}, {0.3F, -0.3F}, {0.3F, 0.3F}, {-0.3F, 0.3F}};
    of(brush, MATERIAL_PALE);
    for (int i = 0; i < 4; i++)
        shape_box(brush, legs[i][0] - 0.035F, legs[i][1] - 0.035F, 0, legs[i][0] + 0.035F, legs[i][1] + 0.035F, 0.6F);
    if (level == 0) {
        shape_box(brush, -0.3F, -0.32F, 0.29F, 0.3F, -0.28F, 0.31F);
        shape_box(brush, -0.3F, 0.28F, 0.29F, 0.3F, 0.32F, 0.31F);
        shape_box(brush, -0.32F, -0.3F, 0.29F, -0.28F, 0.3F, 0.31F);
        shape_box(brush, 0.28F, -0.3F, 0.29F, 0.32F, 0.3F, 0.31F);
    }
    shape_cylinder(of(brush, MATERIAL_PIPE), AT(0, 0, 0), 0.06F, 0.6F);
    shape_cylinder(of(brush, MATERIAL_METAL), AT(0, 0, 0.58F), 0.5F, 0.03F);
    liquid(brush, level < 2 ? 0.465F : 0.49F, 0.61F, 0.92F);
    if (level == 2)
        return;
    shape_ring(of(brush, MATERIAL_GLASS), AT(0, 0, 0.61F), 0.49F, 0.468F, 0.3F);
    shape_frustum(of(brush, MATERIAL_METAL), AT(0, 0, 0.91F), 0.51F, 0.04F, 0.09F);
}

/* A pressure vessel with a window: domed ends, on feet. */
static void draw_filter(Brush *brush, int level)
{
    of(brush, MATERIAL_DARK);
    for (int i = 0; i < 4; i++) {
        const float x = i & 1 ? 0.27F : -0.27F, y = i & 2 ? 0.27F : -0.27F;
        shape_box(brush, x - 0.05F, y - 0.05F, 0, x + 0.05F, y + 0.05F, 0.2F);
    }
    shape_cylinder(of(brush, MATERIAL_BODY), AT(0, 0, 0.12F), 0.47F, 0.3F);
    liquid(brush, level < 2 ? 0.43F : 0.46F, 0.42F, 0.78F);
    if (level == 2) {
        shape_cylinder(of(brush, MATERIAL_BODY), AT(0, 0, 0.8F), 0.47F, 0.1F);
        return;
    }
    shape_ring(of(brush, MATERIAL_GLASS), AT(0, 0, 0.42F), 0.46F, 0.435F, 0.36F);
    shape_cylinder(of(brush, MATERIAL_BODY), AT(0, 0, 0.78F), 0.47F, 0.05F);
    shape_dome(brush, AT(0, 0, 0.83F), 0.47F, 0.13F);
    shape_ring(of(brush, MATERIAL_METAL), AT(0, 0, 0.4F), 0.5F, 0.45F, 0.03F);
    shape_ring(brush, AT(0, 0, 0.77F), 0.5F, 0.45F, 0.03F);
    shape_cylinder(brush, AT(0, 0, 0.93F), 0.08F, 0.07F);
}

/* A lying vessel: heat exchangers and the like. */
static void draw_drum(Brush *brush, int level)
{
    shape_box(of(brush, MATERIAL_DARK), -0.3F, -0.25F, 0, -0.2F, 0.25F, 0.3F);
    shape_box(brush, 0.2F, -0.25F, 0, 0.3F, 0.25F, 0.3F);
    of(brush, MATERIAL_BODY)->axis = AXIS_X;
    shape_cylinder(brush, AT(-0.42F, 0, 0.55F), 0.4F, 0.84F);
    if (level == 2)
        return;
    of(brush, MATERIAL_METAL)->axis = AXIS_X;
    shape_cylinder(brush, AT(-0.5F, 0, 0.55F), 0.36F, 0.08F);
    shape_cylinder(brush, AT(0.42F, 0, 0.55F), 0.36F, 0.08F);
    shape_ring(brush, AT(-0.36F, 0, 0.55F), 0.45F, 0.39F, 0.03F);
    shape_ring(brush, AT(0.33F, 0, 0.55F), 0.45F, 0.39F, 0.03F);
    shape_cylinder(of(brush, MATERIAL_METAL), AT(-0.22F, 0, 0.9F), 0.08F, 0.1F);
    shape_cylinder(brush, AT(0.22F, 0, 0.9F), 0.08F, 0.1F);
}

// --- what turns ----------------------------------------------------------------------------------------------------

/* Blades of a fan around the x axis at (x, 0, z). */
static void fan(Brush *brush, float x, float z, float radius, float thick)
{
    of(brush, MATERIAL_PALE);
    moving(brush, MOTION_SPIN_X, x, 0, z);
    shape_box(brush, x, -radius, z - 0.07F, x + thick, radius, z + 0.07F);
    shape_box(brush, x, -0.07F, z - radius, x + thick, 0.07F, z + radius);
}

static void draw_motor(Brush *brush, int level)
{
    shape_box(of(brush, MATERIAL_DARK), -0.5F, -0.42F, 0, 0.42F, 0.42F, 0.12F);
    shape_box(brush, -0.35F, -0.3F, 0.12F, 0.3F, 0.3F, 0.3F);
    of(brush, MATERIAL_BODY)->axis = AXIS_X;
    shape_cylinder(brush, AT(-0.42F, 0, 0.56F), 0.38F, 0.72F);
    if (level == 2)
        return;
    if (level == 0)
        for (int i = 0; i < 5; i++)
            shape_ring(brush, AT(-0.34F + 0.12F * (float)i, 0, 0.56F), 0.43F, 0.37F, 0.05F);
    of(brush, MATERIAL_METAL)->axis = AXIS_X;
    shape_cylinder(brush, AT(0.3F, 0, 0.56F), 0.1F, 0.12F);
    fan(brush, 0.42F, 0.56F, 0.4F, 0.06F);
}

/* Volute and outlet on the left, the motor on the right, and between them a coupling that is seen to turn. */
static void draw_pump(Brush *brush, int level)
{
    if (level == 2) {
        shape_box(of(brush, MATERIAL_DARK), -0.48F, -0.34F, 0, -0.16F, 0.34F, 0.8F);
        shape_box(of(brush, MATERIAL_BODY), -0.1F, -0.3F, 0, 0.48F, 0.3F, 0.7F);
        return;
    }
    shape_box(of(brush, MATERIAL_DARK), -0.5F, -0.36F, 0, 0.5F, 0.36F, 0.1F);
    of(brush, MATERIAL_METAL)->axis = AXIS_X;
    shape_cylinder(brush, AT(-0.42F, 0, 0.42F), 0.34F, 0.22F);
    shape_cylinder(brush, AT(-0.5F, 0, 0.42F), 0.15F, 0.09F);
    shape_cylinder(of(brush, MATERIAL_METAL), AT(-0.31F, 0.2F, 0.42F), 0.11F, 0.5F);
    shape_ring(brush, AT(-0.31F, 0.2F, 0.92F), 0.16F, 0.05F, 0.08F);

    of(brush, MATERIAL_BODY)->axis = AXIS_X;
    shape_cylinder(brush, AT(0.04F, 0, 0.42F), 0.27F, 0.38F);
    if (level == 0)
        for (int i = 0; i < 4; i++)
            shape_ring(brush, AT(0.08F + 0.09F * (float)i, 0, 0.42F), 0.31F, 0.26F, 0.035F);
    shape_box(of(brush, MATERIAL_BODY), 0.12F, -0.12F, 0.66F, 0.34F, 0.12F, 0.8F);
    of(brush, MATERIAL_DARK)->axis = AXIS_X;
    shape_cylinder(brush, AT(-0.2F, 0, 0.42F), 0.06F, 0.24F);
    fan(brush, -0.12F, 0.42F, 0.3F, 0.06F);
    fan(brush, 0.43F, 0.42F, 0.26F, 0.05F);
}

static void draw_valve(Brush *brush, int level)
{
    of(brush, MATERIAL_METAL)->axis = AXIS_X;
    shape_frustum(brush, AT(-0.42F, 0, 0.28F), 0.24F, 0.12F, 0.42F);
    shape_frustum(brush, AT(0, 0, 0.28F), 0.12F, 0.24F, 0.42F);
    shape_cylinder(of(brush, MATERIAL_METAL), AT(0, 0, 0.3F), 0.06F, 0.45F);
    shape_cylinder(of(brush, MATERIAL_BODY), AT(0, 0, 0.52F), 0.26F, 0.12F);
    if (level == 2)
        return;
    shape_dome(brush, AT(0, 0, 0.64F), 0.26F, 0.08F);
    of(brush, MATERIAL_DARK)->axis = AXIS_X;
    shape_cylinder(brush, AT(-0.5F, 0, 0.28F), 0.28F, 0.08F);
    shape_cylinder(brush, AT(0.42F, 0, 0.28F), 0.28F, 0.08F);

    // the wheel, and a pointer that tells how far it is open
    moving(of(brush, MATERIAL_PALE), MOTION_OPEN, 0, 0, 0);
    shape_ring(brush, AT(0, 0, 0.86F), 0.34F, 0.27F, 0.05F);
    shape_box(brush, -0.33F, -0.04F, 0.87F, 0.33F, 0.04F, 0.9F);
    shape_box(brush, -0.5F, -0.06F, 0.91F, 0.5F, 0.06F, 0.97F);
}

// --- pipes ---------------------------------------------------------------------------------------------------------

/* The piece that connections are made of: along x, without flanges. */
static void draw_tube(Brush *brush, int level)
{
    if (level == 2) {
        shape_box(of(brush, MATERIAL_PIPE), -0.5F, -0.45F, 0.05F, 0.5F, 0.45F, 0.95F);
        return;
    }
    brush->segments = brush->segments / 2 + 1;
    of(brush, MATERIAL_PIPE)->axis = AXIS_X;
    shape_cylinder(brush, AT(-0.5F, 0, 0.5F), 0.5F, 1);
}

static void draw_elbow(Brush *brush, int level)
{
    brush->segments = level < 2 ? brush->segments / 2 + 1 : 4;
    shape_dome(of(brush, MATERIAL_PIPE), AT(0, 0, 0.5F), 0.5F, 0.5F);
    shape_frustum(brush, AT(0, 0, 0), 0.2F, 0.5F, 0.5F);
}

static void draw_pipe(Brush *brush, int level)
{
    for (int i = 0; i < 3; i++) {
        const float x = -0.4F + 0.4F * (float)i;
        shape_box(of(brush, MATERIAL_DARK), x - 0.03F, -0.4F, 0, x + 0.03F, 0.4F, 0.25F);
    }
    of(brush, MATERIAL_PIPE)->axis = AXIS_X;
    shape_cylinder(brush, AT(-0.5F, 0, 0.5F), 0.36F, 1);
    if (level == 2)
        return;
    of(brush, MATERIAL_METAL)->axis = AXIS_X;
    for (int i = 0; i < 3; i++)
        shape_ring(brush, AT(-0.485F + 0.47F * (float)i, 0, 0.5F), 0.5F, 0.34F, 0.03F);
}

// --- houses and boxes ----------------------------------------------------------------------------------------------

static void draw_box(Brush *brush, int level)
{
    (void)level;
    shape_box(of(brush, MATERIAL_BODY), -0.5F, -0.5F, 0, 0.5F, 0.5F, 1);
}

/* Walls of glass around a floor that shows its heat. */
static void draw_room(Brush *brush, int level)
{
    shape_box(of(brush, MATERIAL_BODY), -0.5F, -0.5F, 0, 0.5F, 0.5F, level < 2 ? 0.12F : 1);
    if (level == 2)
        return;
    of(brush, MATERIAL_GLASS);
    shape_box(brush, -0.5F, -0.5F, 0.12F, 0.5F, -0.485F, 1);
    shape_box(brush, -0.5F, 0.485F, 0.12F, 0.5F, 0.5F, 1);
    shape_box(brush, -0.5F, -0.485F, 0.12F, -0.485F, 0.485F, 1);
    shape_box(brush, 0.485F, -0.485F, 0.12F, 0.5F, 0.485F, 1);
    of(brush, MATERIAL_PALE);
    for (int i = 0; i < 4; i++) {
        const float x = i & 1 ? 0.48F : -0.5F, y = i & 2 ? 0.475F : -0.5F;
        shape_box(brush, x, y, 0.12F, x + 0.02F, y + 0.025F, 1);
    }
}

/* A box with a lid, a bed that is heated, and a front that one looks through. */
static void draw_incubator(Brush *brush, int level)
{
    shape_box(of(brush, MATERIAL_PALE), -0.5F, -0.5F, 0, 0.5F, 0.5F, 0.1F);
    shape_box(of(brush, MATERIAL_BODY), -0.44F, -0.44F, 0.1F, 0.44F, 0.44F, level < 2 ? 0.3F : 0.9F);
    shape_box(of(brush, MATERIAL_PALE), -0.5F, 0.46F, 0.1F, 0.5F, 0.5F, 0.9F);
    shape_box(brush, -0.5F, -0.5F, 0.9F, 0.5F, 0.5F, 1);
    if (level == 2)
        return;
    of(brush, MATERIAL_GLASS);
    shape_box(brush, -0.5F, -0.5F, 0.1F, 0.5F, -0.48F, 0.9F);
    shape_box(brush, -0.5F, -0.48F, 0.1F, -0.48F, 0.46F, 0.9F);
    shape_box(brush, 0.48F, -0.48F, 0.1F, 0.5F, 0.46F, 0.9F);
    shape_box(of(brush, MATERIAL_GLOW), -0.3F, -0.3F, 0.3F, 0.3F, 0.3F, 0.36F);
    shape_cylinder(of(brush, MATERIAL_DARK), AT(-0.3F, 0.3F, 0.3F), 0.02F, 0.4F);
    shape_cylinder(brush, AT(0.3F, 0.3F, 0.3F), 0.02F, 0.3F);
    of(brush, MATERIAL_DARK)->axis = AXIS_Y;
    moving(brush, MOTION_SPIN_Y, 0, 0.44F, 0.7F);
    shape_box(brush, -0.12F, 0.43F, 0.68F, 0.12F, 0.46F, 0.72F);
    shape_box(brush, -0.02F, 0.43F, 0.58F, 0.02F, 0.46F, 0.82F);
}

static void draw_boiler(Brush *brush, int level)
{
    shape_box(of(brush, MATERIAL_DARK), -0.5F, -0.5F, 0, 0.5F, 0.5F, 0.06F);
    shape_box(of(brush, MATERIAL_BODY), -0.46F, -0.46F, 0.06F, 0.46F, 0.46F, 0.78F);
    shape_cylinder(of(brush, MATERIAL_METAL), AT(0.2F, 0.2F, 0.78F), 0.12F, 0.22F);
    if (level == 2)
        return;
    shape_box(of(brush, MATERIAL_GLOW), -0.2F, -0.49F, 0.16F, 0.2F, -0.45F, 0.36F);
    shape_box(of(brush, MATERIAL_PALE), -0.34F, -0.48F, 0.5F, 0.34F, -0.45F, 0.7F);
    shape_ring(of(brush, MATERIAL_DARK), AT(0.2F, 0.2F, 0.96F), 0.15F, 0.1F, 0.04F);
}

static void draw_radiator(Brush *brush, int level)
{
    const int fins = level == 0 ? 9 : 5;
    of(brush, MATERIAL_BODY);
    if (level == 2) {
        shape_box(brush, -0.5F, -0.5F, 0.1F, 0.5F, 0.5F, 1);
        return;
    }
    for (int i = 0; i < fins; i++) {
        const float x = -0.47F + 0.94F * (float)i / (float)(fins - 1);
        shape_box(brush, x - 0.035F, -0.5F, 0.1F, x + 0.035F, 0.5F, 1);
    }
    of(brush, MATERIAL_PALE)->axis = AXIS_X;
    shape_cylinder(brush, AT(-0.5F, 0, 0.2F), 0.06F, 1);
    shape_cylinder(brush, AT(-0.5F, 0, 0.9F), 0.06F, 1);
    shape_box(of(brush, MATERIAL_DARK), -0.4F, -0.3F, 0, -0.36F, 0.3F, 0.1F);
    shape_box(brush, 0.36F, -0.3F, 0, 0.4F, 0.3F, 0.1F);
}

/* A cell whose charge is a bar in a window. */
static void draw_cell(Brush *brush, int level)
{
    if (level == 2) {
        shape_box(of(brush, MATERIAL_BODY), -0.5F, -0.5F, 0, 0.5F, 0.5F, 1);
        return;
    }
    shape_box(of(brush, MATERIAL_BODY), -0.5F, -0.5F, 0, 0.5F, 0.5F, 0.9F);
    shape_box(of(brush, MATERIAL_DARK), -0.2F, -0.52F, 0.08F, 0.2F, -0.5F, 0.82F);
    moving(of(brush, MATERIAL_LIQUID), MOTION_FILL, 0.1F, 0.8F, 0);
    shape_box(brush, -0.17F, -0.55F, 0, 0.17F, -0.52F, 1);
    shape_cylinder(of(brush, MATERIAL_METAL), AT(-0.26F, 0, 0.9F), 0.1F, 0.1F);
    shape_cylinder(of(brush, MATERIAL_DARK), AT(0.26F, 0, 0.9F), 0.1F, 0.1F);
}

static void draw_container(Brush *brush, int level)
{
    shape_box(of(brush, MATERIAL_DARK), -0.48F, -0.46F, 0, 0.48F, 0.46F, 0.08F);
    shape_box(of(brush, MATERIAL_BODY), -0.5F, -0.5F, 0.08F, 0.5F, 0.5F, 0.92F);
    shape_box(of(brush, MATERIAL_PALE), -0.48F, -0.48F, 0.92F, 0.48F, 0.48F, 1);
    if (level == 2)
        return;
    of(brush, MATERIAL_METAL);
    for (int i = 0; i < 6; i++) {
        const float x = -0.42F + 0.15F * (float)i;
        shape_box(brush, x, -0.51F, 0.16F, x + 0.03F, -0.5F, 0.86F);
    }
    of(brush, MATERIAL_DARK)->axis = AXIS_Z;
    shape_box(brush, -0.16F, -0.2F, 1, 0.16F, 0.2F, 1.06F);
    moving(of(brush, MATERIAL_PALE), MOTION_SPIN_Z, 0, 0, 0);
    shape_box(brush, -0.13F, -0.03F, 1.06F, 0.13F, 0.03F, 1.08F);
    shape_box(brush, -0.03F, -0.13F, 1.06F, 0.03F, 0.13F, 1.08F);
}

/* Photovoltaic: a tilted table. */
static void draw_panel(Brush *brush, int level)
{
    shape_box(of(brush, MATERIAL_METAL), -0.3F, 0.2F, 0, -0.24F, 0.28F, 0.7F);
    shape_box(brush, 0.24F, 0.2F, 0, 0.3F, 0.28F, 0.7F);
    shape_box(brush, -0.3F, -0.4F, 0, -0.24F, -0.32F, 0.25F);
    shape_box(brush, 0.24F, -0.4F, 0, 0.3F, -0.32F, 0.25F);
    shape_roof(of(brush, MATERIAL_DARK), -0.5F, -0.5F, 0.3F, 0.5F, 0.5F, 1);
    if (level == 0)
        shape_box(of(brush, MATERIAL_BODY), -0.06F, -0.06F, 0.98F, 0.06F, 0.06F, 1.02F);
}

/* A flat ring in the ground around what is selected, and the line on a vessel that tells a level. */
static void draw_ring(Brush *brush, int level)
{
    (void)level;
    brush->segments = 64;  // it is looked at from near, and there are few
    shape_ring(of(brush, MATERIAL_BODY), AT(0, 0, 0), 0.5F, 0.482F, 1);
}

/* Where the surface of something may come to stand. */
static void draw_shell(Brush *brush, int level)
{
    (void)level;
    shape_cylinder(of(brush, MATERIAL_BODY), AT(0, 0, 0), 0.52F, 1);
}

// --- all of them ---------------------------------------------------------------------------------------------------

static const struct {
    const char *name;
    float size[3], vessel[2];
    Shape *draw;
} kinds[] = {
    {"box", {2, 2, 1.5F}, {0, 0}, draw_box},
    {"tank", {3, 3, 4}, {0.04F, 0.98F}, draw_tank},
    {"tower", {6, 6, 16}, {0.61F, 0.92F}, draw_tower},
    {"filter", {3.2F, 3.2F, 4.4F}, {0.42F, 0.78F}, draw_filter},
    {"drum", {4, 1.8F, 2}, {0, 0}, draw_drum},
    {"motor", {2, 1.2F, 1.3F}, {0, 0}, draw_motor},
    {"pump", {3.2F, 1.8F, 1.9F}, {0, 0}, draw_pump},
    {"valve", {2.4F, 1.4F, 2.2F}, {0, 0}, draw_valve},
    {"tube", {1, 0.4F, 0.4F}, {0, 0}, draw_tube},
    {"elbow", {0.4F, 0.4F, 0.4F}, {0, 0}, draw_elbow},
    {"pipe", {8, 1.1F, 1.3F}, {0, 0}, draw_pipe},
    {"room", {8, 4, 3}, {0, 0}, draw_room},
    {"incubator", {0.6F, 0.45F, 0.4F}, {0, 0}, draw_incubator},
    {"boiler", {2, 1.6F, 2.6F}, {0, 0}, draw_boiler},
    {"radiator", {1.4F, 0.25F, 0.9F}, {0, 0}, draw_radiator},
    {"cell", {5, 5, 6}, {0.1F, 0.8F}, draw_cell},
    {"container", {6, 2.5F, 2.6F}, {0, 0}, draw_container},
    {"panel", {4, 2.5F, 1.6F}, {0, 0}, draw_panel},
    {"ring", {1, 1, 0.1F}, {0, 0}, draw_ring},
    {"shell", {1, 1, 1}, {0, 0}, draw_shell},
};

Err catalogue_build(MeshSet *set)
{
    static const int segments[MESH_LEVELS] = {28, 14, 8};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !set->failed; i++) {
        Mesh *mesh = mesh_begin(set, kinds[i].name, kinds[i].size);
        if (!mesh)
            return ERR_FULL;
        mesh->vessel[0] = kinds[i].vessel[0];
        mesh->vessel[1] = kinds[i].vessel[1];
        mesh->round = mesh->vessel[0] < mesh->vessel[1] && kinds[i].draw != draw_cell;
        for (int level = 0; level < MESH_LEVELS && !set->failed; level++) {
            Brush brush = {.set = set, .segments = segments[level], .axis = AXIS_Z};
            kinds[i].draw(&brush, level);
            mesh_end_level(set, mesh, level);
        }
    }
    return set->failed ? ERR_MEMORY : ERR_OK;
}
