#include "app/kinds.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "connectors/http/http.h"
#include "connectors/iec104/iec104.h"
#include "connectors/modbus/modbus.h"
#include "connectors/mqtt/mqtt.h"
#include "connectors/sparkplug/sparkplug.h"

const ConnectorKind *const kinds[] = {
    &http_kind,
    &iec104_kind,
    &modbus_kind,
    &mqtt_kind,
    &sparkplug_kind,
    NULL,
};

static const ConnectorKind *find_kind(const char *name)
{
    for (const ConnectorKind *const *kind = kinds; *kind; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}

static bool is_path(const char *name)
{
    const char *ending = strrchr(name, '.');
    return strchr(name, '/') || (ending && strcmp(ending, ".so") == 0);
}

static Err ask_library(void *library, const char *path, const ConnectorKind **out, ErrText *why)
{
    // POSIX promises that this pointer is one to a function
    ConnectorEntry *entry;
    *(void **)&entry = dlsym(library, CONNECTOR_ENTRY);
    if (!entry)
        return err_set(why, ERR_IO, "%s is no connector: it has no function %s", path, CONNECTOR_ENTRY);
    const ConnectorKind *kind = entry();
    if (!kind || kind->version != CONNECTOR_VERSION)
        return err_set(why, ERR_DENIED, "%s was built for version %u of the connectors' interface, and this is version %d: build it anew", path,
                       kind ? kind->version : 0, CONNECTOR_VERSION);
    if (!kind->name || !kind->check || !kind->open)
        return err_set(why, ERR_IO, "%s is no connector: name, check and open were expected", path);
    *out = kind;
    return ERR_OK;
}

static Err open_library(const char *name, const char *folder, const ConnectorKind **out, void **library, ErrText *why)
{
    // with a slash in front of it the linker looks nowhere else
    char path[PATH_MAX];
    const bool absolute = *name == '/';
    snprintf(path, sizeof path, "%s%s%s", absolute ? "" : folder, absolute ? "" : "/", name);
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*library)
        return err_set(why, ERR_IO, "%s", dlerror());
    const Err err = ask_library(*library, path, out, why);
    if (err) {
        kinds_close(*library);
        *library = NULL;
    }
    return err;
}

static Err refuse(const char *name, ErrText *why)
{
    char known[256] = "";
    for (size_t i = 0, length = 0; kinds[i] && length < sizeof known; i++)
        length += (size_t)snprintf(known + length, sizeof known - length, "%s, ", kinds[i]->name);
    return err_set(why, ERR_UNKNOWN, "there is no kind of connector \"%s\"; one of these was expected: %sor the path of a shared library", name, known);
}

Err kinds_open(const char *name, const char *folder, const ConnectorKind **out, void **library, ErrText *why)
{
    *library = NULL;
    *out = is_path(name) ? NULL : find_kind(name);
    if (*out)
        return ERR_OK;
    return is_path(name) ? open_library(name, folder, out, library, why) : refuse(name, why);
}

void kinds_close(void *library)
{
    if (library)
        dlclose(library);
}
