/* intake.c -- unpacking, reading, admitting, passing on: the first that refuses answers. */
#include "connectors/http/intake.h"

#include <string.h>
#include <zlib.h>

enum { PIECE = 64 << 10 };

struct Intake {
    IntakeDef def;
    Push *push;
    Text text;
    PushValues values;
};

Err intake_create(const IntakeDef *def, Intake **out)
{
    Intake *intake = *out = mem_alloc(sizeof *intake);
    if (!intake)
        return ERR_MEMORY;
    intake->def = *def;
    const Err err = push_create(def->targets, def->target_count, &intake->push);
    if (err) {
        intake_destroy(intake);
        *out = NULL;
    }
    return err;
}

void intake_destroy(Intake *intake)
{
    if (!intake)
        return;
    push_destroy(intake->push);
    push_values_fini(&intake->values);
    text_fini(&intake->text);
    mem_free(intake);
}

/* Append what comes out of the stream; Z_STREAM_END at its end, another word of zlib when there is none. */
static int inflate_all(z_stream *stream, Text *out)
{
    static _Thread_local unsigned char piece[PIECE];
    int result = Z_OK;
    while (result == Z_OK && out->length <= INTAKE_UNPACKED_MAX) {
        stream->next_out = piece;
        stream->avail_out = PIECE;
        result = inflate(stream, Z_NO_FLUSH);
        text_add(out, (const char *)piece, PIECE - stream->avail_out);
    }
    return result;
}

static void unpack(const InletBody *body, Text *out, InletAnswer *answer)
{
    enum { GZIP = 16 + MAX_WBITS };
    z_stream stream = {.next_in = (unsigned char *)body->bytes, .avail_in = (uInt)body->length};
    if (inflateInit2(&stream, GZIP) != Z_OK) {
        out->failed = true;
        return;
    }
    const int result = inflate_all(&stream, out);
    inflateEnd(&stream);
    if (out->length > INTAKE_UNPACKED_MAX) {
        answer->status = 413;
        err_set(&answer->why, ERR_RANGE, "more than %d MiB when it is unpacked", INTAKE_UNPACKED_MAX >> 20);
    } else if (result != Z_STREAM_END) {
        answer->status = 400;
        err_set(&answer->why, ERR_PARSE, "this is not gzip, or not all of it");
    }
}

static void note_seen(void *self, const char *address, double number)
{
    exchange_seen(((Intake *)self)->def.exchange, address, number);
}

static void read_body(Intake *intake, const InletBody *body, InletAnswer *answer)
{
    int64_t precision;
    if (!lines_read_precision(body->precision, &precision)) {
        answer->status = 400;
        err_set(&answer->why, ERR_PARSE, "precision: ns, us, ms or s was expected, got \"%.20s\"", body->precision);
        return;
    }
    Text *const text = &intake->text;
    Err err;
    if (body->form == INLET_JSON)
        err = push_read_json(intake->push, text->bytes, text->length, precision, &intake->values, &answer->why);
    else if (strlen(text->bytes) != text->length)
        err = err_set(&answer->why, ERR_PARSE, "line protocol has no byte of zero");
    else
        err = push_read_lines(intake->push, text->bytes, precision, note_seen, intake, &intake->values, &answer->why);
    if (err)
        answer->status = err == ERR_MEMORY ? 503 : 400;
}

/* All of it may be sent by who asks, and there is room. */
static void admit(Intake *intake, const InletBody *body, InletAnswer *answer)
{
    for (size_t i = 0; i < intake->values.count; i++) {
        const char *const name = intake->def.bindings[intake->values.items[i].binding].name;
        if (body->may_provide(body->caller, name))
            continue;
        answer->status = 403;
        err_set(&answer->why, ERR_DENIED, "samples of %s need the right to provide them", name);
        return;
    }
    if (intake->values.count > exchange_room(intake->def.exchange)) {
        answer->status = 503;
        err_set(&answer->why, ERR_FULL, "there is no room for %zu samples now", intake->values.count);
    }
}

static void pass_on(Intake *intake, InletAnswer *answer)
{
    Exchange *const exchange = intake->def.exchange;
    const uint64_t before = exchange_mark(exchange);
    for (size_t i = 0; i < intake->values.count; i++) {
        const PushValue *const value = &intake->values.items[i];
        exchange_value(exchange, value->binding, value->number, value->time, value->quality);
    }
    const uint64_t mark = exchange_mark(exchange);
    answer->status = 204;
    answer->mark = mark > before ? mark : 0;
}

void intake_take(void *self, const InletBody *body, InletAnswer *answer)
{
    Intake *const intake = self;
    *answer = (InletAnswer){0};
    intake->values.count = 0;
    text_clear(&intake->text);
    text_put(&intake->text, "");

    if (body->gzip)
        unpack(body, &intake->text, answer);
    else
        text_add(&intake->text, body->bytes, body->length);
    if (!answer->status && intake->text.failed) {
        answer->status = 503;
        err_set(&answer->why, ERR_MEMORY, "no memory for the body");
    }

    if (!answer->status)
        read_body(intake, body, answer);
    pthread_mutex_lock(intake->def.lock);
    if (!answer->status)
        admit(intake, body, answer);
    if (!answer->status)
        pass_on(intake, answer);
    else
        exchange_refuse(intake->def.exchange, "a body was refused: %s", answer->why.text);
    pthread_mutex_unlock(intake->def.lock);
}

bool intake_has_stored(void *self, uint64_t mark)
{
    return exchange_has_stored(((Intake *)self)->def.exchange, mark);
}
