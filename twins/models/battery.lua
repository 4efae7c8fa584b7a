-- A lithium-ion cell: open-circuit voltage, series resistance, a fast and a slow RC pair, state of charge, temperature.
-- Equations and numbers: M. Chen, G. A. Rincon-Mora, "Accurate Electrical Battery Model Capable of Predicting Runtime and I-V Performance",
-- IEEE Transactions on Energy Conversion 21(2), 2006, equation (2) for the open-circuit voltage, the other elements as they are above a fifth of
-- the charge. The series resistance is tracked: it grows with age. Heat is that of the resistances (Bernardi's equation without its entropic term).
-- Left out: hysteresis, self-discharge, fading of the capacity, the rise of resistances below a fifth of the charge. Step: up to 10 s.
return model "battery" {
  doc = "Lithium-ion cell as an equivalent circuit with a heat store",

  params = {
    capacity  = { 0.85, "A.h", min = 1e-3, doc = "of the whole cell" },
    R_fast    = { 46.69, "mohm", min = 1e-3, doc = "of the fast RC pair" },
    C_fast    = { 703.6, "F", min = 1e-3, doc = "of the fast RC pair" },
    R_slow    = { 49.84, "mohm", min = 1e-3, doc = "of the slow RC pair" },
    C_slow    = { 4475, "F", min = 1e-3, doc = "of the slow RC pair" },
    C_thermal = { 18, "J/K", min = 0.01, doc = "heat capacity of the cell" },
    R_thermal = { 25, "K/W", min = 0.01, doc = "from the cell to the air" },

    R_series = { 74.46, "mohm", min = 1, estimate = 1e-3, sd = 5, jump = 40, doc = "the jump of the voltage per current" },
  },

  inputs = {
    current   = { 0, "A", min = -20, max = 20, doc = "positive when the cell is discharged" },
    T_ambient = { 25, "degC", min = -40, max = 80, doc = "around the cell" },
  },

  states = {
    charge = { 0.8, "1", min = 0, max = 1, noise = 2e-6, sd = 0.03, doc = "state of charge" },
    V_fast = { 0, "V", noise = 5e-5, sd = 1e-3, doc = "over the fast RC pair" },
    V_slow = { 0, "V", noise = 5e-5, sd = 1e-3, doc = "over the slow RC pair" },
    T_cell = { 25, "degC", noise = 0.002, sd = 1, doc = "temperature of the cell" },
  },

  equations = function(t)
    local volt = quantity(1, "V")
    local open = volt * (-1.031 * exp(-35 * t.charge) + 3.685 + t.charge * (0.2156 + t.charge * (-0.1178 + t.charge * 0.3201)))
    local heat = t.R_series * t.current ^ 2 + t.V_fast ^ 2 / t.R_fast + t.V_slow ^ 2 / t.R_slow

    t.charge.rate = -t.current / t.capacity
    t.V_fast.rate = (t.current - t.V_fast / t.R_fast) / t.C_fast
    t.V_slow.rate = (t.current - t.V_slow / t.R_slow) / t.C_slow
    t.T_cell.rate = (heat - (t.T_cell - t.T_ambient) / t.R_thermal) / t.C_thermal

    t.open_voltage = output(open, "V", "at rest")
    t.voltage      = output(open - t.V_fast - t.V_slow - t.R_series * t.current, "V", "at the terminals")
    t.heat         = output(heat, "W", "lost in the cell")
  end,

  sensors = {
    voltmeter   = { of = "voltage", noise = 2, unit = "mV", every = 1, doc = "at the terminals" },
    thermometer = { of = "T_cell", noise = 0.2, unit = "degC", every = 1, doc = "on the case" },
  },

  alarms = {
    empty     = { low = { "charge", 0.1 }, hysteresis = 0.02, hold = 10, severity = "warning" },
    undervolt = { low = { "voltage", 3.0 }, hysteresis = 0.1, hold = 2, severity = "major" },
    overvolt  = { high = { "voltage", 4.2 }, hysteresis = 0.02, hold = 2, severity = "critical" },
    hot       = { high = { "T_cell", 60 }, hysteresis = 3, hold = 5, severity = "critical" },
    aged      = { high = { "R_series", 120 }, hysteresis = 5, hold = 300, severity = "warning" },
  },

  faults = {
    corroded          = { value = "R_series", factor = 2, doc = "a terminal has corroded or come loose" },
    voltmeter_high    = { sensor = "voltmeter", kind = "bias", size = 30, doc = "the reference of the converter has moved" },
    thermometer_loose = { sensor = "thermometer", kind = "drift", size = -0.2, doc = "it comes off the case and cools" },
  },

  -- settle: the slow RC pair has 223 s, and the start of the charge is found while it settles
  divergence = { settle = 450, false_alarm_days = 30 },
}
