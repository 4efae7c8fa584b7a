#include "connectors/mqtt/setup.h"

#include <mosquitto.h>
#include <stdio.h>
#include <string.h>

static const char *const own_keys[] = {"share", "discover", "status", "will", NULL};
static const char *const will_keys[] = {"topic", "payload", "qos", "retain", NULL};

// Options.

static void read_will(Options *options, BrokerLetter *out)
{
    const json_t *table = json_object_get(options->object, "will");
    if (!table || options->err)
        return;
    Options will = options_begin(table, "will");
    options_only(&will, will_keys, NULL);
    const char *payload = options_text(&will, "payload", "");
    *out = (BrokerLetter){.topic = options_text(&will, "topic", NULL), .payload = payload, .length = strlen(payload),
                          .qos = (int)options_integer(&will, "qos", 1, 0, 2), .retain = options_flag(&will, "retain", true)};
    if (!will.err && (!out->topic || mosquitto_pub_topic_check(out->topic) != MOSQ_ERR_SUCCESS))
        options_fail(&will, "topic", "a topic without + and # was expected");
    if (will.err)
        options_fail(options, "will", "%s", will.why.text);
}

static BrokerLetter make_status(const char *topic, const char *word)
{
    return (BrokerLetter){.topic = topic, .payload = word, .length = strlen(word), .qos = 1, .retain = true};
}

static void read_status(Options *options, Setup *out)
{
    const char *status = options_text(options, "status", NULL);
    if (!status)
        return;
    if (mosquitto_pub_topic_check(status) != MOSQ_ERR_SUCCESS)
        options_fail(options, "status", "a topic without + and # was expected");
    if (out->will.topic)
        options_fail(options, "status", "a connection has one will: either status or will was expected");
    out->will = make_status(status, "offline");
    out->birth = make_status(status, "online");
}

static void read_options(Options *options, const ConnectorDef *def, Setup *out)
{
    options_only(options, broker_keys, own_keys);
    broker_read(options, def->folder, def->name, &out->broker);
    out->share = options_text(options, "share", NULL);
    out->discover = options_text(options, "discover", NULL);
    read_will(options, &out->will);
    read_status(options, out);
    if (out->share && strpbrk(out->share, "+#/"))
        options_fail(options, "share", "the name of a group without +, # and / was expected");
    if (out->discover && mosquitto_sub_topic_check(out->discover) != MOSQ_ERR_SUCCESS)
        options_fail(options, "discover", "a filter was expected, for example \"works/#\"");
    if (out->share && out->discover)
        options_fail(options, "discover", "either share or discover was expected: a member of a group sees a part of the messages");
}

/* The emulated plant has another name, and no say in what concerns the engine alone. */
static void stand_behind(Setup *out)
{
    const size_t length = strlen(out->broker.client_id);
    snprintf(out->broker.client_id + length, sizeof out->broker.client_id - length, "-emulated");
    out->share = out->discover = NULL;
    out->will = out->birth = (BrokerLetter){0};
}

static Err read_all(const ConnectorDef *def, Setup *out, ConnectorFault *fault)
{
    char what[160];
    snprintf(what, sizeof what, "connectors.%s", def->name);
    Options options = options_begin(def->options, what);
    read_options(&options, def, out);
    if (options.err)
        return connector_blame(fault, TAG_NONE, &options);
    if (def->turned)
        stand_behind(out);

    for (size_t i = 0; i < def->binding_count; i++) {
        const Binding *binding = &def->bindings[i];
        snprintf(what, sizeof what, "bind %s", binding->name);
        Options entry = options_begin(binding->address, what);
        route_read(binding, &entry, &out->routes[i]);
        if (out->routes[i].qos == 2 && binding->writes && !out->broker.clean)
            options_fail(&entry, "qos", "0 or 1 was expected: a session that is kept would keep half a command");
        if (entry.err)
            return connector_blame(fault, binding->tag, &entry);
    }
    return ERR_OK;
}

// Subscriptions.

/* What is wanted at first: a filter per binding that is read or has a reply. */
typedef struct Wish {
    const char *filter;
    int qos;
    bool shared, covered;
} Wish;

static size_t list_wishes(Setup *setup, const Binding *bindings, Wish *wishes)
{
    size_t count = 0;
    if (setup->discover)
        wishes[count++] = (Wish){.filter = setup->discover};
    for (size_t i = 0; i < setup->count; i++) {
        const Route *route = &setup->routes[i];
        const bool writes = bindings[i].writes;
        if (writes && !route->reply)
            continue;
        wishes[count++] = (Wish){.filter = writes ? route->reply : route->topic, .qos = writes ? 1 : route->qos, .shared = !writes && setup->share};
        topics_add(&setup->topics, writes ? route->reply : route->topic, setup_number(i, writes));
    }
    return count;
}

/* `by` leads to it too: some brokers would send the message twice. */
static void cover(Wish *wish, Wish *by)
{
    if (wish == by || wish->covered || by->covered || wish->shared != by->shared || !topic_is_covered(by->filter, wish->filter))
        return;
    wish->covered = true;
    by->qos = by->qos > wish->qos ? by->qos : wish->qos;
}

/* Patterns are few, topics many: those are compared with patterns, and among themselves by the table. */
static void drop_covered(Wish *wishes, size_t count, TopicTable *firsts)
{
    for (size_t i = 0; i < count; i++)
        if (topic_has_pattern(wishes[i].filter))
            for (size_t j = 0; j < count; j++)
                cover(&wishes[j], &wishes[i]);
    for (size_t i = 0; i < count; i++) {
        size_t found;
        if (wishes[i].covered || topic_has_pattern(wishes[i].filter))
            continue;
        const uint32_t *before = topics_find(firsts, wishes[i].filter, &found);
        for (size_t j = 0; j < found; j++)
            cover(&wishes[i], &wishes[before[j]]);
        if (!wishes[i].covered)
            topics_add(firsts, wishes[i].filter, (uint32_t)i);
    }
}

static void keep_filters(Setup *setup, const Wish *wishes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        SetupFilter *filter = &setup->filters[setup->filter_count];
        if (wishes[i].covered)
            continue;
        const char *group = wishes[i].shared ? setup->share : NULL;
        snprintf(filter->text, sizeof filter->text, "%s%s%s%s", group ? "$share/" : "", group ? group : "", group ? "/" : "", wishes[i].filter);
        filter->qos = wishes[i].qos;
        setup->filter_count++;
    }
}

static Err plan_subscriptions(const ConnectorDef *def, Setup *setup)
{
    const size_t room = def->binding_count + 1;
    TopicTable firsts = {0};
    Wish *wishes = mem_alloc(room * sizeof *wishes);
    setup->filters = mem_alloc(room * sizeof *setup->filters);
    Err err = wishes && setup->filters ? topics_init(&setup->topics, room) : ERR_MEMORY;
    if (!err)
        err = topics_init(&firsts, room);
    if (!err) {
        const size_t count = list_wishes(setup, def->bindings, wishes);
        drop_covered(wishes, count, &firsts);
        keep_filters(setup, wishes, count);
    }
    topics_fini(&firsts);
    mem_free(wishes);
    return err;
}

// The whole.

Err setup_init(const ConnectorDef *def, Setup *out, ConnectorFault *fault)
{
    *out = (Setup){.count = def->binding_count};
    *fault = (ConnectorFault){.binding = TAG_NONE};
    out->routes = mem_alloc((def->binding_count + 1) * sizeof *out->routes);
    Err err = out->routes ? read_all(def, out, fault) : ERR_MEMORY;
    if (!err)
        err = plan_subscriptions(def, out);
    if (err == ERR_MEMORY)
        err_set(&fault->why, err, "connectors.%s: out of memory", def->name);
    if (err)
        setup_fini(out);
    return err;
}

void setup_fini(Setup *setup)
{
    topics_fini(&setup->topics);
    mem_free(setup->filters);
    mem_free(setup->routes);
    *setup = (Setup){0};
}
