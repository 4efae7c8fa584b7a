-- A squirrel-cage induction motor that drives a fan or a pump: slip, current, and the temperatures of winding and frame.
-- Equations: Kloss's formula for torque and slip (Boldea and Nasar, The Induction Machine Handbook, chapter 7), torque as the square of
-- voltage over frequency; losses from the slip; two heat stores in a row, one more than the thermal replica of IEC 60255-149.
-- Cooling is tracked as the conductance from frame to air: a blocked fan or dust lowers it. Numbers: 15 kW, 4 poles, 400 V, 50 Hz.
-- Left out: electrical transients, skin effect, harmonics of an inverter, resistance that rises with heat. Step: up to 0.2 s.
return model "induction_motor" {
  doc = "Induction motor: slip, current and thermal model",

  params = {
    pole_pairs     = { 2, "1", min = 1, doc = "pairs of poles" },
    rated_voltage  = { 400, "V", min = 1, doc = "between lines" },
    rated_frequency = { 50, "Hz", min = 1, doc = "of the supply" },
    rated_speed    = { 1460, "rpm", min = 1, doc = "for which the load's torque is given" },
    pullout        = { 290, "N.m", min = 0.01, doc = "breakdown torque at rated voltage and frequency" },
    pullout_slip   = { 0.15, "1", min = 0.01, max = 1, doc = "slip there" },
    magnetising    = { 11, "A", min = 0.01, doc = "no-load current per line" },
    R_stator       = { 0.35, "ohm", min = 1e-4, doc = "per phase, star" },
    R_rotor        = { 0.32, "ohm", min = 1e-4, doc = "per phase, seen from the stator" },
    iron           = { 350, "W", min = 0, doc = "losses in iron and by friction" },
    inertia        = { 2.5, "kg.m^2", min = 1e-4, doc = "of rotor and fan" },
    C_winding      = { 6, "kJ/K", min = 0.01, doc = "heat capacity of the winding" },
    C_frame        = { 45, "kJ/K", min = 0.01, doc = "heat capacity of iron and frame" },
    G_winding      = { 50, "W/K", min = 0.01, doc = "from winding to frame" },

    G_frame = { 32, "W/K", min = 1, estimate = 5e-3, sd = 1.5, jump = 16, doc = "from frame to air" },
  },

  inputs = {
    voltage   = { 400, "V", min = 0, max = 1000, doc = "between lines" },
    frequency = { 50, "Hz", min = 1, max = 100, doc = "of the supply" },
    load      = { 95, "N.m", min = 0, max = 1000, doc = "torque of the load at rated speed; it grows with the square of the speed" },
    T_ambient = { 25, "degC", min = -40, max = 60, doc = "air around the motor" },
  },

  states = {
    speed     = { 1461, "rpm", min = 0, noise = 0.5, sd = 5, doc = "of the shaft" },
    T_winding = { 74, "degC", noise = 0.01, sd = 4, doc = "stator winding" },
    T_frame   = { 60, "degC", noise = 0.01, sd = 4, doc = "iron and frame" },
  },

  equations = function(t)
    local turn  = quantity(1, "rad")
    local synchronous = 2 * 3.14159265358979 * t.frequency / t.pole_pairs  -- 1/s
    local shaft = t.speed / turn
    local slip  = 1 - shaft / synchronous

    -- 2 / (s/sb + sb/s), written so that it is finite at s = 0
    local flux   = t.voltage / t.rated_voltage * t.rated_frequency / t.frequency
    local bend   = slip ^ 2 + t.pullout_slip ^ 2
    local peak   = t.pullout * flux ^ 2
    local torque = 2 * peak * slip * t.pullout_slip / bend
    local load   = t.load * (t.speed / t.rated_speed) ^ 2

    -- slip times air-gap power is what the rotor's copper takes; it tells the rotor's current
    local rotor   = 2 * peak * t.pullout_slip * slip ^ 2 / bend * synchronous
    local squared = (t.magnetising * flux) ^ 2 + rotor / (3 * t.R_rotor)
    local stator  = 3 * t.R_stator * squared

    t.speed.rate     = (torque - load) / t.inertia * turn
    t.T_winding.rate = (stator - t.G_winding * (t.T_winding - t.T_frame)) / t.C_winding
    t.T_frame.rate   = (rotor + t.iron + t.G_winding * (t.T_winding - t.T_frame) - t.G_frame * (t.T_frame - t.T_ambient)) / t.C_frame

    t.slip    = output(slip, "1", "of the rotor behind the field")
    t.torque  = output(torque, "N.m", "at the shaft")
    t.current = output(sqrt(squared), "A", "per line")
    t.losses  = output(stator + rotor + t.iron, "W", "what becomes heat")
    t.power   = output(torque * synchronous + stator + t.iron, "kW", "from the supply")
  end,

  sensors = {
    tacho       = { of = "speed", noise = 0.5, unit = "rpm", every = 1, doc = "speed of the shaft" },
    ammeter     = { of = "current", noise = 0.2, unit = "A", every = 1, doc = "current in one line" },
    winding     = { of = "T_winding", noise = 0.5, unit = "degC", every = 5, doc = "Pt100 in the winding" },
    frame       = { of = "T_frame", noise = 0.5, unit = "degC", every = 5, doc = "thermometer on the frame" },
  },

  actuators = {
    frequency_order = { 50, "Hz", min = 5, max = 60, rate = 5, doc = "frequency that the inverter is asked for" },
  },

  alarms = {
    winding_hot = { high = { "T_winding", 130 }, hysteresis = 5, hold = 5, severity = "critical" },
    overload    = { high = { "current", 32 }, hysteresis = 1, hold = 30, severity = "major" },
    stalled     = { high = { "slip", 0.15 }, hysteresis = 0.02, hold = 5, severity = "critical" },
    cooling     = { low = { "G_frame", 22 }, hysteresis = 1, hold = 300, severity = "warning" },
  },

  faults = {
    insulated     = { value = "G_winding", factor = 0.2, doc = "the winding has come off the iron" },
    ammeter_high  = { sensor = "ammeter", kind = "bias", size = 2, doc = "the current transformer shows too much" },
    winding_noisy = { sensor = "winding", kind = "noise", size = 6, doc = "a loose terminal" },
  },

  -- settle: a good part of the frame's time constant of 23 minutes
  divergence = { settle = 900, false_alarm_days = 30 },
}
