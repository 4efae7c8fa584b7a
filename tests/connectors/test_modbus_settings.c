#include "connectors/modbus/settings.h"

#include "connectors/kind_rig.h"
#include "connectors/modbus/modbus.h"

static Rig rig;
static ModbusSettings settings;
static Point points[4];
static ConnectorFault fault;

static Err read_entry(const char *options, const char *entry, bool writes)
{
    memset(&rig, 0, sizeof rig);
    rig_bind(&rig, &(RigBinding){entry, writes}, 1);
    const ConnectorDef def = rig_def(&rig, options);
    fault = (ConnectorFault){0};
    const Err err = modbus_settings_read(&def, &settings, points, &fault);
    json_decref(rig.entries);
    return err;
}

static void end_options(void)
{
    json_decref(rig.options);
}

START_TEST(what_is_not_said_is_usual)
{
    ck_assert_int_eq(read_entry("{\"host\":\"plc\"}", "{\"holding\":4}", false), ERR_OK);
    ck_assert_str_eq(settings.peer, "plc:502");
    ck_assert_int_eq(settings.timeout_ns, NS_PER_S);
    ck_assert_uint_eq(settings.limits.registers, 125);
    ck_assert_uint_eq(settings.limits.bits, 2000);
    ck_assert_uint_eq(settings.limits.gap, 0);
    ck_assert(points[0].table == TABLE_HOLDING && points[0].address == 4 && points[0].width == 1 && points[0].station == 1);
    ck_assert(points[0].form.type == REGISTER_UINT16 && points[0].form.order == ORDER_ABCD && points[0].form.bit == BIT_NONE);
    ck_assert_int_eq(points[0].every_ns, NS_PER_S);
    end_options();
}
END_TEST

START_TEST(a_serial_line_is_by_the_standard_unless_it_is_told_otherwise)
{
    ck_assert_int_eq(read_entry("{\"device\":\"/dev/ttyS0\"}", "{\"coil\":0}", true), ERR_OK);
    ck_assert(settings.baud == 19200 && settings.parity == 'E' && settings.data_bits == 8 && settings.stop_bits == 1 && !settings.host);
    end_options();
    ck_assert_int_eq(read_entry("{\"device\":\"/dev/ttyS0\",\"baud\":9600,\"parity\":\"none\"}", "{\"coil\":0}", true), ERR_OK);
    ck_assert(settings.baud == 9600 && settings.parity == 'N' && settings.stop_bits == 2);
    end_options();
}
END_TEST

START_TEST(a_binding_overrules_its_connector)
{
    ck_assert_int_eq(read_entry("{\"host\":\"plc\",\"unit_id\":7,\"every\":0.5,\"order\":\"CDAB\"}", "{\"input\":8,\"type\":\"float32\"}", false), ERR_OK);
    ck_assert(points[0].station == 7 && points[0].every_ns == NS_PER_S / 2 && points[0].form.order == ORDER_CDAB && points[0].width == 2);
    end_options();
    static const char own[] = "{\"input\":8,\"type\":\"float64\",\"unit_id\":255,\"every\":2,\"order\":\"BADC\"}";
    ck_assert_int_eq(read_entry("{\"host\":\"plc\",\"unit_id\":7,\"order\":\"CDAB\"}", own, false), ERR_OK);
    ck_assert(points[0].station == 255 && points[0].every_ns == 2 * NS_PER_S && points[0].form.order == ORDER_BADC && points[0].width == 4);
    end_options();
}
END_TEST

START_TEST(a_fault_names_its_key_and_what_was_expected)
{
    static const char plc[] = "{\"host\":\"plc\"}";
    static const struct {
        const char *options, *entry;
        bool writes;
        const char *key, *text;
    } cases[] = {
        {"{}", "{\"coil\":1}", false, "", "\"host\" was expected"},
        {"{\"host\":\"plc\",\"device\":\"/dev/ttyS0\"}", "{\"coil\":1}", false, "host", "this is a key of a connection by TCP"},
        {"{\"host\":\"plc\",\"baud\":9600}", "{\"coil\":1}", false, "baud", "this is a key of a serial line"},
        {"{\"device\":\"/dev/ttyS0\",\"baud\":10000}", "{\"coil\":1}", false, "baud", "a rate of serial lines was expected"},
        {"{\"device\":\"/dev/ttyS0\",\"unit_id\":0}", "{\"coil\":1}", false, "unit_id", "an integer from 1 to 247"},
        {"{\"host\":\"plc\",\"unit_id\":250}", "{\"coil\":1}", false, "unit_id", "0 to 247, or 255"},
        {"{\"host\":\"plc\",\"port\":70000}", "{\"coil\":1}", false, "port", "an integer from 1 to 65535"},
        {"{\"host\":\"plc\",\"retry\":5,\"retry_most\":1}", "{\"coil\":1}", false, "retry_most", "at least as much as"},
        {"{\"host\":\"plc\",\"slave\":1}", "{\"coil\":1}", false, "slave", "no such key"},
        {plc, "{}", false, "", "an address was expected: coil, discrete, holding or input"},
        {plc, "{\"coil\":1,\"input\":2}", false, "input", "there is \"coil\" already"},
        {plc, "{\"coil\":65536}", false, "coil", "an integer from 0 to 65535"},
        {plc, "{\"holding\":65533,\"type\":\"float64\"}", false, "holding", "an integer from 0 to 65532"},
        {plc, "{\"coil\":1,\"type\":\"int16\"}", false, "type", "\"bool\" was expected"},
        {plc, "{\"coil\":1,\"bit\":2}", false, "bit", "this is a key of registers"},
        {plc, "{\"holding\":1,\"bit\":16}", false, "bit", "an integer from 0 to 15"},
        {plc, "{\"holding\":1,\"bit\":3,\"type\":\"int16\"}", false, "type", "\"bool\" was expected"},
        {plc, "{\"holding\":1,\"type\":\"float\"}", false, "type", "one of these was expected: bool, int16"},
        {plc, "{\"holding\":1,\"order\":\"ABDC\"}", false, "order", "one of these was expected: ABCD"},
        {plc, "{\"input\":1}", true, "input", "coil or holding was expected"},
        {plc, "{\"discrete\":1}", true, "discrete", "coil or holding was expected"},
        {plc, "{\"holding\":1,\"every\":0}", false, "every", "a number between 0.001 and 86400"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_ne(read_entry(cases[i].options, cases[i].entry, cases[i].writes), ERR_OK);
        ck_assert_msg(strcmp(fault.key, cases[i].key) == 0, "%s: %s", fault.key, fault.why.text);
        ck_assert_msg(strstr(fault.why.text, cases[i].text) != NULL, "expected \"%s\", got \"%s\"", cases[i].text, fault.why.text);
        end_options();
    }
}
END_TEST

static Err read_pair(const char *first, const char *second, bool second_writes)
{
    memset(&rig, 0, sizeof rig);
    rig_bind(&rig, (const RigBinding[]){{first, true}, {second, second_writes}}, 2);
    const ConnectorDef def = rig_def(&rig, "{\"host\":\"plc\"}");
    fault = (ConnectorFault){0};
    const Err err = modbus_settings_read(&def, &settings, points, &fault);
    json_decref(rig.entries);
    end_options();
    return err;
}

START_TEST(two_actuators_in_one_register_are_refused)
{
    static const struct {
        const char *first, *second;
    } collide[] = {{"{\"holding\":3}", "{\"holding\":3}"},
                   {"{\"holding\":3,\"type\":\"float32\"}", "{\"holding\":4}"},
                   {"{\"holding\":3,\"bit\":1}", "{\"holding\":3,\"bit\":1}"},
                   {"{\"holding\":3}", "{\"holding\":3,\"bit\":1}"}},
      apart[] = {{"{\"holding\":3}", "{\"holding\":4}"},
                 {"{\"holding\":3}", "{\"coil\":3}"},
                 {"{\"holding\":3}", "{\"holding\":3,\"unit_id\":2}"},
                 {"{\"holding\":3,\"bit\":1}", "{\"holding\":3,\"bit\":2}"}};
    for (size_t i = 0; i < sizeof collide / sizeof *collide; i++) {
        ck_assert_int_ne(read_pair(collide[i].first, collide[i].second, true), ERR_OK);
        ck_assert_msg(strstr(fault.why.text, "is written there already") != NULL, "%s", fault.why.text);
        ck_assert_str_eq(fault.key, "holding");
    }
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        ck_assert_int_eq(read_pair(apart[i].first, apart[i].second, true), ERR_OK);
    ck_assert_int_eq(read_pair(collide[0].first, collide[0].second, false), ERR_OK);  // read where it is written
}
END_TEST

START_TEST(memory_may_fail_at_every_allocation_of_opening)
{
    enum { ALLOCATIONS = 20 };  // more than there are
    size_t refused = 0;
    for (size_t i = 1; i <= ALLOCATIONS; i++) {
        memset(&rig, 0, sizeof rig);
        rig_bind(&rig, (const RigBinding[]){{"{\"coil\":1}", false}, {"{\"holding\":2}", true}}, 2);
        const ConnectorDef def = rig_def(&rig, "{\"host\":\"127.0.0.1\",\"port\":1}");
        kit_fail_allocation(i);
        const Err err = modbus_kind.open(&def, &rig.connector, &rig.exchange, &fault);
        if (!err)
            rig.connector.type->close(rig.connector.self);
        kit_fail_allocation(0);
        ck_assert_msg(!err || (err == ERR_MEMORY && fault.why.text[0]), "%s", fault.why.text);
        refused += err != ERR_OK;
        json_decref(rig.options);
        json_decref(rig.entries);
    }
    ck_assert_uint_gt(refused, 5);
}
END_TEST

KIT_MAIN("connectors.modbus_settings", what_is_not_said_is_usual, a_serial_line_is_by_the_standard_unless_it_is_told_otherwise,
         a_binding_overrules_its_connector, a_fault_names_its_key_and_what_was_expected,
         two_actuators_in_one_register_are_refused, memory_may_fail_at_every_allocation_of_opening)
