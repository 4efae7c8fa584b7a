/* label.h -- names over bodies, which never cover each other and do not flicker.
 *
 * Who ranks highest is placed first, at the first of four sides that is free: above, right, left, below; over the middle of another body, which it would
 * seem to name, only where there is no other. Who was shown in the frame before ranks a little higher than it did, and keeps its side while that is free;
 * so two that compete do not change places with every breath of the camera.
 *
 * Takes: wishes.  Gives: boxes. No state but what was shown before, no clock: the same wishes give the same labels.
 * Memory: the caller's. */
#pragma once

#include "view/canvas.h"

enum { LABELS_MAX = 160, LABEL_WISHES_MAX = 1024 };

/// What it adds to a rank to have been shown before.
#define LABEL_LOYALTY 0.15F

typedef enum LabelSide { LABEL_ABOVE, LABEL_RIGHT, LABEL_LEFT, LABEL_BELOW, LABEL_SIDES } LabelSide;

typedef struct LabelWish {
    uint32_t asset;
    Box body;             // what it names, as it is seen
    float width, height;  // of the label
    float rank;           // label_rank, or what else says who goes first
} LabelWish;

typedef struct Label {
    uint32_t asset;
    LabelSide side;
    Box box;
} Label;

typedef struct Labels {
    Label items[LABELS_MAX];  // highest rank first
    size_t count;
} Labels;

/// Who asks for attention goes first, then what is selected or under the pointer, then what is large. `severity` is -1 without an alarm; `size` is how
/// high the body is seen, in units.
float label_rank(int severity, bool unacknowledged, bool selected, bool hovered, float size);

/// Place what fits into `room`, outside of all `taken`. At most LABEL_WISHES_MAX wishes count. `labels` holds those of the frame before, and then the new ones.
void labels_place(Labels *labels, const LabelWish *wishes, size_t count, Box room, const Box *taken, size_t taken_count);
