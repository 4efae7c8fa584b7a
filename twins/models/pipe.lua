-- A full pipe: the liquid in it moves as one rigid column, driven by the pressures at its ends, held back by friction.
-- Equations: rigid-column momentum balance (Wylie and Streeter, Fluid Transients); Darcy-Weisbach friction, laminar by
-- Hagen-Poiseuille, turbulent with the factor of Swamee and Jain (J. Hydraulics Division ASCE 102(5), 1976), blended between Re 2300 and 4000.
-- Fouling is tracked: a factor on the turbulent and laminar friction alike.
-- Left out: elasticity (water hammer), heat, changes of height, fittings (lengthen the pipe instead). Step: up to 1 s for the values below.
return model "pipe" {
  doc = "Pipe with lumped inertia and Darcy friction",

  params = {
    length    = { 400, "m", min = 0.01, doc = "with what fittings add" },
    diameter  = { 150, "mm", min = 0.1, doc = "inner" },
    roughness = { 0.05, "mm", min = 0, doc = "equivalent sand roughness; 0.05 is commercial steel" },
    density   = { 998, "kg/m^3", min = 0.01, doc = "of the liquid" },
    viscosity = { 1.0e-3, "Pa.s", min = 1e-7, doc = "dynamic" },

    fouling = { 1, "1", min = 0.5, max = 20, estimate = 1e-4, sd = 0.1, jump = 0.8, doc = "factor on the friction of the clean pipe" },
  },

  inputs = {
    pressure_in  = { 1.0, "bar", doc = "gauge pressure at the inlet" },
    pressure_out = { 0.0, "bar", doc = "gauge pressure at the outlet" },
  },

  states = {
    flow = { 30, "l/s", noise = 0.02, sd = 2, doc = "from inlet to outlet" },
  },

  equations = function(t)
    local area     = 3.14159265358979 / 4 * t.diameter ^ 2
    local velocity = t.flow / area
    local speed    = abs(velocity)
    local reynolds = t.density * speed * t.diameter / t.viscosity

    -- Swamee and Jain hold from Re 4000 on; below, the factor is that of 4000 and its weight falls to nothing
    local log10   = 1 / 2.302585092994046
    local rough   = t.roughness / t.diameter / 3.7
    local smooth  = 5.74 * exp(-0.9 * log(max(reynolds, 4000)))
    local factor  = 0.25 / (log10 * log(rough + smooth)) ^ 2
    local weight  = clamp((reynolds - 2300) / 1700, 0, 1)
    local laminar = 32 * t.viscosity * t.length / t.diameter ^ 2 * velocity
    local turbulent = factor * t.length / t.diameter * t.density / 2 * speed * velocity
    local friction  = t.fouling * (laminar + weight * (turbulent - laminar))

    t.flow.rate = area / (t.density * t.length) * (t.pressure_in - t.pressure_out - friction)

    t.velocity = output(velocity, "m/s", "mean over the cross-section")
    t.reynolds = output(reynolds, "1", "Reynolds number")
    t.friction = output(friction, "bar", "pressure lost to friction")
  end,

  sensors = {
    flowmeter = { of = "flow", noise = 0.15, unit = "l/s", every = 1, doc = "ultrasonic flowmeter" },
  },

  alarms = {
    fouled = { high = { "fouling", 1.5 }, hysteresis = 0.1, hold = 60, severity = "warning" },
    fast   = { high = { "velocity", 4 }, hysteresis = 0.2, hold = 5, severity = "warning" },
    turned = { low = { "flow", -1 }, hysteresis = 0.5, hold = 5, severity = "major" },
  },

  faults = {
    blocked        = { value = "fouling", factor = 3, doc = "a plug of deposits" },
    flowmeter_high = { sensor = "flowmeter", kind = "bias", size = 3, doc = "deposits on the flowmeter, a tenth too much" },
  },

  -- settle: the column needs about ten seconds, the fouling factor somewhat more
  divergence = { settle = 60, false_alarm_days = 30 },
}
