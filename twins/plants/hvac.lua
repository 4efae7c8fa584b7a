-- An office building in winter: three floors of four rooms, each with a radiator, a boiler and an air handling unit for all of them.
-- Rooms feed each other: heat goes through walls and floors, so most connections are parts of loops and carry what was a tick ago (pollux check names them).
-- An open window is known by the heat that is missing: the room's setpoint is then lowered until it is shut. When a radiator's valve sticks, the rooms
-- around it are kept a little warmer. Numbers: rooms of 25 m^2, inner walls of 12 m^2 and floors of 25 m^2.
-- The emulated building is these models with other numbers, thermostats, a boiler controlled by the weather, and windows and valves as people leave them.
local floors, rooms_of_floor = 3, 4
local wall, slab = 20, 30  -- W/K

local function room_name(floor, number) return "room_" .. floor .. number end
local function exists(floor, number) return floor >= 1 and floor <= floors and number >= 1 and number <= rooms_of_floor end

local assets = {
  boiler = { "boiler", at = { 0, 5, 0 } },
  air    = { "air_handler", at = { 0, 10, 0 } },
}
local connect = {
  ["boiler.T_flow"] = {}, ["air.T_supply"] = {}, ["air.outdoor"] = {},
}
local around, rooms = {}, {}  -- the neighbours of each room; all rooms with their radiators, in an order

local function feed(from, to)
  connect[from] = connect[from] or {}
  table.insert(connect[from], to)
end

-- a neighbour behind a wall or a floor takes the room's next free side
local function join(name, side, floor, number, conductance)
  if not exists(floor, number) then return side end
  local neighbour = room_name(floor, number)
  assets[name]["G_" .. side] = conductance
  feed(neighbour .. ".T_air", name .. ".T_" .. side)
  table.insert(around[name], neighbour)
  return side + 1
end

for floor = 1, floors do
  for number = 1, rooms_of_floor do
    local name, radiator = room_name(floor, number), "heat_" .. floor .. number
    assets[name]     = { "room", supply = 0.02, at = { 20 * number - 10, 5 * floor, 0 } }
    assets[radiator] = { "radiator", at = { 20 * number, 5 * floor, 0 } }
    around[name] = {}
    table.insert(rooms, { name = name, radiator = radiator })

    local side = join(name, 1, floor, number - 1, wall)
    side = join(name, side, floor, number + 1, wall)
    side = join(name, side, floor - 1, number, slab)
    join(name, side, floor + 1, number, slab)

    feed("boiler.T_flow", radiator .. ".T_flow")
    feed("air.T_supply", name .. ".T_supply")
    feed("air.outdoor", name .. ".T_outdoor")
    feed(name .. ".T_air", radiator .. ".T_room")
    feed(radiator .. ".heat", name .. ".heating")
  end
end
feed("room_22.T_air", "air.T_extract")

local function clamp(value, low, high) return math.min(math.max(value, low), high) end

return plant "hvac" {
  doc     = "An office building: rooms, radiators, boiler and ventilation",
  step    = 60,
  clock   = "provider",
  record  = 60,
  assets  = assets,
  connect = connect,

  on = {
    alarm = function(event)
      local raised = event.state == "raised"
      if event.name == "window" then
        local reason = raised and "a window is open: do not heat the street" or "the window is shut"
        command(event.twin .. ".setpoint", raised and 12 or 21, { reason = reason })
      elseif event.name == "stuck" then
        local cold = event.twin:gsub("heat", "room")
        local reason = raised and "the radiator of " .. cold .. " is stuck" or event.twin .. " works again"
        for _, neighbour in ipairs(around[cold]) do command(neighbour .. ".setpoint", raised and 22 or 21, { reason = reason }) end
      end
    end,
  },

  emulate = {
    -- what differs from the models
    values = {
      ["room_11.gains"] = 220, ["room_14.gains"] = 90, ["room_23.gains"] = 260, ["room_32.gains"] = 110,
      ["heat_12.passes"] = 0.95, ["heat_21.passes"] = 1.05, ["air.recovery"] = 0.68, ["boiler.load"] = 6,
    },

    -- a day that begins at midnight
    faults = {
      window = { value = "room_22.gains", set = -1500, at = 28800, lasts = 7200, every = 86400 },
      stuck  = { value = "heat_33.passes", set = 0.05, at = 43200, lasts = 18000, every = 86400 },
      drift  = { sensor = "room_14.thermometer", kind = "drift", size = 4e-4, at = 68400, lasts = 7200, every = 86400 },
      silent = { sensor = "heat_11.surface", kind = "silence", at = 79200, lasts = 3600, every = 86400 },
    },

    -- the controllers: thermostats, a boiler by the weather, supply air of 19 degC
    control = function(device, seconds)
      local hour = seconds / 3600 % 24
      local outdoor = 1 - 4 * math.cos((hour - 3) / 12 * math.pi)
      local sun = math.max(0, 250 * math.sin((hour - 8) / 8 * math.pi)) * (hour > 8 and hour < 16 and 1 or 0)
      local load = 0
      for _, room in ipairs(rooms) do
        local missing = device[room.name .. ".setpoint"] - device[room.name .. ".thermometer"]
        device[room.name .. ".sun"] = sun
        device[room.radiator .. ".opening"] = clamp(0.3 + 0.4 * missing, 0, 1)
        load = load + device[room.radiator .. ".brought"] / 1000
      end

      device["air.T_outdoor"] = outdoor
      device["air.valve"] = clamp(device["air.valve"] + 0.005 * (19 - device["air.duct"]), 0, 1)
      device["boiler.load"] = clamp(load, 0, 50)
      device["boiler.burner"] = clamp(load / 24 + 0.05 * (50 - outdoor - device["boiler.flow"]), 0, 1)
    end,
  },
}
