/* Meshes are closed, their triangles and normals look outward, and coarser levels cost less. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "view/mesh.h"

static MeshSet load(void)
{
    MeshSet set;
    ErrText why = {""};
    ck_assert_msg(meshes_load(POLLUX_SOURCE "/assets/meshes", &set, &why) == ERR_OK, "%s", why.text);
    return set;
}

typedef struct Edge {
    float from[3], to[3];
} Edge;

static int by_place(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(Edge));
}

static Edge edge_of(const float *from, const float *to)
{
    Edge edge;
    for (int k = 0; k < 3; k++) {
        edge.from[k] = from[k] + 0.0F;  // a negative zero becomes one
        edge.to[k] = to[k] + 0.0F;
    }
    return edge;
}

/* Two triangles meet at every edge, and run along it in opposite senses: then nothing has a hole. */
static void check_closed(const MeshSet *set, const Mesh *mesh, int level)
{
    const MeshLevel *this = &mesh->levels[level];
    const size_t count = this->opaque_count + this->clear_count;
    Edge *edges = malloc(count * sizeof *edges), *back = malloc(count * sizeof *back);
    ck_assert(edges && back);
    for (size_t i = 0; i < count; i++) {
        const size_t next = i - i % 3 + (i + 1) % 3;
        const float *from = set->vertices[set->indices[this->first + i]].place, *to = set->vertices[set->indices[this->first + next]].place;
        edges[i] = edge_of(from, to);
        back[i] = edge_of(to, from);
    }
    qsort(edges, count, sizeof *edges, by_place);
    qsort(back, count, sizeof *back, by_place);
    ck_assert_msg(memcmp(edges, back, count * sizeof *edges) == 0, "%s, level %d, has a hole", mesh->name, level);
    free(edges);
    free(back);
}

START_TEST(what_is_built_in_is_closed)
{
    MeshSet set = {0};
    ck_assert_int_eq(catalogue_build(&set), ERR_OK);
    ck_assert_uint_gt(set.mesh_count, 15);
    for (size_t i = 0; i < set.mesh_count; i++)
        for (int level = 0; level < MESH_LEVELS; level++)
            check_closed(&set, &set.meshes[i], level);
    meshes_fini(&set);
}
END_TEST

/* The volume within closed triangles that look outward is above 0 (divergence theorem). */
static double volume(const MeshSet *set, const MeshLevel *level)
{
    double sum = 0;
    for (size_t i = 0; i < level->opaque_count + level->clear_count; i += 3) {
        const uint32_t *corners = &set->indices[level->first + i];
        const float *a = set->vertices[corners[0]].place, *b = set->vertices[corners[1]].place, *c = set->vertices[corners[2]].place;
        sum += (double)(a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])) / 6;
    }
    return sum;
}

static void check_normals(const MeshSet *set, const Mesh *mesh, const MeshLevel *level)
{
    for (size_t i = 0; i < level->opaque_count + level->clear_count; i += 3) {
        const uint32_t *corners = &set->indices[level->first + i];
        float u[3], v[3];
        for (int k = 0; k < 3; k++) {
            u[k] = set->vertices[corners[1]].place[k] - set->vertices[corners[0]].place[k];
            v[k] = set->vertices[corners[2]].place[k] - set->vertices[corners[0]].place[k];
        }
        const float face[3] = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
        for (int n = 0; n < 3; n++) {
            const float *normal = set->vertices[corners[n]].normal;
            const float length = sqrtf(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]);
            ck_assert_msg(fabsf(length - 1) < 1e-3F, "%s has a normal of length %g", mesh->name, (double)length);
            ck_assert_msg(face[0] * normal[0] + face[1] * normal[1] + face[2] * normal[2] > -1e-7F, "%s has a normal that looks inward", mesh->name);
        }
    }
}

START_TEST(all_look_outward)
{
    MeshSet set = load();
    for (size_t i = 0; i < set.mesh_count; i++)
        for (int level = 0; level < MESH_LEVELS; level++) {
            ck_assert_msg(volume(&set, &set.meshes[i].levels[level]) > 0, "%s, level %d, is inside out", set.meshes[i].name, level);
            check_normals(&set, &set.meshes[i], &set.meshes[i].levels[level]);
        }
    meshes_fini(&set);
}
END_TEST

/* Bolts and handles may stand out of it a little. */
START_TEST(all_stand_in_the_unit_box)
{
    MeshSet set = load();
    for (size_t i = 0; i < set.mesh_count; i++)
        for (uint32_t n = 0; n < set.meshes[i].levels[0].opaque_count; n++) {
            const float *place = set.vertices[set.indices[set.meshes[i].levels[0].first + n]].place;
            for (int k = 0; k < 3; k++)
                ck_assert_msg(place[k] >= (k < 2 ? -0.6F : -0.001F) && place[k] <= (k < 2 ? 0.6F : 1.1F), "%s reaches %g along axis %d", set.meshes[i].name, (double)place[k], k);
        }
    meshes_fini(&set);
}
END_TEST

START_TEST(coarser_levels_cost_no_more)
{
    MeshSet set = load();
    for (size_t i = 0; i < set.mesh_count; i++)
        for (int level = 1; level < MESH_LEVELS; level++) {
            const MeshLevel *fine = &set.meshes[i].levels[level - 1], *coarse = &set.meshes[i].levels[level];
            ck_assert_msg(coarse->opaque_count + coarse->clear_count <= fine->opaque_count + fine->clear_count, "%s", set.meshes[i].name);
            ck_assert_uint_gt(coarse->opaque_count, 0);
        }
    meshes_fini(&set);
}
END_TEST

START_TEST(what_is_opaque_comes_first)
{
    MeshSet set = load();
    for (size_t i = 0; i < set.mesh_count; i++)
        for (int level = 0; level < MESH_LEVELS; level++) {
            const MeshLevel *this = &set.meshes[i].levels[level];
            for (uint32_t k = 0; k < this->opaque_count + this->clear_count; k++)
                ck_assert_int_eq(material_is_clear((Material)set.vertices[set.indices[this->first + k]].material), k >= this->opaque_count);
        }
    meshes_fini(&set);
}
END_TEST

START_TEST(files_of_gltf_are_meshes_of_their_names_and_sizes)
{
    MeshSet set = load();
    const int number = mesh_find(&set, "turbine");
    ck_assert_int_ge(number, 0);
    const Mesh *mesh = &set.meshes[number];
    ck_assert_float_gt(mesh->size[2], mesh->size[0]);  // z is up, though glTF's is y

    // the rotor turns around its hub, high above the ground
    size_t turning = 0;
    for (uint32_t k = 0; k < mesh->levels[0].opaque_count; k++) {
        const Vertex *vertex = &set.vertices[set.indices[mesh->levels[0].first + k]];
        if (vertex->motion == MOTION_SPIN_Y) {
            turning++;
            ck_assert_float_gt(vertex->pivot[2], 0.5F);
        }
    }
    ck_assert_uint_gt(turning, 0);
    meshes_fini(&set);
}
END_TEST

START_TEST(a_file_that_is_no_mesh_is_refused_by_name)
{
    MeshSet set;
    ErrText why;
    char path[4200];
    snprintf(path, sizeof path, "%s/broken.gltf", kit_folder());
    FILE *file = fopen(path, "w");
    fputs("{ \"asset\": { \"version\": \"2.0\" }, \"meshes\": 3 }", file);
    fclose(file);
    ck_assert_int_eq(meshes_load(kit_folder(), &set, &why), ERR_PARSE);
    ck_assert_ptr_nonnull(strstr(why.text, "broken.gltf"));
}
END_TEST

START_TEST(memory_that_fails_is_an_error)
{
    for (size_t n = 1; n <= 3; n++) {
        MeshSet set;
        ErrText why;
        kit_fail_allocation(n);
        const Err err = meshes_load(NULL, &set, &why);
        kit_fail_allocation(0);
        ck_assert_int_eq(err, ERR_MEMORY);
    }
}
END_TEST

KIT_MAIN("view.mesh", what_is_built_in_is_closed, all_look_outward, all_stand_in_the_unit_box, coarser_levels_cost_no_more, what_is_opaque_comes_first,
         files_of_gltf_are_meshes_of_their_names_and_sizes, a_file_that_is_no_mesh_is_refused_by_name, memory_that_fails_is_an_error)
