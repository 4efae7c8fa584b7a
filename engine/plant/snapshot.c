/* snapshot.c -- the bytes that are the state of the twins: hashed, kept, put back. */
#include <string.h>

#include "plant/snapshot.h"

static size_t kept_bytes(const Block *block)
{
    return (size_t)block->model->kept_count * LANES * sizeof(double);
}

uint64_t plant_hash(const Plant *plant)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < plant->block_count; i++) {
        hash = hash_bytes(hash, plant->blocks[i].columns, kept_bytes(&plant->blocks[i]));
        hash = hash_bytes(hash, &plant->blocks[i].quarantined, sizeof plant->blocks[i].quarantined);
    }
    return hash;
}

size_t plant_snapshot_size(const Plant *plant)
{
    size_t size = sizeof(PlantSnapshotHead) + plant->description_size;
    for (uint32_t i = 0; i < plant->block_count; i++)
        size += kept_bytes(&plant->blocks[i]) + sizeof plant->blocks[i].quarantined;
    return size;
}

/* Copy and step on. */
static unsigned char *put(unsigned char *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

void plant_snapshot(const Plant *plant, void *out)
{
    const PlantSnapshotHead head = {SNAPSHOT_FORM, plant->shape, plant->description_size};
    unsigned char *at = put(out, &head, sizeof head);
    at += plant__describe(plant, at);
    for (uint32_t i = 0; i < plant->block_count; i++) {
        const Block *block = &plant->blocks[i];
        at = put(at, block->columns, kept_bytes(block));
        at = put(at, &block->quarantined, sizeof block->quarantined);
    }
}

/* The columns behind the description of a snapshot of the same shape; NULL when it is of another. */
static const unsigned char *find_columns(const Plant *plant, const unsigned char *bytes, size_t size)
{
    PlantSnapshotHead head;
    if (size < sizeof head)
        return NULL;
    memcpy(&head, bytes, sizeof head);
    if (head.form != SNAPSHOT_FORM || head.shape != plant->shape || head.description > size - sizeof head)
        return NULL;

    // spellings of units may differ, so descriptions of one shape need not have one length
    const size_t columns = plant_snapshot_size(plant) - sizeof head - plant->description_size;
    return size - sizeof head - head.description == columns ? bytes + sizeof head + head.description : NULL;
}

Err plant_restore(Plant *plant, const void *bytes, size_t size, ErrText *why)
{
    const unsigned char *at = find_columns(plant, bytes, size);
    if (!at)
        return err_set(why, ERR_PARSE, "the snapshot was taken of another version of plant \"%s\"", plant->name);

    for (uint32_t i = 0; i < plant->block_count; i++) {
        Block *block = &plant->blocks[i];
        memcpy(block->columns, at, kept_bytes(block));
        at += kept_bytes(block);
        memcpy(&block->quarantined, at, sizeof block->quarantined);
        at += sizeof block->quarantined;
    }
    plant_prepare(plant);
    plant_derive(plant);
    return ERR_OK;
}
