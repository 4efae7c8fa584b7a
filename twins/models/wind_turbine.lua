-- A wind turbine with variable speed, below and at rated wind: rotor, pitch, generator torque.
-- Equations: power coefficient by Heier, Grid Integration of Wind Energy Conversion Systems, as in Matlab's wind turbine block: 0.48 at
-- tip-speed ratio 8.1; rotor, inertia and rated values of the NREL 5 MW reference turbine (Jonkman et al., NREL/TP-500-38060, 2009).
-- Below rated wind the generator holds the best tip-speed ratio with a torque k speed^2. Cleanliness of the blades is tracked.
-- Left out: tower and blades that bend, turbulence over the rotor, yaw error, losses of generator and converter. Step: up to 0.5 s.
return model "wind_turbine" {
  doc = "Variable-speed wind turbine of 5 MW",

  params = {
    radius   = { 63, "m", min = 0.1, doc = "of the rotor" },
    inertia  = { 4.378e7, "kg.m^2", min = 1, doc = "rotor and generator, seen from the rotor" },
    air      = { 1.225, "kg/m^3", min = 0.1, doc = "density of the air" },
    best     = { 8.1, "1", min = 1, doc = "tip-speed ratio that the generator holds" },
    peak     = { 0.48, "1", min = 0.05, max = 0.593, doc = "power coefficient there, by which the torque is set" },
    torque_max = { 4.3, "MN.m", min = 0, doc = "at which the generator is limited" },
    pitch_lag  = { 1, "s", min = 0.05, doc = "of the pitch drive" },
    torque_lag = { 0.5, "s", min = 0.05, doc = "of the converter" },

    clean = { 1, "1", min = 0.3, max = 1.3, estimate = 1e-5, sd = 0.03, jump = 0.2, doc = "factor on the power coefficient: dirt and ice lower it" },
  },

  inputs = {
    wind           = { 8, "m/s", min = 0, max = 60, doc = "free wind, averaged over the rotor" },
    pitch_setpoint = { 0, "degree", min = 0, max = 90, doc = "angle of the blades that is followed, as the drive reports it" },
  },

  states = {
    speed  = { 1.03, "rad/s", min = 0, noise = 1e-3, sd = 0.03, doc = "of the rotor" },
    pitch  = { 0, "degree", min = 0, max = 90, noise = 0.02, sd = 0.3, doc = "angle of the blades" },
    torque = { 1.88, "MN.m", min = 0, noise = 2e-3, sd = 0.05, doc = "of the generator, seen from the rotor" },
  },

  equations = function(t)
    local wind   = max(t.wind, quantity(0.5, "m/s"))
    local turn   = quantity(1, "rad")
    local omega  = t.speed / turn
    local ratio  = max(omega * t.radius / wind, 0.5)
    local area   = 3.14159265358979 * t.radius ^ 2
    local pitch  = t.pitch / quantity(1, "degree")
    local slow   = 1 / (ratio + 0.08 * pitch) - 0.035 / (pitch ^ 3 + 1)
    local cp     = 0.5176 * (116 * slow - 0.4 * pitch - 5) * exp(-21 * slow) + 0.0068 * ratio

    -- power over speed, written with the tip-speed ratio so that standing still is no division by zero
    local driving = t.clean * 0.5 * t.air * area * t.radius * wind ^ 2 * cp / ratio
    local gain    = 0.5 * t.air * area * t.radius ^ 3 * t.peak / t.best ^ 3
    local wished  = min(gain * omega ^ 2, t.torque_max)

    t.speed.rate  = (driving - t.torque) / t.inertia * turn
    t.pitch.rate  = (t.pitch_setpoint - t.pitch) / t.pitch_lag
    t.torque.rate = (wished - t.torque) / t.torque_lag

    t.cp        = output(t.clean * cp, "1", "power coefficient")
    t.tip_ratio = output(ratio, "1", "speed of the tips over that of the wind")
    t.power     = output(t.torque * omega, "MW", "of the generator")
    t.captured  = output(driving * omega, "MW", "taken from the wind")
  end,

  sensors = {
    encoder = { of = "speed", noise = 0.02, unit = "rpm", every = 1, doc = "speed of the rotor" },
    meter   = { of = "power", noise = 0.02, unit = "MW", every = 1, doc = "power of the generator" },
    blade   = { of = "pitch", noise = 0.1, unit = "degree", every = 1, doc = "angle of the blades" },
  },

  actuators = {
    pitch_order = { 0, "degree", min = 0, max = 90, rate = 8, doc = "angle that the pitch drive is asked for" },
  },

  alarms = {
    overspeed = { high = { "speed", 1.45 }, hysteresis = 0.03, hold = 0, severity = "critical" },
    dirty     = { low = { "clean", 0.85 }, hysteresis = 0.03, hold = 600, severity = "warning" },
  },

  faults = {
    iced          = { value = "clean", factor = 0.7, doc = "ice on the blades" },
    meter_high    = { sensor = "meter", kind = "bias", size = 0.2, doc = "the power meter shows too much" },
    encoder_slips = { sensor = "encoder", kind = "drift", size = -0.01, doc = "the coupling of the encoder slips" },
  },

  -- settle: the rotor needs half a minute, the cleanliness a few
  divergence = { settle = 180, false_alarm_days = 30 },
}
