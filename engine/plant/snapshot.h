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

/// What a snapshot says of the plant: writes it to `out`, unless that is NULL, and returns its bytes.
size_t plant__describe(const Plant *plant, unsigned char *out);
/// Give every block its place in a checkpoint; ERR_MEMORY.
Err plant__place_blocks(Plant *plant);
/// A hash that two plants share when a snapshot of one is one of the other.
uint64_t plant__shape(const Plant *plant);
