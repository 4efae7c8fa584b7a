#include "view/mesh.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/gltf.h"

static const char *const material_names[MATERIAL_COUNT] = {"body", "metal", "dark", "pale", "liquid", "glow", "pipe", "glass"};

bool material_find(const char *name, Material *out)
{
    for (int i = 0; i < MATERIAL_COUNT; i++)
        if (strcmp(material_names[i], name) == 0) {
            *out = (Material)i;
            return true;
        }
    return false;
}

Mesh *mesh_begin(MeshSet *set, const char *name, const float size[3])
{
    if (set->mesh_count == MESHES_MAX)
        return NULL;
    Mesh *mesh = &set->meshes[set->mesh_count++];
    *mesh = (Mesh){.size = {size[0], size[1], size[2]}};
    snprintf(mesh->name, sizeof mesh->name, "%s", name);
    mesh->levels[0].first = (uint32_t)set->index_count;
    return mesh;
}

static bool is_clear(const MeshSet *set, const uint32_t *triangle)
{
    return material_is_clear((Material)set->vertices[triangle[0]].material);
}

void mesh_end_level(MeshSet *set, Mesh *mesh, int level)
{
    assert(level >= 0 && level < MESH_LEVELS);
    MeshLevel *const this = &mesh->levels[level];
    uint32_t *const first = &set->indices[this->first], *const end = &set->indices[set->index_count];

    // opaque triangles come first; their order among themselves does not matter, that of the clear ones neither
    uint32_t *opaque_end = first;
    for (uint32_t *triangle = first; triangle < end; triangle += 3) {
        if (is_clear(set, triangle))
            continue;
        for (size_t i = 0; i < 3; i++) {
            const uint32_t index = triangle[i];
            triangle[i] = opaque_end[i];
            opaque_end[i] = index;
        }
        opaque_end += 3;
    }
    this->opaque_count = (uint32_t)(opaque_end - first);
    this->clear_count = (uint32_t)(end - opaque_end);
    if (level + 1 < MESH_LEVELS)
        mesh->levels[level + 1].first = (uint32_t)set->index_count;
}

int mesh_find(const MeshSet *set, const char *name)
{
    for (size_t i = 0; i < set->mesh_count; i++)
        if (strcmp(set->meshes[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* The files of a folder by name, so that meshes have the same numbers everywhere. */
static Err load_folder(const char *path, MeshSet *set, ErrText *why)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return ERR_OK;  // what is built in will do
    Err err = ERR_OK;
    for (int i = 0; i < count; i++) {
        const char *ending = strrchr(entries[i]->d_name, '.');
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (!err && ending && (strcmp(ending, ".gltf") == 0 || strcmp(ending, ".glb") == 0))
            err = gltf_load(file, set, why);
        free(entries[i]);
    }
    free(entries);
    return err;
}

Err meshes_load(const char *path, MeshSet *out, ErrText *why)
{
    *out = (MeshSet){0};
    Err err = catalogue_build(out);
    if (err)
        err_set(why, err, "no memory for meshes");
    else if (path)
        err = load_folder(path, out, why);
    if (err)
        meshes_fini(out);
    return err;
}

void meshes_fini(MeshSet *set)
{
    mem_free(set->vertices);
    mem_free(set->indices);
    *set = (MeshSet){0};
}
