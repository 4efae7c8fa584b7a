-- A tank: open, upright, filled by a pump and drained through an orifice at its bottom.
-- Equations: mass balance and Torricelli's law with a discharge coefficient (White, Fluid Mechanics, chapter 3, Bernoulli's equation).
-- Two instruments see the level: a radar from above, and the pressure at the bottom. So a clogged outlet (both read high) and a
-- faulty instrument (one reads wrong) can be told apart. Clogging is tracked as the discharge coefficient.
-- Left out: the inertia of the jet, the pressure above the liquid, waves on its surface. Step: up to 10 s.
local function signed_root(x)  -- of a plain number; smooth through zero, where a root has no slope
  return x / sqrt(sqrt(x * x + 1e-6))
end

return model "tank" {
  doc = "Open tank draining through an orifice, with a radar and a pressure gauge",

  params = {
    area      = { 1.2, "m^2", min = 1e-6, doc = "cross-section of the tank" },
    orifice   = { 12, "cm^2", min = 0, doc = "cross-section of the outlet" },
    density   = { 998, "kg/m^3", min = 1, doc = "of the liquid" },

    -- 0.61 is a sharp edge
    discharge = { 0.61, "1", min = 0.01, max = 1, estimate = 1e-5, sd = 0.03, jump = 0.2, doc = "discharge coefficient: falls when the outlet clogs" },
  },

  inputs = {
    inflow = { 180, "l/min", min = 0, doc = "what is filled in, as measured" },
  },

  states = {
    level = { 1.0, "m", min = 0, noise = 5e-5, sd = 0.05, doc = "above the outlet" },
  },

  equations = function(t)
    local metre    = quantity(1, "m")
    local velocity = sqrt(2 * g * metre) * signed_root(t.level / metre)
    local outflow  = t.discharge * t.orifice * velocity

    t.level.rate = (t.inflow - outflow) / t.area

    t.outflow = output(outflow, "l/min", "what leaves through the orifice")
    t.volume  = output(t.area * t.level, "m^3", "liquid above the outlet")
  end,

  sensors = {
    radar  = { of = "level", noise = 0.003, unit = "m", every = 1, doc = "radar gauge on the roof" },
    bottom = { of = function(t) return t.density * g * t.level end, noise = 0.05, unit = "kPa", every = 1, doc = "gauge pressure at the outlet" },
  },

  actuators = {
    inflow_setpoint = { 180, "l/min", min = 0, max = 600, doc = "what the filling pump is asked for" },
  },

  alarms = {
    overflow = { high = { "level", 2.0 }, hysteresis = 0.05, hold = 2, severity = "critical" },
    dry      = { low = { "level", 0.1 }, hysteresis = 0.02, hold = 10, severity = "major" },
    clogged  = { low = { "discharge", 0.4 }, hysteresis = 0.05, hold = 60, severity = "warning" },
  },

  faults = {
    clogged    = { value = "discharge", factor = 0.5, doc = "something blocks half of the outlet" },
    radar_high = { sensor = "radar", kind = "bias", size = 0.02, doc = "foam, which the radar takes for the surface" },
    radar_dead = { sensor = "radar", kind = "silence", doc = "the cable is cut" },
  },

  -- settle: what the discharge coefficient needs to be found
  divergence = { settle = 120, false_alarm_days = 30 },
}
