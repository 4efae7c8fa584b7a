-- A control valve with its pneumatic actuator, for liquids.
-- Equations: IEC 60534-2-1, incompressible turbulent flow, Q = Kv f(x) sqrt(dp / relative density) with dp in bar and Q in m^3/h;
-- inherent characteristics linear and equal percentage, f = R^(x - 1) (IEC 60534-2-4); the actuator follows its positioner with a lag.
-- The capacity Kv is tracked: plugging lowers it, erosion raises it. Flow settles with the lag of the meter.
-- Left out: cavitation and flashing, stiction, the seat: an equal-percentage valve passes 1/R when closed. Step: up to 1 s.
local function signed_root(x)  -- of a plain number; smooth through zero, where a root has no slope
  return x / sqrt(sqrt(x * x + 1e-6))
end

return model "valve" {
  doc = "Control valve with a first-order actuator",

  params = {
    equal_percentage = { 1, "1", min = 0, max = 1, doc = "1: equal percentage, 0: linear" },
    rangeability     = { 50, "1", min = 2, doc = "R of the equal-percentage characteristic" },
    density          = { 998, "kg/m^3", min = 1, doc = "of the liquid" },
    stem_lag         = { 2.5, "s", min = 0.1, doc = "how long the actuator takes" },
    meter_lag        = { 0.8, "s", min = 0.1, doc = "damping of the flowmeter" },

    capacity = { 63, "m^3/h", min = 0.01, estimate = 2e-3, sd = 2, jump = 20, doc = "Kv: the flow at 1 bar when open, with water" },
  },

  inputs = {
    opening_setpoint = { 0.5, "1", min = 0, max = 1, doc = "what the positioner is following, as it reports it" },
    drop             = { 1.0, "bar", min = -20, max = 100, doc = "pressure drop over the valve, or the pressure before it" },
    back_pressure    = { 0, "bar", min = -20, max = 100, doc = "pressure behind it, where drop is the pressure before it" },
  },

  states = {
    opening = { 0.5, "1", min = 0, max = 1, noise = 5e-4, sd = 0.02, doc = "travel of the stem" },
    flow    = { 8.9, "m^3/h", noise = 0.05, sd = 0.5, doc = "as the meter shows it" },
  },

  equations = function(t)
    local linear = t.opening
    local equal  = exp((t.opening - 1) * log(t.rangeability))
    local share  = select(above(t.equal_percentage, 0.5), equal, linear)
    local bar, water = quantity(1, "bar"), quantity(999.1, "kg/m^3")
    local drop = t.drop - t.back_pressure
    local through = t.capacity * share * signed_root(drop / bar) * sqrt(water / t.density)

    t.opening.rate = (t.opening_setpoint - t.opening) / t.stem_lag
    t.flow.rate    = (through - t.flow) / t.meter_lag

    t.through    = output(through, "m^3/h", "flow through the valve")
    t.dissipated = output(through * drop, "W", "power that the valve turns into heat")
  end,

  sensors = {
    position  = { of = "opening", noise = 0.3, unit = "%", every = 1, doc = "feedback of the positioner" },
    flowmeter = { of = "flow", noise = 0.08, unit = "m^3/h", every = 1, doc = "flow behind the valve" },
  },

  actuators = {
    opening_order = { 0.5, "1", min = 0, max = 1, rate = 0.2, doc = "opening that the positioner is asked for" },
  },

  alarms = {
    plugged = { low = { "capacity", 45 }, hysteresis = 2, hold = 60, severity = "warning" },
    eroded  = { high = { "capacity", 75 }, hysteresis = 2, hold = 60, severity = "warning" },
  },

  faults = {
    plugged        = { value = "capacity", factor = 0.5, doc = "something is caught in the trim" },
    flowmeter_high = { sensor = "flowmeter", kind = "bias", size = 2, doc = "the zero of the flowmeter has moved" },
    position_stuck = { sensor = "position", kind = "stuck", doc = "the feedback lever has come off" },
  },

  divergence = { settle = 25, false_alarm_days = 30 },
}
