-- A district of a supply network: mains that give a little under pressure, taps, and leaks.
-- Equations: mass balance of an elastic volume; pressure-dependent demand of Wagner et al. (J. Water Resources Planning and Management 114(3),
-- 1988); leakage as an orifice, the exponent 0.5 of FAVAD (Lambert and others, IWA). Two gauges, at its inlet and at its far end, see one pressure.
-- The leakage is tracked: it jumps when a main bursts.
-- Left out: pressure losses within the district, differences of height, water hammer. Step: up to 1 s for the values below.
local function root(x)  -- of a plain number; smooth through zero, where a root has no slope
  return x / sqrt(sqrt(x * x + 1e-6))
end

return model "district" {
  doc = "District metered area of a water network",

  params = {
    storage = { 0.15, "m^3/bar", min = 1e-4, doc = "what mains and house vessels take per pressure" },
    service = { 2.5, "bar", min = 0.1, doc = "pressure from which on taps give all that is wanted" },

    leakage = { 0.4, "m^3/h", min = 0, max = 200, estimate = 1e-3, sd = 0.2, jump = 10, doc = "leaks at a pressure of 1 bar" },
  },

  inputs = {
    inflow = { 26.75, "m^3/h", min = -1000, max = 1000, doc = "from the tower or the district before" },
    export = { 0, "m^3/h", min = -1000, max = 1000, doc = "passed on to another district" },
    demand = { 26, "m^3/h", min = 0, max = 1000, doc = "what the taps want, by the house meters" },
  },

  states = {
    pressure = { 3.5, "bar", min = 0, noise = 5e-4, sd = 0.2, doc = "in the mains" },
  },

  equations = function(t)
    local bar    = quantity(1, "bar")
    local served = t.demand * min(root(t.pressure / t.service), 1)
    local leaked = t.leakage * root(t.pressure / bar)

    t.pressure.rate = (t.inflow - t.export - served - leaked) / t.storage

    t.served = output(served, "m^3/h", "what the taps give")
    t.leaked = output(leaked, "m^3/h", "what is lost through leaks")
  end,

  sensors = {
    inlet = { of = "pressure", noise = 0.01, unit = "bar", every = 1, doc = "gauge at the inlet" },
    far   = { of = "pressure", noise = 0.01, unit = "bar", every = 1, doc = "gauge at the far end" },
  },

  alarms = {
    burst        = { high = { "leakage", 2 }, hysteresis = 1, hold = 30, severity = "major" },
    low_pressure = { low = { "pressure", 1.5 }, hysteresis = 0.2, hold = 30, severity = "major" },
  },

  faults = {
    burst     = { value = "leakage", set = 10, doc = "a main has burst" },
    far_high  = { sensor = "far", kind = "bias", size = 0.1, doc = "the zero of the gauge has moved" },
  },

  -- settle: what the leakage needs to be told from the start
  divergence = { settle = 120, false_alarm_days = 30 },
}
