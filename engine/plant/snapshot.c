/* snapshot.c -- the bytes that are the state of the twins: hashed, kept, put back. */
#include <string.h>

#include "plant/snapshot.h"

enum { BLOCKS_AT_ONCE = 16 };  // by one thread

static size_t kept_bytes(const Block *block)
{
    return (size_t)block->model->kept_count * LANES * sizeof(double);
}

Err plant__place_blocks(Plant *plant)
{
    plant->places = arena_new(&plant->arena, size_t, plant->block_count + 1u);
    for (uint32_t i = 0; plant->places && i < plant->block_count; i++)
        plant->places[i + 1] = plant->places[i] + kept_bytes(&plant->blocks[i]) + sizeof plant->blocks[i].quarantined;
    return plant->places ? ERR_OK : ERR_MEMORY;
}

size_t plant_checkpoints(int64_t ticks, int64_t every)
{
    return ticks == 0 ? 0 : (size_t)(ticks / every + 2);
}

size_t plant_checkpoint_size(const Plant *plant)
{
    return plant->places[plant->block_count];
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
    return sizeof(PlantSnapshotHead) + plant->description_size + plant_checkpoint_size(plant);
}

/* A copy of blocks for the workers, in either direction. */
typedef struct Copy {
    const Plant *plant;
    const PlantPart *part;
    unsigned char *to;
    const unsigned char *from;
} Copy;

static void keep_some(void *context, size_t index, size_t thread)
{
    const Copy *copy = context;
    (void)thread;
    for (size_t i = index * BLOCKS_AT_ONCE; i < (index + 1) * BLOCKS_AT_ONCE && i < copy->part->block_count; i++) {
        const uint32_t b = copy->part->blocks[i];
        const Block *block = &copy->plant->blocks[b];
        memcpy(copy->to + copy->plant->places[b], block->columns, kept_bytes(block));
        memcpy(copy->to + copy->plant->places[b] + kept_bytes(block), &block->quarantined, sizeof block->quarantined);
    }
}

void plant_keep(const Plant *plant, const PlantPart *part, void *checkpoint)
{
    Copy copy = {.plant = plant, .part = part, .to = checkpoint};
    workers_run(plant->workers, workers_parts(part->block_count, BLOCKS_AT_ONCE), keep_some, &copy);
}

static void go_back_some(void *context, size_t index, size_t thread)
{
    const Copy *copy = context;
    for (size_t i = index * BLOCKS_AT_ONCE; i < (index + 1) * BLOCKS_AT_ONCE && i < copy->part->block_count; i++) {
        const uint32_t b = copy->part->blocks[i];
        Block *block = &copy->plant->blocks[b];
        memcpy(block->columns, copy->from + copy->plant->places[b], kept_bytes(block));
        memcpy(&block->quarantined, copy->from + copy->plant->places[b] + kept_bytes(block), sizeof block->quarantined);
        block->failed &= block->quarantined;
        program_run(&block->model->prepare, block->columns, &copy->plant->scratch[thread]);
        program_run(&block->model->derive, block->columns, &copy->plant->scratch[thread]);
    }
}

void plant_go_back(Plant *plant, const PlantPart *part, const void *checkpoint)
{
    Copy copy = {.plant = plant, .part = part, .from = checkpoint};
    workers_run(plant->workers, workers_parts(part->block_count, BLOCKS_AT_ONCE), go_back_some, &copy);
}

void plant_snapshot(const Plant *plant, void *out)
{
    const PlantSnapshotHead head = {SNAPSHOT_FORM, plant->shape, plant->description_size};
    unsigned char *at = out;
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    at += plant__describe(plant, at);
    plant_keep(plant, &plant->whole, at);
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
    const unsigned char *columns = find_columns(plant, bytes, size);
    if (!columns)
        return err_set(why, ERR_PARSE, "the snapshot was taken of another version of plant \"%s\"", plant->name);
    plant_go_back(plant, &plant->whole, columns);
    return ERR_OK;
}
