/* A plant's parameter file: values in any unit that converts, patterns, and errors that name the file and its line. */
#include <stdio.h>
#include <string.h>

#include "twins/bench.h"

static const char *write_plant(const char *parameters)
{
    static char path[512];
    char models[512], beside[512];
    bench_script("tank", 1, "", "");  // links the models
    snprintf(models, sizeof models, "%s/models", kit_folder());
    snprintf(path, sizeof path, "%s/works.lua", kit_folder());
    snprintf(beside, sizeof beside, "%s/works.fitted.lua", kit_folder());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("return plant \"works\" {\n  parameters = \"works.fitted.lua\",\n  assets = { tank1 = { \"tank\", area = 2 }, tank2 = { \"tank\" } },\n}\n", file);
    fclose(file);
    remove(beside);
    if (parameters) {
        file = fopen(beside, "w");
        ck_assert_ptr_nonnull(file);
        fputs(parameters, file);
        fclose(file);
    }
    return path;
}

static double value_of(const Plant *plant, const char *tag)
{
    return plant_value(plant, tags_find(plant->tags, tag));
}

START_TEST(values_take_the_place_of_the_scripts)
{
    Plant *plant;
    ErrText why = {0};
    const char *path = write_plant("return parameters {\n"
                                   "  [\"tank1.area\"] = { 13000, \"cm^2\", sd = 200 },\n"
                                   "  [\"*.discharge\"] = { 0.55, \"1\", sd = 0.01 },\n"
                                   "  [\"tank2.discharge\"] = { 0.5, \"1\" },\n"
                                   "}\n");
    ck_assert_msg(plant_load(path, 1, &plant, &why) == ERR_OK, "%s", why.text);
    ck_assert_double_eq_tol(value_of(plant, "tank1.area"), 1.3, 1e-12);
    ck_assert_double_eq(value_of(plant, "tank2.area"), 1.2);
    ck_assert_double_eq(value_of(plant, "tank1.discharge"), 0.55);
    ck_assert_double_eq_tol(plant_sd(plant, tags_find(plant->tags, "tank1.discharge")), 0.01, 1e-15);

    // of a parameter that is not tracked the plant remembers it
    ck_assert_double_eq_tol(plant_known_sd(plant, plant_place(plant, tags_find(plant->tags, "tank1.area"))), 0.02, 1e-15);
    ck_assert_double_eq(plant_known_sd(plant, plant_place(plant, tags_find(plant->tags, "tank2.area"))), 0);

    // the exact name goes before the pattern, wherever it stands
    ck_assert_double_eq(value_of(plant, "tank2.discharge"), 0.5);
    plant_destroy(plant);
}
END_TEST

/* A plant with other parameters is another plant to its snapshots. */
START_TEST(other_values_make_another_shape)
{
    uint64_t shapes[2];
    for (int i = 0; i < 2; i++) {
        Plant *plant;
        ck_assert_int_eq(plant_load(write_plant(i ? "return parameters { [\"tank1.area\"] = { 1.3, \"m^2\" } }" : "return parameters {}"), 1, &plant, NULL), ERR_OK);
        shapes[i] = plant->shape;
        plant_destroy(plant);
    }
    ck_assert(shapes[0] != shapes[1]);
}
END_TEST

static void refuses(const char *parameters, const char *because)
{
    Plant *plant;
    ErrText why = {0};
    ck_assert_int_ne(plant_load(write_plant(parameters), 1, &plant, &why), ERR_OK);
    ck_assert_msg(strstr(why.text, because), "%s", why.text);
}

START_TEST(what_is_wrong_is_told_with_file_and_line)
{
    refuses("return parameters {\n  [\"tank1.aera\"] = { 1, \"m^2\" },\n}\n", "works.fitted.lua:2: \"tank1.aera\" is no parameter of this plant");
    refuses("return parameters {\n\n  [\"tank1.level\"] = { 1, \"m\" },\n}\n", "works.fitted.lua:3: \"tank1.level\" is no parameter of this plant");
    refuses("return parameters {\n  [\"tank1.area\"] = { 1, \"kg\" },\n}\n", "works.fitted.lua:2: unit of \"tank1.area\": \"kg\" does not convert to m");
    refuses("return parameters {\n  [\"tank1.discharge\"] = { 2, \"1\" },\n}\n", "works.fitted.lua:2: \"tank1.discharge\" is outside what the model allows, 0.01 to 1");
    refuses("return parameters {\n  [\"tank1.area\"] = { \"m^2\" },\n}\n", "works.fitted.lua:2: ");
    refuses("return parameters {\n  [\"tank1.area\"] = 3,\n}\n", "works.fitted.lua:2: \"tank1.area\": expected { value, \"unit\" }, got number");
    refuses("return parameters {\n  [\"tank1.area\"] = { 1, \"m^2\", sd = -1 },\n}\n", "works.fitted.lua:2: sd of \"tank1.area\"");
    refuses("return parameters {\n  [\"tank1.area\"] = { 1, \"m^2\", std = 1 },\n}\n", "works.fitted.lua:2: unknown key \"std\"");
    refuses("return parameters { 3 }\n", "expected [\"twin.parameter\"]");
    refuses("return { [\"tank1.area\"] = { 1, \"m^2\" } }\n", "a parameter file must return parameters");
    refuses("return parameters {\n  [\"tank1.area\"] = { 1, \"m^2\"\n}\n", "works.fitted.lua:");
    refuses(NULL, "works.lua:2: there is no parameter file \"works.fitted.lua\" beside this script");
}
END_TEST

KIT_MAIN("plant.parameters", values_take_the_place_of_the_scripts, other_values_make_another_shape, what_is_wrong_is_told_with_file_and_line)
