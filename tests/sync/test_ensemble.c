/* Twins that an ensemble follows are twins like others: judged, put away and woken up, with the same bits everywhere. */
#include "fleet.h"

// the table of divergence is closed, and what stands behind it is opened
#define ENSEMBLE FLEET_CALM " }, filter = { 'ensemble', members = 12, inflation = 1.02"

enum { TANKS = 70, LAST = TANKS - 1 };

static Rig open_fleet(size_t threads)
{
    Rig rig = rig_open(&(FleetDef){.tanks = TANKS, .threads = threads, .divergence = ENSEMBLE});
    sync_begin(rig.sync, at(0));
    return rig;
}

static uint64_t hash_of_run(size_t threads)
{
    Rig rig = open_fleet(threads);
    program_codegen_wait();
    rig_run(&rig, 0, 30, LAST, 0, 0);
    rig_run(&rig, 30, 50, LAST, 0.1, 0.1);
    const uint64_t hash = plant_hash(rig.plant);
    rig_close(&rig);
    return hash;
}

/* [I1], [I2] Every compiler and every level of it that runs this test must come to the one hash. */
#define ENSEMBLE_HASH UINT64_C(15971301404554900611)

START_TEST(one_hash_on_any_threads_instruction_set_and_back_end)
{
    static const char *const sets[] = {"portable", "sse2", "avx2", "avx512"};
    for (size_t threads = 1; threads <= 8; threads *= 2)
        ck_assert_uint_eq(hash_of_run(threads), ENSEMBLE_HASH);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (program_use(sets[i]))
            ck_assert_uint_eq(hash_of_run(2), ENSEMBLE_HASH);
    ck_assert_int_eq(program_codegen(CODEGEN_AUTO, NULL), ERR_OK);
    ck_assert_uint_eq(hash_of_run(2), ENSEMBLE_HASH);
    ck_assert(!program_codegen_state().loaded || program_codegen_state().compiled > 0);
}
END_TEST

/* The last tank of the fleet, alone in another plant, in another lane of another block, hears the same. */
START_TEST(a_twin_depends_on_its_name_and_not_on_its_place)
{
    Rig fleet = open_fleet(2);
    rig_run(&fleet, 0, 30, LAST, 0, 0);

    Plant *alone;
    Sync *sync;
    ErrText why;
    const char *path = fleet_write("alone.lua", "return plant \"alone\" { step = 1, assets = { tank070 = { \"tank\" } } }\n");
    ck_assert_msg(plant_load(path, 1, &alone, &why) == ERR_OK, "%s", why.text);
    ck_assert_int_eq(sync_create(alone, &sync), ERR_OK);
    sync_begin(sync, at(0));
    for (int s = 0; s < 30; s++) {
        const Sample upper = {.time = at(s + 0.2), .value = reading(LAST, fleet.upper, s), .tag = plant_tag(alone, 0, fleet.upper)};
        const Sample lower = {.time = at(s + 0.3), .value = reading(LAST, fleet.lower, s), .tag = plant_tag(alone, 0, fleet.lower)};
        ck_assert(sync_file(sync, &(Arrival){.kind = ARRIVAL_SAMPLE, .provider = 1, .sample = upper}, &(Filed){0}));
        ck_assert(sync_file(sync, &(Arrival){.kind = ARRIVAL_SAMPLE, .provider = 1, .sample = lower}, &(Filed){0}));
        const Batch batch = sync_collect(sync);
        plant_advance(alone);
        sync_correct(sync, alone, batch);
    }
    for (uint16_t c = 0; c < plant_model(alone, 0)->kept_count; c++)
        ck_assert_mem_eq(plant_cell(alone, 0, c), plant_cell(fleet.plant, LAST, c), sizeof(double));
    sync_destroy(sync);
    plant_destroy(alone);
    rig_close(&fleet);
}
END_TEST

START_TEST(another_name_is_another_ensemble)
{
    Rig rig = open_fleet(1);
    const uint16_t member = plant_model(rig.plant, 0)->ensemble.first;
    plant_advance(rig.plant);
    for (uint32_t twin = 1; twin < TANKS; twin++)
        ck_assert_double_ne(*plant_cell(rig.plant, twin, member), *plant_cell(rig.plant, twin - 1, member));
    rig_close(&rig);
}
END_TEST

START_TEST(a_snapshot_has_the_members_in_it)
{
    ErrText why;
    Rig first = open_fleet(1), second = open_fleet(2);
    rig_run(&first, 0, 20, 0, 0, 0);
    const size_t size = plant_snapshot_size(first.plant);
    void *bytes = mem_alloc(size);
    ck_assert_ptr_nonnull(bytes);
    plant_snapshot(first.plant, bytes);
    ck_assert_int_eq(plant_restore(second.plant, bytes, size, &why), ERR_OK);
    for (int k = 0; k < 10; k++) {
        plant_advance(first.plant);
        plant_advance(second.plant);
        ck_assert_uint_eq(plant_hash(first.plant), plant_hash(second.plant));
    }
    mem_free(bytes);
    rig_close(&first);
    rig_close(&second);
}
END_TEST

START_TEST(a_snapshot_of_other_members_is_of_another_version)
{
    ErrText why;
    Rig first = open_fleet(1);
    Rig second = rig_open(&(FleetDef){.tanks = TANKS, .divergence = FLEET_CALM " }, filter = { 'ensemble', members = 12, inflation = 1.03"});
    const size_t size = plant_snapshot_size(first.plant);
    void *bytes = mem_alloc(size);
    ck_assert_ptr_nonnull(bytes);
    plant_snapshot(first.plant, bytes);
    ck_assert_int_eq(plant_restore(second.plant, bytes, size, &why), ERR_PARSE);
    mem_free(bytes);
    rig_close(&first);
    rig_close(&second);
}
END_TEST

/* [I3] A twin whose numbers break keeps its members as they were, and its neighbours theirs as they become. */
START_TEST(a_sick_twin_is_put_back_with_its_members)
{
    Rig sick = open_fleet(1), well = open_fleet(1);
    rig_run(&sick, 0, 20, 0, 0, 0);
    rig_run(&well, 0, 20, 0, 0, 0);
    const uint16_t member = plant_model(sick.plant, 0)->ensemble.first;
    const double before = *plant_cell(sick.plant, 3, member);
    *plant_cell(sick.plant, 3, plant_model(sick.plant, 0)->channels[sick.inflow].column) = NAN;
    plant_advance(sick.plant);
    plant_advance(well.plant);
    ck_assert(plant_is_quarantined(sick.plant, 3));
    ck_assert_double_eq(*plant_cell(sick.plant, 3, member), before);
    for (uint16_t c = 0; c < plant_model(sick.plant, 0)->kept_count; c++)
        ck_assert_mem_eq(plant_cell(sick.plant, 4, c), plant_cell(well.plant, 4, c), sizeof(double));
    rig_close(&sick);
    rig_close(&well);
}
END_TEST

/* All gauges leave in one direction: the process has parted, and what may jump is opened, among the members too. */
START_TEST(what_may_jump_is_opened_when_the_process_has_parted)
{
    Rig rig = open_fleet(1);
    const TagId leak = plant_tag(rig.plant, 0, fleet_channel(rig.plant, "leak"));
    rig_run(&rig, 0, 40, LAST, 0, 0);
    ck_assert_double_lt(plant_sd(rig.plant, leak), 2e-4);
    int s = 40;
    for (; sync_verdict(rig.sync, 0)->kind == VERDICT_NONE && s < 60; s++)
        rig_run(&rig, s, s + 1, 0, 0.08, 0.08);
    ck_assert_int_eq(sync_verdict(rig.sync, 0)->kind, VERDICT_PROCESS);
    ck_assert_double_gt(plant_sd(rig.plant, leak), 1e-3);
    ck_assert_double_lt(plant_sd(rig.plant, leak + rig.plant->twins[1].first_tag - rig.plant->twins[0].first_tag), 2e-4);
    rig_run(&rig, s, 100, 0, 0.08, 0.08);
    ck_assert_double_eq_tol(plant_value(rig.plant, plant_tag(rig.plant, 0, rig.level)), 1.08, 0.02);
    rig_close(&rig);
}
END_TEST

KIT_MAIN("sync.ensemble", one_hash_on_any_threads_instruction_set_and_back_end, a_twin_depends_on_its_name_and_not_on_its_place,
         another_name_is_another_ensemble,
         a_snapshot_has_the_members_in_it, a_snapshot_of_other_members_is_of_another_version, a_sick_twin_is_put_back_with_its_members,
         what_may_jump_is_opened_when_the_process_has_parted)
