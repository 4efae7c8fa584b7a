-- A photovoltaic array with its inverter: power from irradiance and temperature of the modules.
-- Equations: PVWatts (Dobos, PVWatts Version 5 Manual, NREL/TP-6A20-62641, 2014): power in proportion to irradiance, falling with
-- temperature; modules' temperature by Faiman (Progress in Photovoltaics 16, 2008) with the heat that the glass stores.
-- Soiling is tracked as the share of light that reaches the cells. Power settles with the lag of the maximum-power tracker.
-- Left out: angle of incidence, spectrum, shade on single modules, wiring losses. Irradiance is that in the plane of the array. Step: up to 5 s.
return model "pv_array" {
  doc = "Photovoltaic array with inverter, modules' temperature and soiling",

  params = {
    peak      = { 50, "kW", min = 1e-3, doc = "power at 1000 W/m^2 and 25 degC" },
    per_degree = { -0.0040, "1/K", max = 0, doc = "change of power per degree, relative" },
    efficiency = { 0.97, "1", min = 0.1, max = 1, doc = "of the inverter" },
    limit     = { 45, "kW", min = 1e-3, doc = "of the inverter" },
    u0        = { 25, "W/(m^2.K)", min = 1, doc = "Faiman's loss in calm air" },
    u1        = { 6.84, "W/(m^2.K)/(m/s)", min = 0, doc = "Faiman's loss per wind speed" },
    store     = { 11, "kJ/(m^2.K)", min = 0.1, doc = "heat capacity of a module per area" },
    lag       = { 3, "s", min = 0.1, doc = "of the tracker and the meter" },

    clean = { 0.97, "1", min = 0.05, max = 1.2, estimate = 1e-5, sd = 0.02, jump = 0.2, doc = "share of the light that soiling and defects leave" },
  },

  inputs = {
    irradiance = { 800, "W/m^2", min = 0, max = 1600, doc = "in the plane of the array" },
    T_ambient  = { 20, "degC", min = -60, max = 60, doc = "air" },
    wind       = { 2, "m/s", min = 0, max = 60, doc = "at the array" },
    allowed    = { 45, "kW", min = 0, doc = "most that the inverter is feeding in, as it reports it" },
  },

  states = {
    T_module = { 40, "degC", noise = 0.02, sd = 3, doc = "back of the modules" },
    yield    = { 35, "kW", min = 0, noise = 0.02, sd = 1, doc = "power at the inverter's output" },
  },

  equations = function(t)
    local warm = 1 + t.per_degree * (t.T_module - quantity(25, "degC"))
    local dc   = t.peak * t.irradiance / quantity(1000, "W/m^2") * warm * t.clean
    local ac   = min(t.efficiency * dc, min(t.limit, t.allowed))

    t.T_module.rate = (t.irradiance - (t.u0 + t.u1 * t.wind) * (t.T_module - t.T_ambient)) / t.store
    t.yield.rate    = (ac - t.yield) / t.lag

    t.dc = output(dc, "kW", "power of the modules")
  end,

  sensors = {
    meter       = { of = "yield", noise = 0.1, unit = "kW", every = 5, doc = "power meter of the inverter" },
    thermometer = { of = "T_module", noise = 0.5, unit = "degC", every = 5, doc = "on the back of a module" },
  },

  actuators = {
    curtailment = { 45, "kW", min = 0, max = 45, doc = "most that the inverter may feed in" },
  },

  alarms = {
    soiled = { low = { "clean", 0.85 }, hysteresis = 0.03, hold = 600, severity = "warning" },
    hot    = { high = { "T_module", 85 }, hysteresis = 3, hold = 60, severity = "warning" },
  },

  faults = {
    string_out = { value = "clean", factor = 0.8, doc = "the fuse of one string in five has blown" },
    meter_high = { sensor = "meter", kind = "bias", size = 2, doc = "the power meter shows too much" },
  },

  -- settle: two thermal time constants of some five minutes
  divergence = { settle = 600, false_alarm_days = 30 },
}
