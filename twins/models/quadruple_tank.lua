-- The quadruple-tank process: two pumps, two upper tanks that drain into two lower ones, and valves that split each pump's flow.
-- Equations and numbers: K. H. Johansson, "The Quadruple-Tank Process: A Multivariable Laboratory Process with an Adjustable Zero",
-- IEEE Transactions on Control Systems Technology 8(3), 2000, equation (1) and the operating point P- (minimum phase).
-- The outlets of the lower tanks are tracked. Pump 1 fills tanks 1 and 4, pump 2 fills tanks 2 and 3; tank 3 drains into 1, tank 4 into 2.
-- Left out: the lag of pumps and hoses. The levels of the upper tanks are estimated, not measured. Step: up to 2 s.
local function signed_root(x)  -- of a plain number; smooth through zero, where a root has no slope
  return x / sqrt(sqrt(x * x + 1e-6))
end

return model "quadruple_tank" {
  doc = "Johansson's four coupled tanks",

  params = {
    area_1 = { 28, "cm^2", min = 0.1, doc = "cross-section of tank 1, lower left" },
    area_2 = { 32, "cm^2", min = 0.1, doc = "cross-section of tank 2, lower right" },
    area_3 = { 28, "cm^2", min = 0.1, doc = "cross-section of tank 3, upper left" },
    area_4 = { 32, "cm^2", min = 0.1, doc = "cross-section of tank 4, upper right" },
    outlet_3 = { 0.071, "cm^2", min = 0, doc = "outlet of tank 3" },
    outlet_4 = { 0.057, "cm^2", min = 0, doc = "outlet of tank 4" },
    pump_1  = { 3.33, "cm^3/s/V", min = 0, doc = "gain of pump 1" },
    pump_2  = { 3.35, "cm^3/s/V", min = 0, doc = "gain of pump 2" },
    split_1 = { 0.70, "1", min = 0, max = 1, doc = "share of pump 1 that goes to tank 1, the rest to tank 4" },
    split_2 = { 0.60, "1", min = 0, max = 1, doc = "share of pump 2 that goes to tank 2, the rest to tank 3" },

    outlet_1 = { 0.071, "cm^2", min = 0.001, estimate = 1e-6, sd = 0.002, jump = 0.03, doc = "outlet of tank 1" },
    outlet_2 = { 0.057, "cm^2", min = 0.001, estimate = 1e-6, sd = 0.002, jump = 0.03, doc = "outlet of tank 2" },
  },

  inputs = {
    voltage_1 = { 3.00, "V", min = 0, max = 10, doc = "at pump 1" },
    voltage_2 = { 3.00, "V", min = 0, max = 10, doc = "at pump 2" },
  },

  states = {
    level_1 = { 12.4, "cm", min = 0, noise = 0.005, sd = 0.3, doc = "in the lower left tank" },
    level_2 = { 12.7, "cm", min = 0, noise = 0.005, sd = 0.3, doc = "in the lower right tank" },
    level_3 = { 1.8, "cm", min = 0, noise = 0.005, sd = 0.3, doc = "in the upper left tank" },
    level_4 = { 1.4, "cm", min = 0, noise = 0.005, sd = 0.3, doc = "in the upper right tank" },
  },

  equations = function(t)
    local depth    = quantity(10, "cm")
    local velocity = sqrt(2 * g * depth)
    local function drain(outlet, level) return outlet * velocity * signed_root(level / depth) end

    local flow_1, flow_2 = t.pump_1 * t.voltage_1, t.pump_2 * t.voltage_2
    local drain_1, drain_2 = drain(t.outlet_1, t.level_1), drain(t.outlet_2, t.level_2)
    local drain_3, drain_4 = drain(t.outlet_3, t.level_3), drain(t.outlet_4, t.level_4)

    t.level_1.rate = (drain_3 + t.split_1 * flow_1 - drain_1) / t.area_1
    t.level_2.rate = (drain_4 + t.split_2 * flow_2 - drain_2) / t.area_2
    t.level_3.rate = ((1 - t.split_2) * flow_2 - drain_3) / t.area_3
    t.level_4.rate = ((1 - t.split_1) * flow_1 - drain_4) / t.area_4

    t.drain_1 = output(drain_1, "cm^3/s", "what leaves tank 1")
    t.drain_2 = output(drain_2, "cm^3/s", "what leaves tank 2")
  end,

  sensors = {
    gauge_1 = { of = "level_1", noise = 0.05, unit = "cm", every = 1, doc = "level of tank 1" },
    gauge_2 = { of = "level_2", noise = 0.05, unit = "cm", every = 1, doc = "level of tank 2" },
  },

  actuators = {
    voltage_1_setpoint = { 3, "V", min = 0, max = 10, doc = "wished at pump 1" },
    voltage_2_setpoint = { 3, "V", min = 0, max = 10, doc = "wished at pump 2" },
  },

  alarms = {
    overflow_1 = { high = { "level_1", 19 }, hysteresis = 0.5, hold = 2, severity = "critical" },
    overflow_2 = { high = { "level_2", 19 }, hysteresis = 0.5, hold = 2, severity = "critical" },
    overflow_3 = { high = { "level_3", 19 }, hysteresis = 0.5, hold = 2, severity = "critical" },
    overflow_4 = { high = { "level_4", 19 }, hysteresis = 0.5, hold = 2, severity = "critical" },
  },

  faults = {
    clogged_1    = { value = "outlet_1", factor = 0.5, doc = "something blocks half of the outlet of tank 1" },
    gauge_1_high = { sensor = "gauge_1", kind = "bias", size = 2, doc = "the zero of the gauge has moved" },
  },

  -- settle: twice the slowest time constant of the paper, 90 s
  divergence = { settle = 180, false_alarm_days = 30 },
}
