/* snapshot.h -- the form of a plant's snapshot, for the files of this folder.
 *
 * A head, the description of the plant, then for each block its kept columns and its quarantine. */
#pragma once

#include "plant/lineage.h"

#define SNAPSHOT_FORM UINT64_C(0x32544F4853584C50)  // "PLXSHOT2"

typedef struct PlantSnapshotHead {
    uint64_t form, shape;
    uint64_t description;  // bytes
} PlantSnapshotHead;

/// Write plant->description and plant->shape, once the plant is loaded. ERR_MEMORY.
Err plant__describe(Plant *plant);
