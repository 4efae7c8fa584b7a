-- The waterworks on an evening of high demand (twins/plants/waterworks.lua): how long does the tower last without the lift pumps?
-- The village draws more and more for an hour; in the base case the first lift pump goes on filling the tower.
-- One alternative loses that pump after ten minutes; another starts the spare two minutes later.
return scenario "evening" {
  doc     = "An hour of high demand, with and without the lift pump",
  horizon = 3600,
  points  = 60,
  members = 500,
  tags    = { "tower.level", "clear.level", "village.pressure" },
  cost    = { integral = "t.lift_1.power + t.lift_2.power", unit = "kWh" },

  changes = {
    ["village.demand"] = { straight = { { 0, 20 }, { 2400, 32 }, { 3600, 30 } } },
  },

  alternatives = {
    { name = "pump lost", doc = "the first lift pump trips after ten minutes",
      changes = { ["lift_1.speed_setpoint"] = { { 600, 0 } } } },
    { name = "spare", doc = "and the second one starts two minutes later",
      changes = { ["lift_1.speed_setpoint"] = { { 600, 0 } }, ["lift_2.speed_setpoint"] = { { 720, 2900 } } } },
  },
}
