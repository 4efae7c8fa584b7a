/* A few letters find an asset. */
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"
#include "view/search.h"

static WorldModel models[] = {{.name = "tank"}, {.name = "pump"}};
static WorldAsset assets[] = {{.name = "lift_1", .model = 1}, {.name = "lift_2", .model = 1}, {.name = "tower", .model = 0}, {.name = "clear_water", .model = 0},
                              {.name = "tank", .model = 0}, {.name = "old_tank_2", .model = 0}, {.name = "Waterfall", .model = 1}};
static const World world = {.models = models, .model_count = 2, .assets = assets, .asset_count = sizeof assets / sizeof *assets};

static const char *found(const char *text, size_t place)
{
    const SearchHits hits = search_find(&world, text);
    return place < hits.count ? assets[hits.assets[place]].name : "";
}

START_TEST(the_beginning_of_a_name_goes_before_its_parts_and_these_before_its_inside)
{
    ck_assert_str_eq(found("water", 0), "Waterfall");
    ck_assert_str_eq(found("water", 1), "clear_water");
    ck_assert_str_eq(found("tank", 0), "tank");
    ck_assert_str_eq(found("tank", 1), "old_tank_2");
    ck_assert_str_eq(found("OWE", 0), "tower");
}
END_TEST

START_TEST(models_are_searched_behind_names)
{
    const SearchHits hits = search_find(&world, "tank");
    ck_assert_uint_eq(hits.count, 4);  // tank, old_tank_2, then the tanks of other names
    ck_assert_str_eq(found("tank", 2), "tower");
    ck_assert_str_eq(found("pump 2", 0), "lift_2");
}
END_TEST

START_TEST(every_word_must_fit)
{
    ck_assert_uint_eq(search_find(&world, "tank 2").count, 1);
    ck_assert_uint_eq(search_find(&world, "nobody").count, 0);
    ck_assert_uint_eq(search_find(&world, "  ").count, sizeof assets / sizeof *assets);
}
END_TEST

/* Against sorting all of them. */
START_TEST(the_best_of_many_are_found)
{
    enum { MANY = 5000 };
    static WorldAsset many[MANY];
    for (int i = 0; i < MANY; i++)
        snprintf(many[i].name, sizeof many[i].name, "%s%d", i % 7 ? "cell_x" : "x_cell", i);
    const World fleet = {.models = models, .model_count = 2, .assets = many, .asset_count = MANY};
    const SearchHits hits = search_find(&fleet, "cell");
    ck_assert_uint_eq(hits.total, MANY);
    ck_assert_uint_eq(hits.count, SEARCH_HITS_MAX);
    const char *const first[] = {"cell_x1", "cell_x2", "cell_x3", "cell_x4", "cell_x5", "cell_x6", "cell_x8", "cell_x9", "cell_x10", "cell_x11", "cell_x12", "cell_x13"};
    for (size_t i = 0; i < hits.count; i++)
        ck_assert_str_eq(many[hits.assets[i]].name, first[i]);
}
END_TEST

KIT_MAIN("view.search", the_beginning_of_a_name_goes_before_its_parts_and_these_before_its_inside, models_are_searched_behind_names, every_word_must_fit, the_best_of_many_are_found)
