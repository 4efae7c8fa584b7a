/* What a person types, and what the program says to it: the real program, its exit status, its two streams. */
#include "flow/flow.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <sys/socket.h>

enum { CASE_ARGUMENTS = 10, SHORT_MS = 20000, RUN_MS = 60000 };

/* What came of one call. */
typedef struct Outcome {
    int status;
    char *out, *err;
} Outcome;

static Outcome call(const char *const *arguments)
{
    Child child = child_start("call", arguments);
    const int status = child_wait(&child, RUN_MS);
    if (status == -1)
        child_kill(&child);
    return (Outcome){status, flow_read(child.out.text), flow_read(child.err.text)};
}
#define CALL(...) call((const char *const[]){__VA_ARGS__, NULL})

static void forget(Outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/* One line that says what is wrong, and nothing else. */
static void assert_refusal(Outcome outcome, int status, const char *expected)
{
    ck_assert_msg(outcome.status == status, "exit status %d, expected %d: %s", outcome.status, status, outcome.err);
    ck_assert_msg(count_lines(outcome.err) == 1 && outcome.err[strlen(outcome.err) - 1] == '\n', "expected one line, got: %s", outcome.err);
    ck_assert_msg(strstr(outcome.err, expected) != NULL, "expected \"%s\" in: %s", expected, outcome.err);
    ck_assert_str_eq(outcome.out, "");
    forget(&outcome);
}

// Help and arguments.

START_TEST(every_subcommand_helps_and_names_its_options)
{
    static const struct {
        const char *command, *options[12];
    } cases[] = {
        {"serve", {"PLANT", "--port", "--bind", "--speed", "--threads", "--history", "--no-history", "--fresh", "--watch", "--web"}},
        {"emulate", {"PLANT", "--url", "--tape", "--speed", "--binary", "--name", "--fault", "--offline", "--clock", "--no-faults", "--seed", "--quiet"}},
        {"run", {"PLANT", "--tape", "--speed", "--every", "--threads"}},
        {"score", {"PLANT", "--tape", "--events", "--tolerance", "--threads", "--json"}},
        {"calibrate", {"PLANT", "--tape", "--fit", "--error", "--prior", "--starts", "--seed", "--write", "--threads", "--json"}},
        {"forecast", {"PLANT", "SCENARIO", "--history", "--tape", "--at", "--members", "--threads", "--json", "--csv", "--svg"}},
        {"check", {"SCRIPT"}},
        {"explain", {"SCRIPT", "--program", "--codegen"}},
        {"bench", {"[MODEL...]", "--threads", "--codegen"}},
    };
    Outcome all = CALL("--help");
    ck_assert_int_eq(all.status, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Outcome outcome = CALL(cases[i].command, "--help");
        ck_assert_int_eq(outcome.status, 0);
        ck_assert_str_eq(outcome.err, "");
        for (size_t k = 0; k < 12 && cases[i].options[k]; k++)
            ck_assert_msg(strstr(outcome.out, cases[i].options[k]) != NULL, "%s --help does not name %s", cases[i].command, cases[i].options[k]);
        ck_assert(strstr(all.out, cases[i].command) != NULL);
        forget(&outcome);
    }
    forget(&all);
}
END_TEST

START_TEST(the_version_is_one_line)
{
    Outcome outcome = CALL("--version");
    ck_assert_int_eq(outcome.status, 0);
    ck_assert_str_eq(outcome.out, "pollux " POLLUX_VERSION "\n");
    ck_assert_str_eq(outcome.err, "");
    forget(&outcome);
}
END_TEST

START_TEST(wrong_arguments_are_one_line_that_says_what_was_expected)
{
    static const struct {
        const char *arguments[CASE_ARGUMENTS], *expected;
    } cases[] = {
        {{NULL}, "expected a command"},
        {{"sevre"}, "there is no command \"sevre\""},
        {{"serve"}, "expected PLANT"},
        {{"serve", FLOW_PLANT, "--prot", "1"}, "there is no option \"--prot\""},
        {{"serve", FLOW_PLANT, "-p"}, "there is no option \"-p\""},
        {{"serve", FLOW_PLANT, "another.lua"}, "one operand too many: \"another.lua\""},
        {{"serve", FLOW_PLANT, "--port"}, "--port: expected N"},
        {{"serve", FLOW_PLANT, "--port", "65536"}, "expected a whole number from 0 to 65535, got \"65536\""},
        {{"serve", FLOW_PLANT, "--port", "80a"}, "got \"80a\""},
        {{"serve", FLOW_PLANT, "--port="}, "got \"\""},
        {{"serve", FLOW_PLANT, "--speed", "0"}, "expected a factor from 0.001 to 1000000, or max, got \"0\""},
        {{"serve", FLOW_PLANT, "--speed", "nan"}, "got \"nan\""},
        {{"serve", FLOW_PLANT, "--speed", "inf"}, "got \"inf\""},
        {{"serve", FLOW_PLANT, "--threads", "0"}, "expected a whole number from 1 to 64"},
        {{"serve", FLOW_PLANT, "--fresh=yes"}, "--fresh takes no value"},
        {{"serve", FLOW_PLANT, "--no-history", "--history", "x.db"}, "--no-history goes with neither"},
        {{"run", FLOW_PLANT}, "expected --tape FILE"},
        {{"run", FLOW_PLANT, "--tape", "x.csv", "--every", "0"}, "expected a whole number from 1"},
        {{"score", FLOW_PLANT}, "expected --tape FILE"},
        {{"score", FLOW_PLANT, "--tape", "x.csv", "--tolerance", "-1"}, "expected a whole number from 0 to 3600"},
        {{"calibrate", FLOW_PLANT, "--tape", "x.csv"}, "expected --tape FILE, a recording, and --fit NAMES"},
        {{"calibrate", FLOW_PLANT, "--tape", "x.csv", "--fit", "G_box", "--error", "guessing"}, "expected prediction or simulation, got \"guessing\""},
        {{"calibrate", FLOW_PLANT, "--tape", "x.csv", "--fit", "G_box,,C_air"}, "expected names, separated by commas"},
        {{"calibrate", FLOW_MODEL, "--tape", "x.csv", "--fit", "G_box"}, "expected a plant, this is a model"},
        {{"forecast", FLOW_PLANT}, "expected SCENARIO"},
        {{"forecast", FLOW_PLANT, "x.lua", "--tape", "x.csv"}, "--tape FILE needs --at TIME"},
        {{"forecast", FLOW_PLANT, "--backtest", "--tape", "x.csv", "--history", "x.db"}, "--backtest needs --tape FILE or --history FILE"},
        {{"forecast", FLOW_PLANT, "x.lua", "--at", "2021-01-22T14:48:58Z"}, "--at TIME needs --tape FILE or --history FILE"},
        {{"forecast", FLOW_PLANT, "x.lua", "--tape", "x.csv", "--at", "noon"}, "expected a time as 2021-01-22T14:48:58Z, got \"noon\""},
        {{"forecast", FLOW_PLANT, "x.lua", "--tape", "x.csv", "--at", "2021-01-22T14:48:58Z", "--history", "x.db"}, "exclude each other"},
        {{"forecast", FLOW_PLANT, "x.lua", "--json", "--csv"}, "exclude each other"},
        {{"forecast", FLOW_PLANT, "x.lua", "--members", "0"}, "expected a whole number from 1 to 65536"},
        {{"check"}, "expected SCRIPT"},
        {{"explain"}, "expected SCRIPT"},
        {{"explain", FLOW_MODEL, "--codegen", "gcc"}, "--codegen: expected auto, llvm or off, got \"gcc\""},
        {{"bench", "--threads", "0"}, "expected a whole number from 1 to 64"},
        {{"emulate", FLOW_PLANT, "--tape", "x.csv", "--fault", "incubator.t2:stuck@1"}, "--fault goes with an emulated plant"},
        {{"emulate", FLOW_PLANT, "--tape", "x.csv", "--clock", "1+1"}, "--clock goes with an emulated plant"},
        {{"emulate", FLOW_PLANT, "--through", "line", "--tape", "x.csv"}, "--through goes with an emulated plant"},
        {{"emulate", FLOW_PLANT, "--through", "line", "--speed", "10"}, "--speed goes with a server"},
        {{"emulate", FLOW_PLANT, "--through", "line"}, "\"line\" is none of its connectors"},
        {{"run", FLOW_PLANT, "--speed", "10"}, "--speed goes with --tape"},
        {{"emulate", FLOW_PLANT, "--offline", "600"}, "--offline wants two numbers, as in 600+120"},
        {{"emulate", FLOW_PLANT, "--offline", "600-5"}, "--offline wants seconds from 0 on, and how many"},
        {{"emulate", FLOW_PLANT, "--clock", "soon"}, "--clock wants two numbers"},
        {{"emulate", FLOW_PLANT, "--clock", "2+"}, "--clock wants two numbers"},
        {{"emulate", FLOW_PLANT, "--tape", "x.csv", "--write", "y.csv"}, "--write goes with an emulated plant"},
        {{"emulate", FLOW_PLANT, "--url", "http://localhost"}, "expected ws://HOST"},
        {{"emulate", FLOW_PLANT, "--fault", "t2"}, "expected TAG:KIND[:SIZE]@AT[+LASTS]"},
        {{"emulate", FLOW_PLANT, "--fault", "incubator.t2:melts@1"}, "kind \"melts\" is none of"},
        {{"emulate", FLOW_PLANT, "--fault", "incubator.t9:stuck@1"}, "no tag \"incubator.t9\""},
        {{"emulate", FLOW_PLANT, "--fault", "incubator.flood@1"}, "model \"incubator\" knows no fault \"flood\"; it knows: lid, t2_high"},
        {{"emulate", FLOW_PLANT, "--fault", "incubator.T_box:stuck@1"}, "is no sensor"},
        {{"emulate", FLOW_PLANT, "--fault", "incubator.t2:bias:2@-1"}, "stuck at"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refusal(call(cases[i].arguments), 2, cases[i].expected);
}
END_TEST

// Scripts.

START_TEST(a_wrong_script_is_told_with_its_line)
{
    static const struct {
        const char *name, *text;
        int line;
        const char *expected;
    } cases[] = {
        {"syntax.lua", "return plant \"x\" {\n  step = = 1,\n}\n", 2, "unexpected symbol"},
        {"unit.lua", "return model \"m\" {\n  states = {\n    level = { 1, \"furlongs per yes\" },\n  },\n  equations = function(t) t.level.rate = 0 end,\n}\n", 3, "furlongs"},
        {"dimension.lua", "return model \"m\" {\n  states = { level = { 1, \"m\" } },\n  equations = function(t)\n    t.level.rate = t.level\n  end,\n}\n", 4, "m"},
        {"unknown_model.lua", "return plant \"x\" {\n  assets = {\n    a = { \"no_such_model\" },\n  },\n}\n", 3, "no model \"no_such_model\""},
        {"key.lua", "return plant \"x\" {\n  stepp = 1,\n  assets = {},\n}\n", 2, "unknown key \"stepp\""},
        {"clock.lua", "return plant \"x\" {\n  step = 1,\n  clock = \"sundial\",\n  assets = {},\n}\n", 3, "sundial"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char where[FLOW_PATH + 16];
        const FlowPath path = flow_write(cases[i].name, cases[i].text);
        snprintf(where, sizeof where, "%s:%d:", path.text, cases[i].line);
        assert_refusal(CALL("check", path.text), 1, where);
        assert_refusal(CALL("check", path.text), 1, cases[i].expected);
    }
}
END_TEST

START_TEST(a_tape_map_with_an_unknown_tag_is_told_with_its_line)
{
    const FlowPath path = flow_variant("map.lua", "[\"incubator.t2\"]", "[\"incubator.t9\"]");
    Outcome outcome = CALL("check", path.text);
    ck_assert_ptr_nonnull(strstr(outcome.err, ".lua:"));
    assert_refusal(outcome, 1, "\"incubator.t9\" is no sensor or input of this plant");
}
END_TEST

START_TEST(a_script_that_is_not_there_is_told_by_its_path)
{
    const FlowPath path = flow_path("nobody.lua");
    static const char *const commands[] = {"check", "serve", "emulate"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const bool serves = strcmp(commands[i], "serve") == 0;
        Outcome outcome = serves ? CALL("serve", path.text, "--no-history") : CALL(commands[i], path.text);
        ck_assert_ptr_nonnull(strstr(outcome.err, path.text));
        assert_refusal(outcome, 1, "No such file");
    }
    assert_refusal(CALL("run", path.text, "--tape", "x.csv"), 1, "No such file");
}
END_TEST

START_TEST(check_tells_what_a_plant_and_a_model_declare)
{
    Outcome plant = CALL("check", FLOW_PLANT), model = CALL("check", FLOW_MODEL);
    ck_assert_int_eq(plant.status, 0);
    ck_assert_int_eq(model.status, 0);
    ck_assert_ptr_nonnull(strstr(plant.out, "plant incubator: twins 1"));
    ck_assert_ptr_nonnull(strstr(model.out, "model incubator: states 4, tracked 3"));
    ck_assert_ptr_nonnull(strstr(model.out, "fault lid: G_box times 8: the lid is open"));
    ck_assert_ptr_nonnull(strstr(model.out, "fault t2_high: t2 reads +2 degC"));
    forget(&plant);
    forget(&model);
}
END_TEST

/* A fall with friction: a row of the Jacobian of each kind, and every sort of channel. */
static const char falling[] = "return model \"falling\" {\n  doc = \"A ball\",\n  params = { friction = { 2, \"1/s\", min = 0 }, push = { 1, \"m/s\", estimate = 0.1, sd = 0.1 } },\n"
                              "  inputs = { wind = { 3, \"km/h\" } },\n  states = { height = { 4, \"m\", noise = 1e-3, sd = 1 }, speed = { 0, \"m/s\", noise = 1e-3, sd = 1 } },\n"
                              "  equations = function(t)\n    t.height.rate = t.speed + t.push\n    t.speed.rate = t.friction * (t.wind - t.speed)\n"
                              "    t.double = output(2 * t.height, \"m\", \"twice as high\")\n  end,\n  sensors = { gauge = { of = \"height\", noise = 1, unit = \"cm\", every = 1 } },\n}\n";

static void assert_said(const Outcome *outcome, const char *words)
{
    ck_assert_msg(strstr(outcome->out, words) != NULL, "expected \"%s\" in: %s", words, outcome->out);
}

START_TEST(explain_shows_equations_jacobian_and_programs)
{
    const FlowPath path = flow_write("falling.lua", falling);
    Outcome outcome = CALL("explain", path.text, "--codegen", "off");
    ck_assert_int_eq(outcome.status, 0);
    ck_assert_str_eq(outcome.err, "");
    assert_said(&outcome, "model falling: A ball");
    assert_said(&outcome, "3 km/h");
    assert_said(&outcome, "\n  height' = speed + push\n");
    assert_said(&outcome, "\n  speed' = friction * (wind - speed)\n");
    assert_said(&outcome, "\n  gauge = height\n");
    assert_said(&outcome, "twice as high");

    // the step of a linear model: nothing depends on the states themselves, a push moves by the step
    assert_said(&outcome, "\n  height  1 p k\n  speed   . p .\n  push    . . 1\n  5 of 9 entries\n");
    assert_said(&outcome, "\n  predict: ");
    assert_said(&outcome, "\n  gauge.correct: ");
    assert_said(&outcome, "native code is turned off");
    forget(&outcome);
}
END_TEST

START_TEST(explain_prints_one_program_by_its_name)
{
    const FlowPath path = flow_write("falling.lua", falling);
    Outcome outcome = CALL("explain", path.text, "--program", "derive");
    ck_assert_int_eq(outcome.status, 0);
    assert_said(&outcome, "double = ");
    ck_assert_ptr_null(strstr(outcome.out, "cov("));
    forget(&outcome);

    outcome = CALL("explain", path.text, "--program", "gauge.correct");
    assert_said(&outcome, "cov(height,push)");
    ck_assert_ptr_null(strstr(outcome.out, "predict"));
    forget(&outcome);
    outcome = CALL("explain", path.text, "--program", "gauge.predict");
    ck_assert_int_eq(outcome.status, 2);
    ck_assert_str_eq(outcome.err, "pollux: --program: expected prepare, predict, move, derive, SENSOR.measure or SENSOR.correct, got \"gauge.predict\"\n");
    forget(&outcome);
}
END_TEST

START_TEST(explain_takes_a_plant_with_all_of_its_models)
{
    Outcome outcome = CALL("explain", FLOW_PLANT);
    ck_assert_int_eq(outcome.status, 0);
    assert_said(&outcome, "model incubator:");
    assert_said(&outcome, "step 0.5 s");
    forget(&outcome);
}
END_TEST

/* Names and counts are the model's, figures are numbers above 0: how large they are is the machine's affair. */
START_TEST(bench_measures_each_model_that_it_is_given)
{
    const FlowPath first = flow_write("falling.lua", falling);
    Outcome outcome = CALL("bench", first.text, FLOW_MODEL, "--threads", "2", "--codegen", "off");
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    const char *row = strstr(outcome.out, "\nfalling ");
    unsigned states, instructions;
    double predict, sample, compile, threads, speedup;
    ck_assert_ptr_nonnull(row);
    ck_assert_int_eq(sscanf(row, " falling %u %u | %lf - | %lf - | %lf | %lf %lf", &states, &instructions, &predict, &sample, &compile, &threads, &speedup), 7);
    ck_assert_uint_eq(states, 3);
    ck_assert_uint_gt(instructions, 0);
    ck_assert(predict > 0 && sample > 0 && compile == 0 && threads > 0 && speedup > 0);
    ck_assert_ptr_nonnull(strstr(outcome.out, "\nincubator "));
    forget(&outcome);
    assert_refusal(CALL("bench", "nobody.lua"), 1, "nobody.lua");
}
END_TEST

// Recordings.

START_TEST(run_prints_the_same_table_on_any_number_of_threads)
{
    const FlowPath tape = flow_tape();
    Outcome one = CALL("run", FLOW_PLANT, "--tape", tape.text, "--threads", "1"), two = CALL("run", FLOW_PLANT, "--tape", tape.text, "--threads", "2");
    ck_assert_msg(one.status == 0, "%s", one.err);
    ck_assert_msg(two.status == 0, "%s", two.err);
    ck_assert_int_eq(strncmp(one.out, "time,tick,hash,incubator.", 25), 0);
    ck_assert_uint_gt(count_lines(one.out), 2000);
    ck_assert_msg(strstr(one.err, " ticks; native code auto: ") != NULL, "%s", one.err);
    ck_assert(strcmp(one.out, two.out) == 0);  // too long for a message
    forget(&one);
    forget(&two);
}
END_TEST

START_TEST(a_recording_carries_its_own_time_whatever_clock_the_plant_has)
{
    const FlowPath tape = flow_tape(), utc = flow_variant("utc.lua", "clock = \"provider\"", "clock = \"utc\"");
    Outcome one = CALL("run", FLOW_PLANT, "--tape", tape.text, "--every", "100"), other = CALL("run", utc.text, "--tape", tape.text, "--every", "100");
    ck_assert_int_eq(other.status, 0);
    ck_assert(strcmp(one.out, other.out) == 0);
    forget(&one);
    forget(&other);
}
END_TEST

/* The events of the lid's recording, or of the emulated one's first lid. */
static FlowPath events(void)
{
    FlowPath path;
    snprintf(path.text, sizeof path.text, "%s/lid_2021-01-22.events.csv", kit_recordings() ? kit_recordings() : "");
    return kit_recordings() ? path : flow_write("events.csv", "time,event\n1611327537,opened\n1611327597,closed\n");
}

START_TEST(score_as_json_counts_what_was_found_missed_and_false)
{
    const FlowPath tape = flow_tape(), happened = events();
    Outcome outcome = CALL("score", FLOW_PLANT, "--tape", tape.text, "--events", happened.text, "--json");
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    json_error_t error;
    json_t *score = json_loads(outcome.out, 0, &error);
    ck_assert_msg(score != NULL, "%s", error.text);
    ck_assert(json_is_integer(json_object_get(score, "found")));
    ck_assert_int_eq(json_integer_value(json_object_get(score, "found")) + json_integer_value(json_object_get(score, "missed")),
                     (json_int_t)json_array_size(json_object_get(score, "events")));
    ck_assert_int_ge(json_integer_value(json_object_get(score, "found")), 1);
    ck_assert(json_is_integer(json_object_get(score, "false_episodes")));
    ck_assert_uint_eq(json_string_length(json_object_get(score, "hash")), 16);

    // both thermometers, with everything that is known of their errors
    const json_t *sensors = json_object_get(score, "sensors");
    ck_assert_uint_eq(json_array_size(sensors), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *sensor = json_array_get(sensors, i), *calm = json_object_get(sensor, "calm"), *all = json_object_get(sensor, "all");
        ck_assert_int_gt(json_integer_value(json_object_get(all, "samples")), json_integer_value(json_object_get(calm, "samples")));
        ck_assert_double_gt(json_real_value(json_object_get(json_object_get(sensor, "simulated"), "rms")), json_real_value(json_object_get(calm, "rms")));
        ck_assert_double_lt(json_number_value(json_object_get(calm, "nis_low")), 1);
        ck_assert_double_gt(json_number_value(json_object_get(calm, "nis_high")), 1);
    }
    json_decref(score);
    forget(&outcome);
}
END_TEST

/* Write the next fenced block of a page behind `from` that is of this language into a file. */
static const char *write_block(const char *from, const char *language, const char *name)
{
    char fence[32];
    snprintf(fence, sizeof fence, "```%s\n", language);
    const char *begin = strstr(from, fence);
    ck_assert_ptr_nonnull(begin);
    begin += strlen(fence);
    const char *end = strstr(begin, "```\n");
    ck_assert_ptr_nonnull(end);
    char *text = strndup(begin, (size_t)(end - begin));
    flow_write(name, text);
    free(text);
    return end;
}

START_TEST(the_example_of_the_page_on_recordings_runs_as_it_is_printed)
{
    char *page = flow_read(POLLUX_SOURCE "/docs/recordings.md");
    write_block(page, "csv", "tea.csv");
    write_block(write_block(page, "lua", "cup.lua"), "lua", "kitchen.lua");
    free(page);

    const FlowPath plant = flow_path("kitchen.lua"), tape = flow_path("tea.csv");
    Outcome outcome = CALL("score", plant.text, "--tape", tape.text, "--json");
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    json_t *score = json_loads(outcome.out, 0, NULL);
    const json_t *probe = json_array_get(json_object_get(score, "sensors"), 0), *restarted = json_object_get(probe, "restarted");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(probe, "all"), "samples")), 9);
    ck_assert_double_lt(json_number_value(json_object_get(restarted, "rms")), 0.25);
    json_decref(score);
    forget(&outcome);
}
END_TEST

static void check_is_right(const char *name, FlowPath script)
{
    Outcome outcome = CALL("check", script.text);
    ck_assert_msg(outcome.status == 0, "%s: %s", name, outcome.err);
    forget(&outcome);
}

START_TEST(the_examples_of_the_pages_on_connectors_are_right_as_they_are_printed)
{
    static const char assets[] = "return plant \"works\" { assets = { tank1 = { \"tank\" }, tank2 = { \"tank\" }, tank3 = { \"tank\" }, valve1 = { \"valve\" }, room1 = { \"room\" },\n"
                                 "  oven1 = { \"incubator\" }, oven2 = { \"incubator\" }, tower = { \"reservoir\" } },\n";
    static const char *const pages[] = {"mqtt", "modbus", "http", "iec104", "sparkplug", NULL};
    char models[512], file[512], script[8192];
    snprintf(models, sizeof models, "%s/models", kit_folder());
    ck_assert_int_eq(symlink(POLLUX_SOURCE "/twins/models", models), 0);
    setenv("BROKER_PASSWORD", "x", 1);
    setenv("PLC_TOKEN", "x", 1);

    char *page = flow_read(POLLUX_SOURCE "/docs/connectors.md");
    write_block(page, "lua", "whole.lua");
    check_is_right("connectors.md", flow_path("whole.lua"));
    free(page);
    for (const char *const *name = pages; *name; name++) {
        snprintf(file, sizeof file, POLLUX_SOURCE "/connectors/%s/README.md", *name);
        page = flow_read(file);
        write_block(page, "lua", "part.lua");
        char *part = flow_read(flow_path("part.lua").text);
        snprintf(script, sizeof script, "%s%s}\n", assets, part);
        check_is_right(*name, flow_write("part.lua", script));
        free(part);
        free(page);
    }
}
END_TEST

START_TEST(inputs_between_samples_can_be_tried_out_and_hold_is_what_the_script_says)
{
    const FlowPath tape = flow_tape();
    Outcome said = CALL("score", FLOW_PLANT, "--tape", tape.text), held = CALL("score", FLOW_PLANT, "--tape", tape.text, "--between", "hold"),
            drawn = CALL("score", FLOW_PLANT, "--tape", tape.text, "--between", "linear");
    ck_assert_msg(drawn.status == 0, "%s", drawn.err);
    ck_assert_str_eq(said.out, held.out);
    ck_assert(strcmp(said.out, drawn.out) != 0);
    forget(&said);
    forget(&held);
    forget(&drawn);
    assert_refusal(CALL("score", FLOW_PLANT, "--tape", tape.text, "--between", "cubic"), 2, "expected hold, linear or band");
}
END_TEST

START_TEST(without_events_every_alarm_is_false)
{
    const FlowPath tape = flow_tape();
    Outcome outcome = CALL("score", FLOW_PLANT, "--tape", tape.text, "--json");
    json_t *score = json_loads(outcome.out, 0, NULL);
    ck_assert_ptr_nonnull(score);
    ck_assert_int_eq(json_integer_value(json_object_get(score, "found")), 0);
    ck_assert_int_eq(json_integer_value(json_object_get(score, "false_episodes")), (json_int_t)json_array_size(json_object_get(score, "episodes")));
    ck_assert_int_ge(json_integer_value(json_object_get(score, "false_episodes")), 1);
    json_decref(score);
    forget(&outcome);
}
END_TEST

START_TEST(a_bad_line_of_a_recording_is_told_with_file_and_line)
{
    const FlowPath tape = flow_write("bad.csv", "time,t1,time_t1,t2,time_t2,t3,time_t3,heater_on\n"
                                                "1611326938,21,1611326938,25,1611326938,25,1611326938,False\n"
                                                "1611326941,21,1611326941,warm,1611326941,25,1611326941,False\n");
    char where[FLOW_PATH + 16];
    snprintf(where, sizeof where, "%s:3:", tape.text);
    assert_refusal(CALL("run", FLOW_PLANT, "--tape", tape.text), 1, where);
    assert_refusal(CALL("score", FLOW_PLANT, "--tape", tape.text), 1, where);
    assert_refusal(CALL("emulate", FLOW_PLANT, "--tape", tape.text), 1, where);
}
END_TEST

// Servers.

static Child serve(const char *name, const char *history)
{
    Child server = CHILD_START(name, "serve", FLOW_PLANT, "--port", "0", "--history", history);
    child_await_port(&server);
    return server;
}

START_TEST(a_server_ends_in_order_at_either_signal)
{
    const FlowPath history = flow_path("stop.db");
    Child server = serve("first", history.text);
    child_stop(&server, SIGINT);
    server = serve("second", history.text);
    child_stop(&server, SIGTERM);
}
END_TEST

START_TEST(a_history_in_use_is_refused_and_left_where_it_is)
{
    const FlowPath history = flow_path("shared.db"), aside = flow_path("shared.db.1");
    Child server = serve("owner", history.text);
    assert_refusal(CALL("serve", FLOW_PLANT, "--port", "0", "--history", history.text), 1, "is in use");
    assert_refusal(CALL("serve", FLOW_PLANT, "--port", "0", "--history", history.text, "--fresh"), 1, "is in use");
    ck_assert_int_eq(access(history.text, F_OK), 0);
    ck_assert_int_ne(access(aside.text, F_OK), 0);
    child_stop(&server, SIGTERM);

    // nobody has it now: it is kept under another name
    server = CHILD_START("heir", "serve", FLOW_PLANT, "--port", "0", "--history", history.text, "--fresh");
    child_await_port(&server);
    ck_assert_int_eq(access(aside.text, F_OK), 0);
    child_stop(&server, SIGTERM);
}
END_TEST

START_TEST(a_port_in_use_is_refused)
{
    char port[16];
    Child server = CHILD_START("owner", "serve", FLOW_PLANT, "--port", "0", "--no-history");
    child_await_port(&server);
    snprintf(port, sizeof port, "%d", server.port);
    Child second = CHILD_START("second", "serve", FLOW_PLANT, "--port", port, "--no-history");
    const int status = child_wait(&second, SHORT_MS);
    char *said = flow_read(second.err.text);
    ck_assert_msg(status == 1 && strstr(said, port) && strstr(said, "in use"), "exit status %d: %s", status, said);
    free(said);
    child_stop(&server, SIGTERM);
}
END_TEST

/* Wait until the child's log says this. */
static void await_words(const Child *child, const char *words)
{
    for (int i = 0; i < SHORT_MS / 5; i++) {
        char *said = flow_read(child->err.text);
        const bool found = strstr(said, words) != NULL;
        free(said);
        if (found)
            return;
        flow_sleep(5);
    }
    char *said = flow_read(child->err.text);
    ck_abort_msg("\"%s\" never came; it said: %s", words, said);
}

START_TEST(an_emulated_plant_fails_as_it_is_told_and_ends_in_order)
{
    Child server = CHILD_START("server", "serve", FLOW_PLANT, "--port", "0", "--no-history", "--speed", "50");
    child_await_port(&server);
    const FlowPath url = child_url(&server);
    Child device = CHILD_START("device", "emulate", FLOW_PLANT, "--url", url.text, "--no-faults", "--fault", "incubator.t2:bias:5@2+3", "--fault", "incubator.lid@3");
    await_words(&device, "fault \"incubator.t2 bias\" begins");
    await_words(&device, "fault \"incubator.lid\" begins");
    await_words(&device, "fault \"incubator.t2 bias\" ends");
    await_words(&server, "device \"emulator\" is here");
    child_stop(&device, SIGTERM);
    await_words(&server, "has gone");
    child_stop(&server, SIGTERM);
}
END_TEST

START_TEST(a_device_of_another_plant_waits_to_be_claimed)
{
    flow_write("tank.lua", "return model \"tank\" {\n  states = { level = { 1, \"m\", noise = 1e-3, sd = 1 } },\n  equations = function(t) t.level.rate = quantity(0, \"m/s\") end,\n"
                           "  sensors = { gauge = { of = \"level\", noise = 1, unit = \"m\", every = 1 } },\n}\n");
    const FlowPath plant = flow_write("works.lua", "return plant \"works\" { clock = \"provider\", assets = { tank = { \"tank\" } } }\n");
    Child server = CHILD_START("server", "serve", plant.text, "--port", "0", "--no-history");
    child_await_port(&server);
    const FlowPath url = child_url(&server);
    Child device = CHILD_START("emulate", "emulate", FLOW_PLANT, "--url", url.text);
    await_words(&device, "not claimed yet: no tag \"incubator");
    child_stop(&device, SIGTERM);
    child_stop(&server, SIGTERM);
}
END_TEST

// People.

/* A WebSocket by hand, as a browser would open it. */
static int open_socket(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 10};
    char hello[512], answer[2048];
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(file, (const struct sockaddr *)&address, sizeof address), 0);
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int length = snprintf(hello, sizeof hello,
                                "GET /api/v1/ws HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Protocol: pollux.v1.json\r\n\r\n",
                                port);
    ck_assert_int_eq(send(file, hello, (size_t)length, 0), length);
    const ssize_t got = recv(file, answer, sizeof answer - 1, 0);
    ck_assert_int_gt(got, 12);
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 101", 12), 0);
    return file;
}

/* Say one frame (of less than 126 bytes), give back what comes as text. */
static void ask(int file, const char *json, char *answer, size_t size)
{
    unsigned char frame[160] = {0x81, 0x80 | (unsigned char)strlen(json)};  // the mask is zero
    ck_assert_uint_lt(strlen(json), 126);
    memcpy(frame + 6, json, strlen(json));
    ck_assert_int_eq(send(file, frame, 6 + strlen(json), 0), (ssize_t)(6 + strlen(json)));
    const ssize_t got = recv(file, answer, size - 1, 0);
    ck_assert_int_gt(got, 4);
    for (ssize_t i = 0; i < got; i++)
        answer[i] = answer[i] ? answer[i] : '?';
    answer[got] = 0;
}

START_TEST(who_actuates_before_time_has_begun_or_beyond_the_limits_is_refused)
{
    Child server = CHILD_START("server", "serve", FLOW_PLANT, "--port", "0", "--no-history", "--speed", "50");
    child_await_port(&server);
    char answer[4096];
    int file = open_socket(server.port);
    ask(file, "{\"topic\":\"actuate\",\"headers\":{\"id\":3},\"value\":{\"tag\":\"incubator.heater_enable\",\"value\":0}}", answer, sizeof answer);
    ck_assert_msg(strstr(answer, "409") && strstr(answer, "time has not begun"), "%s", answer);

    const FlowPath url = child_url(&server);
    Child device = CHILD_START("device", "emulate", FLOW_PLANT, "--url", url.text, "--no-faults", "--fault", "incubator.t2:bias:1@4");
    await_words(&device, "begins");
    ask(file, "{\"topic\":\"actuate\",\"headers\":{\"id\":4},\"value\":{\"tag\":\"incubator.heater_enable\",\"value\":5}}", answer, sizeof answer);
    ck_assert_msg(strstr(answer, "409") && strstr(answer, "above its maximum"), "%s", answer);
    ask(file, "{\"topic\":\"actuate\",\"headers\":{\"id\":5},\"value\":{\"tag\":\"incubator.heater_enable\",\"value\":0}}", answer, sizeof answer);
    ck_assert_msg(strstr(answer, "200") != NULL, "%s", answer);
    await_words(&device, "incubator.heater_enable = 0");
    close(file);
    child_stop(&device, SIGTERM);
    child_stop(&server, SIGTERM);
}
END_TEST

// Calibration.

/* A plant in a folder of its own: the incubator's with its models, and with a parameter file where one is named. */
static const char *write_fitted_plant(const char *parameters)
{
    static char path[512];
    char text[64 * 1024], models[512];
    snprintf(models, sizeof models, "%s/models", kit_folder());
    if (access(models, R_OK) != 0)
        ck_assert_int_eq(symlink(POLLUX_SOURCE "/twins/models", models), 0);
    FILE *from = fopen(FLOW_PLANT, "r");
    ck_assert_ptr_nonnull(from);
    text[fread(text, 1, sizeof text - 1, from)] = 0;
    fclose(from);
    char *const step = strstr(text, "  step  =");
    ck_assert_ptr_nonnull(step);

    snprintf(path, sizeof path, "%s/fitted.lua", kit_folder());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%.*s  parameters = \"%s\",\n%s", (int)(step - text), text, parameters, step);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static double fitted(const json_t *result, size_t index, const char *key)
{
    return json_number_value(json_object_get(json_array_get(json_object_get(result, "values"), index), key));
}

/* The emulated box loses less heat than the model says: found from what it says, written, and loaded. */
START_TEST(what_the_emulated_plant_is_made_of_is_found_and_loaded)
{
    char tape[512], file[512];
    snprintf(tape, sizeof tape, "%s/emulated.csv", kit_folder());
    snprintf(file, sizeof file, "%s/found.lua", kit_folder());
    Outcome outcome = CALL("emulate", FLOW_PLANT, "--no-faults", "--write", tape, "--seconds", "1200");
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    forget(&outcome);

    outcome = CALL("calibrate", FLOW_PLANT, "--tape", tape, "--fit", "G_box,C_air", "--write", file, "--codegen", "off", "--json");
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    json_error_t error;
    json_t *result = json_loads(outcome.out, 0, &error);
    ck_assert_msg(result != NULL, "%s", error.text);
    ck_assert_double_lt(fabs(fitted(result, 0, "after") - 0.8), 5 * fitted(result, 0, "sd"));
    ck_assert_double_lt(fabs(fitted(result, 1, "after") - 121.4), 5 * fitted(result, 1, "sd"));
    ck_assert_double_lt(fitted(result, 0, "sd"), 0.05);
    ck_assert(json_is_true(json_object_get(result, "done")));
    json_decref(result);
    forget(&outcome);

    outcome = CALL("check", write_fitted_plant("found.lua"));
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    forget(&outcome);
    outcome = CALL("calibrate", write_fitted_plant("found.lua"), "--tape", tape, "--fit", "G_box,C_air", "--codegen", "off", "--json");
    result = json_loads(outcome.out, 0, NULL);
    ck_assert_double_lt(fabs(fitted(result, 0, "before") - 0.8), 0.2);  // no longer 1.139
    json_decref(result);
    forget(&outcome);
}
END_TEST

START_TEST(check_reads_the_parameter_file_too)
{
    char path[512];
    snprintf(path, sizeof path, "%s/wrong.lua", kit_folder());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("return parameters {\n  [\"incubator.G_bix\"] = { 1, \"W/K\" },\n}\n", file);
    fclose(file);
    assert_refusal(CALL("check", write_fitted_plant("wrong.lua")), 1, "wrong.lua:2: \"incubator.G_bix\" is no parameter of this plant");
}
END_TEST

KIT_MAIN("flow.cli", every_subcommand_helps_and_names_its_options, the_version_is_one_line, wrong_arguments_are_one_line_that_says_what_was_expected,
         a_wrong_script_is_told_with_its_line, a_tape_map_with_an_unknown_tag_is_told_with_its_line, a_script_that_is_not_there_is_told_by_its_path,
         check_tells_what_a_plant_and_a_model_declare, explain_shows_equations_jacobian_and_programs, explain_prints_one_program_by_its_name,
         explain_takes_a_plant_with_all_of_its_models, bench_measures_each_model_that_it_is_given, run_prints_the_same_table_on_any_number_of_threads, a_recording_carries_its_own_time_whatever_clock_the_plant_has,
         score_as_json_counts_what_was_found_missed_and_false, the_example_of_the_page_on_recordings_runs_as_it_is_printed,
         the_examples_of_the_pages_on_connectors_are_right_as_they_are_printed,
         inputs_between_samples_can_be_tried_out_and_hold_is_what_the_script_says, without_events_every_alarm_is_false, a_bad_line_of_a_recording_is_told_with_file_and_line,
         a_server_ends_in_order_at_either_signal, a_history_in_use_is_refused_and_left_where_it_is, a_port_in_use_is_refused,
         an_emulated_plant_fails_as_it_is_told_and_ends_in_order, a_device_of_another_plant_waits_to_be_claimed,
         who_actuates_before_time_has_begun_or_beyond_the_limits_is_refused, what_the_emulated_plant_is_made_of_is_found_and_loaded,
         check_reads_the_parameter_file_too)
