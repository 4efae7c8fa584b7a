#include "server/dechunk.h"

#include <string.h>

enum { DIGITS_MAX = 8, BESIDE_MAX = 16 * 1024 };

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static DechunkState read_size(Dechunk *self, char c)
{
    const int digit = digit_of(c);
    if (digit >= 0) {
        self->left = self->left * 16 + (size_t)digit;
        return ++self->digits <= DIGITS_MAX ? DECHUNK_SIZE : DECHUNK_TOO_LONG;
    }
    if (self->digits == 0)
        return DECHUNK_WRONG;
    return c == '\r' ? DECHUNK_SIZE_END : c == ';' || c == ' ' || c == '\t' ? DECHUNK_EXTENSION : DECHUNK_WRONG;
}

/* A byte that is no body: what is expected behind it. */
static DechunkState read_beside(Dechunk *self, char c)
{
    switch (self->state) {
    case DECHUNK_SIZE:
        return read_size(self, c);
    case DECHUNK_EXTENSION:
        return c == '\r' ? DECHUNK_SIZE_END : c == '\n' ? DECHUNK_WRONG : DECHUNK_EXTENSION;
    case DECHUNK_SIZE_END:
        self->digits = 0;
        return c != '\n' ? DECHUNK_WRONG : self->left ? DECHUNK_DATA : DECHUNK_TRAILER;
    case DECHUNK_DATA_CR:
        return c == '\r' ? DECHUNK_DATA_LF : DECHUNK_WRONG;
    case DECHUNK_DATA_LF:
        return c == '\n' ? DECHUNK_SIZE : DECHUNK_WRONG;
    case DECHUNK_TRAILER:
        return c == '\r' ? DECHUNK_LAST_LF : DECHUNK_FIELD;
    case DECHUNK_FIELD:
        return c == '\n' ? DECHUNK_TRAILER : DECHUNK_FIELD;
    case DECHUNK_LAST_LF:
        return c == '\n' ? DECHUNK_DONE : DECHUNK_WRONG;
    default:
        return self->state;
    }
}

DechunkState dechunk(Dechunk *self, const char *bytes, size_t length, size_t most, Text *out)
{
    while (length > 0 && self->state < DECHUNK_DONE) {
        if (self->state != DECHUNK_DATA) {
            self->state = ++self->beside > BESIDE_MAX ? DECHUNK_TOO_LONG : read_beside(self, *bytes);
            if (self->state == DECHUNK_DATA && out->length + self->left > most)
                self->state = DECHUNK_TOO_LONG;
            bytes++, length--;
            continue;
        }
        const size_t part = length < self->left ? length : self->left;
        text_add(out, bytes, part);
        bytes += part, length -= part, self->left -= part;
        if (self->left == 0)
            self->state = DECHUNK_DATA_CR;
    }
    return self->state;
}
