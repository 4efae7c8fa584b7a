-- A heat exchanger in counter-flow, liquid on both sides, three cells per side.
-- Equations: energy balance of cells in counter-flow with overall conductance (Incropera et al., Fundamentals of Heat and Mass Transfer,
-- chapter 11); films by Dittus and Boelter, conductance as flow^0.8. Three cells come to the effectiveness of Kays and London's cells in series.
-- The fouling resistance is tracked; it adds to the resistance of both films, as R_f in Incropera's (11.1).
-- Left out: heat in the wall, losses to the room, heat capacities that change with temperature. Step: up to 1 s.
return model "heat_exchanger" {
  doc = "Counter-flow heat exchanger with fouling",

  params = {
    cp_hot    = { 4180, "J/(kg.K)", min = 1, doc = "specific heat of the hot liquid" },
    cp_cold   = { 4180, "J/(kg.K)", min = 1, doc = "specific heat of the cold liquid" },
    mass_hot  = { 12, "kg", min = 0.01, doc = "liquid on the hot side, with its share of the wall" },
    mass_cold = { 12, "kg", min = 0.01, doc = "liquid on the cold side, with its share of the wall" },
    film_hot  = { 18, "kW/K", min = 1e-3, doc = "conductance of the hot film at nominal flow" },
    film_cold = { 18, "kW/K", min = 1e-3, doc = "conductance of the cold film at nominal flow" },
    nominal_hot  = { 2, "kg/s", min = 1e-3, doc = "flow for which film_hot holds" },
    nominal_cold = { 2, "kg/s", min = 1e-3, doc = "flow for which film_cold holds" },

    fouling = { 1e-5, "K/W", min = 0, estimate = 1e-8, sd = 5e-6, jump = 5e-5, doc = "thermal resistance of the deposits" },
  },

  inputs = {
    flow_hot  = { 2, "kg/s", min = 0, doc = "of the hot liquid" },
    flow_cold = { 2, "kg/s", min = 0, doc = "of the cold liquid" },
    T_hot_in  = { 80, "degC", min = -50, max = 300, doc = "hot liquid at its inlet" },
    T_cold_in = { 20, "degC", min = -50, max = 300, doc = "cold liquid at its inlet" },
  },

  states = {
    T_hot_1  = { 67, "degC", noise = 0.01, sd = 3, doc = "hot cell at the hot inlet" },
    T_hot_2  = { 54, "degC", noise = 0.01, sd = 3, doc = "hot cell in the middle" },
    T_hot_3  = { 41, "degC", noise = 0.01, sd = 3, doc = "hot cell at the outlet" },
    T_cold_1 = { 59, "degC", noise = 0.01, sd = 3, doc = "cold cell at the outlet, beside T_hot_1" },
    T_cold_2 = { 46, "degC", noise = 0.01, sd = 3, doc = "cold cell in the middle" },
    T_cold_3 = { 33, "degC", noise = 0.01, sd = 3, doc = "cold cell at the cold inlet, beside T_hot_3" },
  },

  equations = function(t)
    local cells = 3
    local function film(nominal, flow, rated) return nominal * max(flow / rated, 0.01) ^ 0.8 end
    local resistance = 1 / film(t.film_hot, t.flow_hot, t.nominal_hot) + 1 / film(t.film_cold, t.flow_cold, t.nominal_cold) + t.fouling
    local conductance = 1 / resistance

    local stream_hot, stream_cold = t.flow_hot * t.cp_hot, t.flow_cold * t.cp_cold
    local store_hot, store_cold = t.mass_hot * t.cp_hot / cells, t.mass_cold * t.cp_cold / cells
    local passed_1 = conductance / cells * (t.T_hot_1 - t.T_cold_1)
    local passed_2 = conductance / cells * (t.T_hot_2 - t.T_cold_2)
    local passed_3 = conductance / cells * (t.T_hot_3 - t.T_cold_3)

    t.T_hot_1.rate  = (stream_hot * (t.T_hot_in - t.T_hot_1) - passed_1) / store_hot
    t.T_hot_2.rate  = (stream_hot * (t.T_hot_1 - t.T_hot_2) - passed_2) / store_hot
    t.T_hot_3.rate  = (stream_hot * (t.T_hot_2 - t.T_hot_3) - passed_3) / store_hot
    t.T_cold_3.rate = (stream_cold * (t.T_cold_in - t.T_cold_3) + passed_3) / store_cold
    t.T_cold_2.rate = (stream_cold * (t.T_cold_3 - t.T_cold_2) + passed_2) / store_cold
    t.T_cold_1.rate = (stream_cold * (t.T_cold_2 - t.T_cold_1) + passed_1) / store_cold

    t.conductance = output(conductance, "kW/K", "overall, U A")
    t.duty        = output(passed_1 + passed_2 + passed_3, "kW", "heat passed from hot to cold")
  end,

  sensors = {
    hot_out  = { of = "T_hot_3", noise = 0.1, unit = "degC", every = 2, doc = "thermometer at the hot outlet" },
    cold_out = { of = "T_cold_1", noise = 0.1, unit = "degC", every = 2, doc = "thermometer at the cold outlet" },
  },

  alarms = {
    fouled   = { low = { "conductance", 5 }, hysteresis = 0.3, hold = 60, severity = "warning" },
    too_warm = { high = { "T_cold_1", 75 }, hysteresis = 2, hold = 10, severity = "major" },
  },

  faults = {
    fouled       = { value = "fouling", factor = 8, doc = "deposits come off elsewhere and settle here" },
    hot_out_high = { sensor = "hot_out", kind = "bias", size = 3, doc = "the thermometer no longer touches its well" },
  },

  -- settle: the residence of the liquid in both sides, and what fouling needs to be found
  divergence = { settle = 90, false_alarm_days = 30 },
}
