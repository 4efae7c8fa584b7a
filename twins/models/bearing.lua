-- A rolling bearing that wears out: its vibration grows, its temperature follows friction.
-- Equations: vibration above that of the sound bearing grows in proportion to itself (Gebraeel, Lawley, Li, Ryan, "Residual-life
-- distributions from component degradation signals", IIE Transactions 37, 2005); basic rating life by ISO 281; friction torque mu P d / 2 (SKF, Palmgren).
-- The growth rate is tracked. Alarms stand at the zone limits B/C and C/D of medium machines on a flexible base, or large rigid ones (ISO 20816-3).
-- Left out: the bearing's frequencies, the run-in, failures without warning. Step: up to 60 s; the damage needs days.
return model "bearing" {
  doc = "Rolling bearing: vibration that grows, temperature, rating life",

  params = {
    sound       = { 0.8, "mm/s", min = 0, doc = "vibration of the sound bearing at rated speed, r.m.s." },
    rated_speed = { 1480, "rpm", min = 1, doc = "for which vibrations are given" },
    limit       = { 7.1, "mm/s", min = 0.1, doc = "vibration at which the bearing is changed" },
    rating      = { 35.1, "kN", min = 0.01, doc = "basic dynamic load rating C" },
    exponent    = { 3, "1", min = 3, max = 3.34, doc = "3 for balls, 10/3 for rollers" },
    bore        = { 50, "mm", min = 1, doc = "diameter of the bore" },
    mu          = { 0.0015, "1", min = 0, doc = "coefficient of friction of the sound bearing" },
    roughening  = { 0.5, "1/(mm/s)", min = 0, doc = "how much friction the damage adds" },
    C_thermal   = { 2, "kJ/K", min = 0.01, doc = "heat capacity of rings and housing" },
    G_thermal   = { 0.8, "W/K", min = 0.01, doc = "from the housing to the air" },

    -- 0.005/h: the damage doubles in six days
    growth = { 5e-3, "1/h", min = 0, max = 10, estimate = 2e-6, sd = 3e-3, jump = 0.2, doc = "relative growth of the damage" },
  },

  inputs = {
    speed     = { 1480, "rpm", min = 0, max = 30000, doc = "of the shaft" },
    load      = { 4, "kN", min = 0.01, max = 1000, doc = "equivalent dynamic load P" },
    T_ambient = { 25, "degC", min = -60, max = 100, doc = "around the housing" },
  },

  states = {
    damage    = { 0.4, "mm/s", min = 1e-3, noise = 5e-5, sd = 0.1, doc = "vibration above that of the sound bearing, at rated speed" },
    T_housing = { 55, "degC", noise = 0.005, sd = 5, doc = "outer ring and housing" },
  },

  equations = function(t)
    local turn     = quantity(1, "rad")
    local rotation = t.speed / turn
    local ratio    = t.speed / t.rated_speed
    local torque   = t.mu * (1 + t.roughening * t.damage) * t.load * t.bore / 2
    local heat     = torque * rotation

    t.damage.rate    = t.growth * t.damage * ratio
    t.T_housing.rate = (heat - t.G_thermal * (t.T_housing - t.T_ambient)) / t.C_thermal

    -- million revolutions (C/P)^p, at this speed; a growth of nothing would leave for ever
    local lives     = exp(t.exponent * log(t.rating / t.load)) * 1e6 * 2 * 3.14159265358979
    local last      = max(t.limit - t.sound, quantity(0.01, "mm/s"))
    local remaining = log(max(last / t.damage, 1)) / max(t.growth, quantity(1e-6, "1/h"))
    t.vibration = output((t.sound + t.damage) * ratio, "mm/s", "velocity at the housing, r.m.s.")
    t.heat      = output(heat, "W", "lost to friction")
    t.L10       = output(lives / max(rotation, quantity(0.1, "1/s")), "h", "basic rating life at this speed and load")
    t.remaining = output(remaining, "h", "until the vibration reaches its limit, at rated speed")
  end,

  sensors = {
    accelerometer = { of = "vibration", noise = 0.05, unit = "mm/s", every = 60, doc = "integrated, r.m.s. over a minute" },
    thermometer   = { of = "T_housing", noise = 0.3, unit = "degC", every = 60, doc = "on the housing" },
  },

  alarms = {
    worn   = { high = { "vibration", 4.5 }, hysteresis = 0.2, hold = 300, severity = "warning" },
    failed = { high = { "vibration", 7.1 }, hysteresis = 0.2, hold = 300, severity = "critical" },
    hot    = { high = { "T_housing", 95 }, hysteresis = 3, hold = 300, severity = "major" },
    change = { low = { "remaining", 168 }, hysteresis = 24, hold = 3600, severity = "warning" },
  },

  faults = {
    dry                = { value = "mu", factor = 5, doc = "the lubrication has failed" },
    accelerometer_high = { sensor = "accelerometer", kind = "bias", size = 1, doc = "a loose mounting that rattles along" },
  },

  -- settle: three thermal time constants of 42 minutes
  divergence = { settle = 7500, false_alarm_days = 30 },
}
