-- A site of stationary storage: a container with one string of cells, and the air between them, kept by an air conditioner.
-- Equations: a heat balance of well-mixed air and what stands in it, with the walls as one conductance. The current of the string passes through.
-- Numbers: a container of six metres with walls of sandwich panels, and some 5 kW of cooling.
-- Left out: the sun on the roof, humidity, the inverter and its losses, heat of the cells beyond what the cooling was told. Step: up to 60 s.
return model "storage_site" {
  doc = "Container with a string of storage cells and its air conditioner",
  stepper = "euler",

  params = {
    G_wall  = { 40, "W/K", min = 1, doc = "through the walls" },
    C_air   = { 60, "kJ/K", min = 1, doc = "of the air and what is as warm as it" },
    G_cool  = { 400, "W/K", min = 1, doc = "how hard the air conditioner pulls towards its setpoint" },
  },

  inputs = {
    load      = { 0, "A", min = -400, max = 400, doc = "current of the string, positive when it is discharged" },
    T_outdoor = { 15, "degC", min = -40, max = 60, doc = "around the container" },
    setpoint  = { 25, "degC", min = 10, max = 35, doc = "of the air conditioner" },
  },

  states = {
    T_air = { 25, "degC", noise = 0.005, sd = 0.5, doc = "air in the container" },
  },

  equations = function(t)
    t.T_air.rate = (t.G_wall * (t.T_outdoor - t.T_air) + t.G_cool * (t.setpoint - t.T_air)) / t.C_air
    t.current    = output(t.load, "A", "through every cell of the string")
  end,

  sensors = {
    thermometer = { of = "T_air", noise = 0.1, unit = "degC", every = 60, doc = "in the returning air" },
  },

  alarms = {
    warm = { high = { "T_air", 32 }, hysteresis = 2, hold = 60, severity = "major" },
  },

  faults = {
    thermometer_dead = { sensor = "thermometer", kind = "silence", doc = "its wire is broken" },
    cooling_fails    = { value = "G_cool", set = 1, doc = "the air conditioner has stopped" },
  },

  divergence = { settle = 400, false_alarm_days = 3650 },
}
