-- A permanent-magnet direct-current motor with a load on its shaft.
-- Equations: armature circuit and shaft, coupled by one constant (Krause, Wasynczuk, Sudhoff, Analysis of Electric Machinery and Drive
-- Systems, chapter on direct-current machines); winding temperature as one heat store, copper with its temperature coefficient.
-- Armature resistance is tracked: worn brushes and shorted turns move it. Numbers: a 1 kW, 180 V servo motor.
-- Left out: saturation, cogging, the voltage over the brushes, iron losses. Step: at most 2.7 L/R, 10 ms for the values below.
return model "dc_motor" {
  doc = "Direct-current motor with armature circuit, shaft and winding",

  params = {
    inductance = { 12, "mH", min = 1e-4, doc = "of the armature" },
    constant   = { 0.85, "N.m/A", min = 1e-6, doc = "torque per current, and voltage per speed in V/(rad/s)" },
    inertia    = { 0.02, "kg.m^2", min = 1e-9, doc = "of rotor and load" },
    friction   = { 2e-3, "N.m.s", min = 0, doc = "viscous: torque per speed" },
    copper     = { 0.00393, "1/K", min = 0, doc = "temperature coefficient of the resistance" },
    C_winding  = { 900, "J/K", min = 0.01, doc = "heat capacity of the winding" },
    R_thermal  = { 1.1, "K/W", min = 1e-3, doc = "from the winding to the room" },

    resistance = { 2.0, "ohm", min = 0.01, estimate = 1e-4, sd = 0.05, jump = 0.6, doc = "of the armature at 25 degC" },
  },

  inputs = {
    voltage   = { 180, "V", min = -400, max = 400, doc = "at the terminals" },
    load      = { 4, "N.m", min = -100, max = 100, doc = "torque of the load, against positive speed" },
    T_ambient = { 25, "degC", min = -60, max = 100, doc = "around the motor" },
  },

  states = {
    current   = { 5, "A", noise = 0.2, sd = 0.5, doc = "in the armature" },
    speed     = { 199, "rad/s", noise = 0.2, sd = 5, doc = "of the shaft" },
    T_winding = { 75, "degC", noise = 0.01, sd = 5, doc = "winding of the armature" },
  },

  equations = function(t)
    local resistance = t.resistance * (1 + t.copper * (t.T_winding - quantity(25, "degC")))
    local radian     = quantity(1, "rad")
    local speed      = t.speed / radian
    local torque     = t.constant * t.current
    local heat       = resistance * t.current ^ 2

    t.current.rate   = (t.voltage - resistance * t.current - t.constant * speed) / t.inductance
    t.speed.rate     = (torque - t.friction * speed - t.load) / t.inertia * radian
    t.T_winding.rate = (heat - (t.T_winding - t.T_ambient) / t.R_thermal) / t.C_winding

    t.torque     = output(torque, "N.m", "at the air gap")
    t.heat       = output(heat, "W", "lost in the winding")
    t.mechanical = output(t.load * speed, "W", "power that the load takes")
    t.electrical = output(t.voltage * t.current, "W", "power from the supply")
  end,

  sensors = {
    ammeter     = { of = "current", noise = 0.05, unit = "A", every = 0.01, doc = "current of the drive" },
    tacho       = { of = "speed", noise = 0.5, unit = "rad/s", every = 0.01, doc = "speed of the shaft" },
    thermometer = { of = "T_winding", noise = 0.5, unit = "degC", every = 1, doc = "thermistor in the winding" },
  },

  actuators = {
    voltage_order = { 180, "V", min = -200, max = 200, doc = "voltage that the drive is asked for" },
  },

  alarms = {
    overheated  = { high = { "T_winding", 140 }, hysteresis = 5, hold = 1, severity = "critical" },
    overcurrent = { high = { "current", 15 }, hysteresis = 1, hold = 0.5, severity = "major" },
    worn        = { high = { "resistance", 2.6 }, hysteresis = 0.1, hold = 10, severity = "warning" },
  },

  faults = {
    brushes    = { value = "resistance", factor = 2, doc = "worn brushes" },
    tacho_high = { sensor = "tacho", kind = "bias", size = 5, doc = "the tacho counts too much" },
  },

  -- settle: ten mechanical time constants, and the resistance
  divergence = { settle = 3, false_alarm_days = 30 },
}
