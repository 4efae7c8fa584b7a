#include "connectors/sparkplug/lookup.h"

#include <string.h>

static const char *device_of(const Plan *plan, size_t binding)
{
    return plan->places[binding].device ? plan->places[binding].device : "";
}

bool lookup_is_of(const Plan *plan, size_t binding, size_t node, const char *device)
{
    return plan->nodes[binding] == node && (!device || strcmp(device_of(plan, binding), device) == 0);
}

static size_t hash_name(const Lookup *lookup, size_t node, const char *device, const char *metric)
{
    return hash_bytes(hash_bytes(node, device, strlen(device)), metric, strlen(metric)) & lookup->mask;
}

static size_t hash_alias(const Lookup *lookup, size_t node, uint64_t alias)
{
    return hash_bytes(node, &alias, sizeof alias) & lookup->mask;
}

static void file_names(Lookup *lookup)
{
    const Plan *plan = lookup->plan;
    // from the last to the first, so that chains go the other way
    for (size_t i = plan->count; i-- > 0;) {
        uint32_t *head = &lookup->heads[hash_name(lookup, plan->nodes[i], device_of(plan, i), plan->places[i].metric)];
        lookup->next[i] = *head;
        *head = (uint32_t)i;
    }
}

Err lookup_init(Lookup *lookup, const Plan *plan)
{
    size_t heads = 16;
    while (heads < 2 * plan->count)
        heads *= 2;
    const size_t room = plan->count + 1;
    *lookup = (Lookup){.plan = plan, .mask = heads - 1};
    lookup->heads = mem_alloc(heads * sizeof *lookup->heads);
    lookup->next = mem_alloc(room * sizeof *lookup->next);
    lookup->alias_heads = mem_alloc(heads * sizeof *lookup->alias_heads);
    lookup->alias_next = mem_alloc(room * sizeof *lookup->alias_next);
    lookup->aliases = mem_alloc(room * sizeof *lookup->aliases);
    lookup->has_alias = mem_alloc(room * sizeof *lookup->has_alias);
    if (!lookup->heads || !lookup->next || !lookup->alias_heads || !lookup->alias_next || !lookup->aliases || !lookup->has_alias) {
        lookup_fini(lookup);
        return ERR_MEMORY;
    }
    memset(lookup->heads, 0xFF, heads * sizeof *lookup->heads);
    memset(lookup->alias_heads, 0xFF, heads * sizeof *lookup->alias_heads);
    file_names(lookup);
    return ERR_OK;
}

void lookup_fini(Lookup *lookup)
{
    mem_free(lookup->heads);
    mem_free(lookup->next);
    mem_free(lookup->alias_heads);
    mem_free(lookup->alias_next);
    mem_free(lookup->aliases);
    mem_free(lookup->has_alias);
    *lookup = (Lookup){0};
}

size_t lookup_node(const Lookup *lookup, const char *group, const char *node)
{
    const Plan *plan = lookup->plan;
    size_t i = 0;
    for (; i < plan->node_count; i++) {
        const Place *first = &plan->places[plan->firsts[i]];
        if (strcmp(first->node, node) == 0 && strcmp(first->group, group) == 0)
            break;
    }
    return i;
}

static uint32_t find_from(const Lookup *lookup, uint32_t at, size_t node, const char *device, const char *metric)
{
    while (at != LOOKUP_NONE && (!lookup_is_of(lookup->plan, at, node, device) || strcmp(lookup->plan->places[at].metric, metric) != 0))
        at = lookup->next[at];
    return at;
}

uint32_t lookup_name(const Lookup *lookup, size_t node, const char *device, const char *metric)
{
    return find_from(lookup, lookup->heads[hash_name(lookup, node, device, metric)], node, device, metric);
}

uint32_t lookup_next(const Lookup *lookup, uint32_t binding)
{
    const Plan *plan = lookup->plan;
    return find_from(lookup, lookup->next[binding], plan->nodes[binding], device_of(plan, binding), plan->places[binding].metric);
}

// Aliases.

uint32_t lookup_alias(const Lookup *lookup, size_t node, uint64_t alias)
{
    uint32_t at = lookup->alias_heads[hash_alias(lookup, node, alias)];
    while (at != LOOKUP_NONE && (lookup->plan->nodes[at] != node || lookup->aliases[at] != alias))
        at = lookup->alias_next[at];
    return at;
}

static void file_alias(Lookup *lookup, uint32_t binding)
{
    uint32_t *head = &lookup->alias_heads[hash_alias(lookup, lookup->plan->nodes[binding], lookup->aliases[binding])];
    lookup->alias_next[binding] = *head;
    *head = binding;
}

void lookup_set_alias(Lookup *lookup, uint32_t binding, uint64_t alias)
{
    if (lookup->has_alias[binding])
        return;
    lookup->has_alias[binding] = true;
    lookup->aliases[binding] = alias;
    file_alias(lookup, binding);
}

void lookup_forget_aliases(Lookup *lookup, size_t node, const char *device)
{
    memset(lookup->alias_heads, 0xFF, (lookup->mask + 1) * sizeof *lookup->alias_heads);
    for (size_t i = 0; i < lookup->plan->count; i++) {
        if (lookup_is_of(lookup->plan, i, node, device))
            lookup->has_alias[i] = false;
        if (lookup->has_alias[i])
            file_alias(lookup, (uint32_t)i);
    }
}
