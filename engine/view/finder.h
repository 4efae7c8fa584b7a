/* finder.h -- the box in which one types what to look for: Enter flies there.
 *
 * Memory: the caller's.  Threads: one. */
#pragma once

#include "view/search.h"
#include "view/ui.h"
#include "view/view.h"

typedef struct Finder {
    bool open;
    char text[SEARCH_TEXT];
    SearchHits hits;
    size_t chosen;
    uint64_t shape;  // of the world that hits are of
} Finder;

void finder_open(Finder *finder, Ui *ui);
void finder_draw(Finder *finder, Ui *ui, View *view);
