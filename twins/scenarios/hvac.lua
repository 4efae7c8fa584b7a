-- A cold night in the office building: twelve hours from midnight on (twins/plants/hvac.lua).
-- The controllers are those of the emulated building, five minutes apart: thermostats, a boiler by the weather, supply air of 19 degC.
-- One alternative lowers the setpoints until six; the other leaves a window of room_22 open all night.
local rooms = {}
for floor = 1, 3 do
  for number = 1, 4 do table.insert(rooms, { name = "room_" .. floor .. number, radiator = "heat_" .. floor .. number }) end
end

local function clamp(value, low, high) return math.min(math.max(value, low), high) end

local function building(device)
  local load = 0
  for _, room in ipairs(rooms) do
    local missing = device[room.name .. ".setpoint"] - device[room.name .. ".T_air"]
    device[room.radiator .. ".opening"] = clamp(0.3 + 0.4 * missing, 0, 1)
    load = load + device[room.radiator .. ".brought"] / 1000
  end
  local outdoor = device["air.T_outdoor"]
  device["air.valve"]     = clamp(device["air.valve"] + 0.02 * (19 - device["air.T_supply"]), 0, 1)
  device["boiler.load"]   = clamp(load, 0, 50)
  device["boiler.burner"] = clamp(load / 24 + 0.05 * (50 - outdoor - device["boiler.T_flow"]), 0, 1)
end

local lowered = {}
for _, room in ipairs(rooms) do lowered[room.name .. ".setpoint"] = { { 0, 17 }, { 6 * 3600, 21 } } end

return scenario "night" {
  doc     = "A cold night, with setpoints lowered or a window left open",
  horizon = 12 * 3600,
  points  = 72,
  members = 128,
  every   = 300,
  tags    = { "room_22.T_air", "room_11.T_air", "boiler.T_flow" },
  control = building,
  cost    = { integral = "t.boiler.heat", unit = "kWh" },

  changes = {
    ["air.T_outdoor"] = { straight = { { 0, -4 }, { 6 * 3600, -10 }, { 12 * 3600, -2 } } },
  },

  alternatives = {
    { name = "lowered", doc = "17 degC until six", changes = lowered },
    { name = "window", doc = "a window of room_22 is open", changes = { ["room_22.gains"] = { { 0, -1500 } } } },
  },
}
