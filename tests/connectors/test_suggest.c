/* test_suggest.c -- what each kind of connector would have in the script for an address that it has heard. */
#include "connectors/http/http.h"
#include "connectors/iec104/iec104.h"
#include "connectors/mqtt/mqtt.h"
#include "kit/kit.h"

static void expect(const ConnectorKind *kind, const char *address, const char *keys)
{
    Text text = {0};
    text_put(&text, "");
    kind->suggest(address, &text);
    ck_assert_str_eq(text.bytes, keys);
    text_fini(&text);
}

START_TEST(an_address_that_was_heard_is_told_as_the_keys_of_its_binding)
{
    expect(&mqtt_kind, "works/tank1/level", "topic = \"works/tank1/level\"");
    expect(&mqtt_kind, "works/tank1#/climate/t", "topic = \"works/tank1\", payload = \"json\", value = \"/climate/t\"");
    expect(&iec104_kind, "station 3 address 4001 M_ME_NC", "station = 3, address = 4001");
    expect(&http_kind, "cpu,host=a,core=0 usage", "measurement = \"cpu\", field = \"usage\", tags = { [\"host\"] = \"a\", [\"core\"] = \"0\" }");
    expect(&http_kind, "cpu usage", "measurement = \"cpu\", field = \"usage\"");
}
END_TEST

START_TEST(what_is_no_address_is_told_as_nothing)
{
    expect(&iec104_kind, "nonsense", "");
    expect(&http_kind, "nonsense", "");
}
END_TEST

KIT_MAIN("connectors.suggest", an_address_that_was_heard_is_told_as_the_keys_of_its_binding, what_is_no_address_is_told_as_nothing)
