-- A tank that is full at the start, so that there is an alarm at once.
return model "tank" {
  doc       = "An open tank",
  params    = { area = { 2, "m^2" } },
  inputs    = { inflow = { 0, "l/min" } },
  states    = { level = { 70, "cm", sd = 1, noise = 1e-3, min = 0 } },
  actuators = { valve = { 0, "percent", min = 0, max = 100 } },
  equations = function(t)
    t.level.rate = t.inflow / t.area
    t.outflow    = output(t.inflow * 0.5, "l/min")
  end,
  sensors   = { gauge = { of = "level", noise = 0.5, unit = "cm" } },
  alarms    = { overflow = { high = { "level", 60 }, severity = "critical" } },
}
