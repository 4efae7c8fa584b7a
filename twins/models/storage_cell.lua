-- A large lithium iron phosphate cell of a stationary battery: open-circuit voltage, series resistance, one RC pair, state of charge, temperature.
-- Equations: G. L. Plett, "Battery Management Systems" I, Artech House 2015, chapter 2 (a first-order equivalent circuit) and 7 (heat of the resistances);
-- the open-circuit voltage is a flat curve between two bends, fitted to the usual data sheets of 280 A.h cells. The series resistance is tracked: it grows with age.
-- Made for large fleets: few states, and a voltage once a minute, as battery management systems report. battery.lua resolves seconds.
-- Left out: hysteresis (some 10 mV in these cells), self-discharge, fading of the capacity. Step: up to 60 s.
return model "storage_cell" {
  doc = "Large stationary battery cell as an equivalent circuit with a heat store",
  stepper = "euler",

  params = {
    capacity  = { 280, "A.h", min = 1, doc = "of the whole cell" },
    R_pair    = { 0.30, "mohm", min = 1e-3, doc = "of the RC pair" },
    tau       = { 400, "s", min = 130, doc = "time constant of the RC pair" },
    C_thermal = { 5.4, "kJ/K", min = 0.1, doc = "heat capacity of the cell" },
    R_thermal = { 1.5, "K/W", min = 0.01, doc = "from the cell to the air" },

    R_series = { 0.25, "mohm", min = 0.01, estimate = 1e-5, sd = 0.03, jump = 0.3, doc = "the jump of the voltage per current" },
  },

  inputs = {
    current   = { 0, "A", min = -400, max = 400, doc = "positive when the cell is discharged" },
    T_ambient = { 25, "degC", min = -40, max = 80, doc = "around the cell" },
  },

  states = {
    charge = { 0.5, "1", min = 0, max = 1, noise = 2e-6, sd = 0.01, doc = "state of charge" },
    V_pair = { 0, "V", noise = 1e-5, sd = 1e-3, doc = "over the RC pair" },
    T_cell = { 25, "degC", noise = 0.001, sd = 0.5, doc = "temperature of the cell" },
  },

  equations = function(t)
    local volt = quantity(1, "V")
    local open = volt * (3.24 + 0.10 * t.charge - 0.5 * exp(-25 * t.charge) + 0.2 * exp(30 * (t.charge - 1)))
    local heat = t.R_series * t.current ^ 2 + t.V_pair ^ 2 / t.R_pair

    t.charge.rate = -t.current / t.capacity
    t.V_pair.rate = (t.current * t.R_pair - t.V_pair) / t.tau
    t.T_cell.rate = (heat - (t.T_cell - t.T_ambient) / t.R_thermal) / t.C_thermal

    t.voltage = output(open - t.V_pair - t.R_series * t.current, "V", "at the terminals")
    t.heat    = output(heat, "W", "lost in the cell")
  end,

  sensors = {
    voltmeter   = { of = "voltage", noise = 2, unit = "mV", every = 60, doc = "at the terminals" },
    thermometer = { of = "T_cell", noise = 0.2, unit = "degC", every = 60, doc = "on the case" },
  },

  alarms = {
    undervolt = { low = { "voltage", 2.8 }, hysteresis = 0.1, hold = 60, severity = "major" },
    overvolt  = { high = { "voltage", 3.6 }, hysteresis = 0.05, hold = 60, severity = "critical" },
    hot       = { high = { "T_cell", 50 }, hysteresis = 3, hold = 60, severity = "critical" },
    aged      = { high = { "R_series", 0.6 }, hysteresis = 0.05, hold = 600, severity = "warning" },
  },

  faults = {
    loose             = { value = "R_series", factor = 4, doc = "a terminal has come loose" },
    voltmeter_high    = { sensor = "voltmeter", kind = "bias", size = 40, doc = "the reference of the converter has moved" },
    thermometer_loose = { sensor = "thermometer", kind = "bias", size = -6, doc = "it has come off the case" },
    thermometer_dead  = { sensor = "thermometer", kind = "silence", doc = "its wire is broken" },
  },

  -- settle: the RC pair, and the start of the charge
  divergence = { settle = 400, false_alarm_days = 3650 },
}
