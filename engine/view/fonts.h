/* fonts.h -- the typefaces, which are part of the program: text needs no file at run time.
 *
 * Liberation Sans (assets/fonts, SIL Open Font License): its digits all have one width, and its instructions put every stem that lies on whole pixels,
 * at every size. */
#pragma once

#include <stddef.h>

typedef struct FontFile {
    const unsigned char *bytes;
    size_t length;
} FontFile;

FontFile font_regular(void);
FontFile font_bold(void);
