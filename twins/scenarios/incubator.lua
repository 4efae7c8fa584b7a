-- The incubator under its thermostat, and somebody who opens the lid (twins/plants/incubator.lua).
-- The thermostat is a function, as in the device: between 35 and 45 degC, unless it is held off. Each member has one of its own.
-- One alternative opens the lid for a minute, which lets out eight times as much heat; the other holds the heater off meanwhile, as the plant's handler does.
local function thermostat(device, seconds, memory)
  if device["incubator.heater_enable"] < 0.5 or device["incubator.t3"] > 45 then
    memory.heats = false
  elseif device["incubator.t3"] < 35 then
    memory.heats = true
  end
  device["incubator.heater_on"] = memory.heats and 1 or 0
end

local lid = { { 120, 8 * 1.139 }, { 180, 1.139 } }

return scenario "lid" {
  doc     = "Fifteen minutes under the thermostat, with the lid opened or not",
  horizon = 900,
  points  = 90,
  members = 256,
  every   = 3,
  tags    = { "incubator.t3", "incubator.T_heater", "incubator.loss" },
  control = thermostat,
  cost    = { integral = "t.incubator.heater_on * t.incubator.P_heater", unit = "Wh" },

  alternatives = {
    { name = "lid open",      doc = "for a minute, after two",    changes = { ["incubator.G_box"] = lid } },
    { name = "and held off",  doc = "the heater waits for the lid",
      changes = { ["incubator.G_box"] = lid, ["incubator.heater_enable"] = { { 123, 0 }, { 186, 1 } } } },
  },
}
