-- A continuously washed sand filter: water stands above the weir by as much as the bed holds it back, an airlift takes dirty sand to the washer.
-- Equations: Darcy's law through the bed, conductivity of clean sand by Kozeny and Carman; head loss that grows with what the bed has held back
-- (Crittenden et al., MWH's Water Treatment: Principles and Design, 3rd ed., chapter 11). Sand is washed at a rate that goes with the airlift.
-- Two instruments see the head loss, so a clogged bed and a faulty instrument can be told apart. What the raw water carries is tracked.
-- Left out: what passes the bed, layers within it, losses in pipes. Step: up to 20 s.
return model "sand_filter" {
  doc = "Continuously washed sand filter",

  params = {
    area         = { 4, "m^2", min = 0.01, doc = "of the bed, and of the water before it" },
    depth        = { 1.2, "m", min = 0.1, doc = "of the bed" },
    conductivity = { 12, "mm/s", min = 0.01, doc = "of clean sand; 12 is a grain of 1 mm" },
    density      = { 998, "kg/m^3", min = 1, doc = "of the water" },
    doubling     = { 200, "g/m^2", min = 1, doc = "deposit that doubles the resistance of the clean bed" },
    turnover     = { 600, "s", min = 1, doc = "in which the airlift at full rate takes the whole bed through the washer" },
    wash_water   = { 1, "m^3/h", min = 0, doc = "that leaves with the dirt when the airlift runs at full rate" },

    solids = { 5, "g/m^3", min = 0, max = 2000, estimate = 0.01, sd = 3, jump = 200, doc = "in the raw water: iron flocs, mud" },
  },

  inputs = {
    inflow  = { 20, "m^3/h", min = 0, doc = "raw water" },
    airlift = { 0.2, "1", min = 0, max = 1, doc = "rate of the airlift, as its blower reports it" },
  },

  states = {
    level   = { 0.14, "m", min = 0, noise = 5e-5, sd = 0.02, doc = "of the water before the bed, above the weir behind it" },
    deposit = { 12, "g/m^2", min = 0, noise = 0.05, sd = 10, doc = "held back per area of the bed" },
  },

  equations = function(t)
    local resistance = t.depth / t.conductivity * (1 + t.deposit / t.doubling)
    local filtered   = t.area * t.level / resistance
    local wash       = t.wash_water * t.airlift

    t.level.rate   = (t.inflow - filtered) / t.area
    t.deposit.rate = t.solids * t.inflow / t.area - t.airlift * t.deposit / t.turnover

    t.outflow = output(filtered - wash, "m^3/h", "filtered water")
    t.waste   = output(wash, "m^3/h", "wash water that is lost")
    t.clogged = output(1 + t.deposit / t.doubling, "1", "resistance of the bed, as a multiple of clean sand")
  end,

  sensors = {
    radar = { of = "level", noise = 0.003, unit = "m", every = 1, doc = "radar gauge above the water" },
    loss  = { of = function(t) return t.density * g * t.level end, noise = 0.03, unit = "kPa", every = 1, doc = "pressure lost in the bed" },
  },

  actuators = {
    airlift_order = { 0.2, "1", min = 0, max = 1, doc = "rate that the blower of the airlift is asked for" },
  },

  alarms = {
    clogged  = { high = { "clogged", 2 }, hysteresis = 0.7, hold = 10, severity = "warning" },
    overflow = { high = { "level", 1.5 }, hysteresis = 0.1, hold = 2, severity = "critical" },
  },

  faults = {
    muddy      = { value = "solids", set = 1500, doc = "mud comes with the raw water" },
    radar_high = { sensor = "radar", kind = "bias", size = 0.02, doc = "foam, which the radar takes for the surface" },
  },

  -- settle: three times what the level needs to follow the inflow
  divergence = { settle = 300, false_alarm_days = 30 },
}
