#include <math.h>

#include "model/scripts.h"

/* A tank that knows how it fails. */
static const char failing[] = "return model \"tank\" {\n"
                              "  params = { orifice = { 2.5, \"cm^2\", min = 0, max = 10 }, leak = { 0, \"cm^2\", min = 0, max = 5 } },\n"
                              "  states = { level  = { 30, \"cm\", min = 0 } },\n"
                              "  equations = function(t) t.level.rate = -(t.orifice + t.leak) * sqrt(2 * g * max(t.level, quantity(1, \"mm\"))) / quantity(1, \"m^2\") end,\n"
                              "  sensors = { gauge = { of = \"level\", noise = 0.2, unit = \"cm\" }, probe = { of = \"level\", noise = 0.2 } },\n"
                              "  faults = {\n"
                              "    clogged = { value = \"orifice\", factor = 0.4, doc = \"the outlet clogs\" },\n"
                              "    leak    = { value = \"leak\", set = 2 },\n"
                              "    high    = { sensor = \"gauge\", kind = \"bias\", size = 20 },\n"
                              "    dead    = { sensor = \"probe\", kind = \"silence\" },\n"
                              "  },\n"
                              "}\n";

START_TEST(a_model_knows_how_it_fails)
{
    Model *model = scripts_model(failing, 0.5);
    static const struct {
        const char *name, *channel, *doc;
        FaultKind kind;
        double size;
    } expected[] = {{"clogged", "orifice", "the outlet clogs", FAULT_FACTOR, 0.4}, {"dead", "probe", "", FAULT_SILENCE, NAN}, {"high", "gauge", "", FAULT_BIAS, 0.20},
                    {"leak", "leak", "", FAULT_SET, 2e-4}};
    ck_assert_uint_eq(model->fault_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const FaultDef *fault = &model->faults[i];
        ck_assert_str_eq(fault->name, expected[i].name);
        ck_assert_str_eq(fault->doc, expected[i].doc);
        ck_assert_str_eq(model->channels[fault->channel].name, expected[i].channel);
        ck_assert_int_eq(fault->kind, expected[i].kind);
        ck_assert(isnan(expected[i].size) ? isnan(fault->size) : fabs(fault->size - expected[i].size) < 1e-15);
        ck_assert_ptr_eq(model_find_fault(model, expected[i].name), fault);
    }
    ck_assert_ptr_null(model_find_fault(model, "orifice"));
    model_destroy(model);
}
END_TEST

START_TEST(faults_are_refused_at_their_line)
{
    static const struct {
        const char *fault, *expected;
    } cases[] = {
        {"f = { value = 'orifices', factor = 2 }", "fault \"f\" befalls \"orifices\", which the model does not have"},
        {"f = { factor = 2 }", "expected value = or sensor ="},
        {"f = { value = 'orifice', sensor = 'gauge' }", "expected value = or sensor ="},
        {"f = { value = 'orifice' }", "needs factor = or set ="},
        {"f = { value = 'orifice', factor = 2, set = 3 }", "needs factor = or set ="},
        {"f = { value = 'orifice', kind = 'bias', factor = 1 }", "factor and set are of a value, kind and size of a sensor"},
        {"f = { value = 'gauge', factor = 2 }", "\"gauge\" must be a state, parameter or input of the process"},
        {"f = { value = 'orifice', set = 11 }", "\"orifice\" is 0 to 10 cm^2"},
        {"f = { value = 'orifice', factor = 5 }", "makes \"orifice\" 12.5 cm^2, outside its min and max"},
        {"f = { value = 'leak', factor = 5 }", "leaves \"leak\" as it is"},
        {"f = { sensor = 'gauge' }", "needs kind = \"bias\""},
        {"f = { sensor = 'gauge', kind = 'set', size = 1 }", "needs kind = \"bias\""},
        {"f = { sensor = 'gauge', kind = 'bias' }", "needs a size"},
        {"f = { sensor = 'gauge', kind = 'bias', size = 1 / 0 }", "needs a size"},
        {"f = { sensor = 'gauge', kind = 'stuck', size = 1 }", "has no size"},
        {"f = { sensor = 'gauge', kind = 'noise', size = -1 }", "is negative"},
        {"f = { sensor = 'level', kind = 'stuck' }", "\"level\" is no sensor"},
        {"f = { sensor = 'gauge', kind = 'stuck', at = 3 }", "unknown key \"at\""},
        {"f = 7", "must be a table"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2048];
        Model *model;
        ErrText why = {""};
        snprintf(text, sizeof text, "%.*s    %s,\n  },\n}\n", (int)(strstr(failing, "    clogged") - failing), failing, cases[i].fault);
        const char *path = scripts_write("model.lua", text);
        ck_assert_msg(model_load(path, 0.5, &model, &why) == ERR_SCRIPT, "%s", cases[i].fault);
        scripts_expect(&why, path, 7, cases[i].expected);
    }
}
END_TEST

START_TEST(no_failing_allocation_is_fatal)
{
    const char *path = scripts_write("tank.lua", failing);
    size_t failures = 0;
    for (size_t n = 1; n < 1000; n += n < 60 ? 1 : 37) {
        Model *model;
        ErrText why = {""};
        kit_fail_allocation(n);
        const Err err = model_load(path, 0.5, &model, &why);
        kit_fail_allocation(0);
        failures += err != ERR_OK;
        model_destroy(model);
    }
    ck_assert_uint_gt(failures, 5);
    unit_forget_all();
}
END_TEST

KIT_MAIN("model.fault", a_model_knows_how_it_fails, faults_are_refused_at_their_line, no_failing_allocation_is_fatal)
