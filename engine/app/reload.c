/* reload.c -- one thread per loading, and what the files looked like. */
#include "app/reload.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const int64_t LOOK_NS = NS_PER_S;         // between two looks at the files
static const int64_t GRAIN_NS = 10 * NS_PER_MS;  // files keep time by a coarser clock, which is behind

struct Reload {
    AppDef def;
    pthread_t thread;
    bool loading, asked;
    atomic_bool done;  // what follows is the tick's again
    App *app;
    ErrText why;

    bool watching, refused;
    int64_t started_utc;  // of the last loading, by the machine's clock: what changed later is not in it
    int64_t seen;         // the newest change at the last look
    int64_t looked_elapsed;
};

// --- loading -------------------------------------------------------------------------------------------------------

static void *run(void *self)
{
    Reload *reload = self;
    pthread_setname_np(pthread_self(), "reload");
    if (app_load(&reload->def, &reload->app, &reload->why))
        reload->app = NULL;
    atomic_store(&reload->done, true);
    return NULL;
}

/* Signals are for the thread that waits for them. */
static void start(Reload *reload)
{
    sigset_t all, before;
    sigfillset(&all);
    reload->asked = false;
    reload->done = false;
    reload->started_utc = clock_system.utc_ns(clock_system.self) - GRAIN_NS;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    reload->loading = pthread_create(&reload->thread, NULL, run, reload) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!reload->loading)
        log_write(LOG_ERROR, "reload", "no thread to load the script with: ask again");
}

static ReloadResult finish(Reload *reload, App **out, ErrText *why)
{
    pthread_join(reload->thread, NULL);
    reload->loading = false;
    *out = reload->app;
    *why = reload->why;
    reload->app = NULL;
    reload->refused = *out == NULL;
    return reload->refused ? RELOAD_REFUSED : RELOAD_LOADED;
}

// --- looking at the files ------------------------------------------------------------------------------------------

/* When a file was written or put in its place, ns since 1970; never, where it is not there. */
static int64_t changed_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_ctim.tv_sec * NS_PER_S + info.st_ctim.tv_nsec : INT64_MIN;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The newest change of a script in this folder. */
static int64_t changed_folder(const char *folder)
{
    int64_t changed = INT64_MIN;
    char path[1024];
    DIR *files = opendir(folder);
    for (const struct dirent *file; files && (file = readdir(files));) {
        const char *ending = strrchr(file->d_name, '.');
        if (ending && strcmp(ending, ".lua") == 0 && snprintf(path, sizeof path, "%s/%s", folder, file->d_name) < (int)sizeof path)
            changed = later(changed, changed_file(path));
    }
    if (files)
        closedir(files);
    return changed;
}

/* Scripts where models are looked for. */
static int64_t changed_surroundings(const char *plant)
{
    const char *slash = strrchr(plant, '/');
    const int folder = slash ? (int)(slash - plant + 1) : 0;
    int64_t changed = INT64_MIN;
    for (const char *const *place = plant_model_places; *place; place++) {
        char path[1024];
        if (snprintf(path, sizeof path, "%.*s%s.", folder, plant, *place) < (int)sizeof path)
            changed = later(changed, changed_folder(path));
    }
    return changed;
}

static int64_t changed_at(const Reload *reload, const Plant *running)
{
    int64_t changed = changed_file(running->path);
    if (running->parameters_path)
        changed = later(changed, changed_file(running->parameters_path));
    for (uint32_t i = 0; i < running->model_count; i++)
        for (uint16_t k = 0; k < running->models[i]->path_count; k++)
            changed = later(changed, changed_file(running->models[i]->paths[k]));
    return reload->refused ? later(changed, changed_surroundings(running->path)) : changed;
}

/* A change counts when nothing newer has come by the next look: an editor may still be writing. */
static void look(Reload *reload, const Plant *running)
{
    const int64_t now = reload->def.clock->elapsed_ns(reload->def.clock->self);
    if (now - reload->looked_elapsed < LOOK_NS)
        return;
    const int64_t changed = changed_at(reload, running);
    if (changed > reload->started_utc && changed == reload->seen)
        reload_ask(reload);
    reload->seen = changed;
    reload->looked_elapsed = now;
}

// --- public --------------------------------------------------------------------------------------------------------

Err reload_create(const AppDef *def, bool watch, Reload **out)
{
    *out = mem_alloc(sizeof **out);
    if (!*out)
        return ERR_MEMORY;
    (*out)->def = *def;
    (*out)->def.clock = def->clock ? def->clock : &clock_system;
    (*out)->watching = watch;
    (*out)->started_utc = clock_system.utc_ns(clock_system.self);
    return ERR_OK;
}

void reload_destroy(Reload *reload)
{
    App *app = NULL;
    ErrText why;
    if (!reload)
        return;
    if (reload->loading)
        finish(reload, &app, &why);
    app_destroy(app);
    mem_free(reload);
}

void reload_ask(Reload *reload)
{
    reload->asked = true;
}

ReloadResult reload_poll(Reload *reload, const Plant *running, App **out, ErrText *why)
{
    if (reload->loading && !reload->done)
        return RELOAD_NOTHING;
    if (reload->loading)
        return finish(reload, out, why);
    if (reload->watching)
        look(reload, running);
    if (reload->asked)
        start(reload);
    return RELOAD_NOTHING;
}

bool reload_is_busy(const Reload *reload)
{
    return reload->loading || reload->asked;
}
