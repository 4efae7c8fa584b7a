#include "connectors/sparkplug/plan.h"

#include <stdio.h>
#include <string.h>

static const char *const own_keys[] = {"role", "group", "node", "host_id", "primary", "reorder", "discover", NULL};
static const char *const roles[] = {"host", "edge", NULL};
static const char *const of_edges[] = {"primary", NULL};
static const char *const of_hosts[] = {"host_id", "reorder", "discover", NULL};

static void refuse_keys(Options *options, const char *const *keys, const char *role)
{
    for (; *keys; keys++)
        if (options_has(options, *keys))
            options_fail(options, *keys, "this is of role = \"%s\"", role);
}

static const char *read_name(Options *options, const char *key, const char *fallback)
{
    const char *name = options_text(options, key, fallback);
    if (name && !place_is_name(name))
        options_fail(options, key, "a name without /, + and # was expected");
    return name;
}

static void read_options(Options *options, const ConnectorDef *def, Plan *out)
{
    options_only(options, broker_keys, own_keys);
    broker_read(options, def->folder, def->name, &out->broker);
    out->is_edge = options_choice(options, "role", roles, 0) == 1;
    refuse_keys(options, out->is_edge ? of_hosts : of_edges, roles[!out->is_edge]);
    out->host = out->is_edge ? read_name(options, "primary", NULL) : read_name(options, "host_id", "pollux");
    out->reorder_ns = (int64_t)(options_number(options, "reorder", 2, 0, 3600) * (double)NS_PER_S);
    out->discover = options_flag(options, "discover", false);
    if (!out->broker.clean)
        options_fail(options, "clean", "true was expected: a session of Sparkplug begins anew with each connection");
}

/* The emulated plant is what a host looks at, or the host of an edge node. */
static void stand_behind(Plan *out)
{
    const size_t length = strlen(out->broker.client_id);
    snprintf(out->broker.client_id + length, sizeof out->broker.client_id - length, "-emulated");
    out->is_edge = !out->is_edge;
    out->discover = false;
    // an edge node emulated has no primary host; of one whose primary is named, the emulated host is that
    out->host = out->is_edge ? NULL : out->host ? out->host : "emulated";
}

static size_t find_node(const Plan *plan, const Place *place)
{
    size_t node = 0;
    for (; node < plan->node_count; node++) {
        const Place *first = &plan->places[plan->firsts[node]];
        if (strcmp(first->group, place->group) == 0 && strcmp(first->node, place->node) == 0)
            break;
    }
    return node;
}

static Err read_binding(const ConnectorDef *def, size_t i, const char *group, const char *node, Plan *out, ConnectorFault *fault)
{
    char what[160];
    Place *place = &out->places[i];
    snprintf(what, sizeof what, "bind %s", def->bindings[i].name);
    Options entry = options_begin(def->bindings[i].address, what);
    place_read(&entry, group, node, place);
    if (!entry.err) {
        out->nodes[i] = find_node(out, place);
        if (out->nodes[i] == out->node_count)
            out->firsts[out->node_count++] = i;
        if (out->is_edge && out->node_count > 1)
            options_fail(&entry, "node", "one edge node was expected for all bindings: a connection is one");
    }
    return entry.err ? connector_blame(fault, def->bindings[i].tag, &entry) : ERR_OK;
}

static Err read_all(const ConnectorDef *def, Plan *out, ConnectorFault *fault)
{
    char what[160];
    snprintf(what, sizeof what, "connectors.%s", def->name);
    Options options = options_begin(def->options, what);
    read_options(&options, def, out);
    const char *group = read_name(&options, "group", NULL), *node = read_name(&options, "node", NULL);
    if (def->turned)
        stand_behind(out);
    if (out->is_edge && (!group || !node) && (!def->turned || !def->binding_count))
        options_fail(&options, group ? "node" : "group", "the name of the edge node was expected");
    if (options.err)
        return connector_blame(fault, TAG_NONE, &options);

    Err err = ERR_OK;
    for (size_t i = 0; i < def->binding_count && !err; i++)
        err = read_binding(def, i, group, node, out, fault);
    out->group = out->node_count ? out->places[0].group : group;
    out->node = out->node_count ? out->places[0].node : node;
    return err;
}

Err plan_init(const ConnectorDef *def, Plan *out, ConnectorFault *fault)
{
    const size_t room = def->binding_count + 1;
    *out = (Plan){.count = def->binding_count, .bindings = def->bindings};
    *fault = (ConnectorFault){.binding = TAG_NONE};
    out->places = mem_alloc(room * sizeof *out->places);
    out->nodes = mem_alloc(room * sizeof *out->nodes);
    out->firsts = mem_alloc(room * sizeof *out->firsts);
    Err err = ERR_OK;
    if (!out->places || !out->nodes || !out->firsts)
        err = err_set(&fault->why, ERR_MEMORY, "connectors.%s: out of memory", def->name);
    if (!err)
        err = read_all(def, out, fault);
    if (err)
        plan_fini(out);
    return err;
}

void plan_fini(Plan *plan)
{
    mem_free(plan->places);
    mem_free(plan->nodes);
    mem_free(plan->firsts);
    *plan = (Plan){0};
}
