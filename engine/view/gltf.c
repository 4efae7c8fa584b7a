#include "view/gltf.h"

#include <assimp/cimport.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "view/shapes.h"

enum { TRIANGLES_MAX = 100000 };

typedef struct Reading {
    const struct aiScene *scene;
    MeshSet *set;
    int level;             // of the nodes that are taken now
    float low[3], high[3]; // of all that is drawn
    size_t triangles;
} Reading;

typedef void Visit(Reading *reading, const struct aiNode *node, const struct aiMesh *mesh, const struct aiMatrix4x4 *place);

static void visit_all(Reading *reading, const struct aiNode *node, struct aiMatrix4x4 place, Visit *visit)
{
    aiMultiplyMatrix4(&place, &node->mTransformation);
    for (unsigned i = 0; i < node->mNumMeshes; i++)
        visit(reading, node, reading->scene->mMeshes[node->mMeshes[i]], &place);
    for (unsigned i = 0; i < node->mNumChildren; i++)
        visit_all(reading, node->mChildren[i], place, visit);
}

static void visit_scene(Reading *reading, Visit *visit)
{
    // glTF's y is up and its z comes towards us; here z is up and y goes away
    const struct aiMatrix4x4 upright = {1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    visit_all(reading, reading->scene->mRootNode, upright, visit);
}

static void transform(const struct aiMatrix4x4 *place, const struct aiVector3D *in, float out[3])
{
    struct aiVector3D at = *in;
    aiTransformVecByMatrix4(&at, place);
    out[0] = at.x;
    out[1] = at.y;
    out[2] = at.z;
}

static void measure(Reading *reading, const struct aiNode *node, const struct aiMesh *mesh, const struct aiMatrix4x4 *place)
{
    (void)node;
    reading->triangles += mesh->mNumFaces;
    for (unsigned i = 0; i < mesh->mNumVertices; i++) {
        float at[3];
        transform(place, &mesh->mVertices[i], at);
        for (int k = 0; k < 3; k++) {
            reading->low[k] = fminf(reading->low[k], at[k]);
            reading->high[k] = fmaxf(reading->high[k], at[k]);
        }
    }
}

static int level_of(const struct aiNode *node)
{
    return strncmp(node->mName.data, "level1", 6) == 0 ? 1 : 0;
}

static Motion motion_of(const struct aiNode *node)
{
    static const struct {
        const char *begins;
        Motion motion;
    } known[] = {{"spin_x", MOTION_SPIN_X}, {"spin_y", MOTION_SPIN_Y}, {"spin_z", MOTION_SPIN_Z}, {"open", MOTION_OPEN}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(node->mName.data, known[i].begins, strlen(known[i].begins)) == 0)
            return known[i].motion;
    return MOTION_NONE;
}

static Material material_of(const Reading *reading, const struct aiMesh *mesh)
{
    struct aiString name;
    Material material = MATERIAL_BODY;
    if (aiGetMaterialString(reading->scene->mMaterials[mesh->mMaterialIndex], AI_MATKEY_NAME, &name) == AI_SUCCESS)
        material_find(name.data, &material);
    return material;
}

static void to_unit(const Reading *reading, float at[3])
{
    for (int k = 0; k < 3; k++) {
        const float size = fmaxf(reading->high[k] - reading->low[k], 1e-6F);
        at[k] = (at[k] - reading->low[k]) / size - (k < 2 ? 0.5F : 0);
    }
}

static void add(Reading *reading, const struct aiNode *node, const struct aiMesh *mesh, const struct aiMatrix4x4 *place)
{
    if (level_of(node) != reading->level)
        return;
    float pivot[3];
    transform(place, &(struct aiVector3D){0, 0, 0}, pivot);
    to_unit(reading, pivot);
    for (unsigned i = 0; i < mesh->mNumFaces; i++) {
        Vertex corners[3] = {0};
        for (unsigned k = 0; k < 3; k++) {
            Vertex *corner = &corners[k];
            const unsigned index = mesh->mFaces[i].mIndices[k];
            struct aiVector3D tip = mesh->mVertices[index];
            aiVector3Add(&tip, &mesh->mNormals[index]);
            transform(place, &mesh->mVertices[index], corner->place);
            transform(place, &tip, corner->normal);
            for (int n = 0; n < 3; n++)
                corner->normal[n] -= corner->place[n];
            to_unit(reading, corner->place);
            memcpy(corner->pivot, pivot, sizeof pivot);
            corner->material = (uint8_t)material_of(reading, mesh);
            corner->motion = (uint8_t)motion_of(node);
        }
        shape_triangle(reading->set, corners);
    }
}

static void name_of(const char *path, char out[static MESH_NAME])
{
    const char *slash = strrchr(path, '/');
    snprintf(out, MESH_NAME, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(out, '.');
    if (dot)
        *dot = 0;
}

static Err add_levels(Reading *reading, const char *path, ErrText *why)
{
    char name[MESH_NAME];
    const float size[3] = {reading->high[0] - reading->low[0], reading->high[1] - reading->low[1], reading->high[2] - reading->low[2]};
    name_of(path, name);
    Mesh *mesh = mesh_begin(reading->set, name, size);
    if (!mesh)
        return err_set(why, ERR_FULL, "%s: more than %d meshes", path, MESHES_MAX);

    visit_scene(reading, add);
    mesh_end_level(reading->set, mesh, 0);
    reading->level = 1;
    visit_scene(reading, add);
    mesh_end_level(reading->set, mesh, 1);
    if (mesh->levels[1].opaque_count + mesh->levels[1].clear_count == 0)
        mesh->levels[1] = mesh->levels[0];

    const Brush brush = {.set = reading->set, .axis = AXIS_Z};
    mesh->levels[2].first = (uint32_t)reading->set->index_count;
    shape_box(&brush, -0.5F, -0.5F, 0, 0.5F, 0.5F, 1);
    mesh_end_level(reading->set, mesh, 2);
    return reading->set->failed ? err_set(why, ERR_MEMORY, "%s: no memory", path) : ERR_OK;
}

Err gltf_load(const char *path, MeshSet *set, ErrText *why)
{
    Reading reading = {.set = set, .low = {INFINITY, INFINITY, INFINITY}, .high = {-INFINITY, -INFINITY, -INFINITY}};
    reading.scene = aiImportFile(path, aiProcess_Triangulate | aiProcess_GenSmoothNormals | aiProcess_SortByPType);
    if (!reading.scene || !reading.scene->mRootNode || reading.scene->mFlags & AI_SCENE_FLAGS_INCOMPLETE) {
        const Err err = err_set(why, ERR_PARSE, "%s: %s", path, reading.scene ? "the scene is incomplete" : aiGetErrorString());
        aiReleaseImport(reading.scene);
        return err;
    }

    visit_scene(&reading, measure);
    Err err;
    if (reading.triangles == 0 || reading.triangles > TRIANGLES_MAX)
        err = err_set(why, ERR_RANGE, "%s: expected 1 to %d triangles, got %zu", path, TRIANGLES_MAX, reading.triangles);
    else
        err = add_levels(&reading, path, why);
    aiReleaseImport(reading.scene);
    return err;
}
