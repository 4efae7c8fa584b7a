#include "connectors/mqtt/guard.h"

#include <mqtt_protocol.h>

/* What is left of a packet. Reading beyond its end leaves `failed`. */
typedef struct View {
    const unsigned char *at, *end;
    bool failed;
} View;

static size_t left(const View *view)
{
    return (size_t)(view->end - view->at);
}

static void skip(View *view, size_t count)
{
    if (count > left(view)) {
        view->failed = true;
        count = left(view);
    }
    view->at += count;
}

static unsigned take_byte(View *view)
{
    if (view->at == view->end) {
        view->failed = true;
        return 0;
    }
    return *view->at++;
}

static size_t take_short(View *view)
{
    const size_t high = take_byte(view);
    return high << 8 | take_byte(view);
}

/* Seven bits to a byte, the lowest first, at most four bytes. */
static size_t take_varint(View *view)
{
    size_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        const unsigned byte = take_byte(view);
        value |= (size_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    view->failed = true;
    return value;
}

// Properties (MQTT 5.0, 2.2.2.2).

enum { UNKNOWN, BYTE, SHORT, LONG, VARINT, TEXT, PAIR };

static const unsigned char property_kinds[] = {
    [MQTT_PROP_PAYLOAD_FORMAT_INDICATOR] = BYTE,
    [MQTT_PROP_MESSAGE_EXPIRY_INTERVAL] = LONG,
    [MQTT_PROP_CONTENT_TYPE] = TEXT,
    [MQTT_PROP_RESPONSE_TOPIC] = TEXT,
    [MQTT_PROP_CORRELATION_DATA] = TEXT,
    [MQTT_PROP_SUBSCRIPTION_IDENTIFIER] = VARINT,
    [MQTT_PROP_SESSION_EXPIRY_INTERVAL] = LONG,
    [MQTT_PROP_ASSIGNED_CLIENT_IDENTIFIER] = TEXT,
    [MQTT_PROP_SERVER_KEEP_ALIVE] = SHORT,
    [MQTT_PROP_AUTHENTICATION_METHOD] = TEXT,
    [MQTT_PROP_AUTHENTICATION_DATA] = TEXT,
    [MQTT_PROP_REQUEST_PROBLEM_INFORMATION] = BYTE,
    [MQTT_PROP_WILL_DELAY_INTERVAL] = LONG,
    [MQTT_PROP_REQUEST_RESPONSE_INFORMATION] = BYTE,
    [MQTT_PROP_RESPONSE_INFORMATION] = TEXT,
    [MQTT_PROP_SERVER_REFERENCE] = TEXT,
    [MQTT_PROP_REASON_STRING] = TEXT,
    [MQTT_PROP_RECEIVE_MAXIMUM] = SHORT,
    [MQTT_PROP_TOPIC_ALIAS_MAXIMUM] = SHORT,
    [MQTT_PROP_TOPIC_ALIAS] = SHORT,
    [MQTT_PROP_MAXIMUM_QOS] = BYTE,
    [MQTT_PROP_RETAIN_AVAILABLE] = BYTE,
    [MQTT_PROP_USER_PROPERTY] = PAIR,
    [MQTT_PROP_MAXIMUM_PACKET_SIZE] = LONG,
    [MQTT_PROP_WILDCARD_SUB_AVAILABLE] = BYTE,
    [MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE] = BYTE,
    [MQTT_PROP_SHARED_SUB_AVAILABLE] = BYTE,
};

static void skip_property(View *view)
{
    const size_t id = take_varint(view);
    switch (id < sizeof property_kinds ? property_kinds[id] : UNKNOWN) {
    case BYTE:
        skip(view, 1);
        break;
    case SHORT:
        skip(view, 2);
        break;
    case LONG:
        skip(view, 4);
        break;
    case VARINT:
        take_varint(view);
        break;
    case PAIR:
        skip(view, take_short(view));
        skip(view, take_short(view));
        break;
    case TEXT:
        skip(view, take_short(view));
        break;
    default:
        view->failed = true;
    }
}

static void check_properties(View *view)
{
    const size_t length = take_varint(view);
    if (length > left(view))
        view->failed = true;
    View properties = {view->at, view->at + (view->failed ? 0 : length), false};
    while (left(&properties) && !properties.failed)
        skip_property(&properties);
    view->failed |= properties.failed;
}

/* To the properties, as far as the packet has some; what is short else is for libmosquitto to refuse. */
static void check_packet(View *view, unsigned head)
{
    switch (head & 0xF0) {
    case CMD_CONNACK:
        skip(view, 2);
        break;
    case CMD_PUBLISH:
        skip(view, take_short(view));
        skip(view, head & 0x06 ? 2 : 0);
        break;
    case CMD_PUBACK:
    case CMD_PUBREC:
    case CMD_PUBREL:
    case CMD_PUBCOMP:
        skip(view, left(view) > 3 ? 3 : left(view));
        break;
    case CMD_SUBACK:
    case CMD_UNSUBACK:
        skip(view, 2);
        break;
    case CMD_DISCONNECT:
    case CMD_AUTH:
        skip(view, left(view) ? 1 : 0);
        break;
    default:
        return;
    }
    if (left(view) && !view->failed)
        check_properties(view);
}

GuardView guard_look(const unsigned char *bytes, size_t length, int version)
{
    GuardView look = {0};
    View rest = {bytes, bytes + length, false};
    while (left(&rest) >= 2) {
        const unsigned char *first = rest.at;
        const unsigned head = take_byte(&rest);
        const size_t size = take_varint(&rest);
        const size_t before = (size_t)(rest.at - first);
        if (rest.failed) {
            look.fault = before > 4 ? "its length is no number" : NULL;
            look.wanted = before + 1;
            return look;
        }
        look.wanted = before + size;
        if (look.wanted > GUARD_PACKET_MAX) {
            look.fault = "it is too large";
            return look;
        }
        if (size > left(&rest))
            return look;

        View packet = {rest.at, rest.at + size, false};
        if (version == 5)
            check_packet(&packet, head);
        if (packet.failed) {
            look.fault = "its properties are malformed";
            return look;
        }
        rest.at += size;
        look.packets++;
        look.wanted = 0;
    }
    look.wanted = left(&rest) ? 2 : 0;
    return look;
}
