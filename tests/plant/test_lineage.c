/* test_lineage.c -- a plant goes on as another version of its script. */
#include <stdlib.h>

#include "plant/lineage.h"
#include "plant/plants.h"

#define PLANT(assets) "return plant 'works' { step = 0.125, assets = { " assets " } }"

/* A vessel whose states, and what else it has, a test chooses. */
static Plant *load(const char *states, const char *more, const char *assets)
{
    char text[4096];
    Plant *plant;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    snprintf(text, sizeof text,
             "return model 'vessel' {\n"
             "  params = { area = { 2, 'm^2', min = 0.1 }, leak = { 0.25, '1/s', min = 0, estimate = 1e-4, sd = 0.1 } },\n"
             "  inputs = { feed = { 1, 'l/min', min = 0 } },\n"
             "  states = { %s },\n"
             "  equations = function(t) for _, name in ipairs { 'level', 'warmth', 'depth', 'extra' } do\n"
             "    local there, state = pcall(function() return t[name] end)\n"
             "    if there and state then state.rate = -t.leak * state / 100 end\n"
             "  end end,\n"
             "  sensors = { gauge = { of = 'level', noise = 0.1, every = 1 } },\n"
             "  actuators = { valve = { 10, 'percent', min = 0, max = 100 } },\n"
             "  %s\n"
             "}\n", states, more);
    scripts_write("vessel.lua", text);
    snprintf(text, sizeof text, "return plant 'works' { step = 0.125, assets = { %s } }", assets);
    if (plant_load(scripts_write("works.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

#define LEVEL "level = { 3, 'm', min = 0, max = 10, noise = 0.01, sd = 1 }"
#define WARMTH "warmth = { 20, 'K', noise = 0.01, sd = 1 }"

static void *keep(const Plant *plant, size_t *size)
{
    *size = plant_snapshot_size(plant);
    void *bytes = mem_alloc(*size);
    plant_snapshot(plant, bytes);
    return bytes;
}

/* Read the lineage of `from` beside `to` and adopt what there is. */
static Lineage adopt(const Plant *from, Plant *to, void **bytes)
{
    size_t size;
    ErrText why = {""};
    Lineage lineage;
    *bytes = keep(from, &size);
    ck_assert_msg(lineage_read(&lineage, to, *bytes, size, &why) == ERR_OK, "%s", why.text);
    lineage_adopt(&lineage, to);
    return lineage;
}

static void leave(Lineage *lineage, void *bytes, Plant *from, Plant *to)
{
    lineage_fini(lineage);
    mem_free(bytes);
    plant_destroy(from);
    plant_destroy(to);
}

static double *covariance(const Plant *plant, const char *a, const char *b)
{
    const Place first = plant_place(plant, plants_tag(plant, a)), second = plant_place(plant, plants_tag(plant, b));
    ck_assert_uint_eq(first.twin, second.twin);
    return plant_cell(plant, first.twin, model_covariance(plant_model(plant, first.twin), first.channel, second.channel));
}

/* Let the covariances be numbers that tell each other apart. */
static void shake(Plant *plant)
{
    for (uint32_t twin = 0; twin < plant->twin_count; twin++) {
        const Model *model = plant_model(plant, twin);
        for (uint16_t i = 0; i < model->state_count; i++)
            for (uint16_t j = i; j < model->state_count; j++)
                *plant_cell(plant, twin, model_covariance(model, i, j)) = i == j ? 4 + i : 0.125 * (i + 1) * (j + 1);
    }
}

START_TEST(the_same_script_is_the_same)
{
    void *bytes;
    Plant *from = load(LEVEL ", " WARMTH, "", "a = { 'vessel', area = 3 }, b = { 'vessel' }"), *to = load(LEVEL ", " WARMTH, "", "a = { 'vessel', area = 3 }, b = { 'vessel' }");
    shake(from);
    *plants_cell(from, "b.level") = 7;
    from->blocks[0].quarantined = 2;
    Lineage lineage = adopt(from, to, &bytes);
    ck_assert(lineage.same);
    ck_assert_uint_eq(lineage.twins_kept, 2);
    ck_assert_uint_eq(lineage.states_kept, 6);
    ck_assert_uint_eq(lineage.state_count, 6);
    ck_assert_uint_eq(plant_hash(from), plant_hash(to));  // by name, and all the same bit for bit
    leave(&lineage, bytes, from, to);
}
END_TEST

START_TEST(a_state_that_is_gone_leaves_the_covariances_of_the_others)
{
    void *bytes;
    Plant *from = load("depth = { 1, 'm', sd = 1 }, " LEVEL ", " WARMTH, "", "a = { 'vessel' }"), *to = load(WARMTH ", extra = { 5, 's', sd = 2 }, " LEVEL, "", "a = { 'vessel' }");
    shake(from);
    *plants_cell(from, "a.level") = 7;
    *plants_cell(from, "a.leak") = 0.5;
    Lineage lineage = adopt(from, to, &bytes);
    static const char *const kept[] = {"a.level", "a.warmth", "a.leak"};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_double_eq(*plants_cell(to, kept[i]), *plants_cell(from, kept[i]));
        ck_assert_double_eq(plant_sd(to, plants_tag(to, kept[i])), plant_sd(from, plants_tag(from, kept[i])));
        for (size_t j = 0; j < 3; j++)
            ck_assert_double_eq(*covariance(to, kept[i], kept[j]), *covariance(from, kept[i], kept[j]));
        ck_assert_double_eq(*covariance(to, kept[i], "a.extra"), 0);
    }
    ck_assert_double_eq(*plants_cell(to, "a.extra"), 5);
    ck_assert_double_eq(plant_sd(to, plants_tag(to, "a.extra")), 2);
    ck_assert(!lineage.same);
    ck_assert_uint_eq(lineage.state_count, 4);
    ck_assert_uint_eq(lineage.states_kept, 3);
    leave(&lineage, bytes, from, to);
}
END_TEST

START_TEST(another_spelling_of_a_unit_keeps_and_another_dimension_does_not)
{
    void *bytes;
    Plant *from = load(LEVEL ", " WARMTH, "", "a = { 'vessel' }");
    Plant *to = load("level = { 300, 'cm', min = 0, noise = 1, sd = 100 }, warmth = { 20, 'Pa', noise = 0.01, sd = 1 }", "", "a = { 'vessel' }");
    *plants_cell(from, "a.level") = 7.5;
    *plants_cell(from, "a.warmth") = 300;
    Lineage lineage = adopt(from, to, &bytes);
    ck_assert_double_eq(*plants_cell(to, "a.level"), 7.5);
    ck_assert_double_eq(unit_from_si(tags_get(to->tags, plants_tag(to, "a.level")).unit, plant_value(to, plants_tag(to, "a.level"))), 750);
    ck_assert_double_eq(*plants_cell(to, "a.warmth"), 20);
    ck_assert_uint_eq(lineage.states_kept, 2);
    ck_assert_uint_eq(lineage_tag(&lineage, plants_tag(from, "a.level")), plants_tag(to, "a.level"));
    ck_assert_uint_eq(lineage_tag(&lineage, plants_tag(from, "a.warmth")), TAG_NONE);
    leave(&lineage, bytes, from, to);
}
END_TEST

START_TEST(twins_are_found_by_name_wherever_they_lie)
{
    void *bytes;
    Plant *from = load(LEVEL, "", "b = { 'vessel' }, c = { 'vessel' }, d = { 'vessel' }"), *to = load(LEVEL, "", "a = { 'vessel', level = 1 }, d = { 'vessel' }, b = { 'vessel' }");
    *plants_cell(from, "b.level") = 5;
    *plants_cell(from, "d.level") = 6;
    from->blocks[0].quarantined = 1 << 2 | 1 << 1;  // d, and c that goes
    Lineage lineage = adopt(from, to, &bytes);
    ck_assert_double_eq(*plants_cell(to, "a.level"), 1);
    ck_assert_double_eq(*plants_cell(to, "b.level"), 5);
    ck_assert_double_eq(*plants_cell(to, "d.level"), 6);
    ck_assert_uint_eq(to->blocks[0].quarantined, 1 << 2);
    ck_assert_uint_eq(lineage.twin_count, 3);
    ck_assert_uint_eq(lineage.twins_kept, 2);
    ck_assert_uint_eq(lineage_twin(&lineage, 0), 1);
    ck_assert_uint_eq(lineage_twin(&lineage, 1), TWIN_NONE);
    ck_assert_uint_eq(lineage_twin(&lineage, 2), 2);
    ck_assert_str_eq(lineage_twin_name(&lineage, 1), "c");
    for (TagId tag = 0; tag < tags_count(from->tags); tag++)
        ck_assert_uint_eq(lineage_tag(&lineage, tag), tags_find(to->tags, tags_name(from->tags, tag).text));
    ck_assert_uint_eq(lineage_tag(&lineage, tags_count(from->tags)), TAG_NONE);
    leave(&lineage, bytes, from, to);
}
END_TEST

START_TEST(values_are_kept_within_new_limits)
{
    void *bytes;
    Plant *from = load(LEVEL, "", "a = { 'vessel' }, b = { 'vessel' }"), *to = load("level = { 3, 'm', min = 2, max = 6, noise = 0.01, sd = 1 }", "", "a = { 'vessel' }, b = { 'vessel' }");
    *plants_cell(from, "a.level") = 9;
    *plants_cell(from, "b.level") = 0.5;
    Lineage lineage = adopt(from, to, &bytes);
    ck_assert_double_eq(*plants_cell(to, "a.level"), 6);
    ck_assert_double_eq(*plants_cell(to, "b.level"), 2);
    leave(&lineage, bytes, from, to);
}
END_TEST

START_TEST(parameters_are_those_of_the_script_and_inputs_and_sensors_keep_their_last)
{
    void *bytes;
    Plant *from = load(LEVEL, "", "a = { 'vessel', area = 3 }"), *to = load(LEVEL, "", "a = { 'vessel', area = 4 }");
    *plants_cell(from, "a.feed") = 0.25;
    *plants_cell(from, "a.gauge") = 2.5;
    *plants_cell(from, "a.valve") = 0.75;
    from->blocks[0].quarantined = 1;
    const Sensor *sensor = &plant_model(from, 0)->sensors[0];
    *plant_cell(from, 0, sensor->memory) = 17;
    Lineage lineage = adopt(from, to, &bytes);
    ck_assert(!lineage.same);
    ck_assert_double_eq(*plants_cell(to, "a.area"), 4);
    ck_assert_double_eq(*plants_cell(to, "a.feed"), 0.25);
    ck_assert_double_eq(*plants_cell(to, "a.gauge"), 2.5);
    ck_assert_double_eq(*plants_cell(to, "a.valve"), 0.75);
    ck_assert_double_eq(*plant_cell(to, 0, sensor->memory), 17);  // the model is the same, so its tests go on
    ck_assert_uint_eq(to->blocks[0].quarantined, 0);              // another parameter may be what it needed
    leave(&lineage, bytes, from, to);
}
END_TEST

START_TEST(the_tests_of_a_changed_model_begin_anew)
{
    void *bytes;
    Plant *from = load(LEVEL, "", "a = { 'vessel' }"), *to = load("level = { 3, 'm', min = 0, max = 10, noise = 0.02, sd = 1 }", "", "a = { 'vessel' }");
    const Model *model = plant_model(from, 0);
    for (uint16_t c = 0; c < SENSOR_MEMORY; c++)
        *plant_cell(from, 0, model->sensors[0].memory + c) = 17;
    *plant_cell(from, 0, model->parted) = 1;
    *plants_cell(from, "a.level") = 4;
    from->blocks[0].quarantined = 1;
    Lineage lineage = adopt(from, to, &bytes);
    ck_assert_double_eq(*plants_cell(to, "a.level"), 4);
    for (uint16_t c = 0; c < SENSOR_MEMORY; c++)
        ck_assert_double_eq(*plant_cell(to, 0, plant_model(to, 0)->sensors[0].memory + c), 0);
    ck_assert_double_eq(*plant_cell(to, 0, plant_model(to, 0)->parted), 0);
    ck_assert_uint_eq(to->blocks[0].quarantined, 0);
    leave(&lineage, bytes, from, to);
}
END_TEST

START_TEST(another_alarm_is_another_shape_and_keeps_everything)
{
    void *bytes;
    Plant *from = load(LEVEL, "", "a = { 'vessel' }"), *to = load(LEVEL, "alarms = { full = { high = { 'level', 9 } } }", "a = { 'vessel' }");
    shake(from);
    *plant_cell(from, 0, plant_model(from, 0)->sensors[0].memory) = 17;
    Lineage lineage = adopt(from, to, &bytes);
    ck_assert(!lineage.same);
    ck_assert_uint_eq(plant_hash(from), plant_hash(to));
    leave(&lineage, bytes, from, to);
}
END_TEST

/* A parameter that becomes a state's neighbour in the filter, and the other way round. */
START_TEST(a_tracked_parameter_that_is_only_set_now_is_what_the_script_says)
{
    void *bytes;
    Plant *from = plants_load(PLANT("a = { 'tank' }"), 1);
    *plants_cell(from, "a.orifice") = 3e-5;
    *plants_cell(from, "a.level") = 1.5;
    char *text = strdup(plants_tank), *tracked = strstr(text, ", estimate = 1e-5, sd = 0.01, jump = 0.25");
    ck_assert_ptr_nonnull(tracked);
    memset(tracked, ' ', strlen(", estimate = 1e-5, sd = 0.01, jump = 0.25"));
    Plant *to;
    ErrText why = {""};
    const char *path = plants_write(PLANT("a = { 'tank' }"));
    scripts_write("tank.lua", text);
    ck_assert_msg(plant_load(path, 1, &to, &why) == ERR_OK, "%s", why.text);
    Lineage lineage = adopt(from, to, &bytes);
    ck_assert_double_eq(*plants_cell(to, "a.orifice"), 0.25e-4);
    ck_assert_double_eq(*plants_cell(to, "a.level"), 1.5);
    ck_assert_uint_eq(lineage.state_count, 3);
    ck_assert_uint_eq(lineage.states_kept, 2);
    free(text);
    leave(&lineage, bytes, from, to);
}
END_TEST

START_TEST(outputs_follow_what_was_adopted)
{
    void *bytes;
    Plant *from = plants_load(PLANT("a = { 'tank' }"), 1), *to = plants_load(PLANT("a = { 'tank', area = 0.03 }"), 1);
    *plants_cell(from, "a.level") = 1.2;
    Lineage lineage = adopt(from, to, &bytes);
    ck_assert_double_eq_tol(plant_value(to, plants_tag(to, "a.outflow")), 0.25e-4 * sqrt(2 * 9.80665 * 1.2), 1e-18);
    leave(&lineage, bytes, from, to);
}
END_TEST

/* A pipe of one second: what was at its inlet comes out eight steps later. */
static Plant *load_pipe(double noise, double gain)
{
    char text[1024];
    Plant *plant;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    snprintf(text, sizeof text,
             "return model 'pipe' {\n"
             "  params = { gain = { 1, '1' } }, inputs = { inlet = { 5, 'K' } }, states = { x = { 0, 'K', noise = %g } },\n"
             "  equations = function(t)\n"
             "    t.outlet = output(delay(t.gain * t.inlet, 1), 'K')\n"
             "    t.x.rate = 0\n"
             "  end }\n", noise);
    scripts_write("pipe.lua", text);
    snprintf(text, sizeof text, "return plant 'works' { step = 0.125, assets = { a = { 'pipe', gain = %g } } }", gain);
    if (plant_load(scripts_write("works.lua", text), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

START_TEST(what_is_on_its_way_stays_on_its_way_where_the_model_is_the_same)
{
    static const struct {
        double noise, gain;
        bool keeps;
    } cases[] = {{0.1, 1, true}, {0.1, 2, true}, {0.2, 1, false}};
    for (size_t i = 0; i < 3; i++) {
        void *bytes;
        Plant *from = load_pipe(0.1, 1), *to = load_pipe(cases[i].noise, cases[i].gain);
        *plants_cell(from, "a.inlet") = 9;
        for (int step = 0; step < 4; step++)
            plant_advance(from);
        Lineage lineage = adopt(from, to, &bytes);
        plant_derive(from);
        ck_assert_double_eq(*plants_cell(from, "a.outlet"), 5);
        ck_assert_double_eq(*plants_cell(to, "a.outlet"), cases[i].keeps ? 5 : 9);  // a changed model begins with what there is
        for (int step = 0; step < 5; step++)
            plant_advance(to);
        plant_derive(to);
        ck_assert_double_eq(*plants_cell(to, "a.outlet"), 9);
        leave(&lineage, bytes, from, to);
    }
}
END_TEST

static Plant *load_stepper(const char *step)
{
    char text[512];
    Plant *plant;
    ErrText why = {""};
    snprintf(text, sizeof text, "return model 'm' { states = { x = { 3, '1', sd = 0.5 } }, step = function(self, dt) %s end }", step);
    scripts_write("m.lua", text);
    if (plant_load(scripts_write("works.lua", PLANT("a = { 'm' }")), 1, &plant, &why))
        ck_abort_msg("%s", why.text);
    return plant;
}

/* No program tells what a step function does, so its text does. */
START_TEST(another_step_function_is_another_model)
{
    for (int same = 0; same < 2; same++) {
        void *bytes;
        Plant *from = load_stepper("self.x = self.x + 1"), *to = load_stepper(same ? "self.x = self.x + 1" : "self.x = self.x + 2");
        plant_advance(from);
        *plant_cell(from, 0, plant_model(from, 0)->memory) = 17;
        Lineage lineage = adopt(from, to, &bytes);
        ck_assert_int_eq(lineage.same, same);
        ck_assert_double_eq(*plants_cell(to, "a.x"), 4);
        ck_assert_double_eq(*plant_cell(to, 0, plant_model(to, 0)->memory), same ? 17 : 0);
        leave(&lineage, bytes, from, to);
    }
}
END_TEST

static void expect_refusal(const char *text, const char *expected)
{
    size_t size;
    Lineage lineage;
    ErrText why = {""};
    Plant *from = plants_load(PLANT("a = { 'tank' }"), 1), *to = plants_load(text, 1);
    void *bytes = keep(from, &size);
    const uint64_t before = plant_hash(to);
    ck_assert_int_eq(lineage_read(&lineage, to, bytes, size, &why), ERR_RANGE);
    ck_assert_msg(strstr(why.text, expected), "%s", why.text);
    ck_assert_uint_eq(plant_hash(to), before);
    mem_free(bytes);
    plant_destroy(from);
    plant_destroy(to);
}

START_TEST(another_plant_step_or_clock_is_refused)
{
    expect_refusal("return plant 'other' { step = 0.125, assets = { a = { 'tank' } } }", "plant \"other\" now");
    expect_refusal("return plant 'works' { step = 0.25, assets = { a = { 'tank' } } }", "the step is 0.25 s now and was 0.125 s");
    expect_refusal("return plant 'works' { step = 0.125, clock = 'provider', assets = { a = { 'tank' } } }", "the clock has changed");
}
END_TEST

/* Cut off anywhere, or with a byte exchanged in what it says of itself, it is refused or read; never more than that. */
START_TEST(a_damaged_snapshot_does_no_harm)
{
    size_t size;
    Plant *plant = plants_load(PLANT("a = { 'tank' }, b = { 'pendulum' }"), 1);
    unsigned char *bytes = keep(plant, &size);
    for (size_t length = 0; length < size; length += length < 2048 ? 1 : 997) {
        unsigned char *cut = malloc(length + 1);  // so that a byte too many is seen
        Lineage lineage;
        ErrText why = {""};
        memcpy(cut, bytes, length);
        ck_assert_int_ne(lineage_read(&lineage, plant, cut, length, &why), ERR_OK);
        free(cut);
    }
    for (size_t i = 0; i < plant->description_size + 24; i++) {
        Lineage lineage;
        ErrText why = {""};
        bytes[i] ^= 0x55;
        if (lineage_read(&lineage, plant, bytes, size, &why) == ERR_OK) {
            lineage_adopt(&lineage, plant);
            lineage_fini(&lineage);
        }
        bytes[i] ^= 0x55;
    }
    mem_free(bytes);
    plant_destroy(plant);
}
END_TEST

START_TEST(no_memory_is_an_error_and_leaks_nothing)
{
    size_t size;
    Plant *plant = plants_load(PLANT("a = { 'tank' }, b = { 'pendulum' }"), 1);
    void *bytes = keep(plant, &size);
    for (size_t n = 1; n < 20; n++) {
        Lineage lineage;
        ErrText why = {""};
        kit_fail_allocation(n);
        const Err err = lineage_read(&lineage, plant, bytes, size, &why);
        kit_fail_allocation(0);
        if (err == ERR_OK) {
            lineage_fini(&lineage);
            ck_assert_uint_gt(n, 1);
            break;
        }
        ck_assert_int_eq(err, ERR_MEMORY);
    }
    mem_free(bytes);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("plant.lineage", the_same_script_is_the_same, a_state_that_is_gone_leaves_the_covariances_of_the_others,
         another_spelling_of_a_unit_keeps_and_another_dimension_does_not, twins_are_found_by_name_wherever_they_lie, values_are_kept_within_new_limits,
         parameters_are_those_of_the_script_and_inputs_and_sensors_keep_their_last, the_tests_of_a_changed_model_begin_anew,
         another_alarm_is_another_shape_and_keeps_everything, a_tracked_parameter_that_is_only_set_now_is_what_the_script_says, outputs_follow_what_was_adopted,
         what_is_on_its_way_stays_on_its_way_where_the_model_is_the_same, another_step_function_is_another_model,
         another_plant_step_or_clock_is_refused, a_damaged_snapshot_does_no_harm, no_memory_is_an_error_and_leaks_nothing)
