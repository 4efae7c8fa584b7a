/* Models built of models: the same bits as the same equations written flat, and what connected twins come close to. */
#include "plant/castor.h"
#include "plant/plants.h"

/* A rod in three cells, behind the lag of its heater, with a share that passes straight through. */
static const char rod[] = "return model 'rod' {\n"
                          "  params = { pace = { 0.05, '1/s', min = 0, max = 2 }, share = { 0.3, '1', min = 0, max = 1, estimate = 1e-4, sd = 0.05 } },\n"
                          "  inputs = { heat = { 300, 'K' }, side = { 280, 'K' } },\n"
                          "  states = { T = { 290, 'K', count = 3, noise = 0.01, sd = 1 } },\n"
                          "  equations = function(t)\n"
                          "    local felt = lag(t.heat, 5, 'felt')\n"
                          "    for i = 1, #t.T do\n"
                          "      local before, after = i > 1 and t.T[i - 1] or felt, i < #t.T and t.T[i + 1] or t.side\n"
                          "      t.T[i].rate = t.pace * (before - 2 * t.T[i] + after)\n"
                          "    end\n"
                          "    t.through = output(t.share * t.heat + (1 - t.share) * t.T[3], 'degC')\n"
                          "  end,\n"
                          "  sensors = { tip = { of = 'T_3', noise = 0.2, unit = 'degC', every = 0.5 }, out = { of = 'through', noise = 0.5, every = 1 },\n"
                          "              mean = { of = function(t) return (t.T[1] + t.T[2] + t.T[3]) / 3 end, noise = 0.3 } },\n"
                          "}\n";

/* Two rods, the second heated by the first: a part that has parts. */
static const char pair[] = "return model 'pair' {\n"
                           "  params = { speed = { 0.04, '1/s', min = 0 } },\n"
                           "  inputs = { room = { 285, 'K' } },\n"
                           "  parts = { near = { 'rod', pace = 'speed' }, far = { 'rod', pace = 'speed', T = 288 } },\n"
                           "  equations = function(t)\n"
                           "    t.far.heat = t.near.through\n"
                           "    t.near.side = t.far.T[1]\n"
                           "    t.far.side = t.room\n"
                           "    t.end_ = output(t.far.through, 'K')\n"
                           "  end,\n"
                           "}\n";

static const char rig[] = "return model 'rig' {\n"
                          "  params = { tempo = { 3, '1/min', min = 0 } },\n"
                          "  states = { hall = { 284, 'K', noise = 0.005, sd = 0.5 } },\n"
                          "  parts = { rods = { 'pair', speed = 'tempo', far_share = 0.6 }, spare = { 'rod' } },\n"
                          "  equations = function(t)\n"
                          "    t.hall.rate = (t.rods.end_ - t.hall) / quantity(500, 's')\n"
                          "    t.rods.room = t.hall\n"
                          "    t.spare.heat = t.rods.far.through + 2 * (t.rods.near.T[2] - t.hall)\n"
                          "    t.gap = output(t.rods.end_ - t.spare.through, 'K')\n"
                          "  end,\n"
                          "  sensors = { air = { of = 'hall', noise = 0.1, unit = 'degC' }, gap_meter = { of = 'gap', noise = 0.2 } },\n"
                          "}\n";

/* The rig without parts. */
static const char flat[] = "return model 'rig' {\n"
                           "  params = { tempo = { 3, '1/min', min = 0, max = 120 },\n"
                           "             rods_near_share = { 0.3, '1', min = 0, max = 1, estimate = 1e-4, sd = 0.05 }, rods_far_share = { 0.6, '1', min = 0, max = 1, estimate = 1e-4, sd = 0.05 },\n"
                           "             spare_share = { 0.3, '1', min = 0, max = 1, estimate = 1e-4, sd = 0.05 }, spare_pace = { 0.05, '1/s', min = 0, max = 2 } },\n"
                           "  inputs = { rods_near_heat = { 300, 'K' }, spare_side = { 280, 'K' } },\n"
                           "  states = { hall = { 284, 'K', noise = 0.005, sd = 0.5 }, rods_near_T = { 290, 'K', count = 3, noise = 0.01, sd = 1 },\n"
                           "             rods_far_T = { 288, 'K', count = 3, noise = 0.01, sd = 1 }, spare_T = { 290, 'K', count = 3, noise = 0.01, sd = 1 } },\n"
                           "  equations = function(t)\n"
                           "    local function rod(prefix, pace, heat, side, lagged)\n"
                           "      local T, share = t[prefix .. '_T'], t[prefix .. '_share']\n"
                           "      for i = 1, 3 do\n"
                           "        local before, after = i > 1 and T[i - 1] or lagged, i < 3 and T[i + 1] or side\n"
                           "        T[i].rate = pace * (before - 2 * T[i] + after)\n"
                           "      end\n"
                           "      t[prefix .. '_heat_'] = output(heat, 'K')\n"
                           "      t[prefix .. '_through'] = output(share * heat + (1 - share) * T[3], 'degC')\n"
                           "      return share * heat + (1 - share) * T[3]\n"
                           "    end\n"
                           "    local near_share, far_share = t.rods_near_share, t.rods_far_share\n"
                           "    local near_through = near_share * t.rods_near_heat + (1 - near_share) * t.rods_near_T[3]\n"
                           "    local far_lag = lag(near_through, 5, 'rods_far_felt')\n"
                           "    local near_lag = lag(t.rods_near_heat, 5, 'rods_near_felt')\n"
                           "    rod('rods_near', t.tempo, t.rods_near_heat, t.rods_far_T[1], near_lag)\n"
                           "    local far_through = rod('rods_far', t.tempo, near_through, t.hall, far_lag)\n"
                           "    t.hall.rate = (far_through - t.hall) / quantity(500, 's')\n"
                           "    local spare_heat = far_through + 2 * (t.rods_near_T[2] - t.hall)\n"
                           "    local spare_through = rod('spare', t.spare_pace, spare_heat, t.spare_side, lag(spare_heat, 5, 'spare_felt'))\n"
                           "    t.gap = output(far_through - spare_through, 'K')\n"
                           "    t.rods_end_ = output(far_through, 'K')\n"
                           "    t.rods_room = output(t.hall, 'K')\n"
                           "    t.a = output(t.hall, 'K')\n"
                           "  end,\n"
                           "  sensors = { air = { of = 'hall', noise = 0.1, unit = 'degC' }, gap_meter = { of = 'gap', noise = 0.2 },\n"
                           "    rods_near_tip = { of = 'rods_near_T_3', noise = 0.2, unit = 'degC', every = 0.5 }, rods_near_out = { of = 'rods_near_through', noise = 0.5, every = 1 },\n"
                           "    rods_near_mean = { of = function(t) return (t.rods_near_T[1] + t.rods_near_T[2] + t.rods_near_T[3]) / 3 end, noise = 0.3 },\n"
                           "    rods_far_tip = { of = 'rods_far_T_3', noise = 0.2, unit = 'degC', every = 0.5 }, rods_far_out = { of = 'rods_far_through', noise = 0.5, every = 1 },\n"
                           "    rods_far_mean = { of = function(t) return (t.rods_far_T[1] + t.rods_far_T[2] + t.rods_far_T[3]) / 3 end, noise = 0.3 },\n"
                           "    spare_tip = { of = 'spare_T_3', noise = 0.2, unit = 'degC', every = 0.5 }, spare_out = { of = 'spare_through', noise = 0.5, every = 1 },\n"
                           "    spare_mean = { of = function(t) return (t.spare_T[1] + t.spare_T[2] + t.spare_T[3]) / 3 end, noise = 0.3 } },\n"
                           "}\n";

static const char *write_rig(const char *model)
{
    scripts_write("rod.lua", rod);
    scripts_write("pair.lua", pair);
    scripts_write("rig.lua", model);
    return scripts_write("plant.lua", "return plant 'works' { step = 0.25, clock = 'provider', assets = { a = { 'rig' } },\n"
                                      "  emulate = { control = function(device, seconds) device['a.rods_near_heat'] = 300 + 20 * math.sin(seconds / 7) end } }\n");
}

/* Fold in what Castor's sensors said. */
static void follow(Plant *plant, const Castor *castor)
{
    size_t count;
    const Model *model = plant_model(plant, 0);
    const Sample *samples = castor_samples(castor, &count);
    for (size_t i = 0; i < count; i++) {
        const TagName tag = tags_name(castor_plant(castor)->tags, samples[i].tag);
        const Place place = plant_place(plant, plants_tag(plant, tag.text));
        *plant_cell(plant, 0, model->channels[place.channel].column) = samples[i].value;
        for (uint16_t s = 0; s < model->sensor_count; s++) {
            const Sensor *sensor = &model->sensors[s];
            if (sensor->channel != place.channel)
                continue;
            *plant_cell(plant, 0, sensor->mask) = 1;
            program_run(&sensor->measure, plant->blocks[0].columns, &plant->scratch[0]);
            plant_correct(plant, 0, sensor, 0);
        }
    }
}

/* Everything that a run of 400 steps leaves in the emulated plant, and in the twin that follows it. */
static uint64_t hash_of_run(const char *model, double *hall)
{
    Castor *castor;
    Plant *plant;
    ErrText why = {""};
    log_set_level(LOG_ERROR);
    const char *path = write_rig(model);
    ck_assert_msg(castor_create(path, 3, true, &castor, &why) == ERR_OK, "%s", why.text);
    ck_assert_msg(plant_load(path, 1, &plant, &why) == ERR_OK, "%s", why.text);
    castor_begin(castor, 1000 * NS_PER_S);
    uint64_t hash = 0;
    for (int i = 0; i < 400; i++) {
        ck_assert_int_eq(castor_step(castor, &why), ERR_OK);
        plant_advance(plant);
        follow(plant, castor);
        const uint64_t both[] = {plant_hash(castor_plant(castor)), plant_hash(plant)};
        hash = hash_bytes(hash, both, sizeof both);
    }
    ck_assert_uint_eq(plant_quarantined(plant), 0);
    *hall = plant_value(plant, plants_tag(plant, "a.hall"));
    plant_destroy(plant);
    castor_destroy(castor);
    return hash;
}

START_TEST(parts_have_the_same_bits_as_the_same_equations_written_flat)
{
    double of_parts, of_flat, other;
    const uint64_t parts = hash_of_run(rig, &of_parts);
    ck_assert_uint_eq(parts, hash_of_run(flat, &of_flat));
    ck_assert(of_parts == of_flat && of_parts > 284.5);

    // the hash would tell another equation
    char bent[sizeof flat];
    memcpy(bent, flat, sizeof flat);
    memcpy(strstr(bent, "(500, 's')"), "(501, 's')", 10);
    ck_assert_uint_ne(parts, hash_of_run(bent, &other));
}
END_TEST

// Two tanks, one above the other: as a model of parts, and as two twins with a connection.

static const char tank[] = "return model 'tank' {\n"
                           "  params = { area = { 0.5, 'm^2', min = 0.01, max = 10 } },\n"
                           "  inputs = { inflow = { 0.004, 'm^3/s', min = 0 } },\n"
                           "  states = { level = { 1, 'm', min = 0 } },\n"
                           "  equations = function(t)\n"
                           "    t.outflow = output(quantity(12, 'cm^2') * sqrt(2 * g * max(t.level, quantity(1, 'mm'))), 'm^3/s')\n"
                           "    t.level.rate = (t.inflow - t.outflow) / t.area\n"
                           "  end,\n"
                           "}\n";

static double level_after(const char *assets, double step, const char *tag)
{
    char text[512];
    Plant *plant;
    ErrText why = {""};
    scripts_write("tank.lua", tank);
    scripts_write("tower.lua", "return model 'tower' { params = { floor = { 0.5, 'm^2' } }, parts = { upper = { 'tank', area = 'floor' }, lower = { 'tank', area = 'floor', level = 0.2 } },\n"
                               "  equations = function(t) t.lower.inflow = t.upper.outflow end }\n");
    snprintf(text, sizeof text, "return plant 'works' { step = %g, clock = 'provider', %s }", step, assets);
    ck_assert_msg(plant_load(scripts_write("plant.lua", text), 1, &plant, &why) == ERR_OK, "%s", why.text);
    for (int64_t i = llround(200 / step); i > 0; i--)
        plant_advance(plant);
    const double level = plant_value(plant, plants_tag(plant, tag));
    plant_destroy(plant);
    return level;
}

/* A connection holds what it carries over a step, an error of the order of the step; parts are exact, up to the stepper's fourth order. */
START_TEST(connected_twins_come_to_the_parts_as_the_step_shrinks)
{
    static const char connected[] = "assets = { upper = { 'tank' }, lower = { 'tank', level = 0.2 } }, connect = { ['upper.outflow'] = 'lower.inflow' }";
    const double parts = level_after("assets = { tower = { 'tower' } }", 0.5, "tower.lower_level");
    ck_assert_double_eq_tol(parts, level_after("assets = { tower = { 'tower' } }", 0.25, "tower.lower_level"), 1e-9);
    double error = fabs(level_after(connected, 1, "lower.level") - parts);
    ck_assert_double_gt(error, 1e-5);
    for (double step = 0.5; step > 0.05; step /= 2) {
        const double smaller = fabs(level_after(connected, step, "lower.level") - parts);
        ck_assert_double_eq_tol(error / smaller, 2, 0.05);
        error = smaller;
    }
}
END_TEST

START_TEST(a_plant_sets_and_breaks_what_is_in_a_part)
{
    Castor *castor;
    ErrText why = {""};
    scripts_write("rod.lua", rod);
    scripts_write("pair.lua", pair);
    const char *path = scripts_write("plant.lua", "return plant 'works' { assets = { a = { 'pair', far_share = 0.9, near_T_2 = 295 } },\n"
                                                  "  emulate = { values = { ['a.speed'] = 0.02 }, faults = { f = { sensor = 'a.far_tip', kind = 'stuck', at = 1 } } } }");
    ck_assert_msg(castor_create(path, 1, true, &castor, &why) == ERR_OK, "%s", why.text);
    ck_assert_double_eq(*plants_cell(castor_plant(castor), "a.far_share"), 0.9);
    ck_assert_double_eq(*plants_cell(castor_plant(castor), "a.near_T_2"), 295);
    ck_assert_double_eq(*plants_cell(castor_plant(castor), "a.near_T_1"), 290);
    ck_assert_int_eq(castor_add_fault(castor, "a.far_heat:set:300@1", &why), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(why.text, "\"a.far_heat\" must be a state, parameter or input"));
    castor_destroy(castor);
}
END_TEST

KIT_MAIN("plant.parts", parts_have_the_same_bits_as_the_same_equations_written_flat, connected_twins_come_to_the_parts_as_the_step_shrinks, a_plant_sets_and_breaks_what_is_in_a_part)
