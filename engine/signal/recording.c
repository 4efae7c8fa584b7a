#include "signal/recording.h"

#include <assert.h>
#include <string.h>

bool between_parse(const char *text, Between *out)
{
    static const char *const names[] = {[BETWEEN_HOLD] = "hold", [BETWEEN_LINEAR] = "linear", [BETWEEN_BAND] = "band"};
    assert(text && out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0)
            return *out = (Between)i, true;
    return false;
}
