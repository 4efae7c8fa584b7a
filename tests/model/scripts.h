/* scripts.h -- scripts as texts: written into the test's folder, loaded, and what is said of bad ones. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "kit/kit.h"
#include "model/model.h"

/* Write a script; the path is valid until the eighth call from now. */
static inline const char *scripts_write_bytes(const char *name, const void *bytes, size_t size)
{
    static char paths[8][512];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", kit_folder(), name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static inline const char *scripts_write(const char *name, const char *text)
{
    return scripts_write_bytes(name, text, strlen(text));
}

/* `why` must begin with "path:line: " and have `expected` in it. */
static inline void scripts_expect(const ErrText *why, const char *path, int line, const char *expected)
{
    char place[600];
    snprintf(place, sizeof place, "%s:%d: ", path, line);
    ck_assert_msg(strncmp(why->text, place, strlen(place)) == 0, "expected \"%s...\", got \"%s\"", place, why->text);
    ck_assert_msg(strstr(why->text, expected), "expected \"%s\" in \"%s\"", expected, why->text);
}

static inline Model *scripts_model(const char *text, double step)
{
    Model *model;
    ErrText why = {""};
    program_thread_init();
    if (model_load(scripts_write("model.lua", text), step, &model, &why))
        ck_abort_msg("%s", why.text);
    return model;
}

/* Let one allocation after the other fail while a model is loaded: an error, and nothing is left behind. */
static inline void scripts_survive_failing_memory(const char *path)
{
    size_t failures = 0;
    for (size_t n = 1; n < 4000; n += n < 100 ? 1 : 37) {
        Model *model;
        ErrText why = {""};
        kit_fail_allocation(n);
        const Err err = model_load(path, 0.5, &model, &why);
        kit_fail_allocation(0);
        failures += err != ERR_OK;
        ck_assert_int_eq(err == ERR_OK, model != NULL);
        model_destroy(model);
    }
    ck_assert_uint_gt(failures, 5);
    unit_forget_all();
}

static inline const Channel *scripts_channel(const Model *model, const char *name)
{
    const int index = model_find(model, name);
    ck_assert_msg(index >= 0, "no channel %s", name);
    return &model->channels[index];
}
