/* Connectors and bindings of a plant's script: what they say in SI and JSON, and errors on the line of the key that is wrong. */
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "plant/bindings.h"
#include "plant/plants.h"

#define PLANT_HEAD                                                  \
    "return plant \"works\" {\n"                                    \
    "  assets = { tank1 = { \"tank\" }, tank2 = { \"tank\" } },\n"

static void is_refused(const char *rest, int line, const char *text)
{
    char script[2048], where[32];
    Plant *plant;
    ErrText why = {""};
    snprintf(script, sizeof script, PLANT_HEAD "%s}\n", rest);
    snprintf(where, sizeof where, "plant.lua:%d: ", line);
    ck_assert_int_eq(plant_load(plants_write(script), 1, &plant, &why), ERR_SCRIPT);
    ck_assert_msg(strstr(why.text, where) && strstr(why.text, text), "expected \"%s\" on line %d, got: %s", text, line, why.text);
}

START_TEST(bindings_are_dealt_to_their_connectors_in_si)
{
    Plant *plant = plants_load(PLANT_HEAD
                               "  connectors = { plc = { \"modbus\", host = \"localhost\", port = 1502, ids = { 1, 2.5, \"x\" } }, line = { \"mqtt\" } },\n"
                               "  bind = {\n"
                               "    [\"tank2.gauge\"] = { \"plc\", input = 3, unit = \"mm\", scale = 0.1, offset = 5, dead_band = 2, stale = 1.5, time = \"arrival\" },\n"
                               "    [\"tank1.gauge\"] = { \"plc\", input = 4 },\n"
                               "    [\"tank1.valve\"] = { \"line\", topic = \"works/valve\", unit = \"1\", stores = true, fail_safe = 0 },\n"
                               "    [\"tank1.inflow\"] = { \"line\", topic = { deep = { true, false } } },\n"
                               "  },\n}\n", 1);
    ck_assert_uint_eq(plant->connector_count, 2);
    const PlantConnector *line = bindings_connector(plant, "line"), *plc = bindings_connector(plant, "plc");
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(plc->kind, "modbus");
    ck_assert_int_eq(json_integer_value(json_object_get(plc->options, "port")), 1502);
    ck_assert_uint_eq(json_array_size(json_object_get(plc->options, "ids")), 3);
    ck_assert_ptr_null(json_object_get(plc->options, "1"));
    ck_assert_ptr_null(bindings_connector(plant, "web"));

    ck_assert_uint_eq(plc->binding_count, 2);
    ck_assert_str_eq(plc->bindings[0].name, "tank1.gauge");
    const Binding *gauge = &plc->bindings[1];
    ck_assert_uint_eq(gauge->tag, tags_find(plant->tags, "tank2.gauge"));
    ck_assert(!gauge->writes && !gauge->source_time);
    ck_assert_double_eq_tol(binding_to_si(gauge, 950), 0.1, 1e-15);
    ck_assert_double_eq_tol(gauge->dead_band, 0.002, 1e-18);
    ck_assert_int_eq(gauge->stale_ns, 3 * NS_PER_S / 2);
    ck_assert_int_eq(json_integer_value(json_object_get(gauge->address, "input")), 3);

    ck_assert_uint_eq(line->binding_count, 2);
    const Binding *valve = &line->bindings[1];  // they are in the order of their names
    ck_assert(valve->writes && valve->stores);
    ck_assert_double_eq_tol(binding_from_si(valve, 0.5), 0.5, 1e-15);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_binding_without_a_unit_is_in_that_of_its_tag)
{
    Plant *plant = plants_load(PLANT_HEAD "  connectors = { line = { \"mqtt\" } }, bind = { [\"tank1.probe\"] = { \"line\" } } }\n", 1);
    const Binding *probe = &plant->connectors[0].bindings[0];
    ck_assert_double_eq_tol(binding_to_si(probe, 20), 293.15, 1e-12);
    ck_assert(probe->source_time);
    ck_assert(probe->dead_band == 0);
    ck_assert_int_eq(probe->stale_ns, 0);
    plant_destroy(plant);
}
END_TEST

START_TEST(what_is_wrong_is_said_on_the_line_of_its_key)
{
    const char *line = "  connectors = { line = { \"mqtt\", url = \"x\" } },\n";
    char rest[1024];
    const struct {
        const char *bind;
        int line;
        const char *text;
    } cases[] = {
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\",\n      unit = \"degC\" } } ", 6, "\"degC\" does not convert to cm"},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\",\n      unit = \"blub\" } } ", 6, "bind tank1.gauge.unit"},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\", scale = 0 } } ", 5, "a number other than 0"},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\", stale = -1 } } ", 5, "a number between 0 and"},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\", time = \"now\" } } ", 5, "source, arrival"},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\", stores = true } } ", 5, "no actuator"},
        {"  bind = {\n    [\"tank1.valve\"] = { \"line\", stale = 3 } } ", 5, "is an actuator"},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"plc\" } } ", 5, "none of the connectors"},
        {"  bind = {\n    [\"tank1.gauge\"] = { topic = \"x\" } } ", 5, "expected { \"connector\", ... }"},
        {"  bind = {\n    [\"tank1.gauge\"] = \"line\" } ", 5, "expected { \"connector\", ... }"},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\", f = print } } ", 5, "numbers, texts, true, false and tables"},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\", 7 } } ", 5, "either names or elements"},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\", x = 1/0 } } ", 5, "a finite number"},
        {"  bind = {\n    [\"tank1.orifice\"] = { \"line\" } } ", 5, "no sensor, input or actuator"},
        {"  bind = {\n    [\"tank9.gauge\"] = { \"line\" } } ", 5, "the plant has no asset \"tank9\""},
        {"  bind = {\n    [\"tank1.gage\"] = { \"line\" } } ", 5, "one of these was expected: inflow, "},
        {"  bind = {\n    [\"tank1.gauge\"] = { \"line\" },\n\n    [\"tank1.gauge\"] = { \"line\" } } ", 7, "bind: \"tank1.gauge\" stands in line 5 already"},
        {"  connect = { [\"tank1.outflow\"] = \"tank2.inflow\" },\n  bind = {\n    [\"tank2.inflow\"] = { \"line\" } } ", 6, "is fed by another twin"},
        {"  bind = {\n    { \"line\" } } ", 4, "expected names as keys"},
        {"  bind = 3 ", 4, "must be a table"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(rest, sizeof rest, "%s%s", line, cases[i].bind);
        is_refused(rest, cases[i].line, cases[i].text);
    }
    is_refused("  connectors = {\n    line = { url = \"x\" } } ", 4, "expected { \"kind\", ... }");
    is_refused("  connectors = {\n    [\"my line\"] = { \"mqtt\" } } ", 4, "expected a letter");
    is_refused("  clock = \"provider\",\n  connectors = { line = { \"mqtt\" } } ", 4, "clock = \"utc\" was expected");
}
END_TEST

START_TEST(a_key_that_is_missing_is_said_on_the_line_of_its_entry)
{
    Plant *plant = plants_load(PLANT_HEAD
                               "  connectors = {\n    line = { \"mqtt\" },\n    other = { \"mqtt\",\n      url = \"x\" } },\n"
                               "  bind = {\n    [\"tank1.gauge\"] = { \"line\" },\n    [\"tank2.gauge\"] = { \"line\",\n      topic = \"y\" } } }\n", 1);
    const PlantConnector *line = bindings_connector(plant, "line"), *other = bindings_connector(plant, "other");
    const TagId first = tags_find(plant->tags, "tank1.gauge"), second = tags_find(plant->tags, "tank2.gauge");
    const struct {
        const PlantConnector *connector;
        TagId tag;
        const char *key, *where;
    } cases[] = {{line, TAG_NONE, "url", "plant.lua:4: why"},
                 {other, TAG_NONE, "url", "plant.lua:6: why"},
                 {line, first, "topic", "plant.lua:8: why"},
                 {line, second, "topic", "plant.lua:10: why"},
                 {line, second, "", "plant.lua:9: why"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ErrText why;
        ck_assert_int_eq(bindings_blame(plant, cases[i].connector, cases[i].tag, cases[i].key, "why", &why), ERR_SCRIPT);
        ck_assert_msg(strstr(why.text, cases[i].where), "expected %s, got %s", cases[i].where, why.text);
    }
    plant_destroy(plant);
}
END_TEST

START_TEST(tables_may_not_lie_too_deep_in_each_other)
{
    is_refused("  connectors = { line = { \"mqtt\", a = {b={b={b={b={b={b={b={b={b={b=1}}}}}}}}}} } } ", 3, "too deep");
}
END_TEST

START_TEST(memory_may_fail_at_every_allocation)
{
    const char *path = plants_write(PLANT_HEAD "  connectors = { line = { \"mqtt\" } }, bind = { [\"tank1.probe\"] = { \"line\", topic = \"x\" } } }\n");
    Plant *plant = NULL;
    for (size_t n = 1; !plant; n++) {
        ErrText why;
        kit_fail_allocation(n);
        const Err err = plant_load(path, 1, &plant, &why);
        kit_fail_allocation(0);
        ck_assert(err == ERR_OK || !plant);
    }
    ck_assert_uint_eq(plant->connectors[0].binding_count, 1);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("plant.bindings", bindings_are_dealt_to_their_connectors_in_si, a_binding_without_a_unit_is_in_that_of_its_tag,
         what_is_wrong_is_said_on_the_line_of_its_key,
         a_key_that_is_missing_is_said_on_the_line_of_its_entry, tables_may_not_lie_too_deep_in_each_other, memory_may_fail_at_every_allocation)
