/* blocks.h -- twins of one model in blocks, outside any plant: what is measured.
 *
 * Every twin begins a little beside the next one, with a sample of every sensor at hand. Small numbers of blocks stay in the caches of one core.
 *
 * Takes: a Model.  Gives: blocks that programs run over.  Memory: on the heap until blocks_fini.  Threads: one block each. */
#pragma once

#include "model/model.h"

typedef struct Blocks {
    const Model *model;
    size_t count;
    uint16_t width;   // columns of a block: those of the model, and more at the end
    double *columns;  // count x width x LANES
} Blocks;

/// `more` columns stand behind those of the model.
Err blocks_init(Blocks *blocks, const Model *model, size_t count, uint16_t more, ErrText *why);
void blocks_fini(Blocks *blocks);
/// The columns of block `index`.
double *blocks_at(const Blocks *blocks, size_t index);
/// The cell of one twin in `column`; twins are counted through the blocks.
double *blocks_cell(const Blocks *blocks, size_t twin, uint16_t column);

/// Programs that are run one after the other over all blocks, by one thread: the work of a Way (measure.h).
typedef struct BlocksRun {
    const Blocks *blocks;
    const Program *programs;
    size_t program_count;
    Scratch scratch;  // for model->registers_max at least
} BlocksRun;
void blocks_run(void *run);

/// The same program without its native code.
Program program_interpreted(const Program *program);
