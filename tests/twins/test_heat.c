/* Heat exchanger, room, battery, photovoltaic array and bearing against closed forms and balances. */
#include "twins/bench.h"

static const double KELVIN = 273.15;

/* Effectiveness of one cell that is mixed on both sides, and of n of them in counter-flow (Kays and London). */
static double effectiveness(double conductance, double hot, double cold, int cells)
{
    const double least = fmin(hot, cold), ratio = least / fmax(hot, cold), units = conductance / cells / least;
    const double one = 1 / (1 / units + 1 + ratio), growth = pow((1 - one * ratio) / (1 - one), cells);
    return (growth - 1) / (growth - ratio);
}

START_TEST(a_heat_exchanger_has_the_effectiveness_of_cells_in_counter_flow)
{
    Plant *plant = bench_open("heat_exchanger", 0.5, "flow_cold = 1.2");
    bench_run(plant, 600);
    const double conductance = 1 / (1 / 18e3 + 1 / (18e3 * pow(0.6, 0.8)) + 1e-5), hot = 2 * 4180, cold = 1.2 * 4180;
    bench_near(bench_si(plant, "conductance"), conductance, 1e-9);
    bench_near(bench_si(plant, "duty"), effectiveness(conductance, hot, cold, 3) * cold * 60, 1e-6);
    plant_destroy(plant);
}
END_TEST

START_TEST(what_the_hot_side_of_a_heat_exchanger_loses_the_cold_side_gains)
{
    Plant *plant = bench_open("heat_exchanger", 0.5, "flow_cold = 0.7, T_hot_in = 95");
    bench_run(plant, 900);
    const double lost = 2 * 4180 * (95 - bench_get(plant, "T_hot_3")), gained = 0.7 * 4180 * (bench_get(plant, "T_cold_1") - 20);
    bench_near(lost, gained, 1e-6);
    bench_near(lost, bench_si(plant, "duty"), 1e-6);
    plant_destroy(plant);
}
END_TEST

/* The textbook's exchanger has infinitely many cells; three with this size of it come near from below. */
START_TEST(three_cells_come_near_the_textbooks_counter_flow)
{
    Plant *plant = bench_open("heat_exchanger", 0.5, "");
    bench_run(plant, 600);
    const double units = bench_si(plant, "conductance") / (2 * 4180), ideal = units / (1 + units);
    const double found = bench_si(plant, "duty") / (2 * 4180 * 60.0);
    ck_assert_double_lt(found, ideal);
    ck_assert_double_gt(found, 0.85 * ideal);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_room_settles_by_its_resistances_in_series)
{
    Plant *plant = bench_open("room", 60, "sun = 100, supply = 0.02");
    bench_run(plant, 60 * 86400);

    // heat in = (T - outdoor) / R, ventilation being linear in T too
    const double R = 33e-3, flow = 0.02 * 1006, heat = 500 + 150 + 1.5 * 100;
    const double air = (heat + flow * 18 + 5 / R) / (1 / R + flow);
    bench_near(bench_si(plant, "T_air"), air + KELVIN, 1e-7);
    bench_near(bench_si(plant, "T_wall"), 5 + (air - 5) * 25 / 33 + KELVIN, 1e-7);
    bench_near(bench_si(plant, "loss"), (air - 5) / R, 1e-5);
    plant_destroy(plant);
}
END_TEST

/* A linear network: the slow eigenvalue of its matrix is what is left after hours. */
START_TEST(a_room_cools_with_the_eigenvalue_of_its_network)
{
    const double a = -1 / (300e3 * 8e-3), b = 1 / (300e3 * 8e-3), c = 1 / (6000e3 * 8e-3), d = -1 / (6000e3 * 8e-3) - 1 / (6000e3 * 25e-3);
    const double slow = (a + d) / 2 + sqrt((a - d) * (a - d) / 4 + b * c);
    Plant *plant = bench_open("room", 60, "heating = 0, gains = 0");
    bench_run(plant, 86400);
    const double before = bench_get(plant, "T_air") - 5;
    bench_run(plant, 86400);
    bench_near(log((bench_get(plant, "T_air") - 5) / before) / 86400, slow, 1e-4);
    plant_destroy(plant);
}
END_TEST

/* Chen and Rincon-Mora (2006), equation (2): some values of it, worked out by hand. */
START_TEST(a_resting_cell_shows_the_published_open_circuit_voltage)
{
    const double charge[] = {1.0, 0.5, 0.2}, voltage[] = {4.1029, 3.80336, 3.725028};
    for (int i = 0; i < 3; i++) {
        Plant *plant = bench_open("battery", 1, "");
        bench_set(plant, "charge", charge[i]);
        bench_run(plant, 600);
        ck_assert_double_eq_tol(bench_get(plant, "voltage"), voltage[i], 1e-5);
        bench_near(bench_get(plant, "charge"), charge[i], 1e-12);
        plant_destroy(plant);
    }
}
END_TEST

START_TEST(a_discharge_counts_every_coulomb)
{
    Plant *plant = bench_open("battery", 1, "charge = 1, current = 0.85");
    bench_run(plant, 1800);
    bench_near(bench_get(plant, "charge"), 0.5, 1e-9);
    bench_near(bench_si(plant, "open_voltage") - bench_si(plant, "voltage"),
               0.85 * (0.07446 + 0.04669 * (1 - exp(-1800 / (0.04669 * 703.6))) + 0.04984 * (1 - exp(-1800 / (0.04984 * 4475)))), 1e-6);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_cell_relaxes_with_two_exponentials)
{
    Plant *plant = bench_open("battery", 0.5, "charge = 0.6, current = 0.85");
    bench_run(plant, 60);
    bench_set(plant, "current", 0);
    bench_run(plant, 40);
    const double fast = 0.04669 * 703.6, slow = 0.04984 * 4475;
    const double left = 0.85 * (0.04669 * (1 - exp(-60 / fast)) * exp(-40 / fast) + 0.04984 * (1 - exp(-60 / slow)) * exp(-40 / slow));
    bench_near(bench_si(plant, "open_voltage") - bench_si(plant, "voltage"), left, 1e-6);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_cell_warms_by_its_losses_times_its_thermal_resistance)
{
    Plant *plant = bench_open("battery", 5, "capacity = 1e6, current = 0.85, charge = 0.5");
    bench_run(plant, 3 * 3600);
    const double heat = 0.85 * 0.85 * (0.07446 + 0.04669 + 0.04984);
    bench_near(bench_get(plant, "heat"), heat, 1e-6);
    ck_assert_double_eq_tol(bench_get(plant, "T_cell"), 25 + 25 * heat, 1e-3);
    plant_destroy(plant);
}
END_TEST

/* With Euler's method the closed forms have powers in place of exponentials. */
START_TEST(a_storage_cell_relaxes_through_its_pair_and_counts_its_charge)
{
    Plant *plant = bench_open("storage_cell", 10, "charge = 0.6, current = 100");
    bench_run(plant, 1200);
    bench_near(bench_si(plant, "V_pair"), 100 * 0.30e-3 * (1 - pow(1 - 10.0 / 400, 120)), 1e-12);
    bench_near(bench_si(plant, "charge"), 0.6 - 100 * 1200 / (280 * 3600.0), 1e-12);
    const double charge = bench_si(plant, "charge"), open = 3.24 + 0.10 * charge - 0.5 * exp(-25 * charge) + 0.2 * exp(30 * (charge - 1));
    bench_near(bench_si(plant, "voltage"), open - bench_si(plant, "V_pair") - 0.25e-3 * 100, 1e-12);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_storage_cell_warms_by_its_losses_times_its_thermal_resistance)
{
    Plant *plant = bench_open("storage_cell", 10, "capacity = 1e6, charge = 0.5, current = 100, T_ambient = 20");
    bench_run(plant, 50 * 3600);
    const double heat = 100 * 100 * (0.25e-3 + 0.30e-3);
    bench_near(bench_get(plant, "heat"), heat, 1e-9);
    bench_near(bench_get(plant, "T_cell"), 20 + 1.5 * heat, 1e-9);
    plant_destroy(plant);
}
END_TEST

START_TEST(air_of_a_storage_site_settles_between_walls_and_cooling)
{
    Plant *plant = bench_open("storage_site", 10, "T_outdoor = -5, T_air = 30, load = 120");
    bench_run(plant, 100);
    const double end = (40 * -5 + 400 * 25) / 440.0;
    bench_near(bench_get(plant, "T_air"), end + (30 - end) * pow(1 - 10 * 440 / 60e3, 10), 1e-9);
    bench_near(bench_get(plant, "current"), 120, 1e-12);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_pack_shows_the_sum_of_its_cells_and_ends_with_the_weakest)
{
    Plant *plant = bench_open("battery_pack", 1, "current = 0.85, cell_1_charge = 1, cell_2_charge = 0.9, cell_3_charge = 0.95");
    bench_run(plant, 1800);
    bench_near(bench_get(plant, "charge"), 0.4, 1e-9);
    bench_near(bench_get(plant, "cell_1_charge"), 0.5, 1e-9);
    bench_near(bench_si(plant, "voltage"), bench_si(plant, "cell_1_voltage") + bench_si(plant, "cell_2_voltage") + bench_si(plant, "cell_3_voltage"), 1e-12);
    bench_near(bench_si(plant, "spread"), bench_si(plant, "cell_1_voltage") - bench_si(plant, "cell_2_voltage"), 1e-12);

    // a cell of the pack is the cell itself
    Plant *cell = bench_open("battery", 1, "current = 0.85, charge = 0.9");
    bench_run(cell, 1800);
    bench_near(bench_si(plant, "cell_2_voltage"), bench_si(cell, "voltage"), 1e-12);
    plant_destroy(cell);
    plant_destroy(plant);
}
END_TEST

/* Three equal stores in a row, the middle one heated by D more: it is D / (1/R + 3 G) warmer than the others, and they are R (q + G times that) above the air. */
START_TEST(cells_of_a_pack_warm_each_other)
{
    const double R = 25, G = 0.05, q = 0.85 * 0.85 * (0.07446 + 0.04669 + 0.04984), D = 0.85 * 0.85 * 0.07446;
    Plant *plant = bench_open("battery_pack", 5, "capacity = 1e6, current = 0.85, cell_2_R_series = 148.92");
    bench_run(plant, 3 * 3600);
    const double warmer = D / (1 / R + 3 * G);
    ck_assert_double_eq_tol(bench_get(plant, "cell_1_T_cell"), 25 + R * (q + G * warmer), 1e-3);
    ck_assert_double_eq_tol(bench_get(plant, "cell_2_T_cell") - bench_get(plant, "cell_1_T_cell"), warmer, 1e-6);
    ck_assert_double_eq_tol(bench_get(plant, "cell_3_T_cell"), bench_get(plant, "cell_1_T_cell"), 1e-9);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_photovoltaic_array_gives_its_peak_at_test_conditions)
{
    // in so strong a wind the modules are as cold as the air
    Plant *plant = bench_open("pv_array", 0.05, "irradiance = 1000, T_ambient = 25, wind = 60, u1 = 1000, clean = 1, efficiency = 1, limit = 60, allowed = 60");
    bench_run(plant, 300);
    bench_near(bench_get(plant, "yield"), 50, 1e-4);
    plant_destroy(plant);
}
END_TEST

START_TEST(modules_warm_up_as_faiman_says)
{
    Plant *plant = bench_open("pv_array", 1, "T_module = 20");
    const double loss = 25 + 6.84 * 2, T = 11e3 / loss;
    bench_run(plant, 200);
    ck_assert_double_eq_tol(bench_get(plant, "T_module"), 20 + 800 / loss * (1 - exp(-200 / T)), 1e-3);
    bench_run(plant, 7200);
    const double warm = 20 + 800 / loss;
    bench_near(bench_get(plant, "yield"), 0.97 * 0.97 * 50 * 0.8 * (1 - 0.004 * (warm - 25)), 1e-6);
    plant_destroy(plant);
}
END_TEST

START_TEST(an_inverter_feeds_in_no_more_than_its_limit)
{
    Plant *plant = bench_open("pv_array", 1, "irradiance = 1200, T_ambient = -10");
    bench_run(plant, 600);
    bench_near(bench_get(plant, "yield"), 45, 1e-6);
    ck_assert_double_gt(bench_get(plant, "dc"), 50);
    bench_set(plant, "allowed", 20);
    bench_run(plant, 60);
    bench_near(bench_get(plant, "yield"), 20, 1e-6);
    plant_destroy(plant);
}
END_TEST

START_TEST(damage_of_a_bearing_grows_exponentially)
{
    Plant *plant = bench_open("bearing", 60, "");
    bench_run(plant, 100 * 3600);
    bench_near(bench_get(plant, "damage"), 0.4 * exp(5e-3 * 100), 1e-8);
    bench_near(bench_get(plant, "vibration"), 0.8 + 0.4 * exp(0.5), 1e-8);
    bench_near(bench_get(plant, "remaining"), log((7.1 - 0.8) / (0.4 * exp(0.5))) / 5e-3, 1e-6);
    plant_destroy(plant);
}
END_TEST

/* ISO 281: L10 = (C/P)^3 million revolutions. */
START_TEST(a_bearing_has_the_rating_life_of_iso_281)
{
    Plant *plant = bench_open("bearing", 60, "");
    plant_derive(plant);
    bench_near(bench_get(plant, "L10"), pow(35.1 / 4, 3) * 1e6 / (1480 * 60), 1e-9);
    plant_destroy(plant);
}
END_TEST

START_TEST(a_bearing_warms_by_its_friction)
{
    Plant *plant = bench_open("bearing", 60, "growth = 0, damage = 1");
    bench_run(plant, 86400);
    const double heat = 0.0015 * 1.5 * 4000 * 0.025 * 1480 * 2 * acos(-1) / 60;
    bench_near(bench_get(plant, "heat"), heat, 1e-9);
    ck_assert_double_eq_tol(bench_get(plant, "T_housing"), 25 + heat / 0.8, 1e-6);
    plant_destroy(plant);
}
END_TEST

/* Between its own heat and a neighbour of 15 degC: an inner wall of 20 W/K stands beside the way to the outdoors. */
START_TEST(a_room_shares_heat_with_its_neighbour)
{
    Plant *plant = bench_open("room", 60, "G_1 = 20, T_1 = 15");
    bench_run(plant, 60 * 86400);
    const double R = 33e-3, air = (500 + 150 + 5 / R + 20 * 15) / (1 / R + 20);
    bench_near(bench_si(plant, "T_air"), air + KELVIN, 1e-7);
    bench_near(bench_si(plant, "neighbours"), 20 * (15 - air), 1e-5);
    plant_destroy(plant);
}
END_TEST

/* The water brings what the body gives: m cp (T_flow - T) = rating ((T - T_room) / 50)^1.3. */
START_TEST(a_radiator_settles_where_water_and_room_agree)
{
    Plant *plant = bench_open("radiator", 60, "opening = 1, passes = 0.5, T_flow = 75");
    bench_run(plant, 86400);
    const double body = bench_get(plant, "T_body"), brought = 110.0 / 3600 * 0.5 * 4180 * (75 - body);
    bench_near(1500 * pow((body - 21) / 50, 1.3), brought, 1e-6);
    bench_near(bench_si(plant, "heat"), brought, 1e-6);
    plant_destroy(plant);
}
END_TEST

/* 24 kW * 0.5 - 7 kW into 2,500 kJ/K for half an hour. */
START_TEST(a_boiler_warms_its_circuit_by_what_is_left)
{
    Plant *plant = bench_open("boiler", 60, "burner = 0.5, T_flow = 50");
    bench_run(plant, 1800);
    bench_near(bench_get(plant, "T_flow"), 50 + 5.0 * 1800 / 2500, 1e-9);
    plant_destroy(plant);
}
END_TEST

START_TEST(an_air_handler_supplies_what_recovery_and_coil_make_of_outdoor_air)
{
    Plant *plant = bench_open("air_handler", 60, "T_outdoor = -5, T_extract = 22, valve = 0.3");
    bench_run(plant, 7200);
    bench_near(bench_get(plant, "T_supply"), -5 + 0.7 * 27 + 0.3 * 20, 1e-9);
    plant_destroy(plant);
}
END_TEST

KIT_MAIN("twins.heat", a_room_shares_heat_with_its_neighbour, a_radiator_settles_where_water_and_room_agree,
         a_boiler_warms_its_circuit_by_what_is_left, an_air_handler_supplies_what_recovery_and_coil_make_of_outdoor_air, a_heat_exchanger_has_the_effectiveness_of_cells_in_counter_flow,
         what_the_hot_side_of_a_heat_exchanger_loses_the_cold_side_gains, three_cells_come_near_the_textbooks_counter_flow,
         a_room_settles_by_its_resistances_in_series, a_room_cools_with_the_eigenvalue_of_its_network,
         a_resting_cell_shows_the_published_open_circuit_voltage, a_discharge_counts_every_coulomb, a_cell_relaxes_with_two_exponentials,
         a_cell_warms_by_its_losses_times_its_thermal_resistance, a_storage_cell_relaxes_through_its_pair_and_counts_its_charge,
         a_storage_cell_warms_by_its_losses_times_its_thermal_resistance, air_of_a_storage_site_settles_between_walls_and_cooling,
         a_pack_shows_the_sum_of_its_cells_and_ends_with_the_weakest, cells_of_a_pack_warm_each_other, a_photovoltaic_array_gives_its_peak_at_test_conditions,
         modules_warm_up_as_faiman_says, an_inverter_feeds_in_no_more_than_its_limit, damage_of_a_bearing_grows_exponentially,
         a_bearing_has_the_rating_life_of_iso_281, a_bearing_warms_by_its_friction)
