-- A small waterworks, from its wells to the taps of a village: the default demo.
-- Two wells, each with an aeration basin and a sand filter; a clear-water reservoir; two lift pumps, one of them the spare; a tower on a hill;
-- the main to the village; and behind a valve the network of a hamlet. Sizes are those of a supply for some 3,000 people and a dairy.
-- docs/waterworks.md says what goes wrong when, and what to watch. All models are the library's.
-- The emulated plant is these models with other numbers, taps that follow the day (it begins at half past five), and a controller as a PLC has it.
local spare = { lift_1 = "lift_2", lift_2 = "lift_1" }

-- what is commanded when an alarm is raised, and when it has returned
local answers = {
  ["filter_a.clogged"] = { tag = "filter_a.airlift_order", raised = 1, returned = 0.2, why = "the bed is clogged: wash it" },
  ["filter_b.clogged"] = { tag = "filter_b.airlift_order", raised = 1, returned = 0.2, why = "the bed is clogged: wash it" },
  ["basin_a.clogged"]  = { tag = "well_a.speed_order", raised = 1700, returned = 2900, why = "the outlet of the basin is clogged: pump less into it" },
  ["basin_b.clogged"]  = { tag = "well_b.speed_order", raised = 1700, returned = 2900, why = "the outlet of the basin is clogged: pump less into it" },
  ["tower.overflow"]   = { tag = "tower.fill_enable", raised = 0, returned = 1, why = "the tower overflows: stop the lift pumps" },
  ["hamlet.burst"]     = { tag = "zone.opening_order", raised = 0.2, returned = 0.5, why = "a main has burst in the hamlet: throttle its supply" },
}

-- 32 m^3/h at most, against 12 m from the ground water into the basin; the main of a lift pump climbs 20 m
local function well(x, y) return { "pump", speed = 2000, speed_setpoint = 2000, flow = 13, at = { x, y, 0 } } end
local function basin(x, y) return { "tank", area = 1.5, orifice = 20, inflow = 220, level = 0.45, at = { x, y, 0 } } end
local function filter(x, y) return { "sand_filter", area = 6, inflow = 13, level = 0.07, at = { x, y, 0 } } end
local function lift(x, y, rpm)
  return { "pump", shutoff_head = 48, static_head = 20, resistance = 8e-3, pipe_length = 400, pipe_area = 177, best_flow = 42,
           speed = rpm, speed_setpoint = rpm, flow = rpm > 0 and 44 or 0, at = { x, y, 0 } }
end

-- hours of the day and the taps that are open, as a share of the mean: two peaks, a quiet night
local day = { { 0, 0.55 }, { 4, 0.5 }, { 6, 1.1 }, { 7.5, 1.7 }, { 10, 1.1 }, { 12.5, 1.25 }, { 15, 0.9 }, { 19, 1.55 }, { 22, 0.8 }, { 24, 0.55 } }
local function share_of_day(hour)
  for i = 2, #day do
    local from, to = day[i - 1], day[i]
    if hour <= to[1] then return from[2] + (to[2] - from[2]) * (hour - from[1]) / (to[1] - from[1]) end
  end
end

-- the controller as a PLC has it: the reservoir by the speed of the wells, the tower between two marks, the rest as ordered
local lifting  -- what it remembers
local function controller(device, seconds)
  local function follow(setpoint, order) device[setpoint] = device[order] end

  if seconds % 10 == 0 then
    local wanted = math.min(math.max(2000 + 800 * (2.6 - device["clear.radar"]), 1680), 2500) // 10 * 10
    for _, pump in ipairs { "well_a", "well_b" } do device[pump .. ".speed_setpoint"] = math.min(wanted, device[pump .. ".speed_order"]) end
  end

  if lifting == nil then lifting = device["lift_1.speed_setpoint"] + device["lift_2.speed_setpoint"] > 0 end
  if device["tower.radar"] > 3.1 then lifting = false elseif device["tower.radar"] < 2.5 then lifting = true end
  local duty = device["lift_1.speed_order"] > 0 and "lift_1" or "lift_2"
  local fill = lifting and device["tower.fill_enable"] > 0.5
  for pump in pairs(spare) do device[pump .. ".speed_setpoint"] = fill and pump == duty and device[pump .. ".speed_order"] or 0 end

  follow("zone.opening_setpoint", "zone.opening_order")
  follow("filter_a.airlift", "filter_a.airlift_order")
  follow("filter_b.airlift", "filter_b.airlift_order")
end

return plant "waterworks" {
  doc    = "Wells, filters, a reservoir, a tower, and the taps of a village",
  step   = 0.5,
  clock  = "provider",
  record = 5,

  assets = {
    well_a   = well(0, 20),
    well_b   = well(0, 0),
    basin_a  = basin(20, 20),
    basin_b  = basin(20, 0),
    filter_a = filter(40, 20),
    filter_b = filter(40, 0),
    clear    = { "reservoir", area = 60, level = 2.6, at = { 60, 10, 0 } },
    lift_1   = lift(80, 20, 2900),
    lift_2   = lift(80, 0, 0),
    tower    = { "reservoir", area = 16, elevation = 33, level = 2.7, at = { 100, 10, 0 } },
    main     = { "pipe", length = 800, diameter = 150, flow = 7, at = { 120, 10, 0 } },
    village  = { "district", demand = 19, pressure = 3.4, at = { 140, 10, 0 } },
    zone     = { "valve", flow = 3, at = { 140, 0, 0 } },
    hamlet   = { "district", storage = 0.3, demand = 4, pressure = 3.2, at = { 120, 0, 0 } },
  },

  connect = {
    ["well_a.flow"]      = "basin_a.inflow",
    ["well_b.flow"]      = "basin_b.inflow",
    ["basin_a.outflow"]  = "filter_a.inflow",
    ["basin_b.outflow"]  = "filter_b.inflow",
    ["filter_a.outflow"] = "clear.inflow_1",
    ["filter_b.outflow"] = "clear.inflow_2",
    ["clear.level"]      = { "lift_1.suction_level", "lift_2.suction_level" },
    ["lift_1.flow"]      = { "clear.draw_1", "tower.inflow_1" },
    ["lift_2.flow"]      = { "clear.draw_2", "tower.inflow_2" },
    ["tower.level"]      = { "lift_1.delivery_level", "lift_2.delivery_level" },
    ["tower.pressure"]   = "main.pressure_in",
    ["main.flow"]        = { "tower.draw_1", "village.inflow" },
    ["village.pressure"] = { "main.pressure_out", "zone.drop" },
    ["zone.through"]     = { "village.export", "hamlet.inflow" },
    ["hamlet.pressure"]  = "zone.back_pressure",
  },

  control = every(10, controller),  -- in forecasts that want it

  on = {
    -- a lift pump that does not do what its twin does is stopped, and the spare takes over
    divergence = function(event)
      if spare[event.twin] and event.state == "raised" and event.kind ~= "silence" then
        command(event.twin .. ".speed_order", 0, { reason = event.text })
        command(spare[event.twin] .. ".speed_order", 2900, { reason = event.twin .. " has parted from its twin" })
      end
    end,

    alarm = function(event)
      local answer, raised = answers[event.twin .. "." .. event.name], event.state == "raised"
      if answer then command(answer.tag, raised and answer.raised or answer.returned, { reason = raised and answer.why or "it is over" }) end
    end,
  },

  emulate = {
    -- what differs from the models: nobody's twins are perfect
    values = {
      ["well_a.resistance"] = 1.2e-2, ["well_b.wear"] = 0.01, ["basin_a.discharge"] = 0.63, ["basin_b.discharge"] = 0.60, ["filter_b.solids"] = 6,
      ["lift_1.wear"] = 0.01, ["lift_2.resistance"] = 8.3e-3, ["main.fouling"] = 1.1, ["village.leakage"] = 0.5, ["zone.capacity"] = 61,
      ["clear.leak"] = 0.1,
    },

    -- a story of six hours, and again every six hours but for the wear
    faults = {
      iron   = { value = "filter_a.solids", factor = 120, at = 2400, lasts = 480, every = 21600 },
      clog   = { value = "basin_b.discharge", factor = 0.4, at = 5400, lasts = 1800, every = 21600 },
      burst  = { value = "hamlet.leakage", set = 4, at = 8400, lasts = 1800, every = 21600 },
      silent = { sensor = "clear.bottom", kind = "silence", at = 12000, lasts = 600, every = 21600 },
      drift  = { sensor = "tower.radar", kind = "drift", size = -4e-4, at = 13800, lasts = 4200, every = 21600 },
      wear   = { value = "lift_1.wear", set = 0.3, at = 20400 },
    },

    -- the taps follow the day, and the controller what they make of the tower
    control = function(device, seconds)
      if seconds % 60 == 0 then
        local share = share_of_day((seconds / 3600 + 5.5) % 24)
        device["village.demand"] = 5 + 15 * share
        device["hamlet.demand"] = 2 + 2 * share
      end
      controller(device, seconds)
    end,
  },
}
