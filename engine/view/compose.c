#include "view/compose.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "view/cull.h"
#include "view/look.h"

static const float GHOST_AWAY = 0.95F;  // how far to the right of a body its ghost stands, as a share of its width
static const float GHOST_ALPHA = 0.5F, SHELL_ALPHA = 0.35F;
static const float LINE_THICK = 0.02F;  // of a level line, as a share of the height

static const float THINNEST = 1;  // pixels, below which a pipe would only flicker

enum { HEATS = 256 };

typedef struct Composer {
    Stage *stage;
    const World *world;
    const StageOptions *options;
    Frustum frustum;
    int ring, shell;
    uint32_t used;
    uint32_t counts[COMPOSE_KEYS];
} Composer;

static void to_bytes(Colour colour, float alpha, uint8_t out[4])
{
    const Colour e = colour_encode(colour);
    out[0] = (uint8_t)lroundf(255 * e.r);
    out[1] = (uint8_t)lroundf(255 * e.g);
    out[2] = (uint8_t)lroundf(255 * e.b);
    out[3] = (uint8_t)lroundf(255 * alpha);
}

/* Heat is asked for by every body in every frame. */
static const uint8_t *heat_bytes(double share)
{
    static uint8_t table[HEATS][4];
    static bool made;
    for (int i = 0; !made && i < HEATS; i++)
        to_bytes(palette_heat((double)i / (HEATS - 1)), 1, table[i]);
    made = true;
    return table[(int)lround(fmin(fmax(share, 0), 1) * (HEATS - 1))];
}

static Instance *emit(Composer *composer, int mesh, int level, bool ghost)
{
    if (composer->used == composer->stage->instance_room)
        return NULL;
    StageSlot *slot = &composer->stage->slots[composer->used++];
    slot->key = (uint16_t)(2 * (MESH_LEVELS * mesh + level) + ghost);
    composer->counts[slot->key]++;
    slot->instance = (Instance){.alpha = 1};
    return &slot->instance;
}

// --- a body --------------------------------------------------------------------------------------------------------

static float share_of(double value, double full)
{
    const double share = value / full;
    return isfinite(share) ? (float)fmin(fmax(share, 0), 1) : 0;
}

static bool heat_of(const WorldLook *look, double value, double *share)
{
    *share = (value - look->heat_low) / (look->heat_high - look->heat_low);
    return isfinite(*share);
}

/* How a body asks for attention: two pulses a second for what has parted, one for an alarm. */
static void tint(const Composer *composer, const WorldAsset *asset, int64_t number, Instance *out)
{
    const Palette *palette = composer->options->palette;
    const double seconds = composer->options->seconds;
    if (asset->health == ASSET_QUARANTINED) {
        to_bytes(palette->quarantined, 0.75F, out->tint);
        out->stripes = 1;
    } else if (asset->health == ASSET_PARTED) {
        to_bytes(palette->parted, 0.4F + 0.3F * (float)cos(4 * M_PI * seconds), out->tint);
    } else if (asset->health == ASSET_ALARM) {
        to_bytes(asset->severity >= 2 ? palette->alarm : palette->warning, asset->unacknowledged ? 0.3F + 0.15F * (float)cos(2 * M_PI * seconds) : 0.25F,
                 out->tint);
    } else if (number == composer->options->selected) {
        to_bytes(palette->selected, 0.18F, out->tint);
    } else if (number == composer->options->hovered) {
        to_bytes(palette->hovered, 0.15F, out->tint);
    }
}

static double channel_now(const World *world, uint32_t asset, uint16_t channel)
{
    const WorldValue *value = world_value(world, asset, channel);
    return value ? value->value : NAN;
}

static void fill_body(const Composer *composer, uint32_t number, Instance *out)
{
    const World *world = composer->world;
    const WorldAsset *asset = &world->assets[number];
    const WorldLook *look = &world_model(world, number)->look;
    memcpy(out->place, asset->at, sizeof out->place);
    memcpy(out->size, asset->size, sizeof out->size);
    out->turn = asset->turn;
    out->spin = composer->stage->spin[number];
    out->high = share_of(channel_now(world, number, look->fill), composer->stage->full[number]);
    out->open = share_of(channel_now(world, number, look->opening), 1);

    double heat;
    if (look->heat != WORLD_NONE && heat_of(look, channel_now(world, number, look->heat), &heat)) {
        memcpy(out->colour, heat_bytes(heat), sizeof out->colour);
        out->heat = (float)heat;
    } else {
        to_bytes(composer->options->palette->body, 1, out->colour);
    }
    tint(composer, asset, number, out);
}

// --- what stands with it -------------------------------------------------------------------------------------------

static void emit_ring(Composer *composer, const WorldAsset *asset, Colour colour, float wide)
{
    Instance *ring = emit(composer, composer->ring, 0, false);
    if (!ring)
        return;
    const float across = wide * hypotf(asset->size[0], asset->size[1]);
    *ring = (Instance){.place = {asset->at[0], asset->at[1], asset->at[2]}, .size = {across, across, 0.006F * across}, .alpha = 1};
    to_bytes(colour, 1, ring->colour);
}

static void emit_line(Composer *composer, const WorldAsset *asset, const Mesh *mesh, float share, Colour colour, float wide)
{
    Instance *line = emit(composer, composer->ring, 0, false);
    if (!line)
        return;
    const float z = mesh->vessel[0] + (mesh->vessel[1] - mesh->vessel[0]) * share, thick = LINE_THICK * asset->size[2] * (mesh->vessel[1] - mesh->vessel[0]);
    *line = (Instance){.place = {asset->at[0], asset->at[1], asset->at[2] + z * asset->size[2] - thick / 2},
                       .size = {wide * asset->size[0], wide * asset->size[1], thick}, .alpha = 1};
    to_bytes(colour, 1, line->colour);
}

/* Estimated and measured: two lines that are one while twin and asset agree. */
static void emit_levels(Composer *composer, uint32_t number, const Mesh *mesh)
{
    const WorldAsset *asset = &composer->world->assets[number];
    const WorldValue *level = world_value(composer->world, number, world_model(composer->world, number)->look.fill);
    const Palette *palette = composer->options->palette;
    if (!level || !mesh->round)
        return;
    emit_line(composer, asset, mesh, share_of(level->value, composer->stage->full[number]), palette->estimated, 1.02F);
    if (isfinite(level->measured))
        emit_line(composer, asset, mesh, share_of(level->measured, composer->stage->full[number]), palette->measured, 1.06F);
}

static Instance *emit_ghost(Composer *composer, const Instance *body, int mesh, int level, float alpha)
{
    Instance *ghost = emit(composer, mesh, level, true);
    if (!ghost)
        return NULL;
    *ghost = *body;
    const float away = GHOST_AWAY * fmaxf(body->size[0], body->size[1]);
    ghost->place[0] += away * composer->frustum.right[0];
    ghost->place[1] += away * composer->frustum.right[1];
    ghost->alpha = alpha;
    ghost->stripes = 0;
    to_bytes(composer->options->palette->ghost, 0.6F, ghost->tint);
    return ghost;
}

/* The future beside the present: a body at the median, and where it has a level, a shell around what is likely. */
static void emit_future(Composer *composer, uint32_t number, const Instance *body, int mesh, int level)
{
    const WorldLook *look = &world_model(composer->world, number)->look;
    const double full = composer->stage->full[number];
    const WorldValue *fill = world_value(composer->world, number, look->fill), *heat = world_value(composer->world, number, look->heat);
    double share;
    if (fill && isfinite(fill->middle)) {
        Instance *ghost = emit_ghost(composer, body, mesh, level, GHOST_ALPHA);
        if (ghost)
            ghost->high = share_of((double)fill->middle, full);
        const bool round = composer->stage->meshes.meshes[mesh].round;
        Instance *shell = round ? emit_ghost(composer, body, composer->shell, 0, SHELL_ALPHA) : NULL;
        if (shell) {
            const float *ends = composer->stage->meshes.meshes[mesh].vessel, height = body->size[2] * (ends[1] - ends[0]);
            const float low = share_of((double)fill->low, full), high = share_of((double)fill->high, full);
            shell->place[2] += body->size[2] * ends[0] + height * low;
            shell->size[2] = fmaxf(height * (high - low), 0.01F * body->size[2]);
        }
    } else if (heat && isfinite(heat->middle) && heat_of(look, (double)heat->middle, &share)) {
        Instance *ghost = emit_ghost(composer, body, mesh, level, 0.6F);
        if (ghost) {
            memcpy(ghost->colour, heat_bytes(share), sizeof ghost->colour);
            ghost->tint[3] = 40;
        }
    }
}

static void compose_body(Composer *composer, uint32_t number)
{
    const StageOptions *options = composer->options;
    const WorldAsset *asset = &composer->world->assets[number];
    const int mesh = composer->stage->mesh_of[number];
    const float centre[3] = {asset->at[0], asset->at[1], asset->at[2] + asset->size[2] / 2};
    const float radius = 0.5F * sqrtf(asset->size[0] * asset->size[0] + asset->size[1] * asset->size[1] + asset->size[2] * asset->size[2]);
    if (!frustum_meets(&composer->frustum, centre, 2.5F * radius))
        return;

    const int level = frustum_level(&composer->frustum, centre, radius);
    Instance *slot = frustum_meets(&composer->frustum, centre, radius) ? emit(composer, mesh, level, false) : NULL;
    Instance body = {.alpha = 1};
    fill_body(composer, number, &body);
    if (slot)
        *slot = body;

    // marks of what is far away would only flicker
    if (asset->health == ASSET_PARTED)
        emit_ring(composer, asset, options->palette->parted, 1.25F);
    else if (asset->health == ASSET_ALARM && asset->severity >= 2)
        emit_ring(composer, asset, options->palette->alarm, 1.25F);
    if (number == options->selected)
        emit_ring(composer, asset, options->palette->selected, 1.4F);
    if (level == 0 && slot)
        emit_levels(composer, number, &composer->stage->meshes.meshes[mesh]);
    if (level < 2 && options->ghosts)
        emit_future(composer, number, &body, mesh, level);
}

// --- pipes ---------------------------------------------------------------------------------------------------------

static void compose_piece(Composer *composer, const Piece *piece)
{
    const Stage *stage = composer->stage;
    const float radius = 0.5F * fmaxf(piece->size[0], piece->size[1]), thick = piece->size[2];
    if (!frustum_meets(&composer->frustum, piece->place, radius))
        return;
    const float pixels = frustum_pixels(&composer->frustum, piece->place, thick);
    const bool straight = piece->size[0] != piece->size[1];
    Instance *out = pixels < (straight ? THINNEST : 2 * THINNEST) ? NULL : emit(composer, piece->mesh, pixels > 6 ? 0 : pixels > 3 ? 1 : 2, false);
    if (!out)
        return;
    memcpy(out->place, piece->place, sizeof out->place);
    memcpy(out->size, piece->size, sizeof out->size);
    out->turn = piece->turn;

    // one mark every four thicknesses; the marks of one link run through all its pieces
    const float sense = stage->strength[piece->link] < 0 ? -1 : 1, distance = 4 * thick;
    out->marks = straight && stage->strength[piece->link] != 0 ? sense / distance : 0;
    out->shift = sense * piece->along / distance - stage->run[piece->link] * sense;
    to_bytes(composer->options->palette->pipe, 1, out->colour);
}

// --- in order ------------------------------------------------------------------------------------------------------

static void sort_slots(Composer *composer)
{
    Stage *stage = composer->stage;
    uint32_t at[COMPOSE_KEYS], first = 0;
    stage->draw_count = 0;
    for (int ghost = 0; ghost < 2; ghost++)
        for (int key = ghost; key < COMPOSE_KEYS; key += 2) {
            const uint32_t count = composer->counts[key];
            at[key] = first;
            if (count > 0)
                stage->draws[stage->draw_count++] = (Draw){.mesh = key / 2 / MESH_LEVELS, .level = key / 2 % MESH_LEVELS, .first = first, .count = count,
                                                           .ghost = ghost,
                                                           .grounded = !ghost && key / 2 / MESH_LEVELS != composer->ring && key / 2 % MESH_LEVELS < 2};
            first += count;
        }
    for (uint32_t i = 0; i < composer->used; i++)
        stage->instances[at[stage->slots[i].key]++] = stage->slots[i].instance;
    stage->instance_count = composer->used;
}

void stage_compose(Stage *stage, const World *world, const CameraLens *lens, const StageOptions *options)
{
    assert(stage->shape == world->shape);
    Composer composer = {.stage = stage, .world = world, .options = options, .ring = mesh_find(&stage->meshes, "ring"),
                         .shell = mesh_find(&stage->meshes, "shell")};
    frustum_of(lens, &composer.frustum);
    for (uint32_t i = 0; i < stage->asset_count; i++)
        compose_body(&composer, i);
    for (size_t i = 0; i < stage->piece_count; i++)
        compose_piece(&composer, &stage->pieces[i]);
    sort_slots(&composer);
}
