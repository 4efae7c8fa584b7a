/* csv.c -- cells byte by byte, so that nothing outgrows the row. */
#include "connectors/tape/csv.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { CELL_OPEN, CELL_LAST, CELL_FAILED };

// Bytes.

static void fill(Csv *csv)
{
    csv->at = 0;
    csv->read = fread(csv->input, 1, sizeof csv->input, csv->file);
    csv->ended = csv->read == 0;
}

/* The next byte, or EOF. */
static int peek(Csv *csv)
{
    if (csv->at == csv->read && !csv->ended)
        fill(csv);
    return csv->ended ? EOF : csv->input[csv->at];
}

static int take(Csv *csv)
{
    const int byte = peek(csv);
    csv->at += byte != EOF;
    return byte;
}

/* A comma, unless the header has more of something else: of what was read at once, which is more than a row may have. */
static char find_separator(const Csv *csv)
{
    static const char separators[] = ",;\t";
    size_t counts[sizeof separators - 1] = {0}, best = 0;
    bool quoted = false, begun = false;
    for (size_t i = csv->at; i < csv->read && (quoted || !begun || csv->input[i] != '\n'); i++) {
        const unsigned char byte = csv->input[i];
        const char *found = byte && !quoted ? strchr(separators, byte) : NULL;
        begun |= byte > ' ';
        quoted ^= byte == '"';
        if (found)
            counts[found - separators]++;
    }
    for (size_t i = 1; i < sizeof separators - 1; i++)
        if (counts[i] > counts[best])
            best = i;
    return separators[best];
}

Err csv_open(Csv *csv, const char *path, ErrText *why)
{
    csv->path = path;
    csv->line = csv->count = csv->used = csv->at = csv->read = 0;
    csv->next_line = 1;
    csv->ended = false;
    csv->file = fopen(path, "re");
    if (!csv->file)
        return err_set(why, ERR_IO, "%s: %s", path, strerror(errno));

    fill(csv);
    if (csv->read >= 3 && memcmp(csv->input, "\xEF\xBB\xBF", 3) == 0)
        csv->at = 3;
    csv->separator = find_separator(csv);
    return ERR_OK;
}

void csv_close(Csv *csv)
{
    if (csv->file)
        fclose(csv->file);
    csv->file = NULL;
}

// Cells.

static bool put(Csv *csv, int byte, ErrText *why)
{
    if (csv->used == CSV_ROW_MAX) {
        err_set(why, ERR_PARSE, "%s:%zu: the row is longer than %d bytes", csv->path, csv->line, CSV_ROW_MAX);
        return false;
    }
    csv->bytes[csv->used++] = (char)byte;
    return true;
}

/* Read what stands between quotes, the opening one having been read. */
static bool read_quoted(Csv *csv, ErrText *why)
{
    for (int byte; (byte = take(csv)) != EOF && byte != 0;) {
        csv->next_line += byte == '\n';
        if (byte == '"') {
            if (peek(csv) != '"')
                return true;
            take(csv);
        }
        if (!put(csv, byte, why))
            return false;
    }
    err_set(why, ERR_PARSE, "%s:%zu: a quote is opened and never closed", csv->path, csv->line);
    return false;
}

static bool ends_row(Csv *csv, int byte)
{
    if (byte == '\r' && peek(csv) == '\n')
        byte = take(csv);
    csv->next_line += byte == '\n';
    return byte == '\n' || byte == EOF;
}

/* Read the bytes of one cell up to its separator (CELL_OPEN: more follow) or the end of the row. */
static int read_cell(Csv *csv, ErrText *why)
{
    const size_t start = csv->used;
    csv->quoted = false;
    for (;;) {
        const int byte = take(csv);
        if (byte == csv->separator)
            return CELL_OPEN;
        if (ends_row(csv, byte))
            return CELL_LAST;
        if (byte == '"' && csv->used == start && !csv->quoted) {
            if (!read_quoted(csv, why))
                return CELL_FAILED;
            csv->quoted = true;
        } else if (byte == 0 || byte == '"' || csv->quoted) {
            err_set(why, ERR_PARSE, "%s:%zu: %s", csv->path, csv->line, byte ? "a quote inside a cell" : "this is not text: it has a byte 0");
            return CELL_FAILED;
        } else if (!put(csv, byte, why)) {
            return CELL_FAILED;
        }
    }
}

/* Close the cell that began at `start`: blanks around it go, unless they were quoted. */
static bool close_cell(Csv *csv, size_t start, ErrText *why)
{
    if (!csv->quoted) {
        while (csv->used > start && strchr(" \t", csv->bytes[csv->used - 1]))
            csv->used--;
        while (start < csv->used && strchr(" \t", csv->bytes[start]))
            start++;
    }
    if (csv->count == CSV_CELLS_MAX) {
        err_set(why, ERR_PARSE, "%s:%zu: the row has more than %d cells", csv->path, csv->line, CSV_CELLS_MAX);
        return false;
    }
    csv->cells[csv->count++] = csv->bytes + start;
    return put(csv, 0, why);
}

static bool read_row(Csv *csv, ErrText *why)
{
    csv->line = csv->next_line;
    csv->count = csv->used = 0;
    for (int end = CELL_OPEN; end == CELL_OPEN;) {
        const size_t start = csv->used;
        end = read_cell(csv, why);
        if (end == CELL_FAILED || !close_cell(csv, start, why))
            return false;
    }
    return true;
}

static bool is_blank(const Csv *csv)
{
    for (size_t i = 0; i < csv->count; i++)
        if (csv->cells[i][0])
            return false;
    return true;
}

Err csv_next(Csv *csv, ErrText *why)
{
    assert(csv->file);
    do {
        if (!read_row(csv, why))
            return ERR_PARSE;
        if (ferror(csv->file))
            return err_set(why, ERR_IO, "%s:%zu: %s", csv->path, csv->line, strerror(errno));
    } while (is_blank(csv) && !csv->ended);

    if (is_blank(csv))
        csv->count = 0;
    return ERR_OK;
}
