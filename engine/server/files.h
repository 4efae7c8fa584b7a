/* files.h -- the dashboard's files.
 *
 * A path is made of plain names only (letters, digits, dot, dash, underscore; none begins with a dot), so that it cannot lead out of
 * the folder. Files are read anew for each request: a dashboard that is built while Pollux runs is there at once. */
#pragma once

#include "server/http.h"

/// `web` may be NULL.
void files_answer(const char *web, const char *path, Reply *reply);
