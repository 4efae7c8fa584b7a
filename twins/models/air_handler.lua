-- An air handling unit: outdoor air, warmed by the air that leaves and by a coil, goes to the rooms.
-- Equations: temperature effectiveness of a heat recovery wheel (ASHRAE Handbook, Systems and Equipment, air-to-air energy recovery);
-- the coil adds in proportion to its valve; the supplied air follows with the lag of coil and duct.
-- The effectiveness of the recovery is tracked: it falls when the wheel slows down or is dirty. It passes on the outdoor temperature to the rooms.
-- Left out: moisture, frost on the wheel, fans, changes of the air flow. Step: up to 120 s.
return model "air_handler" {
  doc = "Air handling unit with heat recovery and a heating coil",

  params = {
    coil = { 20, "K", min = 0, doc = "that the coil adds when its valve is open" },
    lag  = { 180, "s", min = 1, doc = "of coil and duct" },

    recovery = { 0.7, "1", min = 0, max = 1, estimate = 2e-5, sd = 0.05, jump = 0.3, doc = "temperature effectiveness of the wheel" },
  },

  inputs = {
    T_outdoor = { 5, "degC", min = -60, max = 60, doc = "outdoor temperature" },
    T_extract = { 21, "degC", min = -40, max = 60, doc = "air that comes back from the rooms" },
    valve     = { 0.2, "1", min = 0, max = 1, doc = "of the coil, as its drive reports it" },
  },

  states = {
    T_supply = { 19, "degC", noise = 0.005, sd = 2, doc = "air that is supplied" },
  },

  equations = function(t)
    local recovered = t.recovery * (t.T_extract - t.T_outdoor)
    local warmed    = t.T_outdoor + recovered + t.valve * t.coil

    t.T_supply.rate = (warmed - t.T_supply) / t.lag

    t.outdoor = output(t.T_outdoor, "degC", "outdoor temperature, for the rooms")
    t.gained  = output(recovered, "K", "by the recovery")
  end,

  sensors = {
    duct = { of = "T_supply", noise = 0.15, unit = "degC", every = 60, doc = "thermometer in the supply duct" },
    grille = { of = "T_supply", noise = 0.15, unit = "degC", every = 60, doc = "thermometer behind the fan" },
  },

  alarms = {
    draught = { low = { "T_supply", 14 }, hysteresis = 1, hold = 900, severity = "warning" },
    wheel   = { low = { "recovery", 0.5 }, hysteresis = 0.05, hold = 1800, severity = "warning" },
  },

  faults = {
    wheel_slow = { value = "recovery", set = 0.4, doc = "the belt of the wheel slips" },
    duct_high  = { sensor = "duct", kind = "bias", size = 2, doc = "the thermometer touches the coil" },
  },

  -- settle: what the effectiveness needs to be found
  divergence = { settle = 3600, false_alarm_days = 30 },
}
