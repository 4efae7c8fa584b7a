-- A covered reservoir or the vessel of a water tower: two pipes fill it, two draw from it, and it may leak.
-- Equations: mass balance of an upright tank, hydrostatic pressure (White, Fluid Mechanics, chapters 2 and 3).
-- Two instruments see the level, a radar from above and the pressure at the bottom, so a leak and a faulty instrument can be told apart.
-- The leak is tracked: what fills, draws and level together do not explain. It does not follow the level.
-- Left out: waves, the overflow pipe, temperature. Step: any.
return model "reservoir" {
  doc = "Reservoir or water tower with two inlets and two outlets",

  params = {
    area      = { 60, "m^2", min = 0.01, doc = "of the water" },
    elevation = { 0, "m", min = -1000, max = 10000, doc = "of the bottom, above where pressure is reckoned" },
    density   = { 998, "kg/m^3", min = 1, doc = "of the water" },

    leak = { 0, "m^3/h", min = -20, max = 500, estimate = 1e-3, sd = 0.3, jump = 20, doc = "what is lost without being drawn" },
  },

  inputs = {
    inflow_1 = { 0, "m^3/h", min = -1000, max = 10000, doc = "filled in by the first pipe" },
    inflow_2 = { 0, "m^3/h", min = -1000, max = 10000, doc = "filled in by the second pipe" },
    draw_1   = { 0, "m^3/h", min = -1000, max = 10000, doc = "drawn by the first pipe" },
    draw_2   = { 0, "m^3/h", min = -1000, max = 10000, doc = "drawn by the second pipe" },
  },

  states = {
    level = { 2.5, "m", min = 0, noise = 5e-5, sd = 0.05, doc = "above the bottom" },
  },

  equations = function(t)
    local gain = t.inflow_1 + t.inflow_2 - t.draw_1 - t.draw_2

    t.level.rate = (gain - t.leak) / t.area

    t.gain     = output(gain, "m^3/h", "filled less drawn")
    t.volume   = output(t.area * t.level, "m^3", "of the water")
    t.pressure = output(t.density * g * (t.elevation + t.level), "bar", "gauge pressure that its water gives at elevation 0")
  end,

  sensors = {
    radar  = { of = "level", noise = 0.003, unit = "m", every = 1, doc = "radar gauge on the roof" },
    bottom = { of = function(t) return t.density * g * t.level end, noise = 0.03, unit = "kPa", every = 1, doc = "gauge pressure at the bottom" },
  },

  actuators = {
    fill_enable = { 1, "1", min = 0, max = 1, doc = "0 stops whatever fills it, 1 leaves that to its controller" },
  },

  alarms = {
    overflow = { high = { "level", 3.5 }, hysteresis = 0.1, hold = 2, severity = "critical" },
    low      = { low = { "level", 0.8 }, hysteresis = 0.1, hold = 10, severity = "major" },
    leaks    = { high = { "leak", 3 }, hysteresis = 1, hold = 120, severity = "warning" },
  },

  faults = {
    burst      = { value = "leak", set = 100, doc = "a pipe of the tank has burst" },
    radar_high = { sensor = "radar", kind = "bias", size = 0.02, doc = "foam, which the radar takes for the surface" },
    radar_dead = { sensor = "radar", kind = "silence", doc = "the cable is cut" },
  },

  -- settle: what the leak needs to be told from the start
  divergence = { settle = 120, false_alarm_days = 30 },
}
