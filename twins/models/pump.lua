-- A centrifugal pump with a speed-controlled drive, and the pipeline that it feeds.
-- Equations: quadratic head curve, efficiency parabola and affinity laws (Guelich, Centrifugal Pumps, 2nd ed., 3.4 on similarity,
-- chapter 4 on characteristics); the water in the pipeline moves as one rigid column (Wylie and Streeter, Fluid Transients).
-- Wear is tracked as a loss of head, the pipeline's resistance as what fouling and valves add to it. A check valve lets nothing turn back.
-- Left out: cavitation, the pump as a turbine, the drive's own losses. Step: up to 0.2 s, and 0.5 s for 400 m of pipeline.
return model "pump" {
  doc = "Centrifugal pump at variable speed on a pipeline",

  params = {
    rated_speed   = { 2900, "rpm", min = 1, doc = "at which the curves below hold" },
    shutoff_head  = { 40, "m", min = 0.1, doc = "head without flow" },
    head_slope    = { 6.0e-3, "m/(m^3/h)^2", min = 1e-9, doc = "how the head falls with the square of the flow" },
    best_flow     = { 40, "m^3/h", min = 0.1, doc = "flow of best efficiency" },
    best_efficiency = { 0.75, "1", min = 0.05, max = 1, doc = "efficiency there" },
    static_head   = { 12, "m", doc = "height that the pipeline climbs" },
    pipe_length   = { 150, "m", min = 1, doc = "of the pipeline" },
    pipe_area     = { 78.5, "cm^2", min = 0.1, doc = "cross-section of the pipeline" },
    density       = { 998, "kg/m^3", min = 1, doc = "of the liquid" },
    valve_lag     = { 1, "s", min = 0.05, doc = "in which the check valve closes, at the shortest" },
    drive_lag     = { 2, "s", min = 0.05, doc = "how long the drive takes to follow its setpoint" },

    wear       = { 0, "1", min = -0.05, max = 0.9, estimate = 2e-5, sd = 0.01, jump = 0.15, doc = "share of the head that is lost" },
    resistance = { 1.15e-2, "m/(m^3/h)^2", min = 1e-5, estimate = 1e-6, sd = 5e-4, jump = 4e-3, doc = "head lost in the pipeline per square of the flow" },
  },

  inputs = {
    speed_setpoint = { 2900, "rpm", min = 0, max = 3600, doc = "what the drive is following, as it reports it" },
    suction_level  = { 0, "m", min = -100, max = 100, doc = "of the water that is drawn from, above the lower end of static_head" },
    delivery_level = { 0, "m", min = -100, max = 100, doc = "of the water that is pumped into, above the upper end of static_head" },
  },

  states = {
    speed = { 2900, "rpm", min = 0, noise = 1.5, sd = 20, doc = "of the shaft" },
    flow  = { 40, "m^3/h", min = 0, noise = 0.05, sd = 2, doc = "through pump and pipeline" },
  },

  equations = function(t)
    local ratio = t.speed / t.rated_speed
    local head  = (1 - t.wear) * t.shutoff_head * ratio ^ 2 - t.head_slope * t.flow ^ 2
    local lost  = t.resistance * t.flow * abs(t.flow)

    t.speed.rate = (t.speed_setpoint - t.speed) / t.drive_lag

    -- the check valve goes to with the flow, and keeps it from turning back
    local drive = head - t.static_head - t.delivery_level + t.suction_level - lost
    t.flow.rate = max(g * t.pipe_area / t.pipe_length * drive, -t.flow / t.valve_lag)

    -- efficiency is best (2 x - x^2) of the relative flow x, so density g head flow / efficiency has no division by zero at x = 0
    local relative = t.flow / (t.best_flow * max(ratio, 0.02))
    local slope    = max(2 - relative, 0.2)
    local efficiency = t.best_efficiency * relative * slope
    local power    = t.density * g * head * t.best_flow * ratio / (t.best_efficiency * slope)

    t.head       = output(head, "m", "rise of head over the pump")
    t.efficiency = output(efficiency, "1", "hydraulic power over shaft power")
    t.power      = output(power, "kW", "at the shaft")
    t.load       = output(select(above(ratio, 0.1), relative, 1), "1", "flow over the best flow at this speed; 1 while the pump stands")
  end,

  sensors = {
    tacho     = { of = "speed", noise = 5, unit = "rpm", every = 0.5, doc = "speed of the shaft" },
    flowmeter = { of = "flow", noise = 0.2, unit = "m^3/h", every = 0.5, doc = "magnetic flowmeter" },
    rise      = { of = function(t) return t.density * g * t.head end, noise = 0.02, unit = "bar", every = 0.5, doc = "pressure difference over the pump" },
  },

  actuators = {
    speed_order = { 2900, "rpm", min = 0, max = 3600, rate = 600, doc = "speed that the drive is asked for" },
  },

  alarms = {
    low_flow   = { low = { "load", 0.2 }, hysteresis = 0.05, hold = 10, severity = "major" },
    overload   = { high = { "power", 7.5 }, hysteresis = 0.3, hold = 10, severity = "major" },
    worn       = { high = { "wear", 0.15 }, hysteresis = 0.02, hold = 60, severity = "warning" },
  },

  faults = {
    throttled      = { value = "resistance", factor = 2, doc = "a valve of the pipeline is half shut" },
    flowmeter_high = { sensor = "flowmeter", kind = "bias", size = 4, doc = "the flowmeter is off by a tenth" },
    tacho_stuck    = { sensor = "tacho", kind = "stuck", doc = "the display of the drive has frozen" },
  },

  -- settle: ten lags of the drive, by which wear and resistance are told apart
  divergence = { settle = 20, false_alarm_days = 30 },
}
