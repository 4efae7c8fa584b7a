-- A boiler and the water of its circuit, well mixed by the circuit's pump.
-- Equations: energy balance of one body (Incropera et al., Fundamentals of Heat and Mass Transfer, chapter 1).
-- What the circuit takes is tracked: heat is drawn by many radiators, of which the boiler knows nothing.
-- Left out: the burner's efficiency and its least power, losses to the boiler room, the delay of the pipes. Step: up to 300 s.
return model "boiler" {
  doc = "Boiler with the water of its circuit",

  params = {
    C     = { 2500, "kJ/K", min = 1, doc = "heat capacity of boiler and water" },
    power = { 24, "kW", min = 0, doc = "of the burner at full rate" },

    load = { 7, "kW", min = -5, max = 100, estimate = 15e-3, sd = 3, jump = 6, doc = "what the circuit takes" },
  },

  inputs = {
    burner = { 0.3, "1", min = 0, max = 1, doc = "rate of the burner, as it reports it" },
  },

  states = {
    T_flow = { 50, "degC", noise = 0.003, sd = 3, doc = "water that leaves for the radiators" },
  },

  equations = function(t)
    t.T_flow.rate = (t.power * t.burner - t.load) / t.C
    t.heat = output(t.power * t.burner, "kW", "of the burner")
  end,

  sensors = {
    flow  = { of = "T_flow", noise = 0.2, unit = "degC", every = 60, doc = "thermometer where the water leaves" },
    tank  = { of = "T_flow", noise = 0.2, unit = "degC", every = 60, doc = "thermometer in the boiler" },
  },

  alarms = {
    too_hot  = { high = { "T_flow", 85 }, hysteresis = 3, hold = 60, severity = "critical" },
    too_cold = { low = { "T_flow", 30 }, hysteresis = 2, hold = 1800, severity = "major" },
  },

  faults = {
    drained   = { value = "load", set = 15, doc = "the circuit takes twice what it took" },
    flow_high = { sensor = "flow", kind = "bias", size = 2, doc = "the pocket of the thermometer has dried out" },
  },

  -- settle: what the load needs to be found
  divergence = { settle = 3600, false_alarm_days = 30 },
}
