-- A room with its outer wall: two heat stores, two resistances (2R2C), heated, ventilated and shone upon.
-- Equations: lumped network as model "TiTe" of Bacher and Madsen, "Identifying suitable models for the heat dynamics of buildings",
-- Energy and Buildings 43, 2011; the air supply is an enthalpy flow as in ASHRAE Fundamentals, nonresidential load calculation.
-- What people and devices give off is tracked. Numbers: an office of 25 m^2 with a heavy facade, a time constant of some days.
-- Left out: humidity, CO2, heat stored in inner walls, radiation between surfaces. Up to four neighbours. Step: up to 300 s.
return model "room" {
  doc = "HVAC zone, two resistances and two capacities",

  params = {
    C_air     = { 300, "kJ/K", min = 1, doc = "air and furniture" },
    C_wall    = { 6000, "kJ/K", min = 1, doc = "facade and slabs" },
    R_inside  = { 8, "K/kW", min = 0.01, doc = "from the air into the wall" },
    R_outside = { 25, "K/kW", min = 0.01, doc = "from the wall to the outdoors" },
    aperture  = { 1.5, "m^2", min = 0, doc = "window area times transmittance" },
    cp_air    = { 1006, "J/(kg.K)", min = 1, doc = "specific heat of air" },

    G_1 = { 0, "W/K", min = 0, doc = "to the first neighbour, 0 where there is none" },
    G_2 = { 0, "W/K", min = 0, doc = "to the second neighbour" },
    G_3 = { 0, "W/K", min = 0, doc = "to the third neighbour" },
    G_4 = { 0, "W/K", min = 0, doc = "to the fourth neighbour" },

    gains = { 150, "W", min = -3000, max = 5000, estimate = 0.5, sd = 80, jump = 600, doc = "from people and devices, and through open windows (negative)" },
  },

  inputs = {
    heating   = { 500, "W", min = -20000, max = 20000, doc = "by radiators, or cooling when negative" },
    supply    = { 0, "kg/s", min = 0, max = 10, doc = "ventilation: air supplied" },
    T_supply  = { 18, "degC", min = -40, max = 60, doc = "its temperature" },
    T_outdoor = { 5, "degC", min = -60, max = 60, doc = "outdoor temperature" },
    T_1       = { 21, "degC", min = -40, max = 60, doc = "air of the first neighbour" },
    T_2       = { 21, "degC", min = -40, max = 60, doc = "air of the second neighbour" },
    T_3       = { 21, "degC", min = -40, max = 60, doc = "air of the third neighbour" },
    T_4       = { 21, "degC", min = -40, max = 60, doc = "air of the fourth neighbour" },
    sun       = { 0, "W/m^2", min = 0, max = 1500, doc = "irradiance on the facade" },
  },

  states = {
    T_air  = { 21, "degC", noise = 0.002, sd = 1, doc = "room air" },
    T_wall = { 17, "degC", noise = 0.0005, sd = 1, doc = "outer wall" },
  },

  equations = function(t)
    local into_wall = (t.T_air - t.T_wall) / t.R_inside
    local to_out    = (t.T_wall - t.T_outdoor) / t.R_outside
    local by_air    = t.supply * t.cp_air * (t.T_supply - t.T_air)
    local by_sun    = t.aperture * t.sun

    local from_neighbours = t.G_1 * (t.T_1 - t.T_air) + t.G_2 * (t.T_2 - t.T_air) + t.G_3 * (t.T_3 - t.T_air) + t.G_4 * (t.T_4 - t.T_air)

    t.T_air.rate  = (t.heating + by_air + by_sun + t.gains + from_neighbours - into_wall) / t.C_air
    t.T_wall.rate = (into_wall - to_out) / t.C_wall

    t.loss        = output(to_out, "W", "heat lost through the facade")
    t.neighbours  = output(from_neighbours, "W", "heat that comes through inner walls")
    t.ventilation = output(by_air, "W", "heat brought by the supplied air")
  end,

  sensors = {
    thermometer = { of = "T_air", noise = 0.08, unit = "degC", every = 60, doc = "on the inner wall" },
    extract     = { of = "T_air", noise = 0.12, unit = "degC", every = 60, doc = "in the extracted air" },
  },

  actuators = {
    setpoint = { 21, "degC", min = 5, max = 30, doc = "temperature that the room's controller holds" },
  },

  alarms = {
    cold     = { low = { "T_air", 16 }, hysteresis = 1, hold = 600, severity = "warning" },
    overheat = { high = { "T_air", 28 }, hysteresis = 1, hold = 600, severity = "warning" },
    window   = { low = { "gains", -400 }, hysteresis = 250, hold = 300, severity = "info" },
    frost    = { low = { "T_air", 5 }, hysteresis = 1, hold = 60, severity = "critical" },
  },

  faults = {
    window           = { value = "gains", set = -450, doc = "a window stands open in winter" },
    thermometer_high = { sensor = "thermometer", kind = "bias", size = 2, doc = "the sun shines on the thermometer" },
    thermometer_dead = { sensor = "thermometer", kind = "silence", doc = "its battery is empty" },
  },

  -- settle: three time constants of the air, 0.6 h each
  divergence = { settle = 7200, false_alarm_days = 30 },
}
