/* settings.c -- keys of the script, each checked where it is read. */
#include "connectors/modbus/settings.h"

#include <stdio.h>
#include <string.h>

#define PARITIES "NEO"

enum { PEER_MAX = 100 };  // letters of a host or a device

static const char *const line_keys[] = {"host", "port", "device", "baud", "parity", "data_bits", "stop_bits", "unit_id", "every", "timeout", "attempts",
                                        "retry", "retry_most", "order", "block", "gap", NULL};
static const char *const tcp_keys[] = {"host", "port", NULL};
static const char *const serial_keys[] = {"device", "baud", "parity", "data_bits", "stop_bits", NULL};
static const char *const point_keys[] = {"coil", "discrete", "holding", "input", "type", "order", "bit", "unit_id", "every", NULL};
static const char *const parity_names[] = {"none", "even", "odd", NULL};

/* What the driver of a serial line can be told. */
static const int bauds[] = {300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600};

/* What bindings say in their own words, unless they leave it to the connector. */
typedef struct Defaults {
    int64_t unit_id;
    double every_s;
    int order;
} Defaults;

static int64_t seconds(double s)
{
    return (int64_t)(s * 1e9);
}

static void refuse_keys(Options *options, const char *const *keys, const char *where)
{
    for (; *keys; keys++)
        if (options_has(options, *keys))
            options_fail(options, *keys, "this is a key of %s", where);
}

static const char *read_peer(Options *options, const char *key)
{
    const char *text = options_text(options, key, NULL);
    if (text && strlen(text) > PEER_MAX)
        options_fail(options, key, "at most %d letters were expected", PEER_MAX);
    return text;
}

static int read_baud(Options *options)
{
    const int64_t baud = options_integer(options, "baud", 19200, 300, 921600);
    for (size_t i = 0; i < sizeof bauds / sizeof *bauds; i++)
        if (bauds[i] == baud)
            return bauds[i];
    options_fail(options, "baud", "a rate of serial lines was expected: 300, 600, 1200 and so on up to 57600, 115200, 230400, 460800 or 921600");
    return 0;
}

static void read_serial(Options *options, ModbusSettings *out)
{
    refuse_keys(options, tcp_keys, "a connection by TCP, and \"device\" asks for a serial line");
    out->device = read_peer(options, "device");
    out->baud = read_baud(options);
    out->parity = PARITIES[options_choice(options, "parity", parity_names, 1)];
    out->data_bits = (int)options_integer(options, "data_bits", 8, 7, 8);
    out->stop_bits = (int)options_integer(options, "stop_bits", out->parity == 'N' ? 2 : 1, 1, 2);
    if (!options->err)
        snprintf(out->peer, sizeof out->peer, "%s", out->device);
}

static void read_tcp(Options *options, ModbusSettings *out)
{
    refuse_keys(options, serial_keys, "a serial line, and \"host\" asks for a connection by TCP");
    out->host = read_peer(options, "host");
    const int64_t port = options_integer(options, "port", 502, 1, 65535);
    if (options->err)
        return;
    snprintf(out->port, sizeof out->port, "%d", (int)port);
    snprintf(out->peer, sizeof out->peer, "%s:%s", out->host, out->port);
}

/* A serial line has 0 for all of its stations at once, who do not answer then; by TCP 0 and 255 mean the one at the other end. */
static int64_t read_unit_id(Options *options, int64_t fallback, bool serial)
{
    const int64_t unit_id = options_integer(options, "unit_id", fallback, serial, serial ? 247 : 255);
    if (unit_id > 247 && unit_id < 255)
        options_fail(options, "unit_id", "an integer from 0 to 247, or 255, was expected");
    return unit_id;
}

static Err read_line(const ConnectorDef *def, ModbusSettings *out, Defaults *defaults, ConnectorFault *fault)
{
    char what[96];
    snprintf(what, sizeof what, "connectors.%s", def->name);
    Options options = options_begin(def->options, what);
    options_only(&options, line_keys, NULL);
    const bool serial = options_has(&options, "device");
    if (serial)
        read_serial(&options, out);
    else if (options_has(&options, "host"))
        read_tcp(&options, out);
    else
        options_fail(&options, "", "\"host\" was expected for a connection by TCP, or \"device\" for a serial line");

    out->timeout_ns = seconds(options_number(&options, "timeout", 1, 0.01, 60));
    out->attempts = (int)options_integer(&options, "attempts", 2, 1, 10);
    out->retry_ns = seconds(options_number(&options, "retry", 0.5, 0.01, 3600));
    out->retry_most_ns = seconds(options_number(&options, "retry_most", 30, 0.01, 3600));
    if (out->retry_most_ns < out->retry_ns)
        options_fail(&options, "retry_most", "at least as much as \"retry\" was expected");
    out->limits.registers = (uint16_t)options_integer(&options, "block", REQUEST_REGISTERS_MAX, REGISTERS_WIDEST, REQUEST_REGISTERS_MAX);
    out->limits.bits = (uint16_t)(16 * out->limits.registers);
    out->limits.gap = (uint16_t)options_integer(&options, "gap", 0, 0, REQUEST_REGISTERS_MAX);

    defaults->unit_id = read_unit_id(&options, 1, serial);
    defaults->every_s = options_number(&options, "every", 1, 0.001, 86400);
    defaults->order = options_choice(&options, "order", register_order_names, ORDER_ABCD);
    return connector_blame(fault, TAG_NONE, &options);
}

static ModbusTable read_table(Options *options)
{
    int found = -1;
    for (int table = TABLE_COIL; table <= TABLE_INPUT; table++) {
        if (!options_has(options, modbus_table_names[table]))
            continue;
        if (found >= 0)
            options_fail(options, modbus_table_names[table], "one address was expected, and there is \"%s\" already", modbus_table_names[found]);
        found = table;
    }
    if (found < 0)
        options_fail(options, "", "an address was expected: coil, discrete, holding or input = 0 to 65535");
    return found < 0 ? TABLE_HOLDING : (ModbusTable)found;
}

static RegisterForm read_form(Options *options, const Defaults *defaults)
{
    const RegisterType usual = options_has(options, "bit") ? REGISTER_BOOL : REGISTER_UINT16;
    RegisterForm form = {.type = (RegisterType)options_choice(options, "type", register_type_names, usual)};
    form.order = (RegisterOrder)options_choice(options, "order", register_order_names, defaults->order);
    form.bit = options_has(options, "bit") ? (int)options_integer(options, "bit", 0, 0, 15) : BIT_NONE;
    if (form.bit != BIT_NONE && form.type != REGISTER_BOOL)
        options_fail(options, "type", "\"bool\" was expected: \"bit\" is one of a register");
    return form;
}

static RegisterForm read_bit_form(Options *options)
{
    if (options_choice(options, "type", register_type_names, REGISTER_BOOL) != REGISTER_BOOL)
        options_fail(options, "type", "\"bool\" was expected: a coil or discrete input is one bit");
    refuse_keys(options, (const char *const[]){"bit", "order", NULL}, "registers");
    return (RegisterForm){REGISTER_BOOL, ORDER_ABCD, BIT_NONE};
}

static Err read_point(const ConnectorDef *def, size_t index, const ModbusSettings *settings, const Defaults *defaults, Point *out, ConnectorFault *fault)
{
    const Binding *const binding = &def->bindings[index];
    char what[TAG_NAME_ROOM + 8];
    snprintf(what, sizeof what, "bind %s", binding->name);
    Options options = options_begin(binding->address, what);
    options_only(&options, point_keys, binding_keys);

    *out = (Point){.binding = index, .table = read_table(&options)};
    out->form = table_has_bits(out->table) ? read_bit_form(&options) : read_form(&options, defaults);
    out->width = (uint16_t)register_width(out->form.type);
    out->address = (uint16_t)options_integer(&options, modbus_table_names[out->table], 0, 0, UINT16_MAX + 1 - out->width);
    out->station = (uint8_t)read_unit_id(&options, defaults->unit_id, settings->device);
    out->every_ns = seconds(options_number(&options, "every", defaults->every_s, 0.001, 86400));
    if (binding->writes && (out->table == TABLE_DISCRETE || out->table == TABLE_INPUT))
        options_fail(&options, modbus_table_names[out->table], "coil or holding was expected: this table cannot be written");
    return connector_blame(fault, binding->tag, &options);
}

/* Whether writing one changes what the other wrote. */
static bool points_collide(const Point *a, const Point *b)
{
    if (a->station != b->station || a->table != b->table || a->address + a->width <= b->address || b->address + b->width <= a->address)
        return false;
    const bool both_bits = a->form.bit != BIT_NONE && b->form.bit != BIT_NONE;
    return !both_bits || a->form.bit == b->form.bit;
}

/* Two actuators in one register would take turns there, and each would find the other's number when it reads back. */
static Err refuse_collision(const ConnectorDef *def, const Point *points, size_t index, ConnectorFault *fault)
{
    const Binding *const binding = &def->bindings[index];
    char what[TAG_NAME_ROOM + 8];
    snprintf(what, sizeof what, "bind %s", binding->name);
    Options options = options_begin(binding->address, what);
    for (size_t i = 0; i < index && binding->writes; i++)
        if (def->bindings[i].writes && points_collide(&points[i], &points[index]))
            options_fail(&options, modbus_table_names[points[index].table], "\"%s\" is written there already", def->bindings[i].name);
    return connector_blame(fault, binding->tag, &options);
}

Err modbus_settings_read(const ConnectorDef *def, ModbusSettings *out, Point *points, ConnectorFault *fault)
{
    *out = (ModbusSettings){0};
    Defaults defaults = {0};
    Err err = read_line(def, out, &defaults, fault);
    for (size_t i = 0; i < def->binding_count && !err; i++)
        err = read_point(def, i, out, &defaults, &points[i], fault);
    for (size_t i = 1; i < def->binding_count && !err; i++)
        err = refuse_collision(def, points, i, fault);
    return err;
}
