/* form.h -- the tables of the file, and how one of an older form becomes one of this.
 *
 * Form 1 kept samples and estimates row by row with indexes; form 2 had estimates that late samples changed, and revisions of alarms, beside them; form 3
 * has blocks, and the rows of before are the tail from which they are sealed.
 *
 * Takes: a connection that may write.  Gives: a file of FORM_VERSION. */
#pragma once

#include "history/store.h"

enum { FORM_APPLICATION = 0x504C5558, FORM_VERSION = 3 };  // "PLUX"

/// Make the tables of an empty file, for the records of `plant`.
Err form_create(sqlite3 *db, const char *plant, ErrText *why);
/// Make what files of this form may lack, as it came later and needs no form of its own.
Err form_complete(sqlite3 *db, ErrText *why);
/// Bring a file of form `from` (1 to FORM_VERSION) to this one, whole or not at all: an older Pollux refuses it from then on.
Err form_migrate(sqlite3 *db, int64_t from, ErrText *why);
