#include "plant/plants.h"

static void advance(Plant *plant, int steps)
{
    for (int i = 0; i < steps; i++)
        plant_advance(plant);
    plant_derive(plant);
}

START_TEST(tags_and_places_agree)
{
    Plant *plant = plants_load("return plant 'works' { assets = { b = { 'tank' }, a = { 'pendulum' }, c = { 'tank' } } }", 1);
    ck_assert_uint_eq(plant->twin_count, 3);
    uint32_t tags = 0;
    for (uint32_t twin = 0; twin < plant->twin_count; twin++) {
        const Model *model = plant_model(plant, twin);
        for (uint16_t c = 0; c < model->channel_count; c++) {
            char name[128];
            const TagId tag = plant_tag(plant, twin, c);
            snprintf(name, sizeof name, "%s.%s", plant->twins[twin].name, model->channels[c].name);
            ck_assert_str_eq(tags_name(plant->tags, tag).text, name);
            ck_assert_uint_eq(tags_find(plant->tags, name), tag);
            ck_assert_uint_eq(plant_place(plant, tag).twin, twin);
            ck_assert_uint_eq(plant_place(plant, tag).channel, c);
            ck_assert_ptr_eq(tags_get(plant->tags, tag).unit, model->channels[c].unit);
            tags++;
        }
    }
    ck_assert_uint_eq(tags_count(plant->tags), tags);
    ck_assert_int_eq(tags_get(plant->tags, plants_tag(plant, "b.gauge")).role, TAG_SAMPLED);
    ck_assert_int_eq(tags_get(plant->tags, plants_tag(plant, "b.inflow")).role, TAG_SAMPLED);
    ck_assert_int_eq(tags_get(plant->tags, plants_tag(plant, "b.valve")).role, TAG_ACTUATED);
    ck_assert_int_eq(tags_get(plant->tags, plants_tag(plant, "b.level")).role, TAG_NOT_BOUND);
    plant_destroy(plant);
}
END_TEST

START_TEST(twins_are_found_by_name)
{
    Plant *plant = plants_fleet(200, 1);
    for (uint32_t i = 0; i < 200; i++)
        ck_assert_int_eq(plant_find(plant, plant->twins[i].name), i);
    ck_assert_int_eq(plant_find(plant, "p0000"), -1);
    ck_assert_int_eq(plant_find(plant, "p9999"), -1);
    ck_assert_int_eq(plant_find(plant, ""), -1);
    plant_destroy(plant);
}
END_TEST

START_TEST(values_and_deviations_are_read_by_tag)
{
    Plant *plant = plants_load("return plant 'works' { assets = { a = { 'tank' } } }", 1);
    ck_assert_double_eq(plant_value(plant, plants_tag(plant, "a.warmth")), 293.15);
    ck_assert_double_eq(plant_sd(plant, plants_tag(plant, "a.warmth")), 1);
    ck_assert_double_eq_tol(plant_value(plant, plants_tag(plant, "a.outflow")), 0.25e-4 * sqrt(2 * 9.80665 * 0.3), 1e-18);
    ck_assert_double_nan(plant_sd(plant, plants_tag(plant, "a.outflow")));
    ck_assert_double_nan(plant_value(plant, plants_tag(plant, "a.gauge")));
    plant_destroy(plant);
}
END_TEST

START_TEST(two_hundred_twins_fill_four_blocks)
{
    Plant *plant = plants_fleet(200, 1);
    ck_assert_uint_eq(plant->twin_count, 200);
    ck_assert_uint_eq(plant->block_count, 4);
    ck_assert_uint_eq(plant->model_count, 1);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(plant->blocks[i].lanes, i < 3 ? 64 : 8);
    for (uint32_t i = 0; i < 200; i++)
        ck_assert_uint_eq(plant->blocks[plant->twins[i].block].twin[plant->twins[i].lane], i);
    plant_destroy(plant);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bits)
{
    uint64_t hashes[3];
    for (size_t threads = 1; threads <= 3; threads++) {
        Plant *plant = plants_fleet(200, threads);
        advance(plant, 400);
        hashes[threads - 1] = plant_hash(plant);
        plant_destroy(plant);
    }
    ck_assert_uint_eq(hashes[0], hashes[1]);
    ck_assert_uint_eq(hashes[0], hashes[2]);
}
END_TEST

/* The same twin as the only one of its plant, and as one of many [I1]. */
START_TEST(a_twin_does_not_depend_on_its_neighbours)
{
    Plant *many = plants_fleet(200, 2);
    advance(many, 300);
    Plant *one = plants_load("return plant 'fleet' { step = 0.125, assets = { p0150 = { 'pendulum', drive = 1 + 150 / 500 } } }", 1);
    advance(one, 300);
    const uint32_t twin = (uint32_t)plant_find(many, "p0150");
    for (uint16_t c = 0; c < plant_model(one, 0)->column_count; c++)
        ck_assert_mem_eq(plant_cell(one, 0, c), plant_cell(many, twin, c), sizeof(double));
    plant_destroy(many);
    plant_destroy(one);
}
END_TEST

START_TEST(the_hash_sees_every_kept_bit)
{
    Plant *plant = plants_fleet(70, 1);
    const uint64_t before = plant_hash(plant);
    for (uint16_t c = 0; c < plant_model(plant, 0)->kept_count; c++) {
        uint64_t *bits = (uint64_t *)plant_cell(plant, 69, c);
        *bits ^= 1;
        ck_assert_uint_ne(plant_hash(plant), before);
        *bits ^= 1;
    }
    ck_assert_uint_eq(plant_hash(plant), before);
    plant_destroy(plant);
}
END_TEST

START_TEST(one_sick_twin_is_quarantined_and_the_others_go_on_unchanged)
{
    const double sick[] = {NAN, INFINITY, 1e308};
    Plant *healthy = plants_fleet(130, 1);
    advance(healthy, 50);
    for (size_t kind = 0; kind < 3; kind++) {
        Plant *plant = plants_fleet(130, 2);
        const uint32_t patient = (uint32_t)plant_find(plant, "p0067");
        *plants_cell(plant, "p0067.drive") = sick[kind];
        advance(plant, 50);

        ck_assert_uint_eq(plant_quarantined(plant), 1);
        for (uint32_t twin = 0; twin < 130; twin++) {
            ck_assert_int_eq(plant_is_quarantined(plant, twin), twin == patient);
            for (uint16_t c = 0; c < plant_model(plant, twin)->column_count && twin != patient; c++)
                ck_assert_mem_eq(plant_cell(plant, twin, c), plant_cell(healthy, twin, c), sizeof(double));
        }
        ck_assert(isfinite(*plants_cell(plant, "p0067.angle")));
        ck_assert(isfinite(*plants_cell(plant, "p0067.speed")));
        plant_destroy(plant);
    }
    plant_destroy(healthy);
}
END_TEST

START_TEST(a_limit_does_not_hide_what_is_no_number)
{
    Plant *plant = plants_load("return plant 'works' { assets = { a = { 'tank' }, b = { 'tank' } } }", 1);
    const double level = *plants_cell(plant, "a.level");
    *plants_cell(plant, "a.inflow") = NAN;
    advance(plant, 1);
    ck_assert(plant_is_quarantined(plant, 0));
    ck_assert(!plant_is_quarantined(plant, 1));
    ck_assert_double_eq(*plants_cell(plant, "a.level"), level);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_quarantined_twin_keeps_its_last_good_state)
{
    Plant *plant = plants_fleet(3, 1);
    advance(plant, 10);
    const double angle = *plants_cell(plant, "p0002.angle"), speed = *plants_cell(plant, "p0002.speed");
    *plants_cell(plant, "p0002.drive") = NAN;
    advance(plant, 1);
    *plants_cell(plant, "p0002.drive") = 1;  // it stays where it is even if the cause has gone
    advance(plant, 10);
    ck_assert(plant_is_quarantined(plant, 1));
    ck_assert_double_eq(*plants_cell(plant, "p0002.angle"), angle);
    ck_assert_double_eq(*plants_cell(plant, "p0002.speed"), speed);
    plant_destroy(plant);
}
END_TEST

START_TEST(lanes_that_are_not_used_do_not_count)
{
    Plant *plant = plants_fleet(1, 1);
    plant->blocks[0].columns[LANES - 1] = NAN;
    advance(plant, 2);
    ck_assert_uint_eq(plant_quarantined(plant), 0);
    plant_destroy(plant);
}
END_TEST

static void *keep(const Plant *plant, size_t *size)
{
    *size = plant_snapshot_size(plant);
    void *bytes = mem_alloc(*size);
    ck_assert_ptr_nonnull(bytes);
    plant_snapshot(plant, bytes);
    return bytes;
}

START_TEST(a_restored_plant_has_the_same_future)
{
    size_t size;
    ErrText why = {""};
    Plant *first = plants_fleet(100, 2);
    *plants_cell(first, "p0010.drive") = NAN;
    advance(first, 100);
    void *bytes = keep(first, &size);

    Plant *second = plants_fleet(100, 1);
    ck_assert_uint_ne(plant_hash(first), plant_hash(second));
    ck_assert_int_eq(plant_restore(second, bytes, size, &why), ERR_OK);
    ck_assert_uint_eq(plant_hash(first), plant_hash(second));
    ck_assert_double_eq(*plants_cell(first, "p0001.energy"), *plants_cell(second, "p0001.energy"));
    ck_assert(plant_is_quarantined(second, 9));
    for (int i = 0; i < 100; i++) {
        advance(first, 1);
        advance(second, 1);
        ck_assert_uint_eq(plant_hash(first), plant_hash(second));
    }
    mem_free(bytes);
    plant_destroy(first);
    plant_destroy(second);
}
END_TEST

START_TEST(a_snapshot_of_another_shape_is_refused)
{
    static const char *const others[] = {
        "return plant 'other' { step = 0.125, assets = { p0001 = { 'pendulum' }, p0003 = { 'pendulum' } } }",                     // another name
        "return plant 'other' { step = 0.25, assets = { p0001 = { 'pendulum' }, p0002 = { 'pendulum' } } }",                      // another step
        "return plant 'other' { step = 0.125, assets = { p0001 = { 'tank' }, p0002 = { 'tank' } } }",                             // another model
        "return plant 'other' { step = 0.125, assets = { p0001 = { 'tank' }, p0002 = { 'pendulum' } } }",                         // more blocks
    };
    size_t size;
    Plant *plant = plants_fleet(2, 1);
    void *bytes = keep(plant, &size);
    for (size_t i = 0; i < 4; i++) {
        ErrText why = {""};
        Plant *other = plants_load(others[i], 1);
        const uint64_t before = plant_hash(other);
        ck_assert_int_eq(plant_restore(other, bytes, size, &why), ERR_PARSE);
        ck_assert_msg(strstr(why.text, "another version"), "%s", why.text);
        ck_assert_uint_eq(plant_hash(other), before);
        plant_destroy(other);
    }
    ErrText why = {""};
    ck_assert_int_eq(plant_restore(plant, bytes, size - 1, &why), ERR_PARSE);
    ck_assert_int_eq(plant_restore(plant, bytes, 0, &why), ERR_PARSE);
    mem_free(bytes);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("plant.plant", tags_and_places_agree, twins_are_found_by_name, values_and_deviations_are_read_by_tag, two_hundred_twins_fill_four_blocks,
         any_number_of_threads_gives_the_same_bits, a_twin_does_not_depend_on_its_neighbours, the_hash_sees_every_kept_bit,
         one_sick_twin_is_quarantined_and_the_others_go_on_unchanged, a_limit_does_not_hide_what_is_no_number,
         a_quarantined_twin_keeps_its_last_good_state, lanes_that_are_not_used_do_not_count,
         a_restored_plant_has_the_same_future, a_snapshot_of_another_shape_is_refused)
