/* registry_file.c -- the registry's file: read strictly, so that nobody is bound by a slip of the pen, and written by a thread of its own.
 *
 * A version is rendered where it was decided and given to the keeper, which brings the newest to the disk; those between are skipped. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "signal/merge.h"
#include "signal/options.h"
#include "signal/registry_inside.h"

// Reading.

/* A time that may be left out. */
static int64_t read_time(Options *options, const char *key)
{
    int64_t time = TIME_NONE;
    const char *text = options_text(options, key, NULL);
    if (text && !time_parse(text, strlen(text), &time))
        options_fail(options, key, "a time was expected, as in \"2026-12-31T00:00:00Z\"");
    return time;
}

/* A text that may be left out and must fit. */
static void read_text(Options *options, const char *key, char *out, size_t room)
{
    const char *text = options_text(options, key, "");
    if (strlen(text) >= room)
        options_fail(options, key, "at most %zu bytes were expected", room - 1);
    snprintf(out, room, "%s", text);
}

static json_t *read_table(Options *options, const char *key)
{
    json_t *table = options->err ? NULL : json_object_get(options->object, key);
    if (table && !json_is_object(table))
        options_fail(options, key, "an object was expected");
    return options->err ? NULL : table;
}

/* A table of an entry, of which each member becomes an item of `size` bytes; NULL where there is none, or no memory. */
static void *make_items(Options *options, const char *key, const json_t *table, size_t size)
{
    if (json_object_size(table) > REGISTRY_TAGS_MAX)
        options_fail(options, key, "at most %d were expected", REGISTRY_TAGS_MAX);
    void *items = options->err ? NULL : mem_alloc((json_object_size(table) + 1) * size);
    if (!items && !options->err)
        options->err = err_set(&options->why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    return items;
}

static void check_item(Options *options, const Options *item, const char *key, const char *name)
{
    if (strlen(name) >= TAG_NAME_ROOM)
        options_fail(options, key, "names of at most %d bytes were expected", TAG_NAME_ROOM - 1);
    if (item->err)
        options_fail(options, key, "%s", item->why.text);
}

static void read_tags(Options *options, RegistryEntry *entry)
{
    static const char *const known[] = {"unit", "actuator", NULL};
    const char *name;
    json_t *value, *table = read_table(options, "tags");
    entry->tags = make_items(options, "tags", table, sizeof *entry->tags);
    json_object_foreach(options->err ? NULL : table, name, value) {
        EntryTag *tag = &entry->tags[entry->tag_count++];
        Options item = options_begin(value, name);
        *tag = (EntryTag){.is_actuator = options_flag(&item, "actuator", false), .number = UINT32_MAX, .time = TIME_NONE};
        snprintf(tag->name, sizeof tag->name, "%s", name);
        read_text(&item, "unit", tag->unit, sizeof tag->unit);
        options_only(&item, known, NULL);
        check_item(options, &item, "tags", name);
    }
}

static void read_bindings(Options *options, RegistryEntry *entry)
{
    static const char *const known[] = {"tag", "unit", NULL};
    const char *name;
    json_t *value, *table = read_table(options, "bindings");
    entry->bindings = make_items(options, "bindings", table, sizeof *entry->bindings);
    json_object_foreach(options->err ? NULL : table, name, value) {
        EntryBinding *binding = &entry->bindings[entry->binding_count++];
        Options item = options_begin(value, name);
        snprintf(binding->name, sizeof binding->name, "%s", name);
        read_text(&item, "tag", binding->tag, sizeof binding->tag);
        read_text(&item, "unit", binding->unit, sizeof binding->unit);
        if (!*binding->tag)
            options_fail(&item, "tag", "a tag of the plant was expected");
        options_only(&item, known, NULL);
        check_item(options, &item, "bindings", name);
    }
}

static void read_document(Options *options, const char *key, EntryDocument *out)
{
    static const char *const known[] = {"version", "changed", "value", NULL};
    json_t *table = read_table(options, key);
    if (!table)
        return;
    Options item = options_begin(table, key);
    json_t *value = read_table(&item, "value");
    out->version = (uint64_t)options_integer(&item, "version", 0, 0, INT64_MAX);
    out->changed = read_time(&item, "changed");
    options_only(&item, known, NULL);
    if (item.err)
        options_fail(options, key, "%s", item.why.text);
    if (merge_depth(value) > REGISTRY_DEPTH_MAX || json_dumpb(value, NULL, 0, JSON_COMPACT) > REGISTRY_DOCUMENT_MAX)
        options_fail(options, key, "a value of at most %d levels and %d bytes was expected", REGISTRY_DEPTH_MAX, REGISTRY_DOCUMENT_MAX);

    // no patch leaves a null behind
    json_t *object = value && !options->err ? merge_patch(NULL, value) : NULL;
    if (object) {
        json_decref(out->object);
        out->object = object;
    }
}

static void read_former(Options *options, RegistryEntry *entry)
{
    const json_t *list = options->err ? NULL : json_object_get(options->object, "former");
    if (list && (!json_is_array(list) || json_array_size(list) > REGISTRY_FORMER_MAX))
        options_fail(options, "former", "a list of at most %d names was expected", REGISTRY_FORMER_MAX);
    for (size_t i = 0; i < json_array_size(list) && !options->err; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name)
            snprintf(entry->former[entry->former_count++], REGISTRY_NAME_ROOM, "%s", name);
        else
            options_fail(options, "former", "names were expected");
    }
}

static Err read_entry(Registry *registry, const json_t *object, size_t index, ErrText *why)
{
    static const char *const known[] = {"name", "calls", "credential", "kind", "direct", "claimed", "disabled", "first_seen", "last_seen", "claimed_by", "claimed_at",
                                        "former", "tags", "bindings", "desired", "reported", NULL};
    char what[REGISTRY_NAME_ROOM], name[REGISTRY_NAME_ROOM];
    snprintf(what, sizeof what, "devices[%zu]", index);
    Options options = options_begin(object, what);
    read_text(&options, "name", name, sizeof name);
    if (!*name)
        options_fail(&options, "name", "a name was expected");
    if (registry_find(registry, name))
        options_fail(&options, "name", "there is another device of this name");
    RegistryEntry *entry = options.err ? NULL : registry__add(registry, name);
    if (!entry)
        return options.err ? err_set(why, ERR_PARSE, "%s", options.why.text) : err_set(why, ERR_FULL, "expected at most %d devices", REGISTRY_MAX);
    if (options_has(&options, "calls"))
        read_text(&options, "calls", entry->calls, sizeof entry->calls);
    read_text(&options, "credential", entry->credential, sizeof entry->credential);
    read_text(&options, "kind", entry->kind, sizeof entry->kind);
    read_text(&options, "claimed_by", entry->claimed_by, sizeof entry->claimed_by);
    entry->direct = options_flag(&options, "direct", false);
    entry->claimed = options_flag(&options, "claimed", false);
    entry->disabled = options_flag(&options, "disabled", false);
    entry->first_seen = read_time(&options, "first_seen");
    entry->last_seen = read_time(&options, "last_seen");
    entry->claimed_at = read_time(&options, "claimed_at");
    read_former(&options, entry);
    read_tags(&options, entry);
    read_bindings(&options, entry);
    read_document(&options, "desired", &entry->desired);
    read_document(&options, "reported", &entry->reported);
    options_only(&options, known, NULL);
    return options.err ? err_set(why, options.err == ERR_MEMORY ? ERR_MEMORY : ERR_PARSE, "%s", options.why.text) : ERR_OK;
}

static Err read_root(Registry *registry, const json_t *root, ErrText *why)
{
    const json_t *devices = json_object_get(root, "devices");
    if (!json_is_array(devices))
        return err_set(why, ERR_PARSE, "expected an object with a list of devices");
    Err err = ERR_OK;
    for (size_t i = 0; i < json_array_size(devices) && !err; i++)
        err = read_entry(registry, json_array_get(devices, i), i, why);
    return err;
}

Err registry__read(Registry *registry, const char *text, size_t length, ErrText *why)
{
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    const Err err = root ? read_root(registry, root, why) : err_set(why, ERR_PARSE, "line %d, column %d: %s", error.line, error.column, error.text);
    json_decref(root);
    return err;
}

static Err read_file(FILE *file, Text *out)
{
    char bytes[16384];
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, file)) > 0 && out->length <= REGISTRY_BYTES_MAX;)
        text_add(out, bytes, got);
    return ferror(file) ? ERR_IO : out->failed ? ERR_MEMORY : ERR_OK;
}

/* Whoever can write the file can bind what he likes. */
static Err check_mode(FILE *file, ErrText *why)
{
    struct stat info;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > REGISTRY_BYTES_MAX)
        return err_set(why, ERR_IO, "expected a file of at most %d MiB", REGISTRY_BYTES_MAX >> 20);
    if (info.st_mode & (S_IWGRP | S_IWOTH))
        return err_set(why, ERR_IO, "others than its owner may write it: chmod 600");
    return ERR_OK;
}

Err registry__load(Registry *registry, const char *path, ErrText *why)
{
    Text text = {0};
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? ERR_OK : err_set(why, ERR_IO, "%s: %s", path, strerror(errno));
    Err err = check_mode(file, why);
    if (!err && (err = read_file(file, &text)))
        err_set(why, err, "%s", err_name(err));
    fclose(file);
    if (!err)
        err = registry__read(registry, text.bytes ? text.bytes : "", text.length, why);
    text_fini(&text);
    return err ? err_prefix(why, err, "%s", path) : ERR_OK;
}

// Writing.

static void put_text(Text *out, const char *name, const char *value)
{
    if (!*value)
        return;
    text_format(out, ", \"%s\": ", name);
    text_json_string(out, value);
}

static void put_time(Text *out, const char *name, int64_t time)
{
    char text[32];
    if (time == TIME_NONE)
        return;
    time_format(time, text);
    put_text(out, name, text);
}

/* What goes into the open braces of a table, name by name. */
static void put_name(Text *out, const char *name, bool first)
{
    text_put(out, first ? "\n      " : ",\n      ");
    text_json_string(out, name);
    text_put(out, ": {");
}

static void put_tags(Text *out, const RegistryEntry *entry)
{
    text_put(out, ",\n    \"tags\": {");
    for (size_t i = 0; i < entry->tag_count; i++) {
        const EntryTag *tag = &entry->tags[i];
        put_name(out, tag->name, i == 0);
        if (tag->is_actuator) {
            text_put(out, "\"actuator\": true}");
            continue;
        }
        text_put(out, *tag->unit ? "\"unit\": " : "");
        if (*tag->unit)
            text_json_string(out, tag->unit);
        text_put(out, "}");
    }
    text_put(out, "}");
}

static void put_bindings(Text *out, const RegistryEntry *entry)
{
    text_put(out, ",\n    \"bindings\": {");
    for (size_t i = 0; i < entry->binding_count; i++) {
        put_name(out, entry->bindings[i].name, i == 0);
        text_put(out, "\"tag\": ");
        text_json_string(out, entry->bindings[i].tag);
        put_text(out, "unit", entry->bindings[i].unit);
        text_put(out, "}");
    }
    text_put(out, "}");
}

static void put_document(Text *out, const char *name, const EntryDocument *document)
{
    if (!document->version)
        return;
    text_format(out, ",\n    \"%s\": {\"version\": %llu", name, (unsigned long long)document->version);
    put_time(out, "changed", document->changed);
    text_put(out, ", \"value\": ");
    merge_write(out, document->object);
    text_put(out, "}");
}

static void put_entry(Text *out, const RegistryEntry *entry)
{
    text_put(out, "{\"name\": ");
    text_json_string(out, entry->name);
    put_text(out, "calls", entry->calls);
    put_text(out, "credential", entry->credential);
    put_text(out, "kind", entry->kind);
    text_put(out, entry->direct ? ", \"direct\": true" : "");
    text_put(out, entry->claimed ? ", \"claimed\": true" : "");
    text_put(out, entry->disabled ? ", \"disabled\": true" : "");
    put_time(out, "first_seen", entry->first_seen);
    put_time(out, "last_seen", entry->last_seen);
    put_text(out, "claimed_by", entry->claimed_by);
    put_time(out, "claimed_at", entry->claimed_at);
    for (size_t i = 0; i < entry->former_count; i++) {
        text_put(out, i ? ", " : ", \"former\": [");
        text_json_string(out, entry->former[i]);
    }
    text_put(out, entry->former_count ? "]" : "");
    put_tags(out, entry);
    put_bindings(out, entry);
    put_document(out, "desired", &entry->desired);
    put_document(out, "reported", &entry->reported);
    text_put(out, "}");
}

void registry__print(Text *out, const Registry *registry)
{
    const char *before = "\n  ";
    text_put(out, "{\"devices\": [");
    for (size_t i = 0; i < registry->count; i++) {
        if (!registry__is_kept(registry->entries[i]))
            continue;
        text_put(out, before);
        put_entry(out, registry->entries[i]);
        before = ",\n  ";
    }
    text_put(out, "]}\n");
}

// The keeper.

static void *keep(void *self)
{
    Keeper *keeper = self;
    Text text = {0};
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->stopping || keeper->waiting_version) {
        if (!keeper->waiting_version) {
            pthread_cond_wait(&keeper->changed, &keeper->lock);
            continue;
        }
        const Text next = keeper->waiting;
        const uint64_t version = keeper->waiting_version;
        keeper->waiting = text;
        keeper->waiting_version = 0;
        text = next;
        pthread_mutex_unlock(&keeper->lock);

        ErrText why = {0};
        const Err err = file_replace(keeper->path, text.bytes, text.length, &why);
        if (err)
            log_write(LOG_ERROR, "registry", "what was decided about devices counts, and is not kept: %s", why.text);

        pthread_mutex_lock(&keeper->lock);
        keeper->why = why;
        if (!err)
            keeper->saved = version;
        if (keeper->wake)
            keeper->wake(keeper->wake_self);
    }
    pthread_mutex_unlock(&keeper->lock);
    text_fini(&text);
    return NULL;
}

Err keeper__open(Keeper *keeper, const char *path)
{
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->changed, NULL);
    if (!path)
        return ERR_OK;
    keeper->path = mem_alloc(strlen(path) + 1);
    if (!keeper->path)
        return ERR_MEMORY;
    memcpy(keeper->path, path, strlen(path) + 1);
    keeper->running = pthread_create(&keeper->thread, NULL, keep, keeper) == 0;
    return keeper->running ? ERR_OK : ERR_MEMORY;
}

void keeper__close(Keeper *keeper)
{
    if (keeper->running) {
        pthread_mutex_lock(&keeper->lock);
        keeper->stopping = true;
        pthread_cond_signal(&keeper->changed);
        pthread_mutex_unlock(&keeper->lock);
        pthread_join(keeper->thread, NULL);
    }
    text_fini(&keeper->waiting);
    mem_free(keeper->path);
}

void registry__write(Registry *registry)
{
    Keeper *keeper = &registry->keeper;
    Text text = {0};
    if (!keeper->running) {
        keeper->saved = registry->version;
        registry->untold = false;
        return;
    }
    registry__print(&text, registry);
    pthread_mutex_lock(&keeper->lock);
    if (text.failed) {
        err_set(&keeper->why, ERR_MEMORY, "%s", err_name(ERR_MEMORY));
    } else {
        const Text before = keeper->waiting;
        keeper->waiting = text;
        keeper->waiting_version = registry->version;
        text = before;
        registry->untold = false;
        keeper->why.text[0] = 0;
    }
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    text_fini(&text);
}

uint64_t registry_saved(const Registry *registry)
{
    return registry->keeper.saved;
}

bool registry_has_failed(Registry *registry, ErrText *why)
{
    Keeper *keeper = &registry->keeper;
    pthread_mutex_lock(&keeper->lock);
    *why = keeper->why;
    pthread_mutex_unlock(&keeper->lock);
    return *why->text != 0;
}

void registry_on_saved(Registry *registry, void (*wake)(void *self), void *self)
{
    Keeper *keeper = &registry->keeper;
    pthread_mutex_lock(&keeper->lock);
    keeper->wake = wake;
    keeper->wake_self = self;
    pthread_mutex_unlock(&keeper->lock);
}
