/* csv.h -- the rows of a CSV file, one at a time.
 *
 * RFC 4180 with what is found in the wild: comma, semicolon or tab, LF or CRLF, a byte order mark, blank rows (skipped), blanks around cells (trimmed). The
 * separator is the one of the three that the header has most of, outside quotes. Everything is bounded: a row has at most CSV_ROW_MAX bytes and CSV_CELLS_MAX
 * cells. A byte 0, a stray quote and an unclosed one are errors.
 *
 * Takes: a file.  Gives: rows of text.  Memory: the reader holds one row; it is large, keep it on the heap. */
#pragma once

#include <stdio.h>

#include "base/base.h"

enum { CSV_ROW_MAX = 64 * 1024, CSV_CELLS_MAX = 4096 };

typedef struct Csv {
    const char *path;
    FILE *file;
    size_t line;   // where the row begins, from 1: for errors
    size_t count;  // cells of the row, 0 behind the last row
    char separator;
    const char *cells[CSV_CELLS_MAX];

    size_t next_line;
    size_t used;  // bytes of the row so far
    bool quoted;  // the cell that is being read began with a quote, which has been closed
    char bytes[CSV_ROW_MAX];

    size_t at, read;  // of input
    bool ended;       // so is the file
    unsigned char input[CSV_ROW_MAX];
} Csv;

/// `path` is kept, not copied.
Err csv_open(Csv *csv, const char *path, ErrText *why);
void csv_close(Csv *csv);
/// Read the next row that is not blank. Its cells are valid until the next call; `count` is 0 at the end.
Err csv_next(Csv *csv, ErrText *why);
