#include "view/search.h"

#include <string.h>
#include <strings.h>

enum { FIT_MODEL = 1, FIT_INSIDE, FIT_PART, FIT_START, FIT_WHOLE };

/* Where a word stands in a name, letters of any case alike. */
static int fit_word(const char *word, size_t length, const char *name)
{
    const size_t size = strlen(name);
    int best = 0;
    for (size_t at = 0; at + length <= size; at++) {
        if (strncasecmp(name + at, word, length) != 0)
            continue;
        const char before = at > 0 ? name[at - 1] : 0;
        const int fit = length == size ? FIT_WHOLE : at == 0 ? FIT_START : before == '_' || before == '.' || before == '-' ? FIT_PART : FIT_INSIDE;
        best = fit > best ? fit : best;
    }
    return best;
}

int search_fit(const char *text, const char *name, const char *model)
{
    int first = 0;
    const char *word = text + strspn(text, " ");
    while (*word) {
        const size_t length = strcspn(word, " ");
        int fit = fit_word(word, length, name);
        if (fit == 0 && fit_word(word, length, model) > 0)
            fit = FIT_MODEL;
        if (fit == 0)
            return 0;
        first = first ? first : fit;
        word += length;
        word += strspn(word, " ");
    }
    return first ? first : FIT_MODEL;
}

typedef struct Hit {
    uint32_t asset;
    int fit;
    size_t length;
} Hit;

static bool is_better(const Hit *a, const Hit *b)
{
    if (a->fit != b->fit)
        return a->fit > b->fit;
    return a->length != b->length ? a->length < b->length : a->asset < b->asset;
}

SearchHits search_find(const World *world, const char *text)
{
    Hit best[SEARCH_HITS_MAX];
    SearchHits hits = {.count = 0};
    for (uint32_t asset = 0; asset < world->asset_count; asset++) {
        const char *name = world->assets[asset].name;
        const Hit hit = {asset, search_fit(text, name, world_model(world, asset)->name), strlen(name)};
        if (hit.fit == 0)
            continue;
        hits.total++;

        // into its place among the best, and out with the last of them
        size_t at = hits.count < SEARCH_HITS_MAX ? hits.count++ : SEARCH_HITS_MAX;
        for (; at > 0 && is_better(&hit, &best[at - 1]); at--)
            if (at < SEARCH_HITS_MAX)
                best[at] = best[at - 1];
        if (at < SEARCH_HITS_MAX)
            best[at] = hit;
    }
    for (size_t i = 0; i < hits.count; i++)
        hits.assets[i] = best[i].asset;
    return hits;
}
