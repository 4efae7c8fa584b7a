/* asking.c -- what clients ask: a subscription is answered here, what concerns the plant is answered by the tick. */
#include <stdio.h>
#include <string.h>

#include "server/alarms.h"
#include "server/client.h"

// What clients may.

/* What a message of people needs; nobody but an admin has the right to a topic that is not named here. */
static Right topic_right(WireTopic topic)
{
    switch (topic) {
    case WIRE_SUBSCRIBE:
        return RIGHT_VIEW;
    case WIRE_ACKNOWLEDGE:
    case WIRE_COMMENT:
    case WIRE_SHELVE:
    case WIRE_UNSHELVE:
        return RIGHT_ACKNOWLEDGE;
    case WIRE_SUPPRESS:
    case WIRE_UNSUPPRESS:
        return RIGHT_CONFIGURE;
    case WIRE_ACTUATE:
        return RIGHT_COMMAND;
    default:
        return RIGHT_ADMIN;
    }
}

static bool may(Client *client, const WireMessage *message)
{
    const Caller *caller = &client->caller;
    const bool as_device = wire_is_device_topic(message->topic);
    const Right right = as_device ? RIGHT_NONE : topic_right(message->topic);
    char why[128];
    const bool is_device = as_device && (client->link.standing == LINK_STRANGER || access_is_device(client->server->access, caller));
    if (as_device ? is_device : role_may(caller->role, right))
        return true;
    if (as_device)
        snprintf(why, sizeof why, "%s is no device: it has no tags to provide or actuate", caller->name);
    else
        snprintf(why, sizeof why, "%s may not: this needs the right to %s", caller->name, right_name(right));
    client_refuse(client, wire_topic_name(message->topic), message->id, 403, why);
    server__note(client->server, caller, wire_topic_name(message->topic), "", AUDIT_REFUSED, why);
    client_count_refusal(client, "too many messages without the right to them");
    return false;
}

// What clients ask.

/* A name that is no pattern must be a tag; which tags a pattern fits can change. */
static const char *find_unknown(const TagTable *tags, const WireMessage *message)
{
    for (size_t i = 0; i < message->subscribe.tag_count; i++)
        if (!strchr(message->subscribe.tags[i], '*') && tags_find(tags, message->subscribe.tags[i]) == TAG_NONE)
            return message->subscribe.tags[i];
    return NULL;
}

static void on_subscribe(Client *client, const WireMessage *message)
{
    Server *server = client->server;
    const char *topic = wire_topic_name(WIRE_SUBSCRIBE), *unknown = find_unknown(server->plant->tags, message);
    if (unknown) {
        char detail[200];
        snprintf(detail, sizeof detail, "no tag \"%.100s\" in plant %s", unknown, server->plant->name);
        client_refuse(client, topic, message->id, 404, detail);
        return;
    }
    if (!client_listen(client, message))
        return;
    const Wish wish = {.tags = message->subscribe.tags,
                       .tag_count = message->subscribe.tag_count,
                       .dead_band = message->subscribe.dead_band,
                       .rate_max_hz = message->subscribe.rate_max_hz,
                       .on_change = message->subscribe.on_change};
    Subscription subscription;
    if (show_join(server, &client->viewer, &wish, message->subscribe.after, &subscription) != ERR_OK) {
        client_refuse(client, topic, message->id, 503, "no memory for another subscription");
        return;
    }
    wire_write_subscribed(&server->out, message->id, subscription.revision, subscription.resumed, subscription.tags);
    client_say(client);
    show_begin(server, &client->viewer, &subscription);
}

static void put_ask(Client *client, const WireMessage *message, ServerAsk *ask)
{
    ask->caller = client->caller;
    if (asks_put(&client->server->asks, client, message->topic, message->id, ask))
        return;
    client_refuse(client, wire_topic_name(message->topic), message->id, 429, "too many questions wait for an answer");
}

static AlarmActKind act_kind(WireTopic topic)
{
    switch (topic) {
    case WIRE_COMMENT:
        return ACT_COMMENT;
    case WIRE_SHELVE:
        return ACT_SHELVE;
    case WIRE_UNSHELVE:
        return ACT_UNSHELVE;
    case WIRE_SUPPRESS:
        return ACT_SUPPRESS;
    case WIRE_UNSUPPRESS:
        return ACT_UNSUPPRESS;
    default:
        return ACT_ACKNOWLEDGE;
    }
}

static void on_act(Client *client, const WireMessage *message)
{
    ServerAsk ask = {.kind = SERVER_ASK_ALARM};
    alarms_fill_act(client->server, act_kind(message->topic), message->act.alarm, message->act.seconds, message->act.comment, &ask.act);
    // what a client says of itself counts only where nobody has to say who he is
    snprintf(ask.act.by, sizeof ask.act.by, "%s", *client->caller.name ? client->caller.name : message->act.by);
    put_ask(client, message, &ask);
}

static void on_actuate(Client *client, const WireMessage *message)
{
    const TagTable *tags = client->server->plant->tags;
    const char *topic = wire_topic_name(message->topic);
    ServerAsk ask = {.kind = SERVER_ASK_ACTUATE, .wish = {.tag = tags_find(tags, message->actuate.tag)}};
    if (ask.wish.tag == TAG_NONE) {
        client_refuse(client, topic, message->id, 404, "no such tag in this plant");
        return;
    }
    const Tag tag = tags_get(tags, ask.wish.tag);
    if (tag.role != TAG_ACTUATED) {
        client_refuse(client, topic, message->id, 400, "this tag is not an actuator");
        return;
    }
    ask.wish.value = unit_to_si(tag.unit, message->actuate.value);
    ask.wish.dry_run = message->actuate.dry_run;
    caller_sign(&client->caller, ask.wish.by, sizeof ask.wish.by);
    snprintf(ask.wish.reason, sizeof ask.wish.reason, "%s", message->actuate.reason);
    put_ask(client, message, &ask);
}

void server__deliver(Server *server)
{
    AskAnswer answer;
    Waiting waiting;
    while (asks_next(&server->asks, &answer, &waiting)) {
        if (waiting.topic == WIRE_TOPIC_COUNT) {
            server__answer_session(server, waiting.client, &answer);
            continue;
        }
        if (answer.status != 200)
            wire_write_refusal(&server->out, wire_topic_name(waiting.topic), waiting.id, answer.status, NULL, answer.detail);
        else if (waiting.topic == WIRE_ACTUATE)
            wire_write_actuated(&server->out, waiting.id, answer.command);
        else
            wire_write_done(&server->out, waiting.topic, waiting.id);
        client_say(waiting.client);
    }
}

void client_ask(Client *client, const WireMessage *message)
{
    Server *server = client->server;
    if (!message->status && !may(client, message))
        return;
    if (wire_is_device_topic(message->topic)) {
        if (server->devices)
            server->devices->message(server->devices->self, &client->link, message);
        else if (!message->status)
            client_refuse(client, wire_topic_name(message->topic), message->id, 404, "this plant is bound to no devices here");
        return;
    }
    if (message->status)
        return;  // an answer to what nobody asked
    if (message->topic == WIRE_SUBSCRIBE)
        on_subscribe(client, message);
    else if (message->topic == WIRE_ACTUATE)
        on_actuate(client, message);
    else
        on_act(client, message);
}
