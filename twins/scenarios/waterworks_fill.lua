-- The waterworks on an evening of high demand (twins/plants/waterworks.lua): how slowly may the lift pump run, so that the tower lasts the evening?
-- Its speed is what a search varies; it costs energy, and the tower must not run low. A pump that turns too slowly against the head of the tower moves
-- no water and heats what it holds, so its own alarm is a limit too.
-- pollux forecast twins/plants/waterworks.lua twins/scenarios/waterworks_fill.lua --optimize
return scenario "fill" {
  doc     = "The lift pump at the speed that costs least",
  horizon = 7200,
  members = 200,
  tags    = { "tower.level", "lift_1.flow" },
  cost    = { integral = "t.lift_1.power + t.lift_2.power", unit = "kWh" },

  changes = {
    ["village.demand"]        = { straight = { { 0, 20 }, { 2400, 32 }, { 7200, 30 } } },
    ["lift_1.speed_setpoint"] = 2900,
  },

  optimize = {
    vary   = { ["lift_1.speed_setpoint"] = { 1500, 3200 } },
    limits = { ["tower.low"] = 0.05, ["lift_1.low_flow"] = 0.01 },
  },
}
