/* fuzz_registry.c -- any bytes as the file of the registry: what is read is within its limits, printed and read again it is the same, and a device that does as
 * it is desired leaves nothing to be told. */
#include <stdlib.h>
#include <string.h>

#include "signal/merge.h"
#include "signal/registry_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_entry(const RegistryEntry *entry)
{
    json_t *delta = registry_delta(entry), *obeyed = merge_patch(entry->reported.object, delta), *left = merge_delta(entry->desired.object, obeyed);
    require(delta && json_object_size(left) == 0);
    require(merge_depth(entry->desired.object) <= REGISTRY_DEPTH_MAX && merge_depth(entry->reported.object) <= REGISTRY_DEPTH_MAX);
    require(entry->tag_count <= REGISTRY_TAGS_MAX && entry->binding_count <= REGISTRY_TAGS_MAX && entry->former_count <= REGISTRY_FORMER_MAX);
    json_decref(delta);
    json_decref(obeyed);
    json_decref(left);
}

static Registry *open_registry(void)
{
    Registry *registry;
    require(registry_open(NULL, NULL, &registry, NULL) == ERR_OK);
    return registry;
}

static void print_and_read(const Registry *registry)
{
    Text text = {0}, again = {0};
    Registry *other = open_registry();
    registry__print(&text, registry);
    require(!text.failed && registry__read(other, text.bytes, text.length, NULL) == ERR_OK);
    registry__print(&again, other);
    require(text.length == again.length && memcmp(text.bytes, again.bytes, text.length) == 0);
    registry_close(other);
    text_fini(&text);
    text_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    ErrText why = {0};
    Registry *registry = open_registry();
    if (registry__read(registry, (const char *)bytes, size, &why)) {
        require(*why.text);
    } else {
        for (size_t i = 0; i < registry_count(registry); i++)
            check_entry(registry_at(registry, i));
        print_and_read(registry);
    }
    registry_close(registry);
    return 0;
}
