/* fonts.h -- the typefaces of assets/fonts, which are part of the program: text needs no file at run time.
 *
 * Liberation Sans (SIL Open Font License): its digits all have one width, and its instructions put every stem that lies on whole pixels, at every size. */
#pragma once

#include "base/embedded.h"

extern const Embedded fonts[];
