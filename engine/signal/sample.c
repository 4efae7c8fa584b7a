/* sample.c -- the names of qualities. */
#include "signal/sample.h"

#include <assert.h>
#include <string.h>

static const char *const quality_names[] = {[QUALITY_GOOD] = "good", [QUALITY_UNCERTAIN] = "uncertain", [QUALITY_BAD] = "bad"};

const char *quality_name(Quality quality)
{
    assert(quality <= QUALITY_BAD);
    return quality_names[quality];
}

bool quality_parse(const char *text, Quality *out)
{
    assert(text);
    for (Quality quality = QUALITY_GOOD; quality <= QUALITY_BAD; quality++)
        if (strcmp(text, quality_names[quality]) == 0) {
            *out = quality;
            return true;
        }
    return false;
}
