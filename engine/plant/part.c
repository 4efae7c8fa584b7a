#include "plant/part.h"

#include <assert.h>

// --- islands -------------------------------------------------------------------------------------------------------

/* The first block of the island that `block` is known to be in. Ways are halved as they are gone. */
static uint32_t find_first(uint32_t *islands, uint32_t block)
{
    while (islands[block] != block)
        block = islands[block] = islands[islands[block]];
    return block;
}

/* Disjoint sets, of which each has its lowest block as its root. Source: Tarjan, van Leeuwen, J. ACM 31 (1984): path halving. */
static Err find_islands(Plant *plant)
{
    uint32_t *islands = plant->islands = arena_new(&plant->arena, uint32_t, plant->block_count);
    if (!islands)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < plant->block_count; i++)
        islands[i] = i;
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const uint32_t a = find_first(islands, plant->connections[i].from_block), b = find_first(islands, plant->connections[i].to_block);
        islands[a > b ? a : b] = a < b ? a : b;
    }
    for (uint32_t i = 0; i < plant->block_count; i++)
        islands[i] = find_first(islands, i);
    return ERR_OK;
}

// --- parts ---------------------------------------------------------------------------------------------------------

Err part__make_whole(Plant *plant)
{
    uint32_t *blocks = arena_new(&plant->arena, uint32_t, plant->block_count);
    if (!blocks || find_islands(plant))
        return ERR_MEMORY;
    for (uint32_t i = 0; i < plant->block_count; i++)
        blocks[i] = i;
    plant->whole = (PlantPart){blocks, plant->block_count, plant->connections, plant->connection_count, plant->delayed_count,
                               plant->turns, plant->turn_count, plant->stages, plant->stage_count};
    connect__make_stages(&plant->whole);
    return ERR_OK;
}

Err plant_part_init(PlantPart *out, const Plant *plant, Arena *arena)
{
    *out = (PlantPart){
        .blocks = arena_new(arena, uint32_t, plant->block_count),
        .connections = arena_new(arena, Connection, plant->connection_count + 1u),
        .turns = arena_new(arena, Turn, plant->turn_count),
        .stages = arena_new(arena, Stage, plant->stage_count),
        .stage_count = plant->stage_count,
    };
    return out->blocks && out->connections && out->turns && out->stages ? ERR_OK : ERR_MEMORY;
}

void plant_part_select(PlantPart *part, const Plant *plant, const bool *chosen)
{
    part->block_count = part->connection_count = part->delayed_count = part->turn_count = 0;
    for (uint32_t i = 0; i < plant->block_count; i++)
        if (chosen[i])
            part->blocks[part->block_count++] = i;
    for (uint32_t i = 0; i < plant->turn_count; i++)
        if (chosen[plant->turns[i].block])
            part->turns[part->turn_count++] = plant->turns[i];
    for (uint32_t i = 0; i < plant->connection_count; i++) {
        const Connection *connection = &plant->connections[i];
        assert(chosen[connection->from_block] == chosen[connection->to_block]);
        if (!chosen[connection->to_block])
            continue;
        part->connections[part->connection_count++] = *connection;
        part->delayed_count += connection->delayed;
    }
    connect__make_stages(part);
}
