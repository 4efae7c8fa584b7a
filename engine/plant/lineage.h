/* lineage.h -- a plant goes on as another version of its script.
 *
 * A snapshot describes the plant that it was taken of: its models with their channels, its twins by name. A Lineage is that description read
 * beside a plant that was loaded anew: which twin and which channel carries on which, so that what was kept under a number (a twin's,
 * a tag's) is found again.
 *
 * Where the script declares the same, plant_restore puts back every bit. Otherwise lineage_adopt goes by name: states, tracked parameters, inputs,
 * actuators and sensors of the same name and dimension keep their value, and states their variances and the covariances between them,
 * within the new min and max. Parameters are what the new script says. A twin whose model is the same keeps all else too: the memory of
 * its tests, and its quarantine when its parameters are the same; for the others the tests begin anew. What is new starts as declared.
 *
 * Takes: a snapshot, a Plant.  Gives: Lineage.
 * Memory: its own; texts and columns are read from the snapshot, which must outlive it.  Threads: one. */
#pragma once

#include "plant/plant.h"

enum { TWIN_NONE = UINT32_MAX };

typedef struct Lineage {
    bool same;                         // the script declares the same: numbers of twins and tags mean what they meant
    uint32_t twin_count, twins_kept;   // of the snapshot; states with tracked parameters, over all of its twins
    uint64_t state_count, states_kept;

    struct Ancestor *twins;       // in the snapshot's order
    struct AncestorModel *models;
    uint32_t model_count;
    struct Kinship *kinships;     // of a model of the snapshot with one of ours
    size_t kinship_count;
    const unsigned char **blocks; // kept columns, then the quarantine
    uint32_t block_count;
    Arena arena;
} Lineage;

/// ERR_PARSE when the bytes are no snapshot, ERR_RANGE when they are of another plant, or of another step or clock: the ticks of a plant are
/// numbered by them. Then there is nothing to fini.
Err lineage_read(Lineage *out, const Plant *plant, const void *bytes, size_t size, ErrText *why);
void lineage_fini(Lineage *lineage);

/// Take over by name what the snapshot has; `plant` as it was loaded, the one that the lineage was read beside.
void lineage_adopt(const Lineage *lineage, Plant *plant);

/// Our number of the snapshot's twin, or TWIN_NONE; and its name.
uint32_t lineage_twin(const Lineage *lineage, uint32_t twin);
const char *lineage_twin_name(const Lineage *lineage, uint32_t twin);
/// Our number of the snapshot's tag, or TAG_NONE.
TagId lineage_tag(const Lineage *lineage, TagId tag);
/// How many tags the snapshot's plant had.
uint32_t lineage_tags(const Lineage *lineage);
