-- A radiator with its valve, on a circuit of hot water.
-- Equations: energy balance of one well-mixed body; heat given to the room by EN 442, as the temperature difference to the power 1.3, rated at 50 K.
-- What passes the valve is tracked, as a share of what its opening should let through: a valve that sticks or is plugged.
-- Left out: the pipes, heat radiated to outer walls, pressure in the circuit: the water of an open valve is always the same. Step: up to 120 s.
return model "radiator" {
  doc = "Radiator with a thermostatic valve",

  params = {
    rating = { 1500, "W", min = 1, doc = "heat at 50 K above the room" },
    water  = { 110, "kg/h", min = 0.1, doc = "through the open valve" },
    cp     = { 4180, "J/(kg.K)", min = 1, doc = "specific heat of water" },
    C      = { 70, "kJ/K", min = 1, doc = "heat capacity, with the water in it" },

    passes = { 1, "1", min = 0, max = 1.5, estimate = 2e-4, sd = 0.05, jump = 0.6, doc = "share of the ordered water that comes through" },
  },

  inputs = {
    opening = { 0.4, "1", min = 0, max = 1, doc = "of the valve, as its thermostat reports it" },
    T_flow  = { 50, "degC", min = 0, max = 120, doc = "water that comes" },
    T_room  = { 21, "degC", min = -40, max = 60, doc = "air of the room" },
  },

  states = {
    T_body = { 42, "degC", noise = 0.005, sd = 3, doc = "of the radiator, and of the water that leaves" },
  },

  equations = function(t)
    -- far below the rating the power law goes on with the slope that it has at 1 K
    local above_room = t.T_body - t.T_room
    local relative   = max(above_room / quantity(50, "K"), 0.02)
    local heat       = t.rating * above_room / quantity(50, "K") * relative ^ 0.3
    local brought    = t.water * t.opening * t.passes * t.cp * (t.T_flow - t.T_body)

    t.T_body.rate = (brought - heat) / t.C

    t.heat    = output(heat, "W", "given to the room")
    t.brought = output(brought, "W", "brought by the water")
  end,

  sensors = {
    surface = { of = "T_body", noise = 0.3, unit = "degC", every = 60, doc = "thermometer on the body" },
  },

  alarms = {
    stuck = { low = { "passes", 0.4 }, hysteresis = 0.2, hold = 1800, severity = "warning" },
  },

  faults = {
    stuck        = { value = "passes", set = 0.1, doc = "the valve is stuck nearly shut" },
    surface_high = { sensor = "surface", kind = "bias", size = 5, doc = "the sun shines on the thermometer" },
  },

  -- settle: three time constants of the body
  divergence = { settle = 7200, false_alarm_days = 30 },
}
