-- An incubator: a polystyrene box with a heating bed, a fan, and two thermometers in the air of the box.
-- Two bodies store heat, the heater and the air (Feng et al., "Introduction to Digital Twin Engineering", 2021); each thermometer
-- adds the lag of its housing and feels a share of the heater, by where it hangs. Identified on 15 minutes of random heating (docs/incubator.md).
-- Left out: the heat stored in the walls, the heat from the fan, humidity. G_box absorbs what they do.
-- Temperatures alone fix only ratios of power, capacities and conductances, so the power is set and the rest is relative to it.
return model "incubator" {
  doc = "Heated box: heater, air, and two thermometers with a lag",

  params = {
    -- each is known to 5 %, as forecasts of five minutes on two recordings of 2020 have it (docs/incubator.md)
    C_heater = { 320.7, "J/K", min = 1, sd = 16, doc = "heat capacity of the heating bed" },
    C_air    = { 121.4, "J/K", min = 1, sd = 6.1, doc = "heat capacity of the air and what moves with it" },
    G_heater = { 4.25, "W/K", min = 0.01, sd = 0.21, doc = "conductance from heater to air" },
    P_heater = { 127.07, "W", min = 0, sd = 6.4, doc = "power of the heater when it is on" },
    lag_t2   = { 38.66, "s", min = 0.1, sd = 1.9, doc = "lag of thermometer t2" },
    lag_t3   = { 53.21, "s", min = 0.1, sd = 2.7, doc = "lag of thermometer t3" },

    -- an open lid makes this one many times larger
    G_box    = { 1.139, "W/K", min = 0.057, estimate = 0.01166, sd = 0.285, jump = 1.139, doc = "conductance from the air to the room" },
    share_t2 = { 0.4851, "1", min = 0, max = 1, estimate = 0, sd = 0.2, doc = "how much of the heater t2 feels" },
    share_t3 = { 0.1882, "1", min = 0, max = 1, estimate = 0, sd = 0.2, doc = "how much of the heater t3 feels" },
  },

  inputs = {
    heater_on = { 0, "1", min = 0, max = 1, doc = "the heater's relay, as reported" },
    -- what the air loses heat to is the walls, which may be some kelvin from the thermometer in the room
    T_room    = { 21, "degC", min = -60, max = 80, sd = 2, doc = "room temperature" },
  },

  states = {
    T_heater = { 25, "degC", noise = 0.06255, sd = 10, doc = "heating bed" },
    T_box    = { 25, "degC", noise = 0.04785, sd = 10, doc = "air in the box" },
    T_t2     = { 25, "degC", sd = 10, doc = "housing of t2" },
    T_t3     = { 25, "degC", sd = 10, doc = "housing of t3" },
  },

  equations = function(t)
    local heating = t.P_heater * t.heater_on
    local to_air  = t.G_heater * (t.T_heater - t.T_box)
    local to_room = t.G_box * (t.T_box - t.T_room)

    t.T_heater.rate = (heating - to_air) / t.C_heater
    t.T_box.rate    = (to_air - to_room) / t.C_air
    t.T_t2.rate     = (t.T_box + t.share_t2 * (t.T_heater - t.T_box) - t.T_t2) / t.lag_t2
    t.T_t3.rate     = (t.T_box + t.share_t3 * (t.T_heater - t.T_box) - t.T_t3) / t.lag_t3

    t.loss = output(to_room, "W", "heat lost to the room")
  end,

  sensors = {
    -- DS18B20: 12 bits, by its data sheet a sixteenth of a degree
    t2 = { of = "T_t2", noise = 0.0248, unit = "degC", every = 3.04, resolution = 0.0625, doc = "thermometer near the heater" },
    t3 = { of = "T_t3", noise = 0.0241, unit = "degC", every = 3.04, resolution = 0.0625, doc = "thermometer away from the heater" },
  },

  actuators = {
    heater_enable = { 1, "1", min = 0, max = 1, doc = "0 holds the heater off, 1 leaves it to its thermostat" },
  },

  alarms = {
    hot = { high = { "T_box", 60 }, hysteresis = 2, hold = 10, severity = "major" },
  },

  faults = {
    lid     = { value = "G_box", factor = 8, doc = "the lid is open" },
    t2_high = { sensor = "t2", kind = "bias", size = 2, doc = "the thermometer is off by 2 K" },
  },

  -- settle: the slowest time constant of heater and air; whiteness: measured on the recording that identified the model
  divergence = { settle = 446, whiteness = 1.21, false_alarm_days = 30 },
}
